/**
 * What the control plane shows of itself and lets be done to it: the seam between control and API. Types alone; must
 * not hold code, nor anything that a session's peer could put a secret into.
 */
import type { Settings } from '../settings.js';
import type { AccountingView } from './accounting/accounting.js';
import type { DhcpLease } from './dhcp.js';
import type { LoadHistory } from './load.js';
import type { DynamicAuthorizationView } from './radius/dynamic-authorization.js';
import type { RadiusServerView } from './radius/transport.js';

/** Packets and octets of PPP payload in the sense of RFC 2866 sections 5.3 to 5.6; received = from the peer. */
export interface CounterView {
  receivedPackets: number;
  receivedOctets: number;
  sentPackets: number;
  sentOctets: number;
}

/** How control and data packets travel: over UDP, or as IP protocol 115 (version 3 alone). */
export type EncapsulationView = 'udp' | 'ip';

/** One call. Texts are '' and numbers 0 as long as they are not known. */
export interface SessionView {
  /** The call's number on this box since its start. */
  callId: number;
  /** The call's name here: at the LAC that of the PPPoE session in the packet path, else the session ID in L2TP. */
  sessionId: number;
  /** Ours in L2TP; 0 for a call at the LAC that no LNS has. */
  l2tpSessionId: number;
  peerSessionId: number;
  tunnelId: number;
  /** Call Serial Number AVP, RFC 2661 section 4.4.4. */
  callSerialNumber: number;
  /** Which role of ours the call is. */
  role: 'lns' | 'lac' | 'lac-client';
  /** Name of the LAC-client profile, or of the entry of tunnelPeers that the peer matched. */
  profile: string;
  /** RFC 2661 section 7.4 and 7.5 spelling until the call stands, then how far PPP is. */
  state: string;
  user: string;
  /** The user's IPv4 address; on a LAC client's call our own. */
  address: string;
  /** The far end's IPV6CP interface identifier, as in 0211:22ff:fe33:4455. */
  interfaceId: string;
  /** The link-local address made of it. */
  linkLocalAddress: string;
  callingNumber: string;
  calledNumber: string;
  /** The LNS that the LAC carries the call to, as RADIUS or the settings name it; '' where PPP ends here. */
  lns: string;
  /** At the LNS: what of PPP was taken over from the LAC. */
  proxied: 'no' | 'lcp' | 'lcp-and-authentication';
  /** At the LAC. */
  pppoe: PppoeSessionView | null;
  /** What RADIUS or the user table gives the user; 0 is no limit. */
  filters: string[];
  sessionTimeout_s: number;
  idleTimeout_s: number;
  receiveRate_bps: number;
  sendRate_bps: number;
  /** Acct-Session-Id. */
  accountingId: string;
  /** Of L2TP, and with it of the session's IDs: 16 bits in version 2, 32 in version 3. */
  version: 2 | 3;
  encapsulation: EncapsulationView;
  /** Length of the cookie that the peer must put before data, RFC 3931 section 4.1; the cookie itself is never shown. */
  cookie_bytes: number;
  peerAddress: string;
  /** 0 over IP. */
  peerPort: number;
  /** ISO 8601, when the call was asked for. */
  since: string;
  counters: CounterView;
  mtu_bytes: number;
  /** 'pap', 'chap-md5', 'mschapv2', or '' before and without authentication. */
  authentication: string;
  lcp: { localMru_bytes: number; peerMru_bytes: number; transmitAcfc: boolean; transmitPfc: boolean };
}

/** The PPPoE session that a call at the LAC comes by. */
export interface PppoeSessionView {
  interface: string;
  mac: string;
  sessionId: number;
  /** The outer one first. */
  vlanIds: number[];
  serviceName: string;
  /** Agent-Circuit-Id of the access node, or ''. */
  circuitId: string;
}

/** How RADIUS does. */
export interface RadiusView {
  servers: RadiusServerView[];
  /** Datagrams from none of the servers. */
  strangers: number;
  accounting: AccountingView;
  /** null: nobody may send. */
  dynamicAuthorization: DynamicAuthorizationView | null;
}

/** How the access concentrator does. */
export interface PppoeView {
  enabled: boolean;
  /** Those of the settings. */
  interfaces: { name: string; isServed: boolean; mac: string; mtu_bytes: number; sessions: number }[];
  /** Packets of discovery, by kind. */
  received: Record<string, number>;
  sent: Record<string, number>;
  /** By reason. */
  drops: Record<string, number>;
  /** LNSes that are asked after all others, and until when (ISO 8601). */
  failedLnses: { server: string; until: string }[];
}

/** How an interface does that asks for its address by DHCP. */
export interface DhcpView {
  interface: string;
  /** silent: nobody has answered. overlapping: what the server gave is in the network of `other`, and cannot be used. */
  state: 'no-carrier' | 'asking' | 'silent' | 'bound' | 'overlapping';
  /** Holds as long as the server said, also without a cable. */
  lease: DhcpLease | undefined;
  /** An interface, or ''. */
  other: string;
}

/** One control connection. In version 3 its IDs are Control Connection IDs. */
export interface TunnelView {
  tunnelId: number;
  peerTunnelId: number;
  /** RFC 2661 section 7.2 spelling. */
  state: string;
  /** Whether we sent the SCCRQ. */
  originator: boolean;
  profile: string;
  peerHostName: string;
  peerVendorName: string;
  /** What was agreed on; of a tunnel for which that is still open, what it was opened with. */
  version: 2 | 3;
  encapsulation: EncapsulationView;
  localAddress: string;
  peerAddress: string;
  /** 0 over IP. */
  peerPort: number;
  sessions: number;
  /** ISO 8601 */
  since: string;
}

/** One Ethernet pseudowire of the settings. Texts are '' and numbers 0 as long as they are not known. */
export interface PseudowireView {
  name: string;
  enabled: boolean;
  mode: 'dial' | 'listen' | 'static';
  type: 'ethernet' | 'vlan';
  /** Of a VLAN's; else 0. */
  vlanId: number;
  /**
   * 'off': switched off; 'waiting' for the next redial; 'dialling'; 'listening': the peer has not asked for it yet; 'up';
   * 'down': the session stands, and `lastError` says why frames do not pass.
   */
  state: 'off' | 'waiting' | 'dialling' | 'listening' | 'up' | 'down';
  /** Why it ended last or did not come about, in words. */
  lastError: string;
  /** ISO 8601, when it is dialled again; '' when that is not planned. */
  redialAt: string;
  encapsulation: EncapsulationView | '';
  /** 0 of a static one, which has no control connection. */
  tunnelId: number;
  sessionId: number;
  peerSessionId: number;
  remoteEndId: string;
  /** Host name or address as set, '' for any. */
  peer: string;
  /** Of the session, '' while there is none. */
  peerAddress: string;
  tapInterface: string;
  /** The Linux bridge that the TAP is a port of, or ''. */
  bridge: string;
  mtu_bytes: number;
  /** The peer's Circuit Status says active, RFC 3931 section 5.4.5; of a static one that is up, always true. */
  peerActive: boolean;
  /** ISO 8601, when it came up. */
  since: string;
  /** Frames and their octets. */
  counters: CounterView;
}

/** Something that does not work although the settings ask for it. */
export interface OperatingProblem {
  what: string;
  advice: string;
}

export interface LacClientView {
  name: string;
  enabled: boolean;
  server: string;
  /** 'off', 'dialling', 'up', 'waiting' (for the next redial) */
  state: string;
  /** Why the last call ended or did not come about, in words. */
  lastError: string;
  /** ISO 8601, when it is dialled again; '' when that is not planned. */
  redialAt: string;
}

/** An Ethernet port of the box. null: not known, or the driver does not have it. */
export interface PortView {
  name: string;
  /** Received packets of one TCP connection pass the kernel in one piece: `gro` of ethtool. */
  gro: boolean | null;
  /** Those of one UDP flow too, where they are forwarded: `rx-udp-gro-forwarding` of ethtool. */
  udpGroForwarding: boolean | null;
}

/** What sessions cost in memory. */
export interface SessionMemoryView {
  /** Of the whole program. */
  resident_bytes: number;
  /** Measured over the sessions that stand where they are enough to tell, else the most that one costs. */
  perSession_bytes: number;
  /** How many sessions this machine's memory bears in all, those that stand with them; 65,535 at most. */
  sessionsThatFit: number;
}

export interface StatusView {
  hostName: string;
  version: string;
  /** ISO 8601 */
  startedAt: string;
  lns: { enabled: boolean; listening: boolean };
  /** `listening`: on one interface at least. */
  lac: { enabled: boolean; listening: boolean };
  lacClients: LacClientView[];
  ports: PortView[];
  tunnels: number;
  sessions: number;
  memory: SessionMemoryView;
  /** Packets that were not forwarded, by reason. */
  drops: Record<string, number>;
  problems: OperatingProblem[];
}

/** Something that an operator should look at. */
export interface AttentionView {
  severity: 'error' | 'warning' | 'info';
  /** One of ATTENTION_CODES. */
  code: string;
  /** What the words are about, for those who say them in another language. */
  parameters: Record<string, string | number>;
  text: string;
  /** Path of the page on which something can be done about it. */
  link: string;
}

/** How the box is, at a glance. Rates are over the last seconds. */
export interface OverviewView {
  callsUp: number;
  callsByRole: { lns: number; lac: number; lacClient: number };
  /** How many calls the settings and the memory bear in all. */
  callsThatFit: number;
  setupsPerMinute: number;
  failuresPerMinute: number;
  /** What came from the far ends of all sessions, and what went there; a LAC has what it relays in both. */
  received_bps: number;
  sent_bps: number;
  /** Of one processor, of the program: two busy threads make 200. */
  cpu_percent: number;
  cpuOfMachine_percent: number;
  memory: { resident_bytes: number; available_bytes: number };
  /** Packets, by reason; those that there were. */
  drops: { reason: string; count: number; perMinute: number }[];
  attention: AttentionView[];
}

/** What a monitoring system reads: counts since the start, and the calls of this moment. */
export interface CountsView {
  setups: number;
  failures: number;
  receivedOctets: number;
  sentOctets: number;
  callsByRole: OverviewView['callsByRole'];
}

/** One row of the list of sessions: less than a SessionView, for lists of ten thousand. */
export interface SessionRow {
  callId: number;
  sessionId: number;
  tunnelId: number;
  role: SessionView['role'];
  state: string;
  user: string;
  address: string;
  callingNumber: string;
  peerAddress: string;
  /** ISO 8601 */
  since: string;
  receivedOctets: number;
  sentOctets: number;
  /** '' without L2TP. */
  encapsulation: EncapsulationView | '';
}

/** What has become of calls since it was asked last. */
export interface SessionChanges {
  stand: SessionRow[];
  /** callIds */
  ended: number[];
  /** False where there was more than is told one by one: the list has to be read anew. */
  isWhole: boolean;
}

/** One record of the trace: what this box saw of a call's fourteen steps. */
export interface CallStepRecord {
  /** Grows by one with each record since the start. */
  sequence: number;
  /** ISO 8601 with milliseconds */
  time: string;
  /** 1 to 14; 0 for what belongs to none. */
  step: number;
  role: 'lns' | 'lac' | 'lac-client' | 'pseudowire';
  tunnelId: number;
  sessionId: number;
  /** The call's number on this box since its start, also before it has a session; 0 for what concerns the tunnel. */
  callId: number;
  user: string;
  peerAddress: string;
  direction: 'sent' | 'received' | 'within';
  /** What it is by its RFC name, as in 'SCCRQ' or 'LCP Configure-Ack'. */
  what: string;
  /** The rest of it in words; secrets are left out. */
  detail: string;
}

/** Whose packets: of one call or pseudowire by the session's ID here, of a tunnel with all its sessions, or of a user. */
export type CaptureFilter = { sessionId: number } | { tunnelId: number } | { user: string };

/** A capture that is asked for. */
export interface CaptureRequest {
  filter: CaptureFilter;
  /** Of the ring that keeps the newest packets; what is used is the next power of two. */
  size_bytes: number;
  /** So much of each packet is kept, from its L2TP or Ethernet header on. */
  snap_bytes: number;
  withoutSecrets: boolean;
  withoutPayload: boolean;
}

export interface CaptureView extends CaptureRequest {
  id: number;
  state: 'running' | 'stopped';
  /** ISO 8601 */
  startedAt: string;
  /** Calls and pseudowires that are in it now; 0 as long as it waits for them. */
  sessions: number;
  /** Taken since the start; of those so many are no longer there. */
  packets: number;
  octets: number;
  overwritten: number;
}

/** Captures of packets. None of these throws for a caller's input. */
export interface CapturesView {
  list(): Promise<CaptureView[]>;
  get(id: number): Promise<CaptureView | undefined>;
  /** A sentence where there is no room for another one. */
  start(request: CaptureRequest): Promise<CaptureView | string>;
  /** These three: undefined or false where there is none of this number. */
  stop(id: number): Promise<CaptureView | undefined>;
  remove(id: number): boolean;
  /** What the capture has now, as pcapng, in pieces; the box does something else between them. */
  file(id: number): AsyncIterable<Uint8Array> | undefined;
}

/** What `control/` offers to `api/`. None of these throws for a caller's input. */
export interface ControlPlaneView {
  /** In the order in which they came, at most `limit`, after the call of this number. */
  sessions(limit: number, afterCallId: number): SessionView[];
  session(sessionId: number): SessionView | undefined;
  /** 0 where there is no such call, or it has no session any more. */
  sessionIdOf(callId: number): number;
  /** All of them, one after the other; calls may come and go meanwhile. */
  sessionRows(): Iterable<SessionRow>;
  followSessions(): { take(): SessionChanges; close(): void };
  /** With what its reader knows beside it. */
  overview(also: { problems: readonly OperatingProblem[]; certificateEnds: string }): OverviewView;
  counts(): CountsView;
  loadHistory(): LoadHistory;
  tunnels(): TunnelView[];
  /** One for each entry of the settings' pseudowires, in their order. */
  pseudowires(): PseudowireView[];
  radius(): RadiusView;
  pppoe(): PppoeView;
  dhcp(): DhcpView[];
  status(): StatusView;
  /** False when there is no such session. */
  disconnectSession(sessionId: number, reason: string): boolean;
  /** False when there is no such tunnel. */
  closeTunnel(tunnelId: number): boolean;
  /** Makes stored settings the running ones; gives what could not be done. */
  applySettings(settings: Settings): Promise<OperatingProblem[]>;
  /** A user was written or deleted: its calls end if it may no longer call. */
  userChanged(name: string): void;
  /** The same of many. */
  usersChanged(names: ReadonlySet<string>): void;
  /** Pools were written or deleted: calls on addresses of no pool end, routes follow. */
  poolsChanged(): void;
  readonly captures: CapturesView;
  readonly trace: {
    /** The newest records, at most `limit`, oldest first. */
    last(limit: number): CallStepRecord[];
    /** Gives every new record to `listener` until the function that it returns is called. */
    subscribe(listener: (record: CallStepRecord) => void): () => void;
  };
}
