/**
 * Whether an LNS can go on from where a LAC says that it has come to with a user (RFC 2661 section 4.4.5): nothing of
 * it has been seen here, so each part is held against what this end would have asked for and agreed to itself.
 * Must not touch a link: what is refused has left no trace.
 */

import { ProtocolError } from '../../wire/bytes.js';
import { type LcpOption, parseLcpOption } from '../../wire/lcp.js';
import { parseOptions } from '../../wire/ppp.js';
import { authenticationOf, type LcpConfig, type LcpRequest, MIN_MRU_BYTES } from './lcp.js';
import { DEFAULT_MRU_BYTES } from './link-outbox.js';
import type { AuthenticationProtocol, AuthenticationRequest, ProxiedLink } from './link-types.js';

/** Both Configure-Requests that stand, as LCP takes them over. */
export interface ProxiedLcp {
  ours: LcpRequest;
  peers: LcpRequest;
}

/** RFC 1994 section 4.1 with MD5; RFC 2759 sections 3 and 4. */
const MD5_BYTES = 16;
const MS_CHALLENGE_BYTES = 16;
const NT_RESPONSE_BYTES = 24;

/** What LCP takes over, or in words why the link cannot be taken over. */
export function judgeProxiedLink(proxied: ProxiedLink, config: LcpConfig): ProxiedLcp | string {
  const ours = readRequest(proxied.lastSent);
  if (typeof ours === 'string') return `last sent CONFREQ: ${ours}`;
  const peers = readRequest(proxied.lastReceived);
  if (typeof peers === 'string') return `last received CONFREQ: ${peers}`;
  const refusal =
    judgeOurs(ours, config) ??
    judgePeers(peers, config) ??
    judgeMagicNumbers(ours, peers) ??
    judgeRequest(proxied, ours.authentication);
  return refusal ?? { ours, peers };
}

/** A text for octets that are no list of options, or hold one that we would neither ask for nor acknowledge. */
function readRequest(octets: Uint8Array): LcpRequest | string {
  const request: LcpRequest = {
    mru_bytes: undefined,
    accm: undefined,
    authentication: undefined,
    magicNumber: undefined,
    pfc: false,
    acfc: false,
  };
  try {
    const types = new Set<number>();
    for (const option of parseOptions(octets)) {
      if (types.has(option.type)) return `option ${option.type} comes twice`;
      types.add(option.type);
      if (!takeOption(request, parseLcpOption(option))) return `option ${option.type} is not supported`;
    }
  } catch (error) {
    if (error instanceof ProtocolError) return error.message;
    throw error;
  }
  return request;
}

/** Any ACCM will do: it means nothing in L2TP (RFC 2661 section 4.4.6, where the LAC hears of it by SLI). */
function takeOption(request: LcpRequest, option: LcpOption): boolean {
  switch (option.name) {
    case 'mru':
      request.mru_bytes = option.mru_bytes;
      return true;
    case 'accm':
      request.accm = option.accm;
      return true;
    case 'authentication':
      request.authentication = authenticationOf(option);
      return request.authentication !== undefined;
    case 'magicNumber':
      request.magicNumber = option.magicNumber;
      return true;
    case 'pfc':
      request.pfc = true;
      return true;
    case 'acfc':
      request.acfc = true;
      return true;
    default:
      return false;
  }
}

/** BT-style LACs ask for an MRU that the way to the LNS has no room for: LCP is then begun anew. */
function judgeOurs(ours: LcpRequest, config: LcpConfig): string | undefined {
  const mru_bytes = ours.mru_bytes ?? DEFAULT_MRU_BYTES;
  if (mru_bytes > config.mru_bytes) return `the LAC has asked for an MRU of ${mru_bytes}, above ${config.mru_bytes}`;
  if (mru_bytes < MIN_MRU_BYTES) return `the LAC has asked for an MRU of ${mru_bytes}`;
  const { authentication } = ours;
  if (authentication === undefined) {
    return config.demand.length === 0 ? undefined : 'the LAC has not demanded authentication';
  }
  return config.demand.includes(authentication) ? undefined : `the LAC has demanded ${authentication}`;
}

function judgePeers(peers: LcpRequest, config: LcpConfig): string | undefined {
  const { mru_bytes = DEFAULT_MRU_BYTES, authentication } = peers;
  if (mru_bytes < MIN_MRU_BYTES) return `the user has asked for an MRU of ${mru_bytes}`;
  if (authentication === undefined || config.allow.includes(authentication)) return undefined;
  return `the user demands that we authenticate ourselves by ${authentication}`;
}

/** RFC 1661 section 6.4: zero is illegal; two equal ones are a loop, or one list that was copied into both AVPs. */
function judgeMagicNumbers(ours: LcpRequest, peers: LcpRequest): string | undefined {
  if (ours.magicNumber === 0 || peers.magicNumber === 0) return 'a magic number is zero';
  if (ours.magicNumber === undefined || ours.magicNumber !== peers.magicNumber) return undefined;
  return 'both ends have the same magic number';
}

function judgeRequest(proxied: ProxiedLink, demanded: AuthenticationProtocol | undefined): string | undefined {
  const { request, challengeAgain } = proxied;
  if (challengeAgain && demanded === 'pap') return 'a second CHAP is wanted, and the LAC has demanded pap';
  if (request === undefined) return undefined;
  if (request.protocol !== demanded)
    return `the user has answered by ${request.protocol}, not by ${demanded ?? 'nothing'}`;
  return judgeResponse(request);
}

/** Lengths that cannot be right; RFC 2661 section 4.4.5: a challenge has one or more octets. */
function judgeResponse(request: AuthenticationRequest): string | undefined {
  if (!Number.isInteger(request.identifier) || request.identifier < 0 || request.identifier > 0xff) {
    return `an authentication ID of ${request.identifier}`;
  }
  if (request.protocol === 'pap') return undefined;
  if (request.challenge.length === 0) return 'the CHAP challenge is empty';
  const isWhole =
    request.protocol === 'chap-md5'
      ? request.response.length === MD5_BYTES
      : request.challenge.length === MS_CHALLENGE_BYTES &&
        request.peerChallenge.length === MS_CHALLENGE_BYTES &&
        request.ntResponse.length === NT_RESPONSE_BYTES;
  return isWhole ? undefined : `a response of ${request.protocol} has a wrong length`;
}
