/** Sees which requests have changed something. Must not know a resource. */
import { whoAsks } from './authentication.js';
import type { Changes } from './changes.js';
import type { Api } from './context.js';

const CHANGING = new Set(['PUT', 'POST', 'DELETE']);
const RESOURCE = /^\/api\/v1\/([^?]*)/;

/** Every request that changes something and succeeds is one. */
export function noteChanges(app: Api, changes: Changes): void {
  app.addHook('onResponse', async (request, reply) => {
    const resource = RESOURCE.exec(request.url)?.[1];
    if (resource === undefined || !CHANGING.has(request.method) || reply.statusCode >= 300) return;
    changes.tell({ who: whoAsks(request), resource });
  });
}
