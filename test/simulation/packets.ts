/**
 * The octets that go over the simulated network, for both versions of L2TP over UDP and over IP: which packets are
 * control messages, and what a data packet of version 3 says up to its cookie. Must not know rows or tunnels.
 */

import type { TransportPath } from '../../firmware/protocol/l2tp/endpoint.js';
import { L2TP_FLAG } from '../../firmware/wire/l2tp.js';

type Encapsulation = TransportPath['encapsulation'];

/** RFC 3931 section 4.1.1.2: over IP a Session ID of 0 stands in front of a control message. */
const SESSION_ID_BYTES = 4;
/** RFC 3931 section 4.1.2.1: over UDP flags, version and reserved bits stand in front of a data message. */
const UDP_WORD_BYTES = 4;

/** A control message from its header on, as it goes over the network. */
export function wrapControl(message: Uint8Array, encapsulation: Encapsulation): Uint8Array {
  if (encapsulation === 'udp') return message;
  const packet = new Uint8Array(SESSION_ID_BYTES + message.length);
  packet.set(message, SESSION_ID_BYTES);
  return packet;
}

/** The control message from its header on; undefined for a data packet. */
export function unwrapControl(packet: Uint8Array, encapsulation: Encapsulation): Uint8Array | undefined {
  if (encapsulation === 'udp') return ((packet[0] << 8) & L2TP_FLAG.type) === 0 ? undefined : packet;
  if (packet.length < SESSION_ID_BYTES || u32(packet, 0) !== 0) return undefined;
  return packet.subarray(SESSION_ID_BYTES);
}

/** The version of a data packet. */
export function dataVersion(packet: Uint8Array, encapsulation: Encapsulation): number {
  return encapsulation === 'ip' ? 3 : packet[1] & 0x0f;
}

/** Of a version 3 data packet: its Session ID, and where the cookie begins; undefined for one that is too short. */
export function dataSession(
  packet: Uint8Array,
  encapsulation: Encapsulation,
): { sessionId: number; cookieAt: number } | undefined {
  const at = encapsulation === 'ip' ? 0 : UDP_WORD_BYTES;
  if (packet.length < at + SESSION_ID_BYTES) return undefined;
  return { sessionId: u32(packet, at), cookieAt: at + SESSION_ID_BYTES };
}

/** In network order. */
export function u32(octets: Uint8Array, at: number): number {
  return new DataView(octets.buffer, octets.byteOffset, octets.byteLength).getUint32(at);
}
