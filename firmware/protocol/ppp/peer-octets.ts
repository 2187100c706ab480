/**
 * What is done with a peer's octets before they are believed: read or dropped, compared, made printable.
 * Must not know any packet.
 */

import { ProtocolError } from '../../wire/bytes.js';

/** The longest text of a peer that goes into an event, or of ours into a packet. */
export const MAX_TEXT_BYTES = 128;

/** undefined where the parser finds what it is given malformed. */
export function readOrDrop<Value>(parse: () => Value): Value | undefined {
  try {
    return parse();
  } catch (error) {
    if (error instanceof ProtocolError) return undefined;
    throw error;
  }
}

/** Not for secrets: it takes longer the more octets are equal. */
export function sameOctets(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((octet, index) => octet === b[index]);
}

/** A peer's text for an event or a log: ASCII 32 to 126, cut to a line. */
export function printable(octets: Uint8Array): string {
  let text = '';
  for (const octet of octets.subarray(0, MAX_TEXT_BYTES)) {
    text += octet >= 32 && octet <= 126 ? String.fromCharCode(octet) : '.';
  }
  return text;
}
