/**
 * Changes of settings that may cut off who makes them: in force at once, and taken back unless they are confirmed by
 * somebody who still reaches the box.
 */
import type { FastifyRequest } from 'fastify';
import { type Static, Type } from 'typebox';
import type { Wait } from '../store/unconfirmed.js';
import { whoAsks } from './authentication.js';
import type { Api, ApiContext } from './context.js';
import { notFound } from './problem.js';

const DEFAULT_WAIT_S = 60;

/** Of a change of settings. */
export const ConfirmQuerySchema = Type.Object({
  confirm: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: 600,
      description: `a change of /api, /interfaces or /routing goes back unless it is confirmed within so many seconds; left out: ${DEFAULT_WAIT_S} over TCP, and it stays over the Unix socket`,
    }),
  ),
});
const UntilSchema = Type.Object({ until: Type.String({ description: 'ISO 8601' }) });
/** What a change of settings is answered with: until when it is to be confirmed. */
export const ConfirmSchema = Type.Union([Type.Null(), UntilSchema]);
const UnconfirmedSchema = Type.Object({
  ...UntilSchema.properties,
  who: Type.String({ description: 'who made the change, the last one of several' }),
  fields: Type.Array(Type.String(), { description: 'JSON pointers of what goes back' }),
});
export type Unconfirmed = Static<typeof UnconfirmedSchema>;

/** Who sits at the box cannot cut himself off. */
export function waitOf(request: FastifyRequest, confirm: number | undefined): Wait | undefined {
  const wait_s = confirm ?? (request.asker?.via === 'local' ? undefined : DEFAULT_WAIT_S);
  return wait_s === undefined ? undefined : { until_ms: Date.now() + wait_s * 1000, wait_ms: wait_s * 1000 };
}

export function untilOf({ store }: ApiContext): Static<typeof ConfirmSchema> {
  const waiting = store.documents.unconfirmed();
  return waiting === undefined ? null : { until: new Date(waiting.held.until_ms).toISOString() };
}

const nothingWaits = () => notFound('change of settings that waits to be confirmed');

export function unconfirmedResource(app: Api, { store, confirmation }: ApiContext): void {
  app.get(
    '/api/v1/settings/unconfirmed',
    {
      schema: {
        ...{ summary: 'The change of settings that waits to be confirmed, or null', tags: ['settings'] },
        response: { 200: Type.Union([Type.Null(), UnconfirmedSchema]) },
      },
    },
    () => {
      const waiting = store.documents.unconfirmed();
      if (waiting === undefined) return null;
      const { held, fields } = waiting;
      return { until: new Date(held.until_ms).toISOString(), who: held.who, fields };
    },
  );

  app.post(
    '/api/v1/settings/confirm',
    { schema: { summary: 'The change of settings stays', tags: ['settings'] } },
    (_request, reply) => {
      if (!confirmation.confirm()) throw nothingWaits();
      return reply.code(204).send();
    },
  );

  app.delete(
    '/api/v1/settings/unconfirmed',
    { schema: { summary: 'The change of settings goes back now', tags: ['settings'] } },
    async (request, reply) => {
      if (!(await confirmation.takeBack(whoAsks(request)))) throw nothingWaits();
      return reply.code(204).send();
    },
  );
}
