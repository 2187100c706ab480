/**
 * What the endpoint's tests share: endpoints as nodes with an address, a wire between two of them, and a raw peer that
 * writes its packets itself. Time is whatever the test says.
 */
import assert from 'node:assert/strict';
import {
  L2tpEndpoint,
  type L2tpEndpointConfig,
  type L2tpEvent,
  type TransportPath,
} from '../../../../firmware/protocol/l2tp/endpoint.js';
import {
  type AvpValues,
  allowedAvps,
  type ControlMessage,
  type DigestType,
  emitControlMessage,
  type L2tpVersion,
  type MessageType,
  parseControlMessage,
} from '../../../../firmware/wire/avp.js';
import { octets, type RandomBytes } from '../../../../firmware/wire/bytes.js';
import { emitControlPacket, parseControlHeader } from '../../../../firmware/wire/control-header.js';

export const CONFIG: L2tpEndpointConfig = {
  hostName: 'lns.example',
  vendorName: 'tunnelwerk',
  firmwareRevision: 0x0100,
  receiveWindow: 16,
  helloInterval_ms: 60_000,
  retransmitInitial_ms: 1000,
  retransmitCap_ms: 8000,
  maxRetransmits: 5,
  establishTimeout_ms: 60_000,
  maxTunnels: 100,
  maxSessions: 1000,
  routerId: 0x0a000001,
  pseudowireTypes: [4, 5, 7],
  accepts: ['udp2', 'udp3', 'ip'],
  reservedSessionIds: [],
};

/** What a scenario runs over: it is written once, in the terms of version 2, for whichever version it makes sense. */
export interface Carrier {
  readonly version: L2tpVersion;
  readonly encapsulation: TransportPath['encapsulation'];
}
const VERSION_2: Carrier = { version: 2, encapsulation: 'udp' };
export const CARRIERS: readonly Carrier[] = [
  VERSION_2,
  { version: 3, encapsulation: 'udp' },
  { version: 3, encapsulation: 'ip' },
];

export const SECRET = octets('tunnel secret');

/** What RFC 2661 section 6.8 requires of an ICCN. */
export const ICCN: AvpValues = { txConnectSpeed_bps: 100_000_000, framingType: 1 };
export const OCRQ: AvpValues = {
  callSerialNumber: 7,
  minimumBps: 1,
  maximumBps: 100_000_000,
  bearerType: 1,
  framingType: 1,
  calledNumber: '555',
};

/** Random bytes that a seed repeats (mulberry32). */
export function seededRandom(seed: number): RandomBytes {
  const next = seededNumbers(seed);
  return (length_bytes) => Uint8Array.from({ length: length_bytes }, () => Math.floor(next() * 256));
}

/** Numbers from 0 to below 1 that a seed repeats. */
export function seededNumbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000;
  };
}

export type EventOf<T extends L2tpEvent['type']> = Extract<L2tpEvent, { type: T }>;
export interface Datagram {
  path: TransportPath;
  packet: Uint8Array;
}

/** An endpoint with an address, and all that it has reported. */
export class Node {
  readonly endpoint: L2tpEndpoint;
  readonly address: string;
  encapsulation: TransportPath['encapsulation'] = 'udp';
  readonly events: L2tpEvent[] = [];

  constructor(address: string, seed: number, config: Partial<L2tpEndpointConfig> = {}) {
    this.address = address;
    this.endpoint = new L2tpEndpoint({ ...CONFIG, ...config }, seededRandom(seed));
  }

  /** The path on which this node dials the other. */
  pathTo(peerAddress: string, peerPort = 1701): TransportPath {
    const { encapsulation } = this;
    if (encapsulation === 'ip') return { encapsulation, localAddress: '', localPort: 0, peerAddress, peerPort: 0 };
    return { encapsulation, localAddress: '', localPort: 1701, peerAddress, peerPort };
  }

  /** Takes over the events that have come up, and gives those of the type that have come up so far. */
  all<T extends L2tpEvent['type']>(type: T): EventOf<T>[] {
    for (let event = this.endpoint.pollEvent(); event !== undefined; event = this.endpoint.pollEvent()) {
      this.events.push(event);
    }
    return this.events.filter((event): event is EventOf<T> => event.type === type);
  }

  /** The one event of the type, which must be there once. */
  one<T extends L2tpEvent['type']>(type: T): EventOf<T> {
    const events = this.all(type);
    assert.equal(events.length, 1, `${type} came ${events.length} times`);
    return events[0];
  }

  transmit(): Datagram[] {
    const datagrams: Datagram[] = [];
    for (let next = this.endpoint.pollTransmit(); next !== undefined; next = this.endpoint.pollTransmit()) {
      datagrams.push(next);
    }
    return datagrams;
  }

  /** The path of a packet of the other node as it arrives here. */
  arrival(path: TransportPath, sender: string): TransportPath {
    return {
      encapsulation: path.encapsulation,
      localAddress: path.peerAddress,
      localPort: path.peerPort,
      peerAddress: path.localAddress || sender,
      peerPort: path.localPort,
    };
  }
}

/** Carries packets both ways until neither has any; `answer` does what the roles would do after each of them. */
export function exchange(a: Node, b: Node, now_ms: number, answer: () => void = () => undefined): void {
  for (let quiet = false; !quiet; ) {
    quiet = true;
    for (const [from, to] of [
      [a, b],
      [b, a],
    ]) {
      for (const { path, packet } of from.transmit()) {
        quiet = false;
        to.endpoint.handlePacket(packet, to.arrival(path, from.address), now_ms);
        answer();
      }
    }
  }
}

export interface Established {
  lac: Node;
  lns: Node;
  /** Each node's own ID. */
  lacTunnelId: number;
  lnsTunnelId: number;
}

/** Two nodes with a tunnel between them, opened by `lac`, at time 0. */
export function establishedTunnel(
  config: {
    lac?: Partial<L2tpEndpointConfig>;
    lns?: Partial<L2tpEndpointConfig>;
    secret?: Uint8Array;
    digest?: DigestType;
    version?: 2 | 3 | 'auto';
    encapsulation?: TransportPath['encapsulation'];
  } = {},
): Established {
  const lac = new Node('192.0.2.1', 1, { hostName: 'lac.example', ...config.lac });
  const lns = new Node('192.0.2.2', 2, config.lns);
  const { secret, digest, version = 2, encapsulation = 'udp' } = config;
  lac.encapsulation = encapsulation;
  lns.encapsulation = encapsulation;
  const lacTunnelId = lac.endpoint.openTunnel({ version, path: lac.pathTo(lns.address), secret, digest }, 0);
  exchange(lac, lns, 0);
  const { tunnelId: lnsTunnelId } = lns.one('tunnel-requested');
  lns.endpoint.answerTunnel(lnsTunnelId, { accepted: true, secret }, 0);
  exchange(lac, lns, 0);
  lac.one('tunnel-established');
  lns.one('tunnel-established');
  return { lac, lns, lacTunnelId, lnsTunnelId };
}

export interface EstablishedCall extends Established {
  lacSessionId: number;
  lnsSessionId: number;
}

/** The same with an incoming call. */
export function establishedCall(config?: Parameters<typeof establishedTunnel>[0]): EstablishedCall {
  const tunnel = establishedTunnel(config);
  const { lac, lns, lacTunnelId } = tunnel;
  const lacSessionId = lac.endpoint.placeCall(lacTunnelId, { callSerialNumber: 1 }, 0);
  exchange(lac, lns, 0);
  const { sessionId: lnsSessionId } = lns.one('call-requested');
  lns.endpoint.answerCall(lnsSessionId, { accepted: true }, 0);
  exchange(lac, lns, 0);
  lac.endpoint.connectCall(lacSessionId, ICCN, 0);
  exchange(lac, lns, 0);
  lns.one('call-connected');
  return { ...tunnel, lacSessionId, lnsSessionId };
}

/** Runs an endpoint's own clock from `from_ms` to `to_ms`; gives what it sent, with the time. */
export function runAlone(node: Node, to_ms: number): (Datagram & { at_ms: number })[] {
  const sent = node.transmit().map((datagram) => ({ ...datagram, at_ms: 0 }));
  for (let next_ms = node.endpoint.pollTimeout(); next_ms !== undefined && next_ms <= to_ms; ) {
    node.endpoint.handleTimeout(next_ms);
    for (const datagram of node.transmit()) sent.push({ ...datagram, at_ms: next_ms });
    const following_ms = node.endpoint.pollTimeout();
    assert.ok(following_ms === undefined || following_ms > next_ms, 'a deadline that does not pass');
    next_ms = following_ms;
  }
  return sent;
}

/** One packet taken apart. */
export interface Seen {
  tunnelId: number;
  sessionId: number;
  ns: number;
  nr: number;
  /** Undefined for a ZLB. */
  message: ControlMessage | undefined;
  path: TransportPath;
  packet: Uint8Array;
}

/** With version 2's names for the IDs in version 3, too. */
export function takeApart({ packet, path }: Datagram, secret?: Uint8Array): Seen {
  const { version, controlConnectionId: tunnelId, payloadOffset, payloadEnd, ...header } = parseControlHeader(packet);
  const { ns, nr } = header;
  const body = packet.subarray(payloadOffset, payloadEnd);
  const read = body.length === 0 ? null : parseControlMessage(body, { version, secret });
  if (read === null || read.messageType === 'ACK') {
    return { tunnelId, sessionId: header.sessionId, ns, nr, message: undefined, path, packet };
  }
  const { assignedControlConnectionId, localSessionId, remoteSessionId = header.sessionId, ...avps } = read.avps;
  if (assignedControlConnectionId !== undefined) avps.assignedTunnelId = assignedControlConnectionId;
  if (localSessionId !== undefined) avps.assignedSessionId = localSessionId;
  const message = { messageType: read.messageType, avps };
  return { tunnelId, sessionId: remoteSessionId, ns, nr, message, path, packet };
}

/** The session ID that a raw peer assigns; version 3 has it in every message of the session. */
const RAW_SESSION_ID = 501;

/** A message of version 2 in the version: its IDs by that version's AVPs, and what else that requires. */
function bodyIn(version: L2tpVersion, messageType: MessageType, avps: AvpValues, sessionId: number): Uint8Array {
  if (version === 2) return emitControlMessage({ messageType, avps }, { dialect: 2 });
  const { assignedTunnelId, assignedSessionId, ...others } = avps;
  const required = {
    ...{ routerId: 0x0a000009, pseudowireCapabilitiesList: [4, 5, 7], assignedControlConnectionId: assignedTunnelId },
    ...{ localSessionId: assignedSessionId ?? RAW_SESSION_ID, remoteSessionId: sessionId },
    ...{ pseudowireType: 7, remoteEndId: octets('raw'), circuitStatus: 3 },
  };
  const allowed = allowedAvps(messageType, 3, { ...required, ...others });
  return emitControlMessage({ messageType, avps: allowed }, { dialect: 3 });
}

/** A peer whose packets the test writes, with its own Ns and Nr, towards one node. */
export class RawPeer {
  readonly node: Node;
  readonly carrier: Carrier;
  path: TransportPath;
  /** Ours, as this peer assigned it, and the node's, as it was learned. */
  tunnelId = 77;
  nodeTunnelId = 0;
  ns = 0;
  nr = 0;

  constructor(node: Node, peerAddress = '198.51.100.9', peerPort = 1701, carrier = VERSION_2) {
    this.node = node;
    this.carrier = carrier;
    const { encapsulation } = carrier;
    const [localPort, port] = encapsulation === 'ip' ? [0, 0] : [1701, peerPort];
    this.path = { encapsulation, localAddress: node.address, localPort, peerAddress, peerPort: port };
  }

  /** Sends a body with the next Ns, in a header for the node's tunnel unless told otherwise. */
  sendBody(body: Uint8Array, now_ms: number, header: { tunnelId?: number; sessionId?: number } = {}): void {
    this.sendRaw({ ns: this.ns, ...header }, body, now_ms);
    this.ns = (this.ns + 1) % 0x10000;
  }

  send(
    messageType: MessageType,
    avps: AvpValues,
    now_ms: number,
    header: { tunnelId?: number; sessionId?: number } = {},
  ): void {
    this.sendBody(this.bodyOf(messageType, avps, header.sessionId), now_ms, header);
  }

  /** A message in the peer's version, from what it would be in version 2; `sessionId` is the node's. */
  bodyOf(messageType: MessageType, avps: AvpValues, sessionId = 0): Uint8Array {
    return bodyIn(this.carrier.version, messageType, avps, sessionId);
  }

  /** Sends with the header as given; leaves Ns alone. */
  sendRaw(
    header: { ns?: number; nr?: number; tunnelId?: number; sessionId?: number },
    body: Uint8Array,
    now_ms: number,
  ): void {
    const { ns = this.ns, nr = this.nr, tunnelId = this.nodeTunnelId, sessionId = 0 } = header;
    this.node.endpoint.handlePacket(
      emitControlPacket({ version: this.carrier.version, controlConnectionId: tunnelId, sessionId, ns, nr }, body),
      this.path,
      now_ms,
    );
  }

  acknowledge(now_ms: number, header: { tunnelId?: number } = {}): void {
    this.sendRaw(header, new Uint8Array(0), now_ms);
  }

  /** What the node has sent since; learns Nr and the node's tunnel ID from it. */
  receive(secret?: Uint8Array): Seen[] {
    return this.node.transmit().map((datagram) => {
      const seen = takeApart(datagram, secret);
      if (seen.message !== undefined && seen.ns === this.nr) this.nr = (seen.ns + 1) % 0x10000;
      this.nodeTunnelId ||= seen.message?.avps.assignedTunnelId ?? 0;
      return seen;
    });
  }

  /** The messages among what the node has sent since. */
  receiveMessages(): ControlMessage[] {
    return this.receive().flatMap(({ message }) => (message === undefined ? [] : [message]));
  }

  /** An SCCRQ with what section 6.1 requires, and more where given. */
  request(now_ms: number, avps: AvpValues = {}): void {
    const required: AvpValues = {
      protocolVersion: { version: 1, revision: 0 },
      hostName: 'raw.example',
      framingCapabilities: 3,
      assignedTunnelId: this.tunnelId,
    };
    this.send('SCCRQ', { ...required, ...avps }, now_ms, { tunnelId: 0 });
  }

  /** SCCRQ, SCCRP, SCCCN: gives the node's tunnel ID. */
  establish(
    now_ms: number,
    options: { sccrq?: AvpValues; allowTunnelIdZero?: boolean; header?: { tunnelId?: number } } = {},
  ): number {
    this.request(now_ms, options.sccrq);
    const { tunnelId } = this.node.all('tunnel-requested').at(-1)!;
    const { allowTunnelIdZero } = options;
    this.node.endpoint.answerTunnel(tunnelId, { accepted: true, allowTunnelIdZero }, now_ms);
    this.receive();
    this.send('SCCCN', {}, now_ms, options.header);
    this.receive();
    assert.equal(this.node.endpoint.tunnel(tunnelId)?.state, 'established');
    return tunnelId;
  }

  /** ICRQ, ICRP, ICCN with the peer's own session ID: gives the node's. */
  establishCall(
    now_ms: number,
    options: { peerSessionId?: number; iccn?: AvpValues; header?: { tunnelId?: number } } = {},
  ): number {
    const { peerSessionId = RAW_SESSION_ID, iccn = ICCN, header } = options;
    this.send('ICRQ', { assignedSessionId: peerSessionId, callSerialNumber: 1 }, now_ms, header);
    const { sessionId } = this.node.all('call-requested').at(-1)!;
    this.node.endpoint.answerCall(sessionId, { accepted: true }, now_ms);
    this.receive();
    this.send('ICCN', iccn, now_ms, { ...header, sessionId });
    this.receive();
    assert.equal(this.node.all('call-connected').at(-1)?.sessionId, sessionId);
    return sessionId;
  }
}

/** A node whose SCCRQ has gone to a raw peer that is to answer it. */
export function rawAnswerer(secret?: Uint8Array): { node: Node; peer: RawPeer; sccrq: ControlMessage } {
  const node = new Node('192.0.2.1', 1);
  const peer = new RawPeer(node);
  node.endpoint.openTunnel({ version: 2, path: node.pathTo(peer.path.peerAddress), secret }, 0);
  const [{ message }] = peer.receive();
  return { node, peer, sccrq: message! };
}

/** What RFC 2661 section 6.2 requires of an SCCRP. */
export function sccrpAvps(assignedTunnelId: number): AvpValues {
  return { protocolVersion: { version: 1, revision: 0 }, hostName: 'raw', framingCapabilities: 3, assignedTunnelId };
}
