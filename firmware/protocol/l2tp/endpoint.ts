/**
 * The L2TP endpoint, RFC 2661 and RFC 3931: all tunnels and sessions of the box behind handle… and poll…. This file takes
 * packets apart as far as the tunnel and hands on; what a message does stands in tunnel-control.ts, call-messages.ts and
 * tunnel-request.ts. Must do no I/O and read no clock.
 */

import type { AvpValues } from '../../wire/avp.js';
import { type ControlMessage, ControlMessageError, parseControlMessage } from '../../wire/avp.js';
import { ProtocolError, type RandomBytes } from '../../wire/bytes.js';
import { type ControlHeader, parseControlHeader } from '../../wire/control-header.js';
import { checkPacketDigest, sameOctets } from './authentication.js';
import { answerCall, beginCall, closeCall, connectCall, handleCallTimeout, sendCallMessage } from './call-control.js';
import { handleCallMessage, refuseMalformedCall } from './call-messages.js';
import { EndpointState } from './endpoint-state.js';
import type {
  CallAnswer,
  CallDisconnect,
  CloseCause,
  DisconnectResult,
  L2tpEndpointConfig,
  L2tpEvent,
  TransportPath,
  TunnelAnswer,
  TunnelStatus,
} from './events.js';
import { CDN_RESULT, STOP_RESULT } from './result.js';
import type { IncomingMessage, Session, Tunnel } from './tunnel.js';
import {
  answerTunnel,
  closeTunnel,
  handleTunnelMessage,
  handleTunnelTimeout,
  openTunnel,
  requestOpen,
  stopForError,
  stopForSequence,
  type TunnelRequest,
} from './tunnel-control.js';
import { handleUnnamed } from './tunnel-request.js';
import { isAcknowledgement, VERSION_RULES, versionOnWire } from './version.js';

export type * from './events.js';

/**
 * Inputs are packets, time and the commands of the roles; outputs are polled: events in their order, packets, and the
 * next deadline. Commands that name a tunnel or session which is gone by now do nothing: its end is among the events.
 */
export class L2tpEndpoint {
  readonly #state: EndpointState;

  constructor(config: L2tpEndpointConfig, random: RandomBytes) {
    this.#state = new EndpointState(checked(config), random);
  }

  /** Dropped packets and messages, by reason, since the start. */
  get counters(): Readonly<Record<string, number>> {
    return this.#state.counters;
  }

  /** Takes a new configuration into force for what begins from now on; limits do not end what stands. */
  configure(config: L2tpEndpointConfig): void {
    this.#state.config = checked(config);
  }

  // Inputs.

  /** A control packet as it came. Whatever it holds, this throws nothing. */
  handlePacket(packet: Uint8Array, path: TransportPath, now_ms: number): void {
    const header = this.#parseHeader(packet);
    if (header === undefined) return;
    const message = packet.slice(0, header.payloadEnd);
    if (header.controlConnectionId === 0) {
      const tunnel = handleUnnamed(this.#state, header, message, path, now_ms);
      if (tunnel !== undefined) this.#deliver(tunnel, header, message, path, now_ms);
      return;
    }
    const tunnel = this.#state.tunnels.get(header.controlConnectionId);
    if (tunnel === undefined) this.#state.count('unknown-tunnel');
    else if (!isFromPeer(tunnel, path)) this.#state.count('wrong-peer-address');
    else this.#deliver(tunnel, header, message, path, now_ms);
  }

  /** To be called when the time of pollTimeout has come. */
  handleTimeout(now_ms: number): void {
    const { tunnelDeadlines, callDeadlines, tunnels, sessions } = this.#state;
    for (let id = callDeadlines.takeDue(now_ms); id !== undefined; id = callDeadlines.takeDue(now_ms)) {
      const session = sessions.get(id);
      if (session === undefined) continue;
      handleCallTimeout(this.#state, session, now_ms);
      this.#state.flush(session.tunnel);
    }
    for (let id = tunnelDeadlines.takeDue(now_ms); id !== undefined; id = tunnelDeadlines.takeDue(now_ms)) {
      const tunnel = tunnels.get(id);
      if (tunnel === undefined) continue;
      handleTunnelTimeout(this.#state, tunnel, now_ms);
      this.#state.flush(tunnel);
    }
  }

  /** Data came from the peer: no HELLO is needed, and none that it ignores ends the tunnel (section 5.5). */
  noteTraffic(tunnelId: number, now_ms: number): void {
    const tunnel = this.#state.tunnels.get(tunnelId);
    if (tunnel === undefined) return;
    tunnel.lastReceived_ms = now_ms;
    tunnel.delivery.noteLife(now_ms);
  }

  // Tunnels.

  /** Sends an SCCRQ. Gives the tunnel's ID; one that finds no room is closed at once, with result 2, error 4. */
  openTunnel(request: TunnelRequest, now_ms: number): number {
    if (!this.#state.hasRoomForTunnel) {
      const tunnelId = this.#state.passingTunnelId();
      const cause: CloseCause = { by: 'local', resultCode: STOP_RESULT.generalError, errorCode: 4 };
      this.#state.events.push({ type: 'tunnel-closed', tunnelId, cause });
      return tunnelId;
    }
    const tunnel = openTunnel(this.#state, request, now_ms);
    this.#state.flush(tunnel);
    return tunnel.tunnelId;
  }

  /** Answers tunnel-requested: SCCRP or StopCCN. With a secret the peer is challenged and must answer right. */
  answerTunnel(tunnelId: number, answer: TunnelAnswer, now_ms: number): void {
    this.#withTunnel(tunnelId, (tunnel) => answerTunnel(this.#state, tunnel, answer, now_ms));
  }

  /** Sends StopCCN and ends all sessions of the tunnel. */
  closeTunnel(tunnelId: number, result: DisconnectResult, now_ms: number): void {
    this.#withTunnel(tunnelId, (tunnel) => closeTunnel(this.#state, tunnel, result, now_ms));
  }

  // Calls.

  /** Sends an ICRQ as soon as the tunnel is open. Gives the session's ID; a call that cannot be is closed at once. */
  placeCall(tunnelId: number, icrq: AvpValues, now_ms: number): number {
    return this.#place(tunnelId, 'lac-incoming', icrq, now_ms);
  }

  /** Answers call-requested: ICRP or CDN. */
  answerCall(sessionId: number, answer: CallAnswer, now_ms: number): void {
    this.#withSession(sessionId, (session) => answerCall(this.#state, session, answer, now_ms));
  }

  /** Answers call-replied: ICCN. */
  connectCall(sessionId: number, iccn: AvpValues, now_ms: number): void {
    this.#withSession(sessionId, (session) => connectCall(this.#state, session, iccn, now_ms));
  }

  /** Ends a call at any stage, with CDN where the peer knows of it. */
  closeCall(sessionId: number, result: CallDisconnect, now_ms: number): void {
    this.#withSession(sessionId, (session) => closeCall(this.#state, session, result, now_ms));
  }

  /** Sends an OCRQ as soon as the tunnel is open; as placeCall. */
  placeOutgoingCall(tunnelId: number, ocrq: AvpValues, now_ms: number): number {
    return this.#place(tunnelId, 'lns-outgoing', ocrq, now_ms);
  }

  /** Answers outgoing-call-requested: OCRP or CDN. */
  answerOutgoingCall(sessionId: number, answer: CallAnswer, now_ms: number): void {
    this.answerCall(sessionId, answer, now_ms);
  }

  /** The call that an OCRQ asked for was answered: OCCN. */
  connectOutgoingCall(sessionId: number, occn: AvpValues, now_ms: number): void {
    this.connectCall(sessionId, occn, now_ms);
  }

  /** SLI: the ACCM, LNS to LAC; in version 3 the circuit's status, both ways (RFC 3931 section 6.14). */
  sendSetLinkInfo(sessionId: number, info: Pick<AvpValues, 'accm' | 'circuitStatus'>, now_ms: number): void {
    this.#withSession(sessionId, (session) => sendCallMessage(this.#state, session, 'SLI', info, now_ms));
  }

  /** WEN, LAC to LNS. */
  sendWanErrorNotify(sessionId: number, callErrors: NonNullable<AvpValues['callErrors']>, now_ms: number): void {
    this.#withSession(sessionId, (session) => sendCallMessage(this.#state, session, 'WEN', { callErrors }, now_ms));
  }

  // Outputs.

  /** The next packet to send. Acknowledgements come last, for what no message has acknowledged by then. */
  pollTransmit(): { path: TransportPath; packet: Uint8Array } | undefined {
    return this.#state.pollTransmit();
  }

  pollEvent(): L2tpEvent | undefined {
    return this.#state.pollEvent();
  }

  /** When handleTimeout must be called, in ms. */
  pollTimeout(): number | undefined {
    const { tunnelDeadlines, callDeadlines } = this.#state;
    const next_ms = Math.min(
      tunnelDeadlines.next_ms() ?? Number.POSITIVE_INFINITY,
      callDeadlines.next_ms() ?? Number.POSITIVE_INFINITY,
    );
    return next_ms === Number.POSITIVE_INFINITY ? undefined : next_ms;
  }

  // What stands.

  /** Tunnels that are not closed. */
  *tunnels(): Iterable<TunnelStatus> {
    for (const tunnel of this.#state.tunnels.values()) {
      if (tunnel.lingerUntil_ms === undefined) yield statusOf(tunnel);
    }
  }

  /** One tunnel, closed ones included until they are forgotten. */
  tunnel(tunnelId: number): TunnelStatus | undefined {
    const tunnel = this.#state.tunnels.get(tunnelId);
    return tunnel && statusOf(tunnel);
  }

  /** The IDs of a tunnel's sessions. */
  sessionsOf(tunnelId: number): number[] {
    return [...(this.#state.tunnels.get(tunnelId)?.sessions.keys() ?? [])];
  }

  // From packet to message.

  #parseHeader(packet: Uint8Array): ControlHeader | undefined {
    try {
      if (packet.length === 0 || (packet[0] & 0x80) !== 0) return parseControlHeader(packet);
      this.#state.count('data-message');
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.#state.count('malformed-header');
    }
    return undefined;
  }

  /** A packet that is for this tunnel by its IDs and its peer's address. */
  #deliver(tunnel: Tunnel, header: ControlHeader, packet: Uint8Array, path: TransportPath, now_ms: number): void {
    if (!this.#isAuthentic(tunnel, header, packet)) return;
    const { delivery } = tunnel;
    const body = packet.subarray(header.payloadOffset);
    const { version, sessionId } = header;
    const current = delivery.isCurrent(header.ns, header.nr);
    const message: IncomingMessage | undefined = isAcknowledgement(version, body)
      ? undefined
      : { version, sessionId, body };
    const reception = delivery.receive(header.ns, header.nr, message, now_ms);
    if (reception === 'invalid-acknowledgement' || reception === 'outside-window') {
      this.#state.count(reception);
    } else {
      tunnel.lastReceived_ms = now_ms;
      if (current) this.#learnPath(tunnel, path);
    }
    if (reception === 'duplicate') this.#acknowledgeDuplicate(tunnel, path);
    for (let next = delivery.pollDelivered(); next !== undefined; next = delivery.pollDelivered()) {
      this.#handleMessage(tunnel, next, now_ms);
    }
    this.#state.flush(tunnel);
  }

  /** Whether the packet is of the tunnel's version, once that is decided, and of its peer. */
  #isAuthentic(tunnel: Tunnel, header: ControlHeader, packet: Uint8Array): boolean {
    const isRequest = tunnel.request !== undefined && sameOctets(tunnel.request.packet, packet);
    if (tunnel.version !== 'auto' && tunnel.version !== header.version && !isRequest) {
      this.#state.count('version-mismatch');
      return false;
    }
    if (header.version === 2) return true;
    const verdict = checkPacketDigest(tunnel, header, packet);
    if (verdict !== 'valid') this.#state.count(verdict);
    return verdict === 'valid';
  }

  /**
   * The peer's port may change (NAT, MikroTik); its address may not, and ours stays the one that was dialled, unless
   * we dialled and did not know it.
   */
  #learnPath(tunnel: Tunnel, { localAddress, peerPort }: TransportPath): void {
    const { path } = tunnel;
    if (path.peerPort === peerPort && (path.localAddress !== '' || localAddress === '')) return;
    this.#state.movePath(tunnel, { ...path, localAddress: path.localAddress || localAddress, peerPort });
  }

  /** A repetition may come from a port that we shall only believe in with the next message: it is answered there. */
  #acknowledgeDuplicate(tunnel: Tunnel, { peerPort }: TransportPath): void {
    this.#state.count('duplicate');
    if (peerPort === tunnel.path.peerPort) return;
    const { packet } = this.#state.emitAcknowledgement(tunnel);
    this.#state.sendPacket({ ...tunnel.path, peerPort }, packet);
  }

  /** One message, in its turn. */
  #handleMessage(tunnel: Tunnel, { version, sessionId, body }: IncomingMessage, now_ms: number): void {
    if (tunnel.lingerUntil_ms !== undefined) {
      this.#state.count('tunnel-closed');
      return;
    }
    // The first message of the peer is its answer, and decides (RFC 3931 section 4.7.3).
    if (tunnel.version === 'auto') tunnel.version = version;
    const message = this.#parseMessage(tunnel, sessionId, body, now_ms);
    if (message === undefined) return;
    if (!isCallMessage(message)) handleTunnelMessage(this.#state, tunnel, message, now_ms);
    else if (tunnel.state === 'established') {
      const named = VERSION_RULES[version].namedSessionId(sessionId, message.avps);
      handleCallMessage(this.#state, tunnel, named, message, now_ms);
    } else stopForSequence(this.#state, tunnel, message, now_ms);
  }

  /** Undefined where nothing is left to be done: the message was to be ignored, or its error has been answered. */
  #parseMessage(tunnel: Tunnel, sessionId: number, body: Uint8Array, now_ms: number): ControlMessage | undefined {
    try {
      const message = parseControlMessage(body, { version: versionOnWire(tunnel.version), secret: tunnel.secret });
      if (message !== null) {
        if (message.draftAvps) tunnel.draftAvps = true;
        return message;
      }
      this.#state.count('unknown-message-type');
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.#state.count('malformed-message');
      this.#answerError(tunnel, sessionId, error, now_ms);
    }
    return undefined;
  }

  /** RFC 2661 sections 4.1 and 7.1: what a session's message does wrong ends the session, all else the tunnel. */
  #answerError(tunnel: Tunnel, sessionId: number, error: ProtocolError, now_ms: number): void {
    const message = error instanceof ControlMessageError ? error : undefined;
    const isStop = message?.messageType === 'StopCCN' || message?.messageType === 'CDN';
    const cause: CloseCause = {
      by: isStop ? 'peer' : 'local',
      resultCode: error.resultCode,
      errorCode: error.errorCode,
      errorMessage: error.message,
    };
    if (message !== undefined && isCallMessage(message) && tunnel.state === 'established') {
      const named = VERSION_RULES[versionOnWire(tunnel.version)].namedSessionId(sessionId, message.avps);
      if (refuseMalformedCall(this.#state, tunnel, named, message, cause, now_ms)) return;
    }
    stopForError(this.#state, tunnel, message, cause, now_ms);
  }

  // From the roles' commands to tunnels and sessions.

  #withTunnel(tunnelId: number, command: (tunnel: Tunnel) => void): void {
    const tunnel = this.#state.tunnels.get(tunnelId);
    if (tunnel === undefined || tunnel.lingerUntil_ms !== undefined) return;
    command(tunnel);
    this.#state.flush(tunnel);
  }

  #withSession(sessionId: number, command: (session: Session) => void): void {
    const session = this.#state.sessions.get(sessionId);
    if (session === undefined) return;
    command(session);
    this.#state.flush(session.tunnel);
  }

  #place(tunnelId: number, kind: 'lac-incoming' | 'lns-outgoing', request: AvpValues, now_ms: number): number {
    const tunnel = this.#state.tunnels.get(tunnelId);
    if (tunnel === undefined || tunnel.lingerUntil_ms !== undefined) {
      return this.#closedCall(tunnelId, { resultCode: CDN_RESULT.generalError, errorCode: 1 });
    }
    if (!this.#state.hasRoomForSession) return this.#closedCall(tunnelId, { resultCode: CDN_RESULT.noFacilities });
    const { sessionId } = beginCall(this.#state, tunnel, kind, request, now_ms);
    requestOpen(this.#state, tunnel, now_ms);
    this.#state.flush(tunnel);
    return sessionId;
  }

  #closedCall(tunnelId: number, result: DisconnectResult): number {
    const sessionId = this.#state.passingSessionId();
    this.#state.events.push({ type: 'call-closed', tunnelId, sessionId, cause: { by: 'local', ...result } });
    return sessionId;
  }
}

/** The peer's port may change (NAT, MikroTik), its address and what carries the packets may not. */
function isFromPeer({ path }: Tunnel, { encapsulation, peerAddress }: TransportPath): boolean {
  return path.peerAddress === peerAddress && path.encapsulation === encapsulation;
}

/** RFC 2661 section 3.2: call management and what follows it in the list belong to a session. */
function isCallMessage({ messageType }: ControlMessage): boolean {
  switch (messageType) {
    case 'SCCRQ':
    case 'SCCRP':
    case 'SCCCN':
    case 'StopCCN':
    case 'HELLO':
      return false;
    default:
      return true;
  }
}

function statusOf(tunnel: Tunnel): TunnelStatus {
  const { tunnelId, peerTunnelId, version, state, path, originator } = tunnel;
  const { peerHostName, peerVendorName, peerRouterId, peerPseudowireTypes, sessions } = tunnel;
  const peer = { peerTunnelId, peerHostName, peerVendorName, peerRouterId, peerPseudowireTypes };
  return { tunnelId, ...peer, version, state, path, originator, sessionCount: sessions.size };
}

/** Throws for a configuration under which the endpoint cannot run: settings have been checked before. */
function checked(config: L2tpEndpointConfig): L2tpEndpointConfig {
  const { hostName, receiveWindow, helloInterval_ms, retransmitInitial_ms } = config;
  if (hostName === '') throw new RangeError('hostName is empty');
  if (receiveWindow < 1 || receiveWindow > 0x8000) throw new RangeError(`receiveWindow ${receiveWindow}`);
  if (helloInterval_ms <= 0) throw new RangeError(`helloInterval_ms ${helloInterval_ms}`);
  if (retransmitInitial_ms <= 0) throw new RangeError(`retransmitInitial_ms ${retransmitInitial_ms}`);
  return config;
}
