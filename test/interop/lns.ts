/**
 * The shipped program as the LNS of the three sites: one pool, one user, set up through its API. What tests of the LNS
 * begin with, and what `make run` shows.
 */
import { ADDRESS, type Sites } from '../lab/three-sites.js';
import { until } from '../lab/until.js';
import type { SettingsChanges } from './api-client.js';
import { Appliance } from './appliance.js';

export const USER = { name: 'alice', password: 'open sesame' } as const;
export const POOL = { first: '10.112.112.10', last: '10.112.112.29', size: 20 } as const;
/** The LNS's end of every link. */
export const LNS_LINK_ADDRESS = '10.112.112.1';

export async function startLns(sites: Sites, changes: SettingsChanges = {}): Promise<Appliance> {
  const appliance = await Appliance.start(sites.lab, sites.lns, 'lns');
  const { api } = appliance;
  await api.putPool('default', { ranges: [{ first: POOL.first, last: POOL.last }] });
  await api.putUser(USER.name, { password: USER.password });
  await api.configure({
    ...changes,
    lns: { enabled: true, localAddress: LNS_LINK_ADDRESS, dns: [ADDRESS.office], ...changes.lns },
  });
  await listening(appliance);
  return appliance;
}

/** Resolves when the LNS takes calls. */
export async function listening(appliance: Appliance): Promise<void> {
  await until('the LNS listens', 10_000, async () => (await appliance.api.status()).lns.listening);
}

/** Resolves when nothing of any call is left: no session, no tunnel. */
export async function idle(appliance: Appliance, timeout_ms = 60_000): Promise<void> {
  await until('no session and no tunnel left', timeout_ms, async () => {
    const { sessions, tunnels } = await appliance.api.status();
    return sessions === 0 && tunnels === 0;
  });
}
