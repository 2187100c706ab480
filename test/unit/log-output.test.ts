/** The log's way out, in a process of its own: no line is lost and none comes twice, however the process ends. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';

const MODULE = new URL('../../firmware/log-output.js', import.meta.url).href;
const LINES = 5_000;

/** Runs `program`, which has an `output`; gives what it wrote and its status. */
async function run(program: string): Promise<{ written: string; status: number | null }> {
  const source = `import { logOutput } from ${JSON.stringify(MODULE)}; const output = logOutput(); ${program}`;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', source], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const [written, [status]] = await Promise.all([text(child.stdout), once(child, 'close') as Promise<[number | null]>]);
  return { written, status };
}

const manyLines = `for (let n = 0; n < ${LINES}; n++) output.write(\`line \${n} ${'x'.repeat(100)}\\n\`);`;
const expected = Array.from({ length: LINES }, (_, n) => `line ${n} ${'x'.repeat(100)}\n`).join('');

test('many lines at once come in their order, more than a pipe takes', async () => {
  assert.deepEqual(await run(manyLines), { written: expected, status: 0 });
});

test('lines before process.exit and before a fault are written', async () => {
  assert.deepEqual(await run(`${manyLines} process.exit(3);`), { written: expected, status: 3 });
  assert.deepEqual(await run(`${manyLines} throw new Error('fault');`), { written: expected, status: 1 });
});

test('lines that came in one go are there in the next, before anything else asks for them', async () => {
  const kill = "setImmediate(() => setImmediate(() => process.kill(process.pid, 'SIGKILL')));";
  assert.deepEqual(await run(`output.write('first\\n'); output.write('second\\n'); ${kill}`), {
    written: 'first\nsecond\n',
    status: null,
  });
});
