/**
 * What the roles share: the outputs they give, the questions they ask and the answers they get, and the context in
 * which a role lives. Types alone.
 */

import type { DisconnectResult, L2tpEndpoint, TransportPath } from '../protocol/l2tp/endpoint.js';
import type { AuthenticationAnswer, AuthenticationProtocol, AuthenticationRequest } from '../protocol/ppp/link.js';
import type { AccessLine } from '../wire/access-line.js';
import type { RandomBytes } from '../wire/bytes.js';
import type { VlanTag } from '../wire/ethernet.js';

/** Which side of the box a call belongs to. */
export type CallRole = 'lns' | 'lac' | 'lac-client';
export type RoleName = CallRole | 'pseudowire';

/** The number of one of the fourteen steps of a call; 0 for what belongs to no step (keep-alive, clearing). */
export type StepNumber = 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 10 | 11 | 12 | 13 | 14;

/** A PPP control packet, from its code on, under its protocol number. */
export interface PppPacket {
  protocol: number;
  octets: Uint8Array;
}

/** One line of a call's trace. Times are those of the machine that was driven, in ms. */
export interface TraceRecord {
  at_ms: number;
  role: RoleName | undefined;
  step: StepNumber;
  kind: 'sent' | 'received' | 'question' | 'answer' | 'note';
  /** What happened, in the RFC's words: `SCCRQ`, `LCP Configure-Request`, `authenticated`. */
  label: string;
  /** Decoded AVPs, options or reasons; without secrets. */
  detail: Readonly<Record<string, unknown>>;
  /** A packet that has no secrets: most lines are never read, and this one is put into words when it is (pppDetail). */
  packet: PppPacket | undefined;
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

/** Where a PPPoE session's frames go and come from (RFC 2516 section 4). */
export interface PppoePath {
  /** The kernel's. */
  interfaceIndex: number;
  /** Text in lower case, as in '02:00:5e:00:53:01'. */
  localMac: string;
  peerMac: string;
  /** SESSION_ID, unique on the interface. */
  sessionId: number;
  /** Tags of the frames, the outer one first. */
  tags: readonly VlanTag[];
}

/**
 * Rows of PPPoE sessions have IDs from here on, which no L2TP session ever has: the packet path knows a row by one
 * number, whatever carries it.
 */
export const FIRST_PPPOE_ROW_ID = 0xf000_0000;

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
  /** Carried by PPPoE: what is said of L2TP and its path means nothing then. undefined: by L2TP. */
  pppoe: PppoePath | undefined;
  /**
   * The LAC's relay. ID and generation of the row that this one's PPP frames go to as they are, but for FF 03; undefined:
   * they end here.
   */
  relayTo: { sessionId: number; generation: number } | undefined;
  /** Frames from the peer are kept, in a bounded number, until this is false again. */
  hold: boolean;
  /** From the peer and to it, bits a second; 0: no limit. */
  receiveRate_bps: number;
  sendRate_bps: number;
}

/** How to treat the peer of a tunnel: the answer to `authorize-tunnel`. */
export interface TunnelPolicy {
  peerName: string;
  secret?: Uint8Array;
  allowTunnelIdZero: boolean;
  addressControl: 'detect' | 'always';
  /** What is done with the LCP and authentication that a LAC hands over, and when they cannot be taken. */
  proxy: 'trust' | 'chap' | 'renegotiate';
  proxyMismatch: 'renegotiate' | 'refuse';
  /** 0: no limit. */
  maxSessions: number;
}

/** One way to an LNS, as RFC 2868 attributes or the settings name it. */
export interface TunnelChoice {
  /** The lowest is taken first, equal ones share the calls (section 3.8). */
  preference: number;
  /** Host name or address of the LNS. */
  server: string;
  /** Our address in the tunnel; '': the routing table says which. */
  localAddress: string;
  /** Of the LNS, over UDP. */
  port: number;
  encapsulation: 'auto' | 'udp2' | 'udp3' | 'ip';
  /** '': none. */
  secret: string;
  digest: 'md5' | 'sha1';
  /** Calls of one assignment share a tunnel (section 3.7). */
  assignmentId: string;
  /** Our Host Name AVP in the tunnel; '': the box's. */
  hostName: string;
  /** The Host Name AVP that the LNS must have; '': any. */
  peerHostName: string;
  cookie_bytes: number;
  sequencing: boolean;
}

/** What a user gets, as RADIUS or the user table says. Addresses and prefixes as text; what is not said is empty or 0. */
export interface Authorization {
  /** At the LAC: where the call is carried to; empty: it ends here. */
  tunnels: readonly TunnelChoice[];
  /** '': from a pool. */
  address: string;
  /** Name of another pool than the settings'; '': that one. */
  pool: string;
  /** Networks behind the user. */
  routes: readonly string[];
  /** Name servers; empty: the settings'. */
  dns: readonly string[];
  nbns: readonly string[];
  /** 8 octets that the user's interface identifier shall be; empty: a random one. */
  interfaceId: Uint8Array;
  /** Framed-IPv6-Prefix and Delegated-IPv6-Prefix. */
  ipv6Prefixes: readonly string[];
  delegatedPrefixes: readonly string[];
  /** Names of filters. */
  filters: readonly string[];
  sessionTimeout_s: number;
  idleTimeout_s: number;
  interimInterval_s: number;
  /** From the user and to it. */
  receiveRate_bps: number;
  sendRate_bps: number;
  /** Given back in accounting. */
  class: readonly Uint8Array[];
  /** For accounting, where RADIUS names the user otherwise; '': as the user said. */
  userName: string;
}

/** What an administrator or RADIUS (CoA) can change of a call that stands. */
export type AuthorizationChange = Partial<
  Pick<
    Authorization,
    | 'filters'
    | 'sessionTimeout_s'
    | 'idleTimeout_s'
    | 'interimInterval_s'
    | 'receiveRate_bps'
    | 'sendRate_bps'
    | 'class'
  >
>;

/** What is known of a user's PPPoE session. */
export interface PppoeInfo {
  /** Of the interface, as in 'eth1'. */
  interfaceName: string;
  localMac: string;
  peerMac: string;
  sessionId: number;
  /** The outer one first. */
  vlanIds: readonly number[];
  serviceName: string;
  /** As the access node says it. */
  line: AccessLine | undefined;
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
      /** As it stands now: its role, its tunnel or its PPPoE session, its numbers. */
      call: CallInfo;
    }
  | { type: 'lease'; questionId: number; callId: number; userName: string; authorization: Authorization }
  | { type: 'resolve'; questionId: number; profile: string; host: string };

export type Answer =
  | { type: 'authorize-tunnel'; questionId: number; accepted: true; policy: TunnelPolicy }
  | ({ type: 'authorize-tunnel'; questionId: number; accepted: false } & DisconnectResult)
  /**
   * A LAC takes an answer with tunnels as leave to carry the call there, whoever checks the user; `authorization` is
   * given where the user is accepted.
   */
  | {
      type: 'authenticate';
      questionId: number;
      answer: AuthenticationAnswer;
      authorization: Authorization | undefined;
      /** Where it was not RADIUS that knew. */
      by?: 'own-users' | 'settings';
    }
  | { type: 'lease'; questionId: number; granted: true; lease: LeaseGrant }
  | { type: 'lease'; questionId: number; granted: false; reason: string }
  | { type: 'resolve'; questionId: number; address: string | undefined; reason: string };

/** What is known of a call that stands, for lists and accounting. */
export interface CallInfo {
  callId: number;
  role: CallRole;
  /** Of L2TP; 2 as long as there is none. */
  version: 2 | 3;
  /** The ID of the call's row in the packet path, which its counters are read by: at the LAC that of the PPPoE session. */
  sessionId: number;
  generation: number;
  /** Ours, in L2TP; 0 for a call at the LAC that is not carried by L2TP (yet). */
  l2tpSessionId: number;
  /** Call Serial Number (RFC 2661 section 4.4.4) and, in version 3, Serial Number; 0 where there is none. */
  callSerialNumber: number;
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
  /** At the LAC. */
  pppoe: PppoeInfo | undefined;
  /** At the LAC: carried to an LNS by L2TP. */
  isTunnelled: boolean;
  /** Proxied, where the LNS took what the LAC handed over. */
  proxied: 'no' | 'lcp' | 'lcp-and-authentication';
  /** Where the call is carried, at the LAC: the assignment that its tunnel was opened for. */
  tunnel: TunnelChoice | undefined;
  authorization: Authorization;
  /** Acct-Session-Id, RFC 2866 section 5.5; '' until the call has one. */
  accountingId: string;
}

/** Acct-Terminate-Cause, RFC 2866 section 5.10. */
export type TerminateCause =
  | 'user-request'
  | 'lost-carrier'
  | 'lost-service'
  | 'idle-timeout'
  | 'session-timeout'
  | 'admin-reset'
  | 'admin-reboot'
  | 'port-error'
  | 'nas-error'
  | 'nas-request'
  | 'service-unavailable'
  | 'user-error';

/** Why a call ended, in the codes that were sent or received and in words. */
export interface CallEnd extends DisconnectResult {
  by: 'peer' | 'local' | 'timeout';
  reason: string;
  terminateCause: TerminateCause;
}

/** Everything that a role wants done, in the order in which it must be done. */
export type Output =
  | { type: 'send-control'; path: TransportPath; packet: Uint8Array }
  /** A frame of PPPoE discovery, with its Ethernet header. */
  | { type: 'send-frame'; interfaceIndex: number; frame: Uint8Array }
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
  /** `call` is the call's own record in these three: who keeps it sees it change as long as the call stands. */
  | { type: 'call-up'; call: CallInfo }
  | { type: 'call-changed'; call: CallInfo }
  /** An LNS has failed or answers again: it is out of rotation until then (ms), or in it (0). */
  | { type: 'lns-failed'; server: string; reason: string; until_ms: number }
  | { type: 'lns-answers'; server: string }
  /** RFC 2867: at both ends of a tunnel, and of each of its links (sessions). `reason` of those that did not come about. */
  | {
      type: 'tunnel-started' | 'tunnel-stopped' | 'tunnel-rejected';
      tunnelId: number;
      side: 'lac' | 'lns';
      path: TransportPath;
      peerName: string;
      assignmentId: string;
      reason: string;
    }
  | { type: 'call-ended'; call: CallInfo; end: CallEnd }
  /** A profile's dialling, or the call that came of it, is over; it dials again in `redialAfter_ms`, if at all. */
  | {
      type: 'dial-ended';
      role: 'lac-client' | 'pseudowire';
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
  /** In front of a call's number in its Acct-Session-Id. */
  readonly accountingPrefix: string;
  /** Box-wide, from 1 to 2**32 - 1: a number that no other living call has. */
  nextCallId(): number;
  /** Calls `handleTimeout` of this session's call at `deadline_ms`, or never. */
  setDeadline(sessionId: number, deadline_ms: number | undefined): void;
}
