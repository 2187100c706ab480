/**
 * IP addresses and prefixes as text and bytes, and the internet checksum. Must not know packets' meaning: the ICMP
 * errors that the packet path answers with are icmp.ts's.
 *
 * Text is canonical: dotted decimal, and RFC 5952 for IPv6.
 */
import { ERROR_CODE, ProtocolError } from './bytes.js';

const IPV4_BYTES = 4;
const IPV6_BYTES = 16;
const IPV6_GROUPS = 8;
const DOT = 0x2e;
const DIGIT_0 = 0x30;

/** The 4 or 16 bytes of an address. Throws ProtocolError for text that is none; zone indices are not addresses. */
export function parseAddress(text: string): Uint8Array {
  const bytes = text.includes(':') ? parseIpv6(text) : parseIpv4(text);
  if (bytes === undefined) throw new ProtocolError(`not an IP address: ${text}`, 0, ERROR_CODE.valueOutOfRange);
  return bytes;
}

/** Read by character: every call has its addresses read several times. */
function parseIpv4(text: string): Uint8Array | undefined {
  const bytes = new Uint8Array(IPV4_BYTES);
  let part = 0;
  let digits = 0;
  let value = 0;
  for (let i = 0; i <= text.length; i++) {
    const code = i === text.length ? DOT : text.charCodeAt(i);
    if (code === DOT) {
      if (digits === 0 || part === IPV4_BYTES) return undefined;
      bytes[part++] = value;
      digits = 0;
      value = 0;
      continue;
    }
    const digit = code - DIGIT_0;
    // No leading zeros: some read them as octal, and two readings of an address are one too many.
    if (digit < 0 || digit > 9 || (digits > 0 && value === 0)) return undefined;
    digits += 1;
    value = value * 10 + digit;
    if (value > 0xff) return undefined;
  }
  return part === IPV4_BYTES ? bytes : undefined;
}

/** RFC 4291 section 2.2: groups, one "::", an IPv4 address at the end. */
function parseIpv6(text: string): Uint8Array | undefined {
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const head = parseGroups(halves[0], halves.length === 1);
  const tail = halves.length === 2 ? parseGroups(halves[1], true) : [];
  if (head === undefined || tail === undefined) return undefined;
  const zeros = IPV6_GROUPS - head.length - tail.length;
  if (halves.length === 2 ? zeros < 1 : zeros !== 0) return undefined;
  const groups = [...head, ...new Array<number>(zeros).fill(0), ...tail];
  return Uint8Array.from(groups.flatMap((group) => [group >>> 8, group & 0xff]));
}

function parseGroups(text: string, mayEndInIpv4: boolean): number[] | undefined {
  if (text === '') return [];
  const groups: number[] = [];
  const parts = text.split(':');
  for (const [i, part] of parts.entries()) {
    if (/^[0-9A-Fa-f]{1,4}$/.test(part)) {
      groups.push(Number.parseInt(part, 16));
      continue;
    }
    const embedded = mayEndInIpv4 && i === parts.length - 1 ? parseIpv4(part) : undefined;
    if (embedded === undefined) return undefined;
    groups.push((embedded[0] << 8) | embedded[1], (embedded[2] << 8) | embedded[3]);
  }
  return groups;
}

/** The canonical text of 4 or 16 bytes. Throws RangeError for another number of bytes. */
export function formatAddress(bytes: Uint8Array): string {
  if (bytes.length === IPV4_BYTES) return `${bytes[0]}.${bytes[1]}.${bytes[2]}.${bytes[3]}`;
  if (bytes.length !== IPV6_BYTES) throw new RangeError(`an address of ${bytes.length} bytes`);
  const groups: number[] = [];
  for (let i = 0; i < IPV6_BYTES; i += 2) groups.push((bytes[i] << 8) | bytes[i + 1]);
  return formatGroups(groups);
}

/** RFC 5952 section 4: lower case, no leading zeros, "::" for the first longest run of two zero groups or more. */
function formatGroups(groups: readonly number[]): string {
  let best = { start: 0, length: 1 };
  for (let start = 0; start < IPV6_GROUPS; start++) {
    let length = 0;
    while (groups[start + length] === 0) length++;
    if (length > best.length) best = { start, length };
  }
  const text = (part: readonly number[]) => part.map((group) => group.toString(16)).join(':');
  if (best.length < 2) return text(groups);
  return `${text(groups.slice(0, best.start))}::${text(groups.slice(best.start + best.length))}`;
}

/** The canonical text of an address given as text. Throws ProtocolError for text that is none. */
export function canonicalAddress(text: string): string {
  return formatAddress(parseAddress(text));
}

/** A prefix: the bits of `address` past `length_bits` are zero. */
export interface Prefix {
  address: Uint8Array;
  length_bits: number;
}

/**
 * Reads '192.0.2.0/24' or '2001:db8::/32'; an address without a length is a prefix of all its bits. Throws
 * ProtocolError for other text, and for one that has bits set past its length.
 */
export function parsePrefix(text: string): Prefix {
  const slash = text.indexOf('/');
  const address = parseAddress(slash < 0 ? text : text.slice(0, slash));
  const lengthText = slash < 0 ? String(8 * address.length) : text.slice(slash + 1);
  const length_bits = /^(0|[1-9]\d{0,2})$/.test(lengthText) ? Number(lengthText) : Number.NaN;
  if (!(length_bits <= 8 * address.length)) {
    throw new ProtocolError(`not a prefix: ${text}`, slash, ERROR_CODE.valueOutOfRange);
  }
  if (!isZeroPast(address, length_bits)) {
    throw new ProtocolError(`bits set past the length: ${text}`, slash, ERROR_CODE.valueOutOfRange);
  }
  return { address, length_bits };
}

function isZeroPast(address: Uint8Array, length_bits: number): boolean {
  return address.every((byte, i) => (byte & (0xff >>> Math.min(8, Math.max(0, length_bits - 8 * i)))) === 0);
}

export function formatPrefix(prefix: Prefix): string {
  return `${formatAddress(prefix.address)}/${prefix.length_bits}`;
}

/**
 * Whether the address at `bytes[offset]`, of the prefix's family, is within the prefix. Allocates nothing: the packet
 * path's source check.
 */
export function prefixContains(prefix: Prefix, bytes: Uint8Array, offset = 0): boolean {
  const { address, length_bits } = prefix;
  const whole_bytes = length_bits >>> 3;
  for (let i = 0; i < whole_bytes; i++) if (bytes[offset + i] !== address[i]) return false;
  const rest_bits = length_bits & 7;
  if (rest_bits === 0) return true;
  return ((bytes[offset + whole_bytes] ^ address[whole_bytes]) & (0xff00 >>> rest_bits) & 0xff) === 0;
}

/**
 * The ones' complement sum of 16-bit words, RFC 1071, folded to 16 bits and not yet complemented; an odd last byte is
 * the high half of a word. `sum` is a sum to go on from, as of a pseudo-header.
 */
export function onesComplementSum(bytes: Uint8Array, offset: number, length_bytes: number, sum = 0): number {
  const end = offset + length_bytes;
  let total = sum;
  let i = offset;
  for (; i + 1 < end; i += 2) total += (bytes[i] << 8) | bytes[i + 1];
  if (i < end) total += bytes[i] << 8;
  // 2**16 words fit into a double by far; two folds take any such total below 2**16.
  while (total > 0xffff) total = (total % 0x10000) + Math.floor(total / 0x10000);
  return total;
}

/** The internet checksum, RFC 1071: the complement of that sum. Over data with its checksum in place it is 0. */
export function internetChecksum(bytes: Uint8Array, offset: number, length_bytes: number, sum = 0): number {
  return ~onesComplementSum(bytes, offset, length_bytes, sum) & 0xffff;
}

/** The checksum after one 16-bit word under it changed, RFC 1624 section 3, equation 3: HC' = ~(~HC + ~m + m'). */
export function updateChecksum(checksum: number, oldWord: number, newWord: number): number {
  let sum = (~checksum & 0xffff) + (~oldWord & 0xffff) + newWord;
  sum = (sum & 0xffff) + (sum >>> 16);
  sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}
