import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TunDevices } from '../../../firmware/control/tun-devices.js';
import type { DataPlaneCommand } from '../../../firmware/dataplane/interface.js';
import { DEFAULT_SETTINGS, type Settings } from '../../../firmware/settings.js';

function withLns(changes: Partial<Settings['lns']> = {}): Settings {
  return { ...DEFAULT_SETTINGS, lns: { ...DEFAULT_SETTINGS.lns, enabled: true, ...changes } };
}

function devices(): { tuns: TunDevices; commands: () => string[] } {
  const pushed: DataPlaneCommand[] = [];
  const tuns = new TunDevices((command) => pushed.push(command));
  const commands = () => pushed.splice(0).map((command) => JSON.stringify(command));
  return { tuns, commands };
}

const OPEN = JSON.stringify({
  type: 'open-tun',
  kind: 'tun',
  tun: 0,
  name: 'tw0',
  mtu_bytes: DEFAULT_SETTINGS.ppp.mru_bytes,
});
const CLOSE = JSON.stringify({ type: 'close-tun', tun: 0 });

test('a device is asked for once, and given up when it is no longer wanted', () => {
  const { tuns, commands } = devices();

  tuns.open(withLns());
  tuns.opened(0, 'tw0');
  assert.deepEqual(commands(), [OPEN]);
  tuns.open(withLns());
  tuns.close(withLns());
  assert.deepEqual(commands(), []);
  tuns.close(DEFAULT_SETTINGS);

  assert.deepEqual(commands(), [CLOSE]);
  assert.equal(tuns.isLnsOpen(), false);
});

test('a device under another name is made anew, of another generation', () => {
  const { tuns, commands } = devices();
  tuns.open(withLns());
  tuns.opened(0, 'tw0');
  const [before] = tuns.devices();
  commands();

  tuns.open(withLns({ tunInterface: 'lns0' }));

  assert.deepEqual(commands(), [CLOSE, OPEN.replace('tw0', 'lns0')]);
  const [after] = tuns.devices();
  assert.notEqual(after.generation, before.generation);
  assert.equal(after.isOpen, false);
});

test('a device that could not be made is a problem, until the next settings bring it', () => {
  const { tuns, commands } = devices();
  tuns.open(withLns());
  tuns.failed(0, { what: 'TUN tw0: EBUSY', advice: 'take another name' });
  assert.deepEqual(tuns.problems(), [{ what: 'TUN tw0: EBUSY', advice: 'take another name' }]);
  commands();

  tuns.open(withLns());

  assert.deepEqual(commands(), [OPEN]);
  assert.deepEqual(tuns.problems(), []);
});

test('a device that is asked for and not there yet is given up too, or the packet path would have it twice', () => {
  const { tuns, commands } = devices();
  tuns.open(withLns());
  tuns.open(withLns({ tunInterface: 'lns0' }));
  assert.deepEqual(commands(), [OPEN, CLOSE, OPEN.replace('tw0', 'lns0')]);
  tuns.opened(0, 'tw0');
  assert.equal(tuns.isLnsOpen(), false);

  tuns.close(DEFAULT_SETTINGS);

  assert.deepEqual(commands(), [CLOSE]);
});

test('a device that somebody removed is not open, and is made anew with the next settings', () => {
  const { tuns, commands } = devices();
  tuns.open(withLns());
  tuns.opened(0, 'tw0');
  tuns.failed(0, { what: 'TUN device tw0 is gone', advice: 'save the settings again' });
  assert.equal(tuns.isLnsOpen(), false);
  commands();

  tuns.open(withLns());
  tuns.opened(0, 'tw0');

  assert.deepEqual(commands(), [OPEN]);
  assert.deepEqual([tuns.isLnsOpen(), tuns.problems()], [true, []]);
});

test("a profile's index stays its own", () => {
  const { tuns } = devices();

  assert.equal(tuns.indexOf('lac-client', 'a'), 1);
  assert.equal(tuns.indexOf('lac-client', 'b'), 2);
  assert.equal(tuns.indexOf('pseudowire', 'a'), 3);
  assert.equal(tuns.indexOf('lac-client', 'a'), 1);
});

test('a pseudowire has a TAP device, as long as it is enabled', () => {
  const { tuns, commands } = devices();
  const pseudowire = { name: 'lan', enabled: true, tapInterface: 'tap0', mtu_bytes: 1500 };
  const settings = (enabled: boolean) =>
    ({ ...DEFAULT_SETTINGS, pseudowires: [{ ...pseudowire, enabled }] }) as unknown as Settings;

  tuns.open(settings(true));
  const tun = tuns.indexOf('pseudowire', 'lan');
  assert.deepEqual(commands(), [JSON.stringify({ type: 'open-tun', kind: 'tap', tun, name: 'tap0', mtu_bytes: 1500 })]);
  assert.deepEqual([...tuns.states()], [[tun, false]]);
  tuns.opened(tun, 'tap0');
  assert.deepEqual([...tuns.states()], [[tun, true]]);
  tuns.close(settings(false));
  assert.deepEqual(commands(), [JSON.stringify({ type: 'close-tun', tun })]);
  assert.deepEqual([...tuns.states()], [[tun, false]]);
});

test('a name that goes from one pseudowire to another is given up before it is asked for', () => {
  const { tuns, commands } = devices();
  const settings = (...wires: readonly (readonly [name: string, tapInterface: string])[]) =>
    ({
      ...DEFAULT_SETTINGS,
      pseudowires: wires.map(([name, tapInterface]) => ({ name, enabled: true, tapInterface, mtu_bytes: 1500 })),
    }) as unknown as Settings;
  const kinds = () => commands().map((command) => JSON.parse(command) as { type: string; tun: number; name?: string });
  tuns.open(settings(['a', 'tap0'], ['b', 'tap1']));
  const [a, b] = [tuns.indexOf('pseudowire', 'a'), tuns.indexOf('pseudowire', 'b')];
  commands();

  tuns.open(settings(['a', 'tap1'], ['b', 'tap0']));
  assert.deepEqual(
    kinds().map(({ type, tun, name }) => [type, tun, name]),
    [
      ['close-tun', a, undefined],
      ['close-tun', b, undefined],
      ['open-tun', a, 'tap1'],
      ['open-tun', b, 'tap0'],
    ],
  );

  const renamed = settings(['a', 'tap1'], ['c', 'tap0']);
  tuns.open(renamed);
  tuns.close(renamed);
  assert.deepEqual(
    kinds().map(({ type, tun, name }) => [type, tun, name]),
    [
      ['close-tun', b, undefined],
      ['open-tun', tuns.indexOf('pseudowire', 'c'), 'tap0'],
    ],
  );
});
