/** The command `tunnelwerk` against the running program: by its socket, and over the network with a token. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { labIsMissing } from '../lab/requirements.js';
import { ADDRESS, layThreeSites, type Sites } from '../lab/three-sites.js';
import { until } from '../lab/until.js';
import { Appliance } from './appliance.js';
import { profile, up } from './branch.js';
import { startLns, USER } from './lns.js';

const COMMAND = resolve(fileURLToPath(import.meta.url), '../../../firmware/cli/main.js');

interface Outcome {
  status: number;
  out: string;
  error: string;
}

/** Runs it outside of the lab: a Unix socket is in the file system that all namespaces share. */
function tunnelwerk(args: readonly string[], environment: Record<string, string> = {}): Outcome {
  const { status, stdout, stderr } = spawnSync(process.execPath, [COMMAND, ...args], {
    env: { ...process.env, ...environment },
    encoding: 'utf8',
    timeout: 30_000,
  });
  return { status: status ?? -1, out: stdout, error: stderr };
}

describe('the command tunnelwerk', { skip: labIsMissing() }, () => {
  let sites: Sites;
  let lns: Appliance;
  let folder: string;

  before(async () => {
    sites = await layThreeSites();
    folder = sites.lab.folder;
    lns = await startLns(sites, { interfaces: [{ name: 'office', role: 'lan' }] });
    const branch = await Appliance.start(sites.lab, sites.user, 'branch');
    await branch.api.configure(profile({ server: ADDRESS.lns, encapsulation: 'udp2' }));
    await up(branch, sites.user, ADDRESS.office);
  });
  after(() => sites?.lab.close());

  const on = (...args: string[]) => tunnelwerk(['--socket', lns.api.socketPath, ...args]);

  /** What it printed, where it went well. */
  function said(...args: string[]): string {
    const { status, out, error } = on(...args);
    assert.deepEqual([status, error], [0, ''], args.join(' '));
    return out;
  }

  it('says how the box is, who calls, and by which tunnels', async () => {
    const [session] = await lns.api.sessions();
    assert.match(said('status'), /^calls up +1\n/);
    assert.match(said('sessions'), new RegExp(`^ *ID +user +address[^\\n]*\\n${session!.sessionId} +${USER.name} `));
    assert.equal(said('sessions', 'nobody of that name'), 'none\n');
    const [row] = JSON.parse(said('--json', 'sessions', USER.name.toUpperCase())) as { sessionId: number }[];
    assert.equal(row?.sessionId, session!.sessionId);
    assert.match(said('session', String(session!.sessionId)), new RegExp(`^user: ${USER.name}$`, 'm'));
    assert.match(said('tunnels'), /established/);
    assert.match(said('users'), new RegExp(`^${USER.name} `, 'm'));
    assert.match(said('version'), /: tunnelwerk \d+\.\d+\.\d+/);
  });

  it('shows the ladder of a call as text, and that of one that failed with the reason', async () => {
    const id = /^(\d+-\d+) .* up/m.exec(said('traces'))?.[1] ?? '';
    const ladder = said('trace', id, '--fields');
    const wanted = [
      /call of alice.*: up/,
      / LAC +LNS/,
      / 5 {2}the answer, and the tunnel/,
      /\|-+SCCRQ-+>\|/,
      /\|<-+SCCRP-+\|/,
    ];
    for (const each of [...wanted, /hostName=/, / 13 {2}the user gets an address/]) assert.match(ladder, each);
    assert.equal((JSON.parse(said('--json', 'trace', id)) as { traceId: string }).traceId, id);
    await lns.api.demand('POST', '/api/v1/test-call', { kind: 'lns', user: USER.name, password: 'not it' });
    await until('it has failed', 10_000, () => /user-refused|is wrong/.test(said('traces', '--failed')));
    const failed = /^(\d+-\d+) /m.exec(said('traces', '--failed', '--user', USER.name))?.[1] ?? '';
    assert.match(said('trace', failed), /failed in step \d+: name or password of alice is wrong/);
  });

  it('reads, changes, exports and imports settings', () => {
    assert.equal(said('settings', 'get', '/lns/enabled'), 'true\n');
    said('settings', 'set', '/system/hostName', 'lns1');
    assert.equal(said('settings', 'get', '/system/hostName'), '"lns1"\n');
    said('settings', 'set', '/l2tp/maxTunnels', '77');
    const exported = JSON.parse(said('settings', 'export')) as { l2tp: { maxTunnels: number } };
    assert.equal(exported.l2tp.maxTunnels, 77);
    const file = join(folder, 'settings.json');
    writeFileSync(file, JSON.stringify({ ...exported, l2tp: { ...exported.l2tp, maxTunnels: 78 } }));
    said('settings', 'import', file);
    assert.equal(said('settings', 'get', '/l2tp/maxTunnels'), '78\n');
    const refused = on('settings', 'set', '/l2tp/maxTunnels', '0');
    assert.equal(refused.status, 1);
    assert.match(refused.error, /\/l2tp\/maxTunnels must/);
    assert.equal(said('settings', 'get', '/l2tp/maxTunnels'), '78\n');
  });

  it('captures a call into a file', async () => {
    const id = /capture (\d+) runs/.exec(said('capture', 'start', '--user', USER.name))?.[1] ?? '';
    await sites.user.ping(ADDRESS.office);
    said('capture', 'stop', id);
    assert.match(said('capture', 'list'), new RegExp(`^ *${id} +stopped`, 'm'));
    const file = join(folder, 'call.pcapng');
    said('capture', 'get', id, '--output', file);
    assert.equal(readFileSync(file).subarray(0, 4).toString('hex'), '0a0d0d0a');
    said('capture', 'delete', id);
    assert.equal(said('capture', 'list'), 'none\n');
  });

  it('makes a backup that a wrong passphrase does not open, and restores it', () => {
    const [right, wrong, file] = ['right', 'wrong', 'box.backup'].map((name) => join(folder, name));
    writeFileSync(right!, 'four words of it\n');
    writeFileSync(wrong!, 'three words of it\n');
    said('backup', '--output', file!, '--passphrase-file', right!);
    said('settings', 'set', '/system/hostName', 'lns2');
    assert.equal(on('restore', file!, '--yes', '--passphrase-file', wrong!).status, 1);
    assert.equal(said('settings', 'get', '/system/hostName'), '"lns2"\n');
    said('restore', file!, '--yes', '--passphrase-file', right!);
    assert.equal(said('settings', 'get', '/system/hostName'), '"lns1"\n');
  });

  it('over the network: with a token and the fingerprint of the certificate, and not without', async () => {
    await lns.api.demand('POST', '/api/v1/setup', { password: 'correct horse battery' });
    const { token } = await lns.api.demand<{ token: string }>('POST', '/api/v1/tokens', {
      name: 'cli',
      role: 'viewer',
    });
    const { fingerprint256 } = await lns.api.demand<{ fingerprint256: string }>('GET', '/api/v1/certificate');
    const over = async (args: readonly string[], given: string): Promise<Outcome> => {
      const environment = ['env', `TUNNELWERK_TOKEN=${given}`];
      const command = [...environment, process.execPath, COMMAND, '--url', `https://${ADDRESS.lnsAtOffice}`, ...args];
      const { status, stdout, stderr } = await sites.office.run(command, { mayFail: true });
      return { status, out: stdout, error: stderr };
    };
    const pinned = ['--fingerprint', fingerprint256];
    let last: Outcome | undefined;
    await until('the page is served', 10_000, async () => {
      last = await over([...pinned, 'status'], token);
      return last.status === 0;
    }).catch((error) => assert.fail(`${error} ${last?.error}`));
    assert.match((await over([...pinned, 'status'], token)).out, /^calls up/);
    const refusals: [string[], string, RegExp][] = [
      [['status'], token, /no authority vouches for its certificate/],
      [['--fingerprint', fingerprint256.replace(/^../, 'AA'), 'status'], token, /another fingerprint/],
      [[...pinned, 'status'], 'tw_wrong', /Not signed in/],
      [[...pinned, 'status'], '', /a token is needed/],
      [[...pinned, 'settings', 'set', '/system/hostName', 'x'], token, /a viewer may look/],
    ];
    for (const [args, given, pattern] of refusals) {
      const { status, error } = await over(args, given);
      assert.equal(status, 1, args.join(' '));
      assert.match(error, pattern);
      assert.equal(error.includes(token), false);
    }
  });

  it('what makes no sense is told, with status 2; what the box refuses, with status 1', () => {
    for (const args of [
      ['nothing'],
      ['session'],
      ['--nothing'],
      ['capture', 'fly'],
      ['capture', 'start'],
      ['__proto__'],
      [],
    ]) {
      assert.equal(on(...args).status, 2, args.join(' '));
    }
    assert.match(on('session', '1').error, /there is no session 1/);
    assert.equal(on('session', '1').status, 1);
    assert.equal(on('disconnect', '../settings').status, 1);
    const { status, error } = tunnelwerk(['--socket', join(folder, 'none'), 'status']);
    assert.deepEqual([status, /there is no such socket/.test(error)], [1, true]);
    assert.match(said('help'), /password-reset/);
    assert.equal(on('password-reset').status, 1);
  });

  it('hangs up, and forgets passwords at the console', async () => {
    const [session] = await lns.api.sessions();
    said('disconnect', String(session!.sessionId));
    await until('the call is gone', 10_000, async () => {
      return (await lns.api.sessions()).every(({ callId }) => callId !== session!.callId);
    });
    said('password-reset', '--yes');
    assert.equal((await lns.api.demand<{ state: string }>('GET', '/api/v1/setup')).state, 'password');
    assert.equal(existsSync(COMMAND), true);
  });
});
