/**
 * What a seed stands for: which boxes there are and how they are set up, how bad the network is, what happens to them
 * meanwhile, and what must have come of it. Must not run anything.
 */

import type { L2tpEndpointConfig } from '../../firmware/protocol/l2tp/endpoint.js';
import type { AuthenticationProtocol } from '../../firmware/protocol/ppp/link.js';
import type { ApplianceConfig } from '../../firmware/roles/appliance.js';
import type { PppTimers } from '../../firmware/roles/call.js';
import type { LacClientConfig } from '../../firmware/roles/lac-client.js';
import type { LnsConfig } from '../../firmware/roles/lns.js';
import type { Box, BoxPlan } from './box.js';
import type { Faults } from './network.js';
import type { TunnelPeer, User } from './outside.js';
import { SeededRandom } from './seeded-random.js';

export const KINDS = [
  'one client',
  'clients of one LNS',
  'profiles of one client',
  'two dial each other',
  'refused',
  'too few addresses',
] as const;
export type ScenarioKind = (typeof KINDS)[number];

/** What must have become of a profile when the network is good again. */
export type Goal =
  | { type: 'up' }
  /** By this message, with this result code (RFC 2661 section 4.4.2), whoever of the two sends it. */
  | { type: 'refused'; messageType: 'StopCCN' | 'CDN'; resultCode: number }
  /** As many as there are addresses are up, the others refused as for want of an address. */
  | { type: 'contended' };

/** Profiles have names of their own in the whole scenario. */
export interface ProfilePlan {
  box: string;
  profile: string;
  goal: Goal;
}

/** Something that an administrator does, or a power failure. */
export interface Incident {
  at_ms: number;
  box: string;
  label: string;
  run: (box: Box, now_ms: number) => void;
}

/** How it all ends. */
export type Closing = 'profiles removed' | 'LNS switched off' | 'all shut down' | 'LNS shut down first';

export interface Scenario {
  seed: number;
  kind: ScenarioKind;
  boxes: BoxPlan[];
  profiles: ProfilePlan[];
  /** How many of the contended profiles can be up. */
  addresses: number;
  faults: Faults;
  /** From and to, in ms: nothing gets through. */
  cuts: { from_ms: number; to_ms: number }[];
  /** The box has no turn for so long, and then finds all that has come and all timers that have run out at once. */
  stalls: { box: string; from_ms: number; to_ms: number }[];
  incidents: Incident[];
  safety_ms: number;
  closing: Closing;
  /** The network is bad while all closes, too. */
  closesUnderFaults: boolean;
}

const PROTOCOLS: readonly (readonly AuthenticationProtocol[])[] = [
  ['pap'],
  ['chap-md5'],
  ['mschapv2'],
  ['mschapv2', 'chap-md5', 'pap'],
];
const PASSWORD = 'correct horse';
const SECRET = 'tunnel secret';

/** Makes the boxes of a scenario one by one. */
class Builder {
  readonly random: SeededRandom;
  readonly boxes: BoxPlan[] = [];
  readonly profiles: ProfilePlan[] = [];
  readonly #endpoint: L2tpEndpointConfig;
  readonly #ppp: PppTimers;
  readonly #protocols: readonly AuthenticationProtocol[];
  readonly #answerDelay_ms: number;

  constructor(random: SeededRandom, faults: Faults) {
    this.random = random;
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
    };
    this.#ppp = {
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
    this.#protocols = random.pick(PROTOCOLS);
    this.#answerDelay_ms = random.pick([0, 0, 2000]);
  }

  /** A box that has no role yet. */
  box(name: string): BoxPlan {
    const plan: BoxPlan = {
      name,
      address: `192.0.2.${this.boxes.length + 1}`,
      config: {
        endpoint: { ...this.#endpoint, hostName: `${name}.example` },
        lns: undefined,
        lacClients: [],
      },
      outside: { users: {}, pool: [], tunnelPeers: {}, hosts: {} },
      answerDelay_ms: this.#answerDelay_ms,
      lateness_ms: this.random.pick([0, 15]),
    };
    this.boxes.push(plan);
    return plan;
  }

  makeLns(box: BoxPlan, net: string, addresses: number): void {
    const lns: LnsConfig = {
      authentication: this.#protocols,
      name: box.name,
      localAddress: `10.${net}.0.1`,
      dns: this.random.pick([[], [`10.${net}.0.53`]]),
      nbns: [],
      ipv6: this.random.chance(0.7),
      mru_bytes: 1400,
      mssClamp: true,
      sequencing: this.random.chance(0.2),
      tun: 0,
      ppp: this.#ppp,
    };
    box.config = { ...box.config, lns };
    box.outside = { ...box.outside, pool: Array.from({ length: addresses }, (_, i) => `10.${net}.1.${i + 1}`) };
  }

  /** A user at `lns` and a profile at `client` that dials it. */
  dial(client: BoxPlan, lns: BoxPlan, goal: Goal, changes: Partial<LacClientConfig> = {}): LacClientConfig {
    const profile = `profile ${this.profiles.length + 1}`;
    const userName = `user ${this.profiles.length + 1}`;
    const config: LacClientConfig = {
      profile,
      server: `${lns.name}.example`,
      port: 1701,
      localPort: 1701,
      tunnelSecret: lns.outside.tunnelPeers[client.address]?.secret ?? '',
      userName,
      password: PASSWORD,
      authentication: this.#protocols,
      tun: this.profiles.length + 1,
      localNetworks: [],
      ipv6: this.random.chance(0.7),
      mru_bytes: this.random.pick([1400, 1280]),
      mssClamp: true,
      sequencing: this.random.chance(0.2),
      redialInitial_ms: 2000,
      redialCap_ms: 20_000,
      ppp: this.#ppp,
      ...changes,
    };
    this.profiles.push({ box: client.name, profile, goal });
    client.config = { ...client.config, lacClients: [...client.config.lacClients, config] };
    client.outside = { ...client.outside, hosts: { ...client.outside.hosts, [config.server]: lns.address } };
    addUser(lns, userName, { password: PASSWORD });
    return config;
  }
}

function addUser(lns: BoxPlan, name: string, user: User): void {
  lns.outside = { ...lns.outside, users: { ...lns.outside.users, [name]: user } };
}

function addPeer(lns: BoxPlan, client: BoxPlan, peer: TunnelPeer): void {
  lns.outside = { ...lns.outside, tunnelPeers: { ...lns.outside.tunnelPeers, [client.address]: peer } };
}

// The kinds.

const UP: Goal = { type: 'up' };

/** Addresses enough for calls that a client has forgotten and the LNS has not. */
const SPARE = 30;

function oneClient(build: Builder): void {
  const lns = build.box('lns');
  build.makeLns(lns, '1', SPARE);
  const client = build.box('client');
  addPeer(lns, client, build.random.pick([{}, { secret: SECRET }]));
  const { userName } = build.dial(client, lns, UP);
  if (build.random.chance(0.3)) addUser(lns, userName, { password: PASSWORD, fixedAddress: '10.9.9.9' });
}

function clientsOfOneLns(build: Builder): void {
  const lns = build.box('lns');
  build.makeLns(lns, '1', SPARE);
  for (let count = build.random.between(2, 4); count > 0; count--) {
    const client = build.box(`client${count}`);
    addPeer(lns, client, build.random.pick([{}, { secret: SECRET }]));
    build.dial(client, lns, UP);
  }
}

function profilesOfOneClient(build: Builder): void {
  const lns = build.box('lns');
  build.makeLns(lns, '1', SPARE);
  const client = build.box('client');
  addPeer(lns, client, {});
  for (let count = build.random.between(2, 3); count > 0; count--) build.dial(client, lns, UP);
}

function twoDialEachOther(build: Builder): void {
  const left = build.box('left');
  const right = build.box('right');
  build.makeLns(left, '1', SPARE);
  build.makeLns(right, '2', SPARE);
  const peer = build.random.pick([{}, { secret: SECRET }]);
  addPeer(left, right, peer);
  addPeer(right, left, peer);
  for (let count = build.random.between(1, 2); count > 0; count--) build.dial(left, right, UP);
  build.dial(right, left, UP);
}

/** RFC 2661 section 4.4.2: StopCCN 4, requester is not authorized; CDN 3, for administrative reasons. */
const NOT_AUTHORIZED: Goal = { type: 'refused', messageType: 'StopCCN', resultCode: 4 };
const ADMINISTRATIVE: Goal = { type: 'refused', messageType: 'CDN', resultCode: 3 };

function refused(build: Builder): void {
  const lns = build.box('lns');
  build.makeLns(lns, '1', SPARE);
  const client = build.box('client');
  const why = build.random.below(8);
  if (why === 0) {
    addPeer(lns, client, { secret: SECRET });
    build.dial(client, lns, NOT_AUTHORIZED, { tunnelSecret: 'another secret' });
  } else if (why === 1) {
    addPeer(lns, client, { secret: SECRET });
    build.dial(client, lns, NOT_AUTHORIZED, { tunnelSecret: '' });
  } else if (why === 2) {
    addPeer(lns, client, {});
    build.dial(client, lns, NOT_AUTHORIZED, { tunnelSecret: SECRET });
  } else if (why === 3) {
    build.dial(client, lns, NOT_AUTHORIZED);
  } else if (why === 4) {
    addPeer(lns, client, {});
    build.dial(client, lns, NOT_AUTHORIZED);
    lns.config = { ...lns.config, lns: undefined };
  } else if (why === 5) {
    addPeer(lns, client, { secret: SECRET });
    build.dial(client, lns, ADMINISTRATIVE, { password: 'wrong horse' });
  } else if (why === 6) {
    addPeer(lns, client, {});
    build.dial(client, lns, ADMINISTRATIVE, { userName: 'nobody' });
  } else {
    addPeer(lns, client, {});
    build.dial(client, lns, ADMINISTRATIVE);
    lns.outside = { ...lns.outside, pool: [] };
  }
  if (build.random.chance(0.5)) {
    const other = build.box('other');
    addPeer(lns, other, { secret: SECRET });
    if (lns.config.lns !== undefined && lns.outside.pool.length > 0) build.dial(other, lns, UP);
  }
}

function tooFewAddresses(build: Builder): void {
  const lns = build.box('lns');
  build.makeLns(lns, '1', build.random.between(1, 2));
  for (let count = 3; count > 0; count--) {
    const client = build.box(`client${count}`);
    addPeer(lns, client, {});
    build.dial(client, lns, { type: 'contended' });
  }
}

const BUILD: Readonly<Record<ScenarioKind, (build: Builder) => void>> = {
  'one client': oneClient,
  'clients of one LNS': clientsOfOneLns,
  'profiles of one client': profilesOfOneClient,
  'two dial each other': twoDialEachOther,
  refused,
  'too few addresses': tooFewAddresses,
};

// What happens meanwhile.

function faultsOf(random: SeededRandom): Faults {
  return {
    loss: random.pick([0.05, 0.2, 0.2, 0.3]),
    duplication: random.pick([0, 0.1, 0.2]),
    reordering: random.pick([0, 0.1, 0.3]),
    corruption: random.chance(0.2) ? random.pick([0.02, 0.2]) : 0,
    delayMin_ms: 2,
    delayMax_ms: random.pick([10, 80]),
    grain_ms: random.pick([1, 1, 20]),
  };
}

function withoutProfile(config: ApplianceConfig, profile: string): ApplianceConfig {
  return { ...config, lacClients: config.lacClients.filter((client) => client.profile !== profile) };
}

/** Things that an administrator does to a profile or to an LNS; what is taken away comes back before the end. */
function administration(random: SeededRandom, boxes: readonly BoxPlan[], profile: ProfilePlan, safety_ms: number) {
  const incidents: Incident[] = [];
  const from_ms = random.below(safety_ms - 10_000);
  const to_ms = random.between(from_ms, safety_ms - 1);
  const plan = boxes.find(({ name }) => name === profile.box)!;
  const restore = (box: Box, now_ms: number) => box.configure(box.plan.config, now_ms);
  const what = random.below(4);
  if (what === 0) {
    const run = (box: Box, now_ms: number) => box.configure(withoutProfile(box.config, profile.profile), now_ms);
    incidents.push({ at_ms: from_ms, box: profile.box, label: `${profile.profile} removed`, run });
    incidents.push({ at_ms: to_ms, box: profile.box, label: `${profile.profile} added again`, run: restore });
  } else if (what === 1) {
    const lacClients = plan.config.lacClients.map((client) => ({ ...client, mru_bytes: 1300 }));
    const run = (box: Box, now_ms: number) => box.configure({ ...box.config, lacClients }, now_ms);
    incidents.push({ at_ms: from_ms, box: profile.box, label: 'profiles changed', run });
    incidents.push({ at_ms: to_ms, box: profile.box, label: 'profiles changed back', run: restore });
  } else if (what === 2) {
    const lns = boxes.find(({ config }) => config.lns !== undefined);
    if (lns === undefined) return incidents;
    const run = (box: Box, now_ms: number) => box.configure({ ...box.config, lns: undefined }, now_ms);
    incidents.push({ at_ms: from_ms, box: lns.name, label: 'LNS switched off', run });
    incidents.push({ at_ms: to_ms, box: lns.name, label: 'LNS switched on', run: restore });
  } else {
    const box = random.pick(boxes).name;
    const run = (at: Box, now_ms: number) => {
      for (const { callId } of [...at.appliance.calls()]) at.endCall(callId, 'an administrator wants it so', now_ms);
    };
    for (const at_ms of [from_ms, to_ms]) incidents.push({ at_ms, box, label: 'all calls disconnected', run });
  }
  return incidents;
}

function incidentsOf(
  random: SeededRandom,
  boxes: readonly BoxPlan[],
  profiles: readonly ProfilePlan[],
  safety_ms: number,
): Incident[] {
  const incidents: Incident[] = [];
  if (random.chance(0.4)) {
    for (let count = random.between(1, 3); count > 0; count--) {
      const run = (box: Box, now_ms: number) => box.restart(now_ms);
      incidents.push({ at_ms: random.below(safety_ms), box: random.pick(boxes).name, label: 'restart', run });
    }
  }
  const mayBeChanged = profiles.every(({ goal }) => goal.type !== 'refused');
  if (mayBeChanged && random.chance(0.4)) {
    incidents.push(...administration(random, boxes, random.pick(profiles), safety_ms));
  }
  return incidents;
}

function stallsOf(random: SeededRandom, boxes: readonly BoxPlan[], safety_ms: number): Scenario['stalls'] {
  if (!random.chance(0.2)) return [];
  const from_ms = random.below(safety_ms);
  const to_ms = Math.min(safety_ms, from_ms + random.pick([500, 5_000, 40_000]));
  return [{ box: random.pick(boxes).name, from_ms, to_ms }];
}

export function scenarioOf(seed: number): Scenario {
  const random = new SeededRandom(seed);
  const kind = KINDS[seed % KINDS.length];
  const faults = faultsOf(random);
  const build = new Builder(random, faults);
  BUILD[kind](build);
  const { boxes, profiles } = build;
  const safety_ms = random.between(20_000, 120_000);
  const cuts: Scenario['cuts'] = [];
  if (random.chance(0.2)) {
    const from_ms = random.below(safety_ms);
    cuts.push({ from_ms, to_ms: random.between(from_ms, safety_ms) });
  }
  return {
    seed,
    kind,
    boxes,
    profiles,
    addresses: boxes[0].outside.pool.length,
    faults,
    cuts,
    incidents: incidentsOf(random, boxes, profiles, safety_ms),
    stalls: stallsOf(random, boxes, safety_ms),
    safety_ms,
    closing: random.pick(['profiles removed', 'LNS switched off', 'all shut down', 'LNS shut down first']),
    closesUnderFaults: random.chance(0.3),
  };
}
