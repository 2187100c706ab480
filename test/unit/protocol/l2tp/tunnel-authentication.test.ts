/** Who may have a tunnel, and which of two: tunnel authentication (RFC 2661 section 5.1.1), tie breaker (4.4.3). */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { tunnelChallengeResponse } from '../../../../firmware/crypto/chap.js';
import type { ControlMessage } from '../../../../firmware/wire/avp.js';
import { octets } from '../../../../firmware/wire/bytes.js';
import { establishedTunnel, exchange, Node, RawPeer, rawAnswerer, SECRET, sccrpAvps, takeApart } from './endpoints.js';

const NOTHING_SENT: readonly ControlMessage[] = [];

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
    lac.endpoint.openTunnel({ version: 2, path: lac.pathTo(lns.address), secret: SECRET }, 0);
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
    answerer.send('SCCRP', { ...sccrpAvps(77), challenge: Uint8Array.of(1) }, 0);
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
    node.endpoint.openTunnel({ version: 2, path: node.pathTo('198.51.100.9'), secret: SECRET }, 0);
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
    const tunnelId = lac.endpoint.openTunnel(
      { version: 2, path: lac.pathTo(lns.address), secret: SECRET, hideAvps: true },
      0,
    );
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
    peer.send('SCCRP', sccrpAvps(77), 10);
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
    peer.send('SCCRP', sccrpAvps(77), 0);
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
      a.endpoint.openTunnel({ version: 2, path: a.pathTo(b.address) }, 0);
      b.endpoint.openTunnel({ version: 2, path: b.pathTo(a.address) }, 0);
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
