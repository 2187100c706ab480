/** Browsers sign in and out. Tries are held to a rate, so that a password cannot be found by trying. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { RateLimiterMemory, type RateLimiterRes } from 'rate-limiter-flexible';
import { type Static, Type } from 'typebox';
import type { Bearer } from '../store/accounts.js';
import type { Store } from '../store/store.js';
import { cookieName, signInToken } from './authentication.js';
import type { Api, ApiContext } from './context.js';
import { isEncrypted } from './foreigners.js';
import { fits, RoleSchema, tooMany } from './passwords.js';
import { ApiProblem } from './problem.js';
import { checkedBody } from './request-body.js';

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

/** Wrong tries from one address, and in all, until the next ones have to wait. */
const TRIES_OF_ADDRESS = { points: 10, duration: 300, blockDuration: 300 };
const TRIES_IN_ALL = { points: 300, duration: 300 };
/** Who has signed in from an address so recently is not held up by the tries of others. */
const KNOWN_ADDRESS = { points: 1, duration: 20 * 86_400 };
const LINE_EVERY_MS = 10_000;

/** Throws the problem where there have been too many; takes note of what comes of the others. */
class Tries {
  readonly #ofAddress = new RateLimiterMemory({ ...TRIES_OF_ADDRESS, keyPrefix: 'address' });
  readonly #inAll = new RateLimiterMemory({ ...TRIES_IN_ALL, keyPrefix: 'all' });
  readonly #known = new RateLimiterMemory({ ...KNOWN_ADDRESS, keyPrefix: 'known' });
  #saidAt_ms = 0;
  #unsaid = 0;

  /** Each try counts before its password is looked at, so that many at once are not better off than one by one. */
  async begin(address: string): Promise<void> {
    await spend(this.#ofAddress, address);
    if ((await this.#known.get(address)) === null) await spend(this.#inAll, '');
  }

  async succeeded(address: string): Promise<void> {
    await this.#ofAddress.delete(address);
    await this.#known.set(address, 1, KNOWN_ADDRESS.duration);
  }

  failed(request: FastifyRequest, account: string): void {
    const now_ms = performance.now();
    if (this.#saidAt_ms > 0 && now_ms - this.#saidAt_ms < LINE_EVERY_MS) {
      this.#unsaid += 1;
      return;
    }
    const others = this.#unsaid > 0 ? { refusalsNotLogged: this.#unsaid } : {};
    request.log.warn({ account, address: request.socket.remoteAddress, ...others }, 'sign-in refused');
    this.#saidAt_ms = now_ms;
    this.#unsaid = 0;
  }
}

async function spend(limiter: RateLimiterMemory, key: string): Promise<void> {
  try {
    await limiter.consume(key);
  } catch (refused) {
    throw tooMany(Math.ceil((refused as RateLimiterRes).msBeforeNext / 1000));
  }
}

/** IPv6 neighbours have a /64 to choose addresses from. */
function addressKey({ socket }: FastifyRequest): string {
  const address = socket.remoteAddress ?? '';
  return address.includes(':') && !address.startsWith('::ffff:') ? address.split(':').slice(0, 4).join(':') : address;
}

export function signInResource(app: Api, { store }: ApiContext): void {
  const { accounts } = store;
  const tries = new Tries();

  app.post(
    '/api/v1/sign-in',
    {
      config: { access: 'open' },
      schema: { summary: 'Sign a browser in', tags: ['access'], response: { 200: SignedInSchema } },
    },
    async (request, reply) => {
      const { name, password } = checkedBody(CredentialsSchema, request.body);
      const address = addressKey(request);
      await tries.begin(address);
      const account = accounts.find(name);
      if (!(await fits(password, account?.password)) || account === undefined) {
        tries.failed(request, name);
        const detail = 'name or password is wrong';
        throw new ApiProblem({ title: 'Not signed in', status: 401, detail });
      }
      await tries.succeeded(address);
      return signInBrowser(store, request, reply, { name, role: account.role });
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
  { accounts }: Store,
  request: FastifyRequest,
  reply: FastifyReply,
  bearer: Bearer,
): SignedIn {
  const before = signInToken(request);
  if (before !== '') accounts.signOut(before);
  if (request.asker?.via !== 'local') {
    const token = accounts.signIn(bearer.name, request.socket.remoteAddress ?? '');
    reply.setCookie(cookieName(request), token, cookieOptions(request));
  }
  return { ...bearer, via: request.asker?.via === 'local' ? 'local' : 'cookie' };
}

function cookieOptions(request: FastifyRequest) {
  return { path: '/', httpOnly: true, sameSite: 'strict', secure: isEncrypted(request) } as const;
}
