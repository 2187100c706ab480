/** Message Digest, RFC 3931 sections 4.3 and 5.4.1, against packets whose digests tshark and Python find right. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  checkMessageDigest,
  deriveMessageDigestKey,
  type MessageNonces,
  messageDigestType,
  sealMessageDigest,
} from '../../../firmware/crypto/message-digest.js';
import { ascii, fromHex, readVectors, toHex } from '../../vectors/vectors.js';

interface DigestVectors {
  secret: string;
  initiatorNonce: string;
  responderNonce: string;
  automaticSccrq: string;
  cases: { name: string; from: 'initiator' | 'responder'; digest: 'md5' | 'sha1'; packet: string }[];
}

const VECTORS = readVectors<DigestVectors>('control-messages-v3');
const KEY = deriveMessageDigestKey(ascii(VECTORS.secret));
const INITIATOR = fromHex(VECTORS.initiatorNonce);
const RESPONDER = fromHex(VECTORS.responderNonce);
/** Header, Message Type, AVP header and Digest Type stand in front of the digest. */
const DIGEST_START = 12 + 8 + 7;

/** The nonces as the sender of a vector's packet sees them, or as its receiver does. */
function noncesOf(
  { name, from }: DigestVectors['cases'][number],
  at: 'sender' | 'receiver',
): MessageNonces | undefined {
  if (name.startsWith('SCCRQ')) return undefined;
  const isInitiator = (from === 'initiator') === (at === 'sender');
  return isInitiator ? { local: INITIATOR, remote: RESPONDER } : { local: RESPONDER, remote: INITIATOR };
}

describe('Message Digest of RFC 3931 section 5.4.1', () => {
  for (const vector of VECTORS.cases) {
    it(`${vector.name}: the digest of a sender is what others compute, and its receiver finds it valid`, () => {
      const packet = fromHex(vector.packet);
      assert.equal(messageDigestType(packet), vector.digest);
      assert.equal(checkMessageDigest(packet, KEY, noncesOf(vector, 'receiver')), 'valid');
      assert.equal(toHex(packet), vector.packet, 'the check leaves the packet as it is');
      packet.fill(0xff, DIGEST_START, DIGEST_START + (vector.digest === 'md5' ? 16 : 20));
      sealMessageDigest(packet, KEY, noncesOf(vector, 'sender'));
      assert.equal(toHex(packet), vector.packet);
    });

    it(`${vector.name}: any bit that is changed, in header, AVPs or digest, makes it invalid or absent`, () => {
      for (let at = 0; at < vector.packet.length / 2; at++) {
        const packet = fromHex(vector.packet);
        packet[at] ^= 1 << (at % 8);
        assert.notEqual(checkMessageDigest(packet, KEY, noncesOf(vector, 'receiver')), 'valid', `octet ${at}`);
      }
    });
  }

  it('of an SCCRQ that offers both versions (4.7.3) is computed as of any SCCRQ', () => {
    assert.equal(checkMessageDigest(fromHex(VECTORS.automaticSccrq), KEY, undefined), 'valid');
  });

  const [iccn] = VECTORS.cases.filter(({ name }) => name === 'ICCN, sha1');

  it('is invalid for a packet that is sent back to where it came from, with other nonces or another secret', () => {
    const packet = fromHex(iccn.packet);
    assert.equal(checkMessageDigest(packet, KEY, noncesOf(iccn, 'sender')), 'invalid');
    assert.equal(checkMessageDigest(packet, KEY, { local: RESPONDER, remote: fromHex('00') }), 'invalid');
    assert.equal(checkMessageDigest(packet, KEY, undefined), 'invalid');
    const otherKey = deriveMessageDigestKey(ascii('another secret'));
    assert.equal(checkMessageDigest(packet, otherKey, noncesOf(iccn, 'receiver')), 'invalid');
  });

  it('of two digests one that is valid is enough, both zero in the calculation', () => {
    const one = fromHex(iccn.packet);
    const end = DIGEST_START + 20;
    const second = fromHex(`8017 0000 003b 00 ${'00'.repeat(16)}`);
    const two = Uint8Array.of(...one.subarray(0, end), ...second, ...one.subarray(end));
    sealMessageDigest(two.fill(0, DIGEST_START, end), KEY, noncesOf(iccn, 'sender'));
    two.fill(0xaa, end + 7, end + second.length);
    assert.equal(checkMessageDigest(two, KEY, noncesOf(iccn, 'receiver')), 'valid');
    two.fill(0xaa, DIGEST_START, end);
    assert.equal(checkMessageDigest(two, KEY, noncesOf(iccn, 'receiver')), 'invalid');
  });

  it('is absent where no Message Digest AVP follows Message Type at once, or one of an unknown Digest Type', () => {
    const header = 'c803 0014 00000001 0000 0000 8008 0000 0000 0006';
    assert.equal(checkMessageDigest(fromHex(header), KEY, undefined), 'absent');
    assert.equal(checkMessageDigest(new Uint8Array(0), KEY, undefined), 'absent');
    for (const avp of ['8017 0000 003b 02', '801b 0000 003b 00', '8017 0000 003a 00', 'c017 0000 003b 00', '8017']) {
      const packet = fromHex(`${header} ${avp} ${'00'.repeat(20)}`);
      assert.equal(checkMessageDigest(packet, KEY, undefined), 'absent', avp);
      assert.equal(messageDigestType(packet), undefined);
    }
    const cut = fromHex(iccn.packet).subarray(0, DIGEST_START + 19);
    assert.equal(checkMessageDigest(cut, KEY, undefined), 'absent');
  });

  it('without a secret is an integrity check with an empty secret and nonces (4.3)', () => {
    const key = deriveMessageDigestKey(new Uint8Array(0));
    const packet = fromHex(iccn.packet);
    sealMessageDigest(packet, key, undefined);
    assert.equal(checkMessageDigest(packet, key, { local: new Uint8Array(0), remote: new Uint8Array(0) }), 'valid');
    packet[packet.length - 1] ^= 1;
    assert.equal(checkMessageDigest(packet, key, undefined), 'invalid');
  });

  it('cannot be sealed into a packet that has no AVP for it: a programming error', () => {
    assert.throws(() => sealMessageDigest(fromHex('c803 000c 00000001 0000 0000'), KEY, undefined), /Message Digest/);
  });
});

describe('old IOS, drafts of version 3: Message Digest of vendor 9', () => {
  it('counts as well', () => {
    const packet = fromHex(`c803 002b 00000001 0000 0000 8008 0000 0000 0006 8017 0009 000c 00 ${'00'.repeat(16)}`);
    sealMessageDigest(packet, KEY, { local: INITIATOR, remote: RESPONDER });
    assert.equal(checkMessageDigest(packet, KEY, { local: RESPONDER, remote: INITIATOR }), 'valid');
  });
});
