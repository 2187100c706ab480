/**
 * What the API shows of the control plane and does to it. Must not answer for the protocols: it reads what the
 * machine says of itself.
 */

import type { ProfileStatus } from '../roles/lac-client.js';
import type { PseudowireStatus } from '../roles/pseudowires.js';
import type { CallInfo, PppoeInfo } from '../roles/role.js';
import type { PseudowireSettings, Settings } from '../settings.js';
import { attention } from './attention.js';
import type { ControlPlane } from './control-plane.js';
import type { LoadHistory } from './load.js';
import type {
  ControlPlaneView,
  CountsView,
  DhcpView,
  LacClientView,
  OperatingProblem,
  OverviewView,
  PppoeSessionView,
  PppoeView,
  PseudowireView,
  RadiusView,
  SessionChanges,
  SessionRow,
  SessionView,
  StatusView,
  TunnelView,
} from './view.js';

export class ControlView implements ControlPlaneView {
  readonly #plane: ControlPlane;
  readonly #version: string;
  readonly #readDrops: () => Record<string, number>;
  readonly #startedAt: string;

  /** `readDrops` gives the packet path's drop counters by reason. */
  constructor(plane: ControlPlane, version: string, readDrops: () => Record<string, number>) {
    this.#plane = plane;
    this.#version = version;
    this.#readDrops = readDrops;
    this.#startedAt = new Date().toISOString();
  }

  get captures(): ControlPlaneView['captures'] {
    return this.#plane.captures;
  }

  get trace(): ControlPlaneView['trace'] {
    return this.#plane.trace;
  }

  sessions(limit: number, afterCallId: number): SessionView[] {
    return Array.from(this.#plane.appliance.calls())
      .filter(({ callId }) => callId > afterCallId)
      .sort((one, other) => one.callId - other.callId)
      .slice(0, limit)
      .map((call) => this.#sessionView(call));
  }

  session(sessionId: number): SessionView | undefined {
    const call = this.#plane.appliance.callInfo(sessionId);
    return call && this.#sessionView(call);
  }

  sessionIdOf(callId: number): number {
    return this.#plane.calls.live(callId)?.sessionId ?? 0;
  }

  *sessionRows(): Iterable<SessionRow> {
    for (const call of this.#plane.appliance.calls()) yield this.#sessionRow(call);
  }

  followSessions(): { take(): SessionChanges; close(): void } {
    const feed = this.#plane.feed.open();
    const rowOf = (callId: number): SessionRow[] => {
      const call = this.#plane.calls.live(callId);
      return call === undefined ? [] : [this.#sessionRow(call)];
    };
    return {
      take() {
        const { stand, ended, isWhole } = feed.take();
        return { stand: [...stand].flatMap(rowOf), ended: [...ended], isWhole };
      },
      close: () => feed.close(),
    };
  }

  overview(also: { problems: readonly OperatingProblem[]; certificateEnds: string }): OverviewView {
    const { appliance, settings, load } = this.#plane;
    const status = this.status();
    // Dead RADIUS servers are told once, by codes of their own.
    const told = new Set(this.#plane.radius.deadServers().map(({ what }) => what));
    status.problems = [...status.problems.filter(({ what }) => !told.has(what)), ...also.problems];
    const { dropsPerMinute, ...now } = load.now();
    const pseudowiresDown = this.pseudowires().filter(({ enabled, state }) => enabled && state !== 'up');
    const circumstances = {
      ...{
        status,
        radius: this.radius(),
        pppoe: this.pppoe(),
        dhcp: this.dhcp(),
        pools: this.#plane.pools(),
        now_ms: Date.now(),
      },
      ...{ certificateEnds: also.certificateEnds, routing: this.#plane.routing() },
      ...{ load: load.now(), pseudowiresDown: pseudowiresDown.map(({ name }) => name) },
    };
    const { resident_bytes, sessionsThatFit } = status.memory;
    return {
      callsUp: appliance.callCount,
      callsByRole: appliance.callCounts,
      callsThatFit: Math.min(sessionsThatFit, settings.l2tp.maxSessions),
      ...now,
      memory: { resident_bytes, available_bytes: this.#plane.memory.available_bytes },
      drops: Object.entries(status.drops)
        .filter(([, count]) => count > 0)
        .map(([reason, count]) => ({ reason, count, perMinute: dropsPerMinute[reason] ?? 0 })),
      attention: attention(circumstances),
    };
  }

  counts(): CountsView {
    const { receivedOctets, sentOctets } = this.#plane.readLoad();
    return { ...this.#plane.load.counts, receivedOctets, sentOctets, callsByRole: this.#plane.appliance.callCounts };
  }

  loadHistory(): LoadHistory {
    return this.#plane.load.history();
  }

  tunnels(): TunnelView[] {
    return Array.from(this.#plane.appliance.tunnels(), ({ status, name, since_ms }) => ({
      tunnelId: status.tunnelId,
      peerTunnelId: status.peerTunnelId,
      state: status.state,
      originator: status.originator,
      profile: name,
      peerHostName: status.peerHostName,
      peerVendorName: status.peerVendorName,
      version: status.version === 3 ? 3 : 2,
      encapsulation: status.path.encapsulation,
      localAddress: status.path.localAddress,
      peerAddress: status.path.peerAddress,
      peerPort: status.path.peerPort,
      sessions: status.sessionCount,
      since: this.#timeOf(since_ms),
    }));
  }

  pseudowires(): PseudowireView[] {
    const { settings, appliance } = this.#plane;
    const statuses = new Map(Array.from(appliance.pseudowires(), (status) => [status.name, status]));
    return settings.pseudowires.map((wire) => this.#pseudowireView(wire, statuses.get(wire.name)));
  }

  radius(): RadiusView {
    const { radius, accounting } = this.#plane;
    const dynamicAuthorization = radius.dynamicAuthorization() ?? null;
    const { strangers } = radius;
    return { servers: radius.servers(), strangers, accounting: accounting.view(), dynamicAuthorization };
  }

  dhcp(): DhcpView[] {
    return this.#plane.dhcp.views();
  }

  pppoe(): PppoeView {
    const { settings, appliance, pppoe } = this.#plane;
    const status = appliance.lac(this.#plane.now_ms());
    const served = new Map(pppoe.open().map((port) => [port.name, port]));
    const sessions = new Map<string, number>();
    for (const { pppoe: session } of appliance.calls()) {
      if (session === undefined) continue;
      sessions.set(session.interfaceName, (sessions.get(session.interfaceName) ?? 0) + 1);
    }
    return {
      enabled: settings.lac.enabled,
      interfaces: settings.lac.interfaces.map(({ name }) => ({
        ...{ name, isServed: served.has(name), sessions: sessions.get(name) ?? 0 },
        ...{ mac: served.get(name)?.mac ?? '', mtu_bytes: served.get(name)?.mtu_bytes ?? 0 },
      })),
      received: status?.counters.received ?? {},
      sent: status?.counters.sent ?? {},
      drops: status?.counters.drops ?? {},
      failedLnses: (status?.dead ?? []).map(({ server, until_ms }) => ({ server, until: this.#timeOf(until_ms) })),
    };
  }

  status(): StatusView {
    const { settings, appliance } = this.#plane;
    const profiles = new Map(appliance.profiles().map((profile) => [profile.profile, profile]));
    return {
      hostName: settings.system.hostName,
      version: this.#version,
      startedAt: this.#startedAt,
      lns: { enabled: settings.lns.enabled, listening: settings.lns.enabled && this.#plane.isListening },
      lac: { enabled: settings.lac.enabled, listening: this.#plane.pppoe.open().length > 0 },
      lacClients: settings.lacClients.map((client) => this.#clientView(client, profiles.get(client.name))),
      ports: this.#plane.ports.view(),
      tunnels: Array.from(appliance.tunnels()).length,
      sessions: appliance.callCount,
      memory: this.#plane.memory.view(appliance.callCount),
      drops: added(this.#readDrops(), appliance.endpoint.counters),
      problems: this.#plane.problems(),
    };
  }

  disconnectSession(sessionId: number, reason: string): boolean {
    if (this.#plane.appliance.callInfo(sessionId) === undefined) return false;
    this.#plane.turn((now_ms) => this.#plane.appliance.disconnect(sessionId, reason, 'admin-reset', now_ms));
    return true;
  }

  closeTunnel(tunnelId: number): boolean {
    const { appliance } = this.#plane;
    if (appliance.endpoint.tunnel(tunnelId) === undefined) return false;
    const result = { resultCode: 1, errorMessage: 'closed by an administrator' };
    this.#plane.turn((now_ms) => appliance.closeTunnel(tunnelId, result, 'admin-reset', now_ms));
    return true;
  }

  async applySettings(settings: Settings): Promise<OperatingProblem[]> {
    await this.#plane.reconfigure(settings);
    return this.#plane.problems();
  }

  userChanged(name: string): void {
    this.#plane.usersChanged(new Set([name]));
  }

  usersChanged(names: ReadonlySet<string>): void {
    this.#plane.usersChanged(names);
  }

  poolsChanged(): void {
    this.#plane.poolsChanged();
  }

  #sessionRow(call: CallInfo): SessionRow {
    const { receivedOctets, sentOctets } = this.#plane.calls.counters(call);
    // One by one: there may be ten thousand of these to make, and an object that is put together of others costs twice as much.
    return {
      callId: call.callId,
      sessionId: call.sessionId,
      tunnelId: call.tunnelId,
      role: call.role,
      state: call.state,
      user: call.userName,
      address: call.role === 'lac-client' ? call.localAddress : call.peerAddress,
      callingNumber: call.callingNumber,
      peerAddress: call.pppoe?.peerMac ?? call.path.peerAddress,
      since: this.#timeOf(call.since_ms),
      receivedOctets,
      sentOctets,
      encapsulation: call.l2tpSessionId === 0 ? '' : call.path.encapsulation,
    };
  }

  #sessionView(call: CallInfo): SessionView {
    return {
      callId: call.callId,
      sessionId: call.sessionId,
      l2tpSessionId: call.l2tpSessionId,
      peerSessionId: call.peerSessionId,
      callSerialNumber: call.callSerialNumber,
      tunnelId: call.tunnelId,
      role: call.role,
      profile: call.profile || call.peerName,
      state: call.state,
      user: call.userName,
      address: call.role === 'lac-client' ? call.localAddress : call.peerAddress,
      interfaceId: call.peerInterfaceId,
      linkLocalAddress: call.peerLinkLocal,
      callingNumber: call.callingNumber,
      calledNumber: call.calledNumber,
      lns: call.tunnel?.server ?? '',
      proxied: call.proxied,
      pppoe: call.pppoe === undefined ? null : pppoeView(call.pppoe),
      filters: [...call.authorization.filters],
      sessionTimeout_s: call.authorization.sessionTimeout_s,
      idleTimeout_s: call.authorization.idleTimeout_s,
      receiveRate_bps: call.authorization.receiveRate_bps,
      sendRate_bps: call.authorization.sendRate_bps,
      accountingId: call.accountingId,
      version: call.version,
      encapsulation: call.path.encapsulation,
      cookie_bytes: call.cookie_bytes,
      peerAddress: call.path.peerAddress,
      peerPort: call.path.peerPort,
      since: this.#timeOf(call.since_ms),
      counters: this.#plane.calls.counters(call),
      mtu_bytes: call.mtu_bytes,
      authentication: call.authentication ?? '',
      lcp: {
        localMru_bytes: call.localMru_bytes,
        peerMru_bytes: call.peerMru_bytes,
        transmitAcfc: call.transmitAcfc,
        transmitPfc: call.transmitPfc,
      },
    };
  }

  #pseudowireView(wire: PseudowireSettings, status: PseudowireStatus | undefined): PseudowireView {
    const { name, enabled, mode, type, vlanId = 0, remoteEndId = '', tapInterface, bridge = '', mtu_bytes } = wire;
    const hasSession = status?.path !== undefined;
    return {
      ...{ name, enabled, mode, type, vlanId, remoteEndId, tapInterface, bridge, mtu_bytes, peer: wire.peer ?? '' },
      state: status?.state ?? 'off',
      lastError: status?.lastFailure ?? '',
      redialAt: status?.redialAt_ms === undefined ? '' : this.#timeOf(status.redialAt_ms),
      encapsulation: status?.path?.encapsulation ?? '',
      tunnelId: status?.tunnelId ?? 0,
      sessionId: status?.sessionId ?? 0,
      peerSessionId: status?.peerSessionId ?? 0,
      peerAddress: status?.path?.peerAddress ?? '',
      peerActive: status?.peerActive ?? false,
      since: hasSession ? this.#timeOf(status.since_ms) : '',
      counters: hasSession ? this.#plane.pseudowires.counters(status) : NO_COUNTERS,
    };
  }

  #clientView(client: Settings['lacClients'][number], status: ProfileStatus | undefined): LacClientView {
    return {
      name: client.name,
      enabled: client.enabled,
      server: client.server,
      state: status === undefined ? 'off' : CLIENT_STATE[status.state],
      lastError: status?.lastFailure ?? '',
      redialAt: status?.redialAt_ms === undefined ? '' : this.#timeOf(status.redialAt_ms),
    };
  }

  #timeOf(monotonic_ms: number): string {
    return new Date(Date.now() - this.#plane.now_ms() + monotonic_ms).toISOString();
  }
}

const NO_COUNTERS = { receivedPackets: 0, receivedOctets: 0, sentPackets: 0, sentOctets: 0 };

const CLIENT_STATE: Readonly<Record<ProfileStatus['state'], string>> = {
  idle: 'waiting',
  resolve: 'dialling',
  'wait-tunnel': 'dialling',
  'wait-reply': 'dialling',
  ppp: 'dialling',
  up: 'up',
  closing: 'waiting',
};

/** Packet path and endpoint share some reasons, as each of them meets what the other could not know. */
function added(
  some: Readonly<Record<string, number>>,
  others: Readonly<Record<string, number>>,
): Record<string, number> {
  const sum = { ...some };
  for (const [reason, count] of Object.entries(others)) sum[reason] = (sum[reason] ?? 0) + count;
  return sum;
}

function pppoeView({ interfaceName, peerMac, sessionId, vlanIds, serviceName, line }: PppoeInfo): PppoeSessionView {
  const circuitId = line?.agentCircuitId ?? '';
  return { interface: interfaceName, mac: peerMac, sessionId, vlanIds: [...vlanIds], serviceName, circuitId };
}
