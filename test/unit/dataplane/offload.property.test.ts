/**
 * The offloaded packet path beside a plain one that gets one packet at a time, on the same random traffic: the same octets
 * come out, flow by flow and peer by peer, in the same order; the same is told to the main thread, dropped and counted.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { SessionRow } from '../../../firmware/dataplane/interface.js';
import { GSO, PacketBatch, PacketPieces } from '../../../firmware/dataplane/packet-batch.js';
import { emitFlowPacket, FLAG, type FlowPacket, payload, TCP_IPV4, TCP_IPV6, UDP } from './flow-packets.js';
import { bytesOf, hex, lacRow, lnsRow, pppoeRow, u16, version3Row } from './harness.js';
import { segmentsOf } from './kernel-segments.js';
import { type Joined, OffloadSide } from './offload-side.js';
import { tcpPacket, udpPacket } from './super-packets.js';

const COOKIE = 'c1c2c3c4c5c6c7c8';
const BATCH = 4;
/** Room for few packets more than one packet may become: the output is emptied in the middle of batches. */
const [BUILD_SLOTS, OUTPUT_PACKETS] = [130, 220];
const PPPOE_RELAY = 0xf000_0001;

/** Rows of an LNS, a LAC client and a LAC; users' addresses end with the row's number. */
const ROWS: readonly SessionRow[] = [
  lnsRow({ sessionId: 1, sources: ['10.64.0.1/32', '2001:db8:1::/64'] }),
  lnsRow({ sessionId: 2, sources: ['10.64.0.2/32', '2001:db8:2::/64'], sequencing: true, mssClamp_bytes: 1200 }),
  lnsRow({ sessionId: 3, sources: ['10.64.0.3/32', '2001:db8:3::/64'], mtu_bytes: 1280, receiveRate_bps: 400_000 }),
  lnsRow({ sessionId: 4, sources: ['10.64.0.4/32', '2001:db8:4::/64'], sendRate_bps: 400_000 }),
  version3Row({ sessionId: 0x1_0005, path: lnsRow().path, sources: ['10.64.0.5/32', '2001:db8:5::/64'] }),
  lacRow({ sessionId: 6, tun: 3, destinations: ['0.0.0.0/0', '::/0'] }),
  lnsRow({ sessionId: 7, sources: [], relayTo: { sessionId: PPPOE_RELAY, generation: 7 } }),
  pppoeRow({ sessionId: PPPOE_RELAY, sources: [], relayTo: { sessionId: 7, generation: 7 } }, { sessionId: 9 }),
  pppoeRow({ sessionId: 0xf000_0002, sources: ['10.64.0.8/32'], mtu_bytes: 1400 }, { sessionId: 10 }),
];
const SESSIONS = 7;

/** A PPP frame in the datagram of a session, by its number in ROWS from 1. */
function datagram(session: number, ppp: string, ns: number): string {
  if (session === 5) return hex('0003 0000 00010005', COOKIE, ppp);
  if (session === 2) return hex('0802 0a0a 0002', u16(ns & 0xffff), '0000', ppp);
  return hex('0002 0a0a', u16(session), ppp);
}

const change = fc.constantFrom<Partial<FlowPacket>>(
  {},
  {},
  {},
  {},
  {},
  {},
  {},
  { flags: FLAG.ack | FLAG.psh },
  { flags: FLAG.ack | FLAG.fin },
  { flags: FLAG.ack | FLAG.ece },
  { flags: FLAG.ack | FLAG.cwr },
  { flags: FLAG.syn, tcpOptions: '020405b4' },
  { trafficClass: 3 },
  { hopLimit: 3 },
  { window: 1 },
  { tcpOptions: '0101 080a 00000012 00000022' },
  { fragment: 0x2000 },
  { fragment: 7 },
  { ipOptions: '94040000' },
  { payload: payload(0) },
  { payload: payload(90) },
);
const step = fc.record({
  session: fc.integer({ min: 1, max: SESSIONS }),
  flow: fc.nat(2),
  kind: fc.constantFrom('tcp4', 'tcp4', 'tcp4', 'tcp6', 'tcp6', 'udp4', 'udp4', 'udp6', 'lcp', 'control', 'noise'),
  what: fc.constantFrom('next', 'next', 'next', 'next', 'next', 'lost', 'again', 'wrong'),
  change,
  times: fc.integer({ min: 1, max: 6 }),
});
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;

/** The datagrams of some steps: each flow goes on where it was. */
function datagramsOf(steps: readonly Step[], segment_bytes: number): Uint8Array[] {
  const flows = new Map<string, FlowPacket>();
  const list: string[] = [];
  let ns = 0;
  for (const { session, flow, kind, what, change: changes, times } of steps) {
    for (let i = 0; i < times; i++) {
      if (kind === 'lcp') list.push(datagram(session, 'ff03 c021 0901 0008 00000000', ns++));
      else if (kind === 'noise') list.push(datagram(session, '0021 45', ns++));
      else if (kind === 'control') list.push('c802 0014 0000 0000 0000 0000 8008 0000 0000 0001');
      else {
        const key = `${session} ${flow} ${kind}`;
        const next = flows.get(key) ?? first(session, flow, kind, segment_bytes);
        const octets = Buffer.from(emitFlowPacket({ ...next, ...changes }));
        if (what === 'wrong') octets[octets.length - 1] ^= 1;
        const protocol = kind.endsWith('6') ? '0057' : '0021';
        const packet = datagram(session, hex('ff03', protocol, octets.toString('hex')), ns++);
        if (what !== 'lost') list.push(packet);
        if (what === 'again') list.push(packet);
        flows.set(key, {
          ...next,
          sequence: (next.sequence + (changes.payload ?? next.payload).length) % 2 ** 32,
          identification: (next.identification + 1) & 0xffff,
        });
      }
    }
  }
  return list.map(bytesOf);
}

function first(session: number, flow: number, kind: string, segment_bytes: number): FlowPacket {
  const isIpv4 = kind.endsWith('4');
  return {
    ...(isIpv4 ? TCP_IPV4 : TCP_IPV6),
    ...(kind.startsWith('udp') ? { protocol: UDP } : {}),
    source: isIpv4 ? `10.64.0.${session}` : `2001:db8:${session}::7`,
    sourcePort: 1000 + flow,
    payload: payload(segment_bytes),
  };
}

/** As a socket gives them that takes trains (udp(7)): one length, the last one shorter, so many at most. */
function trainsOf(list: readonly Uint8Array[], most: number): Joined[] {
  const trains: Uint8Array[][] = [];
  for (const one of list) {
    const train = trains.at(-1);
    const [head, last] = [train?.[0], train?.at(-1)];
    const goesOn =
      train !== undefined &&
      train.length < most &&
      head !== undefined &&
      last?.length === head.length &&
      one.length <= head.length;
    if (goesOn) train.push(one);
    else trains.push([one]);
  }
  return trains.map((train) => ({
    octets: Buffer.concat(train),
    each_bytes: train.length === 1 ? 0 : train[0]!.length,
  }));
}

function inBatches<T>(list: readonly T[]): T[][] {
  return Array.from({ length: Math.ceil(list.length / BATCH) }, (_, i) => list.slice(i * BATCH, (i + 1) * BATCH));
}

function assertEqual(offloaded: OffloadSide, plain: OffloadSide): void {
  assert.deepEqual(offloaded.toTun, plain.toTun);
  assert.deepEqual(offloaded.toPeers, plain.toPeers);
  assert.deepEqual(offloaded.toInterfaces, plain.toInterfaces);
  assert.deepEqual(offloaded.toMain, plain.toMain);
  assert.deepEqual(offloaded.drops(), plain.drops());
  assert.deepEqual(offloaded.sessions(), plain.sessions());
}

function sides(): { offloaded: OffloadSide; plain: OffloadSide } {
  return {
    offloaded: new OffloadSide(ROWS, true, OUTPUT_PACKETS, BUILD_SLOTS),
    plain: new OffloadSide(ROWS, false, OUTPUT_PACKETS, BUILD_SLOTS),
  };
}

describe('joined and one by one come to the same', () => {
  test('what peers send: data of all kinds of sessions, control messages and PPP control frames among them', () => {
    let joined = 0;
    fc.assert(
      fc.property(
        fc.array(step, { minLength: 1, maxLength: 80 }),
        fc.integer({ min: 1, max: 900 }),
        fc.integer({ min: 1, max: 64 }),
        (steps, segment_bytes, most) => {
          const { offloaded, plain } = sides();
          const datagrams = datagramsOf(steps, segment_bytes);
          const trains = trainsOf(datagrams, most);
          for (const batch of inBatches(trains)) offloaded.upstream(batch, 'udp', 0);
          for (const octets of datagrams) plain.upstream([{ octets, each_bytes: 0 }], 'udp', 0);
          assertEqual(offloaded, plain);
          joined += datagrams.length - trains.length;
        },
      ),
      { numRuns: 300 },
    );
    assert.ok(joined > 1_000, `only ${joined} datagrams came in trains`);
  });

  test('a train that is more than the output takes at once goes on where it stopped', () => {
    const { offloaded, plain } = sides();
    const octets = bytesOf(datagram(7, 'ff03 0021 4500', 0));
    const train = { octets: Buffer.concat(Array.from({ length: 150 }, () => octets)), each_bytes: octets.length };
    offloaded.upstream([train, train], 'udp', 0);
    for (let i = 0; i < 300; i++) plain.upstream([{ octets, each_bytes: 0 }], 'udp', 0);
    assertEqual(offloaded, plain);
    assert.equal(offloaded.toInterfaces.length, 300);
    assert.equal(offloaded.flushes, 2);
  });

  test('a train of more datagrams than the output ever takes is dropped and counted', () => {
    const { offloaded } = sides();
    offloaded.upstream([{ octets: new Uint8Array(1_000), each_bytes: 1 }], 'udp', 0);
    assert.deepEqual(offloaded.drops(), { 'no-buffer': 1_000 });
  });

  const fields = fc.record({
    version: fc.constantFrom<4 | 6>(4, 4, 6),
    user: fc.constantFrom(1, 2, 3, 4, 5, 8, 99),
    identification: fc.nat(0xffff),
    mayFragment: fc.boolean(),
    flags: fc.constantFrom(0x10, 0x10, 0x18, 0x11, 0x90, 0x50),
    options: fc.constantFrom('', '0101 080a 00000011 00000022'),
    isTcp: fc.boolean(),
    ecn: fc.boolean(),
    segment_bytes: fc.integer({ min: 40, max: 1_400 }),
    payload_bytes: fc.integer({ min: 1, max: 20_000 }),
    tun: fc.constantFrom(0, 0, 0, 0, 1, 3),
  });
  type Fields = typeof fields extends fc.Arbitrary<infer F> ? F : never;

  /** What the kernel gives to a TUN device: a super-packet, or a single packet whose checksum it leaves to us. */
  function fromKernel(one: Fields): Joined {
    const { version, user, isTcp, segment_bytes } = one;
    // Linux takes 64 of UDP.
    const payload_bytes = Math.min(one.payload_bytes, (isTcp ? 80 : 64) * segment_bytes);
    const common = {
      ...{ version, identification: one.identification, checksum: 'partial' as const },
      destination: version === 4 ? `10.64.0.${user}` : `2001:db8:${user}::9`,
      source: version === 4 ? '198.51.100.9' : '2001:db8:99::9',
      fragment: one.mayFragment ? 0 : 0x4000,
      payload: Buffer.from(payload(payload_bytes)).toString('hex'),
    };
    const text = isTcp ? tcpPacket({ ...common, flags: one.flags, options: one.options }) : udpPacket(common);
    const kind = isTcp ? (version === 4 ? GSO.tcpv4 : GSO.tcpv6) | (one.ecn ? GSO.ecn : 0) : GSO.udp;
    const isOne = payload_bytes <= segment_bytes;
    return {
      octets: bytesOf(text),
      ...{ each_bytes: isOne ? 0 : segment_bytes, gso: isOne ? GSO.none : kind },
      ...{ checksumStart_bytes: version === 4 ? 20 : 40, checksumAt_bytes: isTcp ? 16 : 6 },
    };
  }

  /** What the kernel would have given without offload. */
  function cut(joined: Joined): Joined[] {
    if (joined.each_bytes === 0) return [joined];
    const { octets, each_bytes, checksumStart_bytes = 0, checksumAt_bytes = 0, gso = 0 } = joined;
    const isTcp = checksumAt_bytes === 16;
    const header_bytes = checksumStart_bytes + (isTcp ? 4 * (octets[checksumStart_bytes + 12]! >>> 4) : 8);
    const batch = new PacketBatch(octets, 1);
    const pieces = new PacketPieces(1);
    const index = batch.append(0, header_bytes + each_bytes, 0);
    batch.firstPiece[index] = pieces.take(header_bytes + each_bytes, octets.length - header_bytes - each_bytes);
    batch.pieceCount[index] = 1;
    batch.gso[index] = gso & ~GSO.ecn;
    batch.segment_bytes[index] = each_bytes;
    batch.checksumStart_bytes[index] = checksumStart_bytes;
    batch.checksumAt_bytes[index] = checksumAt_bytes;
    return segmentsOf(batch, pieces, index).map((segment) => ({ octets: segment, each_bytes: 0 }));
  }

  test('super-packets that are more than the output takes at once go on where they stopped', () => {
    const { offloaded, plain } = sides();
    const one: Fields = {
      ...{ version: 4, user: 1, identification: 65_500, mayFragment: false, flags: 0x18, options: '', isTcp: true },
      ...{ ecn: false, segment_bytes: 100, payload_bytes: 7_950, tun: 0 },
    };
    const list = [fromKernel(one), fromKernel({ ...one, version: 6 }), fromKernel(one), fromKernel(one)];
    offloaded.downstream(list, 0, 0);
    for (const joined of list) for (const single of cut(joined)) plain.downstream([single], 0, 0);
    assertEqual(offloaded, plain);
    assert.equal(offloaded.toPeers.length, 4 * 80);
    assert.equal(offloaded.flushes, 4);
  });

  test('what the kernel sends to users: super-packets and single packets, to rows that take them, cut them, or do not', () => {
    let segments = 0;
    fc.assert(
      fc.property(fc.array(fields, { minLength: 1, maxLength: 12 }), (list) => {
        const { offloaded, plain } = sides();
        const all = list.map((one) => ({ tun: one.tun, joined: fromKernel(one) }));
        for (const { tun, joined } of all) offloaded.downstream([joined], tun, 0);
        for (const { tun, joined } of all) {
          for (const single of cut(joined)) {
            plain.downstream([single], tun, 0);
            segments++;
          }
        }
        // The first segment that is too big is answered for all: fewer ICMP errors, of the same senders.
        assert.deepEqual([...offloaded.toTun.keys()], [...plain.toTun.keys()]);
        offloaded.toTun.clear();
        plain.toTun.clear();
        assertEqual(offloaded, plain);
      }),
      { numRuns: 300 },
    );
    assert.ok(segments > 5_000, `only ${segments} segments`);
  });
});
