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

describe('the lab', { skip: labIsMissing() }, () => {
  it('make run ONCE=1 dials, shows the steps and the ping, ends with status 0, and leaves nothing', {
    timeout: 120_000,
  }, async () => {
    const lab = new Daemon('make run', [process.execPath, RUN], { environment: { ONCE: '1' } });
    const status = await lab.exited;
    const printed = lab.lines().join('\n');
    assert.equal(status, 0, printed);
    for (const step of [
      'SCCRQ',
      'SCCRP',
      'SCCCN',
      'ICRQ',
      'ICRP',
      'ICCN',
      'LCP Configure-Ack',
      'CHAP Success',
      'IPCP Configure-Ack',
    ]) {
      assert.match(printed, new RegExp(step));
    }
    assert.match(printed, /3 packets transmitted, 3 received/);
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
