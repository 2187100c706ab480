/**
 * What the control plane's tests share: the shipped control plane over a real store, between the simulator's model of a
 * packet path and a caller made of the shipped endpoint and PPP link. On virtual time; the kernel is a list.
 */
import type { TestContext } from 'node:test';
import { ControlPlane } from '../../../firmware/control/control-plane.js';
import type { DhcpPrograms } from '../../../firmware/control/dhcp.js';
import type { DesiredNetwork } from '../../../firmware/control/network.js';
import type { ActiveSession, DataPlaneCommand, DataPlaneReport } from '../../../firmware/dataplane/interface.js';
import { L2tpEndpoint } from '../../../firmware/protocol/l2tp/endpoint.js';
import { PppLink } from '../../../firmware/protocol/ppp/link.js';
import type { Store } from '../../../firmware/store/store.js';
import { emitDataHeader, parseL2tpHeader } from '../../../firmware/wire/l2tp.js';
import { emitPppFrame, parsePppFrame } from '../../../firmware/wire/ppp.js';
import { PacketPath } from '../../simulation/packet-path.js';
import { SeededRandom } from '../../simulation/seeded-random.js';
import { ENDPOINT, PPP } from '../roles/pair.js';
import { temporaryStore } from '../store/temporary-store.js';

const TO_BOX = {
  encapsulation: 'udp' as const,
  localAddress: '192.0.2.2',
  localPort: 1701,
  peerAddress: '192.0.2.1',
  peerPort: 1701,
};
const FROM_CALLER = {
  encapsulation: 'udp' as const,
  localAddress: '192.0.2.1',
  localPort: 1701,
  peerAddress: '192.0.2.2',
  peerPort: 1701,
};
/** ppp.restartTimer_ms, as it is where nothing is said. */
const LCP_RESTART_MS = 3000;
/** What the packet path says that a session has carried. */
const NO_LOAD = {
  ...{ receivedOctets: 0, sentOctets: 0, processor_ms: 0, machineBusy_ms: 0, machineIdle_ms: 0, resident_bytes: 0 },
  drops: {},
};

export const CARRIED = { receivedPackets: 3, receivedOctets: 300, sentPackets: 2, sentOctets: 200 };

/** One call of the caller. */
export interface Dialled {
  tunnelId: number;
  sessionId: number;
}

const NO_DHCP: DhcpPrograms = {
  clients: {
    ...{ ask: () => undefined, look: () => undefined, states: () => new Map(), onChange: () => undefined },
    stop: () => Promise.resolve(),
  },
  servers: { serve: () => undefined, complaints: () => new Map(), stop: () => Promise.resolve() },
  writeNameServers: () => Promise.resolve(''),
};

export class ControlledBox {
  readonly store: Store;
  readonly plane: ControlPlane;
  readonly path = new PacketPath();
  /** All that was posted to the packet path. */
  readonly commands: DataPlaneCommand[] = [];
  /** What the kernel was last told. */
  network: DesiredNetwork = { links: [], routes: [], filters: [], forwarding: false };
  /** Errors in the log. */
  readonly errors: object[] = [];
  readonly caller: L2tpEndpoint;
  /** What the box has told the caller, by the endpoint's events. */
  readonly closed: { sessionId: number; resultCode: number; errorMessage: string | undefined }[] = [];
  readonly stopped: number[] = [];
  now_ms = 0;
  readonly #random = new SeededRandom(5);
  readonly #links = new Map<number, PppLink>();
  readonly #ids = new Map<number, { peerTunnelId: number; peerSessionId: number }>();
  #reports: DataPlaneReport[] = [];
  #toCaller: Uint8Array[] = [];
  #comesTogether = false;
  readonly #seen = new Set<number>();

  constructor(t: TestContext, users: Record<string, object>, settings: { lns?: object; lacClients?: object[] } = {}) {
    // Before the store is closed, which is what temporaryStore does after the test.
    t.after(async () => {
      const stopped = this.plane.stop();
      this.run();
      await stopped;
    });
    this.store = temporaryStore(t).store;
    const { documents } = this.store;
    documents.writePool('home', { ranges: [{ first: '10.0.0.2', last: '10.0.0.9' }] }, 'test');
    const lns = { enabled: true, pool: 'home', localAddress: '10.0.0.1', allowUnknownPeers: true, ...settings.lns };
    const written = documents.writeSettings({ ...settings, lns }, 'test');
    if (!written.ok) throw new Error(JSON.stringify(written.problems));
    for (const [name, user] of Object.entries(users)) documents.writeUser(name, { password: name, ...user }, 'test');
    const random = (length_bytes: number) => this.#random.bytes(length_bytes);
    this.plane = new ControlPlane({
      store: this.store,
      network: {
        apply: (desired) => {
          this.network = desired;
          return Promise.resolve([]);
        },
        withdraw: () => Promise.resolve([]),
      },
      dhcp: NO_DHCP,
      portOffload: { haveChanged: () => false, apply: () => Promise.resolve([]), ports: () => [] },
      post: (commands) => {
        for (const command of commands) this.#carryOut(command);
      },
      readSessionCounters: (sessionId) => (this.path.rows.has(sessionId) ? CARRIED : undefined),
      readActivity: () => this.#active(),
      listeningPort: 1701,
      packetOffload: true,
      program: 'tunnelwerk test',
      readEthernetInterfaces: () => [],
      givenLan: [],
      readLoad: () => NO_LOAD,
      readMemory: () => ({ resident_bytes: 2 ** 27, available_bytes: 2 ** 30 }),
      now_ms: () => this.now_ms,
      random,
      resolve: (host) => Promise.resolve(host),
      fail: (error) => {
        throw error;
      },
      logs: {
        part: () => ({ info: () => undefined, warn: () => undefined, error: (fields) => this.errors.push(fields) }),
        configure: () => undefined,
        problems: () => [],
      },
    });
    this.caller = new L2tpEndpoint({ ...ENDPOINT, hostName: 'caller' }, random);
    void this.plane.start();
    this.run();
  }

  /** Each row is active once: what CARRIED says does not grow. */
  #active(): ActiveSession[] {
    const active = [...this.path.rows.values()].filter(({ generation }) => !this.#seen.has(generation));
    for (const { generation } of active) this.#seen.add(generation);
    return active.map(({ sessionId, generation }) => ({ sessionId, generation, sentPackets: CARRIED.sentPackets }));
  }

  /** Opens a tunnel with a call in it; the user's password is its name. */
  dial(user: string): Dialled {
    const tunnelId = this.caller.openTunnel({ version: 2, path: TO_BOX }, this.now_ms);
    const sessionId = this.caller.placeCall(tunnelId, { callSerialNumber: 1 }, this.now_ms);
    this.#links.set(sessionId, this.#link(user));
    this.run();
    return { tunnelId, sessionId };
  }

  /** Several calls in one tunnel, whose PPP goes in step: frames of all of them reach the box in one turn. */
  dialTogether(...users: string[]): void {
    const tunnelId = this.caller.openTunnel({ version: 2, path: TO_BOX }, this.now_ms);
    const sessions = users.map((_, i) => this.caller.placeCall(tunnelId, { callSerialNumber: i + 1 }, this.now_ms));
    this.run();
    this.#comesTogether = true;
    for (const [i, sessionId] of sessions.entries()) {
      const link = this.#link(users[i]);
      this.#links.set(sessionId, link);
      link.start(this.now_ms);
    }
    this.run();
    // What the box has said meanwhile nobody has heard: it says it again.
    this.now_ms += LCP_RESTART_MS;
    this.plane.turn(() => undefined);
    this.run();
    this.#comesTogether = false;
  }

  /** LCP begins anew from the caller's side, which says that it is this user. */
  renegotiate({ sessionId }: Dialled, user: string, mru_bytes = 1400): void {
    const link = this.#link(user, mru_bytes);
    this.#links.set(sessionId, link);
    link.start(this.now_ms);
    this.run();
  }

  /** The packet path's reports reach the control plane, and what either end has for the other reaches it. */
  run(): void {
    for (let quiet = false; !quiet; ) {
      quiet = true;
      if (this.#reports.length > 0) {
        quiet = false;
        const reports = this.#reports;
        this.#reports = [];
        this.plane.handleReports(reports);
      }
      const packets = this.#toCaller;
      this.#toCaller = [];
      for (const packet of packets) this.#takeAtCaller(packet);
      if (this.#runCaller() || packets.length > 0) quiet = false;
    }
  }

  #link(user: string, mru_bytes = 1400): PppLink {
    const peer = { name: user, password: user, allow: ['chap-md5', 'mschapv2', 'pap'] as const };
    return new PppLink({ side: 'peer', mru_bytes, peer, ipv4: true, ipv6: false, ...PPP }, (length_bytes) =>
      this.#random.bytes(length_bytes),
    );
  }

  #carryOut(command: DataPlaneCommand): void {
    this.commands.push(command);
    switch (command.type) {
      case 'open-tun':
        this.#reports.push({ type: 'tun-opened', tun: command.tun, name: command.name });
        return;
      case 'close-tun':
      case 'open-packet-socket':
      case 'close-packet-socket':
      case 'capture-open':
      case 'capture-close':
      case 'capture-session':
      case 'stop':
        return;
      case 'session-remove':
        if (!this.path.rows.has(command.sessionId)) return;
        this.path.carryOut(command);
        this.#reports.push({ ...command, type: 'session-removed', counters: CARRIED });
        return;
      default: {
        for (const outcome of this.path.carryOut(command)) {
          if (outcome.type === 'sent') this.#toCaller.push(outcome.packet);
        }
      }
    }
  }

  #takeAtCaller(packet: Uint8Array): void {
    const header = parseL2tpHeader(packet);
    if (header.control) {
      this.caller.handlePacket(packet, TO_BOX, this.now_ms);
      return;
    }
    const { protocol, information } = parsePppFrame(packet.subarray(header.payloadOffset, header.payloadEnd));
    this.#links.get(header.sessionId)?.handleFrame(protocol, information.slice(), this.now_ms);
  }

  /** False where the caller has nothing to do or to send. */
  #runCaller(): boolean {
    let isBusy = false;
    for (let event = this.caller.pollEvent(); event !== undefined; event = this.caller.pollEvent()) {
      if (event.type === 'call-replied') {
        const { sessionId, tunnelId, peerSessionId } = event;
        this.#ids.set(sessionId, { peerTunnelId: this.caller.tunnel(tunnelId)!.peerTunnelId, peerSessionId });
        this.caller.connectCall(sessionId, { txConnectSpeed_bps: 1, framingType: 1 }, this.now_ms);
        isBusy = true;
      } else if (event.type === 'call-connected') this.#links.get(event.sessionId)?.start(this.now_ms);
      else if (event.type === 'call-closed') {
        const { resultCode, errorMessage } = event.cause;
        this.closed.push({ sessionId: event.sessionId, resultCode, errorMessage });
        this.#links.delete(event.sessionId);
      } else if (event.type === 'tunnel-closed') this.stopped.push(event.cause.resultCode);
    }
    for (let sent = this.caller.pollTransmit(); sent !== undefined; sent = this.caller.pollTransmit()) {
      this.#arrive(sent.packet);
      isBusy = true;
    }
    for (const [sessionId, link] of this.#links) {
      const ids = this.#ids.get(sessionId);
      while (link.pollEvent() !== undefined);
      for (let frame = link.pollTransmit(); frame !== undefined; frame = link.pollTransmit()) {
        if (ids === undefined) continue;
        const header = emitDataHeader({ tunnelId: ids.peerTunnelId, sessionId: ids.peerSessionId });
        const ppp = emitPppFrame(frame, { addressControl: true, protocolFieldCompression: false });
        this.#arrive(new Uint8Array([...header, ...ppp]));
        isBusy = true;
      }
    }
    return isBusy;
  }

  #arrive(packet: Uint8Array): void {
    const received = this.path.receive(packet, FROM_CALLER);
    if (received.type === 'control') this.#report({ type: 'control', path: FROM_CALLER, packet });
    else if (received.type === 'ppp') {
      const { row, protocol, information } = received;
      const { sessionId, generation } = row;
      this.#report({ type: 'ppp', sessionId, generation, protocol, information });
    }
  }

  #report(report: DataPlaneReport): void {
    if (this.#comesTogether) this.#reports.push(report);
    else this.plane.handleReports([report]);
  }
}
