/**
 * What the kernel's network settings shall be, from settings, pools and the calls that stand: addresses and routes of
 * the TUN devices, bridges of the TAP devices, filters. Must not apply it.
 */

import type { CallInfo } from '../roles/role.js';
import { type InterfaceSettings, type Pool, type Settings, STATIC_ROUTE_PROTOCOL } from '../settings.js';
import { type Prefix, parseAddress, parsePrefix, prefixContains } from '../wire/ip.js';
import { poolPrefixes } from './address-pool.js';
import type { DhcpLease } from './dhcp.js';
import { planFilters } from './filter-plan.js';
import type { DesiredBoxRules, DesiredLink, DesiredNetwork, DesiredPort, DesiredRoute } from './network.js';
import type { EthernetInterface } from './pppoe-interfaces.js';
import type { TunDevice } from './tun-devices.js';

/** A gateway of the settings comes before those of DHCP, and of those that of the first interface. */
const FIRST_DHCP_METRIC = 100;

/** `lan`: the interfaces that the box is administered from; `present`: those that are there; `leases`: what DHCP gave, by interface. `calls` are those that are up. Pools are routed as prefixes, so a call on a pool's address adds no route. */
export function planNetwork(
  settings: Settings,
  pools: readonly Pool[],
  devices: Iterable<TunDevice>,
  calls: readonly CallInfo[],
  lan: readonly string[] = [],
  present: readonly EthernetInterface[] = [],
  leases: ReadonlyMap<string, DhcpLease> = new Map(),
): DesiredNetwork {
  const open = [...devices].filter(({ isOpen }) => isOpen);
  const lns = open.find(({ role }) => role === 'lns');
  const prefixes = poolPrefixes(pools);
  const poolRoutes = prefixes.map(parsePrefix);
  const links: DesiredLink[] = [];
  const routes: DesiredRoute[] = [];
  /** Two profiles that dial one LNS have one gateway: the kernel takes one route to it, by the older call. */
  const gateways = new Map<string, string>();
  if (lns !== undefined) {
    links.push(linkOf(lns, [`${settings.lns.localAddress}/32`]));
    for (const prefix of prefixes) routes.push({ prefix, link: lns.name });
  }
  const clients = new Map<string, DesiredLink>();
  for (const device of open) {
    if (device.role === 'lac-client') clients.set(device.profile, linkOf(device, []));
    else if (device.role === 'pseudowire') links.push(tapOf(device, settings));
  }
  for (const call of calls) {
    if (call.role !== 'lac-client' && !call.isTunnelled && lns !== undefined) {
      const own = routesToUser(call, poolRoutes);
      for (const prefix of own) routes.push({ prefix, link: lns.name });
    } else if (call.role === 'lac-client') {
      const link = clients.get(call.profile);
      if (link === undefined) continue;
      clients.set(call.profile, { ...link, addresses: [`${call.localAddress}/32`] });
      const wanted = settings.lacClients.find(({ name }) => name === call.profile)?.routes ?? [];
      for (const prefix of wanted) routes.push({ prefix, link: link.name });
      const gateway = gatewayRoute(call);
      if (gateway !== undefined) gateways.set(gateway, gateways.get(gateway) ?? link.name);
    }
  }
  for (const [prefix, link] of gateways)
    if (!routes.some((route) => route.prefix === prefix)) routes.push({ prefix, link });
  links.push(...clients.values());
  const filters = lns === undefined ? [] : planFilters(settings.filters, lns.name, calls);
  const box = { guard: guardOf(settings, lan), masquerade: masqueradeOf(settings, lns) };
  const own = ownNetwork(settings, lan, present, leases);
  return { links, routes, filters, box, own, forwarding: settings.routing.forwarding };
}

/** Addresses and routes that the settings name, whatever calls there are. */
function ownNetwork(
  { interfaces, routing }: Settings,
  lan: readonly string[],
  present: readonly EthernetInterface[],
  leases: ReadonlyMap<string, DhcpLease>,
): DesiredNetwork['own'] {
  const asking = interfaces.filter(({ addressing }) => addressing === 'dhcp');
  const ports = interfaces
    .filter(({ addressing }) => addressing !== 'system')
    .map((one): DesiredPort => {
      const { name } = one;
      const port = present.find((each) => each.name === name);
      const found = { index: port?.index ?? 0, isUp: port?.isUp ?? false };
      const wanted = one.addressing === 'dhcp' ? leasedAddresses(leases.get(name)) : staticAddresses(one);
      const metric = FIRST_DHCP_METRIC + asking.indexOf(one);
      const leased = one.addressing === 'dhcp' && { leased: { metric } };
      return { name, ...found, ...wanted, staysSet: lan.includes(name), ...leased };
    });
  const routes = routing.staticRoutes.map(({ prefix, via = '', interface: name = '', metric }) => {
    return { prefix, via, interface: name, metric };
  });
  return { ports, routes, protocol: STATIC_ROUTE_PROTOCOL };
}

type Addresses = Pick<DesiredPort, 'addresses' | 'gateways'>;

function staticAddresses({ addresses, gateway }: InterfaceSettings): Addresses {
  return { addresses, gateways: gateway === undefined ? [] : [gateway] };
}

function leasedAddresses(lease: DhcpLease | undefined): Addresses {
  if (lease === undefined) return { addresses: [], gateways: [] };
  return { addresses: [lease.address], gateways: lease.gateway === '' ? [] : [lease.gateway] };
}

/** Without a LAN nothing is served but on loopback, and nobody has to be kept off. */
function guardOf({ api }: Settings, lan: readonly string[]): DesiredBoxRules['guard'] {
  const ports = [api.httpsPort, api.httpPort].filter((port) => port !== 0);
  return lan.length === 0 ? { ports: [], from: [] } : { ports: [...new Set(ports)], from: lan };
}

function masqueradeOf({ routing }: Settings, lns: TunDevice | undefined): DesiredBoxRules['masquerade'] {
  return lns === undefined ? { from: [], out: [] } : { from: [lns.name], out: routing.masqueradeOn };
}

/**
 * Some LNSes do not say their address in IPCP, and some (l2tpns) have one address for both ends: a route to it would
 * lead the tunnel into itself.
 */
function gatewayRoute({ peerAddress, path }: CallInfo): string | undefined {
  return peerAddress === '' || peerAddress === path.peerAddress ? undefined : `${peerAddress}/32`;
}

function linkOf({ name, kind, generation, mtu_bytes }: TunDevice, addresses: string[]): DesiredLink {
  return { name, kind, generation, mtu_bytes, addresses };
}

/** A pseudowire's device has no address of its own: a port of a bridge, or whatever else is done with it outside. */
function tapOf(device: TunDevice, settings: Settings): DesiredLink {
  const bridge = settings.pseudowires.find(({ name }) => name === device.profile)?.bridge;
  return { ...linkOf(device, []), ...(bridge !== undefined && { bridge }) };
}

/** The networks behind a user, and its address when no pool's route leads to it. */
export function routesToUser(call: CallInfo, poolRoutes: readonly Prefix[]): string[] {
  const address = parseAddress(call.peerAddress);
  const isInPool = poolRoutes.some((prefix) => prefixContains(prefix, address));
  return isInPool ? [...call.routes] : [`${call.peerAddress}/32`, ...call.routes];
}
