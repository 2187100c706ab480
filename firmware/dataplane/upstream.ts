/**
 * From the network inwards: each datagram of a batch, alone or in a train, goes to what carries its session's frames, to the main thread, or
 * away with a reason. Reads the headers of L2TP in place, does no I/O and allocates nothing.
 *
 *   Data, version 2, RFC 2661 section 3.1: flags and version (16), Length (16, if L), Tunnel ID (16), Session ID (16),
 *   Ns (16) and Nr (16, if S), Offset Size (16, if O) and as much padding.
 *   Data, version 3, RFC 3931 section 4.1: over UDP flags and version (16) and reserved bits (16); then Session ID (32),
 *   Cookie (0, 32 or 64), Default L2-Specific Sublayer (section 4.6; 32, where we asked for it).
 *   Control, version 3, section 3.2.1: over IP a Session ID of 0 (32); then flags and version (16), Length (16), Control
 *   Connection ID (32), Ns (16), Nr (16).
 */
import { L2TP_FLAG } from '../wire/l2tp.js';
import { readWord } from './address.js';
import type { Captures } from './capture.js';
import { ControlGate } from './control-gate.js';
import { DROP, FORWARDED } from './drop-reasons.js';
import type { EthernetFrames } from './ethernet.js';
import type { ForwarderOutput } from './output.js';
import { equalAddress, type PacketBatch, ROOM_BYTES } from './packet-batch.js';
import type { PppFrames } from './ppp-frames.js';
import { isInSequence, NS_MASK } from './sequence.js';
import { COOKIE_WORDS, ROW, type SessionTable } from './session-table.js';
import type { TunnelTable } from './tunnel-table.js';

const VERSION_MASK = 0x000f;
const TYPE_OCTET = L2TP_FLAG.type >>> 8;
const SHORTEST_HEADER_BYTES = 6;
const CONTROL_HEADER_BYTES = 12;
/** What both versions ask of a control message. */
const CONTROL_FLAGS = L2TP_FLAG.type | L2TP_FLAG.length | L2TP_FLAG.sequence;
const SESSION_ID_BYTES = 4;
/** Of version 3 over UDP: flags and version, and reserved bits. */
const RESERVED_BYTES = 4;
const SUBLAYER_BYTES = 4;
const SUBLAYER_S = 0x4000_0000;

export class Upstream {
  readonly #table: SessionTable;
  readonly #gate: ControlGate;
  readonly #ppp: PppFrames;
  readonly #ethernet: EthernetFrames;
  readonly #output: ForwarderOutput;
  readonly #captures: Captures;
  readonly #drops: Float64Array;

  constructor(
    table: SessionTable,
    tunnels: TunnelTable,
    ppp: PppFrames,
    ethernet: EthernetFrames,
    output: ForwarderOutput,
    captures: Captures,
    drops: Float64Array,
  ) {
    this.#table = table;
    this.#gate = new ControlGate(tunnels, output, captures);
    this.#captures = captures;
    this.#ppp = ppp;
    this.#ethernet = ethernet;
    this.#output = output;
    this.#drops = drops;
  }

  /**
   * Each descriptor of `input` is the payload of a UDP datagram, or of several, or of an IP packet of protocol 115, with
   * its peer's address and port, and the local address it came to. Begins with the descriptor at `from`, and gives that
   * of the first whose datagrams the output had no room for.
   */
  forward(input: PacketBatch, encapsulation: 'udp' | 'ip', now_ms: number, from: number): number {
    this.#gate.now_ms = now_ms;
    this.#ppp.now_ms = now_ms;
    const isOverIp = encapsulation === 'ip';
    for (let i = from; i < input.count; i++) {
      const length_bytes = input.length_bytes[i];
      const each_bytes = input.segment_bytes[i];
      if (each_bytes !== 0) {
        const datagrams = Math.ceil(length_bytes / each_bytes);
        if (datagrams > this.#output.room) {
          if (datagrams <= this.#output.capacity) return i;
          this.#drops[DROP['no-buffer']] += datagrams;
        } else this.#train(input, i, each_bytes);
        continue;
      }
      if (this.#output.room === 0) return i;
      const start = input.offset[i];
      const drop = isOverIp
        ? this.#ipPacket(input, i, start, length_bytes)
        : this.#udpDatagram(input, i, start, length_bytes);
      if (drop !== FORWARDED) this.#drops[drop]++;
    }
    return input.count;
  }

  /** Datagrams of `each_bytes`, and a last one of what is left. */
  #train(input: PacketBatch, index: number, each_bytes: number): void {
    const first = input.offset[index];
    const end = first + input.length_bytes[index];
    this.#ppp.isTrain = true;
    for (let start = first; start < end; start += each_bytes) {
      const drop = this.#udpDatagram(input, index, start, Math.min(each_bytes, end - start));
      if (drop !== FORWARDED) this.#drops[drop]++;
    }
    this.#ppp.isTrain = false;
  }

  /** RFC 3931 section 4.1.2.1: the version decides what all other bits mean. */
  #udpDatagram(input: PacketBatch, index: number, start: number, length_bytes: number): number {
    if (length_bytes > ROOM_BYTES) return DROP['datagram-too-long'];
    if (length_bytes < SHORTEST_HEADER_BYTES) return DROP['header-truncated'];
    switch (input.memory[start + 1] & VERSION_MASK) {
      case 2:
        return this.#version2(input, index, start, length_bytes);
      case 3:
        return this.#version3(input, index, start, length_bytes);
      default:
        return DROP['header-version'];
    }
  }

  /** RFC 3931 section 4.1.1.2: control messages have Session ID 0. */
  #ipPacket(input: PacketBatch, index: number, start: number, length_bytes: number): number {
    if (length_bytes > ROOM_BYTES) return DROP['datagram-too-long'];
    if (length_bytes < SESSION_ID_BYTES) return DROP['header-truncated'];
    if (readWord(input.memory, start) !== 0) {
      return this.#data3(input, index, start, start + length_bytes, ROW.version3 | ROW.overIp);
    }
    return this.#control3(input, index, start + SESSION_ID_BYTES, length_bytes - SESSION_ID_BYTES, true);
  }

  #version3(input: PacketBatch, index: number, start: number, length_bytes: number): number {
    if ((input.memory[start] & TYPE_OCTET) !== 0) return this.#control3(input, index, start, length_bytes, false);
    return this.#data3(input, index, start + RESERVED_BYTES, start + length_bytes, ROW.version3);
  }

  #version2(input: PacketBatch, index: number, start: number, length_bytes: number): number {
    const { memory } = input;
    const flags = u16(memory, start);
    let at = start + 2;
    let end = start + length_bytes;
    if ((flags & L2TP_FLAG.length) !== 0) {
      const said_bytes = u16(memory, at);
      if (said_bytes > length_bytes) return DROP['header-length'];
      end = start + said_bytes;
      at += 2;
    }
    const ids = at;
    at += 4;
    const numbers = at;
    if ((flags & L2TP_FLAG.sequence) !== 0) at += 4;
    if ((flags & L2TP_FLAG.offset) !== 0) {
      if (at + 2 > end) return DROP['header-truncated'];
      at += 2 + u16(memory, at);
      if (at > end) return DROP['header-length'];
    }
    if (at > end) return DROP['header-truncated'];
    if ((flags & L2TP_FLAG.type) !== 0) {
      if ((flags & (CONTROL_FLAGS | L2TP_FLAG.offset)) !== CONTROL_FLAGS) return DROP['control-flags'];
      return this.#gate.take(input, index, start, end - start, u16(memory, ids), false);
    }
    const sessionId = u16(memory, ids + 2);
    const row = this.#table.index.rowOf(sessionId);
    if (row === 0) return sessionId === 0 ? DROP['session-zero'] : DROP['unknown-session'];
    const rowFlags = this.#table.flags[row];
    if ((rowFlags & (ROW.version3 | ROW.overIp)) !== 0) return DROP['wrong-encapsulation'];
    if (!this.#isOfTunnel(row, u16(memory, ids))) return DROP['wrong-tunnel'];
    if (!equalAddress(this.#table.peerAddress, row, input.peerAddress, index)) return DROP['wrong-peer'];
    if ((rowFlags & ROW.captured) !== 0) this.#captures.received(input, index, start, length_bytes, row);
    if (!this.#isInOrder(row, flags, u16(memory, numbers))) return DROP['sequence-old'];
    return this.#ppp.fromPeer(memory, at, end, row);
  }

  /** The control header of version 3, over either encapsulation, in `available_bytes` from `start`. */
  #control3(input: PacketBatch, index: number, start: number, available_bytes: number, isOverIp: boolean): number {
    const { memory } = input;
    if (available_bytes < CONTROL_HEADER_BYTES) return DROP['header-truncated'];
    const flags = u16(memory, start);
    if ((flags & VERSION_MASK) !== 3) return DROP['header-version'];
    if ((flags & CONTROL_FLAGS) !== CONTROL_FLAGS) return DROP['control-flags'];
    const length_bytes = u16(memory, start + 2);
    if (length_bytes > available_bytes) return DROP['header-length'];
    if (length_bytes < CONTROL_HEADER_BYTES) return DROP['header-truncated'];
    return this.#gate.take(input, index, start, length_bytes, readWord(memory, start + 4), isOverIp);
  }

  /** A data message of version 3 whose Session ID is at `start`, in the encapsulation that these bits of a row say. */
  #data3(input: PacketBatch, index: number, start: number, end: number, encapsulation: number): number {
    const { memory } = input;
    const table = this.#table;
    const datagram = encapsulation === ROW.version3 ? start - RESERVED_BYTES : start;
    let at = start + SESSION_ID_BYTES;
    if (at > end) return DROP['header-truncated'];
    const row = table.index.rowOf(readWord(memory, start));
    if (row === 0) return DROP['unknown-session'];
    if (!this.#hasCookie(memory, at, end, row)) return DROP['wrong-cookie'];
    at += table.localCookie_bytes[row];
    const flags = table.flags[row];
    if ((flags & (ROW.version3 | ROW.overIp | ROW.pppoe)) !== encapsulation) return DROP['wrong-encapsulation'];
    if (!equalAddress(table.peerAddress, row, input.peerAddress, index)) return DROP['wrong-peer'];
    if ((flags & ROW.captured) !== 0) this.#captures.received(input, index, datagram, end - datagram, row);
    if ((flags & ROW.localSublayer) !== 0) {
      if (at + SUBLAYER_BYTES > end) return DROP['header-truncated'];
      const sublayer = readWord(memory, at);
      at += SUBLAYER_BYTES;
      const isNumbered = (sublayer & SUBLAYER_S) !== 0;
      const isOld = isNumbered && !isInSequence(table, row, sublayer & NS_MASK.version3, NS_MASK.version3);
      if (isOld) return DROP['sequence-old'];
    }
    if ((flags & ROW.ethernet) !== 0) return this.#ethernet.fromPeer(memory, at, end, row);
    return this.#ppp.fromPeer(memory, at, end, row);
  }

  /** Whether the row's cookie is at `at`. Takes as long for one that is nearly right as for any other. */
  #hasCookie(memory: Uint8Array, at: number, end: number, row: number): boolean {
    const { localCookie, localCookie_bytes } = this.#table;
    const cookie_bytes = localCookie_bytes[row];
    if (at + cookie_bytes > end) return false;
    let difference = 0;
    if (cookie_bytes > 0) difference = readWord(memory, at) ^ localCookie[row * COOKIE_WORDS];
    if (cookie_bytes > 4) difference |= readWord(memory, at + 4) ^ localCookie[row * COOKIE_WORDS + 1];
    return difference === 0;
  }

  #isOfTunnel(row: number, tunnelId: number): boolean {
    if (tunnelId === this.#table.tunnelId[row]) return true;
    return tunnelId === 0 && (this.#table.flags[row] & ROW.allowTunnelIdZero) !== 0;
  }

  /** False for what is old or came twice; notes whether the peer numbers: the LAC's end does as the LNS (section 5.4). */
  #isInOrder(row: number, flags: number, ns: number): boolean {
    if ((flags & L2TP_FLAG.sequence) === 0) {
      this.#table.flags[row] &= ~ROW.peerNumbers;
      return true;
    }
    if (!isInSequence(this.#table, row, ns, NS_MASK.version2)) return false;
    this.#table.flags[row] |= ROW.peerNumbers;
    return true;
  }
}

function u16(memory: Uint8Array, offset: number): number {
  return (memory[offset] << 8) | memory[offset + 1];
}
