/**
 * What an access node (a DSLAM, or what stands for one) says of a subscriber's line in a Vendor-Specific TAG of the DSL
 * Forum's: the attributes of RFC 4679 section 3.3, under the same numbers. Must not decide whom to believe.
 *
 *   TAG_VALUE:   | 0 (8) | enterprise number 3561 (24) | attributes |
 *   an attribute: | type (8) | length of the value (8) | value |
 *
 * In RADIUS the length counts type and length too (RFC 4679 section 3.2); in PPPoE it does not.
 */
import { ByteReader, ByteWriter, latin1, octets, ProtocolError } from './bytes.js';
import { PPPOE_TAG, type PppoeTag } from './pppoe.js';

/** RFC 4679 section 3.1. */
const DSL_FORUM = 3561;
/** RFC 4679 sections 3.3.1 and 3.3.2: a Vendor-Length of up to 65. */
const MAX_ID_BYTES = 63;

/** Types of identifiers, RFC 4679 sections 3.3.1 and 3.3.2. */
const ID_TYPE = { agentCircuitId: 1, agentRemoteId: 2 } as const;

/** Types of 32-bit numbers, RFC 4679 sections 3.3.3 to 3.3.16. */
const NUMBER_TYPE = {
  actualDataRateUpstream_bps: 129,
  actualDataRateDownstream_bps: 130,
  minimumDataRateUpstream_bps: 131,
  minimumDataRateDownstream_bps: 132,
  attainableDataRateUpstream_bps: 133,
  attainableDataRateDownstream_bps: 134,
  maximumDataRateUpstream_bps: 135,
  maximumDataRateDownstream_bps: 136,
  minimumDataRateUpstreamLowPower_bps: 137,
  minimumDataRateDownstreamLowPower_bps: 138,
  maximumInterleavingDelayUpstream_ms: 139,
  actualInterleavingDelayUpstream_ms: 140,
  maximumInterleavingDelayDownstream_ms: 141,
  actualInterleavingDelayDownstream_ms: 142,
} as const;

/** RFC 4679 sections 3.3.17 and 3.3.18. */
const ACCESS_LOOP_ENCAPSULATION = 144;
const IWF_SESSION = 254;

type IdName = keyof typeof ID_TYPE;
type NumberName = keyof typeof NUMBER_TYPE;

const ID_NAMES = Object.entries(ID_TYPE) as [IdName, number][];
const NUMBER_NAMES = Object.entries(NUMBER_TYPE) as [NumberName, number][];
const ID_NAME = new Map(ID_NAMES.map(([name, type]) => [type, name]));
const NUMBER_NAME = new Map(NUMBER_NAMES.map(([name, type]) => [type, name]));

/** Identifiers are Latin-1 text of their octets. What the access node does not say is not there. */
export type AccessLine = Partial<Record<IdName, string> & Record<NumberName, number>> & {
  /** As it came: whether Data Link counts from 0 or from 1 differs between access nodes. */
  accessLoopEncapsulation?: { dataLink: number; encapsulation1: number; encapsulation2: number };
  /** The access node has made PPPoE of PPP over ATM. */
  iwfSession?: true;
};

/**
 * The line, of the first Vendor-Specific TAG that is the DSL Forum's; undefined without one. Throws ProtocolError for an
 * attribute that reaches beyond the TAG, and for one whose length is not that of its type. Unknown ones are passed over.
 */
export function parseAccessLine(tags: readonly PppoeTag[]): AccessLine | undefined {
  for (const { type, value } of tags) {
    // A Vendor-Specific TAG may be ignored in silence (RFC 2516 appendix A): so is one too short to have a vendor.
    if (type !== PPPOE_TAG.vendorSpecific || value.length < 4) continue;
    const reader = new ByteReader(value);
    if (reader.u32() === DSL_FORUM) return parseAttributes(reader);
  }
  return undefined;
}

function parseAttributes(reader: ByteReader): AccessLine {
  const line: AccessLine = {};
  while (reader.remaining_bytes > 0) {
    const start = reader.offset;
    const type = reader.u8();
    const value = reader.take(reader.u8());
    const idName = ID_NAME.get(type);
    const numberName = NUMBER_NAME.get(type);
    if (idName !== undefined) {
      if (value.length > MAX_ID_BYTES) throw new ProtocolError(`an identifier of ${value.length} bytes`, start);
      line[idName] = latin1(value);
    } else if (numberName !== undefined) {
      line[numberName] = exactly(value, (number) => number.u32());
    } else if (type === ACCESS_LOOP_ENCAPSULATION) {
      line.accessLoopEncapsulation = exactly(value, (octet) => ({
        dataLink: octet.u8(),
        encapsulation1: octet.u8(),
        encapsulation2: octet.u8(),
      }));
    } else if (type === IWF_SESSION) line.iwfSession = true;
  }
  return line;
}

function exactly<T>(value: Uint8Array, read: (reader: ByteReader) => T): T {
  const reader = new ByteReader(value);
  const result = read(reader);
  reader.expectEnd();
  return result;
}

/** The TAG that says this of a line. Throws RangeError for an identifier that is too long. */
export function emitAccessLine(line: AccessLine): PppoeTag {
  const writer = new ByteWriter().u32(DSL_FORUM);
  const put = (type: number, value: Uint8Array): void => void writer.u8(type).u8(value.length).bytes(value);
  for (const [name, type] of ID_NAMES) {
    const id = line[name];
    if (id === undefined) continue;
    const value = octets(id);
    if (value.length > MAX_ID_BYTES) throw new RangeError(`an identifier of ${value.length} bytes`);
    put(type, value);
  }
  for (const [name, type] of NUMBER_NAMES) {
    const number = line[name];
    if (number !== undefined) put(type, new ByteWriter(4).u32(number).finish());
  }
  if (line.accessLoopEncapsulation !== undefined) {
    const { dataLink, encapsulation1, encapsulation2 } = line.accessLoopEncapsulation;
    put(ACCESS_LOOP_ENCAPSULATION, Uint8Array.of(dataLink, encapsulation1, encapsulation2));
  }
  if (line.iwfSession) put(IWF_SESSION, new Uint8Array(0));
  return { type: PPPOE_TAG.vendorSpecific, value: writer.finish() };
}
