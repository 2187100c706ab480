/**
 * What peers and PCs have sent, given to the machine so that a fault in our own code costs whoever sent it alone. Must not
 * know what an input says, but for whose it is.
 */
import type { DataPlaneReport } from '../dataplane/interface.js';
import type { Appliance } from '../roles/appliance.js';
import type { CallInfo } from '../roles/role.js';
import type { Log } from './call-log.js';
import { Faults } from './faults.js';

/** Whose input it is: a tunnel's peer, or a PC at the LAC. */
export type Peer = { tunnelId: number } | { rowId: number };
export const NOBODY: Peer = { tunnelId: 0 };

export function peerOf(call: CallInfo | undefined): Peer {
  if (call === undefined) return NOBODY;
  return call.role === 'lac' ? { rowId: call.sessionId } : { tunnelId: call.tunnelId };
}

/** Of a control message, RFC 2661 section 3.1 and RFC 3931 section 3.2.1: the packet path hands on whole headers. */
function tunnelIdOf(packet: Uint8Array): number {
  const [high, low] = (packet[1] & 0x0f) === 3 ? [6, 7] : [4, 5];
  return (packet[high] << 8) | packet[low];
}

type PeerReport = Extract<DataPlaneReport, { type: 'control' | 'discovery' | 'held' | 'ppp' }>;

export class PeerInput {
  readonly #appliance: Appliance;
  readonly #log: Log;
  readonly #faults = new Faults();

  constructor(appliance: Appliance, log: Log) {
    this.#appliance = appliance;
    this.#log = log;
  }

  /** Throws the third fault in a minute: the process must not go on. */
  take(report: PeerReport, now_ms: number): void {
    const appliance = this.#appliance;
    switch (report.type) {
      case 'control': {
        const { packet, path } = report;
        const peer = () => ({ tunnelId: tunnelIdOf(packet) });
        this.guard(peer, now_ms, () => appliance.handlePacket(packet, path, now_ms));
        return;
      }
      case 'discovery': {
        const { interfaceIndex, frame } = report;
        this.guard(
          () => NOBODY,
          now_ms,
          () => appliance.handleDiscovery(interfaceIndex, frame, now_ms),
        );
        return;
      }
      case 'held': {
        const { sessionId, generation } = report;
        const peer = () => peerOf(appliance.callInfo(sessionId));
        this.guard(peer, now_ms, () => appliance.handleHeld(sessionId, generation, now_ms));
        return;
      }
      case 'ppp': {
        const { sessionId, generation, protocol, information } = report;
        const peer = () => peerOf(appliance.callInfo(sessionId));
        this.guard(peer, now_ms, () => appliance.handlePppFrame(sessionId, generation, protocol, information, now_ms));
      }
    }
  }

  /**
   * A fault while a peer's input is handled ends that peer's tunnel: StopCCN result 2, error 6. A PC at the LAC has no
   * tunnel of its own: its call ends.
   */
  guard(peer: () => Peer, now_ms: number, handle: () => void): void {
    try {
      handle();
    } catch (error) {
      const { stack } = error as Error;
      const at = peer();
      this.#log.error({ ...at, stack, count: this.#faults.count + 1 }, 'fault in the program');
      if (this.#faults.note(now_ms)) throw error;
      if ('rowId' in at) {
        this.#appliance.clear(at.rowId, 'internal fault', 'nas-error', now_ms);
        return;
      }
      const result = { resultCode: 2, errorCode: 6, errorMessage: 'internal fault' };
      this.#appliance.closeTunnel(at.tunnelId, result, 'nas-error', now_ms);
    }
  }
}
