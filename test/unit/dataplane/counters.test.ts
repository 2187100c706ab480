/** What the main thread reads of the packet path's counters, and the table of drop reasons. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createCounters, viewCounters } from '../../../firmware/dataplane/counters.js';
import { DROP } from '../../../firmware/dataplane/drop-reasons.js';
import {
  ActivityReader,
  DROP_REASONS,
  readDropCounters,
  readSessionCounters,
} from '../../../firmware/dataplane/interface.js';
import { Harness, hex, lnsRow } from './harness.js';
import { ipv4 } from './packets.js';

describe('counters', () => {
  test('every reason has a counter of its own, named and described', () => {
    const names = DROP_REASONS.map(({ name }) => name);
    assert.equal(new Set(names).size, names.length);
    assert.deepEqual(Object.keys(readDropCounters(createCounters(1))), names);
    for (const { name, description } of DROP_REASONS) {
      assert.match(name, /^[a-z0-9]+(-[a-z0-9]+)*$/);
      assert.match(description, /^an? |^datagram|^data /, name);
    }
  });

  test('a reason counts under its name', () => {
    const memory = createCounters(1);
    viewCounters(memory).drops[DROP['wrong-peer']]! += 3;
    const counted = Object.entries(readDropCounters(memory)).filter(([, count]) => count > 0);
    assert.deepEqual(counted, [['wrong-peer', 3]]);
  });

  test('octets go on beyond 2**32', () => {
    const harness = new Harness();
    harness.forwarder.addSession(lnsRow());
    const row = harness.forwarder.sessions.find(0x0101, 7);
    viewCounters(harness.counters).sessions[4 * row + 1] = 2 ** 32 - 1;
    harness.receive(hex('0002 0a0a 0101 0021', ipv4()));
    assert.equal(harness.session()?.receivedOctets, 2 ** 32 + 23);
  });

  test('a session is read under its own ID and generation alone', () => {
    const harness = new Harness();
    harness.forwarder.addSession(lnsRow());
    assert.notEqual(readSessionCounters(harness.counters, 0x0101, 7), undefined);
    assert.equal(readSessionCounters(harness.counters, 0x0101, 8), undefined);
    assert.equal(readSessionCounters(harness.counters, 0x0102, 7), undefined);
  });

  test('a session is active once for what its peer has sent since the last look, and one that takes its row is not', () => {
    const harness = new Harness();
    const activity = new ActivityReader(harness.counters);
    const active = () => activity.read().map(({ sessionId, generation }) => [sessionId, generation]);
    harness.forwarder.addSession(lnsRow());
    harness.forwarder.addSession(lnsRow({ sessionId: 0x0102, generation: 8, sources: [] }));
    assert.deepEqual(active(), []);
    harness.receive(hex('0002 0a0a 0101 0021', ipv4()));
    assert.deepEqual(active(), [[0x0101, 7]]);
    assert.deepEqual(active(), []);
    harness.forwarder.removeSession(0x0101, 7);
    harness.forwarder.addSession(lnsRow({ sessionId: 0x0103, generation: 9 }));
    assert.deepEqual(active(), []);
    harness.receive(hex('0002 0a0a 0103 0021', ipv4()));
    assert.deepEqual(active(), [[0x0103, 9]]);
  });

  test('a session that takes a row and gets as many packets as the last one there, between two looks, is active', () => {
    const harness = new Harness();
    const activity = new ActivityReader(harness.counters);
    harness.forwarder.addSession(lnsRow());
    harness.receive(hex('0002 0a0a 0101 0021', ipv4()));
    assert.equal(activity.read().length, 1);
    harness.forwarder.removeSession(0x0101, 7);
    harness.forwarder.addSession(lnsRow({ sessionId: 0x0102, generation: 8 }));
    harness.receive(hex('0002 0a0a 0102 0021', ipv4()));
    assert.deepEqual(
      activity.read().map(({ sessionId, generation }) => [sessionId, generation]),
      [[0x0102, 8]],
    );
  });

  test('a table of all 65,535 sessions can be made and filled', () => {
    const harness = new Harness({ maxSessions: 65_535 });
    for (let sessionId = 1; sessionId <= 65_535; sessionId++) {
      harness.forwarder.addSession(lnsRow({ sessionId, generation: sessionId, sources: [] }));
    }
    assert.equal(readDropCounters(harness.counters)['no-session-room'], 0);
    assert.deepEqual(readSessionCounters(harness.counters, 65_535, 65_535), {
      receivedPackets: 0,
      receivedOctets: 0,
      sentPackets: 0,
      sentOctets: 0,
    });
  });
});
