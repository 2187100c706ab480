/**
 * A user's packet in a simulation: IPv4 with eight octets in it, which say what it is and which one. Must not know where
 * it goes.
 *
 *   | IPv4 header (20) | 1 for an answer (32) | token (32) |
 */

import { formatAddress, parseAddress } from '../../firmware/wire/ip.js';

export interface UserPacket {
  source: string;
  destination: string;
  isReply: boolean;
  token: number;
}

const IPV4_HEADER_BYTES = 20;
const PACKET_BYTES = IPV4_HEADER_BYTES + 8;
const VERSION_AND_LENGTH = 0x45;

export function emitUserPacket({ source, destination, isReply, token }: UserPacket): Uint8Array {
  const bytes = new Uint8Array(PACKET_BYTES);
  bytes[0] = VERSION_AND_LENGTH;
  bytes[3] = bytes.length;
  bytes.set(parseAddress(source), 12);
  bytes.set(parseAddress(destination), 16);
  const view = new DataView(bytes.buffer);
  view.setUint32(IPV4_HEADER_BYTES, isReply ? 1 : 0);
  view.setUint32(IPV4_HEADER_BYTES + 4, token);
  return bytes;
}

/** undefined for one that is too short. */
export function readUserPacket(bytes: Uint8Array): UserPacket | undefined {
  if (bytes.length < PACKET_BYTES) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset + IPV4_HEADER_BYTES);
  return {
    source: formatAddress(bytes.subarray(12, 16)),
    destination: formatAddress(bytes.subarray(16, 20)),
    isReply: view.getUint32(0) === 1,
    token: view.getUint32(4),
  };
}
