/** The shipped program switches the offloads of its ports, by its settings, and puts them back. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { PortView } from '../../firmware/control/view.js';
import { Lab, type Namespace } from '../lab/namespaces.js';
import { labIsMissing } from '../lab/requirements.js';
import { until } from '../lab/until.js';
import { Appliance } from './appliance.js';

/** The program looks every two seconds. */
const SEEN_MS = 10_000;
const ON = { gro: true, udpGroForwarding: true };
const OFF = { gro: false, udpGroForwarding: false };

describe('routing.portOffload', { skip: labIsMissing() }, () => {
  let lab: Lab;
  let namespace: Namespace;
  let far: Namespace;
  let appliance: Appliance;

  before(async () => {
    lab = await Lab.open();
    namespace = await lab.namespace('box');
    far = await lab.namespace('far');
    await lab.cable({ namespace, device: 'eth0' }, { namespace: far, device: 'eth0' });
    appliance = await Appliance.start(lab, namespace, 'box');
  });
  after(() => lab.close());

  /** What ethtool(8) says of a port. */
  async function features(device: string): Promise<Omit<PortView, 'name'>> {
    const { stdout } = await namespace.run(['ethtool', '-k', device]);
    const isOn = (feature: string) => stdout.includes(`${feature}: on`);
    return { gro: isOn('generic-receive-offload'), udpGroForwarding: isOn('rx-udp-gro-forwarding') };
  }

  it('a box that nobody has told about it has them on, and says so', async () => {
    assert.deepEqual(await features('eth0'), ON);
    const { ports, problems } = await appliance.api.status();
    assert.deepEqual(ports, [{ name: 'eth0', ...ON }]);
    assert.deepEqual(problems, []);
  });

  it('the LNS is switched on: its TUN is no port', async () => {
    await appliance.api.configure({ lns: { enabled: true } });
    await until('the LNS listens', SEEN_MS, async () => (await appliance.api.status()).lns.listening);
    assert.deepEqual((await appliance.api.status()).ports, [{ name: 'eth0', ...ON }]);
  });

  it('a port that is plugged in while the program runs gets the same', async () => {
    await lab.cable({ namespace, device: 'eth1' }, { namespace: far, device: 'eth1' });
    await until('eth1 is seen', SEEN_MS, async () =>
      (await appliance.api.status()).ports.some((port) => port.name === 'eth1' && port.gro),
    );
    assert.deepEqual(await features('eth1'), ON);
  });

  it('without a restart they are off, and on again', async () => {
    await appliance.api.configure({ routing: { portOffload: false } });
    const names = ['eth0', 'eth1'];
    assert.deepEqual(await Promise.all(names.map(features)), [OFF, OFF]);
    assert.deepEqual(
      (await appliance.api.status()).ports,
      names.map((name) => ({ name, ...OFF })),
    );
    await appliance.api.configure({ routing: { portOffload: true } });
    assert.deepEqual(await Promise.all(names.map(features)), [ON, ON]);
  });

  it('at the end they are as they were, after a port has gone meanwhile', async () => {
    await namespace.ip('link delete eth1');
    assert.equal(await appliance.stop(), 0);
    assert.deepEqual(await features('eth0'), OFF);
  });
});
