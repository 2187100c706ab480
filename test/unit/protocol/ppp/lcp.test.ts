/** LCP on a link: what it asks for, what it answers, and its maintenance packets. RFC 1661 sections 5 and 6. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CLIENT, Driver, find, LNS_OPEN, lns } from './driver.js';
import { ascii } from './notation.js';

test('the first proposal: MRU, ACCM 0, authentication and magic number, no field compression', () => {
  const driver = new Driver(lns(['mschapv2', 'pap'])).start();
  assert.deepEqual(driver.sent(), ['LCP Configure-Request 1 1:0578 2:00000000 3:c22381 5:02020202']);
});

test('RFC 1661 5.1: default values are not proposed (MRU 1500, no authentication)', () => {
  const driver = new Driver({ ...LNS_OPEN, mru_bytes: 1500 }).start();
  assert.deepEqual(driver.sent(), ['LCP Configure-Request 1 2:00000000 5:02020202']);
});

test('RFC 1661 5.2: acceptable options are acknowledged unchanged and in their order', () => {
  const driver = new Driver(LNS_OPEN).start();
  driver.sent();
  driver.receive('LCP Configure-Request 9 8: 7: 5:0a0b0c0d 2:000a0000 1:05d4');
  assert.deepEqual(driver.sent(), ['LCP Configure-Ack 9 8: 7: 5:0a0b0c0d 2:000a0000 1:05d4']);
});

test('lcp-up tells what both ends agreed on', () => {
  const driver = new Driver(LNS_OPEN).openLcp('1:05d4', '7:', '8:', '5:0a0b0c0d');
  assert.deepEqual(find(driver.events(), 'lcp-up'), {
    type: 'lcp-up',
    localMru_bytes: 1400,
    peerMru_bytes: 1492,
    transmitAcfc: true,
    transmitPfc: true,
  });
});

test('RFC 1661 6: what the peer does not mention has its default', () => {
  const driver = new Driver(LNS_OPEN).openLcp();
  const up = find(driver.events(), 'lcp-up');
  assert.equal(up.peerMru_bytes, 1500);
  assert.equal(up.transmitAcfc, false);
  assert.equal(up.transmitPfc, false);
});

test('RFC 1661 5.4: Multilink, callback, quality and unknown options are rejected, all at once and as they came', () => {
  const driver = new Driver(LNS_OPEN).start();
  driver.sent();
  driver.receive('LCP Configure-Request 3 1:05d4 17:05dc 18: 19:0301020304 13:06 4:c025 99:ff 5:0a0b0c0d');
  assert.deepEqual(driver.sent(), ['LCP Configure-Reject 3 17:05dc 18: 19:0301020304 13:06 4:c025 99:ff']);
});

test('an option of a wrong length is rejected', () => {
  const driver = new Driver(LNS_OPEN).start();
  driver.sent();
  driver.receive('LCP Configure-Request 3 1:05 5:0a0b0c0d');
  assert.deepEqual(driver.sent(), ['LCP Configure-Reject 3 1:05']);
});

test('RFC 1661 6: an option listed twice is rejected the second time', () => {
  const driver = new Driver(LNS_OPEN).start();
  driver.sent();
  driver.receive('LCP Configure-Request 3 1:05d4 1:05dc');
  assert.deepEqual(driver.sent(), ['LCP Configure-Reject 3 1:05dc']);
});

test('an MRU too small to carry anything is nak’ed', () => {
  const driver = new Driver(LNS_OPEN).start();
  driver.sent();
  driver.receive('LCP Configure-Request 3 1:0010');
  assert.deepEqual(driver.sent(), ['LCP Configure-Nak 3 1:0080']);
});

test('RFC 1661 6.4: a magic number of zero is nak’ed', () => {
  const driver = new Driver(LNS_OPEN).start();
  driver.sent();
  driver.receive('LCP Configure-Request 3 5:00000000');
  assert.deepEqual(driver.sent(), ['LCP Configure-Nak 3 5:06060606']);
});

test('RFC 1661 6.4: a magic number like ours is nak’ed before anything else is said', () => {
  const driver = new Driver(lns(['pap'])).start();
  driver.sent();
  driver.receive('LCP Configure-Request 3 3:c023 5:02020202');
  assert.deepEqual(driver.sent(), ['LCP Configure-Nak 3 5:06060606']);
});

test('RFC 1661 6.4: a line that is looped back ends the link as such', () => {
  const driver = new Driver(lns(['pap']));
  driver.start();
  for (let round = 0; round < 200 && driver.link.phase !== 'dead'; round++) {
    const own = driver.sent();
    if (own.length === 0) driver.wait(1000);
    driver.receive(...own);
  }
  assert.equal(find(driver.events(), 'down').reason, 'loopback');
});

test('RFC 1661 6.4: a few equal magic numbers with others in between are no loop', () => {
  const driver = new Driver(LNS_OPEN).start();
  for (let identifier = 0; identifier < 12; identifier++) {
    driver.receive(`LCP Configure-Request ${identifier} 5:${identifier % 4 === 3 ? '0a0b0c0d' : '02020202'}`);
  }
  assert.equal(driver.sent().filter((one) => one.startsWith('LCP Terminate')).length, 0);
});

test('RFC 1661 6.4: an Echo-Request with our own magic number is a looped-back line', () => {
  const driver = new Driver(LNS_OPEN).openLcp();
  driver.receive('LCP Echo-Request 1 02020202');
  assert.match(driver.sent()[0], /^LCP Terminate-Request/);
  driver.receive('LCP Terminate-Ack 2');
  assert.equal(find(driver.events(), 'down').reason, 'loopback');
});

test('RFC 1661 6.4: a magic number that is rejected is treated as acknowledged, and sent as zero from then on', () => {
  const driver = new Driver(LNS_OPEN).start();
  driver.sent();
  driver.receive('LCP Configure-Reject 1 5:02020202');
  assert.deepEqual(driver.sent(), ['LCP Configure-Request 2 1:0578 2:00000000']);
  driver.receive('LCP Configure-Ack 2 1:0578 2:00000000', 'LCP Configure-Request 1', 'LCP Echo-Request 5 0a0b0c0d');
  assert.deepEqual(driver.sent(), ['LCP Configure-Ack 1', 'LCP Echo-Reply 5 00000000']);
});

test('RFC 1661 5.2: an Ack of another identifier or other options is silently discarded', () => {
  const driver = new Driver(LNS_OPEN).start();
  driver.receive('LCP Configure-Request 1');
  driver.sent();
  driver.receive('LCP Configure-Ack 2 1:0578 2:00000000 5:02020202', 'LCP Configure-Ack 1 1:0578 2:00000000');
  assert.deepEqual(driver.eventTypes(), []);
  driver.receive('LCP Configure-Ack 1 1:0578 2:00000000 5:02020202');
  assert.deepEqual(driver.eventTypes(), ['lcp-up', 'network-request']);
});

test('RFC 1661 5.4: a Reject of what was not asked for is silently discarded', () => {
  const driver = new Driver(LNS_OPEN).start();
  driver.sent();
  driver.receive('LCP Configure-Reject 1 7:', 'LCP Configure-Reject 1 1:05dc');
  assert.deepEqual(driver.sent(), []);
});

test('RFC 1661 5.3: a Nak changes what is asked for; options that it adds are not taken up', () => {
  const driver = new Driver(LNS_OPEN).start();
  driver.sent();
  driver.receive('LCP Configure-Nak 1 1:0514 7:');
  assert.deepEqual(driver.sent(), ['LCP Configure-Request 2 1:0514 2:00000000 5:02020202']);
});

test('a peer that naks the MRU with 1500 gets its way: every implementation must take 1500 octets', () => {
  const driver = new Driver(LNS_OPEN).start();
  driver.sent();
  driver.receive('LCP Configure-Nak 1 1:05dc');
  assert.deepEqual(driver.sent(), ['LCP Configure-Request 2 1:05dc 2:00000000 5:02020202']);
});

test('RFC 1661 5.1: the identifier stays in retransmissions and changes after a valid reply', () => {
  const driver = new Driver(LNS_OPEN).start();
  driver.wait(3000);
  const [first, second] = driver.sent();
  assert.equal(first, second);
  driver.receive('LCP Configure-Ack 1 1:0578 2:00000000 5:02020202').wait(3000);
  assert.deepEqual(driver.sent(), ['LCP Configure-Request 2 1:0578 2:00000000 5:02020202']);
});

test('RFC 1661 4.6, Max-Configure: after ten Configure-Requests without an answer the link is down', () => {
  const driver = new Driver(LNS_OPEN).start().wait(30_000);
  assert.equal(driver.sent().length, 10);
  assert.deepEqual(driver.events(), [{ type: 'down', reason: 'lcp-timeout', message: 'the peer is silent' }]);
});

test('RFC 1661 4.6, Max-Failure: after five Naks an option is rejected', () => {
  const driver = new Driver(LNS_OPEN).start();
  driver.sent();
  for (let identifier = 0; identifier < 6; identifier++) driver.receive(`LCP Configure-Request ${identifier} 1:0010`);
  assert.deepEqual(driver.sent(), [
    ...[0, 1, 2, 3, 4].map((identifier) => `LCP Configure-Nak ${identifier} 1:0080`),
    'LCP Configure-Reject 5 1:0010',
  ]);
});

test('RFC 1661 4.6, Max-Failure: a request that is only repeated, its Nak lost, does not count', () => {
  const driver = new Driver(LNS_OPEN).start();
  driver.sent();
  for (let repeat = 0; repeat < 10; repeat++) driver.receive('LCP Configure-Request 3 1:0010');
  assert.deepEqual(driver.sent().slice(-1), ['LCP Configure-Nak 3 1:0080']);
});

test('an option that is nak’ed for ever is given up after Max-Failure Naks', () => {
  const driver = new Driver(LNS_OPEN).start();
  for (let identifier = 1; identifier <= 5; identifier++)
    driver.receive(`LCP Configure-Nak ${identifier} 2:0000000${identifier}`);
  assert.equal(driver.sent().slice(-1)[0], 'LCP Configure-Request 6 1:0578 2:00000005 5:02020202');
  driver.receive('LCP Configure-Nak 6 2:00000006');
  assert.deepEqual(driver.sent(), ['LCP Configure-Request 7 1:0578 5:02020202']);
});

test('RFC 1661 4.5: a peer that asks for the impossible for ever is left', () => {
  const driver = new Driver(LNS_OPEN).start();
  for (let identifier = 0; identifier < 60; identifier++) driver.receive(`LCP Configure-Request ${identifier} 17:05dc`);
  assert.match(driver.sent().slice(-1)[0], /^LCP Terminate-Request/);
  driver.wait(6000);
  assert.equal(find(driver.events(), 'down').reason, 'negotiation-failed');
});

test('RFC 1661 4.5: a peer that naks whatever is asked for is left', () => {
  const driver = new Driver(LNS_OPEN).start();
  for (let round = 0; round < 60 && driver.link.phase === 'establish'; round++) {
    const request = driver.sent().slice(-1)[0];
    driver.receive(`LCP Configure-Nak ${request.split(' ')[2]} 99:0${round % 10}`);
  }
  driver.wait(6000);
  assert.equal(find(driver.events(), 'down').reason, 'negotiation-failed');
});

test('RFC 1661 5.6: an unknown code gets a Code-Reject with a copy of the packet', () => {
  const driver = new Driver(LNS_OPEN).openLcp();
  driver.receive('LCP 99 7 0102');
  assert.deepEqual(driver.sent(), ['LCP Code-Reject 2 630700060102']);
});

test('RFC 1661 5.6: the copy is cut to comply with the peer’s MRU', () => {
  const driver = new Driver(LNS_OPEN).openLcp('1:0080');
  driver.receive(`LCP 99 7 ${'ab'.repeat(300)}`);
  const [packet] = driver.sent();
  assert.equal(packet.split(' ')[3].length / 2 + 4, 128);
});

test('RFC 1661 5.6: a Code-Reject of a fundamental code ends the link', () => {
  const driver = new Driver(LNS_OPEN).openLcp();
  driver.receive('LCP Code-Reject 1 01010004').wait(6000);
  assert.equal(find(driver.events(), 'down').reason, 'negotiation-failed');
});

test('a Code-Reject of Echo-Request: no more are sent, the link stays', () => {
  const driver = new Driver({ ...LNS_OPEN, echoInterval_ms: 10_000 }).openLcp();
  driver.receive('LCP Code-Reject 1 09010008ffffffff').wait(100_000);
  assert.deepEqual(driver.sent(), []);
  assert.equal(driver.link.phase, 'network');
});

test('RFC 1661 5.8: an Echo-Request is answered with our magic number, its identifier and its data', () => {
  const driver = new Driver(LNS_OPEN).openLcp('5:0a0b0c0d');
  driver.receive('LCP Echo-Request 200 0a0b0c0d01020304');
  assert.deepEqual(driver.sent(), ['LCP Echo-Reply 200 0202020201020304']);
});

test('RFC 1661 5.8: Echo-Requests outside of state Opened, and malformed ones, are silently discarded', () => {
  const driver = new Driver(LNS_OPEN).start();
  driver.sent();
  driver.receive('LCP Echo-Request 200 0a0b0c0d');
  assert.deepEqual(driver.sent(), []);
  const opened = new Driver(LNS_OPEN).openLcp();
  opened.receive('LCP Echo-Request 200 0a0b0c');
  assert.deepEqual(opened.sent(), []);
});

test('RFC 1661 5.9, RFC 1570 1.1, 1.2: Discard-Request, Identification and Time-Remaining are taken in silence', () => {
  const driver = new Driver(LNS_OPEN).openLcp();
  driver.receive(
    'LCP Discard-Request 1 0a0b0c0d',
    `LCP Identification 2 0a0b0c0d${ascii('MSRASV5.20')}`,
    'LCP Time-Remaining 3 0a0b0c0d00000e10',
    'LCP Echo-Reply 4 0a0b0c0d',
  );
  assert.deepEqual(driver.sent(), []);
  const early = new Driver(LNS_OPEN).start();
  early.sent();
  early.receive('LCP Identification 2 000000004d53524153');
  assert.deepEqual(early.sent(), []);
});

test('RFC 1661 5.7: unknown protocols get a Protocol-Reject in state Opened, IPv4 and IPv6 data never', () => {
  const driver = new Driver(LNS_OPEN).openLcp();
  driver.link.handleFrame(0x8029, Uint8Array.of(1, 1, 0, 4), 0);
  assert.deepEqual(driver.sent(), ['LCP Protocol-Reject 2 802901010004']);
  driver.link.handleFrame(0x0021, Uint8Array.of(0x45, 0), 0);
  driver.link.handleFrame(0x0057, Uint8Array.of(0x60, 0), 0);
  assert.deepEqual(driver.sent(), []);
});

test('RFC 1661 5.7: before state Opened there is no Protocol-Reject', () => {
  const driver = new Driver(LNS_OPEN).start();
  driver.sent();
  driver.link.handleFrame(0x8029, Uint8Array.of(1, 1, 0, 4), 0);
  assert.deepEqual(driver.sent(), []);
});

test('a flood of unknown protocols has a bounded number of Protocol-Rejects', () => {
  const driver = new Driver(LNS_OPEN).openLcp();
  for (let i = 0; i < 1000; i++) driver.link.handleFrame(0x8029, Uint8Array.of(1, 1, 0, 4), driver.now_ms);
  assert.equal(driver.sent().length, 10);
  driver.wait(3000);
  for (let i = 0; i < 1000; i++) driver.link.handleFrame(0x8029, Uint8Array.of(1, 1, 0, 4), driver.now_ms);
  assert.equal(driver.sent().length, 3);
});

test('RFC 1661 5.7: a Protocol-Reject of LCP itself ends the link', () => {
  const driver = new Driver(LNS_OPEN).openLcp();
  driver.receive('LCP Protocol-Reject 1 c021').wait(6000);
  assert.equal(find(driver.events(), 'down').reason, 'negotiation-failed');
});

test('RFC 1661 5.7: a Protocol-Reject outside of state Opened is silently discarded', () => {
  const driver = new Driver(LNS_OPEN).start();
  driver.sent();
  driver.receive('LCP Protocol-Reject 1 c021', 'LCP Protocol-Reject 2');
  assert.deepEqual(driver.sent(), []);
  assert.deepEqual(driver.events(), []);
});

test('RFC 1661 6: what the peer has asked for once has its default again when it does not ask after a renegotiation', () => {
  const driver = new Driver(LNS_OPEN).openLcp('1:05d4', '7:', '8:');
  driver.events();
  const { peerMru_bytes, transmitAcfc, transmitPfc } = find(driver.openLcp().events(), 'lcp-up');
  assert.deepEqual(
    { peerMru_bytes, transmitAcfc, transmitPfc },
    { peerMru_bytes: 1500, transmitAcfc: false, transmitPfc: false },
  );
});

test('RFC 1661 6.2: authentication is offered in the order of preference, a Nak moves on', () => {
  const driver = new Driver(lns(['mschapv2', 'chap-md5', 'pap'])).start();
  driver.sent();
  driver.receive('LCP Configure-Nak 1 3:c223ff');
  assert.match(driver.sent()[0], / 3:c22305 /);
  driver.receive('LCP Configure-Nak 2 3:c227');
  assert.match(driver.sent()[0], / 3:c023 /);
});

test('RFC 1661 6.2: a Nak that names an allowed protocol is followed at once', () => {
  const driver = new Driver(lns(['mschapv2', 'chap-md5', 'pap'])).start();
  driver.sent();
  driver.receive('LCP Configure-Nak 1 3:c023');
  assert.match(driver.sent()[0], / 3:c023 /);
});

test('a peer that naks every allowed authentication is left, and is never let in without one', () => {
  const driver = new Driver(lns(['mschapv2', 'chap-md5'])).start();
  driver.receive('LCP Configure-Nak 1 3:c023', 'LCP Configure-Nak 2 3:c023');
  assert.match(driver.sent().slice(-1)[0], /^LCP Terminate-Request/);
  driver.wait(6000);
  assert.deepEqual(driver.events(), [
    {
      type: 'down',
      reason: 'negotiation-failed',
      message: 'the peer refuses every authentication protocol that is allowed',
    },
  ]);
});

test('a peer that rejects authentication is left', () => {
  const driver = new Driver(lns(['pap'])).start();
  driver.receive('LCP Configure-Reject 1 3:c023').wait(6000);
  assert.deepEqual(driver.events(), [
    { type: 'down', reason: 'negotiation-failed', message: 'the peer refuses to authenticate itself' },
  ]);
});

test('as peer: an authentication protocol that is allowed is acknowledged, another nak’ed with the first allowed', () => {
  const driver = new Driver({ ...CLIENT, peer: { name: 'alice', password: 'secret', allow: ['chap-md5'] } }).start();
  driver.sent();
  driver.receive('LCP Configure-Request 1 3:c023');
  assert.deepEqual(driver.sent(), ['LCP Configure-Nak 1 3:c22305']);
  driver.receive('LCP Configure-Request 2 3:c227');
  assert.deepEqual(driver.sent(), ['LCP Configure-Nak 2 3:c22305']);
  driver.receive('LCP Configure-Request 3 3:c22305');
  assert.deepEqual(driver.sent(), ['LCP Configure-Ack 3 3:c22305']);
});

test('without a name of our own, a peer that wants us to authenticate ourselves is refused that', () => {
  const driver = new Driver(LNS_OPEN).start();
  driver.sent();
  driver.receive('LCP Configure-Request 1 3:c023');
  assert.deepEqual(driver.sent(), ['LCP Configure-Reject 1 3:c023']);
});
