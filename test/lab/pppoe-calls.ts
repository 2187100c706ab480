/**
 * Many PCs on one cable: dials as an order says, sorts the frames that come by PC, and tells what came of the calls. No
 * socket and no clock: pppoe-callers-process.ts has those.
 */
import { DeadlineQueue } from '../../firmware/protocol/deadline-queue.js';
import { latin1, octets, ProtocolError, type RandomBytes } from '../../firmware/wire/bytes.js';
import { parseEthernetHeader } from '../../firmware/wire/ethernet.js';
import {
  PPPOE_CODE,
  PPPOE_ETHER_TYPE,
  PPPOE_TAG,
  parseDiscoveryPacket,
  parsePppoeHeader,
  tagValue,
} from '../../firmware/wire/pppoe.js';
import { emitEchoRequest, emitUdpPacket, parseEchoReply } from './ip-packets.js';
import type { DialOrder, DialReport, PcReport, PingReport } from './pppoe-callers.js';
import { PppoePc } from './pppoe-pc.js';

const PING_INTERVAL_MS = 1_000;
const PING_IDENTIFIER = 0x7477;
/** So many pings leave at once: the next hop's kernel keeps no more while it asks for a neighbour's address. */
const PINGS_AT_ONCE = 50;

interface Call {
  number: number;
  pc: PppoePc;
  asked_ms: number;
  up_ms: number | undefined;
}

/** The calls of one order, until each is up or has failed. */
interface Dialling {
  order: DialOrder;
  asked: number;
  pending: Set<Call>;
  up: Call[];
  failures: Map<string, number>;
  started_ms: number;
  giveUpAt_ms: number;
  done(report: Omit<DialReport, 'processorTime_ms'>): void;
}

/** One ping of every PC, until each has its answer. */
interface Pinging {
  destination: string;
  /** Not sent yet in this second. */
  toSend: Call[];
  unanswered: Set<Call>;
  report: PingReport;
  nextAt_ms: number;
  giveUpAt_ms: number;
  done(report: PingReport): void;
}

export class PppoeCalls {
  /** Calls that ended though nobody here hung up. */
  ended: { pc: number; reason: string }[] = [];
  readonly #random: RandomBytes;
  readonly #calls = new Map<number, Call>();
  readonly #byHostUniq = new Map<string, Call>();
  /** By MAC address and SESSION_ID. */
  readonly #bySession = new Map<string, Call>();
  readonly #deadlines = new DeadlineQueue();
  readonly #frames: Uint8Array[] = [];
  #dialling: Dialling | undefined;
  #pinging: Pinging | undefined;

  constructor(random: RandomBytes) {
    this.#random = random;
  }

  /** Whether packets of users are of interest now. */
  get wantsPackets(): boolean {
    return this.#pinging !== undefined;
  }

  dial(order: DialOrder, now_ms: number, done: Dialling['done']): void {
    if (this.#dialling !== undefined) throw new Error('the calls of the last order are not up yet');
    const dialling: Dialling = {
      ...{ order, asked: 0, pending: new Set(), up: [], failures: new Map(), started_ms: now_ms, done },
      giveUpAt_ms: now_ms + order.timeout_ms,
    };
    this.#dialling = dialling;
    while (dialling.pending.size < order.atOnce && dialling.asked < order.calls) this.#dialNext(dialling, now_ms);
  }

  ping(destination: string, timeout_ms: number, now_ms: number, done: Pinging['done']): void {
    const calls = [...this.#calls.values()].filter(({ up_ms }) => up_ms !== undefined);
    this.#pinging = {
      ...{ destination, toSend: calls, unanswered: new Set(calls), giveUpAt_ms: now_ms + timeout_ms, done },
      ...{ report: { asked: calls.length, answered: 0, strays: 0 }, nextAt_ms: now_ms + PING_INTERVAL_MS },
    };
    for (let count = 0; count < PINGS_AT_ONCE; count++) this.#pingNext();
  }

  /** A datagram of this PC's as it goes over the cable. */
  frame(number: number, destination: string, payload_bytes: number): Uint8Array {
    const { pc } = this.#calls.get(number) ?? unknown(number);
    return pc.frameOf(emitUdpPacket(pc.address, destination, payload_bytes));
  }

  /** Ends all calls; gives how many stood. */
  hangUp(now_ms: number): number {
    const calls = [...this.#calls.values()];
    for (const call of calls) {
      this.#forget(call);
      call.pc.hangUp(now_ms);
      for (let frame = call.pc.pollTransmit(); frame !== undefined; frame = call.pc.pollTransmit()) {
        this.#frames.push(frame);
      }
    }
    return calls.filter(({ up_ms }) => up_ms !== undefined).length;
  }

  /** A frame that has come; what is no PC's, or cannot be read, is passed over. */
  handleFrame(frame: Uint8Array, now_ms: number): void {
    try {
      const { destination, source, etherType, payloadOffset } = parseEthernetHeader(frame);
      const packet = frame.subarray(payloadOffset);
      if (etherType === PPPOE_ETHER_TYPE.discovery) this.#handleDiscovery(packet, source, destination, now_ms);
      else if (etherType === PPPOE_ETHER_TYPE.session) this.#handleSession(packet, destination, now_ms);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
    }
  }

  handleTimeout(now_ms: number): void {
    for (let number = this.#deadlines.takeDue(now_ms); number !== undefined; number = this.#deadlines.takeDue(now_ms)) {
      const call = this.#calls.get(number);
      if (call === undefined) continue;
      call.pc.handleTimeout(now_ms);
      this.#drain(call, now_ms);
    }
    this.#pingAgain(now_ms);
    const dialling = this.#dialling;
    if (dialling === undefined || now_ms < dialling.giveUpAt_ms) return;
    const unasked = dialling.order.calls - dialling.asked;
    dialling.asked = dialling.order.calls;
    if (unasked > 0) dialling.failures.set('not asked for in time', unasked);
    for (const call of [...dialling.pending]) this.#settle(call, `not up in time: ${call.pc.stage}`, now_ms);
  }

  pollTransmit(): Uint8Array | undefined {
    return this.#frames.shift();
  }

  /** In absolute ms. */
  pollTimeout(): number {
    return Math.min(
      this.#deadlines.next_ms() ?? Number.POSITIVE_INFINITY,
      this.#dialling?.giveUpAt_ms ?? Number.POSITIVE_INFINITY,
      this.#pinging?.nextAt_ms ?? Number.POSITIVE_INFINITY,
    );
  }

  #dialNext(dialling: Dialling, now_ms: number): void {
    const { order } = dialling;
    const number = order.firstPc + dialling.asked++;
    const { vlanIds, password, authentication, ipv6, maxConfigure } = order;
    const hostUniq = octets(`pc ${number}`);
    const mac = order.mac === '' ? macOf(number) : order.mac;
    const user = `${order.userPrefix}${number}`;
    const config = { mac, hostUniq, vlanIds, user, password, authentication, ipv6, maxConfigure };
    const call: Call = { number, pc: new PppoePc(config, this.#random), asked_ms: now_ms, up_ms: undefined };
    this.#calls.set(number, call);
    this.#byHostUniq.set(latin1(hostUniq), call);
    dialling.pending.add(call);
    call.pc.dial(now_ms);
    this.#drain(call, now_ms);
  }

  #handleDiscovery(packet: Uint8Array, source: string, destination: string, now_ms: number): void {
    const parsed = parseDiscoveryPacket(packet);
    // The PADT of another host does not have our Host-Uniq.
    const hostUniq = parsed.code === PPPOE_CODE.padt ? undefined : tagValue(parsed.tags, PPPOE_TAG.hostUniq);
    const call =
      hostUniq === undefined
        ? this.#bySession.get(`${destination} ${parsed.sessionId}`)
        : this.#byHostUniq.get(latin1(hostUniq));
    if (call === undefined || call.pc.config.mac !== destination) return;
    call.pc.handleDiscovery(parsed, source, now_ms);
    if (call.pc.sessionId !== 0) this.#bySession.set(`${destination} ${call.pc.sessionId}`, call);
    this.#drain(call, now_ms);
  }

  #handleSession(packet: Uint8Array, destination: string, now_ms: number): void {
    const { code, sessionId, payloadOffset, payloadEnd } = parsePppoeHeader(packet);
    const call = this.#bySession.get(`${destination} ${sessionId}`);
    if (call === undefined || code !== PPPOE_CODE.session) return;
    call.pc.handleFrame(packet.subarray(payloadOffset, payloadEnd), now_ms);
    this.#drain(call, now_ms);
  }

  #drain(call: Call, now_ms: number): void {
    const { pc } = call;
    for (let frame = pc.pollTransmit(); frame !== undefined; frame = pc.pollTransmit()) this.#frames.push(frame);
    for (let event = pc.pollEvent(); event !== undefined; event = pc.pollEvent()) {
      if (event.type === 'packet') this.#handlePacket(call, event.packet);
      else if (event.type === 'up') {
        call.up_ms = now_ms;
        this.#settle(call, undefined, now_ms);
      } else this.#handleEnd(call, event.reason, now_ms);
    }
    if (this.#calls.has(call.number)) this.#deadlines.set(call.number, pc.pollTimeout());
  }

  #handleEnd(call: Call, reason: string, now_ms: number): void {
    this.#forget(call);
    if (call.up_ms === undefined) this.#settle(call, reason, now_ms);
    else this.ended.push({ pc: call.number, reason });
  }

  #forget(call: Call): void {
    this.#calls.delete(call.number);
    this.#byHostUniq.delete(latin1(call.pc.config.hostUniq));
    this.#bySession.delete(`${call.pc.config.mac} ${call.pc.sessionId}`);
    this.#deadlines.set(call.number, undefined);
  }

  #settle(call: Call, failure: string | undefined, now_ms: number): void {
    const dialling = this.#dialling;
    if (dialling === undefined || !dialling.pending.delete(call)) return;
    if (failure === undefined) dialling.up.push(call);
    else dialling.failures.set(failure, (dialling.failures.get(failure) ?? 0) + 1);
    if (dialling.asked < dialling.order.calls) this.#dialNext(dialling, now_ms);
    if (dialling.pending.size > 0) return;
    this.#dialling = undefined;
    dialling.done(reportOf(dialling));
  }

  #pingNext(): void {
    const call = this.#pinging?.toSend.pop();
    if (call === undefined) return;
    const { destination } = this.#pinging!;
    const echo = { source: call.pc.address, destination, identifier: PING_IDENTIFIER, sequence: call.number & 0xffff };
    call.pc.send(emitEchoRequest(echo));
    for (let frame = call.pc.pollTransmit(); frame !== undefined; frame = call.pc.pollTransmit()) {
      this.#frames.push(frame);
    }
  }

  #handlePacket(call: Call, packet: Uint8Array): void {
    const pinging = this.#pinging;
    const reply = parseEchoReply(packet);
    if (pinging === undefined || reply === undefined) return;
    if (reply.destination !== call.pc.address || reply.sequence !== (call.number & 0xffff)) {
      pinging.report.strays++;
      return;
    }
    if (!pinging.unanswered.delete(call)) return;
    pinging.report.answered++;
    this.#pingNext();
    if (pinging.unanswered.size === 0) this.#endPing(pinging);
  }

  #pingAgain(now_ms: number): void {
    const pinging = this.#pinging;
    if (pinging === undefined || now_ms < pinging.nextAt_ms) return;
    if (now_ms >= pinging.giveUpAt_ms) {
      this.#endPing(pinging);
      return;
    }
    pinging.nextAt_ms = now_ms + PING_INTERVAL_MS;
    pinging.toSend = [...pinging.unanswered];
    for (let count = 0; count < PINGS_AT_ONCE; count++) this.#pingNext();
  }

  #endPing(pinging: Pinging): void {
    this.#pinging = undefined;
    pinging.done(pinging.report);
  }
}

/** Locally administered: the number of the PC is its last three octets. */
function macOf(number: number): string {
  const digits = number.toString(16).padStart(6, '0');
  return `02:00:5e:${digits.slice(0, 2)}:${digits.slice(2, 4)}:${digits.slice(4)}`;
}

function unknown(number: number): never {
  throw new Error(`PC ${number} has no call`);
}

function reportOf({ up, failures, started_ms }: Dialling): Omit<DialReport, 'processorTime_ms'> {
  const reports = up.map(pcReport);
  const latencies_ms = reports.map(({ setUp_ms }) => setUp_ms).sort((a, b) => a - b);
  const quantile_ms = (share: number) => latencies_ms[Math.ceil(share * latencies_ms.length) - 1] ?? 0;
  return {
    ...{ up: reports, failures: Object.fromEntries(failures) },
    setUp_ms: Math.max(started_ms, ...up.map(({ up_ms = started_ms }) => up_ms)) - started_ms,
    ...{ latencyMedian_ms: quantile_ms(0.5), latencyP99_ms: quantile_ms(0.99) },
  };
}

function pcReport({ number, pc, asked_ms, up_ms = asked_ms }: Call): PcReport {
  const { acMac, sessionId, address, lcpRequests, lcpUps } = pc;
  return {
    ...{ pc: number, mac: pc.config.mac, acMac, sessionId, address, setUp_ms: up_ms - asked_ms, lcpRequests, lcpUps },
  };
}
