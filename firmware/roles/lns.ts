/**
 * The LNS's side of a call, by the fourteen steps: 6 the session, 7 LCP, 10 to 12 authentication, 13 the address, 14
 * traffic (which the packet path carries), over either version of L2TP. No I/O: the outside is asked by questions.
 */

import type { L2tpEvent } from '../protocol/l2tp/endpoint.js';
import type { AuthenticationProtocol, LinkDownReason, PppLinkConfig, PppLinkEvent } from '../protocol/ppp/link.js';
import { type AvpValues, PPP_DISCONNECT } from '../wire/avp.js';
import { latin1, type RandomBytes } from '../wire/bytes.js';
import { beginningCall, Call, type PppTimers } from './call.js';
import { agreedTerms, changedTerms, localTerms, termsAvps, version2Terms } from './data-terms.js';
import type { PeerTunnels } from './peer-tunnels.js';
import type { Answer, CallEnd, CallInfo, RoleContext } from './role.js';
import { causeOfSession } from './terminate-cause.js';

/** Result Code of a CDN, RFC 2661 section 4.4.2 and RFC 3931 section 5.4.2. */
const CDN_ADMINISTRATIVE = 3;

export interface LnsConfig {
  /** Offered to the caller in this order. */
  authentication: readonly AuthenticationProtocol[];
  /** The name in our CHAP challenges. */
  name: string;
  /** Our end of every link, IPv4 text. */
  localAddress: string;
  dns: readonly string[];
  nbns: readonly string[];
  ipv6: boolean;
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
  /** One for all links that begin while this configuration is in force. */
  #linkConfig: PppLinkConfig | undefined;
  readonly #tunnels: PeerTunnels;
  readonly #calls = new Map<number, Call>();

  constructor(context: RoleContext, tunnels: PeerTunnels) {
    this.#context = context;
    this.#tunnels = tunnels;
  }

  /** New calls use the new configuration; calls that stand go on with theirs, or end when the role is switched off. */
  configure(config: LnsConfig | undefined, now_ms: number): void {
    this.#config = config;
    this.#linkConfig = config && linkConfig(config);
    if (config !== undefined) return;
    const result = { resultCode: CDN_ADMINISTRATIVE, errorMessage: 'the LNS was switched off' };
    for (const sessionId of [...this.#calls.keys()]) this.#context.endpoint.closeCall(sessionId, result, now_ms);
  }

  call(sessionId: number): Call | undefined {
    return this.#calls.get(sessionId);
  }

  calls(): Iterable<Call> {
    return this.#calls.values();
  }

  /** Ends a call by an administrator's wish: Terminate-Request to the user, then CDN. */
  disconnect(sessionId: number, reason: string, now_ms: number): void {
    const call = this.#calls.get(sessionId);
    if (call === undefined) return;
    call.endReason = reason;
    if (call.info.state === 'wait-connect') {
      this.#context.endpoint.closeCall(sessionId, { resultCode: CDN_ADMINISTRATIVE, errorMessage: reason }, now_ms);
    } else {
      call.withLink(now_ms, (link) => link.close(reason, now_ms));
    }
  }

  // Step 6: the session. Step 5, the tunnel, is that of peer-tunnels.ts.

  /** True when the event was about a call of the LNS. */
  handleEvent(event: L2tpEvent, now_ms: number): boolean {
    switch (event.type) {
      case 'call-requested':
        this.#acceptCall(event, now_ms);
        return true;
      case 'outgoing-call-requested':
        // There is no dial-out (RFC 2661 section 4.4.2, CDN result 5: facilities lacking for good).
        this.#context.endpoint.answerOutgoingCall(
          event.sessionId,
          { accepted: false, resultCode: 5, errorMessage: 'no dial-out on this LNS' },
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
    if (policy === undefined || status === undefined || config === undefined) {
      endpoint.answerCall(
        sessionId,
        { accepted: false, resultCode: 4, errorMessage: 'not an LNS for this tunnel' },
        now_ms,
      );
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
        callingNumber: icrq.avps.callingNumber ?? '',
        calledNumber: icrq.avps.calledNumber ?? '',
        since_ms: now_ms,
      },
      config.mru_bytes,
    );
    const call = new Call(this.#context, info, (of, linkEvent, at_ms) => this.#handleLinkEvent(of, linkEvent, at_ms));
    this.#calls.set(sessionId, call);
    this.#tunnels.sessionBegan(tunnelId, sessionId);
    const { allowTunnelIdZero, addressControl } = policy;
    const { peerTunnelId } = status;
    const local = localTerms(this.#context.random, config.cookie_bytes, config.sequencing);
    const terms = version === 3 ? agreedTerms(local, icrq.avps) : version2Terms(config.sequencing);
    call.addRow({ allowTunnelIdZero, addressControl, peerTunnelId, bindTun: false, config, terms });
    endpoint.answerCall(sessionId, { accepted: true, avps: version === 3 ? termsAvps(local) : {} }, now_ms);
  }

  /** ICCN came: the session stands, PPP begins. */
  #connectCall(event: Extract<L2tpEvent, { type: 'call-connected' }>, now_ms: number): boolean {
    const call = this.#calls.get(event.sessionId);
    if (call === undefined || this.#linkConfig === undefined) return false;
    const avps = event.iccn?.avps ?? {};
    const changes = { ...changedTerms(avps), ...(avps.sequencingRequired && { sequencing: true }) };
    if (Object.keys(changes).length > 0) call.updateRow(changes);
    call.startLink(this.#linkConfig, now_ms);
    return true;
  }

  // Steps 7 (LCP), 10 to 12 (authentication) and 13 (IPCP, IPV6CP): the link's events.

  #handleLinkEvent(call: Call, event: PppLinkEvent, now_ms: number): void {
    const { info } = call;
    switch (event.type) {
      case 'authentication-request':
        this.#authenticate(call, event.request, now_ms);
        break;
      case 'authenticated':
        info.userName = latin1(event.name);
        break;
      case 'network-request':
        this.#lease(call, now_ms);
        break;
      case 'ipcp-up':
        call.updateRow({ ipv4Open: true, sources: sourcesOf(info) });
        this.#context.emit({ type: 'call-up', call: { ...info } });
        call.note(13, 'note', 'address assigned', { address: info.peerAddress, gateway: info.localAddress }, now_ms);
        break;
      case 'ipv6cp-up':
        call.updateRow({ ipv6Open: true, sources: sourcesOf(info) });
        this.#context.emit({ type: 'call-changed', call: { ...info } });
        break;
      case 'down':
        call.endReason ||= event.message;
        this.#context.endpoint.closeCall(info.sessionId, disconnectResult(event.reason, call.endReason), now_ms);
        break;
    }
  }

  #authenticate(
    call: Call,
    request: Extract<PppLinkEvent, { type: 'authentication-request' }>['request'],
    now_ms: number,
  ): void {
    const { info } = call;
    const userName = latin1(request.name);
    const { callId } = info;
    call.note(11, 'question', 'authenticate', { user: userName, protocol: request.protocol }, now_ms);
    if (info.userName !== '' && info.userName !== userName) {
      // Address, routes and accounting are the first one's: LCP may begin anew, a call does not change hands.
      call.note(12, 'answer', 'refused', { user: userName, reason: `the call is ${info.userName}'s` }, now_ms);
      const answer = { accepted: false, message: 'Authentication failed' };
      call.withLink(now_ms, (link) => link.answerAuthentication(answer, now_ms));
      return;
    }
    this.#context.ask({ type: 'authenticate', callId, userName, request, call: { ...info } }, (answer, at_ms) => {
      if (answer.type !== 'authenticate' || !this.#isAlive(call)) return;
      info.authorization = answer.authorization ?? info.authorization;
      call.note(12, 'answer', answer.answer.accepted ? 'accepted' : 'refused', { user: userName }, at_ms);
      call.withLink(at_ms, (link) => link.answerAuthentication(answer.answer, at_ms));
    });
  }

  #lease(call: Call, now_ms: number): void {
    const { info } = call;
    call.note(13, 'question', 'lease an address', { user: info.userName }, now_ms);
    this.#context.ask(
      { type: 'lease', callId: info.callId, userName: info.userName, authorization: info.authorization },
      (answer, at_ms) => {
        if (answer.type !== 'lease' || !this.#isAlive(call)) return;
        this.#assignAddress(call, answer, at_ms);
      },
    );
  }

  #assignAddress(call: Call, answer: Extract<Answer, { type: 'lease' }>, now_ms: number): void {
    const config = this.#config;
    if (!answer.granted || config === undefined) {
      const reason = answer.granted ? 'the LNS is switched off' : answer.reason;
      call.note(13, 'answer', 'no address', { reason }, now_ms);
      call.endReason = reason;
      call.withLink(now_ms, (link) => link.close(reason, now_ms));
      return;
    }
    const { lease } = answer;
    call.info.routes = lease.routes;
    call.note(13, 'answer', 'address leased', { address: lease.address }, now_ms);
    const { localAddress, dns, nbns } = config;
    if (config.ipv6) call.interfaceIds ??= interfaceIds(this.#context.random);
    call.withLink(now_ms, (link) =>
      link.answerNetwork(
        {
          ipv4: { localAddress, peerAddress: lease.address, dns, nbns },
          ...(config.ipv6 ? { ipv6: call.interfaceIds } : {}),
        },
        now_ms,
      ),
    );
  }

  // The end of a call, whoever ended it.

  #callClosed(event: Extract<L2tpEvent, { type: 'call-closed' }>, now_ms: number): boolean {
    const call = this.#calls.get(event.sessionId);
    if (call === undefined) return false;
    this.#calls.delete(event.sessionId);
    call.remove(now_ms);
    const end: CallEnd = {
      ...event.cause,
      reason: call.endReason || (event.cause.errorMessage ?? ''),
      terminateCause: causeOfSession(event.cause),
    };
    call.note(0, 'note', 'call ended', { ...end }, now_ms);
    this.#context.emit({ type: 'call-ended', call: { ...call.info }, end });
    return true;
  }

  /** An answer may come when its call is gone, and its session ID may already be another's. */
  #isAlive(call: Call): boolean {
    return this.#calls.get(call.info.sessionId) === call;
  }
}

function linkConfig(config: LnsConfig): PppLinkConfig {
  return {
    side: 'authenticator',
    mru_bytes: config.mru_bytes,
    authenticator: { protocols: config.authentication, name: config.name },
    ipv4: true,
    ipv6: config.ipv6,
    ...config.ppp,
  };
}

/** Anti-spoofing: the peer may send from its address, its link-local address and the networks behind it. */
function sourcesOf(info: CallInfo): string[] {
  const address = info.peerAddress === '' ? [] : [`${info.peerAddress}/32`];
  const linkLocal = info.peerLinkLocal === '' ? [] : [`${info.peerLinkLocal}/128`];
  return info.routes.concat(address, linkLocal);
}

/** Two different, non-zero interface identifiers, not universally administered (RFC 5072 section 4.1: u bit 0). */
export function interfaceIds(random: RandomBytes): { localInterfaceId: Uint8Array; peerInterfaceId: Uint8Array } {
  const localInterfaceId = random(8).slice();
  const peerInterfaceId = random(8).slice();
  localInterfaceId[0] &= ~0x02;
  peerInterfaceId[0] &= ~0x02;
  localInterfaceId[7] |= 1;
  peerInterfaceId[7] = (peerInterfaceId[7] & ~1) | 2;
  return { localInterfaceId, peerInterfaceId };
}

/** RFC 2661 section 4.4.2 and RFC 3145 for each way in which a link ends; `direction` 1 is the peer's doing, 2 ours. */
const DISCONNECT: Record<LinkDownReason, { resultCode: number; code: number; direction: number }> = {
  'peer-terminated': { resultCode: 1, code: PPP_DISCONNECT.normal, direction: 1 },
  'local-close': { resultCode: 3, code: PPP_DISCONNECT.administrative, direction: 0 },
  'authentication-failed': { resultCode: 3, code: PPP_DISCONNECT.authenticationFailed, direction: 1 },
  'authentication-timeout': { resultCode: 3, code: PPP_DISCONNECT.authenticationTimeout, direction: 0 },
  'lcp-timeout': { resultCode: 1, code: PPP_DISCONNECT.lcpNoPackets, direction: 0 },
  'echo-timeout': { resultCode: 1, code: PPP_DISCONNECT.lcpEchoTimeout, direction: 0 },
  loopback: { resultCode: 3, code: PPP_DISCONNECT.lcpMagicNumber, direction: 0 },
  'no-network-protocol': { resultCode: 3, code: PPP_DISCONNECT.noNetworkProtocol, direction: 0 },
  'negotiation-failed': { resultCode: 3, code: PPP_DISCONNECT.lcpNegotiationFailed, direction: 0 },
};

/** What a CDN says when a link ended for `reason`. */
export function disconnectResult(
  reason: LinkDownReason,
  message: string,
): { resultCode: number; errorMessage: string; pppDisconnectCause: AvpValues['pppDisconnectCause'] } {
  const { resultCode, code, direction } = DISCONNECT[reason];
  return {
    resultCode,
    errorMessage: message,
    pppDisconnectCause: { disconnectCode: code, controlProtocol: 0, direction, message },
  };
}
