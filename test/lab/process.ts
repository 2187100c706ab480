/**
 * Programs that the lab runs: one that is awaited, and one that stays and is listened to line by line. Both are started
 * without a shell, and what stays is ended by its own process group. Knows nothing of namespaces or of any peer.
 */
import { type ChildProcessWithoutNullStreams, execFileSync, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

export interface Outcome {
  status: number;
  stdout: string;
  stderr: string;
}

export interface RunOptions {
  /** Written to standard input, which is then closed. */
  input?: string;
  timeout_ms?: number;
  /** A status other than 0 is an answer, not an error. */
  mayFail?: boolean;
  environment?: Readonly<Record<string, string>>;
}

/** How long a program that should end at once is given. */
const RUN_TIMEOUT_MS = 60_000;
/** How many of the last lines of a process are kept to be matched and for the text of an error. */
const LINES_KEPT = 5_000;
const LINES_IN_ERROR = 25;

/** Runs a program to its end. Throws when it ends with another status than 0, unless told that it may. */
export function run(argv: readonly string[], options: RunOptions = {}): Promise<Outcome> {
  const [program, ...args] = argv;
  return new Promise((resolve, reject) => {
    const child = spawn(program!, args, { env: { ...process.env, ...options.environment } });
    const timer = setTimeout(() => child.kill('SIGKILL'), options.timeout_ms ?? RUN_TIMEOUT_MS);
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
    child.on('error', (error) => {
      clearTimeout(timer);
      reject(error);
    });
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      const outcome = {
        status: code ?? 128,
        stdout: Buffer.concat(stdout).toString(),
        stderr: Buffer.concat(stderr).toString(),
      };
      if (outcome.status === 0 || options.mayFail) resolve(outcome);
      else reject(new Error(`${argv.join(' ')}: ended with ${signal ?? code}\n${outcome.stdout}${outcome.stderr}`));
    });
    // A program that ends without reading its input is no error of ours.
    child.stdin.on('error', () => undefined);
    child.stdin.end(options.input ?? '');
  });
}

/** The same for the last moments of this process, when nothing can be awaited any more. Errors are the caller's to ignore. */
export function runNow(argv: readonly string[]): string {
  const [program, ...args] = argv;
  return execFileSync(program!, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
}

export interface DaemonOptions {
  environment?: Readonly<Record<string, string>>;
}

interface Waiter {
  matches(line: string): boolean;
  resolve(line: string): void;
  reject(error: Error): void;
}

/** A program that stays. It leads a session of its own, so that a signal reaches all that it started. */
export class Daemon {
  readonly pid: number;
  /** Resolves when the program has ended and all it said has been read, with its status (or 128). */
  readonly exited: Promise<number>;
  #hasExited = false;
  readonly #title: string;
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #lines: string[] = [];
  #dropped = 0;
  readonly #listeners = new Set<(line: string) => void>();
  readonly #waiters = new Set<Waiter>();

  constructor(title: string, argv: readonly string[], options: DaemonOptions = {}) {
    this.#title = title;
    const [program, ...args] = argv;
    this.#child = spawn(program!, args, {
      detached: true,
      env: { ...process.env, ...options.environment },
    });
    if (this.#child.pid === undefined) throw new Error(`${title}: ${program} could not be started`);
    this.pid = this.#child.pid;
    running.add(this);
    this.#child.stdin.on('error', () => undefined);
    const read = [this.#child.stdout, this.#child.stderr].map((stream) => {
      const reader = createInterface({ input: stream });
      reader.on('line', (line) => this.#hear(line));
      return new Promise((resolve) => reader.once('close', resolve));
    });
    const ended = new Promise<number>((resolve) => this.#child.once('exit', (code) => resolve(code ?? 128)));
    this.exited = ended.then(async (status) => {
      running.delete(this);
      this.#hasExited = true;
      // What it started may live on and hold its output open: do not wait for that.
      await Promise.race([Promise.all(read), new Promise((resolve) => setTimeout(resolve, 200).unref())]);
      for (const waiter of [...this.#waiters])
        waiter.reject(new Error(`${title}: ended with ${status}\n${this.tail()}`));
      return status;
    });
  }

  get hasExited(): boolean {
    return this.#hasExited;
  }

  /** How many lines have come so far: a mark for waitForLine. */
  get lineCount(): number {
    return this.#dropped + this.#lines.length;
  }

  /** The lines from a mark on, as far as they are kept. */
  lines(from = 0): readonly string[] {
    return this.#lines.slice(Math.max(0, from - this.#dropped));
  }

  tail(): string {
    return this.#lines.slice(-LINES_IN_ERROR).join('\n');
  }

  onLine(listener: (line: string) => void): void {
    this.#listeners.add(listener);
  }

  write(text: string): void {
    this.#child.stdin.write(text);
  }

  /** Awaits a line that matches, beginning with those since the mark. Rejects after the time, or when the program ends. */
  waitForLine(pattern: RegExp, options: { from?: number; timeout_ms: number }): Promise<string> {
    const found = this.lines(options.from).find((line) => pattern.test(line));
    if (found !== undefined) return Promise.resolve(found);
    if (this.#hasExited) return Promise.reject(new Error(`${this.#title}: has ended\n${this.tail()}`));
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () =>
          waiter.reject(new Error(`${this.#title}: no line ${pattern} in ${options.timeout_ms} ms\n${this.tail()}`)),
        options.timeout_ms,
      );
      const settle = (): void => {
        clearTimeout(timer);
        this.#waiters.delete(waiter);
      };
      const waiter: Waiter = {
        matches: (line) => pattern.test(line),
        resolve: (line) => {
          settle();
          resolve(line);
        },
        reject: (error) => {
          settle();
          reject(error);
        },
      };
      this.#waiters.add(waiter);
    });
  }

  /** Signals the whole group. */
  signal(signal: NodeJS.Signals): void {
    try {
      process.kill(-this.pid, signal);
    } catch {
      // Gone already.
    }
  }

  /** Ends the program by SIGTERM (or the signal given), by SIGKILL after the time, and awaits its end. */
  async stop(signal: NodeJS.Signals = 'SIGTERM', patience_ms = 5_000): Promise<number> {
    if (this.#hasExited) return this.exited;
    this.signal(signal);
    const timer = setTimeout(() => this.signal('SIGKILL'), patience_ms);
    const status = await this.exited;
    clearTimeout(timer);
    // The leader is gone; what it started and did not end goes with it.
    this.signal('SIGKILL');
    return status;
  }

  #hear(line: string): void {
    this.#lines.push(line);
    if (this.#lines.length > LINES_KEPT) {
      this.#lines.shift();
      this.#dropped++;
    }
    for (const listener of this.#listeners) listener(line);
    for (const waiter of [...this.#waiters]) if (waiter.matches(line)) waiter.resolve(line);
  }
}

const running = new Set<Daemon>();

/** Kills every daemon of this process, for its last moments. */
export function killDaemons(): void {
  for (const daemon of running) daemon.signal('SIGKILL');
}
