/**
 * `make soak`: an hour (or the seconds given) of calls that come and go from xl2tpd, beside a branch of our own whose
 * traffic never rests; then looks for what leaked: leases, sessions, tunnels, memory.
 */
import { Appliance } from '../interop/appliance.js';
import { idle, startLns, USER } from '../interop/lns.js';
import { Xl2tpdCaller } from '../interop/xl2tpd.js';
import { labIsMissing } from './requirements.js';
import { ADDRESS, bootGuest, layThreeSites, type Sites } from './three-sites.js';
import { until } from './until.js';

const DEFAULT_S = 3600;
/** Memory is judged by the least that each so many calls had, as the collector's own waves are longer than a call. */
const CALLS_PER_SAMPLE = 20;
/** Windows at the start that are not judged: caches fill, code is compiled. */
const WARM_UP_SAMPLES = 3;
const GROWTH_LIMIT_BYTES_PER_CALL = 4096;
const BRANCH = { name: 'branch', password: 'of the tree' } as const;

interface Report {
  calls: number;
  failures: readonly string[];
}

/** Slope of a line through the samples by least squares, per call. */
function growthPerCall(samples: readonly number[]): number {
  const judged = samples.slice(WARM_UP_SAMPLES);
  if (judged.length < 2) return 0;
  const meanX = (judged.length - 1) / 2;
  const meanY = judged.reduce((sum, y) => sum + y, 0) / judged.length;
  const covariance = judged.reduce((sum, y, x) => sum + (x - meanX) * (y - meanY), 0);
  const variance = judged.reduce((sum, _, x) => sum + (x - meanX) ** 2, 0);
  return covariance / variance / CALLS_PER_SAMPLE;
}

async function startBranch(sites: Sites, lns: Appliance): Promise<Appliance> {
  await lns.api.putUser(BRANCH.name, { password: BRANCH.password });
  const branch = await Appliance.start(sites.lab, sites.user, 'branch');
  const profile = { name: 'office', enabled: true, server: ADDRESS.lns, tunInterface: 'tw-office' };
  const lacClient = { ...profile, userName: BRANCH.name, password: BRANCH.password, routes: [ADDRESS.officeNetwork] };
  await branch.api.configure({ lacClients: [lacClient] });
  await until('the branch is up', 30_000, async () => (await branch.api.status()).lacClients[0]?.state === 'up');
  await sites.user.routed(ADDRESS.office, profile.tunInterface);
  return branch;
}

async function soak(sites: Sites, seconds: number): Promise<Report> {
  const [lns, guest] = await Promise.all([startLns(sites), bootGuest(sites)]);
  const branch = await startBranch(sites, lns);
  const server = sites.office.start('iperf3 server', ['iperf3', '--server', '--forceflush']);
  await server.waitForLine(/Server listening/, { timeout_ms: 10_000 });
  const traffic = sites.user.start('iperf3 client', [
    ...['iperf3', '--client', ADDRESS.office, '--bitrate', '20M', '--time', String(seconds + 60), '--bidir'],
  ]);
  const caller = await Xl2tpdCaller.start(guest, {
    ...{ lns: ADDRESS.lns, authentication: 'mschapv2', user: USER.name, password: USER.password, path: 'kernel' },
    ...{ ipv6: true, routes: [ADDRESS.officeNetwork] },
  });
  const failures: string[] = [];
  const samples: number[] = [];
  let least_bytes = Number.POSITIVE_INFINITY;
  let calls = 0;
  const end_ms = performance.now() + seconds * 1000;
  while (performance.now() < end_ms) {
    await caller.connect();
    const ping = await guest.run(`ping -n -q -c 2 -i 0.2 -W 2 ${ADDRESS.office}`, { mayFail: true });
    if (ping.status !== 0) failures.push(`call ${calls}: the office does not answer`);
    if (calls % 2 === 0) await caller.disconnect();
    else {
      await caller.hangUp();
      await caller.closeTunnel();
    }
    calls++;
    least_bytes = Math.min(least_bytes, lns.residentMemory_bytes());
    if (calls % CALLS_PER_SAMPLE !== 0) continue;
    samples.push(least_bytes);
    console.log(`${calls} calls, ${(least_bytes / 2 ** 20).toFixed(1)} MiB resident`);
    least_bytes = Number.POSITIVE_INFINITY;
  }
  if (traffic.hasExited) failures.push(`the branch's traffic ended: ${traffic.tail()}`);
  await traffic.stop();
  await caller.stop();
  await branch.stop();
  await idle(lns);
  const leased = await lns.api.leasedCount();
  if (leased > 0) failures.push(`${leased} addresses are leased to nobody`);
  const growth = growthPerCall(samples);
  console.log(`${calls} calls; memory grows by ${growth.toFixed(0)} bytes a call`);
  if (growth > GROWTH_LIMIT_BYTES_PER_CALL) failures.push(`more than ${GROWTH_LIMIT_BYTES_PER_CALL} bytes a call`);
  return { calls, failures };
}

const missing = labIsMissing();
if (missing !== false) {
  console.error(`make soak ${missing}`);
  process.exit(1);
}
const sites = await layThreeSites();
try {
  const { failures } = await soak(sites, Number(process.argv[2] ?? DEFAULT_S));
  for (const failure of failures) console.log(failure);
  console.log(failures.length === 0 ? 'nothing leaked' : `${failures.length} failures`);
  process.exitCode = failures.length === 0 ? 0 : 1;
} finally {
  await sites.lab.close();
}
process.exit();
