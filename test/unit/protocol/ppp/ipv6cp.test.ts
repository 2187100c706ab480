/** IPV6CP: interface identifiers, RFC 5072 section 4.1. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fromHex, toHex } from '../../../vectors/vectors.js';
import { CLIENT, Driver, find, LNS_OPEN } from './driver.js';

const OURS = '0000000000000001';
const SUGGESTED = '0000000000000002';
const INTERFACE_IDS = { localInterfaceId: fromHex(OURS), peerInterfaceId: fromHex(SUGGESTED) };

function server(): Driver {
  const driver = new Driver({ ...LNS_OPEN, ipv4: false, ipv6: true }).openLcp();
  driver.link.answerNetwork({ ipv6: INTERFACE_IDS }, 0);
  assert.deepEqual(driver.sent(), [`IPV6CP Configure-Request 5 1:${OURS}`]);
  driver.events();
  return driver;
}

test('a zero identifier is nak’ed with a suggestion', () => {
  const driver = server().receive('IPV6CP Configure-Request 1 1:0000000000000000');
  assert.deepEqual(driver.sent(), [`IPV6CP Configure-Nak 1 1:${SUGGESTED}`]);
});

test('an identifier like ours is nak’ed with another', () => {
  const driver = server().receive(`IPV6CP Configure-Request 1 1:${OURS}`);
  assert.deepEqual(driver.sent(), [`IPV6CP Configure-Nak 1 1:${SUGGESTED}`]);
});

test('any other identifier MUST be acknowledged, and is told', () => {
  const driver = server().receive('IPV6CP Configure-Request 1 1:fe00000000001234');
  assert.deepEqual(driver.sent(), ['IPV6CP Configure-Ack 1 1:fe00000000001234']);
  driver.receive(`IPV6CP Configure-Ack 5 1:${OURS}`);
  const up = find(driver.events(), 'ipv6cp-up');
  assert.equal(toHex(up.localInterfaceId), OURS);
  assert.equal(toHex(up.peerInterfaceId), 'fe00000000001234');
});

test('a peer that does not ask for one is prompted once, then taken as it is', () => {
  const driver = server().receive('IPV6CP Configure-Request 1', 'IPV6CP Configure-Request 2');
  assert.deepEqual(driver.sent(), [`IPV6CP Configure-Nak 1 1:${SUGGESTED}`, 'IPV6CP Configure-Ack 2']);
});

test('header compression and unknown options are rejected', () => {
  const driver = server().receive('IPV6CP Configure-Request 1 2:004f 1:0000000000000000');
  assert.deepEqual(driver.sent(), ['IPV6CP Configure-Reject 1 2:004f']);
});

test('a suggestion for our own identifier is taken', () => {
  const driver = server().receive('IPV6CP Configure-Nak 5 1:00000000000000aa');
  assert.deepEqual(driver.sent(), ['IPV6CP Configure-Request 6 1:00000000000000aa']);
});

test('a suggestion that we made ourselves, or zero, makes us choose a new one', () => {
  const driver = server().receive(`IPV6CP Configure-Request 1 1:${OURS}`);
  driver.sent();
  driver.receive(`IPV6CP Configure-Nak 5 1:${SUGGESTED}`);
  const [first] = driver.sent();
  assert.doesNotMatch(first, new RegExp(SUGGESTED));
  driver.receive(`IPV6CP Configure-Nak ${first.split(' ')[2]} 1:0000000000000000`);
  assert.doesNotMatch(driver.sent()[0], / 1:0000000000000000/);
});

test('a peer that rejects the option has us go without it', () => {
  const driver = server().receive(`IPV6CP Configure-Reject 5 1:${OURS}`);
  assert.deepEqual(driver.sent(), ['IPV6CP Configure-Request 6']);
});

test('an identifier of our own making is not zero and has its "u" bit clear', () => {
  for (const octet of [0x00, 0xff]) {
    const driver = new Driver({ ...CLIENT, ipv4: false, ipv6: true }, (length) => new Uint8Array(length).fill(octet));
    const [request] = driver.openLcp().sentAfterLcp();
    const identifier = fromHex(request.split(':')[1]);
    assert.equal(identifier.length, 8);
    assert.equal(identifier[0] & 0x02, 0);
    assert.notEqual(toHex(identifier), '0000000000000000');
  }
});

test('two ends with the same bad random numbers still come to different identifiers', () => {
  const config = { ...CLIENT, ipv4: false, ipv6: true };
  const driver = new Driver(config, (length) => new Uint8Array(length)).openLcp('5:0a0b0c0d');
  const [request] = driver.sentAfterLcp();
  driver.receive(request);
  const [nak] = driver.sent();
  assert.match(nak, /^IPV6CP Configure-Nak/);
  assert.notEqual(nak.split(':')[1], request.split(':')[1]);
});
