/** What the overview says: each thing that needs attention and each reason for a drop has words in both languages. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ATTENTION_CODES } from '../../../firmware/control/attention.js';
import { DROP_TEXTS } from '../../../firmware/control/drop-texts.js';
import { attentionText } from '../../../web-ui/views/overview/attention-words.js';
import { dropText } from '../../../web-ui/views/overview/drop-words.js';

const PARAMETERS = {
  ...{ what: 'Was', advice: 'Rat', address: '192.0.2.9', service: 'accounting', since: '2026-01-02T03:04:05.678Z' },
  ...{ waiting: 101, name: 'office', size: 20, leased: 19, failuresPerMinute: 12, setupsPerMinute: 3 },
  ...{ server: '192.0.2.1', until: '2026-01-02T03:05:05.678Z', lastError: 'no answer', left: 7 },
  ...{
    reason: 'too-big',
    perMinute: 900,
    givenUp: 5,
    pools: 'office',
    other: 'lan',
    days: 9,
    notAfter: '2026-01-02T03:04:05.678Z',
  },
};
const attention = (code: string) => ({
  severity: 'error' as const,
  code,
  parameters: PARAMETERS,
  text: 'text',
  link: '',
});

test('what needs attention is told in a sentence of each language, with what it is about', () => {
  for (const code of ATTENTION_CODES) {
    const [english, german] = [attentionText(attention(code), 'en'), attentionText(attention(code), 'de')];
    assert.notEqual(english, 'Text.', code);
    if (code !== 'problem') assert.notEqual(english, german, code);
    for (const said of [english, german]) {
      assert.match(said, /^\S.*\.$/);
      assert.doesNotMatch(said, /undefined|NaN|Invalid|T03:04/, code);
    }
  }
  assert.match(attentionText(attention('pool-full'), 'de'), /Pool office ist voll.*20 Adressen/);
});

test('a box that knows more says it in its own words', () => {
  assert.equal(attentionText({ ...attention('of tomorrow'), text: 'the moon is full' }, 'de'), 'The moon is full.');
  assert.equal(dropText('of tomorrow', 'a packet from the moon', 'de'), 'a packet from the moon');
});

test('each reason for which a packet or message is dropped has German words; the English are those of the box', () => {
  for (const [reason, english] of Object.entries(DROP_TEXTS)) {
    const german = dropText(reason, english, 'de');
    assert.ok(german !== english && german !== reason, reason);
    assert.equal(dropText(reason, english, 'en'), english);
  }
});
