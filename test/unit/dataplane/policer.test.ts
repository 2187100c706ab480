/** Rates of sessions, in octets: what passes, and what does not. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { Policers } from '../../../firmware/dataplane/policer.js';
import { Harness, hex, lnsRow, only } from './harness.js';
import { ipv4, ipv6 } from './packets.js';

const MBPS = 1_000_000;

/** How many of `tries` packets of so many octets pass. */
const passed = (policers: Policers, row: number, octets: number, tries: number, now_ms: number) =>
  Array.from({ length: tries }, () => policers.take(row, octets, now_ms)).filter(Boolean).length;

describe('policers', () => {
  test('a row without a rate lets all pass', () => {
    assert.equal(passed(new Policers(2), 1, 65_535, 1_000, 0), 1_000);
  });

  test('at once pass the octets of 100 ms', () => {
    const policers = new Policers(2);
    policers.set(1, 80 * MBPS);
    assert.equal(passed(policers, 1, 1000, 2_000, 0), 1_000);
  });

  test('or those of ten packets of 1500 octets, if that is more', () => {
    const policers = new Policers(2);
    policers.set(1, MBPS / 10);
    assert.equal(passed(policers, 1, 1500, 20, 0), 10);
  });

  test('in the long run passes the rate', () => {
    for (const rate_bps of [64_000, MBPS, 100 * MBPS, 10_000 * MBPS]) {
      const policers = new Policers(1);
      policers.set(0, rate_bps);
      let octets = 0;
      // As if twice the rate came: batches every 2 ms, after what may pass at once has.
      const each_bytes = 1000;
      const batch = Math.max(1, Math.ceil((2 * rate_bps * 0.002) / 8 / each_bytes));
      for (let now_ms = 0; now_ms < 1_000; now_ms += 2) passed(policers, 0, each_bytes, batch, now_ms);
      for (let now_ms = 1_000; now_ms < 11_000; now_ms += 2)
        octets += each_bytes * passed(policers, 0, each_bytes, batch, now_ms);
      const expected = (rate_bps / 8) * 10;
      assert.ok(Math.abs(octets - expected) <= 0.01 * expected, `${octets} of ${expected} octets`);
    }
  });

  test('a packet that does not pass takes nothing: a shorter one behind it passes', () => {
    const policers = new Policers(1);
    policers.set(0, MBPS / 10);
    assert.equal(passed(policers, 0, 1490, 10, 0), 10);
    assert.deepEqual(
      [policers.take(0, 101, 0), policers.take(0, 100, 0), policers.take(0, 1, 0)],
      [false, true, false],
    );
  });

  test('rows know nothing of each other; the next owner of a row finds a full bucket', () => {
    const policers = new Policers(3);
    policers.set(1, MBPS / 10);
    policers.set(2, MBPS / 10);
    assert.deepEqual([passed(policers, 1, 1500, 20, 0), passed(policers, 2, 1500, 20, 0)], [10, 10]);
    policers.refill(1);
    assert.deepEqual([passed(policers, 1, 1500, 20, 0), passed(policers, 2, 1500, 20, 0)], [10, 0]);
  });

  test('a rate that changes holds from then on; taken away, all passes', () => {
    const policers = new Policers(1);
    policers.set(0, MBPS / 10);
    passed(policers, 0, 1500, 20, 0);
    policers.set(0, 80 * MBPS);
    assert.ok(passed(policers, 0, 1000, 2_000, 100) >= 985);
    policers.set(0, 0);
    assert.equal(passed(policers, 0, 1500, 20, 100), 20);
  });

  test('less than nothing is no rate', () => {
    for (const rate_bps of [-1, Number.NaN]) assert.throws(() => new Policers(1).set(0, rate_bps), RangeError);
  });

  test('never passes more than burst and rate, whatever comes when', () => {
    const packet = fc.record({ octets: fc.integer({ min: 0, max: 2000 }), pause_ms: fc.integer({ min: 0, max: 50 }) });
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 100 * MBPS }),
        fc.array(packet, { maxLength: 200 }),
        (rate_bps, packets) => {
          const policers = new Policers(1);
          policers.set(0, rate_bps);
          let [now_ms, octets] = [0, 0];
          for (const { octets: one, pause_ms } of packets) {
            now_ms += pause_ms;
            if (policers.take(0, one, now_ms)) octets += one;
          }
          const burst_bytes = Math.max(15_000, rate_bps / 80);
          assert.ok(octets <= burst_bytes + (rate_bps * now_ms) / 8000 + 1e-6);
        },
      ),
    );
  });
});

describe('rates of a session that ends here', () => {
  const RATES = { receiveRate_bps: 8_000, sendRate_bps: 16_000 };
  const open = () => {
    const harness = new Harness();
    harness.forwarder.addSession(lnsRow({ mtu_bytes: 1500, ...RATES }));
    return harness;
  };
  const LONG = '5a'.repeat(1480);
  const up4 = hex('0002 0a0a 0101 ff03 0021', ipv4({ payload: LONG }));
  const up6 = hex('0002 0a0a 0101 ff03 0057', ipv6({ payload: LONG.slice(40) }));
  const down4 = ipv4({ destination: '10.64.0.7', payload: LONG });
  const down6 = ipv6({ destination: '2001:db8:7::7', payload: LONG.slice(40) });

  for (const [what, up, down] of [
    ['IPv4', up4, down4],
    ['IPv6', up6, down6],
  ] as const) {
    test(`${what} packets above them are dropped, each direction by its own, and not counted as carried`, () => {
      const harness = open();
      for (let i = 0; i < 10; i++) {
        assert.equal(harness.receive(up).toTun.length, 1);
        assert.equal(harness.fromTun(down).toPeers.length, 1);
      }
      assert.deepEqual(harness.receive(up), only({ drops: { 'rate-exceeded-from-peer': 1 } }));
      assert.deepEqual(harness.fromTun(down), only({ drops: { 'rate-exceeded-to-peer': 1 } }));
      const { receivedPackets, sentPackets } = harness.session()!;
      assert.deepEqual([receivedPackets, sentPackets], [10, 10]);
      // 1 kB and 2 kB a second.
      harness.now_ms += 750;
      assert.equal(harness.receive(up).toTun.length, 0);
      assert.equal(harness.fromTun(down).toPeers.length, 1);
      harness.now_ms += 750;
      assert.equal(harness.receive(up).toTun.length, 1);
    });
  }

  test('control frames, and what the main thread sends, know no rate', () => {
    const harness = open();
    for (let i = 0; i < 12; i++) harness.receive(up4);
    for (let i = 0; i < 12; i++) harness.fromTun(down4);
    assert.equal(harness.receive(hex('0002 0a0a 0101 ff03 c021 09010008 00000000')).ppp.length, 1);
    assert.equal(harness.inject(0xc021, '0901 0008 00000000').toPeers.length, 1);
  });

  test('of a packet that is fragmented all fragments go or none', () => {
    const harness = new Harness();
    harness.forwarder.addSession(lnsRow({ mtu_bytes: 576, sendRate_bps: 8_000 }));
    const results = Array.from({ length: 11 }, () => harness.fromTun(down4));
    assert.deepEqual(
      results.map(({ toPeers }) => toPeers.length),
      [...Array(10).fill(3), 0],
    );
    assert.deepEqual(results[10]!.drops, { 'rate-exceeded-to-peer': 1 });
  });

  test('a change acts on the packets behind it', () => {
    const harness = open();
    for (let i = 0; i < 12; i++) harness.receive(up4);
    harness.update(0x0101, { receiveRate_bps: 0 });
    for (let i = 0; i < 50; i++) assert.equal(harness.receive(up4).toTun.length, 1);
  });
});
