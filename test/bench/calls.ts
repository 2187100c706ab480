/**
 * Many calls of one LAC client at once, on the shipped protocol code: tunnels, sessions and PPP links up to IPCP, and
 * their end. Carries no data but an echo through each, and tells what other data need. No sockets and no
 * clock: caller-process.ts has those.
 */
import { DeadlineQueue } from '../../firmware/protocol/deadline-queue.js';
import { L2tpEndpoint, type L2tpEvent, type TransportPath } from '../../firmware/protocol/l2tp/endpoint.js';
import { PppLink, type PppLinkConfig, type PppLinkEvent } from '../../firmware/protocol/ppp/link.js';
import { octets, type RandomBytes } from '../../firmware/wire/bytes.js';
import { emitDataHeader, L2TP_FLAG, parseL2tpHeader } from '../../firmware/wire/l2tp.js';
import { emitPppFrame, PPP_PROTOCOL, type PppFrame, parsePppFrame } from '../../firmware/wire/ppp.js';
import type { CallReport, EchoReport, PlaceOrder } from './caller.js';
import { EchoRound } from './echo-round.js';

const ENDPOINT = {
  ...{ hostName: 'caller', vendorName: 'tunnelwerk', firmwareRevision: 1, receiveWindow: 64 },
  ...{ helloInterval_ms: 60_000, retransmitInitial_ms: 1_000, retransmitCap_ms: 8_000, maxRetransmits: 5 },
  ...{ establishTimeout_ms: 60_000, maxTunnels: 1_024, maxSessions: 65_534 },
  ...{ routerId: 0x0a000001, pseudowireTypes: [7], accepts: [], reservedSessionIds: [] },
};
const LINK: Omit<PppLinkConfig, 'peer' | 'ipv6'> = {
  ...{ side: 'peer', mru_bytes: 1_400, ipv4: true, echoInterval_ms: 0, echoFailures: 0 },
  ...{ restartTimer_ms: 3_000, ncpRestartTimer_ms: 1_000, maxConfigure: 10, maxTerminate: 2, maxFailure: 5 },
  authenticationTimeout_ms: 60_000,
};
const DIGITAL_BEARER = 1;
const SYNCHRONOUS_FRAMING = 1;
const CONNECT_SPEED_BPS = 1_000_000_000;
/** Result Codes of RFC 2661 section 4.4.2. */
const STOP_GENERAL_REQUEST = 1;
const CDN_ADMINISTRATIVE = 3;
/** More Terminate-Requests at once would overflow the socket of many an LNS, and each lost one costs seconds. */
const HANG_UPS_AT_ONCE = 50;

export interface Datagram {
  path: TransportPath;
  packet: Uint8Array;
}

/** A call that is up, as its caller sees it: what goes to the LNS has the peer's IDs. */
export interface StandingCall {
  /** The LNS's address. */
  server: string;
  peerTunnelId: number;
  peerSessionId: number;
  /** The user's. */
  address: string;
}

interface Call {
  sessionId: number;
  tunnelId: number;
  peerSessionId: number;
  link: PppLink;
  hasStarted: boolean;
  ipcpUp: boolean;
  /** Of both ends of the link, once IPCP is up. */
  address: string;
  gateway: string;
  ipv6cpUp: boolean;
  /** When its ICRQ went out. */
  asked_ms: number;
  /** How the link ended, once it has. */
  linkEnd: string;
  placing: Placing | undefined;
}

/** The calls of one order, until each is up or has failed. */
interface Placing {
  order: PlaceOrder;
  tunnelIds: readonly number[];
  /** How many calls have been asked for. */
  asked: number;
  /** Calls that are neither up nor have failed. */
  pending: Set<Call>;
  started_ms: number;
  lastUp_ms: number;
  giveUpAt_ms: number;
  latencies_ms: number[];
  failures: Map<string, number>;
  done(report: CallReport): void;
}

export class Calls {
  readonly #endpoint: L2tpEndpoint;
  readonly #random: RandomBytes;
  readonly #calls = new Map<number, Call>();
  readonly #tunnels = new Set<number>();
  readonly #deadlines = new DeadlineQueue();
  #frames: Datagram[] = [];
  #placing: Placing | undefined;
  #hangingUp: { waiting: Call[]; done(): void } | undefined;
  #echoing: { round: EchoRound; giveUpAt_ms: number; done(report: EchoReport): void } | undefined;
  /** Calls that were up and ended though nobody here hung up. */
  lost = 0;

  constructor(random: RandomBytes) {
    this.#random = random;
    this.#endpoint = new L2tpEndpoint(ENDPOINT, random);
  }

  /** Opens a tunnel on each path and places the calls, spread over them, as many at once as the order says. */
  place(order: PlaceOrder, paths: readonly TransportPath[], now_ms: number, done: (report: CallReport) => void): void {
    if (this.#placing !== undefined) throw new Error('the calls of the last order are not up yet');
    const secret = order.tunnelSecret === '' ? undefined : octets(order.tunnelSecret);
    const tunnelIds = paths.map((path) => this.#endpoint.openTunnel({ version: 2, path, secret }, now_ms));
    for (const tunnelId of tunnelIds) this.#tunnels.add(tunnelId);
    const placing: Placing = {
      ...{ order, tunnelIds, asked: 0, pending: new Set(), started_ms: now_ms, lastUp_ms: now_ms },
      ...{ giveUpAt_ms: now_ms + order.timeout_ms, latencies_ms: [], failures: new Map(), done },
    };
    this.#placing = placing;
    while (placing.pending.size < order.atOnce && placing.asked < order.calls) this.#placeNext(placing, now_ms);
    this.#dispatchEvents(now_ms);
  }

  /** Sends an echo through every call that is up. */
  echo(timeout_ms: number, now_ms: number, done: (report: EchoReport) => void): void {
    const round = new EchoRound([...this.#calls.values()].filter(({ ipcpUp }) => ipcpUp));
    this.#echoing = { round, giveUpAt_ms: now_ms + timeout_ms, done };
    this.#echoOn(now_ms);
  }

  /** Ends every call as its user would, then the tunnels. */
  hangUp(now_ms: number, done: () => void): void {
    this.#hangingUp = { waiting: [...this.#calls.values()], done };
    for (let count = 0; count < HANG_UPS_AT_ONCE; count++) this.#hangUpNext(now_ms);
    this.#dispatchEvents(now_ms);
    if (this.#calls.size === 0) this.#closeTunnels(now_ms);
  }

  handlePacket(packet: Uint8Array, path: TransportPath, now_ms: number): void {
    if ((packet[0]! << 8) & L2TP_FLAG.type) {
      this.#endpoint.handlePacket(packet, path, now_ms);
      this.#dispatchEvents(now_ms);
      return;
    }
    const header = parseL2tpHeader(packet);
    const call = this.#calls.get(header.sessionId);
    if (call === undefined || call.tunnelId !== header.tunnelId) return;
    const { protocol, information } = parsePppFrame(packet.subarray(header.payloadOffset, header.payloadEnd));
    if (protocol === PPP_PROTOCOL.ipv4) this.#takeEcho(call.sessionId, information, now_ms);
    if (protocol === PPP_PROTOCOL.ipv4 || protocol === PPP_PROTOCOL.ipv6) return;
    call.link.handleFrame(protocol, information, now_ms);
    this.#drain(call, now_ms);
    this.#dispatchEvents(now_ms);
  }

  handleTimeout(now_ms: number): void {
    this.#endpoint.handleTimeout(now_ms);
    this.#dispatchEvents(now_ms);
    for (let id = this.#deadlines.takeDue(now_ms); id !== undefined; id = this.#deadlines.takeDue(now_ms)) {
      const call = this.#calls.get(id);
      if (call === undefined) continue;
      call.link.handleTimeout(now_ms);
      this.#drain(call, now_ms);
    }
    this.#dispatchEvents(now_ms);
    this.#echoOn(now_ms);
    const placing = this.#placing;
    if (placing === undefined || now_ms < placing.giveUpAt_ms) return;
    const unasked = placing.order.calls - placing.asked;
    placing.asked = placing.order.calls;
    if (unasked > 0) placing.failures.set('not asked for in time', unasked);
    for (const call of [...placing.pending]) {
      const how = call.hasStarted ? `PPP ${call.link.phase}` : 'no ICRP';
      this.#settle(call, `not up in ${placing.order.timeout_ms} ms: ${how}`, now_ms);
    }
  }

  standing(): StandingCall[] {
    return [...this.#calls.values()].flatMap(({ tunnelId, peerSessionId, address, ipcpUp }) => {
      const tunnel = this.#endpoint.tunnel(tunnelId);
      if (!ipcpUp || tunnel === undefined) return [];
      return [{ server: tunnel.path.peerAddress, peerTunnelId: tunnel.peerTunnelId, peerSessionId, address }];
    });
  }

  /** Control messages before PPP frames: an ICCN before the Configure-Request that follows it. */
  pollTransmit(): Datagram | undefined {
    const control = this.#endpoint.pollTransmit();
    if (control !== undefined) return control;
    return this.#frames.shift();
  }

  pollTimeout(): number {
    return Math.min(
      this.#endpoint.pollTimeout() ?? Number.POSITIVE_INFINITY,
      this.#deadlines.next_ms() ?? Number.POSITIVE_INFINITY,
      this.#placing?.giveUpAt_ms ?? Number.POSITIVE_INFINITY,
      this.#echoing?.giveUpAt_ms ?? Number.POSITIVE_INFINITY,
    );
  }

  #takeEcho(sessionId: number, packet: Uint8Array, now_ms: number): void {
    this.#echoing?.round.take(sessionId, packet);
    this.#echoOn(now_ms);
  }

  /** Keeps the round of echoes going, and reports when it is over or its time is. */
  #echoOn(now_ms: number): void {
    const echoing = this.#echoing;
    if (echoing === undefined) return;
    const { round, giveUpAt_ms, done } = echoing;
    for (let next = round.next(); next !== undefined; next = round.next()) {
      const call = this.#calls.get(next.sessionId);
      if (call !== undefined) this.#sendFrame(call, { protocol: PPP_PROTOCOL.ipv4, information: next.packet });
    }
    if (!round.isOver && now_ms < giveUpAt_ms) return;
    this.#echoing = undefined;
    done({ calls: round.calls, answered: round.answered });
  }

  #placeNext(placing: Placing, now_ms: number): void {
    const { order, tunnelIds } = placing;
    const index = placing.asked++;
    const tunnelId = tunnelIds[index % tunnelIds.length]!;
    const icrq = { callSerialNumber: order.firstUser + index, bearerType: DIGITAL_BEARER };
    const sessionId = this.#endpoint.placeCall(tunnelId, icrq, now_ms);
    const call: Call = {
      ...{ sessionId, tunnelId, peerSessionId: 0, hasStarted: false, ipcpUp: false, ipv6cpUp: false },
      ...{ address: '', gateway: '' },
      ...{ asked_ms: now_ms, linkEnd: '', placing, link: this.#link(order, index) },
    };
    this.#calls.set(sessionId, call);
    placing.pending.add(call);
  }

  #hangUpNext(now_ms: number): void {
    const call = this.#hangingUp?.waiting.pop();
    if (call === undefined) return;
    if (call.hasStarted) {
      call.link.close('the caller hangs up', now_ms);
      this.#drain(call, now_ms);
    } else {
      this.#endpoint.closeCall(call.sessionId, { resultCode: CDN_ADMINISTRATIVE }, now_ms);
    }
  }

  #link({ userPrefix, firstUser, password, ipv6 }: PlaceOrder, index: number): PppLink {
    const name = `${userPrefix}${firstUser + index}`;
    return new PppLink({ ...LINK, peer: { name, password, allow: ['chap-md5'] }, ipv6 }, this.#random);
  }

  #dispatchEvents(now_ms: number): void {
    for (let event = this.#endpoint.pollEvent(); event !== undefined; event = this.#endpoint.pollEvent()) {
      this.#dispatch(event, now_ms);
    }
  }

  #dispatch(event: L2tpEvent, now_ms: number): void {
    switch (event.type) {
      case 'message': {
        if (event.direction !== 'sent' || event.retransmission) return;
        const call = this.#calls.get(event.sessionId);
        if (call === undefined) return;
        if (event.message.messageType === 'ICRQ') call.asked_ms = now_ms;
        else if (event.message.messageType === 'ICCN') this.#startLink(call, now_ms);
        return;
      }
      case 'call-replied': {
        const call = this.#calls.get(event.sessionId);
        if (call === undefined) return;
        call.peerSessionId = event.peerSessionId;
        const iccn = { txConnectSpeed_bps: CONNECT_SPEED_BPS, framingType: SYNCHRONOUS_FRAMING };
        this.#endpoint.connectCall(event.sessionId, iccn, now_ms);
        return;
      }
      case 'call-closed':
        this.#callClosed(event, now_ms);
        return;
      case 'tunnel-closed':
        this.#tunnels.delete(event.tunnelId);
        this.#noteIdle();
    }
  }

  /** The ICCN is on its way. */
  #startLink(call: Call, now_ms: number): void {
    call.hasStarted = true;
    call.link.start(now_ms);
    this.#drain(call, now_ms);
  }

  #drain(call: Call, now_ms: number): void {
    const { link } = call;
    for (let frame = link.pollTransmit(); frame !== undefined; frame = link.pollTransmit()) {
      this.#sendFrame(call, frame);
    }
    for (let event = link.pollEvent(); event !== undefined; event = link.pollEvent()) {
      if (event.type !== 'message') this.#handleLinkEvent(call, event, now_ms);
    }
    this.#deadlines.set(call.sessionId, this.#calls.has(call.sessionId) ? link.pollTimeout() : undefined);
  }

  #sendFrame(call: Call, frame: PppFrame): void {
    const tunnel = this.#endpoint.tunnel(call.tunnelId);
    if (tunnel === undefined) return;
    const header = emitDataHeader({ tunnelId: tunnel.peerTunnelId, sessionId: call.peerSessionId });
    const framed = emitPppFrame(frame, { addressControl: true, protocolFieldCompression: false });
    this.#frames.push({ path: tunnel.path, packet: Buffer.concat([header, framed]) });
  }

  #handleLinkEvent(call: Call, event: PppLinkEvent, now_ms: number): void {
    switch (event.type) {
      case 'ipcp-up':
        call.ipcpUp = true;
        call.address = event.localAddress;
        call.gateway = event.peerAddress;
        this.#noteUp(call, now_ms);
        break;
      case 'ipv6cp-up':
        call.ipv6cpUp = true;
        this.#noteUp(call, now_ms);
        break;
      case 'down':
        call.linkEnd = `${event.reason}: ${event.message}`;
        this.#endpoint.closeCall(call.sessionId, { resultCode: CDN_ADMINISTRATIVE }, now_ms);
    }
  }

  #noteUp(call: Call, now_ms: number): void {
    const { placing } = call;
    if (placing === undefined || !call.ipcpUp || (placing.order.ipv6 && !call.ipv6cpUp)) return;
    placing.latencies_ms.push(now_ms - call.asked_ms);
    placing.lastUp_ms = now_ms;
    this.#settle(call, undefined, now_ms);
  }

  #settle(call: Call, failure: string | undefined, now_ms: number): void {
    const { placing } = call;
    if (placing === undefined) return;
    call.placing = undefined;
    placing.pending.delete(call);
    if (failure !== undefined) placing.failures.set(failure, (placing.failures.get(failure) ?? 0) + 1);
    if (placing.asked < placing.order.calls) this.#placeNext(placing, now_ms);
    if (placing.pending.size > 0) return;
    this.#placing = undefined;
    placing.done(reportOf(placing, now_ms));
  }

  #callClosed(event: Extract<L2tpEvent, { type: 'call-closed' }>, now_ms: number): void {
    const call = this.#calls.get(event.sessionId);
    if (call === undefined) return;
    this.#calls.delete(event.sessionId);
    this.#deadlines.set(event.sessionId, undefined);
    const { by, resultCode, errorMessage = '' } = event.cause;
    if (call.placing === undefined && this.#hangingUp === undefined) this.lost++;
    this.#settle(call, call.linkEnd || `call closed by ${by}, result ${resultCode} ${errorMessage}`.trim(), now_ms);
    call.link.lowerDown(now_ms);
    this.#hangUpNext(now_ms);
    if (this.#hangingUp !== undefined && this.#calls.size === 0) this.#closeTunnels(now_ms);
  }

  #closeTunnels(now_ms: number): void {
    for (const tunnelId of [...this.#tunnels]) {
      this.#endpoint.closeTunnel(tunnelId, { resultCode: STOP_GENERAL_REQUEST }, now_ms);
    }
    this.#dispatchEvents(now_ms);
    this.#noteIdle();
  }

  #noteIdle(): void {
    if (this.#tunnels.size > 0) return;
    const hangingUp = this.#hangingUp;
    this.#hangingUp = undefined;
    hangingUp?.done();
  }
}

function reportOf(placing: Placing, now_ms: number): CallReport {
  const latencies_ms = placing.latencies_ms.sort((a, b) => a - b);
  const quantile_ms = (share: number) => latencies_ms[Math.ceil(share * latencies_ms.length) - 1] ?? 0;
  return {
    calls: placing.order.calls,
    up: latencies_ms.length,
    failures: Object.fromEntries(placing.failures),
    setUp_ms: placing.lastUp_ms - placing.started_ms,
    latencyMedian_ms: quantile_ms(0.5),
    latencyP99_ms: quantile_ms(0.99),
    settled_ms: now_ms - placing.started_ms,
  };
}
