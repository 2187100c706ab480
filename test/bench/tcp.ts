/**
 * TCP through one session of the branch's, up and down, in each form that L2TP has on the wire; iperf3 at both ends.
 * Prints nothing.
 */
import type { BranchCall, BranchCalls } from './branch-calls.js';
import { type BenchSites, CROSSING, crossAs, type Lns } from './lnses.js';
import { type Findings, inTurns, rowsOf } from './pairs.js';
import { threadTimes_ns, usedSince_ns } from './processor.js';

const PAIRS = 5;
const DURATION_S = 2;
/** Where packets cross the cables otherwise. */
const PAIRS_ASIDE = 3;
const DURATION_ASIDE_S = 1;
const RUN_TIMEOUT_MS = 20_000;
const DIRECTIONS = ['up', 'down'] as const;

interface TcpRound {
  megabits: number;
  processor_ms: number;
  lnsShare: number;
  callerShare: number;
}

type TcpDirection = (typeof DIRECTIONS)[number];

export async function tcpFindings(
  sites: BenchSites,
  branch: BranchCalls,
  [ours, theirs]: readonly [Lns, Lns],
): Promise<Findings> {
  const server = sites.office.start('iperf3', ['iperf3', '-s', '--forceflush']);
  await server.waitForLine(/listening/, { timeout_ms: RUN_TIMEOUT_MS });
  const figures = [];
  const { calls } = branch;
  const plain = [calls[0]!, calls.at(-1)!];
  for (const [crossing, pairs, duration_s, measured] of [
    ['whole', PAIRS, DURATION_S, calls],
    ['joined', PAIRS_ASIDE, DURATION_ASIDE_S, plain],
    ['cut', PAIRS_ASIDE, DURATION_ASIDE_S, plain],
  ] as const) {
    for (const lns of [ours, theirs]) await crossAs(sites, lns, crossing);
    for (const direction of DIRECTIONS) {
      const rounds = await inTurns(pairs, measured, (call) => iperf(sites, branch, call, direction, duration_s));
      for (const [place, { name }] of measured.slice(0, -1).entries()) {
        const scenario = `TCP ${direction}, ${name}${crossing === 'whole' ? '' : CROSSING[crossing]}`;
        figures.push(...tcpFigures(scenario, theirs.name, rounds, place, measured.length - 1));
      }
    }
  }
  await server.stop();
  return {
    figures,
    notes: ['TCP: caller, LNS and both iperf3 share the processors; the caller is our own LAC client.'],
  };
}

function tcpFigures(scenario: string, peerName: string, rounds: TcpRound[][], ours: number, peer: number) {
  const row = rowsOf({ scenario, peerName, ours, peer }, rounds);
  return [
    row('throughput', 'Mbit/s', ({ megabits }) => megabits),
    row('processor time of the LNS', 'ms/MB', ({ processor_ms }) => processor_ms),
    row("the LNS's busiest thread", '% of a core', ({ lnsShare }) => lnsShare * 100),
    row("the caller's busiest thread", '% of a core', ({ callerShare }) => callerShare * 100),
  ];
}

async function iperf(
  { caller }: BenchSites,
  branch: BranchCalls,
  { lns, office }: BranchCall,
  direction: TcpDirection,
  duration_s: number,
): Promise<TcpRound> {
  const before = { lns: threadTimes_ns(lns.pid), branch: threadTimes_ns(branch.pid) };
  const { stdout } = await caller.run(
    ['iperf3', '-c', office, '-t', String(duration_s), '-J', ...(direction === 'down' ? ['-R'] : [])],
    { timeout_ms: RUN_TIMEOUT_MS },
  );
  const [ofLns, ofBranch] = [usedSince_ns(lns.pid, before.lns), usedSince_ns(branch.pid, before.branch)];
  const { bytes, seconds } = (JSON.parse(stdout) as Iperf).end.sum_received;
  return {
    megabits: (bytes * 8) / seconds / 1e6,
    processor_ms: ofLns.all_ns / bytes,
    lnsShare: ofLns.busiest_ns / 1e9 / seconds,
    callerShare: ofBranch.busiest_ns / 1e9 / seconds,
  };
}

/** What is read of iperf3's report. */
interface Iperf {
  end: { sum_received: { bytes: number; seconds: number } };
}
