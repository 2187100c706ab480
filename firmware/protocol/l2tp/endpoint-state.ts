/**
 * All that an L2TP endpoint holds: tunnels, sessions, their IDs, limits and deadlines, and the two queues out of it,
 * events and packets. Must not know the state tables: what a message does is decided by tunnel-control.ts and
 * call-control.ts.
 */
import { type ControlMessage, type EmitOptions, emitControlMessage, type L2tpVersion } from '../../wire/avp.js';
import type { RandomBytes } from '../../wire/bytes.js';
import { emitControlPacket } from '../../wire/control-header.js';
import { DeadlineQueue } from '../deadline-queue.js';
import { Queue } from '../queue.js';
import { sealPacket } from './authentication.js';
import type { L2tpEndpointConfig, L2tpEvent, TransportPath } from './events.js';
import { ReliableDelivery, type Transmission, type Urgency } from './reliable-delivery.js';
import type { OutgoingMessage, Session, Tunnel } from './tunnel.js';
import { VERSION_RULES, versionOnWire } from './version.js';

/** IDs are 16 bits and not 0; one of the 65,535 stays free for what a refusal has to name. */
const IDS_IN_USE = 0xfffe;
/** Session IDs of version 3 are below: from here on the box counts what it carries by PPPoE. */
const SESSION_ID_END = 0xf000_0000;
const NONE_RESERVED: ReadonlySet<number> = new Set();
const RANDOM_VECTOR_BYTES = 16;
/** Tunnels that one address may have asked for and not yet established, so that one peer cannot use up all. */
const HALF_OPEN_PER_ADDRESS = 64;

/** Why a packet or message was dropped, or not answered with what it wanted. */
export const DROP_REASONS = [
  'malformed-header',
  'data-message',
  'unknown-tunnel',
  'wrong-peer-address',
  'invalid-acknowledgement',
  'duplicate',
  'outside-window',
  'version-mismatch',
  'digest-mismatch',
  'digest-missing',
  'tunnel-closed',
  'malformed-message',
  'unknown-message-type',
  'unknown-session',
  'sccrq-malformed',
  'sccrq-invalid-sequence',
  'sccrq-unsupported-version',
  'sccrq-tie-breaker',
  'sccrq-no-resources',
  'call-no-resources',
  'call-tie-breaker',
] as const;
export type DropReason = (typeof DROP_REASONS)[number];

/** A packet that is to go out: one of a tunnel gets its header when it is taken, any other is ready. */
type OutgoingPacket =
  | { readonly tunnel: Tunnel; readonly transmission: Transmission<OutgoingMessage> }
  | { readonly path: TransportPath; readonly packet: Uint8Array };

/** What a new tunnel starts with. */
export type NewTunnel = Pick<
  Tunnel,
  'version' | 'originator' | 'path' | 'secret' | 'digest' | 'hideAvps' | 'hostName' | 'tieBreaker' | 'request'
>;

export class EndpointState {
  #config: L2tpEndpointConfig;
  #reservedSessionIds: ReadonlySet<number>;
  readonly random: RandomBytes;
  readonly counters = Object.fromEntries(DROP_REASONS.map((reason) => [reason, 0])) as Record<DropReason, number>;

  readonly tunnels = new Map<number, Tunnel>();
  readonly sessions = new Map<number, Session>();
  /** Tunnels by the key of the SCCRQ that asked for them. */
  readonly tunnelsByRequest = new Map<string, Tunnel>();
  /** Tunnels whose peer writes tunnel ID 0, by pathKey; the latest of a path. */
  readonly zeroIdTunnels = new Map<string, Tunnel>();
  /** Tunnels of ours whose SCCRQ has no answer yet. */
  readonly openingTunnels = new Set<Tunnel>();
  /** Our sessions of version 3 whose ICRQ or OCRQ has no answer yet, where another may be for the same circuit. */
  readonly openingSessions = new Set<Session>();
  /** Closed tunnels that still acknowledge, the oldest first. */
  readonly closedTunnels = new Set<Tunnel>();
  /** Tunnels that a peer has asked for and not yet established, the oldest first. */
  readonly #halfOpenTunnels = new Set<Tunnel>();
  readonly tunnelDeadlines = new DeadlineQueue();
  readonly callDeadlines = new DeadlineQueue();
  readonly events = new Queue<L2tpEvent>();
  readonly #halfOpen = new Map<string, number>();
  readonly #outgoing = new Queue<OutgoingPacket>();
  readonly #unacknowledged = new Set<Tunnel>();
  /** IDs that no longer stand, but of whose end not all has been heard: an event or command may still name them. */
  readonly #unheard = { tunnels: new Set<number>(), sessions: new Set<number>() };

  constructor(config: L2tpEndpointConfig, random: RandomBytes) {
    this.#config = config;
    this.#reservedSessionIds = new Set(config.reservedSessionIds);
    this.random = random;
  }

  get config(): L2tpEndpointConfig {
    return this.#config;
  }

  set config(config: L2tpEndpointConfig) {
    this.#config = config;
    this.#reservedSessionIds = new Set(config.reservedSessionIds);
  }

  count(reason: DropReason): void {
    this.counters[reason]++;
  }

  // Tunnels.

  /** Closed tunnels do not count. */
  get hasRoomForTunnel(): boolean {
    return this.tunnels.size - this.closedTunnels.size < Math.min(this.config.maxTunnels, IDS_IN_USE);
  }

  /** True when the limits let the peer at this address have one more tunnel. */
  hasRoomForRequest(peerAddress: string): boolean {
    const halfOpen = this.#halfOpen.get(peerAddress) ?? 0;
    return this.hasRoomForTunnel && halfOpen < HALF_OPEN_PER_ADDRESS;
  }

  /**
   * The half-open tunnel that a new request may have the place of: the oldest one, when its peer has let the SCCRP and
   * its first repetition pass unanswered. So a flood of requests from invented addresses does not shut callers out.
   */
  tunnelThatGivesWay(now_ms: number): Tunnel | undefined {
    const [oldest] = this.#halfOpenTunnels;
    if (oldest?.establishBy_ms === undefined) return undefined;
    const age_ms = now_ms - (oldest.establishBy_ms - this.config.establishTimeout_ms);
    return age_ms >= 2 * this.config.retransmitInitial_ms ? oldest : undefined;
  }

  /** There must be room: the caller has looked at the limits. */
  addTunnel(start: NewTunnel, now_ms: number): Tunnel {
    const [oldest] = this.closedTunnels;
    // Every tunnel waits there for half a minute: at most as many as may be open, and never so many that IDs run out.
    const { size } = this.tunnels;
    if (oldest !== undefined && (this.closedTunnels.size >= this.config.maxTunnels || size >= IDS_IN_USE)) {
      this.forgetTunnel(oldest);
    }
    const tunnel: Tunnel = {
      ...start,
      tunnelId: this.freeTunnelId(),
      peerTunnelId: 0,
      state: 'idle',
      delivery: new ReliableDelivery(this.config),
      allowTunnelIdZero: false,
      digestKey: undefined,
      localChallenge: undefined,
      peerChallenge: undefined,
      localNonce: undefined,
      peerNonce: undefined,
      draftAvps: false,
      peerRouterId: 0,
      peerPseudowireTypes: [],
      peerHostName: '',
      peerVendorName: '',
      peerBearerCapabilities: undefined,
      sessions: new Map(),
      sessionsByPeerId: new Map(),
      lastReceived_ms: now_ms,
      establishBy_ms: now_ms + this.config.establishTimeout_ms,
      lingerUntil_ms: undefined,
    };
    this.tunnels.set(tunnel.tunnelId, tunnel);
    if (tunnel.request !== undefined) {
      this.tunnelsByRequest.set(tunnel.request.key, tunnel);
      this.#halfOpenTunnels.add(tunnel);
      this.#halfOpen.set(tunnel.path.peerAddress, (this.#halfOpen.get(tunnel.path.peerAddress) ?? 0) + 1);
    }
    this.events.push({ type: 'tunnel-allocated', tunnelId: tunnel.tunnelId, path: tunnel.path });
    return tunnel;
  }

  /** The tunnel is established or closed: its time to get there is over, and it is no longer half-open. */
  settleTunnel(tunnel: Tunnel): void {
    if (tunnel.establishBy_ms === undefined) return;
    tunnel.establishBy_ms = undefined;
    this.openingTunnels.delete(tunnel);
    if (tunnel.request === undefined) return;
    this.#halfOpenTunnels.delete(tunnel);
    const { peerAddress } = tunnel.path;
    const others = (this.#halfOpen.get(peerAddress) ?? 0) - 1;
    if (others > 0) this.#halfOpen.set(peerAddress, others);
    else this.#halfOpen.delete(peerAddress);
  }

  /** A repeated SCCRQ is no longer this tunnel's. */
  releaseRequest(tunnel: Tunnel): void {
    const key = tunnel.request?.key;
    if (key !== undefined && this.tunnelsByRequest.get(key) === tunnel) this.tunnelsByRequest.delete(key);
  }

  forgetTunnel(tunnel: Tunnel): void {
    this.settleTunnel(tunnel);
    this.releaseRequest(tunnel);
    const key = pathKey(tunnel.path);
    if (this.zeroIdTunnels.get(key) === tunnel) this.zeroIdTunnels.delete(key);
    this.tunnels.delete(tunnel.tunnelId);
    this.#unheard.tunnels.add(tunnel.tunnelId);
    this.closedTunnels.delete(tunnel);
    this.#unacknowledged.delete(tunnel);
    this.tunnelDeadlines.set(tunnel.tunnelId, undefined);
    this.events.push({ type: 'tunnel-forgotten', tunnelId: tunnel.tunnelId });
  }

  movePath(tunnel: Tunnel, path: TransportPath): void {
    const key = pathKey(tunnel.path);
    tunnel.path = path;
    if (this.zeroIdTunnels.get(key) === tunnel) {
      this.zeroIdTunnels.delete(key);
      this.zeroIdTunnels.set(pathKey(path), tunnel);
    }
    this.events.push({ type: 'tunnel-path-changed', tunnelId: tunnel.tunnelId, path });
  }

  /** Random, so that a stale peer never hits a new tunnel. */
  freeTunnelId(): number {
    return this.#freeId(this.tunnels, this.#unheard.tunnels, NONE_RESERVED);
  }

  /** An ID for a tunnel whose end is its only event. */
  passingTunnelId(): number {
    const tunnelId = this.freeTunnelId();
    this.#unheard.tunnels.add(tunnelId);
    return tunnelId;
  }

  // Sessions.

  get hasRoomForSession(): boolean {
    const ids = IDS_IN_USE - this.#reservedSessionIds.size;
    return this.sessions.size < Math.min(this.config.maxSessions, ids);
  }

  /** Those of version 3 are above 65,535, so that they never meet one of version 2. */
  freeSessionId(version: L2tpVersion): number {
    const reserved = this.#reservedSessionIds;
    if (version === 2) return this.#freeId(this.sessions, this.#unheard.sessions, reserved);
    for (;;) {
      const octets = this.random(4);
      const id = new DataView(octets.buffer, octets.byteOffset, 4).getUint32(0);
      const isTaken = this.sessions.has(id) || this.#unheard.sessions.has(id) || reserved.has(id);
      if (id > 0xffff && id < SESSION_ID_END && !isTaken) return id;
    }
  }

  /** An ID for a session whose end is its only event. */
  passingSessionId(): number {
    const sessionId = this.freeSessionId(2);
    this.#unheard.sessions.add(sessionId);
    return sessionId;
  }

  addSession(session: Session, now_ms: number): void {
    this.sessions.set(session.sessionId, session);
    session.tunnel.sessions.set(session.sessionId, session);
    if (session.peerSessionId !== 0) session.tunnel.sessionsByPeerId.set(session.peerSessionId, session);
    this.callDeadlines.set(session.sessionId, now_ms + this.config.establishTimeout_ms);
  }

  removeSession(session: Session): void {
    this.sessions.delete(session.sessionId);
    this.openingSessions.delete(session);
    this.#unheard.sessions.add(session.sessionId);
    session.tunnel.sessions.delete(session.sessionId);
    const { sessionsByPeerId } = session.tunnel;
    if (sessionsByPeerId.get(session.peerSessionId) === session) sessionsByPeerId.delete(session.peerSessionId);
    this.callDeadlines.set(session.sessionId, undefined);
  }

  // Messages in and out.

  pollEvent(): L2tpEvent | undefined {
    const event = this.events.shift();
    if (event !== undefined) return event;
    this.#unheard.tunnels.clear();
    this.#unheard.sessions.clear();
    return undefined;
  }

  /** Tells the trace; `sessionId` is ours, 0 for what concerns the tunnel. */
  noteReceived(tunnel: Tunnel, sessionId: number, message: ControlMessage): void {
    const { tunnelId, path } = tunnel;
    this.events.push({
      type: 'message',
      direction: 'received',
      tunnelId,
      sessionId,
      path,
      message,
      retransmission: false,
    });
  }

  /** Queues a message on the tunnel; `flush` must follow before the turn ends. */
  send(
    tunnel: Tunnel,
    message: ControlMessage,
    now_ms: number,
    to: { session?: Session; peerSessionId?: number; urgency?: Urgency } = {},
  ): void {
    const dialect = message.messageType === 'SCCRQ' ? tunnel.version : versionOnWire(tunnel.version);
    const { draftAvps, digest } = tunnel;
    const hiding = this.#hiding(tunnel, message);
    const options = dialect === 2 ? { dialect, hiding } : { dialect, hiding, draftAvps, digest };
    const outgoing: OutgoingMessage = {
      message,
      body: emitControlMessage(message, options),
      peerSessionId: to.session?.peerSessionId ?? to.peerSessionId ?? 0,
      localSessionId: to.session?.sessionId ?? 0,
    };
    tunnel.delivery.send(outgoing, now_ms, to.urgency);
  }

  /** A packet that belongs to no tunnel, or not to its usual path. */
  sendPacket(path: TransportPath, packet: Uint8Array): void {
    this.#outgoing.push({ path, packet });
  }

  /** Takes over what the tunnel's delivery has ready, and sets its timer anew: ends every input for a tunnel. */
  flush(tunnel: Tunnel): void {
    const { delivery, tunnelId, path } = tunnel;
    for (let next = delivery.pollTransmission(); next !== undefined; next = delivery.pollTransmission()) {
      this.#outgoing.push({ tunnel, transmission: next });
      const { message, localSessionId: sessionId } = next.message;
      const { retransmission } = next;
      this.events.push({ type: 'message', direction: 'sent', tunnelId, sessionId, path, message, retransmission });
    }
    if (!this.tunnels.has(tunnelId)) return;
    if (delivery.acknowledgementDue && mayAcknowledge(tunnel)) this.#unacknowledged.add(tunnel);
    this.tunnelDeadlines.set(tunnelId, this.#tunnelDeadline_ms(tunnel));
  }

  /** Messages first; then an acknowledgement for each tunnel where no message has carried the acknowledgement. */
  pollTransmit(): { path: TransportPath; packet: Uint8Array } | undefined {
    const next = this.#outgoing.shift();
    if (next !== undefined) {
      if ('packet' in next) return next;
      const { ns, message } = next.transmission;
      return this.#packetOf(next.tunnel, message, ns);
    }
    for (const tunnel of this.#unacknowledged) return this.emitAcknowledgement(tunnel);
    return undefined;
  }

  /** What acknowledges and says nothing else: a ZLB (RFC 2661 section 5.8) or ACK (RFC 3931 section 6.15). */
  emitAcknowledgement(tunnel: Tunnel): { path: TransportPath; packet: Uint8Array } {
    const { version, digest, draftAvps } = tunnel;
    const ack: ControlMessage = { messageType: 'ACK', avps: {} };
    const byMessage = VERSION_RULES[versionOnWire(version)].acknowledgesByMessage;
    const body = byMessage ? emitControlMessage(ack, { dialect: 3, digest, draftAvps }) : new Uint8Array(0);
    return this.#packetOf(tunnel, { message: ack, body, peerSessionId: 0, localSessionId: 0 }, tunnel.delivery.nextNs);
  }

  /** When a HELLO is due, unless something comes before. */
  helloDue_ms(tunnel: Tunnel): number | undefined {
    if (tunnel.state !== 'established' || !tunnel.delivery.idle) return undefined;
    return tunnel.lastReceived_ms + this.config.helloInterval_ms;
  }

  #packetOf(
    tunnel: Tunnel,
    { message, body, peerSessionId: sessionId }: OutgoingMessage,
    ns: number,
  ): { path: TransportPath; packet: Uint8Array } {
    const { delivery, peerTunnelId: controlConnectionId, path } = tunnel;
    delivery.noteAcknowledged();
    this.#unacknowledged.delete(tunnel);
    const isRequest = message.messageType === 'SCCRQ';
    const version = versionOnWire(tunnel.version);
    const packet = emitControlPacket({ version, controlConnectionId, sessionId, ns, nr: delivery.nr }, body);
    sealPacket(tunnel, packet, isRequest);
    return { path, packet };
  }

  /** Neither may be hidden from a peer that must find the tunnel, and with it the secret, by what is in the message. */
  #hiding(tunnel: Tunnel, message: ControlMessage): EmitOptions['hiding'] {
    if (!tunnel.hideAvps || tunnel.secret === undefined) return undefined;
    if (message.messageType === 'SCCRQ' || message.messageType === 'StopCCN') return undefined;
    return { secret: tunnel.secret, randomVector: this.random(RANDOM_VECTOR_BYTES) };
  }

  #tunnelDeadline_ms(tunnel: Tunnel): number {
    return Math.min(
      tunnel.delivery.deadline_ms ?? Number.POSITIVE_INFINITY,
      tunnel.lingerUntil_ms ?? tunnel.establishBy_ms ?? Number.POSITIVE_INFINITY,
      this.helloDue_ms(tunnel) ?? Number.POSITIVE_INFINITY,
    );
  }

  /** From a random start the next ID that is free and, as long as there is one, not `unheard`; one must be free. */
  #freeId(taken: ReadonlyMap<number, unknown>, unheard: ReadonlySet<number>, reserved: ReadonlySet<number>): number {
    if (taken.size > IDS_IN_USE) throw new Error('no ID is free');
    const avoids = taken.size + unheard.size + reserved.size <= IDS_IN_USE;
    const [high, low] = this.random(2);
    let id = (high << 8) | low;
    while (id === 0 || taken.has(id) || reserved.has(id) || (avoids && unheard.has(id))) id = (id + 1) & 0xffff;
    return id;
  }
}

/**
 * A peer that has asked for version 3 is not acknowledged before it is answered: our first packet tells it our nonce,
 * and which version it is (RFC 3931 sections 4.3 and 4.7.3).
 */
function mayAcknowledge({ version, originator, state, lingerUntil_ms }: Tunnel): boolean {
  return version !== 3 || originator || state !== 'idle' || lingerUntil_ms !== undefined;
}

/** What a peer is known by before it has named itself. */
export function pathKey(path: TransportPath): string {
  return `${path.peerAddress} ${path.peerPort}`;
}

/** A repeated SCCRQ comes from the same place with the same Assigned Tunnel ID (or Assigned Control Connection ID). */
export function requestKey(path: TransportPath, version: L2tpVersion, assignedTunnelId: number): string {
  return `${pathKey(path)} ${version} ${assignedTunnelId}`;
}
