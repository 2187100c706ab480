/** The LNS's side of a call by its steps, and the end of calls and tunnels; codes are those of RFC 2661 4.4.2 and RFC 3145 3. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LinkDownReason } from '../../../firmware/protocol/ppp/link.js';
import { interfaceIds } from '../../../firmware/roles/address-assignment.js';
import { disconnectResult } from '../../../firmware/roles/link-end.js';
import type { Authorization } from '../../../firmware/roles/role.js';
import { latin1 } from '../../../firmware/wire/bytes.js';
import { internetChecksum, parseAddress } from '../../../firmware/wire/ip.js';
import { CONTROL_CODE, PPP_PROTOCOL, parsePppControlPacket } from '../../../firmware/wire/ppp.js';
import { SeededRandom } from '../../simulation/seeded-random.js';
import { LNS, Pair, PPP, stepsOf } from './pair.js';

// The steps.

test('the trace of a call has steps 5, 6, 7, 10, 11, 12, 13 in this order', () => {
  const pair = new Pair({ client: { ipv6: false } }).bringUp();
  assert.deepEqual(stepsOf(pair.trace(pair.lns)), [5, 6, 7, 10, 11, 12, 13]);
});

test('CHAP Success belongs to the step that brought the answer about the user, 12 where the LNS itself has asked', () => {
  const pair = new Pair({ client: { ipv6: false } }).bringUp();
  const success = pair.trace(pair.lns).find(({ label }) => label === 'CHAP Success');
  assert.deepEqual([success?.step, success?.kind], [12, 'sent']);
});

test('the trace names each message of the set-up in the RFC’s words, in the order in which it passed', () => {
  const pair = new Pair({ client: { ipv6: false } }).bringUp();
  const isL2tp = ({ step, kind }: { step: number; kind: string }) => (step === 5 || step === 6) && kind !== 'note';
  const l2tp = pair.trace(pair.lns).filter(isL2tp);
  assert.deepEqual(
    l2tp.map(({ kind, label }) => `${kind} ${label}`),
    ['received SCCRQ', 'sent SCCRP', 'received SCCCN', 'received ICRQ', 'sent ICRP', 'received ICCN'],
  );
  const labels = pair.trace(pair.lns).map(({ label }) => label);
  const last = labels.indexOf('address assigned');
  assert.ok(labels.indexOf('LCP Configure-Request') > labels.indexOf('ICCN'));
  assert.ok(last > labels.lastIndexOf('IPCP Configure-Ack'));
});

test('no line of a trace has the password, the tunnel secret, or what proves them', () => {
  const outside = {
    tunnelPeers: { '192.0.2.2': { secret: 'tunnel secret' } },
    users: { alice: { password: 'secret' } },
  };
  for (const protocol of ['pap', 'chap-md5', 'mschapv2'] as const) {
    const pair = new Pair({ lns: { authentication: [protocol] }, client: { tunnelSecret: 'tunnel secret' }, outside });
    pair.bringUp();
    for (const box of [pair.lns, pair.client]) {
      const trace = JSON.stringify(pair.trace(box));
      assert.ok(!trace.includes('secret'), protocol);
      assert.ok(!trace.includes(Buffer.from('secret').toString('hex')), protocol);
      assert.match(trace, /"challengeResponse":"16 octets"/);
    }
  }
});

test('a call that is up is told with its user, addresses and name servers', () => {
  const pair = new Pair().bringUp();
  const [{ call }] = pair.outputs(pair.lns, 'call-up');
  assert.equal(call.role, 'lns');
  assert.equal(call.state, 'up');
  assert.equal(call.userName, 'alice');
  assert.equal(call.authentication, 'mschapv2');
  assert.deepEqual([call.localAddress, call.peerAddress, call.dns], ['10.0.0.1', '10.0.0.7', ['10.0.0.53']]);
  assert.equal(call.peerName, '192.0.2.2');
  assert.equal(call.path.peerAddress, '192.0.2.2');
});

// The row.

test('the row is there before the ICRP goes out, and nothing is open in it', () => {
  const pair = new Pair();
  pair.run(1000, () => pair.outputs(pair.lns, 'session-add').length > 0);
  const order = pair.order(pair.lns, 'session-add', 'send-control').map(({ type }) => type);
  assert.equal(order.lastIndexOf('send-control') > order.indexOf('session-add'), true);
  const [{ row }] = pair.outputs(pair.lns, 'session-add');
  assert.deepEqual([row.ipv4Open, row.ipv6Open, row.sources, row.bindTun], [false, false, [], false]);
  assert.equal(row.mssClamp_bytes, 1360);
});

test('a user may send from its address, its link-local address and the networks behind it, from nowhere else', () => {
  const pair = new Pair().bringUp();
  const [call] = pair.lns.appliance.calls();
  const [row] = pair.lns.path.rows.values();
  assert.match(call.peerLinkLocal, /^fe80::/);
  assert.deepEqual([...row.sources].sort(), ['10.0.0.7/32', `${call.peerLinkLocal}/128`]);
});

/** Users whom RADIUS gives this. */
const given = (authorization: Partial<Authorization>) => ({
  outside: { users: { alice: { password: 'secret', authorization } } },
});

test('RFC 3162 2.3 and RFC 4818: IPv6 prefixes that RADIUS gives are routed to the user, who may send from them', () => {
  const ipv6Prefixes = ['2001:db8:1::/64'];
  const delegatedPrefixes = ['2001:db8:100::/56'];
  const pair = new Pair(given({ ipv6Prefixes, delegatedPrefixes })).bringUp();
  const [call] = pair.lns.appliance.calls();
  const [row] = pair.lns.path.rows.values();
  assert.deepEqual(call.routes, [...ipv6Prefixes, ...delegatedPrefixes]);
  for (const prefix of call.routes) assert.ok(row.sources.includes(prefix), prefix);
  const without = new Pair({ ...given({ ipv6Prefixes }), lns: { ipv6: false } }).bringUp();
  assert.deepEqual([...without.lns.appliance.calls()][0].routes, []);
});

test('name servers and rates are those that RADIUS gives', () => {
  const authorization = { dns: ['192.0.2.53'], receiveRate_bps: 1_000_000, sendRate_bps: 2_000_000 };
  const pair = new Pair(given(authorization)).bringUp();
  const [row] = pair.lns.path.rows.values();
  assert.deepEqual([row.receiveRate_bps, row.sendRate_bps], [1_000_000, 2_000_000]);
  const [client] = pair.client.appliance.calls();
  assert.deepEqual(client.dns, ['192.0.2.53']);
});

test('what the peer’s entry says of tunnel ID 0 and FF 03 is in the row', () => {
  const pair = new Pair({
    outside: { tunnelPeers: { '192.0.2.2': { allowTunnelIdZero: true, addressControl: 'always' } } },
  });
  pair.bringUp();
  const [row] = pair.lns.path.rows.values();
  assert.equal(row.allowTunnelIdZero, true);
  assert.equal(row.addressControl, 'always');
});

test('RFC 2661 5.4: a LAC that says Sequencing Required in its ICCN gets numbered data', () => {
  const without = new Pair().bringUp();
  assert.equal([...without.lns.path.rows.values()][0].sequencing, false);
  const pair = new Pair({ client: { sequencing: true } }).bringUp();
  assert.equal([...pair.lns.path.rows.values()][0].sequencing, true);
});

test('the MTU is the smaller of what either end takes, and the MSS clamp follows', () => {
  const pair = new Pair({ client: { mru_bytes: 1280 } }).bringUp();
  const [row] = pair.lns.path.rows.values();
  assert.deepEqual([row.mtu_bytes, row.mssClamp_bytes], [1280, 1240]);
});

test('RFC 5072 4.1: interface identifiers are two different ones, not zero, with the universal bit clear', () => {
  const random = new SeededRandom(7);
  for (const bytes of [
    (length: number) => random.bytes(length),
    (length: number) => new Uint8Array(length),
    (length: number) => new Uint8Array(length).fill(255),
  ]) {
    const { localInterfaceId, peerInterfaceId } = interfaceIds(bytes, new Uint8Array(0));
    assert.notDeepEqual(localInterfaceId, peerInterfaceId);
    for (const id of [localInterfaceId, peerInterfaceId]) {
      assert.equal(id.length, 8);
      assert.equal(id[0] & 2, 0);
      assert.ok(id.some((octet) => octet !== 0));
    }
    // RFC 3162 section 2.2: what RADIUS gives is suggested to the user as it is; nothing, or zero, is not.
    const wanted = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 7);
    const given = interfaceIds(bytes, wanted);
    assert.deepEqual(given.peerInterfaceId, wanted);
    assert.notDeepEqual(given.localInterfaceId, wanted);
    assert.notDeepEqual(interfaceIds(bytes, new Uint8Array(8)).peerInterfaceId, new Uint8Array(8));
  }
});

// What comes early, late, or beside IPv4.

/** The frames of LCP Configure-Requests with these identifiers that a peer sends. */
function configureRequest(identifier: number): Uint8Array {
  return Uint8Array.of(CONTROL_CODE.configureRequest, identifier, 0, 4);
}

test('xl2tpd, pppd: LCP that overtakes the ICCN is held, at most sixteen frames of it, and answered when the call stands', () => {
  const pair = new Pair();
  const isIccn = () => pair.messages.some(({ message }) => message.messageType === 'ICCN');
  pair.mute = (from) => from === pair.client && isIccn();
  pair.run(1000, isIccn);
  pair.run(100);
  const [call] = pair.lns.appliance.calls();
  assert.equal(call.state, 'wait-connect');
  pair.command(pair.lns, ({ appliance }, now_ms) => {
    for (let i = 0; i < 20; i++) {
      appliance.handlePppFrame(call.sessionId, call.generation, PPP_PROTOCOL.lcp, configureRequest(100 + i), now_ms);
    }
  });
  assert.deepEqual(pair.outputs(pair.lns, 'inject'), []);
  pair.mute = () => false;
  assert.ok(pair.run(3000, () => pair.lns.appliance.callInfo(call.sessionId)?.state !== 'wait-connect'));
  const answered = pair
    .outputs(pair.lns, 'inject')
    .map(({ information }) => parsePppControlPacket(information))
    .filter(({ code, identifier }) => code === CONTROL_CODE.configureAck && identifier >= 100)
    .map(({ identifier }) => identifier);
  assert.deepEqual(
    answered,
    Array.from({ length: 16 }, (_, i) => 100 + i),
  );
});

test('a frame of another generation is not this call’s', () => {
  const pair = new Pair().bringUp();
  const [call] = pair.lns.appliance.calls();
  const before = pair.outputs(pair.lns, 'inject').length;
  const echo = Uint8Array.of(CONTROL_CODE.echoRequest, 1, 0, 8, 0, 0, 0, 0);
  pair.command(pair.lns, ({ appliance }, now_ms) => {
    appliance.handlePppFrame(call.sessionId, call.generation + 1, PPP_PROTOCOL.lcp, echo, now_ms);
  });
  assert.equal(pair.outputs(pair.lns, 'inject').length, before);
  pair.command(pair.lns, ({ appliance }, now_ms) => {
    appliance.handlePppFrame(call.sessionId, call.generation, PPP_PROTOCOL.lcp, echo, now_ms);
  });
  assert.equal(pair.outputs(pair.lns, 'inject').length, before + 1);
});

test('RFC 1661 section 5.8: the Echoes of a link that stands pass, and leave no line in the trace', () => {
  const pair = new Pair().bringUp();
  const [lines, frames] = [pair.trace(pair.lns).length, pair.outputs(pair.lns, 'inject').length];
  pair.run(4 * PPP.echoInterval_ms);
  const echoes = pair.outputs(pair.lns, 'inject').slice(frames);
  assert.ok(echoes.some(({ information }) => information[0] === CONTROL_CODE.echoRequest));
  const added = pair.trace(pair.lns).slice(lines);
  assert.deepEqual(
    added.filter(({ label }) => label.startsWith('LCP')),
    [],
  );
});

test('an ICMPv6 Echo-Request to the gateway’s link-local address is answered over the link', () => {
  const pair = new Pair().bringUp();
  const [call] = pair.client.appliance.calls();
  const before = pair.outputs(pair.lns, 'inject').length;
  const [row] = pair.lns.path.rows.values();
  const request = echoRequest(call.localLinkLocal, call.peerLinkLocal);
  pair.command(pair.lns, ({ appliance }, now_ms) => {
    appliance.handlePppFrame(row.sessionId, row.generation, PPP_PROTOCOL.ipv6, request, now_ms);
  });
  const [reply] = pair.outputs(pair.lns, 'inject').slice(before);
  assert.equal(reply.protocol, PPP_PROTOCOL.ipv6);
  assert.equal(reply.information[40], 129);
});

test('an answer about a user whose call is gone by then changes nothing', () => {
  const pair = new Pair();
  pair.lns.answerDelay_ms = 2000;
  assert.ok(pair.run(10_000, () => pair.lns.questions > 0 && pair.trace(pair.lns).some(({ step }) => step === 11)));
  pair.command(pair.lns, ({ appliance }, now_ms) => appliance.shutDown(now_ms));
  const { length } = pair.outputs(pair.lns, 'inject');
  assert.ok(pair.run(5000, () => pair.lns.questions === 0));
  assert.equal(pair.outputs(pair.lns, 'inject').length, length);
  assert.deepEqual([...pair.lns.appliance.calls()], []);
});

// The end of calls.

test('RFC 3145: an administrator’s disconnect is a Terminate-Request with the reason, then CDN 3 with cause 1', () => {
  const pair = new Pair().bringUp();
  const start_ms = pair.now_ms;
  const [{ sessionId }] = pair.lns.appliance.calls();
  pair.command(pair.lns, ({ appliance }, now_ms) =>
    appliance.disconnect(sessionId, 'maintenance', 'admin-reset', now_ms),
  );
  const terminate = parsePppControlPacket(pair.outputs(pair.lns, 'inject').at(-1)!.information);
  assert.equal(terminate.code, CONTROL_CODE.terminateRequest);
  assert.equal(latin1(terminate.data), 'maintenance');
  pair.run(100);
  const { avps } = pair.message(pair.lns, 'CDN', start_ms);
  assert.deepEqual([avps.resultCode?.resultCode, avps.resultCode?.errorMessage], [3, 'maintenance']);
  assert.deepEqual(avps.pppDisconnectCause, {
    disconnectCode: 1,
    controlProtocol: 0,
    direction: 0,
    message: 'maintenance',
  });
  const [{ end }] = pair.outputs(pair.lns, 'call-ended');
  assert.deepEqual([end.by, end.resultCode, end.reason], ['local', 3, 'maintenance']);
  assert.equal(pair.outputs(pair.lns, 'session-remove').length, 1);
  assert.deepEqual(pair.lns.outside.pool.holders(), []);
});

test('RFC 2866 5.10: a peer that terminates LCP and then sends CDN 3 has hung up: User Request', () => {
  const pair = new Pair().bringUp();
  const [{ sessionId }] = pair.client.appliance.calls();
  pair.command(pair.client, ({ appliance }, now_ms) => appliance.disconnect(sessionId, 'bye', 'admin-reset', now_ms));
  assert.ok(pair.run(5000, () => pair.outputs(pair.lns, 'call-ended').length > 0));
  assert.equal(pair.message(pair.client, 'CDN').avps.resultCode?.resultCode, 3);
  const [{ end }] = pair.outputs(pair.lns, 'call-ended');
  assert.deepEqual([end.by, end.reason, end.terminateCause], ['peer', 'bye', 'user-request']);
});

test('a call that is not yet connected is disconnected by CDN 3 alone', () => {
  const pair = new Pair();
  pair.mute = (from) => from === pair.client && pair.messages.some(({ message }) => message.messageType === 'ICCN');
  pair.run(1000, () => [...pair.lns.appliance.calls()].length > 0);
  const [{ sessionId }] = pair.lns.appliance.calls();
  pair.command(pair.lns, ({ appliance }, now_ms) =>
    appliance.disconnect(sessionId, 'maintenance', 'admin-reset', now_ms),
  );
  assert.equal(pair.message(pair.lns, 'CDN').avps.resultCode?.resultCode, 3);
  assert.deepEqual(pair.outputs(pair.lns, 'inject'), []);
  assert.deepEqual([...pair.lns.appliance.calls()], []);
});

test('a user without an address hears why, and the CDN is 3', () => {
  const pair = new Pair({ outside: { pool: [] } });
  assert.ok(pair.run(5000, () => pair.outputs(pair.lns, 'call-ended').length > 0));
  const [{ end }] = pair.outputs(pair.lns, 'call-ended');
  assert.deepEqual([end.by, end.resultCode, end.reason], ['local', 3, 'no address']);
  assert.ok(
    pair
      .trace(pair.client)
      .some(({ label, detail }) => label === 'LCP Terminate-Request' && detail.message === 'no address'),
  );
  assert.deepEqual(pair.outputs(pair.lns, 'call-up'), []);
});

test('a user who is refused is gone by CDN 3 with cause 16, whichever protocol refused it', () => {
  for (const protocol of ['pap', 'chap-md5', 'mschapv2'] as const) {
    const pair = new Pair({ lns: { authentication: [protocol] }, client: { password: 'wrong' } });
    assert.ok(pair.run(5000, () => pair.outputs(pair.lns, 'call-ended').length > 0));
    const cdn = pair.messages.find(({ message }) => message.messageType === 'CDN')?.message.avps;
    assert.equal(cdn?.resultCode?.resultCode, 3, protocol);
    assert.equal(cdn?.pppDisconnectCause?.disconnectCode, 16, protocol);
    assert.deepEqual(pair.outputs(pair.lns, 'call-up'), []);
  }
});

test('a peer that is silent after the ICCN is gone after Max-Configure requests, by CDN 1 with cause 6', () => {
  const pair = new Pair({ client: { ppp: { ...PPP, maxConfigure: 100 } } });
  pair.muteFrames(pair.client);
  pair.run(60_000, () => pair.outputs(pair.lns, 'call-ended').length > 0);
  const cdn = pair.messages.find(({ from, message }) => from === 'lns' && message.messageType === 'CDN')?.message.avps;
  assert.deepEqual([cdn?.resultCode?.resultCode, cdn?.pppDisconnectCause?.disconnectCode], [1, 6]);
});

test('RFC 1661 4.6: a Configure-Request that is not answered is sent again each restart time, to the millisecond', () => {
  const pair = new Pair({ client: { ppp: { ...PPP, maxConfigure: 100 } } });
  pair.muteFrames(pair.client);
  pair.run(60_000, () => pair.outputs(pair.lns, 'call-ended').length > 0);
  const requests = pair.trace(pair.lns).filter(({ label }) => label === 'LCP Configure-Request');
  assert.deepEqual(
    requests.map(({ at_ms }) => at_ms - requests[0].at_ms),
    [0, 3000, 6000, 9000, 12_000, 15_000, 18_000, 21_000, 24_000, 27_000],
  );
});

/** RFC 2661 4.4.2 for the result, RFC 3145 3 for the code; direction 1: the peer, 2: local, 0: not one of the two. */
const EXPECTED_RESULTS: Readonly<Record<LinkDownReason, [result: number, code: number, direction: number]>> = {
  'peer-terminated': [1, 3, 1],
  'local-close': [3, 1, 0],
  'authentication-failed': [3, 16, 1],
  'authentication-timeout': [3, 13, 0],
  'lcp-timeout': [1, 6, 0],
  'echo-timeout': [1, 8, 0],
  loopback: [3, 7, 0],
  'no-network-protocol': [3, 18, 0],
  'negotiation-failed': [3, 5, 0],
};

test('RFC 3145 3: each way in which a link ends has its result and disconnect code', () => {
  for (const [reason, [resultCode, disconnectCode, direction]] of Object.entries(EXPECTED_RESULTS)) {
    assert.deepEqual(disconnectResult(reason as LinkDownReason, 'why'), {
      resultCode,
      errorMessage: 'why',
      pppDisconnectCause: { disconnectCode, controlProtocol: 0, direction, message: 'why' },
    });
  }
});

// Tunnels.

test('a peer that may not have a tunnel gets StopCCN 4', () => {
  const pair = new Pair({ outside: { tunnelPeers: {} } });
  pair.run(1000);
  assert.equal(pair.message(pair.lns, 'StopCCN').avps.resultCode?.resultCode, 4);
  assert.deepEqual([...pair.lns.appliance.tunnels()], []);
});

test('an LNS that is switched off closes its tunnels by StopCCN 1, its calls with them, and refuses new ones by 4', () => {
  const pair = new Pair().bringUp();
  const start_ms = pair.now_ms;
  pair.command(pair.lns, (box, now_ms) => box.configure({ ...box.config, lns: undefined }, now_ms));
  assert.equal(pair.message(pair.lns, 'StopCCN', start_ms).avps.resultCode?.resultCode, 1);
  assert.equal(pair.outputs(pair.lns, 'call-ended').length, 1);
  assert.deepEqual([...pair.lns.appliance.calls()], []);
  assert.deepEqual([...pair.lns.appliance.tunnels()], []);
  const off_ms = pair.now_ms + 1;
  assert.ok(
    pair.run(5000, () =>
      pair.messages.some(({ at_ms, message }) => at_ms > off_ms && message.messageType === 'StopCCN'),
    ),
  );
  const { avps } = pair.message(pair.lns, 'StopCCN', off_ms);
  assert.deepEqual([avps.resultCode?.resultCode, avps.resultCode?.errorMessage], [4, 'the LNS is switched off']);
});

test('a new configuration leaves calls as they are, and new ones get what it says', () => {
  const pair = new Pair().bringUp();
  pair.command(pair.lns, (box, now_ms) =>
    box.configure({ ...box.config, lns: { ...LNS, dns: ['10.0.0.99'] } }, now_ms),
  );
  pair.run(5000);
  assert.deepEqual(pair.outputs(pair.lns, 'call-ended'), []);
  const [{ sessionId }] = pair.client.appliance.calls();
  pair.command(pair.client, ({ appliance }, now_ms) => appliance.disconnect(sessionId, 'again', 'admin-reset', now_ms));
  pair.run(10_000);
  assert.deepEqual(pair.outputs(pair.client, 'call-up').at(-1)?.call.dns, ['10.0.0.99']);
});

test('a box that is shut down ends each tunnel by StopCCN 6', () => {
  const pair = new Pair().bringUp();
  const start_ms = pair.now_ms;
  pair.command(pair.lns, ({ appliance }, now_ms) => appliance.shutDown(now_ms));
  assert.equal(pair.message(pair.lns, 'StopCCN', start_ms).avps.resultCode?.resultCode, 6);
  assert.equal(pair.outputs(pair.lns, 'call-ended').length, 1);
});

test('MikroTik: a peer whose port changes has its calls there, too', () => {
  const pair = new Pair().bringUp();
  pair.clientPort = 40_000;
  const [{ sessionId }] = pair.client.appliance.calls();
  const callErrors = {
    crcErrors: 0,
    framingErrors: 0,
    hardwareOverruns: 0,
    bufferOverruns: 0,
    timeoutErrors: 0,
    alignmentErrors: 0,
  };
  pair.command(pair.client, ({ appliance }, now_ms) => {
    appliance.endpoint.sendWanErrorNotify(sessionId, callErrors, now_ms);
  });
  pair.run(10);
  assert.equal([...pair.lns.path.rows.values()][0].path.peerPort, 40_000);
  assert.equal([...pair.lns.path.tunnels.values()][0].peerPort, 40_000);
  assert.equal([...pair.lns.appliance.calls()][0].path.peerPort, 40_000);
});

/** An ICMPv6 Echo-Request with identifier and sequence number 1, and no data. */
function echoRequest(source: string, destination: string): Uint8Array {
  const packet = new Uint8Array(48);
  packet.set([0x60, 0, 0, 0, 0, 8, 58, 64]);
  packet.set(parseAddress(source), 8);
  packet.set(parseAddress(destination), 24);
  packet.set([128, 0, 0, 0, 0, 1, 0, 1], 40);
  const pseudoHeader = [...packet.subarray(8, 40), 0, 0, 0, 8, 0, 0, 0, 58];
  const summed = Uint8Array.of(...pseudoHeader, ...packet.subarray(40));
  const checksum = internetChecksum(summed, 0, summed.length);
  packet.set([checksum >>> 8, checksum & 0xff], 42);
  return packet;
}
