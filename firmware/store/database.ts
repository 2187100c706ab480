/**
 * Opens the SQLite file: one process alone, its schema brought up to date, two connections. Must not know what the
 * rows mean.
 */
import { closeSync, openSync } from 'node:fs';
import Database from 'better-sqlite3';
import { keepCopy, rescueDatabase } from './rescue.js';
import { MIGRATIONS } from './schema.js';

/** Something about the files of the store that a person must put right; the message says how. */
export class StoreError extends Error {
  override readonly name = 'StoreError';
}

export interface Connections {
  /** synchronous=FULL: what it commits survives a power cut. Settings, users, pools, audit. */
  durable: Database.Database;
  /** synchronous=NORMAL: what it commits survives kill -9. Leases and call history. */
  relaxed: Database.Database;
  close(): void;
}

/** Of each connection: what is not in it is read from the kernel's cache, which is not the process's own memory. */
const PAGE_CACHE_KIB = 2_000;
/** Far above what a checkpoint leaves; keeps a burst of calls from filling a small flash for good. */
const JOURNAL_LIMIT_BYTES = 16 * 1024 * 1024;

/**
 * Throws StoreError when the file is used by another process, is damaged or was written by a later version; of the last
 * two nothing where `rescued_ms` says when it is: then the box goes on, see rescue.ts.
 */
export function openDatabase(path: string, rescued_ms?: number): Connections {
  const lock = lockFor(path);
  try {
    if (rescued_ms !== undefined) rescueDatabase(path, MIGRATIONS.length, rescued_ms);
    makeFile(path);
    const durable = connect(path, 'FULL');
    migrate(durable, path, rescued_ms !== undefined);
    const relaxed = connect(path, 'NORMAL');
    const close = () => {
      relaxed.close();
      durable.close();
      lock.close();
    };
    return { durable, relaxed, close };
  } catch (error) {
    lock.close();
    throw inWords(error, path);
  }
}

/**
 * A second process would free the first one's leases. The lock is SQLite's own on a file beside the database: the
 * kernel takes it away with the process, however that ends.
 */
function lockFor(path: string): Database.Database {
  try {
    makeFile(`${path}.lock`);
    const lock = new Database(`${path}.lock`, { timeout: 0 });
    lock.exec('BEGIN EXCLUSIVE');
    return lock;
  } catch (error) {
    if (error instanceof Database.SqliteError && error.code.startsWith('SQLITE_BUSY')) {
      throw new StoreError(`${path} is in use by another process; end that one first, or give another --data folder`);
    }
    throw inWords(error, path);
  }
}

/** For its owner alone; SQLite gives its journals the mode of the database. */
function makeFile(path: string): void {
  closeSync(openSync(path, 'a', 0o600));
}

function connect(path: string, synchronous: 'FULL' | 'NORMAL'): Database.Database {
  const database = new Database(path, { timeout: 5000 });
  database.pragma('journal_mode = WAL');
  database.pragma(`synchronous = ${synchronous}`);
  database.pragma(`cache_size = -${PAGE_CACHE_KIB}`);
  database.pragma(`journal_size_limit = ${JOURNAL_LIMIT_BYTES}`);
  return database;
}

function migrate(database: Database.Database, path: string, keepsCopies: boolean): void {
  const version = Number(database.pragma('user_version', { simple: true }));
  if (version > MIGRATIONS.length) {
    throw new StoreError(
      `${path} was written by a later version of this program (schema ${version}, this one knows ${MIGRATIONS.length}); run that version, or restore a backup`,
    );
  }
  if (keepsCopies && version > 0 && version < MIGRATIONS.length) keepCopy(database, path, version);
  const step = database.transaction((index: number) => {
    database.exec(MIGRATIONS[index]!);
    database.pragma(`user_version = ${index + 1}`);
  });
  for (let index = version; index < MIGRATIONS.length; index++) step.immediate(index);
}

function inWords(error: unknown, path: string): unknown {
  if (error instanceof Database.SqliteError && /^SQLITE_(NOTADB|CORRUPT|CANTOPEN|READONLY|IOERR)/.test(error.code)) {
    return new StoreError(
      `${path} cannot be used as a database (${error.message}); check the folder's rights and the disk, or restore a backup`,
    );
  }
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'ENOENT') return new StoreError(`the folder of ${path} does not exist; make it first`);
  if (code === 'EACCES' || code === 'EROFS' || code === 'ENOTDIR' || code === 'EISDIR' || code === 'ENOSPC') {
    return new StoreError(`${path} cannot be written (${code}); check the folder, its rights and the disk`);
  }
  return error;
}
