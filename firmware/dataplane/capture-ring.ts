/**
 * A ring of captured packets in shared memory: the packet path writes, overwriting the oldest, and the main thread reads
 * beside it. Knows where a packet's octets lie, not what they mean. The writer allocates nothing.
 *
 *   Int32    [4]   head, tail: where the next packet goes and where the oldest lies, in units of 8 octets, counting on
 *                  over the laps; packets written; packets overwritten
 *   Float64  [2]   octets of the packets written; unused
 *   records, each a multiple of 8 octets, none of which goes over the end: one of kind 0 fills what is left there
 *
 *   Int32 of a record: length in octets, sequence number, time (2, µs since 1970, low word first), session ID, generation,
 *   form (RECORD bits), length on the wire, head (length and shift), tail (length and shift), peer's port, interface,
 *   local address (4), peer's address (4); then the head's octets, and the tail's, each `shift` octets behind a multiple
 *   of four, as they lay where they come from, so that whole words are copied.
 *
 * A reader takes a record that it copied for whole only if the tail has not passed it meanwhile.
 */
import { ADDRESS_WORDS } from './packet-batch.js';

/** Bits of a record's form; above them, 16 bits: where in version 3 the payload begins. */
export const RECORD = {
  kind: 0x0f,
  udp: 1,
  ip: 2,
  frame: 3,
  sent: 0x10,
  control: 0x20,
  ethernet: 0x40,
} as const;
export const PAYLOAD_AT_SHIFT = 16;

const HEADER_BYTES = 32;
const OCTETS_AT = 2;
const [HEAD, TAIL, WRITTEN, OVERWRITTEN] = [0, 1, 2, 3];
const UNIT_BYTES = 8;
const RECORD_WORDS = 20;
const [LENGTH, SEQUENCE, TIME, SESSION_ID, GENERATION, FORM, WIRE_LENGTH] = [0, 1, 2, 4, 5, 6, 7];
const [HEAD_PIECE, TAIL_PIECE, PORT, INTERFACE, LOCAL_ADDRESS, PEER_ADDRESS] = [8, 9, 10, 11, 12, 16];
const LOW_16 = 0xffff;
const TWO_32 = 2 ** 32;
/** The shortest ring holds several packets of the largest size. */
export const MIN_RING_BYTES = 65_536;

/** Memory for `size_bytes` of records, a power of two and at least MIN_RING_BYTES. */
export function createCaptureRing(size_bytes: number): SharedArrayBuffer {
  if (size_bytes < MIN_RING_BYTES || !Number.isInteger(Math.log2(size_bytes))) throw new RangeError('size of a ring');
  return new SharedArrayBuffer(HEADER_BYTES + size_bytes);
}

/** The packet path's end: fill the fields of a record, then `commit`. */
export class CaptureRingWriter {
  readonly #header: Int32Array;
  readonly #octets: Float64Array;
  readonly #words: Int32Array;
  readonly #units: number;
  #head = 0;
  #tail = 0;
  #sequence = 0;
  #at = 0;
  #piecesAt = 0;
  #record_bytes = 0;

  /** Of an empty ring; `start` is where it begins to count. */
  constructor(memory: SharedArrayBuffer, start = 0) {
    this.#header = new Int32Array(memory, 0, 4);
    this.#octets = new Float64Array(memory, 16, 2);
    this.#words = new Int32Array(memory, HEADER_BYTES);
    this.#units = (memory.byteLength - HEADER_BYTES) / UNIT_BYTES;
    this.#head = start;
    this.#tail = start;
    Atomics.store(this.#header, HEAD, start);
    Atomics.store(this.#header, TAIL, start);
  }

  /** Makes room for a packet of two pieces, `head_bytes` and `tail_bytes`. */
  begin(head_bytes: number, tail_bytes: number, wire_bytes: number, form: number): void {
    // Each piece may be shifted by three octets, and take up to three to the next word.
    const most_bytes = RECORD_WORDS * 4 + head_bytes + tail_bytes + 16;
    const record_bytes = most_bytes + (-most_bytes & (UNIT_BYTES - 1));
    const place = this.#head & (this.#units - 1);
    const toEnd = this.#units - place;
    if (record_bytes > toEnd * UNIT_BYTES) {
      this.#free(toEnd);
      this.#words[place * 2 + LENGTH] = toEnd * UNIT_BYTES;
      // The last unit of the ring has room for the length alone: nothing else of a filler is read then.
      if (toEnd * 2 > FORM) this.#words[place * 2 + FORM] = 0;
      this.#head = (this.#head + toEnd) | 0;
    }
    this.#free(record_bytes / UNIT_BYTES);
    const at = (this.#head & (this.#units - 1)) * 2;
    const words = this.#words;
    words[at + LENGTH] = record_bytes;
    words[at + SEQUENCE] = this.#sequence++;
    words[at + FORM] = form;
    words[at + WIRE_LENGTH] = wire_bytes;
    words[at + HEAD_PIECE] = 0;
    words[at + TAIL_PIECE] = 0;
    this.#at = at;
    this.#piecesAt = at + RECORD_WORDS;
    this.#record_bytes = record_bytes;
    this.#octets[0] += wire_bytes;
  }

  /** When: microseconds since 1970, their low word and their high one. A number as large would be an object each time. */
  time(low_us: number, high: number): void {
    this.#words[this.#at + TIME] = low_us;
    this.#words[this.#at + TIME + 1] = high;
  }

  /** Whose it is, each as 32 bits with a sign. */
  session(sessionId: number, generation: number): void {
    this.#words[this.#at + SESSION_ID] = sessionId;
    this.#words[this.#at + GENERATION] = generation;
  }

  /** The ends between which it goes, the `index`th of these addresses. */
  ends(local: Uint32Array, localIndex: number, peer: Uint32Array, peerIndex: number, peerPort: number): void {
    for (let i = 0; i < ADDRESS_WORDS; i++) {
      this.#words[this.#at + LOCAL_ADDRESS + i] = local[localIndex * ADDRESS_WORDS + i];
      this.#words[this.#at + PEER_ADDRESS + i] = peer[peerIndex * ADDRESS_WORDS + i];
    }
    this.#words[this.#at + PORT] = peerPort;
  }

  interfaceOf(interfaceIndex: number): void {
    this.#words[this.#at + INTERFACE] = interfaceIndex;
  }

  /** The octets of the head, `offset_bytes` into the memory that `words` is a view of. */
  head(words: Int32Array, offset_bytes: number, length_bytes: number): void {
    this.#words[this.#at + HEAD_PIECE] = this.#copy(words, offset_bytes, length_bytes);
  }

  tail(words: Int32Array, offset_bytes: number, length_bytes: number): void {
    this.#words[this.#at + TAIL_PIECE] = this.#copy(words, offset_bytes, length_bytes);
  }

  /** The record is whole, and readers may have it. */
  commit(): void {
    this.#head = (this.#head + this.#record_bytes / UNIT_BYTES) | 0;
    Atomics.store(this.#header, HEAD, this.#head);
    Atomics.add(this.#header, WRITTEN, 1);
  }

  /** Octets around the piece come along as far as they share its words; no reader sees them. */
  #copy(from: Int32Array, offset_bytes: number, length_bytes: number): number {
    const shift = offset_bytes & 3;
    const count = (shift + length_bytes + 3) >>> 2;
    const source = offset_bytes >>> 2;
    const target = this.#piecesAt;
    const words = this.#words;
    for (let i = 0; i < count; i++) words[target + i] = from[source + i];
    this.#piecesAt = target + count;
    return length_bytes | (shift << 16);
  }

  /** The next `units` behind the head belong to nobody. */
  #free(units: number): void {
    const used = (this.#head - this.#tail) >>> 0;
    let short = used + units - this.#units;
    if (short <= 0) return;
    let overwritten = 0;
    while (short > 0) {
      const at = (this.#tail & (this.#units - 1)) * 2;
      const length = this.#words[at + LENGTH] / UNIT_BYTES;
      if (length * 2 > FORM && (this.#words[at + FORM] & RECORD.kind) !== 0) overwritten++;
      this.#tail = (this.#tail + length) | 0;
      short -= length;
    }
    Atomics.store(this.#header, TAIL, this.#tail);
    Atomics.add(this.#header, OVERWRITTEN, overwritten);
  }
}

/** A packet as it was captured; the octets are the reader's own. */
export interface CapturedPacket {
  /** Microseconds since 1970. */
  time_us: number;
  /** Of the row; 0 for a control message and a frame of discovery. */
  sessionId: number;
  generation: number;
  /** What `octets` begin with: an L2TP header over UDP or IP (over IP the Session ID), or an Ethernet header. */
  kind: 'udp' | 'ip' | 'frame';
  isSent: boolean;
  /** An L2TP control message, or a frame of PPPoE discovery or of a session that has no row. */
  isControl: boolean;
  /** Of L2TP: Ethernet frames, not PPP. */
  carriesEthernet: boolean;
  /** Where the payload begins in data of version 3; 0 otherwise. */
  payloadAt: number;
  /** On the wire: more than `octets` where it was cut. */
  wire_bytes: number;
  octets: Uint8Array;
  /** As address.ts has them; all zero for a frame, and a local one also where the kernel chose it. */
  localAddress: Uint32Array;
  peerAddress: Uint32Array;
  /** 0 over IP. */
  peerPort: number;
  /** The kernel's, of a frame. */
  interfaceIndex: number;
}

/** How much a ring has seen. */
export interface CaptureRingTotals {
  packets: number;
  octets: number;
  overwritten: number;
}

export function captureRingTotals(memory: SharedArrayBuffer): CaptureRingTotals {
  const header = new Int32Array(memory, 0, 4);
  const packets = Atomics.load(header, WRITTEN) >>> 0;
  return {
    packets,
    octets: new Float64Array(memory)[OCTETS_AT],
    overwritten: Atomics.load(header, OVERWRITTEN) >>> 0,
  };
}

/** Reads what a ring had when the reader was made, oldest first; what is overwritten meanwhile is left out. */
export class CaptureRingReader {
  readonly #header: Int32Array;
  readonly #words: Int32Array;
  readonly #units: number;
  readonly #end: number;
  #cursor: number;

  constructor(memory: SharedArrayBuffer) {
    this.#header = new Int32Array(memory, 0, 4);
    this.#words = new Int32Array(memory, HEADER_BYTES);
    this.#units = (memory.byteLength - HEADER_BYTES) / UNIT_BYTES;
    this.#end = Atomics.load(this.#header, HEAD);
    this.#cursor = Atomics.load(this.#header, TAIL);
  }

  /** undefined at the end. */
  next(): CapturedPacket | undefined {
    for (;;) {
      this.#catchUp();
      if (((this.#end - this.#cursor) | 0) <= 0) return undefined;
      const at = (this.#cursor & (this.#units - 1)) * 2;
      const length = this.#words[at + LENGTH];
      const isWhole = length >= UNIT_BYTES && length % UNIT_BYTES === 0 && at * 4 + length <= this.#units * UNIT_BYTES;
      const record = isWhole ? this.#words.slice(at, at + length / 4) : undefined;
      if (((Atomics.load(this.#header, TAIL) - this.#cursor) | 0) > 0) continue;
      if (record === undefined) return undefined;
      this.#cursor = (this.#cursor + length / UNIT_BYTES) | 0;
      if (record.length > RECORD_WORDS && (record[FORM] & RECORD.kind) !== 0) return packetOf(record);
    }
  }

  /** The writer may have passed by. */
  #catchUp(): void {
    const tail = Atomics.load(this.#header, TAIL);
    if (((tail - this.#cursor) | 0) > 0) this.#cursor = tail;
  }
}

const KINDS = { [RECORD.udp]: 'udp', [RECORD.ip]: 'ip', [RECORD.frame]: 'frame' } as const;

function packetOf(record: Int32Array): CapturedPacket {
  const form = record[FORM];
  const isFrame = (form & RECORD.kind) === RECORD.frame;
  const words = (at: number) => Uint32Array.from(record.subarray(at, at + ADDRESS_WORDS));
  const nowhere = () => new Uint32Array(ADDRESS_WORDS);
  return {
    time_us: (record[TIME] >>> 0) + record[TIME + 1] * TWO_32,
    sessionId: record[SESSION_ID] >>> 0,
    generation: record[GENERATION] >>> 0,
    kind: KINDS[(form & RECORD.kind) as keyof typeof KINDS],
    isSent: (form & RECORD.sent) !== 0,
    isControl: (form & RECORD.control) !== 0,
    carriesEthernet: (form & RECORD.ethernet) !== 0,
    payloadAt: form >>> PAYLOAD_AT_SHIFT,
    wire_bytes: record[WIRE_LENGTH],
    octets: octetsOf(record),
    localAddress: isFrame ? nowhere() : words(LOCAL_ADDRESS),
    peerAddress: isFrame ? nowhere() : words(PEER_ADDRESS),
    peerPort: isFrame ? 0 : record[PORT],
    interfaceIndex: isFrame ? record[INTERFACE] : 0,
  };
}

function octetsOf(record: Int32Array): Uint8Array {
  const bytes = new Uint8Array(record.buffer, record.byteOffset, record.byteLength);
  const [head_bytes, headShift] = [record[HEAD_PIECE] & LOW_16, record[HEAD_PIECE] >>> 16];
  const [tail_bytes, tailShift] = [record[TAIL_PIECE] & LOW_16, record[TAIL_PIECE] >>> 16];
  const head = RECORD_WORDS * 4 + headShift;
  const headWords = head_bytes === 0 ? 0 : (headShift + head_bytes + 3) >>> 2;
  const tail = (RECORD_WORDS + headWords) * 4 + tailShift;
  const octets = new Uint8Array(head_bytes + tail_bytes);
  octets.set(bytes.subarray(head, head + head_bytes));
  octets.set(bytes.subarray(tail, tail + tail_bytes), head_bytes);
  return octets;
}
