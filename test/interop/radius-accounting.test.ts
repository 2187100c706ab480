/**
 * Accounting at FreeRADIUS, in the words of its detail file: an outage of the server and a kill -9 of the box in it lose
 * nothing and double nothing.
 */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Lab } from '../lab/namespaces.js';
import type { Daemon } from '../lab/process.js';
import { labIsMissing } from '../lab/requirements.js';
import { startFreeRadius } from './freeradius.js';
import { type DetailRecord, readDetail } from './radius-detail.js';

const LOOP = fileURLToPath(new URL('../unit/control/accounting/call-loop.js', import.meta.url));
const ADDRESS = '127.0.0.1';
const LAST_TIMEOUT_MS = 90_000;
/** Lines that the loop says, one for each turn: 10 ms. */
const TURNS_BEFORE = 40;
const TURNS_IN_OUTAGE = 100;
/** And then until the server is started again. */
const OUTAGE_MS = 60_000;

/** What a transmission says that its repetitions say too. */
function content(record: DetailRecord): string {
  const { 'Acct-Delay-Time': _delay, Timestamp: _timestamp, ...rest } = record;
  return JSON.stringify(rest);
}

async function turns(loop: Daemon, count: number): Promise<void> {
  const said = new Promise<void>((resolve) => {
    let left = count;
    loop.onLine(() => {
      left -= 1;
      if (left === 0) resolve();
    });
  });
  await Promise.race([said, loop.exited.then(() => Promise.reject(new Error(`the calls have ended: ${loop.tail()}`)))]);
}

test('FreeRADIUS: stopped and started again, and the box killed meanwhile, it has every Start and Stop once', {
  skip: labIsMissing(),
  timeout: 240_000,
}, async () => {
  const lab = await Lab.open();
  try {
    const namespace = await lab.namespace('radius');
    const radius = { namespace, address: ADDRESS, clients: '127.0.0.0/8', secret: 'shared', users: [] };
    const files = [join(lab.folder, 'database'), join(lab.folder, 'key')];
    const start = (seed: number, ...more: string[]) =>
      namespace.start('calls', [process.execPath, LOOP, ...files, '1813', String(seed), ...more]);
    const up: string[] = [];
    const listen = (loop: Daemon) =>
      loop.onLine((line) => up.push(...((JSON.parse(line) as { up?: string[] }).up ?? [])));

    const before = await startFreeRadius(lab, radius);
    const first = start(1);
    listen(first);
    await turns(first, TURNS_BEFORE);
    await before.stop();
    await turns(first, TURNS_IN_OUTAGE);
    await first.stop('SIGKILL');
    const second = start(2);
    listen(second);
    await turns(second, TURNS_IN_OUTAGE);
    await second.stop('SIGKILL');
    const last = start(3, 'last');
    await new Promise((resolve) => setTimeout(resolve, OUTAGE_MS));
    assert.equal(last.hasExited, false, 'it waits for the server');
    await startFreeRadius(lab, radius);
    const timer = setTimeout(() => last.signal('SIGKILL'), LAST_TIMEOUT_MS);
    assert.equal(await last.exited, 0, last.tail());
    clearTimeout(timer);

    const records = new Map<string, DetailRecord[]>();
    for (const record of readDetail(lab)) {
      const id = record['Acct-Session-Id'] ?? '';
      const known = records.get(id) ?? [];
      const same = known.find((other) => other['Acct-Status-Type'] === record['Acct-Status-Type']);
      if (same === undefined) records.set(id, [...known, record]);
      else assert.equal(content(record), content(same), 'one Acct-Session-Id and type, two contents');
    }
    assert.ok(up.length > 200, `${up.length} calls are a test`);
    for (const id of up) {
      const told = records.get(`"${id}"`) ?? [];
      const statuses = told.map((record) => record['Acct-Status-Type']);
      assert.deepEqual(statuses, ['Start', 'Tunnel-Link-Start', 'Stop', 'Tunnel-Link-Stop'], id);
      const stop = told[2]!;
      assert.equal(stop['User-Name'], `"user of ${id}"`);
      assert.equal(stop['Tunnel-Type:0'], 'L2TP');
      assert.equal(stop['Tunnel-Server-Endpoint:0'], '"192.0.2.2"');
      assert.match(stop['Acct-Terminate-Cause'] ?? '', /^(User-Request|NAS-Reboot)$/);
      if (stop['Acct-Terminate-Cause'] !== 'User-Request') continue;
      const callId = String(Number.parseInt(id.slice(8), 16));
      assert.deepEqual([stop['Acct-Input-Gigawords'], stop['Acct-Input-Octets']], [callId, callId]);
    }
    const delays = [...records.values()].flat().map((record) => Number(record['Acct-Delay-Time']));
    assert.ok(Math.max(...delays) >= OUTAGE_MS / 1000, 'Acct-Delay-Time says how late it is');
  } finally {
    await lab.close();
  }
});
