/**
 * Settings, pools and users: checked, sealed, written at once with the addresses that follow from them and an audit
 * entry, over the connection that survives a power cut. Must not lease addresses.
 */
import { setImmediate } from 'node:timers/promises';
import type Database from 'better-sqlite3';
import type { TSchema } from 'typebox';
import { Value } from 'typebox/value';
import {
  DEFAULT_POOL,
  DEFAULT_SETTINGS,
  ipv4Number,
  type Pool,
  type Settings,
  SettingsSchema,
  type User,
  UserSchema,
} from '../settings.js';
import { dissolvePool, forgetUser, layOutPool, poolSize, reserveAddress } from './addresses.js';
import { Audit, changedFields } from './audit.js';
import { type Content, USERS_AT_ONCE } from './content.js';
import { replacePoolsAndUsers } from './replacement.js';
import { poolInUse, type Surroundings, validatePool, validateSettings, validateUser } from './rules.js';
import type { SecretBox } from './secret-box.js';
import { changeSecrets, keepSecrets, lostSecrets, mapSecrets } from './secret-fields.js';
import type { Validated } from './shape.js';
import type { Turn } from './turn.js';
import { accessSections, changedAccess, type Held, Unconfirmed, type Wait } from './unconfirmed.js';

/**
 * So many users are kept as they were read last: all of a branch office's, whose calls come anew together after an outage.
 * To open a sealed document costs more than all else that a call asks of the store. Each takes less than a KiB.
 */
const MAX_OPEN_USERS = 4_096;

/** What became of a deletion: `in-use` says by whom and what to do. */
export type Deletion = { result: 'deleted' } | { result: 'unknown' } | { result: 'in-use'; reason: string };

export interface PoolWithSize extends Pool {
  /** How many addresses it can lease. */
  size: number;
}

function prepare(database: Database.Database) {
  return {
    readSettings: database.prepare<[], string>('SELECT document FROM settings').pluck(),
    writeSettings: database.prepare<[string]>(
      'INSERT INTO settings VALUES (1, ?) ON CONFLICT DO UPDATE SET document = excluded.document',
    ),
    readPool: database.prepare<[string], string>('SELECT document FROM pool WHERE name = ?').pluck(),
    readPools: database.prepare<[], string>('SELECT document FROM pool ORDER BY name').pluck(),
    writePool: database.prepare<[string, string]>(
      'INSERT INTO pool VALUES (?, ?) ON CONFLICT DO UPDATE SET document = excluded.document',
    ),
    deletePool: database.prepare<[string]>('DELETE FROM pool WHERE name = ?'),
    readUser: database.prepare<[string], string>('SELECT document FROM user WHERE name = ?').pluck(),
    readUsers: database
      .prepare<[string, string, number], string>(
        'SELECT document FROM user WHERE name > ? AND instr(lower(name), lower(?)) > 0 ORDER BY name LIMIT ?',
      )
      .pluck(),
    readAllUsers: database.prepare<[], { name: string; document: string }>('SELECT name, document FROM user'),
    writeUser: database.prepare<[string, string, number | null, string | null]>(
      `INSERT INTO user VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE
       SET document = excluded.document, fixed_address = excluded.fixed_address, pool = excluded.pool`,
    ),
    deleteUser: database.prepare<[string]>('DELETE FROM user WHERE name = ?'),
    userWithFixedAddress: database.prepare<[number], string>('SELECT name FROM user WHERE fixed_address = ?').pluck(),
    userOfPool: database.prepare<[string], string>('SELECT name FROM user WHERE pool = ? LIMIT 1').pluck(),
    userOfTunnelGroup: database
      .prepare<[string], string>("SELECT name FROM user WHERE document ->> 'tunnelGroup' = ? LIMIT 1")
      .pluck(),
    userOfFilter: database
      .prepare<[string], string>("SELECT name FROM user WHERE document ->> 'filter' = ? LIMIT 1")
      .pluck(),
  };
}

export class Documents implements Surroundings {
  readonly #database: Database.Database;
  readonly #sql: ReturnType<typeof prepare>;
  readonly #box: SecretBox;
  readonly #turn: Turn;
  readonly #clock: () => number;
  readonly audit: Audit;
  readonly #unconfirmed: Unconfirmed;
  #settings: Settings;
  #pools: readonly PoolWithSize[];
  readonly #openUsers = new Map<string, Readonly<User>>();

  /** `clock` gives Unix time in ms; a new database begins with `firstSettings`. Throws StoreError when the key does not open the secrets. */
  constructor(
    database: Database.Database,
    box: SecretBox,
    turn: Turn,
    clock: () => number,
    firstSettings: Settings = DEFAULT_SETTINGS,
  ) {
    this.#database = database;
    this.#sql = prepare(database);
    this.#box = box;
    this.#turn = turn;
    this.#clock = clock;
    this.audit = new Audit(database);
    this.#unconfirmed = new Unconfirmed(database);
    if (this.#sql.readSettings.get() === undefined) this.#writeDefaults(firstSettings);
    this.#settings = this.#openedSettings(this.#sql.readSettings.get()!);
    this.#pools = this.#readPools();
  }

  settings(): Settings {
    return this.#settings;
  }

  pools(): readonly PoolWithSize[] {
    return this.#pools;
  }

  pool(name: string): PoolWithSize | undefined {
    return this.#pools.find((pool) => pool.name === name);
  }

  user(name: string): Readonly<User> | undefined {
    const open = this.#openUsers.get(name);
    if (open !== undefined) return open;
    const document = this.#sql.readUser.get(name);
    if (document === undefined) return undefined;
    const user = this.#openedUser(name, document);
    if (this.#openUsers.size >= MAX_OPEN_USERS) this.#openUsers.clear();
    this.#openUsers.set(name, user);
    return user;
  }

  /** Users in the order of their names, at most `limit`, after the name `after`, with `contains` in their names. */
  users(limit: number, after = '', contains = ''): User[] {
    return this.#sql.readUsers.all(after, contains, limit).map((document) => {
      const { name } = JSON.parse(document) as User;
      return this.#openedUser(name, document);
    });
  }

  /**
   * A document as it is stored, with its secrets sealed; each edition is another text. `resource` is named as in the audit:
   * 'settings', 'users/alice'.
   */
  storedText(resource: string): string | undefined {
    const [kind, ...name] = resource.split('/');
    if (kind === 'settings') return this.#sql.readSettings.get();
    return (kind === 'users' ? this.#sql.readUser : this.#sql.readPool).get(name.join('/'));
  }

  userWithFixedAddress(address: string): string | undefined {
    return this.#sql.userWithFixedAddress.get(ipv4Number(address));
  }

  userOfPool(pool: string): string | undefined {
    return this.#sql.userOfPool.get(pool);
  }

  userOfTunnelGroup(group: string): string | undefined {
    return this.#sql.userOfTunnelGroup.get(group);
  }

  userOfFilter(filter: string): string | undefined {
    return this.#sql.userOfFilter.get(filter);
  }

  /**
   * Replaces the settings by a document from outside. In it a secret that is left out stays as it is, null clears it,
   * anything else left out takes its default. `who` is for the audit. A change of what decides from where the box is
   * reached waits for its confirmation if `wait` is given, and else counts as confirmed.
   */
  writeSettings(document: unknown, who: string, wait?: Wait): Validated<Settings> {
    const checked = validateSettings(keepSecrets(SettingsSchema, document, this.#settings), this);
    const lost = lostSecrets(SettingsSchema, document, this.#settings);
    if (!checked.ok || lost.length > 0)
      return { ok: false, problems: [...(checked.ok ? [] : checked.problems), ...lost] };
    this.#commit('settings', who, this.#settings, checked.value, () => {
      this.#holdFormer(checked.value, who, wait);
      this.#sql.writeSettings.run(this.#sealed(SettingsSchema, 'settings', checked.value));
    });
    this.#settings = checked.value;
    return checked;
  }

  /** The change that waits for its confirmation, and which fields go back without it. */
  unconfirmed(): { held: Held; fields: string[] } | undefined {
    const held = this.#unconfirmed.read();
    return held && { held, fields: changedAccess(this.#openedSettings(held.document), this.#settings) };
  }

  /** The settings stay as they are. Gives whether something waited. */
  confirmSettings(): boolean {
    return this.#database.transaction(() => this.#unconfirmed.settle()).immediate();
  }

  /**
   * Takes back what was not confirmed. All that was set otherwise meanwhile stays, unless it contradicts what comes back:
   * to be reached again counts more. Gives the settings that hold now; undefined: nothing waited.
   */
  takeBackSettings(who: string): Settings | undefined {
    const held = this.#unconfirmed.read();
    if (held === undefined) return undefined;
    const former = this.#openedSettings(held.document);
    const merged = validateSettings({ ...this.#settings, ...accessSections(former) }, this);
    const settings = merged.ok ? merged.value : former;
    this.#commit('settings', who, this.#settings, settings, () => {
      this.#unconfirmed.settle();
      this.#sql.writeSettings.run(this.#sealed(SettingsSchema, 'settings', settings));
    });
    this.#settings = settings;
    return settings;
  }

  /** Of several changes that nobody has confirmed, what was before the first one is kept. */
  #holdFormer(next: Settings, who: string, wait: Wait | undefined): void {
    const held = this.#unconfirmed.read();
    const document = held?.document ?? this.#sql.readSettings.get()!;
    if (changedAccess(this.#openedSettings(document), next).length === 0) this.#unconfirmed.settle();
    else if (changedAccess(this.#settings, next).length === 0) return;
    else if (wait === undefined) this.#unconfirmed.settle();
    else this.#unconfirmed.hold({ ...wait, document, who });
  }

  /** Writes the pool of this name; its name may be left out of the document. */
  writePool(name: string, document: unknown, who: string): Validated<Pool> {
    const named = withName(document, name);
    const checked = named.ok ? validatePool(named.value, this) : named;
    if (!checked.ok) return checked;
    const { size: _, ...previous } = this.pool(name) ?? { size: 0 };
    this.#commit(`pools/${name}`, who, previous, checked.value, () => {
      this.#sql.writePool.run(name, JSON.stringify(checked.value));
      layOutPool(this.#database, checked.value);
    });
    this.#pools = this.#readPools();
    return checked;
  }

  deletePool(name: string, who: string): Deletion {
    if (!this.pool(name)) return { result: 'unknown' };
    const reason = poolInUse(name, this);
    if (reason !== undefined) return { result: 'in-use', reason };
    this.#commit(`pools/${name}`, who, this.pool(name), undefined, () => {
      this.#sql.deletePool.run(name);
      dissolvePool(this.#database, name);
    });
    this.#pools = this.#readPools();
    return { result: 'deleted' };
  }

  /** Writes the user of this name; name and, once it is there, password may be left out of the document. */
  writeUser(name: string, document: unknown, who: string): Validated<User> {
    const previous = this.user(name);
    const named = withName(document, name);
    const checked = named.ok ? validateUser(keepSecrets(UserSchema, named.value, previous), this) : named;
    if (!checked.ok) return checked;
    const user = checked.value;
    this.#commit(`users/${name}`, who, previous, user, () => {
      const fixedAddress = user.fixedAddress === undefined ? null : ipv4Number(user.fixedAddress);
      this.#sql.writeUser.run(name, this.#sealed(UserSchema, `user ${name}`, user), fixedAddress, user.pool ?? null);
      reserveAddress(this.#database, user);
    });
    this.#openUsers.delete(name);
    return checked;
  }

  deleteUser(name: string, who: string): Deletion {
    const previous = this.user(name);
    if (!previous) return { result: 'unknown' };
    this.#commit(`users/${name}`, who, previous, undefined, () => {
      this.#sql.deleteUser.run(name);
      forgetUser(this.#database, name);
    });
    this.#openUsers.delete(name);
    return { result: 'deleted' };
  }

  /** All documents, as they are at one moment; their secrets are opened in slices. */
  async readAll(): Promise<Content> {
    const settings = this.#settings;
    const pools = this.#pools.map(({ size: _, ...pool }) => pool);
    const rows = this.#sql.readAllUsers.all();
    const users: User[] = [];
    for (const [at, { name, document }] of rows.entries()) {
      users.push(this.#openedUser(name, document));
      if (at % USERS_AT_ONCE === 0) await setImmediate();
    }
    return { settings, pools, users };
  }

  /**
   * Puts all of `content`, which was checked, in the place of what is stored, at once. `wait` is that of writeSettings.
   * Gives the names of users that are gone or changed.
   */
  async replaceAll({ settings, pools, users }: Content, who: string, wait?: Wait): Promise<Set<string>> {
    const same = new Map<string, string>();
    const written = new Map<string, { user: User; document: string }>();
    const write = (user: User) => {
      written.set(user.name, { user, document: this.#sealed(UserSchema, `user ${user.name}`, user) });
    };
    for (const [at, user] of users.entries()) {
      const document = this.#sql.readUser.get(user.name);
      const isSame = document !== undefined && changedFields(this.#openedUser(user.name, document), user).length === 0;
      if (isSame) same.set(user.name, document);
      else write(user);
      if (at % USERS_AT_ONCE === 0) await setImmediate();
    }
    // From here on nobody else has a turn.
    if (this.#turn.running) throw new Error('a document is not written inside a turn of the store');
    for (const user of users) {
      if (!written.has(user.name) && same.get(user.name) !== this.#sql.readUser.get(user.name)) write(user);
    }
    const touched = this.#database
      .transaction(() => {
        const fields = changedFields(this.#settings, settings, '/settings');
        if (fields.length > 0) {
          this.#holdFormer(settings, who, wait);
          this.#sql.writeSettings.run(this.#sealed(SettingsSchema, 'settings', settings));
        }
        const names = new Set(users.map(({ name }) => name));
        const gone = replacePoolsAndUsers(this.#database, { pools, users: written, names });
        const changed = new Set([...gone, ...written.keys()]);
        fields.push(...changedPools(this.#pools, pools), ...Array.from(changed, (name) => `/users/${name}`));
        this.audit.note(this.#clock(), { who, action: 'put', resource: 'backup', fields });
        return changed;
      })
      .immediate();
    this.#settings = settings;
    this.#pools = this.#readPools();
    this.#openUsers.clear();
    return touched;
  }

  #commit(resource: string, who: string, before: unknown, after: unknown, write: () => void): void {
    if (this.#turn.running) throw new Error('a document is not written inside a turn of the store');
    const fields = changedFields(before, after);
    if (fields.length === 0) return;
    this.#database
      .transaction(() => {
        write();
        this.audit.note(this.#clock(), { who, action: after === undefined ? 'delete' : 'put', resource, fields });
      })
      .immediate();
  }

  #writeDefaults(settings: Settings): void {
    this.#database
      .transaction(() => {
        this.#sql.writeSettings.run(JSON.stringify(settings));
        this.#sql.writePool.run(DEFAULT_POOL.name, JSON.stringify(DEFAULT_POOL));
        layOutPool(this.#database, DEFAULT_POOL);
      })
      .immediate();
  }

  #readPools(): PoolWithSize[] {
    return this.#sql.readPools.all().map((document) => {
      const pool = JSON.parse(document) as Pool;
      return { ...pool, size: poolSize(pool) };
    });
  }

  #sealed(schema: TSchema, table: string, document: unknown): string {
    return JSON.stringify(mapSecrets(schema, document, (secret, place) => this.#box.seal(secret, table + place)));
  }

  /** An earlier version of the program did not know every setting that there is now. */
  #openedSettings(document: string): Settings {
    return Value.Default(SettingsSchema, this.#opened<Settings>(SettingsSchema, 'settings', document)) as Settings;
  }

  /** Nor all that there is to a user. */
  #openedUser(name: string, document: string): User {
    return Value.Default(UserSchema, this.#opened<User>(UserSchema, `user ${name}`, document)) as User;
  }

  #opened<T>(schema: TSchema, table: string, document: string): T {
    return changeSecrets(schema, JSON.parse(document) as T, (sealed, place) => this.#box.open(sealed, table + place));
  }
}

function changedPools(before: readonly PoolWithSize[], after: readonly Pool[]): string[] {
  const named = (pools: readonly Pool[]) => Object.fromEntries(pools.map((pool) => [pool.name, JSON.stringify(pool)]));
  return changedFields(named(before.map(({ size: _, ...pool }) => pool)), named(after), '/pools');
}

function withName(document: unknown, name: string): Validated<unknown> {
  if (typeof document !== 'object' || document === null || Array.isArray(document)) {
    return { ok: false, problems: [{ field: '', reason: 'must be an object' }] };
  }
  if ('name' in document && document.name !== name) {
    return {
      ok: false,
      problems: [{ field: '/name', reason: `differs from ${name}, which was asked for; leave it out` }],
    };
  }
  return { ok: true, value: { ...document, name } };
}
