/** A user's answer to PPP becomes a question to RADIUS, and RADIUS's answer the role's. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RadiusAuthentication } from '../../../../firmware/control/radius/authentication.js';
import type { RadiusOutcome } from '../../../../firmware/control/radius/transport.js';
import type { RadiusReplyCode, RadiusRequest } from '../../../../firmware/protocol/radius/client-types.js';
import type { Answer, Question } from '../../../../firmware/roles/role.js';
import { DEFAULT_SETTINGS } from '../../../../firmware/settings.js';
import type { RadiusValues } from '../../../../firmware/wire/radius-attributes.js';
import { ascii } from '../../../vectors/vectors.js';
import { standingCall } from '../standing-call.js';
import { RecordedLog } from './recorded-log.js';

function replyOf(code: RadiusReplyCode, values: RadiusValues = {}): RadiusOutcome {
  return { type: 'reply', requestKey: 1, code, serverIndex: 0, values, others: [], otherVendors: [] };
}

function bench() {
  const requests: RadiusRequest[] = [];
  let outcome: ((outcome: RadiusOutcome) => void) | undefined;
  const log = new RecordedLog();
  const authentication = new RadiusAuthentication({
    transport: {
      request(request, handle) {
        requests.push(request);
        outcome = handle;
      },
    },
    settings: () => DEFAULT_SETTINGS,
    now_ms: () => 0,
    log,
  });
  const answers: Answer[] = [];
  const ask = (password: Uint8Array): void => {
    const request = { protocol: 'pap', name: ascii('alice'), identifier: 1, password } as const;
    const call = standingCall({});
    const question: Question = { type: 'authenticate', questionId: 5, callId: 1, userName: 'alice', request, call };
    authentication.authenticate(question, (answer) => answers.push(answer));
  };
  return { requests, answers, log, ask, reply: (one: RadiusOutcome) => outcome?.(one) };
}

test('an Access-Accept answers with what the user gets', () => {
  const { requests, answers, ask, reply } = bench();
  ask(ascii('secret'));
  assert.equal(requests.length, 1);
  assert.equal(answers.length, 0);
  reply(replyOf('accept', { framedIpAddress: '10.0.0.7' }));
  const [answer] = answers;
  assert.ok(answer.type === 'authenticate' && answer.answer.accepted);
  assert.deepEqual([answer.questionId, answer.authorization?.address], [5, '10.0.0.7']);
});

for (const [what, outcome, message] of [
  ['an Access-Reject', replyOf('reject', { replyMessage: ['No'] }), 'No'],
  ['an Access-Challenge (RFC 2865 section 4.4)', replyOf('challenge', { replyMessage: ['Code?'] }), 'Code?'],
  ['no reply', { type: 'no-reply', requestKey: 1 }, 'Authentication server does not answer'],
] as [string, RadiusOutcome, string][]) {
  test(`${what} refuses`, () => {
    const { answers, ask, reply } = bench();
    ask(ascii('secret'));
    reply(outcome);
    assert.deepEqual(answers, [
      { type: 'authenticate', questionId: 5, answer: { accepted: false, message }, authorization: undefined },
    ]);
  });
}

test('a password that RADIUS has no room for refuses without a question, and the log does not hold it', () => {
  const { requests, answers, log, ask } = bench();
  ask(new Uint8Array(200).fill(0x78));
  assert.equal(requests.length, 0);
  assert.ok(answers[0].type === 'authenticate' && !answers[0].answer.accepted);
  assert.equal(log.lines.length, 1);
  assert.doesNotMatch(JSON.stringify(log.lines), /xxx/);
});

test('what cannot be taken is logged once in a while, not for each user', () => {
  const { log, ask, reply } = bench();
  for (let i = 0; i < 100; i++) {
    ask(ascii('secret'));
    reply(replyOf('accept', { framedRoute: ['nonsense'] }));
  }
  assert.deepEqual(
    log.lines.map(({ level, fields }) => [level, fields]),
    [['warn', { user: 'alice', problems: ['Framed-Route "nonsense"'] }]],
  );
});
