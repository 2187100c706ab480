/**
 * One box for fuzz targets: roles and packet path joined as the program joins them, without its descriptors; its outside
 * accepts whoever comes. Must not know what it is sent.
 */
import { authenticateLocally } from '../../firmware/control/local-aaa.js';
import { addressWords } from '../../firmware/dataplane/address.js';
import type { Forwarder } from '../../firmware/dataplane/forwarder.js';
import { copyAddress, type PacketBatch, ROOM_BYTES } from '../../firmware/dataplane/packet-batch.js';
import { Appliance, type ApplianceConfig } from '../../firmware/roles/appliance.js';
import { NO_AUTHORIZATION } from '../../firmware/roles/authorization.js';
import type { LacClientConfig } from '../../firmware/roles/lac-client.js';
import type { Answer, Output, Question, TunnelChoice } from '../../firmware/roles/role.js';
import { octets } from '../../firmware/wire/bytes.js';
import { openForwarder } from '../unit/dataplane/open-forwarder.js';
import { CLIENT } from '../unit/roles/pair.js';
import { type Party, polled, randomBytes } from './machines.js';

export const LNS_ADDRESS = '192.0.2.1';
export const CLIENT_ADDRESS = '192.0.2.2';
/** How the tunnel is dialled; what listens takes either. */
export interface BoxKind {
  encapsulation: LacClientConfig['encapsulation'];
  secret: string;
}

const BATCH = 1;
const BUILD_SLOTS = 64;
const MAX_SESSIONS = 16;
const LATENESS_MS = 4000;

export class Box implements Party {
  readonly #appliance: Appliance;
  readonly #memory: Uint8Array;
  readonly #input: PacketBatch;
  readonly #inputRoom: number;
  readonly #forwarder: Forwarder;
  readonly #local: Uint32Array;
  readonly #peer: Uint32Array;
  readonly #peerAddress: string;
  readonly #encapsulation: 'udp' | 'ip';
  readonly #secret: string;
  /** Of a LAC: where it carries all calls. */
  readonly #tunnels: readonly TunnelChoice[];
  #sent: Uint8Array[] = [];
  #sentFrames: Uint8Array[] = [];
  #leases = 0;

  constructor(
    config: ApplianceConfig,
    kind: BoxKind,
    seed: number,
    localAddress: string,
    peerAddress: string,
    tunnels: readonly TunnelChoice[] = [],
  ) {
    this.#encapsulation = kind.encapsulation === 'ip' ? 'ip' : 'udp';
    this.#secret = kind.secret;
    this.#tunnels = tunnels;
    const { memory, input, inputSlots, forwarder } = openForwarder({
      ...{ maxSessions: MAX_SESSIONS, batch: BATCH, buildSlots: BUILD_SLOTS, heldSlots: BUILD_SLOTS },
    });
    this.#memory = memory;
    this.#input = input;
    this.#inputRoom = inputSlots.room(0);
    this.#forwarder = forwarder;
    this.#local = addressWords(localAddress);
    this.#peer = addressWords(peerAddress);
    this.#peerAddress = peerAddress;
    this.#appliance = new Appliance(config, randomBytes(seed), 0);
    for (const { tun } of config.pseudowires) this.#appliance.deviceChanged(tun, true, 0);
  }

  /** What the peer sends behind its UDP or IP header, by way of the packet path. */
  receive(packet: Uint8Array, now_ms: number): void {
    this.#take(packet);
    copyAddress(this.#input.peerAddress, 0, this.#peer, 0);
    copyAddress(this.#input.localAddress, 0, this.#local, 0);
    this.#input.peerPort[0] = this.#port;
    this.#forwarder.forwardUpstream(this.#input, this.#encapsulation, now_ms);
    this.#takeOutput(0, now_ms);
  }

  /** What a PPPoE host sends, with its Ethernet header. */
  receiveFrame(interfaceIndex: number, frame: Uint8Array, now_ms: number): void {
    this.#take(frame);
    this.#forwarder.forwardPppoe(this.#input, interfaceIndex, now_ms);
    this.#takeOutput(interfaceIndex, now_ms);
  }

  /** After `send`: the frames that go out on Ethernet interfaces. */
  sendFrames(): Uint8Array[] {
    const frames = this.#sentFrames;
    this.#sentFrames = [];
    return frames;
  }

  #take(bytes: Uint8Array): void {
    this.#memory.set(bytes.subarray(0, ROOM_BYTES), this.#inputRoom);
    this.#input.count = 0;
    this.#input.append(this.#inputRoom, bytes.length, 0);
  }

  /** All that the packet path gives, to where it goes. */
  #takeOutput(interfaceIndex: number, now_ms: number): void {
    const { output, sessions } = this.#forwarder;
    for (const batch of output.toPeers) this.#sent.push(...packetsOf(batch));
    this.#sentFrames.push(...packetsOf(output.toInterfaces));
    const control = [output.control, output.strangers].flatMap(packetsOf);
    const discovery = [output.discovery, output.discoveryToAll].flatMap(packetsOf);
    const frames = packetsOf(output.ppp).map((information, i) => {
      const row = output.ppp.row[i];
      const [sessionId, generation] = [sessions.sessionId[row], sessions.generation[row]];
      return { sessionId, generation, protocol: output.ppp.protocol[i], information };
    });
    output.clear();
    for (const bytes of control) this.#appliance.handlePacket(bytes, this.#path(), now_ms);
    for (const bytes of discovery) this.#appliance.handleDiscovery(interfaceIndex, bytes, now_ms);
    for (const { sessionId, generation, protocol, information } of frames) {
      this.#appliance.handlePppFrame(sessionId, generation, protocol, information, now_ms);
    }
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
      encapsulation: this.#encapsulation,
      localAddress: this.#peerAddress === LNS_ADDRESS ? CLIENT_ADDRESS : LNS_ADDRESS,
      localPort: this.#port,
      peerAddress: this.#peerAddress,
      peerPort: this.#port,
    };
  }

  get #port(): number {
    return this.#encapsulation === 'ip' ? 0 : 1701;
  }

  #carryOutAll(now_ms: number): boolean {
    let some = false;
    for (const output of polled(() => this.#appliance.pollOutput())) {
      some = true;
      this.#carryOut(output, now_ms);
      this.#takeOutput(0, now_ms);
      if (output.type !== 'session-update' || output.changes.hold !== true) continue;
      this.#appliance.handleHeld(output.sessionId, output.generation, now_ms);
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
      case 'send-frame':
        this.#forwarder.sendFrame(output);
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
        const secret = this.#secret === '' ? undefined : octets(this.#secret);
        const policy = {
          peerName: '',
          secret,
          allowTunnelIdZero: true,
          addressControl: 'detect',
          proxy: 'trust',
          proxyMismatch: 'renegotiate',
          maxSessions: 0,
        } as const;
        return { type: 'authorize-tunnel', questionId, accepted: true, policy };
      }
      case 'authenticate':
        return {
          type: 'authenticate',
          questionId,
          answer: authenticateLocally(question.request, CLIENT.password),
          authorization: { ...NO_AUTHORIZATION, tunnels: question.call.role === 'lac' ? this.#tunnels : [] },
        };
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
