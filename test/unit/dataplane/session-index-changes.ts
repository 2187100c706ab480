/** A thread that adds to and removes from an index of session IDs until it is told to stop, and counts its changes. */
import assert from 'node:assert/strict';
import { parentPort, workerData } from 'node:worker_threads';
import { viewCounters } from '../../../firmware/dataplane/counters.js';

const FIRST_ROW = 17;
const ROWS = 40;

const { memory, stop } = workerData as { memory: SharedArrayBuffer; stop: Int32Array };
const { index } = viewCounters(memory);
assert.ok(parentPort !== null);
parentPort.postMessage('begun');
let first = 1;
while (Atomics.load(stop, 0) === 0) {
  for (let i = 0; i < ROWS; i++) index.add(first + 7 * i, FIRST_ROW + i);
  for (let i = 0; i < ROWS; i++) index.remove(first + 7 * i);
  first = (first * 5 + 1) & 0x3fff_ffff;
  stop[1] = (stop[1]! + 2 * ROWS) & 0x3fff_ffff;
}
