/**
 * Lists what a build with Buildroot fetches, one line a file: package, file, where from and whether its hash is known. Ends
 * with status 1 when a file has none.
 * list-sources.js INFO BUILDROOT: INFO is what Buildroot's `make show-info` says.
 */
import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';

const [info, buildroot] = process.argv.slice(2);
if (buildroot === undefined) throw new Error('usage: node list-sources.js INFO BUILDROOT');

/** A line of a hash file: kind of hash, hash, file. */
function isKnown(source, hashFiles) {
  return hashFiles
    .map((file) => resolve(buildroot, file))
    .filter((file) => existsSync(file))
    .flatMap((file) => readFileSync(file, 'utf8').split('\n'))
    .map((line) => line.trim().split(/\s+/))
    .some(([kind, , file]) => (kind === 'sha256' || kind === 'sha512') && file === source);
}

let unknown = 0;
for (const [name, { downloads = [], hashes = [] }] of Object.entries(JSON.parse(readFileSync(info, 'utf8')))) {
  for (const { source, uris } of downloads) {
    const from = uris[0].replace(/^[^+]*\+/, '');
    if (uris[0].startsWith('local+')) continue; // the project's own
    const known = isKnown(source, hashes);
    if (!known) unknown += 1;
    console.log(`${name} ${source} ${from} ${known ? 'hash' : 'no hash'}`);
  }
}
process.exitCode = unknown === 0 ? 0 : 1;
