/**
 * The shipped program in a namespace: started as it ships, set up only through its API, stopped, killed and started
 * again on the data that it left. Reads nothing but what the program shows of itself.
 */
import { mkdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Lab, Namespace } from '../lab/namespaces.js';
import type { Daemon } from '../lab/process.js';
import { until } from '../lab/until.js';
import { ApiClient } from './api-client.js';

const PROGRAM = resolve(fileURLToPath(import.meta.url), '../../../firmware/main.js');
const READY_TIMEOUT_MS = 20_000;
const STOP_TIMEOUT_MS = 15_000;

export class Appliance {
  readonly api: ApiClient;
  /** Holds the database and its key file. */
  readonly dataFolder: string;
  readonly #namespace: Namespace;
  readonly #name: string;
  readonly #options: readonly string[];
  #daemon: Daemon;

  private constructor(
    namespace: Namespace,
    name: string,
    dataFolder: string,
    socketPath: string,
    options: readonly string[],
  ) {
    this.#namespace = namespace;
    this.#name = name;
    this.dataFolder = dataFolder;
    this.#options = options;
    this.api = new ApiClient(socketPath);
    this.#daemon = this.#launch();
  }

  /**
   * Starts the program on an empty data folder, and resolves when its API says that it is well. `options` are more of its
   * command line.
   */
  static async start(
    lab: Lab,
    namespace: Namespace,
    name: string,
    options: readonly string[] = [],
  ): Promise<Appliance> {
    const dataFolder = join(lab.folder, name);
    mkdirSync(dataFolder, { mode: 0o700 });
    const appliance = new Appliance(namespace, name, dataFolder, join(lab.folder, `${name}.sock`), options);
    await appliance.#ready();
    return appliance;
  }

  /** Starts it again, after stop or kill, on the data that it left. */
  async restart(): Promise<void> {
    this.#daemon = this.#launch();
    await this.#ready();
  }

  /** Ends it as a supervisor would. Answers its status. */
  async stop(): Promise<number> {
    return this.#daemon.stop('SIGTERM', STOP_TIMEOUT_MS);
  }

  /** Ends it without a chance to do anything about it. */
  async kill(): Promise<void> {
    await this.#daemon.stop('SIGKILL');
  }

  get pid(): number {
    return this.#daemon.pid;
  }

  /** How many lines it has logged since its last start. */
  get logLineCount(): number {
    return this.#daemon.lineCount;
  }

  log(from = 0): readonly string[] {
    return this.#daemon.lines(from);
  }

  /** Resident memory of the process, in bytes. */
  residentMemory_bytes(): number {
    const kilobytes = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${this.#daemon.pid}/status`, 'utf8'));
    return Number(kilobytes?.[1]) * 1024;
  }

  #launch(): Daemon {
    return this.#namespace.start(`appliance ${this.#name}`, [
      ...[process.execPath, PROGRAM, '--data', this.dataFolder, '--socket', this.api.socketPath],
      ...this.#options,
    ]);
  }

  async #ready(): Promise<void> {
    await until(`${this.#name} is ready`, READY_TIMEOUT_MS, async () => {
      if (this.#daemon.hasExited) throw new Error(`${this.#name} has ended\n${this.#daemon.tail()}`);
      return (await this.api.isHealthy()) ? true : undefined;
    }).catch((error: Error) => {
      throw new Error(`${error.message}\n${this.#daemon.tail()}`);
    });
  }
}
