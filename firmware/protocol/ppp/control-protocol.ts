/**
 * What LCP and every NCP have in common (RFC 1661 sections 4 and 5): the automaton, the Configure, Terminate and
 * Code-Reject packets, identifiers, and the counters that end a negotiation which does not converge.
 * Must not know any option: each protocol says what it asks for and judges what it is asked.
 */

import {
  CONTROL_CODE,
  type ConfigurationOption,
  type ControlPacket,
  emitOptions,
  emitPppControlPacket,
  parseOptions,
} from '../../wire/ppp.js';
import { encodeUtf8 } from '../../wire/text.js';
import {
  Automaton,
  type AutomatonActions,
  type AutomatonEvent,
  type AutomatonState,
  type OutwardAction,
} from './automaton.js';
import type { Identifiers } from './identifiers.js';
import type { ControlSignal, LinkOutbox } from './link-outbox.js';
import { MAX_TEXT_BYTES, printable, readOrDrop, sameOctets } from './peer-octets.js';

/** Counters and timers of RFC 1661 section 4.6. */
export interface NegotiationTiming {
  readonly restartTimer_ms: number;
  readonly maxConfigure: number;
  readonly maxTerminate: number;
  readonly maxFailure: number;
}

/** An option of the peer's Configure-Request is fine, not for us at all, or wanted with this other value. */
export type Verdict = 'ack' | 'reject' | ConfigurationOption;

/**
 * So many times Max-Failure refusals in a row, given or taken, and the negotiation has failed. RFC 1661 section 4.5
 * asks for such a limit; it stands well above the ten rounds of the slowest peers known.
 */
const GIVE_UP_FACTOR = 4;

const CONTROL_HEADER_BYTES = 4;

const NO_PACKET: ControlPacket = { code: 0, identifier: 0, data: new Uint8Array(0) };

/**
 * A Configure-Request that has waited so long when the peer's first packet comes was sent before the peer listened
 * (pppd starts after its ICCN is out): it is repeated at once, for the restart timer is long. Two ends that begin at
 * the same time are quicker than this.
 */
const UNHEARD_AFTER_MS = 50;

/** What is kept while both ends look for an agreement. */
interface Negotiation {
  /** Our Configure-Request while no valid reply to it has come. */
  request: { identifier: number; data: Uint8Array; options: ConfigurationOption[] } | undefined;
  requestSentAt_ms: number;
  /**
   * Configure-Naks sent since the last Configure-Ack: Max-Failure counts them. One to a request that is only repeated
   * does not count: then it was the Nak that was lost, and nothing is said of whether the peer can be convinced.
   */
  naksGiven: number;
  lastRefused: ControlPacket | undefined;
  refusalsGiven: number;
  refusalsTaken: number;
}

export abstract class ControlProtocol implements AutomatonActions {
  /** The number of this protocol. */
  readonly protocol: number;
  protected readonly outbox: LinkOutbox;
  /** The packet that is being answered. */
  protected received = NO_PACKET;
  readonly #automaton: Automaton;
  readonly #timing: NegotiationTiming;
  readonly #identifiers: Identifiers;
  /** In state Opened there is none: by then all of it is as it was in the beginning. */
  #negotiation: Negotiation | undefined;
  #hasHeardPeer = false;
  #reply: { request: ControlPacket; packet: ControlPacket; options: ConfigurationOption[] } | undefined;
  #terminateMessage = '';

  constructor(protocol: number, timing: NegotiationTiming, identifiers: Identifiers, outbox: LinkOutbox) {
    this.protocol = protocol;
    this.#timing = timing;
    this.#identifiers = identifiers;
    this.outbox = outbox;
    this.#automaton = new Automaton(timing, this);
  }

  get state(): AutomatonState {
    return this.#automaton.state;
  }

  /** Administrative Open. */
  open(now_ms: number): void {
    this.#automaton.handle('Open', now_ms);
  }

  /** Instead of open() and lowerUp(): what is agreed on stands already. Nothing is sent. */
  protected takeOverOpened(): void {
    this.#automaton.takeOver();
    this.signal({ type: 'up' });
  }

  /** Administrative Close; `message` goes into the Terminate-Request. */
  close(message: string, now_ms: number): void {
    this.#terminateMessage = message;
    this.#automaton.handle('Close', now_ms);
  }

  /** The lower layer is up. Once: a protocol that begins anew on a link is a new one. */
  lowerUp(now_ms: number): void {
    this.#automaton.handle('Up', now_ms);
  }

  /** The lower layer is down; heard once. */
  lowerDown(now_ms: number): void {
    if (this.#isLowerUp()) this.#automaton.handle('Down', now_ms);
  }

  handleTimeout(now_ms: number): void {
    this.#automaton.handleTimeout(now_ms);
  }

  /** When the restart timer expires, in absolute ms. */
  pollTimeout(): number | undefined {
    return this.#automaton.restartAt_ms;
  }

  /** Takes one packet of this protocol. What is malformed or out of place is dropped (RFC 1661 section 5). */
  handlePacket(packet: ControlPacket, now_ms: number): void {
    if (!this.#isLowerUp()) return;
    this.received = packet;
    this.#dispatch(packet, now_ms);
    // Thousands of links stand for days: what has been answered is not kept.
    this.received = NO_PACKET;
    this.#reply = undefined;
  }

  #dispatch(packet: ControlPacket, now_ms: number): void {
    const isFirst = !this.#hasHeardPeer;
    this.#hasHeardPeer = true;
    switch (packet.code) {
      case CONTROL_CODE.configureRequest:
        // Before the answer: a peer that has ours already is not in state Opened yet, where it would begin anew.
        if (isFirst) this.#repeatUnheardRequest(now_ms);
        this.#handleConfigureRequest(packet, now_ms);
        return;
      case CONTROL_CODE.configureAck:
        this.#handleConfigureAck(packet, now_ms);
        return;
      case CONTROL_CODE.configureNak:
      case CONTROL_CODE.configureReject:
        this.#handleRefusal(packet, now_ms);
        return;
      case CONTROL_CODE.terminateRequest:
        this.signal({ type: 'peer-terminated', message: printable(packet.data) });
        this.event('RTR', now_ms);
        return;
      case CONTROL_CODE.terminateAck:
        this.event('RTA', now_ms);
        return;
      case CONTROL_CODE.codeReject:
        this.#handleCodeReject(packet, now_ms);
        return;
      default:
        if (!this.handleFurtherCode(packet, now_ms)) this.event('RUC', now_ms);
    }
  }

  /** The options that our next Configure-Request asks for. */
  protected abstract requestOptions(): ConfigurationOption[];
  /** What we think of one option that the peer asks for. An option that comes twice is rejected before. */
  protected abstract judge(option: ConfigurationOption): Verdict;
  /** A Configure-Ack for these options of the peer goes out: from now on they hold. */
  protected abstract acceptPeerOptions(options: readonly ConfigurationOption[]): void;
  /** The peer wants another value for an option that we asked for. A text says why that ends the negotiation. */
  protected abstract handleNak(option: ConfigurationOption): string | undefined;
  /** The peer rejects an option that we asked for. A text says why that ends the negotiation. */
  protected abstract handleReject(option: ConfigurationOption): string | undefined;

  /** Options that are to be nak'ed before anything else is said of the peer's request. */
  protected nakFirst(_options: readonly ConfigurationOption[]): ConfigurationOption[] {
    return [];
  }

  /** Options that the peer should have asked for: appended to a Configure-Nak (RFC 1661 section 5.3). */
  protected missingOptions(_types: ReadonlySet<number>): ConfigurationOption[] {
    return [];
  }

  /** Deals with a code above 7; false: it is unknown and gets a Code-Reject. */
  protected handleFurtherCode(_packet: ControlPacket, _now_ms: number): boolean {
    return false;
  }

  /** The peer does not know a code that the protocol can do without. */
  protected handleCodeRejected(_code: number): void {}

  protected sendEchoReply(): void {}

  protected event(event: AutomatonEvent, now_ms: number): void {
    this.#automaton.handle(event, now_ms);
  }

  protected nextIdentifier(): number {
    return this.#identifiers.next();
  }

  /** What fits into a packet to this peer beside `header_bytes`. */
  protected fitting(data: Uint8Array, header_bytes: number): Uint8Array {
    return data.subarray(0, Math.max(0, this.outbox.peerMru_bytes - header_bytes));
  }

  protected send(packet: ControlPacket): void {
    this.outbox.send(this.protocol, packet);
  }

  /** Is heard after the packet or event is dealt with, never inside. */
  protected signal(signal: ControlSignal): void {
    this.outbox.signal({ from: 'control', machine: this, signal });
  }

  get #present(): Negotiation {
    this.#negotiation ??= {
      request: undefined,
      requestSentAt_ms: 0,
      naksGiven: 0,
      lastRefused: undefined,
      refusalsGiven: 0,
      refusalsTaken: 0,
    };
    return this.#negotiation;
  }

  #isLowerUp(): boolean {
    return this.state !== 'Initial' && this.state !== 'Starting';
  }

  #handleConfigureRequest(packet: ControlPacket, now_ms: number): void {
    // In these states the table has the same answer to a good and a bad one, so it is not even read.
    if (this.state === 'Closed' || this.state === 'Closing' || this.state === 'Stopping') {
      this.event('RCR+', now_ms);
      return;
    }
    const options = readOrDrop(() => parseOptions(packet.data));
    if (options === undefined) return;
    this.#reply = { request: packet, packet: this.#judgeRequest(packet, options), options };
    this.event(this.#reply.packet.code === CONTROL_CODE.configureAck ? 'RCR+' : 'RCR-', now_ms);
    if ((this.#negotiation?.refusalsGiven ?? 0) > GIVE_UP_FACTOR * this.#timing.maxFailure) {
      this.signal({ type: 'failed', message: 'the peer keeps asking for what it cannot have' });
    }
  }

  /** Configure-Reject comes before Configure-Nak comes before Configure-Ack, RFC 1661 sections 5.2 to 5.4. */
  #judgeRequest(packet: ControlPacket, options: readonly ConfigurationOption[]): ControlPacket {
    const first = this.nakFirst(options);
    if (first.length > 0) return this.#answer(CONTROL_CODE.configureNak, emitOptions(first));
    const types = new Set<number>();
    const rejected: ConfigurationOption[] = [];
    const wanted: ConfigurationOption[] = [];
    const converging = this.#present.naksGiven < this.#timing.maxFailure;
    for (const option of options) {
      const verdict = types.has(option.type) ? 'reject' : this.judge(option);
      types.add(option.type);
      if (verdict === 'ack') continue;
      if (verdict === 'reject' || !converging) rejected.push(option);
      else wanted.push(verdict);
    }
    if (rejected.length > 0) return this.#answer(CONTROL_CODE.configureReject, emitOptions(rejected));
    if (converging) wanted.push(...this.missingOptions(types));
    if (wanted.length > 0) return this.#answer(CONTROL_CODE.configureNak, emitOptions(wanted));
    return this.#answer(CONTROL_CODE.configureAck, packet.data);
  }

  #answer(code: number, data: Uint8Array): ControlPacket {
    return { code, identifier: this.received.identifier, data };
  }

  #handleConfigureAck(packet: ControlPacket, now_ms: number): void {
    const negotiation = this.#negotiation;
    const request = negotiation?.request;
    if (negotiation === undefined || request?.identifier !== packet.identifier) return;
    if (!sameOctets(request.data, packet.data)) return;
    negotiation.request = undefined;
    negotiation.refusalsTaken = 0;
    this.event('RCA', now_ms);
  }

  #handleRefusal(packet: ControlPacket, now_ms: number): void {
    const negotiation = this.#negotiation;
    const request = negotiation?.request;
    const refused = readOrDrop(() => parseOptions(packet.data));
    if (negotiation === undefined || request?.identifier !== packet.identifier || refused === undefined) return;
    const isReject = packet.code === CONTROL_CODE.configureReject;
    if (isReject && !refused.every((option) => request.options.some((own) => sameOption(own, option)))) return;
    negotiation.request = undefined;
    negotiation.refusalsTaken++;
    const failure = this.#takeRefusal(
      refused.filter((option) => request.options.some((own) => own.type === option.type)),
      isReject,
    );
    if (failure === undefined) {
      this.event('RCN', now_ms);
      return;
    }
    this.signal({ type: 'failed', message: failure });
  }

  /** Options that are nak'ed for ever are given up, as if they had been rejected. */
  #takeRefusal(options: readonly ConfigurationOption[], isReject: boolean): string | undefined {
    const { refusalsTaken } = this.#present;
    if (refusalsTaken > GIVE_UP_FACTOR * this.#timing.maxFailure) return 'the peer refuses all that we propose';
    const giveUp = isReject || refusalsTaken > this.#timing.maxFailure;
    for (const option of options) {
      const failure = giveUp ? this.handleReject(option) : this.handleNak(option);
      if (failure !== undefined) return failure;
    }
    return undefined;
  }

  #handleCodeReject(packet: ControlPacket, now_ms: number): void {
    const code = packet.data[0];
    if (code === undefined) return;
    if (code > CONTROL_CODE.codeReject) {
      this.handleCodeRejected(code);
      this.event('RXJ+', now_ms);
      return;
    }
    this.failForGood(`the peer rejects code ${code}`, now_ms);
  }

  /** RXJ-: the peer does not know what the protocol cannot do without. */
  protected failForGood(message: string, now_ms: number): void {
    this.#terminateMessage = message;
    this.signal({ type: 'failed', message });
    this.event('RXJ-', now_ms);
  }

  /** For the automaton alone. */
  perform(action: OutwardAction, now_ms: number): void {
    switch (action) {
      case 'tlu':
        this.#negotiation = undefined;
        this.signal({ type: 'up' });
        return;
      case 'tld':
        this.signal({ type: 'down' });
        return;
      case 'tls':
        return;
      case 'tlf':
        this.signal({ type: 'finished' });
        return;
      case 'scr':
        this.#sendConfigureRequest(now_ms);
        return;
      case 'sca':
      case 'scn':
        this.#sendReply();
        return;
      case 'str':
        this.#sendTerminateRequest();
        return;
      case 'sta':
        this.send(this.#answer(CONTROL_CODE.terminateAck, new Uint8Array(0)));
        return;
      case 'scj':
        this.#sendCodeReject();
        return;
      case 'ser':
        this.sendEchoReply();
        return;
    }
  }

  /** The identifier changes with the options and after each valid reply (RFC 1661 section 5.1). */
  #sendConfigureRequest(now_ms: number): void {
    const negotiation = this.#present;
    negotiation.requestSentAt_ms = now_ms;
    const options = this.requestOptions();
    const data = emitOptions(options);
    if (negotiation.request === undefined || !sameOctets(negotiation.request.data, data)) {
      negotiation.request = { identifier: this.nextIdentifier(), data, options };
    }
    this.send({ code: CONTROL_CODE.configureRequest, identifier: negotiation.request.identifier, data });
  }

  /** What was sent before the peer listened does not count against Max-Configure either. */
  #repeatUnheardRequest(now_ms: number): void {
    const request = this.#negotiation?.request;
    if (request === undefined || now_ms - this.#present.requestSentAt_ms < UNHEARD_AFTER_MS) return;
    this.#automaton.restartCounter = this.#timing.maxConfigure;
    const { identifier, data } = request;
    this.send({ code: CONTROL_CODE.configureRequest, identifier, data });
  }

  #sendReply(): void {
    if (this.#reply === undefined) throw new Error('no Configure-Request to reply to');
    const { request, packet, options } = this.#reply;
    const negotiation = this.#present;
    if (packet.code === CONTROL_CODE.configureAck) {
      negotiation.naksGiven = 0;
      negotiation.refusalsGiven = 0;
      negotiation.lastRefused = undefined;
      this.acceptPeerOptions(options);
    } else {
      const { lastRefused } = negotiation;
      negotiation.refusalsGiven++;
      const isRepeated = lastRefused?.identifier === request.identifier && sameOctets(lastRefused.data, request.data);
      if (packet.code === CONTROL_CODE.configureNak && !isRepeated) negotiation.naksGiven++;
      negotiation.lastRefused = { ...request, data: request.data.slice() };
    }
    this.send(packet);
  }

  #sendTerminateRequest(): void {
    const data = encodeUtf8(this.#terminateMessage).subarray(0, MAX_TEXT_BYTES);
    this.send({ code: CONTROL_CODE.terminateRequest, identifier: this.nextIdentifier(), data });
  }

  /** RFC 1661 section 5.6: cut to comply with the peer's MRU. */
  #sendCodeReject(): void {
    const data = this.fitting(emitPppControlPacket(this.received), CONTROL_HEADER_BYTES);
    this.send({ code: CONTROL_CODE.codeReject, identifier: this.nextIdentifier(), data });
  }
}

function sameOption(a: ConfigurationOption, b: ConfigurationOption): boolean {
  return a.type === b.type && sameOctets(a.data, b.data);
}
