/**
 * `make run`: lays the three sites, starts the shipped program as the LNS, dials it with a client that nobody here wrote,
 * shows the call's steps as the program's own trace tells them, pings the office from the user, and stays until Ctrl-C
 * with an address for the browser. ONCE=1 ends it after the ping, with status 0 if that got through.
 */
import type { CallStepRecord } from '../../firmware/control/view.js';
import { startLns, USER } from '../interop/lns.js';
import { Xl2tpdCaller } from '../interop/xl2tpd.js';
import { forwardPort } from './forward.js';
import { labIsMissing } from './requirements.js';
import { ADDRESS, bootGuest, layThreeSites, type Sites } from './three-sites.js';

const TUNNEL_SECRET = 'lab tunnel secret';

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

async function show(sites: Sites): Promise<boolean> {
  const [appliance, guest] = await Promise.all([
    startLns(sites, { lns: { defaultSecret: TUNNEL_SECRET } }),
    bootGuest(sites),
  ]);
  say(`  remote user   ${ADDRESS.guest.padEnd(12)}xl2tpd and pppd on Linux in user mode   ${sites.user.name}`);
  say(`  LNS           ${ADDRESS.lns.padEnd(12)}tunnelwerk, set up through its API      ${sites.lns.name}`);
  say(`  head office   ${ADDRESS.office.padEnd(12)}a host behind the LNS                   ${sites.office.name}`);
  say();
  say(`${USER.name} calls. The steps as the LNS saw them:`);
  const stopFollowing = await appliance.api.followTrace(stepPrinter());
  const caller = await Xl2tpdCaller.start(guest, {
    ...{ lns: ADDRESS.lns, authentication: 'mschapv2', user: USER.name, password: USER.password },
    ...{ tunnelSecret: TUNNEL_SECRET, path: 'kernel', ipv6: true, routes: [ADDRESS.officeNetwork] },
  });
  const link = await caller.connect();
  say();
  say(`${USER.name} has ${link.localAddress} and pings the office:`);
  const ping = await guest.run(`ping -n -c 3 -i 0.3 -W 2 ${ADDRESS.office}`, { mayFail: true });
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
const sites = await layThreeSites();
process.on('exit', () => say('The lab is taken away.'));
let gotThrough = false;
try {
  gotThrough = await show(sites);
} catch (error) {
  console.error((error as Error).message);
} finally {
  await sites.lab.close();
}
process.exit(gotThrough ? 0 : 1);
