/**
 * What the forwarder gives: packets for TUN and TAP devices, for peers, and for the main thread, and the slots in which
 * it builds packets of its own. Emptied after every batch; decides nothing.
 */
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
  /** Control messages for tunnels that are there. */
  readonly control: PacketBatch;
  /** Control messages with tunnel ID 0: the lower queue. */
  readonly strangers: PacketBatch;
  readonly ppp: PacketBatch;
  readonly #batches: readonly PacketBatch[];
  readonly #slots: PacketSlots;
  #usedSlots = 0;

  /** For inputs of at most `batch` packets. */
  constructor(slots: PacketSlots, batch: number) {
    const { memory } = slots;
    this.memory = memory;
    const capacity = batch + slots.count;
    this.toTun = new PacketBatch(memory, capacity);
    this.toPeers = TRANSPORTS.map(() => new PacketBatch(memory, capacity));
    this.control = new PacketBatch(memory, batch);
    this.strangers = new PacketBatch(memory, batch);
    this.ppp = new PacketBatch(memory, batch);
    this.#batches = [this.toTun, ...this.toPeers, this.control, this.strangers, this.ppp];
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

  /** A datagram for the peer of a row. */
  pushToPeer(offset: number, length_bytes: number, row: number, table: SessionTable): void {
    const flags = table.flags[row];
    const batch = this.transport((flags & ROW.overIp) !== 0, (flags & ROW.ipv6Path) !== 0);
    const index = batch.append(offset, length_bytes, row);
    copyAddress(batch.peerAddress, index, table.peerAddress, row);
    copyAddress(batch.localAddress, index, table.localAddress, row);
    batch.peerPort[index] = table.peerPort[row];
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
    for (let i = 0; i < this.#batches.length; i++) this.#batches[i].count = 0;
  }
}
