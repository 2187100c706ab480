/**
 * The guests that our static pseudowires are tested against, tested against each other: what they send is L2TPv3 as
 * RFC 3931 sections 4.1.1 and 4.1.2 draw it, and an Ethernet session between two of them carries frames.
 */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { Capture, judge } from '../lab/capture.js';
import { Lab, type Namespace } from '../lab/namespaces.js';
import { KernelGuest, kernelGuestIsMissing } from './kernel-guest.js';
import { KernelTunnel } from './kernel-l2tp.js';

const ONE = {
  address: '192.0.2.1',
  inside: '10.1.0.1',
  tunnelId: 11,
  sessionId: 0x11111111,
  cookie: '1122334455667788',
};
const OTHER = {
  ...{ address: '192.0.2.2', inside: '10.1.0.2', tunnelId: 22, sessionId: 0x22222222, cookie: '99aabbccddeeff00' },
};
type End = typeof ONE;

describe('the kernel’s L2TPv3 in two guests', { skip: kernelGuestIsMissing() }, () => {
  let lab: Lab;
  let namespace: Namespace;
  let guests: readonly [KernelGuest, KernelGuest];

  before(async () => {
    lab = await Lab.open();
    namespace = await lab.namespace('wire');
    const boot = (name: string, end: End): Promise<KernelGuest> =>
      KernelGuest.boot({ name, namespace, tap: `tap-${name}`, addresses: [`${end.address}/24`] });
    guests = await Promise.all([boot('one', ONE), boot('other', OTHER)]);
    await lab.bridge(namespace, 'bridge', ['tap-one', 'tap-other']);
  });
  after(() => lab?.close());

  const dig = (guest: KernelGuest, encapsulation: 'udp' | 'ip', local: End, peer: End): Promise<KernelTunnel> =>
    KernelTunnel.add(guest, {
      ...{ encapsulation, localAddress: local.address, peerAddress: peer.address },
      ...{ localTunnelId: local.tunnelId, peerTunnelId: peer.tunnelId },
    });

  const lay = (tunnel: KernelTunnel, local: End, peer: End, peerCookie = peer.cookie): Promise<void> =>
    tunnel.addSession({
      ...{ device: 'wire', localSessionId: local.sessionId, peerSessionId: peer.sessionId },
      ...{ localCookie: local.cookie, peerCookie, l2SpecificSublayer: 'none' },
      ...{ mtu_bytes: 1500, addresses: [`${local.inside}/24`] },
    });

  for (const encapsulation of ['ip', 'udp'] as const) {
    it(`frames of 1500 octets cross over ${encapsulation}, with 8-byte cookies; a wrong cookie lets none through`, async () => {
      const capture = await Capture.start(lab, namespace, 'bridge', encapsulation);
      const [one, other] = guests;
      // Both tunnels first: the kernel answers a packet for a port that it has not bound.
      const near = await dig(one, encapsulation, ONE, OTHER);
      let far = await dig(other, encapsulation, OTHER, ONE);
      await Promise.all([lay(near, ONE, OTHER), lay(far, OTHER, ONE)]);
      await one.run(`ping -n -c 2 -i 0.2 -W 2 -s 1472 -M do ${OTHER.inside}`);
      const judgement = await judge(await capture.stop(), { cookie_bytes: 8, sublayer: 'none', payload: 'ethernet' });
      assert.deepEqual(judgement.complaints, []);
      for (const [from, to] of [
        [ONE, OTHER],
        [OTHER, ONE],
      ] as const) {
        const frames = judgement.packets.filter((packet) => packet.source === from.address);
        assert.ok(frames.length >= 3, 'an ARP frame and two pings');
        for (const { version, sessionId, cookie, what } of frames) {
          assert.deepEqual(
            { version, sessionId, cookie, what },
            { version: 3, sessionId: to.sessionId, cookie: to.cookie, what: 'Ethernet' },
          );
        }
      }
      await far.remove();
      far = await dig(other, encapsulation, OTHER, ONE);
      await lay(far, OTHER, ONE, 'ffffffffffffffff');
      const ping = await one.run(`ping -n -c 1 -W 1 ${OTHER.inside}`, { mayFail: true });
      assert.equal(ping.status, 1, ping.lines.join('\n'));
      await Promise.all([near.remove(), far.remove()]);
    });
  }
});
