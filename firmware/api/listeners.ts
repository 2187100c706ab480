/**
 * Where the API is reached: always on a Unix socket, and on a TCP port of the loopback addresses. Keeps web pages of
 * others from using a browser on this machine against the TCP port. Must not know what is served.
 */
import { chmodSync, lstatSync, mkdirSync, unlinkSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import { connect, type ListenOptions } from 'node:net';
import { dirname } from 'node:path';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { OperatingProblem } from '../control/view.js';
import { sendProblem } from './problem.js';

const SOCKET_MODE = 0o660;
/** unix(7): 108 bytes with the zero behind them; what is longer would be cut off in silence. */
const MAX_SOCKET_PATH_BYTES = 107;
/** A request that takes longer to arrive is given up. */
const REQUEST_TIMEOUT_MS = 30_000;
const LOOPBACK_ADDRESSES = ['127.0.0.1', '::1'];
const LOOPBACK_NAMES: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '[::1]']);
const SAFE_METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);

export class Listeners {
  readonly #handle: RequestListener;
  /** Sockets of the TCP listeners: known by the socket, since a closed one has no address any more. */
  readonly #tcpSockets = new WeakSet<object>();
  #unixServer: Server | undefined;
  #tcpServers: Server[] = [];
  #tcpPort = 0;
  #problem: OperatingProblem | undefined;

  constructor(handle: RequestListener) {
    this.#handle = handle;
  }

  /** Why the TCP port is not served although it should be. */
  get problems(): OperatingProblem[] {
    return this.#problem ? [this.#problem] : [];
  }

  /** Whether a connection came by TCP, and not by the Unix socket. */
  isTcp(socket: object): boolean {
    return this.#tcpSockets.has(socket);
  }

  /** Serves the Unix socket, in place of one that a former process left. Rejects, in words, when it cannot. */
  async openSocket(path: string): Promise<void> {
    if (Buffer.byteLength(path) > MAX_SOCKET_PATH_BYTES) {
      throw new Error(
        `${path} is too long for a socket, which takes ${MAX_SOCKET_PATH_BYTES} bytes; give another --socket`,
      );
    }
    try {
      await this.#openSocket(path);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === undefined) throw error;
      throw new Error(
        `the socket ${path} cannot be made (${code}); check its folder and rights, or give another --socket`,
      );
    }
  }

  async #openSocket(path: string): Promise<void> {
    mkdirSync(dirname(path), { recursive: true });
    await removeStaleSocket(path);
    const server = this.#server();
    const umask = process.umask(0o777 & ~SOCKET_MODE);
    try {
      await listen(server, { path });
    } finally {
      process.umask(umask);
    }
    chmodSync(path, SOCKET_MODE);
    this.#unixServer = server;
  }

  /**
   * Serves this TCP port of the loopback addresses instead of the one before; 0 = none. When it cannot, the one before
   * stays, and why is given; the Unix socket is there all the same.
   */
  async useTcpPort(port: number): Promise<OperatingProblem[]> {
    this.#problem = undefined;
    if (port === this.#tcpPort) return [];
    const opened: Server[] = [];
    for (const host of port === 0 ? [] : LOOPBACK_ADDRESSES) {
      const server = this.#server();
      server.on('connection', (socket) => this.#tcpSockets.add(socket));
      try {
        await listen(server, { port, host });
        opened.push(server);
      } catch (error) {
        const { code, message } = error as NodeJS.ErrnoException;
        // A machine without IPv6 has no ::1, and misses nothing.
        if (code === 'EADDRNOTAVAIL' || code === 'EAFNOSUPPORT') continue;
        this.#problem = { what: message, advice: `set api.tcpPort to a free port, or end what uses port ${port}` };
        for (const useless of opened) useless.close();
        return this.problems;
      }
    }
    // Connections that are in use may end in peace: one of them may be waiting for the answer to this.
    for (const server of this.#tcpServers) {
      server.close();
      server.closeIdleConnections();
    }
    this.#tcpServers = opened;
    this.#tcpPort = port;
    return [];
  }

  /** Ends all connections. */
  async close(): Promise<void> {
    const servers = [...this.#tcpServers, ...(this.#unixServer ? [this.#unixServer] : [])];
    this.#tcpServers = [];
    this.#unixServer = undefined;
    await Promise.all(
      servers.map((server) => {
        const closed = new Promise((resolve) => server.close(resolve));
        server.closeAllConnections();
        return closed;
      }),
    );
  }

  /**
   * Refuses, on TCP, what a foreign web page could make a browser send: a Host that only DNS rebinding leads here,
   * and requests that come from another site. Whoever can open the Unix socket is no browser.
   */
  async refuseForeigners(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply | undefined> {
    if (!this.#tcpSockets.has(request.raw.socket)) return undefined;
    const { host = '', origin, 'sec-fetch-site': site } = request.headers;
    if (!LOOPBACK_NAMES.has(host.replace(/:\d+$/, '').toLowerCase())) {
      const detail = 'use localhost, 127.0.0.1 or [::1] in the address';
      return sendProblem(reply, { title: 'Foreign host name', status: 403, detail });
    }
    const changes = !SAFE_METHODS.has(request.method);
    const isForeign =
      site === 'cross-site' || site === 'same-site' || (origin !== undefined && origin !== `http://${host}`);
    if (changes && isForeign) {
      const detail = 'a page of another site may not do this';
      return sendProblem(reply, { title: 'Cross-site request', status: 403, detail });
    }
    return undefined;
  }

  #server(): Server {
    const server = createServer(
      { requestTimeout: REQUEST_TIMEOUT_MS, connectionsCheckingInterval: 5000 },
      this.#handle,
    );
    return server;
  }
}

function listen(server: Server, where: ListenOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(where, () => {
      server.removeListener('error', reject);
      resolve();
    });
  });
}

/** A socket that nobody answers on is a leftover. */
async function removeStaleSocket(path: string): Promise<void> {
  const present = lstatSync(path, { throwIfNoEntry: false });
  if (!present) return;
  if (!present.isSocket()) throw new Error(`${path} is there and is no socket; remove it, or give another --socket`);
  const answers = await new Promise<boolean>((resolve) => {
    const probe = connect({ path });
    probe.once('connect', () => {
      probe.destroy();
      resolve(true);
    });
    probe.once('error', () => resolve(false));
  });
  if (answers) throw new Error(`${path} is served by another process; end that one first, or give another --socket`);
  unlinkSync(path);
}
