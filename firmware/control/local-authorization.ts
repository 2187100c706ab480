/**
 * What the box's own settings and user table say that a user gets and where a call is carried to: what RADIUS says
 * elsewhere. Pure.
 */
import { NO_AUTHORIZATION, shared } from '../roles/authorization.js';
import type { Authorization, TunnelChoice } from '../roles/role.js';
import type { LacSettings, TunnelServerSettings, User } from '../settings.js';

/** The LNSes of a group; none where there is no such group. */
export function tunnelChoices(lac: LacSettings, group: string): TunnelChoice[] {
  return (lac.tunnelGroups.find(({ name }) => name === group)?.servers ?? []).map((server) => choiceOf(server, group));
}

/** Calls to one group share its tunnels, as RFC 2868 section 3.7 has it for those of one Tunnel-Assignment-ID. */
function choiceOf(server: TunnelServerSettings, group: string): TunnelChoice {
  const { preference, port, encapsulation, digest, cookie_bytes, sequencing } = server;
  return {
    ...{ preference, port, encapsulation, digest, cookie_bytes, sequencing },
    server: server.server,
    localAddress: server.localAddress ?? '',
    secret: server.secret ?? '',
    assignmentId: group,
    hostName: server.hostName ?? '',
    peerHostName: server.peerHostName ?? '',
  };
}

/** At the LAC a user's group of LNSes counts, at the LNS the rest. */
export function authorizationOf(user: User, lac: LacSettings): Authorization {
  const { sessionTimeout_s, idleTimeout_s, receiveRate_bps, sendRate_bps, routes } = user;
  return shared({
    ...NO_AUTHORIZATION,
    ...{ sessionTimeout_s, idleTimeout_s, receiveRate_bps, sendRate_bps },
    ...{ address: user.fixedAddress ?? '', pool: user.pool ?? '', routes },
    tunnels: user.tunnelGroup === undefined ? [] : tunnelChoices(lac, user.tunnelGroup),
    filters: user.filter === undefined ? [] : [user.filter],
  });
}

/**
 * What the first rule that matches says of a call at the LAC, by interface and by what stands behind the last @ of the
 * user's name; undefined where none does, and who the user is must be asked.
 */
export function ruleFor(
  lac: LacSettings,
  userName: string,
  interfaceName: string,
): LacSettings['rules'][number] | undefined {
  const at = userName.lastIndexOf('@');
  const domain = at < 0 ? '' : userName.slice(at + 1).toLowerCase();
  return lac.rules.find(
    (rule) =>
      (rule.domain === undefined || rule.domain.toLowerCase() === domain) &&
      (rule.interface === undefined || rule.interface === interfaceName),
  );
}
