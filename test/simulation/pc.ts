/**
 * A PC behind a LAC: a PPPoE host (RFC 2516) with the shipped PPP link on it, which dials again whatever happens, until
 * it is switched off. Can lose its power at any moment. Does no I/O and knows no clock.
 */

import { type AuthenticationProtocol, PppLink, type PppLinkConfig } from '../../firmware/protocol/ppp/link.js';
import { BROADCAST_MAC, type VlanTag } from '../../firmware/wire/ethernet.js';
import { emitPppFrame, PPP_PROTOCOL, parsePppFrame } from '../../firmware/wire/ppp.js';
import { type DiscoveryPacket, PPPOE_CODE, PPPOE_TAG, type PppoeTag, tagValue } from '../../firmware/wire/pppoe.js';
import { emitDiscoveryFrame, emitSessionFrame, type PppoeFrame, type Way } from './pppoe-frames.js';
import type { SeededRandom } from './seeded-random.js';
import { emitUserPacket, readUserPacket, type UserPacket } from './user-packet.js';

/** What must have become of a PC when the network is good again. */
export type PcGoal = { type: 'up'; at: 'lns' | 'lac' } | { type: 'refused' };

export interface PcPlan {
  name: string;
  mac: string;
  /** The box and its interface that the PC is attached to, and the VLANs on the way. */
  lac: string;
  interfaceIndex: number;
  tags: readonly VlanTag[];
  link: PppLinkConfig & { peer: { name: string; password: string; allow: readonly AuthenticationProtocol[] } };
  /** Ends by PADT the sessions that it does not know, as rp-pppoe does and the kernel's PPPoE does not. */
  answersStrangers: boolean;
  goal: PcGoal;
}

/** What a PC does is seen by this. */
export interface PcObserver {
  send(pc: Pc, frame: Uint8Array): void;
  tell(pc: Pc, what: string): void;
  userPacket(pc: Pc, packet: UserPacket): void;
}

/** RFC 2516 section 8: the wait is doubled each time; after so many PADRs it begins anew with a PADI. */
const FIRST_WAIT_MS = 2_000;
const LONGEST_WAIT_MS = 16_000;
const MAX_PADRS = 3;
/** A new session is asked for so long after the end of one. */
const REDIAL_MS = 3_000;

type State =
  | { type: 'off' }
  | { type: 'resting'; until_ms: number }
  | { type: 'offering'; hostUniq: Uint8Array; wait_ms: number; again_ms: number }
  | {
      type: 'requesting';
      hostUniq: Uint8Array;
      acMac: string;
      tags: readonly PppoeTag[];
      sent: number;
      again_ms: number;
    }
  | { type: 'session'; acMac: string; sessionId: number; link: PppLink };

export class Pc {
  readonly plan: PcPlan;
  /** What IPCP has given, while it is up. */
  addresses: { localAddress: string; peerAddress: string } | undefined;
  /** Links that ended by a refusal of name and password. */
  refusals = 0;
  sessions = 0;
  readonly #random: SeededRandom;
  readonly #observer: PcObserver;
  #state: State = { type: 'off' };

  constructor(plan: PcPlan, random: SeededRandom, observer: PcObserver) {
    this.plan = plan;
    this.#random = random;
    this.#observer = observer;
  }

  /** undefined: no session. */
  get session(): { sessionId: number; acMac: string } | undefined {
    return this.#state.type === 'session' ? this.#state : undefined;
  }

  get isOff(): boolean {
    return this.#state.type === 'off';
  }

  get due_ms(): number {
    const state = this.#state;
    if (state.type === 'off') return Number.POSITIVE_INFINITY;
    if (state.type === 'resting') return state.until_ms;
    if (state.type !== 'session') return state.again_ms;
    return state.link.pollTimeout() ?? Number.POSITIVE_INFINITY;
  }

  switchOn(now_ms: number): void {
    if (this.isOff) this.#rest(now_ms, this.#random.below(REDIAL_MS));
  }

  /** Its user hangs up, for good. */
  switchOff(): void {
    this.#tell('hangs up');
    const state = this.#state;
    if (state.type === 'session') this.#padt(state.acMac, state.sessionId);
    this.losePower();
  }

  /** Nobody hears of it. */
  losePower(): void {
    this.#state = { type: 'off' };
    this.addresses = undefined;
  }

  handleTimeout(now_ms: number): void {
    if (now_ms < this.due_ms) return;
    const state = this.#state;
    if (state.type === 'resting') this.#sendPadi(FIRST_WAIT_MS, now_ms);
    else if (state.type === 'offering') this.#sendPadi(Math.min(2 * state.wait_ms, LONGEST_WAIT_MS), now_ms);
    else if (state.type === 'requesting') {
      if (state.sent === MAX_PADRS) this.#sendPadi(FIRST_WAIT_MS, now_ms);
      else this.#sendPadr(state, now_ms);
    } else if (state.type === 'session') {
      state.link.handleTimeout(now_ms);
      this.#drain(now_ms);
    }
  }

  receive(frame: PppoeFrame, now_ms: number): void {
    if (this.isOff) return;
    if (frame.stage === 'discovery') this.#handleDiscovery(frame.packet, frame.way, now_ms);
    else this.#handleSession(frame.sessionId, frame.way, frame.ppp, now_ms);
  }

  sendUserPacket(token: number): boolean {
    if (this.addresses === undefined) return false;
    const { localAddress: source, peerAddress: destination } = this.addresses;
    const information = emitUserPacket({ source, destination, isReply: false, token });
    this.#sendPpp(PPP_PROTOCOL.ipv4, information);
    return true;
  }

  // Discovery.

  #sendPadi(wait_ms: number, now_ms: number): void {
    const hostUniq = this.#random.bytes(4);
    this.#state = { type: 'offering', hostUniq, wait_ms, again_ms: now_ms + wait_ms };
    this.#discover(BROADCAST_MAC, { code: PPPOE_CODE.padi, sessionId: 0, tags: tagsOf(hostUniq) });
  }

  #sendPadr(state: Extract<State, { type: 'requesting' }>, now_ms: number): void {
    const again_ms = now_ms + FIRST_WAIT_MS * 2 ** state.sent;
    this.#state = { ...state, sent: state.sent + 1, again_ms };
    this.#discover(state.acMac, { code: PPPOE_CODE.padr, sessionId: 0, tags: state.tags });
  }

  #padt(acMac: string, sessionId: number): void {
    this.#discover(acMac, { code: PPPOE_CODE.padt, sessionId, tags: [] });
  }

  #handleDiscovery({ code, sessionId, tags }: DiscoveryPacket, { source }: Way, now_ms: number): void {
    const state = this.#state;
    const hostUniq = tagValue(tags, PPPOE_TAG.hostUniq);
    if (state.type === 'offering' && code === PPPOE_CODE.pado && isSame(hostUniq, state.hostUniq)) {
      const cookie = tags.filter(({ type }) => type === PPPOE_TAG.acCookie);
      const padr = [...tagsOf(state.hostUniq), ...cookie.map(({ type, value }) => ({ type, value: value.slice() }))];
      this.#sendPadr(
        { type: 'requesting', hostUniq: state.hostUniq, acMac: source, tags: padr, sent: 0, again_ms: 0 },
        now_ms,
      );
    } else if (state.type === 'requesting' && code === PPPOE_CODE.pads && isSame(hostUniq, state.hostUniq)) {
      if (sessionId === 0) this.#rest(now_ms);
      else this.#begin(source, sessionId, now_ms);
    } else if (state.type === 'session' && code === PPPOE_CODE.padt) {
      if (sessionId !== state.sessionId || source !== state.acMac) return;
      this.#tell(`PADT of session ${sessionId}`);
      this.addresses = undefined;
      this.#rest(now_ms);
    }
  }

  // The session.

  #begin(acMac: string, sessionId: number, now_ms: number): void {
    this.#tell(`session ${sessionId} at ${acMac}`);
    this.sessions++;
    const link = new PppLink(this.plan.link, (length_bytes) => this.#random.bytes(length_bytes));
    this.#state = { type: 'session', acMac, sessionId, link };
    link.start(now_ms);
    this.#drain(now_ms);
  }

  #handleSession(sessionId: number, { source }: Way, ppp: Uint8Array, now_ms: number): void {
    const state = this.#state;
    if (state.type !== 'session' || state.sessionId !== sessionId || state.acMac !== source) {
      if (this.plan.answersStrangers) this.#padt(source, sessionId);
      return;
    }
    const { protocol, information } = parsePppFrame(ppp);
    state.link.noteTraffic(now_ms);
    if (protocol === PPP_PROTOCOL.ipv4) {
      const packet = readUserPacket(information);
      if (packet !== undefined && this.addresses !== undefined) this.#observer.userPacket(this, packet);
      return;
    }
    state.link.handleFrame(protocol, information.slice(), now_ms);
    this.#drain(now_ms);
  }

  #drain(now_ms: number): void {
    const state = this.#state;
    if (state.type !== 'session') return;
    const { link } = state;
    for (;;) {
      for (let sent = link.pollTransmit(); sent !== undefined; sent = link.pollTransmit()) {
        this.#sendPpp(sent.protocol, sent.information);
      }
      const event = link.pollEvent();
      if (event === undefined) return;
      if (event.type === 'ipcp-up') this.addresses = event;
      else if (event.type === 'ipcp-down') this.addresses = undefined;
      if (event.type !== 'message') this.#tell(event.type === 'down' ? `down: ${event.reason}` : event.type);
      if (event.type !== 'down') continue;
      if (event.reason === 'authentication-failed') this.refusals++;
      this.#padt(state.acMac, state.sessionId);
      this.addresses = undefined;
      this.#rest(now_ms);
      return;
    }
  }

  #rest(now_ms: number, longer_ms = 0): void {
    this.#state = { type: 'resting', until_ms: now_ms + REDIAL_MS + longer_ms };
  }

  /** RFC 2516 section 7: neither FF 03 nor a short protocol number. */
  #sendPpp(protocol: number, information: Uint8Array): void {
    const state = this.#state;
    if (state.type !== 'session') return;
    const options = { addressControl: false, protocolFieldCompression: false };
    const ppp = emitPppFrame({ protocol, information }, options);
    this.#observer.send(this, emitSessionFrame(this.#wayTo(state.acMac), state.sessionId, ppp));
  }

  #discover(destination: string, packet: DiscoveryPacket): void {
    this.#observer.send(this, emitDiscoveryFrame(this.#wayTo(destination), packet));
  }

  #wayTo(destination: string): Way {
    return { destination, source: this.plan.mac, tags: this.plan.tags };
  }

  #tell(what: string): void {
    this.#observer.tell(this, what);
  }
}

/** RFC 2516 section 5.1: any service will do. */
function tagsOf(hostUniq: Uint8Array): PppoeTag[] {
  return [
    { type: PPPOE_TAG.serviceName, value: new Uint8Array(0) },
    { type: PPPOE_TAG.hostUniq, value: hostUniq },
  ];
}

function isSame(one: Uint8Array | undefined, other: Uint8Array): boolean {
  return one !== undefined && Buffer.compare(one, other) === 0;
}
