/** The Ethernet interfaces of a network namespace that has interfaces of several kinds. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { EthernetInterface } from '../../../firmware/linux/ethernet-interfaces.js';
import { Lab, type Namespace } from '../../lab/namespaces.js';
import { labIsMissing } from '../../lab/requirements.js';

const MODULE = new URL('../../../firmware/linux/ethernet-interfaces.js', import.meta.url).href;
const PROGRAM = `import { readEthernetInterfaces } from '${MODULE}'; console.log(JSON.stringify(readEthernetInterfaces()));`;

describe('the Ethernet interfaces of the machine', { skip: labIsMissing() }, () => {
  let lab: Lab;
  let box: Namespace;
  let host: Namespace;

  before(async () => {
    lab = await Lab.open();
    box = await lab.namespace('box');
    host = await lab.namespace('host');
    await lab.cable({ namespace: box, device: 'eth1' }, { namespace: host, device: 'eth1' });
    await box.ip('link set eth1 address 02:00:5e:00:53:0a mtu 1508');
  });
  after(() => lab.close());

  async function read(): Promise<EthernetInterface[]> {
    const { stdout } = await box.run([process.execPath, '--input-type=module', '-e', PROGRAM]);
    return JSON.parse(stdout) as EthernetInterface[];
  }

  async function indexOf(name: string): Promise<number> {
    const { stdout } = await box.run(['cat', `/sys/class/net/${name}/ifindex`]);
    return Number(stdout);
  }

  test('each has its name, index, address and MTU; loopback, TUN devices and tunnels are none', async () => {
    await box.ip(
      'tuntap add mode tun name tun0',
      'link add br0 address 02:00:5e:00:53:0b type bridge',
      'tuntap add mode tap name tap0',
      'link set tap0 address 02:00:5e:00:53:0c',
    );
    const [eth1, br0, tap0] = await Promise.all(['eth1', 'br0', 'tap0'].map(indexOf));
    const interfaces = (await read()).sort((one, other) => one.name.localeCompare(other.name));
    assert.deepEqual(interfaces, [
      { name: 'br0', index: br0, mac: '02:00:5e:00:53:0b', mtu_bytes: 1500, isUp: false },
      { name: 'eth1', index: eth1, mac: '02:00:5e:00:53:0a', mtu_bytes: 1508, isUp: true },
      { name: 'tap0', index: tap0, mac: '02:00:5e:00:53:0c', mtu_bytes: 1500, isUp: false },
    ]);
  });

  test('one that is switched on without a carrier is up, one that is switched off is not', async () => {
    const isUp = async () => (await read()).find(({ name }) => name === 'eth1')?.isUp;
    await host.ip('link set eth1 down');
    assert.equal(await isUp(), true);
    await box.ip('link set eth1 down');
    assert.equal(await isUp(), false);
    await box.ip('link set eth1 up');
    assert.equal(await isUp(), true);
  });

  test('one that is gone is not there', async () => {
    await host.ip('link delete eth1');
    assert.ok(!(await read()).some(({ name }) => name === 'eth1'));
  });
});
