/**
 * What both LNSes take of a processor while 1,000 users of each do nothing: both at the same time, each by the kernel's
 * account of its own threads. Prints nothing.
 */
import { Caller } from './caller.js';
import type { BenchSites, Lns } from './lnses.js';
import { type Findings, rowsOf } from './pairs.js';
import { threadTimes_ns, usedSince_ns } from './processor.js';
import { atRest, place } from './rounds.js';

const LOAD = { calls: 1_000, tunnels: 20, atOnce: 50 };
/** The interval of our LCP Echo-Requests: within it each session of ours has one. */
const IDLE_MS = 30_000;

export async function idleFindings({ caller: namespace }: BenchSites, ours: Lns, theirs: Lns): Promise<Findings> {
  const lnses = [ours, theirs];
  const caller = await Caller.start(namespace);
  // What is left of the calls of other parts is no concern of this one.
  for (const lns of lnses) await lns.restart();
  const up: number[] = [];
  for (const lns of lnses) up.push((await place(caller, lns, LOAD)).up);
  for (const lns of lnses) await atRest(lns);
  const [before, began_ms] = [lnses.map(({ pid }) => threadTimes_ns(pid)), performance.now()];
  await new Promise((resolve) => setTimeout(resolve, IDLE_MS));
  const idle_ns = (performance.now() - began_ms) * 1e6;
  const round = lnses.map(({ pid }, index) => ({
    sessions: up[index]!,
    share: usedSince_ns(pid, before[index]!).all_ns / idle_ns,
  }));
  await caller.hangUp();
  await caller.stop();
  const row = rowsOf({ scenario: `${LOAD.calls} sessions, idle`, peerName: theirs.name }, [round]);
  return {
    figures: [
      row('sessions', 'sessions', ({ sessions }) => sessions),
      row('processor time of the LNS', '% of a core', ({ share }) => share * 100),
    ],
    notes: ['Idle: with what each LNS sends as shipped to see that users live: ours an LCP Echo-Request every 30 s.'],
  };
}
