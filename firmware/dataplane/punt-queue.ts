/**
 * Turns what the forwarder leaves for the main thread into reports, and holds back what would make more of them wait
 * than a bounded number. Copies the packets, since their slots are used again; sends nothing.
 */
import { addressText } from './address.js';
import type { CounterViews } from './counters.js';
import { DROP, type DropReason } from './drop-reasons.js';
import type { DataPlaneReport, TransportPath } from './interface.js';
import type { ForwarderOutput } from './output.js';
import type { PacketBatch } from './packet-batch.js';
import type { SessionTable } from './session-table.js';

/**
 * Packets that wait for the main thread, at most, before those of a kind are dropped: strangers, and what PPPoE hosts ask
 * of all, give way first.
 */
export const MAX_WAITING = { control: 4096, ppp: 2048, discovery: 2048, discoveryToAll: 1024, strangers: 512 } as const;

export class PuntQueue {
  readonly #header: Int32Array;
  readonly #drops: Float64Array;
  readonly #sessions: SessionTable;
  readonly #localPort: number;
  #reported = 0;
  #reports: DataPlaneReport[] = [];
  /** Behind all other packets of a turn. */
  #strangers: DataPlaneReport[] = [];

  constructor(views: CounterViews, sessions: SessionTable, localPort: number) {
    this.#header = views.header;
    this.#drops = views.drops;
    this.#sessions = sessions;
    this.#localPort = localPort;
  }

  /** Something that the main thread must get in any case. */
  push(report: DataPlaneReport): void {
    this.#reports.push(report);
  }

  /** Takes over the packets that `output` has for the main thread. */
  take(output: ForwarderOutput): void {
    this.#takeControl(output.control, this.#reports, MAX_WAITING.control, 'control-backlog');
    this.#takePpp(output.ppp);
    this.#takeDiscovery(output.discovery, this.#reports, MAX_WAITING.discovery);
    this.#takeControl(output.strangers, this.#strangers, MAX_WAITING.strangers, 'stranger-backlog');
    this.#takeDiscovery(output.discoveryToAll, this.#strangers, MAX_WAITING.discoveryToAll);
  }

  /** All that was gathered since the last call, for one message; empty where there is nothing. */
  drain(): DataPlaneReport[] {
    const reports = this.#strangers.length === 0 ? this.#reports : [...this.#reports, ...this.#strangers];
    if (reports.length > 0) {
      this.#reports = [];
      this.#strangers = [];
    }
    return reports;
  }

  #takeControl(batch: PacketBatch, reports: DataPlaneReport[], limit: number, reason: DropReason): void {
    for (let i = 0; i < batch.count; i++) {
      if (this.#isFull(limit, reason)) continue;
      reports.push({ type: 'control', path: this.#pathOf(batch, i), packet: copyOf(batch, i) });
    }
  }

  #takePpp(batch: PacketBatch): void {
    for (let i = 0; i < batch.count; i++) {
      if (this.#isFull(MAX_WAITING.ppp, 'ppp-backlog')) continue;
      const row = batch.row[i];
      const sessionId = this.#sessions.sessionId[row];
      const generation = this.#sessions.generation[row];
      const protocol = batch.protocol[i];
      this.#reports.push({ type: 'ppp', sessionId, generation, protocol, information: copyOf(batch, i) });
    }
  }

  #takeDiscovery(batch: PacketBatch, reports: DataPlaneReport[], limit: number): void {
    for (let i = 0; i < batch.count; i++) {
      if (this.#isFull(limit, 'discovery-backlog')) continue;
      reports.push({ type: 'discovery', interfaceIndex: batch.interfaceIndex[i], frame: copyOf(batch, i) });
    }
  }

  /** Counts a packet, as one more that waits or as dropped. */
  #isFull(limit: number, reason: DropReason): boolean {
    const waiting = (this.#reported - Atomics.load(this.#header, 0)) | 0;
    if (waiting >= limit) {
      this.#drops[DROP[reason]]++;
      return true;
    }
    this.#reported = (this.#reported + 1) | 0;
    return false;
  }

  #pathOf(batch: PacketBatch, index: number): TransportPath {
    const isOverIp = batch.isOverIp[index] === 1;
    return {
      encapsulation: isOverIp ? 'ip' : 'udp',
      localAddress: addressText(batch.localAddress, index),
      localPort: isOverIp ? 0 : this.#localPort,
      peerAddress: addressText(batch.peerAddress, index),
      peerPort: batch.peerPort[index],
    };
  }
}

function copyOf(batch: PacketBatch, index: number): Uint8Array {
  const offset = batch.offset[index];
  return batch.memory.slice(offset, offset + batch.length_bytes[index]);
}
