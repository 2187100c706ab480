/** Stores in temporary folders, which go with the test. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { openStore, type Store } from '../../../firmware/store/store.js';

export interface TemporaryStore {
  store: Store;
  path: string;
  keyFile: string;
  /** Closes the store and opens it again, as a restart does. */
  reopen(): Store;
}

/** `clock` gives Unix time in ms. */
export function temporaryStore(t: TestContext, clock?: () => number): TemporaryStore {
  const folder = mkdtempSync(join(tmpdir(), 'store-'));
  const path = join(folder, 'tunnelwerk.sqlite');
  const keyFile = join(folder, 'tunnelwerk.key');
  const open = () => openStore(clock ? { path, keyFile, clock } : { path, keyFile });
  const temporary: TemporaryStore = {
    store: open(),
    path,
    keyFile,
    reopen: () => {
      temporary.store.close();
      temporary.store = open();
      return temporary.store;
    },
  };
  t.after(() => {
    temporary.store.close();
    rmSync(folder, { recursive: true });
  });
  return temporary;
}
