/**
 * Control messages of L2TP version 2: the AVPs behind the header to typed values and back, RFC 2661 section 4.
 * Which AVPs there are is avp-table.ts's, what their values look like avp-format.ts's. Must not know what a message
 * does to a tunnel or session.
 *
 *    0                   1                   2                   3
 *    0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *   |M|H| rsvd  |      Length       |           Vendor ID           |
 *   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *   |         Attribute Type        |  Attribute Value (Length - 6)
 *   +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 */
import { AVP_CODEC, type AvpCodec } from './avp-format.js';
import { type AvpHiding, hideAvpValue, openAvpValue } from './avp-hiding.js';
import {
  AVP_TABLE,
  type AvpDefinition,
  type AvpValues,
  MAY_BE_MISSING,
  MESSAGE_TYPE,
  type MessageType,
} from './avp-table.js';
import { ByteReader, ByteWriter, ERROR_CODE, ProtocolError } from './bytes.js';

export {
  AVP_TABLE,
  type AvpDefinition,
  type AvpValues,
  MESSAGE_TYPE,
  type MessageType,
  PPP_DISCONNECT,
  type ResultCode,
} from './avp-table.js';

/** One control message, without its header. */
export interface ControlMessage {
  messageType: MessageType;
  avps: AvpValues;
}

/**
 * The error of a message that could be read in part. RFC 2661 section 4.1 ends the session where the message belongs
 * to one and else the tunnel, and the answer has to name the peer's Assigned Session ID or Assigned Tunnel ID: what was
 * read, before the fault and after it, is here.
 */
export class ControlMessageError extends ProtocolError {
  readonly messageType: MessageType;
  readonly avps: AvpValues;

  constructor(cause: ProtocolError, messageType: MessageType, avps: AvpValues) {
    super(`${messageType}: ${cause.message}`, cause.offset, cause.errorCode, cause.resultCode);
    this.messageType = messageType;
    this.avps = avps;
  }
}

const AVP_FLAG = { mandatory: 0x8000, hidden: 0x4000, reserved: 0x3c00, length: 0x03ff } as const;
const AVP_HEADER_BYTES = 6;
const IETF_VENDOR_ID = 0;
const MESSAGE_TYPE_AVP = 0;
const RANDOM_VECTOR_AVP = 36;

const DEFINITION_BY_TYPE: ReadonlyMap<number, AvpDefinition> = new Map(AVP_TABLE.map((line) => [line.type, line]));
const DEFINITION_BY_NAME: ReadonlyMap<string, AvpDefinition> = new Map(AVP_TABLE.map((line) => [line.name, line]));
const MESSAGE_TYPE_BY_NUMBER: ReadonlyMap<number, MessageType> = new Map(
  (Object.keys(MESSAGE_TYPE) as MessageType[]).map((name) => [MESSAGE_TYPE[name], name]),
);

interface ReceivedAvp {
  /** Into the body. */
  offset: number;
  mandatory: boolean;
  hidden: boolean;
  /** A reserved bit is set: to be taken as an AVP that we do not know (section 4.1). */
  reserved: boolean;
  vendorId: number;
  type: number;
  value: Uint8Array;
}

/**
 * Reads a control message. `body` is what follows the L2TP header and is not empty (a ZLB has no message); `secret`
 * is the tunnel's, which opens hidden AVPs.
 *
 * Returns null for a message of unknown type that has its M bit clear: acknowledge and ignore it (section 4.4.1).
 * Unknown AVPs without M bit are ignored, and so are known ones that do not belong into the message, and repeated ones
 * but the first.
 *
 * Throws ProtocolError; ControlMessageError once the message type is known. Error code 2: an AVP's length, or that of
 * a hidden value, is wrong. 3: a value is out of range, a required AVP is missing, Message Type does not come first.
 * 8: an unknown AVP (or one of another vendor, or with a reserved bit, or hidden and not to be opened) has its M bit
 * set, or an unknown message type has.
 */
export function parseControlMessage(body: Uint8Array, secret?: Uint8Array): ControlMessage | null {
  const reader = new ByteReader(body);
  const messageType = parseMessageType(readAvp(reader));
  if (messageType === null) return null;
  const received: ReceivedAvp[] = [];
  const framingError = caught(() => {
    while (reader.remaining_bytes > 0) received.push(readAvp(reader));
  });
  const values: Record<string, unknown> = {};
  const error =
    parseValues(received, messageType, secret, values) ??
    framingError ??
    caught(() => checkRequired(messageType, values, body.length));
  if (error !== undefined) throw new ControlMessageError(error, messageType, values);
  return { messageType, avps: values };
}

/** The ProtocolError that `step` throws. */
function caught(step: () => void): ProtocolError | undefined {
  try {
    step();
    return undefined;
  } catch (error) {
    if (error instanceof ProtocolError) return error;
    throw error;
  }
}

/** The name of the message type that the first AVP holds, null where it is unknown and may be ignored. */
function parseMessageType(avp: ReceivedAvp): MessageType | null {
  if (avp.type !== MESSAGE_TYPE_AVP || avp.hidden || !isRecognized(avp)) {
    throw new ProtocolError('the first AVP is not a plain Message Type', avp.offset, ERROR_CODE.valueOutOfRange);
  }
  if (avp.value.length !== 2) throw new ProtocolError(`a Message Type of ${avp.value.length} bytes`, avp.offset);
  const number = parseValue(AVP_CODEC.u16, avp.value);
  const messageType = MESSAGE_TYPE_BY_NUMBER.get(number);
  if (messageType !== undefined) return messageType;
  if (!avp.mandatory) return null;
  throw new ProtocolError(`unknown message type ${number}`, avp.offset, ERROR_CODE.unknownMandatoryAvp);
}

/** Reads the AVP at the reader's offset. A length below that of its own header or past the end throws. */
function readAvp(reader: ByteReader): ReceivedAvp {
  const offset = reader.offset;
  const bits = reader.u16();
  const length_bytes = bits & AVP_FLAG.length;
  if (length_bytes < AVP_HEADER_BYTES) throw new ProtocolError(`an AVP of ${length_bytes} bytes`, offset);
  const vendorId = reader.u16();
  const type = reader.u16();
  const value = reader.take(length_bytes - AVP_HEADER_BYTES);
  return {
    offset,
    mandatory: (bits & AVP_FLAG.mandatory) !== 0,
    hidden: (bits & AVP_FLAG.hidden) !== 0,
    reserved: (bits & AVP_FLAG.reserved) !== 0,
    vendorId,
    type,
    value,
  };
}

/** Section 4.1: another vendor's AVP is unknown to us, and so is one with a reserved bit set. */
function isRecognized(avp: ReceivedAvp): boolean {
  return avp.vendorId === IETF_VENDOR_ID && !avp.reserved && DEFINITION_BY_TYPE.has(avp.type);
}

/**
 * Reads the AVPs behind Message Type into `values` and gives the first error; it reads on after one, since the IDs
 * that the answer needs may follow.
 */
function parseValues(
  received: readonly ReceivedAvp[],
  messageType: MessageType,
  secret: Uint8Array | undefined,
  values: Record<string, unknown>,
): ProtocolError | undefined {
  let firstError: ProtocolError | undefined;
  let hiding: AvpHiding | undefined;
  for (const avp of received) {
    if (avp.type === RANDOM_VECTOR_AVP && isRecognized(avp) && !avp.hidden) {
      if (secret !== undefined) hiding = { secret, randomVector: avp.value };
      continue;
    }
    const error = caught(() => parseAvp(avp, messageType, hiding, values));
    if (error !== undefined) firstError ??= atAvp(error, avp);
  }
  return firstError;
}

/** The error with the AVP named, as section 4.4.2 wants it in the Error Message, and its offset in the body. */
function atAvp(error: ProtocolError, avp: ReceivedAvp): ProtocolError {
  const vendor = avp.vendorId === IETF_VENDOR_ID ? '' : ` of vendor ${avp.vendorId}`;
  const name = isRecognized(avp) ? ` (${DEFINITION_BY_TYPE.get(avp.type)?.name})` : '';
  const message = `AVP ${avp.type}${vendor}${name}: ${error.message}`;
  return new ProtocolError(message, avp.offset, error.errorCode, error.resultCode);
}

/** Puts the value of one AVP into `values`, if it is known, belongs into the message and is the first of its type. */
function parseAvp(
  avp: ReceivedAvp,
  messageType: MessageType,
  hiding: AvpHiding | undefined,
  values: Record<string, unknown>,
): void {
  const definition = isRecognized(avp) ? DEFINITION_BY_TYPE.get(avp.type) : undefined;
  if (definition === undefined || (avp.hidden && hiding === undefined)) {
    if (!avp.mandatory) return;
    const why = definition === undefined ? 'unknown, with M bit' : 'hidden, and without secret or Random Vector';
    throw new ProtocolError(why, avp.offset, ERROR_CODE.unknownMandatoryAvp);
  }
  if (definition.name === 'randomVector') {
    throw new ProtocolError('a hidden Random Vector', avp.offset, ERROR_CODE.valueOutOfRange);
  }
  if (definition.name === 'messageType' || !definition.allowed.includes(messageType)) return;
  if (Object.hasOwn(values, definition.name)) return;
  const plain = avp.hidden && hiding !== undefined ? openAvpValue(avp.type, avp.value, hiding) : avp.value;
  values[definition.name] = parseValue(AVP_CODEC[definition.format] as AvpCodec<unknown>, plain);
}

/** The whole of `value` as the codec's type. */
function parseValue<T>(codec: AvpCodec<T>, value: Uint8Array): T {
  const reader = new ByteReader(value);
  const parsed = codec.parse(reader);
  reader.expectEnd();
  return parsed;
}

/** Section 6 says what must be there; IDs are non-zero (4.4.3, 4.4.4) but in the messages that end things. */
function checkRequired(messageType: MessageType, values: AvpValues, end: number): void {
  for (const definition of AVP_TABLE) {
    if (definition.name === 'messageType' || definition.name === 'randomVector') continue;
    if (!definition.required.includes(messageType) || values[definition.name] !== undefined) continue;
    if (MAY_BE_MISSING[messageType]?.includes(definition.name)) continue;
    throw new ProtocolError(`AVP ${definition.type} (${definition.name}) is missing`, end, ERROR_CODE.valueOutOfRange);
  }
  // A peer that gives up before it has assigned an ID can only say 0 here.
  if (messageType === 'StopCCN' || messageType === 'CDN') return;
  if (values.assignedTunnelId === 0 || values.assignedSessionId === 0) {
    throw new ProtocolError('an assigned ID of 0', end, ERROR_CODE.valueOutOfRange);
  }
}

/**
 * The body of a control message: Message Type, then the AVPs in the table's order with the table's M bits. With
 * `hiding`, a Random Vector AVP goes in front of them and every value that may be hidden is. Throws RangeError for an
 * AVP that does not belong into the message, and for a value that no AVP can hold (some 1,017 octets).
 */
export function emitControlMessage(message: ControlMessage, hiding?: AvpHiding): Uint8Array {
  const writer = new ByteWriter(256);
  const present = AVP_TABLE.filter(
    ({ name }) => name in message.avps && message.avps[name as keyof AvpValues] !== undefined,
  );
  emitAvp(writer, definitionOf('messageType'), (value) => value.u16(MESSAGE_TYPE[message.messageType]));
  if (hiding !== undefined && present.some((definition) => definition.mayBeHidden)) {
    emitAvp(writer, definitionOf('randomVector'), (value) => value.bytes(hiding.randomVector));
  }
  for (const definition of present) {
    if (!definition.allowed.includes(message.messageType)) {
      throw new RangeError(`${definition.name} does not belong into ${message.messageType}`);
    }
    const codec = AVP_CODEC[definition.format] as AvpCodec<unknown>;
    const value = message.avps[definition.name as keyof AvpValues];
    emitAvp(writer, definition, (into) => codec.emit(into, value), hiding);
  }
  return writer.finish();
}

function definitionOf(name: AvpDefinition['name']): AvpDefinition {
  return DEFINITION_BY_NAME.get(name)!;
}

function emitAvp(
  writer: ByteWriter,
  definition: AvpDefinition,
  emitValue: (value: ByteWriter) => unknown,
  hiding?: AvpHiding,
): void {
  const valueWriter = new ByteWriter(64);
  emitValue(valueWriter);
  const plain = valueWriter.finish();
  const hidden = hiding !== undefined && definition.mayBeHidden;
  const value = hidden ? hideAvpValue(definition.type, plain, hiding) : plain;
  const length_bytes = AVP_HEADER_BYTES + value.length;
  if (length_bytes > AVP_FLAG.length) throw new RangeError(`${definition.name}: ${plain.length} bytes fit no AVP`);
  writer
    .u16((definition.mandatory ? AVP_FLAG.mandatory : 0) | (hidden ? AVP_FLAG.hidden : 0) | length_bytes)
    .u16(IETF_VENDOR_ID)
    .u16(definition.type)
    .bytes(value);
}
