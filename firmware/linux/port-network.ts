/**
 * Gives Ethernet interfaces and bridges the addresses and gateways that the settings name, and the box its static routes,
 * by what the kernel has of them: what a killed process left is found again, what went with a cable is set anew. Must not
 * decide what is wanted, and takes away nothing but what the settings named.
 *
 * Routes are known by their protocol; those of DHCP by that and their interface, since others have such too. ip(8) of today gives addresses no such mark: one that the settings name counts as
 * set here, also if it was there before.
 */
import { adviceOn, runIpBatch } from './ip-program.js';
import { readInterfaces, readRoutes } from './network-state.js';

/** As in control/network.ts. */
export interface Port {
  readonly name: string;
  readonly index: number;
  readonly isUp: boolean;
  readonly addresses: readonly string[];
  readonly gateways: readonly string[];
  readonly staysSet: boolean;
  readonly leased?: { readonly metric: number };
}

/** As in control/network.ts. */
export interface StaticRoute {
  readonly prefix: string;
  readonly via: string;
  readonly interface: string;
  readonly metric: number;
}

export interface PortsAndRoutes {
  readonly ports: readonly Port[];
  readonly routes: readonly StaticRoute[];
  /** The number by which the routes stand in the kernel. */
  readonly protocol: string;
}

interface Problem {
  line: string;
  message: string;
  advice: string;
}

interface Present {
  /** By interface. */
  readonly addresses: ReadonlyMap<string, ReadonlySet<string>>;
  readonly routes: readonly MarkedRoute[];
}

interface MarkedRoute extends StaticRoute {
  readonly protocol: string;
}

/** An address of ours, or undefined for a route or link. */
interface Work {
  line: string;
  address?: string;
  takesAway?: true;
}

/** What the kernel takes away beside what it is told to (secondary addresses, routes) is set again by the second pass. */
const PASSES = 2;
/** RTPROT_DHCP of <linux/rtnetlink.h>. */
const DHCP_PROTOCOL = '16';
/** What an IPv6 route without a metric has in the kernel. */
const IPV6_METRIC = 1024;
const GONE_ALREADY = /No such process|Cannot find device|Cannot assign requested address|Address not found/;

export class PortNetwork {
  /** `address dev name` of those that the settings name or named. */
  readonly #ours = new Set<string>();
  /** The interfaces that have or had an address by DHCP. */
  readonly #leased = new Set<string>();
  /** What holds, as text; undefined where that is not known. */
  #reached: string | undefined;

  /** `links`: a text that is another one when a device came that a route may lead to. Gives what the kernel refused. */
  async reach(wanted: PortsAndRoutes, links: string): Promise<Problem[]> {
    const text = `${JSON.stringify(wanted)} ${links}`;
    if (text === this.#reached) return [];
    for (const { name, leased } of wanted.ports) if (leased !== undefined) this.#leased.add(name);
    const isNothing = wanted.ports.length === 0 && wanted.routes.length === 0 && this.#ours.size === 0;
    const missing = wanted.ports.filter(({ index }) => index === 0).map(missingPort);
    const problems = await this.#settle(wanted).catch((error: Error) => [
      { line: 'ip -json', message: error.message, advice: adviceOn(error.message) },
    ]);
    // A box that has nothing to set need not be able to.
    const told = isNothing ? [] : [...missing, ...problems];
    this.#reached = told.length === 0 ? text : undefined;
    return told;
  }

  async #settle(wanted: PortsAndRoutes): Promise<Problem[]> {
    let problems: Problem[] = [];
    for (let pass = 0; pass < PASSES; pass++) {
      const work = this.#work(wanted, await readPresent(wanted.protocol, this.#leased));
      if (work.length === 0) return [];
      problems = await this.#carryOut(work);
    }
    return problems;
  }

  async #carryOut(work: readonly Work[]): Promise<Problem[]> {
    const result = await runIpBatch(work.map(({ line }) => line));
    if (!result.ran) return [{ line: 'ip -batch', message: result.message, advice: adviceOn(result.message) }];
    const failed = new Map(result.failures.map(({ index, message }) => [index, message]));
    return work.flatMap(({ line, address, takesAway }, at) => {
      const message = failed.get(at);
      const isDone = message === undefined || (takesAway && GONE_ALREADY.test(message));
      if (isDone && address !== undefined) {
        if (takesAway) this.#ours.delete(address);
        else this.#ours.add(address);
      }
      return isDone ? [] : [{ line, message, advice: adviceOn(message) }];
    });
  }

  /** Addresses come before others go, so that no admin is cut off; routes that go make room for those that come. */
  #work({ ports, routes, protocol }: PortsAndRoutes, present: Present): Work[] {
    const there = ports.filter(({ index }) => index > 0);
    const wanted = new Set(
      there.flatMap(({ name, addresses }) => addresses.map((address) => `${address} dev ${name}`)),
    );
    const isThere = (address: string, name: string) => present.addresses.get(name)?.has(address) === true;
    const coming: Work[] = [];
    for (const { name, isUp, addresses } of there) {
      if (!isUp) coming.push({ line: `link set dev ${name} up` });
      for (const address of addresses) {
        const named = `${address} dev ${name}`;
        if (isThere(address, name)) this.#ours.add(named);
        else coming.push({ line: `address add ${named}${broadcastOf(address)}`, address: named });
      }
    }
    for (const { name, addresses, leased } of there) {
      if (leased === undefined || addresses.length === 0) continue;
      // What a killed process left, or the system's own client: one network has one address.
      for (const address of present.addresses.get(name) ?? [])
        if (!address.includes(':')) this.#ours.add(`${address} dev ${name}`);
    }
    const going = [...this.#ours].flatMap((address): Work[] =>
      wanted.has(address) ? [] : [{ line: `address delete ${address}`, address, takesAway: true }],
    );
    const all = [
      ...there.flatMap((port) => gatewayRoutes(port, protocol)),
      ...routes.map((route) => ({ ...route, protocol })),
    ];
    const missing = all.filter((route) => !present.routes.some((other) => isSame(route, other)));
    const isOver = (other: MarkedRoute) => !all.some((route) => isSame(route, other)) && !this.#isLeft(other, there);
    const over = present.routes.filter(isOver);
    return [
      ...coming,
      ...over.map((route): Work => ({ line: `route delete ${textOf(route)}`, takesAway: true })),
      ...going,
      ...missing.map((route): Work => ({ line: `route add ${textOf(route)}` })),
    ];
  }

  /** What a killed process left of its lease leads on until there is another. */
  #isLeft({ protocol, interface: name }: MarkedRoute, ports: readonly Port[]): boolean {
    const isWaiting = ports.some((port) => port.name === name && port.leased && port.addresses.length === 0);
    const isOurs = [...this.#ours].some((address) => address.endsWith(` dev ${name}`));
    return protocol === DHCP_PROTOCOL && isWaiting && !isOurs;
  }
}

async function readPresent(protocol: string, leased: ReadonlySet<string>): Promise<Present> {
  const [interfaces, set, ofDhcp] = await Promise.all([
    readInterfaces(),
    readRoutes('', protocol),
    leased.size === 0 ? [] : readRoutes('', DHCP_PROTOCOL),
  ]);
  const addresses = new Map(interfaces.map(({ name, addresses }) => [name, new Set(addresses)]));
  const ofLeases = ofDhcp.filter((route) => leased.has(route.interface));
  const marked = (routes: readonly StaticRoute[], mark: string) =>
    routes.map((route) => ({ ...route, protocol: mark }));
  return { addresses, routes: [...marked(set, protocol), ...marked(ofLeases, DHCP_PROTOCOL)] };
}

function missingPort({ name }: Port): Problem {
  return {
    line: `interface ${name}`,
    message: 'there is no interface of this name, so it gets no address',
    advice: 'look for its card or cable, or take it out of interfaces',
  };
}

function gatewayRoutes({ name, gateways, leased }: Port, protocol: string): MarkedRoute[] {
  const mark = leased === undefined ? { metric: 0, protocol } : { metric: leased.metric, protocol: DHCP_PROTOCOL };
  return gateways.map((via) => ({ prefix: via.includes(':') ? '::/0' : '0.0.0.0/0', via, interface: name, ...mark }));
}

function isSame(wanted: MarkedRoute, present: MarkedRoute): boolean {
  const usual = wanted.prefix.includes(':') ? IPV6_METRIC : 0;
  return (
    wanted.protocol === present.protocol &&
    wanted.prefix === present.prefix &&
    wanted.via === present.via &&
    (wanted.metric || usual) === present.metric &&
    (wanted.interface === '' || wanted.interface === present.interface)
  );
}

function textOf({ prefix, via, interface: name, metric, protocol }: MarkedRoute): string {
  const words = [prefix, via && `via ${via}`, name && `dev ${name}`, metric > 0 && `metric ${metric}`];
  // Some providers give an address alone, and a gateway that is in no network of it.
  return `${words.filter(Boolean).join(' ')} proto ${protocol}${protocol === DHCP_PROTOCOL ? ' onlink' : ''}`;
}

/** IPv4 has a broadcast address, in networks that have room for it (RFC 3021). */
function broadcastOf(address: string): string {
  const length = Number(address.split('/')[1]);
  return address.includes(':') || length > 30 ? '' : ' broadcast +';
}
