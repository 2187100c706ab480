/** Log lines that the network can cause: one of a kind at once, then one in a minute. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RatedLog } from '../../../../firmware/control/radius/rated-log.js';
import { RecordedLog } from './recorded-log.js';

test('a kind is told of once, and a minute later again with how many there were; other kinds are on their own', () => {
  const log = new RecordedLog();
  let now_ms = 0;
  const rated = new RatedLog(log, () => now_ms);
  for (now_ms = 0; now_ms < 60_000; now_ms += 10_000) rated.warn('one', { at_s: now_ms / 1000 }, 'it happens');
  rated.info('other', {}, 'something else');
  rated.warn('one', { at_s: 60 }, 'it happens');
  now_ms = 120_000;
  rated.warn('one', { at_s: 120 }, 'it happens');
  assert.deepEqual(log.lines, [
    { level: 'warn', fields: { at_s: 0 }, message: 'it happens' },
    { level: 'info', fields: {}, message: 'something else' },
    { level: 'warn', fields: { at_s: 60, before: 5 }, message: 'it happens' },
    { level: 'warn', fields: { at_s: 120 }, message: 'it happens' },
  ]);
});
