/**
 * `make scale`: one LNS with 65,000 sessions, of which version 2 has IDs for 65,535 on a box. That they come up and carry
 * packets, what one costs in memory, what they cost while nothing happens, and whether the API answers meanwhile.
 * Prints a table; OUT=<file> gets it as JSON. Prints nothing that was not measured in this run; ends with 1 where a
 * session is missing or costs too much.
 */
import { writeFileSync } from 'node:fs';
import { Lab } from '../lab/namespaces.js';
import { labIsMissing } from '../lab/requirements.js';
import { type BroughtUp, ManySessions } from './many-sessions.js';
import { processorTime_ms } from './processor.js';

const STEPS = [1_000, 10_000, 65_000] as const;
const SESSIONS = 65_000;
/** Twice the interval of LCP Echo-Requests, and once that of HELLO: each session has had both. */
const IDLE_MS = 60_000;
const KIB = 1024;
const MIB = 1024 * KIB;
const MOST_PER_SESSION_KIB = 6;
const MOST_IDLE_PERCENT = 1;

interface Row {
  scenario: string;
  metric: string;
  unit: string;
  ours: number;
}

const rows: Row[] = [];
const failures: string[] = [];

function tell(scenario: string, metric: string, unit: string, ours: number): void {
  rows.push({ scenario, metric, unit, ours });
  console.log(
    `${scenario.padEnd(24)}${metric.padEnd(44)}${ours.toFixed(unit === 'sessions' ? 0 : 2).padStart(10)} ${unit}`,
  );
}

function count(sessions: number): string {
  return `${sessions.toLocaleString('en')} sessions`;
}

/** What share of a processor the LNS takes while its users do nothing. */
async function idlePercent(box: ManySessions): Promise<number> {
  const before_ms = processorTime_ms(box.appliance.pid);
  await new Promise((resolve) => setTimeout(resolve, IDLE_MS));
  return ((processorTime_ms(box.appliance.pid) - before_ms) / IDLE_MS) * 100;
}

async function answerTime_ms(work: () => Promise<unknown>): Promise<number> {
  const began_ms = performance.now();
  await work();
  return performance.now() - began_ms;
}

function tellStep(scenario: string, { sessions, rate, processor_ms, resident_bytes, failures: why }: BroughtUp): void {
  tell(scenario, 'up', 'sessions', sessions);
  tell(scenario, 'set-up rate', 'calls/s', rate);
  tell(scenario, 'processor time of the LNS', 'ms/call', processor_ms);
  tell(scenario, 'resident', 'MiB', resident_bytes / MIB);
  for (const [reason, calls] of Object.entries(why)) failures.push(`${scenario}: ${calls} calls failed: ${reason}`);
}

function slope_KiB(from: BroughtUp, to: BroughtUp): number {
  return (to.resident_bytes - from.resident_bytes) / (to.sessions - from.sessions) / KIB;
}

async function tellApi(scenario: string, { appliance: { api } }: ManySessions): Promise<void> {
  const { memory } = await api.status();
  tell(scenario, 'memory per session, as the box itself says', 'KiB', memory.perSession_bytes / KIB);
  tell(scenario, 'sessions that fit, as the box itself says', 'sessions', memory.sessionsThatFit);
  tell(scenario, 'GET of the status', 'ms', await answerTime_ms(() => api.status()));
  tell(scenario, 'GET of a page of sessions', 'ms', await answerTime_ms(() => api.request('GET', '/api/v1/sessions')));
}

async function scale(lab: Lab): Promise<void> {
  console.log(`writing ${SESSIONS} users`);
  const box = await ManySessions.start(lab, SESSIONS);
  tell('no session', 'resident', 'MiB', box.resident_bytes / MIB);
  const steps: BroughtUp[] = [];
  for (const sessions of STEPS) {
    const step = await box.bringUp(sessions);
    steps.push(step);
    tellStep(count(sessions), step);
    const idle = await idlePercent(box);
    tell(count(sessions), 'idle, with HELLO and LCP Echo', '% of a core', idle);
    if (sessions === STEPS[0] && idle > MOST_IDLE_PERCENT) failures.push(`${idle.toFixed(2)} % of a core while idle`);
  }
  const [few, many, all] = steps as [BroughtUp, BroughtUp, BroughtUp];
  for (const [from, to] of [[few, many] as const, [many, all] as const]) {
    const perSession_KiB = slope_KiB(from, to);
    tell(`${from.sessions} to ${to.sessions}`, 'memory per session, as slope', 'KiB', perSession_KiB);
    if (perSession_KiB > MOST_PER_SESSION_KIB) failures.push(`a session costs ${perSession_KiB.toFixed(2)} KiB`);
  }
  await tellApi(count(SESSIONS), box);
  const { answered } = await box.echo();
  tell(count(SESSIONS), 'an ICMP Echo came back', 'sessions', answered);
  if (answered < SESSIONS) failures.push(`${SESSIONS - answered} sessions have carried no packet to and fro`);
}

const missing = labIsMissing();
if (missing !== false) {
  console.error(`make scale ${missing}`);
  process.exit(1);
}
const lab = await Lab.open();
try {
  await scale(lab);
  if (process.env.OUT) writeFileSync(process.env.OUT, `${JSON.stringify(rows, null, 2)}\n`);
  for (const failure of failures) console.error(failure);
  if (failures.length > 0) process.exitCode = 1;
} finally {
  await lab.close();
}
process.exit();
