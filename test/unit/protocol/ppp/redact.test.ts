/** What a trace may show of a PPP control packet: no PAP password (RFC 1334 section 2.2.1), wherever it stands. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { redactPppPacket } from '../../../../firmware/protocol/ppp/redact.js';
import { toHex } from '../../../vectors/vectors.js';
import { ascii, frame, line } from './notation.js';

function redacted(text: string): string {
  const { protocol, information } = frame(text);
  return line({ protocol, information: redactPppPacket(protocol, information) });
}

const PAP = `PAP Authenticate-Request 9 05${ascii('alice')}06${ascii('secret')}`;

test('a PAP request keeps its name and loses its password, length included', () => {
  assert.equal(redacted(PAP), `PAP Authenticate-Request 9 05${ascii('alice')}00`);
});

test('a PAP request whose lengths lie keeps nothing', () => {
  assert.equal(
    redacted(`PAP Authenticate-Request 9 05${ascii('alice')}ff${ascii('secret')}`),
    'PAP Authenticate-Request 9',
  );
});

test('a PAP packet that is no control packet keeps nothing', () => {
  assert.equal(redactPppPacket(0xc023, Uint8Array.of(1, 9, 0, 200, 1, 2, 3)).length, 0);
});

test('a PAP request that a Protocol-Reject brings back loses its password too', () => {
  const information = toHex(frame(PAP).information);
  const inner = toHex(frame(`PAP Authenticate-Request 9 05${ascii('alice')}00`).information);
  assert.equal(redacted(`LCP Protocol-Reject 3 c023${information}`), `LCP Protocol-Reject 3 c023${inner}`);
});

test('everything else is shown as it is', () => {
  for (const text of [
    `PAP Authenticate-Nak 9 02${ascii('no')}`,
    'LCP Configure-Request 1 1:0578 3:c023',
    'LCP Protocol-Reject 3 80fd01010004',
    `CHAP Response 4 10${'ab'.repeat(16)}${ascii('alice')}`,
    'IPCP Configure-Request 1 3:00000000',
  ]) {
    assert.equal(redacted(text), text);
  }
});

test('no octet of a password is left, in whatever packet of PAP it came', () => {
  const PASSWORD = 'Zq7#Zq7#';
  const name = fc.stringMatching(/^[a-y]{0,20}$/);
  fc.assert(
    fc.property(name, fc.integer({ min: 0, max: 255 }), fc.integer({ min: 0, max: 40 }), (peerId, code, cut) => {
      const data = [peerId.length, ...Buffer.from(peerId), PASSWORD.length, ...Buffer.from(PASSWORD)];
      const packet = Uint8Array.of(code, 1, 0, data.length + 4, ...data).subarray(
        0,
        Math.max(0, data.length + 4 - cut),
      );
      if (code === 2 || code === 3) return;
      assert.doesNotMatch(Buffer.from(redactPppPacket(0xc023, packet)).toString('latin1'), /Zq/);
    }),
  );
});
