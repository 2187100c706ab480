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
import { formatAddress, parseAddress, parsePrefix, prefixContains } from '../../firmware/wire/ip.js';
import { emitDataHeader, parseL2tpHeader } from '../../firmware/wire/l2tp.js';
import { emitDataHeaderV3 } from '../../firmware/wire/l2tpv3.js';
import { emitPppFrame, PPP_PROTOCOL, parsePppFrame } from '../../firmware/wire/ppp.js';
import { dataSession, dataVersion, u32, unwrapControl, wrapControl } from './packets.js';

export interface Row extends ForwardingRow {
  nextNs: number;
  /** Of the data packets that come, once one with a number has come. */
  expectedNs: number | undefined;
}

/** A packet that goes out, as the network carries it. */
export interface Sent {
  path: TransportPath;
  packet: Uint8Array;
}

export type Received =
  /** `message`: from its header on. */
  | { type: 'control'; header: ControlHeader; message: Uint8Array }
  | { type: 'ppp'; row: Row; protocol: number; information: Uint8Array }
  | { type: 'user'; row: Row; packet: UserPacket }
  /** An Ethernet frame, known by the token in it. */
  | { type: 'frame'; row: Row; token: number }
  | { type: 'dropped' };

/** A packet of a user's, IPv4 with eight octets in it. */
export interface UserPacket {
  source: string;
  destination: string;
  isReply: boolean;
  token: number;
}

const DROPPED: Received = { type: 'dropped' };
const IPV4_HEADER_BYTES = 20;
const ETHERNET_HEADER_BYTES = 14;
const ETHERNET_ADDRESSES_BYTES = 12;
/** IEEE 802.1Q. */
const VLAN_TAG_BYTES = 4;
const VLAN_TAG = 0x8100;
/** The S bit of the default L2-specific sublayer, and the numbers of each version. */
const SUBLAYER_S = 0x4000_0000;
const NS_MASK = { 2: 0xffff, 3: 0xff_ffff } as const;

export class PacketPath {
  readonly rows = new Map<number, Row>();
  readonly tunnels = new Map<number, TransportPath>();

  /** Carries out a command for the tables; gives the packet that a command for the wire makes. */
  carryOut(output: Output): Sent | undefined {
    switch (output.type) {
      case 'tunnel-add':
      case 'tunnel-path':
        this.tunnels.set(output.tunnelId, output.path);
        return undefined;
      case 'tunnel-remove':
        this.tunnels.delete(output.tunnelId);
        return undefined;
      case 'session-add':
        this.rows.set(output.row.sessionId, { ...output.row, nextNs: 0, expectedNs: undefined });
        return undefined;
      case 'session-update':
        Object.assign(this.#row(output) ?? {}, output.changes);
        return undefined;
      case 'session-remove':
        if (this.#row(output) !== undefined) this.rows.delete(output.sessionId);
        return undefined;
      case 'inject': {
        const row = this.#row(output);
        return row && this.#emit(row, output.protocol, output.information);
      }
      case 'send-control':
        return { path: output.path, packet: wrapControl(output.packet, output.path.encapsulation) };
      default:
        return undefined;
    }
  }

  /** What comes from the wire. */
  receive(packet: Uint8Array, path: TransportPath): Received {
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
  route(packet: UserPacket): Sent | undefined {
    for (const row of this.rows.values()) {
      if (!row.bindTun && contains(row.sources, packet.destination)) return this.sendUserPacket(row, packet);
    }
    return undefined;
  }

  /** What comes from a TUN and has found its row. */
  sendUserPacket(row: Row, packet: UserPacket): Sent | undefined {
    if (!row.ipv4Open) return undefined;
    const bytes = new Uint8Array(IPV4_HEADER_BYTES + 8);
    bytes[0] = 0x45;
    bytes[3] = bytes.length;
    bytes.set(parseAddress(packet.source), 12);
    bytes.set(parseAddress(packet.destination), 16);
    const view = new DataView(bytes.buffer);
    view.setUint32(IPV4_HEADER_BYTES, packet.isReply ? 1 : 0);
    view.setUint32(IPV4_HEADER_BYTES + 4, packet.token);
    return this.#emit(row, PPP_PROTOCOL.ipv4, bytes);
  }

  /** A frame from the TAP device that the row is bound to; in a VLAN pseudowire it gets its tag. */
  sendFrame(row: Row, token: number): Sent | undefined {
    if (!row.ethernetOpen) return undefined;
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

  #emit(row: Row, protocol: number, information: Uint8Array): Sent {
    const isLcp = protocol === PPP_PROTOCOL.lcp;
    const frame = emitPppFrame(
      { protocol, information },
      {
        addressControl: isLcp || !row.transmitAcfc || row.addressControl === 'always',
        protocolFieldCompression: !isLcp && row.transmitPfc,
      },
    );
    return this.#emitFrame(row, frame);
  }

  #emitFrame(row: Row, frame: Uint8Array): Sent {
    const header = row.version === 3 ? headerOfVersion3(row) : headerOfVersion2(row);
    const packet = new Uint8Array(header.length + frame.length);
    packet.set(header);
    packet.set(frame, header.length);
    return { path: row.path, packet };
  }

  #receiveControl(message: Uint8Array, path: TransportPath): Received {
    const header = parse(() => parseControlHeader(message));
    if (header === undefined || (path.encapsulation === 'ip' && header.version === 2)) return DROPPED;
    const received: Received = { type: 'control', header, message };
    if (header.controlConnectionId === 0) return received;
    const tunnel = this.tunnels.get(header.controlConnectionId);
    if (tunnel?.encapsulation !== path.encapsulation) return DROPPED;
    return tunnel.peerAddress === path.peerAddress ? received : DROPPED;
  }

  #receiveVersion2(packet: Uint8Array, path: TransportPath): Received {
    const header = parse(() => parseL2tpHeader(packet));
    if (header === undefined) return DROPPED;
    const row = this.rows.get(header.sessionId);
    if (row?.version !== 2 || row.path.peerAddress !== path.peerAddress) return DROPPED;
    if (header.tunnelId !== row.tunnelId && !(header.tunnelId === 0 && row.allowTunnelIdZero)) return DROPPED;
    if (header.hasSequence && !inSequence(row, header.ns)) return DROPPED;
    return this.#receivePayload(row, packet.subarray(header.payloadOffset, header.payloadEnd));
  }

  /** The cookie is looked at before anything else. */
  #receiveVersion3(packet: Uint8Array, path: TransportPath): Received {
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

  #receivePayload(row: Row, payload: Uint8Array): Received {
    if (row.payload === 'ethernet') return receiveFrame(row, payload);
    const frame = parse(() => parsePppFrame(payload));
    if (frame === undefined) return DROPPED;
    if (frame.protocol === PPP_PROTOCOL.ipv4) return this.#receiveUserPacket(row, frame.information);
    return { type: 'ppp', row, protocol: frame.protocol, information: frame.information.slice() };
  }

  #receiveUserPacket(row: Row, bytes: Uint8Array): Received {
    if (!row.ipv4Open || bytes.length < IPV4_HEADER_BYTES + 8) return DROPPED;
    const source = formatAddress(bytes.subarray(12, 16));
    const destination = formatAddress(bytes.subarray(16, 20));
    const isAllowed = row.bindTun ? contains(row.destinations, destination) : contains(row.sources, source);
    if (!isAllowed) return DROPPED;
    const view = new DataView(bytes.buffer, bytes.byteOffset + IPV4_HEADER_BYTES);
    const packet = { source, destination, isReply: view.getUint32(0) === 1, token: view.getUint32(4) };
    return { type: 'user', row, packet };
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

function receiveFrame(row: Row, frame: Uint8Array): Received {
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
