/**
 * Token buckets of octets in flat arrays, one for each row: what is above a row's rate does not pass (policing), nothing
 * waits. Knows no clock: time is an argument.
 */

/** What may come at once: so many ms of the rate, or so many packets if those are more. */
const BURST_MS = 100;
const BURST_BYTES = 10 * 1500;
const BITS_PER_BYTE = 8;

export class Policers {
  /** 0: no limit. */
  readonly #rate_bytes_per_ms: Float64Array;
  readonly #burst_bytes: Float64Array;
  /** Octets missing from a full bucket. */
  readonly #missing_bytes: Float64Array;
  readonly #filledAt_ms: Float64Array;

  constructor(rows: number) {
    this.#rate_bytes_per_ms = new Float64Array(rows);
    this.#burst_bytes = new Float64Array(rows);
    this.#missing_bytes = new Float64Array(rows);
    this.#filledAt_ms = new Float64Array(rows);
  }

  /** A row's rate from now on, in bits a second; 0: no limit. What has passed before counts on. */
  set(row: number, rate_bps: number): void {
    if (!(rate_bps >= 0)) throw new RangeError(`a rate of ${rate_bps} bits a second`);
    const rate_bytes_per_ms = rate_bps / BITS_PER_BYTE / 1000;
    this.#rate_bytes_per_ms[row] = rate_bytes_per_ms;
    this.#burst_bytes[row] = Math.max(BURST_BYTES, rate_bytes_per_ms * BURST_MS);
  }

  /** Makes a row's bucket full, for its next owner. */
  refill(row: number): void {
    this.#missing_bytes[row] = 0;
  }

  /** Whether a packet of so many octets passes; if so, its octets are taken. */
  take(row: number, octets: number, now_ms: number): boolean {
    const rate_bytes_per_ms = this.#rate_bytes_per_ms[row];
    if (rate_bytes_per_ms === 0) return true;
    const gained_bytes = (now_ms - this.#filledAt_ms[row]) * rate_bytes_per_ms;
    const missing_bytes = Math.max(0, this.#missing_bytes[row] - gained_bytes);
    const passes = missing_bytes + octets <= this.#burst_bytes[row];
    this.#filledAt_ms[row] = now_ms;
    this.#missing_bytes[row] = passes ? missing_bytes + octets : missing_bytes;
    return passes;
  }
}
