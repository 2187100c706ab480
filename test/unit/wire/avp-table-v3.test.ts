/**
 * The table of AVPs against RFC 3931. What is expected is written from the text of sections 5.4 (M and H bits, Length, the
 * messages named beside each title) and 6 (what MUST and MAY be present), not from the code.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  AVP_TABLE,
  type AvpValues,
  CIRCUIT_STATUS,
  emitControlMessage,
  type MessageType,
} from '../../../firmware/wire/avp.js';

type Name = (typeof AVP_TABLE)[number]['name'];

const SESSION = 'ICRQ ICRP ICCN OCRQ OCRP OCCN CDN WEN SLI';
const CALL = 'ICRQ ICRP ICCN OCRQ OCRP OCCN';

/** Attribute type, name; SHOULD the M bit be set; MAY the H bit; Length of the value given below; beside the title. */
const SECTION_5_4: readonly [number, Name, 'M' | '-', 'H' | '-', number, string][] = [
  [1, 'resultCode', 'M', '-', 10, 'StopCCN CDN'],
  [5, 'tieBreaker', 'M', '-', 14, 'SCCRQ ICRQ OCRQ'],
  [7, 'hostName', 'M', '-', 7, 'SCCRQ SCCRP'],
  [60, 'routerId', 'M', '-', 10, 'SCCRQ SCCRP'],
  [8, 'vendorName', '-', 'H', 6, 'SCCRQ SCCRP'],
  [61, 'assignedControlConnectionId', 'M', 'H', 10, 'SCCRQ SCCRP StopCCN'],
  [10, 'receiveWindowSize', 'M', '-', 8, 'SCCRQ SCCRP'],
  [62, 'pseudowireCapabilitiesList', 'M', 'H', 10, 'SCCRQ SCCRP'],
  [72, 'preferredLanguage', '-', 'H', 8, 'SCCRQ SCCRP'],
  [73, 'controlMessageAuthenticationNonce', 'M', '-', 22, 'SCCRQ SCCRP'],
  [63, 'localSessionId', 'M', 'H', 10, SESSION],
  [64, 'remoteSessionId', 'M', 'H', 10, SESSION],
  [65, 'assignedCookie', 'M', 'H', 14, 'ICRQ ICRP OCRQ OCRP'],
  [15, 'callSerialNumber', '-', 'H', 10, 'ICRQ OCRQ'],
  [66, 'remoteEndId', 'M', 'H', 7, 'ICRQ OCRQ'],
  [68, 'pseudowireType', 'M', 'H', 8, 'ICRQ OCRQ'],
  [69, 'l2SpecificSublayer', 'M', 'H', 8, CALL],
  [70, 'dataSequencing', 'M', 'H', 8, CALL],
  [74, 'txConnectSpeedV3_bps', '-', 'H', 14, CALL],
  [75, 'rxConnectSpeedV3_bps', '-', 'H', 14, CALL],
  [25, 'physicalChannelId', '-', 'H', 10, 'ICRQ ICRP OCRP'],
  [71, 'circuitStatus', 'M', 'H', 8, `${CALL} SLI`],
  [34, 'callErrors', '-', 'H', 32, 'WEN'],
];

const VALUES: AvpValues = {
  resultCode: { resultCode: 1 },
  tieBreaker: new Uint8Array(8),
  hostName: 'h',
  routerId: 1,
  vendorName: '',
  assignedControlConnectionId: 1,
  receiveWindowSize: 4,
  pseudowireCapabilitiesList: [5, 7],
  preferredLanguage: 'en',
  controlMessageAuthenticationNonce: new Uint8Array(16),
  localSessionId: 1,
  remoteSessionId: 0,
  assignedCookie: new Uint8Array(8),
  callSerialNumber: 1,
  remoteEndId: new Uint8Array(1),
  pseudowireType: 7,
  l2SpecificSublayer: 1,
  dataSequencing: 0,
  txConnectSpeedV3_bps: 10_000_000_000,
  rxConnectSpeedV3_bps: 0,
  physicalChannelId: 1,
  circuitStatus: 3,
  callErrors: {
    crcErrors: 0,
    framingErrors: 0,
    hardwareOverruns: 0,
    bufferOverruns: 0,
    timeoutErrors: 0,
    alignmentErrors: 0,
  },
};

/** Sections 6.1 to 6.15, with the AVPs that are in every message (Message Type, Message Digest, Random Vector) left out. */
const SECTION_6: Record<MessageType, { must: string; may: string }> = {
  SCCRQ: {
    must: 'hostName routerId assignedControlConnectionId pseudowireCapabilitiesList',
    may: 'controlMessageAuthenticationNonce tieBreaker vendorName receiveWindowSize preferredLanguage',
  },
  SCCRP: {
    must: 'hostName routerId assignedControlConnectionId pseudowireCapabilitiesList',
    may: 'controlMessageAuthenticationNonce vendorName receiveWindowSize preferredLanguage',
  },
  SCCCN: { must: '', may: '' },
  StopCCN: { must: 'resultCode', may: 'assignedControlConnectionId' },
  HELLO: { must: '', may: '' },
  ICRQ: {
    must: 'localSessionId remoteSessionId callSerialNumber pseudowireType remoteEndId circuitStatus',
    may: 'assignedCookie tieBreaker l2SpecificSublayer dataSequencing txConnectSpeedV3_bps rxConnectSpeedV3_bps physicalChannelId',
  },
  ICRP: {
    must: 'localSessionId remoteSessionId circuitStatus',
    may: 'assignedCookie l2SpecificSublayer dataSequencing txConnectSpeedV3_bps rxConnectSpeedV3_bps physicalChannelId',
  },
  ICCN: {
    must: 'localSessionId remoteSessionId',
    may: 'l2SpecificSublayer dataSequencing txConnectSpeedV3_bps rxConnectSpeedV3_bps circuitStatus',
  },
  OCRQ: {
    must: 'localSessionId remoteSessionId callSerialNumber pseudowireType remoteEndId circuitStatus',
    may: 'assignedCookie tieBreaker l2SpecificSublayer dataSequencing txConnectSpeedV3_bps rxConnectSpeedV3_bps',
  },
  OCRP: {
    must: 'localSessionId remoteSessionId circuitStatus',
    may: 'assignedCookie l2SpecificSublayer dataSequencing txConnectSpeedV3_bps rxConnectSpeedV3_bps physicalChannelId',
  },
  OCCN: {
    must: 'localSessionId remoteSessionId',
    may: 'l2SpecificSublayer dataSequencing txConnectSpeedV3_bps rxConnectSpeedV3_bps circuitStatus',
  },
  CDN: { must: 'resultCode localSessionId remoteSessionId', may: '' },
  WEN: { must: 'localSessionId remoteSessionId callErrors', may: '' },
  SLI: { must: 'localSessionId remoteSessionId', may: 'circuitStatus' },
  ACK: { must: '', may: '' },
};

/** What other documents add to RFC 3931's messages: RFC 2661's AVPs of PPP calls, and the interface's MTU. */
const BESIDES: Readonly<Partial<Record<MessageType, string>>> = {
  ICRQ: 'interfaceMtu_bytes bearerType calledNumber callingNumber subAddress',
  ICRP: 'interfaceMtu_bytes',
  ICCN: `interfaceMtu_bytes framingType txConnectSpeed_bps rxConnectSpeed_bps privateGroupId
    initialReceivedLcpConfReq lastSentLcpConfReq lastReceivedLcpConfReq
    proxyAuthenType proxyAuthenName proxyAuthenChallenge proxyAuthenId proxyAuthenResponse`,
  OCRQ: 'interfaceMtu_bytes bearerType framingType calledNumber subAddress minimumBps maximumBps',
  OCRP: 'interfaceMtu_bytes',
  OCCN: 'interfaceMtu_bytes framingType txConnectSpeed_bps rxConnectSpeed_bps',
  CDN: 'q931CauseCode pppDisconnectCause',
  SLI: 'accm',
};

const words = (text: string): string[] => text.split(/\s+/).filter((word) => word !== '');
const IN_EVERY: readonly string[] = ['messageType', 'messageDigest', 'randomVector'];

for (const [type, name, mandatory, hidden, length, messages] of SECTION_5_4) {
  const line = AVP_TABLE.find((candidate) => candidate.name === name);

  test(`5.4: ${name} is type ${type}, M bit ${mandatory}, H bit ${hidden}, in ${messages}`, () => {
    const use = line?.uses[3];
    assert.deepEqual([line?.type, use?.mandatory, use?.mayBeHidden], [type, mandatory === 'M', hidden === 'H']);
    assert.deepEqual([...(use?.allowed ?? [])].sort(), words(messages).sort());
  });

  test(`5.4: ${name} goes out with Length ${length} and M bit ${mandatory}`, () => {
    const [messageType] = words(messages) as MessageType[];
    const avps: AvpValues = { [name]: VALUES[name as keyof AvpValues] };
    const body = emitControlMessage({ messageType, avps }, { dialect: 3 });
    assert.equal((body[8] << 8) | body[9], (mandatory === 'M' ? 0x8000 : 0) | length);
    assert.deepEqual([...body.subarray(10, 14)], [0, 0, type >>> 8, type & 0xff]);
    assert.equal(body.length, 8 + length);
  });
}

for (const [messageType, { must, may }] of Object.entries(SECTION_6) as [
  MessageType,
  { must: string; may: string },
][]) {
  test(`6: ${messageType} must hold ${must || 'no more'}; may hold ${may || 'no more'}`, () => {
    const lines = AVP_TABLE.filter(({ name, vendorId }) => vendorId === 0 && !IN_EVERY.includes(name));
    const names = (list: 'required' | 'allowed') =>
      lines.filter(({ uses }) => uses[3]?.[list].includes(messageType)).map(({ name }) => name);
    assert.deepEqual(names('required').sort(), words(must).sort());
    assert.deepEqual(names('allowed').sort(), words(`${must} ${may} ${BESIDES[messageType] ?? ''}`).sort());
  });
}

test('6: what PPP calls have of RFC 2661 is required nowhere, and goes out without the M bit', () => {
  for (const name of words(Object.values(BESIDES).join(' '))) {
    const use = AVP_TABLE.find((line) => line.name === name)?.uses[3];
    assert.deepEqual([use?.required, use?.mandatory], [[], false], name);
  }
});

/** The drafts' AVPs under vendor 9, as tshark names them. */
const DRAFTS: readonly [number, Name][] = [
  [1, 'assignedControlConnectionId'],
  [2, 'pseudowireCapabilitiesList'],
  [3, 'localSessionId'],
  [4, 'remoteSessionId'],
  [5, 'assignedCookie'],
  [6, 'remoteEndId'],
  [7, 'pseudowireType'],
  [8, 'circuitStatus'],
  [9, 'tieBreaker'],
  [10, 'draftAvpVersion'],
  [12, 'messageDigest'],
  [13, 'controlMessageAuthenticationNonce'],
  [14, 'interfaceMtu_bytes'],
];

test('drafts: the AVPs of vendor 9, each as what it became', () => {
  const ours = AVP_TABLE.flatMap(({ name, type, vendorId, draft }): [number, Name][] => {
    if (vendorId === 9) return [[type, name]];
    return draft === undefined ? [] : [[draft.type, name]];
  });
  assert.deepEqual(
    ours.sort(([a], [b]) => a - b),
    DRAFTS,
  );
});

test('RFC 5641 3.1: the bits of Circuit Status', () => {
  assert.deepEqual(Object.values(CIRCUIT_STATUS), [0x01, 0x02, 0x04, 0x08, 0x10, 0x20, 0x40]);
});
