/** The set-up's plan: what it proposes on a box of factory settings, and the documents that come of it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DEFAULT_POOL, DEFAULT_SETTINGS } from '../../../firmware/settings.js';
import { validatePool, validateSettings, validateUser } from '../../../firmware/store/rules.js';
import { hostRange, networksOverlap, rangeSize } from '../../../web-ui/parts/ipv4.js';
import { randomPassword } from '../../../web-ui/parts/random-password.js';
import {
  documentsOf,
  type Found,
  gapsIn,
  type Interface,
  natInterfaces,
  pageStays,
  proposal,
  stepOf,
  testCallOf,
  withDhcpServer,
} from '../../../web-ui/views/set-up/plan.js';

const port = (name: string, addresses: string[] = [], hasCarrier = true): Interface => ({
  ...{ name, kind: 'ethernet', mac: '02:00:00:00:00:01', isUp: hasCarrier, hasCarrier, addresses, role: '' },
});
const found = (interfaces: Interface[], settings = DEFAULT_SETTINGS): Found => ({
  ...{ settings: structuredClone(settings), pools: [DEFAULT_POOL], interfaces, hasUsers: false },
});
const around = (pools = [DEFAULT_POOL]) => ({
  settings: () => DEFAULT_SETTINGS,
  pools: () => pools,
  userWithFixedAddress: () => undefined,
  userOfPool: () => undefined,
  userOfTunnelGroup: () => undefined,
  userOfFilter: () => undefined,
});
const BOX = [port('eth0', ['192.168.1.5/24']), port('eth1', ['203.0.113.7/29']), port('eth2', [], false)];

test('the interface that the page was reached by is proposed as LAN, others with a cable as WAN', () => {
  const { interfaces } = proposal(found(BOX), '203.0.113.7');
  assert.deepEqual(
    interfaces.map(({ name, role }) => [name, role]),
    [
      ['eth0', 'wan'],
      ['eth1', 'lan'],
      ['eth2', 'other'],
    ],
  );
});

test('the tunnel devices of the box are no interfaces of the set-up, and their addresses are nobody else’s network', () => {
  const tun: Interface = { ...port('tw0', ['10.112.112.1/32']), kind: 'tun' };
  const plan = proposal(found([port('eth0', ['192.168.1.5/24']), tun]), 'localhost');
  assert.deepEqual(
    plan.interfaces.map(({ name }) => name),
    ['eth0'],
  );
  assert.equal(plan.pool.first, '10.112.112.10');
});

test('a pool is proposed that meets no network of the box', () => {
  const { pool } = proposal(found([port('eth0', ['10.112.0.9/16'])]), 'localhost');
  assert.deepEqual(pool, { first: '10.113.113.10', last: '10.113.113.250', localAddress: '10.113.113.1', dns: [] });
});

test('the answers for an LNS give a pool, a user and settings that the box takes', () => {
  const box = found(BOX);
  const plan = { ...proposal(box, '192.168.1.5'), user: { name: 'alice', password: 'k7pm-3hqa' } };
  const { pool, user, settings } = documentsOf(plan, box);
  assert.ok(validatePool(pool, around()).ok);
  assert.ok(validateUser(user, around()).ok);
  assert.deepEqual(validateSettings(settings, around([pool!])).ok, true);
  assert.equal(settings.lns.enabled, true);
  assert.deepEqual(settings.routing.masqueradeOn, ['eth1']);
  assert.equal(settings.interfaces.find(({ name }) => name === 'eth0')?.role, 'lan');
});

test('with one interface alone, users go out by it', () => {
  assert.deepEqual(natInterfaces(proposal(found([port('eth0')]), 'localhost')), ['eth0']);
});

test('with RADIUS no user is written, and the box takes its server', () => {
  const box = found(BOX);
  const radius = { address: '192.168.1.9', port: 1812, secret: 'a secret' };
  const { user, settings } = documentsOf({ ...proposal(box, '192.168.1.5'), users: 'radius', radius }, box);
  assert.equal(user, undefined);
  const validated = validateSettings(settings, around());
  assert.ok(validated.ok, JSON.stringify(validated));
  assert.equal(validated.value.radius.authentication[0]?.address, '192.168.1.9');
});

test('the answers for a LAC carry every call to the LNS, and those for a client dial it', () => {
  const box = found(BOX);
  const lac = { interfaces: ['eth2'], server: '198.51.100.1', secret: 's' };
  const ofLac = documentsOf({ ...proposal(box, 'x'), role: 'lac', lac }, box);
  assert.equal(ofLac.pool, undefined);
  assert.deepEqual(ofLac.settings.lac.rules, [{ action: 'tunnel', group: 'lns' }]);
  assert.ok(validateSettings(ofLac.settings, around()).ok);
  const credentials = { user: 'alice', password: 'x' };
  assert.deepEqual(testCallOf(ofLac.settings, 'lac', credentials), {
    ...{ kind: 'tunnel-group', group: 'lns', ...credentials },
  });
  const client = { server: '198.51.100.1', secret: '', userName: 'branch', password: 'p', routes: ['10.1.0.0/16', ''] };
  const ofClient = documentsOf({ ...proposal(box, 'x'), role: 'client', client }, box);
  const validated = validateSettings(ofClient.settings, around());
  assert.ok(validated.ok, JSON.stringify(validated));
  assert.deepEqual(validated.value.lacClients[0]?.routes, ['10.1.0.0/16']);
});

test('gone through again, the set-up proposes what the box has and leaves the rest of it alone', () => {
  const box = found(BOX);
  const first = documentsOf({ ...proposal(box, '192.168.1.5'), user: { name: 'alice', password: 'x' } }, box);
  first.settings.lns.maxSessionsPerUser = 7;
  first.settings.interfaces.push({ name: 'eth9', role: 'other', addressing: 'system', addresses: [] });
  const again = { ...found(BOX, first.settings), pools: [first.pool!], hasUsers: true };
  const second = documentsOf(proposal(again, '192.168.1.5'), again);
  assert.deepEqual(second.settings, first.settings);
  assert.deepEqual(second.pool, first.pool);
  assert.equal(second.user, undefined);
});

test('a step says what it lacks, and a problem is shown at the step that it belongs to', () => {
  const box = found(BOX);
  const plan = proposal(box, '192.168.1.5');
  assert.deepEqual(gapsIn('users', plan, box), ['/user/name', '/user/password']);
  assert.deepEqual(gapsIn('users', plan, { ...box, hasUsers: true }), []);
  assert.deepEqual(gapsIn('pool', plan, box), []);
  assert.equal(stepOf('/pool/ranges/0', 'lns'), 'pool');
  assert.equal(stepOf('/settings/interfaces/0/addresses/0', 'lns'), 'interfaces');
  assert.equal(stepOf('/settings/lacClients/0/server', 'client'), 'client');
  assert.equal(stepOf('/settings/lacClients/0/server', 'lns'), 'summary');
  assert.equal(stepOf('/settings/l2tp/port', 'lns'), 'summary');
});

test('whether the page still reaches the box: its interface stays LAN and keeps its address', () => {
  const box = found(BOX);
  const { settings } = documentsOf(proposal(box, '192.168.1.5'), box);
  assert.equal(pageStays(settings, box, '192.168.1.5'), true);
  assert.equal(pageStays(settings, box, '127.0.0.1'), true);
  assert.equal(pageStays(settings, box, '203.0.113.7'), false);
  assert.equal(pageStays(settings, box, 'box.local'), false);
  settings.interfaces[0]!.addressing = 'static';
  settings.interfaces[0]!.addresses = ['192.168.2.5/24'];
  assert.equal(pageStays(settings, box, '192.168.1.5'), false);
});

test('a LAN that gives addresses out is proposed a range of its network, without its own address', () => {
  const lan = { name: 'eth1', role: 'lan', addressing: 'static', addresses: ['192.168.115.1/24'] } as const;
  const served = withDhcpServer({ ...lan, addresses: [...lan.addresses] }, true);
  assert.deepEqual(served.dhcpServer, { first: '192.168.115.100', last: '192.168.115.199', lease_s: 43_200 });
  assert.equal(withDhcpServer(served, false).dhcpServer, undefined);
  const ends = (address: string) => Object.values(hostRange(address) ?? {}).join(' ');
  assert.equal(ends('10.0.0.150/24'), '10.0.0.100 10.0.0.149');
  assert.equal(ends('10.0.0.1/29'), '10.0.0.2 10.0.0.6');
  assert.equal(ends('10.0.0.1/31'), '');
  const box = found(BOX);
  const plan = {
    ...proposal(box, '192.168.1.5'),
    interfaces: [served, { ...served, name: 'eth2', role: 'wan' as const }],
  };
  const { interfaces } = documentsOf(plan, box).settings;
  assert.deepEqual(
    interfaces.filter(({ dhcpServer }) => dhcpServer !== undefined).map(({ name }) => name),
    ['eth1'],
  );
});

test('networks and ranges are counted in addresses', () => {
  assert.equal(networksOverlap('10.0.0.9/8', '10.112.112.0/24'), true);
  assert.equal(networksOverlap('10.112.113.1/24', '10.112.112.0/24'), false);
  assert.equal(networksOverlap('fd00::1/64', '10.112.112.0/24'), false);
  assert.equal(rangeSize('10.0.0.10', '10.0.1.9'), 256);
  assert.equal(rangeSize('10.0.0.10', '10.0.0.9'), 0);
  assert.equal(rangeSize('10.0.0.10', '10.0.0.256'), 0);
});

test('a made password has four groups of letters that none takes for another, each octet as likely as the next', () => {
  const password = randomPassword((octets) => octets.set(octets.map((_, at) => at * 7)));
  assert.match(password, /^([a-hjkmnp-z2-9]{4}-){3}[a-hjkmnp-z2-9]{4}$/);
  const others = randomPassword((octets) => octets.fill(255).fill(0, 32));
  assert.equal(others, 'aaaa-aaaa-aaaa-aaaa');
});
