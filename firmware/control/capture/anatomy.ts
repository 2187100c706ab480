/**
 * What lies where in a captured packet: the control message, or the PPP or Ethernet frame of the user, behind the headers
 * of L2TP (RFC 2661 section 3.1, RFC 3931 sections 3.2 and 4.1) and PPPoE (RFC 2516 section 4). A packet that ends too
 * early, or was cut, has what there is of it. Changes nothing.
 */
import type { CapturedPacket } from '../../dataplane/interface.js';
import { TAG_PROTOCOL } from '../../wire/ethernet.js';
import { L2TP_FLAG } from '../../wire/l2tp.js';
import { PPPOE_ETHER_TYPE, PPPOE_HEADER_BYTES } from '../../wire/pppoe.js';

/** From `at` up to `end`, both within the packet's octets. */
export interface Part {
  what: 'control' | 'ppp' | 'ethernet';
  at: number;
  end: number;
}

const SESSION_ID_BYTES = 4;
const MAC_BYTES = 6;
const TAG_BYTES = 4;
const VERSION_MASK = 0x0f;

/** undefined where there is none of the three. */
export function partOf(packet: CapturedPacket): Part | undefined {
  const { octets, kind, isControl, carriesEthernet, payloadAt } = packet;
  if (kind === 'frame') return pppoePart(octets, 0, octets.length);
  if (isControl) return clipped('control', kind === 'ip' ? SESSION_ID_BYTES : 0, octets.length);
  const at = payloadAt !== 0 ? payloadAt : dataHeaderBytes(octets);
  return clipped(carriesEthernet ? 'ethernet' : 'ppp', at, octets.length);
}

/** The PPP frame of a frame of PPPoE; undefined of discovery, and of all that is not PPPoE. */
export function pppoePart(octets: Uint8Array, start: number, end: number): Part | undefined {
  const { etherType, at } = etherTypeAt(octets, start);
  if (etherType !== PPPOE_ETHER_TYPE.session) return undefined;
  const payload = at + PPPOE_HEADER_BYTES;
  return clipped('ppp', payload, Math.min(end, payload + u16(octets, at + 4)));
}

/** The type of an Ethernet frame that begins at `start`, behind its VLAN tags, and where what it says begins. */
export function etherTypeAt(octets: Uint8Array, start: number): { etherType: number; at: number } {
  let at = start + 2 * MAC_BYTES;
  while (u16(octets, at) === TAG_PROTOCOL.customer || u16(octets, at) === TAG_PROTOCOL.service) at += TAG_BYTES;
  return { etherType: u16(octets, at), at: at + 2 };
}

/** Of a control message: its version, the ID and, in version 2, the session ID in its header, and where its AVPs are. */
export interface ControlParts {
  version: 2 | 3;
  /** Tunnel ID or Control Connection ID: the receiver's. */
  tunnelId: number;
  /** The receiver's; 0 in version 3, which has it in an AVP. */
  sessionId: number;
  avpsAt: number;
  end: number;
}

/** undefined where the header is not whole. */
export function controlParts(octets: Uint8Array, { at, end }: Part): ControlParts | undefined {
  if (end - at < 12) return undefined;
  const said = at + u16(octets, at + 2);
  const common = { avpsAt: at + 12, end: Math.max(at + 12, Math.min(end, said)) };
  if ((octets[at + 1] & VERSION_MASK) === 3)
    return { version: 3, tunnelId: u32(octets, at + 4), sessionId: 0, ...common };
  return { version: 2, tunnelId: u16(octets, at + 4), sessionId: u16(octets, at + 6), ...common };
}

/** An AVP (RFC 2661 section 4.1) by its place; the value may be cut. */
export interface AvpPlace {
  vendorId: number;
  type: number;
  isHidden: boolean;
  valueAt: number;
  end: number;
}

/** Up to the first that is malformed. */
export function* avpPlaces(octets: Uint8Array, { avpsAt, end }: ControlParts): Generator<AvpPlace> {
  for (let at = avpsAt; at + 6 <= end; ) {
    const length_bytes = u16(octets, at) & 0x03ff;
    if (length_bytes < 6) return;
    const isHidden = (octets[at] & 0x40) !== 0;
    const place = { vendorId: u16(octets, at + 2), type: u16(octets, at + 4), isHidden, valueAt: at + 6 };
    at += length_bytes;
    yield { ...place, end: Math.min(at, end) };
  }
}

/** Version 2, with its optional fields. */
function dataHeaderBytes(octets: Uint8Array): number {
  const flags = u16(octets, 0);
  let at = 6;
  if ((flags & L2TP_FLAG.length) !== 0) at += 2;
  if ((flags & L2TP_FLAG.sequence) !== 0) at += 4;
  if ((flags & L2TP_FLAG.offset) !== 0) at += 2 + u16(octets, at);
  return at;
}

function clipped(what: Part['what'], at: number, end: number): Part | undefined {
  return at < end ? { what, at, end } : undefined;
}

/** 0 for what is not there. */
export function u16(octets: Uint8Array, at: number): number {
  return ((octets[at] ?? 0) << 8) | (octets[at + 1] ?? 0);
}

export function u32(octets: Uint8Array, at: number): number {
  return u16(octets, at) * 0x1_0000 + u16(octets, at + 2);
}
