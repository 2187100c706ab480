/**
 * UDP datagrams that tell, wherever they come out, to which run they belong and when they were sent: built, marked,
 * read. Sends nothing, has no clock.
 *
 * The mark is the last 16 octets of the payload. Its second half is the complement of the first, so that the sum under
 * the UDP checksum is the same for every mark:
 *
 *   | run (32) | stamp (32) | complement of run (32) | complement of stamp (32) |
 */
import { ByteWriter } from '../../firmware/wire/bytes.js';
import { internetChecksum, parseAddress, updateChecksum } from '../../firmware/wire/ip.js';
import { emitDataHeader } from '../../firmware/wire/l2tp.js';
import type { StandingCall } from './calls.js';

export const MARK_BYTES = 16;
const IP_HEADER_BYTES = 20;
const UDP_HEADER_BYTES = 8;
const UDP = 17;
const TTL = 64;
/** As hosts send UDP that find out the path's MTU. */
const DONT_FRAGMENT = 0x4000;
const IDENTIFICATION_AT = 4;
const CHECKSUM_AT = 10;
/** Of the IP header in a frame: behind an L2TP header without options, and PPP with FF 03. */
const IP_AT = 6 + 4;

export interface UdpAbout {
  destination: string;
  sourcePort: number;
  destinationPort: number;
  /** Even, 16 or more. */
  payload_bytes: number;
}

/** An L2TP data packet of the call: PPP with FF 03, IPv4, UDP with its checksum, a payload that ends in a mark. */
export function emitUserFrame(
  call: StandingCall,
  { destination, sourcePort, destinationPort, payload_bytes }: UdpAbout,
): Uint8Array {
  const header = emitDataHeader({ tunnelId: call.peerTunnelId, sessionId: call.peerSessionId });
  const udp_bytes = UDP_HEADER_BYTES + payload_bytes;
  const addresses = [parseAddress(call.address), parseAddress(destination)] as const;
  const ip = new ByteWriter(IP_HEADER_BYTES).u16(0x4500).u16(IP_HEADER_BYTES + udp_bytes);
  ip.u16(0).u16(DONT_FRAGMENT).u8(TTL).u8(UDP).u16(0).bytes(addresses[0]).bytes(addresses[1]);
  ip.patchU16(10, internetChecksum(ip.finish(), 0, IP_HEADER_BYTES));
  const pseudo = new ByteWriter(12 + udp_bytes).bytes(addresses[0]).bytes(addresses[1]).u16(UDP).u16(udp_bytes);
  const udp = new ByteWriter(udp_bytes)
    .u16(sourcePort)
    .u16(destinationPort)
    .u16(udp_bytes)
    .u16(0)
    .bytes(markedPayload(payload_bytes));
  const summed = pseudo.bytes(udp.finish()).finish();
  // RFC 768: a checksum of 0 means that there is none; the other zero is meant.
  udp.patchU16(6, internetChecksum(summed, 0, summed.length) || 0xffff);
  const ppp = Uint8Array.of(0xff, 0x03, 0x00, 0x21);
  return new ByteWriter(header.length + ppp.length + IP_HEADER_BYTES + udp_bytes)
    .bytes(header)
    .bytes(ppp)
    .bytes(ip.finish())
    .bytes(udp.finish())
    .finish();
}

/** Gives the packet in a frame that lies at `at` its Identification, 16 bits: hosts count their packets so. */
export function numberPacket(bytes: Uint8Array, at: number, identification: number): void {
  const ip = at + IP_AT;
  const old = read16(bytes, ip + IDENTIFICATION_AT);
  write16(bytes, ip + CHECKSUM_AT, updateChecksum(read16(bytes, ip + CHECKSUM_AT), old, identification));
  write16(bytes, ip + IDENTIFICATION_AT, identification);
}

/** A payload of zeros that ends in a mark. */
export function markedPayload(payload_bytes: number): Uint8Array {
  const payload = new Uint8Array(payload_bytes);
  writeMark(payload, payload_bytes, 0, 0);
  return payload;
}

/** Marks what ends at `end` as sent in this run at this time; both are 32 bits. */
export function writeMark(bytes: Uint8Array, end: number, run: number, stamp: number): void {
  const at = end - MARK_BYTES;
  write32(bytes, at, run);
  write32(bytes, at + 4, stamp);
  write32(bytes, at + 8, ~run);
  write32(bytes, at + 12, ~stamp);
}

/** The stamp of what ends at `end`; -1 where that has no mark of this run. */
export function readMark(bytes: Uint8Array, end: number, run: number): number {
  const at = end - MARK_BYTES;
  const stamp = read32(bytes, at + 4);
  const isOfRun = read32(bytes, at) === run >>> 0 && read32(bytes, at + 8) === ~run >>> 0;
  return isOfRun && read32(bytes, at + 12) === ~stamp >>> 0 ? stamp : -1;
}

function write16(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 8;
  bytes[at + 1] = value;
}

function read16(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 8) | bytes[at + 1]!;
}

function write32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24;
  bytes[at + 1] = value >>> 16;
  bytes[at + 2] = value >>> 8;
  bytes[at + 3] = value;
}

function read32(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0;
}
