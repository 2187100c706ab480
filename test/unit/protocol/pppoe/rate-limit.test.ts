/** Token buckets of many hosts in memory that does not grow. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { bucketOf, RateLimit } from '../../../../firmware/protocol/pppoe/rate-limit.js';

test('a bucket is full at first, whatever the clock says, and fills with time up to its burst', () => {
  for (const start_ms of [-1e9, 0, 1e12]) {
    const limit = new RateLimit(2, 4, 2);
    const take = (after_ms: number) => limit.take(1, start_ms + after_ms);
    assert.deepEqual([take(0), take(0), take(0)], [true, true, false]);
    assert.deepEqual([take(249), take(250), take(251)], [false, true, false]);
    assert.deepEqual([take(60_000), take(60_000), take(60_000)], [true, true, false]);
    assert.equal(limit.take(0, start_ms), true, 'another bucket is another’s');
  }
});

test('a rate that lets nothing through is a fault', () => {
  assert.throws(() => new RateLimit(1, 0, 1), RangeError);
  assert.throws(() => new RateLimit(1, 1, 0.5), RangeError);
  assert.throws(() => new RateLimit(1, Number.NaN, 1), RangeError);
});

test('property: no more than the burst and what the rate gives, and no fewer where all of it is asked for', () => {
  const gaps = fc.array(fc.integer({ min: 0, max: 400 }), { minLength: 1, maxLength: 200 });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 50 }), fc.integer({ min: 1, max: 20 }), gaps, (rate_per_s, burst, steps) => {
      const limit = new RateLimit(1, rate_per_s, burst);
      let [now_ms, taken] = [0, 0];
      for (const step_ms of [0, ...steps]) {
        now_ms += step_ms;
        while (limit.take(0, now_ms)) taken++;
      }
      const given = (now_ms * rate_per_s) / 1000;
      assert.ok(taken <= burst + given + 0.01, `${taken} of ${burst} + ${given}`);
      // What would have run over a full bucket is lost.
      if (steps.every((step_ms) => (step_ms * rate_per_s) / 1000 <= burst - 1))
        assert.ok(taken >= burst + given - 1.01);
    }),
  );
});

test('names spread over the buckets, and over others with another salt', () => {
  const names = Array.from({ length: 4096 }, (_, i) => `7  02:00:5e:00:${i >> 8}:${i & 0xff}`);
  const used = new Set(names.map((name) => bucketOf(name, 4096, 0x1234567)));
  // Of 4096 thrown at random into as many, 63 % are hit.
  assert.ok(used.size > 2300 && used.size < 2900, `${used.size}`);
  const same = names.filter((name) => bucketOf(name, 4096, 1) === bucketOf(name, 4096, 2));
  assert.ok(same.length < 20, `${same.length}`);
});
