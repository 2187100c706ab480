/**
 * The LAC client's side of a call: it opens the tunnel (step 5) and the session (step 6) to an LNS by itself, runs PPP
 * as the remote PC would (7, 10, 13) and dials again with backoff whenever the call ends, without anybody's hand.
 * One profile, one call. No I/O.
 */

import type { L2tpEvent } from '../protocol/l2tp/endpoint.js';
import type { AuthenticationProtocol, PppLinkConfig, PppLinkEvent } from '../protocol/ppp/link.js';
import { PSEUDOWIRE_TYPE } from '../wire/avp.js';
import { beginningCall, Call, type PppTimers } from './call.js';
import { agreedTerms, type DataTerms, localTerms, termsAvps, version2Terms } from './data-terms.js';
import { Dialler, type DialTarget } from './dialler.js';
import { causeOfLink, causeOfSession, disconnectResult } from './link-end.js';
import type { CallEnd, RoleContext } from './role.js';

/** Framing Type and Bearer Type of a call that has neither modem nor line: synchronous, digital (RFC 2661 4.4.4). */
const SYNCHRONOUS_FRAMING = 1;
const DIGITAL_BEARER = 1;
/** Result Code of a CDN, RFC 3931 section 5.4.2: unsupported pseudowire type. */
const CDN_UNSUPPORTED_PSEUDOWIRE = 14;
/** What a voluntary tunnel says of its speed: the sending interface's is not known. */
const CONNECT_SPEED_BPS = 1_000_000_000;

export interface LacClientConfig extends DialTarget {
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
  /**
   * Version 2: we number the data packets that we send (RFC 2661 section 5.4) and say so in the ICCN. Version 3: we want
   * those that come numbered (RFC 3931 section 5.4.4).
   */
  sequencing: boolean;
  /** Of the cookie that we assign in version 3: 0, 4 or 8. */
  cookie_bytes: number;
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
  dialler: Dialler;
  /** Of the call in a tunnel that is open. */
  state: 'wait-reply' | 'ppp' | 'up' | 'closing';
  sessionId: number;
  call: Call | undefined;
  callSerialNumber: number;
  terms: DataTerms;
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
    const wanted = new Map(configs.map((config) => [config.name, config]));
    for (const [name, profile] of this.#profiles) {
      const config = wanted.get(name);
      if (config !== undefined && JSON.stringify(config) === JSON.stringify(profile.config)) continue;
      profile.dialler.retire();
      this.#profiles.delete(name);
      this.#hangUp(profile, config === undefined ? 'the profile was switched off' : 'the profile was changed', now_ms);
    }
    for (const config of configs) {
      if (!this.#profiles.has(config.name)) this.#addProfile(config, now_ms);
    }
  }

  #addProfile(config: LacClientConfig, now_ms: number): void {
    const profile: Profile = {
      config,
      dialler: new Dialler(this.#context, 'lac-client', config, now_ms, (tunnelId) =>
        this.#byTunnel.set(tunnelId, profile),
      ),
      state: 'wait-reply',
      sessionId: 0,
      call: undefined,
      callSerialNumber: 0,
      terms: localTerms(this.#context.random, 0, false),
    };
    this.#profiles.set(config.name, profile);
  }

  call(sessionId: number): Call | undefined {
    return this.#bySession.get(sessionId)?.call;
  }

  /** The profile that opened the tunnel. */
  tunnelName(tunnelId: number): string {
    return this.#byTunnel.get(tunnelId)?.config.name ?? '';
  }

  get callCount(): number {
    return Array.from(this.calls()).length;
  }

  *calls(): Iterable<Call> {
    for (const profile of this.#bySession.values()) if (profile.call !== undefined) yield profile.call;
  }

  profiles(): ProfileStatus[] {
    return [...this.#profiles].map(([profile, { state, dialler, call }]) => ({
      profile,
      state: dialler.phase === 'open' ? state : dialler.phase,
      lastFailure: dialler.lastFailure,
      redialAt_ms: dialler.redialAt_ms,
      callId: call?.info.callId ?? 0,
    }));
  }

  /** Hangs up; the profile dials again after its delay. */
  disconnect(sessionId: number, reason: string, now_ms: number): void {
    const profile = this.#bySession.get(sessionId);
    if (profile !== undefined) this.#hangUp(profile, reason, now_ms);
  }

  nextDeadline_ms(): number | undefined {
    let next: number | undefined;
    for (const { dialler } of this.#profiles.values()) {
      const { deadline_ms } = dialler;
      if (deadline_ms !== undefined && (next === undefined || deadline_ms < next)) next = deadline_ms;
    }
    return next;
  }

  handleTimeout(now_ms: number): void {
    for (const profile of this.#profiles.values()) {
      const { dialler } = profile;
      if (!dialler.takeDue(now_ms)) continue;
      if (dialler.phase === 'idle') dialler.dial(now_ms);
      else this.#hangUp(profile, 'the call did not come up in time', now_ms);
    }
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
    profile.dialler.tunnelClosed(event.cause, now_ms);
    return true;
  }

  // Step 6: the session.

  #tunnelEstablished(tunnelId: number, now_ms: number): boolean {
    const profile = this.#byTunnel.get(tunnelId);
    if (profile === undefined) return false;
    const { cookie_bytes, sequencing } = profile.config;
    profile.dialler.established();
    profile.state = 'wait-reply';
    profile.callSerialNumber = this.#context.nextCallId();
    profile.terms = localTerms(this.#context.random, cookie_bytes, sequencing);
    const { callSerialNumber } = profile;
    const icrq = {
      callSerialNumber,
      bearerType: DIGITAL_BEARER,
      pseudowireType: PSEUDOWIRE_TYPE.ppp,
      ...termsAvps(profile.terms),
    };
    profile.sessionId = this.#context.endpoint.placeCall(tunnelId, icrq, now_ms);
    this.#bySession.set(profile.sessionId, profile);
    return true;
  }

  #callReplied(event: Extract<L2tpEvent, { type: 'call-replied' }>, now_ms: number): boolean {
    const profile = this.#bySession.get(event.sessionId);
    const status = this.#context.endpoint.tunnel(event.tunnelId);
    if (profile === undefined || status === undefined) return false;
    const { config, sessionId } = profile;
    const version = status.version === 3 ? 3 : 2;
    const info = beginningCall(
      {
        callId: profile.callSerialNumber,
        role: 'lac-client',
        version,
        sessionId,
        tunnelId: event.tunnelId,
        peerSessionId: event.peerSessionId,
        peerName: status.peerHostName,
        path: status.path,
        profile: config.name,
        userName: config.userName,
        routes: config.localNetworks,
        since_ms: now_ms,
      },
      config.mru_bytes,
      this.#context.accountingPrefix,
    );
    profile.call = new Call(this.#context, info, (call, linkEvent, at_ms) =>
      this.#handleLinkEvent(profile, call, linkEvent, at_ms),
    );
    profile.call.addRow({
      allowTunnelIdZero: false,
      addressControl: 'detect',
      peerTunnelId: status.peerTunnelId,
      bindTun: true,
      config,
      terms: version === 3 ? agreedTerms(profile.terms, event.icrp.avps) : version2Terms(config.sequencing),
    });
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
        profile.dialler.cameUp(now_ms);
        call.updateRow({
          ipv4Open: true,
          destinations: [`${event.localAddress}/32`, ...profile.config.localNetworks],
        });
        call.note(13, 'note', 'address assigned', { address: event.localAddress, gateway: event.peerAddress }, now_ms);
        this.#context.emit({ type: 'call-up', call: call.info });
        break;
      case 'ipcp-down':
        // LCP or IPCP begins anew: it has as long to come up again as it had the first time.
        if (profile.state !== 'up') break;
        profile.state = 'ppp';
        profile.dialler.allowTime(now_ms);
        break;
      case 'ipv6cp-up':
        call.updateRow({ ipv6Open: true });
        this.#context.emit({ type: 'call-changed', call: call.info });
        break;
      case 'down':
        call.end(causeOfLink(event.reason), event.message);
        this.#context.endpoint.closeCall(
          call.info.sessionId,
          disconnectResult(event.reason, call.ending?.reason ?? ''),
          now_ms,
        );
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
    const reason = call?.ending?.reason || (errorMessage ?? '') || `result ${resultCode}`;
    // l2tpns refuses a user without a CHAP Failure.
    const wasRefused = by === 'peer' && call?.info.state === 'authenticate';
    const endReason = wasRefused
      ? `the LNS hung up during authentication: ${reason}; look at user name and password`
      : resultCode === CDN_UNSUPPORTED_PSEUDOWIRE
        ? `the LNS takes no PPP over version 3: set the profile's encapsulation to udp2 (${reason})`
        : `the call ended: ${reason}`;
    if (call !== undefined) {
      call.remove(now_ms);
      const end: CallEnd = {
        ...event.cause,
        reason,
        terminateCause: call.ending?.terminateCause ?? causeOfSession(event.cause),
      };
      call.note(0, 'note', 'call ended', { ...end }, now_ms);
      this.#context.emit({ type: 'call-ended', call: call.info, end });
    }
    // A tunnel of a profile carries its one call alone: it goes with it.
    profile.dialler.close(endReason, now_ms);
    return true;
  }

  #hangUp(profile: Profile, reason: string, now_ms: number): void {
    const { call, dialler } = profile;
    if (call === undefined || (profile.state !== 'ppp' && profile.state !== 'up')) {
      dialler.close(reason, now_ms);
      return;
    }
    profile.state = 'closing';
    dialler.allowTime(now_ms);
    call.end('admin-reset', reason);
    call.withLink(now_ms, (link) => link.close(reason, now_ms));
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
