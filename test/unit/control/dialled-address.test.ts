import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dialledAddress } from '../../../firmware/control/dialled-address.js';

test('addresses are given in the form in which packets come from them', () => {
  assert.equal(dialledAddress('192.0.2.1'), '192.0.2.1');
  assert.equal(dialledAddress('2001:0db8:0::0001'), '2001:db8::1');
  assert.equal(dialledAddress('::ffff:192.0.2.1'), '192.0.2.1');
  assert.equal(dialledAddress('::ffff:c000:201'), '192.0.2.1');
  assert.equal(dialledAddress('2001:db8::ffff:c000:201'), '2001:db8::ffff:c000:201');
});

test('a link-local address with its zone, as the resolver has for _gateway, cannot be dialled', () => {
  assert.equal(dialledAddress('fe80::1%eth0'), undefined);
  assert.equal(dialledAddress('fe80::1%2'), undefined);
});
