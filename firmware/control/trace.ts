/**
 * The last lines of all calls' traces, in memory, and those who listen to new ones. Bounded: the oldest go first.
 */

import type { CallInfo, TraceRecord } from '../roles/role.js';
import type { CallStepRecord } from './view.js';

const DIRECTION = {
  sent: 'sent',
  received: 'received',
  question: 'within',
  answer: 'within',
  note: 'within',
} as const;

export class Trace {
  readonly #capacity: number;
  #records: CallStepRecord[] = [];
  #sequence = 0;
  readonly #listeners = new Set<(record: CallStepRecord) => void>();

  /** Keeps the last `capacity` lines. */
  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** `call` is the record's call while it stands; `wallClock_ms` the record's Unix time. */
  add(record: TraceRecord, call: CallInfo | undefined, wallClock_ms: number): void {
    this.#sequence += 1;
    const line: CallStepRecord = {
      sequence: this.#sequence,
      time: new Date(wallClock_ms).toISOString(),
      step: record.step,
      role: record.role ?? 'lns',
      tunnelId: record.tunnelId,
      sessionId: record.sessionId,
      user: call?.userName ?? '',
      peerAddress: call?.path.peerAddress ?? (typeof record.detail.peer === 'string' ? record.detail.peer : ''),
      direction: DIRECTION[record.kind],
      what: record.label,
      detail: inWords(record.detail),
    };
    this.#records.push(line);
    // Cut off half a capacity at a time, so that adding a line costs the same however many there are.
    if (this.#records.length > this.#capacity * 1.5) this.#records = this.#records.slice(-this.#capacity);
    for (const listener of this.#listeners) listener(line);
  }

  /** The newest lines, at most `limit`, oldest first. */
  last(limit: number): CallStepRecord[] {
    return this.#records.slice(-Math.min(limit, this.#capacity));
  }

  /** Calls `listener` for every new line until the returned function is called. */
  subscribe(listener: (record: CallStepRecord) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}

/** `hostName=lac, assignedTunnelId=7`; a value that says nothing is left out. */
function inWords(detail: Record<string, unknown>): string {
  const words: string[] = [];
  for (const [name, value] of Object.entries(detail)) {
    if (value === '' || value === undefined || name === 'peer') continue;
    if (name === 'options' && Array.isArray(value)) {
      words.push(value.join(', '));
    } else words.push(`${name}=${typeof value === 'object' ? inBrackets(value) : value}`);
  }
  return words.join(', ');
}

function inBrackets(value: object | null): string {
  return value === null ? '' : `(${inWords(value as Record<string, unknown>)})`;
}
