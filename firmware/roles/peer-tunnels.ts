/**
 * Tunnels that peers open to this box (step 5): who may, how they are treated, and their end when nothing uses them any
 * more. The LNS and the pseudowires that wait for a peer share them. No I/O: the outside is asked by questions.
 */
import type { L2tpEvent, TransportPath } from '../protocol/l2tp/endpoint.js';
import type { RoleContext, TunnelPolicy } from './role.js';

/** A tunnel without a session is closed after this time; a peer that needs one again opens one. */
const IDLE_TUNNEL_MS = 15_000;
/** Result Code of a StopCCN, RFC 2661 section 4.4.2 and RFC 3931 section 5.4.2. */
const NOT_AUTHORIZED = 4;

interface PeerTunnel {
  path: TransportPath;
  policy: TunnelPolicy;
  peerAddress: string;
  peerHostName: string;
  isOpen: boolean;
  sessions: Set<number>;
  /** When it lost its last session; undefined while it has one. */
  idleSince_ms: number | undefined;
}

/** Until the outside has said how to treat a peer; no session can come before. */
const NO_POLICY: TunnelPolicy = {
  peerName: '',
  allowTunnelIdZero: false,
  addressControl: 'detect',
  proxy: 'renegotiate',
  proxyMismatch: 'refuse',
  maxSessions: 0,
};

export class PeerTunnels {
  readonly #context: RoleContext;
  readonly #tunnels = new Map<number, PeerTunnel>();
  #areTaken = false;

  constructor(context: RoleContext) {
    this.#context = context;
  }

  /**
   * Whether there is any role that tunnels are for; those that stand are closed where there is none. Otherwise it is asked
   * anew how to treat their peers, in the calls to come.
   */
  configure(areTaken: boolean, now_ms: number): void {
    this.#areTaken = areTaken;
    for (const [tunnelId, tunnel] of [...this.#tunnels]) {
      if (!areTaken) this.#close(tunnelId, now_ms);
      else if (tunnel.isOpen) this.#review(tunnelId, tunnel);
    }
  }

  /** How to treat the tunnel's peer; undefined for a tunnel that no peer has opened. */
  policy(tunnelId: number): TunnelPolicy | undefined {
    return this.#tunnels.get(tunnelId)?.policy;
  }

  sessionCount(tunnelId: number): number {
    return this.#tunnels.get(tunnelId)?.sessions.size ?? 0;
  }

  sessionBegan(tunnelId: number, sessionId: number): void {
    const tunnel = this.#tunnels.get(tunnelId);
    if (tunnel === undefined) return;
    tunnel.sessions.add(sessionId);
    tunnel.idleSince_ms = undefined;
  }

  /** True when the event was about such a tunnel and nobody else's business. */
  handleEvent(event: L2tpEvent, now_ms: number): boolean {
    switch (event.type) {
      case 'tunnel-requested':
        this.#authorize(event, now_ms);
        return true;
      case 'tunnel-established':
        if (event.originator) return false;
        this.#established(event);
        return true;
      case 'tunnel-closed':
        return this.#closed(event);
      case 'call-closed': {
        const tunnel = this.#tunnels.get(event.tunnelId);
        if (tunnel?.sessions.delete(event.sessionId) && tunnel.sessions.size === 0) tunnel.idleSince_ms = now_ms;
        return false;
      }
      default:
        return false;
    }
  }

  /** Closes tunnels that have been without a session for long; called about once a second. */
  sweep(now_ms: number): void {
    for (const [tunnelId, tunnel] of this.#tunnels) {
      if (tunnel.idleSince_ms !== undefined && now_ms - tunnel.idleSince_ms >= IDLE_TUNNEL_MS) {
        this.#close(tunnelId, now_ms);
      }
    }
  }

  #authorize(event: Extract<L2tpEvent, { type: 'tunnel-requested' }>, now_ms: number): void {
    const { endpoint } = this.#context;
    const { tunnelId, path } = event;
    if (!this.#areTaken) {
      const errorMessage = 'the LNS is switched off';
      endpoint.answerTunnel(tunnelId, { accepted: false, resultCode: NOT_AUTHORIZED, errorMessage }, now_ms);
      return;
    }
    const peerHostName = event.sccrq.avps.hostName ?? '';
    const { peerAddress } = path;
    const beginning = { policy: NO_POLICY, peerAddress, peerHostName, isOpen: false, path };
    const tunnel: PeerTunnel = { ...beginning, sessions: new Set(), idleSince_ms: now_ms };
    this.#tunnels.set(tunnelId, tunnel);
    this.#context.ask({ type: 'authorize-tunnel', tunnelId, path, peerHostName }, (answer, at_ms) => {
      // The tunnel may be gone by now, and its ID another's.
      if (answer.type !== 'authorize-tunnel' || this.#tunnels.get(tunnelId) !== tunnel) return;
      if (!answer.accepted) {
        endpoint.answerTunnel(tunnelId, answer, at_ms);
        return;
      }
      tunnel.policy = answer.policy;
      const { secret, allowTunnelIdZero } = answer.policy;
      endpoint.answerTunnel(tunnelId, { accepted: true, secret, allowTunnelIdZero }, at_ms);
    });
  }

  /** A peer that may not open a tunnel any more keeps the one that it has. */
  #review(tunnelId: number, tunnel: PeerTunnel): void {
    const { path, peerHostName } = tunnel;
    this.#context.ask({ type: 'authorize-tunnel', tunnelId, path, peerHostName }, (answer) => {
      if (answer.type === 'authorize-tunnel' && answer.accepted) tunnel.policy = answer.policy;
    });
  }

  #established({ tunnelId, path }: Extract<L2tpEvent, { type: 'tunnel-established' }>): void {
    const tunnel = this.#tunnels.get(tunnelId);
    if (tunnel === undefined) return;
    tunnel.isOpen = true;
    tunnel.path = path;
    this.#tell('tunnel-started', tunnelId, tunnel, '');
  }

  #tell(
    type: 'tunnel-started' | 'tunnel-stopped' | 'tunnel-rejected',
    tunnelId: number,
    { path, policy, peerHostName }: PeerTunnel,
    reason: string,
  ): void {
    const peerName = policy.peerName || peerHostName;
    this.#context.emit({ type, tunnelId, side: 'lns', path, peerName, assignmentId: '', reason });
  }

  /** A peer that may come but has not proved itself is told of, as one that may not come is by who answers for that. */
  #closed({ tunnelId, cause }: Extract<L2tpEvent, { type: 'tunnel-closed' }>): boolean {
    const tunnel = this.#tunnels.get(tunnelId);
    if (tunnel === undefined) return false;
    this.#tunnels.delete(tunnelId);
    // Of strangers' attempts nothing is kept.
    if (tunnel.isOpen) this.#tell('tunnel-stopped', tunnelId, tunnel, cause.errorMessage ?? '');
    else if (tunnel.policy.peerName !== '') this.#tell('tunnel-rejected', tunnelId, tunnel, cause.errorMessage ?? '');
    if (cause.by === 'local' && cause.resultCode === NOT_AUTHORIZED && tunnel.policy !== NO_POLICY) {
      const { peerAddress, peerHostName } = tunnel;
      this.#context.emit({ type: 'tunnel-refused', peerAddress, peerHostName, reason: cause.errorMessage ?? '' });
    }
    return true;
  }

  #close(tunnelId: number, now_ms: number): void {
    this.#context.endpoint.closeTunnel(tunnelId, { resultCode: 1 }, now_ms);
  }
}
