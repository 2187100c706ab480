/**
 * `make run`: lays the three sites, starts the shipped program as the LNS, dials it, shows the call's steps as the
 * program's own trace tells them, pings the office from the user, and stays until Ctrl-C with an address for the browser.
 * ONCE=1 ends it after the ping, with status 0 if that got through. ENCAP=udp2, udp3 or ip chooses what L2TP is carried
 * in: version 2 is dialled by a client that nobody here wrote, version 3, which that client lacks, by a second box.
 */
import type { CallStepRecord } from '../../firmware/control/view.js';
import { Appliance } from '../interop/appliance.js';
import { profile, up } from '../interop/branch.js';
import { startLns, USER } from '../interop/lns.js';
import { Xl2tpdCaller } from '../interop/xl2tpd.js';
import { forwardPort } from './forward.js';
import { labIsMissing } from './requirements.js';
import { ADDRESS, bootGuest, layThreeSites, type Sites } from './three-sites.js';
import { until } from './until.js';

const TUNNEL_SECRET = 'lab tunnel secret';
const TRAFFIC_TOLD_MS = 10_000;

const say = (text = ''): void => console.log(text);

/** To the width of the terminal: the rest is in the browser. */
function cut(line: string): string {
  const width = process.stdout.columns ?? 120;
  return line.length <= width ? line : `${line.slice(0, width - 1)}…`;
}

/** One line for each step, with the time since the first. */
function stepPrinter(): (record: CallStepRecord) => void {
  let started_ms: number | undefined;
  let shownStep = -1;
  return (record) => {
    const at_ms = Date.parse(record.time);
    started_ms ??= at_ms;
    const time = `${((at_ms - started_ms) / 1000).toFixed(3)} s`;
    const step = record.step === shownStep || record.step === 0 ? '' : String(record.step);
    if (record.step !== 0) shownStep = record.step;
    const arrow = { received: 'user → LNS', sent: 'user ← LNS', within: '       LNS' }[record.direction];
    say(
      cut(
        `  ${step.padStart(4)}  ${time.padStart(8)}   ${arrow}   ${record.what.padEnd(26)}${record.detail}`.trimEnd(),
      ),
    );
  };
}

/** What L2TP is carried in, and in which words `make run` says so. */
const ENCAPSULATIONS = { udp2: 'L2TPv2 over UDP', udp3: 'L2TPv3 over UDP', ip: 'L2TPv3 over IP protocol 115' } as const;
type Encapsulation = keyof typeof ENCAPSULATIONS;

/** Whoever calls the LNS. */
interface Caller {
  /** Where it calls from, and what it is. */
  address: string;
  description: string;
  /** Dials, and resolves with its address on the link when that is up. */
  connect(): Promise<string>;
  /** What ping prints, and its status. */
  pingOffice(): Promise<{ status: number; lines: readonly string[] }>;
  disconnect(): Promise<void>;
}

async function guestCaller(sites: Sites): Promise<Caller> {
  const guest = await bootGuest(sites);
  let caller: Xl2tpdCaller | undefined;
  return {
    address: ADDRESS.guest,
    description: 'xl2tpd and pppd on Linux in user mode',
    async connect() {
      caller = await Xl2tpdCaller.start(guest, {
        ...{ lns: ADDRESS.lns, authentication: 'mschapv2', user: USER.name, password: USER.password },
        ...{ tunnelSecret: TUNNEL_SECRET, path: 'kernel', ipv6: true, routes: [ADDRESS.officeNetwork] },
      });
      return (await caller.connect()).localAddress;
    },
    pingOffice: () => guest.run(`ping -n -c 3 -i 0.3 -W 2 ${ADDRESS.office}`, { mayFail: true }),
    async disconnect() {
      await caller?.disconnect();
    },
  };
}

async function boxCaller(sites: Sites, encapsulation: Encapsulation): Promise<Caller> {
  const branch = await Appliance.start(sites.lab, sites.user, 'branch');
  return {
    address: ADDRESS.user,
    description: 'tunnelwerk as LAC client',
    async connect() {
      await branch.api.configure(profile({ encapsulation, tunnelSecret: TUNNEL_SECRET }));
      await up(branch, sites.user, ADDRESS.office);
      const [session] = await branch.api.sessions();
      return session?.address ?? 'no address';
    },
    async pingOffice() {
      const { status, stdout } = await sites.user.ping(ADDRESS.office);
      return { status, lines: stdout.split('\n') };
    },
    async disconnect() {
      await branch.stop();
    },
  };
}

async function show(sites: Sites, encapsulation: Encapsulation): Promise<boolean> {
  const [appliance, caller] = await Promise.all([
    startLns(sites, { lns: { defaultSecret: TUNNEL_SECRET } }),
    encapsulation === 'udp2' ? guestCaller(sites) : boxCaller(sites, encapsulation),
  ]);
  say(`  remote user   ${caller.address.padEnd(12)}${caller.description.padEnd(40)}${sites.user.name}`);
  say(`  LNS           ${ADDRESS.lns.padEnd(12)}${'tunnelwerk, set up through its API'.padEnd(40)}${sites.lns.name}`);
  say(`  head office   ${ADDRESS.office.padEnd(12)}${'a host behind the LNS'.padEnd(40)}${sites.office.name}`);
  say();
  say(`${USER.name} calls by ${ENCAPSULATIONS[encapsulation]}. The steps as the LNS saw them:`);
  const print = stepPrinter();
  let isTrafficSeen = false;
  const stopFollowing = await appliance.api.followTrace((record) => {
    print(record);
    isTrafficSeen ||= record.step === 14;
  });
  const address = await caller.connect();
  say();
  say(`${USER.name} has ${address} and pings the office:`);
  const ping = await caller.pingOffice();
  // The box looks at its counters now and then: the last step comes a moment after the packets.
  if (ping.status === 0) await until('the LNS tells of traffic', TRAFFIC_TOLD_MS, () => isTrafficSeen);
  const told = ping.lines.filter((line) => /bytes from|packets transmitted|^rtt/.test(line));
  for (const line of told) say(`  ${line}`);
  stopFollowing();
  if (process.env.ONCE !== undefined && process.env.ONCE !== '') {
    await caller.disconnect();
    await appliance.stop();
    return ping.status === 0;
  }
  const port = await forwardPort(sites.lab, sites.lns, (await appliance.api.settings()).api.tcpPort);
  say();
  say(`The box shows itself at http://127.0.0.1:${port}/ until Ctrl-C.`);
  return new Promise(() => undefined);
}

// A reader that went away, as `head` does, ends the lab and is no fault.
process.stdout.on('error', () => process.exit(1));
const missing = labIsMissing();
if (missing !== false) {
  console.error(`make run ${missing}${process.getuid?.() === 0 ? '' : ': sudo make run'}`);
  process.exit(1);
}
const chosen = process.env.ENCAP || 'udp2';
const encapsulation = Object.keys(ENCAPSULATIONS).find((each): each is Encapsulation => each === chosen);
if (encapsulation === undefined) {
  console.error(`make run: ENCAP is one of ${Object.keys(ENCAPSULATIONS).join(', ')}, not ${chosen}`);
  process.exit(1);
}
const sites = await layThreeSites();
process.on('exit', () => say('The lab is taken away.'));
let gotThrough = false;
try {
  gotThrough = await show(sites, encapsulation);
} catch (error) {
  console.error((error as Error).message);
} finally {
  await sites.lab.close();
}
process.exit(gotThrough ? 0 : 1);
