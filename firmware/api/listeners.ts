/**
 * Where the API is reached: on a Unix socket, on a TCP port of the loopback addresses, and with TLS on addresses of the
 * LAN, where a second port leads browsers to the first. Must not know what is served, nor which interfaces are the LAN.
 */
import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { OperatingProblem } from '../control/view.js';
import type { TlsIdentity } from './certificate-text.js';
import { isOurs, ownHost, refuseForeigner } from './foreigners.js';
import { closeNow, ListeningPort } from './listening-port.js';
import { listenOnSocket } from './unix-socket.js';

/** A request that takes longer to arrive is given up. */
const REQUEST_TIMEOUT_MS = 30_000;
const OPTIONS = {
  requestTimeout: REQUEST_TIMEOUT_MS,
  headersTimeout: REQUEST_TIMEOUT_MS,
  connectionsCheckingInterval: 5000,
};
const HANDSHAKE_TIMEOUT_MS = 10_000;
/** On each address: who opens more keeps out nobody on another one. */
const MAX_CONNECTIONS = 512;
const LOOPBACK_ADDRESSES = ['127.0.0.1', '::1'];

/** What of the LAN is to be served. Ports: 0 = none. */
export interface LanService {
  addresses: readonly string[];
  httpsPort: number;
  httpPort: number;
}

export class Listeners {
  readonly #handle: RequestListener;
  /** Sockets of the TCP listeners: known by the socket, since a closed one has no address any more. */
  readonly #tcpSockets = new WeakSet<object>();
  readonly #loopback = new ListeningPort(() => this.#tcpServer(this.#handle), 'api.tcpPort');
  readonly #https = new ListeningPort(() => this.#tlsServer(), 'api.httpsPort');
  readonly #redirect = new ListeningPort(
    () => this.#tcpServer((request, response) => this.#lead(request, response)),
    'api.httpPort',
  );
  #unixServer: Server | undefined;
  #identity: TlsIdentity | undefined;
  #httpsPort = 0;
  /** By which the box may be called besides its addresses; in lower case. */
  names: ReadonlySet<string> = new Set();

  constructor(handle: RequestListener) {
    this.#handle = handle;
  }

  /** Why something is not served although it should be. */
  get problems(): OperatingProblem[] {
    return [this.#loopback, this.#https, this.#redirect].flatMap(({ problems }) => problems);
  }

  /** Whether a connection came by TCP, and not by the Unix socket. */
  isTcp(socket: object): boolean {
    return this.#tcpSockets.has(socket);
  }

  /** Serves the Unix socket, in place of one that a former process left. Rejects, in words, when it cannot. */
  async openSocket(path: string): Promise<void> {
    const server = createServer(OPTIONS, this.#handle);
    await listenOnSocket(server, path);
    this.#unixServer = server;
  }

  /**
   * Serves this TCP port of the loopback addresses instead of the one before; 0 = none. When it cannot, the one before
   * stays, and why is given; the Unix socket is there all the same.
   */
  async useTcpPort(port: number): Promise<OperatingProblem[]> {
    await this.#loopback.use(port, LOOPBACK_ADDRESSES);
    return [...this.#loopback.problems];
  }

  /** Certificate and key for TLS: in force for all connections from now on. Throws when they are not usable. */
  useIdentity(identity: TlsIdentity): void {
    this.#identity = identity;
    const { chain: cert, key } = identity;
    for (const server of this.#https.servers) (server as TlsServer).setSecureContext({ cert, key });
  }

  /** Serves these addresses of the LAN and no others. Without an identity there is no TLS, and nothing to lead to. */
  async useLan({ addresses, httpsPort, httpPort }: LanService): Promise<void> {
    const port = this.#identity === undefined ? 0 : httpsPort;
    await this.#https.use(port, addresses);
    this.#httpsPort = port;
    await this.#redirect.use(port === 0 ? 0 : httpPort, addresses);
  }

  /** Ends all connections. */
  async close(): Promise<void> {
    const unixServer = this.#unixServer;
    this.#unixServer = undefined;
    await Promise.all([
      ...[this.#loopback, this.#https, this.#redirect].map((port) => port.close()),
      ...(unixServer ? [closeNow(unixServer)] : []),
    ]);
  }

  /** Refuses, on TCP, what a foreign web page could make a browser send. Who can open the Unix socket is no browser. */
  async refuseForeigners(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply | undefined> {
    return this.isTcp(request.raw.socket) ? refuseForeigner(request, reply, this.names) : undefined;
  }

  #tcpServer(handle: RequestListener): Server {
    const server = createServer(OPTIONS, handle);
    server.on('connection', (socket) => this.#tcpSockets.add(socket));
    server.maxConnections = MAX_CONNECTIONS;
    return server;
  }

  #tlsServer(): Server {
    const { chain: cert, key } = this.#identity!;
    const server = createTlsServer({ ...OPTIONS, handshakeTimeout: HANDSHAKE_TIMEOUT_MS, cert, key }, this.#handle);
    server.on('secureConnection', (socket) => this.#tcpSockets.add(socket));
    server.maxConnections = MAX_CONNECTIONS;
    return server;
  }

  /** To the same place with TLS. Nothing is served without it, and nothing that was sent is looked at. */
  #lead({ headers, socket, url = '/' }: IncomingMessage, response: ServerResponse): void {
    const { host = '' } = headers;
    const name = isOurs(host, socket.localAddress ?? '', this.names) ? host.replace(/:\d+$/, '') : ownHost(socket);
    const port = this.#httpsPort === 443 ? '' : `:${this.#httpsPort}`;
    const location = `https://${name}${port}${url.startsWith('/') ? url : '/'}`;
    response.writeHead(308, { location, 'content-length': 0, connection: 'close' }).end();
  }
}
