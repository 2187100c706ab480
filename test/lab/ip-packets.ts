/**
 * IPv4 packets that a user of the lab sends: a UDP datagram, an ICMP echo; and the echo's reply, read. Builds and reads;
 * sends nothing.
 */
import { ByteReader, ByteWriter } from '../../firmware/wire/bytes.js';
import { formatAddress, internetChecksum, parseAddress } from '../../firmware/wire/ip.js';

const HEADER_BYTES = 20;
const UDP_HEADER_BYTES = 8;
const PROTOCOL = { icmp: 1, udp: 17 } as const;
const ECHO_REQUEST = 8;
const ECHO_REPLY = 0;
const TTL = 64;

export interface Echo {
  source: string;
  destination: string;
  /** 16 bits each. */
  identifier: number;
  sequence: number;
}

/** A datagram with a payload of zeros, to the discard port, without a checksum (RFC 768). */
export function emitUdpPacket(source: string, destination: string, payload_bytes: number): Uint8Array {
  const length_bytes = UDP_HEADER_BYTES + payload_bytes;
  const datagram = new ByteWriter(length_bytes).u16(9).u16(9).u16(length_bytes).u16(0);
  return emitPacket(source, destination, PROTOCOL.udp, datagram.bytes(new Uint8Array(payload_bytes)).finish());
}

export function emitEchoRequest({ source, destination, identifier, sequence }: Echo): Uint8Array {
  const message = new ByteWriter(16).u8(ECHO_REQUEST).u8(0).u16(0).u16(identifier).u16(sequence);
  const checksum = internetChecksum(message.finish(), 0, message.length_bytes);
  return emitPacket(source, destination, PROTOCOL.icmp, message.patchU16(2, checksum).finish());
}

/** Undefined for another packet. Throws ProtocolError for one that is too short. */
export function parseEchoReply(packet: Uint8Array): Echo | undefined {
  const reader = new ByteReader(packet);
  const header = reader.take(HEADER_BYTES);
  if (header[9] !== PROTOCOL.icmp || reader.u8() !== ECHO_REPLY) return undefined;
  reader.take(3);
  return {
    ...{ source: formatAddress(header.subarray(12, 16)), destination: formatAddress(header.subarray(16, 20)) },
    ...{ identifier: reader.u16(), sequence: reader.u16() },
  };
}

function emitPacket(source: string, destination: string, protocol: number, payload: Uint8Array): Uint8Array {
  const writer = new ByteWriter(HEADER_BYTES + payload.length);
  writer
    .u16(0x4500)
    .u16(HEADER_BYTES + payload.length)
    .u32(0)
    .u8(TTL)
    .u8(protocol)
    .u16(0);
  writer.bytes(parseAddress(source)).bytes(parseAddress(destination));
  const checksum = internetChecksum(writer.finish(), 0, HEADER_BYTES);
  return writer.patchU16(10, checksum).bytes(payload).finish();
}
