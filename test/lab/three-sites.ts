/**
 * The lab's picture of the world: a remote user and an LNS on the internet, a head office behind the LNS.
 *
 *   guest ── tap-user ┐
 *                     ├ bridge ── uplink ════ internet ── LNS ── office ════ eth0 ── office host
 *   user's namespace ─┘ 192.0.2.2            192.0.2.1       10.20.0.1     10.20.0.2
 *
 * Lays namespaces and cables; starts no program but the user's guest, on request.
 */
import { UmlGuest } from '../interop/uml.js';
import { Lab, type Namespace } from './namespaces.js';

export const ADDRESS = {
  lns: '192.0.2.1',
  /** Another address of the LNS that a caller may dial. */
  lnsOther: '192.0.2.9',
  lns6: '2001:db8:1::1',
  user: '192.0.2.2',
  user6: '2001:db8:1::2',
  guest: '192.0.2.3',
  office: '10.20.0.2',
  officeNetwork: '10.20.0.0/24',
  lnsAtOffice: '10.20.0.1',
} as const;

export interface Sites {
  lab: Lab;
  user: Namespace;
  lns: Namespace;
  office: Namespace;
}

/** Opens a lab and lays the three sites. */
export async function layThreeSites(): Promise<Sites> {
  const lab = await Lab.open();
  const user = await lab.namespace('user');
  const lns = await lab.namespace('lns');
  const office = await lab.namespace('office');
  await lab.cable(
    { namespace: user, device: 'uplink' },
    {
      namespace: lns,
      device: 'internet',
      addresses: [`${ADDRESS.lns}/24`, `${ADDRESS.lnsOther}/24`, `${ADDRESS.lns6}/64`],
    },
  );
  await lab.cable(
    { namespace: lns, device: 'office', addresses: [`${ADDRESS.lnsAtOffice}/24`] },
    { namespace: office, device: 'eth0', addresses: [`${ADDRESS.office}/24`] },
  );
  await office.ip(`route add default via ${ADDRESS.lnsAtOffice}`);
  await lab.bridge(user, 'bridge', ['uplink']);
  await user.address('bridge', `${ADDRESS.user}/24`, `${ADDRESS.user6}/64`);
  return { lab, user, lns, office };
}

/** Boots the user's guest on the user's bridge. */
export async function bootGuest(sites: Sites, name = 'guest', address: string = ADDRESS.guest): Promise<UmlGuest> {
  const tap = `tap-${name}`;
  const guest = await UmlGuest.boot(sites.lab, { name, namespace: sites.user, tap, addresses: [`${address}/24`] });
  await sites.user.ip(`link set ${tap} master bridge`);
  return guest;
}
