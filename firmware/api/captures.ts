/** Captures of packets: begun, stopped, and read as pcapng. */
import { Readable } from 'node:stream';
import type { FastifyRequest } from 'fastify';
import { type Static, Type } from 'typebox';
import { compileShape } from '../store/shape.js';
import { whoAsks } from './authentication.js';
import type { Api, ApiContext } from './context.js';
import { ApiProblem, notFound, refusal } from './problem.js';

const MIN_SIZE_BYTES = 65_536;
/** Four of them are an eighth of a board's gigabyte. */
const MAX_SIZE_BYTES = 32 * 1024 * 1024;
/** The headers of L2TP and PPP, and those of IP and TCP behind them. */
const MIN_SNAP_BYTES = 96;
const MAX_SNAP_BYTES = 65_535;

/** Exactly one of the three: what the resource checks, since a schema of alternatives says nothing about a field. */
const FilterSchema = Type.Object(
  {
    sessionId: Type.Optional(Type.Integer({ minimum: 1, maximum: 2 ** 32 - 1 })),
    tunnelId: Type.Optional(Type.Integer({ minimum: 1, maximum: 65_535 })),
    user: Type.Optional(Type.String({ minLength: 1, maxLength: 253 })),
  },
  { additionalProperties: false, description: 'one of the three; a user or session that comes later is captured too' },
);

export const CaptureRequestSchema = Type.Object(
  {
    filter: FilterSchema,
    size_bytes: Type.Integer({
      minimum: MIN_SIZE_BYTES,
      maximum: MAX_SIZE_BYTES,
      default: 4 * 1024 * 1024,
      description: 'memory of the ring; used is the next power of two, and the oldest packets go first',
    }),
    snap_bytes: Type.Integer({
      minimum: MIN_SNAP_BYTES,
      maximum: MAX_SNAP_BYTES,
      default: MAX_SNAP_BYTES,
      description: 'so much of each packet is kept, from its L2TP or Ethernet header on',
    }),
    withoutSecrets: Type.Boolean({ default: true, description: 'passwords, challenges and responses become zeros' }),
    withoutPayload: Type.Boolean({ default: false, description: 'user packets end behind IP and transport headers' }),
  },
  { additionalProperties: false },
);
export type CaptureRequest = Static<typeof CaptureRequestSchema>;

export const CaptureSchema = Type.Object({
  id: Type.Integer(),
  filter: FilterSchema,
  state: Type.Enum(['running', 'stopped']),
  startedAt: Type.String(),
  sessions: Type.Integer({ description: 'calls and pseudowires in it now; 0: it waits for them' }),
  packets: Type.Integer(),
  octets: Type.Integer(),
  overwritten: Type.Integer({ description: 'of the packets so many are no longer there' }),
  size_bytes: Type.Integer(),
  snap_bytes: Type.Integer(),
  withoutSecrets: Type.Boolean(),
  withoutPayload: Type.Boolean(),
});
export type Capture = Static<typeof CaptureSchema>;

const IdSchema = Type.Object({ id: Type.Integer({ minimum: 1, maximum: 2 ** 32 - 1 }) });
const FILTERS = ['sessionId', 'tunnelId', 'user'] as const;
const checkRequest = compileShape(CaptureRequestSchema);

export function capturesResource(app: Api, { view: { captures }, store }: ApiContext): void {
  const noted = (request: FastifyRequest, action: 'put' | 'delete', resource: string) =>
    store.audit.note(Date.now(), { who: whoAsks(request), action, resource, fields: [] });

  const found = <T>(what: T | undefined, id: number): T => {
    if (what === undefined) throw notFound(`capture ${id}`);
    return what;
  };

  app.get(
    '/api/v1/captures',
    { schema: { summary: 'All captures', tags: ['calls'], response: { 200: Type.Array(CaptureSchema) } } },
    () => captures.list(),
  );

  app.post(
    '/api/v1/captures',
    {
      schema: { summary: 'Begin a capture', tags: ['calls'], response: { 201: CaptureSchema } },
      config: { body: CaptureRequestSchema },
    },
    async (request, reply) => {
      const capture = await captures.start(requested(request.body));
      if (typeof capture === 'string')
        throw new ApiProblem({ title: 'Too many captures', status: 409, detail: capture });
      noted(request, 'put', `captures/${capture.id}`);
      reply.code(201).header('location', `/api/v1/captures/${capture.id}`);
      return capture;
    },
  );

  app.get(
    '/api/v1/captures/:id',
    { schema: { summary: 'A capture', tags: ['calls'], params: IdSchema, response: { 200: CaptureSchema } } },
    async ({ params }) => found(await captures.get(params.id), params.id),
  );

  app.post(
    '/api/v1/captures/:id/stop',
    { schema: { summary: 'Stop a capture', tags: ['calls'], params: IdSchema, response: { 200: CaptureSchema } } },
    async (request) => {
      const { id } = request.params;
      const stopped = found(await captures.stop(id), id);
      noted(request, 'put', `captures/${id}/stop`);
      return stopped;
    },
  );

  app.get(
    '/api/v1/captures/:id/file',
    { schema: { summary: 'The packets, as pcapng', tags: ['calls'], params: IdSchema } },
    async (request, reply) => {
      const { id } = request.params;
      const { withoutSecrets } = found(await captures.get(id), id);
      if (!withoutSecrets && request.asker?.role !== 'admin') {
        const detail = 'there may be passwords in this capture: only administrators may read it';
        throw new ApiProblem({ title: 'Not allowed', status: 403, detail });
      }
      // Who has read what others said is of more weight than who has set something.
      noted(request, 'put', `captures/${id}/file`);
      reply.header('content-disposition', `attachment; filename="capture-${id}.pcapng"`);
      return reply
        .type('application/x-pcapng')
        .send(Readable.from(found(captures.file(id), id), { objectMode: false }));
    },
  );

  app.delete(
    '/api/v1/captures/:id',
    { schema: { summary: 'End and forget a capture', tags: ['calls'], params: IdSchema } },
    (request, reply) => {
      const { id } = request.params;
      if (!captures.remove(id)) throw notFound(`capture ${id}`);
      noted(request, 'delete', `captures/${id}`);
      return reply.code(204).send();
    },
  );
}

/** A body that is a request for a capture. Throws a refusal that names its fields otherwise. */
function requested(body: unknown) {
  const checked = checkRequest(body);
  if (!checked.ok) throw refusal(checked.problems);
  const { filter, ...rest } = checked.value;
  const { sessionId, tunnelId, user } = filter;
  const named = FILTERS.filter((name) => filter[name] !== undefined);
  if (named.length !== 1) {
    const reason = named.length === 0 ? 'names nobody' : `names ${named.join(' and ')}`;
    throw refusal([{ field: '/filter', reason: `${reason}; give one of ${FILTERS.join(', ')}` }]);
  }
  if (sessionId !== undefined) return { ...rest, filter: { sessionId } };
  return { ...rest, filter: tunnelId !== undefined ? { tunnelId } : { user: user ?? '' } };
}
