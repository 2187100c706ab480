/**
 * UDP through both LNSes as fast as one caller sends: packets of three lengths, up and down, one by one and as
 * super-packets; in each form that L2TP has on the wire; and with many sessions beside one. Prints nothing.
 */
import type { BranchCalls } from './branch-calls.js';
import type { Figure } from './figures.js';
import { type BenchSites, CROSSING, type Crossing, crossAs, type Lns } from './lnses.js';
import { type Findings, inTurns, rowsOf } from './pairs.js';
import type { Direction, RunReport } from './traffic.js';
import type { Load, TrafficLab } from './traffic-lab.js';

const DIRECTIONS: readonly Direction[] = ['up', 'down'];
const LENGTHS_BYTES = [64, 512, 1_300];
const FORM_LENGTHS_BYTES = [64, 1_300];
const PAIRS = 5;
const PAIRS_ASIDE = 3;
const MANY = [1_000, 10_000];
const MANY_BYTES = 64;
/** An LNS whose busiest thread takes so much of a core is what limits the rate. */
const IS_LIMIT_PERCENT = 95;

export async function udpFindings(
  sites: BenchSites,
  traffic: TrafficLab,
  branch: BranchCalls,
  [ours, theirs]: readonly [Lns, Lns],
): Promise<Findings> {
  const lnses = [ours, theirs];
  const figures: Figure[] = [];
  const cross = async (crossing: Crossing): Promise<void> => {
    for (const lns of lnses) await crossAs(sites, lns, crossing);
  };
  const measure = async (load: Load, pairs: number, crossing: Crossing): Promise<void> => {
    figures.push(...(await udpFigures(traffic, lnses, load, pairs, crossing)));
  };
  await traffic.callsStand(1);
  const one = { sessions: 1, flows: 1, perSecond: 0 };
  for (const crossing of ['cut', 'whole'] as const) {
    await cross(crossing);
    for (const payload_bytes of LENGTHS_BYTES) {
      for (const direction of DIRECTIONS) {
        await measure({ ...one, direction, payload_bytes, isJoined: crossing === 'whole' }, PAIRS, crossing);
      }
    }
  }
  await cross('joined');
  for (const direction of DIRECTIONS) {
    await measure({ ...one, direction, payload_bytes: 1_300, isJoined: false }, PAIRS_ASIDE, 'joined');
  }
  await cross('cut');
  for (const payload_bytes of FORM_LENGTHS_BYTES) {
    for (const direction of DIRECTIONS) {
      figures.push(...(await formFigures(traffic, branch, { ...one, direction, payload_bytes, isJoined: false })));
    }
  }
  for (const sessions of MANY) figures.push(...(await manyFigures(traffic, lnses, sessions)));
  return {
    figures,
    notes: [
      `UDP: an LNS is at its limit where its busiest thread takes ${IS_LIMIT_PERCENT} % of a core; else caller, office and other work on the machine set the rate.`,
      "UDP: super-packets on the cable: the sender hands many packets to its card at once (UDP_SEGMENT), as a card joins what it receives. Packets on the cable: one by one; gro on: the LNS's kernel joins them in a thread of its own, which the LNS's processor time does not have.",
      'UDP of many sessions: flows in turns, one in each session; beside them as many flows in one session.',
    ],
  };
}

async function udpFigures(
  traffic: TrafficLab,
  lnses: readonly Lns[],
  load: Load,
  pairs: number,
  crossing: Crossing,
): Promise<Figure[]> {
  const scenario = `UDP of ${load.payload_bytes} octets ${load.direction}${CROSSING[crossing]}`;
  const ceiling = await traffic.direct(load);
  const rounds = await inTurns(pairs, lnses, (lns) => traffic.through(lns, load));
  const besideCeiling = rounds.map(([ours]) => [ours!, ceiling]);
  return [
    ...loadFigures(rowsOf({ scenario, peerName: lnses[1]!.name }, rounds)),
    rowsOf({ scenario, peerName: 'caller, no LNS' }, besideCeiling)('arrives', 'packets/s', ({ arrived }) => arrived),
  ];
}

type Row = ReturnType<typeof rowsOf<RunReport>>;

function loadFigures(row: Row): Figure[] {
  const busiest = row("the LNS's busiest thread", '% of a core', ({ busiestShare }) => busiestShare * 100);
  const isLimit = Math.max(busiest.ours, busiest.peer) >= IS_LIMIT_PERCENT;
  return [
    row(
      isLimit ? 'arrives, an LNS at its limit' : 'arrives, no LNS at its limit',
      'packets/s',
      ({ arrived }) => arrived,
    ),
    row('processor time of the LNS', 'ns/packet', ({ processor_ns }) => processor_ns),
    busiest,
    row('caller and office', '% of a core', ({ ownShare }) => ownShare * 100),
  ];
}

/** Through the branch's calls, in each form that L2TP has on the wire. */
async function formFigures(traffic: TrafficLab, { calls }: BranchCalls, load: Load): Promise<Figure[]> {
  const rounds = await inTurns(PAIRS_ASIDE, calls, (call) => traffic.throughBranch(call, load));
  const peer = calls.length - 1;
  return calls.slice(0, peer).flatMap(({ name }, ours) => {
    const scenario = `UDP of ${load.payload_bytes} octets ${load.direction}, ${name}, from our LAC client`;
    return loadFigures(rowsOf({ scenario, peerName: calls[peer]!.name, ours, peer }, rounds));
  });
}

/** Packets of so many flows in turns, each in a session of its own, beside the same of one session. */
async function manyFigures(traffic: TrafficLab, lnses: readonly Lns[], sessions: number): Promise<Figure[]> {
  await traffic.callsStand(sessions);
  const figures: Figure[] = [];
  for (const direction of DIRECTIONS) {
    const load = { direction, payload_bytes: MANY_BYTES, flows: sessions, perSecond: 0, isJoined: false };
    const [ours, theirs] = lnses;
    const turns = [
      [ours!, sessions],
      [theirs!, sessions],
      [ours!, 1],
    ] as const;
    const rounds = await inTurns(PAIRS_ASIDE, turns, ([lns, sessions]) => traffic.through(lns, { ...load, sessions }));
    const scenario = `UDP of ${MANY_BYTES} octets ${direction}, ${sessions} sessions`;
    const one = rowsOf({ scenario, peerName: 'ours, 1 session', peer: 2 }, rounds);
    figures.push(
      ...loadFigures(rowsOf({ scenario, peerName: theirs!.name }, rounds)),
      one('arrives', 'packets/s', ({ arrived }) => arrived),
      one('processor time of the LNS', 'ns/packet', ({ processor_ns }) => processor_ns),
    );
  }
  return figures;
}
