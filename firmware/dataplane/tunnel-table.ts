/**
 * Which tunnels there are and who their peers are: whose control messages are let through to the main thread. Knows no
 * session.
 */
import { addressWords } from './address.js';
import type { TransportPath } from './interface.js';
import { equalAddress } from './packet-batch.js';

export class TunnelTable {
  readonly #peers = new Map<number, Uint32Array>();

  /** Adds a tunnel by our tunnel ID, or changes its peer. */
  set(tunnelId: number, path: TransportPath): void {
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
}
