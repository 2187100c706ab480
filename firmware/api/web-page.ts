/**
 * The page for people, read from its folder once, packed once, when it is asked for first. Must not serve anything that
 * was not in the folder at the start.
 */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Api } from './context.js';

const CONTENT_TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
};
/** Names of files there have a hash of their content in them: what has another content has another name. */
const HASHED_NAMES = /^assets\//;
const FOREVER = 'public, max-age=31536000, immutable';

type Handler = (request: FastifyRequest, reply: FastifyReply) => FastifyReply;

/**
 * Serves the files of `folder` under their names, and index.html at `/` and at every path that is neither the API's nor
 * has a dot in it, since the page has views of its own there. Without index.html there is no page, which is logged.
 */
export function webPage(app: Api, folder: string): void {
  if (!existsSync(join(folder, 'index.html'))) {
    app.log.error({ folder }, 'there is no web page in this folder; build it');
    return;
  }
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    const contentType = CONTENT_TYPES[extname(name)];
    if (contentType === undefined) continue;
    const handler = file(readFileSync(join(folder, name)), contentType, HASHED_NAMES.test(name) ? FOREVER : 'no-cache');
    if (name !== 'index.html') app.get(`/${name}`, handler);
    else for (const path of ['/', ...VIEWS]) app.get(path, handler);
  }
}

/** One part of a path without a dot, or more parts of which the first is not `api`. */
const VIEWS = ['/:view(^(?!api$)[^./]+$)', '/:view(^(?!api$)[^./]+$)/*'];

function file(content: Buffer, contentType: string, caching: string): Handler {
  const etag = `"${createHash('sha256').update(content).digest('base64url')}"`;
  let packed: Buffer | undefined;
  return (request, reply) => {
    reply.header('etag', etag).header('cache-control', caching).header('vary', 'accept-encoding');
    if (request.headers['if-none-match'] === etag) return reply.code(304).send();
    reply.type(contentType);
    if (!/\bgzip\b/.test(request.headers['accept-encoding'] ?? '')) return reply.send(content);
    packed ??= gzipSync(content, { level: 9 });
    return reply.header('content-encoding', 'gzip').send(packed);
  };
}
