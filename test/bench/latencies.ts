/** How long many packets took, counted by the microsecond. Knows nothing of packets or clocks. */

/** What took longer counts as this. */
const MAX_US = 200_000;

export class Latencies {
  readonly #counts = new Uint32Array(MAX_US + 1);
  count = 0;

  add(latency_us: number): void {
    this.#counts[Math.max(0, Math.min(MAX_US, Math.round(latency_us)))]!++;
    this.count++;
  }

  /** Such a share of all took no longer than this; 0 where there are none. */
  quantile_us(share: number): number {
    let left = Math.ceil(share * this.count);
    if (left === 0) return 0;
    for (let latency_us = 0; latency_us < MAX_US; latency_us++) {
      left -= this.#counts[latency_us]!;
      if (left <= 0) return latency_us;
    }
    return MAX_US;
  }

  clear(): void {
    this.#counts.fill(0);
    this.count = 0;
  }
}
