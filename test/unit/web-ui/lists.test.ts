/** What the lists of the box's own pages are made of: lines of the log, ranges of a pool, the file of a backup. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LogLine } from '../../../firmware/api/logs.js';
import { LOG_LEVELS, LOG_PARTS } from '../../../firmware/settings-box.js';
import { fieldText, isWanted, LEVELS, PARTS, withLines } from '../../../web-ui/views/logs/lines.js';
import { rangesOf, rangeText } from '../../../web-ui/views/pools/ranges.js';
import { backupName, isBackup } from '../../../web-ui/views/system/backup-file.js';

const line = (sequence: number, change: Partial<LogLine> = {}): LogLine => ({
  ...{ sequence, time: '2026-11-23T09:00:00.000Z', level: 'info', part: 'control', message: 'tunnel is up' },
  ...{ fields: { tunnelId: 7 }, ...change },
});

test('the page knows the levels and parts that the settings have', () => {
  assert.deepEqual(LEVELS, LOG_LEVELS);
  assert.deepEqual(PARTS, LOG_PARTS);
});

test('a line is shown when it is grave enough, of the part, and has the text in message or fields', () => {
  const all = { level: 'debug', part: '', contains: '' } as const;
  assert.equal(isWanted(line(1), all), true);
  assert.equal(isWanted(line(1), { ...all, level: 'warn' }), false);
  assert.equal(isWanted(line(1, { level: 'fatal' }), { ...all, level: 'error' }), true);
  assert.equal(isWanted(line(1), { ...all, part: 'radius' }), false);
  assert.equal(isWanted(line(1), { ...all, contains: 'TUNNELID":7' }), true);
  assert.equal(isWanted(line(1), { ...all, contains: 'session' }), false);
});

test('new lines stand above those that are there, each once, and the oldest go', () => {
  const sequences = withLines([line(5), line(4)], [line(5), line(7), line(6)], 3).map(({ sequence }) => sequence);
  assert.deepEqual(sequences, [7, 6, 5]);
});

test('the fields of a line are written as names and values', () => {
  assert.equal(
    fieldText({ tunnelId: 7, peer: '192.0.2.1', reason: 'no answer' }),
    'tunnelId=7 peer=192.0.2.1 reason="no answer"',
  );
});

test('ranges are typed one a line, and a lone address is a range too', () => {
  const ranges = rangesOf(['10.0.0.1 - 10.0.0.9', '', ' 10.0.1.1–10.0.1.2 ', '10.0.2.1']);
  assert.deepEqual(ranges, [
    { first: '10.0.0.1', last: '10.0.0.9' },
    { first: '10.0.1.1', last: '10.0.1.2' },
    { first: '10.0.2.1', last: '10.0.2.1' },
  ]);
  assert.deepEqual(ranges.map(rangeText), ['10.0.0.1 - 10.0.0.9', '10.0.1.1 - 10.0.1.2', '10.0.2.1']);
});

test('a backup is known by its format, and its file is named after box and time', () => {
  const backup = {
    format: 'tunnelwerk-backup',
    version: 1,
    createdAt: '2026-11-23T09:12:44Z',
    hostName: 'a/b',
  } as const;
  assert.equal(isBackup(backup), true);
  assert.equal(isBackup({ ...backup, format: 'other' }), false);
  assert.equal(isBackup(null), false);
  assert.equal(isBackup([]), false);
  assert.equal(backupName(backup), 'tunnelwerk-a_b-2026-11-23-0912.json');
});
