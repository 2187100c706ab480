/** What is made of udhcpc's events, and what udhcpd is told. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseEvent } from '../../../firmware/linux/dhcp-client.js';
import { emitConfiguration } from '../../../firmware/linux/dhcp-server.js';

const BOUND = 'bound|192.0.2.5|24|192.0.2.1 192.0.2.2|192.0.2.53 192.0.2.54|192.0.2.123|192.0.2.1|3600';

test('a lease has address, gateway, name servers, time servers and its time', () => {
  assert.deepEqual(parseEvent(BOUND), {
    name: 'bound',
    lease: {
      ...{ address: '192.0.2.5/24', gateway: '192.0.2.1', server: '192.0.2.1' },
      ...{ nameServers: ['192.0.2.53', '192.0.2.54'], timeServers: ['192.0.2.123'] },
    },
    lease_s: 3600,
  });
});

test('what a server leaves out is left out: RFC 2132 makes no option but the type a must', () => {
  const { lease } = parseEvent('bound|192.0.2.5|24|||||60')!;
  assert.deepEqual(lease, { address: '192.0.2.5/24', gateway: '', nameServers: [], timeServers: [], server: '' });
});

test('without an address, or without the length of its network, there is no lease', () => {
  for (const line of ['bound||24|||||60', 'bound|192.0.2.5||||||60', 'bound|192.0.2.5|33|||||60', 'leasefail|||||||']) {
    assert.equal(parseEvent(line)?.lease, undefined, line);
  }
});

test('a line that is not of the script is no event, whatever it says', () => {
  fc.assert(
    fc.property(fc.string(), (line) => {
      const event = parseEvent(line);
      assert.ok(event === undefined || line.split('|').length === 8);
      assert.ok(event?.lease === undefined || /^[\d./]+$/.test(event.lease.address));
    }),
  );
});

test('addresses that are none are left out: no text of a server reaches a file of the box', () => {
  const { lease } = parseEvent('bound|192.0.2.5|24|x;y 192.0.2.1|$(id) 192.0.2.53|ntp.example|evil|60')!;
  assert.deepEqual([lease?.gateway, lease?.nameServers, lease?.timeServers], ['192.0.2.1', ['192.0.2.53'], []]);
  assert.equal(lease?.server, '');
});

test('udhcpd is told range, mask and time, room for all of the range, and of no router and no name server', () => {
  const range = { first: '192.168.115.100', last: '192.168.115.199', lease_s: 600 };
  const service = { interface: 'eth1', address: '192.168.115.1', mask: '255.255.255.0', ...range };
  const lines = emitConfiguration(service, '/run/x').split('\n');
  for (const line of ['interface eth1', 'start 192.168.115.100', 'end 192.168.115.199', 'max_leases 100']) {
    assert.ok(lines.includes(line), line);
  }
  assert.deepEqual(
    lines.filter((line) => line.startsWith('option ')),
    ['option subnet 255.255.255.0', 'option lease 600'],
  );
});
