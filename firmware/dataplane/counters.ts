/**
 * The memory that the worker writes and the main thread reads: how many packets were dropped for each reason, and what
 * each session has carried. Must not decide what is counted.
 *
 *   Int32    [4]                    handled, rows, moves within the index, unused
 *   Float64  [DROP_REASONS.length]  packets dropped, by reason
 *   Float64  [rows][4]              received packets, received octets, sent packets, sent octets, by row
 *   Uint32   [rows]                 the generation of the session in a row
 *   Uint32   [rows]                 the ID of the session in a row
 *   Uint16   [slots]                the index: which row a session ID has
 *
 * Numbers are doubles, exact up to 2**53. On a 32-bit machine a reader may see half of a store: what must be exact, the
 * last counters of a session, comes as a report.
 */
import { DROP_REASONS, type DropReason } from './drop-reasons.js';
import { SessionIndex } from './session-index.js';

/**
 * What a session has carried: IP packets that went through, and the octets of those packets (RFC 2866 section 5.3 f); of
 * an Ethernet pseudowire, frames, and the octets of those frames as the TAP device has them.
 */
export interface SessionCounters {
  receivedPackets: number;
  receivedOctets: number;
  sentPackets: number;
  sentOctets: number;
}

const HEADER_BYTES = 16;
const MOVES_AT = 2;
const COUNTERS_PER_ROW = 4;

/** Views of one shared memory. Row 0 belongs to nobody. */
export interface CounterViews {
  /** [0] counts the reports that the main thread has handled; [1] is the number of rows. */
  header: Int32Array;
  drops: Float64Array;
  /** Four for each row: received packets, received octets, sent packets, sent octets. */
  sessions: Float64Array;
  generations: Uint32Array;
  sessionIds: Uint32Array;
  index: SessionIndex;
}

/** Makes the memory for `maxSessions` sessions, all zero. */
export function createCounters(maxSessions: number): SharedArrayBuffer {
  const rows = maxSessions + 1;
  const { end } = layout(rows);
  const memory = new SharedArrayBuffer(end);
  new Int32Array(memory)[1] = rows;
  return memory;
}

function layout(rows: number) {
  const drops = HEADER_BYTES;
  const sessions = drops + DROP_REASONS.length * Float64Array.BYTES_PER_ELEMENT;
  const generations = sessions + rows * COUNTERS_PER_ROW * Float64Array.BYTES_PER_ELEMENT;
  const sessionIds = generations + rows * Uint32Array.BYTES_PER_ELEMENT;
  const slots = sessionIds + rows * Uint32Array.BYTES_PER_ELEMENT;
  const slotCount = SessionIndex.slotsFor(rows);
  const end = slots + slotCount * Uint16Array.BYTES_PER_ELEMENT;
  return { drops, sessions, generations, sessionIds, slots, slotCount, end };
}

const known = new WeakMap<SharedArrayBuffer, CounterViews>();

/** The views of a memory that createCounters made, in this thread or in another. */
export function viewCounters(memory: SharedArrayBuffer): CounterViews {
  let views = known.get(memory);
  if (views === undefined) {
    const header = new Int32Array(memory, 0, HEADER_BYTES / Int32Array.BYTES_PER_ELEMENT);
    const rows = header[1];
    const at = layout(rows);
    views = {
      header,
      drops: new Float64Array(memory, at.drops, DROP_REASONS.length),
      sessions: new Float64Array(memory, at.sessions, rows * COUNTERS_PER_ROW),
      generations: new Uint32Array(memory, at.generations, rows),
      sessionIds: new Uint32Array(memory, at.sessionIds, rows),
      index: new SessionIndex(
        new Uint16Array(memory, at.slots, at.slotCount),
        new Int32Array(memory, at.sessionIds, rows),
        header.subarray(MOVES_AT, MOVES_AT + 1),
      ),
    };
    known.set(memory, views);
  }
  return views;
}

/** How many packets were dropped since the start, for every reason. */
export function readDropCounters(memory: SharedArrayBuffer): Record<DropReason, number> {
  const { drops } = viewCounters(memory);
  return Object.fromEntries(DROP_REASONS.map(({ name }, index) => [name, drops[index]])) as Record<DropReason, number>;
}

/**
 * What a session has carried so far; undefined when the packet path has no session of this ID and generation. A
 * `receivedPackets` that grew means that the peer lives. Right at any time: a row that another session takes over
 * meanwhile has that one's generation before it has its counters.
 */
export function readSessionCounters(
  memory: SharedArrayBuffer,
  sessionId: number,
  generation: number,
): SessionCounters | undefined {
  const { index, generations, sessions } = viewCounters(memory);
  const row = index.readRow(sessionId | 0);
  if (row === 0 || Atomics.load(generations, row) !== generation) return undefined;
  const counters = sessionCountersOfRow(sessions, row);
  return Atomics.load(generations, row) === generation ? counters : undefined;
}

/** A session whose peer has sent something, and what has gone to it. */
export interface ActiveSession {
  sessionId: number;
  generation: number;
  sentPackets: number;
}

/** Which sessions live, in one pass over the rows in the order in which they lie in memory. */
export class ActivityReader {
  readonly #views: CounterViews;
  /** As last read: whose row it was, and what had come. */
  readonly #generations: Uint32Array;
  readonly #receivedPackets: Float64Array;
  readonly #receivedOctets: Float64Array;
  readonly #sentOctets: Float64Array;
  #received = 0;
  #sent = 0;

  constructor(memory: SharedArrayBuffer) {
    this.#views = viewCounters(memory);
    this.#generations = new Uint32Array(this.#views.generations.length);
    const rows = this.#views.generations.length;
    this.#receivedPackets = new Float64Array(rows);
    this.#receivedOctets = new Float64Array(rows);
    this.#sentOctets = new Float64Array(rows);
  }

  /** What all sessions together have carried since the start, those that are gone too, as of the last `read`. */
  get octets(): { received: number; sent: number } {
    return { received: this.#received, sent: this.#sent };
  }

  /** Those that got packets from their peer since last asked. */
  read(): ActiveSession[] {
    const { sessions, sessionIds, generations } = this.#views;
    const active: ActiveSession[] = [];
    // Rows that were never in use come last, and have no session ID.
    for (let row = 1; row < sessionIds.length && sessionIds[row] !== 0; row++) {
      const generation = generations[row];
      const receivedPackets = sessions[row * COUNTERS_PER_ROW];
      const isSame = this.#generations[row] === generation;
      const before = isSame ? this.#receivedPackets[row] : 0;
      this.#noteOctets(row, isSame);
      this.#generations[row] = generation;
      this.#receivedPackets[row] = receivedPackets;
      if (receivedPackets === before) continue;
      const { sentPackets } = sessionCountersOfRow(sessions, row);
      active.push({ sessionId: sessionIds[row], generation, sentPackets });
    }
    return active;
  }

  #noteOctets(row: number, isSame: boolean): void {
    const { sessions } = this.#views;
    const received = sessions[row * COUNTERS_PER_ROW + 1];
    const sent = sessions[row * COUNTERS_PER_ROW + 3];
    this.#received += Math.max(0, received - (isSame ? this.#receivedOctets[row] : 0));
    this.#sent += Math.max(0, sent - (isSame ? this.#sentOctets[row] : 0));
    this.#receivedOctets[row] = received;
    this.#sentOctets[row] = sent;
  }
}

export function sessionCountersOfRow(sessions: Float64Array, row: number): SessionCounters {
  const at = row * COUNTERS_PER_ROW;
  return {
    receivedPackets: sessions[at],
    receivedOctets: sessions[at + 1],
    sentPackets: sessions[at + 2],
    sentOctets: sessions[at + 3],
  };
}
