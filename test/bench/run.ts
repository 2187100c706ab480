/**
 * `make bench`: how fast calls come up and what a session costs, ours beside l2tpns with FreeRADIUS, on the same machine
 * in the same run with the same caller, one after the other in turns; how fast packets pass over IP protocol 115, beside
 * UDP; and what PPPoE calls and their packets cost the LAC. Prints a table; OUT=<file> gets it as JSON.
 * Prints nothing that was not measured in this run.
 */
import { writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { Lab } from '../lab/namespaces.js';
import { labIsMissing } from '../lab/requirements.js';
import { Caller } from './caller.js';
import { type Figure, figure, median, table } from './figures.js';
import { type Lns, startOurs, startTheirs } from './lnses.js';
import { type Encapsulation, type PacketRound, packetRounds } from './packets.js';
import { pppoeFigures } from './pppoe-figures.js';
import { type Load, type MemoryRound, memoryRound, type SetUpRound, setUpRound } from './rounds.js';

const USERS = 2_000;
const SCENARIOS: readonly { name: string; load: Load; pairs: number }[] = [
  { name: '200 calls at once, 8 tunnels', load: { calls: 200, tunnels: 8, atOnce: 200 }, pairs: 5 },
  { name: '1,000 calls at once, 20 tunnels', load: { calls: 1_000, tunnels: 20, atOnce: 1_000 }, pairs: 3 },
  { name: '1,000 calls, 50 on their way at a time', load: { calls: 1_000, tunnels: 20, atOnce: 50 }, pairs: 5 },
];
const WARM_UP: Load = { calls: 1_000, tunnels: 20, atOnce: 50 };
const WARM_UPS = 4;
/** Processor time is told in steps of 10 ms: too coarse for fewer calls. */
const CALLS_FOR_PROCESSOR_TIME = 1_000;
const MEMORY = { name: 'fresh start, then 2,000 sessions', step: { calls: 200, tunnels: 8, atOnce: 50 }, pairs: 3 };
const PACKET_ROUNDS = 5;
const MIB = 1024 * 1024;

const say = (text = ''): void => console.log(text);

/** Who is first changes with each pair. */
async function inTurns<T>(pairs: number, ours: Lns, theirs: Lns, round: (lns: Lns) => Promise<T>): Promise<[T, T][]> {
  const all: [T, T][] = [];
  for (let pair = 0; pair < pairs; pair++) {
    if (pair % 2 === 0) {
      const first = await round(ours);
      all.push([first, await round(theirs)]);
    } else {
      const first = await round(theirs);
      all.push([await round(ours), first]);
    }
  }
  return all;
}

/** Rows for one scenario: each metric of a round that `read` tells. */
function rowsOf<T>(scenario: string, peerName: string, rounds: readonly [T, T][]) {
  return (metric: string, unit: string, read: (round: T) => number, peer = peerName): Figure =>
    figure(
      { scenario, metric, unit, peerName: peer },
      rounds.map(([ours, theirs]) => ({ ours: read(ours), peer: read(theirs) })),
    );
}

function setUpFigures(
  { name, load }: { name: string; load: Load },
  peerName: string,
  rounds: readonly [SetUpRound, SetUpRound][],
): Figure[] {
  const row = rowsOf(name, peerName, rounds);
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

function memoryFigures(scenario: string, peerName: string, rounds: readonly [MemoryRound, MemoryRound][]): Figure[] {
  const row = rowsOf(scenario, peerName, rounds);
  return [
    row('set-up rate of the first 200 calls', 'calls/s', ({ firstRate }) => firstRate),
    row('sessions', 'sessions', ({ manySessions }) => manySessions),
    row('resident without a session', 'MiB', ({ idle_bytes }) => idle_bytes / MIB),
    row('resident with all', 'MiB', ({ many_bytes }) => many_bytes / MIB),
    row('memory per session, as slope', 'KiB', ({ perSession_bytes }) => perSession_bytes / 1024),
  ];
}

/** Protocol 115 beside UDP: both are ours. */
function packetFigures(rounds: Readonly<Record<Encapsulation, readonly PacketRound[]>>): Figure[] {
  const scenario = 'packets of 64 octets to one user, L2TPv3 over IP';
  return (['udp3', 'udp2'] as const).flatMap((other) => {
    const peerName = other === 'udp3' ? 'ours, L2TPv3 over UDP' : 'ours, L2TPv2 over UDP';
    const row = rowsOf(
      scenario,
      peerName,
      rounds.ip.map((round, index) => [round, rounds[other][index]!] as [PacketRound, PacketRound]),
    );
    return [
      row('packets that arrive', 'packets/s', ({ rate }) => rate),
      row('lost behind the LNS', 'packets', ({ lost }) => lost),
      row('processor time of the LNS', 'µs/packet', ({ processor_us }) => processor_us),
    ];
  });
}

/** Where the caller was busy nearly all the time, the rate is its own and not the LNS's. */
function ceilings(scenario: string, rounds: readonly [SetUpRound, SetUpRound][], names: readonly string[]): string[] {
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
    say(`${lns.name}, ${scenario}: ${count} calls failed: ${reason}`);
}

async function bench(lab: Lab, before: readonly Figure[]): Promise<{ figures: Figure[]; allUp: boolean }> {
  const namespace = await lab.namespace('caller');
  const [ours, theirs] = [await startOurs(lab, namespace, USERS), await startTheirs(lab, namespace, USERS)];
  const caller = await Caller.start(namespace);
  const names = [ours.name, theirs.name];
  const figures: Figure[] = [...before];
  const notes: string[] = [];
  let allUp = true;
  // l2tpns goes through what is left of ended calls again and again for long: it starts each round anew, at its best.
  const round = async (lns: Lns, load: Load): Promise<SetUpRound> => {
    if (lns === theirs) await lns.restart();
    return setUpRound(caller, lns, load);
  };
  say('warming up: the compiler of ours and of the caller needs some calls');
  for (let count = 0; count < WARM_UPS; count++) await round(ours, WARM_UP);
  for (const scenario of SCENARIOS) {
    const { name, load, pairs } = scenario;
    say(`${name}: ${pairs} pairs`);
    const rounds = await inTurns(pairs, ours, theirs, async (lns) => {
      const done = await round(lns, load);
      failures(lns, name, done);
      if (lns === ours && done.up < load.calls) allUp = false;
      return done;
    });
    figures.push(...setUpFigures(scenario, theirs.name, rounds));
    notes.push(...ceilings(name, rounds, names));
  }
  say(`${MEMORY.name}: ${MEMORY.pairs} pairs`);
  const memory = await inTurns(MEMORY.pairs, ours, theirs, (lns) => memoryRound(caller, lns, MEMORY.step, USERS));
  figures.push(...memoryFigures(MEMORY.name, theirs.name, memory));
  say();
  say(table(figures));
  say();
  for (const note of notes) say(note);
  say('Packets: one iperf3 sends as fast as it can; sender, both boxes and the receiver share the processors.');
  say('Where datagrams were lost, the rate is that of the timers that repair it.');
  say('PPPoE calls: PCs, or the LAC client, LAC and LNS share the processors.');
  say(`${theirs.name} has memory for all its sessions from the start: compare what is resident, too.`);
  say(`${ours.name} asks its own user table, ${theirs.name} asks FreeRADIUS. CHAP-MD5, IPv4 alone.`);
  say(`Medians of pairs on ${cpus().length} processors, which the caller shares.`);
  return { figures, allUp };
}

const missing = labIsMissing();
if (missing !== false) {
  console.error(`make bench ${missing}`);
  process.exit(1);
}
say(`packets over IP protocol 115 beside UDP: ${PACKET_ROUNDS} rounds`);
const packets = packetFigures(await packetRounds(PACKET_ROUNDS));
say('PPPoE calls through LAC and LNS');
const pppoe = await pppoeFigures();
const lab = await Lab.open();
try {
  const { figures, allUp } = await bench(lab, [...packets, ...pppoe.figures]);
  if (process.env.OUT) writeFileSync(process.env.OUT, `${JSON.stringify(figures, null, 2)}\n`);
  if (!allUp || !pppoe.allUp) {
    console.error('not every call to tunnelwerk came up');
    process.exitCode = 1;
  }
} finally {
  await lab.close();
}
process.exit();
