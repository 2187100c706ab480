/** Interfaces, gateways and routes of the box that contradict themselves, one line for each rule. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DEFAULT_SETTINGS, type Pool } from '../../../firmware/settings.js';
import { type Surroundings, validatePool, validateSettings } from '../../../firmware/store/rules.js';

const POOLS: Pool[] = [
  { name: 'home', ranges: [{ first: '10.0.0.1', last: '10.0.0.99' }], excluded: ['10.0.0.50'], sticky: true },
];
const around: Surroundings = {
  settings: () => DEFAULT_SETTINGS,
  pools: () => POOLS,
  userWithFixedAddress: () => undefined,
  userOfPool: () => undefined,
  userOfTunnelGroup: () => undefined,
  userOfFilter: () => undefined,
};

const LAN = { name: 'eth0', role: 'lan', addressing: 'static', addresses: ['192.168.115.1/24'] };
const WAN = { name: 'eth1', role: 'wan', addressing: 'static', addresses: ['198.51.100.2/30'] };
const lan = (changes: object) => ({ interfaces: [{ ...LAN, ...changes }] });
const both = (changes: object) => ({ interfaces: [LAN, { ...WAN, ...changes }] });
const routes = (...staticRoutes: object[]) => ({ interfaces: [LAN], routing: { staticRoutes } });
const ROUTE = { prefix: '10.9.0.0/16', via: '192.168.115.254' };

const SERVER = '/interfaces/0/dhcpServer';
const RANGE = { first: '192.168.115.100', last: '192.168.115.199' };
const served = (dhcpServer: object, changes: object = {}) => lan({ ...changes, dhcpServer });

const REFUSED: readonly [string, object, string, RegExp][] = [
  ['an interface twice', { interfaces: [LAN, LAN] }, '/interfaces/1/name', /already/],
  ['the TUN device of the LNS', lan({ name: 'tw0' }), '/interfaces/0/name', /makes itself/],
  ['static without an address', lan({ addresses: [] }), '/interfaces/0/addresses', /missing/],
  ['addresses of the system’s', lan({ addressing: 'system' }), '/interfaces/0/addresses', /never be used/],
  [
    'a gateway of the system’s',
    lan({ addressing: 'system', addresses: [], gateway: '192.168.115.254' }),
    '/interfaces/0/gateway',
    /never be used/,
  ],
  ['no address', lan({ addresses: ['192.168.115/24'] }), '/interfaces/0/addresses/0', /not an address/],
  ['no length', lan({ addresses: ['192.168.115.1'] }), '/interfaces/0/addresses/0', /not an address/],
  ['a length beyond 32', lan({ addresses: ['192.168.115.1/33'] }), '/interfaces/0/addresses/0', /not an address/],
  ['the network’s address', lan({ addresses: ['192.168.115.0/24'] }), '/interfaces/0/addresses/0', /network itself/],
  ['the broadcast address', lan({ addresses: ['192.168.115.255/24'] }), '/interfaces/0/addresses/0', /broadcast/],
  ['multicast', lan({ addresses: ['224.0.0.5/24'] }), '/interfaces/0/addresses/0', /no address that a host/],
  ['loopback', lan({ addresses: ['127.0.0.2/8'] }), '/interfaces/0/addresses/0', /no address that a host/],
  ['IPv6 multicast', lan({ addresses: ['ff02::1/64'] }), '/interfaces/0/addresses/0', /no address that a host/],
  ['link-local', lan({ addresses: ['fe80::1/64'] }), '/interfaces/0/addresses/0', /link-local/],
  ['a network of all', lan({ addresses: ['192.168.115.1/0'] }), '/interfaces/0/addresses/0', /every address/],
  [
    'an address twice',
    lan({ addresses: ['192.168.115.1/24', '192.168.115.1/25'] }),
    '/interfaces/0/addresses/1',
    /already/,
  ],
  [
    'one network on two interfaces',
    both({ addresses: ['192.168.115.130/25'] }),
    '/interfaces/1/addresses/0',
    /network that eth0 is in too/,
  ],
  ['an address of a pool', lan({ addresses: ['10.0.0.7/24'] }), '/interfaces/0/addresses/0', /leased .* pool home/],
  ['a gateway elsewhere', lan({ gateway: '192.168.116.1' }), '/interfaces/0/gateway', /in none of the networks/],
  ['a gateway of another family', lan({ gateway: '2001:db8::1' }), '/interfaces/0/gateway', /in none of the networks/],
  ['itself as its gateway', lan({ gateway: '192.168.115.1' }), '/interfaces/0/gateway', /of this interface/],
  [
    'two ways out',
    {
      interfaces: [
        { ...LAN, gateway: '192.168.115.254' },
        { ...WAN, gateway: '198.51.100.1' },
      ],
    },
    '/interfaces/1/gateway',
    /both be the way out/,
  ],
  ['a route to nowhere', routes({ prefix: '10.9.0.0/16' }), '/routing/staticRoutes/0/via', /missing/],
  [
    'a route by the other family',
    routes({ prefix: '10.9.0.0/16', via: '2001:db8::1' }),
    '/routing/staticRoutes/0/via',
    /family/,
  ],
  ['a route to oneself', routes({ ...ROUTE, via: '192.168.115.1' }), '/routing/staticRoutes/0/via', /of this box/],
  [
    'a link-local next hop on no interface',
    routes({ prefix: '2001:db8::/32', via: 'fe80::1' }),
    '/routing/staticRoutes/0/via',
    /name the interface/,
  ],
  ['a prefix with host bits', routes({ ...ROUTE, prefix: '10.9.0.1/16' }), '/routing/staticRoutes/0/prefix', /prefix/],
  [
    'a route twice',
    routes(ROUTE, { ...ROUTE, via: '192.168.115.253' }),
    '/routing/staticRoutes/1/prefix',
    /same metric already/,
  ],
  [
    'a default route beside a gateway',
    {
      interfaces: [{ ...LAN, gateway: '192.168.115.254' }],
      routing: { staticRoutes: [{ ...ROUTE, prefix: '0.0.0.0/0' }] },
    },
    '/routing/staticRoutes/0/prefix',
    /gateway of eth0/,
  ],
  ['addresses beside DHCP', lan({ addressing: 'dhcp' }), '/interfaces/0/addresses', /never be used .* dhcp/],
  ['a DHCP server without addresses of its own', served(RANGE, { addressing: 'dhcp', addresses: [] }), SERVER, /never/],
  ['a DHCP server on the WAN', served(RANGE, { role: 'wan' }), SERVER, /for the LAN alone/],
  ['a range elsewhere', served({ first: '192.168.116.100', last: '192.168.116.199' }), `${SERVER}/first`, /in none/],
  [
    'a range that leaves the network',
    served({ ...RANGE, last: '192.168.116.9' }),
    `${SERVER}/last`,
    /not in the network/,
  ],
  ['a range backwards', served({ first: RANGE.last, last: RANGE.first }), `${SERVER}/last`, /swap/],
  [
    'the box’s own address given out',
    served({ ...RANGE, first: '192.168.115.1' }),
    `${SERVER}/first`,
    /115\.1 .* taken/,
  ],
  ['the gateway’s given out', served(RANGE, { gateway: '192.168.115.150' }), `${SERVER}/first`, /115\.150 .* taken/],
  ['the broadcast address given out', served({ ...RANGE, last: '192.168.115.255' }), `${SERVER}/last`, /broadcast/],
  [
    'more than 4,096 leases',
    served({ first: '10.8.0.2', last: '10.8.16.2' }, { addresses: ['10.8.0.1/16'] }),
    `${SERVER}/last`,
    /4097 addresses, and 4096 are the most/,
  ],
  [
    'addresses of a pool given out',
    served({ first: '10.0.0.90', last: '10.0.0.120' }, { addresses: ['10.0.0.200/24'] }),
    `${SERVER}/first`,
    /pool home/,
  ],
  ['a lease of a minute', served({ ...RANGE, lease_s: 60 }), `${SERVER}/lease_s`, /at least 120/],
  ['an IPv6 range', served({ ...RANGE, first: '2001:db8::1' }), `${SERVER}/first`, /not an IPv4 address/],
  ['one port for both', { api: { httpsPort: 8443, httpPort: 8443 } }, '/api/httpPort', /another number/],
];

for (const [what, document, field, reason] of REFUSED) {
  test(`${what} is refused`, () => {
    const result = validateSettings(document, around);
    assert.equal(result.ok, false);
    const problem = result.problems.find((each) => each.field === field);
    assert.ok(problem, `no problem at ${field}, but ${JSON.stringify(result.problems)}`);
    assert.match(problem.reason, reason);
  });
}

const TAKEN: readonly [string, object][] = [
  ['an interface of the system’s', { interfaces: [{ name: 'eth0', role: 'lan' }] }],
  ['an address by DHCP', { interfaces: [{ name: 'eth1', role: 'wan', addressing: 'dhcp' }] }],
  ['a DHCP server on the LAN', served(RANGE)],
  ['a DHCP server for one address', served({ first: RANGE.first, last: RANGE.first })],
  ['both families, and the gateway of one', lan({ addresses: ['192.168.115.1/24', '2001:db8::1/64'] })],
  ['a gateway in the network', both({ gateway: '198.51.100.1' })],
  ['a link-local gateway', lan({ addresses: ['2001:db8::1/64'], gateway: 'fe80::1' })],
  ['RFC 3021: the lower address of a /31', both({ addresses: ['198.51.100.2/31'] })],
  ['an address that a pool leaves out', lan({ addresses: ['10.0.0.50/24'] })],
  ['two addresses in one network of one interface', lan({ addresses: ['192.168.115.1/24', '192.168.115.2/24'] })],
  ['two metrics', routes(ROUTE, { ...ROUTE, via: '192.168.115.253', metric: 20 })],
  ['a route by an interface', routes({ prefix: '10.9.0.0/16', interface: 'tw1' })],
  ['no port at all', { api: { httpsPort: 0, httpPort: 0 } }],
];

for (const [what, document] of TAKEN) {
  test(`${what} is taken`, () => {
    const result = validateSettings(document, around);
    assert.deepEqual(result.ok ? [] : result.problems, []);
  });
}

test('addresses, next hops and prefixes are kept as the kernel shows them', () => {
  const document = {
    interfaces: [{ ...LAN, addresses: ['2001:DB8:0::1/064'], gateway: '2001:db8::0:2' }],
    routing: { staticRoutes: [{ prefix: '2001:DB8:1::/48', via: '2001:DB8::3' }] },
  };
  const result = validateSettings(document, around);
  assert.ok(result.ok);
  assert.deepEqual(result.value.interfaces[0]?.addresses, ['2001:db8::1/64']);
  assert.equal(result.value.interfaces[0]?.gateway, '2001:db8::2');
  const [{ prefix, via } = {}] = result.value.routing.staticRoutes;
  assert.deepEqual([prefix, via], ['2001:db8:1::/48', '2001:db8::3']);
});

test('a pool that holds an address of the box is refused, unless it leaves that out', () => {
  const settings = validateSettings(lan({}), around);
  assert.ok(settings.ok);
  const now = { ...around, settings: () => settings.value };
  const pool = { name: 'lan', ranges: [{ first: '192.168.115.1', last: '192.168.115.9' }] };
  const refused = validatePool(pool, now);
  assert.equal(refused.ok, false);
  assert.deepEqual(
    refused.problems.map(({ field }) => field),
    ['/ranges'],
  );
  assert.ok(validatePool({ ...pool, excluded: ['192.168.115.1'] }, now).ok);
});
