/** The ladder of a call, from lines as a box traces them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ladder } from '../../../../firmware/control/traces/ladder.js';
import type { CallStepRecord } from '../../../../firmware/control/view.js';

/** Lines of an LNS's call 1, a second apart. */
function side(
  ...lines: readonly (readonly [step: number, direction: CallStepRecord['direction'], what: string, detail?: string])[]
) {
  const records = lines.map(([step, direction, what, detail = ''], at): CallStepRecord => {
    const numbers = { sequence: at + 1, tunnelId: 7, sessionId: step < 6 ? 0 : 8, callId: step < 6 ? 0 : 1 };
    const time = new Date(Date.UTC(2026, 0, 2, 3, 4, at)).toISOString();
    return { ...numbers, time, step, role: 'lns', user: 'alice', peerAddress: '192.0.2.1', direction, what, detail };
  });
  return { name: 'lns', role: 'lns', source: 'here', callId: 1, outcome: 'up', records } as const;
}

const BEFORE = [
  [5, 'received', 'SCCRQ'],
  [6, 'received', 'ICRQ'],
  [7, 'received', 'LCP Configure-Request'],
  [8, 'within', 'authenticate', 'user=alice, protocol=chap-md5'],
] as const;

test('steps 8 and 9 go to RADIUS and come back from there', () => {
  const { lanes, messages } = ladder(side(...BEFORE, [9, 'within', 'accepted', 'user=alice']), undefined);
  assert.deepEqual(lanes, ['lac', 'lns', 'radius-of-lns']);
  assert.deepEqual(
    messages.slice(-2).map(({ from, to, protocol }) => [from, to, protocol]),
    [
      ['lns', 'radius-of-lns', 'RADIUS'],
      ['radius-of-lns', 'lns', 'RADIUS'],
    ],
  );
});

for (const by of ['own-users', 'settings']) {
  test(`where the box has answered itself (${by}) there is no RADIUS`, () => {
    const lines = side(...BEFORE, [9, 'within', 'accepted', `by=${by}, user=alice`]);
    const { lanes, messages, steps } = ladder(lines, undefined);
    assert.deepEqual(lanes, ['lac', 'lns']);
    assert.ok(messages.slice(-2).every(({ from, to }) => from === 'lns' && to === 'lns'));
    assert.deepEqual([steps[7]?.state, steps[8]?.state], ['done', 'done']);
  });
}

test('a user whose name says by=own-users is asked about at RADIUS all the same', () => {
  const { lanes } = ladder(side(...BEFORE, [9, 'within', 'refused', 'user=x by=own-users, reason=no']), undefined);
  assert.ok(lanes.includes('radius-of-lns'));
});
