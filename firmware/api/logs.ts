/** The last lines of the program's log. */
import { type Static, Type } from 'typebox';
import { LOG_LEVELS } from '../control/log-ring.js';
import { LOG_PARTS } from '../settings-box.js';
import type { Api, ApiContext } from './context.js';

const LineSchema = Type.Object({
  sequence: Type.Integer({ description: 'grows by one with each line since the start' }),
  time: Type.String(),
  level: Type.Enum([...LOG_LEVELS]),
  part: Type.String({ description: 'of the program, as in the setting logs.parts, or empty' }),
  message: Type.String(),
  fields: Type.Record(Type.String(), Type.Unknown(), { description: 'the rest of what the line says' }),
});
export type LogLine = Static<typeof LineSchema>;

const QuerySchema = Type.Object({
  limit: Type.Integer({ minimum: 1, maximum: 5_000, default: 200 }),
  level: Type.Enum([...LOG_LEVELS], { default: 'debug', description: 'lines of this level and graver ones' }),
  part: Type.Enum(['', ...LOG_PARTS], { default: '', description: 'of the program; without it all' }),
  before: Type.Integer({
    ...{ minimum: 1, maximum: Number.MAX_SAFE_INTEGER, default: Number.MAX_SAFE_INTEGER },
    description: 'sequence of the last line of the page before',
  }),
  contains: Type.String({ maxLength: 256, default: '', description: 'in message or fields, whatever the case' }),
});

export function logsResource(app: Api, { logs }: ApiContext): void {
  app.get(
    '/api/v1/logs',
    {
      schema: {
        summary: 'The last lines of the log, the newest first',
        tags: ['box'],
        querystring: QuerySchema,
        response: { 200: Type.Array(LineSchema) },
      },
    },
    ({ query }) => logs.read(query),
  );
}
