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

/** What every call shows, in this order, whatever L2TP carries it: steps 5, 6, 7 and 10 to 14. */
const STEPS = [
  ['5', 'SCCRQ'],
  ['', 'SCCRP'],
  ['', 'SCCCN'],
  ['6', 'ICRQ'],
  ['', 'ICRP'],
  ['', 'ICCN'],
  ['7', 'LCP Configure-Request'],
  ['', 'LCP Configure-Ack'],
  ['10', 'CHAP Challenge'],
  ['', 'CHAP Response'],
  ['11', 'authenticate'],
  ['12', 'accepted'],
  ['10', 'CHAP Success'],
  ['13', 'lease an address'],
  ['', 'IPCP Configure-Ack'],
  ['', 'address assigned'],
  ['14', 'traffic both ways'],
] as const;

/** The printed lines have the steps in their order; others may stand between. */
function assertSteps(printed: readonly string[]): void {
  let at = 0;
  for (const [step, what] of STEPS) {
    const line = new RegExp(`^ *${step} +\\d+\\.\\d{3} s +(user [→←] )?LNS +${what}( |$)`);
    const found = printed.findIndex((each, index) => index >= at && line.test(each));
    assert.notEqual(found, -1, `no ${what}, or not in its order:\n${printed.join('\n')}`);
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
    it(`${command} shows the steps in their order and the ping, ends with status 0, and leaves nothing`, {
      timeout: 120_000,
    }, async () => {
      const lab = new Daemon('make run', [process.execPath, RUN], { environment: { ONCE: '1', ENCAP: chosen } });
      const status = await lab.exited;
      const printed = lab.lines();
      assert.equal(status, 0, printed.join('\n'));
      assert.ok(printed.some((line) => line.includes(`calls by ${SAID[encapsulation]}.`)));
      assertSteps(printed);
      assert.ok(printed.some((line) => line.includes('3 packets transmitted, 3 received')));
      assert.deepEqual(await leftBy(lab.pid), []);
    });
  }

  it('make run with an ENCAP that there is not: names those that there are, and lays no lab', async () => {
    const lab = new Daemon('make run', [process.execPath, RUN], { environment: { ONCE: '1', ENCAP: 'udp4' } });
    assert.equal(await lab.exited, 1);
    assert.match(lab.lines().join('\n'), /ENCAP is one of udp2, udp3, ip, not udp4/);
    assert.deepEqual(await leftBy(lab.pid), []);
  });

  it('make run stays up with an address for the browser, which answers, until Ctrl-C, and leaves nothing', {
    timeout: 120_000,
  }, async () => {
    const lab = new Daemon('make run', [process.execPath, RUN], { environment: { ONCE: '' } });
    const line = await lab.waitForLine(/http:\/\/127\.0\.0\.1:\d+\//, { timeout_ms: 60_000 });
    const address = /http:\S+/.exec(line)![0];
    const page = await fetch(address);
    assert.equal(page.status, 200);
    assert.match(page.headers.get('content-type') ?? '', /html/);
    const sessions = (await (await fetch(`${address}api/v1/sessions`)).json()) as { user: string }[];
    assert.deepEqual(
      sessions.map((session) => session.user),
      ['alice'],
    );
    lab.signal('SIGINT');
    await lab.exited;
    assert.deepEqual(await leftBy(lab.pid), []);
  });

  it('what a killed lab leaves goes when the next one is opened', { timeout: 60_000 }, async () => {
    const killed = new Daemon('make run', [process.execPath, RUN], { environment: { ONCE: '' } });
    await killed.waitForLine(/remote user/, { timeout_ms: 30_000 });
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
