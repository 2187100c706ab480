/**
 * TCP and UDP packets built field by field, whole, or as a kernel gives them to a TUN device that completes checksums:
 * the givens and the required output of the tests of segmentation and joining.
 */
import { internetChecksum, onesComplementSum, parseAddress } from '../../../firmware/wire/ip.js';
import { bytesOf, hex, u16 } from './harness.js';

const PROTOCOL = { tcp: 6, udp: 17 } as const;
const IPV4_HEADER_BYTES = 20;
const HOP_LIMIT = 63;

export interface IpFields {
  version?: 4 | 6;
  source?: string;
  destination?: string;
  hopLimit?: number;
  identification?: number;
  /** Flags and fragment offset, 16 bits. */
  fragment?: number;
  /** IPv4 options, whole words. */
  ipOptions?: string;
  /** IPv6 extension headers, with the number of the first; the last of them says which transport protocol follows. */
  extension?: { first: number; headers: string };
  /** What the IP header says instead of the true length. */
  ipLength?: number;
  payload?: string;
  /** The checksum field holds the pseudo-header's sum alone, not complemented; or 0. Without it: the true checksum. */
  checksum?: 'partial' | 'none';
}

export interface TcpFields extends IpFields {
  sequence?: number;
  acknowledgment?: number;
  flags?: number;
  /** Whole words. */
  options?: string;
  /** In words; without it: the true one. */
  dataOffset?: number;
}

export interface UdpFields extends IpFields {
  udpLength?: number;
}

const u8 = (value: number): string => value.toString(16).padStart(2, '0');
const u32 = (value: number): string => value.toString(16).padStart(8, '0');

/** RFC 9293 section 3.1. */
export function tcpPacket(fields: TcpFields): string {
  const { sequence = 1000, acknowledgment = 0x0badcafe, flags = 0x10, payload = '' } = fields;
  const options = hex(fields.options ?? '');
  const dataOffset = fields.dataOffset ?? 5 + options.length / 8;
  const before = hex('1451 c350', u32(sequence), u32(acknowledgment), u16((dataOffset << 12) | flags), '01f6');
  return ipPacket(fields, PROTOCOL.tcp, before, hex('0000', options, payload));
}

/** RFC 768. */
export function udpPacket(fields: UdpFields): string {
  const payload = hex(fields.payload ?? '');
  return ipPacket(fields, PROTOCOL.udp, hex('1451 c350', u16(fields.udpLength ?? 8 + payload.length / 2)), payload);
}

/** RFC 791 section 3.1, RFC 8200 section 3: of what the transport's checksum stands `before` and `behind`. */
function ipPacket(fields: IpFields, protocol: number, before: string, behind: string): string {
  const { version = 4 } = fields;
  const source = parseAddress(fields.source ?? (version === 4 ? '10.64.0.7' : '2001:db8:7::7'));
  const destination = parseAddress(fields.destination ?? (version === 4 ? '198.51.100.9' : '2001:db8:9::9'));
  const checksum = transportChecksum(fields, [...source, ...destination], protocol, before, behind);
  const transport = before + u16(checksum) + behind;
  const addresses = Buffer.from([...source, ...destination]).toString('hex');
  if (version === 4) return ipv4Header(fields, protocol, addresses, transport.length / 2) + transport;
  const { first, headers } = fields.extension ?? { first: protocol, headers: '' };
  const extension = hex(headers);
  const length = fields.ipLength ?? (extension.length + transport.length) / 2;
  return hex('6bc12345', u16(length), u8(first), u8(fields.hopLimit ?? HOP_LIMIT), addresses, extension, transport);
}

/** The pseudo-header is that of RFC 9293 section 3.1 and RFC 8200 section 8.1: addresses, protocol, length. */
function transportChecksum(
  { checksum }: IpFields,
  addresses: readonly number[],
  protocol: number,
  before: string,
  behind: string,
): number {
  if (checksum === 'none') return 0;
  const bytes = bytesOf(`${before}0000${behind}`);
  const partial = onesComplementSum(Uint8Array.from(addresses), 0, addresses.length, protocol + bytes.length);
  if (checksum === 'partial') return partial;
  const complete = internetChecksum(bytes, 0, bytes.length, partial);
  return protocol === PROTOCOL.udp && complete === 0 ? 0xffff : complete;
}

function ipv4Header(fields: IpFields, protocol: number, addresses: string, transport_bytes: number): string {
  const { identification = 0x1234, fragment = 0x4000 } = fields;
  const options = hex(fields.ipOptions ?? '');
  const header_bytes = IPV4_HEADER_BYTES + options.length / 2;
  const length = fields.ipLength ?? header_bytes + transport_bytes;
  const header = (checksum: number) =>
    hex(
      `4${(header_bytes / 4).toString(16)} b8 ${u16(length)} ${u16(identification)} ${u16(fragment)}`,
      u8(fields.hopLimit ?? HOP_LIMIT),
      u8(protocol),
      u16(checksum),
      addresses,
      options,
    );
  return header(internetChecksum(bytesOf(header(0)), 0, header_bytes));
}
