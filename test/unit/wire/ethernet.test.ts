/** Ethernet headers with their VLAN tags (IEEE 802.3, IEEE 802.1Q). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ProtocolError } from '../../../firmware/wire/bytes.js';
import {
  emitEthernetHeader,
  isUnicastMac,
  macBytes,
  macText,
  parseEthernetHeader,
  type VlanTag,
} from '../../../firmware/wire/ethernet.js';
import { fromHex, toHex } from '../../vectors/vectors.js';

const ADDRESSES = 'ffffffffffff 02005e005301';
const NAMES = { destination: 'ff:ff:ff:ff:ff:ff', source: '02:00:5e:00:53:01' };

function tag(vlanId: number, tagProtocol = 0x8100, priority = 0, dropEligible = false): VlanTag {
  return { tagProtocol, priority, dropEligible, vlanId };
}

for (const [what, hex, tags] of [
  ['without a tag', '8863', []],
  ['with a customer tag: priority 5, VLAN 100', '8100 a064 8863', [tag(100, 0x8100, 5)]],
  ['with a priority tag: VLAN 0', '8100 e000 8863', [tag(0, 0x8100, 7)]],
  ['with the drop eligible bit', '8100 1fff 8863', [tag(4095, 0x8100, 0, true)]],
  ['with a service and a customer tag', '88a8 0007 8100 0064 8863', [tag(7, 0x88a8), tag(100)]],
  ['with two customer tags', '8100 0007 8100 0064 8863', [tag(7), tag(100)]],
] as const) {
  test(`a header ${what} is read and written`, () => {
    const bytes = fromHex(`${ADDRESSES} ${hex}`);
    const header = { ...NAMES, tags, etherType: 0x8863 };
    assert.deepEqual(parseEthernetHeader(Uint8Array.of(...bytes, 0xaa)), { ...header, payloadOffset: bytes.length });
    assert.equal(toHex(emitEthernetHeader(header)), toHex(bytes));
  });
}

test('a header that ends early, a third tag and an IEEE 802.3 length throw ProtocolError', () => {
  for (const hex of ['', '81', '8100', '8100 00', '8100 0064', '8100 0064 88', '8100 0007 8100 0064 8100 0001 8863']) {
    assert.throws(() => parseEthernetHeader(fromHex(`${ADDRESSES} ${hex}`)), ProtocolError, hex);
  }
  assert.throws(() => parseEthernetHeader(fromHex(`${ADDRESSES} 002e`)), { name: 'ProtocolError', errorCode: 3 });
  assert.throws(() => parseEthernetHeader(fromHex('ffffffffffff 02005e0053')), ProtocolError);
});

test('addresses: text and octets, of one station or of a group', () => {
  assert.equal(macText(fromHex('02005e0053aB')), '02:00:5e:00:53:ab');
  assert.throws(() => macBytes('02:00:5E:00:53:01'), RangeError);
  assert.throws(() => macBytes('02:00:5e:00:53'), RangeError);
  assert.equal(isUnicastMac('02:00:5e:00:53:01'), true);
  for (const mac of ['ff:ff:ff:ff:ff:ff', '01:00:5e:00:00:01', '00:00:00:00:00:00']) {
    assert.equal(isUnicastMac(mac), false, mac);
  }
});

/** Objects as literals make them. */
const PLAIN = { noNullPrototype: true };

test('property: what is written is read', () => {
  const mac = fc.uint8Array({ minLength: 6, maxLength: 6 }).map(macText);
  const vlanTag = fc.record(
    {
      tagProtocol: fc.constantFrom(0x8100, 0x88a8),
      priority: fc.integer({ min: 0, max: 7 }),
      dropEligible: fc.boolean(),
      vlanId: fc.integer({ min: 0, max: 4095 }),
    },
    PLAIN,
  );
  const header = fc.record(
    {
      destination: mac,
      source: mac,
      tags: fc.array(vlanTag, { maxLength: 2 }),
      etherType: fc.constantFrom(0x0600, 0x0800, 0x8863, 0x8864, 0xffff),
    },
    PLAIN,
  );
  fc.assert(
    fc.property(header, (each) => {
      const bytes = emitEthernetHeader(each);
      const { payloadOffset, ...read } = parseEthernetHeader(bytes);
      assert.equal(payloadOffset, bytes.length);
      assert.deepEqual(read, each);
    }),
  );
});
