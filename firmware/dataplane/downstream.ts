/**
 * From a TUN device outwards: each packet of a batch goes to the peer of the session that its destination belongs to,
 * in fragments or not, or is answered with an ICMP error, or goes away with a reason. Does no I/O, allocates nothing.
 */
import { emitFragmentationNeeded, emitPacketTooBig } from '../wire/icmp.js';
import { PPP_PROTOCOL } from '../wire/ppp.js';
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
import { type PacketBatch, ROOM_BYTES } from './packet-batch.js';
import { ROW, type SessionTable } from './session-table.js';

const IPV4_ADDRESS_BYTES = 4;
const IPV6_ADDRESS_BYTES = 16;

export class Downstream {
  readonly #table: SessionTable;
  readonly #output: ForwarderOutput;
  readonly #drops: Float64Array;
  /** The source of an ICMP error. */
  readonly #icmpSource = new Uint8Array(IPV6_ADDRESS_BYTES);
  #now_ms = 0;

  constructor(table: SessionTable, output: ForwarderOutput, drops: Float64Array) {
    this.#table = table;
    this.#output = output;
    this.#drops = drops;
  }

  /** Each descriptor of `input` is an IP packet from the TUN device of index `tun`. */
  forward(input: PacketBatch, tun: number, now_ms: number): void {
    this.#now_ms = now_ms;
    const boundRow = this.#table.boundRow(tun);
    for (let i = 0; i < input.count; i++) {
      const drop = this.#packet(input.memory, input.offset[i], input.length_bytes[i], tun, boundRow);
      if (drop !== FORWARDED) this.#drops[drop]++;
    }
  }

  #packet(memory: Uint8Array, offset: number, available_bytes: number, tun: number, boundRow: number): number {
    // What fills a slot may have been longer than it.
    if (available_bytes === 0 || available_bytes >= ROOM_BYTES) return DROP['tun-malformed'];
    if (memory[offset] >>> 4 === 4) return this.#ipv4(memory, offset, available_bytes, tun, boundRow);
    return this.#ipv6(memory, offset, available_bytes, tun, boundRow);
  }

  #ipv4(memory: Uint8Array, offset: number, available_bytes: number, tun: number, boundRow: number): number {
    const table = this.#table;
    const length_bytes = ipv4Length(memory, offset, available_bytes);
    if (length_bytes === 0) return DROP['tun-malformed'];
    const row = boundRow !== 0 ? boundRow : table.rowOfIpv4(memory, offset + IPV4_DESTINATION_AT);
    if (row === 0 || table.tun[row] !== tun) return DROP['no-session-for-destination'];
    if ((table.flags[row] & ROW.ipv4Open) === 0) return DROP['ipv4-not-open'];
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
    // The kernel's own link-local address on a TUN device is on no PPP link.
    if (isIpv6LinkLocal(memory, offset)) return DROP['link-local-scope'];
    const row = boundRow !== 0 ? boundRow : table.rowOfIpv6(memory, offset + IPV6_DESTINATION_AT);
    if (row === 0 || table.tun[row] !== tun) return DROP['no-session-for-destination'];
    if ((table.flags[row] & ROW.ipv6Open) === 0) return DROP['ipv6-not-open'];
    clampMssIpv6(memory, offset, length_bytes, table.mssClamp_bytes[row]);
    if (length_bytes > table.mtu_bytes[row]) return this.#tooBig(memory, offset, length_bytes, row, false);
    if (!table.sendPolicers.take(row, length_bytes, this.#now_ms)) return DROP['rate-exceeded-to-peer'];
    return this.#send(memory, offset, length_bytes, row, PPP_PROTOCOL.ipv6);
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
