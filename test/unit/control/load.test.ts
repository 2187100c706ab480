/** What the box has to do, now and minute by minute. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DROP_TEXTS } from '../../../firmware/control/drop-texts.js';
import { Load, type LoadReading } from '../../../firmware/control/load.js';
import { DROP_REASONS } from '../../../firmware/dataplane/interface.js';
import { DROP_REASONS as REASONS_OF_ENDPOINT } from '../../../firmware/protocol/l2tp/endpoint-state.js';

const BEGIN_MS = Date.UTC(2026, 0, 2);
const NOTHING: LoadReading = {
  ...{ receivedOctets: 0, sentOctets: 0, processor_ms: 0, machineBusy_ms: 0, machineIdle_ms: 0, resident_bytes: 1000 },
  ...{ calls: 0, drops: {} },
};

/** A sample a second: 1 Mbit/s received, 2 sent, half a processor, one packet dropped. */
function run(load: Load, seconds: number, each: (second: number) => Partial<LoadReading> = () => ({})): void {
  for (let second = 0; second <= seconds; second++) {
    const reading = {
      ...{ receivedOctets: second * 125_000, sentOctets: second * 250_000, processor_ms: second * 500 },
      ...{ machineBusy_ms: second * 1_000, machineIdle_ms: second * 1_000, drops: { 'wrong-cookie': second } },
    };
    load.note({ ...NOTHING, ...reading, ...each(second) }, BEGIN_MS + second * 1_000);
  }
}

test('before two readings there is nothing to tell', () => {
  const load = new Load();
  assert.equal(load.now().received_bps, 0);
  load.note(NOTHING, BEGIN_MS);
  assert.equal(load.now().cpu_percent, 0);
  assert.deepEqual(load.history().times, []);
});

test('rates are those of the last seconds', () => {
  const load = new Load();
  run(load, 30);
  assert.deepEqual(load.now(), {
    ...{ setupsPerMinute: 0, failuresPerMinute: 0, received_bps: 1_000_000, sent_bps: 2_000_000 },
    ...{ cpu_percent: 50, cpuOfMachine_percent: 50, dropsPerMinute: { 'wrong-cookie': 60 } },
  });
});

test('calls that came up and that failed are counted by the minute', () => {
  const load = new Load();
  run(load, 60, (second) => {
    if (second > 0 && second <= 30) load.setUp();
    if (second === 40) load.failed();
    return { calls: second < 50 ? second : 5 };
  });
  assert.equal(load.now().setupsPerMinute, 30);
  assert.equal(load.now().failuresPerMinute, 1);
  assert.deepEqual(load.history(), {
    interval_s: 60,
    times: ['2026-01-02T00:01:00.000Z'],
    ...{ calls: [49], setups: [30], failures: [1], received_bps: [1_000_000], sent_bps: [2_000_000] },
    ...{ cpu_percent: [50], memory_bytes: [1000] },
  });
});

test('a day is kept, and no more', () => {
  const load = new Load();
  run(load, 25 * 3600);
  const { times } = load.history();
  assert.equal(times.length, 1_440);
  assert.equal(times.at(-1), '2026-01-03T01:00:00.000Z');
});

test('a clock that is set back or forth makes no minute of it', () => {
  const load = new Load();
  run(load, 90);
  load.note({ ...NOTHING, receivedOctets: 90 * 125_000 }, BEGIN_MS - 86_400_000);
  assert.equal(load.history().times.length, 1);
  assert.ok(load.now().cpu_percent >= 0);
});

test('each reason for which a packet is dropped has words', () => {
  const reasons = [...DROP_REASONS.map(({ name }) => name), ...REASONS_OF_ENDPOINT];
  assert.deepEqual(
    reasons.filter((reason) => !DROP_TEXTS[reason]),
    [],
  );
});
