/** The ladder of a call: where messages stand, which steps it got to, and how it went in a sentence. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Failure, Ladder, LadderMessage, Lane } from '../../../firmware/api/traces.js';
import { failureText } from '../../../web-ui/views/traces/failure-words.js';
import { placeOf, setUpTime_ms, stepsOfCall, userOf } from '../../../web-ui/views/traces/ladder-layout.js';
import { messageText } from '../../../web-ui/views/traces/message-words.js';
import { laneName, stepName } from '../../../web-ui/views/traces/step-words.js';
import { summary } from '../../../web-ui/views/traces/summary-words.js';

const LANES: readonly Lane[] = ['pc', 'lac', 'radius-of-lac', 'lns', 'radius-of-lns'];
const FAILURE: Failure = {
  ...{ step: 6, code: 'session-refused', parameters: { server: 'lns1', reason: 'no room' } },
  text: 'the LNS lns1 refused the call: no room',
};
const OF_NEWER_BOX = { ...FAILURE, code: 'of tomorrow', text: 'the moon is full' } as unknown as Failure;

const message = (at_ms: number, step: number, what: string): LadderMessage => ({
  ...{ at_ms, step, from: 'lac' as const, to: 'lns' as const, protocol: 'L2TP', what, seenBy: 'here' as const },
  ...{ travel_ms: null, fields: [], failed: false, failure: null },
});
const step = (number: number, state: Ladder['steps'][number]['state']): Ladder['steps'][number] => ({
  number,
  state,
  began_ms: number,
  took_ms: 2,
});

const ladder = (changes: Partial<Ladder>): Ladder => ({
  ...{ traceId: '1', user: 'alice', role: 'lac', startedAt: '2026-01-02T03:04:05.678Z', outcome: 'up', failure: null },
  ...{ boxes: [], joinProblem: '', lanes: [...LANES], steps: [], messages: [] },
  ...changes,
});
const reaches = (of: Ladder) => stepsOfCall(of).map(({ reach }) => reach);

test('a message goes from the line of one lane to that of another, whichever way', () => {
  assert.deepEqual(placeOf({ from: 'pc', to: 'lac' }, LANES), { left: 2, right: 4, direction: 'right' });
  assert.deepEqual(placeOf({ from: 'lns', to: 'lac' }, LANES), { left: 4, right: 8, direction: 'left' });
  assert.deepEqual(placeOf({ from: 'lns', to: 'lns' }, LANES), { left: 8, right: 8, direction: 'within' });
  // Of two that take part, the lanes between are not there.
  assert.deepEqual(placeOf({ from: 'pc', to: 'lns' }, ['pc', 'lns']), { left: 2, right: 4, direction: 'right' });
});

test('all fourteen steps are there, each with its messages by time; what belongs to none comes last', () => {
  const steps = stepsOfCall(
    ladder({ messages: [message(5, 5, 'SCCCN'), message(3, 5, 'SCCRQ'), message(9, 0, 'HELLO')] }),
  );

  assert.deepEqual(
    steps.map(({ number }) => number),
    [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 0],
  );
  assert.deepEqual(
    steps[4]!.messages.map(({ what }) => what),
    ['SCCRQ', 'SCCCN'],
  );
  assert.deepEqual(
    steps[14]!.messages.map(({ what }) => what),
    ['HELLO'],
  );
});

test('a step that nobody saw: gone without, not reached by a failed call, or not yet by one under way', () => {
  const steps = [step(1, 'done'), step(2, 'elsewhere'), step(4, 'done'), step(5, 'not-seen')];
  const upTo5 = (last: string) => ['done', 'elsewhere', 'skipped', 'done', last];

  assert.deepEqual(reaches(ladder({ steps })).slice(0, 5), upTo5('skipped'));
  assert.deepEqual(reaches(ladder({ steps, outcome: 'in-progress' })).slice(0, 5), upTo5('not-yet'));
  assert.deepEqual(reaches(ladder({ steps, outcome: 'failed' })).slice(0, 5), upTo5('not-reached'));
  assert.equal(reaches(ladder({ steps: [step(4, 'failed')], outcome: 'failed' }))[3], 'failed');
});

test('what only the other box can know is neither done nor left out, as long as that box has not been heard', () => {
  const boxes: Ladder['boxes'] = [{ name: 'lac1', role: 'lac', source: 'here' }];
  const steps = [step(6, 'done'), step(14, 'done')];

  assert.deepEqual(new Set(reaches(ladder({ boxes, steps })).slice(6, 13)), new Set(['unseen']));
  const joined = [...boxes, { name: 'lns1', role: 'lns' as const, source: 'peer' as const }];
  assert.deepEqual(new Set(reaches(ladder({ boxes: joined, steps })).slice(6, 13)), new Set(['skipped']));
  assert.equal(reaches(ladder({ boxes, steps, role: 'lns' }))[0], 'unseen');
  assert.equal(reaches(ladder({ boxes, steps, role: 'lns', lanes: ['lac', 'lns'] }))[0], 'skipped');
  // A call that ends at the LAC has no other box.
  assert.equal(reaches(ladder({ boxes, steps, lanes: ['pc', 'lac'] }))[6], 'skipped');
});

test('a message is called by its name without its protocol, a call without a user by whom its failure is about', () => {
  for (const language of ['en', 'de'] as const) {
    assert.equal(messageText({ protocol: 'LCP', what: 'LCP Configure-Request' }, language), 'Configure-Request');
    assert.equal(messageText({ protocol: 'L2TP', what: 'SCCRQ' }, language), 'SCCRQ');
  }
  assert.equal(messageText({ protocol: '', what: 'LNS chosen' }, 'en'), 'LNS chosen');
  assert.equal(messageText({ protocol: '', what: 'LNS chosen' }, 'de'), 'LNS gewählt');
  assert.equal(userOf({ user: '', failure: { ...FAILURE, parameters: { user: 'alice' } } }), 'alice');
  assert.equal(userOf({ user: '', failure: null }), '');
});

test('set-up is over with the address; a call without one has no time of it', () => {
  assert.equal(setUpTime_ms(ladder({ steps: [step(13, 'done')] })), 15);
  assert.equal(setUpTime_ms(ladder({ steps: [step(13, 'failed')] })), null);
  assert.equal(setUpTime_ms(ladder({})), null);
});

test('the sentence on top says how the call went, in both languages', () => {
  const up = ladder({ steps: [step(13, 'done')] });
  assert.equal(summary(up, 'en'), 'The call of alice is up; its set-up took 0.015 s.');
  assert.equal(summary(up, 'de'), 'Der Anruf von alice steht; der Aufbau dauerte 0,015 s.');
  assert.equal(
    summary({ ...up, outcome: 'ended' }, 'en'),
    'The call of alice was up and has ended; its set-up took 0.015 s.',
  );
  assert.equal(
    summary(ladder({ outcome: 'failed', failure: FAILURE }), 'en'),
    'The call of alice failed in step 6 (The session to the LNS): the LNS lns1 refused the call: no room.',
  );
  assert.equal(
    summary(ladder({ outcome: 'failed', failure: { ...FAILURE, step: 0 } }), 'de'),
    'Der Anruf von alice ist gescheitert: der LNS lns1 hat den Anruf abgelehnt: „no room“; Trace und Protokoll des LNS sagen, warum.',
  );
  assert.equal(
    summary(ladder({ outcome: 'in-progress', user: '', steps: [step(2, 'done')] }), 'de'),
    'Der Anruf von einem Benutzer ohne Namen ist im Gang, in Schritt 2 (PC und LAC handeln LCP aus).',
  );
  assert.equal(summary(ladder({ outcome: 'in-progress' }), 'en'), 'The call of alice begins.');
});

test('each step and lane has a name, and a failure that is not known here is told in the words of the box', () => {
  for (const language of ['en', 'de'] as const) {
    const names = Array.from({ length: 15 }, (_, number) => stepName(number, language));
    assert.ok(
      names.every((name) => name.length > 5),
      names.join('; '),
    );
    assert.equal(failureText(OF_NEWER_BOX, language), OF_NEWER_BOX.text);
  }
  assert.deepEqual(LANES.map(laneName), ['PC', 'LAC', 'RADIUS (LAC)', 'LNS', 'RADIUS (LNS)']);
});
