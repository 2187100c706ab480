/** A timer that is set anew after each thing. */
import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import { WakeTimer } from '../../../firmware/control/wake-timer.js';

/** Runs `use` on a clock that begins at 1,000 ms; `pass` lets time go by, and `woken` has when the timer called. */
function onClock(use: (timer: WakeTimer, pass: (ms: number) => number, woken: number[]) => void): void {
  mock.timers.enable({ apis: ['setTimeout'] });
  let now_ms = 1_000;
  const woken: number[] = [];
  const timer = new WakeTimer(
    () => now_ms,
    () => woken.push(now_ms),
  );
  const pass = (ms: number) => {
    for (let i = 0; i < ms; i++) {
      now_ms += 1;
      mock.timers.tick(1);
    }
    return now_ms;
  };
  try {
    use(timer, pass, woken);
  } finally {
    mock.timers.reset();
  }
}

test('wakes once at its time, and then not again until it is set', () => {
  onClock((timer, pass, woken) => {
    timer.set(1_100, 1_000);
    pass(500);
    assert.deepEqual(woken, [1_100]);
  });
});

test('set to a later time again and again, it wakes at the last one', () => {
  onClock((timer, pass, woken) => {
    timer.set(1_100, 1_000);
    for (let now_ms = 1_000; now_ms < 1_300; now_ms = pass(50)) timer.set(now_ms + 100, now_ms);
    pass(500);
    assert.deepEqual(woken, [1_350]);
  });
});

test('set to an earlier time, it wakes then', () => {
  onClock((timer, pass, woken) => {
    timer.set(2_000, 1_000);
    timer.set(1_010, 1_000);
    pass(20);
    assert.deepEqual(woken, [1_010]);
  });
});

test('what was due already is done at once, and what is never due is not', () => {
  onClock((timer, pass, woken) => {
    timer.set(900, 1_000);
    pass(5);
    assert.deepEqual(woken, [1_001]);
    timer.set(1_100, 1_005);
    timer.set(Number.POSITIVE_INFINITY, 1_006);
    pass(500);
    assert.deepEqual(woken, [1_001]);
  });
});

test('stopped, it does not wake; set anew, it does', () => {
  onClock((timer, pass, woken) => {
    timer.set(1_010, 1_000);
    timer.stop();
    pass(50);
    timer.set(1_060, 1_050);
    pass(50);
    assert.deepEqual(woken, [1_060]);
  });
});
