/**
 * Which row a session ID has, for the sessions of both versions: 16 bits in RFC 2661, 32 in RFC 3931. A hash table in
 * shared memory, written by the packet path's thread and read by both. Must not know what a row is.
 *
 * Open addressing with linear probing, at most half full; a slot holds a row, 0 where it is free, and the row's session
 * ID stands in `sessionIds`. What is removed leaves no mark: what had given way to it moves up (backward shift), so that
 * a probe for an ID that nobody has stays as short after a year as it was on the first day.
 *
 * Session IDs are taken and kept as signed numbers: so they are never boxed on the heap.
 */

/** 2**32 over the golden ratio: IDs that follow each other lie far apart. */
const GOLDEN_RATIO = 0x9e37_79b1;

export class SessionIndex {
  readonly #slots: Uint16Array;
  readonly #sessionIds: Int32Array;
  /** [0] counts the entries that were moved. */
  readonly #moves: Int32Array;
  readonly #mask: number;
  readonly #shift: number;

  /** `slots` is a power of two long, at least twice as long as `sessionIds`, which has an element for each row. */
  constructor(slots: Uint16Array, sessionIds: Int32Array, moves: Int32Array) {
    this.#slots = slots;
    this.#sessionIds = sessionIds;
    this.#moves = moves;
    this.#mask = slots.length - 1;
    this.#shift = Math.clz32(this.#mask);
  }

  /** The length of `slots` for so many rows. */
  static slotsFor(rows: number): number {
    return 2 ** Math.ceil(Math.log2(2 * rows));
  }

  /** The row of a session ID, 0 where there is none. For the writer's thread, for each packet. */
  rowOf(sessionId: number): number {
    let slot = this.#homeOf(sessionId);
    let row = this.#slots[slot];
    while (row !== 0 && this.#sessionIds[row] !== sessionId) {
      slot = (slot + 1) & this.#mask;
      row = this.#slots[slot];
    }
    return row;
  }

  /**
   * The same for another thread, at any time. What is there is found, even while it moves: whoever missed an entry by
   * its move sees the count of moves grow, since that grows while the entry stands in both places.
   */
  readRow(sessionId: number): number {
    for (;;) {
      const moves = Atomics.load(this.#moves, 0);
      let slot = this.#homeOf(sessionId);
      let row = Atomics.load(this.#slots, slot);
      while (row !== 0 && Atomics.load(this.#sessionIds, row) !== sessionId) {
        slot = (slot + 1) & this.#mask;
        row = Atomics.load(this.#slots, slot);
      }
      if (row !== 0 || Atomics.load(this.#moves, 0) === moves) return row;
    }
  }

  /** Makes a row known under a session ID that no other row has, and that is not 0. */
  add(sessionId: number, row: number): void {
    Atomics.store(this.#sessionIds, row, sessionId);
    let slot = this.#homeOf(sessionId);
    while (this.#slots[slot] !== 0) slot = (slot + 1) & this.#mask;
    Atomics.store(this.#slots, slot, row);
  }

  /** Forgets a session ID that is there. */
  remove(sessionId: number): void {
    let free = this.#homeOf(sessionId);
    while (this.#sessionIds[this.#slots[free]] !== sessionId) free = (free + 1) & this.#mask;
    for (let next = (free + 1) & this.#mask; this.#slots[next] !== 0; next = (next + 1) & this.#mask) {
      const home = this.#homeOf(this.#sessionIds[this.#slots[next]]);
      // It may move if the free slot lies between its home and where it is, the table being a ring.
      if (((next - home) & this.#mask) < ((next - free) & this.#mask)) continue;
      Atomics.store(this.#slots, free, this.#slots[next]);
      Atomics.add(this.#moves, 0, 1);
      free = next;
    }
    Atomics.store(this.#slots, free, 0);
  }

  /** Where the probe for an ID begins. The high bits of a product have a part of every bit of the ID (Knuth 6.4). */
  #homeOf(sessionId: number): number {
    return Math.imul(sessionId, GOLDEN_RATIO) >>> this.#shift;
  }
}
