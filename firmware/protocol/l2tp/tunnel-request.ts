/**
 * Packets whose header names no tunnel of ours (tunnel ID 0): the SCCRQ that asks for one, and what peers send that do
 * not know our ID or ignore it. Nothing is kept before an SCCRQ has proved valid; a refusal keeps nothing either.
 */
import { type ControlMessage, ControlMessageError, emitControlMessage, parseControlMessage } from '../../wire/avp.js';
import { ERROR_CODE, ProtocolError } from '../../wire/bytes.js';
import { emitControlPacket } from '../../wire/control-header.js';
import type { L2tpHeader } from '../../wire/l2tp.js';
import { type EndpointState, pathKey, requestKey } from './endpoint-state.js';
import type { DisconnectResult, TransportPath } from './events.js';
import { resultCodeAvp, STOP_RESULT } from './result.js';
import type { Tunnel } from './tunnel.js';
import { giveWay, handleTie, refusalOfParameters, sendHello, takeParameters } from './tunnel-control.js';

/** Gives the tunnel that the packet is for, as if its ID stood in the header; undefined when it is done with. */
export function handleUnnamed(
  state: EndpointState,
  header: L2tpHeader,
  body: Uint8Array,
  path: TransportPath,
  now_ms: number,
): Tunnel | undefined {
  const zeroIdTunnel = state.zeroIdTunnels.get(pathKey(path));
  const { message, error } = read(body);
  if (message?.messageType === 'SCCRQ') return handleSccrq(state, header, body, path, message, error, now_ms);
  const tunnel = (message && tunnelOfStop(state, message, path)) ?? zeroIdTunnel;
  if (tunnel === undefined) state.count('unknown-tunnel');
  return tunnel;
}

/** The message, as far as it can be read without a secret, and what is wrong with it. */
function read(body: Uint8Array): { message?: ControlMessage; error?: ProtocolError } {
  if (body.length === 0) return {};
  try {
    return { message: parseControlMessage(body, { version: 2 }) ?? undefined };
  } catch (error) {
    if (error instanceof ControlMessageError) return { message: error, error };
    if (error instanceof ProtocolError) return { error };
    throw error;
  }
}

/**
 * Section 4.4.3, Assigned Tunnel ID: a StopCCN of a peer that has not received our ID is known by its own.
 * "Deterministic Networks" (firmware 0xff00) writes ours there.
 */
function tunnelOfStop(state: EndpointState, message: ControlMessage, path: TransportPath): Tunnel | undefined {
  if (message.messageType !== 'StopCCN') return undefined;
  const { assignedTunnelId = 0 } = message.avps;
  const requested = state.tunnelsByRequest.get(requestKey(path, assignedTunnelId));
  if (requested !== undefined) return requested;
  const named = state.tunnels.get(assignedTunnelId);
  return named !== undefined && pathKey(named.path) === pathKey(path) ? named : undefined;
}

function handleSccrq(
  state: EndpointState,
  header: L2tpHeader,
  body: Uint8Array,
  path: TransportPath,
  sccrq: ControlMessage,
  error: ProtocolError | undefined,
  now_ms: number,
): Tunnel | undefined {
  if (header.ns !== 0 || header.nr !== 0) {
    state.count('sccrq-invalid-sequence');
    return undefined;
  }
  const { assignedTunnelId } = sccrq.avps;
  if (!assignedTunnelId) {
    state.count('sccrq-malformed');
    return undefined;
  }
  const key = requestKey(path, assignedTunnelId);
  const repeated = repeatedRequest(state, key, body, now_ms);
  if (repeated !== undefined) return repeated;
  const refusal = refusalOf(state, sccrq, error, path, now_ms);
  if (refusal === 'silent') return undefined;
  if (refusal !== undefined) {
    sendRefusal(state, assignedTunnelId, refusal, path);
    return undefined;
  }
  requestTunnel(state, { key, body }, sccrq, path, now_ms);
  return undefined;
}

/**
 * The tunnel that this SCCRQ has already made. Once that stands or is closed, a repetition is late in the network, or
 * the peer has started anew. If it is another one, it is a new request. If it is byte for byte the same, only a HELLO
 * can tell: a peer that has started anew does not acknowledge it.
 */
function repeatedRequest(state: EndpointState, key: string, body: Uint8Array, now_ms: number): Tunnel | undefined {
  const tunnel = state.tunnelsByRequest.get(key);
  if (tunnel === undefined) return undefined;
  const isNew = tunnel.establishBy_ms === undefined && !sameOctets(tunnel.request?.body, body);
  if (isNew) return undefined;
  if (tunnel.state === 'established') sendHello(state, tunnel, now_ms);
  return tunnel;
}

function sameOctets(a: Uint8Array | undefined, b: Uint8Array): boolean {
  return a !== undefined && a.length === b.length && a.every((octet, index) => octet === b[index]);
}

/** Why there is to be no tunnel; `silent` where the peer is not to be told. Counted here. */
function refusalOf(
  state: EndpointState,
  { avps }: ControlMessage,
  error: ProtocolError | undefined,
  path: TransportPath,
  now_ms: number,
): DisconnectResult | 'silent' | undefined {
  if (error !== undefined) {
    state.count('sccrq-malformed');
    return { resultCode: error.resultCode, errorCode: error.errorCode, errorMessage: error.message };
  }
  const refusal = refusalOfParameters(avps);
  if (refusal !== undefined) {
    state.count(
      refusal.resultCode === STOP_RESULT.versionNotSupported ? 'sccrq-unsupported-version' : 'sccrq-malformed',
    );
    return refusal;
  }
  if (!winsTies(state, avps.tieBreaker, path, now_ms)) {
    state.count('sccrq-tie-breaker');
    return 'silent';
  }
  if (!state.hasRoomForTunnel) giveWay(state, now_ms);
  if (state.hasRoomForRequest(path.peerAddress)) return undefined;
  state.count('sccrq-no-resources');
  const errorMessage = 'no tunnel is free';
  return { resultCode: STOP_RESULT.generalError, errorCode: ERROR_CODE.insufficientResources, errorMessage };
}

/**
 * Section 4.4.3, Tie Breaker: whether the peer's request holds against those of ours to the same peer that have no
 * answer yet; those that lose are gone. Another port may be another host behind the same address: no tie.
 */
function winsTies(state: EndpointState, theirs: Uint8Array | undefined, path: TransportPath, now_ms: number): boolean {
  let wins = true;
  for (const tunnel of [...state.openingTunnels]) {
    if (pathKey(tunnel.path) !== pathKey(path) || tunnel.tieBreaker === undefined) continue;
    const order = theirs === undefined ? -1 : compareOctets(tunnel.tieBreaker, theirs);
    if (order > 0) {
      handleTie(state, tunnel, 'receive-sccrq-lose-tie-breaker', now_ms);
      continue;
    }
    wins = false;
    handleTie(state, tunnel, order < 0 ? 'receive-sccrq-win-tie-breaker' : 'receive-sccrq-equal-tie-breaker', now_ms);
  }
  return wins;
}

/** Below 0 where `a`, as a big-endian number, is the lower. Both have 8 octets. */
function compareOctets(a: Uint8Array, b: Uint8Array): number {
  for (const [index, octet] of a.entries()) if (octet !== b[index]) return octet - b[index];
  return 0;
}

function requestTunnel(
  state: EndpointState,
  request: { key: string; body: Uint8Array },
  sccrq: ControlMessage,
  path: TransportPath,
  now_ms: number,
): void {
  const start = { originator: false, path, secret: undefined, hideAvps: false, tieBreaker: undefined, request };
  const tunnel = state.addTunnel(start, now_ms);
  takeParameters(tunnel, sccrq.avps);
  // Only to have it acknowledged: the message itself has been read.
  tunnel.delivery.receive(0, 0, { sessionId: 0, body: request.body }, now_ms);
  tunnel.delivery.pollDelivered();
  state.noteReceived(tunnel, 0, sccrq);
  state.events.push({ type: 'tunnel-requested', tunnelId: tunnel.tunnelId, path: tunnel.path, sccrq });
  state.flush(tunnel);
}

/** The StopCCN to an SCCRQ that gets no tunnel: sent once for each that comes; the Assigned Tunnel ID is a free one. */
function sendRefusal(state: EndpointState, peerTunnelId: number, refusal: DisconnectResult, path: TransportPath): void {
  const avps = { resultCode: resultCodeAvp(refusal), assignedTunnelId: state.freeTunnelId() };
  const body = emitControlMessage({ messageType: 'StopCCN', avps }, { dialect: 2 });
  state.sendPacket(
    path,
    emitControlPacket({ version: 2, controlConnectionId: peerTunnelId, sessionId: 0, ns: 0, nr: 1 }, body),
  );
}
