/**
 * What control wants of DHCP (RFC 2131), and who does it: the seam towards linux/dhcp-client.ts and linux/dhcp-server.ts,
 * which main.ts hands in. Types alone; must not know how it is done.
 */

/** What a server gave an interface. */
export interface DhcpLease {
  /** With the length of its network, as in '192.0.2.5/24'. */
  address: string;
  /** Where the default route leads; '' without one. */
  gateway: string;
  nameServers: readonly string[];
  timeServers: readonly string[];
  /** Who gave it. */
  server: string;
}

/** How asking goes on an interface. */
export interface DhcpClientState {
  /** Undefined: none yet, or it is over. */
  lease: DhcpLease | undefined;
  /** asking: no answer yet. silent: nobody has answered. */
  state: 'no-carrier' | 'asking' | 'silent' | 'bound';
  /** What the client program said when it could not run, or ''. */
  complaint: string;
}

/** Addresses that are given out on an interface. */
export interface DhcpService {
  interface: string;
  /** Of the box, in the network of first and last. */
  address: string;
  /** In that network's dotted form, as in '255.255.255.0'. */
  mask: string;
  first: string;
  last: string;
  lease_s: number;
}

export interface DhcpClients {
  /** Asks on these interfaces and no others; the kernel's numbers tell when one of them is another one by now. */
  ask(interfaces: readonly { name: string; index: number }[], hostName: string): void;
  /** Notes cables that were plugged in or out, and leases that are over. */
  look(): void;
  /** By interface. */
  states(): ReadonlyMap<string, DhcpClientState>;
  /** Resolves when nobody asks any more. Leases are not given back: the same address is asked for the next time. */
  stop(): Promise<void>;
  /** Called when a lease came, changed or is over. */
  onChange: () => void;
}

export interface DhcpServers {
  /** Serves these and no others. */
  serve(services: readonly DhcpService[]): void;
  /** What a server program said when it could not run, by interface. */
  complaints(): ReadonlyMap<string, string>;
  stop(): Promise<void>;
}

export interface DhcpPrograms {
  clients: DhcpClients;
  servers: DhcpServers;
  /** Keeps the name servers where the resolver reads them. Gives why that cannot be done, or ''. */
  writeNameServers(addresses: readonly string[]): Promise<string>;
}
