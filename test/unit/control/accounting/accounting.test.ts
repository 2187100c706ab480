/** What is accounted for and when it is said: RFC 2866 section 4, RFC 2867 section 3, RFC 2869 section 2.1. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { accountingId, type TunnelOutput } from '../../../../firmware/control/accounting/record.js';
import { NO_AUTHORIZATION } from '../../../../firmware/roles/authorization.js';
import { Bench, CARRIED, EPOCH_MS, endBy, settingsWith, standingCall } from './books.js';

const ID = standingCall().accountingId;
const BOX = accountingId(1, 0);
const withInterim = (interimInterval_s: number) => ({ authorization: { ...NO_AUTHORIZATION, interimInterval_s } });
const tunnel = (type: TunnelOutput['type'], changes: Partial<TunnelOutput> = {}): TunnelOutput => {
  const { path } = standingCall();
  return { type, tunnelId: 12, side: 'lns', path, peerName: 'lac', assignmentId: '', reason: '', ...changes };
};

test('a call has a Start and a Stop with its time, counters and cause (RFC 2866 section 4.1)', (t) => {
  const bench = new Bench(t);
  const call = standingCall({ authorization: { ...NO_AUTHORIZATION, class: [Uint8Array.of(1)] } });
  const upAt_ms = bench.now_ms;
  bench.turn((accounting) => accounting.callUp(call));
  bench.pass(90_500);
  const endAt_ms = bench.now_ms;
  const counters = { receivedPackets: 9, receivedOctets: 2 ** 33 + 1, sentPackets: 8, sentOctets: 7 };
  bench.turn((accounting) => accounting.callEnded(call, endBy('idle-timeout'), counters));
  assert.deepEqual(bench.servers.statuses(ID), ['start', 'stop']);
  const [start, stop] = bench.servers.heard.filter(({ values }) => values.acctSessionId === ID);
  assert.ok(start && stop);
  assert.equal(start.values.eventTimestamp_s, Math.floor((EPOCH_MS + upAt_ms) / 1000));
  assert.equal(stop.values.eventTimestamp_s, Math.floor((EPOCH_MS + endAt_ms) / 1000));
  assert.equal(start.values.acctSessionTime_s, undefined);
  assert.equal(stop.values.acctSessionTime_s, 90);
  assert.deepEqual([stop.values.acctInputOctets, stop.values.acctInputGigawords], [1, 2], 'input is from the user');
  assert.deepEqual([stop.values.acctOutputOctets, stop.values.acctOutputPackets], [7, 8]);
  assert.equal(stop.values.acctTerminateCause, 4);
  for (const { values } of [start, stop]) {
    assert.deepEqual(values.class, [Uint8Array.of(1)], 'Class goes back as it came: RFC 2865 section 5.25');
    assert.deepEqual([values.userName, values.framedIpAddress, values.acctDelayTime_s], ['flopsy', '10.0.0.2', 0]);
  }
  assert.equal(bench.accounting.view().waiting, 0);
});

test('a call that comes up again, after a renegotiation, has no second Start; its Stop says what is so now', (t) => {
  const bench = new Bench(t);
  bench.turn((accounting) => accounting.callUp(standingCall()));
  const later = standingCall({ peerInterfaceId: '0211:22ff:fe33:4455' });
  bench.turn((accounting) => accounting.callUp(later));
  bench.turn((accounting) =>
    accounting.callChanged({ ...later, authorization: { ...NO_AUTHORIZATION, class: [Uint8Array.of(9)] } }),
  );
  bench.turn((accounting) => accounting.callEnded(later, endBy('user-request'), CARRIED));
  assert.deepEqual(bench.servers.statuses(ID), ['start', 'stop']);
  const { values } = bench.servers.heard.at(-1)!;
  assert.deepEqual(values.framedInterfaceId?.length, 8);
  assert.deepEqual(values.class, [Uint8Array.of(9)], 'as changed by CoA');
});

test('a call that never was up, and one that the box dialled itself, are not accounted for (RFC 2866 section 5.6)', (t) => {
  const bench = new Bench(t);
  const dialled = standingCall({ callId: 8, role: 'lac-client' });
  bench.turn((accounting) => {
    accounting.callEnded(standingCall(), endBy('user-error'), CARRIED);
    accounting.callUp(dialled);
    accounting.callEnded(dialled, endBy('user-request'), CARRIED);
  });
  assert.deepEqual(
    bench.servers.heard.map(({ status }) => status),
    ['accountingOn'],
  );
});

test('Interim-Updates come in the interval of the settings, with counters as they are then', (t) => {
  const bench = new Bench(t, settingsWith({ interimInterval_s: 30 }));
  bench.turn((accounting) => accounting.callUp(standingCall()));
  for (const octets of [100, 200, 300]) {
    bench.counters.set(7, { ...CARRIED, receivedOctets: octets });
    bench.pass(30_000);
  }
  bench.turn((accounting) => accounting.callEnded(standingCall(), endBy('user-request'), CARRIED));
  bench.pass(90_000);
  assert.deepEqual(bench.servers.statuses(ID), ['start', 'interimUpdate', 'interimUpdate', 'interimUpdate', 'stop']);
  const interims = bench.servers.heard.filter(({ status }) => status === 'interimUpdate');
  assert.deepEqual(
    interims.map(({ values }) => [values.acctInputOctets, values.acctSessionTime_s]),
    [
      [100, 30],
      [200, 60],
      [300, 90],
    ],
  );
});

test('a call that the packet path has let go of, and whose last counters are to come, has no zero counters meanwhile', (t) => {
  const bench = new Bench(t, settingsWith({ interimInterval_s: 30 }));
  bench.turn((accounting) => accounting.callUp(standingCall()));
  bench.pass(31_000);
  bench.counters.set(7, { receivedPackets: 0, receivedOctets: 0, sentPackets: 0, sentOctets: 0 });
  bench.pass(31_000);
  const octets = bench.servers.heard.flatMap(({ status, values }) =>
    status === 'interimUpdate' ? [values.acctInputOctets] : [],
  );
  assert.deepEqual(octets, [CARRIED.receivedOctets, CARRIED.receivedOctets]);
  const [open] = bench.store.accounting.sessions.all();
  assert.equal(open?.receivedOctets, CARRIED.receivedOctets);
});

test('RADIUS says another interval for its user, not below 60 s (RFC 2869 section 5.16), and may change it', (t) => {
  const bench = new Bench(t, settingsWith({ interimInterval_s: 30 }));
  const interims = () => bench.servers.statuses(ID).filter((status) => status === 'interimUpdate').length;
  bench.turn((accounting) => accounting.callUp(standingCall(withInterim(10))));
  bench.pass(59_000);
  assert.equal(interims(), 0);
  bench.pass(62_000);
  assert.equal(interims(), 2);
  bench.turn((accounting) => accounting.callChanged(standingCall(withInterim(600))));
  bench.pass(599_000);
  assert.equal(interims(), 2);
  bench.pass(2_000);
  assert.equal(interims(), 3);
});

test('interim updates do not stop after days', (t) => {
  const bench = new Bench(t, settingsWith({ interimInterval_s: 3_600 }));
  bench.turn((accounting) => accounting.callUp(standingCall()));
  bench.pass(2 * 86_400_000);
  assert.equal(bench.servers.statuses(ID).length, 1 + 48);
});

test('the box says On when it starts and Off when it ends (RFC 2866 section 5.1)', async (t) => {
  const bench = new Bench(t, settingsWith({ nasIdentifier: 'box' }));
  const stopped = bench.accounting.stop();
  bench.settle();
  await stopped;
  assert.deepEqual(bench.servers.statuses(BOX), ['accountingOn', 'accountingOff']);
  for (const { values } of bench.servers.heard) assert.equal(values.nasIdentifier, 'box');
});

test('the end of the program waits for silent servers no longer than two seconds, and what waits is told after the next start', async (t) => {
  const bench = new Bench(t);
  bench.servers.answers = () => false;
  bench.turn((accounting) => accounting.callUp(standingCall()));
  bench.turn((accounting) => accounting.callEnded(standingCall(), endBy('admin-reboot'), CARRIED));
  const stopped = bench.accounting.stop();
  bench.pass(2_000);
  await stopped;
  bench.servers.answers = () => true;
  bench.servers.heard.length = 0;
  bench.killAndRestart();
  assert.deepEqual(bench.servers.statuses(ID), ['start', 'stop']);
  assert.deepEqual(bench.servers.statuses(BOX), ['accountingOff']);
});

test('without an accounting server nothing is said, nor kept', (t) => {
  const bench = new Bench(t, settingsWith({ accounting: [] }));
  bench.turn((accounting) => {
    accounting.callUp(standingCall());
    accounting.tunnelChanged(tunnel('tunnel-started'));
  });
  bench.pass(120_000);
  bench.turn((accounting) => accounting.callEnded(standingCall(), endBy('user-request'), CARRIED));
  assert.deepEqual(bench.accounting.view(), { waiting: 0, delivered: 0, givenUp: 0 });
  assert.deepEqual(bench.store.accounting.sessions.all(), []);
  assert.equal(bench.servers.connections, 0);
});

test('a server that is set later hears of the calls that stand; when it goes, of nothing more', (t) => {
  const without = settingsWith({ accounting: [] });
  const bench = new Bench(t, without);
  bench.turn((accounting) => accounting.callUp(standingCall()));
  bench.pass(50_000);
  bench.configure(settingsWith());
  assert.deepEqual(bench.servers.statuses(ID), ['start']);
  bench.configure(without);
  const other = standingCall({ callId: 8 });
  bench.turn((accounting) => {
    accounting.callEnded(standingCall(), endBy('user-request'), CARRIED);
    accounting.callUp(other);
  });
  assert.deepEqual(bench.servers.statuses(ID), ['start']);
  bench.configure(settingsWith());
  bench.turn((accounting) => accounting.callEnded(other, endBy('user-request'), CARRIED));
  assert.deepEqual(bench.servers.statuses(other.accountingId), ['start', 'stop']);
  assert.deepEqual(bench.servers.statuses(ID), ['start']);
});

test('other servers get what the ones before did not answer', (t) => {
  const bench = new Bench(t);
  bench.servers.answers = () => false;
  bench.turn((accounting) => accounting.callUp(standingCall()));
  bench.servers.answers = () => true;
  bench.configure(settingsWith({ timeout_s: 21 }));
  assert.equal(bench.servers.connections, 2);
  assert.deepEqual(bench.servers.statuses(ID), ['start', 'start']);
  assert.equal(bench.accounting.view().waiting, 0);
});

test('RFC 2867: a tunnel and its links begin and end, and the links name their tunnel', (t) => {
  const bench = new Bench(t, settingsWith({ tunnelAccounting: true }));
  const call = standingCall();
  bench.turn((accounting) => {
    accounting.tunnelChanged(tunnel('tunnel-started'));
    accounting.callUp(call);
  });
  bench.pass(10_000);
  // The tunnel ends with its call in it, whose last counters come later.
  bench.turn((accounting) => accounting.tunnelChanged(tunnel('tunnel-stopped')));
  bench.pass(1_000);
  bench.turn((accounting) => accounting.callEnded(call, endBy('lost-carrier'), CARRIED));
  assert.deepEqual(bench.servers.statuses(ID), ['start', 'tunnelLinkStart', 'stop', 'tunnelLinkStop']);
  const tunnelRecords = bench.servers.heard.filter(({ status }) => status === 'tunnelStart' || status === 'tunnelStop');
  assert.deepEqual(
    tunnelRecords.map(({ status }) => status),
    ['tunnelStart', 'tunnelStop'],
  );
  const [start, stop] = tunnelRecords;
  assert.equal(stop!.values.acctSessionId, start!.values.acctSessionId);
  assert.equal(stop!.values.acctSessionTime_s, 10);
  assert.equal(stop!.values.acctInputOctets, CARRIED.receivedOctets, 'of all its links');
  for (const { values, status } of bench.servers.heard) {
    if (status.startsWith('tunnelLink')) assert.equal(values.acctMultiSessionId, start!.values.acctSessionId);
    if (status !== 'accountingOn') assert.deepEqual(values.tunnelServerEndpoint, [{ tag: 0, value: '192.0.2.2' }]);
  }
});

test('two tunnels after each other with one number are two', (t) => {
  const bench = new Bench(t, settingsWith({ tunnelAccounting: true }));
  bench.turn((accounting) => {
    accounting.tunnelChanged(tunnel('tunnel-started'));
    accounting.callUp(standingCall());
    accounting.tunnelChanged(tunnel('tunnel-stopped'));
    accounting.tunnelChanged(tunnel('tunnel-started'));
    accounting.callEnded(standingCall(), endBy('lost-carrier'), CARRIED);
  });
  bench.turn((accounting) => accounting.tunnelChanged(tunnel('tunnel-stopped')));
  const stops = bench.servers.heard.filter(({ status }) => status === 'tunnelStop');
  assert.equal(new Set(stops.map(({ values }) => values.acctSessionId)).size, 2);
  assert.deepEqual(
    stops.map(({ values }) => values.acctInputOctets),
    [CARRIED.receivedOctets, 0],
  );
});

test('a tunnel that does not come about is a Tunnel-Reject (RFC 2867 section 3.3)', (t) => {
  const bench = new Bench(t, settingsWith({ tunnelAccounting: true }));
  bench.turn((accounting) =>
    accounting.tunnelChanged(tunnel('tunnel-rejected', { side: 'lac', assignmentId: 'gold' })),
  );
  const { status, values } = bench.servers.heard.at(-1)!;
  assert.deepEqual([status, values.acctTerminateCause], ['tunnelReject', 15]);
  assert.deepEqual(values.tunnelAssignmentId, [{ tag: 0, value: 'gold' }]);
});

test('after a kill -9 the calls that stood have their Stop: NAS Reboot, with what was counted last, as of then', (t) => {
  const bench = new Bench(t, settingsWith({ tunnelAccounting: true }));
  bench.turn((accounting) => {
    accounting.tunnelChanged(tunnel('tunnel-started'));
    accounting.callUp(standingCall());
  });
  const upAt_ms = bench.now_ms;
  bench.counters.set(7, { ...CARRIED, receivedOctets: 5_000_000_000 });
  bench.pass(61_000);
  bench.pass(30_000);
  bench.servers.heard.length = 0;
  bench.killAndRestart(300_000);
  assert.deepEqual(bench.servers.statuses(ID), ['stop', 'tunnelLinkStop']);
  assert.deepEqual(bench.servers.heard.map(({ status }) => status).sort(), [
    'accountingOn',
    'stop',
    'tunnelLinkStop',
    'tunnelStop',
  ]);
  const { values } = bench.servers.heard.find(({ status }) => status === 'stop')!;
  assert.deepEqual([values.acctTerminateCause, values.userName], [11, 'flopsy']);
  assert.deepEqual([values.acctInputGigawords, values.acctInputOctets], [1, 5_000_000_000 - 2 ** 32]);
  const counted_s = values.acctSessionTime_s ?? 0;
  assert.ok(counted_s >= 59 && counted_s <= 61, `${counted_s} s`);
  const event_ms = (values.eventTimestamp_s ?? 0) * 1000 - EPOCH_MS;
  assert.ok(Math.abs(event_ms - upAt_ms - counted_s * 1000) <= 1_000);
  const delay_s = Math.floor((bench.now_ms - event_ms) / 1000);
  assert.ok(Math.abs((values.acctDelayTime_s ?? 0) - delay_s) <= 1, `${values.acctDelayTime_s} s, not ${delay_s}`);
  bench.servers.heard.length = 0;
  bench.killAndRestart();
  assert.deepEqual(
    bench.servers.heard.map(({ status }) => status),
    ['accountingOn'],
    'and it has it once',
  );
});

test('Acct-Delay-Time is right although the clock of the day is set meanwhile (RFC 2866 section 5.2)', (t) => {
  const bench = new Bench(t);
  bench.clockError_ms = -EPOCH_MS;
  bench.servers.answers = () => false;
  const upAt_ms = bench.now_ms;
  bench.turn((accounting) => accounting.callUp(standingCall()));
  bench.pass(40_000);
  bench.clockError_ms = 0;
  bench.servers.answers = () => true;
  bench.pass(40_000);
  const heard = bench.servers.heard.filter(({ values }) => values.acctSessionId === ID);
  const last = heard.at(-1)!;
  assert.equal(last.values.acctDelayTime_s, Math.floor((last.at_ms - upAt_ms) / 1000));
  assert.ok((last.values.acctDelayTime_s ?? 0) >= 20);
  const { acctDelayTime_s: _first, ...first } = heard[0]!.values;
  const { acctDelayTime_s: _last, ...again } = last.values;
  assert.deepEqual(again, first, 'what is sent once more says the same but for its delay');
});
