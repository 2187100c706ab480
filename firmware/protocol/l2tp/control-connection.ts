/**
 * The control connection's state table, RFC 2661 section 7.2.1, as data. Must not act: tunnel-control.ts does what the
 * actions say.
 */

export type ControlConnectionState = 'idle' | 'wait-ctl-reply' | 'wait-ctl-conn' | 'established';

export type ControlConnectionEvent =
  | 'local-open-request'
  | 'receive-sccrq-acceptable'
  | 'receive-sccrq-not-acceptable'
  | 'receive-sccrq-lose-tie-breaker'
  | 'receive-sccrq-win-tie-breaker'
  | 'receive-sccrq-equal-tie-breaker'
  | 'receive-sccrp-acceptable'
  | 'receive-sccrp-not-acceptable'
  | 'receive-scccn-acceptable'
  | 'receive-scccn-not-acceptable'
  | 'receive-stopccn'
  | 'admin-tunnel-close';

export type ControlConnectionAction =
  | 'send-sccrq'
  | 'send-sccrp'
  | 'send-scccn'
  | 'send-stopccn'
  | 'send-tunnel-open'
  | 'clean-up'
  | 'requeue-sccrq';

/** A cell of a state table. */
export interface Transition<State, Action> {
  readonly actions: readonly Action[];
  readonly next: State;
}

/** Every event in every state; `impossible` where the event cannot come about in that state. */
export type StateTable<State extends string, Event extends string, Action> = Readonly<
  Record<State, Readonly<Record<Event, Transition<State, Action> | 'impossible'>>>
>;

type Cell = Transition<ControlConnectionState, ControlConnectionAction>;

function to(next: ControlConnectionState, ...actions: ControlConnectionAction[]): Cell {
  return { actions, next };
}

const STOP = to('idle', 'send-stopccn', 'clean-up');
const CLEAN_UP = to('idle', 'clean-up');

/** A tie is of an SCCRQ of ours that has no answer yet with one of the peer's: only wait-ctl-reply knows it. */
const NO_TIE = {
  'receive-sccrq-lose-tie-breaker': 'impossible',
  'receive-sccrq-win-tie-breaker': 'impossible',
  'receive-sccrq-equal-tie-breaker': 'impossible',
} as const;

/**
 * RFC 2661 section 7.2.1. What that table leaves open is filled in from the text:
 * - A local open request while the tunnel is being opened waits for `send-tunnel-open`.
 * - Closing by an administrator is the same in every state; the peer is told.
 * - wait-ctl-reply, an SCCRQ of the same peer: section 4.4.3 Tie Breaker. Whoever wins goes on and discards the other's
 *   silently; equal ones are both discarded; without any, both tunnels are opened. An SCCRQ inside our own tunnel is
 *   out of sequence and clears it (section 7.1).
 */
export const CONTROL_CONNECTION_TABLE: StateTable<
  ControlConnectionState,
  ControlConnectionEvent,
  ControlConnectionAction
> = {
  idle: {
    'local-open-request': to('wait-ctl-reply', 'send-sccrq'),
    'receive-sccrq-acceptable': to('wait-ctl-conn', 'send-sccrp'),
    'receive-sccrq-not-acceptable': STOP,
    ...NO_TIE,
    'receive-sccrp-acceptable': STOP,
    'receive-sccrp-not-acceptable': STOP,
    'receive-scccn-acceptable': CLEAN_UP,
    'receive-scccn-not-acceptable': CLEAN_UP,
    'receive-stopccn': CLEAN_UP,
    'admin-tunnel-close': STOP,
  },
  'wait-ctl-reply': {
    'local-open-request': to('wait-ctl-reply'),
    'receive-sccrq-acceptable': to('wait-ctl-reply'),
    'receive-sccrq-not-acceptable': STOP,
    'receive-sccrq-lose-tie-breaker': to('idle', 'clean-up', 'requeue-sccrq'),
    'receive-sccrq-win-tie-breaker': to('wait-ctl-reply'),
    'receive-sccrq-equal-tie-breaker': CLEAN_UP,
    'receive-sccrp-acceptable': to('established', 'send-scccn', 'send-tunnel-open'),
    'receive-sccrp-not-acceptable': STOP,
    'receive-scccn-acceptable': STOP,
    'receive-scccn-not-acceptable': STOP,
    'receive-stopccn': CLEAN_UP,
    'admin-tunnel-close': STOP,
  },
  'wait-ctl-conn': {
    'local-open-request': to('wait-ctl-conn'),
    'receive-sccrq-acceptable': STOP,
    'receive-sccrq-not-acceptable': STOP,
    ...NO_TIE,
    'receive-sccrp-acceptable': STOP,
    'receive-sccrp-not-acceptable': STOP,
    'receive-scccn-acceptable': to('established', 'send-tunnel-open'),
    'receive-scccn-not-acceptable': STOP,
    'receive-stopccn': CLEAN_UP,
    'admin-tunnel-close': STOP,
  },
  established: {
    'local-open-request': to('established', 'send-tunnel-open'),
    'receive-sccrq-acceptable': STOP,
    'receive-sccrq-not-acceptable': STOP,
    ...NO_TIE,
    'receive-sccrp-acceptable': STOP,
    'receive-sccrp-not-acceptable': STOP,
    'receive-scccn-acceptable': STOP,
    'receive-scccn-not-acceptable': STOP,
    'receive-stopccn': CLEAN_UP,
    'admin-tunnel-close': STOP,
  },
};
