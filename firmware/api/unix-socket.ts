/**
 * The Unix socket on which the box's own administrator reaches the API, in place of one that a former process left. Must
 * not know what is served.
 */
import { chmodSync, lstatSync, mkdirSync, unlinkSync } from 'node:fs';
import type { Server } from 'node:http';
import { connect } from 'node:net';
import { dirname } from 'node:path';
import { listen } from './listening-port.js';

const SOCKET_MODE = 0o660;
/** unix(7): 108 bytes with the zero behind them; what is longer would be cut off in silence. */
const MAX_SOCKET_PATH_BYTES = 107;

/** Rejects, in words, when it cannot. */
export async function listenOnSocket(server: Server, path: string): Promise<void> {
  if (Buffer.byteLength(path) > MAX_SOCKET_PATH_BYTES) {
    throw new Error(
      `${path} is too long for a socket, which takes ${MAX_SOCKET_PATH_BYTES} bytes; give another --socket`,
    );
  }
  try {
    await openSocket(server, path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === undefined) throw error;
    throw new Error(
      `the socket ${path} cannot be made (${code}); check its folder and rights, or give another --socket`,
    );
  }
}

async function openSocket(server: Server, path: string): Promise<void> {
  mkdirSync(dirname(path), { recursive: true });
  await removeStaleSocket(path);
  const umask = process.umask(0o777 & ~SOCKET_MODE);
  try {
    await listen(server, { path });
  } finally {
    process.umask(umask);
  }
  chmodSync(path, SOCKET_MODE);
}

/** A socket that nobody answers on is a leftover. */
async function removeStaleSocket(path: string): Promise<void> {
  const present = lstatSync(path, { throwIfNoEntry: false });
  if (!present) return;
  if (!present.isSocket()) throw new Error(`${path} is there and is no socket; remove it, or give another --socket`);
  const answers = await new Promise<boolean>((resolve) => {
    const probe = connect({ path });
    probe.once('connect', () => {
      probe.destroy();
      resolve(true);
    });
    probe.once('error', () => resolve(false));
  });
  if (answers) throw new Error(`${path} is served by another process; end that one first, or give another --socket`);
  unlinkSync(path);
}
