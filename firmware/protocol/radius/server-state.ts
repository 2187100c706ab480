/**
 * What the client keeps of one server: who holds which identifier of which source port, whether it lives, and how often
 * it answered. Must not know packets.
 */
import { RADIUS_REPLY_DROPS, type RadiusServerDrop } from './client-types.js';

const IDENTIFIERS = 256;

export interface Slot {
  sourcePortIndex: number;
  identifier: number;
}

export class ServerState<T> {
  isDead = false;
  /** undefined: not known. */
  answersStatusServer: boolean | undefined;
  lastReply_ms = Number.NEGATIVE_INFINITY;
  requests = 0;
  replies = 0;
  noReplies = 0;
  statusServers = 0;
  readonly drops = Object.fromEntries(
    RADIUS_REPLY_DROPS.filter((drop) => drop !== 'unknown-server').map((drop) => [drop, 0]),
  ) as Record<RadiusServerDrop, number>;
  readonly #holders: (T | undefined)[];
  readonly #sourcePorts: number;
  #held = 0;
  /** Identifiers are taken in turn, so that each rests as long as it can before it is used again. */
  #next = 0;

  constructor(sourcePorts: number) {
    this.#sourcePorts = sourcePorts;
    this.#holders = new Array<T | undefined>(IDENTIFIERS * sourcePorts).fill(undefined);
  }

  /** Undefined where all are held. */
  take(holder: T): Slot | undefined {
    if (this.#held === this.#holders.length) return undefined;
    while (this.#holders[this.#next] !== undefined) this.#next = (this.#next + 1) % this.#holders.length;
    const index = this.#next;
    this.#next = (index + 1) % this.#holders.length;
    this.#holders[index] = holder;
    this.#held++;
    return { sourcePortIndex: index % this.#sourcePorts, identifier: Math.floor(index / this.#sourcePorts) };
  }

  holder({ sourcePortIndex, identifier }: Slot): T | undefined {
    return this.#holders[identifier * this.#sourcePorts + sourcePortIndex];
  }

  release({ sourcePortIndex, identifier }: Slot): void {
    const index = identifier * this.#sourcePorts + sourcePortIndex;
    if (this.#holders[index] !== undefined) this.#held--;
    this.#holders[index] = undefined;
  }
}
