/**
 * One PPP link: the phases of RFC 1661 section 3.2 (establish, authenticate, network, terminate), its questions to the
 * outside and its events. Must not know what carries it, nor how questions are answered.
 */

import { octets, type RandomBytes } from '../../wire/bytes.js';
import {
  type ControlPacket,
  emitPppControlPacket,
  PPP_PROTOCOL,
  type PppFrame,
  parsePppControlPacket,
} from '../../wire/ppp.js';
import { AuthenticationPhase, type ProxiedAuthentication } from './authentication-phase.js';
import { ProtocolRefusal } from './ccp.js';
import { earliest } from './earliest.js';
import { Keepalive } from './keepalive.js';
import { Lcp, type LcpConfig } from './lcp.js';
import {
  type AuthenticationSignal,
  type ControlSignal,
  LinkOutbox,
  type LinkSignal,
  type NetworkSignal,
} from './link-outbox.js';
import type {
  AuthenticationAnswer,
  AuthenticationProtocol,
  LinkDownReason,
  NetworkParameters,
  PppLinkConfig,
  PppLinkEvent,
  ProxiedLink,
} from './link-types.js';
import { NetworkPhase } from './network-phase.js';
import { readOrDrop } from './peer-octets.js';
import { judgeProxiedLink } from './proxied-link.js';

export type * from './link-types.js';

/** RFC 1661 section 3.2. */
export type LinkPhase = 'dead' | 'establish' | 'authenticate' | 'network' | 'terminate';

/** Protocols from here on have control packets (RFC 1661 section 2). */
const FIRST_CONTROL_PROTOCOL = 0x8000;

/** LCP frames that come before start() are kept for it: so many, the rest is dropped. */
const MAX_EARLY_FRAMES = 4;

/** PppLinkConfig.overEthernet. pppd takes some 10 ms from PADS to its first frame, and drops what comes before. */
export const HOST_SILENCE_MS = 300;

interface LinkEnd {
  reason: LinkDownReason;
  message: string;
}

export class PppLink {
  /** Frames of the peer that had no effect: what could not be read, and what did not fit the phase. */
  readonly drops = { malformed: 0, outOfPhase: 0, afterEnd: 0 };
  readonly #config: PppLinkConfig;
  readonly #outbox = new LinkOutbox();
  readonly #lcp: Lcp;
  readonly #authentication: AuthenticationPhase;
  readonly #network: NetworkPhase;
  readonly #keepalive: Keepalive;
  #refusal: ProtocolRefusal | undefined;
  #phase: LinkPhase = 'dead';
  #hasStarted = false;
  #hasEnded = false;
  /** When the lower layer is up; 0 when it is, or when that is somebody else's to say. */
  #lowerUpAt_ms = 0;
  /** Why the link is about to end, once it is. */
  #end: LinkEnd | undefined;
  /** A Terminate-Request came while LCP was not up: the reason if LCP does not come up any more. */
  #peerTerminated: LinkEnd | undefined;
  #early: PppFrame[] | undefined;
  /** What a LAC has handed over, until the authentication phase has it. */
  #proxied: ProxiedAuthentication | undefined;

  constructor(config: PppLinkConfig, random: RandomBytes) {
    this.#config = config;
    this.#lcp = new Lcp(lcpConfig(config), config, random, this.#outbox);
    this.#authentication = new AuthenticationPhase(config, random, this.#outbox);
    this.#network = new NetworkPhase(config, random, this.#outbox);
    this.#keepalive = new Keepalive(config.echoInterval_ms, config.echoFailures);
  }

  get phase(): LinkPhase {
    return this.#phase;
  }

  /** Why the link is about to end: 'down' follows; undefined as long as it is to stand. */
  get ending(): { readonly reason: LinkDownReason; readonly message: string } | undefined {
    return this.#end;
  }

  /** The call is connected: LCP opens. Once. */
  start(now_ms: number): void {
    if (this.#hasStarted) throw new Error('the link has been started before');
    this.#hasStarted = true;
    if (this.#hasEnded) return;
    this.#phase = 'establish';
    this.#lcp.open(now_ms);
    if (this.#config.overEthernet) this.#lowerUpAt_ms = now_ms + HOST_SILENCE_MS;
    else this.#lcp.lowerUp(now_ms);
    this.#finishWork(now_ms);
    this.#handleEarly(now_ms);
  }

  /**
   * Instead of start(): LCP stands as the LAC has negotiated it, and authentication goes on from where it has come to.
   * A text says why that cannot be taken; then nothing has been done, and start() may follow, which begins LCP anew.
   */
  startProxied(proxied: ProxiedLink, now_ms: number): string | undefined {
    if (this.#hasStarted) throw new Error('the link has been started before');
    const lcp = judgeProxiedLink(proxied, lcpConfig(this.#config));
    if (typeof lcp === 'string') return lcp;
    this.#hasStarted = true;
    if (this.#hasEnded) return undefined;
    const { request, challengeAgain } = proxied;
    this.#proxied = { request, challengeAgain };
    this.#lcp.startProxied(lcp.ours, lcp.peers);
    this.#finishWork(now_ms);
    this.#handleEarly(now_ms);
    return undefined;
  }

  /** Takes the protocol number and the information of one frame. Never throws for what is in them. */
  handleFrame(protocol: number, information: Uint8Array, now_ms: number): void {
    if (this.#hasEnded) {
      this.drops.afterEnd++;
      return;
    }
    if (!this.#hasStarted) {
      this.#hold(protocol, information);
      return;
    }
    this.#lowerUp(now_ms);
    this.#keepalive.noteLife(now_ms);
    switch (protocol) {
      case PPP_PROTOCOL.lcp:
      case PPP_PROTOCOL.pap:
      case PPP_PROTOCOL.chap:
      case PPP_PROTOCOL.ipcp:
      case PPP_PROTOCOL.ipv6cp:
        this.#handleControlFrame(protocol, information, now_ms);
        break;
      default:
        this.#handleForeignFrame(protocol, information, now_ms);
    }
    this.#finishWork(now_ms);
  }

  handleTimeout(now_ms: number): void {
    if (this.#hasEnded) return;
    if (now_ms >= this.#lowerUpAt_ms) this.#lowerUp(now_ms);
    this.#lcp.handleTimeout(now_ms);
    this.#finishWork(now_ms);
    this.#authentication.handleTimeout(now_ms);
    this.#finishWork(now_ms);
    this.#network.handleTimeout(now_ms);
    const due = this.#keepalive.handleTimeout(now_ms);
    if (due === 'dead') this.#terminate('echo-timeout', 'the peer does not answer Echo-Requests', now_ms);
    else if (due === 'echo' && !this.#lcp.sendEchoRequest()) this.#keepalive.stop();
    this.#finishWork(now_ms);
  }

  /** The answer to 'authentication-request'. Throws when none was asked, or a second time. */
  answerAuthentication(answer: AuthenticationAnswer, now_ms: number): void {
    this.#authentication.answer(answer, now_ms);
    this.#finishWork(now_ms);
  }

  /** The answer to 'network-request'. Throws when none was asked, or a second time. */
  answerNetwork(parameters: NetworkParameters, now_ms: number): void {
    this.#network.answer(parameters, now_ms);
    this.#finishWork(now_ms);
  }

  /** Ends the link by Terminate-Request; 'down' follows when the peer has acknowledged it or does not. */
  close(message: string, now_ms: number): void {
    if (this.#hasEnded) return;
    if (this.#hasStarted) this.#terminate('local-close', message, now_ms);
    else this.#finish({ reason: 'local-close', message });
    this.#finishWork(now_ms);
  }

  /** The call is gone: the link ends without another packet, for the reason that stood, else as the peer's doing. */
  lowerDown(now_ms: number): void {
    if (this.#hasEnded) return;
    this.#end ??= this.#peerTerminated ?? { reason: 'peer-terminated', message: 'the call is gone' };
    if (this.#lowerUpAt_ms === 0) this.#lcp.lowerDown(now_ms);
    this.#finishWork(now_ms);
    this.#finish(this.#end);
    this.#outbox.dropFrames();
  }

  /** Data came from the peer: no echo is needed. */
  noteTraffic(now_ms: number): void {
    this.#keepalive.noteLife(now_ms);
  }

  pollTransmit(): PppFrame | undefined {
    return this.#outbox.pollTransmit();
  }

  pollEvent(): PppLinkEvent | undefined {
    return this.#outbox.pollEvent();
  }

  /** When handleTimeout wants to be called, in absolute ms. */
  pollTimeout(): number | undefined {
    if (this.#hasEnded) return undefined;
    return earliest(
      this.#lowerUpAt_ms === 0 ? undefined : this.#lowerUpAt_ms,
      this.#lcp.pollTimeout(),
      this.#keepalive.pollTimeout(),
      this.#authentication.pollTimeout(),
      this.#network.pollTimeout(),
    );
  }

  /** Of a link over Ethernet: its host listens, or has been waited for. */
  #lowerUp(now_ms: number): void {
    if (this.#lowerUpAt_ms === 0) return;
    this.#lowerUpAt_ms = 0;
    this.#lcp.lowerUp(now_ms);
    this.#finishWork(now_ms);
  }

  #hold(protocol: number, information: Uint8Array): void {
    this.#early ??= [];
    if (protocol === PPP_PROTOCOL.lcp && this.#early.length < MAX_EARLY_FRAMES) {
      this.#early.push({ protocol, information: information.slice() });
    } else {
      this.drops.outOfPhase++;
    }
  }

  #handleEarly(now_ms: number): void {
    const early = this.#early ?? [];
    this.#early = undefined;
    for (const { protocol, information } of early) this.handleFrame(protocol, information, now_ms);
  }

  #handleControlFrame(protocol: number, information: Uint8Array, now_ms: number): void {
    const packet = readOrDrop(() => parsePppControlPacket(information));
    if (packet === undefined) {
      this.drops.malformed++;
      return;
    }
    this.#outbox.emit({ type: 'message', direction: 'received', protocol, packet: information.slice() });
    if (protocol === PPP_PROTOCOL.lcp) this.#lcp.handlePacket(packet, now_ms);
    else if (!this.#handleUpperPacket(protocol, packet, now_ms)) this.drops.outOfPhase++;
  }

  /** False: in this phase the packet must be silently discarded (RFC 1661 sections 3.4, 3.5, 3.7). */
  #handleUpperPacket(protocol: number, packet: ControlPacket, now_ms: number): boolean {
    if (protocol === PPP_PROTOCOL.pap || protocol === PPP_PROTOCOL.chap) {
      if (this.#phase !== 'authenticate' && this.#phase !== 'network') return false;
      return this.#authentication.handlePacket(protocol, packet, now_ms);
    }
    if (this.#phase !== 'network') return false;
    this.#network.handlePacket(protocol, packet, now_ms);
    return true;
  }

  #handleForeignFrame(protocol: number, information: Uint8Array, now_ms: number): void {
    if (protocol >= FIRST_CONTROL_PROTOCOL) {
      this.#outbox.emit({ type: 'message', direction: 'received', protocol, packet: information.slice() });
    }
    if (this.#phase === 'network') this.#refuse(protocol, information, now_ms);
    else this.drops.outOfPhase++;
  }

  #refuse(protocol: number, information: Uint8Array, now_ms: number): void {
    this.#refusal ??= new ProtocolRefusal();
    if (this.#refusal.isDue(protocol, now_ms)) this.#lcp.sendProtocolReject(protocol, information);
    else this.drops.outOfPhase++;
  }

  #handleLcpSignal(signal: ControlSignal, now_ms: number): void {
    if (this.#hasEnded) return;
    switch (signal.type) {
      case 'up':
        this.#enterAuthenticate(now_ms);
        return;
      case 'down':
        this.#leaveOpened(now_ms);
        return;
      case 'finished':
        this.#finish(this.#end ?? this.#peerTerminated ?? { reason: 'lcp-timeout', message: 'the peer is silent' });
        return;
      case 'peer-terminated':
        this.#notePeerTerminated(signal.message);
        return;
      case 'failed':
        this.#terminate('negotiation-failed', signal.message, now_ms);
        return;
      case 'loopback':
        this.#terminate('loopback', 'what we send comes back', now_ms);
        return;
      case 'protocol-rejected':
        this.#handleProtocolReject(signal.protocol, now_ms);
    }
  }

  /** Link Establishment is complete, for the first time or after a renegotiation. */
  #enterAuthenticate(now_ms: number): void {
    const { demanded, promised, ...agreement } = this.#lcp.agreement;
    const authentication = demanded ?? promised;
    this.#peerTerminated = undefined;
    this.#phase = 'authenticate';
    this.#outbox.emit({ type: 'lcp-up', ...agreement, ...(authentication === undefined ? {} : { authentication }) });
    this.#keepalive.start(now_ms);
    const proxied = this.#proxied;
    this.#proxied = undefined;
    this.#authentication.start(demanded, promised, proxied, now_ms);
  }

  #enterNetwork(now_ms: number): void {
    this.#phase = 'network';
    this.#network.start(now_ms);
  }

  /** "The receipt of the LCP Configure-Request causes a return to the Link Establishment phase", section 3.4. */
  #leaveOpened(now_ms: number): void {
    this.#phase = this.#end === undefined ? 'establish' : 'terminate';
    this.#keepalive.stop();
    this.#authentication.stop();
    this.#network.stop(now_ms);
  }

  /**
   * In state Opened this is the end. Before, the table goes on asking, and a peer that has answered a CHAP Response by
   * nothing but this has refused us (RFC 1994 section 4.1).
   */
  #notePeerTerminated(message: string): void {
    const end: LinkEnd = this.#authentication.awaitsVerdict
      ? { reason: 'authentication-failed', message: message || 'the peer ends the link instead of accepting us' }
      : { reason: 'peer-terminated', message };
    if (this.#phase === 'establish') this.#peerTerminated = end;
    else this.#end ??= end;
  }

  #handleProtocolReject(protocol: number, now_ms: number): void {
    if (protocol === PPP_PROTOCOL.ipcp || protocol === PPP_PROTOCOL.ipv6cp) {
      this.#network.handleProtocolReject(protocol, now_ms);
    } else if (this.#phase === 'authenticate' && (protocol === PPP_PROTOCOL.pap || protocol === PPP_PROTOCOL.chap)) {
      this.#terminate('negotiation-failed', 'the peer rejects the authentication protocol', now_ms);
    }
  }

  #terminate(reason: LinkDownReason, message: string, now_ms: number): void {
    if (this.#hasEnded) return;
    this.#end ??= { reason, message };
    this.#phase = 'terminate';
    this.#authentication.stop();
    this.#lcp.close(this.#end.message, now_ms);
  }

  #finish(end: LinkEnd): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#phase = 'dead';
    this.#outbox.dropSignals();
    this.#outbox.emit({ type: 'down', ...end });
  }

  /** Deals with what the parts of the link have said, until they are silent. */
  #finishWork(now_ms: number): void {
    for (let said = this.#outbox.pollSignal(); said !== undefined; said = this.#outbox.pollSignal()) {
      this.#handleSignal(said, now_ms);
    }
  }

  #handleSignal(said: LinkSignal, now_ms: number): void {
    switch (said.from) {
      case 'control':
        if (said.machine === this.#lcp) this.#handleLcpSignal(said.signal, now_ms);
        else this.#network.handleSignal(said.machine, said.signal, now_ms);
        return;
      case 'authentication':
        this.#handleAuthenticationSignal(said.signal, now_ms);
        return;
      case 'network':
        this.#handleNetworkSignal(said.signal, now_ms);
    }
  }

  #handleAuthenticationSignal(signal: AuthenticationSignal, now_ms: number): void {
    if (signal.type === 'failed') this.#terminate(signal.reason, signal.message, now_ms);
    else if (this.#phase === 'authenticate') this.#enterNetwork(now_ms);
  }

  #handleNetworkSignal(signal: NetworkSignal, now_ms: number): void {
    switch (signal.type) {
      case 'ncp-ended':
        this.#network.endIfAlone(signal.message);
        return;
      case 'no-network-protocol':
        this.#terminate('no-network-protocol', signal.message, now_ms);
        return;
      case 'not-run':
        this.#refuse(signal.protocol, emitPppControlPacket(signal.packet), now_ms);
    }
  }
}

const lcpConfigs = new WeakMap<PppLinkConfig, LcpConfig>();

/** Of all links of a configuration. */
function lcpConfig(config: PppLinkConfig): LcpConfig {
  let known = lcpConfigs.get(config);
  if (known === undefined) {
    known = {
      mru_bytes: config.mru_bytes,
      demand: config.authenticator?.protocols ?? [],
      allow: feasible(config.peer),
      overEthernet: config.overEthernet === true,
      withoutAccm: config.withoutAccm === true,
    };
    lcpConfigs.set(config, known);
  }
  return known;
}

/** What we can authenticate ourselves with: PAP has room for 255 octets of name and of password (RFC 1334 2.2.1). */
function feasible(peer: PppLinkConfig['peer']): readonly AuthenticationProtocol[] {
  if (peer === undefined) return [];
  const fitsPap = octets(peer.name).length <= 255 && octets(peer.password).length <= 255;
  return fitsPap ? peer.allow : peer.allow.filter((protocol) => protocol !== 'pap');
}
