/**
 * A UDP socket in the namespace that this program is started in, for raw-peer.ts: reads lines of JSON with packets to
 * send, writes a line for each packet that comes. Knows no protocol.
 *
 *   in   {"address":"192.0.2.1","port":1701,"packets":["c802…",…]}
 *   out  {"listening":40000}, {"sent":12}, {"packet":"c802…"}
 */
import { createSocket } from 'node:dgram';
import { createInterface } from 'node:readline';

interface Order {
  address: string;
  port: number;
  packets: string[];
}

const socket = createSocket('udp4');
const tell = (line: object): void => void process.stdout.write(`${JSON.stringify(line)}\n`);

socket.on('message', (packet) => tell({ packet: packet.toString('hex') }));
socket.bind(0, () => tell({ listening: socket.address().port }));

async function carryOut(order: Order): Promise<void> {
  for (const packet of order.packets) {
    await new Promise((resolve) => socket.send(Buffer.from(packet, 'hex'), order.port, order.address, resolve));
  }
  tell({ sent: order.packets.length });
}

let working = Promise.resolve();
createInterface({ input: process.stdin }).on('line', (line) => {
  working = working.then(() => carryOut(JSON.parse(line) as Order));
});
