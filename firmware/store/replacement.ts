/**
 * Puts other documents in the place of all that are stored, with the addresses that follow from them. Every function here is
 * a part of the caller's transaction. Must not check what it writes.
 */
import type Database from 'better-sqlite3';
import { ipv4Number, type Pool, type User } from '../settings.js';
import { dissolvePool, forgetUsers, layOutPool, reserveAddresses } from './addresses.js';

export interface Replacement {
  pools: readonly Pool[];
  /** Those that are new or changed, with the document as it is stored. */
  users: ReadonlyMap<string, { user: User; document: string }>;
  /** Names of all users that there are to be. */
  names: ReadonlySet<string>;
}

/** Gives the names of the users that are gone. */
export function replacePoolsAndUsers(database: Database.Database, { pools, users, names }: Replacement): string[] {
  const present = database.prepare<[], string>('SELECT name FROM user').pluck().all();
  const gone = present.filter((name) => !names.has(name));
  replacePools(database, pools);
  const drop = database.prepare<[string]>('DELETE FROM user WHERE name = ?');
  // Addresses may move from one user to the other.
  for (const name of [...gone, ...users.keys()]) drop.run(name);
  const write = database.prepare<[string, string, number | null, string | null]>(
    'INSERT INTO user VALUES (?, ?, ?, ?)',
  );
  for (const [name, { user, document }] of users) {
    write.run(
      name,
      document,
      user.fixedAddress === undefined ? null : ipv4Number(user.fixedAddress),
      user.pool ?? null,
    );
  }
  reserveAddresses(database);
  forgetUsers(database, gone);
  return gone;
}

function replacePools(database: Database.Database, pools: readonly Pool[]): void {
  const wanted = new Map(pools.map((pool) => [pool.name, JSON.stringify(pool)]));
  const drop = database.prepare<[string]>('DELETE FROM pool WHERE name = ?');
  const present = database.prepare<[], { name: string; document: string }>('SELECT name, document FROM pool').all();
  for (const { name, document } of present) {
    if (wanted.get(name) === document) wanted.delete(name);
    else if (!wanted.has(name)) {
      drop.run(name);
      dissolvePool(database, name);
    }
  }
  const write = database.prepare<[string, string]>(
    'INSERT INTO pool VALUES (?, ?) ON CONFLICT DO UPDATE SET document = excluded.document',
  );
  for (const pool of pools) {
    const document = wanted.get(pool.name);
    if (document === undefined) continue;
    write.run(pool.name, document);
    layOutPool(database, pool);
  }
}
