/**
 * The start of a link from what a LAC hands over (RFC 2661 section 4.4.5, "Proxy LCP and Authentication AVPs"): the
 * peer's packets before it went to the LAC, those after it come here.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { AuthenticationRequest, PppLinkConfig, ProxiedLink } from '../../../../firmware/protocol/ppp/link.js';
import { PppLink } from '../../../../firmware/protocol/ppp/link.js';
import { fromHex } from '../../../vectors/vectors.js';
import { ADDRESSES, CLIENT, Driver, find, LNS_OPEN, lns } from './driver.js';
import { ascii, frame } from './notation.js';
import { seededBytes, seededRandom } from './pair.js';

const ALICE = Uint8Array.from(Buffer.from('alice'));

/** Options in the notation of notation.ts, as the octets behind the header of a Configure-Request. */
function options(text: string): Uint8Array {
  return frame(`LCP Configure-Request 1 ${text}`.trim()).information.slice(4);
}

const CHAP_ANSWER: AuthenticationRequest = {
  protocol: 'chap-md5',
  name: ALICE,
  identifier: 40,
  challenge: new Uint8Array(20).fill(0xcc),
  response: new Uint8Array(16).fill(0xab),
};
const PAP_ANSWER: AuthenticationRequest = {
  protocol: 'pap',
  name: ALICE,
  identifier: 41,
  password: Uint8Array.from(Buffer.from('secret')),
};
const MS_CHAP_ANSWER: AuthenticationRequest = {
  protocol: 'mschapv2',
  name: ALICE,
  identifier: 42,
  challenge: new Uint8Array(16).fill(0xcc),
  peerChallenge: new Uint8Array(16).fill(0xdd),
  ntResponse: new Uint8Array(24).fill(0xee),
};
const CHAP_RESPONSE = `CHAP Response 40 10${'ab'.repeat(16)}${ascii('alice')}`;

/** LCP as a LAC settles it with a PC behind PPPoE, and what the PC answered to the CHAP challenge. */
const PROXIED: ProxiedLink = {
  lastSent: options('1:0578 3:c22305 5:11111111'),
  lastReceived: options('1:05d4 5:22222222'),
  request: CHAP_ANSWER,
  challengeAgain: false,
};
const PROXIED_PAP: ProxiedLink = {
  ...PROXIED,
  lastSent: options('1:0578 3:c023 5:11111111'),
  request: PAP_ANSWER,
};
/** MS-CHAPv2 has no Proxy Authen Type: type 4, "No Authentication", comes with it. */
const PROXIED_MS_CHAP: ProxiedLink = {
  ...PROXIED,
  lastSent: options('1:0578 3:c22381 5:11111111'),
  request: undefined,
};
const LNS = lns(['mschapv2', 'chap-md5', 'pap']);

/** A link that has taken what was handed over. */
function taken(proxied: Partial<ProxiedLink> = {}, config: PppLinkConfig = LNS): Driver {
  const driver = new Driver(config);
  assert.equal(driver.link.startProxied({ ...PROXIED, ...proxied }, 0), undefined);
  return driver;
}

/** The same with the answer of the user table. */
function answered(proxied: Partial<ProxiedLink> = {}, config: PppLinkConfig = LNS): Driver {
  const driver = taken(proxied, config);
  driver.events();
  driver.link.answerAuthentication({ accepted: true, message: 'hi' }, 0);
  return driver;
}

// LCP.

test('RFC 2661 4.4.5: the last CONFREQs are the agreement: LCP is up, and nothing is sent', () => {
  const driver = taken({ lastReceived: options('1:05d4 5:22222222 7: 8:') });
  assert.deepEqual(find(driver.events(), 'lcp-up'), {
    type: 'lcp-up',
    localMru_bytes: 1400,
    peerMru_bytes: 1492,
    transmitAcfc: true,
    transmitPfc: true,
    authentication: 'chap-md5',
  });
  assert.deepEqual(driver.sent(), []);
  assert.equal(driver.link.phase, 'authenticate');
});

test('options that neither end asked for have the values of RFC 1661 section 6', () => {
  const driver = taken(
    { lastSent: options(''), lastReceived: options(''), request: undefined },
    { ...LNS_OPEN, mru_bytes: 1500 },
  );
  assert.deepEqual(driver.events(), [
    { type: 'lcp-up', localMru_bytes: 1500, peerMru_bytes: 1500, transmitAcfc: false, transmitPfc: false },
    { type: 'network-request' },
  ]);
});

test('compression that the LAC asked for allows the peer to compress, not us', () => {
  const { transmitAcfc, transmitPfc } = find(
    taken({ lastSent: options('1:0578 2:000a0000 3:c22305 7: 8:') }).events(),
    'lcp-up',
  );
  assert.deepEqual([transmitAcfc, transmitPfc], [false, false]);
});

test('no message event tells of a packet that was not sent or received here', () => {
  const driver = taken();
  const types: string[] = [];
  for (let event = driver.link.pollEvent(); event !== undefined; event = driver.link.pollEvent()) {
    types.push(event.type);
  }
  assert.deepEqual(types, ['lcp-up', 'authentication-request']);
});

test("RFC 1661 5.8: Echo-Replies have the LAC's magic number, which the peer knows as this end's", () => {
  const driver = taken().receive('LCP Echo-Request 7 22222222');
  assert.deepEqual(driver.sent(), ['LCP Echo-Reply 7 11111111']);
});

test("RFC 1661 6.4: an Echo-Request with the LAC's magic number is our own that comes back", () => {
  const driver = taken().receive('LCP Echo-Request 7 11111111').wait(6000);
  assert.equal(find(driver.events(), 'down').reason, 'loopback');
});

test('Echo-Requests go out as on any link', () => {
  const driver = answered({}, lns(['chap-md5'], { echoInterval_ms: 10_000 }));
  driver.sent();
  driver.wait(10_000);
  assert.deepEqual(
    driver.sent().filter((one) => one.startsWith('LCP')),
    ['LCP Echo-Request 1 11111111'],
  );
});

test('RFC 1661 3.4: a peer that renegotiates LCP is asked for what it took from the LAC, and who it is', () => {
  const driver = answered();
  driver.events();
  driver.sent();
  driver.receive('LCP Configure-Request 9 5:33333333');
  assert.deepEqual(driver.sent(), [
    'LCP Configure-Request 1 1:0578 3:c22305 5:11111111',
    'LCP Configure-Ack 9 5:33333333',
  ]);
  driver.receive('LCP Configure-Ack 1 1:0578 3:c22305 5:11111111');
  assert.equal(find(driver.events(), 'lcp-up').peerMru_bytes, 1500);
  assert.match(driver.sent()[0], /^CHAP Challenge 41 /);
  driver.receive(`CHAP Response 41 10${'cd'.repeat(16)}${ascii('alice')}`);
  assert.deepEqual(driver.eventTypes(), ['authentication-request']);
});

test('in a renegotiation the peer may still choose another of the protocols that are allowed', () => {
  const driver = answered();
  driver.receive('LCP Configure-Request 9 5:33333333', 'LCP Configure-Nak 1 3:c023');
  assert.equal(driver.sent().at(-1), 'LCP Configure-Request 2 1:0578 3:c023 5:11111111');
});

test('a renegotiation that nobody answers ends the link: Max-Configure counts from the first', () => {
  const driver = answered().receive('LCP Configure-Request 9 5:33333333').wait(40_000);
  assert.equal(find(driver.events(), 'down').reason, 'lcp-timeout');
  assert.equal(driver.sent().filter((one) => one.startsWith('LCP Configure-Request')).length, 10);
});

test('xl2tpd, pppd: LCP that comes before the ICCN is answered as a renegotiation', () => {
  const driver = new Driver(LNS).receive('LCP Configure-Request 9 5:33333333');
  assert.equal(driver.link.startProxied(PROXIED, 0), undefined);
  assert.deepEqual(driver.sent(), [
    'LCP Configure-Request 1 1:0578 3:c22305 5:11111111',
    'LCP Configure-Ack 9 5:33333333',
  ]);
});

// Authentication.

test('Proxy Authen Type 2, CHAP: what the LAC was answered is the question, and Success goes to the peer', () => {
  const driver = taken();
  assert.deepEqual(find(driver.events(), 'authentication-request').request, CHAP_ANSWER);
  driver.link.answerAuthentication({ accepted: true, message: 'hi' }, 0);
  assert.deepEqual(driver.sent(), [`CHAP Success 40 ${ascii('hi')}`]);
  assert.deepEqual(driver.events(), [
    { type: 'authenticated', name: ALICE, message: 'hi' },
    { type: 'network-request' },
  ]);
});

test('Proxy Authen Type 3, PAP: the Ack has the identifier of the Authenticate-Request', () => {
  const driver = taken(PROXIED_PAP);
  assert.deepEqual(find(driver.events(), 'authentication-request').request, PAP_ANSWER);
  driver.link.answerAuthentication({ accepted: true, message: 'hi' }, 0);
  assert.deepEqual(driver.sent(), [`PAP Authenticate-Ack 41 02${ascii('hi')}`]);
  driver.link.answerNetwork(ADDRESSES, 0);
  assert.match(driver.sent()[0], /^IPCP Configure-Request/);
});

test('a LAC that hands an MS-CHAPv2 response over all the same: Success proves that the password is known', () => {
  const driver = taken({ ...PROXIED_MS_CHAP, request: MS_CHAP_ANSWER });
  const authenticatorResponse = 'S=407A5589115FD0D6209F510FE9C04566932CDA56';
  driver.link.answerAuthentication({ accepted: true, authenticatorResponse }, 0);
  assert.match(driver.sent()[0], new RegExp(`^CHAP Success 42 ${ascii(authenticatorResponse)}`));
});

test('Proxy Authen Type 4: MS-CHAPv2 is not handed over, so the peer is challenged here', () => {
  const driver = taken(PROXIED_MS_CHAP);
  assert.deepEqual(driver.eventTypes(), ['lcp-up']);
  assert.deepEqual(driver.sent(), [`CHAP Challenge 3 10${'06'.repeat(16)}${ascii('lns')}`]);
});

test('Proxy Authen Type 4 with PAP: the Authenticate-Request that the peer sends again is the question', () => {
  const driver = taken({ ...PROXIED_PAP, request: undefined });
  driver.events();
  driver.receive('PAP Authenticate-Request 9 0161016b');
  assert.deepEqual(driver.eventTypes(), ['authentication-request']);
});

test('refused by CHAP: Failure with the identifier that the peer knows, then the link ends', () => {
  const driver = taken();
  driver.events();
  driver.link.answerAuthentication({ accepted: false, message: 'no' }, 0);
  assert.deepEqual(driver.sent(), [`CHAP Failure 40 ${ascii('no')}`, `LCP Terminate-Request 1 ${ascii('no')}`]);
  driver.receive('LCP Terminate-Ack 1');
  assert.deepEqual(driver.events(), [{ type: 'down', reason: 'authentication-failed', message: 'no' }]);
});

test('refused by PAP: Nak with the identifier that the peer knows, then the link ends', () => {
  const driver = taken(PROXIED_PAP);
  driver.link.answerAuthentication({ accepted: false, message: 'no' }, 0);
  assert.equal(driver.sent()[0], `PAP Authenticate-Nak 41 02${ascii('no')}`);
  driver.wait(6000);
  assert.equal(find(driver.events(), 'down').reason, 'authentication-failed');
});

test('RFC 1994 4.1: the Response to the LAC, sent again, is no second question, before the answer and after it', () => {
  const driver = taken().receive(CHAP_RESPONSE);
  assert.deepEqual(driver.eventTypes(), ['lcp-up', 'authentication-request']);
  driver.link.answerAuthentication({ accepted: true, message: 'hi' }, 0);
  driver.events();
  driver.receive(CHAP_RESPONSE, `CHAP Response 40 10${'cd'.repeat(16)}${ascii('mallory')}`);
  assert.deepEqual(driver.sent(), Array(3).fill(`CHAP Success 40 ${ascii('hi')}`));
  assert.deepEqual(driver.events(), []);
});

test('RFC 1334 2.2.1: the Authenticate-Request to the LAC, sent again, has the same reply', () => {
  const driver = answered(PROXIED_PAP);
  driver.events();
  driver.receive('PAP Authenticate-Request 43 0161016b');
  assert.deepEqual(driver.sent(), [
    `PAP Authenticate-Ack 41 02${ascii('hi')}`,
    `PAP Authenticate-Ack 43 02${ascii('hi')}`,
  ]);
  assert.deepEqual(driver.events(), []);
});

test('an answer that does not come in time ends the link', () => {
  const driver = taken().wait(66_000);
  assert.equal(find(driver.events(), 'down').reason, 'authentication-timeout');
});

test('RFC 1994 4.1: repeated challenges go on from the identifier of the LAC', () => {
  const config = lns(['chap-md5']);
  config.authenticator = { protocols: ['chap-md5'], name: 'lns', rechallengeInterval_ms: 60_000 };
  const driver = answered({}, config);
  driver.sent();
  driver.wait(60_000);
  assert.match(driver.sent()[0], /^CHAP Challenge 41 /);
});

// The second challenge.

test('Huawei, mandatory second CHAP: the first acceptance is silent, a challenge with the next identifier follows', () => {
  const driver = taken({ challengeAgain: true });
  driver.events();
  driver.link.answerAuthentication({ accepted: true, message: 'hi' }, 0);
  assert.deepEqual(driver.sent(), [`CHAP Challenge 41 10${'06'.repeat(16)}${ascii('lns')}`]);
  assert.deepEqual(driver.events(), []);
  driver.receive(`CHAP Response 41 10${'cd'.repeat(16)}${ascii('alice')}`);
  assert.deepEqual(driver.events(), [
    {
      type: 'authentication-request',
      request: {
        protocol: 'chap-md5',
        name: ALICE,
        identifier: 41,
        challenge: new Uint8Array(16).fill(6),
        response: new Uint8Array(16).fill(0xcd),
      },
    },
  ]);
  driver.link.answerAuthentication({ accepted: true, message: 'hi again' }, 0);
  assert.deepEqual(driver.sent(), [`CHAP Success 41 ${ascii('hi again')}`]);
  assert.deepEqual(driver.events(), [
    { type: 'authenticated', name: ALICE, message: 'hi again' },
    { type: 'network-request' },
  ]);
});

test('Huawei, trust the proxy data: the peer is asked nothing more', () => {
  const driver = answered();
  assert.deepEqual(driver.sent(), [`CHAP Success 40 ${ascii('hi')}`]);
  driver.wait(30_000);
  assert.deepEqual(driver.sent(), []);
});

test('Huawei, LCP renegotiation: start() leaves the proxy data alone', () => {
  assert.match(new Driver(LNS).start().sent()[0], /^LCP Configure-Request 1 /);
});

test('Huawei: a client replays its cached answer: the Response to the LAC does not count for the second challenge', () => {
  const driver = answered({ challengeAgain: true }).receive(CHAP_RESPONSE);
  assert.deepEqual(driver.events(), []);
  driver.receive(`CHAP Response 41 10${'cd'.repeat(16)}${ascii('alice')}`);
  assert.deepEqual(driver.eventTypes(), ['authentication-request']);
});

test('the identifier after 255 is 0', () => {
  const driver = answered({ challengeAgain: true, request: { ...CHAP_ANSWER, identifier: 255 } });
  assert.match(driver.sent()[0], /^CHAP Challenge 0 /);
});

test('some clients cannot authenticate twice: without a second Response the link ends', () => {
  const driver = answered({ challengeAgain: true }).wait(40_000);
  assert.equal(find(driver.events(), 'down').reason, 'authentication-timeout');
});

test('whoever answers the second challenge must be who answered the first', () => {
  const driver = answered({ challengeAgain: true });
  driver.receive(`CHAP Response 41 10${'cd'.repeat(16)}${ascii('mallory')}`);
  assert.match(driver.sent()[1], /^CHAP Failure 41 /);
  driver.wait(6000);
  assert.equal(find(driver.events(), 'down').reason, 'authentication-failed');
});

test('a refusal of the first answer needs no second challenge', () => {
  const driver = taken({ challengeAgain: true });
  driver.link.answerAuthentication({ accepted: false, message: 'no' }, 0);
  assert.equal(driver.sent()[0], `CHAP Failure 40 ${ascii('no')}`);
});

test('without a handed-over answer the challenge is the only one', () => {
  const driver = taken({ ...PROXIED_MS_CHAP, challengeAgain: true });
  driver.sent();
  driver.receive(`CHAP Response 3 31${'dd'.repeat(16)}${'00'.repeat(8)}${'ee'.repeat(24)}00${ascii('alice')}`);
  driver.link.answerAuthentication({ accepted: true, authenticatorResponse: `S=${'0'.repeat(40)}` }, 0);
  assert.match(driver.sent()[0], /^CHAP Success 3 /);
});

// Refusals.

const REFUSED: readonly [string, Partial<ProxiedLink>, RegExp, PppLinkConfig?][] = [
  ['BT: the proxied MRU is wrong', { lastSent: options('1:05d4 3:c22305') }, /MRU of 1492, above 1400/],
  ['no MRU means 1500 octets', { lastSent: options('3:c22305') }, /MRU of 1500, above 1400/],
  ['our MRU has no room for anything', { lastSent: options('1:007f 3:c22305') }, /MRU of 127/],
  ["the peer's MRU has no room for anything", { lastReceived: options('1:007f') }, /MRU of 127/],
  ['an option that ends too late', { lastSent: fromHex('01080578') }, /sent CONFREQ/],
  ['an option of one octet', { lastReceived: fromHex('0501') }, /received CONFREQ/],
  ['an option of a wrong length', { lastReceived: options('1:0005d4') }, /received CONFREQ/],
  ['an option twice', { lastReceived: options('5:22222222 5:22222223') }, /comes twice/],
  ['multilink', { lastReceived: options('17:05dc') }, /option 17 is not supported/],
  ['an unknown option', { lastSent: options('1:0578 3:c22305 99:00') }, /option 99 is not supported/],
  ['an authentication protocol that is unknown', { lastSent: options('1:0578 3:c227') }, /option 3/],
  ['MS-CHAPv1', { lastSent: options('1:0578 3:c22380') }, /option 3/],
  ['no authentication, though it is demanded', { lastSent: options('1:0578') }, /not demanded authentication/],
  ['an authentication that is not allowed', PROXIED_PAP, /demanded pap/, lns(['chap-md5'])],
  ['authentication where nobody is asked', {}, /demanded chap-md5/, LNS_OPEN],
  ['the peer demands that we authenticate ourselves', { lastReceived: options('3:c22305') }, /ourselves by chap-md5/],
  ['equal magic numbers', { lastReceived: options('5:11111111') }, /same magic number/],
  ['a magic number of zero', { lastReceived: options('5:00000000') }, /zero/],
  ['an answer by another protocol', { request: PAP_ANSWER }, /answered by pap, not by chap-md5/],
  [
    'an answer to nothing',
    { lastSent: options('1:0578 5:11111111') },
    /answered by chap-md5, not by nothing/,
    LNS_OPEN,
  ],
  ['a response of a wrong length', { request: { ...CHAP_ANSWER, response: new Uint8Array(15) } }, /wrong length/],
  ['an empty challenge', { request: { ...CHAP_ANSWER, challenge: new Uint8Array(0) } }, /challenge is empty/],
  ['an ID of two octets', { request: { ...CHAP_ANSWER, identifier: 256 } }, /ID of 256/],
  [
    'an MS-CHAPv2 response of a wrong length',
    { ...PROXIED_MS_CHAP, request: { ...MS_CHAP_ANSWER, ntResponse: new Uint8Array(23) } },
    /wrong length/,
  ],
  ['PAP where a second CHAP is wanted', { ...PROXIED_PAP, challengeAgain: true }, /second CHAP/],
];

for (const [what, proxied, words, config = LNS] of REFUSED) {
  test(`refused without a trace, so that LCP can begin anew: ${what}`, () => {
    const driver = new Driver(config);
    assert.match(driver.link.startProxied({ ...PROXIED, ...proxied }, 0) ?? '', words);
    assert.equal(driver.link.phase, 'dead');
    assert.equal(driver.link.pollTimeout(), undefined);
    assert.deepEqual([driver.sent(), driver.events()], [[], []]);
    assert.deepEqual(driver.start().sent(), new Driver(config).start().sent());
  });
}

test('what we would authenticate ourselves by is taken from the peer', () => {
  const config: PppLinkConfig = { ...LNS, peer: { name: 'lns', password: 'secret', allow: ['chap-md5'] } };
  const driver = taken({ lastReceived: options('3:c22305') }, config);
  driver.receive(`CHAP Challenge 5 10${'77'.repeat(16)}${ascii('pc')}`);
  assert.match(driver.sent()[0], /^CHAP Response 5 10/);
});

test('a link starts once, in whichever way', () => {
  assert.throws(() => taken().start(), /started before/);
  assert.throws(() => new Driver(CLIENT).start().link.startProxied(PROXIED, 0), /started before/);
});

test('a link that was closed before its start sends nothing', () => {
  const driver = new Driver(LNS);
  driver.link.close('gone', 0);
  assert.equal(driver.link.startProxied(PROXIED, 0), undefined);
  assert.deepEqual(driver.sent(), []);
  assert.deepEqual(driver.eventTypes(), ['down']);
});

// Whatever a LAC says.

const anyOctets = fc.uint8Array({ maxLength: 40 });
const anyOptions = fc.oneof(
  fc
    .uniqueArray(
      fc.constantFrom('1:0578', '1:05d4', '2:00000000', '3:c22305', '3:c023', '5:11111111', '5:22222222', '7:', '8:'),
      { maxLength: 6 },
    )
    .map((list) => options(list.join(' '))),
  fc
    .array(fc.tuple(fc.constantFrom(1, 2, 3, 5, 7, 8, 17, 99), fc.uint8Array({ maxLength: 5 })), { maxLength: 5 })
    .map((list) => Uint8Array.from(list.flatMap(([type, data]) => [type, data.length + 2, ...data]))),
  anyOctets,
);
const anyRequest = fc.oneof(
  fc.constantFrom(undefined, CHAP_ANSWER, PAP_ANSWER, MS_CHAP_ANSWER),
  fc.record({
    protocol: fc.constant('chap-md5' as const),
    name: anyOctets,
    identifier: fc.nat(300),
    challenge: anyOctets,
    response: anyOctets,
  }),
  fc.record({ protocol: fc.constant('pap' as const), name: anyOctets, identifier: fc.nat(300), password: anyOctets }),
);
const anyProxied: fc.Arbitrary<ProxiedLink> = fc.record({
  lastSent: anyOptions,
  lastReceived: anyOptions,
  request: anyRequest,
  challengeAgain: fc.boolean(),
});
const anyFrame = fc.constantFrom(
  CHAP_RESPONSE,
  `CHAP Response 41 10${'cd'.repeat(16)}${ascii('alice')}`,
  'PAP Authenticate-Request 9 0161016b',
  'LCP Configure-Request 9 5:33333333',
  'LCP Echo-Request 7 22222222',
  'LCP Terminate-Request 8',
  'IPCP Configure-Request 1 3:00000000',
);

/** Nobody gets to the network phase without each question about him having been answered by yes. */
function play(proxied: ProxiedLink, script: readonly (string | boolean)[], seed: number): void {
  const link = new PppLink(LNS, seededBytes(seededRandom(seed)));
  let now_ms = 0;
  let asked = 0;
  let accepted = 0;
  const refusal = link.startProxied(proxied, now_ms);
  if (refusal !== undefined) link.start(now_ms);
  for (const one of script) {
    for (let event = link.pollEvent(); event !== undefined; event = link.pollEvent()) {
      if (event.type === 'lcp-up') accepted = 0;
      if (event.type === 'authentication-request') asked++;
      if (event.type === 'network-request') {
        assert.ok(accepted > 0, 'the network phase without an authentication');
      }
    }
    while (link.pollTransmit() !== undefined);
    if (typeof one === 'string') {
      const { protocol, information } = frame(one);
      link.handleFrame(protocol, information, now_ms);
    } else if (asked > 0) {
      asked--;
      if (one) accepted++;
      link.answerAuthentication({ accepted: one, authenticatorResponse: `S=${'0'.repeat(40)}` }, now_ms);
    }
    now_ms += 500;
    link.handleTimeout(now_ms);
  }
}

test('whatever is handed over, and whatever the peer sends then, nothing throws and nobody is let in unasked', () => {
  fc.assert(
    fc.property(
      anyProxied,
      fc.array(fc.oneof(anyFrame, fc.boolean()), { maxLength: 20 }),
      fc.nat(),
      (proxied, script, seed) => play(proxied, script, seed),
    ),
    { numRuns: 1000 },
  );
});
