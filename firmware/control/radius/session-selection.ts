/**
 * What a Disconnect-Request or CoA-Request (RFC 5176) asks for: of which calls, and what shall become of them. Pure. Must
 * not do it.
 */
import type { AuthorizationChange, CallInfo } from '../../roles/role.js';
import { formatPrefix, parseAddress } from '../../wire/ip.js';
import {
  type ErrorCause,
  type ParsedAttributes,
  type RadiusValues,
  SERVICE_TYPE,
} from '../../wire/radius-attributes.js';
import { addressFamily } from './address-family.js';
import { FRAMED_PROTOCOL_PPP, portValues } from './call-attributes.js';
import { ratesOf } from './rates.js';

type Name = keyof RadiusValues;

/** RFC 5176 section 3, the session identification attributes: whether a call is the one that the value means. */
const IDENTIFICATION = {
  userName: (value, { userName, authorization }) => value === userName || value === authorization.userName,
  nasPort: (value, call) => value === call.sessionId,
  framedIpAddress: (value, call) => value === call.peerAddress,
  calledStationId: (value, call) => value === portValues(call).calledStationId,
  callingStationId: (value, call) => value === portValues(call).callingStationId,
  acctSessionId: (value, call) => value === call.accountingId,
  nasPortId: (value, call) => value === portValues(call).nasPortId,
  framedInterfaceId: (value, { peerInterfaceId }) => isInterfaceId(value, peerInterfaceId),
  framedIpv6Prefix: (value, { authorization }) =>
    value.every((prefix) => authorization.ipv6Prefixes.includes(formatPrefix(prefix))),
} satisfies { [N in Name]?: (value: NonNullable<RadiusValues[N]>, call: CallInfo) => boolean };

const IDENTIFICATION_NAMES = Object.keys(IDENTIFICATION) as (keyof typeof IDENTIFICATION)[];

/** What identifies the box or serves the packet, in either request. */
const ALWAYS: readonly Name[] = [
  ...IDENTIFICATION_NAMES,
  ...(['nasIdentifier', 'nasIpAddress', 'nasIpv6Address', 'proxyState', 'eventTimestamp_s'] as const),
];

/** RFC 5176 section 3.6, Disconnect Messages. */
const IN_DISCONNECT: ReadonlySet<string> = new Set<Name>([...ALWAYS, 'replyMessage', 'class', 'acctTerminateCause']);

/** RFC 5176 section 3.6, Change-of-Authorization Messages: what can be changed here, and what changes nothing. */
const IN_CHANGE: ReadonlySet<string> = new Set<Name>([
  ...ALWAYS,
  ...(['filterId', 'sessionTimeout_s', 'idleTimeout_s', 'acctInterimInterval_s', 'class'] as const),
  ...(['wisprBandwidthMaxUp_bps', 'wisprBandwidthMaxDown_bps', 'mikroTikRateLimit', 'ciscoAvPair'] as const),
  ...(['replyMessage', 'serviceType', 'framedProtocol'] as const),
]);

/** The call that all identification attributes match, or the Error-Cause of section 3.5. */
export function selectCall(values: RadiusValues, calls: Iterable<CallInfo>): CallInfo | ErrorCause {
  const given = IDENTIFICATION_NAMES.filter((name) => values[name] !== undefined);
  if (given.length === 0) return 'missingAttribute';
  let found: CallInfo | undefined;
  for (const call of calls) {
    if (call.role === 'lac-client' || !given.every((name) => matches(name, values, call))) continue;
    if (found !== undefined) return 'multipleSessionSelectionUnsupported';
    found = call;
  }
  return found ?? 'sessionContextNotFound';
}

function matches<N extends keyof typeof IDENTIFICATION>(name: N, values: RadiusValues, call: CallInfo): boolean {
  const isMeant = IDENTIFICATION[name] as (value: NonNullable<RadiusValues[N]>, call: CallInfo) => boolean;
  return isMeant(values[name]!, call);
}

function isInterfaceId(octets: Uint8Array, text: string): boolean {
  const address = `::${text}`;
  if (addressFamily(address) === 0) return false;
  const known = parseAddress(address).subarray(8);
  return octets.every((octet, i) => octet === known[i]);
}

/** Why a Disconnect-Request is not one that can be done: section 3 has it contain identification alone. */
export function disconnectFault(request: ParsedAttributes): ErrorCause | undefined {
  return hasOnly(request, IN_DISCONNECT) ? undefined : 'unsupportedAttribute';
}

/** What a CoA-Request changes; `filterNames` are the filters that there are. What it leaves out stays (section 3.6, note 3). */
export function changeOf(
  request: ParsedAttributes,
  filterNames: ReadonlySet<string>,
): AuthorizationChange | ErrorCause {
  const { values } = request;
  const { serviceType, framedProtocol, filterId, ciscoAvPair = [] } = values;
  if (serviceType !== undefined && serviceType !== SERVICE_TYPE.framed) return 'unsupportedService';
  if (!hasOnly(request, IN_CHANGE)) return 'unsupportedAttribute';
  if (framedProtocol !== undefined && framedProtocol !== FRAMED_PROTOCOL_PPP) return 'invalidAttributeValue';
  if (filterId?.some((name) => !filterNames.has(name))) return 'invalidAttributeValue';
  const faults: string[] = [];
  const rates = ratesOf(values, (fault) => faults.push(fault));
  if (faults.length > 0) return 'invalidAttributeValue';
  // One that says no rate says something that we do not do.
  if (ciscoAvPair.some((pair) => !saysRate(pair))) return 'unsupportedAttribute';
  return defined({
    ...rates,
    filters: filterId,
    sessionTimeout_s: values.sessionTimeout_s,
    idleTimeout_s: values.idleTimeout_s,
    interimInterval_s: values.acctInterimInterval_s,
    class: values.class,
  });
}

/** Why this call cannot be changed so: what a call that the LAC carries to an LNS is for, is the LNS's to filter and watch. */
export function changeFault({ isTunnelled }: CallInfo, change: AuthorizationChange): ErrorCause | undefined {
  const isOfPayload = change.filters !== undefined || change.idleTimeout_s !== undefined;
  return isTunnelled && isOfPayload ? 'unsupportedAttribute' : undefined;
}

function saysRate(pair: string): boolean {
  const { receiveRate_bps, sendRate_bps } = ratesOf({ ciscoAvPair: [pair] }, () => {});
  return receiveRate_bps !== undefined || sendRate_bps !== undefined;
}

function hasOnly({ values, others, otherVendors }: ParsedAttributes, names: ReadonlySet<string>): boolean {
  return others.length === 0 && otherVendors.length === 0 && Object.keys(values).every((name) => names.has(name));
}

function defined(
  change: { [N in keyof AuthorizationChange]: AuthorizationChange[N] | undefined },
): AuthorizationChange {
  return Object.fromEntries(Object.entries(change).filter(([, value]) => value !== undefined));
}
