/**
 * A program in a namespace that speaks JSON lines, as tests of this folder talk to it: bytes go as {"hex": "…"}. Knows none
 * of them.
 */
import { fileURLToPath } from 'node:url';
import type { Namespace } from '../../lab/namespaces.js';
import type { Daemon } from '../../lab/process.js';

const PATIENCE_MS = 5_000;

export class Speaker {
  readonly daemon: Daemon;
  #mark = 0;

  /** `program` is a file of this folder, compiled; `starter` the words that stand before it, of what starts it. */
  constructor(namespace: Namespace, program: string, args: readonly string[] = [], starter: readonly string[] = []) {
    const path = fileURLToPath(new URL(program, import.meta.url));
    this.daemon = namespace.start(program, [...starter, process.execPath, path, ...args]);
  }

  say(value: unknown): void {
    const replace = (_: string, part: unknown) =>
      part instanceof Uint8Array ? { hex: Buffer.from(part).toString('hex') } : part;
    this.daemon.write(`${JSON.stringify(value, replace)}\n`);
  }

  /** The next line that matches; lines before it are passed over. */
  async hear<Line = Record<string, unknown>>(pattern: RegExp): Promise<Line> {
    const from = this.#mark;
    const line = await this.daemon.waitForLine(pattern, { from, timeout_ms: PATIENCE_MS });
    this.#mark = from + this.daemon.lines(from).indexOf(line) + 1;
    return JSON.parse(line) as Line;
  }
}
