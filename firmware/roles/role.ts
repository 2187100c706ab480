/**
 * What the roles share: the outputs they give, the questions they ask and the answers they get, and the context in
 * which a role lives. Types alone.
 */

import type { DisconnectResult, L2tpEndpoint, TransportPath } from '../protocol/l2tp/endpoint.js';
import type { AuthenticationAnswer, AuthenticationProtocol, AuthenticationRequest } from '../protocol/ppp/link.js';
import type { RandomBytes } from '../wire/bytes.js';

/** Which side of the box a call belongs to. */
export type CallRole = 'lns' | 'lac-client';
export type RoleName = CallRole | 'pseudowire';

/** The number of one of the fourteen steps of a call; 0 for what belongs to no step (keep-alive, clearing). */
export type StepNumber = 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 10 | 11 | 12 | 13 | 14;

/** One line of a call's trace. Times are those of the machine that was driven, in ms. */
export interface TraceRecord {
  at_ms: number;
  role: RoleName | undefined;
  step: StepNumber;
  kind: 'sent' | 'received' | 'question' | 'answer' | 'note';
  /** What happened, in the RFC's words: `SCCRQ`, `LCP Configure-Request`, `authenticated`. */
  label: string;
  /** Decoded AVPs, options or reasons; without secrets. */
  detail: Record<string, unknown>;
  tunnelId: number;
  /** 0 for what concerns the tunnel. */
  sessionId: number;
  /** The call's number on this box; 0 for what concerns the tunnel. */
  callId: number;
  /** Whose call it is, '' as long as that is not known; the call itself may be gone when the line is read. */
  user: string;
  /** The tunnel's other end. */
  peerAddress: string;
}

/** A row of the packet path's session table, as a role asks for it. Octets and MTUs in bytes. */
export interface ForwardingRow {
  sessionId: number;
  generation: number;
  version: 2 | 3;
  tunnelId: number;
  allowTunnelIdZero: boolean;
  peerTunnelId: number;
  peerSessionId: number;
  path: TransportPath;
  localCookie: Uint8Array;
  peerCookie: Uint8Array;
  localSublayer: boolean;
  peerSublayer: boolean;
  payload: 'ppp' | 'ethernet';
  ethernetOpen: boolean;
  vlanId: number;
  tun: number;
  bindTun: boolean;
  transmitAcfc: boolean;
  transmitPfc: boolean;
  addressControl: 'detect' | 'always';
  sequencing: boolean;
  mtu_bytes: number;
  mssClamp_bytes: number;
  ipv4Open: boolean;
  ipv6Open: boolean;
  sources: readonly string[];
  destinations: readonly string[];
}

/** How to treat the peer of a tunnel: the answer to `authorize-tunnel`. */
export interface TunnelPolicy {
  peerName: string;
  secret?: Uint8Array;
  allowTunnelIdZero: boolean;
  addressControl: 'detect' | 'always';
}

/** What a user may have: the answer to `lease`. Addresses and prefixes as text. */
export interface LeaseGrant {
  address: string;
  /** Prefixes behind the user (a branch's networks): routed to the session and allowed as sources. */
  routes: readonly string[];
}

/** What a role needs to know from outside. Answered, once, by handleAnswer with the same questionId. */
export type Question =
  | { type: 'authorize-tunnel'; questionId: number; tunnelId: number; path: TransportPath; peerHostName: string }
  | {
      type: 'authenticate';
      questionId: number;
      callId: number;
      userName: string;
      request: AuthenticationRequest;
      peerName: string;
      callingNumber: string;
      calledNumber: string;
    }
  | { type: 'lease'; questionId: number; callId: number; userName: string }
  | { type: 'resolve'; questionId: number; profile: string; host: string };

export type Answer =
  | { type: 'authorize-tunnel'; questionId: number; accepted: true; policy: TunnelPolicy }
  | ({ type: 'authorize-tunnel'; questionId: number; accepted: false } & DisconnectResult)
  | { type: 'authenticate'; questionId: number; answer: AuthenticationAnswer }
  | { type: 'lease'; questionId: number; granted: true; lease: LeaseGrant }
  | { type: 'lease'; questionId: number; granted: false; reason: string }
  | { type: 'resolve'; questionId: number; address: string | undefined; reason: string };

/** What is known of a call that stands, for lists and accounting. */
export interface CallInfo {
  callId: number;
  role: CallRole;
  /** Of L2TP. */
  version: 2 | 3;
  sessionId: number;
  generation: number;
  /** Of the cookie in packets from the peer; 0 without one, and in version 2. */
  cookie_bytes: number;
  tunnelId: number;
  peerSessionId: number;
  peerName: string;
  path: TransportPath;
  /** The LAC client's profile, '' at the LNS. */
  profile: string;
  userName: string;
  callingNumber: string;
  calledNumber: string;
  state: 'wait-connect' | 'establish' | 'authenticate' | 'network' | 'up' | 'terminate';
  since_ms: number;
  authentication: AuthenticationProtocol | undefined;
  localAddress: string;
  peerAddress: string;
  dns: readonly string[];
  /** Interface identifiers as link-local addresses, '' while IPv6 is not up. */
  localLinkLocal: string;
  peerLinkLocal: string;
  /** The peer's interface identifier as in 0211:22ff:fe33:4455, '' while IPv6 is not up. */
  peerInterfaceId: string;
  mtu_bytes: number;
  localMru_bytes: number;
  peerMru_bytes: number;
  transmitAcfc: boolean;
  transmitPfc: boolean;
  routes: readonly string[];
}

/** Why a call ended, in the codes that were sent or received and in words. */
export interface CallEnd extends DisconnectResult {
  by: 'peer' | 'local' | 'timeout';
  reason: string;
}

/** Everything that a role wants done, in the order in which it must be done. */
export type Output =
  | { type: 'send-control'; path: TransportPath; packet: Uint8Array }
  | { type: 'inject'; sessionId: number; generation: number; protocol: number; information: Uint8Array }
  | { type: 'tunnel-add' | 'tunnel-path'; tunnelId: number; path: TransportPath }
  | { type: 'tunnel-remove'; tunnelId: number }
  | { type: 'session-add'; row: ForwardingRow }
  | {
      type: 'session-update';
      sessionId: number;
      generation: number;
      changes: Partial<Omit<ForwardingRow, 'sessionId' | 'generation'>>;
    }
  | { type: 'session-remove'; sessionId: number; generation: number }
  | { type: 'question'; question: Question }
  | { type: 'call-up'; call: CallInfo }
  | { type: 'call-changed'; call: CallInfo }
  | { type: 'call-ended'; call: CallInfo; end: CallEnd }
  /** A profile's dialling, or the call that came of it, is over; it dials again in `redialAfter_ms`, if at all. */
  | {
      type: 'dial-ended';
      role: Exclude<RoleName, 'lns'>;
      profile: string;
      reason: string;
      redialAfter_ms: number | undefined;
    }
  /** The peer's tunnel has ended in step 5, since it could not prove who it is. */
  | { type: 'tunnel-refused'; peerAddress: string; peerHostName: string; reason: string }
  /** Frames pass from now on, or no longer, for this reason. */
  | { type: 'pseudowire-up'; name: string; peerAddress: string }
  | { type: 'pseudowire-down'; name: string; reason: string }
  | { type: 'trace'; record: TraceRecord };

/** What a role is given to work with. */
export interface RoleContext {
  readonly endpoint: L2tpEndpoint;
  readonly random: RandomBytes;
  emit(output: Output): void;
  /** Sends `question` out; the answer comes back to `handle` of the asker, unless the box forgot the question. */
  ask(
    question: Question extends infer Q ? (Q extends Question ? Omit<Q, 'questionId'> : never) : never,
    handle: (answer: Answer, now_ms: number) => void,
  ): void;
  /** Box-wide, from 1 to 2**32 - 1: a number that no other living call has. */
  nextCallId(): number;
  /** Calls `handleTimeout` of this session's call at `deadline_ms`, or never. */
  setDeadline(sessionId: number, deadline_ms: number | undefined): void;
}
