/**
 * The history of calls, bounded: which, when, for whom, how much, why they ended. Must not know the protocols.
 */
import type Database from 'better-sqlite3';
import type { Turn } from './turn.js';

/** Ended calls beyond these are forgotten, the oldest first. */
export const MAX_CALLS = 20_000;
/** Forgetting goes over a part of the table, so it is done once for so many calls. */
const STARTS_PER_CLEANING = 256;

export interface CallStart {
  /** A number that no other living call has. */
  callId: number;
  role: 'lns' | 'lac' | 'lac-client';
  user: string;
  address: string;
  peerAddress: string;
  callingNumber: string;
  sessionId: number;
  tunnelId: number;
}

/** Counted as in RFC 2866 sections 5.3 to 5.6, received = from the peer. */
export interface CallCounters {
  receivedPackets: number;
  receivedOctets: number;
  sentPackets: number;
  sentOctets: number;
}

/** Times are ISO 8601; endedAt is '' while the call lives. */
export interface CallRecord extends Omit<CallStart, 'callId'>, CallCounters {
  /** Grows with each call, over restarts too. */
  id: number;
  startedAt: string;
  endedAt: string;
  cause: string;
}

/** Which calls of the history; '' for any. */
export interface CallPage {
  limit: number;
  /** With ids below and above these. */
  before: number;
  after: number;
  user: string;
  address: string;
}

interface CallRow {
  id: number;
  role: CallStart['role'];
  user: string;
  address: string;
  peer_address: string;
  calling_number: string;
  session_id: number;
  tunnel_id: number;
  started_at: number;
  ended_at: number | null;
  cause: string | null;
  received_packets: number | null;
  received_octets: number | null;
  sent_packets: number | null;
  sent_octets: number | null;
}

export class Calls {
  readonly #turn: Turn;
  readonly #clock: () => number;
  readonly #insert: Database.Statement;
  readonly #end: Database.Statement;
  readonly #forget: Database.Statement<[number]>;
  readonly #page: Database.Statement<[CallPage], CallRow>;
  #starts = 0;

  /** `clock` gives Unix time in ms. */
  constructor(database: Database.Database, turn: Turn, clock: () => number) {
    this.#turn = turn;
    this.#clock = clock;
    this.#insert = database.prepare(
      `INSERT INTO call (call, role, user, address, peer_address, calling_number, session_id, tunnel_id, started_at)
       VALUES (@callId, @role, @user, @address, @peerAddress, @callingNumber, @sessionId, @tunnelId, @startedAt)`,
    );
    this.#end = database.prepare(
      `UPDATE call SET ended_at = @endedAt, cause = @cause, received_packets = @receivedPackets,
         received_octets = @receivedOctets, sent_packets = @sentPackets, sent_octets = @sentOctets
       WHERE call = @callId AND ended_at IS NULL`,
    );
    this.#forget = database.prepare('DELETE FROM call WHERE id <= ? AND ended_at IS NOT NULL');
    this.#page = database.prepare<[CallPage], CallRow>(
      `SELECT * FROM call
       WHERE id < @before AND id > @after AND (@user = '' OR user = @user) AND (@address = '' OR address = @address)
       ORDER BY id DESC LIMIT @limit`,
    );
  }

  /** Records that a call stands. */
  started(call: CallStart): void {
    this.#turn.write(() => {
      const { lastInsertRowid } = this.#insert.run({ ...call, startedAt: this.#clock() });
      if (this.#starts++ % STARTS_PER_CLEANING === 0) this.#forget.run(Number(lastInsertRowid) - MAX_CALLS);
    });
  }

  /** Records a call's end; `cause` is in words. A call that was never recorded as standing is left out. */
  ended(callId: number, cause: string, counters: CallCounters): void {
    this.#turn.write(() => {
      this.#end.run({ callId, cause, endedAt: this.#clock(), ...counters });
    });
  }

  /** The newest calls first, at most `limit`, of those that `page` asks for. */
  newest(limit: number, page: Partial<Omit<CallPage, 'limit'>> = {}): CallRecord[] {
    const all = { before: Number.MAX_SAFE_INTEGER, after: 0, user: '', address: '' };
    return this.#page.all({ ...all, ...page, limit }).map((row) => ({
      id: row.id,
      role: row.role,
      user: row.user,
      address: row.address,
      peerAddress: row.peer_address,
      callingNumber: row.calling_number,
      sessionId: row.session_id,
      tunnelId: row.tunnel_id,
      startedAt: new Date(row.started_at).toISOString(),
      endedAt: row.ended_at === null ? '' : new Date(row.ended_at).toISOString(),
      cause: row.cause ?? '',
      receivedPackets: row.received_packets ?? 0,
      receivedOctets: row.received_octets ?? 0,
      sentPackets: row.sent_packets ?? 0,
      sentOctets: row.sent_octets ?? 0,
    }));
  }
}
