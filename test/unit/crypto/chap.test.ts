/** CHAP with MD5, the tunnel's challenge response, and the comparison of answers. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { chapMd5, equalBytes, tunnelChallengeResponse } from '../../../firmware/crypto/chap.js';
import { ascii, fromHex, readVectors, toHex } from '../../vectors/vectors.js';

interface ChapVector {
  identifier: number;
  secret: string;
  challenge: string;
  response: string;
}

test('RFC 1994 4.1: the response is MD5 over identifier, secret and challenge (vector of RFC 2865 7.2)', () => {
  const { identifier, secret, challenge, response } = readVectors<ChapVector>('chap');
  assert.equal(toHex(chapMd5(identifier, ascii(secret), fromHex(challenge))), response);
});

test('RFC 2661 4.4.3: the message type of the message that answers takes the place of the identifier', () => {
  const secret = ascii('tunnel secret');
  const challenge = fromHex('00 01 02 03');
  for (const messageType of [2, 3]) {
    const expected = createHash('md5')
      .update(Uint8Array.of(messageType, ...secret, ...challenge))
      .digest('hex');
    assert.equal(toHex(tunnelChallengeResponse(messageType, secret, challenge)), expected);
  }
});

test('answers are equal only where every octet and the length are', () => {
  assert.equal(equalBytes(fromHex('01 02 03'), fromHex('01 02 03')), true);
  assert.equal(equalBytes(fromHex('01 02 03'), fromHex('01 02 04')), false);
  assert.equal(equalBytes(fromHex('81 02 03'), fromHex('01 02 03')), false);
  assert.equal(equalBytes(fromHex('01 02 03'), fromHex('01 02')), false);
  assert.equal(equalBytes(fromHex(''), fromHex('')), true);
});
