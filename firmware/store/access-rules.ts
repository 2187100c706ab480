/**
 * The rules for PPPoE, the LAC's tunnels, RADIUS and filters that no schema can say: what must be there, what names
 * nothing, what contradicts the settings around it. Must not look at anything but the settings and, for what they name,
 * the users.
 */
import { canonicalAddress, canonicalPrefix, type Problem, type Settings, type User } from '../settings.js';
import { portProblems } from './pseudowire-rules.js';

type Lac = Settings['lac'];
type RadiusServer = Settings['radius']['authentication'][number];

/** What users name in the settings. */
export interface NamedByUsers {
  /** A user whose calls are carried to this group. */
  userOfTunnelGroup(group: string): string | undefined;
  userOfFilter(filter: string): string | undefined;
}

export function accessProblems(settings: Settings): Problem[] {
  return [
    ...lacProblems(settings),
    ...radiusProblems(settings),
    ...settings.filters.flatMap((filter, at) => filterProblems(filter, `/filters/${at}`)),
    ...repeated(
      settings.filters,
      ({ name }) => name,
      (at) => `/filters/${at}/name`,
      'a filter of this name',
    ),
  ];
}

/** What users still name and the settings would not have any more. */
export function namedProblems({ lac, filters }: Settings, before: Settings, users: NamedByUsers): Problem[] {
  const problems: Problem[] = [];
  for (const { name } of before.lac.tunnelGroups) {
    if (lac.tunnelGroups.some((group) => group.name === name)) continue;
    const user = users.userOfTunnelGroup(name);
    const reason = `lack ${name}, which calls of user ${user} are carried to; give that user another one first`;
    if (user !== undefined) problems.push({ field: '/lac/tunnelGroups', reason });
  }
  for (const { name } of before.filters) {
    if (filters.some((filter) => filter.name === name)) continue;
    const user = users.userOfFilter(name);
    const reason = `lack ${name}, which user ${user} has; give that user another one first`;
    if (user !== undefined) problems.push({ field: '/filters', reason });
  }
  return problems;
}

/** What a user names must be there. */
export function userAccessProblems({ tunnelGroup, filter }: User, { lac, filters }: Settings): Problem[] {
  const problems: Problem[] = [];
  if (tunnelGroup !== undefined && !lac.tunnelGroups.some(({ name }) => name === tunnelGroup)) {
    const reason = `names no group of LNSes; add ${tunnelGroup} to lac.tunnelGroups first, or leave this out`;
    problems.push({ field: '/tunnelGroup', reason });
  }
  if (filter !== undefined && !filters.some(({ name }) => name === filter)) {
    problems.push({ field: '/filter', reason: `names no filter; add ${filter} to filters first, or leave this out` });
  }
  return problems;
}

/** Addresses and prefixes as they are compared and shown. */
export function accessInCanonicalForm(settings: Settings): void {
  const { lac, radius, filters } = settings;
  const address = (text: string) => canonicalAddress(text) ?? text;
  for (const { servers } of lac.tunnelGroups) {
    for (const server of servers) {
      server.server = address(server.server);
      if (server.localAddress !== undefined) server.localAddress = address(server.localAddress);
    }
  }
  for (const server of [...radius.authentication, ...radius.accounting]) server.address = address(server.address);
  for (const client of radius.dynamicAuthorization.clients) client.address = address(client.address);
  if (radius.nasAddress !== undefined) radius.nasAddress = address(radius.nasAddress);
  for (const rule of filters.flatMap(({ rules }) => rules)) {
    if (rule.remote !== undefined) rule.remote = canonicalPrefix(rule.remote) ?? rule.remote;
  }
}

function lacProblems(settings: Settings): Problem[] {
  const { lac, lns, lacClients, pseudowires, ppp } = settings;
  const problems: Problem[] = [
    ...repeated(
      lac.interfaces,
      ({ name }) => name,
      (at) => `/lac/interfaces/${at}/name`,
      'this interface',
    ),
    ...repeated(
      lac.tunnelGroups,
      ({ name }) => name,
      (at) => `/lac/tunnelGroups/${at}/name`,
      'a group of this name',
    ),
    ...lac.tunnelGroups.flatMap((group, at) => groupProblems(group, `/lac/tunnelGroups/${at}`)),
    ...ruleProblems(lac),
  ];
  if (lac.enabled && lac.interfaces.length === 0) {
    const reason = 'are none, so nobody could call; name the Ethernet interface that the PCs are attached to';
    problems.push({ field: '/lac/interfaces', reason });
  }
  const ours = new Set([lns.tunInterface, ...lacClients.map((one) => one.tunInterface)]);
  for (const { tapInterface } of pseudowires) ours.add(tapInterface);
  lac.interfaces.forEach(({ name }, at) => {
    if (!ours.has(name)) return;
    problems.push({ field: `/lac/interfaces/${at}/name`, reason: `${name} is a device that this box makes itself` });
  });
  if (lac.enabled && lac.ipv6 && ppp.mru_bytes < 1280) {
    const reason = 'needs an MRU of at least 1280 bytes (RFC 8200 section 5); raise ppp.mru_bytes or set this to false';
    problems.push({ field: '/lac/ipv6', reason });
  }
  return problems;
}

function groupProblems({ servers }: Lac['tunnelGroups'][number], path: string): Problem[] {
  const same = ({ server, port, encapsulation }: (typeof servers)[number]) => `${server} ${port} ${encapsulation}`;
  return [
    ...repeated(servers, same, (at) => `${path}/servers/${at}/server`, 'this LNS by this way'),
    ...servers.flatMap(({ encapsulation, port }, at) => portProblems(encapsulation, port, `${path}/servers/${at}`)),
  ];
}

/** The first rule that matches decides, so what stands behind one that takes all is never reached. */
function ruleProblems({ rules, interfaces, tunnelGroups }: Lac): Problem[] {
  return rules.flatMap((rule, at) => {
    const path = `/lac/rules/${at}`;
    const problems: Problem[] = [];
    const { action, group, domain } = rule;
    if (action === 'tunnel' && group === undefined) {
      problems.push({ field: `${path}/group`, reason: 'is missing; name the group of LNSes that the calls go to' });
    } else if (action === 'tunnel' && !tunnelGroups.some(({ name }) => name === group)) {
      problems.push({ field: `${path}/group`, reason: `names no group; add ${group} to lac.tunnelGroups` });
    } else if (action !== 'tunnel' && group !== undefined) {
      problems.push({ field: `${path}/group`, reason: `is of no use with action ${action}; leave it out` });
    }
    if (rule.interface !== undefined && !interfaces.some(({ name }) => name === rule.interface)) {
      const reason = `is not one of lac.interfaces; add ${rule.interface} there, or leave this out`;
      problems.push({ field: `${path}/interface`, reason });
    }
    const hider = rules.findIndex(
      (prior, place) =>
        place < at &&
        (prior.domain === undefined || prior.domain.toLowerCase() === domain?.toLowerCase()) &&
        (prior.interface === undefined || prior.interface === rule.interface),
    );
    if (hider >= 0) {
      const reason = `is never reached, for rule ${hider} before it matches the same calls; reorder or remove one`;
      problems.push({ field: path, reason });
    }
    return problems;
  });
}

function radiusProblems({ radius, l2tp }: Settings): Problem[] {
  const { authentication, accounting, dynamicAuthorization } = radius;
  const { port, clients } = dynamicAuthorization;
  const same = ({ address, port: its }: RadiusServer) => `${address} ${its}`;
  const problems = [
    ...[...authentication.entries()].flatMap(([at, one]) => secretProblems(one, `/radius/authentication/${at}`)),
    ...[...accounting.entries()].flatMap(([at, one]) => secretProblems(one, `/radius/accounting/${at}`)),
    ...[...clients.entries()].flatMap(([at, one]) => secretProblems(one, `/radius/dynamicAuthorization/clients/${at}`)),
    ...repeated(authentication, same, (at) => `/radius/authentication/${at}/address`, 'this server'),
    ...repeated(accounting, same, (at) => `/radius/accounting/${at}/address`, 'this server'),
    ...repeated(
      clients,
      ({ address }) => address,
      (at) => `/radius/dynamicAuthorization/clients/${at}/address`,
      'this client',
    ),
  ];
  const field = '/radius/dynamicAuthorization/port';
  if (port !== 0 && clients.length === 0) {
    const reason =
      'is open while dynamicAuthorization.clients is empty, so nobody may send; add a client, or set it to 0';
    problems.push({ field, reason });
  }
  if (port !== 0 && port === l2tp.port) problems.push({ field, reason: 'is the port of L2TP; RFC 5176 has 3799' });
  if (1000 * radius.timeout_s <= radius.initialRetransmission_ms) {
    const reason = `is over before initialRetransmission_ms (${radius.initialRetransmission_ms}) is; make it longer`;
    problems.push({ field: '/radius/timeout_s', reason });
  }
  return problems;
}

function secretProblems({ secret }: { secret?: string }, path: string): Problem[] {
  return secret ? [] : [{ field: `${path}/secret`, reason: 'is missing; RADIUS goes by a shared secret' }];
}

function filterProblems({ rules }: Settings['filters'][number], path: string): Problem[] {
  return rules.flatMap(({ protocol, port }, at) => {
    if (port === undefined || protocol === 'tcp' || protocol === 'udp') return [];
    return [{ field: `${path}/rules/${at}/port`, reason: 'is of tcp or udp; set protocol to one of them' }];
  });
}

function repeated<T>(
  list: readonly T[],
  key: (one: T) => string,
  field: (at: number) => string,
  what: string,
): Problem[] {
  const keys = list.map(key);
  return keys.flatMap((one, at) =>
    keys.indexOf(one) < at ? [{ field: field(at), reason: `${what} is there already; keep one of the two` }] : [],
  );
}
