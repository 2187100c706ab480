/**
 * The headers of IP and UDP that a captured L2TP packet had on the wire, built anew: the packet path has never seen them.
 * Addresses, ports, lengths and checksums are as they were; TTL and identification are not known.
 */
import type { CapturedPacket } from '../../dataplane/interface.js';
import { internetChecksum, onesComplementSum } from '../../wire/ip.js';

const IPV4_HEADER_BYTES = 20;
const IPV6_HEADER_BYTES = 40;
const UDP_HEADER_BYTES = 8;
const PROTOCOL = { udp: 17, l2tp: 115 } as const;
const DONT_FRAGMENT = 0x40;
const TTL = 64;
/** Where an IPv4 address stands in its IPv6 form (RFC 4291 section 2.5.5.2). */
const MAPPED_IPV4_AT = 12;

/**
 * `localPort` is ours over UDP. The UDP checksum is over the octets that are there, and 0, which is none, where some of
 * them are missing.
 */
export function outerHeaders(packet: CapturedPacket, localPort: number): Uint8Array {
  const { kind, octets, wire_bytes, isSent, peerPort } = packet;
  const [local, peer] = [octetsOf(packet.localAddress), octetsOf(packet.peerAddress)];
  const isIpv4 = isMapped(peer);
  const udp_bytes = kind === 'udp' ? UDP_HEADER_BYTES : 0;
  const ip_bytes = isIpv4 ? IPV4_HEADER_BYTES : IPV6_HEADER_BYTES;
  const from = isIpv4 ? MAPPED_IPV4_AT : 0;
  const [source, destination] = (isSent ? [local, peer] : [peer, local]).map((address) => address.subarray(from));
  const protocol = kind === 'udp' ? PROTOCOL.udp : PROTOCOL.l2tp;
  const payload_bytes = udp_bytes + wire_bytes;
  const headers = new Uint8Array(ip_bytes + udp_bytes);
  const view = new DataView(headers.buffer);
  if (isIpv4) ipv4(headers, view, protocol, payload_bytes);
  else ipv6(headers, view, protocol, payload_bytes);
  headers.set(source, ip_bytes - 2 * source.length);
  headers.set(destination, ip_bytes - destination.length);
  if (isIpv4) view.setUint16(10, internetChecksum(headers, 0, IPV4_HEADER_BYTES));
  if (kind === 'ip') return headers;
  view.setUint16(ip_bytes, isSent ? localPort : peerPort);
  view.setUint16(ip_bytes + 2, isSent ? peerPort : localPort);
  view.setUint16(ip_bytes + 4, payload_bytes);
  if (octets.length < wire_bytes) return headers;
  const addresses = onesComplementSum(headers, ip_bytes - 2 * source.length, 2 * source.length);
  const pseudoHeader = onesComplementSum(headers, ip_bytes, udp_bytes, addresses + protocol + payload_bytes);
  // RFC 768: a sum of 0 is sent as all ones.
  view.setUint16(ip_bytes + 6, internetChecksum(octets, 0, octets.length, pseudoHeader) || 0xffff);
  return headers;
}

function ipv4(headers: Uint8Array, view: DataView, protocol: number, payload_bytes: number): void {
  headers[0] = 0x45;
  view.setUint16(2, IPV4_HEADER_BYTES + payload_bytes);
  headers[6] = DONT_FRAGMENT;
  headers[8] = TTL;
  headers[9] = protocol;
}

function ipv6(headers: Uint8Array, view: DataView, protocol: number, payload_bytes: number): void {
  headers[0] = 0x60;
  view.setUint16(4, payload_bytes);
  headers[6] = protocol;
  headers[7] = TTL;
}

function octetsOf(address: Uint32Array): Uint8Array {
  return new Uint8Array(address.buffer, address.byteOffset, address.byteLength);
}

function isMapped(address: Uint8Array): boolean {
  return address.every((octet, i) => i >= MAPPED_IPV4_AT || octet === (i >= 10 ? 0xff : 0));
}
