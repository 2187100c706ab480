import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Faults } from '../../../firmware/control/faults.js';

test('the third fault within a minute is too many', () => {
  const faults = new Faults();

  assert.equal(faults.note(0), false);
  assert.equal(faults.note(30_000), false);
  assert.equal(faults.note(59_999), true);
});

test('faults further apart are counted and survived', () => {
  const faults = new Faults();

  for (let minute = 0; minute < 10; minute++) assert.equal(faults.note(minute * 31_000), false);
  assert.equal(faults.count, 10);
});
