/** Packets of PAP (RFC 1334), CHAP (RFC 1994) and MS-CHAPv2 (RFC 2759). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  emitChapMessage,
  emitChapValue,
  emitMsChapV2Failure,
  emitMsChapV2Response,
  emitMsChapV2Success,
  emitPapMessage,
  emitPapRequest,
  parseChapMessage,
  parseChapValue,
  parseMsChapV2Failure,
  parseMsChapV2Response,
  parseMsChapV2Success,
  parsePapMessage,
  parsePapRequest,
} from '../../../firmware/wire/authentication.js';
import { ProtocolError } from '../../../firmware/wire/bytes.js';
import { ascii, fromHex, toHex } from '../../vectors/vectors.js';

const DIGITS = '407A5589115FD0D6209F510FE9C04566932CDA56';

test('RFC 1334 2.2.1: Authenticate-Request is name and password, each behind its length', () => {
  const request = { peerId: ascii('nemo'), password: ascii('pw') };
  assert.equal(toHex(emitPapRequest(request)), toHex(fromHex('04 6e656d6f 02 7077')));
  assert.deepEqual(parsePapRequest(fromHex('04 6e656d6f 02 7077')), request);
  const empty = { peerId: new Uint8Array(0), password: new Uint8Array(0) };
  assert.deepEqual(parsePapRequest(fromHex('0000')), empty);
});

for (const data of ['', '04', '05 6e656d6f', '04 6e656d6f', '04 6e656d6f 03 7077', 'ff 00']) {
  test(`RFC 1334 2.2.1: an Authenticate-Request of ${data || 'nothing'} has lengths that lie: ProtocolError`, () => {
    assert.throws(() => parsePapRequest(fromHex(data)), ProtocolError);
  });
}

test('RFC 1334 2.2.1: a name of 255 octets is written, one of 256 cannot be', () => {
  assert.equal(emitPapRequest({ peerId: new Uint8Array(255), password: new Uint8Array(255) }).length, 512);
  assert.throws(() => emitPapRequest({ peerId: new Uint8Array(256), password: new Uint8Array(0) }), RangeError);
});

test('RFC 1334 2.2.2: the message of an Ack or Nak stands behind its length', () => {
  assert.equal(toHex(emitPapMessage('ok')), '026f6b');
  assert.equal(parsePapMessage(fromHex('026f6b')), 'ok');
  assert.equal(parsePapMessage(fromHex('00')), '');
  assert.throws(() => parsePapMessage(fromHex('036f6b')), ProtocolError);
  assert.equal(toHex(emitPapMessage('x'.repeat(256))), `ff${'78'.repeat(255)}`);
  assert.equal(toHex(emitPapMessage(`${'x'.repeat(254)}é`)), `fe${'78'.repeat(254)}`);
});

test('pppd of old, Cisco: an Ack without Msg-Length is an Ack without message', () => {
  assert.equal(parsePapMessage(new Uint8Array(0)), '');
});

test('RFC 1994 4.1: Challenge and Response are a value behind its size, then the name to the end', () => {
  const packet = { value: fromHex('0102030405060708'), name: ascii('lns') };
  assert.equal(toHex(emitChapValue(packet)), '0801020304050607086c6e73');
  assert.deepEqual(parseChapValue(fromHex('0801020304050607086c6e73')), packet);
  assert.deepEqual(parseChapValue(fromHex('01aa')), { value: fromHex('aa'), name: new Uint8Array(0) });
});

for (const data of ['', '00', '006c6e73', '02aa', 'ffaa']) {
  test(`RFC 1994 4.1: a Challenge of ${data || 'nothing'} has a size that lies or is 0: ProtocolError`, () => {
    assert.throws(() => parseChapValue(fromHex(data)), ProtocolError);
  });
}

test('RFC 1994 4.1: a value of no or more than 255 octets cannot be written', () => {
  assert.throws(() => emitChapValue({ value: new Uint8Array(0), name: ascii('x') }), RangeError);
  assert.throws(() => emitChapValue({ value: new Uint8Array(256), name: ascii('x') }), RangeError);
});

test('RFC 1994 4.2: the message of Success and Failure is all of the data', () => {
  assert.equal(toHex(emitChapMessage('Grüße')), '4772c3bcc39f65');
  assert.equal(parseChapMessage(fromHex('4772c3bcc39f65')), 'Grüße');
  assert.equal(parseChapMessage(new Uint8Array(0)), '');
});

test('RFC 2759 4: a Response is Peer-Challenge, 8 zeros, NT-Response and flags, 49 octets', () => {
  const bytes = fromHex(`${'11'.repeat(16)} ${'00'.repeat(8)} ${'22'.repeat(24)} 00`);
  const response = {
    peerChallenge: new Uint8Array(16).fill(0x11),
    ntResponse: new Uint8Array(24).fill(0x22),
    flags: 0,
  };
  assert.deepEqual(parseMsChapV2Response(bytes), response);
  assert.equal(toHex(emitMsChapV2Response(response)), toHex(bytes));
});

test('RFC 2759 4: reserved octets of a Response are not looked at; flags are read', () => {
  const bytes = fromHex(`${'11'.repeat(16)} ${'ff'.repeat(8)} ${'22'.repeat(24)} 01`);
  assert.equal(parseMsChapV2Response(bytes).flags, 1);
});

for (const length of [0, 16, 48, 50]) {
  test(`RFC 2759 4: a Response of ${length} octets is a ProtocolError`, () => {
    assert.throws(() => parseMsChapV2Response(new Uint8Array(length)), ProtocolError);
  });
}

test('RFC 2759 5: Success is S= with 40 digits and M= with a text', () => {
  const success = { authenticatorResponse: `S=${DIGITS}`, message: 'Welcome = here' };
  assert.equal(Buffer.from(emitMsChapV2Success(success)).toString(), `S=${DIGITS} M=Welcome = here`);
  assert.deepEqual(parseMsChapV2Success(ascii(`S=${DIGITS} M=Welcome = here`)), success);
});

test('RFC 2759 5: a Success without M= is read; digits in lower case become upper', () => {
  assert.deepEqual(parseMsChapV2Success(ascii(`S=${DIGITS.toLowerCase()}`)), {
    authenticatorResponse: `S=${DIGITS}`,
    message: '',
  });
});

for (const text of ['', 'M=hello', `S=${DIGITS.slice(1)}`, `S=${DIGITS.slice(1)}G M=x`, ` S=${DIGITS}`]) {
  test(`RFC 2759 5: a Success "${text}" has no authenticator response: ProtocolError`, () => {
    assert.throws(() => parseMsChapV2Success(ascii(text)), ProtocolError);
  });
}

test('RFC 2759 6: Failure is E=, R=, C=, V=3 and M=', () => {
  const challenge = fromHex('00112233445566778899aabbccddeeff');
  const failure = { errorCode: 691, retryAllowed: true, challenge, message: 'No. C=1 R=0 M=x' };
  const text = 'E=691 R=1 C=00112233445566778899AABBCCDDEEFF V=3 M=No. C=1 R=0 M=x';
  assert.equal(Buffer.from(emitMsChapV2Failure(failure)).toString(), text);
  assert.deepEqual(parseMsChapV2Failure(ascii(text)), failure);
});

test('RFC 2433 B.1: a Failure without challenge, version or text is read', () => {
  assert.deepEqual(parseMsChapV2Failure(ascii('E=648 R=0 V=2')), { errorCode: 648, retryAllowed: false, message: '' });
  assert.deepEqual(parseMsChapV2Failure(ascii('E=691')), { errorCode: 691, retryAllowed: false, message: '' });
});

for (const text of ['', 'R=1 E=691', 'E=', 'E=x', 'Authentication failed']) {
  test(`RFC 2759 6: a Failure "${text}" has no error code: ProtocolError`, () => {
    assert.throws(() => parseMsChapV2Failure(ascii(text)), ProtocolError);
  });
}
