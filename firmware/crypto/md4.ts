/**
 * MD4, RFC 1320, which OpenSSL keeps in its legacy provider and Node leaves off. For MS-CHAP alone: it is broken as a
 * hash, and nothing else here may use it.
 */

const BLOCK_BYTES = 64;
const DIGEST_BYTES = 16;

/** Section 3.4: per round the order in which the words are taken, the shifts, and the constant added. */
const ROUNDS = [
  {
    mix: (x: number, y: number, z: number) => (x & y) | (~x & z),
    words: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
    shifts: [3, 7, 11, 19],
    constant: 0,
  },
  {
    mix: (x: number, y: number, z: number) => (x & y) | (x & z) | (y & z),
    words: [0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15],
    shifts: [3, 5, 9, 13],
    constant: 0x5a827999,
  },
  {
    mix: (x: number, y: number, z: number) => x ^ y ^ z,
    words: [0, 8, 4, 12, 2, 10, 6, 14, 1, 9, 5, 13, 3, 11, 7, 15],
    shifts: [3, 9, 11, 15],
    constant: 0x6ed9eba1,
  },
] as const;

/** The 16 octets of MD4 over `message`. */
export function md4(message: Uint8Array): Uint8Array {
  const state = Uint32Array.of(0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476);
  const padded = pad(message);
  const view = new DataView(padded.buffer);
  for (let offset = 0; offset < padded.length; offset += BLOCK_BYTES) addBlock(state, view, offset);
  const digest = new DataView(new ArrayBuffer(DIGEST_BYTES));
  state.forEach((word, i) => {
    digest.setUint32(4 * i, word, true);
  });
  return new Uint8Array(digest.buffer);
}

/** Sections 3.1 and 3.2: a one bit, zeros, and the length in bits as 64 bits, least significant octet first. */
function pad(message: Uint8Array): Uint8Array<ArrayBuffer> {
  const blocks = Math.ceil((message.length + 1 + 8) / BLOCK_BYTES);
  const padded = new Uint8Array(blocks * BLOCK_BYTES);
  padded.set(message);
  padded[message.length] = 0x80;
  new DataView(padded.buffer).setBigUint64(padded.length - 8, BigInt(message.length) * 8n, true);
  return padded;
}

/** Section 3.4, one block of 16 words. */
function addBlock(state: Uint32Array, view: DataView, offset: number): void {
  let [a, b, c, d] = state;
  for (const { mix, words, shifts, constant } of ROUNDS) {
    for (let step = 0; step < 16; step++) {
      const word = view.getUint32(offset + 4 * words[step], true);
      const sum = (a + mix(b, c, d) + word + constant) | 0;
      const shift = shifts[step % 4];
      [a, b, c, d] = [d, (sum << shift) | (sum >>> (32 - shift)), b, c];
    }
  }
  state[0] += a;
  state[1] += b;
  state[2] += c;
  state[3] += d;
}
