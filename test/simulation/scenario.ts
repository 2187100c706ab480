/**
 * What a seed stands for: which boxes there are and how they are set up, how bad the network is, what happens to them
 * meanwhile, and what must have come of it. Must not run anything.
 */

import type { ApplianceConfig } from '../../firmware/roles/appliance.js';
import type { Box, BoxPlan } from './box.js';
import { Builder } from './builder.js';
import { BUILD } from './kinds.js';
import type { Faults } from './network.js';
import type { Pc, PcPlan } from './pc.js';
import { SeededRandom } from './seeded-random.js';

export const KINDS = [
  'one client',
  'clients of one LNS',
  'profiles of one client',
  'two dial each other',
  'refused',
  'too few addresses',
  'PCs behind a LAC',
  'pseudowires',
] as const;
export type ScenarioKind = (typeof KINDS)[number];

/**
 * How tunnels are dialled in a run. `auto`: most in automatic mode, others in a mode of their own, and the LNSes differ
 * in what they accept.
 */
export const ENCAPSULATIONS = ['udp2', 'udp3', 'ip', 'auto'] as const;
export type EncapsulationChoice = (typeof ENCAPSULATIONS)[number];

/** Version 2 has no Ethernet pseudowires. */
export function kindsOf(encapsulation: EncapsulationChoice): readonly ScenarioKind[] {
  return encapsulation === 'udp2' ? KINDS.filter((kind) => kind !== 'pseudowires') : KINDS;
}

/** What must have become of a profile when the network is good again. */
export type Goal =
  | { type: 'up' }
  /** By this message, with this result code (RFC 2661 section 4.4.2, RFC 3931 section 5.4.2), whoever of the two sends it. */
  | { type: 'refused'; messageType: 'StopCCN' | 'CDN'; resultCode: number }
  /** What it sends is dropped: nothing comes back. */
  | { type: 'unanswered' }
  /** As many as there are addresses are up, the others refused as for want of an address. */
  | { type: 'contended' };

/** Profiles have names of their own in the whole scenario. */
export interface ProfilePlan {
  box: string;
  profile: string;
  goal: Goal;
}

/** A pseudowire has the same name at both its ends. */
export interface PseudowirePlan {
  box: string;
  peer: string;
  pseudowire: string;
  goal: Goal;
}

/** Something that an administrator does, or a power failure. */
export interface Incident {
  at_ms: number;
  box: string;
  label: string;
  run: (box: Box, now_ms: number) => void;
}

/** The same with a PC. */
export interface PcIncident {
  at_ms: number;
  pc: string;
  label: string;
  run: (pc: Pc, now_ms: number) => void;
}

/** How it all ends. */
export type Closing =
  | 'profiles removed'
  | 'LNS switched off'
  | 'all shut down'
  | 'LNS shut down first'
  | 'LAC switched off'
  | 'PCs hang up';
const CLOSINGS: readonly Closing[] = ['profiles removed', 'LNS switched off', 'all shut down', 'LNS shut down first'];
const LAC_CLOSINGS: readonly Closing[] = [
  'LNS switched off',
  'all shut down',
  'LNS shut down first',
  'LAC switched off',
  'PCs hang up',
];

export interface Scenario {
  seed: number;
  encapsulation: EncapsulationChoice;
  kind: ScenarioKind;
  boxes: BoxPlan[];
  profiles: ProfilePlan[];
  pseudowires: PseudowirePlan[];
  pcs: PcPlan[];
  /** How many of the contended profiles can be up. */
  addresses: number;
  faults: Faults;
  /** From and to, in ms: nothing gets through. */
  cuts: { from_ms: number; to_ms: number }[];
  /** The box has no turn for so long, and then finds all that has come and all timers that have run out at once. */
  stalls: { box: string; from_ms: number; to_ms: number }[];
  incidents: Incident[];
  pcIncidents: PcIncident[];
  safety_ms: number;
  closing: Closing;
  /** The network is bad while all closes, too. */
  closesUnderFaults: boolean;
}

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

/** `name` is that of a profile or a pseudowire. */
function without(config: ApplianceConfig, name: string): ApplianceConfig {
  const lacClients = config.lacClients.filter((client) => client.name !== name);
  const pseudowires = config.pseudowires.filter((wire) => wire.name !== name);
  return { ...config, lacClients, pseudowires };
}

/**
 * Things that an administrator does to a profile, a pseudowire or an LNS; what is taken away comes back before the end.
 */
function administration(
  random: SeededRandom,
  boxes: readonly BoxPlan[],
  profile: { box: string; name: string },
  safety_ms: number,
): Incident[] {
  const incidents: Incident[] = [];
  const from_ms = random.below(safety_ms - 10_000);
  const to_ms = random.between(from_ms, safety_ms - 1);
  const plan = boxes.find(({ name }) => name === profile.box)!;
  const restore = (box: Box, now_ms: number) => box.configure(box.plan.config, now_ms);
  const what = random.below(plan.config.pseudowires.length > 0 ? 5 : 4);
  if (what === 0) {
    const run = (box: Box, now_ms: number) => box.configure(without(box.config, profile.name), now_ms);
    incidents.push({ at_ms: from_ms, box: profile.box, label: `${profile.name} removed`, run });
    incidents.push({ at_ms: to_ms, box: profile.box, label: `${profile.name} added again`, run: restore });
  } else if (what === 1) {
    const lacClients = plan.config.lacClients.map((client) => ({ ...client, mru_bytes: 1300 }));
    const pseudowires = plan.config.pseudowires.map((wire) => ({ ...wire, mtu_bytes: 1400 }));
    const run = (box: Box, now_ms: number) => box.configure({ ...box.config, lacClients, pseudowires }, now_ms);
    incidents.push({ at_ms: from_ms, box: profile.box, label: 'profiles changed', run });
    incidents.push({ at_ms: to_ms, box: profile.box, label: 'profiles changed back', run: restore });
  } else if (what === 2) {
    const lns = boxes.find(({ config }) => config.lns !== undefined);
    if (lns === undefined) return incidents;
    const run = (box: Box, now_ms: number) => box.configure({ ...box.config, lns: undefined }, now_ms);
    incidents.push({ at_ms: from_ms, box: lns.name, label: 'LNS switched off', run });
    incidents.push({ at_ms: to_ms, box: lns.name, label: 'LNS switched on', run: restore });
  } else if (what === 4) {
    const gone = (box: Box, now_ms: number) => box.setDevices(false, now_ms);
    const back = (box: Box, now_ms: number) => box.setDevices(true, now_ms);
    incidents.push({ at_ms: from_ms, box: profile.box, label: 'devices gone', run: gone });
    incidents.push({ at_ms: to_ms, box: profile.box, label: 'devices back', run: back });
  } else {
    const box = random.pick(boxes).name;
    const run = (at: Box, now_ms: number) => {
      for (const { callId } of [...at.appliance.calls()])
        at.endCall(callId, 'an administrator wants it so', 'admin-reset', now_ms);
    };
    for (const at_ms of [from_ms, to_ms]) incidents.push({ at_ms, box, label: 'all calls disconnected', run });
  }
  return incidents;
}

function incidentsOf(
  random: SeededRandom,
  boxes: readonly BoxPlan[],
  plans: readonly { box: string; name: string; goal: Goal }[],
  safety_ms: number,
): Incident[] {
  const incidents: Incident[] = [];
  if (random.chance(0.4)) {
    for (let count = random.between(1, 3); count > 0; count--) {
      const run = (box: Box, now_ms: number) => box.restart(now_ms);
      incidents.push({ at_ms: random.below(safety_ms), box: random.pick(boxes).name, label: 'restart', run });
    }
  }
  const mayBeChanged = plans.length > 0 && plans.every(({ goal }) => goal.type === 'up' || goal.type === 'contended');
  if (mayBeChanged && random.chance(0.4)) {
    incidents.push(...administration(random, boxes, random.pick(plans), safety_ms));
  }
  return incidents;
}

/** As of a RADIUS server that is all but dead: users give up before. */
const SLOW_ANSWERS_MS = 45_000;

/** What an administrator, or RADIUS, does to a LAC or its LNS. */
function lacIncidentsOf(random: SeededRandom, boxes: readonly BoxPlan[], safety_ms: number): Incident[] {
  if (!random.chance(0.4)) return [];
  const from_ms = random.below(safety_ms - 10_000);
  const to_ms = random.between(from_ms, safety_ms - 1);
  const box = random.pick(boxes);
  const { config, name } = box;
  const restore = (at: Box, now_ms: number) => at.configure(at.plan.config, now_ms);
  const { lac } = config;
  const changes: { label: string; config: ApplianceConfig }[] = [
    { label: 'switched off', config: { ...config, lac: undefined, lns: undefined } },
  ];
  if (lac !== undefined) {
    const interfaces = lac.concentrator.interfaces.slice(1);
    const concentrator = { ...lac.concentrator, interfaces };
    changes.push({ label: 'an interface is gone', config: { ...config, lac: { ...lac, concentrator } } });
  }
  const change = random.pick(changes);
  const run = (at: Box, now_ms: number) => at.configure(change.config, now_ms);
  const slow = (at: Box) => {
    at.answerDelay_ms = SLOW_ANSWERS_MS;
  };
  const throttle = (at: Box) => {
    for (const { sessionId } of [...at.appliance.calls()]) {
      at.appliance.changeAuthorization(sessionId, { receiveRate_bps: 1_000_000, sessionTimeout_s: 60 });
    }
  };
  const hangUp = (at: Box, now_ms: number) => {
    for (const { callId } of [...at.appliance.calls()])
      at.endCall(callId, 'an administrator wants it so', 'admin-reset', now_ms);
  };
  const incidents: Incident[] = [
    { at_ms: from_ms, box: name, label: change.label, run },
    { at_ms: to_ms, box: name, label: 'as before', run: restore },
  ];
  if (random.chance(0.5)) incidents.push({ at_ms: to_ms, box: name, label: 'all calls disconnected', run: hangUp });
  if (random.chance(0.5)) incidents.push({ at_ms: from_ms, box: name, label: 'answers come late', run: slow });
  if (random.chance(0.5)) incidents.push({ at_ms: from_ms, box: name, label: 'calls are throttled', run: throttle });
  return incidents;
}

/** PCs lose their power, or their users hang up; they are back before the end. */
function pcIncidentsOf(random: SeededRandom, pcs: readonly PcPlan[], safety_ms: number): PcIncident[] {
  const incidents: PcIncident[] = [];
  for (const { name: pc } of pcs) {
    incidents.push({
      at_ms: random.below(5_000),
      pc,
      label: 'switched on',
      run: (one, now_ms) => one.switchOn(now_ms),
    });
    for (let count = random.pick([0, 1, 3]); count > 0; count--) {
      const at_ms = random.below(safety_ms);
      const losesPower = random.chance(0.5);
      const run = (one: Pc) => (losesPower ? one.losePower() : one.switchOff());
      incidents.push({ at_ms, pc, label: losesPower ? 'loses power' : 'switched off', run });
      const on_ms = at_ms + random.pick([0, 1_000, 20_000]);
      incidents.push({ at_ms: on_ms, pc, label: 'switched on', run: (one, now_ms) => one.switchOn(now_ms) });
    }
  }
  return incidents.filter(({ at_ms }) => at_ms < safety_ms);
}

function stallsOf(random: SeededRandom, boxes: readonly BoxPlan[], safety_ms: number): Scenario['stalls'] {
  if (!random.chance(0.2)) return [];
  const from_ms = random.below(safety_ms);
  const to_ms = Math.min(safety_ms, from_ms + random.pick([500, 5_000, 40_000]));
  return [{ box: random.pick(boxes).name, from_ms, to_ms }];
}

export function scenarioOf(seed: number, encapsulation: EncapsulationChoice): Scenario {
  const random = new SeededRandom(seed);
  const kinds = kindsOf(encapsulation);
  const kind = kinds[seed % kinds.length];
  const faults = faultsOf(random);
  const build = new Builder(random, encapsulation, faults);
  BUILD[kind](build);
  const { boxes, profiles, pseudowires, pcs } = build;
  const plans = [
    ...profiles.map(({ box, profile: name, goal }) => ({ box, name, goal })),
    ...pseudowires.map(({ box, pseudowire: name, goal }) => ({ box, name, goal })),
  ];
  const safety_ms = random.between(20_000, 120_000);
  const cuts: Scenario['cuts'] = [];
  if (random.chance(0.2)) {
    const from_ms = random.below(safety_ms);
    cuts.push({ from_ms, to_ms: random.between(from_ms, safety_ms) });
  }
  return {
    seed,
    encapsulation,
    kind,
    boxes,
    profiles,
    pseudowires,
    pcs,
    addresses: boxes[0].outside.pool.length,
    faults,
    cuts,
    incidents: [
      ...incidentsOf(random, boxes, plans, safety_ms),
      ...(pcs.length > 0 ? lacIncidentsOf(random, boxes, safety_ms) : []),
    ],
    pcIncidents: pcIncidentsOf(random, pcs, safety_ms),
    stalls: stallsOf(random, boxes, safety_ms),
    safety_ms,
    closing: random.pick(pcs.length > 0 ? LAC_CLOSINGS : CLOSINGS),
    closesUnderFaults: random.chance(0.3),
  };
}
