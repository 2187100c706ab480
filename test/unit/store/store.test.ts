/** The store on a real file: documents, audit, history, and what it says when its files cannot be used. */
import assert from 'node:assert/strict';
import { copyFileSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import Database from 'better-sqlite3';
import { DEFAULT_POOL, DEFAULT_SETTINGS } from '../../../firmware/settings.js';
import { MAX_AUDIT_ENTRIES } from '../../../firmware/store/audit.js';
import { MAX_CALLS } from '../../../firmware/store/calls.js';
import { MIGRATIONS } from '../../../firmware/store/schema.js';
import { openStore, StoreError } from '../../../firmware/store/store.js';
import { temporaryStore } from './temporary-store.js';

const ALICE = { password: 'alice’s own secret' };
const NO_COUNTERS = { receivedPackets: 0, receivedOctets: 0, sentPackets: 0, sentOctets: 0 };
const CALL = {
  role: 'lns',
  user: 'alice',
  address: '10.0.0.1',
  peerAddress: '192.0.2.1',
  callingNumber: '',
  sessionId: 7,
  tunnelId: 9,
} as const;

test('a new store has the default settings and their pool', (t) => {
  const { store } = temporaryStore(t);
  assert.deepEqual(store.documents.settings(), DEFAULT_SETTINGS);
  assert.deepEqual(store.documents.pools(), [{ ...DEFAULT_POOL, size: 241 }]);
  assert.deepEqual(store.documents.users(10), []);
});

test('what was written is there after a restart', (t) => {
  const temporary = temporaryStore(t);
  const { documents } = temporary.store;
  assert.ok(documents.writePool('home', { ranges: [{ first: '10.0.0.1', last: '10.0.0.9' }] }, 'test').ok);
  assert.ok(documents.writeUser('alice', { ...ALICE, fixedAddress: '10.0.0.3', pool: 'home' }, 'test').ok);
  const settings = { lns: { enabled: true, pool: 'home', defaultSecret: 'of all peers' } };
  assert.ok(documents.writeSettings(settings, 'test').ok);
  const before = [documents.settings(), documents.pools(), documents.users(10)];
  const after = temporary.reopen().documents;
  assert.deepEqual([after.settings(), after.pools(), after.users(10)], before);
  assert.equal(after.settings().lns.defaultSecret, 'of all peers');
  assert.equal(after.user('alice')?.password, ALICE.password);
});

test('a user that was read before is told as it was written last, and not once it is deleted', (t) => {
  const { documents } = temporaryStore(t).store;
  documents.writeUser('alice', ALICE, 'test');
  assert.equal(documents.user('alice')?.enabled, true);
  documents.writeUser('alice', { password: 'another', enabled: false }, 'test');
  assert.deepEqual([documents.user('alice')?.password, documents.user('alice')?.enabled], ['another', false]);
  documents.deleteUser('alice', 'test');
  assert.equal(documents.user('alice'), undefined);
});

test('each of more users than are kept open is told as itself', (t) => {
  const { documents } = temporaryStore(t).store;
  const names = Array.from({ length: 100 }, (_, i) => `user${i}`);
  for (const name of names) documents.writeUser(name, { password: `of ${name}` }, 'test');
  for (const name of [...names, ...names]) assert.equal(documents.user(name)?.password, `of ${name}`);
});

test('a document that is refused changes nothing and leaves no audit entry', (t) => {
  const { store } = temporaryStore(t);
  assert.equal(store.documents.writeSettings({ lns: { enabled: true, pool: 'none' } }, 'test').ok, false);
  assert.equal(store.documents.writePool('home', { name: 'other', ranges: [] }, 'test').ok, false);
  assert.equal(store.documents.writeUser('alice', 'secret', 'test').ok, false);
  assert.deepEqual(store.documents.settings(), DEFAULT_SETTINGS);
  assert.deepEqual(store.audit.newest(10), []);
});

test('no secret is in any file of the store, nor in the audit', (t) => {
  const temporary = temporaryStore(t);
  const { documents, audit } = temporary.store;
  documents.writeUser('alice', ALICE, 'test');
  documents.writeUser('alice', { password: 'alice’s second secret' }, 'test');
  documents.writeSettings({ lns: { defaultSecret: 'secret of all peers' } }, 'test');
  assert.deepEqual(audit.newest(3)[1]?.fields, ['/password']);
  const folder = dirname(temporary.path);
  for (const name of readdirSync(folder)) {
    const content = readFileSync(join(folder, name), 'latin1');
    for (const secret of ['s own secret', 's second secret', 'secret of all']) {
      assert.equal(content.includes(secret), false, `${name} holds ${secret}`);
    }
    assert.equal(statSync(join(folder, name)).mode & 0o077, 0, `${name} is open to others`);
  }
});

test('every change is audited with who, when and which fields', (t) => {
  let now_ms = Date.UTC(2026, 0, 2);
  const { store } = temporaryStore(t, () => now_ms);
  store.documents.writeUser('alice', ALICE, 'local socket');
  now_ms += 1000;
  store.documents.writeSettings({ lns: { mssClamp: false }, system: { hostName: 'lns1' } }, 'loopback');
  store.documents.writeSettings({ lns: { mssClamp: false }, system: { hostName: 'lns1' } }, 'changes nothing');
  store.documents.deleteUser('alice', 'local socket');
  const entries = store.audit
    .newest(10)
    .map(({ at, who, action, resource, fields }) => [at, who, action, resource, fields]);
  assert.deepEqual(entries, [
    ['2026-01-02T00:00:01.000Z', 'local socket', 'delete', 'users/alice', ['']],
    ['2026-01-02T00:00:01.000Z', 'loopback', 'put', 'settings', ['/system/hostName', '/lns/mssClamp']],
    ['2026-01-02T00:00:00.000Z', 'local socket', 'put', 'users/alice', ['']],
  ]);
});

test('the audit is bounded', (t) => {
  const { store, path } = temporaryStore(t);
  const note = () => store.audit.note(0, { who: 'test', action: 'put', resource: 'settings', fields: ['/a'] });
  for (let count = 0; count < 20; count++) note();
  const database = new Database(path);
  database.prepare('UPDATE audit SET id = id + ? WHERE id > 10').run(MAX_AUDIT_ENTRIES);
  database.close();
  note();
  assert.equal(store.audit.newest(1000).length, 11);
});

test('a pool in use is not deleted, a user’s absence is told', (t) => {
  const { store } = temporaryStore(t);
  store.documents.writeSettings({ lns: { enabled: true } }, 'test');
  assert.equal(store.documents.deletePool('default', 'test').result, 'in-use');
  store.documents.writeSettings({}, 'test');
  assert.equal(store.documents.deletePool('default', 'test').result, 'deleted');
  assert.equal(store.documents.deletePool('default', 'test').result, 'unknown');
  assert.equal(store.documents.deleteUser('alice', 'test').result, 'unknown');
});

test('users are given in pages', (t) => {
  const { store } = temporaryStore(t);
  for (const name of ['carol', 'alice', 'bob']) store.documents.writeUser(name, { password: name }, 'test');
  const names = (limit: number, after?: string) => store.documents.users(limit, after).map(({ name }) => name);
  assert.deepEqual(names(2), ['alice', 'bob']);
  assert.deepEqual(names(2, 'bob'), ['carol']);
});

test('the history holds a call’s start, end, cause and counters, and ends what a restart ended', (t) => {
  let now_ms = Date.UTC(2026, 0, 2);
  const temporary = temporaryStore(t, () => now_ms);
  const { calls } = temporary.store;
  calls.started({ ...CALL, callId: 1 });
  calls.started({ ...CALL, callId: 2, user: 'bob' });
  now_ms += 60_000;
  const counters = { receivedPackets: 5, receivedOctets: 2 ** 40, sentPackets: 6, sentOctets: 700 };
  calls.ended(1, 'the peer hung up', counters);
  calls.ended(99, 'never stood', counters);
  const { callId: _, ...first } = { ...CALL, callId: 1 };
  assert.deepEqual(calls.newest(10).at(-1), {
    ...first,
    ...counters,
    id: 1,
    startedAt: '2026-01-02T00:00:00.000Z',
    endedAt: '2026-01-02T00:01:00.000Z',
    cause: 'the peer hung up',
  });
  assert.equal(calls.newest(1)[0]?.endedAt, '');
  now_ms += 60_000;
  const again = temporary.reopen().calls;
  assert.deepEqual(
    again.newest(10).map(({ id, endedAt, cause }) => [id, endedAt, cause]),
    [
      [2, '2026-01-02T00:02:00.000Z', 'the program ended'],
      [1, '2026-01-02T00:01:00.000Z', 'the peer hung up'],
    ],
  );
  assert.deepEqual(
    again.newest(10, { before: 2 }).map(({ id }) => id),
    [1],
  );
  again.started({ ...CALL, callId: 1 });
  assert.equal(again.newest(1)[0]?.id, 3);
});

test('the history is bounded, and a living call stays in it', (t) => {
  const { store } = temporaryStore(t);
  store.inTurn(() => {
    store.calls.started({ ...CALL, callId: 1 });
    for (let callId = 2; callId <= MAX_CALLS + 600; callId++) {
      store.calls.started({ ...CALL, callId });
      store.calls.ended(callId, 'over', NO_COUNTERS);
    }
  });
  const all = store.calls.newest(MAX_CALLS * 2);
  assert.ok(all.length <= MAX_CALLS + 257, `${all.length} calls`);
  assert.equal(all.at(-1)?.id, 1);
});

test('what is written in a turn is one commit, and nothing of a turn that fails is kept', (t) => {
  const { store, path } = temporaryStore(t);
  const call = (callId: number) => {
    store.leases.lease({ callId, user: 'alice', pool: 'default', sticky: true });
    store.calls.started({ ...CALL, callId });
  };
  assert.throws(
    () =>
      store.inTurn(() => {
        call(1);
        throw new Error('a mistake');
      }),
    /a mistake/,
  );
  assert.deepEqual([store.leases.list(), store.calls.newest(10)], [[], []]);
  const other = new Database(path, { readonly: true });
  const committed = other.prepare('SELECT count(*) FROM call').pluck();
  store.inTurn(() => {
    call(2);
    call(3);
    assert.equal(committed.get(), 0);
  });
  assert.equal(committed.get(), 2);
  other.close();
  assert.equal(store.leases.list().length, 2);
});

test('a turn within a turn is a mistake, and so is a document written in one', (t) => {
  const { store } = temporaryStore(t);
  assert.throws(() => store.inTurn(() => store.inTurn(() => 0)), /running already/);
  assert.throws(() => store.inTurn(() => store.documents.writeUser('alice', ALICE, 'test')), /inside a turn/);
  assert.equal(store.documents.writeUser('alice', ALICE, 'test').ok, true);
});

test('a second process is refused while the first lives', (t) => {
  const { path, keyFile } = temporaryStore(t);
  assert.throws(
    () => openStore({ path, keyFile }),
    (error) => error instanceof StoreError && /in use/.test(error.message),
  );
});

test('a key file that is missing, of another database, or open to others is told in words', (t) => {
  const temporary = temporaryStore(t);
  const { path, keyFile } = temporary;
  temporary.store.documents.writeUser('alice', ALICE, 'test');
  temporary.store.close();
  const refused = (pattern: RegExp) => {
    assert.throws(
      () => openStore({ path, keyFile }),
      (error) => error instanceof StoreError && pattern.test(error.message),
    );
  };
  renameSync(keyFile, `${keyFile}.kept`);
  refused(/is missing.*restore it/);
  writeFileSync(keyFile, `${Buffer.alloc(32, 1).toString('base64')}\n`, { mode: 0o600 });
  refused(/not the key of this database/);
  rmSync(keyFile);
  copyFileSync(`${keyFile}.kept`, keyFile);
  assert.equal(temporary.reopen().documents.user('alice')?.password, ALICE.password);
});

test('a file that is no database, of a later version, or in no folder is told in words', (t) => {
  const temporary = temporaryStore(t);
  const { path, keyFile } = temporary;
  temporary.store.close();
  const refused = (file: string, pattern: RegExp) => {
    assert.throws(
      () => openStore({ path: file, keyFile }),
      (error) => error instanceof StoreError && pattern.test(error.message),
    );
  };
  writeFileSync(`${path}.text`, 'this is text and not a database, long enough to be read as a header');
  refused(`${path}.text`, /cannot be used as a database/);
  refused(join(path, 'in-a-file'), /ENOTDIR/);
  refused(join(dirname(path), 'none', 'database'), /does not exist; make it/);
  const later = new Database(path);
  later.pragma('user_version = 99');
  later.close();
  refused(path, /later version/);
  const back = new Database(path);
  back.pragma(`user_version = ${MIGRATIONS.length}`);
  back.close();
  temporary.reopen();
});
