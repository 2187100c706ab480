/** Accounting on disk: boots, records in order and bounded, what is open, and that the disk has them when the turn ends. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import Database from 'better-sqlite3';
import { AccountingQueue } from '../../../firmware/store/accounting-queue.js';
import { openDatabase } from '../../../firmware/store/database.js';
import { Turn } from '../../../firmware/store/turn.js';
import { temporaryStore } from './temporary-store.js';

const record = (subject: string, octet: number, worth: 0 | 1 | 2 = 2) => ({
  subject,
  worth,
  at_ms: 1_700_000_000_000 + octet,
  bootNumber: 1,
  uptime_ms: octet,
  attributes: Uint8Array.of(octet),
});
const USE = { at_ms: 5, duration_s: 0, receivedPackets: 0, receivedOctets: 0, sentPackets: 0, sentOctets: 0 };
const octetsOf = (records: { attributes: Uint8Array }[]) => records.map(({ attributes }) => attributes[0]);

test('each opening of the store has the next boot number', (t) => {
  const temporary = temporaryStore(t);
  const first = temporary.store.bootNumber;
  assert.deepEqual([first, temporary.reopen().bootNumber, temporary.reopen().bootNumber], [1, 2, 3]);
});

test('records wait over a restart, in order, and of each subject the first alone may go', (t) => {
  const temporary = temporaryStore(t);
  temporary.store.inTurn(() => {
    for (const [subject, octet] of [
      ['a', 1],
      ['b', 2],
      ['a', 3],
      ['c', 4],
    ] as const) {
      temporary.store.accounting.queue.append(record(subject, octet));
    }
  });
  const { queue } = temporary.reopen().accounting;
  assert.equal(queue.length, 4);
  const firsts = queue.firsts('untried', 0, 10);
  assert.deepEqual(octetsOf(firsts), [1, 2, 4]);
  const { id, ...rest } = firsts[0]!;
  assert.ok(id > 0);
  assert.deepEqual({ ...rest, attributes: new Uint8Array(rest.attributes) }, record('a', 1));
  assert.deepEqual(octetsOf(queue.firsts('untried', id, 1)), [2]);
  queue.remove([id]);
  assert.equal(queue.length, 3);
  assert.equal(queue.firstOf('a')?.attributes[0], 3);
  assert.equal(queue.firstOf('nobody'), undefined);
});

test('what was tried in vain waits apart from what was not', (t) => {
  const { queue } = temporaryStore(t).store.accounting;
  for (const [subject, octet] of [
    ['a', 1],
    ['b', 2],
  ] as const)
    queue.append(record(subject, octet));
  queue.noteTry(queue.firstOf('a')!.id);
  assert.deepEqual(octetsOf(queue.firsts('untried', 0, 10)), [2]);
  assert.deepEqual(octetsOf(queue.firsts('tried', 0, 10)), [1]);
});

test('a turn that fails leaves no record', (t) => {
  const { store } = temporaryStore(t);
  const { queue } = store.accounting;
  queue.append(record('a', 1));
  assert.throws(() =>
    store.inTurn(() => {
      queue.append(record('a', 2));
      queue.remove([queue.firstOf('a')!.id]);
      throw new Error('halfway');
    }),
  );
  assert.deepEqual(octetsOf(queue.firsts('untried', 0, 10)), [1]);
});

test('when there are too many, those of the least worth go, of these the oldest, and are counted', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'queue-'));
  const { relaxed, close } = openDatabase(join(folder, 'database'));
  t.after(() => {
    close();
    rmSync(folder, { recursive: true });
  });
  const queue = new AccountingQueue(relaxed, new Turn(relaxed, () => undefined), 4);
  for (const [octet, worth] of [
    [1, 2],
    [2, 1],
    [3, 0],
    [4, 0],
  ] as const)
    queue.append(record(`${octet}`, octet, worth));
  queue.append(record('5', 5, 0));
  assert.deepEqual(octetsOf(queue.firsts('untried', 0, 10)), [1, 2, 4, 5], 'the oldest Interim went first');
  for (let octet = 6; octet <= 9; octet++) queue.append(record(`${octet}`, octet, 2));
  assert.deepEqual(octetsOf(queue.firsts('untried', 0, 10)), [6, 7, 8, 9]);
  assert.deepEqual([queue.length, queue.givenUp], [4, 5]);
});

test('what is open is told with what it counted last', (t) => {
  const temporary = temporaryStore(t);
  const { sessions } = temporary.store.accounting;
  const [a, b] = ['a', 'b'].map((subject) => sessions.open({ subject, attributes: Uint8Array.of(1), ...USE }));
  const counted = {
    at_ms: 65,
    duration_s: 60,
    receivedPackets: 1,
    receivedOctets: 2 ** 40,
    sentPackets: 3,
    sentOctets: 4,
  };
  sessions.count(a!, counted);
  sessions.change(a!, Uint8Array.of(7));
  sessions.close(b!);
  const after = temporary.reopen().accounting.sessions;
  const open = after.all().map((session) => ({ ...session, attributes: [...session.attributes] }));
  assert.deepEqual(open, [{ subject: 'a', attributes: [7], ...counted }]);
  after.closeAll();
  assert.deepEqual(after.all(), []);
});

test('a turn with accounting, and no other, waits once for the disk', (t) => {
  const { store, path } = temporaryStore(t);
  const reader = new Database(path, { readonly: true });
  t.after(() => reader.close());
  const syncs = () => reader.prepare<[], number>('SELECT syncs FROM boot').pluck().get() ?? 0;
  const before = syncs();
  const call = { callId: 1, role: 'lns', user: '', address: '', peerAddress: '', callingNumber: '' } as const;
  store.inTurn(() => store.calls.started({ ...call, sessionId: 1, tunnelId: 1 }));
  assert.equal(syncs(), before);
  store.inTurn(() => {
    for (let octet = 1; octet <= 3; octet++) store.accounting.queue.append(record('a', octet));
  });
  assert.equal(syncs(), before + 1);
});
