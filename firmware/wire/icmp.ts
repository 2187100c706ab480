/**
 * The two ICMP errors by which a router says that a packet does not fit: IPv4 "fragmentation needed" (RFC 792 type 3
 * code 4 with the next hop's MTU, RFC 1191 section 4) and IPv6 "packet too big" (RFC 4443 section 3.2). Built from the
 * offending packet into a buffer that the caller owns: allocates nothing. Must not decide when a packet does not fit.
 *
 *   +---------------+---------------+-------------------------------+
 *   |     Type      |     Code      |           Checksum            |
 *   +---------------+---------------+-------------------------------+
 *   | IPv4: unused (16), Next-Hop MTU (16)      IPv6: MTU (32)      |
 *   +---------------------------------------------------------------+
 *   | as much of the offending packet as the limit lets in ...
 */
import { internetChecksum, onesComplementSum } from './ip.js';

const ICMP_PROTOCOL = 1;
const ICMPV6_PROTOCOL = 58;
const IPV4_HEADER_BYTES = 20;
const IPV6_HEADER_BYTES = 40;
const ICMP_HEADER_BYTES = 8;
const TTL = 64;

/** RFC 1812 section 4.3.2.3: as much of the packet as fits without the error exceeding 576 octets. */
export const ICMP_ERROR_LIMIT_BYTES = 576;
/** RFC 4443 section 3.2: as much of the packet as fits without the error exceeding the minimum IPv6 MTU. */
export const ICMPV6_ERROR_LIMIT_BYTES = 1280;

/**
 * Writes a whole IPv4 packet at `out[outOffset]`, at most ICMP_ERROR_LIMIT_BYTES, and gives its length. `packet` holds
 * the offending IPv4 packet at `packetOffset` (its `packet_bytes` include its header); `source` is the router's
 * address. Gives 0 where no error may be sent (RFC 1812 section 4.3.2.7): about a fragment but the first, about an
 * ICMP error, to or about an address that is no single host's, or about less than a header.
 */
export function emitFragmentationNeeded(
  out: Uint8Array,
  outOffset: number,
  packet: Uint8Array,
  packetOffset: number,
  packet_bytes: number,
  source: Uint8Array,
  mtu_bytes: number,
): number {
  if (!mayAnswerIpv4(packet, packetOffset, packet_bytes)) return 0;
  const quoted_bytes = Math.min(packet_bytes, ICMP_ERROR_LIMIT_BYTES - IPV4_HEADER_BYTES - ICMP_HEADER_BYTES);
  const total_bytes = IPV4_HEADER_BYTES + ICMP_HEADER_BYTES + quoted_bytes;
  out[outOffset] = 0x45;
  out[outOffset + 1] = 0xc0; // precedence 6, internetwork control: RFC 1812 section 4.3.2.5
  writeU16(out, outOffset + 2, total_bytes);
  writeU32(out, outOffset + 4, 0); // identification, flags, fragment offset: it fits any link
  out[outOffset + 8] = TTL;
  out[outOffset + 9] = ICMP_PROTOCOL;
  writeU16(out, outOffset + 10, 0);
  copy(out, outOffset + 12, source, 0, 4);
  copy(out, outOffset + 16, packet, packetOffset + 12, 4);
  writeU16(out, outOffset + 10, internetChecksum(out, outOffset, IPV4_HEADER_BYTES));
  const icmp = outOffset + IPV4_HEADER_BYTES;
  out[icmp] = 3;
  out[icmp + 1] = 4;
  writeU16(out, icmp + 2, 0);
  writeU16(out, icmp + 4, 0);
  writeU16(out, icmp + 6, mtu_bytes);
  copy(out, icmp + ICMP_HEADER_BYTES, packet, packetOffset, quoted_bytes);
  writeU16(out, icmp + 2, internetChecksum(out, icmp, ICMP_HEADER_BYTES + quoted_bytes));
  return total_bytes;
}

function mayAnswerIpv4(packet: Uint8Array, offset: number, packet_bytes: number): boolean {
  if (packet_bytes < IPV4_HEADER_BYTES || packet[offset] >>> 4 !== 4) return false;
  const fragmentOffset = ((packet[offset + 6] & 0x1f) << 8) | packet[offset + 7];
  if (fragmentOffset !== 0) return false;
  if (!isSingleIpv4Host(packet, offset + 12) || !isSingleIpv4Host(packet, offset + 16)) return false;
  if (packet[offset + 9] !== ICMP_PROTOCOL) return true;
  const icmp_offset = 4 * (packet[offset] & 0x0f);
  return packet_bytes > icmp_offset && isIcmpQuery(packet[offset + icmp_offset]);
}

/** Not 0/8, loopback, multicast, reserved nor the limited broadcast. */
function isSingleIpv4Host(bytes: Uint8Array, offset: number): boolean {
  const first = bytes[offset];
  return first !== 0 && first !== 127 && first < 224;
}

/** Echo and its reply, router discovery, timestamp, information, address mask: the types that are no errors. */
function isIcmpQuery(type: number): boolean {
  return type === 0 || (type >= 8 && type <= 10) || (type >= 13 && type <= 18);
}

/**
 * Writes a whole IPv6 packet at `out[outOffset]`, at most ICMPV6_ERROR_LIMIT_BYTES, and gives its length. Arguments as
 * above. Gives 0 where no error may be sent (RFC 4443 section 2.4 e): about an ICMPv6 error or a redirect, or to a
 * source that is no single node. A packet to a multicast address is answered: path MTU discovery needs it.
 */
export function emitPacketTooBig(
  out: Uint8Array,
  outOffset: number,
  packet: Uint8Array,
  packetOffset: number,
  packet_bytes: number,
  source: Uint8Array,
  mtu_bytes: number,
): number {
  if (!mayAnswerIpv6(packet, packetOffset, packet_bytes)) return 0;
  const quoted_bytes = Math.min(packet_bytes, ICMPV6_ERROR_LIMIT_BYTES - IPV6_HEADER_BYTES - ICMP_HEADER_BYTES);
  const payload_bytes = ICMP_HEADER_BYTES + quoted_bytes;
  writeU32(out, outOffset, 0x60000000);
  writeU16(out, outOffset + 4, payload_bytes);
  out[outOffset + 6] = ICMPV6_PROTOCOL;
  out[outOffset + 7] = TTL;
  copy(out, outOffset + 8, source, 0, 16);
  copy(out, outOffset + 24, packet, packetOffset + 8, 16);
  const icmp = outOffset + IPV6_HEADER_BYTES;
  out[icmp] = 2;
  out[icmp + 1] = 0;
  writeU16(out, icmp + 2, 0);
  writeU32(out, icmp + 4, mtu_bytes);
  copy(out, icmp + ICMP_HEADER_BYTES, packet, packetOffset, quoted_bytes);
  // RFC 8200 section 8.1: the pseudo-header is both addresses, the length and the next header.
  const pseudoHeader = onesComplementSum(out, outOffset + 8, 32, payload_bytes + ICMPV6_PROTOCOL);
  writeU16(out, icmp + 2, internetChecksum(out, icmp, payload_bytes, pseudoHeader));
  return IPV6_HEADER_BYTES + payload_bytes;
}

function mayAnswerIpv6(packet: Uint8Array, offset: number, packet_bytes: number): boolean {
  if (packet_bytes < IPV6_HEADER_BYTES || packet[offset] >>> 4 !== 6) return false;
  if (packet[offset + 8] === 0xff || isUnspecified(packet, offset + 8)) return false;
  const isIcmp = packet[offset + 6] === ICMPV6_PROTOCOL;
  if (!isIcmp) return true;
  if (packet_bytes <= IPV6_HEADER_BYTES) return false;
  const type = packet[offset + IPV6_HEADER_BYTES];
  const redirect = 137;
  return type >= 128 && type !== redirect; // below 128 are the errors, RFC 4443 section 2.1
}

function isUnspecified(bytes: Uint8Array, offset: number): boolean {
  for (let i = 0; i < 16; i++) if (bytes[offset + i] !== 0) return false;
  return true;
}

function writeU16(out: Uint8Array, offset: number, value: number): void {
  out[offset] = value >>> 8;
  out[offset + 1] = value;
}

function writeU32(out: Uint8Array, offset: number, value: number): void {
  writeU16(out, offset, value >>> 16);
  writeU16(out, offset + 2, value);
}

/** Not TypedArray.set with a subarray, which would allocate a view per packet. */
function copy(out: Uint8Array, outOffset: number, from: Uint8Array, fromOffset: number, length_bytes: number): void {
  for (let i = 0; i < length_bytes; i++) out[outOffset + i] = from[fromOffset + i];
}
