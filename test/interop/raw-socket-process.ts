/**
 * A raw socket for IP protocol 115 in the namespace that this program is started in, for raw-socket-peer.ts: reads lines
 * of JSON with packets to send, writes a line for each packet that comes. The socket is the npm package raw-socket's, so
 * that nothing here shares code with the program under test. Knows no protocol above IP. Its argument is the family,
 * IPv4 or IPv6. Packets are what follows the IP header.
 *
 *   in   {"address":"192.0.2.1","packets":["00000000c803…",…]}
 *   out  {"listening":115}, {"sent":12}, {"packet":"00000000c803…","source":"192.0.2.1"}
 */
import { createInterface } from 'node:readline';
import raw from 'raw-socket';

const L2TP = 115;
const LARGEST_PACKET_BYTES = 65_535;
/** Of the IPv4 header's first octet: the header's length in units of four octets. */
const IHL_MASK = 0x0f;

interface Order {
  address: string;
  packets: string[];
}

const isIpv6 = process.argv[2] === 'IPv6';
const tell = (line: object): void => void process.stdout.write(`${JSON.stringify(line)}\n`);

const socket = raw.createSocket({
  ...{ protocol: L2TP, bufferSize: LARGEST_PACKET_BYTES },
  addressFamily: isIpv6 ? raw.AddressFamily.IPv6 : raw.AddressFamily.IPv4,
});
socket.on('message', (packet, source) => {
  const header_bytes = isIpv6 ? 0 : (packet[0]! & IHL_MASK) * 4;
  tell({ packet: packet.subarray(header_bytes).toString('hex'), source });
});
socket.on('error', (error) => {
  throw error;
});
tell({ listening: L2TP });

const send = (packet: Buffer, address: string): Promise<void> =>
  new Promise((resolve, reject) => {
    socket.send(packet, 0, packet.length, address, (error) => (error === null ? resolve() : reject(error)));
  });

async function carryOut({ address, packets }: Order): Promise<void> {
  for (const packet of packets) await send(Buffer.from(packet, 'hex'), address);
  tell({ sent: packets.length });
}

let working = Promise.resolve();
createInterface({ input: process.stdin }).on('line', (line) => {
  working = working.then(() => carryOut(JSON.parse(line) as Order));
});
