/**
 * A TAP device that is a port of a bridge, with what NetConfig makes of it, in network namespaces: Ethernet frames from
 * and to a kernel on the bridge's other port.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { DesiredNetwork, NetworkProblem } from '../../../firmware/control/network.js';
import { Lab, type Namespace } from '../../lab/namespaces.js';
import { labIsMissing } from '../../lab/requirements.js';
import { Speaker } from './speaker.js';

const HERE = '192.0.2.1';
const [THERE, THERE_MAC] = ['192.0.2.2', '02005e000002'];
const DESIRED: DesiredNetwork = {
  links: [{ name: 'tap0', kind: 'tap', generation: 1, mtu_bytes: 1500, addresses: [], bridge: 'br0' }],
  routes: [],
  filters: [],
  forwarding: true,
};

interface Frame {
  length_bytes: number;
  hex: string;
}

describe('a TAP device in a bridge', { skip: labIsMissing() }, () => {
  let lab: Lab;
  let box: Namespace;
  let host: Namespace;
  let tap: Speaker;
  let netConfig: Speaker;
  let hostMac: string;

  async function apply(desired: DesiredNetwork): Promise<NetworkProblem[]> {
    netConfig.say({ do: 'apply', desired });
    return netConfig.hear<NetworkProblem[]>(/^\[/);
  }

  before(async () => {
    lab = await Lab.open();
    box = await lab.namespace('box');
    host = await lab.namespace('host');
    tap = new Speaker(box, 'descriptor-program.js', [JSON.stringify({ tap: 'tap0' })]);
    await tap.hear(/opened/);
    netConfig = new Speaker(box, 'netconfig-process.js');
    assert.deepEqual(await apply(DESIRED), []);
    await lab.cable({ namespace: box, device: 'port0' }, { namespace: host, device: 'eth0' });
    await box.ip('link set port0 addrgenmode none', 'link set port0 master br0');
    await host.ip('link set eth0 addrgenmode none', `address add ${HERE}/24 dev eth0`);
    const links = JSON.parse((await host.run(['ip', '-json', 'link', 'show', 'eth0'])).stdout) as { address: string }[];
    hostMac = links[0]!.address.replaceAll(':', '');
  });

  after(() => lab.close());

  test('a frame that a kernel sends into the bridge is read from the device, as it is', async () => {
    const pinging = host.start('ping', ['ping', '-n', '-c', '1', '-W', '1', THERE]);
    const { hex, length_bytes } = await tap.hear<Frame>(/0806/);
    assert.equal(hex.slice(0, 28), `ffffffffffff${hostMac}0806`, 'an ARP request to all');
    assert.equal(length_bytes, hex.length / 2);
    await pinging.stop();
  });

  test('a frame that is written to the device reaches the kernel beyond the bridge, which answers', async () => {
    const request = `ffffffffffff${THERE_MAC}0806 0001 0800 06 04 0001 ${THERE_MAC} c0000202 000000000000 c0000201`;
    tap.say([{ hex: request.replaceAll(' ', '') }]);
    assert.deepEqual(await tap.hear(/"sent"/), { sent: 1 });
    const { hex } = await tap.hear<Frame>(/08060001080006040002/);
    assert.equal(hex.slice(0, 24), `${THERE_MAC}${hostMac}`);
  });

  test('frames of 1,500 octets with a VLAN tag cross whole, both ways (IEEE 802.3ac)', async () => {
    const far = new Speaker(host, 'descriptor-program.js', [JSON.stringify({ tap: 'tap9' })]);
    await far.hear(/opened/);
    await host.run(['sysctl', '-q', 'net.ipv6.conf.tap9.disable_ipv6=1']);
    await host.ip(`address delete ${HERE}/24 dev eth0`, 'link set tap9 up');
    await lab.bridge(host, 'br9', ['tap9', 'eth0']);
    for (const [from, to, source, destination] of [
      [far, tap, '02005e000003', '02005e000004'],
      [tap, far, '02005e000004', '02005e000003'],
    ] as const) {
      const hex = `${destination}${source}8100000588b5${'5a'.repeat(1499)}a5`;
      from.say([{ hex }]);
      assert.deepEqual(await from.hear(/"sent"/), { sent: 1 });
      assert.deepEqual(await to.hear(/8100000588b5/), { length_bytes: 14 + 4 + 1500, hex });
    }
  });

  test('the box itself has sent nothing into the pseudowire', async () => {
    const links = JSON.parse((await box.run(['ip', '-json', 'link', 'show'])).stdout) as { address: string }[];
    const ours = new Set(links.map(({ address }) => address.replaceAll(':', '')));
    const frames = tap.daemon
      .lines()
      .filter((line) => line.includes('"hex"'))
      .map((line) => (JSON.parse(line) as Frame).hex);
    assert.ok(frames.length > 0);
    for (const hex of frames) assert.ok(!ours.has(hex.slice(12, 24)), hex);
  });

  test('nothing of it remains: the bridge goes when nobody else has a port in it', async () => {
    await box.ip('link set port0 nomaster');
    assert.deepEqual(await apply({ links: [], routes: [], filters: [], forwarding: false }), []);
    const { stdout } = await box.run(['ip', '-o', 'link', 'show', 'type', 'bridge']);
    assert.equal(stdout, '');
  });
});
