/** How the access concentrator does: its interfaces, what it has said and dropped, and LNSes that have failed. */
import { type Static, Type } from 'typebox';
import type { Api, ApiContext } from './context.js';

const CountsSchema = Type.Record(Type.String(), Type.Number());

const PppoeSchema = Type.Object({
  enabled: Type.Boolean(),
  interfaces: Type.Array(
    Type.Object({
      name: Type.String(),
      isServed: Type.Boolean(),
      mac: Type.String(),
      mtu_bytes: Type.Integer(),
      sessions: Type.Integer(),
    }),
  ),
  received: CountsSchema,
  sent: CountsSchema,
  drops: CountsSchema,
  failedLnses: Type.Array(Type.Object({ server: Type.String(), until: Type.String() })),
});

export type Pppoe = Static<typeof PppoeSchema>;

export function pppoeResource(app: Api, { view }: ApiContext): void {
  app.get(
    '/api/v1/pppoe',
    { schema: { summary: 'How the access concentrator does', tags: ['calls'], response: { 200: PppoeSchema } } },
    () => view.pppoe(),
  );
}
