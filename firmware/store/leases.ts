/**
 * Leases of addresses: who has which, taken and freed by an index and never by a scan. Must not decide which pool a
 * user belongs to, nor read documents.
 *
 * A call has at most one lease, an address at most one call; both are unique indices, so that no mistake here can give
 * an address to two.
 */
import type Database from 'better-sqlite3';
import { ipv4FromNumber, ipv4Number } from '../settings.js';
import type { Turn } from './turn.js';

/** A call is named by a number that no other living call has. */
export interface Lease {
  callId: number;
  user: string;
  address: string;
  /** '' when the address is in no pool. */
  pool: string;
}

export type LeaseResult =
  | { leased: true; address: string }
  | { leased: false; why: 'pool-exhausted' }
  | { leased: false; why: 'address-in-use'; holder: number };

/** An address of a pool that is not simply free. */
export interface UsedAddress {
  address: string;
  /** Who has it, whose own it is, or who had it last. */
  user: string;
  state: 'leased' | 'reserved' | 'last-had';
  /** 0: no call has it. */
  callId: number;
}

interface UsedRow {
  address: number;
  owner: string | null;
  user: string | null;
  call: number | null;
}

interface LeaseRow {
  call: number;
  user: string;
  address: number;
  pool: string | null;
}

const FREE = 'call IS NULL AND owner IS NULL';

function prepare(database: Database.Database) {
  return {
    ofCall: database.prepare<[number], number>('SELECT address FROM address WHERE call = ?').pluck(),
    last: database
      .prepare<[string, string], number>(
        `SELECT address FROM address WHERE user = ? AND pool = ? AND ${FREE} ORDER BY released DESC LIMIT 1`,
      )
      .pluck(),
    leastRecentlyUsed: database
      .prepare<[string], number>(
        `SELECT address FROM address WHERE pool = ? AND ${FREE} ORDER BY released, address LIMIT 1`,
      )
      .pluck(),
    take: database.prepare<[number, string, number]>('UPDATE address SET call = ?, user = ? WHERE address = ?'),
    holder: database.prepare<[number], number | null>('SELECT call FROM address WHERE address = ?').pluck(),
    takeFixed: database.prepare<[number, number, string, string]>(
      `INSERT INTO address (address, call, user, owner) VALUES (?, ?, ?, ?)
       ON CONFLICT (address) DO UPDATE SET call = excluded.call, user = excluded.user, owner = excluded.owner`,
    ),
    free: database.prepare<[number, number]>('UPDATE address SET call = NULL, released = ? WHERE call = ?'),
    sweep: database.prepare<[number]>('DELETE FROM address WHERE address = ? AND pool IS NULL AND call IS NULL'),
    list: database.prepare<[], LeaseRow>(
      'SELECT call, user, address, pool FROM address WHERE call IS NOT NULL ORDER BY address',
    ),
    page: database.prepare<[string, number, number], UsedRow>(
      `SELECT address, owner, user, call FROM address
       WHERE pool = ? AND address > ? AND (call IS NOT NULL OR owner IS NOT NULL OR user IS NOT NULL)
       ORDER BY address LIMIT ?`,
    ),
    stranded: database
      .prepare<[], number>(
        `SELECT call FROM address
         WHERE call IS NOT NULL AND (owner <> user OR (pool IS NULL AND owner IS NULL)) ORDER BY call`,
      )
      .pluck(),
    usage: database.prepare<[], { pool: string; leased: number }>(
      'SELECT pool, count(*) AS leased FROM address WHERE call IS NOT NULL AND pool IS NOT NULL GROUP BY pool',
    ),
    newest: database.prepare<[], number>('SELECT coalesce(max(released), 0) FROM address').pluck(),
  };
}

export class Leases {
  readonly #turn: Turn;
  readonly #sql: ReturnType<typeof prepare>;
  #released: number;

  constructor(database: Database.Database, turn: Turn) {
    this.#turn = turn;
    this.#sql = prepare(database);
    this.#released = this.#sql.newest.get() ?? 0;
  }

  /**
   * Leases an address of `pool` to a call: with `sticky` the one that the user had last if it is free, otherwise the
   * one that has been free for longest. A call that has one keeps it. A fixed address of a user is nobody else's.
   */
  lease(request: { callId: number; user: string; pool: string; sticky: boolean }): LeaseResult {
    return this.#turn.write(() => {
      const { callId, user, pool, sticky } = request;
      const present = this.#sql.ofCall.get(callId);
      if (present !== undefined) return { leased: true, address: ipv4FromNumber(present) };
      const last = sticky ? this.#sql.last.get(user, pool) : undefined;
      const address = last ?? this.#sql.leastRecentlyUsed.get(pool);
      if (address === undefined) return { leased: false, why: 'pool-exhausted' };
      this.#sql.take.run(callId, user, address);
      return { leased: true, address: ipv4FromNumber(address) };
    });
  }

  /**
   * Leases this very address, in a pool or outside of all, to a call of the user whose fixed address it is. What the
   * call had before is freed.
   */
  leaseFixed(request: { callId: number; user: string; address: string }): LeaseResult {
    return this.#turn.write(() => {
      const { callId, user, address } = request;
      const holder = this.#sql.holder.get(ipv4Number(address));
      if (holder === callId) return { leased: true, address };
      if (typeof holder === 'number') return { leased: false, why: 'address-in-use', holder };
      this.release(callId);
      this.#sql.takeFixed.run(ipv4Number(address), callId, user, user);
      return { leased: true, address };
    });
  }

  /** Frees what the call has; false when it has nothing. */
  release(callId: number): boolean {
    return this.#turn.write(() => {
      const address = this.#sql.ofCall.get(callId);
      if (address === undefined) return false;
      this.#released += 1;
      this.#sql.free.run(this.#released, callId);
      this.#sql.sweep.run(address);
      return true;
    });
  }

  list(): Lease[] {
    return this.#sql.list.all().map(({ call, user, address, pool }) => {
      return { callId: call, user, address: ipv4FromNumber(address), pool: pool ?? '' };
    });
  }

  /** Of `pool`, in their order, at most `limit`, after the address that is this number. */
  page(pool: string, after: number, limit: number): UsedAddress[] {
    return this.#sql.page.all(pool, after, limit).map(({ address, owner, user, call }) => ({
      address: ipv4FromNumber(address),
      user: (call === null ? (owner ?? user) : user) ?? '',
      state: call !== null ? 'leased' : owner !== null ? 'reserved' : 'last-had',
      callId: call ?? 0,
    }));
  }

  /** Calls on addresses that have left their pool, or have become another user's own. */
  stranded(): number[] {
    return this.#sql.stranded.all();
  }

  /** Leased addresses by pool; a pool with none is not in it. */
  leasedByPool(): Map<string, number> {
    return new Map(this.#sql.usage.all().map(({ pool, leased }) => [pool, leased]));
  }
}
