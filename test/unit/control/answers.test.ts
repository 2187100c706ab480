/** Who answers for a user at the LAC: the settings' rules, RADIUS, and what of RADIUS's answer counts where PPP ends here. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { AddressPools } from '../../../firmware/control/address-pool.js';
import { Answers, type Authenticator } from '../../../firmware/control/answers.js';
import type { AuthenticationRequest } from '../../../firmware/protocol/ppp/link.js';
import { NO_AUTHORIZATION } from '../../../firmware/roles/authorization.js';
import type { Answer, TunnelChoice } from '../../../firmware/roles/role.js';
import { ascii } from '../../vectors/vectors.js';
import { temporaryStore } from '../store/temporary-store.js';
import { standingCall } from './standing-call.js';

const PAP: AuthenticationRequest = { protocol: 'pap', name: ascii('alice@isp'), identifier: 1, password: ascii('x') };
const MS_CHAP: AuthenticationRequest = {
  protocol: 'mschapv2',
  name: ascii('alice@isp'),
  identifier: 1,
  challenge: new Uint8Array(16),
  peerChallenge: new Uint8Array(16),
  ntResponse: new Uint8Array(24),
};
const TUNNEL: TunnelChoice = {
  ...{ preference: 0, server: '192.0.2.1', localAddress: '', port: 1701, encapsulation: 'udp2', secret: '' },
  ...{ digest: 'md5', assignmentId: '', hostName: '', peerHostName: '', cookie_bytes: 8, sequencing: false },
};

/** An Access-Accept for the tunnel alone: nobody has looked at a password. */
const FOR_THE_TUNNEL: Authenticator = {
  authenticate: ({ questionId }, give) => {
    const authorization = { ...NO_AUTHORIZATION, tunnels: [TUNNEL] };
    give({ type: 'authenticate', questionId, answer: { accepted: true }, authorization });
  },
};

function answerBy(t: TestContext, rules: object[], request: AuthenticationRequest): Answer {
  const { store } = temporaryStore(t);
  const interfaces = [{ name: 'eth1' }];
  const tunnelGroups = [{ name: 'group', servers: [{ server: '192.0.2.9' }] }];
  const written = store.documents.writeSettings({ lac: { enabled: true, interfaces, tunnelGroups, rules } }, 'test');
  assert.ok(written.ok, JSON.stringify(written));
  const answers = new Answers({
    store,
    pools: new AddressPools(store.documents, store.leases),
    radius: () => FOR_THE_TUNNEL,
    calls: () => [],
    clearCall: () => {},
    resolve: () => Promise.reject(new Error('nothing is resolved')),
  });
  const given: Answer[] = [];
  const call = standingCall({ role: 'lac' });
  answers.answer({ type: 'authenticate', questionId: 3, callId: 1, userName: 'alice@isp', request, call }, (answer) =>
    given.push(answer),
  );
  assert.equal(given.length, 1);
  return given[0]!;
}

function tunnelsOf(answer: Answer): string[] | undefined {
  assert.ok(answer.type === 'authenticate');
  return answer.authorization?.tunnels.map(({ server }) => server);
}

test('no rule: RADIUS says where the call goes, by MS-CHAPv2 too, which the LNS checks', (t) => {
  assert.deepEqual(tunnelsOf(answerBy(t, [], PAP)), ['192.0.2.1']);
  assert.deepEqual(tunnelsOf(answerBy(t, [], MS_CHAP)), ['192.0.2.1']);
});

test('a rule that says tunnel goes before RADIUS', (t) => {
  assert.deepEqual(tunnelsOf(answerBy(t, [{ domain: 'ISP', action: 'tunnel', group: 'group' }], PAP)), ['192.0.2.9']);
});

test('a rule that says refuse asks nobody', (t) => {
  const answer = answerBy(t, [{ domain: 'isp', action: 'refuse' }], PAP);
  assert.ok(answer.type === 'authenticate' && !answer.answer.accepted);
});

test('a rule that says local: no tunnel', (t) => {
  const answer = answerBy(t, [{ action: 'local' }], PAP);
  assert.deepEqual(tunnelsOf(answer), []);
});

test('a rule that says local: an Access-Accept for a tunnel proves nothing to a user of MS-CHAPv2 (RFC 2759 section 5)', (t) => {
  const answer = answerBy(t, [{ action: 'local' }], MS_CHAP);
  assert.ok(answer.type === 'authenticate' && !answer.answer.accepted);
  assert.equal(answer.authorization, undefined);
});

test('an answer that comes when its call is gone takes the place of no call that stands; with the call there, it does', (t) => {
  const { store } = temporaryStore(t);
  assert.ok(store.documents.writeSettings({ lns: { duplicateLogins: 'replace' } }, 'test').ok);
  const older = standingCall({ callId: 7, role: 'lns', userName: 'alice@isp' });
  const asking = standingCall({ callId: 8, role: 'lns', userName: '' });
  for (const [calls, cleared] of [
    [[older], []],
    [[older, asking], [7]],
  ] as const) {
    const ended: number[] = [];
    const answers = new Answers({
      store,
      pools: new AddressPools(store.documents, store.leases),
      radius: () => undefined,
      calls: () => calls,
      clearCall: (callId) => ended.push(callId),
      resolve: () => Promise.reject(new Error('nothing is resolved')),
    });
    const question = { questionId: 3, callId: 8, userName: 'alice@isp', request: PAP, call: asking };
    const given = { questionId: 3, answer: { accepted: true }, authorization: NO_AUTHORIZATION };
    answers.admitted({ type: 'authenticate', ...question }, { type: 'authenticate', ...given });
    assert.deepEqual(ended, cleared);
  }
});

test('a rule for a group without LNSes lets nobody in: no one has looked at a password', (t) => {
  const { store } = temporaryStore(t);
  const { lac } = store.documents.settings();
  const rules = [{ action: 'tunnel' as const, group: 'gone' }];
  const settings = { ...store.documents.settings(), lac: { ...lac, rules } };
  const answers = new Answers({
    store: Object.assign(Object.create(store), { documents: { settings: () => settings } }),
    pools: new AddressPools(store.documents, store.leases),
    radius: () => undefined,
    calls: () => [],
    clearCall: () => undefined,
    resolve: () => Promise.reject(new Error('nothing is resolved')),
  });
  const given: Answer[] = [];
  const call = standingCall({ role: 'lac' });
  answers.answer({ type: 'authenticate', questionId: 3, callId: 1, userName: 'alice', request: PAP, call }, (answer) =>
    given.push(answer),
  );
  assert.ok(given[0]?.type === 'authenticate' && !given[0].answer.accepted);
});
