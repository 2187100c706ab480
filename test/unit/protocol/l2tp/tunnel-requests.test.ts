/** SCCRQs that come again, too often or to no end: what they may allocate, and how that is freed (RFC 2661 section 5.8). */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { L2tpEndpoint } from '../../../../firmware/protocol/l2tp/endpoint.js';
import type { RandomBytes } from '../../../../firmware/wire/bytes.js';
import { CONFIG, Node, RawPeer, runAlone, takeApart } from './endpoints.js';

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

  it('a flood from invented addresses does not shut a caller out: who leaves two SCCRPs unanswered gives way', () => {
    const lns = new Node('192.0.2.2', 2, { maxTunnels: 8, retransmitInitial_ms: 1000 });
    const invented = (host: number, now_ms: number) => new RawPeer(lns, `198.51.100.${host}`).request(now_ms);
    for (let host = 1; host <= 9; host++) invented(host, 0);
    assert.equal(lns.endpoint.counters['sccrq-no-resources'], 1);
    invented(10, 1999);
    assert.equal(lns.endpoint.counters['sccrq-no-resources'], 2);
    assert.equal(lns.all('tunnel-closed').length, 0);
    lns.transmit();
    new RawPeer(lns, '203.0.113.1').establish(2000);
    const [closed] = lns.all('tunnel-closed');
    assert.equal(closed.tunnelId, lns.all('tunnel-allocated')[0].tunnelId, 'the oldest');
    assert.equal(lns.all('tunnel-established').length, 1);
    assert.equal([...lns.endpoint.tunnels()].length, 8);
    // None that stands gives way.
    for (let host = 20; host < 60; host++) invented(host, 60_000);
    assert.equal([...lns.endpoint.tunnels()].filter(({ state }) => state === 'established').length, 1);
    assert.equal([...lns.endpoint.tunnels()].length, 8);
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
    lac.endpoint.openTunnel({ version: 2, path: lac.pathTo('192.0.2.2') }, 0);
    lac.transmit();
    const tunnelId = lac.endpoint.openTunnel({ version: 2, path: lac.pathTo('192.0.2.3') }, 0);
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
    const path = {
      encapsulation: 'udp' as const,
      localAddress: '',
      localPort: 1701,
      peerAddress: '192.0.2.2',
      peerPort: 1701,
    };
    assert.deepEqual([lac.openTunnel({ version: 2, path }, 0), lac.openTunnel({ version: 2, path }, 0)], [1, 2]);
  });
});
