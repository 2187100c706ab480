/**
 * What the forwarder gives: packets for TUN and TAP devices, for peers, for Ethernet interfaces and for the main thread,
 * and the slots in which it builds packets and headers of its own. Emptied whenever it may not take all that comes of the
 * next input; decides nothing.
 */
import type { Checksums } from './checksum.js';
import { Coalescer } from './coalesce.js';
import type { HeldFrames } from './held-frames.js';
import { copyAddress, PacketBatch, PacketPieces, type PacketSlots } from './packet-batch.js';
import { ROW, type SessionTable } from './session-table.js';

/** The ways to peers, each of which has a socket: their places in `toPeers`. */
export const TRANSPORTS = [
  { protocol: 'udp', family: 'ipv4' },
  { protocol: 'udp', family: 'ipv6' },
  { protocol: 'l2tp-ip', family: 'ipv4' },
  { protocol: 'l2tp-ip', family: 'ipv6' },
] as const;
const IPV6_STEP = 1;
const IP_STEP = 2;
const DEVICES = 0x1_0000;

/**
 * Where packets are built: whole ones, the headers of those whose payload lies elsewhere, as many as may go out before the
 * output is emptied, and those that are on hold.
 */
export interface OutputSlots {
  packets: PacketSlots;
  headers: PacketSlots;
  held: PacketSlots;
}

export class ForwarderOutput {
  /** All batches' own. */
  readonly memory: Uint8Array;
  /** TUN and TAP devices. */
  readonly toTun: PacketBatch;
  /** One for each of TRANSPORTS. */
  readonly toPeers: readonly PacketBatch[];
  /** Frames of PPPoE, for whatever interface. */
  readonly toInterfaces: PacketBatch;
  /** Control messages for tunnels that are there. */
  readonly control: PacketBatch;
  /** Control messages with tunnel ID 0: the lower queue. */
  readonly strangers: PacketBatch;
  readonly ppp: PacketBatch;
  /** Frames of PPPoE discovery that hosts sent to us; and those to all: the lower queue. */
  readonly discovery: PacketBatch;
  readonly discoveryToAll: PacketBatch;
  /** Where what goes out may lie, too. */
  readonly held: HeldFrames;
  /** What packets to TUN devices have behind them. */
  readonly pieces: PacketPieces;
  /** Packets that go out before `clear`, at most. */
  readonly capacity: number;
  /** What each TUN device takes joined, bits of JOIN. */
  readonly #joins = new Uint8Array(DEVICES);
  readonly #coalescer: Coalescer;
  readonly #batches: readonly PacketBatch[];
  readonly #slots: PacketSlots;
  readonly #headerSlots: PacketSlots;
  #usedSlots = 0;
  #usedHeaderSlots = 0;
  #pushed = 0;

  constructor({ packets, headers }: OutputSlots, held: HeldFrames, checksums: Checksums) {
    const { memory } = packets;
    this.memory = memory;
    this.held = held;
    this.capacity = headers.count;
    this.pieces = new PacketPieces(this.capacity);
    const batch = (): PacketBatch => new PacketBatch(memory, this.capacity);
    this.toTun = batch();
    this.toPeers = TRANSPORTS.map(batch);
    this.toInterfaces = batch();
    this.control = batch();
    this.strangers = batch();
    this.ppp = batch();
    this.discovery = batch();
    this.discoveryToAll = batch();
    const outwards = [this.toTun, ...this.toPeers, this.toInterfaces];
    this.#batches = [...outwards, this.control, this.strangers, this.ppp, this.discovery, this.discoveryToAll];
    this.#slots = packets;
    this.#headerSlots = headers;
    this.#coalescer = new Coalescer(memory, checksums, this.toTun, this.pieces);
  }

  /** Packets that may still be pushed before `clear`, whatever way they go. */
  get room(): number {
    return this.capacity - this.#pushed;
  }

  /** What one packet may become, beside itself: fragments, an ICMP error. */
  get slotCount(): number {
    return this.#slots.count;
  }

  get freeSlots(): number {
    return this.#slots.count - this.#usedSlots;
  }

  /** The room of a slot that nobody else has until `clear`, or -1. */
  takeSlot(): number {
    return this.#usedSlots === this.#slots.count ? -1 : this.#slots.room(this.#usedSlots++);
  }

  /** The same for headers: HEADER_SLOT_BYTES with its headroom. */
  takeHeaderSlot(): number {
    if (this.#usedHeaderSlots === this.#headerSlots.count) return -1;
    return this.#headerSlots.room(this.#usedHeaderSlots++);
  }

  /** A TUN device takes these joined from now on, bits of JOIN. */
  setJoins(tun: number, joins: number): void {
    this.#joins[tun] = joins;
  }

  /** An IP packet or Ethernet frame for the device of index `tun`. */
  pushToTun(offset: number, length_bytes: number, row: number, tun: number): void {
    this.#pushed++;
    const joins = this.#joins[tun];
    if (joins !== 0) {
      this.#coalescer.push(offset, length_bytes, row, tun, joins);
      return;
    }
    const index = this.toTun.append(offset, length_bytes, row);
    this.toTun.tun[index] = tun;
  }

  /** What goes this way to peers. */
  transport(isOverIp: boolean, isIpv6: boolean): PacketBatch {
    return this.toPeers[(isOverIp ? IP_STEP : 0) + (isIpv6 ? IPV6_STEP : 0)];
  }

  /** Whether what is in this one of `toPeers` goes as IP protocol 115. */
  isOverIp(transport: number): boolean {
    return transport >= IP_STEP;
  }

  /** A datagram for the peer of a row, or a frame for its host, whose last `tail_bytes` lie at `tailOffset`. */
  pushToPeer(
    offset: number,
    length_bytes: number,
    row: number,
    table: SessionTable,
    tailOffset = 0,
    tail_bytes = 0,
  ): void {
    const flags = table.flags[row];
    if ((flags & ROW.pppoe) !== 0) {
      this.pushToInterface(offset, length_bytes, table.pppoe.interfaceIndex[row], row, tailOffset, tail_bytes);
      return;
    }
    this.#pushed++;
    const batch = this.transport((flags & ROW.overIp) !== 0, (flags & ROW.ipv6Path) !== 0);
    const index = batch.append(offset, length_bytes, row);
    batch.tailOffset[index] = tailOffset;
    batch.tail_bytes[index] = tail_bytes;
    copyAddress(batch.peerAddress, index, table.peerAddress, row);
    copyAddress(batch.localAddress, index, table.localAddress, row);
    batch.peerPort[index] = table.peerPort[row];
  }

  /** An Ethernet frame of a row, or of discovery (row 0), whose last `tail_bytes` lie at `tailOffset`. */
  pushToInterface(
    offset: number,
    length_bytes: number,
    interfaceIndex: number,
    row: number,
    tailOffset = 0,
    tail_bytes = 0,
  ): void {
    this.#pushed++;
    const index = this.toInterfaces.append(offset, length_bytes, row);
    this.toInterfaces.interfaceIndex[index] = interfaceIndex;
    this.toInterfaces.tailOffset[index] = tailOffset;
    this.toInterfaces.tail_bytes[index] = tail_bytes;
  }

  /** A frame for the main thread. */
  pushPpp(offset: number, length_bytes: number, row: number, protocol: number): void {
    this.#pushed++;
    const index = this.ppp.append(offset, length_bytes, row);
    this.ppp.protocol[index] = protocol;
  }

  /** A control message, at `offset` in the `index`th packet of `input`, for the main thread. */
  pushControl(
    batch: PacketBatch,
    input: PacketBatch,
    index: number,
    offset: number,
    length_bytes: number,
    isOverIp: boolean,
  ): void {
    this.#pushed++;
    const at = batch.append(offset, length_bytes, 0);
    copyAddress(batch.peerAddress, at, input.peerAddress, index);
    copyAddress(batch.localAddress, at, input.localAddress, index);
    batch.peerPort[at] = input.peerPort[index];
    batch.isOverIp[at] = isOverIp ? 1 : 0;
  }

  /** What is in the batches is complete: to be called before they are read. */
  finish(): void {
    this.#coalescer.finish();
  }

  /** Once all is sent, written or copied: the slots and descriptors are free again. */
  clear(): void {
    this.#pushed = 0;
    this.#usedSlots = 0;
    this.#usedHeaderSlots = 0;
    this.held.reclaim();
    this.pieces.clear();
    for (let i = 0; i < this.#batches.length; i++) this.#batches[i].count = 0;
  }
}
