/**
 * One call at the end of a tunnel: its PPP link, its row in the packet path and what is known of it. What an LNS and
 * a LAC client have in common; each role decides what a link's event means to it. Must not speak L2TP.
 */

import { answerLinkLocal, interfaceIdText, linkLocalAddress } from '../protocol/ipv6/link-local.js';
import {
  type LinkPhase,
  type NetworkParameters,
  PppLink,
  type PppLinkConfig,
  type PppLinkEvent,
  type ProxiedLink,
} from '../protocol/ppp/link.js';
import { PPP_PROTOCOL } from '../wire/ppp.js';
import { NO_AUTHORIZATION } from './authorization.js';
import { type AgreedTerms, version2Terms } from './data-terms.js';
import { hasNoSecrets, isKeepalive, isVerdict, pppDetail, pppLabel, pppStep } from './describe-ppp.js';
import { causeOfLink } from './link-end.js';
import type { LcpRecord } from './proxy.js';
import type {
  Authorization,
  CallInfo,
  ForwardingRow,
  PppoePath,
  PppPacket,
  RoleContext,
  StepNumber,
  TerminateCause,
  TraceRecord,
} from './role.js';

/** Frames that come before the call is connected (a peer's LCP overtakes its ICCN) are held, at most so many. */
const MAX_HELD_FRAMES = 16;

/** The timers and counters of RFC 1661 section 4.6 and the keep-alive, as a role's configuration carries them. */
export type PppTimers = Pick<
  PppLinkConfig,
  | 'echoInterval_ms'
  | 'echoFailures'
  | 'restartTimer_ms'
  | 'ncpRestartTimer_ms'
  | 'maxConfigure'
  | 'maxTerminate'
  | 'maxFailure'
  | 'authenticationTimeout_ms'
>;

type RowChanges = Partial<Omit<ForwardingRow, 'sessionId' | 'generation'>>;

/** IPv4 and TCP headers without options, what a full segment carries beside its payload. */
const IPV4_TCP_HEADERS_BYTES = 40;

/** What a call is known by when it begins; the rest is yet to be negotiated. */
type CallBeginning = Pick<
  CallInfo,
  'callId' | 'role' | 'version' | 'sessionId' | 'tunnelId' | 'peerSessionId' | 'peerName' | 'path' | 'since_ms'
> &
  Partial<
    Pick<
      CallInfo,
      | 'profile'
      | 'userName'
      | 'callingNumber'
      | 'calledNumber'
      | 'routes'
      | 'l2tpSessionId'
      | 'callSerialNumber'
      | 'pppoe'
    >
  >;

/** What bounds a row: `mru_bytes` what goes either way until LCP says less. */
interface RowBounds extends Pick<ForwardingRow, 'tun'> {
  mru_bytes: number;
  mssClamp: boolean;
}

/** How a role wants its row. */
interface RowWishes extends Pick<ForwardingRow, 'allowTunnelIdZero' | 'peerTunnelId' | 'bindTun' | 'addressControl'> {
  config: RowBounds;
  terms: AgreedTerms;
}

const NO_DETAIL = {};

/** What is said of L2TP in a row that PPPoE carries. */
const NO_L2TP = { allowTunnelIdZero: false, peerTunnelId: 0, bindTun: false, addressControl: 'detect' } as const;

/** A call of which nothing is negotiated; `mru_bytes` is what we shall ask for, `accountingPrefix` makes its ID unique over restarts. */
export function beginningCall(beginning: CallBeginning, mru_bytes: number, accountingPrefix: string): CallInfo {
  const { callId, role, version, sessionId, tunnelId, peerSessionId, peerName, path, since_ms } = beginning;
  // One by one: an object that begins by being copied takes half as much again, and there may be 65,535 of these.
  return {
    callId,
    role,
    version,
    sessionId,
    tunnelId,
    peerSessionId,
    peerName,
    path,
    since_ms,
    l2tpSessionId: beginning.l2tpSessionId ?? sessionId,
    callSerialNumber: beginning.callSerialNumber ?? 0,
    pppoe: beginning.pppoe,
    profile: beginning.profile ?? '',
    userName: beginning.userName ?? '',
    callingNumber: beginning.callingNumber ?? '',
    calledNumber: beginning.calledNumber ?? '',
    routes: beginning.routes ?? NO_AUTHORIZATION.routes,
    generation: callId,
    cookie_bytes: 0,
    state: 'wait-connect',
    authentication: undefined,
    localAddress: '',
    peerAddress: '',
    dns: NO_AUTHORIZATION.dns,
    localLinkLocal: '',
    peerLinkLocal: '',
    peerInterfaceId: '',
    mtu_bytes: mru_bytes,
    localMru_bytes: mru_bytes,
    peerMru_bytes: 0,
    transmitAcfc: false,
    transmitPfc: false,
    isTunnelled: false,
    proxied: 'no',
    tunnel: undefined,
    authorization: NO_AUTHORIZATION,
    accountingId: accountingPrefix + callId.toString(16).padStart(8, '0').toUpperCase(),
  };
}

export class Call {
  readonly info: CallInfo;
  /** Why the call is about to end, in the words of who ends it. */
  ending: { terminateCause: TerminateCause; reason: string } | undefined;
  /** At the LNS: the user has been asked about. */
  hasAsked = false;
  /** The step that brought the last answer about the user, and to which belongs what he is told then; 0 before. */
  answerStep: StepNumber = 0;
  /** At the LAC: what will be handed over. */
  lcpRecord: LcpRecord | undefined;
  /** What the LNS gives: one pair for the whole call, so that a late packet of before a renegotiation agrees with it. */
  interfaceIds: NetworkParameters['ipv6'];
  #link: PppLink | undefined;
  /** What the packet path was told of the row; undefined while there is none. */
  #row: Pick<ForwardingRow, 'mssClamp_bytes' | 'ipv4Open' | 'ipv6Open'> | undefined;
  /** What the role lets through at most, whatever the peer's MRU. */
  #largestMtu_bytes = 0;
  #held: { protocol: number; information: Uint8Array }[] | undefined;
  #isSuspended = false;
  readonly #context: RoleContext;
  readonly #handleLinkEvent: (call: Call, event: PppLinkEvent, now_ms: number) => void;

  constructor(
    context: RoleContext,
    info: CallInfo,
    handleLinkEvent: (call: Call, event: PppLinkEvent, now_ms: number) => void,
  ) {
    this.#context = context;
    this.info = info;
    this.#handleLinkEvent = handleLinkEvent;
  }

  /** The row goes into the packet path before the message that lets the peer send. */
  addRow(wishes: RowWishes): void {
    this.info.cookie_bytes = wishes.terms.localCookie.length;
    this.#putRow(wishes, undefined);
  }

  /** A row that PPPoE carries. */
  addPppoeRow(config: RowBounds, pppoe: PppoePath): void {
    this.#putRow({ ...NO_L2TP, config, terms: version2Terms(false) }, pppoe);
  }

  #putRow({ config, terms, ...wishes }: RowWishes, pppoe: PppoePath | undefined): void {
    const { sessionId, generation, version, tunnelId, peerSessionId, path } = this.info;
    const row: ForwardingRow = {
      sessionId,
      generation,
      version,
      tunnelId,
      peerSessionId,
      path,
      ...terms,
      payload: 'ppp',
      ethernetOpen: false,
      vlanId: 0,
      ...wishes,
      tun: config.tun,
      transmitAcfc: false,
      transmitPfc: false,
      mtu_bytes: config.mru_bytes,
      mssClamp_bytes: config.mssClamp ? config.mru_bytes - IPV4_TCP_HEADERS_BYTES : 0,
      ipv4Open: false,
      ipv6Open: false,
      sources: [],
      destinations: [],
      pppoe,
      relayTo: undefined,
      hold: false,
      receiveRate_bps: 0,
      sendRate_bps: 0,
    };
    this.#row = { mssClamp_bytes: row.mssClamp_bytes, ipv4Open: false, ipv6Open: false };
    this.#largestMtu_bytes = row.mtu_bytes;
    this.#context.emit({ type: 'session-add', row });
  }

  updateRow(changes: RowChanges): void {
    if (this.#row === undefined) return;
    const { mssClamp_bytes, ipv4Open, ipv6Open } = changes;
    this.#row.mssClamp_bytes = mssClamp_bytes ?? this.#row.mssClamp_bytes;
    this.#row.ipv4Open = ipv4Open ?? this.#row.ipv4Open;
    this.#row.ipv6Open = ipv6Open ?? this.#row.ipv6Open;
    this.#context.emit({
      type: 'session-update',
      sessionId: this.info.sessionId,
      generation: this.info.generation,
      changes,
    });
  }

  startLink(config: PppLinkConfig, now_ms: number): void {
    this.info.state = 'establish';
    this.#link = new PppLink(config, this.#context.random);
    this.#link.start(now_ms);
    this.#begin(now_ms);
  }

  /** The link goes on from what a LAC hands over; says why it cannot, and nothing has happened then. */
  startProxiedLink(config: PppLinkConfig, proxied: ProxiedLink, now_ms: number): string | undefined {
    const link = new PppLink(config, this.#context.random);
    const refusal = link.startProxied(proxied, now_ms);
    if (refusal !== undefined) return refusal;
    this.info.state = 'authenticate';
    this.#link = link;
    this.#begin(now_ms);
    return undefined;
  }

  #begin(now_ms: number): void {
    this.drain(now_ms);
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const frame of held) this.handleFrame(frame.protocol, frame.information, now_ms);
  }

  /** The first reason for a call's end counts. */
  end(terminateCause: TerminateCause, reason: string): void {
    this.ending ??= { terminateCause, reason };
  }

  /** What the user gets, from now on. */
  authorize(authorization: Authorization): void {
    const { receiveRate_bps, sendRate_bps } = authorization;
    const { receiveRate_bps: formerly, sendRate_bps: before } = this.info.authorization;
    this.info.authorization = authorization;
    if (receiveRate_bps !== formerly || sendRate_bps !== before) this.updateRow({ receiveRate_bps, sendRate_bps });
  }

  get linkPhase(): LinkPhase | undefined {
    return this.#link?.phase;
  }

  /** The link waits, neither sends nor runs out of time, and what comes for it is kept: somebody else may go on with it. */
  suspendLink(): void {
    this.#isSuspended = true;
    this.#context.setDeadline(this.info.sessionId, undefined);
  }

  /** The link goes on by itself; `use` comes before all that was kept. */
  resumeLink(now_ms: number, use: (link: PppLink) => void): void {
    this.#isSuspended = false;
    this.withLink(now_ms, use);
    this.#begin(now_ms);
  }

  /** Somebody else goes on with PPP: the link is let go without a word. Gives what has been kept, the oldest first. */
  releaseLink(): readonly { protocol: number; information: Uint8Array }[] {
    const held = this.#held ?? [];
    this.#held = undefined;
    this.#link = undefined;
    return held;
  }

  /** `information` is kept when the link is not there yet, so it must be the call's own. */
  handleFrame(protocol: number, information: Uint8Array, now_ms: number): void {
    if (this.#link === undefined || this.#isSuspended) {
      this.#held ??= [];
      if (this.#held.length < MAX_HELD_FRAMES) this.#held.push({ protocol, information });
      return;
    }
    if (protocol === PPP_PROTOCOL.ipv6) this.#answerLinkLocal(information);
    else if (protocol !== PPP_PROTOCOL.ipv4) this.#link.handleFrame(protocol, information, now_ms);
    this.drain(now_ms);
  }

  handleTimeout(now_ms: number): void {
    if (this.#isSuspended) return;
    this.#link?.handleTimeout(now_ms);
    this.drain(now_ms);
  }

  noteTraffic(now_ms: number): void {
    this.#link?.noteTraffic(now_ms);
  }

  /** What `use` does to the link, and all that follows from it. */
  withLink(now_ms: number, use: (link: PppLink) => void): void {
    if (this.#link === undefined) return;
    use(this.#link);
    this.drain(now_ms);
  }

  /** The call is gone: the link is told, the row leaves the packet path. */
  remove(now_ms: number): void {
    this.info.state = 'terminate';
    // Who hangs up by LCP and takes the session away at once has hung up, whatever the Result Code.
    const standing = this.#link?.ending;
    if (standing !== undefined) this.end(causeOfLink(standing.reason), standing.message);
    this.#link?.lowerDown(now_ms);
    this.#context.setDeadline(this.info.sessionId, undefined);
    if (this.#row !== undefined) {
      this.#context.emit({
        type: 'session-remove',
        sessionId: this.info.sessionId,
        generation: this.info.generation,
      });
    }
    this.#link = undefined;
    this.#row = undefined;
    this.#held = undefined;
  }

  /** Sends what the link has to send and hears what it has to tell, until it is silent. */
  drain(now_ms: number): void {
    const link = this.#link;
    if (link === undefined) return;
    for (;;) {
      for (let frame = link.pollTransmit(); frame !== undefined; frame = link.pollTransmit()) {
        this.#inject(frame.protocol, frame.information);
      }
      const event = link.pollEvent();
      if (event === undefined) break;
      if (event.type === 'message') {
        if (event.protocol === PPP_PROTOCOL.lcp) this.lcpRecord?.note(event.direction, event.packet);
        // Those of thousands of links that stand would drive all else out of the trace.
        if (!isKeepalive(event.protocol, event.packet)) {
          this.#trace(event.direction, event.protocol, event.packet, now_ms);
        }
      } else this.#noteLinkEvent(event, now_ms);
      if (this.#link !== link) return;
    }
    if (!this.#isSuspended) this.#context.setDeadline(this.info.sessionId, link.pollTimeout());
  }

  /** What every role does at a link's event, before the role's own part. */
  #noteLinkEvent(event: PppLinkEvent, now_ms: number): void {
    const { info } = this;
    switch (event.type) {
      case 'lcp-up':
        info.state = event.authentication === undefined ? 'network' : 'authenticate';
        info.authentication = event.authentication;
        info.localMru_bytes = event.localMru_bytes;
        info.peerMru_bytes = event.peerMru_bytes;
        info.transmitAcfc = event.transmitAcfc;
        info.transmitPfc = event.transmitPfc;
        info.mtu_bytes = Math.min(event.peerMru_bytes, this.#largestMtu_bytes);
        this.updateRow({
          transmitAcfc: event.transmitAcfc,
          transmitPfc: event.transmitPfc,
          mtu_bytes: info.mtu_bytes,
          ...(this.#row?.mssClamp_bytes ? { mssClamp_bytes: info.mtu_bytes - IPV4_TCP_HEADERS_BYTES } : {}),
          ipv4Open: false,
          ipv6Open: false,
        });
        break;
      case 'authenticated':
        info.state = 'network';
        break;
      case 'ipcp-up':
        info.state = 'up';
        info.localAddress = event.localAddress;
        info.peerAddress = event.peerAddress;
        info.dns = event.dns;
        break;
      case 'ipcp-down':
        this.updateRow({ ipv4Open: false });
        this.#noteNetworkDown();
        break;
      case 'ipv6cp-up':
        info.state = 'up';
        info.localLinkLocal = linkLocalAddress(event.localInterfaceId);
        info.peerLinkLocal = linkLocalAddress(event.peerInterfaceId);
        info.peerInterfaceId = interfaceIdText(event.peerInterfaceId);
        break;
      case 'ipv6cp-down':
        info.localLinkLocal = '';
        info.peerLinkLocal = '';
        info.peerInterfaceId = '';
        this.updateRow({ ipv6Open: false });
        this.#noteNetworkDown();
        break;
      case 'down':
        info.state = 'terminate';
        break;
    }
    this.#handleLinkEvent(this, event, now_ms);
  }

  /** A call is up as long as one network protocol is. */
  #noteNetworkDown(): void {
    const isUp = this.#row?.ipv4Open || this.#row?.ipv6Open;
    if (this.info.state === 'up' && !isUp) this.info.state = 'network';
  }

  #answerLinkLocal(packet: Uint8Array): void {
    if (this.info.localLinkLocal === '') return;
    const answer = answerLinkLocal(packet, this.info.localLinkLocal);
    if (answer !== undefined) this.#inject(PPP_PROTOCOL.ipv6, answer);
  }

  #inject(protocol: number, information: Uint8Array): void {
    const { sessionId, generation } = this.info;
    this.#context.emit({ type: 'inject', sessionId, generation, protocol, information });
  }

  #trace(direction: 'sent' | 'received', protocol: number, packet: Uint8Array, now_ms: number): void {
    const step = this.#stepOf(protocol, packet);
    const label = pppLabel(protocol, packet);
    if (hasNoSecrets(protocol)) {
      this.#noteLine(step, direction, label, NO_DETAIL, { protocol, octets: packet }, now_ms);
    } else this.#noteLine(step, direction, label, pppDetail(protocol, packet), undefined, now_ms);
  }

  #stepOf(protocol: number, packet: Uint8Array): StepNumber {
    const isAnswered = this.answerStep !== 0 && isVerdict(protocol, packet);
    return isAnswered ? this.answerStep : pppStep(this.info.role, protocol, packet);
  }

  /** Puts a line into the trace of this call. */
  note(
    step: StepNumber,
    kind: TraceRecord['kind'],
    label: string,
    detail: Readonly<Record<string, unknown>>,
    now_ms: number,
  ): void {
    this.#noteLine(step, kind, label, detail, undefined, now_ms);
  }

  #noteLine(
    step: StepNumber,
    kind: TraceRecord['kind'],
    label: string,
    detail: Readonly<Record<string, unknown>>,
    packet: PppPacket | undefined,
    now_ms: number,
  ): void {
    const { role, tunnelId, l2tpSessionId: sessionId, callId, userName: user, path } = this.info;
    this.#context.emit({
      type: 'trace',
      record: {
        at_ms: now_ms,
        role,
        step,
        kind,
        label,
        detail,
        packet,
        tunnelId,
        sessionId,
        callId,
        user,
        peerAddress: path.peerAddress,
      },
    });
  }
}
