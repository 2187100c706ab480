/** How much a browser has to fetch to have the whole page. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

const PAGE = resolve(fileURLToPath(import.meta.url), '../../../page');
const MOST_BYTES = 200_000;

test(`all files of the page take at most ${MOST_BYTES} octets, compressed`, () => {
  const files = readdirSync(PAGE, { recursive: true, encoding: 'utf8' })
    .map((path) => join(PAGE, path))
    .filter((path) => statSync(path).isFile());
  assert.ok(files.length > 0, 'the page is built');
  const size_bytes = files.reduce((sum, path) => sum + gzipSync(readFileSync(path)).length, 0);
  console.log(`${files.length} files of the page: ${size_bytes} octets, compressed`);
  assert.ok(size_bytes <= MOST_BYTES, `${size_bytes} octets`);
});
