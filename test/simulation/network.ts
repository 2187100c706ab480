/**
 * The network between the boxes: loses, doubles, delays, reorders and corrupts datagrams as the seed says, and can be
 * cut. Must not know what a datagram says, but for what tells control from data.
 */

import type { TransportPath } from '../../firmware/protocol/l2tp/endpoint.js';
import { unwrapControl } from './packets.js';
import type { SeededRandom } from './seeded-random.js';

/** Probabilities from 0 to 1, per datagram. */
export interface Faults {
  loss: number;
  duplication: number;
  /** Takes up to two seconds longer than usual, so that others overtake it. */
  reordering: number;
  /** Of a control packet: bits flipped, or its end cut off. UDP's checksum guards data as much, and PPP has no other. */
  corruption: number;
  delayMin_ms: number;
  delayMax_ms: number;
  /** Datagrams arrive at multiples of this, so that a box finds several at once. */
  grain_ms: number;
}

export const NO_FAULTS: Faults = {
  loss: 0,
  duplication: 0,
  reordering: 0,
  corruption: 0,
  delayMin_ms: 5,
  delayMax_ms: 5,
  grain_ms: 1,
};

/** Who is overtaken comes at most so late. */
export const REORDERING_MS = 2000;

/** `Sender` is what the checker wants to know of whoever sent it. */
export interface Datagram<Sender> {
  /** The address that it goes to. */
  readonly to: string;
  /** As its receiver sees it. */
  readonly path: TransportPath;
  readonly packet: Uint8Array;
  readonly sender: Sender;
  readonly corrupted: boolean;
}

export interface NetworkCounters {
  sent: number;
  lost: number;
  duplicated: number;
  reordered: number;
  corrupted: number;
}

export class Network<Sender> {
  faults: Faults = NO_FAULTS;
  /** While true, nothing gets through. */
  isCut = false;
  readonly counters: NetworkCounters = { sent: 0, lost: 0, duplicated: 0, reordered: 0, corrupted: 0 };
  readonly #random: SeededRandom;
  readonly #arrive: (at_ms: number, datagram: Datagram<Sender>) => void;

  constructor(random: SeededRandom, arrive: (at_ms: number, datagram: Datagram<Sender>) => void) {
    this.#random = random;
    this.#arrive = arrive;
  }

  /** `path` is as the sending box sees it; `address` is its own, where the path does not say. */
  send(address: string, path: TransportPath, packet: Uint8Array, sender: Sender, now_ms: number): void {
    this.counters.sent++;
    const arrival: TransportPath = {
      encapsulation: path.encapsulation,
      localAddress: path.peerAddress,
      localPort: path.peerPort,
      peerAddress: path.localAddress || address,
      peerPort: path.localPort,
    };
    const copies = this.#random.chance(this.faults.duplication) ? 2 : 1;
    if (copies > 1) this.counters.duplicated++;
    for (let copy = 0; copy < copies; copy++) {
      if (this.isCut || this.#random.chance(this.faults.loss)) this.counters.lost++;
      else this.#deliver(arrival, packet, sender, now_ms);
    }
  }

  #deliver(path: TransportPath, packet: Uint8Array, sender: Sender, now_ms: number): void {
    const { delayMin_ms, delayMax_ms, grain_ms, reordering, corruption } = this.faults;
    let at_ms = now_ms + this.#random.between(delayMin_ms, delayMax_ms);
    if (this.#random.chance(reordering)) {
      this.counters.reordered++;
      at_ms += this.#random.below(REORDERING_MS);
    }
    at_ms = Math.ceil(at_ms / grain_ms) * grain_ms;
    const isControl = unwrapControl(packet, path.encapsulation) !== undefined;
    const arriving = isControl && this.#random.chance(corruption) ? this.#corrupt(packet) : packet;
    const corrupted = Buffer.compare(arriving, packet) !== 0;
    if (corrupted) this.counters.corrupted++;
    this.#arrive(at_ms, { to: path.localAddress, path, packet: arriving, sender, corrupted });
  }

  #corrupt(packet: Uint8Array): Uint8Array {
    if (this.#random.chance(0.25)) return packet.slice(0, this.#random.below(packet.length));
    const changed = packet.slice();
    for (let flips = this.#random.between(1, 3); flips > 0; flips--) {
      changed[this.#random.below(changed.length)] ^= 1 << this.#random.below(8);
    }
    return changed;
  }
}
