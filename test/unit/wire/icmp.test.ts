/** "Fragmentation needed" (RFC 792, RFC 1191) and "packet too big" (RFC 4443), built from the packet that did not fit. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { emitFragmentationNeeded, emitPacketTooBig } from '../../../firmware/wire/icmp.js';
import { internetChecksum, onesComplementSum, parseAddress } from '../../../firmware/wire/ip.js';
import { toHex } from '../../vectors/vectors.js';

const BEFORE = 3;
const PACKET_OFFSET = 5;

interface Ipv4Fields {
  protocol?: number;
  source?: string;
  destination?: string;
  fragmentOffset?: number;
  payload?: Uint8Array;
}

function ipv4Packet(fields: Ipv4Fields = {}): Uint8Array {
  const { protocol = 17, source = '10.0.0.7', destination = '192.0.2.80', fragmentOffset = 0 } = fields;
  const payload = fields.payload ?? new Uint8Array(1480).fill(0xaa);
  const total = 20 + payload.length;
  const head = [
    0x45,
    0,
    total >>> 8,
    total,
    0x12,
    0x34,
    0x40 | (fragmentOffset >>> 8),
    fragmentOffset,
    64,
    protocol,
    0,
    0,
  ];
  return Uint8Array.of(...head, ...parseAddress(source), ...parseAddress(destination), ...payload);
}

function ipv6Packet(
  nextHeader = 17,
  source = '2001:db8::7',
  destination = '2001:db8:f::80',
  payload = new Uint8Array(1460),
): Uint8Array {
  const head = [0x60, 0, 0, 0, payload.length >>> 8, payload.length, nextHeader, 64];
  return Uint8Array.of(...head, ...parseAddress(source), ...parseAddress(destination), ...payload);
}

/** The answer, built at an offset from a packet at an offset, with a check that nothing else was touched. */
function answer(
  build: typeof emitFragmentationNeeded,
  packet: Uint8Array,
  router: string,
  mtu_bytes: number,
): Uint8Array {
  const out = new Uint8Array(1400).fill(0xee);
  const batch = Uint8Array.of(...new Uint8Array(PACKET_OFFSET), ...packet, 0xff);
  const length = build(out, BEFORE, batch, PACKET_OFFSET, packet.length, parseAddress(router), mtu_bytes);
  assert.ok(
    out.subarray(0, BEFORE).every((byte) => byte === 0xee),
    'nothing in front is written',
  );
  assert.ok(
    out.subarray(BEFORE + length).every((byte) => byte === 0xee),
    'nothing behind is written',
  );
  return out.subarray(BEFORE, BEFORE + length);
}

test('RFC 1191 4: type 3, code 4, the MTU in the low half of the second word, the packet behind', () => {
  const packet = ipv4Packet();
  const error = answer(emitFragmentationNeeded, packet, '10.0.0.1', 1400);
  assert.equal(toHex(error.subarray(0, 10)), '45c00240000000004001');
  assert.equal(toHex(error.subarray(12, 20)), '0a0000010a000007');
  assert.equal(internetChecksum(error, 0, 20), 0);
  assert.equal(toHex(error.subarray(20, 22)), '0304');
  assert.equal(toHex(error.subarray(24, 28)), '00000578');
  assert.equal(internetChecksum(error, 20, error.length - 20), 0);
  assert.equal(toHex(error.subarray(28)), toHex(packet.subarray(0, 548)));
});

test('RFC 1812 4.3.2.3: the error has at most 576 octets, and all of a packet that is shorter', () => {
  assert.equal(answer(emitFragmentationNeeded, ipv4Packet(), '10.0.0.1', 1400).length, 576);
  const short = ipv4Packet({ payload: new Uint8Array(100) });
  assert.equal(answer(emitFragmentationNeeded, short, '10.0.0.1', 68).length, 28 + 120);
});

const SILENT_IPV4: readonly [string, Uint8Array][] = [
  ['a fragment that is not the first', ipv4Packet({ fragmentOffset: 1 })],
  ['a fragment at 8 times 256 octets', ipv4Packet({ fragmentOffset: 0x100 })],
  ['an ICMP error: destination unreachable', ipv4Packet({ protocol: 1, payload: new Uint8Array(1480).fill(3) })],
  ['an ICMP error: time exceeded', ipv4Packet({ protocol: 1, payload: new Uint8Array(1480).fill(11) })],
  ['an ICMP redirect', ipv4Packet({ protocol: 1, payload: new Uint8Array(1480).fill(5) })],
  ['an ICMP packet without a type', ipv4Packet({ protocol: 1, payload: new Uint8Array(0) })],
  ['a packet from no address', ipv4Packet({ source: '0.0.0.0' })],
  ['a packet from a loopback address', ipv4Packet({ source: '127.0.0.1' })],
  ['a packet from a multicast address', ipv4Packet({ source: '224.0.0.1' })],
  ['a packet to a multicast address', ipv4Packet({ destination: '239.1.2.3' })],
  ['a broadcast', ipv4Packet({ destination: '255.255.255.255' })],
  ['19 octets', ipv4Packet().subarray(0, 19)],
  ['an IPv6 packet', ipv6Packet()],
];

for (const [what, packet] of SILENT_IPV4) {
  test(`RFC 1812 4.3.2.7: no error is sent about ${what}`, () => {
    assert.equal(answer(emitFragmentationNeeded, packet, '10.0.0.1', 1400).length, 0);
  });
}

test('RFC 1812 4.3.2.7: an echo request that does not fit is answered', () => {
  const echo = ipv4Packet({ protocol: 1, payload: new Uint8Array(1480).fill(8) });
  assert.equal(answer(emitFragmentationNeeded, echo, '10.0.0.1', 1400).length, 576);
});

test('RFC 4443 3.2: type 2, code 0, the MTU in 32 bits, the packet behind', () => {
  const packet = ipv6Packet();
  const error = answer(emitPacketTooBig, packet, 'fe80::1', 1400);
  const payload_bytes = error.length - 40;
  assert.equal(toHex(error.subarray(0, 8)), `60000000${payload_bytes.toString(16).padStart(4, '0')}3a40`);
  assert.equal(toHex(error.subarray(8, 24)), toHex(parseAddress('fe80::1')));
  assert.equal(toHex(error.subarray(24, 40)), toHex(parseAddress('2001:db8::7')));
  assert.equal(toHex(error.subarray(40, 42)), '0200');
  assert.equal(toHex(error.subarray(44, 48)), '00000578');
  const pseudoHeader = onesComplementSum(error, 8, 32, payload_bytes + 58);
  assert.equal(internetChecksum(error, 40, payload_bytes, pseudoHeader), 0);
  assert.equal(toHex(error.subarray(48)), toHex(packet.subarray(0, error.length - 48)));
});

test('RFC 4443 3.2: the error has at most 1280 octets, and all of a packet that is shorter', () => {
  assert.equal(answer(emitPacketTooBig, ipv6Packet(), 'fe80::1', 1400).length, 1280);
  const short = ipv6Packet(17, '2001:db8::7', '2001:db8:f::80', new Uint8Array(10));
  assert.equal(answer(emitPacketTooBig, short, 'fe80::1', 1280).length, 48 + 50);
});

test('RFC 4443 2.4 e.3: a packet to a multicast address that is too big is answered', () => {
  assert.equal(answer(emitPacketTooBig, ipv6Packet(17, '2001:db8::7', 'ff0e::1'), 'fe80::1', 1400).length, 1280);
});

const SILENT_IPV6: readonly [string, Uint8Array][] = [
  ['an ICMPv6 error', ipv6Packet(58, '2001:db8::7', '2001:db8:f::80', new Uint8Array(1460).fill(1))],
  ['an ICMPv6 redirect', ipv6Packet(58, '2001:db8::7', '2001:db8:f::80', new Uint8Array(1460).fill(137))],
  ['an ICMPv6 packet without a type', ipv6Packet(58, '2001:db8::7', '2001:db8:f::80', new Uint8Array(0))],
  ['a packet from no address', ipv6Packet(17, '::')],
  ['a packet from a multicast address', ipv6Packet(17, 'ff02::1')],
  ['39 octets', ipv6Packet().subarray(0, 39)],
  ['an IPv4 packet', ipv4Packet()],
];

for (const [what, packet] of SILENT_IPV6) {
  test(`RFC 4443 2.4 e: no error is sent about ${what}`, () => {
    assert.equal(answer(emitPacketTooBig, packet, 'fe80::1', 1400).length, 0);
  });
}

test('RFC 4443 2.4: an echo request that does not fit is answered', () => {
  const echo = ipv6Packet(58, '2001:db8::7', '2001:db8:f::80', new Uint8Array(1460).fill(128));
  assert.equal(answer(emitPacketTooBig, echo, 'fe80::1', 1400).length, 1280);
});
