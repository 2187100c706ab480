/** Interfaces and routes as they are read in a network namespace that has several kinds of both. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { InterfaceState, RouteState } from '../../../firmware/control/network-state.js';
import { Lab, type Namespace } from '../../lab/namespaces.js';
import { labIsMissing } from '../../lab/requirements.js';

const MODULE = new URL('../../../firmware/linux/network-state.js', import.meta.url).href;

describe('what the kernel has of interfaces and routes', { skip: labIsMissing() }, () => {
  let lab: Lab;
  let box: Namespace;
  let host: Namespace;

  before(async () => {
    lab = await Lab.open();
    box = await lab.namespace('box');
    host = await lab.namespace('host');
    await lab.cable({ namespace: box, device: 'eth1' }, { namespace: host, device: 'eth1' });
    await box.ip('link set eth1 address 02:00:5e:00:53:0a mtu 1508');
    await box.address('eth1', '192.0.2.1/24', '2001:db8::1/64');
    await box.ip(
      'link add br0 address 02:00:5e:00:53:0b type bridge',
      'tuntap add mode tun name tw0',
      'tuntap add mode tap name tap0',
      'link set tw0 up',
      'route add default via 192.0.2.254 proto 115',
      'route add 198.51.100.7 via 192.0.2.253 proto dhcp metric 20',
      'route add 10.0.0.0/8 nexthop via 192.0.2.3 nexthop via 192.0.2.4',
      'route add 10.112.112.0/24 dev tw0 proto static',
      'route add blackhole 10.9.0.0/16',
      'route add 2001:db8:1::/48 via 2001:db8::2 proto 115',
    );
  });
  after(() => lab.close());

  async function read<Read>(call: string): Promise<Read> {
    const program = `import * as state from '${MODULE}'; console.log(JSON.stringify(await state.${call}));`;
    const { stdout } = await box.run([process.execPath, '--input-type=module', '-e', program]);
    return JSON.parse(stdout) as Read;
  }

  test('an interface has its kind, addresses, carrier and counters; loopback is none', async () => {
    await host.address('eth1', '192.0.2.2/24');
    assert.equal((await box.ping('192.0.2.2')).status, 0);
    const interfaces = await read<InterfaceState[]>('readInterfaces()');
    const kinds = interfaces.map(({ name, kind }) => `${name} ${kind}`).sort();
    assert.deepEqual(
      kinds.filter((kind) => !kind.endsWith('other')),
      ['br0 bridge', 'eth1 ethernet', 'tap0 tap', 'tw0 tun'],
    );
    assert.equal(
      interfaces.some(({ name }) => name === 'lo'),
      false,
    );
    const eth1 = interfaces.find(({ name }) => name === 'eth1')!;
    assert.equal(eth1.mac, '02:00:5e:00:53:0a');
    assert.equal(eth1.mtu_bytes, 1508);
    assert.deepEqual([eth1.isUp, eth1.hasCarrier], [true, true]);
    assert.deepEqual(
      eth1.addresses.filter((address) => !address.startsWith('fe80:')),
      ['192.0.2.1/24', '2001:db8::1/64'],
    );
    const { receivedPackets, receivedOctets, sentPackets, sentOctets } = eth1.counters;
    for (const count of [receivedPackets, sentPackets]) assert.ok(count > 0, `${count} packets`);
    for (const count of [receivedOctets, sentOctets]) assert.ok(count >= 98, `${count} octets`);
    const tun = interfaces.find(({ name }) => name === 'tw0')!;
    assert.deepEqual([tun.mac, tun.isUp, tun.hasCarrier, tun.speed_Mbps], ['', true, false, null]);
  });

  test('a route has its whole prefix, next hop, who set it and its metric; one of several ways is several', async () => {
    const routes = await read<RouteState[]>("readRoutes('')");
    const lines = routes.map((route) => Object.values(route).join(' '));
    for (const line of [
      '0.0.0.0/0 192.0.2.254 eth1 115 0',
      '198.51.100.7/32 192.0.2.253 eth1 dhcp 20',
      '10.0.0.0/8 192.0.2.3 eth1 boot 0',
      '10.0.0.0/8 192.0.2.4 eth1 boot 0',
      '10.112.112.0/24  tw0 static 0',
      '10.9.0.0/16   boot 0',
      '192.0.2.0/24  eth1 kernel 0',
      '2001:db8:1::/48 2001:db8::2 eth1 115 1024',
    ])
      assert.ok(lines.includes(line), `${line} is not among\n${lines.join('\n')}`);
  });

  test('of a prefix those alone that are within it', async () => {
    const routes = await read<RouteState[]>("readRoutes('10.0.0.0/8')");
    assert.deepEqual([...new Set(routes.map(({ prefix }) => prefix))].sort(), [
      '10.0.0.0/8',
      '10.112.112.0/24',
      '10.9.0.0/16',
    ]);
  });
});
