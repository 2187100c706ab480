/**
 * Log lines that what comes from the network can cause, held to a rate: of each kind one line at once, and then one in
 * a minute that says how many there were. Must not be given kinds that a peer can make up.
 */
import type { Log } from '../call-log.js';

const INTERVAL_MS = 60_000;

export class RatedLog {
  readonly #log: Log;
  readonly #now_ms: () => number;
  readonly #kinds = new Map<string, { saidAt_ms: number; unsaid: number }>();

  /** `now_ms` is monotonic. */
  constructor(log: Log, now_ms: () => number) {
    this.#log = log;
    this.#now_ms = now_ms;
  }

  info(kind: string, fields: object, message: string): void {
    this.#say('info', kind, fields, message);
  }

  warn(kind: string, fields: object, message: string): void {
    this.#say('warn', kind, fields, message);
  }

  #say(level: 'info' | 'warn', kind: string, fields: object, message: string): void {
    const now_ms = this.#now_ms();
    const known = this.#kinds.get(kind);
    if (known !== undefined && now_ms < known.saidAt_ms + INTERVAL_MS) {
      known.unsaid++;
      return;
    }
    const before = known?.unsaid ? { before: known.unsaid } : {};
    this.#kinds.set(kind, { saidAt_ms: now_ms, unsaid: 0 });
    this.#log[level]({ ...fields, ...before }, message);
  }
}
