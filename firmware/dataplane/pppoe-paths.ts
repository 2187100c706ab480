/**
 * What carries the rows of PPPoE: for each its interface, SESSION_ID and VLANs, its row by those, and the headers of what
 * goes to its host, written once. Reads no frame.
 *
 *   Headers of a row (RFC 2516 section 4), 20 octets and 4 for each tag:
 *   | destination (48) | source (48) | tags, 32 bits each | 0x8864 | 0x11 | 0x00 | SESSION_ID (16) | LENGTH (16) |
 */
import { emitEthernetHeader, type VlanTag } from '../wire/ethernet.js';
import { emitPppoeHeader, PPPOE_CODE, PPPOE_ETHER_TYPE, RESERVED_SESSION_ID } from '../wire/pppoe.js';
import type { PppoePath } from './interface.js';
import { SessionIndex } from './session-index.js';

/** Ethernet with two tags, PPPoE. */
export const LONGEST_PPPOE_HEADERS_BYTES = 28;
const MAX_TAGS = 2;
const MAX_INTERFACES = 0xffff;

/** An interface that rows are on: a number that is small, as the kernel's index need not be, and how many rows. */
interface Place {
  number: number;
  rows: number;
}

export class PppoePaths {
  /** LONGEST_PPPOE_HEADERS_BYTES for each row; `headers_bytes` of them are in use, none for a row of L2TP. */
  readonly headers: Uint8Array;
  readonly headers_bytes: Uint8Array;
  readonly interfaceIndex: Int32Array;
  /** As vlanKeyOf has it. */
  readonly vlanKey: Int32Array;
  /** The number of the interface, 16 bits, and SESSION_ID. */
  readonly #keys: Int32Array;
  readonly #index: SessionIndex;
  readonly #places = new Map<number, Place>();
  readonly #freeNumbers: number[] = [];

  constructor(rows: number) {
    this.headers = new Uint8Array(rows * LONGEST_PPPOE_HEADERS_BYTES);
    this.headers_bytes = new Uint8Array(rows);
    this.interfaceIndex = new Int32Array(rows);
    this.vlanKey = new Int32Array(rows);
    this.#keys = new Int32Array(rows);
    this.#index = new SessionIndex(new Uint16Array(SessionIndex.slotsFor(rows)), this.#keys, new Int32Array(1));
  }

  /** The number of an interface, for `rowOf`; -1 where no row is on it. */
  placeOf(interfaceIndex: number): number {
    return this.#places.get(interfaceIndex)?.number ?? -1;
  }

  /** The row of a SESSION_ID, 0 where there is none. For each frame. */
  rowOf(place: number, sessionId: number): number {
    return place < 0 ? 0 : this.#index.rowOf((place << 16) | sessionId);
  }

  /** Throws where another row has this SESSION_ID on this interface, and for what no path of PPPoE is. */
  set(row: number, path: PppoePath): void {
    const { interfaceIndex, sessionId, localMac, peerMac, tags } = path;
    if (!(sessionId >= 1 && sessionId < RESERVED_SESSION_ID)) throw new RangeError(`SESSION_ID ${sessionId}`);
    if (tags.length > MAX_TAGS) throw new RangeError(`${tags.length} VLAN tags`);
    const etherType = PPPOE_ETHER_TYPE.session;
    const ethernet = emitEthernetHeader({ destination: peerMac, source: localMac, tags, etherType });
    const other = this.rowOf(this.placeOf(interfaceIndex), sessionId);
    if (other !== 0 && other !== row) throw new Error(`SESSION_ID ${sessionId} is in use`);
    this.clear(row);
    const at = row * LONGEST_PPPOE_HEADERS_BYTES;
    const pppoe = emitPppoeHeader(PPPOE_CODE.session, sessionId, 0);
    this.headers.set(ethernet, at);
    this.headers.set(pppoe, at + ethernet.length);
    this.headers_bytes[row] = ethernet.length + pppoe.length;
    this.interfaceIndex[row] = interfaceIndex;
    this.vlanKey[row] = tags.reduce((key, { vlanId }) => vlanKeyOf(key, vlanId), 0);
    this.#index.add((this.#enter(interfaceIndex) << 16) | sessionId, row);
  }

  /** The row is on no interface any more; of a row that is on none nothing changes. */
  clear(row: number): void {
    if (this.headers_bytes[row] === 0) return;
    this.headers_bytes[row] = 0;
    this.#index.remove(this.#keys[row]);
    const interfaceIndex = this.interfaceIndex[row];
    const place = this.#places.get(interfaceIndex);
    if (place === undefined) throw new Error(`no row is on interface ${interfaceIndex}`);
    if (--place.rows > 0) return;
    this.#places.delete(interfaceIndex);
    this.#freeNumbers.push(place.number);
  }

  #enter(interfaceIndex: number): number {
    let place = this.#places.get(interfaceIndex);
    if (place === undefined) {
      place = { number: this.#freeNumbers.pop() ?? this.#places.size, rows: 0 };
      if (place.number > MAX_INTERFACES) throw new RangeError('too many interfaces');
      this.#places.set(interfaceIndex, place);
    }
    place.rows++;
    return place.number;
  }
}

/**
 * The VLAN IDs of a frame as one number: that of its tags so far, and one tag more, inwards. A tag of VLAN ID 0 gives a
 * priority and no VLAN (IEEE 802.1Q section 9.6): with it or without it, a frame is in the same one.
 */
export function vlanKeyOf(outer: number, vlanId: VlanTag['vlanId']): number {
  return vlanId === 0 ? outer : (outer << 12) | vlanId;
}
