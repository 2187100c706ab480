/**
 * The LAC's side of a call, by the fourteen steps: 1 the PPPoE session, 2 LCP, 3 the user's authentication, 4 and 5 the
 * question where the call goes, 5 the tunnel and 6 the session to the LNS (of lac-relay.ts), or 13 the address where PPP
 * ends here. No I/O: the outside is asked by questions. Must not speak PPPoE discovery itself.
 */
import type { L2tpEvent, TransportPath } from '../protocol/l2tp/endpoint.js';
import { earliest } from '../protocol/ppp/earliest.js';
import type {
  AuthenticationProtocol,
  AuthenticationRequest,
  PppLinkConfig,
  PppLinkEvent,
} from '../protocol/ppp/link.js';
import { AccessConcentrator } from '../protocol/pppoe/discovery.js';
import type {
  AccessConcentratorConfig,
  DiscoveryCounters,
  DiscoveryEvent,
  PppoeSession,
} from '../protocol/pppoe/events.js';
import { latin1 } from '../wire/bytes.js';
import { AddressAssignment, type AssignmentConfig } from './address-assignment.js';
import { beginningCall, Call, type PppTimers } from './call.js';
import { LacRelay, NOT_CARRIED } from './lac-relay.js';
import { LacTunnels, type LacTunnelsConfig } from './lac-tunnels.js';
import { causeOfLink } from './link-end.js';
import { LcpRecord } from './proxy.js';
import {
  type Answer,
  type AuthorizationChange,
  type CallEnd,
  FIRST_PPPOE_ROW_ID,
  type RoleContext,
  type TerminateCause,
} from './role.js';

/** PPPoE rows have so many IDs. */
const PPPOE_ROW_IDS = 0x0fff_ffff;
const COOKIE_SECRET_BYTES = 32;
/** As PAP has it (RFC 1334 section 2.2.1); a name in CHAP may be longer than any AVP. */
const MAX_NAME_BYTES = 255;

export interface LacConfig extends AssignmentConfig {
  concentrator: AccessConcentratorConfig;
  /** By the interface's index. */
  interfaceNames: ReadonlyMap<number, string>;
  /** Offered to the user in this order. */
  authentication: readonly AuthenticationProtocol[];
  /** The name in our CHAP challenges. */
  name: string;
  mru_bytes: number;
  mssClamp: boolean;
  /** Index of the TUN of calls that end here. */
  tun: number;
  ppp: PppTimers;
  tunnels: LacTunnelsConfig;
}

/** What the status page shows of the access concentrator. */
export interface LacStatus {
  counters: DiscoveryCounters;
  /** LNSes that have failed and are asked after all others. */
  dead: readonly { server: string; until_ms: number }[];
}

interface LacCall {
  readonly call: Call;
  readonly session: PppoeSession;
  /** The user's answer that the outside is asked about; undefined when LCP has begun anew since. */
  asked: AuthenticationRequest | undefined;
}

export class Lac {
  readonly #context: RoleContext;
  #config: LacConfig | undefined;
  #concentrator: AccessConcentrator | undefined;
  readonly #byRow = new Map<number, LacCall>();
  readonly #byKey = new Map<number, LacCall>();
  readonly #assignment: AddressAssignment;
  #tunnels: LacTunnels | undefined;
  #relay: LacRelay | undefined;

  constructor(context: RoleContext) {
    this.#context = context;
    this.#assignment = new AddressAssignment(context, (call) => this.#isAlive(call));
  }

  /** New calls use the new configuration; those on an interface that is gone end, as all do when the role is switched off. */
  configure(config: LacConfig | undefined, now_ms: number): void {
    this.#config = config;
    this.#assignment.configure(config);
    if (config === undefined) {
      const calls = [...this.#byKey.values()];
      for (const { call, session } of calls) this.#close(call, session, 'admin-reset', 'the LAC was switched off');
      this.#drain(now_ms);
      return;
    }
    if (this.#concentrator === undefined) {
      const { random } = this.#context;
      this.#concentrator = new AccessConcentrator(config.concentrator, random(COOKIE_SECRET_BYTES).slice(), random);
    } else this.#concentrator.configure(config.concentrator);
    this.#tunnels ??= new LacTunnels(this.#context, config.tunnels);
    this.#tunnels.configure(config.tunnels);
    this.#relay ??= new LacRelay(this.#context, this.#tunnels, {
      connected: (call) => this.#context.emit({ type: 'call-up', call: call.info }),
      failed: (call, reason, at_ms) => this.#couldNotCarry(call, reason, at_ms),
      closed: (call, at_ms) => this.#lnsHungUp(call, at_ms),
    });
    this.#drain(now_ms);
  }

  call(rowId: number): Call | undefined {
    return this.#byRow.get(rowId)?.call;
  }

  /** The call that this session of L2TP carries. */
  callOfSession(sessionId: number): Call | undefined {
    return this.#relay?.callOf(sessionId);
  }

  get callCount(): number {
    return this.#byRow.size;
  }

  *calls(): Iterable<Call> {
    for (const { call } of this.#byRow.values()) yield call;
  }

  status(now_ms: number): LacStatus | undefined {
    if (this.#config === undefined || this.#concentrator === undefined) return undefined;
    return { counters: this.#concentrator.counters, dead: [...(this.#tunnels?.dead(now_ms) ?? [])] };
  }

  /** The other end of a session's tunnel has moved; false for a session that is none of the LAC's. */
  pathChanged(sessionId: number, path: TransportPath): boolean {
    return this.#relay?.pathChanged(sessionId, path) ?? false;
  }

  /** The LNS that a tunnel leads to; undefined for a tunnel that is none of the LAC's. */
  tunnelName(tunnelId: number): string | undefined {
    return this.#tunnels?.nameOf(tunnelId);
  }

  /** Ends a call by somebody's wish. */
  disconnect(rowId: number, reason: string, terminateCause: TerminateCause, now_ms: number): void {
    const known = this.#byRow.get(rowId);
    if (known === undefined) return;
    const { call, session } = known;
    call.end(terminateCause, reason);
    // The LNS has the PPP link of a call that it carries; who has no link yet has nothing to end.
    if (call.info.tunnel !== undefined || call.linkPhase === undefined) {
      this.#close(call, session, terminateCause, reason);
      this.#drain(now_ms);
    } else call.withLink(now_ms, (link) => link.close(reason, now_ms));
  }

  /** Ends a call at once: the user is told and not waited for, since somebody needs what the call has. */
  clear(rowId: number, reason: string, terminateCause: TerminateCause, now_ms: number): void {
    this.disconnect(rowId, reason, terminateCause, now_ms);
    const known = this.#byRow.get(rowId);
    if (known === undefined) return;
    this.#close(known.call, known.session, terminateCause, reason);
    this.#drain(now_ms);
  }

  /** Changes what the user of a call gets; false where there is no such call. */
  changeAuthorization(rowId: number, change: AuthorizationChange): boolean {
    const known = this.#byRow.get(rowId);
    if (known === undefined) return false;
    const { call } = known;
    call.authorize({ ...call.info.authorization, ...change });
    this.#context.emit({ type: 'call-changed', call: call.info });
    return true;
  }

  // Step 1: PPPoE.

  /** A frame of PPPoE discovery, with its Ethernet header. */
  handleDiscovery(interfaceIndex: number, frame: Uint8Array, now_ms: number): void {
    if (this.#config === undefined) return;
    this.#concentrator?.handleFrame(interfaceIndex, frame, now_ms);
    this.#drain(now_ms);
  }

  /** What discovery sends goes out before what follows from it: a PC knows no session before its PADS. */
  #drain(now_ms: number): void {
    const concentrator = this.#concentrator;
    if (concentrator === undefined) return;
    this.#transmit(concentrator);
    for (let event = concentrator.pollEvent(); event !== undefined; event = concentrator.pollEvent()) {
      this.#handleDiscoveryEvent(concentrator, event, now_ms);
      this.#transmit(concentrator);
    }
  }

  #transmit(concentrator: AccessConcentrator): void {
    for (let sent = concentrator.pollTransmit(); sent !== undefined; sent = concentrator.pollTransmit()) {
      this.#context.emit({ type: 'send-frame', ...sent });
    }
  }

  #handleDiscoveryEvent(concentrator: AccessConcentrator, event: DiscoveryEvent, now_ms: number): void {
    const { session } = event;
    switch (event.type) {
      case 'session-requested':
        this.#begin(session, now_ms);
        concentrator.answerSession(session.sessionKey, { accepted: true });
        return;
      case 'session-up':
        this.#startLink(session, now_ms);
        return;
      case 'session-closed':
        this.#sessionClosed(session, event.by, now_ms);
    }
  }

  /** The row stands before the PADS goes out, which lets the PC send. */
  #begin(session: PppoeSession, now_ms: number): void {
    const config = this.#config;
    if (config === undefined) return;
    const { attachment, localMac, peerMac, sessionId, serviceName, accessLine: line } = session;
    const { interfaceIndex, tags } = attachment;
    const callId = this.#context.nextCallId();
    const mru_bytes = Math.min(config.mru_bytes, session.maxPayload_bytes);
    const interfaceName = config.interfaceNames.get(interfaceIndex) ?? String(interfaceIndex);
    const vlanIds = tags.map(({ vlanId }) => vlanId);
    const info = beginningCall(
      {
        ...{ callId, role: 'lac', ...NOT_CARRIED },
        sessionId: FIRST_PPPOE_ROW_ID + (callId % PPPOE_ROW_IDS),
        callingNumber: line?.agentRemoteId || peerMac,
        calledNumber: serviceName || interfaceName,
        pppoe: { interfaceName, localMac, peerMac, sessionId, vlanIds, serviceName, line },
        since_ms: now_ms,
      },
      mru_bytes,
      this.#context.accountingPrefix,
    );
    const call = new Call(this.#context, info, (of, event, at_ms) => this.#handleLinkEvent(of, event, at_ms));
    call.lcpRecord = new LcpRecord();
    const known = { call, session, asked: undefined };
    this.#byRow.set(info.sessionId, known);
    this.#byKey.set(session.sessionKey, known);
    const { tun, mssClamp } = config;
    call.addPppoeRow({ tun, mru_bytes, mssClamp }, { interfaceIndex, localMac, peerMac, sessionId, tags });
    call.note(
      1,
      'received',
      'PADR',
      { mac: peerMac, interface: interfaceName, vlans: vlanIds.join('.'), serviceName },
      now_ms,
    );
  }

  #startLink(session: PppoeSession, now_ms: number): void {
    const known = this.#byKey.get(session.sessionKey);
    const config = this.#config;
    if (known === undefined || config === undefined) return;
    const { call } = known;
    call.note(1, 'sent', 'PADS', { sessionId: session.sessionId, maxPayload_bytes: session.maxPayload_bytes }, now_ms);
    call.startLink(linkConfig(config, call.info.mtu_bytes), now_ms);
  }

  // Steps 2 and 3: LCP and authentication with the PC, as the link tells of them.

  #handleLinkEvent(call: Call, event: PppLinkEvent, now_ms: number): void {
    const known = this.#byRow.get(call.info.sessionId);
    if (known === undefined || this.#assignment.handleLinkEvent(call, event, now_ms)) return;
    switch (event.type) {
      case 'lcp-up':
        known.asked = undefined;
        break;
      case 'authentication-request':
        known.asked = event.request;
        this.#authenticate(known, event.request, now_ms);
        break;
      case 'authenticated':
        call.info.userName = latin1(event.name);
        break;
      case 'down':
        this.#close(call, known.session, causeOfLink(event.reason), event.message);
        this.#drain(now_ms);
        break;
    }
  }

  // Steps 4 and 5: who is it, and where does the call go?

  #authenticate(known: LacCall, request: AuthenticationRequest, now_ms: number): void {
    const { call } = known;
    const { info } = call;
    const userName = latin1(request.name);
    call.answerStep = 5;
    call.note(4, 'question', 'authenticate', { user: userName, protocol: request.protocol }, now_ms);
    const refusal = refusalOf(info.userName, userName);
    if (refusal !== '') {
      call.note(5, 'answer', 'refused', { user: userName, reason: refusal }, now_ms);
      const answer = { accepted: false, message: 'Authentication failed' };
      call.withLink(now_ms, (link) => link.answerAuthentication(answer, now_ms));
      return;
    }
    const { callId } = info;
    const question = { type: 'authenticate', callId, userName, request, call: { ...info } } as const;
    this.#context.ask(question, (answer, at_ms) => {
      if (answer.type === 'authenticate' && this.#isAlive(call)) this.#answered(known, request, answer, at_ms);
    });
  }

  #answered(
    known: LacCall,
    request: AuthenticationRequest,
    { answer, authorization, by }: Extract<Answer, { type: 'authenticate' }>,
    now_ms: number,
  ): void {
    const { call } = known;
    const tunnels = answer.accepted ? (authorization?.tunnels ?? []) : [];
    const servers = tunnels.map(({ server }) => server).join(', ');
    const reason = answer.accepted ? '' : (answer.message ?? '');
    call.note(
      5,
      'answer',
      answer.accepted ? 'accepted' : 'refused',
      { by, user: latin1(request.name), servers, reason },
      now_ms,
    );
    if (answer.accepted) call.info.userName = latin1(request.name);
    if (answer.accepted && authorization !== undefined) call.authorize(authorization);
    // LCP may have begun anew while the outside thought: then it will be asked again, and this answer is nobody's.
    const isStale = known.asked !== request || call.linkPhase !== 'authenticate';
    if (tunnels.length === 0 || isStale || this.#relay === undefined) {
      const said = isStale ? { accepted: false } : answer;
      call.withLink(now_ms, (link) => link.answerAuthentication(said, now_ms));
    } else this.#relay.carry(call, request, tunnels, known.session, now_ms);
  }

  // Steps 5 and 6 as the relay tells of them.

  /** A session of L2TP, or a tunnel, of the LAC's calls. */
  handleEvent(event: L2tpEvent, now_ms: number): boolean {
    const isOurs = this.#tunnels?.handleEvent(event, now_ms) || this.#relay?.handleEvent(event, now_ms) || false;
    if (isOurs) this.#drain(now_ms);
    return isOurs;
  }

  /** The packet path keeps the frames of this row back from now on: what came before has come. */
  handleHeld(rowId: number, generation: number, now_ms: number): void {
    const call = this.call(rowId);
    if (call?.info.generation === generation) this.#relay?.handleHeld(call, now_ms);
  }

  /** No LNS takes the call: the user hears it as a refusal. */
  #couldNotCarry(call: Call, reason: string, now_ms: number): void {
    call.end('service-unavailable', reason);
    call.note(6, 'note', 'no LNS takes the call', { reason }, now_ms);
    call.resumeLink(now_ms, (link) =>
      link.answerAuthentication({ accepted: false, message: 'no LNS takes the call' }, now_ms),
    );
    this.#drain(now_ms);
  }

  #lnsHungUp(call: Call, now_ms: number): void {
    const known = this.#byRow.get(call.info.sessionId);
    if (known === undefined) return;
    this.#close(call, known.session, call.ending?.terminateCause ?? 'lost-carrier', call.ending?.reason ?? '');
    this.#drain(now_ms);
  }

  // Time.

  nextDeadline_ms(): number | undefined {
    return earliest(this.#tunnels?.nextDeadline_ms(), this.#relay?.nextDeadline_ms());
  }

  handleTimeout(now_ms: number): void {
    this.#tunnels?.handleTimeout(now_ms);
    this.#relay?.handleTimeout(now_ms);
    this.#drain(now_ms);
  }

  // The end.

  /** PADT to the PC; all else follows from the session's end. */
  #close(call: Call, session: PppoeSession, terminateCause: TerminateCause, reason: string): void {
    call.end(terminateCause, reason);
    this.#concentrator?.closeSession(session.sessionKey);
  }

  #sessionClosed(session: PppoeSession, by: 'peer' | 'local', now_ms: number): void {
    const known = this.#byKey.get(session.sessionKey);
    if (known === undefined) return;
    const { call } = known;
    const { info } = call;
    call.note(0, by === 'peer' ? 'received' : 'sent', 'PADT', {}, now_ms);
    this.#byKey.delete(session.sessionKey);
    this.#byRow.delete(info.sessionId);
    // A link that is about to end has a reason of its own.
    call.remove(now_ms);
    if (by === 'peer') call.end('user-request', 'the PC has ended its PPPoE session');
    else call.end('lost-carrier', 'the interface is gone');
    const { terminateCause, reason } = call.ending ?? { terminateCause: 'nas-error', reason: '' };
    this.#relay?.hangUp(call, reason, now_ms);
    const end: CallEnd = { by, resultCode: by === 'peer' ? 1 : 3, reason, terminateCause };
    call.note(0, 'note', 'call ended', { by, reason, terminateCause }, now_ms);
    this.#context.emit({ type: 'call-ended', call: info, end });
  }

  /** An answer may come when its call is gone. */
  #isAlive(call: Call): boolean {
    return this.#byRow.get(call.info.sessionId)?.call === call;
  }
}

/** Why nobody needs to be asked about this name; '' where somebody has to be. */
function refusalOf(ownersName: string, userName: string): string {
  if (userName.length > MAX_NAME_BYTES) return 'a name that is too long to be handed over';
  return ownersName === '' || ownersName === userName ? '' : `the call is ${ownersName}'s`;
}

function linkConfig(config: LacConfig, mru_bytes: number): PppLinkConfig {
  return {
    side: 'authenticator',
    mru_bytes,
    overEthernet: true,
    authenticator: { protocols: config.authentication, name: config.name },
    ipv4: true,
    ipv6: config.ipv6,
    ...config.ppp,
  };
}
