/**
 * A timer for who says after each thing that he does when he wants to be called next: mostly later than before, and
 * then nothing is done until the earlier time has come. Must not know what for.
 */

/** What the system's timer takes at most. */
const MAX_TIMER_MS = 0x7fff_ffff;

export class WakeTimer {
  readonly #now_ms: () => number;
  readonly #wake: () => void;
  #timer: NodeJS.Timeout | undefined;
  #firesAt_ms = Number.POSITIVE_INFINITY;
  #due_ms = Number.POSITIVE_INFINITY;

  /** `now_ms` is monotonic; `wake` is called at the time that was set last, or a little later. */
  constructor(now_ms: () => number, wake: () => void) {
    this.#now_ms = now_ms;
    this.#wake = wake;
  }

  /** Positive infinity: not at all. `now_ms` may be a little old. */
  set(due_ms: number, now_ms: number): void {
    this.#due_ms = due_ms;
    if (due_ms < this.#firesAt_ms) this.#start(now_ms);
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#firesAt_ms = Number.POSITIVE_INFINITY;
    this.#due_ms = Number.POSITIVE_INFINITY;
  }

  #start(now_ms: number): void {
    clearTimeout(this.#timer);
    const wait_ms = Math.min(Math.max(0, Math.ceil(this.#due_ms - now_ms)), MAX_TIMER_MS);
    this.#firesAt_ms = now_ms + wait_ms;
    this.#timer = setTimeout(() => this.#fire(), wait_ms);
  }

  #fire(): void {
    this.#firesAt_ms = Number.POSITIVE_INFINITY;
    if (this.#due_ms === Number.POSITIVE_INFINITY) return;
    const now_ms = this.#now_ms();
    if (now_ms < this.#due_ms) {
      this.#start(now_ms);
      return;
    }
    this.#due_ms = Number.POSITIVE_INFINITY;
    this.#wake();
  }
}
