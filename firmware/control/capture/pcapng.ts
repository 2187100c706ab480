/**
 * Blocks of a pcapng file (draft-ietf-opsawg-pcapng), little-endian. Knows no packet from another.
 *
 *   block: type (32), total length (32), body, options, total length (32); all padded to 32 bits
 *   option: code (16), length (16), value, padding; 0 ends them
 */

/** Registered link types: packets that begin with their IP header, and Ethernet frames. */
export const LINK_TYPE = { rawIp: 101, ethernet: 1 } as const;

const BLOCK = { section: 0x0a0d0d0a, interface: 1, statistics: 5, packet: 6 } as const;
const BYTE_ORDER_MAGIC = 0x1a2b3c4d;
const COMMENT = 1;
const SECTION_OPTION = { hardware: 2, application: 4 } as const;
const INTERFACE_OPTION = { name: 2, description: 3, resolution: 9 } as const;
const STATISTICS_OPTION = { received: 4, dropped: 5 } as const;
const PACKET_FLAGS = 2;
const [INBOUND, OUTBOUND] = [1, 2];
/** Times are in units of 10**-6 s. */
const MICROSECONDS = 6;
const TWO_32 = 2 ** 32;

type Option = readonly [code: number, value: Uint8Array];

/** Section Header Block, section 4.1. `program` is its name and version. */
export function sectionHeader(program: string, hardware: string): Buffer {
  const body = Buffer.alloc(16);
  body.writeUInt32LE(BYTE_ORDER_MAGIC, 0);
  body.writeUInt16LE(1, 4);
  body.writeBigInt64LE(-1n, 8);
  return block(BLOCK.section, body, [
    text(SECTION_OPTION.hardware, hardware),
    text(SECTION_OPTION.application, program),
  ]);
}

/** Interface Description Block, section 4.2; packets name it by its number, counted from 0. 0 bytes: they are whole. */
export function interfaceDescription(linkType: number, name: string, description: string, snap_bytes: number): Buffer {
  const body = Buffer.alloc(8);
  body.writeUInt16LE(linkType, 0);
  body.writeUInt32LE(snap_bytes, 4);
  return block(BLOCK.interface, body, [
    text(INTERFACE_OPTION.name, name),
    text(INTERFACE_OPTION.description, description),
    [INTERFACE_OPTION.resolution, Uint8Array.of(MICROSECONDS)],
  ]);
}

/** What an Enhanced Packet Block says, section 4.3. `comment` is '' for none. */
export interface PacketBlock {
  interfaceNumber: number;
  /** Microseconds since 1970. */
  time_us: number;
  octets: Uint8Array;
  /** On the wire. */
  wire_bytes: number;
  isSent: boolean;
  comment: string;
}

export function enhancedPacket({ interfaceNumber, time_us, octets, wire_bytes, isSent, comment }: PacketBlock): Buffer {
  const body = Buffer.alloc(20 + octets.length + padding(octets.length));
  body.writeUInt32LE(interfaceNumber, 0);
  body.writeUInt32LE(Math.floor(time_us / TWO_32), 4);
  body.writeUInt32LE(time_us % TWO_32, 8);
  body.writeUInt32LE(octets.length, 12);
  body.writeUInt32LE(wire_bytes, 16);
  body.set(octets, 20);
  const flags: Option = [PACKET_FLAGS, Uint8Array.of(isSent ? OUTBOUND : INBOUND, 0, 0, 0)];
  return block(BLOCK.packet, body, comment === '' ? [flags] : [flags, text(COMMENT, comment)]);
}

/** Interface Statistics Block, section 4.6: how many packets were seen, and how many of them are not in the file. */
export function interfaceStatistics(
  interfaceNumber: number,
  time_us: number,
  received: number,
  dropped: number,
): Buffer {
  const body = Buffer.alloc(12);
  body.writeUInt32LE(interfaceNumber, 0);
  body.writeUInt32LE(Math.floor(time_us / TWO_32), 4);
  body.writeUInt32LE(time_us % TWO_32, 8);
  const options = [number64(STATISTICS_OPTION.received, received), number64(STATISTICS_OPTION.dropped, dropped)];
  return block(BLOCK.statistics, body, options);
}

function block(type: number, body: Uint8Array, options: readonly Option[]): Buffer {
  const options_bytes = options.reduce((sum, [, { length }]) => sum + 4 + length + padding(length), 4);
  const total_bytes = 12 + body.length + options_bytes;
  const octets = Buffer.alloc(total_bytes);
  octets.writeUInt32LE(type, 0);
  octets.writeUInt32LE(total_bytes, 4);
  octets.set(body, 8);
  let at = 8 + body.length;
  for (const [code, value] of options) {
    octets.writeUInt16LE(code, at);
    octets.writeUInt16LE(value.length, at + 2);
    octets.set(value, at + 4);
    at += 4 + value.length + padding(value.length);
  }
  octets.writeUInt32LE(total_bytes, total_bytes - 4);
  return octets;
}

function text(code: number, value: string): Option {
  return [code, Buffer.from(value, 'utf8')];
}

function number64(code: number, value: number): Option {
  const octets = Buffer.alloc(8);
  octets.writeBigUInt64LE(BigInt(value));
  return [code, octets];
}

function padding(length: number): number {
  return -length & 3;
}
