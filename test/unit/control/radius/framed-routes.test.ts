/** Networks behind a user: RFC 2865 sections 5.9 and 5.22, RFC 3162 section 2.5. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { framedRoute, networkOf } from '../../../../firmware/control/radius/framed-routes.js';
import { parsePrefix } from '../../../../firmware/wire/ip.js';

for (const [text, prefix] of [
  // The examples of section 5.22.
  ['192.168.1.0/24 192.168.1.1 1 2 -1 3 400', '192.168.1.0/24'],
  ['192.168.1.0 192.168.1.1 1', '192.168.1.0/24'],
  // Without a length its class says it.
  ['10.0.0.0', '10.0.0.0/8'],
  ['172.16.0.0', '172.16.0.0/16'],
  ['  192.168.7.9/29   0.0.0.0  ', '192.168.7.8/29'],
  ['192.0.2.1/32', '192.0.2.1/32'],
] as const) {
  test(`Framed-Route "${text}" is ${prefix}`, () => {
    assert.equal(framedRoute(text, 4), prefix);
  });
}

test('Framed-IPv6-Route: the examples of RFC 3162 section 2.5', () => {
  assert.equal(framedRoute('2000:0:0:106::/64 2000::106:a00:20ff:fe99:a998 1', 6), '2000:0:0:106::/64');
  assert.equal(framedRoute('2000:0:0:106::/64 :: 1', 6), '2000:0:0:106::/64');
});

for (const text of [
  '',
  'nonsense',
  '192.168.1.0/24/7',
  '192.168.1.0/33',
  '192.168.1.0/x',
  '192.168.1.0/24 gateway',
  '2001:db8::/32',
  '0.0.0.0/0',
  '127.0.0.0/8',
  '224.0.0.0/4',
]) {
  test(`Framed-Route "${text}" is none`, () => {
    assert.equal(framedRoute(text, 4), undefined);
  });
}

test('IPv6 that no user can be behind: the default route, multicast, link-local, the host itself, with a zone', () => {
  for (const text of ['2001:db8::%1/64', '::/0', 'ff00::/8', 'fe80::/10', '::1/128'])
    assert.equal(framedRoute(text, 6), undefined);
});

test('the network of an address and its netmask (RFC 2865 section 5.9)', () => {
  assert.equal(networkOf('10.1.2.3', '255.255.255.248'), '10.1.2.0/29');
  assert.equal(networkOf('10.1.2.3', '255.255.255.255'), '10.1.2.3/32');
  assert.equal(networkOf('10.1.2.3', '0.0.0.0'), undefined);
  assert.equal(networkOf('10.1.2.3', '255.255.0.255'), undefined);
});

test('what comes out is always a prefix', () => {
  fc.assert(
    fc.property(fc.oneof(fc.ipV4Extended(), fc.string()), fc.nat(40), (address, length_bits) => {
      const prefix = framedRoute(`${address}/${length_bits}`, 4);
      if (prefix !== undefined) assert.ok(parsePrefix(prefix).length_bits === length_bits);
    }),
  );
});
