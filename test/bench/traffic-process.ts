/**
 * The program of traffic.ts: the calls of calls.ts with sockets and a clock, and runs of traffic. Started in the caller's
 * namespace with the name of the office's. Reads orders as lines of JSON, answers each with one line. Knows no protocol.
 *
 *   in   {"type":"place","server":"192.0.2.1",…}   {"type":"run",…}   {"type":"hang-up"}
 *   out  {"type":"ready"}   {"type":"placed","answer":{…}}   …
 */
import { readSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { PacketSlots, SLOT_BYTES } from '../../firmware/dataplane/packet-batch.js';
import { Arena } from '../../firmware/linux/arena.js';
import { PollSet } from '../../firmware/linux/poll-set.js';
import type { TransportPath } from '../../firmware/protocol/l2tp/endpoint.js';
import type { PlaceOrder } from './caller.js';
import { Calls } from './calls.js';
import { randomOctets } from './random-pool.js';
import type { RunOrder } from './traffic.js';
import { TrafficRun } from './traffic-run.js';
import { addressWord, BATCH, CALLER_PORT, TrafficSockets } from './traffic-sockets.js';

const STANDARD_INPUT = 0;
const MAX_WAIT_MS = 10_000;

type Order = ({ type: 'place' } & PlaceOrder) | ({ type: 'run' } & RunOrder) | { type: 'hang-up' };

const calls = new Calls(randomOctets);
/** By the last word of the server's address. */
const paths = new Map<number, TransportPath>();
const sockets = new TrafficSockets(process.argv[2]!, (packet, server) => {
  const path = paths.get(server);
  if (path !== undefined) calls.handlePacket(packet, path, performance.now());
});
const { arena } = sockets;
const outgoing = new PacketSlots(arena.bytes, arena.take(BATCH * SLOT_BYTES), BATCH);
const sent = sockets.batch();
const pollArena = new Arena(PollSet.arena_bytes(2) + 64);
const pollSet = new PollSet(pollArena, 2);
pollSet.watch([sockets.caller.fd, STANDARD_INPUT]);

function tell(type: string, answer: unknown): void {
  process.stdout.write(`${JSON.stringify({ type, answer })}\n`);
}

function pathTo({ server, port }: PlaceOrder): TransportPath {
  const known = paths.get(addressWord(server));
  if (known !== undefined) return known;
  const path: TransportPath = {
    ...{ encapsulation: 'udp', localAddress: '', localPort: CALLER_PORT, peerAddress: server, peerPort: port },
  };
  paths.set(addressWord(server), path);
  return path;
}

function callsTurn(): void {
  const now_ms = performance.now();
  if (now_ms >= calls.pollTimeout()) calls.handleTimeout(now_ms);
  sent.count = 0;
  for (let next = calls.pollTransmit(); next !== undefined; next = calls.pollTransmit()) {
    const room = outgoing.room(sent.count);
    arena.bytes.set(next.packet, room);
    const index = sent.append(room, next.packet.length, 0);
    sent.peerAddress[index * 4 + 3] = addressWord(next.path.peerAddress);
    sent.peerPort[index] = next.path.peerPort;
    if (sent.count < BATCH) continue;
    sockets.caller.sender.send(sent);
    sent.count = 0;
  }
  if (sent.count > 0) sockets.caller.sender.send(sent);
}

function carryOut(order: Order): void {
  const now_ms = performance.now();
  switch (order.type) {
    case 'place':
      calls.place(order, new Array(order.tunnels).fill(pathTo(order)), now_ms, (report) => tell('placed', report));
      break;
    case 'run': {
      const standing = calls.standing().filter(({ server }) => server === order.server || order.server === '');
      tell('ran', new TrafficRun(sockets, order, standing, callsTurn).run());
      break;
    }
    case 'hang-up':
      calls.hangUp(now_ms, () => {
        tell('hung-up', calls.lost);
        calls.lost = 0;
      });
  }
}

tell('ready', CALLER_PORT);
const chunk = Buffer.alloc(65_536);
let text = '';
for (let isOpen = true; isOpen; ) {
  const longest_ms = process.stdout.writableLength > 0 ? 1 : MAX_WAIT_MS;
  const wait_ms = Math.min(Math.max(0, calls.pollTimeout() - performance.now()), longest_ms);
  pollSet.wait(Math.ceil(wait_ms));
  if (pollSet.isReady(0)) sockets.receive('caller');
  if (pollSet.isReady(1)) {
    const count = readSync(STANDARD_INPUT, chunk);
    isOpen = count > 0;
    text += chunk.toString('utf8', 0, count);
    for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n')) {
      carryOut(JSON.parse(text.slice(0, end)) as Order);
      text = text.slice(end + 1);
    }
  }
  callsTurn();
  // What standard output has not taken at once leaves in the event loop.
  await setImmediate();
}
