/** PAP at both ends, RFC 1334 section 2. Names: alice 616c696365, password "secret" 736563726574. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ADDRESSES, CLIENT, Driver, find, lns } from './driver.js';
import { ascii } from './notation.js';

const REQUEST = '05616c69636506736563726574';

function server(): Driver {
  const driver = new Driver(lns(['pap'])).openLcp();
  driver.events();
  return driver;
}

function client(): Driver {
  return new Driver(CLIENT).openLcp('3:c023');
}

test('RFC 1334 2.2.1: an Authenticate-Request is a question to the outside, and no answer goes out before it', () => {
  const driver = server().receive(`PAP Authenticate-Request 9 ${REQUEST}`);
  assert.deepEqual(driver.sent(), []);
  const { request } = find(driver.events(), 'authentication-request');
  assert.deepEqual(request, {
    protocol: 'pap',
    name: Uint8Array.from(Buffer.from('alice')),
    identifier: 9,
    password: Uint8Array.from(Buffer.from('secret')),
  });
});

test('RFC 1334 2.2.2: accepted: an Authenticate-Ack with the identifier of the request, and the network phase', () => {
  const driver = server().receive(`PAP Authenticate-Request 9 ${REQUEST}`);
  driver.events();
  driver.link.answerAuthentication({ accepted: true, message: 'hi' }, 0);
  assert.deepEqual(driver.sent(), [`PAP Authenticate-Ack 9 02${ascii('hi')}`]);
  assert.deepEqual(driver.events(), [
    { type: 'authenticated', name: Uint8Array.from(Buffer.from('alice')), message: 'hi' },
    { type: 'network-request' },
  ]);
});

test('RFC 1334 2.2.2: refused: an Authenticate-Nak, then the link is ended', () => {
  const driver = server().receive(`PAP Authenticate-Request 9 ${REQUEST}`);
  driver.events();
  driver.link.answerAuthentication({ accepted: false, message: 'no' }, 0);
  const [nak, terminate] = driver.sent();
  assert.equal(nak, `PAP Authenticate-Nak 9 02${ascii('no')}`);
  assert.match(terminate, /^LCP Terminate-Request/);
  driver.receive(`LCP Terminate-Ack ${terminate.split(' ')[2]}`);
  assert.deepEqual(driver.events(), [{ type: 'down', reason: 'authentication-failed', message: 'no' }]);
});

test('a request sent again while the answer is out is no second question; the reply has its identifier', () => {
  const driver = server().receive(`PAP Authenticate-Request 9 ${REQUEST}`, `PAP Authenticate-Request 10 ${REQUEST}`);
  assert.deepEqual(driver.eventTypes(), ['authentication-request']);
  driver.link.answerAuthentication({ accepted: true }, 0);
  assert.deepEqual(driver.sent(), ['PAP Authenticate-Ack 10 00']);
});

test('RFC 1334 2.2.1: repeated requests after the Ack, even with another password, get the Ack again', () => {
  const driver = server().receive(`PAP Authenticate-Request 9 ${REQUEST}`);
  driver.link.answerAuthentication({ accepted: true }, 0);
  driver.link.answerNetwork(ADDRESSES, 0);
  driver.sent();
  driver.events();
  driver.receive(`PAP Authenticate-Request 11 05616c69636505${ascii('wrong')}`);
  assert.deepEqual(driver.sent(), ['PAP Authenticate-Ack 11 00']);
  assert.deepEqual(driver.events(), []);
});

test('a request whose lengths lie is dropped', () => {
  const driver = server().receive('PAP Authenticate-Request 9 05616c696365ff736563726574');
  assert.deepEqual(driver.events(), []);
  assert.deepEqual(driver.sent(), []);
});

test('without an Authenticate-Request the link ends after the authentication timeout', () => {
  const driver = server().wait(60_000);
  assert.match(driver.sent()[0], /^LCP Terminate-Request/);
  driver.wait(6000);
  assert.equal(find(driver.events(), 'down').reason, 'authentication-timeout');
});

test('an answer that does not come in time ends the link; when it comes at last it is dropped', () => {
  const driver = server().receive(`PAP Authenticate-Request 9 ${REQUEST}`).wait(60_000);
  driver.sent();
  driver.link.answerAuthentication({ accepted: true }, driver.now_ms);
  assert.deepEqual(driver.sent(), []);
  driver.wait(6000);
  assert.equal(find(driver.events(), 'down').reason, 'authentication-timeout');
});

test('as peer: RFC 1334 2.2.1: requests until there is a reply, each with another identifier', () => {
  const driver = client();
  assert.deepEqual(driver.sentAfterLcp(), [`PAP Authenticate-Request 3 ${REQUEST}`]);
  driver.wait(6000);
  assert.deepEqual(driver.sent(), [`PAP Authenticate-Request 4 ${REQUEST}`, `PAP Authenticate-Request 5 ${REQUEST}`]);
});

test('as peer: an Ack to any of its requests opens the network phase', () => {
  const driver = client().wait(3000);
  driver.events();
  driver.receive(`PAP Authenticate-Ack 3 07${ascii('welcome')}`);
  assert.deepEqual(driver.events(), [
    { type: 'authenticated', name: Uint8Array.from(Buffer.from('alice')), message: 'welcome' },
  ]);
  assert.match(driver.sent().slice(-1)[0], /^IPCP Configure-Request/);
  driver.wait(500);
  assert.deepEqual(driver.sent(), []);
});

test('as peer: an Ack with an identifier that was never used, and a packet of an unknown code, change nothing', () => {
  const driver = client();
  driver.events();
  driver.receive('PAP Authenticate-Ack 200 00', 'PAP 9 3 00');
  assert.deepEqual(driver.events(), []);
  assert.equal(driver.link.phase, 'authenticate');
});

test('as peer: a Nak ends the link as authentication-failed', () => {
  const driver = client();
  driver.events();
  driver.receive(`PAP Authenticate-Nak 3 02${ascii('no')}`).wait(6000);
  assert.deepEqual(driver.events(), [{ type: 'down', reason: 'authentication-failed', message: 'no' }]);
});

test('as peer: silence ends the link as authentication-timeout', () => {
  const driver = client().wait(40_000);
  assert.equal(find(driver.events(), 'down').reason, 'authentication-timeout');
});

test('as peer: PAP rejected by Protocol-Reject ends the link', () => {
  const driver = client();
  driver.receive('LCP Protocol-Reject 1 c023').wait(6000);
  assert.equal(find(driver.events(), 'down').reason, 'negotiation-failed');
});

test('as peer: a password that PAP has no room for is never offered by PAP', () => {
  const peer = { name: 'alice', password: '\u20ac'.repeat(100), allow: ['pap', 'chap-md5'] as const };
  const driver = new Driver({ ...CLIENT, peer }).start();
  driver.sent();
  driver.receive('LCP Configure-Request 1 3:c023');
  assert.deepEqual(driver.sent(), ['LCP Configure-Nak 1 3:c22305']);
});
