/**
 * The LAC client's side of a call: it opens the tunnel (step 5) and the session (step 6) to an LNS by itself, runs PPP
 * as the remote PC would (7, 10, 13) and dials again with backoff whenever the call ends, without anybody's hand.
 * One profile, one call. No I/O.
 */

import type { L2tpEvent, TransportPath } from '../protocol/l2tp/endpoint.js';
import type { AuthenticationProtocol, PppLinkConfig, PppLinkEvent } from '../protocol/ppp/link.js';
import { octets } from '../wire/bytes.js';
import { beginningCall, Call, type PppTimers } from './call.js';
import { disconnectResult } from './lns.js';
import type { CallEnd, RoleContext } from './role.js';

/** A call that stood this long was a good one: the next redial starts from the initial delay again. */
const GOOD_CALL_MS = 60_000;
/** From the first SCCRQ to an address; a server that answers but never finishes is dialled anew. */
const SET_UP_TIMEOUT_MS = 60_000;

/** Framing Type and Bearer Type of a call that has neither modem nor line: synchronous, digital (RFC 2661 4.4.4). */
const SYNCHRONOUS_FRAMING = 1;
const DIGITAL_BEARER = 1;
/** What a voluntary tunnel says of its speed: the sending interface's is not known. */
const CONNECT_SPEED_BPS = 1_000_000_000;

export interface LacClientConfig {
  /** The profile's name, unique. */
  profile: string;
  /** Host name or address of the LNS. */
  server: string;
  port: number;
  /** Our own UDP port. */
  localPort: number;
  tunnelSecret: string;
  userName: string;
  password: string;
  authentication: readonly AuthenticationProtocol[];
  /** Index of the profile's own TUN. */
  tun: number;
  /** Networks behind this box that the far side may reach, beside the address that it assigns. */
  localNetworks: readonly string[];
  ipv6: boolean;
  mru_bytes: number;
  mssClamp: boolean;
  /** We number the data packets that we send (RFC 2661 section 5.4) and say so in the ICCN. */
  sequencing: boolean;
  redialInitial_ms: number;
  redialCap_ms: number;
  ppp: PppTimers;
}

/** What the status page shows of a profile. */
export interface ProfileStatus {
  profile: string;
  state: 'idle' | 'resolve' | 'wait-tunnel' | 'wait-reply' | 'ppp' | 'up' | 'closing';
  /** Why the last dial or call failed, in words; '' while all is well. */
  lastFailure: string;
  redialAt_ms: number | undefined;
  callId: number;
}

interface Profile {
  config: LacClientConfig;
  state: ProfileStatus['state'];
  tunnelId: number;
  sessionId: number;
  call: Call | undefined;
  callSerialNumber: number;
  delay_ms: number;
  upSince_ms: number | undefined;
  /** When to dial (idle) or to give up (any other state but up). */
  deadline_ms: number | undefined;
  lastFailure: string;
  /** Why this dial or call is about to end, '' while it is not. */
  endReason: string;
  /** Taken out of the configuration: no redial once it is down. */
  removed: boolean;
}

export class LacClient {
  readonly #context: RoleContext;
  readonly #profiles = new Map<string, Profile>();
  readonly #byTunnel = new Map<number, Profile>();
  readonly #bySession = new Map<number, Profile>();

  constructor(context: RoleContext) {
    this.#context = context;
  }

  /** Profiles new in `configs` are dialled, those that are gone hung up, changed ones hung up and dialled anew. */
  configure(configs: readonly LacClientConfig[], now_ms: number): void {
    const wanted = new Map(configs.map((config) => [config.profile, config]));
    for (const [name, profile] of this.#profiles) {
      const config = wanted.get(name);
      if (config !== undefined && JSON.stringify(config) === JSON.stringify(profile.config)) continue;
      profile.removed = true;
      this.#profiles.delete(name);
      this.#hangUp(profile, config === undefined ? 'the profile was switched off' : 'the profile was changed', now_ms);
    }
    for (const config of configs) {
      if (this.#profiles.has(config.profile)) continue;
      this.#profiles.set(config.profile, {
        config,
        state: 'idle',
        tunnelId: 0,
        sessionId: 0,
        call: undefined,
        callSerialNumber: 0,
        delay_ms: config.redialInitial_ms,
        upSince_ms: undefined,
        deadline_ms: now_ms,
        lastFailure: '',
        endReason: '',
        removed: false,
      });
    }
  }

  call(sessionId: number): Call | undefined {
    return this.#bySession.get(sessionId)?.call;
  }

  /** The profile that opened the tunnel. */
  tunnelName(tunnelId: number): string {
    return this.#byTunnel.get(tunnelId)?.config.profile ?? '';
  }

  *calls(): Iterable<Call> {
    for (const profile of this.#bySession.values()) if (profile.call !== undefined) yield profile.call;
  }

  profiles(): ProfileStatus[] {
    return [...this.#profiles.values()].map((profile) => ({
      profile: profile.config.profile,
      state: profile.state,
      lastFailure: profile.lastFailure,
      redialAt_ms: profile.state === 'idle' ? profile.deadline_ms : undefined,
      callId: profile.call?.info.callId ?? 0,
    }));
  }

  /** Hangs up; the profile dials again after its delay. */
  disconnect(sessionId: number, reason: string, now_ms: number): void {
    const profile = this.#bySession.get(sessionId);
    if (profile !== undefined) this.#hangUp(profile, reason, now_ms);
  }

  nextDeadline_ms(): number | undefined {
    let next: number | undefined;
    for (const { deadline_ms } of this.#profiles.values()) {
      if (deadline_ms !== undefined && (next === undefined || deadline_ms < next)) next = deadline_ms;
    }
    return next;
  }

  handleTimeout(now_ms: number): void {
    for (const profile of this.#profiles.values()) {
      if (profile.deadline_ms === undefined || profile.deadline_ms > now_ms) continue;
      profile.deadline_ms = undefined;
      if (profile.state === 'idle') this.#dial(profile, now_ms);
      else this.#hangUp(profile, 'the call did not come up in time', now_ms);
    }
  }

  // Step 5: the tunnel.

  #dial(profile: Profile, now_ms: number): void {
    profile.state = 'resolve';
    profile.endReason = '';
    profile.deadline_ms = now_ms + SET_UP_TIMEOUT_MS;
    const { server: host } = profile.config;
    this.#context.ask({ type: 'resolve', profile: profile.config.profile, host }, (answer, at_ms) => {
      if (answer.type !== 'resolve' || profile.state !== 'resolve' || profile.removed) return;
      if (answer.address === undefined) {
        this.#redialLater(profile, `the server's name ${host} has no address: ${answer.reason}`, at_ms);
        return;
      }
      this.#openTunnel(profile, answer.address, at_ms);
    });
  }

  #openTunnel(profile: Profile, peerAddress: string, now_ms: number): void {
    const { config } = profile;
    const path: TransportPath = {
      encapsulation: 'udp',
      localAddress: '',
      localPort: config.localPort,
      peerAddress,
      peerPort: config.port,
    };
    profile.state = 'wait-tunnel';
    profile.tunnelId = this.#context.endpoint.openTunnel(
      { path, secret: config.tunnelSecret === '' ? undefined : octets(config.tunnelSecret) },
      now_ms,
    );
    this.#byTunnel.set(profile.tunnelId, profile);
  }

  /** True when the event was about a tunnel or call of a profile. */
  handleEvent(event: L2tpEvent, now_ms: number): boolean {
    switch (event.type) {
      case 'tunnel-established':
        return this.#tunnelEstablished(event.tunnelId, now_ms);
      case 'tunnel-closed':
        return this.#tunnelClosed(event, now_ms);
      case 'call-replied':
        return this.#callReplied(event, now_ms);
      case 'call-connected':
        return this.#callConnected(event.sessionId, now_ms);
      case 'call-closed':
        return this.#callClosed(event, now_ms);
      default:
        return false;
    }
  }

  #tunnelClosed(event: Extract<L2tpEvent, { type: 'tunnel-closed' }>, now_ms: number): boolean {
    const profile = this.#byTunnel.get(event.tunnelId);
    if (profile === undefined) return false;
    this.#byTunnel.delete(event.tunnelId);
    profile.tunnelId = 0;
    const { by, resultCode, errorMessage } = event.cause;
    const reason =
      by === 'timeout'
        ? 'the LNS does not answer'
        : `the tunnel was closed by the ${by === 'peer' ? 'LNS' : 'client'}: result ${resultCode}${errorMessage ? `, ${errorMessage}` : ''}`;
    this.#redialLater(profile, profile.endReason || reason, now_ms);
    return true;
  }

  // Step 6: the session.

  #tunnelEstablished(tunnelId: number, now_ms: number): boolean {
    const profile = this.#byTunnel.get(tunnelId);
    if (profile === undefined) return false;
    profile.state = 'wait-reply';
    profile.callSerialNumber = this.#context.nextCallId();
    profile.sessionId = this.#context.endpoint.placeCall(
      tunnelId,
      { callSerialNumber: profile.callSerialNumber, bearerType: DIGITAL_BEARER },
      now_ms,
    );
    this.#bySession.set(profile.sessionId, profile);
    return true;
  }

  #callReplied(event: Extract<L2tpEvent, { type: 'call-replied' }>, now_ms: number): boolean {
    const profile = this.#bySession.get(event.sessionId);
    const status = this.#context.endpoint.tunnel(event.tunnelId);
    if (profile === undefined || status === undefined) return false;
    const { config, sessionId } = profile;
    const info = beginningCall(
      {
        callId: profile.callSerialNumber,
        role: 'lac-client',
        sessionId,
        tunnelId: event.tunnelId,
        peerSessionId: event.peerSessionId,
        peerName: status.peerHostName,
        path: status.path,
        profile: config.profile,
        userName: config.userName,
        routes: config.localNetworks,
        since_ms: now_ms,
      },
      config.mru_bytes,
    );
    profile.call = new Call(this.#context, info, (call, linkEvent, at_ms) =>
      this.#handleLinkEvent(profile, call, linkEvent, at_ms),
    );
    const { peerTunnelId } = status;
    profile.call.addRow({ allowTunnelIdZero: false, addressControl: 'detect', peerTunnelId, bindTun: true, config });
    this.#context.endpoint.connectCall(
      sessionId,
      {
        txConnectSpeed_bps: CONNECT_SPEED_BPS,
        framingType: SYNCHRONOUS_FRAMING,
        ...(config.sequencing && { sequencingRequired: true }),
      },
      now_ms,
    );
    return true;
  }

  /** ICCN is out: PPP begins. */
  #callConnected(sessionId: number, now_ms: number): boolean {
    const profile = this.#bySession.get(sessionId);
    if (profile?.call === undefined) return false;
    profile.state = 'ppp';
    profile.call.startLink(linkConfig(profile.config), now_ms);
    return true;
  }

  // Steps 7, 10 and 13: the link's events.

  #handleLinkEvent(profile: Profile, call: Call, event: PppLinkEvent, now_ms: number): void {
    switch (event.type) {
      case 'ipcp-up':
        profile.state = 'up';
        profile.deadline_ms = undefined;
        profile.upSince_ms = now_ms;
        profile.lastFailure = '';
        call.updateRow({
          ipv4Open: true,
          destinations: [`${event.localAddress}/32`, ...profile.config.localNetworks],
        });
        call.note(13, 'note', 'address assigned', { address: event.localAddress, gateway: event.peerAddress }, now_ms);
        this.#context.emit({ type: 'call-up', call: { ...call.info } });
        break;
      case 'ipcp-down':
        // LCP or IPCP begins anew: it has as long to come up again as it had the first time.
        if (profile.state !== 'up') break;
        profile.state = 'ppp';
        profile.deadline_ms = now_ms + SET_UP_TIMEOUT_MS;
        break;
      case 'ipv6cp-up':
        call.updateRow({ ipv6Open: true });
        this.#context.emit({ type: 'call-changed', call: { ...call.info } });
        break;
      case 'down':
        call.endReason ||= event.message;
        this.#context.endpoint.closeCall(call.info.sessionId, disconnectResult(event.reason, call.endReason), now_ms);
        break;
    }
  }

  // The end, and the next beginning.

  #callClosed(event: Extract<L2tpEvent, { type: 'call-closed' }>, now_ms: number): boolean {
    const profile = this.#bySession.get(event.sessionId);
    if (profile === undefined) return false;
    this.#bySession.delete(event.sessionId);
    profile.sessionId = 0;
    const { call } = profile;
    profile.call = undefined;
    const { by, resultCode, errorMessage } = event.cause;
    const reason = call?.endReason || (errorMessage ?? '') || `result ${resultCode}`;
    // l2tpns refuses a user without a CHAP Failure.
    const wasRefused = by === 'peer' && call?.info.state === 'authenticate';
    profile.endReason = wasRefused
      ? `the LNS hung up during authentication: ${reason}; look at user name and password`
      : `the call ended: ${reason}`;
    if (call !== undefined) {
      call.remove(now_ms);
      const end: CallEnd = { ...event.cause, reason };
      call.note(0, 'note', 'call ended', { ...end }, now_ms);
      this.#context.emit({ type: 'call-ended', call: { ...call.info }, end });
    }
    // A tunnel of a profile carries its one call alone: it goes with it.
    if (profile.tunnelId !== 0) this.#context.endpoint.closeTunnel(profile.tunnelId, { resultCode: 1 }, now_ms);
    return true;
  }

  #hangUp(profile: Profile, reason: string, now_ms: number): void {
    const { call } = profile;
    profile.endReason = reason;
    if (call !== undefined && (profile.state === 'ppp' || profile.state === 'up')) {
      profile.state = 'closing';
      profile.deadline_ms = now_ms + SET_UP_TIMEOUT_MS;
      call.endReason = reason;
      call.withLink(now_ms, (link) => link.close(reason, now_ms));
    } else if (profile.tunnelId !== 0) {
      this.#context.endpoint.closeTunnel(profile.tunnelId, { resultCode: 1, errorMessage: reason }, now_ms);
    } else if (profile.state !== 'idle') {
      this.#redialLater(profile, reason, now_ms);
    }
  }

  /** Exponential backoff with up to a quarter of jitter, so that branches do not redial in step. */
  #redialLater(profile: Profile, reason: string, now_ms: number): void {
    const { redialInitial_ms, redialCap_ms } = profile.config;
    const wasGood = profile.upSince_ms !== undefined && now_ms - profile.upSince_ms >= GOOD_CALL_MS;
    if (wasGood) profile.delay_ms = redialInitial_ms;
    profile.upSince_ms = undefined;
    profile.lastFailure = reason;
    profile.state = 'idle';
    const jitter = this.#context.random(1)[0] / 256 / 4;
    const redialAfter_ms = profile.removed ? undefined : Math.round(profile.delay_ms * (1 + jitter));
    profile.deadline_ms = redialAfter_ms === undefined ? undefined : now_ms + redialAfter_ms;
    this.#context.emit({ type: 'dial-ended', profile: profile.config.profile, reason, redialAfter_ms });
    profile.delay_ms = Math.min(profile.delay_ms * 2, redialCap_ms);
  }
}

function linkConfig(config: LacClientConfig): PppLinkConfig {
  return {
    side: 'peer',
    mru_bytes: config.mru_bytes,
    peer: { name: config.userName, password: config.password, allow: config.authentication },
    ipv4: true,
    ipv6: config.ipv6,
    ...config.ppp,
  };
}
