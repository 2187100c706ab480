/**
 * The Ethernet between the LACs of a simulation and their PCs, and the PCs: loses, doubles, delays and reorders frames as
 * the seed says, and can be cut. Must not read more of a frame than its addresses.
 */

import { parseEthernetHeader } from '../../firmware/wire/ethernet.js';
import { Agenda } from './agenda.js';
import { type Faults, NO_FAULTS, REORDERING_MS } from './network.js';
import { Pc, type PcPlan } from './pc.js';
import { readPppoeFrame } from './pppoe-frames.js';
import type { SeededRandom } from './seeded-random.js';
import type { UserPacket } from './user-packet.js';

/** What the Ethernet is between. */
export interface AccessListener {
  /** A frame comes to an interface of a box at this time. */
  arrive(at_ms: number, box: string, interfaceIndex: number, frame: Uint8Array): void;
  tell(pc: Pc, what: string): void;
  userPacket(pc: Pc, packet: UserPacket): void;
}

export class AccessNetwork {
  faults: Faults = NO_FAULTS;
  /** While true, nothing gets through. */
  isCut = false;
  readonly pcs: readonly Pc[];
  readonly counters = { frames: 0, lostFrames: 0 };
  readonly #random: SeededRandom;
  readonly #listener: AccessListener;
  readonly #agenda = new Agenda<{ pc: Pc; frame: Uint8Array }>();
  #now_ms = 0;

  constructor(plans: readonly PcPlan[], random: SeededRandom, listener: AccessListener) {
    this.#random = random;
    this.#listener = listener;
    const observer = {
      send: (pc: Pc, frame: Uint8Array) => this.#fromPc(pc, frame),
      tell: (pc: Pc, what: string) => listener.tell(pc, what),
      userPacket: (pc: Pc, packet: UserPacket) => listener.userPacket(pc, packet),
    };
    this.pcs = plans.map((plan) => new Pc(plan, random.fork(), observer));
  }

  get due_ms(): number {
    let due_ms = this.#agenda.next_ms() ?? Number.POSITIVE_INFINITY;
    for (const pc of this.pcs) due_ms = Math.min(due_ms, pc.due_ms);
    return due_ms;
  }

  /** One thing that is due: a frame that comes to a PC, or its timer. */
  turn(now_ms: number): void {
    this.#now_ms = now_ms;
    const arrival = this.#agenda.takeDue(now_ms);
    if (arrival !== undefined) {
      const frame = readPppoeFrame(arrival.frame);
      if (frame !== undefined) arrival.pc.receive(frame, now_ms);
      return;
    }
    this.pcs.find((pc) => pc.due_ms <= now_ms)?.handleTimeout(now_ms);
  }

  /** Does something to the PCs at this time. */
  act(now_ms: number, run: (pc: Pc) => void, only?: string): void {
    this.#now_ms = now_ms;
    for (const pc of this.pcs) if (only === undefined || pc.plan.name === only) run(pc);
  }

  /** A frame that a box sends on one of its interfaces. */
  fromBox(box: string, interfaceIndex: number, frame: Uint8Array, now_ms: number): void {
    const { destination } = parseEthernetHeader(frame);
    const pc = this.pcs.find(
      ({ plan }) => plan.lac === box && plan.interfaceIndex === interfaceIndex && plan.mac === destination,
    );
    if (pc !== undefined) this.#carry(now_ms, (at_ms) => this.#agenda.add(at_ms, { pc, frame }));
  }

  #fromPc({ plan: { lac, interfaceIndex } }: Pc, frame: Uint8Array): void {
    this.#carry(this.#now_ms, (at_ms) => this.#listener.arrive(at_ms, lac, interfaceIndex, frame));
  }

  #carry(now_ms: number, arrive: (at_ms: number) => void): void {
    const { loss, duplication, reordering, delayMin_ms, delayMax_ms } = this.faults;
    this.counters.frames++;
    for (let copies = this.#random.chance(duplication) ? 2 : 1; copies > 0; copies--) {
      if (this.isCut || this.#random.chance(loss)) {
        this.counters.lostFrames++;
        continue;
      }
      const late_ms = this.#random.chance(reordering) ? this.#random.below(REORDERING_MS) : 0;
      arrive(now_ms + this.#random.between(delayMin_ms, delayMax_ms) + late_ms);
    }
  }
}
