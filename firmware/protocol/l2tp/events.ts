/**
 * What passes the edge of the L2TP endpoint: its configuration, what it is told and what it reports. Types alone.
 */
import type { AvpValues, ControlMessage, L2tpVersion } from '../../wire/avp.js';
import type { ControlConnectionState } from './control-connection.js';

/**
 * The two ends between which a tunnel's packets go, over UDP or as IP protocol 115 (RFC 3931 section 4.1.1, where the
 * ports are 0). Addresses are text in canonical form; '' is unspecified.
 */
export interface TransportPath {
  encapsulation: 'udp' | 'ip';
  localAddress: string;
  localPort: number;
  peerAddress: string;
  peerPort: number;
}

export interface L2tpEndpointConfig {
  /** Host Name AVP: at least one octet. */
  hostName: string;
  vendorName: string;
  firmwareRevision: number;
  /** Control messages that we take ahead of an acknowledgement and hold when they come out of order: 1 to 32,768. */
  receiveWindow: number;
  /** HELLO goes out when nothing has come from the peer for this long (RFC 2661 section 5.5). */
  helloInterval_ms: number;
  /** RFC 2661 section 5.8: the first retransmission comes after this, each next one after twice the time, */
  retransmitInitial_ms: number;
  /** but at most this. */
  retransmitCap_ms: number;
  /** Without an answer to this many retransmissions the tunnel is cleared. */
  maxRetransmits: number;
  /** How long a tunnel or a call may take to get established. */
  establishTimeout_ms: number;
  /** Up to 65,535, tunnels that only wait for late retransmissions not counted. */
  maxTunnels: number;
  /** Up to 65,535, over all tunnels. */
  maxSessions: number;
  /** Router ID AVP, RFC 3931 section 5.4.3. */
  routerId: number;
  /** Pseudowire types that we offer; others are refused. */
  pseudowireTypes: readonly number[];
  /** What peers may open: each version over UDP, version 3 over IP. */
  accepts: readonly ('udp2' | 'udp3' | 'ip')[];
  /** Session IDs of pseudowires that no message sets up: never handed out. */
  reservedSessionIds: readonly number[];
}

/** Result Code AVP of StopCCN or CDN, RFC 2661 section 4.4.2 and RFC 3931 section 5.4.2. */
export interface DisconnectResult {
  resultCode: number;
  errorCode?: number;
  errorMessage?: string;
}

/** Why a tunnel or call ended: the codes received (`peer`), sent (`local`), or those that say it best (`timeout`). */
export interface CloseCause extends DisconnectResult {
  by: 'peer' | 'local' | 'timeout';
  /** Of a call whose CDN says why its PPP link ended: RFC 3145 section 3. */
  disconnectCode?: number;
}

/** What closeCall puts into the CDN. */
export interface CallDisconnect extends DisconnectResult {
  /** RFC 3145. */
  pppDisconnectCause?: AvpValues['pppDisconnectCause'];
  q931CauseCode?: AvpValues['q931CauseCode'];
}

export type TunnelAnswer =
  | { accepted: true; secret?: Uint8Array; allowTunnelIdZero?: boolean }
  | ({ accepted: false } & DisconnectResult);

/** `avps`: what the ICRP or OCRP of version 3 says of our end: cookie, sublayer, sequencing, circuit status. */
export type CallAnswer = { accepted: true; avps?: AvpValues } | ({ accepted: false } & DisconnectResult);

/** What is known of a tunnel. IDs that the peer has not assigned yet are 0. */
export interface TunnelStatus {
  readonly tunnelId: number;
  readonly peerTunnelId: number;
  /** `idle`: awaits answerTunnel, or is closed and only acknowledges what still comes (RFC 2661 section 5.7). */
  readonly state: ControlConnectionState;
  readonly path: TransportPath;
  readonly peerHostName: string;
  readonly peerVendorName: string;
  /** True where we sent the SCCRQ. */
  readonly originator: boolean;
  readonly sessionCount: number;
  /** `auto` until the peer's answer has decided it. */
  readonly version: L2tpVersion | 'auto';
  /** Of version 3; 0 and none where not known. */
  readonly peerRouterId: number;
  readonly peerPseudowireTypes: readonly number[];
}

/** All that the endpoint reports, in the order in which it happened. Session and tunnel IDs are ours. */
export type L2tpEvent =
  /** From here on control messages for this tunnel ID must be handed in; precedes all else about the tunnel. */
  | { type: 'tunnel-allocated'; tunnelId: number; path: TransportPath }
  /** The tunnel ID means nothing any more; follows `tunnel-closed`, by a full retransmission cycle as a rule. */
  | { type: 'tunnel-forgotten'; tunnelId: number }
  /** To be answered by answerTunnel; `version` is what it will be. */
  | {
      type: 'tunnel-requested';
      tunnelId: number;
      version: L2tpVersion;
      path: TransportPath;
      sccrq: ControlMessage;
    }
  | {
      type: 'tunnel-established';
      tunnelId: number;
      peerTunnelId: number;
      path: TransportPath;
      peerHostName: string;
      peerVendorName: string;
      originator: boolean;
      version: L2tpVersion;
    }
  /** Learned anew from a control message with valid Ns and Nr. */
  | { type: 'tunnel-path-changed'; tunnelId: number; path: TransportPath }
  /** Follows the `call-closed` of each of its calls. */
  | { type: 'tunnel-closed'; tunnelId: number; cause: CloseCause }
  /** An ICRQ, to be answered by answerCall. */
  | {
      type: 'call-requested';
      tunnelId: number;
      sessionId: number;
      peerSessionId: number;
      version: L2tpVersion;
      icrq: ControlMessage;
    }
  /** An OCRQ, to be answered by answerOutgoingCall. */
  | {
      type: 'outgoing-call-requested';
      tunnelId: number;
      sessionId: number;
      peerSessionId: number;
      version: L2tpVersion;
      ocrq: ControlMessage;
    }
  /** The ICRP to our ICRQ: connectCall sends the ICCN. */
  | { type: 'call-replied'; tunnelId: number; sessionId: number; peerSessionId: number; icrp: ControlMessage }
  /** Data may flow. `iccn` is the peer's ICCN or OCCN, absent where we sent it. */
  | { type: 'call-connected'; tunnelId: number; sessionId: number; peerSessionId: number; iccn?: ControlMessage }
  | { type: 'call-closed'; tunnelId: number; sessionId: number; cause: CloseCause }
  | ({ type: 'set-link-info'; sessionId: number } & Pick<AvpValues, 'accm' | 'circuitStatus'>)
  | { type: 'wan-error-notify'; sessionId: number; callErrors: NonNullable<AvpValues['callErrors']> }
  /** For the trace; acknowledgements (ZLB) are not told. `sessionId` is 0 for what concerns the tunnel. */
  | {
      type: 'message';
      direction: 'sent' | 'received';
      tunnelId: number;
      sessionId: number;
      path: TransportPath;
      message: ControlMessage;
      retransmission: boolean;
    };
