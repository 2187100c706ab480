/** What the trace shows of a control message. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describeMessage } from '../../../firmware/roles/describe-message.js';
import { MESSAGE_TYPE, type MessageType } from '../../../firmware/wire/avp.js';

const LONG = 'x'.repeat(1000);
const CUT = `${'x'.repeat(120)}…`;

test('names and numbers as they are, octets in hex, nothing that answers a challenge', () => {
  assert.deepEqual(
    describeMessage(
      {
        messageType: 'SCCRQ',
        avps: { hostName: 'lac', assignedTunnelId: 7, tieBreaker: Uint8Array.of(1, 2), challenge: new Uint8Array(16) },
      },
      false,
    ),
    { hostName: 'lac', assignedTunnelId: 7, tieBreaker: '0102', challenge: '16 octets' },
  );
});

test('version 3: lists and text as they are read, cookies and nonces by their length alone', () => {
  assert.deepEqual(
    describeMessage(
      {
        messageType: 'ICRQ',
        avps: {
          ...{ pseudowireCapabilitiesList: [7, 5], remoteEndId: Buffer.from('lan-1'), localSessionId: 0xffff_fffe },
          ...{ assignedCookie: new Uint8Array(8), controlMessageAuthenticationNonce: new Uint8Array(16) },
        },
      },
      false,
    ),
    {
      ...{ pseudowireCapabilitiesList: '7 5', remoteEndId: 'lan-1', localSessionId: 0xffff_fffe },
      ...{ assignedCookie: '8 octets', controlMessageAuthenticationNonce: '16 octets' },
    },
  );
});

test('whatever message an AVP comes in, its secret octets are not in the trace', () => {
  const octets = Buffer.from('5ec2e75ec2e75ec2');
  const avps = {
    ...{ challenge: octets, challengeResponse: octets, controlMessageAuthenticationNonce: octets },
    ...{ assignedCookie: octets, proxyAuthenChallenge: octets, proxyAuthenResponse: octets },
  };
  const shown = Object.fromEntries(Object.keys(avps).map((name) => [name, `${octets.length} octets`]));
  for (const messageType of Object.keys(MESSAGE_TYPE) as MessageType[])
    assert.deepEqual(describeMessage({ messageType, avps }, false), shown, messageType);
});

test('a stranger cannot fill the memory of the trace: long values are cut, those within others too', () => {
  const resultCode = { resultCode: 2, errorCode: 6, errorMessage: LONG };
  assert.deepEqual(describeMessage({ messageType: 'SCCRQ', avps: { hostName: LONG, vendorName: LONG } }, false), {
    hostName: CUT,
    vendorName: CUT,
  });
  assert.deepEqual(describeMessage({ messageType: 'StopCCN', avps: { resultCode } }, false), {
    resultCode: { ...resultCode, errorMessage: CUT },
  });
  const proxyLcp = describeMessage(
    { messageType: 'ICCN', avps: { initialReceivedLcpConfReq: new Uint8Array(900) } },
    false,
  );
  assert.equal(proxyLcp.initialReceivedLcpConfReq, `${'0'.repeat(120)}…`);
});

test('that a message was sent again stands behind what it says', () => {
  const detail = describeMessage({ messageType: 'ICRP', avps: { assignedSessionId: 9 } }, true);
  assert.deepEqual(detail, { assignedSessionId: 9, retransmission: true });
});
