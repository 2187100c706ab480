/**
 * One of two packet paths that get the same packets: joined or one at a time. Gathers what came of them in a form in which
 * the two must be equal: what the kernel makes of joined packets, datagrams and frames as they leave.
 */
import { addressWords } from '../../../firmware/dataplane/address.js';
import { JOIN } from '../../../firmware/dataplane/coalesce.js';
import type { SessionRow } from '../../../firmware/dataplane/interface.js';
import { type DropReason, readDropCounters, readSessionCounters } from '../../../firmware/dataplane/interface.js';
import { copyAddress, JOINED_SLOT_BYTES, type PacketBatch } from '../../../firmware/dataplane/packet-batch.js';
import { INTERFACE, LOCAL, PEER } from './harness.js';
import { segmentsOf } from './kernel-segments.js';
import { type OpenForwarder, openForwarder } from './open-forwarder.js';

const DEVICES = 4;
const ALL = JOIN.tcpv4 | JOIN.tcpv6 | JOIN.udp;

/** Datagrams, or IP packets, that come as one: each of `each_bytes` but the last; 0 for a single one. */
export interface Joined {
  octets: Uint8Array;
  each_bytes: number;
  gso?: number;
  checksumStart_bytes?: number;
  checksumAt_bytes?: number;
}

export class OffloadSide {
  /** By device and flow, in hexadecimal. */
  readonly toTun = new Map<string, string[]>();
  readonly toPeers: string[] = [];
  readonly toInterfaces: string[] = [];
  /** Control messages, those of strangers, PPP frames. */
  readonly toMain: readonly string[][] = [[], [], []];
  /** How often the output was emptied. */
  flushes = 0;
  readonly #open: OpenForwarder;
  readonly #rows: readonly SessionRow[];

  constructor(rows: readonly SessionRow[], joins: boolean, outputPackets: number, buildSlots: number) {
    this.#open = openForwarder({
      ...{ maxSessions: 16, batch: 4, buildSlots, heldSlots: 4, outputPackets },
      inputSlot_bytes: JOINED_SLOT_BYTES,
    });
    this.#rows = rows;
    for (const row of rows) this.#open.forwarder.addSession(row);
    for (let tun = 0; tun < DEVICES; tun++) this.#open.forwarder.output.setJoins(tun, joins ? ALL : 0);
  }

  /** What comes from the peer, at most a batch. */
  upstream(list: readonly Joined[], encapsulation: 'udp' | 'ip', now_ms: number): void {
    const { forwarder, input } = this.#open;
    this.#fill(list);
    for (let i = 0; i < input.count; i++) {
      copyAddress(input.peerAddress, i, addressWords(PEER), 0);
      copyAddress(input.localAddress, i, addressWords(LOCAL), 0);
      input.peerPort[i] = encapsulation === 'udp' ? 1701 : 0;
    }
    for (let from = 0; from < input.count; this.#gather()) {
      from = forwarder.forwardUpstream(input, encapsulation, now_ms, from);
    }
  }

  downstream(list: readonly Joined[], tun: number, now_ms: number): void {
    const { forwarder, input } = this.#open;
    this.#fill(list);
    for (let from = 0; from < input.count; this.#gather()) {
      from = forwarder.forwardDownstream(input, tun, now_ms, from);
    }
  }

  fromInterface(frame: Uint8Array, now_ms: number): void {
    this.#fill([{ octets: frame, each_bytes: 0 }]);
    this.#open.forwarder.forwardPppoe(this.#open.input, INTERFACE, now_ms);
    this.#gather();
  }

  /** Those reasons alone that were counted. */
  drops(): Partial<Record<DropReason, number>> {
    return Object.fromEntries(Object.entries(readDropCounters(this.#open.counters)).filter(([, count]) => count > 0));
  }

  /** What came of all packets since the last call, and what is counted by now. */
  take() {
    const toMain = this.toMain.map((list) => list.splice(0));
    const came = { toTun: [...this.toTun], toPeers: this.toPeers.splice(0), toInterfaces: this.toInterfaces.splice(0) };
    this.toTun.clear();
    return { ...came, toMain, drops: this.drops(), sessions: this.sessions() };
  }

  sessions(): unknown[] {
    return this.#rows.map(({ sessionId, generation }) =>
      readSessionCounters(this.#open.counters, sessionId, generation),
    );
  }

  #fill(list: readonly Joined[]): void {
    const { input, inputSlots, memory } = this.#open;
    input.count = 0;
    for (const [slot, joined] of list.entries()) {
      const room = inputSlots.room(slot);
      memory.set(joined.octets, room);
      const index = input.append(room, joined.octets.length, 0);
      input.segment_bytes[index] = joined.each_bytes;
      input.gso[index] = joined.gso ?? 0;
      input.checksumStart_bytes[index] = joined.checksumStart_bytes ?? 0;
      input.checksumAt_bytes[index] = joined.checksumAt_bytes ?? 0;
    }
  }

  #gather(): void {
    this.flushes++;
    const { output } = this.#open.forwarder;
    output.finish();
    for (let i = 0; i < output.toTun.count; i++) {
      for (const packet of segmentsOf(output.toTun, output.pieces, i)) {
        const key = `${output.toTun.tun[i]} ${flowOf(packet)}`;
        this.toTun.set(key, [...(this.toTun.get(key) ?? []), packet.toString('hex')]);
      }
    }
    for (const [transport, batch] of output.toPeers.entries()) {
      this.toPeers.push(...each(batch, (i) => `${transport} ${batch.peerPort[i]} ${whole(batch, i)}`));
    }
    this.toInterfaces.push(...each(output.toInterfaces, (i) => whole(output.toInterfaces, i)));
    for (const [kind, batch] of [output.control, output.strangers, output.ppp].entries()) {
      this.toMain[kind]?.push(...each(batch, (i) => `${batch.row[i]} ${batch.protocol[i]} ${whole(batch, i)}`));
    }
    output.clear();
  }
}

function each(batch: PacketBatch, make: (index: number) => string): string[] {
  return Array.from({ length: batch.count }, (_, i) => make(i));
}

/** A packet with its tail. */
function whole(batch: PacketBatch, index: number): string {
  const part = (offset: number, length_bytes: number) => batch.memory.subarray(offset, offset + length_bytes);
  const [head, tail] = [
    part(batch.offset[index], batch.length_bytes[index]),
    part(batch.tailOffset[index], batch.tail_bytes[index]),
  ];
  return Buffer.concat([head, tail]).toString('hex');
}

/** Addresses and protocol; of whole packets of TCP and UDP their ports as well. */
function flowOf(packet: Buffer): string {
  const isIpv4 = packet[0] >>> 4 === 4;
  const addresses = packet.subarray(isIpv4 ? 12 : 8, isIpv4 ? 20 : 40).toString('hex');
  const protocol = packet[isIpv4 ? 9 : 6];
  const isPlain = isIpv4 ? packet[0] === 0x45 && (packet.readUInt16BE(6) & 0x3fff) === 0 : true;
  const at = isIpv4 ? 20 : 40;
  const ports = isPlain && (protocol === 6 || protocol === 17) ? packet.subarray(at, at + 4).toString('hex') : '';
  return `${addresses} ${protocol} ${ports}`;
}
