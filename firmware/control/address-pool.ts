/**
 * Which address a user gets: its fixed one, or one of its pool; and which prefixes that makes for the kernel. Answers,
 * never throws. Must not know how leases are kept: that is the store's.
 */
import { ipv4FromNumber, ipv4Number, type Pool, type Settings, type User } from '../settings.js';
import type { Documents } from '../store/documents.js';
import type { Leases } from '../store/leases.js';

export type AddressAnswer =
  | { granted: true; address: string; routes: readonly string[] }
  | {
      granted: false;
      /** In words that may be sent to the user. */
      reason: string;
      /** The call that has the user's fixed address: when it is dead already, ending it makes room. */
      holder?: number;
    };

export class AddressPools {
  readonly #documents: Pick<Documents, 'settings' | 'pool' | 'pools' | 'user'>;
  readonly #leases: Leases;

  constructor(documents: Pick<Documents, 'settings' | 'pool' | 'pools' | 'user'>, leases: Leases) {
    this.#documents = documents;
    this.#leases = leases;
  }

  /** Leases an address to a call of this user; one that asks again, after LCP has begun anew, keeps what it has. */
  lease(callId: number, userName: string): AddressAnswer {
    const user = this.#documents.user(userName);
    if (!user?.enabled) return { granted: false, reason: 'the user may not call' };
    const { lns } = this.#documents.settings();
    if (lns.maxSessionsPerUser > 0 && this.#leases.countOf(user.name, callId) >= lns.maxSessionsPerUser) {
      return { granted: false, reason: `the user has ${lns.maxSessionsPerUser} sessions already` };
    }
    return user.fixedAddress === undefined
      ? this.#leaseFromPool(callId, user, lns)
      : this.#leaseFixed(callId, user, user.fixedAddress);
  }

  /** Frees the address of a call that has ended; false when it had none. */
  release(callId: number): boolean {
    return this.#leases.release(callId);
  }

  #leaseFixed(callId: number, user: User, address: string): AddressAnswer {
    const result = this.#leases.leaseFixed({ callId, user: user.name, address });
    if (result.leased) return { granted: true, address, routes: user.routes };
    const reason = `the fixed address ${address} is in use`;
    return result.why === 'address-in-use'
      ? { granted: false, reason, holder: result.holder }
      : { granted: false, reason };
  }

  #leaseFromPool(callId: number, user: User, lns: Settings['lns']): AddressAnswer {
    const pool = this.#documents.pool(user.pool ?? lns.pool);
    if (!pool) return { granted: false, reason: 'there is no address pool for the user' };
    const result = this.#leases.lease({ callId, user: user.name, pool: pool.name, sticky: pool.sticky });
    if (result.leased) return { granted: true, address: result.address, routes: user.routes };
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
