/** Clients that hold on to what they have: slow ones, silent ones, and too many of them. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { RequestListener } from 'node:http';
import { Agent, get } from 'node:https';
import { connect, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { Listeners } from '../../../firmware/api/listeners.js';
import { makeSelfSignedCertificate } from '../../../firmware/linux/openssl-program.js';
import { ask, freePort, open } from './box.js';
import { openSetUp } from './browser.js';

const LIMITS = {
  ...{ arrival_ms: 300, longArrival_ms: 60_000, silence_ms: 600, handshake_ms: 60_000 },
  ...{ connections: 4, lookInterval_ms: 50 },
};
const TIMEOUT = { timeout: 20_000 };
const QUESTION = 'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n';

async function listening(t: TestContext, handle: RequestListener, limits = {}) {
  const listeners: Listeners = new Listeners((request, response) => handle(request, response), {
    ...LIMITS,
    ...limits,
  });
  const port = await freePort();
  assert.deepEqual(await listeners.useTcpPort(port), []);
  t.after(() => listeners.close());
  return { listeners, port };
}

/** A connection that has been accepted or refused; it takes nothing unless it is told to. */
async function silent(t: TestContext, port: number, host = '127.0.0.1'): Promise<Socket & { gone: Promise<unknown> }> {
  const socket = connect({ host, port });
  t.after(() => socket.destroy());
  socket.on('error', () => undefined);
  const gone = new Promise((resolve) => socket.once('close', resolve));
  await once(socket, 'connect');
  return Object.assign(socket.pause(), { gone });
}

const answered = async (socket: Socket): Promise<string> => {
  socket.write(QUESTION);
  const [answer] = (await once(socket.resume(), 'data')) as [Buffer];
  return answer.toString().split('\r\n')[0] ?? '';
};

test('a head that comes letter by letter is given up', TIMEOUT, async (t) => {
  const { port } = await listening(t, (_request, response) => response.end());
  const socket = await silent(t, port);
  const letters = setInterval(() => socket.write('x'), 50);
  t.after(() => clearInterval(letters));
  socket.write('GET /');
  await socket.resume().gone;
});

test(
  'a stranger’s body that comes letter by letter is given up, that of somebody known may take its time',
  TIMEOUT,
  async (t) => {
    const { port, listeners } = await listening(t, (request, response) => {
      if (request.url === '/known') listeners.know(request);
      else listeners.hurry(request);
      request.resume().once('end', () => response.end());
    });
    const body = async (path: string) => {
      const socket = await silent(t, port);
      socket.write(`POST ${path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 20\r\n\r\n`);
      const letters = setInterval(() => socket.write('x'), 50);
      t.after(() => clearInterval(letters));
      const arrived = once(socket.resume(), 'data').then(([answer]) => String(answer).split('\r\n')[0]);
      return Promise.race([arrived, socket.gone.then(() => 'given up')]);
    };
    assert.deepEqual(await Promise.all([body('/'), body('/known')]), ['given up', 'HTTP/1.1 200 OK']);
  },
);

test('who asks and does not take the answer is given up', TIMEOUT, async (t) => {
  let ended = (_value: unknown): void => {};
  const isEnded = new Promise((resolve) => {
    ended = resolve;
  });
  const { port } = await listening(t, (_request, response) => {
    response.once('close', ended).end(Buffer.alloc(64 * 1024 * 1024));
  });
  const socket = await silent(t, port);
  socket.write(QUESTION);
  await isEnded;
  assert.ok(socket.bytesRead < 64 * 1024 * 1024);
});

test(
  'of too many connections the oldest stranger’s makes room, whether it has asked something or not',
  TIMEOUT,
  async (t) => {
    const { port } = await listening(t, (_request, response) => response.end());
    const first = await silent(t, port);
    assert.equal(await answered(first), 'HTTP/1.1 200 OK');
    const others = [await silent(t, port), await silent(t, port), await silent(t, port)];
    const late = await silent(t, port);
    assert.equal(await answered(late), 'HTTP/1.1 200 OK');
    await first.gone;
    for (const other of others.slice(1)) assert.equal(other.destroyed, false);
  },
);

test('who is known is not put out by strangers, and those who are known are bounded too', TIMEOUT, async (t) => {
  const { port, listeners } = await listening(t, (request, response) => {
    listeners.know(request);
    response.end();
  });
  const known = [await silent(t, port), await silent(t, port), await silent(t, port)];
  for (const socket of known) assert.equal(await answered(socket), 'HTTP/1.1 200 OK');
  const strangers = [await silent(t, port), await silent(t, port), await silent(t, port)];
  await Promise.all(strangers.slice(0, 2).map((socket) => socket.resume().gone));
  for (const socket of known) assert.equal(await answered(socket), 'HTTP/1.1 200 OK');
  assert.equal(await answered(strangers[2] as Socket), 'HTTP/1.1 200 OK');
  await (await silent(t, port)).resume().gone;
});

test('over TLS those that never begin it make room for who does, and do not hold up the end', TIMEOUT, async (t) => {
  const { listeners } = await listening(t, (_request, response) => response.end('served'));
  const made = await makeSelfSignedCertificate(['box'], []);
  assert.ok('key' in made);
  listeners.useIdentity({ chain: made.certificate, key: made.key });
  const [host, port] = ['127.0.0.2', await freePort()];
  await listeners.useLan({ addresses: [host], httpsPort: port, httpPort: 0 });
  const first = await silent(t, port, host);
  for (let at = 0; at < 3; at++) await silent(t, port, host);
  const status = await new Promise((resolve, reject) => {
    const options = { host, port, agent: new Agent({ rejectUnauthorized: false }) };
    get(options, (response) => resolve(response.resume().statusCode)).once('error', reject);
  });
  assert.equal(status, 200);
  await first.resume().gone;
  await listeners.close();
});

test('a thousand silent connections keep out neither who is signed in nor who comes to sign in', TIMEOUT, async (t) => {
  const { port, cookie } = await openSetUp(t);
  const { response } = await open({ port, path: '/api/v1/trace/stream', headers: { cookie } });
  const silentOnes = Array.from({ length: 1_000 }, () => silent(t, port).catch(() => undefined));
  await Promise.all(silentOnes);
  assert.equal((await ask({ port, path: '/api/v1/setup' })).status, 200);
  assert.equal(response.destroyed, false);
  response.destroy();
});
