/**
 * Ethernet pseudowires (RFC 3931, RFC 4719): version 3 sessions that end in a TAP device. Either this box asks for the
 * session and keeps it up, or it waits for a peer's ICRQ with the right Remote End ID, or IDs and cookies are given and
 * no control message is exchanged (RFC 3931 section 3.4, a manually configured session). No I/O.
 */
import type { L2tpEvent, TransportPath } from '../protocol/l2tp/endpoint.js';
import { type AvpValues, CIRCUIT_STATUS, PSEUDOWIRE_TYPE } from '../wire/avp.js';
import { latin1, octets } from '../wire/bytes.js';
import { type AgreedTerms, agreedTerms, changedTerms, type DataTerms, localTerms, termsAvps } from './data-terms.js';
import { Dialler, type DialTarget } from './dialler.js';
import type { PeerTunnels } from './peer-tunnels.js';
import type { ForwardingRow, RoleContext } from './role.js';

/** Result Codes of a CDN: RFC 3931 section 5.4.2, and RFC 4667 for the last one. */
const CDN = { administrative: 3, temporarilyUnavailable: 4, invalidDestination: 6, mtuMismatch: 23 } as const;

/** What a session that is negotiated starts from. */
interface NegotiatedEnds {
  remoteEndId: string;
  /** Of the cookie that we assign: 0, 4 or 8. */
  cookie_bytes: number;
  /** We want the frames that come numbered. */
  sequencing: boolean;
}

export type PseudowireEnds =
  | ({ mode: 'dial' } & DialTarget & NegotiatedEnds)
  /** `peerAddress`: '' for whoever knows the Remote End ID. */
  | ({ mode: 'listen'; peerAddress: string } & NegotiatedEnds)
  | { mode: 'static'; path: TransportPath; sessionId: number; peerSessionId: number; terms: AgreedTerms };

export interface PseudowireConfig {
  /** Unique. */
  name: string;
  /** RFC 4719 section 2.1. */
  pseudowireType: typeof PSEUDOWIRE_TYPE.ethernet | typeof PSEUDOWIRE_TYPE.ethernetVlan;
  /** Of the tag on the wire, where the type is Ethernet VLAN; else 0. */
  vlanId: number;
  /** Index of its TAP device. */
  tun: number;
  /** Of frames, without their header and tags. */
  mtu_bytes: number;
  ends: PseudowireEnds;
}

/** What the status page shows of a pseudowire. IDs are 0 and `path` is undefined while there is no session. */
export interface PseudowireStatus {
  name: string;
  state: 'waiting' | 'dialling' | 'listening' | 'up' | 'down';
  /** Why it is not up, in words; '' while all is well. */
  lastFailure: string;
  redialAt_ms: number | undefined;
  tunnelId: number;
  sessionId: number;
  generation: number;
  peerSessionId: number;
  path: TransportPath | undefined;
  /** The A bit of the peer's Circuit Status; true of a static one, of which nothing is heard. */
  peerActive: boolean;
  since_ms: number;
}

interface Session {
  sessionId: number;
  generation: number;
  /** 0: static. */
  tunnelId: number;
  peerSessionId: number;
  path: TransportPath;
  terms: DataTerms | undefined;
  hasRow: boolean;
  isConnected: boolean;
  /** The A bit of Circuit Status: the peer's, and ours as it has been told. */
  peerActive: boolean;
  toldActive: boolean;
  since_ms: number;
}

interface Pseudowire {
  config: PseudowireConfig;
  dialler: Dialler | undefined;
  session: Session | undefined;
  /** Whether frames pass, as last told. */
  isUp: boolean;
  lastFailure: string;
}

export class Pseudowires {
  readonly #context: RoleContext;
  readonly #tunnels: PeerTunnels;
  readonly #wires = new Map<string, Pseudowire>();
  readonly #byTunnel = new Map<number, Pseudowire>();
  readonly #bySession = new Map<number, Pseudowire>();
  /** TAP devices that are there, by index. */
  readonly #devices = new Set<number>();

  constructor(context: RoleContext, tunnels: PeerTunnels) {
    this.#context = context;
    this.#tunnels = tunnels;
  }

  /** Those new in `configs` begin, those that are gone end, changed ones end and begin anew. */
  configure(configs: readonly PseudowireConfig[], now_ms: number): void {
    const wanted = new Map(configs.map((config) => [config.name, config]));
    for (const [name, wire] of [...this.#wires]) {
      const config = wanted.get(name);
      if (config !== undefined && isSameConfig(config, wire.config)) continue;
      this.#wires.delete(name);
      this.#end(wire, config === undefined ? 'the pseudowire was switched off' : 'the pseudowire was changed', now_ms);
    }
    for (const config of configs) if (!this.#wires.has(config.name)) this.#begin(config, now_ms);
  }

  /** Whether peers may open tunnels for one of them. */
  get listens(): boolean {
    for (const { config } of this.#wires.values()) if (config.ends.mode === 'listen') return true;
    return false;
  }

  /** A TAP device has come or gone: the circuit behind the session is active or not (RFC 3931 section 5.4.5). */
  deviceChanged(tun: number, isThere: boolean, now_ms: number): void {
    if (this.#devices.has(tun) === isThere) return;
    if (isThere) this.#devices.add(tun);
    else this.#devices.delete(tun);
    for (const wire of this.#wires.values()) {
      if (wire.config.tun !== tun) continue;
      this.#tellCircuit(wire, now_ms);
      // Without a session the device alone says nothing of what is wrong, but that it is missing.
      if (wire.session?.isConnected || !isThere) this.#settle(wire, isThere ? PEER_INACTIVE : 'its TAP device is gone');
      else wire.lastFailure = '';
    }
  }

  /** By SLI, where the peer was last told otherwise. */
  #tellCircuit({ session, config }: Pseudowire, now_ms: number): void {
    const isActive = this.#devices.has(config.tun);
    if (session === undefined || session.tunnelId === 0) return;
    if (!session.isConnected || session.toldActive === isActive) return;
    session.toldActive = isActive;
    const circuitStatus = isActive ? CIRCUIT_STATUS.active : 0;
    this.#context.endpoint.sendSetLinkInfo(session.sessionId, { circuitStatus }, now_ms);
  }

  /** The pseudowire that opened the tunnel. */
  tunnelName(tunnelId: number): string {
    return this.#byTunnel.get(tunnelId)?.config.name ?? '';
  }

  /** Whether a message of this tunnel and session (0: of the tunnel itself) is about a pseudowire. */
  owns(tunnelId: number, sessionId: number): boolean {
    return this.#bySession.has(sessionId) || this.#byTunnel.has(tunnelId);
  }

  /** The tunnel of a session, 0 for a static one and for those of others. */
  tunnelOf(sessionId: number): number {
    return this.#bySession.get(sessionId)?.session?.tunnelId ?? 0;
  }

  *statuses(): Iterable<PseudowireStatus> {
    for (const wire of this.#wires.values()) yield statusOf(wire);
  }

  nextDeadline_ms(): number | undefined {
    let next: number | undefined;
    for (const { dialler } of this.#wires.values()) {
      const deadline_ms = dialler?.deadline_ms;
      if (deadline_ms !== undefined && (next === undefined || deadline_ms < next)) next = deadline_ms;
    }
    return next;
  }

  handleTimeout(now_ms: number): void {
    for (const { dialler } of this.#wires.values()) {
      if (!dialler?.takeDue(now_ms)) continue;
      if (dialler.phase === 'idle') dialler.dial(now_ms);
      else dialler.close('the session did not come up in time', now_ms);
    }
  }

  /** The session's packets go and come elsewhere from now on. */
  pathChanged(sessionId: number, path: TransportPath): void {
    const session = this.#bySession.get(sessionId)?.session;
    if (session === undefined) return;
    session.path = path;
    if (session.hasRow) this.#updateRow(session, { path });
  }

  // Step 5: the tunnel, and step 6: the session.

  /** True when the event was about a tunnel or session of a pseudowire. */
  handleEvent(event: L2tpEvent, now_ms: number): boolean {
    switch (event.type) {
      case 'tunnel-established':
        return this.#tunnelEstablished(event.tunnelId, now_ms);
      case 'tunnel-closed':
        return this.#tunnelClosed(event, now_ms);
      case 'call-requested':
        return this.#callRequested(event, now_ms);
      case 'call-replied':
        return this.#callReplied(event, now_ms);
      case 'call-connected':
        return this.#connected(event, now_ms);
      case 'set-link-info':
        return this.#linkInfo(event);
      case 'call-closed':
        return this.#callClosed(event, now_ms);
      default:
        return false;
    }
  }

  #tunnelEstablished(tunnelId: number, now_ms: number): boolean {
    const wire = this.#byTunnel.get(tunnelId);
    const status = this.#context.endpoint.tunnel(tunnelId);
    if (wire?.dialler === undefined || status === undefined || wire.config.ends.mode === 'static') return false;
    const { ends } = wire.config;
    const terms = localTerms(this.#context.random, ends.cookie_bytes, ends.sequencing);
    const generation = this.#context.nextCallId();
    const icrq = {
      callSerialNumber: generation,
      pseudowireType: wire.config.pseudowireType,
      remoteEndId: octets(ends.remoteEndId),
      ...this.#ownAvps(wire, terms),
    };
    wire.dialler.established();
    const sessionId = this.#context.endpoint.placeCall(tunnelId, icrq, now_ms);
    const beginning = { sessionId, generation, tunnelId, peerSessionId: 0, path: status.path, terms };
    wire.session = newSession(beginning, this.#devices.has(wire.config.tun), now_ms);
    this.#bySession.set(sessionId, wire);
    return true;
  }

  #tunnelClosed(event: Extract<L2tpEvent, { type: 'tunnel-closed' }>, now_ms: number): boolean {
    const wire = this.#byTunnel.get(event.tunnelId);
    if (wire?.dialler === undefined) return false;
    this.#byTunnel.delete(event.tunnelId);
    wire.dialler.tunnelClosed(event.cause, now_ms);
    return true;
  }

  /** Every pseudowire type but PPP is this role's; what the endpoint has not offered does not come here. */
  #callRequested(event: Extract<L2tpEvent, { type: 'call-requested' }>, now_ms: number): boolean {
    const { tunnelId, sessionId, peerSessionId, icrq } = event;
    const { pseudowireType } = icrq.avps;
    if (pseudowireType !== PSEUDOWIRE_TYPE.ethernet && pseudowireType !== PSEUDOWIRE_TYPE.ethernetVlan) return false;
    const { endpoint } = this.#context;
    const status = endpoint.tunnel(tunnelId);
    if (status === undefined || this.#tunnels.policy(tunnelId) === undefined) return false;
    const { path } = status;
    const wire = this.#waitingFor(icrq.avps, path.peerAddress);
    const refusal = wire === undefined ? NO_SUCH_END : this.#refusal(wire, icrq.avps, path);
    if (wire === undefined || wire.config.ends.mode !== 'listen' || refusal !== undefined) {
      this.#noteRefusal(icrq.avps, path.peerAddress, wire === undefined ? undefined : refusal?.errorMessage);
      endpoint.answerCall(sessionId, { accepted: false, ...(refusal ?? NO_SUCH_END) }, now_ms);
      return true;
    }
    const former = wire.session;
    if (former !== undefined) {
      const errorMessage = 'the peer has asked for the pseudowire anew';
      this.#drop(wire, errorMessage);
      endpoint.closeCall(former.sessionId, { resultCode: CDN.administrative, errorMessage }, now_ms);
    }
    const { cookie_bytes, sequencing } = wire.config.ends;
    const terms = localTerms(this.#context.random, cookie_bytes, sequencing);
    const generation = this.#context.nextCallId();
    const beginning = { sessionId, generation, tunnelId, peerSessionId, path, terms };
    const session = newSession(beginning, this.#devices.has(wire.config.tun), now_ms);
    wire.session = session;
    this.#bySession.set(sessionId, wire);
    this.#tunnels.sessionBegan(tunnelId, sessionId);
    this.#addRow(wire, session, agreedTerms(terms, icrq.avps), status.peerTunnelId);
    takeCircuitStatus(session, icrq.avps);
    endpoint.answerCall(sessionId, { accepted: true, avps: this.#ownAvps(wire, terms) }, now_ms);
    return true;
  }

  #callReplied(event: Extract<L2tpEvent, { type: 'call-replied' }>, now_ms: number): boolean {
    const { sessionId, peerSessionId, icrp } = event;
    const wire = this.#bySession.get(sessionId);
    const status = this.#context.endpoint.tunnel(event.tunnelId);
    if (wire?.session?.terms === undefined || status === undefined) return false;
    const { session } = wire;
    const refusal = mtuRefusal(wire.config, icrp.avps);
    if (refusal !== undefined) {
      this.#context.endpoint.closeCall(sessionId, refusal, now_ms);
      return true;
    }
    session.peerSessionId = peerSessionId;
    session.path = status.path;
    this.#addRow(wire, session, agreedTerms(wire.session.terms, icrp.avps), status.peerTunnelId);
    takeCircuitStatus(session, icrp.avps);
    this.#context.endpoint.connectCall(sessionId, {}, now_ms);
    return true;
  }

  #connected(event: Extract<L2tpEvent, { type: 'call-connected' }>, now_ms: number): boolean {
    const wire = this.#bySession.get(event.sessionId);
    if (wire?.session === undefined) return false;
    const avps = event.iccn?.avps ?? {};
    takeCircuitStatus(wire.session, avps);
    const changes = changedTerms(avps);
    if (Object.keys(changes).length > 0) this.#updateRow(wire.session, changes);
    wire.session.isConnected = true;
    wire.session.since_ms = now_ms;
    wire.dialler?.cameUp(now_ms);
    this.#tellCircuit(wire, now_ms);
    this.#settle(wire, PEER_INACTIVE);
    return true;
  }

  #linkInfo(event: Extract<L2tpEvent, { type: 'set-link-info' }>): boolean {
    const wire = this.#bySession.get(event.sessionId);
    if (wire?.session === undefined) return false;
    takeCircuitStatus(wire.session, event);
    this.#settle(wire, PEER_INACTIVE);
    return true;
  }

  // The end.

  #callClosed(event: Extract<L2tpEvent, { type: 'call-closed' }>, now_ms: number): boolean {
    const wire = this.#bySession.get(event.sessionId);
    if (wire === undefined) return false;
    const { by, resultCode, errorMessage } = event.cause;
    const why = errorMessage || `result ${resultCode}`;
    // "Here" and "there" in a peer's words are the other way round.
    const reason = by === 'peer' ? `the peer ended the session: "${why}"` : `the session ended: ${why}`;
    this.#drop(wire, reason);
    // A tunnel of a pseudowire that dials carries its one session alone: it goes with it.
    wire.dialler?.close(reason, now_ms);
    return true;
  }

  #end(wire: Pseudowire, reason: string, now_ms: number): void {
    const { session, dialler } = wire;
    if (dialler !== undefined) {
      dialler.retire();
      dialler.close(reason, now_ms);
    } else if (session !== undefined && session.tunnelId !== 0) {
      const result = { resultCode: CDN.administrative, errorMessage: reason };
      this.#context.endpoint.closeCall(session.sessionId, result, now_ms);
    }
    this.#drop(wire, reason);
  }

  /** The session is gone for this role. */
  #drop(wire: Pseudowire, reason: string): void {
    const { session } = wire;
    if (session === undefined) return;
    wire.session = undefined;
    this.#bySession.delete(session.sessionId);
    if (session.hasRow) {
      const { sessionId, generation } = session;
      this.#context.emit({ type: 'session-remove', sessionId, generation });
    }
    this.#settle(wire, reason);
  }

  // Beginnings.

  #begin(config: PseudowireConfig, now_ms: number): void {
    const wire: Pseudowire = { config, dialler: undefined, session: undefined, isUp: false, lastFailure: '' };
    this.#wires.set(config.name, wire);
    const { ends } = config;
    if (ends.mode === 'dial') {
      wire.dialler = new Dialler(this.#context, 'pseudowire', ends, now_ms, (tunnelId) =>
        this.#byTunnel.set(tunnelId, wire),
      );
    } else if (ends.mode === 'static') {
      const { sessionId, peerSessionId, path } = ends;
      const beginning = { sessionId, generation: this.#context.nextCallId(), tunnelId: 0, peerSessionId, path };
      wire.session = { ...newSession({ ...beginning, terms: undefined }, false, now_ms), isConnected: true };
      this.#bySession.set(sessionId, wire);
      this.#addRow(wire, wire.session, ends.terms, 0);
      this.#settle(wire, 'its TAP device is not there yet');
    }
  }

  /** The one that waits for this ICRQ: by type, Remote End ID and, where it names one, the peer's address. */
  #waitingFor({ pseudowireType, remoteEndId }: AvpValues, peerAddress: string): Pseudowire | undefined {
    for (const wire of this.#wires.values()) {
      const { ends } = wire.config;
      if (ends.mode !== 'listen' || wire.config.pseudowireType !== pseudowireType) continue;
      if (ends.peerAddress !== '' && ends.peerAddress !== peerAddress) continue;
      if (remoteEndId !== undefined && latin1(remoteEndId) === ends.remoteEndId) return wire;
    }
    return undefined;
  }

  /** What the one that waits under this Remote End ID shows: nothing else at this end tells why no peer gets it. */
  #noteRefusal({ remoteEndId, pseudowireType }: AvpValues, peerAddress: string, why: string | undefined): void {
    for (const wire of this.#wires.values()) {
      const { ends } = wire.config;
      if (ends.mode !== 'listen' || wire.session !== undefined || remoteEndId === undefined) continue;
      if (latin1(remoteEndId) !== ends.remoteEndId) continue;
      const isOfType = wire.config.pseudowireType === pseudowireType;
      const mismatch = isOfType
        ? `the peer set here is ${ends.peerAddress}`
        : `it asks for type ${pseudowireType}, and the type set here is ${wire.config.pseudowireType}`;
      wire.lastFailure = `${peerAddress} was refused: ${why ?? mismatch}`;
    }
  }

  /** A peer that has lost its end of a session asks again; another peer does not take the place of one that is there. */
  #refusal(wire: Pseudowire, icrq: AvpValues, { peerAddress }: TransportPath): Refusal | undefined {
    if (wire.session !== undefined && wire.session.path.peerAddress !== peerAddress) {
      return { resultCode: CDN.temporarilyUnavailable, errorMessage: 'the pseudowire is in use by another peer' };
    }
    return mtuRefusal(wire.config, icrq);
  }

  /** What ICRQ and ICRP say of our end alike. */
  #ownAvps({ config }: Pseudowire, terms: DataTerms): AvpValues {
    return {
      circuitStatus: CIRCUIT_STATUS.new | (this.#devices.has(config.tun) ? CIRCUIT_STATUS.active : 0),
      interfaceMtu_bytes: config.mtu_bytes,
      ...termsAvps(terms),
    };
  }

  // The packet path.

  #addRow({ config }: Pseudowire, session: Session, terms: AgreedTerms, peerTunnelId: number): void {
    const { sessionId, generation, tunnelId, peerSessionId, path } = session;
    session.hasRow = true;
    this.#context.emit({
      type: 'session-add',
      row: {
        ...{ sessionId, generation, version: 3, tunnelId, allowTunnelIdZero: false, peerTunnelId, peerSessionId, path },
        ...terms,
        ...{ payload: 'ethernet', ethernetOpen: false, vlanId: config.vlanId, tun: config.tun, bindTun: true },
        ...{ transmitAcfc: false, transmitPfc: false, addressControl: 'detect', ipv4Open: false, ipv6Open: false },
        ...{ mtu_bytes: config.mtu_bytes, mssClamp_bytes: 0, sources: [], destinations: [] },
        ...{ pppoe: undefined, relayTo: undefined, hold: false, receiveRate_bps: 0, sendRate_bps: 0 },
      },
    });
  }

  #updateRow({ sessionId, generation }: Session, changes: Partial<ForwardingRow>): void {
    this.#context.emit({ type: 'session-update', sessionId, generation, changes });
  }

  /** Opens the row to frames where both ends are ready, closes it where not, and tells; `whyNot` says why in words. */
  #settle(wire: Pseudowire, whyNot: string): void {
    const { session, config } = wire;
    const isUp = session?.isConnected === true && session.peerActive && this.#devices.has(config.tun);
    wire.lastFailure = isUp ? '' : whyNot;
    if (isUp === wire.isUp) return;
    wire.isUp = isUp;
    if (session?.hasRow) this.#updateRow(session, { ethernetOpen: isUp });
    if (isUp) this.#context.emit({ type: 'pseudowire-up', name: config.name, peerAddress: session.path.peerAddress });
    else this.#context.emit({ type: 'pseudowire-down', name: config.name, reason: whyNot });
  }
}

interface Refusal {
  resultCode: number;
  errorMessage: string;
}

const PEER_INACTIVE = 'the peer says that its circuit is not active';

const NO_SUCH_END: Refusal = {
  resultCode: CDN.invalidDestination,
  errorMessage: 'no pseudowire of this type and Remote End ID is waiting for this peer',
};

/** RFC 4667 section 4.3: the two ends must agree, or the longest frames would vanish without a word. */
function mtuRefusal({ mtu_bytes }: PseudowireConfig, { interfaceMtu_bytes }: AvpValues): Refusal | undefined {
  if (interfaceMtu_bytes === undefined || interfaceMtu_bytes === mtu_bytes) return undefined;
  const errorMessage = `the interface MTUs differ: ${mtu_bytes} here, ${interfaceMtu_bytes} there`;
  return { resultCode: CDN.mtuMismatch, errorMessage };
}

function newSession(
  beginning: Pick<Session, 'sessionId' | 'generation' | 'tunnelId' | 'peerSessionId' | 'path' | 'terms'>,
  toldActive: boolean,
  since_ms: number,
): Session {
  return { ...beginning, hasRow: false, isConnected: false, peerActive: true, toldActive, since_ms };
}

function takeCircuitStatus(session: Session, { circuitStatus }: Pick<AvpValues, 'circuitStatus'>): void {
  if (circuitStatus !== undefined) session.peerActive = (circuitStatus & CIRCUIT_STATUS.active) !== 0;
}

function isSameConfig(a: PseudowireConfig, b: PseudowireConfig): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

function statusOf({ config, dialler, session, isUp, lastFailure }: Pseudowire): PseudowireStatus {
  const shown = session?.isConnected ? session : undefined;
  return {
    name: config.name,
    state: isUp ? 'up' : shown !== undefined ? 'down' : restingState(dialler),
    lastFailure: shown === undefined ? dialler?.lastFailure || lastFailure : lastFailure,
    redialAt_ms: dialler?.redialAt_ms,
    tunnelId: shown?.tunnelId ?? 0,
    sessionId: shown?.sessionId ?? 0,
    generation: shown?.generation ?? 0,
    peerSessionId: shown?.peerSessionId ?? 0,
    path: shown?.path,
    peerActive: shown?.peerActive ?? false,
    since_ms: shown?.since_ms ?? 0,
  };
}

function restingState(dialler: Dialler | undefined): PseudowireStatus['state'] {
  if (dialler === undefined) return 'listening';
  return dialler.phase === 'idle' ? 'waiting' : 'dialling';
}
