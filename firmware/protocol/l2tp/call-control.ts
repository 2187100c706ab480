/**
 * What sessions do: the actions of session.ts's tables, for incoming and outgoing calls at both ends (RFC 2661
 * sections 5.2, 5.6, 6.6 to 6.14). Must not touch the control connection: a tunnel's state is tunnel-control.ts's.
 */
import { type AvpValues, allowedAvps, type ControlMessage, type MessageType } from '../../wire/avp.js';
import { ERROR_CODE } from '../../wire/bytes.js';
import { refusalOfOurType, refusalOfPeersType, refusalOfSequencing } from './call-refusal.js';
import type { EndpointState } from './endpoint-state.js';
import type { CallAnswer, CallDisconnect, CloseCause } from './events.js';
import { CDN_RESULT, resultCodeAvp, shortened } from './result.js';
import { type CallKind, type SessionAction, type SessionEvent, sessionTransition } from './session.js';
import { handleSessionTie } from './session-tie.js';
import type { Session, Tunnel } from './tunnel.js';
import { VERSION_RULES, type VersionRules, versionOnWire } from './version.js';

const TIE_BREAKER_BYTES = 8;

/** What an event of the table comes with. */
interface Occasion {
  /** Why the session ends, where it does. */
  cause?: CloseCause;
  /** What the CDN says beyond that. */
  disconnect?: Pick<CallDisconnect, 'pppDisconnectCause' | 'q931CauseCode'>;
  /** For the ICRP, OCRP, ICCN or OCCN that we send. */
  avps?: AvpValues;
  /** The ICCN or OCCN that came. */
  connected?: ControlMessage;
}

/** A received message as an event of each table; acceptable or not is decided where it says so. */
const EVENT_OF_MESSAGE: Readonly<Record<CallKind, Readonly<Partial<Record<MessageType, SessionEvent>>>>> = {
  'lac-incoming': {
    ICRQ: 'receive-icrq',
    ICRP: 'receive-icrp-not-acceptable',
    ICCN: 'receive-iccn',
    CDN: 'receive-cdn',
  },
  'lns-incoming': {
    ICRQ: 'receive-icrq-not-acceptable',
    ICRP: 'receive-icrp',
    ICCN: 'receive-iccn-acceptable',
    CDN: 'receive-cdn',
  },
  'lac-outgoing': {
    OCRQ: 'receive-ocrq-not-acceptable',
    OCRP: 'receive-ocrp',
    OCCN: 'receive-occn',
    CDN: 'receive-cdn',
  },
  'lns-outgoing': {
    OCRQ: 'receive-ocrq',
    OCRP: 'receive-ocrp-not-acceptable',
    OCCN: 'receive-occn',
    CDN: 'receive-cdn',
  },
};

// Calls that we begin.

/** A session in wait-tunnel: the tunnel's local open request must follow. */
export function beginCall(
  state: EndpointState,
  tunnel: Tunnel,
  kind: 'lac-incoming' | 'lns-outgoing',
  request: AvpValues,
  now_ms: number,
): Session {
  const sessionId = state.freeSessionId(versionOnWire(tunnel.version));
  const session: Session = { sessionId, peerSessionId: 0, tunnel, kind, state: 'idle', request, replied: false };
  state.addSession(session, now_ms);
  raise(state, session, 'local-open-request', now_ms);
  return session;
}

/** The tunnel is open: sessions that waited for it send their ICRQ or OCRQ. */
export function openWaitingCalls(state: EndpointState, tunnel: Tunnel, now_ms: number): void {
  for (const session of [...tunnel.sessions.values()]) {
    if (session.state !== 'wait-tunnel') continue;
    const wrongType = refusalOfOurType(tunnel, session.request);
    if (wrongType !== undefined) {
      raise(state, session, 'local-close-request', now_ms, { cause: { by: 'local', ...wrongType } });
    } else if (lacksBearers(session)) {
      // Section 6.9: an LNS must have received a Bearer Capabilities AVP to request an outgoing call.
      const cause: CloseCause = {
        by: 'local',
        resultCode: CDN_RESULT.noFacilitiesPermanently,
        errorMessage: 'the peer has sent no Bearer Capabilities: it places no calls',
      };
      raise(state, session, 'local-close-request', now_ms, { cause });
    } else {
      raise(state, session, 'tunnel-open', now_ms);
    }
  }
}

function lacksBearers({ kind, tunnel }: Session): boolean {
  return kind === 'lns-outgoing' && rulesOf(tunnel).callsNeedBearers && tunnel.peerBearerCapabilities === undefined;
}

function rulesOf({ version }: Tunnel): VersionRules {
  return VERSION_RULES[versionOnWire(version)];
}

/** The ICCN to an ICRP, the OCCN to our own OCRP once the bearer has answered. */
export function connectCall(state: EndpointState, session: Session, avps: AvpValues, now_ms: number): void {
  if (session.kind === 'lac-incoming' && session.replied) {
    raise(state, session, 'receive-icrp-acceptable', now_ms, { avps });
  } else if (session.kind === 'lac-outgoing') {
    raise(state, session, 'bearer-answer', now_ms, { avps });
  } else {
    throw new Error(`${session.kind} session in ${session.state} cannot be connected from here`);
  }
}

/** The answer to an ICRQ or OCRQ. */
export function answerCall(state: EndpointState, session: Session, answer: CallAnswer, now_ms: number): void {
  if (session.state !== 'idle') throw new Error(`the call in ${session.state} has been answered`);
  const incoming = session.kind === 'lns-incoming';
  if (answer.accepted) {
    const event = incoming ? 'receive-icrq-acceptable' : 'receive-ocrq-acceptable';
    raise(state, session, event, now_ms, { avps: answer.avps });
    return;
  }
  const { resultCode, errorCode, errorMessage } = answer;
  const cause: CloseCause = { by: 'local', resultCode, errorCode, errorMessage };
  raise(state, session, incoming ? 'receive-icrq-not-acceptable' : 'receive-ocrq-not-acceptable', now_ms, { cause });
}

/** Ends a session from our side, with a CDN where the peer knows of it. */
export function closeCall(
  state: EndpointState,
  session: Session,
  { pppDisconnectCause, q931CauseCode, ...result }: CallDisconnect,
  now_ms: number,
  by: 'local' | 'timeout' = 'local',
): void {
  const cause: CloseCause = { by, ...result };
  raise(state, session, 'local-close-request', now_ms, { cause, disconnect: { pppDisconnectCause, q931CauseCode } });
}

/** The call did not get established in time. */
export function handleCallTimeout(state: EndpointState, session: Session, now_ms: number): void {
  const errorMessage = 'the call was not established in time';
  const atLac = session.kind === 'lac-incoming' || session.kind === 'lac-outgoing';
  const { lac, lns } = rulesOf(session.tunnel).late;
  closeCall(state, session, { ...(atLac ? lac : lns), errorMessage }, now_ms, 'timeout');
}

/** The tunnel has gone, and its sessions with it: nothing is sent (section 5.7). */
export function dropCalls(state: EndpointState, tunnel: Tunnel, cause: CloseCause): void {
  for (const session of [...tunnel.sessions.values()]) endSession(state, session, cause);
}

// Messages of the peer.

/** A message of a session that stands, or is on its way, with what belongs into it in the tunnel's version. */
export function sendCallMessage(
  state: EndpointState,
  session: Session,
  messageType: MessageType,
  avps: AvpValues,
  now_ms: number,
): void {
  const { tunnel, sessionId, peerSessionId } = session;
  const ids = rulesOf(tunnel).sessionIdAvps(sessionId, peerSessionId);
  const allowed = allowedAvps(messageType, versionOnWire(tunnel.version), { ...avps, ...ids });
  // An SLI of what the version does not know says nothing.
  if (messageType === 'SLI' && allowed.accm === undefined && allowed.circuitStatus === undefined) return;
  state.send(tunnel, { messageType, avps: allowed }, now_ms, { session });
}

/** A call message in an established tunnel; `namedSessionId` is ours of the session that it is for, or 0. */
export function handleCallMessage(
  state: EndpointState,
  tunnel: Tunnel,
  namedSessionId: number,
  message: ControlMessage,
  now_ms: number,
): void {
  const session = sessionOf(tunnel, namedSessionId, message);
  if (session === undefined) {
    handleMessageWithoutSession(state, tunnel, message, now_ms);
    return;
  }
  state.noteReceived(tunnel, session.sessionId, message);
  switch (message.messageType) {
    case 'WEN':
      if (message.avps.callErrors === undefined) return;
      state.events.push({
        type: 'wan-error-notify',
        sessionId: session.sessionId,
        callErrors: message.avps.callErrors,
      });
      return;
    case 'SLI':
      handleSetLinkInfo(state, session, message.avps);
      return;
    case 'CDN':
      raise(state, session, 'receive-cdn', now_ms, { cause: causeOf(message) });
      return;
    case 'ICRP':
    case 'OCRP':
      handleReply(state, session, message, now_ms);
      return;
    default:
      handleInTurn(state, session, message, now_ms);
  }
}

function handleSetLinkInfo(state: EndpointState, { sessionId }: Session, { accm, circuitStatus }: AvpValues): void {
  if (accm === undefined && circuitStatus === undefined) return;
  const info = { ...(accm && { accm }), ...(circuitStatus !== undefined && { circuitStatus }) };
  state.events.push({ type: 'set-link-info', sessionId, ...info });
}

/** RFC 2661 section 4.1: an error that ends a session ends it alone. True where a session, or a CDN, was found for it. */
export function refuseMalformedCall(
  state: EndpointState,
  tunnel: Tunnel,
  namedSessionId: number,
  message: ControlMessage,
  cause: CloseCause,
  now_ms: number,
): boolean {
  const session = sessionOf(tunnel, namedSessionId, message);
  if (session !== undefined) {
    const event = message.messageType === 'CDN' ? 'receive-cdn' : 'local-close-request';
    raise(state, session, event, now_ms, { cause });
    return true;
  }
  if (message.messageType !== 'ICRQ' && message.messageType !== 'OCRQ') {
    state.count('unknown-session');
    return true;
  }
  const assignedSessionId = rulesOf(tunnel).assignedSessionId(message.avps);
  if (assignedSessionId === 0) return false;
  sendRefusal(state, tunnel, assignedSessionId, cause, now_ms);
  return true;
}

/**
 * The session that a message is for: the one that it names by our ID; else, as long as the peer may not know that,
 * the one to which it has assigned the ID in the message (RFC 3931 section 5.4.4: a reverse lookup, for SLI and WEN
 * too). "Deterministic Networks" (firmware 0xff00) writes ours there.
 */
function sessionOf(tunnel: Tunnel, namedSessionId: number, message: ControlMessage): Session | undefined {
  const named = tunnel.sessions.get(namedSessionId);
  if (named !== undefined) return named;
  const assignedSessionId = rulesOf(tunnel).assignedSessionId(message.avps);
  switch (message.messageType) {
    case 'SLI':
    case 'WEN':
      return namedSessionId === 0 ? tunnel.sessionsByPeerId.get(assignedSessionId) : undefined;
    case 'CDN':
      return tunnel.sessionsByPeerId.get(assignedSessionId) ?? tunnel.sessions.get(assignedSessionId);
    case 'ICRQ':
    case 'OCRQ':
      return tunnel.sessionsByPeerId.get(assignedSessionId);
    default:
      return undefined;
  }
}

/** ICRQ and OCRQ begin a session; all else is for one that is gone: the RFC's idle state, where nothing is to be done. */
function handleMessageWithoutSession(
  state: EndpointState,
  tunnel: Tunnel,
  message: ControlMessage,
  now_ms: number,
): void {
  const { messageType, avps } = message;
  if (messageType !== 'ICRQ' && messageType !== 'OCRQ') {
    state.noteReceived(tunnel, 0, message);
    state.count('unknown-session');
    return;
  }
  const peerSessionId = rulesOf(tunnel).assignedSessionId(avps);
  const refusal = refusalOfRequest(state, tunnel, message, now_ms);
  if (refusal !== undefined) {
    state.noteReceived(tunnel, 0, message);
    sendRefusal(state, tunnel, peerSessionId, refusal, now_ms);
    return;
  }
  if (!state.hasRoomForSession) {
    state.noteReceived(tunnel, 0, message);
    state.count('call-no-resources');
    const errorMessage = 'no session is free';
    sendRefusal(state, tunnel, peerSessionId, { resultCode: CDN_RESULT.noFacilities, errorMessage }, now_ms);
    return;
  }
  const version = versionOnWire(tunnel.version);
  const sessionId = state.freeSessionId(version);
  const kind = messageType === 'ICRQ' ? 'lns-incoming' : 'lac-outgoing';
  state.addSession({ sessionId, peerSessionId, tunnel, kind, state: 'idle', request: {}, replied: false }, now_ms);
  state.noteReceived(tunnel, sessionId, message);
  const about = { tunnelId: tunnel.tunnelId, sessionId, peerSessionId, version };
  if (messageType === 'ICRQ') state.events.push({ type: 'call-requested', ...about, icrq: message });
  else state.events.push({ type: 'outgoing-call-requested', ...about, ocrq: message });
}

/** RFC 3931 section 5.4.4: why the endpoint itself, whatever the roles say, refuses an ICRQ or OCRQ of version 3. */
function refusalOfRequest(
  state: EndpointState,
  tunnel: Tunnel,
  request: ControlMessage,
  now_ms: number,
): CallDisconnect | undefined {
  if (tunnel.version !== 3) return undefined;
  const { pseudowireTypes } = state.config;
  return (
    refusalOfPeersType(pseudowireTypes, request.avps) ??
    refusalOfSequencing(request.avps) ??
    refusalByTie(state, tunnel, request, now_ms)
  );
}

/** RFC 3931 section 5.4.4, Session Tie Breaker: what a request of the peer means for ours for the same circuit. */
function refusalByTie(
  state: EndpointState,
  tunnel: Tunnel,
  request: ControlMessage,
  now_ms: number,
): CallDisconnect | undefined {
  const tie = handleSessionTie(state, tunnel, request);
  if (tie === undefined) return undefined;
  const errorMessage = 'both ends have asked for a session of this circuit';
  const result = { resultCode: CDN_RESULT.losingTieBreaker, errorMessage };
  const event = request.messageType === 'ICRQ' ? TIE_OF_ICRQ[tie.outcome] : TIE_OF_OCRQ[tie.outcome];
  raise(state, tie.session, event, now_ms, { cause: { by: 'peer', ...result } });
  if (tie.outcome === 'lose') return undefined;
  state.count('call-tie-breaker');
  return result;
}

const TIE_OF_ICRQ = {
  win: 'receive-icrq-win-tie-breaker',
  lose: 'receive-icrq-lose-tie-breaker',
  equal: 'receive-icrq-equal-tie-breaker',
} as const;
const TIE_OF_OCRQ = {
  win: 'receive-ocrq-win-tie-breaker',
  lose: 'receive-ocrq-lose-tie-breaker',
  equal: 'receive-ocrq-equal-tie-breaker',
} as const;

/** ICRP and OCRP: acceptable once, while awaited, and with an ID that no other session of the tunnel has. */
function handleReply(state: EndpointState, session: Session, message: ControlMessage, now_ms: number): void {
  const { tunnel, sessionId } = session;
  const awaited = session.kind === 'lac-incoming' ? 'ICRP' : 'OCRP';
  const isOurRequest = session.kind === 'lac-incoming' || session.kind === 'lns-outgoing';
  if (!isOurRequest || message.messageType !== awaited || session.state !== 'wait-reply' || session.replied) {
    handleInTurn(state, session, message, now_ms);
    return;
  }
  state.openingSessions.delete(session);
  session.peerSessionId = rulesOf(tunnel).assignedSessionId(message.avps);
  if (tunnel.sessionsByPeerId.has(session.peerSessionId)) {
    const errorMessage = `session ID ${session.peerSessionId} is in use`;
    const cause = { resultCode: CDN_RESULT.generalError, errorCode: ERROR_CODE.invalidSessionId, errorMessage };
    const event = awaited === 'ICRP' ? 'receive-icrp-not-acceptable' : 'receive-ocrp-not-acceptable';
    raise(state, session, event, now_ms, { cause: { by: 'local', ...cause } });
    return;
  }
  tunnel.sessionsByPeerId.set(session.peerSessionId, session);
  const refusal = tunnel.version === 3 ? refusalOfSequencing(message.avps) : undefined;
  if (refusal !== undefined) {
    const event = awaited === 'ICRP' ? 'receive-icrp-not-acceptable' : 'receive-ocrp-not-acceptable';
    raise(state, session, event, now_ms, { cause: { by: 'local', ...refusal } });
    return;
  }
  if (awaited === 'OCRP') {
    raise(state, session, 'receive-ocrp-acceptable', now_ms);
    return;
  }
  session.replied = true;
  const { peerSessionId } = session;
  state.events.push({ type: 'call-replied', tunnelId: tunnel.tunnelId, sessionId, peerSessionId, icrp: message });
}

/** What the table says to the message as such; where it ends the session, the message was out of sequence. */
function handleInTurn(state: EndpointState, session: Session, message: ControlMessage, now_ms: number): void {
  const { messageType } = message;
  const cause: CloseCause = {
    by: 'local',
    ...rulesOf(session.tunnel).outOfPlace,
    errorMessage: `${messageType} is out of place in ${session.state}`,
  };
  const event = EVENT_OF_MESSAGE[session.kind][messageType] ?? 'receive-other-kind';
  raise(state, session, event, now_ms, { cause, connected: message });
}

function causeOf(cdn: ControlMessage): CloseCause {
  return { by: 'peer', ...(cdn.avps.resultCode ?? { resultCode: 0 }) };
}

// The tables at work.

function raise(
  state: EndpointState,
  session: Session,
  event: SessionEvent,
  now_ms: number,
  occasion: Occasion = {},
): void {
  const before = session.state;
  const transition = sessionTransition(session.kind, before, event);
  session.state = transition.next;
  for (const action of transition.actions) act(state, session, action, now_ms, occasion);
  if (session.state !== 'established' || before === 'established') return;
  state.callDeadlines.set(session.sessionId, undefined);
  // The ICCN or OCCN that brought it here is told of before.
  state.flush(session.tunnel);
  const { sessionId, peerSessionId } = session;
  state.events.push({
    type: 'call-connected',
    tunnelId: session.tunnel.tunnelId,
    sessionId,
    peerSessionId,
    iccn: occasion.connected,
  });
}

function act(state: EndpointState, session: Session, action: SessionAction, now_ms: number, occasion: Occasion): void {
  const send = (messageType: MessageType, avps: AvpValues = {}) =>
    sendCallMessage(state, session, messageType, avps, now_ms);
  switch (action) {
    case 'send-icrq':
      send('ICRQ', callRequest(state, session));
      break;
    case 'send-icrp':
      send('ICRP', { ...rulesOf(session.tunnel).callReply, ...occasion.avps });
      break;
    case 'send-iccn':
      send('ICCN', occasion.avps);
      break;
    case 'send-ocrq':
      send('OCRQ', callRequest(state, session));
      break;
    case 'send-ocrp':
      send('OCRP', { ...rulesOf(session.tunnel).callReply, ...occasion.avps });
      break;
    case 'send-occn':
      send('OCCN', occasion.avps);
      break;
    case 'send-cdn':
      send('CDN', disconnectAvps(occasion));
      break;
    case 'clean-up':
      endSession(state, session, causeOrNone(occasion));
      break;
    case 'initiate-tunnel-open': // whoever places the call raises the tunnel's local open request,
    case 'open-bearer': // and whoever accepted it dials
    case 'prepare-for-data': // or opens the data path, on call-connected.
    case 'send-cdn-for-loser': // whoever found the tie refuses the peer's session,
    case 'process-as-recipient': // or goes on with its request.
      break;
  }
}

/**
 * What the ICRQ or OCRQ says. Of it the session keeps what a tie is known by, and that only where the caller has named
 * a circuit: a PPP call has none.
 */
function callRequest(state: EndpointState, session: Session): AvpValues {
  const { tunnel, request } = session;
  const { remoteEndId } = request;
  const isForCircuit = tunnel.version === 3 && remoteEndId !== undefined;
  const tieBreaker = isForCircuit ? (request.tieBreaker ?? state.random(TIE_BREAKER_BYTES)) : undefined;
  session.request = isForCircuit ? { remoteEndId, tieBreaker } : {};
  if (isForCircuit) state.openingSessions.add(session);
  return { ...rulesOf(tunnel).callRequest(state.config), ...request, tieBreaker };
}

function causeOrNone({ cause }: Occasion): CloseCause {
  if (cause === undefined) throw new Error('a session ends without a cause');
  return cause;
}

function disconnectAvps(occasion: Occasion): AvpValues {
  const { pppDisconnectCause, q931CauseCode } = occasion.disconnect ?? {};
  return {
    resultCode: resultCodeAvp(causeOrNone(occasion)),
    q931CauseCode,
    pppDisconnectCause: pppDisconnectCause && { ...pppDisconnectCause, message: shortened(pppDisconnectCause.message) },
  };
}

/** The CDN to an ICRQ or OCRQ that gets no session: the Assigned Session ID that must be in it is one that is free. */
function sendRefusal(
  state: EndpointState,
  tunnel: Tunnel,
  peerSessionId: number,
  result: CallDisconnect,
  now_ms: number,
): void {
  const { version } = tunnel;
  const ids = rulesOf(tunnel).sessionIdAvps(state.freeSessionId(versionOnWire(version)), peerSessionId);
  const avps = { resultCode: resultCodeAvp(result), ...ids };
  state.send(tunnel, { messageType: 'CDN', avps }, now_ms, { peerSessionId });
}

function endSession(state: EndpointState, session: Session, cause: CloseCause): void {
  session.state = 'idle';
  state.removeSession(session);
  const { sessionId, tunnel } = session;
  state.events.push({ type: 'call-closed', tunnelId: tunnel.tunnelId, sessionId, cause });
}
