/** The LAC client's side of a call by its steps, its redials, and what becomes of profiles that change. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LacClientConfig } from '../../../firmware/roles/lac-client.js';
import { latin1 } from '../../../firmware/wire/bytes.js';
import { parseL2tpHeader } from '../../../firmware/wire/l2tp.js';
import {
  CONTROL_CODE,
  emitPppControlPacket,
  PPP_PROTOCOL,
  parsePppControlPacket,
  parsePppFrame,
} from '../../../firmware/wire/ppp.js';
import type { Box } from '../../simulation/box.js';
import { CLIENT, Pair, PPP, stepsOf } from './pair.js';

function status(pair: Pair) {
  return pair.client.appliance.profiles()[0];
}

function configure(pair: Pair, ...lacClients: LacClientConfig[]): void {
  pair.command(pair.client, (box, now_ms) => box.configure({ ...box.config, lacClients }, now_ms));
}

/** When each SCCRQ of the client went out for the first time, in ms. */
function dials(pair: Pair): number[] {
  const tunnels = new Set<unknown>();
  const times: number[] = [];
  for (const { at_ms, message } of pair.messages) {
    if (message.messageType !== 'SCCRQ' || tunnels.has(message.avps.assignedTunnelId)) continue;
    tunnels.add(message.avps.assignedTunnelId);
    times.push(at_ms);
  }
  return times;
}

function isIpcp(packet: Uint8Array): boolean {
  const { control, payloadOffset, payloadEnd } = parseL2tpHeader(packet);
  return !control && parsePppFrame(packet.subarray(payloadOffset, payloadEnd)).protocol === PPP_PROTOCOL.ipcp;
}

// The steps.

test('the trace of a call has steps 5, 6, 7, 10, 13 in this order', () => {
  const pair = new Pair().bringUp();
  assert.deepEqual(stepsOf(pair.trace(pair.client)), [5, 6, 7, 10, 13]);
});

test('the trace tells of the ICCN before the PPP that follows it', () => {
  const pair = new Pair().bringUp();
  const labels = pair.trace(pair.client).map(({ label }) => label);
  assert.ok(labels.indexOf('ICCN') < labels.indexOf('LCP Configure-Request'), labels.join(', '));
});

test('l2tpns drops PPP of a session that does not stand: row, ICCN, first PPP frame go out in this order', () => {
  const pair = new Pair().bringUp();
  const order = pair.order(pair.client, 'session-add', 'send-control', 'inject');
  const added = order.findIndex(({ type }) => type === 'session-add');
  assert.deepEqual(
    order.slice(added, added + 3).map(({ type }) => type),
    ['session-add', 'send-control', 'inject'],
  );
  assert.deepEqual(pair.messageTypes().slice(0, 6), [
    'client SCCRQ',
    'lns SCCRP',
    'client SCCCN',
    'client ICRQ',
    'lns ICRP',
    'client ICCN',
  ]);
});

test('RFC 2661 6.6, 6.8: ICRQ and ICCN say what they must: serial number, speed, framing', () => {
  const pair = new Pair().bringUp();
  const icrq = pair.message(pair.client, 'ICRQ').avps;
  assert.ok(icrq.assignedSessionId && icrq.callSerialNumber);
  const iccn = pair.message(pair.client, 'ICCN').avps;
  assert.ok(iccn.txConnectSpeed_bps && iccn.framingType);
  assert.equal(iccn.sequencingRequired, undefined);
});

test('the row takes all that comes from its TUN, and lets in what goes to the address or to the networks behind', () => {
  const pair = new Pair({ client: { localNetworks: ['192.168.7.0/24'] } }).bringUp();
  const [row] = pair.client.path.rows.values();
  assert.deepEqual([row.bindTun, row.tun, row.sources], [true, 1, []]);
  assert.deepEqual(row.destinations, ['10.0.0.7/32', '192.168.7.0/24']);
  assert.deepEqual([row.ipv4Open, row.ipv6Open], [true, true]);
});

test('a call that is up is told with its profile, addresses and name servers', () => {
  const pair = new Pair().bringUp();
  const [{ call }] = pair.outputs(pair.client, 'call-up');
  assert.deepEqual([call.role, call.profile, call.peerName], ['lac-client', 'office', 'box.example']);
  assert.deepEqual([call.localAddress, call.peerAddress, call.dns], ['10.0.0.7', '10.0.0.1', ['10.0.0.53']]);
  assert.deepEqual(
    { ...status(pair), callId: 0 },
    { profile: 'office', state: 'up', lastFailure: '', redialAt_ms: undefined, callId: 0 },
  );
});

test('RFC 2661 5.1.1: with the same tunnel secret at both ends the call comes up', () => {
  const outside = { tunnelPeers: { '192.0.2.2': { secret: 'tunnel secret' } } };
  const pair = new Pair({ client: { tunnelSecret: 'tunnel secret' }, outside }).bringUp();
  assert.equal(pair.message(pair.client, 'SCCCN').avps.challengeResponse?.length, 16);
});

test('with another secret the client itself sends StopCCN 4 and says so', () => {
  const outside = { tunnelPeers: { '192.0.2.2': { secret: 'tunnel secret' } } };
  const pair = new Pair({ client: { tunnelSecret: 'another' }, outside });
  pair.run(1000);
  assert.equal(pair.message(pair.client, 'StopCCN').avps.resultCode?.resultCode, 4);
  assert.match(status(pair).lastFailure, /closed by the client: result 4, the response to the challenge is wrong/);
});

// Redials.

test('a server that never answers is dialled again, the wait doubled each time up to the cap, a quarter of chance on top', () => {
  const pair = new Pair();
  pair.mute = () => true;
  pair.run(500_000);
  const times = dials(pair);
  assert.ok(times.length >= 7, `${times.length} dials`);
  // 1, 2, 4, 8, 8, 8 s: then the LNS counts as gone.
  const cycle_ms = 31_000;
  const expected = [2000, 4000, 8000, 16_000, 30_000, 30_000];
  for (const [index, wait_ms] of expected.entries()) {
    // The resolver takes its time, too: up to 200 ms here.
    const waited_ms = times[index + 1] - times[index] - cycle_ms;
    assert.ok(waited_ms >= wait_ms && waited_ms <= wait_ms * 1.25 + 200, `wait ${index}: ${waited_ms} ms`);
  }
  assert.equal(status(pair).lastFailure, 'the LNS does not answer');
});

test('the status tells why the last dial failed, not why the first one did', () => {
  const pair = new Pair({ outside: { tunnelPeers: {} } });
  pair.mute = () => true;
  assert.ok(pair.run(60_000, () => status(pair).lastFailure === 'the LNS does not answer'));
  pair.mute = () => false;
  assert.ok(pair.run(60_000, () => status(pair).lastFailure !== 'the LNS does not answer'));
  assert.match(status(pair).lastFailure, /closed by the LNS: result 4/);
});

test('an LNS that ends IPCP alone and leaves the link up: without IPv4 for a minute the profile dials again', () => {
  const pair = new Pair().bringUp();
  const [{ sessionId, generation }] = pair.client.appliance.calls();
  const terminateRequest = emitPppControlPacket({
    code: CONTROL_CODE.terminateRequest,
    identifier: 1,
    data: new Uint8Array(0),
  });
  pair.mute = (_from, packet) => isIpcp(packet);
  pair.command(pair.client, ({ appliance }, now_ms) =>
    appliance.handlePppFrame(sessionId, generation, PPP_PROTOCOL.ipcp, terminateRequest, now_ms),
  );
  pair.run(1000);
  assert.equal(status(pair).state, 'ppp');
  assert.equal([...pair.client.appliance.calls()][0]?.state, 'up');
  assert.ok(pair.run(90_000, () => dials(pair).length === 2));
  pair.mute = () => false;
  assert.ok(pair.run(5000, () => status(pair).state === 'up'));
});

test('while nothing is dialled the status says when it will be', () => {
  const pair = new Pair({ outside: { hosts: {} } });
  pair.run(300);
  const { state, redialAt_ms, lastFailure } = status(pair);
  assert.equal(state, 'idle');
  assert.ok(redialAt_ms !== undefined && redialAt_ms > pair.now_ms);
  assert.match(lastFailure, /name lns\.example has no address: no such host/);
  assert.deepEqual(pair.messages, []);
});

test('a call that stood for a minute was a good one: the next wait is the first one again', () => {
  const pair = new Pair();
  pair.mute = () => true;
  pair.run(100_000);
  pair.mute = () => false;
  assert.ok(pair.run(60_000, () => status(pair).state === 'up'));
  pair.run(61_000);
  const hungUp_ms = pair.now_ms;
  pair.command(pair.lns, ({ appliance }, now_ms) => appliance.shutDown(now_ms));
  pair.run(4000);
  const wait_ms = dials(pair).at(-1)! - hungUp_ms;
  assert.ok(wait_ms >= 2000 && wait_ms <= 2800, `${wait_ms} ms`);
});

test('a call that is up for seconds only does not shorten the wait', () => {
  const pair = new Pair();
  const lengthen = () => {
    assert.ok(pair.run(60_000, () => status(pair).state === 'up'));
    const [{ sessionId }] = pair.lns.appliance.calls();
    pair.command(pair.lns, ({ appliance }, now_ms) => appliance.disconnect(sessionId, 'no', 'admin-reset', now_ms));
    assert.ok(pair.run(10_000, () => status(pair).state === 'idle'));
    return status(pair).redialAt_ms! - pair.now_ms;
  };
  const waits = [lengthen(), lengthen(), lengthen()];
  for (const [index, wait_ms] of [2000, 4000, 8000].entries()) {
    assert.ok(waits[index] > wait_ms - 20 && waits[index] <= wait_ms * 1.25, `${waits}`);
  }
});

test('a call that has no address after a minute is given up and dialled anew', () => {
  const pair = new Pair({
    client: { ppp: { ...PPP, maxConfigure: 100 } },
    lns: { ppp: { ...PPP, maxConfigure: 100 } },
  });
  pair.muteFrames(pair.lns);
  pair.run(61_000);
  assert.equal(status(pair).state, 'closing');
  pair.run(15_000);
  assert.equal(pair.outputs(pair.client, 'call-ended').length, 1);
  assert.equal(pair.outputs(pair.client, 'call-ended')[0].end.reason, 'the call did not come up in time');
  assert.ok(dials(pair).length > 1);
});

test('an LNS that hangs up is told in the status by its own words', () => {
  const pair = new Pair({ outside: { pool: [] } });
  assert.ok(pair.run(5000, () => status(pair).lastFailure !== ''));
  assert.equal(status(pair).lastFailure, 'the call ended: no address');
});

test('after the call has ended its tunnel is closed by StopCCN 1: it carried that call alone', () => {
  const pair = new Pair().bringUp();
  const start_ms = pair.now_ms;
  const [{ sessionId }] = pair.lns.appliance.calls();
  pair.command(pair.lns, ({ appliance }, now_ms) =>
    appliance.disconnect(sessionId, 'maintenance', 'admin-reset', now_ms),
  );
  pair.run(1000);
  assert.equal(pair.message(pair.client, 'StopCCN', start_ms).avps.resultCode?.resultCode, 1);
});

// What an administrator does.

/** The reason in the last Terminate-Request of a box. */
function terminateMessage(pair: Pair, box: Box): string {
  const packets = pair.outputs(box, 'inject').map(({ information }) => parsePppControlPacket(information));
  return latin1(packets.findLast(({ code }) => code === CONTROL_CODE.terminateRequest)?.data ?? new Uint8Array(0));
}

test('a disconnected call is hung up by Terminate-Request and CDN 3, and dialled again after the wait', () => {
  const pair = new Pair().bringUp();
  const start_ms = pair.now_ms;
  const [{ sessionId }] = pair.client.appliance.calls();
  pair.command(pair.client, ({ appliance }, now_ms) =>
    appliance.disconnect(sessionId, 'maintenance', 'admin-reset', now_ms),
  );
  assert.equal(terminateMessage(pair, pair.client), 'maintenance');
  pair.run(100);
  assert.equal(pair.message(pair.client, 'CDN', start_ms).avps.resultCode?.resultCode, 3);
  assert.ok(pair.run(10_000, () => status(pair).state === 'up'));
  assert.equal(dials(pair).length, 2);
});

test('a profile that is taken out is hung up and not dialled again, and nothing is left of it', () => {
  const pair = new Pair().bringUp();
  configure(pair);
  assert.deepEqual(pair.client.appliance.profiles(), []);
  pair.run(200_000);
  assert.equal(pair.outputs(pair.client, 'call-ended').length, 1);
  assert.equal(dials(pair).length, 1);
  assert.equal(pair.client.path.rows.size, 0);
  assert.equal(pair.client.path.tunnels.size, 0);
  assert.equal(pair.client.appliance.endpoint.pollTimeout(), undefined);
});

test('a profile that is taken out before the resolver has answered is never dialled', () => {
  const pair = new Pair();
  pair.run(0);
  assert.equal(pair.client.questions, 1);
  configure(pair);
  pair.run(100_000);
  assert.equal(pair.client.questions, 0);
  assert.deepEqual(pair.messages, []);
});

test('a profile that is taken out while its tunnel is being opened is closed by StopCCN', () => {
  const pair = new Pair();
  pair.mute = (from) => from === pair.lns;
  assert.ok(pair.run(1000, () => pair.messages.length > 0));
  configure(pair);
  assert.equal(pair.messages.at(-1)?.message.messageType, 'StopCCN');
  pair.mute = () => false;
  pair.run(100_000);
  assert.equal(dials(pair).length, 1);
  assert.deepEqual([...pair.lns.appliance.tunnels()], []);
});

test('a profile that is changed is hung up and dialled by what it says now', () => {
  const pair = new Pair({
    outside: { users: { alice: { password: 'secret' }, bob: { password: 'secret' } } },
  }).bringUp();
  configure(pair, { ...CLIENT, userName: 'bob' });
  assert.equal(terminateMessage(pair, pair.client), 'the profile was changed');
  assert.ok(pair.run(10_000, () => status(pair).state === 'up'));
  assert.ok(pair.run(1000, () => [...pair.lns.appliance.calls()].some(({ userName }) => userName === 'bob')));
  pair.run(10_000);
  assert.equal([...pair.client.appliance.calls()].length, 1);
});

test('a profile that stays as it was keeps its call when others come and go', () => {
  const pair = new Pair().bringUp();
  const [{ callId }] = pair.client.appliance.calls();
  configure(pair, { ...CLIENT }, { ...CLIENT, name: 'second', tun: 2 });
  assert.ok(pair.run(10_000, () => pair.client.appliance.profiles().every(({ state }) => state === 'up')));
  configure(pair, { ...CLIENT });
  pair.run(60_000);
  assert.deepEqual(
    [...pair.client.appliance.calls()].map((call) => call.callId),
    [callId],
  );
});

test('an LNS that answers in version 3 but takes no PPP: the failure says to dial by version 2', () => {
  const pair = new Pair({ client: { encapsulation: 'auto' } });
  pair.command(pair.lns, (box, now_ms) => {
    const { endpoint } = box.config;
    box.configure({ ...box.config, endpoint: { ...endpoint, pseudowireTypes: [5] } }, now_ms);
  });
  pair.run(500);
  assert.match(status(pair).lastFailure, /takes no PPP over version 3: set the profile's encapsulation to udp2/);
});

test('a box that is shut down sends Terminate-Request and StopCCN 6, and dials no more', () => {
  const pair = new Pair().bringUp();
  const start_ms = pair.now_ms;
  pair.command(pair.client, ({ appliance }, now_ms) => appliance.shutDown(now_ms));
  assert.equal(pair.message(pair.client, 'StopCCN', start_ms).avps.resultCode?.resultCode, 6);
  pair.run(100_000);
  assert.equal(dials(pair).length, 1);
  assert.deepEqual([...pair.client.appliance.calls()], []);
});

// What an LNS may ask of a client.

test('an ICRQ that an LNS sends in the client’s own tunnel gets CDN 4, and the client’s call goes on', () => {
  const pair = new Pair().bringUp();
  pair.command(pair.lns, ({ appliance }, now_ms) => {
    const [{ status: tunnel }] = appliance.tunnels();
    appliance.endpoint.placeCall(tunnel.tunnelId, { callSerialNumber: 9 }, now_ms);
  });
  pair.run(10);
  assert.equal(pair.message(pair.client, 'CDN').avps.resultCode?.resultCode, 4);
  assert.equal(status(pair).state, 'up');
});

test('RFC 2661 4.4.2: an LNS that wants the client to place an outgoing call gets CDN 5', () => {
  const pair = new Pair().bringUp();
  const ocrq = {
    callSerialNumber: 9,
    minimumBps: 1,
    maximumBps: 9,
    bearerType: 1,
    framingType: 1,
    calledNumber: '555',
  };
  pair.command(pair.lns, ({ appliance }, now_ms) => {
    const [{ status: tunnel }] = appliance.tunnels();
    appliance.endpoint.placeOutgoingCall(tunnel.tunnelId, ocrq, now_ms);
  });
  pair.run(10);
  assert.equal(pair.message(pair.client, 'CDN').avps.resultCode?.resultCode, 5);
  assert.equal(status(pair).state, 'up');
});

test('PPP frames of a call that is closing still come through, so that Terminate-Ack ends it at once', () => {
  const pair = new Pair().bringUp();
  configure(pair);
  const start_ms = pair.now_ms;
  assert.ok(pair.run(1000, () => pair.outputs(pair.client, 'call-ended').length === 1));
  assert.ok(pair.now_ms - start_ms < 10);
});

test('all control messages of a call go to the session that the peer has assigned', () => {
  const pair = new Pair().bringUp();
  const [atLns] = pair.lns.appliance.calls();
  const sessions = pair
    .outputs(pair.client, 'send-control')
    .map(({ packet }) => parseL2tpHeader(packet))
    .filter(({ sessionId }) => sessionId !== 0)
    .map(({ sessionId }) => sessionId);
  assert.deepEqual([...new Set(sessions)], [atLns.sessionId]);
});
