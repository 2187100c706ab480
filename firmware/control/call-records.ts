/**
 * The calls that stand, beside what the packet path counts of them; their start and end go into the history. A call's
 * end is recorded when both its cause and its final counters are known, and so it is told to accounting. Must not end a
 * call itself.
 */

import type { ActiveSession, SessionCounters } from '../dataplane/interface.js';
import type { CallEnd, CallInfo } from '../roles/role.js';
import type { Store } from '../store/store.js';
import type { Accounting } from './accounting/accounting.js';
import type { CallLog } from './call-log.js';

/** Reads a live session's counters; undefined when the packet path has no such session. */
export type SessionCountersReader = (sessionId: number, generation: number) => SessionCounters | undefined;

/** A call that is up, and what has been seen of its traffic where it has a limit. */
export interface WatchedCall {
  info: CallInfo;
  readonly upAt_ms: number;
  /** As of the last look; -1 before. */
  octets: number;
  /** When octets passed last, as far as was looked. */
  active_ms: number;
  /** The end of a call takes its time; it is asked for once. */
  isOverdue: boolean;
}

interface LiveCall extends WatchedCall {
  hasPassedTraffic: boolean;
}

const NO_COUNTERS: SessionCounters = { receivedPackets: 0, receivedOctets: 0, sentPackets: 0, sentOctets: 0 };

export class CallRecords {
  readonly #store: Store;
  readonly #readCounters: SessionCountersReader;
  /** By call ID, in the order in which they came up. */
  readonly #live = new Map<number, LiveCall>();
  /** Ended, final counters not yet known; by call ID. */
  readonly #ending = new Map<number, { info: CallInfo; end: CallEnd }>();
  readonly #log: CallLog;
  readonly #accounting: Pick<Accounting, 'callUp' | 'callChanged' | 'callEnded'>;

  constructor(
    store: Store,
    readCounters: SessionCountersReader,
    log: CallLog,
    accounting: Pick<Accounting, 'callUp' | 'callChanged' | 'callEnded'>,
  ) {
    this.#accounting = accounting;
    this.#log = log;
    this.#store = store;
    this.#readCounters = readCounters;
  }

  /** A call has its address; a call that renegotiates is up again, and already on record. */
  up(info: CallInfo, now_ms: number): void {
    this.#accounting.callUp(info);
    const live = this.#live.get(info.callId);
    if (live !== undefined) {
      live.info = info;
      return;
    }
    this.#live.set(info.callId, {
      info,
      upAt_ms: now_ms,
      octets: -1,
      active_ms: now_ms,
      isOverdue: false,
      hasPassedTraffic: false,
    });
    this.#log.up(info);
    const { callId, role, userName, callingNumber, sessionId, tunnelId } = info;
    this.#store.calls.started({
      callId,
      role,
      user: userName,
      address: role === 'lac-client' ? info.localAddress : info.peerAddress,
      peerAddress: info.path.peerAddress || (info.pppoe?.peerMac ?? ''),
      callingNumber,
      sessionId,
      tunnelId,
    });
  }

  changed(info: CallInfo): void {
    const live = this.#live.get(info.callId);
    if (live === undefined) return;
    live.info = info;
    this.#accounting.callChanged(info);
  }

  /** The row is on its way out of the packet path, whose last counters will come to `removed`. */
  ended(info: CallInfo, end: CallEnd): void {
    this.#store.leases.release(info.callId);
    if (this.#live.delete(info.callId)) this.#ending.set(info.callId, { info, end });
  }

  /** `callId` is the generation of the row that was removed. */
  removed(callId: number, counters: SessionCounters): void {
    const ending = this.#ending.get(callId);
    if (ending === undefined) return;
    const { info, end } = ending;
    this.#ending.delete(callId);
    this.#log.ended(info, end, counters);
    this.#accounting.callEnded(info, end, counters);
    this.#store.calls.ended(callId, end.reason || `result ${end.resultCode}`, counters);
  }

  /** Whether final counters of calls that have ended are still to come. */
  get areEnding(): boolean {
    return this.#ending.size > 0;
  }

  live(callId: number): CallInfo | undefined {
    return this.#live.get(callId)?.info;
  }

  all(): Iterable<LiveCall> {
    return this.#live.values();
  }

  counters(info: CallInfo): SessionCounters {
    return this.#readCounters(info.sessionId, info.generation) ?? NO_COUNTERS;
  }

  /** Those of `active` that are calls, which got packets from their peer; `first`: now it has passed both ways for the first time. */
  *active(active: Iterable<ActiveSession>): Iterable<{ sessionId: number; first: boolean }> {
    for (const { sessionId, generation, sentPackets } of active) {
      const live = this.#live.get(generation);
      if (live?.info.sessionId !== sessionId) continue;
      const first = !live.hasPassedTraffic && sentPackets > 0;
      if (first) live.hasPassedTraffic = true;
      yield { sessionId, first };
    }
  }
}
