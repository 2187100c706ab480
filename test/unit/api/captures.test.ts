/** Captures by the API: what is asked for, what is refused and why, and who may read what. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ask, freePort, openBox, signedInScript } from './box.js';

const URL = '/api/v1/captures';

test('a capture gets its defaults, runs, stops, and is deleted', async (t) => {
  const box = await openBox(t);
  const headers = signedInScript(box);
  const begun = await box.app.inject({ method: 'POST', url: URL, headers, payload: { filter: { user: 'alice' } } });
  assert.equal(begun.statusCode, 201);
  assert.equal(begun.headers.location, `${URL}/1`);
  const { startedAt, ...rest } = begun.json();
  assert.ok(Date.now() - Date.parse(startedAt) < 60_000);
  const capture = {
    ...{ id: 1, filter: { user: 'alice' }, state: 'running', sessions: 0, packets: 0, octets: 0, overwritten: 0 },
    ...{ size_bytes: 4_194_304, snap_bytes: 65_535, withoutSecrets: true, withoutPayload: false },
  };
  assert.deepEqual(rest, capture);
  const list = await box.app.inject({ url: URL, headers });
  assert.deepEqual(list.json(), [{ startedAt, ...capture }]);
  const stopped = await box.app.inject({ method: 'POST', url: `${URL}/1/stop`, headers });
  assert.deepEqual(stopped.json(), { startedAt, ...capture, state: 'stopped' });
  assert.equal((await box.app.inject({ method: 'DELETE', url: `${URL}/1`, headers })).statusCode, 204);
  for (const [method, path] of [
    ['GET', ''],
    ['GET', '/file'],
    ['POST', '/stop'],
    ['DELETE', ''],
  ] as const) {
    const gone = await box.app.inject({ method, url: `${URL}/1${path}`, headers });
    assert.equal(gone.statusCode, 404, `${method} ${path}`);
  }
  assert.deepEqual(box.view.done, ['capture-open', 'capture-close']);
});

test('who begins, stops, reads and deletes a capture is in the audit', async (t) => {
  const box = await openBox(t);
  const headers = signedInScript(box);
  await box.app.inject({ method: 'POST', url: URL, headers, payload: { filter: { user: 'alice' } } });
  await box.app.inject({ method: 'POST', url: `${URL}/1/stop`, headers });
  await box.app.inject({ url: `${URL}/1/file`, headers });
  await box.app.inject({ method: 'DELETE', url: `${URL}/1`, headers });
  const entries = box.store.audit.newest(4).reverse();
  assert.deepEqual(
    entries.map(({ action, resource }) => `${action} ${resource}`),
    ['put captures/1', 'put captures/1/stop', 'put captures/1/file', 'delete captures/1'],
  );
});

test('a size that is no power of two is rounded up to one', async (t) => {
  const box = await openBox(t);
  const headers = signedInScript(box);
  const payload = { filter: { tunnelId: 815 }, size_bytes: 100_000 };
  const begun = await box.app.inject({ method: 'POST', url: URL, headers, payload });
  assert.equal(begun.json().size_bytes, 131_072);
});

test('what makes no sense is refused with field and reason, and nothing is begun', async (t) => {
  const box = await openBox(t);
  const headers = signedInScript(box);
  const filter = { user: 'alice' };
  for (const [payload, field, reason] of [
    [{}, '/filter', 'is missing; add it'],
    [{ filter: {} }, '/filter', 'names nobody; give one of sessionId, tunnelId, user'],
    [
      { filter: { user: 'a', tunnelId: 1 } },
      '/filter',
      'names tunnelId and user; give one of sessionId, tunnelId, user',
    ],
    [{ filter: { user: '' } }, '/filter/user', 'must not be empty'],
    [{ filter: { sessionId: 0 } }, '/filter/sessionId', 'must be at least 1'],
    [{ filter: { tunnelId: 65_536 } }, '/filter/tunnelId', 'must be at most 65535'],
    [{ filter: { name: 'alice' } }, '/filter/name', 'is not known; remove it'],
    [{ filter, size_bytes: 65_535 }, '/size_bytes', 'must be at least 65536'],
    [{ filter, size_bytes: 33_554_433 }, '/size_bytes', 'must be at most 33554432'],
    [{ filter, size_bytes: '1M' }, '/size_bytes', 'must be a whole number'],
    [{ filter, snap_bytes: 95 }, '/snap_bytes', 'must be at least 96'],
    [{ filter, withoutSecrets: 'yes' }, '/withoutSecrets', 'must be true or false'],
  ] as const) {
    const refused = await box.app.inject({ method: 'POST', url: URL, headers, payload });
    assert.equal(refused.statusCode, 422, JSON.stringify(payload));
    assert.deepEqual(refused.json().problems, [{ field, reason }]);
  }
  assert.deepEqual(box.view.done, []);
});

test('there are four captures at most, whether they run or not', async (t) => {
  const box = await openBox(t);
  const headers = signedInScript(box);
  const payload = { filter: { user: 'alice' }, size_bytes: 65_536 };
  for (let i = 0; i < 4; i++) await box.app.inject({ method: 'POST', url: URL, headers, payload });
  await box.app.inject({ method: 'POST', url: `${URL}/1/stop`, headers });
  const refused = await box.app.inject({ method: 'POST', url: URL, headers, payload });
  assert.equal(refused.statusCode, 409);
  assert.equal(refused.json().detail, 'there are 4 captures; delete one of them first');
  await box.app.inject({ method: 'DELETE', url: `${URL}/1`, headers });
  assert.equal((await box.app.inject({ method: 'POST', url: URL, headers, payload })).statusCode, 201);
});

test('a viewer reads a capture without secrets, and begins none; one with secrets is for administrators', async (t) => {
  const box = await openBox(t);
  const admin = signedInScript(box);
  const viewer = { authorization: `Bearer ${box.store.accounts.addToken('watcher', 'viewer', 'test')}` };
  const payload = { filter: { user: 'alice' }, size_bytes: 65_536 };
  await box.app.inject({ method: 'POST', url: URL, headers: admin, payload });
  await box.app.inject({ method: 'POST', url: URL, headers: admin, payload: { ...payload, withoutSecrets: false } });
  const port = await freePort();
  await box.listeners.useTcpPort(port);
  const asViewer = (path: string, method = 'GET') => ask({ port, method, path: URL + path, headers: viewer });
  const file = await asViewer('/1/file');
  assert.equal(file.status, 200);
  assert.equal(file.headers['content-type'], 'application/x-pcapng');
  assert.ok(file.text.startsWith('\n\r\r\n'));
  assert.equal((await asViewer('/2/file')).status, 403);
  const { status } = await ask({ port, path: `${URL}/2/file`, headers: admin });
  assert.equal(status, 200);
  assert.equal((await asViewer('/1', 'DELETE')).status, 403);
});
