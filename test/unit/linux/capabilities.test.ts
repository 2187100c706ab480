/** The capabilities of a process as proc_pid_status(5) writes them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hasNetAdmin } from '../../../firmware/linux/capabilities.js';

const status = (effective: string): string =>
  `Name:\tnode\nCapInh:\t0000000000001000\nCapPrm:\t000001ffffffffff\nCapEff:\t${effective}\nSeccomp:\t0\n`;

test('CAP_NET_ADMIN is bit 12 of the effective set, whatever the other sets say', () => {
  assert.equal(hasNetAdmin(status('000001ffffffffff')), true);
  assert.equal(hasNetAdmin(status('0000000000001000')), true);
  assert.equal(hasNetAdmin(status('0000000000000000')), false);
  assert.equal(hasNetAdmin(status('000001ffffffefff')), false);
});

test('a kernel that says nothing of capabilities grants none', () => {
  assert.equal(hasNetAdmin('Name:\tnode\n'), false);
});
