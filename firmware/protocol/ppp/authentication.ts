/** What PAP and CHAP have in common, at either end. Types alone. */

import type { ControlPacket } from '../../wire/ppp.js';
import type { AuthenticationAnswer, AuthenticationRequest } from './link-types.js';

export interface AuthenticationTiming {
  readonly restartTimer_ms: number;
  /** So often a packet that wants an answer is sent. */
  readonly maxTransmissions: number;
}

/** What the end that asks who the other is has to tell. */
export type AuthenticatorSignal =
  /** To be answered by answer(), once. */
  | { type: 'request'; request: AuthenticationRequest }
  /** The peer is who it says; told once, not after repeated challenges. */
  | { type: 'accepted'; name: Uint8Array; message: string }
  | { type: 'refused'; message: string }
  | { type: 'unanswered' };

/** What the end that has to say who it is has to tell. */
export type AuthenticateeSignal =
  /** Again after each repeated challenge. */
  { type: 'accepted'; message: string } | { type: 'refused'; message: string } | { type: 'unanswered' };

export interface AuthenticationOutput<Signal> {
  send(packet: ControlPacket): void;
  signal(signal: Signal): void;
}

interface AuthenticationMachine {
  start(now_ms: number): void;
  /** Takes a packet that is for this end; what is malformed or out of place is dropped. */
  handlePacket(packet: ControlPacket, now_ms: number): void;
  handleTimeout(now_ms: number): void;
  /** When handleTimeout wants to be called, in absolute ms. */
  pollTimeout(): number | undefined;
}

export interface Authenticator extends AuthenticationMachine {
  /**
   * Instead of start(): a LAC has had `request` of the peer, of the protocol of this machine. It is asked about as if
   * it had come here. `challengeAgain`: once it is accepted the peer hears a new challenge instead of that.
   */
  startProxied(request: AuthenticationRequest, challengeAgain: boolean): void;
  answer(answer: AuthenticationAnswer, now_ms: number): void;
  /** All that is left to do once the peer is accepted; undefined where it is asked again from time to time. */
  readonly standing: StandingReply | undefined;
}

/** What the peer was told when it was accepted, for its requests that come again. */
export interface StandingReply {
  /** The number of PAP or CHAP. */
  readonly protocol: number;
  /** undefined: the packet is no such request. */
  replyTo(packet: ControlPacket): ControlPacket | undefined;
}

export interface Authenticatee extends AuthenticationMachine {
  /** We have said who we are and have never heard what the other makes of it. */
  readonly awaitsVerdict: boolean;
}
