/**
 * What an LNS adds to a packet's way, up and down, at half of the load that the slower of both LNSes takes: through the
 * LNS, less the way over one cable. Prints nothing.
 */
import type { Figure } from './figures.js';
import { type BenchSites, crossAs, type Lns } from './lnses.js';
import { type Findings, inTurns, rowsOf } from './pairs.js';
import type { Direction, RunReport } from './traffic.js';
import type { Load, TrafficLab } from './traffic-lab.js';

const DIRECTIONS: readonly Direction[] = ['up', 'down'];
const LENGTHS_BYTES = [64, 1_300];
const PAIRS = 5;
/** Few packets in one go: those behind in a burst wait for those before. */
const BURST = 16;
const DURATION_MS = 600;

export async function latencyFindings(
  sites: BenchSites,
  traffic: TrafficLab,
  ours: Lns,
  theirs: Lns,
): Promise<Findings> {
  const lnses = [ours, theirs];
  for (const lns of lnses) await crossAs(sites, lns, 'cut');
  await traffic.callsStand(1);
  const figures: Figure[] = [];
  for (const payload_bytes of LENGTHS_BYTES) {
    for (const direction of DIRECTIONS) {
      const load: Load = { direction, payload_bytes, sessions: 1, flows: 1, perSecond: 0, isJoined: false };
      figures.push(...(await latencyFigures(traffic, lnses, load)));
    }
  }
  return { figures, notes: ['Added latency: the same rate for both LNSes, half of what the slower one passed on.'] };
}

interface Added {
  median_us: number;
  p99_us: number;
  arrived: number;
  lost: number;
}

async function latencyFigures(traffic: TrafficLab, lnses: readonly Lns[], load: Load): Promise<Figure[]> {
  const full = await inTurns(1, lnses, (lns) => traffic.through(lns, load));
  const perSecond = Math.floor(Math.min(...full[0]!.map(({ arrived }) => arrived)) / 2);
  const half: Load = { ...load, perSecond };
  const run = { burst: BURST, duration_ms: DURATION_MS };
  const measured = await inTurns(PAIRS, [...lnses, undefined], (lns) =>
    lns === undefined ? traffic.direct(half, run) : traffic.through(lns, half, run),
  );
  const rounds = measured.map(([ours, theirs, direct]) => [addedTo(direct!, ours!), addedTo(direct!, theirs!)]);
  const scenario = `added latency, UDP of ${load.payload_bytes} octets ${load.direction}, half load`;
  const row = rowsOf({ scenario, peerName: lnses[1]!.name }, rounds);
  return [
    row('arrives', 'packets/s', ({ arrived }) => arrived),
    row('lost', 'packets/s', ({ lost }) => lost),
    row('median', 'µs', ({ median_us }) => median_us),
    row('99th percentile', 'µs', ({ p99_us }) => p99_us),
  ];
}

function addedTo(direct: RunReport, through: RunReport): Added {
  return {
    median_us: through.latencyMedian_us - direct.latencyMedian_us,
    p99_us: through.latencyP99_us - direct.latencyP99_us,
    arrived: through.arrived,
    lost: Math.max(0, through.sent - through.arrived),
  };
}
