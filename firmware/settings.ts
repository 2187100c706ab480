/**
 * The settings document, users and address pools: one TypeBox schema for each, shared by store, API and web UI, their
 * defaults, and the rules that refuse what contradicts itself. Must not read or write anything, and must not put a
 * secret into a problem's reason.
 */
import { isIPv4, isIPv6 } from 'node:net';
import { type Static, type TSchema, type TStringOptions, Type } from 'typebox';
import { Compile, type Validator } from 'typebox/compile';

/** What is wrong with a document: `field` is a JSON pointer (RFC 6901) into it, `reason` says what to do about it. */
export interface Problem {
  field: string;
  reason: string;
}

/** Result of every check in this file. `settings` has its defaults filled in and its addresses in canonical form. */
export type Validated<Name extends string, T> = ({ ok: true } & Record<Name, T>) | { ok: false; problems: Problem[] };

const closed = { additionalProperties: false };
const section = { ...closed, default: {} };

/** A number of the unit that the property's name ends in, with its limits and default. */
const whole = (minimum: number, maximum: number, byDefault: number, description: string) =>
  Type.Integer({ minimum, maximum, default: byDefault, description });

const flag = (byDefault: boolean, description: string) => Type.Boolean({ default: byDefault, description });

/** Marked `secret`: encrypted at rest and never given out by the API. */
const secret = (description: string) =>
  Type.Optional(Type.String({ maxLength: 255, secret: true, writeOnly: true, description }));

/** Text that is checked, and later rewritten, by a function that gives its canonical form or undefined. */
const canonical = (form: (text: string) => string | undefined, advice: string, options: TStringOptions = {}) =>
  Type.Refine(
    Type.String({ maxLength: 255, ...options }),
    (text) => form(text) !== undefined,
    () => advice,
  );

const ipv4Text = (options: TStringOptions = {}) =>
  canonical(canonicalIpv4, 'is not an IPv4 address; write it as four numbers, as in 10.0.0.1', options);
const prefixText = () =>
  canonical(
    canonicalPrefix,
    'is not a prefix; write address, slash and length with no bit set behind the length, as in 10.1.0.0/16 or 2001:db8::/32',
  );
const nameText = (what: string) =>
  Type.Refine(
    Type.String({ minLength: 1, maxLength: 253, description: what }),
    (text) => !/\p{Cc}/u.test(text),
    () => 'has control characters in it; use visible ones alone',
  );
/** Linux takes 15 characters; those that sysctl and ip(8) read as something else are left out. */
const interfaceName = (options: TStringOptions) =>
  Type.Refine(
    Type.String(options),
    (text) => /^[A-Za-z][A-Za-z0-9_-]{0,14}$/.test(text) && !['lo', 'all', 'default'].includes(text),
    () => 'is not usable as an interface name; take at most 15 letters, digits, - or _, a letter first, as in tw0',
  );
const authenticationList = () =>
  Type.Array(Type.Enum(['mschapv2', 'chap-md5', 'pap']), {
    uniqueItems: true,
    minItems: 1,
    default: ['mschapv2', 'chap-md5', 'pap'],
    description: 'PPP authentication protocols, the preferred one first',
  });

/** Times are seconds or milliseconds as their names say. */
export const SettingsSchema = Type.Object(
  {
    system: Type.Object(
      {
        hostName: Type.Refine(
          Type.String({ default: 'tunnelwerk', description: 'sent to peers as Host Name AVP, RFC 2661 section 4.4.3' }),
          (text) => /^[\x21-\x7e]{1,64}$/.test(text),
          () => 'must be 1 to 64 visible ASCII characters without spaces',
        ),
      },
      section,
    ),
    api: Type.Object(
      { tcpPort: whole(0, 65535, 8080, 'TCP port of API and web UI on the loopback addresses; 0 = Unix socket alone') },
      section,
    ),
    l2tp: Type.Object(
      {
        port: whole(1, 65535, 1701, 'UDP port for L2TP'),
        helloInterval_s: whole(5, 3600, 60, 'a tunnel idle for so long is asked for life by HELLO'),
        retransmitInitial_ms: whole(
          100,
          60_000,
          1000,
          'wait before a control message is sent again, doubled each time',
        ),
        retransmitCap_ms: whole(8000, 60_000, 8000, 'the longest such wait; RFC 2661 section 5.8: at least 8 s'),
        maxRetransmits: whole(1, 30, 5, 'a peer that answers none of so many retransmissions is gone'),
        establishTimeout_s: whole(5, 600, 60, 'a tunnel or call not established by then is cleared'),
        receiveWindow: whole(1, 1024, 16, 'control messages that a peer may have outstanding towards us'),
        maxTunnels: whole(1, 65_535, 1024, 'more tunnels than these are refused'),
        maxSessions: whole(1, 65_535, 4096, 'more sessions than these are refused'),
      },
      section,
    ),
    ppp: Type.Object(
      {
        mru_bytes: whole(576, 1500, 1400, 'largest packet that we ask peers to send through a link'),
        echoInterval_s: whole(0, 3600, 30, 'LCP Echo-Request on an idle link; 0 = none'),
        echoFailures: whole(1, 30, 4, 'unanswered Echo-Requests in a row that end a link'),
        restartTimer_ms: whole(200, 30_000, 3000, 'RFC 1661 section 4.6, for LCP'),
        ncpRestartTimer_ms: whole(200, 30_000, 1000, 'the same for IPCP and IPV6CP, where peers expect haste'),
        maxConfigure: whole(1, 100, 10, 'RFC 1661 section 4.6'),
        maxTerminate: whole(1, 20, 2, 'RFC 1661 section 4.6'),
        maxFailure: whole(1, 20, 5, 'RFC 1661 section 4.6'),
        authenticationTimeout_s: whole(5, 300, 30, 'a peer that has not authenticated by then is hung up on'),
      },
      section,
    ),
    lns: Type.Object(
      {
        enabled: flag(false, 'answer calls'),
        authentication: authenticationList(),
        tunInterface: interfaceName({ default: 'tw0', description: 'TUN device that all sessions share' }),
        localAddress: ipv4Text({ default: '10.112.112.1', description: 'our end of every link' }),
        pool: Type.String({ default: 'default', description: "name of the pool that users' addresses come from" }),
        dns: Type.Array(ipv4Text(), { maxItems: 2, default: [], description: 'name servers given to users, RFC 1877' }),
        nbns: Type.Array(ipv4Text(), { maxItems: 2, default: [], description: 'NetBIOS name servers, RFC 1877' }),
        ipv6: flag(true, 'run IPV6CP: an IPv6 link with each user'),
        mssClamp: flag(true, 'lower the MSS of TCP connections to what fits the link'),
        sequencing: flag(false, 'number data packets, RFC 2661 section 5.4'),
        allowUnknownPeers: flag(true, 'take tunnels from peers that no entry of tunnelPeers matches'),
        defaultSecret: secret('tunnel secret for peers that no entry of tunnelPeers matches'),
        maxSessionsPerUser: whole(0, 65_535, 0, 'sessions of one user at once; 0 = no limit'),
      },
      section,
    ),
    tunnelPeers: Type.Array(
      Type.Object(
        {
          name: nameText('how this entry is called'),
          hostName: Type.Optional(
            Type.String({ minLength: 1, maxLength: 255, description: "the peer's Host Name AVP must be this" }),
          ),
          address: Type.Optional(prefixText()),
          secret: secret('tunnel secret, RFC 2661 section 5.1.1'),
          allowTunnelIdZero: flag(false, 'take data packets with tunnel ID 0 (D-Link DIR-300)'),
          addressControl: Type.Enum(['detect', 'always'], { default: 'detect', description: 'FF 03 before PPP' }),
        },
        closed,
      ),
      { maxItems: 4096, default: [], description: 'peers that open tunnels to us; the first match wins' },
    ),
    lacClients: Type.Array(
      Type.Object(
        {
          name: nameText('how this profile is called'),
          enabled: flag(true, 'dial, and dial again'),
          server: Type.Refine(
            Type.String({ description: 'IP address or host name of the LNS' }),
            (text) => canonicalAddress(text) !== undefined || isHostName(text),
            () => 'is neither an IP address nor a host name; write it as in 192.0.2.1 or lns.example.net',
          ),
          port: whole(1, 65_535, 1701, 'UDP port of the LNS'),
          tunnelSecret: secret('tunnel secret, RFC 2661 section 5.1.1'),
          userName: nameText('name for PPP authentication'),
          password: secret('password for PPP authentication'),
          authentication: authenticationList(),
          tunInterface: interfaceName({ description: "this profile's own TUN device" }),
          routes: Type.Array(prefixText(), { maxItems: 1024, default: [], description: 'what is reached through it' }),
          ipv6: flag(true, 'run IPV6CP'),
          mru_bytes: whole(576, 1500, 1400, 'largest packet that we ask the LNS to send'),
          mssClamp: flag(true, 'lower the MSS of TCP connections to what fits the link'),
          sequencing: flag(false, 'number data packets, RFC 2661 section 5.4'),
          redialInitial_s: whole(1, 3600, 2, 'wait before the first redial, doubled each time'),
          redialCap_s: whole(1, 86_400, 60, 'the longest such wait'),
        },
        closed,
      ),
      { maxItems: 64, default: [], description: 'LNSes that we dial' },
    ),
    routing: Type.Object({ forwarding: flag(true, 'forward packets between interfaces') }, section),
  },
  { ...closed, default: {} },
);

/** IPv4 addresses that are leased to users. */
export const PoolSchema = Type.Object(
  {
    name: nameText('how the pool is called'),
    ranges: Type.Array(Type.Object({ first: ipv4Text(), last: ipv4Text() }, closed), { minItems: 1, maxItems: 256 }),
    excluded: Type.Array(ipv4Text(), { maxItems: 65_536, default: [], description: 'never leased' }),
    sticky: flag(true, 'a user gets its last address again when it is free'),
  },
  closed,
);

/** Who may call. */
export const UserSchema = Type.Object(
  {
    name: nameText('name for PPP authentication'),
    password: secret('password for PPP authentication'),
    enabled: flag(true, 'may call'),
    fixedAddress: Type.Optional(ipv4Text({ description: 'always this address, in a pool or outside of all' })),
    pool: Type.Optional(Type.String({ description: "another pool than the LNS's" })),
    routes: Type.Array(prefixText(), { maxItems: 64, default: [], description: 'networks behind this user' }),
  },
  closed,
);

export type Settings = Static<typeof SettingsSchema>;
export type LnsSettings = Settings['lns'];
export type TunnelPeer = Settings['tunnelPeers'][number];
export type LacClientSettings = Settings['lacClients'][number];
export type Pool = Static<typeof PoolSchema>;
export type User = Static<typeof UserSchema>;

/** What a document is checked against beside itself. */
export interface Surroundings {
  settings: Settings;
  pools: readonly Pool[];
  users: readonly User[];
}

/** More addresses than a box has session IDs are of no use; each one is a row in the store. */
export const MAX_POOL_ADDRESSES = 131_072;

const settingsValidator = Compile(SettingsSchema);
const poolValidator = Compile(PoolSchema);
const userValidator = Compile(UserSchema);

/** Settings of a box that nobody has set up: it answers no calls, but one switch and one user away from it. */
export const DEFAULT_SETTINGS: Settings = settingsValidator.Default({}) as Settings;
/** The pool that DEFAULT_SETTINGS names. */
export const DEFAULT_POOL: Pool = {
  name: 'default',
  ranges: [{ first: '10.112.112.10', last: '10.112.112.250' }],
  excluded: [],
  sticky: true,
};

/** Checks a settings document, fills in defaults, and refuses contradictions in it and with pools and users. */
export function validateSettings(
  document: unknown,
  around: Omit<Surroundings, 'settings'>,
): Validated<'settings', Settings> {
  const shaped = shape(settingsValidator, document, 'settings');
  if (!shaped.ok) return shaped;
  const settings = inCanonicalForm(shaped.settings);
  const problems = [
    ...timeProblems(settings),
    ...nameProblems(settings),
    ...peerProblems(settings.tunnelPeers),
    ...lnsProblems(settings, around),
    ...settings.lacClients.flatMap((profile, at) => lacClientProblems(profile, `/lacClients/${at}`)),
    ...routeProblems(settings, around.pools),
  ];
  return problems.length > 0 ? { ok: false, problems } : { ok: true, settings };
}

/** Checks a pool, fills in defaults, and refuses what contradicts itself, other pools or the settings. */
export function validatePool(document: unknown, around: Surroundings): Validated<'pool', Pool> {
  const shaped = shape(poolValidator, document, 'pool');
  if (!shaped.ok) return shaped;
  const pool = shaped.pool;
  const others = around.pools.filter((other) => other.name !== pool.name);
  const problems: Problem[] = [];
  pool.ranges.forEach((range, at) => {
    problems.push(...rangeProblems(range, `/ranges/${at}`, pool.ranges.slice(0, at), others));
  });
  const count = pool.ranges.reduce((sum, { first, last }) => sum + ipv4Number(last) - ipv4Number(first) + 1, 0);
  if (count > MAX_POOL_ADDRESSES) {
    problems.push({ field: '/ranges', reason: `hold ${count} addresses; a pool takes at most ${MAX_POOL_ADDRESSES}` });
  }
  const { lns } = around.settings;
  if (lns.enabled && leases(pool, lns.localAddress)) {
    const reason = `hold ${lns.localAddress}, the LNS's own address; name it in excluded, or move the range`;
    problems.push({ field: '/ranges', reason });
  }
  return problems.length > 0 ? { ok: false, problems } : { ok: true, pool };
}

/** Checks a user, fills in defaults, and refuses what contradicts other users, the pools or the settings. */
export function validateUser(document: unknown, around: Surroundings): Validated<'user', User> {
  const shaped = shape(userValidator, document, 'user');
  if (!shaped.ok) return shaped;
  const user = { ...shaped.user, routes: shaped.user.routes.map((prefix) => canonicalPrefix(prefix) ?? prefix) };
  const problems: Problem[] = [];
  if (!user.password) problems.push({ field: '/password', reason: 'is missing; give the user a password' });
  if (user.pool !== undefined && !around.pools.some((pool) => pool.name === user.pool)) {
    problems.push({ field: '/pool', reason: `names no pool; make a pool ${user.pool} first, or leave this out` });
  }
  if (user.fixedAddress !== undefined) {
    const holder = around.users.find((other) => other.name !== user.name && other.fixedAddress === user.fixedAddress);
    const field = '/fixedAddress';
    if (holder) problems.push({ field, reason: `is that of user ${holder.name}; take another address` });
    if (user.fixedAddress === around.settings.lns.localAddress) {
      problems.push({ field, reason: "is the LNS's own address; take another one" });
    }
    if (!isUnicast(user.fixedAddress)) problems.push({ field, reason: 'is no address that a host can have' });
  }
  return problems.length > 0 ? { ok: false, problems } : { ok: true, user };
}

/** Why a pool cannot be deleted, or undefined: the LNS or a user needs it. */
export function poolInUse(name: string, around: Surroundings): string | undefined {
  if (around.settings.lns.enabled && around.settings.lns.pool === name) {
    return 'the LNS leases from this pool; set lns.pool to another one first';
  }
  const user = around.users.find((each) => each.pool === name);
  return user && `user ${user.name} has its addresses from this pool; give that user another one first`;
}

function shape<Name extends string, S extends TSchema>(
  validator: Validator<Record<string, never>, S>,
  document: unknown,
  name: Name,
): Validated<Name, Static<S>> {
  const filled = validator.Default(structuredClone(document));
  if (validator.Check(filled)) return { ok: true, [name]: filled } as Validated<Name, Static<S>>;
  return { ok: false, problems: schemaProblems(validator.Errors(filled)) };
}

/** Turns what TypeBox finds into sentences about a field, one for each field. */
export function schemaProblems(errors: ReturnType<Validator['Errors']>): Problem[] {
  const found = new Map<string, string>();
  const note = (field: string, reason: string) => {
    if (!found.has(field)) found.set(field, reason);
  };
  const member = (path: string, name: PropertyKey) =>
    `${path}/${String(name).replace(/~/g, '~0').replace(/\//g, '~1')}`;
  for (const error of errors) {
    const { instancePath } = error;
    if (error.keyword === 'additionalProperties') {
      for (const name of error.params.additionalProperties) note(member(instancePath, name), 'is not known; remove it');
    } else if (error.keyword === 'required') {
      for (const name of error.params.requiredProperties) note(member(instancePath, name), 'is missing; add it');
    } else if (error.keyword !== 'boolean') note(instancePath, schemaReason(error));
  }
  return [...found].map(([field, reason]) => ({ field, reason }));
}

const TYPE_NAMES: Readonly<Record<string, string>> = {
  integer: 'a whole number',
  number: 'a number',
  string: 'a text in quotes',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
};

function schemaReason(error: ReturnType<Validator['Errors']>[number]): string {
  switch (error.keyword) {
    case 'type':
      return `must be ${[error.params.type]
        .flat()
        .map((type) => TYPE_NAMES[type] ?? type)
        .join(' or ')}`;
    case 'minimum':
      return `must be at least ${error.params.limit}`;
    case 'maximum':
      return `must be at most ${error.params.limit}`;
    case 'minLength':
      return error.params.limit === 1 ? 'must not be empty' : `needs at least ${error.params.limit} characters`;
    case 'maxLength':
      return `takes at most ${error.params.limit} characters`;
    case 'minItems':
      return `needs at least ${error.params.limit} ${error.params.limit === 1 ? 'entry' : 'entries'}`;
    case 'maxItems':
      return `takes at most ${error.params.limit} entries`;
    case 'uniqueItems':
      return 'names something twice; leave one out';
    case 'enum':
      return `must be one of ${error.params.allowedValues.join(', ')}`;
    default:
      return error.message;
  }
}

function inCanonicalForm(settings: Settings): Settings {
  const prefix = (text: string) => canonicalPrefix(text) ?? text;
  for (const peer of settings.tunnelPeers) if (peer.address !== undefined) peer.address = prefix(peer.address);
  for (const profile of settings.lacClients) {
    profile.server = canonicalAddress(profile.server) ?? profile.server;
    profile.routes = profile.routes.map(prefix);
  }
  return settings;
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

function nameProblems({ lns, tunnelPeers, lacClients }: Settings): Problem[] {
  const interfaces = new Map([[lns.tunInterface, 'the LNS']]);
  const problems = [...duplicates(tunnelPeers, '/tunnelPeers'), ...duplicates(lacClients, '/lacClients')];
  lacClients.forEach((profile, at) => {
    const owner = interfaces.get(profile.tunInterface);
    const field = `/lacClients/${at}/tunInterface`;
    if (owner) problems.push({ field, reason: `${profile.tunInterface} belongs to ${owner}; choose another name` });
    else interfaces.set(profile.tunInterface, `profile ${profile.name}`);
  });
  return problems;
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

function lnsProblems({ lns, ppp, tunnelPeers }: Settings, around: Omit<Surroundings, 'settings'>): Problem[] {
  if (!lns.enabled) return [];
  const problems: Problem[] = [];
  if (!around.pools.some((pool) => pool.name === lns.pool)) {
    problems.push({ field: '/lns/pool', reason: `names no pool; make a pool ${lns.pool} first, or name another one` });
  }
  const field = '/lns/localAddress';
  if (!isUnicast(lns.localAddress)) problems.push({ field, reason: 'is no address that a host can have' });
  const holder = around.pools.find((pool) => leases(pool, lns.localAddress));
  if (holder) {
    const reason = `is inside pool ${holder.name}; take an address outside, or exclude it there`;
    problems.push({ field, reason });
  }
  const user = around.users.find((each) => each.fixedAddress === lns.localAddress);
  if (user) problems.push({ field, reason: `is the fixed address of user ${user.name}; take another one` });
  if (!lns.allowUnknownPeers && tunnelPeers.length === 0) {
    const reason = 'is false while tunnelPeers is empty, so nobody could call; add a peer or allow unknown ones';
    problems.push({ field: '/lns/allowUnknownPeers', reason });
  }
  if (lns.ipv6 && ppp.mru_bytes < 1280) {
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
  const own = canonicalPrefix(`${profile.server}/${isIPv4(profile.server) ? 32 : 128}`);
  profile.routes.forEach((route, at) => {
    if (route !== own) return;
    const reason = 'leads to the LNS itself, so that packets of the tunnel would enter the tunnel; remove it';
    problems.push({ field: `${path}/routes/${at}`, reason });
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

/** An IPv4 address in canonical form as a number from 0 to 2**32 - 1. */
export function ipv4Number(address: string): number {
  return address.split('.').reduce((number, part) => number * 256 + Number(part), 0);
}

/** The inverse of ipv4Number. */
export function ipv4FromNumber(number: number): string {
  return [24, 16, 8, 0].map((shift) => (number >>> shift) & 255).join('.');
}

function canonicalIpv4(text: string): string | undefined {
  return isIPv4(text) ? text : undefined;
}

/** RFC 5952 form of an IPv6 address, an IPv4 address as it is; undefined when it is neither, or has a zone. */
export function canonicalAddress(text: string): string | undefined {
  if (isIPv4(text)) return text;
  if (!isIPv6(text) || text.includes('%')) return undefined;
  return new URL(`http://[${text}]`).hostname.slice(1, -1);
}

/** address/length in canonical form, a lone address with its full length; undefined when host bits are set. */
export function canonicalPrefix(text: string): string | undefined {
  const [addressPart = '', lengthPart, ...rest] = text.split('/');
  const address = canonicalAddress(addressPart);
  if (address === undefined || rest.length > 0) return undefined;
  const width = isIPv4(address) ? 32 : 128;
  if (lengthPart !== undefined && !/^(0|[1-9]\d{0,2})$/.test(lengthPart)) return undefined;
  const length = lengthPart === undefined ? width : Number(lengthPart);
  if (length > width) return undefined;
  const hostBits = (1n << BigInt(width - length)) - 1n;
  return (addressBits(address) & hostBits) === 0n ? `${address}/${length}` : undefined;
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

function addressBits(address: string): bigint {
  if (isIPv4(address)) return BigInt(ipv4Number(address));
  const [head = '', tail] = address.split('::');
  const groups = (part: string) => (part === '' ? [] : part.split(':'));
  const behind = groups(tail ?? '');
  const zeros = tail === undefined ? 0 : 8 - groups(head).length - behind.length;
  const all = [...groups(head), ...Array<string>(zeros).fill('0'), ...behind];
  return all.reduce((bits, group) => (bits << 16n) | BigInt(`0x${group}`), 0n);
}

function isHostName(text: string): boolean {
  return (
    text.length <= 253 &&
    /^(?!\d+(\.\d+)*$)([a-z\d]([a-z\d-]{0,61}[a-z\d])?)(\.[a-z\d]([a-z\d-]{0,61}[a-z\d])?)*\.?$/i.test(text)
  );
}
