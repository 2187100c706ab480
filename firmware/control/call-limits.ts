/**
 * Which calls have lasted or idled for too long: Session-Timeout and Idle-Timeout, RFC 2865 sections 5.27 and 5.28. Must
 * not end a call, nor say what its limits are: those are the user's, and else the settings'.
 */
import type { CallInfo, TerminateCause } from '../roles/role.js';
import type { LnsSettings } from '../settings.js';
import type { SessionCountersReader, WatchedCall } from './call-records.js';

/** A call that is to be ended. */
export interface OverdueCall {
  call: CallInfo;
  /** In words that may be sent to the user. */
  reason: string;
  terminateCause: TerminateCause;
}

type Timeouts = Pick<LnsSettings, 'sessionTimeout_s' | 'idleTimeout_s'>;

export class CallLimits {
  readonly #readCounters: SessionCountersReader;

  constructor(readCounters: SessionCountersReader) {
    this.#readCounters = readCounters;
  }

  /** Called once a second with all calls that are up; each overdue one is given once. */
  overdue(calls: Iterable<WatchedCall>, defaults: Timeouts, now_ms: number): OverdueCall[] {
    const found: OverdueCall[] = [];
    for (const watched of calls) {
      const { info: call } = watched;
      if (call.role === 'lac-client' || watched.isOverdue) continue;
      const end = this.#check(watched, defaults, now_ms);
      if (end === undefined) continue;
      watched.isOverdue = true;
      found.push({ call, ...end });
    }
    return found;
  }

  /** A call's time begins when it comes up, also where its limit is changed later. */
  #check(watched: WatchedCall, defaults: Timeouts, now_ms: number): Omit<OverdueCall, 'call'> | undefined {
    const { info: call, upAt_ms } = watched;
    const { sessionTimeout_s, idleTimeout_s } = limitsOf(call, defaults);
    if (sessionTimeout_s > 0 && now_ms - upAt_ms >= sessionTimeout_s * 1000) {
      return { reason: `the call has lasted ${sessionTimeout_s} s`, terminateCause: 'session-timeout' };
    }
    // Counters are read where somebody asks for them: a limit that comes later does not look back.
    if (idleTimeout_s === 0) watched.active_ms = now_ms;
    else this.#noteOctets(watched, now_ms);
    if (idleTimeout_s > 0 && now_ms - watched.active_ms >= idleTimeout_s * 1000) {
      return { reason: `nothing has passed for ${idleTimeout_s} s`, terminateCause: 'idle-timeout' };
    }
    return undefined;
  }

  #noteOctets(watched: WatchedCall, now_ms: number): void {
    const { sessionId, generation } = watched.info;
    const counters = this.#readCounters(sessionId, generation);
    if (counters === undefined) return;
    const octets = counters.receivedOctets + counters.sentOctets;
    if (octets === watched.octets) return;
    watched.octets = octets;
    watched.active_ms = now_ms;
  }
}

/**
 * A user's own limit counts, or the settings' where there is none. What the LNS's settings say does not concern a call
 * that this box, as a LAC, carries to another; whether that one idles is for the other to say.
 */
function limitsOf({ authorization, isTunnelled }: CallInfo, defaults: Timeouts): Timeouts {
  const { sessionTimeout_s, idleTimeout_s } = authorization;
  if (isTunnelled) return { sessionTimeout_s, idleTimeout_s: 0 };
  return {
    sessionTimeout_s: sessionTimeout_s || defaults.sessionTimeout_s,
    idleTimeout_s: idleTimeout_s || defaults.idleTimeout_s,
  };
}
