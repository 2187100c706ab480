/**
 * What a kernel makes of what is written to a TUN device with a virtio network header: an independent reading of the
 * RFCs, one octet at a time, which takes nothing from the packet path but the descriptors' columns.
 */
import assert from 'node:assert/strict';
import type { PacketBatch, PacketPieces } from '../../../firmware/dataplane/packet-batch.js';
import { internetChecksum, onesComplementSum } from '../../../firmware/wire/ip.js';
import { FLAG, TCP, UDP } from './flow-packets.js';

/** Virtio 1.1, section 5.1.6: gso_type. */
const VIRTIO_GSO = { none: 0, tcpv4: 1, tcpv6: 4, udp: 5 } as const;
/** What Linux takes of UDP (UDP_MAX_SEGMENTS), and of pieces of memory (UIO_MAXIOV). */
const MAX_UDP_SEGMENTS = 64;
const MAX_IOVEC = 1024;

/** The packet of a descriptor with its pieces, as one. */
export function gather(batch: PacketBatch, pieces: PacketPieces, index: number): Buffer {
  const part = (offset: number, length_bytes: number) => batch.memory.slice(offset, offset + length_bytes);
  const parts = [part(batch.offset[index], batch.length_bytes[index])];
  for (let piece = batch.firstPiece[index]; piece !== 0; piece = pieces.next[piece]) {
    parts.push(part(pieces.offset[piece], pieces.length_bytes[piece]));
  }
  assert.equal(parts.length, batch.pieceCount[index] + 1, 'pieceCount is the number of pieces');
  assert.ok(parts.length < MAX_IOVEC);
  return Buffer.concat(parts);
}

/** The packets that the kernel makes of a descriptor. */
export function segmentsOf(batch: PacketBatch, pieces: PacketPieces, index: number): Buffer[] {
  const packet = gather(batch, pieces, index);
  if (batch.gso[index] === VIRTIO_GSO.none) {
    assert.equal(batch.pieceCount[index], 0);
    assert.equal(batch.segment_bytes[index], 0);
    assert.equal(batch.checksumStart_bytes[index], 0);
    return [packet];
  }
  const isIpv4 = packet[0] >>> 4 === 4;
  const network_bytes = isIpv4 ? 20 : 40;
  const isTcp = packet[isIpv4 ? 9 : 6] === TCP;
  assert.equal(batch.gso[index], isTcp ? (isIpv4 ? VIRTIO_GSO.tcpv4 : VIRTIO_GSO.tcpv6) : VIRTIO_GSO.udp);
  assert.ok(isTcp || packet[isIpv4 ? 9 : 6] === UDP);
  assertWhole(packet, isIpv4);
  assert.equal(batch.checksumStart_bytes[index], network_bytes);
  assert.equal(batch.checksumAt_bytes[index], isTcp ? 16 : 6);
  assert.equal(
    packet.readUInt16BE(network_bytes + batch.checksumAt_bytes[index]),
    pseudoHeaderSum(packet, network_bytes),
    'the checksum covers the pseudo-header, not complemented',
  );
  const header_bytes = network_bytes + (isTcp ? 4 * (packet[network_bytes + 12] >>> 4) : 8);
  const segment_bytes = batch.segment_bytes[index];
  assert.equal(batch.length_bytes[index], header_bytes + segment_bytes, 'the first piece is headers and a segment');
  const count = Math.ceil((packet.length - header_bytes) / segment_bytes);
  assert.ok(count >= 2);
  if (!isTcp) assert.ok(count <= MAX_UDP_SEGMENTS);
  return Array.from({ length: count }, (_, i) =>
    segment(packet, i, count, { network_bytes, header_bytes, segment_bytes }),
  );
}

function assertWhole(packet: Buffer, isIpv4: boolean): void {
  assert.ok(packet.length <= 65535);
  if (isIpv4) {
    assert.equal(packet.readUInt16BE(2), packet.length, 'total length (RFC 791 section 3.1)');
    assert.equal(internetChecksum(packet, 0, 20), 0, 'header checksum (RFC 791 section 3.1)');
  } else {
    assert.equal(packet.readUInt16BE(4), packet.length - 40, 'payload length (RFC 8200 section 3)');
  }
}

/** RFC 9293 section 3.1, RFC 768, RFC 8200 section 8.1. */
function pseudoHeaderSum(packet: Buffer, network_bytes: number): number {
  const protocol = network_bytes === 20 ? packet[9] : packet[6];
  const addressesAt = network_bytes === 20 ? 12 : 8;
  return onesComplementSum(packet, addressesAt, network_bytes - addressesAt, packet.length - network_bytes + protocol);
}

interface Layout {
  network_bytes: number;
  header_bytes: number;
  segment_bytes: number;
}

/** The `i`th of `count` segments, with headers as if it had been sent alone. */
function segment(packet: Buffer, i: number, count: number, { network_bytes, header_bytes, segment_bytes }: Layout) {
  const from = header_bytes + i * segment_bytes;
  const made = Buffer.concat([packet.subarray(0, header_bytes), packet.subarray(from, from + segment_bytes)]);
  if (network_bytes === 20) {
    made.writeUInt16BE(made.length, 2);
    made.writeUInt16BE((packet.readUInt16BE(4) + i) & 0xffff, 4);
    made.writeUInt16BE(0, 10);
    made.writeUInt16BE(internetChecksum(made, 0, 20), 10);
  } else {
    made.writeUInt16BE(made.length - 40, 4);
  }
  const transport = made.subarray(network_bytes);
  const isTcp = header_bytes - network_bytes !== 8;
  if (isTcp) {
    transport.writeUInt32BE((packet.readUInt32BE(network_bytes + 4) + i * segment_bytes) % 2 ** 32, 4);
    // The last segment alone ends something, the first alone says that the window was reduced.
    if (i < count - 1) transport[13] &= ~(FLAG.fin | FLAG.psh);
    if (i > 0) transport[13] &= ~FLAG.cwr;
  } else {
    transport.writeUInt16BE(transport.length, 4);
  }
  const checksumAt = isTcp ? 16 : 6;
  transport.writeUInt16BE(0, checksumAt);
  const checksum = internetChecksum(transport, 0, transport.length, pseudoHeaderSum(made, network_bytes));
  transport.writeUInt16BE(isTcp ? checksum : checksum || 0xffff, checksumAt);
  return made;
}
