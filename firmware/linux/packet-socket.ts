/**
 * A socket for PPPoE frames on one Ethernet interface, in batches, with their Ethernet header and VLAN tags as they are on
 * the wire. Gets none of the frames that the box itself sends. Must not know what a frame says.
 *
 * What a slot gets from the kernel, and what of it is given on where the kernel had taken the outer tag out:
 *
 *   | headroom                        | addresses (12) | type, or second tag … |
 *   | headroom    | addresses (12) | tag (4) | type, or second tag … |
 *
 * A frame leaves as it is given. An interface takes one tag on top of its MTU; where two go with whole packets, its MTU must
 * be 4 larger.
 */
import type { PacketBatch, PacketSlots } from '../dataplane/packet-batch.js';
import type { Arena } from './arena.js';
import { PPPOE_FILTERS } from './pppoe-filter.js';
import {
  alignControl,
  bind,
  CMSGHDR,
  close,
  ERRNO,
  errno,
  getsockname,
  IOVEC,
  MMSGHDR,
  MSGHDR,
  O_CLOEXEC,
  O_NONBLOCK,
  PACKET_MREQ,
  recvmmsg,
  SOCK_FILTER,
  SOCK_FPROG,
  SOCKADDR_LL,
  SystemError,
  sendmmsg,
  setsockopt,
  socket,
  TPACKET_AUXDATA,
} from './syscalls.js';

const AF_PACKET = 17;
const SOCK_RAW = 3;
/** The kernel shows frames with a second tag under that tag's type, so only all of them have what we want among them. */
const ETH_P_ALL = 0x0003;
const SOL_SOCKET = 1;
const SO_ATTACH_FILTER = 26;
const SO_RCVBUFFORCE = 33;
const SO_SNDBUFFORCE = 32;
const SOL_PACKET = 263;
const PACKET_ADD_MEMBERSHIP = 1;
const PACKET_MR_PROMISC = 1;
const PACKET_AUXDATA = 8;
const PACKET_IGNORE_OUTGOING = 23;
const TP_STATUS_VLAN_VALID = 0x10;
const TP_STATUS_VLAN_TPID_VALID = 0x40;
const MSG_TRUNC = 0x20;
const MSG_DONTWAIT = 0x40;
/** Takes what comes while the worker is in its longest turn. */
const SOCKET_BUFFER_BYTES = 4 * 1024 * 1024;

/** A header and what lies elsewhere. */
const IOVECS_EACH = 2;
const ADDRESSES_BYTES = 12;
const TAG_BYTES = 4;
const CUSTOMER_TAG = 0x8100;
const LONGEST_FILTER = Math.max(PPPOE_FILTERS.any.length, PPPOE_FILTERS.untagged.length);
const CONTROL_BYTES = alignControl(CMSGHDR.size) + alignControl(TPACKET_AUXDATA.size);

/**
 * What all packet sockets of a process share: the slots that frames are received into, and structures for one recvmmsg or
 * sendmmsg, the n-th of each for the n-th frame.
 */
export class PacketSocketMemory {
  readonly arena: Arena;
  readonly slots: PacketSlots;
  readonly received: number;
  readonly controls: number;
  readonly receivedAddress: bigint;
  readonly sent: number;
  readonly sentIovecs: number;
  /** The address of each header, made once. */
  readonly sentAddress: readonly bigint[];
  readonly sockaddr: number;
  readonly option: number;
  readonly membership: number;
  readonly program: number;
  readonly #filter: number;

  constructor(arena: Arena, slots: PacketSlots, sendCount: number) {
    this.arena = arena;
    this.slots = slots;
    this.received = arena.take(slots.count * MMSGHDR.size);
    const receivedIovecs = arena.take(slots.count * IOVEC.size);
    this.controls = arena.take(slots.count * CONTROL_BYTES);
    this.receivedAddress = arena.addressOf(this.received);
    this.sent = arena.take(sendCount * MMSGHDR.size);
    this.sentIovecs = arena.take(sendCount * IOVECS_EACH * IOVEC.size);
    this.sentAddress = Array.from({ length: sendCount }, (_, i) => arena.addressOf(this.sent + i * MMSGHDR.size));
    this.sockaddr = arena.take(SOCKADDR_LL.size);
    this.option = arena.take(4);
    this.membership = arena.take(PACKET_MREQ.size);
    this.program = arena.take(SOCK_FPROG.size);
    for (let i = 0; i < slots.count; i++) {
      const iovec = receivedIovecs + i * IOVEC.size;
      arena.writePointer(iovec + IOVEC.base, slots.room(i));
      arena.writeSize(iovec + IOVEC.length, slots.room_bytes);
      const header = this.received + i * MMSGHDR.size + MMSGHDR.header;
      arena.writePointer(header + MSGHDR.iov, iovec);
      arena.writeSize(header + MSGHDR.iovLength, 1);
      arena.writePointer(header + MSGHDR.control, this.controls + i * CONTROL_BYTES);
    }
    this.#filter = arena.take(LONGEST_FILTER * SOCK_FILTER.size);
    arena.writePointer(this.program + SOCK_FPROG.filter, this.#filter);
  }

  static arena_bytes(receiveCount: number, sendCount: number): number {
    const options_bytes = SOCKADDR_LL.size + 4 + PACKET_MREQ.size;
    const structures_bytes = options_bytes + SOCK_FPROG.size + LONGEST_FILTER * SOCK_FILTER.size;
    const received_bytes = receiveCount * (MMSGHDR.size + IOVEC.size + CONTROL_BYTES);
    return received_bytes + sendCount * (MMSGHDR.size + IOVECS_EACH * IOVEC.size) + structures_bytes + 10 * 16;
  }

  /** Makes `program` the filter for these VLANs. */
  writeProgram(vlans: 'any' | 'untagged'): void {
    const { arena, program } = this;
    const filter = PPPOE_FILTERS[vlans];
    for (const [i, { code, jumpTrue, jumpFalse, k }] of filter.entries()) {
      const at = this.#filter + i * SOCK_FILTER.size;
      arena.words16[(at + SOCK_FILTER.code) >>> 1] = code;
      arena.bytes[at + SOCK_FILTER.jumpTrue] = jumpTrue;
      arena.bytes[at + SOCK_FILTER.jumpFalse] = jumpFalse;
      arena.words[(at + SOCK_FILTER.k) >>> 2] = k;
    }
    arena.words16[(program + SOCK_FPROG.length) >>> 1] = filter.length;
  }
}

export class PacketSocket {
  readonly fd: number;
  readonly interfaceIndex: number;
  /** The interface went down, or is gone, and nothing has come or gone out since. */
  isDown = false;
  /** Of the last `send`: frames that the kernel had no room for, and that it refused for another reason. */
  notSentForRoom = 0;
  refused = 0;
  readonly #memory: PacketSocketMemory;

  private constructor(fd: number, interfaceIndex: number, memory: PacketSocketMemory) {
    this.fd = fd;
    this.interfaceIndex = interfaceIndex;
    this.#memory = memory;
  }

  /**
   * Opens a socket on the interface of this index, which may be down and come up later, for frames of all VLANs or of none.
   * Throws SystemError: EPERM without CAP_NET_RAW, ENODEV where there is no such interface.
   */
  static open(memory: PacketSocketMemory, interfaceIndex: number, vlans: 'any' | 'untagged' = 'any'): PacketSocket {
    // The kernel takes 0 for all interfaces.
    if (interfaceIndex <= 0) throw new RangeError(`no interface has index ${interfaceIndex}`);
    // Without a protocol it gets nothing, until it is bound with all that it needs.
    const fd = socket(AF_PACKET, SOCK_RAW | O_NONBLOCK | O_CLOEXEC, 0);
    if (fd < 0) throw new SystemError('open a packet socket');
    try {
      memory.writeProgram(vlans);
      configure(fd, memory);
      if (vlans === 'any') hearAllVlans(fd, memory, interfaceIndex);
      bindTo(fd, memory, interfaceIndex);
      return new PacketSocket(fd, interfaceIndex, memory);
    } catch (error) {
      close(fd);
      throw error;
    }
  }

  /**
   * Fills `batch` with the frames that have come, one a slot, none while the interface is down. False where the kernel
   * reports another error.
   */
  receive(batch: PacketBatch): boolean {
    const { arena, slots, received, receivedAddress } = this.#memory;
    batch.count = 0;
    for (let i = 0; i < slots.count; i++) {
      arena.writeSize(received + i * MMSGHDR.size + MMSGHDR.header + MSGHDR.controlLength, CONTROL_BYTES);
    }
    const count = recvmmsg(this.fd, receivedAddress, slots.count, MSG_DONTWAIT | MSG_TRUNC, 0);
    if (count < 0) {
      const error = errno();
      if (error === ERRNO.ENETDOWN) this.isDown = true;
      return error === ERRNO.EAGAIN || error === ERRNO.EINTR || error === ERRNO.ENETDOWN;
    }
    this.isDown = false;
    for (let i = 0; i < count; i++) {
      const length_bytes = arena.words[(received + i * MMSGHDR.size + MMSGHDR.length) >>> 2];
      const tag_bytes = this.#restoreTag(i);
      batch.append(slots.room(i) - tag_bytes, length_bytes + tag_bytes, 0);
    }
    return true;
  }

  /**
   * Sends those frames of `batch` that are for this interface, or for none in particular (0), and gives how many they are.
   * Counts what did not go.
   */
  send(batch: PacketBatch): number {
    const { sentAddress } = this.#memory;
    this.notSentForRoom = 0;
    this.refused = 0;
    let all = 0;
    for (let i = 0; i < batch.count; i++) {
      const interfaceIndex = batch.interfaceIndex[i];
      if (interfaceIndex !== this.interfaceIndex && interfaceIndex !== 0) continue;
      this.#writePieces(batch, i, all++);
    }
    let done = 0;
    while (done < all) {
      const count = sendmmsg(this.fd, sentAddress[done], all - done, MSG_DONTWAIT);
      if (count > 0) {
        this.isDown = false;
        done += count;
        continue;
      }
      const error = errno();
      if (error === ERRNO.EINTR) continue;
      if (error === ERRNO.EAGAIN) {
        this.notSentForRoom += all - done;
        break;
      }
      // That the interface went down is told once, here or where frames are received. ENXIO: it is gone.
      if (error === ERRNO.ENETDOWN || error === ERRNO.ENXIO) {
        this.isDown = true;
        this.refused += all - done;
        break;
      }
      // The error is the first frame's: the others have their own chance.
      if (error === ERRNO.ENOBUFS || error === ERRNO.ENOMEM) this.notSentForRoom++;
      else this.refused++;
      done++;
    }
    return all;
  }

  #writePieces(batch: PacketBatch, index: number, message: number): void {
    const { arena, sent, sentIovecs } = this.#memory;
    const at = sentIovecs + message * IOVECS_EACH * IOVEC.size;
    arena.writePointer(at + IOVEC.base, batch.offset[index]);
    arena.writeSize(at + IOVEC.length, batch.length_bytes[index]);
    arena.writePointer(at + IOVEC.size + IOVEC.base, batch.tailOffset[index]);
    arena.writeSize(at + IOVEC.size + IOVEC.length, batch.tail_bytes[index]);
    const header = sent + message * MMSGHDR.size + MMSGHDR.header;
    arena.writePointer(header + MSGHDR.iov, at);
    arena.writeSize(header + MSGHDR.iovLength, batch.tail_bytes[index] === 0 ? 1 : IOVECS_EACH);
  }

  /**
   * Whether the interface is gone, so that nothing will ever come: not known yet at the moment in which it goes down for
   * that.
   */
  isGone(): boolean {
    const { arena, sockaddr, option } = this.#memory;
    arena.words[option >>> 2] = SOCKADDR_LL.size;
    if (getsockname(this.fd, arena.addressOf(sockaddr), arena.addressOf(option)) < 0) {
      throw new SystemError(`ask for interface ${this.interfaceIndex} of a packet socket`);
    }
    return arena.words[(sockaddr + SOCKADDR_LL.interfaceIndex) >>> 2] !== this.interfaceIndex;
  }

  close(): void {
    close(this.fd);
  }

  /** Puts the tag that the kernel has beside a frame back into it; gives how many bytes that are. */
  #restoreTag(index: number): number {
    const { arena, slots, received, controls } = this.#memory;
    const { words, words16, bytes } = arena;
    const control = controls + index * CONTROL_BYTES;
    const header = received + index * MMSGHDR.size + MMSGHDR.header;
    const hasAuxdata =
      words[(header + MSGHDR.controlLength) >>> 2] !== 0 &&
      words[(control + CMSGHDR.level) >>> 2] === SOL_PACKET &&
      words[(control + CMSGHDR.type) >>> 2] === PACKET_AUXDATA;
    if (!hasAuxdata) return 0;
    const auxdata = control + alignControl(CMSGHDR.size);
    const status = words[(auxdata + TPACKET_AUXDATA.status) >>> 2];
    if ((status & TP_STATUS_VLAN_VALID) === 0) return 0;
    const hasProtocol = (status & TP_STATUS_VLAN_TPID_VALID) !== 0;
    const tagProtocol = hasProtocol ? words16[(auxdata + TPACKET_AUXDATA.vlanTpid) >>> 1] : CUSTOMER_TAG;
    const tagControl = words16[(auxdata + TPACKET_AUXDATA.vlanTci) >>> 1];
    const frame = slots.room(index) - TAG_BYTES;
    bytes.copyWithin(frame, frame + TAG_BYTES, frame + TAG_BYTES + ADDRESSES_BYTES);
    bytes[frame + ADDRESSES_BYTES] = tagProtocol >>> 8;
    bytes[frame + ADDRESSES_BYTES + 1] = tagProtocol;
    bytes[frame + ADDRESSES_BYTES + 2] = tagControl >>> 8;
    bytes[frame + ADDRESSES_BYTES + 3] = tagControl;
    return TAG_BYTES;
  }
}

function configure(fd: number, { arena, option, program }: PacketSocketMemory): void {
  const filtered = setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, arena.addressOf(program), SOCK_FPROG.size);
  if (filtered < 0) throw new SystemError('attach the filter for PPPoE');
  const set = (level: number, name: number, to: number): boolean => {
    arena.words[option >>> 2] = to;
    return setsockopt(fd, level, name, arena.addressOf(option), 4) === 0;
  };
  for (const name of [PACKET_AUXDATA, PACKET_IGNORE_OUTGOING]) {
    if (!set(SOL_PACKET, name, 1)) throw new SystemError(`set option ${name} of a packet socket`);
  }
  // Without the right to exceed the system's limit, what the system gives must do.
  set(SOL_SOCKET, SO_RCVBUFFORCE, SOCKET_BUFFER_BYTES);
  set(SOL_SOCKET, SO_SNDBUFFORCE, SOCKET_BUFFER_BYTES);
}

/**
 * Many cards drop frames of VLANs that the kernel has no device for, unless they are to hear everything; what is not for
 * this box goes in the filter.
 */
function hearAllVlans(fd: number, { arena, membership }: PacketSocketMemory, interfaceIndex: number): void {
  arena.bytes.fill(0, membership, membership + PACKET_MREQ.size);
  arena.words[(membership + PACKET_MREQ.interfaceIndex) >>> 2] = interfaceIndex;
  arena.words16[(membership + PACKET_MREQ.type) >>> 1] = PACKET_MR_PROMISC;
  if (setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, arena.addressOf(membership), PACKET_MREQ.size) < 0) {
    throw new SystemError(`hear all VLANs of interface ${interfaceIndex}`);
  }
}

function bindTo(fd: number, { arena, sockaddr }: PacketSocketMemory, interfaceIndex: number): void {
  arena.bytes.fill(0, sockaddr, sockaddr + SOCKADDR_LL.size);
  arena.words16[(sockaddr + SOCKADDR_LL.family) >>> 1] = AF_PACKET;
  arena.bytes[sockaddr + SOCKADDR_LL.protocol] = ETH_P_ALL >>> 8;
  arena.bytes[sockaddr + SOCKADDR_LL.protocol + 1] = ETH_P_ALL;
  arena.words[(sockaddr + SOCKADDR_LL.interfaceIndex) >>> 2] = interfaceIndex;
  if (bind(fd, arena.addressOf(sockaddr), SOCKADDR_LL.size) < 0) {
    throw new SystemError(`bind a packet socket to interface ${interfaceIndex}`);
  }
}
