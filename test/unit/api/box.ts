/**
 * A box for tests of the API: a real store in a temporary folder, the real trace, and calls and tunnels that are plain
 * lists, for the API is what is tested here and not what makes them.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import { EventEmitter } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { type ClientRequest, type IncomingMessage, type RequestOptions, request } from 'node:http';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { FastifyBaseLogger } from 'fastify';
import { pino } from 'pino';
import type { Program } from '../../../firmware/api/program.js';
import { type ApiServer, buildServer } from '../../../firmware/api/server.js';
import { Captures } from '../../../firmware/control/capture/captures.js';
import { Load } from '../../../firmware/control/load.js';
import { LogRing } from '../../../firmware/control/log-ring.js';
import { TestCalls } from '../../../firmware/control/test-call/test-calls.js';
import { Trace } from '../../../firmware/control/trace.js';
import { CallTraces } from '../../../firmware/control/traces/call-traces.js';
import type {
  ControlPlaneView,
  CountsView,
  DhcpView,
  OperatingProblem,
  OverviewView,
  PppoeView,
  PseudowireView,
  RadiusView,
  SessionRow,
  SessionView,
  StatusView,
  TunnelView,
} from '../../../firmware/control/view.js';
import { readInterfaces, readRoutes } from '../../../firmware/linux/network-state.js';
import { makeSelfSignedCertificate } from '../../../firmware/linux/openssl-program.js';
import type { Settings } from '../../../firmware/settings.js';
import type { Store } from '../../../firmware/store/store.js';
import { temporaryStore } from '../store/temporary-store.js';

export const SESSION: SessionView = {
  callId: 7,
  sessionId: 4711,
  l2tpSessionId: 4711,
  peerSessionId: 12,
  callSerialNumber: 1,
  tunnelId: 815,
  role: 'lns',
  profile: '',
  state: 'up',
  user: 'alice',
  address: '10.112.112.10',
  interfaceId: '0211:22ff:fe33:4455',
  linkLocalAddress: 'fe80::211:22ff:fe33:4455',
  callingNumber: '12345',
  calledNumber: '',
  lns: '',
  proxied: 'no',
  pppoe: null,
  filters: ['web'],
  sessionTimeout_s: 3600,
  idleTimeout_s: 0,
  receiveRate_bps: 1_000_000,
  sendRate_bps: 0,
  accountingId: '0000000100000001',
  version: 2,
  encapsulation: 'udp',
  cookie_bytes: 0,
  peerAddress: '192.0.2.1',
  peerPort: 1701,
  since: '2026-01-02T03:04:05.678Z',
  counters: { receivedPackets: 1, receivedOctets: 2 ** 40, sentPackets: 3, sentOctets: 4 },
  mtu_bytes: 1400,
  authentication: 'mschapv2',
  lcp: { localMru_bytes: 1400, peerMru_bytes: 1500, transmitAcfc: true, transmitPfc: false },
};

export const RADIUS: RadiusView = {
  servers: [
    {
      service: 'authentication',
      address: '192.0.2.10',
      port: 1812,
      state: 'dead',
      since: '2026-01-02T03:04:05.678Z',
      requests: 4,
      replies: 3,
      noReplies: 1,
      drops: { 'authenticator-wrong': 2 },
    },
  ],
  strangers: 7,
  accounting: { waiting: 5, delivered: 6, givenUp: 0 },
  dynamicAuthorization: { port: 3799, requests: 2, acknowledged: 1, refused: 1, repeated: 0, drops: {} },
};

export const PPPOE: PppoeView = {
  enabled: true,
  interfaces: [{ name: 'eth1', isServed: true, mac: '02:00:5e:00:53:01', mtu_bytes: 1500, sessions: 3 }],
  received: { padi: 4, padr: 3, padt: 0 },
  sent: { pado: 4, pads: 3, padt: 0 },
  drops: { 'cookie-invalid': 1 },
  failedLnses: [{ server: 'lns.example', until: '2026-01-02T03:05:05.678Z' }],
};

export const TUNNEL: TunnelView = {
  tunnelId: 815,
  peerTunnelId: 9,
  state: 'established',
  originator: false,
  profile: '',
  peerHostName: 'lac.example',
  peerVendorName: 'xelerance.com',
  version: 2,
  encapsulation: 'udp',
  localAddress: '192.0.2.254',
  peerAddress: '192.0.2.1',
  peerPort: 1701,
  sessions: 1,
  since: '2026-01-02T03:04:05.678Z',
};

export const PSEUDOWIRE: PseudowireView = {
  name: 'branch',
  enabled: true,
  mode: 'dial',
  type: 'ethernet',
  vlanId: 0,
  state: 'up',
  lastError: '',
  redialAt: '',
  encapsulation: 'ip',
  tunnelId: 4712,
  sessionId: 0xfedc_ba98,
  peerSessionId: 0x8000_0001,
  remoteEndId: 'branch-lan',
  peer: 'branch.example',
  peerAddress: '2001:db8::2',
  tapInterface: 'tap0',
  bridge: 'br0',
  mtu_bytes: 1500,
  peerActive: true,
  since: '2026-01-02T03:04:05.678Z',
  counters: { receivedPackets: 5, receivedOctets: 2 ** 33, sentPackets: 6, sentOctets: 7 },
};

export const STATUS: StatusView = {
  hostName: 'lns1',
  version: '0.1.0',
  startedAt: '2026-01-02T03:04:05.678Z',
  lns: { enabled: true, listening: true },
  lac: { enabled: false, listening: false },
  lacClients: [],
  ports: [{ name: 'eth0', gro: true, udpGroForwarding: null }],
  tunnels: 1,
  sessions: 1,
  memory: { resident_bytes: 134_217_728, perSession_bytes: 6_144, sessionsThatFit: 65_535 },
  drops: { 'unknown session': 7 },
  problems: [],
};

const OVERVIEW: OverviewView = {
  callsUp: 1,
  callsByRole: { lns: 1, lac: 0, lacClient: 0 },
  callsThatFit: 4096,
  setupsPerMinute: 12,
  failuresPerMinute: 1,
  received_bps: 1_000_000,
  sent_bps: 2_000_000,
  cpu_percent: 12.5,
  cpuOfMachine_percent: 6,
  memory: { resident_bytes: 134_217_728, available_bytes: 2 ** 30 },
  drops: [{ reason: 'unknown-session', count: 7, perMinute: 1 }],
  attention: [],
};

function rowOf({ pppoe: _, ...call }: SessionView): SessionRow {
  const { callId, sessionId, tunnelId, role, state, user, address, callingNumber, peerAddress, since } = call;
  const { receivedOctets, sentOctets } = call.counters;
  return {
    ...{ callId, sessionId, tunnelId, role, state, user, address, callingNumber, peerAddress, since },
    ...{ receivedOctets, sentOctets, encapsulation: call.encapsulation },
  };
}

/** What the API did to the box. */
export class PlainView implements ControlPlaneView {
  readonly trace = new Trace(1000);
  readonly callTraces: CallTraces;
  readonly done: string[] = [];
  readonly captures = new Captures({
    turn: (act) => act(),
    push: ({ type }) => void this.done.push(type),
    calls: () => [],
    callOf: () => undefined,
    pseudowires: () => [],
    tunnel: () => undefined,
    about: { localPort: 1701, program: 'tunnelwerk test', hardware: 'test' },
  });
  /** 'applied', each time settings come into force. */
  readonly changes = new EventEmitter();
  applied: Settings | undefined;
  cannot: OperatingProblem[] = [];
  calls: SessionView[] = [SESSION];
  wires: PseudowireView[] = [PSEUDOWIRE];

  constructor({ failedCalls, bootNumber }: Store) {
    this.callTraces = new CallTraces(this.trace, failedCalls, bootNumber);
  }

  sessions(limit: number, afterCallId: number): SessionView[] {
    return this.calls.filter(({ callId }) => callId > afterCallId).slice(0, limit);
  }

  session(sessionId: number): SessionView | undefined {
    return this.calls.find((call) => call.sessionId === sessionId);
  }

  sessionIdOf(callId: number): number {
    return this.calls.find((call) => call.callId === callId)?.sessionId ?? 0;
  }

  *sessionRows(): Iterable<SessionRow> {
    for (const call of this.calls) yield rowOf(call);
  }

  followSessions() {
    const seen = new Set(this.calls.map(({ callId }) => callId));
    return {
      take: () => {
        const stand = this.calls.filter(({ callId }) => !seen.has(callId)).map(rowOf);
        const ended = [...seen].filter((callId) => !this.calls.some((call) => call.callId === callId));
        for (const { callId } of stand) seen.add(callId);
        for (const callId of ended) seen.delete(callId);
        return { stand, ended, isWhole: true };
      },
      close: () => this.done.push('sessions are not followed any more'),
    };
  }

  counts(): CountsView {
    const callsByRole = { lns: 1, lac: 2, lacClient: 3 };
    return { setups: 5, failures: 2, receivedOctets: 2 ** 40, sentOctets: 2 ** 41, callsByRole };
  }

  overview(): OverviewView {
    return { ...OVERVIEW, callsUp: this.calls.length };
  }

  loadHistory() {
    return new Load().history();
  }

  tunnels(): TunnelView[] {
    return [TUNNEL];
  }

  pseudowires(): PseudowireView[] {
    return this.wires;
  }

  radius(): RadiusView {
    return RADIUS;
  }

  dhcp(): DhcpView[] {
    return [];
  }

  pppoe(): PppoeView {
    return PPPOE;
  }

  status(): StatusView {
    return STATUS;
  }

  disconnectSession(sessionId: number, reason: string): boolean {
    if (!this.session(sessionId)) return false;
    this.calls = this.calls.filter((call) => call.sessionId !== sessionId);
    this.done.push(`session ${sessionId}: ${reason}`);
    return true;
  }

  closeTunnel(tunnelId: number): boolean {
    if (tunnelId !== TUNNEL.tunnelId) return false;
    this.done.push(`tunnel ${tunnelId}`);
    return true;
  }

  async applySettings(settings: Settings): Promise<OperatingProblem[]> {
    this.applied = settings;
    this.changes.emit('applied');
    return [...this.cannot];
  }

  userChanged(name: string): void {
    this.done.push(`user ${name}`);
  }

  usersChanged(names: ReadonlySet<string>): void {
    for (const name of names) this.userChanged(name);
  }

  poolsChanged(): void {
    this.done.push('pools');
  }

  /** Puts a line into the trace. */
  note(label: string): void {
    const record = { at_ms: 0, role: 'lns', step: 5, kind: 'received', detail: {}, tunnelId: 815 } as const;
    this.trace.add(
      { ...record, label, packet: undefined, sessionId: 0, callId: 0, user: '', peerAddress: '' },
      Date.UTC(2026, 0, 2),
    );
  }
}

/** As built, beside the folder of the compiled tests. */
const WEB_UI_FOLDER = resolve(fileURLToPath(new URL('../../../page', import.meta.url)));

export interface Box extends ApiServer {
  store: Store;
  view: PlainView;
  logs: LogRing;
  program: Program;
  folder: string;
}

export interface BoxOptions {
  /** Sees the server before it has routes. */
  before?: (app: ApiServer['app']) => void;
  /** The store's, Unix time in ms. */
  clock?: () => number;
  log?: FastifyBaseLogger;
}

export async function openBox(
  t: TestContext,
  { before, clock, log = pino({ level: 'silent' }) }: BoxOptions = {},
): Promise<Box> {
  const { store } = temporaryStore(t, clock);
  const folder = mkdtempSync(join(tmpdir(), 'api-'));
  const view = new PlainView(store);
  const logs = new LogRing(100);
  const program: Program = { dataFolder: folder, restart: undefined, appliance: undefined };
  const server = buildServer({
    store,
    view,
    traces: view.callTraces,
    testCalls: new TestCalls({
      settings: () => store.documents.settings(),
      resolve: async (host) => host,
      random: randomBytes,
      now_ms: () => performance.now(),
      clients: () => view.status().lacClients,
      atOwnLns: () => [],
    }),
    webUiFolder: WEB_UI_FOLDER,
    givenLan: [],
    makeCertificate: makeSelfSignedCertificate,
    network: { interfaces: readInterfaces, routes: readRoutes },
    log,
    logs,
    program,
  });
  before?.(server.app);
  await server.app.ready();
  t.after(async () => {
    await server.app.close();
    rmSync(folder, { recursive: true });
  });
  return { ...server, store, view, logs, program, folder };
}

/** The header of a script that may do everything, on a box that has an administrator. */
export function signedInScript(
  { store: { accounts } }: Box,
  role: 'admin' | 'viewer' = 'admin',
): { authorization: string } {
  accounts.setUp('admin', 'scrypt$16384$8$1$AAAA$AAAA', 'test');
  return { authorization: `Bearer ${accounts.addToken(`script-${randomUUID()}`, role, 'test')}` };
}

export interface Answer {
  status: number;
  headers: IncomingMessage['headers'];
  text: string;
}

/** One request over a real socket, whole with its answer. */
export async function ask(options: RequestOptions, body?: string): Promise<Answer> {
  const { response } = await open(options, body);
  let text = '';
  for await (const chunk of response.setEncoding('utf8')) text += chunk;
  return { status: response.statusCode ?? 0, headers: response.headers, text };
}

/** One request over a real socket, as far as the headers of its answer. */
export function open(
  options: RequestOptions,
  body?: string,
): Promise<{ request: ClientRequest; response: IncomingMessage }> {
  return new Promise((resolve, reject) => {
    const sent = request({ agent: false, ...options }, (response) => {
      // A test that has read enough destroys the request, and the answer is cut short by it.
      response.on('error', () => undefined);
      resolve({ request: sent, response });
    });
    sent.once('error', reject);
    sent.end(body);
  });
}

/** A TCP port that is free now. */
export async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve));
  const address = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  if (typeof address !== 'object' || address === null) throw new Error('no port');
  return address.port;
}
