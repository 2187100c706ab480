/**
 * Follows every control message over the network and checks reliable delivery, RFC 2661 section 5.8: what a tunnel's
 * end puts on the wire, what is handed to the other end, and what that end tells its role. Written from the RFC; reads
 * packets and traces, no machine's state but which tunnel has which peer.
 */

import type { Output, TraceRecord } from '../../firmware/roles/role.js';
import { MESSAGE_TYPE, parseControlMessage } from '../../firmware/wire/avp.js';
import { type L2tpHeader, parseL2tpHeader } from '../../firmware/wire/l2tp.js';
import type { Box } from './box.js';
import type { Datagram } from './network.js';
import { ensure, Violation } from './violation.js';

/** One end of a tunnel, from the moment when its ID exists. Sequence numbers of a simulated tunnel never wrap. */
export interface TunnelEnd {
  readonly name: string;
  readonly tunnelId: number;
  /** By Ns: what was put on the wire, how often, and when last. */
  readonly sent: { messageType: string; body: Uint8Array; transmissions: number; last_ms: number }[];
  /** The highest Nr that was handed over: what is below is acknowledged. */
  acknowledged: number;
  /** The least Nr that has to go out before the turn is over. */
  owesNr: number;
  /** When the role was told of the peer's StopCCN. */
  stopped_ms: number | undefined;
  /** The tunnel's ID means nothing any more. */
  isGone: boolean;
  /** A message was sent as often as it may be, and still was not acknowledged. */
  hasGivenUp: boolean;
  lastNr: number;
  /** What the role was told, in order. */
  readonly received: string[];
  /** Ns of all that was handed over, and the first that was not. */
  readonly handed: Set<number>;
  expectedNs: number;
  /** The ends whose messages were handed over: one, but where the peer's box has started anew in between. */
  readonly heard: Set<TunnelEnd>;
  /** A corrupted packet may have said anything in the name of its peer. */
  isTainted: boolean;
}

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
  header: L2tpHeader;
  /** Undefined: a ZLB. */
  message: { messageType: string; body: Uint8Array } | undefined;
}

interface BoxState {
  /** By tunnel ID, those that are gone too until their ID is another's. */
  readonly ends: Map<number, TunnelEnd>;
  /** Of the present turn. Both tell of the same messages in the same order. */
  announced: Announced[];
  departed: Departed[];
  /** What was handed over in this turn to tunnel ID 0: an SCCRQ makes an end of which is told only later. */
  unnamed: { sender: TunnelEnd; ns: number }[];
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

  /** A control packet is handed to the box next. */
  handed(box: Box, { sender: origin, corrupted }: Datagram<Origin>, header: L2tpHeader): void {
    const state = this.#stateOf(box);
    if (corrupted) {
      state.isConfused = true;
      for (const end of state.ends.values()) end.isTainted = true;
    }
    const sender = origin.end;
    const named = state.ends.get(header.tunnelId);
    if (named !== undefined) noteAcknowledged(named, header.nr);
    if (header.payloadEnd === header.payloadOffset || sender === undefined) return;
    if (header.tunnelId !== 0) {
      if (named !== undefined) noteHanded(named, sender, header.ns);
      return;
    }
    // An SCCRQ, or the StopCCN of an end that was never told our ID: RFC 2661 section 4.4.3, Assigned Tunnel ID.
    state.unnamed.push({ sender, ns: header.ns });
    for (const end of state.ends.values()) {
      if (!end.heard.has(sender)) continue;
      noteAcknowledged(end, header.nr);
      noteHanded(end, sender, header.ns);
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

  /** A control packet goes out: its origin is known when the turn is over. */
  sent(box: Box, packet: Uint8Array): Origin {
    const state = this.#stateOf(box);
    const header = parseL2tpHeader(packet);
    const origin: Origin = { end: undefined };
    const body = packet.slice(header.payloadOffset, header.payloadEnd);
    if (body.length === 0) {
      state.departed.push({ origin, header, message: undefined });
      return origin;
    }
    const { messageType = 'nothing', avps } = parseControlMessage(body, { version: 2 }) ?? {};
    const row = messageType === 'ICRP' ? `${avps?.assignedSessionId}` : `${header.tunnelId}/${header.sessionId}`;
    if (messageType === 'ICRP' || messageType === 'ICCN') {
      ensure(state.rows.has(row), 'row-before-message', () => `${messageType} goes out before its session has a row`);
    }
    // The StopCCN to an SCCRQ that gets no tunnel: the Assigned Tunnel ID is none of ours.
    const { assignedTunnelId = 0 } = avps ?? {};
    if (messageType === 'StopCCN' && !state.ends.has(assignedTunnelId)) {
      origin.end = newEnd(`${box.plan.name} refusing`, assignedTunnelId, true);
      origin.end.sent.push({ messageType, body, transmissions: 1, last_ms: 0 });
    } else {
      state.departed.push({ origin, header, message: { messageType, body } });
    }
    return origin;
  }

  /** After a turn: all that was told of must have gone out, and all that went out must have been told of. */
  turned(box: Box, now_ms: number): void {
    const state = this.#stateOf(box);
    const { announced, departed } = state;
    Object.assign(state, { announced: [], departed: [], unnamed: [], isConfused: false });
    for (const { origin, header, message } of departed) {
      if (message === undefined) {
        origin.end = checkZlb(box, state, header);
        continue;
      }
      const told = announced.shift();
      if (told === undefined)
        throw new Violation('trace-is-true', `${message.messageType} went out and is in no trace`);
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
    for (const { sender, ns } of state.unnamed) {
      if (sender.tunnelId !== status.peerTunnelId) continue;
      checkRequest(state, end, sender);
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
    { ns, nr }: L2tpHeader,
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
      isRetransmission && Buffer.compare(before.body, body) === 0,
      'sequence-numbers',
      () => `${end.name}: Ns ${ns} was ${before.messageType} and is now another ${messageType}`,
    );
  }
}

function newEnd(name: string, tunnelId: number, isTainted: boolean): TunnelEnd {
  return {
    name,
    tunnelId,
    sent: [],
    acknowledged: 0,
    owesNr: 0,
    stopped_ms: undefined,
    isGone: false,
    hasGivenUp: false,
    lastNr: 0,
    received: [],
    handed: new Set(),
    expectedNs: 0,
    heard: new Set(),
    isTainted,
  };
}

/** RFC 2661 section 5.8: a ZLB has the Ns of the next message. Gives the end that it comes from, where that is certain. */
function checkZlb(box: Box, state: BoxState, { tunnelId, ns, nr }: L2tpHeader): TunnelEnd | undefined {
  const ends = [...state.ends.values()].filter(
    (end) => box.appliance.endpoint.tunnel(end.tunnelId)?.peerTunnelId === tunnelId,
  );
  if (ends.length !== 1) {
    for (const end of ends) end.owesNr = 0;
    return undefined;
  }
  const [end] = ends;
  checkNr(end, nr);
  ensure(
    ns === end.sent.length,
    'sequence-numbers',
    () => `${end.name}: a ZLB has Ns ${ns}, not that of the next message, ${end.sent.length}`,
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
  const owed = end.owesNr;
  end.owesNr = 0;
  if (end.isGone || end.isTainted || end.heard.size !== 1) return;
  ensure(owed === 0, 'acknowledgement', () => `${end.name}: Ns ${owed - 1} has come and is not acknowledged`);
}

/** A repeated SCCRQ makes no second tunnel, unless the first one is closed. */
function checkRequest(state: BoxState, end: TunnelEnd, requester: TunnelEnd): void {
  if (end.isTainted) return;
  for (const other of state.ends.values()) {
    if (other.isGone || other.isTainted || !other.heard.has(requester)) continue;
    const isClosed = other.stopped_ms !== undefined || other.sent.some(({ messageType }) => messageType === 'StopCCN');
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

function noteAcknowledged(end: TunnelEnd, nr: number): void {
  if (nr <= end.sent.length) end.acknowledged = Math.max(end.acknowledged, nr);
}

function noteHanded(end: TunnelEnd, sender: TunnelEnd, ns: number): void {
  end.heard.add(sender);
  end.handed.add(ns);
  while (end.handed.has(end.expectedNs)) end.expectedNs++;
  if (ns < end.expectedNs) end.owesNr = Math.max(end.owesNr, ns + 1);
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
