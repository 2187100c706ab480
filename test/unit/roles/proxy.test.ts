/** What a LAC hands over to the LNS: RFC 2661 section 4.4.5, at both ends. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AuthenticationRequest } from '../../../firmware/protocol/ppp/link.js';
import { hasNoAccm, LcpRecord, proxyAuthenticationAvps, readProxy } from '../../../firmware/roles/proxy.js';
import type { AvpValues } from '../../../firmware/wire/avp.js';
import { octets } from '../../../firmware/wire/bytes.js';

/** LCP packets: code, identifier, length, options; the frame may have padding behind them (RFC 1661 section 5). */
const packet = (code: number, options: readonly number[], padding: readonly number[] = []) =>
  Uint8Array.of(code, 1, 0, 4 + options.length, ...options, ...padding);
const CONFIGURE_REQUEST = 1;
const CONFIGURE_ACK = 2;
const MRU_1492 = [1, 4, 0x05, 0xd4];
const MRU_1400 = [1, 4, 0x05, 0x78];
const MAGIC = [5, 6, 1, 2, 3, 4];
const CHAP_MD5 = [3, 5, 0xc2, 0x23, 5];

const CHAP: AuthenticationRequest = {
  protocol: 'chap-md5',
  name: octets('alice@example'),
  identifier: 7,
  challenge: new Uint8Array(16).fill(1),
  response: new Uint8Array(16).fill(2),
};
const PAP: AuthenticationRequest = {
  protocol: 'pap',
  name: octets('alice'),
  identifier: 9,
  password: octets('secret'),
};

test('4.4.5: the three CONFREQ AVPs are the options of the first and last one received and of the last one sent', () => {
  const record = new LcpRecord();
  record.note('sent', packet(CONFIGURE_REQUEST, [...MRU_1492, ...CHAP_MD5]));
  record.note('received', packet(CONFIGURE_REQUEST, [...MRU_1492, ...MAGIC], [0, 0]));
  record.note('sent', packet(CONFIGURE_ACK, MRU_1492));
  record.note('sent', packet(CONFIGURE_REQUEST, CHAP_MD5));
  record.note('received', packet(CONFIGURE_ACK, CHAP_MD5));
  record.note('received', packet(CONFIGURE_REQUEST, MAGIC));
  assert.deepEqual(record.avps(), {
    initialReceivedLcpConfReq: Uint8Array.from([...MRU_1492, ...MAGIC]),
    lastSentLcpConfReq: Uint8Array.from(CHAP_MD5),
    lastReceivedLcpConfReq: Uint8Array.from(MAGIC),
  });
});

test('4.4.5: CHAP is type 2 with name, challenge, identifier and response; PAP type 3 with its identifier and password', () => {
  assert.deepEqual(proxyAuthenticationAvps(CHAP), {
    proxyAuthenType: 2,
    proxyAuthenName: CHAP.name,
    proxyAuthenChallenge: new Uint8Array(16).fill(1),
    proxyAuthenId: 7,
    proxyAuthenResponse: new Uint8Array(16).fill(2),
  });
  assert.deepEqual(proxyAuthenticationAvps(PAP), {
    proxyAuthenType: 3,
    proxyAuthenName: PAP.name,
    proxyAuthenId: 9,
    proxyAuthenResponse: octets('secret'),
  });
});

test('4.4.5: MS-CHAPv2 has no type: type 4, no authentication, and nothing else', () => {
  const request: AuthenticationRequest = {
    protocol: 'mschapv2',
    name: octets('alice'),
    identifier: 1,
    challenge: new Uint8Array(16),
    peerChallenge: new Uint8Array(16),
    ntResponse: new Uint8Array(24),
  };
  assert.deepEqual(proxyAuthenticationAvps(request), { proxyAuthenType: 4 });
});

const LCP: AvpValues = {
  lastSentLcpConfReq: Uint8Array.from([...MRU_1400, ...CHAP_MD5]),
  lastReceivedLcpConfReq: Uint8Array.from(MAGIC),
};

test('RFC 2516 section 7: neither CONFREQ has an ACCM, so the line has none; one of them does, or is not told: nothing is known', () => {
  const accm = Uint8Array.of(...MRU_1400, 2, 6, 0, 0, 0, 0);
  const table: [AvpValues, boolean][] = [
    [{ initialReceivedLcpConfReq: Uint8Array.from(MAGIC), lastSentLcpConfReq: Uint8Array.from(MRU_1400) }, true],
    [{ initialReceivedLcpConfReq: new Uint8Array(0), lastSentLcpConfReq: new Uint8Array(0) }, true],
    [{ initialReceivedLcpConfReq: accm, lastSentLcpConfReq: Uint8Array.from(MRU_1400) }, false],
    [{ initialReceivedLcpConfReq: Uint8Array.from(MAGIC), lastSentLcpConfReq: accm }, false],
    [{ initialReceivedLcpConfReq: Uint8Array.from(MAGIC) }, false],
    [{ lastSentLcpConfReq: Uint8Array.from(MRU_1400) }, false],
    [{}, false],
    [{ initialReceivedLcpConfReq: Uint8Array.of(1, 0, 2), lastSentLcpConfReq: Uint8Array.of(1) }, true],
  ];
  for (const [avps, expected] of table) assert.equal(hasNoAccm(avps), expected, JSON.stringify(avps));
});

test('what one end hands over is what the other takes', () => {
  for (const request of [CHAP, PAP]) {
    assert.deepEqual(readProxy({ ...LCP, ...proxyAuthenticationAvps(request) }), {
      given: true,
      proxied: { lastSent: LCP.lastSentLcpConfReq, lastReceived: LCP.lastReceivedLcpConfReq, request },
    });
  }
});

test('without LCP nothing is handed over, whatever else is there; LCP alone, or with type 4, leaves the user to be asked', () => {
  assert.deepEqual(readProxy(proxyAuthenticationAvps(CHAP)), { given: false });
  for (const avps of [LCP, { ...LCP, proxyAuthenType: 4 }]) {
    const given = readProxy(avps);
    assert.ok(given.given && 'proxied' in given);
    assert.equal(given.proxied.request, undefined);
  }
});

test('AVPs that contradict each other are a problem in words, not a call', () => {
  const chap = { ...LCP, ...proxyAuthenticationAvps(CHAP) };
  const table: [AvpValues, RegExp][] = [
    [{ ...chap, lastSentLcpConfReq: undefined }, /only one/],
    [{ ...chap, lastReceivedLcpConfReq: undefined }, /only one/],
    [{ ...chap, proxyAuthenName: undefined }, /without name or challenge/],
    [{ ...chap, proxyAuthenChallenge: undefined }, /without name or challenge/],
    [{ ...chap, proxyAuthenResponse: undefined }, /not 16 octets/],
    [{ ...chap, proxyAuthenResponse: new Uint8Array(15) }, /not 16 octets/],
    [{ ...LCP, ...proxyAuthenticationAvps(PAP), proxyAuthenResponse: undefined }, /without name or password/],
    [{ ...chap, proxyAuthenType: 1 }, /type 1 is not known/],
    [{ ...chap, proxyAuthenType: 5 }, /type 5 is not known/],
    [{ ...chap, proxyAuthenType: 0 }, /type 0 is not known/],
  ];
  for (const [avps, reason] of table) {
    const given = readProxy(avps);
    assert.ok(given.given && 'problem' in given, JSON.stringify(given));
    assert.match(given.problem, reason);
  }
});
