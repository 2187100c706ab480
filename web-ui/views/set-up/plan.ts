/**
 * What the set-up asks for, what it proposes, and the documents that come of the answers. Pure: nothing is read or written
 * here, and no word is said.
 */
import type { Pool, Settings, User } from '../../../firmware/settings.js';
import { hostRange, networksOverlap } from '../../parts/ipv4.js';
import { filledLines } from '../../parts/lines.js';

export type Role = 'lns' | 'lac' | 'client';
export type Step = 'role' | 'interfaces' | 'pool' | 'users' | 'routing' | 'lac' | 'client' | 'summary';
type InterfaceSettings = Settings['interfaces'][number];

/** An interface as the box has it. */
export interface Interface {
  name: string;
  kind: 'ethernet' | 'bridge' | 'tun' | 'tap' | 'vlan' | 'other';
  mac: string;
  isUp: boolean;
  hasCarrier: boolean;
  addresses: string[];
  role: 'lan' | 'wan' | 'other' | '';
}

export interface Plan {
  role: Role;
  interfaces: readonly InterfaceSettings[];
  pool: { first: string; last: string; localAddress: string; dns: readonly string[] };
  /** Who says who a user is. */
  users: 'local' | 'radius';
  user: { name: string; password: string };
  radius: { address: string; port: number; secret: string };
  nat: boolean;
  /** Where PPPoE is answered, and the LNS that the calls go to. */
  lac: { interfaces: readonly string[]; server: string; secret: string };
  client: { server: string; secret: string; userName: string; password: string; routes: readonly string[] };
}

/** What the box has now. */
export interface Found {
  settings: Settings;
  pools: readonly Pool[];
  interfaces: readonly Interface[];
  /** The user table is not empty. */
  hasUsers: boolean;
}

/** What is written, in this order. The password of a user and the like are only here. */
export interface Documents {
  pool?: Pool;
  user?: Pick<User, 'name' | 'password'> & Partial<User>;
  settings: Settings;
}

const STEPS: Readonly<Record<Role, readonly Step[]>> = {
  lns: ['role', 'interfaces', 'pool', 'users', 'routing', 'summary'],
  lac: ['role', 'interfaces', 'lac', 'summary'],
  client: ['role', 'interfaces', 'client', 'summary'],
};

export const stepsOf = (role: Role): readonly Step[] => STEPS[role];

/** Networks for users that hardly anybody has, the first that meets nothing of the box is proposed. */
const NETWORKS = ['10.112.112', '10.113.113', '10.212.112', '172.29.112', '192.168.212'];
/** What the LAC's group of LNSes and the client's profile are called that the set-up makes. */
const GROUP = 'lns';
const PROFILE = 'head-office';
const PROFILE_TUN = 'twc0';
/** For so long the DHCP server gives an address. */
const LEASE_S = 43_200;

/** `pageHost` is the host of the address bar: the interface that has it is the one that the box is administered from. */
export function proposal(found: Found, pageHost: string): Plan {
  const { settings } = found;
  const server = settings.lac.tunnelGroups[0]?.servers[0];
  const profile = settings.lacClients[0];
  const radius = settings.radius.authentication[0];
  const interfaces = proposedInterfaces(found, pageHost);
  return {
    role: proposedRole(settings),
    interfaces,
    pool: proposedPool(found),
    users: radius === undefined ? 'local' : 'radius',
    user: { name: '', password: '' },
    radius: { address: radius?.address ?? '', port: radius?.port ?? 1812, secret: '' },
    nat: settings.routing.masqueradeOn.length > 0 || !settings.lns.enabled,
    lac: {
      interfaces: settings.lac.enabled ? settings.lac.interfaces.map(({ name }) => name) : pppoeInterfaces(interfaces),
      server: server?.server ?? '',
      secret: '',
    },
    client: {
      server: profile?.server ?? '',
      secret: '',
      userName: profile?.userName ?? '',
      password: '',
      routes: profile?.routes ?? [],
    },
  };
}

function proposedRole({ lns, lac, lacClients }: Settings): Role {
  if (lns.enabled) return 'lns';
  if (lac.enabled) return 'lac';
  return lacClients.some(({ enabled }) => enabled) ? 'client' : 'lns';
}

/** Interfaces that frames come by; not those that the box makes for its own tunnels. */
export function portsOf({ interfaces }: Pick<Found, 'interfaces'>): Interface[] {
  return interfaces.filter(({ kind }) => kind === 'ethernet' || kind === 'bridge' || kind === 'vlan');
}

/** The one of the page, or else the first, is LAN; of the others those with a carrier are WAN. */
function proposedInterfaces(found: Found, pageHost: string): InterfaceSettings[] {
  const ports = portsOf(found);
  const stored = new Map(found.settings.interfaces.map((each) => [each.name, each]));
  const ofPage = interfaceOf(ports, pageHost) ?? ports.find(({ role }) => role === 'lan') ?? ports[0];
  return ports.map((port) => {
    const { name, isUp, hasCarrier } = port;
    const role = port === ofPage ? 'lan' : isUp && hasCarrier ? 'wan' : 'other';
    return stored.get(name) ?? { name, role, addressing: 'system', addresses: [] };
  });
}

const interfaceOf = (ports: readonly Interface[], address: string): Interface | undefined =>
  ports.find(({ addresses }) => addresses.some((each) => each.split('/')[0] === address));

const pppoeInterfaces = (interfaces: readonly InterfaceSettings[]): string[] =>
  interfaces.filter(({ role }) => role === 'other').map(({ name }) => name);

function proposedPool({ settings, pools, interfaces }: Found): Plan['pool'] {
  const { lns } = settings;
  const range = pools.find(({ name }) => name === lns.pool)?.ranges[0];
  const networks = interfaces.filter(({ kind }) => kind !== 'tun').flatMap(({ addresses }) => addresses);
  const isFree = (network: string) => !networks.some((each) => networksOverlap(each, network));
  if (range && (lns.enabled || isFree(`${lns.localAddress}/24`))) {
    return { ...range, localAddress: lns.localAddress, dns: lns.dns };
  }
  const network = NETWORKS.find((each) => isFree(`${each}.0/24`)) ?? NETWORKS[0];
  return { first: `${network}.10`, last: `${network}.250`, localAddress: `${network}.1`, dns: lns.dns };
}

/** Where users' traffic gets the box's own address: the WAN, or what there is where there is no WAN. */
export function natInterfaces({ interfaces }: Pick<Plan, 'interfaces'>): string[] {
  const wan = interfaces.filter(({ role }) => role === 'wan');
  return (wan.length > 0 ? wan : interfaces.filter(({ role }) => role === 'lan')).map(({ name }) => name);
}

/** What is not asked for stays as it is. */
export function documentsOf(plan: Plan, found: Found): Documents {
  const settings = structuredClone(found.settings);
  const shown = new Set(plan.interfaces.map(({ name }) => name));
  settings.interfaces = [
    ...plan.interfaces.map(interfaceDocument),
    ...settings.interfaces.filter(({ name }) => !shown.has(name)),
  ];
  if (plan.role === 'lac') return { settings: withLac(settings, plan.lac) };
  if (plan.role === 'client') return { settings: withClient(settings, plan.client) };
  const user = plan.users === 'local' && plan.user.name !== '' ? plan.user : undefined;
  return { pool: poolDocument(plan, found), ...(user && { user }), settings: withLns(settings, plan) };
}

function interfaceDocument({ gateway, dhcpServer, ...others }: InterfaceSettings): InterfaceSettings {
  if (others.addressing !== 'static') return { ...others, addresses: [] };
  const serves = dhcpServer !== undefined && others.role === 'lan';
  return {
    ...{ ...others, addresses: filledLines(others.addresses) },
    ...(gateway ? { gateway } : {}),
    ...(serves ? { dhcpServer } : {}),
  };
}

/** The interface with a DHCP server, or without; the range is one of its network. */
export function withDhcpServer({ dhcpServer: _, ...one }: InterfaceSettings, serves: boolean): InterfaceSettings {
  const range = one.addresses.map(hostRange).find((each) => each !== undefined) ?? { first: '', last: '' };
  return serves ? { ...one, dhcpServer: { ...range, lease_s: LEASE_S } } : one;
}

function poolDocument({ pool: { first, last } }: Plan, { settings, pools }: Found): Pool {
  const name = settings.lns.pool;
  const stored = pools.find((pool) => pool.name === name);
  const others = stored?.ranges.slice(1) ?? [];
  const { excluded = [], sticky = true } = stored ?? {};
  return { name, ranges: [{ first, last }, ...others], excluded, sticky };
}

function withLns(settings: Settings, plan: Plan): Settings {
  const { localAddress, dns } = plan.pool;
  Object.assign(settings.lns, { enabled: true, localAddress, dns: filledLines(dns) });
  settings.routing.masqueradeOn = plan.nat ? natInterfaces(plan) : [];
  settings.routing.forwarding = true;
  const { address, port, secret } = plan.radius;
  const [first, ...others] = settings.radius.authentication;
  const server = { ...(first ?? { requireMessageAuthenticator: true, statusServer: true }), address, port };
  settings.radius.authentication = plan.users === 'local' ? [] : [{ ...server, ...(secret && { secret }) }, ...others];
  return settings;
}

/** Every call that no rule before has taken goes to the LNS. */
function withLac(settings: Settings, { interfaces, server, secret }: Plan['lac']): Settings {
  const { lac } = settings;
  lac.enabled = true;
  lac.interfaces = interfaces.map(
    (name) => lac.interfaces.find((each) => each.name === name) ?? { name, vlans: 'any' },
  );
  const [group, ...otherGroups] = lac.tunnelGroups;
  const [first, ...others] = group?.servers ?? [];
  const changed = { ...first, server, ...(secret && { secret }) } as (typeof others)[number];
  const name = group?.name ?? GROUP;
  lac.tunnelGroups = [{ name, servers: [changed, ...others] }, ...otherGroups];
  const isForAll = (rule: (typeof lac.rules)[number]) => rule.domain === undefined && rule.interface === undefined;
  lac.rules = [...lac.rules.filter((rule) => !isForAll(rule)), { action: 'tunnel', group: name }];
  return settings;
}

function withClient(settings: Settings, { server, secret, userName, password, routes }: Plan['client']): Settings {
  const [first, ...others] = settings.lacClients;
  const profile = {
    ...first,
    name: first?.name ?? PROFILE,
    tunInterface: first?.tunInterface ?? PROFILE_TUN,
    enabled: true,
    server,
    userName,
    routes: filledLines(routes),
    ...(secret && { tunnelSecret: secret }),
    ...(password && { password }),
  } as (typeof others)[number];
  settings.lacClients = [profile, ...others];
  return settings;
}

export type TestCall =
  | { kind: 'lns'; user: string; password: string }
  | { kind: 'tunnel-group'; group: string; user: string; password: string }
  | { kind: 'lac-client'; profile: string };

/** `credentials` are those of the user who calls. */
export function testCallOf(settings: Settings, role: Role, credentials: { user: string; password: string }): TestCall {
  if (role === 'client') return { kind: 'lac-client', profile: settings.lacClients[0]?.name ?? PROFILE };
  if (role === 'lns') return { kind: 'lns', ...credentials };
  return { kind: 'tunnel-group', group: settings.lac.tunnelGroups[0]?.name ?? GROUP, ...credentials };
}

/** Where the settings' problems belong, by the beginning of their pointer; the longest comes first. */
const PLACES: readonly (readonly [string, Step])[] = [
  ['/pool', 'pool'],
  ['/user', 'users'],
  ['/settings/interfaces', 'interfaces'],
  ['/settings/lns/localAddress', 'pool'],
  ['/settings/lns/dns', 'pool'],
  ['/settings/lns/pool', 'pool'],
  ['/settings/radius', 'users'],
  ['/settings/routing', 'routing'],
  ['/settings/lacClients', 'client'],
  ['/settings/lac', 'lac'],
];

/** The step that a problem belongs to: `field` is its pointer behind the document's name, as in /settings/lns/dns. */
export function stepOf(field: string, role: Role): Step {
  const step = PLACES.find(([place]) => field === place || field.startsWith(`${place}/`))?.[1];
  return step !== undefined && stepsOf(role).includes(step) ? step : 'summary';
}

/**
 * Whether the page still reaches the box once these interfaces are in force, as far as that can be told from here: the
 * interface that has the address of the page stays LAN and keeps that address. False means: not certain.
 */
export function pageStays(settings: Settings, { interfaces }: Pick<Found, 'interfaces'>, pageHost: string): boolean {
  if (pageHost === 'localhost' || pageHost === '::1' || pageHost.startsWith('127.')) return true;
  const ofPage = interfaceOf(portsOf({ interfaces }), pageHost);
  const planned = settings.interfaces.find(({ name }) => name === ofPage?.name);
  if (planned?.role !== 'lan') return false;
  return planned.addressing !== 'static' || planned.addresses.some((each) => each.split('/')[0] === pageHost);
}

/** The first address by which the box will be reached at its LAN where it gets another one; '' where there is none. */
export const newAddress = (settings: Settings): string =>
  settings.interfaces
    .find(({ role, addressing }) => role === 'lan' && addressing === 'static')
    ?.addresses[0]?.split('/')[0] ?? '';

/** JSON pointers, as in stepOf, of what a step cannot do without and does not have. */
export function gapsIn(step: Step, plan: Plan, { settings, hasUsers }: Found): string[] {
  const { pool, user, radius, lac, client } = plan;
  const needed: Record<string, string | boolean | undefined> = {};
  if (step === 'pool') {
    Object.assign(needed, { '/pool/ranges/0/first': pool.first, '/pool/ranges/0/last': pool.last });
    needed['/settings/lns/localAddress'] = pool.localAddress;
  } else if (step === 'users' && plan.users === 'local') {
    needed['/user/name'] = user.name || (hasUsers && user.password === '');
    needed['/user/password'] = user.password || (hasUsers && user.name === '');
  } else if (step === 'users') {
    needed['/settings/radius/authentication/0/address'] = radius.address;
    needed['/settings/radius/authentication/0/secret'] = radius.secret || settings.radius.authentication.length > 0;
  } else if (step === 'lac') {
    needed['/settings/lac/interfaces'] = lac.interfaces.length > 0;
    needed['/settings/lac/tunnelGroups/0/servers/0/server'] = lac.server;
  } else if (step === 'client') {
    needed['/settings/lacClients/0/server'] = client.server;
    needed['/settings/lacClients/0/userName'] = client.userName;
    needed['/settings/lacClients/0/password'] = client.password || settings.lacClients.length > 0;
  }
  return Object.keys(needed).filter((pointer) => !needed[pointer]);
}
