/** Reads the detail file that FreeRADIUS writes of accounting: what it has taken, in its own words. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Lab } from '../lab/namespaces.js';

/** Attributes by FreeRADIUS's names; texts are in quotes. */
export type DetailRecord = Record<string, string>;

/** Of the server of this name. In the order of their coming, repetitions too: a line with a date, then indented attributes, then an empty line. */
export function readDetail(lab: Lab, server = 'freeradius'): DetailRecord[] {
  const path = join(lab.folder, server, 'accounting');
  if (!existsSync(path)) return [];
  const entries = readFileSync(path, 'utf8').split(/\n\n+/);
  return entries
    .map((entry) =>
      Object.fromEntries([...entry.matchAll(/^\t(\S+) = (.*)$/gm)].map(([, name, value]) => [name!, value!])),
    )
    .filter((record) => 'Acct-Status-Type' in record);
}
