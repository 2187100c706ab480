/**
 * A TUN device, IP packets from and to the kernel, or a TAP device, Ethernet frames without their check sequence: one a
 * system call. The device goes when its descriptor is closed. Must not configure addresses, routes, bridges or the MTU.
 *
 * In front of what a TUN device gives and takes stands virtio's network header (Virtual I/O Device version 1.1, section
 * 5.1.6), by which several packets of one flow are one, and checksums are left to whoever needs them; a TAP device has
 * none of that:
 *
 *   flags (8), kind (8), header length (16), segment size (16), checksum start (16), checksum offset (16)
 */
import { HEADROOM_BYTES, type PacketBatch, type PacketPieces, type PacketSlots } from '../dataplane/packet-batch.js';
import type { Arena } from './arena.js';
import {
  close,
  ERRNO,
  errno,
  IFREQ,
  IOVEC,
  ioctl,
  O_CLOEXEC,
  O_NONBLOCK,
  O_RDWR,
  open,
  readv,
  SystemError,
  VIRTIO_NET_HDR,
  writev,
} from './syscalls.js';

const TUN_DRIVER = '/dev/net/tun';
const TUNSETIFF = 0x400454ca;
const TUNSETOFFLOAD = 0x400454d0;
/** The kinds of device in <linux/if_tun.h>. */
const IFF = { tun: 0x0001, tap: 0x0002 } as const;
const IFF_NO_PI = 0x1000;
const IFF_VNET_HDR = 0x4000;
/** What the kernel may leave to us, and takes from us: checksums, and segmentation of TCP and UDP over IPv4 and IPv6. */
const TUN_F = { checksum: 0x01, tso4: 0x02, tso6: 0x04, tsoEcn: 0x08, uso4: 0x20, uso6: 0x40 } as const;
const TCP_OFFLOAD = TUN_F.checksum | TUN_F.tso4 | TUN_F.tso6 | TUN_F.tsoEcn;
const UDP_OFFLOAD = TUN_F.uso4 | TUN_F.uso6;
const VIRTIO_NET_HDR_F_NEEDS_CSUM = 1;
const NAME_BYTES = 16;
/** What is read in one go, at most, before it is sent on: it should still be in the cache then. */
const MAX_READ_BYTES = 256 * 1024;
/** Packets lie at the beginning of a line of the cache. */
const LINE_BYTES = 64;
/** The kernel takes no more pieces in one system call (UIO_MAXIOV). */
const MAX_IOVECS = 1024;

/** What a TUN device gives and takes as super-packets. A kernel before Linux 6.2 does not join UDP. */
export interface TunOffload {
  tcp: boolean;
  udp: boolean;
}

/** What all TUN and TAP devices of a process share: the slots that packets are read into, and structures to read and write. */
export class TunMemory {
  readonly arena: Arena;
  readonly slots: PacketSlots;
  readonly iovecs: number;
  readonly iovecsAddress: bigint;
  readonly header: number;
  readonly ifreq: number;

  constructor(arena: Arena, slots: PacketSlots) {
    this.arena = arena;
    this.slots = slots;
    this.iovecs = arena.take(MAX_IOVECS * IOVEC.size);
    this.iovecsAddress = arena.addressOf(this.iovecs);
    this.header = arena.take(VIRTIO_NET_HDR.size);
    this.ifreq = arena.take(IFREQ.size);
  }

  static arena_bytes(): number {
    return MAX_IOVECS * IOVEC.size + VIRTIO_NET_HDR.size + IFREQ.size + 3 * 16;
  }
}

export class TunDevice {
  readonly fd: number;
  readonly name: string;
  readonly offload: TunOffload;
  /** The device is gone: somebody removed it. */
  isLost = false;
  readonly #memory: TunMemory;
  /** Of virtio's header: none on a TAP device. */
  readonly #header_bytes: number;

  private constructor(fd: number, name: string, memory: TunMemory, header_bytes: number, offload: TunOffload) {
    this.fd = fd;
    this.name = name;
    this.offload = offload;
    this.#memory = memory;
    this.#header_bytes = header_bytes;
  }

  /**
   * Makes the device `name`, of at most 15 characters; a TUN device with as much offload as the kernel has, where
   * `mayOffload`. Throws SystemError.
   */
  static open(memory: TunMemory, kind: 'tun' | 'tap', name: string, mayOffload = true): TunDevice {
    const fd = open(TUN_DRIVER, O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) throw new SystemError(`open ${TUN_DRIVER}`);
    const { arena, ifreq } = memory;
    const header = kind === 'tun' ? IFF_VNET_HDR : 0;
    arena.bytes.fill(0, ifreq, ifreq + IFREQ.size);
    arena.bytes.set(new TextEncoder().encode(name).subarray(0, NAME_BYTES - 1), ifreq + IFREQ.name);
    arena.words16[(ifreq + IFREQ.flags) >>> 1] = IFF[kind] | IFF_NO_PI | header;
    if (ioctl(fd, TUNSETIFF, arena.addressOf(ifreq)) < 0) {
      const error = new SystemError(`make the ${kind.toUpperCase()} device ${name}`);
      close(fd);
      throw error;
    }
    if (header === 0) return new TunDevice(fd, name, memory, 0, { tcp: false, udp: false });
    const has = (offload: number): boolean => mayOffload && ioctl(fd, TUNSETOFFLOAD, offload) === 0;
    const udp = has(TCP_OFFLOAD | UDP_OFFLOAD);
    return new TunDevice(fd, name, memory, VIRTIO_NET_HDR.size, { udp, tcp: udp || has(TCP_OFFLOAD) });
  }

  /**
   * Fills `batch` with packets or frames that wait, one behind the other, each with headroom in front of it. Sets `isLost`
   * where there will be none any more.
   */
  read(batch: PacketBatch): void {
    const { arena, slots, iovecs, iovecsAddress } = this.#memory;
    const header_bytes = this.#header_bytes;
    const first = slots.room(0);
    const last = slots.room(slots.count - 1);
    batch.count = 0;
    for (let at = first; batch.count < slots.count && at <= last && at - first < MAX_READ_BYTES; ) {
      arena.writePointer(iovecs + IOVEC.base, at - header_bytes);
      arena.writeSize(iovecs + IOVEC.length, header_bytes + slots.room_bytes);
      const length_bytes = readv(this.fd, iovecsAddress, 1) - header_bytes;
      if (length_bytes < 0) {
        const error = errno();
        this.isLost = error !== ERRNO.EAGAIN && error !== ERRNO.EINTR;
        return;
      }
      const index = batch.append(at, length_bytes, 0);
      if (header_bytes > 0) this.#readHeader(batch, index, at - header_bytes);
      at += HEADROOM_BYTES + length_bytes + (-length_bytes & (LINE_BYTES - 1));
    }
  }

  #readHeader(batch: PacketBatch, index: number, at: number): void {
    const { bytes, words16 } = this.#memory.arena;
    batch.gso[index] = bytes[at + VIRTIO_NET_HDR.gsoType];
    batch.segment_bytes[index] = words16[(at + VIRTIO_NET_HDR.gsoSize) >>> 1];
    if ((bytes[at + VIRTIO_NET_HDR.flags] & VIRTIO_NET_HDR_F_NEEDS_CSUM) === 0) return;
    batch.checksumStart_bytes[index] = words16[(at + VIRTIO_NET_HDR.checksumStart) >>> 1];
    batch.checksumAt_bytes[index] = words16[(at + VIRTIO_NET_HDR.checksumOffset) >>> 1];
  }

  /** Gives the kernel the IP packet or frame of this place in the batch, with its pieces; false where it does not take it. */
  write(batch: PacketBatch, index: number, pieces: PacketPieces): boolean {
    const { iovecs, iovecsAddress, header } = this.#memory;
    const header_bytes = this.#header_bytes;
    let at = iovecs;
    let total_bytes = batch.length_bytes[index];
    if (header_bytes > 0) {
      this.#writeHeader(batch, index, header);
      at = this.#piece(at, header, header_bytes);
      total_bytes += header_bytes;
    }
    at = this.#piece(at, batch.offset[index], batch.length_bytes[index]);
    for (let piece = batch.firstPiece[index]; piece !== 0; piece = pieces.next[piece]) {
      at = this.#piece(at, pieces.offset[piece], pieces.length_bytes[piece]);
      total_bytes += pieces.length_bytes[piece];
    }
    return writev(this.fd, iovecsAddress, (at - iovecs) / IOVEC.size) === total_bytes;
  }

  #piece(at: number, offset: number, length_bytes: number): number {
    const { arena } = this.#memory;
    arena.writePointer(at + IOVEC.base, offset);
    arena.writeSize(at + IOVEC.length, length_bytes);
    return at + IOVEC.size;
  }

  #writeHeader(batch: PacketBatch, index: number, at: number): void {
    const { bytes, words16 } = this.#memory.arena;
    const checksumStart_bytes = batch.checksumStart_bytes[index];
    const gso = batch.gso[index];
    bytes[at + VIRTIO_NET_HDR.flags] = checksumStart_bytes === 0 ? 0 : VIRTIO_NET_HDR_F_NEEDS_CSUM;
    bytes[at + VIRTIO_NET_HDR.gsoType] = gso;
    words16[(at + VIRTIO_NET_HDR.gsoSize) >>> 1] = batch.segment_bytes[index];
    words16[(at + VIRTIO_NET_HDR.checksumStart) >>> 1] = checksumStart_bytes;
    words16[(at + VIRTIO_NET_HDR.checksumOffset) >>> 1] = checksumStart_bytes === 0 ? 0 : batch.checksumAt_bytes[index];
    // Of a super-packet all that stands before the first segment's payload.
    words16[(at + VIRTIO_NET_HDR.headerLength) >>> 1] =
      gso === 0 ? 0 : batch.length_bytes[index] - batch.segment_bytes[index];
  }

  close(): void {
    close(this.fd);
  }
}
