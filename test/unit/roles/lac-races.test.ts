/** What crosses what at the LAC: hang-ups, answers, reports of the packet path and new settings, in every order. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CONTROL_CODE, emitPppControlPacket, PPP_PROTOCOL } from '../../../firmware/wire/ppp.js';
import { PPPOE_TAG } from '../../../firmware/wire/pppoe.js';
import { emitDiscoveryFrame, readPppoeFrame } from '../../simulation/pppoe-frames.js';
import { Access, choice } from './access.js';

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
