/**
 * The calls of calls.ts with sockets and a clock, for caller.ts: reads orders as lines of JSON, answers each with one
 * line. Started in the namespace that the calls come from. Knows no protocol.
 *
 *   in   {"type":"place","server":"192.0.2.1",…}   {"type":"echo","timeout_ms":1000}   {"type":"hang-up"}
 *   out  {"type":"ready"}   {"type":"placed",…}   {"type":"echoed",…}   {"type":"hung-up","lost":0}
 */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { TransportPath } from '../../firmware/protocol/l2tp/endpoint.js';
import type { CallReport, EchoReport, PlaceOrder } from './caller.js';
import { Calls } from './calls.js';
import { randomOctets } from './random-pool.js';

const MAX_TIMER_MS = 60_000;

const calls = new Calls(randomOctets);
/** By local port. */
const sockets = new Map<number, Socket>();
/** The ports of each server that was called: each socket is connected to its server. */
const paths = new Map<string, TransportPath[]>();
let timer: NodeJS.Timeout | undefined;
let turnIsDue = false;

const tell = (line: object): void => void process.stdout.write(`${JSON.stringify(line)}\n`);

/** All packets that came in one go of the event loop are answered together, as a box would. */
function turnSoon(): void {
  if (turnIsDue) return;
  turnIsDue = true;
  setImmediate(turn);
}

function turn(): void {
  turnIsDue = false;
  const now_ms = performance.now();
  if (now_ms >= calls.pollTimeout()) calls.handleTimeout(now_ms);
  for (let next = calls.pollTransmit(); next !== undefined; next = calls.pollTransmit()) {
    sockets.get(next.path.localPort)?.send(next.packet);
  }
  clearTimeout(timer);
  const wait_ms = Math.min(Math.max(0, calls.pollTimeout() - now_ms), MAX_TIMER_MS);
  timer = setTimeout(turn, Math.ceil(wait_ms));
}

async function openSocket({ server, port }: PlaceOrder): Promise<TransportPath> {
  const socket = createSocket('udp4');
  socket.bind(0);
  await once(socket, 'listening');
  socket.connect(port, server);
  await once(socket, 'connect');
  const localPort = socket.address().port;
  const path = { encapsulation: 'udp' as const, localAddress: '', localPort, peerAddress: server, peerPort: port };
  sockets.set(localPort, socket);
  socket.on('message', (packet) => {
    calls.handlePacket(packet, path, performance.now());
    turnSoon();
  });
  // A server that is not there (ICMP port unreachable): the calls' own timers tell.
  socket.on('error', () => undefined);
  return path;
}

/** As many paths as the order has tunnels, over as many ports as it wants. */
async function pathsFor(order: PlaceOrder): Promise<TransportPath[]> {
  const server = `${order.server} ${order.port}`;
  const known = paths.get(server) ?? [];
  paths.set(server, known);
  while (known.length < order.ports) known.push(await openSocket(order));
  return Array.from({ length: order.tunnels }, (_, index) => known[index % order.ports]!);
}

async function place(order: PlaceOrder): Promise<void> {
  const chosen = await pathsFor(order);
  const before = process.cpuUsage();
  const report = await new Promise<CallReport>((resolve) => {
    calls.place(order, chosen, performance.now(), resolve);
    turn();
  });
  const { user, system } = process.cpuUsage(before);
  tell({ type: 'placed', ...report, processorTime_ms: (user + system) / 1000 });
}

async function echo(timeout_ms: number): Promise<void> {
  const report = await new Promise<EchoReport>((resolve) => {
    calls.echo(timeout_ms, performance.now(), resolve);
    turn();
  });
  tell({ type: 'echoed', ...report });
}

async function hangUp(): Promise<void> {
  await new Promise<void>((resolve) => {
    calls.hangUp(performance.now(), resolve);
    turn();
  });
  // What the end has left to send goes out before the answer.
  turn();
  tell({ type: 'hung-up', lost: calls.lost });
  calls.lost = 0;
}

let working = Promise.resolve();
createInterface({ input: process.stdin })
  .on('line', (line) => {
    const order = JSON.parse(line) as
      | ({ type: 'place' } & PlaceOrder)
      | { type: 'echo'; timeout_ms: number }
      | { type: 'hang-up' };
    working = working.then(() => {
      if (order.type === 'place') return place(order);
      return order.type === 'echo' ? echo(order.timeout_ms) : hangUp();
    });
  })
  .on('close', () => process.exit());
tell({ type: 'ready' });
