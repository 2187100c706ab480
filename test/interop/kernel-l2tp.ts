/**
 * The Linux kernel's L2TPv3 in a guest, by `ip l2tp`: static tunnels and Ethernet sessions, without control messages.
 * Knows nothing of our firmware.
 *
 * What was found out about it: a session's default L2-specific sublayer is "default", not "none", so that each end must
 * be told; `cookie` is what it sends, `peer_cookie` what it expects.
 */
import type { KernelGuest } from './kernel-guest.js';

export interface KernelTunnelOptions {
  encapsulation: 'udp' | 'ip';
  localAddress: string;
  peerAddress: string;
  localTunnelId: number;
  peerTunnelId: number;
  /** Both ends' UDP port; 1701 unless given. */
  port?: number;
}

export interface KernelSessionOptions {
  /** The device that carries frames. */
  device: string;
  localSessionId: number;
  peerSessionId: number;
  /** 8 or 16 hexadecimal digits, or none. What the peer must send, and what is sent to it. */
  localCookie?: string;
  peerCookie?: string;
  l2SpecificSublayer: 'none' | 'default';
  /** Sends sequence numbers, and requires them. */
  sequencing?: boolean;
  mtu_bytes?: number;
  addresses?: readonly string[];
}

export class KernelTunnel {
  readonly #guest: KernelGuest;
  readonly #tunnelId: number;

  private constructor(guest: KernelGuest, tunnelId: number) {
    this.#guest = guest;
    this.#tunnelId = tunnelId;
  }

  static async add(guest: KernelGuest, options: KernelTunnelOptions): Promise<KernelTunnel> {
    const port = options.port ?? 1701;
    await guest.run(
      [
        `ip l2tp add tunnel tunnel_id ${options.localTunnelId} peer_tunnel_id ${options.peerTunnelId}`,
        `encap ${options.encapsulation} local ${options.localAddress} remote ${options.peerAddress}`,
        ...(options.encapsulation === 'udp' ? [`udp_sport ${port} udp_dport ${port}`] : []),
      ].join(' '),
    );
    return new KernelTunnel(guest, options.localTunnelId);
  }

  /** Resolves when the session's device is up with its addresses. */
  async addSession(options: KernelSessionOptions): Promise<void> {
    await this.#guest.run(
      [
        `ip l2tp add session name ${options.device} tunnel_id ${this.#tunnelId}`,
        `session_id ${options.localSessionId} peer_session_id ${options.peerSessionId}`,
        ...(options.peerCookie ? [`cookie ${options.peerCookie}`] : []),
        ...(options.localCookie ? [`peer_cookie ${options.localCookie}`] : []),
        `l2spec_type ${options.l2SpecificSublayer}`,
        ...(options.sequencing ? ['seq both'] : []),
      ].join(' '),
    );
    if (options.mtu_bytes !== undefined) {
      await this.#guest.run(`ip link set ${options.device} mtu ${options.mtu_bytes}`);
    }
    await this.#guest.address(options.device, ...(options.addresses ?? []));
  }

  /** Takes the tunnel and its sessions away. */
  async remove(): Promise<void> {
    await this.#guest.run(`ip l2tp del tunnel tunnel_id ${this.#tunnelId}`);
  }
}
