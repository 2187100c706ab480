/**
 * What the forwarder gives: packets for TUN devices, for peers over IPv4 and IPv6, and for the main thread, and the
 * slots in which it builds packets of its own. Emptied after every batch; decides nothing.
 */
import { copyAddress, PacketBatch, type PacketSlots } from './packet-batch.js';
import { ROW, type SessionTable } from './session-table.js';

export class ForwarderOutput {
  readonly toTun: PacketBatch;
  readonly toIpv4Peers: PacketBatch;
  readonly toIpv6Peers: PacketBatch;
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
    const capacity = batch + slots.count;
    this.toTun = new PacketBatch(memory, capacity);
    this.toIpv4Peers = new PacketBatch(memory, capacity);
    this.toIpv6Peers = new PacketBatch(memory, capacity);
    this.control = new PacketBatch(memory, batch);
    this.strangers = new PacketBatch(memory, batch);
    this.ppp = new PacketBatch(memory, batch);
    this.#batches = [this.toTun, this.toIpv4Peers, this.toIpv6Peers, this.control, this.strangers, this.ppp];
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

  /** A datagram for the peer of a row. */
  pushToPeer(offset: number, length_bytes: number, row: number, table: SessionTable): void {
    const batch = (table.flags[row] & ROW.ipv6Path) !== 0 ? this.toIpv6Peers : this.toIpv4Peers;
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

  /** A control message, the `index`th of `input`, for the main thread. */
  pushControl(batch: PacketBatch, input: PacketBatch, index: number, length_bytes: number): void {
    const at = batch.append(input.offset[index], length_bytes, 0);
    copyAddress(batch.peerAddress, at, input.peerAddress, index);
    copyAddress(batch.localAddress, at, input.localAddress, index);
    batch.peerPort[at] = input.peerPort[index];
  }

  /** Once all is sent, written or copied: the slots and descriptors are free again. */
  clear(): void {
    this.#usedSlots = 0;
    for (let i = 0; i < this.#batches.length; i++) this.#batches[i].count = 0;
  }
}
