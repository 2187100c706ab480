/**
 * The four state tables of a session, RFC 2661 sections 7.4.1, 7.4.2, 7.5.1 and 7.5.2, as data. RFC 3931 sections 7.3
 * and 7.4 have the same ones (its wait-control-conn is wait-tunnel here) and add ties. Must not act:
 * call-control.ts does what the actions say.
 */
import type { StateTable, Transition } from './control-connection.js';

/** Which table a session follows: whose end of which kind of call this is. */
export type CallKind = 'lac-incoming' | 'lns-incoming' | 'lac-outgoing' | 'lns-outgoing';

export type LacIncomingState = 'idle' | 'wait-tunnel' | 'wait-reply' | 'established';
export type LnsIncomingState = 'idle' | 'wait-connect' | 'established';
export type LacOutgoingState = 'idle' | 'wait-cs-answer' | 'established';
export type LnsOutgoingState = 'idle' | 'wait-tunnel' | 'wait-reply' | 'wait-connect' | 'established';
export type SessionState = LacIncomingState | LnsIncomingState | LacOutgoingState | LnsOutgoingState;

/**
 * `local-close-request` stands for a bearer line that drops, too. `receive-other-kind` is a call message of the other
 * kind of call (ICRP on an outgoing call): not in the RFC's tables, out of sequence by section 7.1.
 */
type EitherEvent = 'receive-cdn' | 'local-close-request' | 'receive-other-kind';
export type LacIncomingEvent =
  | EitherEvent
  | 'local-open-request'
  | 'tunnel-open'
  | 'receive-icrq'
  | 'receive-icrq-win-tie-breaker'
  | 'receive-icrq-lose-tie-breaker'
  | 'receive-icrq-equal-tie-breaker'
  | 'receive-icrp-acceptable'
  | 'receive-icrp-not-acceptable'
  | 'receive-iccn';
export type LnsIncomingEvent =
  | EitherEvent
  | 'receive-icrq-acceptable'
  | 'receive-icrq-not-acceptable'
  | 'receive-icrp'
  | 'receive-iccn-acceptable'
  | 'receive-iccn-not-acceptable';
export type LacOutgoingEvent =
  | EitherEvent
  | 'receive-ocrq-acceptable'
  | 'receive-ocrq-not-acceptable'
  | 'receive-ocrp'
  | 'receive-occn'
  | 'bearer-answer'
  | 'bearer-failure';
export type LnsOutgoingEvent =
  | EitherEvent
  | 'local-open-request'
  | 'tunnel-open'
  | 'receive-ocrq'
  | 'receive-ocrq-win-tie-breaker'
  | 'receive-ocrq-lose-tie-breaker'
  | 'receive-ocrq-equal-tie-breaker'
  | 'receive-ocrp-acceptable'
  | 'receive-ocrp-not-acceptable'
  | 'receive-occn';
export type SessionEvent = LacIncomingEvent | LnsIncomingEvent | LacOutgoingEvent | LnsOutgoingEvent;

export type SessionAction =
  | 'initiate-tunnel-open'
  | 'send-icrq'
  | 'send-icrp'
  | 'send-iccn'
  | 'send-ocrq'
  | 'send-ocrp'
  | 'send-occn'
  | 'send-cdn'
  | 'open-bearer'
  | 'prepare-for-data'
  | 'send-cdn-for-loser'
  | 'process-as-recipient'
  | 'clean-up';

function to<State extends SessionState>(next: State, ...actions: SessionAction[]): Transition<State, SessionAction> {
  return { actions, next };
}

const CLEAN_UP = to('idle', 'clean-up');
const DISCONNECT = to('idle', 'send-cdn', 'clean-up');

/**
 * RFC 3931 sections 7.3.1 and 7.4.1: a tie is of a request of ours that has no answer yet with one of the peer's. The
 * winner sends a CDN for the losing session, the loser becomes recipient; section 5.4.4: of equal ones neither stays.
 * Whoever found the tie does what concerns the peer's session.
 */
const ICRQ_TIES = {
  'receive-icrq-win-tie-breaker': to('wait-reply', 'send-cdn-for-loser'),
  'receive-icrq-lose-tie-breaker': to('idle', 'clean-up', 'process-as-recipient'),
  'receive-icrq-equal-tie-breaker': to('idle', 'clean-up', 'send-cdn-for-loser'),
} as const;
const ICRQ_WITHOUT_TIES = {
  'receive-icrq-win-tie-breaker': 'impossible',
  'receive-icrq-lose-tie-breaker': 'impossible',
  'receive-icrq-equal-tie-breaker': 'impossible',
} as const;
const OCRQ_TIES = {
  'receive-ocrq-win-tie-breaker': to('wait-reply', 'send-cdn-for-loser'),
  'receive-ocrq-lose-tie-breaker': to('idle', 'clean-up', 'process-as-recipient'),
  'receive-ocrq-equal-tie-breaker': to('idle', 'clean-up', 'send-cdn-for-loser'),
} as const;
const OCRQ_WITHOUT_TIES = {
  'receive-ocrq-win-tie-breaker': 'impossible',
  'receive-ocrq-lose-tie-breaker': 'impossible',
  'receive-ocrq-equal-tie-breaker': 'impossible',
} as const;

/**
 * Section 7.4.1. Filled in: a session in wait-tunnel has sent nothing, so that no message can be meant for it; opening
 * comes once, at the start.
 */
export const LAC_INCOMING_TABLE: StateTable<LacIncomingState, LacIncomingEvent, SessionAction> = {
  idle: {
    'local-open-request': to('wait-tunnel', 'initiate-tunnel-open'),
    'tunnel-open': 'impossible',
    'receive-icrq': 'impossible',
    ...ICRQ_WITHOUT_TIES,
    'receive-icrp-acceptable': CLEAN_UP,
    'receive-icrp-not-acceptable': CLEAN_UP,
    'receive-iccn': CLEAN_UP,
    'receive-cdn': CLEAN_UP,
    'receive-other-kind': CLEAN_UP,
    'local-close-request': CLEAN_UP,
  },
  'wait-tunnel': {
    'local-open-request': 'impossible',
    'tunnel-open': to('wait-reply', 'send-icrq'),
    'receive-icrq': 'impossible',
    ...ICRQ_WITHOUT_TIES,
    'receive-icrp-acceptable': 'impossible',
    'receive-icrp-not-acceptable': 'impossible',
    'receive-iccn': 'impossible',
    'receive-cdn': 'impossible',
    'receive-other-kind': 'impossible',
    'local-close-request': CLEAN_UP,
  },
  'wait-reply': {
    'local-open-request': 'impossible',
    'tunnel-open': 'impossible',
    'receive-icrq': DISCONNECT,
    ...ICRQ_TIES,
    'receive-icrp-acceptable': to('established', 'send-iccn'),
    'receive-icrp-not-acceptable': DISCONNECT,
    'receive-iccn': CLEAN_UP,
    'receive-cdn': CLEAN_UP,
    'receive-other-kind': DISCONNECT,
    'local-close-request': DISCONNECT,
  },
  established: {
    'local-open-request': 'impossible',
    'tunnel-open': 'impossible',
    'receive-icrq': DISCONNECT,
    ...ICRQ_WITHOUT_TIES,
    'receive-icrp-acceptable': DISCONNECT,
    'receive-icrp-not-acceptable': DISCONNECT,
    'receive-iccn': DISCONNECT,
    'receive-cdn': CLEAN_UP,
    'receive-other-kind': DISCONNECT,
    'local-close-request': DISCONNECT,
  },
};

/** Section 7.4.2. Filled in: closing in idle is a refusal of the ICRQ that waits there for its answer. */
export const LNS_INCOMING_TABLE: StateTable<LnsIncomingState, LnsIncomingEvent, SessionAction> = {
  idle: {
    'receive-icrq-acceptable': to('wait-connect', 'send-icrp'),
    'receive-icrq-not-acceptable': DISCONNECT,
    'receive-icrp': DISCONNECT,
    'receive-iccn-acceptable': CLEAN_UP,
    'receive-iccn-not-acceptable': CLEAN_UP,
    'receive-cdn': CLEAN_UP,
    'receive-other-kind': DISCONNECT,
    'local-close-request': DISCONNECT,
  },
  'wait-connect': {
    'receive-icrq-acceptable': DISCONNECT,
    'receive-icrq-not-acceptable': DISCONNECT,
    'receive-icrp': DISCONNECT,
    'receive-iccn-acceptable': to('established', 'prepare-for-data'),
    'receive-iccn-not-acceptable': DISCONNECT,
    'receive-cdn': CLEAN_UP,
    'receive-other-kind': DISCONNECT,
    'local-close-request': DISCONNECT,
  },
  established: {
    'receive-icrq-acceptable': DISCONNECT,
    'receive-icrq-not-acceptable': DISCONNECT,
    'receive-icrp': DISCONNECT,
    'receive-iccn-acceptable': DISCONNECT,
    'receive-iccn-not-acceptable': DISCONNECT,
    'receive-cdn': CLEAN_UP,
    'receive-other-kind': DISCONNECT,
    'local-close-request': DISCONNECT,
  },
};

/**
 * Section 7.5.1. Filled in: closing in idle is a refusal of the OCRQ that waits there; a local close request while the
 * bearer dials is a bearer failure, and a failing bearer of an established call is a bearer line drop.
 */
export const LAC_OUTGOING_TABLE: StateTable<LacOutgoingState, LacOutgoingEvent, SessionAction> = {
  idle: {
    'receive-ocrq-acceptable': to('wait-cs-answer', 'send-ocrp', 'open-bearer'),
    'receive-ocrq-not-acceptable': DISCONNECT,
    'receive-ocrp': DISCONNECT,
    'receive-occn': CLEAN_UP,
    'receive-cdn': CLEAN_UP,
    'bearer-answer': 'impossible',
    'bearer-failure': 'impossible',
    'receive-other-kind': DISCONNECT,
    'local-close-request': DISCONNECT,
  },
  'wait-cs-answer': {
    'receive-ocrq-acceptable': DISCONNECT,
    'receive-ocrq-not-acceptable': DISCONNECT,
    'receive-ocrp': DISCONNECT,
    'receive-occn': DISCONNECT,
    'receive-cdn': CLEAN_UP,
    'bearer-answer': to('established', 'send-occn'),
    'bearer-failure': DISCONNECT,
    'receive-other-kind': DISCONNECT,
    'local-close-request': DISCONNECT,
  },
  established: {
    'receive-ocrq-acceptable': DISCONNECT,
    'receive-ocrq-not-acceptable': DISCONNECT,
    'receive-ocrp': DISCONNECT,
    'receive-occn': DISCONNECT,
    'receive-cdn': CLEAN_UP,
    'bearer-answer': 'impossible',
    'bearer-failure': DISCONNECT,
    'receive-other-kind': DISCONNECT,
    'local-close-request': DISCONNECT,
  },
};

/** Section 7.5.2. Filled in as for 7.4.1. */
export const LNS_OUTGOING_TABLE: StateTable<LnsOutgoingState, LnsOutgoingEvent, SessionAction> = {
  idle: {
    'local-open-request': to('wait-tunnel', 'initiate-tunnel-open'),
    'tunnel-open': 'impossible',
    'receive-ocrq': 'impossible',
    ...OCRQ_WITHOUT_TIES,
    'receive-ocrp-acceptable': CLEAN_UP,
    'receive-ocrp-not-acceptable': CLEAN_UP,
    'receive-occn': CLEAN_UP,
    'receive-cdn': CLEAN_UP,
    'receive-other-kind': CLEAN_UP,
    'local-close-request': CLEAN_UP,
  },
  'wait-tunnel': {
    'local-open-request': 'impossible',
    'tunnel-open': to('wait-reply', 'send-ocrq'),
    'receive-ocrq': 'impossible',
    ...OCRQ_WITHOUT_TIES,
    'receive-ocrp-acceptable': 'impossible',
    'receive-ocrp-not-acceptable': 'impossible',
    'receive-occn': 'impossible',
    'receive-cdn': 'impossible',
    'receive-other-kind': 'impossible',
    'local-close-request': CLEAN_UP,
  },
  'wait-reply': {
    'local-open-request': 'impossible',
    'tunnel-open': 'impossible',
    'receive-ocrq': DISCONNECT,
    ...OCRQ_TIES,
    'receive-ocrp-acceptable': to('wait-connect'),
    'receive-ocrp-not-acceptable': DISCONNECT,
    'receive-occn': DISCONNECT,
    'receive-cdn': CLEAN_UP,
    'receive-other-kind': DISCONNECT,
    'local-close-request': DISCONNECT,
  },
  'wait-connect': {
    'local-open-request': 'impossible',
    'tunnel-open': 'impossible',
    'receive-ocrq': DISCONNECT,
    ...OCRQ_WITHOUT_TIES,
    'receive-ocrp-acceptable': DISCONNECT,
    'receive-ocrp-not-acceptable': DISCONNECT,
    'receive-occn': to('established'),
    'receive-cdn': CLEAN_UP,
    'receive-other-kind': DISCONNECT,
    'local-close-request': DISCONNECT,
  },
  established: {
    'local-open-request': 'impossible',
    'tunnel-open': 'impossible',
    'receive-ocrq': DISCONNECT,
    ...OCRQ_WITHOUT_TIES,
    'receive-ocrp-acceptable': DISCONNECT,
    'receive-ocrp-not-acceptable': DISCONNECT,
    'receive-occn': DISCONNECT,
    'receive-cdn': CLEAN_UP,
    'receive-other-kind': DISCONNECT,
    'local-close-request': DISCONNECT,
  },
};

type AnyTable = Readonly<
  Record<string, Readonly<Record<string, Transition<SessionState, SessionAction> | 'impossible'>>>
>;

const TABLES: Readonly<Record<CallKind, AnyTable>> = {
  'lac-incoming': LAC_INCOMING_TABLE,
  'lns-incoming': LNS_INCOMING_TABLE,
  'lac-outgoing': LAC_OUTGOING_TABLE,
  'lns-outgoing': LNS_OUTGOING_TABLE,
};

/** The cell of the table of `kind`. Throws where the pair is not in it or impossible: a caller's mistake. */
export function sessionTransition(
  kind: CallKind,
  state: SessionState,
  event: SessionEvent,
): Transition<SessionState, SessionAction> {
  const transition = TABLES[kind][state]?.[event];
  if (transition === undefined || transition === 'impossible') {
    throw new Error(`${kind} session in ${state}: ${event} is impossible`);
  }
  return transition;
}
