/**
 * Randomness for the machines that take it as an argument: drawn from the system in large pieces and given out in the
 * few octets that they want at a time, since each draw costs as much as some hundred octets. Must not give out an octet
 * twice, nor memory that it writes to again.
 */
import { randomFillSync } from 'node:crypto';
import type { RandomBytes } from '../wire/bytes.js';

const POOL_BYTES = 4_096;

export function randomPool(): RandomBytes {
  const pool = new Uint8Array(POOL_BYTES);
  let taken_bytes = POOL_BYTES;
  return (length_bytes) => {
    if (length_bytes > POOL_BYTES) return randomFillSync(new Uint8Array(length_bytes));
    if (taken_bytes + length_bytes > POOL_BYTES) {
      randomFillSync(pool);
      taken_bytes = 0;
    }
    const from = taken_bytes;
    taken_bytes += length_bytes;
    return pool.slice(from, taken_bytes);
  };
}
