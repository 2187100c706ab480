/**
 * What the peer's call messages mean for sessions (RFC 2661 sections 6.6 to 6.14, RFC 3931 sections 5.4.4 and 6.6 to
 * 6.14): which session one is for, which event of its table it is, what is refused. Must not act on a session but
 * through call-control.ts's tables.
 */
import type { AvpValues, ControlMessage, MessageType } from '../../wire/avp.js';
import { ERROR_CODE } from '../../wire/bytes.js';
import { raise, rulesOf } from './call-control.js';
import { refusalOfPeersType, refusalOfSequencing, sequencingAfter } from './call-refusal.js';
import type { EndpointState } from './endpoint-state.js';
import type { CallDisconnect, CloseCause } from './events.js';
import { CDN_RESULT, resultCodeAvp } from './result.js';
import type { CallKind, SessionEvent } from './session.js';
import { handleSessionTie } from './session-tie.js';
import type { Session, Tunnel } from './tunnel.js';
import { versionOnWire } from './version.js';

/** Shared by all sessions of which nothing is to be said. */
const NOTHING = {} as const;

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

/** The awaited ICCN or OCCN as an event where it is not acceptable; the tables have none for the OCCN. */
const UNACCEPTABLE: Readonly<Partial<Record<SessionEvent, SessionEvent>>> = {
  'receive-iccn-acceptable': 'receive-iccn-not-acceptable',
  'receive-occn': 'local-close-request',
};

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
  const peerSequencing = sequencingAfter(NOTHING, avps);
  const start = { state: 'idle', request: NOTHING, peerSequencing, replied: false } as const;
  state.addSession({ sessionId, peerSessionId, tunnel, kind, ...start }, now_ms);
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
    refusalOfSequencing({ peerSequencing: request.avps }) ??
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
  session.peerSequencing = sequencingAfter(NOTHING, message.avps);
  const refusal = refusalOfSequencing(session);
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
  const unacceptable = session.state === 'wait-connect' ? UNACCEPTABLE[event] : undefined;
  if (unacceptable !== undefined) {
    session.peerSequencing = sequencingAfter(session.peerSequencing, message.avps);
    const refusal = refusalOfSequencing(session);
    if (refusal !== undefined) {
      raise(state, session, unacceptable, now_ms, { cause: { by: 'local', ...refusal } });
      return;
    }
  }
  raise(state, session, event, now_ms, { cause, connected: message });
}

function causeOf({ avps: { resultCode = { resultCode: 0 }, pppDisconnectCause } }: ControlMessage): CloseCause {
  const disconnect = pppDisconnectCause && { disconnectCode: pppDisconnectCause.disconnectCode };
  return { by: 'peer', ...resultCode, ...disconnect };
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
