/** Leases: to whom which address goes, and that none goes to two. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { LeaseResult } from '../../../firmware/store/leases.js';
import type { Store } from '../../../firmware/store/store.js';
import { temporaryStore } from './temporary-store.js';

function writePool(store: Store, first: number, last: number, excluded: number[] = []): void {
  const document = {
    ranges: [{ first: `10.0.0.${first}`, last: `10.0.0.${last}` }],
    excluded: excluded.map((host) => `10.0.0.${host}`),
  };
  assert.ok(store.documents.writePool('home', document, 'test').ok);
}

function lease(store: Store, callId: number, user: string, sticky = true): string {
  const result: LeaseResult = store.leases.lease({ callId, user, pool: 'home', sticky });
  return result.leased ? result.address : result.why;
}

test('a fresh pool is leased from its first address on, without the excluded ones, until it is exhausted', (t) => {
  const { store } = temporaryStore(t);
  writePool(store, 1, 4, [2]);
  assert.deepEqual(
    ['a', 'b', 'c', 'd'].map((user, index) => lease(store, index + 1, user)),
    ['10.0.0.1', '10.0.0.3', '10.0.0.4', 'pool-exhausted'],
  );
  assert.equal(store.leases.release(2), true);
  assert.equal(store.leases.release(2), false);
  assert.equal(lease(store, 5, 'd'), '10.0.0.3');
});

test('a call that has an address keeps it', (t) => {
  const { store } = temporaryStore(t);
  writePool(store, 1, 4);
  assert.equal(lease(store, 1, 'alice'), '10.0.0.1');
  assert.equal(lease(store, 1, 'alice'), '10.0.0.1');
  assert.equal(store.leases.list().length, 1);
});

test('a user gets its last address again when it is free, over a restart too', (t) => {
  const temporary = temporaryStore(t);
  let { store } = temporary;
  writePool(store, 1, 9);
  for (const [index, user] of ['alice', 'bob', 'carol'].entries()) lease(store, index + 1, user);
  store.leases.release(2);
  assert.equal(lease(store, 4, 'dave'), '10.0.0.4');
  assert.equal(lease(store, 5, 'bob'), '10.0.0.2');
  store = temporary.reopen();
  assert.deepEqual(store.leases.list(), []);
  assert.equal(lease(store, 1, 'carol'), '10.0.0.3');
  assert.equal(lease(store, 2, 'dave'), '10.0.0.4');
});

test('a user’s second call gets another address, and each later one the address it had last', (t) => {
  const { store } = temporaryStore(t);
  writePool(store, 1, 9);
  assert.deepEqual([lease(store, 1, 'alice'), lease(store, 2, 'alice')], ['10.0.0.1', '10.0.0.2']);
  store.leases.release(2);
  store.leases.release(1);
  assert.equal(lease(store, 3, 'alice'), '10.0.0.1');
});

test('without stickiness, and for a new user, the address that is free for longest is taken', (t) => {
  const { store } = temporaryStore(t);
  writePool(store, 1, 3);
  for (const callId of [1, 2, 3]) lease(store, callId, `user ${callId}`);
  for (const callId of [2, 3, 1]) store.leases.release(callId);
  assert.equal(lease(store, 4, 'user 1', false), '10.0.0.2');
  assert.equal(lease(store, 5, 'new'), '10.0.0.3');
});

test('a fixed address in a pool is kept for its user, and one outside of all pools is leased too', (t) => {
  const { store } = temporaryStore(t);
  writePool(store, 1, 3);
  store.documents.writeUser('alice', { password: 'a', fixedAddress: '10.0.0.1' }, 'test');
  assert.deepEqual([lease(store, 1, 'bob'), lease(store, 2, 'carol')], ['10.0.0.2', '10.0.0.3']);
  assert.equal(lease(store, 3, 'dave'), 'pool-exhausted');
  const inPool = { callId: 4, user: 'alice', address: '10.0.0.1' };
  assert.deepEqual(store.leases.leaseFixed(inPool), { leased: true, address: '10.0.0.1' });
  assert.deepEqual(store.leases.leaseFixed(inPool), { leased: true, address: '10.0.0.1' });
  const second = store.leases.leaseFixed({ ...inPool, callId: 5 });
  assert.deepEqual(second, { leased: false, why: 'address-in-use', holder: 4 });
  const outside = store.leases.leaseFixed({ callId: 6, user: 'erin', address: '192.0.2.200' });
  assert.deepEqual(outside, { leased: true, address: '192.0.2.200' });
  assert.deepEqual(store.leases.list().at(-1), { callId: 6, user: 'erin', address: '192.0.2.200', pool: '' });
  for (const callId of [4, 6]) assert.equal(store.leases.release(callId), true);
  assert.deepEqual(
    store.leases.list().map(({ callId }) => callId),
    [1, 2],
  );
  assert.equal(lease(store, 7, 'dave'), 'pool-exhausted');
});

test('a user that is deleted leaves neither its fixed address nor its last one behind', (t) => {
  const { store } = temporaryStore(t);
  writePool(store, 1, 1);
  store.documents.writeUser('alice', { password: 'a', fixedAddress: '10.0.0.1' }, 'test');
  assert.equal(lease(store, 1, 'bob'), 'pool-exhausted');
  store.documents.deleteUser('alice', 'test');
  assert.equal(lease(store, 2, 'bob'), '10.0.0.1');
});

test('calls on addresses that left their pool, or became another user’s, are stranded and keep them to their end', (t) => {
  const { store } = temporaryStore(t);
  writePool(store, 1, 5);
  for (const callId of [1, 2, 3, 4, 5]) lease(store, callId, `user ${callId}`);
  assert.deepEqual(store.leases.stranded(), []);
  store.documents.writeUser('alice', { password: 'a', fixedAddress: '10.0.0.2' }, 'test');
  writePool(store, 2, 9, [3]);
  assert.deepEqual(store.leases.stranded(), [1, 2, 3]);
  assert.deepEqual(store.leases.leasedByPool(), new Map([['home', 3]]));
  for (const callId of [1, 2, 3]) store.leases.release(callId);
  assert.deepEqual(store.leases.stranded(), []);
  assert.equal(lease(store, 6, 'user 3'), '10.0.0.6');
  assert.deepEqual(store.documents.deletePool('home', 'test'), { result: 'deleted' });
  assert.deepEqual(store.leases.stranded(), [4, 5, 6]);
});

test('an address that comes back to its pool while it is leased belongs to the pool again', (t) => {
  const { store } = temporaryStore(t);
  writePool(store, 1, 2);
  lease(store, 1, 'alice');
  writePool(store, 2, 2);
  writePool(store, 1, 2);
  assert.deepEqual(store.leases.stranded(), []);
  store.leases.release(1);
  assert.deepEqual([lease(store, 2, 'alice'), lease(store, 3, 'bob')], ['10.0.0.1', '10.0.0.2']);
});

test('a fixed address of a pool that is written later is reserved from the start', (t) => {
  const { store } = temporaryStore(t);
  store.documents.writeUser('alice', { password: 'a', fixedAddress: '10.0.0.1' }, 'test');
  writePool(store, 1, 1);
  assert.equal(lease(store, 1, 'bob'), 'pool-exhausted');
  assert.equal(store.leases.leaseFixed({ callId: 2, user: 'alice', address: '10.0.0.1' }).leased, true);
  store.documents.writeUser('alice', { password: 'a' }, 'test');
  assert.deepEqual(store.leases.stranded(), []);
  store.leases.release(2);
  assert.equal(lease(store, 3, 'bob'), '10.0.0.1');
});

test('a /16 is leased in full, 65,536 addresses to as many users, and freed again, without a scan for each', (t) => {
  const { store } = temporaryStore(t);
  const document = { ranges: [{ first: '10.8.0.0', last: '10.8.255.255' }] };
  assert.ok(store.documents.writePool('home', document, 'test').ok);
  const addresses = new Set<string>();
  const started_ms = performance.now();
  store.inTurn(() => {
    for (let callId = 1; callId <= 65_536; callId++) addresses.add(lease(store, callId, `user ${callId}`));
  });
  const each_us = ((performance.now() - started_ms) * 1000) / 65_536;
  assert.equal(addresses.size, 65_536);
  assert.equal(lease(store, 70_000, 'one more'), 'pool-exhausted');
  store.inTurn(() => {
    for (let callId = 1; callId <= 65_536; callId++) store.leases.release(callId);
  });
  assert.equal(lease(store, 70_001, 'user 40000'), '10.8.156.63');
  // A scan of the table for each lease would take a thousand times as long.
  assert.ok(each_us < 1000, `${each_us} µs a lease`);
});

/** What the leases must be, in the simplest words. */
interface Model {
  living: Map<number, string>;
  addresses: Set<string>;
}

type Step =
  | { do: 'lease'; call: number; user: string }
  | { do: 'release'; call: number }
  | { do: 'pool'; first: number }
  | { do: 'restart' };

test('in any order of leases, releases, pool changes and restarts, no address is leased twice or lost', (t) => {
  const temporary = temporaryStore(t);
  const size = 6;
  const call = fc.integer({ min: 1, max: 12 });
  const user = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'g', 'h');
  const step: fc.Arbitrary<Step> = fc.oneof(
    { weight: 8, arbitrary: fc.record({ do: fc.constant('lease' as const), call, user }) },
    { weight: 6, arbitrary: fc.record({ do: fc.constant('release' as const), call }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('pool' as const), first: fc.integer({ min: 1, max: 5 }) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('restart' as const) }) },
  );
  const run = (steps: Step[]) => {
    let store = temporary.reopen();
    writePool(store, 1, size);
    const model: Model = { living: new Map(), addresses: hosts(1, size) };
    for (const each of steps) {
      if (each.do === 'restart') {
        store = temporary.reopen();
        model.living.clear();
      } else if (each.do === 'pool') {
        writePool(store, each.first, each.first + size - 1);
        model.addresses = hosts(each.first, each.first + size - 1);
      } else if (each.do === 'release') {
        assert.equal(store.leases.release(each.call), model.living.delete(each.call));
      } else {
        const present = model.living.get(each.call);
        const taken = new Set(model.living.values());
        const isFull = [...model.addresses].every((address) => taken.has(address));
        const answer = lease(store, each.call, each.user);
        if (present !== undefined) assert.equal(answer, present);
        else if (isFull) assert.equal(answer, 'pool-exhausted');
        else {
          assert.ok(model.addresses.has(answer) && !taken.has(answer), `${answer} is not free`);
          model.living.set(each.call, answer);
        }
      }
      const stored = new Map(store.leases.list().map(({ callId, address }) => [callId, address]));
      assert.deepEqual(stored, new Map([...model.living].sort((a, b) => (host(a[1]) < host(b[1]) ? -1 : 1))));
    }
    store.documents.deletePool('home', 'test');
  };
  fc.assert(fc.property(fc.array(step, { maxLength: 40 }), run), { numRuns: 40 });
});

function hosts(first: number, last: number): Set<string> {
  return new Set(Array.from({ length: last - first + 1 }, (_, index) => `10.0.0.${first + index}`));
}

function host(address: string): number {
  return Number(address.split('.')[3]);
}
