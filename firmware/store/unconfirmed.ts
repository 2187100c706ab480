/**
 * The settings as they were before a change that may have cut off who made it, kept until somebody confirms that the box
 * is still reached. Every function here is a part of the caller's transaction. Must not know the time.
 */
import type Database from 'better-sqlite3';
import type { Settings } from '../settings.js';
import { changedFields } from './audit.js';

/** How long a change waits for its confirmation, and until when (Unix time). */
export interface Wait {
  until_ms: number;
  wait_ms: number;
}

export interface Held extends Wait {
  who: string;
  /** As it was stored, with its secrets sealed. */
  document: string;
}

interface HeldRow {
  document: string;
  until: number;
  wait: number;
  who: string;
}

export class Unconfirmed {
  readonly #read: Database.Statement<[], HeldRow>;
  readonly #hold: Database.Statement<[string, number, number, string]>;
  readonly #settle: Database.Statement<[]>;

  constructor(database: Database.Database) {
    this.#read = database.prepare<[], HeldRow>('SELECT document, until, wait, who FROM unconfirmed');
    this.#hold = database.prepare(
      `INSERT INTO unconfirmed (only, document, until, wait, who) VALUES (1, ?, ?, ?, ?) ON CONFLICT DO UPDATE
       SET document = excluded.document, until = excluded.until, wait = excluded.wait, who = excluded.who`,
    );
    this.#settle = database.prepare('DELETE FROM unconfirmed');
  }

  read(): Held | undefined {
    const row = this.#read.get();
    return row && { document: row.document, until_ms: row.until, wait_ms: row.wait, who: row.who };
  }

  hold({ document, until_ms, wait_ms, who }: Held): void {
    this.#hold.run(document, until_ms, wait_ms, who);
  }

  /** Nothing waits any more. Gives whether something did. */
  settle(): boolean {
    return this.#settle.run().changes > 0;
  }
}

type AccessSections = Pick<Settings, 'api' | 'interfaces' | 'routing'>;

/** The sections that decide whether and from where the box is reached. */
export function accessSections({ api, interfaces, routing }: Settings): AccessSections {
  return { api, interfaces, routing };
}

/** JSON pointers of where these sections differ. */
export function changedAccess(before: Settings, after: Settings): string[] {
  return changedFields(accessSections(before), accessSections(after));
}
