/**
 * The whole call of the fourteen steps with real components: a PC with pppd over its kernel's PPPoE, the shipped program as
 * LAC and as LNS, a FreeRADIUS for each that knows the same users, and a host in the head office.
 *
 *   RADIUS of the LAC ── eth0 ════ radius0 ──┐
 *   PC ── tap ── eth0 ════════════ access0 ── LAC ── uplink ════ internet ── LNS ── office ════ eth0 ── office host,
 *                                            192.0.2.2          192.0.2.1                              RADIUS of the LNS
 *
 * The user-mode kernel's module pppoe.ko and pppd's plugin pppoe.so make a PC of it, where the machine's own kernel has
 * neither PPP nor PPPoE: from `dial` to an address takes some 3 s, of which discovery and LCP are the most.
 */

import type { SettingsChanges } from '../interop/api-client.js';
import { Appliance } from '../interop/appliance.js';
import { startFreeRadius } from '../interop/freeradius.js';
import type { Encapsulation, ProxyMode } from '../interop/lac-and-lns.js';
import { LNS_LINK_ADDRESS, listening, USER } from '../interop/lns.js';
import type { PppAuthentication } from '../interop/pppd.js';
import { PppdPc } from '../interop/pppd-pc.js';
import { ACCESS_DEVICE, type AccessSites, LAC_ADDRESS, layAccessSites, PCS_DEVICE } from './access-sites.js';
import type { Namespace } from './namespaces.js';
import type { Daemon } from './process.js';
import { ADDRESS } from './three-sites.js';

export const TUNNEL_SECRET = 'known to both ends';
export const RADIUS_SECRET = 'radius-secret';
export const LAC_RADIUS_ADDRESS = '10.30.0.2';
export const LAC_RADIUS_DEVICE = 'radius0';
const LAC_AT_RADIUS = '10.30.0.1';
/** What the LNS's RADIUS server gives the user. */
export const USER_ADDRESS = '10.112.112.10';

export interface FourteenStepsOptions {
  encapsulation?: Encapsulation;
  proxy?: ProxyMode;
  /** What the LAC asks for, and the LNS. */
  authentication?: PppAuthentication;
  lac?: SettingsChanges;
  lns?: SettingsChanges;
  /** LNSes that the LAC's RADIUS server names, the first one preferred; from the start on. */
  lnses?: readonly string[];
}

export interface FourteenSteps {
  sites: AccessSites;
  /** Where the LAC's RADIUS server is. */
  provider: Namespace;
  pc: PppdPc;
  lac: Appliance;
  lns: Appliance;
  lacRadius: Daemon;
  lnsRadius: Daemon;
}

/** Starts all of it; nobody has dialled. */
export async function startFourteenSteps(options: FourteenStepsOptions = {}): Promise<FourteenSteps> {
  const sites = await layAccessSites();
  const { lab } = sites;
  const provider = await lab.namespace('provider');
  await lab.cable(
    { namespace: sites.lac, device: LAC_RADIUS_DEVICE, addresses: [`${LAC_AT_RADIUS}/24`] },
    { namespace: provider, device: 'eth0', addresses: [`${LAC_RADIUS_ADDRESS}/24`] },
  );
  const [pc, lac, lns, lacRadius, lnsRadius] = await Promise.all([
    PppdPc.boot(lab, { name: 'pc', namespace: sites.pcs, device: PCS_DEVICE }),
    Appliance.start(lab, sites.lac, 'lac'),
    Appliance.start(lab, sites.lns, 'lns'),
    startRadius('lac-radius', sites, provider, LAC_RADIUS_ADDRESS, tunnelAttributes(options.lnses ?? [ADDRESS.lns])),
    startRadius('lns-radius', sites, sites.office, ADDRESS.office, [
      'Service-Type = Framed-User',
      'Framed-Protocol = PPP',
      `Framed-IP-Address = ${USER_ADDRESS}`,
    ]),
  ]);
  const steps = { sites, provider, pc, lac, lns, lacRadius, lnsRadius };
  await setUp(steps, options);
  return steps;
}

/** Sets both boxes up anew. A call that stands may end by that. */
export async function setUp({ lac, lns }: FourteenSteps, options: FourteenStepsOptions): Promise<void> {
  const { encapsulation = 'udp2', proxy = 'trust', authentication = 'chap-md5' } = options;
  await lns.api.configure({
    ...options.lns,
    radius: { ...options.lns?.radius, ...radius(ADDRESS.office) },
    lns: { enabled: true, localAddress: LNS_LINK_ADDRESS, authentication: [authentication], ...options.lns?.lns },
    tunnelPeers: [{ name: 'lac', address: `${LAC_ADDRESS}/32`, secret: TUNNEL_SECRET, proxy }],
  });
  await lac.api.configure({
    ...options.lac,
    radius: { ...options.lac?.radius, ...radius(LAC_RADIUS_ADDRESS) },
    lac: {
      ...{ enabled: true, interfaces: [{ name: ACCESS_DEVICE }], authentication: [authentication] },
      // RADIUS names the LNS; that it is spoken to in version 3 stands here.
      tunnelGroups: [{ name: 'office', servers: [{ server: ADDRESS.lns, encapsulation, secret: TUNNEL_SECRET }] }],
      tunnelIdle_s: 1,
      ...options.lac?.lac,
    },
  });
  await listening(lns);
}

/** How many Access-Requests a FreeRADIUS has answered since the mark: it logs one line for each. */
export function accessRequests(server: Daemon, from = 0): number {
  return server.lines(from).filter((line) => /Login (?:OK|incorrect)/.test(line)).length;
}

function radius(address: string): NonNullable<SettingsChanges['radius']> {
  return {
    authentication: [{ address, secret: RADIUS_SECRET }],
    accounting: [{ address, secret: RADIUS_SECRET }],
  };
}

/** RFC 2868: a tunnel by each LNS, of which the user gets to know nothing. */
function tunnelAttributes(lnses: readonly string[]): string[] {
  return lnses.flatMap((address, index) => {
    const tag = index + 1;
    return [
      `Tunnel-Type:${tag} = L2TP`,
      `Tunnel-Medium-Type:${tag} = IPv4`,
      `Tunnel-Server-Endpoint:${tag} = "${address}"`,
      `Tunnel-Password:${tag} = "${TUNNEL_SECRET}"`,
      `Tunnel-Assignment-Id:${tag} = "office ${tag}"`,
      `Tunnel-Preference:${tag} = ${tag}`,
    ];
  });
}

function startRadius(
  name: string,
  { lab }: AccessSites,
  namespace: Namespace,
  address: string,
  reply: readonly string[],
): Promise<Daemon> {
  const users = [{ name: USER.name, password: USER.password, reply }];
  return startFreeRadius(lab, { namespace, address, clients: '10.0.0.0/8', secret: RADIUS_SECRET, users, name });
}
