/**
 * Ties of sessions, RFC 3931 section 5.4.4 (Remote End ID, Session Tie Breaker): both ends ask for a session of the same
 * circuit at once. Must not end anything: call-messages.ts does, by the state tables.
 */
import type { ControlMessage } from '../../wire/avp.js';
import { compareOctets, sameOctets } from './authentication.js';
import type { EndpointState } from './endpoint-state.js';
import type { Session, Tunnel } from './tunnel.js';

/**
 * The request of ours that is in a tie with the peer's, and how it ends for ours: the lower tie breaker wins, one
 * without any loses, and with two equal ones or none at all neither session is to be.
 */
export function handleSessionTie(
  state: EndpointState,
  tunnel: Tunnel,
  { messageType, avps }: ControlMessage,
): { session: Session; outcome: 'win' | 'lose' | 'equal' } | undefined {
  const { remoteEndId, tieBreaker: theirs } = avps;
  if (remoteEndId === undefined) return undefined;
  const kind = messageType === 'ICRQ' ? 'lac-incoming' : 'lns-outgoing';
  for (const session of state.openingSessions) {
    const { remoteEndId: ours, tieBreaker } = session.request;
    if (session.kind !== kind || !isSamePeer(session.tunnel, tunnel) || !sameOctets(ours, remoteEndId)) continue;
    return { session, outcome: outcomeOf(tieBreaker, theirs) };
  }
  return undefined;
}

function outcomeOf(ours: Uint8Array | undefined, theirs: Uint8Array | undefined): 'win' | 'lose' | 'equal' {
  if (ours === undefined || theirs === undefined) {
    if (ours === theirs) return 'equal';
    return ours === undefined ? 'lose' : 'win';
  }
  const order = compareOctets(ours, theirs);
  if (order === 0) return 'equal';
  return order < 0 ? 'win' : 'lose';
}

/** RFC 3931 section 3.3: a peer is known by Router ID and Host Name. */
function isSamePeer(a: Tunnel, b: Tunnel): boolean {
  return a === b || (a.peerRouterId === b.peerRouterId && a.peerHostName === b.peerHostName);
}
