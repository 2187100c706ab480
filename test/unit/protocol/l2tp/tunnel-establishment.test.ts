/** How a tunnel comes about: RFC 2661 sections 5.1, 6.1 to 6.3, 7.2, tunnel authentication (5.1.1), tie breaker (4.4.3). */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { tunnelChallengeResponse } from '../../../../firmware/crypto/chap.js';
import { L2tpEndpoint } from '../../../../firmware/protocol/l2tp/endpoint.js';
import type { AvpValues, ControlMessage } from '../../../../firmware/wire/avp.js';
import { octets, type RandomBytes } from '../../../../firmware/wire/bytes.js';
import { CONFIG, establishedTunnel, exchange, Node, RawPeer, runAlone, SECRET, takeApart } from './endpoints.js';

const NOTHING_SENT: readonly ControlMessage[] = [];

describe('control connection establishment, RFC 2661 section 5.1', () => {
  it('SCCRQ, SCCRP, SCCCN, ZLB with the numbers of appendix B.1', () => {
    const lac = new Node('192.0.2.1', 1);
    const lns = new Node('192.0.2.2', 2);
    const steps: string[] = [];
    const carry = (from: Node, to: Node) => {
      for (const datagram of from.transmit()) {
        const { message, ns, nr } = takeApart(datagram);
        steps.push(`${message?.messageType ?? 'ZLB'} Nr: ${nr}, Ns: ${ns}`);
        to.endpoint.handlePacket(datagram.packet, to.arrival(datagram.path, from.address), 0);
      }
    };
    lac.endpoint.openTunnel({ path: lac.pathTo(lns.address) }, 0);
    carry(lac, lns);
    lns.endpoint.answerTunnel(lns.one('tunnel-requested').tunnelId, { accepted: true }, 0);
    carry(lns, lac);
    carry(lac, lns);
    carry(lns, lac);
    assert.deepEqual(steps, ['SCCRQ Nr: 0, Ns: 0', 'SCCRP Nr: 1, Ns: 0', 'SCCCN Nr: 1, Ns: 1', 'ZLB Nr: 2, Ns: 1']);
  });

  it('both ends know the other by its names and IDs', () => {
    const { lac, lns, lacTunnelId, lnsTunnelId } = establishedTunnel();
    const atLac = lac.one('tunnel-established');
    assert.equal(atLac.tunnelId, lacTunnelId);
    assert.equal(atLac.peerTunnelId, lnsTunnelId);
    assert.equal(atLac.peerHostName, 'lns.example');
    assert.equal(atLac.peerVendorName, 'tunnelwerk');
    assert.equal(atLac.originator, true);
    const atLns = lns.one('tunnel-established');
    assert.equal(atLns.peerTunnelId, lacTunnelId);
    assert.equal(atLns.peerHostName, 'lac.example');
    assert.equal(atLns.originator, false);
    assert.deepEqual([...lns.endpoint.tunnels()], [lns.endpoint.tunnel(lnsTunnelId)]);
    assert.equal(lns.endpoint.tunnel(lnsTunnelId)?.state, 'established');
  });

  it('SCCRQ carries what section 6.1 requires, receive window, tie breaker and names, and no challenge without secret', () => {
    const lac = new Node('192.0.2.1', 1);
    const tunnelId = lac.endpoint.openTunnel({ path: lac.pathTo('192.0.2.2') }, 0);
    const [{ message, tunnelId: headerTunnelId, sessionId }] = lac.transmit().map((datagram) => takeApart(datagram));
    assert.equal(headerTunnelId, 0);
    assert.equal(sessionId, 0);
    const { tieBreaker, ...others } = message?.avps ?? {};
    assert.equal(tieBreaker?.length, 8);
    assert.deepEqual(others, {
      protocolVersion: { version: 1, revision: 0 },
      framingCapabilities: 3,
      bearerCapabilities: 0,
      hostName: 'lns.example',
      vendorName: 'tunnelwerk',
      firmwareRevision: 0x0100,
      assignedTunnelId: tunnelId,
      receiveWindowSize: 16,
    });
  });

  it('SCCRP carries what section 6.2 requires, and neither tie breaker nor, without secret, a challenge', () => {
    const lns = new Node('192.0.2.2', 2);
    const peer = new RawPeer(lns);
    peer.request(0);
    const { tunnelId } = lns.one('tunnel-requested');
    lns.endpoint.answerTunnel(tunnelId, { accepted: true }, 0);
    const [seen] = peer.receive();
    assert.equal(seen.tunnelId, peer.tunnelId);
    assert.deepEqual(seen.message, {
      messageType: 'SCCRP',
      avps: {
        protocolVersion: { version: 1, revision: 0 },
        framingCapabilities: 3,
        bearerCapabilities: 0,
        hostName: 'lns.example',
        vendorName: 'tunnelwerk',
        firmwareRevision: 0x0100,
        assignedTunnelId: tunnelId,
        receiveWindowSize: 16,
      },
    });
  });

  it('the SCCRQ is acknowledged at once when its answer takes time', () => {
    const lns = new Node('192.0.2.2', 2);
    const peer = new RawPeer(lns);
    peer.request(0);
    const [{ message, ns, nr, tunnelId }] = peer.receive();
    assert.equal(message, undefined);
    assert.deepEqual({ ns, nr, tunnelId }, { ns: 0, nr: 1, tunnelId: peer.tunnelId });
  });

  it('the control packets of a tunnel are announced before the first of them and after the last', () => {
    const { lac, lacTunnelId } = establishedTunnel();
    assert.equal(lac.one('tunnel-allocated').tunnelId, lacTunnelId);
    assert.equal(lac.events[0].type, 'tunnel-allocated');
    lac.endpoint.closeTunnel(lacTunnelId, { resultCode: 1 }, 0);
    assert.equal(lac.all('tunnel-forgotten').length, 0);
    runAlone(lac, 60_000);
    assert.equal(lac.one('tunnel-forgotten').tunnelId, lacTunnelId);
    assert.equal(lac.endpoint.tunnel(lacTunnelId), undefined);
  });

  it('messages are told as they are sent and received, in their order', () => {
    const { lac, lns, lnsTunnelId } = establishedTunnel();
    const told = (node: Node) =>
      node.all('message').map(({ direction, message }) => `${direction} ${message.messageType}`);
    assert.deepEqual(told(lac), ['sent SCCRQ', 'received SCCRP', 'sent SCCCN']);
    assert.deepEqual(told(lns), ['received SCCRQ', 'sent SCCRP', 'received SCCCN']);
    assert.ok(lns.all('message').every(({ tunnelId }) => tunnelId === lnsTunnelId));
  });

  it('SCCRQ refused by the role: StopCCN with its result, and no SCCRP', () => {
    const lns = new Node('192.0.2.2', 2);
    const peer = new RawPeer(lns);
    peer.request(0);
    const { tunnelId } = lns.one('tunnel-requested');
    lns.endpoint.answerTunnel(tunnelId, { accepted: false, resultCode: 4, errorMessage: 'unknown peer' }, 0);
    assert.deepEqual(peer.receiveMessages(), [
      {
        messageType: 'StopCCN',
        avps: { resultCode: { resultCode: 4, errorCode: 0, errorMessage: 'unknown peer' }, assignedTunnelId: tunnelId },
      },
    ]);
    assert.equal(lns.one('tunnel-closed').cause.by, 'local');
    assert.deepEqual([...lns.endpoint.tunnels()], []);
  });

  it('wait-ctl-reply, receive StopCCN: the tunnel is closed by the peer with the code received', () => {
    const lac = new Node('192.0.2.1', 1);
    const lns = new Node('192.0.2.2', 2);
    lac.endpoint.openTunnel({ path: lac.pathTo(lns.address) }, 0);
    exchange(lac, lns, 0);
    lns.endpoint.answerTunnel(lns.one('tunnel-requested').tunnelId, { accepted: false, resultCode: 6 }, 0);
    exchange(lac, lns, 0);
    assert.deepEqual(lac.one('tunnel-closed').cause, { by: 'peer', resultCode: 6, errorCode: 0 });
  });

  for (const [messageType, given] of [
    ['SCCRP', 'wait-ctl-conn'],
    ['SCCRQ', 'wait-ctl-conn'],
    ['SCCRP', 'established'],
    ['SCCRQ', 'established'],
    ['SCCCN', 'established'],
  ] as const) {
    it(`${given}, receive ${messageType}: StopCCN with result 7, finite state machine error`, () => {
      const lns = new Node('192.0.2.2', 2);
      const peer = new RawPeer(lns);
      if (given === 'established') {
        peer.establish(0);
      } else {
        peer.request(0);
        lns.endpoint.answerTunnel(lns.one('tunnel-requested').tunnelId, { accepted: true }, 0);
        peer.receive();
      }
      const introduction: AvpValues = {
        protocolVersion: { version: 1, revision: 0 },
        hostName: 'raw.example',
        framingCapabilities: 3,
        assignedTunnelId: peer.tunnelId,
      };
      peer.send(messageType, messageType === 'SCCCN' ? {} : introduction, 10);
      const [stop] = peer.receiveMessages();
      assert.equal(stop.messageType, 'StopCCN');
      assert.equal(stop.avps.resultCode?.resultCode, 7);
      assert.equal(lns.one('tunnel-closed').cause.resultCode, 7);
    });
  }

  it('a call message before the tunnel is established: StopCCN with result 7', () => {
    const lns = new Node('192.0.2.2', 2);
    const peer = new RawPeer(lns);
    peer.request(0);
    lns.endpoint.answerTunnel(lns.one('tunnel-requested').tunnelId, { accepted: true }, 0);
    peer.receive();
    peer.send('ICRQ', { assignedSessionId: 5, callSerialNumber: 1 }, 0);
    assert.equal(peer.receiveMessages()[0].avps.resultCode?.resultCode, 7);
    assert.equal(lns.all('call-requested').length, 0);
  });

  it('an SCCRQ of protocol version 2: StopCCN with result 5 and the highest version supported, and no tunnel', () => {
    const lns = new Node('192.0.2.2', 2);
    const peer = new RawPeer(lns);
    peer.request(0, { protocolVersion: { version: 2, revision: 0 } });
    const [{ message, tunnelId, ns, nr }] = peer.receive();
    assert.deepEqual({ tunnelId, ns, nr }, { tunnelId: peer.tunnelId, ns: 0, nr: 1 });
    assert.equal(message?.messageType, 'StopCCN');
    assert.equal(message?.avps.resultCode?.resultCode, 5);
    assert.equal(message?.avps.resultCode?.errorCode, 0x0100);
    assert.equal(lns.all('tunnel-allocated').length, 0);
    assert.equal(lns.endpoint.counters['sccrq-unsupported-version'], 1);
  });

  it('an SCCRP of protocol version 2: StopCCN with result 5', () => {
    const { node, peer, sccrq } = rawAnswerer();
    peer.send('SCCRP', { ...answer(77), protocolVersion: { version: 2, revision: 0 } }, 0);
    const [stop] = peer.receiveMessages();
    assert.equal(stop.avps.resultCode?.resultCode, 5);
    assert.equal(stop.avps.assignedTunnelId, sccrq.avps.assignedTunnelId);
    assert.equal(node.one('tunnel-closed').cause.resultCode, 5);
  });

  it('a Receive Window Size of 0 is invalid: StopCCN with result 2, error 3', () => {
    const lns = new Node('192.0.2.2', 2);
    const peer = new RawPeer(lns);
    peer.request(0, { receiveWindowSize: 0 });
    const [stop] = peer.receiveMessages();
    assert.equal(stop.avps.resultCode?.resultCode, 2);
    assert.equal(stop.avps.resultCode?.errorCode, 3);
    assert.equal(lns.all('tunnel-allocated').length, 0);
  });
});

describe('tunnel authentication, RFC 2661 section 5.1.1', () => {
  it('with the same secret at both ends both challenge and the tunnel stands', () => {
    const { lac, lns } = establishedTunnel({ secret: SECRET });
    const avpsOf = (node: Node, messageType: string) =>
      node.all('message').find(({ message }) => message.messageType === messageType)?.message.avps ?? {};
    const sccrq = avpsOf(lns, 'SCCRQ');
    const sccrp = avpsOf(lac, 'SCCRP');
    const scccn = avpsOf(lns, 'SCCCN');
    assert.equal(sccrq.challenge?.length, 16);
    assert.deepEqual(sccrp.challengeResponse, tunnelChallengeResponse(2, SECRET, sccrq.challenge!));
    assert.equal(sccrp.challenge?.length, 16);
    assert.notDeepEqual(sccrp.challenge, sccrq.challenge);
    assert.deepEqual(scccn.challengeResponse, tunnelChallengeResponse(3, SECRET, sccrp.challenge!));
  });

  it('SCCRP with the response of another secret: StopCCN with result 4, not authorized', () => {
    const lac = new Node('192.0.2.1', 1);
    const lns = new Node('192.0.2.2', 2);
    lac.endpoint.openTunnel({ path: lac.pathTo(lns.address), secret: SECRET }, 0);
    exchange(lac, lns, 0);
    const { tunnelId } = lns.one('tunnel-requested');
    lns.endpoint.answerTunnel(tunnelId, { accepted: true, secret: octets('another') }, 0);
    exchange(lac, lns, 0);
    assert.equal(lac.one('tunnel-closed').cause.resultCode, 4);
    assert.deepEqual(
      { ...lns.one('tunnel-closed').cause, errorMessage: '' },
      {
        by: 'peer',
        resultCode: 4,
        errorCode: 0,
        errorMessage: '',
      },
    );
    assert.equal(lac.all('tunnel-established').length + lns.all('tunnel-established').length, 0);
  });

  it('SCCCN with a wrong response: StopCCN with result 4', () => {
    const lns = new Node('192.0.2.2', 2);
    const peer = new RawPeer(lns);
    peer.request(0);
    lns.endpoint.answerTunnel(lns.one('tunnel-requested').tunnelId, { accepted: true, secret: SECRET }, 0);
    const [{ message }] = peer.receive();
    assert.equal(message?.avps.challenge?.length, 16);
    peer.send('SCCCN', { challengeResponse: new Uint8Array(16) }, 0);
    assert.equal(peer.receiveMessages()[0].avps.resultCode?.resultCode, 4);
  });

  it('SCCCN without a response to our challenge: StopCCN with result 4', () => {
    const lns = new Node('192.0.2.2', 2);
    const peer = new RawPeer(lns);
    peer.request(0);
    lns.endpoint.answerTunnel(lns.one('tunnel-requested').tunnelId, { accepted: true, secret: SECRET }, 0);
    peer.receive();
    peer.send('SCCCN', {}, 0);
    assert.equal(peer.receiveMessages()[0].avps.resultCode?.resultCode, 4);
  });

  it('SCCCN with the response that belongs into an SCCRP: StopCCN with result 4', () => {
    const lns = new Node('192.0.2.2', 2);
    const peer = new RawPeer(lns);
    peer.request(0);
    lns.endpoint.answerTunnel(lns.one('tunnel-requested').tunnelId, { accepted: true, secret: SECRET }, 0);
    const [{ message }] = peer.receive();
    peer.send('SCCCN', { challengeResponse: tunnelChallengeResponse(2, SECRET, message!.avps.challenge!) }, 0);
    assert.equal(peer.receiveMessages()[0].avps.resultCode?.resultCode, 4);
  });

  it('a challenge of the peer and no secret for it: StopCCN with result 4', () => {
    const lns = new Node('192.0.2.2', 2);
    const peer = new RawPeer(lns);
    peer.request(0, { challenge: Uint8Array.of(1, 2, 3) });
    lns.endpoint.answerTunnel(lns.one('tunnel-requested').tunnelId, { accepted: true }, 0);
    assert.equal(peer.receiveMessages()[0].avps.resultCode?.resultCode, 4);
    const { node, peer: answerer } = rawAnswerer();
    answerer.send('SCCRP', { ...answer(77), challenge: Uint8Array.of(1) }, 0);
    assert.equal(node.one('tunnel-closed').cause.resultCode, 4);
  });

  it('a peer that does not challenge gets no response but must answer ours', () => {
    const lns = new Node('192.0.2.2', 2);
    const peer = new RawPeer(lns);
    peer.request(0);
    lns.endpoint.answerTunnel(lns.one('tunnel-requested').tunnelId, { accepted: true, secret: SECRET }, 0);
    const [{ message }] = peer.receive();
    assert.equal(message?.avps.challengeResponse, undefined);
    peer.send('SCCCN', { challengeResponse: tunnelChallengeResponse(3, SECRET, message!.avps.challenge!) }, 0);
    lns.one('tunnel-established');
  });

  it('our own open challenge sent back to us is not answered: StopCCN with result 4', () => {
    const node = new Node('192.0.2.1', 1);
    node.endpoint.openTunnel({ path: node.pathTo('198.51.100.9'), secret: SECRET }, 0);
    const [{ message }] = node.transmit().map((datagram) => takeApart(datagram));
    const peer = new RawPeer(node, '198.51.100.9', 40_000);
    peer.request(0, { challenge: message?.avps.challenge });
    node.endpoint.answerTunnel(node.one('tunnel-requested').tunnelId, { accepted: true, secret: SECRET }, 0);
    const [stop] = peer.receiveMessages();
    assert.equal(stop.messageType, 'StopCCN');
    assert.equal(stop.avps.resultCode?.resultCode, 4);
  });

  it('hideAvps: what may be hidden is, from SCCCN on, and the peer opens it', () => {
    const lac = new Node('192.0.2.1', 1);
    const lns = new Node('192.0.2.2', 2);
    const tunnelId = lac.endpoint.openTunnel({ path: lac.pathTo(lns.address), secret: SECRET, hideAvps: true }, 0);
    exchange(lac, lns, 0);
    lns.endpoint.answerTunnel(lns.one('tunnel-requested').tunnelId, { accepted: true, secret: SECRET }, 0);
    exchange(lac, lns, 0);
    lac.endpoint.placeCall(tunnelId, { callSerialNumber: 9, callingNumber: 'a secret number' }, 0);
    const [icrq] = lac.transmit();
    assert.equal(Buffer.from(icrq.packet).includes('a secret number'), false);
    lns.endpoint.handlePacket(icrq.packet, lns.arrival(icrq.path, lac.address), 0);
    assert.equal(lns.one('call-requested').icrq.avps.callingNumber, 'a secret number');
  });
});

/** A node whose SCCRQ has gone to a raw peer that is to answer it. */
function rawAnswerer(secret?: Uint8Array): { node: Node; peer: RawPeer; sccrq: ControlMessage } {
  const node = new Node('192.0.2.1', 1);
  const peer = new RawPeer(node);
  node.endpoint.openTunnel({ path: node.pathTo(peer.path.peerAddress), secret }, 0);
  const [{ message }] = peer.receive();
  return { node, peer, sccrq: message! };
}

function answer(assignedTunnelId: number): AvpValues {
  return { protocolVersion: { version: 1, revision: 0 }, hostName: 'raw', framingCapabilities: 3, assignedTunnelId };
}

describe('tie breaker, RFC 2661 section 4.4.3', () => {
  const LOW = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 1);
  const HIGH = Uint8Array.of(255, 255, 255, 255, 255, 255, 255, 255);

  it('wait-ctl-reply, receive SCCRQ, lose tie-breaker: ours is silently discarded, theirs taken up', () => {
    const { node, peer } = rawAnswerer();
    peer.ns = 0;
    peer.nr = 0;
    peer.request(0, { tieBreaker: LOW });
    assert.deepEqual(
      { ...node.one('tunnel-closed').cause, errorMessage: '' },
      {
        by: 'peer',
        resultCode: 3,
        errorMessage: '',
      },
    );
    node.one('tunnel-forgotten');
    const { tunnelId } = node.one('tunnel-requested');
    node.endpoint.answerTunnel(tunnelId, { accepted: true }, 0);
    assert.deepEqual(
      peer.receiveMessages().map(({ messageType }) => messageType),
      ['SCCRP'],
    );
  });

  it('win tie-breaker: theirs is silently discarded, ours goes on', () => {
    const { node, peer } = rawAnswerer();
    peer.ns = 0;
    peer.nr = 0;
    peer.request(0, { tieBreaker: HIGH });
    assert.equal(node.all('tunnel-requested').length, 0);
    assert.deepEqual(peer.receiveMessages(), NOTHING_SENT);
    assert.equal(node.endpoint.counters['sccrq-tie-breaker'], 1);
    peer.ns = 0;
    peer.nr = 1;
    peer.send('SCCRP', answer(77), 10);
    node.one('tunnel-established');
  });

  it('a tie breaker wins against none', () => {
    const { node, peer } = rawAnswerer();
    peer.ns = 0;
    peer.nr = 0;
    peer.request(0);
    assert.equal(node.all('tunnel-requested').length, 0);
    assert.deepEqual(peer.receiveMessages(), NOTHING_SENT);
  });

  it('equal: both are discarded', () => {
    const { node, peer, sccrq } = rawAnswerer();
    peer.ns = 0;
    peer.nr = 0;
    peer.request(0, { tieBreaker: sccrq.avps.tieBreaker });
    assert.equal(node.all('tunnel-requested').length, 0);
    node.one('tunnel-closed');
    node.one('tunnel-forgotten');
    assert.deepEqual(peer.receiveMessages(), NOTHING_SENT);
  });

  it('an SCCRQ from another port of the same address is no tie: it may be another host', () => {
    const { node, peer } = rawAnswerer();
    peer.ns = 0;
    peer.nr = 0;
    peer.path = { ...peer.path, peerPort: 40_000 };
    peer.request(0, { tieBreaker: LOW });
    node.one('tunnel-requested');
    assert.equal(node.all('tunnel-closed').length, 0);
  });

  it('no tie once our tunnel is established', () => {
    const { node, peer } = rawAnswerer();
    peer.send('SCCRP', answer(77), 0);
    node.one('tunnel-established');
    const second = new RawPeer(node, peer.path.peerAddress);
    second.tunnelId = 78;
    second.request(0, { tieBreaker: LOW });
    node.one('tunnel-requested');
    assert.equal(node.all('tunnel-closed').length, 0);
  });

  it('two endpoints that dial each other at once end with one tunnel, that of the lower tie breaker', () => {
    for (let seed = 1; seed <= 20; seed++) {
      const a = new Node('192.0.2.1', seed);
      const b = new Node('192.0.2.2', seed + 1000);
      a.endpoint.openTunnel({ path: a.pathTo(b.address) }, 0);
      b.endpoint.openTunnel({ path: b.pathTo(a.address) }, 0);
      const answerBoth = () => {
        for (const node of [a, b]) {
          for (const { tunnelId } of node.all('tunnel-requested')) {
            if (node.endpoint.tunnel(tunnelId)?.state !== 'idle') continue;
            node.endpoint.answerTunnel(tunnelId, { accepted: true }, 0);
          }
        }
      };
      exchange(a, b, 0, answerBoth);
      const [atA, ...moreAtA] = [...a.endpoint.tunnels()];
      const [atB, ...moreAtB] = [...b.endpoint.tunnels()];
      assert.deepEqual([moreAtA, moreAtB], [[], []]);
      assert.deepEqual([atA.state, atB.state], ['established', 'established']);
      assert.equal(atA.peerTunnelId, atB.tunnelId);
      assert.notEqual(atA.originator, atB.originator);
    }
  });
});

describe('a repeated SCCRQ', () => {
  it('hits its own tunnel and is acknowledged again', () => {
    const lns = new Node('192.0.2.2', 2);
    const peer = new RawPeer(lns);
    peer.request(0);
    peer.receive();
    peer.ns = 0;
    peer.request(1000);
    const [{ message, nr }] = peer.receive();
    assert.equal(message, undefined);
    assert.equal(nr, 1);
    lns.one('tunnel-requested');
    assert.equal([...lns.endpoint.tunnels()].length, 1);
    assert.equal(lns.endpoint.counters.duplicate, 1);
  });

  it('from another address, port, or with another Assigned Tunnel ID is another tunnel', () => {
    const lns = new Node('192.0.2.2', 2);
    for (const [address, port, tunnelId] of [
      ['198.51.100.1', 1701, 1],
      ['198.51.100.2', 1701, 1],
      ['198.51.100.1', 1702, 1],
      ['198.51.100.1', 1701, 2],
    ] as const) {
      const peer = new RawPeer(lns, address, port);
      peer.tunnelId = tunnelId;
      peer.request(0);
    }
    assert.equal(lns.all('tunnel-requested').length, 4);
  });

  it('of a tunnel that stands asks the peer for life at once, however often it comes', () => {
    const lns = new Node('192.0.2.2', 2);
    const peer = new RawPeer(lns);
    const tunnelId = peer.establish(0);
    const restarted = new RawPeer(lns);
    restarted.request(30_000);
    assert.deepEqual(
      lns.transmit().map((datagram) => takeApart(datagram).message?.messageType),
      ['HELLO'],
    );
    for (let now_ms = 30_000; now_ms < 62_000; now_ms += 1000) {
      restarted.ns = 0;
      restarted.request(now_ms);
      lns.endpoint.handleTimeout(now_ms);
    }
    assert.equal(lns.one('tunnel-closed').tunnelId, tunnelId);
    restarted.ns = 0;
    restarted.request(63_000);
    assert.equal(lns.all('tunnel-requested').length, 2);
  });

  it('that differs from the one whose tunnel stands is a new request', () => {
    const lns = new Node('192.0.2.2', 2);
    new RawPeer(lns).establish(0);
    new RawPeer(lns).request(30_000, { tieBreaker: new Uint8Array(8) });
    assert.equal(lns.all('tunnel-requested').length, 2);
    assert.equal(lns.all('tunnel-closed').length, 0);
  });

  it('right after the end of a tunnel that stood is a new request', () => {
    const lns = new Node('192.0.2.2', 2);
    const peer = new RawPeer(lns);
    peer.establish(0);
    peer.send('StopCCN', { resultCode: { resultCode: 1 }, assignedTunnelId: peer.tunnelId }, 10);
    new RawPeer(lns).request(20);
    assert.equal(lns.all('tunnel-requested').length, 2);
  });

  it('of a refused request is acknowledged again, and its StopCCN retransmitted', () => {
    const lns = new Node('192.0.2.2', 2);
    const peer = new RawPeer(lns);
    peer.request(0);
    lns.endpoint.answerTunnel(lns.one('tunnel-requested').tunnelId, { accepted: false, resultCode: 4 }, 0);
    lns.transmit();
    peer.ns = 0;
    peer.request(900);
    lns.endpoint.handleTimeout(1000);
    const messages = lns.transmit().map((datagram) => takeApart(datagram).message?.messageType);
    assert.deepEqual(messages, ['StopCCN']);
    lns.one('tunnel-requested');
  });
});

describe('limits', () => {
  it('nothing is allocated for an SCCRQ whose Ns or Nr is not 0', () => {
    const lns = new Node('192.0.2.2', 2);
    const peer = new RawPeer(lns);
    peer.ns = 1;
    peer.request(0);
    peer.ns = 0;
    peer.nr = 1;
    peer.request(0);
    assert.equal(lns.all('tunnel-allocated').length, 0);
    assert.equal(lns.endpoint.counters['sccrq-invalid-sequence'], 2);
  });

  it('above maxTunnels: StopCCN with result 2, error 4, and no tunnel', () => {
    const lns = new Node('192.0.2.2', 2, { maxTunnels: 2 });
    for (const host of [1, 2]) new RawPeer(lns, `198.51.100.${host}`).establish(0);
    const third = new RawPeer(lns, '198.51.100.3');
    third.request(0);
    const [stop] = third.receiveMessages();
    assert.equal(stop.messageType, 'StopCCN');
    assert.equal(stop.avps.resultCode?.resultCode, 2);
    assert.equal(stop.avps.resultCode?.errorCode, 4);
    assert.equal(lns.all('tunnel-allocated').length, 2);
    assert.equal(lns.endpoint.counters['sccrq-no-resources'], 1);
  });

  it('a closed tunnel makes room at once, while it still acknowledges', () => {
    const lns = new Node('192.0.2.2', 2, { maxTunnels: 1 });
    for (let round = 0; round < 5; round++) {
      const peer = new RawPeer(lns);
      peer.tunnelId = 100 + round;
      const tunnelId = peer.establish(round);
      lns.endpoint.closeTunnel(tunnelId, { resultCode: 1 }, round);
      lns.transmit();
    }
    assert.equal(lns.all('tunnel-established').length, 5);
    assert.ok(lns.all('tunnel-forgotten').length >= 3, 'no more closed tunnels are kept than may be open');
  });

  it('one address may have 64 half-open tunnels; established ones do not count', () => {
    const lns = new Node('192.0.2.2', 2, { maxTunnels: 1000 });
    const request = (tunnelId: number, address: string) => {
      const peer = new RawPeer(lns, address);
      peer.tunnelId = tunnelId;
      peer.request(0);
      return peer;
    };
    const established = new RawPeer(lns, '198.51.100.1');
    established.tunnelId = 9999;
    established.establish(0);
    for (let id = 1; id <= 64; id++) request(id, '198.51.100.1');
    lns.transmit();
    assert.equal(lns.all('tunnel-requested').length, 65);
    const [refused] = request(65, '198.51.100.1').receiveMessages();
    assert.equal(refused.avps.resultCode?.errorCode, 4);
    request(66, '198.51.100.2');
    assert.equal(lns.all('tunnel-requested').length, 66);
  });

  it('refused requests are not half-open', () => {
    const lns = new Node('192.0.2.2', 2, { maxTunnels: 1000 });
    for (let id = 1; id <= 100; id++) {
      const peer = new RawPeer(lns);
      peer.tunnelId = id;
      peer.request(0);
      const { tunnelId } = lns.all('tunnel-requested').at(-1)!;
      lns.endpoint.answerTunnel(tunnelId, { accepted: false, resultCode: 4 }, 0);
      assert.equal(peer.receiveMessages()[0].avps.resultCode?.resultCode, 4);
    }
  });

  it('an SCCRQ never followed by SCCCN is freed: StopCCN after the establish timeout, nothing left a cycle later', () => {
    const lns = new Node('192.0.2.2', 2, { establishTimeout_ms: 20_000 });
    const peer = new RawPeer(lns);
    peer.request(0);
    lns.endpoint.answerTunnel(lns.one('tunnel-requested').tunnelId, { accepted: true }, 0);
    peer.receive();
    peer.acknowledge(0);
    const sent = runAlone(lns, 19_999);
    assert.deepEqual(sent, []);
    const [stop] = runAlone(lns, 20_000);
    const { message } = takeApart(stop);
    assert.equal(message?.messageType, 'StopCCN');
    assert.equal(message?.avps.resultCode?.resultCode, 1);
    assert.equal(lns.one('tunnel-closed').cause.by, 'timeout');
    assert.deepEqual([...lns.endpoint.tunnels()], []);
    runAlone(lns, 60_000);
    lns.one('tunnel-forgotten');
    assert.equal(lns.endpoint.pollTimeout(), undefined);
  });

  it('an SCCRQ that no role answers is freed alike', () => {
    const lns = new Node('192.0.2.2', 2, { establishTimeout_ms: 20_000 });
    new RawPeer(lns).request(0);
    runAlone(lns, 60_000);
    lns.one('tunnel-forgotten');
    lns.endpoint.answerTunnel(lns.one('tunnel-requested').tunnelId, { accepted: true }, 60_000);
    assert.deepEqual(lns.transmit(), []);
  });

  it('openTunnel above maxTunnels: closed at once with result 2, error 4, nothing sent', () => {
    const lac = new Node('192.0.2.1', 1, { maxTunnels: 1 });
    lac.endpoint.openTunnel({ path: lac.pathTo('192.0.2.2') }, 0);
    lac.transmit();
    const tunnelId = lac.endpoint.openTunnel({ path: lac.pathTo('192.0.2.3') }, 0);
    assert.deepEqual(lac.one('tunnel-closed'), {
      type: 'tunnel-closed',
      tunnelId,
      cause: { by: 'local', resultCode: 2, errorCode: 4 },
    });
    assert.deepEqual(lac.transmit(), []);
  });

  it('tunnel IDs are random, not 0, and none is given twice', () => {
    const lns = new Node('192.0.2.2', 2, { maxTunnels: 60_000 });
    const ids = new Set<number>();
    for (let host = 0; host < 2000; host++) {
      const peer = new RawPeer(lns, `10.0.${host >> 8}.${host & 255}`);
      peer.request(0);
    }
    for (const { tunnelId } of lns.all('tunnel-requested')) ids.add(tunnelId);
    assert.equal(ids.size, 2000);
    assert.equal(ids.has(0), false);
    assert.ok(Math.max(...ids) - Math.min(...ids) > 30_000);
  });

  it('ID 0 is never given, whatever the random source says', () => {
    const zeros: RandomBytes = (length_bytes) => new Uint8Array(length_bytes);
    const lac = new L2tpEndpoint(CONFIG, zeros);
    const path = { localAddress: '', localPort: 1701, peerAddress: '192.0.2.2', peerPort: 1701 };
    assert.deepEqual([lac.openTunnel({ path }, 0), lac.openTunnel({ path }, 0)], [1, 2]);
  });
});
