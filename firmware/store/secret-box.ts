/**
 * Seals secrets for the database with AES-256-GCM and a key from a file beside it. Must not let a secret or the key
 * into a message.
 *
 * A sealed secret is text: 'v1.' and base64url of
 *
 *    0                12                28
 *   +----------------+-----------------+------------------------+
 *   | nonce          | tag             | ciphertext …           |
 *   +----------------+-----------------+------------------------+
 *
 * where it stands (table, name, JSON path) is authenticated with it, so that one cannot be moved to another place.
 */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { closeSync, fstatSync, fsyncSync, linkSync, openSync, readFileSync, unlinkSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { StoreError } from './database.js';

const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const PREFIX = 'v1.';

export interface SecretBox {
  seal(secret: string, place: string): string;
  /** Throws StoreError when this key did not seal it at this place. */
  open(sealed: string, place: string): string;
}

export function secretBox(key: Uint8Array): SecretBox {
  return {
    seal(secret, place) {
      const nonce = randomBytes(NONCE_BYTES);
      const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(place));
      const ciphertext = Buffer.concat([cipher.update(secret, 'utf8'), cipher.final()]);
      return PREFIX + Buffer.concat([nonce, cipher.getAuthTag(), ciphertext]).toString('base64url');
    },
    open(sealed, place) {
      const bytes = Buffer.from(sealed.slice(PREFIX.length), 'base64url');
      try {
        const nonce = bytes.subarray(0, NONCE_BYTES);
        const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES });
        decipher.setAAD(Buffer.from(place)).setAuthTag(bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES));
        const rest = bytes.subarray(NONCE_BYTES + TAG_BYTES);
        return Buffer.concat([decipher.update(rest), decipher.final()]).toString('utf8');
      } catch {
        throw new StoreError(
          `the key file does not open what is stored at ${place}; restore the key file of this database`,
        );
      }
    },
  };
}

/**
 * Reads the key, or undefined when there is no such file. Throws StoreError when others may read it or it holds no
 * key.
 */
export function readKey(path: string): Uint8Array | undefined {
  let fd: number;
  try {
    fd = openSync(path, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new StoreError(
      `key file ${path} cannot be read (${(error as NodeJS.ErrnoException).code}); check its rights`,
    );
  }
  try {
    if ((fstatSync(fd).mode & 0o077) !== 0) {
      throw new StoreError(`key file ${path} can be used by others than its owner; chmod 600 it`);
    }
    const key = Buffer.from(readFileSync(fd, 'latin1').trim(), 'base64');
    if (key.length === KEY_BYTES) return key;
    throw new StoreError(`key file ${path} does not hold a key; restore it from a backup`);
  } finally {
    closeSync(fd);
  }
}

/** Makes a key file, whole or not at all, whatever happens meanwhile. */
export function makeKey(path: string): Uint8Array {
  const key = randomBytes(KEY_BYTES);
  const draft = `${path}.${randomBytes(6).toString('hex')}`;
  const fd = openSync(draft, 'wx', 0o600);
  try {
    writeSync(fd, `${key.toString('base64')}\n`);
    fsyncSync(fd);
    linkSync(draft, path);
  } finally {
    closeSync(fd);
    unlinkSync(draft);
  }
  const folder = openSync(dirname(path), 'r');
  fsyncSync(folder);
  closeSync(folder);
  return key;
}
