/** The control connection's state table against RFC 2661 section 7.2.1, transcribed here. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  CONTROL_CONNECTION_TABLE,
  type ControlConnectionAction,
  type ControlConnectionEvent,
  type ControlConnectionState,
} from '../../../../firmware/protocol/l2tp/control-connection.js';
import { walkTable } from './table-walk.js';

const STATES: readonly ControlConnectionState[] = ['idle', 'wait-ctl-reply', 'wait-ctl-conn', 'established'];

/** The RFC's words for events; "Receive SCCRQ" without more stands for every way in which one can be received. */
const EVENTS: Readonly<Record<string, readonly ControlConnectionEvent[]>> = {
  'Local Open request': ['local-open-request'],
  'Receive SCCRQ, acceptable': ['receive-sccrq-acceptable'],
  'Receive SCCRQ, not acceptable': ['receive-sccrq-not-acceptable'],
  'Receive SCCRQ': ['receive-sccrq-acceptable', 'receive-sccrq-not-acceptable'],
  'Receive SCCRQ, lose tie-breaker': ['receive-sccrq-lose-tie-breaker'],
  'Receive SCCRQ, win tie-breaker': ['receive-sccrq-win-tie-breaker'],
  'Receive SCCRQ, equal tie-breaker': ['receive-sccrq-equal-tie-breaker'],
  'Receive SCCRP, acceptable': ['receive-sccrp-acceptable'],
  'Receive SCCRP, not acceptable': ['receive-sccrp-not-acceptable'],
  'Receive SCCRP': ['receive-sccrp-acceptable', 'receive-sccrp-not-acceptable'],
  'Receive SCCCN, acceptable': ['receive-scccn-acceptable'],
  'Receive SCCCN, not acceptable': ['receive-scccn-not-acceptable'],
  'Receive SCCCN': ['receive-scccn-acceptable', 'receive-scccn-not-acceptable'],
  'Receive StopCCN': ['receive-stopccn'],
  'Admin Tunnel Close': ['admin-tunnel-close'],
};

const ACTIONS: Readonly<Record<string, ControlConnectionAction>> = {
  'Send SCCRQ': 'send-sccrq',
  'Send SCCRP': 'send-sccrp',
  'Send SCCCN': 'send-scccn',
  'Send StopCCN': 'send-stopccn',
  'Clean up': 'clean-up',
  'Send tunnel-open event to waiting sessions': 'send-tunnel-open',
  'Re-queue SCCRQ for idle state': 'requeue-sccrq',
};

const RFC_2661_7_2_1 = `
idle           | Local Open request                 | Send SCCRQ                                            | wait-ctl-reply
idle           | Receive SCCRQ, acceptable          | Send SCCRP                                            | wait-ctl-conn
idle           | Receive SCCRQ, not acceptable      | Send StopCCN; Clean up                                | idle
idle           | Receive SCCRP                      | Send StopCCN; Clean up                                | idle
idle           | Receive SCCCN                      | Clean up                                              | idle
wait-ctl-reply | Receive SCCRP, acceptable          | Send SCCCN; Send tunnel-open event to waiting sessions | established
wait-ctl-reply | Receive SCCRP, not acceptable      | Send StopCCN; Clean up                                | idle
wait-ctl-reply | Receive SCCRQ, lose tie-breaker    | Clean up; Re-queue SCCRQ for idle state               | idle
wait-ctl-reply | Receive SCCCN                      | Send StopCCN; Clean up                                | idle
wait-ctl-conn  | Receive SCCCN, acceptable          | Send tunnel-open event to waiting sessions            | established
wait-ctl-conn  | Receive SCCCN, not acceptable      | Send StopCCN; Clean up                                | idle
wait-ctl-conn  | Receive SCCRP                      | Send StopCCN; Clean up                                | idle
wait-ctl-conn  | Receive SCCRQ                      | Send StopCCN; Clean up                                | idle
established    | Local Open request                 | Send tunnel-open event to waiting sessions            | established
established    | Admin Tunnel Close                 | Send StopCCN; Clean up                                | idle
established    | Receive SCCRQ                      | Send StopCCN; Clean up                                | idle
established    | Receive SCCRP                      | Send StopCCN; Clean up                                | idle
established    | Receive SCCCN                      | Send StopCCN; Clean up                                | idle
idle           | Receive StopCCN                    | Clean up                                              | idle
wait-ctl-reply | Receive StopCCN                    | Clean up                                              | idle
wait-ctl-conn  | Receive StopCCN                    | Clean up                                              | idle
established    | Receive StopCCN                    | Clean up                                              | idle
`;

/**
 * Pairs that section 7.2.1 does not list. 4.4.3 Tie Breaker: the winner's tunnel goes on, equal ones are discarded on
 * both sides, without any there are two tunnels. 7.1: a message out of sequence clears the control connection. 7.2.1,
 * established: in the event of a local termination a StopCCN must be sent.
 */
const FILLED_IN = `
idle           | Admin Tunnel Close                 | Send StopCCN; Clean up | idle
wait-ctl-reply | Local Open request                 |                        | wait-ctl-reply
wait-ctl-reply | Receive SCCRQ, acceptable          |                        | wait-ctl-reply
wait-ctl-reply | Receive SCCRQ, not acceptable      | Send StopCCN; Clean up | idle
wait-ctl-reply | Receive SCCRQ, win tie-breaker     |                        | wait-ctl-reply
wait-ctl-reply | Receive SCCRQ, equal tie-breaker   | Clean up               | idle
wait-ctl-reply | Admin Tunnel Close                 | Send StopCCN; Clean up | idle
wait-ctl-conn  | Local Open request                 |                        | wait-ctl-conn
wait-ctl-conn  | Admin Tunnel Close                 | Send StopCCN; Clean up | idle
`;

/** A tie can only be had by an SCCRQ of ours that waits for its answer. */
const IMPOSSIBLE = ['idle', 'wait-ctl-conn', 'established'].flatMap((state) =>
  ['lose', 'win', 'equal'].map((end) => `${state} | Receive SCCRQ, ${end} tie-breaker`),
);

describe('control connection states, RFC 2661 section 7.2.1', () => {
  walkTable({
    it,
    table: CONTROL_CONNECTION_TABLE,
    states: STATES,
    events: EVENTS,
    actions: ACTIONS,
    rfc: RFC_2661_7_2_1,
    filledIn: FILLED_IN,
    impossible: IMPOSSIBLE,
  });

  it('has no state but those of the RFC', () => {
    assert.deepEqual(Object.keys(CONTROL_CONNECTION_TABLE).sort(), [...STATES].sort());
  });
});
