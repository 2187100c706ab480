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
import type { LacClientConfig } from '../../firmware/roles/lac-client.js';
import type { PseudowireEnds } from '../../firmware/roles/pseudowires.js';
import type { Answer, Output, Question } from '../../firmware/roles/role.js';
import { PSEUDOWIRE_TYPE } from '../../firmware/wire/avp.js';
import { octets } from '../../firmware/wire/bytes.js';
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
  readonly #memory = new Uint8Array((BATCH + 2 * BUILD_SLOTS) * SLOT_BYTES);
  readonly #input = new PacketBatch(this.#memory, BATCH);
  readonly #inputRoom: number;
  readonly #forwarder: Forwarder;
  readonly #local: Uint32Array;
  readonly #peer: Uint32Array;
  readonly #peerAddress: string;
  #sent: Uint8Array[] = [];
  #leases = 0;

  readonly #encapsulation: 'udp' | 'ip';
  readonly #secret: string;

  constructor(config: ApplianceConfig, kind: BoxKind, seed: number, localAddress: string, peerAddress: string) {
    this.#encapsulation = kind.encapsulation === 'ip' ? 'ip' : 'udp';
    this.#secret = kind.secret;
    const inputSlots = new PacketSlots(this.#memory, 0, BATCH);
    this.#inputRoom = inputSlots.room(0);
    const buildSlots = new PacketSlots(this.#memory, BATCH * SLOT_BYTES, BUILD_SLOTS);
    const heldSlots = new PacketSlots(this.#memory, (BATCH + BUILD_SLOTS) * SLOT_BYTES, BUILD_SLOTS);
    this.#forwarder = new Forwarder(viewCounters(createCounters(MAX_SESSIONS)), buildSlots, heldSlots, BATCH);
    this.#local = addressWords(localAddress);
    this.#peer = addressWords(peerAddress);
    this.#peerAddress = peerAddress;
    this.#appliance = new Appliance(config, randomBytes(seed), 0);
    for (const { tun } of config.pseudowires) this.#appliance.deviceChanged(tun, true, 0);
  }

  /** What the peer sends behind its UDP or IP header, by way of the packet path. */
  receive(packet: Uint8Array, now_ms: number): void {
    this.#memory.set(packet.subarray(0, ROOM_BYTES), this.#inputRoom);
    this.#input.count = 0;
    this.#input.append(this.#inputRoom, packet.length, 0);
    copyAddress(this.#input.peerAddress, 0, this.#peer, 0);
    copyAddress(this.#input.localAddress, 0, this.#local, 0);
    this.#input.peerPort[0] = this.#port;
    this.#forwarder.forwardUpstream(this.#input, this.#encapsulation, now_ms);
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
          authorization: undefined,
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

/** How the tunnel is dialled; what listens takes either. */
interface BoxKind {
  encapsulation: LacClientConfig['encapsulation'];
  secret: string;
}

const called = (kind: BoxKind) => () =>
  new Box(
    { endpoint: ENDPOINT, lns: LNS, lacClients: [], pseudowires: [], lac: undefined, accountingPrefix: '' },
    kind,
    1,
    LNS_ADDRESS,
    CLIENT_ADDRESS,
  );
/** Its first deadline is that of dialling. */
const caller = (kind: BoxKind) => () => {
  const client = { ...CLIENT, encapsulation: kind.encapsulation, tunnelSecret: kind.secret };
  const config = {
    endpoint: ENDPOINT,
    lns: undefined,
    lacClients: [client],
    pseudowires: [],
    lac: undefined,
    accountingPrefix: '',
  };
  return begun(new Box(config, kind, 2, CLIENT_ADDRESS, LNS_ADDRESS));
};

const ETHERNET_ENDPOINT = { ...ENDPOINT, pseudowireTypes: [PSEUDOWIRE_TYPE.ethernet] };
const WIRE = { name: 'lan', pseudowireType: PSEUDOWIRE_TYPE.ethernet, vlanId: 0, tun: 2, mtu_bytes: 1500 };
const NEGOTIATED = { remoteEndId: 'lan', cookie_bytes: 8, sequencing: true };

function wireBox(kind: BoxKind, ends: PseudowireEnds, seed: number, address: string, peerAddress: string): Box {
  const config = {
    endpoint: ETHERNET_ENDPOINT,
    lns: undefined,
    lacClients: [],
    pseudowires: [{ ...WIRE, ends }],
    lac: undefined,
    accountingPrefix: '',
  };
  return begun(new Box(config, kind, seed, address, peerAddress));
}
const listening = (kind: BoxKind) => () =>
  wireBox(kind, { mode: 'listen', peerAddress: '', ...NEGOTIATED }, 1, LNS_ADDRESS, CLIENT_ADDRESS);
const dialling = (kind: BoxKind) => () => {
  const { server, port, localPort, digest, redialInitial_ms, redialCap_ms } = CLIENT;
  const dial = {
    name: WIRE.name,
    server,
    port,
    localPort,
    digest,
    redialInitial_ms,
    redialCap_ms,
    tunnelSecret: kind.secret,
  };
  const ends = { mode: 'dial', ...dial, encapsulation: kind.encapsulation, ...NEGOTIATED } as const;
  return wireBox(kind, ends, 2, CLIENT_ADDRESS, LNS_ADDRESS);
};

function begun(box: Box): Box {
  box.handleTimeout(0);
  return box;
}

type MakeBox = (kind: BoxKind) => () => Box;

function boxTarget(name: string, party: MakeBox, peer: MakeBox, kind: BoxKind): FuzzTarget {
  return { name, seeds: [record(party(kind), peer(kind))], run: (input) => replay(party(kind), input) };
}

/** Both sides of a conversation of each kind. */
const KINDS = {
  udp2: { encapsulation: 'udp2', secret: '' },
  auto: { encapsulation: 'auto', secret: '' },
  udp3: { encapsulation: 'udp3', secret: '' },
  'udp3-with-secret': { encapsulation: 'udp3', secret: 'tunnel secret' },
  ip: { encapsulation: 'ip', secret: '' },
  'ip-with-secret': { encapsulation: 'ip', secret: 'tunnel secret' },
} as const satisfies Record<string, BoxKind>;

export const BOX_TARGETS: readonly FuzzTarget[] = Object.entries(KINDS).flatMap(([name, kind]) => [
  boxTarget(`box-lns-${name}`, called, caller, kind),
  boxTarget(`box-lac-client-${name}`, caller, called, kind),
  ...(kind.encapsulation === 'udp3' || kind.encapsulation === 'ip'
    ? [
        boxTarget(`box-pseudowire-listens-${name}`, listening, dialling, kind),
        boxTarget(`box-pseudowire-dials-${name}`, dialling, listening, kind),
      ]
    : []),
]);
