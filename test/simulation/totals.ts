/** Adds up what many seeds have done, so that a reader sees that they have done something. */

import type { Outcome, SimulationCounters } from './simulation.js';

export class Totals {
  seeds = 0;
  failures = 0;
  readonly sums = new Map<keyof SimulationCounters, number>();
  readonly seedsByKind = new Map<string, number>();
  slowestConvergence_ms = 0;

  add({ kind, failure, counters }: Outcome): void {
    this.seeds++;
    if (failure !== undefined) this.failures++;
    this.seedsByKind.set(kind, (this.seedsByKind.get(kind) ?? 0) + 1);
    for (const [name, value] of Object.entries(counters) as [keyof SimulationCounters, number][]) {
      this.sums.set(name, (this.sums.get(name) ?? 0) + value);
    }
    this.slowestConvergence_ms = Math.max(this.slowestConvergence_ms, counters.converged_ms);
  }

  sum(name: keyof SimulationCounters): number {
    return this.sums.get(name) ?? 0;
  }

  lines(): string[] {
    const kinds = [...this.seedsByKind].map(([kind, seeds]) => `${kind}: ${seeds}`).join(', ');
    const sums = [...this.sums].map(([name, value]) => `  ${name}: ${value}`);
    return [
      kinds,
      ...sums,
      `  slowest convergence: ${this.slowestConvergence_ms} ms`,
      `${this.failures} of ${this.seeds} seeds failed`,
    ];
  }
}
