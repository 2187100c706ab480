/** Random valid messages for property tests, made from the AVP table: whatever may be in a message comes at times. */
import fc from 'fast-check';
import {
  AVP_TABLE,
  type AvpDefinition,
  type AvpValues,
  type ControlMessage,
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
  'low-octet': u8,
  text: octetText,
  'text-not-empty': octetText.map((text) => `h${text}`),
  utf8: unicodeText,
  octets,
  'octets-not-empty': fc.uint8Array({ minLength: 1, maxLength: 80 }),
  'octets-8': fc.uint8Array({ minLength: 8, maxLength: 8 }),
  'octets-16': fc.uint8Array({ minLength: 16, maxLength: 16 }),
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

function avpValue(definition: AvpDefinition): fc.Arbitrary<unknown> {
  const isAssignedId = definition.name === 'assignedTunnelId' || definition.name === 'assignedSessionId';
  return isAssignedId ? fc.integer({ min: 1, max: 0xffff }) : VALUE[definition.format];
}

function messageOf(messageType: MessageType): fc.Arbitrary<ControlMessage> {
  const lines = AVP_TABLE.filter(
    ({ name, allowed }) => name !== 'messageType' && name !== 'randomVector' && allowed.includes(messageType),
  );
  const model = Object.fromEntries(lines.map((line) => [line.name, avpValue(line)]));
  const requiredKeys = lines.filter((line) => line.required.includes(messageType)).map((line) => line.name);
  const avps = fc.record(model, { requiredKeys, noNullPrototype: true }) as fc.Arbitrary<AvpValues>;
  return avps.map((values) => ({ messageType, avps: values }));
}

/** Any control message that the RFC allows. */
export const controlMessage: fc.Arbitrary<ControlMessage> = fc.oneof(
  ...(Object.keys(MESSAGE_TYPE) as MessageType[]).map(messageOf),
);

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
