/** Whether the box is alive, and how it is. */
import { type Static, Type } from 'typebox';
import type { Api, ApiContext } from './context.js';

export const OperatingProblemSchema = Type.Object({ what: Type.String(), advice: Type.String() });

const OffloadSchema = Type.Union([Type.Boolean(), Type.Null()], {
  description: 'whether it is on; null: not known, or the driver does not have it',
});

const HealthSchema = Type.Object({ status: Type.Literal('ok') });
const StatusSchema = Type.Object({
  hostName: Type.String(),
  version: Type.String(),
  startedAt: Type.String(),
  lns: Type.Object({ enabled: Type.Boolean(), listening: Type.Boolean() }),
  lac: Type.Object({ enabled: Type.Boolean(), listening: Type.Boolean() }),
  lacClients: Type.Array(
    Type.Object({
      name: Type.String(),
      enabled: Type.Boolean(),
      server: Type.String(),
      state: Type.String(),
      lastError: Type.String(),
      redialAt: Type.String(),
    }),
  ),
  ports: Type.Array(
    Type.Object(
      { name: Type.String(), gro: OffloadSchema, udpGroForwarding: OffloadSchema },
      { description: 'Ethernet ports of the box; see routing.portOffload' },
    ),
  ),
  tunnels: Type.Integer(),
  sessions: Type.Integer(),
  memory: Type.Object({
    resident_bytes: Type.Integer(),
    perSession_bytes: Type.Integer(),
    sessionsThatFit: Type.Integer(),
  }),
  drops: Type.Record(Type.String(), Type.Number()),
  problems: Type.Array(OperatingProblemSchema),
});

export type Status = Static<typeof StatusSchema>;

export function statusResource(app: Api, { view, listeners, certificate, reach }: ApiContext): void {
  app.get(
    '/api/v1/health',
    {
      config: { access: 'open' },
      schema: { summary: 'Whether the box is alive', tags: ['box'], response: { 200: HealthSchema } },
    },
    () => ({
      status: 'ok' as const,
    }),
  );

  app.get(
    '/api/v1/status',
    { schema: { summary: 'Roles, problems, drops, ports, memory', tags: ['box'], response: { 200: StatusSchema } } },
    () => {
      const status = view.status();
      const problems = [status, certificate, listeners, reach].flatMap((part) => part.problems);
      return { ...status, problems };
    },
  );
}
