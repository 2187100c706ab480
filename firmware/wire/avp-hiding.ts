/**
 * Hiding of AVP values, RFC 2661 section 4.3 and RFC 3931 section 5.3. In wire and not in crypto because reading a message and opening its
 * hidden AVPs are one pass, and wire imports nothing else of ours. Must not keep or show secret and plain text.
 *
 * The Hidden AVP Subformat, before it is hidden:
 *   +-------------------------------+----------------------------+---------------
 *   | Length of Original Value (16) | Original Attribute Value   | Padding ...
 *   +-------------------------------+----------------------------+---------------
 * Its 16-octet blocks p(i) become c(i): b(1) = MD5(Attribute Type + S + RV), b(i) = MD5(S + c(i-1)), c(i) = p(i) xor b(i).
 * S is the shared secret in version 2, and in version 3 a key derived from it.
 */
import { createHash, createHmac } from 'node:crypto';
import { ProtocolError } from './bytes.js';

const BLOCK_BYTES = 16;

/**
 * What hiding is done with: the shared secret of the two ends and the value of a Random Vector AVP that precedes. Whoever
 * gives it for a message gives the secret itself for either version: the message's reader or writer derives version 3's
 * key from it. hideAvpValue and openAvpValue take what S is, thus `versionedHiding`'s.
 */
export interface AvpHiding {
  secret: Uint8Array;
  randomVector: Uint8Array;
}

/** With S of the version: RFC 3931 section 5.3 has HMAC-MD5(shared secret, 1), RFC 2661 the secret itself. */
export function versionedHiding(version: 2 | 3, { secret, randomVector }: AvpHiding): AvpHiding {
  if (version === 2) return { secret, randomVector };
  return { secret: createHmac('md5', secret).update(Uint8Array.of(1)).digest(), randomVector };
}

/**
 * Hides `value` of the AVP with this attribute type; the result is 2 octets longer. The subformat is padded with
 * `padding` (random octets that mask the size), none where not given.
 */
export function hideAvpValue(
  attributeType: number,
  value: Uint8Array,
  hiding: AvpHiding,
  padding: Uint8Array = new Uint8Array(0),
): Uint8Array {
  const subformat = new Uint8Array(2 + value.length + padding.length);
  subformat[0] = value.length >>> 8;
  subformat[1] = value.length;
  subformat.set(value, 2);
  subformat.set(padding, 2 + value.length);
  let mask = firstMask(attributeType, hiding);
  for (let start = 0; start < subformat.length; start += BLOCK_BYTES) {
    const block = subformat.subarray(start, start + BLOCK_BYTES);
    xor(block, mask);
    mask = nextMask(hiding.secret, block);
  }
  return subformat;
}

/**
 * Opens a hidden value. Throws ProtocolError (length is wrong) where the subformat is shorter than its length field
 * or the length of the original value lies, as it does under another secret.
 */
export function openAvpValue(attributeType: number, hidden: Uint8Array, hiding: AvpHiding): Uint8Array {
  if (hidden.length < 2) throw new ProtocolError(`a hidden value of ${hidden.length} bytes`, 0);
  const subformat = hidden.slice();
  let mask = firstMask(attributeType, hiding);
  for (let start = 0; start < subformat.length; start += BLOCK_BYTES) {
    xor(subformat.subarray(start, start + BLOCK_BYTES), mask);
    mask = nextMask(hiding.secret, hidden.subarray(start, start + BLOCK_BYTES));
  }
  const length_bytes = (subformat[0] << 8) | subformat[1];
  if (length_bytes > subformat.length - 2) {
    throw new ProtocolError(`a hidden value of ${hidden.length} bytes cannot hold the length that it opens to`, 0);
  }
  return subformat.slice(2, 2 + length_bytes);
}

function firstMask(attributeType: number, { secret, randomVector }: AvpHiding): Uint8Array {
  const attribute = Uint8Array.of(attributeType >>> 8, attributeType);
  return createHash('md5').update(attribute).update(secret).update(randomVector).digest();
}

function nextMask(secret: Uint8Array, cipherBlock: Uint8Array): Uint8Array {
  return createHash('md5').update(secret).update(cipherBlock).digest();
}

/** Changes `block`, which may be shorter than the mask at the end of the value. */
function xor(block: Uint8Array, mask: Uint8Array): void {
  for (let i = 0; i < block.length; i++) block[i] ^= mask[i];
}
