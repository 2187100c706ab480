/**
 * Big-endian reading and writing with the length checked at every step, and the one error that parsers throw.
 * Must not know any protocol.
 */

/**
 * What a parser throws, and the only thing it throws. `resultCode` and `errorCode` are those of RFC 2661 section
 * 4.4.2 that would be sent to the peer; `offset` is in bytes from the start of what was given to the parser.
 */
export class ProtocolError extends Error {
  override readonly name = 'ProtocolError';
  readonly resultCode: number;
  readonly errorCode: number;
  readonly offset: number;

  constructor(message: string, offset: number, errorCode: number = ERROR_CODE.lengthIsWrong, resultCode: number = 2) {
    super(message);
    this.resultCode = resultCode;
    this.errorCode = errorCode;
    this.offset = offset;
  }
}

/** General Error Codes, RFC 2661 section 4.4.2. */
export const ERROR_CODE = {
  noGeneralError: 0,
  noControlConnectionYet: 1,
  lengthIsWrong: 2,
  valueOutOfRange: 3,
  insufficientResources: 4,
  invalidSessionId: 5,
  vendorSpecific: 6,
  tryAnother: 7,
  unknownMandatoryAvp: 8,
} as const;

/** Reads big-endian numbers from `bytes`; every read past `end` throws ProtocolError with the offset. */
export class ByteReader {
  readonly bytes: Uint8Array;
  offset: number;
  readonly end: number;

  constructor(bytes: Uint8Array, offset = 0, end = bytes.length) {
    this.bytes = bytes;
    this.offset = offset;
    this.end = end;
  }

  get remaining_bytes(): number {
    return this.end - this.offset;
  }

  u8(): number {
    this.#need(1);
    return this.bytes[this.offset++];
  }

  u16(): number {
    this.#need(2);
    const value = (this.bytes[this.offset] << 8) | this.bytes[this.offset + 1];
    this.offset += 2;
    return value;
  }

  u32(): number {
    this.#need(4);
    return this.u16() * 0x10000 + this.u16();
  }

  /** A view of the next `length_bytes` bytes, not a copy. */
  take(length_bytes: number): Uint8Array {
    this.#need(length_bytes);
    const view = this.bytes.subarray(this.offset, this.offset + length_bytes);
    this.offset += length_bytes;
    return view;
  }

  /** A view of all that is left, not a copy. */
  rest(): Uint8Array {
    return this.take(this.remaining_bytes);
  }

  /** Throws ProtocolError where something is left. */
  expectEnd(): void {
    if (this.offset < this.end) throw new ProtocolError(`${this.remaining_bytes} bytes too many`, this.offset);
  }

  #need(length_bytes: number): void {
    if (this.offset + length_bytes > this.end) {
      throw new ProtocolError(`${length_bytes} bytes wanted, ${this.end - this.offset} left`, this.offset);
    }
  }
}

/** Appends big-endian numbers to a buffer that grows; `finish()` gives the bytes written. */
export class ByteWriter {
  #bytes: Uint8Array;
  #length = 0;

  /** By default what V8 keeps within the object itself: to allocate more costs as much as to write it. */
  constructor(capacity_bytes = 64) {
    this.#bytes = new Uint8Array(capacity_bytes);
  }

  get length_bytes(): number {
    return this.#length;
  }

  u8(value: number): this {
    this.#grow(1);
    this.#bytes[this.#length++] = value;
    return this;
  }

  u16(value: number): this {
    return this.u8(value >>> 8).u8(value);
  }

  u32(value: number): this {
    return this.u16(value >>> 16).u16(value);
  }

  bytes(value: Uint8Array): this {
    this.#grow(value.length);
    this.#bytes.set(value, this.#length);
    this.#length += value.length;
    return this;
  }

  /** Writes a 16-bit number over two bytes already written, for lengths known only afterwards. */
  patchU16(offset: number, value: number): this {
    this.#bytes[offset] = value >>> 8;
    this.#bytes[offset + 1] = value;
    return this;
  }

  finish(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }

  #grow(extra_bytes: number): void {
    if (this.#length + extra_bytes <= this.#bytes.length) return;
    const larger = new Uint8Array(Math.max(this.#bytes.length * 2, this.#length + extra_bytes));
    larger.set(this.#bytes);
    this.#bytes = larger;
  }
}

/** Of one function call; recursion goes on with the rest. */
const MAX_ARGUMENTS = 1_024;

/** Latin-1 text of an octet string: lossless both ways, so that a name with odd bytes survives. */
export function latin1(bytes: Uint8Array): string {
  if (bytes.length <= MAX_ARGUMENTS) return String.fromCharCode(...bytes);
  return latin1(bytes.subarray(0, MAX_ARGUMENTS)) + latin1(bytes.subarray(MAX_ARGUMENTS));
}

/** The bytes of Latin-1 text; characters above U+00FF are first encoded as UTF-8, as names from settings may hold them. */
export function octets(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code > 0xff) return new TextEncoder().encode(text);
    bytes[i] = code;
  }
  return bytes;
}

/** A source of random bytes, given as an argument to every machine that needs one. */
export type RandomBytes = (length_bytes: number) => Uint8Array;
