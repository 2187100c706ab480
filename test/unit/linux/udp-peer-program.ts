/**
 * A UDP socket for tests that need one in a network namespace: standard input takes datagrams to send, standard output
 * gives those that came, one JSON text a line: {"address", "port", "hex"}.
 *
 *     node udp-peer-program.js ADDRESS PORT
 */
import { createSocket } from 'node:dgram';
import { createInterface } from 'node:readline';

const [address, port] = process.argv.slice(2);
const socket = createSocket(address!.includes(':') ? 'udp6' : 'udp4');
socket.on('message', (bytes, { address, port }) => {
  process.stdout.write(`${JSON.stringify({ address, port, hex: bytes.toString('hex') })}\n`);
});
socket.bind(Number(port), address, () => process.stdout.write('{"bound":true}\n'));
createInterface({ input: process.stdin })
  .on('line', (line) => {
    const { address, port, hex } = JSON.parse(line);
    socket.send(Buffer.from(hex, 'hex'), port, address);
  })
  .on('close', () => socket.close());
