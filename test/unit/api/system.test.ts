/** The log and the machine, as the API tells of them. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { ask, type Box, freePort, open, openBox, signedInScript } from './box.js';

async function openSocket(t: TestContext): Promise<{ box: Box; socketPath: string }> {
  const box = await openBox(t);
  const socketPath = join(box.folder, 'api.sock');
  await box.listeners.openSocket(socketPath);
  return { box, socketPath };
}

const LINE =
  '{"level":40,"time":1767323045678,"pid":1,"hostname":"h","part":"radius","server":"192.0.2.1","msg":"silent"}';
const READ = {
  ...{ sequence: 1, time: '2026-01-02T03:04:05.678Z', level: 'warn', part: 'radius', message: 'silent' },
  fields: { server: '192.0.2.1' },
};

test('the last lines of the log are given, filtered', async (t) => {
  const { box, socketPath } = await openSocket(t);
  box.logs.write(LINE);
  box.logs.write('{"level":30,"time":1767323045679,"part":"control","msg":"call up"}');
  const read = async (query: string) => {
    const { status, text } = await ask({ socketPath, path: `/api/v1/logs?${query}` });
    return status === 200 ? (JSON.parse(text) as { message: string }[]).map(({ message }) => message) : status;
  };
  assert.deepEqual(JSON.parse((await ask({ socketPath, path: '/api/v1/logs?before=2' })).text), [READ]);
  assert.deepEqual(await read(''), ['call up', 'silent']);
  assert.deepEqual(await read('limit=1'), ['call up']);
  assert.deepEqual(await read('level=warn'), ['silent']);
  assert.deepEqual(await read('part=control'), ['call up']);
  assert.deepEqual(await read('contains=192.0.2'), ['silent']);
  for (const wrong of [
    'limit=0',
    'limit=5001',
    'level=loud',
    'part=kitchen',
    'before=x',
    `contains=${'x'.repeat(257)}`,
  ]) {
    assert.equal(await read(wrong), 400, wrong);
  }
});

test('a line of the log comes as an event', async (t) => {
  const { box, socketPath } = await openSocket(t);
  const { request, response } = await open({ socketPath, path: '/api/v1/events?topics=log' });
  box.logs.write(LINE);
  for await (const chunk of response.setEncoding('utf8')) {
    const data = /^event: log\ndata: (.*)$/m.exec(String(chunk))?.[1];
    if (data === undefined) continue;
    assert.deepEqual(JSON.parse(data), READ);
    request.destroy();
    break;
  }
});

test('the system says what it is', async (t) => {
  const { socketPath } = await openSocket(t);
  const system = JSON.parse((await ask({ socketPath, path: '/api/v1/system' })).text);
  assert.equal(system.nodeVersion, process.version);
  assert.ok(system.disk.free_bytes > 0 && system.disk.free_bytes <= system.disk.total_bytes);
  assert.deepEqual([system.loadAverage.length, system.timeIsSet, system.mayRestart], [3, true, false]);
  assert.ok(Math.abs(Date.parse(system.time) - Date.now()) < 10_000);
});

test('the program is restarted where it has a supervisor, after its answer, by an administrator', async (t) => {
  const box = await openBox(t);
  const port = await freePort();
  await box.listeners.useTcpPort(port);
  const [admin, viewer] = [signedInScript(box), signedInScript(box, 'viewer')];
  const restart = { port, method: 'POST', path: '/api/v1/system/restart' };
  const unsupervised = await ask({ ...restart, headers: admin });
  assert.equal(unsupervised.status, 409);
  assert.match(JSON.parse(unsupervised.text).detail, /--supervised/);
  const ended = new Promise<void>((resolve) => {
    box.program.restart = resolve;
  });
  assert.equal((await ask({ ...restart, headers: viewer })).status, 403);
  assert.equal((await ask({ ...restart, headers: admin })).status, 202);
  await ended;
});
