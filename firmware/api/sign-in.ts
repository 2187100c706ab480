/** Browsers sign in and out. Tries are held to a rate, so that a password cannot be found by trying. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { type Static, Type } from 'typebox';
import type { Bearer } from '../store/accounts.js';
import { cookieName, signInToken } from './authentication.js';
import type { Api, ApiContext } from './context.js';
import { isEncrypted } from './foreigners.js';
import { fits, RoleSchema } from './passwords.js';
import { ApiProblem } from './problem.js';
import { checkedBody } from './request-body.js';
import { KNOWN_BROWSER_S } from './sign-in-tries.js';

export const SignedInSchema = Type.Object({
  name: Type.String({ description: "'' on the box's own socket" }),
  role: RoleSchema,
  via: Type.Enum(['local', 'cookie', 'token']),
});
export type SignedIn = Static<typeof SignedInSchema>;

const CredentialsSchema = Type.Object(
  { name: Type.String({ maxLength: 256 }), password: Type.String({ maxLength: 256, writeOnly: true }) },
  { additionalProperties: false },
);

/** Of credentials and first passwords: what anybody may send is small. */
export const OPEN_BODY_LIMIT_BYTES = 16 * 1024;

export function signInResource(app: Api, context: ApiContext): void {
  const { store, tries } = context;
  const { accounts } = store;

  app.post(
    '/api/v1/sign-in',
    {
      bodyLimit: OPEN_BODY_LIMIT_BYTES,
      config: { access: 'open' },
      schema: { summary: 'Sign a browser in', tags: ['access'], response: { 200: SignedInSchema } },
    },
    async (request, reply) => {
      const { name, password } = checkedBody(CredentialsSchema, request.body);
      const attempt = await tries.begin(request.socket.remoteAddress ?? '', name, knownBrowser(request));
      const account = accounts.find(name);
      const isRight = await fits(password, account?.password);
      if (isRight) await attempt.succeeded();
      // It may have become another password meanwhile.
      if (!isRight || account === undefined || accounts.find(name)?.password !== account.password) {
        tries.failed(request, account === undefined ? '' : name);
        const detail = 'name or password is wrong';
        throw new ApiProblem({ title: 'Not signed in', status: 401, detail });
      }
      return signInBrowser(context, request, reply, { name, role: account.role });
    },
  );

  app.get(
    '/api/v1/sign-in',
    { schema: { summary: 'Who is signed in', tags: ['access'], response: { 200: SignedInSchema } } },
    ({ asker }) => asker!,
  );

  app.delete(
    '/api/v1/sign-in',
    { config: { access: 'viewers' }, schema: { summary: 'Sign out', tags: ['access'] } },
    (request, reply) => {
      const token = signInToken(request);
      if (token !== '') accounts.signOut(token);
      return reply.clearCookie(cookieName(request), cookieOptions(request)).code(204).send();
    },
  );
}

/** Signs in whoever has shown who it is, in place of what this browser had before. */
export function signInBrowser(
  { store: { accounts }, tries }: ApiContext,
  request: FastifyRequest,
  reply: FastifyReply,
  bearer: Bearer,
): SignedIn {
  const before = signInToken(request);
  if (before !== '') accounts.signOut(before);
  if (request.asker?.via !== 'local') {
    const token = accounts.signIn(bearer.name, request.socket.remoteAddress ?? '');
    const options = cookieOptions(request);
    reply.setCookie(cookieName(request), token, options);
    reply.setCookie(knownName(request), tries.knownBrowser(bearer.name), { ...options, maxAge: KNOWN_BROWSER_S });
  }
  return { ...bearer, via: request.asker?.via === 'local' ? 'local' : 'cookie' };
}

const knownName = (request: FastifyRequest): string => `${cookieName(request)}-known`;
const knownBrowser = (request: FastifyRequest): string => request.cookies[knownName(request)] ?? '';

function cookieOptions(request: FastifyRequest) {
  return { path: '/', httpOnly: true, sameSite: 'strict', secure: isEncrypted(request) } as const;
}
