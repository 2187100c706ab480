/**
 * From the settings document to the configuration of the machine that speaks the protocols. Pure.
 */

import type { PppoeInterface } from '../protocol/pppoe/events.js';
import type { ApplianceConfig } from '../roles/appliance.js';
import type { PppTimers } from '../roles/call.js';
import type { LacConfig } from '../roles/lac.js';
import type { LacClientConfig } from '../roles/lac-client.js';
import type { LnsConfig } from '../roles/lns.js';
import type { PseudowireConfig, PseudowireEnds } from '../roles/pseudowires.js';
import { ipv4Number, type LacClientSettings, type PseudowireSettings, type Settings } from '../settings.js';
import { PSEUDOWIRE_TYPE } from '../wire/avp.js';
import { LNS_TUN, type ProfiledRole } from './tun-devices.js';

/** What peers read in Vendor Name and Firmware Revision (RFC 2661 section 4.4.3). */
const VENDOR_NAME = 'tunnelwerk';
const FIRMWARE_REVISION = 0x0100;

const TYPE = { ethernet: PSEUDOWIRE_TYPE.ethernet, vlan: PSEUDOWIRE_TYPE.ethernetVlan } as const;

/** What the running box brings along. */
export interface Surroundings {
  /** Index of the device of a LAC client or pseudowire, by its name. */
  tunOf(role: ProfiledRole, name: string): number;
  /** The UDP port that is open. */
  localPort: number;
  /** For a box whose settings name none. */
  routerId: number;
  /** Those that PPPoE is answered on. */
  pppoeInterfaces: readonly (PppoeInterface & { name: string })[];
  /** In front of a call's number in its Acct-Session-Id. */
  accountingPrefix: string;
}

export function applianceConfig(settings: Settings, surroundings: Surroundings): ApplianceConfig {
  const { l2tp } = settings;
  const pseudowires = settings.pseudowires.filter(({ enabled }) => enabled);
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
      routerId: l2tp.routerId === '' ? surroundings.routerId : ipv4Number(l2tp.routerId),
      accepts: l2tp.accepts,
      pseudowireTypes: pseudowireTypes(settings, pseudowires),
      reservedSessionIds: pseudowires.flatMap(({ mode, localSessionId }) =>
        mode === 'static' && localSessionId !== undefined ? [localSessionId] : [],
      ),
    },
    lns: settings.lns.enabled ? lnsConfig(settings) : undefined,
    lac: settings.lac.enabled ? lacConfig(settings, surroundings) : undefined,
    lacClients: settings.lacClients
      .filter((profile) => profile.enabled)
      .map((profile) => lacClientConfig(settings, profile, surroundings)),
    pseudowires: pseudowires.map((wire) => pseudowireConfig(wire, surroundings)),
    accountingPrefix: surroundings.accountingPrefix,
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
    cookie_bytes: lns.cookie_bytes,
    tun: LNS_TUN,
    ppp: pppTimers(settings),
  };
}

/** Calls that end at the LAC are users of the same gateway and name servers as the LNS's. */
function lacConfig(settings: Settings, { pppoeInterfaces, localPort }: Surroundings): LacConfig {
  const { lac, lns, ppp, system } = settings;
  const perMac_per_s = lac.padiPerMac_per_s;
  const perInterface_per_s = lac.padiPerInterface_per_s;
  return {
    concentrator: {
      interfaces: pppoeInterfaces.map(({ index, mac, mtu_bytes }) => ({ index, mac, mtu_bytes })),
      acName: lac.acName || system.hostName,
      serviceNames: lac.serviceNames,
      servesAnyName: lac.servesAnyName,
      maxSessions: lac.maxSessions,
      maxSessionsPerInterface: lac.maxSessionsPerInterface,
      maxSessionsPerMac: lac.maxSessionsPerMac,
      offers: { perMac_per_s, perInterface_per_s },
      requests: { perMac_per_s, perInterface_per_s },
    },
    interfaceNames: new Map(pppoeInterfaces.map(({ index, name }) => [index, name])),
    authentication: lac.authentication,
    name: system.hostName,
    localAddress: lns.localAddress,
    dns: lns.dns,
    nbns: lns.nbns,
    ipv6: lac.ipv6,
    mru_bytes: ppp.mru_bytes,
    mssClamp: lns.mssClamp,
    tun: LNS_TUN,
    ppp: pppTimers(settings),
    tunnels: {
      answer_ms: lac.tunnelAnswer_s * 1000,
      dead_ms: lac.deadTime_s * 1000,
      idle_ms: lac.tunnelIdle_s * 1000,
      maxSessions: lac.maxSessionsPerTunnel,
      localPort,
    },
  };
}

function lacClientConfig(
  settings: Settings,
  profile: LacClientSettings,
  { tunOf, localPort }: Surroundings,
): LacClientConfig {
  const { name, server, port, encapsulation, digest } = profile;
  return {
    ...{ name, server, port, localPort, encapsulation, digest, tunnelSecret: profile.tunnelSecret ?? '' },
    userName: profile.userName,
    password: profile.password ?? '',
    authentication: profile.authentication,
    tun: tunOf('lac-client', name),
    localNetworks: profile.localNetworks,
    ipv6: profile.ipv6,
    mru_bytes: profile.mru_bytes,
    mssClamp: profile.mssClamp,
    sequencing: profile.sequencing,
    cookie_bytes: profile.cookie_bytes,
    redialInitial_ms: profile.redialInitial_s * 1000,
    redialCap_ms: profile.redialCap_s * 1000,
    ppp: pppTimers(settings),
  };
}

/**
 * RFC 3931 section 5.4.3, Pseudowire Capabilities List: PPP where there is an LNS or a client, and the types of
 * pseudowires that control messages set up.
 */
function pseudowireTypes(settings: Settings, pseudowires: readonly PseudowireSettings[]): number[] {
  const carriesPpp = settings.lns.enabled || settings.lac.enabled || settings.lacClients.some(({ enabled }) => enabled);
  const types = pseudowires.filter(({ mode }) => mode !== 'static').map(({ type }) => TYPE[type]);
  return [...new Set([...(carriesPpp ? [PSEUDOWIRE_TYPE.ppp] : []), ...types])];
}

function pseudowireConfig(wire: PseudowireSettings, { tunOf, localPort }: Surroundings): PseudowireConfig {
  const { name, type, vlanId, mtu_bytes } = wire;
  return {
    ...{ name, pseudowireType: TYPE[type], vlanId: vlanId ?? 0, mtu_bytes },
    tun: tunOf('pseudowire', name),
    ends: wire.mode === 'static' ? staticEnds(wire, localPort) : negotiatedEnds(wire, localPort),
  };
}

function negotiatedEnds(wire: PseudowireSettings, localPort: number): PseudowireEnds {
  const { name, peer = '', port, encapsulation, secret, digest, redialInitial_s, redialCap_s } = wire;
  const { remoteEndId = '', cookie_bytes, sequencing } = wire;
  const ends = { remoteEndId, cookie_bytes, sequencing };
  if (wire.mode === 'listen') return { mode: 'listen', peerAddress: peer, ...ends };
  return {
    mode: 'dial',
    ...{ name, server: peer, port, localPort, encapsulation, digest, tunnelSecret: secret ?? '' },
    ...{ redialInitial_ms: redialInitial_s * 1000, redialCap_ms: redialCap_s * 1000 },
    ...ends,
  };
}

function staticEnds(wire: PseudowireSettings, ourPort: number): PseudowireEnds {
  const { peer: peerAddress = '', localAddress = '', port, l2SpecificSublayer, sequencing } = wire;
  const hasSublayer = l2SpecificSublayer === 'default';
  const isIp = wire.encapsulation === 'ip';
  const [localPort, peerPort] = isIp ? [0, 0] : [ourPort, port];
  return {
    mode: 'static',
    path: { encapsulation: isIp ? 'ip' : 'udp', localAddress, localPort, peerAddress, peerPort },
    sessionId: wire.localSessionId ?? 0,
    peerSessionId: wire.peerSessionId ?? 0,
    terms: {
      localCookie: Buffer.from(wire.localCookie ?? '', 'hex'),
      peerCookie: Buffer.from(wire.peerCookie ?? '', 'hex'),
      localSublayer: hasSublayer,
      peerSublayer: hasSublayer,
      sequencing: hasSublayer && sequencing,
    },
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
