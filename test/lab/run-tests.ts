/**
 * Runs the compiled tests: first those that need nothing but a core, side by side; then those that share the machine's
 * namespaces and cores, one after the other. Adds up both and fails, too, when something was skipped where nothing may
 * be. Arguments choose folders or files under test/, as in `unit/wire interop/redial`. Knows no test.
 */
import { existsSync, readdirSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { Transform } from 'node:stream';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { fileURLToPath } from 'node:url';
import { mayNotSkip } from './requirements.js';

/** Folders whose tests lay namespaces, or measure. */
const SHARE_THE_MACHINE = /^(lab|interop|bench|browser|emulator)\//;
/** Tests elsewhere that need the machine for themselves say so in their name. */
const NEEDS_NAMESPACES = /\.lab\.test\.js$/;
/** They need the emulated board, and are run where they are asked for. */
const EMULATED = /^emulator\//;
const FILE_TIMEOUT_MS = 300_000;
/** A board that is emulated starts a dozen times. */
const EMULATOR_TIMEOUT_MS = 900_000;

const compiled = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const sources = resolve(compiled, '../../test');

/** Compiled tests whose source still exists, by their path under test/. */
function testFiles(chosen: readonly string[]): string[] {
  return readdirSync(compiled, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.test.js'))
    .filter((path) => existsSync(join(sources, path.replace(/\.js$/, '.ts'))))
    .filter((path) => (chosen.length === 0 ? !EMULATED.test(path) : chosen.some((start) => path.startsWith(start))))
    .sort();
}

interface Tally {
  tests: number;
  suites: number;
  pass: number;
  fail: number;
  cancelled: number;
  skipped: number;
  todo: number;
}
const tally: Tally = { tests: 0, suites: 0, pass: 0, fail: 0, cancelled: 0, skipped: 0, todo: 0 };
const skipped: string[] = [];

interface TestEvent {
  type: string;
  data: {
    name?: string;
    nesting?: number;
    file?: string;
    message?: string;
    skip?: string | boolean;
    details?: { type?: string };
  };
}

/** Takes node's own sums of each run out of the stream and adds them up; notes what was skipped. */
class Sums extends Transform {
  constructor() {
    super({ objectMode: true });
  }

  override _transform(
    event: TestEvent,
    _encoding: BufferEncoding,
    done: (error: null, event?: TestEvent) => void,
  ): void {
    const { data } = event;
    if (event.type === 'test:diagnostic' && data.nesting === 0) {
      const sum = /^(\w+) ([\d.]+)$/.exec(data.message ?? '');
      if (sum !== null) {
        if (sum[1]! in tally) tally[sum[1] as keyof Tally] += Number(sum[2]);
        done(null);
        return;
      }
    }
    if (event.type === 'test:pass' && data.skip !== undefined && data.skip !== false) {
      const file = data.file === undefined ? '' : relative(compiled, data.file);
      skipped.push(`${file}: ${data.name}${typeof data.skip === 'string' ? `: ${data.skip}` : ''}`);
    }
    done(null, event);
  }
}

async function runFiles(files: readonly string[], concurrency: number, timeout = FILE_TIMEOUT_MS): Promise<void> {
  if (files.length === 0) return;
  const events = run({ files: files.map((file) => join(compiled, file)), concurrency, timeout });
  const report = events.pipe(new Sums()).pipe(new spec());
  report.pipe(process.stdout, { end: false });
  await new Promise((resolve) => report.once('end', resolve));
}

const started_ms = performance.now();
const files = testFiles(process.argv.slice(2));
const apart = (file: string): boolean => SHARE_THE_MACHINE.test(file) || NEEDS_NAMESPACES.test(file);
await runFiles(
  files.filter((file) => !apart(file)),
  2,
);
const isEmulated = (file: string): boolean => EMULATED.test(file);
await runFiles(
  files.filter((file) => apart(file) && !isEmulated(file)),
  1,
);
await runFiles(files.filter(isEmulated), 1, EMULATOR_TIMEOUT_MS);

// Of a skipped suite node counts no test: it counts as one here.
const skippedSuites = skipped.length - tally.skipped;
tally.skipped += skippedSuites;
tally.tests += skippedSuites;
const failedBySkipping = skipped.length > 0 && mayNotSkip();
if (failedBySkipping) console.log(`\nskipped where nothing may be skipped:\n  ${skipped.join('\n  ')}`);
else if (skipped.length > 0)
  console.log(`\nskipped: ${[...new Set(skipped.map((line) => line.split(': ').at(-1)))].join('; ')}`);
for (const [name, count] of Object.entries(tally)) console.log(`# ${name} ${count}`);
console.log(`# duration_ms ${Math.round(performance.now() - started_ms)}`);
process.exitCode = tally.fail + tally.cancelled > 0 || failedBySkipping || tally.tests === 0 ? 1 : 0;
