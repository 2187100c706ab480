/**
 * Keeps a program running for as long as it is wanted: starts it again when it ends, and takes it along when this process
 * ends, however that comes. Must not know which program, nor what its words mean.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

const RESTART_AFTER_MS = 3_000;
/** A program that runs for so long is well. */
const WELL_AFTER_MS = 10_000;

export interface KeptProgramOptions {
  argv: readonly [string, ...string[]];
  /** Hears each line that it writes to its standard output. */
  onLine?(line: string): void;
  /** Hears of every start. */
  onStart?(): void;
}

export class KeptProgram {
  readonly #options: KeptProgramOptions;
  #child: ChildProcess | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isWanted = true;
  #complaint = '';

  constructor(options: KeptProgramOptions) {
    this.#options = options;
    this.#start();
  }

  /** What it said before it ended, as long as it has not run well since; '' when all is well. */
  get complaint(): string {
    return this.#complaint;
  }

  /** Ends it for good; nothing is heard of it any more. Resolves when it has ended. */
  stop(): Promise<void> {
    this.#isWanted = false;
    clearTimeout(this.#timer);
    const child = this.#child;
    if (child === undefined) return Promise.resolve();
    return new Promise((resolve) => {
      child.once('close', () => resolve());
      child.kill('SIGTERM');
    });
  }

  /** The kernel ends it when this process is killed: setpriv(1) asks for that, and becomes the program. */
  #start(): void {
    const { argv, onLine, onStart } = this.#options;
    onStart?.();
    const child = spawn('setpriv', ['--pdeathsig', 'TERM', ...argv], { stdio: ['ignore', 'pipe', 'pipe'] });
    this.#child = child;
    let last = '';
    createInterface({ input: child.stdout }).on('line', (line) => {
      if (this.#isWanted) onLine?.(line);
    });
    createInterface({ input: child.stderr }).on('line', (line) => {
      last = line;
    });
    this.#timer = setTimeout(() => {
      this.#complaint = '';
    }, WELL_AFTER_MS).unref();
    child.once('error', (error) => {
      last = error.message;
    });
    child.once('close', (status, signal) => {
      this.#child = undefined;
      clearTimeout(this.#timer);
      if (!this.#isWanted) return;
      this.#complaint = last || `ended by ${signal ?? `status ${status}`}`;
      this.#timer = setTimeout(() => this.#start(), RESTART_AFTER_MS).unref();
    });
  }
}
