/** Which address a user gets, and what that makes for the kernel's routing table. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import fc from 'fast-check';
import { AddressPools, poolPrefixes } from '../../../firmware/control/address-pool.js';
import { ipv4FromNumber, ipv4Number } from '../../../firmware/settings.js';
import type { Store } from '../../../firmware/store/store.js';
import { temporaryStore } from '../store/temporary-store.js';

/** A store with pool home of two addresses, which the LNS leases from, and pool branch of one. */
function box(t: TestContext): { store: Store; pools: AddressPools } {
  const { store } = temporaryStore(t);
  const { documents } = store;
  const range = (first: string, last: string) => ({ ranges: [{ first, last }] });
  assert.ok(documents.writePool('home', range('10.0.0.1', '10.0.0.2'), 'test').ok);
  assert.ok(documents.writePool('branch', range('10.1.0.1', '10.1.0.1'), 'test').ok);
  assert.ok(documents.writeSettings({ lns: { enabled: true, pool: 'home' } }, 'test').ok);
  return { store, pools: new AddressPools(documents, store.leases) };
}

const ANY = { address: '', pool: '' };

test('a user gets an address of the LNS’s pool, or of the pool that it is given', (t) => {
  const { pools } = box(t);
  assert.deepEqual(pools.lease(1, 'alice', ANY), { granted: true, address: '10.0.0.1' });
  assert.deepEqual(pools.lease(2, 'bob', { address: '', pool: 'branch' }), { granted: true, address: '10.1.0.1' });
});

test('a user with a fixed address gets that one, in a pool or outside', (t) => {
  const { pools } = box(t);
  const fixed = { address: '10.0.0.2', pool: '' };
  assert.deepEqual(pools.lease(1, 'alice', fixed), { granted: true, address: '10.0.0.2' });
  assert.deepEqual(pools.lease(2, 'bob', { address: '192.0.2.9', pool: '' }), { granted: true, address: '192.0.2.9' });
  assert.deepEqual(pools.lease(3, 'carol', ANY), { granted: true, address: '10.0.0.1' });
  assert.deepEqual(pools.lease(4, 'alice', fixed), {
    granted: false,
    reason: 'the fixed address 10.0.0.2 is in use',
    holder: 1,
  });
  assert.equal(pools.release(1), true);
  assert.equal(pools.lease(4, 'alice', fixed).granted, true);
});

test('an exhausted pool, and one that there is not, is an answer', (t) => {
  const { pools } = box(t);
  assert.equal(pools.lease(1, 'alice', ANY).granted, true);
  assert.equal(pools.lease(2, 'bob', ANY).granted, true);
  assert.deepEqual(pools.lease(3, 'carol', ANY), { granted: false, reason: 'address pool home is exhausted' });
  assert.deepEqual(pools.lease(4, 'dave', { address: '', pool: 'attic' }), {
    granted: false,
    reason: 'there is no address pool attic for the user',
  });
  pools.release(2);
  assert.equal(pools.lease(3, 'carol', ANY).granted, true);
});

test('ranges become the fewest prefixes that hold exactly them', () => {
  const table: [[string, string][], string[]][] = [
    [[['10.0.0.0', '10.0.255.255']], ['10.0.0.0/16']],
    [[['10.0.0.7', '10.0.0.7']], ['10.0.0.7/32']],
    [[['10.0.0.1', '10.0.0.6']], ['10.0.0.1/32', '10.0.0.2/31', '10.0.0.4/31', '10.0.0.6/32']],
    [
      [
        ['10.0.1.0', '10.0.1.255'],
        ['10.0.0.0', '10.0.0.255'],
      ],
      ['10.0.0.0/23'],
    ],
    [[['10.0.0.255', '10.0.1.0']], ['10.0.0.255/32', '10.0.1.0/32']],
    [[['223.255.255.254', '223.255.255.255']], ['223.255.255.254/31']],
    [[], []],
  ];
  for (const [ranges, prefixes] of table) {
    assert.deepEqual(poolPrefixes([{ ranges: ranges.map(([first, last]) => ({ first, last })) }]), prefixes);
  }
});

test('prefixes hold every address of their ranges and no other, and no two of them could be one', () => {
  const range = fc.tuple(fc.integer({ min: 0, max: 600 }), fc.integer({ min: 0, max: 80 }));
  const base = ipv4Number('10.0.0.0');
  fc.assert(
    fc.property(fc.array(range, { maxLength: 6 }), (spans) => {
      const wanted = new Set<number>();
      for (const [first, length] of spans) for (let n = first; n <= first + length; n++) wanted.add(base + n);
      const ranges = spans.map(([first, length]) => {
        return { first: ipv4FromNumber(base + first), last: ipv4FromNumber(base + first + length) };
      });
      const blocks = poolPrefixes([{ ranges }]).map((prefix) => {
        const [address = '', length] = prefix.split('/');
        return { first: ipv4Number(address), size: 2 ** (32 - Number(length)) };
      });
      const held = blocks.flatMap(({ first, size }) => Array.from({ length: size }, (_, n) => first + n));
      assert.deepEqual(
        held,
        [...wanted].sort((a, b) => a - b),
      );
      blocks.forEach(({ first, size }, at) => {
        const next = blocks[at + 1];
        assert.equal(first % size, 0);
        assert.ok(!(next?.first === first + size && next.size === size && first % (2 * size) === 0));
      });
    }),
  );
});
