/** Which frames of PPPoE discovery (RFC 2516 section 5) reach the main thread. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Harness, hex, INTERFACE, LOCAL_MAC, only } from './harness.js';

const macOf = (host: number) => `0200${host.toString(16).padStart(8, '0')}`;
const padi = (host: number, tags = '') => hex('ffffffffffff', macOf(host), tags, '8863 1109 0000 0004 0101 0000');
const toUs = (host: number, code: string) => hex(LOCAL_MAC, macOf(host), '8863 11', code, '0000 0004 0101 0000');

/** How many of these frames pass, four a batch. */
function passing(harness: Harness, frames: readonly string[], interfaceIndex = INTERFACE): number {
  let passed = 0;
  for (let at = 0; at < frames.length; at += 4) {
    const result = harness.fromInterface(frames.slice(at, at + 4), interfaceIndex);
    passed += result.discovery.length + result.discoveryToAll.length;
  }
  return passed;
}
const hosts = (count: number, from = 0) => Array.from({ length: count }, (_, i) => from + i);

describe('discovery frames', () => {
  test('PADI goes into the lower queue, what is for us into the upper one; whole, with Ethernet header, tags and padding', () => {
    const all = padi(1, '8100 0064') + '00'.repeat(20);
    const ours = ['19', 'a7', '07', '00'].map((code) => toUs(1, code));
    const as = (frame: string) => ({ interfaceIndex: INTERFACE, frame });
    const harness = new Harness();
    assert.deepEqual(harness.fromInterface(all), only({ discoveryToAll: [as(all)] }));
    assert.deepEqual(harness.fromInterface(ours), only({ discovery: ours.map(as) }));
  });

  test('what is sent to all or to a group is for the lower queue, whatever its code', () => {
    for (const destination of ['ffffffffffff', '01005e000001', '333300000001']) {
      const frame = hex(destination, macOf(1), '8863 1119 0000 0000');
      assert.equal(new Harness().fromInterface(frame).discoveryToAll.length, 1, destination);
    }
  });

  test('one host gets through 200 at once and 100 a second; the others do not suffer from it', () => {
    const harness = new Harness();
    assert.equal(passing(harness, Array(400).fill(padi(1))), 200);
    assert.equal(
      passing(
        harness,
        hosts(100, 2).map((host) => padi(host)),
      ),
      100,
    );
    harness.now_ms += 100;
    assert.equal(passing(harness, Array(400).fill(padi(1))), 10);
  });

  test('all together get through a thousand at once, and 500 a second', () => {
    const harness = new Harness();
    assert.equal(
      passing(
        harness,
        hosts(4_000).map((host) => padi(host)),
      ),
      1_000,
    );
    harness.now_ms += 100;
    assert.equal(
      passing(
        harness,
        hosts(4_000, 4_000).map((host) => padi(host)),
      ),
      50,
    );
  });

  test('a flood of PADI keeps no PADR and PADT from us, and a flood of those no PADI', () => {
    const harness = new Harness();
    passing(
      harness,
      hosts(4_000).map((host) => padi(host)),
    );
    assert.equal(
      passing(
        harness,
        hosts(500).map((host) => toUs(host, '19')),
      ),
      500,
    );
    passing(
      harness,
      hosts(4_000).map((host) => toUs(host, 'a7')),
    );
    assert.deepEqual(harness.fromInterface(toUs(5_000, '19')).drops, { 'discovery-rate': 1 });
    harness.now_ms += 10;
    assert.equal(
      passing(
        harness,
        hosts(100, 6_000).map((host) => padi(host)),
      ),
      5,
    );
  });

  test('a host that asks again while the flood lasts gets through', () => {
    const harness = new Harness();
    let next = 1_000;
    let asked = 0;
    let answeredAt_ms: number | undefined;
    for (let time_ms = 0; time_ms < 20_000 && answeredAt_ms === undefined; time_ms += 10) {
      harness.now_ms = time_ms;
      // 4,000 a second, each from another host.
      passing(
        harness,
        hosts(40, next).map((host) => padi(host)),
      );
      next += 40;
      // As rp-pppoe does: after 5 and 10 seconds.
      if (time_ms !== 2_000 && time_ms !== 7_000 && time_ms !== 17_000) continue;
      asked++;
      if (harness.fromInterface(padi(7)).discoveryToAll.length > 0) answeredAt_ms = time_ms;
    }
    assert.ok(answeredAt_ms !== undefined && answeredAt_ms <= 7_000, `after ${asked}: ${answeredAt_ms}`);
  });

  test('interfaces know nothing of each other; one that is closed and opened again begins anew', () => {
    const harness = new Harness();
    const flood = hosts(4_000).map((host) => padi(host));
    assert.equal(passing(harness, flood, 1), 1_000);
    assert.equal(passing(harness, flood, 2), 1_000);
    harness.forwarder.closeInterface(1);
    assert.equal(passing(harness, flood, 1), 1_000);
    assert.equal(passing(harness, flood, 2), 0);
  });
});
