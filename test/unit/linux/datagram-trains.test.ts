/** UDP datagrams that go and come joined (udp(7), UDP_SEGMENT and UDP_GRO), over the loopback interface. Needs no rights. */
import assert from 'node:assert/strict';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { afterEach, describe, test } from 'node:test';
import { addressWords } from '../../../firmware/dataplane/address.js';
import {
  copyAddress,
  JOINED_SLOT_BYTES,
  PacketBatch,
  PacketSlots,
  SLOT_BYTES,
} from '../../../firmware/dataplane/packet-batch.js';
import { Arena } from '../../../firmware/linux/arena.js';
import { DatagramSocket, datagramSocketArena_bytes } from '../../../firmware/linux/datagram-socket.js';
import { PollSet } from '../../../firmware/linux/poll-set.js';
import { getsockname, SOCKADDR_IN6 } from '../../../firmware/linux/syscalls.js';

const RECEIVED = 4;
const SENT = 200;
const PATIENCE_MS = 2_000;
const LOOPBACK = { ipv4: '127.0.0.1', ipv6: '::1' } as const;

const opened: { close(): unknown }[] = [];
afterEach(() => {
  for (const socket of opened.splice(0)) socket.close();
});

function open(family: 'ipv4' | 'ipv6', mayJoin = true, port = 0) {
  const slots_bytes = RECEIVED * JOINED_SLOT_BYTES + SENT * SLOT_BYTES;
  const arena = new Arena(slots_bytes + datagramSocketArena_bytes(RECEIVED, SENT) + PollSet.arena_bytes(1) + 64);
  const slots = new PacketSlots(arena.bytes, arena.take(RECEIVED * JOINED_SLOT_BYTES), RECEIVED, JOINED_SLOT_BYTES);
  const socket = DatagramSocket.open(arena, { family, protocol: 'udp' }, port, slots, SENT, mayJoin);
  assert.ok(socket !== undefined);
  opened.push(socket);
  const pollSet = new PollSet(arena, 1);
  pollSet.watch([socket.fd]);
  const outgoing = new PacketSlots(arena.bytes, arena.take(SENT * SLOT_BYTES), SENT);
  const address = { name: arena.take(SOCKADDR_IN6.size), length_bytes: arena.take(4) };
  return { arena, socket, pollSet, outgoing, family, address, input: new PacketBatch(arena.bytes, RECEIVED) };
}

type Ours = ReturnType<typeof open>;

/** The port that the kernel gave: it stands in the same place in either family's address. */
function portOf({ arena, socket, address }: Ours): number {
  arena.words[address.length_bytes >>> 2] = SOCKADDR_IN6.size;
  const [name, length_bytes] = [arena.addressOf(address.name), arena.addressOf(address.length_bytes)];
  assert.equal(getsockname(socket.fd, name, length_bytes), 0);
  const at = address.name + SOCKADDR_IN6.port;
  return (arena.bytes[at]! << 8) | arena.bytes[at + 1]!;
}

/** A datagram whose octets tell its place, and the last part of which lies elsewhere where `tail_bytes` is not 0. */
interface Datagram {
  length_bytes: number;
  port: number;
  tail_bytes?: number;
}

function octets(index: number, length_bytes: number): Buffer {
  return Buffer.from(Array.from({ length: length_bytes }, (_, i) => (index * 31 + i * 7) & 0xff));
}

function batchOf({ arena, outgoing, family }: Ours, datagrams: readonly Datagram[]): PacketBatch {
  const batch = new PacketBatch(arena.bytes, SENT);
  for (const [i, { length_bytes, port, tail_bytes = 0 }] of datagrams.entries()) {
    const bytes = octets(i, length_bytes);
    const at = outgoing.room(i);
    const elsewhere = at + 1_000;
    arena.bytes.set(bytes.subarray(0, length_bytes - tail_bytes), at);
    arena.bytes.set(bytes.subarray(length_bytes - tail_bytes), elsewhere);
    batch.append(at, length_bytes - tail_bytes, 0);
    batch.tailOffset[i] = elsewhere;
    batch.tail_bytes[i] = tail_bytes;
    copyAddress(batch.peerAddress, i, addressWords(LOOPBACK[family]), 0);
    copyAddress(batch.localAddress, i, addressWords(LOOPBACK[family]), 0);
    batch.peerPort[i] = port;
  }
  return batch;
}

async function peer(family: 'ipv4' | 'ipv6'): Promise<{ port: number; came(count: number): Promise<Buffer[]> }> {
  const socket: Socket = createSocket({ type: family === 'ipv4' ? 'udp4' : 'udp6', recvBufferSize: 4_000_000 });
  opened.push(socket);
  const list: Buffer[] = [];
  socket.on('message', (bytes) => list.push(bytes));
  socket.bind(0, LOOPBACK[family]);
  await once(socket, 'listening');
  const came = async (count: number): Promise<Buffer[]> => {
    const end = AbortSignal.timeout(PATIENCE_MS);
    while (list.length < count) await once(socket, 'message', { signal: end });
    return list;
  };
  return { port: socket.address().port, came };
}

/** What one receive gives: the length of each datagram of each train, and all octets. */
function trains({ socket, pollSet, input, arena }: Ours): { each_bytes: number; bytes: Buffer }[] {
  assert.equal(pollSet.wait(PATIENCE_MS), 1);
  assert.ok(socket.receive(input));
  return Array.from({ length: input.count }, (_, i) => {
    const [at, length_bytes] = [input.offset[i]!, input.length_bytes[i]!];
    return { each_bytes: input.segment_bytes[i]!, bytes: Buffer.from(arena.bytes.subarray(at, at + length_bytes)) };
  });
}

function equal(length_bytes: number, count: number, port: number): Datagram[] {
  return Array.from({ length: count }, () => ({ length_bytes, port }));
}

for (const family of ['ipv4', 'ipv6'] as const) {
  describe(`datagrams over ${family}`, () => {
    /** All of them, in their order, whatever went joined. */
    async function allCome(from: Ours, lengths: readonly Omit<Datagram, 'port'>[]): Promise<void> {
      const to = await peer(family);
      from.socket.sender.send(
        batchOf(
          from,
          lengths.map((each) => ({ ...each, port: to.port })),
        ),
      );
      assert.deepEqual([from.socket.sender.notSentForRoom, from.socket.sender.refused], [0, 0]);
      assert.deepEqual(
        await to.came(lengths.length),
        lengths.map(({ length_bytes }, i) => octets(i, length_bytes)),
      );
    }

    test('of one length to one peer, the last one shorter, come as one train', async () => {
      const [from, to] = [open(family), open(family)];
      const port = portOf(to);
      from.socket.sender.send(batchOf(from, [...equal(700, 9, port), { length_bytes: 33, port }]));
      const bytes = Buffer.concat([...Array.from({ length: 9 }, (_, i) => octets(i, 700)), octets(9, 33)]);
      assert.deepEqual(trains(to), [{ each_bytes: 700, bytes }]);
    });

    test('a single one is no train', async () => {
      const [from, to] = [open(family), open(family)];
      from.socket.sender.send(batchOf(from, [{ length_bytes: 700, port: portOf(to) }]));
      assert.deepEqual(trains(to), [{ each_bytes: 0, bytes: octets(0, 700) }]);
    });

    test('to two peers in turns go each to its own', async () => {
      const from = open(family);
      const peers = [await peer(family), await peer(family)];
      from.socket.sender.send(
        batchOf(
          from,
          Array.from({ length: 20 }, (_, i) => ({ length_bytes: 100, port: peers[i % 2]!.port })),
        ),
      );
      for (const [which, one] of peers.entries()) {
        assert.deepEqual(
          await one.came(10),
          Array.from({ length: 10 }, (_, i) => octets(2 * i + which, 100)),
        );
      }
    });

    for (const [words, lengths] of [
      ['longer, shorter and equal ones', [50, 50, 60, 60, 60, 10, 10, 70, 1, 1, 1, 0, 5, 0, 0]],
      ['more than one train takes', Array.from({ length: 150 }, () => 64)],
      ['more octets than one IP packet takes', Array.from({ length: 60 }, () => 1_400)],
    ] as const) {
      test(`${words}: all come as they were, in order`, () =>
        allCome(
          open(family),
          lengths.map((length_bytes) => ({ length_bytes })),
        ));
    }

    test('with a part that lies elsewhere: headers here, payload there', () =>
      allCome(
        open(family),
        Array.from({ length: 30 }, (_, i) => ({ length_bytes: 900, tail_bytes: i % 3 === 0 ? 0 : 860 })),
      ));

    test('where nothing may be joined: each alone, none as a train', async () => {
      const [from, to] = [open(family, false), open(family, false)];
      await allCome(
        from,
        Array.from({ length: 20 }, () => ({ length_bytes: 300 })),
      );
      from.socket.sender.send(batchOf(from, equal(300, 3, portOf(to))));
      assert.deepEqual(
        trains(to).map(({ each_bytes }) => each_bytes),
        [0, 0, 0],
      );
    });
  });
}
