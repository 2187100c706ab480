/** Packets of TCP and UDP flows, built field by field with right checksums, as they come out of tunnels. */
import { internetChecksum, onesComplementSum, parseAddress } from '../../../firmware/wire/ip.js';
import { bytesOf } from './harness.js';

/** RFC 9293 section 3.1, RFC 3168 section 6.1. */
export const FLAG = { fin: 1, syn: 2, rst: 4, psh: 8, ack: 0x10, urg: 0x20, ece: 0x40, cwr: 0x80, ae: 0x100 } as const;
export const TCP = 6;
export const UDP = 17;
/** RFC 791 section 3.1, in the word with the fragment offset. */
export const DONT_FRAGMENT = 0x4000;

export interface FlowPacket {
  source: string;
  destination: string;
  protocol: number;
  sourcePort: number;
  destinationPort: number;
  /** IPv4: TOS; IPv6: traffic class. */
  trafficClass: number;
  hopLimit: number;
  /** IPv4. */
  identification: number;
  fragment: number;
  ipOptions: string;
  /** IPv6. */
  flowLabel: number;
  /** TCP. */
  sequence: number;
  acknowledgment: number;
  flags: number;
  window: number;
  urgent: number;
  tcpOptions: string;
  payload: Uint8Array;
}

export const TCP_IPV4: FlowPacket = {
  source: '10.64.0.7',
  destination: '198.51.100.9',
  protocol: TCP,
  sourcePort: 49152,
  destinationPort: 443,
  trafficClass: 0,
  hopLimit: 64,
  identification: 100,
  fragment: DONT_FRAGMENT,
  ipOptions: '',
  flowLabel: 0,
  sequence: 1000,
  acknowledgment: 77,
  flags: FLAG.ack,
  window: 500,
  urgent: 0,
  // RFC 7323 section 3.2, behind two no-operations.
  tcpOptions: '0101 080a 00000011 00000022',
  payload: payload(100),
};
export const TCP_IPV6: FlowPacket = {
  ...TCP_IPV4,
  source: '2001:db8:7::7',
  destination: '2001:db8:9::9',
  flowLabel: 0x12345,
};
export const UDP_IPV4: FlowPacket = { ...TCP_IPV4, protocol: UDP };
export const UDP_IPV6: FlowPacket = { ...TCP_IPV6, protocol: UDP };

/** Octets that tell where they stand. */
export function payload(length_bytes: number, first = 0): Uint8Array {
  return Uint8Array.from({ length: length_bytes }, (_, i) => (first + i * 7) & 0xff);
}

export function emitFlowPacket(packet: FlowPacket): Uint8Array {
  const isIpv4 = !packet.source.includes(':');
  const addresses = Buffer.concat([parseAddress(packet.source), parseAddress(packet.destination)]);
  const transport = packet.protocol === TCP ? emitTcp(packet) : emitUdp(packet);
  const pseudoHeader = onesComplementSum(addresses, 0, addresses.length, transport.length + packet.protocol);
  const checksum = internetChecksum(transport, 0, transport.length, pseudoHeader);
  // RFC 768: an all zero checksum is transmitted as all ones.
  if (packet.protocol === UDP) transport.writeUInt16BE(checksum || 0xffff, 6);
  else transport.writeUInt16BE(checksum, 16);
  return Buffer.concat([
    isIpv4 ? emitIpv4(packet, addresses, transport.length) : emitIpv6(packet, addresses, transport.length),
    transport,
  ]);
}

/** RFC 791 section 3.1. */
function emitIpv4(packet: FlowPacket, addresses: Uint8Array, transport_bytes: number): Buffer {
  const options = bytesOf(packet.ipOptions);
  const header = Buffer.alloc(20 + options.length);
  header[0] = 0x40 | (header.length / 4);
  header[1] = packet.trafficClass;
  header.writeUInt16BE(header.length + transport_bytes, 2);
  header.writeUInt16BE(packet.identification & 0xffff, 4);
  header.writeUInt16BE(packet.fragment, 6);
  header[8] = packet.hopLimit;
  header[9] = packet.protocol;
  header.set(addresses, 12);
  header.set(options, 20);
  header.writeUInt16BE(internetChecksum(header, 0, header.length), 10);
  return header;
}

/** RFC 8200 section 3. */
function emitIpv6(packet: FlowPacket, addresses: Uint8Array, transport_bytes: number): Buffer {
  const header = Buffer.alloc(40);
  header.writeUInt32BE(0x60000000 + packet.trafficClass * 0x100000 + packet.flowLabel, 0);
  header.writeUInt16BE(transport_bytes, 4);
  header[6] = packet.protocol;
  header[7] = packet.hopLimit;
  header.set(addresses, 8);
  return header;
}

/** RFC 9293 section 3.1, the checksum 0. */
function emitTcp(packet: FlowPacket): Buffer {
  const options = bytesOf(packet.tcpOptions);
  const header = Buffer.alloc(20 + options.length);
  header.writeUInt16BE(packet.sourcePort, 0);
  header.writeUInt16BE(packet.destinationPort, 2);
  header.writeUInt32BE(packet.sequence >>> 0, 4);
  header.writeUInt32BE(packet.acknowledgment, 8);
  header.writeUInt16BE(((header.length / 4) << 12) | packet.flags, 12);
  header.writeUInt16BE(packet.window, 14);
  header.writeUInt16BE(packet.urgent, 18);
  header.set(options, 20);
  return Buffer.concat([header, packet.payload]);
}

/** RFC 768, the checksum 0. */
function emitUdp(packet: FlowPacket): Buffer {
  const header = Buffer.alloc(8);
  header.writeUInt16BE(packet.sourcePort, 0);
  header.writeUInt16BE(packet.destinationPort, 2);
  header.writeUInt16BE(8 + packet.payload.length, 4);
  return Buffer.concat([header, packet.payload]);
}

/** The `index`th packet of a flow that begins with `first`: each follows the one before. */
export function follower(first: FlowPacket, index = 1): FlowPacket {
  return {
    ...first,
    identification: first.identification + index,
    sequence: first.sequence + index * first.payload.length,
    payload: payload(first.payload.length, index),
  };
}
