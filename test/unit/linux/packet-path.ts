/**
 * The packet path's thread and its UDP peers in network namespaces, as programs that speak JSON lines: what the tests of
 * the packet path in the kernel share.
 */
import assert from 'node:assert/strict';
import type { DataPlaneCommand, DataPlaneOptions, SessionRow } from '../../../firmware/dataplane/interface.js';
import type { Namespace } from '../../lab/namespaces.js';
import { Speaker } from './speaker.js';

export const LNS = ['192.0.2.2', '192.0.2.3'] as const;
export const PEER = '192.0.2.1';
export const LNS_IPV6 = '2001:db8:1::2';
export const PEER_IPV6 = '2001:db8:1::1';

export function bytes(hex: string): Uint8Array {
  return Uint8Array.from(Buffer.from(hex, 'hex'));
}

/** All that a test has started. */
const speakers: Speaker[] = [];

export async function stopSpeakers(): Promise<void> {
  await Promise.all(speakers.splice(0).map(({ daemon }) => daemon.stop()));
}

function started<T extends Speaker>(speaker: T): T {
  speakers.push(speaker);
  return speaker;
}

export class PacketPath extends Speaker {
  /** Without waiting for its sockets; by way of a program that starts it, if one is given. */
  static launch(namespace: Namespace, offload: boolean, ...starter: string[]): PacketPath {
    const options: DataPlaneOptions = { listen: { port: 1701 }, maxSessions: 16, batch: 8, offload };
    return started(new PacketPath(namespace, 'packet-path-program.js', [JSON.stringify(options)], starter));
  }

  static async start(namespace: Namespace, offload = true): Promise<PacketPath> {
    const path = PacketPath.launch(namespace, offload);
    await path.hear(/"ready"/);
    return path;
  }

  command(...commands: DataPlaneCommand[]): void {
    this.say(commands);
  }

  /** Opens a TAP device for frames of 1500 octets, with an address. */
  async openTap(namespace: Namespace, tun: number, name: string, address: string): Promise<void> {
    this.command({ type: 'open-tun', kind: 'tap', tun, name, mtu_bytes: 1500 });
    await this.hear(/"tun-opened"/);
    await namespace.ip(
      `link set ${name} addrgenmode none`,
      `link set ${name} mtu 1500 up`,
      `address add ${address} dev ${name}`,
    );
  }

  async openTun(namespace: Namespace, tun: number, name: string, ...lines: string[]): Promise<void> {
    this.command({ type: 'open-tun', kind: 'tun', tun, name, mtu_bytes: 1400 });
    await this.hear(/"tun-opened"/);
    await namespace.ip(`link set ${name} addrgenmode none`, `link set ${name} mtu 1400 up`, ...lines);
  }

  /** Resolves when all commands so far are carried out: the last of them is answered. */
  async settle(): Promise<void> {
    const last = row({ sessionId: 0xffff, sources: [] });
    const { sessionId, generation } = last;
    this.command({ type: 'session-add', row: last }, { type: 'session-remove', sessionId, generation });
    await this.hear(/"session-removed"/);
  }

  async counters(sessionId = 0, generation = 0): Promise<{ session: unknown; drops: Record<string, number> }> {
    this.say({ read: [sessionId, generation] });
    return (await this.hear(/"counters"/)) as unknown as { session: unknown; drops: Record<string, number> };
  }

  async end(): Promise<number> {
    this.command({ type: 'stop' });
    const { code } = await this.hear(/"exit"/);
    assert.equal(await this.daemon.exited, 0);
    return code as number;
  }
}

export class UdpPeer extends Speaker {
  static async open(namespace: Namespace, address: string, port = 1701): Promise<UdpPeer> {
    const peer = started(new UdpPeer(namespace, 'udp-peer-program.js', [address, String(port)]));
    await peer.hear(/bound/);
    return peer;
  }

  send(address: string, hex: string): void {
    this.say({ address, port: 1701, hex: hex.replaceAll(' ', '') });
  }
}

export function row(changes: Partial<SessionRow> = {}): SessionRow {
  return {
    sessionId: 0x0101,
    generation: 7,
    version: 2,
    localCookie: new Uint8Array(0),
    peerCookie: new Uint8Array(0),
    localSublayer: false,
    peerSublayer: false,
    payload: 'ppp',
    ethernetOpen: false,
    vlanId: 0,
    tunnelId: 0x0a0a,
    allowTunnelIdZero: false,
    peerTunnelId: 0x0b0b,
    peerSessionId: 0x0202,
    path: { encapsulation: 'udp' as const, localAddress: LNS[0], localPort: 1701, peerAddress: PEER, peerPort: 1701 },
    tun: 0,
    bindTun: false,
    transmitAcfc: false,
    transmitPfc: false,
    addressControl: 'detect',
    sequencing: false,
    mtu_bytes: 1400,
    mssClamp_bytes: 0,
    ipv4Open: true,
    ipv6Open: true,
    sources: ['10.64.0.7/32', '2001:db8:7::/64'],
    destinations: [],
    pppoe: undefined,
    relayTo: undefined,
    hold: false,
    receiveRate_bps: 0,
    sendRate_bps: 0,
    ...changes,
  };
}
