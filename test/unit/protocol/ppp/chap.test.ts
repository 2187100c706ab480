/** CHAP with MD5 (RFC 1994) and MS-CHAPv2 (RFC 2759, whose section 9.2 gives the values) at both ends. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import type { AuthenticationProtocol } from '../../../../firmware/protocol/ppp/link.js';
import { fromHex, toHex } from '../../../vectors/vectors.js';
import { ADDRESSES, CLIENT, countingRandom, Driver, find, lns } from './driver.js';
import { ascii } from './notation.js';

/** RFC 2759 section 9.2. */
const VECTOR = {
  userName: 'User',
  password: 'clientPass',
  authenticatorChallenge: '5b5d7c7d7b3f2f3e3c2c602132262628',
  peerChallenge: '21402324255e262a28295f2b3a337c7e',
  ntResponse: '82309ecd8d708b5ea08faa3981cd83544233114a3d85d6df',
  authenticatorResponse: 'S=407A5589115FD0D6209F510FE9C04566932CDA56',
};
const ALICE = Uint8Array.from(Buffer.from('alice'));
const LNS = ascii('lns');

function server(protocol: AuthenticationProtocol, rechallengeInterval_ms?: number): Driver {
  const config = lns([protocol]);
  if (rechallengeInterval_ms !== undefined && config.authenticator) {
    config.authenticator = { ...config.authenticator, rechallengeInterval_ms };
  }
  const driver = new Driver(config).openLcp();
  driver.events();
  return driver;
}

function client(protocol: 'chap-md5' | 'mschapv2', user = { name: 'alice', password: 'secret' }): Driver {
  const random = countingRandom();
  const config = { ...CLIENT, peer: { ...user, allow: [protocol] } };
  const driver = new Driver(config, (length) => (length === 16 ? fromHex(VECTOR.peerChallenge) : random(length)));
  driver.openLcp(protocol === 'mschapv2' ? '3:c22381' : '3:c22305');
  driver.events();
  return driver;
}

function md5(identifier: number, secret: string, challenge: string): string {
  return createHash('md5').update(Uint8Array.of(identifier)).update(secret).update(fromHex(challenge)).digest('hex');
}

// The authenticator.

test('RFC 1994 4.1: the authenticator challenges as soon as LCP is up, with a value of 16 octets and its name', () => {
  const driver = server('chap-md5');
  assert.deepEqual(driver.sentAfterLcp(), [`CHAP Challenge 3 10${'06'.repeat(16)}${LNS}`]);
});

test('RFC 1994 4.1: a Response is a question that carries all that is needed to check it', () => {
  const driver = server('chap-md5').receive(`CHAP Response 3 10${'ab'.repeat(16)}${ascii('alice')}`);
  assert.deepEqual(find(driver.events(), 'authentication-request').request, {
    protocol: 'chap-md5',
    name: ALICE,
    identifier: 3,
    challenge: new Uint8Array(16).fill(6),
    response: new Uint8Array(16).fill(0xab),
  });
  assert.deepEqual(driver.sent(), []);
});

test('RFC 1994 4.2: accepted: Success with the identifier of the response, and the network phase', () => {
  const driver = server('chap-md5').receive(`CHAP Response 3 10${'ab'.repeat(16)}${ascii('alice')}`);
  driver.events();
  driver.link.answerAuthentication({ accepted: true, message: 'welcome' }, 0);
  assert.deepEqual(driver.sent(), [`CHAP Success 3 ${ascii('welcome')}`]);
  assert.deepEqual(driver.events(), [
    { type: 'authenticated', name: ALICE, message: 'welcome' },
    { type: 'network-request' },
  ]);
});

test('RFC 1994 4.2: refused: Failure, then Terminate-Request, and the link is down as authentication-failed', () => {
  const driver = server('chap-md5').receive(`CHAP Response 3 10${'ab'.repeat(16)}${ascii('alice')}`);
  driver.events();
  driver.link.answerAuthentication({ accepted: false, message: 'no' }, 0);
  const [failure, terminate] = driver.sent();
  assert.equal(failure, `CHAP Failure 3 ${ascii('no')}`);
  assert.equal(terminate, `LCP Terminate-Request 2 ${ascii('no')}`);
  driver.receive('LCP Terminate-Ack 2');
  assert.deepEqual(driver.events(), [{ type: 'down', reason: 'authentication-failed', message: 'no' }]);
});

test('RFC 1994 4.1: a Response sent again has the same reply and is no second question', () => {
  const response = `CHAP Response 3 10${'ab'.repeat(16)}${ascii('alice')}`;
  const driver = server('chap-md5').receive(response, response);
  assert.deepEqual(driver.eventTypes(), ['authentication-request']);
  driver.link.answerAuthentication({ accepted: true, message: 'welcome' }, 0);
  driver.sent();
  driver.events();
  driver.receive(response, `CHAP Response 3 10${'cd'.repeat(16)}${ascii('mallory')}`);
  assert.deepEqual(driver.sent(), [`CHAP Success 3 ${ascii('welcome')}`, `CHAP Success 3 ${ascii('welcome')}`]);
  assert.deepEqual(driver.events(), []);
});

test('a Response to another challenge than the current one is dropped', () => {
  const driver = server('chap-md5').receive(`CHAP Response 2 10${'ab'.repeat(16)}${ascii('alice')}`);
  assert.deepEqual(driver.events(), []);
});

test('RFC 1994 4.1: challenges are sent until there is a Response; without one the link ends', () => {
  const driver = server('chap-md5').wait(30_000);
  const sent = driver.sent();
  assert.equal(sent.filter((one) => one.startsWith('CHAP Challenge 3 ')).length, 9);
  driver.wait(6000);
  assert.equal(find(driver.events(), 'down').reason, 'authentication-timeout');
});

test('a Response of a wrong length is refused without asking anybody', () => {
  const driver = server('chap-md5').receive(`CHAP Response 3 0fababababababababababababababab${ascii('alice')}`);
  assert.match(driver.sent()[0], /^CHAP Failure 3 /);
  driver.wait(6000);
  assert.deepEqual(driver.eventTypes(), ['down']);
});

test('a Response whose Value-Size lies is dropped', () => {
  const driver = server('chap-md5').receive('CHAP Response 3 ff0102');
  assert.deepEqual(driver.sent(), []);
  assert.deepEqual(driver.events(), []);
});

test('RFC 1994 4.1: while the link is up it is challenged again, silently as long as all is well', () => {
  const driver = server('chap-md5', 60_000).receive(`CHAP Response 3 10${'ab'.repeat(16)}${ascii('alice')}`);
  driver.link.answerAuthentication({ accepted: true }, 0);
  driver.events();
  driver.sent();
  driver.wait(60_000);
  const [challenge] = driver.sent();
  assert.match(challenge, /^CHAP Challenge 4 10/);
  assert.notEqual(challenge.slice(17, 51), `10${'06'.repeat(16)}`, 'the value is a new one');
  driver.receive(`CHAP Response 4 10${'cd'.repeat(16)}${ascii('alice')}`);
  assert.deepEqual(driver.eventTypes(), ['authentication-request']);
  driver.link.answerAuthentication({ accepted: true }, driver.now_ms);
  assert.deepEqual(driver.sent(), ['CHAP Success 4']);
  assert.deepEqual(driver.eventTypes(), []);
});

test('a repeated challenge answered in another name, or wrongly, ends the link', () => {
  for (const name of ['alice', 'bob']) {
    const driver = server('chap-md5', 60_000).receive(`CHAP Response 3 10${'ab'.repeat(16)}${ascii('alice')}`);
    driver.link.answerAuthentication({ accepted: true }, 0);
    driver.wait(60_000);
    driver.receive(`CHAP Response 4 10${'cd'.repeat(16)}${ascii(name)}`);
    if (name === 'alice') driver.link.answerAuthentication({ accepted: false }, driver.now_ms);
    driver.wait(6000);
    assert.equal(find(driver.events(), 'down').reason, 'authentication-failed');
  }
});

test('RFC 2759 4: an MS-CHAPv2 Response is taken apart for the question', () => {
  const value = `${VECTOR.peerChallenge}${'00'.repeat(8)}${VECTOR.ntResponse}00`;
  const driver = server('mschapv2').receive(`CHAP Response 3 31${value}${ascii('User')}`);
  assert.deepEqual(find(driver.events(), 'authentication-request').request, {
    protocol: 'mschapv2',
    name: Uint8Array.from(Buffer.from('User')),
    identifier: 3,
    challenge: new Uint8Array(16).fill(6),
    peerChallenge: fromHex(VECTOR.peerChallenge),
    ntResponse: fromHex(VECTOR.ntResponse),
  });
});

test('RFC 2759 5: Success carries the authenticator response and a message', () => {
  const value = `${VECTOR.peerChallenge}${'00'.repeat(8)}${VECTOR.ntResponse}00`;
  const driver = server('mschapv2').receive(`CHAP Response 3 31${value}${ascii('User')}`);
  driver.link.answerAuthentication(
    { accepted: true, authenticatorResponse: VECTOR.authenticatorResponse, message: 'hi' },
    0,
  );
  assert.equal(driver.sent()[0], `CHAP Success 3 ${ascii(`${VECTOR.authenticatorResponse} M=hi`)}`);
});

test('RFC 2759 6: Failure has the form E=691 R=0 C=<32 digits> V=3 M=<message>', () => {
  const value = `${VECTOR.peerChallenge}${'00'.repeat(8)}${VECTOR.ntResponse}00`;
  const driver = server('mschapv2').receive(`CHAP Response 3 31${value}${ascii('User')}`);
  driver.link.answerAuthentication({ accepted: false, message: 'no' }, 0);
  const message = Buffer.from(driver.sent()[0].split(' ')[3], 'hex').toString();
  assert.match(message, /^E=691 R=0 C=[0-9A-F]{32} V=3 M=no$/);
});

test('an MS-CHAPv2 response accepted without an authenticator response is a programming error', () => {
  const value = `${VECTOR.peerChallenge}${'00'.repeat(8)}${VECTOR.ntResponse}00`;
  const driver = server('mschapv2').receive(`CHAP Response 3 31${value}${ascii('User')}`);
  assert.throws(() => driver.link.answerAuthentication({ accepted: true }, 0), /authenticatorResponse/);
});

// The peer.

test('as peer: RFC 1994 4.1: the response is MD5 over identifier, secret and challenge', () => {
  const driver = client('chap-md5').receive(`CHAP Challenge 42 0401020304${LNS}`);
  assert.deepEqual(driver.sent(), [`CHAP Response 42 10${md5(42, 'secret', '01020304')}${ascii('alice')}`]);
});

test('as peer: the Response is sent again until there is a verdict, and at once when the challenge is', () => {
  const driver = client('chap-md5').receive(`CHAP Challenge 42 0401020304${LNS}`);
  const [response] = driver.sent();
  driver.receive(`CHAP Challenge 42 0401020304${LNS}`);
  assert.deepEqual(driver.sent(), [response]);
  driver.wait(3000);
  assert.deepEqual(driver.sent(), [response]);
  driver.receive('CHAP Success 42');
  assert.match(driver.sent()[0], /^IPCP Configure-Request/);
  driver.wait(900);
  assert.deepEqual(driver.sent(), []);
});

test('as peer: Success opens the network phase; a Success before a Response or with another identifier does not', () => {
  const driver = client('chap-md5').receive('CHAP Success 42');
  driver.receive(`CHAP Challenge 42 0401020304${LNS}`, 'CHAP Success 41');
  assert.equal(driver.link.phase, 'authenticate');
  driver.receive(`CHAP Success 42 ${ascii('welcome')}`);
  assert.deepEqual(driver.events(), [{ type: 'authenticated', name: ALICE, message: 'welcome' }]);
  assert.equal(driver.link.phase, 'network');
});

test('as peer: Failure ends the link', () => {
  const driver = client('chap-md5').receive(`CHAP Challenge 42 0401020304${LNS}`, `CHAP Failure 42 ${ascii('no')}`);
  driver.wait(6000);
  assert.deepEqual(driver.events(), [{ type: 'down', reason: 'authentication-failed', message: 'no' }]);
});

test('as peer: RFC 1994 4.1: the Failure is lost and Terminate-Request comes: authentication has failed', () => {
  const driver = client('chap-md5').receive(`CHAP Challenge 42 0401020304${LNS}`, 'LCP Terminate-Request 9');
  assert.deepEqual(driver.sent().slice(1), ['LCP Terminate-Ack 9']);
  driver.wait(3000);
  assert.equal(find(driver.events(), 'down').reason, 'authentication-failed');
});

test('as peer: a challenge by a protocol that was not agreed on is not answered', () => {
  const pap = new Driver(CLIENT).openLcp('3:c023').receive(`CHAP Challenge 42 0401020304${LNS}`);
  assert.deepEqual(pap.sent(), []);
  const none = new Driver(CLIENT).openLcp().receive(`CHAP Challenge 42 0401020304${LNS}`);
  assert.equal(none.sent().filter((one) => one.startsWith('CHAP')).length, 0);
});

test('as peer: challenged again while the link is up, it answers and says nothing of it', () => {
  const driver = client('chap-md5').receive(`CHAP Challenge 42 0401020304${LNS}`, 'CHAP Success 42');
  driver.sent();
  driver.events();
  driver.receive(`CHAP Challenge 43 0405060708${LNS}`);
  assert.deepEqual(driver.sent(), [`CHAP Response 43 10${md5(43, 'secret', '05060708')}${ascii('alice')}`]);
  driver.receive('CHAP Success 43');
  assert.deepEqual(driver.events(), []);
});

test('as peer: a challenge of before a renegotiation that comes late does not hide the one that counts', () => {
  const driver = client('chap-md5').receive(`CHAP Challenge 42 0401020304${LNS}`, `CHAP Challenge 41 0409090909${LNS}`);
  const [current, stale] = driver.sent();
  driver.wait(6000);
  assert.deepEqual(driver.sent(), [current, stale], 'both are sent again in turn');
  driver.receive('CHAP Success 42');
  assert.equal(driver.link.phase, 'network');
});

test('as peer: a challenge that comes late when we are accepted, and has no verdict, does not end the link', () => {
  const driver = client('chap-md5').receive(`CHAP Challenge 42 0401020304${LNS}`, 'CHAP Success 42');
  driver.receive('IPCP Configure-Request 1 3:0a000001', `CHAP Challenge 41 0409090909${LNS}`);
  const request = driver.sent().find((one) => one.startsWith('IPCP Configure-Request')) ?? '';
  driver.receive(request.replace('Request', 'Nak').replace(/3:0+ .*/, '3:0a000007 129:0a000035 131:0a000135'));
  driver.receive(driver.sent()[0].replace('Request', 'Ack')).wait(600_000);
  assert.equal(driver.link.phase, 'network');
  assert.deepEqual(driver.sent(), []);
});

const USER = { name: VECTOR.userName, password: VECTOR.password };
const MS_CHALLENGE = `CHAP Challenge 42 10${VECTOR.authenticatorChallenge}${LNS}`;

test('as peer: RFC 2759 9.2: the MS-CHAPv2 response of the RFC’s example', () => {
  const driver = client('mschapv2', USER).receive(MS_CHALLENGE);
  const value = `${VECTOR.peerChallenge}${'00'.repeat(8)}${VECTOR.ntResponse}00`;
  assert.deepEqual(driver.sent(), [`CHAP Response 42 31${value}${ascii('User')}`]);
});

test('as peer: RFC 2759 4: a domain stands in the name but not in the response', () => {
  const driver = client('mschapv2', { ...USER, name: 'BIGCO\\User' }).receive(MS_CHALLENGE);
  assert.match(driver.sent()[0], new RegExp(`${VECTOR.ntResponse}00${ascii('BIGCO\\User')}$`));
});

test('as peer: RFC 2759 5: the right authenticator response is accepted', () => {
  const driver = client('mschapv2', USER).receive(MS_CHALLENGE);
  driver.receive(`CHAP Success 42 ${ascii(`${VECTOR.authenticatorResponse} M=Access granted`)}`);
  assert.deepEqual(driver.events(), [
    { type: 'authenticated', name: Uint8Array.from(Buffer.from('User')), message: 'Access granted' },
  ]);
});

test('as peer: RFC 2759 5: a wrong or missing authenticator response ends the session', () => {
  const wrong = VECTOR.authenticatorResponse.replace('407A', '407B');
  for (const message of [`${wrong} M=ok`, 'M=ok', 'welcome', 'S=407A']) {
    const driver = client('mschapv2', USER).receive(MS_CHALLENGE, `CHAP Success 42 ${ascii(message)}`);
    assert.equal(driver.link.phase, 'terminate');
    driver.wait(6000);
    assert.deepEqual(driver.events(), [
      { type: 'down', reason: 'authentication-failed', message: 'the server does not know the password' },
    ]);
  }
});

test('as peer: RFC 2759 6: the message of a Failure is told with its error code', () => {
  const driver = client('mschapv2', USER).receive(MS_CHALLENGE);
  driver.receive(`CHAP Failure 42 ${ascii(`E=691 R=1 C=${'0'.repeat(32)} V=3 M=wrong password`)}`).wait(6000);
  assert.deepEqual(driver.events(), [
    { type: 'down', reason: 'authentication-failed', message: 'error 691 wrong password' },
  ]);
});

test('as peer: RFC 2759 3: an MS-CHAPv2 challenge that has not 16 octets is dropped', () => {
  const driver = client('mschapv2', USER).receive(`CHAP Challenge 42 0401020304${LNS}`);
  assert.deepEqual(driver.sent(), []);
});

// Both ends.

test('an answer to a question of before the renegotiation is dropped, and the new question waits for it', () => {
  const driver = server('chap-md5').receive(`CHAP Response 3 10${'ab'.repeat(16)}${ascii('alice')}`);
  driver.events();
  driver.openLcp();
  const challenge = driver.sentAfterLcp()[0].split(' ')[2];
  driver.receive(`CHAP Response ${challenge} 10${'cd'.repeat(16)}${ascii('mallory')}`);
  assert.deepEqual(driver.eventTypes(), ['lcp-up']);
  driver.link.answerAuthentication({ accepted: true }, 0);
  assert.deepEqual(driver.sent(), [], 'the answer for alice does not let mallory in');
  const { request } = find(driver.events(), 'authentication-request');
  assert.equal(toHex(request.name), ascii('mallory'));
  driver.link.answerAuthentication({ accepted: false }, 0);
  assert.match(driver.sent()[0], /^CHAP Failure/);
});

test('a question that waits for a late answer is forgotten when LCP begins anew once more', () => {
  const driver = server('chap-md5')
    .receive(`CHAP Response 3 10${'ab'.repeat(16)}${ascii('alice')}`)
    .openLcp();
  driver.receive(`CHAP Response 4 10${'cd'.repeat(16)}${ascii('bob')}`).openLcp();
  driver.events();
  driver.link.answerAuthentication({ accepted: true }, 0);
  assert.deepEqual(driver.events(), []);
  driver.receive(`CHAP Response 5 10${'cd'.repeat(16)}${ascii('carol')}`);
  assert.equal(toHex(find(driver.events(), 'authentication-request').request.name), ascii('carol'));
});

test('answers without a question are a programming error', () => {
  const driver = server('chap-md5');
  assert.throws(() => driver.link.answerAuthentication({ accepted: true }, 0), /without a question/);
  assert.throws(() => driver.link.answerNetwork(ADDRESSES, 0), /without a question/);
});
