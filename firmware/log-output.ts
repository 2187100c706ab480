/**
 * Where the log's lines go: the standard output, all lines of one go of the event loop in one write, since calls come up
 * by the hundred in a second and a write costs as much as the rest of a line. Must not lose a line, but for those that the
 * process has not written when it is killed; must not know what a line says.
 */
import { writeSync } from 'node:fs';

const STANDARD_OUTPUT = 1;
/** Lines of more characters than these do not wait. */
const MAX_WAITING_CHARACTERS = 65_536;
/** How long to wait for a reader that does not keep up. */
const BUSY_WAIT_MS = 10;

export interface LogOutput {
  write(line: string): void;
  /** Writes what waits; the log calls it before the program ends for a fault. */
  flushSync(): void;
}

export function logOutput(): LogOutput {
  let waiting = '';
  const flushSync = () => {
    const text = waiting;
    waiting = '';
    writeAll(Buffer.from(text));
  };
  process.on('exit', flushSync);
  return {
    write(line) {
      if (waiting === '') setImmediate(flushSync);
      waiting += line;
      if (waiting.length > MAX_WAITING_CHARACTERS) flushSync();
    },
    flushSync,
  };
}

function writeAll(octets: Buffer): void {
  for (let rest = octets; rest.length > 0; ) {
    try {
      rest = rest.subarray(writeSync(STANDARD_OUTPUT, rest));
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      // Nobody reads it any more: the box goes on without.
      if (code === 'EPIPE') return;
      if (code !== 'EAGAIN') throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, BUSY_WAIT_MS);
    }
  }
}
