/**
 * Proves to the board that its system works: tells the watchdog's keeper that the program is alive as long as main loop and
 * packet path answer, and marks the system good once it serves and its data path has passed its test. Time is an argument;
 * must not open a socket.
 */
import type { RootHelper } from './root-helper.js';

export interface ProofDependencies {
  helper: RootHelper;
  /** Resolves when the packet path has handled a packet; rejects with what is wrong when it does not, in time. */
  testDataPath(): Promise<void>;
  log: { info(what: object, message: string): void; error(what: object, message: string): void };
}

/** The keeper gives up after 45 s without a word. */
const ALIVE_EVERY_MS = 10_000;
/** A system that does not pass is tried again, and falls back when the box starts anew: it is not marked good. */
const TEST_EVERY_MS = 30_000;

export class Proof {
  readonly #dependencies: ProofDependencies;
  #timers: NodeJS.Timeout[] = [];
  #isProved = false;
  #wasWell: boolean | undefined;

  constructor(dependencies: ProofDependencies) {
    this.#dependencies = dependencies;
  }

  /** Whether this system has been marked good. */
  get isProved(): boolean {
    return this.#isProved;
  }

  /** Called when the box serves. */
  async start(): Promise<void> {
    this.#timers = [
      setInterval(() => void this.#tellAlive(), ALIVE_EVERY_MS).unref(),
      setInterval(() => void this.#prove(), TEST_EVERY_MS).unref(),
    ];
    await this.#tellAlive();
    await this.#prove();
  }

  stop(): void {
    for (const timer of this.#timers) clearInterval(timer);
  }

  async #tellAlive(): Promise<void> {
    const { helper, testDataPath, log } = this.#dependencies;
    const fault = await testDataPath().then(
      () => undefined,
      (error: Error) => error.message,
    );
    const isWell = fault === undefined;
    if (isWell) await helper.ask('alive');
    if (isWell === this.#wasWell) return;
    this.#wasWell = isWell;
    await helper.ask(isWell ? 'led ok' : 'led fault');
    if (!isWell) log.error({ fault }, 'the data path does not pass its test');
  }

  async #prove(): Promise<void> {
    if (this.#isProved || this.#wasWell !== true) return;
    const { helper, log } = this.#dependencies;
    const answer = await helper.ask('mark-good');
    if (answer.ok) {
      this.#isProved = true;
      log.info({ slot: answer.text }, 'this system has proved itself');
    } else log.error({ reason: answer.reason }, 'this system cannot be marked good');
  }
}
