/** The blocks of the file, octet by octet, and the headers of IP and UDP that are built anew. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { outerHeaders } from '../../../../firmware/control/capture/outer-headers.js';
import {
  enhancedPacket,
  interfaceDescription,
  interfaceStatistics,
  sectionHeader,
} from '../../../../firmware/control/capture/pcapng.js';
import { internetChecksum } from '../../../../firmware/wire/ip.js';
import { captured, hexOf } from './packets.js';

const hex = (text: string) => text.replaceAll(/\s+/g, '');

test('a section header: byte order, version 1.0, hardware and program', () => {
  assert.equal(
    hexOf(sectionHeader('tw 1', 'arm')),
    hex(`0a0d0d0a 30000000 4d3c2b1a 0100 0000 ffffffffffffffff
         0200 0300 61726d00  0400 0400 74772031  00000000 30000000`),
  );
});

test('an interface: link type, no limit, name, description, microseconds', () => {
  assert.equal(
    hexOf(interfaceDescription(101, 'l2tp', 'IP', 0)),
    hex(
      '01000000 30000000 6500 0000 00000000 0200 0400 6c327470 0300 0200 49500000 0900 0100 06000000 00000000 30000000',
    ),
  );
});

test('a packet: interface, time, lengths, padding, direction, comment', () => {
  const packet = { interfaceNumber: 1, time_us: 2 ** 32 + 5, octets: Uint8Array.of(1, 2, 3, 4, 5), wire_bytes: 1500 };
  assert.equal(
    hexOf(enhancedPacket({ ...packet, isSent: true, comment: 'cut' })),
    hex(`06000000 3c000000 01000000 01000000 05000000 05000000 dc050000
         01020304 05000000 0200 0400 02000000 0100 0300 63757400 00000000 3c000000`),
  );
});

test('statistics: packets seen, and those that are not in the file', () => {
  assert.equal(
    hexOf(interfaceStatistics(0, 7, 10, 3)),
    hex(`05000000 34000000 00000000 00000000 07000000
         0400 0800 0a00000000000000 0500 0800 0300000000000000 00000000 34000000`),
  );
});

test('UDP over IPv4: ends and ports by direction, right checksums', () => {
  const data = '0002 0a0a 0101 ff03 c021 0901 0008 00000000';
  for (const isSent of [false, true]) {
    const packet = captured(data, { isSent, peerPort: 40_000 });
    const headers = outerHeaders(packet, 1701);
    const ends = isSent ? 'c0000202 c0000201' : 'c0000201 c0000202';
    assert.equal(hexOf(headers.subarray(0, 10)), hex('4500 002e 0000 4000 4011'));
    assert.equal(hexOf(headers.subarray(12, 20)), hex(ends));
    assert.equal(hexOf(headers.subarray(20, 26)), hex(isSent ? '06a5 9c40 001a' : '9c40 06a5 001a'));
    assert.equal(internetChecksum(headers, 0, 20), 0);
    const covered = Buffer.concat([
      headers.subarray(12, 20),
      Buffer.from('0011001a', 'hex'),
      headers.subarray(20),
      packet.octets,
    ]);
    assert.equal(internetChecksum(covered, 0, covered.length), 0);
  }
});

test('of a packet that was cut the lengths are those of the wire, and UDP has no checksum', () => {
  const headers = outerHeaders(captured('0002 0a0a 0101', { wire_bytes: 1000 }), 1701);
  assert.equal(hexOf(headers.subarray(2, 4)), (1028).toString(16).padStart(4, '0'));
  assert.equal(hexOf(headers.subarray(24)), hex('03f0 0000'));
});

test('IP 115 over IPv6', () => {
  const ends = [1, 2].map(
    (last) => new Uint32Array(Uint8Array.of(0x20, 1, 0xd, 0xb8, ...new Array(11).fill(0), last).buffer),
  );
  const packet = captured('87654321 ff03', { kind: 'ip', peerPort: 0, peerAddress: ends[0]!, localAddress: ends[1]! });
  const headers = outerHeaders(packet, 1701);
  const [peer, local] = ends.map((words) => hexOf(new Uint8Array(words.buffer)));
  assert.equal(hexOf(headers), hex(`60000000 0006 73 40 ${peer} ${local}`));
});
