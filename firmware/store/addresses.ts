/**
 * Keeps the rows of table `address` in step with pools and users as they are written. Must not lease: leases.ts does.
 * Every function here is a part of the caller's transaction.
 */
import type Database from 'better-sqlite3';
import { ipv4Number, type Pool, type User } from '../settings.js';

/** How many addresses a pool can lease. */
export function poolSize(pool: Pool): number {
  const excluded = new Set(pool.excluded.map(ipv4Number));
  let size = 0;
  for (const { first, last } of pool.ranges) {
    size += ipv4Number(last) - ipv4Number(first) + 1;
    for (const address of excluded) if (address >= ipv4Number(first) && address <= ipv4Number(last)) size -= 1;
  }
  return size;
}

/** Gives `pool` its addresses. An address that it loses while leased stays with its call and goes away with it. */
export function layOutPool(database: Database.Database, pool: Pool): void {
  const wanted = addressesOf(pool);
  const present = database.prepare<[string], number>('SELECT address FROM address WHERE pool = ?').pluck();
  const drop = database.prepare('UPDATE address SET pool = NULL WHERE address = ?');
  for (const address of present.all(pool.name)) if (!wanted.delete(address)) drop.run(address);
  const add = database.prepare(
    'INSERT INTO address (address, pool) VALUES (?, ?) ON CONFLICT (address) DO UPDATE SET pool = excluded.pool',
  );
  for (const address of wanted) add.run(address, pool.name);
  database
    .prepare(
      `UPDATE address SET owner = user.name FROM user
       WHERE user.fixed_address = address.address AND address.pool = ?`,
    )
    .run(pool.name);
  sweep(database);
}

/** Takes the pool's addresses away. */
export function dissolvePool(database: Database.Database, name: string): void {
  database.prepare('UPDATE address SET pool = NULL WHERE pool = ?').run(name);
  sweep(database);
}

/** Reserves the user's fixed address, and frees the one it had. */
export function reserveAddress(database: Database.Database, user: User): void {
  database.prepare('UPDATE address SET owner = NULL WHERE owner = ?').run(user.name);
  if (user.fixedAddress !== undefined) {
    database.prepare('UPDATE address SET owner = ? WHERE address = ?').run(user.name, ipv4Number(user.fixedAddress));
  }
  sweep(database);
}

/** Reserves the fixed addresses of all users anew. */
export function reserveAddresses(database: Database.Database): void {
  database.prepare('UPDATE address SET owner = NULL WHERE owner IS NOT NULL').run();
  database.prepare('UPDATE address SET owner = user.name FROM user WHERE user.fixed_address = address.address').run();
  sweep(database);
}

/** Forgets these users, however many they are: no address is kept for them. */
export function forgetUsers(database: Database.Database, names: readonly string[]): void {
  database
    .prepare('UPDATE address SET user = NULL WHERE call IS NULL AND user IN (SELECT value FROM json_each(?))')
    .run(JSON.stringify(names));
  sweep(database);
}

/** Forgets a user: no address is its own, none is kept for it. */
export function forgetUser(database: Database.Database, name: string): void {
  database.prepare('UPDATE address SET owner = NULL WHERE owner = ?').run(name);
  database.prepare('UPDATE address SET user = NULL WHERE user = ? AND call IS NULL').run(name);
  sweep(database);
}

/** Frees what calls have that no longer live, in the order of a release at `released`. */
export function freeAll(database: Database.Database, released: number): void {
  database.prepare('UPDATE address SET call = NULL, released = ? WHERE call IS NOT NULL').run(released);
  sweep(database);
}

function sweep(database: Database.Database): void {
  database.prepare('DELETE FROM address WHERE pool IS NULL AND call IS NULL').run();
}

function addressesOf(pool: Pool): Set<number> {
  const addresses = new Set<number>();
  for (const range of pool.ranges) {
    const last = ipv4Number(range.last);
    for (let address = ipv4Number(range.first); address <= last; address++) addresses.add(address);
  }
  for (const address of pool.excluded) addresses.delete(ipv4Number(address));
  return addresses;
}
