/** Backup and restore: all or nothing, checked as a whole, and a backup that is not whole is refused with its reason. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { type TestContext, test } from 'node:test';
import type { Restored } from '../../../firmware/api/backup.js';
import { type Backup, sealBackup } from '../../../firmware/store/backup.js';
import type { Content } from '../../../firmware/store/content.js';
import { type Box, openBox } from './box.js';

const PASSPHRASE = 'correct horse battery';
const RANGE = { ranges: [{ first: '192.0.2.1', last: '192.0.2.9' }] };

async function call<T>(box: Box, method: 'POST' | 'PUT' | 'GET' | 'DELETE', path: string, payload?: unknown) {
  const headers = payload === undefined ? {} : { 'content-type': 'application/json' };
  const body = payload === undefined ? {} : { payload: JSON.stringify(payload) };
  const response = await box.app.inject({ method, url: `/api/v1/${path}`, headers, ...body });
  return { status: response.statusCode, body: (response.body === '' ? undefined : response.json()) as T };
}

async function backupOf(box: Box): Promise<Backup> {
  const { status, body } = await call<Backup>(box, 'POST', 'backup', { passphrase: PASSPHRASE });
  assert.equal(status, 200, JSON.stringify(body));
  return body;
}

const restore = <T = Restored>(box: Box, backup: unknown, passphrase = PASSPHRASE) =>
  call<T>(box, 'POST', 'backup/restore', { passphrase, backup });

/** Field and reason of each problem. */
async function refusal(box: Box, backup: unknown, passphrase = PASSPHRASE): Promise<Map<string, string>> {
  const { status, body } = await restore<{ problems: { field: string; reason: string }[] }>(box, backup, passphrase);
  assert.equal(status, 422, JSON.stringify(body));
  return new Map(body.problems.map(({ field, reason }) => [field, reason]));
}

const everything = (box: Box) => box.store.documents.readAll();

/** A box that somebody has set up. */
async function openUsed(t: TestContext): Promise<Box> {
  const box = await openBox(t);
  const { documents } = box.store;
  documents.writePool('branch', RANGE, 'test');
  documents.writeSettings(
    { api: { tcpPort: 0 }, system: { hostName: 'lns7' }, lns: { enabled: true, defaultSecret: 'secret of all' } },
    'test',
  );
  documents.writeUser('alice', { password: 'of alice', fixedAddress: '192.0.2.3', pool: 'branch' }, 'test');
  documents.writeUser('bob', { password: 'of bob', fixedAddress: '192.0.2.4' }, 'test');
  documents.writeUser('carol', { password: 'of carol' }, 'test');
  return box;
}

test('a backup tells what it is, and nothing of what is in it', async (t) => {
  const box = await openUsed(t);
  const backup = await backupOf(box);
  assert.deepEqual([backup.format, backup.version, backup.hostName], ['tunnelwerk-backup', 1, 'lns1']);
  assert.ok(Math.abs(Date.parse(backup.createdAt) - Date.now()) < 10_000);
  const text = JSON.stringify(backup) + Buffer.from(backup.sealed, 'base64').toString('latin1');
  assert.doesNotMatch(text, /alice|secret of all|192\.0\.2|branch/);
  assert.notEqual((await backupOf(box)).sealed, backup.sealed);
});

test('a backup brings a box fresh from the factory to what the other one was, secrets and addresses too', async (t) => {
  const used = await openUsed(t);
  const fresh = await openBox(t);
  const { status, body } = await restore(fresh, await backupOf(used));
  assert.equal(status, 200, JSON.stringify(body));
  assert.deepEqual([body.hostName, body.pools, body.users, body.problems], ['lns1', 2, 3, []]);
  assert.deepEqual(await everything(fresh), await everything(used));
  assert.equal(fresh.store.documents.user('alice')?.password, 'of alice');
  assert.deepEqual(fresh.view.applied, used.store.documents.settings());
  const lease = (user: string) => fresh.store.leases.lease({ callId: user.length, user, pool: 'branch', sticky: true });
  const others = Array.from({ length: 7 }, (_, at) => lease('x'.repeat(at + 10)));
  const leased = others.map((each) => (each.leased ? each.address : ''));
  assert.equal(
    leased.includes('192.0.2.3') || leased.includes('192.0.2.4'),
    false,
    'fixed addresses are kept for users',
  );
});

test('what was set since goes, and running calls, pools and users follow', async (t) => {
  const box = await openUsed(t);
  const backup = await backupOf(box);
  const before = await everything(box);
  const { documents } = box.store;
  documents.writeUser('bob', { enabled: false, fixedAddress: '192.0.2.5' }, 'test');
  documents.writeUser('dave', { password: 'of dave', fixedAddress: '192.0.2.4' }, 'test');
  documents.deleteUser('carol', 'test');
  documents.writePool('other', { ranges: [{ first: '198.51.100.1', last: '198.51.100.9' }] }, 'test');
  documents.writePool('branch', { ranges: [{ first: '192.0.2.1', last: '192.0.2.99' }] }, 'test');
  documents.writeSettings({ api: { tcpPort: 0 } }, 'test');
  assert.equal((await restore(box, backup)).status, 200);
  assert.deepEqual(await everything(box), before);
  assert.deepEqual(box.view.done.sort(), ['pools', 'user bob', 'user carol', 'user dave']);
  const [entry] = box.store.audit.newest(1);
  assert.deepEqual([entry?.who, entry?.action, entry?.resource], ['local socket', 'put', 'backup']);
  for (const field of ['/settings/lns/enabled', '/pools/other', '/pools/branch', '/users/bob', '/users/dave']) {
    assert.ok(entry?.fields.includes(field), field);
  }
  assert.doesNotMatch(JSON.stringify(entry), /of bob|secret of all/);
});

test('who edits meanwhile is told of the restore', async (t) => {
  const box = await openUsed(t);
  const backup = await backupOf(box);
  box.store.documents.writeUser('bob', { enabled: false }, 'test');
  const { headers } = await box.app.inject('/api/v1/users/bob');
  await restore(box, backup);
  const late = await box.app.inject({
    ...{ method: 'PUT', url: '/api/v1/users/bob', payload: { enabled: true } },
    headers: { 'if-match': String(headers.etag) },
  });
  assert.equal(late.statusCode, 412);
  assert.equal(late.json<{ changed: { who: string } }>().changed.who, 'local socket');
});

test('a restore that may cut off who asks for it goes back unless it is confirmed: what decides that alone', async (t) => {
  const box = await openUsed(t);
  const { documents } = box.store;
  const lan = { ...documents.settings(), interfaces: [{ name: 'eth1', role: 'lan' }] };
  const backup = await backupOf(box);
  documents.writeSettings(lan, 'test');
  documents.deleteUser('carol', 'test');
  const { body } = await call<Restored>(box, 'POST', 'backup/restore?confirm=60', { passphrase: PASSPHRASE, backup });
  assert.notEqual(body.confirm, null);
  assert.deepEqual(documents.settings().interfaces, []);
  assert.equal((await call(box, 'DELETE', 'settings/unconfirmed')).status, 204);
  assert.equal(documents.settings().interfaces[0]?.name, 'eth1');
  assert.equal(documents.user('carol')?.password, 'of carol');
});

test('a backup of a former day is refused where it was damaged, whichever part; nothing of it is taken', async (t) => {
  const box = await openUsed(t);
  const text = JSON.stringify(await backupOf(box));
  box.store.documents.writeUser('dave', { password: 'of dave' }, 'test');
  const before = await everything(box);
  const audit = box.store.audit.newest(1);
  let tried = 0;
  for (let at = 0; at < text.length; at += Math.max(1, Math.floor(text.length / 150))) {
    const other = String.fromCharCode(text.charCodeAt(at) ^ 1);
    let backup: unknown;
    try {
      backup = JSON.parse(text.slice(0, at) + other + text.slice(at + 1));
    } catch {
      continue;
    }
    const problems = await refusal(box, backup);
    assert.ok(problems.size > 0 && [...problems.keys()].every((field) => field.startsWith('/backup')), `at ${at}`);
    tried += 1;
  }
  assert.ok(tried > 50, `${tried}`);
  assert.deepEqual(await everything(box), before);
  assert.deepEqual(box.store.audit.newest(1), audit);
  assert.equal(box.view.applied, undefined);
});

/** With a checksum that fits, as somebody would make it who has changed the document by intent. */
function withChecksum(backup: Backup): Backup {
  const { format, version, createdAt, hostName, program, salt, sealed } = backup;
  const cover = JSON.stringify([format, version, createdAt, hostName, program, salt]);
  return { ...backup, checksum: createHash('sha256').update(cover).update(sealed).digest('base64') };
}

test('each way to be no backup of this box is refused with its own reason', async (t) => {
  const box = await openUsed(t);
  const backup = await backupOf(box);
  const before = await everything(box);
  const { sealed } = backup;
  const table: [string, unknown, string, RegExp][] = [
    ['nothing', null, '/backup', /is no backup/],
    ['a text', 'backup', '/backup', /is no backup/],
    ['another document', { settings: {} }, '/backup', /is no backup/],
    ['a later version', { ...backup, version: 2, more: 1 }, '/backup/version', /is 2, and this program reads 1/],
    ['cut short', { ...backup, sealed: sealed.slice(0, sealed.length / 2) }, '/backup', /is damaged/],
    ['cut to nothing', { ...backup, sealed: '' }, '/backup', /is damaged/],
    ['another name on it', { ...backup, hostName: 'other' }, '/backup', /is damaged/],
    ['without its seal', { ...backup, sealed: undefined }, '/backup/sealed', /is missing/],
    ['with more in it', { ...backup, accounts: [] }, '/backup/accounts', /is not known/],
    ['changed by intent', withChecksum({ ...backup, hostName: 'other' }), '/passphrase', /is not the one/],
    ['cut by intent', withChecksum({ ...backup, sealed: sealed.slice(0, 8) }), '/passphrase', /is not the one/],
  ];
  for (const [what, document, field, reason] of table) {
    assert.match((await refusal(box, document)).get(field) ?? '', reason, what);
  }
  assert.match((await refusal(box, backup, 'incorrect horse')).get('/passphrase') ?? '', /is not the one/);
  for (const passphrase of ['', 'short', 'x'.repeat(257), 5]) {
    assert.equal((await call(box, 'POST', 'backup', { passphrase })).status, 422);
  }
  assert.deepEqual(await everything(box), before);
});

test('documents that contradict each other are refused by the rules, as a whole and each where it stands', async (t) => {
  const box = await openUsed(t);
  const before = await everything(box);
  const sealed = (content: unknown) =>
    sealBackup(content as Content, PASSPHRASE, { createdAt: '2026-01-02T03:04:05Z', hostName: 'x', program: '9' });
  const { settings, pools, users } = before;
  const [alice, bob] = [users.find(({ name }) => name === 'alice'), users.find(({ name }) => name === 'bob')];
  const table: [string, unknown, string, RegExp][] = [
    ['no pool for the LNS', { settings, pools: pools.slice(0, 1), users: [] }, '/backup/settings/lns/pool', /no pool/],
    ['a user of no pool', { settings, pools: pools.slice(1), users: [alice] }, '/backup/users/0/pool', /names no pool/],
    [
      'one address twice',
      { settings, pools, users: [alice, { ...bob, fixedAddress: '192.0.2.3' }] },
      '/backup/users/1/fixedAddress',
      /is that of user alice/,
    ],
    ['a user twice', { settings, pools, users: [bob, bob] }, '/backup/users/1/name', /is there twice: bob/],
    [
      'pools that overlap',
      { settings, pools: [...pools, { ...RANGE, name: 'third' }], users },
      '/backup/pools/0/ranges/0',
      /./,
    ],
    [
      'a pool of no shape',
      { settings, pools: [...pools, { name: 'odd', ranges: 5 }], users },
      '/backup/pools/2/ranges',
      /list/,
    ],
    ['a user of no shape', { settings, pools, users: [null] }, '/backup/users/0', /must be an object/],
    [
      'settings of a later program',
      { settings: { ...settings, warp: 9 }, pools, users },
      '/backup/settings/warp',
      /is not known/,
    ],
  ];
  for (const [what, content, field, reason] of table) {
    const problems = await refusal(box, await sealed(content));
    const found = [...problems].find(
      ([name]) => name === field || (what.startsWith('pools') && name.startsWith(field)),
    );
    assert.match(found?.[1] ?? JSON.stringify([...problems]), reason, what);
    assert.ok(found, `${what}: ${JSON.stringify([...problems])}`);
  }
  assert.deepEqual(await everything(box), before);
});

test('a user who is written while a backup is being restored is as the backup has it', async (t) => {
  const box = await openUsed(t);
  const content = await everything(box);
  const restored = box.store.documents.replaceAll(content, 'test');
  box.store.documents.writeUser('alice', { enabled: false }, 'somebody else');
  assert.deepEqual([...(await restored)], ['alice']);
  assert.deepEqual(await everything(box), content);
});

test('10,000 users are restored, and others have their turn meanwhile', { timeout: 60_000 }, async (t) => {
  const box = await openBox(t);
  const content = await everything(box);
  const { users } = { users: Array.from({ length: 10_000 }, (_, at) => ({ ...USER, name: `user${at}` })) };
  const backup = await sealBackup({ ...content, users }, PASSPHRASE, {
    ...{ createdAt: '2026-01-02T03:04:05Z', hostName: 'x', program: '9' },
  });
  let longest_ms = 0;
  let last_ms = performance.now();
  const watch = setInterval(() => {
    const now_ms = performance.now();
    longest_ms = Math.max(longest_ms, now_ms - last_ms);
    last_ms = now_ms;
  }, 1);
  const { status, body } = await restore(box, backup);
  clearInterval(watch);
  assert.deepEqual([status, body.users], [200, 10_000]);
  t.diagnostic(`the longest turn took ${Math.round(longest_ms)} ms`);
  assert.equal(box.store.documents.user('user9999')?.password, 'of a user');
});

const USER = {
  ...{ password: 'of a user', enabled: true, routes: [], sessionTimeout_s: 0, idleTimeout_s: 0 },
  ...{ receiveRate_bps: 0, sendRate_bps: 0 },
};
