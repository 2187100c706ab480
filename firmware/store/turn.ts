/**
 * One transaction for all that is written in one turn of the event loop. Must not know what is written.
 */
import type Database from 'better-sqlite3';

export class Turn {
  readonly #database: Database.Database;
  #running = false;
  readonly #begin: Database.Statement;
  readonly #commit: Database.Statement;
  readonly #rollback: Database.Statement;

  constructor(database: Database.Database) {
    this.#database = database;
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
      return result;
    } catch (error) {
      if (this.#database.inTransaction) this.#rollback.run();
      throw error;
    } finally {
      this.#running = false;
    }
  }

  /** Runs statements within the turn, or, when none runs, as a transaction of their own. */
  write<T>(statements: () => T): T {
    if (!this.#running) return this.run(() => this.write(statements));
    if (!this.#database.inTransaction) this.#begin.run();
    return statements();
  }
}
