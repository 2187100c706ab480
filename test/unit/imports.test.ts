/** The rules of who may import whom, `.dependency-cruiser.cjs`, must find what breaks them. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const PROJECT = resolve(fileURLToPath(import.meta.url), '../../../..');

/** A file for each rule, and the rule that it breaks. */
const BROKEN: readonly [path: string, text: string, rule: string][] = [
  ['wire/a.ts', "import type { T } from '../roles/t.js';", 'wire-imports-nothing-of-ours'],
  ['crypto/a.ts', "import { t } from '../wire/t.js';", 'crypto-imports-nothing-of-ours'],
  ['protocol/l2tp/a.ts', "import { t } from '../../store/t.js';", 'protocol'],
  ['roles/a.ts', "import { t } from '../control/t.js';", 'roles'],
  ['dataplane/a.ts', "import { t } from '../linux/t.js';", 'dataplane'],
  ['dataplane/worker.ts', "import { t } from '../control/t.js';", 'dataplane-worker-joins-linux'],
  ['linux/a.ts', "import { t } from '../wire/t.js';", 'linux-imports-buffers-types-alone'],
  ['store/a.ts', "import { t } from '../control/t.js';", 'store'],
  ['control/a.ts', "import { t } from '../linux/t.js';", 'control'],
  ['api/a.ts', "import { t } from '../roles/t.js';", 'api'],
  ['wire/b.ts', "import { readFileSync } from 'node:fs';", 'cores-do-no-io'],
  ['protocol/ppp/b.ts', "import fastify from 'fastify';", 'cores-use-no-packages'],
  ['control/b.ts', "import koffi from 'koffi';", 'koffi-in-linux-alone'],
];

const TARGETS = ['roles', 'wire', 'store', 'control', 'linux'];

function violations(files: readonly (readonly [string, string, ...unknown[]])[]): Set<string> {
  const folder = mkdtempSync(join(tmpdir(), 'imports-'));
  try {
    symlinkSync(join(PROJECT, 'node_modules'), join(folder, 'node_modules'));
    for (const target of TARGETS) write(folder, `${target}/t.ts`, 'export interface T {}\nexport const t = 1;');
    for (const [path, text] of files) write(folder, path, text);
    const program = join(PROJECT, 'node_modules/dependency-cruiser/bin/dependency-cruise.mjs');
    const rules = join(PROJECT, '.dependency-cruiser.cjs');
    const args = [program, '--config', rules, '--output-type', 'json', 'firmware'];
    const { stdout, stderr } = spawnSync(process.execPath, args, { cwd: folder, encoding: 'utf8', maxBuffer: 1 << 26 });
    assert.notEqual(stdout, '', stderr);
    const { summary } = JSON.parse(stdout) as { summary: { violations: { rule: { name: string } }[] } };
    return new Set(summary.violations.map(({ rule }) => rule.name));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function write(folder: string, path: string, text: string): void {
  const file = join(folder, 'firmware', path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
}

test('each rule finds the import that breaks it, of types too', () => {
  const found = violations(BROKEN);

  for (const [path, text, rule] of BROKEN) assert.ok(found.has(rule), `${path}: ${text} does not break ${rule}`);
});

test('what is allowed breaks no rule', () => {
  const found = violations([
    ['protocol/l2tp/a.ts', "import { t } from '../../wire/t.js';\nimport { createHash } from 'node:crypto';"],
    ['dataplane/worker.ts', "import { t } from '../linux/t.js';"],
    ['linux/a.ts', "import koffi from 'koffi';"],
    ['control/a.ts', "import { t } from '../store/t.js';"],
  ]);

  assert.deepEqual([...found], []);
});

/** dependency-cruiser's parser does not know the page's language, in which markup stands among the code. */
test('the page takes from the firmware types of the API and of the settings alone, and no module of node', () => {
  const sources = readdirSync(join(PROJECT, 'web-ui'), { recursive: true, encoding: 'utf8' });
  const views = sources.filter((path) => /\.tsx?$/.test(path) && path !== 'vite.config.ts');
  assert.ok(views.length > 10);
  for (const path of views) {
    const text = readFileSync(join(PROJECT, 'web-ui', path), 'utf8');
    for (const [, statement = '', from = ''] of text.matchAll(/^((?:import|export)\b[^;]*?)from '([^']*)';/gm)) {
      assert.equal(from.startsWith('node:'), false, `${path}: ${from}`);
      if (!from.includes('/firmware/')) continue;
      assert.match(from, /\/firmware\/(api\/[\w-]+|settings[\w-]*)\.js$/, path);
      assert.match(statement, /^import type /, `${path}: ${from}`);
    }
  }
});

/** dependency-cruiser, with the parser that it has here, does not tell imports of types from others. */
test('the command takes types alone from the API', () => {
  const folder = join(PROJECT, 'firmware/cli');
  const sources = readdirSync(folder, { encoding: 'utf8' });
  assert.ok(sources.length > 3);
  for (const name of sources) {
    const text = readFileSync(join(folder, name), 'utf8');
    for (const [, statement = '', from = ''] of text.matchAll(/^((?:import|export)\b[^;]*?)from '([^']*)';/gm)) {
      if (from.startsWith('../')) assert.match(statement, /^import type /, `${name}: ${from}`);
    }
  }
});
