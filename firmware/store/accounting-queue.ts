/**
 * Accounting records that wait to be delivered, in order and bounded. What is appended outlasts a power cut as soon as its
 * turn has ended. Must not know attributes, nor who is to get them.
 */
import type Database from 'better-sqlite3';
import type { Turn } from './turn.js';

/** Records beyond these are given up, those of the least worth first, of these the oldest. */
export const MAX_ACCOUNTING_RECORDS = 200_000;

export interface AccountingRecord {
  /** Acct-Session-Id of what it tells of; records of one subject are delivered in the order in which they were appended. */
  subject: string;
  worth: 0 | 1 | 2;
  /** When it happened: Unix time, and the monotonic clock of the boot of this number, in ms. */
  at_ms: number;
  bootNumber: number;
  uptime_ms: number;
  /** As on the wire. */
  attributes: Uint8Array;
}

export interface QueuedRecord extends AccountingRecord {
  /** Grows with each record, over restarts too. */
  id: number;
}

const COLUMNS =
  'id, subject, worth, at AS at_ms, boot AS bootNumber, uptime AS uptime_ms, attributes FROM accounting_record AS record';
/** Only the first of a subject may be delivered. */
const IS_FIRST = `NOT EXISTS (
  SELECT 1 FROM accounting_record AS earlier WHERE earlier.subject = record.subject AND earlier.id < record.id)`;

function prepare(database: Database.Database) {
  const firsts = (condition: string) =>
    database.prepare<[number, number], QueuedRecord>(
      `SELECT ${COLUMNS} WHERE id > ? AND ${condition} AND ${IS_FIRST} ORDER BY id LIMIT ?`,
    );
  return {
    count: database.prepare<[], number>('SELECT count(*) FROM accounting_record').pluck(),
    append: database.prepare<[AccountingRecord]>(
      `INSERT INTO accounting_record (subject, worth, at, boot, uptime, attributes)
       VALUES (@subject, @worth, @at_ms, @bootNumber, @uptime_ms, @attributes)`,
    ),
    giveUp: database.prepare(
      'DELETE FROM accounting_record WHERE id = (SELECT id FROM accounting_record ORDER BY worth, id LIMIT 1)',
    ),
    untried: firsts('tries = 0'),
    tried: firsts('tries > 0'),
    ofSubject: database.prepare<[string], QueuedRecord>(`SELECT ${COLUMNS} WHERE subject = ? ORDER BY id LIMIT 1`),
    remove: database.prepare<[number]>('DELETE FROM accounting_record WHERE id = ?'),
    tryAgain: database.prepare<[number]>('UPDATE accounting_record SET tries = tries + 1 WHERE id = ?'),
  };
}

export class AccountingQueue {
  readonly #turn: Turn;
  readonly #sql: ReturnType<typeof prepare>;
  readonly #maximum: number;
  #count: number;
  #givenUp = 0;

  constructor(database: Database.Database, turn: Turn, maximum = MAX_ACCOUNTING_RECORDS) {
    this.#turn = turn;
    this.#maximum = maximum;
    this.#sql = prepare(database);
    this.#count = this.#sql.count.get() ?? 0;
  }

  /** Records that wait. */
  get length(): number {
    return this.#count;
  }

  /** Records that had to go undelivered since the start, since there were too many. */
  get givenUp(): number {
    return this.#givenUp;
  }

  append(record: AccountingRecord): void {
    this.#turn.writeDurably(() => {
      if (this.#count >= this.#maximum) {
        this.#sql.giveUp.run();
        this.#givenUp += 1;
        this.#count -= 1;
      }
      this.#sql.append.run({ ...record, uptime_ms: Math.floor(record.uptime_ms) });
      this.#count += 1;
    });
  }

  /** The first records of their subjects behind `afterId` of which none was tried in vain (or all were), the oldest first. */
  firsts(of: 'untried' | 'tried', afterId: number, limit: number): QueuedRecord[] {
    return this.#sql[of].all(afterId, limit);
  }

  firstOf(subject: string): QueuedRecord | undefined {
    return this.#sql.ofSubject.get(subject);
  }

  /** They are delivered. */
  remove(ids: readonly number[]): void {
    if (ids.length === 0) return;
    this.#turn.write(() => {
      for (const id of ids) this.#count -= this.#sql.remove.run(id).changes;
    });
  }

  /** It got no answer. */
  noteTry(id: number): void {
    this.#turn.write(() => this.#sql.tryAgain.run(id));
  }
}
