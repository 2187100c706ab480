/** Longest prefix match (RFC 1812 section 5.2.4.3), against a list that is searched from end to end. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { prefixWords } from '../../../firmware/dataplane/prefix-lists.js';
import { type PrefixWords, prefixMask, RouteTable } from '../../../firmware/dataplane/route-table.js';

const at = (table: RouteTable, address: string) => {
  const { w0, w1, w2, w3 } = prefixWords(address);
  return table.lookup(w0, w1, w2, w3);
};

describe('the route table', () => {
  test('an empty table knows nobody', () => {
    assert.equal(at(new RouteTable(), '10.0.0.1'), 0);
    assert.equal(at(new RouteTable(), '0.0.0.0'), 0);
  });

  test('the longest prefix decides, whatever the order of adding', () => {
    for (const order of [
      [0, 1, 2, 3],
      [3, 2, 1, 0],
    ]) {
      const table = new RouteTable();
      const prefixes = ['0.0.0.0/0', '10.0.0.0/8', '10.1.0.0/16', '10.1.2.3/32'];
      for (const i of order) table.add(prefixWords(prefixes[i]!), i + 1);
      assert.deepEqual(
        ['10.1.2.3', '10.1.2.4', '10.2.0.0', '11.0.0.0'].map((address) => at(table, address)),
        [4, 3, 2, 1],
      );
    }
  });

  test('IPv6 prefixes of any length', () => {
    const table = new RouteTable();
    const prefixes = ['::/0', '2001:db8::/32', '2001:db8:0:8000::/49', '2001:db8::1/128'];
    for (const [i, prefix] of prefixes.entries()) table.add(prefixWords(prefix), i + 1);
    assert.deepEqual(
      ['2001:db8::1', '2001:db8:0:8000::1', '2001:db8:0:4000::1', '2001:db9::'].map((address) => at(table, address)),
      [4, 3, 2, 1],
    );
  });

  test('a prefix may be claimed by several rows: the latest has it, and leaves it to the one before', () => {
    const table = new RouteTable();
    const prefix = prefixWords('10.0.0.0/24');
    for (const row of [1, 2, 3]) table.add(prefix, row);
    assert.equal(at(table, '10.0.0.9'), 3);
    table.remove(prefix, 1);
    assert.equal(at(table, '10.0.0.9'), 3);
    table.remove(prefix, 3);
    assert.equal(at(table, '10.0.0.9'), 2);
    table.remove(prefix, 2);
    assert.equal(at(table, '10.0.0.9'), 0);
  });

  test('a row that does not have a prefix cannot take it away', () => {
    const table = new RouteTable();
    table.add(prefixWords('10.0.0.0/24'), 1);
    table.remove(prefixWords('10.0.0.0/24'), 2);
    table.remove(prefixWords('10.0.1.0/24'), 1);
    assert.equal(at(table, '10.0.0.9'), 1);
  });

  test('10,000 addresses are all found, and none after they are removed', () => {
    const table = new RouteTable();
    const address = (i: number) => `10.${i >>> 16}.${(i >>> 8) & 0xff}.${i & 0xff}`;
    for (let i = 0; i < 10_000; i++) table.add(prefixWords(`${address(i)}/32`), 1 + i);
    for (let i = 0; i < 10_000; i++) assert.equal(at(table, address(i)), 1 + i);
    for (let i = 0; i < 10_000; i += 2) table.remove(prefixWords(`${address(i)}/32`), 1 + i);
    for (let i = 0; i < 10_000; i++) assert.equal(at(table, address(i)), i % 2 === 0 ? 0 : 1 + i);
  });

  test('does as a list does, for any adding, removing and looking up', () => {
    // Few bits, so that prefixes meet often.
    const prefix = fc.tuple(fc.nat(15), fc.nat(15), fc.constantFrom(0, 1, 30, 31, 32, 33, 63, 64, 127, 128)).map(
      ([high, low, length_bits]): PrefixWords => ({
        w0: (high << 28) & prefixMask(length_bits, 0),
        w1: (low << 28) & prefixMask(length_bits, 1),
        w2: 0,
        w3: low & prefixMask(length_bits, 3),
        length_bits,
      }),
    );
    const step = fc.record({ adds: fc.boolean(), prefix, row: fc.integer({ min: 1, max: 5 }) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), fc.array(prefix), (steps, addresses) => {
        const table = new RouteTable();
        let list: { prefix: PrefixWords; row: number }[] = [];
        const isSame = (one: PrefixWords, other: PrefixWords) => JSON.stringify(one) === JSON.stringify(other);
        for (const { adds, prefix, row } of steps) {
          // A row claims a prefix once: a row's prefixes are removed before they are set anew.
          table.remove(prefix, row);
          list = list.filter((entry) => !(entry.row === row && isSame(entry.prefix, prefix)));
          if (!adds) continue;
          table.add(prefix, row);
          list.push({ prefix, row });
        }
        for (const { w0, w1, w2, w3 } of addresses) {
          const words = [w0, w1, w2, w3];
          const holds = ({ prefix }: { prefix: PrefixWords }) =>
            [prefix.w0, prefix.w1, prefix.w2, prefix.w3].every(
              (word, i) => ((word ^ words[i]!) & prefixMask(prefix.length_bits, i)) === 0,
            );
          const longest = Math.max(...list.filter(holds).map((entry) => entry.prefix.length_bits));
          const expected =
            list.filter((entry) => holds(entry) && entry.prefix.length_bits === longest).at(-1)?.row ?? 0;
          assert.equal(table.lookup(w0, w1, w2, w3), expected);
        }
      }),
    );
  });
});
