/**
 * What the packet path counts of pseudowires: for lists, and as a sign of life for their tunnels. Must not change one.
 */
import type { SessionCounters } from '../dataplane/interface.js';
import type { PseudowireStatus } from '../roles/pseudowires.js';
import type { SessionCountersReader } from './call-records.js';

const NO_COUNTERS: SessionCounters = { receivedPackets: 0, receivedOctets: 0, sentPackets: 0, sentOctets: 0 };

export class PseudowireTraffic {
  readonly #readCounters: SessionCountersReader;
  /** Packets received when last looked at, by the generation of the session's row. */
  #receivedPackets = new Map<number, number>();

  constructor(readCounters: SessionCountersReader) {
    this.#readCounters = readCounters;
  }

  counters({ sessionId, generation }: PseudowireStatus): SessionCounters {
    return this.#readCounters(sessionId, generation) ?? NO_COUNTERS;
  }

  /** Sessions that got frames from their peer since last asked. */
  active(statuses: Iterable<PseudowireStatus>): number[] {
    const sessionIds: number[] = [];
    const receivedPackets = new Map<number, number>();
    for (const status of statuses) {
      const packets = this.counters(status).receivedPackets;
      receivedPackets.set(status.generation, packets);
      if (packets !== (this.#receivedPackets.get(status.generation) ?? 0)) sessionIds.push(status.sessionId);
    }
    this.#receivedPackets = receivedPackets;
    return sessionIds;
  }
}
