/**
 * What is accounted for, and when it is said: Start, Interim-Update and Stop of users' calls, the same of tunnels and
 * their links, On and Off of the box (RFC 2866, 2867, 2869 section 2.1). Nothing is said without an accounting server in
 * the settings. Everything but `stop` is a part of a turn of the store: a record is on the disk before the packet path
 * or a peer hears of what it tells. Must not know how records get to the servers.
 */
import { DeadlineQueue } from '../../protocol/deadline-queue.js';
import type { CallEnd, CallInfo } from '../../roles/role.js';
import type { RadiusSettings, Settings } from '../../settings.js';
import type { CallCounters } from '../../store/calls.js';
import type { Store } from '../../store/store.js';
import type { RadiusValues } from '../../wire/radius-attributes.js';
import type { Log } from '../call-log.js';
import { nasValues } from '../radius/call-attributes.js';
import { AccountingDelivery, type AccountingTransport } from './delivery.js';
import { Ledger, type Moment, type OpenEntry } from './ledger.js';
import {
  accountingId,
  callValues,
  causeValue,
  isInTunnel,
  TERMINATE_CAUSE,
  type TunnelOutput,
  tunnelValues,
  type Use,
  useValues,
} from './record.js';

export interface AccountingDependencies {
  store: Pick<Store, 'accounting' | 'bootNumber'>;
  /** The way to `settings.accounting`, of which there is at least one server. */
  connect(settings: RadiusSettings): AccountingTransport;
  /** What a call that stands has carried so far; zeros when the packet path has let go of it. */
  readCounters(call: CallInfo): CallCounters;
  /** Monotonic. */
  now_ms(): number;
  unixTime_ms(): number;
  log: Log;
}

/** Records that wait, that were delivered since the start, and that went undelivered since there were too many. */
export interface AccountingView {
  waiting: number;
  delivered: number;
  givenUp: number;
}

/** What a kill -9 costs of a call's counters at most. */
const COUNT_INTERVAL_MS = 60_000;
/** RFC 2869 section 5.16: RADIUS must not ask for less. */
const MIN_INTERIM_S = 60;
/** How long the end of the program waits for the servers. */
const LAST_DELIVERY_MS = 2_000;
/** Given-up records are told of no more often. */
const GIVEN_UP_INTERVAL_MS = 60_000;

const NOTHING: CallCounters = { receivedPackets: 0, receivedOctets: 0, sentPackets: 0, sentOctets: 0 };

interface LiveCall {
  info: CallInfo;
  upAt_ms: number;
  /** Undefined as long as nothing is told of it. */
  entry: OpenEntry | undefined;
  /** As of its Start: a call's records agree on who tells them. */
  settings: Settings;
  isLink: boolean;
  /** When it was looked at last. */
  counters: CallCounters;
  /** undefined: without Interim-Updates. */
  interimAt_ms: number | undefined;
  /** What the user's authorization said of it when that was looked at last. */
  interimInterval_s: number;
}

interface LiveTunnel {
  entry: OpenEntry;
  startedAt_ms: number;
  /** Calls in it whose last counters are not known. */
  calls: Set<number>;
  /** Of the calls in it that have ended. */
  carried: CallCounters;
  /** It is over, but for last counters. */
  stopped: Moment | undefined;
}

export class Accounting {
  readonly #dependencies: AccountingDependencies;
  readonly #ledger: Ledger;
  readonly #delivery: AccountingDelivery;
  readonly #calls = new Map<number, LiveCall>();
  readonly #tunnels = new Map<number, LiveTunnel>();
  /** Tunnels that are over, whose number may be another's by now. */
  readonly #endingTunnels = new Set<LiveTunnel>();
  /** Of calls: when they are counted, or say so. */
  readonly #deadlines = new DeadlineQueue();
  #settings: Settings;
  #isOn = false;
  #lastTunnel = 0;
  #toldGivenUp = { count: 0, at_ms: Number.NEGATIVE_INFINITY };

  constructor(dependencies: AccountingDependencies, settings: Settings) {
    const { store, log } = dependencies;
    this.#dependencies = dependencies;
    this.#settings = settings;
    this.#ledger = new Ledger(store, dependencies);
    this.#delivery = new AccountingDelivery(store.accounting.queue, store.bootNumber, dependencies, log);
  }

  /** Called once, before the first call: what was open when the last process ended is over, and the box is on. */
  start(): void {
    if (!isWanted(this.#settings)) {
      this.#ledger.forget();
      return;
    }
    this.#ledger.stopWhatWasLeft(this.#settings.radius.tunnelAccounting);
    this.#turnOn();
  }

  /** New servers get what waits; with the first one, calls that stand begin; without any, nothing more is told of them. */
  configure(settings: Settings): void {
    const before = this.#settings;
    this.#settings = settings;
    const wasOn = this.#isOn;
    if (!isWanted(settings)) this.#turnOff();
    else if (!wasOn) this.#turnOn();
    else if (JSON.stringify(before.radius) !== JSON.stringify(settings.radius)) this.#connect();
    if (wasOn || !this.#isOn) return;
    for (const live of this.#calls.values()) this.#begin(live);
  }

  /** A call is up, for the first time or again. */
  callUp(info: CallInfo): void {
    // What we dial ourselves is no user of ours: RFC 2866 section 5.6.
    if (info.role === 'lac-client') return;
    if (this.#calls.has(info.callId)) {
      this.callChanged(info);
      return;
    }
    const upAt_ms = this.#dependencies.now_ms();
    const live: LiveCall = {
      info,
      upAt_ms,
      entry: undefined,
      settings: this.#settings,
      isLink: false,
      counters: NOTHING,
      interimAt_ms: undefined,
      interimInterval_s: 0,
    };
    this.#calls.set(info.callId, live);
    if (this.#isOn) this.#begin(live);
  }

  callChanged(info: CallInfo): void {
    const live = this.#calls.get(info.callId);
    if (live === undefined) return;
    live.info = info;
    if (live.entry === undefined) return;
    const { acctMultiSessionId } = live.entry.values;
    this.#ledger.change(live.entry, {
      ...callValues(info, live.settings),
      ...(acctMultiSessionId !== undefined && { acctMultiSessionId }),
    });
    if (info.authorization.interimInterval_s !== live.interimInterval_s) {
      const now_ms = this.#dependencies.now_ms();
      this.#planInterim(live, now_ms, now_ms);
    }
  }

  /** `counters` are its last ones. */
  callEnded(info: CallInfo, end: CallEnd, counters: CallCounters): void {
    const live = this.#calls.get(info.callId);
    if (live === undefined) return;
    this.#calls.delete(info.callId);
    this.#deadlines.set(info.callId, undefined);
    const { entry } = live;
    if (entry === undefined) return;
    const moment = this.#ledger.now();
    const said = { ...entry.values, ...useValues(this.#useOf(live, counters, moment)), ...causeValue(end) };
    this.#ledger.record('stop', said, moment);
    if (live.isLink) this.#ledger.record('tunnelLinkStop', said, moment);
    this.#ledger.close(entry);
    this.#leaveTunnel(info, counters);
    this.#delivery.wake();
  }

  tunnelChanged(tunnel: TunnelOutput): void {
    if (!this.#isOn || !this.#settings.radius.tunnelAccounting) return;
    const moment = this.#ledger.now();
    if (tunnel.type === 'tunnel-started') this.#tunnelStarted(tunnel, moment);
    else if (tunnel.type === 'tunnel-stopped') this.#tunnelStopped(tunnel.tunnelId, moment);
    else {
      const cause = { acctTerminateCause: TERMINATE_CAUSE['service-unavailable'] };
      this.#ledger.record('tunnelReject', { ...this.#newTunnel(tunnel), ...cause }, moment);
    }
    this.#delivery.wake();
  }

  /** Called once a second: Interim-Updates that are due, and counters for the case that this process is killed. */
  tick(now_ms: number): void {
    for (let callId = this.#deadlines.takeDue(now_ms); callId !== undefined; callId = this.#deadlines.takeDue(now_ms)) {
      const live = this.#calls.get(callId);
      if (live?.entry !== undefined) this.#count(live, live.entry, now_ms);
    }
    this.#tellGivenUp(now_ms);
  }

  /** Called once, when no call stands any more: the box is off. Resolves when the servers know, or are not to be had. */
  async stop(): Promise<void> {
    if (this.#isOn) {
      const values = { ...nasValues(this.#settings), acctSessionId: this.#ownId() };
      this.#ledger.record(
        'accountingOff',
        { ...values, acctTerminateCause: TERMINATE_CAUSE['admin-reboot'] },
        this.#ledger.now(),
      );
      await this.#delivery.rest(LAST_DELIVERY_MS);
    }
    this.#delivery.close();
  }

  view(): AccountingView {
    const { queue } = this.#dependencies.store.accounting;
    return { waiting: queue.length, delivered: this.#delivery.delivered, givenUp: queue.givenUp };
  }

  #turnOn(): void {
    this.#isOn = true;
    this.#ledger.record(
      'accountingOn',
      { ...nasValues(this.#settings), acctSessionId: this.#ownId() },
      this.#ledger.now(),
    );
    this.#connect();
  }

  #turnOff(): void {
    this.#isOn = false;
    this.#delivery.use(undefined);
    this.#ledger.forget();
    this.#tunnels.clear();
    this.#endingTunnels.clear();
    for (const live of this.#calls.values()) {
      live.entry = undefined;
      this.#deadlines.set(live.info.callId, undefined);
    }
  }

  #connect(): void {
    this.#delivery.use(this.#dependencies.connect(this.#settings.radius));
  }

  #begin(live: LiveCall): void {
    const { info } = live;
    const moment = this.#ledger.now();
    live.settings = this.#settings;
    live.isLink = this.#settings.radius.tunnelAccounting && isInTunnel(info);
    const tunnel = live.isLink ? this.#tunnels.get(info.tunnelId) : undefined;
    tunnel?.calls.add(info.callId);
    const acctMultiSessionId = tunnel?.entry.values.acctSessionId;
    const values = {
      ...callValues(info, this.#settings),
      ...(acctMultiSessionId !== undefined && { acctMultiSessionId }),
    };
    live.entry = this.#ledger.open(values, 'stop', moment);
    this.#ledger.record('start', values, moment);
    if (live.isLink) this.#ledger.record('tunnelLinkStart', values, moment);
    this.#planInterim(live, moment.uptime_ms, moment.uptime_ms);
    this.#delivery.wake();
  }

  /** `from_ms`: where the interval begins. */
  #planInterim(live: LiveCall, from_ms: number, now_ms: number): void {
    const { interimInterval_s } = live.info.authorization;
    live.interimInterval_s = interimInterval_s;
    const wanted_s =
      interimInterval_s > 0 ? Math.max(MIN_INTERIM_S, interimInterval_s) : live.settings.radius.interimInterval_s;
    live.interimAt_ms = wanted_s > 0 ? Math.max(now_ms, from_ms + wanted_s * 1000) : undefined;
    this.#setDeadline(live, now_ms);
  }

  #setDeadline({ info, interimAt_ms }: LiveCall, now_ms: number): void {
    this.#deadlines.set(info.callId, Math.min(interimAt_ms ?? Number.POSITIVE_INFINITY, now_ms + COUNT_INTERVAL_MS));
  }

  #count(live: LiveCall, entry: OpenEntry, now_ms: number): void {
    const { interimAt_ms } = live;
    const moment = this.#ledger.now();
    const counters = this.#dependencies.readCounters(live.info);
    // A call whose last counters are on their way to callEnded reads as zeros: what it had stands until then.
    if (counters.receivedPackets + counters.sentPackets > 0) live.counters = counters;
    const use = this.#useOf(live, live.counters, moment);
    this.#ledger.count(entry, use, moment);
    if (interimAt_ms === undefined || now_ms < interimAt_ms) {
      this.#setDeadline(live, now_ms);
      return;
    }
    this.#ledger.record('interimUpdate', { ...entry.values, ...useValues(use) }, moment);
    this.#planInterim(live, interimAt_ms, now_ms);
    this.#delivery.wake();
  }

  #useOf({ upAt_ms }: LiveCall, counters: CallCounters, { uptime_ms }: Moment): Use {
    return { ...counters, duration_s: seconds(upAt_ms, uptime_ms) };
  }

  #newTunnel(tunnel: TunnelOutput): RadiusValues {
    this.#lastTunnel += 1;
    const { bootNumber } = this.#dependencies.store;
    return tunnelValues(tunnel, `${accountingId(bootNumber, this.#lastTunnel)}T`, this.#settings);
  }

  #tunnelStarted(tunnel: TunnelOutput, moment: Moment): void {
    const values = this.#newTunnel(tunnel);
    const carried = { ...NOTHING };
    const entry = this.#ledger.open(values, 'tunnelStop', moment);
    const startedAt_ms = moment.uptime_ms;
    this.#tunnels.set(tunnel.tunnelId, { entry, startedAt_ms, calls: new Set(), carried, stopped: undefined });
    this.#ledger.record('tunnelStart', values, moment);
  }

  #tunnelStopped(tunnelId: number, moment: Moment): void {
    const live = this.#tunnels.get(tunnelId);
    if (live === undefined) return;
    this.#tunnels.delete(tunnelId);
    live.stopped = moment;
    this.#endingTunnels.add(live);
    this.#endTunnel(live);
  }

  /** Its Stop has the last counters of all its calls. */
  #endTunnel(live: LiveTunnel): void {
    const { entry, stopped, calls, carried, startedAt_ms } = live;
    if (stopped === undefined || calls.size > 0) return;
    this.#endingTunnels.delete(live);
    const use = { ...carried, duration_s: seconds(startedAt_ms, stopped.uptime_ms) };
    this.#ledger.record('tunnelStop', { ...entry.values, ...useValues(use) }, stopped);
    this.#ledger.close(entry);
  }

  #leaveTunnel({ callId, tunnelId }: CallInfo, counters: CallCounters): void {
    const standing = this.#tunnels.get(tunnelId);
    for (const live of standing === undefined ? this.#endingTunnels : [standing, ...this.#endingTunnels]) {
      if (!live.calls.delete(callId)) continue;
      for (const name of ['receivedPackets', 'receivedOctets', 'sentPackets', 'sentOctets'] as const) {
        live.carried[name] += counters[name];
      }
      this.#endTunnel(live);
    }
  }

  #ownId(): string {
    return accountingId(this.#dependencies.store.bootNumber, 0);
  }

  #tellGivenUp(now_ms: number): void {
    const { givenUp } = this.#dependencies.store.accounting.queue;
    if (givenUp === this.#toldGivenUp.count || now_ms < this.#toldGivenUp.at_ms + GIVEN_UP_INTERVAL_MS) return;
    this.#toldGivenUp = { count: givenUp, at_ms: now_ms };
    this.#dependencies.log.warn({ givenUp }, 'accounting records are given up: too many wait for a server');
  }
}

function isWanted({ radius }: Settings): boolean {
  return radius.accounting.length > 0;
}

function seconds(from_ms: number, to_ms: number): number {
  return Math.floor((to_ms - from_ms) / 1000);
}
