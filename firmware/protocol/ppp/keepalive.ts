/**
 * When an Echo-Request is due, and when the peer counts as gone: anything that comes from it is life, so that a busy
 * link has no echoes. Must not send anything itself.
 */

/**
 * Echoes that fall due within the same moment of the clock go out together, at its end: thousands of links that stand
 * idle then cost a fraction of the wake-ups, here and at the peers.
 */
const TOGETHER_MS = 100;

export class Keepalive {
  readonly #interval_ms: number;
  readonly #maxFailures: number;
  #due_ms: number | undefined;
  #unanswered = 0;

  /** `interval_ms` 0: no echoes; `maxFailures` 0: the peer never counts as gone. */
  constructor(interval_ms: number, maxFailures: number) {
    this.#interval_ms = interval_ms;
    this.#maxFailures = maxFailures;
  }

  start(now_ms: number): void {
    this.#unanswered = 0;
    if (this.#interval_ms > 0) this.#due_ms = this.#after(now_ms);
  }

  stop(): void {
    this.#due_ms = undefined;
  }

  /** Something came from the peer. */
  noteLife(now_ms: number): void {
    if (this.#due_ms !== undefined) this.start(now_ms);
  }

  /** What is due now. */
  handleTimeout(now_ms: number): 'nothing' | 'echo' | 'dead' {
    if (this.#due_ms === undefined || now_ms < this.#due_ms) return 'nothing';
    if (this.#maxFailures > 0 && this.#unanswered >= this.#maxFailures) {
      this.stop();
      return 'dead';
    }
    this.#unanswered++;
    this.#due_ms = this.#after(now_ms);
    return 'echo';
  }

  pollTimeout(): number | undefined {
    return this.#due_ms;
  }

  #after(now_ms: number): number {
    return Math.ceil((now_ms + this.#interval_ms) / TOGETHER_MS) * TOGETHER_MS;
  }
}
