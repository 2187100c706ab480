/**
 * Reads the vectors in this folder, which are data: what a specification prints, or what a program of another kind
 * made of its text. Must hold no vector itself.
 */
import { readFileSync } from 'node:fs';

/** The folder of the sources: the compiled tests lie as deep below the checkout as these lie in it. */
const FOLDER = new URL('../../../test/vectors/', import.meta.url);

/** The content of `name`.json; its shape is what its reader expects. */
export function readVectors<T>(name: string): T {
  return JSON.parse(readFileSync(new URL(`${name}.json`, FOLDER), 'utf8')) as T;
}

/** Octets of hexadecimal digits, in which spaces and line ends do not count. */
export function fromHex(text: string): Uint8Array {
  const digits = text.replace(/\s/g, '');
  if (!/^([0-9a-fA-F]{2})*$/.test(digits)) throw new Error(`not hexadecimal: ${text}`);
  return Uint8Array.from(digits.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

export function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

/** Octets of ASCII text. */
export function ascii(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text, 'latin1'));
}
