/**
 * Which row a destination belongs to: the longest prefix that holds it, RFC 1812 section 5.2.4.3, by one hash probe for
 * each prefix length in use. Lookups allocate nothing. Must not know what a row is.
 */

/**
 * A prefix of up to 128 bits as four numbers of 32 bits, the first bits first; an IPv4 prefix is in `w0` alone. Bits
 * past the length are zero. The numbers are signed: so they are never boxed on the heap of a 64-bit machine.
 */
export interface PrefixWords {
  w0: number;
  w1: number;
  w2: number;
  w3: number;
  length_bits: number;
}

const WORDS = 4;
const INITIAL_SLOTS = 64;
const MAX_LENGTH_BITS = 128;

/** Those bits of the `word`th word that a prefix of this length covers. */
export function prefixMask(length_bits: number, word: number): number {
  const bits = length_bits - 32 * word;
  if (bits <= 0) return 0;
  return bits >= 32 ? -1 : -1 << (32 - bits);
}

function hashOf(w0: number, w1: number, w2: number, w3: number, length_bits: number): number {
  let hash = Math.imul(w0 ^ Math.imul(length_bits + 1, 0x9e3779b1), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 15) ^ w1, 0xc2b2ae35);
  hash = Math.imul(hash ^ (hash >>> 13) ^ w2, 0x27d4eb2f);
  hash = Math.imul(hash ^ (hash >>> 16) ^ w3, 0x165667b1);
  return hash ^ (hash >>> 15);
}

export class RouteTable {
  /** Open addressing with linear probing, at most half full; row 0 is a free slot. */
  #words = new Int32Array(INITIAL_SLOTS * WORDS);
  #lengths = new Uint8Array(INITIAL_SLOTS);
  #rows = new Uint16Array(INITIAL_SLOTS);
  #mask = INITIAL_SLOTS - 1;
  #count = 0;
  /** How many prefixes there are of each length, and the lengths in use, longest first. */
  readonly #countOfLength = new Uint32Array(MAX_LENGTH_BITS + 1);
  #lengthsInUse = new Uint8Array(0);
  /** Prefixes that more than one row claims, by all their claimants: the last one holds it. */
  readonly #claimants = new Map<string, number[]>();

  /** The row that holds the longest prefix of this address, 0 where none does. */
  lookup(w0: number, w1: number, w2: number, w3: number): number {
    const lengths = this.#lengthsInUse;
    for (let i = 0; i < lengths.length; i++) {
      const length_bits = lengths[i];
      const slot = this.#find(
        w0 & prefixMask(length_bits, 0),
        w1 & prefixMask(length_bits, 1),
        w2 & prefixMask(length_bits, 2),
        w3 & prefixMask(length_bits, 3),
        length_bits,
      );
      if (this.#rows[slot] !== 0) return this.#rows[slot];
    }
    return 0;
  }

  /** Gives a prefix to a row. Where another has it, the newcomer holds it, until it is removed. */
  add(prefix: PrefixWords, row: number): void {
    const slot = this.#slotOf(prefix);
    const holder = this.#rows[slot];
    if (holder === 0) {
      this.#insert(prefix, row);
    } else if (holder !== row) {
      const key = keyOf(prefix);
      const claimants = this.#claimants.get(key) ?? [holder];
      this.#claimants.set(key, [...claimants.filter((claimant) => claimant !== row), row]);
      this.#rows[slot] = row;
    }
  }

  /** Takes a prefix away from a row; what else claims it, the latest first, holds it now. */
  remove(prefix: PrefixWords, row: number): void {
    const slot = this.#slotOf(prefix);
    const key = keyOf(prefix);
    const others = this.#claimants.get(key)?.filter((claimant) => claimant !== row);
    if (others === undefined) {
      if (this.#rows[slot] === row) this.#delete(slot);
      return;
    }
    this.#rows[slot] = others[others.length - 1];
    if (others.length === 1) this.#claimants.delete(key);
    else this.#claimants.set(key, others);
  }

  #slotOf({ w0, w1, w2, w3, length_bits }: PrefixWords): number {
    return this.#find(w0, w1, w2, w3, length_bits);
  }

  /** The slot that holds this prefix, or the free one where it would go. */
  #find(w0: number, w1: number, w2: number, w3: number, length_bits: number): number {
    let slot = hashOf(w0, w1, w2, w3, length_bits) & this.#mask;
    while (this.#rows[slot] !== 0) {
      const at = slot * WORDS;
      const words = this.#words;
      if (
        words[at] === w0 &&
        words[at + 1] === w1 &&
        words[at + 2] === w2 &&
        words[at + 3] === w3 &&
        this.#lengths[slot] === length_bits
      ) {
        break;
      }
      slot = (slot + 1) & this.#mask;
    }
    return slot;
  }

  #insert(prefix: PrefixWords, row: number): void {
    if (2 * (this.#count + 1) > this.#rows.length) this.#grow();
    this.#put(prefix, row);
    this.#count++;
    if (this.#countOfLength[prefix.length_bits]++ === 0) this.#listLengths();
  }

  #put(prefix: PrefixWords, row: number): void {
    const slot = this.#slotOf(prefix);
    this.#words.set([prefix.w0, prefix.w1, prefix.w2, prefix.w3], slot * WORDS);
    this.#lengths[slot] = prefix.length_bits;
    this.#rows[slot] = row;
  }

  #grow(): void {
    const [words, lengths, rows] = [this.#words, this.#lengths, this.#rows];
    const slots = rows.length * 2;
    this.#words = new Int32Array(slots * WORDS);
    this.#lengths = new Uint8Array(slots);
    this.#rows = new Uint16Array(slots);
    this.#mask = slots - 1;
    for (let slot = 0; slot < rows.length; slot++) {
      if (rows[slot] === 0) continue;
      const [w0, w1, w2, w3] = words.subarray(slot * WORDS, (slot + 1) * WORDS);
      this.#put({ w0, w1, w2, w3, length_bits: lengths[slot] }, rows[slot]);
    }
  }

  /** Frees a slot, and moves up what had to give way to it, so that no probe ends before its prefix. */
  #delete(slot: number): void {
    if (--this.#countOfLength[this.#lengths[slot]] === 0) this.#listLengths();
    this.#count--;
    let free = slot;
    for (let next = (slot + 1) & this.#mask; this.#rows[next] !== 0; next = (next + 1) & this.#mask) {
      const [w0, w1, w2, w3] = this.#words.subarray(next * WORDS, (next + 1) * WORDS);
      const home = hashOf(w0, w1, w2, w3, this.#lengths[next]) & this.#mask;
      // It may move if the free slot lies between its home and where it is, the table being a ring.
      if (((next - home) & this.#mask) < ((next - free) & this.#mask)) continue;
      this.#words.copyWithin(free * WORDS, next * WORDS, (next + 1) * WORDS);
      this.#lengths[free] = this.#lengths[next];
      this.#rows[free] = this.#rows[next];
      free = next;
    }
    this.#rows[free] = 0;
  }

  #listLengths(): void {
    const lengths: number[] = [];
    for (let length_bits = MAX_LENGTH_BITS; length_bits >= 0; length_bits--) {
      if (this.#countOfLength[length_bits] > 0) lengths.push(length_bits);
    }
    this.#lengthsInUse = Uint8Array.from(lengths);
  }
}

function keyOf({ w0, w1, w2, w3, length_bits }: PrefixWords): string {
  return `${w0},${w1},${w2},${w3}/${length_bits}`;
}
