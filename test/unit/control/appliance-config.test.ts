import assert from 'node:assert/strict';
import { test } from 'node:test';
import { applianceConfig } from '../../../firmware/control/appliance-config.js';
import { DEFAULT_SETTINGS } from '../../../firmware/settings.js';
import { validateSettings } from '../../../firmware/store/rules.js';

const OUTSIDE = {
  pools: () => [],
  userWithFixedAddress: () => undefined,
  userOfPool: () => undefined,
  userOfTunnelGroup: () => undefined,
  userOfFilter: () => undefined,
  settings: () => DEFAULT_SETTINGS,
};

test('RFC 3931 section 5.4.3: the pseudowire types offered are those that control messages set up', () => {
  const far = { peer: '192.0.2.2', remoteEndId: 'lan' };
  const ids = { peer: '192.0.2.2', localSessionId: 1, peerSessionId: 2 };
  const pseudowires = [
    { name: 'a', mode: 'listen', type: 'ethernet', tapInterface: 'tap-a', ...far },
    { name: 'b', mode: 'static', type: 'vlan', vlanId: 7, tapInterface: 'tap-b', ...ids },
  ];
  const checked = validateSettings({ ...DEFAULT_SETTINGS, pseudowires }, OUTSIDE);
  assert.ok(checked.ok, JSON.stringify(checked));
  const { endpoint } = applianceConfig(checked.value, {
    tunOf: () => 1,
    localPort: 1701,
    routerId: 1,
    pppoeInterfaces: [],
    accountingPrefix: '',
  });
  assert.deepEqual(endpoint.pseudowireTypes, [5]);
});

test('another l2tp.port, which waits for a restart, changes no profile: its call goes on', () => {
  const profile = { name: 'office', server: '192.0.2.1', userName: 'u', password: 'p', tunInterface: 'tw1' };
  const configOf = (port: number) => {
    const document = { ...DEFAULT_SETTINGS, l2tp: { ...DEFAULT_SETTINGS.l2tp, port }, lacClients: [profile] };
    const checked = validateSettings(document, OUTSIDE);
    assert.ok(checked.ok, JSON.stringify(checked));
    const lacClients = checked.value.lacClients.map((client) => ({ ...client, enabled: true }));
    return applianceConfig(
      { ...checked.value, lacClients },
      { tunOf: () => 1, localPort: 1701, routerId: 1, pppoeInterfaces: [], accountingPrefix: '' },
    ).lacClients;
  };
  assert.equal(configOf(1702)[0]?.localPort, 1701);
  assert.deepEqual(configOf(1702), configOf(1701));
});
