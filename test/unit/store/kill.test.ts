/** kill -9 at any moment: what was committed holds, what was not does not, and every address is free after a start. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import Database from 'better-sqlite3';
import { ipv4FromNumber } from '../../../firmware/settings.js';
import { openStore, type Store } from '../../../firmware/store/store.js';

const LOOP = fileURLToPath(new URL('lease-loop.js', import.meta.url));
const DEFAULT_POOL_SIZE = 241;
const KILLS = 20;
const KILLS_AT_START = 12;

interface Said {
  what: 'will' | 'did';
  living: [number, string][];
  users: number;
}

function startLoop(files: { path: string; keyFile: string }, seed: number): ChildProcess {
  return spawn(process.execPath, [LOOP, files.path, files.keyFile, String(seed)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
}

/** Kills the loop after it has said so many lines; gives what it last confirmed, and what it was about to commit. */
async function killAfter(lines: number, child: ChildProcess): Promise<{ did: Said; will: Said | undefined }> {
  const said: Said[] = [];
  let left = lines;
  const reader = createInterface({ input: child.stdout! });
  reader.on('line', (line) => {
    said.push(JSON.parse(line) as Said);
    left -= 1;
    if (left === 0) child.kill('SIGKILL');
  });
  const [[, signal]] = await Promise.all([once(child, 'exit'), once(reader, 'close')]);
  assert.equal(signal, 'SIGKILL');
  const did = said.findLast(({ what }) => what === 'did');
  const last = said.at(-1);
  assert.ok(did && last);
  return { did, will: last.what === 'will' ? last : undefined };
}

/** What is in the file before anything repairs it. */
function read(path: string): Pick<Said, 'living' | 'users'> {
  const database = new Database(path);
  const rows = database.prepare<[], { call: number; address: number }>(
    'SELECT call, address FROM address WHERE call IS NOT NULL ORDER BY call',
  );
  const living = rows.all().map(({ call, address }): [number, string] => [call, ipv4FromNumber(address)]);
  const started = database
    .prepare<[], number>('SELECT call FROM call WHERE ended_at IS NULL ORDER BY call')
    .pluck()
    .all();
  assert.deepEqual(
    started,
    living.map(([call]) => call),
    'each lease has its call in the history, and each call its lease',
  );
  const users = database.prepare<[], number>(`SELECT count(*) FROM audit WHERE who = 'loop'`).pluck().get() ?? 0;
  assert.equal(database.pragma('integrity_check', { simple: true }), 'ok');
  database.close();
  return { living, users };
}

/** Leases the whole pool: as many addresses as it has, each one once. */
function assertAllFree(store: Store): void {
  assert.deepEqual(store.leases.list(), []);
  const addresses = new Set<string>();
  store.inTurn(() => {
    for (let callId = 1; callId <= DEFAULT_POOL_SIZE; callId++) {
      const result = store.leases.lease({ callId, user: `check ${callId}`, pool: 'default', sticky: true });
      assert.ok(result.leased);
      addresses.add(result.address);
    }
    const more = store.leases.lease({ callId: 0, user: 'one more', pool: 'default', sticky: true });
    assert.deepEqual(more, { leased: false, why: 'pool-exhausted' });
    for (let callId = 1; callId <= DEFAULT_POOL_SIZE; callId++) store.leases.release(callId);
  });
  assert.equal(addresses.size, DEFAULT_POOL_SIZE);
}

test('kill -9 in a loop of leases and releases loses no commit, leaks no address and leases none twice', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'kill-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const files = { path: join(folder, 'database'), keyFile: join(folder, 'key') };
  let usersBefore = 0;
  for (let seed = 1; seed <= KILLS; seed++) {
    const { did, will } = await killAfter(1 + Math.floor(Math.random() * 120), startLoop(files, seed));
    const found = read(files.path);
    const isEnd = (said: Said | undefined) => {
      if (!said || found.users !== usersBefore + said.users) return false;
      const living = [...said.living].sort((a, b) => a[0] - b[0]);
      return JSON.stringify(living) === JSON.stringify(found.living);
    };
    assert.ok(isEnd(did) || isEnd(will), `seed ${seed}: the file is neither at the last commit nor at the next`);
    usersBefore = found.users;
    const store = openStore(files);
    assertAllFree(store);
    assert.equal(
      store.calls.newest(1000).every(({ endedAt }) => endedAt !== ''),
      true,
    );
    for (const user of store.documents.users(100)) assert.match(user.password ?? '', /^secret \d+ of \d+$/);
    store.close();
  }
});

test('kill -9 during the very first start leaves files that the next start takes', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'kill-'));
  t.after(() => rmSync(folder, { recursive: true }));
  for (let seed = 1; seed <= KILLS_AT_START; seed++) {
    const files = { path: join(folder, `database ${seed}`), keyFile: join(folder, `key ${seed}`) };
    const child = startLoop(files, seed);
    const timer = setTimeout(() => child.kill('SIGKILL'), 60 + Math.random() * 200);
    child.stdout!.resume();
    await once(child, 'exit');
    clearTimeout(timer);
    const store = openStore(files);
    assertAllFree(store);
    store.close();
  }
});
