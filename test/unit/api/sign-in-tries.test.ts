/** Tries of passwords: held to a rate for who guesses, whatever else he may do, and not for who has signed in before. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pino } from 'pino';
import { ask, type BoxOptions } from './box.js';
import { type Browser, openSecond, openSetUp, PASSWORD } from './browser.js';

const WRONG = 'staple of another kind';
const RIGHT = { name: 'admin', password: PASSWORD };

/** A try from an address of this machine; the answer's status. */
async function tryFrom({ port }: Browser, localAddress: string, credentials: unknown, cookie = ''): Promise<number> {
  const headers = { 'content-type': 'application/json', ...(cookie !== '' && { cookie }) };
  const where = { host: '127.0.0.1', port, localAddress, method: 'POST', path: '/api/v1/sign-in', headers };
  return (await ask(where, JSON.stringify(credentials))).status;
}

/** What a box gives a browser besides the sign-in, when it signs in. */
async function knownCookie({ port }: Browser, credentials: unknown): Promise<string> {
  const where = { port, method: 'POST', path: '/api/v1/sign-in', headers: { 'content-type': 'application/json' } };
  const { headers } = await ask(where, JSON.stringify(credentials));
  const [, known = ''] = headers['set-cookie'] ?? [];
  assert.match(known, /^tunnelwerk-known=[^;]+; Max-Age=1728000; Path=\/; HttpOnly; SameSite=Strict$/);
  return known.split(';')[0] ?? '';
}

test('who may look cannot guess an administrator’s password between sign-ins of his own', async (t) => {
  const browser = await openSetUp(t);
  await browser.request('PUT', 'accounts/eve', { role: 'viewer', password: WRONG });
  const statuses: number[] = [];
  for (let at = 0; at < 12; at++) {
    statuses.push(await tryFrom(browser, '127.0.0.9', { name: 'admin', password: `${WRONG} ${at}` }));
    if (at < 9) assert.equal(await tryFrom(browser, '127.0.0.9', { name: 'eve', password: WRONG }), 200);
  }
  assert.deepEqual(statuses, [...Array.from({ length: 10 }, () => 401), 429, 429]);
});

test('right passwords are no tries to guess one', async (t) => {
  const browser = await openSetUp(t);
  for (let at = 0; at < 12; at++) assert.equal(await tryFrom(browser, '127.0.0.9', RIGHT), 200);
});

test('a browser that has signed in is not kept out by others’ tries, from its own address or from everywhere', async (t) => {
  const browser = await openSetUp(t);
  const known = await knownCookie(browser, RIGHT);
  for (let host = 1; host <= 31; host++) {
    const tries = Array.from({ length: 10 }, () =>
      tryFrom(browser, `127.0.1.${host}`, { name: 'admin', password: WRONG }),
    );
    const statuses = new Set(await Promise.all(tries));
    assert.deepEqual([...statuses], [host <= 30 ? 401 : 429], `address ${host}`);
  }
  assert.equal(await tryFrom(browser, '127.0.0.9', RIGHT), 429, 'nobody knows this one');
  assert.equal(await tryFrom(browser, '127.0.0.9', RIGHT, known), 200);
  assert.equal(await tryFrom(browser, '127.0.1.1', RIGHT, known), 200);
});

test('what a browser is known by is good for ten wrong tries too, for its own account, and cannot be made up', async (t) => {
  const browser = await openSetUp(t);
  await browser.request('PUT', 'accounts/eve', { role: 'viewer', password: WRONG });
  const ofEve = await knownCookie(browser, { name: 'eve', password: WRONG });
  const known = await knownCookie(browser, RIGHT);
  const guess = { name: 'admin', password: WRONG };
  for (let at = 0; at < 10; at++) assert.equal(await tryFrom(browser, '127.0.0.9', guess, ofEve), 401);
  const [, nonce, until, signature] = /=([^.]+)\.(\d+)\.(.+)$/.exec(known) ?? [];
  const forged = [
    ofEve,
    `tunnelwerk-known=${nonce}x.${until}.${signature}`,
    `tunnelwerk-known=${nonce}.${Number(until) + 1}.${signature}`,
    `tunnelwerk-known=${nonce}.${until}.`,
    'tunnelwerk-known=..',
  ];
  for (const cookie of forged) assert.equal(await tryFrom(browser, '127.0.0.9', guess, cookie), 429, cookie);
  for (let at = 0; at < 10; at++) assert.equal(await tryFrom(browser, '127.0.0.9', guess, known), 401);
  assert.equal(await tryFrom(browser, '127.0.0.9', guess, known), 429);
});

test('who has found a browser signed in cannot find its password by trying', async (t) => {
  const browser = await openSetUp(t);
  const statuses: number[] = [];
  for (let at = 0; at < 11; at++) {
    const body = { oldPassword: WRONG, newPassword: 'a third one, longer' };
    statuses.push((await browser.request('PUT', 'accounts/admin/password', body)).status);
  }
  assert.deepEqual(statuses, [...Array.from({ length: 10 }, () => 422), 429]);
});

/** Calls `act` once this route's handler is at work, which takes some 50 ms for a password. */
const whileAtWork = (route: string, act: () => void): BoxOptions => ({
  before: (app) =>
    void app.addHook('preHandler', async ({ method, routeOptions: { url } }) => {
      if (`${method} ${url}` === route) setImmediate(act);
    }),
});

test('a sign-in whose password is changed while it is looked at is refused', async (t) => {
  let change = () => {};
  const browser = await openSetUp(
    t,
    whileAtWork('POST /api/v1/sign-in', () => change()),
  );
  const { accounts } = browser.box.store;
  change = () => void accounts.write('admin', { password: 'scrypt$16384$8$1$AAAA$AAAA' }, 'test');
  assert.equal(await tryFrom(browser, '127.0.0.9', RIGHT), 401);
});

test('an account that is deleted while its owner changes the password stays deleted', async (t) => {
  const browser: Browser = await openSetUp(
    t,
    whileAtWork('PUT /api/v1/accounts/:name/password', () => browser.box.store.accounts.remove('eve', 'test')),
  );
  await browser.request('PUT', 'accounts/eve', { role: 'admin', password: WRONG });
  const eve = await openSecond(browser, 'eve', WRONG);
  const change = { oldPassword: WRONG, newPassword: 'a third one, longer' };
  assert.equal((await eve('PUT', 'accounts/eve/password', change)).status, 422);
  assert.equal(browser.box.store.accounts.find('eve'), undefined);
});

test('the log names an account whose password was tried, and nothing else that was typed there', async (t) => {
  for (const [name, account] of [
    ['admin', 'admin'],
    [PASSWORD, ''],
  ]) {
    const lines: string[] = [];
    const log = pino({ level: 'trace' }, { write: (line: string) => void lines.push(line) });
    const browser = await openSetUp(t, { log });
    assert.equal(await tryFrom(browser, '127.0.0.9', { name, password: WRONG }), 401);
    const refused = lines.map((line) => JSON.parse(line)).filter(({ msg }) => msg === 'sign-in refused');
    assert.deepEqual(
      refused.map((line) => [line.account, line.address]),
      [[account, '127.0.0.9']],
    );
    assert.equal(lines.join('').includes(PASSWORD), false);
  }
});
