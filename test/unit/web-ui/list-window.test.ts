/** Which rows of a long list are in the document. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { listWindow } from '../../../web-ui/parts/list-window.js';

test('at the top, in the middle and at the end there are the rows that are seen and some around them', () => {
  assert.deepEqual(listWindow(0, 400, 40, 10_000, 8), { first: 0, end: 18 });
  assert.deepEqual(listWindow(4000, 400, 40, 10_000, 8), { first: 92, end: 118 });
  assert.deepEqual(listWindow(399_600, 400, 40, 10_000, 8), { first: 9982, end: 10_000 });
});

test('no rows, fewer than fit, and a place that was scrolled beyond what is left of a list', () => {
  assert.deepEqual(listWindow(0, 400, 40, 0, 8), { first: 0, end: 0 });
  assert.deepEqual(listWindow(0, 400, 40, 3, 8), { first: 0, end: 3 });
  assert.deepEqual(listWindow(399_600, 400, 40, 5, 8), { first: 0, end: 5 });
});

test('each row that is seen is in the document, which has few rows whatever the length of the list', () => {
  const numbers = [fc.integer({ min: 0, max: 65_535 }), fc.integer({ min: 0, max: 3_000_000 })] as const;
  fc.assert(
    fc.property(
      ...numbers,
      fc.integer({ min: 100, max: 3000 }),
      fc.integer({ min: 20, max: 100 }),
      (count, at, height, row) => {
        const scrolled = Math.min(at, Math.max(0, count * row - height));
        const { first, end } = listWindow(scrolled, height, row, count, 8);
        assert.ok(first >= 0 && first <= end && end <= count);
        assert.ok(first * row <= scrolled);
        assert.ok(end * row >= Math.min(scrolled + height, count * row));
        assert.ok(end - first <= Math.ceil(height / row) + 2 * 8 + 3);
      },
    ),
  );
});
