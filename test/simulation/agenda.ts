/** What is to happen on virtual time, in order; what is set for the same moment happens in the order in which it was set. */

interface Entry<T> {
  readonly at_ms: number;
  readonly item: T;
}

export class Agenda<T> {
  /** Ascending. A simulation has some dozens at a time. */
  readonly #entries: Entry<T>[] = [];

  add(at_ms: number, item: T): void {
    let low = 0;
    let high = this.#entries.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#entries[middle].at_ms <= at_ms) low = middle + 1;
      else high = middle;
    }
    this.#entries.splice(low, 0, { at_ms, item });
  }

  next_ms(): number | undefined {
    return this.#entries[0]?.at_ms;
  }

  /** The first item, where it is due by `now_ms`; it stays. */
  peekDue(now_ms: number): T | undefined {
    const [first] = this.#entries;
    return first !== undefined && first.at_ms <= now_ms ? first.item : undefined;
  }

  /** The first item, where it is due by `now_ms`. */
  takeDue(now_ms: number): T | undefined {
    if (this.#entries.length === 0 || this.#entries[0].at_ms > now_ms) return undefined;
    return this.#entries.shift()?.item;
  }
}
