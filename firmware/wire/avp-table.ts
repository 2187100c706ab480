/**
 * Every AVP of RFC 2661 section 4.4 and that of RFC 3145 as data: attribute type, format, M and H bits, the messages
 * that require or allow it. Must hold no code that touches bytes: avp-format.ts and avp.ts read this table.
 */
import type { AvpFormat, AvpFormatValues } from './avp-format.js';

/** Control message types, RFC 2661 section 3.2. */
export const MESSAGE_TYPE = {
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
} as const;

export type MessageType = keyof typeof MESSAGE_TYPE;

/** Result Code AVP, RFC 2661 section 4.4.2; the Error Message is UTF-8. */
export type ResultCode = AvpFormatValues['result-code'];

/** The values of a control message's AVPs, each absent where its AVP is. Octets are copies, not views of the packet. */
export interface AvpValues {
  resultCode?: ResultCode;
  protocolVersion?: AvpFormatValues['protocol-version'];
  /** Bit mask: 2 asynchronous, 1 synchronous framing. */
  framingCapabilities?: number;
  /** Bit mask: 2 analog, 1 digital access. */
  bearerCapabilities?: number;
  /** 8 octets; the lower value wins. */
  tieBreaker?: Uint8Array;
  firmwareRevision?: number;
  hostName?: string;
  vendorName?: string;
  assignedTunnelId?: number;
  /** Control messages, not bytes. */
  receiveWindowSize?: number;
  challenge?: Uint8Array;
  q931CauseCode?: AvpFormatValues['q931-cause'];
  /** 16 octets. */
  challengeResponse?: Uint8Array;
  assignedSessionId?: number;
  callSerialNumber?: number;
  minimumBps?: number;
  maximumBps?: number;
  bearerType?: number;
  framingType?: number;
  calledNumber?: string;
  callingNumber?: string;
  subAddress?: string;
  txConnectSpeed_bps?: number;
  rxConnectSpeed_bps?: number;
  physicalChannelId?: number;
  /** The three CONFREQ AVPs hold LCP options, from the first option on. */
  initialReceivedLcpConfReq?: Uint8Array;
  lastSentLcpConfReq?: Uint8Array;
  lastReceivedLcpConfReq?: Uint8Array;
  proxyAuthenType?: number;
  proxyAuthenName?: Uint8Array;
  proxyAuthenChallenge?: Uint8Array;
  proxyAuthenId?: number;
  proxyAuthenResponse?: Uint8Array;
  callErrors?: AvpFormatValues['call-errors'];
  accm?: AvpFormatValues['accm'];
  privateGroupId?: Uint8Array;
  sequencingRequired?: true;
  pppDisconnectCause?: AvpFormatValues['disconnect-cause'];
}

/** The formats whose values are of type T: a table line whose format does not fit its AVP does not compile. */
type FormatOf<T> = {
  [F in AvpFormat]: [AvpFormatValues[F], T] extends [T, AvpFormatValues[F]] ? F : never;
}[AvpFormat];

type NameAndFormat =
  | { readonly name: 'messageType'; readonly format: 'u16' }
  | { readonly name: 'randomVector'; readonly format: 'octets' }
  | {
      [N in keyof AvpValues]-?: { readonly name: N; readonly format: FormatOf<NonNullable<AvpValues[N]>> };
    }[keyof AvpValues];

/** One line of the table. `mandatory` is the M bit that we send; a received AVP that is known is read either way. */
export type AvpDefinition = NameAndFormat & {
  readonly type: number;
  readonly mandatory: boolean;
  readonly mayBeHidden: boolean;
  readonly required: readonly MessageType[];
  readonly allowed: readonly MessageType[];
  readonly section: string;
};

const ALL = Object.keys(MESSAGE_TYPE) as MessageType[];

type Bits = 'M' | 'H' | 'MH' | '';

/** `bits`: M = the M bit is set, H = the AVP may be hidden; `required` and `allowed` as section 6 lists them. */
function avp(
  type: number,
  nameAndFormat: NameAndFormat,
  bits: Bits,
  required: readonly MessageType[],
  allowed: readonly MessageType[],
  section: string,
): AvpDefinition {
  const mandatory = bits.includes('M');
  const mayBeHidden = bits.includes('H');
  return { type, ...nameAndFormat, mandatory, mayBeHidden, required, allowed: [...required, ...allowed], section };
}

/** RFC 2661 sections 4.4.1 to 4.4.6 and 6.1 to 6.14; RFC 3145 section 2. In the order in which we emit. */
export const AVP_TABLE: readonly AvpDefinition[] = [
  avp(0, { name: 'messageType', format: 'u16' }, 'M', ALL, [], '4.4.1'),
  avp(36, { name: 'randomVector', format: 'octets' }, 'M', [], ALL, '4.4.1'),

  avp(1, { name: 'resultCode', format: 'result-code' }, 'M', ['StopCCN', 'CDN'], [], '4.4.2'),

  avp(2, { name: 'protocolVersion', format: 'protocol-version' }, 'M', ['SCCRQ', 'SCCRP'], [], '4.4.3'),
  avp(7, { name: 'hostName', format: 'text-not-empty' }, 'M', ['SCCRQ', 'SCCRP'], [], '4.4.3'),
  avp(3, { name: 'framingCapabilities', format: 'u32' }, 'MH', ['SCCRQ', 'SCCRP'], [], '4.4.3'),
  avp(4, { name: 'bearerCapabilities', format: 'u32' }, 'MH', [], ['SCCRQ', 'SCCRP'], '4.4.3'),
  avp(5, { name: 'tieBreaker', format: 'octets-8' }, '', [], ['SCCRQ'], '4.4.3'),
  avp(6, { name: 'firmwareRevision', format: 'u16' }, 'H', [], ['SCCRQ', 'SCCRP'], '4.4.3'),
  avp(8, { name: 'vendorName', format: 'utf8' }, 'H', [], ['SCCRQ', 'SCCRP'], '4.4.3'),
  avp(9, { name: 'assignedTunnelId', format: 'u16' }, 'MH', ['SCCRQ', 'SCCRP', 'StopCCN'], [], '4.4.3'),
  avp(10, { name: 'receiveWindowSize', format: 'u16' }, 'M', [], ['SCCRQ', 'SCCRP'], '4.4.3'),
  avp(11, { name: 'challenge', format: 'octets-not-empty' }, 'MH', [], ['SCCRQ', 'SCCRP'], '4.4.3'),
  avp(13, { name: 'challengeResponse', format: 'octets-16' }, 'MH', [], ['SCCRP', 'SCCCN'], '4.4.3'),

  avp(12, { name: 'q931CauseCode', format: 'q931-cause' }, 'M', [], ['CDN'], '4.4.4'),
  avp(14, { name: 'assignedSessionId', format: 'u16' }, 'MH', ['OCRQ', 'OCRP', 'ICRQ', 'ICRP', 'CDN'], [], '4.4.4'),
  avp(15, { name: 'callSerialNumber', format: 'u32' }, 'MH', ['OCRQ', 'ICRQ'], [], '4.4.4'),
  avp(16, { name: 'minimumBps', format: 'u32' }, 'MH', ['OCRQ'], [], '4.4.4'),
  avp(17, { name: 'maximumBps', format: 'u32' }, 'MH', ['OCRQ'], [], '4.4.4'),
  avp(18, { name: 'bearerType', format: 'u32' }, 'MH', ['OCRQ'], ['ICRQ'], '4.4.4'),
  avp(19, { name: 'framingType', format: 'u32' }, 'MH', ['OCRQ', 'OCCN', 'ICCN'], [], '4.4.4'),
  avp(21, { name: 'calledNumber', format: 'text' }, 'MH', ['OCRQ'], ['ICRQ'], '4.4.4'),
  avp(22, { name: 'callingNumber', format: 'text' }, 'MH', [], ['ICRQ'], '4.4.4'),
  avp(23, { name: 'subAddress', format: 'text' }, 'MH', [], ['OCRQ', 'ICRQ'], '4.4.4'),
  avp(24, { name: 'txConnectSpeed_bps', format: 'u32' }, 'MH', ['OCCN', 'ICCN'], [], '4.4.4'),
  avp(38, { name: 'rxConnectSpeed_bps', format: 'u32' }, 'H', [], ['OCCN', 'ICCN'], '4.4.4'),
  avp(25, { name: 'physicalChannelId', format: 'u32' }, 'H', [], ['OCRP', 'ICRQ'], '4.4.4'),
  avp(37, { name: 'privateGroupId', format: 'octets' }, 'H', [], ['ICCN'], '4.4.4'),
  avp(39, { name: 'sequencingRequired', format: 'empty' }, 'M', [], ['OCCN', 'ICCN'], '4.4.4'),

  avp(26, { name: 'initialReceivedLcpConfReq', format: 'octets' }, 'H', [], ['ICCN'], '4.4.5'),
  avp(27, { name: 'lastSentLcpConfReq', format: 'octets' }, 'H', [], ['ICCN'], '4.4.5'),
  avp(28, { name: 'lastReceivedLcpConfReq', format: 'octets' }, 'H', [], ['ICCN'], '4.4.5'),
  avp(29, { name: 'proxyAuthenType', format: 'u16' }, 'H', [], ['ICCN'], '4.4.5'),
  avp(30, { name: 'proxyAuthenName', format: 'octets' }, 'H', [], ['ICCN'], '4.4.5'),
  avp(31, { name: 'proxyAuthenChallenge', format: 'octets-not-empty' }, 'H', [], ['ICCN'], '4.4.5'),
  avp(32, { name: 'proxyAuthenId', format: 'low-octet' }, 'H', [], ['ICCN'], '4.4.5'),
  avp(33, { name: 'proxyAuthenResponse', format: 'octets' }, 'H', [], ['ICCN'], '4.4.5'),

  avp(34, { name: 'callErrors', format: 'call-errors' }, 'MH', ['WEN'], [], '4.4.6'),
  avp(35, { name: 'accm', format: 'accm' }, 'MH', ['SLI'], [], '4.4.6'),

  avp(46, { name: 'pppDisconnectCause', format: 'disconnect-cause' }, 'H', [], ['CDN'], 'RFC 3145 2'),
];

/**
 * AVPs that the RFC requires and whose absence we bear: Cisco leaves (Tx) Connect Speed and Framing Type out of its
 * ICCN, and nothing depends on them on a link without a modem.
 */
export const MAY_BE_MISSING: Readonly<Partial<Record<MessageType, readonly (keyof AvpValues)[]>>> = {
  ICCN: ['txConnectSpeed_bps', 'framingType'],
  OCCN: ['txConnectSpeed_bps', 'framingType'],
};

/**
 * Disconnect codes of RFC 3145 section 3. Their direction: 0 where it says nothing, 1 the peer's side of the PPP link
 * failed or ended it, 2 our side.
 */
export const PPP_DISCONNECT = {
  noInformation: 0,
  administrative: 1,
  /** The LNS takes proxy LCP alone and got none. */
  lcpRenegotiationDisabled: 2,
  /** A Terminate-Request was sent or received. */
  normal: 3,
  encryptionRefused: 4,
  /** The automaton's TO- event. */
  lcpNegotiationFailed: 5,
  /** Nothing that LCP could recognize came. */
  lcpNoPackets: 6,
  /** The link may be looped back. */
  lcpMagicNumber: 7,
  lcpEchoTimeout: 8,
  multilinkEndpointDiscriminator: 9,
  multilinkMrru: 10,
  multilinkShortSequenceNumbers: 11,
  callbackRefused: 12,
  authenticationTimeout: 13,
  multilinkName: 14,
  authenticationProtocolRefused: 15,
  authenticationFailed: 16,
  ncpNegotiationFailed: 17,
  noNetworkProtocol: 18,
  ncpNoAcceptableAddress: 19,
  ncpNoPermittedAddress: 20,
} as const;
