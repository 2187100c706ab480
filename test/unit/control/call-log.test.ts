import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CallLog } from '../../../firmware/control/call-log.js';

function lines(): { log: CallLog; said: Record<string, unknown>[] } {
  const said: Record<string, unknown>[] = [];
  const say = (fields: object, message: string) => said.push({ ...fields, message });
  return { log: new CallLog({ info: say, warn: say, error: say }), said };
}

test('refusals are said ten at once, then one in ten seconds, with the number of those not said', () => {
  const { log, said } = lines();

  for (let i = 0; i < 1000; i++) log.userRefused('mallory', 'pap', 1000 + i);
  assert.equal(said.length, 10);
  log.userRefused('mallory', 'pap', 12_000);

  assert.deepEqual(said[10], { user: 'mallory', protocol: 'pap', refusalsNotLogged: 990, message: 'user refused' });
  for (let second = 13; second < 1000; second++) log.userRefused('mallory', 'pap', second * 1000);
  assert.ok(said.length <= 11 + 99, `${said.length} lines`);
});

test('users and tunnels that are refused share one rate', () => {
  const { log, said } = lines();

  for (let i = 0; i < 20; i++) log.tunnelRefused('192.0.2.1', 'stranger', 'unknown', 1000);
  log.userRefused('mallory', 'pap', 1000);

  assert.equal(said.length, 10);
  assert.deepEqual(said[0], {
    peer: '192.0.2.1',
    peerHostName: 'stranger',
    reason: 'unknown',
    message: 'tunnel refused',
  });
});

test('a profile that dials again says why, one that is switched off does not', () => {
  const { log, said } = lines();

  log.dialEnded('lac-client', 'office', 'the LNS does not answer', 2_000);
  log.dialEnded('lac-client', 'office', 'the profile was switched off', undefined);

  assert.deepEqual(said, [
    { profile: 'office', reason: 'the LNS does not answer', redialAfter_ms: 2_000, message: 'LAC client is down' },
  ]);
});
