/**
 * A model of one box's packet path, as small as can be and honest: what the real worker would drop is dropped here. It
 * has a row or has none, looks at generation, cookie, encapsulation, peer's address, tunnel ID and numbers, and lets
 * user packets and frames pass only where the row says so. Carries out commands as they come: whether they make sense is
 * the checker's to say.
 */

import type { TransportPath } from '../../firmware/protocol/l2tp/endpoint.js';
import type { ForwardingRow, Output } from '../../firmware/roles/role.js';
import { ProtocolError } from '../../firmware/wire/bytes.js';
import { type ControlHeader, parseControlHeader } from '../../firmware/wire/control-header.js';
import { parseAddress, parsePrefix, prefixContains } from '../../firmware/wire/ip.js';
import { emitDataHeader, parseL2tpHeader } from '../../firmware/wire/l2tp.js';
import { emitDataHeaderV3 } from '../../firmware/wire/l2tpv3.js';
import { emitPppFrame, PPP_PROTOCOL, parsePppFrame } from '../../firmware/wire/ppp.js';
import { dataSession, dataVersion, u32, unwrapControl, wrapControl } from './packets.js';
import { emitSessionFrame, type PppoeFrame, readPppoeFrame } from './pppoe-frames.js';
import { emitUserPacket, readUserPacket, type UserPacket } from './user-packet.js';

export interface Row extends ForwardingRow {
  /** PPP frames that are held. */
  readonly kept: Uint8Array[];
  nextNs: number;
  /** Of the data packets that come, once one with a number has come. */
  expectedNs: number | undefined;
}

/** A packet that goes out, as the network carries it. */
export interface Sent {
  path: TransportPath;
  packet: Uint8Array;
}

/** A frame that goes out on an Ethernet interface. */
export interface SentFrame {
  interfaceIndex: number;
  frame: Uint8Array;
}

/** What the LAC's relay does, for whoever checks it. `ppp`: from the protocol on, or from FF 03. */
export interface RelayObserver {
  /** A PC's frame has come in the session of this row. */
  arrived(row: Row, ppp: Uint8Array): void;
  /** The row's frames are held from now on. */
  held(row: Row): void;
  /** A PC's frame goes to the LNS; the row is that of the PC's session. */
  carried(row: Row, ppp: Uint8Array): void;
}

/** What comes of something that has come, or of a command. */
export type Outcome =
  | ({ type: 'sent' } & Sent)
  | ({ type: 'sent-frame' } & SentFrame)
  /** `message`: from its header on. */
  | { type: 'control'; header: ControlHeader; message: Uint8Array }
  | { type: 'ppp'; row: Row; protocol: number; information: Uint8Array }
  | { type: 'user'; row: Row; packet: UserPacket }
  /** An Ethernet frame, known by the token in it. */
  | { type: 'frame'; row: Row; token: number }
  | { type: 'discovery'; interfaceIndex: number; frame: Uint8Array }
  /** All that was punted of this row before its frames were held has been told of before. */
  | { type: 'held'; row: Row }
  | { type: 'kept' | 'dropped' };

const DROPPED: Outcome = { type: 'dropped' };
const UNOBSERVED: RelayObserver = { arrived: () => undefined, held: () => undefined, carried: () => undefined };
/** Of a row's frames so many are kept while it holds. */
const MAX_KEPT = 16;
const ADDRESS_CONTROL = Uint8Array.of(0xff, 0x03);
const ETHERNET_HEADER_BYTES = 14;
const ETHERNET_ADDRESSES_BYTES = 12;
/** IEEE 802.1Q. */
const VLAN_TAG_BYTES = 4;
const VLAN_TAG = 0x8100;
/** The S bit of the default L2-specific sublayer, and the numbers of each version. */
const SUBLAYER_S = 0x4000_0000;
const NS_MASK = { 2: 0xffff, 3: 0xff_ffff } as const;

/** A packet path: the model below, or the one that ships. */
export interface Path {
  readonly rows: ReadonlyMap<number, Row>;
  readonly tunnels: ReadonlyMap<number, TransportPath>;
  /** Carries out a command. */
  carryOut(output: Output): readonly Outcome[];
  /** What comes from a PPPoE interface. */
  receiveFrame(interfaceIndex: number, frame: Uint8Array): Outcome;
  /** What comes from the wire. */
  receive(packet: Uint8Array, path: TransportPath): Outcome;
  /** What comes from the LNS's TUN: it goes to the row that has the destination. */
  route(packet: UserPacket): Outcome;
  /** What comes from a TUN and has found its row. */
  sendUserPacket(row: Row, packet: UserPacket): Outcome;
  /** A frame from the TAP device that the row is bound to; in a VLAN pseudowire it gets its tag. */
  sendFrame(row: Row, token: number): Outcome;
}

/** The row that a frame of a PPPoE session belongs to: SESSION_ID, both addresses and all VLAN IDs must be its. */
export function sessionRow(
  rows: ReadonlyMap<number, Row>,
  interfaceIndex: number,
  { way, sessionId }: Extract<PppoeFrame, { stage: 'session' }>,
): Row | undefined {
  for (const row of rows.values()) {
    const { pppoe } = row;
    if (pppoe?.interfaceIndex !== interfaceIndex || pppoe.sessionId !== sessionId) continue;
    if (pppoe.peerMac !== way.source || pppoe.localMac !== way.destination) continue;
    const { tags } = way;
    if (tags.length === pppoe.tags.length && tags.every(({ vlanId }, place) => vlanId === pppoe.tags[place].vlanId)) {
      return row;
    }
  }
  return undefined;
}

export class PacketPath implements Path {
  readonly rows = new Map<number, Row>();
  readonly tunnels = new Map<number, TransportPath>();
  readonly #relay: RelayObserver;

  constructor(relay: RelayObserver = UNOBSERVED) {
    this.#relay = relay;
  }

  /** Carries out a command. */
  carryOut(output: Output): readonly Outcome[] {
    switch (output.type) {
      case 'tunnel-add':
      case 'tunnel-path':
        this.tunnels.set(output.tunnelId, output.path);
        return [];
      case 'tunnel-remove':
        this.tunnels.delete(output.tunnelId);
        return [];
      case 'session-add':
        this.rows.set(output.row.sessionId, { ...output.row, kept: [], nextNs: 0, expectedNs: undefined });
        return [];
      case 'session-update':
        return this.#update(output);
      case 'session-remove':
        if (this.#row(output) !== undefined) this.rows.delete(output.sessionId);
        return [];
      case 'inject':
        return this.#inject(output);
      case 'send-control':
        return [{ type: 'sent', path: output.path, packet: wrapControl(output.packet, output.path.encapsulation) }];
      case 'send-frame':
        return [{ type: 'sent-frame', interfaceIndex: output.interfaceIndex, frame: output.frame }];
      default:
        return [];
    }
  }

  /** What comes from a PPPoE interface. */
  receiveFrame(interfaceIndex: number, frame: Uint8Array): Outcome {
    const read = readPppoeFrame(frame);
    if (read === undefined) return DROPPED;
    if (read.stage === 'discovery') return { type: 'discovery', interfaceIndex, frame };
    const row = sessionRow(this.rows, interfaceIndex, read);
    // Whoever goes on with a session that there is not any more is told so.
    return row === undefined ? { type: 'discovery', interfaceIndex, frame } : this.#receivePayload(row, read.ppp);
  }

  /** What comes from the wire. */
  receive(packet: Uint8Array, path: TransportPath): Outcome {
    const message = unwrapControl(packet, path.encapsulation);
    if (message !== undefined) return this.#receiveControl(message, path);
    if (dataVersion(packet, path.encapsulation) === 3) return this.#receiveVersion3(packet, path);
    return this.#receiveVersion2(packet, path);
  }

  /** RFC 3931 section 4.1: whether the packet has the cookie that we have assigned. */
  hasCookie({ localCookie }: Row, packet: Uint8Array, at: number): boolean {
    return Buffer.compare(packet.subarray(at, at + localCookie.length), localCookie) === 0;
  }

  /** What comes from the LNS's TUN: it goes to the row that has the destination. */
  route(packet: UserPacket): Outcome {
    for (const row of this.rows.values()) {
      if (!row.bindTun && contains(row.sources, packet.destination)) return this.sendUserPacket(row, packet);
    }
    return DROPPED;
  }

  /** What comes from a TUN and has found its row. */
  sendUserPacket(row: Row, packet: UserPacket): Outcome {
    return row.ipv4Open ? this.#emit(row, PPP_PROTOCOL.ipv4, emitUserPacket(packet)) : DROPPED;
  }

  /** A frame from the TAP device that the row is bound to; in a VLAN pseudowire it gets its tag. */
  sendFrame(row: Row, token: number): Outcome {
    if (!row.ethernetOpen) return DROPPED;
    const tag_bytes = row.vlanId === 0 ? 0 : VLAN_TAG_BYTES;
    const frame = new Uint8Array(ETHERNET_HEADER_BYTES + tag_bytes + 4);
    const view = new DataView(frame.buffer);
    if (tag_bytes > 0) view.setUint32(ETHERNET_ADDRESSES_BYTES, (VLAN_TAG << 16) | row.vlanId);
    view.setUint32(ETHERNET_HEADER_BYTES + tag_bytes, token);
    return this.#emitFrame(row, frame);
  }

  #row({ sessionId, generation }: { sessionId: number; generation: number }): Row | undefined {
    const row = this.rows.get(sessionId);
    return row?.generation === generation ? row : undefined;
  }

  /** A hold that begins is told of; what was kept goes where the row's frames go when it ends. */
  #update(output: Extract<Output, { type: 'session-update' }>): readonly Outcome[] {
    const row = this.#row(output);
    if (row === undefined) return [];
    const wasHeld = row.hold;
    Object.assign(row, output.changes);
    if (row.hold === wasHeld) return [];
    if (!row.hold) return row.kept.splice(0).map((ppp) => this.#pass(row, ppp));
    this.#relay.held(row);
    return [{ type: 'held', row }];
  }

  #inject(output: Extract<Output, { type: 'inject' }>): readonly Outcome[] {
    const row = this.#row(output);
    if (row === undefined) return [];
    const { protocol, information } = output;
    const from = row.relayTo && this.#row(row.relayTo);
    if (from?.pppoe !== undefined) {
      const plain = { addressControl: false, protocolFieldCompression: false };
      this.#relay.carried(from, emitPppFrame({ protocol, information }, plain));
    }
    return [this.#emit(row, protocol, information)];
  }

  #emit(row: Row, protocol: number, information: Uint8Array): Outcome {
    const isLcp = protocol === PPP_PROTOCOL.lcp;
    const frame = emitPppFrame(
      { protocol, information },
      {
        addressControl: row.pppoe === undefined && (isLcp || !row.transmitAcfc || row.addressControl === 'always'),
        protocolFieldCompression: !isLcp && row.transmitPfc,
      },
    );
    return this.#emitFrame(row, frame);
  }

  #emitFrame(row: Row, frame: Uint8Array): Outcome {
    if (row.pppoe !== undefined) {
      const { interfaceIndex, localMac, peerMac, sessionId, tags } = row.pppoe;
      const way = { destination: peerMac, source: localMac, tags };
      return { type: 'sent-frame', interfaceIndex, frame: emitSessionFrame(way, sessionId, frame) };
    }
    const header = row.version === 3 ? headerOfVersion3(row) : headerOfVersion2(row);
    const packet = new Uint8Array(header.length + frame.length);
    packet.set(header);
    packet.set(frame, header.length);
    return { type: 'sent', path: row.path, packet };
  }

  #receiveControl(message: Uint8Array, path: TransportPath): Outcome {
    const header = parse(() => parseControlHeader(message));
    if (header === undefined || (path.encapsulation === 'ip' && header.version === 2)) return DROPPED;
    const received: Outcome = { type: 'control', header, message };
    if (header.controlConnectionId === 0) return received;
    const tunnel = this.tunnels.get(header.controlConnectionId);
    if (tunnel?.encapsulation !== path.encapsulation) return DROPPED;
    return tunnel.peerAddress === path.peerAddress ? received : DROPPED;
  }

  #receiveVersion2(packet: Uint8Array, path: TransportPath): Outcome {
    const header = parse(() => parseL2tpHeader(packet));
    if (header === undefined) return DROPPED;
    const row = this.rows.get(header.sessionId);
    if (row?.version !== 2 || row.path.peerAddress !== path.peerAddress) return DROPPED;
    if (header.tunnelId !== row.tunnelId && !(header.tunnelId === 0 && row.allowTunnelIdZero)) return DROPPED;
    if (header.hasSequence && !inSequence(row, header.ns)) return DROPPED;
    return this.#receivePayload(row, packet.subarray(header.payloadOffset, header.payloadEnd));
  }

  /** The cookie is looked at before anything else. */
  #receiveVersion3(packet: Uint8Array, path: TransportPath): Outcome {
    const session = dataSession(packet, path.encapsulation);
    if (session === undefined) return DROPPED;
    const row = this.rows.get(session.sessionId);
    if (row?.version !== 3 || !this.hasCookie(row, packet, session.cookieAt)) return DROPPED;
    if (row.path.encapsulation !== path.encapsulation || row.path.peerAddress !== path.peerAddress) return DROPPED;
    let at = session.cookieAt + row.localCookie.length;
    if (row.localSublayer) {
      if (packet.length < at + 4) return DROPPED;
      const sublayer = u32(packet, at);
      at += 4;
      if ((sublayer & SUBLAYER_S) !== 0 && !inSequence(row, sublayer & NS_MASK[3])) return DROPPED;
    }
    return this.#receivePayload(row, packet.subarray(at));
  }

  #receivePayload(row: Row, payload: Uint8Array): Outcome {
    if (row.payload === 'ethernet') return receiveFrame(row, payload);
    if (parse(() => parsePppFrame(payload)) === undefined) return DROPPED;
    if (row.hold && row.kept.length === MAX_KEPT) return DROPPED;
    if (row.pppoe !== undefined) this.#relay.arrived(row, payload);
    if (!row.hold) return this.#pass(row, payload);
    row.kept.push(payload.slice());
    return { type: 'kept' };
  }

  /** To the row that this one's frames are relayed to, or to whom they are for here. */
  #pass(row: Row, payload: Uint8Array): Outcome {
    if (row.relayTo !== undefined) return this.#relayed(row, row.relayTo, payload);
    const frame = parse(() => parsePppFrame(payload));
    if (frame === undefined) return DROPPED;
    if (frame.protocol === PPP_PROTOCOL.ipv4) return this.#receiveUserPacket(row, frame.information);
    return { type: 'ppp', row, protocol: frame.protocol, information: frame.information.slice() };
  }

  /** RFC 2516 section 7: FF 03 is added towards L2TP and taken off towards PPPoE; nothing else is changed. */
  #relayed(row: Row, relayTo: NonNullable<Row['relayTo']>, payload: Uint8Array): Outcome {
    const to = this.#row(relayTo);
    if (to === undefined) return DROPPED;
    const hasAddress = Buffer.compare(payload.subarray(0, 2), ADDRESS_CONTROL) === 0;
    const ppp = hasAddress ? payload.subarray(2) : payload;
    if (row.pppoe === undefined) return this.#emitFrame(to, ppp);
    this.#relay.carried(row, ppp);
    return this.#emitFrame(to, Uint8Array.of(...ADDRESS_CONTROL, ...ppp));
  }

  #receiveUserPacket(row: Row, bytes: Uint8Array): Outcome {
    const packet = readUserPacket(bytes);
    if (!row.ipv4Open || packet === undefined) return DROPPED;
    const { source, destination } = packet;
    const isAllowed = row.bindTun ? contains(row.destinations, destination) : contains(row.sources, source);
    return isAllowed ? { type: 'user', row, packet } : DROPPED;
  }
}

function headerOfVersion2(row: Row): Uint8Array {
  const sequence = row.sequencing ? { ns: takeNs(row), nr: 0 } : undefined;
  return emitDataHeader({ tunnelId: row.peerTunnelId, sessionId: row.peerSessionId, sequence });
}

function headerOfVersion3(row: Row): Uint8Array {
  const sublayer = row.peerSublayer ? { sequence: row.sequencing ? takeNs(row) : undefined } : undefined;
  const { path, peerSessionId: sessionId, peerCookie: cookie } = row;
  return emitDataHeaderV3({ encapsulation: path.encapsulation, sessionId, cookie, sublayer });
}

function takeNs(row: Row): number {
  const ns = row.nextNs;
  row.nextNs = (ns + 1) & NS_MASK[row.version];
  return ns;
}

/** RFC 2661 section 5.4, RFC 3931 section 4.6: what is numbered and late is dropped. */
function inSequence(row: Row, ns: number): boolean {
  const mask = NS_MASK[row.version];
  const ahead = (ns - (row.expectedNs ?? ns)) & mask;
  if (ahead > mask >>> 1) return false;
  row.expectedNs = (ns + 1) & mask;
  return true;
}

function receiveFrame(row: Row, frame: Uint8Array): Outcome {
  const tag_bytes = row.vlanId === 0 ? 0 : VLAN_TAG_BYTES;
  if (!row.ethernetOpen || frame.length < ETHERNET_HEADER_BYTES + tag_bytes + 4) return DROPPED;
  if (tag_bytes > 0 && u32(frame, ETHERNET_ADDRESSES_BYTES) >>> 16 !== VLAN_TAG) return DROPPED;
  return { type: 'frame', row, token: u32(frame, ETHERNET_HEADER_BYTES + tag_bytes) };
}

function contains(prefixes: readonly string[], address: string): boolean {
  const bytes = parseAddress(address);
  return prefixes.some((text) => {
    const prefix = parsePrefix(text);
    return prefix.address.length === bytes.length && prefixContains(prefix, bytes);
  });
}

function parse<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof ProtocolError) return undefined;
    throw error;
  }
}
