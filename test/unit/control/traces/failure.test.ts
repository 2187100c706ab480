/** Given a line of a trace, or the end of a call: what failed, in which step, and what to do about it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { explain, FAILURES, type FailureCode, failureOf } from '../../../../firmware/control/traces/failure.js';
import type { CallStepRecord } from '../../../../firmware/control/view.js';
import { failureText } from '../../../../web-ui/views/traces/failure-words.js';

function line(what: string, detail: string, changes: Partial<CallStepRecord> = {}): CallStepRecord {
  return {
    ...{ sequence: 1, time: '2026-01-02T03:04:05.000Z', step: 9, role: 'lns', tunnelId: 7, sessionId: 8, callId: 1 },
    ...{ user: 'alice', peerAddress: '192.0.2.1', direction: 'within', what, detail },
    ...changes,
  };
}

const LINES: readonly [what: string, detail: string, code: FailureCode, step: number, parameters: object][] = [
  ['refused', 'user=alice, reason=Authentication failed', 'user-refused', 9, { user: 'alice' }],
  ['refused', 'user=alice, reason=Authentication server does not answer', 'radius-silent', 8, { user: 'alice' }],
  ['refused', 'user=alice, reason=Not authorized', 'radius-unusable', 9, { user: 'alice' }],
  ['refused', 'user=alice, reason=out of money', 'radius-refused', 9, { user: 'alice', reason: 'out of money' }],
  ['refused', 'user=alice, reason=alice has a call already', 'duplicate-login', 9, { user: 'alice' }],
  ['refused', 'user=alice, reason=alice has 2 sessions already', 'too-many-sessions', 9, { user: 'alice' }],
  ['no address', 'reason=address pool home is exhausted', 'pool-empty', 9, { pool: 'home' }],
  ['no address', 'reason=there is no address pool home for the user', 'pool-missing', 9, { pool: 'home' }],
  ['no address', 'reason=10.0.0.3 is taken', 'no-address', 9, { reason: '10.0.0.3 is taken' }],
  [
    'what the LAC hands over is not taken',
    'reason=its MRU of 1500 is above 1400',
    'mru-clash',
    7,
    { reason: 'its MRU of 1500 is above 1400' },
  ],
];

for (const [what, detail, code, step, parameters] of LINES) {
  test(`${what} (${detail}): ${code}`, () => {
    const found = failureOf(line(what, detail));
    assert.deepEqual([found?.code, found?.step, found?.parameters], [code, step, parameters]);
  });
}

test('RFC 2661 section 4.4.2: a StopCCN says why in words, by its Result Code', () => {
  const stop = (detail: string) => failureOf(line('StopCCN', detail, { direction: 'received', step: 5 }));
  assert.match(stop('resultCode=4')?.text ?? '', /no authorization \(StopCCN result 4\)/);
  assert.match(stop('resultCode=5')?.text ?? '', /does not speak this version of L2TP/);
  assert.equal(stop('resultCode=1'), undefined, 'a tunnel that nobody uses any more is closed');
  assert.equal(stop('resultCode=6'), undefined);
});

test('RFC 2661 section 4.4.2: a call that the other end ends with a bare Result Code is told in words', () => {
  const of = (reason: string, changes: Partial<CallStepRecord> = {}) =>
    explain([line('call ended', reason, { step: 0, role: 'lac', ...changes })]);
  assert.match(
    of('reason=the LNS hung up: result 4')?.text ?? '',
    /it has no room for the call at present \(CDN result 4\)/,
  );
  assert.match(of('reason=result 3, by=peer', { role: 'lns' })?.text ?? '', /administrative reasons \(CDN result 3\)/);
  assert.match(of('reason=the LNS hung up: result 14')?.text ?? '', /pseudowires of this type \(CDN result 14\)/);
  assert.match(of('reason=the LNS hung up: result 99')?.text ?? '', /result 99/);
});

test('whoever is refused for its own fault hears of that, and not that an LNS refused it too', () => {
  const records = [
    line('refused', 'user=alice, reason=Authentication failed'),
    line('the LNS does not take the call', 'server=192.0.2.9, reason=the call was refused', { role: 'lac' }),
    line('call ended', 'reason=the LNS hung up: result 3', { step: 0 }),
  ];
  assert.equal(explain(records)?.code, 'user-refused');
});

test('each reason says what to do, in English and in German, with the same parameters in both', () => {
  // What these say is a sentence of somebody else's, whole.
  const quoted: readonly FailureCode[] = ['administrator', 'other'];
  const placesOf = (text: string) => [...text.matchAll(/«(\w+)»/g)].map(([, name]) => name).sort();
  for (const code of Object.keys(FAILURES) as FailureCode[]) {
    const names = [...FAILURES[code].matchAll(/\{(\w+)\}/g)].map(([, name]) => name!);
    const parameters = Object.fromEntries(names.map((name) => [name, `«${name}»`]));
    const german = failureText({ code, parameters, text: '', step: 0 }, 'de');
    assert.deepEqual(placesOf(german), [...new Set(names)].sort(), code);
    if (quoted.includes(code)) continue;
    assert.match(FAILURES[code], /; |: /, code);
    assert.match(german, /; |: /, code);
  }
});
