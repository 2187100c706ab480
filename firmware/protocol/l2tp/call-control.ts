/**
 * What sessions do: the actions of session.ts's tables, for incoming and outgoing calls at both ends (RFC 2661
 * sections 5.2, 5.6, 6.6 to 6.14). Must not touch the control connection: a tunnel's state is tunnel-control.ts's; nor
 * read the peer's messages: call-messages.ts does.
 */
import { type AvpValues, allowedAvps, type ControlMessage, type MessageType } from '../../wire/avp.js';
import { refusalOfOurType } from './call-refusal.js';
import type { EndpointState } from './endpoint-state.js';
import type { CallAnswer, CallDisconnect, CloseCause } from './events.js';
import { CDN_RESULT, resultCodeAvp, shortened } from './result.js';
import { type SessionAction, type SessionEvent, sessionTransition } from './session.js';
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
  const session: Session = {
    ...{ sessionId, peerSessionId: 0, tunnel, kind, state: 'idle', request },
    ...{ peerSequencing: {}, replied: false },
  };
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

/** Those of the version in which the tunnel's calls are. */
export function rulesOf({ version }: Tunnel): VersionRules {
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

// The tables at work.

/** What the session's table says to the event, done. */
export function raise(
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

function endSession(state: EndpointState, session: Session, cause: CloseCause): void {
  session.state = 'idle';
  state.removeSession(session);
  const { sessionId, tunnel } = session;
  state.events.push({ type: 'call-closed', tunnelId: tunnel.tunnelId, sessionId, cause });
}
