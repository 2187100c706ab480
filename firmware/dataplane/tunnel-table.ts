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
const TUNNEL_IDS = 0x10000;

export class TunnelTable {
  readonly #peers = new Map<number, Uint32Array>();
  readonly #buckets = new TokenBuckets(TUNNEL_IDS, MESSAGE_RATE_PER_S, MESSAGE_BURST);

  /** Adds a tunnel by our tunnel ID, or changes its peer. */
  set(tunnelId: number, path: TransportPath): void {
    if (!this.#peers.has(tunnelId)) this.#buckets.refill(tunnelId);
    this.#peers.set(tunnelId, addressWords(path.peerAddress));
  }

  remove(tunnelId: number): void {
    this.#peers.delete(tunnelId);
  }

  has(tunnelId: number): boolean {
    return this.#peers.has(tunnelId);
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
