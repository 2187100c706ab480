/** Every resource of the API: what it gives, takes and refuses. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { DEFAULT_POOL, DEFAULT_SETTINGS } from '../../../firmware/settings.js';
import { type Box, openBox, PPPOE, PSEUDOWIRE, RADIUS, SESSION, TUNNEL } from './box.js';

type Method = 'GET' | 'PUT' | 'DELETE' | 'POST' | 'OPTIONS';

interface Reply {
  status: number;
  contentType: string;
  body: unknown;
}

/** A body that is a string is sent as it is, anything else as JSON. */
async function call(box: Box, method: Method, path: string, body?: unknown): Promise<Reply> {
  const payload = body === undefined || typeof body === 'string' ? body : JSON.stringify(body);
  const headers = payload === undefined ? {} : { 'content-type': 'application/json' };
  const response = await box.app.inject({
    method,
    url: `/api/v1/${path}`,
    headers,
    ...(payload === undefined ? {} : { payload }),
  });
  const contentType = String(response.headers['content-type'] ?? '');
  return {
    status: response.statusCode,
    contentType,
    body: contentType.includes('json') ? JSON.parse(response.body) : response.body,
  };
}

/** The reply is a problem document of RFC 9457 with this status; gives field and reason of what is in it. */
function refused(reply: Reply, status: number): Map<string, string> {
  assert.equal(reply.status, status, JSON.stringify(reply.body));
  assert.match(reply.contentType, /^application\/problem\+json/);
  const document = reply.body as { status: number; title: string; problems?: { field: string; reason: string }[] };
  assert.equal(document.status, status);
  assert.ok(document.title.length > 0);
  return new Map(document.problems?.map(({ field, reason }) => [field, reason]));
}

test('GET settings gives the whole document with its defaults', async (t) => {
  const box = await openBox(t);
  const { status, body } = await call(box, 'GET', 'settings');
  assert.equal(status, 200);
  assert.deepEqual(body, { ...DEFAULT_SETTINGS, lns: { ...DEFAULT_SETTINGS.lns, defaultSecretSet: false } });
});

const PROFILE = {
  name: 'office',
  server: '192.0.2.1',
  userName: 'branch',
  password: 'of the branch',
  tunInterface: 'tw1',
};

test('PUT settings stores and applies the document, and never gives a secret back', async (t) => {
  const box = await openBox(t);
  const lns = { enabled: true, defaultSecret: 'of all' };
  const document = { api: { tcpPort: 0 }, lns, lacClients: [PROFILE] };
  const put = await call(box, 'PUT', 'settings', document);
  assert.equal(put.status, 200);
  assert.equal(box.view.applied?.lacClients[0]?.password, 'of the branch');
  assert.deepEqual(box.store.documents.settings(), box.view.applied);
  const got = await call(box, 'GET', 'settings');
  assert.deepEqual(put.body, { settings: got.body, problems: [], confirm: null });
  const text = JSON.stringify([put.body, got.body]);
  assert.equal(/of all|of the branch/.test(text), false);
  assert.equal(text.includes('"passwordSet":true,'), true);
  assert.equal(text.includes('"defaultSecretSet":true'), true);
});

test('settings that were read and put back keep their secrets; null clears one', async (t) => {
  const box = await openBox(t);
  await call(box, 'PUT', 'settings', { lns: { defaultSecret: 'of all' }, lacClients: [PROFILE] });
  const { body } = await call(box, 'GET', 'settings');
  const before = box.store.documents.settings();
  assert.equal((await call(box, 'PUT', 'settings', body)).status, 200);
  assert.deepEqual(box.store.documents.settings(), before);
  const cleared = { ...(body as object), lns: { defaultSecret: null } };
  assert.equal((await call(box, 'PUT', 'settings', cleared)).status, 200);
  assert.equal(box.store.documents.settings().lns.defaultSecret, undefined);
  assert.equal(box.store.documents.settings().lacClients[0]?.password, 'of the branch');
});

test('a peer that is renamed together with its secretSet is refused until its secret is given again', async (t) => {
  const box = await openBox(t);
  const peer = { name: 'branch', hostName: 'lac.example', secret: 'of the peer' };
  await call(box, 'PUT', 'settings', { tunnelPeers: [peer] });
  const before = box.store.documents.settings();
  const { body } = await call(box, 'GET', 'settings');
  const shown = body as { tunnelPeers: object[] };
  const renamed = { ...shown, tunnelPeers: [{ ...shown.tunnelPeers[0], name: 'site' }] };
  const problems = refused(await call(box, 'PUT', 'settings', renamed), 422);
  assert.deepEqual([...problems.keys()], ['/tunnelPeers/0/secret']);
  assert.deepEqual(box.store.documents.settings(), before);
});

const STATIC_WIRE = {
  name: 'branch',
  mode: 'static',
  peer: '192.0.2.2',
  tapInterface: 'tap0',
  localSessionId: 70_000,
  peerSessionId: 80_000,
  localCookie: '0123456789abcdef',
  peerCookie: 'fedcba98',
};

test('cookies are written and never read: not by GET, not in the audit; left out they stay, null clears them', async (t) => {
  const box = await openBox(t);
  const wire = () => box.store.documents.settings().pseudowires[0];
  const other = {
    ...STATIC_WIRE,
    name: 'other',
    tapInterface: 'tap1',
    localSessionId: 90_000,
    localCookie: '89abcdef',
  };
  const put = await call(box, 'PUT', 'settings', { pseudowires: [STATIC_WIRE, other] });
  assert.equal(put.status, 200, JSON.stringify(put.body));
  assert.equal(box.view.applied?.pseudowires[0]?.localCookie, '0123456789abcdef');
  const { body } = await call(box, 'GET', 'settings');
  const { pseudowires } = body as { pseudowires: Record<string, unknown>[] };
  assert.deepEqual([pseudowires[0]?.localCookieSet, pseudowires[0]?.peerCookieSet], [true, true]);
  const [first, second] = pseudowires;
  await call(box, 'PUT', 'settings', { ...(body as object), pseudowires: [second, { ...first, peerCookie: null }] });
  assert.deepEqual(
    box.store.documents
      .settings()
      .pseudowires.map(({ name, localCookie, peerCookie }) => [name, localCookie, peerCookie]),
    [
      ['other', '89abcdef', 'fedcba98'],
      ['branch', '0123456789abcdef', undefined],
    ],
  );
  await call(box, 'PUT', 'settings', { pseudowires: [{ ...STATIC_WIRE, localCookie: '00112233' }] });
  assert.equal(wire()?.localCookie, '00112233');
  const shown = [put.body, body, (await call(box, 'GET', 'settings')).body, (await call(box, 'GET', 'audit')).body];
  assert.equal(/0123456789abcdef|fedcba98|89abcdef|00112233/.test(JSON.stringify(shown)), false);
});

test('a static pseudowire that is renamed is refused until its cookies are given again', async (t) => {
  const box = await openBox(t);
  await call(box, 'PUT', 'settings', { pseudowires: [STATIC_WIRE] });
  const { body } = await call(box, 'GET', 'settings');
  const shown = body as { pseudowires: object[] };
  const renamed = { ...shown, pseudowires: [{ ...shown.pseudowires[0], name: 'site' }] };
  const problems = refused(await call(box, 'PUT', 'settings', renamed), 422);
  assert.deepEqual([...problems.keys()], ['/pseudowires/0/localCookie', '/pseudowires/0/peerCookie']);
});

test('PUT settings tells every contradiction with field and reason, and applies nothing', async (t) => {
  const box = await openBox(t);
  const document = {
    lns: { enabled: true, pool: 'none', localAddress: '10.112.112.20' },
    lacClients: [{ ...PROFILE, tunInterface: 'tw0' }],
  };
  const problems = refused(await call(box, 'PUT', 'settings', document), 422);
  assert.deepEqual([...problems.keys()].sort(), ['/lacClients/0/tunInterface', '/lns/localAddress', '/lns/pool']);
  assert.match(problems.get('/lns/pool') ?? '', /make a pool none first/);
  assert.equal(box.view.applied, undefined);
  assert.deepEqual(box.store.documents.settings(), DEFAULT_SETTINGS);
});

for (const name of ['packetOffload', 'portOffload'] as const) {
  test(`routing.${name} is on where nothing is said, and takes nothing but yes and no`, async (t) => {
    const box = await openBox(t);
    const on = { packetOffload: true, portOffload: true, masqueradeOn: [], staticRoutes: [] };
    assert.equal((await call(box, 'PUT', 'settings', { routing: { forwarding: false } })).status, 200);
    assert.deepEqual(box.view.applied?.routing, { forwarding: false, ...on });
    assert.equal((await call(box, 'PUT', 'settings', { routing: { [name]: false } })).status, 200);
    assert.deepEqual(box.view.applied?.routing, { forwarding: true, ...on, [name]: false });
    const problems = refused(await call(box, 'PUT', 'settings', { routing: { [name]: 'gro' } }), 422);
    assert.deepEqual([...problems.keys()], [`/routing/${name}`]);
  });
}

test('GET status tells of each port what is on, and null of what its driver does not have', async (t) => {
  const { body } = await call(await openBox(t), 'GET', 'status');
  assert.deepEqual((body as { ports: unknown }).ports, [{ name: 'eth0', gro: true, udpGroForwarding: null }]);
});

test('PUT settings tells what the box could not do of it', async (t) => {
  const box = await openBox(t);
  box.view.cannot = [{ what: 'TUN tw0: EPERM', advice: 'run as root' }];
  const { status, body } = await call(box, 'PUT', 'settings', { api: { tcpPort: 0 } });
  assert.equal(status, 200);
  assert.deepEqual((body as { problems: unknown }).problems, [{ what: 'TUN tw0: EPERM', advice: 'run as root' }]);
});

test('a user is made, read without password, changed without repeating it, and deleted', async (t) => {
  const box = await openBox(t);
  const limits = { sessionTimeout_s: 0, idleTimeout_s: 0, receiveRate_bps: 0, sendRate_bps: 0 };
  const alice = { name: 'alice', enabled: true, routes: [], passwordSet: true, ...limits };
  const made = await call(box, 'PUT', 'users/alice', { password: 'of alice' });
  assert.deepEqual([made.status, made.body], [201, alice]);
  const changed = await call(box, 'PUT', 'users/alice', { ...alice, routes: ['10.9.0.0/16'] });
  assert.deepEqual([changed.status, changed.body], [200, { ...alice, routes: ['10.9.0.0/16'] }]);
  assert.equal(box.store.documents.user('alice')?.password, 'of alice');
  assert.deepEqual((await call(box, 'GET', 'users/alice')).body, changed.body);
  assert.deepEqual((await call(box, 'GET', 'users')).body, [changed.body]);
  assert.equal((await call(box, 'DELETE', 'users/alice')).status, 204);
  refused(await call(box, 'GET', 'users/alice'), 404);
  refused(await call(box, 'DELETE', 'users/alice'), 404);
  assert.deepEqual(box.view.done, ['user alice', 'user alice', 'user alice']);
});

test('how PPPoE and RADIUS do is told as it is; a call by PPPoE says its interface, address and VLANs', async (t) => {
  const box = await openBox(t);
  assert.deepEqual((await call(box, 'GET', 'pppoe')).body, PPPOE);
  assert.deepEqual((await call(box, 'GET', 'radius')).body, RADIUS);
  const pppoe = {
    ...{ interface: 'eth1', mac: '02:00:5e:00:53:07', sessionId: 9, vlanIds: [100, 7], serviceName: '' },
    circuitId: 'atm 1/1',
  };
  box.view.calls.push({ ...SESSION, sessionId: 0xf000_0001, role: 'lac', pppoe, lns: 'lns.example' });
  const [, session] = (await call(box, 'GET', 'sessions')).body as (typeof SESSION)[];
  assert.deepEqual(session?.pppoe, pppoe);
  assert.equal((await call(box, 'GET', `sessions/${0xf000_0001}`)).status, 200);
});

test('user names with slash, backslash, percent and letters of any script are names like others', async (t) => {
  const box = await openBox(t);
  for (const name of ['CORP\\bob', 'a/b', '100%', 'Ürsula', '日本', 'x?y#z', '..', 'a'.repeat(253)]) {
    const path = `users/${encodeURIComponent(name).replace(/^\.\.$/, '%2E%2E')}`;
    // '..' is folded into the path before it is looked at, by clients and servers alike.
    if (name === '..') continue;
    assert.equal((await call(box, 'PUT', path, { password: 'secret' })).status, 201, name);
    const { body } = await call(box, 'GET', path);
    assert.equal((body as { name: string }).name, name);
  }
});

test('a user without password, or with another name than asked for, is refused', async (t) => {
  const box = await openBox(t);
  assert.deepEqual([...refused(await call(box, 'PUT', 'users/alice', {}), 422).keys()], ['/password']);
  const other = { name: 'bob', password: 'secret' };
  assert.deepEqual([...refused(await call(box, 'PUT', 'users/alice', other), 422).keys()], ['/name']);
  assert.deepEqual(box.view.done, []);
});

test('a pool is made, read with its usage, put back, and not deleted while the LNS needs it', async (t) => {
  const box = await openBox(t);
  const ranges = [{ first: '10.0.0.1', last: '10.0.0.10' }];
  const home = { name: 'home', ranges, excluded: ['10.0.0.5'], sticky: true, size: 9, leased: 0 };
  const made = await call(box, 'PUT', 'pools/home', { ranges, excluded: ['10.0.0.5'] });
  assert.deepEqual([made.status, made.body], [201, home]);
  box.store.leases.lease({ callId: 1, user: 'alice', pool: 'home', sticky: true });
  const { body } = await call(box, 'GET', 'pools/home');
  assert.deepEqual(body, { ...home, leased: 1 });
  assert.equal((await call(box, 'PUT', 'pools/home', body)).status, 200);
  assert.deepEqual((await call(box, 'GET', 'pools')).body, [
    { ...DEFAULT_POOL, size: 241, leased: 0 },
    { ...home, leased: 1 },
  ]);
  await call(box, 'PUT', 'settings', { lns: { enabled: true, pool: 'home' } });
  refused(await call(box, 'DELETE', 'pools/home'), 409);
  await call(box, 'PUT', 'settings', {});
  assert.equal((await call(box, 'DELETE', 'pools/home')).status, 204);
  refused(await call(box, 'DELETE', 'pools/home'), 404);
  assert.deepEqual(box.view.done, ['pools', 'pools', 'pools']);
});

test('a pool that overlaps another one is refused', async (t) => {
  const box = await openBox(t);
  const overlapping = { ranges: [{ first: '10.112.112.200', last: '10.112.113.0' }] };
  assert.match(refused(await call(box, 'PUT', 'pools/home', overlapping), 422).get('/ranges/0') ?? '', /pool default/);
});

test('health and status say how the box is', async (t) => {
  const box = await openBox(t);
  assert.deepEqual((await call(box, 'GET', 'health')).body, { status: 'ok' });
  assert.deepEqual((await call(box, 'GET', 'status')).body, box.view.status());
});

test('sessions come page by page in the order of their calls; a page has 1,000 unless fewer are asked for', async (t) => {
  const box = await openBox(t);
  box.view.calls = Array.from({ length: 1_500 }, (_, index) => ({ ...SESSION, callId: index + 1 }));
  const callIds = async (query: string) =>
    ((await call(box, 'GET', `sessions${query}`)).body as (typeof SESSION)[]).map(({ callId }) => callId);
  assert.deepEqual([(await callIds('')).length, (await callIds('')).at(-1)], [1_000, 1_000]);
  assert.deepEqual([(await callIds('?after=1000')).length, (await callIds('?after=1000'))[0]], [500, 1_001]);
  assert.deepEqual(await callIds('?limit=2&after=7'), [8, 9]);
  assert.deepEqual(await callIds('?after=1500'), []);
  for (const query of ['?limit=0', '?limit=1001', '?after=x']) {
    refused(await call(box, 'GET', `sessions${query}`), 400);
  }
});

test('sessions are listed, one is read, and one is disconnected', async (t) => {
  const box = await openBox(t);
  assert.deepEqual((await call(box, 'GET', 'sessions')).body, [SESSION]);
  assert.deepEqual((await call(box, 'GET', 'sessions/4711')).body, SESSION);
  assert.equal((await call(box, 'DELETE', 'sessions/4711')).status, 204);
  refused(await call(box, 'DELETE', 'sessions/4711'), 404);
  refused(await call(box, 'GET', 'sessions/4711'), 404);
  assert.deepEqual(box.view.done, ['session 4711: disconnected by the administrator']);
});

test('tunnels are listed, and one is closed', async (t) => {
  const box = await openBox(t);
  assert.deepEqual((await call(box, 'GET', 'tunnels')).body, [TUNNEL]);
  assert.equal((await call(box, 'DELETE', 'tunnels/815')).status, 204);
  refused(await call(box, 'DELETE', 'tunnels/816'), 404);
  assert.deepEqual(box.view.done, ['tunnel 815']);
});

test('a version 3 session is read and disconnected by its ID of 32 bits', async (t) => {
  const box = await openBox(t);
  const session = { ...SESSION, sessionId: 0xfedc_ba98, version: 3, encapsulation: 'ip', cookie_bytes: 8 } as const;
  box.view.calls = [session];
  assert.deepEqual((await call(box, 'GET', 'sessions/4275878552')).body, session);
  assert.equal((await call(box, 'DELETE', 'sessions/4275878552')).status, 204);
});

test('pseudowires are listed in every state, with what is known of them', async (t) => {
  const box = await openBox(t);
  assert.deepEqual((await call(box, 'GET', 'pseudowires')).body, [PSEUDOWIRE]);
  const none = { receivedPackets: 0, receivedOctets: 0, sentPackets: 0, sentOctets: 0 };
  const unknown = { encapsulation: '', tunnelId: 0, sessionId: 0, peerAddress: '', since: '', counters: none } as const;
  const states = ['off', 'waiting', 'dialling', 'listening', 'up', 'down'] as const;
  box.view.wires = states.map((state) => ({ ...PSEUDOWIRE, ...unknown, name: state, state, type: 'vlan' }));
  assert.deepEqual((await call(box, 'GET', 'pseudowires')).body, box.view.wires);
});

test('an ID out of range, a fraction or a word is refused with field and reason', async (t) => {
  const box = await openBox(t);
  for (const id of ['0', '4294967296', '1.5', 'x', '-1', '1e9', '%00']) {
    const problems = refused(await call(box, 'DELETE', `sessions/${id}`), 400);
    assert.deepEqual([...problems.keys()], ['params/sessionId'], id);
  }
});

test('the trace gives its last records, oldest first', async (t) => {
  const box = await openBox(t);
  for (const label of ['SCCRQ', 'SCCRP', 'SCCCN']) box.view.note(label);
  const { body } = await call(box, 'GET', 'trace?limit=2');
  assert.deepEqual(
    (body as { sequence: number; what: string }[]).map(({ sequence, what }) => [sequence, what]),
    [
      [2, 'SCCRP'],
      [3, 'SCCCN'],
    ],
  );
  assert.deepEqual(body, box.view.trace.last(2));
});

test('calls and audit are given in pages, the newest first', async (t) => {
  const box = await openBox(t);
  const start = {
    role: 'lns',
    user: 'alice',
    address: '',
    peerAddress: '192.0.2.1',
    callingNumber: '',
    tunnelId: 1,
  } as const;
  for (const callId of [1, 2, 3]) box.store.calls.started({ ...start, callId, sessionId: callId });
  const ids = (reply: Reply) => (reply.body as { id: number }[]).map(({ id }) => id);
  assert.deepEqual(ids(await call(box, 'GET', 'calls?limit=2')), [3, 2]);
  assert.deepEqual(ids(await call(box, 'GET', 'calls?limit=2&before=2')), [1]);
  assert.deepEqual(ids(await call(box, 'GET', 'calls?after=1&before=3')), [2]);
  box.store.calls.started({ ...start, user: 'bob', address: '10.0.0.2', callId: 4, sessionId: 4 });
  assert.deepEqual(ids(await call(box, 'GET', 'calls?user=bob')), [4]);
  assert.deepEqual(ids(await call(box, 'GET', 'calls?address=10.0.0.2&limit=1')), [4]);
  assert.deepEqual(ids(await call(box, 'GET', 'calls?user=bob&before=4')), []);
  assert.deepEqual((await call(box, 'GET', 'calls')).body, box.store.calls.newest(100));
  await call(box, 'PUT', 'users/alice', { password: 'secret' });
  const [entry] = (await call(box, 'GET', 'audit')).body as { who: string; resource: string }[];
  assert.deepEqual([entry?.who, entry?.resource], ['local socket', 'users/alice']);
});

const BAD_QUERIES = [
  'trace?limit=0',
  'trace?limit=x',
  'calls?before=0',
  'audit?limit=1001',
  'trace/stream?last=-1',
  'users?limit=a',
];

test('a query that makes no sense is refused with field and reason', async (t) => {
  const box = await openBox(t);
  for (const query of BAD_QUERIES) {
    const [[field = '', reason = ''] = []] = refused(await call(box, 'GET', query), 400);
    assert.match(field, /^querystring\/(limit|before|last)$/);
    assert.match(reason, /must be/);
  }
});

const RAW_BODIES: readonly [string, string | undefined, string, number][] = [
  ['no JSON', 'application/json', '{"lns":', 400],
  ['an empty body', 'application/json', '', 422],
  ['a prototype', 'application/json', '{"__proto__":{"a":1}}', 400],
  ['a list', 'application/json', '[]', 422],
  ['null', 'application/json', 'null', 422],
  ['a form', 'application/x-www-form-urlencoded', 'a=b', 415],
  ['plain text', 'text/plain', '{}', 415],
  ['no content type', undefined, '{}', 415],
  ['too much', 'application/json', `{"a":"${'x'.repeat(3 * 1024 * 1024)}"}`, 413],
];

for (const [what, contentType, payload, status] of RAW_BODIES) {
  test(`a body that is ${what} is refused with ${status}`, async (t) => {
    const box = await openBox(t);
    const headers = contentType === undefined ? {} : { 'content-type': contentType };
    for (const path of ['settings', 'users/alice', 'pools/home']) {
      const response = await box.app.inject({ method: 'PUT', url: `/api/v1/${path}`, headers, payload });
      assert.equal(response.statusCode, status, response.body);
      assert.match(String(response.headers['content-type']), /^application\/problem\+json/);
    }
    assert.deepEqual([box.view.done, box.view.applied], [[], undefined]);
  });
}

test('RFC 9110 section 15.5.6: a method that a resource has not is refused with those that it has', async (t) => {
  const box = await openBox(t);
  for (const [method, path, allow] of [
    ['POST', 'settings', 'GET, HEAD, PUT'],
    ['DELETE', 'settings', 'GET, HEAD, PUT'],
    ['OPTIONS', 'users/alice', 'GET, HEAD, PUT, DELETE'],
    ['PUT', 'tunnels/815', 'DELETE'],
  ] as const) {
    const response = await box.app.inject({ method, url: `/api/v1/${path}`, payload: 'a=b' });
    assert.equal(response.statusCode, 405, response.body);
    assert.match(String(response.headers['content-type']), /^application\/problem\+json/);
    assert.deepEqual(String(response.headers.allow).split(', ').sort(), allow.split(', ').sort());
  }
});

test('a DELETE may call nothing JSON, as curl does when it is told so once for all requests', async (t) => {
  const box = await openBox(t);
  const headers = { 'content-type': 'application/json' };
  const response = await box.app.inject({ method: 'DELETE', url: '/api/v1/sessions/4711', headers });
  assert.equal(response.statusCode, 204);
});

test('users are found by a part of their name, page by page, whatever the case of its letters', async (t) => {
  const box = await openBox(t);
  for (const name of ['alice@Branch', 'bob@branch', 'carol@office', '100%']) {
    await call(box, 'PUT', `users/${encodeURIComponent(name)}`, { name, password: 'secret' });
  }
  const found = async (query: string) => {
    const { body } = await call(box, 'GET', `users${query}`);
    return (body as { name: string }[]).map(({ name }) => name);
  };
  assert.deepEqual(await found('?contains=BRANCH'), ['alice@Branch', 'bob@branch']);
  assert.deepEqual(await found('?contains=branch&limit=1&after=alice%40Branch'), ['bob@branch']);
  assert.deepEqual(await found('?contains=%25'), ['100%']);
  assert.deepEqual(await found('?contains=dave'), []);
});

test('what does not exist is told as a problem', async (t) => {
  const box = await openBox(t);
  for (const [method, path] of [
    ['GET', 'nothing'],
    ['PUT', 'setting'],
  ] as const) {
    refused(await call(box, method, path), 404);
  }
  const broken = await box.app.inject({ method: 'GET', url: '/api/v1/users/%E0%A4%A' });
  assert.equal(broken.statusCode, 400);
  assert.match(String(broken.headers['content-type']), /^application\/problem\+json/);
});

test('no JSON, wherever it is sent, is answered with an internal error', async (t) => {
  const box = await openBox(t);
  const path = fc.constantFrom('settings', 'users/alice', 'pools/home');
  const members = fc.constantFrom(
    'lns',
    'l2tp',
    'lacClients',
    'tunnelPeers',
    'pseudowires',
    'ranges',
    'excluded',
    'password',
    'routes',
  );
  const document = fc.oneof(fc.jsonValue(), fc.dictionary(members, fc.jsonValue()));
  await fc.assert(
    fc.asyncProperty(path, document, async (where, body) => {
      const { status } = await call(box, 'PUT', where, JSON.stringify(body));
      assert.ok(status < 500, `${status}`);
    }),
    { numRuns: 300 },
  );
});

test('an error inside is told without its reason', async (t) => {
  const box = await openBox(t);
  box.view.tunnels = () => {
    throw new Error('secret of the inside');
  };
  const reply = await call(box, 'GET', 'tunnels');
  refused(reply, 500);
  assert.equal(JSON.stringify(reply.body).includes('secret'), false);
});
