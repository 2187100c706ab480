/**
 * Whether a user who has proved who it is may have one call more: lns.duplicateLogins and lns.maxSessionsPerUser over the
 * calls that stand. Pure; must not end a call.
 */
import type { CallInfo } from '../roles/role.js';
import type { LnsSettings } from '../settings.js';

export type LoginDecision =
  /** Calls that the new one takes the place of, the oldest first. */
  | { accepted: true; replaces: readonly CallInfo[] }
  | {
      accepted: false;
      /** In words that may be sent to the user. */
      reason: string;
    };

/** The call that a user is about to have: its name as it said it, and what it gets. */
export type Login = Pick<CallInfo, 'callId' | 'userName' | 'authorization'>;

/**
 * For calls that end here. One that is carried to an LNS is the LNS's to judge: at the LAC nobody need have proved
 * anything, and whoever knew a name could end its owner's call.
 *
 * `calls` are all of the box, up or not. Only those count whose user has proved who it is, which is when they have a
 * name; and not the login's own, for LCP may begin anew.
 */
export function decideLogin(
  { duplicateLogins, maxSessionsPerUser }: Pick<LnsSettings, 'duplicateLogins' | 'maxSessionsPerUser'>,
  login: Login,
  calls: Iterable<CallInfo>,
): LoginDecision {
  if (duplicateLogins === 'allow' && maxSessionsPerUser === 0) return { accepted: true, replaces: [] };
  const others = [...calls].filter((call) => call.callId !== login.callId && countsFor(login, call));
  if (duplicateLogins === 'replace') {
    return { accepted: true, replaces: others.sort((one, other) => one.since_ms - other.since_ms) };
  }
  if (duplicateLogins === 'refuse' && others.length > 0)
    return { accepted: false, reason: 'the user has a call already' };
  if (maxSessionsPerUser > 0 && others.length >= maxSessionsPerUser) {
    return { accepted: false, reason: `the user has ${maxSessionsPerUser} sessions already` };
  }
  return { accepted: true, replaces: [] };
}

function countsFor(login: Login, call: CallInfo): boolean {
  return call.userName !== '' && call.state !== 'terminate' && endsHere(call) && nameOf(call) === nameOf(login);
}

function endsHere({ role, isTunnelled, authorization }: CallInfo): boolean {
  if (role === 'lac') return !isTunnelled && authorization.tunnels.length === 0;
  return role === 'lns';
}

/** RADIUS may name a user otherwise than it names itself (RFC 2865 section 5.1). */
function nameOf({ userName, authorization }: Pick<CallInfo, 'userName' | 'authorization'>): string {
  return authorization.userName || userName;
}
