/**
 * Calls with traffic, as a process of its own: a LAC client that places calls, and in the office's namespace the host that
 * its users talk to, with one clock for both. Starts it and gives it orders; what a call is stands in calls.ts, how packets
 * are sent and counted in traffic-run.ts.
 */
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Namespace } from '../lab/namespaces.js';
import type { Daemon } from '../lab/process.js';
import type { CallReport, PlaceOrder } from './caller.js';

const PROGRAM = resolve(fileURLToPath(import.meta.url), '../traffic-process.js');
const START_TIMEOUT_MS = 20_000;
const HANG_UP_TIMEOUT_MS = 60_000;
/** Beyond the order's own, for the answer to come. */
const GRACE_MS = 10_000;

export type Direction = 'up' | 'down';

export interface RunOrder {
  /** up: users' packets to the office; down: the office's packets to users. */
  direction: Direction;
  /** Of the LNS whose calls have the traffic; '': none of them, as the kernel has the way to the destination. */
  server: string;
  /** Where packets go to: up, an address of the office; down, without the calls, one of the caller. Else not read. */
  destination: string;
  /** Of UDP: even, 16 or more. */
  payload_bytes: number;
  /** So many calls have the traffic, in turns. */
  sessions: number;
  /** As many or more: packets of so many flows, each with a port of its own, are sent in turns. */
  flows: number;
  /** Packets; 0: as fast as it goes. */
  perSecond: number;
  /** Packets that are sent in one go. */
  burst: number;
  /** Packets of one length to one end leave as one, for the card to cut (UDP_SEGMENT). */
  isJoined: boolean;
  /** Is not measured. */
  warmUp_ms: number;
  duration_ms: number;
  /** The process whose processor time is told; 0: none. */
  pid: number;
}

/** Of what was measured, without the warm-up. */
export interface RunReport {
  /** Packets a second. */
  sent: number;
  arrived: number;
  latencyMedian_us: number;
  latencyP99_us: number;
  /** Processor time of the process, for each packet that arrived. */
  processor_ns: number;
  /** Of one processor: what the process's busiest thread took, and what this program took itself. */
  busiestShare: number;
  ownShare: number;
}

export class Traffic {
  readonly #daemon: Daemon;

  private constructor(daemon: Daemon) {
    this.#daemon = daemon;
  }

  static async start(caller: Namespace, office: Namespace): Promise<Traffic> {
    const daemon = caller.start('traffic', [process.execPath, PROGRAM, office.name]);
    await daemon.waitForLine(/"ready"/, { timeout_ms: START_TIMEOUT_MS });
    return new Traffic(daemon);
  }

  /** Places calls beside those that stand, all from one UDP port; resolves when each is up or has failed. */
  place(order: Omit<PlaceOrder, 'ports'>): Promise<CallReport> {
    return this.#ask({ type: 'place', ...order, ports: 1 }, 'placed', order.timeout_ms);
  }

  run(order: RunOrder): Promise<RunReport> {
    return this.#ask({ type: 'run', ...order }, 'ran', order.warmUp_ms + order.duration_ms);
  }

  /** Ends all calls and tunnels. Answers how many calls had ended before by themselves. */
  hangUp(): Promise<number> {
    return this.#ask({ type: 'hang-up' }, 'hung-up', HANG_UP_TIMEOUT_MS);
  }

  stop(): Promise<number> {
    return this.#daemon.stop();
  }

  async #ask<Answer>(order: object, answer: string, timeout_ms: number): Promise<Answer> {
    const from = this.#daemon.lineCount;
    this.#daemon.write(`${JSON.stringify(order)}\n`);
    const pattern = new RegExp(`^{"type":"${answer}"`);
    const line = await this.#daemon.waitForLine(pattern, { from, timeout_ms: timeout_ms + GRACE_MS });
    return (JSON.parse(line) as { answer: Answer }).answer;
  }
}
