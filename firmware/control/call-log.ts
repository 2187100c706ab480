/**
 * What an operator reads of calls in the log: a line when one comes up, a line with its counters when it ends, a line
 * when a profile of the LAC client or a pseudowire has to dial again, one when frames pass through a pseudowire or no
 * longer, and one for a user or tunnel that is refused, the last held to a
 * rate, since anybody can be refused. Never a secret.
 */

import type { SessionCounters } from '../dataplane/interface.js';
import type { CallEnd, CallInfo } from '../roles/role.js';

/** Where events of the box's operation go; never a line per packet. */
export interface Log {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** Refusals at once, and then one in so much time. */
const REFUSALS_AT_ONCE = 10;
const REFUSAL_INTERVAL_MS = 10_000;

const IS_DOWN = { 'lac-client': 'LAC client is down', pseudowire: 'pseudowire has to dial again' } as const;

export class CallLog {
  readonly #log: Log;
  #refusalsLeft = REFUSALS_AT_ONCE;
  #refilledAt_ms = 0;
  #unsaid = 0;

  constructor(log: Log) {
    this.#log = log;
  }

  up(call: CallInfo): void {
    this.#log.info(fieldsOf(call), 'call up');
  }

  ended(call: CallInfo, end: CallEnd, counters: SessionCounters): void {
    const { by, resultCode, reason } = end;
    this.#log.info({ ...fieldsOf(call), by, resultCode, reason, ...counters }, 'call ended');
  }

  /** `redialAfter_ms` is undefined for a profile that is not dialled again. */
  dialEnded(role: keyof typeof IS_DOWN, profile: string, reason: string, redialAfter_ms: number | undefined): void {
    if (redialAfter_ms === undefined) return;
    const name = role === 'pseudowire' ? { pseudowire: profile } : { profile };
    this.#log.warn({ ...name, reason, redialAfter_ms }, IS_DOWN[role]);
  }

  pseudowireUp(pseudowire: string, peer: string): void {
    this.#log.info({ pseudowire, peer }, 'pseudowire up');
  }

  pseudowireDown(pseudowire: string, reason: string): void {
    this.#log.warn({ pseudowire, reason }, 'pseudowire down');
  }

  lnsFailed(server: string, reason: string): void {
    this.#log.warn({ server, reason }, 'LNS has failed, and is asked after all others for a while');
  }

  lnsAnswers(server: string): void {
    this.#log.info({ server }, 'LNS answers again');
  }

  /** `now_ms` is monotonic. */
  userRefused(user: string, protocol: string, now_ms: number): void {
    this.#refused({ user, protocol }, 'user refused', now_ms);
  }

  tunnelRefused(peer: string, peerHostName: string, reason: string, now_ms: number): void {
    this.#refused({ peer, peerHostName, reason }, 'tunnel refused', now_ms);
  }

  #refused(fields: object, message: string, now_ms: number): void {
    const refill = Math.floor((now_ms - this.#refilledAt_ms) / REFUSAL_INTERVAL_MS);
    this.#refusalsLeft = Math.min(REFUSALS_AT_ONCE, this.#refusalsLeft + refill);
    this.#refilledAt_ms += refill * REFUSAL_INTERVAL_MS;
    if (this.#refusalsLeft === 0) {
      this.#unsaid += 1;
      return;
    }
    this.#refusalsLeft -= 1;
    this.#log.warn({ ...fields, ...(this.#unsaid > 0 && { refusalsNotLogged: this.#unsaid }) }, message);
    this.#unsaid = 0;
  }
}

function fieldsOf(call: CallInfo): Record<string, unknown> {
  const { callId, role, userName: user, peerName, tunnelId, sessionId } = call;
  const address = role === 'lac-client' ? call.localAddress : call.peerAddress;
  return {
    callId,
    role,
    user,
    address,
    peer: call.path.peerAddress || call.pppoe?.peerMac,
    peerName,
    tunnelId,
    sessionId,
  };
}
