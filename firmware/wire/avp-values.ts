/**
 * The values that a control message's AVPs have in memory, and the numbers that stand for message types, circuit
 * status, pseudowire types and causes. Must know neither attribute types nor octets: avp-table.ts and avp-format.ts do.
 */
import type { AvpFormatValues } from './avp-format.js';

/** Control message types, RFC 2661 section 3.2 and RFC 3931 section 3.1. ACK is of version 3 alone. */
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
  ACK: 20,
} as const;

export type MessageType = keyof typeof MESSAGE_TYPE;

/** The version of the header that a control message comes behind. */
export type L2tpVersion = 2 | 3;

/** Result Code AVP, RFC 2661 section 4.4.2 and RFC 3931 section 5.4.2; the Error Message is UTF-8. */
export type ResultCode = AvpFormatValues['result-code'];

/** The values of a control message's AVPs, each absent where its AVP is. Octets are copies, not views of the packet. */
export interface AvpValues {
  resultCode?: ResultCode;
  protocolVersion?: AvpFormatValues['protocol-version'];
  /** Bit mask: 2 asynchronous, 1 synchronous framing. */
  framingCapabilities?: number;
  /** Bit mask: 2 analog, 1 digital access. */
  bearerCapabilities?: number;
  /** 8 octets; the lower value wins. For the control connection in SCCRQ, for the session in ICRQ and OCRQ of version 3. */
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
  /** Version 3: Serial Number. */
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
  /** Version 3: Circuit Errors. */
  callErrors?: AvpFormatValues['call-errors'];
  accm?: AvpFormatValues['accm'];
  privateGroupId?: Uint8Array;
  sequencingRequired?: true;
  /** The line that a call comes by, as its access node says it: RFC 5515, whose rates have 64 bits on the wire. */
  agentCircuitId?: string;
  agentRemoteId?: string;
  actualDataRateUpstream_bps?: number;
  actualDataRateDownstream_bps?: number;
  minimumDataRateUpstream_bps?: number;
  minimumDataRateDownstream_bps?: number;
  attainableDataRateUpstream_bps?: number;
  attainableDataRateDownstream_bps?: number;
  maximumDataRateUpstream_bps?: number;
  maximumDataRateDownstream_bps?: number;
  minimumDataRateUpstreamLowPower_bps?: number;
  minimumDataRateDownstreamLowPower_bps?: number;
  maximumInterleavingDelayUpstream_ms?: number;
  actualInterleavingDelayUpstream_ms?: number;
  maximumInterleavingDelayDownstream_ms?: number;
  actualInterleavingDelayDownstream_ms?: number;
  pppDisconnectCause?: AvpFormatValues['disconnect-cause'];

  /** From here on: version 3, RFC 3931 section 5.4. */
  routerId?: number;
  /** Not 0. */
  assignedControlConnectionId?: number;
  /** Pseudowire types that the sender supports, at least one. */
  pseudowireCapabilitiesList?: readonly number[];
  preferredLanguage?: string;
  controlMessageAuthenticationNonce?: Uint8Array;
  /** The sender's session ID, not 0 but in a CDN. */
  localSessionId?: number;
  /** The receiver's session ID, 0 as long as the sender does not know it: always in ICRQ and OCRQ. */
  remoteSessionId?: number;
  /** 4 or 8 octets; a peer may send none, which means the same as an absent AVP. */
  assignedCookie?: Uint8Array;
  remoteEndId?: Uint8Array;
  /** PSEUDOWIRE_TYPE and others. */
  pseudowireType?: number;
  /** 0 none, 1 default; of the data messages that the sender receives. */
  l2SpecificSublayer?: number;
  /** 0 none, 1 what is not IP, 2 all; of the data messages that the sender receives. */
  dataSequencing?: number;
  /** 64 bits on the wire; what is above Number.MAX_SAFE_INTEGER is read as that. */
  txConnectSpeedV3_bps?: number;
  rxConnectSpeedV3_bps?: number;
  /** CIRCUIT_STATUS bits. */
  circuitStatus?: number;
  /** RFC 4667: MTU of the interface or circuit that the session is bound to. */
  interfaceMtu_bytes?: number;
}

/** Bits of Circuit Status, RFC 3931 section 5.4.5 and RFC 5641 section 3.1. With a fault bit set, `active` is clear. */
export const CIRCUIT_STATUS = {
  active: 0x0001,
  /** Deprecated by RFC 5641: set in the first message, ignored on receipt. */
  new: 0x0002,
  /** (R) the sender's attachment circuit cannot receive. */
  localCircuitReceiveFault: 0x0004,
  /** (T) the sender's attachment circuit cannot transmit. */
  localCircuitTransmitFault: 0x0008,
  /** (I) the sender's pseudowire cannot receive. */
  localPseudowireReceiveFault: 0x0010,
  /** (E) the sender's pseudowire cannot transmit. */
  localPseudowireTransmitFault: 0x0020,
  /** (S) the pseudowire is in standby. */
  standby: 0x0040,
} as const;

/** Pseudowire types that this appliance knows, of IANA's registry of RFC 3931 section 10.6. */
export const PSEUDOWIRE_TYPE = { ethernetVlan: 4, ethernet: 5, ppp: 7 } as const;

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
