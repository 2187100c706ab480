/**
 * The two LNSes that are compared, each in a namespace of its own, behind one face: the shipped program and l2tpns, each
 * with a FreeRADIUS of its own beside it that knows every user. Callers are in one namespace, the office in another, and
 * every cable leaves checksums and cutting to the card:
 *
 *           ┌─ 198.51.100.2 ════ .1 internet ── ours ── office 10.21.0.1 ════ .2 ─┐
 *   caller ─┼─ 203.0.113.2 ═════ .1 internet ─ l2tpns ─ office 10.22.0.1 ════ .2 ─┼─ office
 *           └─ 10.23.0.1 ══════════════════════════════════════════════════ .2 ───┘
 *
 * Knows nothing of what is measured.
 */
import { Appliance } from '../interop/appliance.js';
import { startFreeRadius } from '../interop/freeradius.js';
import { startL2tpns } from '../interop/l2tpns.js';
import { listening } from '../interop/lns.js';
import type { Lab, Namespace } from '../lab/namespaces.js';
import type { Daemon } from '../lab/process.js';

export const TUNNEL_SECRET = 'bench-tunnel-secret';
/** Users are called by this and a number. */
export const USER_PREFIX = 'user';
export const PASSWORD = 'bench-password';
/** FreeRADIUS's name for any user. */
const ANY_USER = 'DEFAULT';
const RADIUS = { address: '127.0.0.1', secret: 'bench-radius-secret' };
const MAX_SESSIONS = 16_000;
const OFFLOADS = { offloads: true };
/** The direct cable's ends. */
export const DIRECT = { caller: '10.23.0.1', office: '10.23.0.2' } as const;

export interface Lns {
  readonly name: string;
  readonly namespace: Namespace;
  /** The other ends of its cables, at the caller and at the office. */
  readonly cable: string;
  /** What callers dial. */
  readonly address: string;
  /** The office's hosts behind it, all of them the same. */
  readonly offices: readonly string[];
  readonly pid: number;
  /** The server that it asks about users. */
  readonly radiusPid: number;
  /** Ends it and starts it again. */
  restart(): Promise<void>;
}

export interface BenchSites {
  lab: Lab;
  caller: Namespace;
  office: Namespace;
}

export async function layBenchSites(lab: Lab): Promise<BenchSites> {
  const [caller, office] = [await lab.namespace('caller'), await lab.namespace('office')];
  await lab.cable(
    { namespace: caller, device: 'direct', addresses: [`${DIRECT.caller}/30`] },
    { namespace: office, device: 'direct', addresses: [`${DIRECT.office}/30`] },
    OFFLOADS,
  );
  return { lab, caller, office };
}

/**
 * What crosses an LNS's cables. whole: what was sent in one piece comes in one piece. joined: as packets, which the LNS's
 * kernel joins. cut: as packets.
 */
export type Crossing = 'whole' | 'joined' | 'cut';
/** What it is called behind the name of a scenario. */
export const CROSSING: Readonly<Record<Crossing, string>> = {
  whole: ', super-packets on the cable',
  joined: ', packets on the cable, gro on',
  cut: ', packets on the cable',
};

/** Has packets to the LNS cross its cables in this way. What it sends itself crosses as it is sent. */
export async function crossAs({ caller, office }: BenchSites, lns: Lns, crossing: Crossing): Promise<void> {
  const cuts = crossing === 'whole' ? 'on' : 'off';
  for (const sender of [caller, office]) {
    await sender.run(['ethtool', '-K', lns.cable, 'tso', cuts, 'tx-udp-segmentation', cuts]);
  }
  const [joins, threaded] = crossing === 'joined' ? ['on', '1'] : ['off', '0'];
  for (const device of ['internet', 'office']) {
    await lns.namespace.run(['ethtool', '-K', device, 'gro', joins, 'rx-udp-gro-forwarding', joins]);
    // Without it the sender itself hands over packet for packet, and there are never two to join. EIO where gro is off.
    const script = `echo ${threaded} >/sys/class/net/${device}/threaded`;
    await lns.namespace.run(['sh', '-c', script], { mayFail: true });
  }
}

/** Lays both cables of an LNS in a new namespace; `users` are routed to it. */
async function layLns(
  { lab, caller, office }: BenchSites,
  name: string,
  { link, offices, users }: { link: string; offices: readonly string[]; users: string },
): Promise<Namespace> {
  const namespace = await lab.namespace(name);
  await lab.cable(
    { namespace: caller, device: name, addresses: [`${link}.2/30`] },
    { namespace, device: 'internet', addresses: [`${link}.1/30`] },
    OFFLOADS,
  );
  const lnsAtOffice = offices[0]!.replace(/\d+$/, '1');
  await lab.cable(
    { namespace, device: 'office', addresses: [`${lnsAtOffice}/24`] },
    { namespace: office, device: name, addresses: offices.map((address) => `${address}/24`) },
    OFFLOADS,
  );
  await office.ip(`route add ${users} via ${lnsAtOffice}`);
  return namespace;
}

function startRadius({ lab }: BenchSites, namespace: Namespace, name: string): Promise<Daemon> {
  return startFreeRadius(lab, {
    ...{ namespace, ...RADIUS, clients: '127.0.0.0/8', name: `freeradius-${name}` },
    users: [{ name: ANY_USER, password: PASSWORD }],
  });
}

export async function startOurs(sites: BenchSites): Promise<Lns> {
  const offices = ['10.21.0.2', '10.21.0.3', '10.21.0.4'];
  const namespace = await layLns(sites, 'ours', { link: '198.51.100', offices, users: '10.112.0.0/18' });
  const freeRadius = await startRadius(sites, namespace, 'ours');
  const appliance = await Appliance.start(sites.lab, namespace, 'ours');
  const { api } = appliance;
  await api.putPool('default', { ranges: [{ first: '10.112.0.2', last: '10.112.63.254' }] });
  await api.configure({
    l2tp: { maxSessions: MAX_SESSIONS },
    // l2tpns runs no IPV6CP with its callers unless it has prefixes for them: the same work for both.
    lns: {
      ...{ enabled: true, localAddress: '10.112.0.1', defaultSecret: TUNNEL_SECRET },
      ...{ authentication: ['chap-md5'], ipv6: false },
    },
    radius: { authentication: [RADIUS] },
  });
  await listening(appliance);
  return {
    ...{ name: 'tunnelwerk', cable: 'ours', namespace, address: '198.51.100.1', offices, radiusPid: freeRadius.pid },
    get pid() {
      return appliance.pid;
    },
    async restart() {
      await appliance.stop();
      await appliance.restart();
      await listening(appliance);
    },
  };
}

export async function startTheirs(sites: BenchSites): Promise<Lns> {
  const [address, offices] = ['203.0.113.1', ['10.22.0.2']];
  const namespace = await layLns(sites, 'l2tpns', { link: '203.0.113', offices, users: '10.201.0.0/18' });
  const freeRadius = await startRadius(sites, namespace, 'l2tpns');
  // It logs what is critical alone: as fast as it goes.
  const start = (): Promise<Daemon> =>
    startL2tpns(sites.lab, {
      ...{ namespace, address, device: 'internet', peerAddress: '10.200.0.1', pool: '10.201.0.0/18' },
      ...{ tunnelSecret: TUNNEL_SECRET, radius: RADIUS, authentication: 'chap', debug: 0 },
    });
  let daemon = await start();
  return {
    ...{ name: 'l2tpns', cable: 'l2tpns', namespace, address, offices, radiusPid: freeRadius.pid },
    get pid() {
      return daemon.pid;
    },
    async restart() {
      await daemon.stop();
      daemon = await start();
    },
  };
}
