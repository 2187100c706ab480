/** Who may do what: first password, sign-in, accounts, tokens, roles, over real sockets. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { type Answer, ask, signedInScript } from './box.js';
import { openBrowser, openSecond, openSetUp, PASSWORD } from './browser.js';

const OTHER = 'staple of another kind';

const fieldsOf = ({ text }: Answer): string[] =>
  (JSON.parse(text) as { problems?: { field: string }[] }).problems?.map(({ field }) => field) ?? [];

test('a factory-new box answers nothing but its set-up, its health and its page', async (t) => {
  const browser = await openBrowser(t);
  assert.deepEqual(JSON.parse((await browser.request('GET', 'setup')).text), {
    account: null,
    lost: false,
    state: 'password',
    hostName: 'tunnelwerk',
    version: '0.1.0',
  });
  for (const path of ['settings', 'users', 'sessions', 'status', 'accounts', 'trace', 'openapi.json', 'nothing']) {
    const answer = await browser.request('GET', path);
    assert.deepEqual([answer.status, JSON.parse(answer.text).title], [403, 'Not set up'], path);
  }
  assert.equal((await browser.request('PUT', 'settings', {})).status, 403);
  assert.equal((await browser.request('POST', 'sign-in', { name: 'admin', password: '' })).status, 401);
});

test('the first password signs its browser in; a second one is refused', async (t) => {
  const browser = await openSetUp(t);
  assert.deepEqual(JSON.parse((await browser.request('GET', 'sign-in')).text), {
    name: 'admin',
    role: 'admin',
    via: 'cookie',
  });
  assert.equal((await browser.request('GET', 'settings')).status, 200);
  const { account } = JSON.parse((await browser.request('GET', 'setup')).text) as { account: { name: string } };
  assert.equal(account.name, 'admin');
  browser.cookie = '';
  assert.equal(JSON.parse((await browser.request('GET', 'setup')).text).account, null);
  assert.equal((await browser.request('POST', 'setup', { password: OTHER })).status, 409);
  assert.equal((await browser.request('GET', 'settings')).status, 401);
});

for (const password of ['', 'short', 'aaaaaaaaaaaa', 'my admin word', 'password123', 'p'.repeat(300), 17, null]) {
  test(`${JSON.stringify(password)?.slice(0, 20)} is no first password`, async (t) => {
    const browser = await openBrowser(t);
    const answer = await browser.request('POST', 'setup', { password });
    assert.equal(answer.status, 422);
    assert.deepEqual(fieldsOf(answer), ['/password']);
    assert.equal(JSON.parse((await browser.request('GET', 'setup')).text).state, 'password');
  });
}

test('two that set the first password at once: one of them is told that there is one', async (t) => {
  const browser = await openBrowser(t);
  const answers = await Promise.all(
    [PASSWORD, OTHER].map((password) => browser.request('POST', 'setup', { password })),
  );
  assert.deepEqual(answers.map(({ status }) => status).sort(), [201, 409]);
});

test('a cookie is for HTTP alone and for this site alone, and after sign-out it is worth nothing', async (t) => {
  const browser = await openSetUp(t);
  const signedIn = await browser.request('POST', 'sign-in', { name: 'admin', password: PASSWORD });
  assert.equal(signedIn.status, 200);
  assert.match(signedIn.headers['set-cookie']?.[0] ?? '', /; Path=\/; HttpOnly; SameSite=Strict$/);
  const { cookie } = browser;
  assert.equal((await browser.request('DELETE', 'sign-in')).status, 204);
  browser.cookie = cookie;
  assert.equal((await browser.request('GET', 'sessions')).status, 401);
});

test('name and password have to fit, and neither is told apart', async (t) => {
  const browser = await openSetUp(t);
  const refused = [
    { name: 'admin', password: OTHER },
    { name: 'nobody', password: PASSWORD },
    { name: '', password: '' },
    { name: 'admin\r\nset-cookie: x=1', password: PASSWORD },
  ];
  const answers = [];
  for (const credentials of refused) answers.push(await browser.request('POST', 'sign-in', credentials));
  assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([401]));
  assert.equal(new Set(answers.map(({ text }) => text)).size, 1);
  for (const body of ['', '[]', '{"name":1,"password":2}', '{"name":"admin"}', `"${'x'.repeat(10_000)}"`]) {
    assert.equal((await browser.request('POST', 'sign-in', body)).status, 422, body.slice(0, 20));
  }
  assert.equal((await browser.request('POST', 'sign-in', 'x'.repeat(20_000))).status, 413);
});

test('2,000 tries: all but the first ten are told to wait, the box stays at work, and scripts get in', async (t) => {
  const browser = await openSetUp(t);
  const statuses = new Map<number, number>();
  const tries = Array.from({ length: 2_000 }, async () => {
    const answer = await browser.request('POST', 'sign-in', { name: 'admin', password: OTHER });
    statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1);
    if (answer.status === 429) assert.ok(Number(answer.headers['retry-after']) > 0);
  });
  await Promise.all(tries);
  assert.deepEqual([...statuses].sort(), [
    [401, 10],
    [429, 1_990],
  ]);
  const right = { name: 'admin', password: PASSWORD };
  assert.equal((await browser.request('POST', 'sign-in', right)).status, 429);
  assert.equal((await browser.request('GET', 'status')).status, 200);
  const headers = signedInScript(browser.box);
  assert.equal((await ask({ port: browser.port, path: '/api/v1/status', headers })).status, 200);
});

test('a viewer may look at everything and change nothing, on every route that there is', async (t) => {
  const browser = await openSetUp(t);
  const as = signedInScript(browser.box, 'viewer');
  const document = browser.box.app.swagger() as { paths: Record<string, Record<string, unknown>> };
  const forViewers = new Set([
    'DELETE /api/v1/sign-in',
    'PUT /api/v1/accounts/{name}/password',
    'POST /api/v1/traces/{traceId}/ladder',
    'POST /api/v1/traces/match',
  ]);
  let refused = 0;
  for (const [path, methods] of Object.entries(document.paths)) {
    for (const method of Object.keys(methods).map((name) => name.toUpperCase())) {
      if (method === 'GET' || forViewers.has(`${method} ${path}`)) continue;
      if (path === '/api/v1/setup' || path === '/api/v1/sign-in') continue;
      const [type, body] = method === 'DELETE' ? [{}] : [{ 'content-type': 'application/json' }, '{}'];
      const where = { port: browser.port, method, path: path.replace(/\{\w+\}/g, '1') };
      const answer = await ask({ ...where, headers: { ...as, ...type } }, body);
      assert.equal(answer.status, 403, `${method} ${path}`);
      assert.match(answer.text, /Not allowed/);
      refused += 1;
    }
  }
  assert.ok(refused >= 4);
  assert.equal((await ask({ port: browser.port, path: '/api/v1/settings', headers: as })).status, 200);
});

test('without sign-in no route answers but the open ones', async (t) => {
  const browser = await openSetUp(t);
  browser.cookie = '';
  const document = browser.box.app.swagger() as { paths: Record<string, Record<string, unknown>> };
  const isOpen = new Set(['GET /api/v1/setup', 'POST /api/v1/setup', 'POST /api/v1/sign-in', 'GET /api/v1/health']);
  for (const [path, methods] of Object.entries(document.paths)) {
    for (const method of Object.keys(methods).map((name) => name.toUpperCase())) {
      if (isOpen.has(`${method} ${path}`)) continue;
      const answer = await ask({ port: browser.port, method, path: path.replace(/\{\w+\}/g, '1') });
      assert.equal(answer.status, 401, `${method} ${path}`);
    }
  }
});

test('a path that is spelled otherwise is the same route, and asks for sign-in as it does', async (t) => {
  const browser = await openSetUp(t);
  const { port } = browser;
  const spellings = [
    '/%61pi/v1/settings',
    '/api/v1/%73ettings',
    '/%61%70%69/v1/users',
    '/api/v1/settings?x=/',
    '/%6detrics',
  ];
  for (const path of spellings) assert.equal((await ask({ port, path })).status, 401, path);
  for (const path of [
    '//api/v1/settings',
    '/API/v1/settings',
    '/api/v1/settings/',
    '/./api/v1/settings',
    '/x/../api/v1/users',
  ]) {
    const { status, text } = await ask({ port, path });
    assert.equal(status === 200 && !text.startsWith('<!doctype html>'), false, path);
  }
  for (const path of ['/%61pi/v1/users/eve', '/api/v1/accounts/%65ve']) {
    const headers = { 'content-type': 'application/json' };
    assert.equal((await ask({ port, path, method: 'PUT', headers }, '{"password":"x"}')).status, 401, path);
  }
});

test('tokens are shown once, work until they are deleted, and what is none is refused', async (t) => {
  const browser = await openSetUp(t);
  const made = await browser.request('POST', 'tokens', { name: 'grafana', role: 'viewer' });
  assert.equal(made.status, 201);
  const { token } = JSON.parse(made.text) as { token: string };
  assert.equal((await browser.request('POST', 'tokens', { name: 'grafana', role: 'viewer' })).status, 409);
  const listed = await browser.request('GET', 'tokens');
  assert.equal(listed.text.includes(token), false);
  const as = (authorization: string) => ask({ port: browser.port, path: '/api/v1/status', headers: { authorization } });
  assert.equal((await as(`Bearer ${token}`)).status, 200);
  for (const wrong of [token, `Basic ${token}`, `Bearer ${token}x`, 'Bearer ', `Bearer ${'x'.repeat(5000)}`]) {
    assert.equal((await as(wrong)).status, 401, wrong.slice(0, 20));
  }
  assert.equal((await browser.request('DELETE', 'tokens/grafana')).status, 204);
  assert.equal((await as(`Bearer ${token}`)).status, 401);
  assert.equal((await browser.request('DELETE', 'tokens/grafana')).status, 404);
  for (const name of ['', '../settings', 'a b', 'ä', 'x'.repeat(65), 'a\nb']) {
    const refused = await browser.request('POST', 'tokens', { name, role: 'viewer' });
    assert.deepEqual([refused.status, fieldsOf(refused)], [422, ['/name']], name);
  }
});

test('accounts: made, changed, deleted, never the last administrator’s; a change signs its browsers out', async (t) => {
  const browser = await openSetUp(t);
  assert.equal((await browser.request('PUT', 'accounts/eve', { role: 'viewer', password: OTHER })).status, 201);
  const eve = await openSecond(browser, 'eve', OTHER);
  assert.equal((await eve('GET', 'accounts')).status, 200);
  assert.equal((await eve('PUT', 'accounts/eve', { role: 'admin' })).status, 403);
  assert.equal((await browser.request('DELETE', 'accounts/admin')).status, 409);
  assert.equal((await browser.request('PUT', 'accounts/admin', { role: 'viewer' })).status, 409);
  assert.equal((await browser.request('PUT', 'accounts/new', { role: 'viewer' })).status, 422);
  const own = { oldPassword: OTHER, newPassword: 'a third one, longer' };
  assert.equal((await eve('PUT', 'accounts/admin/password', own)).status, 403);
  assert.deepEqual(fieldsOf(await eve('PUT', 'accounts/eve/password', { ...own, oldPassword: 'x' })), ['/oldPassword']);
  assert.equal((await eve('PUT', 'accounts/eve/password', own)).status, 204);
  assert.equal((await eve('GET', 'accounts')).status, 200, 'the browser that changed it stays signed in');
  assert.equal((await browser.request('PUT', 'accounts/eve', { role: 'admin' })).status, 200);
  assert.equal((await eve('GET', 'accounts')).status, 401);
  assert.equal((await browser.request('DELETE', 'accounts/eve')).status, 204);
  assert.equal((await browser.request('DELETE', 'accounts/eve')).status, 404);
  const audit = JSON.parse((await browser.request('GET', 'audit')).text) as { who: string; resource: string }[];
  assert.deepEqual(
    audit.map(({ who, resource }) => [who.replace(/ from .*/, ''), resource]),
    [
      ['admin', 'accounts/eve'],
      ['admin', 'accounts/eve'],
      ['eve', 'accounts/eve'],
      ['admin', 'accounts/eve'],
      ['127.0.0.1', 'accounts/admin'],
    ],
  );
  assert.equal(JSON.stringify(audit).includes('third'), false);
});

test('passwords are forgotten at the console alone, and then the box waits for a first one again', async (t) => {
  const browser = await openSetUp(t);
  assert.equal((await browser.request('DELETE', 'accounts')).status, 403);
  const socketPath = join(browser.box.folder, 'api.sock');
  await browser.box.listeners.openSocket(socketPath);
  assert.equal((await ask({ socketPath, method: 'DELETE', path: '/api/v1/accounts' })).status, 204);
  assert.equal((await browser.request('GET', 'settings')).status, 403);
  assert.equal(JSON.parse((await browser.request('GET', 'setup')).text).state, 'password');
});

test('no password, nor what is made of it, is given out', async (t) => {
  const browser = await openSetUp(t);
  for (const path of ['accounts', 'tokens', 'audit', 'settings', 'setup', 'sign-in']) {
    const { text } = await browser.request('GET', path);
    assert.equal(/scrypt|correct horse/.test(text), false, path);
  }
});

test('an unknown name takes as long as a wrong password', async (t) => {
  const browser = await openSetUp(t);
  const took = async (name: string) => {
    const began = performance.now();
    await browser.request('POST', 'sign-in', { name, password: OTHER });
    return performance.now() - began;
  };
  const [known, unknown]: [number[], number[]] = [[], []];
  for (let at = 0; at < 5; at++) {
    known.push(await took('admin'));
    unknown.push(await took(`admin${at}`));
  }
  // Without scrypt an answer takes a twentieth.
  assert.ok(Math.min(...unknown) > Math.min(...known) / 2, `${unknown} against ${known}`);
});
