/** What an operator should look at: nothing where all is well, and each thing that is not in words that say what to do. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ATTENTION_CODES, attention, type Circumstances } from '../../../firmware/control/attention.js';
import { PPPOE, RADIUS, STATUS } from '../api/box.js';

const LOAD = {
  ...{ setupsPerMinute: 20, failuresPerMinute: 1, received_bps: 0, sent_bps: 0, cpu_percent: 1 },
  ...{ cpuOfMachine_percent: 1, dropsPerMinute: {} },
};
const [SERVER] = RADIUS.servers;
const ALIVE = { ...RADIUS, servers: [{ ...SERVER!, state: 'alive' as const }] };
const LEASE = { address: '192.0.2.5/24', gateway: '192.0.2.1', nameServers: [], timeServers: [], server: '192.0.2.1' };
const asking = (state: 'no-carrier' | 'silent') => [{ interface: 'eth0', state, lease: undefined, other: '' }];
const WELL: Circumstances = {
  status: STATUS,
  radius: ALIVE,
  pppoe: { ...PPPOE, failedLnses: [] },
  pools: [{ name: 'default', size: 100, leased: 10 }],
  dhcp: [{ interface: 'eth0', state: 'bound', lease: LEASE, other: '' }],
  pseudowiresDown: [],
  certificateEnds: '2030-01-01T00:00:00.000Z',
  routing: { isNeeded: true, forwarding: true, masquerades: true, privatePools: ['default'] },
  load: LOAD,
  now_ms: Date.UTC(2026, 5, 1),
};
const CLIENT = { name: 'office', enabled: true, server: 'lns', state: 'waiting', lastError: 'no answer', redialAt: '' };
const DEAD = { ...SERVER!, state: 'dead' as const };

const CASES: readonly [code: string, link: string, Partial<Circumstances>][] = [
  ['problem', '/system', { status: { ...STATUS, problems: [{ what: 'it is broken', advice: 'mend it' }] } }],
  ['not-set-up', '/set-up', { status: { ...STATUS, lns: { enabled: false, listening: false } } }],
  ['radius-all-dead', '/radius', { radius: { ...ALIVE, servers: [DEAD] } }],
  ['radius-dead', '/radius', { radius: { ...ALIVE, servers: [DEAD, { ...SERVER!, state: 'alive' }] } }],
  ['accounting-waiting', '/radius', { radius: { ...ALIVE, accounting: { waiting: 100, delivered: 0, givenUp: 0 } } }],
  ['pool-full', '/pools', { pools: [{ name: 'small', size: 5, leased: 5 }] }],
  ['pool-nearly-full', '/pools', { pools: [{ name: 'small', size: 10, leased: 9 }] }],
  ['calls-failing', '/traces?outcome=failed', { load: { ...LOAD, failuresPerMinute: 40 } }],
  ['lns-failed', '/lac', { pppoe: PPPOE }],
  ['client-down', '/lac-clients', { status: { ...STATUS, lacClients: [CLIENT] } }],
  ['pseudowire-down', '/pseudowires', { pseudowiresDown: ['branch'] }],
  ['memory-short', '/system', { status: { ...STATUS, memory: { ...STATUS.memory, sessionsThatFit: 1 } } }],
  ['drops', '/', { load: { ...LOAD, dropsPerMinute: { 'wrong-cookie': 5_000 } } }],
  ['drops', '/', { load: { ...LOAD, dropsPerMinute: { 'digest-mismatch': 10 } } }],
  ['clock-not-set', '/system', { now_ms: 3_600_000 }],
  ['accounting-given-up', '/radius', { radius: { ...ALIVE, accounting: { waiting: 0, delivered: 0, givenUp: 1 } } }],
  ['certificate-ending', '/system', { certificateEnds: '2026-06-20T00:00:00.000Z' }],
  ['certificate-ended', '/system', { certificateEnds: '2026-05-31T00:00:00.000Z' }],
  ['forwarding-off', '/network', { routing: { ...WELL.routing, forwarding: false } }],
  ['dhcp-no-carrier', '/network', { dhcp: asking('no-carrier') }],
  ['dhcp-silent', '/network', { dhcp: asking('silent') }],
  [
    'dhcp-overlapping',
    '/network',
    { dhcp: [{ interface: 'eth0', state: 'overlapping', lease: LEASE, other: 'eth1' }] },
  ],
  ['nat-off', '/network', { routing: { ...WELL.routing, masquerades: false } }],
];

test('where all is well nothing is said', () => {
  assert.deepEqual(attention(WELL), []);
});

for (const [code, link, change] of CASES) {
  test(`${code} is said, with the page where something can be done`, () => {
    const [found, ...others] = attention({ ...WELL, ...change });
    assert.deepEqual([found?.code, found?.link, others], [code, link, []]);
    assert.ok((found?.text.length ?? 0) > 15);
  });
}

test('each code has its case', () => {
  assert.deepEqual([...new Set(CASES.map(([code]) => code))].sort(), [...ATTENTION_CODES].sort());
});

test('what happens in every network is not worth a word', () => {
  assert.deepEqual(attention({ ...WELL, load: { ...LOAD, dropsPerMinute: { 'too-big': 90_000 } } }), []);
});

test('the gravest comes first', () => {
  const pools = [
    { name: 'one', size: 10, leased: 9 },
    { name: 'two', size: 10, leased: 10 },
  ];
  assert.deepEqual(
    attention({ ...WELL, pools }).map(({ severity }) => severity),
    ['error', 'warning'],
  );
});
