/**
 * A socket for UDP, or for L2TP as an IP protocol of its own, on every local address of one family: read and written in
 * batches, tells which local address a datagram came to and sends from the one it is given. Datagrams that are longer
 * than the path lets through are fragmented by the kernel and, over IPv4, by the network: none has DF set. Must not know
 * what datagrams hold.
 *
 * What a slot gets from the kernel:
 *
 *   UDP, and IPv6 of either kind       | headroom, 64 octets                        | payload
 *   IP protocol 115 over IPv4, raw(7)  | headroom, 4 | IP header, 20 to 60 | payload
 */
import {
  ADDRESS_WORDS,
  IPV4_MAPPED_WORD,
  type PacketBatch,
  type PacketSlots,
  ROOM_BYTES,
} from '../dataplane/packet-batch.js';
import type { Arena } from './arena.js';
import {
  alignControl,
  bind,
  CMSGHDR,
  close,
  ERRNO,
  errno,
  IN_PKTINFO,
  IN6_PKTINFO,
  IOVEC,
  MMSGHDR,
  MSGHDR,
  O_CLOEXEC,
  O_NONBLOCK,
  recvmmsg,
  SOCKADDR_IN,
  SOCKADDR_IN6,
  SystemError,
  sendmmsg,
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
const MSG_TRUNC = 0x20;
const MSG_ERRQUEUE = 0x2000;
const MSG_DONTWAIT = 0x40;
/** Takes what comes while the worker is in its longest turn. */
const SOCKET_BUFFER_BYTES = 4 * 1024 * 1024;
/** IP_PMTUDISC_DONT and IPV6_PMTUDISC_DONT. */
const PATH_MTU_DISCOVERY_OFF = 0;

/** Which socket: of which family, and what comes behind its IP header. */
export interface SocketKind {
  readonly family: 'ipv4' | 'ipv6';
  readonly protocol: 'udp' | 'l2tp-ip';
}

/** What differs between the two families. */
interface Family {
  domain: number;
  level: number;
  /** The options that are set, by number, to these values. */
  options: readonly (readonly [name: number, value: number])[];
  /** Type of the control message that carries the local address, and where it lies in it. */
  pktinfoType: number;
  pktinfoSize: number;
  pktinfoLocal: number;
  sockaddrSize: number;
  portAt: number;
  addressAt: number;
  /** Words of an address that the kernel sees, and how many stand before them in a descriptor. */
  addressWords: number;
}

const FAMILY: Readonly<Record<'ipv4' | 'ipv6', Family>> = {
  ipv4: {
    domain: 2, // AF_INET
    level: 0, // IPPROTO_IP
    options: [
      [8, 1], // IP_PKTINFO
      [10, PATH_MTU_DISCOVERY_OFF], // IP_MTU_DISCOVER
    ],
    pktinfoType: 8,
    pktinfoSize: IN_PKTINFO.size,
    pktinfoLocal: IN_PKTINFO.local,
    sockaddrSize: SOCKADDR_IN.size,
    portAt: SOCKADDR_IN.port,
    addressAt: SOCKADDR_IN.address,
    addressWords: 1,
  },
  ipv6: {
    domain: 10, // AF_INET6
    level: 41, // IPPROTO_IPV6
    options: [
      [49, 1], // IPV6_RECVPKTINFO
      [23, PATH_MTU_DISCOVERY_OFF], // IPV6_MTU_DISCOVER
    ],
    pktinfoType: 50, // IPV6_PKTINFO
    pktinfoSize: IN6_PKTINFO.size,
    pktinfoLocal: IN6_PKTINFO.local,
    sockaddrSize: SOCKADDR_IN6.size,
    portAt: SOCKADDR_IN6.port,
    addressAt: SOCKADDR_IN6.address,
    addressWords: 4,
  },
};

/** A UDP socket for IPv6 takes no IPv4; a raw one never does, and does not know this option. */
const IPV6_V6ONLY = 26;
/**
 * A raw socket for IPv6 that is not connected learns the path's MTU from ICMPv6 only where it wants to see the errors
 * themselves: without this, what exceeds the path is lost for good, for routers do not fragment (RFC 8200 section 5).
 */
const IPV6_RECVERR = 25;

/** Bytes of arena that a socket takes, for either family. */
export function datagramSocketArena_bytes(receiveCount: number, sendCount: number): number {
  const each_bytes = MMSGHDR.size + IOVEC.size + SOCKADDR_IN6.size + controlSpace(FAMILY.ipv6) + 4 * 16;
  return (receiveCount + sendCount) * each_bytes + 256;
}

/** CMSG_SPACE of the one control message. */
function controlSpace({ pktinfoSize }: Family): number {
  return alignControl(CMSGHDR.size) + alignControl(pktinfoSize);
}

/** Structures for one recvmmsg or sendmmsg, side by side in the arena: the n-th of each belongs to the n-th datagram. */
class Messages {
  readonly headers: number;
  readonly iovecs: number;
  readonly addresses: number;
  readonly controls: number;
  readonly controlStride: number;
  /** The address of each header, made once. */
  readonly headerAddress: readonly bigint[];

  constructor(arena: Arena, family: Family, count: number) {
    this.headers = arena.take(count * MMSGHDR.size);
    this.iovecs = arena.take(count * IOVEC.size);
    this.addresses = arena.take(count * family.sockaddrSize);
    this.controlStride = controlSpace(family);
    this.controls = arena.take(count * this.controlStride);
    for (let i = 0; i < count; i++) {
      const header = this.headers + i * MMSGHDR.size + MMSGHDR.header;
      arena.writePointer(header + MSGHDR.name, this.addresses + i * family.sockaddrSize);
      arena.words[(header + MSGHDR.nameLength) >>> 2] = family.sockaddrSize;
      arena.writePointer(header + MSGHDR.iov, this.iovecs + i * IOVEC.size);
      arena.writeSize(header + MSGHDR.iovLength, 1);
      arena.writePointer(header + MSGHDR.control, this.controls + i * this.controlStride);
      arena.words16[(this.addresses + i * family.sockaddrSize) >>> 1] = family.domain;
    }
    this.headerAddress = Array.from({ length: count }, (_, i) => arena.addressOf(this.headers + i * MMSGHDR.size));
  }
}

export class DatagramSocket {
  readonly fd: number;
  /** Of the last `send`: datagrams that the kernel had no room for, and that it refused for another reason. */
  notSentForRoom = 0;
  refused = 0;
  readonly #arena: Arena;
  readonly #family: Family;
  readonly #slots: PacketSlots;
  /** Room for the IP header in front of what is received, where the kernel gives that too. */
  readonly #ipHeaderRoom_bytes: number;
  /** ICMP errors come in a queue beside the datagrams, and keep the socket ready until they are taken. */
  readonly #queuesErrors: boolean;
  readonly #received: Messages;
  readonly #sent: Messages;

  private constructor(fd: number, arena: Arena, kind: SocketKind, slots: PacketSlots, sendCount: number) {
    const family = FAMILY[kind.family];
    this.fd = fd;
    this.#arena = arena;
    this.#family = family;
    this.#slots = slots;
    this.#ipHeaderRoom_bytes = kind.protocol === 'l2tp-ip' && kind.family === 'ipv4' ? MAX_IPV4_HEADER_BYTES : 0;
    this.#queuesErrors = kind.protocol === 'l2tp-ip' && kind.family === 'ipv6';
    this.#received = new Messages(arena, family, slots.count);
    this.#sent = new Messages(arena, family, sendCount);
    this.#prepareReceiving();
    this.#prepareSending(sendCount);
  }

  /**
   * Opens a socket that receives into `slots` and sends batches of at most `sendCount`. `port` is UDP's; IP protocol 115
   * has none. Throws SystemError: EPERM for protocol 115 without CAP_NET_RAW. Gives undefined where the kernel does not
   * have the family.
   */
  static open(
    arena: Arena,
    kind: SocketKind,
    port: number,
    slots: PacketSlots,
    sendCount: number,
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
      if (kind.protocol === 'udp') bindPort(fd, arena, kind, port);
      return new DatagramSocket(fd, arena, kind, slots, sendCount);
    } catch (error) {
      close(fd);
      throw error;
    }
  }

  /**
   * Fills `batch` with what has come, one datagram a slot, without IP and UDP header; the peer's port is 0 where there
   * are no ports. False where the kernel reports an error.
   */
  receive(batch: PacketBatch): boolean {
    const { words, bytes } = this.#arena;
    const room_bytes = this.#ipHeaderRoom_bytes;
    const { headers, headerAddress } = this.#received;
    batch.count = 0;
    const wanted = this.#slots.count;
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
    for (let i = 0; i < count; i++) {
      const length_bytes = words[(headers + i * MMSGHDR.size + MMSGHDR.length) >>> 2];
      const at = this.#slots.room(i) - room_bytes;
      const ipHeader_bytes = room_bytes === 0 ? 0 : (bytes[at] & 0x0f) * 4;
      batch.append(at + ipHeader_bytes, length_bytes - ipHeader_bytes, 0);
      this.#readAddresses(batch, i);
    }
    return true;
  }

  /** Sends every datagram of `batch` to its peer, from its local address where that is given. Counts what did not go. */
  send(batch: PacketBatch): void {
    this.notSentForRoom = 0;
    this.refused = 0;
    for (let i = 0; i < batch.count; i++) this.#writeMessage(batch, i);
    let done = 0;
    while (done < batch.count) {
      const count = sendmmsg(this.fd, this.#sent.headerAddress[done], batch.count - done, MSG_DONTWAIT);
      if (count > 0) {
        done += count;
        continue;
      }
      const error = errno();
      if (error === ERRNO.EINTR) continue;
      if (error === ERRNO.EAGAIN) {
        this.notSentForRoom += batch.count - done;
        return;
      }
      // The error is the first datagram's: the others have their own chance.
      if (error === ERRNO.ENOBUFS || error === ERRNO.ENOMEM) this.notSentForRoom++;
      else this.refused++;
      done++;
    }
  }

  close(): void {
    close(this.fd);
  }

  /** Takes the ICMP errors that wait, of which the kernel has taken note already; false where there are none. */
  #takeErrors(): boolean {
    if (!this.#queuesErrors) return false;
    return recvmmsg(this.fd, this.#received.headerAddress[0], this.#slots.count, MSG_DONTWAIT | MSG_ERRQUEUE, 0) > 0;
  }

  /** The longest IP header ends where the room begins, so that of any payload there is as much as the room takes. */
  #prepareReceiving(): void {
    const ipHeaderRoom_bytes = this.#ipHeaderRoom_bytes;
    for (let i = 0; i < this.#slots.count; i++) {
      const iovec = this.#received.iovecs + i * IOVEC.size;
      this.#arena.writePointer(iovec + IOVEC.base, this.#slots.room(i) - ipHeaderRoom_bytes);
      this.#arena.writeSize(iovec + IOVEC.length, ipHeaderRoom_bytes + ROOM_BYTES);
    }
  }

  /** The control message is always the same but for the address. */
  #prepareSending(count: number): void {
    const { level, pktinfoType, pktinfoSize } = this.#family;
    for (let i = 0; i < count; i++) {
      const control = this.#sent.controls + i * this.#sent.controlStride;
      this.#arena.writeSize(control + CMSGHDR.length, alignControl(CMSGHDR.size) + pktinfoSize);
      this.#arena.words[(control + CMSGHDR.level) >>> 2] = level;
      this.#arena.words[(control + CMSGHDR.type) >>> 2] = pktinfoType;
    }
  }

  #readAddresses(batch: PacketBatch, index: number): void {
    const { words, bytes } = this.#arena;
    const { portAt, addressAt, sockaddrSize, level, pktinfoType, pktinfoLocal } = this.#family;
    const sockaddr = this.#received.addresses + index * sockaddrSize;
    batch.peerPort[index] = (bytes[sockaddr + portAt] << 8) | bytes[sockaddr + portAt + 1];
    this.#readAddress(batch.peerAddress, index, sockaddr + addressAt);
    const header = this.#received.headers + index * MMSGHDR.size + MMSGHDR.header;
    const control = this.#received.controls + index * this.#received.controlStride;
    const hasLocal =
      words[(header + MSGHDR.controlLength) >>> 2] !== 0 &&
      words[(control + CMSGHDR.level) >>> 2] === level &&
      words[(control + CMSGHDR.type) >>> 2] === pktinfoType;
    if (hasLocal) this.#readAddress(batch.localAddress, index, control + alignControl(CMSGHDR.size) + pktinfoLocal);
    else batch.localAddress.fill(0, index * ADDRESS_WORDS, (index + 1) * ADDRESS_WORDS);
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

  #writeMessage(batch: PacketBatch, index: number): void {
    const { bytes } = this.#arena;
    const { portAt, addressAt, sockaddrSize, pktinfoLocal } = this.#family;
    const iovec = this.#sent.iovecs + index * IOVEC.size;
    this.#arena.writePointer(iovec + IOVEC.base, batch.offset[index]);
    this.#arena.writeSize(iovec + IOVEC.length, batch.length_bytes[index]);
    const sockaddr = this.#sent.addresses + index * sockaddrSize;
    bytes[sockaddr + portAt] = batch.peerPort[index] >>> 8;
    bytes[sockaddr + portAt + 1] = batch.peerPort[index];
    this.#writeAddress(batch.peerAddress, index, sockaddr + addressAt);
    const control = this.#sent.controls + index * this.#sent.controlStride;
    this.#writeAddress(batch.localAddress, index, control + alignControl(CMSGHDR.size) + pktinfoLocal);
    const header = this.#sent.headers + index * MMSGHDR.size + MMSGHDR.header;
    const isGiven =
      batch.localAddress[index * ADDRESS_WORDS + 3] !== 0 || batch.localAddress[index * ADDRESS_WORDS] !== 0;
    this.#arena.writeSize(header + MSGHDR.controlLength, isGiven ? this.#sent.controlStride : 0);
  }

  #writeAddress(from: Uint32Array, index: number, at: number): void {
    const { words } = this.#arena;
    const last = (index + 1) * ADDRESS_WORDS;
    const count = this.#family.addressWords;
    for (let i = 0; i < count; i++) words[(at >>> 2) + i] = from[last - count + i];
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
