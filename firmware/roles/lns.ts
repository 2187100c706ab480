/**
 * The LNS's side of a call, by the fourteen steps: 6 the session, 7 LCP, taken over from the LAC or negotiated, 8 to 12
 * authentication, 13 the address, 14 traffic (which the packet path carries), over either version of L2TP. No I/O: the
 * outside is asked by questions.
 */

import type { L2tpEvent } from '../protocol/l2tp/endpoint.js';
import type { AuthenticationProtocol, PppLinkConfig, PppLinkEvent } from '../protocol/ppp/link.js';
import { type AvpValues, PPP_DISCONNECT } from '../wire/avp.js';
import { latin1 } from '../wire/bytes.js';
import { AddressAssignment, type AssignmentConfig } from './address-assignment.js';
import { beginningCall, Call, type PppTimers } from './call.js';
import { agreedTerms, changedTerms, localTerms, termsAvps, version2Terms } from './data-terms.js';
import { causeOfLink, causeOfSession, disconnectResult } from './link-end.js';
import type { PeerTunnels } from './peer-tunnels.js';
import { hasNoAccm, readProxy } from './proxy.js';
import type { AuthorizationChange, CallEnd, RoleContext, TerminateCause, TunnelPolicy } from './role.js';

/** Result Codes of a CDN, RFC 2661 section 4.4.2 and RFC 3931 section 5.4.2. */
const CDN = { generalError: 2, administrative: 3, temporarilyNoFacilities: 4, noFacilities: 5 } as const;
/** Error Code, section 4.4.2: one of the field values was out of range or a reserved field was non-zero. */
const ERROR_BAD_VALUE = 3;

export interface LnsConfig extends AssignmentConfig {
  /** Offered to the caller in this order. */
  authentication: readonly AuthenticationProtocol[];
  /** The name in our CHAP challenges. */
  name: string;
  mru_bytes: number;
  mssClamp: boolean;
  /** Version 2: we number data packets. Version 3: we want those that come numbered. */
  sequencing: boolean;
  /** Of the cookies that we assign in version 3: 0, 4 or 8. */
  cookie_bytes: number;
  /** Index of the TUN that all LNS sessions share. */
  tun: number;
  ppp: PppTimers;
}

export class Lns {
  readonly #context: RoleContext;
  /** undefined: the role is switched off, calls are refused. */
  #config: LnsConfig | undefined;
  /** Of links that begin while this configuration is in force; and of those whose users must be challenged by CHAP. */
  #linkConfig: PppLinkConfig | undefined;
  #chapLinkConfig: PppLinkConfig | undefined;
  readonly #tunnels: PeerTunnels;
  readonly #calls = new Map<number, Call>();
  readonly #assignment: AddressAssignment;
  /** Of all calls. */
  readonly #onLinkEvent = (call: Call, event: PppLinkEvent, now_ms: number) =>
    this.#handleLinkEvent(call, event, now_ms);

  constructor(context: RoleContext, tunnels: PeerTunnels) {
    this.#context = context;
    this.#tunnels = tunnels;
    this.#assignment = new AddressAssignment(context, (call) => this.#isAlive(call));
  }

  /** New calls use the new configuration; calls that stand go on with theirs, or end when the role is switched off. */
  configure(config: LnsConfig | undefined, now_ms: number): void {
    this.#config = config;
    this.#assignment.configure(config);
    this.#linkConfig = config && linkConfig(config, config.authentication);
    this.#chapLinkConfig = config && linkConfig(config, withoutPap(config.authentication));
    if (config !== undefined) return;
    const result = { resultCode: CDN.administrative, errorMessage: 'the LNS was switched off' };
    for (const [sessionId, call] of [...this.#calls]) {
      call.end('admin-reset', result.errorMessage);
      this.#context.endpoint.closeCall(sessionId, result, now_ms);
    }
  }

  call(sessionId: number): Call | undefined {
    return this.#calls.get(sessionId);
  }

  get callCount(): number {
    return this.#calls.size;
  }

  calls(): Iterable<Call> {
    return this.#calls.values();
  }

  /** Ends a call by somebody's wish: Terminate-Request to the user, then CDN. */
  disconnect(sessionId: number, reason: string, terminateCause: TerminateCause, now_ms: number): void {
    const call = this.#calls.get(sessionId);
    if (call === undefined) return;
    call.end(terminateCause, reason);
    if (call.info.state === 'wait-connect') {
      this.#context.endpoint.closeCall(sessionId, { resultCode: CDN.administrative, errorMessage: reason }, now_ms);
    } else {
      call.withLink(now_ms, (link) => link.close(reason, now_ms));
    }
  }

  /** Ends a call at once: the user is told and not waited for, since somebody needs what the call has. */
  clear(sessionId: number, reason: string, terminateCause: TerminateCause, now_ms: number): void {
    this.disconnect(sessionId, reason, terminateCause, now_ms);
    this.#context.endpoint.closeCall(sessionId, { resultCode: CDN.administrative, errorMessage: reason }, now_ms);
  }

  /** Changes what the user of a call gets; false where there is no such call. */
  changeAuthorization(sessionId: number, change: AuthorizationChange): boolean {
    const call = this.#calls.get(sessionId);
    if (call === undefined) return false;
    call.authorize({ ...call.info.authorization, ...change });
    this.#context.emit({ type: 'call-changed', call: call.info });
    return true;
  }

  // Step 6: the session. Step 5, the tunnel, is that of peer-tunnels.ts.

  /** True when the event was about a call of the LNS. */
  handleEvent(event: L2tpEvent, now_ms: number): boolean {
    switch (event.type) {
      case 'call-requested':
        this.#acceptCall(event, now_ms);
        return true;
      case 'outgoing-call-requested':
        // There is no dial-out.
        this.#context.endpoint.answerOutgoingCall(
          event.sessionId,
          { accepted: false, resultCode: CDN.noFacilities, errorMessage: 'no dial-out on this LNS' },
          now_ms,
        );
        return true;
      case 'call-connected':
        return this.#connectCall(event, now_ms);
      case 'call-closed':
        return this.#callClosed(event, now_ms);
      default:
        return false;
    }
  }

  #acceptCall(event: Extract<L2tpEvent, { type: 'call-requested' }>, now_ms: number): void {
    const { tunnelId, sessionId, peerSessionId, version, icrq } = event;
    const { endpoint } = this.#context;
    const policy = this.#tunnels.policy(tunnelId);
    const status = endpoint.tunnel(tunnelId);
    const config = this.#config;
    const refusal = this.#refusal(tunnelId, policy);
    if (policy === undefined || status === undefined || config === undefined || refusal !== '') {
      const result = { accepted: false, resultCode: CDN.temporarilyNoFacilities, errorMessage: refusal } as const;
      endpoint.answerCall(sessionId, result, now_ms);
      return;
    }
    const info = beginningCall(
      {
        callId: this.#context.nextCallId(),
        role: 'lns',
        version,
        sessionId,
        tunnelId,
        peerSessionId,
        peerName: policy.peerName || status.peerHostName,
        path: status.path,
        callSerialNumber: icrq.avps.callSerialNumber ?? 0,
        callingNumber: icrq.avps.callingNumber ?? '',
        calledNumber: icrq.avps.calledNumber ?? '',
        since_ms: now_ms,
      },
      config.mru_bytes,
      this.#context.accountingPrefix,
    );
    const call = new Call(this.#context, info, this.#onLinkEvent);
    this.#calls.set(sessionId, call);
    this.#tunnels.sessionBegan(tunnelId, sessionId);
    const { allowTunnelIdZero, addressControl } = policy;
    const { peerTunnelId } = status;
    const local = localTerms(this.#context.random, config.cookie_bytes, config.sequencing);
    const terms = version === 3 ? agreedTerms(local, icrq.avps) : version2Terms(config.sequencing);
    call.addRow({ allowTunnelIdZero, addressControl, peerTunnelId, bindTun: false, config, terms });
    endpoint.answerCall(sessionId, { accepted: true, avps: version === 3 ? termsAvps(local) : {} }, now_ms);
  }

  /** Why no call of this tunnel is taken; '' where one is. */
  #refusal(tunnelId: number, policy: TunnelPolicy | undefined): string {
    if (policy === undefined || this.#config === undefined) return 'not an LNS for this tunnel';
    const { maxSessions } = policy;
    if (maxSessions === 0 || this.#tunnels.sessionCount(tunnelId) < maxSessions) return '';
    return `the tunnel has ${maxSessions} sessions already`;
  }

  /** ICCN came: the session stands, PPP begins, or goes on where the LAC left it. */
  #connectCall(event: Extract<L2tpEvent, { type: 'call-connected' }>, now_ms: number): boolean {
    const call = this.#calls.get(event.sessionId);
    if (call === undefined || this.#linkConfig === undefined) return false;
    const avps = event.iccn?.avps ?? {};
    const changes = { ...changedTerms(avps), ...(avps.sequencingRequired && { sequencing: true }) };
    if (Object.keys(changes).length > 0) call.updateRow(changes);
    const policy = this.#tunnels.policy(call.info.tunnelId);
    const proxy = policy?.proxy ?? 'renegotiate';
    const config = (proxy === 'chap' && this.#chapLinkConfig) || this.#linkConfig;
    const challengeAgain = proxy === 'chap';
    const refusal = proxy === 'renegotiate' ? '' : this.#takeOver(call, avps, { config, challengeAgain }, now_ms);
    if (call.info.proxied !== 'no') return true;
    if (refusal !== '') call.note(7, 'note', 'what the LAC hands over is not taken', { reason: refusal }, now_ms);
    if (refusal !== '' && policy?.proxyMismatch === 'refuse') {
      this.#refuseProxy(call, refusal, now_ms);
      return true;
    }
    call.startLink(hasNoAccm(avps) ? { ...config, withoutAccm: true } : config, now_ms);
    return true;
  }

  /** Step 7: goes on from what the LAC hands over. Says why it cannot; '' where it does, or nothing is handed over. */
  #takeOver(
    call: Call,
    avps: AvpValues,
    { config, challengeAgain }: { config: PppLinkConfig; challengeAgain: boolean },
    now_ms: number,
  ): string {
    const given = readProxy(avps);
    if (!given.given) return '';
    if ('problem' in given) return given.problem;
    const { proxied } = given;
    // Before the link begins, whose first question is asked at once.
    call.info.proxied = proxied.request === undefined ? 'lcp' : 'lcp-and-authentication';
    const refusal = call.startProxiedLink(config, { ...proxied, challengeAgain }, now_ms);
    if (refusal === undefined) return '';
    call.info.proxied = 'no';
    return refusal;
  }

  #refuseProxy(call: Call, reason: string, now_ms: number): void {
    call.end('service-unavailable', reason);
    const disconnectCode = PPP_DISCONNECT.lcpRenegotiationDisabled;
    const result = {
      resultCode: CDN.generalError,
      errorCode: ERROR_BAD_VALUE,
      errorMessage: reason,
      pppDisconnectCause: { disconnectCode, controlProtocol: 0, direction: 2, message: reason },
    };
    this.#context.endpoint.closeCall(call.info.sessionId, result, now_ms);
  }

  // Steps 7 (LCP), 8 to 12 (authentication) and 13 (IPCP, IPV6CP): the link's events.

  #handleLinkEvent(call: Call, event: PppLinkEvent, now_ms: number): void {
    const { info } = call;
    if (this.#assignment.handleLinkEvent(call, event, now_ms)) return;
    switch (event.type) {
      case 'lcp-up':
        if (info.proxied !== 'no' && !call.hasAsked) {
          call.note(7, 'note', 'LCP taken over from the LAC', { authentication: event.authentication ?? '' }, now_ms);
        }
        break;
      case 'authentication-request':
        this.#authenticate(call, event.request, now_ms);
        break;
      case 'authenticated':
        info.userName = latin1(event.name);
        break;
      case 'down':
        call.end(causeOfLink(event.reason), event.message);
        this.#context.endpoint.closeCall(
          info.sessionId,
          disconnectResult(event.reason, call.ending?.reason ?? ''),
          now_ms,
        );
        break;
    }
  }

  /** What the LAC handed over is steps 8 and 9, what the user answers here 11 and 12. */
  #authenticate(
    call: Call,
    request: Extract<PppLinkEvent, { type: 'authentication-request' }>['request'],
    now_ms: number,
  ): void {
    const { info } = call;
    const userName = latin1(request.name);
    const { callId } = info;
    const isHandedOver = info.proxied === 'lcp-and-authentication' && !call.hasAsked;
    const [asked, answered] = isHandedOver ? ([8, 9] as const) : ([11, 12] as const);
    call.hasAsked = true;
    call.answerStep = answered;
    call.note(asked, 'question', 'authenticate', { user: userName, protocol: request.protocol }, now_ms);
    if (info.userName !== '' && info.userName !== userName) {
      // Address, routes and accounting are the first one's: LCP may begin anew, a call does not change hands.
      call.note(answered, 'answer', 'refused', { user: userName, reason: `the call is ${info.userName}'s` }, now_ms);
      const answer = { accepted: false, message: 'Authentication failed' };
      call.withLink(now_ms, (link) => link.answerAuthentication(answer, now_ms));
      return;
    }
    const question = { type: 'authenticate', callId, userName, request, call: { ...info } } as const;
    this.#context.ask(question, (answer, at_ms) => {
      if (answer.type !== 'authenticate' || !this.#isAlive(call)) return;
      const { accepted, message } = answer.answer;
      const said = { by: answer.by, user: userName, ...(accepted ? {} : { reason: message ?? '' }) };
      call.note(answered, 'answer', accepted ? 'accepted' : 'refused', said, at_ms);
      if (accepted && answer.authorization !== undefined) call.authorize(answer.authorization);
      call.withLink(at_ms, (link) => link.answerAuthentication(answer.answer, at_ms));
    });
  }

  // The end of a call, whoever ended it.

  #callClosed(event: Extract<L2tpEvent, { type: 'call-closed' }>, now_ms: number): boolean {
    const call = this.#calls.get(event.sessionId);
    if (call === undefined) return false;
    this.#calls.delete(event.sessionId);
    call.remove(now_ms);
    const { ending } = call;
    const end: CallEnd = {
      ...event.cause,
      reason: ending?.reason || (event.cause.errorMessage ?? ''),
      terminateCause: ending?.terminateCause ?? causeOfSession(event.cause),
    };
    call.note(0, 'note', 'call ended', { ...end }, now_ms);
    this.#context.emit({ type: 'call-ended', call: call.info, end });
    return true;
  }

  /** An answer may come when its call is gone, and its session ID may already be another's. */
  #isAlive(call: Call): boolean {
    return this.#calls.get(call.info.sessionId) === call;
  }
}

function linkConfig(config: LnsConfig, protocols: readonly AuthenticationProtocol[]): PppLinkConfig {
  return {
    side: 'authenticator',
    mru_bytes: config.mru_bytes,
    authenticator: { protocols, name: config.name },
    ipv4: true,
    ipv6: config.ipv6,
    ...config.ppp,
  };
}

/** PAP has no challenge; where there is nothing else it has to do. */
function withoutPap(protocols: readonly AuthenticationProtocol[]): readonly AuthenticationProtocol[] {
  const others = protocols.filter((protocol) => protocol !== 'pap');
  return others.length > 0 ? others : protocols;
}
