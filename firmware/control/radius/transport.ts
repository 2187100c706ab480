/**
 * A RADIUS client on the box's network: its sockets, its timer and what an operator reads of its servers. Must not know
 * what is asked.
 *
 *   request -> RadiusClient -> a socket for each source port and address family, opened when it is first needed
 */
import { createSocket, type Socket, type SocketOptions } from 'node:dgram';
import { RadiusClient } from '../../protocol/radius/client.js';
import type {
  RadiusClientConfig,
  RadiusClientEvent,
  RadiusReplyDrop,
  RadiusRequest,
  RadiusTransmit,
} from '../../protocol/radius/client-types.js';
import type { RandomBytes } from '../../wire/bytes.js';
import { canonicalAddress } from '../../wire/ip.js';
import type { Log } from '../call-log.js';
import { WakeTimer } from '../wake-timer.js';
import { RatedLog } from './rated-log.js';

/** What becomes of a request. */
export type RadiusOutcome = Extract<RadiusClientEvent, { type: 'reply' | 'no-reply' }>;

/** How a server does. */
export interface RadiusServerView {
  service: RadiusClientConfig['service'];
  address: string;
  port: number;
  state: 'alive' | 'dead';
  /** When that began. */
  since: string;
  requests: number;
  replies: number;
  /** Given to the next server, or given up, without a reply. */
  noReplies: number;
  /** Datagrams from it that were not taken, by reason. */
  drops: Record<string, number>;
}

export interface RadiusTransportDependencies {
  /** Monotonic. */
  now_ms(): number;
  random: RandomBytes;
  log: Log;
}

const OTHER_SECRET = { advice: 'see that the server and radius in the settings have the same secret' };
const ADVICE: Partial<Record<RadiusReplyDrop, { advice: string }>> = {
  'unknown-server': { advice: 'see that the server answers from the address and port at which it is asked' },
  'authenticator-wrong': OTHER_SECRET,
  'message-authenticator-wrong': OTHER_SECRET,
  'message-authenticator-missing': {
    advice: 'let the server sign its replies, or have requireMessageAuthenticator off for it',
  },
};

export class RadiusTransport {
  readonly #config: RadiusClientConfig;
  readonly #client: RadiusClient;
  readonly #now_ms: () => number;
  readonly #log: RatedLog;
  /** By source port and family. */
  readonly #sockets = new Map<string, Socket>();
  readonly #handles = new Map<number, ((outcome: RadiusOutcome) => void)[]>();
  readonly #since: string[];
  readonly #timer: WakeTimer;
  #isClosed = false;

  constructor(config: RadiusClientConfig, { now_ms, random, log }: RadiusTransportDependencies) {
    this.#config = config;
    this.#client = new RadiusClient(config, random);
    this.#now_ms = now_ms;
    this.#log = new RatedLog(log, now_ms);
    this.#since = config.servers.map(() => new Date().toISOString());
    this.#timer = new WakeTimer(now_ms, () => {
      this.#client.handleTimeout(this.#now_ms());
      this.#drive();
    });
  }

  /**
   * Asks the servers. `handle` is called once, later, with the reply or with none; never after close. Throws RangeError for
   * what does not fit into a packet: more than 253 octets of a value, more than 128 of a password.
   */
  request(request: RadiusRequest, handle: (outcome: RadiusOutcome) => void): void {
    if (this.#isClosed) throw new Error('the transport is closed');
    const key = this.#client.request(request, this.#now_ms());
    const handles = this.#handles.get(key);
    if (handles === undefined) this.#handles.set(key, [handle]);
    else handles.push(handle);
    this.#drive();
  }

  /** In the order in which they are asked. */
  servers(): RadiusServerView[] {
    return this.#client.servers().map(({ isDead, statusServers: _, ...status }, index) => ({
      service: this.#config.service,
      ...status,
      state: isDead ? 'dead' : 'alive',
      since: this.#since[index],
    }));
  }

  /** Datagrams that came from none of the servers. */
  get strangers(): number {
    return this.#client.counters.drops['unknown-server'];
  }

  /** Ends what is under way, without a word to who asked. */
  close(): void {
    this.#isClosed = true;
    this.#timer.stop();
    for (const socket of this.#sockets.values()) socket.close();
    this.#sockets.clear();
    this.#handles.clear();
  }

  /** Does all that the client wants, and comes back when it wants more. */
  #drive(): void {
    for (let one = this.#client.pollTransmit(); one !== undefined; one = this.#client.pollTransmit()) {
      this.#send(one);
    }
    for (let event = this.#client.pollEvent(); event !== undefined; event = this.#client.pollEvent()) {
      this.#happened(event);
    }
    if (this.#isClosed) return;
    this.#timer.set(this.#client.pollTimeout() ?? Number.POSITIVE_INFINITY, this.#now_ms());
  }

  #happened(event: RadiusClientEvent): void {
    if (event.type === 'reply' || event.type === 'no-reply') {
      const handles = this.#handles.get(event.requestKey) ?? [];
      this.#handles.delete(event.requestKey);
      for (const handle of handles) handle(event);
    } else {
      this.#serverChanged(event.serverIndex, event.type === 'server-dead');
    }
  }

  #serverChanged(serverIndex: number, isDead: boolean): void {
    this.#since[serverIndex] = new Date().toISOString();
    const { address, port } = this.#config.servers[serverIndex];
    const fields = { service: this.#config.service, address, port };
    if (isDead) this.#log.warn(`dead ${serverIndex}`, fields, 'RADIUS server does not answer');
    else this.#log.info(`alive ${serverIndex}`, fields, 'RADIUS server is asked again');
  }

  #send({ sourcePortIndex, address, port, datagram }: RadiusTransmit): void {
    if (this.#isClosed) return;
    // A server that cannot be reached is one that does not answer: the client sends again, and asks the next.
    this.#socket(sourcePortIndex, address.includes(':') ? 'udp6' : 'udp4').send(datagram, port, address, (error) => {
      if (error !== null) this.#warn('send', { address, port }, error);
    });
  }

  #socket(sourcePortIndex: number, family: 'udp4' | 'udp6'): Socket {
    const name = `${sourcePortIndex} ${family}`;
    const known = this.#sockets.get(name);
    if (known !== undefined) return known;
    // Servers have addresses, not names: there is nothing to look up.
    const lookup: SocketOptions['lookup'] = (address, _, found) => found(null, address, family === 'udp6' ? 6 : 4);
    const socket = createSocket({ type: family, lookup });
    this.#sockets.set(name, socket);
    socket.on('message', (datagram, { address, port }) => this.#arrived(sourcePortIndex, address, port, datagram));
    socket.on('error', (error) => {
      this.#warn('socket', {}, error);
      if (this.#sockets.get(name) !== socket) return;
      this.#sockets.delete(name);
      socket.close();
    });
    return socket;
  }

  #warn(kind: string, fields: object, { message }: Error): void {
    if (!this.#isClosed) this.#log.warn(kind, { ...fields, reason: message }, 'RADIUS request could not be sent');
  }

  #arrived(sourcePortIndex: number, from: string, port: number, received: Buffer): void {
    if (this.#isClosed) return;
    const address = canonicalAddress(from.replace(/%.*$/, ''));
    const datagram = new Uint8Array(received.buffer, received.byteOffset, received.length);
    const arrival = { sourcePortIndex, address, port, datagram };
    const reason = this.#client.handleDatagram(arrival, this.#now_ms());
    if (reason !== undefined) {
      const fields = { service: this.#config.service, address, port, reason, ...ADVICE[reason] };
      this.#log.warn(`drop ${reason}`, fields, 'RADIUS datagram not taken');
    }
    this.#drive();
  }
}
