/**
 * Calls that failed, with what was traced of them, for those who ask later why. Bounded in number and size; written with the turn
 * in which the call ended. Must not know what a trace says.
 */
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import type Database from 'better-sqlite3';
import type { Turn } from './turn.js';

/** The oldest beyond these go. */
export const MAX_FAILED_CALLS = 5_000;
/** Of all of them, compressed: the oldest beyond go too. */
const MAX_BYTES = 64 * 1024 * 1024;
/** Of one call's records as text; what is longer is not kept. */
const MAX_RECORDS_CHARACTERS = 256 * 1024;

export interface FailedCall {
  /** Grows with each. */
  id: number;
  /** Its name. */
  trace: string;
  summary: unknown;
}

export class FailedCalls {
  readonly #turn: Turn;
  readonly #insert: Database.Statement<[string, string, Buffer]>;
  readonly #forget: Database.Statement<[number], { size_bytes: number }>;
  readonly #oldest: Database.Statement<[], { id: number | null }>;
  readonly #max_bytes: number;
  #size_bytes: number;
  readonly #page: Database.Statement<[number, number], { id: number; trace: string; summary: string }>;
  readonly #one: Database.Statement<[string], { summary: string; records: Buffer }>;

  constructor(database: Database.Database, turn: Turn, max_bytes = MAX_BYTES) {
    this.#turn = turn;
    this.#max_bytes = max_bytes;
    const sizes = 'SELECT COALESCE(SUM(LENGTH(summary) + LENGTH(records)), 0) AS size_bytes FROM failed_call';
    this.#size_bytes = database.prepare<[], { size_bytes: number }>(sizes).get()!.size_bytes;
    this.#insert = database.prepare(
      'INSERT INTO failed_call (trace, summary, records) VALUES (?, ?, ?) ON CONFLICT DO NOTHING',
    );
    this.#forget = database.prepare<[number], { size_bytes: number }>(
      'DELETE FROM failed_call WHERE id <= ? RETURNING LENGTH(summary) + LENGTH(records) AS size_bytes',
    );
    this.#oldest = database.prepare<[], { id: number | null }>('SELECT MIN(id) AS id FROM failed_call');
    this.#page = database.prepare<[number, number], { id: number; trace: string; summary: string }>(
      'SELECT id, trace, summary FROM failed_call WHERE id < ? ORDER BY id DESC LIMIT ?',
    );
    this.#one = database.prepare<[string], { summary: string; records: Buffer }>(
      'SELECT summary, records FROM failed_call WHERE trace = ?',
    );
  }

  add(trace: string, summary: unknown, records: readonly unknown[]): void {
    const text = JSON.stringify(records);
    if (text.length > MAX_RECORDS_CHARACTERS) return;
    this.#turn.write(() => {
      const [shown, compressed] = [JSON.stringify(summary), deflateRawSync(text)];
      const { lastInsertRowid, changes } = this.#insert.run(trace, shown, compressed);
      if (changes === 0) return;
      this.#size_bytes += shown.length + compressed.length;
      this.#forgetUpTo(Number(lastInsertRowid) - MAX_FAILED_CALLS);
      while (this.#size_bytes > this.#max_bytes) this.#forgetOldest();
    });
  }

  #forgetOldest(): void {
    const id = this.#oldest.get()?.id ?? undefined;
    // What a turn wrote that was undone has been counted.
    if (id === undefined) this.#size_bytes = 0;
    else this.#forgetUpTo(id);
  }

  #forgetUpTo(id: number): void {
    for (const { size_bytes } of this.#forget.all(id)) this.#size_bytes -= size_bytes;
  }

  /** The newest first, at most `limit`, with ids below `before`. */
  newest(limit: number, before = Number.MAX_SAFE_INTEGER): FailedCall[] {
    return this.#page.all(before, limit).map(({ id, trace, summary }) => ({ id, trace, summary: JSON.parse(summary) }));
  }

  find(trace: string): { summary: unknown; records: unknown[] } | undefined {
    const row = this.#one.get(trace);
    if (row === undefined) return undefined;
    return { summary: JSON.parse(row.summary), records: JSON.parse(inflateRawSync(row.records).toString()) };
  }
}
