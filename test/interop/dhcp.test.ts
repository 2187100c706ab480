/**
 * Addresses by DHCP as the shipped program gets them and gives them out: the provider's server and the laptop's client are
 * others' programs, tshark reads what they say to each other.
 */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { Interface } from '../../firmware/api/interfaces.js';
import type { Overview } from '../../firmware/api/overview.js';
import type { Settings } from '../../firmware/settings.js';
import { Capture } from '../lab/capture.js';
import { Lab, type Namespace } from '../lab/namespaces.js';
import type { Daemon } from '../lab/process.js';
import { labIsMissing } from '../lab/requirements.js';
import { until } from '../lab/until.js';
import { Appliance } from './appliance.js';

const WAN = { name: 'eth0', role: 'wan', addressing: 'dhcp', addresses: [] } as const;
const LAN = { name: 'eth1', role: 'lan', addressing: 'static', addresses: ['192.168.115.1/24'] };
const SERVED = { ...LAN, dhcpServer: { first: '192.168.115.100', last: '192.168.115.199', lease_s: 600 } };
const INTERFACES = [WAN, SERVED] as Settings['interfaces'];
/** The provider's leases end so soon that the tests see them renewed and lost. */
const LEASE_S = 16;
const PROVIDER = [
  ...['interface eth0', 'start 192.0.2.50', 'end 192.0.2.60', 'max_leases 11', 'option subnet 255.255.255.0'],
  ...['option router 192.0.2.1', 'option dns 192.0.2.53 192.0.2.54', 'option ntpsrv 192.0.2.123'],
  ...[`option lease ${LEASE_S}`, 'min_lease 10', ''],
];

describe('addresses by DHCP', { skip: labIsMissing() }, () => {
  let lab: Lab;
  let [box, provider, laptop] = [] as unknown as Namespace[];
  let server: Daemon;
  let appliance: Appliance;
  const nameServers = () => readFileSync(join(lab.folder, 'resolv.conf'), 'utf8');

  before(async () => {
    lab = await Lab.open();
    [box, provider, laptop] = [
      await lab.namespace('box'),
      await lab.namespace('provider'),
      await lab.namespace('laptop'),
    ];
    await lab.cable(
      { namespace: provider, device: 'eth0', addresses: ['192.0.2.1/24'] },
      { namespace: box, device: 'eth0' },
    );
    await lab.cable({ namespace: laptop, device: 'eth0' }, { namespace: box, device: 'eth1' });
    writeFileSync(join(lab.folder, 'resolv.conf'), '');
    appliance = await Appliance.start(lab, box, 'box', ['--name-servers', join(lab.folder, 'resolv.conf')]);
  });
  after(() => lab?.close());

  const startServer = async (lines: readonly string[] = PROVIDER): Promise<void> => {
    const leases = join(lab.folder, 'provider.leases');
    writeFileSync(leases, '', { flag: 'a' });
    writeFileSync(join(lab.folder, 'udhcpd.conf'), [`lease_file ${leases}`, ...lines].join('\n'));
    server = provider.start('udhcpd', ['busybox', 'udhcpd', '-f', join(lab.folder, 'udhcpd.conf')]);
    await server.waitForLine(/started/, { timeout_ms: 5_000 });
  };
  /** IPv4 addresses of a device of the box. */
  const addressesOf = async (device: string): Promise<string[]> => {
    const { stdout } = await box.run(['ip', '-json', '-4', 'address', 'show', 'dev', device]);
    const [shown] = JSON.parse(stdout) as { addr_info?: { local: string; prefixlen: number }[] }[];
    return (shown?.addr_info ?? []).map(({ local, prefixlen }) => `${local}/${prefixlen}`);
  };
  const wayOut = async (): Promise<string> => (await box.run(['ip', '-4', 'route', 'show', 'default'])).stdout.trim();
  const stateOf = async (device: string): Promise<Interface['dhcp']> => {
    const interfaces = await appliance.api.demand<Interface[]>('GET', '/api/v1/interfaces');
    return interfaces.find(({ name }) => name === device)?.dhcp ?? null;
  };
  const codes = async (): Promise<string[]> => {
    const { attention } = await appliance.api.demand<Overview>('GET', '/api/v1/overview');
    return attention.map(({ code }) => code).filter((code) => code.startsWith('dhcp'));
  };
  /** Lines of the programs of this kind that run in the box. */
  const programs = async (name: string): Promise<string[]> => {
    const { stdout } = await box.run(['ip', 'netns', 'pids', box.name]);
    const running = stdout.split('\n').filter(Boolean);
    return running.filter((pid) => commandOf(pid).includes(`busybox ${name} `));
  };
  const commandOf = (pid: string): string => {
    const file = `/proc/${pid}/cmdline`;
    return existsSync(file) ? readFileSync(file, 'latin1').replaceAll('\0', ' ') : '';
  };
  /** What a laptop is given, by the names that udhcpc has for it. */
  const askAsLaptop = async (): Promise<Map<string, string>> => {
    const script = join(lab.folder, 'laptop-event');
    writeFileSync(script, '#!/bin/sh\n[ "$1" = bound ] && env\nexit 0\n', { mode: 0o755 });
    const { stdout } = await laptop.run(['busybox', 'udhcpc', '-f', '-q', '-n', '-i', 'eth0', '-s', script]);
    return new Map(stdout.split('\n').map((line) => line.split('=') as [string, string]));
  };

  it('no server answers: that is said in words, and asking goes on', async () => {
    await appliance.api.configure({ interfaces: INTERFACES });
    assert.deepEqual((await appliance.api.status()).problems, []);
    await until('nobody has answered', 30_000, async () => (await codes()).includes('dhcp-silent'));
    assert.deepEqual(await addressesOf('eth0'), []);
    assert.equal((await stateOf('eth0'))?.state, 'silent');
  });

  it('a server comes: address, default route marked as DHCP’s, name servers and time servers', async () => {
    const capture = await Capture.start(lab, provider, 'eth0', 'wan', 'udp port 67 or udp port 68');
    await startServer();
    await until('the address is there', 30_000, async () => (await addressesOf('eth0')).length === 1);
    await until('the way out is there', 5_000, async () => (await wayOut()) !== '');
    assert.match((await addressesOf('eth0'))[0]!, /^192\.0\.2\.5\d\/24$/);
    assert.match(await wayOut(), /^default via 192\.0\.2\.1 dev eth0 proto dhcp metric 100/);
    await until('the resolver knows', 5_000, async () => nameServers() !== '');
    assert.equal(nameServers(), 'nameserver 192.0.2.53\nnameserver 192.0.2.54\n');
    const { state, server: from, timeServers } = (await stateOf('eth0'))!;
    assert.deepEqual([state, from, timeServers], ['bound', '192.0.2.1', ['192.0.2.123']]);
    assert.deepEqual(await codes(), []);
    assert.equal((await box.ping('192.0.2.1')).status, 0);
    // RFC 2131 section 3.1: DISCOVER 1, OFFER 2, REQUEST 3, ACK 5; option 12 is the host name.
    const fields = ['-e', 'dhcp.option.dhcp', '-e', 'dhcp.option.hostname', '-e', '_ws.malformed'];
    const path = await capture.stop();
    const { stdout } = await provider.run([
      'tshark',
      '-r',
      path,
      '-Y',
      'dhcp',
      '-T',
      'fields',
      '-E',
      'separator=,',
      ...fields,
    ]);
    assert.deepEqual(stdout.trim().split('\n').slice(-4), ['1,tunnelwerk,', '2,,', '3,tunnelwerk,', '5,,']);
  });

  it('the lease is renewed before it ends, and nothing changes', async () => {
    const [address] = await addressesOf('eth0');
    const acknowledged = server.waitForLine(/sending ACK/, { from: server.lineCount, timeout_ms: LEASE_S * 1000 });
    await acknowledged;
    assert.deepEqual(await addressesOf('eth0'), [address]);
  });

  it('a cable that was out and in again: it is asked anew at once, for the same address', async () => {
    const [address] = await addressesOf('eth0');
    const from = server.lineCount;
    await provider.ip('link set eth0 down');
    await until('the missing cable is said', 10_000, async () => (await codes()).includes('dhcp-no-carrier'));
    assert.deepEqual(await addressesOf('eth0'), [address]);
    await provider.ip('link set eth0 up');
    await server.waitForLine(/sending ACK/, { from, timeout_ms: 10_000 });
    await until('all is well', 5_000, async () => (await codes()).length === 0);
    assert.deepEqual(await addressesOf('eth0'), [address]);
  });

  it('a client program that dies is started again, and one alone', async () => {
    const [former] = await programs('udhcpc');
    process.kill(Number(former), 'SIGKILL');
    await until('another one runs', 10_000, async () => {
      const [now, ...others] = await programs('udhcpc');
      return now !== undefined && now !== former && others.length === 0;
    });
  });

  it('the program is killed: nobody asks behind its back, and the next one takes up what is there', async () => {
    await appliance.kill();
    await until('its children are gone', 5_000, async () => {
      return (await programs('udhcpc')).length + (await programs('udhcpd')).length === 0;
    });
    const wayOutBefore = await wayOut();
    await appliance.restart();
    assert.equal(await wayOut(), wayOutBefore);
    await until('it is bound', 15_000, async () => (await stateOf('eth0'))?.state === 'bound');
    await until('one address', 5_000, async () => (await addressesOf('eth0')).length === 1);
    assert.equal(await wayOut(), wayOutBefore);
  });

  it('the server gives another address when it is asked again: the one before goes', async () => {
    await server.stop();
    await startServer(
      PROVIDER.map((line) => line.replace('192.0.2.50', '192.0.2.70').replace('192.0.2.60', '192.0.2.80')),
    );
    await until('the other address', LEASE_S * 3_000, async () =>
      /^192\.0\.2\.7\d/.test((await addressesOf('eth0'))[0] ?? ''),
    );
    await until('that one alone', 5_000, async () => (await addressesOf('eth0')).length === 1);
    assert.match(await wayOut(), /^default via 192\.0\.2\.1 dev eth0 proto dhcp metric 100/);
  });

  it('no server answers any more: the address goes when its time is over, RFC 2131 section 4.4.5', async () => {
    await server.stop();
    await until('the address is gone', LEASE_S * 2_000, async () => (await addressesOf('eth0')).length === 0);
    assert.equal(await wayOut(), '');
    await until('that is said', 30_000, async () => (await codes()).includes('dhcp-silent'));
  });

  it('a network that the LAN has already is not taken, and that is said', async () => {
    await provider.address('eth0', '192.168.115.254/24');
    await startServer(
      PROVIDER.map((line) =>
        line
          .replace('192.0.2.50', '192.168.115.10')
          .replace('192.0.2.60', '192.168.115.20')
          .replace('router 192.0.2.1', 'router 192.168.115.254'),
      ),
    );
    await until('that is said', 30_000, async () => (await codes()).includes('dhcp-overlapping'));
    assert.deepEqual(await addressesOf('eth0'), []);
    assert.equal(await wayOut(), '');
    await server.stop();
  });

  it('a laptop at the LAN gets an address, and neither a router nor a name server', async () => {
    const given = await askAsLaptop();
    assert.match(given.get('ip') ?? '', /^192\.168\.115\.1\d\d$/);
    const names = ['mask', 'serverid', 'lease', 'router', 'dns'];
    assert.deepEqual(
      names.map((name) => given.get(name)),
      ['24', '192.168.115.1', '600', undefined, undefined],
    );
    await laptop.ip('link set eth0 up', `address replace ${given.get('ip')}/24 dev eth0`);
    assert.equal((await laptop.ping('192.168.115.1')).status, 0);
  });

  it('the same laptop gets the same address after the program was started anew', async () => {
    const before = (await askAsLaptop()).get('ip');
    await appliance.stop();
    await appliance.restart();
    await until('it serves', 10_000, async () => (await programs('udhcpd')).length === 1);
    assert.equal((await askAsLaptop()).get('ip'), before);
  });

  it('where it is switched off nobody is given an address any more', async () => {
    await appliance.api.configure({ interfaces: [WAN, LAN] as Settings['interfaces'] });
    await until('nobody serves', 5_000, async () => (await programs('udhcpd')).length === 0);
    await assert.rejects(askAsLaptop());
  });

  it('with the end of the program all of it ends', async () => {
    assert.equal(await appliance.stop(), 0);
    assert.deepEqual([await programs('udhcpc'), await programs('udhcpd')], [[], []]);
    assert.deepEqual(await addressesOf('eth0'), []);
  });
});
