/**
 * Users' filters in nft(8)'s language: as a table of chains and maps, and as the commands that make such a table, or one
 * of another. Text alone; must not run it.
 *
 *   table inet tunnelwerk_filter
 *     input, forward, output    what comes from the filters' links jumps to from_user, what goes to them to to_user
 *     from_user, to_user        look a packet's user up by its source or destination, in four maps: of addresses and of
 *                               networks, of IPv4 and IPv6. Ten thousand users cost a packet no more than ten
 *     f_<filter>.from_user …    the filter's rules. What it accepts returns, so that all others have their say: those of
 *                               the same user, those of the user that the packet is for, other tables
 *     all_<filters>.from_user … the chains of all filters of a user who has several
 */
import { createHash } from 'node:crypto';

const TABLE = 'inet tunnelwerk_filter';

/** As in control/network.ts. */
export interface DesiredFilter {
  readonly name: string;
  readonly link: string;
  readonly rules: readonly FilterRule[];
  readonly otherwise: 'accept' | 'drop';
  readonly addresses: readonly string[];
}

interface FilterRule {
  readonly action: 'accept' | 'drop';
  readonly direction: 'from-user' | 'to-user' | 'both';
  readonly remote?: string;
  readonly protocol?: 'tcp' | 'udp' | 'icmp';
  readonly port?: number;
}

/** `remote` and `remotePort` are where the remote end is in a packet, `user` is where the user is. */
const DIRECTIONS = [
  { name: 'from_user', of: 'from-user', user: 'saddr', remote: 'daddr', remotePort: 'dport' },
  { name: 'to_user', of: 'to-user', user: 'daddr', remote: 'saddr', remotePort: 'sport' },
] as const;

type Direction = (typeof DIRECTIONS)[number];

const VERDICT = { accept: 'return', drop: 'drop' } as const;

const PROTOCOL = {
  tcp: 'meta l4proto tcp',
  udp: 'meta l4proto udp',
  icmp: 'meta l4proto { icmp, ipv6-icmp }',
  any: 'meta l4proto { tcp, udp }',
} as const;

/** All fragments of a packet but its first. */
const FRAGMENTS = [
  { family: 'ip', match: 'ip frag-off & 0x1fff != 0' },
  { family: 'ip6', match: 'frag frag-off != 0' },
] as const;

/**
 * The maps that users are in, for each direction: the first two for IPv4. Those of networks hold intervals, which nft(8)
 * takes long over; those of addresses are hashes.
 */
const KINDS = [
  { name: 'addresses4', family: 'ip', keys: 'type ipv4_addr : verdict;', isOfNetworks: false },
  { name: 'networks4', family: 'ip', keys: 'type ipv4_addr : verdict; flags interval;', isOfNetworks: true },
  { name: 'addresses6', family: 'ip6', keys: 'type ipv6_addr : verdict;', isOfNetworks: false },
  { name: 'networks6', family: 'ip6', keys: 'type ipv6_addr : verdict; flags interval;', isOfNetworks: true },
] as const;

type Kind = (typeof KINDS)[number];

/** `hook`: where the kernel begins with it; '' for one that others jump to. */
interface Chain {
  hook: string;
  rules: readonly string[];
}

/** What shall be in the kernel; without filters nothing. */
export interface FilterTable {
  /** By name. */
  chains: ReadonlyMap<string, Chain>;
  /** Which chain a user's packets go to, by its prefix: the name without the direction. */
  users: ReadonlyMap<string, string>;
}

export const NO_TABLE: FilterTable = { chains: new Map(), users: new Map() };

export function isEmpty({ chains }: FilterTable): boolean {
  return chains.size === 0;
}

export function tableOf(filters: readonly DesiredFilter[]): FilterTable {
  if (filters.length === 0) return NO_TABLE;
  const chains = baseChains([...new Set(filters.map(({ link }) => link))]);
  const { users, unions } = usersOf(filters);
  for (const direction of DIRECTIONS) {
    const lookUps = KINDS.map((kind) => `${kind.family} ${direction.user} vmap @${mapName(kind, direction)}`);
    chains.set(direction.name, { hook: '', rules: lookUps });
    for (const filter of filters) {
      chains.set(`${chainOf(filter.name)}.${direction.name}`, { hook: '', rules: rulesOf(filter, direction) });
    }
    for (const [union, members] of unions) {
      const jumps = members.map((chain) => `jump ${chain}.${direction.name}`);
      chains.set(`${union}.${direction.name}`, { hook: '', rules: jumps });
    }
  }
  return { chains, users };
}

/** Makes the table, whatever was there under its name; without filters it is removed. */
export function emitTable(table: FilterTable): string {
  // A table can only be deleted that is there.
  const anew = [`add table ${TABLE}`, `delete table ${TABLE}`];
  const lines = isEmpty(table) ? anew : [...anew, `add table ${TABLE}`, ...commands(NO_TABLE, table)];
  return `${lines.join('\n')}\n`;
}

/** Makes one table of the other, neither of them empty; '' where they are the same. */
export function emitChanges(from: FilterTable, to: FilterTable): string {
  const lines = commands(from, to);
  return lines.length === 0 ? '' : `${lines.join('\n')}\n`;
}

/** In an order in which nothing is named before it is there, and nothing goes that is still named. */
function commands(from: FilterTable, to: FilterTable): string[] {
  const fresh = [...to.chains].filter(([name]) => !from.chains.has(name));
  const gone = [...from.chains.keys()].filter((name) => !to.chains.has(name));
  const changed = [...to.chains].filter(([name, chain]) => !isSame(from.chains.get(name), chain));
  const lines = fresh.map(([name, { hook }]) => `add chain ${TABLE} ${name}${hook}`);
  if (isEmpty(from)) {
    const maps = DIRECTIONS.flatMap((direction) => KINDS.map((kind) => ({ name: mapName(kind, direction), kind })));
    lines.push(...maps.map(({ name, kind }) => `add map ${TABLE} ${name} { ${kind.keys} }`));
  }
  lines.push(...gone.map((name) => `flush chain ${TABLE} ${name}`));
  for (const [name, { rules }] of changed) {
    if (from.chains.has(name)) lines.push(`flush chain ${TABLE} ${name}`);
    lines.push(...rules.map((rule) => `add rule ${TABLE} ${name} ${rule}`));
  }
  lines.push(...userCommands(from.users, to.users));
  lines.push(...gone.map((name) => `delete chain ${TABLE} ${name}`));
  return lines;
}

function isSame(one: Chain | undefined, { rules }: Chain): boolean {
  return one !== undefined && one.rules.length === rules.length && one.rules.every((rule, at) => rule === rules[at]);
}

/** Looks closely at those users alone that have changed: there are ten thousand, and most have not. */
function userCommands(from: FilterTable['users'], to: FilterTable['users']): string[] {
  const changes = new Map(KINDS.map((kind) => [kind, { gone: [] as string[], fresh: [] as string[] }]));
  for (const [prefix, chain] of from) if (to.get(prefix) !== chain) changes.get(kindOf(prefix))?.gone.push(prefix);
  for (const [prefix, chain] of to) if (from.get(prefix) !== chain) changes.get(kindOf(prefix))?.fresh.push(prefix);
  return [...changes].flatMap(([kind, { gone, fresh }]) => {
    if (gone.length === 0 && fresh.length === 0) return [];
    // Networks are few, and quicker filled in anew than taken out one by one.
    const isRefilled = kind.isOfNetworks && gone.length > 0;
    const added = isRefilled ? [...to.keys()].filter((prefix) => kindOf(prefix) === kind) : fresh;
    return DIRECTIONS.flatMap((direction) => {
      const map = `${TABLE} ${mapName(kind, direction)}`;
      const elements = added.map((prefix) => `${keyOf(prefix, kind)} : jump ${to.get(prefix)}.${direction.name}`);
      return [
        ...(isRefilled
          ? [`flush map ${map}`]
          : withElements(
              'delete',
              map,
              gone.map((prefix) => keyOf(prefix, kind)),
            )),
        ...withElements('add', map, elements),
      ];
    });
  });
}

function withElements(verb: 'add' | 'delete', map: string, elements: readonly string[]): string[] {
  return elements.length === 0 ? [] : [`${verb} element ${map} { ${elements.join(', ')} }`];
}

function mapName(kind: Kind, direction: Direction): string {
  return `${direction.name}_${kind.name}`;
}

function kindOf(prefix: string): Kind {
  const isIpv6 = prefix.includes(':');
  const isAddress = prefix.endsWith(isIpv6 ? '/128' : '/32');
  return KINDS[(isIpv6 ? 2 : 0) + (isAddress ? 0 : 1)];
}

function keyOf(prefix: string, { isOfNetworks }: Kind): string {
  return isOfNetworks ? prefix : prefix.slice(0, prefix.indexOf('/'));
}

function baseChains(links: readonly string[]): Map<string, Chain> {
  const names = `{ ${links.map((link) => `"${link}"`).join(', ')} }`;
  const [fromUser, toUser] = [`iifname ${names} jump from_user`, `oifname ${names} jump to_user`];
  const hook = (name: string) => ` { type filter hook ${name} priority filter; policy accept; }`;
  return new Map([
    ['input', { hook: hook('input'), rules: [fromUser] }],
    ['forward', { hook: hook('forward'), rules: [fromUser, toUser] }],
    ['output', { hook: hook('output'), rules: [toUser] }],
  ]);
}

/** The chain that each prefix leads to, and those that are made of several filters' chains. */
function usersOf(filters: readonly DesiredFilter[]) {
  const users = new Map<string, string>();
  const unions = new Map<string, readonly string[]>();
  for (const { name, addresses } of filters) {
    const own = chainOf(name);
    /** By what a user had before this filter came. */
    const joined = new Map<string, string>();
    for (const prefix of addresses) {
      const before = users.get(prefix);
      if (before === undefined) {
        users.set(prefix, own);
        continue;
      }
      const members = [...(unions.get(before) ?? [before]), own];
      const union = joined.get(before) ?? `all_${hashOf(members.join())}`;
      joined.set(before, union);
      unions.set(union, members);
      users.set(prefix, union);
    }
  }
  return { users, unions };
}

/** A filter may be called anything; the kernel shows what of it can stand in a chain's name. */
function chainOf(filter: string): string {
  return `f_${filter.replace(/[^A-Za-z0-9]+/g, '_').slice(0, 40)}_${hashOf(filter)}`;
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 12);
}

function rulesOf({ rules, otherwise }: DesiredFilter, direction: Direction): string[] {
  const lines = rules
    .filter((rule) => rule.direction === 'both' || rule.direction === direction.of)
    .flatMap((rule) => matchesOf(rule, direction).map((match) => words(match, VERDICT[rule.action])));
  return otherwise === 'drop' ? [...lines, VERDICT.drop] : lines;
}

/**
 * What a rule is about, in one match or more. Only the first fragment of a packet has ports: to let through what the
 * first one may not is of no use to anybody, but without the others no packet is whole. ICMP has no ports.
 */
function matchesOf({ action, remote, protocol, port }: FilterRule, direction: Direction): string[] {
  const family = remote === undefined ? undefined : remote.includes(':') ? 'ip6' : 'ip';
  const address = family === undefined ? '' : `${family} ${direction.remote} ${remote}`;
  if (port === undefined) return [words(address, protocol === undefined ? '' : PROTOCOL[protocol])];
  if (protocol === 'icmp') return [];
  const transport = words(address, PROTOCOL[protocol ?? 'any']);
  const fragments = FRAGMENTS.filter((each) => family === undefined || each.family === family);
  return [
    words(transport, `th ${direction.remotePort} ${port}`),
    ...(action === 'accept' ? fragments.map(({ match }) => words(transport, match)) : []),
  ];
}

function words(...parts: readonly string[]): string {
  return parts.filter((part) => part !== '').join(' ');
}
