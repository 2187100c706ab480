/** What contradicts itself is refused with the field and what to do: one line for each rule. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DEFAULT_SETTINGS, type Pool, type Settings } from '../../../firmware/settings.js';
import {
  poolInUse,
  type Surroundings,
  validatePool,
  validateSettings,
  validateUser,
} from '../../../firmware/store/rules.js';
import type { Validated } from '../../../firmware/store/shape.js';

const POOLS: Pool[] = [
  { name: 'home', ranges: [{ first: '10.0.0.1', last: '10.0.0.99' }], excluded: ['10.0.0.50'], sticky: true },
  { name: 'branch', ranges: [{ first: '10.1.0.0', last: '10.1.255.255' }], excluded: [], sticky: true },
];
const LNS = { enabled: true, pool: 'home', localAddress: '10.0.0.100' };
const SETTINGS: Settings = { ...DEFAULT_SETTINGS, lns: { ...DEFAULT_SETTINGS.lns, ...LNS } };

const around: Surroundings = {
  settings: () => SETTINGS,
  pools: () => POOLS,
  userWithFixedAddress: (address) => (address === '10.9.9.9' ? 'alice' : undefined),
  userOfPool: (pool) => (pool === 'branch' ? 'bob' : undefined),
  userOfTunnelGroup: () => undefined,
  userOfFilter: () => undefined,
};

const PROFILE = {
  name: 'office',
  server: '192.0.2.1',
  userName: 'branch',
  password: 'secret of the branch',
  tunInterface: 'tw1',
};
const PEER = { name: 'lac', hostName: 'lac.example' };

function assertRefused(result: Validated<unknown>, field: string, reason: RegExp): void {
  assert.equal(result.ok, false);
  const problem = result.problems.find((each) => each.field === field);
  assert.ok(problem, `no problem at ${field}, but ${JSON.stringify(result.problems)}`);
  assert.match(problem.reason, reason);
}

const CONTRADICTORY_SETTINGS: readonly [string, object, string, RegExp][] = [
  ['a section that is not known', { vpn: {} }, '/vpn', /not known; remove/],
  ['a setting that is not known', { lns: { dhcp: true } }, '/lns/dhcp', /not known; remove/],
  ['a text for a number', { l2tp: { port: '1701' } }, '/l2tp/port', /whole number/],
  ['a port above 65535', { l2tp: { port: 65536 } }, '/l2tp/port', /at most 65535/],
  ['a fraction of a second', { l2tp: { helloInterval_s: 7.5 } }, '/l2tp/helloInterval_s', /whole number/],
  ['no authentication', { lns: { authentication: [] } }, '/lns/authentication', /at least 1 entry/],
  ['a protocol twice', { lns: { authentication: ['pap', 'pap'] } }, '/lns/authentication', /twice/],
  [
    'an unknown protocol',
    { lns: { authentication: ['eap'] } },
    '/lns/authentication/0',
    /one of mschapv2, chap-md5, pap/,
  ],
  ['a local address with a letter', { lns: { localAddress: '10.0.0.x' } }, '/lns/localAddress', /not an IPv4 address/],
  ['a pool that does not exist', { lns: { ...LNS, pool: 'none' } }, '/lns/pool', /make a pool none first/],
  ['a local address in a pool', { lns: { ...LNS, localAddress: '10.0.0.7' } }, '/lns/localAddress', /inside pool home/],
  [
    'a local address of no host',
    { lns: { ...LNS, localAddress: '127.0.0.1' } },
    '/lns/localAddress',
    /no address that/,
  ],
  [
    'a user’s address',
    { lns: { ...LNS, localAddress: '10.9.9.9' } },
    '/lns/localAddress',
    /fixed address of user alice/,
  ],
  [
    'no peer that may call',
    { lns: { ...LNS, allowUnknownPeers: false } },
    '/lns/allowUnknownPeers',
    /nobody could call/,
  ],
  ['IPv6 on a small MRU', { lns: LNS, ppp: { mru_bytes: 1279 } }, '/lns/ipv6', /1280/],
  [
    'an interface name of 16 characters',
    { lns: { tunInterface: 'tunnelwerk-lns-0' } },
    '/lns/tunInterface',
    /at most 15/,
  ],
  ['an interface name with a slash', { lns: { tunInterface: 'a/b' } }, '/lns/tunInterface', /at most 15/],
  ['the loopback interface', { lns: { tunInterface: 'lo' } }, '/lns/tunInterface', /not usable/],
  [
    'a first wait above the cap',
    { l2tp: { retransmitInitial_ms: 9000 } },
    '/l2tp/retransmitInitial_ms',
    /above retransmitCap_ms/,
  ],
  [
    'ten minutes until a dead peer is given up',
    { l2tp: { retransmitCap_ms: 60_000, maxRetransmits: 15 } },
    '/l2tp/maxRetransmits',
    /until a dead peer is given up/,
  ],
  ['a peer that every peer matches', { tunnelPeers: [{ name: 'all' }] }, '/tunnelPeers/0', /give hostName or address/],
  [
    'two peers of one name',
    { tunnelPeers: [PEER, { name: 'lac', address: '192.0.2.0/24' }] },
    '/tunnelPeers/1/name',
    /already/,
  ],
  [
    'a peer hidden by its host name',
    { tunnelPeers: [PEER, { ...PEER, name: 'b' }] },
    '/tunnelPeers/1',
    /never reached/,
  ],
  [
    'a peer hidden by a wider prefix',
    {
      tunnelPeers: [
        { name: 'net', address: '192.0.2.0/24' },
        { name: 'b', hostName: 'b', address: '192.0.2.7' },
      ],
    },
    '/tunnelPeers/1',
    /net before it matches the same/,
  ],
  [
    'a prefix with host bits',
    { tunnelPeers: [{ name: 'a', address: '192.0.2.1/24' }] },
    '/tunnelPeers/0/address',
    /prefix/,
  ],
  [
    'CHAP without a password',
    { lacClients: [{ ...PROFILE, password: undefined }] },
    '/lacClients/0/password',
    /missing/,
  ],
  [
    'two profiles of one name',
    { lacClients: [PROFILE, { ...PROFILE, tunInterface: 'tw2' }] },
    '/lacClients/1/name',
    /already/,
  ],
  [
    'two profiles with one interface',
    { lacClients: [PROFILE, { ...PROFILE, name: 'second' }] },
    '/lacClients/1/tunInterface',
    /belongs to profile office/,
  ],
  [
    'a profile with the LNS’s interface',
    { lacClients: [{ ...PROFILE, tunInterface: 'tw0' }] },
    '/lacClients/0/tunInterface',
    /the LNS/,
  ],
  ['a server that is no name', { lacClients: [{ ...PROFILE, server: 'a b' }] }, '/lacClients/0/server', /host name/],
  [
    'a server that is nearly an address',
    { lacClients: [{ ...PROFILE, server: '192.0.2.256' }] },
    '/lacClients/0/server',
    /host name/,
  ],
  [
    'a route to the server',
    { lacClients: [{ ...PROFILE, routes: ['192.0.2.1'] }] },
    '/lacClients/0/routes/0',
    /enter the tunnel/,
  ],
  [
    'a route to everywhere',
    { lacClients: [{ ...PROFILE, routes: ['::/0'] }] },
    '/lacClients/0/routes/0',
    /leads everywhere.*name the networks/,
  ],
  [
    'one route through two profiles',
    {
      lacClients: [
        { ...PROFILE, routes: ['172.16.0.0/12'] },
        { ...PROFILE, name: 'second', tunInterface: 'tw2', routes: ['172.16.0.0/12'] },
      ],
    },
    '/lacClients/1/routes/0',
    /route of office already/,
  ],
  [
    'a route into a pool',
    { lns: LNS, lacClients: [{ ...PROFILE, routes: ['10.1.2.0/24'] }] },
    '/lacClients/0/routes/0',
    /addresses of pool branch/,
  ],
  [
    'a first redial after the last',
    { lacClients: [{ ...PROFILE, redialInitial_s: 61 }] },
    '/lacClients/0/redialInitial_s',
    /above redialCap_s/,
  ],
  ['IPv6 on a profile’s small MRU', { lacClients: [{ ...PROFILE, mru_bytes: 1000 }] }, '/lacClients/0/ipv6', /1280/],
];

for (const [what, document, field, reason] of CONTRADICTORY_SETTINGS) {
  test(`settings are refused for ${what}`, () => assertRefused(validateSettings(document, around), field, reason));
}

test('every problem of a document is told at once', () => {
  const result = validateSettings(
    { lns: { ...LNS, pool: 'none', localAddress: '10.0.0.7' }, lacClients: [{ ...PROFILE, tunInterface: 'tw0' }] },
    around,
  );
  assert.equal(result.ok, false);
  assert.deepEqual(result.problems.map(({ field }) => field).sort(), [
    '/lacClients/0/tunInterface',
    '/lns/localAddress',
    '/lns/pool',
  ]);
});

test('what does not contradict itself is accepted', () => {
  const documents = [
    { lns: { ...LNS, localAddress: '10.0.0.50' } },
    { lns: { ...LNS, enabled: false, pool: 'none', localAddress: '10.0.0.7' } },
    { lacClients: [{ ...PROFILE, enabled: false, password: undefined }] },
    { lacClients: [{ ...PROFILE, server: 'lns.example.net', routes: ['172.16.0.0/12', '2001:db8::/32'] }] },
    { lns: LNS, lacClients: [{ ...PROFILE, routes: ['10.0.0.0/8'] }] },
    {
      tunnelPeers: [
        { name: 'one', hostName: 'b', address: '192.0.2.7' },
        { name: 'net', address: '192.0.2.0/24' },
      ],
    },
  ];
  for (const document of documents) {
    const result = validateSettings(document, around);
    assert.ok(result.ok, `${JSON.stringify(document)}: ${JSON.stringify(result)}`);
  }
});

test('a refusal does not repeat a secret', () => {
  const secret = 'x'.repeat(256);
  const document = { lacClients: [{ ...PROFILE, password: secret }], lns: { defaultSecret: secret } };
  const result = validateSettings(document, around);
  assertRefused(result, '/lacClients/0/password', /at most 255/);
  assert.equal(JSON.stringify(result).includes('xxx'), false);
});

const CONTRADICTORY_POOLS: readonly [string, object, string, RegExp][] = [
  ['no range', { name: 'a', ranges: [] }, '/ranges', /at least 1 entry/],
  [
    'a range that ends before it begins',
    { name: 'a', ranges: [{ first: '10.5.0.9', last: '10.5.0.1' }] },
    '/ranges/0',
    /exchange/,
  ],
  [
    'addresses of no host',
    { name: 'a', ranges: [{ first: '223.255.255.0', last: '224.0.0.9' }] },
    '/ranges/0',
    /no host/,
  ],
  [
    'two ranges that overlap',
    {
      name: 'a',
      ranges: [
        { first: '10.5.0.1', last: '10.5.0.9' },
        { first: '10.5.0.9', last: '10.5.0.20' },
      ],
    },
    '/ranges/1',
    /overlaps a range before it/,
  ],
  [
    'addresses of another pool',
    { name: 'a', ranges: [{ first: '10.0.0.90', last: '10.0.0.95' }] },
    '/ranges/0',
    /overlaps pool home/,
  ],
  [
    'the LNS’s address',
    { name: 'home', ranges: [{ first: '10.0.0.1', last: '10.0.0.100' }] },
    '/ranges',
    /10\.0\.0\.100, the LNS/,
  ],
  [
    'more addresses than sessions',
    { name: 'a', ranges: [{ first: '11.0.0.0', last: '11.2.0.0' }] },
    '/ranges',
    /at most 131072/,
  ],
];

for (const [what, document, field, reason] of CONTRADICTORY_POOLS) {
  test(`a pool is refused for ${what}`, () => assertRefused(validatePool(document, around), field, reason));
}

test('a pool may hold the LNS’s address when it excludes it', () => {
  const document = { name: 'home', ranges: [{ first: '10.0.0.1', last: '10.0.0.100' }], excluded: ['10.0.0.100'] };
  assert.equal(validatePool(document, around).ok, true);
});

const USER = { name: 'carol', password: 'secret of carol' };
const CONTRADICTORY_USERS: readonly [string, object, string, RegExp][] = [
  ['no password', { name: 'carol' }, '/password', /missing; give/],
  ['a pool that does not exist', { ...USER, pool: 'none' }, '/pool', /make a pool none first/],
  ['the address of another user', { ...USER, fixedAddress: '10.9.9.9' }, '/fixedAddress', /that of user alice/],
  ['the address of the LNS', { ...USER, fixedAddress: '10.0.0.100' }, '/fixedAddress', /LNS's own/],
  ['a multicast address', { ...USER, fixedAddress: '224.0.0.1' }, '/fixedAddress', /no address that a host/],
  ['a route to everywhere', { ...USER, routes: ['0.0.0.0/0'] }, '/routes/0', /leads everywhere/],
  ['a route with host bits', { ...USER, routes: ['10.7.0.1/16'] }, '/routes/0', /prefix/],
  ['a name with a line feed', { ...USER, name: 'carol\n' }, '/name', /control characters/],
];

for (const [what, document, field, reason] of CONTRADICTORY_USERS) {
  test(`a user is refused for ${what}`, () => assertRefused(validateUser(document, around), field, reason));
}

test('a pool that the LNS or a user needs is in use', () => {
  assert.match(poolInUse('home', around) ?? '', /lns\.pool/);
  assert.match(poolInUse('branch', around) ?? '', /user bob/);
  assert.equal(poolInUse('spare', around), undefined);
});
