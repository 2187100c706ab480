/**
 * Control messages of L2TP versions 2 and 3: the AVPs behind the header to typed values and back, RFC 2661 section 4 and
 * RFC 3931 section 5.
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
import { type AvpHiding, hideAvpValue, openAvpValue, versionedHiding } from './avp-hiding.js';
import {
  AVP_TABLE,
  type AvpDefinition,
  type AvpUse,
  DRAFT_VENDOR_ID,
  IETF_VENDOR_ID,
  MAY_BE_MISSING,
} from './avp-table.js';
import { type AvpValues, type L2tpVersion, MESSAGE_TYPE, type MessageType } from './avp-values.js';
import { ByteReader, ByteWriter, ERROR_CODE, ProtocolError } from './bytes.js';

export { AVP_TABLE, type AvpDefinition } from './avp-table.js';
export {
  type AvpValues,
  CIRCUIT_STATUS,
  type L2tpVersion,
  MESSAGE_TYPE,
  type MessageType,
  PPP_DISCONNECT,
  PSEUDOWIRE_TYPE,
  type ResultCode,
} from './avp-values.js';

/** One control message, without its header. */
export interface ControlMessage {
  messageType: MessageType;
  avps: AvpValues;
}

/** A message as it was read. */
export interface ReceivedControlMessage extends ControlMessage {
  /**
   * An ID came in an AVP of the drafts of version 3 (vendor 9, old IOS) and not in RFC 3931's: such a peer is to be
   * answered in those AVPs.
   */
  draftAvps: boolean;
}

/**
 * Whom a message is written for. 'auto' is for an SCCRQ behind a version 2 header that offers both versions: the AVPs of
 * both, those of version 3 with the M bit clear (RFC 3931 section 4.7.3).
 */
export type AvpDialect = L2tpVersion | 'auto';

/** Digest Type of the Message Digest AVP, RFC 3931 section 5.4.1: HMAC-MD5 is 0, HMAC-SHA-1 is 1. */
export type DigestType = 'md5' | 'sha1';

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
const MESSAGE_TYPE_AVP = 0;

/** By vendor and attribute type. */
const DEFINITION_BY_TYPE: ReadonlyMap<number, AvpDefinition> = new Map(
  AVP_TABLE.flatMap((line): [number, AvpDefinition][] => [
    [typeKey(line.vendorId, line.type), line],
    ...(line.draft === undefined ? [] : [[typeKey(DRAFT_VENDOR_ID, line.draft.type), line] as [number, AvpDefinition]]),
  ]),
);
const DEFINITION_BY_NAME: ReadonlyMap<string, AvpDefinition> = new Map(AVP_TABLE.map((line) => [line.name, line]));
const MESSAGE_TYPE_LINE = definitionOf('messageType');
const MESSAGE_TYPE_BY_NUMBER: ReadonlyMap<number, MessageType> = new Map(
  (Object.keys(MESSAGE_TYPE) as MessageType[]).map((name) => [MESSAGE_TYPE[name], name]),
);

/** Names of AVPs that are no values of the message. */
const FRAMING: ReadonlySet<string> = new Set<AvpDefinition['name']>([
  'messageType',
  'messageDigest',
  'randomVector',
  'draftAvpVersion',
]);

const DIGEST: { readonly [T in DigestType]: { digestType: number; digest_bytes: number } } = {
  md5: { digestType: 0, digest_bytes: 16 },
  sha1: { digestType: 1, digest_bytes: 20 },
};

function typeKey(vendorId: number, type: number): number {
  return vendorId * 0x10000 + type;
}

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

/** What the reading of one message goes by. */
interface Reading {
  version: L2tpVersion;
  messageType: MessageType;
  secret: Uint8Array | undefined;
}

/**
 * Reads a control message. `body` is what follows the L2TP header and is not empty (a ZLB has no message); `version` is
 * the header's; `secret` is shared with the peer and opens hidden AVPs.
 *
 * Returns null for a message of unknown type that has its M bit clear: acknowledge and ignore it (RFC 2661 section
 * 4.4.1). Unknown AVPs without M bit are ignored, and so are known ones that do not belong into the message, and repeated
 * ones but the first. In an SCCRQ the AVPs of both versions are known: version 3's are read behind either header,
 * version 2's only behind its own (RFC 3931 section 4.7.3). In version 3, reserved bits are ignored (5.1), and so is a
 * malformed AVP without M bit (7.1).
 *
 * The Message Digest is not checked here: crypto/message-digest.ts does that on the whole packet, before.
 *
 * Throws ProtocolError; ControlMessageError once the message type is known. Error code 2: an AVP's length, or that of
 * a hidden value, is wrong. 3: a value is out of range, a required AVP is missing, Message Type does not come first.
 * 8: an unknown AVP (or one of another vendor, or in version 2 with a reserved bit, or hidden and not to be opened) has
 * its M bit set, or an unknown message type has.
 */
export function parseControlMessage(
  body: Uint8Array,
  { version, secret }: { version: L2tpVersion; secret?: Uint8Array },
): ReceivedControlMessage | null {
  const reader = new ByteReader(body);
  const messageType = parseMessageType(readAvp(reader), version);
  if (messageType === null) return null;
  const received: ReceivedAvp[] = [];
  const framingError = caught(() => {
    while (reader.remaining_bytes > 0) received.push(readAvp(reader));
  });
  const values: Record<string, unknown> = {};
  const drafted = new Set<string>();
  const error =
    parseValues(received, { version, messageType, secret }, values, drafted) ??
    framingError ??
    caught(() => checkRequired(messageType, version, values, body.length));
  if (error !== undefined) throw new ControlMessageError(error, messageType, values);
  const draftAvps = drafted.has('assignedControlConnectionId') || drafted.has('localSessionId');
  return { messageType, avps: values, draftAvps };
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
function parseMessageType(avp: ReceivedAvp, version: L2tpVersion): MessageType | null {
  // The drafts' explicit acknowledgement is a message of vendor 9, its only one.
  if (version === 3 && avp.type === MESSAGE_TYPE_AVP && avp.vendorId === DRAFT_VENDOR_ID && !avp.hidden) return 'ACK';
  const reserved = avp.reserved && version === 2;
  if (avp.type !== MESSAGE_TYPE_AVP || avp.vendorId !== IETF_VENDOR_ID || avp.hidden || reserved) {
    throw new ProtocolError('the first AVP is not a plain Message Type', avp.offset, ERROR_CODE.valueOutOfRange);
  }
  if (avp.value.length !== 2) throw new ProtocolError(`a Message Type of ${avp.value.length} bytes`, avp.offset);
  const number = parseValue(AVP_CODEC.u16, avp.value);
  const messageType = MESSAGE_TYPE_BY_NUMBER.get(number);
  if (messageType !== undefined && MESSAGE_TYPE_LINE.uses[version]?.allowed.includes(messageType)) return messageType;
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

/**
 * The table's line of an AVP that is known in such a message, with what the version says of it. RFC 2661 section 4.1:
 * another vendor's AVP is unknown to us, and so is one with a reserved bit set.
 */
function recognize(
  avp: ReceivedAvp,
  { version, messageType }: Reading,
): { definition: AvpDefinition; use: AvpUse | undefined } | undefined {
  if (avp.reserved && version === 2) return undefined;
  const definition = DEFINITION_BY_TYPE.get(typeKey(avp.vendorId, avp.type));
  if (definition === undefined) return undefined;
  const own = definition.uses[version];
  if (own === undefined && messageType !== 'SCCRQ') return undefined;
  const use = own ?? (version === 2 ? definition.uses[3] : undefined);
  const inDrafts = avp.vendorId === IETF_VENDOR_ID || definition.draft?.messages?.includes(messageType) !== false;
  return { definition, use: inDrafts ? use : undefined };
}

/**
 * Reads the AVPs behind Message Type into `values` and gives the first error; it reads on after one, since the IDs
 * that the answer needs may follow. `drafted` gets the names of values that vendor 9's AVPs gave.
 */
function parseValues(
  received: readonly ReceivedAvp[],
  reading: Reading,
  values: Record<string, unknown>,
  drafted: Set<string>,
): ProtocolError | undefined {
  let firstError: ProtocolError | undefined;
  let hiding: AvpHiding | undefined;
  for (const avp of received) {
    const known = recognize(avp, reading);
    if (known?.definition.name === 'randomVector' && !avp.hidden) {
      const { version, secret } = reading;
      if (secret !== undefined) hiding = versionedHiding(version, { secret, randomVector: avp.value });
      continue;
    }
    const error = caught(() => parseAvp(avp, known, hiding, values, drafted, reading.messageType));
    if (error === undefined || (!avp.mandatory && toleratesMalformed(reading.version, known))) continue;
    firstError ??= atAvp(error, avp, known?.definition.name);
  }
  return firstError;
}

/** RFC 3931 section 7.1: a malformed AVP without M bit counts as unknown; to version 2 alone, version 3's AVPs are. */
function toleratesMalformed(version: L2tpVersion, known: { definition: AvpDefinition } | undefined): boolean {
  return version === 3 || (known !== undefined && known.definition.uses[2] === undefined);
}

/** The error with the AVP named, as section 4.4.2 wants it in the Error Message, and its offset in the body. */
function atAvp(error: ProtocolError, avp: ReceivedAvp, name: string | undefined): ProtocolError {
  const vendor = avp.vendorId === IETF_VENDOR_ID ? '' : ` of vendor ${avp.vendorId}`;
  const message = `AVP ${avp.type}${vendor}${name === undefined ? '' : ` (${name})`}: ${error.message}`;
  return new ProtocolError(message, avp.offset, error.errorCode, error.resultCode);
}

/**
 * Puts the value of one AVP into `values`, if it is known, belongs into the message and is the first of its type; a
 * value of RFC 3931's AVP goes before that of the drafts'.
 */
function parseAvp(
  avp: ReceivedAvp,
  known: { definition: AvpDefinition; use: AvpUse | undefined } | undefined,
  hiding: AvpHiding | undefined,
  values: Record<string, unknown>,
  drafted: Set<string>,
  messageType: MessageType,
): void {
  if (known === undefined || (avp.hidden && hiding === undefined)) {
    if (!avp.mandatory) return;
    const why = known === undefined ? 'unknown, with M bit' : 'hidden, and without secret or Random Vector';
    throw new ProtocolError(why, avp.offset, ERROR_CODE.unknownMandatoryAvp);
  }
  const { definition, use } = known;
  if (definition.name === 'randomVector') {
    throw new ProtocolError('a hidden Random Vector', avp.offset, ERROR_CODE.valueOutOfRange);
  }
  if (FRAMING.has(definition.name) || !use?.allowed.includes(messageType)) return;
  const isDraft = avp.vendorId === DRAFT_VENDOR_ID;
  if (Object.hasOwn(values, definition.name) && (isDraft || !drafted.has(definition.name))) return;
  const plain = avp.hidden && hiding !== undefined ? openAvpValue(avp.type, avp.value, hiding) : avp.value;
  values[definition.name] = parseValue(AVP_CODEC[definition.format] as AvpCodec<unknown>, plain);
  if (isDraft) drafted.add(definition.name);
  else drafted.delete(definition.name);
}

/** The whole of `value` as the codec's type. */
function parseValue<T>(codec: AvpCodec<T>, value: Uint8Array): T {
  const reader = new ByteReader(value);
  const parsed = codec.parse(reader);
  reader.expectEnd();
  return parsed;
}

interface RequiredAvp {
  name: keyof AvpValues;
  type: number;
}

const REQUIRED: Readonly<Record<L2tpVersion, Partial<Record<MessageType, readonly RequiredAvp[]>>>> = { 2: {}, 3: {} };

/** Looked up in the table once for each message. */
function requiredAvps(version: L2tpVersion, messageType: MessageType): readonly RequiredAvp[] {
  const known = REQUIRED[version][messageType];
  if (known !== undefined) return known;
  const required = AVP_TABLE.flatMap(({ name, type, uses }) => {
    if (isFraming(name) || !uses[version]?.required.includes(messageType)) return [];
    return MAY_BE_MISSING[version][messageType]?.includes(name) ? [] : [{ name, type }];
  });
  REQUIRED[version][messageType] = required;
  return required;
}

/** Section 6 says what must be there; IDs are non-zero (4.4.3, 4.4.4) but in the messages that end things. */
function checkRequired(messageType: MessageType, version: L2tpVersion, values: AvpValues, end: number): void {
  for (const { name, type } of requiredAvps(version, messageType)) {
    if (values[name] !== undefined) continue;
    throw new ProtocolError(`AVP ${type} (${name}) is missing`, end, ERROR_CODE.valueOutOfRange);
  }
  // A peer that gives up before it has assigned an ID can only say 0 here.
  if (messageType === 'StopCCN' || messageType === 'CDN') return;
  const { assignedTunnelId, assignedSessionId, assignedControlConnectionId, localSessionId } = values;
  if ([assignedTunnelId, assignedSessionId, assignedControlConnectionId, localSessionId].includes(0)) {
    throw new ProtocolError('an assigned ID of 0', end, ERROR_CODE.valueOutOfRange);
  }
}

/** How a message is written. */
export interface EmitOptions {
  dialect: AvpDialect;
  /** A Random Vector AVP goes in front, and every value that may be hidden is. The dialect must be a version. */
  hiding?: AvpHiding;
  /** Vendor 9's AVPs where the drafts of version 3 had some, for a peer that uses them. */
  draftAvps?: boolean;
  /** Version 3: a Message Digest AVP right behind Message Type, its digest zero until sealMessageDigest fills it. */
  digest?: DigestType;
}

/**
 * The body of a control message: Message Type, then the AVPs in the table's order with the table's M bits. Throws
 * RangeError for an AVP that does not belong into the message, and for a value that no AVP can hold (some 1,017 octets).
 */
export function emitControlMessage({ messageType, avps }: ControlMessage, options: EmitOptions): Uint8Array {
  const { dialect, hiding, digest } = options;
  if (dialect === 'auto' && (messageType !== 'SCCRQ' || hiding !== undefined)) {
    throw new RangeError('for both versions there is an SCCRQ with plain AVPs and nothing else');
  }
  const writer = new ByteWriter(256);
  const present = AVP_TABLE.filter(({ name }) => !isFraming(name) && avps[name] !== undefined);
  for (const { name, uses } of present) {
    if (!isAllowed(uses, dialect, messageType)) {
      throw new RangeError(`${name} does not belong into ${messageType} of version ${dialect}`);
    }
  }
  const versioned = hiding === undefined || dialect === 'auto' ? undefined : versionedHiding(dialect, hiding);
  const emit = (definition: AvpDefinition, value: Uint8Array, hidden?: AvpHiding) =>
    emitAvp(writer, definition, messageType, value, options, hidden);

  emit(MESSAGE_TYPE_LINE, new ByteWriter(2).u16(MESSAGE_TYPE[messageType]).finish());
  if (digest !== undefined) {
    const value = new Uint8Array(1 + DIGEST[digest].digest_bytes);
    value[0] = DIGEST[digest].digestType;
    emit(definitionOf('messageDigest'), value);
  }
  if (versioned !== undefined && present.some(({ uses }) => bitsOf(uses, dialect).mayBeHidden)) {
    emit(definitionOf('randomVector'), versioned.randomVector);
  }
  for (const definition of present) {
    const value = new ByteWriter(64);
    (AVP_CODEC[definition.format] as AvpCodec<unknown>).emit(value, avps[definition.name as keyof AvpValues]);
    emit(definition, value.finish(), bitsOf(definition.uses, dialect).mayBeHidden ? versioned : undefined);
  }
  return writer.finish();
}

/** Of `avps` those that may be in such a message of that version: what is left of a call's values for its tunnel. */
export function allowedAvps(messageType: MessageType, version: L2tpVersion, avps: AvpValues): AvpValues {
  const belongs = ([name]: [string, unknown]) =>
    isAllowed(definitionOf(name as keyof AvpValues).uses, version, messageType);
  return Object.fromEntries(Object.entries(avps).filter(belongs)) as AvpValues;
}

function isFraming(name: AvpDefinition['name']): name is Exclude<AvpDefinition['name'], keyof AvpValues> {
  return FRAMING.has(name);
}

function isAllowed(uses: AvpDefinition['uses'], dialect: AvpDialect, messageType: MessageType): boolean {
  const versions: readonly L2tpVersion[] = dialect === 'auto' ? [2, 3] : [dialect];
  return versions.some((version) => uses[version]?.allowed.includes(messageType));
}

/** M bit and whether it may be hidden; for both versions, RFC 3931 section 4.7.3: M is clear on version 3's. */
function bitsOf(uses: AvpDefinition['uses'], dialect: AvpDialect): { mandatory: boolean; mayBeHidden: boolean } {
  const use = dialect === 'auto' ? uses[2] : uses[dialect];
  return use ?? { mandatory: false, mayBeHidden: false };
}

function definitionOf(name: AvpDefinition['name']): AvpDefinition {
  return DEFINITION_BY_NAME.get(name)!;
}

function emitAvp(
  writer: ByteWriter,
  definition: AvpDefinition,
  messageType: MessageType,
  plain: Uint8Array,
  { dialect, draftAvps = false }: EmitOptions,
  hiding?: AvpHiding,
): void {
  const { draft } = definition;
  const asDraft = draftAvps && draft !== undefined && (draft.messages?.includes(messageType) ?? true);
  const type = asDraft ? draft.type : definition.type;
  const value = hiding === undefined ? plain : hideAvpValue(type, plain, hiding);
  const length_bytes = AVP_HEADER_BYTES + value.length;
  if (length_bytes > AVP_FLAG.length) throw new RangeError(`${definition.name}: ${plain.length} bytes fit no AVP`);
  const mandatory = bitsOf(definition.uses, dialect).mandatory ? AVP_FLAG.mandatory : 0;
  writer
    .u16(mandatory | (hiding === undefined ? 0 : AVP_FLAG.hidden) | length_bytes)
    .u16(asDraft ? DRAFT_VENDOR_ID : definition.vendorId)
    .u16(type)
    .bytes(value);
}
