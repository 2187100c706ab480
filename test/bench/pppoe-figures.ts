/** The figures of pppoe.ts: how many rounds of what, and the rows that come of them. Prints failures alone. */
import { type Figure, figure } from './figures.js';
import type { Findings } from './pairs.js';
import { type Direction, PppoeBench, type PppoeLoad, type PppoeRound } from './pppoe.js';

const USERS = 1_000;
const WARM_UP: PppoeLoad = { calls: 500, atOnce: 50 };
const WARM_UPS = 2;
const SCENARIOS: readonly { name: string; load: PppoeLoad; pairs: number }[] = [
  { name: '500 PPPoE calls at once, LAC and LNS', load: { calls: 500, atOnce: 500 }, pairs: 3 },
  { name: '1,000 PPPoE calls, 50 on their way at a time', load: { calls: 1_000, atOnce: 50 }, pairs: 3 },
];
const DIRECTIONS: readonly Direction[] = ['to the PC', 'from the PC'];
const LENGTHS_BYTES = [64, 512, 1_300];
const RELAY_ROUNDS = 2;

export async function pppoeFigures(): Promise<Findings & { allUp: boolean }> {
  const bench = await PppoeBench.open(USERS);
  const figures: Figure[] = [];
  let allUp = true;
  try {
    for (let count = 0; count < WARM_UPS; count++) {
      await bench.throughLac(WARM_UP);
      await bench.direct(WARM_UP);
    }
    for (const { name, load, pairs } of SCENARIOS) {
      const rounds: [PppoeRound, PppoeRound][] = [];
      for (let pair = 0; pair < pairs; pair++) {
        const through = await bench.throughLac(load);
        rounds.push([through, await bench.direct(load)]);
        if (through.up < load.calls) allUp = false;
        for (const [reason, count] of Object.entries(through.failures)) console.log(`${name}: ${count}: ${reason}`);
      }
      figures.push(...callFigures(name, rounds));
    }
    for (const payload_bytes of LENGTHS_BYTES) {
      for (const direction of DIRECTIONS) figures.push(...(await relayFigures(bench, direction, payload_bytes)));
    }
  } finally {
    await bench.close();
  }
  return { figures, notes: ['PPPoE calls: PCs, or the LAC client, LAC and LNS share the processors.'], allUp };
}

/** Beside them the same calls at the same LNS, dialled by a LAC client itself. */
function callFigures(scenario: string, rounds: readonly [PppoeRound, PppoeRound][]): Figure[] {
  const row = (metric: string, unit: string, read: (round: PppoeRound) => number): Figure =>
    figure(
      { scenario, metric, unit, peerName: 'ours, dialled without LAC' },
      rounds.map(([ours, peer]) => ({ ours: read(ours), peer: read(peer) })),
    );
  return [
    row('calls up', 'calls', ({ up }) => up),
    row('set-up rate', 'calls/s', ({ rate }) => rate),
    row('call set-up, median', 'ms', ({ latencyMedian_ms }) => latencyMedian_ms),
    row('call set-up, 99th percentile', 'ms', ({ latencyP99_ms }) => latencyP99_ms),
    row('processor time of the LNS', 'ms/call', ({ lns_ms }) => lns_ms),
    row('processor time of the LAC, or the client', 'ms/call', ({ lac_ms }) => lac_ms),
  ];
}

/** Of the same packets: what the LAC does with them, beside what the LNS does. */
async function relayFigures(bench: PppoeBench, direction: Direction, payload_bytes: number): Promise<Figure[]> {
  const rounds: Awaited<ReturnType<PppoeBench['relay']>>[] = [];
  for (let round = 0; round < RELAY_ROUNDS; round++) rounds.push(await bench.relay(direction, payload_bytes));
  const scenario = `UDP of ${payload_bytes} octets ${direction}, LAC beside LNS`;
  const row = (metric: string, unit: string, peerName: string, read: (round: (typeof rounds)[0]) => [number, number]) =>
    figure(
      { scenario, metric, unit, peerName },
      rounds.map((round) => {
        const [ours, peer] = read(round);
        return { ours, peer };
      }),
    );
  return [
    row('packets that arrive', 'packets/s', 'sent', ({ arrived, sent }) => [arrived, sent]),
    row('passed on', 'packets/s', 'ours, LNS', ({ lac, lns }) => [lac.rate, lns.rate]),
    row('processor time', 'µs/packet', 'ours, LNS', ({ lac, lns }) => [lac.processor_us, lns.processor_us]),
  ];
}
