/** What an LNS makes of the LCP and authentication that a LAC hands over (RFC 2661 section 4.4.5), in each of its ways. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AuthenticationProtocol } from '../../../firmware/protocol/ppp/link.js';
import type { LnsConfig } from '../../../firmware/roles/lns.js';
import type { CallInfo, TunnelPolicy } from '../../../firmware/roles/role.js';
import { CONTROL_CODE, emitPppControlPacket, PPP_PROTOCOL } from '../../../firmware/wire/ppp.js';
import { Access } from './access.js';

const ALL: readonly AuthenticationProtocol[] = ['mschapv2', 'chap-md5', 'pap'];

interface Way {
  proxy: TunnelPolicy['proxy'];
  proxyMismatch?: TunnelPolicy['proxyMismatch'];
  /** What the LAC demands of the PC. */
  lac: AuthenticationProtocol;
  lns?: Partial<LnsConfig>;
}

function accessBy({ proxy, proxyMismatch = 'refuse', lac, lns }: Way): Access {
  return new Access({
    peer: { proxy, proxyMismatch },
    lac: { authentication: [lac], ipv6: false },
    lns: { authentication: ALL, ipv6: false, ...lns },
  });
}

/** By which protocols the LNS has asked about the user. */
function asked(access: Access): string[] {
  return access
    .outputs(access.lnses[0], 'question')
    .flatMap(({ question }) => (question.type === 'authenticate' ? [question.request.protocol] : []));
}

const TAKEN: [Way, proxied: CallInfo['proxied'], asked: string[]][] = [
  [{ proxy: 'trust', lac: 'chap-md5' }, 'lcp-and-authentication', ['chap-md5']],
  [{ proxy: 'trust', lac: 'pap' }, 'lcp-and-authentication', ['pap']],
  [{ proxy: 'trust', lac: 'mschapv2' }, 'lcp', ['mschapv2']],
  [{ proxy: 'chap', lac: 'chap-md5' }, 'lcp-and-authentication', ['chap-md5', 'chap-md5']],
  [{ proxy: 'chap', lac: 'mschapv2' }, 'lcp', ['mschapv2']],
  [{ proxy: 'chap', proxyMismatch: 'renegotiate', lac: 'pap' }, 'no', ['mschapv2']],
  [{ proxy: 'renegotiate', lac: 'chap-md5' }, 'no', ['mschapv2']],
  [{ proxy: 'renegotiate', lac: 'pap' }, 'no', ['mschapv2']],
  [{ proxy: 'trust', proxyMismatch: 'renegotiate', lac: 'chap-md5', lns: { mru_bytes: 1300 } }, 'no', ['mschapv2']],
  [
    { proxy: 'trust', proxyMismatch: 'renegotiate', lac: 'pap', lns: { authentication: ['mschapv2'] } },
    'no',
    ['mschapv2'],
  ],
];

for (const [way, proxied, protocols] of TAKEN) {
  test(`${JSON.stringify(way)}: comes up, taken over: ${proxied}, asked about: ${protocols.join(', ')}`, () => {
    const access = accessBy(way).bringUp();
    const [lns] = access.lnses;
    const [call] = lns.appliance.calls();
    assert.equal(call.proxied, proxied);
    assert.deepEqual(asked(access), protocols);
    assert.equal(call.state, 'up');
    assert.equal(access.pcs[0].sessions, 1);
    assert.ok(access.reachesOffice(access.pcs[0]));
  });
}

const REFUSED: Way[] = [
  { proxy: 'chap', lac: 'pap' },
  { proxy: 'trust', lac: 'chap-md5', lns: { mru_bytes: 1300 } },
  { proxy: 'trust', lac: 'pap', lns: { authentication: ['mschapv2'] } },
];

for (const way of REFUSED) {
  test(`${JSON.stringify(way)}: CDN result 2 with error 3, and nothing of the call is left`, () => {
    const access = accessBy(way);
    access.act(access.pcs[0], (pc) => pc.switchOn(0));
    assert.ok(access.run(20_000, () => access.messageTypes().includes('lns1 CDN')));
    const { resultCode, pppDisconnectCause } = access.message(access.lnses[0], 'CDN').avps;
    assert.deepEqual([resultCode?.resultCode, resultCode?.errorCode], [2, 3]);
    // RFC 3145 section 3: LCP renegotiation is disabled.
    assert.equal(pppDisconnectCause?.disconnectCode, 2);
    access.act(access.pcs[0], (pc) => pc.losePower());
    access.run(1000);
    assert.deepEqual(asked(access), []);
    access.assertEmpty();
  });
}

test('who must be challenged by CHAP cannot talk the LNS into PAP when LCP begins anew in a link that was taken over', () => {
  const access = accessBy({ proxy: 'chap', lac: 'chap-md5', lns: { authentication: ['pap', 'chap-md5'] } }).bringUp();
  const [pc] = access.pcs;
  const requests = () =>
    access
      .outputs(access.lnses[0], 'inject')
      .filter(
        ({ protocol, information: [code] }) => protocol === PPP_PROTOCOL.lcp && code === CONTROL_CODE.configureRequest,
      )
      .map(({ information }) => Buffer.from(information));
  const anew = { code: CONTROL_CODE.configureRequest, identifier: 99, data: new Uint8Array(0) };
  access.say(pc, PPP_PROTOCOL.lcp, emitPppControlPacket(anew));
  assert.ok(access.run(2000, () => requests().length === 1));
  const wantsPap = Uint8Array.of(3, 4, 0xc0, 0x23);
  const nak = { code: CONTROL_CODE.configureNak, identifier: requests()[0][1], data: wantsPap };
  access.say(pc, PPP_PROTOCOL.lcp, emitPppControlPacket(nak));
  access.run(2000);
  assert.equal(access.outputs(access.lnses[0], 'call-ended')[0].end.terminateCause, 'port-error');
  for (const request of requests()) assert.match(request.toString('hex'), /0305c22305/, 'CHAP with MD5 is demanded');
});

test('a tunnel with as many sessions as its peer may have: CDN result 4, and the others stand', () => {
  const access = new Access({ peer: { maxSessions: 1 }, pcs: ['alice', 'alice'] });
  const [first, second] = access.pcs;
  access.bringUp([first]);
  access.act(second, (pc) => pc.switchOn(access.now_ms));
  assert.ok(access.run(20_000, () => second.refusals > 0));
  assert.equal(access.message(access.lnses[0], 'CDN').avps.resultCode?.resultCode, 4);
  assert.ok(access.reachesOffice(first));
  access.act(first, (pc) => pc.switchOff());
  assert.ok(access.run(60_000, () => second.addresses !== undefined));
});

test('what the settings say anew of a peer holds for the calls to come in the tunnel that it has open', () => {
  const access = new Access({ peer: { proxy: 'trust' }, pcs: ['alice', 'alice'], lnses: 1 });
  const [first, second] = access.pcs;
  const [lns] = access.lnses;
  access.bringUp([first]);
  access.changePeer({ proxy: 'renegotiate' });
  access.command(lns, (box, now_ms) => box.configure({ ...box.config }, now_ms));
  access.bringUp([second]);
  assert.deepEqual(
    Array.from(lns.appliance.calls(), ({ proxied }) => proxied),
    ['lcp-and-authentication', 'no'],
  );
  assert.equal(access.tunnels(lns), 1);
});
