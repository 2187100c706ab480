/**
 * LCP: its configuration options (RFC 1661 section 6, RFC 1662 section 7, RFC 1990 section 5.1) and the packets that
 * it alone has (RFC 1661 sections 5.7 to 5.9, RFC 1570 section 2.1). Must not decide what is acceptable.
 */
import { ByteReader, ByteWriter } from './bytes.js';
import { type ConfigurationOption, PPP_PROTOCOL } from './ppp.js';

/** Option types. */
export const LCP_OPTION = {
  mru: 1,
  accm: 2,
  authenticationProtocol: 3,
  qualityProtocol: 4,
  magicNumber: 5,
  pfc: 7,
  acfc: 8,
  /** RFC 1570 section 2.3. */
  callback: 13,
  mrru: 17,
  shortSequenceNumbers: 18,
  endpointDiscriminator: 19,
} as const;

/** The Algorithm octet of the Authentication-Protocol option for CHAP: RFC 1994 section 3, RFC 2433, RFC 2759. */
export const CHAP_ALGORITHM = { md5: 5, msChap: 0x80, msChapV2: 0x81 } as const;

/** An LCP option with its value; 'unknown' holds what this module has no value for, as it came. */
export type LcpOption =
  | { name: 'mru'; mru_bytes: number }
  | { name: 'accm'; accm: number }
  /** `algorithm` is CHAP's; other protocols have none, or data of their own that is not kept. */
  | { name: 'authentication'; protocol: number; algorithm?: number }
  | { name: 'magicNumber'; magicNumber: number }
  | { name: 'pfc' }
  | { name: 'acfc' }
  | { name: 'mrru'; mrru_bytes: number }
  | { name: 'shortSequenceNumbers' }
  /** RFC 1990 section 5.1.3: class, then an address of it of up to 20 octets. */
  | { name: 'endpointDiscriminator'; class: number; address: Uint8Array }
  | { name: 'unknown'; type: number; data: Uint8Array };

/** Reads one option. Throws ProtocolError where its length is not that of its type. */
export function parseLcpOption(option: ConfigurationOption): LcpOption {
  const reader = new ByteReader(option.data);
  const value = parseValue(option, reader);
  reader.expectEnd();
  return value;
}

function parseValue(option: ConfigurationOption, reader: ByteReader): LcpOption {
  switch (option.type) {
    case LCP_OPTION.mru:
      return { name: 'mru', mru_bytes: reader.u16() };
    case LCP_OPTION.accm:
      return { name: 'accm', accm: reader.u32() };
    case LCP_OPTION.authenticationProtocol:
      return parseAuthentication(reader);
    case LCP_OPTION.magicNumber:
      return { name: 'magicNumber', magicNumber: reader.u32() };
    case LCP_OPTION.pfc:
      return { name: 'pfc' };
    case LCP_OPTION.acfc:
      return { name: 'acfc' };
    case LCP_OPTION.mrru:
      return { name: 'mrru', mrru_bytes: reader.u16() };
    case LCP_OPTION.shortSequenceNumbers:
      return { name: 'shortSequenceNumbers' };
    case LCP_OPTION.endpointDiscriminator:
      return { name: 'endpointDiscriminator', class: reader.u8(), address: reader.rest() };
    default:
      return { name: 'unknown', type: option.type, data: reader.rest() };
  }
}

/** RFC 1661 section 6.2; RFC 1994 section 3: CHAP's has exactly one octet more, the algorithm. */
function parseAuthentication(reader: ByteReader): LcpOption {
  const protocol = reader.u16();
  if (protocol === PPP_PROTOCOL.chap) return { name: 'authentication', protocol, algorithm: reader.u8() };
  if (protocol !== PPP_PROTOCOL.pap) reader.rest();
  return { name: 'authentication', protocol };
}

/** The option on the wire. */
export function emitLcpOption(option: LcpOption): ConfigurationOption {
  switch (option.name) {
    case 'mru':
      return { type: LCP_OPTION.mru, data: new ByteWriter(2).u16(option.mru_bytes).finish() };
    case 'accm':
      return { type: LCP_OPTION.accm, data: new ByteWriter(4).u32(option.accm).finish() };
    case 'authentication': {
      const writer = new ByteWriter(3).u16(option.protocol);
      if (option.algorithm !== undefined) writer.u8(option.algorithm);
      return { type: LCP_OPTION.authenticationProtocol, data: writer.finish() };
    }
    case 'magicNumber':
      return { type: LCP_OPTION.magicNumber, data: new ByteWriter(4).u32(option.magicNumber).finish() };
    case 'pfc':
      return { type: LCP_OPTION.pfc, data: new Uint8Array(0) };
    case 'acfc':
      return { type: LCP_OPTION.acfc, data: new Uint8Array(0) };
    case 'mrru':
      return { type: LCP_OPTION.mrru, data: new ByteWriter(2).u16(option.mrru_bytes).finish() };
    case 'shortSequenceNumbers':
      return { type: LCP_OPTION.shortSequenceNumbers, data: new Uint8Array(0) };
    case 'endpointDiscriminator':
      return {
        type: LCP_OPTION.endpointDiscriminator,
        data: new ByteWriter(21).u8(option.class).bytes(option.address).finish(),
      };
    case 'unknown':
      return { type: option.type, data: option.data };
  }
}

/**
 * Echo-Request, Echo-Reply and Discard-Request (RFC 1661 sections 5.8, 5.9): | Magic-Number (32) | Data ... |.
 * Identification (RFC 1570 section 2.1) has the same layout, its data a text.
 */
export interface MagicNumberPacket {
  magicNumber: number;
  data: Uint8Array;
}

/** Reads the data of such a packet. Throws ProtocolError where it is shorter than 4 octets. */
export function parseMagicNumberPacket(data: Uint8Array): MagicNumberPacket {
  const reader = new ByteReader(data);
  return { magicNumber: reader.u32(), data: reader.rest() };
}

export function emitMagicNumberPacket(packet: MagicNumberPacket): Uint8Array {
  return new ByteWriter(4 + packet.data.length).u32(packet.magicNumber).bytes(packet.data).finish();
}

/** Protocol-Reject, RFC 1661 section 5.7: | Rejected-Protocol (16) | Rejected-Information ... |. */
export interface ProtocolReject {
  protocol: number;
  information: Uint8Array;
}

/** Reads the data of a Protocol-Reject. Throws ProtocolError where it is shorter than 2 octets. */
export function parseProtocolReject(data: Uint8Array): ProtocolReject {
  const reader = new ByteReader(data);
  return { protocol: reader.u16(), information: reader.rest() };
}

/** `maximum_bytes` is what the data may take: the rejected packet is cut so that the peer's MRU holds (section 5.7). */
export function emitProtocolReject(reject: ProtocolReject, maximum_bytes = 0xffff - 4): Uint8Array {
  const information = reject.information.subarray(0, Math.max(0, maximum_bytes - 2));
  return new ByteWriter(2 + information.length).u16(reject.protocol).bytes(information).finish();
}
