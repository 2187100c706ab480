import assert from 'node:assert/strict';
import { test } from 'node:test';
import { applianceConfig } from '../../../firmware/control/appliance-config.js';
import { DEFAULT_SETTINGS } from '../../../firmware/settings.js';
import { validateSettings } from '../../../firmware/store/rules.js';

test('another l2tp.port, which waits for a restart, changes no profile: its call goes on', () => {
  const profile = { name: 'office', server: '192.0.2.1', userName: 'u', password: 'p', tunInterface: 'tw1' };
  const configOf = (port: number) => {
    const document = { ...DEFAULT_SETTINGS, l2tp: { ...DEFAULT_SETTINGS.l2tp, port }, lacClients: [profile] };
    const checked = validateSettings(document, { pools: () => [], userWithFixedAddress: () => undefined });
    assert.ok(checked.ok, JSON.stringify(checked));
    const lacClients = checked.value.lacClients.map((client) => ({ ...client, enabled: true }));
    return applianceConfig({ ...checked.value, lacClients }, { tunOf: () => 1, localPort: 1701, routerId: 1 })
      .lacClients;
  };
  assert.equal(configOf(1702)[0]?.localPort, 1701);
  assert.deepEqual(configOf(1702), configOf(1701));
});
