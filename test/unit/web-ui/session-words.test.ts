/** What a session's page says and plots: rates from counters, and what was settled in sentences. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { extremes } from '../../../web-ui/parts/extremes.js';
import { NO_RATES, withReading } from '../../../web-ui/views/sessions/live-rate.js';
import { negotiatedWords } from '../../../web-ui/views/sessions/negotiated-words.js';
import { SESSION } from '../api/box.js';

const FIGURES = { rate: (value: number) => `${value} bit/s`, duration: (length: number) => `${length} s` };
const reading = (at_ms: number, receivedOctets: number, sentOctets: number) => ({ at_ms, receivedOctets, sentOctets });

test('a rate is what came between two readings, by the time that passed; fallen counters are no negative rate', () => {
  const one = withReading(NO_RATES, reading(1000, 100, 0), reading(3000, 1100, 250));
  assert.deepEqual(one, { times_s: [3], received_bps: [4000], sent_bps: [1000] });

  const two = withReading(one, reading(3000, 1100, 250), reading(4000, 5, 250));
  assert.deepEqual(two, { times_s: [3, 4], received_bps: [4000, 0], sent_bps: [1000, 0] });
  assert.equal(withReading(two, reading(4000, 5, 250), reading(4000, 9, 250)), two, 'no time has passed');
});

test('only the last readings are kept', () => {
  let rates = NO_RATES;
  for (let at = 1; at < 2000; at += 1) rates = withReading(rates, reading(at - 1, 0, 0), reading(at, 0, 0));
  assert.equal(rates.times_s.length, 300);
  assert.equal(rates.received_bps.length, 300);
});

test('what was settled stands in sentences of both languages, and what was not is left out', () => {
  const english = negotiatedWords(SESSION, 'en', FIGURES);
  assert.ok(english.includes('The user was authenticated by MS-CHAPv2.'));
  assert.ok(english.includes("L2TPv2 over UDP, the peer's port is 1701."));
  assert.ok(english.includes('Packet filters: web.'));
  assert.ok(english.includes('From the user at most 1000000 bit/s.'));
  assert.ok(!english.some((line) => /cookie|Towards the user|nothing passes|PPPoE/.test(line)));
  assert.equal(negotiatedWords(SESSION, 'de', FIGURES).length, english.length);

  const atLac = { ...SESSION, role: 'lac' as const, tunnelId: 0, authentication: '', cookie_bytes: 8 };
  const pppoe = {
    interface: 'eth1',
    mac: '02:00:5e:00:53:01',
    sessionId: 3,
    vlanIds: [7, 42],
    serviceName: '',
    circuitId: '',
  };
  const german = negotiatedWords({ ...atLac, pppoe }, 'de', FIGURES);
  assert.ok(german.includes('PPPoE-Sitzung 3 an eth1 mit dem Rechner 02:00:5e:00:53:01.'));
  assert.ok(german.includes('VLAN 7, 42.'));
  assert.ok(german.includes('Es gab keine Authentifizierung.'));
});

test('the words of a plot: lowest, highest and where, last; gaps are passed over', () => {
  assert.deepEqual(extremes([null, 5, 2, 9, 9, 3, null]), { lowest: 2, highest: 9, highestAt: 3, last: 3 });
  assert.equal(extremes([null]), undefined);
});
