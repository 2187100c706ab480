/** Malformed, nonsensical and hostile control packets: RFC 2661 sections 4.1, 4.2, 4.4.2 and 7.1. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { type AvpValues, emitControlMessage, type MessageType } from '../../../../firmware/wire/avp.js';
import { ByteWriter } from '../../../../firmware/wire/bytes.js';
import { emitControlPacket } from '../../../../firmware/wire/control-header.js';
import { emitDataHeader } from '../../../../firmware/wire/l2tp.js';
import { establishedCall, ICCN, Node, RawPeer, seededNumbers, takeApart } from './endpoints.js';

const MANDATORY = 0x8000;

function avp(bits: number, vendorId: number, type: number, value: Uint8Array): Uint8Array {
  return new ByteWriter()
    .u16(bits | (6 + value.length))
    .u16(vendorId)
    .u16(type)
    .bytes(value)
    .finish();
}

const UNKNOWN_MANDATORY = avp(MANDATORY, 0, 999, Uint8Array.of(1, 2));
const UNKNOWN_OPTIONAL = avp(0, 0, 999, Uint8Array.of(1, 2));
const VENDOR_MANDATORY = avp(MANDATORY, 311, 1, Uint8Array.of(1, 2));

function withAvp(messageType: MessageType, avps: AvpValues, extra: Uint8Array): Uint8Array {
  return Uint8Array.of(...emitControlMessage({ messageType, avps }, { dialect: 2 }), ...extra);
}

function tunnelTo(): { node: Node; peer: RawPeer; tunnelId: number } {
  const node = new Node('192.0.2.2', 2);
  const peer = new RawPeer(node);
  return { node, peer, tunnelId: peer.establish(0) };
}

describe('headers', () => {
  it('what is no control packet of version 2 is dropped and counted', () => {
    const { node, peer } = tunnelTo();
    const hello = emitControlPacket(
      { version: 2, controlConnectionId: 1, sessionId: 0, ns: 0, nr: 0 },
      new Uint8Array(0),
    );
    const l2f = hello.slice();
    l2f[1] = (l2f[1] & 0xf0) | 1;
    const lying = hello.slice();
    lying[3] = 200;
    for (const packet of [new Uint8Array(0), Uint8Array.of(0xc8), hello.subarray(0, 11), l2f, lying]) {
      node.endpoint.handlePacket(packet, peer.path, 0);
    }
    assert.equal(node.endpoint.counters['malformed-header'], 5);
    node.endpoint.handlePacket(emitDataHeader({ tunnelId: 1, sessionId: 1 }), peer.path, 0);
    assert.equal(node.endpoint.counters['data-message'], 1);
    assert.deepEqual(node.transmit(), []);
  });

  it('a tunnel that we do not know: dropped, counted, not answered', () => {
    const { node, peer, tunnelId } = tunnelTo();
    peer.nodeTunnelId = tunnelId ^ 1;
    peer.send('HELLO', {}, 0);
    peer.send('StopCCN', { resultCode: { resultCode: 1 }, assignedTunnelId: 1 }, 0);
    assert.deepEqual(node.transmit(), []);
    assert.equal(node.endpoint.counters['unknown-tunnel'], 2);
  });

  it('tunnel ID 0 and no SCCRQ: dropped and counted', () => {
    const node = new Node('192.0.2.2', 2);
    const peer = new RawPeer(node);
    peer.send('HELLO', {}, 0);
    peer.send('ICRQ', { assignedSessionId: 1, callSerialNumber: 1 }, 0);
    peer.send(
      'SCCRP',
      { protocolVersion: { version: 1, revision: 0 }, hostName: 'x', framingCapabilities: 0, assignedTunnelId: 1 },
      0,
    );
    peer.send('StopCCN', { resultCode: { resultCode: 1 }, assignedTunnelId: 1 }, 0);
    peer.acknowledge(0);
    assert.deepEqual(node.transmit(), []);
    assert.equal(node.endpoint.counters['unknown-tunnel'], 5);
    assert.equal(node.all('tunnel-allocated').length, 0);
  });
});

describe('an SCCRQ that cannot be read', () => {
  const REQUIRED: AvpValues = {
    protocolVersion: { version: 1, revision: 0 },
    hostName: 'raw.example',
    framingCapabilities: 3,
    assignedTunnelId: 77,
  };

  it('an unknown mandatory AVP: StopCCN with result 2, error 8, that names it, and nothing allocated', () => {
    for (const extra of [UNKNOWN_MANDATORY, VENDOR_MANDATORY]) {
      const node = new Node('192.0.2.2', 2);
      const peer = new RawPeer(node);
      peer.sendBody(withAvp('SCCRQ', REQUIRED, extra), 0);
      const [{ message, tunnelId, ns, nr }] = peer.receive();
      assert.deepEqual({ tunnelId, ns, nr }, { tunnelId: 77, ns: 0, nr: 1 });
      assert.equal(message?.messageType, 'StopCCN');
      assert.equal(message?.avps.resultCode?.resultCode, 2);
      assert.equal(message?.avps.resultCode?.errorCode, 8);
      assert.match(message?.avps.resultCode?.errorMessage ?? '', extra === UNKNOWN_MANDATORY ? /999/ : /vendor 311/);
      assert.equal(node.all('tunnel-allocated').length, 0);
      assert.equal(node.endpoint.counters['sccrq-malformed'], 1);
    }
  });

  it('an unknown AVP without M bit: ignored', () => {
    const node = new Node('192.0.2.2', 2);
    new RawPeer(node).sendBody(withAvp('SCCRQ', REQUIRED, UNKNOWN_OPTIONAL), 0);
    node.one('tunnel-requested');
  });

  it('without Assigned Tunnel ID, or 0 for it: dropped, since nobody could be answered', () => {
    const node = new Node('192.0.2.2', 2);
    const peer = new RawPeer(node);
    const { assignedTunnelId: _, ...rest } = REQUIRED;
    for (const avps of [rest, { ...rest, assignedTunnelId: 0 }]) {
      peer.ns = 0;
      peer.send('SCCRQ', avps, 0);
    }
    assert.deepEqual(node.transmit(), []);
    assert.equal(node.all('tunnel-allocated').length, 0);
    assert.equal(node.endpoint.counters['sccrq-malformed'], 2);
  });

  it('without Host Name: StopCCN with result 2, error 3', () => {
    const node = new Node('192.0.2.2', 2);
    const peer = new RawPeer(node);
    const { hostName: _, ...rest } = REQUIRED;
    peer.send('SCCRQ', rest, 0);
    const [stop] = peer.receiveMessages();
    assert.equal(stop.avps.resultCode?.resultCode, 2);
    assert.equal(stop.avps.resultCode?.errorCode, 3);
  });
});

describe('an error in a message that concerns the tunnel ends the tunnel, section 4.1', () => {
  it('HELLO with an unknown mandatory AVP: StopCCN with result 2, error 8', () => {
    const { node, peer, tunnelId } = tunnelTo();
    peer.sendBody(withAvp('HELLO', {}, UNKNOWN_MANDATORY), 0);
    const [stop] = peer.receiveMessages();
    assert.deepEqual([stop.avps.resultCode?.resultCode, stop.avps.resultCode?.errorCode], [2, 8]);
    assert.equal(node.one('tunnel-closed').tunnelId, tunnelId);
    assert.equal(node.endpoint.counters['malformed-message'], 1);
  });

  it('HELLO with an unknown AVP without M bit: ignored', () => {
    const { node, peer, tunnelId } = tunnelTo();
    peer.sendBody(withAvp('HELLO', {}, UNKNOWN_OPTIONAL), 0);
    assert.equal(node.endpoint.tunnel(tunnelId)?.state, 'established');
  });

  it('an unknown message type with M bit: StopCCN with error 8; without: acknowledged and ignored', () => {
    const mandatory = tunnelTo();
    mandatory.peer.sendBody(avp(MANDATORY, 0, 0, Uint8Array.of(0, 99)), 0);
    assert.equal(mandatory.peer.receiveMessages()[0].avps.resultCode?.errorCode, 8);
    const optional = tunnelTo();
    optional.peer.sendBody(avp(0, 0, 0, Uint8Array.of(0, 99)), 0);
    const [zlb] = optional.peer.receive();
    assert.equal(zlb.message, undefined);
    assert.equal(zlb.nr, optional.peer.ns);
    assert.equal(optional.node.endpoint.counters['unknown-message-type'], 1);
  });

  it('no message type at all: StopCCN with result 2, error 2 or 3', () => {
    for (const [body, errorCode] of [
      [Uint8Array.of(1, 2, 3), 2],
      [avp(MANDATORY, 0, 7, Uint8Array.of(1)), 3],
    ] as const) {
      const { peer } = tunnelTo();
      peer.sendBody(body, 0);
      assert.equal(peer.receiveMessages()[0].avps.resultCode?.errorCode, errorCode);
    }
  });

  it('an SCCRP with an unknown mandatory AVP: StopCCN to the tunnel ID that it assigned', () => {
    const lac = new Node('192.0.2.1', 1);
    const peer = new RawPeer(lac);
    lac.endpoint.openTunnel({ version: 2, path: lac.pathTo(peer.path.peerAddress) }, 0);
    peer.receive();
    const sccrp: AvpValues = { protocolVersion: { version: 1, revision: 0 }, hostName: 'x', framingCapabilities: 0 };
    peer.sendBody(withAvp('SCCRP', { ...sccrp, assignedTunnelId: 77 }, UNKNOWN_MANDATORY), 0);
    const [{ tunnelId, message }] = peer.receive();
    assert.equal(tunnelId, 77);
    assert.equal(message?.avps.resultCode?.errorCode, 8);
    assert.equal(lac.one('tunnel-closed').cause.errorCode, 8);
  });

  it('a StopCCN that cannot be read ends the tunnel all the same, and is not answered by another', () => {
    const { node, peer } = tunnelTo();
    peer.sendBody(withAvp('StopCCN', {}, UNKNOWN_MANDATORY), 0);
    assert.deepEqual(peer.receiveMessages(), []);
    assert.equal(node.one('tunnel-closed').cause.by, 'peer');
  });
});

describe('an error in a message that concerns a session ends the session alone, section 4.1', () => {
  it('ICRQ with an unknown mandatory AVP: CDN with result 2, error 8, to the ID that it assigned; no session', () => {
    const { node, peer, tunnelId } = tunnelTo();
    peer.sendBody(withAvp('ICRQ', { assignedSessionId: 501, callSerialNumber: 1 }, UNKNOWN_MANDATORY), 0);
    const [{ message, sessionId }] = peer.receive();
    assert.equal(message?.messageType, 'CDN');
    assert.equal(sessionId, 501);
    assert.deepEqual([message?.avps.resultCode?.resultCode, message?.avps.resultCode?.errorCode], [2, 8]);
    assert.notEqual(message?.avps.assignedSessionId, 0);
    assert.equal(node.all('call-requested').length, 0);
    assert.equal(node.endpoint.tunnel(tunnelId)?.state, 'established');
  });

  it('ICRQ without Assigned Session ID: no session can be named, so the tunnel ends (section 7.1)', () => {
    const { node, peer } = tunnelTo();
    peer.send('ICRQ', { callSerialNumber: 1 }, 0);
    assert.equal(peer.receiveMessages()[0].messageType, 'StopCCN');
    node.one('tunnel-closed');
  });

  it('ICCN with an unknown mandatory AVP: CDN with result 2, error 8, and the tunnel and its other calls stay', () => {
    const { node, peer, tunnelId } = tunnelTo();
    const other = peer.establishCall(0, { peerSessionId: 500 });
    peer.send('ICRQ', { assignedSessionId: 501, callSerialNumber: 1 }, 0);
    const { sessionId } = node.all('call-requested')[1];
    node.endpoint.answerCall(sessionId, { accepted: true }, 0);
    peer.receive();
    peer.sendBody(withAvp('ICCN', ICCN, UNKNOWN_MANDATORY), 0, { sessionId });
    const [{ message, sessionId: headerSessionId }] = peer.receive();
    assert.equal(headerSessionId, 501);
    assert.equal(message?.messageType, 'CDN');
    assert.equal(message?.avps.resultCode?.errorCode, 8);
    assert.equal(node.one('call-closed').sessionId, sessionId);
    assert.deepEqual(node.endpoint.sessionsOf(tunnelId), [other]);
  });

  it('a CDN that cannot be read ends the session all the same, and is not answered by another', () => {
    const { node, peer } = tunnelTo();
    const sessionId = peer.establishCall(0);
    peer.sendBody(withAvp('CDN', { assignedSessionId: 501 }, UNKNOWN_MANDATORY), 0, { sessionId });
    assert.deepEqual(peer.receiveMessages(), []);
    assert.equal(node.one('call-closed').cause.by, 'peer');
  });

  it('for a session that we do not know: counted alone', () => {
    const { node, peer, tunnelId } = tunnelTo();
    peer.sendBody(withAvp('ICCN', ICCN, UNKNOWN_MANDATORY), 0, { sessionId: 4 });
    assert.deepEqual(peer.receiveMessages(), []);
    assert.equal(node.endpoint.counters['unknown-session'], 1);
    assert.equal(node.endpoint.tunnel(tunnelId)?.state, 'established');
  });
});

describe('replay and guessing', () => {
  it('a message seen before is acknowledged and does nothing', () => {
    const { node, peer } = tunnelTo();
    const ns = peer.ns;
    const sessionId = peer.establishCall(0);
    const icrq = emitControlMessage(
      { messageType: 'ICRQ', avps: { assignedSessionId: 501, callSerialNumber: 1 } },
      { dialect: 2 },
    );
    peer.sendRaw({ ns }, icrq, 10);
    peer.sendRaw({ ns, sessionId }, emitControlMessage({ messageType: 'HELLO', avps: {} }, { dialect: 2 }), 10);
    assert.deepEqual(peer.receiveMessages(), []);
    node.one('call-requested');
    assert.equal(node.all('call-closed').length, 0);
  });

  it('held messages never take more room than our receive window', () => {
    const { node, peer } = tunnelTo();
    const hello = emitControlMessage({ messageType: 'HELLO', avps: {} }, { dialect: 2 });
    for (let ahead = 1; ahead < 1000; ahead++) peer.sendRaw({ ns: peer.ns + ahead }, hello, 0);
    assert.equal(node.endpoint.counters['outside-window'], 999 - 15);
  });
});

describe('properties', () => {
  const path = {
    encapsulation: 'udp' as const,
    localAddress: '192.0.2.2',
    localPort: 1701,
    peerAddress: '198.51.100.9',
    peerPort: 1701,
  };

  it('random packets never throw and never allocate a tunnel', () => {
    const node = new Node('192.0.2.2', 2);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 120 }), fc.boolean(), (bytes, control) => {
        // Half of them with a control header that is right, so that they get as far as the message.
        const packet = control
          ? emitControlPacket({ version: 2, controlConnectionId: 0, sessionId: 0, ns: 0, nr: 0 }, bytes)
          : bytes;
        node.endpoint.handlePacket(packet, path, 0);
        assert.equal(node.endpoint.tunnel(1), undefined);
      }),
      { numRuns: 2000 },
    );
    assert.equal(node.all('tunnel-allocated').length, 0);
    assert.equal(node.endpoint.pollTimeout(), undefined);
  });

  it('an SCCRQ with any one byte changed allocates at most one tunnel, and throws nothing', () => {
    const body = emitControlMessage(
      {
        messageType: 'SCCRQ',
        avps: {
          protocolVersion: { version: 1, revision: 0 },
          hostName: 'raw.example',
          framingCapabilities: 3,
          assignedTunnelId: 77,
          challenge: Uint8Array.of(1, 2, 3, 4),
        },
      },
      { dialect: 2 },
    );
    for (let offset = 0; offset < body.length; offset++) {
      for (const change of [0x01, 0x40, 0x80, 0xff]) {
        const node = new Node('192.0.2.2', 2);
        const peer = new RawPeer(node);
        const changed = body.slice();
        changed[offset] ^= change;
        peer.sendBody(changed, 0);
        assert.ok(node.all('tunnel-allocated').length <= 1);
        assert.ok(node.transmit().length <= 1);
      }
    }
  });

  it('a tunnel with calls fed with mutated messages of every type throws nothing and stays consistent', () => {
    const messages: [MessageType, AvpValues][] = [
      ['HELLO', {}],
      ['SCCCN', { challengeResponse: new Uint8Array(16) }],
      ['StopCCN', { resultCode: { resultCode: 2, errorCode: 6, errorMessage: 'x' }, assignedTunnelId: 1 }],
      ['ICRQ', { assignedSessionId: 9, callSerialNumber: 1, callingNumber: '1' }],
      ['ICRP', { assignedSessionId: 9 }],
      ['ICCN', ICCN],
      ['OCRP', { assignedSessionId: 9 }],
      ['OCCN', ICCN],
      ['CDN', { resultCode: { resultCode: 1 }, assignedSessionId: 9 }],
      ['SLI', { accm: { sendAccm: 1, receiveAccm: 2 } }],
    ];
    for (let seed = 1; seed <= 300; seed++) {
      const next = seededNumbers(seed);
      const { lns, lac, lnsTunnelId, lnsSessionId } = establishedCall();
      const peer = new RawPeer(lns, lac.address);
      peer.nodeTunnelId = lnsTunnelId;
      peer.ns = 4;
      peer.nr = 2;
      for (let count = 0; count < 12; count++) {
        const [messageType, avps] = messages[Math.floor(next() * messages.length)];
        const body = emitControlMessage({ messageType, avps }, { dialect: 2 });
        for (let changes = Math.floor(next() * 3); changes > 0; changes--) {
          body[Math.floor(next() * body.length)] = Math.floor(next() * 256);
        }
        const cut = next() < 0.1 ? body.subarray(0, Math.floor(next() * body.length)) : body;
        const sessionId = next() < 0.5 ? lnsSessionId : Math.floor(next() * 0x10000);
        peer.sendBody(cut, count, { sessionId });
        for (const datagram of lns.transmit()) assert.doesNotThrow(() => takeApart(datagram));
        lns.endpoint.handleTimeout(count * 1000);
      }
      assert.equal(lns.endpoint.sessionsOf(lnsTunnelId).length, lns.endpoint.tunnel(lnsTunnelId)?.sessionCount ?? 0);
      const begun = lns.all('call-requested').length;
      const ended = lns.all('call-closed').length;
      assert.equal(begun - ended, lns.endpoint.sessionsOf(lnsTunnelId).length);
    }
  });
});
