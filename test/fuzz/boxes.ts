/**
 * The box as a fuzz target: roles and packet path joined as the program joins them, without its descriptors. An input is
 * all that a peer sends, control and data, from its SCCRQ on; the seeds are what our own LAC client and our own LNS sent
 * each other in a whole call. Neither part may throw for it.
 */
import { authenticateLocally } from '../../firmware/control/local-aaa.js';
import { addressWords } from '../../firmware/dataplane/address.js';
import { createCounters, viewCounters } from '../../firmware/dataplane/counters.js';
import { Forwarder } from '../../firmware/dataplane/forwarder.js';
import {
  copyAddress,
  PacketBatch,
  PacketSlots,
  ROOM_BYTES,
  SLOT_BYTES,
} from '../../firmware/dataplane/packet-batch.js';
import { Appliance, type ApplianceConfig } from '../../firmware/roles/appliance.js';
import type { Answer, Output, Question } from '../../firmware/roles/role.js';
import { CLIENT, ENDPOINT, LNS } from '../unit/roles/pair.js';
import type { FuzzTarget } from './fuzzer.js';
import { type Party, polled, randomBytes, record, replay } from './machines.js';

const LNS_ADDRESS = '192.0.2.1';
const CLIENT_ADDRESS = '192.0.2.2';
const BATCH = 1;
const BUILD_SLOTS = 64;
const MAX_SESSIONS = 16;
const LATENESS_MS = 4000;

class Box implements Party {
  readonly #appliance: Appliance;
  readonly #memory = new Uint8Array((BATCH + BUILD_SLOTS) * SLOT_BYTES);
  readonly #input = new PacketBatch(this.#memory, BATCH);
  readonly #inputRoom: number;
  readonly #forwarder: Forwarder;
  readonly #local: Uint32Array;
  readonly #peer: Uint32Array;
  readonly #peerAddress: string;
  #sent: Uint8Array[] = [];
  #leases = 0;

  constructor(config: ApplianceConfig, seed: number, localAddress: string, peerAddress: string) {
    const inputSlots = new PacketSlots(this.#memory, 0, BATCH);
    this.#inputRoom = inputSlots.room(0);
    const buildSlots = new PacketSlots(this.#memory, BATCH * SLOT_BYTES, BUILD_SLOTS);
    this.#forwarder = new Forwarder(viewCounters(createCounters(MAX_SESSIONS)), buildSlots, BATCH);
    this.#local = addressWords(localAddress);
    this.#peer = addressWords(peerAddress);
    this.#peerAddress = peerAddress;
    this.#appliance = new Appliance(config, randomBytes(seed), 0);
  }

  /** A datagram of the peer's, by way of the packet path. */
  receive(packet: Uint8Array, now_ms: number): void {
    this.#memory.set(packet.subarray(0, ROOM_BYTES), this.#inputRoom);
    this.#input.count = 0;
    this.#input.append(this.#inputRoom, packet.length, 0);
    copyAddress(this.#input.peerAddress, 0, this.#peer, 0);
    copyAddress(this.#input.localAddress, 0, this.#local, 0);
    this.#input.peerPort[0] = 1701;
    this.#forwarder.forwardUpstream(this.#input, 'udp', now_ms);
    const { output, sessions } = this.#forwarder;
    for (const batch of [output.control, output.strangers]) {
      for (const bytes of packetsOf(batch)) this.#appliance.handlePacket(bytes, this.#path(), now_ms);
    }
    for (const [i, bytes] of packetsOf(output.ppp).entries()) {
      const row = output.ppp.row[i];
      const [sessionId, generation] = [sessions.sessionId[row], sessions.generation[row]];
      this.#appliance.handlePppFrame(sessionId, generation, output.ppp.protocol[i], bytes, now_ms);
    }
    output.clear();
  }

  send(now_ms: number): Uint8Array[] {
    do this.#appliance.turn(now_ms);
    while (this.#carryOutAll(now_ms));
    const sent = this.#sent;
    this.#sent = [];
    return sent;
  }

  /** Late, as a busy box is: the tunnels are looked at every second, and there is more to see in a minute. */
  nextTimeout_ms(): number {
    return this.#appliance.pollTimeout() + LATENESS_MS;
  }

  handleTimeout(now_ms: number): void {
    this.#appliance.handleTimeout(now_ms);
  }

  #path() {
    return {
      encapsulation: 'udp' as const,
      localAddress: this.#peerAddress === LNS_ADDRESS ? CLIENT_ADDRESS : LNS_ADDRESS,
      localPort: 1701,
      peerAddress: this.#peerAddress,
      peerPort: 1701,
    };
  }

  #carryOutAll(now_ms: number): boolean {
    let some = false;
    for (const output of polled(() => this.#appliance.pollOutput())) {
      some = true;
      this.#carryOut(output, now_ms);
      for (const batch of this.#forwarder.output.toPeers) this.#sent.push(...packetsOf(batch));
      this.#forwarder.output.clear();
    }
    return some;
  }

  /** As the worker and the control plane do. */
  #carryOut(output: Output, now_ms: number): void {
    switch (output.type) {
      case 'question':
        this.#appliance.handleAnswer(this.#answer(output.question), now_ms);
        break;
      case 'send-control':
        this.#forwarder.sendControl(output.path, output.packet);
        break;
      case 'inject':
        this.#forwarder.inject(output);
        break;
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
      default: // what people are told
    }
  }

  #answer(question: Question): Answer {
    const { questionId } = question;
    switch (question.type) {
      case 'resolve':
        return { type: 'resolve', questionId, address: LNS_ADDRESS, reason: '' };
      case 'authorize-tunnel': {
        const policy = { peerName: '', allowTunnelIdZero: true, addressControl: 'detect' } as const;
        return { type: 'authorize-tunnel', questionId, accepted: true, policy };
      }
      case 'authenticate':
        return { type: 'authenticate', questionId, answer: authenticateLocally(question.request, CLIENT.password) };
      case 'lease': {
        const address = `10.0.0.${10 + (this.#leases++ % 200)}`;
        return { type: 'lease', questionId, granted: true, lease: { address, routes: ['10.9.0.0/16'] } };
      }
    }
  }
}

/** Copies, since slots are used again. */
function packetsOf({ count, offset, length_bytes, memory }: PacketBatch): Uint8Array[] {
  return Array.from({ length: count }, (_, i) => memory.slice(offset[i], offset[i] + length_bytes[i]));
}

const called = () => new Box({ endpoint: ENDPOINT, lns: LNS, lacClients: [] }, 1, LNS_ADDRESS, CLIENT_ADDRESS);
/** Its first deadline is that of dialling. */
const caller = () => {
  const box = new Box({ endpoint: ENDPOINT, lns: undefined, lacClients: [CLIENT] }, 2, CLIENT_ADDRESS, LNS_ADDRESS);
  box.handleTimeout(0);
  return box;
};

export const BOX_TARGETS: readonly FuzzTarget[] = [
  { name: 'box-lns', seeds: [record(called, caller)], run: (input) => replay(called, input) },
  { name: 'box-lac-client', seeds: [record(caller, called)], run: (input) => replay(caller, input) },
];
