/** Sessions of version 3 with a peer that writes its own messages: RFC 3931 sections 5.4.2, 5.4.4, 6.12 to 6.14. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { AvpValues } from '../../../../firmware/wire/avp.js';
import { Node } from './endpoints.js';
import { callRequest, PEER_SESSION_ID, Version3Peer } from './version3-peer.js';

const TIE_BREAKER = { low: Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 1), high: new Uint8Array(8).fill(0xff) };
const END = callRequest().remoteEndId;

for (const encapsulation of ['udp', 'ip'] as const) {
  const tunnel = () => {
    const node = new Node('192.0.2.2', 2);
    const peer = new Version3Peer(node, encapsulation);
    return { node, peer, tunnelId: peer.establish() };
  };
  /** Our own request with these AVPs, sent; `kind` is that of the request. */
  const asked = (kind: 'ICRQ' | 'OCRQ', avps: AvpValues) => {
    const opened = tunnel();
    const { node, peer, tunnelId } = opened;
    const request = { callSerialNumber: 9, pseudowireType: 5, ...avps };
    const sessionId =
      kind === 'ICRQ'
        ? node.endpoint.placeCall(tunnelId, request, 0)
        : node.endpoint.placeOutgoingCall(tunnelId, request, 0);
    assert.equal(peer.receiveOne().messageType, kind);
    return { ...opened, sessionId };
  };

  it(`over ${encapsulation}: our Session IDs are above those of version 2 and below those of what PPPoE carries`, () => {
    const { node, tunnelId } = tunnel();
    for (let call = 0; call < 200; call++) {
      const sessionId = node.endpoint.placeCall(tunnelId, { callSerialNumber: call, pseudowireType: 5 }, 0);
      assert.ok(sessionId > 0xffff && sessionId < 0xf000_0000, `${sessionId}`);
    }
  });

  describe(`over ${encapsulation}: reverse lookup by the Local Session ID, RFC 3931 section 5.4.4`, () => {
    const unnamed = { localSessionId: PEER_SESSION_ID, remoteSessionId: 0 };

    it('SLI with Remote Session ID 0', () => {
      const { node, peer } = tunnel();
      const sessionId = peer.establishCall();
      peer.send('SLI', { ...unnamed, circuitStatus: 0 });
      assert.deepEqual(node.one('set-link-info'), { type: 'set-link-info', sessionId, circuitStatus: 0 });
    });

    it('WEN with Remote Session ID 0', () => {
      const { node, peer } = tunnel();
      const sessionId = peer.establishCall();
      const callErrors = {
        ...{ crcErrors: 1, framingErrors: 2, hardwareOverruns: 3 },
        ...{ bufferOverruns: 4, timeoutErrors: 5, alignmentErrors: 6 },
      };
      peer.send('WEN', { ...unnamed, callErrors });
      assert.deepEqual(node.one('wan-error-notify'), { type: 'wan-error-notify', sessionId, callErrors });
    });

    it('CDN with Remote Session ID 0, before the ICRP has come', () => {
      const { node, peer } = tunnel();
      peer.send('ICRQ', callRequest());
      const { sessionId } = node.one('call-requested');
      peer.send('CDN', { ...unnamed, resultCode: { resultCode: 3 } });
      assert.equal(node.one('call-closed').sessionId, sessionId);
    });

    it('another Local Session ID is of no session: counted, nothing ends', () => {
      const { node, peer, tunnelId } = tunnel();
      const sessionId = peer.establishCall();
      const unknown = { localSessionId: PEER_SESSION_ID + 1, remoteSessionId: 0 };
      peer.send('SLI', { ...unknown, circuitStatus: 0 });
      peer.send('CDN', { ...unknown, resultCode: { resultCode: 3 } });
      assert.equal(node.endpoint.counters['unknown-session'], 2);
      assert.deepEqual(node.all('set-link-info'), []);
      assert.deepEqual(node.endpoint.sessionsOf(tunnelId), [sessionId]);
    });
  });

  describe(`over ${encapsulation}: sequencing without L2-Specific Sublayer is CDN 15, RFC 3931 section 5.4.4`, () => {
    const disconnectedBy15 = (node: Node, peer: Version3Peer) => {
      const cdn = peer.receiveOne();
      assert.equal(cdn.messageType, 'CDN');
      assert.equal(cdn.avps.resultCode?.resultCode, 15);
      assert.equal(cdn.avps.remoteSessionId, PEER_SESSION_ID);
      assert.deepEqual(node.all('call-connected'), []);
    };

    for (const dataSequencing of [1, 2]) {
      it(`ICRQ with Data Sequencing ${dataSequencing}`, () => {
        const { node, peer } = tunnel();
        peer.send('ICRQ', { ...callRequest(), dataSequencing });
        disconnectedBy15(node, peer);
        assert.deepEqual(node.all('call-requested'), []);
      });
    }

    it('OCRQ', () => {
      const { node, peer } = tunnel();
      peer.send('OCRQ', { ...callRequest(), dataSequencing: 2 });
      disconnectedBy15(node, peer);
    });

    for (const [request, reply] of [
      ['ICRQ', 'ICRP'],
      ['OCRQ', 'OCRP'],
    ] as const) {
      it(reply, () => {
        const { node, peer, sessionId } = asked(request, { remoteEndId: END });
        const ids = { localSessionId: PEER_SESSION_ID, remoteSessionId: sessionId };
        peer.send(reply, { ...ids, circuitStatus: 3, dataSequencing: 2 });
        disconnectedBy15(node, peer);
        assert.deepEqual(node.all('call-replied'), []);
        assert.equal(node.one('call-closed').cause.by, 'local');
      });
    }

    it('ICCN that asks for sequencing which the ICRQ did not', () => {
      const { node, peer } = tunnel();
      const remoteSessionId = peer.requestCall();
      peer.send('ICCN', { localSessionId: PEER_SESSION_ID, remoteSessionId, dataSequencing: 2 });
      disconnectedBy15(node, peer);
    });

    it('ICCN that takes the sublayer of a sequenced session away', () => {
      const { node, peer } = tunnel();
      const remoteSessionId = peer.requestCall({ l2SpecificSublayer: 1, dataSequencing: 2 });
      peer.send('ICCN', { localSessionId: PEER_SESSION_ID, remoteSessionId, l2SpecificSublayer: 0 });
      disconnectedBy15(node, peer);
    });

    it('ICCN that asks for sequencing in the sublayer of the ICRQ is taken', () => {
      const { node, peer } = tunnel();
      const remoteSessionId = peer.requestCall({ l2SpecificSublayer: 1 });
      peer.send('ICCN', { localSessionId: PEER_SESSION_ID, remoteSessionId, dataSequencing: 2 });
      assert.equal(node.one('call-connected').sessionId, remoteSessionId);
    });

    it('OCCN that asks for sequencing which the OCRP did not; in the sublayer of the OCRP it is taken', () => {
      for (const l2SpecificSublayer of [undefined, 1]) {
        const { node, peer, sessionId } = asked('OCRQ', { remoteEndId: END });
        const ids = { localSessionId: PEER_SESSION_ID, remoteSessionId: sessionId };
        peer.send('OCRP', { ...ids, circuitStatus: 3, l2SpecificSublayer });
        peer.send('OCCN', { ...ids, dataSequencing: 2 });
        if (l2SpecificSublayer === undefined) disconnectedBy15(node, peer);
        else assert.equal(node.one('call-connected').sessionId, sessionId);
      }
    });
  });

  for (const kind of ['ICRQ', 'OCRQ'] as const) {
    const requestedOf = (node: Node) =>
      kind === 'ICRQ' ? node.all('call-requested') : node.all('outgoing-call-requested');

    describe(`over ${encapsulation}: ties of ${kind}, RFC 3931 sections 5.4.4, 7.3.1 and 7.4.1`, () => {
      it("ours is the lower: the peer's session gets CDN 13, ours waits on", () => {
        const { node, peer, sessionId } = asked(kind, { remoteEndId: END, tieBreaker: TIE_BREAKER.low });
        peer.send(kind, { ...callRequest(), tieBreaker: TIE_BREAKER.high });
        const cdn = peer.receiveOne();
        assert.equal(cdn.avps.resultCode?.resultCode, 13);
        assert.equal(cdn.avps.remoteSessionId, PEER_SESSION_ID);
        assert.deepEqual(requestedOf(node), []);
        assert.deepEqual(node.all('call-closed'), []);
        const ids = { localSessionId: PEER_SESSION_ID + 1, remoteSessionId: sessionId };
        peer.send(kind === 'ICRQ' ? 'ICRP' : 'OCRP', { ...ids, circuitStatus: 3 });
        assert.equal(node.endpoint.tunnel(peer.nodeTunnelId)?.sessionCount, 1);
      });

      it("the peer's is the lower: ours ends without a word, and its request is told of", () => {
        const { node, peer, sessionId } = asked(kind, { remoteEndId: END, tieBreaker: TIE_BREAKER.high });
        peer.send(kind, { ...callRequest(), tieBreaker: TIE_BREAKER.low });
        assert.deepEqual(peer.receive(), []);
        const { cause, sessionId: closed } = node.one('call-closed');
        assert.deepEqual([closed, cause.by, cause.resultCode], [sessionId, 'peer', 13]);
        assert.equal(requestedOf(node).length, 1);
      });

      it('both are equal: neither session stays', () => {
        const { node, peer, sessionId } = asked(kind, { remoteEndId: END, tieBreaker: TIE_BREAKER.low });
        peer.send(kind, { ...callRequest(), tieBreaker: TIE_BREAKER.low });
        assert.equal(peer.receiveOne().avps.resultCode?.resultCode, 13);
        assert.equal(node.one('call-closed').sessionId, sessionId);
        assert.deepEqual(requestedOf(node), []);
        assert.deepEqual(node.endpoint.sessionsOf(peer.nodeTunnelId), []);
      });

      it('the peer has sent none: ours stays', () => {
        const { node, peer } = asked(kind, { remoteEndId: END });
        peer.send(kind, callRequest());
        assert.equal(peer.receiveOne().avps.resultCode?.resultCode, 13);
        assert.deepEqual(node.all('call-closed'), []);
      });

      it('another Remote End ID is another circuit: no tie', () => {
        const { node, peer } = asked(kind, { remoteEndId: END, tieBreaker: TIE_BREAKER.high });
        peer.send(kind, { ...callRequest('branch'), tieBreaker: TIE_BREAKER.low });
        assert.deepEqual(node.all('call-closed'), []);
        assert.equal(requestedOf(node).length, 1);
      });

      it('a request of ours that has its answer is in no tie', () => {
        const { node, peer, sessionId } = asked(kind, { remoteEndId: END, tieBreaker: TIE_BREAKER.high });
        const ids = { localSessionId: PEER_SESSION_ID + 1, remoteSessionId: sessionId };
        peer.send(kind === 'ICRQ' ? 'ICRP' : 'OCRP', { ...ids, circuitStatus: 3 });
        peer.send(kind, { ...callRequest(), tieBreaker: TIE_BREAKER.low });
        assert.deepEqual(node.all('call-closed'), []);
        assert.equal(requestedOf(node).length, 1);
      });
    });
  }
}
