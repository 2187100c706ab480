/**
 * Control Message Authentication and hidden AVPs of version 3 against a peer's own messages: RFC 3931 sections 4.3, 5.3
 * and 5.4.1. Digests are calculated here, from the RFC's formula.
 */
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { describe, it } from 'node:test';
import { type AvpValues, emitControlMessage } from '../../../../firmware/wire/avp.js';
import { parseControlHeader } from '../../../../firmware/wire/control-header.js';
import { establishedTunnel, exchange, Node, SECRET } from './endpoints.js';
import { callRequest, INTRODUCTION, PEER_SESSION_ID, Version3Peer } from './version3-peer.js';

const NOTHING: Uint8Array = new Uint8Array(0);
/** Message Type takes 8 octets behind the header, and what precedes the digest in its AVP 7. */
const DIGEST_OFFSET = 12 + 8 + 7;
const RANDOM_VECTOR = new Uint8Array(16).fill(0x5a);

/** Writes HMAC-SHA-1 over local nonce, remote nonce and message into the packet, whose digest is zero. */
function sealed(packet: Uint8Array, secret: Uint8Array, local = NOTHING, remote = NOTHING): Uint8Array {
  const key = createHmac('md5', secret).update(Uint8Array.of(2)).digest();
  const whole = packet.slice();
  whole.fill(0, DIGEST_OFFSET, DIGEST_OFFSET + 20);
  const digest = createHmac('sha1', key).update(local).update(remote).update(whole).digest();
  whole.set(digest, DIGEST_OFFSET);
  return whole;
}

const NONCE = new Uint8Array(16).fill(0x77);
const SECURED: AvpValues = { ...INTRODUCTION, controlMessageAuthenticationNonce: NONCE };

/** A message of the peer's with a digest of zeroes to be filled. */
function digested(message: Parameters<typeof emitControlMessage>[0], hidden = false): Uint8Array {
  const hiding = hidden ? { secret: SECRET, randomVector: RANDOM_VECTOR } : undefined;
  return emitControlMessage(message, { dialect: 3, digest: 'sha1', hiding });
}

/** A peer with the secret, whose tunnel stands; gives how it sends. */
function securedTunnel() {
  const node = new Node('192.0.2.2', 2);
  const peer = new Version3Peer(node);
  peer.sendPacket(sealed(peer.packetOf(digested({ messageType: 'SCCRQ', avps: SECURED })), SECRET));
  peer.ns++;
  const { tunnelId } = node.one('tunnel-requested');
  node.endpoint.answerTunnel(tunnelId, { accepted: true, secret: SECRET }, 0);
  const sccrp = peer.receiveOne();
  const nodeNonce = sccrp.avps.controlMessageAuthenticationNonce!;
  const packetOf = (message: Parameters<typeof emitControlMessage>[0], hidden = false) =>
    sealed(peer.packetOf(digested(message, hidden)), SECRET, NONCE, nodeNonce);
  const send = (...message: Parameters<typeof packetOf>) => {
    peer.sendPacket(packetOf(...message));
    peer.ns++;
  };
  send({ messageType: 'SCCCN', avps: {} });
  assert.equal(node.endpoint.tunnel(tunnelId)?.state, 'established');
  return { node, peer, send };
}

describe('a digest without secret is a check of integrity, RFC 3931 section 4.3', () => {
  const call = callRequest();

  it('right: the message is taken, with or without it', () => {
    const node = new Node('192.0.2.2', 2);
    const peer = new Version3Peer(node);
    peer.establish();
    const packet = peer.packetOf(digested({ messageType: 'ICRQ', avps: call }));
    peer.sendPacket(sealed(packet, NOTHING));
    assert.equal(node.one('call-requested').peerSessionId, PEER_SESSION_ID);
  });

  it('wrong: the message is dropped before its Ns counts, and its repetition is taken', () => {
    const node = new Node('192.0.2.2', 2);
    const peer = new Version3Peer(node);
    peer.establish();
    const whole = sealed(peer.packetOf(digested({ messageType: 'ICRQ', avps: call })), NOTHING);
    const corrupted = whole.slice();
    corrupted[corrupted.length - 1] ^= 1;
    peer.sendPacket(corrupted);
    assert.equal(node.endpoint.counters['digest-mismatch'], 1);
    assert.deepEqual(node.all('call-requested'), []);
    peer.sendPacket(whole);
    node.one('call-requested');
  });

  it('under a secret that we do not have: dropped', () => {
    const node = new Node('192.0.2.2', 2);
    const peer = new Version3Peer(node);
    peer.establish();
    peer.sendPacket(sealed(peer.packetOf(digested({ messageType: 'ICRQ', avps: call })), SECRET));
    assert.equal(node.endpoint.counters['digest-mismatch'], 1);
    assert.deepEqual(node.all('call-requested'), []);
  });
});

describe('the digest of every message, RFC 3931 section 5.4.1', () => {
  it('is local nonce, remote nonce, message in that order: the other order is dropped', () => {
    const { node, peer, send } = securedTunnel();
    send({ messageType: 'ICRQ', avps: callRequest() });
    node.one('call-requested');
    const packet = peer.packetOf(digested({ messageType: 'HELLO', avps: {} }));
    peer.sendPacket(sealed(packet, SECRET, NOTHING, NONCE));
    assert.equal(node.endpoint.counters['digest-mismatch'], 1);
  });

  it('of two, one right is enough', () => {
    const { node, peer, send } = securedTunnel();
    // A HELLO in whose digest's place two stand: the right one is the second, over both as zeroes.
    const one = peer.packetOf(digested({ messageType: 'HELLO', avps: {} }));
    const avp = one.subarray(20);
    const both = Uint8Array.from([...one, ...avp]);
    new DataView(both.buffer).setUint16(2, both.length);
    const right = sealed(both, SECRET, NONCE, nonceOf(node));
    const second = both.slice();
    second.set(right.subarray(DIGEST_OFFSET, DIGEST_OFFSET + 20), DIGEST_OFFSET + 27);
    second.fill(0xee, DIGEST_OFFSET, DIGEST_OFFSET + 20);
    peer.sendPacket(second);
    peer.ns++;
    assert.equal(node.endpoint.counters['digest-mismatch'], 0);
    send({ messageType: 'ICRQ', avps: callRequest() });
    node.one('call-requested');
  });
});

/** The nonce that the node has sent in its SCCRP. */
function nonceOf(node: Node): Uint8Array {
  const sent = node
    .all('message')
    .filter(({ direction, message }) => direction === 'sent' && message.messageType === 'SCCRP');
  return sent[0].message.avps.controlMessageAuthenticationNonce!;
}

describe('replay, RFC 3931 section 4.3', () => {
  it('all that an LNS has received in a conversation, sent again, makes no tunnel stand and no call', () => {
    const recorded: Uint8Array[] = [];
    const lac = new Node('192.0.2.1', 1);
    const lns = new Node('192.0.2.2', 2);
    const path = lac.pathTo(lns.address);
    const carry = () => {
      for (let sent = lac.transmit(); sent.length > 0; sent = lac.transmit()) {
        for (const { packet } of sent) {
          recorded.push(packet);
          lns.endpoint.handlePacket(packet, lns.arrival(path, lac.address), 0);
        }
        for (const { packet, path: back } of lns.transmit()) {
          lac.endpoint.handlePacket(packet, lac.arrival(back, lns.address), 0);
        }
      }
    };
    const lacTunnelId = lac.endpoint.openTunnel({ version: 3, path, secret: SECRET }, 0);
    carry();
    lns.endpoint.answerTunnel(lns.one('tunnel-requested').tunnelId, { accepted: true, secret: SECRET }, 0);
    for (const { packet, path: back } of lns.transmit()) {
      lac.endpoint.handlePacket(packet, lac.arrival(back, lns.address), 0);
    }
    carry();
    lac.endpoint.placeCall(lacTunnelId, { callSerialNumber: 1, pseudowireType: 7 }, 0);
    carry();
    lns.one('call-requested');

    // Started anew: the SCCRQ of before is a request like any other, all else is under the old nonces.
    const node = new Node('192.0.2.2', 22);
    const [sccrq, ...rest] = recorded;
    const arrival = node.arrival(path, lac.address);
    node.endpoint.handlePacket(sccrq, arrival, 0);
    const { tunnelId } = node.one('tunnel-requested');
    node.endpoint.answerTunnel(tunnelId, { accepted: true, secret: SECRET }, 0);
    for (const packet of rest) {
      const renamed = packet.slice();
      new DataView(renamed.buffer).setUint32(4, tunnelId);
      node.endpoint.handlePacket(renamed, arrival, 0);
    }
    assert.deepEqual(node.all('tunnel-established'), []);
    assert.deepEqual(node.all('call-requested'), []);
    assert.equal(node.endpoint.counters['digest-mismatch'], rest.length);
  });

  it('the SCCRP to an earlier SCCRQ is no answer to a later one, not even under the same tunnel ID', () => {
    const tunnelOf = (seed: number) => {
      const lac = new Node('192.0.2.1', seed);
      const tunnelId = lac.endpoint.openTunnel({ version: 3, path: lac.pathTo('192.0.2.2'), secret: SECRET }, 0);
      const [{ packet, path }] = lac.transmit();
      return { lac, tunnelId, packet, path };
    };
    const earlier = tunnelOf(1);
    const lns = new Node('192.0.2.2', 2);
    lns.endpoint.handlePacket(earlier.packet, lns.arrival(earlier.path, earlier.lac.address), 0);
    lns.endpoint.answerTunnel(lns.one('tunnel-requested').tunnelId, { accepted: true, secret: SECRET }, 0);
    const [sccrp] = lns.transmit();
    const later = tunnelOf(3);
    const renamed = sccrp.packet.slice();
    new DataView(renamed.buffer).setUint32(4, later.tunnelId);
    later.lac.endpoint.handlePacket(renamed, later.lac.arrival(sccrp.path, lns.address), 0);
    assert.equal(later.lac.endpoint.counters['digest-mismatch'], 1);
    assert.deepEqual(later.lac.all('tunnel-established'), []);
    earlier.lac.endpoint.handlePacket(sccrp.packet, earlier.lac.arrival(sccrp.path, lns.address), 0);
    earlier.lac.one('tunnel-established');
  });
});

describe('hidden AVPs, RFC 3931 section 5.3', () => {
  const icrq = { messageType: 'ICRQ', avps: callRequest() } as const;

  it('of a peer with the secret are opened', () => {
    const { node, send } = securedTunnel();
    send(icrq, true);
    const { icrq: message, peerSessionId } = node.one('call-requested');
    assert.equal(peerSessionId, PEER_SESSION_ID);
    assert.deepEqual(message.avps, icrq.avps);
  });

  it('without a secret cannot be opened: with M bit the session ends, error 8', () => {
    const node = new Node('192.0.2.2', 2);
    const peer = new Version3Peer(node);
    const tunnelId = peer.establish();
    const randomVector = RANDOM_VECTOR;
    peer.sendBody(emitControlMessage(icrq, { dialect: 3, hiding: { secret: SECRET, randomVector } }));
    assert.deepEqual(node.all('call-requested'), []);
    const answer = peer.receiveOne();
    assert.equal(answer.avps.resultCode?.errorCode, 8);
    assert.deepEqual(node.endpoint.sessionsOf(tunnelId), []);
  });

  for (const secret of [SECRET, undefined]) {
    it(`ours have the H bit ${secret ? 'where the tunnel has a secret' : 'nowhere, without a secret'}`, () => {
      const lac = new Node('192.0.2.1', 1);
      const lns = new Node('192.0.2.2', 2);
      const path = lac.pathTo(lns.address);
      const tunnelId = lac.endpoint.openTunnel({ version: 3, path, secret, hideAvps: true }, 0);
      exchange(lac, lns, 0);
      lns.endpoint.answerTunnel(lns.one('tunnel-requested').tunnelId, { accepted: true, secret }, 0);
      exchange(lac, lns, 0);
      lac.endpoint.placeCall(tunnelId, { callSerialNumber: 1, pseudowireType: 7 }, 0);
      const [datagram] = lac.transmit();
      const { hidden, vectorAt } = hiddenOf(datagram.packet);
      if (secret === undefined) assert.deepEqual(hidden, []);
      else assert.ok(hidden.length > 0 && vectorAt < hidden[0].offset, 'Random Vector precedes');
      // Local Session ID (63) is one of those that may be hidden; Message Type and digest must not.
      assert.equal(
        hidden.some(({ type }) => type === 63),
        secret !== undefined,
      );
      assert.ok(!hidden.some(({ type }) => type === 0 || type === 59));
      lns.endpoint.handlePacket(datagram.packet, lns.arrival(path, lac.address), 0);
      assert.equal(lns.one('call-requested').icrq.avps.callSerialNumber, 1);
    });
  }

  it('a tunnel without hiding hides nothing, with a secret too', () => {
    const { lac, lacTunnelId } = establishedTunnel({ version: 3, secret: SECRET });
    lac.endpoint.placeCall(lacTunnelId, { callSerialNumber: 1, pseudowireType: 7 }, 0);
    assert.deepEqual(hiddenOf(lac.transmit()[0].packet).hidden, []);
  });
});

/** AVPs with the H bit, and where the Random Vector stands. */
function hiddenOf(packet: Uint8Array): { hidden: { type: number; offset: number }[]; vectorAt: number } {
  const view = new DataView(packet.buffer, packet.byteOffset, packet.length);
  const hidden: { type: number; offset: number }[] = [];
  let vectorAt = Number.POSITIVE_INFINITY;
  for (let offset = parseControlHeader(packet).payloadOffset; offset < packet.length; ) {
    const bits = view.getUint16(offset);
    const type = view.getUint16(offset + 4);
    if ((bits & 0x4000) !== 0) hidden.push({ type, offset });
    if (type === 36) vectorAt = offset;
    offset += bits & 0x3ff;
  }
  return { hidden, vectorAt };
}
