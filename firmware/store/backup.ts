/**
 * A backup: all documents of a box with their secrets, sealed with a passphrase, as one JSON document that may be kept
 * anywhere. Must not check the documents by the rules, nor let a secret into a message.
 *
 * `sealed` is base64 of
 *
 *    0                12                28
 *   +----------------+-----------------+-------------------------------------+
 *   | nonce          | tag             | AES-256-GCM of gzip of the lines …  |
 *   +----------------+-----------------+-------------------------------------+
 *
 * under scrypt (RFC 7914) of the passphrase with `salt`. The lines are JSON: the settings, how many pools follow, each pool,
 * each user. All else in the document is authenticated with it. `checksum` tells damage from a wrong passphrase.
 */
import { createCipheriv, createDecipheriv, createHash, randomBytes, scrypt } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import { type Static, Type } from 'typebox';
import type { Problem } from '../settings.js';
import { type Content, type UncheckedContent, USERS_AT_ONCE } from './content.js';
import { compileShape } from './shape.js';

const FORMAT = 'tunnelwerk-backup';
const VERSION = 1;
/** 32 MiB, and some 100 ms on a PC: who has the file may try passphrases for as long as they like. */
const COST = { N: 32_768, r: 8, p: 1, maxmem: 64 * 1024 * 1024 };
const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
/** What a box full of users comes to, and some. */
const MAX_CONTENT_BYTES = 128 * 1024 * 1024;

const closed = { additionalProperties: false };
export const BackupSchema = Type.Object(
  {
    format: Type.Literal(FORMAT),
    version: Type.Literal(VERSION),
    createdAt: Type.String({ maxLength: 40, description: 'ISO 8601' }),
    hostName: Type.String({ maxLength: 255 }),
    program: Type.String({ maxLength: 255, description: 'version of the program that made it' }),
    salt: Type.String({ maxLength: 64, description: 'of scrypt, base64' }),
    checksum: Type.String({ maxLength: 64, description: 'SHA-256 of all else, base64' }),
    sealed: Type.String(),
  },
  closed,
);
export type Backup = Static<typeof BackupSchema>;
/** What of a backup everybody may read. */
type Cover = Omit<Backup, 'checksum' | 'sealed'>;

export type Opened = { ok: true; content: UncheckedContent } | { ok: false; problems: Problem[] };

const backupShape = compileShape(BackupSchema);

export async function sealBackup(
  content: Content,
  passphrase: string,
  about: Pick<Backup, 'createdAt' | 'hostName' | 'program'>,
): Promise<Backup> {
  const salt = randomBytes(16).toString('base64');
  const cover: Cover = { format: FORMAT, version: VERSION, ...about, salt };
  const key = await derive(passphrase, salt);
  const packed = await promisify(gzip)(await emitLines(content));
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(coverText(cover)));
  const ciphertext = Buffer.concat([cipher.update(packed), cipher.final()]);
  const sealed = Buffer.concat([nonce, cipher.getAuthTag(), ciphertext]).toString('base64');
  return { ...cover, checksum: checksum(cover, sealed), sealed };
}

/** `field` of a problem is a JSON pointer into the backup; that of the passphrase is told by `passphrase`. */
export async function openBackup(document: unknown, passphrase: string): Promise<Opened> {
  const problem = foreignFormat(document);
  if (problem !== undefined) return refused(problem.field, problem.reason);
  const shaped = backupShape(document);
  if (!shaped.ok) return { ok: false, problems: shaped.problems.map((each) => at(each)) };
  const { sealed, checksum: expected, ...cover } = shaped.value;
  if (checksum(cover, sealed) !== expected) {
    return refused('/backup', 'is damaged: its checksum does not fit; take another copy of it');
  }
  const bytes = Buffer.from(sealed, 'base64');
  const packed = unseal(bytes, await derive(passphrase, cover.salt), coverText(cover));
  if (packed === undefined) return refused('/passphrase', 'is not the one that this backup was made with');
  try {
    const text = await promisify(gunzip)(packed, { maxOutputLength: MAX_CONTENT_BYTES });
    return { ok: true, content: await parseLines(text) };
  } catch {
    return refused('/backup', 'holds nothing that this program can read; take another backup');
  }
}

const at = ({ field, reason }: Problem): Problem => ({ field: `/backup${field}`, reason });
const refused = (field: string, reason: string): Opened => ({ ok: false, problems: [{ field, reason }] });

/** Of another version nothing else can be said. */
function foreignFormat(document: unknown): Problem | undefined {
  if (typeof document !== 'object' || document === null || !('format' in document) || document.format !== FORMAT) {
    return { field: '/backup', reason: 'is no backup of this program; give the document that POST /backup gave' };
  }
  if (!('version' in document) || document.version === VERSION) return undefined;
  const reason = `is ${JSON.stringify(document.version)?.slice(0, 20)}, and this program reads ${VERSION}; restore it with the program that made it`;
  return { field: '/backup/version', reason };
}

function derive(passphrase: string, salt: string): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    scrypt(passphrase.normalize('NFC'), Buffer.from(salt, 'base64'), KEY_BYTES, COST, (error, key) => {
      if (error) reject(error);
      else resolve(key);
    });
  });
}

const coverText = ({ format, version, createdAt, hostName, program, salt }: Cover): string =>
  JSON.stringify([format, version, createdAt, hostName, program, salt]);

const checksum = (cover: Cover, sealed: string): string =>
  createHash('sha256').update(coverText(cover)).update(sealed).digest('base64');

function unseal(bytes: Buffer, key: Buffer, cover: string): Buffer | undefined {
  if (bytes.length < NONCE_BYTES + TAG_BYTES) return undefined;
  const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, NONCE_BYTES), { authTagLength: TAG_BYTES });
  decipher.setAAD(Buffer.from(cover)).setAuthTag(bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES));
  try {
    return Buffer.concat([decipher.update(bytes.subarray(NONCE_BYTES + TAG_BYTES)), decipher.final()]);
  } catch {
    return undefined;
  }
}

async function emitLines({ settings, pools, users }: Content): Promise<Buffer> {
  const lines = [settings, pools.length, ...pools].map((each) => JSON.stringify(each));
  for (const [at, user] of users.entries()) {
    lines.push(JSON.stringify(user));
    if (at % USERS_AT_ONCE === 0) await setImmediate();
  }
  return Buffer.from(lines.join('\n'));
}

/** Throws when a line is not JSON. */
async function parseLines(text: Buffer): Promise<UncheckedContent> {
  const [settings = '', count = '', ...lines] = text.toString().split('\n');
  const documents: unknown[] = [];
  for (const [at, line] of lines.entries()) {
    documents.push(JSON.parse(line));
    if (at % USERS_AT_ONCE === 0) await setImmediate();
  }
  const poolCount = Number(count);
  return {
    settings: JSON.parse(settings),
    pools: documents.slice(0, poolCount),
    users: documents.slice(poolCount),
  };
}
