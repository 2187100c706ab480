/** What was: calls, and changes of settings, users and pools; the newest first, in pages. */
import { type Static, Type } from 'typebox';
import type { Api, ApiContext } from './context.js';

const PageSchema = Type.Object({
  limit: Type.Integer({ minimum: 1, maximum: 1000, default: 100 }),
  before: Type.Optional(Type.Integer({ minimum: 1, description: 'the last id of the page before' })),
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
        querystring: PageSchema,
        response: { 200: Type.Array(CallSchema) },
      },
    },
    ({ query }) => store.calls.newest(query.limit, query.before),
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
