/** Duplicate logins and the number of sessions that a user may have. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decideLogin, type LoginDecision } from '../../../firmware/control/login-policy.js';
import { NO_AUTHORIZATION } from '../../../firmware/roles/authorization.js';
import type { CallInfo, TunnelChoice } from '../../../firmware/roles/role.js';
import { standingCall } from './standing-call.js';

const ALLOW = { duplicateLogins: 'allow', maxSessionsPerUser: 0 } as const;
const REPLACE = { duplicateLogins: 'replace', maxSessionsPerUser: 0 } as const;
const REFUSE = { duplicateLogins: 'refuse', maxSessionsPerUser: 0 } as const;
const ALICE = { callId: 9, userName: 'alice', authorization: NO_AUTHORIZATION };

function replaced(decision: LoginDecision): number[] {
  assert.ok(decision.accepted);
  return decision.replaces.map(({ callId }) => callId);
}

function refusal(decision: LoginDecision): string {
  assert.ok(!decision.accepted);
  return decision.reason;
}

test('allow: a user calls as often as it likes', () => {
  const calls = [1, 2, 3].map((callId) => standingCall({ callId }));
  assert.deepEqual(replaced(decideLogin(ALLOW, ALICE, calls)), []);
});

test('replace: the older calls of the same user end, the oldest first, and nobody else’s', () => {
  const calls = [
    standingCall({ callId: 1, since_ms: 20 }),
    standingCall({ callId: 2, since_ms: 10 }),
    standingCall({ callId: 3, userName: 'bob' }),
  ];
  assert.deepEqual(replaced(decideLogin(REPLACE, ALICE, calls)), [2, 1]);
});

test('refuse: who has a call gets no second one', () => {
  assert.equal(refusal(decideLogin(REFUSE, ALICE, [standingCall({})])), 'the user has a call already');
  assert.deepEqual(replaced(decideLogin(REFUSE, ALICE, [standingCall({ userName: 'bob' })])), []);
});

test('maxSessionsPerUser: so many, and no more', () => {
  const two = { duplicateLogins: 'allow', maxSessionsPerUser: 2 } as const;
  const [one, other] = [standingCall({ callId: 1 }), standingCall({ callId: 2 })];
  assert.deepEqual(replaced(decideLogin(two, ALICE, [one])), []);
  assert.equal(refusal(decideLogin(two, ALICE, [one, other])), 'the user has 2 sessions already');
  const replacing = { ...two, duplicateLogins: 'replace' } as const;
  assert.deepEqual(replaced(decideLogin(replacing, ALICE, [one, other])), [1, 2]);
});

test('RFC 1661 section 3.4: a call in which LCP has begun anew is no other call of its user', () => {
  const again = standingCall({ callId: ALICE.callId, state: 'authenticate' });
  assert.deepEqual(replaced(decideLogin(REPLACE, ALICE, [again])), []);
  assert.deepEqual(replaced(decideLogin(REFUSE, ALICE, [again])), []);
});

/** Calls that hold nobody up. */
const LNS: TunnelChoice = {
  preference: 0,
  server: '192.0.2.9',
  localAddress: '',
  port: 1701,
  encapsulation: 'udp2',
  secret: '',
  digest: 'sha1',
  assignmentId: '',
  hostName: '',
  peerHostName: '',
  cookie_bytes: 0,
  sequencing: false,
};
const UNCOUNTED: [string, Partial<CallInfo>][] = [
  ['whose user has not proved who it is', { userName: '', state: 'authenticate' }],
  ['that is ending', { state: 'terminate' }],
  ['that this box has placed itself', { role: 'lac-client' }],
  ['that the LAC carries to an LNS', { role: 'lac', isTunnelled: true }],
  ['that the LAC is about to carry', { role: 'lac', authorization: { ...NO_AUTHORIZATION, tunnels: [LNS] } }],
];
for (const [what, call] of UNCOUNTED) {
  test(`a call ${what} is neither replaced nor in the way`, () => {
    assert.deepEqual(replaced(decideLogin(REPLACE, ALICE, [standingCall(call)])), []);
    assert.deepEqual(replaced(decideLogin(REFUSE, ALICE, [standingCall(call)])), []);
  });
}

test('a call that ends at the LAC counts like one of the LNS; there, a group of LNSes means nothing', () => {
  const local = standingCall({ callId: 1, role: 'lac' });
  const atLns = standingCall({ callId: 2, authorization: { ...NO_AUTHORIZATION, tunnels: [LNS] } });
  assert.deepEqual(replaced(decideLogin(REPLACE, ALICE, [local, atLns])), [1, 2]);
});

test('a user without a name meets no call whose user is not known yet', () => {
  const nobody = { ...ALICE, userName: '' };
  assert.deepEqual(replaced(decideLogin(REPLACE, nobody, [standingCall({ userName: '' })])), []);
});

test('RFC 2865 section 5.1: the name in an Access-Accept is the one that counts, whatever the user wrote', () => {
  const authorization = { ...NO_AUTHORIZATION, userName: 'alice' };
  const calls = [standingCall({ userName: 'ALICE', authorization })];
  assert.deepEqual(replaced(decideLogin(REPLACE, { ...ALICE, userName: 'Alice', authorization }, calls)), [1]);
  assert.deepEqual(replaced(decideLogin(REPLACE, { ...ALICE, userName: 'ALICE' }, calls)), []);
});
