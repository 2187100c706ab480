/**
 * All documents of a box at once: whether they are acceptable as a whole, by the rules that hold for each of them. Must not
 * read or write what is stored.
 */
import { setImmediate } from 'node:timers/promises';
import { type Pool, PoolSchema, type Problem, type Settings, SettingsSchema, type User } from '../settings.js';
import { type Surroundings, validatePool, validateSettings, validateUser } from './rules.js';
import { compileShape, type Validated } from './shape.js';

export interface Content {
  settings: Settings;
  pools: Pool[];
  users: User[];
}

/** As it was read, of any shape. */
export interface UncheckedContent {
  settings: unknown;
  pools: readonly unknown[];
  users: readonly unknown[];
}

/** So many users are worked on before others have their turn. */
export const USERS_AT_ONCE = 200;
/** More would tell nobody more. */
const MAX_PROBLEMS = 100;

const settingsShape = compileShape(SettingsSchema);
const poolShape = compileShape(PoolSchema);

/** `field` of a problem is a JSON pointer into the content. */
export async function checkContent(content: UncheckedContent): Promise<Validated<Content>> {
  const shaped = settingsShape(content.settings);
  if (!shaped.ok) return { ok: false, problems: below('/settings', shaped.problems) };
  const shapedPools = content.pools.map(poolShape).flatMap((pool) => (pool.ok ? [pool.value] : []));
  const around = new ContentAround(shaped.value, shapedPools, content.users);
  const problems: Problem[] = [...twice('/pools', content.pools), ...twice('/users', content.users)];
  const settings = validateSettings(content.settings, around);
  if (!settings.ok) problems.push(...below('/settings', settings.problems));
  const pools: Pool[] = [];
  for (const [at, document] of content.pools.entries()) {
    const pool = validatePool(document, around);
    if (pool.ok) pools.push(pool.value);
    else problems.push(...below(`/pools/${at}`, pool.problems));
  }
  const users: User[] = [];
  for (const [at, document] of content.users.entries()) {
    const user = validateUser(document, around);
    if (user.ok) users.push(user.value);
    else problems.push(...below(`/users/${at}`, user.problems));
    if (at % USERS_AT_ONCE === 0) await setImmediate();
  }
  if (problems.length > 0 || !settings.ok) return { ok: false, problems: problems.slice(0, MAX_PROBLEMS) };
  return { ok: true, value: { settings: settings.value, pools, users } };
}

const below = (place: string, problems: readonly Problem[]): Problem[] =>
  problems.map(({ field, reason }) => ({ field: place + field, reason }));

/** A property of what may be anything. */
function textOf(document: unknown, name: string): string | undefined {
  const value = typeof document === 'object' && document !== null ? Reflect.get(document, name) : undefined;
  return typeof value === 'string' ? value : undefined;
}

function twice(place: string, documents: readonly unknown[]): Problem[] {
  const seen = new Set<string>();
  return documents.flatMap((document, at) => {
    const name = textOf(document, 'name');
    if (name === undefined) return [];
    if (seen.has(name)) return [{ field: `${place}/${at}/name`, reason: `is there twice: ${name}` }];
    seen.add(name);
    return [];
  });
}

/** The content as the rules look at it: what has the wrong shape is refused where it stands, and left out here. */
class ContentAround implements Surroundings {
  readonly #settings: Settings;
  readonly #pools: readonly Pool[];
  readonly #userByValue = new Map<string, string>();

  constructor(settings: Settings, pools: readonly Pool[], users: readonly unknown[]) {
    this.#settings = settings;
    this.#pools = pools;
    for (const user of users) {
      const name = textOf(user, 'name');
      if (name === undefined) continue;
      for (const property of ['fixedAddress', 'pool', 'tunnelGroup', 'filter']) {
        const value = `${property} ${textOf(user, property)}`;
        if (!this.#userByValue.has(value)) this.#userByValue.set(value, name);
      }
    }
  }

  settings(): Settings {
    return this.#settings;
  }

  pools(): readonly Pool[] {
    return this.#pools;
  }

  userWithFixedAddress(address: string): string | undefined {
    return this.#userByValue.get(`fixedAddress ${address}`);
  }

  userOfPool(pool: string): string | undefined {
    return this.#userByValue.get(`pool ${pool}`);
  }

  userOfTunnelGroup(group: string): string | undefined {
    return this.#userByValue.get(`tunnelGroup ${group}`);
  }

  userOfFilter(filter: string): string | undefined {
    return this.#userByValue.get(`filter ${filter}`);
  }
}
