/**
 * The Access-Request of steps 4, 8 and 11: what RADIUS is asked when a user has said who it is (RFC 2865 section 4.1,
 * RFC 2548 section 2.3, RFC 2868 section 3). Pure. Message-Authenticator and the hiding of a password are the client's.
 */
import type { AuthenticationRequest } from '../../protocol/ppp/link.js';
import type { RadiusRequest } from '../../protocol/radius/client-types.js';
import type { CallInfo } from '../../roles/role.js';
import type { Settings } from '../../settings.js';
import { ByteWriter, latin1 } from '../../wire/bytes.js';
import { MAX_ATTRIBUTE_VALUE_BYTES } from '../../wire/radius.js';
import { type RadiusValues, SERVICE_TYPE } from '../../wire/radius-attributes.js';
import { addressFamily } from './address-family.js';
import { endpointValues, FRAMED_PROTOCOL_PPP, fitting, nasValues, portValues, untagged } from './call-attributes.js';

/** RFC 2865 section 5.2. */
const MAX_PASSWORD_BYTES = 128;
/** RFC 2865 section 5.3: what CHAP with MD5 gives. */
const CHAP_RESPONSE_BYTES = 16;
/** RFC 2548 section 2.3.2. */
const MS_CHAP = { challenge_bytes: 16, response_bytes: 24, reserved_bytes: 8, flags: 0 } as const;

/** `refused` says why RADIUS cannot be asked this. */
export type AccessRequest = { request: RadiusRequest } | { refused: string };

export function accessRequest(
  request: AuthenticationRequest,
  call: CallInfo,
  settings: Pick<Settings, 'radius' | 'system'>,
): AccessRequest {
  if (request.name.length === 0) return { refused: 'a user without a name' };
  if (request.name.length > MAX_ATTRIBUTE_VALUE_BYTES) return { refused: 'a user name that RADIUS has no room for' };
  const values: RadiusValues = {
    userName: latin1(request.name),
    serviceType: SERVICE_TYPE.framed,
    framedProtocol: FRAMED_PROTOCOL_PPP,
    acctSessionId: call.accountingId,
    ...nasValues(settings),
    ...portValues(call),
    ...tunnelHints(call),
    ...lineSpeeds(call),
  };
  switch (request.protocol) {
    case 'pap': {
      const { password } = request;
      if (password.length > MAX_PASSWORD_BYTES) return { refused: 'a password that RADIUS has no room for' };
      return { request: { values, password } };
    }
    case 'chap-md5':
      return withProof(values, chapValues(request));
    case 'mschapv2':
      return withProof(values, msChapValues(request));
  }
}

function withProof(values: RadiusValues, proof: RadiusValues | undefined): AccessRequest {
  if (proof === undefined) return { refused: 'a challenge or response of a length that RADIUS has no room for' };
  return { request: { values: { ...values, ...proof } } };
}

type Of<P> = Extract<AuthenticationRequest, { protocol: P }>;

/** CHAP-Password: | CHAP identifier (8) | response (128) |; a proxied challenge may be of any length. */
function chapValues({ identifier, challenge, response }: Of<'chap-md5'>): RadiusValues | undefined {
  const fits = challenge.length > 0 && challenge.length <= MAX_ATTRIBUTE_VALUE_BYTES;
  if (!fits || response.length !== CHAP_RESPONSE_BYTES) return undefined;
  return { chapChallenge: challenge, chapPassword: Uint8Array.of(identifier, ...response) };
}

/** MS-CHAP2-Response: | Ident (8) | Flags (8) | Peer-Challenge (128) | Reserved (64) | Response (192) | */
function msChapValues(request: Of<'mschapv2'>): RadiusValues | undefined {
  const { identifier, challenge, peerChallenge, ntResponse } = request;
  const { challenge_bytes, response_bytes, reserved_bytes, flags } = MS_CHAP;
  if (challenge.length !== challenge_bytes || peerChallenge.length !== challenge_bytes) return undefined;
  if (ntResponse.length !== response_bytes) return undefined;
  const response = new ByteWriter().u8(identifier).u8(flags).bytes(peerChallenge);
  response.bytes(new Uint8Array(reserved_bytes)).bytes(ntResponse);
  return { msChapChallenge: challenge, msChap2Response: response.finish() };
}

/** At the LNS: the tunnel that is in use (RFC 2868 section 3.1), so that a server can refuse calls of this LAC. */
function tunnelHints({ role, path, peerName }: CallInfo): RadiusValues {
  if (role !== 'lns' || addressFamily(path.peerAddress) === 0) return {};
  const name = peerName === '' ? {} : { tunnelClientAuthId: [untagged(fitting(peerName, MAX_TAGGED_BYTES))] };
  return { ...endpointValues('lns', path), ...name };
}

/** Beside the tag. */
const MAX_TAGGED_BYTES = MAX_ATTRIBUTE_VALUE_BYTES - 1;

/** Connect-Info, RFC 2869 section 5.11: what is sent to the user first, as the access node says it, bits a second. */
function lineSpeeds({ pppoe }: CallInfo): RadiusValues {
  const { actualDataRateDownstream_bps: down, actualDataRateUpstream_bps: up } = pppoe?.line ?? {};
  if (down === undefined) return {};
  return { connectInfo: up === undefined ? String(down) : `${down}/${up}` };
}
