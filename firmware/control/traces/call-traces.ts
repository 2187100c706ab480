/**
 * Which calls the trace has lines of, how they went, and the lines of each: of the last calls as long as the trace has
 * them, of those that failed from the store. Must not draw a ladder, nor ask another box.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { CallInfo, TraceRecord } from '../../roles/role.js';
import type { FailedCalls } from '../../store/failed-calls.js';
import type { Trace, TraceKey } from '../trace.js';
import type { CallStepRecord } from '../view.js';
import { explain, type Failure } from './failure.js';
import type { LadderSide, Outcome } from './ladder.js';
import { isRequestOf, numbersIn, type RequestNumbers, sessionIdIn } from './request-numbers.js';

/** Lines of one call, and what one of them may say: more than any real call has. */
export const MAX_RECORDS = 2_000;
export const MAX_DETAIL_CHARACTERS = 8_192;

export interface CallTraceSummary {
  traceId: string;
  callId: number;
  /** ISO 8601; endedAt is '' while it lasts. */
  startedAt: string;
  endedAt: string;
  user: string;
  role: CallStepRecord['role'];
  peerAddress: string;
  callingNumber: string;
  outcome: Outcome;
  failure: Failure | null;
  /** Numbers of the steps that there are lines of. */
  steps: number[];
}

interface Known {
  callId: number;
  first: number;
  last: number;
  startedAt_ms: number;
  endedAt_ms: number;
  upAt_ms: number;
  user: string;
  role: CallStepRecord['role'];
  peerAddress: string;
  callingNumber: string;
  tunnelIds: number[];
  sessionIds: number[];
  /** Bit n is step n. */
  steps: number;
  outcome: Outcome;
  failure: Failure | null;
}

/** More calls than these are not known of, whatever the trace has. */
const MAX_CALLS = 8_192;
/** So many failed calls a minute are stored; a flood of them stays in memory alone. */
export const STORED_PER_MINUTE = 120;
/** A call that the LNS ends so soon after the LAC has handed it over did not come about. */
const SOON_MS = 15_000;
/** Calls of a list that are looked at before others have their turn. */
const SLICE = 200;
/** How far before a call's first line its tunnel's set-up is looked for. */
const LINES_BEFORE = 4_000;
const TUNNEL_BEFORE_MS = 10_000;

export class CallTraces {
  readonly #trace: Trace;
  readonly #store: FailedCalls;
  readonly #boot: number;
  /** By call ID, the oldest first. */
  readonly #calls = new Map<number, Known>();
  #minute = 0;
  #storedInMinute = 0;

  /** `boot` tells calls of this start of the program from those of others. */
  constructor(trace: Trace, store: FailedCalls, boot: number) {
    this.#trace = trace;
    this.#store = store;
    this.#boot = boot;
  }

  /** A line has been added to the trace. */
  note({ callId, role, peerAddress, step, tunnelId, sessionId, ...record }: TraceRecord, wallClock_ms: number): void {
    if (callId === 0) return;
    const known = this.#calls.get(callId) ?? this.#begin(callId, role ?? 'lns', wallClock_ms);
    known.last = this.#trace.newest;
    known.steps |= 1 << step;
    // Who is refused has no name of its own yet, and yet it was asked about.
    const asked = record.kind === 'question' ? record.detail.user : undefined;
    const user = record.user || (asked ?? record.detail.proxyAuthenName);
    if (typeof user === 'string' && user !== '') known.user = user;
    if (peerAddress !== '') known.peerAddress = peerAddress;
    if (tunnelId !== 0 && !known.tunnelIds.includes(tunnelId)) known.tunnelIds.push(tunnelId);
    if (sessionId !== 0 && !known.sessionIds.includes(sessionId)) known.sessionIds.push(sessionId);
  }

  #begin(callId: number, role: CallStepRecord['role'], startedAt_ms: number): Known {
    const sequence = this.#trace.newest;
    const known: Known = {
      ...{ callId, first: sequence, last: sequence, startedAt_ms, endedAt_ms: 0, upAt_ms: 0, user: '', role },
      ...{ peerAddress: '', callingNumber: '', tunnelIds: [], sessionIds: [], steps: 0 },
      ...{ outcome: 'in-progress', failure: null },
    };
    this.#calls.set(callId, known);
    for (const [oldest, { last }] of this.#calls) {
      if (last >= this.#trace.oldest && this.#calls.size <= MAX_CALLS) break;
      this.#calls.delete(oldest);
    }
    return known;
  }

  up({ callId, callingNumber }: CallInfo, wallClock_ms: number): void {
    const known = this.#calls.get(callId);
    if (known === undefined || known.outcome !== 'in-progress') return;
    known.outcome = 'up';
    known.upAt_ms = wallClock_ms;
    known.callingNumber = callingNumber;
  }

  /**
   * Within the turn that ends it: what failed is stored with it. Whether it `wasUp` is said, for a trace that is full may
   * have forgotten its beginning.
   */
  ended({ callId, callingNumber }: CallInfo, wasUp: boolean, wallClock_ms: number): void {
    const known = this.#calls.get(callId);
    if (known === undefined) return;
    known.endedAt_ms = wallClock_ms;
    known.callingNumber = callingNumber;
    known.outcome = 'ended';
    const isShort = known.role === 'lac' && wallClock_ms - known.upAt_ms < SOON_MS;
    if (wasUp && !isShort) return;
    const failure = explain(this.#recordsOf(known, 0)) ?? null;
    if (wasUp && failure?.code !== 'lns-hung-up') return;
    known.outcome = 'failed';
    known.failure = failure;
    if (!this.#mayStore(wallClock_ms)) return;
    this.#store.add(this.#traceId(callId), this.#summary(known), this.#recordsOf(known));
  }

  #mayStore(wallClock_ms: number): boolean {
    const minute = Math.floor(wallClock_ms / 60_000);
    if (minute !== this.#minute) this.#storedInMinute = 0;
    this.#minute = minute;
    this.#storedInMinute += 1;
    return this.#storedInMinute <= STORED_PER_MINUTE;
  }

  /** The newest first, at most `limit`, behind the trace `before` in that order. In slices: calls come up beside it. */
  async newest(
    limit: number,
    isWanted: (summary: CallTraceSummary) => boolean,
    before?: string,
  ): Promise<CallTraceSummary[]> {
    const found: CallTraceSummary[] = [];
    let isBehind = before === undefined;
    let seen = 0;
    for (const summary of this.#all()) {
      if (isBehind && isWanted(summary)) found.push(summary);
      if (found.length >= limit) break;
      isBehind ||= summary.traceId === before;
      seen += 1;
      if (seen % SLICE === 0) await nextTurn();
    }
    return found;
  }

  *#all(): Iterable<CallTraceSummary> {
    const inMemory = [...this.#calls.values()].reverse();
    const listed = new Set(inMemory.map(({ callId }) => this.#traceId(callId)));
    for (const known of inMemory) yield this.#summary(known);
    for (let page = this.#store.newest(SLICE); page.length > 0; page = this.#store.newest(SLICE, page.at(-1)?.id)) {
      for (const { trace, summary } of page) if (!listed.has(trace)) yield summary as CallTraceSummary;
    }
  }

  /** One box's side of the ladder; undefined when nothing is known of it (any more). `name` is this box's. */
  side(traceId: string, name: string): LadderSide | undefined {
    const [boot, callId] = traceId.split('-').map(Number);
    const known = boot === this.#boot ? this.#calls.get(callId ?? 0) : undefined;
    if (known !== undefined) {
      const { role, outcome } = known;
      return { name, role, source: 'here', callId: known.callId, outcome, records: this.#recordsOf(known) };
    }
    const stored = this.#store.find(traceId);
    if (stored === undefined) return undefined;
    const { role, callId: number, outcome } = stored.summary as CallTraceSummary;
    const records = stored.records as CallStepRecord[];
    return { name, role, source: 'here', callId: number, outcome, records };
  }

  /** What this box has traced, in this role, of the call that this ICRQ asks for. */
  atOtherEnd(request: CallStepRecord, role: 'lac' | 'lns'): readonly CallStepRecord[] {
    const traceId = this.findByRequest(role, numbersIn(request));
    return traceId === undefined ? [] : (this.side(traceId, '')?.records ?? []);
  }

  /** The call that came or went by an ICRQ with these numbers, as the box at its other end knows them. */
  findByRequest(role: 'lac' | 'lns', numbers: RequestNumbers): string | undefined {
    const direction = role === 'lns' ? 'received' : 'sent';
    const requests = this.#trace.select(this.#trace.oldest, this.#trace.newest, ({ what }) => what === 'ICRQ');
    const found = requests
      .filter((request) => request.direction === direction && isRequestOf(request, numbers))
      .findLast((request) => this.#isReplied(role, request, numbers.repliedSessionId));
    const known = found && this.#callOf(found);
    return known && this.#traceId(known.callId);
  }

  /** The LNS names its session in the ICRP; at the LNS itself the request's line has that number. */
  #isReplied(role: 'lac' | 'lns', request: CallStepRecord, repliedSessionId: number | undefined): boolean {
    if (repliedSessionId === undefined) return true;
    if (role === 'lns') return request.sessionId === repliedSessionId;
    const isReply = ({ what, sessionId, tunnelId }: TraceKey): boolean =>
      what === 'ICRP' && sessionId === request.sessionId && tunnelId === request.tunnelId;
    const replies = this.#trace.select(request.sequence, this.#trace.newest, isReply);
    return replies.some((reply) => sessionIdIn(reply) === repliedSessionId);
  }

  /** A message that begins a call is traced before the call has its number. */
  #callOf({ callId, sequence, sessionId, tunnelId }: CallStepRecord): Known | undefined {
    if (callId !== 0) return this.#calls.get(callId);
    return [...this.#calls.values()].find(
      ({ last, sessionIds, tunnelIds }) =>
        last >= sequence && sessionIds.includes(sessionId) && tunnelIds.includes(tunnelId),
    );
  }

  #recordsOf(known: Known, linesBefore = LINES_BEFORE): CallStepRecord[] {
    const { callId, role, first, last, startedAt_ms, tunnelIds, sessionIds } = known;
    const isWanted = (line: TraceKey): boolean => {
      if (line.callId !== 0 || !tunnelIds.includes(line.tunnelId)) return line.callId === callId;
      if (line.sessionId !== 0) return sessionIds.includes(line.sessionId);
      return line.step === 5 || (line.what === 'StopCCN' && line.sequence >= first);
    };
    const records = this.#trace.select(first - linesBefore, last, isWanted);
    // A tunnel that stood already was not opened for this call.
    const own = records.filter(
      ({ time, sequence }) =>
        sequence >= first || (role !== 'lac' && Date.parse(time) >= startedAt_ms - TUNNEL_BEFORE_MS),
    );
    return bounded(own);
  }

  #traceId(callId: number): string {
    return `${this.#boot}-${callId}`;
  }

  #summary(known: Known): CallTraceSummary {
    const { callId, user, role, peerAddress, callingNumber, outcome, failure } = known;
    return {
      ...{ traceId: this.#traceId(callId), callId, user, role, peerAddress, callingNumber, outcome, failure },
      startedAt: new Date(known.startedAt_ms).toISOString(),
      endedAt: known.endedAt_ms === 0 ? '' : new Date(known.endedAt_ms).toISOString(),
      steps: Array.from({ length: 14 }, (_, at) => at + 1).filter((step) => known.steps & (1 << step)),
    };
  }
}

/** A peer may talk as long as it likes: of too many lines the first and the last tell most. */
function bounded(records: CallStepRecord[]): CallStepRecord[] {
  const tooMany = records.length - MAX_RECORDS;
  if (tooMany > 0) records.splice(MAX_RECORDS / 2, tooMany);
  for (const record of records) record.detail = record.detail.slice(0, MAX_DETAIL_CHARACTERS);
  return records;
}
