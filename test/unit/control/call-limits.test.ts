/** Session-Timeout and Idle-Timeout on virtual time, asked once a second. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CallLimits, type OverdueCall } from '../../../firmware/control/call-limits.js';
import type { WatchedCall } from '../../../firmware/control/call-records.js';
import { NO_AUTHORIZATION } from '../../../firmware/roles/authorization.js';
import type { Authorization, CallInfo } from '../../../firmware/roles/role.js';
import { standingCall } from './standing-call.js';

const NONE = { sessionTimeout_s: 0, idleTimeout_s: 0 };

function limited(changes: Partial<Authorization>): Authorization {
  return { ...NO_AUTHORIZATION, ...changes };
}

/** What each second finds overdue, of calls whose octets so far a test may change on the way. */
class Watch {
  calls: CallInfo[] = [];
  settings = NONE;
  receivedOctets = 0;
  sentOctets = 0;
  hasRow = true;
  now_s = 0;
  /** By call ID: a call's time begins when it is first among `calls`. */
  readonly #watched = new Map<number, WatchedCall>();
  readonly #limits = new CallLimits(() => {
    const { receivedOctets, sentOctets } = this;
    return this.hasRow ? { receivedPackets: 0, sentPackets: 0, receivedOctets, sentOctets } : undefined;
  });

  look(): OverdueCall[] {
    const now_ms = this.now_s * 1000;
    const watched = this.calls.map((info) => {
      const beginning = { info, upAt_ms: now_ms, octets: -1, active_ms: now_ms, isOverdue: false };
      const call = this.#watched.get(info.callId) ?? beginning;
      this.#watched.set(info.callId, call);
      call.info = info;
      return call;
    });
    return this.#limits.overdue(watched, this.settings, now_ms);
  }

  /** The first second in which a call is overdue, and for what. */
  until(last_s: number, each: () => void = () => undefined): string {
    for (; this.now_s <= last_s; this.now_s += 1) {
      each();
      const [overdue] = this.look();
      if (overdue !== undefined) return `${overdue.terminateCause} of ${overdue.call.callId} at ${this.now_s}`;
    }
    return 'none';
  }
}

test('without a limit a call lasts and idles for as long as it likes', () => {
  const watch = new Watch();
  watch.calls = [standingCall({})];
  assert.equal(watch.until(100_000), 'none');
});

test('RFC 2865 section 5.27: a call is ended after its Session-Timeout, however busy it is', () => {
  const watch = new Watch();
  watch.calls = [standingCall({ authorization: limited({ sessionTimeout_s: 60 }) })];
  watch.now_s = 7;
  const busy = () => {
    watch.receivedOctets += 100;
  };
  assert.equal(watch.until(200, busy), 'session-timeout of 1 at 67');
});

test('RFC 2865 section 5.28: a call through which no octet has passed for its Idle-Timeout is ended', () => {
  for (const direction of ['receivedOctets', 'sentOctets'] as const) {
    const watch = new Watch();
    watch.calls = [standingCall({ authorization: limited({ idleTimeout_s: 30 }) })];
    const untilSecond20 = () => {
      if (watch.now_s <= 20) watch[direction] += 1;
    };
    assert.equal(watch.until(200, untilSecond20), 'idle-timeout of 1 at 50');
  }
});

test('a call that the packet path does not know idles', () => {
  const watch = new Watch();
  watch.calls = [standingCall({ authorization: limited({ idleTimeout_s: 30 }) })];
  watch.hasRow = false;
  assert.equal(watch.until(200), 'idle-timeout of 1 at 30');
});

test('the settings’ limits are for calls without their own', () => {
  const watch = new Watch();
  watch.settings = { sessionTimeout_s: 100, idleTimeout_s: 0 };
  watch.calls = [
    standingCall({ callId: 1 }),
    standingCall({ callId: 2, authorization: limited({ sessionTimeout_s: 40 }) }),
    standingCall({ callId: 3, authorization: limited({ sessionTimeout_s: 500 }) }),
  ];
  assert.equal(watch.until(1000), 'session-timeout of 2 at 40');
  watch.now_s += 1;
  assert.equal(watch.until(1000), 'session-timeout of 1 at 100');
  watch.now_s += 1;
  assert.equal(watch.until(1000), 'session-timeout of 3 at 500');
});

test('a call that ends at the LAC has the limits of the LNS’s', () => {
  const watch = new Watch();
  watch.settings = { sessionTimeout_s: 0, idleTimeout_s: 15 };
  watch.calls = [standingCall({ role: 'lac' })];
  assert.equal(watch.until(100), 'idle-timeout of 1 at 15');
});

test('a call that the LAC carries to an LNS has its user’s Session-Timeout alone', () => {
  const watch = new Watch();
  watch.settings = { sessionTimeout_s: 10, idleTimeout_s: 10 };
  watch.calls = [standingCall({ role: 'lac', isTunnelled: true, authorization: limited({ idleTimeout_s: 10 }) })];
  assert.equal(watch.until(100), 'none');
  watch.calls = [standingCall({ role: 'lac', isTunnelled: true, authorization: limited({ sessionTimeout_s: 300 }) })];
  assert.equal(watch.until(1000), 'session-timeout of 1 at 300');
});

test('a call that this box has placed has no limits', () => {
  const watch = new Watch();
  watch.settings = { sessionTimeout_s: 10, idleTimeout_s: 10 };
  watch.calls = [standingCall({ role: 'lac-client' })];
  assert.equal(watch.until(100), 'none');
});

test('a Session-Timeout that is changed (RFC 5176 section 3.6) counts from the beginning of the call, RFC 2865 section 5.27', () => {
  const watch = new Watch();
  watch.calls = [standingCall({})];
  assert.equal(watch.until(50), 'none');
  watch.calls = [standingCall({ authorization: limited({ sessionTimeout_s: 60 }) })];
  assert.equal(watch.until(200), 'session-timeout of 1 at 60');
});

test('an Idle-Timeout that comes later counts from then on', () => {
  const watch = new Watch();
  watch.calls = [standingCall({})];
  assert.equal(watch.until(50), 'none');
  watch.calls = [standingCall({ authorization: limited({ idleTimeout_s: 20 }) })];
  assert.equal(watch.until(200), 'idle-timeout of 1 at 71');
});

test('a call is given once, although its end takes a while; a later call begins anew', () => {
  const watch = new Watch();
  watch.settings = { sessionTimeout_s: 10, idleTimeout_s: 0 };
  watch.calls = [standingCall({ callId: 1 })];
  assert.equal(watch.until(100), 'session-timeout of 1 at 10');
  watch.now_s += 1;
  assert.equal(watch.until(100), 'none');
  watch.calls = [standingCall({ callId: 2 })];
  assert.equal(watch.until(200), 'session-timeout of 2 at 111');
});

test('the reason is in words that can be sent to the user', () => {
  const watch = new Watch();
  watch.settings = { sessionTimeout_s: 10, idleTimeout_s: 5 };
  watch.calls = [standingCall({})];
  watch.look();
  watch.now_s = 5;
  assert.deepEqual(
    watch.look().map(({ reason }) => reason),
    ['nothing has passed for 5 s'],
  );
});
