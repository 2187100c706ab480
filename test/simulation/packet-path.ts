/**
 * A model of one box's packet path, as small as can be and honest: what the real worker would drop is dropped here. It
 * has a row or has none, looks at generation, peer's address and tunnel ID, numbers, and lets user packets pass only
 * where the row says so. Carries out commands as they come: whether they make sense is the checker's to say.
 */

import type { TransportPath } from '../../firmware/protocol/l2tp/endpoint.js';
import type { ForwardingRow, Output } from '../../firmware/roles/role.js';
import { ProtocolError } from '../../firmware/wire/bytes.js';
import { formatAddress, parseAddress, parsePrefix, prefixContains } from '../../firmware/wire/ip.js';
import { emitDataHeader, type L2tpHeader, parseL2tpHeader } from '../../firmware/wire/l2tp.js';
import { emitPppFrame, PPP_PROTOCOL, parsePppFrame } from '../../firmware/wire/ppp.js';

export interface Row extends ForwardingRow {
  nextNs: number;
  /** Of the data packets that come, once one with a number has come. */
  expectedNs: number | undefined;
}

export type Received =
  | { type: 'control'; header: L2tpHeader }
  | { type: 'ppp'; row: Row; protocol: number; information: Uint8Array }
  | { type: 'user'; row: Row; packet: UserPacket }
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

export class PacketPath {
  readonly rows = new Map<number, Row>();
  readonly tunnels = new Map<number, TransportPath>();

  /** Carries out a command for the tables; gives the packet that a command for the wire makes. */
  carryOut(output: Output): { path: TransportPath; packet: Uint8Array } | undefined {
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
        return { path: output.path, packet: output.packet };
      default:
        return undefined;
    }
  }

  /** What comes from the wire. */
  receive(packet: Uint8Array, path: TransportPath): Received {
    const header = parse(() => parseL2tpHeader(packet));
    if (header === undefined) return DROPPED;
    if (header.control) {
      if (header.tunnelId === 0) return { type: 'control', header };
      const tunnel = this.tunnels.get(header.tunnelId);
      return tunnel?.peerAddress === path.peerAddress ? { type: 'control', header } : DROPPED;
    }
    const row = this.rows.get(header.sessionId);
    if (row === undefined || row.path.peerAddress !== path.peerAddress) return DROPPED;
    if (header.tunnelId !== row.tunnelId && !(header.tunnelId === 0 && row.allowTunnelIdZero)) return DROPPED;
    if (!inSequence(row, header)) return DROPPED;
    const frame = parse(() => parsePppFrame(packet.subarray(header.payloadOffset, header.payloadEnd)));
    if (frame === undefined) return DROPPED;
    if (frame.protocol === PPP_PROTOCOL.ipv4) return this.#receiveUserPacket(row, frame.information);
    return { type: 'ppp', row, protocol: frame.protocol, information: frame.information.slice() };
  }

  /** What comes from the LNS's TUN: it goes to the row that has the destination. */
  route(packet: UserPacket): { path: TransportPath; packet: Uint8Array } | undefined {
    for (const row of this.rows.values()) {
      if (!row.bindTun && contains(row.sources, packet.destination)) return this.sendUserPacket(row, packet);
    }
    return undefined;
  }

  /** What comes from a TUN and has found its row. */
  sendUserPacket(row: Row, packet: UserPacket): { path: TransportPath; packet: Uint8Array } | undefined {
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

  #row({ sessionId, generation }: { sessionId: number; generation: number }): Row | undefined {
    const row = this.rows.get(sessionId);
    return row?.generation === generation ? row : undefined;
  }

  #emit(row: Row, protocol: number, information: Uint8Array): { path: TransportPath; packet: Uint8Array } {
    const isLcp = protocol === PPP_PROTOCOL.lcp;
    const frame = emitPppFrame(
      { protocol, information },
      {
        addressControl: isLcp || !row.transmitAcfc || row.addressControl === 'always',
        protocolFieldCompression: !isLcp && row.transmitPfc,
      },
    );
    const sequence = row.sequencing ? { ns: row.nextNs, nr: 0 } : undefined;
    row.nextNs = (row.nextNs + 1) & 0xffff;
    const header = emitDataHeader({ tunnelId: row.peerTunnelId, sessionId: row.peerSessionId, sequence });
    const packet = new Uint8Array(header.length + frame.length);
    packet.set(header);
    packet.set(frame, header.length);
    return { path: row.path, packet };
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

/** RFC 2661 section 5.4: what is numbered and late is dropped. */
function inSequence(row: Row, header: L2tpHeader): boolean {
  if (!header.hasSequence) return true;
  const ahead = (header.ns - (row.expectedNs ?? header.ns)) & 0xffff;
  if (ahead >= 0x8000) return false;
  row.expectedNs = (header.ns + 1) & 0xffff;
  return true;
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
