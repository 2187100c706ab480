/** The interfaces that PPPoE is answered on: which get a socket, when they lose it, and what the operator is told. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type EthernetInterface, PppoeInterfaces } from '../../../firmware/control/pppoe-interfaces.js';
import type { DataPlaneCommand } from '../../../firmware/dataplane/interface.js';
import { DEFAULT_SETTINGS, type LacSettings } from '../../../firmware/settings.js';

const ETH1: EthernetInterface = { name: 'eth1', index: 3, mac: '02:00:5e:00:53:01', mtu_bytes: 1500, isUp: true };
const ETH2: EthernetInterface = { name: 'eth2', index: 4, mac: '02:00:5e:00:53:02', mtu_bytes: 1508, isUp: true };

class Box {
  present: EthernetInterface[] = [ETH1, ETH2];
  readonly commands: DataPlaneCommand[] = [];
  readonly interfaces = new PppoeInterfaces(
    (command) => this.commands.push(command),
    () => this.present,
  );

  refresh(...interfaces: Partial<LacSettings['interfaces'][number]>[]): boolean {
    const named = interfaces.map((one) => ({ name: 'eth1', vlans: 'any' as const, ...one }));
    return this.interfaces.refresh({ ...DEFAULT_SETTINGS.lac, enabled: named.length > 0, interfaces: named });
  }

  /** In the order in which they were given. */
  taken(): string[] {
    return this.commands.splice(0).map((command) => {
      const index = 'interfaceIndex' in command ? command.interfaceIndex : '';
      return `${command.type} ${index}`;
    });
  }
}

const served = ({ interfaces }: Box) => interfaces.open().map(({ name }) => name);

test('an interface of the settings gets a socket, and is served when it has it', () => {
  const box = new Box();
  assert.equal(box.refresh({ name: 'eth1' }), true);
  assert.deepEqual([box.taken(), served(box)], [['open-packet-socket 3'], []]);
  box.interfaces.opened(3);
  assert.deepEqual(served(box), ['eth1']);
  assert.equal(box.refresh({ name: 'eth1' }), false);
  assert.deepEqual(box.taken(), []);
});

test('one that leaves the settings keeps its socket until its last frames are handed on', () => {
  const box = new Box();
  box.refresh({ name: 'eth1' }, { name: 'eth2' });
  box.interfaces.opened(3);
  box.interfaces.opened(4);
  box.taken();
  assert.equal(box.refresh({ name: 'eth2' }), true);
  assert.deepEqual([box.taken(), served(box)], [[], ['eth2']]);
  box.interfaces.closeRetired();
  box.interfaces.closeRetired();
  assert.deepEqual(box.taken(), ['close-packet-socket 3']);
});

test('one that is wanted otherwise gets a new socket, after the old one is closed', () => {
  const box = new Box();
  box.refresh({});
  box.interfaces.opened(3);
  box.taken();
  assert.equal(box.refresh({ vlans: 'untagged' }), true);
  assert.deepEqual([box.taken(), served(box)], [['close-packet-socket 3', 'open-packet-socket 3'], []]);
});

test('one that comes back as another, by index or address, is another', () => {
  const box = new Box();
  box.refresh({});
  box.interfaces.opened(3);
  box.present = [];
  assert.equal(box.refresh({}), true);
  box.interfaces.closeRetired();
  assert.deepEqual(box.taken(), ['open-packet-socket 3', 'close-packet-socket 3']);
  assert.deepEqual(served(box), []);
  assert.match(box.interfaces.problems()[0]?.what ?? '', /no Ethernet interface eth1/);
  box.present = [{ ...ETH1, index: 9 }];
  assert.equal(box.refresh({}), true);
  assert.deepEqual([box.taken(), box.interfaces.problems()], [['open-packet-socket 9'], []]);
});

test('what is down is told of and served when it comes up; what has failed is tried again with new settings', () => {
  const box = new Box();
  box.present = [{ ...ETH1, isUp: false }];
  box.refresh({});
  assert.deepEqual(box.taken(), ['open-packet-socket 3']);
  assert.match(box.interfaces.problems()[0]?.what ?? '', /eth1 is down/);
  box.interfaces.failed(3, { what: 'open a packet socket', advice: 'start as root' });
  box.present = [ETH1];
  assert.equal(box.refresh({}), false);
  assert.deepEqual(box.interfaces.problems(), [{ what: 'open a packet socket', advice: 'start as root' }]);
  box.interfaces.retry();
  assert.equal(box.refresh({}), true);
  assert.deepEqual([box.taken(), box.interfaces.problems()], [['open-packet-socket 3'], []]);
});

test('the MTU is the interface’s, unless the settings say another; without the LAC nothing is looked at', () => {
  const box = new Box();
  box.refresh({ name: 'eth1', mtu_bytes: 1508 }, { name: 'eth2' });
  box.interfaces.opened(3);
  box.interfaces.opened(4);
  assert.deepEqual(
    box.interfaces.open().map(({ mtu_bytes }) => mtu_bytes),
    [1508, 1508],
  );
  assert.equal(box.refresh(), true);
  assert.deepEqual(served(box), []);
});

test('another MTU is in force for the sessions to come, and those that stand keep their socket', () => {
  const box = new Box();
  box.refresh({});
  box.interfaces.opened(3);
  box.taken();
  box.present = [{ ...ETH1, mtu_bytes: 1508 }];
  assert.equal(box.refresh({}), true);
  assert.deepEqual([box.taken(), served(box)], [[], ['eth1']]);
  assert.deepEqual(
    box.interfaces.open().map(({ mtu_bytes }) => mtu_bytes),
    [1508],
  );
  assert.equal(box.refresh({}), false);
});
