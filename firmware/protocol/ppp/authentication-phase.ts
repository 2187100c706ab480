/**
 * The Authentication phase of a link (RFC 1661 section 3.5), in either direction or both, and what of it goes on
 * while the link is up: repeated responses and repeated challenges. Must not know LCP or what comes after.
 */

import { CHAP_CODE, PAP_CODE } from '../../wire/authentication.js';
import { octets, type RandomBytes } from '../../wire/bytes.js';
import { type ControlPacket, PPP_PROTOCOL } from '../../wire/ppp.js';
import type {
  Authenticatee,
  AuthenticateeSignal,
  Authenticator,
  AuthenticatorSignal,
  StandingReply,
} from './authentication.js';
import { ChapAuthenticator, ChapPeer } from './chap.js';
import { earliest } from './earliest.js';
import { Identifiers } from './identifiers.js';
import type { LinkOutbox } from './link-outbox.js';
import type {
  AuthenticationAnswer,
  AuthenticationProtocol,
  AuthenticationRequest,
  LinkDownReason,
  PppLinkConfig,
  ProxiedLink,
} from './link-types.js';
import { PapAuthenticator, PapPeer } from './pap.js';
import { Question } from './question.js';

/** What a LAC hands over of its authentication phase. */
export type ProxiedAuthentication = Pick<ProxiedLink, 'request' | 'challengeAgain'>;

interface Side<Machine> {
  readonly protocol: number;
  readonly machine: Machine;
  isDone: boolean;
}

export class AuthenticationPhase {
  readonly #config: PppLinkConfig;
  readonly #random: RandomBytes;
  readonly #outbox: LinkOutbox;
  readonly #question = new Question<AuthenticationRequest>();
  /** Of our Challenges and Authenticate-Requests. */
  readonly #identifiers: Identifiers;
  /** We find out who the peer is. */
  #ofPeer: Side<Authenticator> | undefined;
  /** In place of that once the peer is accepted for good. */
  #accepted: StandingReply | undefined;
  /** We say who we are. */
  #ofUs: Side<Authenticatee> | undefined;
  #deadline_ms: number | undefined;

  constructor(config: PppLinkConfig, random: RandomBytes, outbox: LinkOutbox) {
    this.#config = config;
    this.#random = random;
    this.#outbox = outbox;
    this.#identifiers = new Identifiers(random(1)[0]);
  }

  /**
   * `demanded` is what the peer, `promised` what we have to authenticate with, as LCP has agreed. `proxied`: the peer
   * has answered a LAC already; its request is of the protocol that is demanded.
   */
  start(
    demanded: AuthenticationProtocol | undefined,
    promised: AuthenticationProtocol | undefined,
    proxied: ProxiedAuthentication | undefined,
    now_ms: number,
  ): void {
    this.#deadline_ms = now_ms + this.#config.authenticationTimeout_ms;
    this.#ofPeer = demanded && { protocol: numberOf(demanded), machine: this.#authenticator(demanded), isDone: false };
    this.#ofUs = promised && { protocol: numberOf(promised), machine: this.#authenticatee(promised), isDone: false };
    if (proxied?.request === undefined) this.#ofPeer?.machine.start(now_ms);
    else this.#ofPeer?.machine.startProxied(proxied.request, proxied.challengeAgain);
    this.#ofUs?.machine.start(now_ms);
    this.#advance();
  }

  stop(): void {
    this.#question.abandon();
    this.#ofPeer = undefined;
    this.#accepted = undefined;
    this.#ofUs = undefined;
    this.#deadline_ms = undefined;
  }

  /** We have said who we are and have not heard what the peer makes of it. */
  get awaitsVerdict(): boolean {
    return this.#ofUs?.machine.awaitsVerdict ?? false;
  }

  /** Takes a packet of PAP or CHAP; false: it belongs to no authentication that was agreed on. */
  handlePacket(protocol: number, packet: ControlPacket, now_ms: number): boolean {
    const accepted = this.#accepted;
    if (accepted?.protocol === protocol && isForAuthenticator(protocol, packet.code)) {
      const reply = accepted.replyTo(packet);
      if (reply !== undefined) this.#outbox.send(protocol, reply);
      return true;
    }
    const side = isForAuthenticator(protocol, packet.code) ? this.#ofPeer : this.#ofUs;
    if (side?.protocol !== protocol) return false;
    side.machine.handlePacket(packet, now_ms);
    return true;
  }

  answer(answer: AuthenticationAnswer, now_ms: number): void {
    const { isWanted, next } = this.#question.takeAnswer();
    if (next !== undefined) this.#emitQuestion(next.content);
    if (isWanted) this.#ofPeer?.machine.answer(answer, now_ms);
  }

  handleTimeout(now_ms: number): void {
    if (this.#deadline_ms !== undefined && now_ms >= this.#deadline_ms) {
      this.#fail('authentication-timeout', 'authentication took too long');
      return;
    }
    this.#ofPeer?.machine.handleTimeout(now_ms);
    this.#ofUs?.machine.handleTimeout(now_ms);
  }

  pollTimeout(): number | undefined {
    return earliest(this.#deadline_ms, this.#ofPeer?.machine.pollTimeout(), this.#ofUs?.machine.pollTimeout());
  }

  #handleAuthenticatorSignal(signal: AuthenticatorSignal): void {
    switch (signal.type) {
      case 'request':
        if (this.#question.ask(signal.request)) this.#emitQuestion(signal.request);
        return;
      case 'accepted':
        if (this.#ofPeer !== undefined) this.#ofPeer.isDone = true;
        this.#outbox.emit({ type: 'authenticated', name: signal.name, message: signal.message });
        this.#advance();
        return;
      case 'refused':
        this.#fail('authentication-failed', signal.message || 'the peer is not who it says');
        return;
      case 'unanswered':
        this.#fail('authentication-timeout', 'the peer does not authenticate itself');
    }
  }

  #handleAuthenticateeSignal(signal: AuthenticateeSignal): void {
    switch (signal.type) {
      case 'accepted':
        if (this.#ofUs === undefined || this.#ofUs.isDone) return;
        this.#ofUs.isDone = true;
        this.#outbox.emit({
          type: 'authenticated',
          name: octets(this.#config.peer?.name ?? ''),
          message: signal.message,
        });
        this.#advance();
        return;
      case 'refused':
        this.#fail('authentication-failed', signal.message || 'the peer refuses name or password');
        return;
      case 'unanswered':
        this.#fail('authentication-timeout', 'the peer does not say whether we are accepted');
    }
  }

  #advance(): void {
    if (this.#deadline_ms === undefined) return;
    if (this.#ofPeer?.isDone === false || this.#ofUs?.isDone === false) return;
    this.#deadline_ms = undefined;
    this.#accepted = this.#ofPeer?.machine.standing;
    if (this.#accepted !== undefined) this.#ofPeer = undefined;
    this.#outbox.signal({ from: 'authentication', signal: { type: 'done' } });
  }

  #emitQuestion(request: AuthenticationRequest): void {
    this.#outbox.emit({ type: 'authentication-request', request });
  }

  #fail(reason: LinkDownReason, message: string): void {
    this.stop();
    this.#outbox.signal({ from: 'authentication', signal: { type: 'failed', reason, message } });
  }

  #authenticator(protocol: AuthenticationProtocol): Authenticator {
    const output = {
      send: (packet: ControlPacket) => this.#outbox.send(numberOf(protocol), packet),
      signal: (signal: AuthenticatorSignal) => this.#handleAuthenticatorSignal(signal),
    };
    if (protocol === 'pap') return new PapAuthenticator(output);
    const { name = '', rechallengeInterval_ms } = this.#config.authenticator ?? {};
    const interval = rechallengeInterval_ms === undefined ? {} : { rechallengeInterval_ms };
    const config = { algorithm: protocol, name, ...interval };
    return new ChapAuthenticator(config, this.#timing(), this.#identifiers, this.#random, output);
  }

  #authenticatee(protocol: AuthenticationProtocol): Authenticatee {
    const output = {
      send: (packet: ControlPacket) => this.#outbox.send(numberOf(protocol), packet),
      signal: (signal: AuthenticateeSignal) => this.#handleAuthenticateeSignal(signal),
    };
    const { name = '', password = '' } = this.#config.peer ?? {};
    if (protocol === 'pap') return new PapPeer(name, password, this.#timing(), this.#identifiers, output);
    return new ChapPeer({ algorithm: protocol, name, password }, this.#timing(), this.#random, output);
  }

  #timing(): { restartTimer_ms: number; maxTransmissions: number } {
    return { restartTimer_ms: this.#config.restartTimer_ms, maxTransmissions: this.#config.maxConfigure };
  }
}

function numberOf(protocol: AuthenticationProtocol): number {
  return protocol === 'pap' ? PPP_PROTOCOL.pap : PPP_PROTOCOL.chap;
}

function isForAuthenticator(protocol: number, code: number): boolean {
  return code === (protocol === PPP_PROTOCOL.pap ? PAP_CODE.authenticateRequest : CHAP_CODE.response);
}
