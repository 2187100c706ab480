/**
 * Nonsense and malice against the running program, beside a real call that must not suffer: what is bad is dropped and
 * counted, or answered as RFC 2661 says; nothing is allocated before a valid SCCRQ; the log stays silent.
 */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { emitControlMessage } from '../../firmware/wire/avp.js';
import { octets } from '../../firmware/wire/bytes.js';
import { emitControlPacket } from '../../firmware/wire/control-header.js';
import { emitDataHeader } from '../../firmware/wire/l2tp.js';
import { Capture } from '../lab/capture.js';
import { labIsMissing } from '../lab/requirements.js';
import { ADDRESS, bootGuest, layThreeSites, type Sites } from '../lab/three-sites.js';
import { until } from '../lab/until.js';
import type { Appliance } from './appliance.js';
import { judged } from './assertions.js';
import { idle, startLns, USER } from './lns.js';
import { controlPacket, RawPeer, type Received, rawAvp, sccrq } from './raw-peer.js';
import type { UmlGuest } from './uml.js';
import { Xl2tpdCaller } from './xl2tpd.js';

const UNKNOWN_AVP_TYPE = 999;
/** What RFC 2661 section 6.1 requires of an SCCRQ. */
const NEEDED_AVPS = {
  ...{
    protocolVersion: { version: 1, revision: 0 },
    hostName: 'stranger',
    framingCapabilities: 3,
    assignedTunnelId: 7,
  },
};
const concat = (...parts: readonly Uint8Array[]): Uint8Array => Buffer.concat(parts);

/** Octets that look random and are the same in every run: a xorshift generator. */
function noise(seed: number): (length: number) => Uint8Array {
  let state = seed;
  return (length) =>
    Uint8Array.from({ length }, () => {
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
      return state & 0xff;
    });
}

/** A header that may lie about its length in front of a body. */
function lyingPacket(body: Uint8Array, length: number): Uint8Array {
  const packet = Buffer.from(
    emitControlPacket({ version: 2, controlConnectionId: 0, sessionId: 0, ns: 0, nr: 0 }, body),
  );
  packet.writeUInt16BE(length, 2);
  return packet;
}

/** What a stranger may send without ever having sent a valid SCCRQ. */
function strangersNonsense(): Uint8Array[] {
  const random = noise(0x2661);
  // Nothing in it may be missing.
  const needed = { messageType: 'SCCRQ', avps: NEEDED_AVPS } as const;
  const whole = controlPacket({}, needed);
  const body = emitControlMessage(needed, { dialect: 2 });
  const start = emitControlMessage({ messageType: 'HELLO', avps: {} }, { dialect: 2 });
  const avpBad = (length: number): Uint8Array =>
    controlPacket({}, concat(body, rawAvp({ mandatory: true, length, type: 8, value: octets('vendor') })));
  return [
    // Truncated at every octet, and the same with a Length that tells so.
    ...Array.from(whole, (_, length) => whole.subarray(0, length)),
    ...Array.from(body, (_, length) => controlPacket({}, body.subarray(0, length))).slice(1),
    // A Length that lies.
    ...[0, 1, 11, 12, 13, whole.length + 1, 0xffff].map((length) => lyingPacket(body, length)),
    // AVPs that end before they begin, loop, or reach beyond.
    ...[0, 1, 5, 1023].map(avpBad),
    // Oversized.
    controlPacket(
      {},
      concat(
        body,
        ...Array.from({ length: 8 }, () => rawAvp({ mandatory: true, type: UNKNOWN_AVP_TYPE, value: random(1000) })),
      ),
    ),
    // What makes no tunnel: other messages for tunnel 0, other versions, required AVPs missing.
    ...(['SCCRP', 'SCCCN', 'HELLO', 'ICRQ', 'ICCN', 'CDN', 'StopCCN', 'WEN', 'SLI'] as const).map((messageType) =>
      controlPacket({}, emitControlMessage({ messageType, avps: {} }, { dialect: 2 })),
    ),
    controlPacket({}, emitControlMessage({ messageType: 'SCCRQ', avps: { hostName: 'nobody' } }, { dialect: 2 })),
    controlPacket({}, start),
    ...[0xc803, 0xc801, 0xc800, 0x8802, 0xca02].map((flags) => {
      const packet = Buffer.from(whole);
      packet.writeUInt16BE(flags, 0);
      return packet;
    }),
    // Data for nobody.
    ...[1, 77, 0xffff].map((sessionId) =>
      concat(emitDataHeader({ tunnelId: sessionId, sessionId }), octets('\xff\x03\xc0\x21\x01\x01\x00\x04')),
    ),
    ...Array.from({ length: 400 }, (_, length) => random(length % 97)),
    // Larger than any buffer, and in IP fragments.
    random(2_000),
    random(60_000),
    concat(whole, random(59_000)),
  ];
}

describe('bad input', { skip: labIsMissing() }, () => {
  let sites: Sites;
  let appliance: Appliance;
  let guest: UmlGuest;
  let caller: Xl2tpdCaller;
  let peer: RawPeer;
  let capture: Capture;

  before(async () => {
    sites = await layThreeSites();
    [appliance, guest] = await Promise.all([startLns(sites), bootGuest(sites)]);
    capture = await Capture.start(sites.lab, sites.lns, 'internet', 'bad-input');
    caller = await Xl2tpdCaller.start(guest, {
      ...{ lns: ADDRESS.lns, authentication: 'chap-md5', user: USER.name, password: USER.password, path: 'kernel' },
      routes: [ADDRESS.officeNetwork],
    });
    await caller.connect();
    peer = await RawPeer.start(sites.user, ADDRESS.lns);
  });
  after(() => sites?.lab.close());

  const drops = async (): Promise<number> =>
    Object.values((await appliance.api.status()).drops).reduce((sum, count) => sum + count, 0);

  /** The call that was up before is up still, and carries. */
  async function callLives(): Promise<void> {
    await guest.run(`ping -n -c 2 -i 0.2 -W 2 ${ADDRESS.office}`);
    assert.equal((await appliance.api.sessions()).length, 1);
  }

  /** Sends packets each of which must be dropped, counted and not talked about. */
  async function mustBeDropped(packets: readonly Uint8Array[], sender = peer): Promise<void> {
    const before = await drops();
    const logged = appliance.logLineCount;
    await sender.send(...packets);
    await until(
      `${packets.length} packets are counted as dropped`,
      10_000,
      async () => (await drops()) >= before + packets.length,
    );
    assert.equal(appliance.logLineCount, logged, appliance.log(logged).join('\n'));
    assert.equal((await appliance.api.tunnels()).length, 1);
    await callLives();
  }

  /** Opens a tunnel by hand; answers our ID and the LNS's. */
  async function openTunnel(ours: number): Promise<{ ours: number; theirs: number }> {
    const from = peer.mark();
    await peer.send(controlPacket({}, sccrq(ours)));
    const { message } = await peer.awaitMessage('SCCRP', from);
    const theirs = message.avps.assignedTunnelId!;
    await peer.send(controlPacket({ tunnelId: theirs, ns: 1, nr: 1 }, { messageType: 'SCCCN', avps: {} }));
    await until('the tunnel is established', 5_000, async () =>
      (await appliance.api.tunnels()).some((tunnel) => tunnel.tunnelId === theirs && tunnel.state === 'established'),
    );
    return { ours, theirs };
  }

  async function closeTunnel(tunnelId: number, ns: number): Promise<void> {
    const stop = { resultCode: { resultCode: 1, errorCode: 0 }, assignedTunnelId: 1 };
    await peer.send(controlPacket({ tunnelId, ns, nr: 1 }, { messageType: 'StopCCN', avps: stop }));
    await until('the tunnel is gone', 5_000, async () => (await appliance.api.tunnels()).length === 1);
  }

  const icrq = (assignedSessionId: number): Uint8Array =>
    emitControlMessage({ messageType: 'ICRQ', avps: { assignedSessionId, callSerialNumber: 1 } }, { dialect: 2 });

  it('a stranger’s nonsense allocates nothing and is counted, without a line of log', async () => {
    await mustBeDropped(strangersNonsense());
  });

  it('so is it over IPv6', async () => {
    const peer6 = await RawPeer.start(sites.user, ADDRESS.lns6);
    await mustBeDropped(strangersNonsense(), peer6);
    await peer6.stop();
  });

  it('data and control messages with the IDs of another’s call are dropped: that call lives', async () => {
    const [session] = await appliance.api.sessions();
    const ids = { tunnelId: session!.tunnelId, sessionId: session!.sessionId };
    const terminate = octets('\xff\x03\xc0\x21\x05\x01\x00\x04');
    const stop = { resultCode: { resultCode: 1, errorCode: 0 }, assignedTunnelId: 1 };
    await mustBeDropped([
      concat(emitDataHeader(ids), terminate),
      concat(emitDataHeader({ ...ids, tunnelId: ids.tunnelId ^ 1 }), terminate),
      controlPacket({ tunnelId: ids.tunnelId, ns: 4, nr: 2 }, { messageType: 'StopCCN', avps: stop }),
      controlPacket(
        { ...ids, ns: 4, nr: 2 },
        {
          messageType: 'CDN',
          avps: { resultCode: { resultCode: 1, errorCode: 0 }, assignedSessionId: session!.peerSessionId },
        },
      ),
    ]);
  });

  it('an SCCRQ that is sent twice opens one tunnel, RFC 2661 section 5.8', async () => {
    const from = peer.mark();
    const packet = controlPacket({}, sccrq(21));
    await peer.send(packet, packet, packet);
    const { message } = await peer.awaitMessage('SCCRP', from);
    assert.equal((await appliance.api.tunnels()).length, 2);
    const ids = new Set(peer.received(from).flatMap((each) => each.message?.avps.assignedTunnelId ?? []));
    assert.equal(ids.size, 1);
    await closeTunnel(message.avps.assignedTunnelId!, 1);
  });

  it('an unknown AVP without M bit is ignored, RFC 2661 section 4.1', async () => {
    const { theirs } = await openTunnel(22);
    const from = peer.mark();
    const unknown = rawAvp({ type: UNKNOWN_AVP_TYPE, value: octets('whatever') });
    await peer.send(controlPacket({ tunnelId: theirs, ns: 2, nr: 1 }, concat(icrq(1), unknown)));
    await peer.awaitMessage('ICRP', from);
    await closeTunnel(theirs, 3);
  });

  it('an unknown AVP with M bit ends the session that it is about by CDN 2/8, and no other', async () => {
    const { theirs } = await openTunnel(23);
    const from = peer.mark();
    const unknown = rawAvp({ mandatory: true, type: UNKNOWN_AVP_TYPE, value: octets('whatever') });
    await peer.send(controlPacket({ tunnelId: theirs, ns: 2, nr: 1 }, concat(icrq(5), unknown)));
    const { message, sessionId } = await peer.awaitMessage('CDN', from);
    assert.equal(sessionId, 5);
    assert.deepEqual(pick(message.avps.resultCode), { resultCode: 2, errorCode: 8 });
    assert.equal((await appliance.api.tunnels()).length, 2);
    await closeTunnel(theirs, 3);
  });

  it('an unknown AVP with M bit in a message of the tunnel ends the tunnel by StopCCN 2/8', async () => {
    const { theirs } = await openTunnel(24);
    const from = peer.mark();
    const hello = emitControlMessage({ messageType: 'HELLO', avps: {} }, { dialect: 2 });
    const unknown = rawAvp({ mandatory: true, type: UNKNOWN_AVP_TYPE, value: octets('whatever') });
    await peer.send(controlPacket({ tunnelId: theirs, ns: 2, nr: 1 }, concat(hello, unknown)));
    const { message } = await peer.awaitMessage('StopCCN', from);
    assert.deepEqual(pick(message.avps.resultCode), { resultCode: 2, errorCode: 8 });
    await until('the tunnel is gone', 5_000, async () => (await appliance.api.tunnels()).length === 1);
  });

  it('a hidden AVP with a wrong inner length is refused, the program lives', async () => {
    const { theirs } = await openTunnel(25);
    const from = peer.mark();
    const randomVector = rawAvp({ mandatory: true, type: 36, value: octets('0123456789abcdef') });
    // Calling Number; whatever these octets open to, it is no length that fits.
    const hidden = rawAvp({ mandatory: true, hidden: true, type: 22, value: Uint8Array.of(0xff, 0xff, 0xff, 0xff) });
    await peer.send(controlPacket({ tunnelId: theirs, ns: 2, nr: 1 }, concat(icrq(6), randomVector, hidden)));
    const { message } = await peer.awaitMessage('CDN', from);
    assert.equal(message.avps.resultCode?.resultCode, 2);
    await closeTunnel(theirs, 3);
  });

  it('an ICRQ that is replayed makes one session; one of another window is dropped', async () => {
    const { theirs } = await openTunnel(26);
    const from = peer.mark();
    const packet = controlPacket({ tunnelId: theirs, ns: 2, nr: 1 }, icrq(9));
    await peer.send(packet, packet, controlPacket({ tunnelId: theirs, ns: 4000, nr: 1 }, icrq(10)));
    await peer.awaitMessage('ICRP', from);
    await peer.send(packet);
    await until('the replay is acknowledged', 5_000, () => peer.received(from).some((each: Received) => each.nr === 3));
    const [tunnel] = (await appliance.api.tunnels()).filter((each) => each.tunnelId === theirs);
    assert.equal(tunnel?.sessions, 1);
    await closeTunnel(theirs, 3);
  });

  it('PPP packets with lying lengths in a session of one’s own are dropped, the program lives', async () => {
    const { theirs } = await openTunnel(27);
    const from = peer.mark();
    await peer.send(controlPacket({ tunnelId: theirs, ns: 2, nr: 1 }, icrq(11)));
    const { message } = await peer.awaitMessage('ICRP', from);
    const sessionId = message.avps.assignedSessionId!;
    const iccn = { txConnectSpeed_bps: 1_000_000, framingType: 1 };
    await peer.send(controlPacket({ tunnelId: theirs, sessionId, ns: 3, nr: 2 }, { messageType: 'ICCN', avps: iccn }));
    const logged = appliance.logLineCount;
    const header = emitDataHeader({ tunnelId: theirs, sessionId });
    const random = noise(0x1661);
    const frames = [
      // LCP and IPCP with Length beyond the frame, below its own header, options of length 0, 1 and beyond.
      ...['c021', '8021', '8057', 'c023', 'c223', '80fd'].flatMap((protocol) =>
        [
          ...[
            '0101ffff',
            '01010000',
            '01010003',
            '0101000600',
            '010100080100',
            '0101000801ff0000',
            '01',
            '',
            '0a01000400',
          ],
          ...['0101000803010000', '0201000801000000', '0301000a0105ff'],
        ].map((packet) => Buffer.from(`ff03${protocol}${packet}`, 'hex')),
      ),
      // Protocol numbers that are none, frames that end in them; IP without a link, headers that lie.
      ...['', 'ff', 'ff03', 'ff0300', 'ff03c0', '0020', 'ff03002145000500', 'ff0300214f', 'ff03005760', 'ff0300'].map(
        (hex) => Buffer.from(hex, 'hex'),
      ),
      ...Array.from({ length: 200 }, (_, length) => concat(octets('\xff\x03\xc0\x21'), random(length % 60))),
    ];
    await peer.send(...frames.map((frame) => concat(header, frame)));
    // LCP lives on: an Echo or a Configure-Request is answered, whatever came before.
    assert.equal(appliance.logLineCount, logged, appliance.log(logged).join('\n'));
    await closeTunnel(theirs, 4);
    await callLives();
  });

  it('after all that the call hangs up cleanly, nothing is left, and tshark has no complaint about what the LNS sent', async () => {
    await caller.disconnect();
    await caller.stop();
    await peer.stop();
    await idle(appliance);
    assert.equal(await appliance.api.leasedCount(), 0);
    await judged(await capture.stop(), { sentBy: ADDRESS.lns });
  });
});

function pick(result: { resultCode: number; errorCode?: number } | undefined): object {
  return { resultCode: result?.resultCode, errorCode: result?.errorCode };
}
