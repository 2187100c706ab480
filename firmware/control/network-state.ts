/**
 * What the kernel has of interfaces and routes, for those who show it: the seam towards linux/network-state.ts, which
 * main.ts hands in. Types alone.
 */

export interface InterfaceCounters {
  receivedPackets: number;
  receivedOctets: number;
  sentPackets: number;
  sentOctets: number;
  receiveDrops: number;
  sendDrops: number;
}

/** An interface of the box, whoever made it; loopback is none. */
export interface InterfaceState {
  name: string;
  kind: 'ethernet' | 'bridge' | 'tun' | 'tap' | 'vlan' | 'other';
  /** Text in lower case, as in '02:00:5e:00:53:01'; '' without one. */
  mac: string;
  mtu_bytes: number;
  /** Switched on, whether there is a carrier or not. */
  isUp: boolean;
  hasCarrier: boolean;
  /** null where the driver says none. */
  speed_Mbps: number | null;
  /** With the length of their network, as in '192.0.2.1/24'. */
  addresses: string[];
  counters: InterfaceCounters;
}

export interface RouteState {
  /** As in '10.0.0.0/8'; a default route is '0.0.0.0/0' or '::/0'. */
  prefix: string;
  /** The next hop; '' where the destinations are on the interface itself. */
  via: string;
  /** '' of a route that leads nowhere. */
  interface: string;
  /** Who set it, by the kernel's name or number for that, as in 'kernel', 'static', 'dhcp'. */
  protocol: string;
  /** 0: none given. */
  metric: number;
}

export interface NetworkState {
  /** Rejects with a sentence where the kernel cannot be asked. */
  interfaces(): Promise<InterfaceState[]>;
  /** Of the main table, IPv4 first; those within `within` alone, a canonical prefix, unless it is ''. Rejects likewise. */
  routes(within: string): Promise<RouteState[]>;
}
