/**
 * A UDP socket in the namespace that this program is started in, for raw-peer.ts: reads lines of JSON with packets to
 * send, writes a line for each packet that comes. Knows no protocol. Its argument is the family, udp4 or udp6.
 *
 *   in   {"address":"192.0.2.1","port":1701,"packets":["c802…",…]}; with "from":["198.18.0.1",…] each packet leaves
 *        from every one of these addresses, and what comes back to them is not told
 *   out  {"listening":40000}, {"sent":12}, {"packet":"c802…"}
 */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

interface Order {
  address: string;
  port: number;
  packets: string[];
  from?: string[];
}

const socket = createSocket(process.argv[2] === 'udp6' ? 'udp6' : 'udp4');
const tell = (line: object): void => void process.stdout.write(`${JSON.stringify(line)}\n`);

socket.on('message', (packet) => tell({ packet: packet.toString('hex') }));
socket.bind(0, () => tell({ listening: socket.address().port }));

async function socketAt(address: string): Promise<Socket> {
  const bound = createSocket('udp4').bind(0, address);
  await once(bound, 'listening');
  return bound;
}

async function carryOut({ address, port, packets, from }: Order): Promise<void> {
  const senders = from === undefined ? [socket] : await Promise.all(from.map(socketAt));
  for (const packet of packets) {
    const octets = Buffer.from(packet, 'hex');
    for (const sender of senders) await new Promise((resolve) => sender.send(octets, port, address, resolve));
  }
  if (from !== undefined) for (const sender of senders) sender.close();
  tell({ sent: packets.length * senders.length });
}

let working = Promise.resolve();
createInterface({ input: process.stdin }).on('line', (line) => {
  working = working.then(() => carryOut(JSON.parse(line) as Order));
});
