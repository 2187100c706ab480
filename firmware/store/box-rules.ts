/**
 * The rules for the box's own interfaces and routes that no schema can say: what must be there, what contradicts another
 * entry, and what no kernel would take. Must not look at anything but the settings and the pools.
 */
import {
  canonicalAddress,
  canonicalAddressWithLength,
  canonicalPrefix,
  type InterfaceSettings,
  ipv4Number,
  networkHolds,
  networkParts,
  networksOverlap,
  type Pool,
  type Problem,
  type Settings,
} from '../settings.js';

/** Of one DHCP server. */
const MOST_LEASES = 4_096;

export function boxProblems(settings: Settings, pools: readonly Pool[]): Problem[] {
  return [
    ...settings.interfaces.flatMap((one, at) => [
      ...nameProblems(settings, one.name, at),
      ...addressingProblems(one, `/interfaces/${at}`),
      ...addressProblems(settings.interfaces, pools, at),
      ...gatewayProblems(settings.interfaces, at),
      ...dhcpServerProblems(one, pools, `/interfaces/${at}/dhcpServer`),
    ]),
    ...settings.routing.staticRoutes.flatMap((_, at) => routeProblems(settings, at)),
    ...apiProblems(settings.api),
  ];
}

/** Addresses, next hops and prefixes as the kernel shows them; changes `settings`. */
export function boxInCanonicalForm({ interfaces, routing }: Settings): void {
  const form = (text: string) => canonicalAddress(text) ?? text;
  for (const one of interfaces) {
    one.addresses = one.addresses.map((text) => canonicalAddressWithLength(text) ?? text);
    if (one.gateway !== undefined) one.gateway = form(one.gateway);
  }
  for (const route of routing.staticRoutes) {
    route.prefix = canonicalPrefix(route.prefix) ?? route.prefix;
    if (route.via !== undefined) route.via = form(route.via);
  }
}

/** The box's own address that a pool would lease; undefined where there is none. */
export function ownAddressIn(pool: Pool, interfaces: readonly InterfaceSettings[]): string | undefined {
  const all = interfaces.flatMap(({ addresses }) => addresses.map((text) => networkParts(text).address));
  return all.find((address) => isLeased(pool, address));
}

function isLeased({ ranges, excluded }: Pool, address: string): boolean {
  if (address.includes(':') || excluded.includes(address)) return false;
  return ranges.some((range) => isBetween(address, range));
}

function nameProblems({ interfaces, lns, lacClients, pseudowires }: Settings, name: string, at: number): Problem[] {
  const field = `/interfaces/${at}/name`;
  if (interfaces.findIndex((other) => other.name === name) < at) {
    return [{ field, reason: 'this interface is there already; keep one of the two' }];
  }
  const ours = [lns.tunInterface, ...lacClients.map(({ tunInterface }) => tunInterface)];
  const taps = pseudowires.map(({ tapInterface }) => tapInterface);
  if (![...ours, ...taps].includes(name)) return [];
  return [{ field, reason: `${name} is a device that this box makes itself; name an Ethernet interface or a bridge` }];
}

function addressingProblems(one: InterfaceSettings, path: string): Problem[] {
  const { addressing, addresses } = one;
  if (addressing === 'static') {
    const reason = 'are missing; give the interface an address, or set addressing to system or dhcp';
    return addresses.length === 0 ? [{ field: `${path}/addresses`, reason }] : [];
  }
  const reason = `would never be used while addressing is ${addressing}; set it to static, or leave this out`;
  const given = (['gateway', 'dhcpServer'] as const).filter((name) => one[name] !== undefined);
  return [...(addresses.length > 0 ? ['addresses'] : []), ...given].map((name) => ({
    field: `${path}/${name}`,
    reason,
  }));
}

/** What the DHCP server of an interface gives out, RFC 2131: all of it hosts' addresses of one network of the interface. */
function dhcpServerProblems(one: InterfaceSettings, pools: readonly Pool[], path: string): Problem[] {
  const { addressing, addresses, gateway, role, dhcpServer } = one;
  if (dhcpServer === undefined || addressing !== 'static') return [];
  if (role !== 'lan')
    return [{ field: path, reason: 'is for the LAN alone; make the interface lan, or leave this out' }];
  const { first, last } = dhcpServer;
  const network = addresses.find((text) => networkHolds(text, first));
  if (network === undefined) {
    return [{ field: `${path}/first`, reason: 'is in none of the networks of addresses; look at both' }];
  }
  if (!networkHolds(network, last))
    return [{ field: `${path}/last`, reason: `is not in the network of ${network}, as first is` }];
  const isWithin = (address: string) => !address.includes(':') && isBetween(address, dhcpServer);
  const count = ipv4Number(last) - ipv4Number(first) + 1;
  if (count < 1) return [{ field: `${path}/last`, reason: 'comes before first; swap the two' }];
  if (count > MOST_LEASES) {
    return [{ field: `${path}/last`, reason: `makes ${count} addresses, and ${MOST_LEASES} are the most; take fewer` }];
  }
  const { length } = networkParts(network);
  const unusable = (['first', 'last'] as const).find((end) => unusableHost(`${dhcpServer[end]}/${length}`) !== '');
  if (unusable !== undefined) {
    return [{ field: `${path}/${unusable}`, reason: unusableHost(`${dhcpServer[unusable]}/${length}`) }];
  }
  const taken = [...addresses.map((text) => networkParts(text).address), ...(gateway === undefined ? [] : [gateway])];
  const met = taken.find(isWithin);
  if (met !== undefined) {
    return [{ field: `${path}/first`, reason: `and last have ${met} between them, which is taken; leave it outside` }];
  }
  const pool = pools.find(({ ranges }) =>
    ranges.some((range) => isBetween(range.first, dhcpServer) || isBetween(first, range)),
  );
  const reason = `and last have addresses between them that pool ${pool?.name} leases to users; take others`;
  return pool === undefined ? [] : [{ field: `${path}/first`, reason }];
}

function isBetween(address: string, { first, last }: { first: string; last: string }): boolean {
  const number = ipv4Number(address);
  return number >= ipv4Number(first) && number <= ipv4Number(last);
}

function addressProblems(interfaces: readonly InterfaceSettings[], pools: readonly Pool[], which: number): Problem[] {
  const { name, addresses } = interfaces[which]!;
  const elsewhere = interfaces.slice(0, which);
  return addresses.flatMap((text, at): Problem[] => {
    const field = `/interfaces/${which}/addresses/${at}`;
    const { address } = networkParts(text);
    const wrong = unusableHost(text);
    if (wrong !== '') return [{ field, reason: wrong }];
    if (addresses.findIndex((other) => networkParts(other).address === address) < at) {
      return [{ field, reason: `${name} has this address already; keep one of the two` }];
    }
    const other = elsewhere.find((one) => one.addresses.some((theirs) => networksOverlap(theirs, text)));
    if (other !== undefined) {
      const reason = `is in a network that ${other.name} is in too, so that nobody knows which way it lies; take another network`;
      return [{ field, reason }];
    }
    const pool = pools.find((one) => isLeased(one, address));
    const reason = `is leased to users by pool ${pool?.name}; name it in excluded there, or take another address`;
    return pool === undefined ? [] : [{ field, reason }];
  });
}

/** Why a host cannot have this address with this length, or ''. */
function unusableHost(text: string): string {
  const { address, bits, length, width } = networkParts(text);
  if (isNoUnicast(address)) return 'is no address that a host can have; choose another one';
  if (width === 32 && /^169\.254\./.test(address)) return 'is a link-local address; choose another one';
  if (/^fe[89ab]/.test(address)) return 'is a link-local address, which the interface has anyway; leave it out';
  const host = bits & ((1n << BigInt(width - length)) - 1n);
  if (length === 0) return 'has every address in its network; give the length of the network, as in 192.168.115.1/24';
  if (width === 128 || length > 30) return '';
  if (host === 0n) return 'is the address of the network itself; choose one within it';
  return host === (1n << BigInt(width - length)) - 1n ? 'is the broadcast address of its network; choose another' : '';
}

function gatewayProblems(interfaces: readonly InterfaceSettings[], which: number): Problem[] {
  const { gateway, addressing, addresses } = interfaces[which]!;
  if (gateway === undefined || addressing !== 'static') return [];
  const field = `/interfaces/${which}/gateway`;
  const isIpv6 = gateway.includes(':');
  if (isNoUnicast(gateway)) return [{ field, reason: 'is no address that a host can have' }];
  if (addresses.some((text) => networkParts(text).address === gateway)) {
    return [{ field, reason: 'is an address of this interface; give that of the router' }];
  }
  const isReached = addresses.some((text) => networkHolds(text, gateway)) || /^fe[89ab]/.test(gateway);
  if (!isReached)
    return [{ field, reason: 'is in none of the networks of addresses; look at both, and at the length' }];
  const other = interfaces
    .slice(0, which)
    .find((one) => one.addressing === 'static' && one.gateway !== undefined && one.gateway.includes(':') === isIpv6);
  const reason = `and that of ${other?.name} would both be the way out; keep one, and make staticRoutes of the other`;
  return other === undefined ? [] : [{ field, reason }];
}

function routeProblems({ routing, interfaces }: Settings, at: number): Problem[] {
  const route = routing.staticRoutes[at]!;
  const { prefix, via, metric } = route;
  const path = `/routing/staticRoutes/${at}`;
  if (via === undefined && route.interface === undefined) {
    return [{ field: `${path}/via`, reason: 'is missing; give a next hop, or the interface that the network is on' }];
  }
  const problems: Problem[] = [];
  if (via !== undefined) problems.push(...viaProblems(via, route, interfaces, `${path}/via`));
  const same = routing.staticRoutes.findIndex((other) => other.prefix === prefix && other.metric === metric);
  if (same < at) {
    const reason = 'has a route of the same metric already; give one of the two another metric, or keep one';
    problems.push({ field: `${path}/prefix`, reason });
  }
  const family = prefix.includes(':');
  const out = interfaces.find(({ gateway }) => gateway !== undefined && gateway.includes(':') === family);
  if (prefix.endsWith('/0') && metric === 0 && out !== undefined) {
    const reason = `is what the gateway of ${out.name} is for; leave one of the two out, or give this one a metric`;
    problems.push({ field: `${path}/prefix`, reason });
  }
  return problems;
}

function viaProblems(
  via: string,
  route: Settings['routing']['staticRoutes'][number],
  interfaces: readonly InterfaceSettings[],
  field: string,
): Problem[] {
  if (via.includes(':') !== route.prefix.includes(':')) {
    return [{ field, reason: 'is not of the family of prefix; IPv4 goes by IPv4, IPv6 by IPv6' }];
  }
  if (isNoUnicast(via)) return [{ field, reason: 'is no address that a host can have' }];
  if (interfaces.some(({ addresses }) => addresses.some((text) => networkParts(text).address === via))) {
    return [{ field, reason: 'is an address of this box; give that of the next router' }];
  }
  const isLinkLocal = /^fe[89ab]/.test(via) && route.interface === undefined;
  return isLinkLocal ? [{ field, reason: 'is a link-local address; name the interface that it is on' }] : [];
}

function apiProblems({ httpsPort, httpPort }: Settings['api']): Problem[] {
  if (httpsPort === 0 || httpsPort !== httpPort) return [];
  return [{ field: '/api/httpPort', reason: 'is httpsPort as well; give it another number, or 0 for none' }];
}

/** Unspecified, loopback, multicast, and what is reserved above. */
function isNoUnicast(address: string): boolean {
  if (address.includes(':')) return address === '::' || address === '::1' || address.startsWith('ff');
  const first = ipv4Number(address) >>> 24;
  return first === 0 || first === 127 || first >= 224;
}
