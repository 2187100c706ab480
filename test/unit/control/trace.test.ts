import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Trace } from '../../../firmware/control/trace.js';
import type { CallStepRecord } from '../../../firmware/control/view.js';
import type { PppPacket, TraceRecord } from '../../../firmware/roles/role.js';
import { PPP_PROTOCOL } from '../../../firmware/wire/ppp.js';

function record(label: string, detail: Record<string, unknown> = {}): TraceRecord {
  const ids = { tunnelId: 1, sessionId: 0, callId: 3, user: '', peerAddress: '192.0.2.1' };
  return { at_ms: 1, role: 'lns', step: 5, kind: 'received', label, detail, packet: undefined, ...ids };
}

test('a trace of bounded capacity keeps the newest lines, numbered without gaps', () => {
  const trace = new Trace(10);

  for (let i = 1; i <= 100; i++) trace.add(record(`message ${i}`), 0);

  assert.deepEqual(
    trace.last(1000).map(({ sequence, what }) => [sequence, what]),
    Array.from({ length: 10 }, (_, i) => [91 + i, `message ${91 + i}`]),
  );
  assert.deepEqual(
    trace.last(2).map(({ sequence }) => sequence),
    [99, 100],
  );
});

test('a listener hears every new line until it leaves', () => {
  const trace = new Trace(10);
  const heard: CallStepRecord[] = [];
  trace.add(record('before'), 0);

  const leave = trace.subscribe((line) => heard.push(line));
  trace.add(record('SCCRQ', { hostName: 'lac', receiveWindowSize: 4 }), 1_000);
  leave();
  trace.add(record('after'), 0);

  assert.equal(heard.length, 1);
  assert.equal(heard[0].what, 'SCCRQ');
  assert.equal(heard[0].time, '1970-01-01T00:00:01.000Z');
  assert.equal(heard[0].peerAddress, '192.0.2.1');
  assert.equal(heard[0].callId, 3);
  assert.equal(heard[0].detail, 'hostName=lac, receiveWindowSize=4');
});

test('a PPP packet is put into words when it is read, also one too long to be kept', () => {
  const trace = new Trace(10);
  const add = (octets: Uint8Array) => {
    const packet: PppPacket = { protocol: PPP_PROTOCOL.lcp, octets };
    trace.add({ ...record('LCP'), packet }, 0);
    // Who sent it may use the memory again.
    octets.fill(0);
  };
  const message = new TextEncoder().encode('x'.repeat(100));
  add(Uint8Array.of(1, 7, 0, 8, 1, 4, 0x05, 0x78));
  add(Uint8Array.of(5, 8, 0, 104, ...message));
  add(Uint8Array.of(1, 9, 0, 99));
  trace.add(record('note', { reason: 'because' }), 0);

  assert.deepEqual(
    trace.last(10).map(({ detail }) => detail.replace(/^malformed=.*/, 'malformed')),
    ['identifier=7, MRU 1400', `identifier=8, message=${'x'.repeat(100)}`, 'malformed', 'reason=because'],
  );
});
