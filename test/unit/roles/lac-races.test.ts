/** What crosses what at the LAC: hang-ups, answers, reports of the packet path and new settings, in every order. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hasNoSecrets } from '../../../firmware/roles/describe-ppp.js';
import type { LacConfig } from '../../../firmware/roles/lac.js';
import type { Question, TerminateCause } from '../../../firmware/roles/role.js';
import { CONTROL_CODE, emitPppControlPacket, PPP_PROTOCOL } from '../../../firmware/wire/ppp.js';
import { PPPOE_TAG } from '../../../firmware/wire/pppoe.js';
import type { Box, BoxInput } from '../../simulation/box.js';
import { emitDiscoveryFrame, readPppoeFrame } from '../../simulation/pppoe-frames.js';
import { Access, choice, TUNNELS } from './access.js';
import { PPP } from './pair.js';

// What a PC may say, and no AVP has room for: RFC 2661 section 4.1 leaves 1,017 octets.

test('a service of a long name: the call is carried, and Called Number says as much of it as people read', () => {
  const access = new Access();
  access.onTheWay = (frame) => {
    const read = readPppoeFrame(frame);
    if (read?.stage !== 'discovery') return frame;
    const tags = read.packet.tags.map((tag) =>
      tag.type === PPPOE_TAG.serviceName ? { ...tag, value: new Uint8Array(1100).fill(0x61) } : tag,
    );
    return emitDiscoveryFrame(read.way, { ...read.packet, tags });
  };
  access.bringUp();
  assert.match(access.message(access.lac, 'ICRQ').avps.calledNumber ?? '', /^a{100,255}$/);
  assert.equal(access.calls()[0].isTunnelled, true);
});

test('a first LCP Configure-Request that fits no AVP is not handed over, and the call is carried', () => {
  const access = new Access({ peer: { proxy: 'trust', proxyMismatch: 'refuse' } });
  const [pc] = access.pcs;
  access.act(pc, (one) => one.switchOn(0));
  assert.ok(access.run(10_000, () => pc.session !== undefined));
  const data = Uint8Array.of(...[1, 2, 3, 4, 5].flatMap(() => [0x99, 250, ...new Uint8Array(248)]));
  const packet = { code: CONTROL_CODE.configureRequest, identifier: 200, data };
  access.say(pc, PPP_PROTOCOL.lcp, emitPppControlPacket(packet));
  assert.ok(access.run(20_000, () => pc.addresses !== undefined));
  const { avps } = access.message(access.lac, 'ICCN');
  assert.equal(avps.initialReceivedLcpConfReq, undefined);
  assert.notEqual(avps.lastReceivedLcpConfReq, undefined);
  assert.equal([...access.lnses[0].appliance.calls()][0].proxied, 'lcp-and-authentication');
});

test('a user name in CHAP that fits no AVP is refused without a question, and the session ends', () => {
  const name = `${'a'.repeat(1100)}@example.com`;
  const access = new Access({ users: { [name]: { password: 'secret', tunnels: [choice(1)] } }, pcs: [name] });
  const [pc] = access.pcs;
  access.act(pc, (one) => one.switchOn(0));
  assert.ok(access.run(20_000, () => pc.refusals > 0));
  access.run(1000);
  assert.deepEqual(access.outputs(access.lac, 'question'), []);
  access.assertEmpty();
});

// Every end of a call at every moment of its set-up.

const isQuestion = (type: Question['type']) => (_box: Box, input: BoxInput) =>
  input.type === 'question' && input.question.type === type;

const isQuestionOfLns = (type: Question['type']) => (box: Box, input: BoxInput) =>
  box.plan.name === 'lns1' && isQuestion(type)(box, input);

/** Brings a PC's call to a moment, with what has not come yet held back. */
const MOMENTS: Record<string, () => Access> = {
  'while its user is asked about': () => holding(isQuestion('authenticate')).bringToHold(),
  'while the name of the LNS is looked up': () => holding(isQuestion('resolve')).bringToHold(),
  'while the tunnel is under way': () => untilSent('lac SCCRQ'),
  'while the session is under way': () => untilSent('lac ICRQ'),
  'when the LNS has answered and the frames are not held yet': () => {
    const access = holding((_box, input) => input.type === 'report' && input.report.type === 'held').bringToHold();
    access.run(1000);
    assert.equal(access.messageTypes().at(-1), 'lns1 ICRP');
    return access;
  },
  'when the ICCN goes out': () => untilSent('lac ICCN'),
  'while the LNS asks about its user': () => holding(isQuestionOfLns('authenticate')).bringToHold(),
  'while the LNS asks for an address': () => holding(isQuestionOfLns('lease')).bringToHold(),
  'when it is up': () => new Access().bringUp(),
};

function holding(holds: Access['holds']): Access {
  const access = new Access({ answerDelay_ms: 1, reportDelay_ms: 1 });
  access.lnses[0].answerDelay_ms = 1;
  access.holds = holds;
  return access;
}

function untilSent(message: string): Access {
  const access = new Access();
  access.act(access.pcs[0], (pc) => pc.switchOn(0));
  assert.ok(access.run(20_000, () => access.messageTypes().includes(message)));
  return access;
}

const theCall = (access: Access) => access.calls()[0].callId;
/** What ends it, and the Acct-Terminate-Cause of RFC 2866 section 5.10. */
const ENDS: Record<string, { end: (access: Access) => void; cause: TerminateCause }> = {
  'the PC sends PADT': {
    end: (access) => access.act(access.pcs[0], (pc) => pc.switchOff()),
    cause: 'user-request',
  },
  'an administrator ends it': {
    end: (access) => {
      const callId = theCall(access);
      access.command(access.lac, (box, now_ms) => box.endCall(callId, 'enough', 'admin-reset', now_ms));
    },
    cause: 'admin-reset',
  },
  'the LAC is switched off': {
    end: (access) => reconfigure(access, undefined),
    cause: 'admin-reset',
  },
  'the interface is gone': {
    end: (access) => {
      const { lac } = access.lac.config;
      assert.ok(lac);
      reconfigure(access, { ...lac, concentrator: { ...lac.concentrator, interfaces: [] } });
    },
    cause: 'lost-carrier',
  },
};

function reconfigure(access: Access, lac: LacConfig | undefined): void {
  access.command(access.lac, (box, now_ms) => box.configure({ ...box.config, lac }, now_ms));
}

for (const [what, { end, cause }] of Object.entries(ENDS)) {
  for (const [when, bring] of Object.entries(MOMENTS)) {
    test(`${what} ${when}: ${cause}, and nothing is left`, () => {
      const access = bring();
      const [pc] = access.pcs;
      const { lac } = access.lac.config;
      end(access);
      access.act(pc, (one) => one.losePower());
      access.run(3 * PPP.restartTimer_ms);
      access.holds = () => false;
      access.release();
      access.run(60_000);
      const ended = access.outputs(access.lac, 'call-ended');
      assert.deepEqual(
        ended.map((one) => one.end.terminateCause),
        [cause],
      );
      access.assertEmpty();
      assert.equal(access.tunnels(access.lac), 0);

      reconfigure(access, lac);
      access.bringUp();
      assert.equal(access.calls()[0].isTunnelled, true);
    });
  }
}

test('the LNS ends the tunnel at any moment: the PC hears of it, dials again and comes up', () => {
  for (const [when, bring] of Object.entries(MOMENTS)) {
    const access = bring();
    const [lns] = access.lnses;
    access.command(lns, (box, now_ms) => {
      for (const { tunnelId } of [...box.appliance.endpoint.tunnels()]) {
        box.appliance.endpoint.closeTunnel(tunnelId, { resultCode: 6 }, now_ms);
      }
    });
    access.run(50);
    access.holds = () => false;
    access.release();
    assert.ok(
      access.run(60_000, () => access.pcs[0].addresses !== undefined && access.calls()[0]?.isTunnelled),
      when,
    );
  }
});

// LCP that begins anew while the outside thinks (RFC 1661 section 3.4).

test('the PC begins LCP anew while its user is asked about: the late answer is nobody’s, and the next one carries the call', () => {
  const access = holding(isQuestion('authenticate')).bringToHold();
  const [pc] = access.pcs;
  const first = access.held.splice(0);
  const magicNumber = [5, 6, 1, 2, 3, 4];
  const data = Uint8Array.of(...magicNumber);
  access.say(pc, PPP_PROTOCOL.lcp, emitPppControlPacket({ code: CONTROL_CODE.configureRequest, identifier: 99, data }));
  access.run(2 * PPP.restartTimer_ms, () => access.held.length > 0);
  assert.equal(access.held.length, 0, 'the second question waits for the answer to the first');
  access.holds = () => false;
  for (const { box, input } of first) box.turn([input], access.now_ms);
  assert.ok(access.run(60_000, () => pc.addresses !== undefined));
  const questions = access.outputs(access.lac, 'question').filter(({ question }) => question.type === 'authenticate');
  assert.equal(questions.length, 2);
  assert.equal(pc.sessions, 1);
  const { avps } = access.message(access.lac, 'ICCN');
  const [, { question }] = questions;
  assert.ok(question.type === 'authenticate' && question.request.protocol === 'chap-md5');
  assert.deepEqual(avps.proxyAuthenResponse, question.request.response);
});

// Causes.

test('who is refused and sends PADT at once, without a word of LCP, has not hung up: User-Error', () => {
  const access = new Access({ users: { bob: { password: 'secret', tunnels: [choice(1)] } } });
  const [pc] = access.pcs;
  access.act(pc, (one) => one.switchOn(0));
  const failed = () =>
    access
      .outputs(access.lac, 'inject')
      .some(({ protocol, information }) => protocol === PPP_PROTOCOL.chap && information[0] === 4);
  assert.ok(access.run(20_000, failed));
  access.act(pc, (one) => one.switchOff());
  access.run(1000);
  assert.equal(access.outputs(access.lac, 'call-ended')[0].end.terminateCause, 'user-error');
});

// LNSes that fail.

test('an LNS that is silent: its tunnel is given up by StopCCN result 1, since nobody was refused', () => {
  const access = new Access({
    lnses: 2,
    users: { alice: { password: 'secret', tunnels: [choice(1), choice(2, { preference: 2 })] } },
  });
  access.dead.add(access.lnses[0]);
  access.bringUp();
  assert.equal(access.message(access.lac, 'StopCCN').avps.resultCode?.resultCode, 1);
});

test('an LNS that has failed is not asked again for the same call under another assignment while there is another LNS', () => {
  const tunnels = [choice(1), choice(1, { preference: 2, assignmentId: 'gold' }), choice(2, { preference: 3 })];
  const access = new Access({ lnses: 2, users: { alice: { password: 'secret', tunnels } } });
  access.dead.add(access.lnses[0]);
  access.bringUp();
  const failures = access.outputs(access.lac, 'lns-failed').map(({ server }) => server);
  assert.deepEqual(failures, ['lns1.example']);
  assert.equal(access.calls()[0].tunnel?.server, 'lns2.example');
});

test('a LAC that has no room for a tunnel says nothing of the LNS, which stays in rotation', () => {
  const access = new Access();
  const full = { ...access.lac.config.endpoint, maxTunnels: 1 };
  access.command(access.lac, (box, now_ms) => box.configure({ ...box.config, endpoint: full }, now_ms));
  const path = {
    encapsulation: 'udp',
    localAddress: '',
    localPort: 1701,
    peerAddress: '192.0.2.77',
    peerPort: 1701,
  } as const;
  access.command(access.lac, (box, now_ms) => void box.appliance.endpoint.openTunnel({ path, version: 2 }, now_ms));
  access.act(access.pcs[0], (pc) => pc.switchOn(0));
  assert.ok(access.run(20_000, () => access.pcs[0].refusals > 0));
  assert.deepEqual(access.outputs(access.lac, 'lns-failed'), []);
});

test('what an LNS has said of a call that it did not take is not told of the call any more', () => {
  const tunnels = [choice(1), choice(2, { preference: 2 })];
  const access = new Access({ lnses: 2, users: { alice: { password: 'secret', tunnels } } });
  const [refusing, silent] = access.lnses;
  const endpoint = { ...refusing.config.endpoint, maxSessions: 0 };
  access.command(refusing, (box, now_ms) => box.configure({ ...box.config, endpoint }, now_ms));
  access.dead.add(silent);
  access.act(access.pcs[0], (pc) => pc.switchOn(0));
  assert.ok(access.run(20_000, () => access.messageTypes().includes('lns1 CDN')));
  access.run(1000);
  const [call] = access.calls();
  assert.deepEqual([call.l2tpSessionId, call.peerSessionId, call.tunnelId, call.path.peerAddress], [0, 0, 0, '']);
  assert.equal(call.tunnel?.server, 'lns2.example');
});

test('a tunnel that is closed since nobody used it is not given to a call whose answer comes in that very turn', () => {
  const access = new Access({ pcs: ['alice', 'alice'], answerDelay_ms: 1 });
  const [first, second] = access.pcs;
  access.bringUp([first]);
  access.holds = isQuestion('authenticate');
  access.bringToHold(second);
  access.act(first, (pc) => pc.switchOff());
  const since_ms = access.now_ms;
  assert.ok(access.run(100, () => access.messageTypes(since_ms).includes('lac CDN')));
  access.run(TUNNELS.idle_ms - 100);
  const due_ms = access.lac.appliance.pollTimeout();
  access.run(due_ms - access.now_ms - 1);
  access.now_ms = due_ms;
  const [{ input }] = access.held.splice(0);
  access.holds = () => false;
  access.command(access.lac, (box, now_ms) => {
    box.appliance.handleTimeout(now_ms);
    assert.ok(input.type === 'question');
    box.questions--;
    box.appliance.handleAnswer(
      box.outside.answer(
        input.question,
        () => true,
        () => undefined,
      ),
      now_ms,
    );
  });
  assert.ok(access.run(20_000, () => second.addresses !== undefined));
  assert.equal(second.sessions, 1);
});

test('no line of a trace and nothing that is told of a call has a password or the tunnel’s secret', () => {
  for (const protocol of ['pap', 'chap-md5', 'mschapv2'] as const) {
    const tunnels = [choice(1, { secret: 'tunnel secret' })];
    const access = new Access({
      users: { alice: { password: 'secret', tunnels } },
      peer: { secret: 'tunnel secret' },
      lac: { authentication: [protocol] },
    }).bringUp();
    for (const box of [access.lac, ...access.lnses]) {
      const records = access.outputs(box, 'trace').map(({ record }) => record);
      const trace = JSON.stringify(records);
      // Packets of LCP and the NCPs alone are kept as they are.
      assert.ok(records.every(({ packet }) => packet === undefined || hasNoSecrets(packet.protocol)));
      assert.ok(!trace.includes('secret'), `${protocol} at ${box.plan.name}`);
      assert.ok(!trace.includes(Buffer.from('secret').toString('hex')), `${protocol} at ${box.plan.name}`);
    }
  }
});

test('an LNS that died under an open tunnel: a call that has no ICRP in the set time comes up at the next LNS', () => {
  const tunnels = [choice(1), choice(2, { preference: 2 })];
  const access = new Access({
    lnses: 2,
    users: { alice: { password: 'secret', tunnels } },
    pcs: ['alice', 'alice', 'alice'],
  });
  const [first, second, third] = access.pcs;
  access.bringUp([first]);
  access.dead.add(access.lnses[0]);
  access.act(second, (pc) => pc.switchOn(access.now_ms));
  assert.ok(access.run(TUNNELS.answer_ms + 6_000, () => second.addresses !== undefined));
  assert.equal(second.sessions, 1);
  access.act(third, (pc) => pc.switchOn(access.now_ms));
  assert.ok(
    access.run(6_000, () => third.addresses !== undefined),
    'the dead one is not asked first any more',
  );
});

test('a slow LNS without another beside it is waited for as long as the PC waits', () => {
  const access = new Access({ pcs: ['alice', 'alice'] });
  const [first, second] = access.pcs;
  access.bringUp([first]);
  const [lns] = access.lnses;
  access.dead.add(lns);
  access.act(second, (pc) => pc.switchOn(access.now_ms));
  access.run(6_000 + TUNNELS.answer_ms);
  access.dead.delete(lns);
  assert.ok(access.run(20_000, () => second.addresses !== undefined));
  assert.equal(second.sessions, 1);
});

test('RFC 3145: the LNS hears from the LAC’s CDN why a call has ended, and accounts for it by the same cause', () => {
  const causes = {
    'the PC sends PADT': ['user-request', 1],
    'an administrator ends it': ['nas-request', 3],
    'the LAC is switched off': ['nas-request', 3],
    'the interface is gone': ['lost-carrier', 1],
  } as const;
  for (const [what, [cause, resultCode]] of Object.entries(causes)) {
    const access = new Access().bringUp();
    ENDS[what].end(access);
    access.run(1000);
    const [{ end }] = access.outputs(access.lnses[0], 'call-ended');
    assert.deepEqual([end.terminateCause, end.resultCode], [cause, resultCode], what);
  }
});

test('an administrator closes a tunnel: its calls at both ends end by that, and the PC dials again', () => {
  const access = new Access().bringUp();
  const [{ tunnelId }] = access.calls();
  access.command(access.lac, ({ appliance }, now_ms) =>
    appliance.closeTunnel(tunnelId, { resultCode: 1, errorMessage: 'maintenance' }, 'admin-reset', now_ms),
  );
  access.run(1000);
  assert.equal(access.outputs(access.lac, 'call-ended')[0].end.terminateCause, 'admin-reset');
  assert.equal(access.outputs(access.lnses[0], 'call-ended')[0].end.terminateCause, 'nas-request');
  assert.deepEqual(access.outputs(access.lac, 'lns-failed'), []);
  assert.ok(access.run(20_000, () => access.calls()[0]?.isTunnelled));
});
