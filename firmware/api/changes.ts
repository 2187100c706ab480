/** Tells of changes that were made through the API: which resource, and by whom. Must not say what was changed. */
export interface Change {
  who: string;
  /** As in the audit: 'settings', 'users/alice'. */
  resource: string;
}

export class Changes {
  readonly #listeners = new Set<(change: Change) => void>();

  tell(change: Change): void {
    for (const listener of this.#listeners) listener(change);
  }

  /** Calls `listener` for each change until the function that it answers is called. */
  subscribe(listener: (change: Change) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }
}
