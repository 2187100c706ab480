/**
 * What the box tells by itself, as server-sent events: how it is, what becomes of sessions, who has changed what. What a
 * reader does not take in time is left out, and it is told so.
 */
import type { ServerResponse } from 'node:http';
import { Type } from 'typebox';
import type { Api, ApiContext } from './context.js';
import { EventStreams } from './event-streams.js';
import { overviewReader } from './overview.js';
import { inColumns, type SessionListRow } from './session-list.js';

/** Who is so far behind gets nothing more until it has read that, and reads its lists anew. */
const MAX_BACKLOG_BYTES = 1024 * 1024;
/** A reader that takes nothing for so long is gone. */
const STUCK_MS = 60_000;
const OVERVIEW_EVERY_MS = 2_000;
const SESSIONS_EVERY_MS = 1_000;
const TOPICS = ['overview', 'sessions', 'settings', 'log'] as const;
type Topic = (typeof TOPICS)[number];

const QuerySchema = Type.Object({
  topics: Type.Refine(
    Type.String({ description: `some of ${TOPICS.join(', ')}, with commas between them` }),
    (text) => text.split(',').every((topic) => (TOPICS as readonly string[]).includes(topic)),
    () => `names something else than ${TOPICS.join(', ')}`,
  ),
});

/** The data of the event `sessions`: rows as in the session list, of calls that came up or are another, and callIds. */
export interface SessionsEvent {
  stand: SessionListRow[];
  ended: number[];
}

/** One reader's stream. */
class Reader {
  readonly #stream: ServerResponse;
  #isBehind = false;
  #movedAt_ms = performance.now();

  constructor(stream: ServerResponse) {
    this.#stream = stream;
    stream.on('drain', () => {
      this.#movedAt_ms = performance.now();
    });
  }

  tell(event: string, data: unknown): void {
    if (this.#stream.writableLength > MAX_BACKLOG_BYTES) {
      this.#isBehind = true;
      if (performance.now() - this.#movedAt_ms > STUCK_MS) this.#stream.destroy();
      return;
    }
    if (this.#isBehind) this.#stream.write('event: resync\ndata: {}\n\n');
    this.#isBehind = false;
    if (this.#stream.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`)) this.#movedAt_ms = performance.now();
  }
}

export function eventsResource(app: Api, context: ApiContext): void {
  const { view, changes, logs } = context;
  const overview = overviewReader(context);
  const streams = new EventStreams(app);

  /** Begins to tell, and gives what ends it. */
  const begin: Record<Topic, (reader: Reader) => () => void> = {
    overview(reader) {
      reader.tell('overview', overview());
      const timer = setInterval(() => reader.tell('overview', overview()), OVERVIEW_EVERY_MS);
      return () => clearInterval(timer);
    },
    sessions(reader) {
      const feed = view.followSessions();
      const timer = setInterval(() => {
        const { stand, ended, isWhole } = feed.take();
        if (!isWhole) reader.tell('resync', {});
        else if (stand.length > 0 || ended.length > 0) {
          const event: SessionsEvent = { stand: stand.map(inColumns), ended };
          reader.tell('sessions', event);
        }
      }, SESSIONS_EVERY_MS);
      return () => {
        clearInterval(timer);
        feed.close();
      };
    },
    log: (reader) => logs.subscribe((line) => reader.tell('log', line)),
    settings: (reader) => changes.subscribe((change) => reader.tell('settings', change)),
  };

  app.get(
    '/api/v1/events',
    {
      exposeHeadRoute: false,
      schema: { summary: 'What happens, as server-sent events', tags: ['box'], querystring: QuerySchema },
    },
    (request, reply) => {
      const stream = streams.begin(request, reply);
      const reader = new Reader(stream);
      const topics = new Set(request.query.topics.split(',') as Topic[]);
      const ends = [...topics].map((topic) => begin[topic](reader));
      stream.once('close', () => {
        for (const end of ends) end();
      });
      return reply;
    },
  );
}
