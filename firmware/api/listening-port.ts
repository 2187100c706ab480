/**
 * One TCP port, served on addresses that come and go. Must not know which these are, nor what is served.
 */
import type { Server } from 'node:http';
import type { ListenOptions } from 'node:net';
import type { OperatingProblem } from '../control/view.js';

/** Requests that are on their way when their address or port goes may end in this time; then the connection goes too. */
const FAREWELL_MS = 5_000;
/**
 * A machine without IPv6 has no ::1, and misses nothing; an address that has just been set is not usable before the
 * kernel has looked for a double of it, and is tried again.
 */
const NOT_THERE: ReadonlySet<string> = new Set(['EADDRNOTAVAIL', 'EAFNOSUPPORT']);

export class ListeningPort {
  readonly #make: () => Server;
  readonly #setting: string;
  #port = 0;
  #servers = new Map<string, Server>();
  #problems: OperatingProblem[] = [];

  /** `make` gives a server that does not listen yet; `setting` is what a person changes to get another port. */
  constructor(make: () => Server, setting: string) {
    this.#make = make;
    this.#setting = setting;
  }

  /** Why it is not served where it should be. */
  get problems(): readonly OperatingProblem[] {
    return this.#problems;
  }

  /** Those that listen now. */
  get servers(): Iterable<Server> {
    return this.#servers.values();
  }

  /**
   * Serves `port` on these addresses and no others; 0 = none. What is served already stays untouched. Where another port
   * cannot be had on each of them, the one before stays. To be called again only when it has resolved.
   */
  async use(port: number, addresses: readonly string[]): Promise<void> {
    this.#problems = [];
    const isSamePort = port === this.#port;
    const opened = new Map<string, Server>();
    for (const address of port === 0 ? [] : addresses) {
      if (isSamePort && this.#servers.has(address)) continue;
      const server = await this.#open(port, address);
      if (server !== undefined) opened.set(address, server);
    }
    const hasFailed = this.#problems.length > 0;
    if (!isSamePort && hasFailed && this.#servers.size > 0) {
      for (const useless of opened.values()) retire(useless);
      return;
    }
    for (const [address, server] of this.#servers) {
      if (isSamePort && addresses.includes(address)) opened.set(address, server);
      else retire(server);
    }
    this.#servers = opened;
    this.#port = port;
  }

  /** Ends all connections. */
  async close(): Promise<void> {
    const servers = [...this.#servers.values()];
    this.#servers.clear();
    this.#port = 0;
    await Promise.all(servers.map(closeNow));
  }

  async #open(port: number, address: string): Promise<Server | undefined> {
    const server = this.#make();
    try {
      await listen(server, { port, host: address, ipv6Only: true });
      return server;
    } catch (error) {
      const { code = '', message } = error as NodeJS.ErrnoException;
      if (!NOT_THERE.has(code)) this.#problems.push({ what: message, advice: this.#advice(code, port) });
      return undefined;
    }
  }

  #advice(code: string, port: number): string {
    if (code === 'EACCES') {
      return `run as root, or with the capability CAP_NET_BIND_SERVICE, or set ${this.#setting} above 1023`;
    }
    return `set ${this.#setting} to a free port, or end what uses port ${port}`;
  }
}

export function listen(server: Server, where: ListenOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(where, () => {
      server.removeListener('error', reject);
      resolve();
    });
  });
}

export function closeNow(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeAllConnections();
  return closed;
}

/** One of the connections may be waiting for the answer to the very request that brought this about. */
function retire(server: Server): void {
  server.keepAliveTimeout = 1;
  server.close();
  server.closeIdleConnections();
  setTimeout(() => server.closeAllConnections(), FAREWELL_MS).unref();
}
