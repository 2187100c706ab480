/**
 * Test calls as the administrator asks for them: of the box's own LNS, of a group of LNSes, or of a profile that dials by
 * itself. One at a time. Must not handle packets: that is the caller's.
 */
import type { LacClientSettings, Settings } from '../../settings.js';
import type { RandomBytes } from '../../wire/bytes.js';
import { applianceConfig } from '../appliance-config.js';
import { explain, type Failure, failure } from '../traces/failure.js';
import { decideTunnel } from '../tunnel-policy.js';
import type { CallStepRecord, LacClientView } from '../view.js';
import { TestCaller } from './test-caller.js';

export type TestCallKind =
  | { kind: 'lns'; user: string; password: string }
  | { kind: 'tunnel-group'; group: string; user: string; password: string }
  | { kind: 'lac-client'; profile: string };

export interface TestCallStep {
  /** Of the fourteen. */
  number: number;
  what: 'tunnel' | 'session' | 'link' | 'authentication' | 'address' | 'echo';
  /** Since the beginning. */
  at_ms: number;
  state: 'done' | 'failed';
}

export interface TestCallView {
  state: 'none' | 'running' | 'passed' | 'failed';
  /** ISO 8601, '' before the first one. */
  startedAt: string;
  steps: TestCallStep[];
  address: string;
  roundTrip_ms: number | null;
  failure: Failure | null;
}

export interface TestCallDependencies {
  settings(): Settings;
  /** A host name's first address. Rejects with the resolver's reason. */
  resolve(host: string): Promise<string>;
  random: RandomBytes;
  /** Monotonic. */
  now_ms(): number;
  clients(): readonly LacClientView[];
  /** What the box's own LNS has traced of the call of these numbers. */
  atOwnLns(request: CallStepRecord): readonly CallStepRecord[];
}

const HOST_NAME = 'tunnelwerk-test-call';
const LOOPBACK = '127.0.0.1';
/** Of a profile that dials by itself. */
const CLIENT_LIMIT_MS = 20_000;
const LOOK_EVERY_MS = 250;
const WHAT: Readonly<Record<number, TestCallStep['what']>> = {
  5: 'tunnel',
  6: 'session',
  7: 'link',
  10: 'authentication',
  13: 'address',
};
const NONE: TestCallView = { state: 'none', startedAt: '', steps: [], address: '', roundTrip_ms: null, failure: null };

export class TestCalls {
  readonly #dependencies: TestCallDependencies;
  #view: TestCallView = NONE;
  #caller: TestCaller | undefined;
  #look: NodeJS.Timeout | undefined;

  constructor(dependencies: TestCallDependencies) {
    this.#dependencies = dependencies;
  }

  view(): TestCallView {
    if (this.#view.state !== 'running' || this.#caller === undefined) return this.#view;
    return { ...this.#view, steps: stepsOf(this.#caller.records()) };
  }

  get isRunning(): boolean {
    return this.#view.state === 'running';
  }

  /** Resolves when the call is on its way; gives why it cannot be, in words with the field. */
  async start(wanted: TestCallKind): Promise<{ field: string; reason: string } | undefined> {
    const { settings } = this.#dependencies;
    if (wanted.kind === 'lac-client') {
      const profile = settings().lacClients.find(({ name }) => name === wanted.profile);
      if (profile === undefined) return { field: '/profile', reason: `there is no profile ${wanted.profile}` };
      if (!profile.enabled) return { field: '/profile', reason: 'the profile is switched off; switch it on first' };
      this.#begin();
      this.#watch(wanted.profile, performance.now());
      return undefined;
    }
    const target = wanted.kind === 'lns' ? this.#ownLns() : await this.#group(wanted.group);
    if ('reason' in target) return target;
    this.#begin();
    this.#place(target, wanted);
    return undefined;
  }

  stop(): void {
    this.#caller?.cancel();
    clearInterval(this.#look);
    if (this.isRunning && this.#caller === undefined) this.#fail('the test call was ended', undefined);
  }

  #begin(): void {
    this.#caller = undefined;
    this.#view = { ...NONE, state: 'running', startedAt: new Date().toISOString() };
  }

  #ownLns(): { address: string; port: number; secret: string } | { field: string; reason: string } {
    const settings = this.#dependencies.settings();
    const { lns, l2tp } = settings;
    if (!lns.enabled) return { field: '/kind', reason: 'the LNS is switched off; switch it on first' };
    if (!l2tp.accepts.includes('udp2')) {
      return { field: '/kind', reason: 'the test call speaks version 2 over UDP, which l2tp.accepts leaves out' };
    }
    const decision = decideTunnel(settings, LOOPBACK, HOST_NAME);
    if (!decision.accepted) {
      const reason = `the LNS takes no tunnel from ${LOOPBACK}; allow unknown peers, or add it to tunnelPeers for the test`;
      return { field: '/kind', reason };
    }
    const { secret } = decision.policy;
    return { address: LOOPBACK, port: l2tp.port, secret: secret === undefined ? '' : Buffer.from(secret).toString() };
  }

  async #group(name: string) {
    const group = this.#dependencies.settings().lac.tunnelGroups.find((each) => each.name === name);
    if (group === undefined) return { field: '/group', reason: `there is no group ${name}` };
    const [server] = [...group.servers].sort((one, other) => one.preference - other.preference);
    if (server === undefined) return { field: '/group', reason: 'the group has no LNS; add one' };
    if (server.encapsulation === 'ip' || server.encapsulation === 'udp3') {
      return { field: '/group', reason: 'the test call speaks version 2 over UDP, and this LNS is set to another' };
    }
    try {
      const address = await this.#dependencies.resolve(server.server);
      return { address, port: server.port, secret: server.secret ?? '' };
    } catch (error) {
      return { field: '/group', reason: `${server.server} has no address: ${(error as Error).message}` };
    }
  }

  #place(
    target: { address: string; port: number; secret: string },
    { user, password }: { user: string; password: string },
  ) {
    const { settings, random, now_ms } = this.#dependencies;
    const config = applianceConfig(callerSettings(settings(), target, user, password), {
      ...{ tunOf: () => 1, localPort: 0, routerId: 1, pppoeInterfaces: [], accountingPrefix: '' },
    });
    const caller = new TestCaller(config, target, random, now_ms);
    this.#caller = caller;
    void caller.result.then(({ passed, address, roundTrip_ms, reason }) => {
      if (this.#caller !== caller) return;
      const steps = stepsOf(caller.records());
      if (passed) {
        const echo: TestCallStep = { number: 14, what: 'echo', at_ms: this.#elapsed_ms(), state: 'done' };
        this.#view = { ...this.#view, state: 'passed', address, roundTrip_ms, steps: [...steps, echo], failure: null };
        return;
      }
      this.#view = { ...this.#view, address };
      this.#fail(reason, this.#why(caller.records()), steps);
    });
  }

  /** The LNS of this box knows best why it refused. */
  #why(records: readonly CallStepRecord[]): Failure | undefined {
    const request = records.findLast(({ what, direction }) => what === 'ICRQ' && direction === 'sent');
    const own = explain(records);
    const theirs = request && explain(this.#dependencies.atOwnLns(request));
    return theirs ?? (own?.code === 'other' ? undefined : own);
  }

  #fail(reason: string, why: Failure | undefined, steps: TestCallStep[] = []): void {
    const failed = why ?? failure('other', 0, { reason });
    const course = steps.map((step, at) => (at === steps.length - 1 ? { ...step, state: 'failed' as const } : step));
    this.#view = { ...this.#view, state: 'failed', steps: course, failure: failed };
  }

  #watch(profile: string, startedAt_ms: number): void {
    this.#look = setInterval(() => {
      const client = this.#dependencies.clients().find(({ name }) => name === profile);
      const isLate = performance.now() - startedAt_ms > CLIENT_LIMIT_MS;
      if (client?.state === 'up') this.#view = { ...this.#view, state: 'passed' };
      else if (client === undefined) this.#fail('the profile is gone', undefined);
      else if (client.lastError !== '' && client.state === 'waiting') this.#fail(client.lastError, undefined);
      else if (isLate) this.#fail('the call did not come up in 20 s', undefined);
      if (!this.isRunning) clearInterval(this.#look);
    }, LOOK_EVERY_MS);
  }

  #elapsed_ms(): number {
    return Date.now() - Date.parse(this.#view.startedAt);
  }
}

/** Each step's first line; what is asked and answered about the user is one with its authentication. */
function stepsOf(records: readonly CallStepRecord[]): TestCallStep[] {
  const first = Date.parse(records[0]?.time ?? '');
  const steps: TestCallStep[] = [];
  for (const { step, time } of records) {
    const what = WHAT[step];
    if (what === undefined || steps.some((each) => each.what === what)) continue;
    steps.push({ number: step, what, at_ms: Date.parse(time) - first, state: 'done' });
  }
  return steps;
}

/** A box that is nothing but the caller. */
function callerSettings(
  settings: Settings,
  { address, port, secret }: { address: string; port: number; secret: string },
  userName: string,
  password: string,
): Settings {
  const profile: LacClientSettings = {
    ...{ name: 'test call', enabled: true, server: address, port, encapsulation: 'udp2', tunnelSecret: secret },
    ...{ digest: 'sha1', cookie_bytes: 0, userName, password, authentication: ['mschapv2', 'chap-md5', 'pap'] },
    ...{ tunInterface: 'none', routes: [], localNetworks: [], ipv6: false, mru_bytes: 1400, mssClamp: false },
    ...{ sequencing: false, redialInitial_s: 3_600, redialCap_s: 3_600 },
  };
  return {
    ...settings,
    system: { ...settings.system, hostName: HOST_NAME },
    lns: { ...settings.lns, enabled: false },
    lac: { ...settings.lac, enabled: false },
    lacClients: [profile],
    pseudowires: [],
  };
}
