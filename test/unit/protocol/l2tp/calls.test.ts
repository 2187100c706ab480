/**
 * Incoming and outgoing calls at both ends, messages out of place in both versions: RFC 2661 sections 5.2, 5.6, 6.6 to
 * 6.14, 7.4 and 7.5.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { AvpValues, MessageType } from '../../../../firmware/wire/avp.js';
import {
  CARRIERS,
  type Carrier,
  type Established,
  establishedCall,
  establishedTunnel,
  exchange,
  ICCN,
  Node,
  OCRQ,
  RawPeer,
  runAlone,
  takeApart,
} from './endpoints.js';

/** A tunnel to a raw peer that plays the other end. */
function rawTunnel(
  config: ConstructorParameters<typeof Node>[2] = {},
  carrier?: Carrier,
): {
  node: Node;
  peer: RawPeer;
  tunnelId: number;
} {
  const node = new Node('192.0.2.2', 2, config);
  const peer = new RawPeer(node, undefined, undefined, carrier);
  return { node, peer, tunnelId: peer.establish(0, { sccrq: { bearerCapabilities: 3 } }) };
}

describe('incoming call, RFC 2661 section 5.2.1', () => {
  it('ICRQ, ICRP, ICCN: both ends know the other by its session ID', () => {
    const { lac, lns, lacTunnelId, lacSessionId, lnsTunnelId, lnsSessionId } = establishedCall();
    const { icrp, ...replied } = lac.one('call-replied');
    assert.deepEqual(replied, {
      type: 'call-replied',
      tunnelId: lacTunnelId,
      sessionId: lacSessionId,
      peerSessionId: lnsSessionId,
    });
    assert.deepEqual(icrp.avps, { assignedSessionId: lnsSessionId });
    const atLac = lac.one('call-connected');
    assert.equal(atLac.peerSessionId, lnsSessionId);
    assert.equal(atLac.iccn, undefined);
    const atLns = lns.one('call-connected');
    assert.equal(atLns.tunnelId, lnsTunnelId);
    assert.equal(atLns.sessionId, lnsSessionId);
    assert.equal(atLns.peerSessionId, lacSessionId);
    assert.deepEqual(atLns.iccn?.avps, ICCN);
    assert.deepEqual(lns.endpoint.sessionsOf(lnsTunnelId), [lnsSessionId]);
    assert.equal(lns.endpoint.tunnel(lnsTunnelId)?.sessionCount, 1);
  });

  it('the ICCN by which a call is connected is told of before the call is, at both ends', () => {
    const { lac, lns } = establishedCall();
    for (const node of [lac, lns]) {
      node.all('message');
      const told = node.events.map((event) => (event.type === 'message' ? event.message.messageType : event.type));
      assert.ok(told.includes('ICCN'));
      assert.ok(told.indexOf('ICCN') < told.indexOf('call-connected'), told.join(', '));
    }
  });

  it('ICRQ goes with session ID 0 in the header, ICRP and ICCN with that of the peer (section 5.3)', () => {
    const { lac, lns, lacTunnelId } = establishedTunnel();
    const headers: [string | undefined, number][] = [];
    const carry = (from: Node, to: Node) => {
      for (const datagram of from.transmit()) {
        const { message, sessionId } = takeApart(datagram);
        if (message !== undefined) headers.push([message.messageType, sessionId]);
        to.endpoint.handlePacket(datagram.packet, to.arrival(datagram.path, from.address), 0);
      }
    };
    const lacSessionId = lac.endpoint.placeCall(lacTunnelId, { callSerialNumber: 1 }, 0);
    carry(lac, lns);
    const lnsSessionId = lns.one('call-requested').sessionId;
    lns.endpoint.answerCall(lnsSessionId, { accepted: true }, 0);
    carry(lns, lac);
    lac.endpoint.connectCall(lacSessionId, ICCN, 0);
    carry(lac, lns);
    assert.deepEqual(headers, [
      ['ICRQ', 0],
      ['ICRP', lacSessionId],
      ['ICCN', lnsSessionId],
    ]);
  });

  it('a call placed while the tunnel is being opened waits for it', () => {
    const lac = new Node('192.0.2.1', 1);
    const lns = new Node('192.0.2.2', 2);
    const tunnelId = lac.endpoint.openTunnel({ version: 2, path: lac.pathTo(lns.address) }, 0);
    lac.endpoint.placeCall(tunnelId, { callSerialNumber: 1 }, 0);
    lac.endpoint.placeCall(tunnelId, { callSerialNumber: 2 }, 0);
    exchange(lac, lns, 0);
    assert.equal(lns.all('call-requested').length, 0);
    lns.endpoint.answerTunnel(lns.one('tunnel-requested').tunnelId, { accepted: true }, 0);
    exchange(lac, lns, 0);
    assert.deepEqual(
      lns.all('call-requested').map(({ icrq }) => icrq.avps.callSerialNumber),
      [1, 2],
    );
  });

  it('the AVPs of ICRQ and ICCN arrive as the role gave them', () => {
    const { lac, lns, lacTunnelId } = establishedTunnel();
    const icrq: AvpValues = { callSerialNumber: 4711, callingNumber: '100', calledNumber: '200', bearerType: 1 };
    const sessionId = lac.endpoint.placeCall(lacTunnelId, icrq, 0);
    exchange(lac, lns, 0);
    const requested = lns.one('call-requested');
    assert.equal(requested.icrq.messageType, 'ICRQ');
    assert.deepEqual(requested.icrq.avps, { ...icrq, assignedSessionId: sessionId });
    lns.endpoint.answerCall(requested.sessionId, { accepted: true }, 0);
    exchange(lac, lns, 0);
    const iccn: AvpValues = { ...ICCN, sequencingRequired: true, proxyAuthenType: 4 };
    lac.endpoint.connectCall(sessionId, iccn, 0);
    exchange(lac, lns, 0);
    assert.deepEqual(lns.one('call-connected').iccn?.avps, iccn);
  });

  it('refused: CDN with the role’s result, and the caller’s own session ID in the header', () => {
    const { lac, lns, lacTunnelId } = establishedTunnel();
    const sessionId = lac.endpoint.placeCall(lacTunnelId, { callSerialNumber: 1 }, 0);
    exchange(lac, lns, 0);
    const requested = lns.one('call-requested');
    const answer = { accepted: false, resultCode: 3, errorMessage: 'not today' } as const;
    lns.endpoint.answerCall(requested.sessionId, answer, 0);
    const [cdn] = lns.transmit();
    assert.equal(takeApart(cdn).sessionId, sessionId);
    lac.endpoint.handlePacket(cdn.packet, lac.arrival(cdn.path, lns.address), 0);
    assert.deepEqual(lac.one('call-closed').cause, {
      by: 'peer',
      resultCode: 3,
      errorCode: 0,
      errorMessage: 'not today',
    });
    assert.equal(lns.one('call-closed').cause.by, 'local');
    assert.deepEqual(lns.endpoint.sessionsOf(requested.tunnelId), []);
  });

  it('above maxSessions: CDN with result 4, and no session', () => {
    const { lac, lns, lacTunnelId } = establishedTunnel({ lns: { maxSessions: 2 } });
    for (let call = 1; call <= 3; call++) lac.endpoint.placeCall(lacTunnelId, { callSerialNumber: call }, 0);
    exchange(lac, lns, 0);
    assert.equal(lns.all('call-requested').length, 2);
    assert.equal(lac.one('call-closed').cause.resultCode, 4);
    assert.equal(lns.endpoint.counters['call-no-resources'], 1);
  });

  it('a session ID is not given again before all that was told of its call has been heard', () => {
    const { node, peer } = rawTunnel();
    for (let call = 0; call < 2000; call++) {
      peer.send('ICRQ', { assignedSessionId: 501, callSerialNumber: call }, 0);
      peer.send('CDN', { assignedSessionId: 501, resultCode: { resultCode: 1 } }, 0);
    }
    const sessionIds = node.all('call-requested').map(({ sessionId }) => sessionId);
    assert.equal(sessionIds.length, 2000);
    assert.equal(new Set(sessionIds).size, 2000);
  });

  it('placed above our own maxSessions: closed at once with result 4', () => {
    const { lac, lacTunnelId } = establishedTunnel({ lac: { maxSessions: 1 } });
    lac.endpoint.placeCall(lacTunnelId, { callSerialNumber: 1 }, 0);
    const sessionId = lac.endpoint.placeCall(lacTunnelId, { callSerialNumber: 2 }, 0);
    const { cause, ...closed } = lac.one('call-closed');
    assert.deepEqual(closed, { type: 'call-closed', tunnelId: lacTunnelId, sessionId });
    assert.equal(cause.resultCode, 4);
  });

  it('session IDs are unique over all tunnels, random, and not 0', () => {
    const node = new Node('192.0.2.2', 2, { maxSessions: 5000 });
    const ids = new Set<number>();
    for (let host = 1; host <= 10; host++) {
      const peer = new RawPeer(node, `198.51.100.${host}`);
      peer.establish(0);
      for (let call = 1; call <= 300; call++) {
        peer.send('ICRQ', { assignedSessionId: call, callSerialNumber: call }, 0);
      }
    }
    for (const { sessionId } of node.all('call-requested')) ids.add(sessionId);
    assert.equal(ids.size, 3000);
    assert.equal(ids.has(0), false);
    assert.ok(Math.max(...ids) - Math.min(...ids) > 30_000);
  });
});

describe('outgoing call, RFC 2661 section 5.2.2', () => {
  function outgoing(): Established & { lacSessionId: number; lnsSessionId: number } {
    const tunnel = establishedTunnel();
    const { lac, lns, lnsTunnelId } = tunnel;
    const lnsSessionId = lns.endpoint.placeOutgoingCall(lnsTunnelId, OCRQ, 0);
    exchange(lac, lns, 0);
    const { sessionId: lacSessionId, ocrq } = lac.one('outgoing-call-requested');
    assert.deepEqual(ocrq.avps, { ...OCRQ, assignedSessionId: lnsSessionId });
    return { ...tunnel, lacSessionId, lnsSessionId };
  }

  it('OCRQ, OCRP, OCCN: established at both ends, at the LNS with the OCCN', () => {
    const { lac, lns, lacSessionId, lnsSessionId } = outgoing();
    lac.endpoint.answerOutgoingCall(lacSessionId, { accepted: true }, 0);
    exchange(lac, lns, 0);
    assert.equal(lns.all('call-connected').length, 0, 'the bearer has not answered yet');
    lac.endpoint.connectOutgoingCall(lacSessionId, ICCN, 0);
    exchange(lac, lns, 0);
    assert.equal(lac.one('call-connected').peerSessionId, lnsSessionId);
    const connected = lns.one('call-connected');
    assert.equal(connected.peerSessionId, lacSessionId);
    assert.equal(connected.iccn?.messageType, 'OCCN');
  });

  it('no dial-out: CDN with result 5', () => {
    const { lac, lns, lacSessionId } = outgoing();
    lac.endpoint.answerOutgoingCall(lacSessionId, { accepted: false, resultCode: 5 }, 0);
    exchange(lac, lns, 0);
    assert.deepEqual(lns.one('call-closed').cause, { by: 'peer', resultCode: 5, errorCode: 0 });
  });

  it('bearer failure in wait-cs-answer: CDN, also while the LNS waits for the OCCN', () => {
    const { lac, lns, lacSessionId } = outgoing();
    lac.endpoint.answerOutgoingCall(lacSessionId, { accepted: true }, 0);
    exchange(lac, lns, 0);
    lac.endpoint.closeCall(lacSessionId, { resultCode: 8 }, 0);
    exchange(lac, lns, 0);
    assert.equal(lns.one('call-closed').cause.resultCode, 8);
    assert.equal(lac.one('call-closed').cause.by, 'local');
  });

  it('closed by the LNS in wait-reply and in wait-connect: CDN', () => {
    for (const answered of [false, true]) {
      const { lac, lns, lacSessionId, lnsSessionId } = outgoing();
      if (answered) {
        lac.endpoint.answerOutgoingCall(lacSessionId, { accepted: true }, 0);
        exchange(lac, lns, 0);
      }
      lns.endpoint.closeCall(lnsSessionId, { resultCode: 3 }, 0);
      exchange(lac, lns, 0);
      assert.deepEqual(lac.one('call-closed').cause, { by: 'peer', resultCode: 3, errorCode: 0 });
    }
  });

  it('a peer that has sent no Bearer Capabilities is not asked (section 6.9)', () => {
    const node = new Node('192.0.2.2', 2);
    const peer = new RawPeer(node);
    const tunnelId = peer.establish(0);
    const sessionId = node.endpoint.placeOutgoingCall(tunnelId, OCRQ, 0);
    const { cause, sessionId: closedId } = node.one('call-closed');
    assert.equal(closedId, sessionId);
    assert.equal(cause.by, 'local');
    assert.equal(cause.resultCode, 5);
    assert.deepEqual(peer.receiveMessages(), []);
  });

  it('not established in time: CDN with result 10 at the LAC', () => {
    const { lac, lns, lacSessionId } = outgoing();
    lac.endpoint.answerOutgoingCall(lacSessionId, { accepted: true }, 0);
    exchange(lac, lns, 0);
    const sent = runAlone(lac, 60_000).map((datagram) => takeApart(datagram).message);
    const cdn = sent.find((message) => message?.messageType === 'CDN');
    assert.equal(cdn?.avps.resultCode?.resultCode, 10);
    assert.equal(lac.one('call-closed').cause.by, 'timeout');
  });
});

describe('the end of a call, RFC 2661 section 5.6', () => {
  it('CDN carries result, our Assigned Session ID, and the PPP disconnect cause; the other end cleans up', () => {
    const { lac, lns, lacSessionId, lnsSessionId } = establishedCall();
    const pppDisconnectCause = { disconnectCode: 3, controlProtocol: 0, direction: 1, message: 'user request' };
    lns.endpoint.closeCall(lnsSessionId, { resultCode: 3, errorMessage: 'bye', pppDisconnectCause }, 0);
    const [datagram] = lns.transmit();
    const { message, sessionId } = takeApart(datagram);
    assert.equal(sessionId, lacSessionId);
    assert.deepEqual(message, {
      messageType: 'CDN',
      avps: {
        resultCode: { resultCode: 3, errorCode: 0, errorMessage: 'bye' },
        assignedSessionId: lnsSessionId,
        pppDisconnectCause,
      },
    });
    lac.endpoint.handlePacket(datagram.packet, lac.arrival(datagram.path, lns.address), 0);
    assert.equal(lac.one('call-closed').cause.errorMessage, 'bye');
    assert.equal(lns.one('call-closed').cause.by, 'local');
    exchange(lac, lns, 0);
    assert.equal([...lac.endpoint.tunnels()].length, 1, 'the tunnel stays');
  });

  it('text longer than an AVP holds is cut', () => {
    const { lns, lnsSessionId } = establishedCall();
    const message = 'long '.repeat(1000);
    const pppDisconnectCause = { disconnectCode: 3, controlProtocol: 0, direction: 1, message };
    lns.endpoint.closeCall(lnsSessionId, { resultCode: 3, errorMessage: message, pppDisconnectCause }, 0);
    const { avps } = takeApart(lns.transmit()[0]).message!;
    assert.equal(avps.resultCode?.errorMessage, message.slice(0, 250));
    assert.equal(avps.pppDisconnectCause?.message, message.slice(0, 250));
  });

  it('wait-tunnel, local close request: nothing is sent', () => {
    const lac = new Node('192.0.2.1', 1);
    const tunnelId = lac.endpoint.openTunnel({ version: 2, path: lac.pathTo('192.0.2.2') }, 0);
    const sessionId = lac.endpoint.placeCall(tunnelId, { callSerialNumber: 1 }, 0);
    lac.transmit();
    lac.endpoint.closeCall(sessionId, { resultCode: 3 }, 0);
    lac.one('call-closed');
    assert.deepEqual(lac.transmit(), []);
  });

  it('wait-reply, local close request: CDN with session ID 0, which the LNS knows by the Assigned Session ID', () => {
    const { lac, lns, lacTunnelId } = establishedTunnel();
    const sessionId = lac.endpoint.placeCall(lacTunnelId, { callSerialNumber: 1 }, 0);
    exchange(lac, lns, 0);
    lac.endpoint.closeCall(sessionId, { resultCode: 1 }, 0);
    const [cdn] = lac.transmit();
    const seen = takeApart(cdn);
    assert.equal(seen.sessionId, 0);
    assert.equal(seen.message?.avps.assignedSessionId, sessionId);
    lns.endpoint.handlePacket(cdn.packet, lns.arrival(cdn.path, lac.address), 0);
    assert.equal(lns.one('call-closed').sessionId, lns.one('call-requested').sessionId);
  });

  it('wait-reply, no ICRP in time: CDN with result 10; wait-connect, no ICCN in time: CDN with result 2, error 6', () => {
    const { lac, lns, lacTunnelId } = establishedTunnel({
      lac: { establishTimeout_ms: 10_000 },
      lns: { establishTimeout_ms: 20_000 },
    });
    lac.endpoint.placeCall(lacTunnelId, { callSerialNumber: 1 }, 0);
    exchange(lac, lns, 0);
    runAlone(lac, 10_000);
    assert.equal(lac.one('call-closed').cause.resultCode, 10);
    lns.endpoint.answerCall(lns.one('call-requested').sessionId, { accepted: true }, 0);
    const messages = runAlone(lns, 20_000).map((datagram) => takeApart(datagram).message);
    const { cause } = lns.one('call-closed');
    assert.equal(cause.by, 'timeout');
    assert.equal(cause.resultCode, 2);
    assert.equal(cause.errorCode, 6);
    assert.ok(
      messages.every((message) => message?.messageType === 'ICRP'),
      'the CDN waits for the window',
    );
  });

  it('an established call outlives the establish timeout', () => {
    const { lns, lnsTunnelId } = establishedCall({ lns: { establishTimeout_ms: 1000 } });
    lns.endpoint.handleTimeout(50_000);
    assert.equal(lns.all('call-closed').length, 0);
    assert.equal(lns.endpoint.sessionsOf(lnsTunnelId).length, 1);
  });
});

describe('commands that a role must not give', () => {
  it('to answer a call twice, or connect one that has not been replied to, is a mistake and throws', () => {
    const { lac, lns, lacTunnelId, lnsSessionId } = establishedCall();
    assert.throws(() => lns.endpoint.answerCall(lnsSessionId, { accepted: true }, 0));
    assert.throws(() => lns.endpoint.connectCall(lnsSessionId, ICCN, 0));
    const sessionId = lac.endpoint.placeCall(lacTunnelId, { callSerialNumber: 2 }, 0);
    assert.throws(() => lac.endpoint.connectCall(sessionId, ICCN, 0));
    assert.throws(() => lac.endpoint.answerTunnel(lacTunnelId, { accepted: true }, 0));
  });
});

for (const carrier of CARRIERS) {
  describe(`version ${carrier.version} over ${carrier.encapsulation}: messages out of place, RFC 2661 sections 7.4 and 7.5`, () => {
    const REQUIRED: Readonly<Partial<Record<MessageType, AvpValues>>> = {
      ICRQ: { assignedSessionId: 501, callSerialNumber: 1 },
      ICRP: { assignedSessionId: 501 },
      ICCN,
      OCRQ: { ...OCRQ, assignedSessionId: 501 },
      OCRP: { assignedSessionId: 501 },
      OCCN: ICCN,
    };

    for (const messageType of ['ICRQ', 'ICRP', 'ICCN', 'OCRQ', 'OCRP', 'OCCN'] as const) {
      it(`LNS, incoming call established, receive ${messageType}: CDN, and the tunnel stays`, () => {
        const { node, peer, tunnelId } = rawTunnel({}, carrier);
        const sessionId = peer.establishCall(0);
        peer.send(messageType, REQUIRED[messageType] ?? {}, 10, { sessionId });
        const [cdn] = peer.receive();
        assert.equal(cdn.message?.messageType, 'CDN');
        assert.equal(cdn.sessionId, 501);
        assert.equal(cdn.message?.avps.resultCode?.resultCode, carrier.version === 2 ? 2 : 16); // RFC 3931 section 5.4.2
        assert.equal(node.one('call-closed').sessionId, sessionId);
        assert.equal(node.endpoint.tunnel(tunnelId)?.state, 'established');
      });
    }

    for (const [messageType, sends] of [
      ['ICRQ', ['CDN']],
      ['ICRP', ['CDN']],
      ['ICCN', []],
      ['CDN', []],
      ['OCRP', ['CDN']],
    ] as const) {
      it(`LNS, ICRQ not answered yet (idle), receive ${messageType}: ${sends[0] ?? 'clean up alone'}`, () => {
        const { node, peer } = rawTunnel({}, carrier);
        peer.send('ICRQ', { assignedSessionId: 501, callSerialNumber: 1 }, 0);
        const { sessionId } = node.one('call-requested');
        peer.receive();
        const cdn: AvpValues = { resultCode: { resultCode: 1 }, assignedSessionId: 501 };
        peer.send(messageType, messageType === 'CDN' ? cdn : (REQUIRED[messageType] ?? {}), 10, { sessionId });
        assert.deepEqual(
          peer.receiveMessages().map((message) => message.messageType),
          sends,
        );
        assert.equal(node.one('call-closed').sessionId, sessionId);
        node.endpoint.answerCall(sessionId, { accepted: true }, 20);
        assert.deepEqual(peer.receiveMessages(), []);
      });
    }

    for (const [messageType, sends] of [
      ['ICRQ', ['CDN']],
      ['ICCN', []],
      ['OCRP', ['CDN']],
    ] as const) {
      it(`LAC, wait-reply, receive ${messageType}: ${sends[0] ?? 'clean up alone'}`, () => {
        const { node, peer, tunnelId } = rawTunnel({}, carrier);
        const sessionId = node.endpoint.placeCall(tunnelId, { callSerialNumber: 1 }, 0);
        peer.receive();
        peer.send(messageType, REQUIRED[messageType] ?? {}, 10, { sessionId });
        assert.deepEqual(
          peer.receiveMessages().map((message) => message.messageType),
          sends,
        );
        assert.equal(node.one('call-closed').sessionId, sessionId);
      });
    }

    it('LAC, a second ICRP before the role has connected the call: CDN', () => {
      const { node, peer, tunnelId } = rawTunnel({}, carrier);
      const sessionId = node.endpoint.placeCall(tunnelId, { callSerialNumber: 1 }, 0);
      peer.receive();
      peer.send('ICRP', { assignedSessionId: 501 }, 10, { sessionId });
      peer.send('ICRP', { assignedSessionId: 502 }, 20, { sessionId });
      node.one('call-replied');
      assert.equal(peer.receiveMessages()[0].messageType, 'CDN');
      node.one('call-closed');
      node.endpoint.connectCall(sessionId, ICCN, 30);
      assert.equal(node.all('call-connected').length, 0);
    });

    it('LAC, an ICRP with the ID of another call: CDN with error 5, and the other call stays', () => {
      const { node, peer, tunnelId } = rawTunnel({}, carrier);
      const [first, second] = [1, 2].map((call) => node.endpoint.placeCall(tunnelId, { callSerialNumber: call }, 0));
      peer.receive();
      peer.acknowledge(0);
      peer.receive();
      peer.send('ICRP', { assignedSessionId: 501 }, 10, { sessionId: first });
      peer.send('ICRP', { assignedSessionId: 501 }, 10, { sessionId: second });
      assert.equal(node.one('call-closed').sessionId, second);
      const [cdn] = peer.receiveMessages();
      assert.equal(cdn.avps.resultCode?.errorCode, 5);
      assert.equal(cdn.avps.assignedSessionId, second);
      peer.acknowledge(20);
      node.endpoint.connectCall(first, ICCN, 20);
      assert.equal(node.one('call-connected').sessionId, first);
    });

    for (const messageType of ['ICRP', 'ICCN', 'OCRP', 'OCCN', 'CDN', 'WEN', 'SLI'] as const) {
      it(`${messageType} for no session that we know: counted, acknowledged, nothing else`, () => {
        const { node, peer, tunnelId } = rawTunnel({}, carrier);
        const others: Readonly<Partial<Record<MessageType, AvpValues>>> = {
          CDN: { resultCode: { resultCode: 1 }, assignedSessionId: 9 },
          WEN: { callErrors: noErrors() },
          SLI: { accm: { sendAccm: 0, receiveAccm: 0 } },
        };
        peer.send(messageType, REQUIRED[messageType] ?? others[messageType] ?? {}, 0, { sessionId: 12_345 });
        assert.deepEqual(peer.receiveMessages(), []);
        assert.equal(node.endpoint.counters['unknown-session'], 1);
        assert.equal(node.endpoint.tunnel(tunnelId)?.state, 'established');
      });
    }

    it('the session of another tunnel is not reached by its ID', () => {
      const { node, peer } = rawTunnel({}, carrier);
      const sessionId = peer.establishCall(0);
      const other = new RawPeer(node, '198.51.100.10', undefined, carrier);
      other.establish(0);
      other.send('CDN', { resultCode: { resultCode: 1 }, assignedSessionId: sessionId }, 0, { sessionId });
      assert.equal(node.all('call-closed').length, 0);
      assert.equal(node.endpoint.counters['unknown-session'], 1);
    });
  });
}

describe('WEN and SLI, RFC 2661 sections 6.13 and 6.14', () => {
  it('reach the role of the session, and are acknowledged without more', () => {
    const { lac, lns, lacSessionId, lnsSessionId } = establishedCall();
    const callErrors = { ...noErrors(), crcErrors: 3 };
    lac.endpoint.sendWanErrorNotify(lacSessionId, callErrors, 0);
    exchange(lac, lns, 0);
    assert.deepEqual(lns.one('wan-error-notify'), { type: 'wan-error-notify', sessionId: lnsSessionId, callErrors });
    const accm = { sendAccm: 0xffffffff, receiveAccm: 0x000a0000 };
    lns.endpoint.sendSetLinkInfo(lnsSessionId, { accm }, 0);
    exchange(lac, lns, 0);
    assert.deepEqual(lac.one('set-link-info'), { type: 'set-link-info', sessionId: lacSessionId, accm });
    assert.equal(lac.all('call-closed').length + lns.all('call-closed').length, 0);
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
