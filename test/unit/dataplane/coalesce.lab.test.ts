/** Joined packets before a Linux kernel: what it routes on, where a device takes single packets alone, is what came. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import fc from 'fast-check';
import { plainChecksums } from '../../../firmware/dataplane/checksum.js';
import { Coalescer, JOIN } from '../../../firmware/dataplane/coalesce.js';
import { PacketBatch, PacketPieces } from '../../../firmware/dataplane/packet-batch.js';
import { Lab } from '../../lab/namespaces.js';
import { labIsMissing } from '../../lab/requirements.js';
import { type KernelPacket, RoutingKernel } from '../linux/routing-kernel.js';
import {
  emitFlowPacket,
  FLAG,
  type FlowPacket,
  follower,
  payload,
  TCP,
  TCP_IPV4,
  TCP_IPV6,
  UDP_IPV4,
  UDP_IPV6,
} from './flow-packets.js';
import { gather } from './kernel-segments.js';

const MAX_PACKETS = 80;

/** The packets of a flow, the last of them shorter or as long, and with other flags. */
const flows: fc.Arbitrary<FlowPacket[]> = fc
  .record({
    base: fc.constantFrom(TCP_IPV4, TCP_IPV6, UDP_IPV4, UDP_IPV6),
    fields: fc.record({
      ...{ identification: fc.nat(0xffff), sequence: fc.nat(0xffff_ffff), trafficClass: fc.nat(0xff) },
      flags: fc.constantFrom(FLAG.ack, FLAG.ack | FLAG.ece, FLAG.ack | FLAG.ae),
      tcpOptions: fc.constantFrom('', TCP_IPV4.tcpOptions),
    }),
    segment_bytes: fc.integer({ min: 1, max: 1400 }),
    count: fc.integer({ min: 2, max: MAX_PACKETS }),
    last_bytes: fc.integer({ min: 1, max: 1400 }),
    lastFlags: fc.constantFrom(0, FLAG.psh, FLAG.fin, FLAG.fin | FLAG.psh),
  })
  .map(({ base, fields, segment_bytes, count, last_bytes, lastFlags }) => {
    const first = { ...base, ...fields, payload: payload(segment_bytes) };
    const packets = Array.from({ length: count }, (_, i) => follower(first, i));
    const last = packets[count - 1]!;
    last.payload = last.payload.subarray(0, last_bytes);
    last.flags |= lastFlags;
    return packets;
  });

/** What is written to the TUN device. */
function coalesce(packets: readonly FlowPacket[]): KernelPacket[] {
  const memory = new Uint8Array(1 << 18);
  const batch = new PacketBatch(memory, MAX_PACKETS);
  const pieces = new PacketPieces(MAX_PACKETS);
  const coalescer = new Coalescer(memory, plainChecksums(memory), batch, pieces);
  let offset = 0;
  for (const octets of packets.map(emitFlowPacket)) {
    memory.set(octets, offset);
    assert.ok(coalescer.push(offset, octets.length, 1, 0, JOIN.tcpv4 | JOIN.tcpv6 | JOIN.udp));
    offset += octets.length;
  }
  coalescer.finish();
  return Array.from({ length: batch.count }, (_, i) => ({
    gso: batch.gso[i]!,
    segment_bytes: batch.segment_bytes[i]!,
    checksumStart_bytes: batch.checksumStart_bytes[i]!,
    checksumAt_bytes: batch.checksumStart_bytes[i] === 0 ? 0 : batch.checksumAt_bytes[i]!,
    hex: gather(batch, pieces, i).toString('hex'),
  }));
}

/** How many packets go alone: their checksums have the spelling of 0 that the kernel may not write (RFC 1071 section 2). */
function alone(packets: readonly FlowPacket[]): number {
  return packets.filter((packet) => {
    const octets = Buffer.from(emitFlowPacket(packet));
    const isIpv4 = octets[0]! >>> 4 === 4;
    const tcp = packet.protocol === TCP ? octets.readUInt16BE((isIpv4 ? 20 : 40) + 16) : 1;
    return tcp === 0 || tcp === 0xffff || (isIpv4 && octets.readUInt16BE(10) === 0xffff);
  }).length;
}

describe('joined packets before a Linux kernel', { skip: labIsMissing() }, () => {
  let lab: Lab;
  let kernel: RoutingKernel;

  before(async () => {
    lab = await Lab.open();
    kernel = await RoutingKernel.open(lab);
  });

  after(() => lab.close());

  test('come out as they came, to the last octet', async () => {
    await fc.assert(
      fc.asyncProperty(flows, async (packets) => {
        const joined = coalesce(packets);
        assert.ok(joined.length <= 3 + 2 * alone(packets), 'a flow that is not disturbed is joined');
        const routed: string[] = [];
        for (const packet of joined) routed.push(...(await kernel.route(packet)).plain);
        const came = packets.map((packet) => emitFlowPacket({ ...packet, hopLimit: packet.hopLimit - 1 }));
        assert.deepEqual(
          routed,
          came.map((octets) => Buffer.from(octets).toString('hex')),
        );
      }),
      { numRuns: 150 },
    );
  });
});
