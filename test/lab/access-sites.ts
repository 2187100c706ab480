/**
 * The lab's picture of an access network: PCs on the LAC's Ethernet, the LAC on the internet, and behind it the LNS and
 * the head office of the three sites, whose remote user's place the LAC has.
 *
 *   PCs ── eth0 ════ access0 ── LAC ── uplink ════ internet ── LNS ── office ════ eth0 ── office host
 *                               192.0.2.2         192.0.2.1       10.20.0.1     10.20.0.2
 */
import type { Namespace } from './namespaces.js';
import { ADDRESS, layThreeSites, type Sites } from './three-sites.js';

/** The PCs' interface, and the one that the LAC answers PPPoE on. */
export const PCS_DEVICE = 'eth0';
export const ACCESS_DEVICE = 'access0';
export const LAC_ADDRESS = ADDRESS.user;

export interface AccessSites extends Sites {
  pcs: Namespace;
  /** The namespace `user` of the three sites. */
  lac: Namespace;
}

export async function layAccessSites(): Promise<AccessSites> {
  const sites = await layThreeSites();
  const pcs = await sites.lab.namespace('pcs');
  await sites.lab.cable({ namespace: pcs, device: PCS_DEVICE }, { namespace: sites.user, device: ACCESS_DEVICE });
  return { ...sites, pcs, lac: sites.user };
}
