/**
 * TUN devices that a kernel routes between, for tests that ask it how it cuts a super-packet: `in0` takes packets with
 * virtio's network header, `plain0` has no offload, `offered0` has all of it. Standard input takes a packet a line,
 * standard output gives what came of it.
 *
 *     node kernel-segments-program.js
 *         gives {"opened": true}; takes {"gso", "segment_bytes", "checksumStart_bytes", "checksumAt_bytes", "hex"};
 *         gives {"plain": [hex, …], "offered": [the same fields, …]}
 */
import { readSync, writeSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { Arena } from '../../../firmware/linux/arena.js';
import { IFREQ, ioctl, O_NONBLOCK, O_RDWR, open, SystemError } from '../../../firmware/linux/syscalls.js';

const TUNSETIFF = 0x400454ca;
const TUNSETOFFLOAD = 0x400454d0;
const IFF_TUN = 0x0001;
const IFF_NO_PI = 0x1000;
const IFF_VNET_HDR = 0x4000;
/** TUN_F_CSUM, TSO4, TSO6, TSO_ECN, USO4 and USO6 in <linux/if_tun.h>. */
const ALL_OFFLOADS = 0x6f;
const NEEDS_CHECKSUM = 1;
const HEADER_BYTES = 10;

interface KernelPacket {
  gso: number;
  segment_bytes: number;
  checksumStart_bytes: number;
  checksumAt_bytes: number;
  hex: string;
}

const arena = new Arena(IFREQ.size);
const ifreq = arena.take(IFREQ.size);
const buffer = Buffer.alloc(0x20000);

function openTun(name: string, flags: number): number {
  const fd = open('/dev/net/tun', O_RDWR | O_NONBLOCK);
  if (fd < 0) throw new SystemError('open /dev/net/tun');
  arena.bytes.fill(0, ifreq, ifreq + IFREQ.size);
  arena.bytes.set(Buffer.from(name), ifreq + IFREQ.name);
  arena.words16[(ifreq + IFREQ.flags) >>> 1] = IFF_TUN | IFF_NO_PI | flags;
  if (ioctl(fd, TUNSETIFF, arena.addressOf(ifreq)) < 0) throw new SystemError(`make the TUN device ${name}`);
  return fd;
}

/** The next packet that waits, with the header before it; undefined where there is none. */
function readPacket(fd: number): Buffer | undefined {
  try {
    return buffer.subarray(0, readSync(fd, buffer));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return undefined;
    throw error;
  }
}

function readAll<Packet>(fd: number, parse: (packet: Buffer) => Packet): Packet[] {
  const packets: Packet[] = [];
  for (let packet = readPacket(fd); packet !== undefined; packet = readPacket(fd)) packets.push(parse(packet));
  return packets;
}

/** struct virtio_net_hdr, in the machine's order: flags, kind, header length, segment size, checksum's start and place. */
function emitPacket(packet: KernelPacket): Buffer {
  const { gso, segment_bytes, checksumStart_bytes, checksumAt_bytes } = packet;
  const words = new Uint16Array([0, 0, segment_bytes, checksumStart_bytes, checksumAt_bytes]);
  const header = Buffer.from(words.buffer);
  header[0] = checksumStart_bytes === 0 ? 0 : NEEDS_CHECKSUM;
  header[1] = gso;
  return Buffer.concat([header, Buffer.from(packet.hex, 'hex')]);
}

function parsePacket(packet: Buffer): KernelPacket {
  const words = new Uint16Array(Uint8Array.from(packet.subarray(0, HEADER_BYTES)).buffer);
  const [, , segment_bytes, checksumStart_bytes, checksumAt_bytes] = words as unknown as [0, 0, number, number, number];
  const hex = packet.toString('hex', HEADER_BYTES);
  return { gso: packet[1]!, segment_bytes, checksumStart_bytes, checksumAt_bytes, hex };
}

const input = openTun('in0', IFF_VNET_HDR);
const plain = openTun('plain0', 0);
const offered = openTun('offered0', IFF_VNET_HDR);
if (ioctl(offered, TUNSETOFFLOAD, BigInt(ALL_OFFLOADS)) < 0) throw new SystemError('offer segmentation');

function print(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}

print({ opened: true });
for await (const line of createInterface({ input: process.stdin })) {
  // The kernel routes and cuts in the course of the write.
  writeSync(input, emitPacket(JSON.parse(line) as KernelPacket));
  print({ plain: readAll(plain, (packet) => packet.toString('hex')), offered: readAll(offered, parsePacket) });
}
