/** Users: who may call. The password is written and never read. */
import { Type } from 'typebox';
import { type User, UserSchema } from '../settings.js';
import { withoutSecrets } from '../store/secret-fields.js';
import { whoAsks } from './authentication.js';
import type { Api, ApiContext } from './context.js';
import { Editions } from './preconditions.js';
import { notFound, refusal } from './problem.js';
import { publicSchema } from './public-schema.js';

const PublicUserSchema = publicSchema(UserSchema);
const UserNameSchema = Type.Object({ name: Type.String({ minLength: 1, maxLength: 253 }) });
const PageSchema = Type.Object({
  limit: Type.Integer({ minimum: 1, maximum: 10_000, default: 10_000 }),
  after: Type.String({ default: '', description: 'the last name of the page before' }),
  contains: Type.String({
    default: '',
    maxLength: 253,
    description: 'users alone whose name has this in it; for letters from A to Z in capitals or not',
  }),
});

export function usersResource(app: Api, { store, view }: ApiContext): void {
  const { documents } = store;
  const editions = new Editions(store);
  const shown = (user: User) => withoutSecrets(UserSchema, user);

  app.get(
    '/api/v1/users',
    {
      schema: {
        summary: 'Users in pages',
        tags: ['settings'],
        querystring: PageSchema,
        response: { 200: Type.Array(PublicUserSchema) },
      },
    },
    ({ query }) => documents.users(query.limit, query.after, query.contains).map(shown),
  );

  app.get(
    '/api/v1/users/:name',
    { schema: { summary: 'A user', tags: ['settings'], params: UserNameSchema, response: { 200: PublicUserSchema } } },
    ({ params }, reply) => {
      const user = documents.user(params.name);
      if (!user) throw notFound(`user ${params.name}`);
      editions.tell(reply, `users/${params.name}`);
      return shown(user);
    },
  );

  app.put(
    '/api/v1/users/:name',
    {
      config: { body: UserSchema },
      schema: {
        summary: 'Write a user',
        tags: ['settings'],
        params: UserNameSchema,
        response: { '2xx': PublicUserSchema },
      },
    },
    (request, reply) => {
      const { name } = request.params;
      editions.require(request, `users/${name}`);
      const isNew = documents.user(name) === undefined;
      const written = documents.writeUser(name, request.body, whoAsks(request));
      if (!written.ok) throw refusal(written.problems);
      view.userChanged(name);
      editions.tell(reply, `users/${name}`);
      reply.code(isNew ? 201 : 200);
      return shown(written.value);
    },
  );

  app.delete(
    '/api/v1/users/:name',
    { schema: { summary: 'Delete a user', tags: ['settings'], params: UserNameSchema } },
    (request, reply) => {
      const { name } = request.params;
      editions.require(request, `users/${name}`);
      if (documents.deleteUser(name, whoAsks(request)).result === 'unknown') throw notFound(`user ${name}`);
      view.userChanged(name);
      return reply.code(204).send();
    },
  );
}
