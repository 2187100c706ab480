/**
 * The next deadline among many machines: a binary heap in which every key stands at most once and can be moved.
 * So that a turn costs no more with 65,000 calls than with one. Must not know what a deadline is for.
 */

/** Keys are numbers (session or tunnel IDs); deadlines are absolute, in ms. */
export class DeadlineQueue {
  readonly #keys: number[] = [];
  readonly #deadlines_ms: number[] = [];
  readonly #position = new Map<number, number>();

  /** Sets, moves or (with undefined) removes the deadline of `key`. */
  set(key: number, deadline_ms: number | undefined): void {
    const position = this.#position.get(key);
    if (deadline_ms === undefined) {
      if (position !== undefined) this.#removeAt(position);
    } else if (position === undefined) {
      this.#keys.push(key);
      this.#deadlines_ms.push(deadline_ms);
      this.#position.set(key, this.#keys.length - 1);
      this.#up(this.#keys.length - 1);
    } else if (this.#deadlines_ms[position] !== deadline_ms) {
      this.#deadlines_ms[position] = deadline_ms;
      this.#up(position);
      this.#down(this.#position.get(key)!);
    }
  }

  /** The earliest deadline, undefined when there is none. */
  next_ms(): number | undefined {
    return this.#deadlines_ms[0];
  }

  /** Takes out one key whose deadline is at or before `now_ms`. */
  takeDue(now_ms: number): number | undefined {
    if (this.#keys.length === 0 || this.#deadlines_ms[0] > now_ms) return undefined;
    const key = this.#keys[0];
    this.#removeAt(0);
    return key;
  }

  #removeAt(position: number): void {
    const last = this.#keys.length - 1;
    this.#position.delete(this.#keys[position]);
    if (position !== last) this.#place(position, this.#keys[last], this.#deadlines_ms[last]);
    this.#keys.pop();
    this.#deadlines_ms.pop();
    if (position !== last) {
      const moved = this.#keys[position];
      this.#up(position);
      this.#down(this.#position.get(moved)!);
    }
  }

  #up(from: number): void {
    let position = from;
    while (position > 0) {
      const parent = (position - 1) >> 1;
      if (this.#deadlines_ms[parent] <= this.#deadlines_ms[position]) return;
      this.#swap(parent, position);
      position = parent;
    }
  }

  #down(from: number): void {
    let position = from;
    for (;;) {
      const left = 2 * position + 1;
      if (left >= this.#keys.length) return;
      const right = left + 1;
      const least = right < this.#keys.length && this.#deadlines_ms[right] < this.#deadlines_ms[left] ? right : left;
      if (this.#deadlines_ms[position] <= this.#deadlines_ms[least]) return;
      this.#swap(position, least);
      position = least;
    }
  }

  #swap(a: number, b: number): void {
    const key = this.#keys[a];
    const deadline_ms = this.#deadlines_ms[a];
    this.#place(a, this.#keys[b], this.#deadlines_ms[b]);
    this.#place(b, key, deadline_ms);
  }

  #place(position: number, key: number, deadline_ms: number): void {
    this.#keys[position] = key;
    this.#deadlines_ms[position] = deadline_ms;
    this.#position.set(key, position);
  }
}
