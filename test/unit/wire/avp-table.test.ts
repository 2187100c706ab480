/**
 * The table of AVPs against RFC 2661. What is expected is written from the text of sections 4.4 (M and H bits, Length,
 * the messages named beside each title) and 6 (what MUST and MAY be present), not from the code.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  AVP_TABLE,
  type AvpValues,
  emitControlMessage,
  MESSAGE_TYPE,
  type MessageType,
} from '../../../firmware/wire/avp.js';

/** Section 3.2. */
const MESSAGE_TYPES: Record<string, number> = {
  SCCRQ: 1,
  SCCRP: 2,
  SCCCN: 3,
  StopCCN: 4,
  HELLO: 6,
  OCRQ: 7,
  OCRP: 8,
  OCCN: 9,
  ICRQ: 10,
  ICRP: 11,
  ICCN: 12,
  CDN: 14,
  WEN: 15,
  SLI: 16,
  ACK: 20, // RFC 3931 section 3.1
};

type Name = (typeof AVP_TABLE)[number]['name'];

/** The lines of version 2. */
/** RFC 2661's own: those of RFC 5515 have another vendor. */
const LINES = AVP_TABLE.flatMap(({ type, vendorId, name, uses }) =>
  uses[2] === undefined || vendorId !== 0 ? [] : [{ type, name, ...uses[2] }],
);
const MESSAGE_NAMES = Object.keys(MESSAGE_TYPES).filter((name) => name !== 'ACK');

/**
 * Attribute type, name; MUST the M bit be set; MAY the H bit; Length before hiding where it is fixed, or that of an
 * empty value and '+'; the messages beside the title.
 */
const SECTION_4_4: readonly [number, Name, 'M' | '-', 'H' | '-', string, string][] = [
  [0, 'messageType', 'M', '-', '8', 'All Messages'],
  [36, 'randomVector', 'M', '-', '6+', 'All Messages'],
  [1, 'resultCode', 'M', '-', '10+', 'CDN StopCCN'], // the RFC allows 8; Windows does not
  [2, 'protocolVersion', 'M', '-', '8', 'SCCRP SCCRQ'],
  [3, 'framingCapabilities', 'M', 'H', '10', 'SCCRP SCCRQ'],
  [4, 'bearerCapabilities', 'M', 'H', '10', 'SCCRP SCCRQ'],
  [5, 'tieBreaker', '-', '-', '14', 'SCCRQ'],
  [6, 'firmwareRevision', '-', 'H', '8', 'SCCRP SCCRQ'],
  [7, 'hostName', 'M', '-', '6+', 'SCCRP SCCRQ'],
  [8, 'vendorName', '-', 'H', '6+', 'SCCRP SCCRQ'],
  [9, 'assignedTunnelId', 'M', 'H', '8', 'SCCRP SCCRQ StopCCN'],
  [10, 'receiveWindowSize', 'M', '-', '8', 'SCCRQ SCCRP'],
  [11, 'challenge', 'M', 'H', '6+', 'SCCRP SCCRQ'],
  [13, 'challengeResponse', 'M', 'H', '22', 'SCCCN SCCRP'],
  [12, 'q931CauseCode', 'M', '-', '9+', 'CDN'],
  [14, 'assignedSessionId', 'M', 'H', '8', 'CDN ICRP ICRQ OCRP OCRQ'],
  [15, 'callSerialNumber', 'M', 'H', '10', 'ICRQ OCRQ'],
  [16, 'minimumBps', 'M', 'H', '10', 'OCRQ'],
  [17, 'maximumBps', 'M', 'H', '10', 'OCRQ'],
  [18, 'bearerType', 'M', 'H', '10', 'ICRQ OCRQ'],
  [19, 'framingType', 'M', 'H', '10', 'ICCN OCCN OCRQ'],
  [21, 'calledNumber', 'M', 'H', '6+', 'ICRQ OCRQ'],
  [22, 'callingNumber', 'M', 'H', '6+', 'ICRQ'],
  [23, 'subAddress', 'M', 'H', '6+', 'ICRQ OCRQ'],
  [24, 'txConnectSpeed_bps', 'M', 'H', '10', 'ICCN OCCN'],
  [38, 'rxConnectSpeed_bps', '-', 'H', '10', 'ICCN OCCN'],
  [25, 'physicalChannelId', '-', 'H', '10', 'ICRQ OCRP'],
  [37, 'privateGroupId', '-', 'H', '6+', 'ICCN'],
  [39, 'sequencingRequired', 'M', '-', '6', 'ICCN OCCN'],
  [26, 'initialReceivedLcpConfReq', '-', 'H', '6+', 'ICCN'],
  [27, 'lastSentLcpConfReq', '-', 'H', '6+', 'ICCN'],
  [28, 'lastReceivedLcpConfReq', '-', 'H', '6+', 'ICCN'],
  [29, 'proxyAuthenType', '-', 'H', '8', 'ICCN'],
  [30, 'proxyAuthenName', '-', 'H', '6+', 'ICCN'],
  [31, 'proxyAuthenChallenge', '-', 'H', '6+', 'ICCN'],
  [32, 'proxyAuthenId', '-', 'H', '8', 'ICCN'],
  [33, 'proxyAuthenResponse', '-', 'H', '6+', 'ICCN'],
  [34, 'callErrors', 'M', 'H', '32', 'WEN'],
  [35, 'accm', 'M', 'H', '16', 'SLI'],
  [46, 'pppDisconnectCause', '-', 'H', '11+', 'CDN'], // RFC 3145 section 2
];

/** Sections 6.1 to 6.14: MUST be present, MAY be present. */
const SECTION_6: Record<Exclude<MessageType, 'ACK'>, { must: Name[]; may: Name[] }> = {
  SCCRQ: {
    must: ['messageType', 'protocolVersion', 'hostName', 'framingCapabilities', 'assignedTunnelId'],
    may: ['bearerCapabilities', 'receiveWindowSize', 'challenge', 'tieBreaker', 'firmwareRevision', 'vendorName'],
  },
  SCCRP: {
    must: ['messageType', 'protocolVersion', 'framingCapabilities', 'hostName', 'assignedTunnelId'],
    may: [
      'bearerCapabilities',
      'firmwareRevision',
      'vendorName',
      'receiveWindowSize',
      'challenge',
      'challengeResponse',
    ],
  },
  SCCCN: { must: ['messageType'], may: ['challengeResponse'] },
  StopCCN: { must: ['messageType', 'assignedTunnelId', 'resultCode'], may: [] },
  HELLO: { must: ['messageType'], may: [] },
  ICRQ: {
    must: ['messageType', 'assignedSessionId', 'callSerialNumber'],
    may: ['bearerType', 'physicalChannelId', 'callingNumber', 'calledNumber', 'subAddress'],
  },
  ICRP: { must: ['messageType', 'assignedSessionId'], may: [] },
  ICCN: {
    must: ['messageType', 'txConnectSpeed_bps', 'framingType'],
    may: [
      'initialReceivedLcpConfReq',
      'lastSentLcpConfReq',
      'lastReceivedLcpConfReq',
      'proxyAuthenType',
      'proxyAuthenName',
      'proxyAuthenChallenge',
      'proxyAuthenId',
      'proxyAuthenResponse',
      'privateGroupId',
      'rxConnectSpeed_bps',
      'sequencingRequired',
    ],
  },
  OCRQ: {
    must: [
      'messageType',
      'assignedSessionId',
      'callSerialNumber',
      'minimumBps',
      'maximumBps',
      'bearerType',
      'framingType',
      'calledNumber',
    ],
    may: ['subAddress'],
  },
  OCRP: { must: ['messageType', 'assignedSessionId'], may: ['physicalChannelId'] },
  OCCN: {
    must: ['messageType', 'txConnectSpeed_bps', 'framingType'],
    may: ['rxConnectSpeed_bps', 'sequencingRequired'],
  },
  CDN: { must: ['messageType', 'resultCode', 'assignedSessionId'], may: ['q931CauseCode', 'pppDisconnectCause'] },
  WEN: { must: ['messageType', 'callErrors'], may: [] },
  SLI: { must: ['messageType', 'accm'], may: [] },
};

/** The shortest value of each AVP, to see its Length on the wire. */
const SHORTEST: AvpValues = {
  resultCode: { resultCode: 1 },
  protocolVersion: { version: 1, revision: 0 },
  framingCapabilities: 3,
  bearerCapabilities: 0,
  tieBreaker: new Uint8Array(8),
  firmwareRevision: 1,
  hostName: 'h',
  vendorName: '',
  assignedTunnelId: 1,
  receiveWindowSize: 4,
  challenge: new Uint8Array(1),
  q931CauseCode: { causeCode: 16, causeMessage: 0x45, advisoryMessage: '' },
  challengeResponse: new Uint8Array(16),
  assignedSessionId: 1,
  callSerialNumber: 1,
  minimumBps: 1,
  maximumBps: 1,
  bearerType: 1,
  framingType: 1,
  calledNumber: '',
  callingNumber: '',
  subAddress: '',
  txConnectSpeed_bps: 1,
  rxConnectSpeed_bps: 1,
  physicalChannelId: 1,
  initialReceivedLcpConfReq: new Uint8Array(0),
  lastSentLcpConfReq: new Uint8Array(0),
  lastReceivedLcpConfReq: new Uint8Array(0),
  proxyAuthenType: 2,
  proxyAuthenName: new Uint8Array(0),
  proxyAuthenChallenge: new Uint8Array(1),
  proxyAuthenId: 1,
  proxyAuthenResponse: new Uint8Array(0),
  callErrors: {
    crcErrors: 0,
    framingErrors: 0,
    hardwareOverruns: 0,
    bufferOverruns: 0,
    timeoutErrors: 0,
    alignmentErrors: 0,
  },
  accm: { sendAccm: 0, receiveAccm: 0 },
  privateGroupId: new Uint8Array(0),
  sequencingRequired: true,
  pppDisconnectCause: { disconnectCode: 0, controlProtocol: 0, direction: 0, message: '' },
};

/** Host Name, Challenge and Proxy Authen Challenge have at least one octet. */
const NOT_EMPTY: readonly Name[] = ['hostName', 'challenge', 'proxyAuthenChallenge'];

test('3.2: the message types', () => {
  assert.deepEqual({ ...MESSAGE_TYPE }, MESSAGE_TYPES);
});

test('4.4: the table has every AVP of the RFC once and none besides', () => {
  const types = (lines: readonly number[]) => [...lines].sort((a, b) => a - b);
  assert.deepEqual(types(LINES.map((line) => line.type)), types(SECTION_4_4.map(([type]) => type)));
});

for (const [type, name, mandatory, hidden, length, messages] of SECTION_4_4) {
  const line = LINES.find((candidate) => candidate.type === type);

  test(`4.4: ${name} is type ${type}, M bit ${mandatory}, H bit ${hidden}, in ${messages}`, () => {
    assert.equal(line?.name, name);
    assert.equal(line?.mandatory, mandatory === 'M');
    assert.equal(line?.mayBeHidden, hidden === 'H');
    const expected = messages === 'All Messages' ? [...MESSAGE_NAMES] : messages.split(' ');
    assert.deepEqual([...(line?.allowed ?? [])].sort(), expected.sort());
  });

  if (name === 'messageType' || name === 'randomVector') continue;
  test(`4.4: ${name} has Length ${length} and goes out with M bit ${mandatory}`, () => {
    const messageType = messages.split(' ')[0] as MessageType;
    const body = emitControlMessage(
      { messageType, avps: { [name]: SHORTEST[name as keyof AvpValues] } },
      { dialect: 2 },
    );
    const header = (body[8] << 8) | body[9]; // behind Message Type's 8 octets
    assert.equal((header & 0x8000) !== 0, mandatory === 'M');
    assert.equal(header & 0x7c00, 0, 'neither hidden nor reserved bits');
    assert.equal(header & 0x03ff, Number.parseInt(length, 10) + (NOT_EMPTY.includes(name) ? 1 : 0));
    assert.equal((body[10] << 8) | body[11], 0, 'Vendor ID 0');
    assert.equal((body[12] << 8) | body[13], type);
  });
}

for (const [messageType, { must, may }] of Object.entries(SECTION_6) as [
  MessageType,
  { must: Name[]; may: Name[] },
][]) {
  test(`6: ${messageType} must hold ${must.join(', ')}${may.length === 0 ? '' : `; may hold ${may.join(', ')}`}`, () => {
    const required = LINES.filter((line) => line.required.includes(messageType)).map((line) => line.name);
    const allowed = LINES.filter((line) => line.allowed.includes(messageType)).map((line) => line.name);
    assert.deepEqual(required.sort(), [...must].sort());
    assert.deepEqual(allowed.sort(), [...must, ...may, 'randomVector'].sort());
  });
}
