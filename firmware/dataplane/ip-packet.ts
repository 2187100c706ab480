/**
 * What the packet path needs to know of an IP packet: whether its lengths are true, its scope, and where it goes. Reads
 * in place, allocates and changes nothing.
 *
 *   IPv4 (RFC 791 section 3.1): version 4 bits, header length 4 bits (words); total length at 2; flags and fragment
 *                               offset at 6; protocol at 9; source at 12; destination at 16
 *   IPv6 (RFC 8200 section 3):  version 4 bits; payload length at 4; next header at 6; source at 8; destination at 24
 */
export const IPV4_HEADER_BYTES = 20;
export const IPV6_HEADER_BYTES = 40;
export const IPV4_SOURCE_AT = 12;
export const IPV4_DESTINATION_AT = 16;
export const IPV6_SOURCE_AT = 8;
export const IPV6_DESTINATION_AT = 24;
export const IP_PROTOCOL = { tcp: 6, udp: 17 } as const;

const UDP_HEADER_BYTES = 8;
const UDP_DESTINATION_PORT_AT = 2;
const DONT_FRAGMENT = 0x40;

/**
 * The packet's own length in bytes, which is at most `available_bytes`; 0 where header length, total length and what is
 * there do not fit each other.
 */
export function ipv4Length(memory: Uint8Array, offset: number, available_bytes: number): number {
  if (available_bytes < IPV4_HEADER_BYTES || memory[offset] >>> 4 !== 4) return 0;
  const header_bytes = ipv4HeaderBytes(memory, offset);
  const total_bytes = (memory[offset + 2] << 8) | memory[offset + 3];
  if (header_bytes < IPV4_HEADER_BYTES || total_bytes < header_bytes || total_bytes > available_bytes) return 0;
  return total_bytes;
}

/** The same for IPv6: its header and the payload length that it says. */
export function ipv6Length(memory: Uint8Array, offset: number, available_bytes: number): number {
  if (available_bytes < IPV6_HEADER_BYTES || memory[offset] >>> 4 !== 6) return 0;
  const total_bytes = IPV6_HEADER_BYTES + ((memory[offset + 4] << 8) | memory[offset + 5]);
  return total_bytes > available_bytes ? 0 : total_bytes;
}

export function ipv4HeaderBytes(memory: Uint8Array, offset: number): number {
  return 4 * (memory[offset] & 0x0f);
}

export function mayFragment(memory: Uint8Array, offset: number): boolean {
  return (memory[offset + 6] & DONT_FRAGMENT) === 0;
}

/** Whether this is no fragment but the first, whose payload therefore begins with the header of the next protocol. */
export function isFirstFragment(memory: Uint8Array, offset: number): boolean {
  return (memory[offset + 6] & 0x1f) === 0 && memory[offset + 7] === 0;
}

/** Whether an IPv4 packet goes to this UDP port. */
export function isIpv4UdpTo(memory: Uint8Array, offset: number, length_bytes: number, port: number): boolean {
  if (memory[offset + 9] !== IP_PROTOCOL.udp || !isFirstFragment(memory, offset)) return false;
  return isUdpTo(memory, offset, ipv4HeaderBytes(memory, offset), length_bytes, port);
}

/** The same for IPv6, without extension headers. */
export function isIpv6UdpTo(memory: Uint8Array, offset: number, length_bytes: number, port: number): boolean {
  if (memory[offset + 6] !== IP_PROTOCOL.udp) return false;
  return isUdpTo(memory, offset, IPV6_HEADER_BYTES, length_bytes, port);
}

function isUdpTo(memory: Uint8Array, offset: number, header_bytes: number, length_bytes: number, port: number) {
  if (length_bytes < header_bytes + UDP_HEADER_BYTES) return false;
  const at = offset + header_bytes + UDP_DESTINATION_PORT_AT;
  return ((memory[at] << 8) | memory[at + 1]) === port;
}

/** Whether an IPv6 packet must not leave its link: fe80::/10 at either end, or multicast of no wider scope. */
export function isIpv6LinkLocal(memory: Uint8Array, offset: number): boolean {
  return (
    isLinkLocalUnicast(memory, offset + IPV6_SOURCE_AT) ||
    isLinkLocalUnicast(memory, offset + IPV6_DESTINATION_AT) ||
    isLinkLocalMulticast(memory, offset + IPV6_DESTINATION_AT)
  );
}

/** RFC 4291 section 2.5.6. */
function isLinkLocalUnicast(memory: Uint8Array, addressOffset: number): boolean {
  return memory[addressOffset] === 0xfe && (memory[addressOffset + 1] & 0xc0) === 0x80;
}

/** RFC 4291 section 2.7: ff02::/16, and its like with other flags or of interface-local scope. */
function isLinkLocalMulticast(memory: Uint8Array, addressOffset: number): boolean {
  return memory[addressOffset] === 0xff && (memory[addressOffset + 1] & 0x0f) <= 2;
}
