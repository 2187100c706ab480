/** Settings of PPPoE, tunnels, RADIUS and filters that contradict themselves or each other are refused: one line for each rule. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import Database from 'better-sqlite3';
import { DEFAULT_SETTINGS, type Settings, SettingsSchema } from '../../../firmware/settings.js';
import { keepSecrets, lostSecrets, withoutSecrets } from '../../../firmware/store/secret-fields.js';
import type { Store } from '../../../firmware/store/store.js';
import { temporaryStore } from './temporary-store.js';

const INTERFACES = [{ name: 'eth1' }];
const GROUP = { name: 'office', servers: [{ server: '192.0.2.1', secret: 'of the tunnel' }] };
const RADIUS = { address: '192.0.2.10', secret: 'of RADIUS' };
const FILTER = { name: 'web', rules: [{ action: 'accept', protocol: 'tcp', port: 80 }], otherwise: 'drop' };

const lac = (changes: object) => ({
  lac: { enabled: true, interfaces: INTERFACES, tunnelGroups: [GROUP], ...changes },
});
const rules = (...list: object[]) => lac({ rules: list });
const dynamic = (changes: object) => ({ radius: { dynamicAuthorization: changes } });

const REFUSED: [string, object, string, RegExp][] = [
  ['a LAC without an interface', lac({ interfaces: [] }), '/lac/interfaces', /nobody could call/],
  ['an interface twice', lac({ interfaces: [...INTERFACES, ...INTERFACES] }), '/lac/interfaces/1/name', /already/],
  ['PPPoE on our own TUN', lac({ interfaces: [{ name: 'tw0' }] }), '/lac/interfaces/0/name', /makes itself/],
  ['IPv6 on a small MRU', { ...lac({}), ppp: { mru_bytes: 1000 } }, '/lac/ipv6', /1280/],
  [
    'an interface MTU above RFC 4638',
    lac({ interfaces: [{ name: 'eth1', mtu_bytes: 1600 }] }),
    '/lac/interfaces/0/mtu_bytes',
    /1508/,
  ],
  ['a group twice', lac({ tunnelGroups: [GROUP, GROUP] }), '/lac/tunnelGroups/1/name', /already/],
  [
    'a group without a server',
    lac({ tunnelGroups: [{ name: 'none', servers: [] }] }),
    '/lac/tunnelGroups/0/servers',
    /at least 1/,
  ],
  [
    'one LNS twice',
    lac({ tunnelGroups: [{ name: 'x', servers: [{ server: '2001:DB8::1' }, { server: '2001:db8:0::1' }] }] }),
    '/lac/tunnelGroups/0/servers/1/server',
    /already/,
  ],
  [
    'a port with protocol 115',
    lac({ tunnelGroups: [{ name: 'x', servers: [{ server: 'lns', encapsulation: 'ip', port: 1702 }] }] }),
    '/lac/tunnelGroups/0/servers/0/port',
    /none/,
  ],
  ['a rule without its group', rules({ action: 'tunnel' }), '/lac/rules/0/group', /missing/],
  ['a rule for no group', rules({ action: 'tunnel', group: 'attic' }), '/lac/rules/0/group', /names no group/],
  [
    'a group for a rule that needs none',
    rules({ action: 'local', group: 'office' }),
    '/lac/rules/0/group',
    /of no use/,
  ],
  [
    'a rule for another interface',
    rules({ action: 'local', interface: 'eth2' }),
    '/lac/rules/0/interface',
    /lac.interfaces/,
  ],
  [
    'a rule that is never reached',
    rules({ action: 'local', domain: 'A.example' }, { action: 'refuse', domain: 'a.EXAMPLE', interface: 'eth1' }),
    '/lac/rules/1',
    /never reached/,
  ],
  [
    'RADIUS without a secret',
    { radius: { authentication: [{ address: '192.0.2.10' }] } },
    '/radius/authentication/0/secret',
    /missing/,
  ],
  [
    'accounting without a secret',
    { radius: { accounting: [{ address: '192.0.2.10' }] } },
    '/radius/accounting/0/secret',
    /missing/,
  ],
  [
    'a server twice',
    { radius: { authentication: [RADIUS, { ...RADIUS, port: 1812 }] } },
    '/radius/authentication/1/address',
    /already/,
  ],
  [
    'a server by name',
    { radius: { authentication: [{ ...RADIUS, address: 'radius.example' }] } },
    '/radius/authentication/0/address',
    /IP address/,
  ],
  ['CoA from nobody', dynamic({ port: 3799 }), '/radius/dynamicAuthorization/port', /nobody may send/],
  ['CoA on the port of L2TP', dynamic({ port: 1701, clients: [RADIUS] }), '/radius/dynamicAuthorization/port', /L2TP/],
  [
    'a CoA client twice',
    dynamic({ port: 3799, clients: [RADIUS, RADIUS] }),
    '/radius/dynamicAuthorization/clients/1/address',
    /already/,
  ],
  [
    'a timeout before the first retransmission',
    { radius: { timeout_s: 2, initialRetransmission_ms: 2000 } },
    '/radius/timeout_s',
    /make it longer/,
  ],
  ['a filter twice', { filters: [FILTER, FILTER] }, '/filters/1/name', /already/],
  [
    'a port of ICMP',
    { filters: [{ name: 'x', rules: [{ action: 'drop', protocol: 'icmp', port: 8 }] }] },
    '/filters/0/rules/0/port',
    /tcp or udp/,
  ],
  [
    'a port of any protocol',
    { filters: [{ name: 'x', rules: [{ action: 'drop', port: 8 }] }] },
    '/filters/0/rules/0/port',
    /tcp or udp/,
  ],
];

function write(store: Store, document: object): ReturnType<Store['documents']['writeSettings']> {
  return store.documents.writeSettings(document, 'test');
}

function accepted(t: TestContext, document: object): Store {
  const { store } = temporaryStore(t);
  const result = write(store, document);
  assert.ok(result.ok, JSON.stringify(result));
  return store;
}

for (const [what, document, field, reason] of REFUSED) {
  test(`settings are refused for ${what}`, (t) => {
    const result = write(temporaryStore(t).store, document);
    assert.equal(result.ok, false);
    const problem = result.problems.find((each) => each.field === field);
    assert.ok(problem, `no problem at ${field}, but ${JSON.stringify(result.problems)}`);
    assert.match(problem.reason, reason);
  });
}

test('a LAC with groups, rules, RADIUS, CoA and filters is acceptable, its addresses in canonical form', (t) => {
  const { documents } = accepted(t, {
    ...rules(
      { action: 'tunnel', domain: 'a.example', group: 'office' },
      { action: 'local', interface: 'eth1' },
      { action: 'refuse' },
    ),
    radius: {
      authentication: [RADIUS, { ...RADIUS, port: 1645 }, { ...RADIUS, address: '2001:DB8:0:0::A' }],
      accounting: [RADIUS],
      dynamicAuthorization: { port: 3799, clients: [{ ...RADIUS, address: '2001:DB8::B' }] },
    },
    filters: [{ ...FILTER, rules: [{ action: 'drop', remote: '2001:DB8::/32' }] }],
  });
  const { radius, filters } = documents.settings();
  assert.equal(radius.authentication[2]?.address, '2001:db8::a');
  assert.equal(radius.dynamicAuthorization.clients[0]?.address, '2001:db8::b');
  assert.equal(filters[0]?.rules[0]?.remote, '2001:db8::/32');
});

test('what a user names must be there, and stay as long as the user names it', (t) => {
  const store = accepted(t, { ...lac({}), filters: [FILTER] });
  const user = (changes: object) => store.documents.writeUser('alice', { password: 'secret', ...changes }, 'test');
  for (const [field, name] of [
    ['tunnelGroup', 'attic'],
    ['filter', 'attic'],
  ] as const) {
    const result = user({ [field]: name });
    assert.deepEqual(result.ok ? [] : result.problems.map((one) => one.field), [`/${field}`]);
  }
  assert.ok(user({ tunnelGroup: 'office', filter: 'web' }).ok);
  const without = write(store, { lac: { interfaces: INTERFACES } });
  assert.deepEqual(without.ok ? [] : without.problems.map(({ field }) => field), ['/lac/tunnelGroups', '/filters']);
  assert.ok(user({}).ok);
  assert.ok(write(store, {}).ok);
});

test('a user of an earlier version has the defaults of what is new', (t) => {
  const temporary = temporaryStore(t);
  assert.ok(temporary.store.documents.writeUser('alice', { password: 'secret' }, 'test').ok);
  const database = new Database(temporary.path);
  const added = ['sessionTimeout_s', 'idleTimeout_s', 'receiveRate_bps', 'sendRate_bps'].map((name) => `$.${name}`);
  database.prepare('UPDATE user SET document = json_remove(document, ?, ?, ?, ?)').run(...added);
  database.close();
  const { documents } = temporary.reopen();
  const alice = documents.user('alice');
  assert.equal(alice?.password, 'secret');
  assert.deepEqual(
    [alice.sessionTimeout_s, alice.idleTimeout_s, alice.receiveRate_bps, alice.sendRate_bps],
    [0, 0, 0, 0],
  );
  assert.deepEqual(documents.users(10), [alice]);
});

// Secrets of entries without a name.

const SECRETS = {
  ...DEFAULT_SETTINGS,
  lac: {
    ...DEFAULT_SETTINGS.lac,
    tunnelGroups: [
      {
        name: 'office',
        servers: [
          { server: 'lns1', port: 1701, encapsulation: 'udp2', secret: 'one' },
          { server: 'lns2', port: 1701, encapsulation: 'udp2', secret: 'two' },
        ],
      },
    ],
  },
  radius: {
    ...DEFAULT_SETTINGS.radius,
    authentication: [
      { address: '192.0.2.10', port: 1812, secret: 'first' },
      { address: '192.0.2.11', port: 1812, secret: 'second' },
    ],
    dynamicAuthorization: { port: 3799, clients: [{ address: '192.0.2.12', secret: 'third' }] },
  },
} as unknown as Settings;

test('none of the new secrets is given out, and each is told to be there', () => {
  const text = JSON.stringify(withoutSecrets(SettingsSchema, SECRETS));
  for (const secret of ['one', 'two', 'first', 'second', 'third']) assert.ok(!text.includes(`"${secret}"`), secret);
  assert.equal(text.split('"secretSet":true').length - 1, 5);
});

test('a secret that is left out stays with its server, wherever that moves in the list, its port said or not', () => {
  const incoming = {
    lac: { tunnelGroups: [{ name: 'office', servers: [{ server: 'lns2' }] }] },
    radius: { authentication: [{ address: '192.0.2.11' }, { address: '192.0.2.10', port: 1812 }] },
  };
  const kept = keepSecrets(SettingsSchema, incoming, SECRETS) as Settings;
  assert.equal(kept.lac.tunnelGroups[0]?.servers[0]?.secret, 'two');
  assert.deepEqual(
    kept.radius.authentication.map(({ secret }) => secret),
    ['second', 'first'],
  );
});

test('a server whose IPv6 address is spelled otherwise is the same one, and keeps its secret', (t) => {
  const group = (server: object) => lac({ tunnelGroups: [{ name: 'office', servers: [server] }] });
  const store = accepted(t, group({ server: '2001:db8::1', secret: 'of the tunnel' }));
  assert.ok(write(store, group({ server: '2001:DB8:0:0::1' })).ok);
  const server = store.documents.settings().lac.tunnelGroups[0]?.servers[0];
  assert.equal(server?.server, '2001:db8::1');
  assert.equal(server.secret, 'of the tunnel');
});

test('the new secrets are in no file of the store, and are there after a restart', (t) => {
  const temporary = temporaryStore(t);
  const document = {
    ...lac({ tunnelGroups: [{ name: 'office', servers: [{ server: '2001:DB8::1', secret: 'one at rest' }] }] }),
    radius: {
      authentication: [{ address: '192.0.2.10', secret: 'two at rest' }],
      accounting: [{ address: '2001:DB8::A', secret: 'three at rest' }],
      dynamicAuthorization: { port: 3799, clients: [{ address: '192.0.2.12', secret: 'four at rest' }] },
    },
  };
  const written = write(temporary.store, document);
  assert.ok(written.ok, JSON.stringify(written));
  const folder = dirname(temporary.path);
  for (const name of readdirSync(folder)) {
    assert.equal(readFileSync(join(folder, name), 'latin1').includes('at rest'), false, name);
  }
  const { lac: stored, radius } = temporary.reopen().documents.settings();
  const { authentication, accounting, dynamicAuthorization } = radius;
  const all = [...(stored.tunnelGroups[0]?.servers ?? []), ...authentication, ...accounting];
  assert.deepEqual(
    [...all, ...dynamicAuthorization.clients].map(({ secret }) => secret),
    ['one at rest', 'two at rest', 'three at rest', 'four at rest'],
  );
});

test('a server that gets another address does not take the secret along unsaid', () => {
  const incoming = { radius: { authentication: [{ address: '198.51.100.1', port: 1812, secretSet: true }] } };
  assert.deepEqual(
    lostSecrets(SettingsSchema, incoming, SECRETS).map(({ field }) => field),
    ['/radius/authentication/0/secret'],
  );
});
