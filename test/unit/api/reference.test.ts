/** The API's own description: whole, and valid OpenAPI 3.1 by the rules of its specification. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { openBox } from './box.js';

interface Parameter {
  name: string;
  in: string;
  required?: boolean;
  schema?: object;
}
interface Operation {
  summary?: string;
  tags?: string[];
  operationId?: string;
  parameters?: Parameter[];
  requestBody?: { content: Record<string, { schema?: object }> };
  responses?: Record<string, { description?: string; content?: Record<string, { schema?: object }> }>;
  security?: Record<string, string[]>[];
}
interface Document {
  openapi: string;
  info: { title: string; version: string };
  tags: { name: string }[];
  security: Record<string, string[]>[];
  components: { securitySchemes: Record<string, { type: string }>; schemas?: Record<string, object> };
  paths: Record<string, Record<string, Operation>>;
}

async function described(t: TestContext): Promise<{ routes: string[]; document: Document }> {
  const routes: string[] = [];
  const { app } = await openBox(t, {
    before: (server) => {
      server.addHook('onRoute', ({ url, method, onRequest }) => {
        // What has a hook of its own says that a method is not known.
        if (onRequest !== undefined || !/^\/(api|metrics)/.test(url) || /^\/api\/v1\/reference/.test(url)) return;
        for (const one of [method].flat()) if (one !== 'HEAD') routes.push(`${one} ${url.replace(/:(\w+)/g, '{$1}')}`);
      });
    },
  });
  return { routes, document: app.swagger() as unknown as Document };
}

const operationsOf = ({ paths }: Document): [string, Operation][] =>
  Object.entries(paths).flatMap(([path, operations]) =>
    Object.entries(operations).map(([method, operation]): [string, Operation] => [
      `${method.toUpperCase()} ${path}`,
      operation,
    ]),
  );

test('each route is described: what it does, in a line, and where it belongs', async (t) => {
  const { routes, document } = await described(t);
  const operations = new Map(operationsOf(document));
  assert.ok(routes.length > 40);
  for (const route of routes) {
    const { summary = '', tags = [] } = operations.get(route) ?? {};
    assert.ok(summary.length > 3 && summary.length < 80, `${route} has a summary`);
    assert.equal(tags.length, 1, `${route} has a tag`);
  }
  assert.deepEqual(
    [...operations.keys()].filter((route) => !routes.includes(route)),
    [],
  );
});

test('the document is OpenAPI 3.1: versions, tags, ways to sign in', async (t) => {
  const { document } = await described(t);
  assert.match(document.openapi, /^3\.1\.\d+$/);
  assert.ok(document.info.title && document.info.version);
  const tags = document.tags.map(({ name }) => name);
  assert.equal(new Set(tags).size, tags.length);
  const schemes = Object.keys(document.components.securitySchemes);
  for (const [route, { tags: of = [], security = [] }] of operationsOf(document)) {
    for (const tag of of) assert.ok(tags.includes(tag), `${route}: ${tag}`);
    for (const name of [...security, ...document.security].flatMap(Object.keys))
      assert.ok(schemes.includes(name), route);
  }
});

test('each path has the parameters that it names, each answer a description, each body a schema', async (t) => {
  const { document } = await described(t);
  const ids = operationsOf(document).flatMap(([, { operationId }]) => operationId ?? []);
  assert.equal(new Set(ids).size, ids.length);
  for (const [route, { parameters = [], requestBody, responses = {} }] of operationsOf(document)) {
    const inPath = parameters.filter((parameter) => parameter.in === 'path');
    const named = Array.from(route.matchAll(/\{(\w+)\}/g), ([, name]) => name);
    assert.deepEqual(inPath.map(({ name }) => name).sort(), named.sort(), route);
    for (const { name, required } of inPath) assert.equal(required, true, `${route}: ${name}`);
    const keys = parameters.map((parameter) => `${parameter.in} ${parameter.name}`);
    assert.equal(new Set(keys).size, keys.length, route);
    for (const { name, schema, in: place } of parameters) {
      assert.ok(schema, `${route}: ${name}`);
      assert.ok(['path', 'query', 'header', 'cookie'].includes(place), route);
    }
    assert.ok(Object.keys(responses).length > 0, route);
    for (const [status, { description }] of Object.entries(responses)) {
      assert.match(status, /^([1-5](\d\d|XX)|default)$/, route);
      assert.equal(typeof description, 'string', `${route} ${status}`);
    }
    if (requestBody !== undefined) assert.ok(Object.keys(requestBody.content).length > 0, route);
  }
});

test('each schema in it is JSON Schema 2020-12, and leads nowhere outside', async (t) => {
  const { document } = await described(t);
  const ajv = new Ajv2020({ strict: false, validateFormats: false });
  let count = 0;
  for (const [route, { parameters = [], requestBody, responses = {} }] of operationsOf(document)) {
    const contents = [requestBody, ...Object.values(responses)].flatMap((one) => Object.values(one?.content ?? {}));
    for (const { schema } of [...parameters, ...contents]) {
      if (schema === undefined) continue;
      count += 1;
      assert.equal(ajv.validateSchema(schema), true, `${route}: ${ajv.errorsText()}`);
      ajv.compile(schema);
    }
  }
  assert.ok(count > 80, `${count} schemas`);
  assert.doesNotMatch(JSON.stringify(document), /"\$ref":"(?!#\/)/);
});
