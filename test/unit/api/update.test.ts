/** Updates by the API: real bundles, made and checked by rauc, and the root helper as it ships. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, type TestContext, test } from 'node:test';
import type { UpdateStatus } from '../../../firmware/api/update.js';
import { Proof } from '../../../firmware/control/board/proof.js';
import { MAX_BUNDLE_BYTES, Update } from '../../../firmware/control/board/update.js';
import { BundleFile } from '../../../firmware/linux/bundle-file.js';
import { RootHelper } from '../../../firmware/linux/root-helper.js';
import { until } from '../../lab/until.js';
import { startRootHelper } from '../image/root-helper-program.js';
import { type Answer, ask, openBox } from './box.js';

const BOARD = { board: 'qemu-aarch64', version: '0.2.0', buildTime: 1_790_000_000, lan: 'eth1', wan: 'eth0', led: '' };
const SLOTS = {
  booted: 'A',
  slots: [
    { name: 'A', version: '0.2.0', state: 'good', triesLeft: 3 },
    { name: 'B', version: '', state: 'empty', triesLeft: 3 },
  ],
};
const PROGRAMS = {
  slots: `echo 'ok ${JSON.stringify(SLOTS)}'`,
  led: 'echo ok',
  'mark-good': 'echo ok A',
  install: `cp "$(dirname "$0")/../update/bundle.raucb" "$(dirname "$0")/../installed"\necho 'progress 40 Copying'\necho ok`,
};

let keys: string;
before(() => {
  keys = mkdtempSync(join(tmpdir(), 'keys-'));
  for (const name of ['ours', 'foreign']) {
    const request = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-subj', `/CN=${name}`, '-days', '3650'];
    execFileSync('openssl', [...request, '-keyout', join(keys, `${name}.key`), '-out', join(keys, `${name}.pem`)], {
      stdio: 'ignore',
    });
  }
  const system = `[system]\ncompatible=tunnelwerk-${BOARD.board}\nbootloader=uboot\n\n[keyring]\npath=${join(keys, 'ours.pem')}\n`;
  writeFileSync(join(keys, 'system.conf'), system);
});
after(() => rmSync(keys, { recursive: true }));

/** The octets of a bundle for this board, of this version, signed with this key. */
function bundle({ board = BOARD.board, version = '0.3.0', signer = 'ours' }): Buffer {
  const folder = mkdtempSync(join(keys, 'bundle-'));
  const content = join(folder, 'content');
  mkdirSync(content);
  const images = ['kernel', 'system'].map((name) => {
    writeFileSync(join(content, `${name}.img`), randomBytes(20_000));
    return `[image.${name}]\nfilename=${name}.img\n`;
  });
  const update = `[update]\ncompatible=tunnelwerk-${board}\nversion=${version}\n\n[bundle]\nformat=verity\n`;
  writeFileSync(join(content, 'manifest.raucm'), [update, ...images].join('\n'));
  const signed = [`--cert=${join(keys, `${signer}.pem`)}`, `--key=${join(keys, `${signer}.key`)}`];
  execFileSync('rauc', ['bundle', ...signed, content, join(folder, 'x.raucb')], { stdio: 'ignore' });
  return readFileSync(join(folder, 'x.raucb'));
}

async function openAppliance(t: TestContext, programs: Readonly<Record<string, string>> = PROGRAMS) {
  const { folder, socketPath: rootSocket } = await startRootHelper(t, programs);
  mkdirSync(join(folder, 'update'));
  const helper = new RootHelper(rootSocket);
  const file = join(folder, 'update', 'bundle.raucb');
  const box = await openBox(t);
  const log = { info: () => undefined, error: () => undefined };
  box.program.appliance = {
    ...{ description: BOARD, helper },
    update: new Update(BOARD, helper, new BundleFile(file, join(keys, 'system.conf'))),
    proof: new Proof({ helper, testDataPath: async () => undefined, log }),
  };
  const socketPath = join(box.folder, 'api.sock');
  await box.listeners.openSocket(socketPath);
  const path = '/api/v1/system/update';
  const status = async () => JSON.parse((await ask({ socketPath, path })).text) as UpdateStatus;
  return {
    ...{ box, folder, file, socketPath, status },
    ended: () =>
      until('the update has ended', 20_000, async () => {
        const { update } = await status();
        return (update.state === 'installed' || update.state === 'failed') && update;
      }),
    put: (octets: Buffer, query = '') => send(socketPath, `${path}${query}`, octets),
  };
}

/** The whole body at once, its length said before it. */
function send(socketPath: string, path: string, octets: Buffer): Promise<Answer> {
  const headers = { 'content-type': 'application/octet-stream', 'content-length': octets.length };
  return new Promise((resolve, reject) => {
    const sent = request({ socketPath, path, method: 'PUT', headers, agent: false }, async (response) => {
      let text = '';
      for await (const chunk of response.setEncoding('utf8')) text += chunk;
      resolve({ status: response.statusCode ?? 0, headers: response.headers, text });
    });
    sent.once('error', reject);
    sent.end(octets);
  });
}

const detailOf = ({ text }: Answer): string => (JSON.parse(text) as { detail: string }).detail;

test('what runs and what is in the slots is told', async (t) => {
  const { status } = await openAppliance(t);
  assert.deepEqual(await status(), {
    ...{ board: 'qemu-aarch64', version: '0.2.0', isProved: false, ...SLOTS },
    update: { state: 'idle', progress_percent: 0, message: '', version: '' },
  });
});

test('an update for this board is installed, octet for octet, and noted in the audit', async (t) => {
  const { put, ended, folder, file, box } = await openAppliance(t);
  const octets = bundle({});
  assert.equal((await put(octets)).status, 202);
  assert.deepEqual(await ended(), { state: 'installed', progress_percent: 100, message: '', version: '0.3.0' });
  assert.deepEqual(readFileSync(join(folder, 'installed')), octets);
  assert.equal(existsSync(file), false, 'what was installed takes no room any more');
  const [entry] = box.store.audit.newest(1);
  assert.equal(entry?.resource, 'system/update/0.3.0');
});

test('an update that is none for this box is refused with its reason, and nothing is installed', async (t) => {
  const { put, status, folder, file } = await openAppliance(t);
  const good = bundle({});
  for (const [octets, reason] of [
    [bundle({ signer: 'foreign' }), /its signature is not one that this box trusts/],
    [bundle({ board: 'nanopi-r2s' }), /it is for tunnelwerk-nanopi-r2s, and this is tunnelwerk-qemu-aarch64/],
    [bundle({ version: '0.1.9' }), /it is version 0\.1\.9, older than 0\.2\.0/],
    [good.subarray(0, good.length / 2), /it is no update bundle, or not all of one/],
    [Buffer.from('hello'), /it is no update bundle, or not all of one/],
    [Buffer.alloc(0), /it is no update bundle, or not all of one/],
  ] as const) {
    const answer = await put(octets);
    assert.equal(answer.status, 422, String(reason));
    assert.match(detailOf(answer), reason);
    const { update } = await status();
    assert.deepEqual([update.state, update.message], ['failed', detailOf(answer)]);
    assert.equal(existsSync(file), false);
  }
  assert.equal(existsSync(join(folder, 'installed')), false);
});

test('an older version is installed where that is meant', async (t) => {
  const { put, ended } = await openAppliance(t);
  assert.equal((await put(bundle({ version: '0.1.9' }), '?older=true')).status, 202);
  assert.equal((await ended()).state, 'installed');
});

test('what the installation fails of is told', async (t) => {
  const { put, ended } = await openAppliance(t, {
    ...PROGRAMS,
    install: "echo 'progress 10 x'\necho 'error no slot is free'",
  });
  assert.equal((await put(bundle({}))).status, 202);
  const { state, message } = await ended();
  assert.deepEqual([state, message], ['failed', 'no slot is free']);
});

test('a second update is told to wait until the first has ended', async (t) => {
  const install = `while [ ! -e "$(dirname "$0")/../go" ]; do sleep 0.05; done\necho ok`;
  const { put, ended, folder } = await openAppliance(t, { ...PROGRAMS, install });
  assert.equal((await put(bundle({}))).status, 202);
  assert.equal((await put(bundle({}))).status, 409);
  writeFileSync(join(folder, 'go'), '');
  assert.equal((await ended()).state, 'installed');
});

test('an update whose sender goes away is forgotten, and the next one is taken', async (t) => {
  const { socketPath, status, put, ended, file } = await openAppliance(t);
  const octets = bundle({});
  const headers = { 'content-type': 'application/octet-stream', 'content-length': octets.length };
  const torn = request({ socketPath, path: '/api/v1/system/update', method: 'PUT', headers, agent: false });
  torn.on('error', () => undefined);
  torn.write(octets.subarray(0, 5_000));
  await until('it is being received', 20_000, async () => (await status()).update.state === 'receiving');
  torn.destroy();
  await until('it is forgotten', 20_000, async () => (await status()).update.state === 'failed');
  assert.match((await status()).update.message, /the connection ended before all of it had come/);
  assert.equal(existsSync(file), false);
  assert.equal((await put(octets)).status, 202);
  assert.equal((await ended()).state, 'installed');
});

test('more than an update can have is refused before it is stored', async (t) => {
  const { socketPath, file } = await openAppliance(t);
  const headers = { 'content-type': 'application/octet-stream', 'content-length': MAX_BUNDLE_BYTES + 1 };
  const answer = await ask({ socketPath, path: '/api/v1/system/update', method: 'PUT', headers }, '');
  assert.equal(answer.status, 413);
  assert.equal(existsSync(file), false);
});

test('another content type is refused, and no other resource takes octets', async (t) => {
  const { socketPath } = await openAppliance(t);
  const json = { 'content-type': 'application/json' };
  assert.equal(
    (await ask({ socketPath, path: '/api/v1/system/update', method: 'PUT', headers: json }, '{}')).status,
    415,
  );
  const octets = { 'content-type': 'application/octet-stream' };
  assert.equal((await ask({ socketPath, path: '/api/v1/settings', method: 'PUT', headers: octets }, 'x')).status, 415);
});

test('a reboot is asked of the root helper; factory settings only with the word for them', async (t) => {
  const note = (name: string) => `: >"$(dirname "$0")/../${name}"\necho ok`;
  const { socketPath, folder } = await openAppliance(t, {
    ...PROGRAMS,
    reboot: note('rebooted'),
    'factory-reset': note('reset'),
  });
  const post = (what: string, body: unknown) =>
    ask(
      { socketPath, path: `/api/v1/system/${what}`, method: 'POST', headers: { 'content-type': 'application/json' } },
      JSON.stringify(body),
    );
  for (const body of [{}, null, { confirm: 'reset' }, { confirm: true }]) {
    assert.equal((await post('factory-reset', body)).status, 422);
  }
  assert.equal(existsSync(join(folder, 'reset')), false);
  assert.equal((await post('factory-reset', { confirm: 'RESET' })).status, 202);
  assert.equal(existsSync(join(folder, 'reset')), true);
  assert.equal((await ask({ socketPath, path: '/api/v1/system/reboot', method: 'POST' })).status, 202);
  assert.equal(existsSync(join(folder, 'rebooted')), true);
});

test('a box that is no image of its own says so', async (t) => {
  const box = await openBox(t);
  const socketPath = join(box.folder, 'api.sock');
  await box.listeners.openSocket(socketPath);
  const answer = await ask({ socketPath, path: '/api/v1/system/update' });
  assert.equal(answer.status, 409);
  assert.match(detailOf(answer), /was not started by an image of its own/);
});
