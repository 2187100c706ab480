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
/**
 * By the route that was found, for a path can be spelled in many ways (RFC 3986 section 6.2.2); where there is none,
 * nothing is told.
 */
const PAGE_ROUTES = /^\/(?!(api|metrics)([/?]|$))/;
/** So often it is looked whether sign-ins of open answers have run out. */
const LOOK_INTERVAL_MS = 60_000;

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

/** By what somebody has shown who it is. */
interface Credential {
  via: 'cookie' | 'token';
  token: string;
}

/** Answers that take their time, as streams do, end with the sign-in or token that they were asked for with. */
class OpenAnswers {
  readonly #byToken = new Map<string, { via: Credential['via']; answers: Set<ServerResponse> }>();

  note({ via, token }: Credential, answer: ServerResponse): void {
    const { answers } = this.#byToken.get(token) ?? { answers: new Set() };
    this.#byToken.set(token, { via, answers });
    answers.add(answer);
    answer.once('close', () => {
      answers.delete(answer);
      if (answers.size === 0) this.#byToken.delete(token);
    });
  }

  /** Ends those of sign-ins and tokens that do not stand any more. */
  endStale(stands: (credential: Credential) => boolean): void {
    for (const [token, { via, answers }] of this.#byToken) {
      if (stands({ via, token })) continue;
      // What has begun and not ended is a stream; an answer that is on its way still says what became of its request.
      for (const answer of answers) if (answer.headersSent && !answer.writableEnded) answer.destroy();
    }
  }
}

export function authenticate(app: Api, store: Store, listeners: Listeners): void {
  const answers = new OpenAnswers();
  const { accounts } = store;
  const idle_ms = () => store.documents.settings().api.signInIdle_min * 60_000;
  const endStale = () =>
    answers.endStale(({ via, token }) =>
      via === 'token' ? accounts.isToken(token) : accounts.isSignedIn(token, idle_ms()),
    );
  const refuseWhoMayNot = (request: FastifyRequest, reply: FastifyReply): FastifyReply | undefined => {
    const isOpen = isForEverybody(request);
    if (!accounts.areThere) return isOpen ? undefined : notSetUp(reply);
    const credential = credentialOf(request);
    request.asker = credential === undefined ? null : askerWith(credential, store, idle_ms());
    if (isOpen) return undefined;
    if (request.asker === null) return notSignedIn(reply);
    return request.asker.role === 'admin' || isForViewers(request) ? undefined : notAllowed(reply);
  };
  app.decorateRequest('asker', null);
  app.addHook('onRequest', async (request, reply) => {
    if (!listeners.isTcp(request.raw.socket)) {
      request.asker = { name: '', role: 'admin', via: 'local' };
      return undefined;
    }
    const refused = refuseWhoMayNot(request, reply);
    if (request.asker === null) listeners.hurry(request.raw);
    else listeners.know(request.raw);
    const credential = credentialOf(request);
    if (refused === undefined && request.asker !== null && credential !== undefined)
      answers.note(credential, reply.raw);
    return refused;
  });
  // A body takes its time to arrive, and whoever sends it may have lost the right meanwhile.
  app.addHook('preHandler', async (request, reply) => {
    if (request.asker === null || request.asker.via === 'local' || SAFE_METHODS.has(request.method)) return undefined;
    return refuseWhoMayNot(request, reply);
  });
  // Whatever ended a sign-in or a token, the one who lost it may have a stream open.
  app.addHook('onResponse', async (request) => {
    if (!SAFE_METHODS.has(request.method)) endStale();
  });
  const timer = setInterval(endStale, LOOK_INTERVAL_MS).unref();
  app.addHook('onClose', async () => clearInterval(timer));
}

function isForEverybody({ url: asked, routeOptions: { url = asked, config } }: FastifyRequest): boolean {
  return config.access === 'open' || PAGE_ROUTES.test(url);
}

function isForViewers({ method, routeOptions: { config } }: FastifyRequest): boolean {
  return config.access === 'viewers' || SAFE_METHODS.has(method);
}

/** A script's token goes before a browser's cookie, even if it is none. */
function credentialOf(request: FastifyRequest): Credential | undefined {
  const { authorization } = request.headers;
  if (authorization === undefined) {
    const token = signInToken(request);
    return token === '' ? undefined : { via: 'cookie', token };
  }
  const token = /^Bearer ([\w.-]{1,256})$/i.exec(authorization)?.[1];
  return token === undefined ? undefined : { via: 'token', token };
}

function askerWith({ via, token }: Credential, { accounts }: Store, idle_ms: number): Asker | null {
  const bearer = via === 'token' ? accounts.bearer(token) : accounts.signedIn(token, idle_ms);
  return bearer === undefined ? null : { ...bearer, via };
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
