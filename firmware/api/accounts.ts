/** Accounts of those who administer the box, and each one's own password. */
import { type Static, Type } from 'typebox';
import { signInToken, whoAsks } from './authentication.js';
import type { Api, ApiContext } from './context.js';
import { AccountNameSchema, fits, PasswordSchema, RoleSchema, seal, weakness } from './passwords.js';
import { ApiProblem, notFound, refusal } from './problem.js';
import { checkedBody } from './request-body.js';

const AccountSchema = Type.Object({ name: Type.String(), role: RoleSchema, changedAt: Type.String() });
export type Account = Static<typeof AccountSchema>;
const NameSchema = Type.Object({ name: AccountNameSchema });
const ChangeSchema = Type.Object(
  { role: Type.Optional(RoleSchema), password: Type.Optional(PasswordSchema) },
  { additionalProperties: false },
);
const OwnPasswordSchema = Type.Object(
  { oldPassword: Type.String({ maxLength: 256, writeOnly: true }), newPassword: PasswordSchema },
  { additionalProperties: false },
);

export function accountsResource(app: Api, { store, tries }: ApiContext): void {
  const { accounts } = store;
  const shown = (name: string) => accounts.list().find((account) => account.name === name)!;

  app.get(
    '/api/v1/accounts',
    { schema: { summary: 'Who administers the box', tags: ['access'], response: { 200: Type.Array(AccountSchema) } } },
    () => accounts.list(),
  );

  app.put(
    '/api/v1/accounts/:name',
    {
      schema: {
        summary: 'Make or change an account',
        tags: ['access'],
        params: NameSchema,
        response: { '2xx': AccountSchema },
      },
    },
    async (request, reply) => {
      const { name } = request.params;
      const { role, password } = checkedBody(ChangeSchema, request.body);
      if (password !== undefined) refuseWeak(password, name, '/password');
      const isNew = accounts.find(name) === undefined;
      if (isNew && password === undefined) throw refusal([{ field: '/password', reason: 'is missing; add it' }]);
      const sealed = password === undefined ? {} : { password: await seal(password) };
      const change = { ...(role !== undefined && { role }), ...sealed };
      if (accounts.write(name, change, whoAsks(request), signInToken(request)) === 'last-admin') throw lastAdmin();
      reply.code(isNew ? 201 : 200);
      return shown(name);
    },
  );

  app.put(
    '/api/v1/accounts/:name/password',
    {
      config: { access: 'viewers' },
      schema: { summary: 'Change one’s own password', tags: ['access'], params: NameSchema },
    },
    async (request, reply) => {
      const { name } = request.params;
      if (request.asker?.via !== 'cookie' || request.asker.name !== name) {
        const detail = 'this is for whoever is signed in with that account';
        throw new ApiProblem({ title: 'Not allowed', status: 403, detail });
      }
      const { oldPassword, newPassword } = checkedBody(OwnPasswordSchema, request.body);
      refuseWeak(newPassword, name, '/newPassword');
      const attempt = await tries.beginOwn(name);
      const before = accounts.find(name)?.password;
      const wrong = refusal([{ field: '/oldPassword', reason: 'is not the password that counts now' }]);
      if (!(await fits(oldPassword, before))) throw wrong;
      await attempt.succeeded();
      const password = await seal(newPassword);
      // Whose account has gone or changed meanwhile does not get it back by this.
      if (accounts.find(name)?.password !== before) throw wrong;
      if (accounts.write(name, { password }, whoAsks(request), signInToken(request)) !== 'done') throw notFound(name);
      return reply.code(204).send();
    },
  );

  app.delete(
    '/api/v1/accounts/:name',
    { schema: { summary: 'Delete an account', tags: ['access'], params: NameSchema } },
    (request, reply) => {
      const { name } = request.params;
      const change = accounts.remove(name, whoAsks(request));
      if (change === 'unknown') throw notFound(`account ${name}`);
      if (change === 'last-admin') throw lastAdmin();
      return reply.code(204).send();
    },
  );

  app.delete(
    '/api/v1/accounts',
    { schema: { summary: 'Forget all passwords; on the box itself alone', tags: ['access'] } },
    (request, reply) => {
      if (request.asker?.via !== 'local') {
        const detail = 'this is done at the console of the box: tunnelwerk password-reset';
        throw new ApiProblem({ title: 'Not allowed', status: 403, detail });
      }
      accounts.reset(whoAsks(request));
      request.log.warn('all passwords were forgotten at the console');
      return reply.code(204).send();
    },
  );
}

function refuseWeak(password: string, name: string, field: string): void {
  const reason = weakness(password, name);
  if (reason !== undefined) throw refusal([{ field, reason }]);
}

function lastAdmin(): ApiProblem {
  const detail = 'the box would have no administrator left; make another one first';
  return new ApiProblem({ title: 'The last administrator', status: 409, detail });
}
