/** Something that is asked of the box once, by a button: whether it runs, and what it failed by. */
import { useState } from 'preact/hooks';
import { ApiError } from './client.js';

export interface Action {
  isBusy: boolean;
  /** Of the last try. */
  error: ApiError | undefined;
  /** Runs it; resolves when it is over, whatever came of it. */
  run(act: () => Promise<unknown>): Promise<void>;
  /** Puts in what is wrong without asking the box, or takes away what was. */
  fail(error: ApiError | undefined): void;
}

export function useAction(): Action {
  const [isBusy, setBusy] = useState(false);
  const [error, fail] = useState<ApiError>();
  const run = async (act: () => Promise<unknown>) => {
    setBusy(true);
    try {
      await act();
      fail(undefined);
    } catch (refused) {
      if (!(refused instanceof ApiError)) throw refused;
      fail(refused);
    } finally {
      setBusy(false);
    }
  };
  return { isBusy, error, run, fail };
}
