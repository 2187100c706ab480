/**
 * The cut of super-packets against a Linux kernel's own: it routes a super-packet to a TUN device without offload, and
 * gives what it is without.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import fc from 'fast-check';
import { checksumsOf } from '../../../firmware/dataplane/checksum-simd.js';
import { GSO } from '../../../firmware/dataplane/packet-batch.js';
import { completeChecksum, SuperPacket } from '../../../firmware/dataplane/segmentation.js';
import { Lab } from '../../lab/namespaces.js';
import { labIsMissing } from '../../lab/requirements.js';
import { type KernelPacket, RoutingKernel, TO_OFFERED } from '../linux/routing-kernel.js';
import { bytesOf } from './harness.js';
import { type TcpFields, tcpPacket, udpPacket } from './super-packets.js';

const HOP_LIMIT = 9;
const SYN_RST_URG = 0x26;
const CHECKSUM_AT = { tcp: 16, udp: 6 } as const;
const HEADERS_AT = 64;
const PACKET_AT = 1024;

type Transport = 'tcp' | 'udp';
/** Fields of a super-packet, and how it is to be cut. */
interface Given extends TcpFields {
  transport: Transport;
  version: 4 | 6;
  segment_bytes: number;
  hasEcn: boolean;
}

const memory = new WebAssembly.Memory({ initial: 4, maximum: 4 });
const octets = new Uint8Array(memory.buffer);
const checksums = checksumsOf(memory);

/** With a checksum that covers the pseudo-header alone. */
function packetOf(given: Given, hopLimit: number): string {
  const build = given.transport === 'tcp' ? tcpPacket : udpPacket;
  return build({ ...given, hopLimit, checksum: 'partial' });
}

function kindOf({ transport, version, hasEcn }: Given): number {
  if (transport === 'udp') return GSO.udp;
  return (version === 4 ? GSO.tcpv4 : GSO.tcpv6) | (hasEcn ? GSO.ecn : 0);
}

function checksumStart_bytes({ version, ipOptions = '', extension }: Given): number {
  return version === 4 ? 20 + ipOptions.length / 2 : 40 + (extension?.headers.length ?? 0) / 2;
}

function toKernel(given: Given, gso: number): KernelPacket {
  const start = checksumStart_bytes(given);
  const [at, segment_bytes] = [CHECKSUM_AT[given.transport], gso === GSO.none ? 0 : given.segment_bytes];
  return { gso, segment_bytes, checksumStart_bytes: start, checksumAt_bytes: at, hex: packetOf(given, HOP_LIMIT) };
}

function cut(given: Given): string[] {
  const bytes = bytesOf(packetOf(given, HOP_LIMIT - 1));
  const superPacket = new SuperPacket(octets, checksums);
  octets.set(bytes, PACKET_AT);
  assert.ok(superPacket.open(PACKET_AT, bytes.length, kindOf(given), given.segment_bytes));
  return Array.from({ length: superPacket.count }, (_, index) => {
    superPacket.emitHeaders(HEADERS_AT, index);
    const payload = superPacket.payloadOffset(index);
    const headers = octets.subarray(HEADERS_AT, HEADERS_AT + superPacket.header_bytes);
    return Buffer.concat([headers, octets.subarray(payload, payload + superPacket.payload_bytes(index))]).toString(
      'hex',
    );
  });
}

function complete(given: Given): string {
  const bytes = bytesOf(packetOf(given, HOP_LIMIT - 1));
  octets.set(bytes, PACKET_AT);
  const at = CHECKSUM_AT[given.transport];
  assert.ok(completeChecksum(octets, checksums, PACKET_AT, bytes.length, checksumStart_bytes(given), at));
  return Buffer.from(octets.subarray(PACKET_AT, PACKET_AT + bytes.length)).toString('hex');
}

/** Two packets at least and 100 at most: the kernel cuts no UDP datagram into more than 128, and queues 500 packets. */
const givens: fc.Arbitrary<Given> = fc
  .record({
    ...{ transport: fc.constantFrom('tcp', 'udp'), version: fc.constantFrom(4, 6) },
    ...{ identification: fc.nat(0xffff), sequence: fc.nat(0xffff_ffff) },
    flags: fc.nat(0x1ff).map((flags) => flags & ~SYN_RST_URG),
    ipOptions: fc.nat(10).map((words) => '01'.repeat(4 * words)),
    options: fc.nat(10).map((words) => '01'.repeat(4 * words)),
    ...{ hasEcn: fc.boolean(), hasExtension: fc.boolean() },
    segment_bytes: fc.oneof(fc.integer({ min: 8, max: 1400 }), fc.integer({ min: 1400, max: 9000 })),
    segments: fc.double({ min: 1.01, max: 100, noNaN: true }),
    few: fc.uint8Array({ minLength: 1, maxLength: 64 }),
  })
  .map(({ hasExtension, segments, few, ...fields }) => {
    const payload_bytes = Math.min(65_300, Math.ceil(segments * fields.segment_bytes));
    const payload = Buffer.alloc(payload_bytes, few).toString('hex');
    const headers = `${fields.transport === 'tcp' ? '06' : '11'}00010400000000`;
    return { ...fields, payload, ...(hasExtension ? { extension: { first: 60, headers } } : {}) };
  });

describe("a Linux kernel's own segmentation", { skip: labIsMissing() }, () => {
  let lab: Lab;
  let kernel: RoutingKernel;

  before(async () => {
    lab = await Lab.open();
    kernel = await RoutingKernel.open(lab);
  });

  after(() => lab.close());

  test('random TCP and UDP super-packets are cut the same, to the last octet', async () => {
    await fc.assert(
      fc.asyncProperty(givens, async (given) => {
        const { plain } = await kernel.route(toKernel(given, kindOf(given)));
        assert.deepEqual(cut(given), plain);
      }),
      { numRuns: 150 },
    );
  });

  test('a checksum that is left over is completed the same', async () => {
    await fc.assert(
      fc.asyncProperty(givens, async (given) => {
        const single = { ...given, payload: given.payload!.slice(0, 2 * 9000) };
        const { plain } = await kernel.route(toKernel(single, GSO.none));
        assert.deepEqual([complete(single)], plain);
      }),
      { numRuns: 50 },
    );
  });

  test('a device that offers it all gets the super-packet whole, its checksum as it was', async () => {
    await fc.assert(
      fc.asyncProperty(givens, async (given) => {
        const toOffered = { ...given, destination: TO_OFFERED[given.version] };
        const { offered } = await kernel.route(toKernel(toOffered, kindOf(given)));
        assert.deepEqual(offered, [{ ...toKernel(toOffered, kindOf(given)), hex: packetOf(toOffered, HOP_LIMIT - 1) }]);
      }),
      { numRuns: 50 },
    );
  });
});
