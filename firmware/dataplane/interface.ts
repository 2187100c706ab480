/**
 * The only seam between the main thread and the packet path: what each tells the other, and the counters that the main
 * thread reads. Types and readers alone.
 *
 * The main thread makes the worker, `new Worker(new URL('./dataplane/worker.js', import.meta.url), { workerData })`
 * with DataPlaneOptions as its workerData. Then, in this order:
 *
 *   worker → main   [ready, ...], once the sockets are bound, and behind it [failed] for each socket of IP protocol 115
 *                   that the kernel refuses; or [failed] with `fatal` set, and the worker ends
 *   main → worker   commands, one message a turn: postMessage(writer.emit(commands)) with one CommandWriter, then 8 bytes,
 *                   any 64-bit number but zero in host order, written to `wakeFd`
 *   worker → main   reports, at most one message a turn, read by one reportReader() (messages.ts); handleReports, then
 *                   reportsHandled(counters, reports)
 *   main → worker   [..., stop]: what precedes it in the message is still done and sent, then the worker ends
 *
 * Commands are carried out in the order given, within and between messages. The worker closes its sockets and its
 * devices when it ends; the eventfd stays open, so that a late write hits nothing else, until the main thread closes it
 * after the worker's 'exit'. The worker also ends, with exit code 1, after a [failed] with `fatal` set.
 */
import type { VlanTag } from '../wire/ethernet.js';
import { viewCounters } from './counters.js';

export {
  type CapturedPacket,
  CaptureRingReader,
  type CaptureRingTotals,
  captureRingTotals,
  createCaptureRing,
  MIN_RING_BYTES,
} from './capture-ring.js';
export {
  type ActiveSession,
  ActivityReader,
  readDropCounters,
  readSessionCounters,
  type SessionCounters,
} from './counters.js';
export { DROP_REASONS, type DropReason } from './drop-reasons.js';

import type { SessionCounters } from './counters.js';

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

/** The worker's workerData. */
export interface DataPlaneOptions {
  /** The UDP port, on every local address of both families. */
  listen: { port: number };
  /** Rows of the session table, at most 65,535, for the life of the process: memory of unused rows is not touched. */
  maxSessions: number;
  /** Packets taken from one descriptor in one turn, 1 to 256. */
  batch: number;
  /** Packets of a flow go joined, to and from the kernel, as far as it has that; false: each alone. */
  offload: boolean;
}

/** A session as the packet path knows it. */
export interface SessionRow {
  /** Ours, unique on this box over both versions: 1 to 65535 in version 2, to 2**32 - 1 in version 3. The key. */
  sessionId: number;
  /** 32 bits, given by the main thread. Injects, updates and removals name it; on a mismatch they are counted drops. */
  generation: number;
  /** Of L2TP: what its packets look like. Over IP it is 3. */
  version: 2 | 3;
  /** Version 2, ours: a packet's Tunnel ID must be this, */
  tunnelId: number;
  /** or 0 where this is set. */
  allowTunnelIdZero: boolean;
  peerTunnelId: number;
  peerSessionId: number;
  /** Packets must come from peerAddress, from whatever port; ours go to peerPort from localAddress. */
  path: TransportPath;
  /** Version 3, 0, 4 or 8 octets: what packets from the peer must carry behind the Session ID, and what ours carry. */
  localCookie: Uint8Array;
  peerCookie: Uint8Array;
  /** Version 3: the Default L2-Specific Sublayer (RFC 3931 section 4.6) is in packets from the peer, and in ours. */
  localSublayer: boolean;
  peerSublayer: boolean;
  /** What the session carries: PPP frames to and from a TUN device, or Ethernet frames to and from a TAP device it is bound to. */
  payload: 'ppp' | 'ethernet';
  /** Ethernet frames pass, in both directions. */
  ethernetOpen: boolean;
  /** Pseudowire type 4 (RFC 4719): the VLAN ID of the tag that our frames get and the peer's lose; 0: none of that. */
  vlanId: number;
  /** Index of the TUN or TAP device. */
  tun: number;
  /** True: all that comes from that device goes to this row. False: what is addressed to one of `sources`. */
  bindTun: boolean;
  transmitAcfc: boolean;
  transmitPfc: boolean;
  /** FF 03 in front of what we send: always, or as the peer does and ACFC says. LCP always has it. */
  addressControl: 'detect' | 'always';
  /**
   * We number what we send (RFC 2661 section 5.4); in version 3 in the sublayer, if our packets have it. Numbers that
   * come are heeded in any case.
   */
  sequencing: boolean;
  /** The largest IP packet that goes to the peer; of an Ethernet frame, without its header of 14 octets and its tags. */
  mtu_bytes: number;
  /** Largest TCP MSS let through over IPv4, both ways; 20 less over IPv6. 0: left alone. */
  mssClamp_bytes: number;
  ipv4Open: boolean;
  ipv6Open: boolean;
  /** Where `bindTun` is false: prefixes that the peer may send from, and that are routed to it. */
  sources: readonly string[];
  /** Where `bindTun` is true: prefixes that the peer may send to. */
  destinations: readonly string[];
  /**
   * The row is carried by PPPoE, and its ID is FIRST_PPPOE_ROW_ID or above; version, tunnel, path, cookies, sublayer and
   * numbers mean nothing then. undefined: carried by L2TP, and the ID is below that.
   */
  pppoe: PppoePath | undefined;
  /**
   * The LAC's relay: this row's PPP frames go to the row of this ID and generation as they are, but for FF 03, which is
   * put in front towards L2TP and taken off towards PPPoE (RFC 2516 section 7); a row that is not there is a counted drop.
   * undefined: they end here.
   */
  relayTo: { sessionId: number; generation: number } | undefined;
  /**
   * Frames from the peer are kept, in a bounded number, the rest is counted and dropped, and 'held' is reported behind
   * all that was punted of the row before. When it becomes false they go where the row's frames go then, in order, before
   * any later one.
   */
  hold: boolean;
  /**
   * Of what a PPP session's counters count, bits a second from the peer and to it, by token bucket: what is above is dropped.
   * 0: no limit.
   */
  receiveRate_bps: number;
  sendRate_bps: number;
}

/** Rows that PPPoE carries have IDs from here on, which no L2TP session ever has. */
export const FIRST_PPPOE_ROW_ID = 0xf000_0000;

/** Captures that there are at a time, by number from 0. */
export const CAPTURES = 4;

/** Where a PPPoE session's frames go and come from (RFC 2516 section 4). A frame must have its address and VLAN IDs. */
export interface PppoePath {
  /** The kernel's: of an interface that is, or will be, opened by 'open-packet-socket'. */
  interfaceIndex: number;
  /** Text in lower case, as in '02:00:5e:00:53:01'. */
  localMac: string;
  peerMac: string;
  /** SESSION_ID, 1 to 65534, unique on the interface. */
  sessionId: number;
  /** Tags of the frames, the outer one first: none to two. */
  tags: readonly VlanTag[];
}

export type DataPlaneCommand =
  /** Makes a TUN or TAP device. Answered by 'tun-opened', or by 'failed' with `tun`. */
  | { type: 'open-tun'; tun: number; kind: 'tun' | 'tap'; name: string; mtu_bytes: number }
  | { type: 'close-tun'; tun: number }
  /**
   * PPPoE frames of this interface come from now on, also after it was down. Answered by 'packet-socket-opened', or 'failed'
   * with `interfaceIndex`; that comes later, too, once the interface is gone, and the socket with it.
   */
  | { type: 'open-packet-socket'; interfaceIndex: number; vlans: 'untagged' | 'any' }
  | { type: 'close-packet-socket'; interfaceIndex: number }
  /** A frame of PPPoE discovery, with its Ethernet header. */
  | { type: 'send-frame'; interfaceIndex: number; frame: Uint8Array }
  /** Control messages for this tunnel ID or Control Connection ID, ours, 1 to 65535, from path.peerAddress go to the main thread from now on. */
  | { type: 'tunnel-add'; tunnelId: number; path: TransportPath }
  /** For the tunnel itself: its sessions' paths change by 'session-update'. */
  | { type: 'tunnel-path'; tunnelId: number; path: TransportPath }
  | { type: 'tunnel-remove'; tunnelId: number }
  | { type: 'session-add'; row: SessionRow }
  | {
      type: 'session-update';
      sessionId: number;
      generation: number;
      changes: Partial<Omit<SessionRow, 'sessionId' | 'generation'>>;
    }
  /** Answered by 'session-removed'. */
  | { type: 'session-remove'; sessionId: number; generation: number }
  /** A PPP frame by its protocol number; framed, numbered and sent by the worker. */
  | { type: 'inject'; sessionId: number; generation: number; protocol: number; information: Uint8Array }
  /** A whole L2TP control packet from its header on: over IP the worker puts the all-zero Session ID before it. */
  | { type: 'send-control'; path: TransportPath; packet: Uint8Array }
  /**
   * From now on control messages and frames of discovery are copied to `signalling`, and what is marked for this capture
   * where its mark says, `snap_bytes` of each packet at most; both are rings of createCaptureRing.
   */
  | {
      type: 'capture-open';
      capture: number;
      signalling: SharedArrayBuffer;
      packets: SharedArrayBuffer;
      snap_bytes: number;
    }
  /** Nothing is copied for it any more, and no session marked for it. */
  | { type: 'capture-close'; capture: number }
  /**
   * The session's packets go to the capture's ring of packets, to that of signalling while it is not known whose they are,
   * or to none. A session that is not there is passed over.
   */
  | { type: 'capture-session'; capture: number; sessionId: number; mark: 'packets' | 'signalling' | 'none' }
  | { type: 'stop' };

export type DataPlaneReport =
  /** `counters` is for the readers below; `wakeFd` is the eventfd that wakes the worker. */
  | { type: 'ready'; counters: SharedArrayBuffer; wakeFd: number }
  /**
   * Something that the kernel refused. `errno` is its name, as in 'EADDRINUSE', or '' where it was no system call;
   * `tun` is set where it concerns a TUN or TAP device alone. After a `fatal` one the worker is gone.
   */
  | {
      type: 'failed';
      what: string;
      errno: string;
      advice: string;
      fatal: boolean;
      tun?: number;
      interfaceIndex?: number;
    }
  | { type: 'tun-opened'; tun: number; name: string }
  | { type: 'packet-socket-opened'; interfaceIndex: number }
  /**
   * A frame of PPPoE discovery, or of a session that has no row, with its Ethernet header and tags; the bytes are the
   * receiver's own.
   */
  | { type: 'discovery'; interfaceIndex: number; frame: Uint8Array }
  /** `hold` of this row has begun: nothing more is punted of it. */
  | { type: 'held'; sessionId: number; generation: number }
  | { type: 'session-removed'; sessionId: number; generation: number; counters: SessionCounters }
  /** A whole L2TP control packet, over IP without the all-zero Session ID; the bytes are the receiver's own. */
  | { type: 'control'; path: TransportPath; packet: Uint8Array }
  /** A PPP frame that is not simply forwarded; the bytes are the receiver's own. */
  | { type: 'ppp'; sessionId: number; generation: number; protocol: number; information: Uint8Array };

/**
 * Tells the worker that the main thread has handled these reports. The worker holds back, and counts, what would make
 * more than a bounded number of packets wait: without this call it soon reports no more.
 */
export function reportsHandled(counters: SharedArrayBuffer, reports: readonly DataPlaneReport[]): void {
  let packets = 0;
  for (const { type } of reports) if (type === 'control' || type === 'ppp' || type === 'discovery') packets++;
  Atomics.add(viewCounters(counters).header, 0, packets);
}
