/**
 * Human readable text in packets: UTF-8, as RFC 2661 4.4.2, RFC 3145 and RFC 2759 ask for. Must not be used for names
 * and secrets, whose octets count: those are Latin-1 text (bytes.ts) or stay octets.
 */

const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
const encoder = new TextEncoder();

/** Text of UTF-8 octets; what is not UTF-8 becomes U+FFFD, so that no peer's text makes an error. */
export function decodeUtf8(bytes: Uint8Array): string {
  return decoder.decode(bytes);
}

/** The UTF-8 octets of a text. */
export function encodeUtf8(text: string): Uint8Array {
  return encoder.encode(text);
}
