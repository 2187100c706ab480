/**
 * Whose a captured packet is: what is known of the calls, pseudowires and tunnels that a capture is about, also of those
 * that have ended. Asked of what is in the ring of signalling, where there is also what belongs to others.
 */
import type { CapturedPacket } from '../../dataplane/interface.js';
import { macBytes } from '../../wire/ethernet.js';
import { parseAddress } from '../../wire/ip.js';
import { PPPOE_ETHER_TYPE } from '../../wire/pppoe.js';
import { avpPlaces, type ControlParts, controlParts, etherTypeAt, partOf, u16, u32 } from './anatomy.js';

/** A tunnel by both its IDs, the peer's 0 as long as it is not known. */
export interface TunnelEnds {
  tunnelId: number;
  peerTunnelId: number;
  peerAddress: string;
}

/** A call or pseudowire. Numbers are 0 where there are none. */
export interface SessionParty {
  /** Of its row in the packet path. */
  sessionId: number;
  generation: number;
  l2tpSessionId: number;
  peerSessionId: number;
  tunnel: TunnelEnds | undefined;
  pppoe: { peerMac: string; sessionId: number } | undefined;
}

/** The oldest go when there are more: their data stays, what set them up does not. */
const MAX_PARTIES = 1_000;
/** SCCRQ, SCCRP, SCCCN, StopCCN. */
const LAST_TUNNEL_MESSAGE = 4;
const AVP = { messageType: 0, assignedTunnelId: 9, assignedSessionId: 14, assignedControlConnectionId: 61 } as const;
const SESSION_AVP = { local: 63, remote: 64 } as const;
/** What the drafts of version 3 had for them. */
const DRAFT_VENDOR_ID = 9;
const DRAFT_AVPS: ReadonlyMap<number, number> = new Map([
  [1, AVP.assignedControlConnectionId],
  [3, SESSION_AVP.local],
  [4, SESSION_AVP.remote],
]);
const MAC_BYTES = 6;

export class Parties {
  /** By row and generation, in the order in which they were last seen. */
  readonly #sessions = new Map<string, SessionParty>();
  readonly #tunnels = new Map<string, TunnelEnds>();
  /** What is looked up for each packet; undefined once it is no longer right. */
  #marks: Marks | undefined;

  /** A session that the capture has, as it is now. */
  note(party: SessionParty): void {
    const key = rowKey(party);
    this.#sessions.delete(key);
    this.#sessions.set(key, party);
    if (this.#sessions.size > MAX_PARTIES) this.#sessions.delete(this.#sessions.keys().next().value ?? '');
    this.#marks = undefined;
  }

  /** A tunnel whose control messages the capture has, all of them. */
  noteTunnel(tunnel: TunnelEnds): void {
    this.#tunnels.set(`${tunnel.tunnelId}/${tunnel.peerAddress}`, tunnel);
    this.#marks = undefined;
  }

  /** Whether a packet out of the ring of signalling belongs to the capture. */
  own(packet: CapturedPacket): boolean {
    if (packet.sessionId !== 0) return this.#sessions.has(rowKey(packet));
    this.#marks ??= marksOf(this.#sessions.values(), this.#tunnels.values());
    if (packet.kind === 'frame') return isFrameOf(packet, this.#marks);
    const message = messageOf(packet);
    return message !== undefined && isMessageOf(packet, message, this.#marks);
  }
}

/** Texts that name what is the capture's: of a tunnel and of a session there are two, by either end's ID. */
interface Marks {
  tunnels: Set<string>;
  /** Of tunnels of which what sets them up and ends them is the capture's. */
  setUps: Set<string>;
  sessions: Set<string>;
  /** The SESSION_IDs of hosts, by their MAC addresses. */
  hosts: Map<string, Set<number>>;
}

function marksOf(sessions: Iterable<SessionParty>, tunnels: Iterable<TunnelEnds>): Marks {
  const marks: Marks = { tunnels: new Set(), setUps: new Set(), sessions: new Set(), hosts: new Map() };
  for (const tunnel of tunnels) for (const mark of tunnelMarks(tunnel)) marks.tunnels.add(mark);
  for (const { tunnel, l2tpSessionId, peerSessionId, pppoe } of sessions) {
    if (pppoe !== undefined) {
      const mac = Buffer.from(macBytes(pppoe.peerMac)).toString('hex');
      marks.hosts.set(mac, (marks.hosts.get(mac) ?? new Set()).add(pppoe.sessionId));
    }
    for (const mark of tunnel === undefined ? [] : tunnelMarks(tunnel)) {
      marks.setUps.add(mark);
      if (l2tpSessionId !== 0) marks.sessions.add(sessionMark(mark, 'ours', l2tpSessionId));
      if (peerSessionId !== 0) marks.sessions.add(sessionMark(mark, 'theirs', peerSessionId));
    }
  }
  return marks;
}

type Whose = 'ours' | 'theirs';
const rowKey = ({ sessionId, generation }: { sessionId: number; generation: number }) => `${sessionId}/${generation}`;
const tunnelMark = (peer: string, whose: Whose, id: number) => `${peer} ${whose} ${id}`;
const sessionMark = (tunnel: string, whose: Whose, id: number) => `${tunnel} ${whose} ${id}`;

function tunnelMarks({ tunnelId, peerTunnelId, peerAddress }: TunnelEnds): string[] {
  const peer = addressKey(peerAddress);
  const marks = [tunnelMark(peer, 'ours', tunnelId)];
  return peerTunnelId === 0 ? marks : [...marks, tunnelMark(peer, 'theirs', peerTunnelId)];
}

/** The words of an address as a ring has them. */
function addressKey(address: string): string {
  const octets = parseAddress(address);
  const whole = new Uint8Array(16);
  if (octets.length === 4) whole.fill(0xff, 10, 12);
  whole.set(octets, 16 - octets.length);
  return new Uint32Array(whole.buffer).join();
}

/** A control message as far as it says whose it is. */
interface Message {
  parts: ControlParts;
  /** 0 of an acknowledgment alone. */
  type: number;
  /** Given by the sender. */
  assignedTunnelId: number;
  assignedSessionId: number;
  /** The receiver's. */
  remoteSessionId: number;
}

function messageOf(packet: CapturedPacket): Message | undefined {
  const part = partOf(packet);
  const parts = part && controlParts(packet.octets, part);
  if (parts === undefined) return undefined;
  const { octets } = packet;
  const message = { parts, type: 0, assignedTunnelId: 0, assignedSessionId: 0, remoteSessionId: parts.sessionId };
  for (const { vendorId, type: number, isHidden, valueAt, end } of avpPlaces(octets, parts)) {
    const type = vendorId === DRAFT_VENDOR_ID ? DRAFT_AVPS.get(number) : vendorId === 0 ? number : undefined;
    if (isHidden || end - valueAt < 2) continue;
    if (type === AVP.messageType) message.type = u16(octets, valueAt);
    else if (type === AVP.assignedTunnelId) message.assignedTunnelId = u16(octets, valueAt);
    else if (type === AVP.assignedSessionId) message.assignedSessionId = u16(octets, valueAt);
    else if (type === AVP.assignedControlConnectionId) message.assignedTunnelId = u32(octets, valueAt);
    else if (type === SESSION_AVP.local) message.assignedSessionId = u32(octets, valueAt);
    else if (type === SESSION_AVP.remote) message.remoteSessionId = u32(octets, valueAt);
  }
  return message;
}

/**
 * A tunnel is named by the receiver's ID of it; the first message has none, but says the sender's. Of a session's tunnel
 * all is the capture's that sets it up and ends it, and what names the session.
 */
function isMessageOf({ isSent, peerAddress }: CapturedPacket, message: Message, marks: Marks): boolean {
  const { parts, type, assignedTunnelId, assignedSessionId, remoteSessionId } = message;
  const [receivers, senders]: [Whose, Whose] = isSent ? ['theirs', 'ours'] : ['ours', 'theirs'];
  const isFirst = parts.tunnelId === 0;
  const tunnel = tunnelMark(
    peerAddress.join(),
    isFirst ? senders : receivers,
    isFirst ? assignedTunnelId : parts.tunnelId,
  );
  if (marks.tunnels.has(tunnel)) return true;
  if (!marks.setUps.has(tunnel)) return false;
  return (
    (type >= 1 && type <= LAST_TUNNEL_MESSAGE) ||
    marks.sessions.has(sessionMark(tunnel, receivers, remoteSessionId)) ||
    marks.sessions.has(sessionMark(tunnel, senders, assignedSessionId))
  );
}

/** Discovery of a host of the capture's, but for that of another session of its. */
function isFrameOf({ octets, isSent }: CapturedPacket, { hosts }: Marks): boolean {
  const { etherType, at } = etherTypeAt(octets, 0);
  if (etherType !== PPPOE_ETHER_TYPE.discovery) return false;
  const mac = octets.subarray(isSent ? 0 : MAC_BYTES, isSent ? MAC_BYTES : 2 * MAC_BYTES);
  const sessionIds = hosts.get(Buffer.from(mac).toString('hex'));
  const sessionId = u16(octets, at + 2);
  return sessionIds !== undefined && (sessionId === 0 || sessionIds.has(sessionId));
}
