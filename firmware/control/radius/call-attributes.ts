/**
 * What RADIUS is told of this box and of a call, whatever is asked or reported of it (RFC 2865, 2868, 4679). Pure. Must not
 * know users' secrets.
 */
import { isIPv4 } from 'node:net';
import type { CallInfo } from '../../roles/role.js';
import type { Settings } from '../../settings.js';
import type { AccessLine } from '../../wire/access-line.js';
import { latin1, octets } from '../../wire/bytes.js';
import { MAX_ATTRIBUTE_VALUE_BYTES } from '../../wire/radius.js';
import type { RadiusValues } from '../../wire/radius-attributes.js';
import type { Tagged } from '../../wire/radius-format.js';

/** Framed-Protocol, RFC 2865 section 5.7. */
export const FRAMED_PROTOCOL_PPP = 1;
/** Tunnel-Type, RFC 2868 section 3.1. */
export const TUNNEL_TYPE_L2TP = 3;
/** Tunnel-Medium-Type, RFC 2868 section 3.2. */
export const TUNNEL_MEDIUM_TYPE = { ipv4: 1, ipv6: 2 } as const;
/** NAS-Port-Type: RFC 2865 section 5.41; the last two of IANA's registry of RADIUS types. */
const NAS_PORT_TYPE = { virtual: 5, pppoe: 32, pppoeVlan: 34 } as const;

/** NAS-Identifier and NAS-IP-Address or NAS-IPv6-Address. */
export function nasValues({ radius, system }: Pick<Settings, 'radius' | 'system'>): RadiusValues {
  const { nasIdentifier, nasAddress } = radius;
  return {
    nasIdentifier: fitting(nasIdentifier || system.hostName),
    ...(nasAddress !== undefined &&
      (isIPv4(nasAddress) ? { nasIpAddress: nasAddress } : { nasIpv6Address: nasAddress })),
  };
}

/** Where the call comes in, and from whom: NAS-Port and its kin, Calling- and Called-Station-Id. */
export function portValues(call: CallInfo): RadiusValues {
  const { pppoe, sessionId: nasPort, callingNumber, calledNumber } = call;
  if (pppoe === undefined) {
    const nasPortType = NAS_PORT_TYPE.virtual;
    return { nasPort, nasPortType, callingStationId: fitting(callingNumber), calledStationId: fitting(calledNumber) };
  }
  const { interfaceName, vlanIds, peerMac, line } = pppoe;
  return {
    nasPort,
    nasPortType: vlanIds.length > 0 ? NAS_PORT_TYPE.pppoeVlan : NAS_PORT_TYPE.pppoe,
    nasPortId: fitting([interfaceName, ...vlanIds].join('.')),
    callingStationId: fitting(callingNumber || line?.agentRemoteId || peerMac),
    calledStationId: fitting(calledNumber || interfaceName),
    ...lineValues(line ?? {}),
  };
}

/** What the access node says of the line, of that what may stand in both requests (RFC 4679 section 4). */
function lineValues(line: AccessLine): RadiusValues {
  const { agentCircuitId, agentRemoteId, actualDataRateUpstream_bps, actualDataRateDownstream_bps } = line;
  return {
    ...(agentCircuitId !== undefined && { agentCircuitId }),
    ...(agentRemoteId !== undefined && { agentRemoteId }),
    ...(actualDataRateUpstream_bps !== undefined && { actualDataRateUpstream_bps }),
    ...(actualDataRateDownstream_bps !== undefined && { actualDataRateDownstream_bps }),
  };
}

/** The tunnel that carries the call, from its initiator (the LAC) to its terminator (the LNS). */
export function endpointValues(side: 'lac' | 'lns', { localAddress, peerAddress }: CallInfo['path']): RadiusValues {
  const [client, server] = side === 'lac' ? [localAddress, peerAddress] : [peerAddress, localAddress];
  return {
    tunnelType: [untagged(TUNNEL_TYPE_L2TP)],
    tunnelMediumType: [untagged(isIPv4(peerAddress) ? TUNNEL_MEDIUM_TYPE.ipv4 : TUNNEL_MEDIUM_TYPE.ipv6)],
    tunnelClientEndpoint: [untagged(client)],
    tunnelServerEndpoint: [untagged(server)],
  };
}

export function untagged<T>(value: T): Tagged<T> {
  return { tag: 0, value };
}

/** As much of a name as an attribute has room for: those of PPP, L2TP and the settings may be longer. */
export function fitting(text: string, maximum_bytes = MAX_ATTRIBUTE_VALUE_BYTES): string {
  const bytes = octets(text);
  return bytes.length <= maximum_bytes ? text : latin1(bytes.subarray(0, maximum_bytes));
}
