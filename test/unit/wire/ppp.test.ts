/** PPP framing, control packets and lists of options: RFC 1661 sections 2, 5 and 6. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ProtocolError } from '../../../firmware/wire/bytes.js';
import {
  emitOptions,
  emitPppControlPacket,
  emitPppFrame,
  PPP_PROTOCOL,
  parseOptions,
  parsePppControlPacket,
  parsePppFrame,
} from '../../../firmware/wire/ppp.js';
import { fromHex, toHex } from '../../vectors/vectors.js';

/** One frame in each of its four shapes; RFC 1661 sections 6.5 (PFC) and 6.6 (ACFC). */
const SHAPES: readonly { addressControl: boolean; protocolFieldCompression: boolean; ipv4: string; lcp: string }[] = [
  { addressControl: true, protocolFieldCompression: false, ipv4: 'ff03 0021 4500', lcp: 'ff03 c021 0100' },
  { addressControl: true, protocolFieldCompression: true, ipv4: 'ff03 21 4500', lcp: 'ff03 c021 0100' },
  { addressControl: false, protocolFieldCompression: false, ipv4: '0021 4500', lcp: 'c021 0100' },
  { addressControl: false, protocolFieldCompression: true, ipv4: '21 4500', lcp: 'c021 0100' },
];

for (const { ipv4, lcp, ...options } of SHAPES) {
  const shape = `address and control ${options.addressControl ? 'there' : 'compressed'}, PFC ${options.protocolFieldCompression}`;

  test(`RFC 1661 2: a frame with ${shape} is written and read`, () => {
    const information = fromHex('4500');
    assert.equal(toHex(emitPppFrame({ protocol: PPP_PROTOCOL.ipv4, information }, options)), toHex(fromHex(ipv4)));
    const frame = parsePppFrame(fromHex(ipv4));
    assert.equal(frame.protocol, PPP_PROTOCOL.ipv4);
    assert.equal(toHex(frame.information), '4500');
  });

  test(`RFC 1661 6.5: a protocol number above 255 keeps its two octets with ${shape}`, () => {
    const information = fromHex('0100');
    assert.equal(toHex(emitPppFrame({ protocol: PPP_PROTOCOL.lcp, information }, options)), toHex(fromHex(lcp)));
    assert.equal(parsePppFrame(fromHex(lcp)).protocol, PPP_PROTOCOL.lcp);
  });
}

test('RFC 1661 2: a frame may end with its protocol number', () => {
  assert.deepEqual(parsePppFrame(fromHex('ff0357')), { protocol: PPP_PROTOCOL.ipv6, information: new Uint8Array(0) });
});

for (const frame of ['', 'ff03', 'ff03c0', 'c0', '00', '0020', '2000', 'ff030000', 'ff03c020']) {
  test(`RFC 1661 2: ${frame === '' ? 'nothing' : frame} has no protocol number that ends in an odd octet`, () => {
    assert.throws(() => parsePppFrame(fromHex(frame)), ProtocolError);
  });
}

test('RFC 1661 5: a control packet is written with its Length and read', () => {
  const packet = { code: 1, identifier: 0x7e, data: fromHex('0104 05dc') };
  assert.equal(toHex(emitPppControlPacket(packet)), '017e0008010405dc');
  assert.deepEqual(parsePppControlPacket(fromHex('017e0008010405dc')), packet);
});

test('RFC 1661 5: octets beyond Length are padding', () => {
  assert.equal(toHex(parsePppControlPacket(fromHex('0901 0006 aabb 0000 00')).data), 'aabb');
});

for (const packet of ['', '01', '0101', '010100', '01010000', '01010003', '01010005', '0101ffff00']) {
  test(`RFC 1661 5: a packet ${packet === '' ? 'of nothing' : packet} with a Length that lies is a ProtocolError`, () => {
    assert.throws(() => parsePppControlPacket(fromHex(packet)), ProtocolError);
  });
}

test('RFC 1661 6: options are read in order, unknown ones with their data, and written as they were', () => {
  const data = fromHex('0104 05dc  0506 01020304  0702  0802  c803 ff');
  const options = parseOptions(data);
  assert.deepEqual(
    options.map(({ type, data: value }) => [type, toHex(value)]),
    [
      [1, '05dc'],
      [5, '01020304'],
      [7, ''],
      [8, ''],
      [200, 'ff'],
    ],
  );
  assert.equal(toHex(emitOptions(options)), toHex(data));
});

test('RFC 1661 6: an empty list is a list', () => {
  assert.deepEqual(parseOptions(new Uint8Array(0)), []);
});

for (const [what, list] of [
  ['a Length of 0', '0100'],
  ['a Length of 1', '0101 05dc'],
  ['a Length beyond the packet', '0104 05'],
  ['a type without Length', '0104 05dc 05'],
  ['a Length of 0 behind a good option', '0702 0500 01020304'],
]) {
  test(`RFC 1661 6: an option with ${what} is a ProtocolError and does not loop`, () => {
    assert.throws(() => parseOptions(fromHex(list)), ProtocolError);
  });
}

test('RFC 1661 6: more data than an option holds is a programming error', () => {
  assert.equal(emitOptions([{ type: 1, data: new Uint8Array(253) }]).length, 255);
  assert.throws(() => emitOptions([{ type: 1, data: new Uint8Array(254) }]), RangeError);
});
