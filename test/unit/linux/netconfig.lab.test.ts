/** Addresses, routes and sysctls in a real kernel, in a network namespace of the test's own. */
import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DesiredLink, DesiredNetwork } from '../../../firmware/control/network.js';
import { type Kernel, inKernel as test } from './netconfig-kernel.js';

const LINK: DesiredLink = { name: 'tw0', kind: 'tun', generation: 1, mtu_bytes: 1400, addresses: ['10.112.112.1/32'] };
const ROUTES = [
  { prefix: '10.112.112.0/24', link: 'tw0' },
  { prefix: '10.113.0.0/16', link: 'tw0' },
];
const DESIRED: DesiredNetwork = { links: [LINK], routes: ROUTES, filters: [], forwarding: true };

test('a link gets its addresses, MTU and routes, and comes up', async (kernel) => {
  await kernel.addTun('tw0');
  const links = [{ ...LINK, addresses: ['10.112.112.1/32', 'fe80::1/64'] }];
  const routes = [
    ...ROUTES,
    { prefix: '2001:db8::/32', link: 'tw0' },
    { prefix: '0.0.0.0/0', link: 'tw0' },
    { prefix: '::/0', link: 'tw0' },
  ];
  assert.deepEqual(await kernel.apply({ links, routes, filters: [], forwarding: false }), []);
  assert.match(await kernel.ip('link', 'show', 'dev', 'tw0'), /[<,]UP[,>].* mtu 1400 /);
  assert.deepEqual(await kernel.addresses('tw0'), ['10.112.112.1/32', 'fe80::1/64']);
  assert.deepEqual(await kernel.routes('tw0'), [
    '10.112.112.0/24',
    '10.113.0.0/16',
    '2001:db8::/32',
    'default',
    'default',
  ]);
});

test('what is applied again changes nothing, what is gone from it is taken away, and the rest stays', async (kernel) => {
  await kernel.addTun('tw0');
  await kernel.apply(DESIRED);
  assert.deepEqual(await kernel.apply(DESIRED), []);
  await kernel.ip('route', 'add', '10.114.0.0/16', 'dev', 'tw0', 'proto', 'static');
  const fewer = {
    ...DESIRED,
    links: [{ ...LINK, mtu_bytes: 1300, addresses: ['10.112.112.2/32'] }],
    routes: [ROUTES[0]!],
  };
  assert.deepEqual(await kernel.apply(fewer), []);
  assert.deepEqual(await kernel.addresses('tw0'), ['10.112.112.2/32']);
  assert.deepEqual(await kernel.routes('tw0'), ['10.112.112.0/24', '10.114.0.0/16']);
  assert.match(await kernel.ip('link', 'show', 'dev', 'tw0'), / mtu 1300 /);
  assert.deepEqual(await kernel.withdraw(), []);
  assert.deepEqual(await kernel.addresses('tw0'), []);
  assert.deepEqual(await kernel.routes('tw0'), []);
});

test('routes stay when a link loses its last address, with which the kernel takes them all', async (kernel) => {
  await kernel.addTun('tw0');
  await kernel.apply(DESIRED);
  assert.deepEqual(await kernel.apply({ ...DESIRED, links: [{ ...LINK, addresses: [] }] }), []);
  assert.deepEqual(await kernel.routes('tw0'), ['10.112.112.0/24', '10.113.0.0/16']);
});

test('a route that somebody else has set stays theirs, with advice, and is not taken away', async (kernel) => {
  await kernel.ip('link', 'add', 'uplink', 'type', 'veth', 'peer', 'name', 'far');
  await kernel.ip('link', 'set', 'uplink', 'up');
  await kernel.ip('route', 'add', '10.113.0.0/16', 'dev', 'uplink', 'proto', 'static');
  await kernel.addTun('tw0');
  const [problem, ...others] = await kernel.apply(DESIRED);
  assert.deepEqual(others, []);
  assert.match(problem?.line ?? '', /^route add 10\.113\.0\.0\/16 dev tw0/);
  assert.match(problem?.advice ?? '', /another route to this prefix/);
  await kernel.withdraw();
  assert.deepEqual(await kernel.routes('uplink'), ['10.113.0.0/16']);
});

test('a route moves from one link to another', async (kernel) => {
  const other = { ...LINK, name: 'tw1', addresses: ['10.112.113.1/32'] };
  for (const name of ['tw0', 'tw1']) await kernel.addTun(name);
  const links = [LINK, other];
  await kernel.apply({ ...DESIRED, links });
  const moved = { ...DESIRED, links, routes: [ROUTES[0]!, { ...ROUTES[1]!, link: 'tw1' }] };
  assert.deepEqual(await kernel.apply(moved), []);
  assert.deepEqual(await kernel.routes('tw0'), ['10.112.112.0/24']);
  assert.deepEqual(await kernel.routes('tw1'), ['10.113.0.0/16']);
});

test('a device made anew under the same name gets everything again', async (kernel) => {
  await kernel.addTun('tw0');
  await kernel.apply(DESIRED);
  await kernel.ip('link', 'delete', 'tw0');
  await kernel.addTun('tw0');
  assert.deepEqual(await kernel.apply({ ...DESIRED, links: [{ ...LINK, generation: 2 }] }), []);
  assert.deepEqual(await kernel.addresses('tw0'), ['10.112.112.1/32']);
  assert.deepEqual(await kernel.routes('tw0'), ['10.112.112.0/24', '10.113.0.0/16']);
});

test('what went with its device is no problem when it is taken away', async (kernel) => {
  await kernel.addTun('tw0');
  await kernel.apply(DESIRED);
  await kernel.ip('link', 'delete', 'tw0');
  assert.deepEqual(await kernel.withdraw(), []);
});

test('a TUN makes no link-local address of its own and listens to no router', async (kernel) => {
  await kernel.addTun('tw0');
  await kernel.apply({ ...DESIRED, forwarding: false });
  assert.deepEqual(await kernel.addresses('tw0'), ['10.112.112.1/32']);
  assert.equal(await kernel.sysctl('ipv6/conf/tw0/accept_ra'), '0');
});

test('forwarding is switched on with router advertisements kept, and all of it given back', async (kernel) => {
  await kernel.addTun('tw0');
  await kernel.ip('link', 'add', 'uplink', 'type', 'veth', 'peer', 'name', 'static');
  await kernel.sysctl('ipv6/conf/uplink/accept_ra', '1');
  await kernel.sysctl('ipv6/conf/static/accept_ra', '0');
  const sysctls = [
    'ipv4/ip_forward',
    'ipv6/conf/all/forwarding',
    'ipv6/conf/uplink/accept_ra',
    'ipv6/conf/static/accept_ra',
  ];
  const values = async () => {
    const read: string[] = [];
    for (const sysctl of sysctls) read.push(await kernel.sysctl(sysctl));
    return read;
  };
  for (const sysctl of sysctls.slice(0, 2)) await kernel.sysctl(sysctl, '0');
  assert.deepEqual(await kernel.apply(DESIRED), []);
  assert.deepEqual(await values(), ['1', '1', '2', '0']);
  assert.deepEqual(await kernel.apply({ ...DESIRED, forwarding: false }), []);
  assert.deepEqual(await values(), ['0', '0', '1', '0']);
  await kernel.apply(DESIRED);
  assert.deepEqual(await kernel.withdraw(), []);
  assert.deepEqual(await values(), ['0', '0', '1', '0']);
});

test('forwarding that was on already stays on', async (kernel) => {
  await kernel.sysctl('ipv4/ip_forward', '1');
  await kernel.apply({ links: [], routes: [], filters: [], forwarding: true });
  await kernel.withdraw();
  assert.equal(await kernel.sysctl('ipv4/ip_forward'), '1');
});

test('a line that the kernel refuses is told with its words and advice, the others hold, and it is tried again', async (kernel) => {
  await kernel.addTun('tw0');
  const missing = { ...LINK, name: 'tw9', addresses: [] };
  const desired = { ...DESIRED, links: [LINK, missing], routes: [...ROUTES, { prefix: '10.115.0.0/16', link: 'tw9' }] };
  const problems = await kernel.apply(desired);
  assert.deepEqual(
    problems.map(({ line }) => line),
    ['link set dev tw9 mtu 1400 up', 'route add 10.115.0.0/16 dev tw9 proto static'],
  );
  for (const { message, advice } of problems) {
    assert.match(message, /Cannot find device/);
    assert.match(advice, /device is not there/);
  }
  assert.deepEqual(await kernel.routes('tw0'), ['10.112.112.0/24', '10.113.0.0/16']);
  await kernel.addTun('tw9');
  assert.deepEqual(await kernel.apply(desired), []);
  assert.deepEqual(await kernel.routes('tw9'), ['10.115.0.0/16']);
});

test('without ip(8) the advice is to install it, and everything is tried again once it is there', async (kernel) => {
  await kernel.addTun('tw0');
  const path = process.env.PATH ?? '';
  await kernel.usePath('/nowhere');
  const [problem] = await kernel.apply(DESIRED);
  assert.match(problem?.message ?? '', /ENOENT/);
  assert.match(problem?.advice ?? '', /iproute2/);
  await kernel.usePath(path);
  assert.deepEqual(await kernel.apply(DESIRED), []);
  assert.deepEqual(await kernel.routes('tw0'), ['10.112.112.0/24', '10.113.0.0/16']);
});

test('what is asked for in one turn is one process, and 5,000 routes are too', async (kernel, t) => {
  const folder = mkdtempSync(join(tmpdir(), 'netconfig-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const path = process.env.PATH ?? '';
  await kernel.addTun('tw0');
  const log = join(folder, 'log');
  writeFileSync(join(folder, 'ip'), `#!/bin/sh\necho "$@" >> ${log}\nPATH=${path} exec ip "$@"\n`);
  chmodSync(join(folder, 'ip'), 0o755);
  await kernel.usePath(`${folder}:${path}`);
  const routes = Array.from({ length: 5000 }, (_, n) => ({ prefix: `10.${n >> 8}.${n & 255}.0/24`, link: 'tw0' }));
  const results = await kernel.applyAll(DESIRED, { ...DESIRED, routes: [] }, { ...DESIRED, routes });
  assert.deepEqual(results, [[], [], []]);
  assert.equal(readFileSync(log, 'utf8'), '-force -batch -\n');
  assert.equal((await kernel.routes('tw0')).length, 5000);
});

const TAP: DesiredLink = { name: 'tap0', kind: 'tap', generation: 1, mtu_bytes: 1450, addresses: [], bridge: 'br0' };
const BRIDGED: DesiredNetwork = { links: [TAP], routes: [], filters: [], forwarding: false };
const NOTHING: DesiredNetwork = { links: [], routes: [], filters: [], forwarding: false };

interface ShownLink {
  ifname: string;
  mtu: number;
  flags: string[];
  master?: string;
  linkinfo?: { info_data?: { stp_state?: number } };
}

/** A link as ip(8) shows it, undefined where there is none. */
async function shown(kernel: Kernel, name: string): Promise<ShownLink | undefined> {
  const links = JSON.parse(await kernel.ip('-json', '-details', 'link', 'show')) as ShownLink[];
  return links.find(({ ifname }) => ifname === name);
}

test('a bridge that is missing is made, up and without spanning tree, and the TAP becomes a silent port', async (kernel) => {
  await kernel.addTap('tap0');
  assert.deepEqual(await kernel.apply(BRIDGED), []);
  const bridge = await shown(kernel, 'br0');
  assert.ok(bridge?.flags.includes('UP'));
  assert.equal(bridge?.linkinfo?.info_data?.stp_state, 0);
  const tap = await shown(kernel, 'tap0');
  assert.deepEqual([tap?.master, tap?.mtu, tap?.flags.includes('UP')], ['br0', 1450, true]);
  assert.equal(await kernel.sysctl('ipv6/conf/tap0/disable_ipv6'), '1');
  assert.equal(await kernel.sysctl('ipv6/conf/br0/disable_ipv6'), '1');
  assert.deepEqual(await kernel.withdraw(), []);
  assert.equal(await shown(kernel, 'br0'), undefined);
  assert.equal((await shown(kernel, 'tap0'))?.master, undefined);
});

test('two TAPs share a bridge; it stays for the second when the first goes, and goes with the second', async (kernel) => {
  for (const name of ['tap0', 'tap1']) await kernel.addTap(name);
  const second = { ...TAP, name: 'tap1', generation: 2 };
  assert.deepEqual(await kernel.apply({ ...BRIDGED, links: [TAP, second] }), []);
  await kernel.ip('link', 'delete', 'tap0');
  assert.deepEqual(await kernel.apply({ ...BRIDGED, links: [second] }), []);
  assert.equal((await shown(kernel, 'tap1'))?.master, 'br0');
  await kernel.ip('link', 'delete', 'tap1');
  assert.deepEqual(await kernel.apply(NOTHING), []);
  assert.equal(await shown(kernel, 'br0'), undefined);
});

test('a TAP moves to another bridge, and out of it, and may have IPv6 then', async (kernel) => {
  await kernel.addTap('tap0');
  await kernel.apply(BRIDGED);
  assert.deepEqual(await kernel.apply({ ...BRIDGED, links: [{ ...TAP, bridge: 'br1' }] }), []);
  assert.equal((await shown(kernel, 'tap0'))?.master, 'br1');
  assert.equal(await shown(kernel, 'br0'), undefined);
  const { bridge: _, ...alone } = TAP;
  assert.deepEqual(await kernel.apply({ ...BRIDGED, links: [alone] }), []);
  assert.equal((await shown(kernel, 'tap0'))?.master, undefined);
  assert.equal(await kernel.sysctl('ipv6/conf/tap0/disable_ipv6'), '0');
  assert.equal(await shown(kernel, 'br1'), undefined);
});

test('a TAP made anew becomes a port again', async (kernel) => {
  await kernel.addTap('tap0');
  await kernel.apply(BRIDGED);
  await kernel.ip('link', 'delete', 'tap0');
  await kernel.addTap('tap0');
  assert.deepEqual(await kernel.apply({ ...BRIDGED, links: [{ ...TAP, generation: 2 }] }), []);
  assert.equal((await shown(kernel, 'tap0'))?.master, 'br0');
  assert.equal(await kernel.sysctl('ipv6/conf/tap0/disable_ipv6'), '1');
});

test('a bridge of ours in which somebody has a port stays until that has left', async (kernel) => {
  await kernel.addTap('tap0');
  await kernel.apply(BRIDGED);
  await kernel.ip('link', 'add', 'port0', 'type', 'veth', 'peer', 'name', 'far');
  await kernel.ip('link', 'set', 'port0', 'master', 'br0');
  assert.deepEqual(await kernel.apply(NOTHING), []);
  assert.equal((await shown(kernel, 'port0'))?.master, 'br0');
  assert.equal((await shown(kernel, 'tap0'))?.master, undefined);
  await kernel.ip('link', 'set', 'port0', 'nomaster');
  assert.deepEqual(await kernel.apply(NOTHING), []);
  assert.equal(await shown(kernel, 'br0'), undefined);
});

test('a bridge that somebody else has made is used, and stays as it is', async (kernel) => {
  await kernel.addTap('tap0');
  await kernel.ip('link', 'add', 'br0', 'type', 'bridge', 'stp_state', '1');
  assert.deepEqual(await kernel.apply(BRIDGED), []);
  assert.deepEqual(await kernel.apply({ ...BRIDGED, links: [{ ...TAP, mtu_bytes: 1400 }] }), []);
  const bridge = await shown(kernel, 'br0');
  assert.deepEqual([bridge?.flags.includes('UP'), bridge?.linkinfo?.info_data?.stp_state], [false, 1]);
  assert.equal((await shown(kernel, 'tap0'))?.master, 'br0');
  assert.deepEqual(await kernel.withdraw(), []);
  assert.ok((await shown(kernel, 'br0')) !== undefined);
});

test('a bridge that a killed process of ours left is taken over, and removed in its time', async (kernel) => {
  await kernel.addTap('tap0');
  await kernel.ip('link', 'add', 'br0', 'type', 'bridge');
  await kernel.ip('link', 'set', 'br0', 'alias', 'made by tunnelwerk');
  assert.deepEqual(await kernel.apply(BRIDGED), []);
  assert.ok((await shown(kernel, 'br0'))?.flags.includes('UP'));
  assert.deepEqual(await kernel.apply(NOTHING), []);
  assert.equal(await shown(kernel, 'br0'), undefined);
});

test('a device of another kind under the name of the bridge is refused with advice', async (kernel) => {
  await kernel.addTap('tap0');
  await kernel.ip('link', 'add', 'br0', 'type', 'veth', 'peer', 'name', 'far');
  const [problem, ...others] = await kernel.apply(BRIDGED);
  assert.deepEqual(others, []);
  assert.equal(problem?.line, 'link set dev tap0 master br0');
  assert.match(problem?.advice ?? '', /is no bridge/);
});

test('no ICMP redirects go to users: off for the TUN and for all, and given back', async (kernel) => {
  await kernel.addTun('tw0');
  await kernel.sysctl('ipv4/conf/all/send_redirects', '1');
  assert.deepEqual(await kernel.apply(DESIRED), []);
  assert.equal(await kernel.sysctl('ipv4/conf/tw0/send_redirects'), '0');
  assert.equal(await kernel.sysctl('ipv4/conf/all/send_redirects'), '0');
  await kernel.withdraw();
  assert.equal(await kernel.sysctl('ipv4/conf/all/send_redirects'), '1');
});
