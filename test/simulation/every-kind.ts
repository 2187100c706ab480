/** The tests that each encapsulation has: every kind of scenario by many seeds. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type EncapsulationChoice, kindsOf } from './scenario.js';
import { type Outcome, type SimulationCounters, simulate } from './simulation.js';
import { Totals } from './totals.js';

/** How to see it again. */
function tell({ seed, encapsulation, failure }: Outcome): string {
  const again = `node dist/test/simulation/run.js --seed ${seed} --encapsulation ${encapsulation}`;
  return `seed ${seed} at ${failure?.at_ms} ms: ${failure?.message}; ${again}`;
}

function storyOf(seed: number, encapsulation: EncapsulationChoice): string[] {
  const lines: string[] = [];
  simulate(seed, { encapsulation, tell: (line) => lines.push(line) });
  return lines;
}

export function testEveryKind(encapsulation: EncapsulationChoice, seeds: number): void {
  const kinds = kindsOf(encapsulation);
  const totals = new Totals();

  for (const [index, kind] of kinds.entries()) {
    test(`${encapsulation}, ${kind}: nothing is ever wrong under faults, all comes right without, nothing is left`, () => {
      const failures: string[] = [];
      for (let seed = index; seed < seeds; seed += kinds.length) {
        const outcome = simulate(seed, { encapsulation });
        assert.equal(outcome.kind, kind);
        totals.add(outcome);
        if (outcome.failure !== undefined) failures.push(tell(outcome));
      }
      assert.deepEqual(failures, []);
    });
  }

  test(`${encapsulation}: the seeds have been through all that the simulator is for`, () => {
    const exceeds = (name: keyof SimulationCounters, bound: number) =>
      assert.ok(totals.sum(name) > bound, `${name}: ${totals.sum(name)}, not above ${bound}`);
    assert.equal(totals.seeds, seeds);
    exceeds('callsUp', 5 * seeds);
    exceeds('callsEnded', 5 * seeds);
    exceeds('pcSessions', seeds / 2);
    exceeds('framesRelayed', 5 * seeds);
    exceeds('userPackets', 10 * seeds);
    exceeds('lost', totals.sum('datagrams') / 10);
    exceeds('duplicated', totals.sum('datagrams') / 20);
    exceeds('reordered', totals.sum('datagrams') / 20);
    exceeds('corrupted', seeds);
    exceeds('retransmissions', 10 * seeds);
    exceeds('restarts', seeds / 2);
    exceeds('ties', seeds / 20);
    if (encapsulation === 'udp2') {
      assert.equal(totals.sum('callsUpVersion3'), 0);
      return;
    }
    exceeds('callsUpVersion3', totals.sum('callsUp') / 4);
    exceeds('pseudowiresUp', seeds / 2);
    exceeds('frames', seeds);
    exceeds('forged', seeds);
    exceeds('digestMismatches', seeds / 4);
  });

  test(`${encapsulation}: a seed replays exactly, and another one is another story`, () => {
    for (let seed = 0; seed < kinds.length; seed++) {
      const story = storyOf(seed, encapsulation);
      assert.ok(story.length > 50, `seed ${seed} tells only ${story.length} lines`);
      assert.deepEqual(storyOf(seed, encapsulation), story);
      assert.notDeepEqual(storyOf(seed + kinds.length, encapsulation), story);
    }
  });
}
