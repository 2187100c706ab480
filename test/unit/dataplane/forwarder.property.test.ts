/** Whatever comes: nothing is thrown, nothing is written outside a packet's slot, nothing is allocated. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { addressWords } from '../../../firmware/dataplane/address.js';
import { readDropCounters } from '../../../firmware/dataplane/counters.js';
import type { SessionRow } from '../../../firmware/dataplane/interface.js';
import { copyAddress, HEADROOM_BYTES, type PacketBatch, SLOT_BYTES } from '../../../firmware/dataplane/packet-batch.js';
import {
  bytesOf,
  ethernetRow,
  Harness,
  HOST_MAC,
  hex,
  INTERFACE,
  LOCAL_MAC,
  lacRow,
  lnsRow,
  PEER,
  pppoeRow,
  version3Row,
} from './harness.js';
import { ipv4, ipv6, tcp, udp } from './packets.js';

const BATCH = 4;
const BUILD_SLOTS = 8;
/** What lies in memory that must stay as it is. */
const UNTOUCHED = 0xa5;

function open(): Harness {
  const harness = new Harness({ batch: BATCH, buildSlots: BUILD_SLOTS, maxSessions: 16 });
  harness.forwarder.addSession(lnsRow({ mssClamp_bytes: 500, mtu_bytes: 576, sources: ['0.0.0.0/0', '::/0'] }));
  harness.forwarder.addSession(
    lacRow({ sessionId: 0x0102, allowTunnelIdZero: true, transmitPfc: true, sequencing: true, mtu_bytes: 68 }),
  );
  harness.forwarder.addSession(version3Row({ localSublayer: true, sources: ['10.65.0.0/16'] }));
  harness.forwarder.addSession(version3Row({ sessionId: 0x1_0001, path: lnsRow().path, sources: [] }));
  harness.forwarder.addSession(
    ethernetRow({ vlanId: 5, mtu_bytes: 576, peerCookie: bytesOf('d1d2d3d4 d5d6d7d8'), peerSublayer: true }),
  );
  const pppoe = (id: number, changes: Partial<SessionRow>, vlanIds: readonly number[] = []) => {
    const tags = vlanIds.map((vlanId) => ({ tagProtocol: 0x8100, priority: 0, dropEligible: false, vlanId }));
    harness.forwarder.addSession(
      pppoeRow({ sessionId: 0xf000_0000 + id, sources: [], ...changes }, { sessionId: id, tags }),
    );
  };
  pppoe(1, { sources: ['10.66.0.7/32'], mtu_bytes: 576 });
  pppoe(2, { relayTo: { sessionId: 0x0201, generation: 7 } }, [100]);
  pppoe(3, { relayTo: { sessionId: 0x0202, generation: 7 }, receiveRate_bps: 1 }, [7, 100]);
  pppoe(4, { hold: true });
  harness.forwarder.addSession(
    lnsRow({ sessionId: 0x0201, sources: [], relayTo: { sessionId: 0xf000_0002, generation: 7 }, sequencing: true }),
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
  hex('c803 0014 00000000 0000 0000 8008 0000 0000 0001'),
  hex('0003 0000 00010001 c1c2c3c4 c5c6c7c8 ff03 0021', ipv4()),
  hex('00000000 c803 0014 00000000 0000 0000 8008 0000 0000 0001'),
  hex('87654321 c1c2c3c4 c5c6c7c8 40000001 ff03 0021', ipv4()),
  '00000064 c1c2c3c4 02000000000a 02000000000b 8100 0005 0800 0000',
  hex('0002 0a0a 0201 ff03 0021', ipv4()),
  '0002 0a0a 0201 ff03 c021 09010008 00000000',
  hex(LOCAL_MAC, HOST_MAC, '8864 1100 0001 001e 0021', ipv4({ source: '10.66.0.7' })),
  hex(LOCAL_MAC, HOST_MAC, '8100 0064 8864 1100 0002 001e 0021', ipv4()),
  hex(LOCAL_MAC, HOST_MAC, '88a8 0007 8100 0064 8864 1100 0003 000a c021 09010008 00000000'),
  hex(LOCAL_MAC, HOST_MAC, '8864 1100 0004 001e 0021', ipv4()),
  hex('ffffffffffff', HOST_MAC, '8863 1109 0000 0004 0101 0000'),
  hex(LOCAL_MAC, HOST_MAC, '8863 11a7 0001 0000'),
  '02000000000a 02000000000b 88a8 0005 8100 0006 0800 0000',
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

/** Behind the addresses and up to two tags, in hexadecimal: RFC 2516 section 4. */
const SESSION_FRAME = /^.{24}(?:(?:8100|88a8).{4}){0,2}8864/;

const sum = (counts: readonly number[]) => counts.reduce((total, count) => total + count, 0);

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
  for (const encapsulation of ['udp', 'ip'] as const) {
    test(`from the network, over ${encapsulation}: nothing is thrown, nothing written but within the packets`, () => {
      fc.assert(
        fc.property(packets, (list) => {
          const harness = open();
          fillWith(harness, list);
          harness.forwarder.forwardUpstream(harness.input, encapsulation, 0);
          const { output } = harness.forwarder;
          const batches = [output.toTun, output.ppp, output.control, output.strangers, output.toInterfaces];
          for (const batch of batches) assertWithinSlots(batch);
          for (const batch of output.toPeers) assert.equal(batch.count, 0);
          // Where a frame is relayed, headers of PPPoE take the place of shorter ones.
          assertUntouched(harness, list, output.toInterfaces.count > 0 ? 22 : 0);
        }),
        { numRuns: 500 },
      );
    });

    test(`every packet that came over ${encapsulation} is forwarded, punted or counted once`, () => {
      fc.assert(
        fc.property(packets, (list) => {
          const harness = open();
          const { drops, ...went } = harness.observe(() => {
            fillWith(harness, list);
            harness.forwarder.forwardUpstream(harness.input, encapsulation, 0);
          });
          assert.equal(sum(Object.values(drops)) + Object.values(went).flat().length, list.length);
        }),
        { numRuns: 500 },
      );
    });
  }

  test('from an Ethernet interface: nothing is thrown, nothing written but within the frames, each goes one way once', () => {
    fc.assert(
      fc.property(packets, (list) => {
        const harness = open();
        const { drops, ...went } = harness.observe(() => {
          fillWith(harness, list);
          harness.forwarder.forwardPppoe(harness.input, INTERFACE, 0);
          const { output } = harness.forwarder;
          const batches = [output.toTun, output.ppp, output.discovery, output.discoveryToAll, ...output.toPeers];
          for (const batch of batches) assertWithinSlots(batch);
          assertUntouched(harness, list, 0);
          // What was kept goes its way, too.
          const changes = { hold: false };
          harness.forwarder.updateSession({ type: 'session-update', sessionId: 0xf000_0004, generation: 7, changes });
        });
        assert.deepEqual([went.control, went.strangers, went.toInterfaces], [[], [], []]);
        // A frame of a session that there is not is dropped, and told of, so that its host can be.
        const strays = went.discoveryToAll.filter(({ frame }) => SESSION_FRAME.test(frame)).length;
        assert.equal(sum(Object.values(drops)) + Object.values(went).flat().length, list.length + strays);
      }),
      { numRuns: 1000 },
    );
  });

  test('from a TAP device: nothing is thrown, nothing written but frames, 24 octets in front, and no more than the MTU lets', () => {
    fc.assert(
      fc.property(packets, (list) => {
        const harness = open();
        fillWith(harness, list);
        harness.forwarder.forwardFrames(harness.input, 2);
        const { output } = harness.forwarder;
        for (const batch of output.toPeers) {
          assertWithinSlots(batch);
          for (let i = 0; i < batch.count; i++) assert.ok(batch.length_bytes[i]! <= 576 + 14 + 8 + 4 + 16);
        }
        assert.equal(output.toTun.count, 0);
        assertUntouched(harness, list, 24);
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

  const overIp = [
    hex('87654321 c1c2c3c4 c5c6c7c8 40000001 ff03 0021', ipv4()),
    hex('00000064 c1c2c3c4 02000000000a 02000000000b 8100 0005 0800 00000000'),
    hex('87654321 c1c2c3c4 c5c6c7c9 40000001 ff03 0021', ipv4()),
    hex('00000000 c803 000c 00000a0a 0001 0000'),
  ].map(bytesOf);
  const frames = [
    '02000000000a 02000000000b 0800 00000000',
    '02000000000a 02000000000b 8100 0007 0800 00000000',
    hex('02000000000a 02000000000b 0800', '00'.repeat(900)),
    '02000000000a',
  ].map(bytesOf);

  const fromHosts = [
    hex(LOCAL_MAC, HOST_MAC, '8864 1100 0001 001a 0021', ipv4({ source: '10.66.0.7' })),
    hex(LOCAL_MAC, HOST_MAC, '8100 0064 8864 1100 0002 001a 0021', ipv4()),
    hex(LOCAL_MAC, HOST_MAC, '8100 0007 8100 0064 8864 1100 0003 001a 0021', ipv4()),
    hex('ffffffffffff', HOST_MAC, '8863 1109 0000 0004 0101 0000'),
  ].map(bytesOf);
  const fromLns = [
    hex('0002 0a0a 0201 ff03 0021', ipv4()),
    '0002 0a0a 0201 ff03 c021 09010008 00000000',
    hex('0802 0a0a 0201 0001 0000 0057', ipv6()),
    hex('0002 0a0a 0201 ff03 0021', ipv4({ payload: '5a'.repeat(1400) })),
  ].map(bytesOf);

  for (const [name, list, forward] of [
    ['the network', upstream, (harness: Harness) => harness.forwarder.forwardUpstream(harness.input, 'udp', 0)],
    ['the network over IP', overIp, (harness: Harness) => harness.forwarder.forwardUpstream(harness.input, 'ip', 0)],
    [
      'an Ethernet interface',
      fromHosts,
      (harness: Harness) => harness.forwarder.forwardPppoe(harness.input, INTERFACE, 0),
    ],
    [
      'an LNS, to be relayed',
      fromLns,
      (harness: Harness) => harness.forwarder.forwardUpstream(harness.input, 'udp', 0),
    ],
    ['a TAP device', frames, (harness: Harness) => harness.forwarder.forwardFrames(harness.input, 2)],
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

  test('a flood over IP, from unknown addresses to session IDs at random, costs a counter each and allocates nothing', () => {
    const harness = open();
    const { input, memory, inputSlots } = harness;
    const packet = bytesOf(hex('00000000 c1c2c3c4 c5c6c7c8 40000001 ff03 0021', ipv4()));
    fillWith(harness, [packet, packet, packet, packet]);
    let state = 1;
    const next = () => {
      state = Math.imul(state, 0x41c6_4e6d) + 12_345;
      return state ^ (state >>> 15);
    };
    const flood = (batches: number) => {
      for (let i = 0; i < batches; i++) {
        for (let slot = 0; slot < BATCH; slot++) {
          const room = inputSlots.room(slot);
          const sessionId = next();
          for (let at = 0; at < 4; at++) memory[room + at] = sessionId >>> (8 * at);
          memory[room] |= 1;
          input.peerAddress[4 * slot + 3] = next();
        }
        harness.forwarder.forwardUpstream(input, 'ip', 0);
      }
    };
    const grown_bytes = Array.from({ length: ROUNDS }, () => {
      const before_bytes = process.memoryUsage().heapUsed;
      flood(100_000 / BATCH);
      return process.memoryUsage().heapUsed - before_bytes;
    });
    const middle_bytes = grown_bytes.sort((one, other) => one - other)[(ROUNDS - 1) / 2]!;
    assert.ok(Math.abs(middle_bytes) < 200_000, `${middle_bytes} bytes`);
    const { output } = harness.forwarder;
    const batches = [output.toTun, output.ppp, output.control, output.strangers, ...output.toPeers];
    assert.equal(
      batches.reduce((sum, batch) => sum + batch.count, 0),
      0,
    );
    const {
      'unknown-session': unknown,
      'wrong-cookie': wrongCookie,
      'wrong-peer': wrongPeer,
    } = readDropCounters(harness.counters);
    assert.equal(unknown + wrongCookie + wrongPeer, ROUNDS * 100_000);
    assert.ok(unknown >= ROUNDS * 100_000 - 10, `${unknown}`);
  });
});
