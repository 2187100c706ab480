/** A thousand seeds of the simulator in every test run; more by `make sim SEEDS=n`. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KINDS } from './scenario.js';
import { type Outcome, simulate } from './simulation.js';
import { Totals } from './totals.js';

const SEEDS = 1000;
const totals = new Totals();

/** How to see it again. */
function tell({ seed, failure }: Outcome): string {
  return `seed ${seed} at ${failure?.at_ms} ms: ${failure?.message}; node dist/test/simulation/run.js --seed ${seed}`;
}

for (const [index, kind] of KINDS.entries()) {
  test(`${kind}: nothing is ever wrong under faults, all comes right without, nothing is left`, () => {
    const failures: string[] = [];
    for (let seed = index; seed < SEEDS; seed += KINDS.length) {
      const outcome = simulate(seed);
      assert.equal(outcome.kind, kind);
      totals.add(outcome);
      if (outcome.failure !== undefined) failures.push(tell(outcome));
    }
    assert.deepEqual(failures, []);
  });
}

test('the seeds have been through all that the simulator is for', () => {
  assert.equal(totals.seeds, SEEDS);
  assert.ok(totals.sum('callsUp') > 5 * SEEDS, 'calls that came up');
  assert.ok(totals.sum('callsEnded') > 5 * SEEDS, 'calls that ended');
  assert.ok(totals.sum('userPackets') > 10 * SEEDS, 'packets of users');
  assert.ok(totals.sum('lost') > totals.sum('datagrams') / 10, 'lost datagrams');
  assert.ok(totals.sum('duplicated') > totals.sum('datagrams') / 20, 'doubled datagrams');
  assert.ok(totals.sum('reordered') > totals.sum('datagrams') / 20, 'datagrams out of order');
  assert.ok(totals.sum('corrupted') > SEEDS, 'corrupted packets');
  assert.ok(totals.sum('retransmissions') > 10 * SEEDS, 'retransmissions');
  assert.ok(totals.sum('restarts') > SEEDS / 2, 'restarts');
  assert.ok(totals.sum('ties') > SEEDS / 20, 'ties');
});

test('a seed replays exactly, and another one is another story', () => {
  const storyOf = (seed: number) => {
    const lines: string[] = [];
    simulate(seed, {}, (line) => lines.push(line));
    return lines;
  };
  for (let seed = 0; seed < KINDS.length; seed++) {
    const story = storyOf(seed);
    assert.ok(story.length > 100, `seed ${seed} tells only ${story.length} lines`);
    assert.deepEqual(storyOf(seed), story);
    assert.notDeepEqual(storyOf(seed + KINDS.length), story);
  }
});
