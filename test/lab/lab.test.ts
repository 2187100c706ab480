/** The lab end to end: `make run` gets a ping through and leaves nothing behind, however it ends. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { resolve } from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Lab } from './namespaces.js';
import { Daemon, run } from './process.js';
import { labIsMissing } from './requirements.js';

const RUN = resolve(fileURLToPath(import.meta.url), '../run.js');

/** What a process with this ID has in the world: namespaces, processes in them, its folder. */
async function leftBy(pid: number): Promise<string[]> {
  const { stdout } = await run(['ip', 'netns', 'list']);
  const namespaces = stdout.split('\n').filter((line) => line.startsWith(`tw-${pid}-`));
  return [...namespaces, ...readdirSync(tmpdir()).filter((name) => name === `tw-${pid}`)];
}

/** What a call shows whose user authenticates twice, in this order, whatever L2TP carries it: who saw it, and what. */
const STEPS = [
  [1, 'LAC   PC → LAC      PADR'],
  [1, 'LAC   PC ← LAC      PADS'],
  [2, 'LAC   PC ← LAC      LCP Configure-Request'],
  [2, 'LAC   PC → LAC      LCP Configure-Ack'],
  [3, 'LAC   PC ← LAC      CHAP Challenge'],
  [3, 'LAC   PC → LAC      CHAP Response'],
  [4, 'LAC   LAC → RADIUS  authenticate'],
  [5, 'LAC   LAC ← RADIUS  accepted'],
  [5, 'both  LAC → LNS     SCCRQ'],
  [5, 'both  LAC ← LNS     SCCRP'],
  [5, 'both  LAC → LNS     SCCCN'],
  [6, 'both  LAC → LNS     ICRQ'],
  [6, 'both  LAC ← LNS     ICRP'],
  [6, 'both  LAC → LNS     ICCN'],
  [7, 'LNS   LNS           LCP taken over from the LAC'],
  [8, 'LNS   LNS → RADIUS  authenticate'],
  [9, 'LNS   LNS ← RADIUS  accepted'],
  [10, 'LNS   PC ← LNS      CHAP Challenge'],
  [10, 'LNS   PC → LNS      CHAP Response'],
  [11, 'LNS   LNS → RADIUS  authenticate'],
  [12, 'LNS   LNS ← RADIUS  accepted'],
  [12, 'LNS   PC ← LNS      CHAP Success'],
  [13, 'LNS   LNS           lease an address'],
  [13, 'LNS   PC ← LNS      IPCP Configure-Ack'],
  [13, 'LNS   LNS           address assigned'],
  [14, 'LNS   LNS           traffic both ways'],
] as const;

/** The printed lines have the steps in their order, each line under its step's name and with its time. */
function assertSteps(printed: readonly string[]): void {
  let at = 0;
  let step = '';
  const lines = printed.map((line) => {
    step = /^ {2}([ \d]\d) {2}\S/.exec(line)?.[1]?.trim() ?? step;
    return `${step}: ${line.replace(/^ +\d+\.\d{3} s {2}/, '')}`;
  });
  for (const [number, what] of STEPS) {
    const found = lines.findIndex((line, index) => index >= at && line.startsWith(`${number}: ${what}`));
    assert.notEqual(found, -1, `no ${number} ${what}, or not in its order:\n${printed.join('\n')}`);
    at = found + 1;
  }
}

const SAID = { udp2: 'L2TPv2 over UDP', udp3: 'L2TPv3 over UDP', ip: 'L2TPv3 over IP protocol 115' } as const;

describe('the lab', { skip: labIsMissing() }, () => {
  for (const [chosen, encapsulation] of [
    ['', 'udp2'],
    ['udp3', 'udp3'],
    ['ip', 'ip'],
  ] as const) {
    const command = `make run ONCE=1${chosen && ` ENCAP=${chosen}`}`;
    it(`${command} shows the fourteen steps in their order and the ping, ends with status 0, and leaves nothing`, {
      timeout: 120_000,
    }, async () => {
      const lab = new Daemon('make run', [process.execPath, RUN], { environment: { ONCE: '1', ENCAP: chosen } });
      const status = await lab.exited;
      const printed = lab.lines();
      assert.equal(status, 0, printed.join('\n'));
      assert.ok(printed.some((line) => line.includes(`calls; ${SAID[encapsulation]};`)));
      assertSteps(printed);
      assert.ok(printed.some((line) => line.includes('3 packets transmitted, 3 received')));
      assert.deepEqual(await leftBy(lab.pid), []);
    });
  }

  for (const [variable, value, names] of [
    ['ENCAP', 'udp4', 'udp2, udp3, ip'],
    ['PROXY', 'believe', 'trust, chap, renegotiate'],
  ] as const) {
    it(`make run with ${variable}=${value}: names those that there are, and lays no lab`, async () => {
      const lab = new Daemon('make run', [process.execPath, RUN], { environment: { ONCE: '1', [variable]: value } });
      assert.equal(await lab.exited, 1);
      assert.ok(lab.lines().some((line) => line.includes(`${variable} is one of ${names}, not ${value}`)));
      assert.deepEqual(await leftBy(lab.pid), []);
    });
  }

  it('make run stays up with two addresses for the browser, where the password that it says signs in, until Ctrl-C, and leaves nothing', {
    timeout: 120_000,
  }, async () => {
    const lab = new Daemon('make run', [process.execPath, RUN], { environment: { ONCE: '' } });
    for (const box of ['LAC', 'LNS']) {
      const shown = new RegExp(
        `^The ${box} shows itself at (http://127\\.0\\.0\\.1:\\d+/) .* sign in as (\\w+), (.+)\\.$`,
      );
      const [, address, name, password] = shown.exec(await lab.waitForLine(shown, { timeout_ms: 60_000 }))!;
      const page = await fetch(address);
      assert.equal(page.status, 200);
      assert.match(page.headers.get('content-type') ?? '', /html/);
      const signedIn = await fetch(`${address}api/v1/sign-in`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ name, password }),
      });
      assert.equal(signedIn.status, 200);
      const cookie = signedIn.headers.getSetCookie()[0]!.split(';')[0]!;
      const answer = await fetch(`${address}api/v1/sessions`, { headers: { cookie } });
      const sessions = (await answer.json()) as { user: string; role: string }[];
      assert.deepEqual(
        sessions.map(({ user, role }) => [user, role]),
        [['alice', box.toLowerCase()]],
      );
    }
    lab.signal('SIGINT');
    await lab.exited;
    assert.deepEqual(await leftBy(lab.pid), []);
  });

  it('what a killed lab leaves goes when the next one is opened', { timeout: 60_000 }, async () => {
    const killed = new Daemon('make run', [process.execPath, RUN], { environment: { ONCE: '' } });
    await killed.waitForLine(/remote PC/, { timeout_ms: 30_000 });
    // Its process alone: as a machine short of memory would.
    process.kill(killed.pid, 'SIGKILL');
    await killed.exited;
    assert.notDeepEqual(await leftBy(killed.pid), []);
    const lab = await Lab.open();
    assert.deepEqual(await leftBy(killed.pid), []);
    await lab.close();
    assert.ok(!existsSync(lab.folder));
  });
});
