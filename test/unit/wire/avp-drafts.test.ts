/** Old IOS speaks version 3 in the AVPs of its drafts, under vendor 9: read, and written for such a peer. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ControlMessage, emitControlMessage, parseControlMessage } from '../../../firmware/wire/avp.js';
import { fromHex } from '../../vectors/vectors.js';
import { avpBytes, messageBytes } from './avp-bytes.js';

const cisco = (type: number, value: string) => avpBytes(type, value, { vendorId: 9 });

test('Cisco: an SCCRQ of old IOS, with its control connection ID and pseudowire types under vendor 9, is read', () => {
  const body = messageBytes(
    1,
    avpBytes(7, '696f73'),
    avpBytes(60, 'c0000202'),
    cisco(10, '0001'),
    cisco(1, 'deadbeef'),
    cisco(2, '00050004'),
    cisco(13, 'aa'.repeat(16)),
  );
  assert.deepEqual(parseControlMessage(body, { version: 3 }), {
    messageType: 'SCCRQ',
    draftAvps: true,
    avps: {
      hostName: 'ios',
      routerId: 0xc0000202,
      assignedControlConnectionId: 0xdeadbeef,
      pseudowireCapabilitiesList: [5, 4],
      controlMessageAuthenticationNonce: fromHex('aa'.repeat(16)),
    },
  });
});

test('Cisco: an ICRQ of old IOS, all of it under vendor 9, is read', () => {
  const body = messageBytes(
    10,
    cisco(3, '00012345'),
    cisco(4, '00000000'),
    avpBytes(15, '00000001'),
    cisco(7, '0005'),
    cisco(6, '313030'),
    cisco(8, '0001'),
    cisco(9, '0001020304050607'),
    cisco(5, '01020304'),
    cisco(14, '05dc'),
  );
  const { draftAvps, avps } = parseControlMessage(body, { version: 3 }) ?? assert.fail('not read');
  assert.equal(draftAvps, true);
  assert.deepEqual(
    [avps.localSessionId, avps.remoteSessionId, avps.pseudowireType, avps.circuitStatus, avps.interfaceMtu_bytes],
    [0x12345, 0, 5, 1, 1500],
  );
  assert.deepEqual(avps.tieBreaker, fromHex('0001020304050607'));
  assert.deepEqual([avps.assignedCookie, avps.remoteEndId], [fromHex('01020304'), fromHex('313030')]);
});

test("Cisco: where both are there, RFC 3931's AVPs count, in either order, and the peer is no old one", () => {
  const ids = [avpBytes(63, '00000007'), avpBytes(64, '00000008'), avpBytes(71, '0001')];
  const drafts = [cisco(3, '00000009'), cisco(4, '0000000a')];
  for (const avps of [
    [...ids, ...drafts],
    [...drafts, ...ids],
  ]) {
    const message = parseControlMessage(messageBytes(11, ...avps), { version: 3 });
    assert.equal(message?.avps.localSessionId, 7);
    assert.equal(message?.draftAvps, false);
  }
});

test('Cisco: an interface MTU under vendor 9 alone makes no old peer', () => {
  const ids = [avpBytes(63, '00000007'), avpBytes(64, '00000008'), avpBytes(71, '0001')];
  const message = parseControlMessage(messageBytes(11, ...ids, cisco(14, '05dc')), { version: 3 });
  assert.deepEqual([message?.avps.interfaceMtu_bytes, message?.draftAvps], [1500, false]);
});

test('Cisco: the explicit acknowledgement of the drafts, a message of vendor 9, is an ACK', () => {
  assert.equal(parseControlMessage(cisco(0, '0000'), { version: 3 })?.messageType, 'ACK');
});

test('Cisco: messages for old IOS have vendor 9 AVPs where the drafts had some, and are read back alike', () => {
  const message: ControlMessage = {
    messageType: 'ICRQ',
    avps: {
      tieBreaker: fromHex('0001020304050607'),
      localSessionId: 0x12345,
      remoteSessionId: 0,
      callSerialNumber: 1,
      pseudowireType: 5,
      remoteEndId: fromHex('313030'),
      assignedCookie: fromHex('01020304'),
      l2SpecificSublayer: 1,
      circuitStatus: 3,
    },
  };
  const body = emitControlMessage(message, { dialect: 3, draftAvps: true, digest: 'md5' });
  const seen: string[] = [];
  for (let at = 0; at < body.length; at += ((body[at] << 8) | body[at + 1]) & 0x3ff) {
    seen.push(`${(body[at + 2] << 8) | body[at + 3]}/${(body[at + 4] << 8) | body[at + 5]}`);
  }
  assert.deepEqual(seen, ['0/0', '9/12', '9/9', '9/3', '9/4', '0/15', '9/7', '9/6', '9/5', '0/69', '9/8']);
  assert.deepEqual(parseControlMessage(body, { version: 3 }), { ...message, draftAvps: true });
});

test('the tie breaker of a control connection was never under vendor 9', () => {
  const body = emitControlMessage(
    { messageType: 'SCCRQ', avps: { tieBreaker: new Uint8Array(8) } },
    { dialect: 3, draftAvps: true },
  );
  assert.deepEqual([...body.subarray(10, 14)], [0, 0, 0, 5]);
});
