/**
 * Who changed what, and when: which fields of a document, never their values. Bounded. Every function here is a part
 * of the caller's transaction.
 */
import type Database from 'better-sqlite3';

/** Entries beyond these are forgotten, the oldest first. */
export const MAX_AUDIT_ENTRIES = 10_000;
/** One entry names at most so many fields. */
const MAX_FIELDS = 100;

export interface AuditEntry {
  id: number;
  /** ISO 8601 */
  at: string;
  who: string;
  action: 'put' | 'delete';
  /** As in the API: 'settings', 'users/alice'. */
  resource: string;
  /** JSON pointers of what changed. */
  fields: string[];
}

interface AuditRow extends Omit<AuditEntry, 'at' | 'fields'> {
  at: number;
  fields: string;
}

export class Audit {
  readonly #insert: Database.Statement<[number, string, string, string, string]>;
  readonly #forget: Database.Statement<[number]>;
  readonly #page: Database.Statement<[number, number], AuditRow>;
  readonly #last: Database.Statement<[string], AuditRow>;

  constructor(database: Database.Database) {
    this.#insert = database.prepare('INSERT INTO audit (at, who, action, resource, fields) VALUES (?, ?, ?, ?, ?)');
    this.#forget = database.prepare('DELETE FROM audit WHERE id <= ?');
    this.#page = database.prepare<[number, number], AuditRow>(
      'SELECT * FROM audit WHERE id < ? ORDER BY id DESC LIMIT ?',
    );
    this.#last = database.prepare<[string], AuditRow>(
      "SELECT * FROM audit WHERE resource IN (?, 'backup') ORDER BY id DESC LIMIT 1",
    );
  }

  /** `at_ms` is Unix time. */
  note(at_ms: number, entry: Pick<AuditEntry, 'who' | 'action' | 'resource' | 'fields'>): void {
    const fields = JSON.stringify(entry.fields.slice(0, MAX_FIELDS));
    const { lastInsertRowid } = this.#insert.run(at_ms, entry.who, entry.action, entry.resource, fields);
    this.#forget.run(Number(lastInsertRowid) - MAX_AUDIT_ENTRIES);
  }

  /** The newest entries first, at most `limit`, with ids below `before`. */
  newest(limit: number, before = Number.MAX_SAFE_INTEGER): AuditEntry[] {
    return this.#page.all(before, limit).map(entryOf);
  }

  /** The last change of this resource that is on record; a backup that was restored has changed all of them. */
  last(resource: string): AuditEntry | undefined {
    const row = this.#last.get(resource);
    return row && entryOf(row);
  }
}

function entryOf(row: AuditRow): AuditEntry {
  return { ...row, at: new Date(row.at).toISOString(), fields: JSON.parse(row.fields) as string[] };
}

/** JSON pointers of where two documents differ. */
export function changedFields(before: unknown, after: unknown, at = ''): string[] {
  if (Object.is(before, after)) return [];
  if (!isObject(before) || !isObject(after)) return [at];
  const names = new Set([...Object.keys(before), ...Object.keys(after)]);
  const fields: string[] = [];
  for (const name of names) {
    const pointer = `${at}/${name.replace(/~/g, '~0').replace(/\//g, '~1')}`;
    fields.push(...changedFields(before[name], after[name], pointer));
  }
  return fields;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
