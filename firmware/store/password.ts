/**
 * What is kept of an administrator's password: scrypt (RFC 7914) with a salt of its own, as
 * `scrypt$N$r$p$<salt>$<key>`, both base64url. Must not keep a password.
 */
import { randomBytes, type ScryptOptions, scrypt, timingSafeEqual } from 'node:crypto';

/** 16 MiB and some 50 ms on a PC: a board with 128 MiB has to bear it too. */
const COST = { N: 16_384, r: 8, p: 1 };
const MAX_MEMORY_BYTES = 64 * 1024 * 1024;
const KEY_BYTES = 32;
const SALT_BYTES = 16;

export async function sealPassword(password: string): Promise<string> {
  const salt = randomBytes(SALT_BYTES);
  const key = await derive(password, salt, COST);
  return ['scrypt', COST.N, COST.r, COST.p, salt.toString('base64url'), key.toString('base64url')].join('$');
}

/** Takes as long whether it fits or not. `sealed` undefined fits no password. */
export async function passwordFits(password: string, sealed: string | undefined): Promise<boolean> {
  const [, N, r, p, salt = '', key = ''] = (sealed ?? NOBODY).split('$');
  const kept = Buffer.from(key, 'base64url');
  const derived = await derive(password, Buffer.from(salt, 'base64url'), { N: Number(N), r: Number(r), p: Number(p) });
  return kept.length === derived.length && timingSafeEqual(kept, derived);
}

/** No key is that short: nothing fits. */
const NOBODY = `scrypt$${COST.N}$${COST.r}$${COST.p}$AAAAAAAAAAAAAAAAAAAAAA$AA`;

function derive(password: string, salt: Buffer, options: ScryptOptions): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    scrypt(password.normalize('NFC'), salt, KEY_BYTES, { ...options, maxmem: MAX_MEMORY_BYTES }, (error, key) => {
      if (error) reject(error);
      else resolve(key);
    });
  });
}
