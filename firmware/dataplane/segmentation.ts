/**
 * What a kernel leaves to a TUN device that offers it (virtio's network header, Virtual I/O Device version 1.1, section
 * 5.1.6): super-packets are cut into the packets that would have been sent without it, and checksums completed. Headers
 * alone are written: the payload stays where it is. Allocates nothing; must not know where the packets go.
 *
 *   super-packet: | IP header, with options or extension headers | TCP or UDP header | payload ...                    |
 *   its packets:  | the same headers, adapted                                        | payload, segment_bytes | ... ->
 *
 *   IPv4 (RFC 791 section 3.1):  total length at 2, identification at 4, fragment at 6, header checksum at 10
 *   IPv6 (RFC 8200 section 3):   payload length at 4, next header at 6; in an extension header (section 4) next header
 *                                at 0, length at 1 (8 octets each, without the first 8)
 *   TCP (RFC 9293 section 3.1):  sequence number at 4, data offset (words, high 4 bits) and flags at 12, checksum at 16
 *   UDP (RFC 768):               length at 4, checksum at 6
 *
 * A super-packet's checksum field holds the sum, not complemented, of the pseudo-header with the super-packet's length.
 */
import { type Checksums, foldSum } from './checksum.js';
import { IP_PROTOCOL, IPV4_HEADER_BYTES, IPV6_HEADER_BYTES, ipv4HeaderBytes } from './ip-packet.js';
import { GSO } from './packet-batch.js';

/** Of IP and transport together: IPv4's and TCP's with all the options they may have take 120. */
export const MAX_HEADER_BYTES = 160;

const MAX_LENGTH = 0xffff;
const IPV4_AT = { totalLength: 2, identification: 4, fragment: 6, protocol: 9, checksum: 10 } as const;
const IPV6_AT = { payloadLength: 4, nextHeader: 6 } as const;
const TCP_AT = { sequence: 4, offsetAndFlags: 12, checksum: 16 } as const;
const UDP_AT = { length: 4, checksum: 6 } as const;
const TCP_HEADER_BYTES = 20;
const UDP_HEADER_BYTES = 8;
/** More Fragments and the fragment offset. */
const FRAGMENT_MASK = 0x3fff;
/** RFC 9293 section 3.1. */
const FIN = 0x01;
const SYN = 0x02;
const RST = 0x04;
const PSH = 0x08;
const URG = 0x20;
const CWR = 0x80;
/** RFC 8200 section 4: extension headers that may stand before a whole transport header that is to be read. */
const EXTENSION_HEADER = { hopByHop: 0, routing: 43, destinationOptions: 60 } as const;
const EXTENSION_UNIT_BYTES = 8;

/** A super-packet whose headers are read once; kept, and opened again for the next one. */
export class SuperPacket {
  /** How many packets it becomes. */
  count = 0;
  /** Of IP and transport together, the same in each packet. */
  header_bytes = 0;
  /** The payload of each packet but the last, which has what is left. */
  segment_bytes = 0;
  readonly #memory: Uint8Array;
  readonly #checksums: Checksums;
  #offset = 0;
  #isIpv4 = false;
  #isTcp = false;
  /** Where the transport header begins in the packet. */
  #transportAt = 0;
  #payload_bytes = 0;
  #identification = 0;
  #sequence = 0;
  #offsetAndFlags = 0;
  /** UDP without a checksum: its packets have none either. */
  #isUnsummed = false;
  /** The sum of the IPv4 header, and of transport header and pseudo-header, without what differs in each packet. */
  #ipSum = 0;
  #transportSum = 0;

  constructor(memory: Uint8Array, checksums: Checksums) {
    this.#memory = memory;
    this.#checksums = checksums;
  }

  /**
   * Reads the super-packet of `length_bytes` at `offset`, of the kind `gso` (one of GSO's, with its ecn or without it);
   * its packets get `segment_bytes` of payload. Where the IP length is 0, as of what is longer than it can tell,
   * `length_bytes` counts. False, and `count` 0, where it is malformed: nothing else may then be read from here.
   */
  open(offset: number, length_bytes: number, gso: number, segment_bytes: number): boolean {
    this.count = 0;
    this.#offset = offset;
    const packet_bytes = segment_bytes === 0 ? 0 : this.#openIp(length_bytes, gso);
    if (packet_bytes === 0) return false;
    const transport_bytes = packet_bytes - this.#transportAt;
    const transportHeader_bytes = this.#isTcp ? this.#openTcp(transport_bytes) : this.#openUdp(transport_bytes);
    if (transportHeader_bytes === 0) return false;
    this.header_bytes = this.#transportAt + transportHeader_bytes;
    this.segment_bytes = segment_bytes;
    this.#payload_bytes = packet_bytes - this.header_bytes;
    const count = Math.max(1, Math.ceil(this.#payload_bytes / segment_bytes));
    if (this.header_bytes > MAX_HEADER_BYTES || !this.#isEachLengthTold()) return false;
    // SYN and RST take part in the sequence once; an urgent pointer counts from each segment's own sequence number.
    if (count > 1 && this.#isTcp && (this.#offsetAndFlags & (SYN | RST | URG)) !== 0) return false;
    this.count = count;
    return true;
  }

  /** Where the payload of a packet begins in the memory; `index` is below `count`, here and below. */
  payloadOffset(index: number): number {
    return this.#offset + this.header_bytes + index * this.segment_bytes;
  }

  payload_bytes(index: number): number {
    return Math.min(this.segment_bytes, this.#payload_bytes - index * this.segment_bytes);
  }

  /**
   * Writes the headers of a packet, `header_bytes`, to a place that is none of the super-packet's own. Its checksum
   * covers the payload that stays where it is, which is read for that.
   */
  emitHeaders(to: number, index: number): void {
    const memory = this.#memory;
    memory.copyWithin(to, this.#offset, this.#offset + this.header_bytes);
    const payload_bytes = this.payload_bytes(index);
    const packet_bytes = this.header_bytes + payload_bytes;
    if (this.#isIpv4) this.#emitIpv4(to, index, packet_bytes);
    else write16(memory, to + IPV6_AT.payloadLength, packet_bytes - IPV6_HEADER_BYTES);
    const transport_bytes = packet_bytes - this.#transportAt;
    if (this.#isTcp) this.#emitTcp(to + this.#transportAt, index, transport_bytes, payload_bytes);
    else this.#emitUdp(to + this.#transportAt, index, transport_bytes, payload_bytes);
  }

  /**
   * Gives the octets of the packet; 0 where its IP header is malformed, or not what the kind says. Whether IPv6's lies
   * in the packet shows at the end of the transport header.
   */
  #openIp(length_bytes: number, gso: number): number {
    const version = this.#memory[this.#offset] >>> 4;
    this.#isIpv4 = version === 4;
    this.#isTcp = gso !== GSO.udp;
    switch (gso) {
      case GSO.tcpv4:
      case GSO.tcpv4 | GSO.ecn:
        return version === 4 ? this.#openIpv4(length_bytes, IP_PROTOCOL.tcp) : 0;
      case GSO.tcpv6:
      case GSO.tcpv6 | GSO.ecn:
        return version === 6 ? this.#openIpv6(length_bytes, IP_PROTOCOL.tcp) : 0;
      case GSO.udp:
        if (version === 4) return this.#openIpv4(length_bytes, IP_PROTOCOL.udp);
        return version === 6 ? this.#openIpv6(length_bytes, IP_PROTOCOL.udp) : 0;
      default:
        return 0;
    }
  }

  #openIpv4(length_bytes: number, protocol: number): number {
    const memory = this.#memory;
    const offset = this.#offset;
    const header_bytes = ipv4HeaderBytes(memory, offset);
    const total_bytes = read16(memory, offset + IPV4_AT.totalLength);
    const packet_bytes = total_bytes === 0 ? length_bytes : total_bytes;
    if (header_bytes < IPV4_HEADER_BYTES || packet_bytes < header_bytes || packet_bytes > length_bytes) return 0;
    if (memory[offset + IPV4_AT.protocol] !== protocol) return 0;
    // The segments of a fragment would be fragments of one packet that have the same offset.
    if ((read16(memory, offset + IPV4_AT.fragment) & FRAGMENT_MASK) !== 0) return 0;
    this.#transportAt = header_bytes;
    this.#identification = read16(memory, offset + IPV4_AT.identification);
    const headerChecksum = read16(memory, offset + IPV4_AT.checksum);
    const differs = minus(total_bytes) + minus(this.#identification) + minus(headerChecksum);
    this.#ipSum = this.#checksums.sum(offset, header_bytes, differs);
    return packet_bytes;
  }

  #openIpv6(length_bytes: number, protocol: number): number {
    const memory = this.#memory;
    const offset = this.#offset;
    const payload_bytes = read16(memory, offset + IPV6_AT.payloadLength);
    let next = memory[offset + IPV6_AT.nextHeader];
    // A Jumbo Payload option (RFC 2675 section 3) tells the length: no segment may have it.
    if (payload_bytes === 0 && next === EXTENSION_HEADER.hopByHop) return 0;
    const packet_bytes = payload_bytes === 0 ? length_bytes : IPV6_HEADER_BYTES + payload_bytes;
    if (packet_bytes > length_bytes) return 0;
    let at = IPV6_HEADER_BYTES;
    while (isExtensionHeader(next) && at < packet_bytes) {
      next = memory[offset + at];
      at += EXTENSION_UNIT_BYTES * (1 + memory[offset + at + 1]);
    }
    this.#transportAt = at;
    return next === protocol ? packet_bytes : 0;
  }

  /** Gives the octets of the TCP header; 0 where it is not there as a whole. */
  #openTcp(transport_bytes: number): number {
    const memory = this.#memory;
    const tcp = this.#offset + this.#transportAt;
    this.#offsetAndFlags = read16(memory, tcp + TCP_AT.offsetAndFlags);
    const header_bytes = 4 * (this.#offsetAndFlags >>> 12);
    if (header_bytes < TCP_HEADER_BYTES || header_bytes > transport_bytes) return 0;
    const high = read16(memory, tcp + TCP_AT.sequence);
    const low = read16(memory, tcp + TCP_AT.sequence + 2);
    this.#sequence = high * 0x10000 + low;
    const differs = minus(high) + minus(low) + minus(this.#offsetAndFlags) + minus(foldSum(transport_bytes));
    this.#transportSum = this.#checksums.sum(tcp, header_bytes, differs);
    return header_bytes;
  }

  /** Gives the octets of the UDP header; 0 where it is not there, or says another length than IP. */
  #openUdp(transport_bytes: number): number {
    if (transport_bytes < UDP_HEADER_BYTES) return 0;
    const memory = this.#memory;
    const udp = this.#offset + this.#transportAt;
    const udp_bytes = read16(memory, udp + UDP_AT.length);
    // 0 as in IP: longer than it can tell.
    if (udp_bytes !== transport_bytes && udp_bytes !== 0) return 0;
    // RFC 768; over IPv6, RFC 6935 section 5. A pseudo-header's sum is never 0: it has the protocol in it.
    this.#isUnsummed = read16(memory, udp + UDP_AT.checksum) === 0;
    const differs = minus(udp_bytes) + minus(foldSum(transport_bytes));
    this.#transportSum = this.#checksums.sum(udp, UDP_HEADER_BYTES, differs);
    return UDP_HEADER_BYTES;
  }

  /** Whether the IP length of each packet fits into its 16 bits; in IPv6 it leaves out the first 40 octets. */
  #isEachLengthTold(): boolean {
    const longest_bytes = this.header_bytes + this.payload_bytes(0);
    return longest_bytes - (this.#isIpv4 ? 0 : IPV6_HEADER_BYTES) <= MAX_LENGTH;
  }

  /** Each packet has an identification of its own: the super-packet's and those that follow it. */
  #emitIpv4(ip: number, index: number, packet_bytes: number): void {
    const identification = (this.#identification + index) & 0xffff;
    write16(this.#memory, ip + IPV4_AT.totalLength, packet_bytes);
    write16(this.#memory, ip + IPV4_AT.identification, identification);
    write16(this.#memory, ip + IPV4_AT.checksum, ~foldSum(this.#ipSum + packet_bytes + identification));
  }

  #emitTcp(tcp: number, index: number, transport_bytes: number, payload_bytes: number): void {
    const memory = this.#memory;
    const sequence = (this.#sequence + index * this.segment_bytes) >>> 0;
    const offsetAndFlags = this.#offsetAndFlags & ~this.#absentFlags(index);
    const changed = (sequence >>> 16) + (sequence & 0xffff) + offsetAndFlags + transport_bytes;
    const sum = this.#checksums.sum(this.payloadOffset(index), payload_bytes, this.#transportSum + changed);
    write16(memory, tcp + TCP_AT.sequence, sequence >>> 16);
    write16(memory, tcp + TCP_AT.sequence + 2, sequence);
    write16(memory, tcp + TCP_AT.offsetAndFlags, offsetAndFlags);
    write16(memory, tcp + TCP_AT.checksum, ~sum);
  }

  /**
   * What ends the data goes with its end. A window is reduced once: CWR goes with the first packet of new data (RFC 3168
   * section 6.1.2), whether the kind has ecn or not.
   */
  #absentFlags(index: number): number {
    return (index < this.count - 1 ? FIN | PSH : 0) | (index > 0 ? CWR : 0);
  }

  #emitUdp(udp: number, index: number, transport_bytes: number, payload_bytes: number): void {
    write16(this.#memory, udp + UDP_AT.length, transport_bytes);
    if (this.#isUnsummed) return;
    // The length stands in the pseudo-header and in the header itself.
    const changed = 2 * transport_bytes;
    const sum = this.#checksums.sum(this.payloadOffset(index), payload_bytes, this.#transportSum + changed);
    write16(this.#memory, udp + UDP_AT.checksum, checksumOrOnes(sum));
  }
}

/**
 * Completes the checksum of a single packet of `length_bytes` at `offset` (virtio's VIRTIO_NET_HDR_F_NEEDS_CSUM): it
 * covers what is from `checksumStart_bytes` to the end, lies `checksumAt_bytes` behind that start, and holds the sum, not
 * complemented, of the pseudo-header. False where it does not lie in the packet.
 */
export function completeChecksum(
  memory: Uint8Array,
  checksums: Checksums,
  offset: number,
  length_bytes: number,
  checksumStart_bytes: number,
  checksumAt_bytes: number,
): boolean {
  if (checksumStart_bytes + checksumAt_bytes + 2 > length_bytes) return false;
  const start = offset + checksumStart_bytes;
  const sum = checksums.sum(start, length_bytes - checksumStart_bytes, 0);
  write16(memory, start + checksumAt_bytes, checksumOrOnes(sum));
  return true;
}

/** 0 would say that there is none (RFC 768); all ones is the same number. */
function checksumOrOnes(sum: number): number {
  return sum === 0xffff ? 0xffff : ~sum;
}

function isExtensionHeader(nextHeader: number): boolean {
  return (
    nextHeader === EXTENSION_HEADER.hopByHop ||
    nextHeader === EXTENSION_HEADER.routing ||
    nextHeader === EXTENSION_HEADER.destinationOptions
  );
}

/** What takes a 16-bit word out of a ones' complement sum (RFC 1624 section 2). */
function minus(word: number): number {
  return word ^ 0xffff;
}

function read16(memory: Uint8Array, at: number): number {
  return (memory[at] << 8) | memory[at + 1];
}

function write16(memory: Uint8Array, at: number, value: number): void {
  memory[at] = value >>> 8;
  memory[at + 1] = value;
}
