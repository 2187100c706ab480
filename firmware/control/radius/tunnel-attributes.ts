/**
 * The tunnels that an Access-Accept names, as ways to an LNS (RFC 2868). Pure. Must not choose among them: that is the
 * LAC's.
 *
 * Attributes with one tag are one tunnel; what has no tag counts for all. Where RADIUS names an LNS of the settings, what
 * the settings say of it counts for all that RADIUS cannot say (version 3, port, cookies) or does not (password, names).
 */
import type { TunnelChoice } from '../../roles/role.js';
import type { LacSettings, TunnelServerSettings } from '../../settings.js';
import { latin1 } from '../../wire/bytes.js';
import { canonicalAddress } from '../../wire/ip.js';
import type { RadiusValues } from '../../wire/radius-attributes.js';
import type { Tagged } from '../../wire/radius-format.js';
import { addressFamily } from './address-family.js';
import { TUNNEL_MEDIUM_TYPE, TUNNEL_TYPE_L2TP } from './call-attributes.js';

export interface TunnelChoices {
  /** An Access-Accept with tunnel attributes asks for a tunnel, even where none of them can be taken. */
  isAskedFor: boolean;
  choices: readonly TunnelChoice[];
  /** What was left out, in words. */
  problems: readonly string[];
}

/** What is taken where neither RADIUS nor the settings say it. */
const DEFAULTS = {
  port: 1701,
  encapsulation: 'udp2',
  digest: 'md5',
  cookie_bytes: 8,
  sequencing: false,
} as const;

/** A name of at most 253 letters, digits, hyphens and points, as the DNS has them. */
const HOST_NAME = /^(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*\.?$/i;

/** In the order of their tags. */
export function tunnelChoicesOf(values: RadiusValues, lac: LacSettings): TunnelChoices {
  const { tunnelType = [], tunnelServerEndpoint = [] } = values;
  const tags = new Set([...tunnelType, ...tunnelServerEndpoint].map(({ tag }) => tag));
  const endpoints = new Set(tunnelServerEndpoint.map(({ tag }) => tag));
  // What has no tag is a tunnel of its own where it has an endpoint that no other needs.
  if (tags.size > 1 && endpoints.size < tags.size) tags.delete(0);
  const choices: TunnelChoice[] = [];
  const problems: string[] = [];
  for (const tag of [...tags].sort((a, b) => a - b)) {
    const choice = choiceOf(tag, values, lac, (problem) => problems.push(`tunnel ${tag}: ${problem}`));
    if (choice !== undefined) choices.push(choice);
  }
  return { isAskedFor: tags.size > 0, choices, problems };
}

/** The value for a tunnel: with its tag, else without any. */
function taggedValue<T>(list: readonly Tagged<T>[] | undefined, tag: number): T | undefined {
  const found = list?.find((entry) => entry.tag === tag) ?? list?.find((entry) => entry.tag === 0);
  return found?.value;
}

function choiceOf(
  tag: number,
  values: RadiusValues,
  lac: LacSettings,
  complain: (problem: string) => void,
): TunnelChoice | undefined {
  const type = taggedValue(values.tunnelType, tag);
  if (type !== TUNNEL_TYPE_L2TP) {
    complain(type === undefined ? 'no Tunnel-Type' : `Tunnel-Type ${type} is not L2TP`);
    return undefined;
  }
  const server = serverOf(tag, values, complain);
  if (server === undefined) return undefined;
  const known = settingsOf(server, lac);
  const password = taggedValue(values.tunnelPassword, tag);
  const { port, encapsulation, digest, cookie_bytes, sequencing } = known ?? DEFAULTS;
  return {
    ...{ server, port, encapsulation, digest, cookie_bytes, sequencing },
    preference: taggedValue(values.tunnelPreference, tag) ?? known?.preference ?? 0,
    localAddress: clientOf(tag, values, server, complain) ?? known?.localAddress ?? '',
    secret: password === undefined ? (known?.secret ?? '') : latin1(password),
    assignmentId: taggedValue(values.tunnelAssignmentId, tag) ?? '',
    hostName: taggedValue(values.tunnelClientAuthId, tag) ?? known?.hostName ?? '',
    peerHostName: taggedValue(values.tunnelServerAuthId, tag) ?? known?.peerHostName ?? '',
  };
}

/** Tunnel-Server-Endpoint, sections 3.2 and 3.4: an address of the medium's family, or a host name. */
function serverOf(tag: number, values: RadiusValues, complain: (problem: string) => void): string | undefined {
  const medium = taggedValue(values.tunnelMediumType, tag);
  if (medium !== undefined && medium !== TUNNEL_MEDIUM_TYPE.ipv4 && medium !== TUNNEL_MEDIUM_TYPE.ipv6) {
    complain(`Tunnel-Medium-Type ${medium} is neither IPv4 nor IPv6`);
    return undefined;
  }
  const endpoint = taggedValue(values.tunnelServerEndpoint, tag);
  if (endpoint === undefined || endpoint === '') {
    complain('no Tunnel-Server-Endpoint');
    return undefined;
  }
  if (values.tunnelServerEndpoint!.filter((entry) => entry.tag === tag).length > 1) {
    complain('more than one Tunnel-Server-Endpoint: the first is taken');
  }
  if (addressFamily(endpoint) === 0) {
    if (HOST_NAME.test(endpoint)) return endpoint;
    complain(`Tunnel-Server-Endpoint ${quoted(endpoint)} is neither an address nor a host name`);
    return undefined;
  }
  if (medium !== undefined && medium !== mediumOf(endpoint)) {
    complain(`Tunnel-Server-Endpoint ${quoted(endpoint)} is not of Tunnel-Medium-Type ${medium}`);
    return undefined;
  }
  return canonicalAddress(endpoint);
}

/** Tunnel-Client-Endpoint, section 3.3: ours. undefined: none that can be taken; the routing table says which. */
function clientOf(
  tag: number,
  values: RadiusValues,
  server: string,
  complain: (problem: string) => void,
): string | undefined {
  const endpoint = taggedValue(values.tunnelClientEndpoint, tag);
  if (endpoint === undefined || endpoint === '') return undefined;
  const family = addressFamily(endpoint);
  if (family !== 0 && (addressFamily(server) === 0 || family === addressFamily(server)))
    return canonicalAddress(endpoint);
  complain(`Tunnel-Client-Endpoint ${quoted(endpoint)} is no address to reach the LNS from, and was left out`);
  return undefined;
}

function mediumOf(address: string): number {
  return addressFamily(address) === 4 ? TUNNEL_MEDIUM_TYPE.ipv4 : TUNNEL_MEDIUM_TYPE.ipv6;
}

/** The first server of this name, whatever its group. */
function settingsOf(server: string, lac: LacSettings): TunnelServerSettings | undefined {
  const name = nameOf(server);
  return lac.tunnelGroups.flatMap(({ servers }) => servers).find((entry) => nameOf(entry.server) === name);
}

function nameOf(server: string): string {
  return addressFamily(server) === 0 ? server.toLowerCase().replace(/\.$/, '') : canonicalAddress(server);
}

/** What a server sends may be anything: as much of it as a person can use. */
function quoted(text: string): string {
  return JSON.stringify(text.slice(0, 64));
}
