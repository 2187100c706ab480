/** Changes that may cut off who makes them go back unless they are confirmed, also over a restart. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import type { Unconfirmed } from '../../../firmware/api/unconfirmed.js';
import { Confirmation, takeBackExpired } from '../../../firmware/control/confirmation.js';
import { temporaryStore } from '../store/temporary-store.js';
import { ask, type Box, freePort, openBox, signedInScript } from './box.js';

const LAN = { interfaces: [{ name: 'eth1', role: 'lan' }] };

interface Remote {
  box: Box;
  call(method: string, path: string, body?: object): Promise<{ status: number; body: unknown }>;
}

/** An administrator who reaches the box by TCP. */
async function openRemote(t: Parameters<typeof openBox>[0]): Promise<Remote> {
  const box = await openBox(t);
  const port = await freePort();
  box.store.documents.writeSettings({ api: { tcpPort: port } }, 'test');
  await box.listeners.useTcpPort(port);
  const headers = signedInScript(box);
  const call: Remote['call'] = async (method, path, body) => {
    const type = body === undefined ? {} : { 'content-type': 'application/json' };
    const options = { port, method, path: `/api/v1/${path}`, headers: { ...headers, ...type } };
    const { status, text } = await ask(options, body && JSON.stringify({ api: { tcpPort: port }, ...body }));
    return { status, body: text === '' ? undefined : JSON.parse(text) };
  };
  return { box, call };
}

/** Resolves when the box has brought settings into force once more. */
const applied = (box: Box) => once(box.view.changes, 'applied');

test('over TCP a change of interfaces is in force at once, and goes back when nobody confirms it', async (t) => {
  const { box, call } = await openRemote(t);
  const before = box.store.documents.settings();
  const put = await call('PUT', 'settings?confirm=3', LAN);
  const back = applied(box);
  const { confirm } = put.body as { confirm: { until: string } };
  assert.equal(box.view.applied?.interfaces[0]?.name, 'eth1');
  const waiting = (await call('GET', 'settings/unconfirmed')).body as Unconfirmed;
  assert.equal(waiting.until, confirm.until);
  assert.match(waiting.who, /^token script/);
  assert.deepEqual(waiting.fields, ['/interfaces/0']);
  await back;
  assert.ok(Date.now() >= Date.parse(confirm.until));
  assert.deepEqual(box.view.applied, before);
  assert.deepEqual(box.store.documents.settings(), before);
  assert.deepEqual(await call('GET', 'settings/unconfirmed'), { status: 200, body: null });
  const [entry] = box.store.audit.newest(1);
  assert.match(entry?.who ?? '', /^the box, since token script.* did not confirm it$/);
  assert.deepEqual(entry?.fields, ['/interfaces/0']);
});

test('over TCP a change waits for 60 s where nothing else is said; confirmed it stays', async (t) => {
  const { box, call } = await openRemote(t);
  const { body } = await call('PUT', 'settings', { routing: { forwarding: false } });
  const wait_ms = Date.parse((body as { confirm: { until: string } }).confirm.until) - Date.now();
  assert.ok(wait_ms > 50_000 && wait_ms <= 60_000, `${wait_ms}`);
  assert.equal((await call('POST', 'settings/confirm')).status, 204);
  assert.deepEqual(await call('GET', 'settings/unconfirmed'), { status: 200, body: null });
  assert.equal(box.store.documents.settings().routing.forwarding, false);
  assert.equal((await call('POST', 'settings/confirm')).status, 404);
  assert.equal((await call('DELETE', 'settings/unconfirmed')).status, 404);
});

test('other settings wait for nothing, nor does what the local socket changes', async (t) => {
  const { box, call } = await openRemote(t);
  assert.equal(((await call('PUT', 'settings', { lns: { enabled: true } })).body as { confirm: null }).confirm, null);
  const url = '/api/v1/settings';
  const local = async (query: string, payload: object) =>
    (await box.app.inject({ method: 'PUT', url: url + query, payload })).json<{ confirm: { until: string } | null }>();
  assert.equal((await local('', LAN)).confirm, null);
  assert.notEqual((await local('?confirm=60', { routing: { forwarding: false } })).confirm, null);
  assert.equal((await box.app.inject({ method: 'DELETE', url: `${url}/unconfirmed` })).statusCode, 204);
  assert.equal(box.store.documents.settings().interfaces[0]?.name, 'eth1');
  const refused = await box.app.inject({ method: 'PUT', url: `${url}?confirm=0`, payload: {} });
  assert.equal(refused.statusCode, 400);
});

test('what was set otherwise meanwhile stays; of several changes all go back', async (t) => {
  const { box, call } = await openRemote(t);
  await call('PUT', 'settings', { ...LAN, system: { hostName: 'first' } });
  await call('PUT', 'settings', { ...LAN, routing: { masqueradeOn: ['eth0'] }, system: { hostName: 'second' } });
  const third = await call('PUT', 'settings', {
    ...{ ...LAN, routing: { masqueradeOn: ['eth0'] }, lns: { enabled: true, defaultSecret: 'of all' } },
    system: { hostName: 'third' },
  });
  assert.notEqual((third.body as { confirm: unknown }).confirm, null);
  assert.equal((await call('DELETE', 'settings/unconfirmed')).status, 204);
  const { interfaces, routing, system, lns } = box.store.documents.settings();
  assert.deepEqual([interfaces, routing.masqueradeOn, system.hostName], [[], [], 'third']);
  assert.deepEqual([lns.enabled, lns.defaultSecret], [true, 'of all']);
});

test('whoever puts back by hand what was there has nothing to confirm', async (t) => {
  const { call } = await openRemote(t);
  await call('PUT', 'settings', LAN);
  assert.equal(((await call('PUT', 'settings', {})).body as { confirm: unknown }).confirm, null);
  assert.equal((await call('POST', 'settings/confirm')).status, 404);
});

test('a change that is refused leaves what waits as it is', async (t) => {
  const { call } = await openRemote(t);
  await call('PUT', 'settings', LAN);
  const before = await call('GET', 'settings/unconfirmed');
  assert.equal((await call('PUT', 'settings', { interfaces: [{ name: 'eth1', role: 'moon' }] })).status, 422);
  assert.deepEqual(await call('GET', 'settings/unconfirmed'), before);
});

const WAIT = { until_ms: 61_000, wait_ms: 60_000 };

test('the change outlasts a restart, and so does that it goes back: in time, or at the start when its time is up', async (t) => {
  const temporary = temporaryStore(t, () => 1_000);
  const former = temporary.store.documents.settings();
  temporary.store.documents.writeSettings(LAN, 'alice', WAIT);
  const { documents } = temporary.reopen();
  assert.equal(
    takeBackExpired(documents, () => 60_999),
    undefined,
  );
  assert.equal(documents.settings().interfaces.length, 1);
  assert.deepEqual(
    takeBackExpired(documents, () => 61_000),
    former,
  );
  assert.deepEqual(temporary.reopen().documents.settings(), former);
  assert.equal(temporary.store.documents.unconfirmed(), undefined);
  assert.equal(temporary.store.audit.newest(1)[0]?.who, 'the box, since alice did not confirm it');
});

test('after a restart with a clock that is years behind it waits for no longer than it would have', async (t) => {
  const { store } = temporaryStore(t);
  store.documents.writeSettings(LAN, 'alice', { until_ms: Date.now(), wait_ms: 50 });
  let tookBack: () => void = () => undefined;
  const back = new Promise<void>((resolve) => {
    tookBack = resolve;
  });
  const confirmation = new Confirmation({
    documents: store.documents,
    clock: () => 0,
    now_ms: () => performance.now(),
    apply: async () => tookBack(),
    log: { warn: () => undefined },
  });
  confirmation.follow();
  await back;
  assert.deepEqual(store.documents.settings().interfaces, []);
});

test('secrets of settings that wait are sealed', async (t) => {
  const { store } = temporaryStore(t);
  store.documents.writeSettings({ lns: { defaultSecret: 'of all' } }, 'alice');
  store.documents.writeSettings(LAN, 'alice', WAIT);
  const { held } = store.documents.unconfirmed()!;
  assert.equal(held.document.includes('of all'), false);
  assert.match(held.document, /"defaultSecret":"v1\./);
});
