/** What a resolver gives for a server's name, as the packet path writes addresses. Pure. */

import { ProtocolError } from '../wire/bytes.js';
import { formatAddress, parseAddress } from '../wire/ip.js';

const IPV4_MAPPED = '::ffff:0:0';
const MAPPED_BYTES = 12;

/**
 * The address in canonical text, IPv4 in IPv6 (RFC 4291 section 2.5.5.2) as IPv4; undefined for what cannot be dialled:
 * a link-local address with its zone (`_gateway` and names under .local have such) is no address of the whole box.
 */
export function dialledAddress(text: string): string | undefined {
  try {
    const bytes = parseAddress(text);
    const isMapped =
      bytes.length > 4 &&
      formatAddress(new Uint8Array([...bytes.subarray(0, MAPPED_BYTES), 0, 0, 0, 0])) === IPV4_MAPPED;
    return formatAddress(isMapped ? bytes.subarray(MAPPED_BYTES) : bytes);
  } catch (error) {
    if (error instanceof ProtocolError) return undefined;
    throw error;
  }
}
