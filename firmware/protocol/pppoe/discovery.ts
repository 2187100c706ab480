/**
 * The access concentrator's side of PPPoE discovery (RFC 2516 section 5): offers, sessions, and their end. Nothing is kept
 * of a host before it comes back with the cookie of an offer. Does no I/O, knows no clock, and decides of no session: it
 * asks. Must not see frames of the session stage but such as belong to no session.
 *
 *   PADI -> PADO, from the packet alone
 *   PADR -> 'session-requested', answerSession -> PADS, 'session-up'; the same PADR again -> the same PADS
 *   PADT -> 'session-closed';  closeSession -> PADT, 'session-closed'
 *   a frame of a session that there is not -> PADT
 */
import { createHash } from 'node:crypto';
import { type AccessLine, parseAccessLine } from '../../wire/access-line.js';
import { ByteWriter, latin1, octets, ProtocolError, type RandomBytes } from '../../wire/bytes.js';
import { BROADCAST_MAC, emitEthernetHeader, isUnicastMac, macBytes, parseEthernetHeader } from '../../wire/ethernet.js';
import {
  type DiscoveryPacket,
  emitDiscoveryPacket,
  emitPppMaxPayload,
  MAX_PADI_BYTES,
  PPPOE_CODE,
  PPPOE_ETHER_TYPE,
  PPPOE_HEADER_BYTES,
  PPPOE_MRU_BYTES,
  PPPOE_TAG,
  type PppoeTag,
  parseDiscoveryPacket,
  parsePppMaxPayload,
  parsePppoeHeader,
  tagValue,
} from '../../wire/pppoe.js';
import { encodeUtf8 } from '../../wire/text.js';
import { Queue } from '../queue.js';
import { AcCookies } from './cookie.js';
import {
  type AccessConcentratorConfig,
  type Attachment,
  DISCOVERY_DROPS,
  type DiscoveryCounters,
  type DiscoveryDrop,
  type DiscoveryEvent,
  type DiscoveryTransmit,
  type PppoeInterface,
  type RateConfig,
  type SessionAnswer,
} from './events.js';
import { bucketOf, RateLimit } from './rate-limit.js';
import { MAX_SESSIONS_PER_INTERFACE, type SessionEntry, SessionList } from './session-list.js';

/** Buckets for hosts' rates: a power of two. */
const HOST_BUCKETS = 4096;
/** A PPP frame in PPPoE has a protocol of two octets in front of its payload. */
const OVERHEAD_BYTES = PPPOE_HEADER_BYTES + 2;
/** What discovery may fill at most, whatever the interface takes (section 4: the payload of Ethernet). */
const MAX_DISCOVERY_BYTES = 1500;
const ERROR_TAG = {
  'service-name': PPPOE_TAG.serviceNameError,
  'ac-system': PPPOE_TAG.acSystemError,
  generic: PPPOE_TAG.genericError,
} as const;
const NOTHING = new Uint8Array(0);

/** A packet that has come, and from whom. */
interface Arrival {
  port: PppoeInterface;
  attachment: Attachment;
  peerMac: string;
  /** The host on its interface or VLAN. */
  hostName: string;
  tags: readonly PppoeTag[];
}

interface Rates {
  ofHosts: RateLimit;
  /** In the order of the interfaces. */
  ofInterfaces: RateLimit;
}

export class AccessConcentrator {
  readonly counters: DiscoveryCounters = {
    received: { padi: 0, padr: 0, padt: 0 },
    sent: { pado: 0, pads: 0, padt: 0 },
    drops: Object.fromEntries(DISCOVERY_DROPS.map((drop) => [drop, 0])) as Record<DiscoveryDrop, number>,
  };
  readonly #cookies: AcCookies;
  readonly #sessions: SessionList;
  readonly #salt: number;
  readonly #transmits = new Queue<DiscoveryTransmit>();
  readonly #events = new Queue<DiscoveryEvent>();
  #config: AccessConcentratorConfig;
  #offers: Rates;
  #requests: Rates;
  #lastKey = 0;

  /** `secret`, at least 16 octets, makes cookies: known to us alone, and another at each start. */
  constructor(config: AccessConcentratorConfig, secret: Uint8Array, random: RandomBytes) {
    checkConfig(config);
    this.#config = config;
    this.#cookies = new AcCookies(secret, random);
    this.#sessions = new SessionList(random);
    this.#salt = new DataView(random(4).slice().buffer).getUint32(0);
    this.#offers = ratesOf(config.offers, config);
    this.#requests = ratesOf(config.requests, config);
  }

  /** Goes by this from now on. Sessions stay, but for those on an interface that is gone or has another address. */
  configure(config: AccessConcentratorConfig): void {
    checkConfig(config);
    this.#config = config;
    this.#offers = ratesOf(config.offers, config);
    this.#requests = ratesOf(config.requests, config);
    for (const { session } of this.#sessions.all()) {
      const { interfaceIndex } = session.attachment;
      const stays = config.interfaces.some(({ index, mac }) => index === interfaceIndex && mac === session.localMac);
      if (!stays) this.closeSession(session.sessionKey);
    }
  }

  /** A frame of the discovery stage that has come on an interface, tags and all. Throws nothing for what it holds. */
  handleFrame(interfaceIndex: number, frame: Uint8Array, now_ms: number): void {
    let drop: DiscoveryDrop | undefined;
    try {
      drop = this.#take(interfaceIndex, frame, now_ms);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      drop = 'malformed';
    }
    if (drop !== undefined) this.counters.drops[drop]++;
  }

  /** Answers 'session-requested'. Without effect where the host has gone away in the meantime. */
  answerSession(sessionKey: number, answer: SessionAnswer): void {
    const entry = this.#sessions.byKey(sessionKey);
    if (entry?.unanswered === undefined) return;
    const { session, unanswered: tags } = entry;
    if (!answer.accepted) {
      this.#sessions.remove(entry);
      const error = { type: ERROR_TAG[answer.error], value: encodeUtf8(answer.message ?? '') };
      const drop = this.#send(session, { code: PPPOE_CODE.pads, sessionId: 0, tags: [...tags, error] });
      if (drop !== undefined) this.counters.drops[drop]++;
      return;
    }
    entry.unanswered = undefined;
    this.#send(session, { code: PPPOE_CODE.pads, sessionId: session.sessionId, tags });
    this.#events.push({ type: 'session-up', session });
  }

  /** Ends a session, or a request. Without effect where there is none any more. */
  closeSession(sessionKey: number): void {
    const entry = this.#sessions.byKey(sessionKey);
    if (entry === undefined) return;
    const { session, unanswered } = entry;
    this.#sessions.remove(entry);
    // Who has had no PADS does not know the SESSION_ID.
    if (unanswered === undefined)
      this.#send(session, { code: PPPOE_CODE.padt, sessionId: session.sessionId, tags: [] });
    this.#events.push({ type: 'session-closed', session, by: 'local' });
  }

  pollTransmit(): DiscoveryTransmit | undefined {
    return this.#transmits.shift();
  }

  pollEvent(): DiscoveryEvent | undefined {
    return this.#events.shift();
  }

  #take(interfaceIndex: number, frame: Uint8Array, now_ms: number): DiscoveryDrop | undefined {
    const port = this.#config.interfaces.find(({ index }) => index === interfaceIndex);
    if (port === undefined) return 'unknown-interface';
    const { destination, source, tags, etherType, payloadOffset } = parseEthernetHeader(frame);
    if (!isUnicastMac(source) || source === port.mac) return 'bad-source';
    const packet = frame.subarray(payloadOffset);
    const { code, sessionId, payloadOffset: start, payloadEnd } = parsePppoeHeader(packet);
    const isOurs = destination === port.mac || (destination === BROADCAST_MAC && code === PPPOE_CODE.padi);
    if (!isOurs) return 'not-for-us';
    const attachment = { interfaceIndex, tags };
    if (etherType !== PPPOE_ETHER_TYPE.discovery && etherType !== PPPOE_ETHER_TYPE.session) return 'not-discovery';
    const hostName = `${interfaceIndex} ${tags.map((tag) => `${tag.tagProtocol}.${tag.vlanId}`).join(' ')} ${source}`;
    const host = { port, attachment, peerMac: source, hostName };
    if (etherType === PPPOE_ETHER_TYPE.session) return this.#takeStray(host, sessionId, now_ms);
    // No TAG is needed to end a session (section 5.5), so none is read.
    if (code === PPPOE_CODE.padt) return this.#takePadt(host, sessionId);
    if (code !== PPPOE_CODE.padi && code !== PPPOE_CODE.padr) return 'unexpected-code';
    if (sessionId !== 0) return 'session-id-set';
    const limit_bytes = code === PPPOE_CODE.padi ? MAX_PADI_BYTES : MAX_DISCOVERY_BYTES;
    if (payloadEnd - start + PPPOE_HEADER_BYTES > limit_bytes) return 'too-long';
    const arrival = { ...host, tags: parseDiscoveryPacket(packet).tags };
    return code === PPPOE_CODE.padi ? this.#takePadi(arrival, now_ms) : this.#takePadr(arrival, now_ms);
  }

  /** Section 5.2: who cannot serve a PADI does not answer it. */
  #takePadi(arrival: Arrival, now_ms: number): DiscoveryDrop | undefined {
    this.counters.received.padi++;
    const { tags, port } = arrival;
    const serviceName = onlyServiceName(tags);
    if (serviceName === undefined) return 'service-name-count';
    if (!this.#serves(serviceName)) return 'service-name-unknown';
    const refusal = this.#overLimit(arrival) ?? this.#overRate(this.#offers, arrival, now_ms);
    if (refusal !== undefined) return refusal;
    const others = this.#config.serviceNames.filter((name) => latin1(encodeUtf8(name)) !== serviceName);
    return this.#send(
      { attachment: arrival.attachment, localMac: port.mac, peerMac: arrival.peerMac },
      {
        code: PPPOE_CODE.pado,
        sessionId: 0,
        tags: [
          { type: PPPOE_TAG.acName, value: encodeUtf8(this.#config.acName) },
          { type: PPPOE_TAG.serviceName, value: tagValue(tags, PPPOE_TAG.serviceName)! },
          ...others.map((name) => ({ type: PPPOE_TAG.serviceName, value: encodeUtf8(name) })),
          { type: PPPOE_TAG.acCookie, value: this.#cookies.make(bindingOf(arrival), now_ms) },
          ...echoedTags(arrival),
        ],
      },
    );
  }

  #takePadr(arrival: Arrival, now_ms: number): DiscoveryDrop | undefined {
    this.counters.received.padr++;
    const { tags } = arrival;
    const serviceName = onlyServiceName(tags);
    if (serviceName === undefined) return 'service-name-count';
    if (tagValue(tags, PPPOE_TAG.genericError) !== undefined) return 'error-tag';
    const cookie = tagValue(tags, PPPOE_TAG.acCookie);
    if (cookie === undefined) return 'cookie-missing';
    if (!this.#cookies.isOurs(cookie, bindingOf(arrival), now_ms)) return 'cookie-invalid';
    const overRate = this.#overRate(this.#requests, arrival, now_ms);
    if (overRate !== undefined) return overRate;
    const requestName = requestNameOf(arrival, cookie);
    const known = this.#sessions.byRequest(requestName);
    if (known !== undefined) return this.#repeatPads(known, arrival);
    if (!this.#serves(serviceName)) return this.#refuse(arrival, 'service-name', 'service-name-unknown');
    const overLimit = this.#overLimit(arrival);
    if (overLimit !== undefined) return this.#refuse(arrival, 'ac-system', overLimit);
    this.#ask(arrival, serviceName, requestName);
    return undefined;
  }

  #ask(arrival: Arrival, serviceName: string, requestName: string): void {
    const { port, attachment, peerMac, hostName, tags } = arrival;
    const accessLine = lineOf(tags);
    const session = {
      ...{ sessionKey: ++this.#lastKey, attachment, localMac: port.mac, peerMac, serviceName },
      sessionId: this.#sessions.freeId(port.index),
      ...(accessLine === undefined ? {} : { accessLine }),
      maxPayload_bytes: Math.min(port.mtu_bytes - OVERHEAD_BYTES, askedPayload_bytes(arrival) ?? PPPOE_MRU_BYTES),
    };
    // The frame that came is its giver's, and used again.
    const unanswered = padsTags(arrival).map(({ type, value }) => ({ type, value: value.slice() }));
    this.#sessions.add({ session, requestName, hostName, unanswered });
    this.#events.push({ type: 'session-requested', session });
  }

  #takePadt(host: Omit<Arrival, 'tags'>, sessionId: number): DiscoveryDrop | undefined {
    this.counters.received.padt++;
    const entry = this.#sessions.byId(host.port.index, sessionId);
    if (entry === undefined || entry.hostName !== host.hostName) return 'unknown-session';
    this.#sessions.remove(entry);
    this.#events.push({ type: 'session-closed', session: entry.session, by: 'peer' });
    return undefined;
  }

  /** Section 5.5: a session that its host believes in and that there is not, as after a restart of ours, is ended. */
  #takeStray(host: Omit<Arrival, 'tags'>, sessionId: number, now_ms: number): DiscoveryDrop | undefined {
    const { port, attachment, peerMac, hostName } = host;
    if (this.#sessions.byId(port.index, sessionId)?.hostName === hostName) return undefined;
    const overRate = this.#overRate(this.#offers, { ...host, tags: [] }, now_ms);
    if (overRate !== undefined) return overRate;
    return this.#send({ attachment, localMac: port.mac, peerMac }, { code: PPPOE_CODE.padt, sessionId, tags: [] });
  }

  /** Section 9: either every name, or those that are offered; a name without octets asks for any service. */
  #serves(serviceName: string): boolean {
    const { servesAnyName, serviceNames } = this.#config;
    return serviceName === '' || servesAnyName || serviceNames.some((name) => latin1(encodeUtf8(name)) === serviceName);
  }

  #overLimit({ port, hostName }: Arrival): DiscoveryDrop | undefined {
    const { maxSessions, maxSessionsPerInterface, maxSessionsPerMac } = this.#config;
    if (this.#sessions.countOfHost(hostName) >= maxSessionsPerMac) return 'mac-session-limit';
    if (this.#sessions.countOnInterface(port.index) >= maxSessionsPerInterface) return 'interface-session-limit';
    return this.#sessions.count >= maxSessions ? 'session-limit' : undefined;
  }

  /** The host's bucket first: who has used up his own takes nothing from others. */
  #overRate(rates: Rates, { port, hostName }: Arrival, now_ms: number): DiscoveryDrop | undefined {
    if (!rates.ofHosts.take(bucketOf(hostName, HOST_BUCKETS, this.#salt), now_ms)) return 'rate-of-mac';
    const place = this.#config.interfaces.indexOf(port);
    return rates.ofInterfaces.take(place, now_ms) ? undefined : 'rate-of-interface';
  }

  /** A PADS without session (section 5.4), and the reason to be counted. */
  #refuse(arrival: Arrival, error: keyof typeof ERROR_TAG, drop: DiscoveryDrop): DiscoveryDrop {
    const { attachment, port, peerMac } = arrival;
    const tags = [...padsTags(arrival), { type: ERROR_TAG[error], value: NOTHING }];
    this.#send({ attachment, localMac: port.mac, peerMac }, { code: PPPOE_CODE.pads, sessionId: 0, tags });
    return drop;
  }

  /** The name of a request holds all that its PADS has of it: made again, the PADS is the same. */
  #repeatPads({ session, unanswered }: SessionEntry, arrival: Arrival): DiscoveryDrop | undefined {
    if (unanswered !== undefined) return 'request-pending';
    return this.#send(session, { code: PPPOE_CODE.pads, sessionId: session.sessionId, tags: padsTags(arrival) });
  }

  #send(way: Way, packet: DiscoveryPacket): DiscoveryDrop | undefined {
    const frame = frameOf(way, packet);
    const limit_bytes = MAX_DISCOVERY_BYTES + emitEthernetHeader(headerOf(way)).length;
    if (frame.length > limit_bytes) return 'reply-too-long';
    if (packet.code === PPPOE_CODE.pado) this.counters.sent.pado++;
    else if (packet.code === PPPOE_CODE.pads) this.counters.sent.pads++;
    else this.counters.sent.padt++;
    this.#transmits.push({ interfaceIndex: way.attachment.interfaceIndex, frame });
    return undefined;
  }
}

/** From us to a host. */
interface Way {
  attachment: Attachment;
  localMac: string;
  peerMac: string;
}

function headerOf({ attachment, localMac, peerMac }: Way) {
  const { tags } = attachment;
  return { destination: peerMac, source: localMac, tags, etherType: PPPOE_ETHER_TYPE.discovery };
}

function frameOf(way: Way, packet: DiscoveryPacket): Uint8Array {
  return new ByteWriter()
    .bytes(emitEthernetHeader(headerOf(way)))
    .bytes(emitDiscoveryPacket(packet))
    .finish();
}

function checkConfig({ acName, maxSessionsPerInterface, interfaces }: AccessConcentratorConfig): void {
  if (acName === '') throw new RangeError('an access concentrator has a name');
  if (maxSessionsPerInterface > MAX_SESSIONS_PER_INTERFACE) throw new RangeError('more sessions than SESSION_IDs');
  for (const { mac } of interfaces) macBytes(mac);
}

function ratesOf({ perMac_per_s, perInterface_per_s }: RateConfig, { interfaces }: AccessConcentratorConfig): Rates {
  return {
    ofHosts: new RateLimit(HOST_BUCKETS, perMac_per_s, Math.max(1, perMac_per_s)),
    ofInterfaces: new RateLimit(interfaces.length, perInterface_per_s, Math.max(1, perInterface_per_s)),
  };
}

/** PADI and PADR contain exactly one Service-Name (sections 5.1 and 5.3); undefined where that does not hold. */
function onlyServiceName(tags: readonly PppoeTag[]): string | undefined {
  const names = tags.filter(({ type }) => type === PPPOE_TAG.serviceName);
  return names.length === 1 ? latin1(names[0].value) : undefined;
}

/** What is equal in a PADR and its repetition alone: the cookie, which stands for the host and its way, and the TAGs of the PADS. */
function requestNameOf(arrival: Arrival, cookie: Uint8Array): string {
  const tags = [{ type: PPPOE_TAG.acCookie, value: cookie }, ...padsTags(arrival)];
  const packet = emitDiscoveryPacket({ code: PPPOE_CODE.padr, sessionId: 0, tags });
  return createHash('sha256').update(packet).digest('base64');
}

/** What a PADS has of its PADR: the service, and the TAGs that are echoed. */
function padsTags(arrival: Arrival): PppoeTag[] {
  return [...arrival.tags.filter(({ type }) => type === PPPOE_TAG.serviceName), ...echoedTags(arrival)];
}

/** Appendix A: Host-Uniq and Relay-Session-Id go back unmodified; RFC 4638 section 4: so does what we can serve of it. */
function echoedTags(arrival: Arrival): PppoeTag[] {
  const echoed = [PPPOE_TAG.hostUniq, PPPOE_TAG.relaySessionId].flatMap((type) => {
    const value = tagValue(arrival.tags, type);
    return value === undefined ? [] : [{ type, value }];
  });
  const payload_bytes = askedPayload_bytes(arrival);
  return payload_bytes === undefined ? echoed : [...echoed, emitPppMaxPayload(payload_bytes)];
}

/** PPP-Max-Payload, where it asks for more than every host gets, and the interface takes more than that. */
function askedPayload_bytes({ tags, port }: Arrival): number | undefined {
  const value = tagValue(tags, PPPOE_TAG.pppMaxPayload);
  if (value === undefined) return undefined;
  const payload_bytes = parsePppMaxPayload(value);
  const isServed = Math.min(payload_bytes, port.mtu_bytes - OVERHEAD_BYTES) > PPPOE_MRU_BYTES;
  return isServed ? payload_bytes : undefined;
}

/** A Vendor-Specific TAG may be ignored in silence (appendix A): one that lies costs its host the line, not the session. */
function lineOf(tags: readonly PppoeTag[]): AccessLine | undefined {
  try {
    return parseAccessLine(tags);
  } catch (error) {
    if (error instanceof ProtocolError) return undefined;
    throw error;
  }
}

/**
 * What a cookie is bound to: the host's address, the interface and VLANs, and what relay agents and access nodes on the
 * way put into PADI and PADR alike. Host-Uniq is not among it, which a host may choose anew for its PADR.
 */
function bindingOf({ hostName, tags }: Arrival): Uint8Array {
  const line = lineOf(tags);
  const relay = latin1(tagValue(tags, PPPOE_TAG.relaySessionId) ?? NOTHING);
  return octets(JSON.stringify([hostName, relay, line?.agentCircuitId ?? '', line?.agentRemoteId ?? '']));
}
