/** The root helper as it ships, compiled for this machine, with programs of the test's own for its verbs. */
import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { until } from '../../lab/until.js';

const SOURCE = fileURLToPath(
  new URL('../../../../image/package/tunnelwerk-root/src/tunnelwerk-root.c', import.meta.url),
);

export interface RootHelperProgram {
  folder: string;
  socketPath: string;
  /** Signals the helper, and awaits its end. */
  kill(): Promise<void>;
}

/** Each of `programs` is the shell program of a verb. `user` may ask, beside root. */
export async function startRootHelper(
  t: TestContext,
  programs: Readonly<Record<string, string>>,
  user = 900,
): Promise<RootHelperProgram> {
  const folder = mkdtempSync(join(tmpdir(), 'root-'));
  chmodSync(folder, 0o755);
  const programFile = join(folder, 'tunnelwerk-root');
  execFileSync('gcc', ['-O1', '-Wall', '-Wextra', '-Werror', '-o', programFile, SOURCE]);
  const verbs = join(folder, 'verbs');
  mkdirSync(verbs);
  for (const [name, text] of Object.entries(programs)) {
    writeFileSync(join(verbs, name), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
  }
  const socketPath = join(folder, 'root.sock');
  // What is no watchdog takes what is written into it all the same.
  const watchdog = join(folder, 'watchdog');
  writeFileSync(watchdog, '');
  const child = spawn(programFile, [socketPath, String(user), verbs, watchdog], { stdio: 'ignore' });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const kill = async () => {
    child.kill('SIGKILL');
    await ended;
  };
  t.after(async () => {
    await kill();
    rmSync(folder, { recursive: true });
  });
  await until('the root helper listens', 20_000, () => canConnect(socketPath));
  return { folder, socketPath, kill };
}

function canConnect(socketPath: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(socketPath, () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
