/** A box that nobody stands beside goes on, whatever became of its database, and nothing of before is lost. */
import assert from 'node:assert/strict';
import { copyFileSync, existsSync, readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import Database from 'better-sqlite3';
import { rescueProblems } from '../../../firmware/control/operating-problems.js';
import { rescueDatabase } from '../../../firmware/store/rescue.js';
import { MIGRATIONS } from '../../../firmware/store/schema.js';
import { openStore } from '../../../firmware/store/store.js';
import { temporaryStore } from './temporary-store.js';

const NOW_MS = Date.UTC(2026, 10, 23);
const VERSION = MIGRATIONS.length;

/** A store with a user in it, closed; and how it is opened where nobody is. */
function closedStore(t: TestContext) {
  const temporary = temporaryStore(t);
  const { path, keyFile, store } = temporary;
  for (let user = 0; user < 200; user++)
    store.documents.writeUser(`user-${user}`, { password: 'p'.repeat(40) }, 'test');
  store.close();
  const open = (now_ms = NOW_MS) => {
    temporary.store = openStore({ path, keyFile, clock: () => now_ms, isUnattended: true });
    return temporary.store;
  };
  return { path, open, version: () => new Database(path, { readonly: true }).pragma('user_version', { simple: true }) };
}

const filesBeside = (path: string) =>
  readdirSync(dirname(path)).filter((file) => file.startsWith(`${basename(path)}.`));

for (const [how, damage] of [
  [
    'a file that is no database',
    (path: string) => writeFileSync(path, 'this is text and long enough to be read as a header'),
  ],
  [
    'a database that is cut in half',
    (path: string) => truncateSync(path, Math.floor(statSync(path).size / 8192) * 4096),
  ],
  [
    'a database whose pages are overwritten',
    (path: string) => {
      const octets = readFileSync(path);
      octets.fill(0xa5, 3 * 4096, 12 * 4096);
      writeFileSync(path, octets);
    },
  ],
] as const) {
  test(`${how} is set aside as it is, a fresh one is begun, and the operator is told`, (t) => {
    const { path, open } = closedStore(t);
    damage(path);
    const damaged = readFileSync(path);
    const store = open();
    assert.equal(store.documents.user('user-7'), undefined);
    const [rescue] = store.rescues;
    assert.deepEqual([rescue?.kind, rescue?.at_ms], ['damaged', NOW_MS]);
    assert.deepEqual(readFileSync(join(dirname(path), rescue!.file)), damaged);
    const [problem] = rescueProblems(store.rescues, NOW_MS + 1_000);
    assert.match(problem?.what ?? '', /was damaged, and has been set aside: the box began anew with factory settings/);
    assert.deepEqual(rescueProblems(store.rescues, NOW_MS + 8 * 86_400_000), [], 'a week later it is no news');
  });
}

test('what was set aside outlasts restarts, and of many only the newest two are kept', (t) => {
  const { path, open } = closedStore(t);
  for (const day of [1, 2, 3]) {
    writeFileSync(path, `no database ${day}, and long enough to be read as a header`);
    open(NOW_MS + day * 86_400_000).close();
  }
  const { rescues } = open(NOW_MS + 4 * 86_400_000);
  assert.deepEqual(
    rescues.map(({ at_ms }) => (at_ms - NOW_MS) / 86_400_000),
    [3, 2],
  );
});

test('a sound database is left alone', (t) => {
  const { open, path } = closedStore(t);
  const store = open();
  assert.equal(store.documents.user('user-7')?.password, 'p'.repeat(40));
  assert.deepEqual(store.rescues, []);
  assert.deepEqual(
    filesBeside(path).filter((file) => !/-(wal|shm)$|\.lock/.test(file)),
    [],
  );
});

/** As the version before this one left it, as far as its number says. */
function asOfVersion(path: string, version: number): void {
  const database = new Database(path);
  database.pragma(`user_version = ${version}`);
  database.close();
}

test('an older system takes the copy that was kept when the database was brought up to date, and sets the later one aside', (t) => {
  const { path, version, open } = closedStore(t);
  // What the system of before kept, when this one brought the database up to date.
  const copy = `${path}.v${VERSION - 1}`;
  copyFileSync(path, copy);
  asOfVersion(copy, VERSION - 1);
  const later = readFileSync(path);
  rescueDatabase(path, VERSION - 1, NOW_MS);
  assert.equal(version(), VERSION - 1);
  assert.equal(existsSync(copy), false);
  const [aside] = filesBeside(path).filter((file) => file.endsWith(`.later-copy-${NOW_MS}`));
  assert.deepEqual(readFileSync(join(dirname(path), aside!)), later);
  asOfVersion(path, VERSION);
  assert.equal(open().rescues[0]?.kind, 'later-copy');
});

test('a database of a later version without a copy is set aside, and a fresh one is begun', (t) => {
  const { path, open, version } = closedStore(t);
  asOfVersion(path, VERSION + 1);
  const store = open();
  assert.deepEqual([store.rescues[0]?.kind, version()], ['later', VERSION]);
  assert.match(rescueProblems(store.rescues, NOW_MS)[0]?.what ?? '', /written by a later version/);
});

test('before it is brought up to date a copy is kept, which is a whole database of the version of before', (t) => {
  const temporary = temporaryStore(t);
  const { path, keyFile } = temporary;
  temporary.store.close();
  const before = join(dirname(path), 'before.sqlite');
  const database = new Database(before);
  for (const migration of MIGRATIONS.slice(0, VERSION - 1)) database.exec(migration);
  database.pragma(`user_version = ${VERSION - 1}`);
  database.close();
  temporary.store = openStore({ path: before, keyFile, clock: () => NOW_MS, isUnattended: true });
  const copy = new Database(`${before}.v${VERSION - 1}`, { readonly: true });
  t.after(() => copy.close());
  assert.deepEqual(
    [copy.pragma('user_version', { simple: true }), copy.pragma('quick_check', { simple: true })],
    [VERSION - 1, 'ok'],
  );
  assert.equal(new Database(before, { readonly: true }).pragma('user_version', { simple: true }), VERSION);
});
