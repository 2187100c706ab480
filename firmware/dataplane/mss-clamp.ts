/**
 * Lowers the Maximum Segment Size that the two ends of a TCP connection tell each other, so that their segments fit
 * through the tunnel even where path MTU discovery is broken. Writes in place; adds no option where there is none
 * (RFC 9293 section 3.7.1: the default then is 536 or 1220).
 *
 *   TCP (RFC 9293 section 3.1): data offset at 12 (words, high 4 bits); flags at 13 (SYN 0x02); checksum at 16; options
 *   from 20 on. Option (section 3.2): kind, length, value; kinds 0 (end) and 1 (no-operation) are single octets; MSS is
 *   kind 2, length 4, 16 bits.
 */
import { updateChecksum } from '../wire/ip.js';
import { IP_PROTOCOL, IPV4_HEADER_BYTES, IPV6_HEADER_BYTES, ipv4HeaderBytes, isFirstFragment } from './ip-packet.js';

/** An IPv6 header is that much longer. */
const IPV6_EXCESS_BYTES = IPV6_HEADER_BYTES - IPV4_HEADER_BYTES;
const TCP_HEADER_BYTES = 20;
const TCP_DATA_OFFSET_AT = 12;
const TCP_FLAGS_AT = 13;
const TCP_CHECKSUM_AT = 16;
const SYN = 0x02;
const OPTION = { end: 0, noOperation: 1, maximumSegmentSize: 2 } as const;
const MSS_OPTION_BYTES = 4;

/** Of an IPv4 packet whose lengths are true. `mss_bytes` 0: nothing is changed. */
export function clampMssIpv4(memory: Uint8Array, offset: number, length_bytes: number, mss_bytes: number): void {
  if (mss_bytes === 0 || memory[offset + 9] !== IP_PROTOCOL.tcp || !isFirstFragment(memory, offset)) return;
  clampMss(memory, offset + ipv4HeaderBytes(memory, offset), offset + length_bytes, mss_bytes);
}

/** Of an IPv6 packet whose length is true, without extension headers. `mss_bytes` is that for IPv4: 20 more. */
export function clampMssIpv6(memory: Uint8Array, offset: number, length_bytes: number, mss_bytes: number): void {
  if (mss_bytes <= IPV6_EXCESS_BYTES || memory[offset + 6] !== IP_PROTOCOL.tcp) return;
  clampMss(memory, offset + IPV6_HEADER_BYTES, offset + length_bytes, mss_bytes - IPV6_EXCESS_BYTES);
}

function clampMss(memory: Uint8Array, tcp: number, end: number, mss_bytes: number): void {
  if (tcp + TCP_HEADER_BYTES > end || (memory[tcp + TCP_FLAGS_AT] & SYN) === 0) return;
  const optionsEnd = Math.min(end, tcp + 4 * (memory[tcp + TCP_DATA_OFFSET_AT] >>> 4));
  let at = tcp + TCP_HEADER_BYTES;
  while (at + 1 < optionsEnd && memory[at] !== OPTION.end) {
    if (memory[at] === OPTION.noOperation) {
      at++;
      continue;
    }
    const option_bytes = memory[at + 1];
    if (option_bytes < 2) return;
    if (memory[at] === OPTION.maximumSegmentSize) {
      if (option_bytes === MSS_OPTION_BYTES && at + MSS_OPTION_BYTES <= optionsEnd) {
        lower(memory, tcp, at + 2, mss_bytes);
      }
      return;
    }
    at += option_bytes;
  }
}

/** Writes the value at `at` down to `mss_bytes`, and the checksum after it. */
function lower(memory: Uint8Array, tcp: number, at: number, mss_bytes: number): void {
  const mss = (memory[at] << 8) | memory[at + 1];
  if (mss <= mss_bytes) return;
  memory[at] = mss_bytes >>> 8;
  memory[at + 1] = mss_bytes;
  // Behind a no-operation the value may straddle two of the words that are summed: the sum then sees its octets swapped.
  const straddles = ((at - tcp) & 1) === 1;
  const checksumAt = tcp + TCP_CHECKSUM_AT;
  const checksum = updateChecksum(
    (memory[checksumAt] << 8) | memory[checksumAt + 1],
    straddles ? swapped(mss) : mss,
    straddles ? swapped(mss_bytes) : mss_bytes,
  );
  memory[checksumAt] = checksum >>> 8;
  memory[checksumAt + 1] = checksum;
}

function swapped(word: number): number {
  return ((word & 0xff) << 8) | (word >>> 8);
}
