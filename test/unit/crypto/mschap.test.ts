/** MS-CHAPv2 against RFC 2759 section 9, MS-CHAP's NT response against RFC 2433 appendix B.2. */
import assert from 'node:assert/strict';
import { createCipheriv } from 'node:crypto';
import { test } from 'node:test';
import {
  challengeHash,
  challengeResponse,
  desEncrypt,
  generateAuthenticatorResponse,
  generateNtResponse,
  hashNtPasswordHash,
  ntPasswordHash,
} from '../../../firmware/crypto/mschap.js';
import { ascii, fromHex, readVectors, toHex } from '../../vectors/vectors.js';

interface MsChapVectors {
  mschapv2: Record<
    | 'userName'
    | 'password'
    | 'authenticatorChallenge'
    | 'peerChallenge'
    | 'challenge'
    | 'passwordHash'
    | 'ntResponse'
    | 'passwordHashHash'
    | 'authenticatorResponse',
    string
  >;
  mschap: Record<'password' | 'challenge' | 'passwordHash' | 'ntResponse', string>;
  desKeys: { key: string; parityCorrected: string }[];
}

const { mschapv2, mschap, desKeys } = readVectors<MsChapVectors>('mschap');
const authenticatorChallenge = fromHex(mschapv2.authenticatorChallenge);
const peerChallenge = fromHex(mschapv2.peerChallenge);
const userName = ascii(mschapv2.userName);
const ntResponse = fromHex(mschapv2.ntResponse);

test('RFC 2759 9.2: ChallengeHash', () => {
  assert.equal(toHex(challengeHash(peerChallenge, authenticatorChallenge, userName)), mschapv2.challenge);
});

test('RFC 2759 9.2: NtPasswordHash and HashNtPasswordHash', () => {
  assert.equal(toHex(ntPasswordHash(mschapv2.password)), mschapv2.passwordHash);
  assert.equal(toHex(hashNtPasswordHash(fromHex(mschapv2.passwordHash))), mschapv2.passwordHashHash);
});

test('RFC 2759 9.2: GenerateNTResponse', () => {
  const response = generateNtResponse(authenticatorChallenge, peerChallenge, userName, mschapv2.password);
  assert.equal(toHex(response), mschapv2.ntResponse);
});

test('RFC 2759 9.2: GenerateAuthenticatorResponse, upper case', () => {
  const passwordHash = fromHex(mschapv2.passwordHash);
  assert.equal(
    generateAuthenticatorResponse(passwordHash, ntResponse, peerChallenge, authenticatorChallenge, userName),
    mschapv2.authenticatorResponse,
  );
});

test('RFC 2759 4: the domain of DOMAIN\\user is no part of what is hashed', () => {
  const withDomain = ascii(`BIGCO\\${mschapv2.userName}`);
  assert.equal(toHex(challengeHash(peerChallenge, authenticatorChallenge, withDomain)), mschapv2.challenge);
});

test('RFC 2759 4: an @realm is part of the name', () => {
  const withRealm = ascii(`${mschapv2.userName}@bigco.example`);
  assert.notEqual(toHex(challengeHash(peerChallenge, authenticatorChallenge, withRealm)), mschapv2.challenge);
});

test('RFC 2433 B.2: NtPasswordHash and the NT response of MS-CHAP', () => {
  assert.equal(toHex(ntPasswordHash(mschap.password)), mschap.passwordHash);
  const response = challengeResponse(fromHex(mschap.challenge), fromHex(mschap.passwordHash));
  assert.equal(toHex(response), mschap.ntResponse);
});

test('RFC 2759 9.3: a raw key of 7 octets is the DES key of 8 octets with parity that the RFC makes of it', () => {
  const clear = fromHex(mschapv2.challenge);
  for (const { key, parityCorrected } of desKeys) {
    const tripled = fromHex(parityCorrected.repeat(3));
    const expected = createCipheriv('des-ede3', tripled, null).setAutoPadding(false).update(clear);
    assert.equal(toHex(desEncrypt(clear, fromHex(key))), expected.toString('hex'));
  }
});

test('FIPS 46, the example of its time: "Now is t" under key 0123456789abcdef is 3fa40e8a984d4815', () => {
  const key = fromHex('00451338957377'); // the 56 bits of 01 23 45 67 89 ab cd ef without parity
  assert.equal(toHex(desEncrypt(ascii('Now is t'), key)), '3fa40e8a984d4815');
});

/** Made by OpenSSL's legacy provider. */
const EURO_AND_CLEF = 'ce51a56adeaca72142f2a9ced9d2a638';

test('RFC 2759 8.3: a password beyond Latin-1 is hashed as UTF-16, least significant octet first', () => {
  // MD4 over ac 20 34 d8 1e dd: the euro sign, then U+1D11E as its surrogate pair.
  assert.equal(toHex(ntPasswordHash('€𝄞')), EURO_AND_CLEF);
});
