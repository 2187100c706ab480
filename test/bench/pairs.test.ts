/** Whose turn it is, and whom a row compares. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { inTurns, rowsOf } from './pairs.js';

describe('rounds', () => {
  it('each measures every contender, another one first each time, told in the order of the contenders', async () => {
    const measured: string[] = [];
    const rounds = await inTurns(3, ['ours', 'theirs'], (name) => {
      measured.push(name);
      return Promise.resolve(`${name} ${measured.length}`);
    });
    assert.deepEqual(measured, ['ours', 'theirs', 'theirs', 'ours', 'ours', 'theirs']);
    assert.deepEqual(rounds, [
      ['ours 1', 'theirs 2'],
      ['ours 4', 'theirs 3'],
      ['ours 5', 'theirs 6'],
    ]);
  });

  it('a row compares the two places that it is told', () => {
    const rounds = [[{ rate: 1 }, { rate: 6 }, { rate: 2 }]];
    const about = { scenario: 'load', peerName: 'third' };
    const third = rowsOf({ ...about, ours: 1, peer: 2 }, rounds)('rate', 'packets/s', ({ rate }) => rate);
    assert.deepEqual(third, { ...about, metric: 'rate', unit: 'packets/s', ours: 6, peer: 2, ratio: 3 });
    assert.equal(rowsOf(about, rounds)('rate', 'packets/s', ({ rate }) => rate).ratio, 1 / 6);
  });
});
