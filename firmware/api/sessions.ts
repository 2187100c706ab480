/** The calls that live, and their end by request. */
import { type Static, Type } from 'typebox';
import type { Api, ApiContext } from './context.js';
import { notFound } from './problem.js';

export const CountersSchema = Type.Object({
  receivedPackets: Type.Number(),
  receivedOctets: Type.Number(),
  sentPackets: Type.Number(),
  sentOctets: Type.Number(),
});

const SessionSchema = Type.Object({
  callId: Type.Integer(),
  sessionId: Type.Integer(),
  l2tpSessionId: Type.Integer(),
  peerSessionId: Type.Integer(),
  callSerialNumber: Type.Integer(),
  tunnelId: Type.Integer(),
  role: Type.Enum(['lns', 'lac', 'lac-client']),
  profile: Type.String(),
  state: Type.String(),
  user: Type.String(),
  address: Type.String(),
  interfaceId: Type.String(),
  linkLocalAddress: Type.String(),
  callingNumber: Type.String(),
  calledNumber: Type.String(),
  lns: Type.String(),
  proxied: Type.Enum(['no', 'lcp', 'lcp-and-authentication']),
  pppoe: Type.Union([
    Type.Null(),
    Type.Object({
      interface: Type.String(),
      mac: Type.String(),
      sessionId: Type.Integer(),
      vlanIds: Type.Array(Type.Integer()),
      serviceName: Type.String(),
      circuitId: Type.String(),
    }),
  ]),
  filters: Type.Array(Type.String()),
  sessionTimeout_s: Type.Integer(),
  idleTimeout_s: Type.Integer(),
  receiveRate_bps: Type.Integer(),
  sendRate_bps: Type.Integer(),
  accountingId: Type.String(),
  version: Type.Enum([2, 3]),
  encapsulation: Type.Enum(['udp', 'ip']),
  cookie_bytes: Type.Integer(),
  peerAddress: Type.String(),
  peerPort: Type.Integer(),
  since: Type.String(),
  counters: CountersSchema,
  mtu_bytes: Type.Integer(),
  authentication: Type.String(),
  lcp: Type.Object({
    localMru_bytes: Type.Integer(),
    peerMru_bytes: Type.Integer(),
    transmitAcfc: Type.Boolean(),
    transmitPfc: Type.Boolean(),
  }),
});
export type Session = Static<typeof SessionSchema>;

/** 32 bits in version 3. */
const SessionIdSchema = Type.Object({ sessionId: Type.Integer({ minimum: 1, maximum: 2 ** 32 - 1 }) });

/** A box may have 65,535: who wants all asks again after the last one, and the box does something else meanwhile. */
const PageSchema = Type.Object({
  limit: Type.Integer({ minimum: 1, maximum: 1_000, default: 1_000 }),
  after: Type.Integer({ minimum: 0, default: 0, description: 'callId of the last session of the page before' }),
});

export function sessionsResource(app: Api, { view }: ApiContext): void {
  app.get(
    '/api/v1/sessions',
    {
      schema: {
        summary: 'Sessions in pages, with all that is known of them',
        tags: ['calls'],
        querystring: PageSchema,
        response: { 200: Type.Array(SessionSchema) },
      },
    },
    ({ query }) => view.sessions(query.limit, query.after),
  );

  app.get(
    '/api/v1/sessions/:sessionId',
    { schema: { summary: 'A session', tags: ['calls'], params: SessionIdSchema, response: { 200: SessionSchema } } },
    ({ params }) => {
      const session = view.session(params.sessionId);
      if (!session) throw notFound(`session ${params.sessionId}`);
      return session;
    },
  );

  app.delete(
    '/api/v1/sessions/:sessionId',
    { schema: { summary: 'Disconnect a session', tags: ['calls'], params: SessionIdSchema } },
    ({ params }, reply) => {
      const wasThere = view.disconnectSession(params.sessionId, 'disconnected by the administrator');
      if (!wasThere) throw notFound(`session ${params.sessionId}`);
      return reply.code(204).send();
    },
  );
}
