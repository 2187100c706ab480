/**
 * The formats that AVP values come in, RFC 2661 section 4.4, RFC 3145 section 2 and RFC 3931 section 5.4: bytes of one
 * value to a typed value and back. Must not know attribute types, bits or messages (avp-table.ts), nor AVP headers (avp.ts).
 */
import { type ByteReader, type ByteWriter, latin1, octets, ProtocolError } from './bytes.js';
import { decodeUtf8, encodeUtf8 } from './text.js';

/** What each format's value is in memory. */
export interface AvpFormatValues {
  u16: number;
  u32: number;
  /** 64 bits; what is above Number.MAX_SAFE_INTEGER reads as that. */
  u64: number;
  /** At least one number of 16 bits. */
  'u16-list': readonly number[];
  /** |   Reserved (0) |  value  |: Proxy Authen ID. */
  'low-octet': number;
  /** Octets as Latin-1 text, lossless. */
  text: string;
  /** The same, at least one octet. */
  'text-not-empty': string;
  /** Human readable text, RFC 2661 4.4.2 and 4.4.3: UTF-8; what is not UTF-8 reads as U+FFFD, and what is too long is cut. */
  utf8: string;
  octets: Uint8Array;
  'octets-not-empty': Uint8Array;
  'octets-8': Uint8Array;
  'octets-16': Uint8Array;
  /** 0, 4 or 8 octets. */
  cookie: Uint8Array;
  /** No value: presence is all. */
  empty: true;
  /** | Ver (8) | Rev (8) | */
  'protocol-version': { version: number; revision: number };
  /** | Result Code (16) | Error Code (16, optional) | Error Message (optional) | */
  'result-code': { resultCode: number; errorCode?: number; errorMessage?: string };
  /** | Cause Code (16) | Cause Msg (8) | Advisory Msg, ASCII (optional) | */
  'q931-cause': { causeCode: number; causeMessage: number; advisoryMessage: string };
  /** | Reserved (16) | six counters of 32 bits | */
  'call-errors': {
    crcErrors: number;
    framingErrors: number;
    hardwareOverruns: number;
    bufferOverruns: number;
    timeoutErrors: number;
    alignmentErrors: number;
  };
  /** | Reserved (16) | Send ACCM (32) | Receive ACCM (32) | */
  accm: { sendAccm: number; receiveAccm: number };
  /** | Disconnect Code (16) | Control Protocol Number (16) | Direction (8) | Message, UTF-8 (optional) |, RFC 3145. */
  'disconnect-cause': { disconnectCode: number; controlProtocol: number; direction: number; message: string };
}

export type AvpFormat = keyof AvpFormatValues;

/** `parse` throws ProtocolError where the value is too short; what it leaves unread is its caller's to complain of. */
export interface AvpCodec<T> {
  parse(reader: ByteReader): T;
  emit(writer: ByteWriter, value: T): void;
}

/**
 * As much text for people as we send in one AVP. It may repeat what a peer said (the reason in a Terminate-Request), which
 * must not make an AVP that is too long.
 */
const TEXT_BYTES = 255;

/** Octets in a copy, since a message outlives the packet's buffer. */
function octetString(minimum_bytes: number, maximum_bytes = Number.POSITIVE_INFINITY): AvpCodec<Uint8Array> {
  const fits = (length_bytes: number) => length_bytes >= minimum_bytes && length_bytes <= maximum_bytes;
  return {
    parse(reader) {
      if (!fits(reader.remaining_bytes)) {
        throw new ProtocolError(`a value of ${reader.remaining_bytes} bytes`, reader.offset);
      }
      return reader.rest().slice();
    },
    emit(writer, value) {
      if (!fits(value.length)) throw new RangeError(`a value of ${value.length} bytes`);
      writer.bytes(value);
    },
  };
}

const u64: AvpCodec<number> = {
  parse: (reader) => Math.min(reader.u32() * 0x1_0000_0000 + reader.u32(), Number.MAX_SAFE_INTEGER),
  emit: (writer, value) => writer.u32(Math.floor(value / 0x1_0000_0000)).u32(value % 0x1_0000_0000),
};

const u16List: AvpCodec<readonly number[]> = {
  parse(reader) {
    const numbers = [reader.u16()];
    while (reader.remaining_bytes > 0) numbers.push(reader.u16());
    return numbers;
  },
  emit(writer, numbers) {
    if (numbers.length === 0) throw new RangeError('an empty list');
    for (const number of numbers) writer.u16(number);
  },
};

const anyCookie = octetString(0, 8);

const cookie: AvpCodec<Uint8Array> = {
  parse(reader) {
    const { offset } = reader;
    const octetsRead = anyCookie.parse(reader);
    if (octetsRead.length % 4 !== 0) throw new ProtocolError(`a cookie of ${octetsRead.length} bytes`, offset);
    return octetsRead;
  },
  emit(writer, value) {
    if (value.length % 4 !== 0) throw new RangeError(`a cookie of ${value.length} bytes`);
    anyCookie.emit(writer, value);
  },
};

function latin1String(minimum_bytes: number): AvpCodec<string> {
  const string = octetString(minimum_bytes);
  return {
    parse: (reader) => latin1(string.parse(reader)),
    emit: (writer, value) => string.emit(writer, octets(value)),
  };
}

/**
 * Apple sends result and error codes with their bytes swapped, 768 for 3. No defined code is above 255, so a zero low
 * octet under a non-zero high one can be nothing else.
 */
function unswapped(code: number): number {
  return (code & 0xff) === 0 ? code >>> 8 : code;
}

/** Result Code 5 of a StopCCN: its Error Code is the highest version supported, a version octet above a revision. */
const VERSION_NOT_SUPPORTED = 5;

const resultCode: AvpCodec<AvpFormatValues['result-code']> = {
  parse(reader) {
    const received = reader.u16();
    const value: AvpFormatValues['result-code'] = { resultCode: unswapped(received) };
    if (reader.remaining_bytes === 0) return value; // 8-byte AVP: Error Code and Error Message are optional
    const errorCode = reader.u16();
    value.errorCode = received === VERSION_NOT_SUPPORTED ? errorCode : unswapped(errorCode);
    if (reader.remaining_bytes > 0) value.errorMessage = decodeUtf8(reader.rest());
    return value;
  },
  emit(writer, value) {
    // The Error Code is always written: Windows 2000 rejects the 8-byte AVP that the RFC allows.
    writer.u16(value.resultCode).u16(value.errorCode ?? 0);
    writer.bytes(encodeUtf8(value.errorMessage ?? '', TEXT_BYTES));
  },
};

const q931Cause: AvpCodec<AvpFormatValues['q931-cause']> = {
  parse: (reader) => ({
    causeCode: reader.u16(),
    causeMessage: reader.u8(),
    advisoryMessage: latin1(reader.rest()),
  }),
  emit: (writer, value) => writer.u16(value.causeCode).u8(value.causeMessage).bytes(octets(value.advisoryMessage)),
};

const callErrors: AvpCodec<AvpFormatValues['call-errors']> = {
  parse(reader) {
    reader.u16();
    return {
      crcErrors: reader.u32(),
      framingErrors: reader.u32(),
      hardwareOverruns: reader.u32(),
      bufferOverruns: reader.u32(),
      timeoutErrors: reader.u32(),
      alignmentErrors: reader.u32(),
    };
  },
  emit: (writer, value) =>
    writer
      .u16(0)
      .u32(value.crcErrors)
      .u32(value.framingErrors)
      .u32(value.hardwareOverruns)
      .u32(value.bufferOverruns)
      .u32(value.timeoutErrors)
      .u32(value.alignmentErrors),
};

const accm: AvpCodec<AvpFormatValues['accm']> = {
  parse(reader) {
    reader.u16();
    return { sendAccm: reader.u32(), receiveAccm: reader.u32() };
  },
  emit: (writer, value) => writer.u16(0).u32(value.sendAccm).u32(value.receiveAccm),
};

/**
 * RFC 3145 section 2 says both that the Value and that the whole AVP is at least 11 octets; its figure decides: five
 * octets of fields make an AVP of 11.
 */
const disconnectCause: AvpCodec<AvpFormatValues['disconnect-cause']> = {
  parse: (reader) => ({
    disconnectCode: reader.u16(),
    controlProtocol: reader.u16(),
    direction: reader.u8(),
    message: decodeUtf8(reader.rest()),
  }),
  emit: (writer, value) =>
    writer
      .u16(value.disconnectCode)
      .u16(value.controlProtocol)
      .u8(value.direction)
      .bytes(encodeUtf8(value.message, TEXT_BYTES)),
};

export const AVP_CODEC: { readonly [F in AvpFormat]: AvpCodec<AvpFormatValues[F]> } = {
  u16: { parse: (reader) => reader.u16(), emit: (writer, value) => writer.u16(value) },
  u32: { parse: (reader) => reader.u32(), emit: (writer, value) => writer.u32(value) },
  u64,
  'u16-list': u16List,
  'low-octet': { parse: (reader) => reader.u16() & 0xff, emit: (writer, value) => writer.u16(value & 0xff) },
  text: latin1String(0),
  'text-not-empty': latin1String(1),
  utf8: {
    parse: (reader) => decodeUtf8(reader.rest()),
    emit: (writer, value) => writer.bytes(encodeUtf8(value, TEXT_BYTES)),
  },
  octets: octetString(0),
  'octets-not-empty': octetString(1),
  'octets-8': octetString(8, 8),
  'octets-16': octetString(16, 16),
  cookie,
  empty: { parse: () => true, emit: () => undefined },
  'protocol-version': {
    parse: (reader) => ({ version: reader.u8(), revision: reader.u8() }),
    emit: (writer, value) => writer.u8(value.version).u8(value.revision),
  },
  'result-code': resultCode,
  'q931-cause': q931Cause,
  'call-errors': callErrors,
  accm,
  'disconnect-cause': disconnectCause,
};
