/**
 * The Dynamic Authorization Server of RFC 5176: takes Disconnect-Request and CoA-Request from clients that are known, asks
 * upwards, and answers; a request that comes again gets the answer that it had. Does no I/O and knows no clock. Must not
 * know sessions.
 *
 *   Disconnect-Request, CoA-Request -> 'disconnect-requested', 'change-requested', answerRequest -> ACK or NAK
 */
import {
  checkMessageAuthenticator,
  checkRequestAuthenticator,
  messageAuthenticator,
  responseAuthenticator,
} from '../../crypto/radius.js';
import { latin1, ProtocolError } from '../../wire/bytes.js';
import {
  AUTHENTICATOR_BYTES,
  AUTHENTICATOR_OFFSET,
  emitRadiusPacket,
  MESSAGE_AUTHENTICATOR,
  messageAuthenticatorOffset,
  parseRadiusPacket,
  RADIUS_CODE,
  RADIUS_HEADER_BYTES,
} from '../../wire/radius.js';
import {
  ERROR_CAUSE,
  type ErrorCause,
  emitRadiusAttributes,
  type ParsedAttributes,
  parseRadiusAttributes,
  type RadiusValues,
  SERVICE_TYPE,
} from '../../wire/radius-attributes.js';
import { Queue } from '../queue.js';

export interface DynamicAuthorizationClient {
  /** Canonical text. */
  address: string;
  secret: Uint8Array;
  requiresMessageAuthenticator: boolean;
  /** Without one a request could be replayed once it is forgotten. */
  requiresEventTimestamp: boolean;
}

export interface DynamicAuthorizationConfig {
  clients: readonly DynamicAuthorizationClient[];
  /** What a request names as its NAS must be this (RFC 5176 section 3); what is not said here may be anything. */
  nas: Pick<RadiusValues, 'nasIdentifier' | 'nasIpAddress' | 'nasIpv6Address'>;
  /** How far an Event-Timestamp may be from the time of day, before and after: 300 in RFC 5176 section 6.3. */
  eventWindow_s: number;
  /** Requests that are remembered, for twice the window each. */
  maxRequests: number;
}

export type DynamicAuthorizationEvent = {
  type: 'disconnect-requested' | 'change-requested';
  requestKey: number;
  clientIndex: number;
} & ParsedAttributes;

export type DynamicAuthorizationAnswer = { acknowledged: true } | { acknowledged: false; errorCause: ErrorCause };

export interface Peer {
  address: string;
  port: number;
}

export const DYNAMIC_AUTHORIZATION_DROPS = [
  'unknown-client',
  'malformed',
  'unexpected-code',
  'authenticator-wrong',
  'message-authenticator-missing',
  'message-authenticator-wrong',
  'event-timestamp-missing',
  'event-timestamp-stale',
  /** It comes again before it is answered. */
  'request-pending',
  'too-many-requests',
] as const;

export type DynamicAuthorizationDrop = (typeof DYNAMIC_AUTHORIZATION_DROPS)[number];

interface Entry {
  key: number;
  name: string;
  peer: Peer;
  client: DynamicAuthorizationClient;
  code: number;
  identifier: number;
  authenticator: Uint8Array;
  proxyState: RadiusValues['proxyState'];
  forgottenAt_ms: number;
  answer: Uint8Array | undefined;
}

export class DynamicAuthorizationServer {
  readonly counters = {
    requests: 0,
    acknowledged: 0,
    refused: 0,
    /** Answered from memory. */
    repeated: 0,
    drops: Object.fromEntries(DYNAMIC_AUTHORIZATION_DROPS.map((drop) => [drop, 0])) as Record<
      DynamicAuthorizationDrop,
      number
    >,
  };
  readonly #config: DynamicAuthorizationConfig;
  /** In the order in which they are forgotten. */
  readonly #byName = new Map<string, Entry>();
  readonly #byKey = new Map<number, Entry>();
  readonly #transmits = new Queue<Peer & { datagram: Uint8Array }>();
  readonly #events = new Queue<DynamicAuthorizationEvent>();
  #lastKey = 0;

  constructor(config: DynamicAuthorizationConfig) {
    this.#config = config;
  }

  /** A datagram that has come; `timeOfDay_s` is seconds since 1970; gives why it is not taken. Throws nothing for what it holds. */
  handleDatagram(
    peer: Peer,
    datagram: Uint8Array,
    now_ms: number,
    timeOfDay_s: number,
  ): DynamicAuthorizationDrop | undefined {
    let drop: DynamicAuthorizationDrop | undefined;
    try {
      drop = this.#take(peer, datagram, now_ms, timeOfDay_s);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      drop = 'malformed';
    }
    if (drop !== undefined) this.counters.drops[drop]++;
    return drop;
  }

  /** Answers an event. Without effect where the request is answered already, or forgotten. */
  answerRequest(requestKey: number, answer: DynamicAuthorizationAnswer): void {
    const entry = this.#byKey.get(requestKey);
    if (entry === undefined || entry.answer !== undefined) return;
    this.counters[answer.acknowledged ? 'acknowledged' : 'refused']++;
    entry.answer = sealAnswer(entry, answer);
    this.#transmits.push({ ...entry.peer, datagram: entry.answer });
  }

  pollTransmit(): (Peer & { datagram: Uint8Array }) | undefined {
    return this.#transmits.shift();
  }

  pollEvent(): DynamicAuthorizationEvent | undefined {
    return this.#events.shift();
  }

  #take(peer: Peer, received: Uint8Array, now_ms: number, timeOfDay_s: number): DynamicAuthorizationDrop | undefined {
    const clientIndex = this.#config.clients.findIndex(({ address }) => address === peer.address);
    if (clientIndex < 0) return 'unknown-client';
    const client = this.#config.clients[clientIndex];
    const packet = parseRadiusPacket(received);
    const { code, identifier } = packet;
    if (code !== RADIUS_CODE.disconnectRequest && code !== RADIUS_CODE.coaRequest) return 'unexpected-code';
    const datagram = received.subarray(0, (received[2] << 8) | received[3]);
    if (!checkRequestAuthenticator(datagram, client.secret)) return 'authenticator-wrong';
    const offset = messageAuthenticatorOffset(packet);
    if (offset === undefined && client.requiresMessageAuthenticator) return 'message-authenticator-missing';
    if (offset !== undefined && !isSigned(datagram, offset, client)) return 'message-authenticator-wrong';
    const parsed = parseRadiusAttributes(packet.attributes);
    const { eventTimestamp_s, proxyState } = parsed.values;
    if (eventTimestamp_s === undefined && client.requiresEventTimestamp) return 'event-timestamp-missing';
    const age_s = eventTimestamp_s === undefined ? 0 : Math.abs(timeOfDay_s - eventTimestamp_s);
    if (age_s > this.#config.eventWindow_s) return 'event-timestamp-stale';

    this.#forget(now_ms);
    // Whatever port it comes from, so that a copy sent by another does nothing again.
    const name = `${peer.address} ${code} ${identifier} ${latin1(packet.authenticator)}`;
    const known = this.#byName.get(name);
    if (known !== undefined) return this.#repeat(known, peer);
    if (this.#byName.size >= this.#config.maxRequests) return 'too-many-requests';
    const forgottenAt_ms = now_ms + 2 * 1000 * this.#config.eventWindow_s;
    const entry: Entry = {
      key: ++this.#lastKey,
      name,
      peer,
      client,
      code,
      identifier,
      authenticator: packet.authenticator.slice(),
      proxyState,
      forgottenAt_ms,
      answer: undefined,
    };
    const { key } = entry;
    this.#byName.set(name, entry);
    this.#byKey.set(key, entry);
    this.counters.requests++;
    const errorCause = this.#refusal(code, parsed.values);
    if (errorCause !== undefined) this.answerRequest(key, { acknowledged: false, errorCause });
    else {
      const type = code === RADIUS_CODE.coaRequest ? 'change-requested' : 'disconnect-requested';
      this.#events.push({ type, requestKey: key, clientIndex, ...parsed });
    }
    return undefined;
  }

  #repeat({ answer }: Entry, peer: Peer): DynamicAuthorizationDrop | undefined {
    if (answer === undefined) return 'request-pending';
    this.counters.repeated++;
    this.#transmits.push({ ...peer, datagram: answer });
    return undefined;
  }

  #forget(now_ms: number): void {
    for (const { name, key, forgottenAt_ms } of this.#byName.values()) {
      if (forgottenAt_ms > now_ms) return;
      this.#byName.delete(name);
      this.#byKey.delete(key);
    }
  }

  /** What can be refused without knowing any session: RFC 5176 sections 3 and 3.2. */
  #refusal(code: number, values: RadiusValues): ErrorCause | undefined {
    const { nas } = this.#config;
    const names = ['nasIdentifier', 'nasIpAddress', 'nasIpv6Address'] as const;
    const differs = (one: string | undefined, other: string | undefined): boolean =>
      one !== undefined && other !== undefined && one !== other;
    if (names.some((name) => differs(values[name], nas[name]))) return 'nasIdentificationMismatch';
    if (values.serviceType !== SERVICE_TYPE.authorizeOnly) return undefined;
    // Unsupported Service is no answer to a Disconnect-Request (section 3.5).
    return code === RADIUS_CODE.coaRequest ? 'unsupportedService' : 'unsupportedAttribute';
  }
}

function isSigned(datagram: Uint8Array, offset: number, { secret }: DynamicAuthorizationClient): boolean {
  return checkMessageAuthenticator(datagram, offset, undefined, secret);
}

/** ACK is one above its request, NAK two (RFC 5176 section 2.3). Proxy-State goes back as it came (section 3.1). */
function sealAnswer(entry: Entry, answer: DynamicAuthorizationAnswer): Uint8Array {
  const { authenticator, identifier, proxyState, client } = entry;
  const attributes = emitRadiusAttributes({
    ...(proxyState && { proxyState }),
    ...(!answer.acknowledged && { errorCause: ERROR_CAUSE[answer.errorCause] }),
  });
  const unsigned = { type: MESSAGE_AUTHENTICATOR, value: new Uint8Array(AUTHENTICATOR_BYTES) };
  const code = entry.code + (answer.acknowledged ? 1 : 2);
  const datagram = emitRadiusPacket({ code, identifier, authenticator, attributes: [unsigned, ...attributes] });
  const offset = RADIUS_HEADER_BYTES + 2;
  datagram.set(messageAuthenticator(datagram, offset, authenticator, client.secret), offset);
  datagram.set(responseAuthenticator(datagram, authenticator, client.secret), AUTHENTICATOR_OFFSET);
  return datagram;
}
