/**
 * Addresses, gateway and routes that the settings name, as the shipped program sets them: seen by the kernel and through the
 * API, and what becomes of them when the program is killed, started again and ended.
 */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Interface } from '../../firmware/api/interfaces.js';
import type { Route } from '../../firmware/api/routes.js';
import type { Settings } from '../../firmware/settings.js';
import { Lab, type Namespace } from '../lab/namespaces.js';
import { labIsMissing } from '../lab/requirements.js';
import { until } from '../lab/until.js';
import { Appliance } from './appliance.js';

const INTERFACES: Settings['interfaces'] = [
  { name: 'eth1', role: 'lan', addressing: 'static', addresses: ['192.168.115.1/24'] },
  { name: 'eth0', role: 'wan', addressing: 'static', addresses: ['192.0.2.1/24'], gateway: '192.0.2.7' },
];
const STATIC_ROUTE = { prefix: '10.9.0.0/16', via: '192.168.115.7', metric: 0 };

describe('addresses and routes that the settings name', { skip: labIsMissing() }, () => {
  let lab: Lab;
  let box: Namespace;
  let admin: Namespace;
  let appliance: Appliance;

  before(async () => {
    lab = await Lab.open();
    [box, admin] = [await lab.namespace('box'), await lab.namespace('admin')];
    const router = await lab.namespace('router');
    const lan = { namespace: admin, device: 'eth0', addresses: ['192.168.115.7/24'] };
    await lab.cable(lan, { namespace: box, device: 'eth1' });
    const wan = { namespace: router, device: 'eth0', addresses: ['192.0.2.7/24'] };
    await lab.cable(wan, { namespace: box, device: 'eth0' });
    appliance = await Appliance.start(lab, box, 'box');
  });
  after(() => lab?.close());

  const staticRoutes = async (): Promise<string[]> => {
    const { stdout } = await box.run(['ip', '-json', 'route', 'show', 'proto', '115']);
    return (JSON.parse(stdout || '[]') as { dst: string; gateway: string }[])
      .map(({ dst, gateway }) => `${dst} ${gateway}`)
      .sort();
  };
  const addressesOf = async (device: string): Promise<string[]> => {
    const { stdout } = await box.run(['ip', '-json', '-4', 'address', 'show', 'dev', device]);
    const [shown] = JSON.parse(stdout) as { addr_info?: { local: string }[] }[];
    return (shown?.addr_info ?? []).map(({ local }) => local);
  };

  it('are in force with the answer to who sets them', async () => {
    await appliance.api.configure({ interfaces: INTERFACES, routing: { staticRoutes: [STATIC_ROUTE] } });
    assert.deepEqual((await appliance.api.status()).problems, []);
    assert.equal((await admin.ping('192.168.115.1')).status, 0);
    assert.deepEqual(await staticRoutes(), ['10.9.0.0/16 192.168.115.7', 'default 192.0.2.7']);
  });

  it('are shown through the API, with what they are for', async () => {
    const interfaces = await appliance.api.demand<Interface[]>('GET', '/api/v1/interfaces');
    const used = interfaces
      .filter(({ role }) => role !== '')
      .map(({ name, role, addressing }) => [name, role, addressing]);
    assert.deepEqual(used.sort(), [
      ['eth0', 'wan', 'static'],
      ['eth1', 'lan', 'static'],
    ]);
    const routes = await appliance.api.demand<Route[]>('GET', '/api/v1/routes');
    const named = routes.filter(({ origin }) => origin === 'static').map(({ prefix, via }) => `${prefix} ${via}`);
    assert.deepEqual(named.sort(), ['0.0.0.0/0 192.0.2.7', '10.9.0.0/16 192.168.115.7']);
  });

  it('are there again when a cable was out, without anybody’s hand', async () => {
    await box.ip('link set eth0 down');
    await until('the gateway is back', 15_000, async () => (await staticRoutes()).includes('default 192.0.2.7'));
  });

  it('survive a kill of the program, and are taken on by the next one', async () => {
    await appliance.kill();
    await appliance.restart();
    await until('all is as before', 10_000, async () => (await staticRoutes()).length === 2);
    await appliance.api.configure({ routing: { staticRoutes: [] } });
    assert.deepEqual(await staticRoutes(), ['default 192.0.2.7']);
  });

  it('go with the end of the program, but for what an administrator comes by', async () => {
    await appliance.stop();
    assert.deepEqual(await staticRoutes(), []);
    assert.deepEqual(await addressesOf('eth0'), []);
    assert.deepEqual(await addressesOf('eth1'), ['192.168.115.1']);
  });
});
