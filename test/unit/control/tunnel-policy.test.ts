import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decideTunnel } from '../../../firmware/control/tunnel-policy.js';
import { DEFAULT_SETTINGS, type Settings } from '../../../firmware/settings.js';

const peer = {
  allowTunnelIdZero: false,
  addressControl: 'detect',
  proxy: 'trust',
  proxyMismatch: 'renegotiate',
  maxSessions: 0,
} as const;

function settings(changes: Partial<Settings['lns']>, tunnelPeers: Settings['tunnelPeers'] = []): Settings {
  return { ...DEFAULT_SETTINGS, lns: { ...DEFAULT_SETTINGS.lns, ...changes }, tunnelPeers };
}

test('the first entry that matches host name and address decides', () => {
  const given = settings({}, [
    { name: 'branch', hostName: 'lac1', address: '192.0.2.0/24', secret: 'one', ...peer },
    { name: 'anyone there', address: '192.0.2.0/24', secret: 'two', ...peer, allowTunnelIdZero: true },
  ]);

  const named = decideTunnel(given, '192.0.2.7', 'lac1');
  const other = decideTunnel(given, '192.0.2.7', 'lac2');

  assert.ok(named.accepted && other.accepted);
  assert.equal(named.policy.peerName, 'branch');
  assert.deepEqual(named.policy.secret, new TextEncoder().encode('one'));
  assert.equal(other.policy.peerName, 'anyone there');
  assert.equal(other.policy.allowTunnelIdZero, true);
});

test('an entry with an IPv4 prefix matches no IPv6 peer', () => {
  const given = settings({ allowUnknownPeers: false }, [{ name: 'all of IPv4', address: '0.0.0.0/0', ...peer }]);

  assert.equal(decideTunnel(given, '198.51.100.1', 'x').accepted, true);
  assert.equal(decideTunnel(given, '2001:db8::1', 'x').accepted, false);
});

test('RFC 2661 section 4.4.2: a stranger is refused with StopCCN result 4 unless strangers are allowed', () => {
  const refused = decideTunnel(settings({ allowUnknownPeers: false }), '192.0.2.1', 'x');
  const allowed = decideTunnel(settings({ allowUnknownPeers: true, defaultSecret: 's' }), '192.0.2.1', 'x');

  assert.ok(!refused.accepted);
  assert.equal(refused.resultCode, 4);
  assert.ok(allowed.accepted);
  assert.deepEqual(allowed.policy.secret, new TextEncoder().encode('s'));
});
