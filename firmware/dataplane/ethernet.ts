/**
 * Ethernet frames of pseudowires, between their peers and TAP devices, in both directions (RFC 4719). Does no I/O,
 * allocates nothing, and neither bridges nor answers: that is the kernel's.
 *
 *   | destination (48) | source (48) | tags, 32 bits each | type or length (16) | payload |
 *   A tag (IEEE 802.1Q): | 0x8100 or 0x88a8 (16) | priority (3), DEI (1), VLAN ID (12) |
 *
 * In front of a frame in a VLAN pseudowire (type 4) stands one tag more, which it has on its way alone. Its VLAN ID is
 * that of the end that wrote it; the end that takes it away need not have the same.
 */
import { DROP, FORWARDED } from './drop-reasons.js';
import { prependL2tpHeader } from './framing.js';
import type { ForwarderOutput } from './output.js';
import { type PacketBatch, ROOM_BYTES } from './packet-batch.js';
import { ROW, type SessionTable } from './session-table.js';

const HEADER_BYTES = 14;
const ADDRESSES_BYTES = 12;
const TAG_BYTES = 4;
const MAX_TAGS = 2;
const CUSTOMER_TAG = 0x8100;
const SERVICE_TAG = 0x88a8;
/** L2TP over UDP with cookie and sublayer. */
const LONGEST_L2TP_HEADER_BYTES = 20;

/** The largest MTU of a pseudowire: the longest frame of it, with all its tags, comes in one slot. */
export const MAX_ETHERNET_MTU_BYTES =
  ROOM_BYTES - LONGEST_L2TP_HEADER_BYTES - HEADER_BYTES - (MAX_TAGS + 1) * TAG_BYTES;

export class EthernetFrames {
  readonly #table: SessionTable;
  readonly #output: ForwarderOutput;
  readonly #drops: Float64Array;

  constructor(table: SessionTable, output: ForwarderOutput, drops: Float64Array) {
    this.#table = table;
    this.#output = output;
    this.#drops = drops;
  }

  /** The frame from `start` to `end` that the peer of a row has sent. */
  fromPeer(memory: Uint8Array, start: number, end: number, row: number): number {
    const table = this.#table;
    if ((table.flags[row] & ROW.ethernetOpen) === 0) return DROP['ethernet-not-open'];
    let at = start;
    if (end - at < HEADER_BYTES) return DROP['ethernet-truncated'];
    if (table.vlanId[row] !== 0) {
      if (!isTagAt(memory, at + ADDRESSES_BYTES)) return DROP['vlan-tag-missing'];
      if (end - at < HEADER_BYTES + TAG_BYTES) return DROP['ethernet-truncated'];
      memory.copyWithin(at + TAG_BYTES, at, at + ADDRESSES_BYTES);
      at += TAG_BYTES;
    }
    const length_bytes = end - at;
    if (length_bytes > longest_bytes(memory, at, length_bytes, table.mtu_bytes[row])) return DROP['ethernet-too-long'];
    table.countReceived(row, length_bytes);
    this.#output.pushToTun(at, length_bytes, row, table.tun[row]);
    return FORWARDED;
  }

  /** Each descriptor of `input` is a frame from the TAP device of index `tap`. */
  fromTap(input: PacketBatch, tap: number): void {
    const row = this.#table.boundRow(tap);
    for (let i = 0; i < input.count; i++) {
      const drop = this.#toPeer(input.memory, input.offset[i], input.length_bytes[i], row);
      if (drop !== FORWARDED) this.#drops[drop]++;
    }
  }

  #toPeer(memory: Uint8Array, offset: number, length_bytes: number, row: number): number {
    const table = this.#table;
    // Row 0, where no session has the device, is open for nothing.
    const isOpen = ROW.ethernet | ROW.ethernetOpen;
    if ((table.flags[row] & isOpen) !== isOpen) return DROP['ethernet-not-open'];
    if (length_bytes < HEADER_BYTES) return DROP['ethernet-truncated'];
    // What fills a slot may have been longer than it.
    if (length_bytes >= ROOM_BYTES) return DROP['ethernet-too-long'];
    if (length_bytes > longest_bytes(memory, offset, length_bytes, table.mtu_bytes[row])) {
      return DROP['ethernet-too-long'];
    }
    const vlanId = table.vlanId[row];
    const at = vlanId === 0 ? offset : pushTag(memory, offset, vlanId);
    const start = prependL2tpHeader(memory, at, row, table);
    this.#output.pushToPeer(start, offset - start + length_bytes, row, table);
    table.countSent(row, length_bytes);
    return FORWARDED;
  }
}

/** How long a frame with these tags may be. */
function longest_bytes(memory: Uint8Array, offset: number, length_bytes: number, mtu_bytes: number): number {
  let tags = 0;
  while (
    tags < MAX_TAGS &&
    length_bytes >= HEADER_BYTES + (tags + 1) * TAG_BYTES &&
    isTagAt(memory, offset + ADDRESSES_BYTES + tags * TAG_BYTES)
  ) {
    tags++;
  }
  return HEADER_BYTES + mtu_bytes + tags * TAG_BYTES;
}

function isTagAt(memory: Uint8Array, at: number): boolean {
  const type = (memory[at] << 8) | memory[at + 1];
  return type === CUSTOMER_TAG || type === SERVICE_TAG;
}

/** Writes a tag of priority 0 behind the addresses, which move into the headroom, and gives where the frame begins now. */
function pushTag(memory: Uint8Array, offset: number, vlanId: number): number {
  const at = offset - TAG_BYTES;
  memory.copyWithin(at, offset, offset + ADDRESSES_BYTES);
  memory[at + ADDRESSES_BYTES] = CUSTOMER_TAG >>> 8;
  memory[at + ADDRESSES_BYTES + 1] = CUSTOMER_TAG & 0xff;
  memory[at + ADDRESSES_BYTES + 2] = vlanId >>> 8;
  memory[at + ADDRESSES_BYTES + 3] = vlanId;
  return at;
}
