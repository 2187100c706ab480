/** Addresses, prefixes and checksums. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ProtocolError } from '../../../firmware/wire/bytes.js';
import {
  canonicalAddress,
  formatAddress,
  formatPrefix,
  internetChecksum,
  onesComplementSum,
  parseAddress,
  parsePrefix,
  prefixContains,
  updateChecksum,
} from '../../../firmware/wire/ip.js';
import { fromHex, toHex } from '../../vectors/vectors.js';

/** RFC 4291 section 2.2 and RFC 5952 section 4: text that is read, its octets, the text that is written. */
const ADDRESSES: readonly [string, string, string][] = [
  ['0.0.0.0', '00000000', '0.0.0.0'],
  ['192.0.2.255', 'c00002ff', '192.0.2.255'],
  ['::', '00'.repeat(16), '::'],
  ['::1', `${'00'.repeat(15)}01`, '::1'],
  ['1::', `0001${'00'.repeat(14)}`, '1::'],
  ['ABCD:EF01:2345:6789:ABCD:EF01:2345:6789', 'abcdef0123456789'.repeat(2), 'abcd:ef01:2345:6789:abcd:ef01:2345:6789'],
  ['2001:DB8:0:0:8:800:200C:417A', '20010db80000000000080800200c417a', '2001:db8::8:800:200c:417a'],
  ['FF01:0:0:0:0:0:0:101', `ff01${'00'.repeat(12)}0101`, 'ff01::101'],
  ['2001:db8:0:1:1:1:1:1', '20010db8000000010001000100010001', '2001:db8:0:1:1:1:1:1'],
  ['2001:0:0:1:0:0:0:1', '20010000000000010000000000000001', '2001:0:0:1::1'],
  ['2001:db8:0:0:1:0:0:1', '20010db8000000000001000000000001', '2001:db8::1:0:0:1'],
  ['0:0:0:0:0:FFFF:129.144.52.38', `${'00'.repeat(10)}ffff81903426`, '::ffff:8190:3426'],
  ['::13.1.68.3', `${'00'.repeat(12)}0d014403`, '::d01:4403'],
  ['fe80::0200:5eff:fe00:5301', 'fe8000000000000002005efffe005301', 'fe80::200:5eff:fe00:5301'],
  ['1:2:3:4:5:6:7::', '00010002000300040005000600070000', '1:2:3:4:5:6:7:0'],
  ['::2:3:4:5:6:7:8', '00000002000300040005000600070008', '0:2:3:4:5:6:7:8'],
];

for (const [text, bytes, canonical] of ADDRESSES) {
  test(`RFC 4291 2.2, RFC 5952 4: ${text} is ${bytes}, written ${canonical}`, () => {
    assert.equal(toHex(parseAddress(text)), bytes);
    assert.equal(formatAddress(fromHex(bytes)), canonical);
    assert.equal(canonicalAddress(text), canonical);
  });
}

const NO_ADDRESSES = [
  '',
  '1',
  '1.2.3',
  '1.2.3.4.5',
  '256.0.0.1',
  '01.2.3.4',
  '1.2.3.4 ',
  '-1.2.3.4',
  '1e1.0.0.1',
  'localhost',
  ':',
  ':::',
  '1:2:3:4:5:6:7',
  '1:2:3:4:5:6:7:8:9',
  '1::2::3',
  '1:2:3:4:5:6:7:8::',
  '::1:2:3:4:5:6:7:8',
  '12345::',
  'g::',
  'fe80::1%eth0',
  '::1.2.3',
  '::1.2.3.4:1',
  '1.2.3.4::',
  '1:2:3:4:5:6:7:1.2.3.4',
  ':1::',
  '1:',
];

for (const text of NO_ADDRESSES) {
  test(`"${text}" is no address`, () => {
    assert.throws(() => parseAddress(text), ProtocolError);
  });
}

test('an address of any octets is read back from its text', () => {
  const octets = fc.oneof(
    fc.uint8Array({ minLength: 4, maxLength: 4 }),
    fc.uint8Array({ minLength: 16, maxLength: 16 }),
    fc.uint8Array({ minLength: 16, maxLength: 16, max: 1 }), // runs of zero groups
  );
  fc.assert(fc.property(octets, (bytes) => assert.deepEqual(parseAddress(formatAddress(bytes)), bytes)));
});

test('any text is an address or a ProtocolError', () => {
  const alphabet = fc.constantFrom(...'0123456789abcdefF:.:.%/ g');
  fc.assert(
    fc.property(fc.string({ unit: alphabet, maxLength: 24 }), (text) => {
      try {
        const bytes = parseAddress(text);
        assert.deepEqual(parseAddress(formatAddress(bytes)), bytes);
      } catch (error) {
        assert.ok(error instanceof ProtocolError);
      }
    }),
    { numRuns: 3000 },
  );
});

test('a prefix is an address and a length; without one it is a host', () => {
  for (const text of [
    '0.0.0.0/0',
    '10.0.0.0/8',
    '192.0.2.128/25',
    '192.0.2.1/32',
    '::/0',
    '2001:db8::/33',
    'fe80::1/128',
  ]) {
    assert.equal(formatPrefix(parsePrefix(text)), text);
  }
  assert.equal(formatPrefix(parsePrefix('192.0.2.1')), '192.0.2.1/32');
  assert.equal(formatPrefix(parsePrefix('2001:db8::1')), '2001:db8::1/128');
});

for (const text of [
  '10.0.0.0/',
  '10.0.0.0/33',
  '10.0.0.0/-1',
  '10.0.0.0/08',
  '10.0.0.1/8',
  '192.0.2.129/25',
  '::/129',
  '::1/64',
  '10.0.0.0/8/8',
  '/8',
]) {
  test(`"${text}" is no prefix`, () => {
    assert.throws(() => parsePrefix(text), ProtocolError);
  });
}

/** Prefix, addresses within it, addresses without. */
const CONTAINS: readonly [string, readonly string[], readonly string[]][] = [
  ['0.0.0.0/0', ['0.0.0.0', '255.255.255.255'], []],
  ['10.0.0.0/8', ['10.0.0.0', '10.255.255.255'], ['11.0.0.0', '9.255.255.255']],
  ['192.0.2.128/25', ['192.0.2.128', '192.0.2.255'], ['192.0.2.127', '192.0.3.128']],
  ['192.0.2.6/31', ['192.0.2.6', '192.0.2.7'], ['192.0.2.5', '192.0.2.8']],
  ['192.0.2.1/32', ['192.0.2.1'], ['192.0.2.0', '192.0.2.2']],
  ['2001:db8:8000::/33', ['2001:db8:8000::', '2001:db8:ffff::1'], ['2001:db8:7fff::', '2001:db9:8000::']],
  ['fe80::1/128', ['fe80::1'], ['fe80::2']],
];

for (const [prefix, within, without] of CONTAINS) {
  test(`${prefix} holds ${within.join(', ')} and not ${without.join(', ')}`, () => {
    const holds = (address: string) => {
      const packet = Uint8Array.of(0xff, 0xff, ...parseAddress(address), 0xff);
      return prefixContains(parsePrefix(prefix), packet, 2);
    };
    for (const address of within) assert.equal(holds(address), true, address);
    for (const address of without) assert.equal(holds(address), false, address);
  });
}

test('RFC 1071 3: the sum of the example, 0001 f203 f4f5 f6f7, is ddf2', () => {
  const bytes = fromHex('ff 0001 f203 f4f5 f6f7 ff');
  assert.equal(onesComplementSum(bytes, 1, 8), 0xddf2);
  assert.equal(internetChecksum(bytes, 1, 8), 0x220d);
});

test('RFC 1071 1: an odd last octet counts as the high half of a word', () => {
  assert.equal(onesComplementSum(fromHex('0001 f2'), 0, 3), 0xf201);
});

test('the checksum of an IPv4 header as tcpdump has it: b861', () => {
  const header = fromHex('4500 0073 0000 4000 4011 0000 c0a8 0001 c0a8 00c7');
  assert.equal(internetChecksum(header, 0, 20), 0xb861);
});

test('RFC 1071 1: over data with its checksum in place the checksum is 0; a sum may be gone on from', () => {
  const words = fc.uint8Array({ minLength: 4, maxLength: 3000 });
  fc.assert(
    fc.property(words, fc.nat(1500), (bytes, cut) => {
      const even = bytes.subarray(0, bytes.length & ~1);
      even[0] = 0;
      even[1] = 0;
      const checksum = internetChecksum(even, 0, even.length);
      even[0] = checksum >>> 8;
      even[1] = checksum;
      assert.equal(internetChecksum(even, 0, even.length), 0);
      const half = 2 * Math.min(cut, even.length >>> 1);
      const first = onesComplementSum(even, 0, half);
      assert.equal(internetChecksum(even, half, even.length - half, first), 0);
    }),
  );
});

test('RFC 1624 4: the example, dd2f with 5555 changed to 3285, is 0000', () => {
  assert.equal(updateChecksum(0xdd2f, 0x5555, 0x3285), 0x0000);
});

test('RFC 1624 3: a checksum updated for one word is the checksum made anew', () => {
  const bytes = fc.uint8Array({ minLength: 20, maxLength: 20 });
  fc.assert(
    fc.property(bytes, fc.nat(9), fc.nat(0xffff), (header, word, value) => {
      header[0] |= 0x40; // as in a packet: not all zeros, of which there are two in ones' complement
      const old = internetChecksum(header, 0, 20);
      const oldWord = (header[2 * word] << 8) | header[2 * word + 1];
      const newWord = word === 0 ? value | 0x4000 : value;
      header[2 * word] = newWord >>> 8;
      header[2 * word + 1] = newWord;
      assert.equal(updateChecksum(old, oldWord, newWord), internetChecksum(header, 0, 20));
    }),
  );
});
