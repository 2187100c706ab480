/** Control messages: one of each type octet by octet, and the rules of RFC 2661 sections 4.1 to 4.4 for what is wrong. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type AvpValues,
  type ControlMessage,
  ControlMessageError,
  emitControlMessage,
} from '../../../firmware/wire/avp.js';
import { ERROR_CODE, ProtocolError } from '../../../firmware/wire/bytes.js';
import { type ControlHeaderFields, emitControlPacket } from '../../../firmware/wire/control-header.js';
import { parseL2tpHeader } from '../../../firmware/wire/l2tp.js';
import { ascii, fromHex, readVectors, toHex } from '../../vectors/vectors.js';
import { avpBytes, ICRQ_AVPS, messageBytes, readV2 } from './avp-bytes.js';

interface ControlMessageVector {
  name: string;
  header: { tunnelId: number; sessionId: number; ns: number; nr: number };
  packet: string;
  message: ControlMessage;
}

const { cases } = readVectors<{ cases: ControlMessageVector[] }>('control-messages');

/** The vector's header, which is of version 2. */
function headerOf({ header: { tunnelId, ...numbers } }: ControlMessageVector): ControlHeaderFields {
  return { version: 2, controlConnectionId: tunnelId, ...numbers };
}

/** The vector's message with its "hex:" strings as octets. */
function withOctets({ messageType, avps }: ControlMessage): ControlMessage {
  const values = Object.entries(avps).map(([name, value]: [string, unknown]) => [
    name,
    typeof value === 'string' && value.startsWith('hex:') ? fromHex(value.slice(4)) : value,
  ]);
  return { messageType, avps: Object.fromEntries(values) as AvpValues };
}

for (const vector of cases) {
  const message = withOctets(vector.message);

  test(`3.1, 4.4, 6: ${vector.name} is read`, () => {
    const packet = fromHex(vector.packet);
    const header = parseL2tpHeader(packet);
    const { tunnelId, sessionId, ns, nr } = header;
    assert.deepEqual({ tunnelId, sessionId, ns, nr }, vector.header);
    assert.deepEqual(readV2(packet.subarray(header.payloadOffset, header.payloadEnd)), message);
  });

  test(`3.1, 4.4, 6: ${vector.name} is written`, () => {
    assert.equal(
      toHex(emitControlPacket(headerOf(vector), emitControlMessage(message, { dialect: 2 }))),
      vector.packet,
    );
  });
}

/** The error that a body must give: its code, its offset, and what the message was as far as it could be read. */
function refusal(body: Uint8Array, errorCode: number): ControlMessageError {
  try {
    readV2(body);
  } catch (error) {
    assert.ok(error instanceof ControlMessageError, `${error}`);
    assert.equal(error.resultCode, 2);
    assert.equal(error.errorCode, errorCode);
    return error;
  }
  return assert.fail('not refused');
}

test('4.1: an unknown AVP without the M bit is ignored, and the message is processed as if it were not there', () => {
  const body = messageBytes(10, avpBytes(4711, 'aabb', { mandatory: false }), ...ICRQ_AVPS);
  assert.deepEqual(readV2(body), {
    messageType: 'ICRQ',
    avps: { assignedSessionId: 7, callSerialNumber: 1 },
  });
});

test('4.1: an unknown AVP with the M bit is error 8, and the message names the attribute (4.4.2)', () => {
  const error = refusal(messageBytes(10, ...ICRQ_AVPS, avpBytes(4711, 'aabb')), ERROR_CODE.unknownMandatoryAvp);
  assert.match(error.message, /AVP 4711/);
  assert.equal(error.offset, 26);
});

test('4.1: the error of a message says its type and the IDs that the answer must name, also those behind the fault', () => {
  const error = refusal(messageBytes(10, avpBytes(4711, ''), ...ICRQ_AVPS), ERROR_CODE.unknownMandatoryAvp);
  assert.equal(error.messageType, 'ICRQ');
  assert.equal(error.avps.assignedSessionId, 7);
});

test("4.1: another vendor's AVP is unknown, whatever its attribute type: ignored without M bit", () => {
  const body = messageBytes(10, avpBytes(14, '0009', { mandatory: false, vendorId: 9 }), ...ICRQ_AVPS);
  assert.equal(readV2(body)?.avps.assignedSessionId, 7);
});

test("4.1: another vendor's AVP with M bit is error 8, and the message names the vendor", () => {
  const error = refusal(messageBytes(10, ...ICRQ_AVPS, avpBytes(14, '0009', { vendorId: 9 })), 8);
  assert.match(error.message, /AVP 14 of vendor 9/);
});

for (const reserved of [1, 2, 4, 8]) {
  test(`4.1: an AVP with reserved bits ${reserved} is unrecognized: error 8 with M bit, ignored without`, () => {
    refusal(messageBytes(10, ...ICRQ_AVPS, avpBytes(18, '00000001', { reserved })), ERROR_CODE.unknownMandatoryAvp);
    const body = messageBytes(10, ...ICRQ_AVPS, avpBytes(25, '00000001', { reserved, mandatory: false }));
    assert.equal(readV2(body)?.avps.physicalChannelId, undefined);
  });
}

for (const length_bytes of [0, 1, 2, 3, 4, 5]) {
  test(`4.1: an AVP of Length ${length_bytes} is error 2 and ends the reading, whether known or not`, () => {
    refusal(messageBytes(10, ...ICRQ_AVPS, avpBytes(18, '', { length_bytes })), ERROR_CODE.lengthIsWrong);
    refusal(
      messageBytes(10, ...ICRQ_AVPS, avpBytes(4711, '', { length_bytes, mandatory: false })),
      ERROR_CODE.lengthIsWrong,
    );
  });
}

test('4.1: an AVP that is longer than the message is error 2; what came before it is known', () => {
  const error = refusal(messageBytes(10, ...ICRQ_AVPS, avpBytes(21, 'aa', { length_bytes: 8 })), 2);
  assert.equal(error.avps.assignedSessionId, 7);
});

test('4.1: a message that ends within an AVP header is error 2', () => {
  refusal(messageBytes(10, ...ICRQ_AVPS, fromHex('8008 0000 00')), ERROR_CODE.lengthIsWrong);
});

test('4.1: an AVP of 1023 octets, the most there can be, is read; one of 1024 cannot be written', () => {
  const name = new Uint8Array(1017).fill(0x61);
  const body = emitControlMessage({ messageType: 'ICCN', avps: { proxyAuthenName: name } }, { dialect: 2 });
  assert.deepEqual(readV2(body)?.avps.proxyAuthenName, name);
  const tooLong: AvpValues = { proxyAuthenName: new Uint8Array(1018) };
  assert.throws(() => emitControlMessage({ messageType: 'ICCN', avps: tooLong }, { dialect: 2 }), RangeError);
});

test('4.1: of several AVPs of one type the first counts', () => {
  const body = messageBytes(10, ...ICRQ_AVPS, avpBytes(14, '0063'), avpBytes(0, '0001'));
  assert.deepEqual(readV2(body), {
    messageType: 'ICRQ',
    avps: { assignedSessionId: 7, callSerialNumber: 1 },
  });
});

test('4.4: an AVP that the RFC does not put into a message is not handed on', () => {
  const body = messageBytes(10, ...ICRQ_AVPS, avpBytes(1, '0001'), avpBytes(24, '00000001'));
  assert.deepEqual(readV2(body)?.avps, { assignedSessionId: 7, callSerialNumber: 1 });
});

test('4.4.1: an unknown message type with M bit is error 8: the tunnel must be cleared', () => {
  for (const number of [0, 5, 13, 17, 65535]) {
    assert.throws(() => readV2(messageBytes(number)), { name: 'ProtocolError', errorCode: 8 });
  }
});

test('4.4.1: an unknown message type without M bit is ignored, whatever follows', () => {
  const ignored = avpBytes(0, '0011', { mandatory: false });
  assert.equal(readV2(ignored), null);
  assert.equal(readV2(Uint8Array.of(...ignored, ...avpBytes(4711, 'aabb'), 0xff)), null);
});

test('4.4.1: a message type of ours without M bit is read all the same', () => {
  assert.deepEqual(readV2(avpBytes(0, '0006', { mandatory: false })), { messageType: 'HELLO', avps: {} });
});

const NOT_A_MESSAGE_TYPE: readonly [string, Uint8Array][] = [
  ['another AVP', avpBytes(14, '0006')],
  ["another vendor's AVP of type 0", avpBytes(0, '0006', { vendorId: 311 })],
  ['a hidden Message Type', avpBytes(0, '0006', { hidden: true })],
  ['a Message Type with a reserved bit', avpBytes(0, '0006', { reserved: 1 })],
];

for (const [what, body] of NOT_A_MESSAGE_TYPE) {
  test(`4.4.1: Message Type must come first: ${what} is error 3`, () => {
    assert.throws(() => readV2(body), { name: 'ProtocolError', errorCode: 3, offset: 0 });
  });
}

for (const value of ['', '06', '000600']) {
  test(`4.4.1: a Message Type of ${value.length / 2} octets is error 2`, () => {
    assert.throws(() => readV2(avpBytes(0, value)), { name: 'ProtocolError', errorCode: 2 });
  });
}

/** Values whose octets do not make their format, in a message that may hold them. */
const WRONG_LENGTHS: readonly [string, number, number, string][] = [
  ['Protocol Version', 1, 2, '01'],
  ['Framing Capabilities', 1, 3, '000003'],
  ['Bearer Capabilities', 1, 4, '0000000300'],
  ['Tie Breaker', 1, 5, '00010203040506'],
  ['Firmware Revision', 1, 6, '01'],
  ['an empty Host Name', 1, 7, ''],
  ['Assigned Tunnel ID', 1, 9, '000001'],
  ['Receive Window Size', 1, 10, '04'],
  ['an empty Challenge', 1, 11, ''],
  ['Challenge Response', 3, 13, '00'.repeat(15)],
  ['Challenge Response', 3, 13, '00'.repeat(17)],
  ['Result Code', 14, 1, '01'],
  ['Result Code with half an Error Code', 14, 1, '000100'],
  ['Q.931 Cause Code', 14, 12, '0010'],
  ['Assigned Session ID', 10, 14, ''],
  ['Call Serial Number', 10, 15, '0001'],
  ['Physical Channel ID', 10, 25, '0001'],
  ['Sequencing Required', 12, 39, '00'],
  ['Proxy Authen Type', 12, 29, '000200'],
  ['Proxy Authen ID', 12, 32, '02'],
  ['an empty Proxy Authen Challenge', 12, 31, ''],
  ['Call Errors', 15, 34, '00'.repeat(25)],
  ['ACCM', 16, 35, '00'.repeat(8)],
  ['PPP Disconnect Cause', 14, 46, '0001c021'],
];

for (const [what, messageType, type, value] of WRONG_LENGTHS) {
  test(`4.4: ${what} with a value of ${value.length / 2} octets is error 2`, () => {
    const error = refusal(messageBytes(messageType, avpBytes(type, value)), ERROR_CODE.lengthIsWrong);
    assert.equal(error.offset, 8);
    assert.match(error.message, new RegExp(`AVP ${type} `));
  });
}

test('4.4.3, 4.4.4: an assigned ID of 0 is error 3', () => {
  refusal(messageBytes(10, avpBytes(14, '0000'), avpBytes(15, '00000001')), ERROR_CODE.valueOutOfRange);
  refusal(messageBytes(11, avpBytes(14, '0000')), ERROR_CODE.valueOutOfRange);
});

test('4.4.3, 4.4.4: in StopCCN and CDN an assigned ID of 0 is borne: nothing depends on it, and the end must be heard', () => {
  const stopCcn = messageBytes(4, avpBytes(1, '00010000'), avpBytes(9, '0000'));
  assert.equal(readV2(stopCcn)?.avps.assignedTunnelId, 0);
  const cdn = messageBytes(14, avpBytes(1, '00010000'), avpBytes(14, '0000'));
  assert.equal(readV2(cdn)?.avps.assignedSessionId, 0);
});

/** Section 6: for each message what it must hold, and a body that holds all but one. */
const MISSING: readonly [string, number, readonly Uint8Array[]][] = [
  ['SCCRQ without Protocol Version', 1, [avpBytes(7, '61'), avpBytes(3, '00000003'), avpBytes(9, '0001')]],
  ['SCCRQ without Host Name', 1, [avpBytes(2, '0100'), avpBytes(3, '00000003'), avpBytes(9, '0001')]],
  ['SCCRQ without Framing Capabilities', 1, [avpBytes(2, '0100'), avpBytes(7, '61'), avpBytes(9, '0001')]],
  ['SCCRQ without Assigned Tunnel ID', 1, [avpBytes(2, '0100'), avpBytes(7, '61'), avpBytes(3, '00000003')]],
  ['SCCRP without Assigned Tunnel ID', 2, [avpBytes(2, '0100'), avpBytes(7, '61'), avpBytes(3, '00000003')]],
  ['StopCCN without Result Code', 4, [avpBytes(9, '0001')]],
  ['StopCCN without Assigned Tunnel ID', 4, [avpBytes(1, '00010000')]],
  ['ICRQ without Assigned Session ID', 10, [avpBytes(15, '00000001')]],
  ['ICRQ without Call Serial Number', 10, [avpBytes(14, '0001')]],
  ['ICRP without Assigned Session ID', 11, []],
  ['OCRP without Assigned Session ID', 8, []],
  ['OCRQ with nothing', 7, []],
  ['CDN without Result Code', 14, [avpBytes(14, '0001')]],
  ['CDN without Assigned Session ID', 14, [avpBytes(1, '00010000')]],
  ['WEN without Call Errors', 15, []],
  ['SLI without ACCM', 16, []],
];

for (const [what, messageType, avps] of MISSING) {
  test(`6: ${what} is error 3`, () => {
    refusal(messageBytes(messageType, ...avps), ERROR_CODE.valueOutOfRange);
  });
}

test('4.4.2: an Error Message and 4.4.3 a Vendor Name are UTF-8; what is not reads as U+FFFD', () => {
  const body = messageBytes(4, avpBytes(1, '0002 0006 c3a9 ff'), avpBytes(9, '0001'));
  assert.deepEqual(readV2(body)?.avps.resultCode, {
    resultCode: 2,
    errorCode: 6,
    errorMessage: 'é\ufffd',
  });
});

test('4.4.2: an Error Message that repeats a long text of a peer is cut behind a whole character, and fits its AVP', () => {
  const resultCode = { resultCode: 2, errorCode: 6, errorMessage: 'é'.repeat(2000) };
  const pppDisconnectCause = { disconnectCode: 3, controlProtocol: 0xc021, direction: 1, message: '€'.repeat(2000) };
  const body = emitControlMessage(
    {
      messageType: 'CDN',
      avps: { resultCode, assignedSessionId: 1, pppDisconnectCause },
    },
    { dialect: 2 },
  );
  const read = readV2(body)?.avps;
  assert.equal(read?.resultCode?.errorMessage, 'é'.repeat(127));
  assert.equal(read?.pppDisconnectCause?.message, '€'.repeat(85));
});

test('4.4.5: the reserved octet of Proxy Authen ID is not part of the ID', () => {
  assert.equal(readV2(messageBytes(12, avpBytes(32, 'ff2a')))?.avps.proxyAuthenId, 0x2a);
});

test('a value that was read is a copy: the buffer may be used again', () => {
  const body = messageBytes(3, avpBytes(13, 'aa'.repeat(16)));
  const message = readV2(body);
  body.fill(0);
  assert.equal(toHex(message?.avps.challengeResponse ?? new Uint8Array(0)), 'aa'.repeat(16));
});

test('an AVP in a message where the RFC has none is a programming error and is not sent', () => {
  assert.throws(
    () => emitControlMessage({ messageType: 'HELLO', avps: { assignedTunnelId: 1 } }, { dialect: 2 }),
    RangeError,
  );
});

test('an absent value may be undefined', () => {
  assert.equal(
    toHex(emitControlMessage({ messageType: 'SCCCN', avps: { challengeResponse: undefined } }, { dialect: 2 })),
    toHex(messageBytes(3)),
  );
});

test('an empty body is a ProtocolError: a ZLB has no message to read', () => {
  assert.throws(() => readV2(new Uint8Array(0)), ProtocolError);
});

test('no error of a message with a secret in it shows the secret', () => {
  const body = messageBytes(10, avpBytes(36, '00'.repeat(16)), avpBytes(14, 'ff'.repeat(18), { hidden: true }));
  const secret = ascii('s3cr3t-of-the-tunnel');
  try {
    readV2(body, secret);
    assert.fail('not refused');
  } catch (error) {
    assert.ok(error instanceof ProtocolError);
    assert.doesNotMatch(`${error.stack}`, /s3cr3t/);
    assert.doesNotMatch(`${error.stack}`, new RegExp(toHex(secret)));
  }
});
