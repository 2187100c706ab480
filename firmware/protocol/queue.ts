/**
 * A first-in first-out queue whose both ends cost the same however long it grows, and which takes next to no memory while
 * it is empty: thousands are, for days. Must not know what it holds.
 */
export class Queue<T> {
  #items: T[] | undefined;
  #taken = 0;

  push(item: T): void {
    if (this.#items === undefined) this.#items = [item];
    else this.#items.push(item);
  }

  shift(): T | undefined {
    if (this.#items === undefined) return undefined;
    const item = this.#items[this.#taken++];
    if (this.#taken === this.#items.length) this.clear();
    return item;
  }

  clear(): void {
    this.#items = undefined;
    this.#taken = 0;
  }
}
