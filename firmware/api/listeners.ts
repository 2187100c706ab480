/**
 * Where the API is reached: on a Unix socket, on a TCP port of the loopback addresses, and with TLS on addresses of the
 * LAN, where a second port leads browsers to the first. Must not know what is served, nor which interfaces are the LAN.
 */
import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { OperatingProblem } from '../control/view.js';
import type { TlsIdentity } from './certificate-text.js';
import { Connections } from './connections.js';
import { isOurs, ownHost, refuseForeigner } from './foreigners.js';
import { closeNow, ListeningPort } from './listening-port.js';
import { listenOnSocket } from './unix-socket.js';

/** What a client may do at most. */
export interface Limits {
  /** The head of a request, and all of one by a stranger, is given up when it takes longer to arrive. */
  arrival_ms: number;
  /** All of one by somebody who is known: an update over a slow line takes its time. */
  longArrival_ms: number;
  /** A connection on which nothing moves, in either direction, for so long is given up. */
  silence_ms: number;
  handshake_ms: number;
  /** On each address: who opens more keeps out nobody on another one. */
  connections: number;
  /** So often it is looked what has taken too long. */
  lookInterval_ms: number;
}

const LIMITS: Limits = {
  ...{ arrival_ms: 30_000, longArrival_ms: 1_800_000, silence_ms: 120_000, handshake_ms: 10_000 },
  ...{ connections: 512, lookInterval_ms: 5_000 },
};
const LOOPBACK_ADDRESSES = ['127.0.0.1', '::1'];

/** What of the LAN is to be served. Ports: 0 = none. */
export interface LanService {
  addresses: readonly string[];
  httpsPort: number;
  httpPort: number;
}

export class Listeners {
  readonly #handle: RequestListener;
  readonly #limits: Limits;
  /** Of the TCP listeners, by their sockets, since a closed one has no address any more. */
  readonly #tcpConnections = new WeakMap<object, Connections>();
  /** Of all servers that have not closed. */
  readonly #open = new Set<Connections>();
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

  constructor(handle: RequestListener, limits = LIMITS) {
    this.#handle = handle;
    this.#limits = limits;
  }

  /** Why something is not served although it should be. */
  get problems(): OperatingProblem[] {
    return [this.#loopback, this.#https, this.#redirect].flatMap(({ problems }) => problems);
  }

  /** Whether a connection came by TCP, and not by the Unix socket. */
  isTcp(socket: object): boolean {
    return this.#tcpConnections.has(socket);
  }

  /** Who asks is known: his connection stays when there are too many, and he may take his time. */
  know({ socket }: IncomingMessage): void {
    this.#tcpConnections.get(socket)?.know(socket);
  }

  /** A stranger asks: all of it has to be here soon. */
  hurry(message: IncomingMessage): void {
    const giveUp = () => {
      if (!message.complete) message.socket.destroy();
    };
    const timer = setTimeout(giveUp, this.#limits.arrival_ms).unref();
    message.once('close', () => clearTimeout(timer));
  }

  /** Serves the Unix socket, in place of one that a former process left. Rejects, in words, when it cannot. */
  async openSocket(path: string): Promise<void> {
    const server = createServer(this.#options(), this.#handle);
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
    const closed = Promise.all([
      ...[this.#loopback, this.#https, this.#redirect].map((port) => port.close()),
      ...(unixServer ? [closeNow(unixServer)] : []),
    ]);
    for (const connections of this.#open) connections.end();
    await closed;
  }

  /** Refuses, on TCP, what a foreign web page could make a browser send. Who can open the Unix socket is no browser. */
  refuseForeigners(request: FastifyRequest, reply: FastifyReply): FastifyReply | undefined {
    return this.isTcp(request.raw.socket) ? refuseForeigner(request, reply, this.names) : undefined;
  }

  #tcpServer(handle: RequestListener): Server {
    const server = createServer(this.#options(), handle);
    const connections = this.#bound(server);
    server.on('connection', (socket) => this.#tcpConnections.set(socket, connections));
    return server;
  }

  #tlsServer(): Server {
    const { chain: cert, key } = this.#identity!;
    const handshakeTimeout = this.#limits.handshake_ms;
    const server = createTlsServer({ ...this.#options(), handshakeTimeout, cert, key }, this.#handle);
    const connections = this.#bound(server);
    server.on('secureConnection', (socket) => this.#tcpConnections.set(socket, connections));
    return server;
  }

  #options() {
    const { arrival_ms, longArrival_ms, lookInterval_ms } = this.#limits;
    return {
      ...{ headersTimeout: arrival_ms, requestTimeout: longArrival_ms, connectionsCheckingInterval: lookInterval_ms },
    };
  }

  #bound(server: Server): Connections {
    const connections = new Connections(this.#limits.connections);
    this.#open.add(connections);
    server.once('close', () => this.#open.delete(connections));
    server.on('connection', (socket) => connections.admit(socket));
    server.setTimeout(this.#limits.silence_ms);
    return connections;
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
