/**
 * Which tunnels there are and who their peers are: whose control messages are let through to the main thread, and how
 * many of them. Knows no session.
 */
import { addressWords } from './address.js';
import type { TransportPath } from './interface.js';
import { equalAddress } from './packet-batch.js';
import { TokenBuckets } from './token-bucket.js';

/**
 * Control messages of one tunnel that reach the main thread: a call takes some four of them. What is above is sent
 * again by its peer, and a peer that floods keeps no other tunnel's messages out of the queue that all share.
 */
const MESSAGE_RATE_PER_S = 2000;
const MESSAGE_BURST = 1000;
/** Of tunnel IDs, and of the Control Connection IDs that we assign. */
export const MAX_TUNNEL_ID = 0xffff;

export class TunnelTable {
  readonly #peers = new Map<number, Uint32Array>();
  /** 1 for a control connection over IP, by its ID. */
  readonly #isOverIp = new Uint8Array(MAX_TUNNEL_ID + 1);
  readonly #buckets = new TokenBuckets(MAX_TUNNEL_ID + 1, MESSAGE_RATE_PER_S, MESSAGE_BURST);

  /** Adds a tunnel by our tunnel ID or Control Connection ID, or changes its peer. Throws for an ID that is neither. */
  set(tunnelId: number, path: TransportPath): void {
    if (!(tunnelId >= 1 && tunnelId <= MAX_TUNNEL_ID)) throw new RangeError(`tunnel ID ${tunnelId}`);
    this.#isOverIp[tunnelId] = path.encapsulation === 'ip' ? 1 : 0;
    if (!this.#peers.has(tunnelId)) this.#buckets.refill(tunnelId);
    this.#peers.set(tunnelId, addressWords(path.peerAddress));
  }

  remove(tunnelId: number): void {
    this.#peers.delete(tunnelId);
  }

  has(tunnelId: number): boolean {
    return this.#peers.has(tunnelId);
  }

  isOverIp(tunnelId: number): boolean {
    return this.#isOverIp[tunnelId] === 1;
  }

  /** Whether the `index`th address among words is that of the tunnel's peer. */
  isPeer(tunnelId: number, addresses: Uint32Array, index: number): boolean {
    const peer = this.#peers.get(tunnelId);
    return peer !== undefined && equalAddress(peer, 0, addresses, index);
  }

  /** Whether one more control message of this tunnel may go to the main thread. */
  takeMessage(tunnelId: number, now_ms: number): boolean {
    return this.#buckets.take(tunnelId, now_ms);
  }
}
