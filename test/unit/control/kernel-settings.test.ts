/** When the kernel's settings are planned anew, and that nothing is lost between plans. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KernelSettings } from '../../../firmware/control/kernel-settings.js';
import type { DesiredNetwork, NetworkProblem } from '../../../firmware/control/network.js';
import type { TunDevice } from '../../../firmware/control/tun-devices.js';
import { NO_AUTHORIZATION } from '../../../firmware/roles/authorization.js';
import type { CallInfo } from '../../../firmware/roles/role.js';
import { DEFAULT_SETTINGS, type Settings } from '../../../firmware/settings.js';
import { standingCall } from './standing-call.js';

const TUN: TunDevice = {
  tun: 0,
  kind: 'tun',
  role: 'lns',
  profile: '',
  name: 'tw0',
  mtu_bytes: 1400,
  generation: 1,
  isOpen: true,
  failure: undefined,
};
const POOL = { name: 'home', ranges: [{ first: '10.0.0.0', last: '10.0.0.255' }], excluded: [], sticky: true };
const WEB: Settings['filters'][number] = { name: 'web', rules: [], otherwise: 'drop' };

function filtered(peerAddress: string, ...filters: string[]): CallInfo {
  return standingCall({ peerAddress, authorization: { ...NO_AUTHORIZATION, filters } });
}

/** A kernel that is done with a run when the test says so. */
class Kernel {
  calls: CallInfo[] = [];
  /** What it says against the next run. */
  refused: NetworkProblem[] = [];
  settings: Settings = { ...DEFAULT_SETTINGS, filters: [WEB] };
  /** What it was told, the routes of pools left out; 'withdraw' at the end. */
  readonly told: (readonly string[] | 'withdraw')[] = [];
  readonly #done: (() => void)[] = [];
  readonly #pools = [POOL];
  readonly control = new KernelSettings({
    network: {
      apply: (desired) => this.#run(prefixesOf(desired)),
      withdraw: () => this.#run('withdraw'),
    },
    log: { info: () => undefined, warn: () => undefined, error: () => undefined },
    settings: () => this.settings,
    pools: () => this.#pools,
    devices: () => [TUN],
    calls: () => this.calls,
    lan: () => [],
    interfaces: () => [],
    leases: () => new Map(),
  });

  #run(what: readonly string[] | 'withdraw'): Promise<NetworkProblem[]> {
    this.told.push(what);
    return new Promise((resolve) => this.#done.push(() => resolve(this.refused)));
  }

  finish(): void {
    this.#done.shift()?.();
  }
}

function prefixesOf({ routes }: DesiredNetwork): string[] {
  return routes.slice(1).map(({ prefix }) => prefix);
}

test('changes during a run become one plan, made when the run is over', async () => {
  const kernel = new Kernel();
  const first = kernel.control.apply();
  const later = [1, 2, 3].map((host) => {
    kernel.calls = [...kernel.calls, standingCall({ callId: host, peerAddress: `192.0.2.${host}` })];
    return kernel.control.apply();
  });
  assert.deepEqual(kernel.told, [[]]);
  kernel.finish();
  await first;
  await new Promise(setImmediate);
  assert.deepEqual(kernel.told, [[], ['192.0.2.1/32', '192.0.2.2/32', '192.0.2.3/32']]);
  kernel.finish();
  await Promise.all(later);
  kernel.calls = [];
  void kernel.control.apply();
  assert.deepEqual(kernel.told.slice(2), [[]]);
});

test('what is set last is that nothing is set: the end waits for the plans before it', async () => {
  const kernel = new Kernel();
  void kernel.control.apply();
  kernel.calls = [standingCall({ peerAddress: '192.0.2.1' })];
  void kernel.control.apply();
  const end = kernel.control.withdraw();
  for (const _ of ['the first plan', 'the second', 'the end']) {
    await new Promise(setImmediate);
    kernel.finish();
  }
  await end;
  assert.deepEqual(kernel.told, [[], ['192.0.2.1/32'], 'withdraw']);
});

/** Whether a call that comes, goes or changes is worth a plan. */
const NOTED: [string, CallInfo, boolean][] = [
  ['on an address of a pool', standingCall({ peerAddress: '10.0.0.9' }), false],
  ['on an address outside of all pools', standingCall({ peerAddress: '192.0.2.1' }), true],
  ['with a network behind it', standingCall({ routes: ['10.9.0.0/16'] }), true],
  ['with a filter', filtered('10.0.0.9', 'web'), true],
  ['that a LAC carries to an LNS', { ...filtered('192.0.2.1', 'web'), role: 'lac', isTunnelled: true }, false],
  ['of the LAC client', standingCall({ role: 'lac-client', profile: 'office' }), true],
];
for (const [which, call, isStale] of NOTED) {
  test(`a call ${which} makes ${isStale ? 'a new plan' : 'no new plan'}`, () => {
    const kernel = new Kernel();
    kernel.control.noteCall(call);
    assert.equal(kernel.control.isStale, isStale);
  });
}

test('RFC 5176: a call that loses its filter makes a new plan', async () => {
  const kernel = new Kernel();
  kernel.calls = [filtered('10.0.0.9', 'web')];
  void kernel.control.apply();
  kernel.control.noteCall(filtered('10.0.0.9'));
  assert.equal(kernel.control.isStale, true);
});

test('a filter that the settings do not have is a problem as long as a call should have it', () => {
  const kernel = new Kernel();
  assert.deepEqual(kernel.control.problems(), []);
  kernel.calls = [filtered('10.0.0.9', 'gone')];
  assert.match(kernel.control.problems()[0]?.what ?? '', /there is no filter gone, and alice should have it/);
});

test('filters that nft(8) refuses do not hold until it takes them; routes that are refused do not matter to them', async () => {
  const kernel = new Kernel();
  const run = async (refused: NetworkProblem[]): Promise<boolean> => {
    kernel.refused = refused;
    const applied = kernel.control.apply();
    kernel.finish();
    await applied;
    return kernel.control.filtersHold;
  };
  const problem = { line: 'a line', message: 'no', advice: 'none' };
  assert.equal(await run([{ ...problem, isOfFilters: true }]), false);
  assert.equal(await run([problem]), true);
});
