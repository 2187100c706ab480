/**
 * A tunnel's life and end in both versions: acknowledgement and HELLO (RFC 2661 sections 5.5, 5.8; RFC 3931 sections 4.2,
 * 4.4), the peer's path, closing (5.7).
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { emitControlMessage } from '../../../../firmware/wire/avp.js';
import {
  CARRIERS,
  establishedCall,
  establishedTunnel,
  exchange,
  ICCN,
  Node,
  RawPeer,
  runAlone,
  SECRET,
  takeApart,
} from './endpoints.js';

const HELLO = emitControlMessage({ messageType: 'HELLO', avps: {} }, { dialect: 2 });

function types(sent: Parameters<typeof takeApart>[0][]): string[] {
  return sent.map((datagram) => takeApart(datagram).message?.messageType ?? 'ZLB');
}

for (const carrier of CARRIERS) {
  const over = `version ${carrier.version} over ${carrier.encapsulation}`;
  const peerOf = (node: Node, address?: string) => new RawPeer(node, address, undefined, carrier);
  /** Over IP there are no ports. */
  const ofPorts = carrier.encapsulation === 'udp' ? it : () => undefined;
  const nodeOf = (address: string, seed: number) => {
    const node = new Node(address, seed);
    node.encapsulation = carrier.encapsulation;
    return node;
  };

  describe(`${over}: acknowledgement, RFC 2661 section 5.8`, () => {
    it('given a message and nothing to say: one ZLB at the end of the turn, however many messages came', () => {
      const lns = nodeOf('192.0.2.2', 2);
      const peer = peerOf(lns);
      peer.establish(0);
      for (let count = 0; count < 3; count++) peer.send('HELLO', {}, 10);
      const sent = peer.receive();
      assert.equal(sent.length, 1);
      assert.equal(sent[0].message, undefined);
      assert.equal(sent[0].nr, peer.ns);
    });

    it('given a reply that follows at once: the reply carries it', () => {
      const lns = nodeOf('192.0.2.2', 2);
      const peer = peerOf(lns);
      peer.establish(0);
      peer.send('ICRQ', { assignedSessionId: 5, callSerialNumber: 1 }, 10);
      lns.endpoint.answerCall(lns.one('call-requested').sessionId, { accepted: true }, 10);
      const sent = peer.receive();
      assert.deepEqual(
        sent.map(({ message, nr }) => [message?.messageType, nr]),
        [['ICRP', 3]],
      );
    });

    it('a ZLB is not answered', () => {
      const lns = nodeOf('192.0.2.2', 2);
      const peer = peerOf(lns);
      peer.establish(0);
      peer.acknowledge(10);
      assert.deepEqual(peer.receive(), []);
    });

    it('a retransmitted message has the same Ns and the Nr of the moment', () => {
      const lns = nodeOf('192.0.2.2', 2);
      const peer = peerOf(lns);
      const tunnelId = peer.establish(0);
      lns.endpoint.placeCall(tunnelId, { callSerialNumber: 1 }, 100);
      const [first] = peer.receive();
      // The peer's HELLO comes without acknowledging the ICRQ.
      peer.sendRaw({ nr: first.ns }, HELLO, 500);
      lns.transmit();
      lns.endpoint.handleTimeout(1100);
      const [again] = lns.transmit().map((datagram) => takeApart(datagram));
      assert.equal(again.message?.messageType, 'ICRQ');
      assert.equal(again.ns, first.ns);
      assert.equal(again.nr, first.nr + 1);
      const told = lns.all('message').filter(({ message }) => message.messageType === 'ICRQ');
      assert.deepEqual(
        told.map(({ retransmission }) => retransmission),
        [false, true],
      );
    });

    it('the window of the peer is that of its Receive Window Size AVP, 4 without', () => {
      for (const [receiveWindowSize, expected] of [
        [undefined, 4],
        [1, 1],
        [6, 6],
      ] as const) {
        const lns = nodeOf('192.0.2.2', 2);
        const peer = peerOf(lns);
        const tunnelId = peer.establish(0, { sccrq: { receiveWindowSize } });
        let outstanding = 0;
        // Slow start opens the window with each acknowledgement: give it time to open.
        for (let round = 0; round < 12; round++) {
          for (let count = 0; count < 10; count++) lns.endpoint.placeCall(tunnelId, { callSerialNumber: 1 }, 10);
          outstanding = Math.max(outstanding, peer.receive().filter(({ message }) => message !== undefined).length);
          peer.acknowledge(10);
        }
        outstanding = Math.max(outstanding, peer.receive().filter(({ message }) => message !== undefined).length);
        assert.equal(outstanding, expected, `Receive Window Size ${receiveWindowSize}`);
      }
    });
  });

  describe(`${over}: HELLO, RFC 2661 section 5.5`, () => {
    it('goes out when nothing has come for the interval, and not before', () => {
      const { lac } = establishedTunnel(carrier);
      assert.deepEqual(runAlone(lac, 59_999), []);
      assert.deepEqual(types(runAlone(lac, 60_000)), ['HELLO']);
    });

    it('is put off by a control message of the peer, a ZLB too', () => {
      const lns = nodeOf('192.0.2.2', 2);
      const peer = peerOf(lns);
      peer.establish(0);
      peer.send('HELLO', {}, 40_000);
      peer.receive();
      peer.acknowledge(50_000);
      assert.deepEqual(runAlone(lns, 109_999), []);
      assert.deepEqual(types(runAlone(lns, 110_000)), ['HELLO']);
    });

    it('is put off by data', () => {
      const { lac, lacTunnelId } = establishedTunnel(carrier);
      for (let now_ms = 0; now_ms <= 600_000; now_ms += 30_000) {
        lac.endpoint.noteTraffic(lacTunnelId, now_ms);
        assert.deepEqual(runAlone(lac, now_ms + 29_999), []);
      }
      assert.deepEqual(types(runAlone(lac, 660_000)), ['HELLO']);
    });

    it('is not sent while another message waits for its acknowledgement', () => {
      const { lac, lacTunnelId } = establishedTunnel({ ...carrier, lac: { helloInterval_ms: 5000 } });
      lac.endpoint.placeCall(lacTunnelId, { callSerialNumber: 1 }, 0);
      assert.ok(types(runAlone(lac, 30_000)).every((type) => type === 'ICRQ'));
    });

    it('acknowledged, the tunnel goes on, for hours without any call', () => {
      const { lac, lns } = establishedTunnel(carrier);
      for (let now_ms = 0; now_ms < 4 * 3_600_000; now_ms += 1000) {
        lac.endpoint.handleTimeout(now_ms);
        lns.endpoint.handleTimeout(now_ms);
        exchange(lac, lns, now_ms);
      }
      assert.equal(lac.all('tunnel-closed').length + lns.all('tunnel-closed').length, 0);
      const hellos = lac
        .all('message')
        .filter(({ direction }) => direction === 'sent')
        .slice(2);
      assert.ok(hellos.length >= 200 && hellos.length <= 245, `${hellos.length} HELLOs in four hours`);
      assert.ok(hellos.every(({ message, retransmission }) => message.messageType === 'HELLO' && !retransmission));
    });

    it('never acknowledged and no data: the tunnel is cleared after the retransmissions, its calls first', () => {
      const { lac, lacTunnelId, lacSessionId } = establishedCall(carrier);
      const sent = runAlone(lac, 200_000);
      assert.deepEqual(types(sent), Array(6).fill('HELLO'));
      assert.deepEqual(
        sent.map(({ at_ms }) => at_ms),
        [60_000, 61_000, 63_000, 67_000, 75_000, 83_000],
      );
      assert.deepEqual(lac.all('message') && lac.events.slice(-3).map(({ type }) => type), [
        'call-closed',
        'tunnel-closed',
        'tunnel-forgotten',
      ]);
      const call = lac.one('call-closed');
      assert.equal(call.sessionId, lacSessionId);
      assert.equal(call.cause.by, 'timeout');
      assert.equal(call.cause.resultCode, 1);
      const tunnel = lac.one('tunnel-closed');
      assert.equal(tunnel.tunnelId, lacTunnelId);
      assert.equal(tunnel.cause.by, 'timeout');
      assert.equal(lac.endpoint.pollTimeout(), undefined);
    });

    it('the number of retransmissions is that of the configuration', () => {
      const { lac } = establishedTunnel({ ...carrier, lac: { maxRetransmits: 2, retransmitInitial_ms: 500 } });
      assert.deepEqual(
        runAlone(lac, 200_000).map(({ at_ms }) => at_ms),
        [60_000, 60_500, 61_500],
      );
      lac.one('tunnel-closed');
    });

    it('a new configuration holds for the HELLOs of tunnels that stand', () => {
      const { lac } = establishedTunnel(carrier);
      lac.endpoint.configure({ ...configOf(), helloInterval_ms: 90_000 });
      assert.deepEqual(runAlone(lac, 89_999), []);
      assert.deepEqual(types(runAlone(lac, 90_000)), ['HELLO']);
    });

    it('a configuration that nothing can run under is refused', () => {
      const { lac } = establishedTunnel(carrier);
      for (const wrong of [
        { hostName: '' },
        { receiveWindow: 0 },
        { helloInterval_ms: 0 },
        { retransmitInitial_ms: 0 },
      ]) {
        assert.throws(() => lac.endpoint.configure({ ...configOf(), ...wrong }), RangeError);
      }
    });
  });

  describe(`${over}: no answer at all`, () => {
    it('SCCRQ: sent six times in 31 s, then the tunnel is closed by timeout and forgotten', () => {
      const lac = nodeOf('192.0.2.1', 1);
      const tunnelId = lac.endpoint.openTunnel({ version: carrier.version, path: lac.pathTo('192.0.2.2') }, 0);
      const sessionId = lac.endpoint.placeCall(tunnelId, { callSerialNumber: 1 }, 0);
      const sent = runAlone(lac, 100_000);
      assert.deepEqual(
        sent.map(({ at_ms }) => at_ms),
        [0, 1000, 3000, 7000, 15_000, 23_000],
      );
      assert.ok(sent.every(({ packet }) => Buffer.compare(packet, sent[0].packet) === 0));
      assert.equal(lac.one('call-closed').sessionId, sessionId);
      assert.equal(lac.one('tunnel-closed').cause.by, 'timeout');
      lac.one('tunnel-forgotten');
    });
  });

  describe(`${over}: the path of a tunnel`, () => {
    it('a packet from another address is dropped and counted', () => {
      const { lns, lnsTunnelId } = establishedTunnel(carrier);
      const thief = peerOf(lns, '203.0.113.66');
      thief.nodeTunnelId = lnsTunnelId;
      thief.ns = 2;
      thief.nr = 1;
      thief.send('StopCCN', { resultCode: { resultCode: 1 }, assignedTunnelId: 1 }, 0);
      assert.equal(lns.all('tunnel-closed').length, 0);
      assert.equal(lns.endpoint.counters['wrong-peer-address'], 1);
      assert.deepEqual(lns.transmit(), []);
    });

    ofPorts('another port is taken up from a message with valid Ns and Nr, and answers go there', () => {
      const lns = nodeOf('192.0.2.2', 2);
      const peer = peerOf(lns);
      const tunnelId = peer.establish(0);
      peer.path = { ...peer.path, peerPort: 51_000 };
      peer.send('HELLO', {}, 10);
      assert.equal(peer.receive()[0].path.peerPort, 51_000);
      const changed = lns.one('tunnel-path-changed');
      assert.deepEqual(changed, { type: 'tunnel-path-changed', tunnelId, path: peer.path });
      assert.deepEqual(lns.endpoint.tunnel(tunnelId)?.path, peer.path);
    });

    ofPorts('not from one whose Ns or Nr cannot be', () => {
      const lns = nodeOf('192.0.2.2', 2);
      const peer = peerOf(lns);
      peer.establish(0);
      peer.path = { ...peer.path, peerPort: 51_000 };
      for (const header of [{ ns: peer.ns + 16 }, { nr: peer.nr + 1 }, { ns: peer.ns + 30_000 }, { nr: 40_000 }]) {
        peer.sendRaw(header, HELLO, 10);
      }
      assert.equal(lns.all('tunnel-path-changed').length, 0);
      assert.equal(lns.endpoint.counters['invalid-acknowledgement'], 1);
      assert.equal(lns.endpoint.counters['outside-window'], 2);
    });

    ofPorts('not from a repeated message; its acknowledgement goes where it came from all the same', () => {
      const lns = nodeOf('192.0.2.2', 2);
      const peer = peerOf(lns);
      const tunnelId = peer.establish(0);
      peer.send('HELLO', {}, 10);
      peer.receive();
      peer.path = { ...peer.path, peerPort: 51_000 };
      peer.sendRaw({ ns: peer.ns - 1 }, HELLO, 1010);
      const [zlb] = peer.receive();
      assert.equal(zlb.path.peerPort, 51_000);
      assert.equal(zlb.message, undefined);
      assert.equal(zlb.nr, peer.ns);
      assert.equal(lns.endpoint.tunnel(tunnelId)?.path.peerPort, 1701);
    });

    it('our own address stays the one that was dialled', () => {
      const lns = nodeOf('192.0.2.2', 2);
      const peer = peerOf(lns);
      const tunnelId = peer.establish(0);
      peer.path = { ...peer.path, localAddress: '192.0.2.99', localPort: 1702 };
      peer.send('HELLO', {}, 10);
      assert.equal(peer.receive()[0].path.localAddress, '192.0.2.2');
      assert.equal(lns.endpoint.tunnel(tunnelId)?.path.localAddress, '192.0.2.2');
      assert.equal(lns.all('tunnel-path-changed').length, 0);
    });

    it('an originator learns the address that it is reached at from the first answer', () => {
      const { lac, lacTunnelId } = establishedTunnel(carrier);
      assert.equal(lac.endpoint.tunnel(lacTunnelId)?.path.localAddress, '192.0.2.1');
      assert.equal(lac.one('tunnel-path-changed').path.localAddress, '192.0.2.1');
      assert.equal(lac.one('tunnel-established').path.localAddress, '192.0.2.1');
    });

    ofPorts('an answer to the SCCRQ from another port is followed (section 8.1)', () => {
      const lac = nodeOf('192.0.2.1', 1);
      const peer = peerOf(lac);
      const tunnelId = lac.endpoint.openTunnel(
        { version: carrier.version, path: lac.pathTo(peer.path.peerAddress) },
        0,
      );
      peer.receive();
      peer.path = { ...peer.path, peerPort: 40_123 };
      const avps = { protocolVersion: { version: 1, revision: 0 }, hostName: 'raw', framingCapabilities: 3 };
      peer.send('SCCRP', { ...avps, assignedTunnelId: 77 }, 10);
      const [scccn] = peer.receive();
      assert.equal(scccn.message?.messageType, 'SCCCN');
      assert.equal(scccn.path.peerPort, 40_123);
      assert.equal(lac.endpoint.tunnel(tunnelId)?.path.peerPort, 40_123);
    });
  });

  describe(`${over}: control connection teardown, RFC 2661 section 5.7`, () => {
    it('closing sends one StopCCN with result and our Assigned Tunnel ID, and ends all calls without a CDN', () => {
      const { lac, lns, lacTunnelId, lnsTunnelId, lacSessionId, lnsSessionId } = establishedCall(carrier);
      lac.endpoint.closeTunnel(lacTunnelId, { resultCode: 6 }, 100);
      const sent = lac.transmit();
      assert.deepEqual(types(sent), ['StopCCN']);
      const { message, sessionId } = takeApart(sent[0]);
      assert.equal(sessionId, 0);
      assert.deepEqual(message?.avps, {
        resultCode: { resultCode: 6, errorCode: 0 },
        assignedTunnelId: lacTunnelId,
      });
      assert.equal(lac.one('call-closed').sessionId, lacSessionId);
      assert.deepEqual(lac.one('tunnel-closed').cause, {
        by: 'local',
        resultCode: 6,
        errorCode: undefined,
        errorMessage: undefined,
      });
      lns.endpoint.handlePacket(sent[0].packet, lns.arrival(sent[0].path, lac.address), 100);
      assert.deepEqual(types(lns.transmit()), ['ZLB']);
      const closedCall = lns.one('call-closed');
      assert.equal(closedCall.sessionId, lnsSessionId);
      assert.equal(closedCall.cause.by, 'peer');
      assert.equal(closedCall.cause.resultCode, 3);
      assert.deepEqual(lns.one('tunnel-closed').cause, { by: 'peer', resultCode: 6, errorCode: 0 });
      const order = lns.events.filter(({ type }) => type.endsWith('-closed')).map(({ type }) => type);
      assert.deepEqual(order, ['call-closed', 'tunnel-closed']);
      assert.deepEqual(lns.endpoint.sessionsOf(lnsTunnelId), []);
    });

    it('who received it acknowledges it again for a full retransmission cycle of 31 s, then knows nothing of it', () => {
      const lns = nodeOf('192.0.2.2', 2);
      const peer = peerOf(lns);
      const tunnelId = peer.establish(0);
      const stop = peer.bodyOf('StopCCN', { resultCode: { resultCode: 1 }, assignedTunnelId: peer.tunnelId });
      peer.sendBody(stop, 0);
      assert.deepEqual(types(lns.transmit()), ['ZLB']);
      for (const now_ms of [1000, 3000, 7000, 15_000, 23_000, 30_999]) {
        lns.endpoint.handleTimeout(now_ms);
        peer.sendRaw({ ns: peer.ns - 1 }, stop, now_ms);
        assert.deepEqual(types(lns.transmit()), ['ZLB'], `at ${now_ms}`);
      }
      lns.one('tunnel-closed');
      lns.endpoint.handleTimeout(31_000);
      assert.equal(lns.one('tunnel-forgotten').tunnelId, tunnelId);
      peer.sendRaw({ ns: peer.ns - 1 }, stop, 31_001);
      assert.deepEqual(lns.transmit(), []);
      assert.equal(lns.endpoint.counters['unknown-tunnel'], 1);
    });

    it('who sent it retransmits it until it is acknowledged, and is done after the cycle in any case', () => {
      const { lac, lacTunnelId } = establishedTunnel(carrier);
      lac.endpoint.closeTunnel(lacTunnelId, { resultCode: 1 }, 0);
      const sent = runAlone(lac, 100_000);
      assert.deepEqual(
        sent.map(({ at_ms }) => at_ms),
        [0, 1000, 3000, 7000, 15_000, 23_000],
      );
      assert.ok(types(sent).every((type) => type === 'StopCCN'));
      lac.one('tunnel-closed');
      lac.one('tunnel-forgotten');
    });

    it('messages of the peer that cross it are acknowledged and have no effect', () => {
      const lns = nodeOf('192.0.2.2', 2);
      const peer = peerOf(lns);
      const tunnelId = peer.establish(0);
      lns.endpoint.closeTunnel(tunnelId, { resultCode: 1 }, 0);
      peer.receive();
      peer.send('ICRQ', { assignedSessionId: 5, callSerialNumber: 1 }, 10);
      peer.send('StopCCN', { resultCode: { resultCode: 1 }, assignedTunnelId: peer.tunnelId }, 20);
      assert.deepEqual(
        peer.receive().map(({ message, nr }) => [message, nr]),
        [[undefined, peer.ns]],
      );
      assert.equal(lns.all('call-requested').length, 0);
      lns.one('tunnel-closed');
      assert.equal(lns.endpoint.counters['tunnel-closed'], 2);
    });

    it('goes ahead of messages that were waiting for the window', () => {
      const lns = nodeOf('192.0.2.2', 2);
      const peer = peerOf(lns);
      const tunnelId = peer.establish(0);
      for (let call = 0; call < 50; call++) lns.endpoint.placeCall(tunnelId, { callSerialNumber: call }, 0);
      lns.endpoint.closeTunnel(tunnelId, { resultCode: 6 }, 0);
      assert.deepEqual(
        types(lns.transmit()).filter((type) => type !== 'ICRQ'),
        ['StopCCN'],
      );
      assert.equal(lns.all('call-closed').length, 50);
    });

    it('before the SCCRP has come: tunnel ID 0 in the header, and the peer finds the tunnel by ours', () => {
      const lac = nodeOf('192.0.2.1', 1);
      const lns = nodeOf('192.0.2.2', 2);
      const tunnelId = lac.endpoint.openTunnel({ version: carrier.version, path: lac.pathTo(lns.address) }, 0);
      const [sccrq] = lac.transmit();
      lns.endpoint.handlePacket(sccrq.packet, lns.arrival(sccrq.path, lac.address), 0);
      lac.endpoint.closeTunnel(tunnelId, { resultCode: 1 }, 10);
      const [stop] = lac.transmit();
      assert.equal(takeApart(stop).tunnelId, 0);
      lns.endpoint.handlePacket(stop.packet, lns.arrival(stop.path, lac.address), 20);
      assert.equal(lns.one('tunnel-closed').tunnelId, lns.one('tunnel-requested').tunnelId);
      assert.deepEqual(types(lns.transmit()), ['ZLB']);
    });

    it('commands for a tunnel or call that is gone do nothing', () => {
      const { lac, lacTunnelId, lacSessionId } = establishedCall(carrier);
      lac.endpoint.closeTunnel(lacTunnelId, { resultCode: 1 }, 0);
      lac.transmit();
      const events = lac.all('message').length;
      lac.endpoint.closeTunnel(lacTunnelId, { resultCode: 1 }, 1);
      lac.endpoint.answerTunnel(lacTunnelId, { accepted: true, secret: SECRET }, 1);
      lac.endpoint.noteTraffic(lacTunnelId + 1, 1);
      lac.endpoint.closeCall(lacSessionId, { resultCode: 3 }, 1);
      lac.endpoint.connectCall(lacSessionId, ICCN, 1);
      lac.endpoint.answerCall(lacSessionId, { accepted: true }, 1);
      lac.endpoint.sendSetLinkInfo(lacSessionId, { accm: { sendAccm: 0, receiveAccm: 0 } }, 1);
      assert.deepEqual(lac.transmit(), []);
      assert.equal(lac.all('message').length, events);
      const sessionId = lac.endpoint.placeCall(lacTunnelId, { callSerialNumber: 2 }, 1);
      const closed = lac.all('call-closed').at(-1);
      assert.equal(closed?.sessionId, sessionId);
      assert.deepEqual(closed?.cause, { by: 'local', resultCode: 2, errorCode: 1 });
    });
  });
}

function configOf() {
  return {
    hostName: 'lac.example',
    vendorName: 'tunnelwerk',
    firmwareRevision: 1,
    receiveWindow: 16,
    helloInterval_ms: 60_000,
    retransmitInitial_ms: 1000,
    retransmitCap_ms: 8000,
    maxRetransmits: 5,
    establishTimeout_ms: 60_000,
    maxTunnels: 100,
    maxSessions: 1000,
    routerId: 0x0a000001,
    pseudowireTypes: [7],
    accepts: ['udp2', 'udp3', 'ip'] as const,
    reservedSessionIds: [],
  };
}
