/**
 * What control wants of the kernel's network settings, and who does it: the seam towards linux/netconfig.ts, which
 * main.ts hands in. Types alone; must not know how it is done.
 */

/** A TUN or TAP device that exists already; it is brought up. */
export interface DesiredLink {
  name: string;
  kind: 'tun' | 'tap';
  /** Counted up each time the device is made anew, for a new device has nothing of what the old one had. */
  generation: number;
  mtu_bytes: number;
  /** Addresses with prefix length, as in '10.112.112.1/32' or 'fe80::1/64'. */
  addresses: readonly string[];
  /**
   * Of a TAP device: the bridge that it is a port of. One that is missing is made, and is removed when no link names it
   * any more and nobody else has put a port into it.
   */
  bridge?: string;
}

export interface DesiredRoute {
  /** Canonical prefix, as in '10.0.0.0/24' or '::/0'. */
  prefix: string;
  /** Name of one of the links. */
  link: string;
}

/** A filter for users' traffic, and whose. Where a user has several, a packet must pass every one of them. */
export interface DesiredFilter {
  name: string;
  /** Name of the link that the users are behind. */
  link: string;
  /** The first match decides. */
  rules: readonly FilterRule[];
  otherwise: 'accept' | 'drop';
  /**
   * Users' addresses and the networks behind them, as canonical prefixes with their length. Those of two filters are the
   * same or have nothing in common.
   */
  addresses: readonly string[];
}

export interface FilterRule {
  action: 'accept' | 'drop';
  direction: 'from-user' | 'to-user' | 'both';
  /** Canonical prefix that the remote end is in. */
  remote?: string;
  protocol?: 'tcp' | 'udp' | 'icmp';
  /** Of the remote end: TCP's or UDP's. */
  port?: number;
}

/** An Ethernet interface or bridge whose addresses the settings name. It is brought up. */
export interface DesiredPort {
  name: string;
  /** The kernel's number for it, another one when it comes again; 0: it is not there. */
  index: number;
  isUp: boolean;
  /** With the length of their network, as in '192.0.2.1/24'. */
  addresses: readonly string[];
  /** Default routes, one of a family. */
  gateways: readonly string[];
  /** Also when the program ends: its administrator's connections go on. */
  staysSet: boolean;
  /**
   * Addresses and gateways are those that a DHCP server gave: other IPv4 addresses make room for them, and the gateways
   * stand in the kernel as those of DHCP, with this metric.
   */
  leased?: { metric: number };
}

export interface DesiredStaticRoute {
  /** Canonical. */
  prefix: string;
  /** The next hop, or ''. */
  via: string;
  /** '': the one by which the next hop is reached. */
  interface: string;
  /** 0: the kernel's usual one. */
  metric: number;
}

/** Rules for the box itself. */
export interface DesiredBoxRules {
  /** New connections to these TCP ports are taken from these interfaces, and from the box itself, alone. */
  guard: { ports: readonly number[]; from: readonly string[] };
  /** What comes from these links and leaves by those interfaces gets their own IPv4 address as its source. */
  masquerade: { from: readonly string[]; out: readonly string[] };
}

/** All that shall hold. What held before and is not in here any more is taken away. */
export interface DesiredNetwork {
  links: readonly DesiredLink[];
  routes: readonly DesiredRoute[];
  filters: readonly DesiredFilter[];
  /** Left out: none. */
  box?: DesiredBoxRules;
  /** Left out: none, and `protocol` is the number by which the routes are known in the kernel. */
  own?: { ports: readonly DesiredPort[]; routes: readonly DesiredStaticRoute[]; protocol: string };
  /** Forward IPv4 and IPv6 between interfaces. */
  forwarding: boolean;
}

/** One thing that the kernel refused. */
export interface NetworkProblem {
  /** The line given to ip(8), the file under /proc/sys, or the program that said it. */
  line: string;
  /** The kernel's or the program's own words. */
  message: string;
  /** What to do about it. */
  advice: string;
  /** Users' filters do not hold as they should. */
  isOfFilters?: true;
}

export interface NetworkConfiguration {
  /**
   * Makes `desired` hold. Calls of one turn, and those during a run, become one run, whose last `desired` counts.
   * What failed is tried again by the next call.
   */
  apply(desired: DesiredNetwork): Promise<NetworkProblem[]>;
  /** Takes away all that was set and gives sysctls their former values. */
  withdraw(): Promise<NetworkProblem[]>;
}
