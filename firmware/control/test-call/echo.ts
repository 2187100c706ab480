/** An ICMP Echo in an IPv4 packet (RFC 792), to see whether a call carries packets. Pure. */
import { internetChecksum, parseAddress } from '../../wire/ip.js';

const HEADER_BYTES = 20;
const ECHO_BYTES = 8;
const ICMP = 1;
const [ECHO_REQUEST, ECHO_REPLY] = [8, 0];

/**
 *    | 45 | 00 | total length | identification | 0 | TTL | 01 | checksum | source | destination |
 *    | 08 | 00 | checksum | identifier | sequence number |
 */
export function emitEchoRequest(source: string, destination: string, identifier: number): Uint8Array {
  const packet = new Uint8Array(HEADER_BYTES + ECHO_BYTES);
  const view = new DataView(packet.buffer);
  packet.set([0x45, 0, 0, packet.length, 0, 0, 0, 0, 64, ICMP]);
  packet.set(parseAddress(source), 12);
  packet.set(parseAddress(destination), 16);
  view.setUint16(10, internetChecksum(packet, 0, HEADER_BYTES));
  packet[HEADER_BYTES] = ECHO_REQUEST;
  view.setUint16(HEADER_BYTES + 4, identifier);
  view.setUint16(HEADER_BYTES + 2, internetChecksum(packet, HEADER_BYTES, ECHO_BYTES));
  return packet;
}

/** Whether that is the answer to the request with this identifier. */
export function isEchoReply(packet: Uint8Array, identifier: number): boolean {
  if (packet.length < HEADER_BYTES || packet[9] !== ICMP) return false;
  const at = (packet[0]! & 0x0f) * 4;
  if (packet.length < at + ECHO_BYTES) return false;
  return packet[at] === ECHO_REPLY && ((packet[at + 4]! << 8) | packet[at + 5]!) === identifier;
}
