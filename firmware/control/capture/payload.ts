/**
 * How much of a captured packet is left when what users say to each other is not wanted: all of control messages and of
 * PPP's own protocols; of IP packets the headers of IP and transport. Changes nothing.
 */
import type { CapturedPacket } from '../../dataplane/interface.js';
import { PPP_PROTOCOL } from '../../wire/ppp.js';
import { etherTypeAt, partOf, u16 } from './anatomy.js';

const ETHER_TYPE = { ipv4: 0x0800, ipv6: 0x86dd, arp: 0x0806, pppoeSession: 0x8864 } as const;
const TRANSPORT_HEADER_BYTES: ReadonlyMap<number, number> = new Map([
  [1, 8], // ICMP
  [17, 8], // UDP
  [58, 8], // ICMPv6
  [132, 12], // SCTP
]);
const TCP = 6;
/** Hop-by-hop options, routing, destination options: RFC 8200 section 4. */
const EXTENSIONS: ReadonlySet<number> = new Set([0, 43, 60]);
const FRAGMENT = 44;
const IPV4_HEADER_BYTES = 20;
const IPV6_HEADER_BYTES = 40;
const FRAGMENT_OFFSET_MASK = 0x1fff;

/** Octets of the packet that stay. */
export function lengthWithoutPayload(packet: CapturedPacket): number {
  const { octets } = packet;
  const part = partOf(packet);
  if (part === undefined || part.what === 'control') return octets.length;
  const end = part.what === 'ppp' ? pppEnd(octets, part.at) : frameEnd(octets, part.at);
  return Math.min(octets.length, end);
}

function pppEnd(octets: Uint8Array, start: number): number {
  let at = start;
  if (octets[at] === 0xff && octets[at + 1] === 0x03) at += 2;
  let protocol = octets[at++] ?? 0;
  if ((protocol & 1) === 0) protocol = (protocol << 8) | (octets[at++] ?? 0);
  if (protocol === PPP_PROTOCOL.ipv4) return ipv4End(octets, at);
  if (protocol === PPP_PROTOCOL.ipv6) return ipv6End(octets, at);
  // Of a network protocol that is not ours to read nothing is left: RFC 1661 section 2.
  return protocol < 0x4000 ? at : octets.length;
}

function frameEnd(octets: Uint8Array, start: number): number {
  const { etherType, at } = etherTypeAt(octets, start);
  switch (etherType) {
    case ETHER_TYPE.ipv4:
      return ipv4End(octets, at);
    case ETHER_TYPE.ipv6:
      return ipv6End(octets, at);
    case ETHER_TYPE.arp:
      return octets.length;
    case ETHER_TYPE.pppoeSession:
      return pppEnd(octets, at + 6);
    default:
      return at;
  }
}

function ipv4End(octets: Uint8Array, at: number): number {
  const header_bytes = Math.max(IPV4_HEADER_BYTES, (octets[at] & 0x0f) * 4);
  const isFirst = (u16(octets, at + 6) & FRAGMENT_OFFSET_MASK) === 0;
  return isFirst ? transportEnd(octets, octets[at + 9], at + header_bytes) : at + header_bytes;
}

function ipv6End(octets: Uint8Array, start: number): number {
  let at = start + IPV6_HEADER_BYTES;
  let next = octets[start + 6];
  while (at < octets.length && (EXTENSIONS.has(next) || next === FRAGMENT)) {
    const header = at;
    at += next === FRAGMENT ? 8 : 8 + octets[at + 1] * 8;
    if (next === FRAGMENT && u16(octets, header + 2) >>> 3 !== 0) return at;
    next = octets[header];
  }
  return transportEnd(octets, next, at);
}

function transportEnd(octets: Uint8Array, protocol: number, at: number): number {
  if (protocol === TCP) return at + Math.max(20, ((octets[at + 12] ?? 0) >>> 4) * 4);
  return at + (TRANSPORT_HEADER_BYTES.get(protocol) ?? 0);
}
