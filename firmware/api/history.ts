/** What was: calls, and changes of settings, users and pools; the newest first, in pages. */
import { type Static, Type } from 'typebox';
import type { Api, ApiContext } from './context.js';

const PageSchema = Type.Object({
  limit: Type.Integer({ minimum: 1, maximum: 1000, default: 100 }),
  before: Type.Optional(Type.Integer({ minimum: 1, description: 'the last id of the page before' })),
});
const CallPageSchema = Type.Object({
  ...PageSchema.properties,
  before: Type.Integer({
    ...{ minimum: 1, maximum: Number.MAX_SAFE_INTEGER, default: Number.MAX_SAFE_INTEGER },
    description: 'the last id of the page before',
  }),
  after: Type.Integer({ minimum: 0, default: 0, description: 'calls alone that are newer than the one of this id' }),
  user: Type.String({ maxLength: 253, default: '', description: 'of this user alone' }),
  address: Type.String({ maxLength: 45, default: '', description: 'of those who had this address alone' }),
});
const CallSchema = Type.Object({
  id: Type.Integer(),
  role: Type.Enum(['lns', 'lac', 'lac-client']),
  user: Type.String(),
  address: Type.String(),
  peerAddress: Type.String(),
  callingNumber: Type.String(),
  sessionId: Type.Integer(),
  tunnelId: Type.Integer(),
  startedAt: Type.String(),
  endedAt: Type.String(),
  cause: Type.String(),
  receivedPackets: Type.Number(),
  receivedOctets: Type.Number(),
  sentPackets: Type.Number(),
  sentOctets: Type.Number(),
});
export type Call = Static<typeof CallSchema>;

const AuditEntrySchema = Type.Object({
  id: Type.Integer(),
  at: Type.String(),
  who: Type.String(),
  action: Type.Enum(['put', 'delete']),
  resource: Type.String(),
  fields: Type.Array(Type.String()),
});
export type AuditEntry = Static<typeof AuditEntrySchema>;

export function historyResource(app: Api, { store }: ApiContext): void {
  app.get(
    '/api/v1/calls',
    {
      schema: {
        summary: 'Calls that were, the newest first',
        tags: ['calls'],
        querystring: CallPageSchema,
        response: { 200: Type.Array(CallSchema) },
      },
    },
    ({ query: { limit, ...page } }) => store.calls.newest(limit, page),
  );
  app.get(
    '/api/v1/audit',
    {
      schema: {
        summary: 'Who changed what, the newest first',
        tags: ['settings'],
        querystring: PageSchema,
        response: { 200: Type.Array(AuditEntrySchema) },
      },
    },
    ({ query }) => store.audit.newest(query.limit, query.before),
  );
}
