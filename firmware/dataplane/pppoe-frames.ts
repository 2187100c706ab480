/**
 * From Ethernet interfaces inwards: each PPPoE frame of a batch goes to what takes its session's PPP frames, to the main
 * thread, or away with a reason. Reads the headers in place, does no I/O and allocates nothing.
 *
 *   RFC 2516 section 4, behind Ethernet's addresses and up to two VLAN tags:
 *   type 0x8863 or 0x8864 (16), VER and TYPE (8), CODE (8), SESSION_ID (16), LENGTH (16); what is behind that is padding
 */
import { TAG_PROTOCOL } from '../wire/ethernet.js';
import { PPPOE_CODE, PPPOE_ETHER_TYPE, PPPOE_HEADER_BYTES } from '../wire/pppoe.js';
import type { Captures } from './capture.js';
import { DiscoveryGate } from './discovery-gate.js';
import { DROP, FORWARDED } from './drop-reasons.js';
import type { ForwarderOutput } from './output.js';
import { type PacketBatch, ROOM_BYTES } from './packet-batch.js';
import type { PppFrames } from './ppp-frames.js';
import { LONGEST_PPPOE_HEADERS_BYTES, type PppoePaths, vlanKeyOf } from './pppoe-paths.js';
import type { SessionTable } from './session-table.js';

const VERSION_AND_TYPE = 0x11;
const MAC_BYTES = 6;
const ADDRESSES_BYTES = 2 * MAC_BYTES;
const TYPE_BYTES = 2;
const TAG_BYTES = 4;
const MAX_TAGS = 2;
const VLAN_ID_MASK = 0x0fff;

export class PppoeFrames {
  readonly #paths: PppoePaths;
  readonly #ppp: PppFrames;
  readonly #gate: DiscoveryGate;
  readonly #captures: Captures;
  readonly #drops: Float64Array;

  constructor(table: SessionTable, ppp: PppFrames, output: ForwarderOutput, captures: Captures, drops: Float64Array) {
    this.#paths = table.pppoe;
    this.#captures = captures;
    this.#ppp = ppp;
    this.#gate = new DiscoveryGate(output);
    this.#drops = drops;
  }

  /** Each descriptor of `input` is a frame from an interface, with its Ethernet header and tags. */
  forward(input: PacketBatch, interfaceIndex: number, now_ms: number): void {
    this.#ppp.now_ms = now_ms;
    const place = this.#paths.placeOf(interfaceIndex);
    for (let i = 0; i < input.count; i++) {
      const drop = this.#frame(input, i, interfaceIndex, place, now_ms);
      if (drop >= 0) this.#drops[drop]++;
    }
  }

  /** Forgets an interface that is no longer open. */
  close(interfaceIndex: number): void {
    this.#gate.close(interfaceIndex);
  }

  #frame(input: PacketBatch, index: number, interfaceIndex: number, place: number, now_ms: number): number {
    const { memory } = input;
    const start = input.offset[index];
    const length_bytes = input.length_bytes[index];
    if (length_bytes > ROOM_BYTES) return DROP['datagram-too-long'];
    const end = start + length_bytes;
    let at = start + ADDRESSES_BYTES;
    let vlanKey = 0;
    for (let tags = 0; tags < MAX_TAGS && at + TAG_BYTES <= end && isTagAt(memory, at); tags++) {
      vlanKey = vlanKeyOf(vlanKey, u16(memory, at + 2) & VLAN_ID_MASK);
      at += TAG_BYTES;
    }
    if (at + TYPE_BYTES + PPPOE_HEADER_BYTES > end) return DROP['pppoe-truncated'];
    const etherType = u16(memory, at);
    at += TYPE_BYTES;
    const row = this.#paths.rowOf(place, u16(memory, at + 2));
    if (etherType === PPPOE_ETHER_TYPE.discovery) {
      const code = memory[at + 1];
      if (this.#captures.isOn) this.#captures.receivedFrame(start, length_bytes, 0, interfaceIndex);
      const isEnd = code === PPPOE_CODE.padt && this.#mismatch(memory, start, vlanKey, row) === FORWARDED;
      return this.#gate.take(input, index, interfaceIndex, code, isEnd, now_ms);
    }
    if (etherType !== PPPOE_ETHER_TYPE.session) return DROP['pppoe-header'];
    if (memory[at] !== VERSION_AND_TYPE || memory[at + 1] !== PPPOE_CODE.session) return DROP['pppoe-header'];
    const mismatch = this.#mismatch(memory, start, vlanKey, row);
    // Who is told that its session is over need not find out by itself, as after a restart of this box.
    if (row === 0) this.#gate.takeStray(input, index, interfaceIndex, now_ms);
    if (mismatch !== FORWARDED) return mismatch;
    if (this.#captures.isOn) this.#captures.receivedFrame(start, length_bytes, row, interfaceIndex);
    const payload = at + PPPOE_HEADER_BYTES;
    const payloadEnd = payload + u16(memory, at + 4);
    if (payloadEnd > end) return DROP['pppoe-length'];
    return this.#ppp.fromPeer(memory, payload, payloadEnd, row);
  }

  /** FORWARDED where the frame at `start` is of this row's session, else the reason why it is not. */
  #mismatch(memory: Uint8Array, start: number, vlanKey: number, row: number): number {
    if (row === 0) return DROP['pppoe-unknown-session'];
    const headers = row * LONGEST_PPPOE_HEADERS_BYTES;
    if (vlanKey !== this.#paths.vlanKey[row]) return DROP['pppoe-wrong-vlan'];
    if (!this.#isMac(memory, start + MAC_BYTES, headers)) return DROP['pppoe-wrong-source'];
    if (!this.#isMac(memory, start, headers + MAC_BYTES)) return DROP['pppoe-wrong-destination'];
    return FORWARDED;
  }

  /** Whether the address at `at` is the one that stands at this place of the rows' headers. */
  #isMac(memory: Uint8Array, at: number, inHeaders: number): boolean {
    const { headers } = this.#paths;
    let difference = 0;
    for (let i = 0; i < MAC_BYTES; i++) difference |= memory[at + i] ^ headers[inHeaders + i];
    return difference === 0;
  }
}

function isTagAt(memory: Uint8Array, at: number): boolean {
  const type = u16(memory, at);
  return type === TAG_PROTOCOL.customer || type === TAG_PROTOCOL.service;
}

function u16(memory: Uint8Array, offset: number): number {
  return (memory[offset] << 8) | memory[offset + 1];
}
