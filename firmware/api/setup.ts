/** First use: the box has no password until somebody who reaches it on its LAN sets one here. */
import { type Static, Type } from 'typebox';
import { whoAsks } from './authentication.js';
import type { Api, ApiContext } from './context.js';
import { AccountNameSchema, PasswordSchema, seal, weakness } from './passwords.js';
import { ApiProblem, refusal } from './problem.js';
import { checkedBody } from './request-body.js';
import { OPEN_BODY_LIMIT_BYTES, SignedInSchema, signInBrowser } from './sign-in.js';

const SetupSchema = Type.Object({
  state: Type.Enum(['password', 'ready'], { description: 'password: nobody has set one yet' }),
  hostName: Type.String(),
  version: Type.String(),
  lost: Type.Boolean({
    description: 'the settings of before were lost, since their database was damaged or of a later version; it is kept',
  }),
  account: Type.Union([Type.Null(), SignedInSchema], { description: 'who asks; null: nobody who is signed in' }),
});
export type Setup = Static<typeof SetupSchema>;

const FirstPasswordSchema = Type.Object(
  { password: PasswordSchema, name: Type.Optional(AccountNameSchema) },
  { additionalProperties: false },
);

export function setupResource(app: Api, context: ApiContext): void {
  const { store, view } = context;
  const { accounts, documents } = store;
  app.get(
    '/api/v1/setup',
    {
      config: { access: 'open' },
      schema: { summary: 'Whether the box has a password', tags: ['access'], response: { 200: SetupSchema } },
    },
    ({ asker }) => ({
      account: asker,
      lost: store.rescues.some(({ kind }) => kind !== 'later-copy'),
      state: accounts.areThere ? ('ready' as const) : ('password' as const),
      hostName: documents.settings().system.hostName,
      version: view.status().version,
    }),
  );

  app.post(
    '/api/v1/setup',
    {
      bodyLimit: OPEN_BODY_LIMIT_BYTES,
      config: { access: 'open' },
      schema: { summary: 'Set the first password', tags: ['access'], response: { 201: SignedInSchema } },
    },
    async (request, reply) => {
      if (accounts.areThere) throw alreadySetUp();
      const { password, name = 'admin' } = checkedBody(FirstPasswordSchema, request.body);
      const reason = weakness(password, name);
      if (reason !== undefined) throw refusal([{ field: '/password', reason }]);
      if (!accounts.setUp(name, await seal(password), whoAsks(request))) throw alreadySetUp();
      request.log.info({ account: name }, 'the box was set up');
      reply.code(201);
      return signInBrowser(context, request, reply, { name, role: 'admin' });
    },
  );
}

function alreadySetUp(): ApiProblem {
  const detail = 'the box has a password already; sign in with it';
  return new ApiProblem({ title: 'Already set up', status: 409, detail });
}
