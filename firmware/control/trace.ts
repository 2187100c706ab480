/**
 * The last lines of all calls' traces, in memory, and those who listen to new ones. Bounded: the oldest go first.
 * A call makes some 25 lines, and mostly nobody reads them: a line is kept as entries of columns, in which it takes half
 * of what an object takes, and made whole and put into words when it is read.
 */

import { pppDetail } from '../roles/describe-ppp.js';
import type { PppPacket, RoleName, TraceRecord } from '../roles/role.js';
import type { CallStepRecord } from './view.js';

/** What is known of a line at once. */
export interface TraceKey {
  sequence: number;
  step: number;
  tunnelId: number;
  sessionId: number;
  callId: number;
  what: string;
}

const DIRECTION = {
  sent: 'sent',
  received: 'received',
  question: 'within',
  answer: 'within',
  note: 'within',
} as const;

/** Of a PPP packet that waits for its reader: hardly one is longer, and such a one is put into words at once. */
const MAX_PACKET_BYTES = 64;
const NO_DETAIL = {};

export class Trace {
  readonly #capacity: number;
  /** Of the newest line. Line n is entry n % capacity of each column. */
  #sequence = 0;
  readonly #times_ms: Float64Array;
  readonly #steps: Uint8Array;
  readonly #tunnelIds: Uint32Array;
  readonly #sessionIds: Uint32Array;
  readonly #callIds: Uint32Array;
  readonly #roles: RoleName[] = [];
  readonly #kinds: TraceRecord['kind'][] = [];
  readonly #users: string[] = [];
  readonly #peerAddresses: string[] = [];
  readonly #labels: string[] = [];
  readonly #details: Readonly<Record<string, unknown>>[] = [];
  /** Of PPP packets that are not in words: their octets, how many there are (0: it is no such line), their protocol. */
  readonly #packets: Uint8Array;
  readonly #packetLengths_bytes: Uint8Array;
  readonly #protocols: Uint16Array;
  readonly #listeners = new Set<(record: CallStepRecord) => void>();

  /** Keeps the last `capacity` lines. */
  constructor(capacity: number) {
    this.#capacity = capacity;
    this.#times_ms = new Float64Array(capacity);
    this.#steps = new Uint8Array(capacity);
    this.#tunnelIds = new Uint32Array(capacity);
    this.#sessionIds = new Uint32Array(capacity);
    this.#callIds = new Uint32Array(capacity);
    this.#packets = new Uint8Array(capacity * MAX_PACKET_BYTES);
    this.#packetLengths_bytes = new Uint8Array(capacity);
    this.#protocols = new Uint16Array(capacity);
  }

  /** `wallClock_ms` is the record's Unix time. */
  add(record: TraceRecord, wallClock_ms: number): void {
    this.#sequence += 1;
    const at = this.#sequence % this.#capacity;
    this.#times_ms[at] = wallClock_ms;
    this.#steps[at] = record.step;
    this.#tunnelIds[at] = record.tunnelId;
    this.#sessionIds[at] = record.sessionId;
    this.#callIds[at] = record.callId;
    this.#roles[at] = record.role ?? 'lns';
    this.#kinds[at] = record.kind;
    this.#users[at] = record.user;
    this.#peerAddresses[at] = record.peerAddress;
    this.#labels[at] = record.label;
    this.#keepDetail(at, record.detail, record.packet);
    if (this.#listeners.size === 0) return;
    const line = this.#line(this.#sequence);
    for (const listener of this.#listeners) listener(line);
  }

  /** The newest lines, at most `limit`, oldest first. */
  last(limit: number): CallStepRecord[] {
    const length = Math.min(limit, this.#capacity, this.#sequence);
    return Array.from({ length }, (_, index) => this.#line(this.#sequence - length + 1 + index));
  }

  /** Of the newest line; 0 before there is one. */
  get newest(): number {
    return this.#sequence;
  }

  /** Of the oldest line that is still here. */
  get oldest(): number {
    return Math.max(1, this.#sequence - this.#capacity + 1);
  }

  /** Lines from `from` to `to` that `isWanted` by what is known of them without putting them into words. */
  select(from: number, to: number, isWanted: (line: TraceKey) => boolean): CallStepRecord[] {
    const found: CallStepRecord[] = [];
    const key: TraceKey = { sequence: 0, step: 0, tunnelId: 0, sessionId: 0, callId: 0, what: '' };
    for (let sequence = Math.max(from, this.oldest); sequence <= Math.min(to, this.#sequence); sequence++) {
      const at = sequence % this.#capacity;
      key.sequence = sequence;
      key.step = this.#steps[at];
      key.tunnelId = this.#tunnelIds[at];
      key.sessionId = this.#sessionIds[at];
      key.callId = this.#callIds[at];
      key.what = this.#labels[at];
      if (isWanted(key)) found.push(this.#line(sequence));
    }
    return found;
  }

  /** Calls `listener` for every new line until the returned function is called. */
  subscribe(listener: (record: CallStepRecord) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #keepDetail(at: number, detail: Readonly<Record<string, unknown>>, packet: PppPacket | undefined): void {
    this.#packetLengths_bytes[at] = 0;
    if (packet === undefined) {
      this.#details[at] = detail;
      return;
    }
    const { protocol, octets } = packet;
    if (octets.length === 0 || octets.length > MAX_PACKET_BYTES) {
      this.#details[at] = pppDetail(protocol, octets);
      return;
    }
    this.#details[at] = NO_DETAIL;
    this.#protocols[at] = protocol;
    this.#packetLengths_bytes[at] = octets.length;
    this.#packets.set(octets, at * MAX_PACKET_BYTES);
  }

  #detailOf(at: number): Readonly<Record<string, unknown>> {
    const length_bytes = this.#packetLengths_bytes[at];
    if (length_bytes === 0) return this.#details[at];
    const from = at * MAX_PACKET_BYTES;
    return pppDetail(this.#protocols[at], this.#packets.subarray(from, from + length_bytes));
  }

  #line(sequence: number): CallStepRecord {
    const at = sequence % this.#capacity;
    return {
      sequence,
      time: new Date(this.#times_ms[at]).toISOString(),
      step: this.#steps[at],
      role: this.#roles[at],
      tunnelId: this.#tunnelIds[at],
      sessionId: this.#sessionIds[at],
      callId: this.#callIds[at],
      user: this.#users[at],
      peerAddress: this.#peerAddresses[at],
      direction: DIRECTION[this.#kinds[at]],
      what: this.#labels[at],
      detail: inWords(this.#detailOf(at)),
    };
  }
}

/** `hostName=lac, assignedTunnelId=7`; a value that says nothing is left out. */
function inWords(detail: Readonly<Record<string, unknown>>): string {
  const words: string[] = [];
  for (const [name, value] of Object.entries(detail)) {
    if (value === '' || value === undefined) continue;
    if (name === 'options' && Array.isArray(value)) {
      words.push(value.join(', '));
    } else words.push(`${name}=${typeof value === 'object' ? inBrackets(value) : value}`);
  }
  return words.join(', ');
}

function inBrackets(value: object | null): string {
  return value === null ? '' : `(${inWords(value as Record<string, unknown>)})`;
}
