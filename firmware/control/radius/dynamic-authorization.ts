/**
 * Disconnect and CoA on the box's network (RFC 5176): the sockets, and from a request to what is done to a call and the
 * answer. Must not know how a call is ended or changed.
 *
 *   Disconnect-Request -> selectCall -> disconnect -> ACK
 *   CoA-Request        -> selectCall -> change     -> ACK, when it is in force
 */
import { createSocket, type Socket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import {
  type DynamicAuthorizationDrop,
  type DynamicAuthorizationEvent,
  DynamicAuthorizationServer,
  type Peer,
} from '../../protocol/radius/dynamic-authorization.js';
import type { AuthorizationChange, CallInfo } from '../../roles/role.js';
import type { Settings } from '../../settings.js';
import { octets } from '../../wire/bytes.js';
import { canonicalAddress } from '../../wire/ip.js';
import type { ErrorCause } from '../../wire/radius-attributes.js';
import type { Log } from '../call-log.js';
import { nasValues } from './call-attributes.js';
import { RatedLog } from './rated-log.js';
import { changeFault, changeOf, disconnectFault, selectCall } from './session-selection.js';

export interface DynamicAuthorizationDependencies {
  calls(): Iterable<CallInfo>;
  /** Ends a call; `reason` in words. */
  disconnect(call: CallInfo, reason: string): void;
  /** Resolves when the change is in force. Rejects where it cannot be made. */
  change(call: CallInfo, change: AuthorizationChange): Promise<void>;
  /** Monotonic. */
  now_ms(): number;
  unixTime_ms(): number;
  log: Log;
}

/** Of the requests that came since the settings were changed last. */
export interface DynamicAuthorizationView {
  port: number;
  requests: number;
  acknowledged: number;
  refused: number;
  /** That came again and were answered as before. */
  repeated: number;
  /** Datagrams that were not answered, by reason. */
  drops: Record<string, number>;
}

type DynamicSettings = Pick<Settings, 'radius' | 'system' | 'filters'>;

const OTHER_SECRET = { advice: 'see that it and radius.dynamicAuthorization.clients have the same secret' };
const ADVICE: Partial<Record<DynamicAuthorizationDrop, { advice: string }>> = {
  'unknown-client': { advice: 'add it to radius.dynamicAuthorization.clients, if it may end and change calls' },
  'authenticator-wrong': OTHER_SECRET,
  'message-authenticator-wrong': OTHER_SECRET,
  'message-authenticator-missing': {
    advice: 'let it sign its requests, or have requireMessageAuthenticator off for it',
  },
  'event-timestamp-stale': { advice: 'see that its clock and that of this box are right' },
};

/** RFC 5176 section 6.3. */
const EVENT_WINDOW_S = 300;
/** Remembered so that a copy of a request does nothing again. */
const MAX_REQUESTS = 4_096;

export class DynamicAuthorization {
  readonly #dependencies: DynamicAuthorizationDependencies;
  readonly #log: RatedLog;
  #settings: DynamicSettings | undefined;
  /** What the server was made of. */
  #madeOf = '';
  #server: DynamicAuthorizationServer | undefined;
  #sockets: { family: 4 | 6; socket: Socket }[] = [];
  #problem: string | undefined;

  constructor(dependencies: DynamicAuthorizationDependencies) {
    this.#dependencies = dependencies;
    this.#log = new RatedLog(dependencies.log, dependencies.now_ms);
  }

  /** Listens as these settings have it. */
  configure(settings: DynamicSettings): void {
    this.#settings = settings;
    const { port, clients } = settings.radius.dynamicAuthorization;
    const nas = nasValues(settings);
    const madeOf = JSON.stringify({ port, clients, nas });
    if (madeOf === this.#madeOf) return;
    this.close();
    this.#madeOf = madeOf;
    if (port === 0) return;
    this.#server = new DynamicAuthorizationServer({
      clients: clients.map(({ address, secret, requireMessageAuthenticator }) => ({
        address,
        secret: octets(secret ?? ''),
        requiresMessageAuthenticator: requireMessageAuthenticator,
        // radclient and many portals send none; that a request does nothing twice is remembered as long.
        requiresEventTimestamp: false,
      })),
      nas,
      eventWindow_s: EVENT_WINDOW_S,
      maxRequests: MAX_REQUESTS,
    });
    for (const family of [4, 6] as const) {
      if (clients.some(({ address }) => isIPv6(address) === (family === 6))) this.#open(family, port);
    }
  }

  /** Why nobody can be heard, in words. */
  get problem(): string | undefined {
    return this.#problem;
  }

  view(): DynamicAuthorizationView | undefined {
    if (this.#server === undefined || this.#settings === undefined) return undefined;
    const { drops, ...counters } = this.#server.counters;
    return { port: this.#settings.radius.dynamicAuthorization.port, ...counters, drops: { ...drops } };
  }

  /** Requests that are not answered yet are not answered any more. */
  close(): void {
    for (const { socket } of this.#sockets) socket.close();
    this.#sockets = [];
    this.#server = undefined;
    this.#problem = undefined;
    this.#madeOf = '';
  }

  #open(family: 4 | 6, port: number): void {
    const socket = createSocket({ type: family === 4 ? 'udp4' : 'udp6', ipv6Only: family === 6 });
    this.#sockets.push({ family, socket });
    socket.on('message', (datagram, { address, port: peerPort }) => {
      const peer = { address: canonicalAddress(address.replace(/%.*$/, '')), port: peerPort };
      this.#arrived(peer, new Uint8Array(datagram.buffer, datagram.byteOffset, datagram.length));
    });
    socket.on('error', ({ message }) => {
      this.#problem = `UDP port ${port} for CoA and Disconnect: ${message}`;
      this.#dependencies.log.error({ port, reason: message }, 'CoA and Disconnect cannot be heard');
    });
    socket.bind(port);
  }

  #arrived(peer: Peer, datagram: Uint8Array): void {
    const server = this.#server;
    if (server === undefined) return;
    const { now_ms, unixTime_ms } = this.#dependencies;
    const reason = server.handleDatagram(peer, datagram, now_ms(), Math.floor(unixTime_ms() / 1000));
    if (reason !== undefined) {
      this.#log.warn(`drop ${reason}`, { ...peer, reason, ...ADVICE[reason] }, 'CoA or Disconnect not taken');
    }
    for (let event = server.pollEvent(); event !== undefined; event = server.pollEvent()) {
      void this.#answer(server, event, peer);
    }
    this.#transmit(server);
  }

  async #answer(server: DynamicAuthorizationServer, event: DynamicAuthorizationEvent, peer: Peer): Promise<void> {
    const { requestKey, type } = event;
    const errorCause = await (type === 'change-requested' ? this.#change(event) : this.#disconnect(event));
    const { userName: user, acctSessionId } = event.values;
    const asked = { from: peer.address, type, user, acctSessionId };
    if (errorCause === undefined) this.#dependencies.log.info(asked, 'RADIUS has changed a call');
    else this.#log.warn(errorCause, { ...asked, errorCause }, 'CoA or Disconnect refused');
    server.answerRequest(
      requestKey,
      errorCause === undefined ? { acknowledged: true } : { acknowledged: false, errorCause },
    );
    if (server === this.#server) this.#transmit(server);
  }

  async #disconnect(event: DynamicAuthorizationEvent): Promise<ErrorCause | undefined> {
    const fault = disconnectFault(event);
    if (fault !== undefined) return fault;
    const call = selectCall(event.values, this.#dependencies.calls());
    if (typeof call === 'string') return call;
    const { class: classes, replyMessage = [] } = event.values;
    // Note 4 of section 3.6: its Class stands in the call's Accounting-Stop.
    if (classes !== undefined && !(await this.#isChanged(call, { class: classes }))) return 'resourcesUnavailable';
    this.#dependencies.disconnect(call, replyMessage.join(' ') || 'disconnected by RADIUS');
    return undefined;
  }

  async #change(event: DynamicAuthorizationEvent): Promise<ErrorCause | undefined> {
    const filters = new Set(this.#settings?.filters.map(({ name }) => name));
    const change = changeOf(event, filters);
    if (typeof change === 'string') return change;
    const call = selectCall(event.values, this.#dependencies.calls());
    if (typeof call === 'string') return call;
    const fault = changeFault(call, change);
    if (fault !== undefined) return fault;
    return (await this.#isChanged(call, change)) ? undefined : 'resourcesUnavailable';
  }

  async #isChanged(call: CallInfo, change: AuthorizationChange): Promise<boolean> {
    try {
      await this.#dependencies.change(call, change);
      return true;
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      this.#log.warn('change', { user: call.userName, reason }, 'a change that RADIUS asks for cannot be made');
      return false;
    }
  }

  #transmit(server: DynamicAuthorizationServer): void {
    for (let one = server.pollTransmit(); one !== undefined; one = server.pollTransmit()) {
      const { address, port, datagram } = one;
      const family = isIPv6(address) ? 6 : 4;
      const open = this.#sockets.find((entry) => entry.family === family);
      // What is not answered comes again.
      open?.socket.send(datagram, port, address, (error) => {
        if (error !== null)
          this.#log.warn('send', { address, reason: error.message }, 'CoA or Disconnect not answered');
      });
    }
  }
}
