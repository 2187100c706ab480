/**
 * Human readable text in packets: UTF-8, as RFC 2661 4.4.2, RFC 3145 and RFC 2759 ask for. Must not be used for names
 * and secrets, whose octets count: those are Latin-1 text (bytes.ts) or stay octets.
 */

const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
const encoder = new TextEncoder();
const NO_OCTETS = new Uint8Array(0);

/** Text of UTF-8 octets; what is not UTF-8 becomes U+FFFD, so that no peer's text makes an error. */
export function decodeUtf8(bytes: Uint8Array): string {
  return decoder.decode(bytes);
}

/** The UTF-8 octets of a text, cut behind a whole character where they would be more than `maximum_bytes`. */
export function encodeUtf8(text: string, maximum_bytes = Number.POSITIVE_INFINITY): Uint8Array {
  if (text === '') return NO_OCTETS;
  const bytes = encoder.encode(text);
  if (bytes.length <= maximum_bytes) return bytes;
  const cut = new Uint8Array(maximum_bytes);
  return cut.subarray(0, encoder.encodeInto(text, cut).written);
}
