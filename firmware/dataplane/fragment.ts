/**
 * Cuts an IPv4 packet into fragments, RFC 791 section 3.2, for a link that takes less than the network it came from.
 * The first fragment stays where the packet was, the others are built in slots of their own. Decides nothing: who calls
 * this knows that the packet is too long and may be cut.
 */
import { internetChecksum } from '../wire/ip.js';
import { IPV4_HEADER_BYTES, ipv4HeaderBytes } from './ip-packet.js';

const MORE_FRAGMENTS = 0x20;
const FLAGS_MASK = 0xe0;
const FRAGMENT_UNIT_BYTES = 8;
const OPTION = { end: 0, noOperation: 1 } as const;
/** The bit of an option's type that says that every fragment carries it (RFC 791 section 3.1). */
const COPIED = 0x80;

/** Octets of payload that each fragment but the last carries; 0 where `mtu_bytes` does not take header and 8 octets. */
export function fragmentPayloadBytes(memory: Uint8Array, offset: number, mtu_bytes: number): number {
  const room_bytes = mtu_bytes - ipv4HeaderBytes(memory, offset);
  return room_bytes < FRAGMENT_UNIT_BYTES ? 0 : room_bytes - (room_bytes % FRAGMENT_UNIT_BYTES);
}

/**
 * Writes the fragment of `packet_bytes` at `offset` that carries `payload_bytes` from `payloadOffset` (octets into the
 * packet's payload) at `to`, and gives its length. To be called for all fragments but the first before the first is cut.
 */
export function emitFragment(
  memory: Uint8Array,
  to: number,
  offset: number,
  packet_bytes: number,
  payloadOffset: number,
  payload_bytes: number,
): number {
  const from_bytes = ipv4HeaderBytes(memory, offset);
  const header_bytes = emitFragmentHeader(memory, to, offset, from_bytes);
  const start = offset + from_bytes + payloadOffset;
  memory.copyWithin(to + header_bytes, start, start + payload_bytes);
  const isLast = from_bytes + payloadOffset + payload_bytes === packet_bytes;
  const hasMore = !isLast || (memory[offset + 6] & MORE_FRAGMENTS) !== 0;
  finishHeader(memory, to, header_bytes, payload_bytes, payloadOffset, hasMore);
  return header_bytes + payload_bytes;
}

/** Makes the header of the packet at `offset` that of its first fragment, which carries `payload_bytes`. */
export function cutToFirstFragment(memory: Uint8Array, offset: number, payload_bytes: number): void {
  finishHeader(memory, offset, ipv4HeaderBytes(memory, offset), payload_bytes, 0, true);
}

/** The header with those options alone that are copied, padded to whole words; gives its length. */
function emitFragmentHeader(memory: Uint8Array, to: number, from: number, from_bytes: number): number {
  memory.copyWithin(to, from, from + IPV4_HEADER_BYTES);
  let out = to + IPV4_HEADER_BYTES;
  let at = from + IPV4_HEADER_BYTES;
  const end = from + from_bytes;
  while (at < end && memory[at] !== OPTION.end) {
    const option_bytes = memory[at] === OPTION.noOperation || at + 1 === end ? 1 : memory[at + 1];
    if (option_bytes === 0 || at + option_bytes > end) break;
    if ((memory[at] & COPIED) !== 0) {
      memory.copyWithin(out, at, at + option_bytes);
      out += option_bytes;
    }
    at += option_bytes;
  }
  while (((out - to) & 3) !== 0) memory[out++] = OPTION.end;
  const header_bytes = out - to;
  memory[to] = 0x40 | (header_bytes >>> 2);
  return header_bytes;
}

/** Lengths, offset, flags and checksum of a fragment; `payloadOffset` counts from the packet that is cut. */
function finishHeader(
  memory: Uint8Array,
  at: number,
  header_bytes: number,
  payload_bytes: number,
  payloadOffset: number,
  hasMore: boolean,
): void {
  const total_bytes = header_bytes + payload_bytes;
  const units = (((memory[at + 6] & ~FLAGS_MASK) << 8) | memory[at + 7]) + payloadOffset / FRAGMENT_UNIT_BYTES;
  memory[at + 2] = total_bytes >>> 8;
  memory[at + 3] = total_bytes;
  memory[at + 6] = (memory[at + 6] & FLAGS_MASK & ~MORE_FRAGMENTS) | (hasMore ? MORE_FRAGMENTS : 0) | (units >>> 8);
  memory[at + 7] = units;
  memory[at + 10] = 0;
  memory[at + 11] = 0;
  const checksum = internetChecksum(memory, at, header_bytes);
  memory[at + 10] = checksum >>> 8;
  memory[at + 11] = checksum;
}
