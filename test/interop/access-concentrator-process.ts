/**
 * Our access concentrator on an Ethernet interface of the namespace that this program is started in, for
 * access-concentrator.ts: discovery over a packet socket, every request accepted but those for the service 'refused'.
 * Speaks JSON, a text a line; its argument is {"interface", "config"}.
 *
 *   in   {"close": sessionKey}, {"counters": true}
 *   out  {"listening": interface index}, events as the machine has them, {"counters": …}
 */
import { randomBytes } from 'node:crypto';
import { readFileSync, readSync } from 'node:fs';
import { PacketBatch, PacketSlots, SLOT_BYTES } from '../../firmware/dataplane/packet-batch.js';
import { Arena } from '../../firmware/linux/arena.js';
import { PacketSocket, PacketSocketMemory } from '../../firmware/linux/packet-socket.js';
import { PollSet } from '../../firmware/linux/poll-set.js';
import { AccessConcentrator } from '../../firmware/protocol/pppoe/discovery.js';
import type { AccessConcentratorArgument, AccessConcentratorOrder } from './access-concentrator.js';

const BATCH = 32;
const STANDARD_INPUT = 0;

const argument = JSON.parse(process.argv[2]!) as AccessConcentratorArgument;
const attribute = (name: string) => readFileSync(`/sys/class/net/${argument.interface}/${name}`, 'utf8').trim();
const index = Number(attribute('ifindex'));
const port = { index, mac: attribute('address'), mtu_bytes: Number(attribute('mtu')) };

const arena = new Arena(
  2 * BATCH * SLOT_BYTES + PacketSocketMemory.arena_bytes(BATCH, BATCH) + PollSet.arena_bytes(2) + 64,
);
const slots = new PacketSlots(arena.bytes, arena.take(BATCH * SLOT_BYTES), BATCH);
const outgoing = new PacketSlots(arena.bytes, arena.take(BATCH * SLOT_BYTES), BATCH);
const received = new PacketBatch(arena.bytes, BATCH);
const sent = new PacketBatch(arena.bytes, BATCH);
const socket = PacketSocket.open(new PacketSocketMemory(arena, slots, BATCH), index);
const pollSet = new PollSet(arena, 2);
pollSet.watch([socket.fd, STANDARD_INPUT]);
const concentrator = new AccessConcentrator({ ...argument.config, interfaces: [port] }, randomBytes(32), randomBytes);

function tell(line: object): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

function takeFrames(): void {
  if (!socket.receive(received)) throw new Error('the packet socket is in error');
  for (let i = 0; i < received.count; i++) {
    const offset = received.offset[i]!;
    const frame = arena.bytes.subarray(offset, offset + received.length_bytes[i]!);
    concentrator.handleFrame(index, frame, performance.now());
  }
}

function takeEvents(): void {
  for (let event = concentrator.pollEvent(); event !== undefined; event = concentrator.pollEvent()) {
    tell(event);
    if (event.type !== 'session-requested') continue;
    const { sessionKey, serviceName } = event.session;
    const refusal = { accepted: false, error: 'generic', message: 'no such luck' } as const;
    concentrator.answerSession(sessionKey, serviceName === 'refused' ? refusal : { accepted: true });
  }
}

function sendFrames(): void {
  sent.count = 0;
  for (let next = concentrator.pollTransmit(); next !== undefined; next = concentrator.pollTransmit()) {
    const room = outgoing.room(sent.count);
    arena.bytes.set(next.frame, room);
    sent.append(room, next.frame.length, 0);
    if (sent.count < BATCH) continue;
    socket.send(sent);
    sent.count = 0;
  }
  if (sent.count > 0) socket.send(sent);
}

function carryOut(order: AccessConcentratorOrder): void {
  if ('close' in order) concentrator.closeSession(order.close);
  else tell({ counters: concentrator.counters });
}

tell({ listening: index });
const chunk = Buffer.alloc(65_536);
let text = '';
for (let isOpen = true; isOpen; ) {
  pollSet.wait(10_000);
  if (pollSet.isReady(0)) takeFrames();
  if (pollSet.isReady(1)) {
    const count = readSync(STANDARD_INPUT, chunk);
    isOpen = count > 0;
    text += chunk.toString('utf8', 0, count);
    for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n')) {
      carryOut(JSON.parse(text.slice(0, end)) as AccessConcentratorOrder);
      text = text.slice(end + 1);
    }
  }
  takeEvents();
  sendFrames();
}
