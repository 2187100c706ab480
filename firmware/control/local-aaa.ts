/**
 * Authentication from the box's own user table: compares what a caller proved with the password on record.
 * Must not fetch the user, nor say which of name and password was wrong.
 */

import { chapMd5, equalBytes } from '../crypto/chap.js';
import { generateAuthenticatorResponse, generateNtResponse, ntPasswordHash } from '../crypto/mschap.js';
import type { AuthenticationAnswer, AuthenticationRequest } from '../protocol/ppp/link.js';
import { octets } from '../wire/bytes.js';

const REFUSED: AuthenticationAnswer = { accepted: false, message: 'Authentication failed' };

/** `password` is undefined when there is no such user, or none that may call. */
export function authenticateLocally(
  request: AuthenticationRequest,
  password: string | undefined,
): AuthenticationAnswer {
  if (password === undefined) return REFUSED;
  switch (request.protocol) {
    case 'pap':
      return equalBytes(request.password, octets(password)) ? { accepted: true } : REFUSED;
    case 'chap-md5': {
      const expected = chapMd5(request.identifier, octets(password), request.challenge);
      return equalBytes(request.response, expected) ? { accepted: true } : REFUSED;
    }
    case 'mschapv2': {
      const { challenge, peerChallenge, ntResponse } = request;
      const userName = request.name;
      if (!equalBytes(ntResponse, generateNtResponse(challenge, peerChallenge, userName, password))) return REFUSED;
      const hash = ntPasswordHash(password);
      return {
        accepted: true,
        authenticatorResponse: generateAuthenticatorResponse(hash, ntResponse, peerChallenge, challenge, userName),
      };
    }
  }
}
