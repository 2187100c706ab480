/** Which leases may be used, who is asked and served, and what is said of it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AddressLeases } from '../../../firmware/control/address-leases.js';
import type { DhcpClientState, DhcpLease, DhcpService } from '../../../firmware/control/dhcp.js';
import { planNetwork } from '../../../firmware/control/network-plan.js';
import { DEFAULT_SETTINGS, type Settings } from '../../../firmware/settings.js';

const WAN: Settings['interfaces'][number] = { name: 'eth0', role: 'wan', addressing: 'dhcp', addresses: [] };
const LAN: Settings['interfaces'][number] = {
  ...{ name: 'eth1', role: 'lan', addressing: 'static', addresses: ['2001:db8::1/64', '192.168.115.1/24'] },
  dhcpServer: { first: '192.168.115.100', last: '192.168.115.199', lease_s: 600 },
};
const LEASE: DhcpLease = {
  ...{ address: '192.0.2.5/24', gateway: '192.0.2.1', server: '192.0.2.1' },
  ...{ nameServers: ['192.0.2.53'], timeServers: [] },
};
const port = (name: string, index: number) => ({ name, index, mac: '', mtu_bytes: 1500, isUp: true });

/** Programs that are told everything and do nothing. */
class Box {
  asked: string[] = [];
  served: readonly DhcpService[] = [];
  states = new Map<string, DhcpClientState>();
  readonly written: string[][] = [];
  changes = 0;
  settings: Settings = { ...DEFAULT_SETTINGS, interfaces: [WAN, LAN] };
  present = [port('eth0', 2), port('eth1', 3)];
  readonly clients = {
    ask: (interfaces: readonly { name: string; index: number }[]) => {
      this.asked = interfaces.map(({ name, index }) => `${name} ${index}`);
    },
    look: () => undefined,
    states: () => this.states,
    stop: () => Promise.resolve(),
    onChange: () => {},
  };
  readonly leases = new AddressLeases({
    programs: {
      clients: this.clients,
      servers: {
        serve: (services) => {
          this.served = services;
        },
        complaints: () => new Map(),
        stop: () => Promise.resolve(),
      },
      writeNameServers: (addresses) => {
        this.written.push([...addresses]);
        return Promise.resolve('');
      },
    },
    log: { info: () => undefined, warn: () => undefined, error: () => undefined },
    settings: () => this.settings,
    interfaces: () => this.present,
    changed: () => {
      this.changes++;
    },
  });

  give(lease: DhcpLease | undefined, complaint = ''): void {
    this.states.set('eth0', { lease, state: lease === undefined ? 'asking' : 'bound', complaint });
    this.clients.onChange();
  }

  plan() {
    return planNetwork(this.settings, [], [], [], ['eth1'], this.present, this.leases.leases()).own!;
  }
}

test('an interface that is there is asked on, one that is to be served is served with the address of that network', () => {
  const box = new Box();
  box.leases.look();
  assert.deepEqual(box.asked, ['eth0 2']);
  const range = { first: '192.168.115.100', last: '192.168.115.199', lease_s: 600 };
  assert.deepEqual(box.served, [{ interface: 'eth1', address: '192.168.115.1', mask: '255.255.255.0', ...range }]);
  box.present = [];
  box.leases.look();
  assert.deepEqual([box.asked, box.served], [[], []]);
});

test('a lease becomes address and default route, a static gateway would come before it', () => {
  const box = new Box();
  assert.deepEqual(box.plan().ports[0], {
    ...{ name: 'eth0', index: 2, isUp: true, addresses: [], gateways: [], staysSet: false, leased: { metric: 100 } },
  });
  box.give(LEASE);
  const [{ addresses, gateways, leased } = {}] = box.plan().ports;
  assert.deepEqual([addresses, gateways, leased], [['192.0.2.5/24'], ['192.0.2.1'], { metric: 100 }]);
  assert.equal(box.changes, 1);
});

test('a lease in a network of another interface is not used, and another address of that one makes it usable', () => {
  const box = new Box();
  box.give({ ...LEASE, address: '192.168.115.20/24' });
  assert.deepEqual(
    box.leases.views().map(({ state, other }) => [state, other]),
    [['overlapping', 'eth1']],
  );
  assert.deepEqual(box.plan().ports[0]?.addresses, []);
  box.settings = { ...box.settings, interfaces: [WAN, { ...LAN, addresses: ['10.9.0.1/24'] }] };
  assert.deepEqual(box.plan().ports[0]?.addresses, ['192.168.115.20/24']);
});

test('name servers are written when they change, and those of a lease that is over stay', () => {
  const box = new Box();
  for (const lease of [LEASE, LEASE, undefined, { ...LEASE, nameServers: ['192.0.2.54'] }]) box.give(lease);
  assert.deepEqual(box.written, [['192.0.2.53'], ['192.0.2.54']]);
});

test('a program that cannot run is said in its words, with what to do', () => {
  const box = new Box();
  box.give(undefined, 'spawn setpriv ENOENT');
  const [{ what, advice } = { what: '', advice: '' }] = box.leases.problems();
  assert.match(what, /on eth0: spawn setpriv ENOENT/);
  assert.match(advice, /BusyBox/);
});
