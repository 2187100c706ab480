/**
 * Copies packets into the rings of captures, as they pass the packet path's border: each datagram and frame alone, as it
 * was received and as it leaves. Decides by the marks on a session's row and by nothing else; control messages and frames
 * of discovery go to every capture, for whose they are is known to the main thread. Does no I/O, allocates nothing for a
 * packet.
 */
import { CaptureRingWriter, PAYLOAD_AT_SHIFT, RECORD } from './capture-ring.js';
import { CAPTURES, type DataPlaneCommand } from './interface.js';
import type { ForwarderOutput } from './output.js';
import type { PacketBatch } from './packet-batch.js';
import { ROW, type SessionTable } from './session-table.js';

type OpenCapture = Extract<DataPlaneCommand, { type: 'capture-open' }>;

interface Slot {
  /** What sets calls up, and sessions of which is not known yet whether they belong to the capture. */
  signalling: CaptureRingWriter;
  /** Its sessions' packets. */
  packets: CaptureRingWriter;
  snap_bytes: number;
}

const SUBLAYER_BYTES = 4;
const SESSION_ID_BYTES = 4;
const VERSION3_BYTES = 4;
const TWO_32 = 2 ** 32;

export class Captures {
  /** Whether there is any: all that is asked when there is none. */
  isOn = false;
  /** When the batch came that is at hand, as CaptureRingWriter has it. */
  #low_us = 0;
  #high = 0;
  readonly #table: SessionTable;
  readonly #output: ForwarderOutput;
  readonly #memory: Uint8Array;
  readonly #words: Int32Array;
  readonly #slots: (Slot | undefined)[] = new Array(CAPTURES).fill(undefined);

  constructor(table: SessionTable, output: ForwarderOutput) {
    const { memory } = output;
    this.#table = table;
    this.#output = output;
    this.#memory = memory;
    this.#words = new Int32Array(memory.buffer, 0, memory.buffer.byteLength >>> 2);
  }

  /** Microseconds since 1970: from here on all is captured as of then. */
  setTime(now_us: number): void {
    this.#low_us = (now_us % TWO_32) | 0;
    this.#high = Math.floor(now_us / TWO_32);
  }

  open({ capture, signalling, packets, snap_bytes }: OpenCapture): void {
    this.#slots[capture] = {
      signalling: new CaptureRingWriter(signalling),
      packets: new CaptureRingWriter(packets),
      snap_bytes,
    };
    this.isOn = true;
  }

  /** No session is the capture's any more: another may have its number. */
  close(capture: number): void {
    this.#slots[capture] = undefined;
    this.#table.unmark(capture);
    this.isOn = this.#slots.some((slot) => slot !== undefined);
  }

  /** A datagram of a row, from the peer: the `index`th of `input`, or one of its train. */
  received(input: PacketBatch, index: number, start: number, length_bytes: number, row: number): void {
    const form = this.#formOf(row, this.#table.localCookie_bytes[row], ROW.localSublayer);
    for (let i = 0; i < CAPTURES; i++) {
      const ring = this.#ringFor(i, row);
      if (ring === undefined) continue;
      this.#begin(ring, i, start, length_bytes, 0, 0, form, row);
      ring.ends(input.localAddress, index, input.peerAddress, index, input.peerPort[index]);
      ring.commit();
    }
  }

  /** A frame of PPPoE from the host of a row; row 0 for one of discovery, or of a session that there is not. */
  receivedFrame(start: number, length_bytes: number, row: number, interfaceIndex: number): void {
    this.#frame(start, length_bytes, 0, 0, row, interfaceIndex, RECORD.frame);
  }

  /** A control message that goes to the main thread. */
  receivedControl(input: PacketBatch, index: number, start: number, length_bytes: number, isOverIp: boolean): void {
    const form = (isOverIp ? RECORD.ip : RECORD.udp) | RECORD.control;
    // Over IP the all-zero Session ID stands before it.
    const offset = isOverIp ? start - SESSION_ID_BYTES : start;
    this.#control(input, index, offset, length_bytes + start - offset, form);
  }

  /** All that leaves for peers and Ethernet interfaces; the output is finished, and not yet cleared. */
  sent(): void {
    const { toPeers, toInterfaces } = this.#output;
    for (let transport = 0; transport < toPeers.length; transport++) {
      const batch = toPeers[transport];
      const isOverIp = this.#output.isOverIp(transport);
      for (let i = 0; i < batch.count; i++) {
        if (batch.row[i] !== 0) this.#sentData(batch, i);
        else this.#sentControl(batch, i, isOverIp);
      }
    }
    for (let i = 0; i < toInterfaces.count; i++) {
      const tail_bytes = toInterfaces.tail_bytes[i];
      const form = RECORD.frame | RECORD.sent;
      const { offset, length_bytes, tailOffset, row, interfaceIndex } = toInterfaces;
      this.#frame(offset[i], length_bytes[i], tailOffset[i], tail_bytes, row[i], interfaceIndex[i], form);
    }
  }

  #sentData(batch: PacketBatch, index: number): void {
    const row = batch.row[index];
    if ((this.#table.flags[row] & ROW.captured) === 0) return;
    const form = this.#formOf(row, this.#table.peerCookie_bytes[row], ROW.peerSublayer) | RECORD.sent;
    const tail_bytes = batch.tail_bytes[index];
    const head_bytes = batch.length_bytes[index];
    for (let i = 0; i < CAPTURES; i++) {
      const ring = this.#ringFor(i, row);
      if (ring === undefined) continue;
      this.#begin(ring, i, batch.offset[index], head_bytes, batch.tailOffset[index], tail_bytes, form, row);
      ring.ends(batch.localAddress, index, batch.peerAddress, index, batch.peerPort[index]);
      ring.commit();
    }
  }

  #sentControl(batch: PacketBatch, index: number, isOverIp: boolean): void {
    const form = (isOverIp ? RECORD.ip : RECORD.udp) | RECORD.control | RECORD.sent;
    this.#control(batch, index, batch.offset[index], batch.length_bytes[index], form);
  }

  #control(batch: PacketBatch, index: number, start: number, length_bytes: number, form: number): void {
    for (let i = 0; i < CAPTURES; i++) {
      const ring = this.#slots[i]?.signalling;
      if (ring === undefined) continue;
      this.#begin(ring, i, start, length_bytes, 0, 0, form, 0);
      ring.ends(batch.localAddress, index, batch.peerAddress, index, batch.peerPort[index]);
      ring.commit();
    }
  }

  #frame(
    start: number,
    head_bytes: number,
    tail: number,
    tail_bytes: number,
    row: number,
    interfaceIndex: number,
    form: number,
  ): void {
    for (let i = 0; i < CAPTURES; i++) {
      const ring = row === 0 ? this.#slots[i]?.signalling : this.#ringFor(i, row);
      if (ring === undefined) continue;
      const whose = row === 0 ? form | RECORD.control : form;
      this.#begin(ring, i, start, head_bytes, tail, tail_bytes, whose, row);
      ring.interfaceOf(interfaceIndex);
      ring.commit();
    }
  }

  /** Where a capture has a row's packets; undefined where it has none of them. */
  #ringFor(capture: number, row: number): CaptureRingWriter | undefined {
    const marks = this.#table.captures[row];
    if ((marks & (1 << capture)) !== 0) return this.#slots[capture]?.packets;
    return (marks & (1 << (capture + CAPTURES))) !== 0 ? this.#slots[capture]?.signalling : undefined;
  }

  #formOf(row: number, cookie_bytes: number, sublayer: number): number {
    const flags = this.#table.flags[row];
    const isOverIp = (flags & ROW.overIp) !== 0;
    let form: number = isOverIp ? RECORD.ip : RECORD.udp;
    if ((flags & ROW.ethernet) !== 0) form |= RECORD.ethernet;
    if ((flags & ROW.version3) === 0) return form;
    const payloadAt = (isOverIp ? 0 : VERSION3_BYTES) + SESSION_ID_BYTES + cookie_bytes;
    return form | ((payloadAt + ((flags & sublayer) !== 0 ? SUBLAYER_BYTES : 0)) << PAYLOAD_AT_SHIFT);
  }

  /** The packet of `head_bytes`, of which the last `tail_bytes` are at `tail`, as far as the capture wants it. */
  #begin(
    ring: CaptureRingWriter,
    capture: number,
    start: number,
    head_bytes: number,
    tail: number,
    tail_bytes: number,
    form: number,
    row: number,
  ): void {
    const snap_bytes = this.#slots[capture]?.snap_bytes ?? 0;
    const head = Math.min(head_bytes, snap_bytes);
    const rest = Math.min(tail_bytes, snap_bytes - head);
    const base = this.#memory.byteOffset;
    ring.begin(head, rest, head_bytes + tail_bytes, form);
    ring.time(this.#low_us, this.#high);
    if (row === 0) ring.session(0, 0);
    else ring.session(this.#table.sessionId[row] | 0, this.#table.generation[row] | 0);
    ring.head(this.#words, base + start, head);
    if (rest > 0) ring.tail(this.#words, base + tail, rest);
  }
}
