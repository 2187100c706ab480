/**
 * A TUN device, IP packets from and to the kernel, or a TAP device, Ethernet frames without their check sequence: one a
 * system call, nothing put before them. The device goes when its descriptor is closed. Must not configure addresses,
 * routes, bridges or the MTU.
 */
import type { PacketBatch, PacketSlots } from '../dataplane/packet-batch.js';
import { ROOM_BYTES } from '../dataplane/packet-batch.js';
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
  read,
  SystemError,
  writev,
} from './syscalls.js';

const TUN_DRIVER = '/dev/net/tun';
const TUNSETIFF = 0x400454ca;
/** The kinds of device in <linux/if_tun.h>. */
const IFF = { tun: 0x0001, tap: 0x0002 } as const;
const IFF_NO_PI = 0x1000;
const NAME_BYTES = 16;

/** What all TUN and TAP devices of a process share: the slots that packets are read into, and a structure to write one from. */
export class TunMemory {
  readonly arena: Arena;
  readonly slots: PacketSlots;
  /** The address of each slot's room, made once. */
  readonly roomAddress: readonly bigint[];
  readonly iovec: number;
  readonly iovecAddress: bigint;
  readonly ifreq: number;

  constructor(arena: Arena, slots: PacketSlots) {
    this.arena = arena;
    this.slots = slots;
    this.roomAddress = Array.from({ length: slots.count }, (_, slot) => arena.addressOf(slots.room(slot)));
    this.iovec = arena.take(IOVEC.size);
    this.iovecAddress = arena.addressOf(this.iovec);
    this.ifreq = arena.take(IFREQ.size);
  }

  static arena_bytes(): number {
    return IOVEC.size + IFREQ.size + 2 * 16;
  }
}

export class TunDevice {
  readonly fd: number;
  readonly name: string;
  /** The device is gone: somebody removed it. */
  isLost = false;
  readonly #memory: TunMemory;

  private constructor(fd: number, name: string, memory: TunMemory) {
    this.fd = fd;
    this.name = name;
    this.#memory = memory;
  }

  /** Makes the device `name`, of at most 15 characters. Throws SystemError. */
  static open(memory: TunMemory, kind: 'tun' | 'tap', name: string): TunDevice {
    const fd = open(TUN_DRIVER, O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) throw new SystemError(`open ${TUN_DRIVER}`);
    const { arena, ifreq } = memory;
    arena.bytes.fill(0, ifreq, ifreq + IFREQ.size);
    arena.bytes.set(new TextEncoder().encode(name).subarray(0, NAME_BYTES - 1), ifreq + IFREQ.name);
    arena.words16[(ifreq + IFREQ.flags) >>> 1] = IFF[kind] | IFF_NO_PI;
    if (ioctl(fd, TUNSETIFF, arena.addressOf(ifreq)) < 0) {
      const error = new SystemError(`make the ${kind.toUpperCase()} device ${name}`);
      close(fd);
      throw error;
    }
    return new TunDevice(fd, name, memory);
  }

  /** Fills `batch` with packets or frames that wait, one a slot. Sets `isLost` where there will be none any more. */
  read(batch: PacketBatch): void {
    const { slots, roomAddress } = this.#memory;
    batch.count = 0;
    while (batch.count < slots.count) {
      const slot = batch.count;
      const length_bytes = read(this.fd, roomAddress[slot], ROOM_BYTES);
      if (length_bytes < 0) {
        const error = errno();
        this.isLost = error !== ERRNO.EAGAIN && error !== ERRNO.EINTR;
        return;
      }
      batch.append(slots.room(slot), length_bytes, 0);
    }
  }

  /** Gives the kernel the IP packet or frame at `offset` in the arena; false where it does not take it. */
  write(offset: number, length_bytes: number): boolean {
    const { arena, iovec, iovecAddress } = this.#memory;
    arena.writePointer(iovec + IOVEC.base, offset);
    arena.writeSize(iovec + IOVEC.length, length_bytes);
    return writev(this.fd, iovecAddress, 1) === length_bytes;
  }

  close(): void {
    close(this.fd);
  }
}
