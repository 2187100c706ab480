/** Tokens by which scripts and other boxes use the API. A token is shown once, when it is made. */
import { type Static, Type } from 'typebox';
import { whoAsks } from './authentication.js';
import type { Api, ApiContext } from './context.js';
import { AccountNameSchema, RoleSchema } from './passwords.js';
import { ApiProblem, notFound } from './problem.js';
import { checkedBody } from './request-body.js';

const TokenSchema = Type.Object({
  name: Type.String(),
  role: RoleSchema,
  createdAt: Type.String(),
  usedAt: Type.String({ description: "exact to a minute; '' when it never was" }),
});
export type Token = Static<typeof TokenSchema>;
const NewTokenSchema = Type.Object({ name: Type.String(), role: RoleSchema, token: Type.String() });
const NameSchema = Type.Object({ name: AccountNameSchema });
const WantedSchema = Type.Object({ name: AccountNameSchema, role: RoleSchema }, { additionalProperties: false });

export function tokensResource(app: Api, { store }: ApiContext): void {
  const { accounts } = store;
  app.get(
    '/api/v1/tokens',
    { schema: { summary: 'API tokens', tags: ['access'], response: { 200: Type.Array(TokenSchema) } } },
    () => accounts.tokens(),
  );

  app.post(
    '/api/v1/tokens',
    { schema: { summary: 'Make an API token', tags: ['access'], response: { 201: NewTokenSchema } } },
    (request, reply) => {
      const { name, role } = checkedBody(WantedSchema, request.body);
      const token = accounts.addToken(name, role, whoAsks(request));
      if (token === undefined) {
        const detail = `there is a token ${name} already; delete it first, or take another name`;
        throw new ApiProblem({ title: 'The name is taken', status: 409, detail });
      }
      reply.code(201);
      return { name, role, token };
    },
  );

  app.delete(
    '/api/v1/tokens/:name',
    { schema: { summary: 'Delete an API token', tags: ['access'], params: NameSchema } },
    (request, reply) => {
      const { name } = request.params;
      if (!accounts.removeToken(name, whoAsks(request))) throw notFound(`token ${name}`);
      return reply.code(204).send();
    },
  );
}
