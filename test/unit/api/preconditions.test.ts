/** Two who edit one document: the second is told, and nothing of the first one's work is lost. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Box, openBox } from './box.js';

interface Reply {
  status: number;
  etag: string;
  body: Record<string, unknown>;
}

async function call(box: Box, method: 'GET' | 'PUT' | 'DELETE', path: string, body?: object, ifMatch?: string) {
  const response = await box.app.inject({
    ...{ method, url: `/api/v1/${path}` },
    headers: ifMatch === undefined ? {} : { 'if-match': ifMatch },
    ...(body === undefined ? {} : { payload: body }),
  });
  const text = response.body;
  const reply: Reply = {
    status: response.statusCode,
    etag: String(response.headers.etag ?? ''),
    body: text === '' ? {} : (JSON.parse(text) as Record<string, unknown>),
  };
  return reply;
}

const RANGE = { ranges: [{ first: '192.0.2.1', last: '192.0.2.9' }] };
const DOCUMENTS: readonly [string, object, object][] = [
  ['settings', { lns: { enabled: true, defaultSecret: 'of all' } }, { system: { hostName: 'lns2' } }],
  ['users/alice%20%2F%20branch', { password: 'of alice' }, { enabled: false }],
  ['pools/branch', RANGE, { ...RANGE, sticky: false }],
];

for (const [path, first, second] of DOCUMENTS) {
  test(`${path}: of two who read one edition the second to write is refused, and told who and when`, async (t) => {
    const box = await openBox(t);
    const made = await call(box, 'PUT', path, first);
    assert.ok(made.status < 300, JSON.stringify(made));
    const read = await call(box, 'GET', path);
    assert.match(read.etag, /^"[\w-]{43}"$/);
    assert.equal(read.etag, made.etag);
    const written = await call(box, 'PUT', path, second, read.etag);
    assert.equal(written.status, 200);
    assert.notEqual(written.etag, read.etag);
    const [entry] = box.store.audit.newest(1);
    const refused = await call(box, 'PUT', path, first, read.etag);
    assert.equal(refused.status, 412);
    assert.deepEqual(refused.body.changed, { who: entry?.who, at: entry?.at });
    assert.ok(String(refused.body.detail).includes(`${entry?.who} changed it at ${entry?.at}; read it again`));
    assert.equal((await call(box, 'GET', path)).etag, written.etag);
    assert.equal(box.store.audit.newest(1)[0]?.id, entry?.id);
  });

  test(`${path}: without If-Match, and with *, the last to write wins`, async (t) => {
    const box = await openBox(t);
    await call(box, 'PUT', path, first);
    assert.equal((await call(box, 'PUT', path, second)).status, 200);
    assert.equal((await call(box, 'PUT', path, first, '*')).status, 200);
    assert.equal((await call(box, 'PUT', path, second, `"other", ${(await call(box, 'GET', path)).etag}`)).status, 200);
  });
}

for (const [path, document] of DOCUMENTS.slice(1)) {
  test(`${path}: what changed meanwhile is not deleted, and what was deleted is not made anew`, async (t) => {
    const box = await openBox(t);
    const { etag } = await call(box, 'PUT', path, document);
    const current = (
      await call(box, 'PUT', path, { ...document, [path.startsWith('pools') ? 'sticky' : 'enabled']: false })
    ).etag;
    assert.equal((await call(box, 'DELETE', path, undefined, etag)).status, 412);
    assert.equal((await call(box, 'GET', path)).status, 200);
    assert.equal((await call(box, 'DELETE', path, undefined, current)).status, 204);
    const refused = await call(box, 'PUT', path, document, current);
    assert.equal(refused.status, 412);
    assert.match(String(refused.body.detail), / deleted it at /);
    assert.equal((await call(box, 'GET', path)).status, 404);
  });
}

test('a document that is put back as it was read stays the same edition', async (t) => {
  const box = await openBox(t);
  await call(box, 'PUT', 'settings', { lns: { defaultSecret: 'of all' } });
  const { etag, body } = await call(box, 'GET', 'settings');
  assert.equal((await call(box, 'PUT', 'settings', body, etag)).etag, etag);
});

test('the edition is another after each change of a secret, and tells nothing of the secret', async (t) => {
  const box = await openBox(t);
  const tags = new Set<string>();
  for (const password of ['first', 'second', 'first'])
    tags.add((await call(box, 'PUT', 'users/bob', { password })).etag);
  assert.equal(tags.size, 3);
});

test('the schemas of settings, users and pools have descriptions and defaults, and mark what is never read', async (t) => {
  const box = await openBox(t);
  const { properties } = (await call(box, 'GET', 'settings/schema')).body as {
    properties: Record<string, { properties: Record<string, object> }>;
  };
  assert.deepEqual(properties.lns?.properties.localAddress, {
    type: 'string',
    maxLength: 255,
    default: '10.112.112.1',
    description: 'our end of every link',
  });
  assert.deepEqual(properties.lns?.properties.defaultSecret, {
    ...{ type: 'string', minLength: 1, maxLength: 255, secret: true, writeOnly: true },
    description: 'tunnel secret for peers that no entry of tunnelPeers matches',
  });
  for (const [path, required] of [
    ['user', ['name']],
    ['pool', ['name', 'ranges']],
  ] as const) {
    const { body } = await call(box, 'GET', `settings/schema/${path}`);
    for (const name of required) assert.ok((body.required as string[]).includes(name), `${path} ${name}`);
  }
});
