/**
 * Our access concentrator in a namespace of the lab: started, listened to, told what to do. Accepts whoever asks, but for the
 * service 'refused'.
 */
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type {
  AccessConcentratorConfig,
  DiscoveryCounters,
  DiscoveryEvent,
} from '../../firmware/protocol/pppoe/events.js';
import type { Namespace } from '../lab/namespaces.js';
import type { Daemon } from '../lab/process.js';

const PROGRAM = resolve(fileURLToPath(import.meta.url), '../access-concentrator-process.js');
const PATIENCE_MS = 10_000;

export interface AccessConcentratorArgument {
  interface: string;
  /** All but what the interface says itself. */
  config: Omit<AccessConcentratorConfig, 'interfaces'>;
}

export type AccessConcentratorOrder = { close: number } | { counters: true };

export class RunningAccessConcentrator {
  readonly #daemon: Daemon;

  private constructor(daemon: Daemon) {
    this.#daemon = daemon;
  }

  /** Resolves when it listens. */
  static async start(namespace: Namespace, argument: AccessConcentratorArgument): Promise<RunningAccessConcentrator> {
    const daemon = namespace.start('access concentrator', [process.execPath, PROGRAM, JSON.stringify(argument)]);
    await daemon.waitForLine(/"listening"/, { timeout_ms: PATIENCE_MS });
    return new RunningAccessConcentrator(daemon);
  }

  mark(): number {
    return this.#daemon.lineCount;
  }

  /** The first event of this type since the mark. */
  async event<Type extends DiscoveryEvent['type']>(
    type: Type,
    from = 0,
  ): Promise<Extract<DiscoveryEvent, { type: Type }>> {
    const line = await this.#daemon.waitForLine(new RegExp(`"type":"${type}"`), { from, timeout_ms: PATIENCE_MS });
    return JSON.parse(line) as Extract<DiscoveryEvent, { type: Type }>;
  }

  close(sessionKey: number): void {
    this.#order({ close: sessionKey });
  }

  async counters(): Promise<DiscoveryCounters> {
    const from = this.mark();
    this.#order({ counters: true });
    const line = await this.#daemon.waitForLine(/"counters"/, { from, timeout_ms: PATIENCE_MS });
    return (JSON.parse(line) as { counters: DiscoveryCounters }).counters;
  }

  async stop(): Promise<void> {
    await this.#daemon.stop();
  }

  #order(order: AccessConcentratorOrder): void {
    this.#daemon.write(`${JSON.stringify(order)}\n`);
  }
}
