/**
 * Follows every control message over the network and checks reliable delivery, RFC 2661 section 5.8 and RFC 3931 section
 * 4.2: what a tunnel's end puts on the wire, what is handed to the other end, and what that end tells its role. Written
 * from the RFCs; reads packets and traces, no machine's state but which tunnel has which peer.
 */

import type { Output, TraceRecord } from '../../firmware/roles/role.js';
import { type AvpValues, MESSAGE_TYPE, parseControlMessage } from '../../firmware/wire/avp.js';
import { type ControlHeader, parseControlHeader } from '../../firmware/wire/control-header.js';
import type { Box } from './box.js';
import { hasDigest, isAcknowledgement, withoutDigest } from './control-body.js';
import type { Datagram } from './network.js';
import { type Come, isHeeded, mayDeceive, newEnd, noteAcknowledged, noteHanded, type TunnelEnd } from './tunnel-end.js';
import { ensure, Violation } from './violation.js';

/** Who has sent a packet: known by the end of the turn in which it goes out. */
export interface Origin {
  end: TunnelEnd | undefined;
}

/** A message of which the trace tells. */
interface Announced {
  end: TunnelEnd;
  messageType: string;
  isRetransmission: boolean;
}

/** A control packet on the wire. */
interface Departed {
  origin: Origin;
  header: ControlHeader;
  hasDigest: boolean;
  /** Undefined: a ZLB or an ACK. */
  message: { messageType: string; body: Uint8Array } | undefined;
}

interface BoxState {
  /** By tunnel ID, those that are gone too until their ID is another's. */
  readonly ends: Map<number, TunnelEnd>;
  /** Of the present turn. Both tell of the same messages in the same order. */
  announced: Announced[];
  departed: Departed[];
  /** What was handed over in this turn to tunnel ID 0: an SCCRQ makes an end of which is told only later. */
  unnamed: Come[];
  /** Something corrupted came in this turn. */
  isConfused: boolean;
  /** Sessions that have had a row, by our ID, and by the peer's tunnel and session ID. */
  readonly rows: Set<string>;
}

/**
 * RFC 2661 section 5.8: the waiting time doubles up to a cap of at least 8 seconds, as it is set in all scenarios. The
 * first second may begin anew when a message joins a HELLO that nobody answers.
 */
const RETRANSMIT_CAP_MS = 8_000;
const RETRANSMIT_INITIAL_MS = 1_000;
/** Five retransmissions, "five" being what the section recommends; then the tunnel is given up. */
const TRANSMISSIONS = 6;
/** 1, 2, 4, 8, 8 and 8 s. */
const RETRANSMISSION_CYCLE_MS = 31_000;
/** Timers are served late, by as much as a scenario lets them. */
const LATENESS_MS = 100;

export class DeliveryChecker {
  /** While set, packets may be corrupted: nothing is said of tunnels of that time. */
  isCorrupting = false;
  readonly counters = { messages: 0, retransmissions: 0 };
  readonly #boxes = new Map<Box, BoxState>();

  restarted(box: Box): void {
    this.#boxes.delete(box);
  }

  /** The box was held up and could send nothing. */
  heldUp(box: Box, now_ms: number): void {
    for (const end of this.#stateOf(box).ends.values()) for (const message of end.sent) message.last_ms = now_ms;
  }

  /** A control message is handed to the box next. */
  handed(box: Box, { sender: origin, corrupted }: Datagram<Origin>, header: ControlHeader, message: Uint8Array): void {
    const state = this.#stateOf(box);
    const sender = origin.end;
    const { version, controlConnectionId, nr, ns } = header;
    const body = message.subarray(header.payloadOffset, header.payloadEnd);
    const isUnnumbered = isAcknowledgement(body);
    const come: Come = { sender, version, ns, hasDigest: hasDigest(body), corrupted };
    if (corrupted) {
      state.isConfused = true;
      for (const end of state.ends.values()) end.isTainted ||= mayDeceive(end, come);
    }
    const named = state.ends.get(controlConnectionId);
    if (named !== undefined) {
      if (!isHeeded(named, come)) return;
      noteAcknowledged(named, nr);
      if (!isUnnumbered && sender !== undefined) noteHanded(named, sender, ns);
    }
    if (isUnnumbered || sender === undefined || controlConnectionId !== 0) return;
    // An SCCRQ, or the StopCCN of an end that was never told our ID: RFC 2661 section 4.4.3, Assigned Tunnel ID.
    state.unnamed.push(come);
    for (const end of state.ends.values()) {
      if (!end.heard.has(sender) || !isHeeded(end, come)) continue;
      noteAcknowledged(end, nr);
      noteHanded(end, sender, ns);
    }
  }

  output(box: Box, output: Output, now_ms: number): void {
    const state = this.#stateOf(box);
    if (output.type === 'tunnel-add') {
      state.ends.set(output.tunnelId, this.#newEnd(box, state, output.tunnelId));
    } else if (output.type === 'tunnel-remove') {
      const end = state.ends.get(output.tunnelId);
      if (end !== undefined) forget(box, end, now_ms);
    } else if (output.type === 'session-add') {
      const { sessionId, peerTunnelId, peerSessionId } = output.row;
      state.rows.add(`${sessionId}`).add(`${peerTunnelId}/${peerSessionId}`);
    } else if (output.type === 'trace' && isMessage(output.record)) {
      this.#traced(state, output.record, now_ms);
    }
  }

  /** A control message goes out: its origin is known when the turn is over. */
  sent(box: Box, packet: Uint8Array): Origin {
    const state = this.#stateOf(box);
    const header = parseControlHeader(packet);
    const body = packet.slice(header.payloadOffset, header.payloadEnd);
    const origin: Origin = { end: undefined };
    const departed = { origin, header, hasDigest: hasDigest(body) };
    if (isAcknowledgement(body)) {
      // RFC 3931 section 4.3: what is to be authenticated must have a digest, which a ZLB has no room for.
      ensure(header.version === 2 || body.length > 0, 'acknowledgement', () => `${box.plan.name}: a ZLB of version 3`);
      state.departed.push({ ...departed, message: undefined });
      return origin;
    }
    const { messageType = 'nothing', avps = {} } = parseControlMessage(body, { version: header.version }) ?? {};
    checkRow(state, header, messageType, avps);
    // The StopCCN to an SCCRQ that gets no tunnel: the ID that it assigns is none of ours.
    const assigned = (header.version === 3 ? avps.assignedControlConnectionId : avps.assignedTunnelId) ?? 0;
    if (messageType === 'StopCCN' && !state.ends.has(assigned)) {
      origin.end = newEnd(`${box.plan.name} refusing`, assigned, true);
      origin.end.sent.push({ messageType, body, transmissions: 1, last_ms: 0 });
    } else {
      state.departed.push({ ...departed, message: { messageType, body } });
    }
    return origin;
  }

  /** After a turn: all that was told of must have gone out, and all that went out must have been told of. */
  turned(box: Box, now_ms: number): void {
    const state = this.#stateOf(box);
    const { announced, departed } = state;
    Object.assign(state, { announced: [], departed: [], unnamed: [], isConfused: false });
    for (const packet of departed) {
      const { origin, header, message } = packet;
      if (message === undefined) {
        origin.end = checkAcknowledging(box, state, packet);
        continue;
      }
      const told = announced.shift();
      if (told === undefined)
        throw new Violation('trace-is-true', `${message.messageType} went out and is in no trace`);
      checkKind(told.end, message.messageType, packet);
      this.#checkMessage(told, message, header, now_ms);
      origin.end = told.end;
    }
    const [left] = announced;
    ensure(left === undefined, 'trace-is-true', () => `${left.messageType} is in the trace and was not sent`);
    for (const end of state.ends.values()) {
      checkRetransmission(end, now_ms);
      checkAcknowledgement(end);
    }
  }

  /** What the box's end of a tunnel has sent that its peer's role has not been told of; for when all is quiet. */
  undelivered(box: Box, tunnelId: number, peer: Box, peerTunnelId: number): string[] {
    const end = this.#stateOf(box).ends.get(tunnelId);
    const peerEnd = this.#stateOf(peer).ends.get(peerTunnelId);
    if (end === undefined || peerEnd === undefined || end.isTainted || peerEnd.isTainted) return [];
    return end.sent.slice(peerEnd.received.length).map(({ messageType }) => messageType);
  }

  #stateOf(box: Box): BoxState {
    let state = this.#boxes.get(box);
    if (state === undefined) {
      state = { ends: new Map(), announced: [], departed: [], unnamed: [], isConfused: false, rows: new Set() };
      this.#boxes.set(box, state);
    }
    return state;
  }

  #newEnd(box: Box, state: BoxState, tunnelId: number): TunnelEnd {
    const name = `${box.plan.name}.${box.incarnation} tunnel ${tunnelId}`;
    const end = newEnd(name, tunnelId, this.isCorrupting || state.isConfused);
    const status = box.appliance.endpoint.tunnel(tunnelId);
    if (status === undefined || status.originator) return end;
    end.answersBySccrp = status.version === 3;
    for (const come of state.unnamed) {
      const { sender, ns } = come;
      if (sender?.tunnelId !== status.peerTunnelId || !isHeeded(end, come)) continue;
      end.peer = sender;
      checkRequest(box, state, end, sender);
      // The SCCRQ was for this end, not for one of before.
      for (const other of state.ends.values()) if (other.heard.has(sender)) other.owesNr = 0;
      noteHanded(end, sender, ns);
    }
    return end;
  }

  #traced(state: BoxState, { kind, label, tunnelId, detail }: TraceRecord, now_ms: number): void {
    const end = state.ends.get(tunnelId);
    if (end === undefined)
      throw new Violation('trace-is-true', `${label} ${kind} on tunnel ${tunnelId}, which is none`);
    if (kind === 'sent') {
      const isRetransmission = detail.retransmission === true;
      state.announced.push({ end, messageType: label, isRetransmission });
    } else {
      checkDelivery(end, label);
      if (label === 'StopCCN') end.stopped_ms = now_ms;
    }
  }

  #checkMessage(
    announced: Announced,
    { messageType, body }: { messageType: string; body: Uint8Array },
    { ns, nr }: ControlHeader,
    now_ms: number,
  ): void {
    const { end, isRetransmission } = announced;
    ensure(
      announced.messageType === messageType,
      'trace-is-true',
      () => `${messageType} goes out, the trace says ${announced.messageType}`,
    );
    checkNr(end, nr);
    const before = end.sent[ns];
    if (before === undefined) {
      const next = end.sent.length;
      ensure(
        ns === next && !isRetransmission,
        'sequence-numbers',
        () => `${end.name}: new ${messageType} has Ns ${ns}, not ${next}`,
      );
      end.sent.push({ messageType, body, transmissions: 1, last_ms: now_ms });
      this.counters.messages++;
      return;
    }
    this.counters.retransmissions++;
    before.transmissions++;
    before.last_ms = now_ms;
    ensure(
      isRetransmission && Buffer.compare(withoutDigest(before.body), withoutDigest(body)) === 0,
      'sequence-numbers',
      () => `${end.name}: Ns ${ns} was ${before.messageType} and is now another ${messageType}`,
    );
  }
}

/** The row is there before the peer is told what it needs to send data. */
function checkRow(
  state: BoxState,
  { version, controlConnectionId, sessionId }: ControlHeader,
  messageType: string,
  { assignedSessionId, localSessionId, remoteSessionId }: AvpValues,
): void {
  if (messageType !== 'ICRP' && messageType !== 'ICCN') return;
  const ours = version === 3 ? localSessionId : assignedSessionId;
  const theirs = version === 3 ? remoteSessionId : sessionId;
  const row = messageType === 'ICRP' ? `${ours}` : `${controlConnectionId}/${theirs}`;
  ensure(state.rows.has(row), 'row-before-message', () => `${messageType} goes out before its session has a row`);
}

/** Each message is of the tunnel's version, and once one has a digest all have. */
function checkKind(end: TunnelEnd, messageType: string, { hasDigest, header: { version } }: Departed): void {
  if (messageType === 'SCCRP' || messageType === 'SCCCN') end.version ??= version;
  ensure(
    end.version === undefined || end.version === version,
    'one-version',
    () => `${end.name}: ${messageType} of version ${version} in a tunnel of version ${end.version}`,
  );
  if (version === 3 && hasDigest && !end.isAuthenticated) {
    end.isAuthenticated = true;
    // Nothing has come yet, or an SCCRQ with the right digest. In automatic mode the SCCRP has.
    if (end.sent.length === 0) end.isTainted = false;
    else if (end.heard.size === 1) [end.peer] = end.heard;
    else end.isTainted = true;
  }
  ensure(
    hasDigest || !end.isAuthenticated,
    'authentication',
    () => `${end.name}: ${messageType} without a Message Digest`,
  );
}

/**
 * RFC 2661 section 5.8, RFC 3931 section 4.2: a ZLB or an ACK has the Ns of the next message. Gives the end that it
 * comes from, where that is certain.
 */
function checkAcknowledging(box: Box, state: BoxState, packet: Departed): TunnelEnd | undefined {
  const { controlConnectionId, ns, nr } = packet.header;
  const ends = [...state.ends.values()].filter(
    (end) => box.appliance.endpoint.tunnel(end.tunnelId)?.peerTunnelId === controlConnectionId,
  );
  if (ends.length !== 1) {
    for (const end of ends) end.owesNr = 0;
    return undefined;
  }
  const [end] = ends;
  if (end.sent.length > 0) checkKind(end, 'an acknowledgement', packet);
  checkNr(end, nr);
  ensure(
    ns === end.sent.length,
    'sequence-numbers',
    () => `${end.name}: an acknowledgement has Ns ${ns}, not that of the next message, ${end.sent.length}`,
  );
  return end;
}

/** What waits for its acknowledgement is sent again in time, until it has been sent often enough. */
function checkRetransmission(end: TunnelEnd, now_ms: number): void {
  const oldest = end.sent[end.acknowledged];
  if (oldest === undefined || end.isGone || end.hasGivenUp || end.isTainted) return;
  const waited_ms = now_ms - oldest.last_ms;
  if (oldest.transmissions >= TRANSMISSIONS) {
    end.hasGivenUp = waited_ms >= RETRANSMIT_CAP_MS;
    return;
  }
  ensure(
    waited_ms <= RETRANSMIT_CAP_MS + RETRANSMIT_INITIAL_MS + LATENESS_MS,
    'retransmission',
    () => `${end.name}: ${oldest.messageType} is not acknowledged and was last sent ${waited_ms} ms ago`,
  );
}

/** What came in order, or came again, is acknowledged at once; of a message beyond a gap nothing is said. */
function checkAcknowledgement(end: TunnelEnd): void {
  // Whoever answers an SCCRQ tells by that which version the tunnel has, and its nonce: nothing goes before.
  if (end.answersBySccrp && end.sent.length === 0) return;
  const owed = end.owesNr;
  end.owesNr = 0;
  if (end.isGone || end.isTainted || end.heard.size !== 1) return;
  ensure(owed === 0, 'acknowledgement', () => `${end.name}: Ns ${owed - 1} has come and is not acknowledged`);
}

/** A repeated SCCRQ makes no second tunnel, unless the first one is closed. */
function checkRequest(box: Box, state: BoxState, end: TunnelEnd, requester: TunnelEnd): void {
  if (end.isTainted) return;
  for (const other of state.ends.values()) {
    if (other.isGone || other.isTainted || !other.heard.has(requester)) continue;
    // A StopCCN of its own may still wait for the peer's window.
    const hasEnded = other.sent.length > 0 && box.appliance.endpoint.tunnel(other.tunnelId)?.state === 'idle';
    const isClosed = other.stopped_ms !== undefined || hasEnded;
    ensure(isClosed, 'one-tunnel', () => `${end.name} and ${other.name} are both for one SCCRQ of ${requester.name}`);
  }
}

/**
 * RFC 2661 section 5.7: after a StopCCN the tunnel stays for a full retransmission cycle, to acknowledge it again; in a
 * box that has many tunnels the oldest may have to make room.
 */
function forget(box: Box, end: TunnelEnd, now_ms: number): void {
  end.isGone = true;
  if (box.path.tunnels.size >= box.config.endpoint.maxTunnels) return;
  const since_ms = now_ms - (end.stopped_ms ?? Number.NEGATIVE_INFINITY);
  ensure(
    since_ms >= RETRANSMISSION_CYCLE_MS || end.isTainted,
    'lingering',
    () => `${end.name} is forgotten ${since_ms} ms after the peer's StopCCN`,
  );
}

function checkNr(end: TunnelEnd, nr: number): void {
  if (nr >= end.owesNr) end.owesNr = 0;
  ensure(nr >= end.lastNr, 'sequence-numbers', () => `${end.name}: Nr ${nr} after Nr ${end.lastNr}`);
  end.lastNr = nr;
  ensure(
    nr <= end.expectedNs || end.isTainted,
    'sequence-numbers',
    () => `${end.name}: Nr ${nr} acknowledges what has not come, Ns ${end.expectedNs} is missing`,
  );
}

/** The role of `end` is told of a message. */
function checkDelivery(end: TunnelEnd, messageType: string): void {
  const ns = end.received.length;
  end.received.push(messageType);
  if (end.isTainted) return;
  ensure(
    ns < end.expectedNs,
    'exactly-once',
    () => `${end.name}: the role is told of a ${messageType} more than have come in order, ${end.expectedNs}`,
  );
  if (end.heard.size !== 1) return;
  const [peer] = end.heard;
  ensure(
    peer.sent[ns].messageType === messageType,
    'exactly-once',
    () => `${end.name}: message ${ns} is ${messageType} for the role, its peer has sent ${peer.sent[ns].messageType}`,
  );
}

function isMessage({ kind, label }: TraceRecord): boolean {
  return (kind === 'sent' || kind === 'received') && label in MESSAGE_TYPE;
}
