/** The checker is itself checked: it finds each planted bug within some seeds, and nothing in the same seeds without. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PLANTED_BUGS, type PlantedBug } from './planted-bugs.js';
import { type Outcome, simulate } from './simulation.js';

const SEEDS = 100;

function simulateWith(bug: PlantedBug, seed: number): Outcome {
  const takeOut = bug.plant?.();
  try {
    return simulate(seed, { encapsulation: bug.encapsulation, seams: bug.seams?.() });
  } finally {
    takeOut?.();
  }
}

/** The first seed that shows it for what it is. */
function firstFound(bug: PlantedBug): number | undefined {
  for (let seed = 1; seed <= SEEDS; seed++) {
    const { failure } = simulateWith(bug, seed);
    if (failure !== undefined && bug.foundBy.includes(failure.invariant)) return seed;
  }
  return undefined;
}

for (const bug of PLANTED_BUGS) {
  test(`the checker finds it when ${bug.name}`, () => {
    const found = firstFound(bug);
    assert.ok(found !== undefined, `not found in ${SEEDS} seeds`);
    assert.equal(
      simulate(found, { encapsulation: bug.encapsulation }).failure?.message,
      undefined,
      `seed ${found} without the bug`,
    );
  });
}
