/** Version 3 between two endpoints, and the versions beside each other: RFC 3931 sections 3.3, 4.2, 4.3, 4.7.3 and 5.4. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { TransportPath } from '../../../../firmware/protocol/l2tp/endpoint.js';
import {
  type AvpValues,
  CIRCUIT_STATUS,
  emitControlMessage,
  parseControlMessage,
} from '../../../../firmware/wire/avp.js';
import { octets } from '../../../../firmware/wire/bytes.js';
import { emitControlPacket, parseControlHeader } from '../../../../firmware/wire/control-header.js';
import { type Datagram, type Established, establishedTunnel, exchange, ICCN, Node, SECRET } from './endpoints.js';

const PPP = { callSerialNumber: 1, pseudowireType: 7 };
const ETHERNET: AvpValues = { callSerialNumber: 1, pseudowireType: 5, remoteEndId: octets('office') };

/** The header and message of a packet; undefined for a ZLB. */
function read({ packet }: Pick<Datagram, 'packet'>, secret?: Uint8Array) {
  const header = parseControlHeader(packet);
  const body = packet.subarray(header.payloadOffset, header.payloadEnd);
  return { header, message: body.length === 0 ? null : parseControlMessage(body, { version: header.version, secret }) };
}

function deliver(to: Node, from: Node, { packet, path }: Datagram, now_ms = 0): void {
  to.endpoint.handlePacket(packet, to.arrival(path, from.address), now_ms);
}

/** The LAC's call with these AVPs, up to both ends' call-connected. */
function connect({ lac, lns, lacTunnelId }: Established, icrq: AvpValues, icrp?: AvpValues) {
  const lacSessionId = lac.endpoint.placeCall(lacTunnelId, icrq, 0);
  exchange(lac, lns, 0);
  const requested = lns.all('call-requested').at(-1)!;
  lns.endpoint.answerCall(requested.sessionId, { accepted: true, avps: icrp }, 0);
  exchange(lac, lns, 0);
  lac.endpoint.connectCall(lacSessionId, ICCN, 0);
  exchange(lac, lns, 0);
  assert.equal(lns.all('call-connected').at(-1)?.sessionId, requested.sessionId);
  return { lacSessionId, lnsSessionId: requested.sessionId, requested };
}

/** Two nodes, a request of the LAC's on its way. */
function requested(version: 2 | 3 | 'auto', accepts: ('udp2' | 'udp3' | 'ip')[], secret?: Uint8Array) {
  const lac = new Node('192.0.2.1', 1, { hostName: 'lac.example', routerId: 7 });
  const lns = new Node('192.0.2.2', 2, { accepts });
  const tunnelId = lac.endpoint.openTunnel({ version, path: lac.pathTo(lns.address), secret }, 0);
  exchange(lac, lns, 0);
  return { lac, lns, tunnelId };
}

for (const encapsulation of ['udp', 'ip'] as const) {
  for (const digest of ['md5', 'sha1', undefined] as const) {
    const secret = digest && SECRET;
    describe(`a call of version 3 over ${encapsulation}, digest: ${digest ?? 'none'}`, () => {
      const options = { version: 3, encapsulation, secret, digest } as const;

      it('is set up, told of and ended as one of version 2', () => {
        const tunnel = establishedTunnel(options);
        const { lac, lns } = tunnel;
        const { lacSessionId, lnsSessionId } = connect(tunnel, PPP);
        assert.ok(lacSessionId > 0xffff && lnsSessionId > 0xffff);
        assert.equal(lns.one('call-connected').peerSessionId, lacSessionId);
        assert.equal(lac.one('tunnel-established').version, 3);
        lac.endpoint.closeCall(lacSessionId, { resultCode: 3 }, 0);
        exchange(lac, lns, 0);
        assert.equal(lns.one('call-closed').cause.resultCode, 3);
        lns.endpoint.closeTunnel(tunnel.lnsTunnelId, { resultCode: 6 }, 0);
        exchange(lac, lns, 0);
        assert.deepEqual(lac.one('tunnel-closed').cause.resultCode, 6);
        for (const { endpoint } of [lac, lns]) {
          assert.equal(endpoint.counters['digest-mismatch'] + endpoint.counters['digest-missing'], 0);
        }
      });
    });
  }
}

describe('session messages, RFC 3931 sections 5.4.4, 5.4.5 and 6.6', () => {
  it('ICRQ has Remote Session ID 0, as Cisco IOS needs it, Circuit Status active and new, and the host name as end', () => {
    const { lac, lacTunnelId } = establishedTunnel({ version: 3 });
    const sessionId = lac.endpoint.placeCall(lacTunnelId, PPP, 0);
    const { avps } = read(lac.transmit()[0]).message!;
    assert.equal(avps.localSessionId, sessionId);
    assert.equal(avps.remoteSessionId, 0);
    assert.equal(avps.circuitStatus, CIRCUIT_STATUS.active | CIRCUIT_STATUS.new);
    assert.deepEqual(avps.remoteEndId, octets('lac.example'));
    assert.equal(avps.tieBreaker, undefined);
  });

  it('ICRP carries the cookie and sublayer that the role answers with', () => {
    const tunnel = establishedTunnel({ version: 3 });
    const assignedCookie = Uint8Array.of(1, 2, 3, 4);
    connect(tunnel, ETHERNET, { assignedCookie, l2SpecificSublayer: 1 });
    const { icrp } = tunnel.lac.one('call-replied');
    assert.deepEqual(icrp.avps.assignedCookie, assignedCookie);
    assert.equal(icrp.avps.l2SpecificSublayer, 1);
  });

  it('SLI tells the circuit status both ways, and WEN circuit errors', () => {
    const tunnel = establishedTunnel({ version: 3 });
    const { lac, lns } = tunnel;
    const { lacSessionId, lnsSessionId } = connect(tunnel, ETHERNET);
    lac.endpoint.sendSetLinkInfo(lacSessionId, { circuitStatus: 0 }, 0);
    exchange(lac, lns, 0);
    assert.deepEqual(lns.one('set-link-info'), { type: 'set-link-info', sessionId: lnsSessionId, circuitStatus: 0 });
    lns.endpoint.sendSetLinkInfo(lnsSessionId, { circuitStatus: 1 }, 0);
    exchange(lac, lns, 0);
    assert.equal(lac.one('set-link-info').circuitStatus, 1);
  });

  it('a pseudowire type that was not offered: CDN 14 from the recipient; the caller does not even ask', () => {
    const lns = { pseudowireTypes: [7] };
    const tunnel = establishedTunnel({ version: 3, lns });
    tunnel.lac.endpoint.placeCall(tunnel.lacTunnelId, ETHERNET, 0);
    assert.deepEqual(tunnel.lac.transmit(), []);
    assert.equal(tunnel.lac.one('call-closed').cause.resultCode, 14);

    const offered = establishedTunnel({ version: 3 });
    offered.lns.endpoint.configure({ ...configOf(), pseudowireTypes: [7] });
    offered.lac.endpoint.placeCall(offered.lacTunnelId, ETHERNET, 0);
    exchange(offered.lac, offered.lns, 0);
    assert.deepEqual(offered.lns.all('call-requested'), []);
    assert.equal(offered.lac.one('call-closed').cause.resultCode, 14);
  });

  it('sequencing without sublayer: CDN 15', () => {
    const { lac, lns, lacTunnelId } = establishedTunnel({ version: 3 });
    lac.endpoint.placeCall(lacTunnelId, { ...ETHERNET, dataSequencing: 2 }, 0);
    exchange(lac, lns, 0);
    assert.equal(lac.one('call-closed').cause.resultCode, 15);
  });

  it('an outgoing call needs no Bearer Capabilities: OCRQ, OCRP, OCCN', () => {
    const { lac, lns, lnsTunnelId } = establishedTunnel({ version: 3 });
    const lnsSessionId = lns.endpoint.placeOutgoingCall(lnsTunnelId, ETHERNET, 0);
    exchange(lac, lns, 0);
    const { sessionId } = lac.one('outgoing-call-requested');
    lac.endpoint.answerOutgoingCall(sessionId, { accepted: true }, 0);
    lac.endpoint.connectOutgoingCall(sessionId, {}, 0);
    exchange(lac, lns, 0);
    assert.equal(lns.one('call-connected').sessionId, lnsSessionId);
  });

  it('a CDN before the ICRP is found by the Local Session ID', () => {
    const { lac, lns, lacTunnelId } = establishedTunnel({ version: 3 });
    const sessionId = lac.endpoint.placeCall(lacTunnelId, PPP, 0);
    exchange(lac, lns, 0);
    lac.endpoint.closeCall(sessionId, { resultCode: 3 }, 0);
    exchange(lac, lns, 0);
    assert.equal(lns.one('call-closed').cause.by, 'peer');
  });

  it('reserved session IDs are never handed out', () => {
    const reservedSessionIds = Array.from({ length: 200 }, (_, index) => index + 1);
    const { lac, lacTunnelId } = establishedTunnel({ lac: { reservedSessionIds } });
    for (let call = 0; call < 500; call++) {
      assert.ok(lac.endpoint.placeCall(lacTunnelId, { callSerialNumber: 1 }, 0) > 200);
    }
  });

  it('both ends ask for the same circuit: one session stays, the other end gets CDN 13', () => {
    const { lac, lns, lacTunnelId, lnsTunnelId } = establishedTunnel({ version: 3 });
    lac.endpoint.placeCall(lacTunnelId, ETHERNET, 0);
    lns.endpoint.placeCall(lnsTunnelId, ETHERNET, 0);
    exchange(lac, lns, 0);
    const closed = [...lac.all('call-closed'), ...lns.all('call-closed')];
    assert.deepEqual(
      closed.map(({ cause }) => cause.resultCode),
      [13],
    );
    assert.equal(lac.all('call-requested').length + lns.all('call-requested').length, 1);
  });
});

describe('automatic mode, RFC 3931 section 4.7.3', () => {
  it('SCCRQ has a version 2 header and the AVPs of both', () => {
    const lac = new Node('192.0.2.1', 1);
    const tunnelId = lac.endpoint.openTunnel({ version: 'auto', path: lac.pathTo('192.0.2.2') }, 0);
    const { header, message } = read(lac.transmit()[0]);
    assert.equal(header.version, 2);
    assert.equal(message?.avps.assignedTunnelId, tunnelId);
    assert.equal(message?.avps.assignedControlConnectionId, tunnelId);
    assert.equal(lac.endpoint.tunnel(tunnelId)?.version, 'auto');
  });

  for (const secret of [undefined, SECRET]) {
    for (const [accepts, version] of [
      [['udp2', 'udp3'], 3],
      [['udp2'], 2],
      [['udp3'], 3],
    ] as const) {
      it(`a peer that takes ${accepts.join(' and ')}, ${secret ? 'with' : 'without'} secret: version ${version}`, () => {
        const { lac, lns } = requested('auto', [...accepts], secret);
        const { tunnelId, version: will } = lns.one('tunnel-requested');
        assert.equal(will, version);
        lns.endpoint.answerTunnel(tunnelId, { accepted: true, secret }, 0);
        exchange(lac, lns, 0);
        assert.equal(lac.one('tunnel-established').version, version);
        assert.equal(lns.one('tunnel-established').version, version);
      });
    }
  }

  it('a fixed version that the peer does not accept is refused with StopCCN 5', () => {
    for (const [version, accepts] of [
      [2, 'udp3'],
      [3, 'udp2'],
    ] as const) {
      const { lac } = requested(version, [accepts]);
      assert.equal(lac.one('tunnel-closed').cause.resultCode, 5);
    }
  });
});

describe('mixed versions in one connection', () => {
  for (const version of [2, 3] as const) {
    it(`version ${5 - version} in a tunnel of version ${version} is dropped and counted, its Ns not taken`, () => {
      const { lac, lns, lnsTunnelId } = establishedTunnel({ version });
      const other = version === 2 ? 3 : 2;
      const body = emitControlMessage({ messageType: 'HELLO', avps: {} }, { dialect: other });
      const packet = emitControlPacket({ version: other, controlConnectionId: lnsTunnelId, ns: 2, nr: 1 }, body);
      deliver(lns, lac, { packet, path: lac.pathTo(lns.address) });
      assert.equal(lns.endpoint.counters['version-mismatch'], 1);
      assert.deepEqual(lns.transmit(), []);
    });
  }
});

describe('Control Message Authentication, RFC 3931 section 4.3', () => {
  const protectedTunnel = () => establishedTunnel({ version: 3, secret: SECRET });

  it('a message that was changed on its way is dropped before its Ns counts; its repetition is taken', () => {
    const { lac, lns, lacTunnelId } = protectedTunnel();
    lac.endpoint.placeCall(lacTunnelId, PPP, 0);
    const [datagram] = lac.transmit();
    const changed = datagram.packet.slice();
    changed[changed.length - 1] ^= 1;
    deliver(lns, lac, { ...datagram, packet: changed });
    assert.equal(lns.endpoint.counters['digest-mismatch'], 1);
    assert.deepEqual(lns.all('call-requested'), []);
    deliver(lns, lac, datagram);
    lns.one('call-requested');
  });

  it('a ZLB and a message without digest are dropped', () => {
    const { lac, lns, lnsTunnelId } = protectedTunnel();
    const stop = emitControlMessage(
      { messageType: 'StopCCN', avps: { resultCode: { resultCode: 1 } } },
      { dialect: 3 },
    );
    for (const body of [new Uint8Array(0), stop]) {
      const packet = emitControlPacket({ version: 3, controlConnectionId: lnsTunnelId, ns: 2, nr: 1 }, body);
      deliver(lns, lac, { packet, path: lac.pathTo(lns.address) });
    }
    assert.equal(lns.endpoint.counters['digest-missing'], 2);
    assert.deepEqual(lns.all('tunnel-closed'), []);
  });

  it('a retransmission after Nr has moved has a digest of its own', () => {
    const { lac, lns, lacTunnelId, lnsTunnelId } = protectedTunnel();
    lac.endpoint.placeCall(lacTunnelId, PPP, 0);
    const [lost] = lac.transmit();
    lns.endpoint.placeCall(lnsTunnelId, PPP, 0);
    for (const datagram of lns.transmit()) deliver(lac, lns, datagram);
    lac.transmit();
    lac.endpoint.handleTimeout(1000);
    const again = lac.transmit().find(({ packet }) => read({ packet }).header.ns === read(lost).header.ns)!;
    assert.notDeepEqual(again.packet, lost.packet);
    assert.notEqual(read(again).header.nr, read(lost).header.nr);
    deliver(lns, lac, again, 1000);
    lns.one('call-requested');
  });

  it('messages of an earlier connection, played back, are of other nonces', () => {
    const earlier = protectedTunnel();
    earlier.lac.endpoint.placeCall(earlier.lacTunnelId, PPP, 0);
    const [recorded] = earlier.lac.transmit();
    const { header } = read(recorded);
    const { lac, lns, lnsTunnelId } = establishedTunnel({ version: 3, secret: SECRET, lac: { maxSessions: 9 } });
    const body = recorded.packet.subarray(header.payloadOffset);
    const other = new Node('192.0.2.2', 77);
    const path: TransportPath = other.pathTo(lac.address);
    const dialled = other.endpoint.openTunnel({ version: 3, path, secret: SECRET }, 0);
    const sccrp = emitControlPacket({ version: 3, controlConnectionId: dialled, ns: 0, nr: 1 }, body);
    other.endpoint.handlePacket(sccrp, path, 0);
    assert.equal(other.endpoint.counters['digest-mismatch'], 1);
    assert.ok(lns.endpoint.tunnel(lnsTunnelId));
  });

  it('SCCRQ under another secret: forgotten without an answer', () => {
    const { lac, lns } = requested(3, ['udp3'], octets('another'));
    const { tunnelId } = lns.one('tunnel-requested');
    lns.endpoint.answerTunnel(tunnelId, { accepted: true, secret: SECRET }, 0);
    assert.deepEqual(lns.transmit(), []);
    assert.equal(lns.endpoint.tunnel(tunnelId), undefined);
    assert.equal(lns.endpoint.counters['digest-mismatch'], 1);
    assert.deepEqual(lac.all('tunnel-closed'), []);
  });

  it('a secret at one end alone: StopCCN 4, heard by the other', () => {
    for (const [ours, theirs] of [
      [undefined, SECRET],
      [SECRET, undefined],
    ]) {
      const { lac, lns } = requested(3, ['udp3'], ours);
      const { tunnelId } = lns.one('tunnel-requested');
      lns.endpoint.answerTunnel(tunnelId, { accepted: true, secret: theirs }, 0);
      exchange(lac, lns, 0);
      assert.deepEqual(lac.one('tunnel-closed').cause.resultCode, 4);
    }
  });

  it('a refusal by a peer without a secret that comes again is acknowledged again (section 4.2)', () => {
    const { lac, lns, tunnelId: lacTunnelId } = requested(3, ['udp3'], SECRET);
    const { tunnelId } = lns.one('tunnel-requested');
    lns.endpoint.answerTunnel(tunnelId, { accepted: true }, 0);
    const [refusal] = lns.transmit();
    assert.equal(read(refusal).message?.messageType, 'StopCCN');
    for (const now_ms of [10, 1010]) {
      deliver(lac, lns, refusal, now_ms);
      const [{ packet }] = lac.transmit();
      assert.equal(read({ packet }, SECRET).message?.messageType, 'ACK');
      assert.equal(read({ packet }, SECRET).header.nr, 1);
    }
    assert.equal(lac.one('tunnel-closed').tunnelId, lacTunnelId);
  });

  it('our own SCCRQ sent back to us makes no tunnel with ourselves', () => {
    const node = new Node('192.0.2.1', 1);
    const path = node.pathTo('192.0.2.2');
    node.endpoint.openTunnel({ version: 3, path, secret: SECRET }, 0);
    const [{ packet }] = node.transmit();
    node.endpoint.handlePacket(packet, path, 0);
    for (const { tunnelId } of node.all('tunnel-requested')) {
      node.endpoint.answerTunnel(tunnelId, { accepted: true, secret: SECRET }, 0);
    }
    for (const datagram of node.transmit()) node.endpoint.handlePacket(datagram.packet, path, 0);
    assert.deepEqual(node.all('tunnel-established'), []);
  });
});

describe('acknowledgement, RFC 3931 section 6.15', () => {
  it('is an ACK of ours; a ZLB is taken as well, and neither takes a sequence number', () => {
    const { lac, lns, lacTunnelId, lnsTunnelId } = establishedTunnel({ version: 3 });
    lac.endpoint.handleTimeout(60_000);
    const [hello] = lac.transmit();
    deliver(lns, lac, hello, 60_000);
    const [ack] = lns.transmit();
    assert.equal(read(ack).message?.messageType, 'ACK');
    const { ns, nr, version } = read(ack).header;
    const zlb = emitControlPacket({ version, controlConnectionId: lacTunnelId, ns, nr }, new Uint8Array(0));
    deliver(lac, lns, { ...ack, packet: zlb }, 60_000);
    assert.equal(lac.endpoint.pollTimeout(), 120_000);
    deliver(lac, lns, ack, 60_000);
    assert.ok(lns.endpoint.tunnel(lnsTunnelId));
  });
});

describe('Cisco, old IOS', () => {
  it("who speaks vendor 9's AVPs is answered in them", () => {
    const lns = new Node('192.0.2.2', 2);
    const ios = new Node('198.51.100.9', 3);
    const avps: AvpValues = {
      hostName: 'ios',
      routerId: 9,
      assignedControlConnectionId: 0x01020304,
      pseudowireCapabilitiesList: [5],
    };
    const body = emitControlMessage({ messageType: 'SCCRQ', avps }, { dialect: 3, draftAvps: true });
    const packet = emitControlPacket({ version: 3, controlConnectionId: 0, ns: 0, nr: 0 }, body);
    deliver(lns, ios, { packet, path: ios.pathTo(lns.address) });
    const { tunnelId } = lns.one('tunnel-requested');
    lns.endpoint.answerTunnel(tunnelId, { accepted: true }, 0);
    const { header, message } = read(lns.transmit()[0]);
    assert.equal(header.controlConnectionId, 0x01020304);
    assert.equal(message?.messageType, 'SCCRP');
    assert.equal(message?.draftAvps, true);
    assert.deepEqual(lns.endpoint.tunnel(tunnelId)?.peerPseudowireTypes, [5]);
  });
});

describe('hostile packets', () => {
  it('whatever octets of a call are changed, nothing is thrown and at most that tunnel ends', () => {
    const changes = fc.array(fc.tuple(fc.nat(200), fc.nat(255)), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(changes, fc.boolean(), (octetChanges, withSecret) => {
        const secret = withSecret ? SECRET : undefined;
        const { lac, lns, lacTunnelId } = establishedTunnel({ version: 3, secret });
        lac.endpoint.placeCall(lacTunnelId, ETHERNET, 0);
        for (const datagram of lac.transmit()) {
          const packet = datagram.packet.slice();
          for (const [offset, octet] of octetChanges) packet[offset % packet.length] ^= octet;
          deliver(lns, lac, { ...datagram, packet });
        }
        if (withSecret) assert.deepEqual(lns.all('tunnel-closed'), []);
        assert.ok([...lns.endpoint.tunnels()].length <= 1);
      }),
    );
  });

  it('a message of a session that is not known is counted, and changes nothing', () => {
    const tunnel = establishedTunnel({ version: 3 });
    const { lac, lns, lnsTunnelId } = tunnel;
    connect(tunnel, PPP);
    const ids: AvpValues = { localSessionId: 70_000, remoteSessionId: 70_001 };
    const avps = { ...ids, resultCode: { resultCode: 3 } };
    const body = emitControlMessage({ messageType: 'CDN', avps }, { dialect: 3 });
    const packet = emitControlPacket({ version: 3, controlConnectionId: lnsTunnelId, ns: 4, nr: 2 }, body);
    deliver(lns, lac, { packet, path: lac.pathTo(lns.address) });
    assert.equal(lns.endpoint.counters['unknown-session'], 1);
    assert.deepEqual(lns.all('call-closed'), []);
  });
});

describe('a tie of control connections over IP, RFC 3931 section 5.4.3', () => {
  it('one tunnel stays; the loser is told', () => {
    const a = new Node('192.0.2.1', 1, { routerId: 1 });
    const b = new Node('192.0.2.2', 2, { routerId: 2 });
    a.encapsulation = 'ip';
    b.encapsulation = 'ip';
    a.endpoint.openTunnel({ version: 3, path: a.pathTo(b.address) }, 0);
    b.endpoint.openTunnel({ version: 3, path: b.pathTo(a.address) }, 0);
    exchange(a, b, 0);
    const requests = [a, b].filter((node) => node.all('tunnel-requested').length === 1);
    assert.equal(requests.length, 1);
    const [answerer] = requests;
    const { tunnelId } = answerer.one('tunnel-requested');
    assert.equal(answerer.one('tunnel-closed').cause.resultCode, 3);
    answerer.endpoint.answerTunnel(tunnelId, { accepted: true }, 0);
    exchange(a, b, 0);
    a.one('tunnel-established');
    b.one('tunnel-established');
  });
});

function configOf() {
  return {
    ...{ hostName: 'lns.example', vendorName: 'tunnelwerk', firmwareRevision: 1, receiveWindow: 16 },
    ...{ helloInterval_ms: 60_000, retransmitInitial_ms: 1000, retransmitCap_ms: 8000, maxRetransmits: 5 },
    ...{ establishTimeout_ms: 60_000, maxTunnels: 100, maxSessions: 1000 },
    ...{ routerId: 1, pseudowireTypes: [4, 5, 7], accepts: ['udp3'] as const, reservedSessionIds: [] },
  };
}
