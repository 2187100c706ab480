/**
 * The structures of one recvmmsg or sendmmsg, side by side in the arena: the n-th of each belongs to the n-th message.
 * Lays them out; makes no system call.
 */
import type { Arena } from './arena.js';
import type { Family } from './socket-family.js';
import { IOVEC, MMSGHDR, MSGHDR, SOCKADDR_IN6 } from './syscalls.js';

export class DatagramMessages {
  readonly headers: number;
  /** As many for each message as was asked for. */
  readonly iovecs: number;
  readonly addresses: number;
  readonly controls: number;
  readonly controlStride: number;
  /** The address of each header, made once. */
  readonly headerAddress: readonly bigint[];

  constructor(arena: Arena, family: Family, count: number, iovecsEach: number, control_bytes: number) {
    this.headers = arena.take(count * MMSGHDR.size);
    this.iovecs = arena.take(count * iovecsEach * IOVEC.size);
    this.addresses = arena.take(count * family.sockaddrSize);
    this.controlStride = control_bytes;
    this.controls = arena.take(count * control_bytes);
    for (let i = 0; i < count; i++) {
      const header = this.headers + i * MMSGHDR.size + MMSGHDR.header;
      arena.writePointer(header + MSGHDR.name, this.addresses + i * family.sockaddrSize);
      arena.words[(header + MSGHDR.nameLength) >>> 2] = family.sockaddrSize;
      arena.writePointer(header + MSGHDR.iov, this.iovecs + i * iovecsEach * IOVEC.size);
      arena.writeSize(header + MSGHDR.iovLength, 1);
      arena.writePointer(header + MSGHDR.control, this.controls + i * this.controlStride);
      arena.words16[(this.addresses + i * family.sockaddrSize) >>> 1] = family.domain;
    }
    this.headerAddress = Array.from({ length: count }, (_, i) => arena.addressOf(this.headers + i * MMSGHDR.size));
  }

  /** Bytes of arena that so many messages take, of either family. */
  static arena_bytes(count: number, iovecsEach: number, control_bytes: number): number {
    return count * (MMSGHDR.size + iovecsEach * IOVEC.size + SOCKADDR_IN6.size + control_bytes) + 4 * 16;
  }
}
