/**
 * The store as a whole: opens database and key, frees what calls had before the restart, and gives out its parts. Must
 * not know who uses it.
 *
 * What is written by `inTurn` is one commit of the relaxed connection; documents are committed by themselves over the
 * durable one. Both are connections to one file within one thread, so a document must not be written inside a turn:
 * it would wait for its own thread. Accounting is a part of the turn too, and brings the whole turn to the disk.
 */

import type { Settings } from '../settings.js';
import { AccountingQueue } from './accounting-queue.js';
import { AccountingSessions } from './accounting-sessions.js';
import { Accounts } from './accounts.js';
import { freeAll } from './addresses.js';
import type { Audit } from './audit.js';
import { Calls } from './calls.js';
import { Certificates } from './certificate.js';
import { type Connections, openDatabase, StoreError } from './database.js';
import { Documents } from './documents.js';
import { FailedCalls } from './failed-calls.js';
import { Leases } from './leases.js';
import { type Rescue, rescues } from './rescue.js';
import { makeKey, readKey, type SecretBox, secretBox } from './secret-box.js';
import { Turn } from './turn.js';

export { StoreError } from './database.js';

export interface StoreOptions {
  /** Of the SQLite file. */
  path: string;
  /** Of the key that opens the secrets in it; made when there is none and nothing to open. */
  keyFile: string;
  /** Unix time in ms; Date.now when left out. */
  clock?: () => number;
  /** A damaged database is set aside rather than refused: nobody stands beside the box who could mend it. */
  isUnattended?: boolean;
  /** With what a new database begins; DEFAULT_SETTINGS when left out. */
  firstSettings?: Settings;
}

export interface Store {
  readonly documents: Documents;
  readonly leases: Leases;
  readonly calls: Calls;
  readonly audit: Audit;
  readonly accounts: Accounts;
  readonly certificates: Certificates;
  readonly failedCalls: FailedCalls;
  readonly accounting: { readonly queue: AccountingQueue; readonly sessions: AccountingSessions };
  /** How often these files have been opened, this time too: no two processes over them have one number. */
  readonly bootNumber: number;
  /** Databases of before that were set aside, the newest first. */
  readonly rescues: readonly Rescue[];
  /** Runs `work`, which must not be asynchronous: all leases and calls that it writes become one commit, or none. */
  inTurn<T>(work: () => T): T;
  close(): void;
}

/** Throws StoreError, whose message says what to do, when the files cannot be used. */
export function openStore({
  path,
  keyFile,
  clock = Date.now,
  isUnattended = false,
  firstSettings,
}: StoreOptions): Store {
  const connections = openDatabase(path, isUnattended ? clock() : undefined);
  try {
    const box = secretBox(keyFor(connections, keyFile));
    checkKey(connections, box, keyFile);
    endAllCalls(connections, clock());
    const bootNumber = nextBoot(connections);
    const turn = new Turn(connections.relaxed, syncOf(connections));
    const documents = new Documents(connections.durable, box, turn, clock, firstSettings);
    return {
      documents,
      leases: new Leases(connections.relaxed, turn),
      calls: new Calls(connections.relaxed, turn, clock),
      audit: documents.audit,
      failedCalls: new FailedCalls(connections.relaxed, turn),
      accounts: new Accounts(connections.durable, documents.audit, clock),
      certificates: new Certificates(connections.durable, box, documents.audit, clock),
      accounting: {
        queue: new AccountingQueue(connections.relaxed, turn),
        sessions: new AccountingSessions(connections.relaxed, turn),
      },
      bootNumber,
      rescues: rescues(path),
      inTurn: (work) => turn.run(work),
      close: connections.close,
    };
  } catch (error) {
    connections.close();
    throw error;
  }
}

const KEY_CHECK_PLACE = 'key check';

function keyFor({ durable }: Connections, keyFile: string): Uint8Array {
  const key = readKey(keyFile);
  if (key) return key;
  if (durable.prepare('SELECT 1 FROM key_check').get() === undefined) return makeKey(keyFile);
  throw new StoreError(
    `key file ${keyFile} is missing, and the secrets in the database cannot be read without it; restore it from the backup, or remove the database to start anew`,
  );
}

function checkKey({ durable }: Connections, box: SecretBox, keyFile: string): void {
  const sealed = durable.prepare<[], string>('SELECT sealed FROM key_check').pluck().get();
  if (sealed === undefined) {
    durable.prepare('INSERT INTO key_check VALUES (1, ?)').run(box.seal('tunnelwerk', KEY_CHECK_PLACE));
    return;
  }
  try {
    box.open(sealed, KEY_CHECK_PLACE);
  } catch {
    throw new StoreError(`key file ${keyFile} is not the key of this database; restore the right one from the backup`);
  }
}

function nextBoot({ durable }: Connections): number {
  const count = durable.prepare<[], number>('UPDATE boot SET number = number + 1 RETURNING number').pluck();
  return durable.transaction(() => count.get()!).immediate();
}

/** Both connections write one journal: a commit that waits for the disk takes those before it there, whoever's they are. */
function syncOf({ durable }: Connections): () => void {
  const commit = durable.prepare('UPDATE boot SET syncs = syncs + 1');
  return () => void commit.run();
}

/** After a start no call of before lives. Who had which address stays on record. */
function endAllCalls({ relaxed }: Connections, now_ms: number): void {
  relaxed
    .transaction(() => {
      const released = relaxed.prepare<[], number>('SELECT coalesce(max(released), 0) + 1 FROM address').pluck().get();
      freeAll(relaxed, released ?? 1);
      relaxed.prepare(`UPDATE call SET ended_at = ?, cause = 'the program ended' WHERE ended_at IS NULL`).run(now_ms);
    })
    .immediate();
}
