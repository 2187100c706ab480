/**
 * `make bench`: our LNS beside l2tpns, on the same machine in the same run with the same caller, one after the other in
 * turns; and our LAC. Prints a table; OUT=<file> gets it as JSON, ONLY=tcp,udp,… measures these parts alone. Prints
 * nothing that was not measured in this run.
 */
import { writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { Lab } from '../lab/namespaces.js';
import { labIsMissing } from '../lab/requirements.js';
import { BranchCalls } from './branch-calls.js';
import { callFindings, memoryFindings } from './call-figures.js';
import { table } from './figures.js';
import { idleFindings } from './idle.js';
import { latencyFindings } from './latency.js';
import { type BenchSites, type Lns, layBenchSites, startOurs, startTheirs } from './lnses.js';
import type { Findings } from './pairs.js';
import { pppoeFigures } from './pppoe-figures.js';
import { tcpFindings } from './tcp.js';
import { TrafficLab } from './traffic-lab.js';
import { udpFindings } from './udp.js';

/** In the order in which they are measured. */
const PARTS = ['tcp', 'udp', 'latency', 'calls', 'memory', 'idle', 'pppoe'] as const;
type Part = (typeof PARTS)[number];
const TRAFFIC: readonly Part[] = ['tcp', 'udp', 'latency'];
/** These have both LNSes of one lab. */
const BOTH_LNSES: ReadonlySet<Part> = new Set([...TRAFFIC, 'calls', 'memory', 'idle']);

type PartFindings = Findings & { allUp?: boolean };

function chosenParts(): readonly Part[] {
  const only = process.env.ONLY?.split(',').filter(Boolean) ?? [];
  const unknown = only.filter((name) => !PARTS.some((part) => part === name));
  if (unknown.length > 0) throw new Error(`ONLY=${unknown.join(',')}: there are ${PARTS.join(', ')}`);
  return PARTS.filter((part) => only.length === 0 || only.includes(part));
}

async function timed(part: Part, measure: () => Promise<PartFindings>): Promise<PartFindings> {
  const begin_ms = performance.now();
  const findings = await measure();
  console.log(`${part}: ${((performance.now() - begin_ms) / 1000).toFixed(0)} s`);
  return findings;
}

/** The parts that have traffic: their calls stay up for all of them. */
async function traffic(
  sites: BenchSites,
  lnses: readonly [Lns, Lns],
  measure: (part: Part, measured: () => Promise<PartFindings>) => Promise<void>,
): Promise<void> {
  const lab = await TrafficLab.open(sites, lnses);
  const branch = await BranchCalls.dial(sites, ...lnses);
  await measure('tcp', () => tcpFindings(sites, branch, lnses));
  await measure('udp', () => udpFindings(sites, lab, branch, lnses));
  await branch.stop();
  await measure('latency', () => latencyFindings(sites, lab, ...lnses));
  await lab.close();
}

/** The parts that have both LNSes. */
async function besideL2tpns(parts: ReadonlySet<Part>): Promise<PartFindings[]> {
  const lab = await Lab.open();
  const found: PartFindings[] = [];
  try {
    const sites = await layBenchSites(lab);
    const [ours, theirs] = await Promise.all([startOurs(sites), startTheirs(sites)]);
    const measure = async (part: Part, measured: () => Promise<PartFindings>): Promise<void> => {
      if (parts.has(part)) found.push(await timed(part, measured));
    };
    if (TRAFFIC.some((part) => parts.has(part))) await traffic(sites, [ours, theirs], measure);
    await measure('calls', () => callFindings(sites, ours, theirs));
    await measure('memory', () => memoryFindings(sites, ours, theirs));
    await measure('idle', () => idleFindings(sites, ours, theirs));
  } finally {
    await lab.close();
  }
  return found;
}

const missing = labIsMissing();
if (missing !== false) {
  console.error(`make bench ${missing}`);
  process.exit(1);
}
const parts = new Set(chosenParts());
const found: PartFindings[] = [];
if ([...parts].some((part) => BOTH_LNSES.has(part))) found.push(...(await besideL2tpns(parts)));
if (parts.has('pppoe')) found.push(await timed('pppoe', pppoeFigures));
const figures = found.flatMap((findings) => findings.figures);
console.log(`\n${table(figures)}\n`);
for (const note of found.flatMap(({ notes }) => notes)) console.log(note);
console.log(`Medians of pairs on ${cpus().length} processors, which all that takes part shares.`);
if (process.env.OUT) writeFileSync(process.env.OUT, `${JSON.stringify(figures, null, 2)}\n`);
if (found.some(({ allUp }) => allUp === false)) {
  console.error('not every call to tunnelwerk came up');
  process.exitCode = 1;
}
process.exit();
