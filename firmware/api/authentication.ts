/**
 * Who asks, and whether they may: by the Unix socket the box's own administrator, over TCP a browser that is signed in or
 * a script with a token. What a route does not open to others is for administrators. Must not know any resource.
 */
import '@fastify/cookie';
import type { ServerResponse } from 'node:http';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { AdminRole } from '../store/accounts.js';
import type { Store } from '../store/store.js';
import type { Api } from './context.js';
import { isEncrypted } from './foreigners.js';
import type { Listeners } from './listeners.js';
import { sendProblem } from './problem.js';

export interface Asker {
  /** '' on the Unix socket. */
  name: string;
  role: AdminRole;
  via: 'local' | 'cookie' | 'token';
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Null on routes that are open to everybody. */
    asker: Asker | null;
  }
  interface FastifyContextConfig {
    /**
     * Who may use the route. 'open': everybody, 'viewers': everybody who is signed in. Left out: GET is for viewers, all
     * else for administrators.
     */
    access?: 'open' | 'viewers';
  }
}

const SAFE_METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);
/** By the route that was found, for a path can be spelled in many ways (RFC 3986 section 6.2.2); where there is none, nothing is told. */
const PAGE_ROUTES = /^\/(?!api(\/|$)|metrics(\/|$))/;

/** Over TLS no page that came without it can plant or read the cookie (RFC 6265bis section 4.1.3.2). */
export const cookieName = (request: FastifyRequest): string =>
  isEncrypted(request) ? '__Host-tunnelwerk' : 'tunnelwerk';

/** Of the browser that asks; '' without one. */
export const signInToken = (request: FastifyRequest): string => request.cookies[cookieName(request)] ?? '';

/** For the audit. */
export function whoAsks({ asker, socket }: FastifyRequest): string {
  if (asker === null || asker.via === 'local') return asker === null ? `${socket.remoteAddress}` : 'local socket';
  return asker.via === 'token' ? `token ${asker.name}` : `${asker.name} from ${socket.remoteAddress}`;
}

/** Answers that take their time, as streams do, end with the sign-in that they were asked for with. */
export class OpenAnswers {
  readonly #byToken = new Map<string, Set<ServerResponse>>();

  note(token: string, answer: ServerResponse): void {
    const answers = this.#byToken.get(token) ?? new Set();
    this.#byToken.set(token, answers);
    answers.add(answer);
    answer.once('close', () => {
      answers.delete(answer);
      if (answers.size === 0) this.#byToken.delete(token);
    });
  }

  /** Ends those of sign-ins that do not stand any more. */
  endStale(stands: (token: string) => boolean): void {
    for (const [token, answers] of this.#byToken) {
      if (stands(token)) continue;
      // What has begun and not ended is a stream; an answer that is on its way still says what became of its request.
      for (const answer of answers) if (answer.headersSent && !answer.writableEnded) answer.destroy();
    }
  }
}

export function authenticate(app: Api, store: Store, listeners: Listeners): OpenAnswers {
  const answers = new OpenAnswers();
  const { accounts } = store;
  const idle_ms = () => store.documents.settings().api.signInIdle_min * 60_000;
  app.decorateRequest('asker', null);
  app.addHook('onRequest', async (request, reply) => {
    if (!listeners.isTcp(request.raw.socket)) {
      request.asker = { name: '', role: 'admin', via: 'local' };
      return undefined;
    }
    const { url = request.url, config } = request.routeOptions;
    const { access } = config;
    const isOpen = access === 'open' || PAGE_ROUTES.test(url);
    if (!accounts.areThere) return isOpen ? undefined : notSetUp(reply);
    request.asker = askerOf(request, store, idle_ms());
    if (isOpen) return undefined;
    if (request.asker === null) return notSignedIn(reply);
    const isForViewers = access === 'viewers' || SAFE_METHODS.has(request.method);
    if (request.asker.role !== 'admin' && !isForViewers) return notAllowed(reply);
    if (request.asker.via === 'cookie') answers.note(signInToken(request), reply.raw);
    return undefined;
  });
  // Whatever ended a sign-in, the one who lost it may have a stream open.
  app.addHook('onResponse', async (request) => {
    if (SAFE_METHODS.has(request.method)) return;
    answers.endStale((token) => accounts.signedIn(token, idle_ms()) !== undefined);
  });
  return answers;
}

function askerOf(request: FastifyRequest, { accounts }: Store, idle_ms: number): Asker | null {
  const { authorization } = request.headers;
  if (authorization !== undefined) {
    const token = /^Bearer ([\w.-]{1,256})$/i.exec(authorization)?.[1];
    const bearer = token === undefined ? undefined : accounts.bearer(token);
    return bearer === undefined ? null : { ...bearer, via: 'token' };
  }
  const token = signInToken(request);
  const signedIn = token === '' ? undefined : accounts.signedIn(token, idle_ms);
  return signedIn === undefined ? null : { ...signedIn, via: 'cookie' };
}

function notSetUp(reply: FastifyReply): FastifyReply {
  const detail = 'the box has no password yet; open its page, or POST one to /api/v1/setup';
  return sendProblem(reply, { title: 'Not set up', status: 403, detail });
}

function notSignedIn(reply: FastifyReply): FastifyReply {
  const detail = 'sign in at /api/v1/sign-in, or send the header authorization: Bearer with an API token';
  return sendProblem(reply.header('www-authenticate', 'Bearer'), { title: 'Not signed in', status: 401, detail });
}

function notAllowed(reply: FastifyReply): FastifyReply {
  return sendProblem(reply, { title: 'Not allowed', status: 403, detail: 'a viewer may look, not change anything' });
}
