/**
 * Traces of calls, one by one: how each went, its ladder of the fourteen steps, and the joining with what the box at the
 * call's other end has seen.
 */
import { type Static, Type } from 'typebox';
import { Value } from 'typebox/value';
import { MAX_DETAIL_CHARACTERS, MAX_RECORDS } from '../control/traces/call-traces.js';
import { FAILURES, type FailureCode } from '../control/traces/failure.js';
import { isOtherEnd, type LadderSide, ladder } from '../control/traces/ladder.js';
import { requestNumbers } from '../control/traces/request-numbers.js';
import { askTracePeer } from '../control/traces/trace-peers.js';
import type { Api, ApiContext } from './context.js';
import { notFound, refusal } from './problem.js';
import { bodyProblems, checkedBody } from './request-body.js';

export type { FailureCode };

const RoleSchema = Type.Enum(['lns', 'lac', 'lac-client', 'pseudowire']);
const OutcomeSchema = Type.Enum(['in-progress', 'up', 'ended', 'failed']);
const LaneSchema = Type.Enum(['pc', 'lac', 'radius-of-lac', 'lns', 'radius-of-lns']);
export const FailureSchema = Type.Object({
  step: Type.Integer(),
  code: Type.Enum(Object.keys(FAILURES) as [FailureCode, ...FailureCode[]]),
  parameters: Type.Record(Type.String(), Type.String()),
  text: Type.String({ description: 'what happened and what to do about it, in English' }),
});
const orNull = <T extends Parameters<typeof Type.Union>[0][number]>(schema: T) => Type.Union([Type.Null(), schema]);
const TraceSchema = Type.Object({
  traceId: Type.String(),
  callId: Type.Integer(),
  startedAt: Type.String(),
  endedAt: Type.String(),
  user: Type.String(),
  role: RoleSchema,
  peerAddress: Type.String(),
  callingNumber: Type.String(),
  outcome: OutcomeSchema,
  failure: orNull(FailureSchema),
  steps: Type.Array(Type.Integer()),
});
const MessageSchema = Type.Object({
  at_ms: Type.Number(),
  step: Type.Integer(),
  from: LaneSchema,
  to: LaneSchema,
  protocol: Type.String(),
  what: Type.String(),
  seenBy: Type.Enum(['here', 'elsewhere', 'both']),
  travel_ms: orNull(Type.Number()),
  fields: Type.Array(Type.Object({ name: Type.String(), value: Type.String() })),
  failed: Type.Boolean(),
  failure: orNull(FailureSchema),
});
const LadderSchema = Type.Object({
  traceId: Type.String(),
  user: Type.String(),
  role: RoleSchema,
  startedAt: Type.String(),
  outcome: OutcomeSchema,
  failure: orNull(FailureSchema),
  boxes: Type.Array(
    Type.Object({ name: Type.String(), role: RoleSchema, source: Type.Enum(['here', 'peer', 'import']) }),
  ),
  joinProblem: Type.String({ description: "why the other box's trace could not be had; '' when nothing is wrong" }),
  lanes: Type.Array(LaneSchema),
  steps: Type.Array(
    Type.Object({
      number: Type.Integer(),
      state: Type.Enum(['done', 'failed', 'elsewhere', 'not-seen']),
      began_ms: orNull(Type.Number()),
      took_ms: orNull(Type.Number()),
    }),
  ),
  messages: Type.Array(MessageSchema),
});
const text = (maxLength: number) => Type.String({ maxLength });
const RecordSchema = Type.Object(
  {
    sequence: Type.Integer(),
    time: Type.Refine(
      text(40),
      (time) => Number.isFinite(Date.parse(time)),
      () => 'is no time',
    ),
    step: Type.Integer({ minimum: 0, maximum: 14 }),
    role: RoleSchema,
    tunnelId: Type.Integer(),
    sessionId: Type.Integer(),
    callId: Type.Integer(),
    user: text(1_024),
    peerAddress: text(64),
    direction: Type.Enum(['sent', 'received', 'within']),
    what: text(256),
    detail: text(MAX_DETAIL_CHARACTERS),
  },
  { additionalProperties: false },
);
const ExportSchema = Type.Object(
  {
    format: Type.Literal('tunnelwerk-trace'),
    version: Type.Literal(1),
    box: text(256),
    role: RoleSchema,
    callId: Type.Integer(),
    outcome: OutcomeSchema,
    records: Type.Array(RecordSchema, { maxItems: MAX_RECORDS }),
  },
  { additionalProperties: false },
);
const ImportSchema = Type.Object({ imported: ExportSchema }, { additionalProperties: false });
const MatchSchema = Type.Object(
  {
    role: Type.Enum(['lac', 'lns'], { description: "which role of the asked box's own the call is" }),
    assignedSessionId: Type.Integer({ minimum: 1, maximum: 2 ** 32 - 1, description: "the LAC's, in its ICRQ" }),
    callSerialNumber: Type.Integer({ minimum: 0, maximum: 2 ** 32 - 1 }),
    repliedSessionId: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 2 ** 32 - 1, description: "the LNS's, in its ICRP" }),
    ),
  },
  { additionalProperties: false },
);

/** Four numbers. */
const MATCH_LIMIT_BYTES = 4096;

export type CallTrace = Static<typeof TraceSchema>;
export type Failure = Static<typeof FailureSchema>;
export type Lane = Static<typeof LaneSchema>;
export type LadderMessage = Static<typeof MessageSchema>;
export type Ladder = Static<typeof LadderSchema>;
export type TraceExport = Static<typeof ExportSchema>;

const ListSchema = Type.Object({
  limit: Type.Integer({ minimum: 1, maximum: 1_000, default: 100 }),
  before: Type.Optional(Type.String({ description: 'the last traceId of the page before' })),
  user: Type.String({ default: '', description: 'part of the name, the address or the calling number' }),
  outcome: Type.Enum(['', 'in-progress', 'up', 'ended', 'failed'], { default: '' }),
});
const TraceIdSchema = Type.Object({
  traceId: Type.Refine(
    Type.String(),
    (id) => /^\d{1,12}-\d{1,12}$/.test(id),
    () => 'is no traceId, as in 3-17',
  ),
});
const JoinSchema = Type.Object({ join: Type.Enum(['auto', 'none'], { default: 'auto' }) });

export function tracesResource(app: Api, { store, traces }: ApiContext): void {
  const boxName = () => store.documents.settings().system.hostName;
  const sideOf = (traceId: string): LadderSide => {
    const side = traces.side(traceId, boxName());
    if (side === undefined) throw notFound(`trace ${traceId} (any more)`);
    return side;
  };
  const shown = (traceId: string, here: LadderSide, there: LadderSide | undefined, joinProblem = ''): Ladder => {
    return { traceId, joinProblem, ...ladder(here, there) };
  };

  app.get(
    '/api/v1/traces',
    {
      schema: {
        summary: 'Calls that were traced',
        tags: ['calls'],
        querystring: ListSchema,
        response: { 200: Type.Array(TraceSchema) },
      },
    },
    ({ query: { limit, before, user, outcome } }) => {
      const wanted = user.toLowerCase();
      return traces.newest(
        limit,
        (call) =>
          (outcome === '' || call.outcome === outcome) &&
          [call.user, call.peerAddress, call.callingNumber].some((each) => each.toLowerCase().includes(wanted)),
        before,
      );
    },
  );

  app.get(
    '/api/v1/traces/:traceId/ladder',
    {
      schema: {
        summary: 'The ladder of a call, joined with what its other end has seen',
        tags: ['calls'],
        params: TraceIdSchema,
        querystring: JoinSchema,
        response: { 200: LadderSchema },
      },
    },
    async ({ params: { traceId }, query: { join } }) => {
      const here = sideOf(traceId);
      if (join === 'none') return shown(traceId, here, undefined);
      const { there, problem } = await otherEnd(here, store.documents.settings().tracePeers);
      return shown(traceId, here, there, problem);
    },
  );

  app.post(
    '/api/v1/traces/:traceId/ladder',
    {
      config: { access: 'viewers', body: ImportSchema },
      schema: {
        summary: "The ladder of a call, joined with the other box's exported trace",
        tags: ['calls'],
        params: TraceIdSchema,
        response: { 200: LadderSchema },
      },
    },
    ({ params: { traceId }, body }) => {
      const here = sideOf(traceId);
      const { imported } = checkedBody(ImportSchema, body);
      const there = fromExport(imported, 'import');
      if (!isOtherEnd(here, there)) throw refusal([{ field: '/imported/records', reason: NOT_ITS_OTHER_END }]);
      return shown(traceId, here, there);
    },
  );

  app.get(
    '/api/v1/traces/:traceId/export',
    {
      schema: {
        summary: 'What this box has traced of a call, as a file',
        tags: ['calls'],
        params: TraceIdSchema,
        response: { 200: ExportSchema },
      },
    },
    ({ params: { traceId } }, reply) => {
      reply.header('content-disposition', `attachment; filename="trace-${traceId}.json"`);
      return toExport(sideOf(traceId));
    },
  );

  app.post(
    '/api/v1/traces/match',
    {
      bodyLimit: MATCH_LIMIT_BYTES,
      config: { access: 'viewers', body: MatchSchema },
      schema: {
        summary: "The trace of a call that another box knows by its ICRQ's numbers",
        tags: ['calls'],
        response: { 200: ExportSchema },
      },
    },
    ({ body }) => {
      const { role, ...numbers } = checkedBody(MatchSchema, body);
      const traceId = traces.findByRequest(role, numbers);
      if (traceId === undefined) throw notFound('such call');
      return toExport(sideOf(traceId));
    },
  );
}

function toExport({ name, role, callId, outcome, records }: LadderSide): TraceExport {
  return { format: 'tunnelwerk-trace', version: 1, box: name, role, callId, outcome, records: [...records] };
}

function fromExport(given: TraceExport, source: 'peer' | 'import'): LadderSide {
  const { box, role, callId, outcome, records } = given;
  return { name: box, role, source, callId, outcome, records };
}

type TracePeers = Parameters<typeof askTracePeer>[0][];

/** Asks all trace peers at once; the first that knows the call is its other end. */
async function otherEnd(here: LadderSide, peers: TracePeers): Promise<{ there?: LadderSide; problem: string }> {
  const question = questionOf(here);
  if (question === undefined || peers.length === 0) return { problem: '' };
  const abort = new AbortController();
  try {
    const there = await Promise.any(
      peers.map(async (peer) => fromPeer(peer.name, here, await askTracePeer(peer, question, abort.signal))),
    );
    return { there, problem: '' };
  } catch (error) {
    const problems = (error as AggregateError).errors.map(({ message }: Error) => message);
    return { problem: problems.filter((message) => message !== '').join('; ') };
  } finally {
    abort.abort();
  }
}

const NOT_ITS_OTHER_END = 'has no ICRQ of this call: it is of another one';

/** Throws the reason why it is of no use; that a box does not know the call is no problem, and has no words. */
function fromPeer(name: string, here: LadderSide, answer: unknown): LadderSide {
  if (answer === undefined) throw new Error('');
  const [problem] = bodyProblems(ExportSchema, answer);
  if (problem !== undefined) throw new Error(`${name}: its answer makes no sense: ${problem.field} ${problem.reason}`);
  const there = fromExport(answer as TraceExport, 'peer');
  if (!isOtherEnd(here, there)) throw new Error(`${name}: what it has traced ${NOT_ITS_OTHER_END}`);
  return there;
}

/** Undefined when the other end never heard of the call. */
function questionOf({ role, records }: LadderSide): Static<typeof MatchSchema> | undefined {
  const isLns = role === 'lns';
  const question = { role: isLns ? 'lac' : 'lns', ...requestNumbers(isLns, records) };
  return Value.Check(MatchSchema, question) ? question : undefined;
}
