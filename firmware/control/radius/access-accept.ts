/**
 * What RADIUS's answer means for a call: accepted or not, and what the user gets (RFC 2865, 2548, 2868, 2869, 3162, 4818).
 * Pure. A value that cannot be taken is left out and told of; where the RFCs have an answer be taken as a refusal, it is one.
 */
import type { AuthenticationAnswer, AuthenticationProtocol } from '../../protocol/ppp/link.js';
import { NO_AUTHORIZATION, shared } from '../../roles/authorization.js';
import type { Authorization, CallRole } from '../../roles/role.js';
import type { LacSettings } from '../../settings.js';
import { latin1 } from '../../wire/bytes.js';
import { formatPrefix, type Prefix, parseAddress } from '../../wire/ip.js';
import { type RadiusValues, SERVICE_TYPE } from '../../wire/radius-attributes.js';
import { FRAMED_PROTOCOL_PPP, TUNNEL_TYPE_L2TP } from './call-attributes.js';
import { framedRoute, isUnicast, networkOf } from './framed-routes.js';
import { ratesOf } from './rates.js';
import { tunnelChoicesOf } from './tunnel-attributes.js';

export interface Verdict {
  answer: AuthenticationAnswer;
  /** Undefined where the user is refused. */
  authorization: Authorization | undefined;
  /** For the box's operator: what was left out, or why an Access-Accept refuses. Without secrets. */
  problems: readonly string[];
}

/** Who asks, and how the user has proved who it is. */
export interface Asked {
  role: CallRole;
  protocol: AuthenticationProtocol;
}

/** RFC 2865 section 5.8: what stands for an address of our choice, and of the user's, which we do not leave to it. */
const NAS_SELECTS = '255.255.255.254';
const USER_SELECTS = '255.255.255.255';
/** MS-MPPE-Encryption-Policy, RFC 2548 section 2.4.4. */
const ENCRYPTION_REQUIRED = 2;
/** Service-Type Outbound, RFC 2865 section 5.6: what servers give with tunnels. */
const SERVICE_TYPE_OUTBOUND = 5;

export function readAccessAccept(values: RadiusValues, asked: Asked, lac: LacSettings): Verdict {
  const problems: string[] = [];
  const { isAskedFor, choices, problems: tunnelProblems } = tunnelChoicesOf(values, lac);
  const isTunnelled = asked.role === 'lac' && choices.length > 0;
  if (asked.role === 'lac') problems.push(...tunnelProblems);
  const refusal = refusalOf(values, asked, { isAskedFor, isTunnelled });
  if (refusal !== undefined) {
    const answer = { accepted: false as const, message: 'Not authorized' };
    return { answer, authorization: undefined, problems: [...problems, refusal] };
  }
  const message = messageOf(values);
  const authenticatorResponse = authenticatorResponseOf(values);
  const answer: AuthenticationAnswer = {
    accepted: true,
    ...(message !== undefined && { message }),
    ...(authenticatorResponse !== undefined && { authenticatorResponse }),
  };
  const tunnels = asked.role === 'lac' ? choices : [];
  const authorization = shared({ ...authorizationOf(values, (problem) => problems.push(problem)), tunnels });
  return { answer, authorization, problems };
}

/** Access-Reject, and Access-Challenge, which we do not do: RFC 2865 section 4.4 has it be a refusal. */
export function readRefusal(values: RadiusValues): AuthenticationAnswer {
  const message = messageOf(values) ?? msChapMessage(values);
  return { accepted: false, ...(message !== undefined && { message }) };
}

/** Why an Access-Accept is none. */
function refusalOf(
  values: RadiusValues,
  { role, protocol }: Asked,
  { isAskedFor, isTunnelled }: { isAskedFor: boolean; isTunnelled: boolean },
): string | undefined {
  const { serviceType, framedProtocol, tunnelType = [], msMppeEncryptionPolicy } = values;
  const isOutbound = serviceType === SERVICE_TYPE_OUTBOUND && isTunnelled;
  // RFC 2865 section 5.6 and, of what is not supported, section 1.1.
  if (serviceType !== undefined && serviceType !== SERVICE_TYPE.framed && !isOutbound) {
    return `Service-Type ${serviceType} is not Framed`;
  }
  if (framedProtocol !== undefined && framedProtocol !== FRAMED_PROTOCOL_PPP) {
    return `Framed-Protocol ${framedProtocol} is not PPP`;
  }
  // RFC 2868 section 3.1, of the initiator and of the terminator of a tunnel.
  if (role === 'lac' && isAskedFor && !isTunnelled) return 'no tunnel that the Access-Accept names can be opened';
  if (role === 'lns' && tunnelType.length > 0 && !tunnelType.some(({ value }) => value === TUNNEL_TYPE_L2TP)) {
    return 'Tunnel-Type is not L2TP';
  }
  if (isTunnelled) return undefined;
  if (msMppeEncryptionPolicy === ENCRYPTION_REQUIRED) return 'MS-MPPE-Encryption-Policy demands encryption';
  // RFC 2759 section 5: a user who gets no proof that we know its password ends the call.
  const isProved = protocol !== 'mschapv2' || authenticatorResponseOf(values) !== undefined;
  return isProved ? undefined : 'no MS-CHAP2-Success';
}

/** RFC 2548 section 2.3.3: | Ident (8) | S= and 40 digits |, what follows is for the user. */
function authenticatorResponseOf({ msChap2Success }: RadiusValues): string | undefined {
  return msChap2Success && latin1(msChap2Success.subarray(1)).match(/^S=[0-9A-F]{40}/i)?.[0];
}

/** What the user gets, but for the tunnels. */
function authorizationOf(values: RadiusValues, complain: (problem: string) => void): Authorization {
  const { receiveRate_bps = 0, sendRate_bps = 0 } = ratesOf(values, complain);
  const prefixes = (list: readonly Prefix[] = []) => list.map(formatPrefix);
  const present = (...list: readonly (string | undefined)[]) => list.filter((text) => text !== undefined);
  const address = addressOf(values, complain);
  return {
    ...NO_AUTHORIZATION,
    ...{ address, receiveRate_bps, sendRate_bps },
    pool: values.framedPool ?? '',
    routes: routesOf(values, address, complain),
    // IPCP carries these; those of IPv6 (RFC 6911) it cannot.
    dns: present(values.msPrimaryDnsServer, values.msSecondaryDnsServer),
    nbns: present(values.msPrimaryNbnsServer, values.msSecondaryNbnsServer),
    interfaceId: values.framedInterfaceId ?? NO_AUTHORIZATION.interfaceId,
    ipv6Prefixes: prefixes(values.framedIpv6Prefix),
    delegatedPrefixes: prefixes(values.delegatedIpv6Prefix),
    filters: values.filterId ?? [],
    sessionTimeout_s: values.sessionTimeout_s ?? 0,
    idleTimeout_s: values.idleTimeout_s ?? 0,
    interimInterval_s: values.acctInterimInterval_s ?? 0,
    class: values.class ?? [],
    userName: values.userName ?? '',
  };
}

function addressOf({ framedIpAddress }: RadiusValues, complain: (problem: string) => void): string {
  if (framedIpAddress === undefined || framedIpAddress === NAS_SELECTS || framedIpAddress === USER_SELECTS) return '';
  if (isUnicast(parseAddress(framedIpAddress))) return framedIpAddress;
  complain(`Framed-IP-Address ${framedIpAddress}`);
  return '';
}

function routesOf(values: RadiusValues, address: string, complain: (problem: string) => void): string[] {
  const { framedIpNetmask, framedRoute: ipv4 = [], framedIpv6Route: ipv6 = [] } = values;
  const routes: string[] = [];
  const add = (name: string, text: string, prefix: string | undefined): void => {
    if (prefix === undefined) complain(`${name} ${JSON.stringify(text.slice(0, 64))}`);
    else if (!routes.includes(prefix) && prefix !== `${address}/32`) routes.push(prefix);
  };
  // A mask is of the address beside it: what a pool gives has none.
  if (address !== '' && framedIpNetmask !== undefined) {
    add('Framed-IP-Netmask', framedIpNetmask, networkOf(address, framedIpNetmask));
  }
  for (const text of ipv4) add('Framed-Route', text, framedRoute(text, 4));
  for (const text of ipv6) add('Framed-IPv6-Route', text, framedRoute(text, 6));
  return routes;
}

/** Several are put together: RFC 2865 section 5.18 has them shown in their order. */
function messageOf({ replyMessage = [] }: RadiusValues): string | undefined {
  return replyMessage.length > 0 ? replyMessage.join(' ') : undefined;
}

/** RFC 2548 section 2.1.5: what stands behind M= is for the user. */
function msChapMessage({ msChapError }: RadiusValues): string | undefined {
  return msChapError && latin1(msChapError).match(/\bM=([\x20-\x7e]+)$/)?.[1];
}
