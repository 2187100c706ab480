/**
 * What an Accounting-Request says (RFC 2866, 2867, 2869): the attributes of calls and tunnels, and their octets for the
 * time that they wait on disk. Pure. Must not know when something is said, nor to whom.
 */
import { isIPv4 } from 'node:net';
import type { CallEnd, CallInfo, Output, TerminateCause } from '../../roles/role.js';
import type { Settings } from '../../settings.js';
import type { CallCounters } from '../../store/calls.js';
import { parseAddress, parsePrefix } from '../../wire/ip.js';
import {
  AUTHENTICATOR_BYTES,
  emitRadiusPacket,
  MAX_ATTRIBUTE_VALUE_BYTES,
  MAX_RADIUS_PACKET_BYTES,
  parseRadiusPacket,
  RADIUS_CODE,
} from '../../wire/radius.js';
import {
  ACCT_STATUS_TYPE,
  emitRadiusAttributes,
  parseRadiusAttributes,
  type RadiusValues,
  SERVICE_TYPE,
} from '../../wire/radius-attributes.js';
import {
  endpointValues,
  FRAMED_PROTOCOL_PPP,
  fitting,
  nasValues,
  portValues,
  untagged,
} from '../radius/call-attributes.js';

/** The beginning, end or failure of a tunnel, as a role tells it. */
export type TunnelOutput = Extract<Output, { type: 'tunnel-started' | 'tunnel-stopped' | 'tunnel-rejected' }>;

/** What something has carried, and for how long. */
export interface Use extends CallCounters {
  duration_s: number;
}

/** Acct-Authentic, RFC 2866 section 5.6. */
const BY_RADIUS = 1;
const BY_NAS = 2;
/** Of each kind; a packet has room for so many. */
const MAX_PREFIXES = 8;

/** Acct-Terminate-Cause, RFC 2866 section 5.10. */
export const TERMINATE_CAUSE: Readonly<Record<TerminateCause | 'nas-reboot', number>> = {
  'user-request': 1,
  'lost-carrier': 2,
  'lost-service': 3,
  'idle-timeout': 4,
  'session-timeout': 5,
  'admin-reset': 6,
  'admin-reboot': 7,
  'port-error': 8,
  'nas-error': 9,
  'nas-request': 10,
  'nas-reboot': 11,
  'service-unavailable': 15,
  'user-error': 17,
};

/** Acct-Session-Id, RFC 2866 section 5.5: unique over restarts. A call's number is its call ID, the box's own is 0. */
export function accountingId(bootNumber: number, number: number): string {
  return [bootNumber, number].map((half) => half.toString(16).padStart(8, '0').toUpperCase()).join('');
}

/** All that is said of a call in each of its records. */
export function callValues(call: CallInfo, settings: Settings): RadiusValues {
  const { authorization } = call;
  const prefixes = (list: readonly string[]) => list.slice(0, MAX_PREFIXES).map(parsePrefix);
  return {
    ...nasValues(settings),
    ...portValues(call),
    userName: fitting(authorization.userName || call.userName),
    serviceType: SERVICE_TYPE.framed,
    framedProtocol: FRAMED_PROTOCOL_PPP,
    ...(isIPv4(call.peerAddress) && { framedIpAddress: call.peerAddress }),
    ...(call.peerInterfaceId !== '' && { framedInterfaceId: interfaceId(call.peerInterfaceId) }),
    framedIpv6Prefix: prefixes(authorization.ipv6Prefixes),
    delegatedIpv6Prefix: prefixes(authorization.delegatedPrefixes),
    class: authorization.class,
    acctSessionId: call.accountingId,
    acctAuthentic: settings.radius.authentication.length > 0 ? BY_RADIUS : BY_NAS,
    ...(isInTunnel(call) && {
      ...endpointValues(call.role === 'lac' ? 'lac' : 'lns', call.path),
      ...(call.tunnel && assignmentValue(call.tunnel.assignmentId)),
      acctTunnelConnection: String(call.callSerialNumber),
    }),
  };
}

/** Whether L2TP carries it, so that it is a link of a tunnel (RFC 2867 section 3.4). */
export function isInTunnel(call: CallInfo): boolean {
  return call.role === 'lns' || call.isTunnelled;
}

/** All that is said of a tunnel in each of its records; `accountingId` is its Acct-Session-Id. */
export function tunnelValues(tunnel: TunnelOutput, accountingId: string, settings: Settings): RadiusValues {
  return {
    ...nasValues(settings),
    ...endpointValues(tunnel.side, tunnel.path),
    ...assignmentValue(tunnel.assignmentId),
    acctSessionId: accountingId,
    acctTunnelConnection: String(tunnel.tunnelId),
  };
}

/** Numbers that have no more than 32 bits: RFC 2866 sections 5.3 to 5.9, RFC 2869 sections 5.1 and 5.2. Input is from the user. */
export function useValues(use: Use): RadiusValues {
  return {
    acctSessionTime_s: use.duration_s,
    acctInputPackets: use.receivedPackets % 2 ** 32,
    acctInputOctets: use.receivedOctets % 2 ** 32,
    acctInputGigawords: Math.floor(use.receivedOctets / 2 ** 32),
    acctOutputPackets: use.sentPackets % 2 ** 32,
    acctOutputOctets: use.sentOctets % 2 ** 32,
    acctOutputGigawords: Math.floor(use.sentOctets / 2 ** 32),
  };
}

export function causeValue({ terminateCause }: Pick<CallEnd, 'terminateCause'>): RadiusValues {
  return { acctTerminateCause: TERMINATE_CAUSE[terminateCause] };
}

/** When there is too much to keep, Interims go first, then what has begun; a Stop alone says it all. */
export function worthOf({ acctStatusType }: RadiusValues): 0 | 1 | 2 {
  const { interimUpdate, stop, tunnelStop, tunnelLinkStop, accountingOff } = ACCT_STATUS_TYPE;
  if (acctStatusType === interimUpdate) return 0;
  return [stop, tunnelStop, tunnelLinkStop, accountingOff].some((type) => type === acctStatusType) ? 2 : 1;
}

/** Acct-Delay-Time is added when it is sent; the client keeps the room of one attribute for what it adds. */
const MAX_BYTES = MAX_RADIUS_PACKET_BYTES - MAX_ATTRIBUTE_VALUE_BYTES - 2;

/**
 * As the octets of a packet. Class alone can be more than a packet has room for, since a server fills a packet with it:
 * the last ones are left out.
 */
export function encodeValues(values: RadiusValues): Uint8Array {
  const authenticator = new Uint8Array(AUTHENTICATOR_BYTES);
  const header = { code: RADIUS_CODE.accountingRequest, identifier: 0, authenticator };
  const classes = [...(values.class ?? [])];
  for (;;) {
    const attributes = emitRadiusAttributes({ ...values, class: classes });
    const length_bytes = attributes.reduce((sum, { value }) => sum + 2 + value.length, 0);
    if (length_bytes <= MAX_BYTES || classes.pop() === undefined) return emitRadiusPacket({ ...header, attributes });
  }
}

export function decodeValues(packet: Uint8Array): RadiusValues {
  return parseRadiusAttributes(parseRadiusPacket(new Uint8Array(packet)).attributes).values;
}

function assignmentValue(assignmentId: string): RadiusValues {
  return assignmentId === ''
    ? {}
    : { tunnelAssignmentId: [untagged(fitting(assignmentId, MAX_ATTRIBUTE_VALUE_BYTES - 1))] };
}

/** 8 octets of text as in 0211:22ff:fe33:4455. */
function interfaceId(text: string): Uint8Array {
  return parseAddress(`::${text}`).slice(8);
}
