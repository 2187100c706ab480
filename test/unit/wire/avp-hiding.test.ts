/** Hidden AVPs, RFC 2661 section 4.3: the values, and how a message with some is read and written. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AVP_TABLE, type ControlMessage, emitControlMessage } from '../../../firmware/wire/avp.js';
import { hideAvpValue, openAvpValue } from '../../../firmware/wire/avp-hiding.js';
import { ProtocolError } from '../../../firmware/wire/bytes.js';
import { ascii, fromHex, readVectors, toHex } from '../../vectors/vectors.js';
import { avpBytes, ICRQ_AVPS, messageBytes, readV2 } from './avp-bytes.js';

interface HidingVector {
  name: string;
  attributeType: number;
  secret: string;
  randomVector: string;
  value: string;
  padding: string;
  hidden: string;
}

const { cases } = readVectors<{ cases: HidingVector[] }>('avp-hiding');

for (const vector of cases) {
  const hiding = { secret: fromHex(vector.secret), randomVector: fromHex(vector.randomVector) };

  test(`4.3: ${vector.name}: hidden`, () => {
    const hidden = hideAvpValue(vector.attributeType, fromHex(vector.value), hiding, fromHex(vector.padding));
    assert.equal(toHex(hidden), vector.hidden);
  });

  test(`4.3: ${vector.name}: opened`, () => {
    assert.equal(toHex(openAvpValue(vector.attributeType, fromHex(vector.hidden), hiding)), vector.value);
  });
}

const SECRET = ascii('tunnel secret');
const VECTOR_A = fromHex('a0 a1 a2 a3 a4 a5 a6 a7 a8 a9 aa ab ac ad ae af');
const VECTOR_B = fromHex('0b');

/** A hidden AVP whose subformat says that its value has `length_bytes`, whatever it has. */
function lyingAvp(type: number, length_bytes: number, value: Uint8Array): Uint8Array {
  const honest = Uint8Array.of(length_bytes >>> 8, length_bytes, ...value);
  // Hiding masks a subformat by xor: what hides zeros there is the mask of its first block.
  const mask = hideAvpValue(type, new Uint8Array(14), { secret: SECRET, randomVector: VECTOR_A });
  mask[1] ^= 14;
  const hidden = honest.map((byte, i) => byte ^ mask[i]);
  return avpBytes(type, hidden, { hidden: true });
}

test('4.3: a hidden value is opened with the last Random Vector before it', () => {
  const first = hideAvpValue(14, fromHex('0007'), { secret: SECRET, randomVector: VECTOR_A });
  const second = hideAvpValue(15, fromHex('00000001'), { secret: SECRET, randomVector: VECTOR_B });
  const body = messageBytes(
    10,
    avpBytes(36, VECTOR_A),
    avpBytes(14, first, { hidden: true }),
    avpBytes(36, VECTOR_B),
    avpBytes(15, second, { hidden: true }),
  );
  assert.deepEqual(readV2(body, SECRET)?.avps, { assignedSessionId: 7, callSerialNumber: 1 });
});

test('4.3: an honest inner length shorter than the value leaves padding', () => {
  const body = messageBytes(10, avpBytes(36, VECTOR_A), lyingAvp(14, 2, fromHex('0007 ffffff')), ICRQ_AVPS[1]);
  assert.equal(readV2(body, SECRET)?.avps.assignedSessionId, 7);
});

for (const length_bytes of [3, 5, 255, 256, 1017, 65535]) {
  test(`4.3: an inner length of ${length_bytes} in a hidden value of 2 octets is error 2`, () => {
    const body = messageBytes(10, avpBytes(36, VECTOR_A), lyingAvp(14, length_bytes, fromHex('0007')), ICRQ_AVPS[1]);
    assert.throws(() => readV2(body, SECRET), { name: 'ProtocolError', errorCode: 2 });
  });
}

for (const length_bytes of [0, 1]) {
  test(`4.3: an inner length of ${length_bytes} where the AVP's value has 2 octets is error 2`, () => {
    const body = messageBytes(10, avpBytes(36, VECTOR_A), lyingAvp(14, length_bytes, fromHex('0007')), ICRQ_AVPS[1]);
    assert.throws(() => readV2(body, SECRET), { name: 'ProtocolError', errorCode: 2 });
  });
}

for (const value of ['', '00']) {
  test(`4.3: a hidden value of ${value.length / 2} octets has no room for its inner length: error 2`, () => {
    const body = messageBytes(10, avpBytes(36, VECTOR_A), avpBytes(14, value, { hidden: true }), ICRQ_AVPS[1]);
    assert.throws(() => readV2(body, SECRET), { name: 'ProtocolError', errorCode: 2 });
  });
}

test('4.3: a Random Vector must precede: a hidden AVP with M bit before it is error 8, one without is ignored', () => {
  const hidden = hideAvpValue(14, fromHex('0007'), { secret: SECRET, randomVector: VECTOR_A });
  const late = messageBytes(10, avpBytes(14, hidden, { hidden: true }), avpBytes(36, VECTOR_A), ICRQ_AVPS[1]);
  assert.throws(() => readV2(late, SECRET), { name: 'ProtocolError', errorCode: 8 });
  const channel = avpBytes(25, hidden, { hidden: true, mandatory: false });
  assert.equal(readV2(messageBytes(10, channel, ...ICRQ_AVPS), SECRET)?.avps.physicalChannelId, undefined);
});

test('4.3: without a shared secret a hidden AVP with M bit is error 8, one without is ignored', () => {
  const hidden = hideAvpValue(14, fromHex('0007'), { secret: SECRET, randomVector: VECTOR_A });
  const body = messageBytes(10, avpBytes(36, VECTOR_A), avpBytes(14, hidden, { hidden: true }), ICRQ_AVPS[1]);
  assert.throws(() => readV2(body), { name: 'ProtocolError', errorCode: 8 });
  const channel = avpBytes(25, hidden, { hidden: true, mandatory: false });
  const withChannel = messageBytes(10, avpBytes(36, VECTOR_A), channel, ...ICRQ_AVPS);
  assert.equal(readV2(withChannel)?.avps.physicalChannelId, undefined);
});

test('4.4.1: a hidden Random Vector is error 3', () => {
  const body = messageBytes(10, avpBytes(36, VECTOR_A), avpBytes(36, VECTOR_A, { hidden: true }), ...ICRQ_AVPS);
  assert.throws(() => readV2(body, SECRET), { name: 'ProtocolError', errorCode: 3 });
});

test('4.3: what another secret opens is an error or another value, never anything but ProtocolError', () => {
  const message: ControlMessage = { messageType: 'ICRP', avps: { assignedSessionId: 7 } };
  const body = emitControlMessage(message, { dialect: 2, hiding: { secret: SECRET, randomVector: VECTOR_A } });
  let refused = 0;
  for (let i = 0; i < 200; i++) {
    try {
      readV2(body, ascii(`secret ${i}`));
    } catch (error) {
      assert.ok(error instanceof ProtocolError);
      refused++;
    }
  }
  assert.ok(refused > 190, `${refused} of 200 refused`);
});

test('4.3: a message is written with a Random Vector in front of what it hides, and hides all that may be hidden', () => {
  const message: ControlMessage = {
    messageType: 'SCCRQ',
    avps: {
      protocolVersion: { version: 1, revision: 0 },
      hostName: 'branch',
      framingCapabilities: 3,
      vendorName: 'Example',
      assignedTunnelId: 9,
      receiveWindowSize: 4,
      challenge: fromHex('0102'),
    },
  };
  const body = emitControlMessage(message, { dialect: 2, hiding: { secret: SECRET, randomVector: VECTOR_A } });
  const seen: { type: number; hidden: boolean }[] = [];
  for (let offset = 0; offset < body.length; offset += ((body[offset] << 8) | body[offset + 1]) & 0x3ff) {
    seen.push({ type: (body[offset + 4] << 8) | body[offset + 5], hidden: (body[offset] & 0x40) !== 0 });
  }
  assert.deepEqual(seen.slice(0, 2), [
    { type: 0, hidden: false },
    { type: 36, hidden: false },
  ]);
  for (const { type, hidden } of seen) {
    assert.equal(hidden, AVP_TABLE.find((line) => line.type === type)?.uses[2]?.mayBeHidden, `AVP ${type}`);
  }
  assert.deepEqual(readV2(body, SECRET), message);
  assert.doesNotMatch(toHex(body), new RegExp(toHex(ascii('Example'))));
});

test('4.3: a message with nothing to hide has no Random Vector', () => {
  const body = emitControlMessage(
    { messageType: 'HELLO', avps: {} },
    { dialect: 2, hiding: { secret: SECRET, randomVector: VECTOR_A } },
  );
  assert.equal(toHex(body), toHex(messageBytes(6)));
});

test('4.3: a value that fits an AVP in clear may be too long for a hidden one', () => {
  const avps = { proxyAuthenName: new Uint8Array(1016) };
  const hiding = { secret: SECRET, randomVector: VECTOR_A };
  assert.throws(() => emitControlMessage({ messageType: 'ICCN', avps }, { dialect: 2, hiding }), RangeError);
});
