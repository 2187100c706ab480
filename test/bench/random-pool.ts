/** Random octets, drawn many at once: by the few that are wanted at a time they would cost a caller too much. */
import { randomBytes } from 'node:crypto';

const POOL_BYTES = 4_096;

let pool = randomBytes(POOL_BYTES);
let taken_bytes = 0;

/** At most 4,096. */
export function randomOctets(length_bytes: number): Uint8Array {
  if (taken_bytes + length_bytes > pool.length) {
    pool = randomBytes(POOL_BYTES);
    taken_bytes = 0;
  }
  taken_bytes += length_bytes;
  return pool.subarray(taken_bytes - length_bytes, taken_bytes);
}
