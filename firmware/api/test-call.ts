/** A call that the box places itself, so that whoever has set it up sees that it works, or why it does not. */
import { type Static, Type } from 'typebox';
import type { Api, ApiContext } from './context.js';
import { ApiProblem, refusal } from './problem.js';
import { checkedBody } from './request-body.js';
import { FailureSchema } from './traces.js';

const name = (description: string) => Type.String({ minLength: 1, maxLength: 253, description });
const password = () => Type.String({ minLength: 1, maxLength: 255, writeOnly: true });
const closed = { additionalProperties: false };
const WantedSchema = Type.Union([
  Type.Object({ kind: Type.Literal('lns'), user: name('who calls'), password: password() }, closed),
  Type.Object(
    { kind: Type.Literal('tunnel-group'), group: name('of LNSes'), user: name('who calls'), password: password() },
    closed,
  ),
  Type.Object({ kind: Type.Literal('lac-client'), profile: name('of the settings') }, closed),
]);
const TestCallSchema = Type.Object({
  state: Type.Enum(['none', 'running', 'passed', 'failed']),
  startedAt: Type.String(),
  steps: Type.Array(
    Type.Object({
      number: Type.Integer(),
      what: Type.Enum(['tunnel', 'session', 'link', 'authentication', 'address', 'echo']),
      at_ms: Type.Number(),
      state: Type.Enum(['done', 'failed']),
    }),
  ),
  address: Type.String(),
  roundTrip_ms: Type.Union([Type.Null(), Type.Number()]),
  failure: Type.Union([Type.Null(), FailureSchema]),
});
export type TestCall = Static<typeof TestCallSchema>;

export function testCallResource(app: Api, { testCalls }: ApiContext): void {
  app.get(
    '/api/v1/test-call',
    { schema: { summary: 'How the last test call went', tags: ['calls'], response: { 200: TestCallSchema } } },
    () => testCalls.view(),
  );

  app.post(
    '/api/v1/test-call',
    { config: { body: WantedSchema }, schema: { summary: 'Place a test call', tags: ['calls'] } },
    async (request, reply) => {
      if (testCalls.isRunning) {
        throw new ApiProblem({ title: 'A test call is under way', status: 409, detail: 'wait for its end, or end it' });
      }
      const problem = await testCalls.start(checkedBody(WantedSchema, request.body));
      if (problem !== undefined) throw refusal([problem]);
      return reply.code(202).send();
    },
  );

  app.delete('/api/v1/test-call', { schema: { summary: 'End the test call', tags: ['calls'] } }, (_request, reply) => {
    testCalls.stop();
    return reply.code(204).send();
  });
}
