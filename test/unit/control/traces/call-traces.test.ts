/** Which calls the box has traces of, how they went, and which of them are kept on disk: by lines as the roles make them. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { Trace } from '../../../../firmware/control/trace.js';
import { CallTraces, STORED_PER_MINUTE } from '../../../../firmware/control/traces/call-traces.js';
import type { CallRole, TraceRecord } from '../../../../firmware/roles/role.js';
import type { FailedCalls } from '../../../../firmware/store/failed-calls.js';
import { temporaryStore } from '../../store/temporary-store.js';
import { standingCall } from '../standing-call.js';

const BEGIN_MS = Date.UTC(2026, 0, 1);
const ALL = () => true;

/** A trace of a few lines, and what is made of it. */
class Calls {
  readonly trace: Trace;
  readonly traces: CallTraces;
  #now_ms = BEGIN_MS;

  constructor(store: FailedCalls, boot = 1, capacity = 1_000) {
    this.trace = new Trace(capacity);
    this.traces = new CallTraces(this.trace, store, boot);
  }

  pass(milliseconds: number): void {
    this.#now_ms += milliseconds;
  }

  line(callId: number, label: string, detail: Record<string, unknown> = {}, rest: Partial<TraceRecord> = {}): void {
    const record: TraceRecord = {
      ...{ at_ms: 0, role: 'lns', step: 8, kind: 'note', label, detail, packet: undefined, user: '' },
      ...{ tunnelId: 3, sessionId: 100 + callId, callId, peerAddress: '192.0.2.1', ...rest },
    };
    this.#now_ms += 1;
    this.trace.add(record, this.#now_ms);
    this.traces.note(record, this.#now_ms);
  }

  up(callId: number, role: CallRole = 'lns'): void {
    this.traces.up(standingCall({ callId, role, callingNumber: '0815' }), this.#now_ms);
  }

  ends(callId: number, reason: string, wasUp: boolean, role: CallRole = 'lns', terminateCause = 'user-error'): void {
    this.line(callId, 'call ended', { by: 'local', reason, terminateCause }, { role, step: 0 });
    this.traces.ended(standingCall({ callId, role }), wasUp, this.#now_ms);
  }

  async outcomes(): Promise<[callId: number, outcome: string, code: string | undefined][]> {
    return (await this.traces.newest(100, ALL)).map(({ callId, outcome, failure }) => [callId, outcome, failure?.code]);
  }
}

const failedCalls = (t: TestContext): FailedCalls => temporaryStore(t).store.failedCalls;

test('calls come newest first, each with how it went, and who it was', async (t) => {
  const calls = new Calls(failedCalls(t));
  calls.line(1, 'authenticate', { user: 'alice' }, { kind: 'question' });
  calls.up(1);
  calls.line(2, 'authenticate', { user: 'bob' }, { kind: 'question' });
  calls.line(2, 'refused', { user: 'bob', reason: 'Authentication failed' }, { step: 9, kind: 'answer' });
  calls.ends(2, 'Authentication failed', false);
  calls.line(3, 'ICRQ', {}, { step: 6, kind: 'received' });

  assert.deepEqual(await calls.outcomes(), [
    [3, 'in-progress', undefined],
    [2, 'failed', 'user-refused'],
    [1, 'up', undefined],
  ]);
  const [, bob, alice] = await calls.traces.newest(3, ALL);
  assert.deepEqual([bob?.user, bob?.steps, bob?.callingNumber], ['bob', [8, 9], '']);
  assert.deepEqual([alice?.user, alice?.endedAt, alice?.callingNumber], ['alice', '', '0815']);
  assert.deepEqual(
    (await calls.traces.newest(1, ALL, bob?.traceId)).map(({ user }) => user),
    ['alice'],
  );
});

test('a call that stood has not failed, however many lines others have made since it came', async (t) => {
  const store = failedCalls(t);
  const calls = new Calls(store, 1, 50);
  calls.line(1, 'ICRQ');
  calls.up(1);
  for (let callId = 2; callId < 102; callId++) calls.line(callId, 'ICRQ');

  calls.ends(1, 'the peer has ended the link', true);

  assert.deepEqual((await calls.outcomes())[0], [1, 'ended', undefined]);
  assert.deepEqual(store.newest(10), []);
});

test('a call that the LNS ends as soon as it has it did not come about; one whose PC hangs up did', async (t) => {
  const calls = new Calls(failedCalls(t));
  for (const callId of [1, 2, 3]) {
    calls.line(callId, 'PADR', {}, { role: 'lac', step: 1 });
    calls.up(callId, 'lac');
  }
  calls.ends(1, 'the LNS hung up: no address', true, 'lac', 'nas-request');
  calls.ends(2, 'the LNS hung up: the peer has ended the link', true, 'lac', 'user-request');
  calls.pass(60_000);
  calls.ends(3, 'the LNS hung up: no address', true, 'lac', 'nas-request');

  assert.deepEqual(await calls.outcomes(), [
    [3, 'ended', undefined],
    [2, 'ended', undefined],
    [1, 'failed', 'lns-hung-up'],
  ]);
});

test('what has failed is there after a restart, with its lines, and is not listed twice before it', async (t) => {
  const temporary = temporaryStore(t);
  const calls = new Calls(temporary.store.failedCalls);
  temporary.store.inTurn(() => {
    calls.line(7, 'SCCRQ', { hostName: 'lac' }, { callId: 0, sessionId: 0, step: 5 });
    calls.line(7, 'no address', { reason: 'address pool default is exhausted' }, { step: 13, kind: 'answer' });
    calls.ends(7, 'no network protocol', false);
  });
  const side = calls.traces.side('1-7', 'box');
  assert.deepEqual(await calls.outcomes(), [[7, 'failed', 'pool-empty']]);
  assert.deepEqual(
    side?.records.map(({ what }) => what),
    ['SCCRQ', 'no address', 'call ended'],
  );

  const later = new Calls(temporary.reopen().failedCalls, 2);
  later.line(7, 'ICRQ');

  assert.deepEqual(await later.outcomes(), [
    [7, 'in-progress', undefined],
    [7, 'failed', 'pool-empty'],
  ]);
  assert.deepEqual(later.traces.side('1-7', 'box'), side);
  assert.equal(later.traces.side('1-8', 'box'), undefined);
});

test('of a flood of calls that fail some are stored in each minute, and all are in memory', async (t) => {
  const store = failedCalls(t);
  const calls = new Calls(store, 1, 10_000);
  const flood = STORED_PER_MINUTE + 50;
  for (let callId = 1; callId <= flood; callId++) calls.ends(callId, 'it took too long', false);
  assert.equal(store.newest(1_000).length, STORED_PER_MINUTE);
  assert.equal((await calls.traces.newest(1_000, ALL)).length, flood);

  calls.pass(60_000);
  calls.ends(flood + 1, 'it took too long', false);
  assert.equal(store.newest(1_000).length, STORED_PER_MINUTE + 1);
});

test('the call of an ICRQ is found by the numbers of both ends', async (t) => {
  const calls = new Calls(failedCalls(t));
  const request = (sessionId: number, assignedSessionId: number, callSerialNumber: number) =>
    calls.line(
      0,
      'ICRQ',
      { assignedSessionId, callSerialNumber },
      { callId: 0, sessionId, kind: 'received', step: 6, role: undefined },
    );
  request(11, 500, 1);
  calls.line(1, 'ICRP', { assignedSessionId: 11 }, { sessionId: 11, kind: 'sent', step: 6 });
  // Another LAC, that counts and numbers as the first one does.
  request(12, 500, 1);
  calls.line(2, 'ICRP', { assignedSessionId: 12 }, { sessionId: 12, kind: 'sent', step: 6 });

  const numbers = { assignedSessionId: 500, callSerialNumber: 1 };
  assert.equal(calls.traces.findByRequest('lns', numbers), '1-2');
  assert.equal(calls.traces.findByRequest('lns', { ...numbers, repliedSessionId: 11 }), '1-1');
  assert.equal(calls.traces.findByRequest('lns', { ...numbers, repliedSessionId: 13 }), undefined);
  assert.equal(calls.traces.findByRequest('lns', { ...numbers, callSerialNumber: 2 }), undefined);
  assert.equal(calls.traces.findByRequest('lac', numbers), undefined);
});
