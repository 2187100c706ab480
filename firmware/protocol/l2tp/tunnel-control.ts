/**
 * What a control connection does: the actions of control-connection.ts's table, tunnel authentication (RFC 2661
 * section 5.1.1), HELLO (5.5) and the end of a tunnel (5.7). Must not look at call messages, nor at packets.
 */
import { equalBytes, tunnelChallengeResponse } from '../../crypto/chap.js';
import { messageDigestType } from '../../crypto/message-digest.js';
import {
  type AvpValues,
  type ControlMessage,
  type DigestType,
  type L2tpVersion,
  MESSAGE_TYPE,
} from '../../wire/avp.js';
import { ERROR_CODE } from '../../wire/bytes.js';
import { checkRequestDigest } from './authentication.js';
import { dropCalls, openWaitingCalls } from './call-control.js';
import {
  CONTROL_CONNECTION_TABLE,
  type ControlConnectionAction,
  type ControlConnectionEvent,
} from './control-connection.js';
import { type EndpointState, pathKey } from './endpoint-state.js';
import type { CloseCause, DisconnectResult, TransportPath, TunnelAnswer } from './events.js';
import { retransmissionCycle_ms } from './reliable-delivery.js';
import { CDN_RESULT, resultCodeAvp, STOP_RESULT } from './result.js';
import type { Tunnel } from './tunnel.js';
import { PROTOCOL_VERSION, rulesOf, VERSION_RULES, versionOnWire } from './version.js';

/** The same as the Error Code of result 5, the highest version supported. */
export const HIGHEST_VERSION = 0x0100;
const CHALLENGE_BYTES = 16;
const NONCE_BYTES = 16;
const NO_SECRET = new Uint8Array(0);
export const TIE_BREAKER_BYTES = 8;

// From our side.

export interface TunnelRequest {
  path: TransportPath;
  /** `auto`: version 3 where the peer knows it, else version 2 (RFC 3931 section 4.7.3); over UDP alone. */
  version: L2tpVersion | 'auto';
  /** Version 2: tunnel authentication; version 3: Control Message Authentication. */
  secret?: Uint8Array;
  /** Of version 3 with a secret; HMAC-SHA-1 where not given. */
  digest?: DigestType;
  hideAvps?: boolean;
  /** Our Host Name AVP in this tunnel; where not given, the configuration's. */
  hostName?: string;
}

export function openTunnel(state: EndpointState, request: TunnelRequest, now_ms: number): Tunnel {
  const { path, version, secret, hideAvps = false, hostName } = request;
  if (path.encapsulation === 'ip' && version !== 3) throw new Error(`version ${version} does not go over IP`);
  const digest = secret === undefined || version === 2 ? undefined : (request.digest ?? 'sha1');
  const tieBreaker = state.random(TIE_BREAKER_BYTES);
  const start = { version, originator: true, path, secret, digest, hideAvps, hostName, tieBreaker, request: undefined };
  const tunnel = state.addTunnel(start, now_ms);
  state.openingTunnels.add(tunnel);
  raise(state, tunnel, 'local-open-request', now_ms);
  return tunnel;
}

/** A call wants the tunnel. */
export function requestOpen(state: EndpointState, tunnel: Tunnel, now_ms: number): void {
  raise(state, tunnel, 'local-open-request', now_ms);
}

/** The answer to the SCCRQ by which the tunnel began. */
export function answerTunnel(state: EndpointState, tunnel: Tunnel, answer: TunnelAnswer, now_ms: number): void {
  if (tunnel.originator || tunnel.state !== 'idle') throw new Error(`no SCCRQ waits for an answer: ${tunnel.state}`);
  const refusal = answer.accepted ? takePolicy(state, tunnel, answer) : answer;
  if (refusal === 'silent') return;
  if (refusal === undefined) raise(state, tunnel, 'receive-sccrq-acceptable', now_ms);
  else raise(state, tunnel, 'receive-sccrq-not-acceptable', now_ms, localCause(refusal));
}

export function closeTunnel(state: EndpointState, tunnel: Tunnel, result: DisconnectResult, now_ms: number): void {
  raise(state, tunnel, 'admin-tunnel-close', now_ms, localCause(result));
}

/**
 * Every tunnel is taken: one whose peer seems not to be there goes at once. Nobody is told, since the address may be
 * that of somebody who never asked.
 */
export function giveWay(state: EndpointState, now_ms: number): void {
  const tunnel = state.tunnelThatGivesWay(now_ms);
  if (tunnel === undefined) return;
  const errorMessage = 'not established when its place was needed';
  end(state, tunnel, {
    by: 'timeout',
    resultCode: STOP_RESULT.generalError,
    errorCode: ERROR_CODE.insufficientResources,
    errorMessage,
  });
  state.forgetTunnel(tunnel);
}

/** Does what is due by now: retransmission, HELLO, giving up, forgetting. */
export function handleTunnelTimeout(state: EndpointState, tunnel: Tunnel, now_ms: number): void {
  if (tunnel.lingerUntil_ms !== undefined && now_ms >= tunnel.lingerUntil_ms) {
    state.forgetTunnel(tunnel);
    return;
  }
  tunnel.delivery.handleTimeout(now_ms);
  if (tunnel.lingerUntil_ms !== undefined) return;
  if (tunnel.delivery.exhausted) {
    const errorMessage = 'the peer acknowledges nothing';
    end(state, tunnel, { by: 'timeout', resultCode: STOP_RESULT.clear, errorMessage });
    state.forgetTunnel(tunnel);
    return;
  }
  if (tunnel.establishBy_ms !== undefined && now_ms >= tunnel.establishBy_ms) {
    const errorMessage = 'the tunnel was not established in time';
    raise(state, tunnel, 'admin-tunnel-close', now_ms, {
      by: 'timeout',
      resultCode: STOP_RESULT.clear,
      errorMessage,
    });
    return;
  }
  const helloDue_ms = state.helloDue_ms(tunnel);
  if (helloDue_ms !== undefined && now_ms >= helloDue_ms) sendHello(state, tunnel, now_ms);
}

/** Asks for a sign of life, unless something is out already that asks for one. */
export function sendHello(state: EndpointState, tunnel: Tunnel, now_ms: number): void {
  if (!tunnel.delivery.idle) return;
  state.send(tunnel, { messageType: 'HELLO', avps: {} }, now_ms, { urgency: 'keepalive' });
}

// From the peer's side.

/** A control connection message that came inside the tunnel. */
export function handleTunnelMessage(
  state: EndpointState,
  tunnel: Tunnel,
  message: ControlMessage,
  now_ms: number,
): void {
  state.noteReceived(tunnel, 0, message);
  const { messageType, avps } = message;
  switch (messageType) {
    case 'SCCRP': {
      const refusal = tunnel.state === 'wait-ctl-reply' ? takeSccrp(tunnel, avps) : outOfPlace(tunnel, messageType);
      if (refusal === undefined) raise(state, tunnel, 'receive-sccrp-acceptable', now_ms);
      else raise(state, tunnel, 'receive-sccrp-not-acceptable', now_ms, localCause(refusal));
      return;
    }
    case 'SCCCN': {
      const refusal =
        tunnel.state === 'wait-ctl-conn'
          ? checkResponse(tunnel, MESSAGE_TYPE.SCCCN, avps.challengeResponse)
          : outOfPlace(tunnel, messageType);
      if (refusal === undefined) raise(state, tunnel, 'receive-scccn-acceptable', now_ms);
      else raise(state, tunnel, 'receive-scccn-not-acceptable', now_ms, localCause(refusal));
      return;
    }
    case 'StopCCN':
      tunnel.peerTunnelId ||= assignedTunnelId(tunnel, avps);
      raise(state, tunnel, 'receive-stopccn', now_ms, { by: 'peer', ...(avps.resultCode ?? { resultCode: 0 }) });
      return;
    case 'HELLO':
      return;
    default:
      raise(state, tunnel, 'receive-sccrq-not-acceptable', now_ms, localCause(outOfPlace(tunnel, messageType)));
  }
}

/** A message that concerns the tunnel cannot be read: the tunnel ends (section 4.1). A StopCCN ends it anyway. */
export function stopForError(
  state: EndpointState,
  tunnel: Tunnel,
  message: ControlMessage | undefined,
  cause: CloseCause,
  now_ms: number,
): void {
  if (message !== undefined) tunnel.peerTunnelId ||= assignedTunnelId(tunnel, message.avps);
  const isStop = message?.messageType === 'StopCCN';
  raise(state, tunnel, isStop ? 'receive-stopccn' : 'admin-tunnel-close', now_ms, cause);
}

/** A call message came before the tunnel was established (section 7.1). */
export function stopForSequence(state: EndpointState, tunnel: Tunnel, message: ControlMessage, now_ms: number): void {
  state.noteReceived(tunnel, 0, message);
  closeTunnel(state, tunnel, outOfPlace(tunnel, message.messageType), now_ms);
}

/** RFC 2661 section 4.4.3, Tie Breaker: what an SCCRQ of the peer means for one of ours that has no answer yet. */
export function handleTie(
  state: EndpointState,
  tunnel: Tunnel,
  event: 'receive-sccrq-lose-tie-breaker' | 'receive-sccrq-win-tie-breaker' | 'receive-sccrq-equal-tie-breaker',
  now_ms: number,
): void {
  const errorMessage = 'the peer asked for a tunnel at the same time';
  raise(state, tunnel, event, now_ms, { by: 'peer', resultCode: STOP_RESULT.alreadyExists, errorMessage });
  // "The loser MUST silently discard its tunnel": the peer knows nothing of it.
  if (tunnel.state === 'idle') state.forgetTunnel(tunnel);
}

/** What is wrong with the Protocol Version (of version 2 alone) or the window of an SCCRQ or SCCRP. */
export function refusalOfParameters(version: L2tpVersion, avps: AvpValues): DisconnectResult | undefined {
  const { protocolVersion, receiveWindowSize } = avps;
  if (version === 2 && protocolVersion?.version !== PROTOCOL_VERSION.version) {
    const errorMessage = `protocol version ${protocolVersion?.version} is not supported`;
    return { resultCode: STOP_RESULT.versionNotSupported, errorCode: HIGHEST_VERSION, errorMessage };
  }
  if (receiveWindowSize !== 0) return undefined;
  const errorMessage = 'a receive window of 0 is invalid';
  return { resultCode: STOP_RESULT.generalError, errorCode: ERROR_CODE.valueOutOfRange, errorMessage };
}

/** Takes over what SCCRQ and SCCRP say of the peer. */
export function takeParameters(tunnel: Tunnel, avps: AvpValues): void {
  tunnel.peerTunnelId = assignedTunnelId(tunnel, avps);
  tunnel.peerHostName = avps.hostName ?? '';
  tunnel.peerVendorName = avps.vendorName ?? '';
  tunnel.peerBearerCapabilities = avps.bearerCapabilities;
  if (tunnel.version === 3) {
    tunnel.peerNonce = avps.controlMessageAuthenticationNonce;
    tunnel.peerRouterId = avps.routerId ?? 0;
    tunnel.peerPseudowireTypes = avps.pseudowireCapabilitiesList ?? [];
  } else {
    tunnel.peerChallenge = avps.challenge;
  }
  if (avps.receiveWindowSize) tunnel.delivery.setPeerWindow(avps.receiveWindowSize);
}

/** Why the SCCRP is not acceptable. */
function takeSccrp(tunnel: Tunnel, avps: AvpValues): DisconnectResult | undefined {
  const version = versionOnWire(tunnel.version);
  takeParameters(tunnel, avps);
  if (version === 3) return refusalOfParameters(version, avps) ?? refusalOfNonce(tunnel);
  return (
    refusalOfParameters(version, avps) ??
    refusalOfChallenge(tunnel) ??
    checkResponse(tunnel, MESSAGE_TYPE.SCCRP, avps.challengeResponse)
  );
}

/** Why the tunnel cannot be had on these terms. */
function takePolicy(
  state: EndpointState,
  tunnel: Tunnel,
  { secret, allowTunnelIdZero = false }: Extract<TunnelAnswer, { accepted: true }>,
): DisconnectResult | 'silent' | undefined {
  tunnel.secret = secret;
  tunnel.allowTunnelIdZero = allowTunnelIdZero;
  if (allowTunnelIdZero) state.zeroIdTunnels.set(pathKey(tunnel.path), tunnel);
  for (const { localChallenge } of state.openingTunnels) {
    // Who sends our own open challenge back wants us to answer it for him.
    if (localChallenge !== undefined && tunnel.peerChallenge !== undefined) {
      if (equalBytes(localChallenge, tunnel.peerChallenge)) return notAuthorized('the challenge is one of ours');
    }
  }
  return tunnel.version === 3 ? takeRequestDigest(state, tunnel) : refusalOfChallenge(tunnel);
}

/**
 * RFC 3931 section 4.3, for the SCCRQ: a wrong digest ends the tunnel without a word, and all else that is missing
 * with one. Where neither side has a secret, a digest is a check of integrity. Ours is of the peer's type.
 */
function takeRequestDigest(state: EndpointState, tunnel: Tunnel): DisconnectResult | 'silent' | undefined {
  const { secret, request, peerNonce } = tunnel;
  const isUnderUnknownSecret = secret === undefined && peerNonce !== undefined;
  if (request === undefined || isUnderUnknownSecret) return refusalOfNonce(tunnel);
  const verdict = checkRequestDigest(request.packet, secret ?? NO_SECRET);
  if (verdict === 'invalid') {
    state.count('digest-mismatch');
    const errorMessage = 'the Message Digest is wrong';
    end(state, tunnel, { by: 'local', resultCode: STOP_RESULT.notAuthorized, errorMessage });
    state.forgetTunnel(tunnel);
    return 'silent';
  }
  if (secret === undefined) return undefined;
  if (verdict === 'absent') {
    state.count('digest-missing');
    return notAuthorized('the Message Digest is missing');
  }
  for (const { localNonce } of state.openingTunnels) {
    // Who sends our own SCCRQ back wants us to answer it for him.
    const isOurs = localNonce !== undefined && peerNonce !== undefined && equalBytes(localNonce, peerNonce);
    if (isOurs) return notAuthorized('the nonce is one of ours');
  }
  tunnel.digest = messageDigestType(request.packet);
  return refusalOfNonce(tunnel);
}

/** RFC 3931 section 4.3: either both sides have a secret and say so by a nonce, or neither has. */
function refusalOfNonce({ secret, peerNonce }: Tunnel): DisconnectResult | undefined {
  if ((secret === undefined) === (peerNonce === undefined)) return undefined;
  if (secret !== undefined) return notAuthorized('the Control Message Authentication Nonce is missing');
  return notAuthorized('the peer wants Control Message Authentication, but no secret is set for it');
}

/** Section 5.1.1: a challenge must be answered, which takes a secret. */
function refusalOfChallenge({ peerChallenge, secret }: Tunnel): DisconnectResult | undefined {
  if (peerChallenge === undefined || secret !== undefined) return undefined;
  return notAuthorized('the peer wants tunnel authentication, but no secret is set for it');
}

/** Section 5.1.1: whoever has a secret has sent a challenge, and the response must be right. */
function checkResponse(
  { secret, localChallenge }: Tunnel,
  messageType: number,
  response: Uint8Array | undefined,
): DisconnectResult | undefined {
  if (secret === undefined || localChallenge === undefined) return undefined;
  if (response === undefined) return notAuthorized('the challenge was not answered');
  const expected = tunnelChallengeResponse(messageType, secret, localChallenge);
  return equalBytes(expected, response) ? undefined : notAuthorized('the response to the challenge is wrong');
}

function notAuthorized(errorMessage: string): DisconnectResult {
  return { resultCode: STOP_RESULT.notAuthorized, errorMessage };
}

function outOfPlace(tunnel: Tunnel, messageType: string): DisconnectResult {
  return {
    resultCode: STOP_RESULT.stateMachineError,
    errorMessage: `${messageType} is out of place in ${tunnel.state}`,
  };
}

function localCause({ resultCode, errorCode, errorMessage }: DisconnectResult): CloseCause {
  return { by: 'local', resultCode, errorCode, errorMessage };
}

// The table at work.

/** `cause` says why the tunnel ends, where the transition ends it. */
function raise(
  state: EndpointState,
  tunnel: Tunnel,
  event: ControlConnectionEvent,
  now_ms: number,
  cause?: CloseCause,
): void {
  const before = tunnel.state;
  const transition = CONTROL_CONNECTION_TABLE[before][event];
  if (transition === 'impossible') throw new Error(`tunnel in ${before}: ${event} is impossible`);
  tunnel.state = transition.next;
  if (tunnel.state === 'established' && before !== 'established') {
    state.settleTunnel(tunnel);
    const { tunnelId, peerTunnelId, path, peerHostName, peerVendorName, originator } = tunnel;
    const version = versionOnWire(tunnel.version);
    const who = { tunnelId, peerTunnelId, path, peerHostName, peerVendorName, originator, version };
    state.events.push({ type: 'tunnel-established', ...who });
  }
  for (const action of transition.actions) act(state, tunnel, action, now_ms, { before, cause });
}

function act(
  state: EndpointState,
  tunnel: Tunnel,
  action: ControlConnectionAction,
  now_ms: number,
  { before, cause }: { before: Tunnel['state']; cause: CloseCause | undefined },
): void {
  switch (action) {
    case 'send-sccrq':
      state.send(tunnel, { messageType: 'SCCRQ', avps: introduction(state, tunnel) }, now_ms);
      break;
    case 'send-sccrp': {
      const avps = { ...introduction(state, tunnel), challengeResponse: response(tunnel, MESSAGE_TYPE.SCCRP) };
      state.send(tunnel, { messageType: 'SCCRP', avps }, now_ms);
      break;
    }
    case 'send-scccn': {
      const avps = { challengeResponse: response(tunnel, MESSAGE_TYPE.SCCCN) };
      state.send(tunnel, { messageType: 'SCCCN', avps }, now_ms);
      break;
    }
    case 'send-tunnel-open':
      openWaitingCalls(state, tunnel, now_ms);
      break;
    case 'send-stopccn':
      sendStop(state, tunnel, causeOf(cause), now_ms);
      break;
    case 'clean-up':
      end(state, tunnel, causeOf(cause));
      linger(state, tunnel, before, now_ms);
      break;
    case 'requeue-sccrq': // whoever found the tie goes on with the peer's SCCRQ.
      break;
  }
}

function causeOf(cause: CloseCause | undefined): CloseCause {
  if (cause === undefined) throw new Error('a tunnel ends without a cause');
  return cause;
}

/** The AVPs that SCCRQ and SCCRP share; makes the challenge or nonce where there is a secret. */
function introduction(state: EndpointState, tunnel: Tunnel): AvpValues {
  const { version, tunnelId, tieBreaker, secret } = tunnel;
  const config = { ...state.config, hostName: tunnel.hostName ?? state.config.hostName };
  if (secret !== undefined && version !== 3) tunnel.localChallenge = state.random(CHALLENGE_BYTES);
  if (secret !== undefined && version !== 2) tunnel.localNonce = state.random(NONCE_BYTES);
  const avps: AvpValues = {
    tieBreaker,
    challenge: tunnel.localChallenge,
    controlMessageAuthenticationNonce: tunnel.localNonce,
  };
  for (const rules of rulesOf(version)) {
    Object.assign(avps, rules.introduction(config), rules.tunnelIdAvps(tunnelId));
  }
  return avps;
}

function assignedTunnelId({ version }: Tunnel, avps: AvpValues): number {
  return VERSION_RULES[versionOnWire(version)].assignedTunnelId(avps);
}

function response({ secret, peerChallenge }: Tunnel, messageType: number): Uint8Array | undefined {
  if (secret === undefined || peerChallenge === undefined) return undefined;
  return tunnelChallengeResponse(messageType, secret, peerChallenge);
}

/** What waits for its turn is void: the StopCCN clears all sessions without further messages (section 6.4). */
function sendStop(state: EndpointState, tunnel: Tunnel, cause: CloseCause, now_ms: number): void {
  tunnel.delivery.dropUnsent();
  const { version, tunnelId } = tunnel;
  const avps = { resultCode: resultCodeAvp(cause), ...VERSION_RULES[versionOnWire(version)].tunnelIdAvps(tunnelId) };
  state.send(tunnel, { messageType: 'StopCCN', avps }, now_ms, { urgency: 'last' });
}

/** The tunnel is gone for all above; its sessions went first. */
function end(state: EndpointState, tunnel: Tunnel, cause: CloseCause): void {
  dropCalls(state, tunnel, callCause(cause));
  tunnel.state = 'idle';
  state.settleTunnel(tunnel);
  state.events.push({ type: 'tunnel-closed', tunnelId: tunnel.tunnelId, cause });
}

/**
 * Section 5.7: for a full retransmission cycle what comes again is acknowledged again. A peer whose tunnel stood knows
 * that its SCCRQ was answered: what looks like a repetition of that is a new one.
 */
function linger(state: EndpointState, tunnel: Tunnel, before: Tunnel['state'], now_ms: number): void {
  tunnel.lingerUntil_ms = now_ms + retransmissionCycle_ms(state.config);
  state.closedTunnels.add(tunnel);
  if (before === 'established') state.releaseRequest(tunnel);
}

/** What the end of the tunnel means in the codes of a CDN, which are others than those of a StopCCN. */
function callCause({ by, resultCode, errorMessage }: CloseCause): CloseCause {
  const reason = errorMessage ? `${errorMessage} (StopCCN result ${resultCode})` : `StopCCN result ${resultCode}`;
  return {
    by,
    resultCode: by === 'timeout' ? CDN_RESULT.lossOfCarrier : CDN_RESULT.administrative,
    errorMessage: `the tunnel ended: ${reason}`,
  };
}
