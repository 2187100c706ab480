/**
 * CCP, ECP, Multilink and every other protocol that we do not run: refused by LCP Protocol-Reject (RFC 1661 section
 * 5.7). For CCP this is the answer that leaves the peer's IPCP alone: peers that offer compression or MPPE while IPCP
 * is under way drop CCP and go on. Must not send: LCP does.
 */

import { PPP_PROTOCOL } from '../../wire/ppp.js';

/** A peer that goes on all the same is answered this often, so that it cannot make us send at its rate. */
const BURST = 10;
const INTERVAL_MS = 1000;

/** Data of protocols that we do have: dropped while their NCP is not open, never rejected (RFC 1661 section 3.6). */
const NETWORK_DATA: ReadonlySet<number> = new Set([PPP_PROTOCOL.ipv4, PPP_PROTOCOL.ipv6]);

/** Decides whether a frame of a protocol that is not run has a Protocol-Reject now. */
export class ProtocolRefusal {
  #left = BURST;
  #refilled_ms: number | undefined;

  isDue(protocol: number, now_ms: number): boolean {
    if (NETWORK_DATA.has(protocol)) return false;
    this.#refill(now_ms);
    if (this.#left === 0) return false;
    this.#left--;
    return true;
  }

  #refill(now_ms: number): void {
    this.#refilled_ms ??= now_ms;
    const earned = Math.floor((now_ms - this.#refilled_ms) / INTERVAL_MS);
    this.#refilled_ms += earned * INTERVAL_MS;
    this.#left = Math.min(BURST, this.#left + earned);
  }
}
