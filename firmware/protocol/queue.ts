/** A first-in first-out queue whose both ends cost the same however long it grows. Must not know what it holds. */
export class Queue<T> {
  #items: T[] = [];
  #taken = 0;

  push(item: T): void {
    this.#items.push(item);
  }

  shift(): T | undefined {
    if (this.#taken < this.#items.length) return this.#items[this.#taken++];
    if (this.#taken > 0) {
      this.#items = [];
      this.#taken = 0;
    }
    return undefined;
  }
}
