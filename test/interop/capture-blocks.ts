/** Reads the packets of a pcap or pcapng file, as their formats say: a second view beside tshark's, octet by octet. */
import assert from 'node:assert/strict';

export interface FilePacket {
  /** As in the file: 1 is Ethernet, 101 raw IP. */
  linkType: number;
  time_us: number;
  octets: Buffer;
  wire_bytes: number;
  /** pcapng alone. */
  isSent: boolean;
  comment: string;
}

/** The packets of a pcapng file, little-endian, in microseconds; fails on a block that is not as the format says. */
export function pcapngPackets(file: Buffer): FilePacket[] {
  const packets: FilePacket[] = [];
  const linkTypes: number[] = [];
  for (let at = 0; at < file.length; ) {
    const type = file.readUInt32LE(at);
    const total = file.readUInt32LE(at + 4);
    assert.equal(file.readUInt32LE(at + total - 4), total, `both lengths of the block at ${at}`);
    if (type === 1) linkTypes.push(file.readUInt16LE(at + 8));
    if (type === 6) {
      const length = file.readUInt32LE(at + 20);
      const options = optionsOf(file.subarray(at + 28 + length + (-length & 3), at + total - 4));
      packets.push({
        linkType: linkTypes[file.readUInt32LE(at + 8)]!,
        time_us: file.readUInt32LE(at + 12) * 2 ** 32 + file.readUInt32LE(at + 16),
        octets: file.subarray(at + 28, at + 28 + length),
        wire_bytes: file.readUInt32LE(at + 24),
        isSent: options.get(2)!.readUInt32LE(0) === 2,
        comment: options.get(1)?.toString() ?? '',
      });
    }
    at += total;
  }
  return packets;
}

export function optionsOf(octets: Buffer): Map<number, Buffer> {
  const options = new Map<number, Buffer>();
  for (let at = 0; at < octets.length && octets.readUInt16LE(at) !== 0; ) {
    const length = octets.readUInt16LE(at + 2);
    options.set(octets.readUInt16LE(at), octets.subarray(at + 4, at + 4 + length));
    at += 4 + length + (-length & 3);
  }
  return options;
}

/** The packets of a pcap file as tcpdump writes it, little-endian. */
export function pcapPackets(file: Buffer): Buffer[] {
  assert.equal(file.readUInt32LE(0), 0xa1b2c3d4);
  const packets: Buffer[] = [];
  for (let at = 24; at + 16 <= file.length; ) {
    const length = file.readUInt32LE(at + 8);
    packets.push(file.subarray(at + 16, at + 16 + length));
    at += 16 + length;
  }
  return packets;
}

/** What L2TP has in an IPv4 or IPv6 packet, behind UDP's header or IP's, with its ends; '' for anything else. */
export function l2tpOf(packet: Buffer): string {
  const isIpv4 = packet[0]! >>> 4 === 4;
  const header = isIpv4 ? (packet[0]! & 0x0f) * 4 : 40;
  const protocol = packet[isIpv4 ? 9 : 6];
  const end = isIpv4 ? packet.readUInt16BE(2) : 40 + packet.readUInt16BE(4);
  const ends = packet.subarray(isIpv4 ? 12 : 8, header).toString('hex');
  if (protocol === 115) return `${ends} ${packet.subarray(header, end).toString('hex')}`;
  if (protocol !== 17) return '';
  const ports = packet.subarray(header, header + 6).toString('hex');
  return `${ends} ${ports} ${packet.subarray(header + 8, end).toString('hex')}`;
}
