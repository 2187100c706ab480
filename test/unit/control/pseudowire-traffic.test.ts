import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PseudowireTraffic } from '../../../firmware/control/pseudowire-traffic.js';
import type { PseudowireStatus } from '../../../firmware/roles/pseudowires.js';

const status = (sessionId: number, generation: number): PseudowireStatus => ({
  ...{ name: `wire ${sessionId}`, state: 'up', lastFailure: '', redialAt_ms: undefined, tunnelId: 1 },
  ...{ sessionId, generation, peerSessionId: 2, path: undefined, peerActive: true, since_ms: 0 },
});
const carried = (receivedPackets: number) => ({ receivedPackets, receivedOctets: 0, sentPackets: 0, sentOctets: 0 });

test('a pseudowire is active when frames have come from its peer since last asked, those sent do not count', () => {
  const counters = new Map([[7, carried(3)]]);
  const traffic = new PseudowireTraffic((sessionId) => counters.get(sessionId));

  assert.deepEqual(traffic.active([status(7, 1), status(8, 2)]), [7]);
  assert.deepEqual(traffic.active([status(7, 1), status(8, 2)]), []);
  counters.set(7, { ...carried(3), sentPackets: 9 });
  assert.deepEqual(traffic.active([status(7, 1)]), []);
  counters.set(7, carried(4));
  assert.deepEqual(traffic.active([status(7, 1)]), [7]);
});

test('a session that has taken the place of another counts from zero', () => {
  const traffic = new PseudowireTraffic(() => carried(3));

  assert.deepEqual(traffic.active([status(7, 1)]), [7]);
  assert.deepEqual(traffic.active([status(7, 2)]), [7]);
});

test('what the packet path does not know has carried nothing', () => {
  const traffic = new PseudowireTraffic(() => undefined);

  assert.deepEqual(traffic.counters(status(7, 1)), carried(0));
  assert.deepEqual(traffic.active([status(7, 1)]), []);
});
