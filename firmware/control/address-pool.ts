/**
 * Which address a user gets: the one that it is given, or one of its pool; and which prefixes that makes for the kernel. Answers,
 * never throws. Must not know how leases are kept: that is the store's.
 */
import type { Authorization } from '../roles/role.js';
import { ipv4FromNumber, ipv4Number, type Pool } from '../settings.js';
import type { Documents } from '../store/documents.js';
import type { Leases } from '../store/leases.js';

export type AddressAnswer =
  | { granted: true; address: string }
  | {
      granted: false;
      /** In words that may be sent to the user. */
      reason: string;
      /** The call that has the user's fixed address: when it is dead already, ending it makes room. */
      holder?: number;
    };

export class AddressPools {
  readonly #documents: Pick<Documents, 'settings' | 'pool'>;
  readonly #leases: Leases;

  constructor(documents: Pick<Documents, 'settings' | 'pool'>, leases: Leases) {
    this.#documents = documents;
    this.#leases = leases;
  }

  /** Leases an address to a call of this user; one that asks again, after LCP has begun anew, keeps what it has. */
  lease(callId: number, user: string, { address, pool }: Pick<Authorization, 'address' | 'pool'>): AddressAnswer {
    const { lns } = this.#documents.settings();
    return address === ''
      ? this.#leaseFromPool(callId, user, pool || lns.pool)
      : this.#leaseFixed(callId, user, address);
  }

  /** Frees the address of a call that has ended; false when it had none. */
  release(callId: number): boolean {
    return this.#leases.release(callId);
  }

  #leaseFixed(callId: number, user: string, address: string): AddressAnswer {
    const result = this.#leases.leaseFixed({ callId, user, address });
    if (result.leased) return { granted: true, address };
    const reason = `the fixed address ${address} is in use`;
    return result.why === 'address-in-use'
      ? { granted: false, reason, holder: result.holder }
      : { granted: false, reason };
  }

  #leaseFromPool(callId: number, user: string, name: string): AddressAnswer {
    const pool = this.#documents.pool(name);
    if (!pool) return { granted: false, reason: `there is no address pool ${name} for the user` };
    const result = this.#leases.lease({ callId, user, pool: pool.name, sticky: pool.sticky });
    if (result.leased) return { granted: true, address: result.address };
    return { granted: false, reason: `address pool ${pool.name} is exhausted` };
  }
}

/** The fewest prefixes that hold exactly the pools' ranges, in ascending order: what is routed to the LNS's TUN. */
export function poolPrefixes(pools: readonly Pick<Pool, 'ranges'>[]): string[] {
  const ranges = pools
    .flatMap((pool) => pool.ranges.map(({ first, last }) => ({ first: ipv4Number(first), last: ipv4Number(last) })))
    .sort((a, b) => a.first - b.first);
  const joined: { first: number; last: number }[] = [];
  for (const range of ranges) {
    const before = joined.at(-1);
    if (before && range.first <= before.last + 1) before.last = Math.max(before.last, range.last);
    else joined.push({ ...range });
  }
  return joined.flatMap(({ first, last }) => rangePrefixes(first, last));
}

function rangePrefixes(first: number, last: number): string[] {
  const prefixes: string[] = [];
  for (let from = first; from <= last; ) {
    let length = 32;
    // Grow the block as long as it starts where a block of twice the size would, and ends within the range.
    while (length > 0 && from % 2 ** (33 - length) === 0 && from + 2 ** (33 - length) - 1 <= last) length -= 1;
    prefixes.push(`${ipv4FromNumber(from)}/${length}`);
    from += 2 ** (32 - length);
  }
  return prefixes;
}
