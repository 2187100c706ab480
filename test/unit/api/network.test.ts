/** What is shown of the network: interfaces, routes, and who has which address. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Interface } from '../../../firmware/api/interfaces.js';
import type { Lease } from '../../../firmware/api/leases.js';
import type { Route } from '../../../firmware/api/routes.js';
import { readInterfaces } from '../../../firmware/linux/network-state.js';
import { DEFAULT_SETTINGS } from '../../../firmware/settings.js';
import { type Box, openBox, SESSION } from './box.js';

async function get<Body>(box: Box, path: string, status = 200): Promise<Body> {
  const response = await box.app.inject({ method: 'GET', url: `/api/v1/${path}` });
  assert.equal(response.statusCode, status, response.body);
  return JSON.parse(response.body) as Body;
}

const POOL = {
  ranges: [{ first: '10.0.0.1', last: '10.0.0.20' }],
  excluded: ['10.0.0.3', '10.0.0.9'],
};

function boxWithLeases(box: Box): void {
  const { documents, leases } = box.store;
  assert.ok(documents.writePool('home', POOL, 'test').ok);
  assert.ok(documents.writeUser('fixed', { password: 'of the user', fixedAddress: '10.0.0.12' }, 'test').ok);
  const lease = (callId: number, user: string) => leases.lease({ callId, user, pool: 'home', sticky: true });
  assert.deepEqual(lease(SESSION.callId, 'alice'), { leased: true, address: '10.0.0.1' });
  lease(99, 'bob');
  leases.release(99);
}

test('leases: who has an address, whose own it is, who had it last, and what is excluded, in their order', async (t) => {
  const box = await openBox(t);
  boxWithLeases(box);
  assert.deepEqual(await get<Lease[]>(box, 'pools/home/leases'), [
    { address: '10.0.0.1', user: 'alice', state: 'leased', sessionId: SESSION.sessionId },
    { address: '10.0.0.2', user: 'bob', state: 'last-had', sessionId: 0 },
    { address: '10.0.0.3', user: '', state: 'excluded', sessionId: 0 },
    { address: '10.0.0.9', user: '', state: 'excluded', sessionId: 0 },
    { address: '10.0.0.12', user: 'fixed', state: 'reserved', sessionId: 0 },
  ]);
});

test('leases come in pages that leave nothing out and say nothing twice', async (t) => {
  const box = await openBox(t);
  boxWithLeases(box);
  const seen: string[] = [];
  for (;;) {
    const after = seen.length === 0 ? '' : `&after=${seen.at(-1)}`;
    const page = await get<Lease[]>(box, `pools/home/leases?limit=2${after}`);
    if (page.length === 0) break;
    seen.push(...page.map(({ address }) => address));
  }
  assert.deepEqual(seen, ['10.0.0.1', '10.0.0.2', '10.0.0.3', '10.0.0.9', '10.0.0.12']);
});

test('leases of no pool, and pages after no address, are refused', async (t) => {
  const box = await openBox(t);
  boxWithLeases(box);
  await get(box, 'pools/none/leases', 404);
  for (const query of ['after=home', 'after=::1', 'limit=0', 'limit=1001', 'limit=x']) {
    const { problems } = await get<{ problems: { field: string }[] }>(box, `pools/home/leases?${query}`, 400);
    assert.deepEqual(
      problems.map(({ field }) => field),
      [`querystring/${query.split('=')[0]}`],
    );
  }
});

test('interfaces: each as the kernel has it, with what the settings use it for', async (t) => {
  const box = await openBox(t);
  const [first] = await readInterfaces();
  assert.ok(first, 'the machine has an interface');
  const unused = (await get<Interface[]>(box, 'interfaces')).find(({ name }) => name === first.name)!;
  const { role, addressing, dhcp, counters: _counters, ...state } = unused;
  const { counters: _before, ...expected } = first;
  assert.deepEqual(state, expected);
  assert.deepEqual([role, addressing, dhcp], ['', '', null]);
  const used = { ...DEFAULT_SETTINGS, interfaces: [{ name: first.name, role: 'wan' }] };
  const written = box.store.documents.writeSettings(used, 'test');
  assert.ok(written.ok);
  const now = (await get<Interface[]>(box, 'interfaces')).find(({ name }) => name === first.name)!;
  assert.deepEqual([now.role, now.addressing], ['wan', 'system']);
});

test('routes: what is no prefix is refused, and a page is as long as is asked', async (t) => {
  const box = await openBox(t);
  for (const query of ['prefix=10.0.0', 'prefix=10.0.0.0/33', 'prefix=;reboot', 'limit=0']) {
    const { problems } = await get<{ problems: { field: string }[] }>(box, `routes?${query}`, 400);
    assert.deepEqual(
      problems.map(({ field }) => field),
      [`querystring/${query.split('=')[0]}`],
    );
  }
  assert.ok((await get<Route[]>(box, 'routes?limit=1')).length <= 1);
  assert.deepEqual(await get<Route[]>(box, 'routes?prefix=203.0.113.0/28'), []);
});
