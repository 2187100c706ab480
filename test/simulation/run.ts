/**
 * The simulator from the command line: `run.js [SEEDS]` runs so many seeds of each encapsulation, 1000 if nothing is
 * said, or of the one that `--encapsulation` names; `run.js --seed N` runs one and tells all that happens. Exit status 1
 * when a seed fails.
 */

import { parseArgs } from 'node:util';
import { ENCAPSULATIONS, type EncapsulationChoice } from './scenario.js';
import { type Outcome, simulate } from './simulation.js';
import { Totals } from './totals.js';

function replay(seed: number, encapsulation: EncapsulationChoice): boolean {
  const { failure, counters } = simulate(seed, { encapsulation, tell: (line) => console.log(line) });
  console.log(JSON.stringify(counters));
  if (failure === undefined) return true;
  console.log(failure.error);
  return false;
}

function report({ seed, encapsulation, kind, failure }: Outcome): void {
  if (failure === undefined) return;
  console.log(`seed ${seed} (${kind}) by ${encapsulation} fails at ${failure.at_ms} ms: ${failure.message}`);
  const again = `run.js --seed ${seed} --encapsulation ${encapsulation}`;
  console.log(`  again, with all that happens: node dist/test/simulation/${again}`);
}

function runAll(seeds: number, encapsulation: EncapsulationChoice): boolean {
  const totals = new Totals();
  const start_ms = performance.now();
  for (let seed = 1; seed <= seeds; seed++) {
    const outcome = simulate(seed, { encapsulation });
    totals.add(outcome);
    report(outcome);
  }
  console.log(`${seeds} seeds by ${encapsulation} in ${Math.round(performance.now() - start_ms)} ms`);
  for (const line of totals.lines()) console.log(line);
  return totals.failures === 0;
}

function isChoice(text: string): text is EncapsulationChoice {
  return ENCAPSULATIONS.some((choice) => choice === text);
}

const { values, positionals } = parseArgs({
  options: { encapsulation: { type: 'string' }, seed: { type: 'string' } },
  allowPositionals: true,
});
const chosen = values.encapsulation === undefined ? ENCAPSULATIONS : [values.encapsulation].filter(isChoice);
const number = Number(values.seed ?? positionals[0] ?? 1000);
if (chosen.length === 0 || !Number.isInteger(number) || number < 0) {
  console.error(`usage: run.js [SEEDS] [--encapsulation ${ENCAPSULATIONS.join('|')}] | --seed N --encapsulation ...`);
  process.exitCode = 2;
} else {
  const failed =
    values.seed === undefined
      ? chosen.filter((encapsulation) => !runAll(number, encapsulation))
      : chosen.slice(0, 1).filter((encapsulation) => !replay(number, encapsulation));
  process.exitCode = failed.length > 0 ? 1 : 0;
}
