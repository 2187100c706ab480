/**
 * The program of frame-sender.ts: its argument is the order in JSON, the frame in hexadecimal digits. Prints
 * {"frames":…,"seconds":…} at its end.
 */
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { PacketBatch, PacketSlots, SLOT_BYTES } from '../../firmware/dataplane/packet-batch.js';
import { Arena } from '../../firmware/linux/arena.js';
import { PacketSocket, PacketSocketMemory } from '../../firmware/linux/packet-socket.js';
import type { SendingOrder } from './frame-sender.js';

const BATCH = 64;
const order = JSON.parse(process.argv[2]) as Omit<SendingOrder, 'frame'> & { frame: string };
const frame = Buffer.from(order.frame, 'hex');
const index = Number(readFileSync(`/sys/class/net/${order.device}/ifindex`, 'utf8'));

// What comes is not of interest, but a packet socket has memory for it.
const arena = new Arena((BATCH + 1) * SLOT_BYTES + PacketSocketMemory.arena_bytes(1, BATCH) + 64);
const incoming = new PacketSlots(arena.bytes, arena.take(SLOT_BYTES), 1);
const outgoing = new PacketSlots(arena.bytes, arena.take(BATCH * SLOT_BYTES), BATCH);
const socket = PacketSocket.open(new PacketSocketMemory(arena, incoming, BATCH), index);
const batch = new PacketBatch(arena.bytes, BATCH);
for (let slot = 0; slot < BATCH; slot++) arena.bytes.set(frame, outgoing.room(slot));

function sendBatch(count: number): number {
  batch.count = 0;
  for (let slot = 0; slot < count; slot++) {
    const room = outgoing.room(slot);
    const { random } = order;
    if (random !== undefined) arena.bytes.set(randomBytes(random.length_bytes), room + random.at);
    batch.append(room, frame.length, 0);
  }
  socket.send(batch);
  return count - socket.notSentForRoom - socket.refused;
}

const started_ms = performance.now();
const elapsed_ms = () => performance.now() - started_ms;
let frames = 0;
while (elapsed_ms() < order.duration_ms) {
  const due = order.perSecond === 0 ? BATCH : Math.floor((elapsed_ms() / 1000) * order.perSecond) - frames;
  if (due > 0) frames += sendBatch(Math.min(due, BATCH));
  // To the next millisecond, without keeping a processor busy.
  else await new Promise((resolve) => setTimeout(resolve, 1));
}
socket.close();
console.log(JSON.stringify({ frames, seconds: elapsed_ms() / 1000 }));
