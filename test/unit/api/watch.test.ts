/** What the page shows all the time: overview, the list of all sessions, and the events that keep both up to date. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { ask, type Box, freePort, open, openBox, SESSION, signedInScript } from './box.js';

async function openOnTcp(t: TestContext): Promise<{ box: Box; port: number; headers: Record<string, string> }> {
  const box = await openBox(t);
  const headers = signedInScript(box, 'viewer');
  const port = await freePort();
  await box.listeners.useTcpPort(port);
  return { box, port, headers };
}

test('the overview says how the box is, and what the drops mean', async (t) => {
  const { port, headers } = await openOnTcp(t);
  const { status, text } = await ask({ port, path: '/api/v1/overview', headers });
  const overview = JSON.parse(text) as { callsUp: number; drops: unknown[] };
  assert.deepEqual([status, overview.callsUp], [200, 1]);
  assert.deepEqual(overview.drops, [
    { reason: 'unknown-session', count: 7, perMinute: 1, text: 'data for a session that is not there' },
  ]);
  const history = await ask({ port, path: '/api/v1/overview/history', headers });
  assert.deepEqual(JSON.parse(history.text).times, []);
});

for (const count of [0, 1, 499, 500, 501, 1_000, 10_000]) {
  test(`the list of ${count} sessions has them all, in rows`, async (t) => {
    const { box, port, headers } = await openOnTcp(t);
    box.view.calls = Array.from({ length: count }, (_, at) => ({ ...SESSION, callId: at + 1, user: `user "${at}"` }));
    const { status, text } = await ask({ port, path: '/api/v1/session-list', headers });
    const { columns, rows } = JSON.parse(text) as { columns: string[]; rows: unknown[][] };
    assert.equal(status, 200);
    assert.equal(rows.length, count);
    const user = columns.indexOf('user');
    assert.deepEqual(
      rows.map((row) => row[user]),
      box.view.calls.map((call) => call.user),
    );
  });
}

/** Events as they come, by name and data. */
async function* eventsOf(response: AsyncIterable<Buffer>): AsyncGenerator<[string, unknown]> {
  let rest = '';
  for await (const chunk of response) {
    const events = (rest + chunk).split('\n\n');
    rest = events.pop() ?? '';
    for (const event of events) {
      const [, name, data] = /^event: (.*)\ndata: (.*)$/.exec(event) ?? [];
      if (name !== undefined) yield [name, JSON.parse(data ?? '')];
    }
  }
}

test('events tell of the overview at once, of calls that came and went, and of who has changed what', async (t) => {
  const { box, port, headers } = await openOnTcp(t);
  const path = '/api/v1/events?topics=overview,sessions,settings';
  const { request, response } = await open({ port, path, headers });
  const events = eventsOf(response);
  const next = async (wanted: string) => {
    for (;;) {
      const { value, done } = await events.next();
      assert.notEqual(done, true);
      if (value[0] === wanted) return value[1];
    }
  };
  assert.equal(((await next('overview')) as { callsUp: number }).callsUp, 1);
  box.view.calls = [{ ...SESSION, callId: 8, user: 'bob' }];
  const { stand, ended } = (await next('sessions')) as { stand: unknown[][]; ended: number[] };
  assert.deepEqual([stand.length, stand[0]?.[0], ended], [1, 8, [7]]);
  const as = { ...signedInScript(box), 'content-type': 'application/json' };
  const put = { port, method: 'PUT', path: '/api/v1/users/alice', headers: as };
  assert.equal((await ask(put, '{"password":"secret"}')).status, 201);
  const change = (await next('settings')) as { who: string; resource: string };
  assert.match(change.who, /^token script/);
  assert.equal(change.resource, 'users/alice');
  request.destroy();
});

test('topics that are none are refused', async (t) => {
  const { port, headers } = await openOnTcp(t);
  for (const topics of ['', 'all', 'overview,', 'overview;sessions']) {
    assert.equal((await ask({ port, path: `/api/v1/events?topics=${topics}`, headers })).status, 400, topics);
  }
});

test('a reader that takes nothing costs no more than its share of memory, and is told to read anew', async (t) => {
  const { box, port, headers } = await openOnTcp(t);
  const { request, response } = await open({ port, path: '/api/v1/events?topics=settings', headers });
  response.pause();
  const tell = (count: number) => {
    for (let at = 0; at < count; at++) box.changes.tell({ who: 'x'.repeat(1_000), resource: `users/${at}` });
  };
  tell(20_000);
  const before = process.memoryUsage();
  // What an hour brings at ten changes a second.
  tell(36_000);
  const after = process.memoryUsage();
  const grown = after.rss + after.external - before.rss - before.external;
  assert.ok(grown < 40 * 1024 * 1024, `${grown} bytes`);
  const events = eventsOf(response);
  const names = new Set<string>();
  const told = setInterval(() => tell(1), 10);
  for await (const [name] of events) {
    names.add(name);
    if (names.has('resync')) break;
  }
  clearInterval(told);
  request.destroy();
  assert.ok(names.has('settings'));
});
