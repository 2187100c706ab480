/**
 * Timers of the program under test on virtual time. Those of node:test lose count when a callback of one sets another that
 * is due at once.
 */
import type { TestContext } from 'node:test';

interface Timer {
  at_ms: number;
  callback: () => void;
}

export class VirtualTimers {
  now_ms = 0;
  readonly #timers = new Set<Timer>();

  /** Until the end of the test setTimeout and setImmediate are these. */
  constructor(t: TestContext) {
    const set = (callback: () => void, delay_ms = 0) => {
      const timer = { at_ms: this.now_ms + delay_ms, callback };
      this.#timers.add(timer);
      return timer as unknown as NodeJS.Timeout;
    };
    const clear = (timer: unknown) => void this.#timers.delete(timer as Timer);
    t.mock.method(globalThis, 'setTimeout', set as unknown as typeof setTimeout);
    t.mock.method(globalThis, 'setImmediate', ((callback: () => void) =>
      set(callback)) as unknown as typeof setImmediate);
    t.mock.method(globalThis, 'clearTimeout', clear);
    t.mock.method(globalThis, 'clearImmediate', clear);
  }

  /** Time goes on; what falls due is done in its order. */
  advance(duration_ms: number): void {
    const end_ms = this.now_ms + duration_ms;
    for (let next = this.#next(end_ms); next !== undefined; next = this.#next(end_ms)) {
      this.#timers.delete(next);
      this.now_ms = Math.max(this.now_ms, next.at_ms);
      next.callback();
    }
    this.now_ms = end_ms;
  }

  /** As when their process is killed. */
  forget(): void {
    this.#timers.clear();
  }

  #next(end_ms: number): Timer | undefined {
    let next: Timer | undefined;
    for (const timer of this.#timers) {
      if (timer.at_ms <= end_ms && (next === undefined || timer.at_ms < next.at_ms)) next = timer;
    }
    return next;
  }
}
