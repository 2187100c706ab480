/**
 * Packets on their way, as descriptors over one memory: what crosses every interface of the packet path. Describes, and
 * knows no protocol and no system call.
 *
 *   slot:  | headroom, 64 bytes | room, 1984 bytes or more                            |
 *          headers grow this way <- offset                     offset + length
 */

/**
 * In front of what is received, for headers written there: L2TP takes 10, in version 3 up to 20, PPP or a VLAN tag 4;
 * PPPoE with an Ethernet header and two tags takes 28.
 */
export const HEADROOM_BYTES = 64;
export const SLOT_BYTES = 2048;
/** The longest packet that a slot takes. */
export const ROOM_BYTES = SLOT_BYTES - HEADROOM_BYTES;

/** 32-bit words of an address in a descriptor or row: IPv6, or IPv4 as ::ffff:a.b.c.d; in memory order. */
export const ADDRESS_WORDS = 4;
/** The third word of an IPv4 address in that form (RFC 4291 section 2.5.5.2); the fourth is the address. */
export const IPV4_MAPPED_WORD = new Uint32Array(Uint8Array.of(0, 0, 0xff, 0xff).buffer)[0];

/** What several packets joined to one may be long, with all their headers: what an IP packet may be, and UDP's payload. */
export const JOINED_ROOM_BYTES = 65536;
/** Such a slot's length is no power of two: the beginnings of all slots would share a few lines of the cache. */
export const JOINED_SLOT_BYTES = HEADROOM_BYTES + JOINED_ROOM_BYTES + 17 * 64;

/** In front of a packet's tail: L2TP's or PPPoE's headers in the headroom, and behind them what is built of the packet. */
export const HEADER_SLOT_BYTES = HEADROOM_BYTES + 192;

/**
 * How several packets of one flow are joined to one, in the numbers of virtio's network header (Virtual I/O Device
 * version 1.1, section 5.1.6): a super-packet, of which the kernel makes segments again. With `ecn` beside TCP's where
 * the first segment alone has CWR (RFC 3168 section 6.1.2).
 */
export const GSO = { none: 0, tcpv4: 1, tcpv6: 4, udp: 5, ecn: 0x80 } as const;

/** Slots of `slot_bytes` side by side in `memory`, the first at `firstSlot` (bytes). */
export class PacketSlots {
  readonly memory: Uint8Array;
  readonly count: number;
  readonly slot_bytes: number;
  /** The longest packet that a slot takes. */
  readonly room_bytes: number;
  readonly #first: number;

  constructor(memory: Uint8Array, firstSlot: number, count: number, slot_bytes = SLOT_BYTES) {
    if (firstSlot + count * slot_bytes > memory.length) throw new RangeError('the slots do not fit into the memory');
    this.memory = memory;
    this.count = count;
    this.slot_bytes = slot_bytes;
    this.room_bytes = slot_bytes - HEADROOM_BYTES;
    this.#first = firstSlot;
  }

  /** Where the room of a slot begins, behind its headroom: an offset into the memory. */
  room(slot: number): number {
    return this.#first + slot * this.slot_bytes + HEADROOM_BYTES;
  }
}

/** Pieces of packets, as lists: piece 0 ends one. */
export class PacketPieces {
  readonly offset: Uint32Array;
  readonly length_bytes: Uint32Array;
  readonly next: Uint16Array;
  #used = 1;

  constructor(capacity: number) {
    this.offset = new Uint32Array(capacity + 1);
    this.length_bytes = new Uint32Array(capacity + 1);
    this.next = new Uint16Array(capacity + 1);
  }

  /** A piece that is the last of its list; 0 where there is none left. */
  take(offset: number, length_bytes: number): number {
    if (this.#used === this.offset.length) return 0;
    const piece = this.#used++;
    this.offset[piece] = offset;
    this.length_bytes[piece] = length_bytes;
    this.next[piece] = 0;
    return piece;
  }

  clear(): void {
    this.#used = 1;
  }
}

/** Descriptors in columns; the first `count` of them are in use. */
export class PacketBatch {
  readonly memory: Uint8Array;
  readonly capacity: number;
  count = 0;
  /** Where the packet begins in the memory. */
  readonly offset: Uint32Array;
  /** Of the packet as received, even where a slot was too short for it. */
  readonly length_bytes: Uint32Array;
  /**
   * Where several packets are joined: of a train of datagrams to one socket, the length of each; of a super-packet to or
   * from a TUN device, the payload of each segment; of the last one, what is left. 0: a single packet.
   */
  readonly segment_bytes: Uint16Array;
  /** To and from a TUN device: what kind of super-packet it is, one of GSO. */
  readonly gso: Uint8Array;
  /**
   * To and from a TUN device: the transport header begins `checksumStart_bytes` into the packet, the checksum lies
   * `checksumAt_bytes` into that and covers no more than the pseudo-header yet (its sum, not complemented). 0: whole.
   */
  readonly checksumStart_bytes: Uint16Array;
  readonly checksumAt_bytes: Uint16Array;
  /** What goes out behind the packet as a part of it, from elsewhere in the memory. */
  readonly tailOffset: Uint32Array;
  readonly tail_bytes: Uint32Array;
  /** The first of the PacketPieces behind the packet, 0 for none, and how many they are. */
  readonly firstPiece: Uint16Array;
  readonly pieceCount: Uint16Array;
  /** Row of the session table, 0 where none is known. */
  readonly row: Uint16Array;
  /** The TUN or TAP device that it goes to. */
  readonly tun: Uint16Array;
  /** The Ethernet interface that it came from or goes to, by the kernel's index. */
  readonly interfaceIndex: Int32Array;
  /** PPP protocol number of a frame that the main thread gets. */
  readonly protocol: Uint16Array;
  /** Four words each; the local one is all zero where it is not given. */
  readonly peerAddress: Uint32Array;
  readonly localAddress: Uint32Array;
  /** 0 over IP, which has none. */
  readonly peerPort: Uint16Array;
  /** 1 for a control message that came as IP protocol 115, not in UDP. */
  readonly isOverIp: Uint8Array;

  constructor(memory: Uint8Array, capacity: number) {
    this.memory = memory;
    this.capacity = capacity;
    this.offset = new Uint32Array(capacity);
    this.length_bytes = new Uint32Array(capacity);
    this.segment_bytes = new Uint16Array(capacity);
    this.gso = new Uint8Array(capacity);
    this.checksumStart_bytes = new Uint16Array(capacity);
    this.checksumAt_bytes = new Uint16Array(capacity);
    this.tailOffset = new Uint32Array(capacity);
    this.tail_bytes = new Uint32Array(capacity);
    this.firstPiece = new Uint16Array(capacity);
    this.pieceCount = new Uint16Array(capacity);
    this.row = new Uint16Array(capacity);
    this.tun = new Uint16Array(capacity);
    this.interfaceIndex = new Int32Array(capacity);
    this.protocol = new Uint16Array(capacity);
    this.peerAddress = new Uint32Array(capacity * ADDRESS_WORDS);
    this.localAddress = new Uint32Array(capacity * ADDRESS_WORDS);
    this.peerPort = new Uint16Array(capacity);
    this.isOverIp = new Uint8Array(capacity);
  }

  /** Adds a single, whole packet and gives its index, or -1 where the batch is full. Addresses are left as they were. */
  append(offset: number, length_bytes: number, row: number): number {
    if (this.count === this.capacity) return -1;
    const index = this.count++;
    this.offset[index] = offset;
    this.length_bytes[index] = length_bytes;
    this.segment_bytes[index] = 0;
    this.gso[index] = GSO.none;
    this.checksumStart_bytes[index] = 0;
    this.tail_bytes[index] = 0;
    this.firstPiece[index] = 0;
    this.pieceCount[index] = 0;
    this.row[index] = row;
    return index;
  }
}

/** Copies one address, four words; positions count addresses, not words. */
export function copyAddress(to: Uint32Array, toIndex: number, from: Uint32Array, fromIndex: number): void {
  const t = toIndex * ADDRESS_WORDS;
  const f = fromIndex * ADDRESS_WORDS;
  to[t] = from[f];
  to[t + 1] = from[f + 1];
  to[t + 2] = from[f + 2];
  to[t + 3] = from[f + 3];
}

export function equalAddress(one: Uint32Array, oneIndex: number, other: Uint32Array, otherIndex: number): boolean {
  const a = oneIndex * ADDRESS_WORDS;
  const b = otherIndex * ADDRESS_WORDS;
  return (
    one[a + 3] === other[b + 3] && one[a + 2] === other[b + 2] && one[a + 1] === other[b + 1] && one[a] === other[b]
  );
}
