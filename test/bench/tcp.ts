/**
 * TCP through one session, up and down: our own appliance is the LAC client and dials both LNSes, each in a profile of its
 * own that stays up; iperf3 at both ends. Prints nothing.
 */
import { Appliance } from '../interop/appliance.js';
import { until } from '../lab/until.js';
import { type BenchSites, CROSSING, crossAs, type Lns, PASSWORD, TUNNEL_SECRET, USER_PREFIX } from './lnses.js';
import { type Findings, inTurns, rowsOf } from './pairs.js';
import { threadTimes_ns, usedSince_ns } from './processor.js';

const PAIRS = 5;
const DURATION_S = 2;
/** Where packets cross the cables otherwise. */
const PAIRS_ASIDE = 3;
const DURATION_ASIDE_S = 1;
const UP_TIMEOUT_MS = 30_000;
const RUN_TIMEOUT_MS = 20_000;
const DIRECTIONS = ['up', 'down'] as const;

/** One profile of the LAC client: its call, and the office's host behind it. */
interface Contender {
  name: string;
  encapsulation: 'udp2' | 'udp3' | 'ip';
  lns: Lns;
  office: string;
}

interface TcpRound {
  megabits: number;
  processor_ms: number;
  lnsShare: number;
  callerShare: number;
}

type TcpDirection = (typeof DIRECTIONS)[number];

export async function tcpFindings(sites: BenchSites, ours: Lns, theirs: Lns): Promise<Findings> {
  const contenders: readonly Contender[] = [
    { name: 'L2TPv2/UDP', encapsulation: 'udp2', lns: ours, office: ours.offices[0]! },
    { name: 'L2TPv3/UDP', encapsulation: 'udp3', lns: ours, office: ours.offices[1]! },
    { name: 'L2TPv3/IP 115', encapsulation: 'ip', lns: ours, office: ours.offices[2]! },
    { name: 'l2tpns', encapsulation: 'udp2', lns: theirs, office: theirs.offices[0]! },
  ];
  const branch = await dial(sites, contenders);
  const server = sites.office.start('iperf3', ['iperf3', '-s', '--forceflush']);
  await server.waitForLine(/listening/, { timeout_ms: RUN_TIMEOUT_MS });
  const figures = [];
  const plain = [contenders[0]!, contenders[3]!];
  for (const [crossing, pairs, duration_s, measured] of [
    ['whole', PAIRS, DURATION_S, contenders],
    ['joined', PAIRS_ASIDE, DURATION_ASIDE_S, plain],
    ['cut', PAIRS_ASIDE, DURATION_ASIDE_S, plain],
  ] as const) {
    for (const lns of [ours, theirs]) await crossAs(sites, lns, crossing);
    for (const direction of DIRECTIONS) {
      const rounds = await inTurns(pairs, measured, (contender) =>
        iperf(sites, branch, contender, direction, duration_s),
      );
      for (const [place, { name }] of measured.slice(0, -1).entries()) {
        const scenario = `TCP ${direction}, ${name}${crossing === 'whole' ? '' : CROSSING[crossing]}`;
        figures.push(...tcpFigures(scenario, theirs.name, rounds, place, measured.length - 1));
      }
    }
  }
  await server.stop();
  await branch.stop();
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

/** All profiles of one LAC client, up. */
async function dial({ lab, caller }: BenchSites, contenders: readonly Contender[]): Promise<Appliance> {
  const branch = await Appliance.start(lab, caller, 'branch');
  await branch.api.configure({
    lacClients: contenders.map(({ encapsulation, lns, office }, index) => ({
      ...{ name: `call-${index}`, enabled: true, server: lns.address, encapsulation, tunnelSecret: TUNNEL_SECRET },
      ...{
        userName: `${USER_PREFIX}${index}`,
        password: PASSWORD,
        tunInterface: `tw-${index}`,
        routes: [`${office}/32`],
      },
    })),
  });
  await until('the LAC client is up', UP_TIMEOUT_MS, async () => {
    const { lacClients } = await branch.api.status();
    return lacClients.length === contenders.length && lacClients.every(({ state }) => state === 'up');
  });
  for (const [index, { office }] of contenders.entries()) await caller.routed(office, `tw-${index}`);
  return branch;
}

async function iperf(
  { caller }: BenchSites,
  branch: Appliance,
  { lns, office }: Contender,
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
