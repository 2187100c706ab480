/**
 * Packets on their way, as descriptors over one memory: what crosses every interface of the packet path. Describes, and
 * knows no protocol and no system call.
 *
 *   slot:  | headroom, 64 bytes | room, 1984 bytes                                    |
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

/** Slots side by side in `memory`, the first at `firstSlot` (bytes). */
export class PacketSlots {
  readonly memory: Uint8Array;
  readonly count: number;
  readonly #first: number;

  constructor(memory: Uint8Array, firstSlot: number, count: number) {
    if (firstSlot + count * SLOT_BYTES > memory.length) throw new RangeError('the slots do not fit into the memory');
    this.memory = memory;
    this.count = count;
    this.#first = firstSlot;
  }

  /** Where the room of a slot begins, behind its headroom: an offset into the memory. */
  room(slot: number): number {
    return this.#first + slot * SLOT_BYTES + HEADROOM_BYTES;
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
  /** Where several packets of one flow are joined: the payload of each. 0: a single packet. */
  readonly segment_bytes: Uint16Array;
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
    this.row = new Uint16Array(capacity);
    this.tun = new Uint16Array(capacity);
    this.interfaceIndex = new Int32Array(capacity);
    this.protocol = new Uint16Array(capacity);
    this.peerAddress = new Uint32Array(capacity * ADDRESS_WORDS);
    this.localAddress = new Uint32Array(capacity * ADDRESS_WORDS);
    this.peerPort = new Uint16Array(capacity);
    this.isOverIp = new Uint8Array(capacity);
  }

  /** Adds a descriptor and gives its index, or -1 where the batch is full. Addresses are left as they were. */
  append(offset: number, length_bytes: number, row: number): number {
    if (this.count === this.capacity) return -1;
    const index = this.count++;
    this.offset[index] = offset;
    this.length_bytes[index] = length_bytes;
    this.segment_bytes[index] = 0;
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
