/** Makes the boxes of a scenario, with their profiles, users and pseudowires, one by one. Must not run anything. */

import type { L2tpEndpointConfig } from '../../firmware/protocol/l2tp/endpoint.js';
import type { AuthenticationProtocol } from '../../firmware/protocol/ppp/link.js';
import type { PppTimers } from '../../firmware/roles/call.js';
import type { LacConfig } from '../../firmware/roles/lac.js';
import type { LacClientConfig } from '../../firmware/roles/lac-client.js';
import type { LnsConfig } from '../../firmware/roles/lns.js';
import type { PseudowireConfig, PseudowireEnds } from '../../firmware/roles/pseudowires.js';
import { FIRST_PPPOE_ROW_ID } from '../../firmware/roles/role.js';
import { PSEUDOWIRE_TYPE } from '../../firmware/wire/avp.js';
import type { BoxPlan } from './box.js';
import type { Faults } from './network.js';
import type { TunnelPeer, User } from './outside.js';
import type { PcPlan } from './pc.js';
import type { EncapsulationChoice, Goal, ProfilePlan, PseudowirePlan } from './scenario.js';
import type { SeededRandom } from './seeded-random.js';

export const PROTOCOLS: readonly (readonly AuthenticationProtocol[])[] = [
  ['pap'],
  ['chap-md5'],
  ['mschapv2'],
  ['mschapv2', 'chap-md5', 'pap'],
];
export const PASSWORD = 'correct horse';
const DIGESTS = ['md5', 'sha1'] as const;
/** RFC 3931 section 4.1: a cookie has 32 or 64 bits, or there is none. */
const COOKIES_BYTES = [0, 4, 8] as const;
/** What LNSes accept where tunnels are dialled in automatic mode. */
const ACCEPTED: readonly L2tpEndpointConfig['accepts'][] = [
  ['udp2', 'udp3', 'ip'],
  ['udp2', 'udp3', 'ip'],
  ['udp2'],
  ['udp3', 'ip'],
];

/** Devices of pseudowires are others than those of profiles. */
const FIRST_TAP = 100;

type ListeningEnds = Extract<PseudowireEnds, { mode: 'listen' }>;

/** Makes the boxes of a scenario one by one. */
export class Builder {
  readonly random: SeededRandom;
  readonly boxes: BoxPlan[] = [];
  readonly profiles: ProfilePlan[] = [];
  readonly pseudowires: PseudowirePlan[] = [];
  readonly pcs: PcPlan[] = [];
  readonly faults: Faults;
  readonly #encapsulation: EncapsulationChoice;
  readonly #endpoint: L2tpEndpointConfig;
  readonly ppp: PppTimers;
  /** What LNSes ask of their users. */
  readonly protocols: readonly AuthenticationProtocol[];
  readonly #answerDelay_ms: number;

  constructor(random: SeededRandom, encapsulation: EncapsulationChoice, faults: Faults) {
    this.random = random;
    this.faults = faults;
    this.#encapsulation = encapsulation;
    this.#endpoint = {
      hostName: 'box.example',
      vendorName: 'tunnelwerk',
      firmwareRevision: 0x0100,
      receiveWindow: random.pick([1, 4, 16]),
      helloInterval_ms: random.pick([20_000, 60_000]),
      retransmitInitial_ms: 1000,
      retransmitCap_ms: 8000,
      maxRetransmits: 5,
      establishTimeout_ms: 60_000,
      maxTunnels: random.pick([64, 64, 5]),
      maxSessions: random.pick([256, 256, 5]),
      routerId: 0,
      pseudowireTypes: [],
      accepts: ['udp2', 'udp3', 'ip'],
      reservedSessionIds: [],
    };
    this.ppp = {
      // Without echoes nothing but its tunnel tells that a call has gone: no match for corruption that nothing detects.
      echoInterval_ms: random.pick(faults.corruption > 0 ? [10_000, 30_000] : [0, 10_000, 30_000]),
      echoFailures: 4,
      restartTimer_ms: 3000,
      ncpRestartTimer_ms: 1000,
      maxConfigure: 10,
      maxTerminate: 2,
      maxFailure: 5,
      authenticationTimeout_ms: 30_000,
    };
    this.protocols = random.pick(PROTOCOLS);
    this.#answerDelay_ms = random.pick([0, 0, 2000]);
  }

  /** A box that has no role yet. */
  box(name: string): BoxPlan {
    const plan: BoxPlan = {
      name,
      address: `192.0.2.${this.boxes.length + 1}`,
      config: {
        endpoint: { ...this.#endpoint, hostName: `${name}.example`, routerId: this.boxes.length + 1 },
        lns: undefined,
        lacClients: [],
        pseudowires: [],
        lac: undefined,
        accountingPrefix: '',
      },
      outside: { users: {}, pool: [], tunnelPeers: {}, hosts: {} },
      answerDelay_ms: this.#answerDelay_ms,
      lateness_ms: this.random.pick([0, 15]),
      reportDelay_ms: 0,
      hasShippedPath: this.random.chance(0.3),
    };
    this.boxes.push(plan);
    return plan;
  }

  /** An LNS whose users do not hang up by L2TP: their links tell whether they are there. */
  watchLinks(box: BoxPlan): void {
    const { lns } = box.config;
    if (lns === undefined) throw new Error(`${box.name} is no LNS`);
    box.config = { ...box.config, lns: { ...lns, ppp: this.#watchful() } };
  }

  /** A LAC with PCs behind its interfaces, and addresses for users that it serves itself. */
  makeLac(
    box: BoxPlan,
    interfaces: readonly number[],
    mac: string,
    authentication: readonly AuthenticationProtocol[],
    addresses: number,
  ): void {
    const lac: LacConfig = {
      concentrator: {
        interfaces: interfaces.map((index) => ({ index, mac, mtu_bytes: 1500 })),
        ...{ acName: box.name, serviceNames: [], servesAnyName: true },
        ...{ maxSessions: 64, maxSessionsPerInterface: 64, maxSessionsPerMac: this.random.pick([2, 8]) },
        offers: { perMac_per_s: 10, perInterface_per_s: 100 },
        requests: { perMac_per_s: 10, perInterface_per_s: 100 },
      },
      interfaceNames: new Map(interfaces.map((index) => [index, `eth${index}`])),
      ...{ authentication, name: box.name, mru_bytes: 1400, mssClamp: true, tun: 0, ppp: this.#watchful() },
      ...{ localAddress: '10.8.0.1', dns: [], nbns: [], ipv6: this.random.chance(0.7) },
      tunnels: {
        ...{ answer_ms: 20_000, dead_ms: 60_000, idle_ms: this.random.pick([1_000, 30_000]) },
        ...{ maxSessions: this.random.pick([0, 0, 1]), localPort: 1701 },
      },
    };
    box.config = { ...box.config, lac };
    offer(box, PSEUDOWIRE_TYPE.ppp);
    box.outside = { ...box.outside, pool: Array.from({ length: addresses }, (_, i) => `10.8.1.${i + 1}`) };
  }

  #watchful(): PppTimers {
    return { ...this.ppp, echoInterval_ms: this.random.pick([10_000, 30_000]) };
  }

  makeLns(box: BoxPlan, net: string, addresses: number): void {
    const lns: LnsConfig = {
      authentication: this.protocols,
      name: box.name,
      localAddress: `10.${net}.0.1`,
      dns: this.random.pick([[], [`10.${net}.0.53`]]),
      nbns: [],
      ipv6: this.random.chance(0.7),
      mru_bytes: 1400,
      mssClamp: true,
      sequencing: this.random.chance(0.2),
      cookie_bytes: this.random.pick(COOKIES_BYTES),
      tun: 0,
      ppp: this.ppp,
    };
    const accepts = this.#encapsulation === 'auto' ? this.random.pick(ACCEPTED) : box.config.endpoint.accepts;
    box.config = { ...box.config, endpoint: { ...box.config.endpoint, accepts }, lns };
    offer(box, PSEUDOWIRE_TYPE.ppp);
    box.outside = { ...box.outside, pool: Array.from({ length: addresses }, (_, i) => `10.${net}.1.${i + 1}`) };
  }

  /** A user at `lns` and a profile at `client` that dials it. */
  dial(client: BoxPlan, lns: BoxPlan, goal: Goal, changes: Partial<LacClientConfig> = {}): LacClientConfig {
    const profile = `profile ${this.profiles.length + 1}`;
    const userName = `user ${this.profiles.length + 1}`;
    const config: LacClientConfig = {
      name: profile,
      encapsulation: this.encapsulationTo(lns),
      digest: this.random.pick(DIGESTS),
      cookie_bytes: this.random.pick(COOKIES_BYTES),
      server: `${lns.name}.example`,
      port: 1701,
      localPort: 1701,
      tunnelSecret: lns.outside.tunnelPeers[client.address]?.secret ?? '',
      userName,
      password: PASSWORD,
      authentication: this.protocols,
      tun: this.profiles.length + 1,
      localNetworks: [],
      ipv6: this.random.chance(0.7),
      mru_bytes: this.random.pick([1400, 1280]),
      mssClamp: true,
      sequencing: this.random.chance(0.2),
      redialInitial_ms: 2000,
      redialCap_ms: 20_000,
      ppp: this.ppp,
      ...changes,
    };
    this.profiles.push({ box: client.name, profile, goal });
    offer(client, PSEUDOWIRE_TYPE.ppp);
    client.config = { ...client.config, lacClients: [...client.config.lacClients, config] };
    knowHost(client, lns);
    addUser(lns, userName, { password: PASSWORD });
    return config;
  }

  /** Of the profile that was dialled last, where that turns on how it dials. */
  changeGoal(goal: Goal): void {
    this.profiles[this.profiles.length - 1].goal = goal;
  }

  /** A pseudowire that `dialler` asks `listener` for, which waits for it unless that is changed to none. */
  wire(
    dialler: BoxPlan,
    listener: BoxPlan,
    goal: Goal,
    changes: Pick<Partial<PseudowireConfig>, 'mtu_bytes'> & Partial<ListeningEnds> = {},
    isAwaited = true,
  ): void {
    const { mtu_bytes, ...listening } = changes;
    const shared = this.#newWire();
    const { name } = shared;
    const remoteEndId = `${name} of ${dialler.name}`;
    const terms = () => ({ cookie_bytes: this.random.pick(COOKIES_BYTES), sequencing: this.random.chance(0.3) });
    const target = {
      ...{ name, server: `${listener.name}.example`, port: 1701, localPort: 1701 },
      encapsulation: this.#encapsulationOfWire(),
      digest: this.random.pick(DIGESTS),
      tunnelSecret: listener.outside.tunnelPeers[dialler.address]?.secret ?? '',
      ...{ redialInitial_ms: 2000, redialCap_ms: 20_000 },
    };
    addWire(dialler, { ...shared, ends: { mode: 'dial', ...target, remoteEndId, ...terms() } });
    knowHost(dialler, listener);
    this.pseudowires.push({ box: dialler.name, peer: listener.name, pseudowire: name, goal });
    if (!isAwaited) return;
    const peerAddress = this.random.pick(['', dialler.address]);
    const ends: ListeningEnds = { mode: 'listen', peerAddress, remoteEndId, ...terms(), ...listening };
    addWire(listener, { ...shared, mtu_bytes: mtu_bytes ?? shared.mtu_bytes, ends });
  }

  /** A pseudowire that both boxes are told all about, without any control message. */
  staticWire(left: BoxPlan, right: BoxPlan): void {
    const shared = this.#newWire();
    const encapsulation = this.#encapsulationOfWire() === 'ip' ? 'ip' : 'udp';
    const port = encapsulation === 'ip' ? 0 : 1701;
    const hasSublayer = this.random.chance(0.5);
    const own = (box: BoxPlan) => ({
      address: box.address,
      sessionId: this.random.between(1, FIRST_PPPOE_ROW_ID - 1),
      cookie: this.random.bytes(this.random.pick(COOKIES_BYTES)),
    });
    const ends = (here: ReturnType<typeof own>, there: ReturnType<typeof own>): PseudowireConfig['ends'] => ({
      mode: 'static',
      path: {
        encapsulation,
        ...{ localAddress: here.address, localPort: port, peerAddress: there.address, peerPort: port },
      },
      sessionId: here.sessionId,
      peerSessionId: there.sessionId,
      terms: {
        ...{ localCookie: here.cookie, peerCookie: there.cookie },
        // Numbers would begin anew with a box, and its peer takes some frames to believe that.
        ...{ localSublayer: hasSublayer, peerSublayer: hasSublayer, sequencing: false },
      },
    });
    const [atLeft, atRight] = [own(left), own(right)];
    addWire(left, { ...shared, ends: ends(atLeft, atRight) });
    addWire(right, { ...shared, ends: ends(atRight, atLeft) });
    this.pseudowires.push({ box: left.name, peer: right.name, pseudowire: shared.name, goal: { type: 'up' } });
  }

  /** `box` finds `peer` by its name. */
  introduce(box: BoxPlan, peer: BoxPlan): void {
    knowHost(box, peer);
  }

  #newWire(): Omit<PseudowireConfig, 'ends'> {
    const number = this.pseudowires.length + 1;
    const isVlan = this.random.chance(0.3);
    return {
      name: `wire ${number}`,
      pseudowireType: isVlan ? PSEUDOWIRE_TYPE.ethernetVlan : PSEUDOWIRE_TYPE.ethernet,
      vlanId: isVlan ? this.random.between(1, 4094) : 0,
      tun: FIRST_TAP + number,
      mtu_bytes: 1500,
    };
  }

  /** Whether the LNS accepts whatever is dialled in this run. */
  isServed({ config }: BoxPlan): boolean {
    const { accepts } = config.endpoint;
    return this.#encapsulation === 'auto' ? accepts.length > 0 : accepts.includes(this.#encapsulation);
  }

  encapsulationTo({ config }: BoxPlan): EncapsulationChoice {
    if (this.#encapsulation !== 'auto') return this.#encapsulation;
    return this.random.pick([...config.endpoint.accepts, 'auto', 'auto', 'auto']);
  }

  /** Version 3 alone has them; where it is not said how, over IP as over UDP. */
  #encapsulationOfWire(): 'udp3' | 'ip' {
    if (this.#encapsulation === 'udp3' || this.#encapsulation === 'ip') return this.#encapsulation;
    return this.random.pick(['udp3', 'ip']);
  }
}

function knowHost(box: BoxPlan, { name, address }: BoxPlan): void {
  box.outside = { ...box.outside, hosts: { ...box.outside.hosts, [`${name}.example`]: address } };
}

/** RFC 3931 section 5.4.3, Pseudowire Capabilities List. */
function offer(box: BoxPlan, pseudowireType: number): void {
  const { endpoint } = box.config;
  const pseudowireTypes = [...new Set([...endpoint.pseudowireTypes, pseudowireType])];
  box.config = { ...box.config, endpoint: { ...endpoint, pseudowireTypes } };
}

function addWire(box: BoxPlan, wire: PseudowireConfig): void {
  offer(box, wire.pseudowireType);
  const { endpoint } = box.config;
  const reservedSessionIds = [...endpoint.reservedSessionIds];
  if (wire.ends.mode === 'static') reservedSessionIds.push(wire.ends.sessionId);
  const pseudowires = [...box.config.pseudowires, wire];
  box.config = { ...box.config, endpoint: { ...endpoint, reservedSessionIds }, pseudowires };
}

export function addUser(lns: BoxPlan, name: string, user: User): void {
  lns.outside = { ...lns.outside, users: { ...lns.outside.users, [name]: user } };
}

export function addPeer(lns: BoxPlan, client: BoxPlan, peer: TunnelPeer): void {
  lns.outside = { ...lns.outside, tunnelPeers: { ...lns.outside.tunnelPeers, [client.address]: peer } };
}
