/**
 * The last lines of all calls' traces, in memory, and those who listen to new ones. Bounded: the oldest go first.
 */

import { STEP_NAMES } from '../roles/trace-record.js';
import type { TraceRecord } from '../roles/role.js';

/** A line of the trace as it leaves the box: with a number that only grows, and wall-clock time (RFC 3339). */
export interface NumberedTraceRecord extends Omit<TraceRecord, 'at_ms'> {
  number: number;
  time: string;
  stepName: string;
}

export class Trace {
  readonly #capacity: number;
  #records: NumberedTraceRecord[] = [];
  #nextNumber = 1;
  readonly #listeners = new Set<(record: NumberedTraceRecord) => void>();

  /** Keeps the last `capacity` lines. */
  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** `wallClock_ms` is the Unix time of the record. */
  add(record: TraceRecord, wallClock_ms: number): void {
    const { at_ms: _, ...rest } = record;
    const numbered: NumberedTraceRecord = {
      number: this.#nextNumber++,
      time: new Date(wallClock_ms).toISOString(),
      ...rest,
      stepName: STEP_NAMES[record.step],
    };
    this.#records.push(numbered);
    // Cut off half a capacity at a time, so that adding a line costs the same however many there are.
    if (this.#records.length > this.#capacity * 1.5) this.#records = this.#records.slice(-this.#capacity);
    for (const listener of this.#listeners) listener(numbered);
  }

  /** The lines after number `after`, oldest first, at most the capacity. */
  after(after: number): NumberedTraceRecord[] {
    const first = this.#records.length === 0 ? 0 : this.#records[0].number;
    const from = Math.max(0, after + 1 - first, this.#records.length - this.#capacity);
    return this.#records.slice(from);
  }

  /** Calls `listener` for every new line until the returned function is called. */
  listen(listener: (record: NumberedTraceRecord) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
