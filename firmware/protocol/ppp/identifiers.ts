/**
 * The identifiers of one protocol's packets on one link. They go on when the protocol begins anew, so that a late reply
 * to a packet of before fits nothing. Must not decide when a packet needs a new one.
 */

export class Identifiers {
  #next: number;

  constructor(first: number) {
    this.#next = first;
  }

  /** Somebody else has used this one: the next is the one after it. */
  continueAfter(identifier: number): void {
    this.#next = (identifier + 1) & 0xff;
  }

  next(): number {
    const identifier = this.#next;
    this.#next = (identifier + 1) & 0xff;
    return identifier;
  }
}
