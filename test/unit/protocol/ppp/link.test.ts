/** The phases of a link (RFC 1661 section 3.2 to 3.7), its end, its keep-alive, and what comes at the wrong time. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fromHex } from '../../../vectors/vectors.js';
import { ADDRESSES, CLIENT, Driver, find, LNS_OPEN, lns } from './driver.js';
import { ascii, frame, line } from './notation.js';

const BOTH = {
  ...ADDRESSES,
  ipv6: { localInterfaceId: fromHex('0000000000000001'), peerInterfaceId: fromHex('0000000000000002') },
};

/** An LNS's link with IPCP open. */
function up(config = LNS_OPEN): Driver {
  const driver = new Driver(config).openLcp();
  driver.link.answerNetwork(ADDRESSES, driver.now_ms);
  driver.receive('IPCP Configure-Request 1 3:0a000007', 'IPCP Configure-Ack 4 3:0a000001');
  driver.sent();
  assert.ok(driver.eventTypes().includes('ipcp-up'));
  return driver;
}

/** An LNS's link with IPCP and IPV6CP open. */
function upBoth(): Driver {
  const driver = new Driver({ ...LNS_OPEN, ipv6: true }).openLcp();
  driver.link.answerNetwork(BOTH, 0);
  driver.receive('IPCP Configure-Request 1 3:0a000007', 'IPCP Configure-Ack 4 3:0a000001');
  driver.receive('IPV6CP Configure-Request 1 1:0000000000000009', 'IPV6CP Configure-Ack 5 1:0000000000000001');
  driver.sent();
  assert.deepEqual(driver.eventTypes(), ['lcp-up', 'network-request', 'ipcp-up', 'ipv6cp-up']);
  return driver;
}

// Establish.

test('xl2tpd, pppd: a Configure-Request that comes before the link is started is answered when it is', () => {
  const driver = new Driver(LNS_OPEN).receive('LCP Configure-Request 1 5:0a0b0c0d');
  assert.deepEqual(driver.sent(), []);
  driver.start();
  assert.deepEqual(driver.sent(), [
    'LCP Configure-Request 1 1:0578 2:00000000 5:02020202',
    'LCP Configure-Ack 1 5:0a0b0c0d',
  ]);
});

test('frames that are kept are copies: the buffer they came in may be used again', () => {
  const early = new Driver(LNS_OPEN);
  const { protocol, information } = frame('LCP Configure-Request 1 5:0a0b0c0d');
  early.link.handleFrame(protocol, information, 0);
  information.fill(0);
  assert.equal(early.start().sent()[1], 'LCP Configure-Ack 1 5:0a0b0c0d');
  const held = new Driver(LNS_OPEN).openLcp();
  const ipcp = frame('IPCP Configure-Request 1 3:00000000');
  held.link.handleFrame(ipcp.protocol, ipcp.information, 0);
  ipcp.information.fill(255);
  held.link.answerNetwork(ADDRESSES, 0);
  assert.equal(held.sent()[1], 'IPCP Configure-Nak 1 3:0a000007');
});

test('what else comes before the start is dropped and counted, and so is too much of it', () => {
  const driver = new Driver(LNS_OPEN).receive('IPCP Configure-Request 1 3:00000000');
  for (let i = 0; i < 10; i++) driver.receive(`LCP Configure-Request ${i}`);
  assert.equal(driver.link.drops.outOfPhase, 7);
  driver.start();
  assert.equal(driver.sent().length, 5);
});

test('RFC 1661 3.4: in the establish phase everything but LCP is silently discarded', () => {
  const driver = new Driver(lns(['pap'])).start();
  driver.sent();
  driver.receive(
    'PAP Authenticate-Request 1 0161016b',
    'IPCP Configure-Request 1 3:00000000',
    'CCP Configure-Request 1',
  );
  assert.deepEqual(driver.sent(), []);
  assert.deepEqual(driver.events(), []);
  assert.equal(driver.link.drops.outOfPhase, 3);
});

test('RFC 1661 3.5: before authentication no network protocol', () => {
  const driver = new Driver(lns(['chap-md5'])).openLcp();
  driver.receive('IPCP Configure-Request 1 3:00000000', 'CCP Configure-Request 1');
  assert.deepEqual(driver.sent(), []);
  assert.deepEqual(driver.eventTypes(), ['lcp-up']);
});

test('without authentication the network phase begins with LCP up', () => {
  const driver = new Driver(LNS_OPEN).openLcp();
  assert.deepEqual(driver.eventTypes(), ['lcp-up', 'network-request']);
  assert.equal(driver.link.phase, 'network');
});

test('lcp-up names the authentication that was agreed on', () => {
  assert.equal(find(new Driver(lns(['mschapv2'])).openLcp().events(), 'lcp-up').authentication, 'mschapv2');
  assert.equal(find(new Driver(CLIENT).openLcp('3:c023').events(), 'lcp-up').authentication, 'pap');
});

// Renegotiation.

test('RFC 1661 3.4, 4.1: a Configure-Request in Opened tears the NCPs down and begins anew', () => {
  const driver = up();
  driver.receive('LCP Configure-Request 9 5:0a0b0c0d');
  assert.deepEqual(driver.sent(), [
    'LCP Configure-Request 2 1:0578 2:00000000 5:02020202',
    'LCP Configure-Ack 9 5:0a0b0c0d',
  ]);
  assert.deepEqual(driver.eventTypes(), ['ipcp-down']);
  assert.equal(driver.link.phase, 'establish');
  driver.receive('LCP Configure-Ack 2 1:0578 2:00000000 5:02020202');
  assert.deepEqual(driver.eventTypes(), ['lcp-up', 'network-request']);
});

test('after a renegotiation the peer has to authenticate itself again', () => {
  const driver = new Driver(lns(['pap'])).openLcp().receive('PAP Authenticate-Request 1 0161016b');
  driver.link.answerAuthentication({ accepted: true }, 0);
  driver.link.answerNetwork(ADDRESSES, 0);
  driver.events();
  driver.openLcp();
  assert.deepEqual(driver.eventTypes(), ['lcp-up']);
  driver.receive('IPCP Configure-Request 1 3:00000000');
  assert.deepEqual(driver.sent(), []);
  driver.receive('PAP Authenticate-Request 2 0161016b');
  assert.deepEqual(driver.eventTypes(), ['authentication-request']);
});

test('RFC 1661 4.1: a Configure-Request in Opened restarts an NCP too, and it alone', () => {
  const driver = upBoth().receive('IPCP Configure-Request 2 3:0a000007');
  assert.deepEqual(driver.eventTypes(), ['ipcp-down']);
  const [request] = driver.sent();
  driver.receive(request.replace('Request', 'Ack'));
  assert.deepEqual(driver.eventTypes(), ['ipcp-up']);
});

test('an answer to a network-request of before a renegotiation is dropped, and the new question waits for it', () => {
  const driver = new Driver(LNS_OPEN).openLcp();
  driver.receive('IPCP Configure-Request 1 3:00000000');
  driver.events();
  driver.openLcp();
  assert.deepEqual(driver.eventTypes(), ['lcp-up']);
  driver.link.answerNetwork(ADDRESSES, 0);
  assert.deepEqual(driver.sent(), []);
  assert.deepEqual(driver.eventTypes(), ['network-request']);
  driver.link.answerNetwork({ ipv4: { ...ADDRESSES.ipv4, localAddress: '10.0.0.2' } }, 0);
  assert.deepEqual(driver.sent(), ['IPCP Configure-Request 4 3:0a000002'], 'and what was held of before is forgotten');
});

test('a Terminate-Request while LCP is not up is forgotten when LCP comes up after all', () => {
  const driver = new Driver(LNS_OPEN).start().receive('LCP Terminate-Request 5').openLcp();
  driver.receive('LCP Configure-Request 9').wait(30_000);
  assert.equal(find(driver.events(), 'down').reason, 'lcp-timeout');
  const closed = new Driver(LNS_OPEN).start().receive('LCP Terminate-Request 5').openLcp();
  closed.link.close('good bye', closed.now_ms);
  closed.wait(6000);
  assert.equal(find(closed.events(), 'down').reason, 'local-close');
});

// Network.

test('a client that sends IPCP before the network answer has its last request answered once the answer is there', () => {
  const driver = new Driver(LNS_OPEN).openLcp();
  driver.receive('IPCP Configure-Request 1 3:00000000', 'IPCP Configure-Request 2 3:00000000');
  assert.deepEqual(driver.sent(), []);
  driver.link.answerNetwork(ADDRESSES, 0);
  assert.deepEqual(driver.sent(), ['IPCP Configure-Request 4 3:0a000001', 'IPCP Configure-Nak 2 3:0a000007']);
});

test('a family that the answer leaves out is refused by Protocol-Reject, the held request of it too', () => {
  const driver = new Driver({ ...LNS_OPEN, ipv6: true }).openLcp();
  driver.receive('IPV6CP Configure-Request 1 1:0000000000000009');
  driver.link.answerNetwork(ADDRESSES, 0);
  assert.deepEqual(driver.sent(), [
    'IPCP Configure-Request 4 3:0a000001',
    'LCP Protocol-Reject 2 80570101000e010a0000000000000009',
  ]);
  driver.receive('IPV6CP Configure-Request 2 1:0000000000000009');
  assert.match(driver.sent()[0], /^LCP Protocol-Reject 3 8057/);
});

test('an answer that has no address of either family ends the link', () => {
  const driver = new Driver(LNS_OPEN).openLcp();
  driver.link.answerNetwork({}, 0);
  driver.wait(6000);
  assert.equal(find(driver.events(), 'down').reason, 'no-network-protocol');
});

test('RFC 1661 5.7: an NCP that is rejected sends nothing more, the link goes on with the other', () => {
  const driver = upBoth().receive('LCP Protocol-Reject 1 8057');
  assert.deepEqual(driver.eventTypes(), ['ipv6cp-down']);
  driver.receive('IPV6CP Terminate-Request 5').wait(60_000);
  assert.deepEqual(driver.sent(), []);
  assert.equal(driver.link.phase, 'network');
});

test('when the last NCP is rejected the link ends', () => {
  const driver = upBoth().receive('LCP Protocol-Reject 1 8057', 'LCP Protocol-Reject 2 8021').wait(6000);
  assert.deepEqual(driver.eventTypes(), ['ipv6cp-down', 'ipcp-down', 'down']);
});

test('NCPs retransmit briskly, and yet have the patience of LCP', () => {
  const driver = new Driver(LNS_OPEN).openLcp();
  driver.link.answerNetwork(ADDRESSES, 0);
  driver.wait(29_999);
  assert.equal(driver.sent().length, 30);
  assert.equal(driver.link.phase, 'network');
  driver.wait(7000);
  assert.equal(find(driver.events(), 'down').reason, 'no-network-protocol');
});

test('a peer that goes silent in IPCP has no link any more: at its end IPCP may be open', () => {
  const driver = upBoth().receive('IPCP Configure-Request 2 3:0a000007');
  assert.deepEqual(driver.sent(), ['IPCP Configure-Request 5 3:0a000001', 'IPCP Configure-Ack 2 3:0a000007']);
  driver.wait(40_000);
  const events = driver.events();
  assert.deepEqual(
    events.map(({ type }) => type),
    ['ipcp-down', 'ipv6cp-down', 'down'],
  );
  assert.equal(find(events, 'down').reason, 'no-network-protocol');
});

test('a peer that never says a word of IPCP keeps its link for IPv6 alone', () => {
  const driver = new Driver({ ...LNS_OPEN, ipv6: true }).openLcp();
  driver.link.answerNetwork(BOTH, 0);
  driver.receive('IPV6CP Configure-Request 1 1:0000000000000009', 'IPV6CP Configure-Ack 5 1:0000000000000001');
  driver.wait(60_000);
  assert.deepEqual(driver.eventTypes(), ['lcp-up', 'network-request', 'ipv6cp-up']);
});

test('a client asks for the same interface identifier after a renegotiation, so that a late request does no harm', () => {
  const driver = new Driver({ ...CLIENT, ipv4: false, ipv6: true }).openLcp();
  const before = driver.sentAfterLcp().find((one) => one.startsWith('IPV6CP'));
  driver.openLcp('5:0a0b0c0d');
  const after = driver.sentAfterLcp().find((one) => one.startsWith('IPV6CP'));
  assert.ok(before && after);
  assert.equal(after.split(' ')[3], before.split(' ')[3]);
});

test('a peer whose IPCP ends has no link any more when nothing else is up', () => {
  const driver = up().receive('IPCP Terminate-Request 5');
  assert.deepEqual(driver.sent(), ['IPCP Terminate-Ack 5']);
  driver.wait(7000);
  assert.deepEqual(driver.eventTypes(), ['ipcp-down', 'down']);
});

test('an IPCP that was ended and begun again keeps the link', () => {
  const driver = upBoth().receive('IPCP Terminate-Request 5').wait(5000);
  driver.sent();
  driver.receive('IPCP Configure-Request 6 3:0a000007');
  const [request, ack] = driver.sent();
  assert.equal(ack, 'IPCP Configure-Ack 6 3:0a000007');
  driver.receive(request.replace('Request', 'Ack'));
  assert.deepEqual(driver.eventTypes(), ['ipcp-down', 'ipcp-up']);
});

test('an unknown code of an NCP gets its own Code-Reject', () => {
  const driver = up().receive('IPCP 9 1 00');
  assert.deepEqual(driver.sent(), ['IPCP Code-Reject 5 0901000500']);
});

// Terminate.

test('RFC 1661 3.7: close: Terminate-Request with the message, down when it is acknowledged', () => {
  const driver = up();
  driver.link.close('good bye', 0);
  assert.deepEqual(driver.sent(), [`LCP Terminate-Request 2 ${ascii('good bye')}`]);
  assert.deepEqual(driver.eventTypes(), ['ipcp-down']);
  driver.receive('LCP Terminate-Ack 2');
  assert.deepEqual(driver.events(), [{ type: 'down', reason: 'local-close', message: 'good bye' }]);
});

test('RFC 1661 4.6, Max-Terminate: a close that nobody acknowledges ends all the same', () => {
  const driver = up();
  driver.link.close('good bye', 0);
  driver.wait(6000);
  assert.equal(driver.sent().length, 2);
  assert.equal(find(driver.events(), 'down').reason, 'local-close');
});

test('RFC 1661 3.7: a Terminate-Request is acknowledged, down follows one restart time later', () => {
  const driver = up().receive(`LCP Terminate-Request 5 ${ascii('User request')}`);
  assert.deepEqual(driver.sent(), ['LCP Terminate-Ack 5']);
  assert.deepEqual(driver.eventTypes(), ['ipcp-down']);
  driver.wait(2999);
  assert.deepEqual(driver.events(), []);
  driver.wait(1);
  assert.deepEqual(driver.events(), [{ type: 'down', reason: 'peer-terminated', message: 'User request' }]);
});

test('RFC 1661 3.7: in the terminate phase everything but LCP is silently discarded', () => {
  const driver = up().receive('LCP Terminate-Request 5');
  driver.sent();
  driver.receive('IPCP Configure-Request 1 3:0a000007', 'CCP Configure-Request 1', 'LCP Configure-Request 1');
  assert.deepEqual(driver.sent(), []);
});

test('a Terminate-Request during establishment is acknowledged; if nothing more comes it was the end', () => {
  const driver = new Driver(LNS_OPEN).start().receive('LCP Terminate-Request 5');
  assert.equal(driver.sent().slice(-1)[0], 'LCP Terminate-Ack 5');
  driver.wait(30_000);
  assert.equal(find(driver.events(), 'down').reason, 'peer-terminated');
});

test('after down nothing is sent, nothing is told, and late answers are dropped', () => {
  const driver = new Driver(lns(['pap'])).openLcp().receive('PAP Authenticate-Request 1 0161016b');
  driver.link.close('bye', 0);
  driver.wait(6000);
  driver.sent();
  driver.events();
  driver.link.answerAuthentication({ accepted: true }, driver.now_ms);
  driver.receive('LCP Configure-Request 1', 'LCP Terminate-Request 2', 'LCP Echo-Request 1 00000000');
  driver.link.noteTraffic(driver.now_ms);
  driver.link.close('again', driver.now_ms);
  driver.link.lowerDown(driver.now_ms);
  driver.wait(100_000);
  assert.deepEqual(driver.sent(), []);
  assert.deepEqual(driver.events(), []);
  assert.equal(driver.link.pollTimeout(), undefined);
  assert.equal(driver.link.drops.afterEnd, 3);
});

test('lowerDown: the NCPs are told down, then the link; what waited to be sent is not', () => {
  const driver = up().receive('LCP Echo-Request 1 0a0b0c0d');
  driver.link.lowerDown(0);
  assert.deepEqual(driver.sent(), []);
  assert.deepEqual(driver.events(), [
    { type: 'ipcp-down' },
    { type: 'down', reason: 'peer-terminated', message: 'the call is gone' },
  ]);
});

test('lowerDown while a close is under way: the reason is that of the close', () => {
  const driver = up();
  driver.link.close('good bye', 0);
  driver.link.lowerDown(0);
  assert.equal(find(driver.events(), 'down').reason, 'local-close');
});

test('a link that is closed before it was started is down at once', () => {
  const driver = new Driver(LNS_OPEN);
  driver.link.close('not needed', 0);
  assert.deepEqual(driver.events(), [{ type: 'down', reason: 'local-close', message: 'not needed' }]);
  driver.start();
  assert.deepEqual(driver.sent(), []);
});

test('a link is started once', () => {
  const driver = new Driver(LNS_OPEN).start();
  assert.throws(() => driver.start());
});

// Keep-alive.

const ECHOES = { ...LNS_OPEN, echoInterval_ms: 20_000, echoFailures: 3 };

test('RFC 1661 5.8: Echo-Requests go out after idle time, with our magic number', () => {
  const driver = up(ECHOES).wait(19_999);
  assert.deepEqual(driver.sent(), []);
  driver.wait(1);
  assert.deepEqual(driver.sent(), ['LCP Echo-Request 2 02020202']);
});

test('whatever comes from the peer is life: no echo is due', () => {
  const driver = up(ECHOES).wait(15_000);
  driver.link.noteTraffic(driver.now_ms);
  driver.wait(15_000).receive('LCP Discard-Request 1 00000000').wait(19_999);
  assert.deepEqual(driver.sent(), []);
});

test('unanswered Echo-Requests end the link as echo-timeout', () => {
  const driver = up(ECHOES).wait(79_999);
  assert.equal(driver.sent().length, 3);
  assert.equal(driver.link.phase, 'network');
  driver.wait(1);
  assert.match(driver.sent()[0], /^LCP Terminate-Request/);
  driver.wait(6000);
  assert.equal(find(driver.events(), 'down').reason, 'echo-timeout');
});

test('an Echo-Reply, or data, in time forgives those that were lost', () => {
  const driver = up(ECHOES);
  for (let i = 0; i < 10; i++) {
    driver.wait(50_000);
    if (i % 2 === 0) driver.receive('LCP Echo-Reply 3 0a0b0c0d');
    else driver.link.noteTraffic(driver.now_ms);
  }
  assert.equal(driver.link.phase, 'network');
  assert.deepEqual(driver.events(), []);
});

test('echoInterval 0: no echoes at all', () => {
  const driver = up().wait(1_000_000);
  assert.deepEqual(driver.sent(), []);
  assert.equal(driver.link.pollTimeout(), undefined);
});

test('echoFailures 0: echoes go out and never end the link', () => {
  const driver = up({ ...ECHOES, echoFailures: 0 }).wait(1_000_000);
  assert.equal(driver.sent().length, 50);
  assert.equal(driver.link.phase, 'network');
});

// The trace.

test('every control packet is told, sent and received, also those of protocols that we refuse', () => {
  const driver = new Driver(LNS_OPEN).openLcp();
  driver.events();
  driver.link.handleFrame(0x80fd, frame('CCP Configure-Request 2 18:01000060').information, 0);
  const messages: string[] = [];
  for (let event = driver.link.pollEvent(); event !== undefined; event = driver.link.pollEvent()) {
    assert.ok(event.type === 'message');
    messages.push(`${event.direction} ${line({ protocol: event.protocol, information: event.packet })}`);
  }
  assert.deepEqual(messages, [
    'received CCP Configure-Request 2 18:01000060',
    'sent LCP Protocol-Reject 2 80fd0102000a120601000060',
  ]);
});
