/** What the kernel accounts to a process, read of this one. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { threadTimes_ns, usedSince_ns } from './processor.js';

const WORK_US = 60_000;
/** Of a thread that runs, the kernel tells what was true at the last tick, which is 10 ms ago at most. */
const TICK_NS = 10e6;

it('what a thread of a process computes is its own, and all threads’ time is no less', () => {
  const before = threadTimes_ns(process.pid);
  const from = process.cpuUsage();
  while (process.cpuUsage(from).user < WORK_US);
  const { all_ns, busiest_ns } = usedSince_ns(process.pid, before);
  assert.ok(busiest_ns > WORK_US * 1000 - 2 * TICK_NS, `${busiest_ns} ns of the busiest thread`);
  assert.ok(all_ns >= busiest_ns, `${all_ns} ns of all threads`);
});
