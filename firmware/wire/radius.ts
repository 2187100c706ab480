/**
 * RADIUS packets, RFC 2865 section 3: the header and the list of attributes. Must know neither what an attribute means
 * (radius-attributes.ts) nor secrets.
 *
 *    0                   1                   2                   3
 *    0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *   +---------------+---------------+-------------------------------+
 *   |     Code      |  Identifier   | Length, of all but padding    |
 *   +---------------+---------------+-------------------------------+
 *   |                 Authenticator (16 octets)                     |
 *   +---------------------------------------------------------------+
 *   An attribute: | Type (8) | Length (8), of the whole | Value |
 */
import { ByteReader, ByteWriter, ERROR_CODE, ProtocolError } from './bytes.js';

/** Code: RFC 2865 section 3, RFC 5176 section 2.3, RFC 5997 section 2. */
export const RADIUS_CODE = {
  accessRequest: 1,
  accessAccept: 2,
  accessReject: 3,
  accountingRequest: 4,
  accountingResponse: 5,
  accessChallenge: 11,
  statusServer: 12,
  disconnectRequest: 40,
  disconnectAck: 41,
  disconnectNak: 42,
  coaRequest: 43,
  coaAck: 44,
  coaNak: 45,
} as const;

export const RADIUS_HEADER_BYTES = 20;
/** RFC 2865 section 3. */
export const MAX_RADIUS_PACKET_BYTES = 4096;
export const MAX_ATTRIBUTE_VALUE_BYTES = 253;
export const AUTHENTICATOR_BYTES = 16;
/** Where the Authenticator stands. */
export const AUTHENTICATOR_OFFSET = 4;
/** Type of the Message-Authenticator, RFC 3579 section 3.2: it serves the packet and is no value of it. */
export const MESSAGE_AUTHENTICATOR = 80;

export interface RadiusAttribute {
  type: number;
  value: Uint8Array;
}

export interface RadiusPacket {
  code: number;
  identifier: number;
  /** 16 octets: that of a request, or that of a response. */
  authenticator: Uint8Array;
  attributes: readonly RadiusAttribute[];
}

/**
 * Reads a packet; values are views, not copies. What stands behind Length is padding and is nothing. Throws
 * ProtocolError for a Length below 20, above 4096 or beyond the datagram, and for an attribute whose Length is below 2 or
 * reaches beyond the packet.
 */
export function parseRadiusPacket(datagram: Uint8Array): RadiusPacket {
  const header = new ByteReader(datagram);
  const code = header.u8();
  const identifier = header.u8();
  const length_bytes = header.u16();
  if (length_bytes < RADIUS_HEADER_BYTES || length_bytes > MAX_RADIUS_PACKET_BYTES) {
    throw new ProtocolError(`Length ${length_bytes}`, 2);
  }
  if (length_bytes > datagram.length) {
    throw new ProtocolError(`Length ${length_bytes}, ${datagram.length} bytes are there`, 2);
  }
  const reader = new ByteReader(datagram, AUTHENTICATOR_OFFSET, length_bytes);
  const authenticator = reader.take(AUTHENTICATOR_BYTES);
  const attributes: RadiusAttribute[] = [];
  while (reader.remaining_bytes > 0) {
    const start = reader.offset;
    const type = reader.u8();
    const attribute_bytes = reader.u8();
    if (attribute_bytes < 2) throw new ProtocolError(`attribute ${type} of Length ${attribute_bytes}`, start + 1);
    attributes.push({ type, value: reader.take(attribute_bytes - 2) });
  }
  return { code, identifier, authenticator, attributes };
}

/** The packet on the wire. Throws RangeError for a value of more than 253 octets and a packet of more than 4096. */
export function emitRadiusPacket({ code, identifier, authenticator, attributes }: RadiusPacket): Uint8Array {
  if (authenticator.length !== AUTHENTICATOR_BYTES)
    throw new RangeError(`authenticator of ${authenticator.length} bytes`);
  const writer = new ByteWriter().u8(code).u8(identifier).u16(0).bytes(authenticator);
  for (const { type, value } of attributes) {
    if (value.length > MAX_ATTRIBUTE_VALUE_BYTES) throw new RangeError(`attribute ${type} of ${value.length} bytes`);
    writer
      .u8(type)
      .u8(value.length + 2)
      .bytes(value);
  }
  if (writer.length_bytes > MAX_RADIUS_PACKET_BYTES) throw new RangeError(`a packet of ${writer.length_bytes} bytes`);
  return writer.patchU16(2, writer.length_bytes).finish();
}

/**
 * Where the value of the Message-Authenticator begins in a packet that parseRadiusPacket has read; undefined where there
 * is none. Throws ProtocolError where it has not 16 octets, or stands there twice (RFC 3579 section 3.2).
 */
export function messageAuthenticatorOffset({ attributes }: RadiusPacket): number | undefined {
  let found: number | undefined;
  let offset = RADIUS_HEADER_BYTES;
  for (const { type, value } of attributes) {
    if (type === MESSAGE_AUTHENTICATOR) {
      if (value.length !== AUTHENTICATOR_BYTES)
        throw new ProtocolError(`${value.length} bytes of authenticator`, offset);
      if (found !== undefined) {
        throw new ProtocolError('two Message-Authenticators', offset, ERROR_CODE.valueOutOfRange);
      }
      found = offset + 2;
    }
    offset += value.length + 2;
  }
  return found;
}
