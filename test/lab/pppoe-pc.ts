/**
 * One PC that speaks PPPoE: the host's side of discovery (RFC 2516 section 5), and in its session the shipped PPP link on
 * its peer's side. Frames go in and come out with their Ethernet header. No socket and no clock; knows of no other PC.
 *
 *   dial -> PADI .. PADO -> PADR .. PADS -> PPP .. 'up';  hangUp -> PADT, 'ended'
 */
import { type AuthenticationProtocol, PppLink, type PppLinkEvent } from '../../firmware/protocol/ppp/link.js';
import { ByteWriter, latin1, type RandomBytes } from '../../firmware/wire/bytes.js';
import { BROADCAST_MAC, emitEthernetHeader, TAG_PROTOCOL } from '../../firmware/wire/ethernet.js';
import { CONTROL_CODE, emitPppFrame, PPP_PROTOCOL, parsePppFrame } from '../../firmware/wire/ppp.js';
import {
  type DiscoveryPacket,
  emitDiscoveryPacket,
  emitPppoeHeader,
  PPPOE_CODE,
  PPPOE_ETHER_TYPE,
  PPPOE_TAG,
  type PppoeTag,
  tagValue,
} from '../../firmware/wire/pppoe.js';

/** RFC 2516 section 8: the first wait for an answer, which each repetition doubles; so many PADRs, then a PADI again. */
const DISCOVERY_TIMER_MS = 2_000;
const MAX_PADR = 3;
const ERRORS = [PPPOE_TAG.serviceNameError, PPPOE_TAG.acSystemError, PPPOE_TAG.genericError];
const LINK = {
  ...{ side: 'peer' as const, mru_bytes: 1_492, ipv4: true, echoInterval_ms: 0, echoFailures: 0 },
  ...{ restartTimer_ms: 3_000, ncpRestartTimer_ms: 3_000, maxTerminate: 2, maxFailure: 5 },
  authenticationTimeout_ms: 60_000,
};

export interface PcConfig {
  mac: string;
  /** Tells this PC's discovery from that of others. */
  hostUniq: Uint8Array;
  /** Of the VLANs that it is in, the outer one first. */
  vlanIds: readonly number[];
  user: string;
  password: string;
  authentication: readonly AuthenticationProtocol[];
  /** The PC is up when IPCP is; with this, when IPV6CP is too. */
  ipv6: boolean;
  /** So many Configure-Requests of LCP without an answer, and it gives up. */
  maxConfigure: number;
}

export type PcEvent =
  | { type: 'up' }
  | { type: 'ended'; reason: string }
  /** A packet of IPv4 has come. */
  | { type: 'packet'; packet: Uint8Array };

type State = 'wait-pado' | 'wait-pads' | 'session' | 'ended';

export class PppoePc {
  readonly config: PcConfig;
  /** '' as long as it has none. */
  address = '';
  /** Of the session; 0 as long as there is none. */
  sessionId = 0;
  acMac = '';
  /** Configure-Requests of LCP that it has sent: how much patience it needed. */
  lcpRequests = 0;
  /** How often LCP came up. */
  lcpUps = 0;
  readonly #link: PppLink;
  readonly #frames: Uint8Array[] = [];
  readonly #events: PcEvent[] = [];
  #state: State = 'wait-pado';
  #cookie: Uint8Array | undefined;
  #padrs = 0;
  #wait_ms = DISCOVERY_TIMER_MS;
  #retryAt_ms = Number.POSITIVE_INFINITY;
  #ipv6IsUp = false;
  #hasToldUp = false;
  #linkEnd = '';

  constructor(config: PcConfig, random: RandomBytes) {
    this.config = config;
    const { user: name, password, authentication: allow, ipv6, maxConfigure } = config;
    this.#link = new PppLink({ ...LINK, peer: { name, password, allow }, ipv6, maxConfigure }, random);
  }

  /** What the PC is at, for a report of those that do not get on. */
  get stage(): string {
    return this.#state === 'session' ? `PPP ${this.#link.phase}` : this.#state;
  }

  dial(now_ms: number): void {
    this.#state = 'wait-pado';
    this.#wait_ms = DISCOVERY_TIMER_MS;
    this.#ask(now_ms);
  }

  /** Ends the session, or the search for one. */
  hangUp(now_ms: number): void {
    this.#end('hung up', now_ms);
  }

  /** A packet of discovery that is for this PC. */
  handleDiscovery(packet: DiscoveryPacket, source: string, now_ms: number): void {
    const { code, tags } = packet;
    if (code === PPPOE_CODE.pado && this.#state === 'wait-pado') {
      this.#state = 'wait-pads';
      this.acMac = source;
      this.#cookie = tagValue(tags, PPPOE_TAG.acCookie)?.slice();
      this.#padrs = 0;
      this.#wait_ms = DISCOVERY_TIMER_MS;
      this.#ask(now_ms);
    } else if (code === PPPOE_CODE.pads && this.#state === 'wait-pads') {
      this.#handlePads(packet, now_ms);
    } else if (code === PPPOE_CODE.padt && this.#state === 'session') {
      this.#state = 'ended';
      this.#link.lowerDown(now_ms);
      this.#drain(now_ms);
      this.#tellEnd(this.#linkEnd === '' ? 'PADT' : this.#linkEnd);
    }
  }

  /** A PPP frame of its session. Throws ProtocolError for one without a protocol. */
  handleFrame(frame: Uint8Array, now_ms: number): void {
    const { protocol, information } = parsePppFrame(frame);
    if (protocol === PPP_PROTOCOL.ipv4) this.#events.push({ type: 'packet', packet: information.slice() });
    if (protocol === PPP_PROTOCOL.ipv4 || protocol === PPP_PROTOCOL.ipv6) return;
    this.#link.handleFrame(protocol, information, now_ms);
    this.#drain(now_ms);
  }

  /** Sends a packet of IPv4. */
  send(packet: Uint8Array): void {
    this.#frames.push(this.frameOf(packet));
  }

  /** A packet of IPv4 as it goes over the cable. */
  frameOf(packet: Uint8Array): Uint8Array {
    return this.#sessionFrame(PPP_PROTOCOL.ipv4, packet);
  }

  handleTimeout(now_ms: number): void {
    if (now_ms >= this.#retryAt_ms) {
      if (this.#state === 'wait-pads' && this.#padrs === MAX_PADR) this.#state = 'wait-pado';
      this.#ask(now_ms);
    }
    if (this.#state !== 'session') return;
    this.#link.handleTimeout(now_ms);
    this.#drain(now_ms);
  }

  /** In absolute ms. */
  pollTimeout(): number | undefined {
    if (this.#state === 'ended') return undefined;
    return this.#state === 'session' ? this.#link.pollTimeout() : this.#retryAt_ms;
  }

  pollTransmit(): Uint8Array | undefined {
    return this.#frames.shift();
  }

  pollEvent(): PcEvent | undefined {
    return this.#events.shift();
  }

  #ask(now_ms: number): void {
    const serviceName = { type: PPPOE_TAG.serviceName, value: new Uint8Array(0) };
    if (this.#state === 'wait-pado') {
      this.#discover(PPPOE_CODE.padi, BROADCAST_MAC, [serviceName, this.#hostUniqTag]);
    } else {
      this.#padrs++;
      const cookie = this.#cookie === undefined ? [] : [{ type: PPPOE_TAG.acCookie, value: this.#cookie }];
      this.#discover(PPPOE_CODE.padr, this.acMac, [serviceName, this.#hostUniqTag, ...cookie]);
    }
    this.#retryAt_ms = now_ms + this.#wait_ms;
    this.#wait_ms *= 2;
  }

  #handlePads({ sessionId, tags }: DiscoveryPacket, now_ms: number): void {
    this.#retryAt_ms = Number.POSITIVE_INFINITY;
    if (sessionId === 0) {
      const error = tags.find(({ type }) => ERRORS.some((each) => each === type));
      this.#state = 'ended';
      this.#tellEnd(`PADS without a session: ${error === undefined ? 'no reason' : latin1(error.value)}`);
      return;
    }
    this.#state = 'session';
    this.sessionId = sessionId;
    this.#link.start(now_ms);
    this.#drain(now_ms);
  }

  #drain(now_ms: number): void {
    for (let frame = this.#link.pollTransmit(); frame !== undefined; frame = this.#link.pollTransmit()) {
      this.#frames.push(this.#sessionFrame(frame.protocol, frame.information));
    }
    for (let event = this.#link.pollEvent(); event !== undefined; event = this.#link.pollEvent()) {
      this.#handleLinkEvent(event, now_ms);
    }
  }

  #handleLinkEvent(event: PppLinkEvent, now_ms: number): void {
    switch (event.type) {
      case 'message':
        if (event.direction === 'sent' && event.protocol === PPP_PROTOCOL.lcp) {
          if (event.packet[0] === CONTROL_CODE.configureRequest) this.lcpRequests++;
        }
        break;
      case 'lcp-up':
        this.lcpUps++;
        break;
      case 'ipcp-up':
        this.address = event.localAddress;
        this.#noteUp();
        break;
      case 'ipv6cp-up':
        this.#ipv6IsUp = true;
        this.#noteUp();
        break;
      case 'down':
        this.#linkEnd = `${event.reason}: ${event.message}`;
        if (this.#state === 'session') this.#end(this.#linkEnd, now_ms);
    }
  }

  #noteUp(): void {
    if (this.#hasToldUp || this.address === '' || (this.config.ipv6 && !this.#ipv6IsUp)) return;
    this.#hasToldUp = true;
    this.#events.push({ type: 'up' });
  }

  #end(reason: string, now_ms: number): void {
    if (this.#state === 'ended') return;
    const hadSession = this.#state === 'session';
    this.#state = 'ended';
    this.#retryAt_ms = Number.POSITIVE_INFINITY;
    if (hadSession) {
      this.#discover(PPPOE_CODE.padt, this.acMac, [this.#hostUniqTag]);
      this.#link.lowerDown(now_ms);
      this.#drain(now_ms);
    }
    this.#tellEnd(reason);
  }

  #tellEnd(reason: string): void {
    this.#events.push({ type: 'ended', reason });
  }

  get #hostUniqTag(): PppoeTag {
    return { type: PPPOE_TAG.hostUniq, value: this.config.hostUniq };
  }

  #discover(code: number, destination: string, tags: readonly PppoeTag[]): void {
    const packet = emitDiscoveryPacket({ code, sessionId: this.sessionId, tags });
    this.#frames.push(this.#frame(destination, PPPOE_ETHER_TYPE.discovery, packet));
  }

  /** RFC 2516 section 6: no FF 03, and the protocol in two octets (section 7). */
  #sessionFrame(protocol: number, information: Uint8Array): Uint8Array {
    const framing = { addressControl: false, protocolFieldCompression: false };
    const payload = emitPppFrame({ protocol, information }, framing);
    const header = emitPppoeHeader(PPPOE_CODE.session, this.sessionId, payload.length);
    const packet = new ByteWriter(header.length + payload.length).bytes(header).bytes(payload).finish();
    return this.#frame(this.acMac, PPPOE_ETHER_TYPE.session, packet);
  }

  #frame(destination: string, etherType: number, packet: Uint8Array): Uint8Array {
    const { mac: source, vlanIds } = this.config;
    const tags = vlanIds.map((vlanId) => ({
      ...{ tagProtocol: TAG_PROTOCOL.customer, priority: 0, dropEligible: false, vlanId },
    }));
    const header = emitEthernetHeader({ destination, source, tags, etherType });
    return new ByteWriter(header.length + packet.length).bytes(header).bytes(packet).finish();
  }
}
