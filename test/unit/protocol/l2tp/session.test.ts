/**
 * The session state tables against RFC 2661 sections 7.4.1, 7.4.2, 7.5.1 and 7.5.2, and the ties that RFC 3931 sections
 * 7.3.1 and 7.4.1 add, transcribed here.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  LAC_INCOMING_TABLE,
  LAC_OUTGOING_TABLE,
  LNS_INCOMING_TABLE,
  LNS_OUTGOING_TABLE,
  type SessionAction,
  type SessionEvent,
  sessionTransition,
} from '../../../../firmware/protocol/l2tp/session.js';
import { walkTable } from './table-walk.js';

type Events = Readonly<Record<string, readonly SessionEvent[]>>;

const ACTIONS: Readonly<Record<string, SessionAction>> = {
  'Initiate local tunnel open': 'initiate-tunnel-open',
  'Send ICRQ': 'send-icrq',
  'Send ICRP': 'send-icrp',
  'Send ICCN': 'send-iccn',
  'Send OCRQ': 'send-ocrq',
  'Send OCRP': 'send-ocrp',
  'Send OCCN': 'send-occn',
  'Send CDN': 'send-cdn',
  'Open bearer': 'open-bearer',
  'Prepare for data': 'prepare-for-data',
  'Clean up': 'clean-up',
  'Send CDN for losing session': 'send-cdn-for-loser',
  'Process as Recipient': 'process-as-recipient',
};

describe('LAC incoming call states, RFC 2661 section 7.4.1', () => {
  const events: Events = {
    'Bearer Ring or Ready to indicate incoming conn.': ['local-open-request'],
    'tunnel-open': ['tunnel-open'],
    'Receive ICRQ': ['receive-icrq'],
    'Receive ICRQ, win tie breaker': ['receive-icrq-win-tie-breaker'],
    'Receive ICRQ, lose tie breaker': ['receive-icrq-lose-tie-breaker'],
    'Receive ICRQ, equal tie breaker': ['receive-icrq-equal-tie-breaker'],
    'Receive ICRP': ['receive-icrp-acceptable', 'receive-icrp-not-acceptable'],
    'Receive ICRP, acceptable': ['receive-icrp-acceptable'],
    'Receive ICRP, Not acceptable': ['receive-icrp-not-acceptable'],
    'Receive ICCN': ['receive-iccn'],
    'Receive CDN': ['receive-cdn'],
    'Bearer line drop or local close request': ['local-close-request'],
    'Receive OCRQ, OCRP, OCCN': ['receive-other-kind'],
  };
  walkTable({
    it,
    table: LAC_INCOMING_TABLE,
    states: ['idle', 'wait-tunnel', 'wait-reply', 'established'],
    events,
    actions: ACTIONS,
    rfc: `
idle        | Bearer Ring or Ready to indicate incoming conn. | Initiate local tunnel open | wait-tunnel
idle        | Receive ICCN                                    | Clean up                   | idle
idle        | Receive ICRP                                    | Clean up                   | idle
idle        | Receive CDN                                     | Clean up                   | idle
wait-tunnel | Bearer line drop or local close request         | Clean up                   | idle
wait-tunnel | tunnel-open                                     | Send ICRQ                  | wait-reply
wait-reply  | Receive ICRP, acceptable                        | Send ICCN                  | established
wait-reply  | Receive ICRP, Not acceptable                    | Send CDN; Clean up         | idle
wait-reply  | Receive ICRQ                                    | Send CDN; Clean up         | idle
wait-reply  | Receive CDN                                     | Clean up                   | idle
wait-reply  | Receive ICCN                                    | Clean up                   | idle
wait-reply  | Bearer line drop or local close request         | Send CDN; Clean up         | idle
established | Receive CDN                                     | Clean up                   | idle
established | Receive ICRQ                                    | Send CDN; Clean up         | idle
established | Receive ICRP                                    | Send CDN; Clean up         | idle
established | Receive ICCN                                    | Send CDN; Clean up         | idle
established | Bearer line drop or local close request         | Send CDN; Clean up         | idle`,
    rfc3931: `
wait-reply  | Receive ICRQ, lose tie breaker | Clean up; Process as Recipient         | idle
wait-reply  | Receive ICRQ, win tie breaker  | Send CDN for losing session            | wait-reply`,
    filledIn: `
wait-reply  | Receive ICRQ, equal tie breaker | Clean up; Send CDN for losing session | idle
idle        | Bearer line drop or local close request         | Clean up                   | idle
idle        | Receive OCRQ, OCRP, OCCN                        | Clean up                   | idle
wait-reply  | Receive OCRQ, OCRP, OCCN                        | Send CDN; Clean up         | idle
established | Receive OCRQ, OCRP, OCCN                        | Send CDN; Clean up         | idle`,
    impossible: [
      'idle | Receive ICRQ, win tie breaker',
      'idle | Receive ICRQ, lose tie breaker',
      'idle | Receive ICRQ, equal tie breaker',
      'wait-tunnel | Receive ICRQ, win tie breaker',
      'wait-tunnel | Receive ICRQ, lose tie breaker',
      'wait-tunnel | Receive ICRQ, equal tie breaker',
      'established | Receive ICRQ, win tie breaker',
      'established | Receive ICRQ, lose tie breaker',
      'established | Receive ICRQ, equal tie breaker',
      'idle | tunnel-open',
      'idle | Receive ICRQ',
      'wait-tunnel | Bearer Ring or Ready to indicate incoming conn.',
      'wait-tunnel | Receive ICRQ',
      'wait-tunnel | Receive ICRP',
      'wait-tunnel | Receive ICCN',
      'wait-tunnel | Receive CDN',
      'wait-tunnel | Receive OCRQ, OCRP, OCCN',
      'wait-reply | Bearer Ring or Ready to indicate incoming conn.',
      'wait-reply | tunnel-open',
      'established | Bearer Ring or Ready to indicate incoming conn.',
      'established | tunnel-open',
    ],
  });
});

describe('LNS incoming call states, RFC 2661 section 7.4.2', () => {
  const events: Events = {
    'Receive ICRQ': ['receive-icrq-acceptable', 'receive-icrq-not-acceptable'],
    'Receive ICRQ, acceptable': ['receive-icrq-acceptable'],
    'Receive ICRQ, not acceptable': ['receive-icrq-not-acceptable'],
    'Receive ICRP': ['receive-icrp'],
    'Receive ICCN': ['receive-iccn-acceptable', 'receive-iccn-not-acceptable'],
    'Receive ICCN acceptable': ['receive-iccn-acceptable'],
    'Receive ICCN not acceptable': ['receive-iccn-not-acceptable'],
    'Receive CDN': ['receive-cdn'],
    'Local Close request': ['local-close-request'],
    'Receive OCRQ, OCRP, OCCN': ['receive-other-kind'],
  };
  walkTable({
    it,
    table: LNS_INCOMING_TABLE,
    states: ['idle', 'wait-connect', 'established'],
    events,
    actions: ACTIONS,
    rfc: `
idle         | Receive ICRQ, acceptable     | Send ICRP          | wait-connect
idle         | Receive ICRQ, not acceptable | Send CDN; Clean up | idle
idle         | Receive ICRP                 | Send CDN; Clean up | idle
idle         | Receive ICCN                 | Clean up           | idle
wait-connect | Receive ICCN acceptable      | Prepare for data   | established
wait-connect | Receive ICCN not acceptable  | Send CDN; Clean up | idle
wait-connect | Receive ICRQ                 | Send CDN; Clean up | idle
wait-connect | Receive ICRP                 | Send CDN; Clean up | idle
idle         | Receive CDN                  | Clean up           | idle
wait-connect | Receive CDN                  | Clean up           | idle
established  | Receive CDN                  | Clean up           | idle
wait-connect | Local Close request          | Send CDN; Clean up | idle
established  | Local Close request          | Send CDN; Clean up | idle
established  | Receive ICRQ                 | Send CDN; Clean up | idle
established  | Receive ICRP                 | Send CDN; Clean up | idle
established  | Receive ICCN                 | Send CDN; Clean up | idle`,
    filledIn: `
idle         | Local Close request          | Send CDN; Clean up | idle
idle         | Receive OCRQ, OCRP, OCCN     | Send CDN; Clean up | idle
wait-connect | Receive OCRQ, OCRP, OCCN     | Send CDN; Clean up | idle
established  | Receive OCRQ, OCRP, OCCN     | Send CDN; Clean up | idle`,
    impossible: [],
  });
});

describe('LAC outgoing call states, RFC 2661 section 7.5.1', () => {
  const events: Events = {
    'Receive OCRQ': ['receive-ocrq-acceptable', 'receive-ocrq-not-acceptable'],
    'Receive OCRQ, acceptable': ['receive-ocrq-acceptable'],
    'Receive OCRQ, not acceptable': ['receive-ocrq-not-acceptable'],
    'Receive OCRP': ['receive-ocrp'],
    'Receive OCCN': ['receive-occn'],
    'Receive CDN': ['receive-cdn'],
    'Bearer answer, framing detected': ['bearer-answer'],
    'Bearer failure': ['bearer-failure'],
    'Bearer line drop, Local close request': ['local-close-request'],
    'Receive ICRQ, ICRP, ICCN': ['receive-other-kind'],
  };
  walkTable({
    it,
    table: LAC_OUTGOING_TABLE,
    states: ['idle', 'wait-cs-answer', 'established'],
    events,
    actions: ACTIONS,
    rfc: `
idle           | Receive OCRQ, acceptable              | Send OCRP; Open bearer | wait-cs-answer
idle           | Receive OCRQ, not acceptable          | Send CDN; Clean up     | idle
idle           | Receive OCRP                          | Send CDN; Clean up     | idle
idle           | Receive OCCN                          | Clean up               | idle
idle           | Receive CDN                           | Clean up               | idle
wait-cs-answer | Bearer answer, framing detected       | Send OCCN              | established
wait-cs-answer | Bearer failure                        | Send CDN; Clean up     | idle
wait-cs-answer | Receive OCRQ                          | Send CDN; Clean up     | idle
wait-cs-answer | Receive OCRP                          | Send CDN; Clean up     | idle
wait-cs-answer | Receive OCCN                          | Send CDN; Clean up     | idle
established    | Receive OCRQ                          | Send CDN; Clean up     | idle
established    | Receive OCRP                          | Send CDN; Clean up     | idle
established    | Receive OCCN                          | Send CDN; Clean up     | idle
wait-cs-answer | Receive CDN                           | Clean up               | idle
established    | Receive CDN                           | Clean up               | idle
established    | Bearer line drop, Local close request | Send CDN; Clean up     | idle`,
    filledIn: `
idle           | Bearer line drop, Local close request | Send CDN; Clean up     | idle
wait-cs-answer | Bearer line drop, Local close request | Send CDN; Clean up     | idle
established    | Bearer failure                        | Send CDN; Clean up     | idle
idle           | Receive ICRQ, ICRP, ICCN              | Send CDN; Clean up     | idle
wait-cs-answer | Receive ICRQ, ICRP, ICCN              | Send CDN; Clean up     | idle
established    | Receive ICRQ, ICRP, ICCN              | Send CDN; Clean up     | idle`,
    impossible: [
      'idle | Bearer answer, framing detected',
      'idle | Bearer failure',
      'established | Bearer answer, framing detected',
    ],
  });
});

describe('LNS outgoing call states, RFC 2661 section 7.5.2', () => {
  const events: Events = {
    'Local open request': ['local-open-request'],
    'tunnel-open': ['tunnel-open'],
    'Receive OCRQ': ['receive-ocrq'],
    'Receive OCRQ, win tie breaker': ['receive-ocrq-win-tie-breaker'],
    'Receive OCRQ, lose tie breaker': ['receive-ocrq-lose-tie-breaker'],
    'Receive OCRQ, equal tie breaker': ['receive-ocrq-equal-tie-breaker'],
    'Receive OCRP': ['receive-ocrp-acceptable', 'receive-ocrp-not-acceptable'],
    'Receive OCRP, acceptable': ['receive-ocrp-acceptable'],
    'Receive OCRP, not acceptable': ['receive-ocrp-not-acceptable'],
    'Receive OCCN': ['receive-occn'],
    'Receive CDN': ['receive-cdn'],
    'Local Close request': ['local-close-request'],
    'Receive ICRQ, ICRP, ICCN': ['receive-other-kind'],
  };
  walkTable({
    it,
    table: LNS_OUTGOING_TABLE,
    states: ['idle', 'wait-tunnel', 'wait-reply', 'wait-connect', 'established'],
    events,
    actions: ACTIONS,
    rfc: `
idle         | Local open request           | Initiate local tunnel open | wait-tunnel
idle         | Receive OCCN                 | Clean up                   | idle
idle         | Receive OCRP                 | Clean up                   | idle
wait-tunnel  | tunnel-open                  | Send OCRQ                  | wait-reply
wait-reply   | Receive OCRP, acceptable     |                            | wait-connect
wait-reply   | Receive OCRP, not acceptable | Send CDN; Clean up         | idle
wait-reply   | Receive OCCN                 | Send CDN; Clean up         | idle
wait-reply   | Receive OCRQ                 | Send CDN; Clean up         | idle
wait-connect | Receive OCCN                 |                            | established
wait-connect | Receive OCRQ                 | Send CDN; Clean up         | idle
wait-connect | Receive OCRP                 | Send CDN; Clean up         | idle
idle         | Receive CDN                  | Clean up                   | idle
wait-reply   | Receive CDN                  | Clean up                   | idle
wait-connect | Receive CDN                  | Clean up                   | idle
established  | Receive CDN                  | Clean up                   | idle
established  | Receive OCRQ                 | Send CDN; Clean up         | idle
established  | Receive OCRP                 | Send CDN; Clean up         | idle
established  | Receive OCCN                 | Send CDN; Clean up         | idle
wait-reply   | Local Close request          | Send CDN; Clean up         | idle
wait-connect | Local Close request          | Send CDN; Clean up         | idle
established  | Local Close request          | Send CDN; Clean up         | idle
wait-tunnel  | Local Close request          | Clean up                   | idle`,
    rfc3931: `
wait-reply  | Receive OCRQ, lose tie breaker | Clean up; Process as Recipient         | idle
wait-reply  | Receive OCRQ, win tie breaker  | Send CDN for losing session            | wait-reply`,
    filledIn: `
wait-reply  | Receive OCRQ, equal tie breaker | Clean up; Send CDN for losing session | idle
idle         | Local Close request          | Clean up                   | idle
idle         | Receive ICRQ, ICRP, ICCN     | Clean up                   | idle
wait-reply   | Receive ICRQ, ICRP, ICCN     | Send CDN; Clean up         | idle
wait-connect | Receive ICRQ, ICRP, ICCN     | Send CDN; Clean up         | idle
established  | Receive ICRQ, ICRP, ICCN     | Send CDN; Clean up         | idle`,
    impossible: [
      'idle | Receive OCRQ, win tie breaker',
      'idle | Receive OCRQ, lose tie breaker',
      'idle | Receive OCRQ, equal tie breaker',
      'wait-tunnel | Receive OCRQ, win tie breaker',
      'wait-tunnel | Receive OCRQ, lose tie breaker',
      'wait-tunnel | Receive OCRQ, equal tie breaker',
      'established | Receive OCRQ, win tie breaker',
      'established | Receive OCRQ, lose tie breaker',
      'established | Receive OCRQ, equal tie breaker',
      'wait-connect | Receive OCRQ, win tie breaker',
      'wait-connect | Receive OCRQ, lose tie breaker',
      'wait-connect | Receive OCRQ, equal tie breaker',
      'idle | tunnel-open',
      'idle | Receive OCRQ',
      'wait-tunnel | Local open request',
      'wait-tunnel | Receive OCRQ',
      'wait-tunnel | Receive OCRP',
      'wait-tunnel | Receive OCCN',
      'wait-tunnel | Receive CDN',
      'wait-tunnel | Receive ICRQ, ICRP, ICCN',
      'wait-reply | Local open request',
      'wait-reply | tunnel-open',
      'wait-connect | Local open request',
      'wait-connect | tunnel-open',
      'established | Local open request',
      'established | tunnel-open',
    ],
  });
});

describe('sessionTransition', () => {
  it('refuses a pair that no table has, and one that is impossible', () => {
    assert.throws(() => sessionTransition('lns-incoming', 'wait-tunnel', 'receive-cdn'));
    assert.throws(() => sessionTransition('lac-incoming', 'wait-reply', 'tunnel-open'));
  });
});
