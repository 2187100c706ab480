/** Where the API is reached, over real sockets: who may, who may not, and what is left behind. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, lstatSync, renameSync, writeFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { CallStepRecord } from '../../../firmware/control/view.js';
import { ask, type Box, freePort, open, openBox, signedInScript } from './box.js';

/** `as` is the header of an administrator's script. */
async function openOnTcp(t: TestContext): Promise<{ box: Box; port: number; as: Record<string, string> }> {
  const box = await openBox(t);
  const as = signedInScript(box);
  const port = await freePort();
  assert.deepEqual(await box.listeners.useTcpPort(port), []);
  return { box, port, as };
}

test('the Unix socket is for owner and group, and answers', async (t) => {
  const box = await openBox(t);
  const socketPath = join(box.folder, 'made', 'api.sock');
  await box.listeners.openSocket(socketPath);
  assert.equal(lstatSync(socketPath).mode & 0o777, 0o660);
  const answer = await ask({ socketPath, path: '/api/v1/health' });
  assert.deepEqual([answer.status, answer.text], [200, '{"status":"ok"}']);
  await box.app.close();
  assert.equal(existsSync(socketPath), false);
});

test('a socket that a killed process left is replaced; one that is served, or is no socket, is not', async (t) => {
  const box = await openBox(t);
  const socketPath = join(box.folder, 'api.sock');
  const left = createServer().listen(socketPath);
  await once(left, 'listening');
  await assert.rejects(box.listeners.openSocket(socketPath), /served by another process/);
  const kept = `${socketPath}.kept`;
  // Closing a server removes the path that it listened on, so that the socket is what a killed process would leave.
  renameSync(socketPath, kept);
  left.close();
  await once(left, 'close');
  renameSync(kept, socketPath);
  await box.listeners.openSocket(socketPath);
  assert.equal((await ask({ socketPath, path: '/api/v1/health' })).status, 200);
  const file = join(box.folder, 'file');
  writeFileSync(file, '');
  await assert.rejects(box.listeners.openSocket(file), /is no socket/);
});

test('a socket that cannot be made is refused with what to do about it', async (t) => {
  const box = await openBox(t);
  const file = join(box.folder, 'file');
  writeFileSync(file, '');
  await assert.rejects(box.listeners.openSocket(join(file, 'api.sock')), /cannot be made \(E[A-Z]+\).*--socket/);
  // unix(7): the kernel's address has room for 107 bytes.
  const long = join(box.folder, 'a'.repeat(108));
  await assert.rejects(box.listeners.openSocket(long), /too long.*--socket/);
  assert.equal(existsSync(long.slice(0, 107)), false);
});

test('TCP is served on 127.0.0.1 and ::1 and on no other address', async (t) => {
  const { port } = await openOnTcp(t);
  for (const host of ['127.0.0.1', '::1']) {
    assert.equal((await ask({ host, port, path: '/api/v1/health' })).status, 200);
  }
  const other = connect({ host: '127.0.0.2', port });
  const [error] = (await once(other, 'error')) as [NodeJS.ErrnoException];
  assert.equal(error.code, 'ECONNREFUSED');
});

const HOSTS: readonly [string, number][] = [
  ['localhost', 200],
  ['LOCALHOST:8080', 200],
  ['127.0.0.1:1', 200],
  ['[::1]:8080', 200],
  ['attacker.example', 403],
  ['attacker.example:8080', 403],
  ['localhost.attacker.example', 403],
  ['127.0.0.1.attacker.example', 403],
  ['attacker.example:127.0.0.1', 403],
  ['192.0.2.1', 403],
];

test('on TCP a Host that only DNS rebinding leads here is refused, on the Unix socket none is', async (t) => {
  const { box, port } = await openOnTcp(t);
  const socketPath = join(box.folder, 'api.sock');
  await box.listeners.openSocket(socketPath);
  for (const [host, status] of HOSTS) {
    const headers = { host };
    for (const path of ['/api/v1/health', '/', '/nothing.txt']) {
      const expected = status === 200 && path === '/nothing.txt' ? 404 : status;
      assert.equal((await ask({ port, path, headers })).status, expected, `${host} ${path}`);
    }
    assert.equal((await ask({ socketPath, path: '/api/v1/health', headers })).status, 200);
  }
});

test('on TCP a request without Host is refused', async (t) => {
  const { port } = await openOnTcp(t);
  const socket = connect({ host: '127.0.0.1', port });
  socket.write('GET /api/v1/health HTTP/1.0\r\n\r\n');
  const [answer] = (await once(socket, 'data')) as [Buffer];
  assert.match(answer.toString(), /^HTTP\/1\.1 403 /);
  socket.destroy();
});

test('on TCP a change that a page of another site asks for is refused', async (t) => {
  const { box, port, as } = await openOnTcp(t);
  const host = `127.0.0.1:${port}`;
  const table: [Record<string, string>, number][] = [
    [{}, 204],
    [{ origin: `http://${host}` }, 204],
    [{ 'sec-fetch-site': 'same-origin', origin: `http://${host}` }, 204],
    [{ 'sec-fetch-site': 'none' }, 204],
    [{ origin: 'http://attacker.example' }, 403],
    [{ origin: 'null' }, 403],
    [{ origin: `https://${host}` }, 403],
    [{ origin: 'http://127.0.0.1:1' }, 403],
    [{ 'sec-fetch-site': 'cross-site' }, 403],
    [{ 'sec-fetch-site': 'same-site' }, 403],
  ];
  for (const [headers, status] of table) {
    box.view.done.length = 0;
    const answer = await ask({
      port,
      method: 'DELETE',
      path: '/api/v1/tunnels/815',
      headers: { host, ...as, ...headers },
    });
    assert.equal(answer.status, status, JSON.stringify(headers));
    assert.equal(box.view.done.length, status === 204 ? 1 : 0);
  }
});

test('no answer allows another site to read it', async (t) => {
  const { port } = await openOnTcp(t);
  const headers = { origin: 'http://attacker.example', 'access-control-request-method': 'DELETE' };
  for (const method of ['GET', 'OPTIONS']) {
    const answer = await ask({ port, method, path: '/api/v1/sessions', headers });
    assert.equal(
      Object.keys(answer.headers).some((name) => name.startsWith('access-control-')),
      false,
    );
  }
});

test('the TCP port changes with the settings, and the answer still comes over the old one', async (t) => {
  const { box, port, as } = await openOnTcp(t);
  const next = await freePort();
  const headers = { ...as, 'content-type': 'application/json' };
  const path = '/api/v1/settings';
  const answer = await ask({ port, method: 'PUT', path, headers }, JSON.stringify({ api: { tcpPort: next } }));
  assert.equal(answer.status, 200);
  assert.equal((await ask({ port: next, path: '/api/v1/health' })).status, 200);
  await assert.rejects(ask({ port, path: '/api/v1/health' }), /ECONNREFUSED/);
  assert.deepEqual(await box.listeners.useTcpPort(0), []);
  await assert.rejects(ask({ port: next, path: '/api/v1/health' }), /ECONNREFUSED/);
});

test('a TCP port in use is told in the answer and in the status until it is free, and the socket works', async (t) => {
  const box = await openBox(t);
  const socketPath = join(box.folder, 'api.sock');
  await box.listeners.openSocket(socketPath);
  const port = await freePort();
  const holder = createServer().listen(port, '127.0.0.1');
  await once(holder, 'listening');
  const [problem] = await box.listeners.useTcpPort(port);
  assert.match(problem?.what ?? '', /EADDRINUSE/);
  assert.match(problem?.advice ?? '', /free port/);
  const status = JSON.parse((await ask({ socketPath, path: '/api/v1/status' })).text) as { problems: unknown[] };
  assert.deepEqual(status.problems, [problem]);
  holder.close();
  await once(holder, 'close');
  assert.deepEqual(await box.listeners.useTcpPort(port), []);
  assert.equal((await ask({ port, path: '/api/v1/health' })).status, 200);
});

/** The data of server-sent events, one by one; who stops taking them closes the connection. */
async function* eventsOf(response: IncomingMessage): AsyncGenerator<CallStepRecord> {
  let rest = '';
  for await (const chunk of response.setEncoding('utf8')) {
    const events = (rest + chunk).split('\n\n');
    rest = events.pop() ?? '';
    for (const event of events) {
      const data = event.split('\n').find((line) => line.startsWith('data: '));
      if (data !== undefined) yield JSON.parse(data.slice('data: '.length)) as CallStepRecord;
    }
  }
}

/** The first `count` events of the trace. */
async function readTrace(port: number, path: string, count: number, headers = {}): Promise<CallStepRecord[]> {
  const { response } = await open({ port, path, headers });
  assert.match(String(response.headers['content-type']), /^text\/event-stream/);
  const records: CallStepRecord[] = [];
  for await (const record of eventsOf(response)) {
    records.push(record);
    if (records.length === count) break;
  }
  return records;
}

test('the trace is streamed: new records, as many old ones as asked for, and what a lost reader missed', async (t) => {
  const { box, port, as } = await openOnTcp(t);
  for (const label of ['one', 'two', 'three']) box.view.note(label);
  const names = async (path: string, count: number, headers = {}) =>
    (await readTrace(port, path, count, { ...as, ...headers })).map(({ what }) => what);
  assert.deepEqual(await names('/api/v1/trace/stream?last=2', 2), ['two', 'three']);
  assert.deepEqual(await names('/api/v1/trace/stream', 2, { 'last-event-id': '1' }), ['two', 'three']);
  assert.deepEqual(await names('/api/v1/trace/stream?last=1', 1, { 'last-event-id': '99' }), ['three']);
  const { response } = await open({ port, path: '/api/v1/trace/stream', headers: as });
  const next = eventsOf(response).next();
  box.view.note('four');
  assert.deepEqual((await next).value, box.view.trace.last(1)[0]);
  response.destroy();
});

test('readers of the trace are bounded in number, of one and of all, and end with the server', async (t) => {
  const { box, port, as } = await openOnTcp(t);
  const path = '/api/v1/trace/stream';
  const sixteen = async (headers: Record<string, string>) => {
    const readers = await Promise.all(Array.from({ length: 16 }, () => open({ port, path, headers })));
    for (const { response } of readers) assert.equal(response.statusCode, 200);
    assert.equal((await ask({ port, path, headers })).status, 503);
    return readers;
  };
  const readers = await sixteen(signedInScript(box, 'viewer'));
  for (const headers of [as, signedInScript(box), signedInScript(box)]) readers.push(...(await sixteen(headers)));
  assert.equal((await ask({ port, path, headers: signedInScript(box) })).status, 503);
  const ends = readers.map(({ response }) => once(response.resume(), 'close'));
  await box.app.close();
  await Promise.all(ends);
});

test('a reader that takes nothing is cut off', async (t) => {
  const { box, port, as } = await openOnTcp(t);
  const { response } = await open({ port, path: '/api/v1/trace/stream', headers: as });
  const closed = new Promise((resolve) => response.once('close', resolve));
  for (let kilobytes = 0; kilobytes < 16 * 1024; kilobytes += 16) box.view.note('x'.repeat(16 * 1024));
  response.resume();
  await closed;
  assert.equal((await ask({ port, path: '/api/v1/health' })).status, 200);
});

test('the page is served with what it loads, under a policy that lets nothing else in', async (t) => {
  const { port } = await openOnTcp(t);
  const page = await ask({ port, path: '/' });
  assert.equal(page.status, 200);
  assert.match(String(page.headers['content-type']), /^text\/html/);
  const policy = String(page.headers['content-security-policy']);
  assert.match(policy, /default-src 'none'/);
  assert.equal(/unsafe|\*|https?:/.test(policy), false);
  const loaded = [...page.text.matchAll(/(?:src|href)="([^"]*)"/g)].map(([, path]) => path ?? '');
  assert.ok(loaded.includes('/icon.svg') && loaded.length >= 3, 'make build builds it');
  for (const path of loaded) assert.match(path, /^\/(icon\.svg|assets\/[\w-]+-[\w-]{8}\.(css|js))$/);
  assert.equal(/<script[^>]*>[^<]|\son\w+=|style=/.test(page.text), false);
  for (const path of loaded) assert.equal((await ask({ port, path })).status, 200, path);
  const etag = String(page.headers.etag);
  assert.equal((await ask({ port, path: '/', headers: { 'if-none-match': etag } })).status, 304);
  for (const path of ['/sessions', '/users/alice']) assert.equal((await ask({ port, path })).text, page.text, path);
  assert.equal((await ask({ port, path: '/api/nothing' })).status, 401);
  for (const path of ['/../package.json', '/%2e%2e/package.json', '/index.html.map']) {
    assert.equal((await ask({ port, path })).status, 404, path);
  }
});

test('every answer forbids framing and guessing of its type', async (t) => {
  const { port, as } = await openOnTcp(t);
  const stream = await open({ port, path: '/api/v1/trace/stream', headers: as });
  stream.request.destroy();
  const answers = await Promise.all(
    ['/', '/api/v1/status', '/nothing.txt'].map((path) => ask({ port, path, headers: as })),
  );
  for (const { headers } of [...answers, stream.response]) {
    assert.equal(headers['x-content-type-options'], 'nosniff');
    assert.match(String(headers['content-security-policy']), /frame-ancestors 'none'/);
  }
});

test('what is no request at all is told no more than others, under the same headers', async (t) => {
  const { port, as } = await openOnTcp(t);
  for (const path of ['/%', '/api/v1/users/%E0%A4%A', `/api/v1/users/${'a'.repeat(2_000)}`]) {
    const { status, headers } = await ask({ port, path, headers: as });
    assert.ok([400, 414].includes(status), path);
    assert.equal(headers['x-content-type-options'], 'nosniff');
    assert.equal(headers['cache-control'], 'no-store');
    assert.match(String(headers['content-security-policy']), /default-src 'none'/);
    assert.equal((await ask({ port, path, headers: { host: 'attacker.example' } })).status, 403, path);
  }
});

test('no spelling of a path leads to a file that is not of the page', async (t) => {
  const { port, as } = await openOnTcp(t);
  const page = await ask({ port, path: '/' });
  for (const folder of ['/', '/assets/', '/api/v1/reference/static/']) {
    for (const up of [
      '..',
      '%2e%2e',
      '..%2f..',
      '..%5c..',
      '%252e%252e',
      '%00',
      '..%00',
      '....',
      '..;',
      '%c0%ae%c0%ae',
    ]) {
      const path = `${folder}${up}/package.json`;
      const { text, headers } = await ask({ port, path, headers: as });
      const isPage = text === page.text;
      assert.ok(isPage || /problem\+json/.test(String(headers['content-type'])), path);
      assert.equal(text.includes('"dependencies"'), false, path);
    }
  }
});

test('what stands in names gets into no header of an answer', async (t) => {
  const { port, as } = await openOnTcp(t);
  const name = 'a\r\nset-cookie: x=1\r\n\r\n<script>';
  for (const [method, path] of [
    ['PUT', `users/${encodeURIComponent(name)}`],
    ['GET', `users/${encodeURIComponent(name)}`],
    ['GET', `traces/${encodeURIComponent(name)}/export`],
    ['GET', `captures/${encodeURIComponent(name)}/file`],
    ['DELETE', `tokens/${encodeURIComponent(name)}`],
    ['PUT', `accounts/${encodeURIComponent(name)}`],
  ] as const) {
    const headers = { ...as, ...(method === 'PUT' && { 'content-type': 'application/json' }) };
    const answer = await ask({ port, method, path: `/api/v1/${path}`, headers }, method === 'PUT' ? '{}' : undefined);
    assert.ok(answer.status >= 400 && answer.status < 500, path);
    assert.equal(answer.headers['set-cookie'], undefined);
    assert.equal(JSON.stringify(answer.headers).includes('<script'), false);
    assert.match(String(answer.headers['content-type']), /^application\/problem\+json/);
  }
});
