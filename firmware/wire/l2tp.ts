/**
 * The L2TP version 2 header, RFC 2661 section 3.1: bytes to a typed header, every flag combination, and the header of data
 * messages to bytes; control messages are written by control-header.ts. Must not look into the payload: AVPs are avp.ts's,
 * PPP is ppp.ts's. The packet path writes its headers in place itself.
 *
 *    0                   1                   2                   3
 *    0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *   |T|L|x|x|S|x|O|P|x|x|x|x|  Ver  |        Length (if L)          |
 *   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *   |           Tunnel ID           |           Session ID          |
 *   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *   |           Ns (if S)           |           Nr (if S)           |
 *   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *   |      Offset Size (if O)       |    Offset pad (that many)
 *   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 */
import { ByteReader, ByteWriter, ERROR_CODE, ProtocolError } from './bytes.js';

/** The flag bits of the first 16 bits; x bits are sent as 0 and ignored on receipt. */
export const L2TP_FLAG = {
  type: 0x8000,
  length: 0x4000,
  sequence: 0x0800,
  offset: 0x0200,
  priority: 0x0100,
} as const;

const VERSION_MASK = 0x000f;
const L2TP_VERSION = 2;

/** RFC 2661 section 3.1. Offsets are in bytes into the packet; a field whose flag is clear is 0. */
export interface L2tpHeader {
  /** T bit: true for a control message, false for a data message. */
  control: boolean;
  hasLength: boolean;
  hasSequence: boolean;
  hasOffset: boolean;
  priority: boolean;
  version: number;
  /** The Length field, or the size of the packet where the field is absent. */
  length_bytes: number;
  tunnelId: number;
  sessionId: number;
  ns: number;
  nr: number;
  /** Where the payload starts, behind the offset padding. */
  payloadOffset: number;
  /** Where it ends: what follows the octets that Length counts is not part of the message. */
  payloadEnd: number;
}

/** What a data message's header says; a flag is set where its field is given. */
export interface L2tpDataHeader {
  tunnelId: number;
  sessionId: number;
  priority?: boolean;
  /** Given: the L bit is set, and Length counts header, padding and this payload. */
  payload_bytes?: number;
  /** Given: the S bit is set. */
  sequence?: { ns: number; nr: number };
  /** Given: the O bit is set, and that many octets of padding (zeros) follow the header. */
  offset_bytes?: number;
}

/**
 * Reads the header at the start of `packet`. Throws ProtocolError for another version than 2, for a packet that its
 * own fields do not fit into, and for a control message without L or S or with O (RFC 2661 section 3.1).
 */
export function parseL2tpHeader(packet: Uint8Array): L2tpHeader {
  const reader = new ByteReader(packet);
  const flags = reader.u16();
  const version = flags & VERSION_MASK;
  if (version !== L2TP_VERSION) {
    throw new ProtocolError(`version ${version} in the header, not 2`, 0, ERROR_CODE.valueOutOfRange);
  }
  const control = (flags & L2TP_FLAG.type) !== 0;
  const hasLength = (flags & L2TP_FLAG.length) !== 0;
  const hasSequence = (flags & L2TP_FLAG.sequence) !== 0;
  const hasOffset = (flags & L2TP_FLAG.offset) !== 0;
  if (control && (!hasLength || !hasSequence || hasOffset)) {
    throw new ProtocolError('a control message needs L and S set and O clear', 0, ERROR_CODE.valueOutOfRange);
  }
  const length_bytes = hasLength ? reader.u16() : packet.length;
  if (length_bytes > packet.length) {
    throw new ProtocolError(`Length says ${length_bytes}, the packet has ${packet.length}`, 2);
  }
  const tunnelId = reader.u16();
  const sessionId = reader.u16();
  const ns = hasSequence ? reader.u16() : 0;
  const nr = hasSequence ? reader.u16() : 0;
  const padding_bytes = hasOffset ? reader.u16() : 0;
  const payloadOffset = reader.offset + padding_bytes;
  if (payloadOffset > length_bytes) {
    throw new ProtocolError(`the header takes ${payloadOffset} bytes of a message of ${length_bytes}`, reader.offset);
  }
  const priority = (flags & L2TP_FLAG.priority) !== 0;
  return {
    control,
    hasLength,
    hasSequence,
    hasOffset,
    priority,
    version,
    length_bytes,
    tunnelId,
    sessionId,
    ns,
    nr,
    payloadOffset,
    payloadEnd: length_bytes,
  };
}

/** The header of a data message, padding included: the payload follows directly. */
export function emitDataHeader(header: L2tpDataHeader): Uint8Array {
  const { payload_bytes, sequence, offset_bytes } = header;
  const flags =
    (payload_bytes === undefined ? 0 : L2TP_FLAG.length) |
    (sequence === undefined ? 0 : L2TP_FLAG.sequence) |
    (offset_bytes === undefined ? 0 : L2TP_FLAG.offset) |
    (header.priority ? L2TP_FLAG.priority : 0);
  const writer = new ByteWriter(16).u16(flags | L2TP_VERSION);
  if (payload_bytes !== undefined) writer.u16(0);
  writer.u16(header.tunnelId).u16(header.sessionId);
  if (sequence !== undefined) writer.u16(sequence.ns).u16(sequence.nr);
  if (offset_bytes !== undefined) writer.u16(offset_bytes).bytes(new Uint8Array(offset_bytes));
  if (payload_bytes !== undefined) {
    const length_bytes = writer.length_bytes + payload_bytes;
    if (length_bytes > 0xffff) throw new RangeError(`a data message of ${length_bytes} bytes`);
    writer.patchU16(2, length_bytes);
  }
  return writer.finish();
}
