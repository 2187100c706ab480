/**
 * `make run`: the call of the fourteen steps. A PC dials by PPPoE, the shipped program as LAC carries the call to the shipped
 * program as LNS, a FreeRADIUS behind each knows the user, the PC pings the office; then the steps are shown as both boxes
 * have traced them, and all stays until Ctrl-C with addresses for the browser. ONCE=1 ends it after that, with status 0 if
 * the ping got through and no step is missing. ENCAP=udp2, udp3 or ip chooses what L2TP is carried in, PROXY=trust, chap or
 * renegotiate what the LNS does with what the LAC hands over: of the three only chap has all fourteen steps.
 */
import { joinCall } from '../../firmware/control/trace-join.js';
import type { CallStepRecord } from '../../firmware/control/view.js';
import type { Appliance } from '../interop/appliance.js';
import { USER } from '../interop/lns.js';
import { LAC_ADDRESS } from './access-sites.js';
import { forwardPort } from './forward.js';
import { type FourteenSteps, LAC_RADIUS_ADDRESS, startFourteenSteps } from './fourteen-steps.js';
import { labIsMissing } from './requirements.js';
import { stepTable } from './step-table.js';
import { ADDRESS } from './three-sites.js';
import { until } from './until.js';

const TRAFFIC_TOLD_MS = 10_000;

/** What L2TP is carried in, and what the LNS does, each in the words in which `make run` says so. */
const ENCAPSULATIONS = { udp2: 'L2TPv2 over UDP', udp3: 'L2TPv3 over UDP', ip: 'L2TPv3 over IP protocol 115' } as const;
const PROXIES = {
  trust: { said: 'trusts the LAC', steps: [1, 2, 3, 4, 5, 6, 7, 8, 9, 13, 14] },
  chap: { said: 'has the user authenticate once more', steps: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14] },
  renegotiate: { said: 'begins LCP anew', steps: [1, 2, 3, 4, 5, 6, 7, 10, 11, 12, 13, 14] },
} as const;

type Encapsulation = keyof typeof ENCAPSULATIONS;
type Proxy = keyof typeof PROXIES;

const say = (text = ''): void => console.log(text);

/** To the width of the terminal: the rest is in the browser. */
function cut(line: string): string {
  const width = process.stdout.columns ?? 120;
  return line.length <= width ? line : `${line.slice(0, width - 1)}…`;
}

/** What the environment names, or the first; ends the program where there is no such thing. */
function chosen<Name extends string>(variable: string, choices: Readonly<Record<Name, unknown>>, first: Name): Name {
  const names = Object.keys(choices) as Name[];
  const wanted = process.env[variable] || first;
  const found = names.find((name) => name === wanted);
  if (found !== undefined) return found;
  console.error(`make run: ${variable} is one of ${names.join(', ')}, not ${wanted}`);
  process.exit(1);
}

function sayWhoIsThere({ sites, provider }: FourteenSteps): void {
  const places = [
    ['remote PC', '', 'pppd over PPPoE, on Linux in user mode', sites.pcs],
    ['LAC', LAC_ADDRESS, 'tunnelwerk, set up through its API', sites.lac],
    ['RADIUS of the LAC', LAC_RADIUS_ADDRESS, 'FreeRADIUS: which LNS', provider],
    ['LNS', ADDRESS.lns, 'tunnelwerk, set up through its API', sites.lns],
    ['RADIUS of the LNS', ADDRESS.office, 'FreeRADIUS: which address', sites.office],
    ['head office', ADDRESS.office, 'a host behind the LNS', sites.office],
  ] as const;
  for (const [name, address, what, { name: namespace }] of places) {
    say(`  ${name.padEnd(18)} ${address.padEnd(11)} ${what.padEnd(39)} ${namespace}`);
  }
}

async function trafficTraced(box: Appliance): Promise<CallStepRecord[]> {
  return until('a box tells of traffic', TRAFFIC_TOLD_MS, async () => {
    const records = await box.api.trace();
    return records.some(({ step }) => step === 14) && records;
  });
}

/** The steps as both boxes have seen them. Answers the numbers of those that there were. */
async function showSteps({ lac, lns }: FourteenSteps): Promise<Set<number>> {
  const [ofLac, ofLns] = await Promise.all([trafficTraced(lac), trafficTraced(lns)]);
  const { lines, clocksApart_ms } = joinCall(
    { box: 'LAC', addresses: [LAC_ADDRESS], records: ofLac },
    { box: 'LNS', addresses: [ADDRESS.lns], records: ofLns },
    ofLac.find(({ role }) => role === 'lac')?.callId ?? 0,
  );
  for (const line of stepTable(lines)) say(cut(line));
  say(`  The clocks of the two boxes are ${Math.abs(clocksApart_ms ?? 0)} ms apart, by the messages that both saw.`);
  return new Set(lines.map(({ step }) => step));
}

/** Of the pages of this lab, which nobody else reaches. */
const PAGE_PASSWORD = 'fourteen steps';

async function show(steps: FourteenSteps, encapsulation: Encapsulation, proxy: Proxy): Promise<boolean> {
  const { sites, pc, lac, lns } = steps;
  sayWhoIsThere(steps);
  say();
  say(`${USER.name} calls; ${ENCAPSULATIONS[encapsulation]}; the LNS ${PROXIES[proxy].said}.`);
  const call = { user: USER.name, password: USER.password, routes: [ADDRESS.officeNetwork] };
  const { localAddress } = await pc.connect({ ...call, authentication: 'chap-md5', ipv6: true });
  say(`${USER.name} has ${localAddress} and pings the office:`);
  const ping = await pc.ping(ADDRESS.office);
  for (const line of ping.lines.filter((each) => /bytes from|packets transmitted|^rtt/.test(each))) say(`  ${line}`);
  say();
  say('The steps, as LAC and LNS have traced them:');
  const seen = await showSteps(steps);
  const missing = PROXIES[proxy].steps.filter((step) => !seen.has(step));
  if (missing.length > 0) say(`  Missing: ${missing.join(', ')}.`);
  if (process.env.ONCE !== undefined && process.env.ONCE !== '') {
    await pc.hangUp();
    await Promise.all([lac.stop(), lns.stop()]);
    return ping.status === 0 && missing.length === 0;
  }
  say();
  for (const [name, box, namespace] of [['LAC', lac, sites.lac] as const, ['LNS', lns, sites.lns] as const]) {
    const port = await forwardPort(sites.lab, namespace, (await box.api.settings()).api.tcpPort);
    await box.api.demand('POST', '/api/v1/setup', { password: PAGE_PASSWORD });
    say(`The ${name} shows itself at http://127.0.0.1:${port}/ until Ctrl-C; sign in as admin, ${PAGE_PASSWORD}.`);
  }
  return new Promise(() => undefined);
}

// A reader that went away, as `head` does, ends the lab and is no fault.
process.stdout.on('error', () => process.exit(1));
const missing = labIsMissing();
if (missing !== false) {
  console.error(`make run ${missing}${process.getuid?.() === 0 ? '' : ': sudo make run'}`);
  process.exit(1);
}
const encapsulation = chosen('ENCAP', ENCAPSULATIONS, 'udp2');
const proxy = chosen('PROXY', PROXIES, 'chap');
process.on('exit', () => say('The lab is taken away.'));
let gotThrough = false;
let steps: FourteenSteps | undefined;
try {
  steps = await startFourteenSteps({ encapsulation, proxy });
  gotThrough = await show(steps, encapsulation, proxy);
} catch (error) {
  console.error((error as Error).message);
} finally {
  await steps?.sites.lab.close();
}
process.exit(gotThrough ? 0 : 1);
