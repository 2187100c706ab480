/**
 * Runs one seed: boxes in one thread on virtual time, first with faults (nothing wrong may ever happen), then without
 * (all must come up, or end as it must), then to the end of all calls (nothing may be left).
 */

import type { Output } from '../../firmware/roles/role.js';
import { AccessGoals } from './access-goals.js';
import { AccessNetwork } from './access-network.js';
import { Agenda } from './agenda.js';
import { leftovers } from './agreement.js';
import { Box, type BoxInput, type BoxObserver, type World } from './box.js';
import { CLOSE, withoutProfiles } from './closing.js';
import { DeliveryChecker, type Origin } from './delivery-checker.js';
import { boxNamed, Goals } from './goals.js';
import { type Faults, Network, NO_FAULTS, REORDERING_MS } from './network.js';
import { AddressPool } from './outside.js';
import type { RelayObserver, Row } from './packet-path.js';
import type { Pc } from './pc.js';
import { RelayChecker } from './relay-checker.js';
import { type EncapsulationChoice, type Scenario, type ScenarioKind, scenarioOf } from './scenario.js';
import { SeededRandom } from './seeded-random.js';
import { StateChecker } from './state-checker.js';
import { Story } from './story.js';
import type { UserPacket } from './user-packet.js';
import { ensure, type Invariant, Violation } from './violation.js';

/** Without faults every profile must have reached its goal after so long. */
const CONVERGENCE_MS = 300_000;
/** After the end of faults and of all calls nothing must be left after so long. */
const CLOSING_MS = 300_000;
/** With faults all closes for so long, where the scenario says so. */
const CLOSING_UNDER_FAULTS_MS = 20_000;
/** How long a user's packet and its answer may take when nothing is lost. */
const ROUND_TRIP_MS = 100;
/** Users send so often. */
const USER_PACKETS_MS = 3_000;
/** A machine that keeps itself busy does so many turns and more; a whole simulation has some thousand. */
const MAX_TURNS = 200_000;
/** What a frame or packet is known by that was sent without its session's cookie. */
const FORGED = 0xf0f0_f0f0;
/** How often a box that has nothing to do looks whether it has (its sweep). */
const IDLE_TURN_MS = 1_000;
const SILENCE_MS = 5_000;

/** Where faults can be planted without touching what ships. */
export interface Seams {
  makePool?: (addresses: readonly string[]) => AddressPool;
  filter?: (output: Output) => Output | undefined;
}

export interface Outcome {
  seed: number;
  encapsulation: EncapsulationChoice;
  kind: ScenarioKind;
  /** Undefined: all was as it must be. */
  failure: { invariant: Invariant; message: string; at_ms: number; error: unknown } | undefined;
  counters: SimulationCounters;
}

export interface SimulationCounters {
  virtual_ms: number;
  turns: number;
  callsUp: number;
  /** Of calls of version 3. */
  callsUpVersion3: number;
  callsEnded: number;
  pseudowiresUp: number;
  frames: number;
  /** Data packets that were sent with a wrong cookie. */
  forged: number;
  restarts: number;
  ties: number;
  /** Messages that were dropped for a wrong Message Digest. */
  digestMismatches: number;
  userPackets: number;
  /** Sessions that PCs have had, and frames of theirs that went to an LNS. */
  pcSessions: number;
  framesRelayed: number;
  datagrams: number;
  lost: number;
  duplicated: number;
  reordered: number;
  corrupted: number;
  messages: number;
  retransmissions: number;
  /** From the end of the faults until all was as it must be. */
  converged_ms: number;
}

type Step = { box: Box; input: BoxInput } | { run: () => void };

class Simulation implements BoxObserver {
  readonly counters: SimulationCounters = {
    virtual_ms: 0,
    turns: 0,
    callsUp: 0,
    callsUpVersion3: 0,
    callsEnded: 0,
    pseudowiresUp: 0,
    frames: 0,
    forged: 0,
    restarts: 0,
    ties: 0,
    digestMismatches: 0,
    userPackets: 0,
    pcSessions: 0,
    framesRelayed: 0,
    datagrams: 0,
    lost: 0,
    duplicated: 0,
    reordered: 0,
    corrupted: 0,
    messages: 0,
    retransmissions: 0,
    converged_ms: 0,
  };
  now_ms = 0;
  readonly #scenario: Scenario;
  readonly #story: Story | undefined;
  readonly #network: Network<Origin>;
  readonly #access: AccessNetwork;
  readonly #agenda = new Agenda<Step>();
  readonly #boxes = new Map<string, Box>();
  readonly #delivery = new DeliveryChecker();
  readonly #states: StateChecker;
  readonly #relays = new RelayChecker();
  readonly #goals: Goals;
  readonly #accessGoals: AccessGoals;
  #healed_ms: number | undefined;
  readonly #heldUpUntil_ms = new Map<Box, number>();
  /** Tokens of users' packets whose answer has come, by the user's address. */
  readonly #answered = new Set<string>();
  /** Tokens of frames that have come, by session. */
  readonly #framesCome = new Set<string>();

  constructor(scenario: Scenario, seams: Seams, story: Story | undefined) {
    this.#scenario = scenario;
    this.#story = story;
    const random = new SeededRandom(scenario.seed ^ 0x5eed);
    this.#network = new Network(random.fork(), (at_ms, datagram) => {
      const box = this.#boxes.get(datagram.to);
      if (box !== undefined) this.#agenda.add(at_ms, { box, input: { type: 'datagram', datagram } });
    });
    this.#access = new AccessNetwork(scenario.pcs, random.fork(), {
      arrive: (at_ms, name, interfaceIndex, frame) => {
        const box = boxNamed(this.#boxes, name);
        this.#agenda.add(at_ms, { box, input: { type: 'ethernet', interfaceIndex, frame } });
      },
      tell: (pc, what) => this.#story?.note(this.now_ms, pc.plan.name, what),
      userPacket: (pc, packet) => this.#userPacketAtPc(pc, packet),
    });
    const world: World = {
      random: random.fork(),
      makePool: seams.makePool ?? ((addresses) => new AddressPool(addresses)),
      filter: seams.filter ?? ((output) => output),
      send: (box, { path, packet }, sender) => {
        this.#network.send(box.plan.address, path, packet, sender, this.now_ms);
      },
      sendFrame: (box, { interfaceIndex, frame }) => {
        this.#access.fromBox(box.plan.name, interfaceIndex, frame, this.now_ms);
      },
      later: (box, delay_ms, input) => this.#agenda.add(this.now_ms + delay_ms, { box, input }),
      observer: this,
    };
    for (const plan of scenario.boxes) this.#boxes.set(plan.address, new Box(plan, world, this.now_ms));
    this.#states = new StateChecker(scenario, this.#boxes);
    this.#goals = new Goals(scenario, this.#boxes, this.#delivery);
    this.#accessGoals = new AccessGoals(this.#boxes, this.#access.pcs);
  }

  run(): void {
    try {
      this.#safetyPhase();
      this.#livenessPhase();
      this.#closingPhase();
    } finally {
      const { sent: datagrams, ...datagramsThat } = this.#network.counters;
      const { messages, retransmissions } = this.#delivery.counters;
      const virtual_ms = this.now_ms;
      Object.assign(this.counters, { virtual_ms, datagrams, ...datagramsThat, messages, retransmissions });
      for (const box of this.#boxes.values()) this.#addUp(box);
      for (const { sessions } of this.#access.pcs) this.counters.pcSessions += sessions;
    }
  }

  // The three phases.

  #safetyPhase(): void {
    const { faults, cuts, stalls, incidents, pcIncidents, safety_ms } = this.#scenario;
    this.#setFaults(faults);
    this.#delivery.isCorrupting = faults.corruption > 0;
    for (const { from_ms, to_ms } of cuts) {
      this.#at(from_ms, 'the network is cut', () => this.#cut(true));
      this.#at(to_ms, 'the network is whole', () => this.#cut(false));
    }
    for (const { box: name, from_ms, to_ms } of stalls) {
      const box = boxNamed(this.#boxes, name);
      this.#at(from_ms, `${name} is held up for ${to_ms - from_ms} ms`, () => this.#heldUpUntil_ms.set(box, to_ms));
    }
    for (const { at_ms, box: name, label, run } of incidents) {
      const box = boxNamed(this.#boxes, name);
      const input: BoxInput = { type: 'command', run };
      this.#at(at_ms, `${name}: ${label}`, () => this.#agenda.add(this.now_ms, { box, input }));
    }
    for (const { at_ms, pc: name, label, run } of pcIncidents) {
      this.#at(at_ms, `${name}: ${label}`, () => this.#access.act(this.now_ms, (pc) => run(pc, this.now_ms), name));
    }
    for (let at_ms = USER_PACKETS_MS; at_ms < safety_ms; at_ms += USER_PACKETS_MS) {
      this.#agenda.add(at_ms, { run: () => this.#sendData() });
    }
    this.#pass(safety_ms);
  }

  #livenessPhase(): void {
    this.#heal();
    for (const box of this.#boxes.values()) {
      const run = (at: Box, now_ms: number) => {
        at.answerDelay_ms = at.plan.answerDelay_ms;
        at.configure(at.plan.config, now_ms);
        at.setDevices(true, now_ms);
      };
      this.#turn(box, [{ type: 'command', run }]);
    }
    this.#access.act(this.now_ms, (pc) => pc.switchOn(this.now_ms));
    this.#accessGoals.begin();
    const healed_ms = this.now_ms;
    let open: string[] = [];
    const isDone = () => {
      open = this.#accessGoals.open();
      if (open.length === 0) open = this.#goals.open();
      return open.length === 0;
    };
    // What was sent under faults may still be on its way, and late enough to have a link begin anew.
    this.#pass(healed_ms + REORDERING_MS + 1000);
    this.#pass(healed_ms + CONVERGENCE_MS, isDone);
    ensure(open.length === 0, 'convergence', () => open.join('; '));
    this.counters.converged_ms = this.now_ms - healed_ms;
    this.#story?.note(this.now_ms, '', `all is as it must be after ${this.counters.converged_ms} ms`);
    this.#checkTraffic();
  }

  #closingPhase(): void {
    if (this.#scenario.closesUnderFaults) {
      this.#story?.note(this.now_ms, '', 'the faults are back');
      this.#setFaults({ ...this.#scenario.faults, corruption: 0 });
    }
    const { closing } = this.#scenario;
    this.#story?.note(this.now_ms, '', closing);
    if (closing === 'PCs hang up') this.#access.act(this.now_ms, (pc) => pc.switchOff());
    for (const box of this.#boxes.values()) this.#turn(box, [{ type: 'command', run: CLOSE[closing] }]);
    this.#pass(this.now_ms + CLOSING_UNDER_FAULTS_MS);
    this.#heal();
    this.#access.act(this.now_ms, (pc) => pc.switchOff());
    for (const box of this.#boxes.values()) {
      this.#turn(box, [{ type: 'command', run: withoutProfiles }]);
    }
    let left: string[] = [];
    const isDone = () => {
      left = [...this.#boxes.values()].flatMap((box) => [...leftovers(box), ...this.#states.left(box)]);
      return left.length === 0;
    };
    this.#pass(this.now_ms + CLOSING_MS, isDone);
    ensure(left.length === 0, 'nothing-left', () => left.slice(0, 5).join('; '));
    this.#checkSilence();
  }

  /** The network is good from now on, and always was for what is on its way. */
  #heal(): void {
    this.#cut(false);
    this.#setFaults(NO_FAULTS);
    this.#delivery.isCorrupting = false;
    this.#healed_ms ??= this.now_ms;
    this.#story?.note(this.now_ms, '', 'the faults end');
  }

  #setFaults(faults: Faults): void {
    this.#network.faults = faults;
    this.#access.faults = faults;
  }

  #cut(isCut: boolean): void {
    this.#network.isCut = isCut;
    this.#access.isCut = isCut;
  }

  /** A packet of each user gets through, and its answer back; so does a frame each way of each pseudowire. */
  #checkTraffic(): void {
    const token = 0xffff_ffff;
    const expected: string[] = [];
    const expectedFrames: string[] = [];
    for (const box of this.#boxes.values()) {
      for (const { path, peerSessionId } of box.sendFrames(token))
        expectedFrames.push(`${path.peerAddress} ${peerSessionId} ${token}`);
    }
    for (const box of this.#boxes.values()) {
      for (const call of box.sendUserPackets(token)) expected.push(`${box.plan.name} ${call.localAddress} ${token}`);
    }
    this.#access.act(this.now_ms, (pc) => {
      if (pc.sendUserPacket(token)) expected.push(`${pc.plan.name} ${pc.addresses?.localAddress} ${token}`);
    });
    this.#pass(this.now_ms + ROUND_TRIP_MS);
    for (const key of expected) ensure(this.#answered.has(key), 'traffic', () => `no answer for ${key}`);
    for (const key of expectedFrames) ensure(this.#framesCome.has(key), 'traffic', () => `no frame for ${key}`);
  }

  /** With nothing left nobody says anything, and nothing is due but each box's look whether there is anything. */
  #checkSilence(): void {
    const { sent } = this.#network.counters;
    const { turns } = this.counters;
    this.#pass(this.now_ms + SILENCE_MS);
    const looks = this.#boxes.size * (SILENCE_MS / IDLE_TURN_MS + 1);
    ensure(this.#network.counters.sent === sent, 'nothing-left', () => 'packets are sent with nothing left');
    ensure(
      this.counters.turns - turns <= looks,
      'nothing-left',
      () => `${this.counters.turns - turns} turns in silence`,
    );
    const late = this.#agenda.next_ms() ?? this.#access.due_ms;
    ensure(late === Number.POSITIVE_INFINITY, 'nothing-left', () => `something is still to come at ${late}`);
  }

  // Virtual time.

  #at(at_ms: number, label: string, run: () => void): void {
    const told = () => {
      this.#story?.note(this.now_ms, '', label);
      run();
    };
    this.#agenda.add(at_ms, { run: told });
  }

  /** Lets time pass until `end_ms`, or until `isDone` says so after a turn. */
  #pass(end_ms: number, isDone: () => boolean = () => false): void {
    if (isDone()) return;
    for (;;) {
      const due = this.#nextBox();
      const access_ms = this.#access.due_ms;
      const next_ms = Math.min(this.#agenda.next_ms() ?? Number.POSITIVE_INFINITY, this.#due_ms(due), access_ms);
      if (next_ms > end_ms) break;
      this.now_ms = Math.max(this.now_ms, next_ms);
      const step = this.#agenda.takeDue(this.now_ms);
      if (step === undefined && access_ms <= this.now_ms) this.#access.turn(this.now_ms);
      else if (step === undefined) this.#turn(due, []);
      else if ('run' in step) step.run();
      else if (this.#isHeldUp(step.box)) this.#agenda.add(this.#heldUpUntil_ms.get(step.box)!, step);
      else this.#turn(step.box, this.#inputsOf(step.box, step.input));
      if (isDone()) return;
    }
    this.now_ms = end_ms;
  }

  /** What comes to one box at one moment comes in one turn, as the packet path's reports do. */
  #inputsOf(box: Box, first: BoxInput): BoxInput[] {
    const inputs = [first];
    for (let next = this.#agenda.peekDue(this.now_ms); next !== undefined; next = this.#agenda.peekDue(this.now_ms)) {
      if ('run' in next || next.box !== box) break;
      inputs.push(next.input);
      this.#agenda.takeDue(this.now_ms);
    }
    return inputs;
  }

  #nextBox(): Box {
    let next: Box | undefined;
    for (const box of this.#boxes.values()) {
      if (next === undefined || this.#due_ms(box) < this.#due_ms(next)) next = box;
    }
    return next!;
  }

  #due_ms(box: Box): number {
    return Math.max(box.due_ms, this.#heldUpUntil_ms.get(box) ?? 0);
  }

  #isHeldUp(box: Box): boolean {
    return this.now_ms < (this.#heldUpUntil_ms.get(box) ?? 0);
  }

  #turn(box: Box, inputs: readonly BoxInput[]): void {
    this.counters.turns++;
    ensure(this.counters.turns <= MAX_TURNS, 'no-storm', () => `${MAX_TURNS} turns`);
    if (this.#heldUpUntil_ms.has(box) && !this.#isHeldUp(box)) {
      this.#heldUpUntil_ms.delete(box);
      this.#delivery.heldUp(box, this.now_ms);
      this.#states.heldUp(box, this.now_ms);
    }
    box.turn(inputs, this.now_ms);
  }

  #sendData(): void {
    for (const box of this.#boxes.values()) {
      box.sendUserPackets(this.counters.turns);
      box.sendFrames(this.counters.turns);
      this.counters.forged += box.forgeData(FORGED);
    }
    this.#access.act(this.now_ms, (pc) => pc.sendUserPacket(this.counters.turns));
  }

  /** What a box's endpoint has counted, before it is gone. */
  #addUp({ appliance }: Box): void {
    this.counters.ties += appliance.endpoint.counters['sccrq-tie-breaker'];
    this.counters.digestMismatches += appliance.endpoint.counters['digest-mismatch'];
  }

  // What the boxes do.

  handed(...event: Parameters<BoxObserver['handed']>): void {
    this.#delivery.handed(...event);
    this.#story?.handed(this.now_ms, ...event);
  }

  output(box: Box, output: Output): void {
    this.#story?.output(this.now_ms, box, output);
    this.#delivery.output(box, output, this.now_ms);
    this.#states.output(box, output);
    if (output.type === 'call-up') {
      this.counters.callsUp++;
      if (output.call.version === 3) this.counters.callsUpVersion3++;
    } else if (output.type === 'call-ended') this.counters.callsEnded++;
    else if (output.type === 'pseudowire-up') this.counters.pseudowiresUp++;
    else if (this.#healed_ms !== undefined) this.#goals.noteOutput(box.plan.name, output);
  }

  sent(box: Box, packet: Uint8Array): Origin {
    return this.#delivery.sent(box, packet);
  }

  userPacket(...[box, , packet]: Parameters<BoxObserver['userPacket']>): void {
    ensure(packet.token !== FORGED, 'cookie', () => `${box.plan.name}: a packet with a wrong cookie came through`);
    this.counters.userPackets++;
    if (packet.isReply) this.#answered.add(`${box.plan.name} ${packet.destination} ${packet.token}`);
  }

  #userPacketAtPc({ plan }: Pc, packet: UserPacket): void {
    ensure(packet.token !== FORGED, 'cookie', () => `${plan.name}: a packet with a wrong cookie came through`);
    this.counters.userPackets++;
    if (packet.isReply) this.#answered.add(`${plan.name} ${packet.destination} ${packet.token}`);
  }

  relayed(box: Box, what: keyof RelayObserver, row: Row, ppp: Uint8Array): void {
    if (what === 'carried') this.counters.framesRelayed++;
    this.#relays[what](box, row, ppp);
  }

  frame(box: Box, row: Row, token: number): void {
    ensure(token !== FORGED, 'cookie', () => `${box.plan.name}: a frame with a wrong cookie came through`);
    this.counters.frames++;
    this.#framesCome.add(`${box.plan.address} ${row.sessionId} ${token}`);
  }

  turned(box: Box, inputs: number, now_ms: number): void {
    this.#delivery.turned(box, now_ms);
    this.#states.turned(box, inputs, now_ms);
    this.#relays.turned(box);
    this.#accessGoals.check();
  }

  restarted(box: Box): void {
    this.counters.restarts++;
    this.#addUp(box);
    this.#delivery.restarted(box);
    this.#states.restarted(box);
    this.#relays.restarted(box);
  }
}

/** What a simulation is run with. */
export interface RunOptions {
  encapsulation?: EncapsulationChoice;
  seams?: Seams;
  /** Is given each line of what happens. */
  tell?: (line: string) => void;
}

/** Runs one seed from beginning to end. */
export function simulate(seed: number, { encapsulation = 'udp2', seams = {}, tell }: RunOptions = {}): Outcome {
  const scenario = scenarioOf(seed, encapsulation);
  const simulation = new Simulation(scenario, seams, tell && new Story(tell, scenario));
  let failure: Outcome['failure'];
  try {
    simulation.run();
  } catch (error) {
    const invariant = error instanceof Violation ? error.invariant : 'no-exception';
    const message = error instanceof Error ? error.message : String(error);
    failure = { invariant, message, at_ms: simulation.now_ms, error };
  }
  return { seed, encapsulation, kind: scenario.kind, failure, counters: simulation.counters };
}
