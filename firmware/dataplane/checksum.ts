/**
 * The internet checksum over one memory (RFC 1071): sums of its parts and of the pseudo-headers of what IP carries, in
 * plain TypeScript. Writes nothing, and does not know what the packets are for.
 */
import { IPV4_SOURCE_AT, IPV6_SOURCE_AT } from './ip-packet.js';

/** Source and destination, which stand side by side. */
const IPV4_ADDRESSES_BYTES = 8;
const IPV6_ADDRESSES_BYTES = 32;
const IS_LITTLE_ENDIAN = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

/** Ones' complement sums over one memory. */
export interface Checksums {
  /**
   * The sum of 16-bit words, most significant octet first, of `length_bytes` octets from `offset`, all in the memory and
   * at most 2**17; folded to 16 bits, not complemented. An odd last octet is the high half of a word. `sum`, up to 32
   * bits unsigned, is one to go on from.
   */
  sum(offset: number, length_bytes: number, sum: number): number;
}

/** Folds a sum of up to 32 bits, unsigned, to 16; 0 alone becomes 0. */
export function foldSum(sum: number): number {
  const once = (sum & 0xffff) + (sum >>> 16);
  return (once & 0xffff) + (once >>> 16);
}

/**
 * Reads words of 32 bits as the machine has them: in ones' complement a sum of swapped words is the swapped sum (RFC
 * 1071 section 2, "Byte Order Independence" and "Parallel Summation").
 */
export function plainChecksums(memory: Uint8Array): Checksums {
  const base = memory.byteOffset;
  const octets = new Uint8Array(memory.buffer);
  const words16 = new Uint16Array(memory.buffer, 0, octets.length >>> 1);
  const words32 = new Uint32Array(memory.buffer, 0, octets.length >>> 2);

  /** The folded sum in the machine's order of octets, from an even place on. */
  function sumFromEven(from: number, end: number): number {
    let at = from;
    let low = 0;
    let high = 0;
    if ((at & 2) !== 0 && at + 2 <= end) {
      low = words16[at >>> 1];
      at += 2;
    }
    for (; at + 16 <= end; at += 16) {
      const i = at >>> 2;
      const a = words32[i];
      const b = words32[i + 1];
      const c = words32[i + 2];
      const d = words32[i + 3];
      low += (a & 0xffff) + (b & 0xffff) + (c & 0xffff) + (d & 0xffff);
      high += (a >>> 16) + (b >>> 16) + (c >>> 16) + (d >>> 16);
    }
    for (; at + 4 <= end; at += 4) {
      const word = words32[at >>> 2];
      low += word & 0xffff;
      high += word >>> 16;
    }
    if (at + 2 <= end) {
      low += words16[at >>> 1];
      at += 2;
    }
    if (at < end) low += IS_LITTLE_ENDIAN ? octets[at] : octets[at] << 8;
    return foldSum(foldSum(low) + foldSum(high));
  }

  function sum(offset: number, length_bytes: number, start: number): number {
    const from = base + offset;
    const end = from + length_bytes;
    // From an odd place on, each word's halves lie in two of the machine's words: there they are swapped once more.
    const isOdd = (from & 1) === 1 && from < end;
    const first = isOdd ? octets[from] << 8 : 0;
    const rest = sumFromEven(isOdd ? from + 1 : from, end);
    const inOrder = IS_LITTLE_ENDIAN === isOdd ? rest : ((rest & 0xff) << 8) | (rest >>> 8);
    return foldSum(foldSum(start) + first + inOrder);
  }

  return { sum };
}

/**
 * The sum of the pseudo-header that TCP's and UDP's checksum begins with, of an IPv4 packet at `offset` (RFC 9293 section
 * 3.1, RFC 768): addresses, protocol, and the octets behind the IP header.
 */
export function pseudoHeaderSumIpv4(checksums: Checksums, offset: number, protocol: number, payload_bytes: number) {
  return checksums.sum(offset + IPV4_SOURCE_AT, IPV4_ADDRESSES_BYTES, protocol + payload_bytes);
}

/** The same of an IPv6 packet without a routing header, RFC 8200 section 8.1; `payload_bytes` without extension headers. */
export function pseudoHeaderSumIpv6(checksums: Checksums, offset: number, protocol: number, payload_bytes: number) {
  return checksums.sum(offset + IPV6_SOURCE_AT, IPV6_ADDRESSES_BYTES, protocol + payload_bytes);
}
