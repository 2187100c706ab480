/**
 * The RADIUS attributes as data, and a packet's attributes as one object of typed values and back. Must know neither
 * secrets nor what is done with a value: what is hidden or encrypted on the wire stays so here.
 *
 *   Vendor-Specific (26), RFC 2865 section 5.26:
 *   | Vendor-Id (32) | then any number of: Vendor type (8) | Vendor length (8), of type, length and value | value |
 */
import { ByteReader, ByteWriter, ProtocolError } from './bytes.js';
import { MESSAGE_AUTHENTICATOR, type RadiusAttribute } from './radius.js';
import { RADIUS_CODEC, type RadiusCodec, type RadiusFormat, type RadiusFormatValues } from './radius-format.js';

const VENDOR_SPECIFIC = 26;
/** Vendor-Id where an attribute is not of a vendor. */
const NO_VENDOR = 0;
export const VENDOR = { cisco: 9, microsoft: 311, dslForum: 3561, wispr: 14122, mikroTik: 14988 } as const;

interface Definition<N extends string, F extends RadiusFormat, S extends boolean> {
  readonly name: N;
  readonly type: number;
  readonly vendorId: number;
  readonly format: F;
  /** It may stand in a packet several times: its value is a list. */
  readonly several: S;
}

function one<N extends string, F extends RadiusFormat>(
  name: N,
  type: number,
  format: F,
  vendorId: number = NO_VENDOR,
): Definition<N, F, false> {
  return { name, type, vendorId, format, several: false };
}

function many<N extends string, F extends RadiusFormat>(
  name: N,
  type: number,
  format: F,
  vendorId: number = NO_VENDOR,
): Definition<N, F, true> {
  return { name, type, vendorId, format, several: true };
}

export const RADIUS_ATTRIBUTES = [
  // RFC 2865 section 5.
  one('userName', 1, 'text'),
  /** Hidden, section 5.2. */
  one('userPassword', 2, 'octets'),
  /** CHAP identifier, then the response. */
  one('chapPassword', 3, 'octets'),
  one('nasIpAddress', 4, 'address'),
  one('nasPort', 5, 'integer'),
  one('serviceType', 6, 'integer'),
  one('framedProtocol', 7, 'integer'),
  one('framedIpAddress', 8, 'address'),
  one('framedIpNetmask', 9, 'address'),
  one('framedRouting', 10, 'integer'),
  many('filterId', 11, 'text'),
  one('framedMtu', 12, 'integer'),
  many('framedCompression', 13, 'integer'),
  many('replyMessage', 18, 'utf8'),
  one('callbackNumber', 19, 'text'),
  one('callbackId', 20, 'text'),
  many('framedRoute', 22, 'text'),
  one('state', 24, 'octets'),
  many('class', 25, 'octets'),
  one('sessionTimeout_s', 27, 'integer'),
  one('idleTimeout_s', 28, 'integer'),
  one('terminationAction', 29, 'integer'),
  one('calledStationId', 30, 'text'),
  one('callingStationId', 31, 'text'),
  one('nasIdentifier', 32, 'text'),
  many('proxyState', 33, 'octets'),
  one('chapChallenge', 60, 'octets'),
  one('nasPortType', 61, 'integer'),
  one('portLimit', 62, 'integer'),

  // RFC 2866 section 5.
  one('acctStatusType', 40, 'integer'),
  one('acctDelayTime_s', 41, 'integer'),
  one('acctInputOctets', 42, 'integer'),
  one('acctOutputOctets', 43, 'integer'),
  one('acctSessionId', 44, 'text'),
  one('acctAuthentic', 45, 'integer'),
  one('acctSessionTime_s', 46, 'integer'),
  one('acctInputPackets', 47, 'integer'),
  one('acctOutputPackets', 48, 'integer'),
  one('acctTerminateCause', 49, 'integer'),
  one('acctMultiSessionId', 50, 'text'),
  one('acctLinkCount', 51, 'integer'),

  // RFC 2867 section 4.
  one('acctTunnelConnection', 68, 'text'),
  one('acctTunnelPacketsLost', 86, 'integer'),

  // RFC 2868 section 3.
  many('tunnelType', 64, 'tagged-integer'),
  many('tunnelMediumType', 65, 'tagged-integer'),
  many('tunnelClientEndpoint', 66, 'tagged-text'),
  many('tunnelServerEndpoint', 67, 'tagged-text'),
  /** Salt, then the encrypted password: section 3.5. */
  many('tunnelPassword', 69, 'tagged-octets'),
  many('tunnelPrivateGroupId', 81, 'tagged-text'),
  many('tunnelAssignmentId', 82, 'tagged-text'),
  many('tunnelPreference', 83, 'tagged-integer'),
  many('tunnelClientAuthId', 90, 'tagged-text'),
  many('tunnelServerAuthId', 91, 'tagged-text'),

  // RFC 2869 section 5.
  one('acctInputGigawords', 52, 'integer'),
  one('acctOutputGigawords', 53, 'integer'),
  one('eventTimestamp_s', 55, 'time'),
  one('passwordRetry', 75, 'integer'),
  one('prompt', 76, 'integer'),
  one('connectInfo', 77, 'text'),
  many('eapMessage', 79, 'octets'),
  one('acctInterimInterval_s', 85, 'integer'),
  one('nasPortId', 87, 'text'),
  one('framedPool', 88, 'text'),

  // RFC 3162 section 2.
  one('nasIpv6Address', 95, 'ipv6'),
  one('framedInterfaceId', 96, 'ifid'),
  many('framedIpv6Prefix', 97, 'prefix'),
  many('framedIpv6Route', 99, 'text'),
  one('framedIpv6Pool', 100, 'text'),

  // RFC 5176 section 3.5.
  one('errorCause', 101, 'integer'),

  // RFC 4818 section 3.
  many('delegatedIpv6Prefix', 123, 'prefix'),

  // RFC 6911 section 3.
  many('framedIpv6Address', 168, 'ipv6'),
  many('dnsServerIpv6Address', 169, 'ipv6'),
  many('routeIpv6Information', 170, 'prefix'),
  one('delegatedIpv6PrefixPool', 171, 'text'),
  one('statefulIpv6AddressPool', 172, 'text'),

  // RFC 2548 section 2.
  /** | Ident (8) | E=691 R=1 ... |; section 2.1.5. */
  one('msChapError', 2, 'octets', VENDOR.microsoft),
  one('msMppeEncryptionPolicy', 7, 'integer', VENDOR.microsoft),
  one('msMppeEncryptionTypes', 8, 'integer', VENDOR.microsoft),
  one('msChapDomain', 10, 'octets', VENDOR.microsoft),
  one('msChapChallenge', 11, 'octets', VENDOR.microsoft),
  /** Salt, then the encrypted key: section 2.4.2. */
  one('msMppeSendKey', 16, 'octets', VENDOR.microsoft),
  one('msMppeRecvKey', 17, 'octets', VENDOR.microsoft),
  /** | Ident (8) | Flags (8) | Peer-Challenge (16) | Reserved (8) | Response (24) |; section 2.3.2. */
  one('msChap2Response', 25, 'octets', VENDOR.microsoft),
  /** | Ident (8) | S= and 40 digits |; section 2.3.3. */
  one('msChap2Success', 26, 'octets', VENDOR.microsoft),
  one('msPrimaryDnsServer', 28, 'address', VENDOR.microsoft),
  one('msSecondaryDnsServer', 29, 'address', VENDOR.microsoft),
  one('msPrimaryNbnsServer', 30, 'address', VENDOR.microsoft),
  one('msSecondaryNbnsServer', 31, 'address', VENDOR.microsoft),

  // RFC 4679 section 3.3: a subscriber's line.
  one('agentCircuitId', 1, 'text', VENDOR.dslForum),
  one('agentRemoteId', 2, 'text', VENDOR.dslForum),
  one('actualDataRateUpstream_bps', 129, 'integer', VENDOR.dslForum),
  one('actualDataRateDownstream_bps', 130, 'integer', VENDOR.dslForum),

  // Wi-Fi Alliance, WISPr 1.0 appendix: upwards is from the user.
  one('wisprBandwidthMaxUp_bps', 7, 'integer', VENDOR.wispr),
  one('wisprBandwidthMaxDown_bps', 8, 'integer', VENDOR.wispr),

  // Vendors' own forms of settings, as text.
  many('ciscoAvPair', 1, 'text', VENDOR.cisco),
  one('mikroTikRateLimit', 8, 'text', VENDOR.mikroTik),
] as const;

type Line = (typeof RADIUS_ATTRIBUTES)[number];

/** An attribute of a vendor that the table does not name. `value` is all that stands behind the Vendor-Id. */
export interface OtherVendorAttribute {
  vendorId: number;
  value: Uint8Array;
}

/** The values of a packet's attributes, each absent where its attribute is. Octets are copies, not views. */
export type RadiusValues = {
  [L in Line as L['name']]?: L['several'] extends true
    ? readonly RadiusFormatValues[L['format']][]
    : RadiusFormatValues[L['format']];
};

export interface ParsedAttributes {
  values: RadiusValues;
  /** What the table does not name. */
  others: readonly RadiusAttribute[];
  otherVendors: readonly OtherVendorAttribute[];
}

/** Acct-Status-Type, RFC 2866 section 5.1 and RFC 2867 section 3. */
export const ACCT_STATUS_TYPE = {
  start: 1,
  stop: 2,
  interimUpdate: 3,
  accountingOn: 7,
  accountingOff: 8,
  tunnelStart: 9,
  tunnelStop: 10,
  tunnelReject: 11,
  tunnelLinkStart: 12,
  tunnelLinkStop: 13,
  tunnelLinkReject: 14,
} as const;

/** Service-Type, RFC 2865 section 5.6 and RFC 5176 section 3.2. */
export const SERVICE_TYPE = { framed: 2, authorizeOnly: 17 } as const;

/** Error-Cause, RFC 5176 section 3.5. */
export const ERROR_CAUSE = {
  residualSessionContextRemoved: 201,
  unsupportedAttribute: 401,
  missingAttribute: 402,
  nasIdentificationMismatch: 403,
  invalidRequest: 404,
  unsupportedService: 405,
  unsupportedExtension: 406,
  invalidAttributeValue: 407,
  administrativelyProhibited: 501,
  sessionContextNotFound: 503,
  sessionContextNotRemovable: 504,
  resourcesUnavailable: 506,
  requestInitiated: 507,
  multipleSessionSelectionUnsupported: 508,
} as const;

export type ErrorCause = keyof typeof ERROR_CAUSE;

const BY_NUMBER: ReadonlyMap<string, Line> = new Map(
  RADIUS_ATTRIBUTES.map((line) => [`${line.vendorId}.${line.type}`, line]),
);
/** Where in the table a name stands. */
const PLACES: ReadonlyMap<string, number> = new Map(RADIUS_ATTRIBUTES.map(({ name }, place) => [name, place]));
const VENDORS: ReadonlySet<number> = new Set<number>(Object.values(VENDOR));

/**
 * Reads attributes. Where one stands twice that may stand once, the first counts. An attribute without a value is none:
 * RFC 2865 section 5 has it left out. Throws ProtocolError for a value that does not fit its format, and for sub-attributes
 * of a vendor in the table whose lengths lie; the offset is from the start of the value.
 */
export function parseRadiusAttributes(attributes: readonly RadiusAttribute[]): ParsedAttributes {
  const values: Record<string, unknown> = {};
  const others: RadiusAttribute[] = [];
  const otherVendors: OtherVendorAttribute[] = [];
  const take = (vendorId: number, { type, value }: RadiusAttribute): boolean => {
    const line = BY_NUMBER.get(`${vendorId}.${type}`);
    if (line === undefined) return false;
    if (value.length > 0) store(values, line, parseValue(line.format, value));
    return true;
  };
  for (const attribute of attributes) {
    if (attribute.type === MESSAGE_AUTHENTICATOR) continue;
    if (attribute.type !== VENDOR_SPECIFIC) {
      if (!take(NO_VENDOR, attribute)) others.push({ type: attribute.type, value: attribute.value.slice() });
      continue;
    }
    const reader = new ByteReader(attribute.value);
    const vendorId = reader.u32();
    if (!VENDORS.has(vendorId)) {
      otherVendors.push({ vendorId, value: reader.rest().slice() });
      continue;
    }
    for (const part of vendorParts(reader)) {
      if (!take(vendorId, part)) otherVendors.push({ vendorId, value: emitPart(part) });
    }
  }
  return { values: values as RadiusValues, others, otherVendors };
}

function vendorParts(reader: ByteReader): RadiusAttribute[] {
  const parts: RadiusAttribute[] = [];
  while (reader.remaining_bytes > 0) {
    const type = reader.u8();
    const length_bytes = reader.u8();
    if (length_bytes < 2) throw new ProtocolError(`Vendor length ${length_bytes}`, reader.offset - 1);
    parts.push({ type, value: reader.take(length_bytes - 2) });
  }
  return parts;
}

function parseValue(format: RadiusFormat, value: Uint8Array): unknown {
  const reader = new ByteReader(value);
  const parsed = RADIUS_CODEC[format].parse(reader);
  reader.expectEnd();
  return parsed;
}

function store(values: Record<string, unknown>, { name, several }: Line, value: unknown): void {
  const known = values[name];
  if (!several) values[name] = known ?? value;
  else if (known === undefined) values[name] = [value];
  else (known as unknown[]).push(value);
}

/** The attributes of these values, in the table's order; empty text and octets are left out. Throws RangeError as codecs do. */
export function emitRadiusAttributes(values: RadiusValues): RadiusAttribute[] {
  const places: number[] = [];
  for (const name in values) {
    const place = PLACES.get(name);
    if (place !== undefined && values[name as keyof RadiusValues] !== undefined) places.push(place);
  }
  const attributes: RadiusAttribute[] = [];
  for (const place of places.sort((a, b) => a - b)) {
    const line: Line = RADIUS_ATTRIBUTES[place];
    const value = values[line.name];
    for (const item of line.several ? (value as readonly unknown[]) : [value]) {
      const attribute = emitValue(line, item);
      if (attribute !== undefined) attributes.push(attribute);
    }
  }
  return attributes;
}

/** undefined: empty. */
function emitValue({ type, vendorId, format }: Line, value: unknown): RadiusAttribute | undefined {
  const writer = new ByteWriter();
  (RADIUS_CODEC[format] as RadiusCodec<unknown>).emit(writer, value);
  if (writer.length_bytes === 0) return undefined;
  const bytes = writer.finish();
  if (vendorId === NO_VENDOR) return { type, value: bytes };
  const part = emitPart({ type, value: bytes });
  return { type: VENDOR_SPECIFIC, value: new ByteWriter().u32(vendorId).bytes(part).finish() };
}

function emitPart({ type, value }: RadiusAttribute): Uint8Array {
  return new ByteWriter()
    .u8(type)
    .u8(value.length + 2)
    .bytes(value)
    .finish();
}
