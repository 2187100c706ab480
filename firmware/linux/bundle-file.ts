/**
 * The file in which an update is received, and what RAUC says of it. Must not decide whether it is wanted.
 */
import { createWriteStream } from 'node:fs';
import { open, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { type Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { messageOf, runProgram } from './program.js';

interface BundleInfo {
  /** For which board, as in tunnelwerk-qemu-aarch64. */
  compatible: string;
  version: string;
}

export class BundleFile {
  readonly #path: string;
  readonly #configuration: string;

  /** `configuration` is RAUC's own file: it names the certificates that are trusted. */
  constructor(path: string, configuration: string) {
    this.#path = path;
    this.#configuration = configuration;
  }

  /** Stores what comes, and resolves once it is on the disk; gives the reason where that could not be. */
  async receive(octets: Readable, most_bytes: number): Promise<{ reason: string } | undefined> {
    let length_bytes = 0;
    const bound = new Transform({
      transform(chunk: Uint8Array, _, done) {
        length_bytes += chunk.length;
        if (length_bytes <= most_bytes) done(null, chunk);
        else done(new Error(`it has more than ${Math.floor(most_bytes / 1024 / 1024)} MiB, which no update has`));
      },
    });
    try {
      await pipeline(octets, bound, createWriteStream(this.#path, { mode: 0o600 }));
      await syncFile(this.#path);
      await syncFile(dirname(this.#path));
      return undefined;
    } catch (error) {
      await this.discard();
      const { code, message } = error as NodeJS.ErrnoException;
      if (code === 'ENOSPC') return { reason: 'there is no room for it on the data partition' };
      if (code === 'ERR_STREAM_PREMATURE_CLOSE' || code === 'ECONNRESET' || message === 'aborted') {
        return { reason: 'the connection ended before all of it had come' };
      }
      return { reason: message };
    }
  }

  /** Whose update it is, once its signature has been checked; otherwise why it is none. */
  async inspect(): Promise<BundleInfo | { reason: string }> {
    const argv = ['info', `--conf=${this.#configuration}`, '--output-format=json', this.#path];
    const end = await runProgram('rauc', argv, '');
    if ('error' in end) return { reason: `rauc cannot be run: ${end.error}` };
    if (end.status !== 0) return { reason: reasonOf(messageOf(end)) };
    const { compatible = '', version = '' } = JSON.parse(end.stdout) as Partial<BundleInfo>;
    return { compatible, version };
  }

  async discard(): Promise<void> {
    await rm(this.#path, { force: true });
  }
}

async function syncFile(path: string): Promise<void> {
  const file = await open(path);
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

/** RAUC's last line says what it is about, with all that it was doing at the time in front. */
function reasonOf(message: string): string {
  const last = message.split('\n').at(-1) ?? '';
  if (/signature verification failed|Failed to verify signature|self.signed certificate/i.test(last)) {
    return `its signature is not one that this box trusts (${last})`;
  }
  if (/^Invalid bundle format/.test(last)) {
    return `it is no update bundle, or not all of one (${last})`;
  }
  return last;
}
