import assert from 'node:assert/strict';
import { test } from 'node:test';
import { planNetwork } from '../../../firmware/control/network-plan.js';
import type { TunDevice } from '../../../firmware/control/tun-devices.js';
import { NO_AUTHORIZATION } from '../../../firmware/roles/authorization.js';
import type { CallInfo } from '../../../firmware/roles/role.js';
import { DEFAULT_SETTINGS, type Settings } from '../../../firmware/settings.js';
import { standingCall } from './standing-call.js';

const lnsTun: TunDevice = {
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
const branchTun: TunDevice = {
  tun: 1,
  kind: 'tun',
  role: 'lac-client',
  profile: 'branch',
  name: 'tw1',
  mtu_bytes: 1400,
  generation: 2,
  isOpen: true,
  failure: undefined,
};
const pools = [{ name: 'default', ranges: [{ first: '10.0.0.8', last: '10.0.0.15' }], excluded: [], sticky: true }];
const settings: Settings = {
  ...DEFAULT_SETTINGS,
  lacClients: [
    {
      name: 'branch',
      enabled: true,
      server: '192.0.2.1',
      port: 1701,
      encapsulation: 'auto',
      cookie_bytes: 8,
      digest: 'sha1',
      userName: 'u',
      authentication: ['pap'],
      tunInterface: 'tw1',
      routes: ['172.16.0.0/12'],
      localNetworks: [],
      ipv6: false,
      mru_bytes: 1400,
      mssClamp: true,
      sequencing: false,
      redialInitial_s: 1,
      redialCap_s: 2,
    },
  ],
};

test('pools are routed as prefixes: a call on a pool address adds no route', () => {
  const idle = planNetwork(settings, pools, [lnsTun], []);
  const withCall = planNetwork(settings, pools, [lnsTun], [standingCall({})]);

  assert.deepEqual(idle.routes, [{ prefix: '10.0.0.8/29', link: 'tw0' }]);
  assert.deepEqual(withCall, idle);
  assert.deepEqual(idle.links, [
    { name: 'tw0', kind: 'tun', generation: 1, mtu_bytes: 1400, addresses: [`${settings.lns.localAddress}/32`] },
  ]);
});

test('an address outside of all pools and the networks behind a user are routed while the call stands', () => {
  const { routes } = planNetwork(
    settings,
    pools,
    [lnsTun],
    [standingCall({ peerAddress: '10.9.9.9', routes: ['10.1.0.0/16'] })],
  );

  assert.deepEqual(routes.slice(1), [
    { prefix: '10.9.9.9/32', link: 'tw0' },
    { prefix: '10.1.0.0/16', link: 'tw0' },
  ]);
});

test("a profile's address and routes are there while its call stands, its link always", () => {
  const up = standingCall({
    role: 'lac-client',
    profile: 'branch',
    localAddress: '10.0.0.9',
    peerAddress: '10.112.112.1',
  });

  const before = planNetwork(settings, pools, [branchTun], []);
  const during = planNetwork(settings, pools, [branchTun], [up]);

  assert.deepEqual(before.links, [{ name: 'tw1', kind: 'tun', generation: 2, mtu_bytes: 1400, addresses: [] }]);
  assert.deepEqual(before.routes, []);
  assert.deepEqual(during.links[0].addresses, ['10.0.0.9/32']);
  assert.deepEqual(during.routes, [
    { prefix: '172.16.0.0/12', link: 'tw1' },
    { prefix: '10.112.112.1/32', link: 'tw1' },
  ]);
});

test('a device that is not open yet is not configured', () => {
  const planned = planNetwork(
    settings,
    pools,
    [{ ...lnsTun, isOpen: false }],
    [standingCall({ peerAddress: '10.9.9.9' })],
  );

  assert.deepEqual(planned.links, []);
  assert.deepEqual(planned.routes, []);
});

test('l2tpns: an LNS whose PPP address is its outer one gets no route through the tunnel', () => {
  const up = standingCall({
    role: 'lac-client',
    profile: 'branch',
    localAddress: '10.0.0.9',
    peerAddress: '192.0.2.1',
  });

  const { routes } = planNetwork(settings, pools, [branchTun], [up]);

  assert.deepEqual(routes, [{ prefix: '172.16.0.0/12', link: 'tw1' }]);
});

test('an LNS that does not say its address in IPCP has no route to it', () => {
  const up = standingCall({ role: 'lac-client', profile: 'branch', localAddress: '10.0.0.9', peerAddress: '' });

  const { routes } = planNetwork(settings, pools, [branchTun], [up]);

  assert.deepEqual(routes, [{ prefix: '172.16.0.0/12', link: 'tw1' }]);
});

test('two profiles that dial one LNS have one gateway, and the kernel takes one route to it', () => {
  const otherTun: TunDevice = { ...branchTun, tun: 2, profile: 'other', name: 'tw2', generation: 3 };
  const calls = ['branch', 'other'].map((profile) => {
    return standingCall({ role: 'lac-client', profile, localAddress: '10.0.0.9', peerAddress: '10.112.112.1' });
  });
  const gateways = (of: readonly CallInfo[]) =>
    planNetwork(settings, pools, [branchTun, otherTun], of).routes.filter(({ prefix }) => prefix === '10.112.112.1/32');

  assert.deepEqual(gateways(calls), [{ prefix: '10.112.112.1/32', link: 'tw1' }]);
  assert.deepEqual(gateways(calls.slice(1)), [{ prefix: '10.112.112.1/32', link: 'tw2' }]);
});

test("a pseudowire's TAP device is a port of its bridge, without an address", () => {
  const tap: TunDevice = {
    ...branchTun,
    tun: 3,
    kind: 'tap',
    role: 'pseudowire',
    profile: 'lan',
    name: 'tap0',
    mtu_bytes: 1500,
  };
  const wire = (bridge?: string) => ({ ...settings, pseudowires: [{ name: 'lan', bridge }] }) as unknown as Settings;
  const link = { name: 'tap0', kind: 'tap', generation: 2, mtu_bytes: 1500, addresses: [] };

  assert.deepEqual(planNetwork(wire('lan0'), [], [tap], []).links, [{ ...link, bridge: 'lan0' }]);
  assert.deepEqual(planNetwork(wire(), [], [tap], []).links, [link]);
});

test('users are filtered behind the LNS’s device, once it is there', () => {
  const web = { name: 'web', rules: [], otherwise: 'drop' } as const;
  const user = standingCall({ authorization: { ...NO_AUTHORIZATION, filters: ['web'] } });
  const given: Settings = { ...settings, filters: [{ ...web, rules: [] }] };

  assert.deepEqual(planNetwork(given, pools, [lnsTun], [user]).filters, [
    { ...web, link: 'tw0', addresses: ['10.0.0.9/32'] },
  ]);
  assert.deepEqual(planNetwork(given, pools, [branchTun], [user]).filters, []);
});
