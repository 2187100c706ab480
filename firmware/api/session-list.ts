/**
 * All sessions at once, in rows, for a list of ten thousand. Made and sent in slices, so that calls are set up between
 * them.
 */
import { Readable } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import { Type } from 'typebox';
import type { SessionRow } from '../control/view.js';
import type { Api, ApiContext } from './context.js';

export const COLUMNS = [
  'callId',
  'sessionId',
  'tunnelId',
  'role',
  'state',
  'user',
  'address',
  'callingNumber',
  'peerAddress',
  'since',
  'receivedOctets',
  'sentOctets',
  'encapsulation',
] as const satisfies readonly (keyof SessionRow)[];

export type { SessionRow } from '../control/view.js';
/** In the order of the columns. */
export type SessionListRow = (string | number)[];
export interface SessionList {
  columns: (keyof SessionRow)[];
  rows: SessionListRow[];
}

const ListSchema = Type.Object({
  columns: Type.Array(Type.String()),
  rows: Type.Array(Type.Array(Type.Union([Type.String(), Type.Number()]))),
});

/** Some two milliseconds of work on a small board. */
const ROWS_OF_SLICE = 250;

export const inColumns = (row: SessionRow): SessionListRow => [
  row.callId,
  row.sessionId,
  row.tunnelId,
  row.role,
  row.state,
  row.user,
  row.address,
  row.callingNumber,
  row.peerAddress,
  row.since,
  row.receivedOctets,
  row.sentOctets,
  row.encapsulation,
];

export function sessionListResource(app: Api, { view }: ApiContext): void {
  app.get(
    '/api/v1/session-list',
    { schema: { summary: 'All sessions, in rows', tags: ['calls'], response: { 200: ListSchema } } as object },
    (_request, reply) => {
      reply.type('application/json; charset=utf-8');
      return reply.send(Readable.from(slices(view.sessionRows()), { objectMode: false, highWaterMark: 1 << 20 }));
    },
  );
}

async function* slices(rows: Iterable<SessionRow>): AsyncGenerator<string> {
  yield `{"columns":${JSON.stringify(COLUMNS)},"rows":[`;
  let slice: SessionListRow[] = [];
  let separator = '';
  for (const row of rows) {
    slice.push(inColumns(row));
    if (slice.length < ROWS_OF_SLICE) continue;
    yield separator + inWords(slice);
    separator = ',';
    slice = [];
    await setImmediate();
  }
  yield slice.length > 0 ? `${separator}${inWords(slice)}]}` : ']}';
}

/** Rows without the brackets around them. */
const inWords = (rows: SessionListRow[]): string => JSON.stringify(rows).slice(1, -1);
