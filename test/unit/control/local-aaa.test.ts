import assert from 'node:assert/strict';
import { test } from 'node:test';
import { authenticateLocally } from '../../../firmware/control/local-aaa.js';
import { chapMd5 } from '../../../firmware/crypto/chap.js';
import type { AuthenticationRequest } from '../../../firmware/protocol/ppp/link.js';
import { octets } from '../../../firmware/wire/bytes.js';

const hex = (text: string) => Uint8Array.from(Buffer.from(text.replaceAll(' ', ''), 'hex'));

/** RFC 2759 section 9.2. */
const RFC_2759: AuthenticationRequest = {
  protocol: 'mschapv2',
  name: octets('User'),
  identifier: 1,
  challenge: hex('5B 5D 7C 7D 7B 3F 2F 3E 3C 2C 60 21 32 26 26 28'),
  peerChallenge: hex('21 40 23 24 25 5E 26 2A 28 29 5F 2B 3A 33 7C 7E'),
  ntResponse: hex('82 30 9E CD 8D 70 8B 5E A0 8F AA 39 81 CD 83 54 42 33 11 4A 3D 85 D6 DF'),
};

test('MS-CHAPv2: the RFC 2759 section 9.2 response is accepted, with the authenticator response of the RFC', () => {
  assert.deepEqual(authenticateLocally(RFC_2759, 'clientPass'), {
    accepted: true,
    authenticatorResponse: 'S=407A5589115FD0D6209F510FE9C04566932CDA56',
  });
});

test('MS-CHAPv2: another password is refused', () => {
  assert.equal(authenticateLocally(RFC_2759, 'clientPass2').accepted, false);
});

test('CHAP-MD5: right and wrong response', () => {
  const challenge = hex('00 11 22 33 44 55 66 77');
  const response = chapMd5(9, octets('secret'), challenge);
  const request: AuthenticationRequest = {
    protocol: 'chap-md5',
    name: octets('u'),
    identifier: 9,
    challenge,
    response,
  };

  assert.equal(authenticateLocally(request, 'secret').accepted, true);
  assert.equal(authenticateLocally(request, 'Secret').accepted, false);
  assert.equal(authenticateLocally({ ...request, identifier: 8 }, 'secret').accepted, false);
});

test('PAP: right and wrong password, and one that is the beginning of the right one', () => {
  const request: AuthenticationRequest = {
    protocol: 'pap',
    name: octets('u'),
    identifier: 1,
    password: octets('secret'),
  };

  assert.equal(authenticateLocally(request, 'secret').accepted, true);
  assert.equal(authenticateLocally(request, 'secret!').accepted, false);
  assert.equal(authenticateLocally(request, 'secre').accepted, false);
});

test('a user that is not there gets the same answer as a wrong password', () => {
  assert.deepEqual(authenticateLocally(RFC_2759, undefined), authenticateLocally(RFC_2759, 'wrong'));
});
