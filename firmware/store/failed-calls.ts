/**
 * Calls that failed, with what was traced of them, for those who ask later why. Bounded in number; written with the turn
 * in which the call ended. Must not know what a trace says.
 */
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import type Database from 'better-sqlite3';
import type { Turn } from './turn.js';

/** The oldest beyond these go. */
export const MAX_FAILED_CALLS = 5_000;
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
  readonly #forget: Database.Statement<[number]>;
  readonly #page: Database.Statement<[number, number], { id: number; trace: string; summary: string }>;
  readonly #one: Database.Statement<[string], { summary: string; records: Buffer }>;

  constructor(database: Database.Database, turn: Turn) {
    this.#turn = turn;
    this.#insert = database.prepare(
      'INSERT INTO failed_call (trace, summary, records) VALUES (?, ?, ?) ON CONFLICT DO NOTHING',
    );
    this.#forget = database.prepare('DELETE FROM failed_call WHERE id <= ?');
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
      const { lastInsertRowid } = this.#insert.run(trace, JSON.stringify(summary), deflateRawSync(text));
      this.#forget.run(Number(lastInsertRowid) - MAX_FAILED_CALLS);
    });
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
