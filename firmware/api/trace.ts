/** The trace of calls: its last records, and new ones as they come, as server-sent events. */
import { Type } from 'typebox';
import type { CallStepRecord } from '../control/view.js';
import type { Api, ApiContext } from './context.js';
import { EventStreams } from './event-streams.js';

/** A reader that is so far behind is cut off; it may come again and name the last record that it got. */
const MAX_BACKLOG_BYTES = 4 * 1024 * 1024;

const RecordSchema = Type.Object({
  sequence: Type.Integer(),
  time: Type.String(),
  step: Type.Integer(),
  role: Type.Enum(['lns', 'lac', 'lac-client', 'pseudowire']),
  tunnelId: Type.Integer(),
  sessionId: Type.Integer(),
  callId: Type.Integer(),
  user: Type.String(),
  peerAddress: Type.String(),
  direction: Type.Enum(['sent', 'received', 'within']),
  what: Type.String(),
  detail: Type.String(),
});
const LastSchema = Type.Object({ limit: Type.Integer({ minimum: 1, maximum: 20_000, default: 200 }) });
const StreamSchema = Type.Object({
  last: Type.Integer({ minimum: 0, maximum: 20_000, default: 0, description: 'so many older records come first' }),
});

export function traceResource(app: Api, { view }: ApiContext): void {
  const streams = new EventStreams(app);

  app.get(
    '/api/v1/trace',
    {
      schema: {
        summary: 'The last steps of all calls',
        tags: ['calls'],
        querystring: LastSchema,
        response: { 200: Type.Array(RecordSchema) },
      },
    },
    ({ query }) => view.trace.last(query.limit),
  );

  app.get(
    '/api/v1/trace/stream',
    {
      exposeHeadRoute: false,
      schema: {
        summary: 'Steps of calls as they happen, as server-sent events',
        tags: ['calls'],
        querystring: StreamSchema,
      },
    },
    (request, reply) => {
      const stream = streams.begin(request, reply);
      const lastSeen = Number(request.headers['last-event-id'] ?? Number.NaN);
      for (const record of missed(view, lastSeen, request.query.last)) stream.write(asEvent(record));
      const unsubscribe = view.trace.subscribe((record) => {
        stream.write(asEvent(record));
        if (stream.writableLength > MAX_BACKLOG_BYTES) stream.destroy();
      });
      stream.once('close', unsubscribe);
      return reply;
    },
  );
}

/**
 * What a reader that comes again has missed; for a new one, as many of the last records as it wants. The numbers start
 * anew with the program: a reader that has seen more than there is comes from before a restart.
 */
function missed({ trace }: ApiContext['view'], lastSeen: number, last: number): CallStepRecord[] {
  const newest = trace.last(1).at(-1)?.sequence ?? 0;
  const isBack = Number.isInteger(lastSeen) && lastSeen <= newest;
  const count = isBack ? newest - lastSeen : last;
  return count > 0 ? trace.last(count) : [];
}

function asEvent(record: CallStepRecord): string {
  return `id: ${record.sequence}\ndata: ${JSON.stringify(record)}\n\n`;
}
