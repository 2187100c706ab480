/**
 * From a TUN device outwards: each packet of a batch goes to the peer of the session that its destination belongs to,
 * in fragments or not, or is answered with an ICMP error, or goes away with a reason; super-packets are cut into those
 * that the kernel would have sent. Does no I/O, allocates nothing.
 */
import { emitFragmentationNeeded, emitPacketTooBig } from '../wire/icmp.js';
import { PPP_PROTOCOL } from '../wire/ppp.js';
import type { Checksums } from './checksum.js';
import { DROP, FORWARDED } from './drop-reasons.js';
import { cutToFirstFragment, emitFragment, fragmentPayloadBytes } from './fragment.js';
import { prependHeaders } from './framing.js';
import {
  IPV4_DESTINATION_AT,
  IPV6_DESTINATION_AT,
  ipv4HeaderBytes,
  ipv4Length,
  ipv6Length,
  isIpv6LinkLocal,
  mayFragment,
} from './ip-packet.js';
import { clampMssIpv4, clampMssIpv6 } from './mss-clamp.js';
import type { ForwarderOutput } from './output.js';
import { GSO, type PacketBatch, ROOM_BYTES } from './packet-batch.js';
import { completeChecksum, SuperPacket } from './segmentation.js';
import { ROW, type SessionTable } from './session-table.js';

const IPV4_ADDRESS_BYTES = 4;
const IPV6_ADDRESS_BYTES = 16;

export class Downstream {
  readonly #table: SessionTable;
  readonly #output: ForwarderOutput;
  readonly #drops: Float64Array;
  readonly #checksums: Checksums;
  readonly #superPacket: SuperPacket;
  /** The source of an ICMP error. */
  readonly #icmpSource = new Uint8Array(IPV6_ADDRESS_BYTES);
  #now_ms = 0;

  constructor(table: SessionTable, output: ForwarderOutput, checksums: Checksums, drops: Float64Array) {
    this.#table = table;
    this.#output = output;
    this.#drops = drops;
    this.#checksums = checksums;
    this.#superPacket = new SuperPacket(output.memory, checksums);
  }

  /**
   * Each descriptor of `input` is an IP packet, or a super-packet, from the TUN device of index `tun`. Begins with the one
   * at `from`, and gives the first that the output had no room for.
   */
  forward(input: PacketBatch, tun: number, now_ms: number, from: number): number {
    this.#now_ms = now_ms;
    const boundRow = this.#table.boundRow(tun);
    for (let i = from; i < input.count; i++) {
      if (input.gso[i] !== GSO.none) {
        if (!this.#superPacketAt(input, i, tun, boundRow)) return i;
        continue;
      }
      if (this.#output.room <= this.#output.slotCount) return i;
      const drop = this.#packet(input, i, tun, boundRow);
      if (drop !== FORWARDED) this.#drops[drop]++;
    }
    return input.count;
  }

  #packet(input: PacketBatch, index: number, tun: number, boundRow: number): number {
    const { memory } = input;
    const offset = input.offset[index];
    const available_bytes = input.length_bytes[index];
    // What fills a slot may have been longer than it.
    if (available_bytes === 0 || available_bytes >= ROOM_BYTES) return DROP['tun-malformed'];
    const checksumStart_bytes = input.checksumStart_bytes[index];
    if (checksumStart_bytes !== 0) {
      const at_bytes = input.checksumAt_bytes[index];
      if (!completeChecksum(memory, this.#checksums, offset, available_bytes, checksumStart_bytes, at_bytes)) {
        return DROP['tun-malformed'];
      }
    }
    return this.#whole(memory, offset, available_bytes, tun, boundRow);
  }

  #whole(memory: Uint8Array, offset: number, available_bytes: number, tun: number, boundRow: number): number {
    if (memory[offset] >>> 4 === 4) return this.#ipv4(memory, offset, available_bytes, tun, boundRow);
    return this.#ipv6(memory, offset, available_bytes, tun, boundRow);
  }

  #ipv4(memory: Uint8Array, offset: number, available_bytes: number, tun: number, boundRow: number): number {
    const table = this.#table;
    const length_bytes = ipv4Length(memory, offset, available_bytes);
    if (length_bytes === 0) return DROP['tun-malformed'];
    const row = this.#rowOfIpv4(memory, offset, tun, boundRow);
    if (row < 0) return ~row;
    clampMssIpv4(memory, offset, length_bytes, table.mssClamp_bytes[row]);
    const isTooBig = length_bytes > table.mtu_bytes[row];
    if (isTooBig && !mayFragment(memory, offset)) return this.#tooBig(memory, offset, length_bytes, row, true);
    if (!table.sendPolicers.take(row, length_bytes, this.#now_ms)) return DROP['rate-exceeded-to-peer'];
    if (isTooBig) return this.#fragments(memory, offset, length_bytes, row);
    return this.#send(memory, offset, length_bytes, row, PPP_PROTOCOL.ipv4);
  }

  #ipv6(memory: Uint8Array, offset: number, available_bytes: number, tun: number, boundRow: number): number {
    const table = this.#table;
    const length_bytes = ipv6Length(memory, offset, available_bytes);
    if (length_bytes === 0) return DROP['tun-malformed'];
    const row = this.#rowOfIpv6(memory, offset, tun, boundRow);
    if (row < 0) return ~row;
    clampMssIpv6(memory, offset, length_bytes, table.mssClamp_bytes[row]);
    if (length_bytes > table.mtu_bytes[row]) return this.#tooBig(memory, offset, length_bytes, row, false);
    if (!table.sendPolicers.take(row, length_bytes, this.#now_ms)) return DROP['rate-exceeded-to-peer'];
    return this.#send(memory, offset, length_bytes, row, PPP_PROTOCOL.ipv6);
  }

  /** The row that the packet at `offset` goes to, or the complement of the reason why it goes to none. */
  #rowOfIpv4(memory: Uint8Array, offset: number, tun: number, boundRow: number): number {
    const table = this.#table;
    const row = boundRow !== 0 ? boundRow : table.rowOfIpv4(memory, offset + IPV4_DESTINATION_AT);
    if (row === 0 || table.tun[row] !== tun) return ~DROP['no-session-for-destination'];
    return (table.flags[row] & ROW.ipv4Open) === 0 ? ~DROP['ipv4-not-open'] : row;
  }

  #rowOfIpv6(memory: Uint8Array, offset: number, tun: number, boundRow: number): number {
    const table = this.#table;
    // The kernel's own link-local address on a TUN device is on no PPP link.
    if (isIpv6LinkLocal(memory, offset)) return ~DROP['link-local-scope'];
    const row = boundRow !== 0 ? boundRow : table.rowOfIpv6(memory, offset + IPV6_DESTINATION_AT);
    if (row === 0 || table.tun[row] !== tun) return ~DROP['no-session-for-destination'];
    return (table.flags[row] & ROW.ipv6Open) === 0 ? ~DROP['ipv6-not-open'] : row;
  }

  /** False where the output has not the room for all segments. */
  #superPacketAt(input: PacketBatch, index: number, tun: number, boundRow: number): boolean {
    const { memory } = input;
    const offset = input.offset[index];
    const whole = this.#superPacket;
    if (!whole.open(offset, input.length_bytes[index], input.gso[index], input.segment_bytes[index])) {
      this.#drops[DROP['tun-malformed']]++;
      return true;
    }
    const segment_bytes = whole.header_bytes + whole.payload_bytes(0);
    const needed = whole.count + this.#output.slotCount;
    if (needed > this.#output.capacity || segment_bytes >= ROOM_BYTES) {
      this.#drops[DROP['tun-malformed']] += whole.count;
      return true;
    }
    if (needed > this.#output.room) return false;
    const isIpv4 = memory[offset] >>> 4 === 4;
    const row = isIpv4
      ? this.#rowOfIpv4(memory, offset, tun, boundRow)
      : this.#rowOfIpv6(memory, offset, tun, boundRow);
    if (row < 0) this.#drops[~row] += whole.count;
    else if (segment_bytes > this.#table.mtu_bytes[row]) this.#oneByOne(memory, tun, boundRow);
    else this.#segments(memory, row, isIpv4 ? PPP_PROTOCOL.ipv4 : PPP_PROTOCOL.ipv6);
    return true;
  }

  /** The payload of each segment stays where it is, behind headers that are built elsewhere. */
  #segments(memory: Uint8Array, row: number, protocol: number): void {
    const table = this.#table;
    const output = this.#output;
    const whole = this.#superPacket;
    const { count, header_bytes } = whole;
    for (let i = 0; i < count; i++) {
      const payload_bytes = whole.payload_bytes(i);
      const length_bytes = header_bytes + payload_bytes;
      if (!table.sendPolicers.take(row, length_bytes, this.#now_ms)) {
        this.#drops[DROP['rate-exceeded-to-peer']]++;
        continue;
      }
      const headers = output.takeHeaderSlot();
      if (headers < 0) {
        this.#drops[DROP['no-buffer']]++;
        continue;
      }
      whole.emitHeaders(headers, i);
      const start = prependHeaders(memory, headers, length_bytes, row, protocol, table);
      output.pushToPeer(start, headers - start + header_bytes, row, table, whole.payloadOffset(i), payload_bytes);
      table.countSent(row, length_bytes);
    }
  }

  /**
   * Segments that the row does not take as they are: each goes the way of a packet that came alone. The first that is too
   * big is answered for all that are as long; the last may be short enough.
   */
  #oneByOne(memory: Uint8Array, tun: number, boundRow: number): void {
    const whole = this.#superPacket;
    const { count, header_bytes } = whole;
    for (let i = 0; i < count; i++) {
      const slot = this.#output.takeSlot();
      if (slot < 0) {
        this.#drops[DROP['no-buffer']] += count - i;
        return;
      }
      const payload = whole.payloadOffset(i);
      const payload_bytes = whole.payload_bytes(i);
      whole.emitHeaders(slot, i);
      memory.copyWithin(slot + header_bytes, payload, payload + payload_bytes);
      const drop = this.#whole(memory, slot, header_bytes + payload_bytes, tun, boundRow);
      if (drop === FORWARDED) continue;
      this.#drops[drop]++;
      if (drop === DROP['too-big'] && i < count - 2) {
        this.#drops[drop] += count - 2 - i;
        i = count - 2;
      }
    }
  }

  #send(memory: Uint8Array, offset: number, length_bytes: number, row: number, protocol: number): number {
    const start = prependHeaders(memory, offset, length_bytes, row, protocol, this.#table);
    this.#output.pushToPeer(start, offset - start + length_bytes, row, this.#table);
    this.#table.countSent(row, length_bytes);
    return FORWARDED;
  }

  /** The first fragment is cut last, though it goes first: the others are built from the whole packet. */
  #fragments(memory: Uint8Array, offset: number, length_bytes: number, row: number): number {
    const header_bytes = ipv4HeaderBytes(memory, offset);
    const payload_bytes = length_bytes - header_bytes;
    const each_bytes = fragmentPayloadBytes(memory, offset, this.#table.mtu_bytes[row]);
    if (each_bytes === 0) return DROP['too-big'];
    if (Math.ceil(payload_bytes / each_bytes) - 1 > this.#output.freeSlots) return DROP['no-buffer'];
    this.#send(memory, offset, header_bytes + each_bytes, row, PPP_PROTOCOL.ipv4);
    for (let from = each_bytes; from < payload_bytes; from += each_bytes) {
      const to = this.#output.takeSlot();
      const fragment_bytes = Math.min(each_bytes, payload_bytes - from);
      const total_bytes = emitFragment(memory, to, offset, length_bytes, from, fragment_bytes);
      this.#send(memory, to, total_bytes, row, PPP_PROTOCOL.ipv4);
    }
    cutToFirstFragment(memory, offset, each_bytes);
    return FORWARDED;
  }

  /** Answers the sender as a router of the path, in the name of the packet's destination, which every kernel lets in. */
  #tooBig(memory: Uint8Array, offset: number, length_bytes: number, row: number, isIpv4: boolean): number {
    const table = this.#table;
    const to = table.icmpBuckets.take(row, this.#now_ms) ? this.#output.takeSlot() : -1;
    if (to < 0) return DROP['too-big'];
    const address_bytes = isIpv4 ? IPV4_ADDRESS_BYTES : IPV6_ADDRESS_BYTES;
    const from = offset + (isIpv4 ? IPV4_DESTINATION_AT : IPV6_DESTINATION_AT);
    for (let i = 0; i < address_bytes; i++) this.#icmpSource[i] = memory[from + i];
    const emit = isIpv4 ? emitFragmentationNeeded : emitPacketTooBig;
    const mtu_bytes = table.mtu_bytes[row];
    const error_bytes = emit(memory, to, memory, offset, length_bytes, this.#icmpSource, mtu_bytes);
    if (error_bytes > 0) this.#output.pushToTun(to, error_bytes, row, table.tun[row]);
    return DROP['too-big'];
  }
}
