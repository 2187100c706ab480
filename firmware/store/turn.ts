/**
 * One transaction for all that is written in one turn of the event loop, and one wait for the disk where some of it must
 * outlast a power cut. Must not know what is written.
 */
import type Database from 'better-sqlite3';

export class Turn {
  readonly #database: Database.Database;
  readonly #sync: () => void;
  #running = false;
  #mustSync = false;
  readonly #begin: Database.Statement;
  readonly #commit: Database.Statement;
  readonly #rollback: Database.Statement;

  /** `sync` waits until all that is committed is on the disk. */
  constructor(database: Database.Database, sync: () => void) {
    this.#database = database;
    this.#sync = sync;
    this.#begin = database.prepare('BEGIN IMMEDIATE');
    this.#commit = database.prepare('COMMIT');
    this.#rollback = database.prepare('ROLLBACK');
  }

  /** Whether a turn runs. */
  get running(): boolean {
    return this.#running;
  }

  /**
   * Runs `work`, which must not be asynchronous, and commits what it wrote through `write`, once. When it throws,
   * nothing of it is kept. Turns do not nest.
   */
  run<T>(work: () => T): T {
    if (this.#running) throw new Error('a turn of the store is running already');
    this.#running = true;
    try {
      const result = work();
      if (this.#database.inTransaction) this.#commit.run();
      if (this.#mustSync) this.#sync();
      return result;
    } catch (error) {
      if (this.#database.inTransaction) this.#rollback.run();
      throw error;
    } finally {
      this.#running = false;
      this.#mustSync = false;
    }
  }

  /** Runs statements within the turn, or, when none runs, as a transaction of their own. */
  write<T>(statements: () => T): T {
    if (!this.#running) return this.run(() => this.write(statements));
    if (!this.#database.inTransaction) this.#begin.run();
    return statements();
  }

  /** As write; and when the turn has ended, what it wrote outlasts a power cut. */
  writeDurably<T>(statements: () => T): T {
    if (!this.#running) return this.run(() => this.writeDurably(statements));
    this.#mustSync = true;
    return this.write(statements);
  }
}
