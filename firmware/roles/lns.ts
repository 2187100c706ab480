/**
 * The LNS's side of a call, by the fourteen steps: 5 the tunnel, 6 the session, 7 LCP, 10 to 12 authentication,
 * 13 the address, 14 traffic (which the packet path carries). No I/O: the outside is asked by questions.
 */

import type { L2tpEvent } from '../protocol/l2tp/endpoint.js';
import type { AuthenticationProtocol, LinkDownReason, PppLinkConfig, PppLinkEvent } from '../protocol/ppp/link.js';
import { type AvpValues, PPP_DISCONNECT } from '../wire/avp.js';
import { latin1, type RandomBytes } from '../wire/bytes.js';
import { beginningCall, Call, type PppTimers } from './call.js';
import type { Answer, CallEnd, CallInfo, RoleContext, TunnelPolicy } from './role.js';

/** A tunnel without a call is closed by the LNS after this time; a client that needs one again opens one. */
const IDLE_TUNNEL_MS = 15_000;

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
  sequencing: boolean;
  /** Index of the TUN that all LNS sessions share. */
  tun: number;
  ppp: PppTimers;
}

interface Tunnel {
  policy: TunnelPolicy;
  calls: Set<number>;
  /** When it lost its last call; undefined while it has one. */
  idleSince_ms: number | undefined;
}

/** Until the outside has said how to treat a peer; no call can come before. */
const NO_POLICY: TunnelPolicy = { peerName: '', allowTunnelIdZero: false, addressControl: 'detect' };

export class Lns {
  readonly #context: RoleContext;
  /** undefined: the role is switched off, calls are refused. */
  #config: LnsConfig | undefined;
  /** One for all links that begin while this configuration is in force. */
  #linkConfig: PppLinkConfig | undefined;
  readonly #tunnels = new Map<number, Tunnel>();
  readonly #calls = new Map<number, Call>();

  constructor(context: RoleContext, config: LnsConfig | undefined) {
    this.#context = context;
    this.#config = config;
    this.#linkConfig = config && linkConfig(config);
  }

  /** New calls use the new configuration; calls that stand go on with theirs, or end when the role is switched off. */
  configure(config: LnsConfig | undefined, now_ms: number): void {
    this.#config = config;
    this.#linkConfig = config && linkConfig(config);
    if (config === undefined) for (const tunnelId of [...this.#tunnels.keys()]) this.#closeTunnel(tunnelId, now_ms);
  }

  call(sessionId: number): Call | undefined {
    return this.#calls.get(sessionId);
  }

  /** The name of the settings' entry that the tunnel's peer matched, '' for none. */
  tunnelName(tunnelId: number): string {
    return this.#tunnels.get(tunnelId)?.policy.peerName ?? '';
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
      this.#context.endpoint.closeCall(sessionId, { resultCode: 3, errorMessage: reason }, now_ms);
    } else {
      call.withLink(now_ms, (link) => link.close(reason, now_ms));
    }
  }

  // Step 5: the tunnel.

  /** True when the event was about a tunnel or call of the LNS. */
  handleEvent(event: L2tpEvent, now_ms: number): boolean {
    switch (event.type) {
      case 'tunnel-requested':
        this.#authorizeTunnel(event, now_ms);
        return true;
      case 'tunnel-established':
        if (event.originator) return false;
        return true;
      case 'tunnel-closed':
        return this.#tunnels.delete(event.tunnelId);
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

  #authorizeTunnel(event: Extract<L2tpEvent, { type: 'tunnel-requested' }>, now_ms: number): void {
    const { endpoint } = this.#context;
    const { tunnelId, path } = event;
    if (this.#config === undefined) {
      endpoint.answerTunnel(
        tunnelId,
        { accepted: false, resultCode: 4, errorMessage: 'the LNS is switched off' },
        now_ms,
      );
      return;
    }
    const peerHostName = event.sccrq.avps.hostName ?? '';
    const tunnel: Tunnel = { policy: NO_POLICY, calls: new Set(), idleSince_ms: now_ms };
    this.#tunnels.set(tunnelId, tunnel);
    this.#context.ask({ type: 'authorize-tunnel', tunnelId, path, peerHostName }, (answer, at_ms) => {
      // The tunnel may be gone by now, and its ID another's.
      if (answer.type !== 'authorize-tunnel' || this.#tunnels.get(tunnelId) !== tunnel) return;
      if (!answer.accepted) {
        endpoint.answerTunnel(tunnelId, answer, at_ms);
        return;
      }
      tunnel.policy = answer.policy;
      const { secret, allowTunnelIdZero } = answer.policy;
      endpoint.answerTunnel(tunnelId, { accepted: true, secret, allowTunnelIdZero }, at_ms);
    });
  }

  /** Closes tunnels that have been without a call for long; called about once a second. */
  sweep(now_ms: number): void {
    for (const [tunnelId, tunnel] of this.#tunnels) {
      if (tunnel.idleSince_ms !== undefined && now_ms - tunnel.idleSince_ms >= IDLE_TUNNEL_MS) {
        this.#closeTunnel(tunnelId, now_ms);
      }
    }
  }

  #closeTunnel(tunnelId: number, now_ms: number): void {
    this.#context.endpoint.closeTunnel(tunnelId, { resultCode: 1 }, now_ms);
  }

  // Step 6: the session.

  #acceptCall(event: Extract<L2tpEvent, { type: 'call-requested' }>, now_ms: number): void {
    const { tunnelId, sessionId, icrq } = event;
    const { endpoint } = this.#context;
    const tunnel = this.#tunnels.get(tunnelId);
    const status = endpoint.tunnel(tunnelId);
    const config = this.#config;
    if (tunnel === undefined || status === undefined || config === undefined) {
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
        sessionId,
        tunnelId,
        peerSessionId: icrq.avps.assignedSessionId ?? 0,
        peerName: tunnel.policy.peerName || status.peerHostName,
        path: status.path,
        callingNumber: icrq.avps.callingNumber ?? '',
        calledNumber: icrq.avps.calledNumber ?? '',
        since_ms: now_ms,
      },
      config.mru_bytes,
    );
    const call = new Call(this.#context, info, (of, linkEvent, at_ms) => this.#handleLinkEvent(of, linkEvent, at_ms));
    this.#calls.set(sessionId, call);
    tunnel.calls.add(sessionId);
    tunnel.idleSince_ms = undefined;
    const { allowTunnelIdZero, addressControl } = tunnel.policy;
    call.addRow({ allowTunnelIdZero, addressControl, peerTunnelId: status.peerTunnelId, bindTun: false, config });
    endpoint.answerCall(sessionId, { accepted: true }, now_ms);
  }

  /** ICCN came: the session stands, PPP begins. */
  #connectCall(event: Extract<L2tpEvent, { type: 'call-connected' }>, now_ms: number): boolean {
    const call = this.#calls.get(event.sessionId);
    if (call === undefined || this.#linkConfig === undefined) return false;
    if (event.iccn?.avps.sequencingRequired) call.updateRow({ sequencing: true });
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
    const { callId, peerName, callingNumber, calledNumber } = info;
    call.note(11, 'question', 'authenticate', { user: userName, protocol: request.protocol }, now_ms);
    if (info.userName !== '' && info.userName !== userName) {
      // Address, routes and accounting are the first one's: LCP may begin anew, a call does not change hands.
      call.note(12, 'answer', 'refused', { user: userName, reason: `the call is ${info.userName}'s` }, now_ms);
      const answer = { accepted: false, message: 'Authentication failed' };
      call.withLink(now_ms, (link) => link.answerAuthentication(answer, now_ms));
      return;
    }
    this.#context.ask(
      { type: 'authenticate', callId, userName, request, peerName, callingNumber, calledNumber },
      (answer, at_ms) => {
        if (answer.type !== 'authenticate' || !this.#isAlive(call)) return;
        call.note(12, 'answer', answer.answer.accepted ? 'accepted' : 'refused', { user: userName }, at_ms);
        call.withLink(at_ms, (link) => link.answerAuthentication(answer.answer, at_ms));
      },
    );
  }

  #lease(call: Call, now_ms: number): void {
    const { info } = call;
    call.note(13, 'question', 'lease an address', { user: info.userName }, now_ms);
    this.#context.ask({ type: 'lease', callId: info.callId, userName: info.userName }, (answer, at_ms) => {
      if (answer.type !== 'lease' || !this.#isAlive(call)) return;
      this.#assignAddress(call, answer, at_ms);
    });
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
    const tunnel = this.#tunnels.get(event.tunnelId);
    if (tunnel?.calls.delete(event.sessionId) && tunnel.calls.size === 0) tunnel.idleSince_ms = now_ms;
    call.remove(now_ms);
    const end: CallEnd = { ...event.cause, reason: call.endReason || (event.cause.errorMessage ?? '') };
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
