/**
 * PPP framing as L2TP carries it (RFC 1661 section 2 with RFC 1662's address and control, no flags, no FCS), the
 * packets that all control protocols share (RFC 1661 section 5) and their list of options (section 6). Must not know
 * what any option or authentication packet means: lcp.ts, ncp.ts and authentication.ts do.
 *
 *   +-----------------+-----------------+----------------------+---------------------
 *   | Address FF (if) | Control 03 (if) | Protocol (8 or 16)   | Information ...
 *   +-----------------+-----------------+----------------------+---------------------
 */
import { ByteReader, ByteWriter, ERROR_CODE, ProtocolError } from './bytes.js';

/** PPP protocol numbers; those of control protocols are at 8000 and above. */
export const PPP_PROTOCOL = {
  ipv4: 0x0021,
  /** Van Jacobson compressed and uncompressed TCP, RFC 1332 section 4. */
  vanJacobsonCompressed: 0x002d,
  vanJacobsonUncompressed: 0x002f,
  /** RFC 1990. */
  multilink: 0x003d,
  ipv6: 0x0057,
  /** A compressed or MPPE datagram, RFC 1962, RFC 3078. */
  compressed: 0x00fd,
  ipcp: 0x8021,
  ipv6cp: 0x8057,
  /** Encryption Control Protocol, RFC 1968. */
  ecp: 0x8053,
  ccp: 0x80fd,
  lcp: 0xc021,
  pap: 0xc023,
  chap: 0xc223,
  eap: 0xc227,
} as const;

/** A PPP frame without its framing. `information` is a view of what was parsed. */
export interface PppFrame {
  protocol: number;
  information: Uint8Array;
}

const ADDRESS_ALL_STATIONS = 0xff;
const CONTROL_UNNUMBERED_INFORMATION = 0x03;

/**
 * Reads a frame with or without address and control, with the protocol number in one or two octets: whatever was
 * negotiated, both must be read (RFC 1661 sections 6.5, 6.6). Throws ProtocolError where it ends before the protocol
 * number does, or where the number breaks the rule of section 2: least significant octet odd, most significant even.
 */
export function parsePppFrame(frame: Uint8Array): PppFrame {
  const reader = new ByteReader(frame);
  // A protocol number cannot start with FF, so FF 03 is never anything else (RFC 1661 section 2: 00FF is not used).
  if (frame[0] === ADDRESS_ALL_STATIONS && frame[1] === CONTROL_UNNUMBERED_INFORMATION) reader.offset = 2;
  const start = reader.offset;
  let protocol = reader.u8();
  if ((protocol & 1) === 0) protocol = (protocol << 8) | reader.u8();
  if ((protocol & 1) === 0) {
    throw new ProtocolError(`PPP protocol ${protocol} is even`, start, ERROR_CODE.valueOutOfRange);
  }
  return { protocol, information: reader.rest() };
}

/**
 * The frame on the wire. `addressControl`: FF 03 goes in front. `protocolFieldCompression`: a number below 256 takes
 * one octet. LCP always has address and control and an uncompressed number (RFC 1661 sections 6.5 and 6.6): asking for
 * neither is its caller's business where the carrier has its own rule, as PPPoE has.
 */
export function emitPppFrame(
  frame: PppFrame,
  options: { addressControl: boolean; protocolFieldCompression: boolean },
): Uint8Array {
  const writer = new ByteWriter(4 + frame.information.length);
  if (options.addressControl) writer.u8(ADDRESS_ALL_STATIONS).u8(CONTROL_UNNUMBERED_INFORMATION);
  if (options.protocolFieldCompression && frame.protocol < 0x100) writer.u8(frame.protocol);
  else writer.u16(frame.protocol);
  return writer.bytes(frame.information).finish();
}

/** Codes of control packets: RFC 1661 section 5; 12 and 13 RFC 1570; 14 and 15 RFC 1962, CCP alone. */
export const CONTROL_CODE = {
  configureRequest: 1,
  configureAck: 2,
  configureNak: 3,
  configureReject: 4,
  terminateRequest: 5,
  terminateAck: 6,
  codeReject: 7,
  protocolReject: 8,
  echoRequest: 9,
  echoReply: 10,
  discardRequest: 11,
  identification: 12,
  timeRemaining: 13,
  resetRequest: 14,
  resetAck: 15,
} as const;

/**
 * A packet of LCP, an NCP or an authentication protocol, RFC 1661 section 5:
 *   +---------------+---------------+-------------------------------+-----------
 *   |     Code      |  Identifier   |            Length             |  Data ...
 *   +---------------+---------------+-------------------------------+-----------
 */
export interface ControlPacket {
  code: number;
  identifier: number;
  data: Uint8Array;
}

const CONTROL_HEADER_BYTES = 4;

/**
 * Reads a control packet; `data` is a view. Octets past Length are padding and cut off (RFC 1661 section 5). Throws
 * ProtocolError where Length is below 4 or more than there is.
 */
export function parsePppControlPacket(information: Uint8Array): ControlPacket {
  const reader = new ByteReader(information);
  const code = reader.u8();
  const identifier = reader.u8();
  const length_bytes = reader.u16();
  if (length_bytes < CONTROL_HEADER_BYTES) throw new ProtocolError(`a control packet of ${length_bytes} bytes`, 2);
  return { code, identifier, data: reader.take(length_bytes - CONTROL_HEADER_BYTES) };
}

/** The information field of a frame that carries this packet. */
export function emitPppControlPacket(packet: ControlPacket): Uint8Array {
  const length_bytes = CONTROL_HEADER_BYTES + packet.data.length;
  if (length_bytes > 0xffff) throw new RangeError(`a control packet of ${length_bytes} bytes`);
  return new ByteWriter(length_bytes)
    .u8(packet.code)
    .u8(packet.identifier)
    .u16(length_bytes)
    .bytes(packet.data)
    .finish();
}

/**
 * One option of a Configure packet, RFC 1661 section 6:
 *   +---------------+---------------+-----------
 *   |     Type      |    Length     |  Data ...    Length counts Type and Length too
 *   +---------------+---------------+-----------
 */
export interface ConfigurationOption {
  type: number;
  data: Uint8Array;
}

const OPTION_HEADER_BYTES = 2;

/** Reads a list of options, in order; `data` are views. Throws ProtocolError where a Length is below 2 or too long. */
export function parseOptions(data: Uint8Array): ConfigurationOption[] {
  const reader = new ByteReader(data);
  const options: ConfigurationOption[] = [];
  while (reader.remaining_bytes > 0) {
    const start = reader.offset;
    const type = reader.u8();
    const length_bytes = reader.u8();
    if (length_bytes < OPTION_HEADER_BYTES) throw new ProtocolError(`an option of ${length_bytes} bytes`, start);
    options.push({ type, data: reader.take(length_bytes - OPTION_HEADER_BYTES) });
  }
  return options;
}

/** The list on the wire, in the order given. Throws RangeError for more than 253 octets in one option. */
export function emitOptions(options: readonly ConfigurationOption[]): Uint8Array {
  const writer = new ByteWriter(64);
  for (const { type, data } of options) {
    const length_bytes = OPTION_HEADER_BYTES + data.length;
    if (length_bytes > 0xff) throw new RangeError(`an option of ${length_bytes} bytes`);
    writer.u8(type).u8(length_bytes).bytes(data);
  }
  return writer.finish();
}
