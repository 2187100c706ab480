/**
 * What the end of a PPP link or of a session means: to the peer in L2TP (RFC 2661 section 4.4.2 and RFC 3145), and to
 * accounting (Acct-Terminate-Cause, RFC 2866 section 5.10). Pure.
 */
import type { CloseCause } from '../protocol/l2tp/endpoint.js';
import type { LinkDownReason } from '../protocol/ppp/link.js';
import { type AvpValues, PPP_DISCONNECT } from '../wire/avp.js';
import type { TerminateCause } from './role.js';

interface LinkEnd {
  /** Of the CDN. */
  resultCode: number;
  /** RFC 3145 section 3; its direction: 1 is the peer's doing, 2 ours. */
  code: number;
  direction: number;
  cause: TerminateCause;
}

const LINK_END: Record<LinkDownReason, LinkEnd> = {
  'peer-terminated': { resultCode: 1, code: PPP_DISCONNECT.normal, direction: 1, cause: 'user-request' },
  'local-close': { resultCode: 3, code: PPP_DISCONNECT.administrative, direction: 0, cause: 'admin-reset' },
  'authentication-failed': {
    resultCode: 3,
    code: PPP_DISCONNECT.authenticationFailed,
    direction: 1,
    cause: 'user-error',
  },
  'authentication-timeout': {
    resultCode: 3,
    code: PPP_DISCONNECT.authenticationTimeout,
    direction: 0,
    cause: 'user-error',
  },
  'lcp-timeout': { resultCode: 1, code: PPP_DISCONNECT.lcpNoPackets, direction: 0, cause: 'lost-carrier' },
  'echo-timeout': { resultCode: 1, code: PPP_DISCONNECT.lcpEchoTimeout, direction: 0, cause: 'lost-carrier' },
  loopback: { resultCode: 3, code: PPP_DISCONNECT.lcpMagicNumber, direction: 0, cause: 'port-error' },
  'no-network-protocol': { resultCode: 3, code: PPP_DISCONNECT.noNetworkProtocol, direction: 0, cause: 'user-error' },
  'negotiation-failed': { resultCode: 3, code: PPP_DISCONNECT.lcpNegotiationFailed, direction: 0, cause: 'port-error' },
};

/** Result Codes of a CDN, RFC 2661 section 4.4.2: 1 lost carrier, 2 an error, 3 administrative, 4 and 5 no facilities. */
const CAUSE_OF_RESULT: Record<number, TerminateCause> = {
  1: 'lost-carrier',
  2: 'nas-error',
  3: 'nas-request',
  4: 'service-unavailable',
  5: 'service-unavailable',
};

export function causeOfLink(reason: LinkDownReason): TerminateCause {
  return LINK_END[reason].cause;
}

/** What a session's end in L2TP says; a user who hung up says so by the disconnect code, a peer that is silent is gone. */
export function causeOfSession({ by, resultCode, disconnectCode }: CloseCause): TerminateCause {
  if (by === 'timeout') return 'lost-carrier';
  const cause = CAUSE_OF_RESULT[resultCode] ?? 'nas-error';
  return cause === 'lost-carrier' && disconnectCode === PPP_DISCONNECT.normal ? 'user-request' : cause;
}

/** What a CDN says when a link ended for `reason`. */
export function disconnectResult(
  reason: LinkDownReason,
  message: string,
): { resultCode: number; errorMessage: string; pppDisconnectCause: AvpValues['pppDisconnectCause'] } {
  const { resultCode, code, direction } = LINK_END[reason];
  return {
    resultCode,
    errorMessage: message,
    pppDisconnectCause: { disconnectCode: code, controlProtocol: 0, direction, message },
  };
}
