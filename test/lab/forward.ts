/**
 * Carries a loopback port of this machine to one that a namespace reaches: connections cross by a Unix socket, whose far end a
 * process in the namespace holds (forward-process.ts).
 */
import { connect, createServer } from 'node:net';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Lab, Namespace } from './namespaces.js';

const PROGRAM = resolve(fileURLToPath(import.meta.url), '../forward-process.js');

/** Answers the port of this machine: the same number where that is free. */
export async function forwardPort(
  lab: Lab,
  namespace: Namespace,
  port: number,
  address = '127.0.0.1',
): Promise<number> {
  const socketPath = join(lab.folder, `forward-${namespace.name}-${port}.sock`);
  const daemon = namespace.start(`forward ${port}`, [process.execPath, PROGRAM, socketPath, String(port), address]);
  await daemon.waitForLine(/listening/, { timeout_ms: 10_000 });
  const server = createServer((near) => {
    const far = connect(socketPath);
    near.pipe(far).pipe(near);
    near.on('error', () => far.destroy());
    far.on('error', () => near.destroy());
  });
  // Who only waits for a browser to come does not keep the process.
  server.unref();
  const listen = (wanted: number): Promise<number> =>
    new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen(wanted, '127.0.0.1', () => {
        const address = server.address();
        if (typeof address === 'object' && address !== null) resolve(address.port);
      });
    });
  return listen(port).catch(() => listen(0));
}
