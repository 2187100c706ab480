/**
 * A raw socket for IP protocol 115 in the namespace that this program is started in, for raw-socket-peer.ts: reads lines
 * of JSON with packets to send, writes a line for each packet that comes. The socket is the npm package raw-socket's, so
 * that nothing here shares code with the program under test. Knows no protocol above IP. Its argument is the family,
 * IPv4 or IPv6. Packets are what follows the IP header.
 *
 *   in   {"address":"192.0.2.1","packets":["00000000c803…",…]}; with "from":["198.18.0.1",…] each packet leaves from
 *        every one of these IPv4 addresses, whosoever they are
 *   out  {"listening":115}, {"sent":12}, {"packet":"00000000c803…","source":"192.0.2.1"}
 */
import { createInterface } from 'node:readline';
import raw from 'raw-socket';

const L2TP = 115;
const LARGEST_PACKET_BYTES = 65_535;
const IPV4_HEADER_BYTES = 20;
/** Of the IPv4 header's first octet: the header's length in units of four octets. */
const IHL_MASK = 0x0f;

interface Order {
  address: string;
  packets: string[];
  from?: string[];
}

const isIpv6 = process.argv[2] === 'IPv6';
const tell = (line: object): void => void process.stdout.write(`${JSON.stringify(line)}\n`);

const open = () =>
  raw.createSocket({
    ...{ protocol: L2TP, bufferSize: LARGEST_PACKET_BYTES },
    addressFamily: isIpv6 ? raw.AddressFamily.IPv6 : raw.AddressFamily.IPv4,
  });

const socket = open();
socket.on('message', (packet, source) => {
  const header_bytes = isIpv6 ? 0 : (packet[0]! & IHL_MASK) * 4;
  tell({ packet: packet.subarray(header_bytes).toString('hex'), source });
});
socket.on('error', (error) => {
  throw error;
});
tell({ listening: L2TP });

const send = (from: raw.Socket, packet: Buffer, address: string): Promise<void> =>
  new Promise((resolve, reject) => {
    from.send(packet, 0, packet.length, address, (error) => (error === null ? resolve() : reject(error)));
  });

/** The IPv4 header of RFC 791 in front, from whatever address; the kernel puts in identification and checksum. */
function withHeader(packet: Buffer, source: string, destination: string): Buffer {
  const header = Buffer.alloc(IPV4_HEADER_BYTES);
  header.writeUInt8(0x45, 0);
  header.writeUInt16BE(IPV4_HEADER_BYTES + packet.length, 2);
  header.writeUInt8(64, 8);
  header.writeUInt8(L2TP, 9);
  header.set(source.split('.').map(Number), 12);
  header.set(destination.split('.').map(Number), 16);
  return Buffer.concat([header, packet]);
}

async function sendForged(packets: readonly Buffer[], sources: readonly string[], address: string): Promise<void> {
  const forger = open();
  forger.pauseRecv();
  const on = Buffer.alloc(4);
  on.writeInt32LE(1);
  forger.setOption(raw.SocketLevel.IPPROTO_IP, raw.SocketOption.IP_HDRINCL, on, on.length);
  for (const source of sources) {
    await Promise.all(packets.map((packet) => send(forger, withHeader(packet, source, address), address)));
  }
  forger.close();
}

async function carryOut({ address, packets, from }: Order): Promise<void> {
  const octets = packets.map((packet) => Buffer.from(packet, 'hex'));
  if (from === undefined) for (const packet of octets) await send(socket, packet, address);
  else await sendForged(octets, from, address);
  tell({ sent: packets.length * (from?.length ?? 1) });
}

let working = Promise.resolve();
createInterface({ input: process.stdin }).on('line', (line) => {
  working = working.then(() => carryOut(JSON.parse(line) as Order));
});
