/**
 * CHAP with MD5 (RFC 1994 section 4.1), the tunnel's challenge response made like it (RFC 2661 section 4.4.3), and the
 * comparison that all answers to challenges go through. Must not know packets.
 */
import { createHash, timingSafeEqual } from 'node:crypto';

/** The 16 octets of a CHAP response: MD5 over identifier (one octet), secret and challenge. */
export function chapMd5(identifier: number, secret: Uint8Array, challenge: Uint8Array): Uint8Array {
  const hash = createHash('md5').update(Uint8Array.of(identifier)).update(secret).update(challenge);
  return Uint8Array.from(hash.digest());
}

/**
 * The value of a Challenge Response AVP, 16 octets: `messageType` is that of the message it goes into (2 SCCRP,
 * 3 SCCCN) and takes the identifier's place.
 */
export function tunnelChallengeResponse(messageType: number, secret: Uint8Array, challenge: Uint8Array): Uint8Array {
  return chapMd5(messageType, secret, challenge);
}

/** Compares in a time that does not tell where the two differ; different lengths differ at once. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}
