/**
 * Joins the firmware's modules and the npm packages that it uses into a few files: a board takes longer to find, open and
 * unpack hundreds of small ones than to start everything else. Packages with machine code stay as they are, with what they
 * need, and so do the files of Swagger UI.
 * bundle-firmware.js MODULES APP: from dist/firmware and the packages in the folder MODULES to APP/dist/firmware, laid out
 * as the compiler does, and APP/node_modules.
 */
import { cpSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';

const KEPT = ['better-sqlite3', 'koffi'];
/** Their code is joined with the rest, their other files are found by their name. */
const FILES_OF = ['@fastify/swagger-ui'];
/** What is needed to build a package, or by people. */
const LEFT_OUT = [
  /\.(md|map|ts|mts|cts|cc|hh|inc|def|gyp|gypi)$/,
  /\/(test|tests|benchmark|examples)$/,
  /^better-sqlite3\/(deps|src)$/,
  /^better-sqlite3\/build\/(?!Release$|Release\/better_sqlite3\.node$)/,
  /^koffi\/(vendor|doc|src\/koffi\/src\/abi|src\/koffi\/CMakeLists\.txt)$/,
  /^@koromix\/[^/]*\/musl_/,
];
const project = fileURLToPath(new URL('../../', import.meta.url));
const [modules, app] = process.argv.slice(2);
if (app === undefined) throw new Error('usage: node bundle-firmware.js MODULES APP');

const bundle = await rolldown({
  cwd: project,
  input: {
    main: 'dist/firmware/main.js',
    'dataplane/worker': 'dist/firmware/dataplane/worker.js',
    'cli/main': 'dist/firmware/cli/main.js',
  },
  external: [/^node:/, ...KEPT],
  platform: 'node',
  logLevel: 'warn',
});
await bundle.write({
  dir: join(app, 'dist/firmware'),
  format: 'esm',
  entryFileNames: '[name].js',
  chunkFileNames: 'shared/[name].js',
  minify: { compress: true, mangle: false, codegen: true },
});
await bundle.close();

/** The packages that `name` needs at run time, with itself; those for other machines are not there. */
function needed(name, found = new Set()) {
  if (found.has(name) || !existsSync(join(modules, name))) return found;
  found.add(name);
  const { dependencies, optionalDependencies } = JSON.parse(readFileSync(join(modules, name, 'package.json'), 'utf8'));
  for (const other of Object.keys({ ...dependencies, ...optionalDependencies })) needed(other, found);
  return found;
}

/** Only building needs them. */
const BUILDERS = new Set(['prebuild-install']);
const all = KEPT.reduce((found, kept) => needed(kept, found), new Set(BUILDERS));
for (const name of [...all, ...FILES_OF]) {
  if (BUILDERS.has(name)) continue;
  const filter = (path) => !LEFT_OUT.some((pattern) => pattern.test(path.slice(modules.length).replace(/^\/+/, '')));
  cpSync(join(modules, name), join(app, 'node_modules', name), { recursive: true, filter });
}
