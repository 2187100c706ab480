/**
 * Which filters the kernel shall apply to whose traffic, from the settings' filters and the calls that stand, each of
 * which names its own (Filter-Id, RFC 2865 section 5.11). Must not apply them.
 */
import type { CallInfo } from '../roles/role.js';
import type { FilterSettings } from '../settings.js';
import { formatPrefix, type Prefix, parsePrefix, prefixContains } from '../wire/ip.js';
import type { DesiredFilter } from './network.js';
import type { OperatingProblem } from './view.js';

/**
 * The filters that calls name, in the order of the settings, for users behind `link`. What two calls have counts as the
 * older one's; within a user's network the longest prefix counts, as it does for routes, so that a network has holes
 * where other users are, filtered or not. `calls`: the oldest first.
 */
export function planFilters(
  filters: readonly FilterSettings[],
  link: string,
  calls: readonly CallInfo[],
): DesiredFilter[] {
  const known = new Set(filters.map(({ name }) => name));
  if (!calls.some((call) => filtersOf(call).some((name) => known.has(name)))) return [];
  const addresses = new Map<string, string[]>(filters.map(({ name }) => [name, []]));
  const claims = claimsOf(calls, known);
  // Most users are a single address, of which nothing can be another's.
  const hasNetworks = [...claims].some(([text, names]) => names.length > 0 && !isHostText(text));
  const prefixes = hasNetworks ? Array.from(claims.keys(), parsePrefix) : [];
  for (const [text, names] of claims) {
    if (names.length === 0) continue;
    const parts = isHostText(text) ? [text] : without(parsePrefix(text), prefixes);
    for (const name of names) addresses.get(name)?.push(...parts);
  }
  return filters
    .map(({ name, rules, otherwise }) => ({ name, link, rules, otherwise, addresses: addresses.get(name) ?? [] }))
    .filter((filter) => filter.addresses.length > 0);
}

/**
 * Whether a call that comes, goes or is changed makes another plan than the one in force: it has filters, or had some, or
 * it makes or fills a hole in a network behind one of `calls` that has some. Without filters nobody is looked at.
 */
export function concernsFilters(
  call: CallInfo,
  inForce: readonly DesiredFilter[],
  calls: () => readonly CallInfo[],
): boolean {
  if (filtersOf(call).length > 0) return true;
  if (inForce.length === 0) return false;
  const texts = prefixesOf(call);
  const own = texts.map(parsePrefix);
  const networks = texts.filter((text) => !isHostText(text)).map(parsePrefix);
  const isOwn = (text: string) =>
    texts.includes(text) || networks.some((network) => isWithin(parsePrefix(text), network));
  if (inForce.some(({ addresses }) => addresses.some(isOwn))) return true;
  const isAround = (text: string) => own.some((prefix) => isWithin(prefix, parsePrefix(text)));
  return calls().some((other) => filtersOf(other).length > 0 && other.routes.some(isAround));
}

/** One for each filter that calls name and that the settings do not have: those calls are not filtered by it. */
export function unknownFilters(filters: readonly FilterSettings[], calls: readonly CallInfo[]): OperatingProblem[] {
  const known = new Set(filters.map(({ name }) => name));
  const users = new Map<string, string[]>();
  for (const call of calls) {
    for (const name of filtersOf(call)) {
      if (known.has(name)) continue;
      const named = users.get(name) ?? [];
      users.set(name, named);
      named.push(call.userName);
    }
  }
  return Array.from(users, ([name, [user, ...others]]) => ({
    what: `there is no filter ${name}, and ${user}${others.length > 0 ? ` and ${others.length} more` : ''} should have it`,
    advice: `add ${name} under filters, or take it out where the user is set up`,
  }));
}

/** Of calls that end here alone: what the LAC carries to an LNS does not pass this box's kernel. */
function filtersOf({ role, isTunnelled, authorization }: CallInfo): readonly string[] {
  return role === 'lac-client' || isTunnelled ? [] : authorization.filters;
}

/** All that is routed to the user. */
function prefixesOf({ role, isTunnelled, peerAddress, routes }: CallInfo): string[] {
  if (role === 'lac-client' || isTunnelled) return [];
  return peerAddress === '' ? [...routes] : [`${peerAddress}/32`, ...routes];
}

/** What is routed to users, and the names of the filters that its traffic must pass. */
function claimsOf(calls: readonly CallInfo[], known: ReadonlySet<string>): Map<string, readonly string[]> {
  const claims = new Map<string, readonly string[]>();
  for (const call of calls) {
    const filters = filtersOf(call).filter((name, at, all) => known.has(name) && all.indexOf(name) === at);
    for (const text of prefixesOf(call)) if (!claims.has(text)) claims.set(text, filters);
  }
  return claims;
}

/** What is left of a prefix without those of `claimed` that are in it. */
function without(prefix: Prefix, claimed: readonly Prefix[]): string[] {
  const inside = claimed.filter((each) => each.length_bits > prefix.length_bits && isWithin(each, prefix));
  return carve(prefix, inside).map(formatPrefix);
}

/** `inside` are the holes; one as large as the prefix leaves nothing of it. */
function carve(prefix: Prefix, inside: readonly Prefix[]): Prefix[] {
  if (inside.length === 0) return [prefix];
  if (inside.some(({ length_bits }) => length_bits === prefix.length_bits)) return [];
  return halvesOf(prefix).flatMap((half) =>
    carve(
      half,
      inside.filter((hole) => isWithin(hole, half)),
    ),
  );
}

function halvesOf({ address, length_bits }: Prefix): Prefix[] {
  const upper = address.slice();
  upper[length_bits >>> 3] |= 0x80 >>> (length_bits & 7);
  return [address, upper].map((half) => ({ address: half, length_bits: length_bits + 1 }));
}

function isWithin(inner: Prefix, outer: Prefix): boolean {
  return (
    inner.address.length === outer.address.length &&
    inner.length_bits >= outer.length_bits &&
    prefixContains(outer, inner.address)
  );
}

function isHostText(prefix: string): boolean {
  return prefix.endsWith(prefix.includes(':') ? '/128' : '/32');
}
