/**
 * What has been told to begin and not yet to end, and what it has counted so far, so that a Stop can be told after a kill
 * -9. Must not know attributes.
 */
import type Database from 'better-sqlite3';
import type { CallCounters } from './calls.js';
import type { Turn } from './turn.js';

/** What was counted up to a time. */
export interface AccountedUse extends CallCounters {
  /** Unix time. */
  at_ms: number;
  /** Since it began. */
  duration_s: number;
}

export interface OpenSession extends AccountedUse {
  /** Acct-Session-Id. */
  subject: string;
  /** Those of its Stop, as on the wire. */
  attributes: Uint8Array;
}

const COUNTS = `at AS at_ms, duration_s, received_packets AS receivedPackets, received_octets AS receivedOctets,
  sent_packets AS sentPackets, sent_octets AS sentOctets`;

function prepare(database: Database.Database) {
  return {
    open: database.prepare<[string, Uint8Array]>('INSERT INTO accounting_open (subject, attributes) VALUES (?, ?)'),
    change: database.prepare<[Uint8Array, number]>('UPDATE accounting_open SET attributes = ? WHERE id = ?'),
    count: database.prepare<[AccountedUse & { id: number }]>(
      `INSERT OR REPLACE INTO accounting_count
       VALUES (@id, @at_ms, @duration_s, @receivedPackets, @receivedOctets, @sentPackets, @sentOctets)`,
    ),
    close: database.prepare<[number]>('DELETE FROM accounting_open WHERE id = ?'),
    forget: database.prepare<[number]>('DELETE FROM accounting_count WHERE id = ?'),
    all: database.prepare<[], OpenSession>(
      `SELECT subject, attributes, ${COUNTS} FROM accounting_open JOIN accounting_count USING (id) ORDER BY id`,
    ),
    clear: [database.prepare('DELETE FROM accounting_open'), database.prepare('DELETE FROM accounting_count')],
  };
}

export class AccountingSessions {
  readonly #turn: Turn;
  readonly #sql: ReturnType<typeof prepare>;

  constructor(database: Database.Database, turn: Turn) {
    this.#turn = turn;
    this.#sql = prepare(database);
  }

  /** Gives the number by which it is known here. */
  open(session: OpenSession): number {
    const { subject, attributes, ...use } = session;
    return this.#turn.writeDurably(() => {
      const id = Number(this.#sql.open.run(subject, attributes).lastInsertRowid);
      this.#sql.count.run({ id, ...use });
      return id;
    });
  }

  /** Its Stop will say something else. */
  change(id: number, attributes: Uint8Array): void {
    this.#turn.write(() => this.#sql.change.run(attributes, id));
  }

  /** Outlasts kill -9 alone: it is done for every session again and again. */
  count(id: number, use: AccountedUse): void {
    this.#turn.write(() => this.#sql.count.run({ id, ...use }));
  }

  close(id: number): void {
    this.#turn.write(() => {
      this.#sql.close.run(id);
      this.#sql.forget.run(id);
    });
  }

  /** In the order in which they were opened. */
  all(): OpenSession[] {
    return this.#sql.all.all();
  }

  closeAll(): void {
    this.#turn.write(() => {
      for (const statement of this.#sql.clear) statement.run();
    });
  }
}
