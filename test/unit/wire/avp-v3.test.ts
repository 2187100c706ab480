/** Control messages of version 3: one of each type against its octets, and what RFC 3931 says of those that are wrong. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type AvpValues,
  allowedAvps,
  type ControlMessage,
  ControlMessageError,
  emitControlMessage,
  parseControlMessage,
} from '../../../firmware/wire/avp.js';
import { hideAvpValue, openAvpValue, versionedHiding } from '../../../firmware/wire/avp-hiding.js';
import { ERROR_CODE } from '../../../firmware/wire/bytes.js';
import { parseControlHeader } from '../../../firmware/wire/control-header.js';
import { ascii, fromHex, readVectors, toHex } from '../../vectors/vectors.js';
import { avpBytes, messageBytes, readV2, readV3 } from './avp-bytes.js';

interface VectorsV3 {
  automaticSccrq: string;
  cases: {
    name: string;
    digest: 'md5' | 'sha1';
    header: { controlConnectionId: number; ns: number; nr: number };
    packet: string;
    message: ControlMessage;
  }[];
}

const VECTORS = readVectors<VectorsV3>('control-messages-v3');

function withOctets({ messageType, avps }: ControlMessage): ControlMessage {
  const values = Object.entries(avps).map(([name, value]: [string, unknown]) => [
    name,
    typeof value === 'string' && value.startsWith('hex:') ? fromHex(value.slice(4)) : value,
  ]);
  return { messageType, avps: Object.fromEntries(values) as AvpValues };
}

for (const { name, digest, header, packet, message } of VECTORS.cases) {
  test(`5.4, 6: ${name} is read and written`, () => {
    const bytes = fromHex(packet);
    const { payloadOffset, payloadEnd, ...fields } = parseControlHeader(bytes);
    assert.deepEqual(fields, { version: 3, sessionId: 0, ...header });
    const body = bytes.slice(payloadOffset, payloadEnd);
    assert.deepEqual(readV3(body), withOctets(message));
    const digestStart = 8 + 7;
    body.fill(0, digestStart, digestStart + (digest === 'md5' ? 16 : 20));
    assert.equal(toHex(emitControlMessage(withOctets(message), { dialect: 3, digest })), toHex(body));
  });
}

/** What an ICRQ of version 3 needs, with vendor and type of the session IDs as given. */
function icrq(...more: readonly Uint8Array[]): Uint8Array {
  return messageBytes(
    10,
    avpBytes(63, '00010001'),
    avpBytes(64, '00000000'),
    avpBytes(15, '00000007', { mandatory: false }),
    avpBytes(68, '0007'),
    avpBytes(66, '61'),
    avpBytes(71, '0003'),
    ...more,
  );
}

function refusal(body: Uint8Array, version: 2 | 3 = 3): ControlMessageError {
  try {
    parseControlMessage(body, { version });
  } catch (error) {
    assert.ok(error instanceof ControlMessageError, `${error}`);
    return error;
  }
  return assert.fail('not refused');
}

test('5.2: an unknown AVP with the M bit is error 8, one without is ignored', () => {
  assert.equal(refusal(icrq(avpBytes(4711, 'aa'))).errorCode, ERROR_CODE.unknownMandatoryAvp);
  assert.equal(readV3(icrq(avpBytes(4711, 'aa', { mandatory: false })))?.avps.localSessionId, 0x10001);
});

test('5.1: reserved bits of an AVP are ignored', () => {
  assert.equal(readV3(icrq(avpBytes(70, '0002', { reserved: 15 })))?.avps.dataSequencing, 2);
});

test('7.1: a malformed AVP without M bit is ignored: Rx Connect Speed of 10 octets; with M bit it is error 2', () => {
  const speed = avpBytes(75, '000f4240', { mandatory: false });
  assert.equal(readV3(icrq(speed))?.avps.rxConnectSpeedV3_bps, undefined);
  assert.equal(refusal(icrq(avpBytes(75, '000f4240'))).errorCode, ERROR_CODE.lengthIsWrong);
});

test('5.4.3: a Pseudowire Capabilities List has at least one type, and whole ones', () => {
  const list = (value: string) =>
    messageBytes(2, avpBytes(7, '61'), avpBytes(60, '00000001'), avpBytes(61, '00000001'), avpBytes(62, value));
  assert.deepEqual(readV3(list('00040005'))?.avps.pseudowireCapabilitiesList, [4, 5]);
  assert.equal(refusal(list('')).errorCode, ERROR_CODE.lengthIsWrong);
  assert.equal(refusal(list('000400')).errorCode, ERROR_CODE.lengthIsWrong);
});

test('5.4.4: an Assigned Cookie has 0, 4 or 8 octets', () => {
  for (const length of [0, 4, 8]) {
    assert.equal(readV3(icrq(avpBytes(65, 'aa'.repeat(length))))?.avps.assignedCookie?.length, length);
  }
  for (const length of [1, 2, 3, 5, 6, 7, 9, 12]) {
    assert.equal(refusal(icrq(avpBytes(65, 'aa'.repeat(length)))).errorCode, ERROR_CODE.lengthIsWrong);
  }
});

test('5.4.4: a connect speed beyond what a number holds exactly reads as the most that it holds', () => {
  const speed = avpBytes(74, 'ff'.repeat(8), { mandatory: false });
  assert.equal(readV3(icrq(speed))?.avps.txConnectSpeedV3_bps, Number.MAX_SAFE_INTEGER);
});

test('5.4.3, 5.4.4: an assigned ID of 0 is error 3; Remote Session ID 0 in an ICRQ is right', () => {
  const start = messageBytes(
    2,
    avpBytes(7, '61'),
    avpBytes(60, '00000001'),
    avpBytes(61, '00000000'),
    avpBytes(62, '0007'),
  );
  assert.equal(refusal(start).errorCode, ERROR_CODE.valueOutOfRange);
  const reply = messageBytes(11, avpBytes(63, '00000000'), avpBytes(64, '00010001'), avpBytes(71, '0001'));
  assert.equal(refusal(reply).errorCode, ERROR_CODE.valueOutOfRange);
  assert.equal(readV3(icrq())?.avps.remoteSessionId, 0);
});

test('6.6: an ICRQ without Pseudowire Type is error 3; without Remote End ID or Serial Number it is borne', () => {
  const ids = [avpBytes(63, '00010001'), avpBytes(64, '00000000'), avpBytes(71, '0003')];
  assert.equal(refusal(messageBytes(10, ...ids)).errorCode, ERROR_CODE.valueOutOfRange);
  assert.equal(readV3(messageBytes(10, ...ids, avpBytes(68, '0007')))?.avps.pseudowireType, 7);
});

test('6.4: a StopCCN needs no Assigned Control Connection ID', () => {
  assert.deepEqual(readV3(messageBytes(4, avpBytes(1, '0001')))?.avps, { resultCode: { resultCode: 1 } });
});

test('4.7.3: version 2 AVPs in a version 3 SCCRQ are ignored, the M bit set or not; elsewhere they are unknown', () => {
  const needed = [avpBytes(7, '61'), avpBytes(60, '00000001'), avpBytes(61, '00000001'), avpBytes(62, '0007')];
  const v2 = [avpBytes(2, '0100'), avpBytes(3, '00000003'), avpBytes(9, '0001'), avpBytes(11, '')];
  const { avps } = readV3(messageBytes(1, ...v2, ...needed)) ?? {};
  assert.deepEqual(Object.keys(avps ?? {}).sort(), [
    'assignedControlConnectionId',
    'hostName',
    'pseudowireCapabilitiesList',
    'routerId',
  ]);
  assert.equal(refusal(messageBytes(3, avpBytes(9, '0001'))).errorCode, ERROR_CODE.unknownMandatoryAvp);
});

test('4.7.3: an SCCRQ for both versions has the M bit on no AVP of version 3, and either version reads what it needs', () => {
  const body = fromHex(VECTORS.automaticSccrq).subarray(12);
  for (let at = 0; at < body.length; at += ((body[at] << 8) | body[at + 1]) & 0x3ff) {
    const type = (body[at + 4] << 8) | body[at + 5];
    if (type >= 59) assert.equal(body[at] & 0x80, 0, `AVP ${type}`);
  }
  const { avps } = readV2(body) ?? {};
  assert.deepEqual([avps?.assignedTunnelId, avps?.assignedControlConnectionId], [0x1234, 0x1234]);
  assert.deepEqual(avps?.pseudowireCapabilitiesList, [4, 5, 7]);
  assert.equal(readV3(body)?.avps.assignedTunnelId, undefined);
});

test('4.7.3: an AVP of version 3 in any other message of version 2 is unknown, an ACK too', () => {
  const body = messageBytes(11, avpBytes(14, '0007'), avpBytes(63, '00010001'));
  assert.equal(refusal(body, 2).errorCode, ERROR_CODE.unknownMandatoryAvp);
  assert.throws(() => readV2(messageBytes(20)), { errorCode: ERROR_CODE.unknownMandatoryAvp });
});

test('4.7.3: only an SCCRQ with plain AVPs can be written for both versions', () => {
  assert.throws(() => emitControlMessage({ messageType: 'HELLO', avps: {} }, { dialect: 'auto' }), RangeError);
  const hiding = { secret: ascii('s'), randomVector: ascii('r') };
  assert.throws(() => emitControlMessage({ messageType: 'SCCRQ', avps: {} }, { dialect: 'auto', hiding }), RangeError);
});

test('what belongs to a message of a version is picked from the values of a call', () => {
  const avps = { framingType: 1, sequencingRequired: true, localSessionId: 9, circuitStatus: 1 } as const;
  assert.deepEqual(allowedAvps('ICCN', 3, avps), { framingType: 1, localSessionId: 9, circuitStatus: 1 });
  assert.deepEqual(allowedAvps('ICCN', 2, avps), { framingType: 1, sequencingRequired: true });
});

interface HidingVectors {
  secret: string;
  randomVector: string;
  sharedKey: string;
  cases: { name: string; attributeType: number; value: string; padding: string; hidden: string }[];
}
const HIDING = readVectors<HidingVectors>('avp-hiding-v3');
const hidingOf = { secret: fromHex(HIDING.secret), randomVector: fromHex(HIDING.randomVector) };

for (const { name, attributeType, value, padding, hidden } of HIDING.cases) {
  test(`5.3: ${name}: hidden and opened with the key that is derived from the secret`, () => {
    const keyed = versionedHiding(3, hidingOf);
    assert.equal(toHex(keyed.secret), HIDING.sharedKey);
    assert.equal(toHex(hideAvpValue(attributeType, fromHex(value), keyed, fromHex(padding))), hidden);
    assert.equal(toHex(openAvpValue(attributeType, fromHex(hidden), keyed)), value);
  });
}

test('5.3: a hidden AVP of a message is opened with the secret, and its Random Vector stands behind the digest', () => {
  const [id] = HIDING.cases;
  const message: ControlMessage = { messageType: 'SLI', avps: { localSessionId: 0x10001, remoteSessionId: 5 } };
  const body = emitControlMessage(message, { dialect: 3, hiding: hidingOf, digest: 'md5' });
  assert.deepEqual([...body.subarray(8 + 23 + 2, 8 + 23 + 6)], [0, 0, 0, 36]);
  assert.ok(toHex(body).includes(`c00c0000003f${id.hidden}`));
  assert.deepEqual(readV3(body, hidingOf.secret), message);
  assert.throws(() => readV3(body), { errorCode: ERROR_CODE.unknownMandatoryAvp });
});
