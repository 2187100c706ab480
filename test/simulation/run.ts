/**
 * The simulator from the command line: `run.js [SEEDS]` runs so many seeds, 1000 if nothing is said; `run.js --seed N`
 * runs one and tells all that happens. Exit status 1 when a seed fails.
 */

import { KINDS } from './scenario.js';
import { type Outcome, simulate } from './simulation.js';
import { Totals } from './totals.js';

function replay(seed: number): boolean {
  const { failure, counters } = simulate(seed, {}, (line) => console.log(line));
  console.log(JSON.stringify(counters));
  if (failure === undefined) return true;
  console.log(failure.error);
  return false;
}

function report({ seed, kind, failure }: Outcome): void {
  if (failure === undefined) return;
  console.log(`seed ${seed} (${kind}) fails at ${failure.at_ms} ms: ${failure.message}`);
  console.log(`  again, with all that happens: node dist/test/simulation/run.js --seed ${seed}`);
}

function runAll(seeds: number): boolean {
  const totals = new Totals();
  const start_ms = performance.now();
  for (let seed = 1; seed <= seeds; seed++) {
    const outcome = simulate(seed);
    totals.add(outcome);
    report(outcome);
  }
  console.log(`${seeds} seeds of ${KINDS.length} kinds in ${Math.round(performance.now() - start_ms)} ms`);
  for (const line of totals.lines()) console.log(line);
  return totals.failures === 0;
}

const [first = '1000', second] = process.argv.slice(2);
const number = Number(first === '--seed' ? second : first);
if (!Number.isInteger(number) || number < 0) {
  console.error('usage: run.js [SEEDS] | --seed N');
  process.exitCode = 2;
} else {
  const allIsWell = first === '--seed' ? replay(number) : runAll(number);
  process.exitCode = allIsWell ? 0 : 1;
}
