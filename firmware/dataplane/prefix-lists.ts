/**
 * Each row's list of prefixes, linked through flat arrays: what a session's packets may come from or go to. Checks
 * allocate nothing. Must not know what a row is.
 */
import { parsePrefix } from '../wire/ip.js';
import { readWord } from './address.js';
import { type PrefixWords, prefixMask } from './route-table.js';

const WORDS = 4;
const INITIAL_ENTRIES = 64;
/** What ends a list; the entry of that number stays unused. */
const NONE = 0;

export interface ListedPrefix extends PrefixWords {
  isIpv6: boolean;
}

/** Reads '192.0.2.0/24' or '2001:db8::/32'. Throws ProtocolError for other text. */
export function prefixWords(text: string): ListedPrefix {
  const { address, length_bits } = parsePrefix(text);
  const padded = new Uint8Array(16);
  padded.set(address);
  const [w0, w1, w2, w3] = [0, 4, 8, 12].map((offset) => readWord(padded, offset));
  return { w0, w1, w2, w3, length_bits, isIpv6: address.length === padded.length };
}

export class PrefixLists {
  readonly #first: Uint32Array;
  #next = new Uint32Array(INITIAL_ENTRIES);
  #words = new Int32Array(INITIAL_ENTRIES * WORDS);
  #lengths = new Uint8Array(INITIAL_ENTRIES);
  #isIpv6 = new Uint8Array(INITIAL_ENTRIES);
  #free = NONE;
  #used = 1;

  constructor(rows: number) {
    this.#first = new Uint32Array(rows);
  }

  /** Replaces a row's list. */
  set(row: number, prefixes: readonly ListedPrefix[]): void {
    this.clear(row);
    for (const prefix of prefixes) {
      const entry = this.#take();
      this.#words.set([prefix.w0, prefix.w1, prefix.w2, prefix.w3], entry * WORDS);
      this.#lengths[entry] = prefix.length_bits;
      this.#isIpv6[entry] = prefix.isIpv6 ? 1 : 0;
      this.#next[entry] = this.#first[row];
      this.#first[row] = entry;
    }
  }

  clear(row: number): void {
    for (let entry = this.#first[row]; entry !== NONE; ) {
      const next = this.#next[entry];
      this.#next[entry] = this.#free;
      this.#free = entry;
      entry = next;
    }
    this.#first[row] = NONE;
  }

  get(row: number): ListedPrefix[] {
    const prefixes: ListedPrefix[] = [];
    for (let entry = this.#first[row]; entry !== NONE; entry = this.#next[entry]) {
      const [w0, w1, w2, w3] = this.#words.subarray(entry * WORDS, (entry + 1) * WORDS);
      prefixes.push({ w0, w1, w2, w3, length_bits: this.#lengths[entry], isIpv6: this.#isIpv6[entry] === 1 });
    }
    return prefixes;
  }

  /** Whether one of the row's prefixes holds the IPv4 address at `memory[offset]`. */
  holdsIpv4(row: number, memory: Uint8Array, offset: number): boolean {
    const word = readWord(memory, offset);
    for (let entry = this.#first[row]; entry !== NONE; entry = this.#next[entry]) {
      if (this.#isIpv6[entry] === 1) continue;
      if (((word ^ this.#words[entry * WORDS]) & prefixMask(this.#lengths[entry], 0)) === 0) return true;
    }
    return false;
  }

  /** Whether one of the row's prefixes holds the IPv6 address at `memory[offset]`. */
  holdsIpv6(row: number, memory: Uint8Array, offset: number): boolean {
    for (let entry = this.#first[row]; entry !== NONE; entry = this.#next[entry]) {
      if (this.#isIpv6[entry] === 1 && this.#matches(entry, memory, offset)) return true;
    }
    return false;
  }

  #matches(entry: number, memory: Uint8Array, offset: number): boolean {
    const length_bits = this.#lengths[entry];
    for (let i = 0; 32 * i < length_bits; i++) {
      const difference = readWord(memory, offset + 4 * i) ^ this.#words[entry * WORDS + i];
      if ((difference & prefixMask(length_bits, i)) !== 0) return false;
    }
    return true;
  }

  #take(): number {
    const entry = this.#free;
    if (entry !== NONE) {
      this.#free = this.#next[entry];
      return entry;
    }
    if (this.#used === this.#next.length) this.#grow();
    return this.#used++;
  }

  #grow(): void {
    const entries = this.#next.length * 2;
    const [next, words, lengths, isIpv6] = [this.#next, this.#words, this.#lengths, this.#isIpv6];
    this.#next = new Uint32Array(entries);
    this.#words = new Int32Array(entries * WORDS);
    this.#lengths = new Uint8Array(entries);
    this.#isIpv6 = new Uint8Array(entries);
    this.#next.set(next);
    this.#words.set(words);
    this.#lengths.set(lengths);
    this.#isIpv6.set(isIpv6);
  }
}
