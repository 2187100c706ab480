/**
 * Keeps a box that nobody stands beside at work whatever became of its database: a damaged one is set aside and a fresh one
 * begun, and a system that is older than the database takes the copy that was kept when it was brought up to date. Nothing is
 * deleted but the oldest of what was kept. Must not know what the rows mean.
 */
import { closeSync, existsSync, fsyncSync, openSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import Database from 'better-sqlite3';

/** What was done to the database, for the operator. */
export interface Rescue {
  kind: 'damaged' | 'later' | 'later-copy';
  /** Where the database of before is now, beside the other. */
  file: string;
  at_ms: number;
}

/** Of each kind. */
const KEPT_FILES = 2;
const COPY = /\.v(\d+)$/;
const ASIDE = /\.(damaged|later|later-copy)-(\d+)$/;

/** Before the database is opened: afterwards it is none, or a sound one of this schema version or an earlier one. */
export function rescueDatabase(path: string, version: number, now_ms: number): void {
  if (!existsSync(path) || statSync(path).size === 0) return;
  const found = soundVersion(path);
  if (found === undefined) setAside(path, 'damaged', now_ms);
  else if (found > version) {
    const copy = copiesOf(path).find((one) => one.version <= version);
    setAside(path, copy === undefined ? 'later' : 'later-copy', now_ms);
    if (copy !== undefined) renameSync(join(dirname(path), copy.file), path);
  }
  syncFolder(path);
}

/** Before it is brought up to date: an older system can still read the copy. */
export function keepCopy(database: Database.Database, path: string, version: number): void {
  const copy = `${path}.v${version}`;
  rmSync(`${copy}.new`, { force: true });
  database.prepare('VACUUM INTO ?').run(`${copy}.new`);
  syncFile(`${copy}.new`);
  renameSync(`${copy}.new`, copy);
  for (const { file } of copiesOf(path).slice(KEPT_FILES)) rmSync(join(dirname(path), file));
  syncFolder(path);
}

/** What was set aside and is still there, the newest first. */
export function rescues(path: string): Rescue[] {
  return filesOf(path)
    .flatMap((file) => {
      const [, kind, at] = ASIDE.exec(file) ?? [];
      return kind === undefined ? [] : [{ kind: kind as Rescue['kind'], file, at_ms: Number(at) }];
    })
    .sort((one, other) => other.at_ms - one.at_ms);
}

/** The schema version of a database whose pages are sound; undefined when it is damaged, or none. */
function soundVersion(path: string): number | undefined {
  try {
    const database = new Database(path);
    try {
      const verdict = database.pragma('quick_check(1)', { simple: true });
      return verdict === 'ok' ? Number(database.pragma('user_version', { simple: true })) : undefined;
    } finally {
      database.close();
    }
  } catch (error) {
    if (error instanceof Database.SqliteError && /^SQLITE_(NOTADB|CORRUPT)/.test(error.code)) return undefined;
    throw error;
  }
}

function setAside(path: string, kind: Rescue['kind'], now_ms: number): void {
  const aside = `${path}.${kind}-${now_ms}`;
  // The journal belongs to it: what is not yet in the database is there.
  for (const suffix of ['-wal', '-shm']) if (existsSync(path + suffix)) renameSync(path + suffix, aside + suffix);
  renameSync(path, aside);
  for (const old of rescues(path)
    .filter((one) => one.kind === kind)
    .slice(KEPT_FILES)) {
    for (const suffix of ['', '-wal', '-shm']) rmSync(join(dirname(path), old.file + suffix), { force: true });
  }
}

/** The newest schema first. */
function copiesOf(path: string): { file: string; version: number }[] {
  return filesOf(path)
    .flatMap((file) => {
      const version = COPY.exec(file)?.[1];
      return version === undefined ? [] : [{ file, version: Number(version) }];
    })
    .sort((one, other) => other.version - one.version);
}

function filesOf(path: string): string[] {
  return readdirSync(dirname(path)).filter((file) => file.startsWith(`${basename(path)}.`));
}

function syncFolder(path: string): void {
  syncFile(dirname(path));
}

function syncFile(path: string): void {
  const descriptor = openSync(path, 'r');
  fsyncSync(descriptor);
  closeSync(descriptor);
}
