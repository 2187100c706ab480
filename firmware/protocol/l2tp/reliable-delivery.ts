/**
 * Reliable delivery of the control messages of one tunnel, RFC 2661 section 5.8 and appendix A, in version 3 RFC 3931
 * section 4.2 and appendix A: sequence numbers, both windows, acknowledgement, retransmission, slow start. Must not know
 * what a message says, nor where it is sent.
 */

/** RFC 2661 4.4.3: the window of a peer that names none. */
const DEFAULT_PEER_WINDOW = 4;
const MODULUS = 0x10000;
const HALF = 0x8000;

export interface DeliveryConfig {
  /** Messages that we hold when they come out of order; what the Receive Window Size AVP says. */
  readonly receiveWindow: number;
  readonly retransmitInitial_ms: number;
  readonly retransmitCap_ms: number;
  readonly maxRetransmits: number;
}

/** How long the peer may go on retransmitting: all intervals of section 5.8 added up, in ms (31 s by the defaults). */
export function retransmissionCycle_ms(config: DeliveryConfig): number {
  let sum_ms = 0;
  for (let count = 0; count <= config.maxRetransmits; count++) sum_ms += retransmissionInterval_ms(config, count);
  return sum_ms;
}

function retransmissionInterval_ms(config: DeliveryConfig, count: number): number {
  return Math.min(config.retransmitInitial_ms * 2 ** count, config.retransmitCap_ms);
}

/** How far `to` lies ahead of `from` modulo 65536: 32,768 and more mean that it lies behind. */
function distance(from: number, to: number): number {
  return (to - from + MODULUS) % MODULUS;
}

/**
 * `plain` messages obey every limit. A `keepalive` (HELLO) takes no room in the congestion window, so that a peer that
 * ignores it still gets the rest, and does not end the tunnel while the peer shows life otherwise. The `last` one
 * (StopCCN) does not wait for the congestion window.
 */
export type Urgency = 'plain' | 'keepalive' | 'last';

/** One message that is to be put on the wire now, with the Nr of that moment. */
export interface Transmission<T> {
  readonly ns: number;
  readonly message: T;
  readonly retransmission: boolean;
}

/**
 * What became of a received message. `in-order`: it, and held ones behind it, can be polled. `held`: it came ahead.
 * `duplicate`: seen before, acknowledged again. `acknowledgement`: a ZLB. `outside-window`: beyond what we hold.
 * `invalid-acknowledgement`: Nr names what was never sent; nothing of the message was taken.
 */
export type Reception =
  | 'in-order'
  | 'held'
  | 'duplicate'
  | 'acknowledgement'
  | 'outside-window'
  | 'invalid-acknowledgement';

interface Queued<T> {
  readonly message: T;
  readonly urgency: Urgency;
}

/** `Sent` and `Received` are whatever the two directions carry. */
export class ReliableDelivery<Sent, Received> {
  readonly #config: DeliveryConfig;

  // Sending. The queue holds what is not acknowledged yet; its first entry has the sequence number #firstNs, the
  // first #sent entries have been on the wire, the first #inFlight count against the windows at present.
  readonly #queue: Queued<Sent>[] = [];
  readonly #ready: Transmission<Sent>[] = [];
  #firstNs: number;
  #sent = 0;
  #inFlight = 0;
  #peerWindow = DEFAULT_PEER_WINDOW;
  #congestionWindow = 1;
  #slowStartThreshold: number | undefined;
  #acknowledgementsInAvoidance = 0;
  #retransmissions = 0;
  #deadline_ms: number | undefined;
  #exhausted = false;
  #lastLife_ms = Number.NEGATIVE_INFINITY;

  // Receiving.
  #nr: number;
  readonly #held = new Map<number, Received>();
  #delivered: Received[] = [];
  #acknowledgementDue = false;

  /** `start` gives the first Ns of both directions: 0 by the RFC; tests begin just before the wrap. */
  constructor(config: DeliveryConfig, start: { ns: number; nr: number } = { ns: 0, nr: 0 }) {
    this.#config = config;
    this.#firstNs = start.ns;
    this.#nr = start.nr;
  }

  /** The Nr to write into every packet: what we expect next. */
  get nr(): number {
    return this.#nr;
  }

  /** The Ns of the next new message, and of a ZLB. */
  get nextNs(): number {
    return (this.#firstNs + this.#sent) % MODULUS;
  }

  /** True while something received is not acknowledged by any packet of ours. */
  get acknowledgementDue(): boolean {
    return this.#acknowledgementDue;
  }

  /** True when everything sent has been acknowledged. */
  get idle(): boolean {
    return this.#queue.length === 0;
  }

  /** True when the peer let all retransmissions pass: the tunnel must be cleared (section 5.8). */
  get exhausted(): boolean {
    return this.#exhausted;
  }

  /** When handleTimeout has something to do, in ms. */
  get deadline_ms(): number | undefined {
    return this.#deadline_ms;
  }

  /** Messages that may be sent before an acknowledgement: the smaller of congestion and peer's window (appendix A). */
  get transmitWindow(): number {
    return Math.min(this.#congestionWindow, this.#peerWindow);
  }

  /** The peer's Receive Window Size, at least 1. */
  setPeerWindow(messages: number): void {
    this.#peerWindow = messages;
  }

  /** Queues a message; what the windows allow can be polled at once. */
  send(message: Sent, now_ms: number, urgency: Urgency = 'plain'): void {
    if (urgency !== 'keepalive' && this.#keepalivesAlone()) {
      // A HELLO that was ignored for long must not end the tunnel on the next message's account.
      this.#retransmissions = 0;
      if (this.#deadline_ms !== undefined) this.#deadline_ms = now_ms + this.#interval_ms();
    }
    this.#queue.push({ message, urgency });
    this.#fill(now_ms);
  }

  /** Forgets queued messages that were never on the wire. */
  dropUnsent(): void {
    this.#queue.length = this.#sent;
  }

  /** The peer showed life other than by acknowledging. */
  noteLife(now_ms: number): void {
    this.#lastLife_ms = now_ms;
  }

  /** True when neither number lies behind or beyond what can come now: proof that the sender follows this tunnel. */
  isCurrent(ns: number, nr: number): boolean {
    return distance(this.#nr, ns) < this.#config.receiveWindow && distance(this.#firstNs, nr) <= this.#sent;
  }

  /** Takes Ns and Nr of a received packet and its message, undefined for a ZLB. */
  receive(ns: number, nr: number, message: Received | undefined, now_ms: number): Reception {
    if (!this.#takeAcknowledgement(nr, now_ms)) return 'invalid-acknowledgement';
    if (message === undefined) return 'acknowledgement';
    const ahead = distance(this.#nr, ns);
    if (ahead >= HALF) {
      this.#acknowledgementDue = true;
      return 'duplicate';
    }
    if (ahead >= this.#config.receiveWindow) return 'outside-window';
    if (ahead > 0) {
      this.#held.set(ns, message);
      return 'held';
    }
    this.#deliver(message);
    return 'in-order';
  }

  /** The next message for the upper level, each once and in order. */
  pollDelivered(): Received | undefined {
    return this.#delivered.shift();
  }

  /** The next message to put on the wire. */
  pollTransmission(): Transmission<Sent> | undefined {
    return this.#ready.shift();
  }

  /** A packet with the present Nr goes out. */
  noteAcknowledged(): void {
    this.#acknowledgementDue = false;
  }

  /** Retransmits the first unacknowledged message where its time has come, or gives up. */
  handleTimeout(now_ms: number): void {
    if (this.#deadline_ms === undefined || now_ms < this.#deadline_ms) return;
    if (this.#retransmissions >= this.#config.maxRetransmits && !this.#livesWithoutAcknowledgement(now_ms)) {
      this.#exhausted = true;
      this.#deadline_ms = undefined;
      return;
    }
    this.#retransmissions++;
    this.#slowStartThreshold = Math.max(1, Math.floor(this.transmitWindow / 2));
    this.#congestionWindow = 1;
    this.#acknowledgementsInAvoidance = 0;
    this.#inFlight = 0;
    this.#deadline_ms = now_ms + this.#interval_ms();
    this.#fill(now_ms);
  }

  #deliver(message: Received): void {
    let next: Received | undefined = message;
    while (next !== undefined) {
      this.#delivered.push(next);
      this.#nr = (this.#nr + 1) % MODULUS;
      next = this.#held.get(this.#nr);
      this.#held.delete(this.#nr);
    }
    this.#acknowledgementDue = true;
  }

  /** False when `nr` acknowledges what was never sent. */
  #takeAcknowledgement(nr: number, now_ms: number): boolean {
    const acknowledged = distance(this.#firstNs, nr);
    if (acknowledged > this.#sent) return acknowledged >= HALF;
    if (acknowledged === 0) return true;
    this.#queue.splice(0, acknowledged);
    this.#firstNs = nr;
    this.#sent -= acknowledged;
    this.#inFlight = Math.max(0, this.#inFlight - acknowledged);
    this.#growCongestionWindow();
    this.#retransmissions = 0;
    this.#deadline_ms = this.#inFlight > 0 ? now_ms + this.#interval_ms() : undefined;
    this.#fill(now_ms);
    return true;
  }

  /** Appendix A: by one for each acknowledgement below the threshold, above it by one for a whole window of them. */
  #growCongestionWindow(): void {
    if (this.#congestionWindow >= this.#peerWindow) return;
    if (this.#congestionWindow < (this.#slowStartThreshold ?? this.#peerWindow)) {
      this.#congestionWindow++;
      return;
    }
    this.#acknowledgementsInAvoidance++;
    if (this.#acknowledgementsInAvoidance < this.#congestionWindow) return;
    this.#congestionWindow++;
    this.#acknowledgementsInAvoidance = 0;
  }

  /** Makes ready what the windows allow, and has a timer run while anything is out. */
  #fill(now_ms: number): void {
    const window = this.#effectiveWindow();
    while (this.#inFlight < this.#queue.length && this.#inFlight < window) {
      const retransmission = this.#inFlight < this.#sent;
      const ns = (this.#firstNs + this.#inFlight) % MODULUS;
      this.#ready.push({ ns, message: this.#queue[this.#inFlight].message, retransmission });
      this.#inFlight++;
      this.#sent = Math.max(this.#sent, this.#inFlight);
    }
    if (this.#inFlight > 0 && !this.#exhausted) this.#deadline_ms ??= now_ms + this.#interval_ms();
  }

  #effectiveWindow(): number {
    const last = this.#queue[this.#queue.length - 1]?.urgency === 'last';
    if (last) return this.#peerWindow;
    const keepaliveInFront = this.#queue[0]?.urgency === 'keepalive';
    return Math.min(this.#congestionWindow + (keepaliveInFront ? 1 : 0), this.#peerWindow);
  }

  #interval_ms(): number {
    return retransmissionInterval_ms(this.#config, this.#retransmissions);
  }

  #keepalivesAlone(): boolean {
    return this.#queue.length > 0 && this.#queue.every(({ urgency }) => urgency === 'keepalive');
  }

  #livesWithoutAcknowledgement(now_ms: number): boolean {
    return this.#keepalivesAlone() && now_ms - this.#lastLife_ms < retransmissionCycle_ms(this.#config);
  }
}
