/** What the control messages of real peers have that the RFC does not expect: each test plays one, by vendor. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AVP_TABLE, emitControlMessage } from '../../../firmware/wire/avp.js';
import { avpBytes, ICRQ_AVPS, messageBytes, readV2 } from './avp-bytes.js';

test('Apple: the result code of a StopCCN with its bytes swapped, 768, is 3', () => {
  const body = messageBytes(4, avpBytes(1, '0300'), avpBytes(9, '0001'));
  assert.deepEqual(readV2(body)?.avps.resultCode, { resultCode: 3 });
});

test('Apple: result and error code of a CDN are both swapped back', () => {
  const body = messageBytes(14, avpBytes(1, '0200 0600 6869'), avpBytes(14, '0001'));
  assert.deepEqual(readV2(body)?.avps.resultCode, { resultCode: 2, errorCode: 6, errorMessage: 'hi' });
});

test('Apple: codes in network order stay what they are, and so does an error code of 0', () => {
  const body = messageBytes(14, avpBytes(1, '0003 0000'), avpBytes(14, '0001'));
  assert.deepEqual(readV2(body)?.avps.resultCode, { resultCode: 3, errorCode: 0 });
});

test('result 5, protocol version not supported: the error code is the highest version, 0100, and is not swapped', () => {
  const body = messageBytes(4, avpBytes(1, '0005 0100'), avpBytes(9, '0001'));
  assert.deepEqual(readV2(body)?.avps.resultCode, { resultCode: 5, errorCode: 0x0100 });
});

test('MikroTik: a Result Code AVP of 8 bytes, without error code, is read', () => {
  const body = messageBytes(14, avpBytes(1, '0001'), avpBytes(14, '0001'));
  assert.deepEqual(readV2(body)?.avps.resultCode, { resultCode: 1 });
});

test('Windows: the Result Code AVP that we send has 10 bytes where there is no error code either', () => {
  for (const messageType of ['StopCCN', 'CDN'] as const) {
    const body = emitControlMessage({ messageType, avps: { resultCode: { resultCode: 1 } } }, { dialect: 2 });
    assert.deepEqual([...body.subarray(8)], [0x80, 10, 0, 0, 0, 1, 0, 1, 0, 0]);
  }
});

test('Windows: Physical Channel ID with the M bit set is read', () => {
  const body = messageBytes(10, ...ICRQ_AVPS, avpBytes(25, '0000000a', { mandatory: true }));
  assert.equal(readV2(body)?.avps.physicalChannelId, 10);
});

test('Cisco: an ICCN without (Tx) Connect Speed and Framing Type is read', () => {
  assert.deepEqual(readV2(messageBytes(12)), { messageType: 'ICCN', avps: {} });
});

test('WatchGuard: an ICCN without Rx Connect Speed is read', () => {
  const body = messageBytes(12, avpBytes(19, '00000001'), avpBytes(24, '000f4240'));
  assert.deepEqual(readV2(body)?.avps, { framingType: 1, txConnectSpeed_bps: 1_000_000 });
});

test('Deterministic Networks (Windows): a StopCCN and a CDN that name our IDs are read as they are', () => {
  const stopCcn = messageBytes(4, avpBytes(1, '00010000'), avpBytes(9, 'beef'));
  assert.equal(readV2(stopCcn)?.avps.assignedTunnelId, 0xbeef);
  const cdn = messageBytes(14, avpBytes(1, '00010000'), avpBytes(14, 'beef'));
  assert.equal(readV2(cdn)?.avps.assignedSessionId, 0xbeef);
});

/** RFC 2661 section 4.4: all AVPs whose M bit MUST be 1. A router that knows the RFC alone knows these. */
const MANDATORY = [0, 1, 2, 3, 4, 7, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 21, 22, 23, 24, 34, 35, 36, 39];

test('Yamaha: no AVP goes out with the M bit but those of RFC 2661 that must have it (it would answer 2, 8)', () => {
  const ours = AVP_TABLE.filter((line) => line.uses[2]?.mandatory).map((line) => line.type);
  assert.deepEqual(
    ours.sort((a, b) => a - b),
    MANDATORY,
  );
});

test('Yamaha: the PPP Disconnect Cause of a CDN, which RFC 2661 does not know, goes out without the M bit', () => {
  const pppDisconnectCause = { disconnectCode: 3, controlProtocol: 0xc021, direction: 1, message: '' };
  const body = emitControlMessage({ messageType: 'CDN', avps: { pppDisconnectCause } }, { dialect: 2 });
  assert.equal(body[8] & 0x80, 0);
});

test('Juniper: access line AVPs (Broadband Forum, vendor 3561) are read, those not known and Connect Speed Update Enable ignored', () => {
  const line = avpBytes(1, '6574682030', { vendorId: 3561, mandatory: false });
  const rate = avpBytes(129, '00000000000f4240', { vendorId: 3561, mandatory: false });
  const unknown = avpBytes(254, '', { vendorId: 3561, mandatory: false });
  const speed = avpBytes(98, '', { mandatory: false });
  const body = messageBytes(10, ...ICRQ_AVPS, line, rate, unknown, speed);
  assert.deepEqual(readV2(body)?.avps, {
    assignedSessionId: 7,
    callSerialNumber: 1,
    agentCircuitId: 'eth 0',
    actualDataRateUpstream_bps: 1_000_000,
  });
});

test('Cisco: AVPs of vendor 9 without M bit are ignored in SCCRQ', () => {
  const body = messageBytes(
    1,
    avpBytes(2, '0100'),
    avpBytes(7, '6c6163'),
    avpBytes(3, '00000003'),
    avpBytes(9, '0001'),
    avpBytes(10, '0001', { vendorId: 9, mandatory: false }),
  );
  assert.equal(readV2(body)?.avps.hostName, 'lac');
});
