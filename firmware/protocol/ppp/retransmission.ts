/**
 * A packet of PAP or CHAP that is sent again until it is answered (RFC 1334 section 2.2.1, RFC 1994 section 4.1).
 * Must not know what it says or what counts as an answer.
 */

import type { ControlPacket } from '../../wire/ppp.js';
import type { AuthenticationTiming } from './authentication.js';

export class Retransmission {
  readonly #timing: AuthenticationTiming;
  readonly #send: (packet: ControlPacket) => void;
  readonly #giveUp: () => void;
  #make: (() => ControlPacket) | undefined;
  #left = 0;
  #due_ms: number | undefined;

  constructor(timing: AuthenticationTiming, send: (packet: ControlPacket) => void, giveUp: () => void) {
    this.#timing = timing;
    this.#send = send;
    this.#giveUp = giveUp;
  }

  /** Sends what `make` gives now, and again in each restart time until stop(). */
  start(make: () => ControlPacket, now_ms: number): void {
    this.#make = make;
    this.#left = this.#timing.maxTransmissions;
    this.#transmit(make, now_ms);
  }

  stop(): void {
    this.#make = undefined;
    this.#due_ms = undefined;
  }

  handleTimeout(now_ms: number): void {
    if (this.#make === undefined || this.#due_ms === undefined || now_ms < this.#due_ms) return;
    if (this.#left > 0) {
      this.#transmit(this.#make, now_ms);
      return;
    }
    this.stop();
    this.#giveUp();
  }

  pollTimeout(): number | undefined {
    return this.#due_ms;
  }

  #transmit(make: () => ControlPacket, now_ms: number): void {
    this.#left--;
    this.#due_ms = now_ms + this.#timing.restartTimer_ms;
    this.#send(make());
  }
}
