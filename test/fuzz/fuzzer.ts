/**
 * Mutation fuzzing: takes what a target has read before, changes it, and hands it to the target, which may throw
 * ProtocolError and nothing else. All from one seed, so that a run replays. Must not know any target, clock or process.
 */
import { ProtocolError } from '../../firmware/wire/bytes.js';

/** Something that takes octets from a peer. */
export interface FuzzTarget {
  name: string;
  /** Valid inputs to start from, at least one. */
  seeds: readonly Uint8Array[];
  /** Takes one input; ProtocolError and returning are both fine, any other error is a failure. */
  run(input: Uint8Array): void;
}

export interface FuzzFailure {
  target: string;
  input: Uint8Array;
  error: unknown;
}

/** Inputs per target that are changed further, seeds among them. */
const CORPUS_SIZE = 256;
const MAXIMUM_INPUT_BYTES = 2048;
/** Octets at which lengths, counts and flags turn over. */
const EDGES = [0x00, 0x01, 0x02, 0x05, 0x06, 0x07, 0x08, 0x3f, 0x40, 0x7f, 0x80, 0xbf, 0xc0, 0xfe, 0xff];

/** Pseudo-random numbers of 32 bits, xorshift: small, and the same everywhere for one seed. */
export class SeededRandom {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0 || 0x9e3779b9;
  }

  /** A number from 0 to `bound` - 1. */
  below(bound: number): number {
    let state = this.#state;
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    this.#state = state >>> 0;
    return this.#state % bound;
  }

  pick<T>(choices: readonly T[]): T {
    return choices[this.below(choices.length)];
  }
}

export class Fuzzer {
  readonly #targets: readonly FuzzTarget[];
  readonly #corpora: Uint8Array[][];
  readonly #random: SeededRandom;
  /** Told of each input before it runs, so that a hang can be reported by whoever watches. */
  readonly #observe: (targetIndex: number, input: Uint8Array) => void;

  constructor(
    targets: readonly FuzzTarget[],
    seed: number,
    observe: (targetIndex: number, input: Uint8Array) => void = () => undefined,
  ) {
    this.#targets = targets;
    this.#corpora = targets.map((target) => [...target.seeds]);
    this.#random = new SeededRandom(seed);
    this.#observe = observe;
  }

  /** One input to one target; gives what failed, if it did. */
  step(): FuzzFailure | undefined {
    const index = this.#random.below(this.#targets.length);
    const corpus = this.#corpora[index];
    const input = this.#mutate(this.#random.pick(corpus), corpus);
    this.#observe(index, input);
    try {
      // A copy: a target that keeps or changes its input must not change what is reported.
      this.#targets[index].run(input.slice());
    } catch (error) {
      if (error instanceof ProtocolError) return undefined;
      return { target: this.#targets[index].name, input, error };
    }
    this.#keep(corpus, this.#targets[index].seeds.length, input);
    return undefined;
  }

  /** What was read without error is a start for more; seeds stay. */
  #keep(corpus: Uint8Array[], seeds: number, input: Uint8Array): void {
    if (corpus.length < CORPUS_SIZE) corpus.push(input);
    else if (seeds < CORPUS_SIZE) corpus[seeds + this.#random.below(CORPUS_SIZE - seeds)] = input;
  }

  #mutate(start: Uint8Array, corpus: readonly Uint8Array[]): Uint8Array {
    let input: Uint8Array = start.slice();
    for (let changes = 1 + this.#random.below(4); changes > 0; changes--) input = this.#change(input, corpus);
    return input.slice(0, MAXIMUM_INPUT_BYTES);
  }

  #change(input: Uint8Array, corpus: readonly Uint8Array[]): Uint8Array {
    const random = this.#random;
    const at = random.below(input.length + 1);
    const length = random.below(9);
    const head = input.subarray(0, at);
    switch (random.below(8)) {
      case 0: // truncate
        return head.slice();
      case 1: // cut out
        return Uint8Array.of(...head, ...input.subarray(at + length));
      case 2: // put in random octets
        return Uint8Array.of(...head, ...this.#octets(length), ...input.subarray(at));
      case 3: // overwrite with random octets
        return Uint8Array.of(...head, ...this.#octets(length), ...input.subarray(at + length));
      case 4: // repeat a piece
        return Uint8Array.of(...input.subarray(0, at + length), ...input.subarray(at));
      case 5: {
        // join with another input
        const other = random.pick(corpus);
        return Uint8Array.of(...head, ...other.subarray(random.below(other.length + 1)));
      }
      case 6: // one octet to an edge
        if (at < input.length) input[at] = random.pick(EDGES);
        return input;
      default: // one bit
        if (at < input.length) input[at] ^= 1 << random.below(8);
        return input;
    }
  }

  #octets(length: number): number[] {
    return Array.from({ length }, () => this.#random.below(256));
  }
}
