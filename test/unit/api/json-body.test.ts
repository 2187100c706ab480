/** JSON that no document is, on every route that takes one: refused with a reason, and in time. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ask } from './box.js';
import { openSetUp } from './browser.js';

const deep = (levels: number, open: string, inner: string, close: string) =>
  open.repeat(levels) + inner + close.repeat(levels);

const BODIES: readonly [string, string, number][] = [
  ['lists in lists', deep(200_000, '[', '', ']'), 400],
  ['objects in objects', deep(200_000, '{"a":', '1', '}'), 400],
  [
    'one deep member in each document',
    `{${['filter', 'backup', 'imported', 'lns', 'ranges', 'name', 'password', 'routes']
      .map((name) => `"${name}":${deep(20_000, '[', '', ']')}`)
      .join()}}`,
    400,
  ],
  ['__proto__', '{"name":{"__proto__":{"role":"admin"}}}', 400],
  ['a constructor with a prototype', '{"constructor":{"prototype":{"role":"admin"}}}', 400],
  ['one very long name', `{"${'k'.repeat(1_000_000)}":1}`, 422],
];

test('what no document is, is refused with a short reason wherever it is sent', async (t) => {
  const { box, port, cookie } = await openSetUp(t);
  const { paths } = box.app.swagger() as { paths: Record<string, Record<string, { requestBody?: object }>> };
  const taking = Object.entries(paths).flatMap(([path, operations]) =>
    Object.entries(operations).flatMap(([method, { requestBody }]) => {
      const isJson = JSON.stringify(requestBody ?? {}).includes('application/json');
      return isJson ? [{ method: method.toUpperCase(), path: path.replace(/\{\w+\}/g, '1-1') }] : [];
    }),
  );
  assert.ok(taking.length >= 8, `${taking.length}`);
  const headers = { cookie, 'content-type': 'application/json' };
  for (const { method, path } of taking) {
    for (const [what, body, expected] of BODIES) {
      const { status, text } = await ask({ port, method, path, headers }, body);
      // The other ones are of resources that look at something else first.
      assert.ok([expected, 400, 404, 409, 413].includes(status), `${method} ${path}: ${what}: ${status}`);
      assert.ok(text.length < 2_000, `${method} ${path}: ${what}: ${text.length}`);
    }
  }
  assert.equal('role' in {}, false);
});

test('what is no JSON is not told back: there may be a password in it', async (t) => {
  const { port, cookie } = await openSetUp(t);
  for (const body of ['{"password":"open sesame"x', '{"password":open sesame}', 'open sesame']) {
    const headers = { cookie, 'content-type': 'application/json' };
    const { status, text } = await ask({ port, method: 'PUT', path: '/api/v1/users/alice', headers }, body);
    assert.equal(status, 400);
    assert.doesNotMatch(text, /sesame/);
  }
});
