/** Random valid messages for property tests, made from the AVP table: whatever may be in a message comes at times. */
import fc from 'fast-check';
import {
  AVP_TABLE,
  type AvpDefinition,
  type AvpValues,
  type ControlMessage,
  type L2tpVersion,
  MESSAGE_TYPE,
  type MessageType,
} from '../../../firmware/wire/avp.js';
import type { AvpFormat, AvpFormatValues } from '../../../firmware/wire/avp-format.js';

/** A record as code makes it, which deepEqual compares with what was read: fast-check's own have no prototype. */
export function record<T>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<T> {
  return fc.record(model, { noNullPrototype: true }) as fc.Arbitrary<T>;
}

const u8 = fc.nat(0xff);
const u16 = fc.nat(0xffff);
const u32 = fc.nat(0xffffffff);
const octetText = fc.string({ unit: fc.nat(0xff).map((code) => String.fromCharCode(code)), maxLength: 60 });
const unicodeText = fc.string({ unit: 'binary', maxLength: 40 });
const octets = fc.uint8Array({ maxLength: 80 });

/** A value of each format, such that reading what was written gives it back. */
const VALUE: { [F in AvpFormat]: fc.Arbitrary<AvpFormatValues[F]> } = {
  u16,
  u32,
  u64: fc.maxSafeNat(),
  'u16-list': fc.array(u16, { minLength: 1, maxLength: 20 }),
  'low-octet': u8,
  text: octetText,
  'text-not-empty': octetText.map((text) => `h${text}`),
  utf8: unicodeText,
  octets,
  'octets-not-empty': fc.uint8Array({ minLength: 1, maxLength: 80 }),
  'octets-8': fc.uint8Array({ minLength: 8, maxLength: 8 }),
  'octets-16': fc.uint8Array({ minLength: 16, maxLength: 16 }),
  cookie: fc.constantFrom(0, 4, 8).chain((length) => fc.uint8Array({ minLength: length, maxLength: length })),
  empty: fc.constant(true),
  'protocol-version': record({ version: u8, revision: u8 }),
  // Codes above 255 are read as swapped bytes; an error code is always written; an empty text is no text.
  'result-code': fc.record(
    { resultCode: u8, errorCode: u8, errorMessage: unicodeText.map((text) => `!${text}`) },
    { requiredKeys: ['resultCode', 'errorCode'], noNullPrototype: true },
  ),
  'q931-cause': record({ causeCode: u16, causeMessage: u8, advisoryMessage: octetText }),
  'call-errors': record({
    crcErrors: u32,
    framingErrors: u32,
    hardwareOverruns: u32,
    bufferOverruns: u32,
    timeoutErrors: u32,
    alignmentErrors: u32,
  }),
  accm: record({ sendAccm: u32, receiveAccm: u32 }),
  'disconnect-cause': record({ disconnectCode: u16, controlProtocol: u16, direction: u8, message: unicodeText }),
};

/** IDs that a peer assigns are not 0. */
const ASSIGNED_ID: Readonly<Record<string, fc.Arbitrary<number>>> = {
  assignedTunnelId: fc.integer({ min: 1, max: 0xffff }),
  assignedSessionId: fc.integer({ min: 1, max: 0xffff }),
  assignedControlConnectionId: fc.integer({ min: 1, max: 0xffffffff }),
  localSessionId: fc.integer({ min: 1, max: 0xffffffff }),
};

/** AVPs that are no values of a message. */
const FRAMING: readonly string[] = ['messageType', 'messageDigest', 'randomVector', 'draftAvpVersion'];

function avpsOf(
  lines: readonly AvpDefinition[],
  isRequired: (line: AvpDefinition) => boolean,
): fc.Arbitrary<AvpValues> {
  const values = lines.filter(({ name }) => !FRAMING.includes(name));
  const arbitraryOf = ({ name, format }: AvpDefinition): fc.Arbitrary<unknown> => ASSIGNED_ID[name] ?? VALUE[format];
  const model = Object.fromEntries(values.map((line) => [line.name, arbitraryOf(line)]));
  const requiredKeys = values.filter(isRequired).map((line) => line.name);
  return fc.record(model, { requiredKeys, noNullPrototype: true }) as fc.Arbitrary<AvpValues>;
}

function messageOf(messageType: MessageType, version: L2tpVersion): fc.Arbitrary<ControlMessage> {
  const lines = AVP_TABLE.filter(({ uses }) => uses[version]?.allowed.includes(messageType));
  const avps = avpsOf(lines, ({ uses }) => uses[version]?.required.includes(messageType) === true);
  return avps.map((values) => ({ messageType, avps: values }));
}

const MESSAGE_TYPES = Object.keys(MESSAGE_TYPE) as MessageType[];

/** Any control message that RFC 2661 allows. */
export const controlMessage: fc.Arbitrary<ControlMessage> = fc.oneof(
  ...MESSAGE_TYPES.filter((messageType) => messageType !== 'ACK').map((messageType) => messageOf(messageType, 2)),
);

/** Any control message that RFC 3931 allows, the PPP AVPs of version 2 with it. */
export const controlMessageV3: fc.Arbitrary<ControlMessage> = fc.oneof(
  ...MESSAGE_TYPES.map((messageType) => messageOf(messageType, 3)),
);

/** An SCCRQ that offers both versions, RFC 3931 section 4.7.3. */
export const automaticSccrq: fc.Arbitrary<ControlMessage> = avpsOf(
  AVP_TABLE.filter(({ uses }) => uses[2]?.allowed.includes('SCCRQ') || uses[3]?.allowed.includes('SCCRQ')),
  ({ uses }) => [uses[2], uses[3]].some((use) => use?.required.includes('SCCRQ')),
).map((avps) => ({ messageType: 'SCCRQ', avps }));

/** What hides its AVPs: a secret and a random vector, of at least one octet each. */
export const avpHiding = record({
  secret: fc.uint8Array({ minLength: 1, maxLength: 40 }),
  randomVector: fc.uint8Array({ minLength: 1, maxLength: 40 }),
});

/** One change to octets: some overwritten, cut out or put in, or the end cut off. */
export const mutation: fc.Arbitrary<(bytes: Uint8Array) => Uint8Array> = fc
  .tuple(fc.constantFrom('overwrite', 'remove', 'insert', 'truncate'), fc.nat(2000), fc.uint8Array({ maxLength: 8 }))
  .map(([kind, position, octetsGiven]) => (bytes: Uint8Array) => {
    const at = bytes.length === 0 ? 0 : position % bytes.length;
    const length = octetsGiven.length;
    if (kind === 'truncate') return bytes.slice(0, at);
    if (kind === 'remove') return Uint8Array.of(...bytes.subarray(0, at), ...bytes.subarray(at + length));
    const rest = bytes.subarray(kind === 'insert' ? at : at + length);
    return Uint8Array.of(...bytes.subarray(0, at), ...octetsGiven, ...rest);
  });
