import assert from 'node:assert/strict';
import { test } from 'node:test';
import { randomPool } from '../../../firmware/control/random-pool.js';

test('what is drawn in small pieces has the length asked for, stays as it was, and comes once', () => {
  const random = randomPool();
  const drawn = Array.from({ length: 2_000 }, (_, i) => random(8 + (i % 9)));
  const before = drawn.map((octets) => Buffer.from(octets).toString('hex'));
  random(4_000);

  assert.deepEqual(
    drawn.map(({ length }) => length),
    drawn.map((_, i) => 8 + (i % 9)),
  );
  assert.deepEqual(
    drawn.map((octets) => Buffer.from(octets).toString('hex')),
    before,
  );
  assert.equal(new Set(before.map((text) => text.slice(0, 16))).size, drawn.length);
});

test('more than the pool holds is drawn as well', () => {
  const octets = randomPool()(10_000);

  assert.equal(octets.length, 10_000);
  assert.ok(new Set(octets).size > 200);
});
