/** How the box is, at a glance, and how it was over the last day. */
import { type Static, Type } from 'typebox';
import { DROP_TEXTS } from '../control/drop-texts.js';
import type { Api, ApiContext } from './context.js';

const AttentionSchema = Type.Object({
  severity: Type.Enum(['error', 'warning', 'info']),
  code: Type.String(),
  parameters: Type.Record(Type.String(), Type.Union([Type.String(), Type.Number()])),
  text: Type.String(),
  link: Type.String({ description: 'path of the page on which something can be done about it' }),
});
const OverviewSchema = Type.Object({
  callsUp: Type.Integer(),
  callsByRole: Type.Object({ lns: Type.Integer(), lac: Type.Integer(), lacClient: Type.Integer() }),
  callsThatFit: Type.Integer(),
  setupsPerMinute: Type.Number(),
  failuresPerMinute: Type.Number(),
  received_bps: Type.Number(),
  sent_bps: Type.Number(),
  cpu_percent: Type.Number({ description: 'of one processor, by the program: two busy threads make 200' }),
  cpuOfMachine_percent: Type.Number(),
  memory: Type.Object({ resident_bytes: Type.Integer(), available_bytes: Type.Integer() }),
  drops: Type.Array(
    Type.Object({ reason: Type.String(), count: Type.Number(), perMinute: Type.Number(), text: Type.String() }),
  ),
  attention: Type.Array(AttentionSchema),
});
export type Overview = Static<typeof OverviewSchema>;
export type Attention = Static<typeof AttentionSchema>;

const numbers = () => Type.Array(Type.Number());
const HistorySchema = Type.Object({
  interval_s: Type.Integer(),
  times: Type.Array(Type.String(), { description: "each entry's end" }),
  calls: numbers(),
  setups: numbers(),
  failures: numbers(),
  received_bps: numbers(),
  sent_bps: numbers(),
  cpu_percent: numbers(),
  memory_bytes: numbers(),
});
export type LoadHistory = Static<typeof HistorySchema>;

/** However many look at it, it is worked out once in so long. */
const FRESH_MS = 1_000;

/** What all readers share. */
export function overviewReader({ view, listeners, certificate, reach }: ApiContext): () => Overview {
  let read_ms = Number.NEGATIVE_INFINITY;
  let last: Overview | undefined;
  return () => {
    const now_ms = performance.now();
    if (last !== undefined && now_ms - read_ms < FRESH_MS) return last;
    const overview = view.overview({
      problems: [...certificate.problems, ...listeners.problems, ...reach.problems],
      certificateEnds: certificate.info?.notAfter ?? '',
    });
    const drops = overview.drops.map((drop) => ({ ...drop, text: DROP_TEXTS[drop.reason] ?? drop.reason }));
    last = { ...overview, drops };
    read_ms = now_ms;
    return last;
  };
}

export function overviewResource(app: Api, context: ApiContext): void {
  const read = overviewReader(context);
  app.get(
    '/api/v1/overview',
    { schema: { summary: 'How the box is, at a glance', tags: ['box'], response: { 200: OverviewSchema } } },
    () => read(),
  );
  app.get(
    '/api/v1/overview/history',
    { schema: { summary: 'The last day, minute by minute', tags: ['box'], response: { 200: HistorySchema } } },
    () => context.view.loadHistory(),
  );
}
