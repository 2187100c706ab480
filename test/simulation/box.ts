/**
 * One box of the simulation: the shipped Appliance, driven as control/ drives it, between its packet path and its
 * outside. Can be switched off at any moment and on again, and then knows nothing of what was.
 */

import { Appliance, type ApplianceConfig } from '../../firmware/roles/appliance.js';
import type { CallInfo, Output, Question } from '../../firmware/roles/role.js';
import type { L2tpHeader } from '../../firmware/wire/l2tp.js';
import type { Origin } from './delivery-checker.js';
import type { Datagram } from './network.js';
import { type AddressPool, Outside, type OutsidePlan } from './outside.js';
import { PacketPath, type Row, type UserPacket } from './packet-path.js';
import type { SeededRandom } from './seeded-random.js';
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
}

export type BoxInput =
  | { type: 'datagram'; datagram: Datagram<Origin> }
  | { type: 'question'; incarnation: number; question: Question }
  | { type: 'command'; run: (box: Box, now_ms: number) => void };

/** What a box is given by its surroundings. */
export interface World {
  readonly random: SeededRandom;
  makePool(addresses: readonly string[]): AddressPool;
  /** The outputs on their way from the machine: a seam where faults can be planted. */
  filter(output: Output): Output | undefined;
  send(box: Box, sent: { path: Datagram<undefined>['path']; packet: Uint8Array }, sender: Origin): void;
  later(box: Box, delay_ms: number, input: BoxInput): void;
  readonly observer: BoxObserver;
}

/** Sees all that a box does. */
export interface BoxObserver {
  /** A control packet that the packet path hands to the machine next. */
  handed(box: Box, datagram: Datagram<Origin>, header: L2tpHeader): void;
  /** An output of the machine, before it is carried out. */
  output(box: Box, output: Output, now_ms: number): void;
  /** A control packet on its way out: which tunnel has sent it. */
  sent(box: Box, packet: Uint8Array): Origin;
  /** A user's packet came out of the tunnel. */
  userPacket(box: Box, row: Row, packet: UserPacket): void;
  /** After each turn. */
  turned(box: Box, inputs: number, now_ms: number): void;
  restarted(box: Box): void;
}

export class Box {
  readonly plan: BoxPlan;
  config: ApplianceConfig;
  appliance: Appliance;
  path = new PacketPath();
  outside: Outside;
  /** Counts up at each restart. */
  incarnation = 1;
  /** Questions that wait for their answer. */
  questions = 0;
  /** When the next turn is due without any input. */
  due_ms = 0;
  readonly #world: World;

  constructor(plan: BoxPlan, world: World, now_ms: number) {
    this.plan = plan;
    this.config = plan.config;
    this.#world = world;
    this.appliance = this.#makeAppliance(now_ms);
    this.outside = this.#makeOutside();
  }

  /** All that the box knew is gone, and it starts. Whoever sends to it finds nobody who remembers. */
  restart(now_ms: number): void {
    this.incarnation++;
    this.questions = 0;
    this.path = new PacketPath();
    this.outside = this.#makeOutside();
    this.#world.observer.restarted(this);
    this.appliance = this.#makeAppliance(now_ms);
    this.turn([], now_ms);
  }

  configure(config: ApplianceConfig, now_ms: number): void {
    this.config = config;
    this.appliance.configure(config, now_ms);
  }

  /** As one turn of control/: the inputs, the timers that are due, and then all that follows. */
  turn(inputs: readonly BoxInput[], now_ms: number): void {
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

  isLive(callId: number): boolean {
    for (const call of this.appliance.calls()) if (call.callId === callId) return true;
    return false;
  }

  endCall(callId: number, reason: string, now_ms: number): void {
    for (const call of [...this.appliance.calls()]) {
      if (call.callId === callId) this.appliance.disconnect(call.sessionId, reason, now_ms);
    }
  }

  #makeAppliance(now_ms: number): Appliance {
    const random = this.#world.random.fork();
    return new Appliance(this.config, (length_bytes) => random.bytes(length_bytes), now_ms);
  }

  #makeOutside(): Outside {
    return new Outside(this.plan.outside, this.#world.makePool(this.plan.outside.pool));
  }

  #take(input: BoxInput, now_ms: number): void {
    switch (input.type) {
      case 'datagram':
        this.#receive(input.datagram, now_ms);
        break;
      case 'question':
        if (input.incarnation === this.incarnation) {
          this.questions--;
          this.#answer(input.question, now_ms);
        }
        break;
      case 'command':
        input.run(this, now_ms);
        break;
    }
  }

  #receive(datagram: Datagram<Origin>, now_ms: number): void {
    const { packet, path } = datagram;
    const received = this.path.receive(packet, path);
    switch (received.type) {
      case 'control':
        this.#world.observer.handed(this, datagram, received.header);
        this.appliance.handlePacket(packet, path, now_ms);
        break;
      case 'ppp': {
        const { sessionId, generation } = received.row;
        this.appliance.handlePppFrame(sessionId, generation, received.protocol, received.information, now_ms);
        break;
      }
      case 'user':
        this.appliance.noteTraffic(received.row.sessionId, now_ms);
        this.#world.observer.userPacket(this, received.row, received.packet);
        if (!received.row.bindTun) this.#reply(received.packet);
        break;
      case 'dropped':
        break;
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
      case 'send-control':
        this.#world.send(this, output, this.#world.observer.sent(this, output.packet));
        break;
      default:
        this.#send(this.path.carryOut(output));
    }
  }

  #send(sent: ReturnType<PacketPath['carryOut']>): void {
    if (sent !== undefined) this.#world.send(this, sent, { end: undefined });
  }

  /** A resolver always takes its time. */
  #ask(question: Question, now_ms: number): void {
    const longest_ms = question.type === 'resolve' ? 200 : this.plan.answerDelay_ms;
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
    const endCall = (callId: number) => this.endCall(callId, 'the user has called again', now_ms);
    this.appliance.handleAnswer(this.outside.answer(question, isLive, endCall), now_ms);
  }
}
