/**
 * Passwords of administrators as the API takes them: what is too weak is refused with the reason, and scrypt, which takes
 * memory and time by intent, runs for few at a time. Must not keep a password.
 */
import { Type } from 'typebox';
import { passwordFits, sealPassword } from '../store/password.js';
import { ApiProblem } from './problem.js';

export const MIN_PASSWORD_CHARACTERS = 10;
/** Each takes 16 MiB while it is worked out. */
const MAX_AT_ONCE = 2;
const MAX_WAITING = 32;
const RETRY_AFTER_S = 5;

/** Those that are tried first, of this length. */
const TRIED_FIRST = new Set([
  '1234567890',
  '0123456789',
  'qwertyuiop',
  'password12',
  'password123',
  'passwort12',
  'passwort123',
  'administrator',
  'tunnelwerk',
  'tunnelwerk1',
]);

export const PasswordSchema = Type.String({
  maxLength: 256,
  writeOnly: true,
  description: `${MIN_PASSWORD_CHARACTERS} characters or more`,
});
export const AccountNameSchema = Type.Refine(
  Type.String({ description: 'name of an account: letters, digits and ._@-' }),
  (text) => /^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$/.test(text),
  () => 'must be 1 to 64 letters, digits, dots, _, @ or -, a letter or digit first',
);
export const RoleSchema = Type.Enum(['admin', 'viewer'], {
  description: 'admin: may do everything. viewer: may look',
});

/** Why it is no password for this account; undefined when it is one. */
export function weakness(password: string, name: string): string | undefined {
  if ([...password].length < MIN_PASSWORD_CHARACTERS) return `must have ${MIN_PASSWORD_CHARACTERS} characters or more`;
  const lower = password.toLowerCase();
  if (lower.includes(name.toLowerCase()) && name.length > 3) return 'has the name of the account in it';
  if (TRIED_FIRST.has(lower) || new Set(lower).size < 4) return 'is one of those that are tried first; take another';
  return undefined;
}

let running = 0;
const waiting: (() => void)[] = [];

/** Rejects with a problem when too many wait. */
async function inTurn<T>(work: () => Promise<T>): Promise<T> {
  if (running >= MAX_AT_ONCE) {
    if (waiting.length >= MAX_WAITING) throw tooMany(RETRY_AFTER_S);
    await new Promise<void>((resolve) => waiting.push(resolve));
  } else running += 1;
  try {
    return await work();
  } finally {
    const next = waiting.shift();
    if (next === undefined) running -= 1;
    else next();
  }
}

export const seal = (password: string): Promise<string> => inTurn(() => sealPassword(password));
export const fits = (password: string, sealed: string | undefined): Promise<boolean> =>
  inTurn(() => passwordFits(password, sealed));

export function tooMany(retryAfter_s: number): ApiProblem {
  const detail = `too many tries; wait ${retryAfter_s} s`;
  return new ApiProblem({ title: 'Too many tries', status: 429, detail }, { 'retry-after': String(retryAfter_s) });
}
