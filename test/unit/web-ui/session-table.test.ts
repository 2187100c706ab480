/** The sessions as the page keeps them: the list, events on top of it, search and order. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SessionRow } from '../../../firmware/api/session-list.js';
import { type Order, SessionTable } from '../../../web-ui/views/sessions/session-table.js';

// In another order than the page's own: the list says which value is where.
const COLUMNS: (keyof SessionRow)[] = [
  'sessionId',
  'callId',
  'tunnelId',
  'role',
  'state',
  'user',
  'address',
  'callingNumber',
];
const MORE: (keyof SessionRow)[] = ['peerAddress', 'since', 'receivedOctets', 'sentOctets', 'encapsulation'];
const BY_USER: Order = { by: 'user', isDown: false };

const values = (callId: number, user: string, address: string, tunnelId = 815, octets = 0) => [
  ...[4000 + callId, callId, tunnelId, 'lns', 'up', user, address, '0123'],
  ...['192.0.2.7', '2026-01-02T03:04:05.678Z', octets, 0, 'udp'],
];

function tableOf(...rows: (string | number)[][]): SessionTable {
  const table = new SessionTable();
  table.fill({ columns: [...COLUMNS, ...MORE], rows });
  return table;
}

const users = (table: SessionTable, search: string, order = BY_USER) =>
  table.rows(search, order).map(({ user }) => user);

test('a search finds rows that have each of its words in user, address, caller, peer, tunnel or session', () => {
  const table = tableOf(
    values(1, 'Alice', '10.0.0.1'),
    values(2, 'bob', '10.0.0.2'),
    values(3, 'alina', '10.0.1.1', 8151),
  );

  assert.deepEqual(users(table, ''), ['Alice', 'alina', 'bob']);
  assert.deepEqual(users(table, 'ALI'), ['Alice', 'alina']);
  assert.deepEqual(users(table, 'ali 10.0.1.'), ['alina']);
  assert.deepEqual(users(table, '0123 192.0.2.7'), ['Alice', 'alina', 'bob']);
  assert.deepEqual(users(table, '4002'), ['bob']);
  assert.deepEqual(users(table, '815'), ['Alice', 'alina', 'bob']);
  assert.deepEqual(users(table, 'tunnel:815'), ['Alice', 'bob'], 'of this tunnel alone');
  assert.deepEqual(users(table, 'nobody'), []);
});

test('addresses are in the order of their numbers, IPv4 first; what is the same, in the order of the calls', () => {
  const table = tableOf(
    values(1, 'c', '2001:db8::1'),
    values(2, 'd', '10.0.0.10'),
    values(3, 'a', '10.0.0.9'),
    values(4, 'b', '10.0.0.9'),
  );

  assert.deepEqual(users(table, '', { by: 'address', isDown: false }), ['a', 'b', 'd', 'c']);
  assert.deepEqual(users(table, '', { by: 'address', isDown: true }), ['c', 'd', 'a', 'b']);
});

test('events add, change and take away; a change of the user is found by search', () => {
  const table = tableOf(values(1, '', ''), values(2, 'bob', '10.0.0.2'));

  table.apply({ stand: [values(3, 'carol', '10.0.0.3'), values(1, 'alice', '10.0.0.1', 815, 99)], ended: [2] });

  assert.deepEqual(users(table, ''), ['alice', 'carol']);
  assert.deepEqual(users(table, '10.0.0.1'), ['alice']);
  assert.equal(table.rows('alice', BY_USER)[0]?.receivedOctets, 99);
  assert.equal(table.size, 2);
});

test('events before the list has come are passed over, and the list takes the place of all that was known', () => {
  const table = new SessionTable();
  table.apply({ stand: [values(1, 'alice', '10.0.0.1')], ended: [] });
  assert.equal(table.size, 0);

  table.fill({ columns: [...COLUMNS, ...MORE], rows: [values(2, 'bob', '10.0.0.2')] });
  table.fill({ columns: [...COLUMNS, ...MORE], rows: [values(3, 'carol', '10.0.0.3')] });

  assert.deepEqual(users(table, ''), ['carol']);
});

test("an hour's worth of events over 10,000 sessions leaves as many entries as there are sessions", () => {
  const count = 10_000;
  const perSecond = 50;
  const table = tableOf(
    ...Array.from({ length: count }, (_, at) => values(at, `user${at}`, `10.1.${at >> 8}.${at & 255}`)),
  );

  for (let second = 0; second < 3600; second += 1) {
    const oldest = second * perSecond;
    const stand = Array.from({ length: perSecond }, (_, at) => values(count + oldest + at, 'new', '10.2.0.1'));
    table.apply({ stand, ended: Array.from({ length: perSecond }, (_, at) => oldest + at) });
  }

  assert.equal(table.size, count);
  assert.equal(table.rows('new', BY_USER).length, count);
});
