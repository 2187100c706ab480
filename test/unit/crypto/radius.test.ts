/** RADIUS's secrets against the examples of RFC 2865 section 7, and what they promise of each other. */
import assert from 'node:assert/strict';
import { createHash, createHmac } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  chapPassword,
  checkMessageAuthenticator,
  checkRequestAuthenticator,
  checkResponseAuthenticator,
  decryptSalted,
  encryptSalted,
  hideUserPassword,
  messageAuthenticator,
  openUserPassword,
  requestAuthenticator,
} from '../../../firmware/crypto/radius.js';
import { ascii, fromHex, readVectors, toHex } from '../../vectors/vectors.js';

type Example = Record<'request' | 'response' | 'password', string>;
const EXAMPLES = readVectors<{ secret: string } & Record<'telnet' | 'chap' | 'challenge' | 'reject', Example>>(
  'radius',
);
const SECRET = ascii(EXAMPLES.secret);
const AUTHENTICATOR = fromHex('000102030405060708090a0b0c0d0e0f');
const bytes = (minimum: number, maximum: number) => fc.uint8Array({ minLength: minimum, maxLength: maximum });

for (const name of ['telnet', 'chap', 'challenge', 'reject'] as const) {
  test(`the Response Authenticator of RFC 2865 section 7, ${name}`, () => {
    const authenticator = fromHex(EXAMPLES[name].request).slice(4, 20);
    const response = fromHex(EXAMPLES[name].response);
    assert.ok(checkResponseAuthenticator(response, authenticator, SECRET));
    response[response.length - 1] ^= 1;
    assert.ok(!checkResponseAuthenticator(response, authenticator, SECRET));
  });
}

for (const name of ['telnet', 'challenge', 'reject'] as const) {
  test(`the hidden User-Password of RFC 2865 section 7, ${name}`, () => {
    const request = fromHex(EXAMPLES[name].request);
    const userName_bytes = request[21];
    const hidden = request.slice(20 + userName_bytes + 2, 20 + userName_bytes + 18);
    const authenticator = request.slice(4, 20);
    const password = ascii(EXAMPLES[name].password);
    assert.equal(toHex(hideUserPassword(password, authenticator, SECRET)), toHex(hidden));
    assert.deepEqual(openUserPassword(hidden, authenticator, SECRET), password);
  });
}

test('the CHAP-Password of RFC 2865 section 7.2: the Request Authenticator is the challenge', () => {
  const request = fromHex(EXAMPLES.chap.request);
  const value = chapPassword(22, ascii(EXAMPLES.chap.password), request.slice(4, 20));
  assert.equal(toHex(value), toHex(request.slice(30, 47)));
});

test('a User-Password is what was hidden, in blocks of 16 octets (RFC 2865 section 5.2)', () => {
  const withoutZeroAtEnd = bytes(0, 128).filter((password) => password.at(-1) !== 0);
  fc.assert(
    fc.property(withoutZeroAtEnd, bytes(16, 16), bytes(1, 40), (password, authenticator, secret) => {
      const hidden = hideUserPassword(password, authenticator, secret);
      assert.equal(hidden.length, 16 * Math.max(1, Math.ceil(password.length / 16)));
      assert.deepEqual(openUserPassword(hidden, authenticator, secret), password);
    }),
  );
  assert.throws(() => hideUserPassword(new Uint8Array(129), AUTHENTICATOR, SECRET), RangeError);
  for (const length of [0, 15, 144]) {
    assert.equal(openUserPassword(new Uint8Array(length), AUTHENTICATOR, SECRET), undefined);
  }
});

test('a salted value begins with its salt, then MD5 of secret, authenticator and salt (RFC 2868 section 3.5)', () => {
  const salt = fromHex('8123');
  const encrypted = encryptSalted(ascii('tunnel'), salt, AUTHENTICATOR, SECRET);
  const pad = createHash('md5').update(SECRET).update(AUTHENTICATOR).update(salt).digest();
  const clear = fromHex('06 74756e6e656c 000000000000000000');
  assert.equal(toHex(encrypted), `8123${toHex(clear.map((byte, i) => byte ^ pad[i]))}`);
});

test('a salted value is what was encrypted; wrong lengths and a salt without its highest bit are refused', () => {
  const salts = bytes(2, 2).map((salt) => Uint8Array.of(salt[0] | 0x80, salt[1]));
  fc.assert(
    fc.property(bytes(0, 239), salts, bytes(16, 16), bytes(1, 40), (value, salt, authenticator, secret) => {
      const encrypted = encryptSalted(value, salt, authenticator, secret);
      assert.deepEqual(decryptSalted(encrypted, authenticator, secret), value);
      assert.equal(decryptSalted(encrypted.subarray(0, -1), authenticator, secret), undefined);
    }),
  );
  assert.equal(decryptSalted(fromHex('8123'), AUTHENTICATOR, SECRET), undefined);
  assert.throws(() => encryptSalted(ascii('x'), fromHex('0123'), AUTHENTICATOR, SECRET), RangeError);
});

test('the Message-Authenticator is HMAC-MD5 with zeros in its place (RFC 3579 section 3.2), in CoA in the header too', () => {
  const packet = fromHex(`0c 07 0026 ${toHex(AUTHENTICATOR)} 50 12 ${'ee'.repeat(16)}`);
  const zeroed = packet.slice().fill(0, 22);
  const expected = createHmac('md5', SECRET).update(zeroed).digest();
  assert.equal(toHex(messageAuthenticator(packet, 22, AUTHENTICATOR, SECRET)), toHex(expected));
  packet.set(expected, 22);
  assert.ok(checkMessageAuthenticator(packet, 22, AUTHENTICATOR, SECRET));
  assert.ok(!checkMessageAuthenticator(packet, 22, AUTHENTICATOR, ascii('another')));
  zeroed.fill(0, 4, 20);
  const ofCoa = createHmac('md5', SECRET).update(zeroed).digest();
  assert.equal(toHex(messageAuthenticator(packet, 22, undefined, SECRET)), toHex(ofCoa));
});

test('the Request Authenticator of accounting is MD5 with zeros in its place (RFC 2866 section 3)', () => {
  const packet = fromHex('04 01 001a 00000000000000000000000000000000 2806 00000001');
  const expected = createHash('md5').update(packet).update(SECRET).digest();
  packet.set(expected, 4);
  assert.equal(toHex(requestAuthenticator(packet, SECRET)), toHex(expected));
  assert.ok(checkRequestAuthenticator(packet, SECRET));
  packet[25] = 2;
  assert.ok(!checkRequestAuthenticator(packet, SECRET));
});
