/**
 * Control Message Authentication, RFC 3931 sections 4.3 and 5.4.1: the Message Digest of a whole control message. Must
 * neither read other AVPs nor know which messages need a digest, and must not keep or show the secret.
 *
 * A packet from the control header on (over IP: behind the all-zero Session ID):
 *   | control header (12) | Message Type AVP (8) | Message Digest AVP (23 or 27) | a second one, perhaps | ...
 * Message Digest AVP:
 *   |M|H| rsvd  | Length (10) | Vendor ID (16) | Attribute Type (16) | Digest Type (8) | Message Digest (16 or 20) |
 *
 *   Message Digest = HMAC_Hash(shared_key, local_nonce + remote_nonce + control_message), its own octets all zero
 */
import { createHmac, timingSafeEqual } from 'node:crypto';

/** The nonces of both ends as seen from here; in an SCCRQ there are none yet. */
export interface MessageNonces {
  local: Uint8Array;
  remote: Uint8Array;
}

/** Where the first Message Digest AVP must stand. */
const FIRST_DIGEST_OFFSET = 12 + 8;
const AVP_HEADER_BYTES = 6;
const DIGEST_OFFSET = AVP_HEADER_BYTES + 1;
/** Vendor 0, type 59, and of the drafts (old IOS) vendor 9, type 12: as one number of 32 bits. */
const MESSAGE_DIGEST_AVPS: readonly number[] = [59, (9 << 16) | 12];
/** By Digest Type. */
const HASHES = [
  { name: 'md5', digest_bytes: 16 },
  { name: 'sha1', digest_bytes: 20 },
] as const;
/** RFC 3931 section 5.4.1 allows a second Message Digest, for a change of secret or hash. */
const DIGESTS_AT_MOST = 2;

type Hash = (typeof HASHES)[number];

interface FoundDigest {
  hash: Hash;
  /** Of the digest itself, in bytes into the packet. */
  start: number;
  end: number;
}

/** The key of the digest from the secret that both ends share: HMAC-MD5(secret, 2). */
export function deriveMessageDigestKey(secret: Uint8Array): Uint8Array {
  return createHmac('md5', secret).update(Uint8Array.of(2)).digest();
}

/** The hash of the first Message Digest AVP, undefined where there is none. */
export function messageDigestType(packet: Uint8Array): Hash['name'] | undefined {
  return findDigests(packet)[0]?.hash.name;
}

/**
 * Writes the digest into the Message Digest AVP of `packet`, in place. `nonces`: undefined for an SCCRQ. To be done anew
 * for each transmission, since Nr changes. Throws where the packet has no Message Digest AVP to fill.
 */
export function sealMessageDigest(packet: Uint8Array, key: Uint8Array, nonces: MessageNonces | undefined): void {
  const [digest] = findDigests(packet);
  if (digest === undefined) throw new Error('a control message without a Message Digest AVP to fill');
  packet.fill(0, digest.start, digest.end);
  packet.set(digestOf(packet, digest.hash, key, nonces?.local, nonces?.remote), digest.start);
}

/**
 * Whether a received packet's digest is right; of two, either. `nonces`: undefined for an SCCRQ. The packet must end
 * where its Length says, and stays as it is.
 */
export function checkMessageDigest(
  packet: Uint8Array,
  key: Uint8Array,
  nonces: MessageNonces | undefined,
): 'valid' | 'invalid' | 'absent' {
  const digests = findDigests(packet);
  if (digests.length === 0) return 'absent';
  const zeroed = packet.slice();
  for (const { start, end } of digests) zeroed.fill(0, start, end);
  let valid = false;
  for (const { hash, start, end } of digests) {
    // The sender's local nonce is our remote one.
    const expected = digestOf(zeroed, hash, key, nonces?.remote, nonces?.local);
    if (timingSafeEqual(expected, packet.subarray(start, end))) valid = true;
  }
  return valid ? 'valid' : 'invalid';
}

/** The Message Digest AVPs right behind Message Type; one of another length or Digest Type than those is none. */
function findDigests(packet: Uint8Array): FoundDigest[] {
  const found: FoundDigest[] = [];
  for (let offset = FIRST_DIGEST_OFFSET; found.length < DIGESTS_AT_MOST; offset = found[found.length - 1].end) {
    if (packet.length < offset + DIGEST_OFFSET) break;
    const view = new DataView(packet.buffer, packet.byteOffset + offset, DIGEST_OFFSET);
    const hash = HASHES[view.getUint8(AVP_HEADER_BYTES)];
    if (hash === undefined || !MESSAGE_DIGEST_AVPS.includes(view.getUint32(2))) break;
    // Length with the H bit: a hidden digest is none.
    if ((view.getUint16(0) & 0x43ff) !== DIGEST_OFFSET + hash.digest_bytes) break;
    const start = offset + DIGEST_OFFSET;
    const end = start + hash.digest_bytes;
    if (packet.length < end) break;
    found.push({ hash, start, end });
  }
  return found;
}

function digestOf(
  packet: Uint8Array,
  hash: Hash,
  key: Uint8Array,
  firstNonce: Uint8Array = new Uint8Array(0),
  secondNonce: Uint8Array = new Uint8Array(0),
): Uint8Array {
  return createHmac(hash.name, key).update(firstNonce).update(secondNonce).update(packet).digest();
}
