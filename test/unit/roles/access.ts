/**
 * A LAC with PCs behind it and LNSes in front, on virtual time and without faults, and all that each box has put out. The
 * boxes and PCs, their packet path and outside are those of the simulator.
 */
import assert from 'node:assert/strict';
import type { LacConfig } from '../../../firmware/roles/lac.js';
import type { LnsConfig } from '../../../firmware/roles/lns.js';
import type { CallInfo, Output, TunnelChoice } from '../../../firmware/roles/role.js';
import { type ControlMessage, parseControlMessage } from '../../../firmware/wire/avp.js';
import { parseControlHeader } from '../../../firmware/wire/control-header.js';
import { emitPppFrame } from '../../../firmware/wire/ppp.js';
import { AccessNetwork } from '../../simulation/access-network.js';
import { Agenda } from '../../simulation/agenda.js';
import { Box, type BoxInput, type BoxPlan, type World } from '../../simulation/box.js';
import { isAcknowledgement } from '../../simulation/control-body.js';
import type { Origin } from '../../simulation/delivery-checker.js';
import { Network } from '../../simulation/network.js';
import { AddressPool, type TunnelPeer, type User } from '../../simulation/outside.js';
import { unwrapControl } from '../../simulation/packets.js';
import type { Pc, PcPlan } from '../../simulation/pc.js';
import { emitSessionFrame } from '../../simulation/pppoe-frames.js';
import { SeededRandom } from '../../simulation/seeded-random.js';
import { CLIENT, ENDPOINT, LNS, PPP } from './pair.js';

export const INTERFACE = 3;
const LAC_ADDRESS = '192.0.2.100';
const LAC_MAC = '02:00:5e:00:53:02';

export const TUNNELS: LacConfig['tunnels'] = {
  ...{ answer_ms: 10_000, dead_ms: 60_000, idle_ms: 8_000, maxSessions: 0, localPort: 1701 },
};

const LAC: LacConfig = {
  concentrator: {
    interfaces: [{ index: INTERFACE, mac: LAC_MAC, mtu_bytes: 1500 }],
    ...{ acName: 'lac', serviceNames: [], servesAnyName: true },
    ...{ maxSessions: 100, maxSessionsPerInterface: 100, maxSessionsPerMac: 4 },
    offers: { perMac_per_s: 10, perInterface_per_s: 100 },
    requests: { perMac_per_s: 10, perInterface_per_s: 100 },
  },
  interfaceNames: new Map([[INTERFACE, 'eth3']]),
  ...{ authentication: ['chap-md5'], name: 'lac', mru_bytes: 1400, mssClamp: true, tun: 0, ppp: PPP },
  ...{ localAddress: '10.8.0.1', dns: [], nbns: [], ipv6: true },
  tunnels: TUNNELS,
};

/** The way to the n-th LNS. */
export function choice(lns: number, changes: Partial<TunnelChoice> = {}): TunnelChoice {
  return {
    ...{ preference: 1, server: `lns${lns}.example`, localAddress: '', port: 1701, encapsulation: 'udp2', secret: '' },
    ...{ digest: 'sha1', assignmentId: '', hostName: '', peerHostName: '', cookie_bytes: 0, sequencing: false },
    ...changes,
  };
}

export interface AccessPlan {
  lac?: Partial<LacConfig>;
  lns?: Partial<LnsConfig>;
  /** How LNSes treat the LAC. */
  peer?: TunnelPeer;
  lnses?: number;
  /** Known to the LAC; the LNSes know each by the same password. */
  users?: Record<string, User>;
  /** Of each PC: who uses it. */
  pcs?: readonly string[];
  /** Of the LAC's outside. */
  answerDelay_ms?: number;
  /** Of the LAC's packet path. */
  reportDelay_ms?: number;
}

interface SentMessage {
  at_ms: number;
  from: string;
  message: ControlMessage;
}

export class Access {
  readonly lac: Box;
  readonly lnses: readonly Box[];
  readonly pcs: readonly Pc[];
  now_ms = 0;
  /** Every control message on the wire, acknowledgements left out. */
  readonly messages: SentMessage[] = [];
  /** True: what the outside or the packet path tells the box is kept in `held`; where each of them takes its time. */
  holds: (box: Box, input: BoxInput) => boolean = () => false;
  readonly held: { box: Box; input: BoxInput }[] = [];
  /** What becomes of a PC's frame on its way. */
  onTheWay: (frame: Uint8Array) => Uint8Array = (frame) => frame;
  /** Boxes that hear and say nothing any more. */
  readonly dead = new Set<Box>();
  readonly #peers: Record<string, TunnelPeer> = {};
  readonly #outputs = new Map<Box, Output[]>();
  readonly #agenda = new Agenda<{ box: Box; input: BoxInput }>();
  readonly #network: Network<Origin>;
  readonly #access: AccessNetwork;
  readonly #userPackets = new Map<Pc, number>();

  constructor(plan: AccessPlan = {}) {
    const { users = { alice: { password: 'secret', tunnels: [choice(1)] } }, pcs = ['alice'], lnses = 1 } = plan;
    const random = new SeededRandom(5);
    this.#network = new Network(random.fork(), (at_ms, datagram) => {
      const box = this.#boxes().find(({ plan: { address } }) => address === datagram.to);
      if (box !== undefined) this.#agenda.add(at_ms, { box, input: { type: 'datagram', datagram } });
    });
    this.#access = new AccessNetwork(pcs.map(pcPlan), random.fork(), {
      arrive: (at_ms, _box, interfaceIndex, sent) => {
        const input = { type: 'ethernet', interfaceIndex, frame: this.onTheWay(sent) } as const;
        this.#agenda.add(at_ms, { box: this.lac, input });
      },
      tell: () => undefined,
      userPacket: (pc) => this.#userPackets.set(pc, (this.#userPackets.get(pc) ?? 0) + 1),
    });
    this.pcs = this.#access.pcs;
    const world = this.#world(random.fork());
    const hosts = Object.fromEntries(
      Array.from({ length: lnses }, (_, i) => [`lns${i + 1}.example`, `192.0.2.${i + 1}`]),
    );
    const lac = { ...NO_ROLE, endpoint: { ...ENDPOINT, hostName: 'lac.example' }, lac: { ...LAC, ...plan.lac } };
    const outside = { users, pool: ['10.8.1.1', '10.8.1.2'], tunnelPeers: {}, hosts };
    this.lac = new Box(
      {
        ...box('lac', LAC_ADDRESS, lac, outside),
        ...{ answerDelay_ms: plan.answerDelay_ms ?? 0, reportDelay_ms: plan.reportDelay_ms ?? 0 },
      },
      world,
      0,
    );
    this.changePeer(plan.peer ?? {});
    this.lnses = Object.entries(hosts).map(([hostName, address], i) => {
      const config = { ...NO_ROLE, endpoint: { ...ENDPOINT, hostName }, lns: { ...LNS, ...plan.lns } };
      const pool = Array.from({ length: 9 }, (_, n) => `10.${i}.1.${n + 1}`);
      const known = { users, pool, tunnelPeers: this.#peers, hosts: {} };
      return new Box(box(`lns${i + 1}`, address, config, known), world, 0);
    });
  }

  /** LNSes treat the LAC so from now on. */
  changePeer(peer: TunnelPeer): void {
    this.#peers[LAC_ADDRESS] = peer;
  }

  /** Lets time pass, for so long or until something is so; gives whether it is. */
  run(duration_ms: number, isDone: () => boolean = () => false): boolean {
    const end_ms = this.now_ms + duration_ms;
    for (;;) {
      if (isDone()) return true;
      const [next] = this.#boxes().sort((a, b) => a.due_ms - b.due_ms);
      const access_ms = this.#access.due_ms;
      const next_ms = Math.min(this.#agenda.next_ms() ?? Number.POSITIVE_INFINITY, next.due_ms, access_ms);
      if (next_ms > end_ms) break;
      this.now_ms = Math.max(this.now_ms, next_ms);
      const due = this.#agenda.takeDue(this.now_ms);
      if (due !== undefined) {
        if (!this.dead.has(due.box)) due.box.turn([due.input], this.now_ms);
      } else if (access_ms <= this.now_ms) this.#access.turn(this.now_ms);
      else next.turn([], this.now_ms);
    }
    this.now_ms = end_ms;
    return isDone();
  }

  /** Switches these PCs on, and waits until they have their addresses; and a moment more, for what follows. */
  bringUp(pcs: readonly Pc[] = this.pcs, patience_ms = 30_000): this {
    for (const pc of pcs) this.act(pc, (one) => one.switchOn(this.now_ms));
    const isUp = this.run(patience_ms, () => pcs.every(({ addresses }) => addresses !== undefined));
    assert.ok(isUp, 'a PC does not come up');
    this.run(100);
    return this;
  }

  /** Switches the PC on, and waits until something is held back. */
  bringToHold(pc: Pc = this.pcs[0]): this {
    this.act(pc, (one) => one.switchOn(this.now_ms));
    assert.ok(
      this.run(30_000, () => this.held.length > 0),
      'nothing has come that is held back',
    );
    return this;
  }

  /** Gives on what was held back, the oldest first. */
  release(): void {
    for (const { box: of, input } of this.held.splice(0)) of.turn([input], this.now_ms);
  }

  /** Nothing is left of any call, at the LAC and the LNSes. */
  assertEmpty(): void {
    for (const of of this.#boxes()) {
      const { name } = of.plan;
      assert.deepEqual([...of.path.rows.keys()], [], `rows of ${name}`);
      assert.deepEqual([...of.appliance.calls()], [], `calls of ${name}`);
      assert.deepEqual(of.outside.pool.holders(), [], `leases of ${name}`);
      const sessions = Array.from(of.appliance.endpoint.tunnels(), ({ sessionCount }) => sessionCount);
      assert.ok(
        sessions.every((count) => count === 0),
        `sessions of ${name}`,
      );
    }
  }

  /** What a PC's user does. */
  act(pc: Pc, run: (pc: Pc) => void): void {
    this.#access.act(this.now_ms, run, pc.plan.name);
  }

  /** A PPP frame that comes to the LAC in the PC's session, and is none that its link has sent. */
  say(pc: Pc, protocol: number, information: Uint8Array): void {
    const { session, plan } = pc;
    assert.ok(session, 'the PC has no session');
    const way = { destination: session.acMac, source: plan.mac, tags: plan.tags };
    const ppp = emitPppFrame({ protocol, information }, { addressControl: false, protocolFieldCompression: false });
    const frame = emitSessionFrame(way, session.sessionId, ppp);
    this.lac.turn([{ type: 'ethernet', interfaceIndex: plan.interfaceIndex, frame }], this.now_ms);
  }

  command(box: Box, run: (box: Box, now_ms: number) => void): void {
    box.turn([{ type: 'command', run }], this.now_ms);
  }

  /** Whether a packet of the PC comes back from the office. */
  reachesOffice(pc: Pc): boolean {
    const before = this.#userPackets.get(pc) ?? 0;
    this.act(pc, (one) => one.sendUserPacket(1));
    return this.run(200, () => (this.#userPackets.get(pc) ?? 0) > before);
  }

  outputs<T extends Output['type']>(of: Box, type: T): Extract<Output, { type: T }>[] {
    const outputs = this.#outputs.get(of) ?? [];
    return outputs.filter((output): output is Extract<Output, { type: T }> => output.type === type);
  }

  /** In the order in which they came, with what is not of `types` left out. */
  order(of: Box, ...types: Output['type'][]): Output[] {
    return (this.#outputs.get(of) ?? []).filter(({ type }) => types.includes(type));
  }

  /** The LAC's calls. */
  calls(): CallInfo[] {
    return [...this.lac.appliance.calls()];
  }

  /** The types of the control messages since some time, as in `lac ICRQ`. */
  messageTypes(since_ms = 0): string[] {
    return this.messages
      .filter(({ at_ms }) => at_ms >= since_ms)
      .map(({ from, message }) => `${from} ${message.messageType}`);
  }

  /** The one message of this type that this box has sent since some time. */
  message(from: Box, messageType: string, since_ms = 0): ControlMessage {
    const found = this.messages.filter(
      ({ at_ms, from: name, message }) =>
        at_ms >= since_ms && name === from.plan.name && message.messageType === messageType,
    );
    assert.equal(found.length, 1, `${messageType} was sent ${found.length} times`);
    return found[0].message;
  }

  /** Open tunnels of a box. */
  tunnels(of: Box): number {
    return [...of.appliance.tunnels()].length;
  }

  #boxes(): Box[] {
    return [this.lac, ...this.lnses].filter((one) => !this.dead.has(one));
  }

  #world(random: SeededRandom): World {
    return {
      random,
      makePool: (addresses) => new AddressPool(addresses),
      filter: (output) => output,
      later: (of, delay_ms, input) => {
        if (this.holds(of, input)) this.held.push({ box: of, input });
        else this.#agenda.add(this.now_ms + delay_ms, { box: of, input });
      },
      send: (from, { path, packet }, sender) => {
        this.#note(from, packet, path.encapsulation);
        this.#network.send(from.plan.address, path, packet, sender, this.now_ms);
      },
      sendFrame: (from, { interfaceIndex, frame }) =>
        this.#access.fromBox(from.plan.name, interfaceIndex, frame, this.now_ms),
      observer: {
        handed: () => undefined,
        output: (of, output) => {
          const outputs = this.#outputs.get(of) ?? [];
          this.#outputs.set(of, outputs);
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

  #note(from: Box, packet: Uint8Array, encapsulation: 'udp' | 'ip'): void {
    const control = unwrapControl(packet, encapsulation);
    if (control === undefined) return;
    const { version, payloadOffset, payloadEnd } = parseControlHeader(control);
    if (isAcknowledgement(control.subarray(payloadOffset, payloadEnd))) return;
    const message = parseControlMessage(control.slice(payloadOffset, payloadEnd), { version });
    if (message !== null) this.messages.push({ at_ms: this.now_ms, from: from.plan.name, message });
  }
}

const NO_ROLE = { lns: undefined, lac: undefined, lacClients: [], pseudowires: [], accountingPrefix: '' };

function box(name: string, address: string, config: BoxPlan['config'], outside: BoxPlan['outside']): BoxPlan {
  return { name, address, config, outside, answerDelay_ms: 0, lateness_ms: 0, reportDelay_ms: 0, hasShippedPath: true };
}

function pcPlan(user: string, index: number): PcPlan {
  return {
    ...{ name: `pc${index + 1}`, mac: `02:00:5e:00:54:0${index + 1}`, lac: 'lac', interfaceIndex: INTERFACE, tags: [] },
    link: {
      ...{ side: 'peer', mru_bytes: 1492, overEthernet: true, ipv4: true, ipv6: true, ...PPP },
      peer: { name: user, password: CLIENT.password, allow: ['mschapv2', 'chap-md5', 'pap'] },
    },
    answersStrangers: false,
    goal: { type: 'up', at: 'lns' },
  };
}
