/** Why a call ended, in the words of accounting: Acct-Terminate-Cause, RFC 2866 section 5.10. Pure. */
import type { CloseCause } from '../protocol/l2tp/endpoint.js';
import type { LinkDownReason } from '../protocol/ppp/link.js';
import type { TerminateCause } from './role.js';

const OF_LINK: Record<LinkDownReason, TerminateCause> = {
  'peer-terminated': 'user-request',
  'local-close': 'admin-reset',
  'authentication-failed': 'user-error',
  'authentication-timeout': 'user-error',
  'lcp-timeout': 'lost-carrier',
  'echo-timeout': 'lost-carrier',
  loopback: 'port-error',
  'no-network-protocol': 'user-error',
  'negotiation-failed': 'port-error',
};

/** Result Codes of a CDN, RFC 2661 section 4.4.2: 1 lost carrier, 2 an error, 3 administrative, 4 and 5 no facilities. */
const OF_RESULT: Record<number, TerminateCause> = {
  1: 'lost-carrier',
  2: 'nas-error',
  3: 'nas-request',
  4: 'service-unavailable',
  5: 'service-unavailable',
};

/** The reason for which its PPP link ended. */
export function causeOfLink(reason: LinkDownReason): TerminateCause {
  return OF_LINK[reason];
}

/** What a session's end in L2TP says; a peer that is silent has lost its carrier. */
export function causeOfSession({ by, resultCode }: CloseCause): TerminateCause {
  return by === 'timeout' ? 'lost-carrier' : (OF_RESULT[resultCode] ?? 'nas-error');
}
