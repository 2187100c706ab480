/** A link that is a session of PPPoE: RFC 2516 section 7, and hosts that are not ready when their session is. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HOST_SILENCE_MS } from '../../../../firmware/protocol/ppp/link.js';
import { Driver, lns } from './driver.js';

const config = lns(['chap-md5'], { overEthernet: true });
const REQUEST = 'LCP Configure-Request 1 1:0578 3:c22305 5:02020202';

test('RFC 2516 section 7: the access concentrator asks for neither ACCM nor ACFC', () => {
  const driver = new Driver(config).start().wait(HOST_SILENCE_MS);
  assert.deepEqual(driver.sent(), [REQUEST]);
});

test('a line that has no ACCM, by what a LAC hands over: none is asked for, at once, and one that the peer asks for is taken', () => {
  const driver = new Driver(lns(['chap-md5'], { withoutAccm: true })).start();
  assert.deepEqual(driver.sent(), [REQUEST]);
  driver.receive('LCP Configure-Request 7 2:00000000 5:0a0b0c0d');
  assert.deepEqual(driver.sent(), ['LCP Configure-Ack 7 2:00000000 5:0a0b0c0d']);
});

test('RFC 2516 section 7: a host’s request for ACCM or ACFC is rejected', () => {
  const driver = new Driver(config).start();
  driver.receive('LCP Configure-Request 7 2:00000000 5:0a0b0c0d 8:');
  assert.deepEqual(driver.sent(), [REQUEST, 'LCP Configure-Reject 7 2:00000000 8:']);
});

test('RFC 2516 section 7: a Configure-Nak that suggests ACCM is not followed', () => {
  const driver = new Driver(config).start().wait(HOST_SILENCE_MS);
  driver.sent();
  driver.receive('LCP Configure-Nak 1 1:0500 2:000a0000');
  assert.deepEqual(driver.sent(), ['LCP Configure-Request 2 1:0500 3:c22305 5:02020202']);
});

test('pppd drops what comes before it listens: nothing is sent before the host’s first frame', () => {
  const driver = new Driver(config).start().wait(HOST_SILENCE_MS - 1);
  assert.deepEqual(driver.sent(), []);
  driver.receive('LCP Configure-Request 7 5:0a0b0c0d');
  assert.deepEqual(driver.sent(), [REQUEST, 'LCP Configure-Ack 7 5:0a0b0c0d']);
  driver.receive(REQUEST.replace('Request', 'Ack'));
  assert.deepEqual(driver.eventTypes(), ['lcp-up']);
  driver.wait(HOST_SILENCE_MS);
  assert.ok(!driver.sent().some((one) => one.startsWith('LCP')), 'no second beginning');
});

test('a session that is closed before the host has said anything ends at once, by either side', () => {
  const closed = new Driver(config).start();
  closed.link.close('no more', closed.now_ms);
  assert.deepEqual(closed.eventTypes(), ['down']);
  const gone = new Driver(config).start();
  gone.link.lowerDown(gone.now_ms);
  assert.deepEqual(gone.eventTypes(), ['down']);
  for (const driver of [closed, gone]) {
    assert.equal(driver.link.pollTimeout(), undefined);
    driver.wait(HOST_SILENCE_MS);
    assert.deepEqual(driver.sent(), []);
  }
});
