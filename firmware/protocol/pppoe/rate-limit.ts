/**
 * How often something may happen, for each of many hosts: token buckets in memory that does not grow. Hosts share a
 * bucket by chance, and nobody can choose with whom. Must not know what happens, nor any clock.
 */

/** Tokens: what sums of times may be wrong by. */
const ROUNDING = 0.001;

/** Token buckets, each full at first: it holds `burst` tokens and gets `rate_per_s` new ones. */
export class RateLimit {
  /** When each bucket will be full again. */
  readonly #fullAt_ms: Float64Array;
  readonly #interval_ms: number;
  readonly #burst: number;

  constructor(buckets: number, rate_per_s: number, burst: number) {
    if (!(rate_per_s > 0 && burst >= 1)) throw new RangeError('a rate that lets nothing through');
    this.#fullAt_ms = new Float64Array(buckets).fill(Number.NEGATIVE_INFINITY);
    this.#interval_ms = 1000 / rate_per_s;
    this.#burst = burst;
  }

  /** Takes a token out of a bucket; false where there is none. */
  take(bucket: number, now_ms: number): boolean {
    const fullAt_ms = Math.max(this.#fullAt_ms[bucket], now_ms) + this.#interval_ms;
    if ((fullAt_ms - now_ms) / this.#interval_ms > this.#burst + ROUNDING) return false;
    this.#fullAt_ms[bucket] = fullAt_ms;
    return true;
  }
}

/** Which of `buckets`, a power of two, a name has; `salt`, 32 random bits, keeps others from telling. */
export function bucketOf(name: string, buckets: number, salt: number): number {
  let hash = salt;
  for (let i = 0; i < name.length; i++) {
    hash = Math.imul(hash ^ name.charCodeAt(i), 0x85ebca6b);
    hash ^= hash >>> 15;
  }
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) & (buckets - 1);
}
