/**
 * Who administers the box: accounts, browsers that are signed in, and tokens of scripts. Of passwords only scrypt's
 * result is kept, of tokens only their SHA-256. Every change is one durable commit with its audit entry.
 */
import { createHash, randomBytes } from 'node:crypto';
import type Database from 'better-sqlite3';
import type { Audit } from './audit.js';

export type AdminRole = 'admin' | 'viewer';

export interface Account {
  name: string;
  role: AdminRole;
  /** ISO 8601 */
  changedAt: string;
}

export interface ApiToken {
  name: string;
  role: AdminRole;
  /** ISO 8601; usedAt is '' when it never was, and exact to a minute. */
  createdAt: string;
  usedAt: string;
}

/** Whom a browser or a script acts for. */
export interface Bearer {
  name: string;
  role: AdminRole;
}

/** Why an account is not changed or deleted: the box would have nobody left to administer it. */
export type AccountChange = 'done' | 'unknown' | 'last-admin';

const TOKEN_BYTES = 32;
/** When something was used last is written at most so often. */
const USED_AT_STEP_MS = 60_000;
/** A browser has to sign in again after this time, however busy it is. */
const MAX_SIGN_IN_MS = 30 * 86_400_000;
/** More browsers of one account than these push out the one that was used longest ago. */
const MAX_SIGN_INS_OF_ACCOUNT = 32;
/** What tells tokens of scripts from other texts, for those who find one somewhere. */
const API_TOKEN_PREFIX = 'tw_';

interface SignInRow {
  account: string;
  role: AdminRole;
  created_at: number;
  used_at: number;
}

const digest = (token: string): Buffer => createHash('sha256').update(token).digest();
const iso = (at: number | null): string => (at === null ? '' : new Date(at).toISOString());

function prepare(database: Database.Database) {
  return {
    count: database.prepare<[], number>('SELECT count(*) FROM account').pluck(),
    accounts: database.prepare<[], { name: string; role: AdminRole; changed_at: number }>(
      'SELECT name, role, changed_at FROM account ORDER BY name',
    ),
    account: database.prepare<[string], { role: AdminRole; password: string }>(
      'SELECT role, password FROM account WHERE name = ?',
    ),
    otherAdmins: database
      .prepare<[string], number>("SELECT count(*) FROM account WHERE role = 'admin' AND name <> ?")
      .pluck(),
    write: database.prepare<[string, AdminRole, string, number]>(
      `INSERT INTO account VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE
       SET role = excluded.role, password = excluded.password, changed_at = excluded.changed_at`,
    ),
    remove: database.prepare<[string]>('DELETE FROM account WHERE name = ?'),
    removeAll: database.prepare('DELETE FROM account'),
    signIn: database.prepare<[Buffer, string, string, number, number]>('INSERT INTO sign_in VALUES (?, ?, ?, ?, ?)'),
    signedIn: database.prepare<[Buffer], SignInRow>(
      `SELECT account, role, created_at, used_at FROM sign_in JOIN account ON account.name = sign_in.account
       WHERE token = ?`,
    ),
    signInUsed: database.prepare<[number, Buffer]>('UPDATE sign_in SET used_at = ? WHERE token = ?'),
    signOut: database.prepare<[Buffer]>('DELETE FROM sign_in WHERE token = ?'),
    signOutOthers: database.prepare<[string, Buffer]>('DELETE FROM sign_in WHERE account = ? AND token <> ?'),
    signOutAll: database.prepare('DELETE FROM sign_in'),
    forget: database.prepare<[string, string, number]>(
      `DELETE FROM sign_in WHERE account = ? AND token NOT IN
       (SELECT token FROM sign_in WHERE account = ? ORDER BY used_at DESC LIMIT ?)`,
    ),
    forgetOld: database.prepare<[number, number]>('DELETE FROM sign_in WHERE created_at < ? OR used_at < ?'),
    tokens: database.prepare<[], { name: string; role: AdminRole; created_at: number; used_at: number | null }>(
      'SELECT name, role, created_at, used_at FROM api_token ORDER BY name',
    ),
    tokenNamed: database.prepare<[string], number>('SELECT 1 FROM api_token WHERE name = ?').pluck(),
    token: database.prepare<[Buffer], Bearer & { used_at: number | null }>(
      'SELECT name, role, used_at FROM api_token WHERE token = ?',
    ),
    addToken: database.prepare<[string, AdminRole, Buffer, number]>('INSERT INTO api_token VALUES (?, ?, ?, ?, NULL)'),
    tokenUsed: database.prepare<[number, string]>('UPDATE api_token SET used_at = ? WHERE name = ?'),
    removeToken: database.prepare<[string]>('DELETE FROM api_token WHERE name = ?'),
  };
}

export class Accounts {
  readonly #database: Database.Database;
  readonly #sql: ReturnType<typeof prepare>;
  readonly #audit: Audit;
  readonly #clock: () => number;

  /** `clock` gives Unix time in ms. */
  constructor(database: Database.Database, audit: Audit, clock: () => number) {
    this.#database = database;
    this.#sql = prepare(database);
    this.#audit = audit;
    this.#clock = clock;
  }

  /** False as long as the box has not been set up. */
  get areThere(): boolean {
    return this.#sql.count.get() !== 0;
  }

  list(): Account[] {
    return this.#sql.accounts.all().map(({ name, role, changed_at }) => ({ name, role, changedAt: iso(changed_at) }));
  }

  /** With the form of its password that password.ts makes. */
  find(name: string): { role: AdminRole; password: string } | undefined {
    return this.#sql.account.get(name);
  }

  /** The first account, an administrator's; false when there is one already. */
  setUp(name: string, password: string, who: string): boolean {
    return this.#change(() => {
      if (this.areThere) return false;
      this.#sql.write.run(name, 'admin', password, this.#clock());
      this.#note(who, 'put', `accounts/${name}`, ['/password', '/role']);
      return true;
    });
  }

  /**
   * Makes or changes an account; undefined leaves as it is what there is. The browsers of an account that was changed are
   * signed out, but for the one with the token `except`.
   */
  write(name: string, change: { role?: AdminRole; password?: string }, who: string, except = ''): AccountChange {
    return this.#change(() => {
      const before = this.find(name);
      const role = change.role ?? before?.role ?? 'viewer';
      const password = change.password ?? before?.password;
      if (password === undefined) return 'unknown';
      if (role !== 'admin' && before?.role === 'admin' && this.#sql.otherAdmins.get(name) === 0) return 'last-admin';
      const fields = [
        ...(password === before?.password ? [] : ['/password']),
        ...(role === before?.role ? [] : ['/role']),
      ];
      if (fields.length === 0) return 'done';
      this.#sql.write.run(name, role, password, this.#clock());
      this.#sql.signOutOthers.run(name, digest(except));
      this.#note(who, 'put', `accounts/${name}`, fields);
      return 'done';
    });
  }

  remove(name: string, who: string): AccountChange {
    return this.#change(() => {
      if (this.find(name) === undefined) return 'unknown';
      if (this.#sql.otherAdmins.get(name) === 0) return 'last-admin';
      this.#sql.remove.run(name);
      this.#sql.signOutOthers.run(name, digest(''));
      this.#note(who, 'delete', `accounts/${name}`, ['']);
      return 'done';
    });
  }

  /** Back to a box that nobody has set up, with all its settings: for whoever is at its console. */
  reset(who: string): void {
    this.#change(() => {
      this.#sql.removeAll.run();
      this.#sql.signOutAll.run();
      this.#note(who, 'delete', 'accounts', ['']);
    });
  }

  /** Gives what the browser shall keep. */
  signIn(account: string, address: string): string {
    return this.#change(() => {
      const token = randomBytes(TOKEN_BYTES).toString('base64url');
      const now_ms = this.#clock();
      this.#sql.signIn.run(digest(token), account, address, now_ms, now_ms);
      this.#sql.forget.run(account, account, MAX_SIGN_INS_OF_ACCOUNT);
      return token;
    });
  }

  /** Whom a browser with this token acts for; undefined when it has been idle for longer, or was never signed in. */
  signedIn(token: string, idle_ms: number): Bearer | undefined {
    const row = this.#standing(token, idle_ms);
    if (row === undefined) return undefined;
    const now_ms = this.#clock();
    if (now_ms - row.used_at > USED_AT_STEP_MS) this.#sql.signInUsed.run(now_ms, digest(token));
    return { name: row.account, role: row.role };
  }

  /** Whether `signedIn` would find somebody. To ask is no use of the sign-in. */
  isSignedIn(token: string, idle_ms: number): boolean {
    return this.#standing(token, idle_ms) !== undefined;
  }

  signOut(token: string): void {
    this.#sql.signOut.run(digest(token));
  }

  tokens(): ApiToken[] {
    return this.#sql.tokens.all().map(({ name, role, created_at, used_at }) => {
      return { name, role, createdAt: iso(created_at), usedAt: iso(used_at) };
    });
  }

  /** Gives the token, which is not to be had again; undefined when there is one of this name. */
  addToken(name: string, role: AdminRole, who: string): string | undefined {
    return this.#change(() => {
      if (this.#sql.tokenNamed.get(name) !== undefined) return undefined;
      const token = API_TOKEN_PREFIX + randomBytes(TOKEN_BYTES).toString('base64url');
      this.#sql.addToken.run(name, role, digest(token), this.#clock());
      this.#note(who, 'put', `tokens/${name}`, ['']);
      return token;
    });
  }

  /** False when there is none. */
  removeToken(name: string, who: string): boolean {
    return this.#change(() => {
      const isThere = this.#sql.removeToken.run(name).changes > 0;
      if (isThere) this.#note(who, 'delete', `tokens/${name}`, ['']);
      return isThere;
    });
  }

  /** Whose token that is. */
  bearer(token: string): Bearer | undefined {
    const row = this.#sql.token.get(digest(token));
    if (row === undefined) return undefined;
    const now_ms = this.#clock();
    if (now_ms - (row.used_at ?? 0) > USED_AT_STEP_MS) this.#sql.tokenUsed.run(now_ms, row.name);
    return { name: row.name, role: row.role };
  }

  /** Whether `bearer` would find one. To ask is no use of the token. */
  isToken(token: string): boolean {
    return this.#sql.token.get(digest(token)) !== undefined;
  }

  #standing(token: string, idle_ms: number): SignInRow | undefined {
    const row = this.#sql.signedIn.get(digest(token));
    const now_ms = this.#clock();
    if (row === undefined) return undefined;
    if (now_ms - row.used_at <= idle_ms && now_ms - row.created_at <= MAX_SIGN_IN_MS) return row;
    this.#sql.forgetOld.run(now_ms - MAX_SIGN_IN_MS, now_ms - idle_ms);
    return undefined;
  }

  #note(who: string, action: 'put' | 'delete', resource: string, fields: string[]): void {
    this.#audit.note(this.#clock(), { who, action, resource, fields });
  }

  #change<T>(work: () => T): T {
    return this.#database.transaction(work).immediate();
  }
}
