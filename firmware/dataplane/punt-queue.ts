/**
 * Turns what the forwarder leaves for the main thread into reports, and holds back what would make more of them wait
 * than a bounded number. Copies the packets, since their slots are used again; sends nothing.
 */
import type { CounterViews } from './counters.js';
import { DROP, type DropReason } from './drop-reasons.js';
import type { DataPlaneReport } from './interface.js';
import { type Message, ReportWriter } from './messages.js';
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
  readonly #reports = new ReportWriter();

  constructor(views: CounterViews, sessions: SessionTable, localPort: number) {
    this.#header = views.header;
    this.#drops = views.drops;
    this.#sessions = sessions;
    this.#localPort = localPort;
  }

  /** Something that the main thread must get in any case. */
  push(report: DataPlaneReport): void {
    this.#reports.other(report);
  }

  /** Takes over the packets that `output` has for the main thread. */
  take(output: ForwarderOutput): void {
    this.#takeControl(output.control, false, MAX_WAITING.control, 'control-backlog');
    this.#takePpp(output.ppp);
    this.#takeDiscovery(output.discovery, false, MAX_WAITING.discovery);
    this.#takeControl(output.strangers, true, MAX_WAITING.strangers, 'stranger-backlog');
    this.#takeDiscovery(output.discoveryToAll, true, MAX_WAITING.discoveryToAll);
  }

  /** All that was gathered since the last call, as one message; undefined where there is nothing. */
  drain(): Message<DataPlaneReport> | undefined {
    return this.#reports.take();
  }

  #takeControl(batch: PacketBatch, isLast: boolean, limit: number, reason: DropReason): void {
    for (let i = 0; i < batch.count; i++) {
      if (this.#isFull(limit, reason)) continue;
      this.#reports.control(batch, i, batch.isOverIp[i] === 1 ? 0 : this.#localPort, isLast);
    }
  }

  #takePpp(batch: PacketBatch): void {
    for (let i = 0; i < batch.count; i++) {
      if (this.#isFull(MAX_WAITING.ppp, 'ppp-backlog')) continue;
      const row = batch.row[i];
      this.#reports.ppp(this.#sessions.sessionId[row], this.#sessions.generation[row], batch, i);
    }
  }

  #takeDiscovery(batch: PacketBatch, isLast: boolean, limit: number): void {
    for (let i = 0; i < batch.count; i++) {
      if (this.#isFull(limit, 'discovery-backlog')) continue;
      this.#reports.discovery(batch, i, isLast);
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
}
