/**
 * Which requests for a tunnel reach the main thread: so many of one address, so many of all, and, while more come than
 * that, those that are repeated in a while. A flood has a new address in every packet, since the addresses are not its
 * own; a caller sends its SCCRQ again after a second (RFC 2661 section 5.8). Knows no clock; reads no packet.
 */
import { ADDRESS_WORDS } from './packet-batch.js';
import { TokenBuckets } from './token-bucket.js';

/** Of one address; many share a bucket by hash. */
const BUCKETS = 1024;
const RATE_PER_S = 100;
const BURST = 200;
/** Of all addresses. */
const TOTAL_RATE_PER_S = 500;
const TOTAL_BURST = 1000;
/** Of all that come again after they were refused. */
const PATIENT_RATE_PER_S = 100;
const PATIENT_BURST = 100;
/** How long after its refusal a request is one that is repeated: peers wait one second, then two, four and eight. */
const PATIENCE_MS = 500;
const OBLIVION_MS = 10_000;
/** A refusal is remembered in the first of so many places that is free: its own one, or those behind it. */
const PLACES = 1 << 17;
const PROBES = 4;
/** So long a place is kept for its address: until its second repetition. */
const KEPT_MS = 3500;

export class StrangerGate {
  readonly #buckets = new TokenBuckets(BUCKETS, RATE_PER_S, BURST);
  readonly #total = new TokenBuckets(1, TOTAL_RATE_PER_S, TOTAL_BURST);
  readonly #patient = new TokenBuckets(1, PATIENT_RATE_PER_S, PATIENT_BURST);
  /** What is left of a refused address and port, 0 for none, and when it was refused, in ms; not touched before a flood. */
  readonly #refused = new Uint32Array(PLACES);
  readonly #refusedAt_ms = new Float64Array(PLACES);

  /** Whether a request from the `index`th of these addresses, and this port of it, goes on. */
  letsIn(addresses: Uint32Array, index: number, port: number, now_ms: number): boolean {
    const mark = markOf(addresses, index);
    if (!this.#buckets.take((mark >>> 16) & (BUCKETS - 1), now_ms)) return false;
    if (this.#total.take(0, now_ms)) return true;
    return this.#isRepeated(spread(mark ^ port) || 1, now_ms) && this.#patient.take(0, now_ms);
  }

  /** Whether this address and port were refused some time ago; remembers them otherwise, where there is a place. */
  #isRepeated(mark: number, now_ms: number): boolean {
    let free = -1;
    for (let probe = 0; probe < PROBES; probe++) {
      const place = ((mark >>> 15) + probe) & (PLACES - 1);
      const age_ms = now_ms - this.#refusedAt_ms[place];
      if (this.#refused[place] === mark && age_ms < OBLIVION_MS) return age_ms >= PATIENCE_MS;
      if (free < 0 && (this.#refused[place] === 0 || age_ms >= KEPT_MS)) free = place;
    }
    if (free >= 0) {
      this.#refused[free] = mark;
      this.#refusedAt_ms[free] = now_ms;
    }
    return false;
  }
}

/** 32 bits that spread addresses; who guesses those that share them gains nothing but what they share. */
function markOf(addresses: Uint32Array, index: number): number {
  const at = index * ADDRESS_WORDS;
  let mark = spread(addresses[at]);
  for (let i = 1; i < ADDRESS_WORDS; i++) mark = spread(mark ^ addresses[at + i]);
  return mark;
}

/** Every bit of the word has a part in every bit of the result. */
function spread(word: number): number {
  let bits = Math.imul(word ^ (word >>> 16), 0x85ebca6b);
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35);
  return (bits ^ (bits >>> 16)) >>> 0;
}
