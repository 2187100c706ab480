/**
 * What has ended opens nothing any more: sign-ins that were ended, or have run out, and deleted tokens, on every route that
 * there is, in every way to ask; and streams that were opened with them end too.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { type TestContext, test } from 'node:test';
import { type Answer, ask, open } from './box.js';
import { type Browser, openSecond, openSetUp, PASSWORD } from './browser.js';

const OPEN = new Set(['/api/v1/setup', '/api/v1/sign-in', '/api/v1/health']);
/** Those of RFC 9110, and some that others have. */
const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'PROPFIND', 'SEARCH', 'QUERY'];
const STREAMS = ['/api/v1/trace/stream', '/api/v1/events?topics=overview,sessions,settings,log'];
const OTHER = 'staple of another kind';
/** What a box allows where its settings say nothing. */
const IDLE_MS = 12 * 3_600_000;

function paths({ box }: Browser): string[] {
  const { paths: documented } = box.app.swagger() as { paths: Record<string, unknown> };
  const all = Object.keys(documented).map((path) => path.replace(/\{\w+\}/g, '1'));
  return [...all.filter((path) => !OPEN.has(path)), '/api/v1/reference', '/api/v1/nothing'];
}

interface Past {
  what: string;
  headers: Record<string, string>;
}

/** Credentials that have stood once, each ended in another way. */
async function pastCredentials(browser: Browser, pass: (ms: number) => void): Promise<Past[]> {
  const past: Past[] = [
    { what: 'nothing', headers: {} },
    {
      what: 'a cookie that was made up',
      headers: { cookie: 'tunnelwerk=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa' },
    },
    { what: 'a password', headers: { authorization: `Basic ${Buffer.from(`admin:${PASSWORD}`).toString('base64')}` } },
  ];
  const { accounts } = browser.box.store;
  const ended = async (what: string, end: (cookie: string) => unknown) => {
    const cookie = `tunnelwerk=${accounts.signIn('eve', '127.0.0.1')}`;
    const where = { port: browser.port, path: '/api/v1/status', headers: { cookie } };
    assert.equal((await ask(where)).status, 200, what);
    await end(cookie);
    past.push({ what, headers: { cookie } });
  };
  await browser.request('PUT', 'accounts/eve', { role: 'admin', password: OTHER });
  await ended('a cookie after sign-out', (cookie) => {
    return ask({ port: browser.port, method: 'DELETE', path: '/api/v1/sign-in', headers: { cookie } });
  });
  await ended('a cookie after a new password', () => browser.request('PUT', 'accounts/eve', { password: PASSWORD }));
  await ended('a cookie after a new role', () => browser.request('PUT', 'accounts/eve', { role: 'viewer' }));
  await ended('a cookie of a deleted account', () => browser.request('DELETE', 'accounts/eve'));
  await browser.request('PUT', 'accounts/eve', { role: 'admin', password: OTHER });
  await ended('a cookie that was idle for too long', () => pass(IDLE_MS + 1));
  const token = accounts.addToken('script', 'admin', 'test') ?? '';
  accounts.removeToken('script', 'test');
  past.push({ what: 'a token that was deleted', headers: { authorization: `Bearer ${token}` } });
  return past;
}

test('what has ended opens no route, by no method', async (t) => {
  let now_ms = Date.now();
  const browser = await openSetUp(t, { clock: () => now_ms });
  const past = await pastCredentials(browser, (ms) => {
    now_ms += ms;
  });
  for (const { what, headers } of past) {
    for (const path of paths(browser)) {
      for (const method of METHODS) {
        const { status, text } = await ask({ port: browser.port, method, path, headers });
        assert.equal(status, 401, `${what}: ${method} ${path}`);
        assert.equal(method === 'HEAD' || JSON.parse(text).title === 'Not signed in', true, `${what}: ${path}`);
      }
    }
  }
});

test('with a sign-in HEAD, OPTIONS and methods that no resource has change nothing and are answered', async (t) => {
  const browser = await openSetUp(t);
  const { cookie, port, box } = browser;
  for (const path of paths(browser)) {
    for (const method of ['HEAD', 'OPTIONS', 'TRACE', 'PROPFIND', 'SEARCH', 'QUERY']) {
      const { status, headers } = await ask({ port, method, path, headers: { cookie } });
      assert.ok(status < 500, `${method} ${path}`);
      assert.match(String(headers['content-security-policy']), /frame-ancestors 'none'/, `${method} ${path}`);
    }
  }
  assert.deepEqual(box.view.done, []);
});

/** Streams of all kinds, opened with these headers; resolves, as `ended`, once the box has ended each. */
async function openStreams({ port }: Browser, headers: Record<string, string>): Promise<{ ended: Promise<unknown> }> {
  const ends: Promise<unknown>[] = [];
  for (const path of STREAMS) {
    const { response } = await open({ port, path, headers });
    assert.equal(response.statusCode, 200);
    ends.push(new Promise((resolve) => response.resume().once('close', resolve)));
  }
  return { ended: Promise.all(ends) };
}

const ENDS: readonly [string, (browser: Browser, eve: (method: string, path: string) => Promise<Answer>) => unknown][] =
  [
    ['signed out', (_browser, eve) => eve('DELETE', 'sign-in')],
    ['given another role', (browser) => browser.request('PUT', 'accounts/eve', { role: 'viewer' })],
    ['given another password', (browser) => browser.request('PUT', 'accounts/eve', { password: PASSWORD })],
    ['deleted', (browser) => browser.request('DELETE', 'accounts/eve')],
  ];

for (const [what, end] of ENDS) {
  test(`streams of an account that is ${what} end`, { timeout: 10_000 }, async (t) => {
    const browser = await openSetUp(t);
    await browser.request('PUT', 'accounts/eve', { role: 'admin', password: OTHER });
    const eve = await openSecond(browser, 'eve', OTHER);
    const { ended } = await openStreams(browser, { cookie: eve.cookie });
    await end(browser, eve);
    await ended;
  });
}

test('streams of a token that is deleted end', { timeout: 10_000 }, async (t) => {
  const browser = await openSetUp(t);
  const { token } = JSON.parse((await browser.request('POST', 'tokens', { name: 'wall', role: 'viewer' })).text);
  const { ended } = await openStreams(browser, { authorization: `Bearer ${token}` });
  await browser.request('DELETE', 'tokens/wall');
  await ended;
});

test('streams end when their sign-in has run out, which others’ changes do not put off', {
  timeout: 10_000,
}, async (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] });
  let now_ms = Date.now();
  const browser = await openSetUp(t, { clock: () => now_ms });
  const { accounts } = browser.box.store;
  const cookie = `tunnelwerk=${accounts.signIn('admin', '127.0.0.1')}`;
  const { ended } = await openStreams(browser, { cookie });
  now_ms += IDLE_MS - 1;
  const script = { authorization: `Bearer ${accounts.addToken('script', 'admin', 'test')}` };
  const change = { port: browser.port, method: 'DELETE', path: '/api/v1/tunnels/815', headers: script };
  assert.equal((await ask(change)).status, 204);
  now_ms += 2;
  t.mock.timers.tick(60_000);
  await ended;
});

/** Sends the head of a change, and the rest of it when `rest` is called; gives the answer's first line. */
async function slowly(t: TestContext, { port }: Browser, headers: Record<string, string>, body: string) {
  const socket = connect({ host: '127.0.0.1', port });
  t.after(() => socket.destroy());
  const lines = { host: 'localhost', 'content-type': 'application/json', ...headers, connection: 'close' };
  const head = Object.entries({ ...lines, 'content-length': `${body.length}` }).map(
    ([name, value]) => `${name}: ${value}`,
  );
  socket.write(`PUT /api/v1/accounts/mallory HTTP/1.1\r\n${head.join('\r\n')}\r\n\r\n${body.slice(0, 1)}`);
  return async (): Promise<string> => {
    socket.write(body.slice(1));
    const [answer] = (await once(socket, 'data')) as [Buffer];
    return answer.toString().split('\r\n')[0] ?? '';
  };
}

test('a change that began before its sign-in or token ended, and arrives later, is refused', async (t) => {
  const begun: ((browser: Browser) => void)[] = [];
  const browser = await openSetUp(t, {
    before: (app) =>
      void app.addHook('preParsing', async () => {
        begun.shift()?.(browser);
      }),
  });
  const { accounts } = browser.box.store;
  const body = JSON.stringify({ role: 'admin', password: OTHER });
  accounts.write('eve', { role: 'admin', password: 'scrypt$16384$8$1$AAAA$AAAA' }, 'test');
  const token = accounts.addToken('script', 'admin', 'test');
  for (const [headers, end, status] of [
    [{ authorization: `Bearer ${token}` }, () => accounts.removeToken('script', 'test'), '401 Unauthorized'],
    [{ cookie: `tunnelwerk=${accounts.signIn('eve', '')}` }, () => accounts.remove('eve', 'test'), '401 Unauthorized'],
  ] as const) {
    const arrived = new Promise<void>((resolve) => begun.push(() => resolve()));
    const rest = await slowly(t, browser, headers, body);
    await arrived;
    end();
    assert.equal(await rest(), `HTTP/1.1 ${status}`);
    assert.equal(accounts.find('mallory'), undefined);
  }
});

test('no page of another site makes a browser that is signed in change anything, on no route', async (t) => {
  const browser = await openSetUp(t);
  const { box, port, cookie } = browser;
  const { paths: documented } = box.app.swagger() as { paths: Record<string, Record<string, unknown>> };
  const asked = Object.entries(documented).flatMap(([path, operations]) =>
    Object.keys(operations)
      .filter((method) => method !== 'get')
      .map((method) => ({ port, method: method.toUpperCase(), path: path.replace(/\{\w+\}/g, '1') })),
  );
  const audited = (await browser.request('GET', 'audit')).text;
  for (const where of asked) {
    for (const foreign of [
      { origin: 'https://attacker.example' },
      { origin: 'null' },
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-site', origin: `http://localhost:${port + 1}` },
    ]) {
      for (const type of [
        'application/json',
        'text/plain',
        'application/x-www-form-urlencoded',
        'multipart/form-data',
      ]) {
        const { status, text } = await ask({ ...where, headers: { cookie, 'content-type': type, ...foreign } }, '{}');
        assert.deepEqual(
          [status, JSON.parse(text).title],
          [403, 'Cross-site request'],
          `${where.method} ${where.path}`,
        );
      }
    }
    // What a form can send where the browser says nothing of the site that it comes from.
    if (where.method !== 'POST') continue;
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x']) {
      const { status } = await ask({ ...where, headers: { cookie, 'content-type': type } }, '{"role":"admin"}');
      assert.equal(status, 415, `${where.method} ${where.path} ${type}`);
    }
  }
  assert.equal((await browser.request('GET', 'audit')).text, audited);
  assert.deepEqual(box.view.done, []);
});
