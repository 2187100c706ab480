/** Options of IPCP (RFC 1332, RFC 1877) and IPV6CP (RFC 5072). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ProtocolError } from '../../../firmware/wire/bytes.js';
import {
  emitIpcpOption,
  emitIpv6cpOption,
  type IpcpOption,
  parseIpcpOption,
  parseIpv6cpOption,
} from '../../../firmware/wire/ncp.js';
import { emitOptions, parseOptions } from '../../../firmware/wire/ppp.js';
import { fromHex, toHex } from '../../vectors/vectors.js';

const IPCP_OPTIONS: readonly [string, string, IpcpOption][] = [
  ['RFC 1332 3.3: IP-Address', '0306 c0000201', { name: 'ipAddress', address: '192.0.2.1' }],
  ['RFC 1332 3.3: IP-Address that asks for one', '0306 00000000', { name: 'ipAddress', address: '0.0.0.0' }],
  ['RFC 1877 1.1: Primary DNS Server Address', '8106 c6336401', { name: 'dns1', address: '198.51.100.1' }],
  ['RFC 1877 1.2: Primary NBNS Server Address', '8206 c6336402', { name: 'nbns1', address: '198.51.100.2' }],
  ['RFC 1877 1.3: Secondary DNS Server Address', '8306 c6336403', { name: 'dns2', address: '198.51.100.3' }],
  ['RFC 1877 1.4: Secondary NBNS Server Address', '8406 c6336404', { name: 'nbns2', address: '198.51.100.4' }],
  ['RFC 1332 3.2: IP-Compression-Protocol', '0206 002d 0f01', { name: 'unknown', type: 2, data: fromHex('002d0f01') }],
  [
    'RFC 1332 3.1: IP-Addresses',
    '010a c0000201 c0000202',
    { name: 'unknown', type: 1, data: fromHex('c0000201c0000202') },
  ],
];

for (const [what, bytes, value] of IPCP_OPTIONS) {
  test(`${what} is read and written`, () => {
    assert.deepEqual(parseIpcpOption(parseOptions(fromHex(bytes))[0]), value);
    assert.equal(toHex(emitOptions([emitIpcpOption(value)])), toHex(fromHex(bytes)));
  });
}

test('RFC 1332 3.3: an address that is unspecified goes out as zeros', () => {
  assert.deepEqual(emitIpcpOption({ name: 'ipAddress', address: '' }), { type: 3, data: new Uint8Array(4) });
});

test('RFC 1332 3.3: an IPv6 address in IPCP is a programming error', () => {
  assert.throws(() => emitIpcpOption({ name: 'ipAddress', address: '2001:db8::1' }), RangeError);
});

for (const bytes of ['0305 c00002', '0307 c000020100', '0302', '8103 00', '8407 0000000000']) {
  test(`RFC 1332 3.3, RFC 1877: option ${bytes} is not 4 octets: ProtocolError`, () => {
    assert.throws(() => parseIpcpOption(parseOptions(fromHex(bytes))[0]), ProtocolError);
  });
}

test('RFC 5072 4.1: Interface-Identifier is 8 octets', () => {
  const value = { name: 'interfaceIdentifier', interfaceIdentifier: fromHex('0200 5e10 0000 0001') } as const;
  const bytes = fromHex('010a 0200 5e10 0000 0001');
  assert.deepEqual(parseIpv6cpOption(parseOptions(bytes)[0]), value);
  assert.equal(toHex(emitOptions([emitIpv6cpOption(value)])), toHex(bytes));
});

test('RFC 5072 4.1: another length of Interface-Identifier is a ProtocolError, and ours to send a programming error', () => {
  assert.throws(() => parseIpv6cpOption({ type: 1, data: new Uint8Array(7) }), ProtocolError);
  assert.throws(() => parseIpv6cpOption({ type: 1, data: new Uint8Array(9) }), ProtocolError);
  assert.throws(
    () => emitIpv6cpOption({ name: 'interfaceIdentifier', interfaceIdentifier: new Uint8Array(4) }),
    RangeError,
  );
});

test('RFC 5072 4.2: IPv6-Compression-Protocol is kept as it came', () => {
  const value = { name: 'unknown', type: 2, data: fromHex('0061') } as const;
  assert.deepEqual(parseIpv6cpOption({ type: 2, data: fromHex('0061') }), value);
  assert.deepEqual(emitIpv6cpOption(value), { type: 2, data: fromHex('0061') });
});
