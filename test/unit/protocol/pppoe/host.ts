/**
 * A host of PPPoE discovery for tests: says what a test has it say, reads what the access concentrator answers. Checks
 * nothing.
 */
import type { AccessConcentrator } from '../../../../firmware/protocol/pppoe/discovery.js';
import type {
  AccessConcentratorConfig,
  DiscoveryDrop,
  DiscoveryEvent,
  PppoeSession,
} from '../../../../firmware/protocol/pppoe/events.js';
import type { RandomBytes } from '../../../../firmware/wire/bytes.js';
import {
  BROADCAST_MAC,
  emitEthernetHeader,
  type ParsedEthernetHeader,
  parseEthernetHeader,
  type VlanTag,
} from '../../../../firmware/wire/ethernet.js';
import {
  type DiscoveryPacket,
  emitDiscoveryPacket,
  PPPOE_CODE,
  PPPOE_ETHER_TYPE,
  PPPOE_TAG,
  type PppoeTag,
  parseDiscoveryPacket,
  tagValue,
} from '../../../../firmware/wire/pppoe.js';
import { SeededRandom } from '../../../fuzz/fuzzer.js';
import { ascii } from '../../../vectors/vectors.js';

export const AC_MAC = '02:00:5e:00:53:02';
export const HOST_MAC = '02:00:5e:00:53:01';
export const INTERFACE = 7;
export const SECRET = ascii('known to nobody else');

export const CONFIG: AccessConcentratorConfig = {
  interfaces: [
    { index: INTERFACE, mac: AC_MAC, mtu_bytes: 1500 },
    { index: 8, mac: '02:00:5e:00:53:03', mtu_bytes: 1508 },
  ],
  acName: 'ac.example',
  serviceNames: ['internet', 'voice'],
  servesAnyName: false,
  maxSessions: 100,
  maxSessionsPerInterface: 100,
  maxSessionsPerMac: 4,
  offers: { perMac_per_s: 10, perInterface_per_s: 1000 },
  requests: { perMac_per_s: 10, perInterface_per_s: 1000 },
};

export function seeded(seed: number): RandomBytes {
  const random = new SeededRandom(seed);
  return (length_bytes) => Uint8Array.from({ length: length_bytes }, () => random.below(256));
}

export function serviceName(name = ''): PppoeTag {
  return { type: PPPOE_TAG.serviceName, value: ascii(name) };
}

export function hostUniq(text: string): PppoeTag {
  return { type: PPPOE_TAG.hostUniq, value: ascii(text) };
}

/** What the host was sent. */
export interface Reply extends DiscoveryPacket {
  ethernet: ParsedEthernetHeader;
  interfaceIndex: number;
  frame: Uint8Array;
}

export interface HostOptions {
  mac?: string;
  interfaceIndex?: number;
  acMac?: string;
  tags?: readonly VlanTag[];
}

export class Host {
  readonly mac: string;
  now_ms = 1_000_000;
  readonly #ac: AccessConcentrator;
  readonly #interfaceIndex: number;
  readonly #acMac: string;
  readonly #tags: readonly VlanTag[];

  constructor(ac: AccessConcentrator, options: HostOptions = {}) {
    this.#ac = ac;
    this.mac = options.mac ?? HOST_MAC;
    this.#interfaceIndex = options.interfaceIndex ?? INTERFACE;
    this.#acMac = options.acMac ?? AC_MAC;
    this.#tags = options.tags ?? [];
  }

  /** The frame that carries a packet from here. */
  frame(packet: DiscoveryPacket, destination = this.#acMac): Uint8Array {
    const etherType = PPPOE_ETHER_TYPE.discovery;
    const header = emitEthernetHeader({ destination, source: this.mac, tags: this.#tags, etherType });
    return Uint8Array.of(...header, ...emitDiscoveryPacket(packet));
  }

  sendFrame(frame: Uint8Array): Reply[] {
    this.#ac.handleFrame(this.#interfaceIndex, frame, this.now_ms);
    return repliesOf(this.#ac);
  }

  padi(...tags: PppoeTag[]): Reply[] {
    return this.sendFrame(this.frame({ code: PPPOE_CODE.padi, sessionId: 0, tags }, BROADCAST_MAC));
  }

  padr(...tags: PppoeTag[]): Reply[] {
    return this.sendFrame(this.frame({ code: PPPOE_CODE.padr, sessionId: 0, tags }));
  }

  padt(sessionId: number, ...tags: PppoeTag[]): Reply[] {
    return this.sendFrame(this.frame({ code: PPPOE_CODE.padt, sessionId, tags }));
  }

  /** The cookie of an offer. */
  cookie(...tags: PppoeTag[]): PppoeTag {
    const [pado] = this.padi(...(tags.length === 0 ? [serviceName()] : tags));
    return { type: PPPOE_TAG.acCookie, value: tagValue(pado!.tags, PPPOE_TAG.acCookie)! };
  }

  /** PADI to PADS, the question answered with yes. */
  connect(...tags: PppoeTag[]): { session: PppoeSession; pads: Reply; padr: PppoeTag[] } {
    const asked = tags.length === 0 ? [serviceName()] : tags;
    const padr = [...asked, this.cookie(...asked)];
    this.padr(...padr);
    const session = requestedBy(this.#ac);
    this.#ac.answerSession(session.sessionKey, { accepted: true });
    const [pads] = repliesOf(this.#ac);
    eventsOf(this.#ac);
    return { session, pads: pads!, padr };
  }
}

export function repliesOf(ac: AccessConcentrator): Reply[] {
  const replies: Reply[] = [];
  for (let next = ac.pollTransmit(); next !== undefined; next = ac.pollTransmit()) {
    const ethernet = parseEthernetHeader(next.frame);
    replies.push({ ...next, ethernet, ...parseDiscoveryPacket(next.frame.subarray(ethernet.payloadOffset)) });
  }
  return replies;
}

export function eventsOf(ac: AccessConcentrator): DiscoveryEvent[] {
  const events: DiscoveryEvent[] = [];
  for (let next = ac.pollEvent(); next !== undefined; next = ac.pollEvent()) events.push(next);
  return events;
}

/** The session of the one question that is open. Throws where there is another number of them. */
export function requestedBy(ac: AccessConcentrator): PppoeSession {
  const [event, ...others] = eventsOf(ac);
  if (event?.type !== 'session-requested' || others.length > 0) throw new Error(`no question but ${event?.type}`);
  return event.session;
}

/** The reasons that have been counted. */
export function dropsOf(ac: AccessConcentrator): Partial<Record<DiscoveryDrop, number>> {
  return Object.fromEntries(Object.entries(ac.counters.drops).filter(([, count]) => count > 0));
}
