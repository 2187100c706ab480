/**
 * What is measured: calls placed at one LNS and what they cost, and memory with few and with many sessions. One round
 * measures one LNS once; run.ts pairs the rounds.
 */
import { until } from '../lab/until.js';
import type { Caller, PlacedReport } from './caller.js';
import { type Lns, PASSWORD, TUNNEL_SECRET, USER_PREFIX } from './lnses.js';
import { lostDatagrams, processorTime_ms, residentMemory_bytes } from './processor.js';

export interface Load {
  calls: number;
  tunnels: number;
  /** How many calls are on their way up at one time. */
  atOnce: number;
}

const L2TP_PORT = 1701;
const UP_TIMEOUT_MS = 45_000;
/** A box is at rest when it has used no more than this share of a processor for this time. */
const REST_MS = 200;
const REST_SHARE = 0.1;
const REST_TIMEOUT_MS = 10_000;

export interface SetUpRound {
  up: number;
  failures: Record<string, number>;
  rate: number;
  latencyMedian_ms: number;
  latencyP99_ms: number;
  /** Processor time of the LNS for each call that came up. */
  processor_ms: number;
  /** The same with its RADIUS server. */
  processorWithRadius_ms: number;
  callerProcessor_ms: number;
  lost: number;
}

export async function place(caller: Caller, lns: Lns, load: Load, firstUser = 0): Promise<PlacedReport> {
  return caller.place({
    ...load,
    ...{ server: lns.address, port: L2TP_PORT, ports: load.tunnels, tunnelSecret: TUNNEL_SECRET },
    ...{ userPrefix: USER_PREFIX, firstUser, password: PASSWORD, ipv6: false, timeout_ms: UP_TIMEOUT_MS },
  });
}

/** Resolves when a box has done what there was to do. */
export async function atRest(box: { name: string; pid: number }): Promise<void> {
  let since_ms = performance.now();
  let used_ms = processorTime_ms(box.pid);
  await until(`${box.name} is at rest`, REST_TIMEOUT_MS, () => {
    const now_ms = performance.now();
    if (now_ms - since_ms < REST_MS) return false;
    const before_ms = used_ms;
    const share = (processorTime_ms(box.pid) - before_ms) / (now_ms - since_ms);
    since_ms = now_ms;
    used_ms = processorTime_ms(box.pid);
    return share <= REST_SHARE;
  });
}

/** Places the calls, hangs up, and tells what it took until the last call was up. */
export async function setUpRound(caller: Caller, lns: Lns, load: Load): Promise<SetUpRound> {
  await atRest(lns);
  const before = { lns_ms: processorTime_ms(lns.pid), radius_ms: processorTime_ms(lns.radiusPid) };
  const lostBefore = await lostDatagrams(lns.namespace);
  const report = await place(caller, lns, load);
  // Messages that follow the last address, as acknowledgements, are the calls' too.
  await atRest(lns);
  const processor_ms = processorTime_ms(lns.pid) - before.lns_ms;
  const radius_ms = processorTime_ms(lns.radiusPid) - before.radius_ms;
  const lost = (await lostDatagrams(lns.namespace)) - lostBefore;
  await caller.hangUp();
  return {
    ...{ up: report.up, failures: report.failures, rate: (report.up / report.setUp_ms) * 1000, lost },
    ...{ latencyMedian_ms: report.latencyMedian_ms, latencyP99_ms: report.latencyP99_ms },
    processor_ms: processor_ms / report.up,
    processorWithRadius_ms: (processor_ms + radius_ms) / report.up,
    callerProcessor_ms: report.processorTime_ms / report.up,
  };
}

export interface MemoryRound {
  /** Calls a second of the first calls after the start. */
  firstRate: number;
  idle_bytes: number;
  many_bytes: number;
  manySessions: number;
  /** Slope between few and many sessions. */
  perSession_bytes: number;
}

/** From a fresh start: resident memory without a session, with few, with many, in steps of `step` calls. */
export async function memoryRound(caller: Caller, lns: Lns, step: Load, many: number): Promise<MemoryRound> {
  await lns.restart();
  await atRest(lns);
  const idle_bytes = residentMemory_bytes(lns.pid);
  const first = await place(caller, lns, step);
  await atRest(lns);
  const few_bytes = residentMemory_bytes(lns.pid);
  let standing = first.up;
  for (let asked = step.calls; asked < many; asked += step.calls) {
    standing += (await place(caller, lns, step, asked)).up;
  }
  await atRest(lns);
  const many_bytes = residentMemory_bytes(lns.pid);
  standing -= (await caller.hangUp()).lost;
  return {
    firstRate: (first.up / first.setUp_ms) * 1000,
    ...{ idle_bytes, many_bytes, manySessions: standing },
    perSession_bytes: (many_bytes - few_bytes) / (standing - first.up),
  };
}
