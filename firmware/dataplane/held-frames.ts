/**
 * Frames of rows that are on hold, kept in slots that are taken once and shared by all rows, in their order: a row may
 * have so many. Does not know where they go, nor when.
 */
import { DROP, FORWARDED } from './drop-reasons.js';
import type { PacketSlots } from './packet-batch.js';

/** Of one row: a host that waits for its tunnel sends an answer or two, and repeats them. */
export const MAX_HELD_FRAMES = 16;
/** What ends a list: slots are counted from 1. */
const NONE = 0;

export class HeldFrames {
  readonly #slots: PacketSlots;
  /** The first and the last slot of each row, and how many it has. */
  readonly #first: Uint16Array;
  readonly #last: Uint16Array;
  readonly #count: Uint8Array;
  readonly #next: Uint16Array;
  readonly #length_bytes: Uint16Array;
  /** Slots that are free, as a list, and those that were let go and may still be read. */
  #free = NONE;
  #letGo = NONE;

  constructor(slots: PacketSlots, rows: number) {
    this.#slots = slots;
    this.#first = new Uint16Array(rows);
    this.#last = new Uint16Array(rows);
    this.#count = new Uint8Array(rows);
    this.#next = new Uint16Array(slots.count + 1);
    this.#length_bytes = new Uint16Array(slots.count + 1);
    for (let slot = slots.count; slot > NONE; slot--) {
      this.#next[slot] = this.#free;
      this.#free = slot;
    }
  }

  /** Copies the frame from `start` to `end`, behind those that the row has; a reason where there is no room. */
  keep(memory: Uint8Array, start: number, end: number, row: number): number {
    const slot = this.#free;
    if (slot === NONE || this.#count[row] === MAX_HELD_FRAMES) return DROP['hold-full'];
    this.#free = this.#next[slot];
    memory.copyWithin(this.#room(slot), start, end);
    this.#length_bytes[slot] = end - start;
    this.#next[slot] = NONE;
    if (this.#count[row]++ === 0) this.#first[row] = slot;
    else this.#next[this.#last[row]] = slot;
    this.#last[row] = slot;
    return FORWARDED;
  }

  /** Gives a row's frames to `take`, in their order, and forgets them; their slots stay as they are until `reclaim`. */
  letGo(row: number, take: (start: number, end: number) => void): void {
    if (this.#count[row] === 0) return;
    for (let slot = this.#first[row]; slot !== NONE; slot = this.#next[slot]) {
      const start = this.#room(slot);
      take(start, start + this.#length_bytes[slot]);
    }
    this.#next[this.#last[row]] = this.#letGo;
    this.#letGo = this.#first[row];
    this.#count[row] = 0;
  }

  /** All that was let go is sent, written or copied: its slots are free again. */
  reclaim(): void {
    while (this.#letGo !== NONE) {
      const slot = this.#letGo;
      this.#letGo = this.#next[slot];
      this.#next[slot] = this.#free;
      this.#free = slot;
    }
  }

  #room(slot: number): number {
    return this.#slots.room(slot - 1);
  }
}
