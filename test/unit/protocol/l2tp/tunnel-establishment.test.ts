/** How a tunnel comes about: RFC 2661 sections 5.1, 6.1 to 6.3 and 7.2. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { AvpValues } from '../../../../firmware/wire/avp.js';
import {
  establishedTunnel,
  exchange,
  Node,
  RawPeer,
  rawAnswerer,
  runAlone,
  sccrpAvps,
  takeApart,
} from './endpoints.js';

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
    lac.endpoint.openTunnel({ version: 2, path: lac.pathTo(lns.address) }, 0);
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
    const tunnelId = lac.endpoint.openTunnel({ version: 2, path: lac.pathTo('192.0.2.2') }, 0);
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
    lac.endpoint.openTunnel({ version: 2, path: lac.pathTo(lns.address) }, 0);
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
    peer.send('SCCRP', { ...sccrpAvps(77), protocolVersion: { version: 2, revision: 0 } }, 0);
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
