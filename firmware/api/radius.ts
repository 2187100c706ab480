/** How RADIUS does: its servers, what waits for them, and who changes calls. */
import { type Static, Type } from 'typebox';
import type { Api, ApiContext } from './context.js';

const CountsSchema = Type.Record(Type.String(), Type.Number());

const RadiusSchema = Type.Object({
  servers: Type.Array(
    Type.Object({
      service: Type.Enum(['authentication', 'accounting']),
      address: Type.String(),
      port: Type.Integer(),
      state: Type.Enum(['alive', 'dead']),
      since: Type.String(),
      requests: Type.Integer(),
      replies: Type.Integer(),
      noReplies: Type.Integer(),
      drops: CountsSchema,
    }),
  ),
  strangers: Type.Integer(),
  accounting: Type.Object({ waiting: Type.Integer(), delivered: Type.Integer(), givenUp: Type.Integer() }),
  dynamicAuthorization: Type.Union([
    Type.Null(),
    Type.Object({
      port: Type.Integer(),
      requests: Type.Integer(),
      acknowledged: Type.Integer(),
      refused: Type.Integer(),
      repeated: Type.Integer(),
      drops: CountsSchema,
    }),
  ]),
});

export type Radius = Static<typeof RadiusSchema>;

export function radiusResource(app: Api, { view }: ApiContext): void {
  app.get(
    '/api/v1/radius',
    { schema: { summary: 'How RADIUS does', tags: ['box'], response: { 200: RadiusSchema } } },
    () => view.radius(),
  );
}
