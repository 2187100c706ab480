/**
 * One box of the simulation: the shipped Appliance, driven as control/ drives it, between its packet path and its
 * outside. Can be switched off at any moment and on again, and then knows nothing of what was.
 */

import { Appliance, type ApplianceConfig } from '../../firmware/roles/appliance.js';
import type { CallInfo, Output, Question, TerminateCause } from '../../firmware/roles/role.js';
import type { ControlHeader } from '../../firmware/wire/control-header.js';
import type { Origin } from './delivery-checker.js';
import type { Datagram } from './network.js';
import { type AddressPool, Outside, type OutsidePlan } from './outside.js';
import {
  type Outcome,
  PacketPath,
  type Path,
  type RelayObserver,
  type Row,
  type Sent,
  type SentFrame,
} from './packet-path.js';
import type { SeededRandom } from './seeded-random.js';
import { ShippedPath } from './shipped-path.js';
import type { UserPacket } from './user-packet.js';
import { ensure } from './violation.js';

export interface BoxPlan {
  name: string;
  address: string;
  config: ApplianceConfig;
  outside: OutsidePlan;
  /** Answers come after up to so long; 0: within the turn, as from the box's own tables. */
  answerDelay_ms: number;
  /** Timers are served up to so late. */
  lateness_ms: number;
  /** What the packet path tells takes so long to come to the machine; 0: it comes in the same turn. */
  reportDelay_ms: number;
  /** The packet path is the one that ships, not its model. */
  hasShippedPath: boolean;
}

/** What the packet path has for the machine. */
type Report = Extract<Outcome, { type: 'ppp' | 'discovery' | 'held' }>;

export type BoxInput =
  | { type: 'datagram'; datagram: Datagram<Origin> }
  /** A frame on an Ethernet interface. */
  | { type: 'ethernet'; interfaceIndex: number; frame: Uint8Array }
  | { type: 'report'; incarnation: number; report: Report }
  | { type: 'question'; incarnation: number; question: Question }
  /** A TAP device that was asked for is there. */
  | { type: 'device'; incarnation: number; tun: number }
  | { type: 'command'; run: (box: Box, now_ms: number) => void };

/** What a box is given by its surroundings. */
export interface World {
  readonly random: SeededRandom;
  makePool(addresses: readonly string[]): AddressPool;
  /** The outputs on their way from the machine: a seam where faults can be planted. */
  filter(output: Output): Output | undefined;
  send(box: Box, sent: Sent, sender: Origin): void;
  sendFrame(box: Box, sent: SentFrame): void;
  later(box: Box, delay_ms: number, input: BoxInput): void;
  readonly observer: BoxObserver;
}

/** A TAP device takes up to so long to come. */
const DEVICE_DELAY_MS = 50;

/** Sees all that a box does. */
export interface BoxObserver {
  /** A control packet that the packet path hands to the machine next. */
  handed(box: Box, datagram: Datagram<Origin>, header: ControlHeader, message: Uint8Array): void;
  /** An output of the machine, before it is carried out. */
  output(box: Box, output: Output, now_ms: number): void;
  /** A control message on its way out, from its header on: which tunnel has sent it. */
  sent(box: Box, message: Uint8Array): Origin;
  /** A user's packet came out of the tunnel. */
  userPacket(box: Box, row: Row, packet: UserPacket): void;
  /** A frame came out of a pseudowire. */
  frame(box: Box, row: Row, token: number): void;
  /** What the LAC's relay does, as RelayObserver has it. */
  relayed(box: Box, what: keyof RelayObserver, row: Row, ppp: Uint8Array): void;
  /** After each turn. */
  turned(box: Box, inputs: number, now_ms: number): void;
  restarted(box: Box): void;
}

export class Box {
  readonly plan: BoxPlan;
  config: ApplianceConfig;
  appliance: Appliance;
  path: Path;
  outside: Outside;
  answerDelay_ms: number;
  /** Counts up at each restart. */
  incarnation = 1;
  /** Questions that wait for their answer. */
  questions = 0;
  /** When the next turn is due without any input. */
  due_ms = 0;
  /** TAP devices that are there or on their way, by index. */
  readonly #devices = new Set<number>();
  readonly #world: World;
  #now_ms: number;

  constructor(plan: BoxPlan, world: World, now_ms: number) {
    this.plan = plan;
    this.config = plan.config;
    this.answerDelay_ms = plan.answerDelay_ms;
    this.#world = world;
    this.#now_ms = now_ms;
    this.path = this.#makePath();
    this.appliance = this.#makeAppliance(now_ms);
    this.outside = this.#makeOutside();
    this.#orderDevices(now_ms);
  }

  /** All that the box knew is gone, and it starts. Whoever sends to it finds nobody who remembers. */
  restart(now_ms: number): void {
    this.incarnation++;
    this.questions = 0;
    this.path = this.#makePath();
    this.outside = this.#makeOutside();
    this.#world.observer.restarted(this);
    this.appliance = this.#makeAppliance(now_ms);
    this.#devices.clear();
    this.#orderDevices(now_ms);
    this.turn([], now_ms);
  }

  configure(config: ApplianceConfig, now_ms: number): void {
    this.config = config;
    this.appliance.configure(config, now_ms);
    this.#orderDevices(now_ms);
  }

  /** The TAP devices of all pseudowires go, or are there again. */
  setDevices(areThere: boolean, now_ms: number): void {
    for (const tun of this.#devices) this.appliance.deviceChanged(tun, areThere, now_ms);
  }

  /** As one turn of control/: the inputs, the timers that are due, and then all that follows. */
  turn(inputs: readonly BoxInput[], now_ms: number): void {
    this.#now_ms = now_ms;
    for (const input of inputs) this.#take(input, now_ms);
    const isDue = now_ms >= this.appliance.pollTimeout();
    if (isDue) this.appliance.handleTimeout(now_ms);
    this.#work(now_ms);
    const next_ms = this.appliance.pollTimeout();
    ensure(!isDue || next_ms > now_ms, 'timers-served', () => `due at ${next_ms} and not served at ${now_ms}`);
    this.due_ms = Math.max(now_ms, next_ms + this.#world.random.below(this.plan.lateness_ms + 1));
    this.#world.observer.turned(this, inputs.length, now_ms);
  }

  /** Sends a packet to the gateway from each call that is up and that this box has dialled. */
  sendUserPackets(token: number): CallInfo[] {
    const calls: CallInfo[] = [];
    for (const row of this.path.rows.values()) {
      const call = this.appliance.callInfo(row.sessionId);
      if (!row.bindTun || !row.ipv4Open || call === undefined) continue;
      const packet = { source: call.localAddress, destination: call.peerAddress, isReply: false, token };
      this.#send(this.path.sendUserPacket(row, packet));
      calls.push(call);
    }
    return calls;
  }

  /** Sends a frame from each TAP device whose pseudowire is open. */
  sendFrames(token: number): Row[] {
    const rows: Row[] = [];
    for (const row of this.path.rows.values()) {
      if (row.payload === 'ethernet' && this.#send(this.path.sendFrame(row, token))) rows.push(row);
    }
    return rows;
  }

  /**
   * Blind insertion (RFC 3931 section 8.2): what somebody sends in the name of this box who knows all of a session but
   * its cookie.
   */
  forgeData(token: number): number {
    let count = 0;
    for (const row of this.path.rows.values()) {
      if (row.peerCookie.length === 0) continue;
      const peerCookie = row.peerCookie.slice();
      peerCookie[this.#world.random.below(peerCookie.length)] ^= 1 << this.#world.random.below(8);
      const forged = { ...row, peerCookie };
      const call = this.appliance.callInfo(row.sessionId);
      const [source, destination] = [call?.localAddress || '0.0.0.0', call?.peerAddress || '0.0.0.0'];
      const sent =
        row.payload === 'ethernet'
          ? this.path.sendFrame(forged, token)
          : this.path.sendUserPacket(forged, { source, destination, isReply: false, token });
      if (this.#send(sent)) count++;
    }
    return count;
  }

  isLive(callId: number): boolean {
    for (const call of this.appliance.calls()) if (call.callId === callId) return true;
    return false;
  }

  endCall(callId: number, reason: string, cause: TerminateCause, now_ms: number): void {
    for (const call of [...this.appliance.calls()]) {
      if (call.callId === callId) this.appliance.disconnect(call.sessionId, reason, cause, now_ms);
    }
  }

  #makeAppliance(now_ms: number): Appliance {
    const random = this.#world.random.fork();
    return new Appliance(this.config, (length_bytes) => random.bytes(length_bytes), now_ms);
  }

  #makePath(): Path {
    const { observer } = this.#world;
    const relay: RelayObserver = {
      arrived: (row, ppp) => observer.relayed(this, 'arrived', row, ppp),
      held: (row) => observer.relayed(this, 'held', row, new Uint8Array(0)),
      carried: (row, ppp) => observer.relayed(this, 'carried', row, ppp),
    };
    return this.plan.hasShippedPath ? new ShippedPath(relay, () => this.#now_ms) : new PacketPath(relay);
  }

  #makeOutside(): Outside {
    return new Outside(this.plan.outside, this.#world.makePool(this.plan.outside.pool));
  }

  #take(input: BoxInput, now_ms: number): void {
    switch (input.type) {
      case 'datagram':
        this.#receive(input.datagram, now_ms);
        break;
      case 'ethernet':
        this.#come(this.path.receiveFrame(input.interfaceIndex, input.frame), now_ms);
        break;
      case 'report':
        if (input.incarnation === this.incarnation) this.#hear(input.report, now_ms);
        break;
      case 'question':
        if (input.incarnation === this.incarnation) {
          this.questions--;
          this.#answer(input.question, now_ms);
        }
        break;
      case 'device':
        if (input.incarnation === this.incarnation && this.#devices.has(input.tun)) {
          this.appliance.deviceChanged(input.tun, true, now_ms);
        }
        break;
      case 'command':
        input.run(this, now_ms);
        break;
    }
  }

  #receive(datagram: Datagram<Origin>, now_ms: number): void {
    const { packet, path } = datagram;
    const outcome = this.path.receive(packet, path);
    if (outcome.type !== 'control') {
      this.#come(outcome, now_ms);
      return;
    }
    this.#world.observer.handed(this, datagram, outcome.header, outcome.message);
    this.appliance.handlePacket(outcome.message, path, now_ms);
  }

  /** What comes of a packet that is no control message, or of a command. */
  #come(outcome: Outcome, now_ms: number): void {
    switch (outcome.type) {
      case 'sent':
      case 'sent-frame':
        this.#send(outcome);
        break;
      case 'ppp':
      case 'discovery':
      case 'held':
        this.#report(outcome, now_ms);
        break;
      case 'user':
        this.appliance.noteTraffic(outcome.row.sessionId, now_ms);
        this.#world.observer.userPacket(this, outcome.row, outcome.packet);
        if (!outcome.row.bindTun) this.#reply(outcome.packet);
        break;
      case 'frame':
        this.appliance.noteTraffic(outcome.row.sessionId, now_ms);
        this.#world.observer.frame(this, outcome.row, outcome.token);
        break;
      default: // what the packet path keeps or drops
    }
  }

  /** In the order in which the packet path has them, while commands overtake them. */
  #report(report: Report, now_ms: number): void {
    const { incarnation } = this;
    if (this.plan.reportDelay_ms === 0) this.#hear(report, now_ms);
    else this.#world.later(this, this.plan.reportDelay_ms, { type: 'report', incarnation, report });
  }

  #hear(report: Report, now_ms: number): void {
    if (report.type === 'discovery') {
      this.appliance.handleDiscovery(report.interfaceIndex, report.frame, now_ms);
      return;
    }
    const { sessionId, generation } = report.row;
    if (report.type === 'held') this.appliance.handleHeld(sessionId, generation, now_ms);
    else this.appliance.handlePppFrame(sessionId, generation, report.protocol, report.information, now_ms);
  }

  /** Those that pseudowires want come some time later, others are gone at once. */
  #orderDevices(now_ms: number): void {
    const wanted = new Set(this.config.pseudowires.map(({ tun }) => tun));
    for (const tun of [...this.#devices]) {
      if (wanted.has(tun)) continue;
      this.#devices.delete(tun);
      this.appliance.deviceChanged(tun, false, now_ms);
    }
    for (const tun of wanted) {
      if (this.#devices.has(tun)) continue;
      this.#devices.add(tun);
      const delay_ms = this.#world.random.below(DEVICE_DELAY_MS);
      this.#world.later(this, delay_ms, { type: 'device', incarnation: this.incarnation, tun });
    }
  }

  /** The office host behind the LNS, which has the gateway's address here. */
  #reply({ source, destination, isReply, token }: UserPacket): void {
    if (!isReply) this.#send(this.path.route({ source: destination, destination: source, isReply: true, token }));
  }

  #work(now_ms: number): void {
    for (;;) {
      this.appliance.turn(now_ms);
      let output = this.appliance.pollOutput();
      if (output === undefined) return;
      for (; output !== undefined; output = this.appliance.pollOutput()) {
        const passed = this.#world.filter(output);
        if (passed !== undefined) this.#carryOut(passed, now_ms);
      }
    }
  }

  #carryOut(output: Output, now_ms: number): void {
    this.#world.observer.output(this, output, now_ms);
    switch (output.type) {
      case 'question':
        this.#ask(output.question, now_ms);
        break;
      case 'call-ended':
        this.outside.pool.release(output.call.callId);
        break;
      case 'send-control': {
        const sender = this.#world.observer.sent(this, output.packet);
        for (const outcome of this.path.carryOut(output)) this.#send(outcome, sender);
        break;
      }
      default:
        for (const outcome of this.path.carryOut(output)) this.#come(outcome, now_ms);
    }
  }

  /** False where it came to nothing. */
  #send(outcome: Outcome, sender: Origin = { end: undefined }): boolean {
    if (outcome.type === 'sent') this.#world.send(this, outcome, sender);
    else if (outcome.type === 'sent-frame') this.#world.sendFrame(this, outcome);
    else return false;
    return true;
  }

  /** A resolver always takes its time. */
  #ask(question: Question, now_ms: number): void {
    const longest_ms = question.type === 'resolve' ? 200 : this.answerDelay_ms;
    if (longest_ms === 0) {
      this.#answer(question, now_ms);
      return;
    }
    this.questions++;
    const delay_ms = this.#world.random.between(1, longest_ms);
    this.#world.later(this, delay_ms, { type: 'question', incarnation: this.incarnation, question });
  }

  #answer(question: Question, now_ms: number): void {
    const isLive = (callId: number) => this.isLive(callId);
    const endCall = (callId: number) => this.endCall(callId, 'the user has called again', 'admin-reset', now_ms);
    this.appliance.handleAnswer(this.outside.answer(question, isLive, endCall), now_ms);
  }
}
