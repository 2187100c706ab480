/**
 * A socket for UDP, or for L2TP as an IP protocol of its own, on every local address of one family: read and written in
 * batches, tells which local address a datagram came to and sends from the one it is given. Datagrams that are longer
 * than the path lets through are fragmented by the kernel and, over IPv4, by the network: none has DF set. Where slots
 * are long enough, UDP datagrams of one flow come as a train, many in one slot (UDP_GRO, udp(7)). Must not know what
 * datagrams hold.
 *
 * What a slot gets from the kernel:
 *
 *   UDP, and IPv6 of either kind       | headroom, 64 octets                        | payload
 *   IP protocol 115 over IPv4, raw(7)  | headroom, 4 | IP header, 20 to 60 | payload
 */
import {
  ADDRESS_WORDS,
  IPV4_MAPPED_WORD,
  JOINED_ROOM_BYTES,
  type PacketBatch,
  type PacketSlots,
} from '../dataplane/packet-batch.js';
import type { Arena } from './arena.js';
import { DatagramMessages } from './datagram-messages.js';
import { DatagramSender } from './datagram-sender.js';
import { FAMILY, type Family, pktinfoSpace_bytes, type SocketKind } from './socket-family.js';
import {
  alignControl,
  bind,
  CMSGHDR,
  close,
  ERRNO,
  errno,
  IOVEC,
  MMSGHDR,
  MSGHDR,
  O_CLOEXEC,
  O_NONBLOCK,
  recvmmsg,
  SystemError,
  setsockopt,
  socket,
} from './syscalls.js';

const SOCK_DGRAM = 2;
const SOCK_RAW = 3;
/** RFC 3931 section 4.1.1. */
const IPPROTO_L2TP = 115;
/** With all its options (RFC 791 section 3.1). The kernel puts it before what a raw socket for IPv4 receives. */
const MAX_IPV4_HEADER_BYTES = 60;
const SOL_SOCKET = 1;
const SO_SNDBUF = 7;
const SO_RCVBUF = 8;
const SO_SNDBUFFORCE = 32;
const SO_RCVBUFFORCE = 33;
const SOL_UDP = 17;
const UDP_SEGMENT = 103;
const UDP_GRO = 104;
const MSG_TRUNC = 0x20;
const MSG_ERRQUEUE = 0x2000;
const MSG_DONTWAIT = 0x40;
/** Takes what comes while the worker is in its longest turn. */
const SOCKET_BUFFER_BYTES = 4 * 1024 * 1024;
/** What is received in one go, if what comes is as long as what came: it should still be in the cache when it is sent on. */
const MAX_RECEIVE_BYTES = 256 * 1024;
/** Of a control message, and what its length is rounded up to. */
const CONTROL_HEADER_BYTES = alignControl(CMSGHDR.size);
const CONTROL_UNIT_BYTES = alignControl(1);
/** A UDP socket for IPv6 takes no IPv4; a raw one never does, and does not know this option. */
const IPV6_V6ONLY = 26;
/**
 * A raw socket for IPv6 that is not connected learns the path's MTU from ICMPv6 only where it wants to see the errors
 * themselves: without this, what exceeds the path is lost for good, for routers do not fragment (RFC 8200 section 5).
 */
const IPV6_RECVERR = 25;

/** Room for the length of a train's datagrams, an int, beside the local address. */
function receivedControl_bytes(family: Family): number {
  return pktinfoSpace_bytes(family) + alignControl(CMSGHDR.size) + alignControl(4);
}

/** Bytes of arena that a socket takes, for either family. */
export function datagramSocketArena_bytes(receiveCount: number, sendCount: number): number {
  const received_bytes = DatagramMessages.arena_bytes(receiveCount, 1, receivedControl_bytes(FAMILY.ipv6));
  return received_bytes + DatagramSender.arena_bytes(sendCount) + 256;
}

export class DatagramSocket {
  readonly fd: number;
  readonly sender: DatagramSender;
  readonly #arena: Arena;
  readonly #family: Family;
  readonly #slots: PacketSlots;
  /** Room for the IP header in front of what is received, where the kernel gives that too. */
  readonly #ipHeaderRoom_bytes: number;
  /** ICMP errors come in a queue beside the datagrams, and keep the socket ready until they are taken. */
  readonly #queuesErrors: boolean;
  readonly #received: DatagramMessages;
  /** How many messages are taken in one go. */
  #wanted: number;

  private constructor(fd: number, arena: Arena, kind: SocketKind, slots: PacketSlots, sender: DatagramSender) {
    const family = FAMILY[kind.family];
    this.fd = fd;
    this.sender = sender;
    this.#arena = arena;
    this.#family = family;
    this.#slots = slots;
    this.#wanted = slots.count;
    this.#ipHeaderRoom_bytes = kind.protocol === 'l2tp-ip' && kind.family === 'ipv4' ? MAX_IPV4_HEADER_BYTES : 0;
    this.#queuesErrors = kind.protocol === 'l2tp-ip' && kind.family === 'ipv6';
    this.#received = new DatagramMessages(arena, family, slots.count, 1, receivedControl_bytes(family));
    this.#prepareReceiving();
  }

  /**
   * Opens a socket that receives into `slots` and sends batches of at most `sendCount`. `port` is UDP's; IP protocol 115
   * has none. UDP datagrams are joined, both ways, where the kernel has that and `mayJoin`. Throws SystemError: EPERM for
   * protocol 115 without CAP_NET_RAW. Gives undefined where the kernel does not have the family.
   */
  static open(
    arena: Arena,
    kind: SocketKind,
    port: number,
    slots: PacketSlots,
    sendCount: number,
    mayJoin = true,
  ): DatagramSocket | undefined {
    const { domain } = FAMILY[kind.family];
    const [type, protocol] = kind.protocol === 'udp' ? [SOCK_DGRAM, 0] : [SOCK_RAW, IPPROTO_L2TP];
    const fd = socket(domain, type | O_NONBLOCK | O_CLOEXEC, protocol);
    if (fd < 0) {
      if (errno() === ERRNO.EAFNOSUPPORT) return undefined;
      throw new SystemError(`open ${nameOf(kind)}`);
    }
    try {
      configure(fd, arena, kind);
      const joins = mayJoin && kind.protocol === 'udp' && joinDatagrams(fd, arena, slots);
      if (kind.protocol === 'udp') bindPort(fd, arena, kind, port);
      const sender = new DatagramSender(fd, arena, FAMILY[kind.family], joins, sendCount);
      return new DatagramSocket(fd, arena, kind, slots, sender);
    } catch (error) {
      close(fd);
      throw error;
    }
  }

  /**
   * Fills `batch` with what has come, one datagram or train a slot, without IP and UDP header; the peer's port is 0 where
   * there are no ports. False where the kernel reports an error.
   */
  receive(batch: PacketBatch): boolean {
    const { words, bytes } = this.#arena;
    const room_bytes = this.#ipHeaderRoom_bytes;
    const { headers, headerAddress } = this.#received;
    batch.count = 0;
    const wanted = this.#wanted;
    for (let i = 0; i < wanted; i++) {
      const header = headers + i * MMSGHDR.size + MMSGHDR.header;
      words[(header + MSGHDR.nameLength) >>> 2] = this.#family.sockaddrSize;
      this.#arena.writeSize(header + MSGHDR.controlLength, this.#received.controlStride);
    }
    const count = recvmmsg(this.fd, headerAddress[0], wanted, MSG_DONTWAIT | MSG_TRUNC, 0);
    if (count < 0) {
      const error = errno();
      return this.#takeErrors() || error === ERRNO.EAGAIN || error === ERRNO.EINTR;
    }
    let all_bytes = 0;
    for (let i = 0; i < count; i++) {
      const length_bytes = words[(headers + i * MMSGHDR.size + MMSGHDR.length) >>> 2];
      const at = this.#slots.room(i) - room_bytes;
      const ipHeader_bytes = room_bytes === 0 ? 0 : (bytes[at] & 0x0f) * 4;
      batch.append(at + ipHeader_bytes, length_bytes - ipHeader_bytes, 0);
      this.#readAddresses(batch, i);
      all_bytes += length_bytes;
    }
    const mean_bytes = all_bytes / count + 1;
    this.#wanted = Math.max(1, Math.min(this.#slots.count, Math.floor(MAX_RECEIVE_BYTES / mean_bytes)));
    return true;
  }

  close(): void {
    close(this.fd);
  }

  /** Takes the ICMP errors that wait, of which the kernel has taken note already; false where there are none. */
  #takeErrors(): boolean {
    if (!this.#queuesErrors) return false;
    return recvmmsg(this.fd, this.#received.headerAddress[0], this.#wanted, MSG_DONTWAIT | MSG_ERRQUEUE, 0) > 0;
  }

  /** The longest IP header ends where the room begins, so that of any payload there is as much as the room takes. */
  #prepareReceiving(): void {
    const ipHeaderRoom_bytes = this.#ipHeaderRoom_bytes;
    for (let i = 0; i < this.#slots.count; i++) {
      const iovec = this.#received.iovecs + i * IOVEC.size;
      this.#arena.writePointer(iovec + IOVEC.base, this.#slots.room(i) - ipHeaderRoom_bytes);
      this.#arena.writeSize(iovec + IOVEC.length, ipHeaderRoom_bytes + this.#slots.room_bytes);
    }
  }

  /** The peer's address; and of what the kernel says beside: the local address, and how long the datagrams of a train are. */
  #readAddresses(batch: PacketBatch, index: number): void {
    const { words, bytes } = this.#arena;
    const { portAt, addressAt, sockaddrSize, level, pktinfoType, pktinfoLocal } = this.#family;
    const sockaddr = this.#received.addresses + index * sockaddrSize;
    batch.peerPort[index] = (bytes[sockaddr + portAt] << 8) | bytes[sockaddr + portAt + 1];
    this.#readAddress(batch.peerAddress, index, sockaddr + addressAt);
    const header = this.#received.headers + index * MMSGHDR.size + MMSGHDR.header;
    const control = this.#received.controls + index * this.#received.controlStride;
    const end = control + words[(header + MSGHDR.controlLength) >>> 2];
    let hasLocal = false;
    for (let at = control; at + CMSGHDR.size <= end; ) {
      const data = at + CONTROL_HEADER_BYTES;
      const messageLevel = words[(at + CMSGHDR.level) >>> 2];
      const type = words[(at + CMSGHDR.type) >>> 2];
      if (messageLevel === level && type === pktinfoType) {
        this.#readAddress(batch.localAddress, index, data + pktinfoLocal);
        hasLocal = true;
      } else if (messageLevel === SOL_UDP && type === UDP_GRO && words[data >>> 2] < batch.length_bytes[index]) {
        batch.segment_bytes[index] = words[data >>> 2];
      }
      const length_bytes = words[(at + CMSGHDR.length) >>> 2];
      at += Math.max(CMSGHDR.size, length_bytes + (-length_bytes & (CONTROL_UNIT_BYTES - 1)));
    }
    if (!hasLocal) batch.localAddress.fill(0, index * ADDRESS_WORDS, (index + 1) * ADDRESS_WORDS);
  }

  #readAddress(to: Uint32Array, index: number, at: number): void {
    const { words } = this.#arena;
    const out = index * ADDRESS_WORDS;
    const from = at >>> 2;
    if (this.#family.addressWords === 1) {
      to[out] = 0;
      to[out + 1] = 0;
      to[out + 2] = IPV4_MAPPED_WORD;
      to[out + 3] = words[from];
      return;
    }
    for (let i = 0; i < ADDRESS_WORDS; i++) to[out + i] = words[from + i];
  }
}

function nameOf({ family, protocol }: SocketKind): string {
  return protocol === 'udp' ? `a UDP socket for ${family}` : `a raw socket for L2TP over ${family} (protocol 115)`;
}

function configure(fd: number, arena: Arena, kind: SocketKind): void {
  const { level, options } = FAMILY[kind.family];
  const value = arena.take(4);
  const set = (level: number, option: number, to: number): boolean => {
    arena.words[value >>> 2] = to;
    return setsockopt(fd, level, option, arena.addressOf(value), 4) === 0;
  };
  const own = kind.protocol === 'udp' ? IPV6_V6ONLY : IPV6_RECVERR;
  for (const [option, to] of kind.family === 'ipv6' ? [...options, [own, 1] as const] : options) {
    if (!set(level, option, to)) throw new SystemError(`set option ${option} of ${nameOf(kind)}`);
  }
  // Without the right to exceed the system's limit, what the system lets us have must do.
  if (!set(SOL_SOCKET, SO_RCVBUFFORCE, SOCKET_BUFFER_BYTES)) set(SOL_SOCKET, SO_RCVBUF, SOCKET_BUFFER_BYTES);
  if (!set(SOL_SOCKET, SO_SNDBUFFORCE, SOCKET_BUFFER_BYTES)) set(SOL_SOCKET, SO_SNDBUF, SOCKET_BUFFER_BYTES);
}

/** Receives trains where slots take them; gives whether the kernel knows to send several datagrams as one. */
function joinDatagrams(fd: number, arena: Arena, slots: PacketSlots): boolean {
  const value = arena.take(4);
  const has = (option: number, to: number): boolean => {
    arena.words[value >>> 2] = to;
    return setsockopt(fd, SOL_UDP, option, arena.addressOf(value), 4) === 0;
  };
  if (slots.room_bytes >= JOINED_ROOM_BYTES) has(UDP_GRO, 1);
  // No length for all that is sent: each message says its own.
  return has(UDP_SEGMENT, 0);
}

function bindPort(fd: number, arena: Arena, kind: SocketKind, port: number): void {
  const family = FAMILY[kind.family];
  const at = arena.take(family.sockaddrSize);
  arena.bytes.fill(0, at, at + family.sockaddrSize);
  arena.words16[at >>> 1] = family.domain;
  arena.bytes[at + family.portAt] = port >>> 8;
  arena.bytes[at + family.portAt + 1] = port;
  if (bind(fd, arena.addressOf(at), family.sockaddrSize) < 0)
    throw new SystemError(`bind UDP port ${port} for ${kind.family}`);
}
