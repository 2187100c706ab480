/**
 * What the roles' tests share: the shipped Appliance as LNS and as LAC client, on virtual time and on a line without
 * faults, and all that either has put out. The packet path and the outside are those of the simulator.
 */
import assert from 'node:assert/strict';
import type { PppTimers } from '../../../firmware/roles/call.js';
import { pppDetail } from '../../../firmware/roles/describe-ppp.js';
import type { LacClientConfig } from '../../../firmware/roles/lac-client.js';
import type { LnsConfig } from '../../../firmware/roles/lns.js';
import type { Output, TraceRecord } from '../../../firmware/roles/role.js';
import { type ControlMessage, parseControlMessage } from '../../../firmware/wire/avp.js';
import { parseControlHeader } from '../../../firmware/wire/control-header.js';
import { Agenda } from '../../simulation/agenda.js';
import { Box, type BoxInput, type BoxPlan, type World } from '../../simulation/box.js';
import { isAcknowledgement } from '../../simulation/control-body.js';
import type { Origin } from '../../simulation/delivery-checker.js';
import type { Datagram } from '../../simulation/network.js';
import { AddressPool } from '../../simulation/outside.js';
import type { Sent } from '../../simulation/packet-path.js';
import { unwrapControl } from '../../simulation/packets.js';
import { SeededRandom } from '../../simulation/seeded-random.js';

export const ENDPOINT = {
  hostName: 'box.example',
  vendorName: 'tunnelwerk',
  firmwareRevision: 0x0100,
  receiveWindow: 16,
  helloInterval_ms: 60_000,
  retransmitInitial_ms: 1000,
  retransmitCap_ms: 8000,
  maxRetransmits: 5,
  establishTimeout_ms: 60_000,
  maxTunnels: 100,
  maxSessions: 100,
  routerId: 1,
  accepts: ['udp2', 'udp3', 'ip'] as const,
  pseudowireTypes: [7],
  reservedSessionIds: [],
};

export const PPP: PppTimers = {
  echoInterval_ms: 30_000,
  echoFailures: 4,
  restartTimer_ms: 3000,
  ncpRestartTimer_ms: 1000,
  maxConfigure: 10,
  maxTerminate: 2,
  maxFailure: 5,
  authenticationTimeout_ms: 30_000,
};

export const LNS: LnsConfig = {
  authentication: ['mschapv2', 'chap-md5', 'pap'],
  name: 'lns',
  localAddress: '10.0.0.1',
  dns: ['10.0.0.53'],
  nbns: [],
  ipv6: true,
  mru_bytes: 1400,
  mssClamp: true,
  sequencing: false,
  cookie_bytes: 8,
  tun: 0,
  ppp: PPP,
};

export const CLIENT: LacClientConfig = {
  name: 'office',
  server: 'lns.example',
  port: 1701,
  localPort: 1701,
  encapsulation: 'udp2',
  digest: 'sha1',
  cookie_bytes: 8,
  tunnelSecret: '',
  userName: 'alice',
  password: 'secret',
  authentication: ['mschapv2', 'chap-md5', 'pap'],
  tun: 1,
  localNetworks: [],
  ipv6: true,
  mru_bytes: 1400,
  mssClamp: true,
  sequencing: false,
  redialInitial_ms: 2000,
  redialCap_ms: 30_000,
  ppp: PPP,
};

const LNS_ADDRESS = '192.0.2.1';
const CLIENT_ADDRESS = '192.0.2.2';
const DELAY_MS = 1;

/** Who sends what, when, in the words of the RFC: `ICRP`, `CDN`. */
export interface SentMessage {
  at_ms: number;
  from: string;
  message: ControlMessage;
}

export class Pair {
  readonly lns: Box;
  readonly client: Box;
  now_ms = 0;
  /** Every control message on the wire, acknowledgements left out. */
  readonly messages: SentMessage[] = [];
  /** True: what this box sends gets lost. */
  mute: (from: Box, packet: Uint8Array, path: Sent['path']) => boolean = () => false;
  /** Where the client's packets seem to come from. */
  clientPort = 1701;
  readonly #outputs = new Map<Box, Output[]>();
  readonly #agenda = new Agenda<{ box: Box; input: BoxInput }>();

  constructor(
    changes: {
      lns?: Partial<LnsConfig>;
      client?: Partial<LacClientConfig>;
      outside?: Partial<BoxPlan['outside']>;
    } = {},
  ) {
    const world = this.#world();
    const outside = {
      users: { alice: { password: 'secret' } },
      pool: ['10.0.0.7', '10.0.0.8'],
      tunnelPeers: { [CLIENT_ADDRESS]: {} },
      hosts: { 'lns.example': LNS_ADDRESS },
      ...changes.outside,
    };
    const box = (name: string, address: string, config: BoxPlan['config']) =>
      new Box(
        { name, address, config, outside, answerDelay_ms: 0, lateness_ms: 0, reportDelay_ms: 0, hasShippedPath: false },
        world,
        0,
      );
    const lns = {
      endpoint: ENDPOINT,
      lns: { ...LNS, ...changes.lns },
      lacClients: [],
      pseudowires: [],
      lac: undefined,
      accountingPrefix: '',
    };
    const client = {
      endpoint: ENDPOINT,
      lns: undefined,
      lacClients: [{ ...CLIENT, ...changes.client }],
      pseudowires: [],
      lac: undefined,
      accountingPrefix: '',
    };
    this.lns = box('lns', LNS_ADDRESS, lns);
    this.client = box('client', CLIENT_ADDRESS, client);
  }

  /** Lets time pass, for so long or until something is so; gives whether it is. */
  run(duration_ms: number, isDone: () => boolean = () => false): boolean {
    const end_ms = this.now_ms + duration_ms;
    for (;;) {
      if (isDone()) return true;
      const boxes = [this.lns, this.client].sort((a, b) => a.due_ms - b.due_ms);
      const next_ms = Math.min(this.#agenda.next_ms() ?? Number.POSITIVE_INFINITY, boxes[0].due_ms);
      if (next_ms > end_ms) break;
      this.now_ms = Math.max(this.now_ms, next_ms);
      const due = this.#agenda.takeDue(this.now_ms);
      if (due === undefined) boxes[0].turn([], this.now_ms);
      else due.box.turn([due.input], this.now_ms);
    }
    this.now_ms = end_ms;
    return isDone();
  }

  /** Until the client's call is up at both ends, with IPv6 where both want it. */
  bringUp(): this {
    const rows = () => [...this.client.path.rows.values(), ...this.lns.path.rows.values()];
    const isIpv6 = (this.client.config.lacClients[0]?.ipv6 && this.lns.config.lns?.ipv6) ?? false;
    const isUp = () => rows().length === 2 && rows().every((row) => row.ipv4Open && row.ipv6Open === isIpv6);
    assert.ok(this.run(5000, isUp), 'the call does not come up');
    this.run(10);
    return this;
  }

  /** Loses all data packets that a box sends; control messages get through. */
  muteFrames(box: Box): void {
    this.mute = (from, packet, { encapsulation }) => from === box && unwrapControl(packet, encapsulation) === undefined;
  }

  command(box: Box, run: (box: Box, now_ms: number) => void): void {
    box.turn([{ type: 'command', run }], this.now_ms);
  }

  /** What the box has put out so far, of one type. */
  outputs<T extends Output['type']>(box: Box, type: T): Extract<Output, { type: T }>[] {
    const outputs = this.#outputs.get(box) ?? [];
    return outputs.filter((output): output is Extract<Output, { type: T }> => output.type === type);
  }

  /** In the order in which they came, with what is not of `types` left out. */
  order(box: Box, ...types: Output['type'][]): Output[] {
    return (this.#outputs.get(box) ?? []).filter(({ type }) => types.includes(type));
  }

  /** As it reads: PPP packets are in words. */
  trace(box: Box): TraceRecord[] {
    return this.outputs(box, 'trace').map(({ record }) => {
      const { packet } = record;
      return packet === undefined
        ? record
        : { ...record, detail: pppDetail(packet.protocol, packet.octets), packet: undefined };
    });
  }

  /** The types of the control messages since some time, as in `client ICRQ`. */
  messageTypes(since_ms = 0): string[] {
    return this.messages
      .filter(({ at_ms }) => at_ms >= since_ms)
      .map(({ from, message }) => `${from} ${message.messageType}`);
  }

  /** The one message of this type that this box has sent since some time. */
  message(from: Box, messageType: string, since_ms = 0): ControlMessage {
    const found = this.messages.filter(
      (sent) => sent.at_ms >= since_ms && sent.from === from.plan.name && sent.message.messageType === messageType,
    );
    assert.equal(found.length, 1, `${messageType} was sent ${found.length} times`);
    return found[0].message;
  }

  #world(): World {
    return {
      random: new SeededRandom(1),
      makePool: (addresses) => new AddressPool(addresses),
      filter: (output) => output,
      later: (box, delay_ms, input) => this.#agenda.add(this.now_ms + delay_ms, { box, input }),
      send: (box, sent) => {
        const { path, packet } = sent;
        this.#note(box, sent);
        if (this.mute(box, packet, path)) return;
        const arrival = {
          encapsulation: path.encapsulation,
          localAddress: path.peerAddress,
          localPort: path.peerPort,
          peerAddress: box.plan.address,
          peerPort: box === this.client ? this.clientPort : path.localPort,
        };
        const datagram: Datagram<Origin> = {
          to: path.peerAddress,
          path: arrival,
          packet,
          sender: { end: undefined },
          corrupted: false,
        };
        const to = path.peerAddress === LNS_ADDRESS ? this.lns : this.client;
        this.#agenda.add(this.now_ms + DELAY_MS, { box: to, input: { type: 'datagram', datagram } });
      },
      sendFrame: () => undefined,
      observer: {
        handed: () => undefined,
        output: (box, output) => {
          const outputs = this.#outputs.get(box) ?? [];
          this.#outputs.set(box, outputs);
          outputs.push(output);
        },
        sent: () => ({ end: undefined }),
        userPacket: () => undefined,
        frame: () => undefined,
        relayed: () => undefined,
        turned: () => undefined,
        restarted: () => undefined,
      },
    };
  }

  #note(from: Box, { packet, path }: Sent): void {
    const control = unwrapControl(packet, path.encapsulation);
    if (control === undefined) return;
    const { version, payloadOffset, payloadEnd } = parseControlHeader(control);
    if (isAcknowledgement(control.subarray(payloadOffset, payloadEnd))) return;
    const message = parseControlMessage(control.slice(payloadOffset, payloadEnd), { version });
    if (message !== null) this.messages.push({ at_ms: this.now_ms, from: from.plan.name, message });
  }
}

/** The steps of a trace in the order in which they begin; what belongs to none is left out. */
export function stepsOf(trace: readonly TraceRecord[]): number[] {
  return [...new Set(trace.map(({ step }) => step))].filter((step) => step !== 0);
}
