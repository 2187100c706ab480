/** Addresses, gateways and static routes of Ethernet interfaces in a real kernel, in a network namespace of the test's own. */
import assert from 'node:assert/strict';
import type { DesiredNetwork, DesiredPort, DesiredStaticRoute } from '../../../firmware/control/network.js';
import { STATIC_ROUTE_PROTOCOL } from '../../../firmware/settings.js';
import { type Kernel, inKernel as test } from './netconfig-kernel.js';

const LAN: DesiredPort = {
  name: 'eth0',
  index: 2,
  isUp: false,
  addresses: ['192.168.115.1/24', '2001:db8::1/64'],
  gateways: [],
  staysSet: true,
};
const WAN: DesiredPort = {
  name: 'eth1',
  index: 3,
  isUp: false,
  addresses: ['198.51.100.2/30'],
  gateways: ['198.51.100.1'],
  staysSet: false,
};
const ROUTES: DesiredStaticRoute[] = [
  { prefix: '10.9.0.0/16', via: '192.168.115.254', interface: '', metric: 0 },
  { prefix: '10.9.0.0/16', via: '198.51.100.1', interface: 'eth1', metric: 20 },
  { prefix: '2001:db8:9::/48', via: '2001:db8::254', interface: '', metric: 0 },
  { prefix: '10.10.0.0/16', via: '', interface: 'eth1', metric: 0 },
];

function desired(ports: DesiredPort[], routes: DesiredStaticRoute[] = []): DesiredNetwork {
  const own = { ports, routes, protocol: STATIC_ROUTE_PROTOCOL };
  return { links: [], routes: [], filters: [], own, forwarding: false };
}

/** Two interfaces with their cables, which are the peers of each. */
async function layPorts(kernel: Kernel): Promise<void> {
  for (const [name, peer] of [
    ['eth0', 'lan'],
    ['eth1', 'wan'],
  ] as const) {
    await kernel.ip('link', 'add', name, 'type', 'veth', 'peer', 'name', peer);
    await kernel.ip('link', 'set', peer, 'up');
  }
}

const lasting = (all: readonly string[]) => all.filter((address) => !address.startsWith('fe80:'));
const addresses = async (kernel: Kernel, device: string) => lasting(await kernel.addresses(device)).sort();

/** `prefix via device metric` of the routes that stand under the program's number. */
async function routes(kernel: Kernel): Promise<string[]> {
  const lines: string[] = [];
  for (const family of ['-4', '-6']) {
    const text = await kernel.ip(family, '-json', 'route', 'show', 'proto', STATIC_ROUTE_PROTOCOL);
    const shown = JSON.parse(text || '[]') as { dst: string; gateway?: string; dev: string; metric?: number }[];
    for (const { dst, gateway = '-', dev, metric = 0 } of shown) lines.push(`${dst} ${gateway} ${dev} ${metric}`);
  }
  return lines.sort();
}

const ALL_ROUTES = [
  '10.10.0.0/16 - eth1 0',
  '10.9.0.0/16 192.168.115.254 eth0 0',
  '10.9.0.0/16 198.51.100.1 eth1 20',
  '2001:db8:9::/48 2001:db8::254 eth0 1024',
  'default 198.51.100.1 eth1 0',
];

test('interfaces come up with their addresses, gateway and routes', async (kernel) => {
  await layPorts(kernel);
  assert.deepEqual(await kernel.apply(desired([LAN, WAN], ROUTES)), []);
  assert.deepEqual(await addresses(kernel, 'eth0'), ['192.168.115.1/24', '2001:db8::1/64']);
  assert.deepEqual(await addresses(kernel, 'eth1'), ['198.51.100.2/30']);
  assert.deepEqual(await routes(kernel), ALL_ROUTES);
  assert.match(await kernel.ip('link', 'show', 'dev', 'eth0'), /[<,]UP[,>]/);
  assert.match(await kernel.ip('address', 'show', 'dev', 'eth1'), / brd 198\.51\.100\.3 /);
});

test('a change takes away what was set and no more, and leaves what others have set', async (kernel) => {
  await layPorts(kernel);
  await kernel.ip('address', 'add', '203.0.113.1/24', 'dev', 'eth0');
  await kernel.apply(desired([LAN, WAN], ROUTES));
  await kernel.ip('route', 'add', '10.11.0.0/16', 'via', '192.168.115.9');
  const moved = { ...LAN, addresses: ['192.168.115.2/24', '2001:db8::1/64'] };
  assert.deepEqual(await kernel.apply(desired([moved], ROUTES.slice(0, 1))), []);
  assert.deepEqual(await addresses(kernel, 'eth0'), ['192.168.115.2/24', '2001:db8::1/64', '203.0.113.1/24']);
  assert.deepEqual(await addresses(kernel, 'eth1'), []);
  assert.deepEqual(await routes(kernel), ALL_ROUTES.slice(1, 2));
});

test('a second address outlives the first of its network, and routes outlive both', async (kernel) => {
  await layPorts(kernel);
  const two = { ...LAN, addresses: ['192.168.115.1/24', '192.168.115.2/24'] };
  await kernel.apply(desired([two], ROUTES.slice(0, 1)));
  const second = { ...LAN, addresses: ['192.168.115.2/24'] };
  assert.deepEqual(await kernel.apply(desired([second], ROUTES.slice(0, 1))), []);
  assert.deepEqual(await addresses(kernel, 'eth0'), ['192.168.115.2/24']);
  assert.deepEqual(await routes(kernel), ALL_ROUTES.slice(1, 2));
});

test('what a killed program left is found again: it is neither refused nor forgotten', async (kernel) => {
  await layPorts(kernel);
  await kernel.apply(desired([LAN, WAN], ROUTES));
  await kernel.forget();
  assert.deepEqual(await kernel.apply(desired([LAN, WAN], ROUTES.slice(1, 2))), []);
  assert.deepEqual(await routes(kernel), [ALL_ROUTES[2], ALL_ROUTES[4]]);
  assert.deepEqual(await kernel.apply(desired([LAN], [])), []);
  assert.deepEqual(await addresses(kernel, 'eth1'), []);
  assert.deepEqual(await routes(kernel), []);
});

test('at the end all goes but the addresses that an administrator comes by', async (kernel) => {
  await layPorts(kernel);
  const lan = { ...LAN, gateways: ['192.168.115.254'] };
  await kernel.apply(desired([lan, { ...WAN, gateways: [] }], ROUTES));
  assert.deepEqual(await kernel.withdraw(), []);
  assert.deepEqual(await addresses(kernel, 'eth0'), ['192.168.115.1/24', '2001:db8::1/64']);
  assert.deepEqual(await addresses(kernel, 'eth1'), []);
  assert.deepEqual(await routes(kernel), ['default 192.168.115.254 eth0 0']);
});

test('an interface that is missing is told, and gets what is its own when it comes', async (kernel) => {
  assert.deepEqual(
    (await kernel.apply(desired([{ ...WAN, index: 0 }]))).map(({ line, message }) => `${line}: ${message}`),
    ['interface eth1: there is no interface of this name, so it gets no address'],
  );
  await layPorts(kernel);
  assert.deepEqual(await kernel.apply(desired([WAN])), []);
  assert.deepEqual(await addresses(kernel, 'eth1'), ['198.51.100.2/30']);
});

test('routes that went with a cable are set again when it is back', async (kernel) => {
  await layPorts(kernel);
  await kernel.apply(desired([LAN, WAN], ROUTES));
  await kernel.ip('link', 'set', 'eth1', 'down');
  assert.deepEqual(await kernel.apply(desired([{ ...LAN, isUp: true }, WAN], ROUTES)), []);
  assert.deepEqual(await routes(kernel), ALL_ROUTES);
});

test('a lease: its default route is marked as DHCP’s, and another address makes room for it', async (kernel) => {
  await layPorts(kernel);
  await kernel.ip('address', 'add', '203.0.113.9/24', 'dev', 'eth1');
  const leased = { ...WAN, addresses: [], gateways: [], leased: { metric: 100 } };
  assert.deepEqual(await kernel.apply(desired([leased])), []);
  assert.deepEqual(await addresses(kernel, 'eth1'), ['203.0.113.9/24']);
  const bound = { ...leased, addresses: ['198.51.100.2/30'], gateways: ['198.51.100.1'] };
  assert.deepEqual(await kernel.apply(desired([bound])), []);
  assert.deepEqual(await addresses(kernel, 'eth1'), ['198.51.100.2/30']);
  assert.match(await kernel.ip('route', 'show', 'default'), /^default via 198\.51\.100\.1 .*proto dhcp .*metric 100/);
  // After a kill the next program finds what the last one left, and has another lease.
  await kernel.forget();
  assert.deepEqual(await kernel.apply(desired([leased])), []);
  assert.match(await kernel.ip('route', 'show', 'default'), /^default via 198\.51\.100\.1 /);
  const other = { ...leased, addresses: ['192.0.2.2/32'], gateways: ['192.0.2.1'] };
  assert.deepEqual(await kernel.apply(desired([other])), []);
  assert.deepEqual(await addresses(kernel, 'eth1'), ['192.0.2.2/32']);
  assert.match(await kernel.ip('route', 'show', 'default'), /^default via 192\.0\.2\.1 dev eth1.*onlink \n$/);
  assert.deepEqual(await kernel.apply(desired([])), []);
  assert.equal(await kernel.ip('route', 'show', 'default'), '');
});

test('a default route of DHCP on an interface of somebody else’s stays', async (kernel) => {
  await layPorts(kernel);
  await kernel.apply(desired([LAN]));
  await kernel.ip('route', 'add', 'default', 'via', '192.168.115.254', 'proto', 'dhcp', 'metric', '100');
  const leased = { ...WAN, addresses: ['192.0.2.2/24'], gateways: ['192.0.2.1'], leased: { metric: 101 } };
  assert.deepEqual(await kernel.apply(desired([LAN, leased])), []);
  assert.deepEqual(await kernel.apply(desired([LAN])), []);
  assert.match(await kernel.ip('route', 'show', 'default'), /^default via 192\.168\.115\.254 dev eth0 proto dhcp/);
});

test('what the kernel refuses is told in words, the rest holds, and it is tried again', async (kernel) => {
  await layPorts(kernel);
  const lost = { prefix: '10.12.0.0/16', via: '203.0.113.9', interface: '', metric: 0 };
  const [problem, ...others] = await kernel.apply(desired([LAN], [lost, ROUTES[0]!]));
  assert.deepEqual(others, []);
  assert.match(problem!.line, /^route add 10\.12\.0\.0\/16 via 203\.0\.113\.9/);
  assert.match(problem!.advice, /no network that the box is in/);
  assert.deepEqual(await routes(kernel), ALL_ROUTES.slice(1, 2));
  await kernel.ip('address', 'add', '203.0.113.1/24', 'dev', 'eth0');
  assert.deepEqual(await kernel.apply(desired([LAN], [lost, ROUTES[0]!])), []);
});
