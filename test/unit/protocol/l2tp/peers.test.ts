/** What real peers do, each played by a test named for vendor and behaviour. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { AVP_TABLE, type AvpValues, emitControlMessage } from '../../../../firmware/wire/avp.js';
import { ByteWriter } from '../../../../firmware/wire/bytes.js';
import {
  type Datagram,
  establishedCall,
  exchange,
  ICCN,
  Node,
  OCRQ,
  RawPeer,
  runAlone,
  SECRET,
  takeApart,
} from './endpoints.js';

const MANDATORY = 0x8000;

/** The body of a StopCCN or CDN whose Result Code AVP has exactly these 16-bit fields. */
function stopBody(messageType: 4 | 14, resultFields: readonly number[], assignedId: number): Uint8Array {
  const writer = new ByteWriter();
  writer
    .u16(MANDATORY | 8)
    .u16(0)
    .u16(0)
    .u16(messageType);
  writer
    .u16(MANDATORY | (6 + 2 * resultFields.length))
    .u16(0)
    .u16(1);
  for (const field of resultFields) writer.u16(field);
  writer
    .u16(MANDATORY | 8)
    .u16(0)
    .u16(messageType === 4 ? 9 : 14)
    .u16(assignedId);
  return writer.finish();
}

function tunnelTo(config: ConstructorParameters<typeof Node>[2] = {}): {
  node: Node;
  peer: RawPeer;
  tunnelId: number;
} {
  const node = new Node('192.0.2.2', 2, config);
  const peer = new RawPeer(node);
  return { node, peer, tunnelId: peer.establish(0) };
}

describe('Apple', () => {
  it('StopCCN with byte-swapped result and error code: the tunnel ends with the codes that were meant', () => {
    const { node, peer } = tunnelTo();
    peer.sendBody(stopBody(4, [0x0600, 0x0000], peer.tunnelId), 10);
    assert.deepEqual(node.one('tunnel-closed').cause, { by: 'peer', resultCode: 6, errorCode: 0 });
  });

  it('CDN with byte-swapped result code 768: the call ends with result 3', () => {
    const { node, peer } = tunnelTo();
    const sessionId = peer.establishCall(0);
    peer.sendBody(stopBody(14, [768, 0x0600], 501), 10, { sessionId });
    assert.deepEqual(node.one('call-closed').cause, { by: 'peer', resultCode: 3, errorCode: 6 });
  });
});

describe('Android', () => {
  it('stops acknowledging HELLO: the tunnel lives as long as data come, and a call can still be cleared', () => {
    const { node, peer, tunnelId } = tunnelTo();
    const sessionId = peer.establishCall(0);
    node.transmit();
    // Idle long enough for a HELLO; then data every 5 s, for an hour, and never an acknowledgement.
    for (let now_ms = 61_000; now_ms < 3_600_000; now_ms += 1000) {
      if (now_ms % 5000 === 0) node.endpoint.noteTraffic(tunnelId, now_ms);
      node.endpoint.handleTimeout(now_ms);
      for (const datagram of node.transmit()) assert.equal(takeApart(datagram).message?.messageType, 'HELLO');
    }
    assert.equal(node.all('tunnel-closed').length, 0);
    node.endpoint.closeCall(sessionId, { resultCode: 3 }, 3_600_000);
    assert.deepEqual(
      peer.receiveMessages().map(({ messageType }) => messageType),
      ['CDN'],
    );
  });

  it('stops acknowledging HELLO and falls silent: the tunnel ends', () => {
    const { node, peer, tunnelId } = tunnelTo();
    peer.establishCall(0);
    for (let now_ms = 61_000; now_ms < 200_000; now_ms += 1000) {
      node.endpoint.noteTraffic(tunnelId, now_ms);
      node.endpoint.handleTimeout(now_ms);
    }
    runAlone(node, 200_000 + 60_000 + 31_000 + 8000);
    assert.equal(node.one('tunnel-closed').cause.by, 'timeout');
  });

  it('falls asleep for a minute: more retransmissions by configuration carry the tunnel over it', () => {
    const { node, peer, tunnelId } = tunnelTo({ maxRetransmits: 12 });
    const hellos = runAlone(node, 60_000 + 60_000).map((datagram) => takeApart(datagram));
    assert.ok(hellos.length > 6 && hellos.every(({ ns }) => ns === peer.nr));
    assert.equal(node.endpoint.tunnel(tunnelId)?.state, 'established');
    peer.nr++;
    peer.acknowledge(121_000);
    runAlone(node, 121_000 + 59_999);
    assert.equal(node.all('tunnel-closed').length, 0);
  });
});

describe('Windows', () => {
  it('rejects an 8-byte Result Code: ours has 10 bytes at least, in StopCCN, CDN and refusals', () => {
    const stopped = tunnelTo();
    stopped.node.endpoint.closeTunnel(stopped.tunnelId, { resultCode: 1 }, 0);
    const disconnected = tunnelTo();
    const sessionId = disconnected.peer.establishCall(0);
    disconnected.node.endpoint.closeCall(sessionId, { resultCode: 3 }, 0);
    const refusing = new Node('192.0.2.2', 2, { maxTunnels: 0 });
    new RawPeer(refusing).request(0);
    const packets = [stopped, disconnected, { node: refusing }].flatMap(({ node }) => node.transmit());
    assert.equal(packets.length, 3);
    for (const { packet } of packets) {
      const resultCode = rawAvps(packet).find(({ type }) => type === 1);
      assert.ok(resultCode !== undefined && resultCode.length_bytes >= 10, `${resultCode?.length_bytes} bytes`);
    }
  });

  it('sends Physical Channel ID with the M bit set: the call is taken', () => {
    const { node, peer } = tunnelTo();
    const icrq = emitControlMessage(
      { messageType: 'ICRQ', avps: { assignedSessionId: 501, callSerialNumber: 1 } },
      { dialect: 2 },
    );
    const channel = new ByteWriter()
      .u16(MANDATORY | 10)
      .u16(0)
      .u16(25)
      .u32(7)
      .finish();
    peer.sendBody(Uint8Array.of(...icrq, ...channel), 10);
    assert.equal(node.one('call-requested').icrq.avps.physicalChannelId, 7);
  });

  it('"Deterministic Networks", firmware 0xff00, puts our session ID into its CDN: the call ends', () => {
    const { node, peer } = tunnelTo();
    const sessionId = peer.establishCall(0);
    peer.sendBody(stopBody(14, [3, 0], sessionId), 10, { sessionId: 0 });
    assert.equal(node.one('call-closed').sessionId, sessionId);
    assert.equal(node.all('tunnel-closed').length, 0);
  });

  it('"Deterministic Networks", firmware 0xff00, puts our tunnel ID into its StopCCN: the tunnel ends', () => {
    for (const headerTunnelId of ['ours', 'none'] as const) {
      const { node, peer, tunnelId } = tunnelTo();
      peer.sendBody(stopBody(4, [1, 0], tunnelId), 10, { tunnelId: headerTunnelId === 'ours' ? tunnelId : 0 });
      assert.deepEqual(node.one('tunnel-closed'), {
        type: 'tunnel-closed',
        tunnelId,
        cause: { by: 'peer', resultCode: 1, errorCode: 0 },
      });
    }
  });

  it('our tunnel ID in a StopCCN from elsewhere ends nothing', () => {
    const { node, tunnelId } = tunnelTo();
    const stranger = new RawPeer(node, '203.0.113.66');
    stranger.sendBody(stopBody(4, [1, 0], tunnelId), 10, { tunnelId: 0 });
    assert.equal(node.all('tunnel-closed').length, 0);
    assert.equal(node.endpoint.counters['unknown-tunnel'], 1);
  });
});

describe('MikroTik', () => {
  it('8-byte Result Code in StopCCN and CDN: accepted', () => {
    const { node, peer } = tunnelTo();
    const sessionId = peer.establishCall(0);
    peer.sendBody(stopBody(14, [1], 501), 10, { sessionId });
    assert.deepEqual(node.one('call-closed').cause, { by: 'peer', resultCode: 1 });
    peer.sendBody(stopBody(4, [6], peer.tunnelId), 20);
    assert.deepEqual(node.one('tunnel-closed').cause, { by: 'peer', resultCode: 6 });
  });

  it('its UDP port changes from 1701 after set-up: followed, messages and all', () => {
    const { node, peer, tunnelId } = tunnelTo();
    const sessionId = peer.establishCall(0);
    peer.path = { ...peer.path, peerPort: 49_152 };
    peer.send('HELLO', {}, 1000);
    assert.equal(peer.receive()[0].path.peerPort, 49_152);
    assert.equal(node.one('tunnel-path-changed').path.peerPort, 49_152);
    node.endpoint.closeCall(sessionId, { resultCode: 3 }, 2000);
    const [cdn] = peer.receive();
    assert.equal(cdn.path.peerPort, 49_152);
    assert.equal(node.endpoint.tunnel(tunnelId)?.path.peerPort, 49_152);
  });
});

describe('Cisco', () => {
  it('leaves (Tx) Connect Speed and Framing Type out of the ICCN: the call is connected', () => {
    const { node, peer } = tunnelTo();
    peer.establishCall(0, { iccn: {} });
    assert.deepEqual(node.one('call-connected').iccn?.avps, {});
  });

  it('ASA wants replies from the exact address that it dialled: they carry it from the first to the last', () => {
    const node = new Node('192.0.2.2', 2);
    const peer = new RawPeer(node);
    peer.path = { ...peer.path, localAddress: '192.0.2.200' };
    peer.request(0);
    const tunnelId = node.one('tunnel-requested').tunnelId;
    const sources = new Set(peer.receive().map(({ path }) => path.localAddress));
    node.endpoint.answerTunnel(tunnelId, { accepted: true }, 0);
    for (const { path } of peer.receive()) sources.add(path.localAddress);
    peer.send('SCCCN', {}, 0);
    for (const { path } of peer.receive()) sources.add(path.localAddress);
    node.endpoint.closeTunnel(tunnelId, { resultCode: 1 }, 0);
    for (const { path } of peer.receive()) sources.add(path.localAddress);
    assert.deepEqual([...sources], ['192.0.2.200']);
  });
});

describe('WatchGuard', () => {
  it('leaves Rx Connect Speed out of the ICCN: the call is connected', () => {
    const { node, peer } = tunnelTo();
    peer.establishCall(0, { iccn: ICCN });
    assert.equal(node.one('call-connected').iccn?.avps.rxConnectSpeed_bps, undefined);
  });
});

describe('Juniper', () => {
  it('takes a change of our address or port only in SCCRP: our source never changes', () => {
    const { node, peer } = tunnelTo();
    const sources = new Set<string>();
    for (let round = 0; round < 5; round++) {
      peer.path = { ...peer.path, localAddress: `192.0.2.${100 + round}`, localPort: 1701 + round };
      peer.send('HELLO', {}, round);
      for (const { path } of peer.receive()) sources.add(`${path.localAddress} ${path.localPort}`);
    }
    assert.deepEqual([...sources], ['192.0.2.2 1701']);
    assert.equal(node.all('tunnel-path-changed').length, 0);
  });

  it('control messages out of order are held: ICRQs that overtake each other are taken in their order', () => {
    const { node, peer } = tunnelTo();
    const first = peer.ns;
    for (const index of [3, 1, 2, 0]) {
      const avps = { assignedSessionId: 501 + index, callSerialNumber: index };
      peer.sendRaw({ ns: first + index }, emitControlMessage({ messageType: 'ICRQ', avps }, { dialect: 2 }), 10);
    }
    assert.deepEqual(
      node.all('call-requested').map(({ icrq }) => icrq.avps.callSerialNumber),
      [0, 1, 2, 3],
    );
    const [zlb] = peer.receive();
    assert.equal(zlb.nr, first + 4);
  });

  it('our receive window is that of the configuration, and told', () => {
    const node = new Node('192.0.2.2', 2, { receiveWindow: 64 });
    const peer = new RawPeer(node);
    peer.request(0);
    node.endpoint.answerTunnel(node.one('tunnel-requested').tunnelId, { accepted: true }, 0);
    assert.equal(peer.receiveMessages()[0].avps.receiveWindowSize, 64);
  });

  it('an ICRQ storm after a link flap: bounded work for each packet, all answered, in order, within its window', () => {
    const calls = 3000;
    const { node, peer } = tunnelTo({ maxSessions: 10_000, receiveWindow: 64 });
    let answered = 0;
    const replies: number[] = [];
    /** What the peer does with what we send: it acknowledges once a batch, as it has a window of 4. */
    const collect = () => {
      for (let sent = peer.receive(); sent.length > 0; sent = peer.receive()) {
        const messages = sent.filter(({ message }) => message !== undefined);
        assert.ok(messages.length <= 4, `${messages.length} messages in a window of 4`);
        for (const { message, sessionId } of messages) {
          assert.equal(message?.messageType, 'ICRP');
          replies.push(sessionId);
        }
        if (messages.length === 0) return;
        peer.acknowledge(10);
      }
    };
    for (let call = 1; call <= calls; call++) {
      peer.send('ICRQ', { assignedSessionId: call, callSerialNumber: call }, 10);
      if (call % 64 !== 0 && call !== calls) continue;
      for (const { sessionId } of node.all('call-requested').slice(answered)) {
        node.endpoint.answerCall(sessionId, { accepted: true }, 10);
        answered++;
      }
      collect();
    }
    assert.equal(answered, calls);
    assert.deepEqual(
      replies,
      [...Array(calls).keys()].map((index) => index + 1),
    );
  });
});

describe('D-Link DIR-300', () => {
  it('writes tunnel ID 0 into its headers: taken where the peer’s profile says so, call and all', () => {
    const node = new Node('192.0.2.2', 2);
    const peer = new RawPeer(node);
    const header = { tunnelId: 0 };
    const tunnelId = peer.establish(0, { allowTunnelIdZero: true, header });
    const sessionId = peer.establishCall(0, { header });
    peer.send('HELLO', {}, 10, header);
    const [zlb] = peer.receive();
    assert.equal(zlb.tunnelId, peer.tunnelId);
    assert.equal(zlb.nr, peer.ns);
    peer.acknowledge(20, header);
    peer.send('CDN', { resultCode: { resultCode: 1 }, assignedSessionId: 501 }, 30, { ...header, sessionId });
    node.one('call-closed');
    peer.send('StopCCN', { resultCode: { resultCode: 1 }, assignedTunnelId: peer.tunnelId }, 40, header);
    assert.equal(node.one('tunnel-closed').tunnelId, tunnelId);
  });

  it('tunnel ID 0 is not taken where the profile does not say so', () => {
    const node = new Node('192.0.2.2', 2);
    const peer = new RawPeer(node);
    peer.request(0);
    node.endpoint.answerTunnel(node.one('tunnel-requested').tunnelId, { accepted: true }, 0);
    peer.receive();
    peer.send('SCCCN', {}, 0, { tunnelId: 0 });
    assert.equal(node.all('tunnel-established').length, 0);
    assert.equal(node.endpoint.counters['unknown-tunnel'], 1);
  });

  it('tunnel ID 0 is not taken from another address or port', () => {
    const node = new Node('192.0.2.2', 2);
    const peer = new RawPeer(node);
    peer.establish(0, { allowTunnelIdZero: true, header: { tunnelId: 0 } });
    for (const [address, port] of [
      ['203.0.113.66', 1701],
      [peer.path.peerAddress, 1702],
    ] as const) {
      const thief = new RawPeer(node, address, port);
      thief.ns = peer.ns;
      thief.nr = peer.nr;
      thief.send('StopCCN', { resultCode: { resultCode: 1 }, assignedTunnelId: 1 }, 10, { tunnelId: 0 });
    }
    assert.equal(node.all('tunnel-closed').length, 0);
    assert.equal(node.endpoint.counters['unknown-tunnel'], 2);
  });

  it('tunnel ID 0 means nothing any more once the tunnel is forgotten', () => {
    const node = new Node('192.0.2.2', 2);
    const peer = new RawPeer(node);
    const header = { tunnelId: 0 };
    const tunnelId = peer.establish(0, { allowTunnelIdZero: true, header });
    node.endpoint.closeTunnel(tunnelId, { resultCode: 1 }, 0);
    runAlone(node, 60_000);
    peer.send('HELLO', {}, 60_000, header);
    assert.deepEqual(node.transmit(), []);
    assert.equal(node.endpoint.counters['unknown-tunnel'], 1);
  });

  it('its port changes and it writes our tunnel ID once: from there on 0 is taken from the new port', () => {
    const node = new Node('192.0.2.2', 2);
    const peer = new RawPeer(node);
    peer.establish(0, { allowTunnelIdZero: true, header: { tunnelId: 0 } });
    peer.path = { ...peer.path, peerPort: 50_000 };
    peer.send('HELLO', {}, 10);
    peer.send('HELLO', {}, 20, { tunnelId: 0 });
    assert.equal(peer.receive()[0].nr, peer.ns);
  });

  it('repeats its SCCRQ with tunnel ID 0 as every SCCRQ: still the same tunnel', () => {
    const node = new Node('192.0.2.2', 2);
    const peer = new RawPeer(node);
    peer.establish(0, { allowTunnelIdZero: true, header: { tunnelId: 0 } });
    peer.ns = 0;
    peer.nr = 0;
    peer.request(500);
    node.one('tunnel-requested');
    assert.equal(node.endpoint.counters.duplicate, 1);
  });
});

describe('xl2tpd', () => {
  it('SLI and WEN at any time of a call: accepted silently', () => {
    const { node, peer, tunnelId } = tunnelTo();
    const sessionId = peer.establishCall(0);
    const accm = { sendAccm: 0xffffffff, receiveAccm: 0xffffffff };
    const callErrors = {
      crcErrors: 0,
      framingErrors: 0,
      hardwareOverruns: 0,
      bufferOverruns: 0,
      timeoutErrors: 0,
      alignmentErrors: 0,
    };
    peer.send('SLI', { accm }, 10, { sessionId });
    peer.send('WEN', { callErrors }, 20, { sessionId });
    assert.deepEqual(peer.receiveMessages(), []);
    assert.equal(node.all('call-closed').length, 0);
    assert.equal(node.endpoint.tunnel(tunnelId)?.state, 'established');
  });
});

describe('Yamaha', () => {
  /** Runs through every message that we ever send, and collects the packets of both ends. */
  function everyMessage(): Datagram[] {
    const packets: Datagram[] = [];
    const call = establishedCall({ secret: SECRET });
    const { lac, lns, lnsTunnelId, lnsSessionId, lacSessionId } = call;
    for (const node of [lac, lns]) {
      const transmit = node.transmit.bind(node);
      node.transmit = () => {
        const datagrams = transmit();
        packets.push(...datagrams);
        return datagrams;
      };
    }
    lac.endpoint.sendWanErrorNotify(lacSessionId, noErrors(), 0);
    lns.endpoint.sendSetLinkInfo(lnsSessionId, { accm: { sendAccm: 0, receiveAccm: 0 } }, 0);
    exchange(lac, lns, 0);
    lns.endpoint.placeOutgoingCall(lnsTunnelId, OCRQ, 0);
    exchange(lac, lns, 0);
    const { sessionId } = lac.one('outgoing-call-requested');
    lac.endpoint.answerOutgoingCall(sessionId, { accepted: true }, 0);
    exchange(lac, lns, 0);
    lac.endpoint.connectOutgoingCall(sessionId, ICCN, 0);
    exchange(lac, lns, 0);
    const pppDisconnectCause = { disconnectCode: 3, controlProtocol: 0, direction: 0, message: 'end' };
    const q931CauseCode = { causeCode: 16, causeMessage: 0x45, advisoryMessage: '' };
    lns.endpoint.closeCall(lnsSessionId, { resultCode: 3, pppDisconnectCause, q931CauseCode }, 0);
    exchange(lac, lns, 0);
    lac.endpoint.handleTimeout(60_000);
    exchange(lac, lns, 60_000);
    const second = establishing();
    lns.endpoint.closeTunnel(lnsTunnelId, { resultCode: 6 }, 60_000);
    exchange(lac, lns, 60_000);
    return [...packets, ...second];
  }

  /** The messages of establishing tunnel and call, which are over when the call stands. */
  function establishing(): Datagram[] {
    const lac = new Node('192.0.2.1', 1);
    const lns = new Node('192.0.2.2', 2);
    const packets: Datagram[] = [];
    const carry = (from: Node, to: Node) => {
      for (const datagram of from.transmit()) {
        packets.push(datagram);
        to.endpoint.handlePacket(datagram.packet, to.arrival(datagram.path, from.address), 0);
      }
    };
    const tunnelId = lac.endpoint.openTunnel({ version: 2, path: lac.pathTo(lns.address), secret: SECRET }, 0);
    const icrq: AvpValues = { callSerialNumber: 1, bearerType: 1, callingNumber: '1', calledNumber: '2' };
    const sessionId = lac.endpoint.placeCall(tunnelId, icrq, 0);
    carry(lac, lns);
    lns.endpoint.answerTunnel(lns.one('tunnel-requested').tunnelId, { accepted: true, secret: SECRET }, 0);
    carry(lns, lac);
    carry(lac, lns);
    lns.endpoint.answerCall(lns.one('call-requested').sessionId, { accepted: true }, 0);
    carry(lns, lac);
    lac.endpoint.connectCall(sessionId, ICCN, 0);
    carry(lac, lns);
    return packets;
  }

  it('rejects unknown mandatory AVPs: we send none but those of RFC 2661 with M bits as it has them', () => {
    const byType = new Map(
      AVP_TABLE.filter(({ uses, vendorId }) => uses[2] && vendorId === 0).map((definition) => [
        definition.type,
        definition,
      ]),
    );
    const seen = new Set<string>();
    for (const { packet, path } of everyMessage()) {
      const { message } = takeApart({ packet, path });
      if (message === undefined) continue;
      seen.add(message.messageType);
      for (const avp of rawAvps(packet)) {
        assert.equal(avp.vendorId, 0);
        assert.equal(avp.reserved, 0);
        if (!avp.mandatory) continue;
        assert.ok(avp.type <= 39, `mandatory AVP ${avp.type} is not of RFC 2661`);
        assert.equal(byType.get(avp.type)?.uses[2]?.mandatory, true, `AVP ${avp.type} in ${message.messageType}`);
      }
    }
    const all = ['SCCRQ', 'SCCRP', 'SCCCN', 'StopCCN', 'HELLO', 'OCRQ', 'OCRP', 'OCCN', 'ICRQ', 'ICRP', 'ICCN'];
    assert.deepEqual([...seen].sort(), [...all, 'CDN', 'WEN', 'SLI'].sort());
  });
});

describe('any LAC', () => {
  it('a CDN that races a retransmitted ICRQ: one call, begun once and ended once, and not resurrected', () => {
    const { node, peer, tunnelId } = tunnelTo();
    const icrqNs = peer.ns;
    const icrq = emitControlMessage(
      { messageType: 'ICRQ', avps: { assignedSessionId: 501, callSerialNumber: 1 } },
      { dialect: 2 },
    );
    const cdn = stopBody(14, [1, 0], 501);
    // The CDN overtakes the ICRQ; the ICRQ comes; then its retransmission, and that of the CDN.
    peer.sendRaw({ ns: icrqNs + 1 }, cdn, 10);
    peer.sendRaw({ ns: icrqNs }, icrq, 20);
    peer.sendRaw({ ns: icrqNs }, icrq, 1000);
    peer.sendRaw({ ns: icrqNs + 1 }, cdn, 1010);
    const { sessionId } = node.one('call-requested');
    assert.equal(node.one('call-closed').sessionId, sessionId);
    node.endpoint.answerCall(sessionId, { accepted: true }, 1020);
    assert.deepEqual(peer.receiveMessages(), []);
    assert.deepEqual(node.endpoint.sessionsOf(tunnelId), []);
    assert.equal(node.endpoint.tunnel(tunnelId)?.sessionCount, 0);
    assert.equal(node.endpoint.counters.duplicate, 2);
    assert.equal(node.endpoint.tunnel(tunnelId)?.state, 'established');
  });

  it('an ICRP that crosses the CDN of the caller: the call stays closed at both ends', () => {
    const { lac, lns, lacTunnelId } = establishedCall();
    const sessionId = lac.endpoint.placeCall(lacTunnelId, { callSerialNumber: 2 }, 0);
    exchange(lac, lns, 0);
    const { sessionId: atLns } = lns.all('call-requested')[1];
    lns.endpoint.answerCall(atLns, { accepted: true }, 10);
    lac.endpoint.closeCall(sessionId, { resultCode: 1 }, 10);
    exchange(lac, lns, 20);
    assert.equal(lac.one('call-closed').sessionId, sessionId);
    assert.equal(lns.one('call-closed').sessionId, atLns);
    assert.equal(lac.all('call-replied').length, 1);
    assert.equal(lac.endpoint.tunnel(lacTunnelId)?.sessionCount, 1);
  });
});

function noErrors(): NonNullable<AvpValues['callErrors']> {
  return {
    crcErrors: 0,
    framingErrors: 0,
    hardwareOverruns: 0,
    bufferOverruns: 0,
    timeoutErrors: 0,
    alignmentErrors: 0,
  };
}

interface RawAvp {
  mandatory: boolean;
  reserved: number;
  length_bytes: number;
  vendorId: number;
  type: number;
}

/** The AVP headers of a control packet as they stand on the wire, 12 bytes into it (RFC 2661 section 4.1). */
function rawAvps(packet: Uint8Array): RawAvp[] {
  const view = new DataView(packet.buffer, packet.byteOffset, packet.byteLength);
  const avps: RawAvp[] = [];
  for (let offset = 12; offset < packet.length; ) {
    const bits = view.getUint16(offset);
    const length_bytes = bits & 0x3ff;
    const vendorId = view.getUint16(offset + 2);
    const type = view.getUint16(offset + 4);
    avps.push({ mandatory: (bits & MANDATORY) !== 0, reserved: bits & 0x3c00, length_bytes, vendorId, type });
    offset += length_bytes;
  }
  return avps;
}
