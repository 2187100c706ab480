/** Runs a program once, with text for its input. Must not know which one, nor what its words mean. */
import { spawn } from 'node:child_process';

/** How a program ended: `signal` where it was killed. */
export interface End {
  status: number | null;
  signal: string | null;
  stdout: string;
  stderr: string;
}

/** `error` where it could not be run at all. */
export function runProgram(program: string, argv: readonly string[], input: string): Promise<End | { error: string }> {
  return new Promise((resolve) => {
    const child = spawn(program, argv, { stdio: 'pipe' });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    child.once('error', (error) => resolve({ error: error.message }));
    child.once('close', (status, signal) => resolve({ status, signal, stdout, stderr }));
    // A program that ends early closes the pipe; `close` says what there is to say.
    child.stdin.on('error', () => undefined);
    child.stdin.end(input);
  });
}

/** What a program that failed had to say. */
export function messageOf({ stderr, status, signal }: End): string {
  return stderr.trim() || `ended by ${signal ?? `status ${status}`}`;
}
