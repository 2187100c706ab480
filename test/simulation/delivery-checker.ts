/**
 * Follows every control message over the network and checks reliable delivery, RFC 2661 section 5.8: what a tunnel's
 * end puts on the wire, what is handed to the other end, and what that end tells its role. Written from the RFC; reads
 * packets and traces, no machine's state but which tunnel has which peer.
 */

import type { Output, TraceRecord } from '../../firmware/roles/role.js';
import { MESSAGE_TYPE, type MessageType, parseControlMessage } from '../../firmware/wire/avp.js';
import { ProtocolError } from '../../firmware/wire/bytes.js';
import { type L2tpHeader, parseL2tpHeader } from '../../firmware/wire/l2tp.js';
import type { Box } from './box.js';
import type { Datagram } from './network.js';
import { ensure, Violation } from './violation.js';

/** One end of a tunnel, from the moment when its ID exists. Sequence numbers of a simulated tunnel never wrap. */
export interface TunnelEnd {
  readonly name: string;
  readonly tunnelId: number;
  /** By Ns: what was put on the wire. */
  readonly sent: { messageType: string; body: Uint8Array }[];
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

/** A message of which the trace told, on its way to the wire. */
interface Announced {
  end: TunnelEnd;
  messageType: string;
  isRetransmission: boolean;
  sessionId: number;
}

interface BoxState {
  /** By tunnel ID, those that are gone too until their ID is another's. */
  readonly ends: Map<number, TunnelEnd>;
  announced: Announced[];
  /** What was handed over in this turn to tunnel ID 0: an SCCRQ makes an end of which is told only later. */
  readonly unnamed: { sender: TunnelEnd; ns: number }[];
}

export class DeliveryChecker {
  /** While set, packets may be corrupted: nothing is said of tunnels of that time. */
  isCorrupting = false;
  readonly counters = { messages: 0, retransmissions: 0, handed: 0 };
  readonly #boxes = new Map<Box, BoxState>();

  restarted(box: Box): void {
    this.#boxes.delete(box);
  }

  /** A control packet is handed to the box next. */
  handed(box: Box, { sender, corrupted }: Datagram<TunnelEnd | undefined>, header: L2tpHeader): void {
    const state = this.#stateOf(box);
    this.counters.handed++;
    if (corrupted) for (const end of state.ends.values()) end.isTainted = true;
    if (header.payloadEnd === header.payloadOffset || sender === undefined) return;
    if (header.tunnelId !== 0) {
      const end = state.ends.get(header.tunnelId);
      if (end !== undefined) noteHanded(end, sender, header.ns);
      return;
    }
    // An SCCRQ, or the StopCCN of an end that was never told our ID: RFC 2661 section 4.4.3, Assigned Tunnel ID.
    state.unnamed.push({ sender, ns: header.ns });
    for (const end of state.ends.values()) if (end.heard.has(sender)) noteHanded(end, sender, header.ns);
  }

  output(box: Box, output: Output): void {
    const state = this.#stateOf(box);
    if (output.type === 'tunnel-add') state.ends.set(output.tunnelId, this.#newEnd(box, state, output.tunnelId));
    else if (output.type === 'trace' && isMessage(output.record)) this.#traced(state, output.record);
  }

  /** A control packet goes out: checks its numbers, and gives the end that sends it. */
  sent(box: Box, packet: Uint8Array): TunnelEnd | undefined {
    const state = this.#stateOf(box);
    const header = parseL2tpHeader(packet);
    if (header.payloadEnd === header.payloadOffset) return this.#sentZlb(box, state, header);
    const messageType = messageTypeOf(packet, header);
    if (messageType === 'StopCCN' && isRefusal(state, packet, header)) return undefined;
    const announced = state.announced.shift();
    if (announced === undefined) throw new Violation('trace-is-true', `${messageType} goes out and is in no trace`);
    ensure(
      announced.messageType === messageType,
      'trace-is-true',
      () => `${messageType} goes out, the trace says ${announced.messageType}`,
    );
    if (messageType === 'ICRP' || messageType === 'ICCN') {
      const { sessionId } = announced;
      ensure(
        box.path.rows.has(sessionId) || announced.isRetransmission,
        'row-before-message',
        () => `${messageType} goes out, session ${sessionId} has no row`,
      );
    }
    this.#checkMessage(announced, messageType, packet.slice(header.payloadOffset, header.payloadEnd), header);
    return announced.end;
  }

  /** After a turn: all that was told of has gone out. */
  turned(box: Box): void {
    const state = this.#stateOf(box);
    state.unnamed.length = 0;
    const [left] = state.announced;
    ensure(left === undefined, 'trace-is-true', () => `${left?.messageType} is in the trace and was not sent`);
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
      state = { ends: new Map(), announced: [], unnamed: [] };
      this.#boxes.set(box, state);
    }
    return state;
  }

  #newEnd(box: Box, state: BoxState, tunnelId: number): TunnelEnd {
    const end: TunnelEnd = {
      name: `${box.plan.name}.${box.incarnation} tunnel ${tunnelId}`,
      tunnelId,
      sent: [],
      lastNr: 0,
      received: [],
      handed: new Set(),
      expectedNs: 0,
      heard: new Set(),
      isTainted: this.isCorrupting,
    };
    const status = box.appliance.endpoint.tunnel(tunnelId);
    if (status === undefined || status.originator) return end;
    for (const { sender, ns } of state.unnamed) {
      if (sender.tunnelId === status.peerTunnelId) noteHanded(end, sender, ns);
    }
    return end;
  }

  #traced(state: BoxState, { kind, label, tunnelId, sessionId, detail }: TraceRecord): void {
    const end = state.ends.get(tunnelId);
    if (end === undefined)
      throw new Violation('trace-is-true', `${label} ${kind} on tunnel ${tunnelId}, which is none`);
    if (kind === 'sent') {
      const isRetransmission = detail.retransmission === true;
      state.announced.push({ end, messageType: label, isRetransmission, sessionId });
    } else {
      checkDelivery(end, label);
    }
  }

  #checkMessage(announced: Announced, messageType: string, body: Uint8Array, { ns, nr }: L2tpHeader): void {
    const { end, isRetransmission } = announced;
    checkNr(end, nr);
    const before = end.sent[ns];
    if (before === undefined) {
      const next = end.sent.length;
      ensure(
        ns === next && !isRetransmission,
        'sequence-numbers',
        () => `${end.name}: new ${messageType} has Ns ${ns}, not ${next}`,
      );
      end.sent.push({ messageType, body });
      this.counters.messages++;
      return;
    }
    this.counters.retransmissions++;
    ensure(
      isRetransmission && Buffer.compare(before.body, body) === 0,
      'sequence-numbers',
      () => `${end.name}: Ns ${ns} was ${before.messageType} and is now another ${messageType}`,
    );
  }

  #sentZlb(box: Box, state: BoxState, { tunnelId, ns, nr }: L2tpHeader): TunnelEnd | undefined {
    const ends = [...state.ends.values()].filter(
      (end) => box.appliance.endpoint.tunnel(end.tunnelId)?.peerTunnelId === tunnelId,
    );
    if (ends.length !== 1) return undefined;
    const [end] = ends;
    checkNr(end, nr);
    ensure(
      ns === end.sent.length,
      'sequence-numbers',
      () => `${end.name}: a ZLB has Ns ${ns}, not that of the next message, ${end.sent.length}`,
    );
    return end;
  }
}

function noteHanded(end: TunnelEnd, sender: TunnelEnd, ns: number): void {
  end.heard.add(sender);
  end.handed.add(ns);
  while (end.handed.has(end.expectedNs)) end.expectedNs++;
}

function checkNr(end: TunnelEnd, nr: number): void {
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

function messageTypeOf(packet: Uint8Array, header: L2tpHeader): MessageType | undefined {
  return read(packet, header)?.messageType;
}

/** The StopCCN to an SCCRQ that gets no tunnel: the Assigned Tunnel ID is none of ours. */
function isRefusal(state: BoxState, packet: Uint8Array, header: L2tpHeader): boolean {
  const { assignedTunnelId = 0 } = read(packet, header)?.avps ?? {};
  return !state.announced.some(
    ({ end, messageType }) => messageType === 'StopCCN' && end.tunnelId === assignedTunnelId,
  );
}

function read(packet: Uint8Array, { payloadOffset, payloadEnd }: L2tpHeader) {
  try {
    return parseControlMessage(packet.slice(payloadOffset, payloadEnd)) ?? undefined;
  } catch (error) {
    if (error instanceof ProtocolError) return undefined;
    throw error;
  }
}
