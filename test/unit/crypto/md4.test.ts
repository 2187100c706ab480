/** MD4 against the test suite of RFC 1320 appendix A.5. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { md4 } from '../../../firmware/crypto/md4.js';
import { ascii, readVectors, toHex } from '../../vectors/vectors.js';

const { cases } = readVectors<{ cases: { message: string; digest: string }[] }>('md4');

for (const { message, digest } of cases) {
  test(`RFC 1320 A.5: MD4 ("${message}") = ${digest}`, () => {
    assert.equal(toHex(md4(ascii(message))), digest);
  });
}

/** Made by OpenSSL's legacy provider: that many times "a". */
const AROUND_A_BLOCK = new Map([
  [55, 'c889c81dd86c4d2e025778944ea02881'],
  [56, 'd5f9a9e9257077a5f08b0b92f348b0ad'],
  [63, '7ea3da77432d44c323671097d1348fc8'],
  [64, '52f5076fabd22680234a3fa9f9dc5732'],
  [119, 'e65dd227ccef97fa1d34d70189120f76'],
  [120, 'b03ddbd470b47c013e0c7ab2ddd763db'],
]);

for (const [length, digest] of AROUND_A_BLOCK) {
  test(`RFC 1320 3.1 and 3.2: ${length} octets are padded to whole blocks with their length at the end`, () => {
    assert.equal(toHex(md4(new Uint8Array(length).fill(0x61))), digest);
  });
}
