/** Calls that failed, on disk: bounded in number and in size, and whole over a restart. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import Database from 'better-sqlite3';
import { FailedCalls, MAX_FAILED_CALLS } from '../../../firmware/store/failed-calls.js';
import { Turn } from '../../../firmware/store/turn.js';
import { temporaryStore } from './temporary-store.js';

const traces = (calls: FailedCalls) => calls.newest(MAX_FAILED_CALLS * 2).map(({ trace }) => trace);

test('a call is found by its trace with its lines, after a restart too, and is written once', (t) => {
  const temporary = temporaryStore(t);
  temporary.store.inTurn(() => {
    temporary.store.failedCalls.add('1-1', { user: 'alice' }, [{ what: 'ICRQ' }]);
    temporary.store.failedCalls.add('1-1', { user: 'bob' }, []);
  });
  const { failedCalls } = temporary.reopen();
  assert.deepEqual(failedCalls.find('1-1'), { summary: { user: 'alice' }, records: [{ what: 'ICRQ' }] });
  assert.deepEqual(traces(failedCalls), ['1-1']);
  assert.equal(failedCalls.find('1-2'), undefined);
});

test('the oldest beyond the number go', (t) => {
  const { store } = temporaryStore(t);
  store.inTurn(() => {
    for (let at = 1; at <= MAX_FAILED_CALLS + 10; at++) store.failedCalls.add(`1-${at}`, {}, []);
  });
  const kept = traces(store.failedCalls);
  assert.deepEqual([kept.length, kept[0], kept.at(-1)], [MAX_FAILED_CALLS, `1-${MAX_FAILED_CALLS + 10}`, '1-11']);
});

test('the oldest beyond the size go, also those of a start before', (t) => {
  const temporary = temporaryStore(t);
  const database = new Database(temporary.path);
  t.after(() => database.close());
  const open = () => new FailedCalls(database, new Turn(database, () => {}), 40_000);
  const add = (calls: FailedCalls, trace: string) =>
    calls.add(trace, {}, [{ detail: randomBytes(10_000).toString('latin1') }]);
  const first = open();
  for (const trace of ['1-1', '1-2']) add(first, trace);
  const second = open();
  for (const trace of ['2-1', '2-2', '2-3']) add(second, trace);
  const kept = traces(second);
  assert.ok(kept.length < 5 && kept.length >= 2, kept.join());
  assert.deepEqual(kept, ['2-3', '2-2', '2-1', '1-2'].slice(0, kept.length));
});
