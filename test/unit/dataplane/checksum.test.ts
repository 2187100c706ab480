/** Ones' complement sums over a memory, plain and with WebAssembly: RFC 1071, and the pseudo-headers of RFC 9293 and 8200. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import {
  type Checksums,
  foldSum,
  plainChecksums,
  pseudoHeaderSumIpv4,
  pseudoHeaderSumIpv6,
} from '../../../firmware/dataplane/checksum.js';
import { checksumsOf } from '../../../firmware/dataplane/checksum-simd.js';
import { onesComplementSum } from '../../../firmware/wire/ip.js';
import { bytesOf } from './harness.js';
import { ipv4, ipv6 } from './packets.js';

const PAGE_BYTES = 0x10000;
const memory = new WebAssembly.Memory({ initial: 4, maximum: 4 });
const octets = new Uint8Array(memory.buffer);
const both: readonly (readonly [string, Checksums])[] = [
  ['plain', plainChecksums(octets)],
  ['WebAssembly', checksumsOf(memory)],
];

/** Fills the memory with octets that depend on `seed`, as random as a checksum needs. */
function fill(seed: number): void {
  let state = seed | 1;
  for (let i = 0; i < octets.length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    octets[i] = state >>> 24;
  }
}

for (const [kind, checksums] of both) {
  describe(`ones' complement sums, ${kind}`, () => {
    test('RFC 1071 section 3: 00 01 f2 03 f4 f5 f6 f7 add up to ddf2', () => {
      octets.set(bytesOf('0001 f203 f4f5 f6f7'), 64);
      assert.equal(checksums.sum(64, 8, 0), 0xddf2);
    });

    test('RFC 1071 section 3: an odd number of octets, the last one is the high half of a word', () => {
      octets.set(bytesOf('0001 f2ff'), 64);
      assert.equal(checksums.sum(64, 3, 0), 0xf201);
    });

    test('RFC 1071 section 2: the sum of a part goes on in the next one', () => {
      octets.set(bytesOf('0001 f203 f4f5 f6f7'), 64);
      assert.equal(checksums.sum(68, 4, checksums.sum(64, 4, 0)), 0xddf2);
      assert.equal(checksums.sum(68, 4, 0x0001f203), 0xddf2, 'a sum that is not folded yet');
      assert.equal(checksums.sum(68, 4, 0xffffffff), onesComplementSum(octets, 68, 4, 0xffffffff));
    });

    test('nothing adds nothing; zeros stay zero and ones stay ones', () => {
      octets.fill(0, 0, 200).fill(0xff, 200, 400);
      for (const offset of [0, 1, 2, 3]) {
        assert.equal(checksums.sum(offset, 0, 0), 0);
        assert.equal(checksums.sum(offset, 0, 0xfffe), 0xfffe);
        assert.equal(checksums.sum(offset, 190, 0), 0);
        assert.equal(checksums.sum(200 + offset, 190, 0), 0xffff);
      }
    });

    test('all lengths up to 300 octets at all alignments', () => {
      fill(1);
      for (let offset = 0; offset < 32; offset++) {
        for (let length_bytes = 0; length_bytes <= 300; length_bytes++) {
          const sum = onesComplementSum(octets, offset, length_bytes, 0xbeef);
          assert.equal(checksums.sum(offset, length_bytes, 0xbeef), sum, `${length_bytes} octets from ${offset}`);
        }
      }
    });

    test('any length up to 2**17 anywhere', () => {
      const place = fc.integer({ min: 0, max: octets.length });
      const lengths = fc.oneof(fc.constantFrom(0, 1, 1399, 1400, 65_535, 65_536, 65_537, 2 ** 17), fc.nat(2 ** 17));
      fc.assert(
        fc.property(fc.integer(), place, lengths, fc.nat(0xffffffff), (seed, at, length_bytes, start) => {
          if (seed % 7 === 0) octets.fill(0xff);
          else fill(seed);
          const length = Math.min(length_bytes, octets.length - at);
          assert.equal(checksums.sum(at, length, start), onesComplementSum(octets, at, length, start));
        }),
        { numRuns: 60 },
      );
    });

    test('what lies around it does not count', () => {
      octets.fill(0xa5, 0, PAGE_BYTES).fill(0, 1001, 1001 + 77);
      assert.equal(checksums.sum(1001, 77, 0), 0);
    });

    test('RFC 9293 section 3.1: the pseudo-header of an IPv4 packet', () => {
      const packet = bytesOf(ipv4({ source: '192.0.2.1', destination: '198.51.100.9', options: '01010101' }));
      octets.set(packet, 131);
      const pseudoHeader = bytesOf('c0000201 c6336409 00 06 0014');
      assert.equal(pseudoHeaderSumIpv4(checksums, 131, 6, 0x14), onesComplementSum(pseudoHeader, 0, 12));
    });

    test('RFC 8200 section 8.1: the pseudo-header of an IPv6 packet', () => {
      octets.set(bytesOf(ipv6({ source: '2001:db8::1', destination: '2001:db8::ffff' })), 130);
      const pseudoHeader = bytesOf(
        '20010db8000000000000000000000001 20010db800000000000000000000ffff 0000 1234 000000 11',
      );
      assert.equal(pseudoHeaderSumIpv6(checksums, 130, 17, 0x1234), onesComplementSum(pseudoHeader, 0, 40));
    });
  });
}

test('plain sums of a part of a buffer that begins anywhere', () => {
  fill(3);
  for (let base = 0; base < 5; base++) {
    const part = octets.subarray(base, base + 1000);
    const checksums = plainChecksums(part);
    for (const [offset, length_bytes] of [
      [0, 1000],
      [1, 998],
      [2, 7],
      [3, 0],
    ] as const) {
      assert.equal(checksums.sum(offset, length_bytes, 0), onesComplementSum(part, offset, length_bytes));
    }
  }
});

test('WebAssembly reads nothing outside the memory, and is what runs here', () => {
  fill(4);
  assert.throws(() => checksumsOf(memory).sum(octets.length - 64, 65, 0), WebAssembly.RuntimeError);
});

test('folding: end-around carries until none is left', () => {
  assert.equal(foldSum(0), 0);
  assert.equal(foldSum(0xffff), 0xffff);
  assert.equal(foldSum(0x10000), 1);
  assert.equal(foldSum(0x1ffff), 1);
  assert.equal(foldSum(0xffffffff), 0xffff);
  assert.equal(foldSum(0xfffeffff), 0xfffe);
});
