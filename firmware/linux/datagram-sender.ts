/**
 * Sends batches of datagrams through a socket, each to its peer and from its local address. Those that go one behind the
 * other between the same two ends, and are as long as each other, go as one where the socket takes that (UDP_SEGMENT,
 * udp(7)): the kernel, or the card, makes datagrams of them again. Must not know what datagrams hold.
 *
 *   control of a message:  | UDP_SEGMENT: length of each datagram (16) | PKTINFO: the local address |
 */
import { ADDRESS_WORDS, equalAddress, type PacketBatch } from '../dataplane/packet-batch.js';
import type { Arena } from './arena.js';
import { DatagramMessages } from './datagram-messages.js';
import { FAMILY, type Family, pktinfoSpace_bytes } from './socket-family.js';
import { alignControl, CMSGHDR, ERRNO, errno, IOVEC, MMSGHDR, MSGHDR, sendmmsg } from './syscalls.js';

const SOL_UDP = 17;
const UDP_SEGMENT = 103;
const SEGMENT_SPACE_BYTES = alignControl(CMSGHDR.size) + alignControl(2);
const MSG_DONTWAIT = 0x40;
/** A header and what lies elsewhere. */
const IOVECS_EACH = 2;
/** UDP_MAX_SEGMENTS of kernels before Linux 6.9, and what an IP packet with the longest headers leaves of its 65,535 octets. */
const MAX_JOINED = 64;
const MAX_JOINED_BYTES = 65_535 - 40 - 8;
/** After a refusal so many datagrams of that length go singly before it is tried again: routes change. */
const SINGLY_AFTER_REFUSAL = 4096;

export class DatagramSender {
  /** Of the last `send`: datagrams that the kernel had no room for, and that it refused for another reason. */
  notSentForRoom = 0;
  refused = 0;
  readonly #fd: number;
  readonly #arena: Arena;
  readonly #family: Family;
  readonly #joins: boolean;
  readonly #messages: DatagramMessages;
  /** The place in the batch of each message's first datagram, and behind the last one where it ends. */
  readonly #first: Uint16Array;
  /** Datagrams of the batch before this place go singly. */
  #singlyUntil = 0;
  /** The shortest datagrams that the kernel did not take joined, and how many such go singly from now on. */
  #refusedLength_bytes = 0;
  #singlyLeft = 0;

  /** For batches of at most `count` datagrams. */
  constructor(fd: number, arena: Arena, family: Family, joins: boolean, count: number) {
    this.#fd = fd;
    this.#arena = arena;
    this.#family = family;
    this.#joins = joins;
    this.#messages = new DatagramMessages(arena, family, count, IOVECS_EACH, controlSpace_bytes(family));
    this.#first = new Uint16Array(count + 1);
    this.#prepareControls(count);
  }

  static arena_bytes(count: number): number {
    return DatagramMessages.arena_bytes(count, IOVECS_EACH, controlSpace_bytes(FAMILY.ipv6));
  }

  /** Sends every datagram of `batch`. Counts what did not go. */
  send(batch: PacketBatch): void {
    this.notSentForRoom = 0;
    this.refused = 0;
    this.#singlyUntil = 0;
    for (let from = 0; from < batch.count; ) from = this.#sendFrom(batch, from);
  }

  /** Gives the place of the first datagram that is still to be sent. */
  #sendFrom(batch: PacketBatch, from: number): number {
    const messages = this.#write(batch, from);
    let done = 0;
    while (done < messages) {
      const count = sendmmsg(this.#fd, this.#messages.headerAddress[done], messages - done, MSG_DONTWAIT);
      if (count > 0) {
        done += count;
        continue;
      }
      const error = errno();
      if (error === ERRNO.EINTR) continue;
      const first = this.#first[done];
      const next = this.#first[done + 1];
      if (error === ERRNO.EAGAIN) {
        this.notSentForRoom += batch.count - first;
        break;
      }
      if (next - first > 1 && cannotBeJoined(error)) {
        this.#sendSingly(batch, first, next);
        return first;
      }
      // The error is the first message's: the others have their own chance.
      if (error === ERRNO.ENOBUFS || error === ERRNO.ENOMEM) this.notSentForRoom += next - first;
      else this.refused += next - first;
      done++;
    }
    return batch.count;
  }

  /** What is longer than the path lets through is fragmented where it goes singly, and refused where it is joined. */
  #sendSingly(batch: PacketBatch, first: number, next: number): void {
    this.#singlyUntil = next;
    this.#refusedLength_bytes = length(batch, first);
    this.#singlyLeft = SINGLY_AFTER_REFUSAL;
  }

  /** Writes messages for all datagrams from this place on, and gives how many they are. */
  #write(batch: PacketBatch, from: number): number {
    const { iovecs } = this.#messages;
    let messages = 0;
    let iovec = iovecs;
    for (let first = from; first < batch.count; ) {
      const next = this.#joins ? this.#endOfRun(batch, first) : first + 1;
      const begin = iovec;
      for (let i = first; i < next; i++) iovec = this.#writePieces(batch, i, iovec);
      this.#writeMessage(batch, messages, first, next - first, begin, (iovec - begin) / IOVEC.size);
      this.#first[messages++] = first;
      first = next;
    }
    this.#first[messages] = batch.count;
    return messages;
  }

  /** Behind the last datagram that may go as one with the first: as long as that, but for the last, which may be shorter. */
  #endOfRun(batch: PacketBatch, first: number): number {
    const each_bytes = length(batch, first);
    if (first < this.#singlyUntil) return first + 1;
    if (this.#singlyLeft > 0 && each_bytes >= this.#refusedLength_bytes) {
      this.#singlyLeft--;
      return first + 1;
    }
    const end = Math.min(batch.count, first + MAX_JOINED, first + Math.floor(MAX_JOINED_BYTES / each_bytes));
    for (let next = first + 1; next < end; next++) {
      const next_bytes = length(batch, next);
      // An empty one would leave no trace in what is joined.
      if (next_bytes === 0 || next_bytes > each_bytes || !hasSameEnds(batch, first, next)) return next;
      if (next_bytes < each_bytes) return next + 1;
    }
    return Math.max(end, first + 1);
  }

  #writePieces(batch: PacketBatch, index: number, at: number): number {
    this.#arena.writePointer(at + IOVEC.base, batch.offset[index]);
    this.#arena.writeSize(at + IOVEC.length, batch.length_bytes[index]);
    const tail_bytes = batch.tail_bytes[index];
    if (tail_bytes === 0) return at + IOVEC.size;
    const tail = at + IOVEC.size;
    this.#arena.writePointer(tail + IOVEC.base, batch.tailOffset[index]);
    this.#arena.writeSize(tail + IOVEC.length, tail_bytes);
    return tail + IOVEC.size;
  }

  #writeMessage(
    batch: PacketBatch,
    message: number,
    index: number,
    datagrams: number,
    iovecs: number,
    iovecCount: number,
  ): void {
    const arena = this.#arena;
    const { portAt, addressAt, sockaddrSize, pktinfoLocal } = this.#family;
    const sockaddr = this.#messages.addresses + message * sockaddrSize;
    arena.bytes[sockaddr + portAt] = batch.peerPort[index] >>> 8;
    arena.bytes[sockaddr + portAt + 1] = batch.peerPort[index];
    this.#writeAddress(batch.peerAddress, index, sockaddr + addressAt);
    const control = this.#messages.controls + message * this.#messages.controlStride;
    const pktinfo = control + SEGMENT_SPACE_BYTES;
    this.#writeAddress(batch.localAddress, index, pktinfo + alignControl(CMSGHDR.size) + pktinfoLocal);
    const isGiven =
      batch.localAddress[index * ADDRESS_WORDS + 3] !== 0 || batch.localAddress[index * ADDRESS_WORDS] !== 0;
    const pktinfo_bytes = isGiven ? this.#messages.controlStride - SEGMENT_SPACE_BYTES : 0;
    const header = this.#messages.headers + message * MMSGHDR.size + MMSGHDR.header;
    arena.writePointer(header + MSGHDR.iov, iovecs);
    arena.writeSize(header + MSGHDR.iovLength, iovecCount);
    if (datagrams > 1) {
      arena.words16[(control + alignControl(CMSGHDR.size)) >>> 1] = length(batch, index);
      arena.writePointer(header + MSGHDR.control, control);
      arena.writeSize(header + MSGHDR.controlLength, SEGMENT_SPACE_BYTES + pktinfo_bytes);
    } else {
      arena.writePointer(header + MSGHDR.control, pktinfo);
      arena.writeSize(header + MSGHDR.controlLength, pktinfo_bytes);
    }
  }

  #writeAddress(from: Uint32Array, index: number, at: number): void {
    const { words } = this.#arena;
    const last = (index + 1) * ADDRESS_WORDS;
    const count = this.#family.addressWords;
    for (let i = 0; i < count; i++) words[(at >>> 2) + i] = from[last - count + i];
  }

  /** The control messages are always the same but for the length and the address. */
  #prepareControls(count: number): void {
    const { level, pktinfoType, pktinfoSize } = this.#family;
    for (let i = 0; i < count; i++) {
      const control = this.#messages.controls + i * this.#messages.controlStride;
      this.#writeControlHeader(control, 2, SOL_UDP, UDP_SEGMENT);
      this.#writeControlHeader(control + SEGMENT_SPACE_BYTES, pktinfoSize, level, pktinfoType);
    }
  }

  #writeControlHeader(at: number, data_bytes: number, level: number, type: number): void {
    this.#arena.writeSize(at + CMSGHDR.length, alignControl(CMSGHDR.size) + data_bytes);
    this.#arena.words[(at + CMSGHDR.level) >>> 2] = level;
    this.#arena.words[(at + CMSGHDR.type) >>> 2] = type;
  }
}

function controlSpace_bytes(family: Family): number {
  return SEGMENT_SPACE_BYTES + pktinfoSpace_bytes(family);
}

function length(batch: PacketBatch, index: number): number {
  return batch.length_bytes[index] + batch.tail_bytes[index];
}

function hasSameEnds(batch: PacketBatch, one: number, other: number): boolean {
  return (
    batch.peerPort[one] === batch.peerPort[other] &&
    equalAddress(batch.peerAddress, one, batch.peerAddress, other) &&
    equalAddress(batch.localAddress, one, batch.localAddress, other)
  );
}

/** Longer than the MTU; too many for this kernel; a card or a transform that makes no checksums (udp(7)). */
function cannotBeJoined(error: number): boolean {
  return error === ERRNO.EMSGSIZE || error === ERRNO.EINVAL || error === ERRNO.EIO;
}
