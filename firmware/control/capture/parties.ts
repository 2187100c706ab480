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

  /** A session that the capture has, as it is now. */
  note(party: SessionParty): void {
    const key = `${party.sessionId}/${party.generation}`;
    this.#sessions.delete(key);
    this.#sessions.set(key, party);
    if (this.#sessions.size > MAX_PARTIES) this.#sessions.delete(this.#sessions.keys().next().value ?? '');
  }

  /** A tunnel whose control messages the capture has, all of them. */
  noteTunnel(tunnel: TunnelEnds): void {
    this.#tunnels.set(`${tunnel.tunnelId}/${tunnel.peerAddress}`, tunnel);
  }

  /** Whether a packet out of the ring of signalling belongs to the capture. */
  own(packet: CapturedPacket): boolean {
    if (packet.sessionId !== 0) return this.#sessions.has(`${packet.sessionId}/${packet.generation}`);
    if (packet.kind === 'frame') return this.#some(({ pppoe }) => pppoe !== undefined && isFrameOf(packet, pppoe));
    const message = messageOf(packet);
    if (message === undefined) return false;
    for (const tunnel of this.#tunnels.values()) if (isOfTunnel(packet, message, tunnel)) return true;
    return this.#some((party) => isOfSession(packet, message, party));
  }

  #some(isIt: (party: SessionParty) => boolean): boolean {
    for (const party of this.#sessions.values()) if (isIt(party)) return true;
    return false;
  }
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

/** By the receiver's ID of it; the first message has none, but says the sender's. */
function isOfTunnel({ isSent, peerAddress }: CapturedPacket, { parts, assignedTunnelId }: Message, tunnel: TunnelEnds) {
  if (!isAddress(peerAddress, tunnel.peerAddress)) return false;
  const [receivers, senders] = isSent ? [tunnel.peerTunnelId, tunnel.tunnelId] : [tunnel.tunnelId, tunnel.peerTunnelId];
  if (parts.tunnelId !== 0) return parts.tunnelId === receivers;
  return assignedTunnelId !== 0 && assignedTunnelId === senders;
}

/** What sets up and ends its tunnel, and what names the session. */
function isOfSession(packet: CapturedPacket, message: Message, party: SessionParty): boolean {
  if (party.tunnel === undefined || !isOfTunnel(packet, message, party.tunnel)) return false;
  const { type, assignedSessionId, remoteSessionId } = message;
  if (type >= 1 && type <= LAST_TUNNEL_MESSAGE) return true;
  const { l2tpSessionId, peerSessionId } = party;
  const [receivers, senders] = packet.isSent ? [peerSessionId, l2tpSessionId] : [l2tpSessionId, peerSessionId];
  return (
    (remoteSessionId !== 0 && remoteSessionId === receivers) ||
    (assignedSessionId !== 0 && assignedSessionId === senders)
  );
}

/** Discovery of this host, but for that of another session of its. */
function isFrameOf({ octets, isSent }: CapturedPacket, pppoe: { peerMac: string; sessionId: number }): boolean {
  const { etherType, at } = etherTypeAt(octets, 0);
  if (etherType !== PPPOE_ETHER_TYPE.discovery) return false;
  const mac = octets.subarray(isSent ? 0 : MAC_BYTES, isSent ? MAC_BYTES : 2 * MAC_BYTES);
  const sessionId = u16(octets, at + 2);
  return Buffer.compare(mac, macBytes(pppoe.peerMac)) === 0 && (sessionId === 0 || sessionId === pppoe.sessionId);
}

function isAddress(words: Uint32Array, address: string): boolean {
  const octets = new Uint8Array(words.buffer, words.byteOffset, words.byteLength);
  const wanted = parseAddress(address);
  return Buffer.compare(octets.subarray(octets.length - wanted.length), wanted) === 0;
}
