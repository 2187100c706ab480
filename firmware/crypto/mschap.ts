/**
 * MS-CHAP version 2, RFC 2759 section 8, and the NT response of MS-CHAP version 1, RFC 2433 appendix A, which it is
 * built of. Must not know packets; what derives MPPE keys (RFC 3079) belongs beside it.
 */
import { createCipheriv, createHash } from 'node:crypto';
import { md4 } from './md4.js';

const NT_RESPONSE_BYTES = 24;
const DES_KEY_BYTES = 7;
const BACKSLASH = 0x5c;

/** RFC 2759 section 8.7: the two constants of the authenticator response. */
const MAGIC_1 = new TextEncoder().encode('Magic server to client signing constant');
const MAGIC_2 = new TextEncoder().encode('Pad to make it do more than one iteration');

/** NtPasswordHash, RFC 2759 section 8.3: MD4 over the password in UTF-16, least significant octet first; 16 octets. */
export function ntPasswordHash(password: string): Uint8Array {
  const unicode = new DataView(new ArrayBuffer(2 * password.length));
  for (let i = 0; i < password.length; i++) unicode.setUint16(2 * i, password.charCodeAt(i), true);
  return md4(new Uint8Array(unicode.buffer));
}

/** HashNtPasswordHash, RFC 2759 section 8.4: MD4 over the hash; 16 octets. */
export function hashNtPasswordHash(passwordHash: Uint8Array): Uint8Array {
  return md4(passwordHash);
}

/**
 * ChallengeHash, RFC 2759 section 8.2: 8 octets of SHA-1 over both challenges and the user name without its domain,
 * as section 4 defines it ("DOMAIN\user": what follows the last backslash).
 */
export function challengeHash(
  peerChallenge: Uint8Array,
  authenticatorChallenge: Uint8Array,
  userName: Uint8Array,
): Uint8Array {
  const hash = createHash('sha1').update(peerChallenge).update(authenticatorChallenge).update(withoutDomain(userName));
  return Uint8Array.from(hash.digest().subarray(0, 8));
}

function withoutDomain(userName: Uint8Array): Uint8Array {
  return userName.subarray(userName.lastIndexOf(BACKSLASH) + 1);
}

/** ChallengeResponse, RFC 2759 section 8.5 and RFC 2433 appendix A.4: DES thrice over 8 octets; gives 24 octets. */
export function challengeResponse(challenge: Uint8Array, passwordHash: Uint8Array): Uint8Array {
  const keys = new Uint8Array(3 * DES_KEY_BYTES);
  keys.set(passwordHash);
  const response = new Uint8Array(NT_RESPONSE_BYTES);
  for (let i = 0; i < 3; i++) {
    response.set(desEncrypt(challenge, keys.subarray(i * DES_KEY_BYTES, (i + 1) * DES_KEY_BYTES)), 8 * i);
  }
  return response;
}

/** GenerateNTResponse, RFC 2759 section 8.1: the 24 octets of a Response; both challenges have 16 octets. */
export function generateNtResponse(
  authenticatorChallenge: Uint8Array,
  peerChallenge: Uint8Array,
  userName: Uint8Array,
  password: string,
): Uint8Array {
  const challenge = challengeHash(peerChallenge, authenticatorChallenge, userName);
  return challengeResponse(challenge, ntPasswordHash(password));
}

/**
 * GenerateAuthenticatorResponse, RFC 2759 section 8.7: "S=" and 40 hexadecimal digits in upper case, by which the
 * authenticator shows that it knows the password too. `passwordHash` is that of section 8.3.
 */
export function generateAuthenticatorResponse(
  passwordHash: Uint8Array,
  ntResponse: Uint8Array,
  peerChallenge: Uint8Array,
  authenticatorChallenge: Uint8Array,
  userName: Uint8Array,
): string {
  const hashHash = hashNtPasswordHash(passwordHash);
  const first = createHash('sha1').update(hashHash).update(ntResponse).update(MAGIC_1).digest();
  const challenge = challengeHash(peerChallenge, authenticatorChallenge, userName);
  const second = createHash('sha1').update(first).update(challenge).update(MAGIC_2).digest('hex');
  return `S=${second.toUpperCase()}`;
}

/**
 * DesEncrypt, RFC 2759 section 8.6: one block of 8 octets under a key of 56 bits. OpenSSL has single DES in its legacy
 * provider alone; triple DES with three equal keys is the same function and is there.
 */
export function desEncrypt(clear: Uint8Array, key: Uint8Array): Uint8Array {
  const expanded = expandDesKey(key);
  const tripled = new Uint8Array(24);
  for (let i = 0; i < 3; i++) tripled.set(expanded, 8 * i);
  const cipher = createCipheriv('des-ede3', tripled, null).setAutoPadding(false);
  return Uint8Array.from(cipher.update(clear));
}

/** 7 octets become 8 of seven bits each; the lowest bit is parity, which DES does not look at. */
function expandDesKey(key: Uint8Array): Uint8Array {
  const expanded = new Uint8Array(8);
  for (let i = 0; i < 8; i++) {
    const high = i === 0 ? 0 : key[i - 1] << (8 - i);
    const low = i === 7 ? 0 : key[i] >>> i;
    expanded[i] = (high | low) & 0xfe;
  }
  return expanded;
}
