/**
 * The shipped program as LAC and as LNS of the access sites, set up through its API: every call is carried to the LNS, who
 * knows the users. What tests of many PPPoE calls begin with.
 */
import { ACCESS_DEVICE, type AccessSites, LAC_ADDRESS, layAccessSites, PCS_DEVICE } from '../lab/access-sites.js';
import { type DialOrder, PppoeCallers } from '../lab/pppoe-callers.js';
import { ADDRESS } from '../lab/three-sites.js';
import { until } from '../lab/until.js';
import type { SettingsChanges } from './api-client.js';
import { Appliance } from './appliance.js';
import { LNS_LINK_ADDRESS, listening } from './lns.js';

export const TUNNEL_SECRET = 'tunnel secret';
/** PC n is the user of this name and n. */
export const USER_PREFIX = 'caller-';
export const PASSWORD = 'open sesame';

export type Encapsulation = 'udp2' | 'udp3' | 'ip';
export type ProxyMode = 'trust' | 'chap' | 'renegotiate';

export interface LacAndLnsOptions {
  /** How many PCs the LNS knows and has addresses for, where no RADIUS does. */
  users: number;
  encapsulation?: Encapsulation;
  proxy?: ProxyMode;
  lac?: SettingsChanges;
  lns?: SettingsChanges;
}

export interface LacAndLns {
  sites: AccessSites;
  lac: Appliance;
  lns: Appliance;
  callers: PppoeCallers;
}

/** Addresses for so many users, from the one behind the LNS's own. */
function poolOf(users: number): { first: string; last: string } {
  const last = users + 1;
  return { first: '10.113.0.2', last: `10.113.${last >> 8}.${last & 0xff}` };
}

export async function startLacAndLns({
  users,
  encapsulation = 'udp2',
  proxy = 'trust',
  lac: ofLac = {},
  lns: ofLns = {},
}: LacAndLnsOptions): Promise<LacAndLns> {
  const sites = await layAccessSites();
  const [lac, lns, callers] = await Promise.all([
    Appliance.start(sites.lab, sites.lac, 'lac'),
    Appliance.start(sites.lab, sites.lns, 'lns'),
    PppoeCallers.start(sites.pcs, PCS_DEVICE),
  ]);
  if (users > 0) await lns.api.putPool('default', { ranges: [poolOf(users)] });
  for (let user = 0; user < users; user++) await lns.api.putUser(`${USER_PREFIX}${user}`, { password: PASSWORD });
  await lns.api.configure({
    ...ofLns,
    lns: { enabled: true, localAddress: LNS_LINK_ADDRESS, authentication: ['chap-md5'], ...ofLns.lns },
    tunnelPeers: [{ name: 'lac', address: `${LAC_ADDRESS}/32`, secret: TUNNEL_SECRET, proxy }],
  });
  const server = { server: ADDRESS.lns, encapsulation, secret: TUNNEL_SECRET };
  await lac.api.configure({
    ...ofLac,
    lac: {
      ...{ enabled: true, interfaces: [{ name: ACCESS_DEVICE }], authentication: ['chap-md5'] },
      ...{ tunnelGroups: [{ name: 'office', servers: [server] }], rules: [{ action: 'tunnel', group: 'office' }] },
      ...ofLac.lac,
    },
  });
  await listening(lns);
  return { sites, lac, lns, callers };
}

/** An order for PCs with a MAC address each that are in no VLAN. */
export function dialOrder(changes: Partial<DialOrder> & { calls: number }): DialOrder {
  return {
    ...{ atOnce: changes.calls, firstPc: 0, mac: '', vlanIds: [], userPrefix: USER_PREFIX, password: PASSWORD },
    ...{ authentication: ['chap-md5'], ipv6: true, maxConfigure: 10, timeout_ms: 60_000 },
    ...changes,
  };
}

/** So many calls stand, and no other is on its way, at both boxes. */
export async function standing({ lac, lns }: LacAndLns, calls: number): Promise<void> {
  for (const [name, box] of Object.entries({ lac, lns })) {
    await until(`${calls} calls at the ${name}`, 30_000, async () => {
      const sessions = await box.api.sessions();
      return sessions.length === calls && sessions.every(({ state }) => state === 'up');
    });
  }
}

/** Nothing of any call is left: no session at either box, no lease. Tunnels close when they have been idle. */
export async function nothingLeft({ lac, lns }: LacAndLns, timeout_ms = 30_000): Promise<void> {
  for (const [name, box] of Object.entries({ lac, lns })) {
    await until(`no session and no lease at the ${name}`, timeout_ms, async () => {
      return (await box.api.status()).sessions === 0 && (await box.api.leasedCount()) === 0;
    });
  }
}
