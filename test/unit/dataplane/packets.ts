/** IP packets built field by field, in hex, with right checksums: the givens of the packet path's tests. */
import { internetChecksum, onesComplementSum, parseAddress } from '../../../firmware/wire/ip.js';
import { bytesOf, hex, u16 } from './harness.js';

const toHex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
const addressHex = (text: string) => toHex(parseAddress(text));

export interface Ipv4Fields {
  source?: string;
  destination?: string;
  protocol?: number;
  /** Flags and fragment offset, 16 bits: DF is 0x4000, MF is 0x2000. */
  fragment?: number;
  /** Whole words. */
  options?: string;
  payload?: string;
}

/** RFC 791 section 3.1. */
export function ipv4({
  source = '10.64.0.7',
  destination = '198.51.100.9',
  protocol = 253,
  fragment = 0,
  options = '',
  payload = '00010203',
}: Ipv4Fields = {}): string {
  const optionsHex = hex(options);
  const payloadHex = hex(payload);
  const header_bytes = 20 + optionsHex.length / 2;
  const total_bytes = header_bytes + payloadHex.length / 2;
  const head = (checksum: number) =>
    hex(
      `4${(header_bytes / 4).toString(16)} 00 ${u16(total_bytes)} 1234 ${u16(fragment)} 40`,
      protocol.toString(16).padStart(2, '0'),
      u16(checksum),
      addressHex(source),
      addressHex(destination),
      optionsHex,
    );
  return head(internetChecksum(bytesOf(head(0)), 0, header_bytes)) + payloadHex;
}

export interface Ipv6Fields {
  source?: string;
  destination?: string;
  nextHeader?: number;
  payload?: string;
}

/** RFC 8200 section 3. */
export function ipv6({
  source = '2001:db8:7::7',
  destination = '2001:db8:9::9',
  nextHeader = 253,
  payload = '00010203',
}: Ipv6Fields = {}): string {
  const payloadHex = hex(payload);
  return hex(
    `60000000 ${u16(payloadHex.length / 2)}`,
    nextHeader.toString(16).padStart(2, '0'),
    '40',
    addressHex(source),
    addressHex(destination),
    payloadHex,
  );
}

/** RFC 768, without a checksum. */
export function udp(destinationPort: number, payload = '00'): string {
  const payloadHex = hex(payload);
  return hex('0044', u16(destinationPort), u16(8 + payloadHex.length / 2), '0000', payloadHex);
}

/** RFC 9293 section 3.1: a segment with these flags and options (whole words), its checksum right for the addresses. */
export function tcp(flags: number, options: string, source: string, destination: string): string {
  const optionsHex = hex(options);
  const words = 5 + optionsHex.length / 8;
  const segment = (checksum: number) =>
    hex(
      'c000 0050 00000001 00000000',
      `${words.toString(16)}0`,
      flags.toString(16).padStart(2, '0'),
      `ffff ${u16(checksum)} 0000`,
      optionsHex,
    );
  return segment(tcpChecksum(segment(0), source, destination));
}

/** 0 where the checksum in the segment is right for these addresses. */
export function tcpChecksum(segment: string, source: string, destination: string): number {
  const bytes = bytesOf(segment);
  const addresses = bytesOf(addressHex(source) + addressHex(destination));
  const pseudoHeader = onesComplementSum(addresses, 0, addresses.length, bytes.length + 6);
  return internetChecksum(bytes, 0, bytes.length, pseudoHeader);
}
