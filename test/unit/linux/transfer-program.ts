/**
 * One end of a TCP transfer for tests in network namespaces. The octets follow from the length alone, so that both ends
 * know them.
 *
 *     node transfer-program.js receive PORT           gives {"listening"}, then {"bytes", "sha256"} of what came
 *     node transfer-program.js send HOST PORT BYTES   gives {"bytes", "sha256"} of what it has sent
 */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

const print = (value: unknown): void => void process.stdout.write(`${JSON.stringify(value)}\n`);
const sha256 = (octets: Buffer): string => createHash('sha256').update(octets).digest('hex');

async function receive(port: number): Promise<void> {
  const server = createServer().listen(port);
  await once(server, 'listening');
  print({ listening: true });
  const [connection] = (await once(server, 'connection')) as [Socket];
  const parts: Buffer[] = [];
  for await (const part of connection) parts.push(part as Buffer);
  const octets = Buffer.concat(parts);
  print({ bytes: octets.length, sha256: sha256(octets) });
  server.close();
}

async function send(host: string, port: number, bytes: number): Promise<void> {
  const octets = Buffer.alloc(bytes);
  for (let at = 0; at + 4 <= bytes; at += 4) octets.writeUInt32BE(Math.imul(at, 0x9e3779b1) >>> 0, at);
  const connection = connect(port, host);
  connection.end(octets);
  await once(connection.resume(), 'close');
  print({ bytes, sha256: sha256(octets) });
}

const [what, ...rest] = process.argv.slice(2);
if (what === 'receive') await receive(Number(rest[0]));
else await send(rest[0]!, Number(rest[1]), Number(rest[2]));
