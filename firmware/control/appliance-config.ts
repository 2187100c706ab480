/**
 * From the settings document to the configuration of the machine that speaks the protocols. Pure.
 */

import type { ApplianceConfig } from '../roles/appliance.js';
import type { PppTimers } from '../roles/call.js';
import type { LacClientConfig } from '../roles/lac-client.js';
import type { LnsConfig } from '../roles/lns.js';
import type { LacClientSettings, Settings } from '../settings.js';

/** What peers read in Vendor Name and Firmware Revision (RFC 2661 section 4.4.3). */
const VENDOR_NAME = 'tunnelwerk';
const FIRMWARE_REVISION = 0x0100;

/** The TUN that all sessions of the LNS share; those of profiles follow. */
export const LNS_TUN = 0;

/** `tunOf` gives the index of a profile's TUN by the profile's name; `localPort` is the UDP port that is open. */
export function applianceConfig(
  settings: Settings,
  tunOf: (profile: string) => number,
  localPort: number,
): ApplianceConfig {
  const { l2tp } = settings;
  return {
    endpoint: {
      hostName: settings.system.hostName,
      vendorName: VENDOR_NAME,
      firmwareRevision: FIRMWARE_REVISION,
      receiveWindow: l2tp.receiveWindow,
      helloInterval_ms: l2tp.helloInterval_s * 1000,
      retransmitInitial_ms: l2tp.retransmitInitial_ms,
      retransmitCap_ms: l2tp.retransmitCap_ms,
      maxRetransmits: l2tp.maxRetransmits,
      establishTimeout_ms: l2tp.establishTimeout_s * 1000,
      maxTunnels: l2tp.maxTunnels,
      maxSessions: l2tp.maxSessions,
    },
    lns: settings.lns.enabled ? lnsConfig(settings) : undefined,
    lacClients: settings.lacClients
      .filter((profile) => profile.enabled)
      .map((profile) => lacClientConfig(settings, profile, tunOf(profile.name), localPort)),
  };
}

function lnsConfig(settings: Settings): LnsConfig {
  const { lns, ppp, system } = settings;
  return {
    authentication: lns.authentication,
    name: system.hostName,
    localAddress: lns.localAddress,
    dns: lns.dns,
    nbns: lns.nbns,
    ipv6: lns.ipv6,
    mru_bytes: ppp.mru_bytes,
    mssClamp: lns.mssClamp,
    sequencing: lns.sequencing,
    tun: LNS_TUN,
    ppp: pppTimers(settings),
  };
}

function lacClientConfig(
  settings: Settings,
  profile: LacClientSettings,
  tun: number,
  localPort: number,
): LacClientConfig {
  return {
    profile: profile.name,
    server: profile.server,
    port: profile.port,
    localPort,
    tunnelSecret: profile.tunnelSecret ?? '',
    userName: profile.userName,
    password: profile.password ?? '',
    authentication: profile.authentication,
    tun,
    localNetworks: profile.localNetworks,
    ipv6: profile.ipv6,
    mru_bytes: profile.mru_bytes,
    mssClamp: profile.mssClamp,
    sequencing: profile.sequencing,
    redialInitial_ms: profile.redialInitial_s * 1000,
    redialCap_ms: profile.redialCap_s * 1000,
    ppp: pppTimers(settings),
  };
}

function pppTimers({ ppp }: Settings): PppTimers {
  return {
    echoInterval_ms: ppp.echoInterval_s * 1000,
    echoFailures: ppp.echoFailures,
    restartTimer_ms: ppp.restartTimer_ms,
    ncpRestartTimer_ms: ppp.ncpRestartTimer_ms,
    maxConfigure: ppp.maxConfigure,
    maxTerminate: ppp.maxTerminate,
    maxFailure: ppp.maxFailure,
    authenticationTimeout_ms: ppp.authenticationTimeout_s * 1000,
  };
}
