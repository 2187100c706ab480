/** The index of session IDs: against a map, and read by one thread while another changes it. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, test } from 'node:test';
import { Worker } from 'node:worker_threads';
import fc from 'fast-check';
import { createCounters, viewCounters } from '../../../firmware/dataplane/counters.js';
import { readSessionCounters } from '../../../firmware/dataplane/interface.js';
import { SessionIndex } from '../../../firmware/dataplane/session-index.js';
import { SessionTable } from '../../../firmware/dataplane/session-table.js';
import { version3Row } from './harness.js';

const ROWS = 16;

function open() {
  const slots = new Uint16Array(new SharedArrayBuffer(2 * SessionIndex.slotsFor(ROWS)));
  const sessionIds = new Int32Array(new SharedArrayBuffer(4 * ROWS));
  const moves = new Int32Array(new SharedArrayBuffer(4));
  return { index: new SessionIndex(slots, sessionIds, moves), slots };
}

describe('the index of session IDs', () => {
  test('has a power of two of slots, twice as many as rows at least', () => {
    for (const [rows, slots] of [
      [2, 4],
      [16, 32],
      [17, 64],
      [65_536, 131_072],
    ]) {
      assert.equal(SessionIndex.slotsFor(rows!), slots);
    }
  });

  test('knows after any additions and removals what a map knows, and nothing stays of what is gone', () => {
    const ids = fc.oneof(
      fc.integer({ min: 1, max: 40 }),
      fc.integer().filter((id) => id !== 0),
    );
    const steps = fc.array(fc.tuple(fc.boolean(), ids, fc.nat()), { maxLength: 200 });
    fc.assert(
      fc.property(steps, (list) => {
        const { index, slots } = open();
        const model = new Map<number, number>();
        const free = Array.from({ length: ROWS - 1 }, (_, i) => i + 1);
        for (const [adds, id, choice] of list) {
          if (adds && !model.has(id) && free.length > 0) {
            const row = free.pop()!;
            index.add(id, row);
            model.set(id, row);
          } else if (!adds && model.size > 0) {
            const [gone, row] = [...model][choice % model.size]!;
            index.remove(gone);
            model.delete(gone);
            free.push(row);
          }
          for (const [known, row] of model) assert.deepEqual([index.rowOf(known), index.readRow(known)], [row, row]);
          if (!model.has(id)) assert.deepEqual([index.rowOf(id), index.readRow(id)], [0, 0]);
        }
        for (const gone of model.keys()) index.remove(gone);
        assert.ok(slots.every((row) => row === 0));
      }),
    );
  });

  test('session IDs one after the other are found within a few probes, in a table of all rows', () => {
    const memory = createCounters(65_535);
    const { index, sessionIds } = viewCounters(memory);
    for (let row = 1; row <= 65_535; row++) index.add(row, row);
    for (let row = 1; row <= 65_535; row += 97) assert.equal(index.rowOf(row), row);
    assert.equal(sessionIds[65_535], 65_535);
    assert.equal(index.rowOf(65_536), 0);
  });

  test('counters of sessions that stay are read while another thread adds and removes others around them', async () => {
    const memory = createCounters(64);
    const table = new SessionTable(viewCounters(memory));
    const staying = Array.from({ length: 16 }, (_, i) => 0x8000_0000 + 0x0101_0101 * i);
    for (const sessionId of staying) table.countSent(table.add(version3Row({ sessionId, sources: [] })), sessionId);
    const stop = new Int32Array(new SharedArrayBuffer(8));
    const worker = new Worker(new URL('./session-index-changes.js', import.meta.url), { workerData: { memory, stop } });
    const ended = once(worker, 'exit');
    await once(worker, 'message');
    for (let i = 0; i < 200_000; i++) {
      const sessionId = staying[i % staying.length]!;
      assert.equal(readSessionCounters(memory, sessionId, 7)?.sentOctets, sessionId, `read ${i}`);
    }
    Atomics.store(stop, 0, 1);
    assert.deepEqual(await ended, [0]);
    assert.ok(stop[1]! > 1000, `${stop[1]} changes meanwhile`);
  });
});
