/**
 * The packet path's thread under a main thread that does nothing but pass things on, for tests that need it in a network
 * namespace: standard input takes commands, standard output gives reports, one JSON text a line. Bytes are {"hex": "…"}.
 * A line {"read": [sessionId, generation]} is answered with the counters.
 *
 *     node packet-path-program.js '{"listen":{"port":1701},"maxSessions":16,"batch":8}'
 */
import { closeSync, writeSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { Worker } from 'node:worker_threads';
import {
  type DataPlaneReport,
  readDropCounters,
  readSessionCounters,
  reportsHandled,
} from '../../../firmware/dataplane/interface.js';
import { CommandWriter, type Message, reportReader } from '../../../firmware/dataplane/messages.js';

const WAKE = new Uint8Array(BigUint64Array.of(1n).buffer);

const worker = new Worker(new URL('../../../firmware/dataplane/worker.js', import.meta.url), {
  workerData: JSON.parse(process.argv[2]!),
});
let counters: SharedArrayBuffer | undefined;
let wakeFd = -1;

function print(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value, (_, part) => (part instanceof Uint8Array ? toHex(part) : part))}\n`);
}

function toHex(bytes: Uint8Array): { hex: string } {
  return { hex: Buffer.from(bytes).toString('hex') };
}

const writer = new CommandWriter();
const reader = reportReader();
worker.on('message', (message: Message<DataPlaneReport>) => {
  const reports = reader.parse(message);
  for (const report of reports) {
    if (report.type === 'ready') ({ counters, wakeFd } = report);
    print(report.type === 'ready' ? { type: 'ready' } : report);
  }
  if (counters !== undefined) reportsHandled(counters, reports);
});
worker.on('exit', (code) => {
  print({ type: 'exit', code });
  input.close();
  if (wakeFd >= 0) closeSync(wakeFd);
});

const input = createInterface({ input: process.stdin });
input.on('line', (line) => {
  const value = JSON.parse(line, (_, part) => (part?.hex === undefined ? part : Buffer.from(part.hex, 'hex')));
  if (Array.isArray(value)) {
    worker.postMessage(writer.emit(value));
    writeSync(wakeFd, WAKE);
  } else if (counters !== undefined) {
    const [sessionId, generation] = value.read;
    const session = readSessionCounters(counters, sessionId, generation);
    print({ type: 'counters', session, drops: readDropCounters(counters) });
  }
});
