/**
 * What RADIUS makes with its shared secret: authenticators, Message-Authenticator, hidden passwords and keys. Works on
 * octets at offsets that it is given: must not know attributes.
 */
import { createHash, createHmac } from 'node:crypto';
import { chapMd5, equalBytes } from './chap.js';

const AUTHENTICATOR_OFFSET = 4;
const BLOCK_BYTES = 16;
const SALT_BYTES = 2;
/** RFC 2865 section 5.2. */
const MAX_PASSWORD_BYTES = 128;
const ZERO_AUTHENTICATOR = new Uint8Array(BLOCK_BYTES);

/**
 * The 16 octets of the Request Authenticator of an Accounting-Request (RFC 2866 section 3), CoA-Request and
 * Disconnect-Request (RFC 5176 section 2.3): MD5 over the packet with zeros in its place, and the secret.
 */
export function requestAuthenticator(packet: Uint8Array, secret: Uint8Array): Uint8Array {
  return responseAuthenticator(packet, ZERO_AUTHENTICATOR, secret);
}

export function checkRequestAuthenticator(packet: Uint8Array, secret: Uint8Array): boolean {
  return equalBytes(authenticatorOf(packet), requestAuthenticator(packet, secret));
}

/** The 16 octets of a Response Authenticator, RFC 2865 section 3: MD5 over code to Length, request's, attributes, secret. */
export function responseAuthenticator(packet: Uint8Array, ofRequest: Uint8Array, secret: Uint8Array): Uint8Array {
  const hash = createHash('md5').update(packet.subarray(0, AUTHENTICATOR_OFFSET)).update(ofRequest);
  return Uint8Array.from(
    hash
      .update(packet.subarray(AUTHENTICATOR_OFFSET + BLOCK_BYTES))
      .update(secret)
      .digest(),
  );
}

export function checkResponseAuthenticator(packet: Uint8Array, ofRequest: Uint8Array, secret: Uint8Array): boolean {
  return equalBytes(authenticatorOf(packet), responseAuthenticator(packet, ofRequest, secret));
}

function authenticatorOf(packet: Uint8Array): Uint8Array {
  return packet.subarray(AUTHENTICATOR_OFFSET, AUTHENTICATOR_OFFSET + BLOCK_BYTES);
}

/**
 * The 16 octets of a Message-Authenticator, RFC 3579 section 3.2: HMAC-MD5 over the packet, with zeros at `offset`, where
 * it stands, and `authenticator` in the header: an Access-Request's or Status-Server's own, in a response the request's;
 * undefined is zeros, in CoA-Request and Disconnect-Request (RFC 5176 section 2.3).
 */
export function messageAuthenticator(
  packet: Uint8Array,
  offset: number,
  authenticator: Uint8Array | undefined,
  secret: Uint8Array,
): Uint8Array {
  // Not slice(), which gives a view where the octets come in a Buffer.
  const signed = Uint8Array.from(packet);
  signed.set(authenticator ?? ZERO_AUTHENTICATOR, AUTHENTICATOR_OFFSET);
  signed.fill(0, offset, offset + BLOCK_BYTES);
  return Uint8Array.from(createHmac('md5', secret).update(signed).digest());
}

export function checkMessageAuthenticator(
  packet: Uint8Array,
  offset: number,
  authenticator: Uint8Array | undefined,
  secret: Uint8Array,
): boolean {
  const received = packet.subarray(offset, offset + BLOCK_BYTES);
  return equalBytes(received, messageAuthenticator(packet, offset, authenticator, secret));
}

/**
 * Hides a User-Password, RFC 2865 section 5.2: 16 to 128 octets, in blocks of 16. Throws RangeError for more than 128
 * octets of password.
 */
export function hideUserPassword(password: Uint8Array, authenticator: Uint8Array, secret: Uint8Array): Uint8Array {
  if (password.length > MAX_PASSWORD_BYTES) throw new RangeError(`a password of ${password.length} bytes`);
  const padded = new Uint8Array(BLOCK_BYTES * Math.max(1, Math.ceil(password.length / BLOCK_BYTES)));
  padded.set(password);
  return encryptBlocks(padded, authenticator, secret);
}

/** The password without its padding; undefined where the length is none that hiding gives. */
export function openUserPassword(
  hidden: Uint8Array,
  authenticator: Uint8Array,
  secret: Uint8Array,
): Uint8Array | undefined {
  if (hidden.length === 0 || hidden.length > MAX_PASSWORD_BYTES || hidden.length % BLOCK_BYTES !== 0) return undefined;
  const padded = decryptBlocks(hidden, authenticator, secret);
  let end = padded.length;
  while (end > 0 && padded[end - 1] === 0) end--;
  return padded.slice(0, end);
}

/**
 * Encrypts a Tunnel-Password (RFC 2868 section 3.5) or an MPPE key (RFC 2548 section 2.4.2) with a salt of two octets,
 * whose highest bit must be set: gives | Salt (16) | blocks of: length (8), value, zeros |. Throws RangeError for a value
 * of more than 239 octets, which would not fit into an attribute behind a tag.
 */
export function encryptSalted(
  value: Uint8Array,
  salt: Uint8Array,
  authenticator: Uint8Array,
  secret: Uint8Array,
): Uint8Array {
  if (salt.length !== SALT_BYTES || salt[0] < 0x80) throw new RangeError('not a salt');
  if (value.length > 239) throw new RangeError(`a value of ${value.length} bytes`);
  const padded = new Uint8Array(BLOCK_BYTES * Math.ceil((value.length + 1) / BLOCK_BYTES));
  padded[0] = value.length;
  padded.set(value, 1);
  return Uint8Array.of(...salt, ...encryptBlocks(padded, Uint8Array.of(...authenticator, ...salt), secret));
}

/** The clear value; undefined where the lengths outside or inside are none that encryption gives: a wrong secret, mostly. */
export function decryptSalted(
  encrypted: Uint8Array,
  authenticator: Uint8Array,
  secret: Uint8Array,
): Uint8Array | undefined {
  const blocks = encrypted.subarray(SALT_BYTES);
  if (blocks.length === 0 || blocks.length % BLOCK_BYTES !== 0) return undefined;
  const salt = encrypted.subarray(0, SALT_BYTES);
  const padded = decryptBlocks(blocks, Uint8Array.of(...authenticator, ...salt), secret);
  return padded[0] < padded.length ? padded.slice(1, 1 + padded[0]) : undefined;
}

/** A CHAP-Password's value, RFC 2865 section 5.3: the identifier, then the 16 octets of the response. */
export function chapPassword(identifier: number, password: Uint8Array, challenge: Uint8Array): Uint8Array {
  return Uint8Array.of(identifier, ...chapMd5(identifier, password, challenge));
}

/** c(1) = p(1) xor MD5(secret, first); c(i) = p(i) xor MD5(secret, c(i-1)). */
function encryptBlocks(clear: Uint8Array, first: Uint8Array, secret: Uint8Array): Uint8Array {
  const encrypted = new Uint8Array(clear.length);
  let previous = first;
  for (let start = 0; start < clear.length; start += BLOCK_BYTES) {
    const pad = createHash('md5').update(secret).update(previous).digest();
    for (let i = 0; i < BLOCK_BYTES; i++) encrypted[start + i] = clear[start + i] ^ pad[i];
    previous = encrypted.subarray(start, start + BLOCK_BYTES);
  }
  return encrypted;
}

function decryptBlocks(encrypted: Uint8Array, first: Uint8Array, secret: Uint8Array): Uint8Array {
  const clear = new Uint8Array(encrypted.length);
  let previous = first;
  for (let start = 0; start < encrypted.length; start += BLOCK_BYTES) {
    const pad = createHash('md5').update(secret).update(previous).digest();
    for (let i = 0; i < BLOCK_BYTES; i++) clear[start + i] = encrypted[start + i] ^ pad[i];
    previous = encrypted.subarray(start, start + BLOCK_BYTES);
  }
  return clear;
}
