/**
 * Answers for tests in a network namespace: gives every UDP datagram back and takes every TCP connection, on the ports of
 * its command line, on all addresses. Ends with its input.
 *
 *     node echo-program.js PORT...
 */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:net';

for (const port of process.argv.slice(2).map(Number)) {
  const udp = createSocket('udp6');
  udp.on('message', (bytes, { address, port }) => udp.send(bytes, port, address));
  udp.bind(port);
  await once(udp, 'listening');
  const tcp = createServer((connection) => connection.on('error', () => undefined).end());
  tcp.listen(port);
  await once(tcp, 'listening');
}
process.stdout.write('{"listening":true}\n');
process.stdin.on('close', () => process.exit(0)).resume();
