/**
 * The RADIUS client (RFC 2865, RFC 2866) for one service: retransmission as RFC 5080 section 2.2.1 has it, failover,
 * servers that are dead until they answer a Status-Server (RFC 5997) or a time has passed. Does no I/O and knows no clock.
 * Must not know what a request is for.
 *
 *   request -> 'reply' or 'no-reply', each time one of them
 *
 * All packets of a request stay valid until it ends: a server that answers after the next was asked has answered.
 */
import { createHash } from 'node:crypto';
import { ProtocolError, type RandomBytes } from '../../wire/bytes.js';
import { emitRadiusPacket, MAX_ATTRIBUTE_VALUE_BYTES, parseRadiusPacket, RADIUS_CODE } from '../../wire/radius.js';
import { emitRadiusAttributes } from '../../wire/radius-attributes.js';
import { DeadlineQueue } from '../deadline-queue.js';
import { Queue } from '../queue.js';
import {
  RADIUS_REPLY_DROPS,
  type RadiusClientConfig,
  type RadiusClientCounters,
  type RadiusClientEvent,
  type RadiusReplyCode,
  type RadiusReplyDrop,
  type RadiusRequest,
  type RadiusServerDrop,
  type RadiusServerStatus,
  type RadiusTransmit,
} from './client-types.js';
import { openReply, type SealedRequest, sealAccessRequest, sealAccountingRequest } from './exchange.js';
import { ServerState, type Slot } from './server-state.js';

/** RFC 2865 section 5.2. */
const MAX_PASSWORD_BYTES = 128;

/** A packet that awaits its reply; without a request it is a Status-Server. */
interface Attempt extends SealedRequest, Slot {
  serverIndex: number;
  pending: Pending | undefined;
}

interface Pending {
  key: number;
  request: RadiusRequest;
  content: string;
  startedAt_ms: number;
  serverIndex: number;
  /** When the server was asked first. */
  askedAt_ms: number;
  transmissions: number;
  transmissionsHere: number;
  /** RT without what the jitter of the next will add. */
  wait_ms: number;
  tried: Set<number>;
  attempts: Attempt[];
}

const REPLY_CODES: ReadonlyMap<number, RadiusReplyCode> = new Map([
  [RADIUS_CODE.accessAccept, 'accept'],
  [RADIUS_CODE.accessReject, 'reject'],
  [RADIUS_CODE.accessChallenge, 'challenge'],
  [RADIUS_CODE.accountingResponse, 'accounting-response'],
]);

export class RadiusClient {
  readonly counters: RadiusClientCounters = {
    requests: 0,
    transmissions: 0,
    statusServers: 0,
    replies: 0,
    noReplies: 0,
    drops: Object.fromEntries(RADIUS_REPLY_DROPS.map((drop) => [drop, 0])) as Record<RadiusReplyDrop, number>,
  };
  readonly #config: RadiusClientConfig;
  readonly #random: RandomBytes;
  readonly #servers: ServerState<Attempt>[];
  readonly #pending = new Map<number, Pending>();
  readonly #byContent = new Map<string, Pending>();
  /** Requests for which no identifier was free. */
  readonly #waiting = new Set<Pending>();
  /** Of requests by their keys, of dead servers by -1 - index. */
  readonly #deadlines = new DeadlineQueue();
  readonly #probes = new Map<number, Attempt>();
  readonly #transmits = new Queue<RadiusTransmit>();
  readonly #events = new Queue<RadiusClientEvent>();
  #lastKey = 0;

  constructor(config: RadiusClientConfig, random: RandomBytes) {
    if (config.servers.length === 0 || config.sourcePorts < 1) throw new RangeError('no server, or no source port');
    if (config.transmissionsPerServer < 1 || config.maxTransmissions < 1) throw new RangeError('no transmission');
    this.#config = config;
    this.#random = random;
    this.#servers = config.servers.map(() => new ServerState(config.sourcePorts));
  }

  /**
   * Asks the servers; gives the key under which the reply comes. The same content as a request that is under way is that
   * request, and has its key. Throws RangeError for what does not fit into a packet.
   */
  request(request: RadiusRequest, now_ms: number): number {
    const content = contentOf(request);
    const known = this.#byContent.get(content);
    if (known !== undefined) return known.key;
    const pending: Pending = {
      key: ++this.#lastKey,
      request,
      content,
      startedAt_ms: now_ms,
      serverIndex: this.#nextServer(new Set()),
      askedAt_ms: now_ms,
      transmissions: 0,
      transmissionsHere: 0,
      wait_ms: 0,
      tried: new Set(),
      attempts: [],
    };
    this.counters.requests++;
    this.#pending.set(pending.key, pending);
    this.#byContent.set(content, pending);
    this.#ask(pending, pending.serverIndex, now_ms);
    return pending.key;
  }

  /** Forgets a request: nothing more comes of it. */
  cancel(requestKey: number, now_ms: number): void {
    const pending = this.#pending.get(requestKey);
    if (pending !== undefined) this.#end(pending, now_ms);
  }

  /** A datagram from an address and port to a source port of ours; gives why it is not taken. Throws nothing for what it holds. */
  handleDatagram(
    arrival: { sourcePortIndex: number; address: string; port: number; datagram: Uint8Array },
    now_ms: number,
  ): RadiusReplyDrop | undefined {
    const { address, port } = arrival;
    const serverIndex = this.#config.servers.findIndex((entry) => entry.address === address && entry.port === port);
    if (serverIndex < 0) {
      this.counters.drops['unknown-server']++;
      return 'unknown-server';
    }
    let drop: RadiusServerDrop | undefined;
    try {
      drop = this.#take(serverIndex, arrival, now_ms);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      drop = 'malformed';
    }
    if (drop !== undefined) {
      this.counters.drops[drop]++;
      this.#servers[serverIndex].drops[drop]++;
    }
    return drop;
  }

  /** In the configuration's order. */
  servers(): RadiusServerStatus[] {
    return this.#servers.map(({ isDead, requests, replies, noReplies, statusServers, drops }, index) => {
      const { address, port } = this.#config.servers[index];
      return { address, port, isDead, requests, replies, noReplies, statusServers, drops: { ...drops } };
    });
  }

  handleTimeout(now_ms: number): void {
    for (let key = this.#deadlines.takeDue(now_ms); key !== undefined; key = this.#deadlines.takeDue(now_ms)) {
      if (key < 0) this.#reviveOrProbe(-1 - key, now_ms);
      else this.#retransmit(this.#pending.get(key)!, now_ms);
    }
  }

  pollTimeout(): number | undefined {
    return this.#deadlines.next_ms();
  }

  pollTransmit(): RadiusTransmit | undefined {
    return this.#transmits.shift();
  }

  pollEvent(): RadiusClientEvent | undefined {
    return this.#events.shift();
  }

  #take(
    serverIndex: number,
    { sourcePortIndex, datagram: received }: { sourcePortIndex: number; datagram: Uint8Array },
    now_ms: number,
  ): RadiusServerDrop | undefined {
    const packet = parseRadiusPacket(received);
    const code = REPLY_CODES.get(packet.code);
    if (code === undefined) return 'unexpected-code';
    const attempt = this.#servers[serverIndex].holder({ sourcePortIndex, identifier: packet.identifier });
    if (attempt === undefined) return 'no-such-request';
    const isAccounting = this.#config.service === 'accounting';
    const isProbe = attempt.pending === undefined;
    // A Status-Server is answered by either, as the port or the server has it (RFC 5997 section 4.2).
    if (!isProbe && (code === 'accounting-response') !== isAccounting) return 'unexpected-code';
    const server = this.#config.servers[serverIndex];
    const datagram = received.subarray(0, (received[2] << 8) | received[3]);
    // Nobody is let in by the answer to a Status-Server, which FreeRADIUS does not sign (section 5: it may).
    const mustBeSigned = server.requiresMessageAuthenticator && !isAccounting && !isProbe;
    const opened = openReply(packet, datagram, attempt.authenticator, server, mustBeSigned);
    if (typeof opened === 'string') return opened;
    if (attempt.pending === undefined) {
      this.#servers[serverIndex].answersStatusServer = true;
      this.#endProbe(serverIndex);
    }
    this.#heard(serverIndex, now_ms);
    if (attempt.pending === undefined) return undefined;
    this.counters.replies++;
    this.#servers[serverIndex].replies++;
    this.#events.push({ type: 'reply', requestKey: attempt.pending.key, code, serverIndex, ...opened });
    this.#end(attempt.pending, now_ms);
    return undefined;
  }

  #heard(serverIndex: number, now_ms: number): void {
    const server = this.#servers[serverIndex];
    server.lastReply_ms = now_ms;
    if (server.isDead) this.#revive(serverIndex);
    // Whether it knows Status-Server is asked while it lives.
    const isAsked = server.answersStatusServer !== undefined || !this.#config.servers[serverIndex].answersStatusServer;
    if (isAsked) return;
    server.answersStatusServer = false;
    this.#probe(serverIndex);
  }

  #revive(serverIndex: number): void {
    this.#servers[serverIndex].isDead = false;
    this.#deadlines.set(-1 - serverIndex, undefined);
    this.#events.push({ type: 'server-alive', serverIndex });
  }

  #end(pending: Pending, now_ms: number): void {
    this.#pending.delete(pending.key);
    this.#byContent.delete(pending.content);
    this.#waiting.delete(pending);
    this.#deadlines.set(pending.key, undefined);
    for (const attempt of pending.attempts) this.#servers[attempt.serverIndex].release(attempt);
    for (const waiting of [...this.#waiting].slice(0, Math.max(1, pending.attempts.length))) {
      this.#waiting.delete(waiting);
      this.#ask(waiting, waiting.serverIndex, now_ms);
    }
  }

  /** The first living server that was not tried; where there is none, the first that was not; else the first that lives. */
  #nextServer(tried: ReadonlySet<number>): number {
    const indexes = this.#servers.map((_, index) => index);
    const lives = (index: number): boolean => !this.#servers[index].isDead;
    const untried = indexes.filter((index) => !tried.has(index));
    return untried.find(lives) ?? untried[0] ?? indexes.find(lives) ?? 0;
  }

  /** The first transmission to a server. */
  #ask(pending: Pending, serverIndex: number, now_ms: number): void {
    pending.serverIndex = serverIndex;
    pending.askedAt_ms = now_ms;
    pending.transmissionsHere = 0;
    const attempt = this.#seal(pending, now_ms);
    if (attempt === undefined) {
      this.#waiting.add(pending);
      this.#deadlines.set(pending.key, pending.startedAt_ms + this.#config.maxDuration_ms);
      return;
    }
    this.#servers[serverIndex].requests++;
    pending.tried.add(serverIndex);
    pending.wait_ms = this.#jittered(this.#config.initialRetransmission_ms, 1);
    this.#send(pending, attempt, now_ms);
  }

  #retransmit(pending: Pending, now_ms: number): void {
    const { maxDuration_ms, maxTransmissions, transmissionsPerServer, maxRetransmission_ms } = this.#config;
    const isOver = now_ms >= pending.startedAt_ms + maxDuration_ms || pending.transmissions >= maxTransmissions;
    const givesUp = isOver || pending.transmissionsHere >= transmissionsPerServer;
    const server = this.#servers[pending.serverIndex];
    if (pending.transmissionsHere >= transmissionsPerServer && server.lastReply_ms < pending.askedAt_ms) {
      this.#bury(pending.serverIndex, now_ms);
    }
    if (isOver) {
      server.noReplies++;
      this.counters.noReplies++;
      this.#events.push({ type: 'no-reply', requestKey: pending.key });
      this.#end(pending, now_ms);
      return;
    }
    if (givesUp || server.isDead) {
      const next = this.#nextServer(pending.tried);
      if (next !== pending.serverIndex) {
        server.noReplies++;
        this.#ask(pending, next, now_ms);
        return;
      }
    }
    pending.wait_ms = this.#jittered(pending.wait_ms, 2);
    if (pending.wait_ms > maxRetransmission_ms) pending.wait_ms = this.#jittered(maxRetransmission_ms, 1);
    this.#send(pending, this.#attemptAgain(pending, now_ms), now_ms);
  }

  /**
   * The same packet for an Access-Request (RFC 5080 section 2.2.2); for accounting, whose Acct-Delay-Time has changed, a
   * new one with a new identifier (RFC 2866 section 5.2), or, where none is free, the one before.
   */
  #attemptAgain(pending: Pending, now_ms: number): Attempt {
    const before = pending.attempts.findLast(({ serverIndex }) => serverIndex === pending.serverIndex)!;
    return this.#config.service === 'accounting' ? (this.#seal(pending, now_ms) ?? before) : before;
  }

  #send(pending: Pending, attempt: Attempt, now_ms: number): void {
    pending.transmissions++;
    pending.transmissionsHere++;
    const end_ms = pending.startedAt_ms + this.#config.maxDuration_ms;
    this.#deadlines.set(pending.key, Math.min(now_ms + pending.wait_ms, end_ms));
    this.counters.transmissions++;
    this.#transmit(attempt);
  }

  #transmit({ serverIndex, sourcePortIndex, datagram }: Attempt): void {
    const { address, port } = this.#config.servers[serverIndex];
    this.#transmits.push({ sourcePortIndex, address, port, datagram });
  }

  /** A packet to the server with an identifier of its own; undefined where none is free. */
  #seal(pending: Pending, now_ms: number): Attempt | undefined {
    const { serverIndex, request } = pending;
    const { secret } = this.#config.servers[serverIndex];
    const attempt = this.#hold(serverIndex, pending, (identifier) => {
      if (this.#config.service === 'authentication') {
        return sealAccessRequest(RADIUS_CODE.accessRequest, identifier, this.#random(16), request, secret);
      }
      const delay_s = Math.floor((now_ms - pending.startedAt_ms) / 1000) + (request.values.acctDelayTime_s ?? 0);
      return sealAccountingRequest(identifier, { ...request.values, acctDelayTime_s: delay_s }, secret);
    });
    if (attempt !== undefined) pending.attempts.push(attempt);
    return attempt;
  }

  #hold(
    serverIndex: number,
    pending: Pending | undefined,
    seal: (identifier: number) => SealedRequest,
  ): Attempt | undefined {
    const nothing = new Uint8Array(0);
    const attempt = {
      serverIndex,
      pending,
      sourcePortIndex: 0,
      identifier: 0,
      datagram: nothing,
      authenticator: nothing,
    };
    const slot = this.#servers[serverIndex].take(attempt);
    return slot && Object.assign(attempt, slot, seal(slot.identifier));
  }

  #bury(serverIndex: number, now_ms: number): void {
    const server = this.#servers[serverIndex];
    if (server.isDead) return;
    server.isDead = true;
    this.#events.push({ type: 'server-dead', serverIndex });
    if (this.#config.servers[serverIndex].answersStatusServer) this.#probe(serverIndex);
    this.#deadlines.set(-1 - serverIndex, now_ms + this.#jittered(this.#config.deadTime_ms, 1));
  }

  /**
   * A server's dead time is over: one that has answered a Status-Server answers another before it is asked anything else
   * (RFC 5997 section 4.3); one that may not know them is tried.
   */
  #reviveOrProbe(serverIndex: number, now_ms: number): void {
    this.#endProbe(serverIndex);
    if (!this.#servers[serverIndex].answersStatusServer) {
      this.#revive(serverIndex);
      return;
    }
    this.#deadlines.set(-1 - serverIndex, now_ms + this.#jittered(this.#config.deadTime_ms, 1));
    this.#probe(serverIndex);
  }

  #probe(serverIndex: number): void {
    this.#endProbe(serverIndex);
    const { secret } = this.#config.servers[serverIndex];
    const probe = this.#hold(serverIndex, undefined, (identifier) =>
      sealAccessRequest(RADIUS_CODE.statusServer, identifier, this.#random(16), { values: {} }, secret),
    );
    if (probe === undefined) return;
    this.#probes.set(serverIndex, probe);
    this.counters.statusServers++;
    this.#servers[serverIndex].statusServers++;
    this.#transmit(probe);
  }

  #endProbe(serverIndex: number): void {
    const probe = this.#probes.get(serverIndex);
    if (probe === undefined) return;
    this.#probes.delete(serverIndex);
    this.#servers[serverIndex].release(probe);
  }

  /** factor * time + RAND * time, RAND between -0.1 and 0.1: RFC 5080 section 2.2.1. */
  #jittered(time_ms: number, factor: number): number {
    const [high, low] = this.#random(2);
    return Math.round(time_ms * (factor - 0.1 + (0.2 * (high * 256 + low)) / 0xffff));
  }
}

/** Room for what is added to a request's values: Message-Authenticator, User-Password, Acct-Delay-Time. */
const ROOM = { type: 0, value: new Uint8Array(MAX_ATTRIBUTE_VALUE_BYTES) };

/** A digest, since a password may be in it. Throws RangeError for what no packet can carry. */
function contentOf({ values, password }: RadiusRequest): string {
  if (password !== undefined && password.length > MAX_PASSWORD_BYTES) throw new RangeError('the password is too long');
  const attributes = [ROOM, ...emitRadiusAttributes(values)];
  const packet = emitRadiusPacket({ code: 0, identifier: 0, authenticator: new Uint8Array(16), attributes });
  const hash = createHash('sha256').update(packet);
  return hash.update(password === undefined ? 'none' : Uint8Array.of(0, ...password)).digest('base64');
}
