/**
 * The one piece of memory that the kernel is given addresses of: taken once, never moved, held for the life of the
 * process. It is WebAssembly's, so that a module may compute over it. Hands out parts of it; does not know what lies in
 * them.
 */
import koffi from 'koffi';

/** Enough for every structure of the kernel's that lies here. */
const ALIGNMENT_BYTES = 16;
const IS_LITTLE_ENDIAN = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;
const POINTER_BYTES = koffi.sizeof('void *');
const WORD_BYTES = 4;
const PAGE_BYTES = 65536;

export class Arena {
  readonly memory: WebAssembly.Memory;
  readonly bytes: Uint8Array;
  readonly words: Uint32Array;
  readonly words16: Uint16Array;
  readonly #base: bigint;
  readonly #baseLow: number;
  readonly #baseHigh: number;
  readonly #size_bytes: number;
  #taken_bytes = 0;

  constructor(size_bytes: number) {
    this.#size_bytes = size_bytes + (-size_bytes & (ALIGNMENT_BYTES - 1));
    const pages = Math.ceil(size_bytes / PAGE_BYTES);
    this.memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
    const { buffer } = this.memory;
    this.bytes = new Uint8Array(buffer);
    this.words = new Uint32Array(buffer);
    this.words16 = new Uint16Array(buffer);
    this.#base = koffi.address(this.bytes);
    this.#baseLow = Number(this.#base & 0xffffffffn);
    this.#baseHigh = Number(this.#base >> 32n);
  }

  /** Gives the offset of a part that nobody else has. Throws RangeError where there is no room. */
  take(size_bytes: number): number {
    const offset = this.#taken_bytes;
    this.#taken_bytes += size_bytes + (-size_bytes & (ALIGNMENT_BYTES - 1));
    if (this.#taken_bytes > this.#size_bytes) throw new RangeError('the arena is too small');
    return offset;
  }

  /** The address of what lies at `offset`, for a system call's argument: makes a bigint, so not for each packet. */
  addressOf(offset: number): bigint {
    return this.#base + BigInt(offset);
  }

  /** Writes the address of what lies at `offset` into a pointer of a structure that lies at `at`. */
  writePointer(at: number, offset: number): void {
    const low = this.#baseLow + offset;
    if (POINTER_BYTES === WORD_BYTES) {
      this.words[at >>> 2] = low;
      return;
    }
    const high = this.#baseHigh + (low > 0xffffffff ? 1 : 0);
    this.words[at >>> 2] = IS_LITTLE_ENDIAN ? low : high;
    this.words[(at >>> 2) + 1] = IS_LITTLE_ENDIAN ? high : low;
  }

  /** Writes a size_t below 2**32 at `at`. */
  writeSize(at: number, value: number): void {
    const upper = POINTER_BYTES > WORD_BYTES;
    const lowAt = (at >>> 2) + (upper && !IS_LITTLE_ENDIAN ? 1 : 0);
    if (upper) {
      this.words[at >>> 2] = 0;
      this.words[(at >>> 2) + 1] = 0;
    }
    this.words[lowAt] = value;
  }
}
