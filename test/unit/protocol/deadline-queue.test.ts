/** The heap of deadlines against the plainest thing that does the same: a map that is searched from end to end. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { DeadlineQueue } from '../../../firmware/protocol/deadline-queue.js';

type Step = { key: number; deadline_ms: number | undefined } | { take: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    key: fc.integer({ min: 0, max: 12 }),
    deadline_ms: fc.option(fc.integer({ min: 0, max: 50 }), { nil: undefined, freq: 4 }),
  }),
  fc.record({ take: fc.integer({ min: 0, max: 50 }) }),
);

function earliest(deadlines: ReadonlyMap<number, number>): number | undefined {
  return deadlines.size === 0 ? undefined : Math.min(...deadlines.values());
}

test('after any steps: the earliest deadline is next, and what is taken is a key with it', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const queue = new DeadlineQueue();
      const expected = new Map<number, number>();
      for (const one of steps) {
        if ('take' in one) {
          const next_ms = earliest(expected);
          const key = queue.takeDue(one.take);
          if (next_ms === undefined || next_ms > one.take) assert.equal(key, undefined);
          else assert.equal(expected.get(key ?? -1), next_ms);
          if (key !== undefined) expected.delete(key);
        } else {
          queue.set(one.key, one.deadline_ms);
          if (one.deadline_ms === undefined) expected.delete(one.key);
          else expected.set(one.key, one.deadline_ms);
        }
        assert.equal(queue.next_ms(), earliest(expected));
      }
    }),
    { numRuns: 500 },
  );
});

test('all keys that are due are taken, each once, in the order of their deadlines', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 1000 }), { maxLength: 300 }), (deadlines) => {
      const queue = new DeadlineQueue();
      for (const [key, deadline_ms] of deadlines.entries()) queue.set(key, deadline_ms);
      const taken: number[] = [];
      for (let key = queue.takeDue(500); key !== undefined; key = queue.takeDue(500)) taken.push(key);
      assert.equal(new Set(taken).size, taken.length);
      assert.deepEqual(
        taken.map((key) => deadlines[key]),
        deadlines.filter((deadline_ms) => deadline_ms <= 500).sort((a, b) => a - b),
      );
      assert.equal(queue.next_ms(), earliest(new Map(deadlines.filter((at_ms) => at_ms > 500).entries())));
    }),
  );
});

test('a key has one deadline: the one that was set last', () => {
  const queue = new DeadlineQueue();
  queue.set(1, 10);
  queue.set(1, 30);
  queue.set(2, 20);
  assert.equal(queue.takeDue(19), undefined);
  assert.equal(queue.takeDue(20), 2);
  queue.set(1, undefined);
  queue.set(3, undefined);
  assert.equal(queue.next_ms(), undefined);
});
