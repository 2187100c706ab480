/** kill -9 at any moment and a server that answers now and then: every call has its Start and its Stop, and once. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { RadiusValues } from '../../../../firmware/wire/radius-attributes.js';
import { AccountingServer } from './accounting-server.js';
import { statusOf } from './books.js';

const LOOP = fileURLToPath(new URL('call-loop.js', import.meta.url));
const KILLS = 12;
const LAST_TIMEOUT_MS = 60_000;

interface Said {
  up: string[];
  ended: string[];
}

function startLoop(
  files: { path: string; keyFile: string },
  port: number,
  seed: number,
  ...more: string[]
): ChildProcess {
  const args = [LOOP, files.path, files.keyFile, String(port), String(seed), ...more];
  return spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
}

/** Kills the loop after it has said so many lines; gives all that it said. */
async function killAfter(lines: number, child: ChildProcess): Promise<Said[]> {
  const said: Said[] = [];
  const reader = createInterface({ input: child.stdout! });
  reader.on('line', (line) => {
    said.push(JSON.parse(line) as Said);
    if (said.length === lines) child.kill('SIGKILL');
  });
  const [[, signal]] = await Promise.all([once(child, 'exit'), once(reader, 'close')]);
  assert.equal(signal, 'SIGKILL');
  return said;
}

/** What a transmission says that its repetitions say too. */
function content({ acctDelayTime_s: _, ...values }: RadiusValues): string {
  return JSON.stringify(values);
}

test('kill -9 loses no accounting record, and tells none twice but as a repetition of itself', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'accounting-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const files = { path: join(folder, 'database'), keyFile: join(folder, 'key') };
  const server = await AccountingServer.open(t);
  let requests = 0;
  server.answers = () => requests++ % 3 > 0;
  const up: string[] = [];
  const ended = new Set<string>();
  for (let seed = 1; seed <= KILLS; seed++) {
    for (const said of await killAfter(1 + Math.floor(Math.random() * 60), startLoop(files, server.port, seed))) {
      up.push(...said.up);
      for (const id of said.ended) ended.add(id);
    }
  }
  server.answers = () => true;
  const child = startLoop(files, server.port, 0, 'last');
  child.stdout!.resume();
  const timer = setTimeout(() => child.kill('SIGKILL'), LAST_TIMEOUT_MS);
  const [code] = await once(child, 'exit');
  clearTimeout(timer);
  assert.equal(code, 0, 'nothing waits any more');

  const records = new Map<string, { status: string; values: RadiusValues; content: string }[]>();
  for (const values of server.heard) {
    const known = records.get(values.acctSessionId ?? '') ?? [];
    const status = statusOf(values);
    const same = known.find((record) => record.status === status);
    if (same !== undefined) assert.equal(content(values), same.content, 'one Acct-Session-Id and type, two contents');
    else records.set(values.acctSessionId ?? '', [...known, { status, values, content: content(values) }]);
  }
  assert.ok(up.length > 100 && ended.size > 50, `${up.length} calls are a test`);
  for (const id of up) {
    const told = records.get(id) ?? [];
    const statuses = told.map(({ status }) => status);
    assert.deepEqual(statuses, ['start', 'tunnelLinkStart', 'stop', 'tunnelLinkStop'], id);
    const [start, , stop] = told;
    assert.equal(start?.values.userName, `user of ${id}`, 'no two calls have one Acct-Session-Id');
    const { acctTerminateCause: cause, acctInputOctets: octets, acctInputGigawords: gigawords } = stop!.values;
    const callId = Number.parseInt(id.slice(8), 16);
    // Of the last turn before a kill nobody was told; it holds, or it does not.
    if (ended.has(id)) assert.deepEqual([cause, octets, gigawords], [1, callId, callId]);
    else assert.ok(cause === 11 || cause === 1, `${id} ended by ${cause}`);
  }
  const boxes = [...records.entries()].filter(([id]) => id.endsWith('00000000'));
  assert.equal(boxes.length, KILLS + 1, 'an Accounting-On for every start');
});
