/**
 * What a router's end of a PPP link owes its peer at link-local scope: an answer to ICMPv6 Echo-Request
 * (RFC 4443 section 4.2). Must not route: packets beyond the link never come here.
 *
 *     IPv6 header, 40 bytes: version 6, payload length at 4, next header at 6, hop limit at 7, source 8, destination 24
 *     ICMPv6: type at 40, code at 41, checksum at 42
 */

import { formatAddress, internetChecksum, parseAddress } from '../../wire/ip.js';

const HEADER_BYTES = 40;
const NEXT_HEADER_ICMPV6 = 58;
const ECHO_REQUEST = 128;
const ECHO_REPLY = 129;
const HOP_LIMIT = 64;

/** The link-local address of an interface identifier of 8 bytes (RFC 5072 section 5), as text. */
export function linkLocalAddress(interfaceId: Uint8Array): string {
  const address = new Uint8Array(16);
  address[0] = 0xfe;
  address[1] = 0x80;
  address.set(interfaceId, 8);
  return formatAddress(address);
}

/** An interface identifier of 8 bytes as in 0211:22ff:fe33:4455. */
export function interfaceIdText(interfaceId: Uint8Array): string {
  const groups: string[] = [];
  for (let i = 0; i < 8; i += 2)
    groups.push(((interfaceId[i] << 8) | interfaceId[i + 1]).toString(16).padStart(4, '0'));
  return groups.join(':');
}

/**
 * The answer to an IPv6 packet that a peer sent to us at link-local scope: an Echo-Reply from `localAddress` (text)
 * when the packet is an Echo-Request with a right checksum to that address or to all nodes (ff02::1), else undefined.
 */
export function answerLinkLocal(packet: Uint8Array, localAddress: string): Uint8Array | undefined {
  if (packet.length < HEADER_BYTES + 8 || packet[0] >>> 4 !== 6) return undefined;
  const payload_bytes = (packet[4] << 8) | packet[5];
  const end = HEADER_BYTES + payload_bytes;
  if (payload_bytes < 8 || end > packet.length) return undefined;
  if (packet[6] !== NEXT_HEADER_ICMPV6 || packet[HEADER_BYTES] !== ECHO_REQUEST) return undefined;
  const destination = formatAddress(packet.subarray(24, 40));
  if (destination !== localAddress && destination !== 'ff02::1') return undefined;
  if (icmpv6Checksum(packet.subarray(0, end)) !== 0) return undefined;

  const reply = packet.slice(0, end);
  reply[7] = HOP_LIMIT;
  reply.set(parseAddress(localAddress), 8);
  reply.set(packet.subarray(8, 24), 24);
  reply[HEADER_BYTES] = ECHO_REPLY;
  reply[HEADER_BYTES + 2] = 0;
  reply[HEADER_BYTES + 3] = 0;
  const checksum = icmpv6Checksum(reply);
  reply[HEADER_BYTES + 2] = checksum >>> 8;
  reply[HEADER_BYTES + 3] = checksum & 0xff;
  return reply;
}

/** Over pseudo-header and payload (RFC 8200 section 8.1); 0 when the checksum in the packet is right. */
function icmpv6Checksum(packet: Uint8Array): number {
  const payload_bytes = packet.length - HEADER_BYTES;
  const summed = new Uint8Array(HEADER_BYTES + payload_bytes);
  summed.set(packet.subarray(8, HEADER_BYTES), 0);
  summed[34] = payload_bytes >>> 8;
  summed[35] = payload_bytes & 0xff;
  summed[39] = NEXT_HEADER_ICMPV6;
  summed.set(packet.subarray(HEADER_BYTES), HEADER_BYTES);
  return internetChecksum(summed, 0, summed.length);
}
