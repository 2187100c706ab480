/**
 * The tunnels of the LAC (step 5): opened when a call wants one, shared by calls of one assignment (RFC 2868 section 3.7),
 * closed when nothing uses them any more; and the LNSes that have failed, which others are asked before. No I/O. Must not
 * know calls but as somebody who wants a tunnel.
 */
import type { CloseCause, L2tpEvent, TransportPath } from '../protocol/l2tp/endpoint.js';
import { octets } from '../wire/bytes.js';
import type { RoleContext, TunnelChoice } from './role.js';

export interface LacTunnelsConfig {
  /** An LNS whose tunnel does not stand by then, or that does not answer a call, has failed, */
  answer_ms: number;
  /** and is not asked for so long while there is another. */
  dead_ms: number;
  /** A tunnel without a session is closed after this time. */
  idle_ms: number;
  /** A tunnel with so many sessions is full; 0: no limit. */
  maxSessions: number;
  /** Our UDP port. */
  localPort: number;
}

/** An open tunnel, or why there is none. */
export type TunnelAnswer = { tunnelId: number } | { failure: string };

interface LacTunnel {
  readonly choice: TunnelChoice;
  readonly key: string;
  phase: 'resolve' | 'wait-tunnel' | 'open' | 'closing' | 'closed';
  /** 0 until the server's name is resolved. */
  tunnelId: number;
  readonly sessions: Set<number>;
  /** Who waits for it to open. */
  waiting: ((answer: TunnelAnswer, now_ms: number) => void)[];
  /** Not open by then: given up. Open: closed then, unless it is used. */
  deadline_ms: number | undefined;
}

const TUNNEL_VERSION = { auto: 'auto', udp2: 2, udp3: 3, ip: 3 } as const;
/** Result Codes of a StopCCN, RFC 2661 section 4.4.2. */
const STOP = { clear: 1, notAuthorized: 4, shuttingDown: 6 } as const;
/** Error Code, section 4.4.2: insufficient resources. Our own where we have closed the tunnel. */
const NO_ROOM = 4;

export class LacTunnels {
  readonly #context: RoleContext;
  #config: LacTunnelsConfig;
  readonly #tunnels = new Set<LacTunnel>();
  readonly #byId = new Map<number, LacTunnel>();
  /** Until when an LNS is out of rotation, by its name in the choice. */
  readonly #dead = new Map<string, number>();

  constructor(context: RoleContext, config: LacTunnelsConfig) {
    this.#context = context;
    this.#config = config;
  }

  configure(config: LacTunnelsConfig): void {
    this.#config = config;
  }

  /**
   * The order in which LNSes are asked: by preference (RFC 2868 section 3.8), those of one preference in random order, so
   * that they share the calls; those that have failed lately after all others.
   */
  inOrder(choices: readonly TunnelChoice[], now_ms: number): TunnelChoice[] {
    const drawn = choices.map((choice) => {
      const [high, low] = this.#context.random(2);
      return { choice, isDead: this.#isDead(choice, now_ms), lot: (high << 8) | low };
    });
    drawn.sort(
      (a, b) => Number(a.isDead) - Number(b.isDead) || a.choice.preference - b.choice.preference || a.lot - b.lot,
    );
    return drawn.map(({ choice }) => choice);
  }

  /** Gives an open tunnel to this LNS, at once where there is one with room; or tells why there is none. */
  find(choice: TunnelChoice, now_ms: number, give: (answer: TunnelAnswer, now_ms: number) => void): void {
    const key = keyOf(choice);
    for (const tunnel of this.#tunnels) {
      // One that is about to be closed has its end among the events that are still to come.
      if (tunnel.key !== key || tunnel.phase === 'closing' || !this.#hasRoom(tunnel)) continue;
      if (tunnel.phase === 'open') give({ tunnelId: tunnel.tunnelId }, now_ms);
      else tunnel.waiting.push(give);
      return;
    }
    this.#open(choice, key, now_ms, give);
  }

  get answer_ms(): number {
    return this.#config.answer_ms;
  }

  /** The LNS at the other end of this tunnel does not answer a call. */
  isSilent(tunnelId: number, now_ms: number): void {
    const tunnel = this.#byId.get(tunnelId);
    if (tunnel === undefined || this.#isDead(tunnel.choice, now_ms)) return;
    this.#markDead(tunnel, 'the LNS does not answer a call', now_ms);
  }

  sessionBegan(tunnelId: number, sessionId: number): void {
    const tunnel = this.#byId.get(tunnelId);
    if (tunnel === undefined) return;
    tunnel.sessions.add(sessionId);
    tunnel.deadline_ms = undefined;
  }

  sessionEnded(tunnelId: number, sessionId: number, now_ms: number): void {
    const tunnel = this.#byId.get(tunnelId);
    if (!tunnel?.sessions.delete(sessionId) || tunnel.sessions.size > 0 || tunnel.phase !== 'open') return;
    tunnel.deadline_ms = now_ms + this.#config.idle_ms;
  }

  /** The LNS that a tunnel of ours leads to; undefined for a tunnel that is none of ours. */
  nameOf(tunnelId: number): string | undefined {
    return this.#byId.get(tunnelId)?.choice.server;
  }

  /** LNSes that have failed, and until when they are asked after all others. */
  *dead(now_ms: number): Iterable<{ server: string; until_ms: number }> {
    for (const [server, until_ms] of this.#dead) if (until_ms > now_ms) yield { server, until_ms };
  }

  /** True when the event was about a tunnel of the LAC. */
  handleEvent(event: L2tpEvent, now_ms: number): boolean {
    if (event.type !== 'tunnel-established' && event.type !== 'tunnel-closed') return false;
    const tunnel = this.#byId.get(event.tunnelId);
    if (tunnel === undefined) return false;
    if (event.type === 'tunnel-established') this.#established(tunnel, event, now_ms);
    else this.#closed(tunnel, event.cause, now_ms);
    return true;
  }

  nextDeadline_ms(): number | undefined {
    let next: number | undefined;
    for (const { deadline_ms } of this.#tunnels) {
      if (deadline_ms !== undefined && (next === undefined || deadline_ms < next)) next = deadline_ms;
    }
    return next;
  }

  handleTimeout(now_ms: number): void {
    for (const tunnel of [...this.#tunnels]) {
      if (tunnel.deadline_ms === undefined || tunnel.deadline_ms > now_ms) continue;
      tunnel.deadline_ms = undefined;
      if (tunnel.phase === 'open') {
        tunnel.phase = 'closing';
        this.#context.endpoint.closeTunnel(tunnel.tunnelId, { resultCode: STOP.clear }, now_ms);
      } else this.#fail(tunnel, STOP.clear, `the LNS does not answer${silence(tunnel.choice)}`, now_ms);
    }
  }

  #isDead({ server }: TunnelChoice, now_ms: number): boolean {
    return (this.#dead.get(server) ?? 0) > now_ms;
  }

  #hasRoom({ sessions, waiting }: LacTunnel): boolean {
    const { maxSessions } = this.#config;
    return maxSessions === 0 || sessions.size + waiting.length < maxSessions;
  }

  #open(choice: TunnelChoice, key: string, now_ms: number, give: LacTunnel['waiting'][number]): void {
    const tunnel: LacTunnel = {
      ...{ choice, key, phase: 'resolve', tunnelId: 0, sessions: new Set(), waiting: [give] },
      deadline_ms: now_ms + this.#config.answer_ms,
    };
    this.#tunnels.add(tunnel);
    this.#context.ask({ type: 'resolve', profile: choice.assignmentId, host: choice.server }, (answer, at_ms) => {
      if (answer.type !== 'resolve' || tunnel.phase !== 'resolve') return;
      if (answer.address !== undefined) this.#dial(tunnel, answer.address, at_ms);
      else this.#fail(tunnel, STOP.clear, `the LNS's name ${choice.server} has no address: ${answer.reason}`, at_ms);
    });
  }

  #dial(tunnel: LacTunnel, peerAddress: string, now_ms: number): void {
    const { encapsulation, port: peerPort, localAddress, secret: text, digest, hostName } = tunnel.choice;
    const { localPort } = this.#config;
    const path: TransportPath =
      encapsulation === 'ip'
        ? { encapsulation: 'ip', localAddress, localPort: 0, peerAddress, peerPort: 0 }
        : { encapsulation: 'udp', localAddress, localPort, peerAddress, peerPort };
    const secret = text === '' ? undefined : octets(text);
    const name = hostName === '' ? {} : { hostName };
    const request = { path, version: TUNNEL_VERSION[encapsulation], secret, digest, ...name };
    tunnel.phase = 'wait-tunnel';
    tunnel.tunnelId = this.#context.endpoint.openTunnel(request, now_ms);
    this.#byId.set(tunnel.tunnelId, tunnel);
  }

  #established(
    tunnel: LacTunnel,
    { peerHostName }: Extract<L2tpEvent, { type: 'tunnel-established' }>,
    now_ms: number,
  ): void {
    const { server, peerHostName: wanted } = tunnel.choice;
    if (wanted !== '' && wanted !== peerHostName) {
      this.#fail(tunnel, STOP.notAuthorized, `the LNS calls itself ${peerHostName}, not ${wanted}`, now_ms);
      return;
    }
    tunnel.phase = 'open';
    tunnel.deadline_ms = now_ms + this.#config.idle_ms;
    if (this.#dead.delete(server)) this.#context.emit({ type: 'lns-answers', server });
    this.#tell('tunnel-started', tunnel, '');
    const { waiting } = tunnel;
    tunnel.waiting = [];
    for (const give of waiting) give({ tunnelId: tunnel.tunnelId }, now_ms);
  }

  /** The tunnel cannot be had: whoever waits for it hears of it, and the LNS is asked after others from now on. */
  #fail(tunnel: LacTunnel, resultCode: number, reason: string, now_ms: number): void {
    const { tunnelId } = tunnel;
    this.#markDead(tunnel, reason, now_ms);
    this.#forget(tunnel, reason, now_ms);
    if (tunnelId === 0) return;
    this.#context.endpoint.closeTunnel(tunnelId, { resultCode, errorMessage: reason }, now_ms);
  }

  /** One that was closed since nobody used it, or that had no room here, is as good as before. */
  #closed(tunnel: LacTunnel, { by, resultCode, errorCode, errorMessage = '' }: CloseCause, now_ms: number): void {
    const wasOpen = hasStood(tunnel);
    const reason =
      by === 'timeout'
        ? `the LNS does not answer${silence(tunnel.choice)}`
        : `the tunnel was closed by the ${by === 'peer' ? 'LNS' : 'LAC'}: result ${resultCode} ${errorMessage}`.trimEnd();
    const isOurDoing =
      by === 'local' &&
      (wasOpen || resultCode === STOP.clear || resultCode === STOP.shuttingDown || errorCode === NO_ROOM);
    const isIdle = by === 'peer' && wasOpen && resultCode === STOP.clear;
    const isFailure = !isOurDoing && !isIdle;
    if (isFailure) this.#markDead(tunnel, reason, now_ms);
    this.#forget(tunnel, reason, now_ms);
  }

  #forget(tunnel: LacTunnel, reason: string, now_ms: number): void {
    this.#tell(hasStood(tunnel) ? 'tunnel-stopped' : 'tunnel-rejected', tunnel, reason);
    tunnel.phase = 'closed';
    this.#tunnels.delete(tunnel);
    this.#byId.delete(tunnel.tunnelId);
    const { waiting } = tunnel;
    tunnel.waiting = [];
    for (const give of waiting) give({ failure: reason }, now_ms);
  }

  #markDead({ choice: { server } }: LacTunnel, reason: string, now_ms: number): void {
    const until_ms = now_ms + this.#config.dead_ms;
    this.#dead.set(server, until_ms);
    this.#context.emit({ type: 'lns-failed', server, reason, until_ms });
  }

  #tell(type: 'tunnel-started' | 'tunnel-stopped' | 'tunnel-rejected', tunnel: LacTunnel, reason: string): void {
    const { tunnelId, choice } = tunnel;
    const path = this.#context.endpoint.tunnel(tunnelId)?.path ?? unresolvedPath(choice);
    const { server: peerName, assignmentId } = choice;
    this.#context.emit({ type, tunnelId, side: 'lac', path, peerName, assignmentId, reason });
  }
}

function hasStood({ phase }: LacTunnel): boolean {
  return phase === 'open' || phase === 'closing';
}

/** Of a tunnel whose other end has no address yet. */
function unresolvedPath({ localAddress, encapsulation }: TunnelChoice): TransportPath {
  const over = encapsulation === 'ip' ? 'ip' : 'udp';
  return { encapsulation: over, localAddress, localPort: 0, peerAddress: '', peerPort: 0 };
}

/** Calls share a tunnel where all that makes it is the same. */
function keyOf(choice: TunnelChoice): string {
  const { preference: _preference, cookie_bytes: _cookie, sequencing: _sequencing, ...tunnel } = choice;
  return JSON.stringify(tunnel);
}

/** Who authenticates every message drops those of a stranger without a word (RFC 3931 section 4.3). */
function silence({ secret, encapsulation }: TunnelChoice): string {
  const answersStrangers = secret === '' || encapsulation === 'udp2' || encapsulation === 'auto';
  return answersStrangers ? '' : ', or has another secret, which version 3 answers by silence';
}
