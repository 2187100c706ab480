/** How measurements become figures. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { figure, median, table } from './figures.js';

const ABOUT = { scenario: 'calls', metric: 'rate', unit: 'calls/s', peerName: 'another' };

describe('figures', () => {
  it('the median is the middle one, or the mean of the two in the middle, and leaves the order alone', () => {
    const numbers = [9, 1, 5];
    assert.equal(median(numbers), 5);
    assert.equal(median([4, 1, 2, 9]), 3);
    assert.deepEqual(numbers, [9, 1, 5]);
  });

  it('the ratio is the median of the pairs’ ratios, not the ratio of the medians', () => {
    const pairs = [
      { ours: 10, peer: 10 },
      { ours: 30, peer: 10 },
      { ours: 40, peer: 100 },
    ];
    assert.deepEqual(figure(ABOUT, pairs), { ...ABOUT, ours: 30, peer: 10, ratio: 1 });
  });

  it('has no ratio where the peer measured 0 once', () => {
    const pairs = [
      { ours: 1, peer: 0 },
      { ours: 1, peer: 2 },
    ];
    assert.equal(figure(ABOUT, pairs).ratio, null);
  });

  it('the table names a scenario once and shows three digits', () => {
    const rows = [figure(ABOUT, [{ ours: 1234.5, peer: 61.725 }]), figure(ABOUT, [{ ours: 2, peer: 0 }])];
    const [head, first, second] = table(rows).split('\n');
    assert.match(head!, /^scenario +metric +unit +tunnelwerk +peer +ratio$/);
    assert.match(first!, /^calls +rate +calls\/s +1235 +61\.7 +another +20\.0$/);
    assert.match(second!, /^ +rate +calls\/s +2 +0 +another$/);
  });
});
