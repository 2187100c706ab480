/**
 * Token buckets in flat arrays: how often something may happen, for many at once. Knows no clock: time is an argument.
 */
export class TokenBuckets {
  /** Tokens missing from a full bucket, so that memory fresh from the kernel is a full bucket. */
  readonly #missing: Float32Array;
  readonly #filledAt_ms: Float64Array;
  readonly #rate_per_ms: number;
  readonly #burst: number;

  /** `count` buckets, each of which is full at first, holds `burst` tokens and gets `rate_per_s` new ones. */
  constructor(count: number, rate_per_s: number, burst: number) {
    this.#missing = new Float32Array(count);
    this.#filledAt_ms = new Float64Array(count);
    this.#rate_per_ms = rate_per_s / 1000;
    this.#burst = burst;
  }

  /** Takes a token out of a bucket; false where there is none. */
  take(bucket: number, now_ms: number): boolean {
    const gained = (now_ms - this.#filledAt_ms[bucket]) * this.#rate_per_ms;
    const missing = Math.max(0, this.#missing[bucket] - gained);
    const isEmpty = missing + 1 > this.#burst;
    this.#filledAt_ms[bucket] = now_ms;
    this.#missing[bucket] = isEmpty ? missing : missing + 1;
    return !isEmpty;
  }

  /** Makes a bucket full, for its next owner. */
  refill(bucket: number): void {
    this.#missing[bucket] = 0;
  }
}
