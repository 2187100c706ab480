/** Each reason for which a call fails is told in German, with what it is about. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FAILURES, type FailureCode, failure } from '../../../firmware/control/traces/failure.js';
import { failureText } from '../../../web-ui/views/traces/failure-words.js';

const placeholders = (text: string) => [...text.matchAll(/\{(\w+)\}/g)].map(([, name]) => name!).sort();
const CODES = Object.keys(FAILURES) as FailureCode[];

test('each code has German words that name the same things as the English ones', () => {
  for (const code of CODES) {
    const names = placeholders(FAILURES[code]);
    const said = failure(code, 5, Object.fromEntries(names.map((name) => [name, `<${name}>`])));
    const german = failureText(said, 'de');
    assert.notEqual(german, said.text, code);
    for (const name of names) assert.ok(german.includes(`<${name}>`), `${code} does not say {${name}}: ${german}`);
    assert.doesNotMatch(german, /[{}]|undefined/);
    assert.equal(failureText(said, 'en'), said.text);
  }
});

test('a refused tunnel: the Result Code in German words, the message as the LNS wrote it', () => {
  const parameters = { server: '192.0.2.1', result: 'no authorization (StopCCN result 4)', message: ', "who are you"' };

  const german = failureText(failure('tunnel-refused', 5, parameters), 'de');

  assert.match(
    german,
    /^der LNS 192\.0\.2\.1 hat den Tunnel abgelehnt: keine Berechtigung \(StopCCN result 4\), "who are you";/,
  );
});
