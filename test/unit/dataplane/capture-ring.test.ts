/** The ring of a capture: what goes in comes out, the oldest goes first, and a slow reader loses but never mixes. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  CaptureRingReader,
  CaptureRingWriter,
  captureRingTotals,
  createCaptureRing,
  MIN_RING_BYTES,
  PAYLOAD_AT_SHIFT,
  RECORD,
} from '../../../firmware/dataplane/capture-ring.js';

const MEMORY = Uint8Array.from({ length: 8192 }, (_, i) => (i * 7 + (i >>> 8)) & 0xff);
const WORDS = new Int32Array(MEMORY.buffer);
const LOCAL = Uint32Array.of(1, 2, 3, 4);
const PEER = Uint32Array.of(0, 0, 0, 0, 5, 6, 7, 8);
const TIME_US = 1_790_000_000_123_456;

function timed(writer: CaptureRingWriter, time_us: number): void {
  writer.time((time_us % 2 ** 32) | 0, Math.floor(time_us / 2 ** 32));
}

/** Writes a packet of which the head lies at `at`, and the tail at `tail`. */
function put(writer: CaptureRingWriter, number: number, at: number, length: number, tail = 0, tail_bytes = 0): void {
  writer.begin(length, tail_bytes, length + tail_bytes, RECORD.udp | RECORD.sent);
  timed(writer, TIME_US + number);
  writer.session(number, 0xffff_fff0);
  writer.ends(LOCAL, 0, PEER, 1, 1701);
  writer.head(WORDS, at, length);
  if (tail_bytes > 0) writer.tail(WORDS, tail, tail_bytes);
  writer.commit();
}

function all(memory: SharedArrayBuffer) {
  const reader = new CaptureRingReader(memory);
  const packets = [];
  for (let packet = reader.next(); packet !== undefined; packet = reader.next()) packets.push(packet);
  return packets;
}

test('a packet comes out as it went in, with its ends, session, time and both its pieces', () => {
  const memory = createCaptureRing(MIN_RING_BYTES);
  const writer = new CaptureRingWriter(memory);
  writer.begin(5, 6, 2000, RECORD.ip | RECORD.control | RECORD.ethernet | (12 << PAYLOAD_AT_SHIFT));
  timed(writer, TIME_US);
  writer.session(0xf000_0001, 9);
  writer.ends(LOCAL, 0, PEER, 1, 40_000);
  writer.head(WORDS, 13, 5);
  writer.tail(WORDS, 102, 6);
  writer.commit();
  assert.deepEqual(all(memory), [
    {
      ...{ time_us: TIME_US, sessionId: 0xf000_0001, generation: 9, kind: 'ip', isSent: false, isControl: true },
      ...{ carriesEthernet: true, payloadAt: 12, wire_bytes: 2000, peerPort: 40_000, interfaceIndex: 0 },
      octets: Uint8Array.of(...MEMORY.subarray(13, 18), ...MEMORY.subarray(102, 108)),
      localAddress: LOCAL,
      peerAddress: PEER.slice(4),
    },
  ]);
  assert.deepEqual(captureRingTotals(memory), { packets: 1, octets: 2000, overwritten: 0 });
});

test('a full ring has the newest packets, in order, and says how many it no longer has', () => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ at: fc.nat(4000), length: fc.integer({ min: 1, max: 2048 }), tail_bytes: fc.nat(1500) }), {
        minLength: 100,
        maxLength: 400,
      }),
      (packets) => {
        const memory = createCaptureRing(MIN_RING_BYTES);
        const writer = new CaptureRingWriter(memory);
        for (const [i, { at, length, tail_bytes }] of packets.entries()) put(writer, i, at, length, 5000, tail_bytes);
        const left = all(memory);
        const { packets: written, overwritten, octets } = captureRingTotals(memory);
        assert.equal(written, packets.length);
        assert.equal(
          octets,
          packets.reduce((sum, { length, tail_bytes }) => sum + length + tail_bytes, 0),
        );
        assert.equal(left.length, packets.length - overwritten);
        for (const [i, packet] of left.entries()) {
          const { at, length, tail_bytes } = packets[overwritten + i]!;
          assert.equal(packet.sessionId, overwritten + i);
          assert.equal(packet.time_us, TIME_US + overwritten + i);
          const octets = [...MEMORY.subarray(at, at + length), ...MEMORY.subarray(5000, 5000 + tail_bytes)];
          assert.deepEqual([...packet.octets], octets);
        }
      },
    ),
    { numRuns: 30 },
  );
});

test('a reader that is overtaken goes on with what there is, and ends where the ring was when it began', () => {
  const memory = createCaptureRing(MIN_RING_BYTES);
  const writer = new CaptureRingWriter(memory);
  for (let i = 0; i < 40; i++) put(writer, i, i, 1400);
  const reader = new CaptureRingReader(memory);
  assert.equal(reader.next()?.sessionId, 0);
  for (let i = 40; i < 60; i++) put(writer, i, i, 1400);
  const rest: number[] = [];
  for (let packet = reader.next(); packet !== undefined; packet = reader.next()) rest.push(packet.sessionId);
  const first = captureRingTotals(memory).overwritten;
  assert.ok(first > 1 && first < 40);
  assert.deepEqual(
    rest,
    Array.from({ length: 40 - first }, (_, i) => first + i),
  );
  for (let i = 60; i < 200; i++) put(writer, i, i, 1400);
  const late = new CaptureRingReader(memory);
  for (let i = 200; i < 400; i++) put(writer, i, i, 1400);
  assert.equal(late.next(), undefined);
});

test('positions come round after 2**32 units: nothing is lost or doubled', () => {
  const memory = createCaptureRing(MIN_RING_BYTES);
  const writer = new CaptureRingWriter(memory, 0xffff_ff00 | 0);
  for (let i = 0; i < 30; i++) put(writer, i, 3 * i, 1000);
  assert.deepEqual(
    all(memory).map(({ sessionId }) => sessionId),
    Array.from({ length: 30 }, (_, i) => i),
  );
});

test('a ring whose size is no power of two, or too short, is refused', () => {
  for (const size_bytes of [0, 32_768, 65_537, 100_000, Number.NaN]) {
    assert.throws(() => createCaptureRing(size_bytes), RangeError);
  }
});

test('memory with anything in it gives packets or none, and never an error', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 4096, maxLength: 4096 }), (noise) => {
      const memory = createCaptureRing(MIN_RING_BYTES);
      new Uint8Array(memory).set(noise, 0);
      const reader = new CaptureRingReader(memory);
      for (let i = 0; i < 2000 && reader.next() !== undefined; i++);
    }),
    { numRuns: 200 },
  );
});
