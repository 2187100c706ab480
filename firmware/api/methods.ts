/**
 * What is answered when a resource is there but knows no such method: 405 with the methods that it knows (RFC 9110
 * section 15.5.6). Must not know any resource.
 */
import type { Api } from './context.js';
import { sendProblem } from './problem.js';

/** By path, as it was routed. */
export type Methods = Map<string, Set<string>>;

const ALL_METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];

/** Writes the methods of every route that is added from now on into `methods`. */
export function rememberMethods(app: Api, methods: Methods): void {
  app.addHook('onRoute', ({ url, method }) => {
    const known = methods.get(url) ?? new Set();
    methods.set(url, known);
    for (const name of [method].flat()) known.add(name);
  });
}

/** Refuses, before a body is read, what no route of these paths takes. */
export function refuseOtherMethods(app: Api, methods: Methods): void {
  for (const [url, known] of [...methods]) {
    const allow = [...known].join(', ');
    app.route({
      url,
      method: ALL_METHODS.filter((method) => !known.has(method)),
      onRequest: async (_request, reply) =>
        sendProblem(reply.header('allow', allow), {
          title: 'Method not allowed',
          status: 405,
          detail: `this resource takes ${allow}`,
        }),
      handler: () => undefined,
    });
  }
}
