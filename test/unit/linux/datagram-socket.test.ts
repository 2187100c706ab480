/** UDP in batches over the loopback interface, both families; and waiting for descriptors. Needs no rights. */
import assert from 'node:assert/strict';
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { closeSync, writeSync } from 'node:fs';
import { afterEach, describe, test } from 'node:test';
import { addressText, addressWords } from '../../../firmware/dataplane/address.js';
import { copyAddress, PacketBatch, PacketSlots, SLOT_BYTES } from '../../../firmware/dataplane/packet-batch.js';
import { Arena } from '../../../firmware/linux/arena.js';
import { DatagramSocket, datagramSocketArena_bytes } from '../../../firmware/linux/datagram-socket.js';
import { PollSet, WakeUp } from '../../../firmware/linux/poll-set.js';
import { SystemError } from '../../../firmware/linux/syscalls.js';

const BATCH = 4;
const ANY_PORT = 0;
const PATIENCE_MS = 2_000;

const opened: { close(): unknown }[] = [];
afterEach(() => {
  for (const socket of opened.splice(0)) socket.close();
});

function open(family: 'ipv4' | 'ipv6', port = ANY_PORT) {
  const arena = new Arena(2 * BATCH * SLOT_BYTES + datagramSocketArena_bytes(BATCH, BATCH) + PollSet.arena_bytes(1));
  const slots = new PacketSlots(arena.bytes, arena.take(BATCH * SLOT_BYTES), BATCH);
  const socket = DatagramSocket.open(arena, { family, protocol: 'udp' }, port, slots, BATCH);
  assert.ok(socket !== undefined);
  opened.push(socket);
  const pollSet = new PollSet(arena, 1);
  pollSet.watch([socket.fd]);
  const outgoing = new PacketSlots(arena.bytes, arena.take(BATCH * SLOT_BYTES), BATCH);
  return { arena, socket, pollSet, outgoing, input: new PacketBatch(arena.bytes, BATCH) };
}

/** A batch of datagrams: text, to whom, from which local address. */
function batchOf(
  { arena, outgoing }: ReturnType<typeof open>,
  ...list: [string, string, number, string][]
): PacketBatch {
  const batch = new PacketBatch(arena.bytes, BATCH);
  for (const [slot, [text, peer, port, local]] of list.entries()) {
    const bytes = new TextEncoder().encode(text);
    arena.bytes.set(bytes, outgoing.room(slot));
    batch.append(outgoing.room(slot), bytes.length, 0);
    copyAddress(batch.peerAddress, slot, addressWords(peer), 0);
    copyAddress(batch.localAddress, slot, addressWords(local), 0);
    batch.peerPort[slot] = port;
  }
  return batch;
}

async function peerOn(address: string): Promise<Socket> {
  const peer = createSocket(address.includes(':') ? 'udp6' : 'udp4');
  opened.push(peer);
  peer.bind(0, address);
  await once(peer, 'listening');
  return peer;
}

/** Awaits so many datagrams: their text, and whom they came from. */
function messages(peer: Socket, count: number): Promise<[string, RemoteInfo][]> {
  return new Promise((resolve, reject) => {
    const list: [string, RemoteInfo][] = [];
    const timer = setTimeout(() => reject(new Error(`${list.length} of ${count} came`)), PATIENCE_MS);
    peer.on('message', (bytes, from) => {
      list.push([bytes.toString(), from]);
      if (list.length < count) return;
      clearTimeout(timer);
      resolve(list);
    });
  });
}

for (const [family, addresses] of [
  ['ipv4', ['127.0.0.1', '127.0.0.2', '127.0.0.3']],
  ['ipv6', ['::1', '::1', '::1']],
] as const) {
  describe(`a UDP socket for ${family}`, () => {
    const [peerAddress, first, second] = addresses;

    test('sends a batch, each datagram from the local address that it names', async () => {
      const ours = open(family);
      const peer = await peerOn(peerAddress);
      const { port } = peer.address();
      const came = messages(peer, 3);
      ours.socket.sender.send(
        batchOf(
          ours,
          ['one', peerAddress, port, first],
          ['two', peerAddress, port, second],
          ['three', peerAddress, port, ''],
        ),
      );
      const list = await came;
      assert.deepEqual(
        list.map(([text, { address }]) => [text, address]),
        [
          ['one', first],
          ['two', second],
          ['three', peerAddress],
        ],
      );
      assert.deepEqual([ours.socket.sender.notSentForRoom, ours.socket.sender.refused], [0, 0]);
    });

    test('receives a batch, with the peer’s address and port and the address that was dialled', async () => {
      const ours = open(family);
      const peer = await peerOn(peerAddress);
      const came = messages(peer, 1);
      ours.socket.sender.send(batchOf(ours, ['hello', peerAddress, peer.address().port, '']));
      const [[, { port }]] = (await came) as [[string, RemoteInfo]];

      const long = 'x'.repeat(1984);
      for (const [text, address] of [
        ['to the first', first],
        ['', second],
        [long, second],
        [`${long}y`, first],
        ['one more than a batch', first],
      ] as const) {
        await new Promise<void>((resolve, reject) =>
          peer.send(text, port, address, (error) => (error === null ? resolve() : reject(error))),
        );
      }
      assert.equal(ours.pollSet.wait(PATIENCE_MS), 1);
      assert.equal(ours.pollSet.isReady(0), true);
      assert.equal(ours.socket.receive(ours.input), true);
      const { input, arena } = ours;
      const textOf = (i: number) => {
        const start = input.offset[i]!;
        return Buffer.from(arena.bytes.subarray(start, start + Math.min(1984, input.length_bytes[i]!))).toString();
      };
      assert.deepEqual([0, 1, 2, 3].map(textOf), ['to the first', '', long, long]);
      assert.deepEqual([...input.length_bytes], [12, 0, 1984, 1985], 'what was cut off says how long it was');
      assert.deepEqual(
        [0, 1, 2, 3].map((i) => addressText(input.localAddress, i)),
        [first, second, second, first],
      );
      for (let i = 0; i < BATCH; i++) {
        assert.equal(addressText(input.peerAddress, i), peerAddress);
        assert.equal(input.peerPort[i], peer.address().port);
      }
      assert.equal(ours.socket.receive(input), true);
      assert.deepEqual([input.count, textOf(0)], [1, 'one more than a batch']);
      assert.equal(ours.socket.receive(input), true);
      assert.equal(input.count, 0, 'nothing more: no error, no packet');
    });

    test('a datagram that is refused is counted, and those behind it go out', async () => {
      const ours = open(family);
      const peer = await peerOn(peerAddress);
      const { port } = peer.address();
      const came = messages(peer, 2);
      const foreign = family === 'ipv4' ? '192.0.2.99' : '2001:db8::99';
      ours.socket.sender.send(
        batchOf(
          ours,
          ['goes', peerAddress, port, ''],
          ['from an address that is not ours', peerAddress, port, foreign],
          ['goes too', peerAddress, port, first],
        ),
      );
      assert.equal(ours.socket.sender.refused, 1);
      const list = await came;
      assert.deepEqual(
        list.map(([text]) => text),
        ['goes', 'goes too'],
      );
    });

    test('an error while receiving is told', () => {
      const ours = open(family);
      closeSync(ours.socket.fd);
      opened.pop();
      assert.equal(ours.socket.receive(ours.input), false);
      assert.equal(ours.input.count, 0);
    });
  });
}

test('a port that is taken is a SystemError with the name of the errno', async () => {
  const peer = await peerOn('127.0.0.1');
  const { port } = peer.address();
  assert.throws(
    () => open('ipv4', port),
    (error: unknown) => error instanceof SystemError && error.errno === 'EADDRINUSE',
  );
});

describe('waiting', () => {
  function waiting() {
    const arena = new Arena(256);
    const wakeUp = new WakeUp(arena);
    const pollSet = new PollSet(arena, 2);
    pollSet.watch([wakeUp.fd]);
    return { wakeUp, pollSet };
  }
  const one = new Uint8Array(BigUint64Array.of(1n).buffer);

  test('ends with the time, or with a wake-up, until that is taken note of', () => {
    const { wakeUp, pollSet } = waiting();
    assert.equal(pollSet.wait(0), 0);
    writeSync(wakeUp.fd, one);
    writeSync(wakeUp.fd, one);
    assert.equal(pollSet.wait(PATIENCE_MS), 1);
    assert.equal(pollSet.isReady(0), true);
    wakeUp.reset();
    assert.equal(pollSet.wait(0), 0);
    assert.equal(pollSet.isReady(0), false);
    closeSync(wakeUp.fd);
  });

  test('for a descriptor that was closed is a fault, not a loop', () => {
    const { wakeUp, pollSet } = waiting();
    closeSync(wakeUp.fd);
    assert.equal(pollSet.wait(PATIENCE_MS), 1);
    assert.throws(() => pollSet.isReady(0), /the descriptor at place 0 is closed/);
  });

  test('for more descriptors than were asked for is a fault', () => {
    assert.throws(() => waiting().pollSet.watch([0, 1, 2]), RangeError);
  });
});

describe('the arena', () => {
  test('parts do not overlap and are aligned; too much is refused', () => {
    const arena = new Arena(64);
    assert.deepEqual([arena.take(1), arena.take(16), arena.take(17)], [0, 16, 32]);
    assert.throws(() => arena.take(1), RangeError);
  });

  test('a pointer that it writes is the address that it gives', () => {
    const arena = new Arena(64);
    arena.writePointer(0, 48);
    const bytes = arena.addressOf(16) - arena.addressOf(0);
    assert.equal(bytes, 16n);
    const [low, high] = arena.words;
    assert.equal((BigInt(high!) << 32n) | BigInt(low!), arena.addressOf(48));
  });
});
