/**
 * A guest with a Linux kernel of its own, driven line by line over its console: a line is a command of the guest's shell,
 * answered by what the command prints and `@done <status>`; what the guest says of itself begins with `@event`. Knows
 * neither how a guest is booted nor what runs in it.
 */
import type { Daemon } from '../lab/process.js';

const BOOT_TIMEOUT_MS = 40_000;
const COMMAND_TIMEOUT_MS = 30_000;

export interface CommandOutcome {
  status: number;
  lines: readonly string[];
}

interface Pending {
  lines: string[];
  resolve(outcome: CommandOutcome): void;
}

export class Guest {
  readonly #daemon: Daemon;
  readonly #pending: Pending[] = [];

  constructor(daemon: Daemon) {
    this.#daemon = daemon;
    daemon.onLine((line) => this.#hear(line));
  }

  /** Resolves when the guest takes commands. */
  protected async booted(): Promise<void> {
    await this.#daemon.waitForLine(/^@event ready/, { timeout_ms: BOOT_TIMEOUT_MS });
  }

  /** Gives a device of the guest its addresses, with prefix length, and takes it up. */
  async address(device: string, ...addresses: readonly string[]): Promise<void> {
    const add = (address: string): string =>
      `ip address add ${address} dev ${device}${address.includes(':') ? ' nodad' : ''}`;
    await this.run([`ip link set ${device} up`, ...addresses.map(add)].join(' && '));
  }

  /** A mark: events that are awaited from here on count, earlier ones do not. */
  mark(): number {
    return this.#daemon.lineCount;
  }

  /** Runs a shell command of one line in the guest. Throws on a status other than 0 unless told that it may fail. */
  async run(command: string, options: { mayFail?: boolean; timeout_ms?: number } = {}): Promise<CommandOutcome> {
    if (command.includes('\n')) throw new Error(`not one line: ${command}`);
    const timeout_ms = options.timeout_ms ?? COMMAND_TIMEOUT_MS;
    const outcome = await new Promise<CommandOutcome>((resolve, reject) => {
      const fail = (why: string): void => reject(new Error(`${command}: ${why}\n${this.#daemon.tail()}`));
      const timer = setTimeout(() => fail(`not done in ${timeout_ms} ms`), timeout_ms);
      void this.#daemon.exited.then(() => fail('the guest has ended'));
      this.#pending.push({
        lines: [],
        resolve: (done) => {
          clearTimeout(timer);
          resolve(done);
        },
      });
      this.#daemon.write(`${command}\n`);
    });
    if (outcome.status !== 0 && !options.mayFail) {
      throw new Error(`${command}: ended with ${outcome.status}\n${outcome.lines.join('\n')}`);
    }
    return outcome;
  }

  /** Awaits an event, by a pattern for what follows `@event `. Answers the words of that event. */
  async event(pattern: RegExp, options: { from?: number; timeout_ms: number }): Promise<string[]> {
    const line = await this.#daemon.waitForLine(new RegExp(`^@event (?:${pattern.source})`), options);
    return line.trim().split(' ').slice(1);
  }

  /** Whether an event has come since the mark. */
  hasSeen(pattern: RegExp, from: number): boolean {
    return this.#daemon.lines(from).some((line) => new RegExp(`^@event (?:${pattern.source})`).test(line));
  }

  async stop(): Promise<void> {
    await this.#daemon.stop();
  }

  #hear(line: string): void {
    const pending = this.#pending[0];
    if (pending === undefined || line.startsWith('@event')) return;
    const done = /^(.*)@done (\d+)/.exec(line);
    if (done === null) {
      pending.lines.push(line.trimEnd());
      return;
    }
    if (done[1] !== '') pending.lines.push(done[1]!);
    this.#pending.shift();
    pending.resolve({ status: Number(done[2]), lines: pending.lines });
  }
}
