/**
 * Which peers may open a tunnel to the LNS and how they are treated, from the settings. Pure.
 */

import type { DisconnectResult } from '../protocol/l2tp/endpoint.js';
import type { TunnelPolicy } from '../roles/role.js';
import type { Settings } from '../settings.js';
import { octets } from '../wire/bytes.js';
import { parseAddress, parsePrefix, prefixContains } from '../wire/ip.js';

export type TunnelDecision = { accepted: true; policy: TunnelPolicy } | ({ accepted: false } & DisconnectResult);

/** The first entry of tunnelPeers that matches decides; RFC 2661 section 4.4.2, StopCCN result 4 refuses. */
export function decideTunnel(settings: Settings, peerAddress: string, peerHostName: string): TunnelDecision {
  const peer = settings.tunnelPeers.find(
    (entry) =>
      (entry.hostName === undefined || entry.hostName === peerHostName) &&
      (entry.address === undefined || isWithin(peerAddress, entry.address)),
  );
  if (peer !== undefined) {
    const { name: peerName, secret, ...treatment } = peer;
    return { accepted: true, policy: { ...policyOf(treatment), peerName, ...secretOf(secret) } };
  }
  const { allowUnknownPeers, defaultSecret, proxy, proxyMismatch } = settings.lns;
  if (!allowUnknownPeers) return { accepted: false, resultCode: 4, errorMessage: 'this peer is not known here' };
  return {
    accepted: true,
    policy: {
      peerName: '',
      ...secretOf(defaultSecret),
      ...{ allowTunnelIdZero: false, addressControl: 'detect', proxy, proxyMismatch, maxSessions: 0 },
    },
  };
}

function policyOf({
  allowTunnelIdZero,
  addressControl,
  proxy,
  proxyMismatch,
  maxSessions,
}: Omit<TunnelPolicy, 'peerName' | 'secret'>): Omit<TunnelPolicy, 'peerName' | 'secret'> {
  return { allowTunnelIdZero, addressControl, proxy, proxyMismatch, maxSessions };
}

function secretOf(secret: string | undefined): { secret?: Uint8Array } {
  return secret ? { secret: octets(secret) } : {};
}

function isWithin(addressText: string, prefixText: string): boolean {
  const prefix = parsePrefix(prefixText);
  const address = parseAddress(addressText);
  return address.length === prefix.address.length && prefixContains(prefix, address);
}
