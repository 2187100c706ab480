/**
 * The packet path as a fuzz target: what comes to sessions of version 3 over UDP and IP, in PPP and Ethernet, and frames
 * from a TAP device. An input is one packet. Nothing may be thrown, every packet goes on or is counted, and what goes on
 * lies within its slot.
 */
import { addressWords } from '../../firmware/dataplane/address.js';
import { readDropCounters } from '../../firmware/dataplane/counters.js';
import { copyAddress, ROOM_BYTES } from '../../firmware/dataplane/packet-batch.js';
import {
  ethernetRow,
  HOST_MAC,
  INTERFACE,
  LOCAL_MAC,
  lnsRow,
  PEER,
  pppoeRow,
  version3Row,
} from '../unit/dataplane/harness.js';
import { openForwarder } from '../unit/dataplane/open-forwarder.js';
import { ipv4 } from '../unit/dataplane/packets.js';
import { fromHex } from '../vectors/vectors.js';
import type { FuzzTarget } from './fuzzer.js';

const UDP_PATH = lnsRow().path;
const BUILD_SLOTS = 8;
const TAP = 2;
const ETHERNET = '02000000000a02000000000b';
const COOKIE = 'c1c2c3c4';

class Path {
  readonly #open = openForwarder({ maxSessions: 16, batch: 1, buildSlots: BUILD_SLOTS, heldSlots: BUILD_SLOTS });
  readonly #memory = this.#open.memory;
  readonly #input = this.#open.input;
  readonly #room = this.#open.inputSlots.room(0);
  readonly #forwarder = this.#open.forwarder;
  readonly #counters = this.#open.counters;
  #now_ms = 0;

  constructor() {
    const sequenced = { localSublayer: true, peerSublayer: true, sequencing: true };
    for (const path of [UDP_PATH, version3Row().path]) {
      const base = path === UDP_PATH ? 0x1000_0000 : 0x9000_0000;
      this.#forwarder.addSession(version3Row({ sessionId: base + 1, path }));
      this.#forwarder.addSession(ethernetRow({ sessionId: base + 2, path, tun: 3, ...sequenced }));
      this.#forwarder.addSession(ethernetRow({ sessionId: base + 3, path, vlanId: 7 }));
    }
    const relayTo = { sessionId: 0x0201, generation: 7 };
    const tags = [{ tagProtocol: 0x8100, priority: 0, dropEligible: false, vlanId: 100 }];
    this.#forwarder.addSession(pppoeRow({}, { sessionId: 1 }));
    this.#forwarder.addSession(pppoeRow({ sessionId: 0xf000_0002, relayTo }, { sessionId: 2, tags }));
    this.#forwarder.addSession(lnsRow({ sessionId: relayTo.sessionId }));
    for (const tunnelId of [1, 2]) {
      this.#forwarder.tunnels.set(tunnelId, tunnelId === 1 ? UDP_PATH : version3Row().path);
    }
  }

  /** What a peer sends. */
  receive(packet: Uint8Array, encapsulation: 'udp' | 'ip'): void {
    this.#run(packet, () => this.#forwarder.forwardUpstream(this.#input, encapsulation, this.#now_ms));
  }

  /** What a PPPoE host sends. */
  fromHost(frame: Uint8Array): void {
    this.#run(frame, () => this.#forwarder.forwardPppoe(this.#input, INTERFACE, this.#now_ms));
  }

  /** What the kernel sends through a TAP device. */
  frame(packet: Uint8Array): void {
    this.#run(packet, () => this.#forwarder.forwardFrames(this.#input, TAP));
  }

  #run(packet: Uint8Array, forward: () => void): void {
    this.#now_ms += 100;
    this.#memory.set(packet.subarray(0, ROOM_BYTES), this.#room);
    this.#input.count = 0;
    this.#input.append(this.#room, packet.length, 0);
    copyAddress(this.#input.peerAddress, 0, addressWords(PEER), 0);
    const before = this.#dropped();
    forward();
    const { output } = this.#forwarder;
    const toMain = [output.ppp, output.control, output.strangers, output.discovery, output.discoveryToAll];
    const batches = [output.toTun, ...toMain, ...output.toPeers];
    const went = batches.reduce((sum, batch) => sum + batch.count, 0);
    const dropped = this.#dropped() - before;
    // A frame of a PPPoE session that there is not is dropped, and told of, so that its host can be.
    const isStray = went === 1 && dropped === 1 && output.discoveryToAll.count === 1;
    if (went + dropped !== 1 && !isStray) throw new Error(`${went} packets came of one, ${dropped} were dropped`);
    for (const batch of batches) {
      if (batch.count === 1 && batch.offset[0] + batch.length_bytes[0] > this.#room + ROOM_BYTES) {
        throw new Error('a packet ends behind its slot');
      }
    }
    output.clear();
  }

  #dropped(): number {
    return Object.values(readDropCounters(this.#counters)).reduce((sum, count) => sum + count, 0);
  }
}

const path = new Path();
const HELLO = '0014000000010001000180080000 00000006';
const PPP = `ff030021${ipv4()}`;
const FRAME = `${ETHERNET}0800${'5a'.repeat(46)}`;
const TAGGED = `${ETHERNET}810000070800${'5a'.repeat(46)}`;

export const PACKET_PATH_TARGETS: readonly FuzzTarget[] = [
  {
    name: 'packet-path-udp',
    seeds: [
      `0003000010000001${COOKIE}c5c6c7c8${PPP}`,
      `0003000010000002${COOKIE}40000000${FRAME}`,
      `0003000010000003${COOKIE}${TAGGED}`,
      `c803${HELLO}`,
    ].map(fromHex),
    run: (input) => path.receive(input, 'udp'),
  },
  {
    name: 'packet-path-ip',
    seeds: [
      `90000001${COOKIE}c5c6c7c8${PPP}`,
      `90000002${COOKIE}40000000${FRAME}`,
      `90000003${COOKIE}${TAGGED}`,
      `00000000c803${HELLO}`,
    ].map(fromHex),
    run: (input) => path.receive(input, 'ip'),
  },
  {
    name: 'packet-path-pppoe',
    seeds: [
      `${LOCAL_MAC}${HOST_MAC}886411000001001a0021${ipv4()}`,
      `${LOCAL_MAC}${HOST_MAC}81000064886411000002000ac0210901000800000000`,
      `ffffffffffff${HOST_MAC}88631109000000040101${'00'.repeat(40)}`,
      `${LOCAL_MAC}${HOST_MAC}886311a700010000`,
    ].map(fromHex),
    run: (input) => path.fromHost(input),
  },
  { name: 'packet-path-tap', seeds: [FRAME, TAGGED].map(fromHex), run: (input) => path.frame(input) },
];
