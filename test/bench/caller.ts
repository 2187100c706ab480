/**
 * A LAC client that places many calls at once, as a process of its own in a namespace: the load of the bench and of the
 * test of many calls. Starts it and gives it orders; what a call is stands in calls.ts.
 */
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Namespace } from '../lab/namespaces.js';
import type { Daemon } from '../lab/process.js';

const PROGRAM = resolve(fileURLToPath(import.meta.url), '../caller-process.js');
const START_TIMEOUT_MS = 20_000;
const HANG_UP_TIMEOUT_MS = 60_000;
/** Beyond the order's own, for the answer to come. */
const GRACE_MS = 5_000;

export interface PlaceOrder {
  server: string;
  port: number;
  calls: number;
  /** How many may be on their way up at one time. */
  atOnce: number;
  /** The calls are spread over these evenly. */
  tunnels: number;
  /** UDP ports of ours that the tunnels are spread over. */
  ports: number;
  /** '': none. */
  tunnelSecret: string;
  /** Call n authenticates by CHAP-MD5 as `userPrefix` and the number firstUser + n. */
  userPrefix: string;
  firstUser: number;
  password: string;
  /** A call is up when IPCP is; with this, when IPV6CP is too. */
  ipv6: boolean;
  /** Calls that are not up by then have failed. */
  timeout_ms: number;
}

export interface CallReport {
  calls: number;
  up: number;
  /** How many calls failed, by reason. */
  failures: Record<string, number>;
  /** From the first SCCRQ to the last call up. */
  setUp_ms: number;
  /** From a call's ICRQ until it is up. */
  latencyMedian_ms: number;
  latencyP99_ms: number;
  /** From the first SCCRQ until every call was up or had failed. */
  settled_ms: number;
}

/** Calls that were up, and those of them through which an echo came back. */
export interface EchoReport {
  calls: number;
  answered: number;
}

/** The caller's own processor time from the order on. */
export type PlacedReport = CallReport & { processorTime_ms: number };

export class Caller {
  readonly #daemon: Daemon;

  private constructor(daemon: Daemon) {
    this.#daemon = daemon;
  }

  static async start(namespace: Namespace): Promise<Caller> {
    const daemon = namespace.start('caller', [process.execPath, PROGRAM]);
    await daemon.waitForLine(/"ready"/, { timeout_ms: START_TIMEOUT_MS });
    return new Caller(daemon);
  }

  /** Places calls beside those that stand; resolves when each is up or has failed. */
  async place(order: PlaceOrder): Promise<PlacedReport> {
    return (await this.#ask({ type: 'place', ...order }, /"placed"/, order.timeout_ms + GRACE_MS)) as PlacedReport;
  }

  /** Sends an ICMP Echo through every call that is up, to the other end of its link. */
  async echo(timeout_ms: number): Promise<EchoReport> {
    return (await this.#ask({ type: 'echo', timeout_ms }, /"echoed"/, timeout_ms + GRACE_MS)) as EchoReport;
  }

  /** Ends all calls and tunnels. Answers how many calls had ended before by themselves. */
  async hangUp(): Promise<{ lost: number }> {
    return (await this.#ask({ type: 'hang-up' }, /"hung-up"/, HANG_UP_TIMEOUT_MS)) as { lost: number };
  }

  async stop(): Promise<void> {
    await this.#daemon.stop();
  }

  async #ask(order: object, answer: RegExp, timeout_ms: number): Promise<unknown> {
    const from = this.#daemon.lineCount;
    this.#daemon.write(`${JSON.stringify(order)}\n`);
    return JSON.parse(await this.#daemon.waitForLine(answer, { from, timeout_ms }));
  }
}
