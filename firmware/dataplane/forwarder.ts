/**
 * The packet path without its descriptors: takes batches and commands, changes the tables, fills the output batches. Who
 * drives it finishes `output`, sends and writes what is in it, then clears it, before the slots of a batch are used again.
 * Does no I/O; time is an argument.
 */
import { addressWords, isIpv4Mapped } from './address.js';
import { Captures } from './capture.js';
import type { Checksums } from './checksum.js';
import type { CounterViews } from './counters.js';
import { Downstream } from './downstream.js';
import { DROP, type DropReason } from './drop-reasons.js';
import { EthernetFrames } from './ethernet.js';
import { prependHeaders } from './framing.js';
import { HeldFrames } from './held-frames.js';
import type { DataPlaneCommand, SessionCounters, SessionRow, TransportPath } from './interface.js';
import { ForwarderOutput, type OutputSlots } from './output.js';
import { copyAddress, type PacketBatch, ROOM_BYTES } from './packet-batch.js';
import { PppFrames } from './ppp-frames.js';
import { PppoeFrames } from './pppoe-frames.js';
import { SessionTable } from './session-table.js';
import { TunnelTable } from './tunnel-table.js';
import { Upstream } from './upstream.js';

type SessionUpdate = Extract<DataPlaneCommand, { type: 'session-update' }>;
type SendFrame = Extract<DataPlaneCommand, { type: 'send-frame' }>;
type Inject = Extract<DataPlaneCommand, { type: 'inject' }>;

/** In front of a control message over IP: the Session ID 0 (RFC 3931 section 4.1.1.2). */
const CONTROL_SESSION_ID_BYTES = 4;

export class Forwarder {
  readonly output: ForwarderOutput;
  readonly sessions: SessionTable;
  readonly tunnels = new TunnelTable();
  /** Told the time before input is forwarded, and of what is sent before the output is cleared. */
  readonly captures: Captures;
  readonly #drops: Float64Array;
  readonly #ppp: PppFrames;
  readonly #pppoe: PppoeFrames;
  readonly #upstream: Upstream;
  readonly #downstream: Downstream;
  readonly #ethernet: EthernetFrames;

  /** `slots` are in use for no longer than until `output.clear()`, but for what is on hold. */
  constructor(views: CounterViews, slots: OutputSlots, checksums: Checksums) {
    const { drops, generations } = views;
    this.output = new ForwarderOutput(slots, new HeldFrames(slots.held, generations.length), checksums);
    this.sessions = new SessionTable(views);
    this.captures = new Captures(this.sessions, this.output);
    this.#drops = drops;
    this.#ethernet = new EthernetFrames(this.sessions, this.output, drops);
    this.#ppp = new PppFrames(this.sessions, this.output, drops);
    this.#pppoe = new PppoeFrames(this.sessions, this.#ppp, this.output, this.captures, drops);
    const { sessions, tunnels, output, captures } = this;
    this.#upstream = new Upstream(sessions, tunnels, this.#ppp, this.#ethernet, output, captures, drops);
    this.#downstream = new Downstream(this.sessions, this.output, checksums, drops);
  }

  /**
   * What came to the L2TP port, or as IP protocol 115: `input` has it without the UDP or the IP header. Begins with the
   * descriptor at `from`, and gives the first for which the output must be sent and cleared before: as many as there are
   * if all is done.
   */
  forwardUpstream(input: PacketBatch, encapsulation: 'udp' | 'ip', now_ms: number, from = 0): number {
    return this.#upstream.forward(input, encapsulation, now_ms, from);
  }

  /** PPPoE frames, with their Ethernet header and tags, from the interface of this index. */
  forwardPppoe(input: PacketBatch, interfaceIndex: number, now_ms: number): void {
    this.#pppoe.forward(input, interfaceIndex, now_ms);
  }

  /** What is remembered of an interface that is no longer open is forgotten; sessions on it stay. */
  closeInterface(interfaceIndex: number): void {
    this.#pppoe.close(interfaceIndex);
  }

  /** IP packets and super-packets from the TUN device of index `tun`, as forwardUpstream has it. */
  forwardDownstream(input: PacketBatch, tun: number, now_ms: number, from = 0): number {
    return this.#downstream.forward(input, tun, now_ms, from);
  }

  /** Ethernet frames from the TAP device of index `tap`. */
  forwardFrames(input: PacketBatch, tap: number): void {
    this.#ethernet.fromTap(input, tap);
  }

  count(reason: DropReason, packets = 1): void {
    this.#drops[DROP[reason]] += packets;
  }

  addSession(row: SessionRow): void {
    if (this.sessions.add(row) === 0) this.count('no-session-room');
  }

  /**
   * False, and counted, where the session is not there. Frames that were on hold and are no longer go to the output, which
   * must be clear then.
   */
  updateSession({ sessionId, generation, changes }: SessionUpdate): boolean {
    const isThere = this.sessions.update(sessionId, generation, changes);
    if (!isThere) this.count('stale-session');
    else if (changes.hold === false) this.#ppp.letGo(this.sessions.find(sessionId, generation));
    return isThere;
  }

  /** What the session carried; undefined, and counted, where it is not there. */
  removeSession(sessionId: number, generation: number): SessionCounters | undefined {
    this.#ppp.abandon(this.sessions.find(sessionId, generation));
    const counters = this.sessions.remove(sessionId, generation);
    if (counters === undefined) this.count('stale-session');
    return counters;
  }

  /** Frames and numbers what the main thread sends through a session. Needs a free slot in the output. */
  inject({ sessionId, generation, protocol, information }: Inject): void {
    const row = this.sessions.find(sessionId, generation);
    if (row === 0) {
      this.count('stale-session');
      return;
    }
    const offset = this.#copy(information);
    if (offset < 0) return;
    const { length } = information;
    const start = prependHeaders(this.output.memory, offset, length, row, protocol, this.sessions);
    this.output.pushToPeer(start, offset - start + length, row, this.sessions);
  }

  /** A whole control message, from its header on over IP as well. Needs a free slot in the output. */
  sendControl(path: TransportPath, packet: Uint8Array): void {
    const peer = addressWords(path.peerAddress);
    const offset = this.#copy(packet);
    if (offset < 0) return;
    const isOverIp = path.encapsulation === 'ip';
    const start = isOverIp ? offset - CONTROL_SESSION_ID_BYTES : offset;
    this.output.memory.fill(0, start, offset);
    const batch = this.output.transport(isOverIp, !isIpv4Mapped(peer, 0));
    const index = batch.append(start, offset - start + packet.length, 0);
    copyAddress(batch.peerAddress, index, peer, 0);
    copyAddress(batch.localAddress, index, addressWords(path.localAddress), 0);
    batch.peerPort[index] = path.peerPort;
  }

  /** A whole Ethernet frame. Needs a free slot in the output. */
  sendFrame({ interfaceIndex, frame }: SendFrame): void {
    const offset = this.#copy(frame);
    if (offset >= 0) this.output.pushToInterface(offset, frame.length, interfaceIndex, 0);
  }

  /** Gives the offset of the copy, or -1, and counts, where it does not fit. */
  #copy(bytes: Uint8Array): number {
    if (bytes.length > ROOM_BYTES) {
      this.count('frame-too-long');
      return -1;
    }
    const offset = this.output.takeSlot();
    if (offset < 0) this.count('no-buffer');
    else this.output.memory.set(bytes, offset);
    return offset;
  }
}
