/**
 * What becomes of a programmer's error, an assertion that fails while a peer's input is handled: it ends that peer's
 * tunnel, and the box goes on; the third within a minute ends the process, and its supervisor starts it anew.
 */

const FATAL_COUNT = 3;
const FATAL_WITHIN_MS = 60_000;

export class Faults {
  #times_ms: number[] = [];
  /** Since the start. */
  count = 0;

  /** Counts one. True: there have been too many of late to go on. */
  note(now_ms: number): boolean {
    this.count += 1;
    this.#times_ms = [...this.#times_ms.filter((time_ms) => now_ms - time_ms < FATAL_WITHIN_MS), now_ms];
    return this.#times_ms.length >= FATAL_COUNT;
  }
}
