/**
 * What becomes of calls, for those who show a list of them: which came up, changed and ended since it was asked last. Must
 * not keep more than a reader's share, nor anything while nobody reads.
 */
import type { CallInfo } from '../roles/role.js';

/** By call ID. `isWhole` is false when there was more than was kept: the list has to be read anew. */
export interface CallChanges {
  stand: ReadonlySet<number>;
  ended: ReadonlySet<number>;
  isWhole: boolean;
}

/** More than these since the last look are not told one by one. */
const MAX_CHANGES = 20_000;

export class CallFeed {
  readonly #readers = new Set<{ stand: Set<number>; ended: Set<number>; isWhole: boolean }>();

  /** A call came up, or is another than it was. */
  stands({ callId }: CallInfo): void {
    for (const reader of this.#readers) {
      reader.stand.add(callId);
      if (reader.stand.size > MAX_CHANGES) reader.isWhole = false;
    }
  }

  ended({ callId }: CallInfo): void {
    for (const reader of this.#readers) {
      reader.stand.delete(callId);
      reader.ended.add(callId);
      if (reader.ended.size > MAX_CHANGES) reader.isWhole = false;
    }
  }

  /** Gives a function that tells what has become of calls since it was called last, and one that ends it. */
  open(): { take(): CallChanges; close(): void } {
    const fresh = () => ({ stand: new Set<number>(), ended: new Set<number>(), isWhole: true });
    const reader = fresh();
    this.#readers.add(reader);
    return {
      take() {
        const taken = { ...reader };
        Object.assign(reader, fresh());
        if (taken.isWhole) return taken;
        return { ...fresh(), isWhole: false };
      },
      close: () => void this.#readers.delete(reader),
    };
  }
}
