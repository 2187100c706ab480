/**
 * What the forwarder gives: packets for TUN and TAP devices, for peers, for Ethernet interfaces and for the main thread,
 * and the slots in which it builds packets of its own. Emptied after every batch; decides nothing.
 */
import { type HeldFrames, MAX_HELD_FRAMES } from './held-frames.js';
import { copyAddress, PacketBatch, type PacketSlots } from './packet-batch.js';
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
  readonly #batches: readonly PacketBatch[];
  readonly #slots: PacketSlots;
  #usedSlots = 0;

  /** For inputs of at most `batch` packets, or for the frames that one row had on hold. */
  constructor(slots: PacketSlots, held: HeldFrames, batch: number) {
    const { memory } = slots;
    this.memory = memory;
    this.held = held;
    const capacity = outputCapacity(batch, slots.count);
    this.toTun = new PacketBatch(memory, capacity);
    this.toPeers = TRANSPORTS.map(() => new PacketBatch(memory, capacity));
    this.toInterfaces = new PacketBatch(memory, capacity);
    this.control = new PacketBatch(memory, batch);
    this.strangers = new PacketBatch(memory, batch);
    this.ppp = new PacketBatch(memory, capacity);
    this.discovery = new PacketBatch(memory, batch);
    this.discoveryToAll = new PacketBatch(memory, batch);
    const outwards = [this.toTun, ...this.toPeers, this.toInterfaces];
    this.#batches = [...outwards, this.control, this.strangers, this.ppp, this.discovery, this.discoveryToAll];
    this.#slots = slots;
  }

  get freeSlots(): number {
    return this.#slots.count - this.#usedSlots;
  }

  /** The room of a slot that nobody else has until `clear`, or -1. */
  takeSlot(): number {
    return this.#usedSlots === this.#slots.count ? -1 : this.#slots.room(this.#usedSlots++);
  }

  pushToTun(offset: number, length_bytes: number, row: number, tun: number): void {
    const index = this.toTun.append(offset, length_bytes, row);
    this.toTun.tun[index] = tun;
  }

  /** What goes this way to peers. */
  transport(isOverIp: boolean, isIpv6: boolean): PacketBatch {
    return this.toPeers[(isOverIp ? IP_STEP : 0) + (isIpv6 ? IPV6_STEP : 0)];
  }

  /** A datagram for the peer of a row, or a frame for its host. */
  pushToPeer(offset: number, length_bytes: number, row: number, table: SessionTable): void {
    const flags = table.flags[row];
    if ((flags & ROW.pppoe) !== 0) {
      this.pushToInterface(offset, length_bytes, table.pppoe.interfaceIndex[row]);
      return;
    }
    const batch = this.transport((flags & ROW.overIp) !== 0, (flags & ROW.ipv6Path) !== 0);
    const index = batch.append(offset, length_bytes, row);
    copyAddress(batch.peerAddress, index, table.peerAddress, row);
    copyAddress(batch.localAddress, index, table.localAddress, row);
    batch.peerPort[index] = table.peerPort[row];
  }

  /** A whole Ethernet frame. */
  pushToInterface(offset: number, length_bytes: number, interfaceIndex: number): void {
    const index = this.toInterfaces.append(offset, length_bytes, 0);
    this.toInterfaces.interfaceIndex[index] = interfaceIndex;
  }

  /** A frame for the main thread. */
  pushPpp(offset: number, length_bytes: number, row: number, protocol: number): void {
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
    const at = batch.append(offset, length_bytes, 0);
    copyAddress(batch.peerAddress, at, input.peerAddress, index);
    copyAddress(batch.localAddress, at, input.localAddress, index);
    batch.peerPort[at] = input.peerPort[index];
    batch.isOverIp[at] = isOverIp ? 1 : 0;
  }

  /** Once all is sent, written or copied: the slots and descriptors are free again. */
  clear(): void {
    this.#usedSlots = 0;
    this.held.reclaim();
    for (let i = 0; i < this.#batches.length; i++) this.#batches[i].count = 0;
  }
}

/** How many packets go out one way, at most, before the output is cleared. */
export function outputCapacity(batch: number, buildSlots: number): number {
  return batch + buildSlots + MAX_HELD_FRAMES;
}
