/**
 * A call that the LAC carries to an LNS: the choice among LNSes, the session (step 6), and the handover, after which the
 * packet path relays every PPP frame. Nothing is lost or put in another order by it:
 *
 *   the PC's row holds its frames           ICRQ ->
 *                                           <- ICRP     the session's row stands, towards the PC
 *   'held': what came before has come       ICCN ->
 *   what came before goes to the LNS, then what was held, then all that follows
 *
 * No I/O. Must not know PPPoE, nor authenticate.
 */
import type { CallDisconnect, CloseCause, L2tpEvent, TransportPath } from '../protocol/l2tp/endpoint.js';
import type { AuthenticationRequest } from '../protocol/ppp/link.js';
import type { PppoeSession } from '../protocol/pppoe/events.js';
import { type AvpValues, PPP_DISCONNECT, PSEUDOWIRE_TYPE } from '../wire/avp.js';
import type { Call } from './call.js';
import { agreedTerms, type DataTerms, localTerms, termsAvps, version2Terms } from './data-terms.js';
import type { LacTunnels } from './lac-tunnels.js';
import { causeOfSession } from './link-end.js';
import { proxyAuthenticationAvps } from './proxy.js';
import type { ForwardingRow, RoleContext, TerminateCause, TunnelChoice } from './role.js';

/** Framing Type and Bearer Type of a call that comes by Ethernet: synchronous, digital (RFC 2661 section 4.4.4). */
const SYNCHRONOUS_FRAMING = 1;
const DIGITAL_BEARER = 1;
/** Of a line of which nothing is said. */
const CONNECT_SPEED_BPS = 1_000_000_000;
/** A PC may name its service at a length that no AVP has room for. */
const MAX_NUMBER_BYTES = 255;
/** Result Codes of a CDN, RFC 2661 section 4.4.2. */
const CDN = { lostCarrier: 1, administrative: 3, notInTime: 10 } as const;

/** What is said of L2TP of a call that no LNS has, or not yet. */
export const NOT_CARRIED = {
  version: 2,
  tunnelId: 0,
  l2tpSessionId: 0,
  peerSessionId: 0,
  peerName: '',
  callSerialNumber: 0,
  path: { encapsulation: 'udp', localAddress: '', localPort: 0, peerAddress: '', peerPort: 0 },
} as const;

/** How the relay tells of a call: what follows from it is the LAC's. */
interface RelayListener {
  /** The LNS has the call. */
  connected(call: Call): void;
  /** No LNS takes it. */
  failed(call: Call, reason: string, now_ms: number): void;
  /** The LNS, or the tunnel's end, has ended it. */
  closed(call: Call, now_ms: number): void;
}

interface Carried {
  readonly call: Call;
  readonly session: PppoeSession;
  readonly request: AuthenticationRequest;
  /** LNSes that have not been asked yet. */
  remaining: readonly TunnelChoice[];
  /** Whom it is asked of, or whom the call is carried to. */
  choice: TunnelChoice | undefined;
  /** Why the last LNS did not take it. */
  failure: string;
  /** Our session in L2TP; 0 while there is none. */
  sessionId: number;
  terms: DataTerms;
  /** Of the session's row; 0 while there is none. */
  generation: number;
  /** All that the PC had sent before its frames were held has come. */
  isHeld: boolean;
  isReplied: boolean;
  isConnected: boolean;
}

export class LacRelay {
  readonly #context: RoleContext;
  readonly #tunnels: LacTunnels;
  readonly #listener: RelayListener;
  readonly #byRow = new Map<number, Carried>();
  readonly #bySession = new Map<number, Carried>();
  /** When calls that wait for their ICRP are taken elsewhere, the earliest first. */
  readonly #unanswered = new Map<Carried, number>();

  constructor(context: RoleContext, tunnels: LacTunnels, listener: RelayListener) {
    this.#context = context;
    this.#tunnels = tunnels;
    this.#listener = listener;
  }

  callOf(sessionId: number): Call | undefined {
    return this.#bySession.get(sessionId)?.call;
  }

  /** Carries a call whose user has answered `request` to the first of `choices` that takes it. Its link waits meanwhile. */
  carry(
    call: Call,
    request: AuthenticationRequest,
    choices: readonly TunnelChoice[],
    session: PppoeSession,
    now_ms: number,
  ): void {
    const carried: Carried = {
      ...{ call, session, request, remaining: choices, choice: undefined, failure: '' },
      ...{ sessionId: 0, terms: localTerms(this.#context.random, 0, false), generation: 0 },
      ...{ isHeld: false, isReplied: false, isConnected: false },
    };
    this.#byRow.set(call.info.sessionId, carried);
    call.suspendLink();
    call.updateRow({ hold: true });
    this.#tryNext(carried, now_ms);
  }

  handleHeld(call: Call, now_ms: number): void {
    const carried = this.#byRow.get(call.info.sessionId);
    if (carried?.call !== call) return;
    carried.isHeld = true;
    if (carried.isConnected) this.#handOver(carried);
    else this.#connect(carried, now_ms);
  }

  /** True when the event was about a session of a call that is carried. */
  handleEvent(event: L2tpEvent, now_ms: number): boolean {
    if (event.type !== 'call-replied' && event.type !== 'call-connected' && event.type !== 'call-closed') return false;
    const carried = this.#bySession.get(event.sessionId);
    if (carried === undefined) return false;
    switch (event.type) {
      case 'call-replied':
        this.#replied(carried, event, now_ms);
        break;
      case 'call-connected':
        carried.isConnected = true;
        this.#handOver(carried);
        break;
      case 'call-closed':
        this.#sessionClosed(carried, event.cause, now_ms);
    }
    return true;
  }

  nextDeadline_ms(): number | undefined {
    const [earliest] = this.#unanswered.values();
    return earliest;
  }

  /** An LNS that leaves a call without answer may be dead, and its tunnel not yet: the call goes to another, if there is one. */
  handleTimeout(now_ms: number): void {
    for (const [carried, deadline_ms] of [...this.#unanswered]) {
      if (deadline_ms > now_ms) return;
      this.#unanswered.delete(carried);
      const { sessionId, remaining, call } = carried;
      if (remaining.length === 0) continue;
      const { tunnelId } = call.info;
      this.#forgetSession(carried, now_ms);
      const errorMessage = 'the LNS does not answer the call';
      this.#context.endpoint.closeCall(sessionId, { resultCode: CDN.notInTime, errorMessage }, now_ms);
      this.#tunnels.isSilent(tunnelId, now_ms);
      this.#refused(carried, errorMessage, now_ms);
    }
  }

  pathChanged(sessionId: number, path: TransportPath): boolean {
    const carried = this.#bySession.get(sessionId);
    if (carried === undefined) return false;
    const { call, generation } = carried;
    call.info.path = path;
    if (generation !== 0) this.#context.emit({ type: 'session-update', sessionId, generation, changes: { path } });
    return true;
  }

  /** The PC has gone, or has to go: the session ends with it. */
  hangUp(call: Call, reason: string, now_ms: number): void {
    const carried = this.#byRow.get(call.info.sessionId);
    if (carried?.call !== call) return;
    this.#byRow.delete(call.info.sessionId);
    const { sessionId } = carried;
    if (sessionId === 0) return;
    this.#forgetSession(carried, now_ms);
    this.#context.endpoint.closeCall(sessionId, disconnectOf(call.ending?.terminateCause, reason), now_ms);
  }

  // Step 5: the tunnel.

  #tryNext(carried: Carried, now_ms: number): void {
    const { call, failure } = carried;
    // In order anew each time: who has failed meanwhile is asked after the others.
    const [choice, ...remaining] = this.#tunnels.inOrder(carried.remaining, now_ms);
    Object.assign(carried, { choice, remaining });
    Object.assign(call.info, NOT_CARRIED);
    if (choice === undefined) {
      this.#byRow.delete(call.info.sessionId);
      call.info.tunnel = undefined;
      call.updateRow({ hold: false });
      this.#listener.failed(call, failure, now_ms);
      return;
    }
    call.info.tunnel = choice;
    call.note(5, 'note', 'LNS chosen', { server: choice.server, preference: choice.preference }, now_ms);
    this.#tunnels.find(choice, now_ms, (answer, at_ms) => {
      // The PC may be gone by now, or the tunnel may have been found twice.
      if (this.#byRow.get(call.info.sessionId) !== carried || carried.choice !== choice) return;
      if ('tunnelId' in answer) this.#placeCall(carried, choice, answer.tunnelId, at_ms);
      else this.#refused(carried, answer.failure, at_ms);
    });
  }

  #refused(carried: Carried, reason: string, now_ms: number): void {
    const { call, choice } = carried;
    carried.failure = `${choice?.server}: ${reason}`;
    call.note(5, 'note', 'the LNS does not take the call', { server: choice?.server, reason }, now_ms);
    this.#tryNext(carried, now_ms);
  }

  // Step 6: the session.

  #placeCall(carried: Carried, choice: TunnelChoice, tunnelId: number, now_ms: number): void {
    const { call, session } = carried;
    const { info } = call;
    carried.terms = localTerms(this.#context.random, choice.cookie_bytes, choice.sequencing);
    info.callSerialNumber = info.callId;
    const { callingNumber, callId: callSerialNumber } = info;
    const calledNumber = info.calledNumber.slice(0, MAX_NUMBER_BYTES);
    const { accessLoopEncapsulation: _atm, iwfSession: _iwf, ...line } = session.accessLine ?? {};
    const icrq: AvpValues = {
      ...{ callSerialNumber, callingNumber, calledNumber, bearerType: DIGITAL_BEARER },
      pseudowireType: PSEUDOWIRE_TYPE.ppp,
      ...(line.agentCircuitId !== undefined && { subAddress: line.agentCircuitId }),
      ...line,
      physicalChannelId: physicalChannelOf(session),
      ...termsAvps(carried.terms),
    };
    const status = this.#context.endpoint.tunnel(tunnelId);
    info.tunnelId = tunnelId;
    if (status !== undefined) info.path = status.path;
    const sessionId = this.#context.endpoint.placeCall(tunnelId, icrq, now_ms);
    carried.sessionId = sessionId;
    info.l2tpSessionId = sessionId;
    this.#bySession.set(sessionId, carried);
    this.#tunnels.sessionBegan(tunnelId, sessionId);
    this.#unanswered.set(carried, now_ms + this.#tunnels.answer_ms);
  }

  #replied(carried: Carried, event: Extract<L2tpEvent, { type: 'call-replied' }>, now_ms: number): void {
    const status = this.#context.endpoint.tunnel(event.tunnelId);
    const { call, choice, terms } = carried;
    const { info } = call;
    this.#unanswered.delete(carried);
    if (status === undefined || choice === undefined) return;
    const version = status.version === 3 ? 3 : 2;
    Object.assign(info, {
      version,
      peerSessionId: event.peerSessionId,
      path: status.path,
      peerName: status.peerHostName,
    });
    carried.generation = this.#context.nextCallId();
    const agreed = version === 3 ? agreedTerms(terms, event.icrp.avps) : version2Terms(choice.sequencing);
    info.cookie_bytes = agreed.localCookie.length;
    this.#context.emit({ type: 'session-add', row: this.#rowOf(carried, status.peerTunnelId, agreed) });
    carried.isReplied = true;
    this.#connect(carried, now_ms);
  }

  /** What the LNS sends goes to the PC from the first frame on. */
  #rowOf(
    { call: { info }, sessionId, generation }: Carried,
    peerTunnelId: number,
    terms: ReturnType<typeof version2Terms>,
  ): ForwardingRow {
    const { version, tunnelId, peerSessionId, path, mtu_bytes } = info;
    return {
      ...{ sessionId, generation, version, tunnelId, allowTunnelIdZero: false, peerTunnelId, peerSessionId, path },
      ...terms,
      ...{ payload: 'ppp', ethernetOpen: false, vlanId: 0, tun: 0, bindTun: false, transmitAcfc: false },
      ...{ transmitPfc: false, addressControl: 'always', ipv4Open: false, ipv6Open: false, mtu_bytes },
      ...{ mssClamp_bytes: 0, sources: [], destinations: [], pppoe: undefined, hold: false },
      relayTo: { sessionId: info.sessionId, generation: info.generation },
      ...{ receiveRate_bps: 0, sendRate_bps: 0 },
    };
  }

  /** The ICCN goes out when the LNS has answered and the PC's frames are held. */
  #connect(carried: Carried, now_ms: number): void {
    const { call, session, request, choice, sessionId, isHeld, isReplied } = carried;
    if (!isHeld || !isReplied) return;
    const { actualDataRateDownstream_bps: down_bps, actualDataRateUpstream_bps: up_bps } = session.accessLine ?? {};
    const avps: AvpValues = {
      txConnectSpeed_bps: down_bps ?? CONNECT_SPEED_BPS,
      ...(up_bps !== undefined && { rxConnectSpeed_bps: up_bps }),
      framingType: SYNCHRONOUS_FRAMING,
      ...(choice?.sequencing && { sequencingRequired: true as const }),
      ...call.lcpRecord?.avps(),
      ...proxyAuthenticationAvps(request),
    };
    this.#context.endpoint.connectCall(sessionId, avps, now_ms);
  }

  /** What came before the frames were held goes first; the packet path lets out what it holds behind it. */
  #handOver(carried: Carried): void {
    const { call, sessionId, generation } = carried;
    const { info } = call;
    for (const { protocol, information } of call.releaseLink()) {
      this.#context.emit({ type: 'inject', sessionId, generation, protocol, information });
    }
    call.updateRow({ hold: false, relayTo: { sessionId, generation } });
    info.isTunnelled = true;
    info.state = 'up';
    this.#listener.connected(call);
  }

  // The end.

  #sessionClosed(carried: Carried, cause: CloseCause, now_ms: number): void {
    const { call, isConnected } = carried;
    this.#forgetSession(carried, now_ms);
    const reason = cause.errorMessage || `result ${cause.resultCode}`;
    if (!isConnected) {
      carried.isReplied = false;
      this.#refused(carried, reason, now_ms);
      return;
    }
    this.#byRow.delete(call.info.sessionId);
    call.end(
      causeOfSession(cause),
      cause.by === 'timeout' ? 'the LNS does not answer any more' : `the LNS hung up: ${reason}`,
    );
    this.#listener.closed(call, now_ms);
  }

  #forgetSession(carried: Carried, now_ms: number): void {
    const { sessionId, generation, call } = carried;
    this.#bySession.delete(sessionId);
    this.#unanswered.delete(carried);
    this.#tunnels.sessionEnded(call.info.tunnelId, sessionId, now_ms);
    carried.sessionId = 0;
    if (generation === 0) return;
    carried.generation = 0;
    this.#context.emit({ type: 'session-remove', sessionId, generation });
  }
}

/** What the CDN says of a call that has ended on the PC's side, also by the code of RFC 3145 section 3. */
function disconnectOf(cause: TerminateCause | undefined, message: string): CallDisconnect {
  const said = { controlProtocol: 0, message };
  switch (cause) {
    case 'user-request': {
      const pppDisconnectCause = { ...said, disconnectCode: PPP_DISCONNECT.normal, direction: 1 };
      return { resultCode: CDN.lostCarrier, errorMessage: message, pppDisconnectCause };
    }
    case 'lost-carrier':
      return { resultCode: CDN.lostCarrier, errorMessage: message };
    default: {
      const pppDisconnectCause = { ...said, disconnectCode: PPP_DISCONNECT.administrative, direction: 0 };
      return { resultCode: CDN.administrative, errorMessage: message, pppDisconnectCause };
    }
  }
}

/** Physical Channel ID, RFC 2661 section 4.4.4, is the vendor's: the interface's index and the PPPoE session. */
function physicalChannelOf({ attachment: { interfaceIndex }, sessionId }: PppoeSession): number {
  return ((interfaceIndex << 16) | sessionId) >>> 0;
}
