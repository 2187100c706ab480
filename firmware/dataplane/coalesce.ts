/**
 * Joins IP packets of one flow that follow each other, on their way to a TUN device, to super-packets: the device takes
 * one in a system call, and the kernel makes of it, octet for octet, the packets that came. Copies no payload, changes
 * nothing but the headers of the first packet, and never the order of a flow.
 *
 *   came:  | IP | TCP | payload |   | IP | TCP | payload |   | IP | TCP | payload |
 *   goes:  | IP | TCP | payload |            + | payload |            + | payload |
 *          the descriptor's own              first piece      last piece: may be shorter
 *
 *   TCP (RFC 9293 section 3.1): ports at 0; sequence number at 4; acknowledgment number at 8; data offset (4 bits,
 *                               words) and flags at 12; window at 14; checksum at 16; urgent pointer at 18; options
 *   UDP (RFC 768):              ports at 0; length at 4; checksum at 6
 */
import { type Checksums, pseudoHeaderSumIpv4, pseudoHeaderSumIpv6 } from './checksum.js';
import {
  IP_PROTOCOL,
  IPV4_DESTINATION_AT,
  IPV4_HEADER_BYTES,
  IPV4_SOURCE_AT,
  IPV6_HEADER_BYTES,
  IPV6_SOURCE_AT,
} from './ip-packet.js';
import { GSO, type PacketBatch, type PacketPieces } from './packet-batch.js';

/** What a TUN device takes joined: bits. */
export const JOIN = { tcpv4: 1, tcpv6: 2, udp: 4 } as const;

/** So many packets become one at most: of UDP the kernel takes no more segments, and of pieces of memory 1,024. */
const MAX_JOINED_PACKETS = 64;
/** An IP packet with its header; IPv6 could be 40 longer, but no super-packet need be. */
const MAX_IP_BYTES = 65535;

/** Flows that are open at a time; a power of two. */
const SLOT_BITS = 6;
const SLOTS = 1 << SLOT_BITS;
/** The golden ratio in 32 bits (Fibonacci hashing). */
const HASH_FACTOR = 0x9e3779b1;
const NONE = -1;

/** The first octet of an IPv4 header without options. */
const IPV4_WITHOUT_OPTIONS = 0x45;
const IPV4_LENGTH_AT = 2;
const IPV4_IDENTIFICATION_AT = 4;
const IPV4_FRAGMENT_AT = 6;
const IPV4_MORE_AND_OFFSET = 0x3fff;
/** Beside the protocol. */
const IPV4_TTL_AT = 8;
const IPV4_PROTOCOL_AT = 9;
const IPV4_CHECKSUM_AT = 10;
const IPV6_LENGTH_AT = 4;
const IPV6_NEXT_HEADER_AT = 6;
const IPV6_ADDRESSES_BYTES = 32;
const ICMPV6 = 58;

const TCP_HEADER_BYTES = 20;
const TCP_SEQUENCE_AT = 4;
const TCP_ACKNOWLEDGMENT_AT = 8;
const TCP_FLAGS_AT = 12;
const TCP_WINDOW_AT = 14;
const TCP_CHECKSUM_AT = 16;
const TCP_URGENT_AT = 18;
/** Flags in the word with the data offset; CWR is RFC 3168's. */
const [FIN, SYN, RST, PSH, ACK, URG, CWR] = [0x01, 0x02, 0x04, 0x08, 0x10, 0x20, 0x80];
const LAST_FLAGS = FIN | PSH;

const UDP_HEADER_BYTES = 8;
const UDP_LENGTH_AT = 4;
const UDP_CHECKSUM_AT = 6;

export class Coalescer {
  readonly #memory: Uint8Array;
  readonly #view: DataView;
  readonly #checksums: Checksums;
  readonly #batch: PacketBatch;
  readonly #pieces: PacketPieces;
  /**
   * By a hash of the flow: the descriptor that a next packet of it may join, the last of its flow always. Its first
   * packet's headers, untouched until it is closed, say which flow that is.
   */
  readonly #descriptor = new Int32Array(SLOTS).fill(NONE);
  /** Of the first packet there, its payload. */
  readonly #segment_bytes = new Uint16Array(SLOTS);
  /** Of the super-packet so far, with its headers. */
  readonly #total_bytes = new Uint32Array(SLOTS);
  readonly #lastPiece = new Uint16Array(SLOTS);

  /** Joins in `batch` (the output towards TUN devices), pieces from `pieces`. */
  constructor(memory: Uint8Array, checksums: Checksums, batch: PacketBatch, pieces: PacketPieces) {
    this.#memory = memory;
    this.#view = new DataView(memory.buffer, memory.byteOffset, memory.byteLength);
    this.#checksums = checksums;
    this.#batch = batch;
    this.#pieces = pieces;
  }

  /**
   * A whole IP packet whose lengths are true, for TUN device `tun` that takes `joins` (bits of JOIN, the same for all
   * of a device's packets): becomes a part of the descriptor of its flow, or a descriptor of its own. False where the
   * batch is full.
   */
  push(offset: number, length_bytes: number, row: number, tun: number, joins: number): boolean {
    if (joins === 0) return this.#append(offset, length_bytes, row, tun) !== NONE;
    const network_bytes = this.#plainHeader(offset, length_bytes);
    if (network_bytes === 0) return this.#appendOfAnyFlow(offset, length_bytes, row, tun);
    const isIpv4 = network_bytes === IPV4_HEADER_BYTES;
    const transport_bytes = length_bytes - network_bytes;
    switch (this.#memory[offset + (isIpv4 ? IPV4_PROTOCOL_AT : IPV6_NEXT_HEADER_AT)]) {
      case IP_PROTOCOL.tcp:
        if (transport_bytes < TCP_HEADER_BYTES) return this.#appendOfAnyFlow(offset, length_bytes, row, tun);
        if ((joins & (isIpv4 ? JOIN.tcpv4 : JOIN.tcpv6)) === 0) break;
        return this.#pushTcp(offset, length_bytes, network_bytes, row, tun);
      case IP_PROTOCOL.udp:
        if (transport_bytes < UDP_HEADER_BYTES) return this.#appendOfAnyFlow(offset, length_bytes, row, tun);
        if ((joins & JOIN.udp) === 0) break;
        return this.#pushUdp(offset, length_bytes, network_bytes, row, tun);
      case ICMPV6:
        break;
      default:
        // An extension header, as far as we know.
        if (!isIpv4) return this.#appendOfAnyFlow(offset, length_bytes, row, tun);
    }
    return this.#append(offset, length_bytes, row, tun) !== NONE;
  }

  /** Writes the headers of what was joined, and forgets all flows: to be called before the batch is read and cleared. */
  finish(): void {
    for (let slot = 0; slot < SLOTS; slot++) this.#close(slot);
  }

  #pushTcp(offset: number, length_bytes: number, network_bytes: number, row: number, tun: number): boolean {
    const slot = this.#slot(offset, network_bytes, row);
    const flags = this.#view.getUint16(offset + network_bytes + TCP_FLAGS_AT);
    const header_bytes = network_bytes + 4 * (flags >>> 12);
    const isData = (flags & (ACK | SYN | RST | URG | CWR)) === ACK && header_bytes >= network_bytes + TCP_HEADER_BYTES;
    const payload_bytes = isData ? Math.max(0, length_bytes - header_bytes) : 0;
    const isLast = (flags & LAST_FLAGS) !== 0;
    if (
      this.#mayJoin(slot, payload_bytes, row, tun) &&
      this.#followsOnNetwork(slot, offset, network_bytes) &&
      this.#followsTcp(slot, offset, network_bytes, header_bytes) &&
      this.#join(slot, offset, length_bytes, network_bytes, payload_bytes)
    ) {
      // The kernel gives them to the last segment alone.
      this.#memory[this.#first(slot) + network_bytes + TCP_FLAGS_AT + 1] |= flags & LAST_FLAGS;
      if (isLast || payload_bytes < this.#segment_bytes[slot]) this.#close(slot);
      return true;
    }
    return this.#appendBehind(slot, offset, length_bytes, row, tun, isLast ? 0 : payload_bytes);
  }

  #pushUdp(offset: number, length_bytes: number, network_bytes: number, row: number, tun: number): boolean {
    const slot = this.#slot(offset, network_bytes, row);
    const udp = offset + network_bytes;
    const isWhole = this.#view.getUint16(udp + UDP_LENGTH_AT) === length_bytes - network_bytes;
    const payload_bytes = isWhole ? length_bytes - network_bytes - UDP_HEADER_BYTES : 0;
    if (
      this.#mayJoin(slot, payload_bytes, row, tun) &&
      this.#followsOnNetwork(slot, offset, network_bytes) &&
      this.#view.getInt32(this.#first(slot) + network_bytes) === this.#view.getInt32(udp) &&
      this.#join(slot, offset, length_bytes, network_bytes, payload_bytes)
    ) {
      if (payload_bytes < this.#segment_bytes[slot]) this.#close(slot);
      return true;
    }
    return this.#appendBehind(slot, offset, length_bytes, row, tun, payload_bytes);
  }

  /** The length of an IP header behind which the transport header stands; 0 where it does not, or not there. */
  #plainHeader(offset: number, length_bytes: number): number {
    const memory = this.#memory;
    if (memory[offset] === IPV4_WITHOUT_OPTIONS) {
      if (length_bytes < IPV4_HEADER_BYTES) return 0;
      const isFragment = (this.#view.getUint16(offset + IPV4_FRAGMENT_AT) & IPV4_MORE_AND_OFFSET) !== 0;
      return isFragment ? 0 : IPV4_HEADER_BYTES;
    }
    return memory[offset] >>> 4 === 6 && length_bytes >= IPV6_HEADER_BYTES ? IPV6_HEADER_BYTES : 0;
  }

  /** Where the flow of a packet is, if it is open. */
  #slot(offset: number, network_bytes: number, row: number): number {
    const view = this.#view;
    let hash = view.getInt32(offset + network_bytes) ^ (row << 16);
    let at = offset + (network_bytes === IPV4_HEADER_BYTES ? IPV4_SOURCE_AT : IPV6_SOURCE_AT);
    for (; at < offset + network_bytes; at += 4) hash ^= view.getInt32(at);
    return Math.imul(hash, HASH_FACTOR) >>> (32 - SLOT_BITS);
  }

  /** Where the first packet of an open flow begins. */
  #first(slot: number): number {
    return this.#batch.offset[this.#descriptor[slot]];
  }

  #mayJoin(slot: number, payload_bytes: number, row: number, tun: number): boolean {
    const index = this.#descriptor[slot];
    return (
      index !== NONE &&
      this.#batch.row[index] === row &&
      this.#batch.tun[index] === tun &&
      payload_bytes > 0 &&
      payload_bytes <= this.#segment_bytes[slot] &&
      this.#total_bytes[slot] + payload_bytes <= MAX_IP_BYTES &&
      this.#batch.pieceCount[index] < MAX_JOINED_PACKETS - 1
    );
  }

  /** Whether all of the IP header that the kernel takes over from the first packet is the same, or what it counts up. */
  #followsOnNetwork(slot: number, offset: number, network_bytes: number): boolean {
    const view = this.#view;
    const first = this.#first(slot);
    if (network_bytes === IPV4_HEADER_BYTES) {
      const identification =
        view.getUint16(first + IPV4_IDENTIFICATION_AT) + this.#batch.pieceCount[this.#descriptor[slot]] + 1;
      return (
        view.getInt32(first + IPV4_SOURCE_AT) === view.getInt32(offset + IPV4_SOURCE_AT) &&
        view.getInt32(first + IPV4_DESTINATION_AT) === view.getInt32(offset + IPV4_DESTINATION_AT) &&
        view.getUint16(first) === view.getUint16(offset) &&
        view.getUint16(offset + IPV4_IDENTIFICATION_AT) === (identification & 0xffff) &&
        view.getUint16(first + IPV4_FRAGMENT_AT) === view.getUint16(offset + IPV4_FRAGMENT_AT) &&
        view.getUint16(first + IPV4_TTL_AT) === view.getUint16(offset + IPV4_TTL_AT)
      );
    }
    return (
      view.getInt32(first) === view.getInt32(offset) &&
      view.getUint16(first + IPV6_NEXT_HEADER_AT) === view.getUint16(offset + IPV6_NEXT_HEADER_AT) &&
      this.#areEqual(first + IPV6_SOURCE_AT, offset + IPV6_SOURCE_AT, IPV6_ADDRESSES_BYTES)
    );
  }

  /** Whether this TCP segment goes on exactly where the flow ended, and says nothing else that is new. */
  #followsTcp(slot: number, offset: number, network_bytes: number, header_bytes: number): boolean {
    const view = this.#view;
    const first = this.#first(slot) + network_bytes;
    const tcp = offset + network_bytes;
    const joined_bytes = this.#total_bytes[slot] - header_bytes;
    return (
      view.getInt32(first) === view.getInt32(tcp) &&
      view.getInt32(tcp + TCP_SEQUENCE_AT) === ((view.getInt32(first + TCP_SEQUENCE_AT) + joined_bytes) | 0) &&
      view.getInt32(first + TCP_ACKNOWLEDGMENT_AT) === view.getInt32(tcp + TCP_ACKNOWLEDGMENT_AT) &&
      view.getUint16(first + TCP_FLAGS_AT) === (view.getUint16(tcp + TCP_FLAGS_AT) & ~LAST_FLAGS) &&
      view.getUint16(first + TCP_WINDOW_AT) === view.getUint16(tcp + TCP_WINDOW_AT) &&
      view.getUint16(first + TCP_URGENT_AT) === view.getUint16(tcp + TCP_URGENT_AT) &&
      this.#areEqual(first + TCP_HEADER_BYTES, tcp + TCP_HEADER_BYTES, header_bytes - network_bytes - TCP_HEADER_BYTES)
    );
  }

  /** Whole words. */
  #areEqual(one: number, other: number, length_bytes: number): boolean {
    for (let i = 0; i < length_bytes; i += 4) {
      if (this.#view.getInt32(one + i) !== this.#view.getInt32(other + i)) return false;
    }
    return true;
  }

  /** Adds the payload, the last octets of the packet, to the flow. False where a checksum or the room forbids it. */
  #join(slot: number, offset: number, length_bytes: number, network_bytes: number, payload_bytes: number): boolean {
    const batch = this.#batch;
    const index = this.#descriptor[slot];
    const isSecond = batch.firstPiece[index] === 0;
    // The kernel makes new checksums: right ones, whatever came. Packets that stay alone need no look at theirs.
    if (!this.#areChecksumsRight(offset, length_bytes, network_bytes)) return false;
    if (isSecond && !this.#areChecksumsRight(batch.offset[index], batch.length_bytes[index], network_bytes))
      return false;
    const piece = this.#pieces.take(offset + length_bytes - payload_bytes, payload_bytes);
    if (piece === 0) return false;
    if (isSecond) batch.firstPiece[index] = piece;
    else this.#pieces.next[this.#lastPiece[slot]] = piece;
    this.#lastPiece[slot] = piece;
    batch.pieceCount[index]++;
    this.#total_bytes[slot] += payload_bytes;
    return true;
  }

  /**
   * Whether the checksums are those that the kernel would write. In ones' complement 0 has two spellings (RFC 1071
   * section 2): where they are free to choose, what came and what the kernel writes may differ.
   */
  #areChecksumsRight(offset: number, length_bytes: number, network_bytes: number): boolean {
    const view = this.#view;
    const transport = offset + network_bytes;
    const isIpv4 = network_bytes === IPV4_HEADER_BYTES;
    if (isIpv4) {
      if (view.getUint16(offset + IPV4_CHECKSUM_AT) === 0xffff) return false;
      if (this.#checksums.sum(offset, IPV4_HEADER_BYTES, 0) !== 0xffff) return false;
    }
    const isTcp = this.#isTcp(offset, isIpv4);
    const checksum = view.getUint16(transport + (isTcp ? TCP_CHECKSUM_AT : UDP_CHECKSUM_AT));
    if (checksum === 0 || (isTcp && checksum === 0xffff)) return false;
    const transport_bytes = length_bytes - network_bytes;
    return (
      this.#checksums.sum(transport, transport_bytes, this.#pseudoHeaderSum(offset, transport_bytes, isIpv4)) === 0xffff
    );
  }

  #isTcp(offset: number, isIpv4: boolean): boolean {
    return this.#memory[offset + (isIpv4 ? IPV4_PROTOCOL_AT : IPV6_NEXT_HEADER_AT)] === IP_PROTOCOL.tcp;
  }

  #pseudoHeaderSum(offset: number, transport_bytes: number, isIpv4: boolean): number {
    const protocol = this.#isTcp(offset, isIpv4) ? IP_PROTOCOL.tcp : IP_PROTOCOL.udp;
    return isIpv4
      ? pseudoHeaderSumIpv4(this.#checksums, offset, protocol, transport_bytes)
      : pseudoHeaderSumIpv6(this.#checksums, offset, protocol, transport_bytes);
  }

  #append(offset: number, length_bytes: number, row: number, tun: number): number {
    const index = this.#batch.append(offset, length_bytes, row);
    if (index !== NONE) this.#batch.tun[index] = tun;
    return index;
  }

  /** A packet that may be of any flow of its row. */
  #appendOfAnyFlow(offset: number, length_bytes: number, row: number, tun: number): boolean {
    for (let slot = 0; slot < SLOTS; slot++) {
      const index = this.#descriptor[slot];
      if (index !== NONE && this.#batch.row[index] === row) this.#close(slot);
    }
    return this.#append(offset, length_bytes, row, tun) !== NONE;
  }

  /** A packet that does not join what is open in its slot; opens it anew with that payload, unless it is 0. */
  #appendBehind(
    slot: number,
    offset: number,
    length_bytes: number,
    row: number,
    tun: number,
    payload_bytes: number,
  ): boolean {
    this.#close(slot);
    const index = this.#append(offset, length_bytes, row, tun);
    if (index === NONE) return false;
    if (payload_bytes > 0) {
      this.#descriptor[slot] = index;
      this.#segment_bytes[slot] = payload_bytes;
      this.#total_bytes[slot] = length_bytes;
    }
    return true;
  }

  /** Nothing joins what is open there any more: its headers become those of the whole. */
  #close(slot: number): void {
    const index = this.#descriptor[slot];
    if (index === NONE) return;
    this.#descriptor[slot] = NONE;
    const batch = this.#batch;
    if (batch.firstPiece[index] === 0) return;
    const view = this.#view;
    const offset = batch.offset[index];
    const isIpv4 = this.#memory[offset] === IPV4_WITHOUT_OPTIONS;
    const isTcp = this.#isTcp(offset, isIpv4);
    const network_bytes = isIpv4 ? IPV4_HEADER_BYTES : IPV6_HEADER_BYTES;
    const transport_bytes = this.#total_bytes[slot] - network_bytes;
    const checksumAt_bytes = isTcp ? TCP_CHECKSUM_AT : UDP_CHECKSUM_AT;
    if (isIpv4) {
      view.setUint16(offset + IPV4_LENGTH_AT, this.#total_bytes[slot]);
      view.setUint16(offset + IPV4_CHECKSUM_AT, 0);
      view.setUint16(offset + IPV4_CHECKSUM_AT, ~this.#checksums.sum(offset, IPV4_HEADER_BYTES, 0));
    } else {
      view.setUint16(offset + IPV6_LENGTH_AT, transport_bytes);
    }
    if (!isTcp) view.setUint16(offset + network_bytes + UDP_LENGTH_AT, transport_bytes);
    view.setUint16(offset + network_bytes + checksumAt_bytes, this.#pseudoHeaderSum(offset, transport_bytes, isIpv4));
    batch.gso[index] = isTcp ? (isIpv4 ? GSO.tcpv4 : GSO.tcpv6) : GSO.udp;
    batch.segment_bytes[index] = this.#segment_bytes[slot];
    batch.checksumStart_bytes[index] = network_bytes;
    batch.checksumAt_bytes[index] = checksumAt_bytes;
  }
}
