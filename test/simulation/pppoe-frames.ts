/**
 * The Ethernet frames of PPPoE as the boxes of a simulation and their PCs send and read them: a discovery packet or a PPP
 * frame, with whatever VLAN tags stand in front. Must not know sessions.
 */

import { ProtocolError } from '../../firmware/wire/bytes.js';
import { type EthernetHeader, emitEthernetHeader, parseEthernetHeader } from '../../firmware/wire/ethernet.js';
import {
  type DiscoveryPacket,
  emitDiscoveryPacket,
  emitPppoeHeader,
  PPPOE_CODE,
  PPPOE_ETHER_TYPE,
  parseDiscoveryPacket,
  parsePppoeHeader,
} from '../../firmware/wire/pppoe.js';

/** From whom to whom, and on which VLANs. */
export type Way = Omit<EthernetHeader, 'etherType'>;

/** What a frame carries. */
export type PppoeFrame = { way: Way } & (
  | { stage: 'discovery'; packet: DiscoveryPacket }
  /** `ppp`: from its protocol number on. */
  | { stage: 'session'; sessionId: number; ppp: Uint8Array }
);

export function emitDiscoveryFrame(way: Way, packet: DiscoveryPacket): Uint8Array {
  const header = emitEthernetHeader({ ...way, etherType: PPPOE_ETHER_TYPE.discovery });
  return Uint8Array.of(...header, ...emitDiscoveryPacket(packet));
}

export function emitSessionFrame(way: Way, sessionId: number, ppp: Uint8Array): Uint8Array {
  const header = emitEthernetHeader({ ...way, etherType: PPPOE_ETHER_TYPE.session });
  return Uint8Array.of(...header, ...emitPppoeHeader(PPPOE_CODE.session, sessionId, ppp.length), ...ppp);
}

/** undefined for what is no frame of PPPoE. */
export function readPppoeFrame(frame: Uint8Array): PppoeFrame | undefined {
  try {
    const { etherType, payloadOffset, ...way } = parseEthernetHeader(frame);
    const payload = frame.slice(payloadOffset);
    if (etherType === PPPOE_ETHER_TYPE.discovery) {
      return { way, stage: 'discovery', packet: parseDiscoveryPacket(payload) };
    }
    if (etherType !== PPPOE_ETHER_TYPE.session) return undefined;
    const { code, sessionId, payloadOffset: start, payloadEnd } = parsePppoeHeader(payload);
    if (code !== PPPOE_CODE.session) return undefined;
    return { way, stage: 'session', sessionId, ppp: payload.subarray(start, payloadEnd) };
  } catch (error) {
    if (error instanceof ProtocolError) return undefined;
    throw error;
  }
}
