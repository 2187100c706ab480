/** A branch that dials the LNS of the three sites: the profile of its LAC client, and when its call is up. */
import type { Namespace } from '../lab/namespaces.js';
import { ADDRESS } from '../lab/three-sites.js';
import { until } from '../lab/until.js';
import type { SettingsChanges } from './api-client.js';
import type { Appliance } from './appliance.js';
import { USER } from './lns.js';

const TUN = 'tw-office';
export const UP_TIMEOUT_MS = 30_000;

type Profile = NonNullable<SettingsChanges['lacClients']>[number];

/** One profile that dials, with what a profile must have. */
export function profile(changes: Profile): SettingsChanges {
  return {
    lacClients: [
      {
        ...{ name: 'office', enabled: true, server: ADDRESS.lns, userName: USER.name, password: USER.password },
        ...{ tunInterface: TUN, routes: [ADDRESS.officeNetwork], redialInitial_s: 1, redialCap_s: 2 },
        ...changes,
      },
    ],
  };
}

/** The call stands, and the kernel knows the way through it. */
export async function up(branch: Appliance, site: Namespace, destination: string): Promise<void> {
  await until('the LAC client is up', UP_TIMEOUT_MS, async () => {
    const [client] = (await branch.api.status()).lacClients;
    return client?.state === 'up';
  }).catch(async (error: Error) => {
    throw new Error(`${error.message}\n${JSON.stringify(await branch.api.status())}`);
  });
  await site.routed(destination, TUN);
}
