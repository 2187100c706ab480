/**
 * The PCs of pppoe-calls.ts with a packet socket and a clock, for pppoe-callers.ts: started in the namespace that the
 * calls come from, with the name of an Ethernet interface. Reads orders as lines of JSON, answers each with one line.
 * Knows no protocol.
 *
 *   in   {"type":"dial","calls":500,…}   {"type":"ping",…}   {"type":"hang-up"}
 *   out  {"type":"ready"}   {"type":"dialled","answer":{…}}   …
 */
import { randomBytes } from 'node:crypto';
import { readFileSync, readSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { PacketBatch, PacketSlots, SLOT_BYTES } from '../../firmware/dataplane/packet-batch.js';
import { Arena } from '../../firmware/linux/arena.js';
import { PacketSocket, PacketSocketMemory } from '../../firmware/linux/packet-socket.js';
import { PollSet } from '../../firmware/linux/poll-set.js';
import { SystemError, setsockopt } from '../../firmware/linux/syscalls.js';
import { PPP_PROTOCOL } from '../../firmware/wire/ppp.js';
import { PPPOE_ETHER_TYPE } from '../../firmware/wire/pppoe.js';
import type { DialOrder } from './pppoe-callers.js';
import { PppoeCalls } from './pppoe-calls.js';

const BATCH = 64;
const STANDARD_INPUT = 0;
const MAX_WAIT_MS = 10_000;
const SOL_SOCKET = 1;
const SO_DETACH_FILTER = 27;
/** Places in a frame without tags: its type, and the PPP protocol behind the PPPoE header. */
const TYPE_AT = 12;
const PROTOCOL_AT = 20;

type Order =
  | ({ type: 'dial' } & DialOrder)
  | { type: 'ping'; destination: string; timeout_ms: number }
  | { type: 'frame'; pc: number; destination: string; payload_bytes: number }
  | { type: 'ended' }
  | { type: 'hang-up' };

const arena = new Arena(
  2 * BATCH * SLOT_BYTES + PacketSocketMemory.arena_bytes(BATCH, BATCH) + PollSet.arena_bytes(2) + 64,
);
const slots = new PacketSlots(arena.bytes, arena.take(BATCH * SLOT_BYTES), BATCH);
const outgoing = new PacketSlots(arena.bytes, arena.take(BATCH * SLOT_BYTES), BATCH);
const received = new PacketBatch(arena.bytes, BATCH);
const sent = new PacketBatch(arena.bytes, BATCH);
const index = Number(readFileSync(`/sys/class/net/${process.argv[2]}/ifindex`, 'utf8'));
const memory = new PacketSocketMemory(arena, slots, BATCH);
const socket = PacketSocket.open(memory, index);
// The filter lets pass what is for the interface's own address; the PCs have others.
if (setsockopt(socket.fd, SOL_SOCKET, SO_DETACH_FILTER, arena.addressOf(memory.option), 4) < 0) {
  throw new SystemError('detach the filter');
}
const pollSet = new PollSet(arena, 2);
pollSet.watch([socket.fd, STANDARD_INPUT]);
const calls = new PppoeCalls((length_bytes) => randomBytes(length_bytes));

function tell(type: string, answer: unknown): void {
  process.stdout.write(`${JSON.stringify({ type, answer })}\n`);
}

/** A packet of IPv4 in a session: thousands of them are nobody's business while nobody waits for one. */
function isPacket(frame: Uint8Array): boolean {
  const word = (at: number) => (frame[at] << 8) | frame[at + 1];
  return word(TYPE_AT) === PPPOE_ETHER_TYPE.session && word(PROTOCOL_AT) === PPP_PROTOCOL.ipv4;
}

function takeFrames(): void {
  if (!socket.receive(received)) throw new Error('the packet socket is in error');
  for (let i = 0; i < received.count; i++) {
    const offset = received.offset[i];
    const frame = arena.bytes.subarray(offset, offset + received.length_bytes[i]);
    if (calls.wantsPackets || !isPacket(frame)) calls.handleFrame(frame, performance.now());
  }
}

function sendFrames(): void {
  sent.count = 0;
  for (let frame = calls.pollTransmit(); frame !== undefined; frame = calls.pollTransmit()) {
    const room = outgoing.room(sent.count);
    arena.bytes.set(frame, room);
    sent.append(room, frame.length, 0);
    if (sent.count < BATCH) continue;
    socket.send(sent);
    sent.count = 0;
  }
  if (sent.count > 0) socket.send(sent);
}

function carryOut(order: Order): void {
  const now_ms = performance.now();
  switch (order.type) {
    case 'dial': {
      const before = process.cpuUsage();
      calls.dial(order, now_ms, (report) => {
        const { user, system } = process.cpuUsage(before);
        tell('dialled', { ...report, processorTime_ms: (user + system) / 1000 });
      });
      break;
    }
    case 'ping':
      calls.ping(order.destination, order.timeout_ms, now_ms, (report) => tell('pinged', report));
      break;
    case 'frame':
      tell('frame', Buffer.from(calls.frame(order.pc, order.destination, order.payload_bytes)).toString('hex'));
      break;
    case 'ended':
      tell('ended', calls.ended.splice(0));
      break;
    case 'hang-up': {
      const count = calls.hangUp(now_ms);
      sendFrames();
      tell('hung-up', count);
    }
  }
}

tell('ready', index);
const chunk = Buffer.alloc(65_536);
let text = '';
for (let isOpen = true; isOpen; ) {
  const longest_ms = process.stdout.writableLength > 0 ? 1 : MAX_WAIT_MS;
  const wait_ms = Math.min(Math.max(0, calls.pollTimeout() - performance.now()), longest_ms);
  pollSet.wait(Math.ceil(wait_ms));
  if (pollSet.isReady(0)) takeFrames();
  if (pollSet.isReady(1)) {
    const count = readSync(STANDARD_INPUT, chunk);
    isOpen = count > 0;
    text += chunk.toString('utf8', 0, count);
    for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n')) {
      carryOut(JSON.parse(text.slice(0, end)) as Order);
      text = text.slice(end + 1);
    }
  }
  const now_ms = performance.now();
  if (now_ms >= calls.pollTimeout()) calls.handleTimeout(now_ms);
  sendFrames();
  // What standard output has not taken at once, as the report of thousands of calls, leaves in the event loop.
  await setImmediate();
}
