/**
 * The networks behind a user as RADIUS writes them: Framed-Route (RFC 2865 section 5.22), Framed-IPv6-Route (RFC 3162
 * section 2.5), and an address with its netmask (RFC 2865 section 5.9). Pure. The gateway and metrics of a route do not
 * count: the user's link is the only way.
 *
 *   192.168.1.0/24 192.168.1.1 1 2 -1       2001:db8:106::/64 :: 1
 */
import { formatPrefix, type Prefix, parseAddress } from '../../wire/ip.js';
import { addressFamily } from './address-family.js';

/** The prefix of a route as text, without the bits past its length; undefined where it is none that a user can be behind. */
export function framedRoute(text: string, family: 4 | 6): string | undefined {
  const [destination = '', gateway] = text.trim().split(/\s+/);
  if (gateway !== undefined && addressFamily(gateway) !== family) return undefined;
  const [addressText = '', lengthText, ...rest] = destination.split('/');
  if (rest.length > 0 || addressFamily(addressText) !== family) return undefined;
  const address = parseAddress(addressText);
  if (lengthText === undefined) return prefixText(address, family === 4 ? classLength(address) : 128);
  return /^\d{1,3}$/.test(lengthText) ? prefixText(address, Number(lengthText)) : undefined;
}

/** The network of an address; undefined where the mask has holes, or is that of no network. */
export function networkOf(addressText: string, netmaskText: string): string | undefined {
  const mask = parseAddress(netmaskText);
  const bits = mask.reduce((text, octet) => text + octet.toString(2).padStart(8, '0'), '');
  const length_bits = bits.indexOf('0') < 0 ? bits.length : bits.indexOf('0');
  return bits.includes('01') ? undefined : prefixText(parseAddress(addressText), length_bits);
}

/** RFC 2865 section 5.22: where the length is left out, the class of the address says it. */
function classLength([first]: Uint8Array): number {
  if (first < 128) return 8;
  return first < 192 ? 16 : 24;
}

function prefixText(address: Uint8Array, length_bits: number): string | undefined {
  // A user that the default route leads to would get the traffic of all.
  if (length_bits === 0 || length_bits > 8 * address.length) return undefined;
  const network: Prefix = {
    address: address.map((octet, i) => octet & ~(0xff >>> Math.min(8, Math.max(0, length_bits - 8 * i)))),
    length_bits,
  };
  return isUnicast(network.address) ? formatPrefix(network) : undefined;
}

/** Neither this host's own (0/8, 127/8, ::/8 with ::1), nor link-local IPv6, nor multicast and above. */
export function isUnicast(address: Uint8Array): boolean {
  const [first, second] = address;
  if (address.length === 4) return first !== 0 && first !== 127 && first < 224;
  return first !== 0 && first !== 0xff && !(first === 0xfe && (second & 0xc0) === 0x80);
}
