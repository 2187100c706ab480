/**
 * A forwarder with memory of its own, fed with packets in hex and read in hex: what the tests of the packet path share.
 */
import { addressText, addressWords } from '../../../firmware/dataplane/address.js';
import { readDropCounters } from '../../../firmware/dataplane/counters.js';
import type { Forwarder } from '../../../firmware/dataplane/forwarder.js';
import { type PppoePath, readSessionCounters, type SessionRow } from '../../../firmware/dataplane/interface.js';
import { TRANSPORTS } from '../../../firmware/dataplane/output.js';
import { copyAddress, type PacketBatch, type PacketSlots } from '../../../firmware/dataplane/packet-batch.js';
import { openForwarder } from './open-forwarder.js';

export const PEER = '192.0.2.1';
export const LOCAL = '192.0.2.2';

/** Hex text without its spaces and line ends. */
export function hex(...parts: readonly string[]): string {
  return parts.join('').replace(/\s+/g, '');
}

export function bytesOf(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(hex(text), 'hex'));
}

export function u16(value: number): string {
  return value.toString(16).padStart(4, '0');
}

/** What came of the packets that were forwarded in one go. */
export interface Result {
  toTun: { tun: number; packet: string }[];
  toPeers: { to: string; from: string; packet: string }[];
  toInterfaces: { interfaceIndex: number; frame: string }[];
  control: { path: string; packet: string }[];
  strangers: { path: string; packet: string }[];
  ppp: { sessionId: number; protocol: number; information: string }[];
  discovery: { interfaceIndex: number; frame: string }[];
  discoveryToAll: { interfaceIndex: number; frame: string }[];
  /** Those reasons alone that were counted. */
  drops: Record<string, number>;
}

/** A result in which nothing happened but for what is given. */
export function only(part: Partial<Result>): Result {
  const nothing = { toTun: [], toPeers: [], toInterfaces: [], control: [], strangers: [], ppp: [] };
  return { ...nothing, discovery: [], discoveryToAll: [], drops: {}, ...part };
}

/** A row of an LNS: its user has 10.64.0.7 and 2001:db8:7::/64. */
export function lnsRow(changes: Partial<SessionRow> = {}): SessionRow {
  return {
    sessionId: 0x0101,
    generation: 7,
    version: 2,
    localCookie: new Uint8Array(0),
    peerCookie: new Uint8Array(0),
    localSublayer: false,
    peerSublayer: false,
    payload: 'ppp',
    ethernetOpen: false,
    vlanId: 0,
    tunnelId: 0x0a0a,
    allowTunnelIdZero: false,
    peerTunnelId: 0x0b0b,
    peerSessionId: 0x0202,
    path: { encapsulation: 'udp', localAddress: LOCAL, localPort: 1701, peerAddress: PEER, peerPort: 1701 },
    tun: 0,
    bindTun: false,
    transmitAcfc: false,
    transmitPfc: false,
    addressControl: 'detect',
    sequencing: false,
    mtu_bytes: 1400,
    mssClamp_bytes: 0,
    ipv4Open: true,
    ipv6Open: true,
    sources: ['10.64.0.7/32', '2001:db8:7::/64'],
    destinations: [],
    pppoe: undefined,
    relayTo: undefined,
    hold: false,
    receiveRate_bps: 0,
    sendRate_bps: 0,
    ...changes,
  };
}

/** Over IP protocol 115, to and from the same peer. */
export const IP_PATH: SessionRow['path'] = {
  encapsulation: 'ip',
  localAddress: LOCAL,
  localPort: 0,
  peerAddress: PEER,
  peerPort: 0,
};

/** A PPP session of version 3 over IP: 8 octets of cookie each way, no sublayer; the user's addresses are lnsRow's. */
export function version3Row(changes: Partial<SessionRow> = {}): SessionRow {
  return lnsRow({
    version: 3,
    sessionId: 0x8765_4321,
    tunnelId: 0,
    peerTunnelId: 0,
    peerSessionId: 0xfedc_ba98,
    localCookie: bytesOf('c1c2c3c4 c5c6c7c8'),
    peerCookie: bytesOf('d1d2d3d4 d5d6d7d8'),
    path: IP_PATH,
    ...changes,
  });
}

/** A static Ethernet pseudowire over IP, bound to TAP device 2, with cookies of 4 octets. */
export function ethernetRow(changes: Partial<SessionRow> = {}): SessionRow {
  return version3Row({
    sessionId: 100,
    peerSessionId: 200,
    localCookie: bytesOf('c1c2c3c4'),
    peerCookie: bytesOf('d1d2d3d4'),
    payload: 'ethernet',
    ethernetOpen: true,
    tun: 2,
    bindTun: true,
    mtu_bytes: 1500,
    ipv4Open: false,
    ipv6Open: false,
    sources: [],
    ...changes,
  });
}

/** A row of a LAC client, bound to TUN device 1: 10.64.0.7 and 2001:db8:7::/64 are at this end. */
export function lacRow(changes: Partial<SessionRow> = {}): SessionRow {
  return lnsRow({
    tun: 1,
    bindTun: true,
    sources: [],
    destinations: ['10.64.0.7/32', '2001:db8:7::/64'],
    ...changes,
  });
}

export const INTERFACE = 3;
export const LOCAL_MAC = '02005e005301';
export const HOST_MAC = '02005e005377';

/** A row of a PPPoE session that ends here, untagged; its user has the addresses of lnsRow's. */
export function pppoeRow(changes: Partial<SessionRow> = {}, path: Partial<PppoePath> = {}): SessionRow {
  return lnsRow({
    sessionId: 0xf000_0001,
    pppoe: {
      interfaceIndex: INTERFACE,
      localMac: '02:00:5e:00:53:01',
      peerMac: '02:00:5e:00:53:77',
      sessionId: 0x1234,
      tags: [],
      ...path,
    },
    ...changes,
  });
}

/** Where packets come from. */
export interface From {
  peer?: string;
  port?: number;
  local?: string;
  encapsulation?: 'udp' | 'ip';
}

export class Harness {
  readonly memory: Uint8Array;
  readonly counters: SharedArrayBuffer;
  readonly forwarder: Forwarder;
  readonly input: PacketBatch;
  readonly inputSlots: PacketSlots;
  now_ms = 1_000;

  constructor({ maxSessions = 8, batch = 4, buildSlots = 4, heldSlots = 20 } = {}) {
    const outputPackets = batch + buildSlots + heldSlots + 32;
    const open = openForwarder({ maxSessions, batch, buildSlots, heldSlots, outputPackets });
    this.memory = open.memory;
    this.counters = open.counters;
    this.forwarder = open.forwarder;
    this.input = open.input;
    this.inputSlots = open.inputSlots;
  }

  /** Datagrams, or IP packets of protocol 115, from one peer, forwarded in one batch. */
  receive(packets: string | readonly string[], from: From = {}): Result {
    const encapsulation = from.encapsulation ?? 'udp';
    const peer = addressWords(from.peer ?? PEER);
    const local = addressWords(from.local ?? LOCAL);
    return this.observe(() => {
      this.fill(packets);
      for (let i = 0; i < this.input.count; i++) {
        copyAddress(this.input.peerAddress, i, peer, 0);
        copyAddress(this.input.localAddress, i, local, 0);
        this.input.peerPort[i] = from.port ?? (encapsulation === 'ip' ? 0 : 1701);
      }
      this.forwarder.forwardUpstream(this.input, encapsulation, this.now_ms);
    });
  }

  /** Ethernet frames from an interface, forwarded in one batch. */
  fromInterface(frames: string | readonly string[], interfaceIndex = INTERFACE): Result {
    return this.observe(() => {
      this.fill(frames);
      this.forwarder.forwardPppoe(this.input, interfaceIndex, this.now_ms);
    });
  }

  /** Changes a row; gives what came of frames that it had on hold. */
  update(sessionId: number, changes: Partial<SessionRow>, generation = 7): Result {
    return this.observe(() => this.forwarder.updateSession({ type: 'session-update', sessionId, generation, changes }));
  }

  /** Packets from a TUN device, forwarded in one batch. */
  fromTun(packets: string | readonly string[], tun = 0): Result {
    return this.observe(() => {
      this.fill(packets);
      this.forwarder.forwardDownstream(this.input, tun, this.now_ms);
    });
  }

  /** Ethernet frames from a TAP device, forwarded in one batch. */
  fromTap(frames: string | readonly string[], tap = 2): Result {
    return this.observe(() => {
      this.fill(frames);
      this.forwarder.forwardFrames(this.input, tap);
    });
  }

  inject(protocol: number, information: string, { sessionId = 0x0101, generation = 7 } = {}): Result {
    const command = { type: 'inject', sessionId, generation, protocol, information: bytesOf(information) } as const;
    return this.observe(() => this.forwarder.inject(command));
  }

  session({ sessionId = 0x0101, generation = 7 } = {}) {
    return readSessionCounters(this.counters, sessionId, generation);
  }

  /** Puts packets into the input batch, each in a slot of its own. */
  fill(packets: string | readonly string[]): void {
    this.input.count = 0;
    for (const [slot, text] of [packets].flat().entries()) {
      const packet = bytesOf(text);
      this.memory.set(packet, this.inputSlots.room(slot));
      this.input.append(this.inputSlots.room(slot), packet.length, 0);
    }
  }

  /** What `action` puts into the output, which is then cleared. */
  observe(action: () => void): Result {
    const before = readDropCounters(this.counters);
    action();
    this.forwarder.output.finish();
    const { output, sessions } = this.forwarder;
    const after = readDropCounters(this.counters);
    const drops = Object.entries(after)
      .map(([name, count]) => [name, count - before[name as keyof typeof before]] as const)
      .filter(([, count]) => count > 0);
    const result: Result = {
      toTun: this.#list(output.toTun, (i, packet) => ({ tun: output.toTun.tun[i]!, packet })),
      toPeers: output.toPeers.flatMap((batch, transport) =>
        this.#list(batch, (i, packet) => ({
          to: peerText(batch, i, TRANSPORTS[transport]!.protocol === 'l2tp-ip'),
          from: addressText(batch.localAddress, i),
          packet,
        })),
      ),
      toInterfaces: this.#frames(output.toInterfaces),
      control: this.#list(output.control, (i, packet) => ({ path: pathOf(output.control, i), packet })),
      strangers: this.#list(output.strangers, (i, packet) => ({ path: pathOf(output.strangers, i), packet })),
      ppp: this.#list(output.ppp, (i, information) => ({
        sessionId: sessions.sessionId[output.ppp.row[i]!]!,
        protocol: output.ppp.protocol[i]!,
        information,
      })),
      discovery: this.#frames(output.discovery),
      discoveryToAll: this.#frames(output.discoveryToAll),
      drops: Object.fromEntries(drops),
    };
    output.clear();
    return result;
  }

  #frames(batch: PacketBatch): { interfaceIndex: number; frame: string }[] {
    return this.#list(batch, (i, frame) => ({ interfaceIndex: batch.interfaceIndex[i]!, frame }));
  }

  #list<T>(batch: PacketBatch, make: (index: number, packet: string) => T): T[] {
    return Array.from({ length: batch.count }, (_, i) => {
      const start = batch.offset[i]!;
      return make(i, Buffer.from(this.memory.subarray(start, start + batch.length_bytes[i]!)).toString('hex'));
    });
  }
}

function pathOf(batch: PacketBatch, index: number): string {
  const peer = peerText(batch, index, batch.isOverIp[index] === 1);
  return `${peer} > ${addressText(batch.localAddress, index)}`;
}

/** Address and port, or `ip` for IP protocol 115. */
function peerText(batch: PacketBatch, index: number, isOverIp: boolean): string {
  const port = batch.peerPort[index];
  return `${addressText(batch.peerAddress, index)} ${isOverIp && port === 0 ? 'ip' : port}`;
}
