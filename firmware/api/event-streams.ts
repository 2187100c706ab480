/**
 * Streams of server-sent events: begun, kept alive, bounded in number, so that no reader takes them all, and ended with the
 * server. Must not know what is told.
 */
import type { ServerResponse } from 'node:http';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Api } from './context.js';
import { ApiProblem } from './problem.js';
import { SECURITY_HEADERS } from './security-headers.js';

const MAX_STREAMS = 64;
/** Of one account, script, or the box itself. */
const MAX_STREAMS_OF_ONE = 16;
const HEARTBEAT_MS = 15_000;

export class EventStreams {
  /** With whose they are. */
  readonly #streams = new Map<ServerResponse, string>();

  constructor(app: Api) {
    app.addHook('preClose', async () => {
      for (const stream of this.#streams.keys()) stream.end();
    });
  }

  /** Throws the problem where there are too many already. `close` comes once, whoever ends it. */
  begin({ asker }: FastifyRequest, reply: FastifyReply): ServerResponse {
    const owner = `${asker?.via} ${asker?.name}`;
    const isOwn = [...this.#streams.values()].filter((each) => each === owner);
    if (this.#streams.size >= MAX_STREAMS || isOwn.length >= MAX_STREAMS_OF_ONE) {
      throw new ApiProblem({ title: 'Too many readers', status: 503, detail: 'close another reader first' });
    }
    reply.hijack();
    const stream = reply.raw;
    this.#streams.set(stream, owner);
    stream.writeHead(200, { ...SECURITY_HEADERS, 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
    stream.write('retry: 2000\n\n');
    const heartbeat = setInterval(() => stream.write(': alive\n\n'), HEARTBEAT_MS);
    stream.once('close', () => {
      this.#streams.delete(stream);
      clearInterval(heartbeat);
    });
    return stream;
  }
}
