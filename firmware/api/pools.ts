/** Address pools, with how full they are. */
import { Type } from 'typebox';
import { PoolSchema } from '../settings.js';
import type { PoolWithSize } from '../store/documents.js';
import { whoAsks } from './authentication.js';
import type { Api, ApiContext } from './context.js';
import { Editions } from './preconditions.js';
import { ApiProblem, notFound, refusal } from './problem.js';

const PoolNameSchema = Type.Object({ name: Type.String({ minLength: 1, maxLength: 253 }) });
const PoolWithUsageSchema = Type.Object({
  ...PoolSchema.properties,
  size: Type.Integer({ description: 'addresses that it can lease' }),
  leased: Type.Integer({ description: 'addresses that are leased now' }),
});

export function poolsResource(app: Api, { store, view }: ApiContext): void {
  const { documents, leases } = store;
  const editions = new Editions(store);
  const shown = (pool: PoolWithSize, leased = leases.leasedByPool()) => ({
    ...pool,
    leased: leased.get(pool.name) ?? 0,
  });

  app.get(
    '/api/v1/pools',
    { schema: { summary: 'All pools', tags: ['settings'], response: { 200: Type.Array(PoolWithUsageSchema) } } },
    () => {
      const leased = leases.leasedByPool();
      return documents.pools().map((pool) => shown(pool, leased));
    },
  );

  app.get(
    '/api/v1/pools/:name',
    {
      schema: { summary: 'A pool', tags: ['settings'], params: PoolNameSchema, response: { 200: PoolWithUsageSchema } },
    },
    ({ params }, reply) => {
      const pool = documents.pool(params.name);
      if (!pool) throw notFound(`pool ${params.name}`);
      editions.tell(reply, `pools/${params.name}`);
      return shown(pool);
    },
  );

  app.put(
    '/api/v1/pools/:name',
    {
      config: { body: PoolSchema },
      schema: {
        summary: 'Write a pool',
        tags: ['settings'],
        params: PoolNameSchema,
        response: { '2xx': PoolWithUsageSchema },
      },
    },
    (request, reply) => {
      const { name } = request.params;
      editions.require(request, `pools/${name}`);
      const isNew = documents.pool(name) === undefined;
      const written = documents.writePool(name, withoutUsage(request.body), whoAsks(request));
      if (!written.ok) throw refusal(written.problems);
      view.poolsChanged();
      editions.tell(reply, `pools/${name}`);
      reply.code(isNew ? 201 : 200);
      return shown(documents.pool(name)!);
    },
  );

  app.delete(
    '/api/v1/pools/:name',
    { schema: { summary: 'Delete a pool', tags: ['settings'], params: PoolNameSchema } },
    (request, reply) => {
      const { name } = request.params;
      editions.require(request, `pools/${name}`);
      const deletion = documents.deletePool(name, whoAsks(request));
      if (deletion.result === 'unknown') throw notFound(`pool ${name}`);
      if (deletion.result === 'in-use') {
        throw new ApiProblem({ title: 'The pool is in use', status: 409, detail: deletion.reason });
      }
      view.poolsChanged();
      return reply.code(204).send();
    },
  );
}

/** What GET gave may be put back: the two figures in it are no part of the document. */
function withoutUsage(body: unknown): unknown {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return body;
  const { size: _size, leased: _leased, ...pool } = body as Record<string, unknown>;
  return pool;
}
