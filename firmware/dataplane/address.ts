/**
 * Addresses as the packet path keeps them, from and to text: four words in memory order, IPv4 as ::ffff:a.b.c.d
 * (RFC 4291 section 2.5.5.2). For commands and reports; packets' addresses are compared as words.
 */
import { formatAddress, parseAddress } from '../wire/ip.js';
import { ADDRESS_WORDS, IPV4_MAPPED_WORD } from './packet-batch.js';

const ADDRESS_BYTES = 16;
const MAPPED_AT = 10;
const IPV4_AT = 12;
/** Addresses of tunnels come again with each of their messages: so many are kept as they were read. */
const MAX_KNOWN = 1_024;

const known = new Map<string, Uint32Array>();

/**
 * The words of an address in text, nobody's to write to; '' gives four zeros, that is, unspecified. Throws ProtocolError
 * for other text.
 */
export function addressWords(text: string): Uint32Array {
  const before = known.get(text);
  if (before !== undefined) return before;
  const words = wordsOf(text);
  if (known.size >= MAX_KNOWN) known.clear();
  known.set(text, words);
  return words;
}

function wordsOf(text: string): Uint32Array {
  const bytes = new Uint8Array(ADDRESS_BYTES);
  if (text !== '') {
    const address = parseAddress(text);
    const isIpv4 = address.length < ADDRESS_BYTES;
    if (isIpv4) bytes.fill(0xff, MAPPED_AT, IPV4_AT);
    bytes.set(address, isIpv4 ? IPV4_AT : 0);
  }
  return new Uint32Array(bytes.buffer);
}

/** The canonical text of an address among words; `index` counts addresses. Unspecified is ''. */
export function addressText(words: Uint32Array, index: number): string {
  const bytes = new Uint8Array(words.slice(index * ADDRESS_WORDS, (index + 1) * ADDRESS_WORDS).buffer);
  if (isIpv4Mapped(words, index)) return formatAddress(bytes.subarray(IPV4_AT));
  return bytes.every((byte) => byte === 0) ? '' : formatAddress(bytes);
}

/** Whether an address among words is an IPv4 address. */
export function isIpv4Mapped(words: Uint32Array, index: number): boolean {
  const at = index * ADDRESS_WORDS;
  return words[at] === 0 && words[at + 1] === 0 && words[at + 2] === IPV4_MAPPED_WORD;
}

/** 32 bits of a packet as a signed number, most significant octet first. */
export function readWord(memory: Uint8Array, offset: number): number {
  return (memory[offset] << 24) | (memory[offset + 1] << 16) | (memory[offset + 2] << 8) | memory[offset + 3];
}
