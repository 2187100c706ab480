/**
 * PPPoE (RFC 2516) behind the Ethernet header: the header of both stages, and the TAGs of discovery. Must not decide what
 * is answered.
 *
 *    0                   1                   2                   3
 *    0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *   +-------+-------+---------------+-------------------------------+
 *   | VER 1 | TYPE 1|      CODE     |          SESSION_ID           |
 *   +-------+-------+---------------+-------------------------------+
 *   |       LENGTH of the payload   | payload: TAGs, or a PPP frame from its protocol on
 *   +-------------------------------+
 *   A TAG: | TAG_TYPE (16) | TAG_LENGTH (16), of the value | TAG_VALUE |
 *
 * What stands behind the payload fills a frame up to the 60 octets that Ethernet asks for, and is nothing.
 */
import { ByteReader, ByteWriter, ERROR_CODE, ProtocolError } from './bytes.js';

/** ETHER_TYPE of the two stages, section 4. */
export const PPPOE_ETHER_TYPE = { discovery: 0x8863, session: 0x8864 } as const;

/** CODE, sections 5 and 6. */
export const PPPOE_CODE = { session: 0x00, pado: 0x07, padi: 0x09, padr: 0x19, pads: 0x65, padt: 0xa7 } as const;

/** TAG_TYPE: appendix A, and RFC 4638 for PPP-Max-Payload. */
export const PPPOE_TAG = {
  endOfList: 0x0000,
  serviceName: 0x0101,
  acName: 0x0102,
  hostUniq: 0x0103,
  acCookie: 0x0104,
  vendorSpecific: 0x0105,
  relaySessionId: 0x0110,
  pppMaxPayload: 0x0120,
  serviceNameError: 0x0201,
  acSystemError: 0x0202,
  genericError: 0x0203,
} as const;

export const PPPOE_HEADER_BYTES = 6;
/** A whole PADI, so that a relay agent has room for a Relay-Session-Id: section 5.1. */
export const MAX_PADI_BYTES = 1484;
/** The largest MRU without PPP-Max-Payload: section 7. */
export const PPPOE_MRU_BYTES = 1492;
/** Section 4: reserved, and MUST NOT be used. */
export const RESERVED_SESSION_ID = 0xffff;
const VERSION_AND_TYPE = 0x11;

export interface PppoeHeader {
  code: number;
  sessionId: number;
  /** Where the payload begins and ends, from the start of what was parsed. */
  payloadOffset: number;
  payloadEnd: number;
}

export interface PppoeTag {
  type: number;
  value: Uint8Array;
}

export interface DiscoveryPacket {
  code: number;
  sessionId: number;
  tags: readonly PppoeTag[];
}

/** Reads the header. Throws ProtocolError for another VER or TYPE, and for a LENGTH beyond what there is. */
export function parsePppoeHeader(packet: Uint8Array): PppoeHeader {
  const reader = new ByteReader(packet);
  if (reader.u8() !== VERSION_AND_TYPE) throw new ProtocolError('VER or TYPE not 1', 0, ERROR_CODE.valueOutOfRange);
  const code = reader.u8();
  const sessionId = reader.u16();
  const payload_bytes = reader.u16();
  if (payload_bytes > reader.remaining_bytes) {
    throw new ProtocolError(`LENGTH ${payload_bytes}, ${reader.remaining_bytes} bytes left`, PPPOE_HEADER_BYTES - 2);
  }
  return { code, sessionId, payloadOffset: reader.offset, payloadEnd: reader.offset + payload_bytes };
}

/** Six octets of header in front of a payload of this length. */
export function emitPppoeHeader(code: number, sessionId: number, payload_bytes: number): Uint8Array {
  return new ByteWriter(PPPOE_HEADER_BYTES).u8(VERSION_AND_TYPE).u8(code).u16(sessionId).u16(payload_bytes).finish();
}

/**
 * Reads the TAGs of a payload up to its end or End-Of-List, those of unknown type too. Values are views, not copies.
 * Throws ProtocolError for a TAG that reaches beyond the payload, and for an End-Of-List with a value (appendix A).
 */
export function parseTags(payload: Uint8Array): PppoeTag[] {
  const reader = new ByteReader(payload);
  const tags: PppoeTag[] = [];
  while (reader.remaining_bytes > 0) {
    const start = reader.offset;
    const type = reader.u16();
    const value = reader.take(reader.u16());
    if (type === PPPOE_TAG.endOfList) {
      if (value.length > 0) throw new ProtocolError('End-Of-List with a value', start);
      break;
    }
    tags.push({ type, value });
  }
  return tags;
}

/** Reads a packet of the discovery stage, behind its Ethernet header. Throws ProtocolError as those do that it uses. */
export function parseDiscoveryPacket(packet: Uint8Array): DiscoveryPacket {
  const { code, sessionId, payloadOffset, payloadEnd } = parsePppoeHeader(packet);
  return { code, sessionId, tags: parseTags(packet.subarray(payloadOffset, payloadEnd)) };
}

/** The packet on the wire, behind its Ethernet header. Throws RangeError where a length does not fit its field. */
export function emitDiscoveryPacket({ code, sessionId, tags }: DiscoveryPacket): Uint8Array {
  const payload = new ByteWriter();
  for (const { type, value } of tags) {
    if (value.length > 0xffff) throw new RangeError(`a TAG of ${value.length} bytes`);
    payload.u16(type).u16(value.length).bytes(value);
  }
  if (payload.length_bytes > 0xffff) throw new RangeError(`a payload of ${payload.length_bytes} bytes`);
  const header = emitPppoeHeader(code, sessionId, payload.length_bytes);
  return new ByteWriter(header.length + payload.length_bytes).bytes(header).bytes(payload.finish()).finish();
}

/** The value of the first TAG of this type. */
export function tagValue(tags: readonly PppoeTag[], type: number): Uint8Array | undefined {
  return tags.find((tag) => tag.type === type)?.value;
}

/** PPP-Max-Payload: | octets of PPP payload that the host can take (16) |. Throws ProtocolError for another length. */
export function parsePppMaxPayload(value: Uint8Array): number {
  const reader = new ByteReader(value);
  const payload_bytes = reader.u16();
  reader.expectEnd();
  return payload_bytes;
}

export function emitPppMaxPayload(payload_bytes: number): PppoeTag {
  return { type: PPPOE_TAG.pppMaxPayload, value: new ByteWriter(2).u16(payload_bytes).finish() };
}
