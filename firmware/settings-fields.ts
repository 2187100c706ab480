/**
 * The building blocks of the settings' schemas: fields with their limits, defaults and advice, and the canonical forms of
 * addresses and prefixes. Must not know what a setting is for.
 */
import { isIPv4, isIPv6 } from 'node:net';
import { type TStringOptions, Type } from 'typebox';

/** What is wrong with a document: `field` is a JSON pointer (RFC 6901) into it, `reason` says what to do about it. */
export interface Problem {
  field: string;
  reason: string;
}

export const closed = { additionalProperties: false };
export const section = { ...closed, default: {} };

/** A number of the unit that the property's name ends in, with its limits and default. */
export const whole = (minimum: number, maximum: number, byDefault: number, description: string) =>
  Type.Integer({ minimum, maximum, default: byDefault, description });

export const flag = (byDefault: boolean, description: string) => Type.Boolean({ default: byDefault, description });

/** Marked `secret`: encrypted at rest, never given out by the API, kept when a new document leaves it out. */
export const secret = (description: string) =>
  Type.Optional(Type.String({ minLength: 1, maxLength: 255, secret: true, writeOnly: true, description }));

/** Text that is checked, and later rewritten, by a function that gives its canonical form or undefined. */
export const canonical = (form: (text: string) => string | undefined, advice: string, options: TStringOptions = {}) =>
  Type.Refine(
    Type.String({ maxLength: 255, ...options }),
    (text) => form(text) !== undefined,
    () => advice,
  );

export const ipv4Text = (options: TStringOptions = {}) =>
  canonical(canonicalIpv4, 'is not an IPv4 address; write it as four numbers, as in 10.0.0.1', options);
export const prefixText = () =>
  canonical(
    canonicalPrefix,
    'is not a prefix; write address, slash and length with no bit set behind the length, as in 10.1.0.0/16 or 2001:db8::/32',
  );
export const nameText = (what: string) =>
  Type.Refine(
    Type.String({ minLength: 1, maxLength: 253, description: what }),
    (text) => !/\p{Cc}/u.test(text),
    () => 'has control characters in it; use visible ones alone',
  );
/** Linux takes 15 characters; those that sysctl and ip(8) read as something else are left out. */
export const interfaceName = (options: TStringOptions) =>
  Type.Refine(
    Type.String(options),
    (text) => /^[A-Za-z][A-Za-z0-9_-]{0,14}$/.test(text) && !['lo', 'all', 'default'].includes(text),
    () => 'is not usable as an interface name; take at most 15 letters, digits, - or _, a letter first, as in tw0',
  );
/** An IP address or a host name. */
export const hostText = (options: TStringOptions) =>
  Type.Refine(
    Type.String(options),
    (text) => canonicalAddress(text) !== undefined || isHostName(text),
    () => 'is neither an IP address nor a host name; write it as in 192.0.2.1 or lns.example.net',
  );
/** How long a cookie (RFC 3931 section 4.1) we ask for; `whose` tells in front of which packets it will be. */
export const cookieLength = (whose: string) =>
  Type.Enum([0, 4, 8], {
    default: 8,
    description: `length of the random cookie that ${whose} must carry in version 3, RFC 3931 section 8.2; 0 = none`,
  });
/** A cookie that is given, secret since whoever knows it can put packets into the session. */
export const cookie = (description: string) =>
  Type.Optional(
    Type.Refine(
      Type.String({ maxLength: 255, secret: true, writeOnly: true, description }),
      (text) => /^([\da-f]{8}|[\da-f]{16})?$/i.test(text),
      () => 'is no cookie; write 8 or 16 hexadecimal digits, or leave it empty for none',
    ),
  );
export const digest = () =>
  Type.Enum(['sha1', 'md5'], {
    default: 'sha1',
    description: 'hash of the Message Digest on control messages where there is a secret, RFC 3931 section 4.3',
  });
export const sessionId = (description: string) =>
  Type.Optional(Type.Integer({ minimum: 1, maximum: 0xffff_ffff, description }));
export const authenticationList = () =>
  Type.Array(Type.Enum(['mschapv2', 'chap-md5', 'pap']), {
    uniqueItems: true,
    minItems: 1,
    default: ['mschapv2', 'chap-md5', 'pap'],
    description: 'PPP authentication protocols, the preferred one first',
  });

/** An IPv4 address in canonical form as a number from 0 to 2**32 - 1. */
export function ipv4Number(address: string): number {
  return address.split('.').reduce((number, part) => number * 256 + Number(part), 0);
}

/** The inverse of ipv4Number. */
export function ipv4FromNumber(number: number): string {
  return [24, 16, 8, 0].map((shift) => (number >>> shift) & 255).join('.');
}

function canonicalIpv4(text: string): string | undefined {
  return isIPv4(text) ? text : undefined;
}

/** RFC 5952 form of an IPv6 address, an IPv4 address as it is; undefined when it is neither, or has a zone. */
export function canonicalAddress(text: string): string | undefined {
  if (isIPv4(text)) return text;
  if (!isIPv6(text) || text.includes('%')) return undefined;
  return new URL(`http://[${text}]`).hostname.slice(1, -1);
}

/** address/length in canonical form, a lone address with its full length; undefined when host bits are set. */
export function canonicalPrefix(text: string): string | undefined {
  const [addressPart = '', lengthPart, ...rest] = text.split('/');
  const address = canonicalAddress(addressPart);
  if (address === undefined || rest.length > 0) return undefined;
  const width = isIPv4(address) ? 32 : 128;
  if (lengthPart !== undefined && !/^(0|[1-9]\d{0,2})$/.test(lengthPart)) return undefined;
  const length = lengthPart === undefined ? width : Number(lengthPart);
  if (length > width) return undefined;
  const hostBits = (1n << BigInt(width - length)) - 1n;
  return (addressBits(address) & hostBits) === 0n ? `${address}/${length}` : undefined;
}

/** The bits of an address in canonical form as one number. */
export function addressBits(address: string): bigint {
  if (isIPv4(address)) return BigInt(ipv4Number(address));
  const [head = '', tail] = address.split('::');
  const groups = (part: string) => (part === '' ? [] : part.split(':'));
  const behind = groups(tail ?? '');
  const zeros = tail === undefined ? 0 : 8 - groups(head).length - behind.length;
  const all = [...groups(head), ...Array<string>(zeros).fill('0'), ...behind];
  return all.reduce((bits, group) => (bits << 16n) | BigInt(`0x${group}`), 0n);
}

/** A DNS name, which may end in a dot. */
export function isHostName(text: string): boolean {
  return (
    text.length <= 253 &&
    /^(?!\d+(\.\d+)*$)([a-z\d]([a-z\d-]{0,61}[a-z\d])?)(\.[a-z\d]([a-z\d-]{0,61}[a-z\d])?)*\.?$/i.test(text)
  );
}
