/**
 * A kernel for tests of NetConfig: a network namespace of the test's own, and the process in it that does what it is told.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { test as declare, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { DesiredNetwork, NetworkProblem } from '../../../firmware/control/network.js';
import { labIsMissing } from '../../lab/requirements.js';
import type { Request } from './netconfig-process.js';

const PROCESS = fileURLToPath(new URL('netconfig-process.js', import.meta.url));

export class Kernel {
  readonly #ask: (request: Request) => Promise<unknown>;

  constructor(ask: (request: Request) => Promise<unknown>) {
    this.#ask = ask;
  }

  apply(desired: DesiredNetwork): Promise<NetworkProblem[]> {
    return this.#ask({ do: 'apply', desired }) as Promise<NetworkProblem[]>;
  }

  applyAll(...desired: DesiredNetwork[]): Promise<NetworkProblem[][]> {
    return this.#ask({ do: 'apply-all', desired }) as Promise<NetworkProblem[][]>;
  }

  withdraw(): Promise<NetworkProblem[]> {
    return this.#ask({ do: 'withdraw' }) as Promise<NetworkProblem[]>;
  }

  /** The program was killed, and is started anew. */
  async forget(): Promise<void> {
    await this.#ask({ do: 'forget' });
  }

  async ip(...argv: string[]): Promise<string> {
    return (await this.#ask({ do: 'ip', argv })) as string;
  }

  async sysctl(sysctl: string, value?: string): Promise<string> {
    return (await this.#ask(value === undefined ? { do: 'read', sysctl } : { do: 'write', sysctl, value })) as string;
  }

  async usePath(path: string): Promise<void> {
    await this.#ask({ do: 'path', path });
  }

  addTun(name: string): Promise<string> {
    return this.ip('tuntap', 'add', name, 'mode', 'tun');
  }

  addTap(name: string): Promise<string> {
    return this.ip('tuntap', 'add', name, 'mode', 'tap');
  }

  async addresses(device: string): Promise<string[]> {
    const [link] = JSON.parse(await this.ip('-json', 'address', 'show', 'dev', device)) as [
      { addr_info: { local: string; prefixlen: number }[] },
    ];
    return link.addr_info.map(({ local, prefixlen }) => `${local}/${prefixlen}`);
  }

  /** Destinations of the routes that were set by a program. */
  async routes(device: string): Promise<string[]> {
    const all: string[] = [];
    for (const family of ['-4', '-6']) {
      const text = await this.ip(family, '-json', 'route', 'show', 'dev', device, 'proto', 'static');
      all.push(...(JSON.parse(text || '[]') as { dst: string }[]).map(({ dst }) => dst));
    }
    return all.sort();
  }
}

/** Runs the test beside a process in a namespace of its own. */
export function inKernel(name: string, run: (kernel: Kernel, t: TestContext) => Promise<void>): void {
  declare(name, { skip: labIsMissing(), timeout: 60_000 }, async (t) => {
    const argv = ['--net', process.execPath, PROCESS];
    const child = spawn('unshare', argv, { stdio: ['pipe', 'pipe', 'inherit'] });
    const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const kernel = new Kernel(async (request) => {
      child.stdin.write(`${JSON.stringify(request)}\n`);
      const answer = await answers.next();
      assert.ok(!answer.done, 'the process in the namespace ended');
      return JSON.parse(answer.value) as unknown;
    });
    try {
      await run(kernel, t);
    } finally {
      child.stdin.end();
      await once(child, 'exit');
    }
  });
}
