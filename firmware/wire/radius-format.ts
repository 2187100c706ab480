/**
 * The formats that RADIUS attributes' values come in: octets of one value to a typed value and back. Must not know
 * attribute types (radius-attributes.ts).
 *
 *   text, string, address, integer, time   RFC 2865 section 5
 *   prefix   | Reserved (8) | Prefix-Length (8) | Prefix, 0 to 16 octets |   RFC 3162 section 2.3
 *   ifid     eight octets                                                   RFC 3162 section 2.2
 *   tagged integer   | Tag (8) | Value (24) |                               RFC 2868 section 3.1
 *   tagged text      | Tag (8), only where below 32 | String |              RFC 2868 section 3.3
 *   tagged secret    | Tag (8) | Salt (16) | encrypted String |             RFC 2868 section 3.5
 */
import { type ByteReader, type ByteWriter, ERROR_CODE, latin1, octets, ProtocolError } from './bytes.js';
import { formatAddress, type Prefix, parseAddress } from './ip.js';
import { MAX_ATTRIBUTE_VALUE_BYTES } from './radius.js';
import { decodeUtf8, encodeUtf8 } from './text.js';

/** A value of one tunnel of several: attributes with one Tag belong to one tunnel; 0 is no tag. RFC 2868 section 3. */
export interface Tagged<T> {
  tag: number;
  value: T;
}

/** What each format's value is in memory. */
export interface RadiusFormatValues {
  integer: number;
  /** Seconds since 1970. */
  time: number;
  /** Octets as Latin-1 text, lossless: names. */
  text: string;
  /** Human readable text; what is not UTF-8 reads as U+FFFD, and what is too long is cut. */
  utf8: string;
  octets: Uint8Array;
  /** '192.0.2.1' */
  address: string;
  /** '2001:db8::1' */
  ipv6: string;
  prefix: Prefix;
  /** 8 octets. */
  ifid: Uint8Array;
  'tagged-integer': Tagged<number>;
  'tagged-text': Tagged<string>;
  'tagged-octets': Tagged<Uint8Array>;
}

export type RadiusFormat = keyof RadiusFormatValues;

/** `parse` throws ProtocolError where the value is too short; what it leaves unread is its caller's to complain of. */
export interface RadiusCodec<T> {
  parse(reader: ByteReader): T;
  emit(writer: ByteWriter, value: T): void;
}

/** RFC 2868 section 3.1: a first octet above this is no tag. */
const MAX_TAG = 0x1f;
const IFID_BYTES = 8;
const IPV6_BYTES = 16;

const integer: RadiusCodec<number> = {
  parse: (reader) => reader.u32(),
  emit: (writer, value) => writer.u32(value),
};

function address(length_bytes: number): RadiusCodec<string> {
  return {
    parse: (reader) => formatAddress(reader.take(length_bytes)),
    emit(writer, value) {
      const bytes = parseAddress(value);
      if (bytes.length !== length_bytes) throw new RangeError(`${value} is an address of another family`);
      writer.bytes(bytes);
    },
  };
}

/** Bits past the length must be zero (RFC 3162 section 2.3); servers set them, so they are taken as zero. */
const prefix: RadiusCodec<Prefix> = {
  parse(reader) {
    reader.u8();
    const { offset } = reader;
    const length_bits = reader.u8();
    if (length_bits > 8 * IPV6_BYTES) {
      throw new ProtocolError(`Prefix-Length ${length_bits}`, offset, ERROR_CODE.valueOutOfRange);
    }
    const prefix_bytes = reader.remaining_bytes;
    if (prefix_bytes > IPV6_BYTES || 8 * prefix_bytes < length_bits) {
      throw new ProtocolError(`${prefix_bytes} bytes of a prefix of ${length_bits} bits`, offset);
    }
    const bits = new Uint8Array(IPV6_BYTES);
    bits.set(reader.rest());
    return { address: bits.map((byte, i) => byte & maskOctet(length_bits - 8 * i)), length_bits };
  },
  emit(writer, value) {
    if (value.address.length !== IPV6_BYTES) throw new RangeError('an IPv4 prefix');
    writer
      .u8(0)
      .u8(value.length_bits)
      .bytes(value.address.subarray(0, Math.ceil(value.length_bits / 8)));
  },
};

/** The octet of a mask in which the first `bits` are set: none for less than 1, all for more than 7. */
function maskOctet(bits: number): number {
  return ~(0xff >>> Math.min(8, Math.max(0, bits))) & 0xff;
}

const taggedInteger: RadiusCodec<Tagged<number>> = {
  parse(reader) {
    const tag = readTag(reader);
    return { tag, value: (reader.u8() << 16) | reader.u16() };
  },
  emit(writer, { tag, value }) {
    if (value > 0xff_ffff) throw new RangeError(`${value} behind a tag`);
    writer
      .u8(checkedTag(tag))
      .u8(value >>> 16)
      .u16(value & 0xffff);
  },
};

const taggedText: RadiusCodec<Tagged<string>> = {
  parse(reader) {
    const hasTag = reader.remaining_bytes > 0 && reader.bytes[reader.offset] <= MAX_TAG;
    return { tag: hasTag ? reader.u8() : 0, value: latin1(reader.rest()) };
  },
  // With tag 0 too, so that text that begins with an octet below 32 is not misread.
  emit: (writer, { tag, value }) => writer.u8(checkedTag(tag)).bytes(octets(value)),
};

const taggedOctets: RadiusCodec<Tagged<Uint8Array>> = {
  parse: (reader) => ({ tag: readTag(reader), value: reader.rest().slice() }),
  emit: (writer, { tag, value }) => writer.u8(checkedTag(tag)).bytes(value),
};

/** A Tag outside of its range is ignored, RFC 2868 section 3.1. */
function readTag(reader: ByteReader): number {
  const tag = reader.u8();
  return tag > MAX_TAG ? 0 : tag;
}

function checkedTag(tag: number): number {
  if (tag < 0 || tag > MAX_TAG) throw new RangeError(`tag ${tag}`);
  return tag;
}

export const RADIUS_CODEC: { readonly [F in RadiusFormat]: RadiusCodec<RadiusFormatValues[F]> } = {
  integer,
  time: integer,
  text: { parse: (reader) => latin1(reader.rest()), emit: (writer, value) => writer.bytes(octets(value)) },
  utf8: {
    parse: (reader) => decodeUtf8(reader.rest()),
    emit: (writer, value) => writer.bytes(encodeUtf8(value, MAX_ATTRIBUTE_VALUE_BYTES)),
  },
  octets: { parse: (reader) => reader.rest().slice(), emit: (writer, value) => writer.bytes(value) },
  address: address(4),
  ipv6: address(IPV6_BYTES),
  prefix,
  ifid: {
    parse: (reader) => reader.take(IFID_BYTES).slice(),
    emit(writer, value) {
      if (value.length !== IFID_BYTES) throw new RangeError(`an interface identifier of ${value.length} bytes`);
      writer.bytes(value);
    },
  },
  'tagged-integer': taggedInteger,
  'tagged-text': taggedText,
  'tagged-octets': taggedOctets,
};
