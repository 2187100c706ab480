/**
 * Which control messages reach the main thread, of both versions and over UDP and IP alike: those of tunnels that are
 * there, from their peers, and a bounded number of strangers' requests. Reads no packet: who calls it has read the
 * header.
 */
import type { Captures } from './capture.js';
import { DROP, FORWARDED } from './drop-reasons.js';
import type { ForwarderOutput } from './output.js';
import type { PacketBatch } from './packet-batch.js';
import { StrangerGate } from './stranger-gate.js';
import { MAX_TUNNEL_ID, type TunnelTable } from './tunnel-table.js';

export class ControlGate {
  /** When the batch came that is at hand. */
  now_ms = 0;
  readonly #tunnels: TunnelTable;
  readonly #output: ForwarderOutput;
  readonly #captures: Captures;
  readonly #strangers = new StrangerGate();

  constructor(tunnels: TunnelTable, output: ForwarderOutput, captures: Captures) {
    this.#tunnels = tunnels;
    this.#output = output;
    this.#captures = captures;
  }

  /**
   * The control message of `length_bytes` from its header on, at `offset` within the `index`th packet of `input`, for
   * the tunnel or control connection of this ID.
   */
  take(
    input: PacketBatch,
    index: number,
    offset: number,
    length_bytes: number,
    tunnelId: number,
    isOverIp: boolean,
  ): number {
    if (tunnelId === 0) {
      const { peerAddress, peerPort } = input;
      if (!this.#strangers.letsIn(peerAddress, index, peerPort[index], this.now_ms)) return DROP['stranger-rate'];
      return this.#push(this.#output.strangers, input, index, offset, length_bytes, isOverIp);
    }
    if ((tunnelId & ~MAX_TUNNEL_ID) !== 0 || !this.#tunnels.has(tunnelId)) return DROP['control-unknown-tunnel'];
    if (this.#tunnels.isOverIp(tunnelId) !== isOverIp) return DROP['wrong-encapsulation'];
    if (!this.#tunnels.isPeer(tunnelId, input.peerAddress, index)) return DROP['control-wrong-peer'];
    if (!this.#tunnels.takeMessage(tunnelId, this.now_ms)) return DROP['control-rate'];
    return this.#push(this.#output.control, input, index, offset, length_bytes, isOverIp);
  }

  #push(
    queue: PacketBatch,
    input: PacketBatch,
    index: number,
    offset: number,
    length_bytes: number,
    isOverIp: boolean,
  ): number {
    if (this.#captures.isOn) this.#captures.receivedControl(input, index, offset, length_bytes, isOverIp);
    this.#output.pushControl(queue, input, index, offset, length_bytes, isOverIp);
    return FORWARDED;
  }
}
