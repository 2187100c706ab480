/** The root helper: given a request on its socket, what is done and what is answered. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { RootHelper } from '../../../firmware/linux/root-helper.js';
import { until } from '../../lab/until.js';
import { startRootHelper } from './root-helper-program.js';

const isRoot = process.getuid?.() === 0;
/** Who is neither root nor the firmware. */
const STRANGER = 65_534;

const ask = (socketPath: string, verb: string, onProgress?: (percent: number, text: string) => void) =>
  new RootHelper(socketPath).ask(verb, onProgress);

/** What comes for these octets until the helper closes the connection. */
function answerTo(socketPath: string, octets: string | Uint8Array, isEnded = true): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(socketPath);
    let text = '';
    socket.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
    });
    socket.once('close', () => resolve(text));
    // Who is not read to the end is told so after the answer, if there was one.
    socket.once('error', (error) => (text === '' ? reject(error) : resolve(text)));
    if (isEnded) socket.end(octets);
    else socket.write(octets);
  });
}

/** A verb that waits until the test lets it go on. */
function heldVerb(name: string) {
  return {
    verb: `: >"$(dirname "$0")/../${name}.began"\nwhile [ ! -e "$(dirname "$0")/../${name}.go" ]; do sleep 0.05; done\necho 'ok done'`,
    hasBegun: (folder: string) => until(`${name} has begun`, 20_000, () => existsSync(join(folder, `${name}.began`))),
    letGo: (folder: string) => spawn('touch', [join(folder, `${name}.go`)]),
  };
}

const start = (t: TestContext, programs: Readonly<Record<string, string>>, user?: number) =>
  startRootHelper(t, programs, user);

test('a verb is done by its program; its progress and its last word are passed on', async (t) => {
  const { socketPath } = await start(t, {
    install:
      "echo 'progress 20 Checking'\necho 'nothing that counts'\necho 'progress 90 Copying'\necho 'ok 0.2.0'\necho ok",
  });
  const heard: [number, string][] = [];
  const answer = await ask(socketPath, 'install', (percent, text) => heard.push([percent, text]));
  assert.deepEqual(answer, { ok: true, text: '0.2.0' });
  assert.deepEqual(heard, [
    [20, 'Checking'],
    [90, 'Copying'],
  ]);
});

test('why a verb failed is told, and so is a program that ends without a word, or is not there', async (t) => {
  const { socketPath } = await start(t, { 'mark-good': "echo 'error the disk is gone'", slots: 'exit 3' });
  assert.deepEqual(await ask(socketPath, 'mark-good'), { ok: false, reason: 'the disk is gone' });
  assert.deepEqual(await ask(socketPath, 'slots'), { ok: false, reason: 'slots ended without an answer, status 3' });
  const { ok, ...rest } = await ask(socketPath, 'reboot');
  assert.equal(ok, false);
  assert.match(JSON.stringify(rest), /No such file/);
});

test('the argument of a verb is one of its own, and reaches its program', async (t) => {
  const { socketPath } = await start(t, { led: 'echo "ok $1 of $#"' });
  assert.deepEqual(await ask(socketPath, 'led fault'), { ok: true, text: 'fault of 1' });
  for (const line of ['led', 'led purple', 'led ok ', 'led ok fault', 'led  ok', 'LED ok']) {
    assert.deepEqual(await ask(socketPath, line), { ok: false, reason: 'there is no such verb' }, line);
  }
});

test('what is no verb is refused, whatever it is', async (t) => {
  const { socketPath, folder } = await start(t, { install: `: >"$(dirname "$0")/../ran"\necho ok` });
  for (const line of ['', 'sh', '../install', 'install;reboot', 'install /tmp/x', 'install\0', '-c', '%s%s%n']) {
    assert.match(await answerTo(socketPath, `${line}\n`), /^error there is no such verb\n$/, JSON.stringify(line));
  }
  assert.match(await answerTo(socketPath, 'x'.repeat(10_000)), /^error the line is too long\n$/);
  assert.match(await answerTo(socketPath, 'alive\ninstall\n'), /^error one line a connection\n$/);
  assert.equal(await answerTo(socketPath, 'install'), '', 'a line without its end is none');
  assert.equal(existsSync(join(folder, 'ran')), false);
});

test('two things that exclude each other are not done at once; what only looks is', async (t) => {
  const held = heldVerb('install');
  const { socketPath, folder } = await start(t, { install: held.verb, reboot: 'echo ok', slots: 'echo ok {}' });
  const installed = ask(socketPath, 'install');
  await held.hasBegun(folder);
  const busy = { ok: false, reason: 'something else is being done; try again when it has ended' };
  assert.deepEqual(await ask(socketPath, 'reboot'), busy);
  assert.deepEqual(await ask(socketPath, 'install'), busy);
  assert.deepEqual(await ask(socketPath, 'slots'), { ok: true, text: '{}' });
  assert.deepEqual(await ask(socketPath, 'alive'), { ok: true, text: '' });
  held.letGo(folder);
  assert.deepEqual(await installed, { ok: true, text: 'done' });
  await until('it may be asked again', 20_000, async () => (await ask(socketPath, 'reboot')).ok);
});

test('a client that goes away does not stop what it asked for', async (t) => {
  const held = heldVerb('install');
  const { socketPath, folder } = await start(t, { install: `${held.verb}\n: >"$(dirname "$0")/../finished"` });
  const socket = connect(socketPath, () => socket.write('install\n'));
  await held.hasBegun(folder);
  socket.destroy();
  held.letGo(folder);
  await until('it is finished', 20_000, () => existsSync(join(folder, 'finished')));
  assert.deepEqual(await ask(socketPath, 'alive'), { ok: true, text: '' });
});

test('who asks nothing is not waited for, and many of them keep nobody out for long', {
  timeout: 30_000,
}, async (t) => {
  const { socketPath } = await start(t, {});
  const silent = Array.from({ length: 40 }, () => answerTo(socketPath, 'ali', false));
  await Promise.allSettled(silent);
  assert.deepEqual(await ask(socketPath, 'alive'), { ok: true, text: '' });
});

test('the watchdog is fed from the start', async (t) => {
  const { folder } = await start(t, {});
  await until('it is fed twice', 20_000, () => readFileSync(join(folder, 'watchdog'), 'utf8').length >= 2);
});

test('the socket is for root and the group of the firmware', { skip: !isRoot && 'needs root' }, async (t) => {
  const { socketPath } = await start(t, {}, 900);
  const { mode, uid, gid } = statSync(socketPath);
  assert.deepEqual([mode & 0o777, uid, gid], [0o660, 0, 900]);
});

test('a user who is neither root nor the firmware is told so', { skip: !isRoot && 'needs root' }, async (t) => {
  const { socketPath, folder } = await start(t, { reboot: `: >"$(dirname "$0")/../ran"\necho ok` }, 900);
  // Who is refused is told so without a word of its own.
  const asker = (line: string) =>
    `const s=require('net').connect(${JSON.stringify(socketPath)});s.on('error',(e)=>console.log(e.code));` +
    `s.pipe(process.stdout);${line && `s.write(${JSON.stringify(line)})`}`;
  const said = (options: { uid: number; gid: number }, line: string): Promise<string> =>
    new Promise((resolve) => {
      const child = spawn(process.execPath, ['-e', asker(line)], { ...options, stdio: ['ignore', 'pipe', 'ignore'] });
      let text = '';
      child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
      });
      child.once('close', () => resolve(text));
    });
  assert.equal(await said({ uid: STRANGER, gid: STRANGER }, ''), 'EACCES\n');
  assert.equal(await said({ uid: STRANGER, gid: 900 }, ''), 'error this is for the firmware and for root\n');
  assert.equal(existsSync(join(folder, 'ran')), false);
  assert.equal(await said({ uid: 900, gid: 900 }, 'reboot\n'), 'ok\n');
});
