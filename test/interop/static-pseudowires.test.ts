/**
 * Our static Ethernet pseudowire and the Linux kernel's, by `ip l2tp` in a guest: the guest's device on one side, on the
 * other a host at the bridge that our TAP device is a port of. The host is a guest too, since it must know VLANs.
 */
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { Capture } from '../lab/capture.js';
import { Lab, type Namespace } from '../lab/namespaces.js';
import { until } from '../lab/until.js';
import type { SettingsChanges } from './api-client.js';
import { Appliance } from './appliance.js';
import { judged } from './assertions.js';
import { KernelGuest, kernelGuestIsMissing } from './kernel-guest.js';
import { KernelTunnel } from './kernel-l2tp.js';

const BOX = { IPv4: '192.0.2.1', IPv6: '2001:db8::1' } as const;
const PEER = { IPv4: '192.0.2.2', IPv6: '2001:db8::2' } as const;
/** Of the two ends of the wire: without a tag, and in the VLAN. */
const HOST = { plain: '10.1.0.1', tagged: '10.7.0.1' } as const;
const DISTANT = { plain: '10.1.0.2', tagged: '10.7.0.2' } as const;
const BRIDGE = 'lan';
const PORT = 'tap-host';
const DEVICE = 'wire';
const VLAN_ID = 7;
/** A frame is full with 1472 octets of data, 8 of ICMP and 20 of IPv4. */
const FULL_PING = 'ping -n -c 3 -i 0.2 -W 2 -M do -s 1472';
const LOCAL = { sessionId: 0x11111111, cookies: { 0: '', 4: '11223344', 8: '1122334455667788' } } as const;
const DISTANT_END = { sessionId: 0x22222222, cookies: { 0: '', 4: '99aabbcc', 8: '99aabbccddeeff00' } } as const;

type Wire = NonNullable<SettingsChanges['pseudowires']>[number];

interface Form {
  encapsulation: 'udp' | 'ip';
  family: 'IPv4' | 'IPv6';
  cookie_bytes: 0 | 4 | 8;
  sublayer: 'none' | 'default';
}

const FORMS: readonly Form[] = [
  { encapsulation: 'ip', family: 'IPv4', cookie_bytes: 8, sublayer: 'none' },
  { encapsulation: 'ip', family: 'IPv4', cookie_bytes: 4, sublayer: 'default' },
  { encapsulation: 'ip', family: 'IPv4', cookie_bytes: 0, sublayer: 'none' },
  { encapsulation: 'ip', family: 'IPv6', cookie_bytes: 8, sublayer: 'default' },
  { encapsulation: 'udp', family: 'IPv4', cookie_bytes: 8, sublayer: 'none' },
  { encapsulation: 'udp', family: 'IPv4', cookie_bytes: 4, sublayer: 'none' },
  { encapsulation: 'udp', family: 'IPv4', cookie_bytes: 0, sublayer: 'default' },
  { encapsulation: 'udp', family: 'IPv6', cookie_bytes: 8, sublayer: 'none' },
];

describe('our static pseudowire and the Linux kernel’s', { skip: kernelGuestIsMissing() }, () => {
  let lab: Lab;
  let site: Namespace;
  let box: Appliance;
  let host: KernelGuest;
  let distant: KernelGuest;
  let tunnel: KernelTunnel | undefined;

  before(async () => {
    lab = await Lab.open();
    site = await lab.namespace('box');
    const internet = await lab.namespace('internet');
    await lab.cable(
      { namespace: site, device: 'internet', addresses: [`${BOX.IPv4}/24`, `${BOX.IPv6}/64`] },
      { namespace: internet, device: 'uplink' },
    );
    [box, host, distant] = await Promise.all([
      Appliance.start(lab, site, 'box'),
      KernelGuest.boot({ name: 'host', namespace: site, tap: PORT, addresses: [`${HOST.plain}/24`] }),
      KernelGuest.boot({
        ...{ name: 'distant', namespace: internet, tap: 'tap-distant' },
        addresses: [`${PEER.IPv4}/24`, `${PEER.IPv6}/64`],
      }),
    ]);
    await lab.bridge(internet, 'bridge', ['uplink', 'tap-distant']);
    await addVlan(host, host.card, `${HOST.tagged}/24`);
  });
  after(() => lab?.close());
  afterEach(async () => {
    await tunnel?.remove();
    tunnel = undefined;
    await box.api.configure({ pseudowires: [] });
  });

  async function addVlan(guest: KernelGuest, device: string, address: string): Promise<void> {
    await guest.run(`ip link add link ${device} name vlan type vlan id ${VLAN_ID}`);
    await guest.address('vlan', address);
  }

  /** Both ends configured, the host's port in the bridge that the box has made. */
  async function join({ encapsulation, family, cookie_bytes, sublayer }: Form, changes: Wire = {}): Promise<void> {
    const peerCookie = DISTANT_END.cookies[cookie_bytes];
    await box.api.configure({
      pseudowires: [
        {
          ...{ name: 'branch', mode: 'static', tapInterface: 'tap-branch', bridge: BRIDGE },
          ...{ peer: PEER[family], localAddress: BOX[family] },
          ...{ encapsulation: encapsulation === 'ip' ? 'ip' : 'udp3', l2SpecificSublayer: sublayer },
          ...{ localSessionId: LOCAL.sessionId, localCookie: LOCAL.cookies[cookie_bytes] },
          ...{ peerSessionId: DISTANT_END.sessionId, peerCookie },
          ...changes,
        },
      ],
    });
    await until('the host is at the bridge', 10_000, async () => {
      const { status } = await site.run(['ip', 'link', 'set', PORT, 'master', BRIDGE], { mayFail: true });
      return status === 0;
    });
    await until('the pseudowire is up', 10_000, async () => (await box.api.pseudowires())[0]?.state === 'up');
    tunnel = await KernelTunnel.add(distant, {
      ...{ encapsulation, localAddress: PEER[family], peerAddress: BOX[family], localTunnelId: 22, peerTunnelId: 11 },
    });
    await tunnel.addSession({
      ...{ device: DEVICE, localSessionId: DISTANT_END.sessionId, peerSessionId: LOCAL.sessionId },
      ...{ localCookie: DISTANT_END.cookies[cookie_bytes], peerCookie: LOCAL.cookies[cookie_bytes] },
      ...{ l2SpecificSublayer: sublayer, mtu_bytes: 1500, addresses: [`${DISTANT.plain}/24`] },
    });
    await addVlan(distant, DEVICE, `${DISTANT.tagged}/24`);
  }

  for (const form of FORMS) {
    const { encapsulation, family, cookie_bytes, sublayer } = form;
    const name = `${encapsulation} over ${family}, cookies of ${cookie_bytes} octets, L2-specific sublayer ${sublayer}`;
    it(`${name}: full frames pass both ways, with a VLAN tag and without`, async () => {
      await join(form);
      const capture = await Capture.start(lab, site, 'internet', name.replaceAll(/[^a-z0-9]+/gi, '-'));
      for (const plainOrTagged of ['plain', 'tagged'] as const) {
        await distant.run(`${FULL_PING} ${HOST[plainOrTagged]}`);
        await host.run(`${FULL_PING} ${DISTANT[plainOrTagged]}`);
      }
      const { packets } = await judged(await capture.stop(), { cookie_bytes, sublayer, payload: 'ethernet' });
      assert.deepEqual([...new Set(packets.map(({ what }) => what))], ['Ethernet']);
      for (const [source, { sessionId, cookies }] of [
        [BOX[family], DISTANT_END],
        [PEER[family], LOCAL],
      ] as const) {
        const sent = packets.filter((packet) => packet.source === source);
        assert.ok(sent.length >= 12, `${sent.length} frames from ${source}`);
        for (const packet of sent) {
          assert.deepEqual([packet.sessionId, packet.cookie], [sessionId, cookies[cookie_bytes]]);
        }
      }
    });
  }

  const [usual] = FORMS as readonly [Form];

  it('type vlan: the host’s untagged frames have the tag on the wire, and lose it on their way back', async () => {
    await join(usual, { type: 'vlan', vlanId: VLAN_ID });
    // The host is in that network without a tag, and not with one as well, which its answer would go by.
    await host.run('ip link set vlan down');
    const address = '10.7.0.3';
    await host.address(host.card, `${address}/24`);
    await distant.run(`${FULL_PING} ${address}`);
    await host.run(`ping -n -c 1 -W 2 ${DISTANT.tagged}`);
    await host.run(`ip address del ${address}/24 dev ${host.card} && ip link set vlan up`);
  });

  it('a wrong cookie from the peer: no frame comes through, and the drops are counted', async () => {
    await join(usual, { localCookie: 'ffffffffffffffff' });
    const ping = await distant.run(`ping -n -c 1 -W 1 ${HOST.plain}`, { mayFail: true });
    assert.equal(ping.status, 1, ping.lines.join('\n'));
    const { drops } = await box.api.status();
    assert.ok((drops['wrong-cookie'] ?? 0) > 0, JSON.stringify(drops));
  });
});
