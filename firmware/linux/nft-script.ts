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

const IPV4 = 'type ipv4_addr : verdict;';
const IPV6 = 'type ipv6_addr : verdict;';

/** Maps of networks hold intervals, which nft(8) takes long over; those of addresses are hashes. */
const MAPS = [
  { suffix: 'addresses4', match: 'ip', keys: IPV4, isOfNetworks: false, holds: /^[\d.]+\/32$/ },
  { suffix: 'networks4', match: 'ip', keys: `${IPV4} flags interval;`, isOfNetworks: true, holds: /^[\d.]+\/(?!32$)/ },
  { suffix: 'addresses6', match: 'ip6', keys: IPV6, isOfNetworks: false, holds: /:.*\/128$/ },
  { suffix: 'networks6', match: 'ip6', keys: `${IPV6} flags interval;`, isOfNetworks: true, holds: /:.*\/(?!128$)/ },
] as const;

/** `hook`: where the kernel begins with it; '' for one that others jump to. */
interface Chain {
  hook: string;
  rules: readonly string[];
}

interface FilterMap {
  keys: string;
  isOfNetworks: boolean;
  /** The chain that a key leads to. */
  chains: ReadonlyMap<string, string>;
}

/** All by name. Without filters there is nothing in it. */
export interface FilterTable {
  chains: ReadonlyMap<string, Chain>;
  maps: ReadonlyMap<string, FilterMap>;
}

export const NO_TABLE: FilterTable = { chains: new Map(), maps: new Map() };

export function isEmpty({ chains }: FilterTable): boolean {
  return chains.size === 0;
}

export function tableOf(filters: readonly DesiredFilter[]): FilterTable {
  if (filters.length === 0) return NO_TABLE;
  const chains = baseChains([...new Set(filters.map(({ link }) => link))]);
  const maps = new Map<string, FilterMap>();
  const { users, unions } = usersOf(filters);
  for (const direction of DIRECTIONS) {
    const inDirection = (chain: string) => `${chain}.${direction.name}`;
    for (const filter of filters) {
      chains.set(inDirection(chainOf(filter.name)), { hook: '', rules: rulesOf(filter, direction) });
    }
    for (const [union, members] of unions) {
      chains.set(inDirection(union), { hook: '', rules: members.map((chain) => `jump ${inDirection(chain)}`) });
    }
    const lookUps: string[] = [];
    for (const { suffix, match, keys, isOfNetworks, holds } of MAPS) {
      const name = `${direction.name}_${suffix}`;
      lookUps.push(`${match} ${direction.user} vmap @${name}`);
      const held = [...users].filter(([prefix]) => holds.test(prefix));
      const keyOf = (prefix: string) => (isOfNetworks ? prefix : prefix.slice(0, prefix.indexOf('/')));
      const keyed = held.map(([prefix, chain]) => [keyOf(prefix), inDirection(chain)] as const);
      maps.set(name, { keys, isOfNetworks, chains: new Map(keyed) });
    }
    chains.set(direction.name, { hook: '', rules: lookUps });
  }
  return { chains, maps };
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
  for (const [name, { keys }] of to.maps) if (!from.maps.has(name)) lines.push(`add map ${TABLE} ${name} { ${keys} }`);
  for (const name of gone) lines.push(`flush chain ${TABLE} ${name}`);
  for (const [name, { rules }] of changed) {
    if (from.chains.has(name)) lines.push(`flush chain ${TABLE} ${name}`);
    for (const rule of rules) lines.push(`add rule ${TABLE} ${name} ${rule}`);
  }
  for (const [name, map] of to.maps) lines.push(...mapCommands(name, from.maps.get(name)?.chains ?? new Map(), map));
  for (const name of gone) lines.push(`delete chain ${TABLE} ${name}`);
  return lines;
}

function isSame(one: Chain | undefined, { rules }: Chain): boolean {
  return one !== undefined && one.rules.length === rules.length && one.rules.every((rule, at) => rule === rules[at]);
}

/** Networks are few, and quicker filled in anew than changed one by one. */
function mapCommands(name: string, from: ReadonlyMap<string, string>, { isOfNetworks, chains }: FilterMap): string[] {
  let gone = [...from].filter(([key, chain]) => chains.get(key) !== chain);
  let fresh = [...chains].filter(([key, chain]) => from.get(key) !== chain);
  if (gone.length === 0 && fresh.length === 0) return [];
  const lines: string[] = [];
  if (isOfNetworks && from.size > 0) {
    lines.push(`flush map ${TABLE} ${name}`);
    [gone, fresh] = [[], [...chains]];
  }
  if (gone.length > 0) lines.push(`delete element ${TABLE} ${name} { ${gone.map(([key]) => key).join(', ')} }`);
  const elements = fresh.map(([key, chain]) => `${key} : jump ${chain}`);
  if (elements.length > 0) lines.push(`add element ${TABLE} ${name} { ${elements.join(', ')} }`);
  return lines;
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

/** The chain that each address leads to, and those that are made of several filters' chains. */
function usersOf(filters: readonly DesiredFilter[]) {
  const chainsOf = new Map<string, string[]>();
  for (const { name, addresses } of filters) {
    const chain = chainOf(name);
    for (const address of addresses) chainsOf.set(address, [...(chainsOf.get(address) ?? []), chain]);
  }
  const users = new Map<string, string>();
  const unions = new Map<string, readonly string[]>();
  for (const [address, chains] of chainsOf) {
    const chain = chains.length === 1 ? chains[0] : `all_${hashOf(chains.join())}`;
    users.set(address, chain);
    if (chains.length > 1) unions.set(chain, chains);
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
