/** How records get to the servers: in order, many at once, through outages, and past servers that refuse some. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RadiusValues } from '../../../../firmware/wire/radius-attributes.js';
import { Bench, CARRIED, endBy, settingsWith, standingCall, statusOf } from './books.js';

const calls = (count: number) => Array.from({ length: count }, (_, index) => standingCall({ callId: index + 1 }));
const STOPPED = ['start', 'stop'];

test('at most 64 requests are under way, and of one call never two', (t) => {
  const bench = new Bench(t);
  const open = new Set<string>();
  bench.servers.answers = ({ acctSessionId = '' }) => {
    assert.ok(!open.has(acctSessionId), 'the record before is not answered yet');
    open.add(acctSessionId);
    setTimeout(() => open.delete(acctSessionId), 1);
    return true;
  };
  bench.turn((accounting) => {
    for (const call of calls(300)) accounting.callUp(call);
    for (const call of calls(300)) accounting.callEnded(call, endBy('user-request'), CARRIED);
  });
  assert.equal(bench.servers.mostUnderWay, 64);
  for (const { accountingId } of calls(300)) assert.deepEqual(bench.servers.statuses(accountingId), STOPPED);
  assert.equal(bench.accounting.view().waiting, 0);
});

test('an outage of an hour loses nothing and doubles nothing; a few requests ask whether it is over', (t) => {
  const bench = new Bench(t, settingsWith({ interimInterval_s: 600 }));
  const taken: RadiusValues[] = [];
  bench.servers.answers = () => false;
  bench.turn((accounting) => {
    for (const call of calls(200)) accounting.callUp(call);
  });
  bench.pass(3_500_000);
  const asked = bench.servers.heard.length;
  assert.ok(asked < 64 + 4 * (3_600 / 30), `${asked} requests to nobody`);
  bench.turn((accounting) => {
    for (const call of calls(200)) accounting.callEnded(call, endBy('user-request'), CARRIED);
  });
  bench.pass(100_000);
  bench.servers.answers = (values) => {
    taken.push(values);
    return true;
  };
  bench.pass(40_000);
  assert.equal(bench.accounting.view().waiting, 0);
  for (const { accountingId } of calls(200)) {
    const statuses = taken.filter(({ acctSessionId }) => acctSessionId === accountingId).map(statusOf);
    assert.deepEqual(statuses, ['start', ...new Array<string>(5).fill('interimUpdate'), 'stop']);
  }
  assert.deepEqual(bench.warnings, ['no accounting server answers']);
});

test('a record that servers refuse holds up its own call alone, and is tried again', (t) => {
  const bench = new Bench(t);
  const [refused, ...others] = calls(20);
  bench.servers.answers = ({ acctSessionId }) => acctSessionId !== refused!.accountingId;
  bench.turn((accounting) => {
    for (const call of [refused!, ...others]) accounting.callUp(call);
    for (const call of [refused!, ...others]) accounting.callEnded(call, endBy('user-request'), CARRIED);
  });
  // Others go on meanwhile, so that it is this record and not the server.
  for (let callId = 100; callId < 400; callId++) {
    const call = standingCall({ callId });
    bench.turn((accounting) => accounting.callUp(call));
    bench.pass(1_000);
  }
  assert.equal(bench.accounting.view().waiting, 2);
  for (const { accountingId } of others) assert.deepEqual(bench.servers.statuses(accountingId), STOPPED);
  const tries = bench.servers.statuses(refused!.accountingId);
  assert.ok(tries.length >= 3 && tries.length <= 6, `${tries.length} tries in 300 s`);
  assert.ok(tries.every((status) => status === 'start'));
  bench.servers.answers = () => true;
  bench.pass(70_000);
  assert.deepEqual(bench.servers.statuses(refused!.accountingId).slice(-2), STOPPED);
  assert.equal(bench.accounting.view().waiting, 0);
});

test('a server that refuses a whole kind delays the others, but holds up none', (t) => {
  const bench = new Bench(t, settingsWith({ tunnelAccounting: true }));
  bench.servers.answers = (values) => !statusOf(values).startsWith('tunnel');
  const many = calls(500);
  bench.turn((accounting) => {
    for (const call of many) accounting.callUp(call);
  });
  bench.pass(300_000);
  for (const { accountingId } of many) assert.equal(bench.servers.statuses(accountingId)[0], 'start');
  const newer = standingCall({ callId: 1000 });
  bench.turn((accounting) => accounting.callUp(newer));
  bench.pass(30_000);
  assert.equal(bench.servers.statuses(newer.accountingId)[0], 'start');
});

test('servers that come back while the oldest records are such as they refuse are found to live', (t) => {
  const bench = new Bench(t);
  bench.servers.answers = () => false;
  const [first, second, third, fourth, fifth, sixth] = calls(6);
  bench.turn((accounting) => {
    for (const call of [first!, second!, third!, fourth!, fifth!, sixth!]) accounting.callUp(call);
  });
  bench.pass(60_000);
  const refused = new Set([first!, second!, third!, fourth!].map(({ accountingId }) => accountingId));
  bench.servers.answers = ({ acctSessionId = '' }) => !refused.has(acctSessionId);
  bench.pass(200_000);
  assert.equal(bench.accounting.view().waiting, refused.size);
});

test('a kill -9 between request and answer: the same record comes again, and after its answer never', (t) => {
  const bench = new Bench(t);
  bench.servers.answers = () => false;
  const call = standingCall();
  bench.turn((accounting) => accounting.callUp(call));
  bench.turn((accounting) => accounting.callEnded(call, endBy('user-request'), CARRIED));
  bench.servers.answers = () => true;
  bench.killAndRestart(5_000);
  assert.deepEqual(bench.servers.statuses(call.accountingId), ['start', 'start', 'stop']);
  const [before, after] = bench.servers.heard.filter(({ status, values }) => status === 'start' && values.userName);
  assert.equal(after!.values.acctDelayTime_s, 5);
  assert.deepEqual({ ...after!.values, acctDelayTime_s: 0 }, before!.values);
  bench.killAndRestart();
  assert.deepEqual(bench.servers.statuses(call.accountingId), ['start', 'start', 'stop']);
});
