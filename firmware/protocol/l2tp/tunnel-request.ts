/**
 * Packets whose header names no tunnel of ours (tunnel ID 0): the SCCRQ that asks for one, and what peers send that do
 * not know our ID or ignore it. Nothing is kept before an SCCRQ has proved valid; a refusal keeps nothing either.
 */
import {
  ControlMessageError,
  emitControlMessage,
  type L2tpVersion,
  parseControlMessage,
  type ReceivedControlMessage,
} from '../../wire/avp.js';
import { ERROR_CODE, ProtocolError } from '../../wire/bytes.js';
import { type ControlHeader, emitControlPacket } from '../../wire/control-header.js';
import { checkRequestDigest, compareOctets, sameOctets } from './authentication.js';
import { type EndpointState, pathKey, requestKey } from './endpoint-state.js';
import type { DisconnectResult, TransportPath } from './events.js';
import { resultCodeAvp, STOP_RESULT } from './result.js';
import type { Tunnel } from './tunnel.js';
import {
  giveWay,
  HIGHEST_VERSION,
  handleTie,
  refusalOfParameters,
  sendHello,
  takeParameters,
} from './tunnel-control.js';
import { VERSION_RULES, versionOfRequest } from './version.js';

/** Gives the tunnel that the packet is for, as if its ID stood in the header; undefined when it is done with. */
export function handleUnnamed(
  state: EndpointState,
  header: ControlHeader,
  packet: Uint8Array,
  path: TransportPath,
  now_ms: number,
): Tunnel | undefined {
  const zeroIdTunnel = header.version === 2 ? state.zeroIdTunnels.get(pathKey(path)) : undefined;
  const { message, error } = read(header.version, packet.subarray(header.payloadOffset));
  if (message?.messageType === 'SCCRQ') {
    return handleSccrq(state, header, { packet, path, sccrq: message, error }, now_ms);
  }
  const tunnel = (message && tunnelOfStop(state, header.version, message, path)) ?? zeroIdTunnel;
  if (tunnel === undefined) state.count('unknown-tunnel');
  return tunnel;
}

/** The message, as far as it can be read without a secret, and what is wrong with it. */
function read(version: L2tpVersion, body: Uint8Array): { message?: ReceivedControlMessage; error?: ProtocolError } {
  if (body.length === 0) return {};
  try {
    return { message: parseControlMessage(body, { version }) ?? undefined };
  } catch (error) {
    if (error instanceof ControlMessageError) {
      return { message: { messageType: error.messageType, avps: error.avps, draftAvps: false }, error };
    }
    if (error instanceof ProtocolError) return { error };
    throw error;
  }
}

/**
 * Section 4.4.3, Assigned Tunnel ID: a StopCCN of a peer that has not received our ID is known by its own.
 * "Deterministic Networks" (firmware 0xff00) writes ours there.
 */
function tunnelOfStop(
  state: EndpointState,
  version: L2tpVersion,
  { messageType, avps }: ReceivedControlMessage,
  path: TransportPath,
): Tunnel | undefined {
  if (messageType !== 'StopCCN') return undefined;
  const assignedTunnelId = VERSION_RULES[version].assignedTunnelId(avps);
  const requested = state.tunnelsByRequest.get(requestKey(path, version, assignedTunnelId));
  if (requested !== undefined) return requested;
  const named = state.tunnels.get(assignedTunnelId);
  return named !== undefined && pathKey(named.path) === pathKey(path) ? named : undefined;
}

/** An SCCRQ as it came; `error` says what is wrong with it. */
interface Sccrq {
  readonly packet: Uint8Array;
  readonly path: TransportPath;
  readonly sccrq: ReceivedControlMessage;
  readonly error: ProtocolError | undefined;
}

function handleSccrq(state: EndpointState, header: ControlHeader, request: Sccrq, now_ms: number): Tunnel | undefined {
  const { packet, path, sccrq } = request;
  if (header.ns !== 0 || header.nr !== 0) {
    state.count('sccrq-invalid-sequence');
    return undefined;
  }
  const accepted = versionOfRequest(header.version, sccrq.avps, path, state.config.accepts);
  const version = accepted ?? header.version;
  const assignedTunnelId = VERSION_RULES[version].assignedTunnelId(sccrq.avps);
  if (assignedTunnelId === 0) {
    state.count('sccrq-malformed');
    return undefined;
  }
  const key = requestKey(path, version, assignedTunnelId);
  const repeated = repeatedRequest(state, key, packet, now_ms);
  if (repeated !== undefined) return repeated;
  const refusal = refusalOf(state, request, accepted, now_ms);
  if (refusal === 'silent') return undefined;
  if (refusal !== undefined) sendRefusal(state, version, assignedTunnelId, refusal, path);
  else requestTunnel(state, version, { key, packet }, request, now_ms);
  return undefined;
}

/**
 * The tunnel that this SCCRQ has already made. Once that stands or is closed, a repetition is late in the network, or
 * the peer has started anew. If it is another one, it is a new request. If it is byte for byte the same, only a HELLO
 * can tell: a peer that has started anew does not acknowledge it.
 */
function repeatedRequest(state: EndpointState, key: string, packet: Uint8Array, now_ms: number): Tunnel | undefined {
  const tunnel = state.tunnelsByRequest.get(key);
  if (tunnel === undefined) return undefined;
  const isNew = tunnel.establishBy_ms === undefined && !sameOctets(tunnel.request?.packet, packet);
  if (isNew) return undefined;
  if (tunnel.state === 'established') sendHello(state, tunnel, now_ms);
  return tunnel;
}

/** Why there is to be no tunnel; `silent` where the peer is not to be told. Counted here. */
function refusalOf(
  state: EndpointState,
  request: Sccrq,
  version: L2tpVersion | undefined,
  now_ms: number,
): DisconnectResult | 'silent' | undefined {
  const { sccrq, error, path } = request;
  if (error !== undefined) {
    state.count('sccrq-malformed');
    return { resultCode: error.resultCode, errorCode: error.errorCode, errorMessage: error.message };
  }
  if (version === undefined) {
    state.count('sccrq-unsupported-version');
    const errorMessage = 'this version of L2TP is not accepted';
    return { resultCode: STOP_RESULT.versionNotSupported, errorCode: HIGHEST_VERSION, errorMessage };
  }
  const refusal = refusalOfParameters(version, sccrq.avps);
  if (refusal !== undefined) {
    state.count(
      refusal.resultCode === STOP_RESULT.versionNotSupported ? 'sccrq-unsupported-version' : 'sccrq-malformed',
    );
    return refusal;
  }
  if (!winsTies(state, request, version, now_ms)) {
    state.count('sccrq-tie-breaker');
    if (version === 2) return 'silent';
    return { resultCode: STOP_RESULT.alreadyExists, errorMessage: 'lost the tie with a request of ours' };
  }
  if (!state.hasRoomForTunnel) giveWay(state, now_ms);
  if (state.hasRoomForRequest(path.peerAddress)) return undefined;
  state.count('sccrq-no-resources');
  const errorMessage = 'no tunnel is free';
  return { resultCode: STOP_RESULT.generalError, errorCode: ERROR_CODE.insufficientResources, errorMessage };
}

/**
 * RFC 2661 section 4.4.3 and RFC 3931 section 5.4.3, Tie Breaker: whether the peer's request holds against those of
 * ours to the same peer that have no answer yet; those that lose are gone. Over UDP, another port may be another host
 * behind the same address: no tie. Over IP there is no port, and the Router ID tells a peer from ourselves.
 */
function winsTies(state: EndpointState, { packet, path, sccrq }: Sccrq, version: L2tpVersion, now_ms: number): boolean {
  const { tieBreaker: theirs, routerId } = sccrq.avps;
  if (path.encapsulation === 'ip' && routerId === state.config.routerId) return true;
  let wins = true;
  for (const tunnel of [...state.openingTunnels]) {
    const { tieBreaker: ours, secret } = tunnel;
    if (pathKey(tunnel.path) !== pathKey(path) || ours === undefined) continue;
    // Whoever does not know the secret of that peer must not end what waits for the peer.
    if (version === 3 && secret !== undefined && checkRequestDigest(packet, secret) !== 'valid') continue;
    const order = theirs === undefined ? -1 : compareOctets(ours, theirs);
    if (order > 0) {
      handleTie(state, tunnel, 'receive-sccrq-lose-tie-breaker', now_ms);
      continue;
    }
    wins = false;
    handleTie(state, tunnel, order < 0 ? 'receive-sccrq-win-tie-breaker' : 'receive-sccrq-equal-tie-breaker', now_ms);
  }
  return wins;
}

function requestTunnel(
  state: EndpointState,
  version: L2tpVersion,
  request: { key: string; packet: Uint8Array },
  { path, sccrq }: Sccrq,
  now_ms: number,
): void {
  const ours = {
    originator: false,
    secret: undefined,
    digest: undefined,
    hideAvps: false,
    hostName: undefined,
    tieBreaker: undefined,
  };
  const tunnel = state.addTunnel({ ...ours, version, path, request }, now_ms);
  takeParameters(tunnel, sccrq.avps);
  tunnel.draftAvps = version === 3 && sccrq.draftAvps;
  // Only to have it acknowledged: the message itself has been read.
  tunnel.delivery.receive(0, 0, { version, sessionId: 0, body: request.packet }, now_ms);
  tunnel.delivery.pollDelivered();
  state.noteReceived(tunnel, 0, sccrq);
  state.events.push({ type: 'tunnel-requested', tunnelId: tunnel.tunnelId, version, path: tunnel.path, sccrq });
  state.flush(tunnel);
}

/** The StopCCN to an SCCRQ that gets no tunnel: sent once for each that comes; the ID that it assigns is a free one. */
function sendRefusal(
  state: EndpointState,
  version: L2tpVersion,
  controlConnectionId: number,
  refusal: DisconnectResult,
  path: TransportPath,
): void {
  const avps = { resultCode: resultCodeAvp(refusal), ...VERSION_RULES[version].tunnelIdAvps(state.freeTunnelId()) };
  const body = emitControlMessage({ messageType: 'StopCCN', avps }, { dialect: version });
  state.sendPacket(path, emitControlPacket({ version, controlConnectionId, ns: 0, nr: 1 }, body));
}
