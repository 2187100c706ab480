/**
 * Whether a settings document, a pool or a user is acceptable: its shape, and the rules that refuse what contradicts
 * itself or the others. Must not change anything stored, and must not put a secret into a problem's reason.
 */
import { isIPv4 } from 'node:net';
import {
  addressBits,
  canonicalAddress,
  canonicalPrefix,
  ipv4FromNumber,
  ipv4Number,
  type LacClientSettings,
  MAX_POOL_ADDRESSES,
  type Pool,
  PoolSchema,
  type Problem,
  type PseudowireSettings,
  type Settings,
  SettingsSchema,
  type TunnelPeer,
  type User,
  UserSchema,
} from '../settings.js';
import {
  accessInCanonicalForm,
  accessProblems,
  type NamedByUsers,
  namedProblems,
  userAccessProblems,
} from './access-rules.js';
import { boxInCanonicalForm, boxProblems, ownAddressIn } from './box-rules.js';
import { interfaceProblems, portProblems, pseudowireProblems } from './pseudowire-rules.js';
import { compileShape, type Validated } from './shape.js';

/** What a document is checked against beside itself. */
export interface Surroundings extends NamedByUsers {
  settings(): Settings;
  pools(): readonly Pool[];
  /** Name of the user who has this fixed address. */
  userWithFixedAddress(address: string): string | undefined;
  /** Name of some user with an address pool of this name. */
  userOfPool(pool: string): string | undefined;
}

const settingsShape = compileShape(SettingsSchema);
const poolShape = compileShape(PoolSchema);
const userShape = compileShape(UserSchema);

/** Checks a settings document, fills in defaults, and refuses contradictions in it and with pools and users. */
export function validateSettings(document: unknown, around: Surroundings): Validated<Settings> {
  const shaped = settingsShape(document);
  if (!shaped.ok) return shaped;
  const settings = inCanonicalForm(shaped.value);
  const problems = [
    ...timeProblems(settings),
    ...nameProblems(settings),
    ...interfaceProblems(settings),
    ...peerProblems(settings.tunnelPeers),
    ...lnsProblems(settings, around),
    ...settings.lacClients.flatMap((profile, at) => lacClientProblems(profile, `/lacClients/${at}`)),
    ...routeProblems(settings, around.pools()),
    ...pseudowireProblems(settings),
    ...accessProblems(settings),
    ...boxProblems(settings, around.pools()),
    ...namedProblems(settings, around.settings(), around),
  ];
  return problems.length > 0 ? { ok: false, problems } : { ok: true, value: settings };
}

/** Checks a pool, fills in defaults, and refuses what contradicts itself, other pools or the settings. */
export function validatePool(document: unknown, around: Surroundings): Validated<Pool> {
  const shaped = poolShape(document);
  if (!shaped.ok) return shaped;
  const pool = shaped.value;
  const others = around.pools().filter((other) => other.name !== pool.name);
  const problems: Problem[] = [];
  pool.ranges.forEach((range, at) => {
    problems.push(...rangeProblems(range, `/ranges/${at}`, pool.ranges.slice(0, at), others));
  });
  const count = pool.ranges.reduce((sum, { first, last }) => sum + ipv4Number(last) - ipv4Number(first) + 1, 0);
  if (count > MAX_POOL_ADDRESSES) {
    problems.push({ field: '/ranges', reason: `hold ${count} addresses; a pool takes at most ${MAX_POOL_ADDRESSES}` });
  }
  const { lns, lac, interfaces } = around.settings();
  if ((lns.enabled || lac.enabled) && leases(pool, lns.localAddress)) {
    const reason = `hold ${lns.localAddress}, the LNS's own address; name it in excluded, or move the range`;
    problems.push({ field: '/ranges', reason });
  }
  const own = ownAddressIn(pool, interfaces);
  if (own !== undefined) {
    const reason = `hold ${own}, an address of the box itself; name it in excluded, or move the range`;
    problems.push({ field: '/ranges', reason });
  }
  return problems.length > 0 ? { ok: false, problems } : { ok: true, value: pool };
}

/** Checks a user, fills in defaults, and refuses what contradicts other users, the pools or the settings. */
export function validateUser(document: unknown, around: Surroundings): Validated<User> {
  const shaped = userShape(document);
  if (!shaped.ok) return shaped;
  const user = { ...shaped.value, routes: shaped.value.routes.map((prefix) => canonicalPrefix(prefix) ?? prefix) };
  const problems = userAccessProblems(user, around.settings());
  if (!user.password) problems.push({ field: '/password', reason: 'is missing; give the user a password' });
  if (user.pool !== undefined && !around.pools().some((pool) => pool.name === user.pool)) {
    problems.push({ field: '/pool', reason: `names no pool; make a pool ${user.pool} first, or leave this out` });
  }
  user.routes.forEach((route, at) => {
    if (!route.endsWith('/0')) return;
    const reason = "leads everywhere, and would take the box's own way out; name the user's networks instead";
    problems.push({ field: `/routes/${at}`, reason });
  });
  if (user.fixedAddress !== undefined) {
    const holder = around.userWithFixedAddress(user.fixedAddress);
    const field = '/fixedAddress';
    if (holder !== undefined && holder !== user.name) {
      problems.push({ field, reason: `is that of user ${holder}; take another address` });
    }
    if (user.fixedAddress === around.settings().lns.localAddress) {
      problems.push({ field, reason: "is the LNS's own address; take another one" });
    }
    if (!isUnicast(user.fixedAddress)) problems.push({ field, reason: 'is no address that a host can have' });
  }
  return problems.length > 0 ? { ok: false, problems } : { ok: true, value: user };
}

/** Why a pool cannot be deleted, or undefined: the LNS or a user needs it. */
export function poolInUse(name: string, around: Surroundings): string | undefined {
  const { lns, lac } = around.settings();
  if ((lns.enabled || lac.enabled) && lns.pool === name) {
    return 'the LNS leases from this pool; set lns.pool to another one first';
  }
  const user = around.userOfPool(name);
  return user && `user ${user} has its addresses from this pool; give that user another one first`;
}

function inCanonicalForm(settings: Settings): Settings {
  const prefix = (text: string) => canonicalPrefix(text) ?? text;
  for (const peer of settings.tunnelPeers) if (peer.address !== undefined) peer.address = prefix(peer.address);
  for (const profile of settings.lacClients) {
    profile.server = canonicalAddress(profile.server) ?? profile.server;
    profile.routes = profile.routes.map(prefix);
    profile.localNetworks = profile.localNetworks.map(prefix);
  }
  settings.pseudowires = settings.pseudowires.map(pseudowireInCanonicalForm);
  accessInCanonicalForm(settings);
  boxInCanonicalForm(settings);
  return settings;
}

/** An empty cookie is none. */
function pseudowireInCanonicalForm(wire: PseudowireSettings): PseudowireSettings {
  const { peer, localAddress, localCookie, peerCookie, ...others } = wire;
  return {
    ...others,
    ...(peer !== undefined && { peer: canonicalAddress(peer) ?? peer }),
    ...(localAddress !== undefined && { localAddress: canonicalAddress(localAddress) ?? localAddress }),
    ...(localCookie && { localCookie: localCookie.toLowerCase() }),
    ...(peerCookie && { peerCookie: peerCookie.toLowerCase() }),
  };
}

/** A dead peer should be noticed within minutes, whatever the numbers are. */
const MAX_PATIENCE_MS = 300_000;

function timeProblems({ l2tp, lacClients }: Settings): Problem[] {
  const problems: Problem[] = [];
  if (l2tp.retransmitInitial_ms > l2tp.retransmitCap_ms) {
    const reason = `is above retransmitCap_ms (${l2tp.retransmitCap_ms}); make it smaller`;
    problems.push({ field: '/l2tp/retransmitInitial_ms', reason });
  }
  let patience_ms = 0;
  for (let sent = 0; sent <= l2tp.maxRetransmits; sent++) {
    patience_ms += Math.min(l2tp.retransmitInitial_ms * 2 ** sent, l2tp.retransmitCap_ms);
  }
  if (patience_ms > MAX_PATIENCE_MS) {
    const reason = `together with the two waits means ${Math.round(patience_ms / 1000)} s until a dead peer is given up; lower them to ${MAX_PATIENCE_MS / 1000} s in all`;
    problems.push({ field: '/l2tp/maxRetransmits', reason });
  }
  lacClients.forEach((profile, at) => {
    if (profile.redialInitial_s <= profile.redialCap_s) return;
    const reason = `is above redialCap_s (${profile.redialCap_s}); make it smaller`;
    problems.push({ field: `/lacClients/${at}/redialInitial_s`, reason });
  });
  return problems;
}

function nameProblems({ tunnelPeers, lacClients, pseudowires }: Settings): Problem[] {
  return [
    ...duplicates(tunnelPeers, '/tunnelPeers'),
    ...duplicates(lacClients, '/lacClients'),
    ...duplicates(pseudowires, '/pseudowires'),
  ];
}

function duplicates(list: readonly { name: string }[], path: string): Problem[] {
  const isRepeated = (name: string, at: number) => list.findIndex((each) => each.name === name) < at;
  return list.flatMap(({ name }, at) =>
    isRepeated(name, at)
      ? [{ field: `${path}/${at}/name`, reason: `${name} is there already; give each entry a name of its own` }]
      : [],
  );
}

function peerProblems(peers: readonly TunnelPeer[]): Problem[] {
  return peers.flatMap((peer, at) => {
    const field = `/tunnelPeers/${at}`;
    if (peer.hostName === undefined && peer.address === undefined) {
      return [{ field, reason: 'matches every peer; give hostName or address, or set lns.defaultSecret instead' }];
    }
    const hider = peers.slice(0, at).find((prior) => matchesAllOf(prior, peer));
    const reason = `is never reached, for ${hider?.name} before it matches the same peers; reorder or remove one`;
    return hider ? [{ field, reason }] : [];
  });
}

function matchesAllOf(prior: TunnelPeer, peer: TunnelPeer): boolean {
  const hostNameCovers = prior.hostName === undefined || prior.hostName === peer.hostName;
  const addressCovers =
    prior.address === undefined || (peer.address !== undefined && prefixContains(prior.address, peer.address));
  return hostNameCovers && addressCovers;
}

function lnsProblems(
  { lns, lac, ppp, tunnelPeers }: Settings,
  around: Pick<Surroundings, 'pools' | 'userWithFixedAddress'>,
): Problem[] {
  if (!lns.enabled && !lac.enabled) return [];
  const problems: Problem[] = [];
  if (!around.pools().some((pool) => pool.name === lns.pool)) {
    problems.push({ field: '/lns/pool', reason: `names no pool; make a pool ${lns.pool} first, or name another one` });
  }
  const field = '/lns/localAddress';
  if (!isUnicast(lns.localAddress)) problems.push({ field, reason: 'is no address that a host can have' });
  const holder = around.pools().find((pool) => leases(pool, lns.localAddress));
  if (holder) {
    const reason = `is inside pool ${holder.name}; take an address outside, or exclude it there`;
    problems.push({ field, reason });
  }
  const user = around.userWithFixedAddress(lns.localAddress);
  if (user) problems.push({ field, reason: `is the fixed address of user ${user}; take another one` });
  if (lns.enabled && !lns.allowUnknownPeers && tunnelPeers.length === 0) {
    const reason = 'is false while tunnelPeers is empty, so nobody could call; add a peer or allow unknown ones';
    problems.push({ field: '/lns/allowUnknownPeers', reason });
  }
  if (lns.enabled && lns.ipv6 && ppp.mru_bytes < 1280) {
    const reason = `needs an MRU of at least 1280 bytes (RFC 8200 section 5); raise ppp.mru_bytes or set this to false`;
    problems.push({ field: '/lns/ipv6', reason });
  }
  return problems;
}

function lacClientProblems(profile: LacClientSettings, path: string): Problem[] {
  const problems: Problem[] = [];
  if (profile.enabled && !profile.password) {
    const reason = `is missing, and ${profile.authentication.join(', ')} cannot do without; give the password of ${profile.userName}`;
    problems.push({ field: `${path}/password`, reason });
  }
  if (profile.ipv6 && profile.mru_bytes < 1280) {
    const reason = 'needs an MRU of at least 1280 bytes (RFC 8200 section 5); raise mru_bytes or set this to false';
    problems.push({ field: `${path}/ipv6`, reason });
  }
  problems.push(...portProblems(profile.encapsulation, profile.port, path));
  const own = canonicalPrefix(`${profile.server}/${isIPv4(profile.server) ? 32 : 128}`);
  profile.routes.forEach((route, at) => {
    const field = `${path}/routes/${at}`;
    if (route === own) {
      const reason = 'leads to the LNS itself, so that packets of the tunnel would enter the tunnel; remove it';
      problems.push({ field, reason });
    } else if (route.endsWith('/0')) {
      const reason =
        'leads everywhere, so that packets of the tunnel would enter the tunnel; name the networks instead';
      problems.push({ field, reason });
    }
  });
  return problems;
}

function routeProblems({ lns, lacClients }: Settings, pools: readonly Pool[]): Problem[] {
  const owners = new Map<string, string>();
  return lacClients.flatMap((profile, which) =>
    profile.routes.flatMap((route, at) => {
      const field = `/lacClients/${which}/routes/${at}`;
      const owner = owners.get(route);
      if (owner) return [{ field, reason: `is a route of ${owner} already; keep one of the two` }];
      if (profile.enabled) owners.set(route, profile.name);
      const range = prefixRange(route);
      const pool = pools.find((each) => each.ranges.some((own) => isWithin(range, own)));
      if (!lns.enabled || !pool) return [];
      return [{ field, reason: `would draw addresses of pool ${pool.name} away from the LNS; remove it` }];
    }),
  );
}

type Range = Pool['ranges'][number];

function rangeProblems(range: Range, field: string, prior: readonly Range[], others: readonly Pool[]): Problem[] {
  if (ipv4Number(range.first) > ipv4Number(range.last)) {
    return [{ field, reason: 'ends before it begins; exchange first and last' }];
  }
  if (!isUnicast(range.first) || !isUnicast(range.last)) {
    return [{ field, reason: 'has addresses that no host can have (0, 127, 224 and above); choose others' }];
  }
  if (prior.some((other) => overlap(other, range))) {
    return [{ field, reason: 'overlaps a range before it; join the two' }];
  }
  const holder = others.find((pool) => pool.ranges.some((other) => overlap(other, range)));
  return holder ? [{ field, reason: `overlaps pool ${holder.name}; an address belongs to one pool` }] : [];
}

function overlap(a: Range, b: Range): boolean {
  return ipv4Number(a.first) <= ipv4Number(b.last) && ipv4Number(b.first) <= ipv4Number(a.last);
}

function isWithin(inner: Range | undefined, outer: Range): boolean {
  if (!inner) return false;
  return ipv4Number(outer.first) <= ipv4Number(inner.first) && ipv4Number(inner.last) <= ipv4Number(outer.last);
}

function leases(pool: Pool, address: string): boolean {
  const inRange = pool.ranges.some((range) => isWithin({ first: address, last: address }, range));
  return inRange && !pool.excluded.includes(address);
}

function isUnicast(address: string): boolean {
  const first = ipv4Number(address) >>> 24;
  return first !== 0 && first !== 127 && first < 224;
}

function prefixContains(outer: string, inner: string): boolean {
  const [outerAddress = '', outerLength] = outer.split('/');
  const [innerAddress = '', innerLength] = inner.split('/');
  if (isIPv4(outerAddress) !== isIPv4(innerAddress) || Number(outerLength) > Number(innerLength)) return false;
  const shift = BigInt((isIPv4(outerAddress) ? 32 : 128) - Number(outerLength));
  return addressBits(outerAddress) >> shift === addressBits(innerAddress) >> shift;
}

function prefixRange(prefix: string): Range | undefined {
  const [address = '', length] = prefix.split('/');
  if (!isIPv4(address)) return undefined;
  return { first: address, last: ipv4FromNumber(ipv4Number(address) + 2 ** (32 - Number(length)) - 1) };
}
