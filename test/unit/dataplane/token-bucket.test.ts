/** How often something may happen. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TokenBuckets } from '../../../firmware/dataplane/token-bucket.js';

const taken = (buckets: TokenBuckets, bucket: number, tries: number, now_ms: number) =>
  Array.from({ length: tries }, () => buckets.take(bucket, now_ms)).filter(Boolean).length;

test('a bucket gives its burst, then its rate, and never more than its burst', () => {
  const buckets = new TokenBuckets(2, 10, 5);
  assert.equal(taken(buckets, 1, 9, 0), 5);
  assert.equal(taken(buckets, 1, 9, 99), 0);
  assert.equal(taken(buckets, 1, 9, 100), 1);
  assert.equal(taken(buckets, 1, 9, 350), 2);
  assert.equal(taken(buckets, 1, 9, 1_000_000), 5);
});

test('time that is asked for in small steps is not lost', () => {
  const buckets = new TokenBuckets(1, 10, 5);
  taken(buckets, 0, 9, 0);
  let given = 0;
  for (let now_ms = 1; now_ms <= 1000; now_ms++) given += taken(buckets, 0, 1, now_ms);
  assert.equal(given, 10);
});

test('buckets know nothing of each other, and a refilled one is full', () => {
  const buckets = new TokenBuckets(2, 1, 3);
  assert.equal(taken(buckets, 0, 9, 0), 3);
  assert.equal(taken(buckets, 1, 9, 0), 3);
  buckets.refill(0);
  assert.equal(taken(buckets, 0, 9, 0), 3);
  assert.equal(taken(buckets, 1, 9, 0), 0);
});
