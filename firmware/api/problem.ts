/**
 * How the API says no: RFC 9457 problem documents, with field and reason of everything that is wrong. Must not give
 * away what went wrong inside.
 */
import type { FastifyError, FastifyInstance, FastifyReply } from 'fastify';
import type { Problem } from '../settings.js';

export interface ProblemDocument {
  /** Short and the same for each kind of problem. */
  title: string;
  status: number;
  /** In words, what to do. */
  detail?: string;
  problems?: readonly Problem[];
  /** Of status 412: who changed the document last, and when (ISO 8601). */
  changed?: { who: string; at: string };
}

/** Thrown by handlers: what the caller of the API did wrong, or asked for in vain. */
export class ApiProblem extends Error {
  readonly document: ProblemDocument;
  readonly headers: Readonly<Record<string, string>>;

  constructor(document: ProblemDocument, headers: Readonly<Record<string, string>> = {}) {
    super(document.title);
    this.document = document;
    this.headers = headers;
  }
}

/** The document is well-formed JSON, but not acceptable. */
export function refusal(problems: readonly Problem[]): ApiProblem {
  return new ApiProblem({ title: 'The document is refused', status: 422, problems });
}

export function notFound(what: string): ApiProblem {
  return new ApiProblem({ title: 'Not found', status: 404, detail: `there is no ${what}` });
}

export function sendProblem(reply: FastifyReply, problem: ProblemDocument): FastifyReply {
  return reply
    .code(problem.status)
    .header('content-type', 'application/problem+json')
    .serializer((document: unknown) => JSON.stringify(document))
    .send({ type: 'about:blank', ...problem });
}

/** In place of Fastify's own words, which do not say what to do. */
const ADVICE: Readonly<Record<string, string>> = {
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'send a JSON document, with the header content-type: application/json',
  FST_ERR_CTP_INVALID_JSON_BODY: 'the body is not JSON; look for a quote, a comma or a bracket too many or too few',
};

/** Turns everything that Fastify and the handlers throw into a problem document. */
export function answerErrors(app: FastifyInstance): void {
  app.setErrorHandler<FastifyError | ApiProblem>((error, request, reply) => {
    if (error instanceof ApiProblem) return sendProblem(reply.headers(error.headers), error.document);
    if (error.validation) {
      const context = error.validationContext ?? '';
      const problems = error.validation.map(({ instancePath, message = 'is not acceptable' }) => {
        return { field: context + instancePath, reason: message };
      });
      return sendProblem(reply, { title: 'The request is refused', status: 400, problems });
    }
    const status = error.statusCode ?? 500;
    if (status < 500) {
      const detail = ADVICE[error.code] ?? error.message;
      return sendProblem(reply, { title: 'The request is refused', status, detail });
    }
    request.log.error({ err: error, url: request.url }, 'request failed');
    return sendProblem(reply, { title: 'Internal error', status, detail: 'the reason is in the log' });
  });
  app.setNotFoundHandler((request, reply) => {
    sendProblem(reply, notFound(`${request.method} ${request.url.split('?')[0]}`).document);
  });
}
