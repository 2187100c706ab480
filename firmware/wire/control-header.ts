/**
 * The header of control messages of either version, RFC 2661 section 3.1 and RFC 3931 section 3.2.1: bytes to a typed
 * header and back. Over IP it begins behind the all-zero Session ID (RFC 3931 section 4.1.1.2), which is no part of it.
 * Must not look into the AVPs: avp.ts does.
 *
 *    0                   1                   2                   3
 *    0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *   |T|L|x|x|S|x|x|x|x|x|x|x|  Ver  |             Length            |
 *   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *   |   Control Connection ID (version 2: Tunnel ID, Session ID)    |
 *   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *   |               Ns              |               Nr              |
 *   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 */
import type { L2tpVersion } from './avp-values.js';
import { ByteReader, ByteWriter, ERROR_CODE, ProtocolError } from './bytes.js';
import { L2TP_FLAG, parseL2tpHeader } from './l2tp.js';

const VERSION_MASK = 0x000f;
/** T, L and S. */
const CONTROL_FLAGS = L2TP_FLAG.type | L2TP_FLAG.length | L2TP_FLAG.sequence;

/** Octets of a control message in front of its AVPs, in either version. */
export const CONTROL_HEADER_BYTES = 12;

/** What is sent in the header of a control message. */
export interface ControlHeaderFields {
  version: L2tpVersion;
  /** The receiver's, 0 as long as it is not known: 32 bits in version 3, in version 2 the Tunnel ID of 16. */
  controlConnectionId: number;
  /** The receiver's Session ID in version 2, where a message belongs to a session; else 0. */
  sessionId?: number;
  ns: number;
  nr: number;
}

/** Offsets are in bytes into the packet. */
export interface ControlHeader extends Required<ControlHeaderFields> {
  payloadOffset: number;
  /** Where Length ends: what follows is not part of the message. */
  payloadEnd: number;
}

/**
 * Reads the header of a control message. Throws ProtocolError for another version than 2 and 3, for a data message, for
 * a header without L or S or (version 2) with O, and for one that says more than the packet has.
 */
export function parseControlHeader(packet: Uint8Array): ControlHeader {
  const reader = new ByteReader(packet);
  const flags = reader.u16();
  if ((flags & CONTROL_FLAGS) !== CONTROL_FLAGS) {
    throw new ProtocolError('a control message needs T, L and S set', 0, ERROR_CODE.valueOutOfRange);
  }
  if ((flags & VERSION_MASK) !== 3) {
    const { tunnelId: controlConnectionId, sessionId, ns, nr, payloadOffset, payloadEnd } = parseL2tpHeader(packet);
    return { version: 2, controlConnectionId, sessionId, ns, nr, payloadOffset, payloadEnd };
  }
  const length_bytes = reader.u16();
  if (length_bytes < CONTROL_HEADER_BYTES || length_bytes > packet.length) {
    throw new ProtocolError(`Length says ${length_bytes}, the packet has ${packet.length}`, 2);
  }
  const controlConnectionId = reader.u32();
  const ns = reader.u16();
  const nr = reader.u16();
  const payloadOffset = CONTROL_HEADER_BYTES;
  return { version: 3, controlConnectionId, sessionId: 0, ns, nr, payloadOffset, payloadEnd: length_bytes };
}

/** A whole control message: T, L and S set, then `body`, the AVPs; an empty body makes a ZLB. */
export function emitControlPacket(header: ControlHeaderFields, body: Uint8Array): Uint8Array {
  const { version, controlConnectionId, sessionId = 0, ns, nr } = header;
  const length_bytes = CONTROL_HEADER_BYTES + body.length;
  if (length_bytes > 0xffff) throw new RangeError(`a control message of ${length_bytes} bytes`);
  const writer = new ByteWriter(length_bytes).u16(CONTROL_FLAGS | version).u16(length_bytes);
  if (version === 3) writer.u32(controlConnectionId);
  else writer.u16(controlConnectionId).u16(sessionId);
  return writer.u16(ns).u16(nr).bytes(body).finish();
}
