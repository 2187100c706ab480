/** Each reason for which the box drops a packet or message has words in both languages. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DROP_REASONS as OF_PACKETS } from '../../../firmware/dataplane/drop-reasons.js';
import { DROP_REASONS as OF_MESSAGES } from '../../../firmware/protocol/l2tp/endpoint-state.js';
import { dropText } from '../../../web-ui/views/overview/drop-words.js';

test('reasons of the packet path: German words; the English are those of the box', () => {
  for (const { name, description } of OF_PACKETS) {
    assert.notEqual(dropText(name, description, 'de'), description, name);
    assert.equal(dropText(name, description, 'en'), description);
  }
});

test('reasons of the control connections: words in both languages without the box', () => {
  for (const reason of OF_MESSAGES) {
    for (const language of ['en', 'de'] as const) assert.notEqual(dropText(reason, '', language), reason);
  }
});

test('a reason of a newer box stands for itself', () => {
  assert.equal(dropText('something-new', '', 'de'), 'something-new');
  assert.equal(dropText('something-new', 'a new thing', 'de'), 'a new thing');
});
