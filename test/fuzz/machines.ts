/**
 * The state machines as fuzz targets: an input is all that a peer sends in one conversation, and the seeds are
 * conversations that two of our own machines really had. Random numbers start anew for each input, so that our IDs are
 * those of the seeds. A machine throws nothing for what a peer sends, ProtocolError neither.
 *
 * An input is a list of records: | length of the packet (16) | packet |; for PPP a packet is a frame of RFC 1661.
 */

import { generateAuthenticatorResponse, ntPasswordHash } from '../../firmware/crypto/mschap.js';
import {
  L2tpEndpoint,
  type L2tpEndpointConfig,
  type L2tpEvent,
  type TransportPath,
} from '../../firmware/protocol/l2tp/endpoint.js';
import type { TunnelRequest } from '../../firmware/protocol/l2tp/tunnel-control.js';
import {
  type AuthenticationProtocol,
  PppLink,
  type PppLinkConfig,
  type PppLinkEvent,
} from '../../firmware/protocol/ppp/link.js';
import { type AvpValues, CIRCUIT_STATUS } from '../../firmware/wire/avp.js';
import { ProtocolError, type RandomBytes } from '../../firmware/wire/bytes.js';
import { emitPppFrame, parsePppFrame } from '../../firmware/wire/ppp.js';
import { ascii } from '../vectors/vectors.js';
import { type FuzzTarget, SeededRandom } from './fuzzer.js';

/** One side of a conversation, with the role that answers its questions. */
export interface Party {
  receive(packet: Uint8Array, now_ms: number): void;
  /** Answers what was asked; gives what is to be sent. */
  send(now_ms: number): Uint8Array[];
  nextTimeout_ms(): number | undefined;
  handleTimeout(now_ms: number): void;
}

type MakeParty = () => Party;

const SECRET = ascii('tunnel secret');
export const PASSWORD = 'clientPass';
/** Time runs on so often while nothing is sent: retransmissions, HELLO, echoes and the end are among it. */
const TIMEOUTS = 24;
const ROUNDS = 60;

export function randomBytes(seed: number): RandomBytes {
  const random = new SeededRandom(seed);
  return (length_bytes) => Uint8Array.from({ length: length_bytes }, () => random.below(256));
}

export function* polled<T>(poll: () => T | undefined): Iterable<T> {
  for (let next = poll(); next !== undefined; next = poll()) yield next;
}

// Records.

export function toRecords(packets: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(packets.flatMap((packet) => [packet.length >>> 8, packet.length & 0xff, ...packet]));
}

/** Lenient: a length beyond the input is what there is. */
export function fromRecords(input: Uint8Array): Uint8Array[] {
  const packets: Uint8Array[] = [];
  for (let offset = 0; offset + 2 <= input.length; ) {
    const end = offset + 2 + ((input[offset] << 8) | input[offset + 1]);
    packets.push(input.slice(offset + 2, end));
    offset = end;
  }
  return packets;
}

// Conversations.

/** Lets both talk until both are silent; gives what the first one was sent. */
export function record(makeParty: MakeParty, makePeer: MakeParty): Uint8Array {
  const party = makeParty();
  const peer = makePeer();
  const received: Uint8Array[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const sent = party.send(0);
    const answered = peer.send(0);
    if (sent.length + answered.length === 0) break;
    for (const packet of sent) peer.receive(packet, 0);
    for (const packet of answered) party.receive(packet, 0);
    received.push(...answered);
  }
  return toRecords(received);
}

/** Plays a peer that says what the input holds, and then nothing until all of the party's timers have run. */
export function replay(makeParty: MakeParty, input: Uint8Array): void {
  try {
    const party = makeParty();
    party.send(0);
    for (const packet of fromRecords(input)) {
      party.receive(packet, 0);
      party.send(0);
    }
    for (let i = 0; i < TIMEOUTS; i++) {
      const now_ms = party.nextTimeout_ms();
      if (now_ms === undefined) return;
      party.handleTimeout(now_ms);
      party.send(now_ms);
    }
  } catch (error) {
    // The fuzzer bears ProtocolError from parsers; from a machine it is as wrong as any other.
    if (error instanceof ProtocolError) throw new Error('a machine threw ProtocolError', { cause: error });
    throw error;
  }
}

// The L2TP endpoint.

const ENDPOINT: L2tpEndpointConfig = {
  hostName: 'lns.example',
  vendorName: 'tunnelwerk',
  firmwareRevision: 0x0100,
  receiveWindow: 16,
  helloInterval_ms: 60_000,
  retransmitInitial_ms: 1000,
  retransmitCap_ms: 8000,
  maxRetransmits: 5,
  establishTimeout_ms: 60_000,
  maxTunnels: 4,
  maxSessions: 8,
  routerId: 0x0a000001,
  pseudowireTypes: [5, 7],
  accepts: ['udp2', 'udp3', 'ip'],
  reservedSessionIds: [],
};

type Dial = (endpoint: L2tpEndpoint, tunnelId: number) => void;

const ICCN = { txConnectSpeed_bps: 100_000_000, framingType: 1 };
const placeCall: Dial = (endpoint, tunnelId) => endpoint.placeCall(tunnelId, { callSerialNumber: 7 }, 0);
const placeOutgoingCall: Dial = (endpoint, tunnelId) => {
  const ocrq = { callSerialNumber: 7, minimumBps: 1, maximumBps: 2, bearerType: 1, framingType: 1, calledNumber: '5' };
  endpoint.placeOutgoingCall(tunnelId, ocrq, 0);
};

/** For the same circuit at both ends, with all that version 3 can say of it. */
const ETHERNET: AvpValues = {
  ...{ callSerialNumber: 7, pseudowireType: 5, remoteEndId: ascii('lan'), tieBreaker: ascii('01234567') },
  ...{ assignedCookie: ascii('cook'), l2SpecificSublayer: 1, dataSequencing: 2, interfaceMtu_bytes: 1500 },
};
const placePseudowire: Dial = (endpoint, tunnelId) => endpoint.placeCall(tunnelId, ETHERNET, 0);

/** What the tunnel is that one end opens. */
interface TunnelKind {
  version: TunnelRequest['version'];
  encapsulation: TransportPath['encapsulation'];
  secret?: Uint8Array;
}

/** An endpoint whose role accepts everything; with `dial` it opens the tunnel and calls. */
function endpointParty({ version, encapsulation, secret }: TunnelKind, seed: number, dial?: Dial): Party {
  const port = encapsulation === 'ip' ? 0 : 1701;
  const path: TransportPath = {
    ...{ encapsulation, localAddress: '192.0.2.1', localPort: port },
    ...{ peerAddress: '192.0.2.2', peerPort: port },
  };
  const endpoint = new L2tpEndpoint(ENDPOINT, randomBytes(seed));
  const hiding = secret === undefined ? {} : { secret, hideAvps: true };
  if (dial !== undefined) dial(endpoint, endpoint.openTunnel({ version, path, ...hiding }, 0));
  return {
    receive: (packet, now_ms) => endpoint.handlePacket(packet, path, now_ms),
    send: (now_ms) => {
      for (const event of polled(() => endpoint.pollEvent())) answerEndpoint(endpoint, event, secret, now_ms);
      return [...polled(() => endpoint.pollTransmit())].map(({ packet }) => packet);
    },
    nextTimeout_ms: () => endpoint.pollTimeout(),
    handleTimeout: (now_ms) => endpoint.handleTimeout(now_ms),
  };
}

function answerEndpoint(
  endpoint: L2tpEndpoint,
  event: L2tpEvent,
  secret: Uint8Array | undefined,
  now_ms: number,
): void {
  switch (event.type) {
    case 'tunnel-requested':
      endpoint.answerTunnel(event.tunnelId, { accepted: true, ...(secret && { secret }) }, now_ms);
      break;
    case 'call-requested':
      endpoint.answerCall(event.sessionId, { accepted: true }, now_ms);
      break;
    case 'outgoing-call-requested':
      endpoint.answerOutgoingCall(event.sessionId, { accepted: true }, now_ms);
      endpoint.connectOutgoingCall(event.sessionId, ICCN, now_ms);
      break;
    case 'call-replied':
      endpoint.connectCall(event.sessionId, ICCN, now_ms);
      break;
    case 'call-connected':
      endpoint.sendSetLinkInfo(
        event.sessionId,
        { accm: { sendAccm: 0, receiveAccm: 0 }, circuitStatus: CIRCUIT_STATUS.active },
        now_ms,
      );
      break;
    default: // the others ask nothing
  }
}

const UDP2: TunnelKind = { version: 2, encapsulation: 'udp' };
const UDP3: TunnelKind = { version: 3, encapsulation: 'udp' };
const IP: TunnelKind = { version: 3, encapsulation: 'ip' };
const AUTO: TunnelKind = { version: 'auto', encapsulation: 'udp' };

function endpointTarget(name: string, kind: TunnelKind, dial: Dial, isCaller: boolean): FuzzTarget {
  const caller = () => endpointParty(kind, 1, dial);
  const called = () => endpointParty(kind, 2);
  const [party, peer] = isCaller ? [caller, called] : [called, caller];
  return { name, seeds: [record(party, peer)], run: (input) => replay(party, input) };
}

// The PPP link.

export const LINK = {
  mru_bytes: 1400,
  ipv4: true,
  ipv6: true,
  echoInterval_ms: 20_000,
  echoFailures: 3,
  restartTimer_ms: 3000,
  ncpRestartTimer_ms: 1000,
  maxConfigure: 5,
  maxTerminate: 2,
  maxFailure: 5,
  authenticationTimeout_ms: 30_000,
};

function startedLink(config: PppLinkConfig, seed: number): Party {
  const link = new PppLink(config, randomBytes(seed));
  link.start(0);
  return linkParty(link);
}

/** A link whose role accepts whoever comes. */
export function linkParty(link: PppLink): Party {
  return {
    receive: (packet, now_ms) => {
      const frame = frameOf(packet);
      if (frame !== undefined) link.handleFrame(frame.protocol, frame.information, now_ms);
    },
    send: (now_ms) => {
      for (const event of polled(() => link.pollEvent())) answerLink(link, event, now_ms);
      return [...polled(() => link.pollTransmit())].map((frame) =>
        emitPppFrame(frame, { addressControl: false, protocolFieldCompression: false }),
      );
    },
    nextTimeout_ms: () => link.pollTimeout(),
    handleTimeout: (now_ms) => link.handleTimeout(now_ms),
  };
}

/** The packet path drops a frame without protocol before a link sees it. */
function frameOf(packet: Uint8Array): ReturnType<typeof parsePppFrame> | undefined {
  try {
    return parsePppFrame(packet);
  } catch (error) {
    if (error instanceof ProtocolError) return undefined;
    throw error;
  }
}

function answerLink(link: PppLink, event: PppLinkEvent, now_ms: number): void {
  if (event.type === 'network-request') {
    const localInterfaceId = ascii('\x00\x00\x00\x00\x00\x00\x00\x01');
    const peerInterfaceId = ascii('\x00\x00\x00\x00\x00\x00\x00\x02');
    const ipv4 = { localAddress: '10.0.0.1', peerAddress: '10.0.0.7', dns: ['10.0.0.53'], nbns: [] };
    link.answerNetwork({ ipv4, ipv6: { localInterfaceId, peerInterfaceId } }, now_ms);
  }
  if (event.type !== 'authentication-request') return;
  const { request } = event;
  if (request.protocol !== 'mschapv2') {
    link.answerAuthentication({ accepted: true, message: 'hi' }, now_ms);
    return;
  }
  const hash = ntPasswordHash(PASSWORD);
  const { ntResponse, peerChallenge, challenge, name } = request;
  const authenticatorResponse = generateAuthenticatorResponse(hash, ntResponse, peerChallenge, challenge, name);
  link.answerAuthentication({ accepted: true, message: 'hi', authenticatorResponse }, now_ms);
}

function linkTarget(protocol: AuthenticationProtocol, side: PppLinkConfig['side']): FuzzTarget {
  const authenticator = () =>
    startedLink({ side: 'authenticator', ...LINK, authenticator: { protocols: [protocol], name: 'lns' } }, 1);
  const peer = () =>
    startedLink({ side: 'peer', ...LINK, peer: { name: 'User', password: PASSWORD, allow: [protocol] } }, 2);
  const [party, other] = side === 'authenticator' ? [authenticator, peer] : [peer, authenticator];
  return { name: `ppp-link-${side}-${protocol}`, seeds: [record(party, other)], run: (input) => replay(party, input) };
}

export const MACHINE_TARGETS: readonly FuzzTarget[] = [
  endpointTarget('endpoint-called', UDP2, placeCall, false),
  endpointTarget('endpoint-called-with-secret', { ...UDP2, secret: SECRET }, placeCall, false),
  endpointTarget('endpoint-caller', UDP2, placeCall, true),
  endpointTarget('endpoint-caller-with-secret', { ...UDP2, secret: SECRET }, placeCall, true),
  endpointTarget('endpoint-dials-out', UDP2, placeOutgoingCall, true),
  endpointTarget('endpoint-is-dialled-out', UDP2, placeOutgoingCall, false),
  ...[true, false].flatMap((isCaller) => {
    const side = isCaller ? 'caller' : 'called';
    return [
      endpointTarget(`endpoint-${side}-udp3`, UDP3, placeCall, isCaller),
      endpointTarget(`endpoint-${side}-ip`, IP, placePseudowire, isCaller),
      endpointTarget(`endpoint-${side}-ip-with-secret`, { ...IP, secret: SECRET }, placePseudowire, isCaller),
      endpointTarget(`endpoint-${side}-auto`, AUTO, placeCall, isCaller),
      endpointTarget(`endpoint-${side}-auto-with-secret`, { ...AUTO, secret: SECRET }, placeCall, isCaller),
    ];
  }),
  linkTarget('pap', 'authenticator'),
  linkTarget('chap-md5', 'authenticator'),
  linkTarget('mschapv2', 'authenticator'),
  linkTarget('pap', 'peer'),
  linkTarget('chap-md5', 'peer'),
  linkTarget('mschapv2', 'peer'),
];
