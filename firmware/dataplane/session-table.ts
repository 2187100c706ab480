/**
 * The session table: a row of flat arrays for each session, found by session ID, by destination or by the TUN device
 * that is bound to it. Its counters lie in memory that the main thread reads. Looks at no packet but for the addresses
 * it is asked about; row 0 is nobody's.
 */
import { addressWords, isIpv4Mapped, readWord } from './address.js';
import { type CounterViews, sessionCountersOfRow } from './counters.js';
import {
  CAPTURES,
  FIRST_PPPOE_ROW_ID,
  type SessionCounters,
  type SessionRow,
  type TransportPath,
} from './interface.js';
import { ADDRESS_WORDS } from './packet-batch.js';
import { Policers } from './policer.js';
import { PppoePaths } from './pppoe-paths.js';
import { type ListedPrefix, PrefixLists, prefixWords } from './prefix-lists.js';
import { RouteTable } from './route-table.js';
import type { SessionIndex } from './session-index.js';
import { TokenBuckets } from './token-bucket.js';

/** Bits of a row's `flags`. */
export const ROW = {
  allowTunnelIdZero: 0x0001,
  bindTun: 0x0002,
  transmitAcfc: 0x0004,
  transmitPfc: 0x0008,
  /** FF 03 in front of all that we send. */
  alwaysAddressControl: 0x0010,
  sequencing: 0x0020,
  ipv4Open: 0x0040,
  ipv6Open: 0x0080,
  /** The tunnel runs over IPv6, and as IP protocol 115. */
  ipv6Path: 0x0100,
  overIp: 0x1000,
  /** Learned: the peer's LCP comes without FF 03. */
  peerOmitsAddressControl: 0x0200,
  /** Learned, at the LAC's end: the LNS numbers what it sends, so we do (RFC 2661 section 5.4). */
  peerNumbers: 0x0400,
  /** Learned: `lastNs` holds a number. */
  hasLastNs: 0x0800,
  version3: 0x2000,
  localSublayer: 0x4000,
  peerSublayer: 0x8000,
  /** Ethernet frames, not PPP. */
  ethernet: 0x1_0000,
  ethernetOpen: 0x2_0000,
  /** PPPoE carries the row; what is said of L2TP means nothing. */
  pppoe: 0x4_0000,
  /** PPP frames go to another row. */
  relay: 0x8_0000,
  /** PPP frames from the peer are kept. */
  hold: 0x10_0000,
  /** A capture has the row's packets: `captures` says which. */
  captured: 0x20_0000,
} as const;

/** PPP control frames of one session that reach the main thread: a negotiation takes some twenty. */
const PPP_RATE_PER_S = 50;
const PPP_BURST = 100;
/** ICMP errors that go out for one session: path MTU discovery takes one for each flow. */
const ICMP_RATE_PER_S = 50;
const ICMP_BURST = 20;

const COUNTER = { receivedPackets: 0, receivedOctets: 1, sentPackets: 2, sentOctets: 3 } as const;
const COUNTERS_PER_ROW = 4;
/** Of a cookie of 8 octets; the second is 0 in one of 4. */
export const COOKIE_WORDS = 2;
const MAX_SESSION_ID = { 2: 0xffff, 3: FIRST_PPPOE_ROW_ID - 1 } as const;
const MAX_PPPOE_ROW_ID = 0xffff_ffff;
const IPV6_LINK_LOCAL = 0xfe800000;
const IPV6_LINK_LOCAL_MASK = 0xffc00000;

type RowChanges = Partial<Omit<SessionRow, 'sessionId' | 'generation'>>;

export class SessionTable {
  readonly index: SessionIndex;
  readonly generation: Uint32Array;
  readonly sessionId: Uint32Array;
  readonly flags: Uint32Array;
  readonly tunnelId: Uint16Array;
  readonly peerTunnelId: Uint16Array;
  readonly peerSessionId: Uint32Array;
  /** COOKIE_WORDS each, most significant octet first; and how many octets of them there are: 0, 4 or 8. */
  readonly localCookie: Int32Array;
  readonly localCookie_bytes: Uint8Array;
  readonly peerCookie: Int32Array;
  readonly peerCookie_bytes: Uint8Array;
  /** Four words each. */
  readonly peerAddress: Uint32Array;
  readonly localAddress: Uint32Array;
  readonly peerPort: Uint16Array;
  readonly tun: Uint16Array;
  readonly mtu_bytes: Uint16Array;
  readonly mssClamp_bytes: Uint16Array;
  /** The VLAN ID of the tag that frames of an Ethernet VLAN pseudowire have on their way, 0 for none. */
  readonly vlanId: Uint16Array;
  /** Counts on: what goes out are its low 16 bits in version 2, 24 in version 3. */
  readonly nextNs: Uint32Array;
  readonly lastNs: Uint32Array;
  /** How many old numbers have come one after the other with nothing between, and the one that would be next. */
  readonly oldNsCount: Uint8Array;
  readonly nextOldNs: Uint32Array;
  /** A token for each PPP control frame from the peer, and for each ICMP error of ours. */
  readonly pppBuckets: TokenBuckets;
  readonly icmpBuckets: TokenBuckets;
  /** Octets from the peer, and to it, as the counters count them. */
  readonly receivePolicers: Policers;
  readonly sendPolicers: Policers;
  /** What carries the rows that are not L2TP's. */
  readonly pppoe: PppoePaths;
  /** The row that PPP frames go to. */
  readonly relaySessionId: Int32Array;
  readonly relayGeneration: Uint32Array;
  /** A bit for each capture that has the row's packets, and CAPTURES bits above that, one for its ring of signalling. */
  readonly captures: Uint8Array;
  readonly sources: PrefixLists;
  readonly destinations: PrefixLists;
  readonly #counters: Float64Array;
  readonly #ipv4Routes = new RouteTable();
  readonly #ipv6Routes = new RouteTable();
  /** Rows bound to a TUN device by its index, the last one to come at the end. */
  readonly #boundRows = new Map<number, number[]>();
  /** Rows that were in use and are not, as a stack; and the first that never was. */
  readonly #freeRows: Uint16Array;
  #freeCount = 0;
  #firstUnused = 1;

  /** For as many sessions as the counters have rows. */
  constructor(views: CounterViews) {
    const rows = views.generations.length;
    this.index = views.index;
    this.generation = views.generations;
    this.sessionId = views.sessionIds;
    this.#counters = views.sessions;
    this.flags = new Uint32Array(rows);
    this.tunnelId = new Uint16Array(rows);
    this.peerTunnelId = new Uint16Array(rows);
    this.peerSessionId = new Uint32Array(rows);
    this.localCookie = new Int32Array(rows * COOKIE_WORDS);
    this.localCookie_bytes = new Uint8Array(rows);
    this.peerCookie = new Int32Array(rows * COOKIE_WORDS);
    this.peerCookie_bytes = new Uint8Array(rows);
    this.peerAddress = new Uint32Array(rows * ADDRESS_WORDS);
    this.localAddress = new Uint32Array(rows * ADDRESS_WORDS);
    this.peerPort = new Uint16Array(rows);
    this.tun = new Uint16Array(rows);
    this.mtu_bytes = new Uint16Array(rows);
    this.mssClamp_bytes = new Uint16Array(rows);
    this.vlanId = new Uint16Array(rows);
    this.nextNs = new Uint32Array(rows);
    this.lastNs = new Uint32Array(rows);
    this.oldNsCount = new Uint8Array(rows);
    this.nextOldNs = new Uint32Array(rows);
    this.pppBuckets = new TokenBuckets(rows, PPP_RATE_PER_S, PPP_BURST);
    this.icmpBuckets = new TokenBuckets(rows, ICMP_RATE_PER_S, ICMP_BURST);
    this.receivePolicers = new Policers(rows);
    this.sendPolicers = new Policers(rows);
    this.pppoe = new PppoePaths(rows);
    this.relaySessionId = new Int32Array(rows);
    this.relayGeneration = new Uint32Array(rows);
    this.captures = new Uint8Array(rows);
    this.sources = new PrefixLists(rows);
    this.destinations = new PrefixLists(rows);
    this.#freeRows = new Uint16Array(rows);
  }

  /** The row of a session, 0 where there is none of this ID and generation. */
  find(sessionId: number, generation: number): number {
    const row = this.index.rowOf(sessionId | 0);
    return row !== 0 && this.generation[row] === generation ? row : 0;
  }

  /** Adds a session and gives its row, 0 where the table is full. Throws where the session ID is in use. */
  add(session: SessionRow): number {
    const { sessionId, generation } = session;
    if (!isRowId(session)) throw new RangeError(`session ID ${sessionId}`);
    if (this.index.rowOf(sessionId | 0) !== 0) throw new Error(`session ID ${sessionId} is in use`);
    const row = this.#takeRow();
    if (row === 0) return 0;
    // First of all: who reads the counters of the row's last owner must see that it is gone.
    Atomics.store(this.generation, row, generation);
    this.flags[row] = 0;
    this.captures[row] = 0;
    this.nextNs[row] = 0;
    this.oldNsCount[row] = 0;
    this.pppBuckets.refill(row);
    this.icmpBuckets.refill(row);
    this.receivePolicers.refill(row);
    this.sendPolicers.refill(row);
    this.#counters.fill(0, row * COUNTERS_PER_ROW, (row + 1) * COUNTERS_PER_ROW);
    this.#change(row, session);
    this.index.add(sessionId | 0, row);
    return row;
  }

  /** Changes a session; false where there is none of this ID and generation. */
  update(sessionId: number, generation: number, changes: RowChanges): boolean {
    const row = this.find(sessionId, generation);
    if (row === 0) return false;
    this.#change(row, changes);
    return true;
  }

  /** Removes a session and gives what it has carried; undefined where there is none of this ID and generation. */
  remove(sessionId: number, generation: number): SessionCounters | undefined {
    const row = this.find(sessionId, generation);
    if (row === 0) return undefined;
    this.index.remove(sessionId | 0);
    this.pppoe.clear(row);
    this.#unroute(row);
    this.sources.clear(row);
    this.destinations.clear(row);
    this.#freeRows[this.#freeCount++] = row;
    return sessionCountersOfRow(this.#counters, row);
  }

  /** Says where a capture has a session's packets. A session that is not there is passed over. */
  mark(sessionId: number, capture: number, mark: 'packets' | 'signalling' | 'none'): void {
    const row = this.index.rowOf(sessionId | 0);
    if (row === 0) return;
    const bits = { packets: 1 << capture, signalling: 1 << (capture + CAPTURES), none: 0 };
    this.captures[row] = (this.captures[row] & ~(bits.packets | bits.signalling)) | bits[mark];
    this.#setFlag(row, ROW.captured, this.captures[row] !== 0);
  }

  /** A capture has no session's packets any more. */
  unmark(capture: number): void {
    const bits = (1 << capture) | (1 << (capture + CAPTURES));
    for (let row = 1; row < this.#firstUnused; row++) {
      if ((this.captures[row] & bits) === 0) continue;
      this.captures[row] &= ~bits;
      this.#setFlag(row, ROW.captured, this.captures[row] !== 0);
    }
  }

  /** The row that a row's PPP frames are relayed to, 0 where it is gone. */
  relayRow(row: number): number {
    const to = this.index.rowOf(this.relaySessionId[row]);
    return to !== 0 && this.generation[to] === this.relayGeneration[row] ? to : 0;
  }

  /** The row that all packets from a TUN device go to, 0 where they go by destination. */
  boundRow(tun: number): number {
    return this.#boundRows.get(tun)?.at(-1) ?? 0;
  }

  /** The row of the longest prefix that holds the IPv4 address at `memory[offset]`, 0 where none does. */
  rowOfIpv4(memory: Uint8Array, offset: number): number {
    return this.#ipv4Routes.lookup(readWord(memory, offset), 0, 0, 0);
  }

  /** The same for the IPv6 address at `memory[offset]`. */
  rowOfIpv6(memory: Uint8Array, offset: number): number {
    return this.#ipv6Routes.lookup(
      readWord(memory, offset),
      readWord(memory, offset + 4),
      readWord(memory, offset + 8),
      readWord(memory, offset + 12),
    );
  }

  countReceived(row: number, octets: number): void {
    const at = row * COUNTERS_PER_ROW;
    this.#counters[at + COUNTER.receivedPackets]++;
    this.#counters[at + COUNTER.receivedOctets] += octets;
  }

  countSent(row: number, octets: number): void {
    const at = row * COUNTERS_PER_ROW;
    this.#counters[at + COUNTER.sentPackets]++;
    this.#counters[at + COUNTER.sentOctets] += octets;
  }

  /** Rows just used are used again, and those never used stay untouched; 0 where there is none. */
  #takeRow(): number {
    if (this.#freeCount > 0) return this.#freeRows[--this.#freeCount];
    return this.#firstUnused < this.generation.length ? this.#firstUnused++ : 0;
  }

  #change(row: number, changes: RowChanges): void {
    const { tun, bindTun, sources } = changes;
    const moves = tun !== undefined || bindTun !== undefined || sources !== undefined;
    if (moves) this.#unroute(row);
    this.#changeFlags(row, changes);
    this.#changeRelay(row, changes);
    if (changes.path !== undefined) this.#setPath(row, changes.path);
    if (changes.tunnelId !== undefined) this.tunnelId[row] = changes.tunnelId;
    if (changes.peerTunnelId !== undefined) this.peerTunnelId[row] = changes.peerTunnelId;
    if (changes.peerSessionId !== undefined) this.peerSessionId[row] = changes.peerSessionId;
    if (changes.localCookie !== undefined) {
      this.localCookie_bytes[row] = putCookie(this.localCookie, row, changes.localCookie);
    }
    if (changes.peerCookie !== undefined) {
      this.peerCookie_bytes[row] = putCookie(this.peerCookie, row, changes.peerCookie);
    }
    if (changes.vlanId !== undefined) this.vlanId[row] = changes.vlanId;
    if (tun !== undefined) this.tun[row] = tun;
    if (changes.mtu_bytes !== undefined) this.mtu_bytes[row] = changes.mtu_bytes;
    if (changes.mssClamp_bytes !== undefined) this.mssClamp_bytes[row] = changes.mssClamp_bytes;
    if (sources !== undefined) this.sources.set(row, sources.map(prefixWords));
    if (changes.destinations !== undefined) this.destinations.set(row, changes.destinations.map(prefixWords));
    if (moves) this.#route(row);
  }

  /** A row stays with what carries it: L2TP or PPPoE. */
  #changeRelay(row: number, changes: RowChanges): void {
    const { pppoe, relayTo, receiveRate_bps, sendRate_bps } = changes;
    if (pppoe !== undefined) {
      this.pppoe.set(row, pppoe);
      this.flags[row] |= ROW.pppoe;
    }
    if ('relayTo' in changes) {
      this.#setFlag(row, ROW.relay, relayTo !== undefined);
      this.relaySessionId[row] = relayTo?.sessionId ?? 0;
      this.relayGeneration[row] = relayTo?.generation ?? 0;
    }
    this.#setFlag(row, ROW.hold, changes.hold);
    if (receiveRate_bps !== undefined) this.receivePolicers.set(row, receiveRate_bps);
    if (sendRate_bps !== undefined) this.sendPolicers.set(row, sendRate_bps);
  }

  #changeFlags(row: number, changes: RowChanges): void {
    const { addressControl, payload, version } = changes;
    this.#setFlag(row, ROW.version3, version === undefined ? undefined : version === 3);
    this.#setFlag(row, ROW.localSublayer, changes.localSublayer);
    this.#setFlag(row, ROW.peerSublayer, changes.peerSublayer);
    this.#setFlag(row, ROW.ethernet, payload === undefined ? undefined : payload === 'ethernet');
    this.#setFlag(row, ROW.ethernetOpen, changes.ethernetOpen);
    this.#setFlag(row, ROW.allowTunnelIdZero, changes.allowTunnelIdZero);
    this.#setFlag(row, ROW.bindTun, changes.bindTun);
    this.#setFlag(row, ROW.transmitAcfc, changes.transmitAcfc);
    this.#setFlag(row, ROW.transmitPfc, changes.transmitPfc);
    this.#setFlag(
      row,
      ROW.alwaysAddressControl,
      addressControl === undefined ? undefined : addressControl === 'always',
    );
    this.#setFlag(row, ROW.sequencing, changes.sequencing);
    this.#setFlag(row, ROW.ipv4Open, changes.ipv4Open);
    this.#setFlag(row, ROW.ipv6Open, changes.ipv6Open);
  }

  #setFlag(row: number, flag: number, value: boolean | undefined): void {
    if (value === true) this.flags[row] |= flag;
    else if (value === false) this.flags[row] &= ~flag;
  }

  #setPath(row: number, path: TransportPath): void {
    const peer = addressWords(path.peerAddress);
    this.peerAddress.set(peer, row * ADDRESS_WORDS);
    this.localAddress.set(addressWords(path.localAddress), row * ADDRESS_WORDS);
    this.peerPort[row] = path.peerPort;
    this.#setFlag(row, ROW.ipv6Path, !isIpv4Mapped(peer, 0));
    this.#setFlag(row, ROW.overIp, path.encapsulation === 'ip');
  }

  /** Makes a row known to what comes from the TUN devices. */
  #route(row: number): void {
    if ((this.flags[row] & ROW.bindTun) !== 0) {
      const tun = this.tun[row];
      this.#boundRows.set(tun, [...(this.#boundRows.get(tun) ?? []), row]);
      return;
    }
    for (const prefix of this.sources.get(row)) if (isRouted(prefix)) this.#routes(prefix).add(prefix, row);
  }

  #unroute(row: number): void {
    const bound = this.#boundRows.get(this.tun[row])?.filter((other) => other !== row);
    if (bound?.length === 0) this.#boundRows.delete(this.tun[row]);
    else if (bound !== undefined) this.#boundRows.set(this.tun[row], bound);
    for (const prefix of this.sources.get(row)) if (isRouted(prefix)) this.#routes(prefix).remove(prefix, row);
  }

  #routes(prefix: ListedPrefix): RouteTable {
    return prefix.isIpv6 ? this.#ipv6Routes : this.#ipv4Routes;
  }
}

/** Rows of PPPoE have IDs that no session of L2TP has. */
function isRowId({ sessionId, version, pppoe }: SessionRow): boolean {
  if (pppoe !== undefined) return sessionId >= FIRST_PPPOE_ROW_ID && sessionId <= MAX_PPPOE_ROW_ID;
  return sessionId >= 1 && sessionId <= MAX_SESSION_ID[version];
}

/** Writes a cookie of a row as words, and gives its length in octets. Throws for another length than 0, 4 and 8. */
function putCookie(words: Int32Array, row: number, cookie: Uint8Array): number {
  const { length } = cookie;
  if (length !== 0 && length !== 4 && length !== 8) throw new RangeError(`a cookie of ${length} octets`);
  words[row * COOKIE_WORDS] = readWord(cookie, 0);
  words[row * COOKIE_WORDS + 1] = readWord(cookie, 4);
  return length;
}

/** Link-local addresses belong to one link each: many peers may have the same. */
function isRouted({ isIpv6, w0 }: ListedPrefix): boolean {
  return !isIpv6 || (w0 & IPV6_LINK_LOCAL_MASK) >>> 0 !== IPV6_LINK_LOCAL;
}
