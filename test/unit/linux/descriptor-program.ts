/**
 * A datagram socket, a TAP device or a packet socket for tests that need one in a network namespace: standard input takes what to send, an
 * array at a time, standard output gives what came; one JSON text a line, bytes in hexadecimal.
 *
 *     node descriptor-program.js '{"family":"ipv4","protocol":"l2tp-ip"}'
 *         takes [{"peer", "local", "hex"}], gives {"sent"} and then {"peer", "local", "port", "length_bytes", "hex"};
 *         takes {"ipOptions": hex}: put into every IPv4 header from then on
 *     node descriptor-program.js '{"tap":"tap0"}'
 *         takes [{"hex"}], gives {"sent"}; and {"length_bytes", "hex"}
 *     node descriptor-program.js '{"interface":"eth0"}'
 *         the same, of PPPoE frames; {"interfaceIndex"} in place of the name opens what has that index, "vlans" says which
 */
import { readFileSync, readSync } from 'node:fs';
import { addressText, addressWords } from '../../../firmware/dataplane/address.js';
import {
  copyAddress,
  PacketBatch,
  PacketPieces,
  PacketSlots,
  ROOM_BYTES,
  SLOT_BYTES,
} from '../../../firmware/dataplane/packet-batch.js';
import { Arena } from '../../../firmware/linux/arena.js';
import { DatagramSocket, datagramSocketArena_bytes } from '../../../firmware/linux/datagram-socket.js';
import { PacketSocket, PacketSocketMemory } from '../../../firmware/linux/packet-socket.js';
import { PollSet } from '../../../firmware/linux/poll-set.js';
import type { SocketKind } from '../../../firmware/linux/socket-family.js';
import { setsockopt } from '../../../firmware/linux/syscalls.js';
import { TunDevice, TunMemory } from '../../../firmware/linux/tun.js';

const BATCH = 32;
const MAX_SENT_BYTES = 4096;
const OPTIONS_BYTES = 40;
const IPPROTO_IP = 0;
const IP_OPTIONS = 4;
const STANDARD_INPUT = 0;

type Input = { peer: string; local: string; hex: string }[] | { ipOptions: string };

const arena = new Arena(
  BATCH * (SLOT_BYTES + MAX_SENT_BYTES) +
    datagramSocketArena_bytes(BATCH, BATCH) +
    TunMemory.arena_bytes() +
    PacketSocketMemory.arena_bytes(BATCH, BATCH) +
    PollSet.arena_bytes(2) +
    OPTIONS_BYTES,
);
const slots = new PacketSlots(arena.bytes, arena.take(BATCH * SLOT_BYTES), BATCH);
const outgoing = arena.take(BATCH * MAX_SENT_BYTES);
const options = arena.take(OPTIONS_BYTES);
const received = new PacketBatch(arena.bytes, BATCH);

const NO_PIECES = new PacketPieces(1);

function print(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}

/** What a batch has of one packet: as much of it as its slot took. */
function contents(index: number): { length_bytes: number; hex: string } {
  const [offset, length_bytes] = [received.offset[index]!, received.length_bytes[index]!];
  const hex = Buffer.from(arena.bytes.subarray(offset, offset + Math.min(length_bytes, ROOM_BYTES))).toString('hex');
  return { length_bytes, hex };
}

function openSocket(kind: SocketKind) {
  const socket = DatagramSocket.open(arena, kind, 0, slots, BATCH);
  if (socket === undefined) throw new Error('the kernel does not have the family');
  const readable = () => {
    if (!socket.receive(received)) print({ error: 'receive' });
    for (let i = 0; i < received.count; i++) {
      const [peer, local] = [addressText(received.peerAddress, i), addressText(received.localAddress, i)];
      print({ peer, local, port: received.peerPort[i], ...contents(i) });
    }
  };
  const take = (input: Input) => {
    if ('ipOptions' in input) {
      const bytes = Buffer.from(input.ipOptions, 'hex');
      arena.bytes.set(bytes, options);
      print({ set: setsockopt(socket.fd, IPPROTO_IP, IP_OPTIONS, arena.addressOf(options), bytes.length) });
      return;
    }
    const batch = new PacketBatch(arena.bytes, BATCH);
    for (const [i, { peer, local, hex }] of input.entries()) {
      appendTo(batch, i, hex);
      copyAddress(batch.peerAddress, i, addressWords(peer), 0);
      copyAddress(batch.localAddress, i, addressWords(local), 0);
    }
    socket.sender.send(batch);
    print({ sent: batch.count - socket.sender.notSentForRoom - socket.sender.refused });
  };
  return { fd: socket.fd, readable, take };
}

function openTap(name: string) {
  const device = TunDevice.open(new TunMemory(arena, slots), 'tap', name);
  const readable = () => {
    device.read(received);
    for (let i = 0; i < received.count; i++) print(contents(i));
  };
  const take = (input: Input) => {
    if ('ipOptions' in input) throw new Error('a TAP device has no IP options');
    const batch = new PacketBatch(arena.bytes, BATCH);
    let sent = 0;
    for (const [i, { hex }] of input.entries()) {
      appendTo(batch, i, hex);
      if (device.write(batch, i, NO_PIECES)) sent++;
    }
    print({ sent });
  };
  return { fd: device.fd, readable, take };
}

function openPacketSocket(what: Interface) {
  const interfaceIndex =
    'interface' in what
      ? Number(readFileSync(`/sys/class/net/${what.interface}/ifindex`, 'utf8'))
      : what.interfaceIndex;
  const memory = new PacketSocketMemory(arena, slots, BATCH);
  const socket = PacketSocket.open(memory, interfaceIndex, what.vlans);
  const readable = () => {
    if (!socket.receive(received)) print({ error: 'receive' });
    if (socket.isDown) print({ down: true });
    for (let i = 0; i < received.count; i++) print(contents(i));
  };
  const take = (input: Input) => {
    if ('ipOptions' in input) throw new Error('a packet socket has no IP options');
    const batch = new PacketBatch(arena.bytes, BATCH);
    for (const [i, { hex }] of input.entries()) appendTo(batch, i, hex);
    socket.send(batch);
    print({ sent: batch.count - socket.notSentForRoom - socket.refused });
  };
  return { fd: socket.fd, readable, take };
}

function appendTo(batch: PacketBatch, index: number, hex: string): void {
  const at = outgoing + index * MAX_SENT_BYTES;
  const bytes = Buffer.from(hex, 'hex');
  arena.bytes.set(bytes, at);
  batch.append(at, bytes.length, 0);
}

type Interface = ({ interface: string } | { interfaceIndex: number }) & { vlans?: 'any' | 'untagged' };
type What = SocketKind | { tap: string } | Interface;

function openDescriptor(what: What) {
  if ('tap' in what) return openTap(what.tap);
  return 'family' in what ? openSocket(what) : openPacketSocket(what);
}

const descriptor = openDescriptor(JSON.parse(process.argv[2]!) as What);
const pollSet = new PollSet(arena, 2);
pollSet.watch([descriptor.fd, STANDARD_INPUT]);
print({ opened: true });
const chunk = Buffer.alloc(65_536);
let text = '';
for (let isOpen = true; isOpen; ) {
  pollSet.wait(10_000);
  if (pollSet.isReady(0)) descriptor.readable();
  if (!pollSet.isReady(1)) continue;
  const count = readSync(STANDARD_INPUT, chunk);
  isOpen = count > 0;
  text += chunk.toString('latin1', 0, count);
  for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n')) {
    descriptor.take(JSON.parse(text.slice(0, end)) as Input);
    text = text.slice(end + 1);
  }
}
