/**
 * Whatever comes: what the kernel makes of the joined packets are, flow by flow, the octets that came, in their order;
 * and nothing is written but the headers of what was joined.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { plainChecksums } from '../../../firmware/dataplane/checksum.js';
import { Coalescer, JOIN } from '../../../firmware/dataplane/coalesce.js';
import { PacketBatch, PacketPieces } from '../../../firmware/dataplane/packet-batch.js';
import {
  DONT_FRAGMENT,
  emitFlowPacket,
  FLAG,
  type FlowPacket,
  payload,
  TCP,
  TCP_IPV4,
  TCP_IPV6,
  UDP,
} from './flow-packets.js';
import { segmentsOf } from './kernel-segments.js';

const MEMORY_BYTES = 1 << 20;
const ICMPV6 = 58;
/** What lies in memory that must stay as it is. */
const UNTOUCHED = 0xa5;
/** TUN device 1 takes no UDP joined. */
const JOINS = [JOIN.tcpv4 | JOIN.tcpv6 | JOIN.udp, JOIN.tcpv4 | JOIN.tcpv6];

/** A packet on its way. */
interface Sent {
  octets: Buffer;
  row: number;
  tun: number;
}

/** A flow with what it sends next. */
interface Flow {
  next: FlowPacket;
  row: number;
  tun: number;
}

function openFlows(): Flow[] {
  const protocols = [TCP, UDP];
  const flow = (base: FlowPacket, row: number, tun: number) => ({ next: base, row, tun });
  return protocols.flatMap((protocol) => [
    flow({ ...TCP_IPV4, protocol }, 1, 0),
    flow({ ...TCP_IPV6, protocol }, 1, 0),
    flow({ ...TCP_IPV4, protocol, sourcePort: 1, sequence: 0xffff_fc00, identification: 0xfffd }, 1, 0),
    // The same addresses and ports come from another row, or go to another device.
    flow({ ...TCP_IPV4, protocol }, 2, 0),
    flow({ ...TCP_IPV6, protocol }, 3, 1),
    flow({ ...TCP_IPV4, protocol, sourcePort: 2, tcpOptions: '' }, 1, 1),
  ]);
}

/** What may befall a packet: changes of its fields before its checksums are made, or of its octets after. */
const fieldChanges: Record<string, (packet: FlowPacket, x: number) => FlowPacket> = {
  short: (packet, x) => ({ ...packet, payload: packet.payload.subarray(0, x % packet.payload.length) }),
  long: (packet, x) => ({ ...packet, payload: payload(packet.payload.length + 1 + (x % 300)) }),
  jumbo: (packet, x) => ({ ...packet, payload: payload(20000 + (x % 20000)) }),
  empty: (packet) => ({ ...packet, payload: payload(0) }),
  push: (packet) => ({ ...packet, flags: FLAG.ack | FLAG.psh }),
  fin: (packet) => ({ ...packet, flags: FLAG.ack | FLAG.fin }),
  flags: (packet, x) => ({ ...packet, flags: x & 0xfff }),
  congestion: (packet) => ({ ...packet, trafficClass: 3 }),
  hopLimit: (packet) => ({ ...packet, hopLimit: 63 }),
  timestamp: (packet, x) => ({
    ...packet,
    tcpOptions: `0101 080a 000000${(x & 0xff).toString(16).padStart(2, '0')} 00000022`,
  }),
  options: (packet, x) => ({ ...packet, tcpOptions: '01'.repeat(4 * (x % 11)) }),
  window: (packet, x) => ({ ...packet, window: x & 0xffff }),
  acknowledgment: (packet, x) => ({ ...packet, acknowledgment: x }),
  urgent: (packet) => ({ ...packet, urgent: 1 }),
  overlap: (packet, x) => ({ ...packet, sequence: packet.sequence - (x % 100) }),
  identification: (packet, x) => ({ ...packet, identification: x & 0xffff }),
  mayFragment: (packet) => ({ ...packet, fragment: packet.fragment ^ DONT_FRAGMENT }),
  fragment: (packet, x) => ({ ...packet, fragment: x & 0xffff }),
  ipOptions: (packet) => ({ ...packet, ipOptions: '94040000' }),
  flowLabel: (packet, x) => ({ ...packet, flowLabel: x & 0xfffff }),
};
const octetChanges: Record<string, (octets: Buffer, x: number) => void> = {
  bit: (octets, x) => {
    octets[(x >>> 3) % octets.length] ^= 1 << (x & 7);
  },
  headerBit: (octets, x) => {
    octets[((x >>> 3) % 60) % octets.length] ^= 1 << (x & 7);
  },
  dataOffset: (octets, x) => {
    octets[((octets[0] >>> 4 === 4 ? 20 : 40) + 12) % octets.length] ^= (x & 0xf) << 4;
  },
  noChecksum: (octets) => {
    octets.fill(0, octets[0] >>> 4 === 4 ? 26 : 46, octets[0] >>> 4 === 4 ? 28 : 48);
  },
};

const event = fc.record({
  flow: fc.nat(11),
  what: fc.oneof(
    { weight: 30, arbitrary: fc.constant('nothing') },
    { weight: 20, arbitrary: fc.constantFrom(...Object.keys(fieldChanges)) },
    { weight: 6, arbitrary: fc.constantFrom(...Object.keys(octetChanges)) },
    { weight: 8, arbitrary: fc.constantFrom('loss', 'duplicate', 'swap', 'again', 'cut', 'noise') },
  ),
  /** How many packets of the flow come so. */
  times: fc.integer({ min: 1, max: 4 }),
  /** Whether the flow goes on from the change. */
  stays: fc.boolean(),
  x: fc.nat(),
});
type Event = typeof event extends fc.Arbitrary<infer E> ? E : never;

/** The packets of some events, in their order. */
function send(events: readonly Event[], segment_bytes: number): Sent[] {
  const flows = openFlows();
  const sent: Sent[] = [];
  for (const flow of flows) flow.next = { ...flow.next, payload: payload(segment_bytes) };
  for (const { flow: index, what, times, stays, x } of events) {
    const flow = flows[index];
    for (let i = 0; i < times; i++) {
      const { next } = flow;
      const packet = fieldChanges[what]?.(next, x) ?? next;
      const octets = Buffer.from(emitFlowPacket(packet));
      const version = octets[0] & 0xf0;
      octetChanges[what]?.(octets, x);
      octets[0] = version | (octets[0] & 0x0f);
      const one = { octets: misfortune(what, octets, x), row: flow.row, tun: flow.tun };
      const last = sent.at(-1);
      if (what === 'swap' && last !== undefined) sent.splice(-1, 1, one, last);
      else if (what !== 'loss') sent.push(one);
      if (what === 'duplicate') sent.push(one);
      const goesOn = stays && what !== 'fragment' ? { ...packet, payload: next.payload } : next;
      flow.next = {
        ...goesOn,
        flags: FLAG.ack,
        sequence: (packet.sequence + packet.payload.length) % 2 ** 32,
        identification: (packet.identification + 1) & 0xffff,
      };
      if (what === 'again') flow.next = next;
    }
  }
  return sent;
}

/** What is shorter than it was, or nothing but noise behind an IP header; its lengths are true. */
function misfortune(what: string, octets: Buffer, x: number): Buffer {
  const isIpv4 = octets[0] >>> 4 === 4;
  if (what === 'noise') for (let i = isIpv4 ? 5 : 6; i < octets.length; i++) octets[i] = Math.imul(i + 1, x) >>> 16;
  const left = what === 'cut' ? octets.subarray(0, (isIpv4 ? 20 : 40) + (x % 24)) : octets;
  if (isIpv4) left.writeUInt16BE(left.length, 2);
  else left.writeUInt16BE(left.length - 40, 4);
  return left;
}

/** Addresses, protocol and ports; undefined where they are not to be read. */
function flowOf({ octets, row, tun }: Sent): string | undefined {
  const isIpv4 = octets[0] === 0x45;
  if (!isIpv4 && octets[0] >>> 4 !== 6) return undefined;
  if (isIpv4 && (octets.readUInt16BE(6) & 0x3fff) !== 0) return undefined;
  const [protocol, addresses, transport] = isIpv4 ? [octets[9], 12, 20] : [octets[6], 8, 40];
  if (protocol !== TCP && protocol !== UDP)
    return isIpv4 || protocol === ICMPV6 ? `${row} ${tun} ${protocol}` : undefined;
  if (octets.length < transport + 4) return undefined;
  return `${row} ${tun} ${protocol} ${octets.toString('hex', addresses, transport + 4)}`;
}

/** Per flow what there is of it and of the packets of its row and device that may be of any flow, in order. */
function byFlow(packets: readonly Sent[]): Map<string, string[]> {
  const flows = new Map<string, string[]>();
  for (const key of new Set(packets.map(flowOf))) {
    if (key === undefined) continue;
    const [row, tun] = key.split(' ').map(Number);
    const own = packets.filter((packet) => packet.row === row && packet.tun === tun && (flowOf(packet) ?? key) === key);
    flows.set(
      key,
      own.map(({ octets }) => octets.toString('hex')),
    );
  }
  return flows;
}

/** Coalesces, `batch` packets at a time, and gives what the kernel makes of that and how many descriptors it took. */
function coalesce(sent: readonly Sent[], batch_packets: number): { received: Sent[]; descriptors: number } {
  const memory = new Uint8Array(MEMORY_BYTES);
  const batch = new PacketBatch(memory, batch_packets);
  const pieces = new PacketPieces(batch_packets);
  const coalescer = new Coalescer(memory, plainChecksums(memory), batch, pieces);
  const received: Sent[] = [];
  let descriptors = 0;
  for (let from = 0; from < sent.length; from += batch_packets) {
    memory.fill(UNTOUCHED);
    let offset = 1;
    for (const { octets } of sent.slice(from, from + batch_packets)) {
      memory.set(octets, offset);
      offset += octets.length + 3;
    }
    const before = memory.slice();
    offset = 1;
    for (const { octets, row, tun } of sent.slice(from, from + batch_packets)) {
      assert.equal(coalescer.push(offset, octets.length, row, tun, JOINS[tun]), true);
      offset += octets.length + 3;
    }
    coalescer.finish();
    for (let i = 0; i < batch.count; i++) {
      const at = { row: batch.row[i], tun: batch.tun[i] };
      received.push(...segmentsOf(batch, pieces, i).map((octets) => ({ octets, ...at })));
      if (batch.gso[i] !== 0) {
        const header_bytes = batch.length_bytes[i] - batch.segment_bytes[i];
        const header = before.subarray(batch.offset[i], batch.offset[i] + header_bytes);
        memory.set(header, batch.offset[i]);
      }
    }
    assert.equal(Buffer.compare(memory, before), 0, 'nothing else is written');
    descriptors += batch.count;
    batch.count = 0;
    pieces.clear();
  }
  return { received, descriptors };
}

describe('coalescing, whatever comes', () => {
  test('per flow the same octets in the same order, as one packet at a time', () => {
    let packets = 0;
    let writes = 0;
    fc.assert(
      fc.property(
        fc.array(event, { minLength: 1, maxLength: 40 }),
        fc.integer({ min: 1, max: 600 }),
        fc.integer({ min: 1, max: 24 }),
        (events, segment_bytes, batch_packets) => {
          const sent = send(events, segment_bytes);
          const { received, descriptors } = coalesce(sent, batch_packets);
          assert.deepEqual(byFlow(received), byFlow(sent));
          assert.equal(received.length, sent.length);
          packets += sent.length;
          writes += descriptors;
        },
      ),
      { numRuns: 400 },
    );
    assert.ok(writes < 0.85 * packets, `${packets} packets were joined to ${writes}`);
  });

  test('random octets', () => {
    const packet = fc.record({
      octets: fc.uint8Array({ minLength: 1, maxLength: 100 }).map((octets) => Buffer.from(octets)),
      version: fc.constantFrom(0x45, 0x46, 0x60, 0),
      protocol: fc.constantFrom(TCP, UDP, 0, 44, 58),
    });
    fc.assert(
      fc.property(fc.array(packet, { minLength: 1, maxLength: 20 }), (packets) => {
        const sent = packets.map(({ octets, version, protocol }) => {
          octets[0] = version;
          const at = version === 0x60 ? 6 : 9;
          if (octets.length > at) octets[at] = protocol;
          return { octets, row: 1, tun: 0 };
        });
        const { received } = coalesce(sent, 20);
        assert.deepEqual(received, sent);
      }),
    );
  });
});
