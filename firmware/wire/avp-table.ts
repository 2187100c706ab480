/**
 * Every AVP of RFC 2661 section 4.4, RFC 3145, RFC 3931 section 5.4 and RFC 4667's MTU as data: attribute type, format
 * and, for each version, M and H bits and the messages that require or allow it. Must hold no code that touches bytes:
 * avp-format.ts and avp.ts read this table.
 */
import type { AvpFormat, AvpFormatValues } from './avp-format.js';
import { type AvpValues, type L2tpVersion, MESSAGE_TYPE, type MessageType } from './avp-values.js';

/** The formats whose values are of type T: a table line whose format does not fit its AVP does not compile. */
type FormatOf<T> = {
  [F in AvpFormat]: [AvpFormatValues[F], T] extends [T, AvpFormatValues[F]] ? F : never;
}[AvpFormat];

/** AVPs that serve the message and are no values of it: the parser and the emitter deal with them themselves. */
type FramingAvp =
  | { readonly name: 'messageType'; readonly format: 'u16' }
  | { readonly name: 'messageDigest'; readonly format: 'octets' }
  | { readonly name: 'randomVector'; readonly format: 'octets' }
  | { readonly name: 'draftAvpVersion'; readonly format: 'u16' };

type NameAndFormat =
  | FramingAvp
  | {
      [N in keyof AvpValues]-?: { readonly name: N; readonly format: FormatOf<NonNullable<AvpValues[N]>> };
    }[keyof AvpValues];

export const IETF_VENDOR_ID = 0;
/** Cisco's, under which the drafts of version 3 had their AVPs; old IOS still sends them. */
export const DRAFT_VENDOR_ID = 9;
/** Formerly the DSL Forum, whose names for what a line has RFC 5515 takes over. */
export const BROADBAND_FORUM_VENDOR_ID = 3561;

/** What one version says of an AVP. `mandatory` is the M bit that we send; `allowed` includes `required`. */
export interface AvpUse {
  readonly mandatory: boolean;
  readonly mayBeHidden: boolean;
  readonly required: readonly MessageType[];
  readonly allowed: readonly MessageType[];
  readonly section: string;
}

/** One line of the table; `uses` has no entry for a version that does not know the AVP. */
export type AvpDefinition = NameAndFormat & {
  readonly type: number;
  /** Vendor 9 for what the drafts of version 3 alone had, 3561 for RFC 5515. */
  readonly vendorId: typeof IETF_VENDOR_ID | typeof DRAFT_VENDOR_ID | typeof BROADBAND_FORUM_VENDOR_ID;
  readonly uses: { readonly [V in L2tpVersion]?: AvpUse };
  /**
   * The AVP that the drafts of version 3 had instead, of vendor 9: same format, same messages unless
   * `messages` says which.
   */
  readonly draft?: { readonly type: number; readonly messages?: readonly MessageType[] };
};

type Bits = 'M' | 'H' | 'MH' | '';
type Messages = readonly MessageType[];

const ALL_V3 = Object.keys(MESSAGE_TYPE) as MessageType[];
const ALL_V2 = ALL_V3.filter((messageType) => messageType !== 'ACK');
const START: Messages = ['SCCRQ', 'SCCRP'];
const CALL_REQUESTS: Messages = ['ICRQ', 'OCRQ'];
/** ICRQ and OCRQ, ICRP and OCRP. */
const CALL_SETUP: Messages = ['ICRQ', 'ICRP', 'OCRQ', 'OCRP'];
const CALL: Messages = [...CALL_SETUP, 'ICCN', 'OCCN'];
const SESSION: Messages = [...CALL, 'CDN', 'WEN', 'SLI'];

/** `bits`: M = the M bit is set, H = the AVP may be hidden; `required` and `allowed` as the RFC's section 6 lists them. */
function use(bits: Bits, required: Messages, allowed: Messages, section: string): AvpUse {
  const mandatory = bits.includes('M');
  return { mandatory, mayBeHidden: bits.includes('H'), required, allowed: [...required, ...allowed], section };
}

/** RFC 2661's AVPs; the section is RFC 2661's. */
function v2(bits: Bits, required: Messages, allowed: Messages, section: string): AvpDefinition['uses'] {
  return { 2: use(bits, required, allowed, section) };
}

/** RFC 3931's AVPs; the section is RFC 3931's. */
function v3(bits: Bits, required: Messages, allowed: Messages, section: string): AvpDefinition['uses'] {
  return { 3: use(bits, required, allowed, section) };
}

/**
 * RFC 2661's AVPs of PPP calls, which RFC 3931 leaves to a companion document (it stayed a draft, l2tp-ppp): version 3
 * has them in the same messages, requires none, and sends them without M bit, since a peer need not know the draft.
 */
function ppp(bits: Bits, required: Messages, allowed: Messages, section: string): AvpDefinition['uses'] {
  const hidden: Bits = bits.includes('H') ? 'H' : '';
  return { ...v2(bits, required, allowed, section), ...v3(hidden, [], [...required, ...allowed], 'l2tp-ppp') };
}

function avp(
  type: number,
  nameAndFormat: NameAndFormat,
  uses: AvpDefinition['uses'],
  draftType?: number,
  draftMessages?: Messages,
): AvpDefinition {
  const draft = draftType === undefined ? {} : { draft: { type: draftType, messages: draftMessages } };
  return { type, vendorId: IETF_VENDOR_ID, ...nameAndFormat, uses, ...draft };
}

/** Without M bit, since a peer need not know it. */
function line(type: number, nameAndFormat: NameAndFormat): AvpDefinition {
  const uses = { ...v2('H', [], ['ICRQ'], 'RFC 5515'), ...v3('H', [], ['ICRQ'], 'RFC 5515') };
  return { type, vendorId: BROADBAND_FORUM_VENDOR_ID, ...nameAndFormat, uses };
}

/** RFC 2661 sections 4.4 and 6.1 to 6.14; RFC 3931 sections 5.4 and 6.1 to 6.15. In the order in which we emit. */
export const AVP_TABLE: readonly AvpDefinition[] = [
  // RFC 2661 section 4.4.1, RFC 3931 section 5.4.1. The ACK may come without any AVP, but then it is no message.
  avp(0, { name: 'messageType', format: 'u16' }, { ...v2('M', ALL_V2, [], '4.4.1'), ...v3('M', ALL_V3, [], '5.4.1') }),
  avp(59, { name: 'messageDigest', format: 'octets' }, v3('M', [], ALL_V3, '5.4.1'), 12),
  avp(
    36,
    { name: 'randomVector', format: 'octets' },
    { ...v2('M', [], ALL_V2, '4.4.1'), ...v3('M', [], ALL_V2, '5.4.1') },
  ),

  avp(
    1,
    { name: 'resultCode', format: 'result-code' },
    { ...v2('M', ['StopCCN', 'CDN'], [], '4.4.2'), ...v3('M', ['StopCCN', 'CDN'], [], '5.4.2') },
  ),

  // Control connections: RFC 2661 section 4.4.3, RFC 3931 section 5.4.3.
  avp(2, { name: 'protocolVersion', format: 'protocol-version' }, v2('M', START, [], '4.4.3')),
  avp(
    7,
    { name: 'hostName', format: 'text-not-empty' },
    { ...v2('M', START, [], '4.4.3'), ...v3('M', START, [], '5.4.3') },
  ),
  avp(3, { name: 'framingCapabilities', format: 'u32' }, v2('MH', START, [], '4.4.3')),
  avp(4, { name: 'bearerCapabilities', format: 'u32' }, v2('MH', [], START, '4.4.3')),
  avp(
    5,
    { name: 'tieBreaker', format: 'octets-8' },
    { ...v2('', [], ['SCCRQ'], '4.4.3'), ...v3('M', [], ['SCCRQ', ...CALL_REQUESTS], '5.4.3, 5.4.4') },
    9,
    CALL_REQUESTS,
  ),
  avp(6, { name: 'firmwareRevision', format: 'u16' }, v2('H', [], START, '4.4.3')),
  avp(8, { name: 'vendorName', format: 'utf8' }, { ...v2('H', [], START, '4.4.3'), ...v3('H', [], START, '5.4.3') }),
  avp(9, { name: 'assignedTunnelId', format: 'u16' }, v2('MH', [...START, 'StopCCN'], [], '4.4.3')),
  avp(
    10,
    { name: 'receiveWindowSize', format: 'u16' },
    { ...v2('M', [], START, '4.4.3'), ...v3('M', [], START, '5.4.3') },
  ),
  avp(11, { name: 'challenge', format: 'octets-not-empty' }, v2('MH', [], START, '4.4.3')),
  avp(13, { name: 'challengeResponse', format: 'octets-16' }, v2('MH', [], ['SCCRP', 'SCCCN'], '4.4.3')),
  avp(60, { name: 'routerId', format: 'u32' }, v3('M', START, [], '5.4.3')),
  avp(61, { name: 'assignedControlConnectionId', format: 'u32' }, v3('MH', START, ['StopCCN'], '5.4.3'), 1),
  avp(62, { name: 'pseudowireCapabilitiesList', format: 'u16-list' }, v3('MH', START, [], '5.4.3'), 2),
  avp(72, { name: 'preferredLanguage', format: 'text' }, v3('H', [], START, '5.4.3')),
  avp(73, { name: 'controlMessageAuthenticationNonce', format: 'octets-not-empty' }, v3('M', [], START, '5.4.1'), 13),
  // The drafts' alone; nothing depends on it.
  { ...avp(10, { name: 'draftAvpVersion', format: 'u16' }, v3('', [], START, 'drafts')), vendorId: DRAFT_VENDOR_ID },

  // Calls: RFC 2661 section 4.4.4, RFC 3931 section 5.4.4.
  avp(12, { name: 'q931CauseCode', format: 'q931-cause' }, ppp('M', [], ['CDN'], '4.4.4')),
  avp(14, { name: 'assignedSessionId', format: 'u16' }, v2('MH', ['OCRQ', 'OCRP', 'ICRQ', 'ICRP', 'CDN'], [], '4.4.4')),
  avp(63, { name: 'localSessionId', format: 'u32' }, v3('MH', SESSION, [], '5.4.4'), 3),
  avp(64, { name: 'remoteSessionId', format: 'u32' }, v3('MH', SESSION, [], '5.4.4'), 4),
  avp(
    15,
    { name: 'callSerialNumber', format: 'u32' },
    { ...v2('MH', CALL_REQUESTS, [], '4.4.4'), ...v3('H', CALL_REQUESTS, [], '5.4.4') },
  ),
  avp(68, { name: 'pseudowireType', format: 'u16' }, v3('MH', CALL_REQUESTS, [], '5.4.4'), 7),
  avp(66, { name: 'remoteEndId', format: 'octets' }, v3('MH', CALL_REQUESTS, [], '5.4.4'), 6),
  avp(65, { name: 'assignedCookie', format: 'cookie' }, v3('MH', [], CALL_SETUP, '5.4.4'), 5),
  avp(69, { name: 'l2SpecificSublayer', format: 'u16' }, v3('MH', [], CALL, '5.4.4')),
  avp(70, { name: 'dataSequencing', format: 'u16' }, v3('MH', [], CALL, '5.4.4')),
  avp(71, { name: 'circuitStatus', format: 'u16' }, v3('MH', CALL_SETUP, ['ICCN', 'OCCN', 'SLI'], '5.4.5'), 8),
  avp(91, { name: 'interfaceMtu_bytes', format: 'u16' }, v3('H', [], CALL, 'RFC 4667'), 14),
  avp(74, { name: 'txConnectSpeedV3_bps', format: 'u64' }, v3('H', [], CALL, '5.4.4')),
  avp(75, { name: 'rxConnectSpeedV3_bps', format: 'u64' }, v3('H', [], CALL, '5.4.4')),
  avp(16, { name: 'minimumBps', format: 'u32' }, ppp('MH', ['OCRQ'], [], '4.4.4')),
  avp(17, { name: 'maximumBps', format: 'u32' }, ppp('MH', ['OCRQ'], [], '4.4.4')),
  avp(18, { name: 'bearerType', format: 'u32' }, ppp('MH', ['OCRQ'], ['ICRQ'], '4.4.4')),
  avp(19, { name: 'framingType', format: 'u32' }, ppp('MH', ['OCRQ', 'OCCN', 'ICCN'], [], '4.4.4')),
  avp(21, { name: 'calledNumber', format: 'text' }, ppp('MH', ['OCRQ'], ['ICRQ'], '4.4.4')),
  avp(22, { name: 'callingNumber', format: 'text' }, ppp('MH', [], ['ICRQ'], '4.4.4')),
  avp(23, { name: 'subAddress', format: 'text' }, ppp('MH', [], ['OCRQ', 'ICRQ'], '4.4.4')),
  avp(24, { name: 'txConnectSpeed_bps', format: 'u32' }, ppp('MH', ['OCCN', 'ICCN'], [], '4.4.4')),
  avp(38, { name: 'rxConnectSpeed_bps', format: 'u32' }, ppp('H', [], ['OCCN', 'ICCN'], '4.4.4')),
  avp(
    25,
    { name: 'physicalChannelId', format: 'u32' },
    { ...v2('H', [], ['OCRP', 'ICRQ'], '4.4.4'), ...v3('H', [], ['ICRQ', 'ICRP', 'OCRP'], '5.4.4') },
  ),
  avp(37, { name: 'privateGroupId', format: 'octets' }, ppp('H', [], ['ICCN'], '4.4.4')),
  avp(39, { name: 'sequencingRequired', format: 'empty' }, v2('M', [], ['OCCN', 'ICCN'], '4.4.4')),

  avp(26, { name: 'initialReceivedLcpConfReq', format: 'octets' }, ppp('H', [], ['ICCN'], '4.4.5')),
  avp(27, { name: 'lastSentLcpConfReq', format: 'octets' }, ppp('H', [], ['ICCN'], '4.4.5')),
  avp(28, { name: 'lastReceivedLcpConfReq', format: 'octets' }, ppp('H', [], ['ICCN'], '4.4.5')),
  avp(29, { name: 'proxyAuthenType', format: 'u16' }, ppp('H', [], ['ICCN'], '4.4.5')),
  avp(30, { name: 'proxyAuthenName', format: 'octets' }, ppp('H', [], ['ICCN'], '4.4.5')),
  avp(31, { name: 'proxyAuthenChallenge', format: 'octets-not-empty' }, ppp('H', [], ['ICCN'], '4.4.5')),
  avp(32, { name: 'proxyAuthenId', format: 'low-octet' }, ppp('H', [], ['ICCN'], '4.4.5')),
  avp(33, { name: 'proxyAuthenResponse', format: 'octets' }, ppp('H', [], ['ICCN'], '4.4.5')),

  avp(
    34,
    { name: 'callErrors', format: 'call-errors' },
    { ...v2('MH', ['WEN'], [], '4.4.6'), ...v3('H', ['WEN'], [], '5.4.5') },
  ),
  avp(35, { name: 'accm', format: 'accm' }, ppp('MH', ['SLI'], [], '4.4.6')),

  // RFC 5515: what a LAC knows of the line. RFC 4679 has the same under the same numbers, rates in 32 bits.
  line(1, { name: 'agentCircuitId', format: 'text' }),
  line(2, { name: 'agentRemoteId', format: 'text' }),
  line(129, { name: 'actualDataRateUpstream_bps', format: 'u64' }),
  line(130, { name: 'actualDataRateDownstream_bps', format: 'u64' }),
  line(131, { name: 'minimumDataRateUpstream_bps', format: 'u64' }),
  line(132, { name: 'minimumDataRateDownstream_bps', format: 'u64' }),
  line(133, { name: 'attainableDataRateUpstream_bps', format: 'u64' }),
  line(134, { name: 'attainableDataRateDownstream_bps', format: 'u64' }),
  line(135, { name: 'maximumDataRateUpstream_bps', format: 'u64' }),
  line(136, { name: 'maximumDataRateDownstream_bps', format: 'u64' }),
  line(137, { name: 'minimumDataRateUpstreamLowPower_bps', format: 'u64' }),
  line(138, { name: 'minimumDataRateDownstreamLowPower_bps', format: 'u64' }),
  line(139, { name: 'maximumInterleavingDelayUpstream_ms', format: 'u32' }),
  line(140, { name: 'actualInterleavingDelayUpstream_ms', format: 'u32' }),
  line(141, { name: 'maximumInterleavingDelayDownstream_ms', format: 'u32' }),
  line(142, { name: 'actualInterleavingDelayDownstream_ms', format: 'u32' }),

  avp(46, { name: 'pppDisconnectCause', format: 'disconnect-cause' }, ppp('H', [], ['CDN'], 'RFC 3145 2')),
];

/**
 * AVPs that the RFC requires and whose absence we bear. Version 2: Cisco leaves (Tx) Connect Speed and Framing Type out
 * of its ICCN, and nothing depends on them on a link without a modem. Version 3: a PPP call is bound to no circuit, so
 * whoever needs the Remote End ID refuses the call without it; the Serial Number serves people alone.
 */
export const MAY_BE_MISSING: {
  readonly [V in L2tpVersion]: Readonly<Partial<Record<MessageType, readonly (keyof AvpValues)[]>>>;
} = {
  2: {
    ICCN: ['txConnectSpeed_bps', 'framingType'],
    OCCN: ['txConnectSpeed_bps', 'framingType'],
  },
  3: {
    ICRQ: ['remoteEndId', 'callSerialNumber'],
    OCRQ: ['remoteEndId', 'callSerialNumber'],
  },
};
