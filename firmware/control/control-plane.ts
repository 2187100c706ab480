/**
 * The shell around the machine that speaks the protocols: gives it what comes from the packet path, the clock and the
 * administrator, and carries out what it wants, turn by turn. A turn is one transaction of the store; the packet path
 * hears of it after the commit. Must not know a protocol: that is roles' and protocol's.
 */

import type { ActiveSession, DataPlaneCommand, DataPlaneReport } from '../dataplane/interface.js';
import { Appliance, type ApplianceConfig } from '../roles/appliance.js';
import type { Answer, AuthorizationChange, CallEnd, CallInfo, Output, Question, TraceRecord } from '../roles/role.js';
import { lanInterfaces, type Settings } from '../settings.js';
import type { Store } from '../store/store.js';
import type { RandomBytes } from '../wire/bytes.js';
import { Accounting } from './accounting/accounting.js';
import { AddressLeases } from './address-leases.js';
import { AddressPools } from './address-pool.js';
import { Answers } from './answers.js';
import { applianceConfig } from './appliance-config.js';
import { CallFeed } from './call-feed.js';
import { CallLimits } from './call-limits.js';
import { CallLog } from './call-log.js';
import { CallRecords, type SessionCountersReader } from './call-records.js';
import { Captures } from './capture/captures.js';
import type { DhcpPrograms } from './dhcp.js';
import { KernelSettings } from './kernel-settings.js';
import { Load, type LoadReading } from './load.js';
import type { NetworkConfiguration } from './network.js';
import { rescueProblems, settingsProblems } from './operating-problems.js';
import type { PartLogs } from './part-logs.js';
import { NOBODY, PeerInput, peerOf } from './peer-input.js';
import { type PortOffload, Ports } from './ports.js';
import { type EthernetInterface, PppoeInterfaces } from './pppoe-interfaces.js';
import { PseudowireTraffic } from './pseudowire-traffic.js';
import { Radius } from './radius/radius.js';
import { type MemoryReading, SessionMemory } from './session-memory.js';
import { Trace } from './trace.js';
import { CallTraces } from './traces/call-traces.js';
import { type ProfiledRole, TunDevices } from './tun-devices.js';
import type { OperatingProblem } from './view.js';
import { WakeTimer } from './wake-timer.js';

/** Lines of trace kept in memory. */
const TRACE_CAPACITY = 20_000;
/** How often the packet path's counters are looked at for signs of life. */
const ACTIVITY_INTERVAL_MS = 1_000;
/** How often it is looked which Ethernet interfaces there are, in such intervals. */
const LOOK_AT_INTERFACES_EVERY = 2;
/** RFC 1918 and RFC 6598. */
const PRIVATE = /^(10\.|192\.168\.|172\.(1[6-9]|2\d|3[01])\.|100\.(6[4-9]|[7-9]\d|1[01]\d|12[0-7])\.)/;
/** How long the end of the program waits for the last counters of its calls. */
const LAST_COUNTERS_MS = 1_000;

export interface ControlPlaneDependencies {
  store: Store;
  network: NetworkConfiguration;
  portOffload: PortOffload;
  dhcp: DhcpPrograms;
  /** Hands a turn's commands to the packet path. */
  post(commands: DataPlaneCommand[]): void;
  readSessionCounters: SessionCountersReader;
  /** Sessions that got packets from their peer since last asked. */
  readActivity(): readonly ActiveSession[];
  /** The UDP port that the packet path was started on. */
  listeningPort: number;
  /** Whether it was started to exchange packets in one piece, where the kernel can. */
  packetOffload: boolean;
  /** Name and version of the program. */
  program: string;
  /** The interfaces that a box without settings of its own is administered from. */
  givenLan: readonly string[];
  readEthernetInterfaces(): readonly EthernetInterface[];
  readMemory(): MemoryReading;
  readLoad(): Omit<LoadReading, 'calls'>;
  /** Monotonic, in ms. */
  now_ms(): number;
  random: RandomBytes;
  /** A host name's first address. Rejects with the resolver's reason. */
  resolve(host: string): Promise<string>;
  /** Ends the process: a turn failed halfway. */
  fail(error: Error): void;
  logs: PartLogs;
}

export class ControlPlane {
  readonly trace = new Trace(TRACE_CAPACITY);
  readonly appliance: Appliance;
  readonly calls: CallRecords;
  readonly pseudowires: PseudowireTraffic;
  readonly pppoe: PppoeInterfaces;
  readonly memory: SessionMemory;
  readonly ports: Ports;
  readonly dhcp: AddressLeases;
  readonly radius: Radius;
  readonly accounting: Accounting;
  readonly captures: Captures;
  readonly load = new Load();
  readonly feed = new CallFeed();
  readonly callTraces: CallTraces;
  readonly #dependencies: ControlPlaneDependencies;
  readonly #tuns = new TunDevices((command) => this.#commands.push(command));
  readonly #callLog: CallLog;
  readonly #answers: Answers;
  /** Those that came while a turn was under way, or that wait for one. */
  #given: { question: Question; answer: Answer }[] = [];
  #turnIsDue = false;
  readonly #limits: CallLimits;
  #activities = 0;
  #settings: Settings;
  #commands: DataPlaneCommand[] = [];
  readonly #timer: WakeTimer;
  #nextActivity_ms: number;
  #inTurn = false;
  readonly #kernel: KernelSettings;
  /** Those of IP protocol 115: without the others the packet path does not begin. */
  readonly #refusedSockets: OperatingProblem[] = [];
  readonly #peerInput: PeerInput;
  #stopped = false;
  #onLastCounters = () => {};
  /** Another after each start, so that no two calls ever have the same Acct-Session-Id. */
  readonly #accountingPrefix: string;
  /** RFC 3931 section 5.4.3: not 0, and hardly another box's. */
  readonly #routerId: number;

  constructor(dependencies: ControlPlaneDependencies) {
    const { store, random } = dependencies;
    const now_ms = dependencies.now_ms();
    this.#dependencies = dependencies;
    this.#settings = store.documents.settings();
    this.#callLog = new CallLog(dependencies.logs.part('control'));
    this.callTraces = new CallTraces(this.trace, store.failedCalls, store.bootNumber);
    this.pseudowires = new PseudowireTraffic(dependencies.readSessionCounters);
    const { now_ms: clock_ms, logs } = dependencies;
    logs.configure(this.#settings);
    const [log, radiusLog, kernelLog] = [logs.part('control'), logs.part('radius'), logs.part('kernel')];
    this.#timer = new WakeTimer(clock_ms, () => this.turn(() => {}));
    this.radius = new Radius(
      {
        ...{ now_ms: clock_ms, unixTime_ms: Date.now, random, log: radiusLog },
        calls: () => this.appliance.calls(),
        disconnect: ({ sessionId }, reason) =>
          this.turn((at_ms) => this.appliance.disconnect(sessionId, reason, 'admin-reset', at_ms)),
        change: (call, change) => this.#changeCall(call, change),
      },
      this.#settings,
    );
    this.accounting = new Accounting(
      {
        ...{ store, now_ms: clock_ms, unixTime_ms: Date.now, log: radiusLog },
        connect: (settings) => this.radius.connectAccounting(settings),
        readCounters: (call) => this.calls.counters(call),
      },
      this.#settings,
    );
    this.calls = new CallRecords(store, dependencies.readSessionCounters, this.#callLog, this.accounting);
    const pools = new AddressPools(store.documents, store.leases);
    this.#kernel = new KernelSettings({
      network: dependencies.network,
      log: kernelLog,
      settings: () => this.#settings,
      pools: () => store.documents.pools(),
      devices: () => this.#tuns.devices(),
      calls: () => Array.from(this.calls.all(), ({ info }) => info),
      lan: () => lanInterfaces(this.#settings.interfaces, dependencies.givenLan),
      interfaces: dependencies.readEthernetInterfaces,
      leases: () => this.dhcp.leases(),
    });
    this.dhcp = new AddressLeases({
      ...{ programs: dependencies.dhcp, log: kernelLog, settings: () => this.#settings },
      interfaces: dependencies.readEthernetInterfaces,
      changed: () => void this.#kernel.apply(),
    });
    this.ports = new Ports(dependencies.portOffload, kernelLog);
    this.#limits = new CallLimits(dependencies.readSessionCounters);
    this.#answers = new Answers({
      store,
      pools,
      radius: () => this.radius.authenticator,
      resolve: dependencies.resolve,
      calls: () => this.appliance.calls(),
      clearCall: (callId, reason) => {
        const call = this.#callOf(callId);
        if (call !== undefined) this.appliance.clear(call.sessionId, reason, 'nas-request', this.now_ms());
      },
    });
    const push = (command: DataPlaneCommand) => void this.#commands.push(command);
    this.pppoe = new PppoeInterfaces(push, dependencies.readEthernetInterfaces);
    this.captures = new Captures({
      turn: (act) => this.turn(act),
      push,
      calls: () => this.appliance.calls(),
      callOf: (sessionId) => this.appliance.callInfo(sessionId),
      pseudowires: () => this.appliance.pseudowires(),
      tunnel: (tunnelId) => this.appliance.endpoint.tunnel(tunnelId),
      about: { localPort: dependencies.listeningPort, program: dependencies.program, hardware: process.arch },
    });
    this.memory = new SessionMemory(dependencies.readMemory);
    this.#nextActivity_ms = now_ms;
    this.#accountingPrefix = store.bootNumber.toString(16).padStart(8, '0').toUpperCase();
    this.#routerId = (random(4).reduce((id, octet) => id * 256 + octet, 0) || 1) >>> 0;
    this.appliance = new Appliance(this.#applianceConfig(), random, now_ms);
    this.#peerInput = new PeerInput(this.appliance, log);
  }

  get settings(): Settings {
    return this.#settings;
  }

  /** Whether the LNS has what it needs to take calls. */
  get isListening(): boolean {
    return this.#tuns.isLnsOpen();
  }

  /** What does not work although the settings ask for it. */
  problems(): OperatingProblem[] {
    const { listeningPort, packetOffload, store } = this.#dependencies;
    const ofParts = [this.#tuns, this.pppoe, this.#kernel, this.ports, this.dhcp, this.radius].flatMap((part) =>
      part.problems(),
    );
    const seen = { listeningPort, packetOffload, refusedSockets: this.#refusedSockets };
    const ofMemory = this.memory.problems(this.#settings.l2tp.maxSessions, this.appliance.callCount);
    const ofLogs = this.#dependencies.logs.problems();
    const ofStore = rescueProblems(store.rescues, Date.now());
    return [...ofStore, ...settingsProblems(this.#settings, seen), ...ofMemory, ...ofParts, ...ofLogs];
  }

  /** What becomes of users' packets behind the LNS. */
  routing(): { isNeeded: boolean; forwarding: boolean; masquerades: boolean; privatePools: string[] } {
    const { lns, routing } = this.#settings;
    const pools = this.#dependencies.store.documents.pools();
    return {
      isNeeded: lns.enabled,
      forwarding: routing.forwarding,
      masquerades: routing.masqueradeOn.length > 0,
      privatePools: pools
        .filter(({ ranges }) => ranges.some(({ first }) => PRIVATE.test(first)))
        .map(({ name }) => name),
    };
  }

  /** How full the pools are. */
  pools(): { name: string; size: number; leased: number }[] {
    const { documents, leases } = this.#dependencies.store;
    const leased = leases.leasedByPool();
    return documents.pools().map(({ name, size }) => ({ name, size, leased: leased.get(name) ?? 0 }));
  }

  readLoad(): Omit<LoadReading, 'calls'> {
    return this.#dependencies.readLoad();
  }

  now_ms(): number {
    return this.#dependencies.now_ms();
  }

  /** Called once, when the packet path is ready: devices first, then calls. Resolves when the ports are as they shall be. */
  async start(): Promise<void> {
    this.#tuns.open(this.#settings);
    this.#kernel.isStale = true;
    const portsAreSet = this.ports.configure(this.#settings.routing.portOffload);
    this.turn((now_ms) => {
      this.radius.configure(this.#settings);
      this.accounting.start();
      this.#lookAtInterfaces(now_ms);
    });
    await portsAreSet;
  }

  /** Takes settings into force. Devices come before the calls that use them, and go after them. */
  async reconfigure(settings: Settings): Promise<void> {
    this.#settings = settings;
    this.#dependencies.logs.configure(settings);
    this.turn((now_ms) => {
      this.radius.configure(settings);
      this.accounting.configure(settings);
      this.#tuns.open(settings);
      this.#tellDevices(now_ms);
      this.pppoe.retry();
      this.pppoe.refresh(settings.lac);
      this.appliance.configure(this.#applianceConfig(), now_ms);
    });
    this.turn((now_ms) => {
      this.pppoe.closeRetired();
      this.#tuns.close(settings);
      this.#tellDevices(now_ms);
    });
    await Promise.all([this.#kernel.apply(), this.ports.configure(settings.routing.portOffload)]);
    this.dhcp.look();
  }

  /** Ends the calls of those of these users that may no longer call. */
  usersChanged(names: ReadonlySet<string>): void {
    // The users of RADIUS are not in the table.
    if (this.#settings.radius.authentication.length > 0) return;
    this.turn((now_ms) => {
      for (const { info } of this.calls.all()) {
        if (!names.has(info.userName) || info.role === 'lac-client' || info.isTunnelled) continue;
        if (this.#dependencies.store.documents.user(info.userName)?.enabled) continue;
        this.appliance.disconnect(info.sessionId, 'the user may no longer call', 'admin-reset', now_ms);
      }
    });
  }

  /** Ends the calls on addresses that are no pool's any more; the kernel's routes follow. */
  poolsChanged(): void {
    this.#kernel.isStale = true;
    const stranded = this.#dependencies.store.leases.stranded();
    this.turn(() => {
      for (const callId of stranded) this.#endCall(callId, 'the address was taken out of its pool');
    });
  }

  handleReports(reports: readonly DataPlaneReport[]): void {
    this.turn((now_ms) => {
      for (const report of reports) this.#handleReport(report, now_ms);
    });
    if (!this.calls.areEnding) this.#onLastCounters();
  }

  /** Ends all calls; resolves when the kernel has its settings back. The last words to the peers are posted by then. */
  async stop(): Promise<void> {
    this.turn((now_ms) => this.appliance.shutDown(now_ms));
    await this.#lastCounters();
    await this.accounting.stop();
    this.radius.close();
    this.#stopped = true;
    this.#timer.stop();
    await this.dhcp.stop();
    await Promise.all([this.#kernel.withdraw(), this.ports.withdraw()]);
  }

  /** One turn: `inputs` are given to the machine, then all that follows from them is carried out. */
  turn(inputs: (now_ms: number) => void): void {
    if (this.#stopped) return;
    if (this.#inTurn) throw new Error('a turn within a turn');
    this.#inTurn = true;
    const now_ms = this.#dependencies.now_ms();
    try {
      this.#dependencies.store.inTurn(() => {
        inputs(now_ms);
        if (now_ms >= this.#nextActivity_ms) this.#noteActivity(now_ms);
        if (now_ms >= this.appliance.pollTimeout()) this.appliance.handleTimeout(now_ms);
        this.#work(now_ms);
      });
    } catch (error) {
      // What the machine did and what the store kept are no longer the same: whoever called must not go on with it.
      this.#dependencies.fail(error as Error);
      throw error;
    } finally {
      this.#inTurn = false;
    }
    const commands = this.#commands;
    this.#commands = [];
    if (commands.length > 0) this.#dependencies.post(commands);
    if (this.#kernel.isStale) void this.#kernel.apply();
    this.#timer.set(Math.min(this.appliance.pollTimeout(), this.#nextActivity_ms), now_ms);
  }

  /** Answers to questions cause new outputs, and outputs new questions, until all is silent. */
  #work(now_ms: number): void {
    for (;;) {
      for (let given = this.#given.shift(); given !== undefined; given = this.#given.shift()) {
        this.#deliver(given.question, given.answer, now_ms);
      }
      this.appliance.turn(now_ms);
      let output = this.appliance.pollOutput();
      if (output === undefined) return;
      for (; output !== undefined; output = this.appliance.pollOutput()) {
        this.#carryOut(output, now_ms);
        this.captures.follow(output);
      }
    }
  }

  #carryOut(output: Output, now_ms: number): void {
    switch (output.type) {
      case 'question':
        this.#answer(output.question);
        break;
      case 'trace':
        this.#traced(output.record);
        break;
      case 'call-up':
        if (this.calls.live(output.call.callId) === undefined) this.load.setUp();
        this.calls.up(output.call, now_ms);
        this.feed.stands(output.call);
        this.callTraces.up(output.call, Date.now());
        this.#kernel.noteCall(output.call);
        break;
      case 'dial-ended':
        this.#callLog.dialEnded(output.role, output.profile, output.reason, output.redialAfter_ms);
        break;
      case 'tunnel-refused':
        this.#callLog.tunnelRefused(output.peerAddress, output.peerHostName, output.reason, now_ms);
        break;
      case 'pseudowire-up':
        this.#callLog.pseudowireUp(output.name, output.peerAddress);
        break;
      case 'pseudowire-down':
        this.#callLog.pseudowireDown(output.name, output.reason);
        break;
      case 'call-changed':
        this.calls.changed(output.call);
        this.feed.stands(output.call);
        this.#kernel.noteCall(output.call);
        break;
      case 'call-ended':
        this.#callEnded(output.call, output.end);
        break;
      case 'lns-failed':
        this.#callLog.lnsFailed(output.server, output.reason);
        break;
      case 'lns-answers':
        this.#callLog.lnsAnswers(output.server);
        break;
      case 'tunnel-started':
      case 'tunnel-stopped':
      case 'tunnel-rejected':
        this.accounting.tunnelChanged(output);
        break;
      default:
        this.#commands.push(output);
    }
  }

  #callEnded(call: CallInfo, end: CallEnd): void {
    const wasUp = this.calls.live(call.callId) !== undefined;
    if (!wasUp) this.load.failed();
    this.calls.ended(call, end);
    this.feed.ended(call);
    this.callTraces.ended(call, wasUp, Date.now());
    this.#kernel.noteCall(call);
  }

  #traced(record: TraceRecord): void {
    const wallClock_ms = Date.now();
    this.trace.add(record, wallClock_ms);
    this.callTraces.note(record, wallClock_ms);
  }

  /** Of a call that has an address or is about to have one, up or not. */
  #endCall(callId: number, reason: string): void {
    const call = this.#callOf(callId);
    if (call !== undefined) this.appliance.disconnect(call.sessionId, reason, 'nas-request', this.now_ms());
  }

  /** Rates are in force with the turn, filters with the kernel's next run. Rejects where that is not so: all is as before. */
  async #changeCall({ sessionId, authorization: before }: CallInfo, change: AuthorizationChange): Promise<void> {
    this.#authorize(sessionId, change);
    if (change.filters === undefined) return;
    await this.#kernel.apply();
    if (this.#kernel.filtersHold) return;
    this.#authorize(sessionId, before);
    throw new Error('the filters do not hold');
  }

  #authorize(sessionId: number, change: AuthorizationChange): void {
    let isThere = false;
    this.turn(() => {
      isThere = this.appliance.changeAuthorization(sessionId, change);
    });
    if (!isThere) throw new Error('the call is gone');
  }

  #callOf(callId: number): CallInfo | undefined {
    const live = this.calls.live(callId);
    if (live !== undefined) return live;
    for (const call of this.appliance.calls()) if (call.callId === callId) return call;
    return undefined;
  }

  /** An answer comes within the turn, or in one of its own when RADIUS or the resolver has been asked. */
  #answer(question: Question): void {
    this.#answers.answer(question, (answer) => {
      this.#given.push({ question, answer });
      if (!this.#inTurn) this.#turnSoon();
    });
  }

  /** Answers that come together are heard in one turn: one commit and one message for all. */
  #turnSoon(): void {
    if (this.#turnIsDue) return;
    this.#turnIsDue = true;
    setImmediate(() => {
      this.#turnIsDue = false;
      if (this.#given.length > 0) this.turn(() => {});
    });
  }

  #deliver(question: Question, given: Answer, now_ms: number): void {
    const answer = this.#answers.admitted(question, given);
    if (question.type === 'authenticate' && answer.type === 'authenticate' && !answer.answer.accepted) {
      this.#callLog.userRefused(question.userName, question.request.protocol, now_ms);
    }
    if (question.type === 'authorize-tunnel' && answer.type === 'authorize-tunnel' && !answer.accepted) {
      const { path, peerHostName, tunnelId } = question;
      // One that stands already is not refused any more.
      if (this.appliance.endpoint.tunnel(tunnelId)?.state !== 'established') {
        this.#callLog.tunnelRefused(path.peerAddress, peerHostName, answer.errorMessage ?? '', now_ms);
      }
    }
    const peer = () => {
      if (question.type === 'resolve') return NOBODY;
      return question.type === 'authorize-tunnel'
        ? { tunnelId: question.tunnelId }
        : peerOf(this.#callOf(question.callId));
    };
    this.#peerInput.guard(peer, now_ms, () => this.appliance.handleAnswer(answer, now_ms));
  }

  #handleReport(report: DataPlaneReport, now_ms: number): void {
    switch (report.type) {
      case 'control':
      case 'discovery':
      case 'held':
      case 'ppp':
        this.#peerInput.take(report, now_ms);
        break;
      case 'packet-socket-opened':
        this.pppoe.opened(report.interfaceIndex);
        this.appliance.configure(this.#applianceConfig(), now_ms);
        break;
      case 'session-removed':
        this.calls.removed(report.generation, report.counters);
        break;
      case 'tun-opened':
        this.#tuns.opened(report.tun, report.name);
        this.#tellDevices(now_ms);
        this.#kernel.isStale = true;
        break;
      case 'failed': {
        const { what, errno, advice, tun, interfaceIndex } = report;
        this.#dependencies.logs.part('packet-path').error({ errno, advice }, what);
        if (interfaceIndex !== undefined) {
          this.pppoe.failed(interfaceIndex, { what, advice });
          this.appliance.configure(this.#applianceConfig(), now_ms);
          break;
        }
        if (tun === undefined) {
          this.#refusedSockets.push({ what, advice: `${advice}; or do without, and take ip out of l2tp.accepts` });
          break;
        }
        this.#tuns.failed(tun, { what, advice });
        this.#tellDevices(now_ms);
        break;
      }
    }
  }

  #tellDevices(now_ms: number): void {
    for (const [tun, isOpen] of this.#tuns.states()) this.appliance.deviceChanged(tun, isOpen, now_ms);
  }

  /** Data that passed is life for link and tunnel; the first of it in both directions is a call's last step. */
  #noteActivity(now_ms: number): void {
    this.#nextActivity_ms = now_ms + ACTIVITY_INTERVAL_MS;
    for (const sessionId of this.pseudowires.active(this.appliance.pseudowires())) {
      this.appliance.noteTraffic(sessionId, now_ms);
    }
    for (const { sessionId, first } of this.calls.active(this.#dependencies.readActivity())) {
      this.appliance.noteTraffic(sessionId, now_ms);
      if (first) this.appliance.note(sessionId, 14, 'traffic both ways', {}, now_ms);
    }
    this.accounting.tick(now_ms);
    this.captures.look();
    this.memory.note(this.appliance.callCount);
    this.load.note({ ...this.readLoad(), calls: this.appliance.callCount }, Date.now());
    for (const { call, reason, terminateCause } of this.#limits.overdue(this.calls.all(), this.#settings.lns, now_ms)) {
      this.appliance.disconnect(call.sessionId, reason, terminateCause, now_ms);
    }
    if (this.#activities++ % LOOK_AT_INTERFACES_EVERY === 0) this.#lookAtInterfaces(now_ms);
  }

  /** PPPoE is answered where its interface is there, and no longer where it is gone. */
  #lookAtInterfaces(now_ms: number): void {
    this.ports.look();
    this.#kernel.look();
    this.dhcp.look();
    if (!this.pppoe.refresh(this.#settings.lac)) return;
    this.appliance.configure(this.#applianceConfig(), now_ms);
    this.pppoe.closeRetired();
  }

  /** The history gets what the calls have carried that were just ended; a packet path that is silent is not waited for. */
  #lastCounters(): Promise<void> {
    if (!this.calls.areEnding) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, LAST_COUNTERS_MS);
      this.#onLastCounters = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  #applianceConfig(): ApplianceConfig {
    const { listeningPort } = this.#dependencies;
    const tunOf = (role: ProfiledRole, name: string) => this.#tuns.indexOf(role, name);
    return applianceConfig(this.#settings, {
      ...{ tunOf, localPort: listeningPort, routerId: this.#routerId },
      pppoeInterfaces: this.pppoe.open(),
      accountingPrefix: this.#accountingPrefix,
    });
  }
}
