/**
 * One run of traffic: frames of all its calls are made in advance, sent in turns in bursts, at a set rate or as fast as it
 * goes, and what arrives is counted and timed. Keeps a processor busy until it is over.
 */
import type { PacketBatch } from '../../firmware/dataplane/packet-batch.js';
import type { DatagramSender } from '../../firmware/linux/datagram-sender.js';
import type { StandingCall } from './calls.js';
import { emitUserFrame, markedPayload, numberPacket, writeMark } from './marks.js';
import { threadTimes_ns, usedSince_ns } from './processor.js';
import type { RunOrder, RunReport } from './traffic.js';
import {
  addressWord,
  BATCH,
  CALLER_PORT,
  FRAME_BYTES,
  MAX_FRAMES,
  OFFICE_PORT,
  stampNow,
  type TrafficSockets,
} from './traffic-sockets.js';

const L2TP_PORT = 1_701;
/** Of the users' ends of their flows. */
const FIRST_PORT = 20_000;
/** What is on its way when the run is over has arrived when nothing has come for so long. */
const QUIET_MS = 20;
const MAX_DRAIN_MS = 1_000;
/** Of many sessions some may be lost: under a load that it cannot bear, a peer loses control messages too. */
const ENOUGH = 0.99;
/** How often the calls have their turn. */
const CALLS_EVERY_MS = 5;

export class TrafficRun {
  readonly #sockets: TrafficSockets;
  readonly #order: RunOrder;
  readonly #sender: DatagramSender;
  readonly #batch: PacketBatch;
  readonly #frame_bytes: number;
  /** The last word of the address that each frame is sent to, and the port. */
  readonly #destinations: Uint32Array;
  readonly #ports: Uint16Array;
  /** The kernel numbers the office's packets, the generator those that users send. */
  readonly #isNumbered: boolean;
  readonly #callsTurn: () => void;
  #next = 0;
  #sent = 0;
  #nextCallsTurn_ms = 0;

  /** `callsTurn` is called now and then, so that the calls stay up. */
  constructor(sockets: TrafficSockets, order: RunOrder, calls: readonly StandingCall[], callsTurn: () => void) {
    if (order.server !== '' && calls.length < order.sessions * ENOUGH) {
      throw new Error(`${calls.length} calls stand, ${order.sessions} are wanted`);
    }
    if (order.flows > MAX_FRAMES || order.burst > BATCH) throw new RangeError('more than there is room for');
    this.#sockets = sockets;
    this.#order = order;
    this.#callsTurn = callsTurn;
    this.#isNumbered = order.direction === 'up' && order.server !== '';
    this.#sender = sockets.sender(order.direction, order.isJoined);
    this.#batch = sockets.batch();
    const packets = packetsOf(order, calls);
    this.#frame_bytes = packets[0]!.frame.length;
    for (const [index, { frame }] of packets.entries()) {
      sockets.arena.bytes.set(frame, sockets.frames + index * FRAME_BYTES);
    }
    this.#destinations = Uint32Array.from(packets, ({ destination }) => addressWord(destination));
    this.#ports = Uint16Array.from(packets, ({ port }) => port);
    sockets.run++;
  }

  run(): RunReport {
    const { warmUp_ms, duration_ms, pid } = this.#order;
    const begin_ms = performance.now();
    this.#sendAndReceive(begin_ms, begin_ms + warmUp_ms);
    const sockets = this.#sockets;
    sockets.arrived = 0;
    sockets.latencies.clear();
    const before = { sent: this.#sent, own: process.cpuUsage(), threads: pid === 0 ? new Map() : threadTimes_ns(pid) };
    const from_ms = performance.now();
    this.#sendAndReceive(begin_ms, from_ms + duration_ms);
    const elapsed_ms = performance.now() - from_ms;
    const used = pid === 0 ? { all_ns: 0, busiest_ns: 0 } : usedSince_ns(pid, before.threads);
    const own = process.cpuUsage(before.own);
    const { arrived, latencies } = sockets;
    const report = {
      sent: ((this.#sent - before.sent) / elapsed_ms) * 1000,
      arrived: (arrived / elapsed_ms) * 1000,
      latencyMedian_us: latencies.quantile_us(0.5),
      latencyP99_us: latencies.quantile_us(0.99),
      processor_ns: used.all_ns / arrived,
      busiestShare: used.busiest_ns / 1e6 / elapsed_ms,
      ownShare: (own.user + own.system) / 1000 / elapsed_ms,
    };
    this.#drain();
    return report;
  }

  #sendAndReceive(begin_ms: number, until_ms: number): void {
    const { perSecond, burst } = this.#order;
    const perMs = perSecond / 1000;
    for (let now_ms = performance.now(); now_ms < until_ms; now_ms = performance.now()) {
      if (perSecond === 0 || (now_ms - begin_ms) * perMs >= this.#next + burst) this.#send(burst);
      this.#receive(now_ms);
    }
  }

  #send(count: number): void {
    const { bytes } = this.#sockets.arena;
    const batch = this.#batch;
    const { run, frames } = this.#sockets;
    const { flows } = this.#order;
    const stamp = stampNow();
    const length_bytes = this.#frame_bytes;
    batch.count = 0;
    for (let each = 0; each < count; each++) {
      const index = this.#next % this.#destinations.length;
      const at = frames + index * FRAME_BYTES;
      if (this.#isNumbered) numberPacket(bytes, at, Math.floor(this.#next / flows) & 0xffff);
      this.#next++;
      writeMark(bytes, at + length_bytes, run, stamp);
      batch.append(at, length_bytes, 0);
      batch.peerAddress[each * 4 + 3] = this.#destinations[index]!;
      batch.peerPort[each] = this.#ports[index]!;
    }
    this.#sender.send(batch);
    this.#sent += count - this.#sender.notSentForRoom - this.#sender.refused;
  }

  /** At the end where the packets arrive, and now and then what comes for the calls. */
  #receive(now_ms: number): void {
    const isUp = this.#order.direction === 'up';
    this.#sockets.receive(isUp ? 'office' : 'caller');
    if (now_ms < this.#nextCallsTurn_ms) return;
    this.#nextCallsTurn_ms = now_ms + CALLS_EVERY_MS;
    if (isUp) this.#sockets.receive('caller');
    this.#callsTurn();
  }

  #drain(): void {
    const begin_ms = performance.now();
    let last_ms = begin_ms;
    let before = this.#sockets.arrived;
    for (let now_ms = begin_ms; now_ms - last_ms < QUIET_MS && now_ms - begin_ms < MAX_DRAIN_MS; ) {
      this.#receive(now_ms);
      now_ms = performance.now();
      if (this.#sockets.arrived > before) last_ms = now_ms;
      before = this.#sockets.arrived;
    }
  }
}

interface Outgoing {
  frame: Uint8Array;
  destination: string;
  port: number;
}

/** What is sent, and where to: to the LNS, to users by the way of the LNS, or over the cable to its other end. */
function packetsOf(order: RunOrder, calls: readonly StandingCall[]): Outgoing[] {
  const { direction, server, destination, payload_bytes, flows } = order;
  const sessions = server === '' ? order.sessions : Math.min(order.sessions, calls.length);
  const payload = markedPayload(payload_bytes);
  // Of what leaves in one go, each has memory of its own.
  const count = flows * Math.ceil(BATCH / flows);
  return Array.from({ length: count }, (_, index) => {
    const port = FIRST_PORT + Math.floor((index % flows) / sessions);
    if (server === '') {
      return { frame: payload, destination, port: direction === 'up' ? OFFICE_PORT : CALLER_PORT };
    }
    const call = calls[index % sessions]!;
    if (direction === 'down') return { frame: payload, destination: call.address, port };
    const about = { destination, sourcePort: port, destinationPort: OFFICE_PORT, payload_bytes };
    return { frame: emitUserFrame(call, about), destination: server, port: L2TP_PORT };
  });
}
