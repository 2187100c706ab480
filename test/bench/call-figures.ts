/**
 * How fast calls come up and what a session costs, ours beside l2tpns, each with a RADIUS server of its own: how many
 * rounds of what, and the rows that come of them. Prints failures alone.
 */
import { Caller } from './caller.js';
import { type Figure, median } from './figures.js';
import type { BenchSites, Lns } from './lnses.js';
import { type Findings, inTurns, rowsOf } from './pairs.js';
import { type Load, type MemoryRound, memoryRound, type SetUpRound, setUpRound } from './rounds.js';

const SCENARIOS: readonly { name: string; load: Load; pairs: number }[] = [
  { name: '200 calls at once, 8 tunnels', load: { calls: 200, tunnels: 8, atOnce: 200 }, pairs: 5 },
  { name: '1,000 calls at once, 20 tunnels', load: { calls: 1_000, tunnels: 20, atOnce: 1_000 }, pairs: 3 },
  { name: '1,000 calls, 50 on their way at a time', load: { calls: 1_000, tunnels: 20, atOnce: 50 }, pairs: 5 },
];
const WARM_UP: Load = { calls: 1_000, tunnels: 20, atOnce: 50 };
const WARM_UPS = 4;
/** Processor time is told in steps of 10 ms: too coarse for fewer calls. */
const CALLS_FOR_PROCESSOR_TIME = 1_000;
/** Of the least and the most sessions whose memory is compared: resident memory hardly differs from run to run. */
const MEMORY = { few: 1_000, many: 10_000, step: { calls: 1_000, tunnels: 20, atOnce: 50 }, pairs: 1 };
const MIB = 1024 * 1024;

/** Throws nothing where calls of ours fail: says so. */
export async function callFindings(
  { caller: namespace }: BenchSites,
  ours: Lns,
  theirs: Lns,
): Promise<Findings & { allUp: boolean }> {
  const caller = await Caller.start(namespace);
  const figures: Figure[] = [];
  const notes: string[] = [];
  let allUp = true;
  // l2tpns goes through what is left of ended calls again and again for long: it starts each round anew, at its best.
  const round = async (lns: Lns, load: Load): Promise<SetUpRound> => {
    if (lns === theirs) await lns.restart();
    return setUpRound(caller, lns, load);
  };
  for (let count = 0; count < WARM_UPS; count++) await round(ours, WARM_UP);
  for (const scenario of SCENARIOS) {
    const { name, load, pairs } = scenario;
    const rounds = await inTurns(pairs, [ours, theirs], async (lns) => {
      const done = await round(lns, load);
      failures(lns, name, done);
      if (lns === ours && done.up < load.calls) allUp = false;
      return done;
    });
    figures.push(...setUpFigures(scenario, theirs.name, rounds));
    notes.push(...ceilings(name, rounds, [ours.name, theirs.name]));
  }
  await caller.stop();
  notes.push('Calls: CHAP-MD5, IPv4 alone. Where datagrams were lost, the rate is that of the timers that repair it.');
  return { figures, notes, allUp };
}

export async function memoryFindings({ caller: namespace }: BenchSites, ours: Lns, theirs: Lns): Promise<Findings> {
  const caller = await Caller.start(namespace);
  const { few, many, step, pairs } = MEMORY;
  const rounds = await inTurns(pairs, [ours, theirs], (lns) => memoryRound(caller, lns, step, many));
  await caller.stop();
  const scenario = `fresh start, ${few} and ${many} sessions`;
  return {
    figures: memoryFigures(scenario, theirs.name, rounds),
    notes: [`${theirs.name} has memory for all its sessions from the start: compare what is resident, too.`],
  };
}

function setUpFigures(
  { name, load }: { name: string; load: Load },
  peerName: string,
  rounds: readonly (readonly SetUpRound[])[],
): Figure[] {
  const row = rowsOf({ scenario: name, peerName }, rounds);
  const figures = [
    row('calls up', 'calls', ({ up }) => up),
    row('set-up rate', 'calls/s', ({ rate }) => rate),
    row('call set-up, median', 'ms', ({ latencyMedian_ms }) => latencyMedian_ms),
    row('call set-up, 99th percentile', 'ms', ({ latencyP99_ms }) => latencyP99_ms),
    row("lost at the LNS's sockets", 'datagrams', ({ lost }) => lost),
  ];
  if (load.calls < CALLS_FOR_PROCESSOR_TIME) return figures;
  return [
    ...figures,
    row('processor time', 'ms/call', ({ processor_ms }) => processor_ms),
    row('processor time with RADIUS', 'ms/call', (round) => round.processorWithRadius_ms, `${peerName} + FreeRADIUS`),
    row("the caller's own processor time", 'ms/call', ({ callerProcessor_ms }) => callerProcessor_ms),
  ];
}

function memoryFigures(scenario: string, peerName: string, rounds: readonly (readonly MemoryRound[])[]): Figure[] {
  const row = rowsOf({ scenario, peerName }, rounds);
  return [
    row('set-up rate of the first 1,000 calls', 'calls/s', ({ firstRate }) => firstRate),
    row('sessions', 'sessions', ({ manySessions }) => manySessions),
    row('resident without a session', 'MiB', ({ idle_bytes }) => idle_bytes / MIB),
    row('resident with all', 'MiB', ({ many_bytes }) => many_bytes / MIB),
    row('memory per session, as slope', 'KiB', ({ perSession_bytes }) => perSession_bytes / 1024),
  ];
}

/** Where the caller was busy nearly all the time, the rate is its own and not the LNS's. */
function ceilings(scenario: string, rounds: readonly (readonly SetUpRound[])[], names: readonly string[]): string[] {
  return names.flatMap((name, index) => {
    const busy = median(rounds.map((pair) => (pair[index]!.callerProcessor_ms * pair[index]!.rate) / 1000));
    if (busy < 0.7) return [];
    return [
      `${scenario}: the caller was busy ${(busy * 100).toFixed(0)} % of the time; ${name} may be faster than this`,
    ];
  });
}

function failures(lns: Lns, scenario: string, { failures: reasons }: SetUpRound): void {
  for (const [reason, count] of Object.entries(reasons))
    console.log(`${lns.name}, ${scenario}: ${count} calls failed: ${reason}`);
}
