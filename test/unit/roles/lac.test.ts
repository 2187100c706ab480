/** The LAC's side of a call: PPPoE, authentication, the choice of an LNS, tunnel and session, the handover, every end. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FIRST_PPPOE_ROW_ID, type Output } from '../../../firmware/roles/role.js';
import { latin1, octets } from '../../../firmware/wire/bytes.js';
import { PPP_PROTOCOL } from '../../../firmware/wire/ppp.js';
import { Access, choice, TUNNELS } from './access.js';
import { PPP } from './pair.js';

/** A PC that is switched on dials within this time. */
const REDIAL_MS = 6_000;
/** A name is looked up within this time. */
const LOOKUP_MS = 200;
const CHAP_SUCCESS = 3;
const PAP_ACK = 2;

/** Users that the LAC carries to these LNSes. */
function users(tunnels: ReturnType<typeof choice>[], ...names: string[]) {
  return Object.fromEntries(names.map((name) => [name, { password: 'secret', tunnels }]));
}

/** What the LAC itself has said in the sessions of its PCs. */
function injected(access: Access, protocol: number, code: number): Output[] {
  return access
    .outputs(access.lac, 'inject')
    .filter((output) => output.sessionId >= FIRST_PPPOE_ROW_ID)
    .filter((output) => output.protocol === protocol && output.information[0] === code);
}

function endOf(access: Access) {
  const ended = access.outputs(access.lac, 'call-ended');
  assert.equal(ended.length, 1, `${ended.length} calls have ended`);
  return ended[0];
}

// A call that is carried.

test('RFC 2661 5.1, 5.2.1: tunnel and session are set up for the PC, and it gets its address from the LNS', () => {
  const access = new Access().bringUp();
  assert.deepEqual(access.messageTypes(), [
    'lac SCCRQ',
    'lns1 SCCRP',
    'lac SCCCN',
    'lac ICRQ',
    'lns1 ICRP',
    'lac ICCN',
  ]);
  assert.deepEqual(access.pcs[0].addresses?.localAddress, '10.0.1.1');
  assert.deepEqual(access.pcs[0].addresses?.peerAddress, '10.0.0.1');
  assert.ok(access.reachesOffice(access.pcs[0]));
  const [call] = access.calls();
  assert.deepEqual([call.role, call.state, call.isTunnelled, call.userName], ['lac', 'up', true, 'alice']);
});

test('RFC 2661 4.4.3, 4.4.4: the ICRQ says who calls from where', () => {
  const access = new Access().bringUp();
  const { avps } = access.message(access.lac, 'ICRQ');
  assert.equal(avps.callingNumber, '02:00:5e:00:54:01');
  assert.equal(avps.calledNumber, 'eth3');
  assert.equal(avps.callSerialNumber, access.calls()[0].callId);
});

test('RFC 2661 4.4.5: after CHAP the ICCN hands over both CONFREQs and the whole of challenge and response', () => {
  const access = new Access().bringUp();
  const { avps } = access.message(access.lac, 'ICCN');
  const challenge = injected(access, PPP_PROTOCOL.chap, 1)[0];
  assert.ok(challenge?.type === 'inject');
  assert.equal(avps.proxyAuthenType, 2);
  assert.equal(latin1(avps.proxyAuthenName ?? new Uint8Array(0)), 'alice');
  assert.equal(avps.proxyAuthenId, challenge.information[1]);
  assert.deepEqual(avps.proxyAuthenChallenge, challenge.information.slice(5, 5 + challenge.information[4]));
  assert.equal(avps.proxyAuthenResponse?.length, 16);
  const request = injected(access, PPP_PROTOCOL.lcp, 1)[0];
  assert.ok(request?.type === 'inject');
  assert.deepEqual(avps.lastSentLcpConfReq, request.information.slice(4));
  assert.deepEqual(avps.lastReceivedLcpConfReq, avps.initialReceivedLcpConfReq);
});

test('RFC 2661 4.4.5: after PAP the ICCN hands over name and password', () => {
  const access = new Access({ lac: { authentication: ['pap'] } }).bringUp();
  const { avps } = access.message(access.lac, 'ICCN');
  assert.equal(avps.proxyAuthenType, 3);
  assert.deepEqual(avps.proxyAuthenResponse, octets('secret'));
  assert.equal(avps.proxyAuthenChallenge, undefined);
});

test('RFC 2661 4.4.5: MS-CHAPv2 has no type: nothing of it is handed over, and the LNS challenges the PC itself', () => {
  const access = new Access({ lac: { authentication: ['mschapv2'] } }).bringUp();
  const { avps } = access.message(access.lac, 'ICCN');
  assert.deepEqual([avps.proxyAuthenType, avps.proxyAuthenResponse], [4, undefined]);
  const [lns] = access.lnses;
  assert.equal([...lns.appliance.calls()][0].proxied, 'lcp');
});

for (const protocol of ['chap-md5', 'pap', 'mschapv2'] as const) {
  test(`${protocol}: it is the LNS, not the LAC, that accepts a user whom the LAC carries`, () => {
    const access = new Access({ lac: { authentication: [protocol] } }).bringUp();
    assert.deepEqual(injected(access, PPP_PROTOCOL.chap, CHAP_SUCCESS), []);
    assert.deepEqual(injected(access, PPP_PROTOCOL.pap, PAP_ACK), []);
  });
}

for (const proxy of ['trust', 'chap', 'renegotiate'] as const) {
  test(`Huawei's three modes: the LAC's PC comes up at an LNS that is set to ${proxy}`, () => {
    const access = new Access({ peer: { proxy, proxyMismatch: 'refuse' } }).bringUp();
    assert.ok(access.reachesOffice(access.pcs[0]));
    const questions = access.outputs(access.lnses[0], 'question').map(({ question }) => question.type);
    const expected = { trust: 1, chap: 2, renegotiate: 1 }[proxy];
    assert.equal(questions.filter((type) => type === 'authenticate').length, expected);
  });
}

test("the row of the PC's session stands before its PADS, the row of the LNS's before the ICCN", () => {
  const access = new Access().bringUp();
  const order = access.order(access.lac, 'session-add', 'send-frame', 'send-control').map((output) => {
    if (output.type !== 'session-add') return output.type;
    return output.row.pppoe === undefined ? 'row to the LNS' : 'row to the PC';
  });
  const [pado, pads] = order.flatMap((what, at) => (what === 'send-frame' ? [at] : []));
  assert.ok(order.indexOf('row to the PC') < pads && pado < order.indexOf('row to the PC'));
  const iccn = access.messageTypes().filter((type) => type.startsWith('lac')).length;
  assert.ok(order.slice(order.indexOf('row to the LNS')).filter((what) => what === 'send-control').length < iccn);
});

test("the PC's frames are held while the LNS is asked, and let go when the session stands", () => {
  const access = new Access().bringUp();
  const changes = access
    .outputs(access.lac, 'session-update')
    .map(({ changes: { hold, relayTo } }) => ({ hold, relayTo }))
    .filter(({ hold }) => hold !== undefined);
  assert.deepEqual(
    changes.map(({ hold, relayTo }) => [hold, relayTo === undefined]),
    [
      [true, true],
      [false, false],
    ],
  );
});

test("on a call that is carried the LAC's LCP is silent: no echoes of its own", () => {
  const access = new Access().bringUp();
  const before = access.outputs(access.lac, 'inject').length;
  access.run(10 * PPP.echoInterval_ms);
  assert.equal(access.outputs(access.lac, 'inject').length, before);
  assert.ok(access.reachesOffice(access.pcs[0]));
});

// A call that ends at the LAC.

test('an answer without a tunnel: the LAC serves the user itself', () => {
  const access = new Access({ users: { alice: { password: 'secret' } } }).bringUp();
  assert.deepEqual(access.messages, []);
  assert.equal(access.pcs[0].addresses?.localAddress, '10.8.1.1');
  assert.equal(injected(access, PPP_PROTOCOL.chap, CHAP_SUCCESS).length, 1);
  assert.ok(access.reachesOffice(access.pcs[0]));
});

test('a refused user hears it, and his session ends by PADT', () => {
  const access = new Access({ users: users([choice(1)], 'bob') });
  access.act(access.pcs[0], (pc) => pc.switchOn(0));
  assert.ok(access.run(20_000, () => access.pcs[0].refusals > 0));
  access.run(1000);
  assert.deepEqual(access.messages, []);
  assert.equal(endOf(access).end.terminateCause, 'user-error');
  assert.equal(access.lac.path.rows.size, 0);
});

test('a PC that starts anew while its user is asked about: it comes up in its new session, whatever becomes of the other', () => {
  const access = new Access({ answerDelay_ms: 20_000 });
  const [pc] = access.pcs;
  access.act(pc, (one) => one.switchOn(0));
  const asked = () => access.outputs(access.lac, 'question').filter(({ question }) => question.type === 'authenticate');
  assert.ok(access.run(20_000, () => asked().length === 1));
  access.act(pc, (one) => one.losePower());
  access.act(pc, (one) => one.switchOn(access.now_ms));
  assert.ok(access.run(60_000, () => pc.addresses !== undefined));
  assert.equal(
    access.messageTypes().filter((type) => type === 'lac ICCN').length,
    2,
    'the session without PC, and the other',
  );
});

test('a PC that begins LCP anew while its user is asked about: what is handed over is what it said last', () => {
  const access = new Access({ answerDelay_ms: 5_000 });
  const [pc] = access.pcs;
  access.act(pc, (one) => one.switchOn(0));
  const asked = () =>
    access.outputs(access.lac, 'question').filter(({ question }) => question.type === 'authenticate').length;
  assert.ok(access.run(20_000, () => asked() === 1));
  // A Configure-Request that asks for a magic number.
  access.say(pc, PPP_PROTOCOL.lcp, Uint8Array.of(1, 250, 0, 10, 5, 6, 9, 9, 9, 9));
  assert.ok(access.run(60_000, () => pc.addresses !== undefined));
  assert.equal(asked(), 2);
  const { avps } = access.message(access.lac, 'ICCN');
  const challenges = injected(access, PPP_PROTOCOL.chap, 1);
  assert.equal(new Set(challenges.map((output) => output.type === 'inject' && output.information[1])).size, 2);
  const last = challenges.at(-1);
  assert.ok(last?.type === 'inject');
  assert.deepEqual(avps.proxyAuthenChallenge, last.information.slice(5, 5 + last.information[4]));
});

test('frames that a PC sends while its LNS is asked come to the LNS, in their order', () => {
  const access = new Access();
  const [pc] = access.pcs;
  access.act(pc, (one) => one.switchOn(0));
  assert.ok(access.run(20_000, () => access.messageTypes().includes('lac ICRQ')));
  for (const identifier of [1, 2, 3]) {
    access.say(pc, PPP_PROTOCOL.lcp, Uint8Array.of(9, identifier, 0, 8, 0, 0, 0, 0));
  }
  assert.ok(access.run(20_000, () => pc.addresses !== undefined));
  const answers = access
    .outputs(access.lnses[0], 'inject')
    .filter(({ protocol, information }) => protocol === PPP_PROTOCOL.lcp && information[0] === 10);
  assert.deepEqual(
    answers.map(({ information }) => information[1]),
    [1, 2, 3],
  );
});

test('frames on their way to the main thread when the packet path begins to hold go to the LNS before those that it holds', () => {
  const access = new Access({ answerDelay_ms: 20, reportDelay_ms: 100 });
  const [pc] = access.pcs;
  const echo = (identifier: number) => access.say(pc, PPP_PROTOCOL.lcp, Uint8Array.of(9, identifier, 0, 8, 0, 0, 0, 0));
  access.act(pc, (one) => one.switchOn(0));
  const isAsked = () => access.outputs(access.lac, 'question').some(({ question }) => question.type === 'authenticate');
  assert.ok(access.run(20_000, isAsked));
  for (const identifier of [1, 2]) echo(identifier);
  const isHeld = () => access.outputs(access.lac, 'session-update').some(({ changes }) => changes.hold === true);
  assert.ok(access.run(20_000, isHeld));
  for (const identifier of [3, 4]) echo(identifier);
  assert.ok(access.run(20_000, () => pc.addresses !== undefined));
  const answers = access
    .outputs(access.lnses[0], 'inject')
    .filter(({ protocol, information }) => protocol === PPP_PROTOCOL.lcp && information[0] === 10);
  assert.deepEqual(
    answers.map(({ information }) => information[1]),
    [1, 2, 3, 4],
  );
});

// The ends of a call that is carried.

test('PADT of the PC: CDN result 1, and nothing is left but the tunnel', () => {
  const access = new Access().bringUp();
  const since_ms = access.now_ms;
  access.act(access.pcs[0], (pc) => pc.switchOff());
  access.run(1000);
  assert.equal(access.message(access.lac, 'CDN', since_ms).avps.resultCode?.resultCode, 1);
  assert.equal(endOf(access).end.terminateCause, 'user-request');
  for (const box of [access.lac, ...access.lnses]) {
    assert.deepEqual([box.path.rows.size, [...box.appliance.calls()].length], [0, 0]);
  }
  assert.equal(access.tunnels(access.lac), 1);
});

test('CDN of the LNS: PADT to the PC, which dials again', () => {
  const access = new Access().bringUp();
  const [lns] = access.lnses;
  const [{ callId }] = lns.appliance.calls();
  access.command(lns, (box, now_ms) => box.endCall(callId, 'enough', 'admin-reset', now_ms));
  assert.ok(access.run(30_000, () => access.pcs[0].sessions === 2 && access.pcs[0].addresses !== undefined));
  assert.equal(access.outputs(access.lac, 'call-ended').length, 1);
});

test('an administrator at the LAC: CDN result 3 to the LNS, PADT to the PC', () => {
  const access = new Access().bringUp();
  const since_ms = access.now_ms;
  const [{ callId }] = access.calls();
  access.command(access.lac, (box, now_ms) => box.endCall(callId, 'enough', 'admin-reset', now_ms));
  access.run(1000);
  const { avps } = access.message(access.lac, 'CDN', since_ms);
  assert.deepEqual([avps.resultCode?.resultCode, avps.resultCode?.errorMessage], [3, 'enough']);
  assert.equal(access.pcs[0].session, undefined);
  assert.equal(endOf(access).end.terminateCause, 'admin-reset');
});

test('the LAC is switched off: every call ends at both sides', () => {
  const access = new Access().bringUp();
  access.command(access.lac, (box, now_ms) => box.configure({ ...box.config, lac: undefined }, now_ms));
  access.run(1000);
  assert.equal(access.pcs[0].session, undefined);
  assert.deepEqual([...access.lnses[0].appliance.calls()], []);
});

test('the interface is gone: the call on it ends as lost carrier', () => {
  const access = new Access().bringUp();
  const { lac } = access.lac.config;
  assert.ok(lac);
  const gone = { ...lac, concentrator: { ...lac.concentrator, interfaces: [] } };
  access.command(access.lac, (box, now_ms) => box.configure({ ...box.config, lac: gone }, now_ms));
  access.run(1000);
  assert.equal(endOf(access).end.terminateCause, 'lost-carrier');
  assert.deepEqual([...access.lnses[0].appliance.calls()], []);
});

test('the LNS dies mid-call: the call ends as lost carrier, its PC gets PADT and comes up at the next LNS', () => {
  const access = new Access({ lnses: 2, users: users([choice(1), choice(2, { preference: 2 })], 'alice') }).bringUp();
  access.dead.add(access.lnses[0]);
  assert.ok(access.run(240_000, () => access.outputs(access.lac, 'call-ended').length === 1));
  assert.equal(endOf(access).end.terminateCause, 'lost-carrier');
  assert.ok(access.run(30_000, () => access.pcs[0].sessions === 2 && access.pcs[0].addresses !== undefined));
  assert.equal([...access.lnses[1].appliance.calls()].length, 1);
});

test('the LAC starts anew and knows of no session: its PC hears so by PADT with its next echo, and is up again', () => {
  const access = new Access().bringUp();
  const [pc] = access.pcs;
  access.lac.restart(access.now_ms);
  assert.ok(access.run(PPP.echoInterval_ms + 10_000, () => pc.sessions === 2 && pc.addresses !== undefined));
});

// The choice of an LNS.

test('RFC 2868 3.9: the lowest preference is taken first', () => {
  const tunnels = [choice(1, { preference: 20 }), choice(2, { preference: 10 })];
  const access = new Access({ lnses: 2, users: users(tunnels, 'alice') }).bringUp();
  assert.equal([...access.lnses[1].appliance.calls()].length, 1);
  assert.equal(access.tunnels(access.lnses[0]), 0);
});

test('RFC 2868 3.9: equal preferences share the calls', () => {
  const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];
  const access = new Access({ lnses: 2, users: users([choice(1), choice(2)], ...names), pcs: names }).bringUp();
  for (const lns of access.lnses) assert.ok([...lns.appliance.calls()].length > 0);
});

test('an LNS that is silent: the next is asked after the set time, and is asked first from then on', () => {
  const tunnels = [choice(1), choice(2, { preference: 2 })];
  const access = new Access({ lnses: 2, users: users(tunnels, 'alice', 'bob'), pcs: ['alice', 'bob'] });
  access.dead.add(access.lnses[0]);
  access.bringUp([access.pcs[0]]);
  const [failed] = access.outputs(access.lac, 'lns-failed');
  assert.equal(failed.server, 'lns1.example');
  const asked_ms = access.messages[0].at_ms;
  const failed_ms = failed.until_ms - TUNNELS.dead_ms;
  assert.ok(failed_ms <= asked_ms + TUNNELS.answer_ms && failed_ms > asked_ms + TUNNELS.answer_ms - LOOKUP_MS);
  const since_ms = access.now_ms;
  access.bringUp([access.pcs[1]]);
  const began_ms = access.messages.find(
    ({ at_ms, message }) => at_ms >= since_ms && message.messageType === 'ICRQ',
  )?.at_ms;
  assert.ok(began_ms !== undefined && began_ms - since_ms < 1000 + REDIAL_MS);
  assert.equal([...access.lnses[1].appliance.calls()].length, 2);
});

test('an LNS that has been silent is asked again when its time is over, and is told of when it answers', () => {
  const tunnels = [choice(1), choice(2, { preference: 2 })];
  const access = new Access({ lnses: 2, users: users(tunnels, 'alice', 'bob'), pcs: ['alice', 'bob'] });
  access.dead.add(access.lnses[0]);
  access.bringUp([access.pcs[0]]);
  access.dead.clear();
  access.run(70_000);
  access.bringUp([access.pcs[1]]);
  assert.equal([...access.lnses[0].appliance.calls()].length, 1);
  assert.deepEqual(access.outputs(access.lac, 'lns-answers'), [{ type: 'lns-answers', server: 'lns1.example' }]);
});

test('an LNS that refuses the tunnel: the next is asked at once', () => {
  const tunnels = [choice(1, { secret: 'wrong' }), choice(2, { preference: 2, secret: 'right' })];
  const access = new Access({ lnses: 2, users: users(tunnels, 'alice'), peer: { secret: 'right' } }).bringUp();
  assert.equal([...access.lnses[1].appliance.calls()].length, 1);
});

test('an LNS that refuses the session: the next is asked at once, and the tunnel stays in rotation', () => {
  const tunnels = [choice(1), choice(2, { preference: 2 })];
  const access = new Access({ lnses: 2, users: users(tunnels, 'alice') });
  const [lns] = access.lnses;
  access.command(lns, (box, now_ms) =>
    box.configure({ ...box.config, endpoint: { ...box.config.endpoint, maxSessions: 0 } }, now_ms),
  );
  access.bringUp();
  assert.equal([...access.lnses[1].appliance.calls()].length, 1);
  assert.deepEqual(access.outputs(access.lac, 'lns-failed'), []);
});

test('a name that nobody has: the next LNS is asked', () => {
  const tunnels = [choice(7), choice(1, { preference: 2 })];
  const access = new Access({ users: users(tunnels, 'alice') }).bringUp();
  assert.equal([...access.lnses[0].appliance.calls()].length, 1);
});

test('RFC 2868 3.10: an LNS with another Host Name than Tunnel-Server-Auth-ID says is not taken', () => {
  const tunnels = [choice(1, { peerHostName: 'somebody.example' }), choice(2, { preference: 2 })];
  const access = new Access({ lnses: 2, users: users(tunnels, 'alice') }).bringUp();
  assert.equal(access.message(access.lac, 'StopCCN').avps.resultCode?.resultCode, 4);
  assert.equal([...access.lnses[1].appliance.calls()].length, 1);
});

test('no LNS takes the call: the user hears a refusal, and nothing is left', () => {
  const access = new Access({ users: users([choice(7), choice(8)], 'alice') });
  access.act(access.pcs[0], (pc) => pc.switchOn(0));
  assert.ok(access.run(20_000, () => access.pcs[0].refusals === 1));
  access.run(1000);
  assert.equal(endOf(access).end.terminateCause, 'service-unavailable');
  assert.equal(access.lac.path.rows.size, 0);
});

// Tunnels.

test('RFC 2868 3.8: calls of one assignment share a tunnel, those of another have their own', () => {
  const assigned = {
    ...users([choice(1, { assignmentId: 'gold' })], 'alice', 'bob'),
    ...users([choice(1, { assignmentId: 'silver' })], 'carol'),
  };
  const access = new Access({ users: assigned, pcs: ['alice', 'bob', 'carol'] }).bringUp();
  assert.equal(access.tunnels(access.lac), 2);
  const [alice, bob, carol] = ['alice', 'bob', 'carol'].map(
    (name) => access.calls().find(({ userName }) => userName === name)?.tunnelId,
  );
  assert.equal(alice, bob);
  assert.notEqual(alice, carol);
});

test('a tunnel with as many sessions as are allowed is full: the next call has a new one', () => {
  const tunnels = { ...TUNNELS, maxSessions: 1 };
  const known = users([choice(1)], 'alice', 'bob');
  const access = new Access({ lac: { tunnels }, users: known, pcs: ['alice', 'bob'] }).bringUp();
  assert.equal(access.tunnels(access.lac), 2);
});

test('RFC 2661 5.7: a tunnel that nobody uses is closed after the set time, by StopCCN result 1', () => {
  const access = new Access().bringUp();
  access.act(access.pcs[0], (pc) => pc.switchOff());
  access.run(TUNNELS.idle_ms - 1000);
  assert.equal(access.tunnels(access.lac), 1);
  access.run(2000);
  assert.equal(access.message(access.lac, 'StopCCN').avps.resultCode?.resultCode, 1);
  assert.deepEqual([access.tunnels(access.lac), access.tunnels(access.lnses[0])], [0, 0]);
  assert.deepEqual(access.outputs(access.lac, 'lns-failed'), []);
});

test('a tunnel that is used again in time stays', () => {
  const access = new Access().bringUp();
  access.act(access.pcs[0], (pc) => pc.switchOff());
  access.bringUp();
  access.run(60_000);
  assert.deepEqual(
    access.messageTypes().filter((type) => type.includes('CCRQ') || type.includes('StopCCN')),
    ['lac SCCRQ'],
  );
});

test('RFC 2867 2.1: the tunnel is told of once when it starts and once when it stops, at both ends', () => {
  const access = new Access().bringUp();
  access.act(access.pcs[0], (pc) => pc.switchOff());
  access.run(60_000);
  for (const [box, side] of [
    [access.lac, 'lac'],
    [access.lnses[0], 'lns'],
  ] as const) {
    const told = access.order(box, 'tunnel-started', 'tunnel-stopped', 'tunnel-rejected');
    assert.deepEqual(
      told.map((output) => [output.type, 'side' in output && output.side]),
      [
        ['tunnel-started', side],
        ['tunnel-stopped', side],
      ],
    );
  }
});

for (const encapsulation of ['udp3', 'ip', 'auto'] as const) {
  test(`version 3: a call is carried by ${encapsulation}, with the cookies that either end has asked for`, () => {
    const way = choice(1, { encapsulation, cookie_bytes: 4, secret: 'tunnel secret' });
    const access = new Access({ users: users([way], 'alice'), peer: { secret: 'tunnel secret' } }).bringUp();
    assert.ok(access.reachesOffice(access.pcs[0]));
    const [call] = access.calls();
    assert.deepEqual([call.version, call.cookie_bytes], [3, 4]);
  });
}
