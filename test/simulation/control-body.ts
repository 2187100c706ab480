/**
 * What the checkers read of a control message's body by themselves, so as not to depend on the code that they check:
 * whether it only acknowledges, and its Message Digest. Must not judge.
 *
 *   | Message Type AVP (8) | Message Digest AVP (23 or 27), if there is one | other AVPs |
 *   AVP: | M, H, reserved and Length (16) | Vendor ID (16) | Attribute Type (16) | value |
 */

const AVP_HEADER_BYTES = 6;
const MESSAGE_TYPE_AVP_BYTES = 8;
/** RFC 3931 section 6.15. */
const ACK = 20;
/** RFC 3931 section 5.4.1. */
const MESSAGE_DIGEST = 59;
const LENGTH_MASK = 0x03ff;

/** A ZLB, or the ACK of version 3: a packet that has no sequence number of its own. */
export function isAcknowledgement(body: Uint8Array): boolean {
  return body.length === 0 || (body.length >= MESSAGE_TYPE_AVP_BYTES && u16(body, AVP_HEADER_BYTES) === ACK);
}

export function hasDigest(body: Uint8Array): boolean {
  if (body.length < MESSAGE_TYPE_AVP_BYTES + AVP_HEADER_BYTES) return false;
  return u16(body, MESSAGE_TYPE_AVP_BYTES + 2) === 0 && u16(body, MESSAGE_TYPE_AVP_BYTES + 4) === MESSAGE_DIGEST;
}

/** What stays the same when a message is sent again. */
export function withoutDigest(body: Uint8Array): Uint8Array {
  if (!hasDigest(body)) return body;
  const end = MESSAGE_TYPE_AVP_BYTES + (u16(body, MESSAGE_TYPE_AVP_BYTES) & LENGTH_MASK);
  return body.slice().fill(0, MESSAGE_TYPE_AVP_BYTES + AVP_HEADER_BYTES, end);
}

function u16(octets: Uint8Array, at: number): number {
  return (octets[at] << 8) | octets[at + 1];
}
