/** Bodies in JSON: none at all, and what is nested deeper than any document is. Must not know what they are about. */
import type { Api } from './context.js';
import { ApiProblem } from './problem.js';

/** Several times what settings have; what checks and copies documents goes down by calling itself. */
const MAX_DEPTH = 64;

/**
 * Some clients name JSON as their content type whatever they send. Without a body that is no fault of a DELETE; for a
 * document it is null, which every schema refuses.
 */
export function takeJsonBodies(app: Api): void {
  const parse = app.getDefaultJsonParser('error', 'error');
  app.removeContentTypeParser('application/json');
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => {
    if (body.length === 0) return done(null, null);
    return parse(request, String(body), (error, document) => {
      if (error === null && isTooDeep(document)) done(TOO_DEEP);
      else done(error, document);
    });
  });
}

const TOO_DEEP = new ApiProblem({
  title: 'The request is refused',
  status: 400,
  detail: `no document is nested more than ${MAX_DEPTH} times; look for a bracket too many`,
});

function isTooDeep(document: unknown): boolean {
  let level = [document];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > MAX_DEPTH) return true;
    level = level.flatMap((each) => (typeof each === 'object' && each !== null ? Object.values(each) : []));
  }
  return false;
}
