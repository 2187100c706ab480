/** Whatever comes: nothing is thrown, nothing is written outside a packet's slot, nothing is allocated. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { addressWords } from '../../../firmware/dataplane/address.js';
import { copyAddress, HEADROOM_BYTES, type PacketBatch, SLOT_BYTES } from '../../../firmware/dataplane/packet-batch.js';
import { bytesOf, Harness, hex, lacRow, lnsRow, PEER } from './harness.js';
import { ipv4, ipv6, tcp, udp } from './packets.js';

const BATCH = 4;
const BUILD_SLOTS = 8;
/** What lies in memory that must stay as it is. */
const UNTOUCHED = 0xa5;

function open(): Harness {
  const harness = new Harness({ batch: BATCH, buildSlots: BUILD_SLOTS });
  harness.forwarder.addSession(lnsRow({ mssClamp_bytes: 500, mtu_bytes: 576, sources: ['0.0.0.0/0', '::/0'] }));
  harness.forwarder.addSession(
    lacRow({ sessionId: 0x0102, allowTunnelIdZero: true, transmitPfc: true, sequencing: true, mtu_bytes: 68 }),
  );
  return harness;
}

/** Random bytes, and packets whose first bytes are right, so that the checks behind them are reached. */
const random = fc.uint8Array({ maxLength: 1984 });
const seeds = [
  '0002 0a0a 0101 ff03 0021',
  '4802 0040 0a0a 0101 0001 0000 0021',
  '0202 0a0a 0101 0004 00000000 57',
  '0002 0000 0102 ff03',
  hex('0002 0a0a 0101 0021', ipv4({ protocol: 6, payload: tcp(2, '0103 0307 0204 05b4', '10.64.0.7', '8.8.8.8') })),
  hex('0002 0a0a 0101 0057', ipv6({ nextHeader: 6, payload: tcp(2, '020405b4', '::1', '::2') })),
  hex('0002 0a0a 0101 0021', ipv4({ protocol: 17, payload: udp(67) })),
  ipv4({ destination: '10.64.0.7', protocol: 6, payload: tcp(2, '020405b4', '8.8.8.8', '10.64.0.7') }),
  ipv4({ destination: '10.64.0.7', options: '94040000 0703 0400 0000 0000', payload: '00'.repeat(1500) }),
  ipv4({ destination: '10.64.0.7', fragment: 0x4000, payload: '00'.repeat(1500) }),
  ipv6({ destination: '2001:db8:7::7', payload: '00'.repeat(1500) }),
].map(bytesOf);
const mutated = fc
  .tuple(fc.constantFrom(...seeds), random, fc.array(fc.tuple(fc.nat(1983), fc.nat(255)), { maxLength: 4 }))
  .map(([seed, tail, changes]) => {
    const packet = new Uint8Array(Math.min(1984, seed.length + tail.length));
    packet.set(seed);
    packet.set(tail.subarray(0, packet.length - seed.length), seed.length);
    for (const [at, value] of changes) if (at < packet.length) packet[at] = value;
    return packet;
  });
const packets = fc.array(fc.oneof(random, mutated), { minLength: 1, maxLength: BATCH });

function fillWith(harness: Harness, list: readonly Uint8Array[]): void {
  const peer = addressWords(PEER);
  harness.memory.fill(UNTOUCHED);
  harness.input.count = 0;
  for (const [slot, packet] of list.entries()) {
    const room = harness.inputSlots.room(slot);
    harness.memory.set(packet, room);
    harness.input.append(room, packet.length, 0);
    copyAddress(harness.input.peerAddress, slot, peer, 0);
  }
}

/** Every packet that is put out lies within one slot. */
function assertWithinSlots(batch: PacketBatch): void {
  for (let i = 0; i < batch.count; i++) {
    const start = batch.offset[i]!;
    const end = start + batch.length_bytes[i]!;
    assert.ok(end <= (Math.floor(start / SLOT_BYTES) + 1) * SLOT_BYTES, `${start} to ${end}`);
  }
}

/** Of a packet that came, its headroom and itself alone may have been written to. */
function assertUntouched(harness: Harness, list: readonly Uint8Array[], start_bytes: number): void {
  for (let slot = 0; slot < BATCH; slot++) {
    const room = harness.inputSlots.room(slot);
    const length_bytes = list[slot]?.length ?? 0;
    const before = harness.memory.subarray(room - HEADROOM_BYTES, room - start_bytes);
    const after = harness.memory.subarray(room + length_bytes, room - HEADROOM_BYTES + SLOT_BYTES);
    assert.ok(before.every((byte) => byte === UNTOUCHED) && after.every((byte) => byte === UNTOUCHED), `slot ${slot}`);
  }
}

describe('whatever comes', () => {
  test('from the network: nothing is thrown, nothing written but within the packets', () => {
    fc.assert(
      fc.property(packets, (list) => {
        const harness = open();
        fillWith(harness, list);
        harness.forwarder.forwardUpstream(harness.input, 'udp', 0);
        const { output } = harness.forwarder;
        for (const batch of [output.toTun, output.ppp, output.control, output.strangers]) assertWithinSlots(batch);
        for (const batch of output.toPeers) assert.equal(batch.count, 0);
        assertUntouched(harness, list, 0);
      }),
      { numRuns: 500 },
    );
  });

  for (const tun of [0, 1]) {
    test(`from TUN device ${tun}: nothing is thrown, nothing written but packets, 14 octets in front, and free slots`, () => {
      fc.assert(
        fc.property(packets, (list) => {
          const harness = open();
          fillWith(harness, list);
          harness.forwarder.forwardDownstream(harness.input, tun, 0);
          const { output } = harness.forwarder;
          for (const batch of [output.toTun, ...output.toPeers]) assertWithinSlots(batch);
          assertUntouched(harness, list, 14);
        }),
        { numRuns: 500 },
      );
    });
  }

  test('what is forwarded is never longer than what the session takes', () => {
    fc.assert(
      fc.property(packets, (list) => {
        const harness = open();
        fillWith(harness, list);
        harness.forwarder.forwardDownstream(harness.input, 1, 0);
        const [toIpv4Peers] = harness.forwarder.output.toPeers;
        for (let i = 0; i < toIpv4Peers!.count; i++) assert.ok(toIpv4Peers!.length_bytes[i]! <= 68 + 14);
      }),
      { numRuns: 500 },
    );
  });

  test('every packet that came is forwarded, punted or counted once', () => {
    fc.assert(
      fc.property(packets, (list) => {
        const harness = open();
        const { drops, toTun, ppp, control, strangers } = harness.observe(() => {
          fillWith(harness, list);
          harness.forwarder.forwardUpstream(harness.input, 'udp', 0);
        });
        const dropped = Object.values(drops).reduce((sum, count) => sum + count, 0);
        assert.equal(dropped + toTun.length + ppp.length + control.length + strangers.length, list.length);
      }),
      { numRuns: 500 },
    );
  });
});

describe('memory', () => {
  const ROUNDS = 9;
  const upstream = [
    hex('0002 0a0a 0101 ff03 0021', ipv4({ protocol: 6, payload: tcp(2, '020405b4', '10.64.0.7', '8.8.8.8') })),
    hex('0802 0a0a 0101 0001 0000 ff03 0057', ipv6()),
    hex('0002 0a0a 0999 ff03 0021', ipv4()),
    hex('0002 0a0a 0101 ff03 c021 09010008 00000000'),
  ].map(bytesOf);
  const downstream = [
    ipv4({ destination: '10.64.0.7' }),
    ipv6({ destination: '2001:db8:7::7' }),
    ipv4({ destination: '10.64.0.7', payload: '00'.repeat(900) }),
    ipv4({ destination: '10.64.0.7', fragment: 0x4000, payload: '00'.repeat(900) }),
  ].map(bytesOf);

  for (const [name, list, forward] of [
    ['the network', upstream, (harness: Harness) => harness.forwarder.forwardUpstream(harness.input, 'udp', 0)],
    ['a TUN device', downstream, (harness: Harness) => harness.forwarder.forwardDownstream(harness.input, 0, 0)],
  ] as const) {
    test(`100,000 packets from ${name} allocate nothing`, () => {
      const harness = open();
      const run = (batches: number) => {
        for (let i = 0; i < batches; i++) {
          for (let slot = 0; slot < list.length; slot++) {
            // Written octet by octet: a view to copy with would be an allocation of the test's own.
            const room = harness.inputSlots.room(slot);
            const packet = list[slot]!;
            for (let at = 0; at < packet.length; at++) harness.memory[room + at] = packet[at]!;
          }
          forward(harness);
          harness.forwarder.output.clear();
        }
      };
      fillWith(harness, list);
      // Until it is compiled, and while the collector is at work, a round says nothing: the middle one of many does.
      const grown_bytes = Array.from({ length: ROUNDS }, () => {
        const before_bytes = process.memoryUsage().heapUsed;
        run(100_000 / list.length);
        return process.memoryUsage().heapUsed - before_bytes;
      });
      const middle_bytes = grown_bytes.sort((one, other) => one - other)[(ROUNDS - 1) / 2]!;
      // A single object for each packet would be at least 1.6 MB.
      assert.ok(Math.abs(middle_bytes) < 200_000, `${middle_bytes} bytes`);
    });
  }
});
