/**
 * Reads what interfaces and routes the kernel has, as ip(8) and /sys/class/net show them. Must not change anything.
 *
 * Fulfils `NetworkState` of control/network-state.ts.
 */
import { readFile } from 'node:fs/promises';
import { messageOf, runProgram } from './program.js';

interface ShownCounters {
  bytes: number;
  packets: number;
  dropped: number;
}

interface ShownInterface {
  ifname: string;
  flags: string[];
  mtu: number;
  link_type: string;
  address?: string;
  linkinfo?: { info_kind?: string; info_data?: { type?: string } };
  addr_info: { local: string; prefixlen: number }[];
  stats64: { rx: ShownCounters; tx: ShownCounters };
}

interface ShownRoute {
  dst: string;
  gateway?: string;
  via?: { host: string };
  dev?: string;
  protocol?: string;
  metric?: number;
  nexthops?: { gateway?: string; via?: { host: string }; dev?: string }[];
}

type Kind = 'ethernet' | 'bridge' | 'tun' | 'tap' | 'vlan' | 'other';

interface InterfaceState {
  name: string;
  kind: Kind;
  mac: string;
  mtu_bytes: number;
  isUp: boolean;
  hasCarrier: boolean;
  speed_Mbps: number | null;
  addresses: string[];
  counters: {
    receivedPackets: number;
    receivedOctets: number;
    sentPackets: number;
    sentOctets: number;
    receiveDrops: number;
    sendDrops: number;
  };
}

interface RouteState {
  prefix: string;
  via: string;
  interface: string;
  protocol: string;
  metric: number;
}

/** All interfaces but loopback, in the kernel's order. */
export async function readInterfaces(): Promise<InterfaceState[]> {
  const shown = await ask<ShownInterface>(['-details', '-stats', 'address', 'show']);
  return Promise.all(shown.filter(({ link_type }) => link_type !== 'loopback').map(interfaceOf));
}

/** Of the main table, IPv4 first; those within `within` and those of `protocol` alone, unless that is ''. */
export async function readRoutes(within: string, protocol = ''): Promise<RouteState[]> {
  const families = within === '' ? ['-4', '-6'] : [within.includes(':') ? '-6' : '-4'];
  const routes: RouteState[] = [];
  for (const family of families) {
    const narrowed = [...(within === '' ? [] : ['root', within]), ...(protocol === '' ? [] : ['proto', protocol])];
    const shown = await ask<ShownRoute>([family, 'route', 'show', 'table', 'main', ...narrowed]);
    routes.push(...shown.flatMap((route) => routesOf(route, family === '-4', protocol || 'boot')));
  }
  return routes;
}

async function ask<Shown>(argv: readonly string[]): Promise<Shown[]> {
  const end = await runProgram('ip', ['-json', ...argv], '');
  if ('error' in end) throw new Error(`ip(8) cannot be run: ${end.error}`);
  if (end.status !== 0) throw new Error(`ip ${argv.join(' ')}: ${messageOf(end)}`);
  return JSON.parse(end.stdout.trim() || '[]') as Shown[];
}

async function interfaceOf(shown: ShownInterface): Promise<InterfaceState> {
  const { ifname: name, flags, mtu, link_type, address, addr_info, stats64 } = shown;
  const hasCarrier = flags.includes('LOWER_UP');
  return {
    name,
    kind: kindOf(shown),
    mac: link_type === 'ether' ? (address ?? '') : '',
    mtu_bytes: mtu,
    isUp: flags.includes('UP'),
    hasCarrier,
    // What a driver says without a carrier is made up.
    speed_Mbps: hasCarrier ? await speedOf(name) : null,
    addresses: addr_info.map(({ local, prefixlen }) => `${local}/${prefixlen}`),
    counters: {
      ...{ receivedPackets: stats64.rx.packets, receivedOctets: stats64.rx.bytes, receiveDrops: stats64.rx.dropped },
      ...{ sentPackets: stats64.tx.packets, sentOctets: stats64.tx.bytes, sendDrops: stats64.tx.dropped },
    },
  };
}

/** A card has no kind; the end of a virtual cable and a port of a switch chip are used as one. */
function kindOf({ link_type, linkinfo }: ShownInterface): Kind {
  const kind = linkinfo?.info_kind ?? '';
  if (kind === 'bridge' || kind === 'vlan') return kind;
  if (kind === 'tun') return linkinfo?.info_data?.type === 'tap' ? 'tap' : 'tun';
  return link_type === 'ether' && ['', 'veth', 'dsa'].includes(kind) ? 'ethernet' : 'other';
}

/** The file cannot be read, or says -1, where there is nothing to say. */
async function speedOf(name: string): Promise<number | null> {
  const text = await readFile(`/sys/class/net/${name}/speed`, 'latin1').catch(() => '');
  const speed_Mbps = Number(text);
  return speed_Mbps > 0 ? speed_Mbps : null;
}

/** A route that leads several ways is several. ip(8) does not say the protocol that it was asked for. */
function routesOf({ nexthops, ...shown }: ShownRoute, isIpv4: boolean, unsaid: string): RouteState[] {
  const { dst, protocol = unsaid, metric = 0 } = shown;
  const bits = isIpv4 ? 32 : 128;
  const prefix = dst === 'default' ? (isIpv4 ? '0.0.0.0/0' : '::/0') : dst.includes('/') ? dst : `${dst}/${bits}`;
  return (nexthops ?? [shown]).map(({ gateway, via, dev = '' }) => ({
    ...{ prefix, via: gateway ?? via?.host ?? '', interface: dev, protocol, metric },
  }));
}
