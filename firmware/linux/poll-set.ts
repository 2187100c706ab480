/**
 * Waiting for several descriptors at once, and the eventfd by which another thread ends the wait. Does not know what
 * the descriptors are.
 */
import type { Arena } from './arena.js';
import { ERRNO, errno, eventfd, O_CLOEXEC, O_NONBLOCK, POLLFD, poll, read, SystemError } from './syscalls.js';

const POLLIN = 0x01;
const POLLNVAL = 0x20;
const COUNTER_BYTES = 8;

export class PollSet {
  readonly #arena: Arena;
  readonly #at: number;
  readonly #address: bigint;
  readonly #capacity: number;
  #count = 0;

  constructor(arena: Arena, capacity: number) {
    this.#arena = arena;
    this.#at = arena.take(PollSet.arena_bytes(capacity));
    this.#address = arena.addressOf(this.#at);
    this.#capacity = capacity;
  }

  static arena_bytes(capacity: number): number {
    return capacity * POLLFD.size;
  }

  /** Waits for these from now on; `isReady` knows them by their place. Throws RangeError for too many. */
  watch(descriptors: readonly number[]): void {
    if (descriptors.length > this.#capacity) throw new RangeError('too many descriptors');
    this.#count = descriptors.length;
    for (const [i, fd] of descriptors.entries()) {
      const at = this.#at + i * POLLFD.size;
      this.#arena.words[(at + POLLFD.fd) >>> 2] = fd;
      this.#arena.words16[(at + POLLFD.events) >>> 1] = POLLIN;
      this.#arena.words16[(at + POLLFD.revents) >>> 1] = 0;
    }
  }

  /** Gives how many are ready, or in error, before the time is over. Throws SystemError. */
  wait(timeout_ms: number): number {
    const count = poll(this.#address, this.#count, timeout_ms);
    if (count >= 0) return count;
    if (errno() !== ERRNO.EINTR) throw new SystemError('wait for packets');
    for (let i = 0; i < this.#count; i++) {
      this.#arena.words16[(this.#at + i * POLLFD.size + POLLFD.revents) >>> 1] = 0;
    }
    return 0;
  }

  /** Whether the descriptor at this place can be read, or is in error, since the last wait. Throws for a closed one. */
  isReady(place: number): boolean {
    const events = this.#arena.words16[(this.#at + place * POLLFD.size + POLLFD.revents) >>> 1];
    if ((events & POLLNVAL) !== 0) throw new Error(`the descriptor at place ${place} is closed`);
    return events !== 0;
  }
}

/** Any thread of the process that writes 8 bytes to `fd` ends the wait. */
export class WakeUp {
  readonly fd: number;
  readonly #address: bigint;

  /** Throws SystemError. */
  constructor(arena: Arena) {
    this.#address = arena.addressOf(arena.take(COUNTER_BYTES));
    this.fd = eventfd(0, O_NONBLOCK | O_CLOEXEC);
    if (this.fd < 0) throw new SystemError('make an eventfd');
  }

  static arena_bytes(): number {
    return 16;
  }

  /** Takes note of all wake-ups so far. */
  reset(): void {
    read(this.fd, this.#address, COUNTER_BYTES);
  }
}
