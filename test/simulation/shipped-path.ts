/**
 * One box's packet path as it ships, behind the same face as its model: the Forwarder with its tables, without descriptors
 * and without a thread of its own. Must not decide what the Forwarder decides.
 */

import { addressText, addressWords } from '../../firmware/dataplane/address.js';
import { viewCounters } from '../../firmware/dataplane/counters.js';
import { TRANSPORTS } from '../../firmware/dataplane/output.js';
import { copyAddress, type PacketBatch, ROOM_BYTES } from '../../firmware/dataplane/packet-batch.js';
import type { TransportPath } from '../../firmware/protocol/l2tp/endpoint.js';
import type { Output } from '../../firmware/roles/role.js';
import { parseControlHeader } from '../../firmware/wire/control-header.js';
import { parseL2tpHeader } from '../../firmware/wire/l2tp.js';
import { openForwarder } from '../unit/dataplane/open-forwarder.js';
import { type Outcome, PacketPath, type Path, type RelayObserver, type Row, sessionRow } from './packet-path.js';
import { dataSession, u32 } from './packets.js';
import { readPppoeFrame } from './pppoe-frames.js';
import { emitUserPacket, readUserPacket, type UserPacket } from './user-packet.js';

const DROPPED: Outcome = { type: 'dropped' };
const BATCH = 1;
const BUILD_SLOTS = 20;
const MAX_SESSIONS = 256;
const ETHERNET_HEADER_BYTES = 14;
const SUBLAYER_BYTES = 4;
/** The device that all sessions of an LNS, or of a LAC that serves users itself, share. */
const SHARED_TUN = 0;

export class ShippedPath implements Path {
  readonly rows = new Map<number, Row>();
  readonly tunnels = new Map<number, TransportPath>();
  readonly #relay: RelayObserver;
  readonly #now: () => number;
  readonly #open = openForwarder({
    ...{ maxSessions: MAX_SESSIONS, batch: BATCH, buildSlots: BUILD_SLOTS, heldSlots: BUILD_SLOTS },
  });
  readonly #memory = this.#open.memory;
  readonly #input = this.#open.input;
  readonly #room = this.#open.inputSlots.room(0);
  readonly #views = viewCounters(this.#open.counters);
  readonly #forwarder = this.#open.forwarder;
  /** Makes what somebody else sends in our name, whose row is none of ours. */
  readonly #forger = new PacketPath();

  constructor(relay: RelayObserver, now: () => number) {
    this.#relay = relay;
    this.#now = now;
  }

  carryOut(output: Output): readonly Outcome[] {
    const wasHeld = output.type === 'session-update' && this.#row(output)?.hold === true;
    this.#note(output);
    this.#command(output);
    const outcomes = this.#outcomes();
    const row = output.type === 'session-update' ? this.#row(output) : undefined;
    if (row === undefined || !row.hold || wasHeld) return outcomes;
    this.#relay.held(row);
    return [...outcomes, { type: 'held', row }];
  }

  receive(packet: Uint8Array, path: TransportPath): Outcome {
    this.#take(packet);
    copyAddress(this.#input.peerAddress, 0, addressWords(path.peerAddress), 0);
    copyAddress(this.#input.localAddress, 0, addressWords(path.localAddress), 0);
    this.#input.peerPort[0] = path.peerPort;
    this.#forwarder.forwardUpstream(this.#input, path.encapsulation, this.#now());
    return this.#outcome();
  }

  receiveFrame(interfaceIndex: number, frame: Uint8Array): Outcome {
    const dropped = this.#dropped();
    this.#take(frame);
    this.#forwarder.forwardPppoe(this.#input, interfaceIndex, this.#now());
    const read = readPppoeFrame(frame);
    const row = read?.stage === 'session' ? sessionRow(this.rows, interfaceIndex, read) : undefined;
    const hasCome = row !== undefined && this.#dropped() === dropped;
    if (hasCome && read?.stage === 'session') this.#relay.arrived(row, read.ppp);
    return this.#outcome(interfaceIndex);
  }

  route(packet: UserPacket): Outcome {
    return this.#fromTun(packet, SHARED_TUN);
  }

  sendUserPacket(row: Row, packet: UserPacket): Outcome {
    const isOurs = this.rows.get(row.sessionId) === row;
    return isOurs ? this.#fromTun(packet, row.tun) : this.#forger.sendUserPacket(row, packet);
  }

  sendFrame(row: Row, token: number): Outcome {
    if (this.rows.get(row.sessionId) !== row) return this.#forger.sendFrame(row, token);
    const frame = new Uint8Array(ETHERNET_HEADER_BYTES + 4);
    new DataView(frame.buffer).setUint32(ETHERNET_HEADER_BYTES, token);
    this.#take(frame);
    this.#forwarder.forwardFrames(this.#input, row.tun);
    return this.#outcome();
  }

  #row({ sessionId, generation }: { sessionId: number; generation: number }): Row | undefined {
    const row = this.rows.get(sessionId);
    return row?.generation === generation ? row : undefined;
  }

  /** What the commands say, for whoever looks. */
  #note(output: Output): void {
    if (output.type === 'tunnel-add' || output.type === 'tunnel-path') this.tunnels.set(output.tunnelId, output.path);
    else if (output.type === 'tunnel-remove') this.tunnels.delete(output.tunnelId);
    else if (output.type === 'session-add') {
      this.rows.set(output.row.sessionId, { ...output.row, kept: [], nextNs: 0, expectedNs: undefined });
    } else if (output.type === 'session-update') Object.assign(this.#row(output) ?? {}, output.changes);
    else if (output.type === 'session-remove' && this.#row(output) !== undefined) this.rows.delete(output.sessionId);
  }

  #command(output: Output): void {
    switch (output.type) {
      case 'tunnel-add':
      case 'tunnel-path':
        this.#forwarder.tunnels.set(output.tunnelId, output.path);
        break;
      case 'tunnel-remove':
        this.#forwarder.tunnels.remove(output.tunnelId);
        break;
      case 'session-add':
        this.#forwarder.addSession(output.row);
        break;
      case 'session-update':
        this.#forwarder.updateSession(output);
        break;
      case 'session-remove':
        this.#forwarder.removeSession(output.sessionId, output.generation);
        break;
      case 'inject':
        this.#forwarder.inject(output);
        break;
      case 'send-control':
        this.#forwarder.sendControl(output.path, output.packet);
        break;
      case 'send-frame':
        this.#forwarder.sendFrame(output);
        break;
      default: // what people are told
    }
  }

  #take(bytes: Uint8Array): void {
    this.#memory.set(bytes.subarray(0, ROOM_BYTES), this.#room);
    this.#input.count = 0;
    this.#input.append(this.#room, bytes.length, 0);
  }

  #fromTun(packet: UserPacket, tun: number): Outcome {
    this.#take(emitUserPacket(packet));
    this.#forwarder.forwardDownstream(this.#input, tun, this.#now());
    return this.#outcome();
  }

  /** One packet has one outcome. */
  #outcome(interfaceIndex = 0): Outcome {
    return this.#outcomes(interfaceIndex)[0] ?? DROPPED;
  }

  #outcomes(interfaceIndex = 0): Outcome[] {
    const { output } = this.#forwarder;
    output.finish();
    const outcomes = [
      ...output.toPeers.flatMap((batch, transport) =>
        each(batch, (bytes, i) => this.#sent(batch, i, bytes, transport)),
      ),
      ...each(output.toInterfaces, (frame, i): Outcome => {
        return { type: 'sent-frame', interfaceIndex: output.toInterfaces.interfaceIndex[i], frame };
      }),
      ...[output.control, output.strangers].flatMap((batch) => each(batch, controlOf)),
      ...each(output.ppp, (information, i): Outcome => {
        const row = this.#rowAt(output.ppp, i);
        return row === undefined ? DROPPED : { type: 'ppp', row, protocol: output.ppp.protocol[i], information };
      }),
      ...each(output.toTun, (bytes, i) => fromPeer(this.#rowAt(output.toTun, i), bytes)),
      ...[output.discovery, output.discoveryToAll].flatMap((batch) =>
        each(batch, (frame): Outcome => ({ type: 'discovery', interfaceIndex, frame })),
      ),
    ];
    output.clear();
    return outcomes;
  }

  #sent(batch: PacketBatch, index: number, packet: Uint8Array, transport: number): Outcome {
    const encapsulation = TRANSPORTS[transport].protocol === 'udp' ? 'udp' : 'ip';
    const path: TransportPath = {
      encapsulation,
      localAddress: addressText(batch.localAddress, index),
      localPort: encapsulation === 'udp' ? 1701 : 0,
      peerAddress: addressText(batch.peerAddress, index),
      peerPort: batch.peerPort[index],
    };
    const row = this.#rowAt(batch, index);
    const from = row?.relayTo && this.#row(row.relayTo);
    if (row !== undefined && from?.pppoe !== undefined) this.#relay.carried(from, pppOf(row, packet));
    return { type: 'sent', path, packet };
  }

  #rowAt(batch: PacketBatch, index: number): Row | undefined {
    const at = batch.row[index];
    return at === 0 ? undefined : this.rows.get(this.#forwarder.sessions.sessionId[at]);
  }

  #dropped(): number {
    return this.#views.drops.reduce((sum, count) => sum + count, 0);
  }
}

/** Copies, since slots are used again. */
function each(batch: PacketBatch, make: (bytes: Uint8Array, index: number) => Outcome): Outcome[] {
  const { count, offset, length_bytes, memory } = batch;
  return Array.from({ length: count }, (_, i) => make(memory.slice(offset[i], offset[i] + length_bytes[i]), i));
}

function controlOf(message: Uint8Array): Outcome {
  return { type: 'control', header: parseControlHeader(message), message };
}

/** What goes to a device: a user's packet, or a frame whose tag is off. */
function fromPeer(row: Row | undefined, bytes: Uint8Array): Outcome {
  if (row === undefined) return DROPPED;
  if (row.payload === 'ethernet') return { type: 'frame', row, token: u32(bytes, ETHERNET_HEADER_BYTES) };
  const packet = readUserPacket(bytes);
  return packet === undefined ? DROPPED : { type: 'user', row, packet };
}

/** The frame in a data packet of ours. */
function pppOf({ version, path, peerCookie, peerSublayer }: Row, packet: Uint8Array): Uint8Array {
  if (version === 2) {
    const { payloadOffset, payloadEnd } = parseL2tpHeader(packet);
    return packet.subarray(payloadOffset, payloadEnd);
  }
  const { cookieAt } = dataSession(packet, path.encapsulation) ?? { cookieAt: 0 };
  return packet.subarray(cookieAt + peerCookie.length + (peerSublayer ? SUBLAYER_BYTES : 0));
}
